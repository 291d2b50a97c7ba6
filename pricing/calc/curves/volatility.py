"""Volatility surfaces on expiry and strike or moneyness, read as QuantLib's BlackVarianceSurface reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

import numpy as np

from carbonfin.kernel.errors import CarbonFinError, InvalidInput, MissingData
from carbonfin.kernel.units import to_float
from pricing.calc.curves.futures import Product
from pricing.calc.curves.nodes import (
    DAYS_A_YEAR,
    FloatArray,
    IntArray,
    check_nodes,
    outside,
    serial_of,
    serials_of,
)


class StrikeAxis(StrEnum):
    """What the strikes of a surface count: the currency per tonne, or strike over forward (K / F)."""

    STRIKE = "strike"
    MONEYNESS = "moneyness"


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityQuote:
    """One Black volatility for one expiry and strike (or moneyness), as a decimal (0.35)."""

    expiry_date: date
    strike: Decimal
    volatility: Decimal
    quote_date: date

    @property
    def name(self) -> str:
        """Expiry and strike, for messages."""
        return f"volatility for {self.expiry_date} at {self.strike}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilitySurface:
    """Black volatilities of options on one product, bilinear in total variance; beyond the strikes it stays flat.

    Attributes:
        product: What the options' underlying delivers.
        valuation_date: Day of the surface.
        axis: What the strikes count.
        expiry_serials: Days of expiry, ascending.
        strikes: Strikes or moneyness, ascending.
        volatilities: One row for each expiry, one volatility for each strike.
        forwards_per_t: Forward price of the underlying of each expiry when the surface was quoted.
        horizon: Last expiry that may be asked for; past the last node its volatility goes on.
        is_assumption: Whether one volatility was assumed for all, for want of quotes.
    """

    product: Product
    valuation_date: date
    axis: StrikeAxis
    expiry_serials: tuple[int, ...]
    strikes: tuple[float, ...]
    volatilities: tuple[tuple[float, ...], ...]
    forwards_per_t: tuple[float, ...]
    horizon: date
    is_assumption: bool

    def __post_init__(self) -> None:
        """Refuse a grid with holes, nodes out of order or not finite."""
        check_nodes(what=f"{self.product} forwards", serials=self.expiry_serials, values=self.forwards_per_t)
        grid = np.array(self.volatilities, dtype=np.float64)
        assert grid.shape == (len(self.expiry_serials), len(self.strikes)), "one volatility for each expiry and strike"
        assert np.all(np.diff(self.strikes) > 0), "strikes ascend"
        assert np.all(np.isfinite(grid) & (grid > 0)), "volatilities are positive"

    def error_outside(self, serials: IntArray) -> CarbonFinError | None:
        """Give the error of the first expiry that the surface does not reach, or None."""
        return outside(
            what=f"the volatility surface of {self.product}",
            zh=f"{self.product} 波动率曲面",
            serials=serials,
            first_day=self.valuation_date,
            last_day=self.horizon,
        )

    def total_variances(
        self, *, expiry_serials: IntArray, strikes_per_t: FloatArray, forwards_per_t: FloatArray
    ) -> FloatArray:
        """Give total variance w = sigma^2 T, act/365, of each option, shape (options,).

        Between nodes w is bilinear in time and strike with w = 0 at the valuation date; a strike outside the nodes
        reads the nearest one; past the last expiry w grows with T.

        Args:
            expiry_serials: Days of expiry.
            strikes_per_t: Strikes in the currency per tonne.
            forwards_per_t: Forwards of the underlying, used on a surface by moneyness.

        Raises:
            MissingData: An expiry lies before the valuation date or past the horizon.
        """
        error = self.error_outside(expiry_serials)
        if error is not None:
            raise error
        asked = strikes_per_t / forwards_per_t if self.axis is StrikeAxis.MONEYNESS else strikes_per_t
        return self.variances_at(expiry_serials=expiry_serials, strikes=asked)

    def variances_at(self, *, expiry_serials: IntArray, strikes: FloatArray) -> FloatArray:
        """Give total variance at expiries and strikes of the surface's own axis, without asking for the horizon."""
        reference = serial_of(self.valuation_date)
        nodes = (np.array(self.expiry_serials, dtype=np.int64) - reference) / DAYS_A_YEAR
        years = (expiry_serials - reference) / DAYS_A_YEAR
        grid = np.array(self.volatilities, dtype=np.float64)
        times = np.concatenate([[0.0], nodes])
        variances = np.vstack([np.zeros(len(self.strikes)), nodes[:, None] * grid * grid])
        within = np.minimum(years, times[-1])
        row = np.clip(np.searchsorted(times[:-1], within, side="right") - 1, 0, times.size - 2)
        part = (within - times[row]) / (times[row + 1] - times[row])
        axis = np.array(self.strikes, dtype=np.float64)
        if axis.size == 1:
            read = (1.0 - part) * variances[row, 0] + part * variances[row + 1, 0]
        else:
            kept = np.clip(strikes, axis[0], axis[-1])
            column = np.clip(np.searchsorted(axis[:-1], kept, side="right") - 1, 0, axis.size - 2)
            share = (kept - axis[column]) / (axis[column + 1] - axis[column])
            read = (
                (1.0 - part) * (1.0 - share) * variances[row, column]
                + part * (1.0 - share) * variances[row + 1, column]
                + (1.0 - part) * share * variances[row, column + 1]
                + part * share * variances[row + 1, column + 1]
            )
        return np.asarray(np.where(years > times[-1], read * years / times[-1], read), dtype=np.float64)


