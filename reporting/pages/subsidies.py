"""Subsidies for people: the batch with its funnel, and one application criterion by criterion."""

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect, Response, Template

from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.kernel.dates import Clock, china_day
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import download
from carbonfin.web.pages import Text, page
from reporting import service
from reporting.calc.batches import FiledApplication
from reporting.calc.dedup import OVERLAP_TITLES
from reporting.calc.differences import DIFFERENCE_TITLES
from reporting.calc.eligibility import ANSWER_TITLES, CRITERION_TITLES, Answer
from reporting.calc.facts import COST_TITLES, DOCUMENT_TITLES, FORM_TITLES, SIZE_TITLES
from reporting.calc.quarters import Quarter
from reporting.calc.reports import ReportLine, SubsidyReport
from reporting.calc.subsidies import OUTCOME_TITLES, Outcome
from reporting.pages.outcomes import outcome_of_application
from reporting.pages.reviews import review_of_application, review_of_report

_OUTCOME_BADGES = {
    Outcome.QUALIFIES: "good",
    Outcome.REFUSED: "neutral",
    Outcome.UNDECIDED: "warning",
    Outcome.DUPLICATE: "breach",
}
_ANSWER_BADGES = {Answer.MET: "good", Answer.NOT_MET: "breach", Answer.UNKNOWN: "warning"}
_WORDS: dict[str, Any] = {
    "outcome_words": {outcome: Text(*titles) for outcome, titles in OUTCOME_TITLES.items()},
    "outcome_badges": _OUTCOME_BADGES,
    "answer_words": {answer: Text(*titles) for answer, titles in ANSWER_TITLES.items()},
    "answer_badges": _ANSWER_BADGES,
    "criterion_words": {criterion: Text(*titles) for criterion, titles in CRITERION_TITLES.items()},
    "overlap_words": {reason: Text(*titles) for reason, titles in OVERLAP_TITLES.items()},
    "document_words": {kind: Text(*titles) for kind, titles in DOCUMENT_TITLES.items()},
    "difference_words": {kind: Text(*titles) for kind, titles in DIFFERENCE_TITLES.items()},
    "form_words": {form: Text(*titles) for form, titles in FORM_TITLES.items()},
    "size_words": {size: Text(*titles) for size, titles in SIZE_TITLES.items()},
    "cost_words": {kind: Text(*titles) for kind, titles in COST_TITLES.items()},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PairView:
    """A duplicate beside the application it repeats."""

    line: ReportLine
    reason: Text
    own_item: str
    earlier_item: str
    earlier_reference: str
    earlier_application_id: str
    same_scheme: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportForm:
    """Which quarter a person asks to report."""

    quarter: str


@get("/subsidies", sync_to_thread=True)
def batch_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    quarter: FromQuery[str | None] = None,
    report: FromQuery[str | None] = None,
) -> Template:
    """Show a batch: from filed to paid, why applications fell out, duplicates with their pair."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        built = service.report_heads(session, actor)
        filed = service.applications_of(session, actor)
        if report:
            shown = service.load_report(session, actor, report)
        else:
            as_of = service.preview_day(session, actor, standing)
            asked = Quarter.parse(quarter) if quarter else Quarter.of(as_of)
            kept = next((item for item in built if item.quarter == str(asked) and not item.is_damaged), None)
            shown = (
                service.preview_report(session, actor, quarter=asked, as_of=as_of)
                if kept is None
                else service.load_report(session, actor, kept.report_id)
            )
        review = review_of_report(session, actor, shown)
        difference = service.difference_from_last(session, actor, shown)
    return page(
        request,
        "reporting/batch.html",
        title=Text("贴息批次", "Subsidy batch"),
        report=shown,
        built=built,
        difference=difference,
        standing=standing,
        pairs=_pairs(shown),
        unconfirmed=_unconfirmed(shown),
        **review,
        may_build=actor.organization_kind is OrganizationKind.BUREAU,
        quarters=_quarters(filed),
        **_WORDS,
    )


@get("/subsidies/{application_id:str}", sync_to_thread=True)
def application_page(
    *, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, application_id: FromPath[str]
) -> Template:
    """Show one application criterion by criterion, with its duplicates and the trace of its amount."""
    line: ReportLine | None = None
    failure: CarbonFinError | None = None
    with sessions.read() as session:
        filed = service.load_application(session, actor, application_id)
        standing = standing_of(session, actor.organization_id, clock)
        as_of = max(standing.business_date, china_day(filed.application.submitted_at))
        review = review_of_application(session, actor, application_id)
        told = outcome_of_application(session, actor, application_id)
        report = service.latest_report_with(session, actor, application_id)
        if report is not None:
            line = report.line_of(application_id)
        else:
            try:
                line = service.preview_line(session, actor, application_id, as_of=as_of)
            except CarbonFinError as error:
                failure = error
    return page(
        request,
        "reporting/application.html",
        title=Text(f"贴息申请 {filed.application.reference}", f"Application {filed.application.reference}"),
        application=filed.application,
        application_id=application_id,
        line=line,
        failure=failure,
        report=report,
        as_of=report.as_of if report is not None else as_of,
        costs=_costs(line),
        labels={figure.name: figure for figure in line.decision.trace} if line else {},
        may_review=actor.role is Role.BUREAU,
        **review,
        **told,
        **_WORDS,
    )


@post("/subsidies/reports", sync_to_thread=True, status_code=303)
def build_now(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[ReportForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Redirect:
    """Build the report of a quarter as of the business date, keep its decisions and show it."""
    with sessions.begin() as session:
        as_of = service.report_day(session, actor, clock, asked=None)
        told_at = standing_of(session, actor.organization_id, clock).known_at
        quarter = Quarter.parse(data.quarter)
        report = service.build_report(session, actor, quarter=quarter, as_of=as_of, told_at=told_at)
    return Redirect(f"/subsidies?report={report.report_id}", status_code=303)


@get("/subsidies/reports/{report_id:str}/export/{ending:str}", sync_to_thread=True)
def export_report(
    *, sessions: Sessions, actor: Actor, report_id: FromPath[str], ending: FromPath[str]
) -> Response[bytes]:
    """Give a report as workbook, CSV or JSON."""
    writers = {"xlsx": service.report_workbook, "csv": service.report_csv, "json": service.report_json}
    if ending not in writers:
        raise InvalidInput(
            f"reports are given as {', '.join(writers)}, not {ending!r}",
            zh=f"报表可导出为 {'、'.join(writers)}",
            field="ending",
            remedy="Choose one of these.",
            remedy_zh="请选择其中一种。",
        )
    with sessions.read() as session:
        report = service.load_report(session, actor, report_id)
    return download(writers[ending](report), stem=service.file_stem(report), ending=ending)


def _pairs(report: SubsidyReport) -> list[PairView]:
    return [
        PairView(
            line=line,
            reason=Text(*OVERLAP_TITLES[pair.reason]),
            own_item=pair.own_item,
            earlier_item=pair.earlier_item,
            earlier_reference=pair.earlier_reference,
            earlier_application_id=pair.earlier_application_id,
            same_scheme=pair.same_scheme,
        )
        for line in report.lines
        for pair in line.decision.pairs
    ]


def _unconfirmed(report: SubsidyReport) -> list[tuple[str, int]]:
    """Count what must still be confirmed, and for how many applications."""
    counts: dict[str, int] = {}
    for line in report.lines:
        for note in line.decision.unconfirmed_zh:
            counts[note] = counts.get(note, 0) + 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _quarters(filed: tuple[FiledApplication, ...]) -> list[str]:
    return sorted({str(Quarter.of(china_day(item.application.submitted_at))) for item in filed}, reverse=True)


def _costs(line: ReportLine | None) -> list[tuple[object, object]]:
    if line is None or not line.decision.vouchers:
        return []
    return list(zip(line.application.vouchers, line.decision.vouchers, strict=True))


routes = [batch_page, application_page, build_now, export_report]
