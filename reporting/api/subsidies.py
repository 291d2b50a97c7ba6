"""Subsidies for systems: file and list applications, build and fetch reports."""

from decimal import Decimal

from litestar import get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import CSV, XLSX, download
from carbonfin.web.idempotency import IdempotencyKey, idempotently
from carbonfin.web.paging import Paging
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import IdText, day_of, decimal_of
from reporting import service
from reporting.calc.batches import FiledApplication
from reporting.calc.facts import ApplicantRecord, SubsidyApplication
from reporting.calc.quarters import Quarter
from reporting.calc.reports import SubsidyReport
from reporting.schemas import (
    ApplicationIn,
    ApplicationListOut,
    ApplicationOut,
    LoanNoteIn,
    ReportDifferenceOut,
    ReportIn,
    ReportLineOut,
    ReportOut,
)


@post(
    "/v1/subsidies/applications",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 403, 404, 409, 422),
    tags=["subsidies"],
)
def create_application(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: ApplicationIn,
    idempotency_key: IdempotencyKey,
) -> Response[ApplicationOut]:
    """File an application for a subsidy; nothing is decided yet."""

    def work(session: Session) -> ApplicationOut:
        return ApplicationOut.of(_filed(session, actor, clock, data))

    return idempotently(sessions, actor, request, idempotency_key, data, work)


def _filed(session: Session, actor: Actor, clock: Clock, data: ApplicationIn) -> FiledApplication:
    known_at = standing_of(session, actor.organization_id, clock).known_at
    party = service.known_party(session, actor, data.applicant_usci)
    if data.loan_note is not None:
        application = _stated(session, actor, clock, data, data.loan_note)
        return service.file_application(session, actor, application, known_at=known_at)
    entry = service.NoteApplication(
        reference=data.reference,
        scheme=data.scheme,
        note_code=data.note_number,
        contract_number=data.contract_number,
        submitted_at=data.submitted_at,
        voucher_numbers=None if data.voucher_numbers is None else tuple(data.voucher_numbers),
        extra_vouchers=tuple(voucher.voucher(place) for place, voucher in enumerate(data.vouchers)),
        announcement=None if data.announcement is None else data.announcement.announcement(),
        documents=tuple(document.document() for document in data.documents),
        appraisal_and_registration_fee_cny=_amount(data),
        other_subsidy=data.other_subsidy,
        contact=data.contact,
        form=data.financing_form,
        size=data.enterprise_size,
        group=data.applicant_group,
        record=_record(data),
    )
    filed = service.file_note_application(session, actor, entry, known_at=known_at)
    if filed.application.applicant_usci != party.code:
        raise InvalidInput(
            f"loan note {data.note_number} is not {party.code}'s",
            zh=f"借据 {data.note_number} 的借款人不是 {party.code}",
            field="/applicant_usci",
            remedy="Name the borrower of the note.",
            remedy_zh="请填写借据借款人的统一社会信用代码。",
        )
    return filed


def _stated(session: Session, actor: Actor, clock: Clock, data: ApplicationIn, note: LoanNoteIn) -> SubsidyApplication:
    party = service.known_party(session, actor, data.applicant_usci)
    bank_name = standing_of(session, actor.organization_id, clock).name
    if data.voucher_numbers is not None:
        raise InvalidInput(
            "voucher_numbers pick from the books; with loan_note give vouchers",
            zh="填写 loan_note 时请直接给出 vouchers",
            field="/voucher_numbers",
            remedy="Leave voucher_numbers out.",
            remedy_zh="请去掉 voucher_numbers。",
        )
    return SubsidyApplication(
        reference=data.reference,
        filed_by_bank=bank_name,
        scheme=data.scheme,
        applicant_name=party.name,
        applicant_usci=party.code,
        district=party.district,
        key_emitter=party.key_emitter,
        submitted_at=data.submitted_at,
        loan_note=note.note(bank_name=bank_name, contract_number=data.contract_number, note_number=data.note_number),
        vouchers=tuple(voucher.voucher(place) for place, voucher in enumerate(data.vouchers)),
        announcement=None if data.announcement is None else data.announcement.announcement(),
        documents=tuple(document.document() for document in data.documents),
        appraisal_and_registration_fee_cny=_amount(data),
        other_subsidy=data.other_subsidy,
        contact=data.contact,
        is_sample=actor.is_sample or party.is_sample,
        form=data.financing_form,
        size=data.enterprise_size,
        group=data.applicant_group,
        record=_record(data),
    )


