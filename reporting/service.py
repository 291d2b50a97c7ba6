"""Subsidy applications and the bureau's report: filed, decided in order, kept, given back."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, OrganizationKind
from carbonfin.kernel.batch import Batch
from carbonfin.kernel.dates import Clock, china_day, end_of_china_day
from carbonfin.kernel.enterprises import Usci
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound, NotPermitted
from carbonfin.kernel.parties import Party
from carbonfin.rules.parameters import ParameterBook
from carbonfin.rules.record import DecisionKind, digest_of
from carbonfin.storage.decisions import record_decision
from carbonfin.storage.parties import find_party, load_organization, load_party, standing_of
from carbonfin.storage.rows import new_id
from carbonfin.storage.rulebook import book_for
from loans.calc.notes import NoteState
from loans.service import interest_vouchers_of, load_note
from reporting import store, workbooks
from reporting.calc.batches import DecidedApplication, FiledApplication, allocations_cny, decide_in_order, label_of
from reporting.calc.facts import (
    CostKind,
    CostVoucher,
    FiledDocument,
    LoanNote,
    LoanStatus,
    PledgeAnnouncement,
    SubsidyApplication,
)
from reporting.calc.quarters import Quarter
from reporting.calc.reports import SubsidyReport, line_of, sources_of
from reporting.calc.schemes import SchemeTerms, schemes_of, terms_of
from reporting.calc.subsidies import SUBSIDY_DECISION, SubsidyDecision
from reporting.calc.summaries import summarize

DECISION_KINDS: tuple[DecisionKind[Any, Any], ...] = (SUBSIDY_DECISION,)
_PACKAGES = ("reporting",)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteApplication:
    """An application for a loan note the bank keeps here: loan and vouchers are taken from its books.

    Attributes:
        voucher_numbers: Interest vouchers asked for, None for all that were paid.
        extra_vouchers: Guarantee fees and what else the books do not hold.
    """

    reference: str
    scheme: str
    note_code: str
    contract_number: str
    submitted_at: datetime
    voucher_numbers: tuple[int, ...] | None
    extra_vouchers: tuple[CostVoucher, ...]
    announcement: PledgeAnnouncement | None
    documents: tuple[FiledDocument, ...]
    appraisal_and_registration_fee_cny: Decimal | None
    other_subsidy: str | None
    contact: str | None


def file_application(
    session: Session, actor: Actor, application: SubsidyApplication, *, known_at: datetime
) -> FiledApplication:
    """File an application; the same again changes nothing.

    Raises:
        NotPermitted: The actor is not of a bank.
        InvalidInput: The applicant's USCI is wrong, or the file is dated after the present.
        NotFound: There is no such scheme.
        Conflict: The reference stands for another file.
    """
    if actor.organization_kind is not OrganizationKind.BANK:
        raise NotPermitted("only a bank files applications", zh="贴息申请由银行提交")
    Usci.parse(application.applicant_usci, field="applicant_usci")
    _refuse_unknown_scheme(_book(session, actor), application.scheme)
    if not actor.is_sample and application.submitted_at > known_at:
        raise InvalidInput(
            f"application {application.reference} is dated {application.submitted_at}, after the present",
            zh="提交时间晚于当前时间",
            field="submitted_at",
            remedy="Give the instant of filing.",
            remedy_zh="请填写实际提交时间。",
        )
    before = store.find_application(session, actor, application.reference)
    if before is None:
        return store.add_application(session, actor, application)
    if digest_of(before.application) != digest_of(application):
        raise Conflict(
            f"application {application.reference} was filed with other facts",
            zh=f"申请 {application.reference} 已提交且内容不同",
            field="reference",
            remedy="File a correction under a new reference.",
            remedy_zh="更正请使用新的申报编号。",
        )
    return before


def file_note_application(
    session: Session, actor: Actor, entry: NoteApplication, *, known_at: datetime
) -> FiledApplication:
    """File an application for a note in the bank's books.

    Raises:
        NotFound: The bank has no such note or voucher.
    """
    note = load_note(session, actor, entry.note_code)
    party = load_party(session, actor, note.party_id)
    terms = note.terms
    application = SubsidyApplication(
        reference=entry.reference,
        filed_by_bank=load_organization(session, actor.organization_id).name,
        scheme=entry.scheme,
        applicant_name=party.name,
        applicant_usci=_usci_of(party),
        district=party.district,
        key_emitter=party.key_emitter,
        submitted_at=entry.submitted_at,
        loan_note=LoanNote(
            bank_name=load_organization(session, actor.organization_id).name,
            contract_number=entry.contract_number,
            note_number=note.code,
            principal_cny=terms.principal_cny,
            start_date=terms.drawdown_date,
            end_date=terms.maturity_date,
            rate=terms.rate,
            status=LoanStatus.SETTLED if note.state is NoteState.SETTLED else LoanStatus.RUNNING,
            settled_on=note.settled_date,
        ),
        vouchers=(*_interest_vouchers(session, actor, entry), *entry.extra_vouchers),
        announcement=entry.announcement,
        documents=entry.documents,
        appraisal_and_registration_fee_cny=entry.appraisal_and_registration_fee_cny,
        other_subsidy=entry.other_subsidy,
        contact=entry.contact,
        is_sample=actor.is_sample or note.is_sample,
    )
    return file_application(session, actor, application, known_at=known_at)


def applications_of(session: Session, actor: Actor) -> tuple[FiledApplication, ...]:
    """Give the applications the actor may see: a bank its own, the bureau all banks'."""
    return store.applications_of(session, actor)


