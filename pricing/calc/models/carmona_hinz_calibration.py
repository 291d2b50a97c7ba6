"""Fitting Carmona and Hinz to a price path by maximum likelihood, and to option quotes by least squares.

The market price of risk h shifts the drift of the state and is hardly seen in one path; it is fitted so as not to bias
alpha and beta, and its error says how little is known of it.
"""

from dataclasses import dataclass

import numpy as np

from carbonfin.kernel.errors import InvalidInput, MissingData
from pricing.calc.models.carmona_hinz import CompliancePeriod, integrated_rate, option, state_of
from pricing.calc.models.cautions import (
    FloatArray,
    ModelCode,
    ModelWarning,
    kurtosis_warnings,
    positive,
    uncertainty_unknown,
)
from pricing.calc.models.fitting import Objective, minimised, standard_errors

_FEWEST_PRICES = 30
_ON_BOUND = 1e-4
_START = np.array([1.3, 0.8, 0.1])


_NO_BETTER_KNOWN = 1e-6  # share of the allowance price: no quote is known better than this
_POOR_FIT = 0.02  # share of the allowance price


@dataclass(frozen=True, slots=True, kw_only=True)
class FitErrors:
    """Standard errors.

    Attributes:
        alpha: None where alpha stands on its bound of 1: the others are then given alpha.
        beta: Of beta.
        risk_price: Of h; None where it is not fitted.
    """

    alpha: float | None
    beta: float
    risk_price: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PathFit:
    """Parameters fitted to one path, with their uncertainty.

    Attributes:
        period: The period with the fitted alpha and beta.
        risk_price: h.
        negative_log_likelihood: Of the increments of the state, without constants.
        errors: Standard errors of alpha, beta and h; None where the likelihood is flat in some direction.
        warnings: What to know before using the fit.
    """

    period: CompliancePeriod
    risk_price: float
    negative_log_likelihood: float
    errors: FitErrors | None
    warnings: tuple[ModelWarning, ...]


def negative_log_likelihood(
    period: CompliancePeriod, *, times_years: FloatArray, prices_per_t: FloatArray, risk_price: float
) -> float:
    """Give the negative log-likelihood of a path's states.

    The sum of ln(v)/2 + (x_s - x_t e^(I/2) - h sqrt(I dt))^2 / (2 v),
    v = e^I - 1; constants are left out.
    """
    residual, log_deviation = _scaled_residuals(period, times_years, prices_per_t, risk_price)
    return float(np.sum(log_deviation + 0.5 * residual**2))


