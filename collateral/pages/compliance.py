"""Compliance positions for people: who is short when, one emitter with every figure's trace, and files to bring."""

from typing import Annotated

from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, QueryParameter
from litestar.response import Template
from msgspec import Struct

from carbonfin.documents.text_tables import MAX_BYTES
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, MissingData
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import load_party, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from collateral import service
from collateral.calc.compliance_records import (
    ALLOCATION_STANDING_NAMES,
    ALLOCATION_STATE_NAMES,
    EMISSIONS_STATE_NAMES,
)
from collateral.calc.compliance_years import LEFT_OUT_NAMES, YearPosition
from collateral.feeds.compliance_files import COMPLIANCE_COLUMNS
from collateral.pages.words import days_left, unconfirmed_note

_EMITTERS_A_PAGE = 25
_READ_SHOWN_MAX = 20
_LEFT_OUT = {reason: Text(*names) for reason, names in LEFT_OUT_NAMES.items()}
_STATES = {state: Text(*names) for state, names in ALLOCATION_STATE_NAMES.items()}
_STANDINGS = {standing: Text(*names) for standing, names in ALLOCATION_STANDING_NAMES.items()}
_EMISSIONS = {state: Text(*names) for state, names in EMISSIONS_STATE_NAMES.items()}


def _badge_of(year: YearPosition) -> tuple[str, Text]:
    """Give the light of a year, in sign and words."""
    if year.shortfall_t:
        return "breach", Text("预计缺口", "Forecast shortfall")
    if year.credits_counted_t:
        return "warning", Text("须用减排量", "Needs credits")
    return "good", Text("足额", "Enough")


@get("/compliance", sync_to_thread=True)
def compliance_list(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    after: Annotated[str, QueryParameter(max_length=40)] = "",
) -> Template:
    """Show the emitters with a compliance year, by code: what is owed, with what, and what is short."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        lines, following = service.emitter_years(session, actor, standing=standing, after=after, limit=_EMITTERS_A_PAGE)
    return page(
        request,
        "collateral/compliance_list.html",
        title=Text("履约头寸", "Compliance positions"),
        business_date=standing.business_date,
        lines=lines,
        after=after,
        following=following,
        badge_of=_badge_of,
        days_left=days_left,
        unconfirmed_note=unconfirmed_note,
    )


@get("/compliance/{party_id:str}", sync_to_thread=True)
def compliance_page(
    *, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, party_id: FromPath[str]
) -> Template:
    """Show one emitter's position in each scheme with the trace of every figure; nothing is kept."""
    positions: tuple[service.SchemePosition, ...] = ()
    with sessions.read() as session:
        party = load_party(session, actor, party_id)
        standing = standing_of(session, actor.organization_id, clock)
        statements = service.compliance_revisions_of(session, actor, party.id, standing=standing)
        try:
            positions, lacks = service.positions_and_lacks(session, actor, party.id, standing=standing)
            failures = tuple(lacks.values())
        except MissingData as error:
            failures = (error,)
        headrooms = service.latest_headrooms(session, actor, standing=standing, party_id=party.id)
    return page(
        request,
        "collateral/compliance.html",
        title=Text("履约头寸", "Compliance position"),
        party=party,
        business_date=standing.business_date,
        positions=positions,
        statements=statements,
        headrooms=headrooms,
        failures=failures,
        badge_of=_badge_of,
        days_left=days_left,
        left_out_words=_LEFT_OUT,
        state_words=_STATES,
        standing_words=_STANDINGS,
        emissions_words=_EMISSIONS,
        labels={one.scheme: {figure.name: figure for figure in one.outcome.trace} for one in positions},
    )


class ComplianceUploadForm(Struct, kw_only=True):
    """What the form sends."""

    file: UploadFile
    action: str = "preview"


@get("/compliance/upload", sync_to_thread=True)
def compliance_upload_page(*, request: WebRequest) -> Template:
    """Show the form."""
    return _form(request, status_code=200)


@post("/compliance/upload", sync_to_thread=True, status_code=200)
def send_compliance_file(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[ComplianceUploadForm, Body(media_type=RequestEncodingType.MULTI_PART)],
) -> Template:
    """Read a file of compliance years; store all its rows when asked to and none failed."""
    content = data.file.file.read(MAX_BYTES + 1)
    try:
        with sessions.begin() as session:
            report = service.import_compliance_file(
                session,
                actor,
                content=content,
                file_name=data.file.filename,
                standing=standing_of(session, actor.organization_id, clock),
                preview=data.action != "store",
            )
    except CarbonFinError as error:
        return _form(request, failure=error, status_code=422)
    return _form(request, report=report, status_code=422 if report.failures else 200)


def _form(
    request: WebRequest,
    *,
    report: service.ComplianceImport | None = None,
    failure: CarbonFinError | None = None,
    status_code: int,
) -> Template:
    return page(
        request,
        "collateral/compliance_upload.html",
        title=Text("导入履约数据", "Import compliance years"),
        status_code=status_code,
        report=report,
        read=report.file.rows[:_READ_SHOWN_MAX] if report else (),
        failure_text=Text(failure.zh, failure.detail) if failure else None,
        remedy_text=Text(failure.remedy_zh, failure.remedy) if failure else None,
        emissions_words=_EMISSIONS,
        columns=tuple(aliases[1] for aliases in COMPLIANCE_COLUMNS.aliases.values()),
        example=COMPLIANCE_COLUMNS.example,
    )
