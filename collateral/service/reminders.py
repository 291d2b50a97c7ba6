"""Reminders at 90, 60 and 30 days before units end or must be surrendered: told to officers once each."""

from collections.abc import Iterator, Sequence
from datetime import date

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.allowances import Unit
from carbonfin.storage.messages import InboxNotice, tell_all
from carbonfin.storage.parties import parties_of
from collateral.calc.pledge import IN_FORCE
from collateral.calc.reminders import Action, FreeUnits, pledge_actions, surrender_actions
from collateral.calc.surrender import SurrenderReminder, reminder_due
from collateral.service.headroom import latest_headrooms
from collateral.service.view import LAST_USABLE_DATE, DeskView, desk_view, standing_on
from collateral.store import daily

REMINDER_NOTICE = "collateral.reminder"
CARRY_OVER_BY = "collateral.carry_over_apply_by"


def tell_reminders(session: Session, actor: Actor, business_date: date) -> int:
    """Tell officers what falls due up to the business date, and give how many notices are new.

    A notice has the day it speaks of in its key: run again it changes nothing, and a day that was moved is told anew.
    """
    view = desk_view(session, standing_on(session, actor, business_date))
    running = daily.running_pledges(session, actor, IN_FORCE)
    names = {one.id: one.name for one in parties_of(session, actor)}
    notices = (
        *_of_pledges(session, actor, view, running, names),
        *_of_surrenders(session, actor, view, running, names),
    )
    return tell_all(session, actor.organization_id, notices, view.standing.known_at)


def _of_pledges(
    session: Session, actor: Actor, view: DeskView, running: Sequence[daily.RunningPledge], names: dict[str, str]
) -> Iterator[InboxNotice]:
    free = daily.free_units(session, actor)
    ends: dict[str, date | None] = {}

    def end_of(text: str) -> date | None:
        if text not in ends:
            known = view.find(LAST_USABLE_DATE, text)
            ends[text] = None if known is None else known.day
        return ends[text]

    for pledge in running:
        for text, quantity_t in pledge.units:
            last_usable = end_of(text)
            due = None if last_usable is None else reminder_due(
                surrender_date=last_usable, told_until=None, on=view.day
            )  # fmt: skip
            if due is None or last_usable is None:
                continue
            unit = Unit.parse(text)
            apply_by = view.find(CARRY_OVER_BY, unit.scheme)
            held = tuple(
                FreeUnits(unit=Unit.parse(one), free_t=free_t, last_usable=end_of(one))
                for one, free_t in free.get(pledge.pledgor_id, ())
                if Unit.parse(one).scheme is unit.scheme
            )
            actions = pledge_actions(
                unit=unit, quantity_t=quantity_t, last_usable=last_usable, free=held,
                apply_by=None if apply_by is None else apply_by.day, on=view.day,
            )  # fmt: skip
            yield _notice(
                actor, f"pledge:{pledge.id}:{text}", due, last_usable, actions, address=f"/pledges/{pledge.id}",
                title=(
                    f"质押 {pledge.code} 的 {text} 将到最后可用日",
                    f"Pledge {pledge.code}: {text} nears its last usable date",
                ),
                words=(
                    f"{names[pledge.pledgor_id]} 以 {text} {quantity_t:,} 吨出质",
                    f"{quantity_t:,} t of {text} are pledged by {names[pledge.pledgor_id]}",
                ),
            )  # fmt: skip


def _of_surrenders(
    session: Session, actor: Actor, view: DeskView, running: Sequence[daily.RunningPledge], names: dict[str, str]
) -> Iterator[InboxNotice]:
    for one in latest_headrooms(session, actor, standing=view.standing):
        due = reminder_due(surrender_date=one.surrender_date, told_until=None, on=view.day)
        if due is None:
            continue
        codes = tuple(
            pledge.code
            for pledge in running
            if pledge.pledgor_id == one.party_id
            and any(Unit.parse(text).scheme is one.scheme for text, _ in pledge.units)
        )
        year = f"{one.scheme} {one.compliance_year}"
        yield _notice(
            actor, f"party:{one.party_id}:{one.scheme}:{one.compliance_year}", due, one.surrender_date,
            surrender_actions(headroom_t=one.headroom_t, pledged_codes=codes), address=f"/compliance/{one.party_id}",
            title=(f"{names[one.party_id]} {year} 年度清缴临近", f"{names[one.party_id]}: surrender of {year} is near"),
            words=(f"履约余量 {one.headroom_t:,} 吨", f"headroom {one.headroom_t:,} t"),
        )  # fmt: skip


def _notice(
    actor: Actor, subject: str, due: SurrenderReminder, day: date, actions: tuple[Action, ...], *, address: str,
    title: tuple[str, str], words: tuple[str, str],
) -> InboxNotice:  # fmt: skip
    return InboxNotice(
        organization_id=actor.organization_id,
        key=f"reminder:{subject}:{day}:{due.days_before}",
        kind=REMINDER_NOTICE,
        subject=subject,
        title_zh=f"{title[0]}（提前 {due.days_before} 天）",
        title_en=f"{title[1]} ({due.days_before} days ahead)",
        text_zh=f"{words[0]}，期限 {day}。可办理：{'；'.join(one.zh for one in actions)}。",
        text_en=f"{words[1]}, by {day}. Possible: {'; '.join(one.en for one in actions)}.",
        address=address,
        role=Role.OFFICER,
        due_on=day,
    )
