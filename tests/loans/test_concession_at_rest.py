"""The bank's concession table at rest: found by both dates, corrected late, replayed from the record alone."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.record import canonical_json, digest_of
from carbonfin.rules.tables import TableVersion
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer
from carbonfin.storage.decisions import DecisionRecord, load_decision, rebuilt, replay_decision, verify_chain
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rulebook import TABLE_APPROVAL, enter_parameter, propose_table
from loans import service
from loans.calc.jiangtandai import RATE_KIND, ConcessionReason
from loans.service import DECISION_KINDS, TermSheetDraft
from tests.loans.concession_samples import CLAUSE, ROWS, Days, concession_table, enter
from tests.loans.samples import bank_parameter, l1_request
from tests.loans.world import BUSINESS_DATE, KNOWN_AT, Bank, furnished_bank, open_bank

TABLE = concession_table()
LATER = end_of_china_day(date(2025, 7, 10))
CORRECTED = concession_table(
    tuple((*row[:-1], "-8" if row[0] == ">=70" else row[-1]) for row in ROWS),
    clause=replace(CLAUSE, article="第8条（更正）"),
)


@pytest.fixture
def bank(sessions: Sessions) -> Bank:
    with sessions.begin() as session:
        return furnished_bank(session)


def decided(
    sessions: Sessions, bank: Bank, *, known_at: datetime = KNOWN_AT, applies_from: date = date(2025, 7, 1)
) -> DecisionRecord:
    with sessions.begin() as session:
        made = service.decide_rate(
            session, bank.officer, bank.clothing.id, margin_bp=40, lpr_tenor="1Y", applies_from=applies_from,
            decided_on=BUSINESS_DATE, known_at=known_at,
        )  # fmt: skip
    with sessions.read() as session:
        return load_decision(session, bank.officer, made.decision_id)


def replays(sessions: Sessions, record: DecisionRecord) -> bool:
    with sessions.read() as session:
        return replay_decision(session, DECISION_KINDS, record.id).same


def test_what_decisions_share_is_written_as_by_itself(sessions: Sessions, bank: Bank) -> None:
    for _ in range(2):  # the second takes the texts of the first
        record = decided(sessions, bank)
        inputs = rebuilt(canonical_json(record.inputs), RATE_KIND.inputs)
        assert digest_of(inputs) == digest_of(record.inputs) == record.inputs_digest


# score 71.6, base 60, 1 bp a point: 11 bp by points; the table's row R8 gives 10, corrected 8
def test_the_banks_table_decides_from_the_day_it_speaks_of(sessions: Sessions, bank: Bank) -> None:
    by_points = decided(sessions, bank)
    enter(sessions, bank, days=Days(valid_from=date(2025, 7, 1)))
    by_table = decided(sessions, bank)
    day_before = decided(sessions, bank, applies_from=BUSINESS_DATE)
    assert [one.outputs["executed_rate"] for one in (by_points, by_table, day_before)] == ["0.0329", "0.0330", "0.0329"]
    assert [one.outputs["reason"] for one in (by_points, by_table)] == ["points", ConcessionReason.BY_TABLE.value]
    table = by_table.inputs["concession_table"]
    assert (table["digest"], table["approved_by"]) == (TABLE.digest, [bank.officer.name, bank.checker.name])
    assert (table["valid_from"], table["known_from"], table["valid_to"]) == ("2025-07-01", "2025-06-30", None)
    assert "concession_table" not in by_points.inputs
    assert all(replays(sessions, one) for one in (by_points, by_table, day_before))
    with sessions.read() as session:
        assert verify_chain(session, bank.officer.organization_id).intact


def test_a_late_correction_leaves_yesterdays_decision_and_says_why_todays_differs(
    sessions: Sessions, bank: Bank
) -> None:
    enter(sessions, bank)
    yesterday = decided(sessions, bank)
    enter(sessions, bank, CORRECTED, days=Days(known_from=date(2025, 7, 10)), at=LATER)
    assert replays(sessions, yesterday)
    as_known_then = decided(sessions, bank)
    assert as_known_then.outputs_digest == yesterday.outputs_digest
    assert as_known_then.inputs_digest == yesterday.inputs_digest
    as_known_now = decided(sessions, bank, known_at=LATER)
    assert (yesterday.outputs["executed_rate"], as_known_now.outputs["executed_rate"]) == ("0.0330", "0.0332")
    why = as_known_now.figure("concession_row").parameter
    before = yesterday.figure("concession_row").parameter
    assert before is not None
    assert why is not None
    assert (before.digest, before.known_from, before.article) == (TABLE.digest, BUSINESS_DATE, "第8条")
    assert (why.digest, why.known_from, why.article) == (CORRECTED.digest, date(2025, 7, 10), "第8条（更正）")
    assert "2025-07-10 起知悉" in as_known_now.figure("concession_table").note_zh
    assert replays(sessions, as_known_now)


def test_a_replay_needs_the_record_alone(sessions: Sessions, bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(sessions, bank)
    record = decided(sessions, bank)
    with monkeypatch.context() as blind:
        blind.setattr("loans.service.facts.table_book_for", None)
        blind.setattr("carbonfin.storage.rulebook.tables.table_book_for", None)
        assert replays(sessions, record)


def test_a_term_sheet_follows_the_table_and_replays_after_its_correction(sessions: Sessions, bank: Bank) -> None:
    enter(sessions, bank)
    draft = TermSheetDraft(
        party_id=bank.clothing.id, request=l1_request(), margin_bp=40, lpr_tenor="1Y", number=None, entry={}
    )
    with sessions.begin() as session:
        stored = service.draft_term_sheet(session, bank.officer, draft, issued_on=BUSINESS_DATE, known_at=KNOWN_AT)
        pdf = service.term_sheet_pdf(session, bank.officer, stored, address="", verified_at="")
    enter(sessions, bank, CORRECTED, days=Days(known_from=date(2025, 7, 10)), at=LATER)
    with sessions.read() as session:
        loaded = service.load_term_sheet(session, bank.officer, stored.entry.number)
        assert loaded.sheet == stored.sheet
        assert replay_decision(session, DECISION_KINDS, stored.entry.decision_id).same
        assert pdf.startswith(b"%PDF-")


def test_another_banks_table_decides_nothing_here(sessions: Sessions, bank: Bank) -> None:
    with sessions.begin() as session:
        other = open_bank(session, name="另一家银行")
    enter(sessions, other)
    assert decided(sessions, bank).outputs["reason"] == "points"


def test_a_cap_corrected_late_binds_what_is_decided_as_known_now(sessions: Sessions, bank: Bank) -> None:
    enter(sessions, bank)
    yesterday = decided(sessions, bank)
    lower = replace(bank_parameter("cap_bp", "5", "bp"), known_from=date(2025, 7, 10), approved_by=())
    with sessions.begin() as session:
        enter_parameter(session, bank.officer, bank.checker, lower, reason="更正封顶", at=LATER)
    assert replays(sessions, yesterday)
    assert decided(sessions, bank).outputs_digest == yesterday.outputs_digest
    now = decided(sessions, bank, known_at=LATER)
    assert (yesterday.outputs["executed_rate"], now.outputs["executed_rate"]) == ("0.0330", "0.0335")
    assert (now.outputs["reason"], now.figure("table_concession_bp").value) == ("capped", "-10")
    why = now.figure("cap_bp").parameter
    assert why is not None
    assert (now.figure("cap_bp").value, why.known_from) == ("5", date(2025, 7, 10))


BREAKING = concession_table((("null", "-5"), (">=60", "-20"), ("<60", "0")), columns=("score",))


def test_a_table_that_breaks_the_contract_is_refused_before_it_is_proposed(sessions: Sessions, bank: Bank) -> None:
    with pytest.raises(InvalidInput, match="never favourable") as refused:
        enter(sessions, bank, BREAKING)
    assert "缺失不得有利" in refused.value.zh
    with sessions.read() as session:
        assert approvals.waiting_for(session, bank.checker, (TABLE_APPROVAL,)) == ()


def test_a_table_at_rest_that_breaks_the_contract_decides_nothing(sessions: Sessions, bank: Bank) -> None:
    with sessions.begin() as session:
        proposed = propose_table(
            session, bank.officer, TableVersion(table=BREAKING, valid_from=BUSINESS_DATE, known_from=BUSINESS_DATE),
            reason="约定之前", at=KNOWN_AT, contracts=(),
        )  # fmt: skip
        approvals.approve(
            session, bank.checker, proposed.id, kinds=(TABLE_APPROVAL,), answer=Answer(reason="同意"), at=KNOWN_AT,
            business_date=BUSINESS_DATE,
        )  # fmt: skip
    with pytest.raises(InvalidInput, match="breaks its contract"):
        decided(sessions, bank)
