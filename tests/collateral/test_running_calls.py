"""Margin calls by the clock of their agreement, in Shenzhen, London and New York, and under random events."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from carbonfin.kernel.dates import Calendar
from carbonfin.kernel.errors import Conflict, InvalidInput, MissingData
from carbonfin.kernel.units import Currency, Money
from collateral.calc import running_calls as calls
from collateral.calc.call_timing import CallTiming, grace_end, resolution_deadline, transfer_deadline
from collateral.calc.lifecycles import MARGIN_CALL
from collateral.calc.margin import MarginMovement
from collateral.calc.running_calls import RunningCall

CHINA, LONDON, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/London"), ZoneInfo("America/New_York")


def calendar(name: str, *holidays: date) -> Calendar:
    return Calendar(
        name=name, holidays=frozenset(holidays), make_up_workdays=frozenset(), known_until=date(2025, 12, 31),
        works_make_up_days=False,
    )  # fmt: skip


MAINLAND = calendar("mainland", *(date(2025, 10, day) for day in range(1, 9)))
HONG_KONG = calendar("Hong Kong", date(2025, 10, 1), date(2025, 10, 7))
TIMING = CallTiming(
    zone=CHINA,
    calendars=(MAINLAND,),
    notification_time=time(10),
    transfer_time=time(17),
    resolution_time=time(13),
    days_on_time=1,
    days_late=2,
    resolution_days=1,
    grace_days=2,
)
MONDAY_NINE = datetime(2025, 6, 30, 9, tzinfo=CHINA)


def cny(amount: int) -> Money:
    return Money(amount * 100, Currency.CNY)


def new_call(amount: int = 1000) -> RunningCall:
    movement = MarginMovement(credit_support=cny(amount), shortfall=cny(amount), delivery=cny(amount), returned=cny(0))
    return calls.calculated_call(movement)


def issued_call(amount: int = 1000) -> RunningCall:
    return calls.issued(new_call(amount), TIMING, at=MONDAY_NINE)


@pytest.mark.parametrize(
    ("at", "deadline"),
    [
        (datetime(2025, 6, 30, 10, tzinfo=CHINA), datetime(2025, 7, 1, 17, tzinfo=CHINA)),
        (datetime(2025, 6, 30, 10, 0, 1, tzinfo=CHINA), datetime(2025, 7, 2, 17, tzinfo=CHINA)),
        (datetime(2025, 6, 28, 9, tzinfo=CHINA), datetime(2025, 7, 1, 17, tzinfo=CHINA)),
        (datetime(2025, 9, 30, 9, tzinfo=CHINA), datetime(2025, 10, 9, 17, tzinfo=CHINA)),
        (datetime(2025, 9, 30, 3, tzinfo=UTC), datetime(2025, 10, 10, 17, tzinfo=CHINA)),
    ],
)
def test_the_hour_decides_the_day(at: datetime, deadline: datetime) -> None:
    """In time: the next business day; after the hour or on a closed day: the second; the October week is closed."""
    assert transfer_deadline(TIMING, at) == deadline


def test_a_day_is_open_where_every_calendar_is() -> None:
    both = replace(TIMING, calendars=(calendar("plain"), HONG_KONG))
    assert transfer_deadline(both, datetime(2025, 9, 30, 9, tzinfo=CHINA)) == datetime(2025, 10, 2, 17, tzinfo=CHINA)
    assert transfer_deadline(both, datetime(2025, 10, 6, 9, tzinfo=CHINA)) == datetime(2025, 10, 8, 17, tzinfo=CHINA)
    with pytest.raises(MissingData, match="known until"):
        transfer_deadline(TIMING, datetime(2025, 12, 31, 9, tzinfo=CHINA))


def test_hours_follow_the_zone_through_summer_time() -> None:
    """10:00 in London is 09:00 UTC in June and 10:00 UTC in December; New York's clocks change on 9 March 2025."""
    london = replace(TIMING, zone=LONDON, calendars=(calendar("London"),))
    assert transfer_deadline(london, datetime(2025, 6, 30, 9, tzinfo=UTC)) == datetime(2025, 7, 1, 16, tzinfo=UTC)
    assert transfer_deadline(london, datetime(2025, 6, 30, 9, 1, tzinfo=UTC)) == datetime(2025, 7, 2, 16, tzinfo=UTC)
    assert transfer_deadline(london, datetime(2025, 12, 1, 10, tzinfo=UTC)) == datetime(2025, 12, 2, 17, tzinfo=UTC)
    york = replace(TIMING, zone=NEW_YORK, calendars=(calendar("New York"),))
    assert transfer_deadline(york, datetime(2025, 3, 7, 15, tzinfo=UTC)) == datetime(2025, 3, 10, 21, tzinfo=UTC)


def test_resolution_and_grace_are_counted_in_business_days() -> None:
    assert resolution_deadline(TIMING, datetime(2025, 9, 30, 16, tzinfo=CHINA)) == datetime(
        2025, 10, 9, 13, tzinfo=CHINA
    )
    assert grace_end(TIMING, datetime(2025, 7, 3, 17, tzinfo=CHINA)) == datetime(2025, 7, 7, 17, tzinfo=CHINA)


