"""Rates of many borrowers at once: row and mask kept, the trace made again as the single decision has it."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.errors import CarbonFinError, NotFound
from carbonfin.rules.decide import decide
from carbonfin.rules.plain_tables import table_from_text
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.row_hits import RowHit
from carbonfin.storage.decisions import (
    chained,
    every_item,
    keep_items,
    load_decision,
    replay_decision,
    verify_chain,
)
from carbonfin.storage.engine import Sessions
from carbonfin.storage.keyset import Place
from carbonfin.storage.parties import parties_of
from carbonfin.storage.rulebook import builtin_tables
from loans import service
from loans.calc.jiangtandai import (
    ConcessionReason,
    RateInputs,
    RateStatus,
    decide_rate,
    rate_without_trace,
)
from loans.calc.jiangtandai.concession_tables import table_facts
from loans.service import DECISION_KINDS, BatchRate, DecidedBatch
from tests.loans.concession_samples import concession_table, enter, recorded
from tests.loans.rate_batch_samples import (
    CAPPED,
    EXPIRED,
    NO_REPORT,
    OFF_SCALE,
    REQUESTS,
    UNKNOWN,
    add_borrowers,
)
from tests.loans.samples import E4_USCI, concession_terms, e4_report, l1_rate
from tests.loans.samples import NO_REPORT as WITHOUT
from tests.loans.world import BUSINESS_DATE, KNOWN_AT, Bank, furnished_bank, open_bank
from tests.storage.test_rulebook import without_triggers

APPLIES_FROM = date(2025, 7, 1)
POINTS = next(RecordedTable.of(one) for one in builtin_tables("loans") if one.table.name == "loans.concession_points")


@pytest.fixture
def bank(sessions: Sessions) -> Bank:
    with sessions.begin() as session:
        bank = furnished_bank(session)
        add_borrowers(session, bank)
        return bank


def decided(sessions: Sessions, bank: Bank) -> DecidedBatch:
    with sessions.begin() as session:
        return service.decide_rates(
            session, bank.officer, REQUESTS, lpr_tenor="1Y", applies_from=APPLIES_FROM, decided_on=BUSINESS_DATE,
            known_at=KNOWN_AT,
        )  # fmt: skip


def rates(sessions: Sessions, bank: Bank, made: DecidedBatch) -> tuple[BatchRate, ...]:
    with sessions.read() as session:
        return service.rates_of_batch(session, bank.officer, made.batch.decision_id, Place(limit=100)).items


def test_each_borrower_is_decided_with_the_row_and_the_rows_that_fitted(sessions: Sessions, bank: Bank) -> None:
    """LPR 3.00 %, base 60, 1 bp a point, cap 20: 71.6 earns 11, 95 earns 35 and so 20, an expired report nothing."""
    made = decided(sessions, bank)
    assert (made.decided_count, made.not_decided_count) == (4, 1)
    assert [
        (
            one.place, one.item.usci, one.decided.outcome.executed_rate, one.decided.outcome.reason,
            one.decided.hit and (one.decided.hit.place, one.decided.hit.mask),
        )
        for one in rates(sessions, bank, made)
    ] == [
        (1, E4_USCI, Decimal("0.0329"), ConcessionReason.POINTS, (2, 0b100)),
        (2, NO_REPORT, None, None, None),
        (3, CAPPED, Decimal("0.0320"), ConcessionReason.CAPPED, (2, 0b100)),
        (4, EXPIRED, Decimal("0.0340"), ConcessionReason.REPORT_EXPIRED, (0, 0b001)),
        (5, E4_USCI, Decimal("0.0280"), ConcessionReason.POINTS, (2, 0b100)),  # 2.69 %, raised to the floor
    ]  # fmt: skip
    assert [(one.usci, one.field) for one in made.batch.inputs.left_out] == [(UNKNOWN, "usci"), (OFF_SCALE, "score")]
    assert made.batch.inputs.left_out[1].zh == "得分 101 超出满分 100"


@pytest.mark.parametrize("by_own_table", [False, True])
def test_the_trace_made_again_is_that_of_the_single_decision(
    sessions: Sessions, bank: Bank, *, by_own_table: bool
) -> None:
    if by_own_table:
        enter(sessions, bank)
    made = decided(sessions, bank)
    kept = rates(sessions, bank, made)
    assert {one.decided.hit and one.decided.hit.mask for one in kept} != {None}
    for one in kept:
        with sessions.begin() as session:
            party = next(party for party in parties_of(session, bank.officer) if party.code == one.item.usci)
            single = service.decide_rate(
                session, bank.officer, party.id, margin_bp=one.item.margin_bp, lpr_tenor="1Y",
                applies_from=APPLIES_FROM, decided_on=BUSINESS_DATE, known_at=KNOWN_AT,
            )  # fmt: skip
        with sessions.read() as session:
            rebuilt = service.rebuilt_rate_of(session, bank.officer, made.batch.decision_id, one.place)
            assert rebuilt.decision == single.outcome
            assert rebuilt.decision.trace == load_decision(session, bank.officer, single.decision_id).trace
        assert rebuilt.same
        assert rebuilt.kept == one
        assert one.decided.outcome.trace == ()


def test_the_record_of_a_batch_names_each_clause_and_what_is_unconfirmed(sessions: Sessions, bank: Bank) -> None:
    """Three rates by the row above the base, whose clause is from the press; one by the row of expired reports."""
    made = decided(sessions, bank)
    with sessions.read() as session:
        record = load_decision(session, bank.officer, made.batch.decision_id)
    rows = {one.name: (one.value, one.confirmed) for one in record.trace if one.name.startswith("row.")}
    assert rows == {"row.expired": ("1", True), "row.above_base": ("3", False)}
    clause = record.figure("row.above_base").parameter
    assert clause is not None
    assert clause.document.startswith("南财观察")
    assert (record.figure("items").value, record.figure("reports").value) == ("5", "0")


def test_a_batch_replays_after_the_table_was_corrected(sessions: Sessions, bank: Bank) -> None:
    made = decided(sessions, bank)
    enter(sessions, bank)
    with sessions.read() as session:
        batch_id = made.batch.decision_id
        assert replay_decision(session, DECISION_KINDS, batch_id).same
        assert service.rate_batch_differences(session, bank.officer, batch_id) == ()
        assert verify_chain(session, bank.officer.organization_id).intact
    record_names = made.batch.inputs.items_digest, made.batch.inputs.items_count
    assert record_names == (rates(sessions, bank, made)[-1].digest, 5)


@pytest.mark.parametrize(
    ("change", "where", "what"),
    [
        ("row_place = 1", "row_place = 2 AND place = 3", "row 1"),
        ("match_mask = 'f'", "place = 1", "mask f"),
        ("outputs = replace(outputs, '0.0329', '0.0229')", "place = 1", "0.0229"),
    ],
)
def test_an_item_edited_behind_the_database_is_named_by_verify_and_by_replay(
    sessions: Sessions, bank: Bank, change: str, where: str, what: str
) -> None:
    made = decided(sessions, bank)
    with sessions.begin() as session:
        without_triggers(session, "decision_item")
        session.execute(sa.text(f"UPDATE decision_item SET {change} WHERE {where}"))  # noqa: S608 - own texts
    with sessions.read() as session:
        (fault,) = verify_chain(session, bank.officer.organization_id).faults
        (difference,) = service.rate_batch_differences(session, bank.officer, made.batch.decision_id)
        place = int(difference.split(":")[0].rpartition("/")[2])
        assert not service.rebuilt_rate_of(session, bank.officer, made.batch.decision_id, place).same
    assert (fault.decision_id, fault.detail) == (made.batch.decision_id, f"item {place} of the batch was changed")
    assert what in difference


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ("DELETE FROM decision_item WHERE place = 2", "item 2 of the batch is not where it was"),
        ("DELETE FROM decision_item WHERE place = 5", "item 5 of the batch is not where it was"),
        ("DELETE FROM decision_item", "item 1 of the batch is not where it was"),
        ("UPDATE decision_item SET place = 9 WHERE place = 5", "item 5 of the batch is not where it was"),
    ],
)
def test_an_item_removed_or_moved_is_found(sessions: Sessions, bank: Bank, change: str, detail: str) -> None:
    made = decided(sessions, bank)
    with sessions.begin() as session:
        without_triggers(session, "decision_item")
        session.execute(sa.text(change))
    with sessions.read() as session:
        (fault,) = verify_chain(session, bank.officer.organization_id).faults
    assert (fault.decision_id, fault.detail) == (made.batch.decision_id, detail)


def test_items_and_digests_rewritten_together_do_not_fit_the_record(sessions: Sessions, bank: Bank) -> None:
    """Whoever can write the whole table can chain it anew, but the batch's record names the last digest."""
    batch_id, organization_id = decided(sessions, bank).batch.decision_id, bank.officer.organization_id
    with sessions.begin() as session:
        without_triggers(session, "decision_item")
        items = [one.said for one in every_item(session, organization_id, batch_id)]
        forged = [*items[:-1], replace(items[-1], outputs=items[0].outputs)]
        session.execute(sa.text("DELETE FROM decision_item"))
        keep_items(session, bank.officer, batch_id, forged, chained(organization_id, forged))
    with sessions.read() as session:
        (fault,) = verify_chain(session, organization_id).faults
    assert fault.detail == "the items of the batch are not those its record names"


