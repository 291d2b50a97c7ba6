"""The desk's lights and the collateral register for systems; the register as the workbook a bank files, too."""

from litestar import get
from litestar.response import Response

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.downloads import XLSX, download
from carbonfin.web.preconditions import IfNoneMatch, tagged
from carbonfin.web.problems import problem_responses
from collateral import service
from collateral.schemas import CollateralRegisterOut, DeskLightsOut
from collateral.workbooks import register_workbook


@get("/v1/collateral-desk", sync_to_thread=True, responses=problem_responses(409), tags=["collateral"])
def read_desk_lights(
    sessions: Sessions, actor: Actor, clock: Clock, if_none_match: IfNoneMatch = None
) -> Response[DeskLightsOut]:
    """Give the six lights of the collateral desk: calls, coverage, registration, unknown, deadlines, concentration."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        desk = service.collateral_desk(session, actor, standing=standing)
        found = service.desk_lights(session, actor, desk, standing=standing)
    return tagged(DeskLightsOut.of(found, business_date=desk.business_date.isoformat()), if_none_match)


@get("/v1/collateral-register", sync_to_thread=True, responses=problem_responses(409), tags=["collateral"])
def read_collateral_register(
    sessions: Sessions, actor: Actor, clock: Clock, if_none_match: IfNoneMatch = None
) -> Response[CollateralRegisterOut]:
    """Give the collateral register of the business date: classes, pledged units, shares against limits, releases."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        found = service.collateral_register(session, actor, standing=standing)
    return tagged(CollateralRegisterOut.of(found), if_none_match)


@get(
    "/v1/collateral-register.xlsx",
    sync_to_thread=True,
    media_type=XLSX,
    responses=problem_responses(409),
    tags=["collateral"],
)
def read_collateral_register_workbook(*, sessions: Sessions, actor: Actor, clock: Clock) -> Response[bytes]:
    """Give the collateral register of the business date as a workbook."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        found = service.collateral_register(session, actor, standing=standing)
    content = register_workbook(found, created_at=standing.known_at)
    return download(content, stem=f"押品台账-{found.business_date}", ending="xlsx")


routes = [read_desk_lights, read_collateral_register, read_collateral_register_workbook]
