"""Statistics over time, by hand and by law; a bank's from its books, the bureau's from what was filed."""

import dataclasses
import io
from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.dates import DayCount, end_of_china_day
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.parameters import Grade, ParameterValue
from carbonfin.storage.engine import Sessions
from carbonfin.storage.keyset import Place
from carbonfin.storage.parties import Standing, parties_of, standing_of
from carbonfin.storage.rulebook import enter_parameter
from collateral.calc.compliance_records import CompliancePosition
from collateral.service import record_compliance_position
from loans.calc.account_entries import EntryKind
from loans.calc.contracts.terms import AccrualDates, LoanTerms, RepaymentMethod
from loans.calc.notes import LoanNoteDraft
from loans.service import compared_years, notes_of, record_entries, record_loan_note
from loans.store import account_entries
from reporting import service
from reporting.calc.costs import voucher_cost
from reporting.calc.interest_columns import interest_by, net_fen
from reporting.calc.quarters import Quarter
from reporting.calc.statistics import (
    BudgetLine,
    CapLine,
    CutLine,
    Dimension,
    FinancingKind,
    FinancingLine,
    StatisticsInputs,
    SubsidyLine,
    quarters_between,
    statistics_of,
)
from reporting.calc.statistics_selection import Selection
from reporting.schemas import StatisticsOut
from reporting.service import StatisticsView
from tests.loans.conftest import Desk, desk
from tests.loans.samples import E4_USCI
from tests.loans.scorecard_worlds import draft, fill_scorecard, standing_at
from tests.loans.world import BUSINESS_DATE, KNOWN_AT, Bank, open_bank
from tests.reporting.samples import AS_OF, P0_VOUCHERS, application
from tests.reporting.test_service import CLOCK, prepared
from tests.reporting.test_workbooks import check_every_formula, formulas_of
from tests.reporting.worlds import BANK_NAME, Actors

__all__ = ["desk"]
FIRST, LAST = Quarter.parse("2024Q1"), Quarter.parse("2025Q4")
ZERO = Decimal("0.00")
LATER = end_of_china_day(date(2025, 7, 31))
LINE = FinancingLine(
    kind=FinancingKind.LOAN, code="N1", bank="甲行", enterprise="U1", on=date(2025, 3, 31),
    known_on=date(2025, 4, 2), amount_cny=Decimal("100.05"),
    product="降碳贷", district="南山", industry="C3973",
)  # fmt: skip
EMPTY = StatisticsInputs(first=FIRST, last=LAST, financing=(), subsidies=(), cuts=(), budgets=(), caps=())
LINES = st.lists(
    st.builds(
        FinancingLine,
        kind=st.sampled_from(FinancingKind), code=st.uuids().map(str), bank=st.sampled_from(["甲行", "乙行"]),
        enterprise=st.sampled_from(["U1", "U2", "U3"]), on=st.dates(date(2023, 6, 1), date(2026, 6, 1)),
        known_on=st.dates(date(2023, 6, 1), date(2026, 6, 1)),
        amount_cny=st.integers(0, 10**13).map(lambda fen: Decimal(fen) / 100),
        product=st.sampled_from([None, "降碳贷", "回购"]), district=st.sampled_from([None, "南山", "福田"]),
        industry=st.sampled_from([None, "C3973"]),
    ),
    max_size=30,
)  # fmt: skip


@settings(max_examples=60, deadline=None, derandomize=True)
@given(LINES)
def test_every_dimension_adds_up_to_the_lines_and_lines_are_never_added_to_loans(lines: list[FinancingLine]) -> None:
    found = statistics_of(dataclasses.replace(EMPTY, financing=tuple(lines)))
    inside = [line for line in lines if date(2024, 1, 1) <= line.on < date(2026, 1, 1)]
    for kind in FinancingKind:
        total = sum((line.amount_cny for line in inside if line.kind is kind), ZERO)
        assert found.total_cny(kind) == total
        for dimension in Dimension:
            cells = [cell for cell in found.financing if cell.kind is kind and cell.dimension is dimension]
            assert sum((cell.amount_cny for cell in cells), ZERO) == total
            assert sum(cell.count for cell in cells) == sum(line.kind is kind for line in inside)
    assert statistics_of(dataclasses.replace(EMPTY, financing=tuple(reversed(lines)))) == found


