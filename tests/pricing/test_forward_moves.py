"""What moves a forward on curves: its change explained, stresses, a convenience yield; points by hand, no curve."""

import math
from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.units import Currency
from carbonfin.rules.record import canonical_json
from pricing.calc.forward_market import ForwardMarket, ForwardPoint, ForwardTerms
from pricing.calc.portfolio import PORTFOLIO_VALUE, PortfolioInputs, value_portfolio
from pricing.calc.portfolio_risk.exposures import exposed_lines
from pricing.calc.portfolio_risk.inputs import FactorVolatility, RiskInputs
from pricing.calc.positions import ForwardBasis
from pricing.calc.profit import ProfitPart, ValuedBook, explained_change
from tests.pricing.markets import F1, quote, snapshot_of


def _fen(amount: float) -> Decimal:
    return Decimal(repr(round(amount, 2))).quantize(Decimal("0.01"))


def _point(on: date, *, forward: str | None, discount: str, fx: str = "1", fx_forward: str = "1") -> ForwardPoint:
    terms = ForwardTerms.of(F1)
    return ForwardPoint(
        terms=terms,
        basis=ForwardBasis.COST_OF_CARRY if forward is None else ForwardBasis.FUTURES_CURVE,
        price_currency=Currency.CNY,
        price_curve="CNY" if forward is None else "CEA/2025",
        forward_per_t=None if forward is None else Decimal(forward),
        carry_factor=Decimal(discount) if forward is None else None,
        fx_forward=Decimal(fx_forward),
        fx_curve="",
        discount_factor=Decimal(discount),
        years=Decimal((terms.delivery_date - on).days) / 365,
        cny_per_unit=Decimal(fx),
        fx_source="",
        quote_date=on,
        sources=("中心",),
        is_extrapolated=False,
        provisional_after=None,
        is_sample=False,
    )


def _book(on: date, point: ForwardPoint, *, close: str = "74.00") -> ValuedBook:
    snapshot = snapshot_of(
        [quote("CEA", on, close, volume_t=50_000, amount=f"{50_000 * Decimal(close)}")],
        valuation_date=on,
        parameters=(),
    )
    inputs = PortfolioInputs(
        portfolio_id="P", portfolio_name="示例", valuation_date=on, known_at=snapshot.known_at, lines=(F1,),
        snapshot=snapshot,
        forwards=ForwardMarket(valuation_date=on, set_digest="d" * 64, quotes_digest="q" * 64, points=(point,), gaps=()),
    )  # fmt: skip
    return ValuedBook(inputs=inputs, value=value_portfolio(inputs))


FROM, TO = date(2025, 6, 27), date(2025, 6, 30)


def test_the_change_of_a_forward_on_a_futures_curve_by_hand() -> None:
    """A book of q = 20,000 t at K = 77.50; F from 76 to 78, D from 0.990 to 0.992.

    Opening (76 - 77.50) q 0.990 = -29,700.00; closing (78 - 77.50) q 0.992 = 9,920.00: a change of 39,620.00.
    Aged: the rate r = -ln 0.990 / (171/365) over 168 days, D = 0.990^(168/171) = 0.99017457; carry
    -1.5 q (0.99017457 - 0.990) = -5.24. Price +2 q 0.99017457 = 39,606.98.
    Rates -1.5 q (0.992 - 0.99017457) = -54.76.
    """
    found = explained_change(
        _book(FROM, _point(FROM, forward="76", discount="0.990")), _book(TO, _point(TO, forward="78", discount="0.992"))
    )
    (line,) = found.lines
    assert (line.opening_cny, line.closing_cny) == (Decimal("-29700.00"), Decimal("9920.00"))
    assert sum(line.parts.values()) == line.change_cny == Decimal("39620.00")
    aged = 0.990 ** (168 / 171)
    assert line.parts[ProfitPart.CARRY] == _fen(-1.5 * 20_000 * (aged - 0.990))
    assert line.parts[ProfitPart.PRICE] == _fen(2 * 20_000 * aged)
    assert line.parts[ProfitPart.RATES] == _fen(-1.5 * 20_000 * (0.992 - aged))