def test_the_database_itself_keeps_items(sessions: Sessions, bank: Bank) -> None:
    decided(sessions, bank)
    for change in ("UPDATE decision_item SET outputs = '{}'", "DELETE FROM decision_item"):
        with pytest.raises(sa.exc.IntegrityError, match="append-only"), sessions.begin() as session:
            session.execute(sa.text(change))


def test_another_bank_sees_nothing_of_a_batch(sessions: Sessions, bank: Bank) -> None:
    made = decided(sessions, bank)
    with sessions.begin() as session:
        other = open_bank(session, name="另一家银行")
    with sessions.read() as session:
        for ask in (
            lambda: service.load_rate_batch(session, other.officer, made.batch.decision_id),
            lambda: service.rates_of_batch(session, other.officer, made.batch.decision_id, Place(limit=10)),
            lambda: service.rebuilt_rate_of(session, other.officer, made.batch.decision_id, 1),
            lambda: service.rebuilt_rate_of(session, bank.officer, made.batch.decision_id, 6),
        ):
            with pytest.raises(NotFound):
                ask()


def test_a_batch_in_which_nobody_is_known_is_kept_without_items(sessions: Sessions, bank: Bank) -> None:
    with sessions.begin() as session:
        made = service.decide_rates(
            session, bank.officer, [one for one in REQUESTS if one.usci == UNKNOWN], lpr_tenor="1Y",
            applies_from=APPLIES_FROM, decided_on=BUSINESS_DATE, known_at=KNOWN_AT,
        )  # fmt: skip
    assert rates(sessions, bank, made) == ()
    with sessions.read() as session:
        assert verify_chain(session, bank.officer.organization_id).intact


