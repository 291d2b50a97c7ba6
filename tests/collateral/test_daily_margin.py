"""The day of one agreement by hand, and the texts written for many equal to those written for one."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import MissingData
from carbonfin.kernel.units import Currency, Money
from carbonfin.rules.record import canonical_json
from carbonfin.storage.decisions import rebuilt
from collateral.calc.coverage import Debt
from collateral.calc.coverage_rules import CoverageLevel
from collateral.calc.daily_margin import (
    AgreedMargin,
    DailyInputs,
    Depth,
    EndFacts,
    HeldLine,
    MarginHeld,
    PricedUnit,
    UnitEnd,
    strike,
)
from collateral.calc.daily_texts import DayWriter
from collateral.calc.daily_traces import decide_daily_margin
from collateral.calc.margin import Infinite, MarginTerms, Rounding, RoundingDirection
from collateral.calc.surrender import SafeDateKind, TradingDays

DAY = date(2025, 6, 30)
SZA = Unit(Scheme.SZA, 2023)
CEA = Unit(Scheme.CEA, 2023)
PRICED = {
    SZA: PricedUnit(unit=SZA, price_cny_per_t=Decimal("40.00"), haircut_ratio=Decimal("0.50"),
                    source="行情 2025-06-30", note_zh="示例报价", note_en=""),
    CEA: PricedUnit(unit=CEA, price_cny_per_t=Decimal("74.03"), haircut_ratio=Decimal("0.40"),
                    source="行情 2025-06-30", note_zh="", note_en=""),
}  # fmt: skip
OPEN_DAYS = TradingDays(
    start=DAY, end=date(2025, 7, 31), known_until=date(2025, 12, 31),
    days=tuple(date(2025, 7, day) for day in range(1, 32) if date(2025, 7, day).weekday() < 5),
)  # fmt: skip


def money(amount: str) -> Money:
    return Money.of(Decimal(amount), Currency.CNY)


def terms(*, threshold: str | None = "0.00", minimum: str = "0.00", multiple: str = "0.01") -> MarginTerms:
    return MarginTerms(
        threshold=Infinite.INFINITE if threshold is None else money(threshold), minimum_transfer=money(minimum),
        delivery_rounding=Rounding(multiple=money(multiple), direction=RoundingDirection.UP),
        return_rounding=Rounding(multiple=money(multiple), direction=RoundingDirection.DOWN),
    )  # fmt: skip


def day(
    *, tonnes: int = 40000, debt: str = "855758.81", unit: Unit = SZA, held: str = "0.00", transit: str = "0.00",
    margin: MarginTerms | None = None, independent: str = "0.00", free_t: int = 2000, volume_t: int = 20000,
    unconfirmed: tuple[str, ...] = (), code: str = "P3", source: str = "贷款台账",
) -> DailyInputs:  # fmt: skip
    return DailyInputs(
        agreement_code=code, valuation_date=DAY, facts_id="facts-1",
        lines=(HeldLine(priced=PRICED[unit], quantity_t=tonnes),),
        debt=Debt(principal_cny=Decimal(debt), accrued_cny=Decimal("0.00"), costs_cny=Decimal("0.00"),
                  exposure_date=DAY, source=source),
        agreed=AgreedMargin(
            initial_ratio=Decimal("1.00"), warning_ratio=Decimal("0.95"), disposal_ratio=Decimal("0.85"),
            lines_source="本行参数", margin=margin or terms(), independent_cny=Decimal(independent),
            terms_source="未另行约定",
        ),
        margin=MarginHeld(held_cny=Decimal(held), delivery_in_transit_cny=Decimal(transit),
                          return_in_transit_cny=Decimal("0.00")),
        candidates=(HeldLine(priced=PRICED[SZA], quantity_t=free_t),),
        ends=EndFacts(
            depths=(Depth(scheme=unit.scheme, volume_t=volume_t, participation_ratio=Decimal("0.20")),), cure_days=5,
            unfreeze_days=5, ends=(UnitEnd(unit=unit, last_usable=date(2025, 7, 31), carries_forward=False),),
            open_days=OPEN_DAYS,
        ),
        unconfirmed=unconfirmed,
    )  # fmt: skip


def test_the_sample_pledge_below_its_warning_line_is_called_what_restores_the_initial_line() -> None:
    # 40000 x 40.00 = 1600000; half of it 800000; 855758.81 - 800000/1.00 = 55758.81; 800000/855758.81 = 0.9348
    struck = strike(day())
    assert struck.valuation.level is CoverageLevel.WARNING
    assert (struck.gap_cny, struck.shortfall_cny, struck.delivery_cny) == (Decimal("55758.81"),) * 3
    (top_up,) = struck.top_ups
    assert (top_up.quantity_t, top_up.is_sufficient) == (2788, False)  # 55758.81 / 20 = 2787.94
    # 40000 / (0.20 x 20000) = 10 days; 5 + 10 + 5 open days back from 31 July (23 open days in the month) = 3 July
    assert (struck.closeout_days, struck.safe_date.kind, struck.safe_date.day) == (
        10, SafeDateKind.DATED, date(2025, 7, 3),
    )  # fmt: skip


def test_margin_held_and_in_transit_count_so_that_no_second_call_is_made() -> None:
    assert strike(day(transit="55758.81")).delivery_cny == Decimal("0.00")
    held = strike(day(held="55758.81"))
    assert (held.valuation.level, held.delivery_cny, held.return_cny) == (
        CoverageLevel.COVERED, Decimal("0.00"), Decimal("0.00"),
    )  # fmt: skip
    assert f"{held.valuation.coverage_ratio:.4f}" == "0.9348"  # of the units alone


def test_threshold_independent_amount_minimum_and_rounding_stand_in_their_order() -> None:
    # 55758.81 + 10000 - 20000 = 45758.81; minimum 45758.81 moves, one fen more does not; up to the next thousand
    agreed = terms(threshold="20000.00", minimum="45758.81", multiple="1000.00")
    assert strike(day(margin=agreed, independent="10000.00")).delivery_cny == Decimal("46000.00")
    agreed = terms(threshold="20000.00", minimum="45758.82", multiple="1000.00")
    assert strike(day(margin=agreed, independent="10000.00")).delivery_cny == Decimal("0.00")
    assert strike(day(margin=terms(threshold=None))).delivery_cny == Decimal("0.00")


def test_margin_goes_back_rounded_down_and_in_full_when_nothing_is_due() -> None:
    # debt 800000.00 + 30000.55: gap 30000.55, held 50000.00: excess 19999.45, down to the hundred
    some = strike(day(debt="830000.55", held="50000.00", margin=terms(multiple="100.00")))
    assert (some.shortfall_cny, some.return_cny) == (Decimal("-19999.45"), Decimal("19900.00"))
    rest = strike(day(debt="700000.00", held="50000.55", margin=terms(minimum="60000.00", multiple="100.00")))
    assert rest.return_cny == Decimal("50000.55")


def test_below_initial_but_not_below_warning_calls_nothing() -> None:
    struck = strike(day(debt="842105.26"))  # 0.95 x 842105.26 = 799999.997, so 800000 stands not below it
    assert (struck.valuation.level, struck.delivery_cny) == (CoverageLevel.BELOW_INITIAL, Decimal("0.00"))
    assert struck.cash_to_initial_cny == Decimal("42105.26")


def test_a_scheme_without_volume_is_refused() -> None:
    with pytest.raises(MissingData, match="average daily volume"):
        strike(day(volume_t=0))


AMOUNTS = st.integers(0, 10**11).map(lambda minor: str(Decimal(minor).scaleb(-2)))
DEBTS = st.just("0.00") | st.integers(10**4, 10**11).map(lambda minor: str(Decimal(minor).scaleb(-2)))


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_texts_written_for_many_are_those_written_for_one(data: st.DataObject) -> None:
    writer = DayWriter()
    for place in range(3):
        inputs = day(
            tonnes=data.draw(st.integers(1, 10**7)), debt=data.draw(DEBTS), unit=data.draw(st.sampled_from([SZA, CEA])),
            held=data.draw(AMOUNTS), transit=data.draw(AMOUNTS), independent=data.draw(AMOUNTS),
            margin=terms(threshold=data.draw(st.none() | AMOUNTS), minimum=data.draw(AMOUNTS),
                         multiple=data.draw(st.sampled_from(["0.01", "1000.00"]))),
            unconfirmed=data.draw(st.sampled_from([(), ("collateral.haircut_ratio[SZA]",)])),
            code=f'P"{place}\\号', free_t=data.draw(st.integers(0, 10**6)),
            source=data.draw(st.sampled_from(["贷款台账", "放款"])),
        )  # fmt: skip
        texts = writer.write(inputs, strike(inputs))
        assert texts.inputs_text == canonical_json(inputs)
        assert texts.outputs_text == canonical_json(decide_daily_margin(rebuilt(texts.inputs_text, DailyInputs)))
