"""Custody of trading funds for people: accounts bound to an exchange, and every difference with its age."""

from litestar import get
from litestar.response import Template

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from collateral.calc.custody import CASH, DifferenceKind
from collateral.service import custody as service

_KINDS = {
    DifferenceKind.AMOUNT: ("breach", Text("余额不一致", "Amounts differ")),
    DifferenceKind.NO_BANK_STATEMENT: ("warning", Text("缺存管行对账单", "No statement of the custodian")),
    DifferenceKind.NO_EXCHANGE_STATEMENT: ("warning", Text("缺交易所对账单", "No statement of the exchange")),
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