def test_the_first_and_the_last_day_of_the_quarters_count_and_no_other() -> None:
    days = [date(2023, 12, 31), date(2024, 1, 1), date(2025, 12, 31), date(2026, 1, 1)]
    lines = tuple(dataclasses.replace(LINE, code=str(place), on=day) for place, day in enumerate(days))
    found = statistics_of(dataclasses.replace(EMPTY, financing=lines))
    assert [(cell.quarter, cell.amount_cny) for cell in found.financing if cell.dimension is Dimension.BANK] == [
        ("2024Q1", Decimal("100.05")), ("2025Q4", Decimal("100.05")),
    ]  # fmt: skip
    assert [str(quarter) for quarter in quarters_between(Quarter.parse("2024Q4"), Quarter.parse("2025Q2"))] == [
        "2024Q4", "2025Q1", "2025Q2",
    ]  # fmt: skip


def test_what_is_not_stated_stands_apart() -> None:
    lines = (LINE, dataclasses.replace(LINE, code="N2", industry=None, district=None))
    found = statistics_of(dataclasses.replace(EMPTY, financing=lines))
    by_industry = {cell.name: cell.count for cell in found.financing if cell.dimension is Dimension.INDUSTRY}
    assert by_industry == {"C3973": 1, "未说明": 1}


def test_growth_counts_against_cuts_and_an_unknown_allocation_in_no_sum() -> None:
    cuts = (
        CutLine(enterprise="U1", year=2024, before_t=Decimal(1000), after_t=Decimal(900)),
        CutLine(enterprise="U2", year=2024, before_t=Decimal(500), after_t=Decimal(530)),
    )
    budgets = (
        BudgetLine(enterprise="U1", scheme="SZA", year=2024, allocation_t=950, emissions_t=900, surrendered_t=None),
        BudgetLine(enterprise="U2", scheme="SZA", year=2024, allocation_t=None, emissions_t=530, surrendered_t=100),
    )
    caps = (CapLine(scheme="SZA", year=2024, cap_t=25_000_000, confirmed=False),)
    found = statistics_of(dataclasses.replace(EMPTY, cuts=cuts, budgets=budgets, caps=caps))
    (cut,), (budget,) = found.cuts, found.budgets
    assert (cut.enterprise_count, cut.cut_count, cut.cut_t) == (2, 1, Decimal(70))
    assert (budget.allocation_t, budget.unstated_count, budget.emissions_t, budget.cap_t) == (950, 1, 1430, 25_000_000)
    assert budget.cap_confirmed is False
    without = statistics_of(dataclasses.replace(EMPTY, budgets=budgets)).budgets[0]
    assert (without.cap_t, without.cap_confirmed) == (None, None)


def test_an_amount_that_nobody_has_is_missing_and_no_zero() -> None:
    line = SubsidyLine(
        reference="A1", scheme="甲", bank="甲行", on=date(2025, 9, 18), net_cost_cny=Decimal("1.00"),
        calculated_cny=Decimal("0.50"), proposed_cny=None, paid_cny=None,
    )  # fmt: skip
    (cell,) = statistics_of(dataclasses.replace(EMPTY, subsidies=(line,))).subsidies
    assert (cell.filed_count, cell.proposed_count, cell.proposed_cny, cell.paid_cny) == (1, 0, None, None)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, 10**13), st.sampled_from(["0", "0.01", "0.03", "0.06", "0.09", "0.13", "0.0625"]))
