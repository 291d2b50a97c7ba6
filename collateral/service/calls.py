"""Margin calls of the day: issued below the warning line, retracted when coverage recovers, expired at the deadline."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Calendar
from carbonfin.kernel.units import Currency, Money
from carbonfin.storage.keyset import Place, Slice
from carbonfin.storage.parties import Standing
from carbonfin.storage.rows import new_ids
from collateral.calc.agreed_terms import AgreedTerms, unagreed_terms
from collateral.calc.agreements import CallEvent, MarginCall
from collateral.calc.call_timing import is_notified_in_time
from collateral.calc.coverage_rules import CoverageLevel
from collateral.calc.running_calls import RunningCall, announced, expired, issued, retracted
from collateral.service.call_notices import tell_calls
from collateral.service.call_rows import said_by_run, write_calls
from collateral.service.call_steps import keep_step, running_of
from collateral.service.margin_terms import calendars_known, timing_of
from collateral.service.pledges import take_step
from collateral.service.view import CURE_DAYS, DeskView, desk_view, standing_on
from collateral.store import daily, margin, pledges
from collateral.store.valuations import top_ups_of_json

_DIRECTIONS = ("delivery", "return")
CALLABLE = frozenset({"DRAWN", "MARGIN_CALLED"})
"""States in which coverage moves a pledge."""
_EXPIRING = {
    "ISSUED": "no answer by deadline",
    "AGREED": "not settled by deadline",
    "FAILED": "deadline",
    "IN_TRANSIT": "deadline",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedUnder:
    """How a call made at an instant under some terms begins: its first steps, and until when it must be met."""

    terms: AgreedTerms
    steps: tuple[tuple[str, str, str], ...]
    deadline_at: datetime
    deadline: date


def issue_calls(session: Session, actor: Actor, business_date: date) -> tuple[str, ...]:
    """Move each pledge by its coverage of the business date and give the agreements called; again, nothing moves.

    DRAWN below the warning line is called; MARGIN_CALLED is called for more where the gap grew beyond what is in
    transit, is cured at or above the initial line, and expires past its deadline. Margin held beyond what is due is
    called back to the pledgor. Coverage of an older date moves nothing. Reads and writes are a fixed number of
    statements; only cures and expiries go one by one.
    """
    view = desk_view(session, standing_on(session, actor, business_date))
    return move_by_coverage(session, actor, view, daily.running_pledges(session, actor, CALLABLE))


def move_by_coverage(
    session: Session, actor: Actor, view: DeskView, running: tuple[daily.RunningPledge, ...]
) -> tuple[str, ...]:
    """Move these pledges by their coverage of the view's date, and give the agreements called."""
    standing = view.standing
    coverages = daily.coverages_of_day(session, actor, view.day)
    live: dict[str, list[MarginCall]] = {}
    for call in margin.live_calls(session, actor):
        live.setdefault(call.agreement_code, []).append(call)
    in_force = margin.shared_terms_in_force(session, actor, on=view.day)
    batch = _Batch(
        session=session,
        actor=actor,
        view=view,
        called=daily.called_on(session, actor, view.day),
        past=frozenset(code for code, calls in live.items() if any(is_past(call, standing) for call in calls)),
        calendars=calendars_known(session, standing.known_at),
        ids=new_ids(len(_DIRECTIONS) * len(running)),
        terms={one.id: one.terms for one in in_force.values()},
    )
    for pledge in running:
        row = coverages.get(pledge.id)
        if row is not None:
            batch.add(pledge, row)
    batch.write()
    _follow_up(session, actor, running, coverages, live=live, standing=standing)
    return tuple(pledge.code for pledge, _, _ in batch.made)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """The calls of one day, collected and then written together."""

    session: Session
    actor: Actor
    view: DeskView
    called: set[tuple[str, str]]
    past: frozenset[str]
    calendars: Mapping[str, Calendar]
    ids: Sequence[str]
    terms: dict[str, AgreedTerms] = field(default_factory=dict)
    begun_by_hours: dict[Hashable, IssuedUnder] = field(default_factory=dict)
    begun: dict[str | None, IssuedUnder] = field(default_factory=dict)
    made: list[tuple[daily.RunningPledge, MarginCall, Mapping[str, Any]]] = field(default_factory=list)

    def add(self, pledge: daily.RunningPledge, row: Mapping[str, Any]) -> None:
        """Collect the call of one agreement, unless its day has one or an earlier one was not met in time."""
        delivery_cny = None if pledge.code in self.past else row["delivery_cny"]
        amounts = dict(zip(_DIRECTIONS, (delivery_cny, row["return_cny"]), strict=True))
        for direction, amount in amounts.items():
            if not amount or (pledge.code, direction) in self.called:
                continue
            begun = self._begun(row["terms_id"])
            call = MarginCall(
                id=self.ids[len(self.made)], agreement_code=pledge.code, state=begun.steps[-1][2],
                issued_on=self.view.day,
                deadline=begun.deadline, currency="CNY", cash_amount=amount,
                top_ups=top_ups_of_json(row["top_ups"]) if direction == "delivery" else (),
                decision_id=row["decision_id"], closed_on=None,
                part=sum((pledge.code, one) in self.called for one in amounts), direction=direction,
                deadline_at=begun.deadline_at, terms_id=row["terms_id"],
            )  # fmt: skip
            self.made.append((pledge, call, row))

    def write(self) -> None:
        """Write the calls with their first steps, move the pledges called, and tell people and systems."""
        write_calls(
            self.session, self.actor, self.view, [(call, self._begun(call.terms_id).steps) for _, call, _ in self.made]
        )
        breached = [
            (pledge, call, row)
            for pledge, call, row in self.made
            if pledge.state == "DRAWN" and call.direction == "delivery"
        ]
        ids = [pledge.id for pledge, _, _ in breached]
        moved = daily.move_pledges(self.session, self.actor, ids, before="DRAWN", after="MARGIN_CALLED")
        assert moved == len(ids), "a pledge was moved by another transaction; this one is taken back and tried again"
        places = daily.pledge_event_places(self.session, self.actor) if breached else {}
        daily.add_pledge_events(
            self.session,
            [
                self._breach(event_id, *one, place=places.get(one[0].id, 0))
                for event_id, one in zip(new_ids(len(breached)), breached, strict=True)
            ],
            of_all={
                **said_by_run(self.actor, self.view),
                "event": "breach",
                "state_before": "DRAWN",
                "state_after": "MARGIN_CALLED",
            },
        )
        told = [(call, f"pledge:{pledge.id}") for pledge, call, _ in self.made]
        tell_calls(self.session, self.actor, told, at=self.view.standing.known_at, is_first=True)

    def _begun(self, terms_id: str | None) -> IssuedUnder:
        found = self.begun.get(terms_id)
        if found is None:
            terms = self.terms.get(terms_id or "") or unagreed_of(self.view)
            hours = terms.hours
            found = self.begun_by_hours.get(hours)
            if found is None:
                found = begin_call(self.calendars, terms, at=self.view.standing.known_at)
                self.begun_by_hours[hours] = found
            self.begun[terms_id] = found
        return found

    @staticmethod
    def _breach(
        event_id: str, pledge: daily.RunningPledge, call: MarginCall, row: Mapping[str, Any], *, place: int
    ) -> dict[str, Any]:
        return {
            "id": event_id,
            "pledge_id": pledge.id,
            "place": place,
            "cause": f"担保覆盖率 {row['coverage_ratio']:.4f} 低于预警线 {row['warning_ratio']:.2f}，"
            f"限 {call.deadline} 前补足",
            "decision_id": call.decision_id,
        }