def load_application(session: Session, actor: Actor, application_id: str) -> FiledApplication:
    """Give an application the actor may see.

    Raises:
        NotFound: There is none, or it is another bank's.
    """
    return store.load_application(session, actor, application_id)


def preview_decision(session: Session, actor: Actor, application_id: str, *, as_of: date) -> SubsidyDecision:
    """Decide an application as of a day without keeping it.

    Raises:
        NotFound: The actor may not see it, or it was filed after that day.
        CarbonFinError: It cannot be decided at all; the reason is its own.
    """
    filed = store.load_application(session, actor, application_id)
    book, known_at = _book(session, actor), end_of_china_day(as_of)
    terms_of_application(book, filed.application, known_at)
    for item in decided_as_of(session, actor, as_of=as_of).values:
        if item.filed.application_id == application_id:
            return item.decision
    raise NotFound(
        f"application {filed.application.reference} was not filed by {as_of}",
        zh=f"截至 {as_of} 尚未提交该申请",
        field="as_of",
    )


def terms_of_application(book: ParameterBook, application: SubsidyApplication, known_at: datetime) -> SchemeTerms:
    """Give the terms of an application's scheme on the day it was filed, as known at an instant."""
    return terms_of(book, application.scheme, valid_on=china_day(application.submitted_at), known_at=known_at)


def decided_as_of(session: Session, actor: Actor, *, as_of: date) -> Batch[DecidedApplication]:
    """Decide everything filed by the end of a day, in order; give what was decided and what failed. Nothing is kept."""
    book, known_at = _book(session, actor), end_of_china_day(as_of)
    return decide_in_order(
        store.applications_of(session, actor, submitted_until=known_at),
        lambda application: terms_of_application(book, application, known_at),
    )


def report_day(session: Session, actor: Actor, clock: Clock, *, asked: date | None) -> date:
    """Give the day a report is as of: the one asked for, else the organisation's business date.

    Raises:
        InvalidInput: The day asked for lies after the business date.
    """
    business_date = standing_of(session, actor.organization_id, clock).business_date
    if asked is not None and asked > business_date:
        raise InvalidInput(
            f"a report as of {asked} lies after the business date {business_date}",
            zh=f"报表日 {asked} 晚于业务日期 {business_date}",
            field="as_of",
            remedy=f"Choose {business_date} or an earlier day.",
            remedy_zh=f"请选择 {business_date} 或更早的日期。",
        )
    return asked or business_date


def build_report(session: Session, actor: Actor, *, quarter: Quarter, as_of: date) -> SubsidyReport:
    """Decide a quarter's applications as of a day, keep each decision, and give the report.

    Built again from the same files and terms it gives the same report and records nothing twice.
    """
    batch = decided_as_of(session, actor, as_of=as_of)
    in_quarter = tuple(item for item in batch.values if quarter.holds(china_day(item.filed.application.submitted_at)))
    labels = {label_of(application) for application in _applications_in(session, actor, quarter, as_of)}
    failed = tuple(failure for failure in batch.failures if failure.item in labels)
    inputs_digest = digest_of((tuple(item.inputs for item in in_quarter), failed, SUBSIDY_DECISION.version))
    before = store.find_report(session, actor, quarter=quarter, as_of=as_of, inputs_digest=inputs_digest)
    if before is not None:
        return before
    known_at = end_of_china_day(as_of)
    allocated = allocations_cny(in_quarter)
    lines = []
    for item in in_quarter:
        recorded = record_decision(
            session,
            actor,
            SUBSIDY_DECISION,
            item.inputs,
            subject=item.filed.application.reference,
            valid_on=as_of,
            known_at=known_at,
        )
        lines.append(
            line_of(
                item.filed,
                decision_id=recorded.decision_id,
                decision=recorded.outcome,
                terms=item.inputs.terms,
                allocated_cny=allocated.get(item.filed.application_id),
            )
        )
    report = SubsidyReport(
        report_id=new_id(),
        quarter=str(quarter),
        as_of=as_of,
        reporting_body=load_organization(session, actor.organization_id).name,
        prepared_by=actor.name,
        is_sample=actor.is_sample or any(line.application.is_sample for line in lines),
        lines=tuple(lines),
        failures=failed,
        summary=summarize(line.decision for line in lines),
        sources=sources_of(tuple(item.inputs.terms for item in in_quarter)),
    )
    store.add_report(session, actor, report, inputs_digest=inputs_digest)
    return report


