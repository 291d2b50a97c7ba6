"""Eligibility by hand: what vetoes, what is not known, ratings and maturities at their boundaries, CDM both ways."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.errors import InvalidInput
from collateral.calc import eligibility as rules
from collateral.calc.cdm_schedules import read_schedule, schedule_faults, write_schedule
from collateral.calc.eligibility import (
    AllOf,
    AnyOf,
    Boundary,
    CollateralAsset,
    ConcentrationLimit,
    Criteria,
    DebtTraits,
    EligibilityRule,
    MaturityBound,
    MaturityIs,
    MaturityKind,
    Mismatch,
    NoneOf,
    PeriodUnit,
    RatedBy,
    Rating,
    Trait,
    TraitIs,
    Treatment,
    TypeIs,
    eligibility_of,
    meets,
)

DAY = date(2025, 6, 30)
DEBT = TypeIs(asset_type="SECURITY", security_type="DEBT")
US, FR = TraitIs(trait=Trait.ISSUER_COUNTRY, value="US"), TraitIs(trait=Trait.ISSUER_COUNTRY, value="FR")
BOND = CollateralAsset(asset_type="SECURITY", security_type="DEBT", issuer_country="US", matures_on=date(2027, 6, 30))


def treated(*, is_included: bool = True, margin: str = "1.05") -> Treatment:
    return Treatment(
        is_included=is_included, margin_ratio=Decimal(margin), haircut_ratio=None, fx_haircut_ratio=None,
        additional_haircut_ratio=None, limits=(),
    )  # fmt: skip


def rule(criteria: Criteria, *, is_included: bool = True, margin: str = "1.05") -> EligibilityRule:
    return EligibilityRule(criteria=criteria, treatment=treated(is_included=is_included, margin=margin))


def test_an_exclusion_vetoes_what_an_inclusion_admits() -> None:
    """A public engine drops the exclusions and calls this bond eligible."""
    found = eligibility_of(BOND, (rule(DEBT), rule(US, is_included=False)), on=DAY)
    assert (found.is_eligible, found.included_by, found.vetoed_by) == (False, (0,), (1,))
    assert eligibility_of(BOND, (rule(DEBT), rule(FR, is_included=False)), on=DAY).is_eligible


def test_what_is_not_known_neither_admits_nor_escapes_a_veto() -> None:
    nameless = replace(BOND, issuer_country="")
    assert meets(nameless, US, on=DAY) is None
    assert meets(nameless, NoneOf(part=US), on=DAY) is None
    assert meets(nameless, AllOf(parts=(DEBT, US)), on=DAY) is None
    assert meets(nameless, AllOf(parts=(US, TypeIs(asset_type="CASH"))), on=DAY) is False
    assert meets(nameless, AnyOf(parts=(US, DEBT)), on=DAY) is True
    assert not eligibility_of(nameless, (rule(US),), on=DAY).is_eligible
    assert eligibility_of(nameless, (rule(DEBT), rule(US, is_included=False)), on=DAY).vetoed_by == (1,)


def test_the_most_cautious_treatment_counts() -> None:
    found = eligibility_of(BOND, (rule(DEBT, margin="1.02"), rule(US, margin="1.25")), on=DAY)
    assert found.treatment is not None
    assert found.treatment.price_haircut_ratio == Decimal("0.2")
    assert replace(treated(), haircut_ratio=Decimal("0.03")).price_haircut_ratio == Decimal("0.03")
    assert replace(treated(), margin_ratio=None).price_haircut_ratio == 0


def rated(boundary: Boundary, notation: str, mismatch: Mismatch, agency: str = "STANDARD_AND_POORS") -> RatedBy:
    return RatedBy(
        of_issuer=False, rating=Rating(agency=agency, notation=notation), boundary=boundary, mismatch=mismatch
    )


def test_a_minimum_rating_admits_better_ones() -> None:
    """A public engine compares ratings for equality only, and refuses A where BBB is the least."""
    asset = replace(BOND, asset_ratings=(Rating(agency="STANDARD_AND_POORS", notation="A"),))
    assert meets(asset, rated(Boundary.MINIMUM, "BBB", Mismatch.OWN), on=DAY) is True
    assert meets(asset, rated(Boundary.MINIMUM, "A", Mismatch.OWN), on=DAY) is True
    assert meets(asset, rated(Boundary.MINIMUM, "A+", Mismatch.OWN), on=DAY) is False
    assert meets(asset, rated(Boundary.MAXIMUM, "BBB", Mismatch.OWN), on=DAY) is False
    assert meets(asset, rated(Boundary.MAXIMUM, "A+", Mismatch.OWN), on=DAY) is True
    assert meets(BOND, rated(Boundary.MAXIMUM, "D", Mismatch.OWN), on=DAY) is False
    issuer = replace(rated(Boundary.MINIMUM, "D", Mismatch.OWN), of_issuer=True)
    assert meets(asset, issuer, on=DAY) is False


def test_where_agencies_disagree_the_schedule_says_which_counts() -> None:
    split = replace(
        BOND,
        asset_ratings=(
            Rating(agency="STANDARD_AND_POORS", notation="BBB+"),
            Rating(agency="MOODYS", notation="Ba1"),
        ),
    )
    assert meets(split, rated(Boundary.MINIMUM, "BBB-", Mismatch.LOWEST), on=DAY) is False
    assert meets(split, rated(Boundary.MINIMUM, "BBB-", Mismatch.HIGHEST), on=DAY) is True
    assert meets(split, rated(Boundary.MINIMUM, "Baa3", Mismatch.OWN, "MOODYS"), on=DAY) is False
    assert meets(split, rated(Boundary.MINIMUM, "Baa3", Mismatch.HIGHEST, "MOODYS"), on=DAY) is True
    assert meets(split, rated(Boundary.MINIMUM, "BBB-", Mismatch.HIGHEST, "FITCH"), on=DAY) is False
    assert meets(split, rated(Boundary.MINIMUM, "AA-", Mismatch.OWN, "MOODYS"), on=DAY) is None
    strange = replace(split, asset_ratings=(Rating(agency="MOODYS", notation="AA-"),))
    assert meets(strange, rated(Boundary.MINIMUM, "C", Mismatch.OWN, "MOODYS"), on=DAY) is None


def between(lower: MaturityBound | None, upper: MaturityBound | None) -> MaturityIs:
    return MaturityIs(kind=MaturityKind.REMAINING, lower=lower, upper=upper)


def period(count: int, unit: PeriodUnit, *, is_inclusive: bool) -> MaturityBound:
    return MaturityBound(count=count, unit=unit, is_inclusive=is_inclusive)


def test_maturities_lie_between_bounds_in_any_unit() -> None:
    """A public engine turns the exclusive lower bound round, and compares years with months as bare numbers."""
    year = period(1, PeriodUnit.YEAR, is_inclusive=False)
    assert meets(BOND, between(year, None), on=DAY) is True
    assert meets(replace(BOND, matures_on=date(2026, 6, 30)), between(year, None), on=DAY) is False
    inclusive = period(12, PeriodUnit.MONTH, is_inclusive=True)
    assert meets(replace(BOND, matures_on=date(2026, 6, 30)), between(inclusive, inclusive), on=DAY) is True
    assert meets(replace(BOND, matures_on=date(2026, 6, 30)), between(None, year), on=DAY) is False
    assert meets(replace(BOND, matures_on=date(2026, 6, 29)), between(None, year), on=DAY) is True
    assert meets(BOND, between(period(18, PeriodUnit.MONTH, is_inclusive=True), None), on=DAY) is True
    assert meets(BOND, between(period(31, PeriodUnit.MONTH, is_inclusive=True), None), on=DAY) is False
    assert meets(BOND, between(None, period(105, PeriodUnit.WEEK, is_inclusive=True)), on=DAY) is True
    assert meets(replace(BOND, matures_on=None), between(year, None), on=DAY) is None
    original = replace(between(year, None), kind=MaturityKind.ORIGINAL)
    assert meets(BOND, original, on=DAY) is None
    assert meets(replace(BOND, issued_on=date(2026, 6, 30)), original, on=DAY) is False


def test_a_period_ends_on_the_last_day_of_a_shorter_month() -> None:
    assert period(1, PeriodUnit.YEAR, is_inclusive=True).day_from(date(2024, 2, 29)) == date(2025, 2, 28)
    assert period(1, PeriodUnit.MONTH, is_inclusive=True).day_from(date(2024, 12, 31)) == date(2025, 1, 31)
    assert period(2, PeriodUnit.MONTH, is_inclusive=True).day_from(date(2024, 12, 31)) == date(2025, 2, 28)
    assert period(3, PeriodUnit.DAY, is_inclusive=True).day_from(date(2024, 12, 31)) == date(2025, 1, 3)


def test_the_leaves_that_are_missed_are_named() -> None:
    criteria = AllOf(parts=(DEBT, AnyOf(parts=(FR, TraitIs(trait=Trait.INDEX, value="DAX"))), NoneOf(part=US)))
    assert rules.unmet(BOND, criteria, on=DAY) == (FR, TraitIs(trait=Trait.INDEX, value="DAX"), US)
    assert rules.unmet(BOND, DEBT, on=DAY) == ()


def test_a_limit_holds_at_its_value_only_where_it_includes_it() -> None:
    limit = ConcentrationLimit(kind="ISSUER", upper=Decimal("0.1"), is_inclusive=True, currency="")
    assert limit.holds(Decimal("0.1"))
    assert not replace(limit, is_inclusive=False).holds(Decimal("0.1"))
    assert not limit.holds(Decimal("0.1000001"))


def test_schedules_that_need_a_look_are_reported() -> None:
    receipts = AllOf(
        parts=(
            TypeIs(asset_type="SECURITY", depositary_receipt="GDR"),
            AllOf(parts=(TypeIs(asset_type="SECURITY", depositary_receipt="ADR"),)),
        )
    )
    percent = ConcentrationLimit(kind="ISSUER", upper=Decimal(30), is_inclusive=True, currency="")
    schedule = (
        rule(receipts),
        EligibilityRule(criteria=DEBT, treatment=replace(treated(margin="0.97"), limits=(percent,))),
        rule(rated(Boundary.MINIMUM, "AA-", Mismatch.OWN, "MOODYS")),
        rule(AnyOf(parts=(receipts, DEBT))),
    )
    assert [(fault.place, fault.message_en[:12]) for fault in schedule_faults(schedule)] == [
        (0, "asks for ass"),
        (1, "share limit "),
        (1, "margin ratio"),
        (2, "MOODYS AA- i"),
    ]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("smile", 1),
        ("criteria", []),
        ("criteria", [{"collateralCriteria": {"ListingSector": {}}, "treatment": {"isIncluded": True}}]),
        ("criteria", [{"collateralCriteria": {"AssetType": {"assetType": ""}}, "treatment": {"isIncluded": True}}]),
        ("criteria", [{"collateralCriteria": {"AssetType": {"assetType": "CASH"}}, "treatment": {"isIncluded": 1}}]),
        ("criteria", [{"collateralCriteria": {}, "treatment": {"isIncluded": True}}]),
    ],
)
def test_what_is_not_read_is_refused_by_its_path(member: str, value: object) -> None:
    with pytest.raises(InvalidInput):
        read_schedule({member: value})


words = st.sampled_from(("CASH", "SECURITY", "DEBT", "X"))
ratios = st.one_of(st.none(), st.integers(0, 10**4).map(lambda number: Decimal(number).scaleb(-4)))
leaves: st.SearchStrategy[Criteria] = st.one_of(
    st.builds(
        TypeIs, asset_type=words, security_type=st.sampled_from(("", "DEBT")), equity_type=st.sampled_from(("", "X")),
        debt=st.lists(st.builds(DebtTraits, interest=words, backing=words), max_size=2).map(tuple),
        depositary_receipt=st.sampled_from(("", "ADR")),
    ),
    st.builds(TraitIs, trait=st.sampled_from(Trait), value=words),
    st.builds(
        RatedBy, of_issuer=st.booleans(), boundary=st.sampled_from(Boundary), mismatch=st.sampled_from(Mismatch),
        rating=st.builds(Rating, agency=words, notation=words),
    ),
    st.builds(
        MaturityIs, kind=st.sampled_from(MaturityKind),
        lower=st.none() | st.builds(MaturityBound, count=st.integers(0, 99), unit=st.sampled_from(PeriodUnit), is_inclusive=st.booleans()),
        upper=st.none() | st.builds(MaturityBound, count=st.integers(0, 99), unit=st.sampled_from(PeriodUnit), is_inclusive=st.booleans()),
    ),
)  # fmt: skip


def nested(inner: st.SearchStrategy[Criteria]) -> st.SearchStrategy[Criteria]:
    parts = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(st.builds(AllOf, parts=parts), st.builds(AnyOf, parts=parts), st.builds(NoneOf, part=inner))


schedules = st.lists(
    st.builds(
        EligibilityRule,
        criteria=st.recursive(leaves, nested, max_leaves=6),
        treatment=st.builds(
            Treatment, is_included=st.booleans(), margin_ratio=ratios, haircut_ratio=ratios, fx_haircut_ratio=ratios,
            additional_haircut_ratio=ratios,
            limits=st.lists(
                st.builds(
                    ConcentrationLimit, kind=words, upper=st.integers(0, 10**9).map(Decimal),
                    is_inclusive=st.booleans(), currency=st.sampled_from(("", "USD")),
                ),
                max_size=2,
            ).map(tuple),
        ),
    ),
    min_size=1,
    max_size=4,
).map(tuple)  # fmt: skip


@given(schedules)
def test_a_schedule_written_is_read_back_the_same(schedule: tuple[EligibilityRule, ...]) -> None:
    assert read_schedule(write_schedule(schedule)) == schedule