def unagreed_of(view: DeskView, *, kind: str = "pledge", currency: Currency = Currency.CNY) -> AgreedTerms:
    """Give the terms of an agreement that has none of its own, on the view's day.

    Raises:
        MissingData: The bank's cure days are not entered.
    """
    return unagreed_terms(
        "repo" if kind == "repo" else "pledge", "-", currency=currency, minimum_transfer=Decimal("0.00"),
        cure_days=view.on(CURE_DAYS).integer, valid_from=view.day,
    )  # fmt: skip


def begin_call(calendars: Mapping[str, Calendar], terms: AgreedTerms, *, at: datetime) -> IssuedUnder:
    """Take a call from calculation to issue at an instant: announced first where it is past the notification time.

    Raises:
        MissingData: The calendar's notices do not reach the deadline; the day is not guessed.
    """
    timing = terms.timing(calendars)
    cent = Money(1, terms.currency)
    call = RunningCall(state="CALCULATED", amount=cent, received=Money(0, terms.currency))
    steps = []
    if not is_notified_in_time(timing, at):
        steps.append(("notify", "CALCULATED", "EXPECTED"))
        call = announced(call)
    after = issued(call, timing, at=at)
    steps.append((_issue_event(call.state), call.state, after.state))
    assert after.deadline_at is not None
    return IssuedUnder(
        terms=terms, steps=tuple(steps), deadline_at=after.deadline_at,
        deadline=timing.local(after.deadline_at).date(),
    )  # fmt: skip


