"""Volatility surfaces: read as QuantLib's, refused where they cannot be, with the nodes that allow arbitrage named."""

import math
import pickle
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - the field's own abbreviation

from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.quantlib import ql_date, quantlib_on
from pricing.calc.curves.arbitrage import ArbitrageKind, surface_arbitrages
from pricing.calc.curves.futures import Product
from pricing.calc.curves.nodes import serial_of, serials_of
from pricing.calc.curves.volatility import (
    StrikeAxis,
    VolatilityQuote,
    VolatilitySurface,
    flat_volatility,
    volatility_surface,
)
from tests.pricing.curves.samples import MONDAY

EUA = Product(scheme=Scheme.EUA, phase="4", vintage=None)
EXPIRIES = (date(2022, 6, 15), date(2022, 12, 14), date(2023, 12, 13))
STRIKES = (60, 80, 100, 130)
GRID = ((0.55, 0.50, 0.52, 0.60), (0.52, 0.48, 0.49, 0.55), (0.48, 0.45, 0.46, 0.50))


def _quotes(
    grid: Sequence[Sequence[float]] = GRID,
    *,
    expiries: Sequence[date] = EXPIRIES,
    strikes: Sequence[float] = STRIKES,
) -> list[VolatilityQuote]:
    return [
        VolatilityQuote(
            expiry_date=expiry, strike=Decimal(str(strike)), volatility=Decimal(str(volatility)), quote_date=MONDAY
        )
        for expiry, row in zip(expiries, grid, strict=True)
        for strike, volatility in zip(strikes, row, strict=True)
    ]


def _surface(
    quotes: Sequence[VolatilityQuote] | None = None,
    *,
    axis: StrikeAxis = StrikeAxis.STRIKE,
    forwards: Sequence[str] = ("80", "81", "83"),
    extrapolation_days: int = 0,
) -> VolatilitySurface:
    return volatility_surface(
        product=EUA,
        valuation_date=MONDAY,
        axis=axis,
        quotes=_quotes() if quotes is None else quotes,
        forwards_per_t=[Decimal(forward) for forward in forwards],
        volatility_max=Decimal(5),
        stale_after_days=5,
        extrapolation_days=extrapolation_days,
    )


def _variance(surface: VolatilitySurface, expiry: date, strike: float, forward: float = 80.0) -> float:
    read = surface.total_variances(
        expiry_serials=serials_of([expiry]), strikes_per_t=np.array([strike]), forwards_per_t=np.array([forward])
    )
    return float(read[0])


def test_nodes_come_back_and_between_them_variance_is_bilinear() -> None:
    surface = _surface()
    years = [(expiry - MONDAY).days / 365 for expiry in EXPIRIES]
    assert _variance(surface, EXPIRIES[1], 100) == pytest.approx(0.49**2 * years[1], rel=1e-14)
    middle = (0.50**2 + 0.52**2) / 2 * years[0]
    assert _variance(surface, EXPIRIES[0], 90) == pytest.approx(middle, rel=1e-14)
    day = MONDAY + timedelta(days=57)  # half of the 114 days to the first expiry
    assert _variance(surface, day, 80) == pytest.approx(0.50**2 * years[0] / 2, rel=1e-14)
    assert _variance(surface, MONDAY, 80) == 0.0


def test_surface_is_read_as_quantlib_reads_it() -> None:
    surface = _surface(extrapolation_days=300)
    rng = np.random.default_rng(5)
    serials = rng.integers(serial_of(MONDAY), serial_of(surface.horizon) + 1, size=1500)
    strikes = rng.uniform(20, 200, size=1500)
    with quantlib_on(MONDAY) as today:
        matrix = ql.Matrix(len(STRIKES), len(EXPIRIES))
        for column, row in enumerate(GRID):
            for place, volatility in enumerate(row):
                matrix[place][column] = volatility
        oracle = ql.BlackVarianceSurface(
            today, ql.NullCalendar(), [ql_date(day) for day in EXPIRIES], [float(strike) for strike in STRIKES], matrix,
            ql.Actual365Fixed(), ql.BlackVarianceSurface.ConstantExtrapolation, ql.BlackVarianceSurface.ConstantExtrapolation,
        )  # fmt: skip
        oracle.enableExtrapolation()
        expected = [
            oracle.blackVariance(ql.Date(int(serial)), float(strike))
            for serial, strike in zip(serials, strikes, strict=True)
        ]
    read = surface.total_variances(expiry_serials=serials, strikes_per_t=strikes, forwards_per_t=np.ones(1500))
    assert read == pytest.approx(expected, abs=1e-15)


def test_a_surface_by_moneyness_moves_with_the_forward() -> None:
    surface = _surface(_quotes(strikes=(0.75, 1, 1.25, 1.5)), axis=StrikeAxis.MONEYNESS)
    assert _variance(surface, EXPIRIES[0], 80, 80) == pytest.approx(_variance(surface, EXPIRIES[0], 40, 40), rel=1e-15)
    assert _variance(surface, EXPIRIES[0], 100, 80) == pytest.approx(0.52**2 * 114 / 365, rel=1e-14)


def test_one_volatility_is_flat_and_marked_as_an_assumption() -> None:
    horizon = MONDAY + timedelta(days=730)
    flat = flat_volatility(
        product=EUA, valuation_date=MONDAY, volatility=Decimal("0.4"), forward_per_t=Decimal(80), horizon=horizon
    )
    assert flat.is_assumption
    assert not _surface().is_assumption
    for days, strike in ((10, 20.0), (365, 80.0), (730, 500.0)):
        assert _variance(flat, MONDAY + timedelta(days=days), strike) == pytest.approx(0.16 * days / 365, rel=1e-14)
    with pytest.raises(MissingData):
        _variance(flat, horizon + timedelta(days=1), 80)
    assert surface_arbitrages(flat) == ()


