"""The lines statistics add up, each with the day it is known from: of a bank's books, and of what was filed."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, OrganizationKind
from carbonfin.kernel.batch import Batch
from carbonfin.kernel.dates import china_day, end_of_china_day
from carbonfin.kernel.parties import Party
from carbonfin.kernel.units import Currency
from carbonfin.rules.parameters import ParameterBook
from carbonfin.storage.parties import Standing
from collateral.service import last_compliance_positions
from loans.service import ComparedYears, compared_years, credit_lines, notes_of, notes_recorded_at
from reporting import store
from reporting.calc.batches import DecidedApplication, FiledApplication
from reporting.calc.interest_columns import InterestSum, interest_by_quarter
from reporting.calc.quarters import Quarter
from reporting.calc.schemes import VAT_RATE_KEY
from reporting.calc.statistics import (
    BudgetLine,
    CapLine,
    CutLine,
    FinancingKind,
    FinancingLine,
    SubsidyLine,
)
from reporting.calc.statistics_selection import Selection

_CAP = "reporting.city_cap_t"
_PLEDGE_PRODUCT = "碳配额质押融资（据公告）"


def own_loans(
    session: Session, actor: Actor, parties: dict[str, Party], standing: Standing
) -> list[FinancingLine]:  # fmt: skip
    """Give the loans of a bank's books as they were known where it stands."""
    recorded = notes_recorded_at(session, actor, known_at=standing.known_at)
    return [
        FinancingLine(
            kind=FinancingKind.LOAN, code=note.code, bank=standing.name, enterprise=parties[note.party_id].code,
            on=note.terms.drawdown_date, known_on=china_day(recorded[note.code]), amount_cny=note.terms.principal_cny,
            product=note.product, district=parties[note.party_id].district, industry=parties[note.party_id].industry,
        )
        for note in notes_of(session, actor, known_at=standing.known_at)
    ]  # fmt: skip


def own_credit_lines(
    session: Session, actor: Actor, parties: dict[str, Party], standing: Standing
) -> tuple[list[FinancingLine], int]:
    """Give a bank's credit lines in 元 as they hold where it stands; how many are in another currency."""
    granted = credit_lines(session, actor, valid_on=standing.business_date, known_at=standing.known_at)
    in_cny = [one.record for one in granted if one.record.terms.currency is Currency.CNY]
    lines = [
        FinancingLine(
            kind=FinancingKind.CREDIT_LINE, code=one.terms.number, bank=standing.name,
            enterprise=parties[one.terms.party_id].code, on=one.terms.available_from, known_on=one.known_from,
            amount_cny=one.terms.amount, product=None, district=parties[one.terms.party_id].district,
            industry=parties[one.terms.party_id].industry,
        )
        for one in in_cny
    ]  # fmt: skip
    return lines, len(granted) - len(in_cny)


def filed_loans(filed: Iterable[FiledApplication]) -> list[FinancingLine]:
    """Give each loan behind applications once: the first file that names it speaks for it."""
    found: dict[tuple[str, str], FinancingLine] = {}
    for one in filed:
        case = one.application
        note = case.loan_note
        found.setdefault(
            _note_of(one),
            FinancingLine(
                kind=FinancingKind.LOAN, code=note.note_number, bank=note.bank_name, enterprise=case.applicant_usci,
                on=note.start_date, known_on=one.known_on, amount_cny=note.principal_cny,
                product=None if case.announcement is None else _PLEDGE_PRODUCT, district=case.district, industry=None,
            ),
        )  # fmt: skip
    return list(found.values())


def selected_files(
    filed: Iterable[FiledApplication], loans: Iterable[FinancingLine], only: Selection
) -> tuple[FiledApplication, ...]:
    """Give the files whose loan is counted: as the books have it, else as its first file states it."""
    filed = tuple(filed)
    behind = {(line.bank, line.code): line for line in (*filed_loans(filed), *loans)}
    return tuple(one for one in filed if only.holds(behind[_note_of(one)]))


