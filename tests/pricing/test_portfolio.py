"""The scenario's book, laws of valuation, and lines that cannot be valued."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.record import canonical_json
from pricing.calc.market import MarketSnapshot
from pricing.calc.portfolio import PORTFOLIO_VALUE, PortfolioInputs, PortfolioValue, value_portfolio
from pricing.calc.positions import LineKind, PortfolioLine
from pricing.calc.tradability import VALUATION_ONLY_ZH
from tests.pricing.markets import BUSINESS_DATE, F1, G1, KNOWN_AT, snapshot_of, spot

SNAPSHOT = snapshot_of()


def inputs_of(*lines: PortfolioLine, snapshot: MarketSnapshot = SNAPSHOT) -> PortfolioInputs:
    return PortfolioInputs(
        portfolio_id="P",
        portfolio_name="示例组合",
        valuation_date=BUSINESS_DATE,
        known_at=KNOWN_AT,
        lines=lines,
        snapshot=snapshot,
    )


def value_of(*lines: PortfolioLine, snapshot: MarketSnapshot = SNAPSHOT) -> PortfolioValue:
    return value_portfolio(inputs_of(*lines, snapshot=snapshot))


def test_scenario_forward() -> None:
    line = value_of(F1).lines[0]
    assert (line.present_value_cny, line.price_cny_per_t) == (Decimal("-38935.49"), Decimal("75.5397"))
    assert line.level == 3
    assert line.staleness_days == 0
    assert any(VALUATION_ONLY_ZH in note for note in line.notes_zh)
    assert any("1.5%" in note and "假设" in note for note in line.notes_zh)
    figures = {figure.name: figure for figure in value_of(F1).trace}
    assert figures["line.F1.days"].value == "168"
    assert figures["rate"].value == "0.0150"
    assert not figures["rate"].confirmed


def test_scenario_futures_variation_margin() -> None:
    value = value_of(G1)
    assert value.lines[0].variation_margin_cny == Decimal("4200.00")
    assert value.lines[0].present_value_cny == Decimal("0.00")
    assert (value.present_value_cny, value.variation_margin_cny) == (Decimal("0.00"), Decimal("4200.00"))


def test_scenario_book_totals_are_sums_of_rounded_lines() -> None:
    value = value_of(spot("H1", "CEA-2023", 60_000), spot("H2", "CEA-2024", 560_000), spot("H3", "CCER", 5_000), F1, G1)
    assert [line.present_value_cny for line in value.lines] == [
        Decimal("4501200.00"), Decimal("42011200.00"), Decimal("442500.00"), Decimal("-38935.49"), Decimal("0.00"),
    ]  # fmt: skip
    assert value.present_value_cny == Decimal("46915964.51")
    assert value.level_max == 3
    assert [line.level for line in value.lines] == [2, 2, 3, 3, 3]
    assert value.is_sample
    assert not value.failures


def test_every_figure_on_the_page_stands_in_the_trace_and_links_to_its_inputs() -> None:
    value = value_of(spot("H1", "CEA-2023", 60_000), F1, G1)
    figures = {figure.name: figure for figure in value.trace}
    for line in value.lines:
        shown = line.present_value_cny if line.kind is not LineKind.FUTURES else line.variation_margin_cny
        assert Decimal(figures[line.figure].value) == shown
    assert figures["present_value_cny"].inputs == ("line.H1.present_value_cny", "line.F1.present_value_cny")
    assert figures["variation_margin_cny"].inputs == ("line.G1.variation_margin_cny",)
    assert Decimal(figures["price.CEA-2023"].value) == Decimal("75.02")
    assert "price.CEA-2023" in figures["line.H1.present_value_cny"].inputs


def test_the_decision_replays_from_its_record_to_the_bit() -> None:
    inputs = inputs_of(spot("H1", "CEA-2023", 60_000), spot("S1", "SZA-2024", 10), F1, G1)
    stored = canonical_json(inputs)
    again = msgspec.convert(msgspec.json.decode(stored), PortfolioInputs, strict=False)
    assert canonical_json(again) == stored
    assert canonical_json(PORTFOLIO_VALUE.decide(again)) == canonical_json(value_portfolio(inputs))


def test_bad_lines_become_failures_and_the_good_ones_stand() -> None:
    bad = [
        spot("zero", "CEA", 0),
        spot("minus", "CEA", -5),
        spot("huge", "CEA", 100_000_001),
        spot("unquoted", "SZA-2021", 5),
        replace(spot("odd", "CEA", 5), delivery_date=date(2025, 12, 1)),
        replace(F1, line_id="no strike", strike_cny_per_t=None),
        replace(F1, line_id="no delivery", delivery_date=None),
        replace(F1, line_id="delivered", delivery_date=BUSINESS_DATE),
        replace(G1, line_id="no code", contract_code=None),
        replace(G1, line_id="no price", contract_code="G9"),
    ]
    value = value_of(spot("H1", "CEA", 100), *bad)
    assert [line.line_id for line in value.lines] == ["H1"]
    assert value.present_value_cny == Decimal("7502.00")
    assert {failure.item: failure.field for failure in value.failures} == {
        "zero": "quantity_t", "minus": "quantity_t", "huge": "quantity_t", "unquoted": "unit", "odd": "delivery_date",
        "no strike": "strike_cny_per_t", "no delivery": "delivery_date", "delivered": "delivery_date",
        "no code": "contract_code", "no price": "contract_code",
    }  # fmt: skip
    assert all(failure.zh and failure.remedy_zh for failure in value.failures)


def test_without_an_assumed_rate_a_forward_is_not_valued() -> None:
    value = value_of(F1, spot("H1", "CEA", 1), snapshot=snapshot_of(parameters=()))
    assert [failure.item for failure in value.failures] == ["F1"]
    assert "pricing.forward_rate" in value.failures[0].detail
    assert [line.line_id for line in value.lines] == ["H1"]


def test_an_instrument_without_known_legal_basis_is_never_shown_as_tradable() -> None:
    forward = replace(F1, unit=Unit.parse("SZA-2024"), strike_cny_per_t=Decimal(41))
    assert any(note.startswith(VALUATION_ONLY_ZH) for note in value_of(forward).lines[0].notes_zh)


def test_first_margin_of_a_contract_is_against_the_price_traded() -> None:
    today = replace(G1, trade_date=BUSINESS_DATE, strike_cny_per_t=Decimal("75.00"), quantity_t=-10_000)
    assert value_of(today).lines[0].variation_margin_cny == Decimal("-200.00")


def test_doubled_codes_and_a_foreign_snapshot_are_refused() -> None:
    with pytest.raises(InvalidInput, match="stands twice"):
        value_of(spot("H1", "CEA", 1), spot("H1", "CEA", 2))
    with pytest.raises(InvalidInput, match="snapshot"):
        value_portfolio(replace(inputs_of(spot("H1", "CEA", 1)), valuation_date=date(2025, 6, 27)))


def test_an_empty_book_is_worth_nothing() -> None:
    value = value_of()
    assert (value.present_value_cny, value.level_max, value.lines) == (Decimal("0.00"), None, ())


TONNES = st.integers(min_value=1, max_value=1_000_000)


@settings(max_examples=60, deadline=None)
@given(first=TONNES, second=TONNES, unit=st.sampled_from(["CEA-2024", "CCER", "SZA-2023"]))
def test_spot_value_is_linear_in_tonnes(first: int, second: int, unit: str) -> None:
    parts = value_of(spot("a", unit, first), spot("b", unit, second))
    assert value_of(spot("c", unit, first + second)).present_value_cny == parts.present_value_cny


@settings(max_examples=40, deadline=None)
@given(quantity=TONNES, factor=st.integers(min_value=-20, max_value=20).filter(bool))
def test_forward_value_is_linear_in_tonnes_up_to_rounding(quantity: int, factor: int) -> None:
    one = value_of(replace(F1, quantity_t=quantity)).present_value_cny
    many = value_of(replace(F1, quantity_t=quantity * factor)).present_value_cny
    assert abs(many - one * factor) <= Decimal("0.005") * (abs(factor) + 1)


@settings(max_examples=40, deadline=None)
@given(
    order=st.permutations([spot("H1", "CEA-2023", 60_001), spot("H2", "CCER", 333), F1, G1, spot("bad", "SZA-2020", 1)])
)
def test_order_of_lines_does_not_matter(order: list[PortfolioLine]) -> None:
    value = value_of(*order)
    assert value.present_value_cny == Decimal("4491810.03")  # 75.02 x 60001 + 88.50 x 333 - 38935.49
    assert {line.line_id for line in value.lines} == {"H1", "H2", "F1", "G1"}
    assert [failure.item for failure in value.failures] == ["bad"]
