"""What a draft of the concession table would do to rates that stand; score 71.6, base 60, worked out by hand."""

from datetime import date
from decimal import Decimal

import pytest

from carbonfin.rules.tables import DecisionTable, TableVersion
from carbonfin.storage.decisions import decisions_of
from carbonfin.storage.engine import Sessions
from loans import service
from tests.loans.concession_samples import ROWS, concession_table, enter
from tests.loans.world import BUSINESS_DATE, KNOWN_AT, Bank, furnished_bank, open_bank


@pytest.fixture
def bank(sessions: Sessions) -> Bank:
    with sessions.begin() as session:
        return furnished_bank(session)


def decided(sessions: Sessions, bank: Bank, *, margin_bp: int = 40) -> None:
    with sessions.begin() as session:
        service.decide_rate(
            session, bank.officer, bank.clothing.id, margin_bp=margin_bp, lpr_tenor="1Y",
            applies_from=date(2025, 7, 1), decided_on=BUSINESS_DATE, known_at=KNOWN_AT,
        )  # fmt: skip


def version(table: DecisionTable) -> TableVersion:
    return TableVersion(table=table, valid_from=date(2026, 1, 1), valid_to=None, known_from=date(2025, 7, 10))


# By points 11 bp: 3.00 % + 40 bp - 11 bp = 3.29 %. The draft's row for a score from 70 grants 10: 3.30 %, one bp more.
def test_who_moves_by_how_much_and_nothing_is_written(sessions: Sessions, bank: Bank) -> None:
    decided(sessions, bank, margin_bp=60)
    decided(sessions, bank)
    with sessions.read() as session:
        before = decisions_of(session, bank.officer)
        impact = service.concession_impact(session, bank.officer, version(concession_table()))
        after = decisions_of(session, bank.officer)
    (move,) = impact.moves
    assert (move.subject, move.before, move.after) == (bank.clothing.code, Decimal("0.0329"), Decimal("0.0330"))
    assert (move.difference, impact.difference_total) == (1, 1)
    assert (impact.subjects_count, impact.undecided_before_count, impact.undecided_after_count) == (1, 0, 0)
    assert move.decision_id == after[-1].id, "the latest decision of the borrower is the one that stands"
    assert before == after


def test_who_would_be_left_undecided_is_told(sessions: Sessions, bank: Bank) -> None:
    decided(sessions, bank)
    asks_more = concession_table((("null", "0"), ("-", "-5")), columns=("report_valid",))
    silent = concession_table((*ROWS[:3], ("-", "-", "true", "<=0", "0")))
    with sessions.read() as session:
        answered = service.concession_impact(session, bank.officer, version(asks_more))
        unanswered = service.concession_impact(session, bank.officer, version(silent))
    assert [(one.after, str(one.difference)) for one in answered.moves] == [(Decimal("0.0335"), "6")]
    assert [(one.after, one.difference) for one in unanswered.moves] == [(None, None)]
    assert (unanswered.undecided_after_count, unanswered.difference_total) == (1, 0)


def test_the_same_table_moves_nobody_and_other_banks_are_not_looked_at(sessions: Sessions, bank: Bank) -> None:
    enter(sessions, bank)
    decided(sessions, bank)
    with sessions.begin() as session:
        other = open_bank(session, name="另一家银行")
    with sessions.read() as session:
        own = service.concession_impact(session, bank.officer, version(concession_table()))
        foreign = service.concession_impact(session, other.officer, version(concession_table()))
    assert (own.subjects_count, own.moves) == (1, ())
    assert (foreign.subjects_count, foreign.moves) == (0, ())