def test_a_column_of_vouchers_is_split_as_each_voucher_is(fen: int, rate: str) -> None:
    voucher = dataclasses.replace(P0_VOUCHERS[0], gross_cny=Decimal(fen) / 100)
    single = voucher_cost(voucher, vat_rate=Decimal(rate)).net_cny
    assert Decimal(int(net_fen(np.array([fen]), vat_rate=Decimal(rate))[0])) / 100 == single


def test_interest_by_hand() -> None:
    """29516.67 / 1.06 = 27845.9150… → 27845.92; an invoice that states 100.00 of VAT is deducted instead."""
    found = interest_by(
        ["2024Q3", "2024Q4"], np.array([0, 1, 1]), np.array([2951667, 100000, 106]), np.array([-1, 10000, -1]),
        vat_rate=Decimal("0.06"),
    )  # fmt: skip
    assert [(one.voucher_count, one.gross_cny, one.net_cny) for one in found] == [
        (1, Decimal("29516.67"), Decimal("27845.92")), (2, Decimal("1001.06"), Decimal("901.00")),
    ]  # fmt: skip


@pytest.mark.parametrize(("fen", "rate"), [(-1, "0.06"), (10**13 + 1, "0.06"), (1, "6"), (1, "0.000001"), (1, "-0.1")])
def test_amounts_and_rates_that_cannot_be_are_refused(fen: int, rate: str) -> None:
    with pytest.raises(InvalidInput):
        net_fen(np.array([fen]), vat_rate=Decimal(rate))


def viewed(session: Session, actors: Actors, *, of: str, first: Quarter = FIRST) -> StatisticsView:
    actor = getattr(actors, of)
    return service.statistics_view(
        session, actor, first=first, last=LAST, as_of=AS_OF, standing=_standing(session, actor.organization_id)
    )


def _standing(session: Session, organization_id: str) -> Standing:
    return standing_of(session, organization_id, CLOCK)


def test_a_bank_counts_its_books_and_the_bureau_what_was_filed(sessions: Sessions) -> None:
    """P0 3,000,000 drawn 2024-06-21 and P2 2,300,000 drawn 2025-06-27, as the sample world prints them."""
    with sessions.begin() as session:
        actors = prepared(session)
        own, bureau = viewed(session, actors, of="bank"), viewed(session, actors, of="bureau")
        other = viewed(session, actors, of="other_bank")
    for view in (own, bureau):
        assert view.found.total_cny(FinancingKind.LOAN) == Decimal("5300000.00")
        assert view.found.total_cny(FinancingKind.LOAN, quarter="2024Q2") == Decimal("3000000.00")
        assert view.found.count_of(FinancingKind.CREDIT_LINE) == 0
    industries = {cell.name for cell in own.found.financing if cell.dimension is Dimension.INDUSTRY}
    assert industries == {"C3973"}
    banks = {cell.name for cell in bureau.found.financing if cell.dimension is Dimension.BANK}
    assert banks == {BANK_NAME}
    assert other.found.financing == ()
    nanshan = next(cell for cell in bureau.found.subsidies if cell.scheme.startswith("南山"))
    assert (nanshan.quarter, nanshan.filed_count, nanshan.calculated_cny) == ("2025Q3", 3, Decimal("55086.49"))
    assert nanshan.paid_cny is None
    assert sum((one.net_cny for one in bureau.interest), ZERO) == Decimal("110172.97")