def _note_of(one: FiledApplication) -> tuple[str, str]:
    note = one.application.loan_note
    return note.bank_name, note.note_number


def subsidy_lines(
    session: Session, actor: Actor, decided: Iterable[DecidedApplication], *, known_at: datetime, as_of: date
) -> tuple[SubsidyLine, ...]:
    """Give what became of each application: decided, and for the bureau what was paid by a day as then known."""
    is_bureau = actor.organization_kind is OrganizationKind.BUREAU
    paid = store.paid_by_application(session, actor, known_at=known_at, until=as_of) if is_bureau else None
    return tuple(
        SubsidyLine(
            reference=item.filed.application.reference, scheme=item.inputs.terms.title,
            bank=item.filed.application.filed_by_bank, on=china_day(item.filed.application.submitted_at),
            net_cost_cny=item.decision.net_cny if item.decision.vouchers else None,
            calculated_cny=item.decision.calculated_cny, proposed_cny=item.decision.proposed_cny,
            paid_cny=None if paid is None else paid.get(item.filed.application_id),
        )
        for item in decided
    )  # fmt: skip


def costs_paid(
    filed: Iterable[FiledApplication],
    book: ParameterBook,
    *,
    as_of: date,
    known_day: date,
    quarters: tuple[Quarter, ...],
) -> tuple[InterestSum, ...]:
    """Give costs paid by a day, by quarter, each voucher of a bank once; nothing while the VAT rate is not known."""
    vat_rate = book.find(VAT_RATE_KEY, valid_on=as_of, known_at=end_of_china_day(known_day))
    if vat_rate is None or not vat_rate.value:
        return ()
    applications = (one.application for one in filed)
    return interest_by_quarter(applications, tuple(map(str, quarters)), vat_rate=vat_rate.decimal, until=as_of)


def cut_lines(
    session: Session, actor: Actor, parties: Collection[Party], instants: Collection[datetime]
) -> dict[datetime, tuple[tuple[CutLine, ...], int]]:
    """Give the cut of every enterprise and year that ratings can compare with the year before, as known at instants.

    Returns:
        By instant, the cuts and how many enterprises with emissions are in none.
    """
    found = compared_years(session, actor, parties, instants=instants)
    return {known_at: _cuts(accounts) for known_at, accounts in found.items()}


def _cuts(accounts: Mapping[str, Batch[ComparedYears]]) -> tuple[tuple[CutLine, ...], int]:
    lines = tuple(
        CutLine(enterprise=code, year=one.year, before_t=one.before_t, after_t=one.after_t, sources=one.sources)
        for code, compared in accounts.items()
        for one in compared.values
    )
    return lines, sum(bool(compared.failures) and not compared.values for compared in accounts.values())


def budget_lines(
    session: Session, actor: Actor, parties: Iterable[Party], standing: Standing
) -> tuple[BudgetLine, ...]:
    """Give the last statement of every emitter, scheme and year."""
    codes = {party.id: party.code for party in parties}
    return tuple(
        sorted(
            (
                BudgetLine(
                    enterprise=codes[said.party_id], scheme=said.scheme.value, year=said.compliance_year,
                    allocation_t=said.allocation_t, emissions_t=said.emissions_t, surrendered_t=said.surrendered_t,
                )
                for said in last_compliance_positions(session, actor, standing=standing)
                if said.party_id in codes
            ),
            key=lambda line: (line.enterprise, line.scheme, line.year),
        )
    )  # fmt: skip


def cap_lines(book: ParameterBook, budgets: Iterable[BudgetLine], as_of: date) -> tuple[CapLine, ...]:
    """Give the caps that were entered, by scheme and year, and whether each is confirmed."""
    caps = []
    for scheme, year in sorted({(line.scheme, line.year) for line in budgets}):
        value = book.find(_CAP, valid_on=date(year, 12, 31), known_at=end_of_china_day(as_of), scope=f"{scheme}/{year}")
        if value is not None and value.value:
            caps.append(CapLine(scheme=scheme, year=year, cap_t=value.integer, confirmed=value.confirmed))
    return tuple(caps)
