"""The collateral desk: coverage by distance to the line, calls with countdown, unknown freezes, deadlines ahead."""

from litestar import get
from litestar.response import Template
from sqlmodel import Session

from carbonfin.documents.charts import Language
from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import MissingData
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.language import language_of
from carbonfin.web.pages import Text, page
from collateral import service
from collateral.calc.coverage import CoverageLines
from collateral.calc.lights import LEVEL_NAMES, LIGHT_NAMES, LightKind, LightLevel
from collateral.calc.register import BASE_NAMES
from collateral.pages.charts import desk_chart
from collateral.pages.words import LEVELS, days_left, four_places, safe_date_words, state_badge, unconfirmed_note

_SHOWN = 100
"""Pledges on the desk, nearest to the line first; the whole list stands in the register and in the API."""
_LIGHT_BADGES: dict[LightLevel, tuple[str, Text]] = {
    LightLevel.GOOD: ("good", Text(*LEVEL_NAMES[LightLevel.GOOD])),
    LightLevel.NOT_KNOWN: ("information", Text(*LEVEL_NAMES[LightLevel.NOT_KNOWN])),
    LightLevel.WARNING: ("warning", Text(*LEVEL_NAMES[LightLevel.WARNING])),
    LightLevel.BREACH: ("breach", Text(*LEVEL_NAMES[LightLevel.BREACH])),
}
_LIGHT_LISTS: dict[LightKind, str] = {
    LightKind.CALLS: "/margin-calls",
    LightKind.COVERAGE: "#pledges",
    LightKind.UNREGISTERED: "/registry/reconciliations",
    LightKind.UNKNOWN: "#to-do",
    LightKind.DEADLINES: "#deadlines",
    LightKind.CONCENTRATION: "#concentration",
}


@get("/pledges", sync_to_thread=True)
def desk_page(*, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """Show the desk: what is near the line, what is called, what is unknown, which deadlines come."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        desk = service.collateral_desk(session, actor, standing=standing)
        lines = _lines(session, standing)
        found = service.desk_lights(session, actor, desk, standing=standing)
    language: Language = "en" if language_of(request).value == "en" else "zh"
    chart = None if lines is None else desk_chart(desk.pledges, lines, as_of=desk.business_date, language=language)
    return page(
        request,
        "collateral/desk.html",
        title=Text("押品工作台", "Collateral desk"),
        desk=desk,
        chart=chart,
        levels=LEVELS,
        lights=found.lights,
        light_names={kind: Text(*names) for kind, names in LIGHT_NAMES.items()},
        light_badges=_LIGHT_BADGES,
        light_lists=_LIGHT_LISTS,
        pledge_ids={line.pledge.code: line.pledge.id for line in desk.pledges},
        concentrations=found.concentrations,
        schedule_shares=found.schedules,
        bases={base: Text(*names) for base, names in BASE_NAMES.items()},
        shown=desk.pledges[:_SHOWN],
        state_badge=state_badge,
        safe_date_words=safe_date_words,
        four_places=four_places,
        days_left=days_left,
        unconfirmed_note=unconfirmed_note,
        can_apply=actor.role in {Role.OFFICER, Role.SYSTEM},
    )


def _lines(session: Session, standing: Standing) -> CoverageLines | None:
    try:
        return service.lines_of(session, standing)
    except MissingData:
        return None
