"""The bureau's report of a quarter: applications decided in order, decisions kept, the report given back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Batch
from carbonfin.kernel.cryptography import sha256_hex
from carbonfin.kernel.dates import Clock, china_day, end_of_china_day
from carbonfin.kernel.errors import InvalidInput, NotApplicable, NotFound
from carbonfin.rules.parameters import ParameterBook
from carbonfin.rules.record import digest_of
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.storage.decisions import WrittenDecision, record_written, written_beside, written_text
from carbonfin.storage.parties import Standing, load_organization, standing_of
from carbonfin.storage.rows import new_id
from reporting import store, workbooks
from reporting.calc.batches import DecidedApplication, FiledApplication, allocations_cny, decide_in_order, label_of
from reporting.calc.facts import SubsidyApplication
from reporting.calc.quarters import Quarter
from reporting.calc.reports import KeptLine, ReportHead, ReportLine, SubsidyReport, line_of, sources_of
from reporting.calc.schemes import SchemeTerms, terms_of
from reporting.calc.subsidies import SUBSIDY_DECISION
from reporting.calc.summaries import summarize
from reporting.service.outcomes import tell_outcomes
from reporting.service.rulebook import share_table, subsidy_book, subsidy_tables


def preview_line(session: Session, actor: Actor, application_id: str, *, as_of: date) -> ReportLine:
    """Decide an application as of a day, as its line in a report would read; nothing is kept.

    Raises:
        NotFound: The actor may not see it, or it was filed after that day.
        NotApplicable: It cannot be decided at all; the reason is its own.
    """
    filed = store.load_application(session, actor, application_id)
    terms = terms_of_application(subsidy_book(session, actor), filed.application, end_of_china_day(as_of))
    batch = decided_as_of(session, actor, as_of=as_of)
    for item in batch.values:
        if item.filed.application_id == application_id:
            return line_of(filed, decision_id="", decision=item.decision, terms=terms, allocated_cny=None)
    for failure in batch.failures:
        if failure.item == label_of(filed.application):
            raise NotApplicable(
                failure.detail, zh=failure.zh, field=failure.field, remedy=failure.remedy, remedy_zh=failure.remedy_zh
            )
    raise NotFound(
        f"application {filed.application.reference} was not filed by {as_of}",
        zh=f"截至 {as_of} 尚未提交该申请",
        field="as_of",
        remedy="Choose a later day.",
        remedy_zh="请选择更晚的日期。",
    )


def terms_of_application(book: ParameterBook, application: SubsidyApplication, known_at: datetime) -> SchemeTerms:
    """Give the terms of an application's scheme on the day it was filed, as known at an instant."""
    return terms_of(book, application.scheme, valid_on=china_day(application.submitted_at), known_at=known_at)


def decided_as_of(session: Session, actor: Actor, *, as_of: date) -> Batch[DecidedApplication]:
    """Decide everything filed by the end of a day, in order; give what was decided and what failed. Nothing is kept."""
    return _decided(session, actor, store.applications_of(session, actor, known_until=end_of_china_day(as_of)), as_of)


