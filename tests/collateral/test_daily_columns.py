"""Days struck by columns equal to days struck one by one, refusals included, inside the bounds and outside."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import CarbonFinError, InvalidInput, MissingData
from carbonfin.kernel.units import Currency, Money
from carbonfin.rules.record import canonical_json
from collateral.calc import daily_columns
from collateral.calc.coverage import Debt
from collateral.calc.coverage_rules import CoverageLevel
from collateral.calc.daily_columns import strike_all
from collateral.calc.daily_margin import (
    AgreedMargin,
    DailyInputs,
    Depth,
    EndFacts,
    HeldLine,
    MarginHeld,
    PricedUnit,
    Struck,
    UnitEnd,
    strike,
)
from collateral.calc.margin import Infinite, MarginTerms, Rounding, RoundingDirection
from tests.collateral.test_daily_margin import CEA, DAY, OPEN_DAYS, SZA, day, money

CCER = Unit(Scheme.CCER)
UNITS = (SZA, CEA, CCER)
_EDGES = (0, 1, 99, 100, 10**8, 10**12, 10**15 - 1, 10**15, 10**17)


def fen(most: int = 10**18) -> st.SearchStrategy[Decimal]:
    return (st.sampled_from(_EDGES) | st.integers(0, 10**9) | st.integers(0, most)).map(lambda n: Decimal(n).scaleb(-2))


def places(low: str, high: str, most: int) -> st.SearchStrategy[Decimal]:
    return st.integers(0, most).flatmap(lambda n: st.decimals(Decimal(low), Decimal(high), places=n))


@st.composite
def margins(draw: st.DrawFn) -> AgreedMargin:
    lines = sorted([draw(st.sampled_from([Decimal(1), Decimal("0.95")]) | places("0.01", "12", 10)) for _ in range(3)])
    positive = [line or Decimal("0.85") for line in lines]
    multiple, other = [Money(draw(st.sampled_from([1, 100, 10**5, 10**16])), Currency.CNY) for _ in range(2)]
    directions = st.sampled_from(list(RoundingDirection))
    return AgreedMargin(
        initial_ratio=positive[2], warning_ratio=positive[1], disposal_ratio=positive[0], lines_source="-",
        margin=MarginTerms(
            threshold=draw(st.just(Infinite.INFINITE) | fen(10**12).map(lambda one: Money.of(one, Currency.CNY))),
            minimum_transfer=Money.of(draw(fen(10**12)), Currency.CNY),
            delivery_rounding=Rounding(multiple=multiple, direction=draw(directions)),
            return_rounding=Rounding(multiple=other, direction=draw(directions)),
        ),
        independent_cny=draw(fen(10**12)), terms_source="-",
    )  # fmt: skip


@st.composite
def held_lines(draw: st.DrawFn, *, has_attached: bool) -> HeldLine:
    return HeldLine(
        priced=PricedUnit(
            unit=draw(st.sampled_from(UNITS)), price_cny_per_t=draw(places("0", "500", 7)),
            haircut_ratio=draw(st.sampled_from([Decimal("0.5"), Decimal(1)]) | places("0", "1", 10)), source="-",
            note_zh="", note_en="",
        ),
        quantity_t=draw(st.integers(1, 10**6) | st.integers(1, 10**18)),
        attached_t=draw(st.none() | st.integers(0, 10**6)) if has_attached else None,
        unlisted_t=draw(st.none() | st.integers(1, 10**6)) if has_attached else None,
    )  # fmt: skip


@st.composite
def days(draw: st.DrawFn) -> DailyInputs:
    depths = [
        Depth(scheme=unit.scheme, volume_t=draw(st.sampled_from([0, 1, 20_000])),
              participation_ratio=draw(st.sampled_from([Decimal("0.2"), Decimal("0.07"), Decimal(0)])))
        for unit in UNITS[: draw(st.integers(1, 3))]
    ]  # fmt: skip
    return DailyInputs(
        agreement_code="P", valuation_date=DAY, facts_id="-",
        lines=tuple(draw(st.lists(held_lines(has_attached=True), min_size=1, max_size=3))),
        debt=Debt(principal_cny=draw(fen()), accrued_cny=draw(fen(10**6)), costs_cny=draw(fen(10**6)),
                  exposure_date=DAY, source="-"),
        agreed=draw(margins()),
        margin=MarginHeld(held_cny=draw(fen()), delivery_in_transit_cny=draw(fen(10**9)),
                          return_in_transit_cny=draw(fen(10**9))),
        candidates=tuple(draw(st.lists(held_lines(has_attached=False), max_size=2))),
        ends=EndFacts(
            depths=tuple(depths), cure_days=5, unfreeze_days=5,
            ends=tuple(UnitEnd(unit=unit, last_usable=draw(st.sampled_from([None, OPEN_DAYS.end])),
                               carries_forward=draw(st.booleans())) for unit in UNITS),
            open_days=OPEN_DAYS,
        ),
        unconfirmed=(),
    )  # fmt: skip


def said_of(struck: Struck | CarbonFinError) -> Any:
    return canonical_json(struck) if isinstance(struck, Struck) else (type(struck), struck.detail)


def one_by_one(inputs: DailyInputs) -> Any:
    try:
        return said_of(strike(inputs))
    except CarbonFinError as error:
        return said_of(error)


@settings(max_examples=200, deadline=None)
@given(given_days=st.lists(days(), min_size=1, max_size=6))
def test_columns_give_what_each_agreement_gives_alone_and_refuse_what_it_refuses(given_days: list[DailyInputs]) -> None:
    assert [said_of(one) for one in strike_all(given_days)] == [one_by_one(one) for one in given_days]


def test_agreements_within_the_bounds_are_struck_by_columns_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    # 40000 x 40.00 x 0.5 = 800000.00 against 855758.81: by hand as in test_daily_margin
    monkeypatch.setattr(daily_columns, "strike", None)
    first, second, third = strike_all([day(), day(debt="842105.26"), day(volume_t=0)])
    assert isinstance(first, Struck)
    assert isinstance(second, Struck)
    assert (first.valuation.level, first.delivery_cny) == (CoverageLevel.WARNING, Decimal("55758.81"))
    assert (second.valuation.level, second.cash_to_initial_cny) == (CoverageLevel.BELOW_INITIAL, Decimal("42105.26"))
    assert isinstance(third, MissingData)


def test_a_fen_left_over_is_refused_where_its_coverage_is_beyond_what_is_recorded() -> None:
    # 800000.00 / 0.01 = 8·10^7 stands; 1600000.00 / 0.01 = 1.6·10^8 does not, and stops no other agreement
    stands, refused = strike_all([day(debt="0.01"), day(debt="0.01", tonnes=80_000)])
    assert isinstance(stands, Struck)
    assert stands.valuation.coverage_ratio == 80_000_000
    assert isinstance(refused, InvalidInput)
    assert "100000000" in refused.detail


@pytest.mark.parametrize(
    ("debt", "initial", "gap"),
    [("800000.00", "1.00", "0.00"), ("888888.88", "0.90", "-0.00"), ("888888.89", "0.90", "0.01")],
)
def test_a_gap_of_less_than_a_fen_keeps_the_sign_a_recorded_figure_has(debt: str, initial: str, gap: str) -> None:
    # 800000 / 0.9 = 888888.888…: a debt of 888888.88 lies 0.888… fen below it, which rounds up to nothing
    inputs = day(debt=debt, margin=MarginTerms(
        threshold=money("0.00"), minimum_transfer=money("0.00"),
        delivery_rounding=Rounding(multiple=money("0.01"), direction=RoundingDirection.UP),
        return_rounding=Rounding(multiple=money("0.01"), direction=RoundingDirection.DOWN),
    ))  # fmt: skip
    agreed = AgreedMargin(
        initial_ratio=Decimal(initial), warning_ratio=Decimal("0.85"), disposal_ratio=Decimal("0.80"), lines_source="-",
        margin=inputs.agreed.margin, independent_cny=Decimal("0.00"), terms_source="-",
    )  # fmt: skip
    (struck,) = strike_all([_with(inputs, agreed)])
    assert isinstance(struck, Struck)
    assert str(struck.gap_cny) == gap == str(strike(_with(inputs, agreed)).gap_cny)


def _with(inputs: DailyInputs, agreed: AgreedMargin) -> DailyInputs:
    return DailyInputs(**{name: getattr(inputs, name) for name in DailyInputs.__slots__} | {"agreed": agreed})