def _issue_event(state: str) -> str:
    return "issue" if state == "EXPECTED" else "issue before notification time"


def _follow_up(
    session: Session,
    actor: Actor,
    running: tuple[daily.RunningPledge, ...],
    coverages: Mapping[str, Mapping[str, Any]],
    *,
    live: Mapping[str, list[MarginCall]],
    standing: Standing,
) -> None:
    for seen in running:
        row = coverages.get(seen.id)
        if row is None or seen.state != "MARGIN_CALLED":
            continue
        calls = [call for call in live.get(seen.code, []) if call.direction == "delivery"]
        if row["level"] == CoverageLevel.COVERED:
            _cured(session, actor, seen.id, calls, row=row, standing=standing)
        elif any(is_past(call, standing) for call in calls):
            _expired(session, actor, seen.id, calls, row=row, standing=standing)


def _cured(
    session: Session,
    actor: Actor,
    pledge_id: str,
    calls: list[MarginCall],
    *,
    row: Mapping[str, Any],
    standing: Standing,
) -> None:
    cause = f"担保覆盖率恢复至 {row['coverage_ratio']:.4f}"
    for seen in calls:
        call = margin.load_call(session, actor, seen.id, lock=True)
        if call.state == "ISSUED":
            after = retracted(running_of(call))
            keep_step(
                session, actor, call, after, event="retract", cause=cause, agreement=f"pledge:{pledge_id}",
                standing=standing,
            )  # fmt: skip
    pledge = pledges.load_pledge(session, actor, pledge_id, lock=True)
    take_step(session, actor, pledge, "cured", standing=standing, cause=cause, decision_id=row["decision_id"])


def _expired(
    session: Session,
    actor: Actor,
    pledge_id: str,
    calls: list[MarginCall],
    *,
    row: Mapping[str, Any],
    standing: Standing,
) -> None:
    past = [call for call in calls if is_past(call, standing)]
    for seen in past:
        expire_call(session, actor, seen.id, agreement=f"pledge:{pledge_id}", standing=standing)
    pledge = pledges.load_pledge(session, actor, pledge_id, lock=True)
    until = max(call.deadline for call in past if call.deadline is not None)
    take_step(
        session, actor, pledge, "deadline", standing=standing, cause=f"截至 {until} 未补足",
        decision_id=row["decision_id"],
    )  # fmt: skip


def is_past(call: MarginCall, standing: Standing) -> bool:
    """Tell whether a call could still be met and its deadline has passed."""
    deadline_at = running_of(call).deadline_at
    return call.state in _EXPIRING and deadline_at is not None and deadline_at < standing.known_at


def expire_call(session: Session, actor: Actor, call_id: str, *, agreement: str, standing: Standing) -> MarginCall:
    """Expire a call whose deadline has passed, and begin its grace.

    Raises:
        Conflict: The state does not expire, or the deadline has not passed.
    """
    call = margin.load_call(session, actor, call_id, lock=True)
    terms = terms_of_call(session, actor, call, standing)
    after = expired(running_of(call), timing_of(session, terms, standing.known_at), at=standing.known_at)
    return keep_step(
        session, actor, call, after, event=_EXPIRING[call.state], cause=f"截至 {call.deadline} 未补足",
        agreement=agreement, standing=standing,
    )  # fmt: skip


def terms_of_call(session: Session, actor: Actor, call: MarginCall, standing: Standing) -> AgreedTerms:
    """Give the terms a call was made under: those that were in force then, not those of today."""
    for one in margin.terms_of(session, actor, call.agreement_code):
        if one.id == call.terms_id:
            return one.terms
    return unagreed_of(desk_view(session, standing), currency=Currency(call.currency))


def load_call(session: Session, actor: Actor, call_id: str) -> MarginCall:
    """Give a call of the actor's organisation.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    return margin.load_call(session, actor, call_id)


def call_page(session: Session, actor: Actor, place: Place, *, live_only: bool = False) -> Slice[MarginCall]:
    """Give a page of calls, the newest first; of all, or of those still awaited."""
    return margin.call_page(session, actor, place, live_only=live_only)


def timeline_of_call(session: Session, actor: Actor, call_id: str) -> tuple[CallEvent, ...]:
    """Give the steps of a call."""
    return margin.events_of_call(session, actor, call_id)


def live_calls(session: Session, actor: Actor, *, agreement_code: str | None = None) -> tuple[MarginCall, ...]:
    """Give the calls that stand open, the earliest deadline first."""
    return margin.live_calls(session, actor, agreement_code=agreement_code)
