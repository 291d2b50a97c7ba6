"""The quality of quotes: what the checks found by unit and kind, each finding with its values, to read and to print."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from litestar import get
from litestar.params import FromPath, QueryParameter
from litestar.response import Response, Template
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import InvalidInput, MissingData, NotFound
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, load_organization, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import download
from carbonfin.web.pages import Text, page
from carbonfin.web.wire import day_of
from pricing import service, workbooks
from pricing.calc.quality import FINDING_LABELS, GRAVE, VALUE_LABELS, Finding, FindingKind, QualityReport

_ENDINGS = frozenset({"xlsx", "csv", "pdf"})
_From = Annotated[str | None, QueryParameter(name="from", max_length=10)]
_To = Annotated[str | None, QueryParameter(name="to", max_length=10)]
_Unit = Annotated[str | None, QueryParameter(max_length=20)]
_Kind = Annotated[str | None, QueryParameter(max_length=40, description="Show findings of this kind alone.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityView:
    """What the page and its export show: a report of each unit, and the findings chosen.

    Attributes:
        unchecked: Units for whose scheme no limits are set.
    """

    standing: Standing
    from_date: date | None
    to_date: date
    unit: str | None
    kind: FindingKind | None
    reports: Mapping[str, QualityReport]
    unchecked: tuple[str, ...]

    @property
    def kinds(self) -> tuple[FindingKind, ...]:
        """The kinds that occur in any report, in their order."""
        occurring = {kind for report in self.reports.values() for kind, _ in report.counts}
        return tuple(kind for kind in FindingKind if kind in occurring)

    @property
    def findings(self) -> list[Finding]:
        """The findings of the unit and kind chosen, latest first."""
        chosen = [
            finding
            for unit, report in self.reports.items()
            if self.unit in {None, unit}
            for finding in report.findings
            if self.kind in {None, finding.kind}
        ]
        return sorted(chosen, key=lambda finding: finding.quote_date, reverse=True)

    def query(self, *, unit: str | None = None, kind: str | None = None) -> str:
        """Give the query that shows the same days with another unit and kind."""
        asked = {"unit": unit, "kind": kind, "from": self.from_date, "to": self.to_date}
        return "&".join(f"{name}={value}" for name, value in asked.items() if value)


@get("/market/quality", sync_to_thread=True)
def quality_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    unit: _Unit = None,
    kind: _Kind = None,
    from_date: _From = None,
    to_date: _To = None,
) -> Template:
    """Show what the checks found, by unit and kind, each finding with its values."""
    with sessions.read() as session:
        view = _view(session, actor, clock, unit=unit, kind=kind, from_date=from_date, to_date=to_date)
    return page(
        request,
        "pricing/quality.html",
        title=Text("行情质量", "Quality of quotes"),
        view=view,
        grave=GRAVE,
        finding_labels={one: Text(*labels) for one, labels in FINDING_LABELS.items()},
        value_labels={name: Text(*labels) for name, labels in VALUE_LABELS.items()},
    )


@get("/market/quality/export/{ending:str}", sync_to_thread=True)
def export_quality(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    ending: FromPath[str],
    from_date: _From = None,
    to_date: _To = None,
) -> Response[bytes]:
    """Give the findings of every unit: as a workbook, one sheet a unit, as CSV, or to print as PDF."""
    if ending not in _ENDINGS:
        raise NotFound(
            f"there is no export that ends in {ending!r}",
            zh=f"没有“{ending}”格式的导出",
            field="ending",
            remedy="Choose xlsx, csv or pdf.",
            remedy_zh="请选择 xlsx、csv 或 pdf。",
        )
    with sessions.read() as session:
        view = _view(session, actor, clock, unit=None, kind=None, from_date=from_date, to_date=to_date)
        organization = load_organization(session, actor.organization_id).name
    if not view.reports:
        raise MissingData(
            "no quote could be checked in these days",
            zh="所选日期内没有可检查的行情",
            field="to",
            remedy="Import quotes, or choose other days.",
            remedy_zh="请导入行情，或选择其他日期。",
        )
    stem, known_at = f"行情质量-{view.to_date}", view.standing.known_at
    if ending == "pdf":
        content = workbooks.quality_pdf(
            tuple(view.reports.values()), organization=organization, issued_on=view.to_date, created_at=known_at
        )
        return download(content, stem=stem, ending="pdf")
    if ending == "csv":
        return download(workbooks.csv_of(workbooks.quality_rows(view.reports)), stem=stem, ending="csv")
    tables = [workbooks.quality_table(report, sheet_name=f"质量检查 {unit}") for unit, report in view.reports.items()]
    content = workbooks.workbook_of(*tables, title="行情质量检查", created_at=known_at)
    return download(content, stem=stem, ending="xlsx")


def _view(
    session: Session,
    actor: Actor,
    clock: Clock,
    *,
    unit: str | None,
    kind: str | None,
    from_date: str | None,
    to_date: str | None,
) -> QualityView:
    standing = standing_of(session, actor.organization_id, clock)
    first = day_of(from_date, field="from") if from_date else None
    last = day_of(to_date, field="to") if to_date else standing.business_date
    reports: dict[str, QualityReport] = {}
    unchecked: list[str] = []
    for name in service.quoted_units(session, actor, on=last, known_at=standing.known_at):
        try:
            reports[name] = service.quality_of(
                session, actor, unit=Unit.parse(name), from_date=first, to_date=last, known_at=standing.known_at
            )
        except MissingData:
            unchecked.append(name)
    return QualityView(
        standing=standing,
        from_date=first,
        to_date=last,
        unit=None if not unit else str(Unit.parse(unit)),
        kind=_kind_of(kind),
        reports=reports,
        unchecked=tuple(unchecked),
    )


def _kind_of(text: str | None) -> FindingKind | None:
    """Read the kind chosen; an empty choice is every kind."""
    if not text:
        return None
    if text not in list(FindingKind):
        raise InvalidInput(
            f"{text!r} is no kind of finding",
            zh=f"没有“{text}”这一类别",
            field="kind",
            remedy="Choose one of " + ", ".join(FindingKind) + ".",
            remedy_zh="请在页面的类别中选择。",
        )
    return FindingKind(text)