def test_the_change_of_a_forward_carried_from_spot_by_hand() -> None:
    """PV = S q - K q D: spot from 74 to 75 is 20,000.00, rates act on the agreed price alone."""
    found = explained_change(
        _book(FROM, _point(FROM, forward=None, discount="0.990")),
        _book(TO, _point(TO, forward=None, discount="0.992"), close="75.00"),
    )
    (line,) = found.lines
    aged = 0.990 ** (168 / 171)
    assert line.opening_cny == Decimal("-54500.00")  # 74 q - 77.50 q 0.990
    assert line.parts[ProfitPart.PRICE] == Decimal("20000.00")
    assert line.parts[ProfitPart.CARRY] == _fen(-77.5 * 20_000 * (aged - 0.990))
    assert line.parts[ProfitPart.RATES] == _fen(-77.5 * 20_000 * (0.992 - aged))
    assert sum(line.parts.values()) == line.change_cny


def test_a_stress_moves_price_and_rate_of_a_forward_as_revaluation_does() -> None:
    """Price down a tenth, rate up a percentage point: both legs of a futures curve's forward are discounted more."""
    book = _book(TO, _point(TO, forward="78", discount="0.992"))
    inputs = RiskInputs(
        book=book.inputs,
        volatilities=(FactorVolatility(factor="CEA", volatility=Decimal("0.3"), source="", is_assumption=True),),
        correlation=None, scenario_count=1_000, seed=1,
    )  # fmt: skip
    ((exposed,), failures) = exposed_lines(inputs, {one.line_id: one for one in book.value.lines})
    assert not failures
    assert exposed.price_leg == pytest.approx(78 * 20_000 * 0.992, abs=1e-6)
    years = 168 / 365
    again = (0.9 * 78 - 77.5) * 20_000 * 0.992 * math.exp(-0.01 * years)
    assert exposed.pnl(-0.1, 0.01) == pytest.approx(again - 9_920.0, abs=1e-6)
    assert exposed.price_pnl(np.array([0.1]))[0] == pytest.approx(7.8 * 20_000 * 0.992, abs=1e-6)


def test_a_known_convenience_yield_lowers_the_forward_and_stands_in_the_trace() -> None:
    """F = S exp(-y T) / D with y = 2 %, T = 168/365: 74 exp(-0.02 x 168/365) / 0.992."""
    book = _book(TO, _point(TO, forward=None, discount="0.992"))
    given = replace(
        next(one for one in snapshot_of().parameters if one.key == "pricing.forward_rate"),
        key="pricing.convenience_yield", scope="CEA", value="0.02",
    )  # fmt: skip
    snapshot = replace(book.inputs.snapshot, parameters=(*book.inputs.snapshot.parameters, given))
    value = value_portfolio(replace(book.inputs, snapshot=snapshot))
    (line,) = value.lines
    assert line.forward is not None
    expected = 74 * math.exp(-0.02 * 168 / 365) / 0.992
    assert float(line.forward.forward_per_t) == pytest.approx(expected, abs=1e-9)
    assert line.present_value_cny == _fen((expected - 77.5) * 20_000 * 0.992)
    figures = {one.name: one for one in value.trace}
    assert figures["convenience_yield.CEA"].value == "0.02"
    assert "convenience_yield.CEA" in figures["line.F1.forward_per_t"].inputs


def test_curves_of_another_day_are_refused_and_the_record_replays() -> None:
    book = _book(TO, _point(TO, forward="78", discount="0.992"))
    assert canonical_json(PORTFOLIO_VALUE.decide(book.inputs)) == canonical_json(book.value)
    other = replace(book.inputs.forwards, valuation_date=FROM) if book.inputs.forwards else None
    with pytest.raises(Exception, match="curves are of"):
        value_portfolio(replace(book.inputs, forwards=other))


def test_a_forward_on_curves_taken_without_it_is_told() -> None:
    book = _book(TO, _point(TO, forward="78", discount="0.992"))
    other = replace(F1, line_id="F2", unit=Unit.parse("CCER"))
    value = value_portfolio(replace(book.inputs, lines=(F1, other)))
    assert [failure.item for failure in value.failures] == ["F2"]
    assert "no curve" in value.failures[0].detail