def volatility_surface(
    *,
    product: Product,
    valuation_date: date,
    axis: StrikeAxis,
    quotes: Sequence[VolatilityQuote],
    forwards_per_t: Sequence[Decimal],
    volatility_max: Decimal,
    stale_after_days: int,
    extrapolation_days: int,
) -> VolatilitySurface:
    """Build a surface of quotes that fill a grid of expiries and strikes.

    Args:
        product: What the options' underlying delivers.
        valuation_date: Day of the surface.
        axis: What the strikes of the quotes count.
        quotes: Volatilities, one for each expiry and strike, in any order.
        forwards_per_t: Forward of the underlying of each expiry, by ascending expiry.
        volatility_max: Highest volatility believed, a decimal; 35 for 35 % lies beyond it.
        stale_after_days: Calendar days after which a quote is too old.
        extrapolation_days: Days past the last expiry for which its volatility may stand.

    Raises:
        InvalidInput: A quote is absurd, stale, duplicate or expired, or there is not one forward for each expiry.
        MissingData: There is no quote, or the grid has a hole.
    """
    for quote in quotes:
        _check(quote, valuation_date=valuation_date, volatility_max=volatility_max, stale_after_days=stale_after_days)
    found = _by_node(quotes)
    expiries = sorted({expiry for expiry, _ in found})
    strikes = sorted({strike for _, strike in found})
    if len(forwards_per_t) != len(expiries) or any(not forward > 0 for forward in forwards_per_t):
        raise _refused(
            str(product), "forwards_per_t", f"needs {len(expiries)} positive forwards", "远期价格个数不符或非正"
        )
    holes = [(expiry, strike) for expiry in expiries for strike in strikes if (expiry, strike) not in found]
    if holes or not found:
        raise MissingData(
            f"{product} has no volatility for {holes[0][0]} at {holes[0][1]}"
            if holes
            else f"{product} has no volatility",
            zh=f"{product} 波动率报价不完整",
            field="quotes",
            remedy="Give a volatility for each expiry and strike, or leave the strike out everywhere.",
            remedy_zh="请为每个到期日与行权价给出报价，或整列剔除。",
        )
    return VolatilitySurface(
        product=product,
        valuation_date=valuation_date,
        axis=axis,
        expiry_serials=tuple(serials_of(expiries).tolist()),
        strikes=tuple(to_float(strike) for strike in strikes),
        volatilities=tuple(tuple(to_float(found[expiry, strike]) for strike in strikes) for expiry in expiries),
        forwards_per_t=tuple(to_float(forward) for forward in forwards_per_t),
        horizon=expiries[-1] + timedelta(days=extrapolation_days),
        is_assumption=False,
    )


def flat_volatility(
    *, product: Product, valuation_date: date, volatility: Decimal, forward_per_t: Decimal, horizon: date
) -> VolatilitySurface:
    """Give one volatility for all expiries to a horizon and all strikes; it is marked as an assumption."""
    return VolatilitySurface(
        product=product,
        valuation_date=valuation_date,
        axis=StrikeAxis.MONEYNESS,
        expiry_serials=(serial_of(horizon),),
        strikes=(1.0,),
        volatilities=((to_float(volatility),),),
        forwards_per_t=(to_float(forward_per_t),),
        horizon=horizon,
        is_assumption=True,
    )


def _by_node(quotes: Sequence[VolatilityQuote]) -> dict[tuple[date, Decimal], Decimal]:
    found: dict[tuple[date, Decimal], Decimal] = {}
    for quote in quotes:
        if (quote.expiry_date, quote.strike) in found:
            raise _refused(quote.name, "strike", "stands twice", "报价重复")
        found[quote.expiry_date, quote.strike] = quote.volatility
    return found


def _check(quote: VolatilityQuote, *, valuation_date: date, volatility_max: Decimal, stale_after_days: int) -> None:
    if not quote.volatility.is_finite() or not 0 < quote.volatility <= volatility_max:
        why = f"is {quote.volatility}, outside 0 to {volatility_max}; a volatility is a decimal (0.35 for 35 %)"
        raise _refused(quote.name, "volatility", why, f"波动率 {quote.volatility} 超出合理范围（35% 应写作 0.35）")
    if not quote.strike.is_finite() or quote.strike <= 0:
        raise _refused(quote.name, "strike", "has no positive strike", "行权价必须为正数")
    if quote.expiry_date <= valuation_date:
        raise _refused(quote.name, "expiry_date", f"expires on or before {valuation_date}", "期权已到期")
    if not 0 <= (valuation_date - quote.quote_date).days <= stale_after_days:
        raise _refused(quote.name, "quote_date", f"is of {quote.quote_date}, stale or later", "报价已过期或晚于估值日")


def _refused(name: str, field: str, why: str, zh: str) -> InvalidInput:
    return InvalidInput(
        f"{name} {why}",
        zh=f"{name}：{zh}",
        field=field,
        remedy="Correct the quote against its source, or leave it out.",
        remedy_zh="请对照来源更正，或剔除该报价。",
    )
