"""A portfolio's change of value in its parts: against hand calculation, QuantLib, and to the fen over whole books."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
import QuantLib as ql  # noqa: N813 - the field's own abbreviation
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency
from pricing.calc.market import Quote
from pricing.calc.option_market import OptionMarket, OptionPoint, OptionTerms
from pricing.calc.options.kinds import ExerciseStyle, OptionType
from pricing.calc.portfolio import PortfolioInputs, value_portfolio
from pricing.calc.positions import Averaging, LineKind, PortfolioLine
from pricing.calc.profit import PortfolioProfit, ProfitPart, ValuedBook, explained_change
from tests.pricing.markets import F1, forward_rate, quote, snapshot_of, spot
from tests.pricing.test_compliance import ends

FROM, TO = date(2025, 6, 27), date(2025, 6, 30)
CALL = PortfolioLine(
    line_id="O1", kind=LineKind.OPTION, unit=Unit.parse("EUA"), quantity_t=10_000, delivery_date=date(2025, 12, 15),
    option_type=OptionType.CALL, option_style=ExerciseStyle.EUROPEAN, expiry_date=date(2025, 12, 10),
    strike_per_t=Decimal(70),
)  # fmt: skip
G1 = PortfolioLine(
    line_id="G1", kind=LineKind.FUTURES, unit=Unit.parse("CEA"), quantity_t=10_000, strike_cny_per_t=Decimal("74.60"),
    contract_code="G1", trade_date=date(2025, 6, 27),
)  # fmt: skip


def _quotes(first: str, last: str) -> list[Quote]:
    return [quote("CEA", FROM, first, volume_t=50_000, amount=f"{50_000 * Decimal(first)}"),
            quote("CEA", TO, last, volume_t=50_000, amount=f"{50_000 * Decimal(last)}")]  # fmt: skip


def _book(
    on: date,
    lines: Sequence[PortfolioLine],
    *,
    rate: str = "0.0150",
    closes: tuple[str, str] = ("74.00", "75.00"),
    point: OptionPoint | None = None,
    ended: str = "",
) -> ValuedBook:
    facts = (ends("CEA-2023", ended),) if ended else ()
    snapshot = snapshot_of(_quotes(*closes), valuation_date=on, parameters=(forward_rate(rate), *facts))
    options = None
    if point is not None:
        options = OptionMarket(valuation_date=on, set_digest="s", quotes_digest="q", points=(point,), gaps=())
    inputs = PortfolioInputs(
        portfolio_id="P", portfolio_name="示例", valuation_date=on, known_at=snapshot.known_at, lines=tuple(lines),
        snapshot=snapshot, options=options,
    )  # fmt: skip
    return ValuedBook(inputs=inputs, value=value_portfolio(inputs))


def _point(on: date, forward: str, volatility: str, discount: str, fx: str) -> OptionPoint:
    return OptionPoint(
        terms=OptionTerms.of(CALL), surface="EUA/4", currency=Currency.EUR, forward_per_t=Decimal(forward),
        volatility=Decimal(volatility), years=Decimal((date(2025, 12, 10) - on).days) / 365,
        discount_factor=Decimal(discount), cny_per_unit=Decimal(fx), fx_source="BFIX", quote_date=on, sources=("ICE",),
        nodes=(), arbitrages=(), is_assumption=False, is_sample=False,
    )  # fmt: skip


def _sums(found: PortfolioProfit) -> None:
    """Parts and residual sum to the change, line by line and in all, to the fen."""
    for line in found.lines:
        assert sum(line.parts.values()) == line.change_cny, line.line_id
    assert sum(found.parts.values()) == found.change_cny
    assert found.change_cny == found.closing_cny - found.opening_cny + found.margin_cny


def test_a_book_of_a_holding_and_a_forward_by_hand() -> None:
    """1,000 t held and 20,000 t bought forward at 77.50 for 15 December; 74.00 to 75.00, 1.5 % to 1.6 %, three days.

    171 days to delivery, then 168. The forward is worth q S - q K exp(-r T): K q = 1,550,000.
    Opening: 1,480,000 - 1,550,000 exp(-0.015 x 171/365) = 1,480,000 - 1,539,145.7176 = -59,145.72
    Aged:    1,480,000 - 1,550,000 exp(-0.015 x 168/365) = 1,480,000 - 1,539,335.4870 : carry -189.77
    Price:   20,000 x 1.00 = 20,000.00 and 1,000 x 1.00 = 1,000.00
    Rates:   -1,550,000 (exp(-0.016 x 168/365) - exp(-0.015 x 168/365)) = 708.35
    """
    lines = (spot("H1", "CEA", 1_000), F1)
    found = explained_change(_book(FROM, lines), _book(TO, lines, rate="0.0160"))
    _sums(found)
    held, bought = found.lines
    assert (held.line_id, bought.line_id) == ("H1", "F1")
    assert held.parts[ProfitPart.PRICE] == held.change_cny == Decimal("1000.00")
    assert bought.opening_cny == Decimal("-59145.72")
    assert bought.parts[ProfitPart.CARRY] == Decimal("-189.77")
    assert bought.parts[ProfitPart.PRICE] == Decimal("20000.00")
    assert bought.parts[ProfitPart.RATES] == Decimal("708.35")
    assert abs(bought.parts[ProfitPart.RESIDUAL]) <= Decimal("0.02")
    for part in (ProfitPart.VOLATILITY, ProfitPart.FX, ProfitPart.TRADES):
        assert found.parts[part] == 0
    assert found.parts[ProfitPart.PRICE] == Decimal("21000.00")


def _black(forward: float, volatility: float, days: int, rate: float) -> float:
    years = days / 365
    calculator = ql.BlackCalculator(
        ql.PlainVanillaPayoff(ql.Option.Call, 70.0), forward, volatility * math.sqrt(years), math.exp(-rate * years)
    )
    return float(calculator.value()) * 10_000


def test_an_option_moves_by_what_quantlib_says_each_factor_moves_it() -> None:
    then, now = 166 / 365, 163 / 365
    start = _point(FROM, "71", "0.40", f"{math.exp(-0.02 * then):.17f}", "8.40")
    end = _point(TO, "72.5", "0.37", f"{math.exp(-0.025 * now):.17f}", "8.45")
    found = explained_change(_book(FROM, [CALL], point=start), _book(TO, [CALL], point=end))
    _sums(found)
    (line,) = found.lines
    base = _black(71, 0.40, 163, 0.02)
    expected = {
        ProfitPart.CARRY: 8.40 * (base - _black(71, 0.40, 166, 0.02)),
        ProfitPart.PRICE: 8.40 * (_black(72.5, 0.40, 163, 0.02) - base),
        ProfitPart.VOLATILITY: 8.40 * (_black(71, 0.37, 163, 0.02) - base),
        ProfitPart.RATES: 8.40 * (_black(71, 0.40, 163, 0.025) - base),
        ProfitPart.FX: (8.45 - 8.40) * base,
        ProfitPart.TRADES: 0.0,
    }
    for part, amount in expected.items():
        assert float(line.parts[part]) == pytest.approx(amount, abs=0.006), part
    # Cross effects alone are left: here below 2 % of what moved.
    assert abs(line.parts[ProfitPart.RESIDUAL]) < Decimal("0.02") * sum(map(abs, line.parts.values()))
    assert line.opening is not None
    assert line.closing is not None
    assert (line.opening.volatility, line.closing.volatility) == (0.40, 0.37)


def test_an_american_option_is_explained_as_it_is_valued() -> None:
    american = replace(CALL, option_style=ExerciseStyle.AMERICAN)
    start, end = _point(FROM, "71", "0.40", "0.99", "8.40"), _point(TO, "71", "0.40", "0.99", "8.50")
    start = replace(start, years=end.years)  # the exchange rate alone moves
    found = explained_change(_book(FROM, [american], point=start), _book(TO, [american], point=end))
    _sums(found)
    assert abs(found.parts[ProfitPart.FX] - found.change_cny) <= Decimal("0.01")
    assert found.parts[ProfitPart.FX] > 0


def test_a_price_fixed_meanwhile_is_carry_and_no_trade() -> None:
    days = (TO, date(2025, 10, 15), date(2025, 12, 10))
    average = replace(CALL, option_style=ExerciseStyle.AVERAGE_PRICE, averaging=Averaging(dates=days))
    start, end = _point(FROM, "71", "0.40", "0.99", "8.40"), _point(TO, "71", "0.40", "0.99", "8.40")
    carries = []
    for price in ("69.5", "72.5"):
        fixed = replace(average, averaging=Averaging(dates=days, fixed_count=1, fixed_average_per_t=Decimal(price)))
        found = explained_change(_book(FROM, [average], point=start), _book(TO, [fixed], point=end))
        _sums(found)
        (line,) = found.lines
        assert line.parts[ProfitPart.TRADES] == 0
        # The zero rate that a factor of 0.99 implies moved as the days did; nothing else did.
        assert abs(line.change_cny - line.parts[ProfitPart.CARRY] - line.parts[ProfitPart.RATES]) <= Decimal(50)
        carries.append(line.parts[ProfitPart.CARRY])
    # 3.00 more on a third of 10,000 t at 8.4 元, discounted, is 83,160 元 if it is exercised, which is near even odds.
    assert Decimal("0.4") < (carries[1] - carries[0]) / 83_160 < Decimal("0.7")


def test_a_future_earns_its_margin_of_the_period() -> None:
    was, now = _book(date(2025, 6, 27), [G1]), _book(TO, [G1])
    found = explained_change(was, now)
    _sums(found)
    settled = {one.settlement_date: one.price_cny_per_t for one in now.inputs.snapshot.settlements_of("G1")}
    margin = (settled[TO] - settled[FROM]) * 10_000
    (line,) = found.lines
    assert line.margin_cny == line.parts[ProfitPart.PRICE] == found.change_cny == margin
    assert margin != 0


def test_a_future_that_left_is_named_and_in_no_figure_and_a_new_one_is_trades() -> None:
    found = explained_change(_book(FROM, [G1, spot("H1", "CEA", 1)]), _book(TO, [spot("H1", "CEA", 1)]))
    _sums(found)
    assert [failure.item for failure in found.failures] == ["G1"]
    assert found.failures[0].remedy
    assert [line.line_id for line in found.lines] == ["H1"]
    new = explained_change(_book(FROM, [spot("H1", "CEA", 1)]), _book(TO, [G1, spot("H1", "CEA", 1)]))
    _sums(new)
    (future,) = [line for line in new.lines if line.line_id == "G1"]
    price = next(value.price_cny_per_t for value in _book(TO, [G1]).value.lines)
    assert future.parts[ProfitPart.TRADES] == future.margin_cny == (price - Decimal("74.60")) * 10_000


def test_what_came_went_or_changed_is_trades() -> None:
    opening = _book(FROM, [spot("A", "CEA", 100), spot("B", "CEA", 100), replace(F1, line_id="C")])
    closing = _book(TO, [spot("B", "CEA", 300), spot("D", "CEA", 7), replace(F1, line_id="C", label="另注")])
    found = explained_change(opening, closing)
    _sums(found)
    lines = {line.line_id: line for line in found.lines}
    # A moved with the price and left at the closing price; B's hundred tonnes moved, two hundred came.
    assert (lines["A"].parts[ProfitPart.PRICE], lines["A"].parts[ProfitPart.TRADES]) == (Decimal(100), Decimal(-7500))
    assert (lines["B"].parts[ProfitPart.PRICE], lines["B"].parts[ProfitPart.TRADES]) == (
        Decimal(100),
        Decimal(200 * 75),
    )
    assert lines["C"].parts[ProfitPart.TRADES] == 0
    assert lines["D"].parts[ProfitPart.TRADES] == lines["D"].change_cny == 7 * 75
    assert all(lines[code].note_zh for code in "ABD")


def test_an_option_whose_closing_market_is_not_known_is_all_trades_and_says_so() -> None:
    found = explained_change(_book(FROM, [CALL], point=_point(FROM, "71", "0.4", "0.99", "8.4")), _book(TO, [CALL]))
    _sums(found)
    (line,) = found.lines
    assert line.closing_cny is None
    assert line.parts[ProfitPart.TRADES] == line.change_cny == -(line.opening_cny or 0)
    assert "行情未知" in line.note_zh


def test_a_vintage_that_ended_meanwhile_is_carry() -> None:
    lines = [spot("A", "CEA-2023", 100)]
    found = explained_change(_book(FROM, lines, ended="2025-06-28"), _book(TO, lines, ended="2025-06-28"))
    _sums(found)
    assert found.parts[ProfitPart.CARRY] == Decimal(-7400)
    assert found.closing_cny == 0


def test_valuations_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(InvalidInput, match="comes before the opening one"):
        explained_change(_book(TO, [F1]), _book(FROM, [F1]))


@given(
    st.lists(st.tuples(st.integers(1, 10**6), st.booleans(), st.booleans()), min_size=1, max_size=8),
    st.decimals("40", "140", places=2),
    st.decimals("40", "140", places=2),
    st.decimals("0.0001", "0.09", places=4),
)
def test_parts_and_residual_sum_to_the_fen(
    rows: list[tuple[int, bool, bool]], first: Decimal, last: Decimal, rate: Decimal
) -> None:
    lines = [
        replace(F1, line_id=f"L{place}", quantity_t=tonnes) if is_forward else spot(f"L{place}", "CEA", tonnes)
        for place, (tonnes, is_forward, _) in enumerate(rows)
    ]
    kept = [line for line, (_, _, stays) in zip(lines, rows, strict=True) if stays]
    closes = (str(first), str(last))
    found = explained_change(_book(FROM, lines, closes=closes), _book(TO, kept, closes=closes, rate=str(rate)))
    _sums(found)
    # Nothing of a linear book moves together but by rounding: half a fen a part and a value.
    assert all(abs(line.parts[ProfitPart.RESIDUAL]) <= Decimal("0.04") for line in found.lines)
