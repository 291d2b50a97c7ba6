"""Wrong-way and surrender risk: price, the borrower's shortfall and the season of default, drawn together.

Credit Y, price Z_p and emissions Z_e are standard normal and correlated; the borrower defaults in the first season k
with Phi(Y) <= PD_1 + ... + PD_k (Gaussian copula, Li 2000). Paths are drawn given default, Y = Phi^-1(U PD). Then

    X = -v / 2 + sqrt(v) Z_p,  v = sigma^2 h / 250         the price from the last margin to the sale
    E = E_0 exp(-s^2 / 2 + s Z_e)                            the borrower's emissions
    S = max(0, E - allocation - free holding)                tonnes short, for which he needs the units he pledged
    u = release share x min(S, Q) / Q                        part of the pledge lost to surrender, while it is ahead
    L = 1 - (1 - u) e^X

and the add-on is the quantile of L given default less that of 1 - e^X without it, never below nought. With no units
lost, P(Z_p <= z | Y <= c) = Phi2(z, c; rho) / Phi(c) gives the same in closed form.
"""

import math
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import to_float
from collateral.calc.haircut_models.prudent_sale import quantile_place
from pricing.calc.normal import bivariate_normal_cdf, normal_ppf

FloatArray = npt.NDArray[np.float64]