def fit_path(
    *, penalty_per_t: float, compliance_years: float, times_years: FloatArray, prices_per_t: FloatArray
) -> PathFit:
    """Fit alpha, beta and h to one path of prices by maximum likelihood.

    Raises:
        MissingData: Fewer than thirty prices.
        InvalidInput: Times are not increasing, or a price lies outside nought to the penalty.
    """
    if prices_per_t.size < _FEWEST_PRICES:
        raise MissingData(
            f"{prices_per_t.size} prices are too few, at least {_FEWEST_PRICES} are needed",
            zh=f"价格仅 {prices_per_t.size} 个，少于 {_FEWEST_PRICES} 个，不能校准",
            field="prices_per_t",
        )
    if prices_per_t.shape != times_years.shape or not np.all(np.diff(times_years) > 0.0):
        raise InvalidInput(
            "times must increase, one for each price", zh="时点须递增且与价格一一对应", field="times_years"
        )
    positive(penalty_per_t, field="penalty_per_t", zh="罚金")

    def period_of(point: FloatArray) -> CompliancePeriod:
        return CompliancePeriod(
            penalty_per_t=penalty_per_t, compliance_years=compliance_years, alpha=float(point[0]), beta=float(point[1])
        )

    def objective(point: FloatArray) -> float:
        if point[0] < 1.0 or point[1] <= 0.0:
            return np.inf
        return negative_log_likelihood(
            period_of(point), times_years=times_years, prices_per_t=prices_per_t, risk_price=float(point[2])
        )

    best = minimised(objective, _START)
    period = period_of(best)
    residual = standardised_residuals(period, times_years, prices_per_t, float(best[2]))
    errors, warnings = fit_errors(objective, best)
    return PathFit(
        period=period,
        risk_price=float(best[2]),
        negative_log_likelihood=objective(best),
        errors=errors,
        warnings=(_risk_price_warning(), *kurtosis_warnings(residual), *warnings),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OptionQuotes:
    """Call prices at one instant; shapes (quotes,), the price too where expiries have forward prices of their own."""

    price_per_t: float | FloatArray
    strike_per_t: FloatArray
    expiry_years: FloatArray
    discount_factor: FloatArray
    call_per_t: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteFit:
    """Parameters fitted to options, with their uncertainty.

    Attributes:
        period: The period with the fitted alpha and beta.
        root_mean_square_per_t: Of what is left, contract currency per tonne.
        errors: Standard errors of alpha and beta, from the scatter of what is left; None where two quotes leave no
            scatter, or the fit is flat in some direction.
        warnings: What to know before using the fit.
    """

    period: CompliancePeriod
    root_mean_square_per_t: float
    errors: FitErrors | None
    warnings: tuple[ModelWarning, ...]


def fit_options(quotes: OptionQuotes, *, penalty_per_t: float, compliance_years: float) -> QuoteFit:
    """Fit alpha and beta to call prices by least squares.

    Raises:
        MissingData: Fewer quotes than parameters.
    """
    count = quotes.call_per_t.size
    if count < 2:
        raise MissingData(
            "two parameters need two quotes at least", zh="期权报价少于两个，不能校准", field="call_per_t"
        )

    def period_of(point: FloatArray) -> CompliancePeriod:
        return CompliancePeriod(
            penalty_per_t=penalty_per_t, compliance_years=compliance_years, alpha=float(point[0]), beta=float(point[1])
        )

    def objective(point: FloatArray) -> float:
        if point[0] < 1.0 or point[1] <= 0.0:
            return np.inf
        found = option(
            period_of(point), price_per_t=quotes.price_per_t, strike_per_t=quotes.strike_per_t, now_years=0.0,
            expiry_years=quotes.expiry_years, discount_factor=quotes.discount_factor,
        )  # fmt: skip
        return float(np.sum((found.call_per_t - quotes.call_per_t) ** 2))

    best = minimised(objective, _START[:2])
    left = objective(best)
    root_mean_square = float(np.sqrt(left / count))
    price = float(np.mean(quotes.price_per_t))
    warnings = poor_fit_warnings(root_mean_square, price)
    errors = None
    if count > 2:
        scatter = quote_scatter(left, count, price)
        errors, further = fit_errors(lambda point: objective(point) / (2.0 * scatter), best)
        warnings = (*warnings, *further)
    return QuoteFit(period=period_of(best), root_mean_square_per_t=root_mean_square, errors=errors, warnings=warnings)


def quote_scatter(sum_of_squares: float, count: int, price_per_t: float) -> float:
    """Give the variance of quotes about a fit of two parameters, none being better known than a millionth of price."""
    return max(sum_of_squares / (count - 2), (_NO_BETTER_KNOWN * price_per_t) ** 2)


def fit_errors(objective: Objective, best: FloatArray) -> tuple[FitErrors | None, tuple[ModelWarning, ...]]:
    """Give standard errors of alpha, beta and, where fitted, h, and why they are not all there."""
    is_on_bound = best[0] - 1.0 < _ON_BOUND
    free = slice(1, None) if is_on_bound else slice(None)
    found = standard_errors(
        lambda point: objective(np.concatenate([best[: best.size - point.size], point])), best[free]
    )
    if found is None:
        return None, (uncertainty_unknown("目标函数", "the objective"),)
    alpha = [None] if is_on_bound else []
    values = [*alpha, *found.tolist()]
    errors = FitErrors(alpha=values[0], beta=values[1], risk_price=values[2] if best.size > 2 else None)
    if not is_on_bound:
        return errors, ()
    warning = ModelWarning(
        code=ModelCode.ALPHA_ON_BOUND,
        zh="alpha 落在下限 1 上，其抽样误差不对称，不给出其标准误；其余标准误以 alpha 等于 1 为条件",
        en="alpha stands on its bound of 1, where its error is not symmetric: it has no standard error, and those of"
        " the others are given alpha",
    )
    return errors, (warning,)


def poor_fit_warnings(root_mean_square_per_t: float, price_per_t: float) -> tuple[ModelWarning, ...]:
    """Give the warning that a model leaves more than two per cent of the price unexplained, if it does."""
    if root_mean_square_per_t <= _POOR_FIT * price_per_t:
        return ()
    share = root_mean_square_per_t / price_per_t
    return (
        ModelWarning(
            code=ModelCode.QUOTES_NOT_FITTED,
            zh=f"期权报价与模型的均方根差为配额价格的 {share:.1%}，模型不能同时解释这些报价",
            en=f"quotes and model differ by {share:.1%} of the allowance price in root mean square: the model does not"
            " explain these quotes together",
        ),
    )


def standardised_residuals(
    period: CompliancePeriod, times_years: FloatArray, prices_per_t: FloatArray, risk_price: float
) -> FloatArray:
    """Give the increments of a path's states less what was expected, in their deviations."""
    return _scaled_residuals(period, times_years, prices_per_t, risk_price)[0]


def _scaled_residuals(
    period: CompliancePeriod, times_years: FloatArray, prices_per_t: FloatArray, risk_price: float
) -> tuple[FloatArray, FloatArray]:
    """Give standardised residuals of the state's increments and the log of their deviations."""
    state = state_of(period, prices_per_t)
    rate = integrated_rate(period, from_years=times_years[:-1], to_years=times_years[1:])
    log_deviation = 0.5 * np.log(np.expm1(rate))
    drift = state[:-1] * np.exp(0.5 * rate) + risk_price * np.sqrt(rate * np.diff(times_years))
    return (state[1:] - drift) * np.exp(-log_deviation), log_deviation


def _risk_price_warning() -> ModelWarning:
    return ModelWarning(
        code=ModelCode.RISK_PRICE_NOT_IDENTIFIED,
        zh="单一价格路径几乎不能识别风险的市场价格，该参数仅用于避免偏差",
        en="one path hardly identifies the market price of risk: it is fitted only to keep the others unbiased",
    )