def test_a_call_agreed_in_full_settles() -> None:
    call = calls.sent(calls.agreed(issued_call()))
    part = calls.confirmed(call, cny(400), at=MONDAY_NINE)
    assert (part.state, part.outstanding) == ("IN_TRANSIT", cny(600))
    assert calls.confirmed(part, cny(600), at=MONDAY_NINE).state == "SETTLED"


def test_the_undisputed_part_moves_while_the_rest_is_recalculated() -> None:
    undisputed, contested = calls.partly_agreed(issued_call(), cny(700), TIMING, at=MONDAY_NINE)
    assert (undisputed.state, undisputed.amount) == ("PARTIALLY_AGREED", cny(700))
    assert (contested.state, contested.amount) == ("DISPUTED", cny(300))
    assert contested.resolution_at == datetime(2025, 7, 1, 13, tzinfo=CHINA)
    assert calls.confirmed(calls.sent(undisputed), cny(700), at=MONDAY_NINE).state == "SETTLED"
    later = datetime(2025, 7, 1, 13, tzinfo=CHINA)
    recalculated = calls.accepted(calls.resolved(contested, cny(250)), TIMING, at=later)
    assert (recalculated.state, recalculated.outstanding) == ("AGREED", cny(250))
    assert recalculated.deadline_at == datetime(2025, 7, 3, 17, tzinfo=CHINA)
    nothing = calls.sent(calls.accepted(calls.resolved(contested, cny(0)), TIMING, at=later))
    assert calls.confirmed(nothing, cny(0), at=later).state == "SETTLED"
    for whole in (cny(0), cny(1000)):
        with pytest.raises(InvalidInput, match="no part"):
            calls.partly_agreed(issued_call(), whole, TIMING, at=MONDAY_NINE)


def test_money_received_before_a_dispute_is_kept_once() -> None:
    early = calls.confirmed(issued_call(), cny(800), at=MONDAY_NINE)
    undisputed, contested = calls.partly_agreed(early, cny(700), TIMING, at=MONDAY_NINE)
    assert (undisputed.outstanding, contested.outstanding) == (cny(0), cny(200))


def test_a_call_expires_after_its_deadline_cures_in_grace_and_defaults_after_it() -> None:
    call = issued_call()
    deadline, grace = datetime(2025, 7, 1, 17, tzinfo=CHINA), datetime(2025, 7, 3, 17, tzinfo=CHINA)
    with pytest.raises(Conflict, match="may be met until"):
        calls.expired(call, TIMING, at=deadline)
    late = calls.expired(call, TIMING, at=deadline + timedelta(seconds=1))
    assert (late.state, late.grace_end_at) == ("EXPIRED", grace)
    with pytest.raises(Conflict, match="grace used"):
        calls.defaulted(late, at=grace)
    part = calls.confirmed(late, cny(999), at=grace)
    assert (part.state, part.outstanding) == ("EXPIRED", cny(1))
    assert calls.confirmed(part, cny(1), at=grace).state == "SETTLED"
    after = grace + timedelta(seconds=1)
    assert calls.defaulted(part, at=after).state == "DEFAULT"
    paid_late = calls.confirmed(part, cny(1), at=after)
    assert paid_late.state == "EXPIRED"
    with pytest.raises(Conflict):
        calls.defaulted(paid_late, at=after)
    assert calls.confirmed(calls.extended(paid_late, until=after), cny(0), at=after).state == "SETTLED"
    with pytest.raises(Conflict, match="already runs"):
        calls.extended(part, until=grace)
    with pytest.raises(Conflict, match="only an expired call"):
        calls.extended(call, until=grace)


def test_below_the_minimum_a_call_is_dropped_and_never_issued() -> None:
    assert calls.dropped(new_call(0)).state == "BELOW_MTA"
    with pytest.raises(Conflict, match="is due"):
        calls.dropped(new_call())
    for step in (calls.announced, lambda call: calls.issued(call, TIMING, at=MONDAY_NINE)):
        with pytest.raises(Conflict, match="nothing is due"):
            step(new_call(0))


def test_after_the_hour_a_call_is_announced_first() -> None:
    evening = MONDAY_NINE + timedelta(hours=9)
    with pytest.raises(Conflict, match="notification time"):
        calls.issued(new_call(), TIMING, at=evening)
    announced = calls.issued(calls.announced(new_call()), TIMING, at=evening)
    assert announced.deadline_at == datetime(2025, 7, 2, 17, tzinfo=CHINA)


def test_what_live_calls_await_makes_no_second_call() -> None:
    undisputed, contested = calls.partly_agreed(issued_call(), cny(700), TIMING, at=MONDAY_NINE)
    part = calls.confirmed(calls.sent(undisputed), cny(100), at=MONDAY_NINE)
    assert calls.awaited([part, contested, calls.retracted(issued_call()), new_call()], Currency.CNY) == cny(900)


