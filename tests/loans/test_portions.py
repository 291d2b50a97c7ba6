"""Questions about many notes at once."""

from dataclasses import replace
from datetime import date

from carbonfin.kernel.dates import FixedClock
from carbonfin.storage.engine import Sessions
from loans import jobs, service
from loans.calc.servicing.notices import NoticeKind
from loans.store.notes import notes_of
from loans.store.notices import classes_of, told_of
from loans.store.portions import portions
from loans.store.rate_changes import changes_of
from loans.store.repayments import receipts_of_notes, segments_of_notes
from tests.loans.link_worlds import linked_world
from tests.loans.servicing.test_repayments import PAY_DAY, draft_of, world
from tests.loans.world import KNOWN_AT


def test_portions_hold_each_value_once_in_order() -> None:
    values = [f"{number:04}" for number in range(1001)]
    found = list(portions([*reversed(values), *values]))
    assert [len(one) for one in found] == [400, 400, 201]
    assert [value for one in found for value in one] == values
    assert list(portions(())) == []


def test_more_notes_than_one_question_takes(sessions: Sessions) -> None:
    """PostgreSQL takes 65,535 variables in one question; what is asked of more notes comes in portions."""
    with sessions.begin() as session:
        bank, _ = world(session, day=date(2025, 7, 31))
        jobs.make_loan_notices(session, bank.officer, date(2025, 7, 31), FixedClock(KNOWN_AT))
        (note,) = notes_of(session, bank.officer)
        many = [*(replace(note, id=f"{number:06}") for number in range(66_000)), note]
        assert told_of(session, bank.officer, many) == {(note.id, NoticeKind.OVERDUE, date(2025, 6, 21))}
        assert classes_of(session, bank.officer, many, on=PAY_DAY) == {}
        assert receipts_of_notes(session, bank.officer, many) == {}
        assert segments_of_notes(session, bank.officer, many) == {}
        assert changes_of(session, bank.officer, note_ids=[one.id for one in many]) == {}


def test_notes_are_found_by_their_contract(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        linked = linked_world(session)
        officer = linked.bank.officer
        other = replace(draft_of(linked.bank.clothing.id), code="JJ-OTHER")
        service.record_loan_note(session, officer, other, known_at=KNOWN_AT)
        assert [one.code for one in notes_of(session, officer)] == ["JJ-2025-001", "JJ-OTHER"]
        assert [one.code for one in notes_of(session, officer, contract_number="HT-2025-001")] == ["JJ-2025-001"]
        assert notes_of(session, officer, contract_number="HT-NONE") == ()
