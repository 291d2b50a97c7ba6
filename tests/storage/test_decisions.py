"""Decisions on record: append-only, chained, replayable to the bit."""

import hashlib
import json
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from carbonfin.kernel.errors import InvalidInput, NotApplicable, NotFound
from carbonfin.rules.parameters import Grade
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure, ParameterUse
from carbonfin.storage.decisions import (
    DecisionRow,
    DecisionSealRow,
    Override,
    SignedBy,
    carrying_out,
    decision_heads,
    decisions_of,
    load_decision,
    load_outcome,
    record_decision,
    replay_decision,
    seal_waiting,
    verify_chain,
)
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.keyset import Place
from carbonfin.storage.rows import table_of
from tests.storage.worlds import World, make_world

KNOWN_AT = datetime(2025, 6, 30, 15, 59, 59, 999999, tzinfo=UTC)
VALID_ON = date(2025, 6, 30)


class Basis(StrEnum):
    ACT_360 = "act/360"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    start: date
    end: date


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestInputs:
    principal_cny: Decimal
    rate: Decimal
    basis: Basis
    periods: tuple[Period, ...]
    noted_at: datetime
    share: Fraction = Fraction(1)
    remark: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestOutputs:
    interest_cny: tuple[Decimal, ...]
    total_cny: Decimal
    trace: tuple[Figure, ...]


def interest(inputs: InterestInputs) -> InterestOutputs:
    if inputs.principal_cny <= 0:
        raise InvalidInput("the principal must be positive", zh="本金须为正", field="principal_cny")
    rows = tuple(
        (inputs.principal_cny * inputs.rate * (period.end - period.start).days / 360).quantize(
            Decimal("0.01"), rounding=ROUND_HALF_UP
        )
        for period in inputs.periods
    )
    use = ParameterUse(
        key="loans.basis", scope="", digest="0" * 64, valid_from=VALID_ON, known_from=VALID_ON, document="合同",
        article="3", grade=Grade.SAMPLE,
    )  # fmt: skip
    total = sum(rows, Decimal(0))
    trace = (
        Figure(name="rate", label_zh="执行利率", label_en="rate", value=str(inputs.rate), unit="rate", parameter=use),
        Figure(
            name="total", label_zh="利息合计", label_en="interest", value=str(total), unit="CNY", formula="Σ P r d/360",
            inputs=("rate",),
        ),
    )  # fmt: skip
    return InterestOutputs(interest_cny=rows, total_cny=total, trace=trace)


INTEREST = DecisionKind(
    name="trial.interest", version="1", inputs=InterestInputs, outputs=InterestOutputs, decide=interest
)
# P0 of the sample world: 3,000,000 at 3.85 %, the four vouchers' days by hand: 92, 91, 90, 91
P0 = InterestInputs(
    principal_cny=Decimal("3.00E+6"),
    rate=Decimal("0.0385"),
    basis=Basis.ACT_360,
    periods=(
        Period(start=date(2024, 6, 21), end=date(2024, 9, 21)),
        Period(start=date(2024, 9, 21), end=date(2024, 12, 21)),
        Period(start=date(2024, 12, 21), end=date(2025, 3, 21)),
        Period(start=date(2025, 3, 21), end=date(2025, 6, 20)),
    ),
    noted_at=KNOWN_AT,
    share=Fraction(1, 3),
)


@pytest.fixture
def world(sessions: Sessions) -> World:
    with sessions.begin() as session:
        return make_world(session, password_hash="!")


def decide(session: Session, world: World, *, subject: str = "loan:P0", inputs: InterestInputs = P0) -> str:
    recorded = record_decision(
        session, world.maker, INTEREST, inputs, subject=subject, valid_on=VALID_ON, known_at=KNOWN_AT
    )
    return recorded.decision_id


