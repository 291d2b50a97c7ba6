"""The first page: each role's own screen."""

from litestar import get
from litestar.params import FromQuery
from litestar.response import Redirect, Template

from carbonfin.app.homes.auditor import auditor_home
from carbonfin.app.homes.bureau import bureau_home
from carbonfin.app.homes.officer import officer_home
from carbonfin.app.homes.risk import risk_home
from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.parties import Party
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import parties_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page

_ADMINISTRATION = "/administration"


@get("/", sync_to_thread=True)
def home_page(request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template | Redirect:
    """Show the screen of the asker's role."""
    if actor.role in {Role.ADMINISTRATOR, Role.OPERATOR}:
        return Redirect(_ADMINISTRATION, status_code=303)
    if actor.organization_kind is OrganizationKind.BUREAU:
        return bureau_home(request, sessions, actor, clock)
    screens = {Role.RISK: risk_home, Role.AUDITOR: auditor_home}
    return screens.get(actor.role, officer_home)(request, sessions, actor, clock)


@get("/search", sync_to_thread=True)
def search_page(request: WebRequest, sessions: Sessions, actor: Actor, q: FromQuery[str] = "") -> Template:
    """Find an enterprise or counterparty by a part of its name or code."""
    with sessions.read() as session:
        parties = parties_of(session, actor)
    return page(
        request,
        "app/search.html",
        title=Text("查找", "Search"),
        question=q.strip(),
        found=matching(parties, q),
    )


def matching(parties: tuple[Party, ...], question: str) -> tuple[Party, ...]:
    """Give the parties whose name or code holds the words; no words find nothing."""
    words = question.strip().casefold()
    if not words:
        return ()
    return tuple(party for party in parties if words in party.name.casefold() or words in party.code.casefold())


routes = [home_page, search_page]
