"""The reduced-form allowance price of Carmona and Hinz (2011): bounded by the penalty, nought or penalty at the end.

One compliance period with penalty pi: A_t = pi Phi(xi_t), the penalty times the probability of a shortage, with
    d xi = z/2 xi dt + sqrt(z) dW,  z_t = beta (T - t)^(-alpha),  alpha >= 1, beta > 0,
so that A is a martingale, 0 < A < pi, and A_T is nought or pi. Over [t, s] with 1 + nu = exp(int z):
    xi_s ~ N(xi_t sqrt(1 + nu), nu).
Source: R. Carmona and J. Hinz, "Risk-neutral models for emission allowance prices and option valuation", Management
Science 57(8), 2011; option and delta in closed form by the bivariate normal distribution, derived here.

Domain: one compliance period that ends without carrying over. Where the penalty is a multiple of a price there is no
fixed bound, and the penalty is an estimate; `scheme_warnings` says for each scheme what the model cannot.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.allowances import CREDITS, Scheme
from carbonfin.kernel.errors import InvalidInput
from pricing.calc.models.cautions import FloatArray, ModelCode, ModelWarning, finite, not_negative, positive
from pricing.calc.normal import bivariate_normal_cdf, normal_cdf, normal_ppf


@dataclass(frozen=True, slots=True, kw_only=True)
class CompliancePeriod:
    """One compliance period of a scheme.

    Attributes:
        penalty_per_t: pi, what a tonne short costs, contract currency per tonne.
        compliance_years: T, act/365 years from the same origin as all other times.
        alpha: How fast uncertainty resolves towards the end, at least 1.
        beta: Its size, above nought; it means something only beside its penalty.
    """

    penalty_per_t: float
    compliance_years: float
    alpha: float
    beta: float

    def __post_init__(self) -> None:
        """Refuse parameters outside the model."""
        positive(self.penalty_per_t, field="penalty_per_t", zh="罚金")
        positive(self.beta, field="beta", zh="参数 beta")
        finite(self.compliance_years, field="compliance_years", zh="履约时点")
        if not self.alpha >= 1.0:
            raise InvalidInput(
                f"alpha is {self.alpha}; it must be at least 1",
                zh=f"参数 alpha 为 {self.alpha}，应不小于 1",
                field="alpha",
            )


def integrated_rate(period: CompliancePeriod, *, from_years: npt.ArrayLike, to_years: npt.ArrayLike) -> FloatArray:
    """Give int z over [t, s], infinite at the compliance date.

    beta ln((T-t)/(T-s)) for alpha 1, else beta/(alpha-1) [(T-s)^(1-alpha) - (T-t)^(1-alpha)], which is taken as
    beta (T-t)^(1-alpha) [e^((alpha-1) L) - 1] / (alpha-1), L = ln((T-t)/(T-s)), so that nothing cancels near alpha 1.

    Raises:
        InvalidInput: The times are not in order or lie beyond the compliance date.
    """
    start = finite(from_years, field="from_years", zh="起始时点")
    end = finite(to_years, field="to_years", zh="终止时点")
    if not (
        np.all(start <= end) and np.all(end <= period.compliance_years) and np.all(start < period.compliance_years)
    ):
        raise InvalidInput(
            f"times must be in order and before {period.compliance_years}",
            zh="时点须依次排列且不晚于履约时点",
            field="to_years",
        )
    left_start, left_end = period.compliance_years - start, period.compliance_years - end
    with np.errstate(divide="ignore"):
        shrinkage = np.log1p((end - start) / left_end)
    if period.alpha == 1.0:
        return np.asarray(period.beta * shrinkage)
    power = period.alpha - 1.0
    with np.errstate(over="ignore"):
        return np.asarray(period.beta * left_start**-power * np.expm1(power * shrinkage) / power)


def state_of(period: CompliancePeriod, price_per_t: npt.ArrayLike) -> FloatArray:
    """Give xi = Phi^-1(A / pi) of allowance prices.

    Raises:
        InvalidInput: A price does not lie between nought and the penalty.
    """
    price = positive(price_per_t, field="price_per_t", zh="配额价格")
    if not np.all(price < period.penalty_per_t):
        raise InvalidInput(
            f"a price lies at or above the penalty {period.penalty_per_t}",
            zh=f"配额价格不低于罚金 {period.penalty_per_t}，超出模型范围",
            field="price_per_t",
            remedy="Estimate the penalty anew, or take another model.",
            remedy_zh="请重新估计罚金，或改用其他模型。",
        )
    return normal_ppf(np.asarray(price / period.penalty_per_t))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AllowanceOption:
    """Values of options on the allowance itself, contract currency per tonne; digital pays one.

    Attributes:
        delta: Slope of the call in the allowance price, undiscounted price in, discounted value out.
    """

    call_per_t: FloatArray
    put_per_t: FloatArray
    digital_call: FloatArray
    delta: FloatArray


def option(
    period: CompliancePeriod,
    *,
    price_per_t: npt.ArrayLike,
    strike_per_t: npt.ArrayLike,
    now_years: npt.ArrayLike,
    expiry_years: npt.ArrayLike,
    discount_factor: npt.ArrayLike,
) -> AllowanceOption:
    """Give European options on the allowance, element by element.

    With x* = Phi^-1(K/pi) and d = (xi sqrt(1+nu) - x*) / sqrt(nu):
    call = D [pi Phi2(xi, d; sqrt(nu/(1+nu))) - K Phi(d)], put = call - D (A - K), digital = D Phi(d),
    delta = D Phi((xi / sqrt(1+nu) - x*) sqrt((1+nu)/nu)). At K >= pi the call is worth nothing.

    Args:
        period: The compliance period.
        price_per_t: A, between nought and the penalty.
        strike_per_t: K, not negative.
        now_years: t.
        expiry_years: After t, not after the compliance date.
        discount_factor: D to the payment.

    Raises:
        InvalidInput: A price, strike or time outside the model.
    """
    strike = not_negative(strike_per_t, field="strike_per_t", zh="行权价")
    factor = positive(discount_factor, field="discount_factor", zh="贴现因子")
    xi = state_of(period, price_per_t)
    rate = integrated_rate(period, from_years=now_years, to_years=expiry_years)
    if not np.all(rate > 0.0):
        raise InvalidInput("the option expires at once", zh="期权到期日须晚于估值时点", field="expiry_years")
    price = np.asarray(price_per_t, dtype=np.float64)
    xi, strike, rate, factor, price = np.broadcast_arrays(xi, strike, rate, factor, price)
    level = normal_ppf(np.minimum(strike / period.penalty_per_t, 1.0))
    # nu = exp(I) - 1; ratios by exp(-I), which stays finite where I is infinite at the compliance date.
    decay = np.exp(-rate)
    unresolved = np.sqrt(-np.expm1(-rate))
    with np.errstate(invalid="ignore"):
        reach = np.where(np.isinf(level), -level, (xi - level * np.sqrt(decay)) / unresolved)
        slope = np.where(np.isinf(level), -level, (xi * np.sqrt(decay) - level) / unresolved)
    digital = normal_cdf(reach)
    inside = period.penalty_per_t * bivariate_normal_cdf(xi, reach, unresolved)
    call = np.where(strike >= period.penalty_per_t, 0.0, np.maximum(factor * (inside - strike * digital), 0.0))
    return AllowanceOption(
        call_per_t=call,
        put_per_t=np.maximum(call - factor * (price - strike), 0.0),
        digital_call=factor * digital,
        delta=factor * normal_cdf(slope),
    )


def simulated_prices(
    period: CompliancePeriod, *, price_per_t: float, times_years: FloatArray, path_count: int, seed: int
) -> FloatArray:
    """Draw price paths by the exact transition, shape (paths, times); the first time is now.

    At the compliance date itself the price is nought or the penalty.

    Raises:
        InvalidInput: Times are not in order, or as `state_of`.
    """
    random = np.random.default_rng(seed)
    xi = np.full(path_count, float(state_of(period, np.array([price_per_t]))[0]))
    paths = np.empty((path_count, times_years.size))
    paths[:, 0] = price_per_t
    for place in range(1, times_years.size):
        rate = float(integrated_rate(period, from_years=times_years[place - 1], to_years=times_years[place]))
        draw = random.standard_normal(path_count)
        # Scaled by exp(-I/2), so that the last step, where I is infinite, keeps the sign of xi and nothing else.
        scaled = xi + np.sqrt(-np.expm1(-rate)) * draw
        if np.isinf(rate):
            paths[:, place] = np.where(scaled > 0.0, period.penalty_per_t, 0.0)
            xi = np.where(scaled > 0.0, np.inf, -np.inf)
        else:
            xi = scaled * np.exp(0.5 * rate)
            paths[:, place] = period.penalty_per_t * normal_cdf(xi)
    return paths


def scheme_warnings(scheme: Scheme) -> tuple[ModelWarning, ...]:
    """Give what the model cannot say of a scheme: it stands beside another model and never alone for Shenzhen."""
    if scheme in CREDITS:
        return (
            ModelWarning(
                code=ModelCode.NOT_FOR_CREDITS,
                zh="减排量没有履约罚金作为价格上限，该模型不适用",
                en="credits have no penalty that bounds their price: the model does not apply",
            ),
        )
    if scheme is Scheme.EUA:
        return (
            ModelWarning(
                code=ModelCode.PENALTY_IS_NO_BOUND,
                zh="欧盟罚金之外仍须补缴配额，罚金不是价格上限；须与下一期价值合并计算",
                en="the fine comes on top of surrender in the next period: it is no bound without that period's value",
            ),
        )
    found = ModelWarning(
        code=ModelCode.PENALTY_ESTIMATED,
        zh="罚款为市场均价的倍数，没有固定上限，所用罚金为估计值",
        en="the fine is a multiple of a mean price: there is no fixed bound, and the penalty used is an estimate",
    )
    if scheme is not Scheme.SZA:
        return (found,)
    alone = ModelWarning(
        code=ModelCode.NOT_ALONE_FOR_SHENZHEN,
        zh="深圳配额按年度分别交易且成交稀薄，该模型不能单独用于估值",
        en="Shenzhen's vintages trade apart and seldom: the model is never used alone",
    )
    return found, alone