def test_the_last_statement_of_an_emitter_counts(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        standing = _standing(session, actors.bank.organization_id)
        (party,) = parties_of(session, actors.bank)
        assert notes_of(session, actors.bank, party_id=party.id)
        for emissions_t in (208_000, 207_105):
            record_compliance_position(
                session, actors.bank,
                CompliancePosition(
                    party_id=party.id, scheme=Scheme.SZA, compliance_year=2024, emissions_t=emissions_t,
                    emissions_source="示例", allocation_t=218_000, issued_t=218_000, true_up_expected_t=0,
                    true_up_source="示例", unconfirmed="", known_from=AS_OF, surrendered_t=0,
                ),
                standing=standing,
            )  # fmt: skip
        (budget,) = viewed(session, actors, of="bank").found.budgets
    assert (budget.scheme, budget.emitter_count, budget.allocation_t, budget.emissions_t) == (
        "SZA",
        1,
        218_000,
        207_105,
    )
    assert budget.cap_t is None


def test_quarters_the_wrong_way_round_or_too_many_are_refused(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        for first in (Quarter(year=2026, number=1), Quarter(year=2015, number=4)):
            with pytest.raises(InvalidInput) as refused:
                viewed(session, actors, of="bureau", first=first)
            assert refused.value.field == "last"


def test_the_workbook_holds_the_lines_that_its_sums_add_up(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        view = viewed(session, prepared(session), of="bureau")
    book = openpyxl.load_workbook(io.BytesIO(service.statistics_workbook(view, ())), data_only=True)
    lines = [row[9].value for row in book["融资明细"].iter_rows(min_row=5) if isinstance(row[0].value, int)]
    assert sum(lines) == 5_300_000
    cells = [
        row[7].value
        for row in book["融资统计"].iter_rows(min_row=5)
        if row[3].value == "区" and row[2].value == "贷款投放"
    ]
    assert sum(cells) == 5_300_000
    assert service.statistics_workbook(view, ()) == service.statistics_workbook(view, ())


def test_eight_quarters_end_with_the_days_own() -> None:
    assert [str(one) for one in service.default_quarters(date(2025, 9, 26))] == ["2023Q4", "2025Q3"]
    assert [str(one) for one in service.default_quarters(date(2025, 12, 31))] == ["2024Q1", "2025Q4"]


def test_cuts_are_those_that_ratings_compare(sqlite_sessions: Sessions) -> None:
    """By hand in tests/loans/test_four_colours: 2,108.33 t, then 1,844.88 t, both with the factor of 2022."""
    with sqlite_sessions.begin() as session:
        bank = open_bank(session)
        fill_scorecard(session, bank)
        view = _years_of(session, bank)
        assert view.inputs.cuts == (
            CutLine(
                enterprise=E4_USCI, year=2024, before_t=Decimal("2108.33"), after_t=Decimal("1844.88"),
                sources=view.inputs.cuts[0].sources,
            ),
        )  # fmt: skip
        assert view.found.cuts[0].sources == view.inputs.cuts[0].sources != ()
        assert view.unread_count == 0
        unlike = draft(EntryKind.COMPARABLE, "0", unit="是否", reason="口径变更")
        report = record_entries(session, bank.officer, [unlike], on=BUSINESS_DATE, known_at=LATER)
        assert report.failures == ()
        known_later = dataclasses.replace(standing_at(bank), known_at=LATER)
        changed = _years_of(session, bank, standing=known_later)
        assert (changed.inputs.cuts, changed.unread_count) == ((), 1)


def test_a_day_past_is_counted_as_it_was_known_then(sqlite_sessions: Sessions) -> None:
    """The business date went on by a month; the account was corrected and a note written down after the day asked for."""
    with sqlite_sessions.begin() as session:
        bank = open_bank(session)
        fill_scorecard(session, bank)
        note = LoanNoteDraft(
            code="P9", party_id=bank.clothing.id, pledge_code=None, product="降碳贷",
            terms=LoanTerms(
                principal_cny=Decimal("500000.00"), drawdown_date=date(2025, 6, 20), maturity_date=date(2026, 6, 20),
                rate=Decimal("0.03"), basis=DayCount.ACT_360, method=RepaymentMethod.BULLET, interest_period_months=3,
                settlement_day=20, accrual_dates=AccrualDates.UNADJUSTED,
            ),
            rate_note="示例", interest_paid_to=date(2025, 6, 20), is_sample=True,
        )  # fmt: skip
        record_loan_note(session, bank.officer, note, known_at=LATER)
        unlike = draft(EntryKind.COMPARABLE, "0", unit="是否", reason="口径变更")
        record_entries(session, bank.officer, [unlike], on=date(2025, 7, 31), known_at=LATER)
        present = dataclasses.replace(standing_at(bank), business_date=date(2025, 7, 31), known_at=LATER)
        then = _years_of(session, bank, standing=present)
        now = _years_of(session, bank, standing=present, as_of=date(2025, 7, 31))
    assert (then.found.count_of(FinancingKind.LOAN), len(then.inputs.cuts)) == (0, 1)
    assert (now.found.count_of(FinancingKind.LOAN), len(now.inputs.cuts)) == (1, 0)


def test_a_cap_that_nobody_has_verified_says_so(sqlite_sessions: Sessions) -> None:
    budget = BudgetLine(
        enterprise="U1", scheme="SZA", year=2024, allocation_t=950, emissions_t=900, surrendered_t=None
    )  # fmt: skip
    with sqlite_sessions.begin() as session:
        view = viewed(session, prepared(session), of="bank")
    said = {}
    for confirmed in (False, True):
        cap = CapLine(scheme="SZA", year=2024, cap_t=25_000_000, confirmed=confirmed)
        inputs = dataclasses.replace(EMPTY, budgets=(budget,), caps=(cap,))
        shown = dataclasses.replace(view, inputs=inputs, found=statistics_of(inputs))
        book = openpyxl.load_workbook(io.BytesIO(service.statistics_workbook(shown, ())), data_only=True)
        cells = [cell.value for row in book["碳预算"].iter_rows() for cell in row]
        said[confirmed] = ("未核实" in cells, StatisticsOut.of(shown).carbon_budgets[0].cap_confirmed)
    assert said == {False: (True, False), True: (False, True)}


def test_the_page_marks_a_cap_that_nobody_has_verified(desk: Desk) -> None:
    cap = ParameterValue(
        key="reporting.city_cap_t", scope="SZA/2024", value="25000000", unit="t", valid_from=date(2024, 1, 1),
        valid_to=None, known_from=date(2024, 8, 9), document="分配方案(示例)", article="", grade=Grade.SECONDARY,
        confirmed=False, approved_by=(), note="", title_zh="全市配额总量", title_en="Cap",
    )  # fmt: skip
    with desk.sessions.begin() as session:
        enter_parameter(session, desk.bank.officer, desk.bank.checker, cap, reason="转载", at=KNOWN_AT)
        record_compliance_position(
            session, desk.bank.officer,
            CompliancePosition(
                party_id=desk.bank.clothing.id, scheme=Scheme.SZA, compliance_year=2024, emissions_t=1_000,
                emissions_source="示例", allocation_t=1_000, issued_t=1_000, true_up_expected_t=0,
                true_up_source="示例", unconfirmed="", known_from=BUSINESS_DATE, surrendered_t=0,
            ),
            standing=standing_at(desk.bank),
        )  # fmt: skip
    told = desk.get("/statistics").text
    assert "25,000,000" in told
    assert "未核实" in told


def _years_of(
    session: Session, bank: Bank, *, standing: Standing | None = None, as_of: date = BUSINESS_DATE
) -> StatisticsView:
    return service.statistics_view(
        session, bank.officer, first=FIRST, last=LAST, as_of=as_of, standing=standing or standing_at(bank)
    )


def _note(bank: Bank, code: str, principal: str, drawn_on: date, *, product: str = "降碳贷") -> LoanNoteDraft:
    return LoanNoteDraft(
        code=code, party_id=bank.clothing.id, pledge_code=None, product=product,
        terms=LoanTerms(
            principal_cny=Decimal(principal), drawdown_date=drawn_on, maturity_date=date(2026, 12, 20),
            rate=Decimal("0.03"), basis=DayCount.ACT_360, method=RepaymentMethod.BULLET, interest_period_months=3,
            settlement_day=20, accrual_dates=AccrualDates.UNADJUSTED,
        ),
        rate_note="示例", interest_paid_to=drawn_on, is_sample=True,
    )  # fmt: skip


def _with_late_note(session: Session, bank: Bank) -> Standing:
    """P8 of 2025-06-20 is known on 2025-06-30, P9 of the same day only on 2025-07-31; P7 is drawn on 2025-07-10."""
    record_loan_note(session, bank.officer, _note(bank, "P8", "300000.00", date(2025, 6, 20)), known_at=KNOWN_AT)
    record_loan_note(session, bank.officer, _note(bank, "P9", "500000.00", date(2025, 6, 20)), known_at=LATER)
    later = _note(bank, "P7", "70000.00", date(2025, 7, 10), product="流动资金贷款")
    record_loan_note(session, bank.officer, later, known_at=LATER)
    return dataclasses.replace(standing_at(bank), business_date=date(2025, 7, 31), known_at=LATER)


def test_a_quarter_end_is_counted_as_known_then_and_as_known_now(sqlite_sessions: Sessions) -> None:
    """2025Q2 by hand: 300,000.00 at its end, with P9 800,000.00; P7 lies after the quarter whoever knows it."""
    with sqlite_sessions.begin() as session:
        bank = open_bank(session)
        present = _with_late_note(session, bank)
        views = {
            known_on: service.statistics_view(
                session, bank.officer, first=FIRST, last=LAST, as_of=BUSINESS_DATE, standing=present, known_on=known_on
            )
            for known_on in (None, date(2025, 7, 30), date(2025, 7, 31))
        }
    assert {day: str(view.found.total_cny(FinancingKind.LOAN)) for day, view in views.items()} == {
        None: "300000.00", date(2025, 7, 30): "300000.00", date(2025, 7, 31): "800000.00",
    }  # fmt: skip
    assert service.statistics_stem(views[date(2025, 7, 31)]).endswith("2025-06-30-认知日2025-07-31-示例")


@pytest.mark.parametrize("known_on", [date(2025, 6, 29), date(2025, 8, 1)])
def test_what_is_known_before_the_day_or_ahead_is_refused(sqlite_sessions: Sessions, known_on: date) -> None:
    with sqlite_sessions.begin() as session:
        bank = open_bank(session)
        present = _with_late_note(session, bank)
        with pytest.raises(InvalidInput) as refused:
            service.statistics_view(
                session, bank.officer, first=FIRST, last=LAST, as_of=BUSINESS_DATE, standing=present, known_on=known_on
            )
    assert refused.value.field == "known_on"


def test_the_series_puts_each_quarter_as_known_at_its_end_beside_what_is_known_now(sqlite_sessions: Sessions) -> None:
    """2025Q2: one loan of 300,000.00 then, two of 800,000.00 now; 2025Q3 has not ended on 2025-07-31.

    The cut beside both is that of 2024: 2,108.33 − 1,844.88 = 263.45 t, known before the end of 2025Q2.
    """
    with sqlite_sessions.begin() as session:
        bank = open_bank(session)
        fill_scorecard(session, bank)
        present = _with_late_note(session, bank)
        view = service.statistics_view(
            session, bank.officer, first=Quarter.parse("2025Q1"), last=Quarter.parse("2025Q3"),
            as_of=date(2025, 7, 31), standing=present,
        )  # fmt: skip
        first, second, third = service.statistics_series(session, bank.officer, view, standing=present)
        book = openpyxl.load_workbook(io.BytesIO(service.statistics_workbook(view, (first, second, third))))
    assert second.then is not None
    assert (second.then.loans.count, str(second.then.loans.amount_cny)) == (1, "300000.00")
    assert (second.now.loans.count, str(second.now.loans.amount_cny)) == (2, "800000.00")
    assert (second.then.cut_year, second.then.cut_t) == (2024, Decimal("263.45"))
    assert second.now.cut_t == Decimal("263.45")
    assert first.then is not None
    assert (first.then.cut_t, first.now.cut_t) == (None, Decimal("263.45")), "entered on 2025-06-30"
    assert (third.then, str(third.now.loans.amount_cny)) == (None, "70000.00")
    assert (second.now.credit_lines.count, second.now.filed_count) == (0, 0)
    rows = [row for row in book["季度序列"].iter_rows(values_only=True) if "2025Q2" in row]
    assert [(row[3], row[7]) for row in rows] == [("季末所知", 300_000), ("现在所知", 800_000)]
    assert "减排明细" in book.sheetnames


def test_a_part_asked_for_ties_to_its_lines_and_pages_of_lines_to_the_whole(sqlite_sessions: Sessions) -> None:
    """By product: 800,000.00 of 降碳贷 and 70,000.00 of 流动资金贷款; together the 870,000.00 of no filter."""
    with sqlite_sessions.begin() as session:
        bank = open_bank(session)
        present = _with_late_note(session, bank)

        def asked(only: Selection) -> StatisticsView:
            return service.statistics_view(
                session, bank.officer, first=FIRST, last=LAST, as_of=date(2025, 7, 31), standing=present, only=only
            )

        whole, part, rest = (asked(Selection(product=name)) for name in (None, "降碳贷", "流动资金贷款"))
        unstated = asked(Selection(product="未说明"))
        elsewhere = asked(Selection(bank="别家银行"))
    totals = [view.found.total_cny(FinancingKind.LOAN) for view in (whole, part, rest, unstated, elsewhere)]
    assert totals == [Decimal(870_000), Decimal(800_000), Decimal(70_000), ZERO, ZERO]
    assert whole.choices == part.choices
    lines = []
    place: Place | None = Place(limit=2)
    while place is not None:
        page = service.line_page(whole, place, kind=FinancingKind.LOAN, since=None)
        lines += page.items
        place = None if page.last is None else Place(limit=2, after=page.last)
    assert [line.code for line in lines] == ["P8", "P7", "P9"]
    assert sum((line.amount_cny for line in lines), ZERO) == totals[0]
    since = service.line_page(whole, Place(limit=9), kind=None, since=date(2025, 7, 31))
    assert [(line.code, line.known_on) for line in since.items] == [
        ("P7", date(2025, 7, 31)), ("P9", date(2025, 7, 31)),
    ]  # fmt: skip
    assert service.line_page(whole, Place(limit=9), kind=FinancingKind.CREDIT_LINE, since=None).items == ()


def test_files_are_counted_by_what_their_loan_states(sqlite_sessions: Sessions) -> None:
    """The bureau's two loans are of 南山, filed by one bank; asked for another district nothing of them stands anywhere."""
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        standing = _standing(session, actors.bureau.organization_id)

        def asked(only: Selection) -> StatisticsView:
            return service.statistics_view(
                session, actors.bureau, first=FIRST, last=LAST, as_of=AS_OF, standing=standing, only=only
            )

        whole = asked(Selection())
        district = whole.choices[Dimension.DISTRICT][0]
        same, other = asked(Selection(district=district, bank=BANK_NAME)), asked(Selection(district="坪山"))
    assert same.found == whole.found
    assert same.interest == whole.interest
    assert (other.found.financing, other.found.subsidies, other.failures) == ((), (), ())
    assert sum(one.voucher_count for one in other.interest) == 0


def test_a_file_tells_of_the_loan_of_an_earlier_quarter(sqlite_sessions: Sessions) -> None:
    """P2, 2,300,000.00 of 2025-06-27, is known to the bureau from the files of 2025-09-18: nothing of it at its quarter."""
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        view = viewed(session, actors, of="bureau")
        standing = _standing(session, actors.bureau.organization_id)
        points = {
            point.quarter: point for point in service.statistics_series(session, actors.bureau, view, standing=standing)
        }
        past = service.statistics_view(
            session, actors.bureau, first=FIRST, last=Quarter.parse("2025Q2"), as_of=date(2025, 6, 30),
            standing=standing, known_on=AS_OF,
        )  # fmt: skip
    second, third = points["2025Q2"], points["2025Q3"]
    assert second.then is not None
    assert (second.then.loans.count, second.now.loans.count, str(second.now.loans.amount_cny)) == (0, 1, "2300000.00")
    assert (second.now.filed_count, third.now.filed_count, third.then) == (0, 4, None)
    assert past.found.total_cny(FinancingKind.LOAN) == Decimal(5_300_000)
    assert (past.found.subsidies, past.failures) == ((), ())
    assert sum((one.net_cny for one in past.interest), ZERO) == Decimal("110172.97")


def test_a_file_named_for_an_earlier_day_is_known_when_it_is_written_down(sqlite_sessions: Sessions) -> None:
    """Filed on 2025-10-10 for 2025-09-18: in no statistics as known on 2025-09-26, and changed since 2025-10-10."""
    written_at = end_of_china_day(date(2025, 10, 10))
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        real = dataclasses.replace(actors.other_bank, is_sample=False)
        bureau = dataclasses.replace(actors.bureau, is_sample=False)
        late = dataclasses.replace(application("B1"), is_sample=False, filed_by_bank="乙行")
        service.file_application(session, real, late, known_at=written_at)
        standing = dataclasses.replace(
            _standing(session, bureau.organization_id), business_date=date(2025, 10, 10), known_at=written_at
        )
        then, now = (
            service.statistics_view(
                session, bureau, first=FIRST, last=LAST, as_of=AS_OF, standing=standing, known_on=known_on
            )
            for known_on in (None, date(2025, 10, 10))
        )
    assert (then.found.count_of(FinancingKind.LOAN), now.found.count_of(FinancingKind.LOAN)) == (0, 1)
    found = service.line_page(now, Place(limit=9), kind=None, since=date(2025, 10, 10))
    assert [line.known_on for line in found.items] == [date(2025, 10, 10)]


def test_accounts_are_asked_for_once_whatever_the_quarters(
    sqlite_sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each instant by itself says what the one question says of it."""
    asked: list[int] = []
    ask = account_entries.versions_by_party

    def counted(session: Session, actor: Actor, party_ids: Collection[str], *, known_at: datetime) -> Any:
        asked.append(len(party_ids))
        return ask(session, actor, party_ids, known_at=known_at)

    with sqlite_sessions.begin() as session:
        bank = open_bank(session)
        fill_scorecard(session, bank)
        unlike = draft(EntryKind.COMPARABLE, "0", unit="是否", reason="口径变更")
        record_entries(session, bank.officer, [unlike], on=date(2025, 7, 31), known_at=LATER)
        parties = parties_of(session, bank.officer)
        early = end_of_china_day(date(2025, 3, 31))
        instants = (LATER, early, KNOWN_AT)
        alone = {one: compared_years(session, bank.officer, parties, instants=[one])[one] for one in instants}
        monkeypatch.setattr(account_entries, "versions_by_party", counted)
        together = compared_years(session, bank.officer, parties, instants=instants)
    assert asked == [len(parties)]
    assert together == alone
    assert [len(together[one][E4_USCI].values) for one in (early, KNOWN_AT, LATER)] == [0, 1, 0]


@pytest.mark.office
def test_libreoffice_works_the_statistics_out_to_the_values_that_are_stored(
    sqlite_sessions: Sessions, tmp_path: Path
) -> None:
    with sqlite_sessions.begin() as session:
        content = service.statistics_workbook(viewed(session, prepared(session), of="bureau"), ())
    assert formulas_of(content), "totals are formulas"
    check_every_formula(content, tmp_path)
