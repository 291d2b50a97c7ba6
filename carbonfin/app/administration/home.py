"""The administrator's first screen, and the platform operator's: organisations with their days, no business."""

from datetime import datetime

from litestar import get
from litestar.response import Template

from carbonfin.app.administration.words import WORRYING, event_words
from carbonfin.app.approvals.kinds import APPROVAL_KINDS
from carbonfin.app.homes.figures import HomeFigure
from carbonfin.app.jobs.overview import steps_of_day
from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.kernel.dates import Clock, china_day
from carbonfin.storage.approvals import waiting_for
from carbonfin.storage.engine import Sessions
from carbonfin.storage.jobs import job_runs_of
from carbonfin.storage.parties import (
    Account,
    ApiKey,
    SecurityEvent,
    accounts_of,
    keys_of,
    organizations,
    security_events_of,
    standing_of,
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


@get("/administration", sync_to_thread=True)
def administration_home(request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """Show where an administrator begins: people, keys, what waits, what happened at the doors, and the day."""
    if actor.role is Role.OPERATOR:
        return _platform(request, sessions, actor, clock)
    now = clock.now()
    with sessions.read() as session:
        accounts, keys = accounts_of(session, actor), keys_of(session, actor.organization_id)
        events = security_events_of(session, actor.organization_id)
        waiting = waiting_for(session, actor, APPROVAL_KINDS)
        standing = standing_of(session, actor.organization_id, clock)
        steps = steps_of_day(session, actor, standing.business_date)
    return page(
        request,
        "app/administration.html",
        title=Text("管理", "Administration"),
        standing=standing,
        cards=home_cards(accounts, keys, events, waiting_count=len(waiting), at=now),
        steps=steps,
        events=events[:_EVENTS_SHOWN],
        event_words=event_words,
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


def _platform(request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """Show the operator every organisation and its day; of their business nothing is read."""
    with sessions.as_operator().read() as session:
        lines = [
            (one, standing_of(session, one.id, clock), len(job_runs_of(session, one.id, one.business_date)))
            for one in organizations(session)
        ]
        accounts = accounts_of(session, actor)
    return page(
        request,
        "app/administration_platform.html",
        title=Text("平台机构", "Organisations"),
        lines=lines,
        kind_words=KIND_WORDS,
        accounts=accounts,
    )


routes = [administration_home]
