"""Custody of trading funds for people: accounts bound to an exchange, and every difference with its age."""

from litestar import get
from litestar.response import Template

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from collateral.calc.custody import CASH, NAMES, DifferenceKind
from collateral.service import custody as service

_KINDS = {
    kind: ("breach" if kind is DifferenceKind.AMOUNT else "warning", Text(*names)) for kind, names in NAMES.items()
}


@get("/custody", sync_to_thread=True)
def custody_page(*, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """Show the custody accounts of the business date and where custodian and exchange differ."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        view = service.custody_view(session, actor, standing=standing, day=None)
    return page(
        request,
        "collateral/custody.html",
        title=Text("资金存管", "Custody of trading funds"),
        business_date=standing.business_date,
        view=view,
        kinds=_KINDS,
        cash=CASH,
    )
