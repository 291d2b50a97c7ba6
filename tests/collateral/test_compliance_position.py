"""Compliance positions by hand: years in order, offsets on both bases, recall, arrears, carried tonnes and fines."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.parameters import ParameterValue
from collateral.calc.compliance_position import decide_compliance_position
from collateral.calc.compliance_records import (
    AllocationPart,
    AllocationStanding,
    AllocationState,
    CompliancePosition,
    EmissionsState,
    statement_of,
)
from collateral.calc.compliance_years import (
    Arrears,
    CompliancePositionInputs,
    HeldUnit,
    LeftOutReason,
    MeanPrice,
    OffsetRule,
    PenaltyRule,
    YearInputs,
)
from collateral.calc.surrender import VintageUse
from tests.collateral.world import TODAY, parameter

TO_COME = AllocationPart(
    state=AllocationState.VERIFIED, standing=AllocationStanding.TO_COME, quantity_t=245_560, source="分配方案"
)
RECALLABLE = replace(TO_COME, state=AllocationState.ADJUSTED, standing=AllocationStanding.RECALLABLE, quantity_t=12_000)
ON_OBLIGATION = OffsetRule(
    ratio=parameter("collateral.offset_limit_ratio", "0.05"),
    basis=parameter("collateral.offset_basis", "obligation"),
    credits=(Scheme.CCER,),
)
ON_SHORTFALL = OffsetRule(
    ratio=parameter("collateral.offset_limit_ratio", "0.20"),
    basis=parameter("collateral.offset_basis", "shortfall"),
    credits=(Scheme.CCER, Scheme.SZPHCER),
)


def fined(low: str, high: str, mean: str) -> PenaltyRule:
    return PenaltyRule(
        regime=parameter("collateral.penalty_regime", "multiple_of_mean"),
        low=parameter("pricing.penalty_multiple", low, scope="CEA.low"),
        high=parameter("pricing.penalty_multiple", high, scope="CEA.high"),
        mean=MeanPrice(cny_per_t=Decimal(mean), source="交易所", confirmed=True, note_zh="", note_en=""),
        next_year_cut=parameter("collateral.penalty_next_year_cut", "if_not_corrected"),
    )


def held(unit: str, quantity_t: int, *, end: str | None = None, carries: bool = False, carried_t: int = 0) -> HeldUnit:
    parsed = Unit.parse(unit)
    last: ParameterValue | None = None if end is None else parameter("pricing.last_usable_date", end, scope=unit)
    forward = parameter("pricing.vintage_carries_forward", "true") if carries else None
    return HeldUnit(
        unit=parsed,
        quantity_t=quantity_t,
        use=VintageUse(unit=parsed, last_usable=last, carries_forward=forward),
        carried_over_t=carried_t,
    )


def year(
    of: int, emissions_t: int, *, deadline: str = "2025-12-31", parts: tuple[AllocationPart, ...] = ()
) -> YearInputs:
    coming = sum(one.standing is AllocationStanding.TO_COME for one in parts)
    return YearInputs(
        compliance_year=of,
        surrender_date=parameter("pricing.surrender_date", deadline, scope=str(of)),
        emissions_t=emissions_t,
        emissions_state=EmissionsState.VERIFIED,
        emissions_source="核查报告",
        surrendered_t=0,
        parts=parts,
        to_come_counted=(parameter("collateral.true_up_counted_ratio", "0.90"),) * coming,
        offset=ON_OBLIGATION,
        penalty=None,
        unconfirmed="",
    )


def inputs(
    *years: YearInputs, units: tuple[HeldUnit, ...], scheme: Scheme = Scheme.CEA, arrears: tuple[Arrears, ...] = ()
) -> CompliancePositionInputs:
    return CompliancePositionInputs(
        party_code="E", scheme=scheme, valuation_date=TODAY, years=years, arrears=arrears, units=units
    )


def test_e1_has_a_surplus_and_uses_no_credit() -> None:
    """60,000 + 560,000 + floor(245,560 x 0.9 = 221,004) - 796,726 = 44,278."""
    found = decide_compliance_position(
        inputs(
            year(2024, 796_726, parts=(TO_COME,)),
            units=(
                held("CEA-2023", 60_000, end="2025-12-31"),
                held("CEA-2024", 560_000, end="2025-12-31"),
                held("CCER", 5_000),
            ),
        )
    ).years[0]
    assert (found.usable_t, found.to_come_t, found.to_come_counted_t) == (620_000, 245_560, 221_004)
    assert (found.balance_t, found.surplus_t, found.shortfall_t) == (44_278, 44_278, 0)
    assert (found.credits_held_t, found.offset_limit_t, found.credits_counted_t) == (5_000, 39_836, 0)


def test_nationally_credits_are_a_share_of_the_obligation_and_the_rest_is_fined() -> None:
    """Short 96,726; floor(796,726 x 5 % = 39,836.3) of 50,000 credits; 56,890 x 74 x 5 and x 10."""
    short = replace(year(2024, 796_726), penalty=fined("5", "10", "74.0000"))
    outcome = decide_compliance_position(
        inputs(short, units=(held("CEA-2024", 700_000, end="2025-12-31"), held("CCER", 50_000)))
    )
    found = outcome.years[0]
    assert (found.balance_t, found.offset_limit_t, found.credits_counted_t) == (-96_726, 39_836, 39_836)
    assert (found.shortfall_t, found.surplus_t) == (56_890, 0)
    assert (found.penalty_low_cny, found.penalty_high_cny) == (Decimal("21049300.00"), Decimal("42098600.00"))
    values = {figure.name: figure for figure in outcome.trace}
    assert values["shortfall_2024"].value == "56890"
    assert set(values["penalty_low_2024"].inputs) >= {"shortfall_2024", "mean_price", "penalty_regime_2024"}


def test_in_shenzhen_credits_are_a_share_of_the_shortfall() -> None:
    """Short 207,105 - 180,000 = 27,105; floor(20 %) = 5,421 of 6,000 credits, of both kinds."""
    short = replace(year(2024, 207_105, deadline="2025-08-31"), offset=ON_SHORTFALL, penalty=fined("3", "3", "40"))
    found = decide_compliance_position(
        inputs(
            short,
            units=(held("SZA-2024", 180_000, carries=True), held("CCER", 4_000), held("SZPHCER", 2_000)),
            scheme=Scheme.SZA,
        )
    ).years[0]
    assert (found.offset_limit_t, found.credits_counted_t, found.shortfall_t) == (5_421, 5_421, 21_684)
    assert found.penalty_low_cny == found.penalty_high_cny == Decimal("2602080.00")


def test_a_tonne_serves_one_year_alone() -> None:
    """2024 takes 200,000 of 298,000, so 2025 finds 98,000 and lacks 52,000."""
    found = decide_compliance_position(
        inputs(
            year(2025, 150_000, deadline="2026-08-31"),
            year(2024, 200_000, deadline="2025-08-31"),
            units=(held("SZA-2023", 80_000, carries=True), held("SZA-2024", 218_000, carries=True)),
            scheme=Scheme.SZA,
        )
    )
    first, second = found.years
    assert [one.compliance_year for one in found.years] == [2024, 2025]
    assert (first.usable_t, first.surplus_t) == (298_000, 98_000)
    assert (second.usable_t, second.shortfall_t) == (98_000, 52_000)
    assert {one.reason for one in second.left_out} == {LeftOutReason.EARLIER_YEAR}


def test_old_vintages_count_for_a_later_year_only_as_far_as_they_were_carried_over() -> None:
    later = year(2025, 30_000, deadline="2026-12-31")
    old = held("CEA-2023", 60_000, end="2025-12-31")
    assert decide_compliance_position(inputs(later, units=(old,))).years[0].shortfall_t == 30_000
    found = decide_compliance_position(inputs(later, units=(replace(old, carried_over_t=20_501),))).years[0]
    assert (found.usable_t, found.shortfall_t) == (20_501, 9_499)
    (left,) = found.left_out
    assert (left.quantity_t, left.reason) == (39_499, LeftOutReason.PAST_USE)


def test_the_year_before_takes_what_ends_and_leaves_what_was_carried_over() -> None:
    """2024 needs 39,499: the part that ends; the 20,501 carried over stay for 2025."""
    found = decide_compliance_position(
        inputs(
            year(2024, 39_499),
            year(2025, 20_501, deadline="2026-12-31"),
            units=(held("CEA-2023", 60_000, end="2025-12-31", carried_t=20_501),),
        )
    )
    assert [one.shortfall_t for one in found.years] == [0, 0]


def test_a_vintage_serves_its_own_year_and_none_of_unknown_end_serves_another() -> None:
    units = (held("CEA-2025", 10), held("CEA-2024", 20), held("CEA-2026", 40))
    found = decide_compliance_position(inputs(year(2025, 0, deadline="2026-12-31"), units=units)).years[0]
    assert found.usable_t == 10
    assert {str(one.unit): one.reason for one in found.left_out} == {
        "CEA-2024": LeftOutReason.END_UNKNOWN,
        "CEA-2026": LeftOutReason.LATER_VINTAGE,
    }


def test_arrears_are_owed_with_the_next_year_and_recall_counts_in_full() -> None:
    """1,000 + (900 - 850) - 100 surrendered = 950 owed; 2,000 + 0 - 12,000 - 950 = -10,950."""
    owed = replace(year(2024, 1_000, parts=(RECALLABLE,)), surrendered_t=100, offset=None)
    behind = Arrears(compliance_year=2023, emissions_t=900, surrendered_t=850, source="清缴记录")
    found = decide_compliance_position(
        inputs(owed, units=(held("CEA-2024", 2_000, end="2025-12-31"), held("CCER", 99)), arrears=(behind,))
    ).years[0]
    assert (found.arrears_t, found.outstanding_t, found.recallable_t) == (50, 950, 12_000)
    assert (found.balance_t, found.shortfall_t) == (-10_950, 10_950)
    assert (found.offset_limit_t, found.credits_counted_t) == (None, 0)


def test_a_regime_nobody_has_read_gives_no_fine() -> None:
    regime = parameter("collateral.penalty_regime", "not_known")
    unread = PenaltyRule(regime=regime, low=None, high=None, mean=None, next_year_cut=None)
    found = decide_compliance_position(inputs(replace(year(2025, 5), penalty=unread), units=())).years[0]
    assert (found.shortfall_t, found.penalty_regime) == (5, "not_known")
    assert (found.penalty_low_cny, found.penalty_high_cny) == (None, None)


def test_forecast_emissions_stand_unconfirmed() -> None:
    guessed = replace(year(2025, 5), emissions_state=EmissionsState.FORECAST)
    assert decide_compliance_position(inputs(guessed, units=())).unconfirmed == ("emissions_2025",)


@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=4),
    st.lists(st.integers(0, 10**6), min_size=1, max_size=4),
    st.integers(0, 10**6),
)
def test_what_the_years_use_is_never_more_than_what_is_held(owed: list[int], stocks: list[int], credits_t: int) -> None:
    years = [year(2024 + place, quantity_t, deadline=f"{2025 + place}-08-31") for place, quantity_t in enumerate(owed)]
    units = tuple(held(f"SZA-{2024 - place}", quantity_t, carries=True) for place, quantity_t in enumerate(stocks))
    found = decide_compliance_position(inputs(*years, units=(*units, held("CCER", credits_t)), scheme=Scheme.SZA)).years
    met = sum(one.outstanding_t - one.shortfall_t for one in found)
    assert met <= sum(stocks) + credits_t
    assert sum(one.credits_counted_t for one in found) <= credits_t
    for one in found:
        assert one.surplus_t * one.shortfall_t == 0


def test_totals_alone_tell_the_allocation() -> None:
    told = CompliancePosition(
        party_id="p", scheme=Scheme.CEA, compliance_year=2024, emissions_t=1, emissions_source="r", allocation_t=90,
        issued_t=100, true_up_expected_t=0, true_up_source="方案", unconfirmed="", known_from=TODAY,
    )  # fmt: skip
    assert {(one.state.value, one.standing.value): one.quantity_t for one in told.allocation} == {
        ("pre_allocated", "issued"): 100,
        ("verified", "recallable"): 10,
    }


def test_totals_follow_from_parts_and_may_not_differ() -> None:
    issued = replace(
        TO_COME, state=AllocationState.PRE_ALLOCATED, standing=AllocationStanding.ISSUED, quantity_t=560_000
    )
    told = statement_of(
        party_id="p", scheme=Scheme.CEA, compliance_year=2024, emissions_t=1, emissions_state=EmissionsState.VERIFIED,
        emissions_source="r", surrendered_t=None, as_of=date(2025, 6, 1), parts=(issued, TO_COME), unconfirmed="",
        known_from=TODAY,
    )  # fmt: skip
    assert (told.issued_t, told.true_up_expected_t, told.allocation_t) == (560_000, 245_560, 805_560)
    with pytest.raises(InvalidInput, match="add up to"):
        replace(told, issued_t=1)
    with pytest.raises(InvalidInput):
        replace(TO_COME, quantity_t=-1)
    with pytest.raises(InvalidInput, match="credit"):
        statement_of(
            party_id="p", scheme=Scheme.CCER, compliance_year=2024, emissions_t=1,
            emissions_state=EmissionsState.VERIFIED, emissions_source="r", surrendered_t=None, as_of=None, parts=(),
            unconfirmed="", known_from=TODAY,
        )  # fmt: skip
