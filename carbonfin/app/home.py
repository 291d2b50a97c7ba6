"""The officer's home: what must be done today, by when, and why."""

from dataclasses import dataclass

from litestar import get
from litestar.params import FromQuery
from litestar.response import Redirect, Template

from carbonfin.app.alerts import BREACH, WARNING, Alert, alerts_of
from carbonfin.app.jobs import END_OF_DAY
from carbonfin.kernel.actors import Actor, OrganizationKind
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.parties import Party
from carbonfin.rules.parameters import ParameterBook
from carbonfin.storage.engine import Sessions
from carbonfin.storage.jobs import job_runs_of
from carbonfin.storage.parties import parties_of, standing_of
from carbonfin.storage.rulebook import book_for
from carbonfin.web.connections import WebRequest
from carbonfin.web.filters import number
from carbonfin.web.pages import Text, page
from collateral.service import Desk, collateral_desk
from loans.service import term_sheets_of

_TO_DO = frozenset({BREACH, WARNING})


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeFigure:
    """One figure card."""

    label: Text
    value: str
    unit: str
    note: Text | None = None
    address: str = ""
    state: str = ""


@get("/", sync_to_thread=True)
def home_page(request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template | Redirect:
    """Show a bank what must be done today and its first figures; the bureau's home is its batch."""
    if actor.organization_kind is OrganizationKind.BUREAU:
        return Redirect("/subsidies", status_code=303)
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        desk = collateral_desk(session, actor, standing=standing)
        sheets = term_sheets_of(session, actor)
        runs = job_runs_of(session, actor.organization_id, standing.business_date)
        names = parameter_names(book_for(session, actor.organization_id, packages=("collateral",)))
    alerts = alerts_of(desk, parameter_names=names)
    return page(
        request,
        "app/home.html",
        title=Text("首页", "Home"),
        standing=standing,
        alerts=alerts,
        cards=bank_cards(desk, alerts=alerts, draft_count=len(sheets)),
        runs=runs,
        step_names={step.name: step.text for step in END_OF_DAY},
        sheets=sheets,
    )


def parameter_names(book: ParameterBook) -> dict[str, Text]:
    """Give each parameter's words by `key[scope]`, the scope in brackets."""
    return {
        f"{value.key}[{value.scope}]" if value.scope else value.key: Text(
            f"{value.title_zh or value.key}（{value.scope}）" if value.scope else value.title_zh or value.key,
            f"{value.title_en or value.key} ({value.scope})" if value.scope else value.title_en or value.key,
        )
        for value in book.values()
    }


def bank_cards(desk: Desk, *, alerts: tuple[Alert, ...], draft_count: int) -> tuple[HomeFigure, ...]:
    """Give the five figures a bank sees first."""
    to_do_count = sum(alert.kind in _TO_DO for alert in alerts)
    breach_count = sum(alert.kind == BREACH for alert in alerts)
    pledged_t = sum(quantity_t for _, quantity_t in desk.pledged_t)
    by_scheme = " · ".join(f"{scheme} {number(quantity_t)}" for scheme, quantity_t in desk.pledged_t)
    return (
        HomeFigure(
            label=Text("今日待办", "To do today"),
            value=str(to_do_count),
            unit="",
            note=Text(f"其中紧急 {breach_count} 项", f"{breach_count} urgent"),
            state=BREACH if breach_count else WARNING if to_do_count else "good",
        ),
        HomeFigure(
            label=Text("质押贷款余额", "Pledge loans outstanding"),
            value=str(desk.loans_outstanding_cny),
            unit="CNY",
            note=Text("质押与回购", "Pledges and repos"),
            address="/pledges",
        ),
        HomeFigure(
            label=Text("在押配额", "Allowances pledged"),
            value=str(pledged_t),
            unit="t",
            note=Text(by_scheme, by_scheme) if by_scheme else None,
        ),
        HomeFigure(
            label=Text("回购转出配额", "Allowances under repo"),
            value=str(desk.repo_t),
            unit="t",
            note=Text(f"{len(desk.repos)} 笔回购", f"{len(desk.repos)} repos"),
        ),
        HomeFigure(
            label=Text("条款清单草稿", "Draft term sheets"),
            value=str(draft_count),
            unit="",
            note=Text("降碳贷", "Emission-cut loans"),
            address="/loans",
        ),
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
