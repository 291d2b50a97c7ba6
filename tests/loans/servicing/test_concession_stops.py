"""A concession that stops on overdue: by the contract's days, from its day, and back as it says; all days by hand."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from carbonfin.kernel.errors import InvalidInput
from loans.calc.facilities import ConcessionClause, Returns, StopsFrom
from loans.calc.linked.rate_lines import BaseRate
from loans.calc.servicing.concession_stops import AgreedClause, ConcessionStopInputs, decide_concession_stops
from loans.calc.servicing.concession_turns import ConcessionTurn, turn_of
from loans.calc.servicing.missed import MissedPayment
from loans.calc.servicing.unlinked_rates import ConcessionStop, DecidedRate, base_rates
from tests.loans.facility_samples import contract_of

JULY, AUGUST = date(2025, 7, 21), date(2025, 8, 21)
STARTS = tuple(date(2025, month, 21) for month in range(7, 13))
CLAUSE = ConcessionClause(days=30, stops_from=StopsFrom.DUE_DAY, returns=Returns.PAID)


def inputs(*missed: MissedPayment, on: date, clause: ConcessionClause | None = CLAUSE) -> ConcessionStopInputs:
    agreed = AgreedClause(revision=1, valid_from=date(2025, 6, 30), document="借款合同(示例)", clause=clause)
    return ConcessionStopInputs(
        note_code="JJ-1", contract_number="HT-1", agreed=(agreed,), missed=missed, period_starts=STARTS,
        maturity_date=date(2025, 12, 31), on=on,
    )  # fmt: skip


def owed(due_on: date, cleared_on: date | None = None) -> MissedPayment:
    return MissedPayment(due_on=due_on, cleared_on=cleared_on)


def days(given: ConcessionStopInputs) -> list[tuple[date, date | None]]:
    return [(one.start, one.end) for one in decide_concession_stops(given).stops]


def test_the_days_of_the_contract_have_to_be_exceeded() -> None:
    """21 July + 30 days is 20 August: in time still; on the 21st it is 31 days late and stops from 21 July."""
    assert days(inputs(owed(JULY), on=date(2025, 8, 20))) == []
    assert days(inputs(owed(JULY), on=date(2025, 8, 21))) == [(JULY, None)]


@pytest.mark.parametrize(
    ("stops_from", "start"),
    [
        (StopsFrom.DUE_DAY, JULY), (StopsFrom.EXCEEDED, date(2025, 8, 21)),
        (StopsFrom.NEXT_PERIOD, date(2025, 8, 21)),
    ],
)  # fmt: skip
def test_it_stops_from_the_day_the_contract_says(stops_from: StopsFrom, start: date) -> None:
    given = inputs(owed(JULY), on=date(2025, 9, 1), clause=replace(CLAUSE, stops_from=stops_from))
    assert days(given) == [(start, None)]
    sooner = replace(given.agreed[0], clause=replace(CLAUSE, days=10, stops_from=stops_from))
    # 11 days late on 1 August; the next interest period begins on 21 August.
    starts = {StopsFrom.DUE_DAY: JULY, StopsFrom.EXCEEDED: date(2025, 8, 1), StopsFrom.NEXT_PERIOD: AUGUST}
    assert days(replace(given, agreed=(sooner,))) == [(starts[stops_from], None)]


@pytest.mark.parametrize(
    ("returns", "end"),
    [(Returns.NEVER, None), (Returns.PAID, date(2025, 8, 25)), (Returns.NEXT_PERIOD, date(2025, 9, 21))],
)
def test_it_comes_back_as_the_contract_says(returns: Returns, end: date | None) -> None:
    given = inputs(
        owed(JULY, date(2025, 8, 25)), on=date(2025, 8, 25), clause=replace(CLAUSE, returns=returns)
    )  # fmt: skip
    assert days(given) == [(JULY, end)]


def test_it_comes_back_only_once_nothing_is_past_due() -> None:
    """July is paid on 25 August while August's, due on the 21st, stays unpaid to 10 September."""
    first = owed(JULY, date(2025, 8, 25))
    assert days(inputs(first, owed(AUGUST), on=date(2025, 8, 25))) == [(JULY, None)]
    assert days(inputs(first, owed(AUGUST, date(2025, 9, 10)), on=date(2025, 9, 10))) == [(JULY, date(2025, 9, 10))]
    # A payment missed after all was paid stops nothing before it is 31 days late itself.
    later = (first, owed(AUGUST, date(2025, 8, 25)), owed(date(2025, 9, 22)))
    assert days(inputs(*later, on=date(2025, 10, 22))) == [(JULY, date(2025, 8, 25))]
    assert days(inputs(*later, on=date(2025, 10, 23))) == [(JULY, date(2025, 8, 25)), (date(2025, 9, 22), None)]


def test_a_payment_made_within_the_days_stops_nothing_whenever_it_is_entered() -> None:
    """Cleared on 20 August it was 30 days late; on the 22nd it was 31 days late at the close of the 21st."""
    assert days(inputs(owed(JULY, date(2025, 8, 21)), on=date(2025, 9, 5))) == []
    assert days(inputs(owed(JULY, date(2025, 8, 22)), on=date(2025, 9, 5))) == [(JULY, date(2025, 8, 22))]


