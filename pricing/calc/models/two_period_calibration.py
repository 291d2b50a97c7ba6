"""Fitting both periods of Carmona and Hinz: to the paths of two allowances, and to options on the first.

An allowance of this period is worth A = S + kappa A2: A2 is the price of one that is of use in the next period alone,
S what is left, the scarcity of this period. Both are observed where both allowances are quoted; S / pi1 and A2 / pi2
are then paths of a period each, fitted apart, and the noise of both gives the correlation of the states. Options on A
are fitted with alpha and beta of this period, the next period standing as its path left it.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from carbonfin.kernel.errors import InvalidInput, MissingData
from pricing.calc.models.carmona_hinz import CompliancePeriod
from pricing.calc.models.carmona_hinz_calibration import (
    FitErrors,
    PathFit,
    fit_errors,
    fit_path,
    poor_fit_warnings,
    quote_scatter,
    standardised_residuals,
)
from pricing.calc.models.carmona_hinz_two_period import TwoPeriods, call_per_t
from pricing.calc.models.cautions import FloatArray, ModelCode, ModelWarning
from pricing.calc.models.fitting import minimised

_ROUNDS = 40  # steps of each start: two parameters stand to a millionth by then
_FITTING_NODES = 48
"""Nodes between bends while fitting: the sum of squares then stands to 1e-9 of the price, far below any quote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodTerms:
    """What is given of a period: its penalty, and when it ends on the axis of the paths."""

    penalty_per_t: float
    compliance_years: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoPeriodFit:
    """Both periods fitted, with their uncertainty.

    Attributes:
        periods: The two periods.
        scarcity_per_t: S on the last day.
        following_per_t: A2 on the last day.
        observation_count: Days that went in.
        current: The fit of this period's path.
        following: The fit of the next period's path.
        correlation_error: Standard error of the correlation of the states.
        warnings: What to know before using the fit.
    """

    periods: TwoPeriods
    scarcity_per_t: float
    following_per_t: float
    observation_count: int
    current: PathFit
    following: PathFit
    correlation_error: float
    warnings: tuple[ModelWarning, ...]