STEPS: dict[str, Callable[[RunningCall, datetime], RunningCall]] = {
    "amount<MTA": lambda call, _: calls.dropped(replace(call, amount=cny(0))),
    "notify": lambda call, _: calls.announced(call),
    "issue before notification time": lambda call, _: calls.issued(call, TIMING, at=MONDAY_NINE),
    "issue": lambda call, _: calls.issued(call, TIMING, at=MONDAY_NINE),
    "agree in full": lambda call, _: calls.agreed(call),
    "agree part": lambda call, at: calls.partly_agreed(call, cny(1), TIMING, at=at)[0],
    "dispute": lambda call, at: calls.disputed(call, TIMING, at=at),
    "retract": lambda call, _: calls.retracted(call),
    "undisputed part moves now": lambda call, _: calls.sent(call),
    "pledge assets": lambda call, _: calls.sent(call),
    "resolution time: recalculate": lambda call, _: calls.resolved(call, cny(900)),
    "amount": lambda call, at: calls.accepted(call, TIMING, at=at),
    "confirmed": lambda call, at: calls.confirmed(call, cny(1000), at=at),
    "rejected": lambda call, _: calls.rejected(call),
    "re-instruct": lambda call, _: calls.resent(call),
    "no answer by deadline": lambda call, at: calls.expired(call, TIMING, at=at + timedelta(days=30)),
    "not settled by deadline": lambda call, at: calls.expired(call, TIMING, at=at + timedelta(days=30)),
    "deadline": lambda call, at: calls.expired(call, TIMING, at=at + timedelta(days=30)),
    "grace used": lambda call, at: calls.defaulted(call, at=at + timedelta(days=60)),
    "cured in grace": lambda call, at: calls.confirmed(call, cny(1000), at=at),
}


def standing_in(state: str) -> RunningCall:
    at = MONDAY_NINE
    return RunningCall(
        state=state, amount=cny(1000), received=cny(0), deadline_at=at + timedelta(days=1), resolution_at=at,
        grace_end_at=at + timedelta(days=3),
    )  # fmt: skip


def test_every_edge_is_taken_by_a_step() -> None:
    assert set(STEPS) == {event for _, event, _ in MARGIN_CALL.edges}
    for start, event, end in MARGIN_CALL.edges:
        assert STEPS[event](standing_in(start), MONDAY_NINE).state == end, (start, event)


SAME_STEP = (
    {"issue", "issue before notification time"},
    {"undisputed part moves now", "pledge assets"},
    {"no answer by deadline", "not settled by deadline", "deadline"},
)


def test_every_other_pair_is_refused() -> None:
    """One step stands for several events: it is refused where none of them is an edge."""
    refused = 0
    for state, event in product(MARGIN_CALL.states, STEPS):
        events = next((group for group in SAME_STEP if event in group), {event})
        if events & set(MARGIN_CALL.events_from(state)):
            continue
        call = standing_in(state)
        if event in {"confirmed", "cured in grace"} and state in calls.LIVE:
            held = STEPS[event](call, MONDAY_NINE)  # a top-up is always accepted; it moves the state by an edge only
            assert held.state in {state, *(end for start, _, end in MARGIN_CALL.edges if start == state)}
            continue
        with pytest.raises(Conflict):
            STEPS[event](call, MONDAY_NINE)
        refused += 1
    # 14 states x 20 events; edges by step: 2x2 issue, 2x2 send, 4x3 expire, 13 others; 8 live states x 2 receipts - 2.
    assert refused == 14 * 20 - (4 + 4 + 12 + 13) - 14


class CallsUnderRandomEvents(RuleBasedStateMachine):
    """Any events at any hours: what is called stays called, received or recalculated, and states move by edges."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[RunningCall] = []
        self.paid = 0
        self.now = MONDAY_NINE

    @initialize(amount=st.integers(1, 10**6))
    def begin(self, amount: int) -> None:
        self.calls = [issued_call(amount)]

    @rule(hours=st.integers(0, 40), place=st.integers(0, 9), event=st.sampled_from(sorted(STEPS)))
    def step(self, hours: int, place: int, event: str) -> None:
        self.now = min(self.now + timedelta(hours=hours), datetime(2025, 11, 1, tzinfo=UTC))
        place %= len(self.calls)
        before = self.calls[place]
        try:
            if event == "agree part":
                self.calls[place : place + 1] = calls.partly_agreed(before, cny(1), TIMING, at=self.now)
                assert self.calls[place].amount + self.calls[place + 1].amount == before.amount
                return
            after = STEPS[event](before, self.now)
        except (Conflict, InvalidInput):
            assert self.calls[place] == before
            return
        if event in {"confirmed", "cured in grace"}:
            self.paid += 1000 * 100
        assert after.state == before.state or any(
            (before.state, after.state) == (start, end) for start, _, end in MARGIN_CALL.edges
        )
        self.calls[place] = after

    @invariant()
    def money_is_kept(self) -> None:
        assert sum(call.received.minor for call in self.calls) == self.paid
        for call in self.calls:
            assert call.state != "SETTLED" or not call.outstanding.minor
            assert call.state != "DEFAULT" or call.outstanding.minor


TestCallsUnderRandomEvents = CallsUnderRandomEvents.TestCase
TestCallsUnderRandomEvents.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