def test_a_decision_is_kept_with_its_trace(sessions: Sessions, world: World) -> None:
    with sessions.begin() as session:
        recorded = record_decision(
            session, world.maker, INTEREST, P0, subject="loan:P0", valid_on=VALID_ON, known_at=KNOWN_AT
        )
    assert recorded.outcome.total_cny == Decimal("116783.33")
    with sessions.read() as session:
        record = load_decision(session, world.maker, recorded.decision_id)
        outcome = load_outcome(session, world.maker, INTEREST, recorded.decision_id)
    assert outcome == recorded.outcome
    assert record.trace == recorded.outcome.trace
    assert record.figure("total").value == "116783.33"
    assert (record.sequence, record.actor_name, record.known_at) == (1, "maker", KNOWN_AT)
    assert record.inputs["principal_cny"] == "3000000"
    with pytest.raises(NotFound):
        record.figure("no such figure")


def test_another_bank_finds_no_decision(sessions: Sessions, world: World) -> None:
    with sessions.begin() as session:
        decision_id = decide(session, world)
    with sessions.read() as session:
        with pytest.raises(NotFound):
            load_decision(session, world.stranger, decision_id)
        with pytest.raises(NotFound):
            load_outcome(session, world.stranger, INTEREST, decision_id)
        assert decisions_of(session, world.stranger) == ()


def test_decisions_are_listed_in_order(sessions: Sessions, world: World) -> None:
    with sessions.begin() as session:
        first = [decide(session, world, subject=f"loan:{number}") for number in range(5)]
        assert [record.id for record in decisions_of(session, world.maker)] == first
    with sessions.begin() as session:
        second = decide(session, world, subject="loan:3")
        assert [record.id for record in decisions_of(session, world.maker)] == [*first, second]
    with sessions.read() as session:
        found = decisions_of(session, world.maker, subject="loan:3", kind="trial.interest")
        assert [(record.id, record.sequence) for record in found] == [(first[3], 4), (second, 6)]
        assert decisions_of(session, world.maker, kind="trial.other") == ()


def test_a_decision_that_is_refused_leaves_no_trace(sessions: Sessions, world: World) -> None:
    with pytest.raises(InvalidInput), sessions.begin() as session:
        decide(session, world, inputs=replace(P0, principal_cny=Decimal(0)))
    with sessions.read() as session:
        assert verify_chain(session, world.bank_id).length == 0


def test_a_decision_taken_back_by_a_savepoint_is_not_sealed(sessions: Sessions, world: World) -> None:
    with sessions.begin() as session:
        kept = decide(session, world)
        savepoint = session.begin_nested()
        decide(session, world)
        savepoint.rollback()
    with sessions.read() as session:
        report = verify_chain(session, world.bank_id)
        assert (report.intact, report.length) == (True, 1)
        assert load_decision(session, world.maker, kept).sequence == 1


