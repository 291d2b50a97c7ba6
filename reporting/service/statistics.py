"""Lines behind the statistics: a bank's own loans, lines, accounts and statements; for the bureau what was filed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, OrganizationKind
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.dates import china_day, end_of_china_day
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.parties import Party
from carbonfin.kernel.units import Currency
from carbonfin.rules.parameters import ParameterBook
from carbonfin.storage.parties import Standing, parties_of
from collateral.service import compliance_revisions_of
from loans.service import compared_years, credit_lines, notes_of
from reporting import store, workbooks
from reporting.calc.batches import DecidedApplication, FiledApplication, label_of
from reporting.calc.interest_columns import InterestSum, interest_by_quarter
from reporting.calc.quarters import Quarter
from reporting.calc.schemes import VAT_RATE_KEY
from reporting.calc.statistics import (
    BudgetLine,
    CapLine,
    CutLine,
    FinancingKind,
    FinancingLine,
    Statistics,
    StatisticsInputs,
    SubsidyLine,
    quarters_between,
    statistics_of,
)
from reporting.service.reports import decided_as_of
from reporting.service.rulebook import subsidy_book

_QUARTERS_MOST = 40
_CAP = "reporting.city_cap_t"
_PLEDGE_PRODUCT = "碳配额质押融资（据公告）"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsView:
    """Statistics with what they were counted from and as of.

    Attributes:
        lines: The lines they add up.
        unread_count: Enterprises with emissions that are in no cut: no two years running are known and comparable.
        skipped_count: Credit lines in another currency; in no sum.
        failures: Applications filed in the quarters that could not be decided; in no sum of subsidies.
    """

    as_of: date
    body: str
    is_sample: bool
    inputs: StatisticsInputs
    found: Statistics
    unread_count: int
    skipped_count: int
    interest: tuple[InterestSum, ...]
    failures: tuple[Failure, ...]


def default_quarters(as_of: date) -> tuple[Quarter, Quarter]:
    """Give the eight quarters up to a day's."""
    last = Quarter.of(as_of)
    return Quarter(year=last.year - 2 + last.number // 4, number=last.number % 4 + 1), last


def statistics_view(
    session: Session, actor: Actor, *, first: Quarter | None, last: Quarter | None, as_of: date, standing: Standing
) -> StatisticsView:
    """Count what the actor may see, as of a day: a bank its own business, the bureau what banks filed.

    A day before the business date is counted as it was known at its end: notes, lines, accounts and payments written
    later are left out. Enterprises stand by the district and industry they have now. Quarters left out are the eight
    up to the day's.

    Raises:
        InvalidInput: The quarters are the wrong way round, or more than forty.
    """
    begins, ends = default_quarters(as_of)
    first, last = first or begins, last or ends
    count = len(quarters_between(first, last))
    if not 1 <= count <= _QUARTERS_MOST:
        raise InvalidInput(
            f"{first} to {last} is no span of 1 to {_QUARTERS_MOST} quarters",
            zh=f"{first} 至 {last} 不是 1 至 {_QUARTERS_MOST} 个季度",
            field="last",
            remedy="Choose a later last quarter, or fewer quarters.",
            remedy_zh="请调整起止季度。",
        )
    standing = _standing_then(standing, as_of)
    filed = store.applications_of(session, actor, submitted_until=end_of_china_day(as_of))
    parties = {party.id: party for party in parties_of(session, actor)}
    is_bank = actor.organization_kind is OrganizationKind.BANK
    own, skipped = _own_financing(session, actor, parties, standing) if is_bank else ([], 0)
    cuts, unread = _cuts(session, actor, parties.values(), standing)
    budgets = _budgets(session, actor, parties.values(), standing)
    decided = decided_as_of(session, actor, as_of=as_of)
    labels = {
        label_of(one.application) for one in filed if first.start <= china_day(one.application.submitted_at) < last.end
    }
    inputs = StatisticsInputs(
        first=first, last=last, financing=tuple(own if is_bank else _filed_loans(filed)),
        subsidies=_subsidies(session, actor, decided.values, known_at=standing.known_at), cuts=cuts, budgets=budgets,
        caps=_caps(subsidy_book(session, actor), budgets, as_of),
    )  # fmt: skip
    return StatisticsView(
        as_of=as_of, body=standing.name, is_sample=standing.is_sample, inputs=inputs, found=statistics_of(inputs),
        unread_count=unread, skipped_count=skipped,
        interest=_interest(filed, subsidy_book(session, actor), as_of, quarters_between(first, last)),
        failures=tuple(one for one in decided.failures if one.item in labels),
    )  # fmt: skip


def _standing_then(standing: Standing, as_of: date) -> Standing:
    """Give where the organisation stood on a day past; a day not yet past is looked at from the present."""
    if as_of >= standing.business_date:
        return standing
    return replace(standing, business_date=as_of, known_at=min(standing.known_at, end_of_china_day(as_of)))


def statistics_workbook(view: StatisticsView) -> bytes:
    """Give statistics with the lines below them as xlsx."""
    return workbooks.statistics_xlsx(
        view.inputs, view.found, view.failures, as_of=view.as_of, body=view.body, is_sample=view.is_sample
    )


def statistics_stem(view: StatisticsView) -> str:
    """Name the workbook's file."""
    return f"融资统计-{view.inputs.first}-{view.inputs.last}-{view.as_of}" + ("-示例" if view.is_sample else "")


def _own_financing(
    session: Session, actor: Actor, parties: dict[str, Party], standing: Standing
) -> tuple[list[FinancingLine], int]:
    """Give a bank's loans and its credit lines in 元; how many lines are in another currency."""
    lines = [
        FinancingLine(
            kind=FinancingKind.LOAN, code=note.code, bank=standing.name, enterprise=parties[note.party_id].code,
            on=note.terms.drawdown_date, amount_cny=note.terms.principal_cny, product=note.product,
            district=parties[note.party_id].district, industry=parties[note.party_id].industry,
        )
        for note in notes_of(session, actor, known_at=standing.known_at)
    ]  # fmt: skip
    granted = credit_lines(session, actor, valid_on=standing.business_date, known_at=standing.known_at)
    in_cny = [one.record.terms for one in granted if one.record.terms.currency is Currency.CNY]
    lines += [
        FinancingLine(
            kind=FinancingKind.CREDIT_LINE, code=terms.number, bank=standing.name,
            enterprise=parties[terms.party_id].code, on=terms.available_from, amount_cny=terms.amount, product=None,
            district=parties[terms.party_id].district, industry=parties[terms.party_id].industry,
        )
        for terms in in_cny
    ]  # fmt: skip
    return lines, len(granted) - len(in_cny)


def _filed_loans(filed: Iterable[FiledApplication]) -> list[FinancingLine]:
    """Give each loan behind applications once: the first file that names it speaks for it."""
    found: dict[tuple[str, str], FinancingLine] = {}
    for one in filed:
        case = one.application
        note = case.loan_note
        found.setdefault(
            (note.bank_name, note.note_number),
            FinancingLine(
                kind=FinancingKind.LOAN, code=note.note_number, bank=note.bank_name, enterprise=case.applicant_usci,
                on=note.start_date, amount_cny=note.principal_cny,
                product=None if case.announcement is None else _PLEDGE_PRODUCT, district=case.district, industry=None,
            ),
        )  # fmt: skip
    return list(found.values())


def _subsidies(
    session: Session, actor: Actor, decided: Iterable[DecidedApplication], *, known_at: datetime
) -> tuple[SubsidyLine, ...]:
    is_bureau = actor.organization_kind is OrganizationKind.BUREAU
    paid = store.paid_by_application(session, actor, known_at=known_at) if is_bureau else None
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


def _interest(
    filed: Iterable[FiledApplication], book: ParameterBook, as_of: date, quarters: tuple[Quarter, ...]
) -> tuple[InterestSum, ...]:
    """Give costs paid by quarter of payment, each voucher of a bank once; nothing while the VAT rate is not known."""
    vat_rate = book.find(VAT_RATE_KEY, valid_on=as_of, known_at=end_of_china_day(as_of))
    if vat_rate is None or not vat_rate.value:
        return ()
    applications = (one.application for one in filed)
    return interest_by_quarter(applications, tuple(map(str, quarters)), vat_rate=vat_rate.decimal)


def _cuts(
    session: Session, actor: Actor, parties: Iterable[Party], standing: Standing
) -> tuple[tuple[CutLine, ...], int]:
    """Give the cut of every enterprise and year that ratings can compare with the year before."""
    lines: list[CutLine] = []
    unread = 0
    for party in parties:
        found = compared_years(session, actor, party, known_at=standing.known_at)
        unread += bool(found.failures) and not found.values
        lines += [
            CutLine(enterprise=party.code, year=one.year, before_t=one.before_t, after_t=one.after_t)
            for one in found.values
        ]
    return tuple(lines), unread


def _budgets(session: Session, actor: Actor, parties: Iterable[Party], standing: Standing) -> tuple[BudgetLine, ...]:
    """Give the last statement of every emitter, scheme and year."""
    found: dict[tuple[str, str, int], BudgetLine] = {}
    for party in parties:
        for one in compliance_revisions_of(session, actor, party.id, standing=standing):
            said = one.position
            key = (party.code, said.scheme.value, said.compliance_year)
            found.setdefault(
                key,
                BudgetLine(
                    enterprise=party.code, scheme=said.scheme.value, year=said.compliance_year,
                    allocation_t=said.allocation_t, emissions_t=said.emissions_t, surrendered_t=said.surrendered_t,
                ),
            )  # fmt: skip
    return tuple(found[key] for key in sorted(found))


def _caps(book: ParameterBook, budgets: Iterable[BudgetLine], as_of: date) -> tuple[CapLine, ...]:
    """Give the caps that were entered, by scheme and year, and whether each is confirmed."""
    caps = []
    for scheme, year in sorted({(line.scheme, line.year) for line in budgets}):
        value = book.find(_CAP, valid_on=date(year, 12, 31), known_at=end_of_china_day(as_of), scope=f"{scheme}/{year}")
        if value is not None and value.value:
            caps.append(CapLine(scheme=scheme, year=year, cap_t=value.integer, confirmed=value.confirmed))
    return tuple(caps)
