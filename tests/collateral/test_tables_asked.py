"""Decisions of a pledge asked for, of a change and of a repo's event show the haircut table they asked, for each unit."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.units import Currency
from carbonfin.rules.record import canonical_json
from carbonfin.rules.whole_trace import TableAsked, whole_trace
from carbonfin.storage.decisions import rebuilt
from collateral.calc.appraisal import AppraisalInputs
from collateral.calc.change_weighing import ChangeInputs
from collateral.calc.coverage import Debt
from collateral.calc.haircuts import Haircut, HaircutUse
from collateral.calc.pledge_changes import ChangeKind
from collateral.calc.repo import ExposureMethod, FxUsed, RepoTerms
from collateral.calc.repo_event_values import FactsOfDay, RepoEventDraft, RepoEventInputs, RepoEventKind
from collateral.calc.tables_asked import (
    tables_asked_of_appraisal,
    tables_asked_of_change,
    tables_asked_of_repo_event,
)
from tests.collateral.world import TODAY, haircut, haircut_table, line, price, safety_terms, thresholds

HELD, TAKEN = Unit.parse("SZA-2023"), Unit.parse("SZA-2024")
DEBT = Debt(
    principal_cny=Decimal("30000.00"), accrued_cny=Decimal("0.00"), costs_cny=Decimal("0.00"), exposure_date=TODAY,
    source="test",
)  # fmt: skip


def answered(asked: tuple[TableAsked, ...]) -> list[tuple[str, int, list[str]]]:
    """Unit, number of rows and the rows that answer, of each table asked."""
    wholes = [whole_trace(one) for one in asked]
    return [(whole.asked.about, len(whole.rows), [row.row_id for row in whole.rows if row.answers]) for whole in wholes]


def appraisal(*units: str) -> AppraisalInputs:
    return AppraisalInputs(
        agreement_code="P5", extends_code="", valuation_date=TODAY, end_date=date(2025, 10, 31),
        lines=tuple(line(unit, 1000) for unit in units), debt=DEBT, thresholds=thresholds(),
        safety=safety_terms(*units), availability=(), headrooms=(), schemes_without_headroom=(),
    )  # fmt: skip


def change(before: tuple[str, ...], after: tuple[str, ...]) -> ChangeInputs:
    return ChangeInputs(
        agreement_code="P5", kind=ChangeKind.SUBSTITUTION, valuation_date=TODAY, end_date=date(2025, 10, 31),
        before=tuple(line(unit, 1000) for unit in before), after=tuple(line(unit, 1000) for unit in after),
        added=(), freed=(), debt=DEBT, principal_max_cny=None, thresholds=thresholds(), safety=safety_terms(*after),
        availability=(), attached=(), headrooms=(), schemes_without_headroom=(),
    )  # fmt: skip


def event(draft: RepoEventDraft, found: Haircut | None) -> RepoEventInputs:
    terms = RepoTerms(
        code="R1", unit=HELD, quantity_t=100000, purchase_date=date(2025, 5, 20), repurchase_date=date(2025, 7, 21),
        currency=Currency.HKD, purchase_price_amount=Decimal("2400000.00"), rate=Decimal("0.0420"),
        basis=DayCount.ACT_365, method=ExposureMethod.B, minimum_transfer_amount=Decimal("50000.00"),
    )  # fmt: skip
    return RepoEventInputs(
        asked=draft, on=TODAY, terms=terms, state="OPEN", margin_cash_amount=Decimal("0.00"), margin_units_t=0,
        fx=FxUsed(cny_per_unit=Decimal("0.912"), quote_date=TODAY, source="test"),
        price=None if found is None else price("43.00"), haircut=found, facts=FactsOfDay(),
    )  # fmt: skip


def test_an_appraisal_shows_the_table_for_each_unit_once() -> None:
    inputs = appraisal("CEA-2023", "SZA-2022", "CEA-2023")
    expected = [("CEA-2023", 4, ["pledge"]), ("SZA-2022", 4, ["pledge"])]
    assert answered(tables_asked_of_appraisal(inputs)) == expected
    assert answered(tables_asked_of_appraisal(rebuilt(canonical_json(inputs), AppraisalInputs))) == expected


def test_an_appraisal_of_before_there_was_a_table_shows_none() -> None:
    inputs = appraisal("CEA-2023")
    before = tuple(replace(one, haircut=Haircut(parts=one.haircut.parts)) for one in inputs.lines)
    assert tables_asked_of_appraisal(replace(inputs, lines=before)) == ()


def test_a_change_shows_the_table_for_what_leaves_what_stays_and_what_comes() -> None:
    inputs = change(("CEA-2023", "SZA-2022"), ("CEA-2023", "SZA-2023"))
    expected = [("CEA-2023", 4, ["pledge"]), ("SZA-2022", 4, ["pledge"]), ("SZA-2023", 4, ["pledge"])]
    assert answered(tables_asked_of_change(inputs)) == expected
    recorded = rebuilt(canonical_json(inputs.with_table_once(haircut_table())), ChangeInputs)
    assert recorded.before[0].haircut.rule is None
    assert answered(tables_asked_of_change(recorded)) == expected


@pytest.mark.parametrize(
    ("draft", "unit"),
    [
        (RepoEventDraft(kind=RepoEventKind.REPRICE, reason="重新定价"), HELD),
        (RepoEventDraft(kind=RepoEventKind.SUBSTITUTE, reason="换券", unit=TAKEN), TAKEN),
    ],
)
def test_an_event_of_a_repo_shows_the_table_for_the_unit_it_prices(draft: RepoEventDraft, unit: Unit) -> None:
    inputs = event(draft, haircut(unit, use=HaircutUse.REPO, cross_currency=True))
    found = tables_asked_of_repo_event(rebuilt(canonical_json(inputs), RepoEventInputs))
    assert answered(found) == [(str(unit), 4, ["repo_cross"])]
    assert found[0].facts["vintage"] == unit.vintage


def test_an_event_that_needs_no_haircut_asked_no_table() -> None:
    draft = RepoEventDraft(kind=RepoEventKind.TERMINATE, reason="提前终止", notice_days=2)
    assert tables_asked_of_repo_event(event(draft, None)) == ()
