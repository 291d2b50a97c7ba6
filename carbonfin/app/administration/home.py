"""The administrator's first screen, and the platform operator's: organisations with their days, no business."""

from dataclasses import dataclass
from datetime import datetime

from litestar import get
from litestar.response import Template
from sqlmodel import Session

from carbonfin.app.administration.words import WORRYING, event_detail, event_words
from carbonfin.app.approvals.kinds import APPROVAL_KINDS
from carbonfin.app.homes.figures import HomeFigure
from carbonfin.app.jobs.end_of_day import steps_for
from carbonfin.app.jobs.overview import overview
from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.kernel.dates import Clock, china_day
from carbonfin.storage.approvals import waiting_for
from carbonfin.storage.engine import Sessions
from carbonfin.storage.jobs import job_runs_of
from carbonfin.storage.parties import (
    Account,
    ApiKey,
    DayState,
    Organization,
    SecurityEvent,
    accounts_of,
    keys_of,
    load_organization,
    organizations,
    security_events_of,
)
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page

_EVENTS_SHOWN = 10
_ENDS_SOON_DAYS = 30
KIND_WORDS = {
    OrganizationKind.BANK: Text("银行", "Bank"),
    OrganizationKind.BUREAU: Text("主管部门", "Bureau"),
    OrganizationKind.PLATFORM: Text("平台运营", "Platform"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DayLine:
    """How far the end of an organisation's business date has come: counts alone, nothing of its business."""

    done_count: int
    step_count: int
    failure_count: int
    is_closing: bool
    finished_at: datetime | None


@get("/administration", sync_to_thread=True)
def administration_home(request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """Show where an administrator begins: people, keys, what waits, what happened at the doors, and the day."""
    if actor.role is Role.OPERATOR:
        return _platform(request, sessions)
    now = clock.now()
    with sessions.read() as session:
        accounts, keys = accounts_of(session, actor), keys_of(session, actor.organization_id)
        events = security_events_of(session, actor.organization_id)
        waiting = waiting_for(session, actor, APPROVAL_KINDS)
        organization = load_organization(session, actor.organization_id)
        day = overview(session, actor, clock)
    return page(
        request,
        "app/administration.html",
        title=Text("管理", "Administration"),
        organization=organization,
        day=day,
        is_closing=organization.day_state is DayState.CLOSING,
        cards=home_cards(accounts, keys, events, waiting_count=len(waiting), at=now),
        events=events[:_EVENTS_SHOWN],
        event_words=event_words,
        event_detail=event_detail,
        worrying=WORRYING,
    )


def home_cards(
    accounts: tuple[Account, ...],
    keys: tuple[ApiKey, ...],
    events: tuple[SecurityEvent, ...],
    *,
    waiting_count: int,
    at: datetime,
) -> tuple[HomeFigure, ...]:
    """Give the figures an administrator sees first."""
    active = [one for one in accounts if one.is_active]
    locked = sum(one.is_locked(at) for one in active)
    live = [one for one in keys if one.is_live(at)]
    ending = sum((one.expires_at - at).days < _ENDS_SOON_DAYS for one in live)
    today = [one for one in events if china_day(one.happened_at) == china_day(at)]
    failures = sum(one.kind in WORRYING for one in today)
    return (
        HomeFigure(
            label=Text("待我复核", "Waits for me"), value=str(waiting_count), unit="", address="/approvals",
            state="warning" if waiting_count else "good",
        ),
        HomeFigure(
            label=Text("在用账户", "Accounts in use"), value=str(len(active)), unit="",
            note=Text(f"锁定 {locked}", f"{locked} locked"), address="/administration/people",
            state="warning" if locked else "",
        ),
        HomeFigure(
            label=Text("在用密钥", "Keys in use"), value=str(len(live)), unit="",
            note=Text(f"{_ENDS_SOON_DAYS} 日内到期 {ending}", f"{ending} end within {_ENDS_SOON_DAYS} days"),
            address="/administration/keys", state="warning" if ending else "",
        ),
        HomeFigure(
            label=Text("今日安全事件", "Security events today"), value=str(len(today)), unit="",
            note=Text(f"须留意 {failures}", f"{failures} to look at"), address="/administration/events",
            state="warning" if failures else "",
        ),
    )  # fmt: skip


def _platform(request: WebRequest, sessions: Sessions) -> Template:
    """Show the operator every organisation and its day; of their business nothing is read."""
    with sessions.as_operator().read() as session:
        lines = [(one, _day_of(session, one)) for one in organizations(session)]
    return page(
        request,
        "app/administration_platform.html",
        title=Text("平台机构", "Organisations"),
        lines=lines,
        kind_words=KIND_WORDS,
    )


def _day_of(session: Session, organization: Organization) -> DayLine | None:
    """Give how far an organisation's day has come; None for the platform, which has no day to close."""
    if organization.kind is OrganizationKind.PLATFORM:
        return None
    steps = {step.name for step in steps_for(organization.kind)}
    runs = [run for run in job_runs_of(session, organization.id, organization.business_date) if run.job in steps]
    return DayLine(
        done_count=len(runs),
        step_count=len(steps),
        failure_count=sum(len(run.failures) for run in runs),
        is_closing=organization.day_state is DayState.CLOSING,
        finished_at=max((run.finished_at for run in runs), default=None),
    )


routes = [administration_home]