DAYS_A_YEAR = 250
_LEAST_PATHS, _MOST_PATHS = 2_000, 2_000_000
_BISECTIONS = 60
_MOST_VOLATILITY = 10.0
_LEAST_RUNG, _RUNG_STEP = 0.02, 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongWayMethod:
    """What a bank's policy says of joint risk.

    Attributes:
        price_credit_correlation: Positive where the price falls as the borrower's credit does: the wrong way.
        emissions_credit_correlation: Negative where the borrower who emits more pays worse.
        price_emissions_correlation: Of the price and the borrower's emissions.
        default_ratios: Probability of default by season of the loan.
        surrender_season: The season in which units must be surrendered, the first is 1; None is not known: any.
        release_ratio: Part of the borrower's shortfall that is met from pledged units.
        emissions_deviation: Deviation of the logarithm of the year's emissions.
        horizon_days: Trading days from the last margin to the sale.
        missing_ratio: The add-on where the borrower's position is not known.
    """

    price_credit_correlation: Decimal
    emissions_credit_correlation: Decimal
    price_emissions_correlation: Decimal
    default_ratios: tuple[Decimal, ...]
    surrender_season: int | None
    release_ratio: Decimal
    emissions_deviation: Decimal
    horizon_days: int
    missing_ratio: Decimal

    def __post_init__(self) -> None:
        """Refuse ratios out of range, correlations that no three variables have, and seasons without default."""
        for name, zh in (
            ("price_credit_correlation", "价格与信用相关系数"),
            ("emissions_credit_correlation", "排放与信用相关系数"),
            ("price_emissions_correlation", "价格与排放相关系数"),
        ):
            if not -1 < getattr(self, name) < 1:
                raise _wrong(f"{name} {getattr(self, name)} is not within -1 and 1", f"{zh}须在 -1 与 1 之间", name)
        ratios = (self.release_ratio, self.missing_ratio, *self.default_ratios)
        if not self.default_ratios or any(not 0 <= one <= 1 for one in ratios) or not 0 < self.default_ratio < 1:
            raise _wrong(
                "the probabilities of default by season lie in 0 to 1 and add to more than nought and less than one",
                "各时段违约概率须在 0 至 1，合计大于 0 且小于 1；其余比例须在 0 至 1", "default_ratios",
            )  # fmt: skip
        if not 0 <= self.emissions_deviation <= 2 or not 1 <= self.horizon_days <= 750:
            raise _wrong("emissions deviation or horizon out of range", "排放波动须在 0 至 2，期限须在 1 至 750 日",
                         "horizon_days")  # fmt: skip
        if self.surrender_season is not None and self.surrender_season < 1:
            raise _wrong("the surrender season starts at 1", "清缴时段从 1 起", "surrender_season")
        p, e, q = self.correlations
        if 1 - p * p - e * e - q * q + 2 * p * e * q < 0:
            raise _wrong("no three variables have these correlations", "三个相关系数相互矛盾",
                         "price_emissions_correlation")  # fmt: skip

    @property
    def default_ratio(self) -> Decimal:
        """Probability of default in any season."""
        return sum(self.default_ratios, Decimal(0))

    @property
    def correlations(self) -> tuple[float, float, float]:
        """Of price and credit, emissions and credit, price and emissions."""
        return (
            to_float(self.price_credit_correlation),
            to_float(self.emissions_credit_correlation),
            to_float(self.price_emissions_correlation),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BorrowerUnits:
    """A borrower's position of the compliance year, whole tonnes: emissions E_0, allocation, unpledged and pledged."""

    emissions_t: int
    allocation_t: int
    free_holding_t: int
    pledged_t: int

    def __post_init__(self) -> None:
        """Refuse negative tonnes and a pledge of nothing."""
        if min(self.emissions_t, self.allocation_t, self.free_holding_t) < 0 or self.pledged_t < 1:
            raise _wrong("tonnes are negative or nothing is pledged", "吨数不能为负，且质押量须为正", "pledged_t")


_ALL_SHORT = BorrowerUnits(emissions_t=1_000_000_000, allocation_t=0, free_holding_t=0, pledged_t=1)
"""Of whom nothing is known: short of more than it pledged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongWayOutcome:
    """The add-on and what makes it.

    Attributes:
        add_on_ratio: To be added to the price haircut.
        standard_error: Of the quantile behind it.
        default_haircut_ratio: The quantile of the loss given default.
        price_haircut_ratio: The quantile of the price's fall without default, in closed form.
        price_only_ratio: The closed form given default with no units lost: what the correlation alone does.
        short_ratio: Part of the defaults in which the borrower is short of units.
        shortfall_t_mean: Mean tonnes short, given default.
        lost_ratio_mean: Mean part of the pledge lost to surrender, given default.
        season_ratios: Part of the defaults in each season.
    """

    add_on_ratio: float
    standard_error: float
    default_haircut_ratio: float
    price_haircut_ratio: float
    price_only_ratio: float
    short_ratio: float
    shortfall_t_mean: float
    lost_ratio_mean: float
    season_ratios: tuple[float, ...]


def wrong_way_add_on(
    method: WrongWayMethod, borrower: BorrowerUnits, *,
    volatility: float, tail_ratio: float, path_count: int, seed: int,
) -> WrongWayOutcome:  # fmt: skip
    """Simulate the loss given default and give its add-on over the price haircut.

    Args:
        method: The policy's correlations, seasons and shares.
        borrower: The borrower's units.
        volatility: Of the price, a year.
        tail_ratio: 1 - confidence, 0.01 for 99%.
        path_count: Paths, each a default; 2,000 to 2,000,000.
        seed: The same seed gives the same figures to the bit.

    Raises:
        InvalidInput: Volatility, tail or paths are out of range.
    """
    _require(path_count=path_count, tail_ratio=tail_ratio)
    if not 0.0 < volatility <= _MOST_VOLATILITY:
        raise _wrong(f"volatility {volatility}", "波动率须为正且不超过 10", "volatility")
    deviation = volatility * math.sqrt(method.horizon_days / DAYS_A_YEAR)
    drawn = _drawn(method, borrower, path_count=path_count, seed=seed)
    losses = np.sort(drawn.losses(deviation))
    place, error = quantile_place(losses, tail_ratio=tail_ratio)
    plain = _fall(normal_ppf(np.array([tail_ratio]))[0], deviation)
    return WrongWayOutcome(
        add_on_ratio=max(0.0, losses[place].item() - plain),
        standard_error=error,
        default_haircut_ratio=losses[place].item(),
        price_haircut_ratio=plain,
        price_only_ratio=_price_only(method, deviation=deviation, tail_ratio=tail_ratio),
        short_ratio=np.count_nonzero(drawn.short_t) / path_count,
        shortfall_t_mean=drawn.short_t.mean().item(),
        lost_ratio_mean=drawn.lost.mean().item(),
        season_ratios=drawn.season_ratios,
    )


def wrong_way_envelope(
    method: WrongWayMethod, borrower: BorrowerUnits | None, *,
    volatility: float | None, tail_ratio: float, path_count: int, seed: int,
) -> float:  # fmt: skip
    """Give the largest add-on of any volatility up to this one, on a ladder of deviations a tenth apart.

    The add-on itself shrinks where both quantiles near the whole: a wilder price would then lower the haircut. The
    largest of all rungs up to the one at or above cannot. A borrower that is not known is short of all it pledged, and
    a volatility that is not known may be any.

    Raises:
        InvalidInput: Volatility, tail or paths are out of range.
    """
    _require(path_count=path_count, tail_ratio=tail_ratio)
    most = _MOST_VOLATILITY if volatility is None else volatility
    if not 0.0 < most <= _MOST_VOLATILITY:
        raise _wrong(f"volatility {volatility}", "波动率须为正且不超过 10", "volatility")
    deviation = most * math.sqrt(method.horizon_days / DAYS_A_YEAR)
    drawn = _drawn(method, borrower or _ALL_SHORT, path_count=path_count, seed=seed)
    place = math.ceil((1.0 - tail_ratio) * path_count) - 1
    plain: float = normal_ppf(np.array([tail_ratio]))[0].item()
    found, rung = 0.0, _LEAST_RUNG
    while True:
        loss: float = np.partition(drawn.losses(rung), place)[place].item()
        beyond: float = loss - _fall(plain, rung)
        found = max(found, beyond)
        if rung >= deviation:
            return found
        rung *= _RUNG_STEP


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Drawn:
    """Defaults drawn, shapes (paths,): the price's normal, tonnes short, part of the pledge lost; and the seasons."""

    price: FloatArray
    short_t: FloatArray
    lost: FloatArray
    season_ratios: tuple[float, ...]

    def losses(self, deviation: float) -> FloatArray:
        """Give the loss on each default by the deviation of the log price over the horizon."""
        kept = (1.0 - self.lost) * np.exp(deviation * self.price - 0.5 * deviation * deviation)
        return np.asarray(1.0 - kept)


def _require(*, path_count: int, tail_ratio: float) -> None:
    if not _LEAST_PATHS <= path_count <= _MOST_PATHS or not 10 / path_count <= tail_ratio <= 0.5:
        raise _wrong(f"{path_count} paths, tail {tail_ratio}", "模拟路径数或尾部概率超出范围", "path_count")


def _drawn(method: WrongWayMethod, borrower: BorrowerUnits, *, path_count: int, seed: int) -> _Drawn:
    generator = np.random.Generator(np.random.SFC64(np.random.SeedSequence((seed, 2))))
    level = generator.random(path_count) * to_float(method.default_ratio)
    credit = normal_ppf(np.maximum(level, 1e-300))
    first, second = generator.standard_normal((2, path_count))
    p, e, q = method.correlations
    price = p * credit + math.sqrt(1.0 - p * p) * first
    across = (q - p * e) / math.sqrt(1.0 - p * p)
    emissions = e * credit + across * first + math.sqrt(max(0.0, 1.0 - e * e - across * across)) * second
    spread = to_float(method.emissions_deviation)
    emitted_t = borrower.emissions_t * np.exp(spread * emissions - 0.5 * spread * spread)
    short_t = np.maximum(0.0, emitted_t - borrower.allocation_t - borrower.free_holding_t)
    seasons = np.array([to_float(one) for one in method.default_ratios])
    ends = np.cumsum(seasons)
    season = np.minimum(np.searchsorted(ends, level), ends.size - 1) + 1
    is_ahead = season <= (method.surrender_season or ends.size)
    lost = to_float(method.release_ratio) * np.minimum(short_t / borrower.pledged_t, 1.0) * is_ahead
    return _Drawn(price=price, short_t=short_t, lost=lost, season_ratios=tuple((seasons / ends[-1]).tolist()))


def _price_only(method: WrongWayMethod, *, deviation: float, tail_ratio: float) -> float:
    """Solve Phi2(z, c; rho) = tail x PD for z by bisection and give the fall there."""
    default = to_float(method.default_ratio)
    bound, correlation = normal_ppf(np.array([default])), np.array([to_float(method.price_credit_correlation)])
    low, high = -12.0, 12.0
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        if bivariate_normal_cdf(np.array([middle]), bound, correlation)[0] < tail_ratio * default:
            low = middle
        else:
            high = middle
    return _fall(high, deviation)


def _fall(z: float, deviation: float) -> float:
    return -math.expm1(deviation * z - 0.5 * deviation * deviation)


def _wrong(detail: str, zh: str, field: str) -> InvalidInput:
    return InvalidInput(detail, zh=zh, field=field)