def fit_two_paths(
    current: PeriodTerms,
    following: PeriodTerms,
    *,
    carried_fraction: float,
    times_years: FloatArray,
    prices_per_t: FloatArray,
    following_per_t: FloatArray,
) -> TwoPeriodFit:
    """Fit both periods to the paths of an allowance and of the next period's one.

    Days on which the scarcity lies outside nought to the penalty say nothing in this model; they are left out and told.

    Raises:
        InvalidInput: The last day is such a day, or a price cannot be.
        MissingData: Fewer than thirty days are left.
    """
    scarcity = prices_per_t - carried_fraction * following_per_t
    inside = (scarcity > 0.0) & (scarcity < current.penalty_per_t) & (following_per_t < following.penalty_per_t)
    if not inside[-1]:
        raise _outside(float(prices_per_t[-1]), float(following_per_t[-1]), carried_fraction, current, following)
    times, kept, next_kept = times_years[inside], scarcity[inside], following_per_t[inside]
    first, second = (
        fit_path(
            penalty_per_t=terms.penalty_per_t, compliance_years=terms.compliance_years, times_years=times,
            prices_per_t=path,
        )
        for terms, path in ((current, kept), (following, next_kept))
    )  # fmt: skip
    noise = [
        standardised_residuals(fit.period, times, path, fit.risk_price)
        for fit, path in ((first, kept), (second, next_kept))
    ]
    rho = float(np.clip(np.corrcoef(noise[0], noise[1])[0, 1], -0.999, 0.999))
    left_out = int(np.count_nonzero(~inside))
    return TwoPeriodFit(
        periods=TwoPeriods(
            current=first.period, following=second.period, carried_fraction=carried_fraction, state_correlation=rho
        ),
        scarcity_per_t=float(kept[-1]),
        following_per_t=float(next_kept[-1]),
        observation_count=int(times.size),
        current=first,
        following=second,
        correlation_error=(1.0 - rho**2) / math.sqrt(noise[0].size - 1),
        warnings=(*dict.fromkeys((*first.warnings, *second.warnings)), *_left_out_warnings(left_out, inside.size)),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TwoPeriodQuotes:
    """Calls on an allowance at one instant; arrays have shape (quotes,).

    Attributes:
        scarcity_per_t: S to each expiry: the forward price of the allowance less what is carried over.
        following_per_t: A2.
    """

    scarcity_per_t: FloatArray
    following_per_t: float
    strike_per_t: FloatArray
    expiry_years: FloatArray
    discount_factor: FloatArray
    call_per_t: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoPeriodQuoteFit:
    """This period fitted to options, with its uncertainty.

    Attributes:
        periods: The two periods, alpha and beta of this one fitted.
        root_mean_square_per_t: Of what is left.
        errors: Standard errors of alpha and beta, given the next period; None where two quotes leave no scatter.
        warnings: What to know before using the fit.
    """

    periods: TwoPeriods
    root_mean_square_per_t: float
    errors: FitErrors | None
    warnings: tuple[ModelWarning, ...]


def fit_two_periods_to_options(start: TwoPeriods, quotes: TwoPeriodQuotes) -> TwoPeriodQuoteFit:
    """Fit alpha and beta of this period to calls by least squares, the next period and the correlation as given.

    Raises:
        MissingData: Fewer quotes than parameters.
        InvalidInput: A price or time lies outside the model.
    """
    count = quotes.call_per_t.size
    if count < 2:
        raise MissingData(
            "two parameters need two quotes at least", zh="期权报价少于两个，不能校准", field="call_per_t"
        )

    def periods_of(point: FloatArray) -> TwoPeriods:
        period = CompliancePeriod(
            penalty_per_t=start.current.penalty_per_t, compliance_years=start.current.compliance_years,
            alpha=float(point[0]), beta=float(point[1]),
        )  # fmt: skip
        return replace(start, current=period)

    def objective(point: FloatArray) -> float:
        if point[0] < 1.0 or point[1] <= 0.0:
            return np.inf
        return float(np.sum((_calls(periods_of(point), quotes) - quotes.call_per_t) ** 2))

    best = minimised(objective, np.array([start.current.alpha, start.current.beta]), rounds=_ROUNDS)
    price = float(np.mean(quotes.scarcity_per_t)) + start.carried_fraction * quotes.following_per_t
    left = objective(best)
    root_mean_square = float(np.sqrt(left / count))
    errors, warnings = None, poor_fit_warnings(root_mean_square, price)
    if count > 2:
        scatter = quote_scatter(left, count, price)
        errors, further = fit_errors(lambda point: objective(point) / (2.0 * scatter), best)
        warnings = (*warnings, *further)
    return TwoPeriodQuoteFit(
        periods=periods_of(best), root_mean_square_per_t=root_mean_square, errors=errors, warnings=warnings
    )


def _calls(periods: TwoPeriods, quotes: TwoPeriodQuotes) -> FloatArray:
    rows = zip(
        quotes.scarcity_per_t.tolist(), quotes.strike_per_t.tolist(), quotes.expiry_years.tolist(),
        quotes.discount_factor.tolist(), strict=True,
    )  # fmt: skip
    return np.array(
        [
            call_per_t(
                periods, scarcity_per_t=scarcity, following_per_t=quotes.following_per_t, strike_per_t=strike,
                expiry_years=expiry, discount_factor=factor, node_count=_FITTING_NODES,
            )
            for scarcity, strike, expiry, factor in rows
        ]
    )  # fmt: skip


def _left_out_warnings(count: int, of: int) -> tuple[ModelWarning, ...]:
    if not count:
        return ()
    return (
        ModelWarning(
            code=ModelCode.DAYS_OUTSIDE,
            zh=f"{of} 个交易日中有 {count} 日价格低于结转价值或高出罚款，模型不能解释，未纳入校准",
            en=f"on {count} of {of} days the price lies below what is carried over or above the penalty: the model does"
            " not explain them, and they are left out",
        ),
    )


def _outside(price: float, following: float, fraction: float, current: PeriodTerms, ahead: PeriodTerms) -> InvalidInput:
    least, most = fraction * following, fraction * following + current.penalty_per_t
    what = f"price {price:g}, next period's {following:g}, carried fraction {fraction:g}"
    return InvalidInput(
        f"{what}: this period's price must lie between {least:g} and {most:g}, the next one's below its penalty"
        f" {ahead.penalty_per_t:g}",
        zh=f"最后一日本期价格 {price:g}、下一期价格 {following:g}：按可结转比例 {fraction:g}，本期价格应在 {least:g} 与"
        f" {most:g} 之间，下一期价格应低于其罚款 {ahead.penalty_per_t:g}",
        field="carried_fraction",
        remedy="Correct the fraction or the penalties; outside these bounds the model does not apply.",
        remedy_zh="请更正可结转比例或罚款；超出此范围时模型不适用。",
    )
