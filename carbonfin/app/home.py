"""The officer's home: what must be done today, by when, and why."""

from dataclasses import dataclass
from datetime import date

from litestar import get
from litestar.params import FromQuery
from litestar.response import Template

from carbonfin.app.access import BANK_READERS, PEOPLE
from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.parties import Party
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import parties_of, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import NavigationItem, Text, page

_BANK_PEOPLE = BANK_READERS - {Role.SYSTEM}

NAVIGATION: tuple[NavigationItem, ...] = (
    NavigationItem(address="/", text=Text("首页", "Home"), roles=PEOPLE),
    NavigationItem(address="/decisions", text=Text("决定记录", "Decisions"), roles=PEOPLE),
    NavigationItem(address="/docs/api", text=Text("接口文档", "API"), roles=PEOPLE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One thing to do: how grave, what, why, by when, and where it is done.

    Attributes:
        kind: breach, warning or information.
        due: The day by which; None where the thing has no day.
    """

    kind: str
    state: Text
    subject: str
    why: Text
    due: date | None
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeFigure:
    """One figure card."""

    label: Text
    value: str | None
    unit: str
    note: Text | None = None
    address: str = ""


@get("/", sync_to_thread=True)
def home_page(request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """Show what must be done today and the first figures."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        parties = parties_of(session, actor)
    return page(
        request,
        "app/home.html",
        title=Text("首页", "Home"),
        standing=standing,
        alerts=(),
        cards=(
            HomeFigure(
                label=Text("企业与交易对手", "Enterprises and counterparties"), value=str(len(parties)), unit=""
            ),
        ),
        parties=parties,
    )


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
