"""The collateral register for people: the workbook a bank files."""

from litestar import get
from litestar.response import Response

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.downloads import download
from collateral import service
from collateral.workbooks import register_workbook


@get("/collateral-register.xlsx", sync_to_thread=True)
def export_register(*, sessions: Sessions, actor: Actor, clock: Clock) -> Response[bytes]:
    """Give the register of the business date as a workbook."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        found = service.collateral_register(session, actor, standing=standing)
    content = register_workbook(found, created_at=standing.known_at)
    return download(content, stem=f"押品台账-{found.business_date}", ending="xlsx")