def _decided(
    session: Session, actor: Actor, filed: Sequence[FiledApplication], as_of: date
) -> Batch[DecidedApplication]:
    book, known_at = subsidy_book(session, actor), end_of_china_day(as_of)
    tables = subsidy_tables(session, actor)

    @cache
    def terms_on(scheme: str, day: date) -> SchemeTerms:
        return terms_of(book, scheme, valid_on=day, known_at=known_at)

    @cache
    def table_on(day: date) -> RecordedTable:
        return share_table(tables, day, known_at)

    return decide_in_order(
        filed,
        lambda application: terms_on(application.scheme, china_day(application.submitted_at)),
        lambda application: table_on(china_day(application.submitted_at)),
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


def preview_day(session: Session, actor: Actor, standing: Standing) -> date:
    """Give the day a preview looks from: the business date, or the last filing where that is later."""
    last = store.last_filing(session, actor)
    return standing.business_date if last is None else max(standing.business_date, china_day(last))


def build_report(session: Session, actor: Actor, *, quarter: Quarter, as_of: date, told_at: datetime) -> SubsidyReport:
    """Decide a quarter's applications as of a day, keep each decision, tell each bank of its own, and give the report.

    Built again from the same files and terms it gives the same report and records nothing twice.

    Args:
        session: The open transaction.
        actor: Who builds it.
        quarter: Whose applications.
        as_of: The day it is as of.
        told_at: The present, from which on banks know the outcome.
    """
    batch, allocated, filed = _quarter_batch(session, actor, quarter, as_of)
    written = _written(batch.values)
    asked: tuple[object, ...] = (
        tuple(one.inputs_digest for one in written), batch.failures, SUBSIDY_DECISION.version
    )  # fmt: skip
    shares = {item.filed.application_id: allocated.get(item.filed.application_id) for item in batch.values}
    alone = allocations_cny(batch.values)
    if any(share != alone.get(one) for one, share in shares.items()):  # earlier quarters have used of the budget
        asked = (*asked, shares)
    inputs_digest = digest_of(asked)
    before = store.find_report(session, actor, quarter=quarter, as_of=as_of, inputs_digest=inputs_digest)
    if before is not None:
        tell_outcomes(session, actor, before, filed, told_at=told_at)
        return before
    decision_ids = record_written(
        session, actor, SUBSIDY_DECISION, written, valid_on=as_of, known_at=end_of_china_day(as_of)
    )
    report = _composed(
        session, actor, batch, allocated, quarter=quarter, as_of=as_of, report_id=new_id(), decision_ids=decision_ids
    )
    kept = tuple(
        KeptLine.of(
            line,
            application_digest=digest_of(line.application),
            outputs_digest=sha256_hex(one.outputs.encode()),
        )
        for line, one in zip(report.lines, written, strict=True)
    )
    report = replace(report, lines_digest=digest_of(kept))
    store.add_report(session, actor, report, kept, inputs_digest=inputs_digest)
    tell_outcomes(session, actor, report, filed, told_at=told_at)
    return report


def _written(decided: Sequence[DecidedApplication]) -> list[WrittenDecision]:
    """Write each decision as its record has it; terms and tables that many share are written once."""
    texts: dict[int, str] = {}

    def shared(value: object) -> str:
        if id(value) not in texts:
            texts[id(value)] = written_text(value)
        return texts[id(value)]

    def of(item: DecidedApplication) -> WrittenDecision:
        inputs = item.inputs
        ready = {"terms": shared(inputs.terms)}
        if inputs.share_table is not None:
            ready["share_table"] = shared(inputs.share_table)
        text = written_beside(inputs, ready)
        return WrittenDecision(
            subject=item.filed.application.reference, inputs=text, inputs_digest=sha256_hex(text.encode()),
            outputs=written_text(item.decision),
        )  # fmt: skip

    return [of(item) for item in decided]


def preview_report(session: Session, actor: Actor, *, quarter: Quarter, as_of: date) -> SubsidyReport:
    """Give the report a quarter would have as of a day, without identifier and decisions; nothing is kept."""
    batch, allocated, _ = _quarter_batch(session, actor, quarter, as_of)
    decision_ids = [""] * len(batch.values)
    return _composed(
        session, actor, batch, allocated, quarter=quarter, as_of=as_of, report_id="", decision_ids=decision_ids
    )


def _quarter_batch(
    session: Session, actor: Actor, quarter: Quarter, as_of: date
) -> tuple[Batch[DecidedApplication], dict[str, Decimal], tuple[FiledApplication, ...]]:
    """Decide everything filed, since earlier quarters' claims stand and budgets are shared with them.

    Returns:
        What the quarter holds, the share of the budget by application, and all files.
    """
    filed = store.applications_of(session, actor, known_until=end_of_china_day(as_of))
    batch = _decided(session, actor, filed, as_of)
    labels = {label_of(item.application) for item in filed if _filed_in(item, quarter)}
    of_quarter = Batch(
        values=tuple(item for item in batch.values if _filed_in(item.filed, quarter)),
        failures=tuple(failure for failure in batch.failures if failure.item in labels),
    )
    return of_quarter, allocations_cny(batch.values), filed


def _filed_in(filed: FiledApplication, quarter: Quarter) -> bool:
    return quarter.holds(china_day(filed.application.submitted_at))


def _composed(
    session: Session,
    actor: Actor,
    batch: Batch[DecidedApplication],
    allocated: Mapping[str, Decimal],
    *,
    quarter: Quarter,
    as_of: date,
    report_id: str,
    decision_ids: Sequence[str],
) -> SubsidyReport:
    lines = tuple(
        line_of(
            item.filed,
            decision_id=decision_id,
            decision=item.decision,
            terms=item.inputs.terms,
            allocated_cny=allocated.get(item.filed.application_id),
        )
        for item, decision_id in zip(batch.values, decision_ids, strict=True)
    )
    return SubsidyReport(
        report_id=report_id,
        quarter=str(quarter),
        as_of=as_of,
        reporting_body=load_organization(session, actor.organization_id).name,
        prepared_by=actor.name,
        is_sample=actor.is_sample or any(line.application.is_sample for line in lines),
        lines=lines,
        failures=batch.failures,
        summary=summarize(line.decision for line in lines),
        sources=sources_of(tuple(item.inputs.terms for item in batch.values)),
    )


def load_report(session: Session, actor: Actor, report_id: str) -> SubsidyReport:
    """Give a report of the actor's organisation.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    return store.load_report(session, actor, report_id)


def report_heads(session: Session, actor: Actor) -> tuple[ReportHead, ...]:
    """Give the organisation's reports without their lines, the latest first."""
    return store.report_heads(session, actor)


def latest_report_with(session: Session, actor: Actor, application_id: str) -> SubsidyReport | None:
    """Give the organisation's latest report that holds an application, with its line alone, if there is one."""
    report_id = store.latest_report_with(session, actor, application_id)
    return None if report_id is None else store.load_report(session, actor, report_id, of=application_id)


def report_workbook(report: SubsidyReport) -> bytes:
    """Give the report in the bureau's form as xlsx."""
    return workbooks.report_xlsx(report)


def report_csv(report: SubsidyReport) -> bytes:
    """Give the report's main table as CSV."""
    return workbooks.report_csv(report)


def report_json(report: SubsidyReport) -> bytes:
    """Give the whole report as JSON."""
    return workbooks.report_json(report)


def file_stem(report: SubsidyReport) -> str:
    """Name a report's files."""
    return f"贴息汇总-{report.quarter}-{report.as_of}" + ("-示例" if report.is_sample else "")