def test_expiries_outside_are_refused_and_the_stated_horizon_holds() -> None:
    surface = _surface(extrapolation_days=30)
    late = EXPIRIES[-1] + timedelta(days=30)
    assert _variance(surface, late, 80) == pytest.approx(0.45**2 * (late - MONDAY).days / 365, rel=1e-14)
    for day in (late + timedelta(days=1), MONDAY - timedelta(days=1)):
        with pytest.raises(MissingData, match=str(day)):
            _variance(surface, day, 80)


def _call(forward: float, strike: float, variance: float) -> float:
    return ql.BlackCalculator(ql.PlainVanillaPayoff(ql.Option.Call, strike), forward, math.sqrt(variance)).value()


def test_a_sound_surface_has_no_arbitrage() -> None:
    assert surface_arbitrages(_surface()) == ()
    assert surface_arbitrages(_surface(_quotes(strikes=(0.75, 1, 1.25, 1.5)), axis=StrikeAxis.MONEYNESS)) == ()


def test_variance_that_falls_with_time_is_named() -> None:
    grid = (GRID[0], (0.52, 0.30, 0.49, 0.55), GRID[2])
    found = surface_arbitrages(_surface(_quotes(grid), forwards=("80", "80", "80")))
    calendar = [one for one in found if one.kind is ArbitrageKind.CALENDAR]
    assert [(one.expiry_date, one.strike) for one in calendar] == [(EXPIRIES[1], 80.0)]
    assert calendar[0].excess == pytest.approx(0.25 * 114 / 365 - 0.09 * 296 / 365, rel=1e-12)


def test_the_calendar_law_is_at_equal_moneyness() -> None:
    """A smile seen at one strike may seem to fall when only the forward has moved."""
    skew = ((0.90, 0.50, 0.50, 0.50), (0.90, 0.90, 0.90, 0.90))
    quotes = _quotes(skew, expiries=EXPIRIES[:2])
    assert surface_arbitrages(_surface(quotes, forwards=("80", "80"))) == ()
    falling = _quotes(((0.90, 0.50, 0.50, 0.50), (0.50, 0.50, 0.50, 0.50)), expiries=EXPIRIES[:2])
    named = [
        one
        for one in surface_arbitrages(_surface(falling, forwards=("80", "108")))
        if one.kind is ArbitrageKind.CALENDAR
    ]
    # 60 on a forward of 80 is 81 on 108.
    assert [one.expiry_date for one in named] == [EXPIRIES[1]]
    assert named[0].strike == pytest.approx(81.0)


def test_prices_that_are_not_convex_are_named_and_quantlibs_prices_agree() -> None:
    grid = (GRID[0], (0.52, 0.48, 0.62, 0.48), GRID[2])
    found = [one for one in surface_arbitrages(_surface(_quotes(grid))) if one.kind is ArbitrageKind.BUTTERFLY]
    assert [(one.expiry_date, one.strike) for one in found] == [(EXPIRIES[1], 100.0)]
    years = 296 / 365
    calls = [_call(81.0, strike, vol**2 * years) for strike, vol in zip(STRIKES, grid[1], strict=True)]
    slopes = np.diff(calls) / np.diff(STRIKES)
    assert found[0].excess == pytest.approx(slopes[1] - slopes[2], rel=1e-9)
    assert slopes[1] > slopes[2]


def test_calls_that_rise_with_the_strike_are_named() -> None:
    grid = ((0.2, 0.2, 0.2, 1.5),)
    found = surface_arbitrages(_surface(_quotes(grid, expiries=EXPIRIES[:1]), forwards=("80",)))
    assert {one.strike for one in found} == {130.0}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"volatility": Decimal(35)}, "volatility"),
        ({"volatility": Decimal(0)}, "volatility"),
        ({"volatility": Decimal("NaN")}, "volatility"),
        ({"strike": Decimal(0)}, "strike"),
        ({"expiry_date": MONDAY}, "expiry_date"),
        ({"quote_date": MONDAY - timedelta(days=6)}, "quote_date"),
        ({"quote_date": MONDAY + timedelta(days=1)}, "quote_date"),
    ],
)
def test_quotes_that_cannot_be_are_refused(change: dict[str, object], field: str) -> None:
    quotes = _quotes()
    with pytest.raises(InvalidInput) as refused:
        _surface([replace(quotes[0], **change), *quotes[1:]])  # type: ignore[arg-type]  # a column of a table
    assert refused.value.field == field
    assert refused.value.remedy_zh


def test_holes_and_doubles_of_the_grid_are_refused() -> None:
    with pytest.raises(MissingData, match="2022-06-15 at 60"):
        _surface(_quotes()[1:])
    with pytest.raises(MissingData, match="no volatility"):
        _surface([], forwards=())
    with pytest.raises(InvalidInput, match="twice"):
        _surface([*_quotes(), _quotes()[0]])
    with pytest.raises(InvalidInput, match="3 positive forwards"):
        _surface(forwards=("80", "81"))
    with pytest.raises(InvalidInput, match="3 positive forwards"):
        _surface(forwards=("80", "81", "0"))


def test_surfaces_travel_between_processes() -> None:
    assert pickle.loads(pickle.dumps(_surface())) == _surface()  # noqa: S301 - our own bytes
