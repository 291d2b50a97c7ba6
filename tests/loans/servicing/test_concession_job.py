"""The day's end stops a concession on overdue and brings it back, with compensating accruals by hand to the fen."""

from datetime import date
from decimal import Decimal

from carbonfin.storage.decisions import decisions_of, load_outcome
from carbonfin.storage.engine import Sessions
from carbonfin.storage.messages import inbox_of
from loans import jobs
from loans.calc.servicing.concession_stops import CONCESSION_STOP_KIND
from loans.calc.servicing.concession_turns import ConcessionTurn
from tests.loans.facility_samples import contract_of, put_in_force
from tests.loans.servicing.rate_worlds import NOTE, STOPS, RateWorld, rate_world

JULY, AUGUST = date(2025, 7, 21), date(2025, 8, 21)


def rates_of(world: RateWorld) -> list[tuple[date, Decimal]]:
    changes = world.view().line.note.rate_changes
    return [(one.start, one.rate) for one in changes[-1].spells] if changes else []


def test_it_stops_on_the_31st_day_and_compensates_from_the_day_it_was_due(sessions: Sessions) -> None:
    """21 July to 21 August, 31 days: at 3.40 % 29,277.78, booked at 3.29 % 28,330.56; 947.22 are booked on top."""
    with sessions.begin() as session:
        world = rate_world(session, **STOPS)
        world.roll(date(2025, 8, 20))
        assert (world.stop().done_count, rates_of(world)) == (0, [])
        world.roll(AUGUST)
        assert (world.stop().done_count, world.stop().done_count) == (1, 0), "a second run for the day adds nothing"
        assert rates_of(world) == [(JULY, Decimal("0.0340"))]
        (turn,) = world.view().turns
        assert (turn.turn, turn.effective_on, turn.known_from) == (ConcessionTurn.STOPPED, JULY, AUGUST)
        assert (turn.rate_before, turn.rate_after) == (Decimal("0.0329"), Decimal("0.0340"))
        assert (turn.compensation_cny, turn.change_number) == (Decimal("947.22"), 1)
        rows = {row.start: row for row in world.view().rows}
        assert rows[JULY].interest_cny == Decimal("28330.56"), "what was booked stays as it was booked"
        # 21 August to 21 September, 31 days at 3.40 %: 29,277.78, and the 947.22.
        assert rows[AUGUST].interest_cny == Decimal("30225.00")
        kept = decisions_of(session, world.bank.officer, subject=f"loan_note:{NOTE}", kind="loans.concession_stop")
        assert [one.id for one in kept] == [turn.decision_id]
        outcome = load_outcome(session, world.bank.officer, CONCESSION_STOP_KIND, turn.decision_id)
        assert outcome.stops == turn.stops
        assert any("利率优惠停止通知书" in one.title_zh for one in inbox_of(session, world.bank.officer))


def test_it_comes_back_from_the_day_the_arrears_are_paid(sessions: Sessions) -> None:
    """On 25 August both payments are paid; 25 August to 21 September, 27 days, run at 3.29 % again.

    21 to 25 August, 4 days at 3.40 %: 3,777.78; 27 days at 3.29 %: 24,675.00; and the compensation of 947.22.
    """
    with sessions.begin() as session:
        world = rate_world(session, **STOPS)
        world.roll(AUGUST)
        world.stop()
        world.roll(date(2025, 8, 25))
        world.pay(str(world.view().line.standing.due_cny))
        assert world.stop().done_count == 1
        assert world.stop().done_count == 0
        last = world.view().turns[-1]
        assert (last.turn, last.effective_on) == (ConcessionTurn.RETURNED, date(2025, 8, 25))
        assert (last.rate_before, last.rate_after, last.compensation_cny) == (
            Decimal("0.0340"), Decimal("0.0329"), Decimal("0.00"),
        )  # fmt: skip
        interest = [row.interest_cny for row in world.view().rows if row.payment_date == date(2025, 9, 22)]
        assert sum(interest) == Decimal("3777.78") + Decimal("24675.00") + Decimal("947.22")


def test_a_receipt_of_an_earlier_day_puts_the_stop_right(sqlite_sessions: Sessions) -> None:
    """Stopped on 21 August; on the 22nd the receipts of 20 August are entered: it was 30 days late and never stopped.

    Booked on top on the 21st: 947.22. Days from the 21st on are booked at 3.40 %; on the 22nd the change back takes
    that one day: 944.44 at 3.40 % less 913.89 at 3.29 %, 30.55, and the 947.22: -977.77.
    """
    with sqlite_sessions.begin() as session:
        world = rate_world(session, **STOPS)
        world.roll(AUGUST)
        world.stop()
        world.roll(date(2025, 8, 22))
        # 19,191.67, and compound interest of 30 days: 19,191.67 x 0.0329 x 1.5 x 30 / 360 = 78.93.
        world.pay("19270.60", paid_on=date(2025, 8, 20))
        assert world.stop().done_count == 1
        last = world.view().turns[-1]
        assert (last.turn, last.effective_on, last.stops) == (ConcessionTurn.RETURNED, JULY, ())
        assert last.compensation_cny == Decimal("-977.77")
        assert world.view().line.note.rate_on(AUGUST) == Decimal("0.0329")


def test_a_contract_that_says_nothing_stops_nothing_until_it_is_amended(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        world = rate_world(session)
        world.roll(date(2025, 9, 1))
        assert (world.stop().done_count, rates_of(world)) == (0, [])
        amended = contract_of(valid_from="2025-09-01", **{**STOPS, "concession_stops_from": "exceeded"})
        put_in_force(session, world.bank.officer, world.bank.checker, world.standing, amended)
        assert world.stop().done_count == 1
        assert rates_of(world) == [(date(2025, 9, 1), Decimal("0.0340"))], "42 days late on the clause's first day"


def test_the_accrual_of_the_day_has_the_compensation(sqlite_sessions: Sessions) -> None:
    """On 22 August accrued since 30 June: 19,191.67 + 28,330.56 + one day at 3.40 %, 944.44, + 947.22."""
    with sqlite_sessions.begin() as session:
        world = rate_world(session, **STOPS)
        world.roll(AUGUST)
        world.stop()
        world.roll(date(2025, 8, 22))
        world.stop()
        jobs.accrue_interest(session, world.bank.officer, world.today)
        owed = world.view().line.standing
        assert owed.interest_due_cny + owed.accrued_cny == Decimal("49413.89")
