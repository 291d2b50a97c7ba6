"""The officer's first screen: what must be done today, by when, and why; applications, observations, the day's end."""

from dataclasses import dataclass

from litestar.response import Template

from carbonfin.app.alerts import BREACH, WARNING, Alert, alerts_of
from carbonfin.app.homes.figures import HomeFigure, parameter_names
from carbonfin.app.jobs.end_of_day import END_OF_DAY
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.jobs import job_runs_of
from carbonfin.storage.parties import standing_of
from carbonfin.storage.rulebook import book_for
from carbonfin.web.connections import WebRequest
from carbonfin.web.filters import number
from carbonfin.web.pages import Text, page
from collateral.pages.words import state_badge
from collateral.service import Desk, DeskPledge, collateral_desk
from loans.service import observations_due, term_sheets_of

_TO_DO = frozenset({BREACH, WARNING})
_NEXT_STEPS: dict[str, Text] = {
    "APPLIED": Text("评估押品", "appraise"),
    "APPRAISED": Text("完成尽职调查", "complete due diligence"),
    "DILIGENCE_DONE": Text("等待审批", "waits for approval"),
    "APPROVED": Text("签订合同", "sign the contract"),
    "CONTRACTED": Text("办理出质登记", "register the pledge"),
    "REGISTERED_ZHONGDENG": Text("申请冻结", "ask for the freeze"),
    "FREEZE_REQUESTED": Text("等待登记机构答复", "waits for the registry"),
    "FREEZE_UNKNOWN": Text("查询登记机构", "ask the registry"),
    "FROZEN": Text("放款", "pay out"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationLine:
    """A pledge on its way to drawdown and its next step."""

    line: DeskPledge
    badge: tuple[str, Text]
    next_step: Text


def officer_home(request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """Show a bank what must be done today and its first figures."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        desk = collateral_desk(session, actor, standing=standing)
        sheets = term_sheets_of(session, actor)
        due = observations_due(session, actor, business_date=standing.business_date, known_at=standing.known_at)
        runs = job_runs_of(session, actor.organization_id, standing.business_date)
        names = parameter_names(book_for(session, actor.organization_id, packages=("pricing", "collateral")))
    alerts = alerts_of(desk, parameter_names=names)
    return page(
        request,
        "app/home.html",
        title=Text("首页", "Home"),
        standing=standing,
        alerts=alerts,
        cards=bank_cards(desk, alerts=alerts, draft_count=len(sheets)),
        applications=applications_of(desk),
        observations=due,
        runs=runs,
        step_names={step.name: step.text for step in END_OF_DAY},
        sheets=sheets,
    )


def applications_of(desk: Desk) -> tuple[ApplicationLine, ...]:
    """Give the pledges before drawdown, the longest waiting first."""
    waiting = [line for line in desk.pledges if line.pledge.state in _NEXT_STEPS]
    return tuple(
        ApplicationLine(line=line, badge=state_badge(line.pledge.state), next_step=_NEXT_STEPS[line.pledge.state])
        for line in sorted(waiting, key=lambda one: (one.pledge.applied_on, one.pledge.code))
    )


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