def load_report(session: Session, actor: Actor, report_id: str) -> SubsidyReport:
    """Give a report of the actor's organisation.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    return store.load_report(session, actor, report_id)


def reports_of(session: Session, actor: Actor) -> tuple[SubsidyReport, ...]:
    """Give the organisation's reports, the latest first."""
    return store.reports_of(session, actor)


def latest_report_with(session: Session, actor: Actor, application_id: str) -> SubsidyReport | None:
    """Give the organisation's latest report that holds an application, if there is one."""
    return store.latest_report_with(session, actor, application_id)


def report_workbook(report: SubsidyReport) -> bytes:
    """Give the report in the bureau's form as xlsx."""
    return workbooks.report_xlsx(report)


def report_csv(report: SubsidyReport) -> bytes:
    """Give the report's main table as CSV."""
    return workbooks.report_csv(report)


def report_json(report: SubsidyReport) -> bytes:
    """Give the whole report as JSON."""
    return workbooks.report_json(report)


def _applications_in(session: Session, actor: Actor, quarter: Quarter, as_of: date) -> tuple[SubsidyApplication, ...]:
    filed = store.applications_of(session, actor, submitted_until=end_of_china_day(as_of))
    return tuple(item.application for item in filed if quarter.holds(china_day(item.application.submitted_at)))


def _book(session: Session, actor: Actor) -> ParameterBook:
    return book_for(session, actor.organization_id, packages=_PACKAGES)


def _refuse_unknown_scheme(book: ParameterBook, scheme: str) -> None:
    known = schemes_of(book)
    if scheme not in known:
        raise NotFound(
            f"there is no subsidy scheme {scheme!r}",
            zh=f"没有贴息项目“{scheme}”",
            field="scheme",
            remedy="Known schemes: " + ", ".join(known) + ".",
            remedy_zh="可用项目：" + "、".join(known) + "。",
        )


def _usci_of(party: Party) -> str:
    if party.usci is None:
        raise InvalidInput(f"{party.name} has no USCI", zh="申报单位须有统一社会信用代码", field="applicant_usci")
    return str(party.usci)


def _interest_vouchers(session: Session, actor: Actor, entry: NoteApplication) -> tuple[CostVoucher, ...]:
    paid = {voucher.number: voucher for voucher in interest_vouchers_of(session, actor, entry.note_code)}
    numbers = tuple(paid) if entry.voucher_numbers is None else entry.voucher_numbers
    unknown = [number for number in numbers if number not in paid]
    if unknown:
        raise NotFound(
            f"loan note {entry.note_code} has no voucher {unknown[0]}",
            zh=f"借据 {entry.note_code} 没有第 {unknown[0]} 张付息凭证",
            field="voucher_numbers",
        )
    return tuple(
        CostVoucher(
            number=f"{entry.note_code}-{number}",
            kind=CostKind.INTEREST,
            period_start=paid[number].period_start,
            period_end=paid[number].period_end,
            gross_cny=paid[number].interest_cny,
            invoice_vat_cny=None,
            paid_on=paid[number].paid_date,
        )
        for number in numbers
    )


def known_party(session: Session, actor: Actor, usci: str) -> Party:
    """Give the applicant as the bank knows it.

    Raises:
        InvalidInput: The USCI is wrong.
        NotFound: The bank knows no such enterprise.
    """
    party = find_party(session, actor, str(Usci.parse(usci, field="applicant_usci")))
    if party is None:
        raise NotFound(
            f"the bank knows no enterprise {usci}",
            zh=f"本行没有企业 {usci}",
            field="applicant_usci",
            remedy="Enter the enterprise first.",
            remedy_zh="请先登记该企业。",
        )
    return party