def test_the_record_holds_no_trace_of_an_item(sessions: Sessions, bank: Bank) -> None:
    decided(sessions, bank)
    with sessions.read() as session:
        kept = session.execute(sa.text("SELECT outputs FROM decision_item ORDER BY place")).scalars().all()
    assert [json.loads(one)["trace"] for one in kept] == [[]] * 5


@given(
    score=st.none() | st.decimals(min_value=0, max_value=110, places=1),
    valid_to=st.dates(date(2025, 6, 15), date(2025, 7, 15)),
    margin_bp=st.integers(-300, 300),
    cap=st.sampled_from(["0", "5", "20"]),
    has_report=st.booleans(),
    by=st.sampled_from(["points", "own", "neither"]),
)
def test_a_rate_without_trace_is_the_single_decision_without_its_trace(
    score: Decimal | None, valid_to: date, margin_bp: int, cap: str, *, has_report: bool, by: str
) -> None:
    report = e4_report(score=None if score is None else str(score), valid_to=valid_to) if has_report else WITHOUT
    inputs = l1_rate(report=report, margin_bp=margin_bp, terms=concession_terms(cap=cap))
    if by == "own":
        inputs = replace(inputs, concession_table=recorded(concession_table()))
    elif by == "points":
        inputs = replace(inputs, points_table=POINTS)
    try:
        single = decide_rate(inputs)
    except CarbonFinError as error:
        with pytest.raises(type(error)):
            rate_without_trace(inputs)
        return
    outcome, hit = rate_without_trace(inputs)
    assert outcome == replace(single, trace=())
    assert hit == _interpreted(inputs, single_status=single.status)


def _interpreted(inputs: RateInputs, *, single_status: RateStatus) -> RowHit | None:
    """Ask the interpreter; no table is asked where a report is missing or expired and its own rules say what follows."""
    report, own = inputs.report, inputs.concession_table
    table = own or inputs.points_table
    if table is None:
        return None
    if own is None and (report is None or report.score is None):
        assert single_status is RateStatus.NOT_DECIDED
        return None
    if own is not None and report is not None and report.valid_to < inputs.applies_from:
        return None
    return RowHit.of(decide(table_from_text(table.content), table_facts(inputs)))