def test_a_contract_that_says_nothing_stops_nothing() -> None:
    assert days(inputs(owed(JULY), on=date(2025, 12, 1), clause=None)) == []


def test_a_clause_counts_from_its_own_day() -> None:
    """The clause comes in on 1 September: the payment is 42 days late that day, which exceeds its 30 days."""
    silent = replace(inputs(owed(JULY), on=date(2025, 9, 1), clause=None))
    second = AgreedClause(
        revision=2, valid_from=date(2025, 9, 1), document="补充协议(示例)",
        clause=replace(CLAUSE, stops_from=StopsFrom.EXCEEDED),
    )  # fmt: skip
    assert days(replace(silent, agreed=(*silent.agreed, second))) == [(date(2025, 9, 1), None)]
    assert days(replace(silent, agreed=(*silent.agreed, second), on=date(2025, 8, 31))) == []


def test_the_trace_names_clause_lateness_and_day() -> None:
    found = decide_concession_stops(inputs(owed(JULY), on=date(2025, 8, 21)))
    values = {one.name: one.value for one in found.trace}
    assert values == {
        "clause.1": "30", "late_days.2025-07-21": "31", "exceeded.2025-07-21": "2025-08-21", "stop.1": "2025-07-21",
    }  # fmt: skip


def test_nothing_stops_once_no_interest_runs() -> None:
    given = inputs(owed(date(2025, 12, 31)), on=date(2026, 2, 5))
    assert days(given) == []
    assert days(replace(given, maturity_date=date(2026, 1, 31))) == [(date(2025, 12, 31), None)]


def test_revisions_and_payments_out_of_order_are_refused() -> None:
    given = inputs(owed(JULY), on=date(2025, 8, 21))
    with pytest.raises(InvalidInput):
        replace(given, missed=(owed(date(2025, 8, 21)),))
    with pytest.raises(InvalidInput):
        replace(given, agreed=(replace(given.agreed[0], revision=2), *given.agreed))


def test_the_rate_beneath_a_link_follows_resets_and_stops() -> None:
    """Drawn at 3.29 (3.40 without); reset to 3.09 (3.20) on 1 August; stopped from 21 July to 25 August."""
    drawn = DecidedRate(
        start=date(2025, 6, 30), with_concession=Decimal("0.0329"), without_concession=Decimal("0.0340"), cause="drawn"
    )
    reset = DecidedRate(
        start=date(2025, 8, 1), with_concession=Decimal("0.0309"), without_concession=Decimal("0.0320"), cause="reset"
    )
    stop = ConcessionStop(start=JULY, end=date(2025, 8, 25), due_on=JULY)
    found = base_rates((drawn, reset), (stop,), maturity_date=date(2026, 6, 30))
    assert [(one.start, one.rate) for one in found] == [
        (JULY, Decimal("0.0340")), (date(2025, 8, 1), Decimal("0.0320")), (date(2025, 8, 25), Decimal("0.0309")),
    ]  # fmt: skip
    assert base_rates((drawn, replace(reset, start=date(2026, 6, 30))), (), maturity_date=date(2026, 6, 30)) == ()
    same = replace(drawn, start=date(2025, 9, 1))
    assert base_rates((drawn, same), (), maturity_date=date(2026, 6, 30)) == ()
    assert base_rates((drawn,), (replace(stop, end=None),), maturity_date=date(2026, 6, 30)) == (
        BaseRate(start=JULY, rate=Decimal("0.0340"), cause="concession stopped"),
    )


def test_what_became_of_a_concession_is_told_with_its_day() -> None:
    open_stop = ConcessionStop(start=JULY, end=None, due_on=JULY)
    closed = replace(open_stop, end=date(2025, 8, 25))
    assert turn_of((), (open_stop,)) == (ConcessionTurn.STOPPED, JULY)
    assert turn_of((open_stop,), (closed,)) == (ConcessionTurn.RETURNED, date(2025, 8, 25))
    assert turn_of((open_stop,), ()) == (ConcessionTurn.RETURNED, JULY)
    assert turn_of((), (closed,)) == (ConcessionTurn.CORRECTED, JULY)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"concession_stop_days": 30}, "concession_stops_from"),
        ({"concession_stops_from": "due-day", "concession_returns": "paid"}, "concession_stop_days"),
        (
            {
                "concession_stop_days": 30, "concession_stops_from": "due-day", "concession_returns": "paid",
                "fixed_rate": "0.0345", "lpr_tenor": None, "margin_bp": None,
            },
            "concession_stop_days",
        ),
        ({"reset_months": 12}, "reset_day"),
        ({"reset_months": 12, "reset_day": "anniversary"}, "fixing_lag_days"),
    ],
)  # fmt: skip
def test_a_clause_in_part_or_of_a_fixed_rate_is_refused(changed: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        contract_of(**changed)
    assert refused.value.field == field
