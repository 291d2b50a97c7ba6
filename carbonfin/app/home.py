"""The first page: each role's own screen."""

from litestar import get
from litestar.params import FromQuery
from litestar.response import Redirect, Template

from carbonfin.app.homes.auditor import auditor_home
from carbonfin.app.homes.bureau import bureau_home
from carbonfin.app.homes.officer import officer_home
from carbonfin.app.homes.risk import risk_home
from carbonfin.app.searching import search
from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
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
    """Find enterprises, pledges, repos, loans, term sheets and decisions by name, code or another system's number."""
    with sessions.read() as session:
        found = search(session, actor, q)
    return page(request, "app/search.html", title=Text("查找", "Search"), question=q.strip(), found=found)


routes = [home_page, search_page]