@pytest.mark.parametrize("table", ["decision", "decision_seal"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET record_digest = 'x'"])
def test_the_database_refuses_changes(sessions: Sessions, world: World, table: str, statement: str) -> None:
    with sessions.begin() as session:
        decide(session, world)
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), sessions.begin() as session:
        session.execute(sa.text(statement.format(table)))


def without_triggers(session: Session, statement: str) -> None:
    """Do what only an owner of the database can: take the triggers away and write."""
    if session.get_bind().dialect.name == "sqlite":
        names = session.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
        session.execute(sa.text("PRAGMA defer_foreign_keys = ON"))
        for name in names:
            session.execute(sa.text(f"DROP TRIGGER {name}"))
        session.execute(sa.text(statement))
        return
    session.execute(
        sa.text("ALTER TABLE decision_seal DROP CONSTRAINT IF EXISTS fk_decision_seal_decision_id_decision")
    )
    for table in ("decision", "decision_seal"):
        session.execute(sa.text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
    session.execute(sa.text(statement))


TAMPERINGS = {
    "outputs changed": (
        "UPDATE decision SET outputs = replace(outputs, '116783.33', '16783.33') WHERE id = '{id}'",
        "changed",
    ),
    "subject changed": ("UPDATE decision SET subject = 'loan:P9' WHERE id = '{id}'", "changed"),
    "known_at changed": ("UPDATE decision SET known_at = '2025-06-29T15:59:59.999999Z' WHERE id = '{id}'", "changed"),
    "role changed": ("UPDATE decision SET actor_role = 'nobody' WHERE id = '{id}'", "changed"),
    "engine changed": ("UPDATE decision SET engine_version = 'carbonfin/9' WHERE id = '{id}'", "changed"),
    "maker changed": ("UPDATE decision SET maker_name = '丙' WHERE id = '{id}'", "changed"),
    "checker written in": (
        "UPDATE decision SET checker_id = '{other}', checker_name = '乙' WHERE id = '{id}'",
        "changed",
    ),
    "approval written in": ("UPDATE decision SET approval_id = '{other}' WHERE id = '{id}'", "changed"),
    "override written in": ("UPDATE decision SET override = '{{}}' WHERE id = '{id}'", "changed"),
    "people taken out": (
        "UPDATE decision SET form = NULL, engine_version = NULL, maker_id = NULL, maker_name = NULL WHERE id = '{id}'",
        "changed",
    ),
    "digest changed": ("UPDATE decision SET record_digest = 'x' WHERE id = '{id}'", "changed"),
    "seal re-pointed": ("UPDATE decision_seal SET record_digest = 'x' WHERE decision_id = '{id}'", "does not fit"),
    "seal removed": ("DELETE FROM decision_seal WHERE decision_id = '{id}'", "removed before"),
    "moved to another bank": ("UPDATE decision SET organization_id = '{other}' WHERE id = '{id}'", "changed"),
}


OVERRIDE = Override(
    figure="rate",
    label_zh="执行利率",
    label_en="rate",
    unit="rate",
    ruled="0.0385",
    used="0.0380",
    reason="授信委员会决议",
)
SIGNED = SignedBy(approval_id="a-1", maker_id="m-1", maker_name="甲", checker_id="c-1", checker_name="乙")


def test_a_decision_says_by_what_and_by_whom_it_was_made(sessions: Sessions, world: World) -> None:
    with sessions.begin() as session:
        alone = decide(session, world)
        with carrying_out(session, SIGNED):
            signed = record_decision(
                session, world.checker, INTEREST, P0, subject="loan:P1", valid_on=VALID_ON, known_at=KNOWN_AT,
                override=OVERRIDE,
            ).decision_id  # fmt: skip
        after = decide(session, world)
    with sessions.read() as session:
        first, second, third = (load_decision(session, world.maker, one) for one in (alone, signed, after))
        listed = decision_heads(session, world.maker, Place(limit=10)).items
        assert verify_chain(session, world.bank_id).intact
        assert all(replay_decision(session, (INTEREST,), one).same for one in (alone, signed))
    assert (first.form, first.maker_name, first.checker_name, first.override) == (2, "maker", None, None)
    assert first.engine_version is not None
    assert first.engine_version.startswith("carbonfin/")
    assert "QuantLib/" in first.engine_version
    assert (second.maker_name, second.checker_name, second.approval_id) == ("甲", "乙", "a-1")
    assert (second.actor_name, second.override) == ("checker", OVERRIDE)
    assert third.checker_name is None, "the approval ends with its block"
    assert [one.checker_name for one in listed] == [None, "乙", None]


def test_the_digest_is_over_engine_people_and_override(sessions: Sessions, world: World) -> None:
    """The text of form 2, written out here, and its SHA-256."""
    with sessions.begin() as session, carrying_out(session, SIGNED):
        decision_id = record_decision(
            session, world.maker, INTEREST, P0, subject="loan:P1", valid_on=VALID_ON, known_at=KNOWN_AT,
            override=OVERRIDE,
        ).decision_id  # fmt: skip
    with sessions.read() as session:
        row = session.get(DecisionRow, decision_id)
        assert row is not None
        said = {
            "id": decision_id, "organization_id": world.bank_id, "kind": "trial.interest", "version": "1",
            "subject": "loan:P1", "valid_on": "2025-06-30", "known_at": "2025-06-30T15:59:59.999999Z",
            "actor_id": world.maker.id, "actor_name": "maker", "actor_role": world.maker.role.value,
            "inputs": row.inputs, "inputs_digest": row.inputs_digest, "outputs": row.outputs,
            "outputs_digest": row.outputs_digest, "form": 2, "engine_version": row.engine_version, "maker_id": "m-1",
            "maker_name": "甲", "checker_id": "c-1", "checker_name": "乙", "approval_id": "a-1",
            "override": (
                '{"figure":"rate","label_en":"rate","label_zh":"执行利率","reason":"授信委员会决议","ruled":"0.0385",'
                '"unit":"rate","used":"0.0380"}'
            ),
        }  # fmt: skip
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert row.record_digest == hashlib.sha256(text.encode()).hexdigest()


def test_a_record_written_the_old_way_verifies_and_replays(sessions: Sessions, world: World) -> None:
    """What the release before wrote: no columns of people, and a digest over the others alone."""
    with sessions.begin() as session:
        made = decide(session, world)
    with sessions.begin() as session:
        row = session.get(DecisionRow, made)
        assert row is not None
        old = {
            "id": "01900000-0000-7000-8000-000000000001", "organization_id": world.bank_id, "kind": "trial.interest",
            "version": "1", "subject": "loan:OLD", "valid_on": "2025-06-30", "known_at": "2025-06-30T15:59:59.999999Z",
            "actor_id": world.maker.id, "actor_name": "maker", "actor_role": world.maker.role.value,
            "inputs": row.inputs, "inputs_digest": row.inputs_digest, "outputs": row.outputs,
            "outputs_digest": row.outputs_digest,
        }  # fmt: skip
        text = json.dumps(old, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(text.encode()).hexdigest()
        days = {"valid_on": VALID_ON, "known_at": KNOWN_AT}
        session.execute(sa.insert(table_of(DecisionRow)), [{**old, **days, "record_digest": digest}])
        assert seal_waiting(session, world.bank_id) == 1
    with sessions.read() as session:
        report = verify_chain(session, world.bank_id, lengths={2})
        record = load_decision(session, world.maker, old["id"])
        assert replay_decision(session, (INTEREST,), old["id"]).same
    assert (report.intact, report.length) == (True, 2)
    assert (record.form, record.engine_version, record.maker_name, record.override) == (1, None, None, None)
    with sessions.begin() as session:
        statement = "UPDATE decision SET checker_name = '乙' WHERE id = '{id}'"
        without_triggers(session, statement.format(id=old["id"]))
    with sessions.read() as session:
        assert [one.decision_id for one in verify_chain(session, world.bank_id).faults] == [old["id"]]


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_tampering_is_found_and_named(sessions: Sessions, world: World, tampering: str) -> None:
    with sessions.begin() as session:
        ids = [decide(session, world, subject=f"loan:{number}") for number in range(4)]
    with sessions.read() as session:
        assert verify_chain(session, world.bank_id).intact
    statement, told = TAMPERINGS[tampering]
    with sessions.begin() as session:
        without_triggers(session, statement.format(id=ids[1], other=world.other_bank_id))
    with sessions.read() as session:
        report = verify_chain(session, world.bank_id)
    assert not report.intact
    assert any(told in fault.detail for fault in report.faults)
    named = {fault.decision_id for fault in report.faults}
    assert ids[1] in named or tampering == "seal removed"
    assert ids[0] not in named
    assert ids[3] not in named


def test_a_removed_decision_is_named(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        world = make_world(session, password_hash="!")
        ids = [decide(session, world) for _ in range(3)]
    path = sqlite_sessions.engine.url.database
    raw = sa.create_engine(f"sqlite:///{path}")
    with raw.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER decision_no_delete")
        connection.exec_driver_sql("DELETE FROM decision WHERE id = ?", (ids[2],))
    raw.dispose()
    with sqlite_sessions.read() as session:
        faults = verify_chain(session, world.bank_id).faults
    assert [(fault.sequence, fault.decision_id, fault.detail) for fault in faults] == [
        (3, ids[2], "the decision was removed")
    ]


def test_a_tail_cut_off_is_seen_at_the_head(sessions: Sessions, world: World) -> None:
    with sessions.begin() as session:
        ids = [decide(session, world) for _ in range(3)]
    with sessions.begin() as session:
        without_triggers(session, "DELETE FROM decision_seal WHERE sequence = 3")
        session.exec(sa.delete(DecisionRow).where(DecisionRow.id == ids[2]))  # type: ignore[arg-type]
    with sessions.read() as session:
        faults = verify_chain(session, world.bank_id).faults
    assert [fault.detail for fault in faults] == ["the chain's head names another end: seals were cut off"]


def test_a_decision_without_seal_is_visible_until_it_is_sealed(sessions: Sessions, world: World) -> None:
    with sessions.begin() as session:
        decide(session, world)
    with Session(sessions.engine) as session, session.begin():
        left = decide(session, world)  # as when the process dies between commit and seal
    with sessions.read() as session:
        report = verify_chain(session, world.bank_id)
        assert (report.length, report.faults, report.unsealed) == (1, (), (left,))
        assert load_decision(session, world.maker, left).sequence is None
    with sessions.begin() as session:
        assert seal_waiting(session, world.bank_id) == 1
        assert seal_waiting(session, world.other_bank_id) == 0
    with sessions.read() as session:
        report = verify_chain(session, world.bank_id)
        assert (report.length, report.faults, report.unsealed) == (2, (), ())
        assert load_decision(session, world.maker, left).sequence == 2


def test_a_seal_that_fails_after_the_commit_is_made_up_for_by_the_next(sessions: Sessions, world: World) -> None:
    is_sqlite = sessions.engine.dialect.name == "sqlite"
    kept: list[str] = []
    told = pytest.raises(sa.exc.IntegrityError, match="no seal") if is_sqlite else nullcontext()
    with _seals_refused(sessions), told, sessions.begin() as session:
        kept.append(decide(session, world))
    with sessions.read() as session:
        assert verify_chain(session, world.bank_id).unsealed == (() if is_sqlite else tuple(kept)), (
            "SQLite: all or none"
        )
    with sessions.begin() as session:
        kept = [] if is_sqlite else kept
        kept.append(decide(session, world))
    with sessions.read() as session:
        report = verify_chain(session, world.bank_id)
        assert (report.length, report.faults, report.unsealed) == (len(kept), (), ())
        assert [record.id for record in decisions_of(session, world.maker)] == kept


def test_what_another_process_sealed_meanwhile_is_sealed_once(
    sessions: Sessions, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a decision's commit and its turn to be sealed the end of the day may seal all that waits."""
    kept: list[str] = []
    bring = sessions.shared_work.bring

    def late(name: str, items: Sequence[Any], work: Callable[[list[Any]], None]) -> None:
        with sessions.begin() as session:
            assert seal_waiting(session, world.bank_id) == 1
        bring(name, items, work)

    if sessions.engine.dialect.name != "sqlite":  # there the seal stands in the decision's own transaction
        monkeypatch.setattr(sessions.shared_work, "bring", late)
    for _ in range(2):  # the first begins the chain, the second finds it
        with sessions.begin() as session:
            kept.append(decide(session, world))
    monkeypatch.undo()
    with sessions.begin() as session:
        kept.append(decide(session, world))
    with sessions.read() as session:
        report = verify_chain(session, world.bank_id)
        assert (report.length, report.faults, report.unsealed) == (3, (), ())
        assert [record.id for record in decisions_of(session, world.maker)] == kept


@contextmanager
def _seals_refused(sessions: Sessions) -> Iterator[None]:
    """Refuse seals: SQLite by a trigger, since its driver is asked directly; elsewhere on the way to the driver."""
    if sessions.engine.dialect.name == "sqlite":
        with sessions.begin() as session:
            session.connection().exec_driver_sql(
                "CREATE TRIGGER no_seal BEFORE INSERT ON decision_seal BEGIN SELECT RAISE(ABORT, 'no seal'); END"
            )
        yield
        with sessions.begin() as session:
            session.connection().exec_driver_sql("DROP TRIGGER no_seal")
        return
    sa.event.listen(sessions.engine, "before_cursor_execute", _refuse_seals)
    yield
    sa.event.remove(sessions.engine, "before_cursor_execute", _refuse_seals)


def _refuse_seals(_: object, __: object, statement: str, *___: object) -> None:
    if "INSERT INTO decision_seal" in statement:
        raise sa.exc.OperationalError(statement, {}, Exception("database is locked"))


def test_many_writers_make_one_chain(sessions: Sessions, world: World) -> None:
    failures: list[BaseException] = []

    def write(writer: int) -> None:
        try:
            for number in range(10):
                with sessions.begin() as session:
                    decide(session, world, subject=f"{writer}:{number}")
                    if number % 2:
                        decide(session, world, subject=f"{writer}:{number}:again")
        except BaseException as failure:  # noqa: BLE001 - it is raised again below
            failures.append(failure)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with sessions.read() as session:
        report = verify_chain(session, world.bank_id)
        assert (report.faults, report.length) == ((), 120)
        assert len({row.digest for row in session.exec(select(DecisionSealRow)).all()}) == 120


def test_a_decision_replays_to_the_bit(sessions: Sessions, world: World) -> None:
    with sessions.begin() as session:
        decision_id = decide(session, world)
    with sessions.read() as session:
        replay = replay_decision(session, (INTEREST,), decision_id)
        assert (replay.same, replay.differences) == (True, ())


def test_a_decision_replays_after_the_file_is_copied(sqlite_sessions: Sessions, tmp_path: Path) -> None:
    with sqlite_sessions.begin() as session:
        world = make_world(session, password_hash="!")
        decision_id = decide(session, world)
    sqlite_sessions.engine.dispose()
    copied = tmp_path / "elsewhere" / "copied.db"
    copied.parent.mkdir()
    shutil.copyfile(str(sqlite_sessions.engine.url.database), copied)
    engine = open_engine(f"sqlite:///{copied}")
    with Sessions(engine).read() as session:
        assert replay_decision(session, (INTEREST,), decision_id).same
        assert verify_chain(session, world.bank_id).intact
    engine.dispose()


def test_a_decision_is_made_from_what_is_written_down(sessions: Sessions, world: World) -> None:
    def spelled(inputs: InterestInputs) -> InterestOutputs:
        return replace(interest(inputs), trace=(replace(interest(inputs).trace[0], value=str(inputs.principal_cny)),))

    kind = replace(INTEREST, decide=spelled)
    with sessions.begin() as session:
        recorded = record_decision(
            session, world.maker, kind, P0, subject="loan:P0", valid_on=VALID_ON, known_at=KNOWN_AT
        )
        assert recorded.outcome.trace[0].value == "3000000"  # not 3.00E+6, which a replay would not see
        assert replay_decision(session, (kind,), recorded.decision_id).same


def test_a_method_changed_without_a_new_version_is_found(sessions: Sessions, world: World) -> None:
    def rounded_down(inputs: InterestInputs) -> InterestOutputs:
        return replace(interest(inputs), total_cny=Decimal("116783.32"))

    with sessions.begin() as session:
        decision_id = decide(session, world)
    with sessions.read() as session:
        replay = replay_decision(session, (replace(INTEREST, decide=rounded_down),), decision_id)
        assert not replay.same
        assert replay.differences == ("/total_cny: recorded '116783.33', replayed '116783.32'",)
        with pytest.raises(NotApplicable, match="version 1"):
            replay_decision(session, (replace(INTEREST, version="2"),), decision_id)
        with pytest.raises(NotFound):
            replay_decision(session, (INTEREST,), "unknown")


def test_a_changed_record_does_not_replay(sessions: Sessions, world: World) -> None:
    with sessions.begin() as session:
        decision_id = decide(session, world)
    with sessions.begin() as session:
        without_triggers(session, "UPDATE decision SET inputs = replace(inputs, '0.0385', '0.0380')")
    with sessions.read() as session:
        replay = replay_decision(session, (INTEREST,), decision_id)
    assert not replay.same
    assert any("/total_cny" in difference for difference in replay.differences)


def test_floats_cannot_enter_the_record(sessions: Sessions, world: World) -> None:
    with pytest.raises(TypeError), sessions.begin() as session:
        decide(session, world, inputs=replace(P0, rate=0.0385))  # type: ignore[arg-type]
    with sessions.read() as session:
        assert session.exec(select(DecisionRow)).all() == []