def _record(data: ApplicationIn) -> ApplicantRecord | None:
    return None if data.applicant_record is None else data.applicant_record.record()


def _amount(data: ApplicationIn) -> Decimal | None:
    fee = data.appraisal_and_registration_fee_cny
    return None if fee is None else decimal_of(fee)


@get("/v1/subsidies/applications", sync_to_thread=True, responses=problem_responses(), tags=["subsidies"])
def list_applications(sessions: Sessions, actor: Actor, paging: Paging) -> Response[ApplicationListOut]:
    """List applications in order of filing: a bank its own, the bureau those of all banks."""
    with sessions.read() as session:
        found = service.application_page(session, actor, paging.place)
    return paging.answer(ApplicationListOut(applications=[ApplicationOut.of(filed) for filed in found.items]), found)


@get(
    "/v1/subsidies/applications/{application_id:str}/preview",
    sync_to_thread=True,
    responses=problem_responses(404, 422),
    tags=["subsidies"],
)
def preview_application(
    sessions: Sessions, actor: Actor, clock: Clock, application_id: FromPath[IdText]
) -> ReportLineOut:
    """Decide an application as of the business date without keeping it: criteria, duplicates, amount, trace."""
    with sessions.read() as session:
        as_of = service.report_day(session, actor, clock, asked=None)
        return ReportLineOut.of(service.preview_line(session, actor, application_id, as_of=as_of))


@post(
    "/v1/subsidies/reports",
    sync_to_thread=True,
    status_code=201,
    responses=problem_responses(400, 409, 422),
    tags=["subsidies"],
)
def create_report(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: ReportIn,
    idempotency_key: IdempotencyKey,
) -> Response[ReportOut]:
    """Decide a quarter's applications as of a day and keep the report."""

    def work(session: Session) -> ReportOut:
        asked = None if data.as_of is None else day_of(data.as_of, field="/as_of")
        as_of = service.report_day(session, actor, clock, asked=asked)
        quarter = Quarter.parse(data.quarter, field="/quarter")
        told_at = standing_of(session, actor.organization_id, clock).known_at
        return ReportOut.of(service.build_report(session, actor, quarter=quarter, as_of=as_of, told_at=told_at))

    return idempotently(sessions, actor, request, idempotency_key, data, work)


@get("/v1/subsidies/reports/{report_id:str}", sync_to_thread=True, responses=problem_responses(404), tags=["subsidies"])
def read_report(sessions: Sessions, actor: Actor, report_id: FromPath[IdText]) -> ReportOut:
    """Give a report with its lines, criteria and traces."""
    return ReportOut.of(_report(sessions, actor, report_id))


@get(
    "/v1/subsidies/reports/{report_id:str}/workbook.xlsx",
    sync_to_thread=True,
    media_type=XLSX,
    responses=problem_responses(404),
    tags=["subsidies"],
)
def read_report_workbook(sessions: Sessions, actor: Actor, report_id: FromPath[IdText]) -> Response[bytes]:
    """Give a report in the bureau's form."""
    report = _report(sessions, actor, report_id)
    return download(service.report_workbook(report), stem=service.file_stem(report), ending="xlsx")


@get(
    "/v1/subsidies/reports/{report_id:str}/table.csv",
    sync_to_thread=True,
    media_type=CSV,
    responses=problem_responses(404),
    tags=["subsidies"],
)
def read_report_table(sessions: Sessions, actor: Actor, report_id: FromPath[IdText]) -> Response[bytes]:
    """Give a report's main table as CSV."""
    report = _report(sessions, actor, report_id)
    return download(service.report_csv(report), stem=service.file_stem(report), ending="csv")


@get(
    "/v1/subsidies/reports/{report_id:str}/difference",
    sync_to_thread=True,
    responses=problem_responses(404, 409, 422),
    tags=["subsidies"],
)
def read_report_difference(
    sessions: Sessions, actor: Actor, report_id: FromPath[IdText], since: FromQuery[IdText | None] = None
) -> ReportDifferenceOut:
    """Give what a report says otherwise than an earlier one of its quarter, by default the one before it."""
    with sessions.read() as session:
        return ReportDifferenceOut.of(service.difference_of(session, actor, report_id, since=since))


def _report(sessions: Sessions, actor: Actor, report_id: str) -> SubsidyReport:
    with sessions.read() as session:
        return service.load_report(session, actor, report_id)


routes = [
    create_application,
    list_applications,
    preview_application,
    create_report,
    read_report,
    read_report_workbook,
    read_report_table,
    read_report_difference,
]
