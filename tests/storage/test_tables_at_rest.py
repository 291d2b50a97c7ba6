"""Decision tables at rest: proven sound, approved by two people, found by both dates, never edited."""

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.errors import Conflict, InvalidInput, MissingData, NotPermitted
from carbonfin.rules import validate as rules_validate
from carbonfin.rules.decide import Decision, decide
from carbonfin.rules.plain_tables import table_from_plain, table_from_text
from carbonfin.rules.record import canonical_json
from carbonfin.rules.table_files import tables_from_toml, tables_to_toml
from carbonfin.rules.tables import DecisionTable, TableVersion, plain_table
from carbonfin.rules.validate import Validation, validate
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer, Approval, ApprovalState
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rulebook import (
    TABLE_APPROVAL,
    DecisionTableRow,
    builtin_book,
    builtin_tables,
    propose_table,
    table_book_for,
    verify_tables,
)
from tests.rules.samples import sample_table
from tests.storage.test_rulebook import without_triggers
from tests.storage.worlds import NOW, World, make_world

TODAY = date(2025, 7, 1)  # the day of NOW in China
GRADE = {"grade": "code{A,B,C}"}
LAST_YEAR = date(2024, 1, 1)


def margins(*rows: tuple[str, str]) -> DecisionTable:
    return sample_table(GRADE, rows)


SOUND = margins(("null", "20"), ("A", "-30"), ("B", "-10"), ("C", "0"))
CORRECTED = margins(("null", "20"), ("A", "-30"), ("B", "-5"), ("C", "0"))
DRAFT = TableVersion(table=SOUND, valid_from=LAST_YEAR, known_from=TODAY)


@pytest.fixture
def world(sessions: Sessions) -> World:
    with sessions.begin() as session:
        return make_world(session, password_hash="!")


def propose(sessions: Sessions, maker: Actor, draft: TableVersion = DRAFT, *, at: datetime = NOW) -> Approval:
    with sessions.begin() as session:
        return propose_table(session, maker, draft, reason="产品办法修订", at=at, contracts=())


def approve(
    sessions: Sessions, checker: Actor, approval: Approval, *, at: datetime = NOW, accepted: tuple[str, ...] = ()
) -> Approval:
    with sessions.begin() as session:
        return approvals.approve(
            session, checker, approval.id, kinds=(TABLE_APPROVAL,), at=at,
            answer=Answer(reason="同意", accepted=accepted), business_date=date(2025, 6, 30),
        )  # fmt: skip


def enter(sessions: Sessions, world: World, draft: TableVersion = DRAFT, *, at: datetime = NOW) -> Approval:
    return approve(sessions, world.checker, propose(sessions, world.maker, draft, at=at), at=at)


def version_on(
    sessions: Sessions, organization_id: str, valid_on: date, known_at: datetime, builtin: Sequence[TableVersion] = ()
) -> TableVersion:
    with sessions.read() as session:
        book = table_book_for(session, organization_id, builtin=builtin)
    return book.on("sample.table", valid_on=valid_on, known_at=known_at)


def stored(sessions: Sessions) -> Sequence[DecisionTableRow]:
    with sessions.read() as session:
        return session.execute(sa.select(DecisionTableRow)).scalars().all()


def test_an_approved_table_is_found_by_both_dates_with_its_two_people(sessions: Sessions, world: World) -> None:
    assert enter(sessions, world).state is ApprovalState.EFFECTIVE
    found = version_on(sessions, world.bank_id, TODAY, NOW)
    assert (found.table, found.table.digest) == (SOUND, SOUND.digest)
    assert (found.valid_from, found.known_from, found.approved_by) == (LAST_YEAR, TODAY, ("maker", "checker"))
    with pytest.raises(MissingData):
        version_on(sessions, world.bank_id, TODAY, NOW - timedelta(days=1))
    with pytest.raises(MissingData):
        version_on(sessions, world.bank_id, LAST_YEAR - timedelta(days=1), NOW)
    with pytest.raises(MissingData):
        version_on(sessions, world.other_bank_id, TODAY, NOW)


def test_the_digest_is_that_of_the_stored_text_by_plain_sha_256(sessions: Sessions, world: World) -> None:
    enter(sessions, world)
    (row,) = stored(sessions)
    assert hashlib.sha256(row.content.encode()).hexdigest() == row.digest == SOUND.digest


def test_a_table_corrected_today_leaves_what_was_known_yesterday(sessions: Sessions, world: World) -> None:
    enter(sessions, world)
    later = NOW + timedelta(days=10)
    enter(sessions, world, TableVersion(table=CORRECTED, valid_from=LAST_YEAR, known_from=TODAY + timedelta(days=10)),
          at=later)  # fmt: skip
    before = version_on(sessions, world.bank_id, TODAY, NOW)
    after = version_on(sessions, world.bank_id, TODAY, later)
    answers = [decide(version.table, {"grade": "B"}) for version in (before, after)]
    assert [answer.output for answer in answers if isinstance(answer, Decision)] == [-10, -5]
    assert answers[0].table_digest == SOUND.digest
    assert answers[1].table_digest == CORRECTED.digest  # why it differs: another text of the table
    assert after.known_from == TODAY + timedelta(days=10)


def test_an_own_table_wins_over_a_built_in_one_known_alike(sessions: Sessions, world: World) -> None:
    builtin = [TableVersion(table=CORRECTED, valid_from=LAST_YEAR, valid_to=None, known_from=TODAY)]
    assert version_on(sessions, world.bank_id, TODAY, NOW, builtin).table == CORRECTED
    enter(sessions, world)
    assert version_on(sessions, world.bank_id, TODAY, NOW, builtin).table == SOUND


def test_an_own_table_wins_over_a_built_in_one_known_later_and_only_where_it_speaks(
    sessions: Sessions, world: World
) -> None:
    tomorrow = TODAY + timedelta(days=1)
    before = LAST_YEAR - timedelta(days=400)
    builtin = [TableVersion(table=CORRECTED, valid_from=before, known_from=one) for one in (before, tomorrow)]
    enter(sessions, world)
    later = NOW + timedelta(days=5)
    assert version_on(sessions, world.bank_id, TODAY, later, builtin).table == SOUND
    assert version_on(sessions, world.bank_id, before, later, builtin) == builtin[1]
    assert version_on(sessions, world.bank_id, TODAY, NOW - timedelta(days=1), builtin) == builtin[0]
    assert version_on(sessions, world.other_bank_id, TODAY, NOW, builtin) == builtin[0]


def test_built_in_tables_are_read_from_the_files_beside_the_parameters() -> None:
    assert [one.table.name for one in builtin_tables("collateral", "pricing")] == ["collateral.haircut"]
    keys = {value.key for value in builtin_book("collateral").values()}
    assert "collateral.holding_right" in keys
    assert "collateral.haircut" not in keys, "a file of tables is none of parameters"


def test_a_proposed_table_decides_nothing_and_can_be_withdrawn(sessions: Sessions, world: World) -> None:
    waiting = propose(sessions, world.maker)
    assert stored(sessions) == []
    with pytest.raises(Conflict, match="already before the checkers"):
        propose(sessions, world.maker, replace(DRAFT, table=CORRECTED))
    with sessions.begin() as session:
        approvals.withdraw(session, world.maker, waiting.id, reason="有误", at=NOW)
    with pytest.raises(Conflict):
        approve(sessions, world.checker, waiting)
    assert stored(sessions) == []
    enter(sessions, world, replace(DRAFT, table=CORRECTED))
    assert version_on(sessions, world.bank_id, TODAY, NOW).table == CORRECTED


def test_an_unsound_table_is_refused_with_the_input_that_shows_it(sessions: Sessions, world: World) -> None:
    gapped = margins(("null", "20"), ("A", "-30"), ("B", "-10"))
    (gap,) = (one for one in validate(gapped).findings if one.is_fatal)
    assert gap.counter_example == {"grade": "C"}
    with pytest.raises(InvalidInput, match="may not be published") as refused:
        propose(sessions, world.maker, replace(DRAFT, table=gapped))
    assert gap.zh in refused.value.zh
    with sessions.read() as session:
        assert approvals.waiting_for(session, world.checker, (TABLE_APPROVAL,)) == ()


def test_soundness_is_looked_at_again_when_the_table_is_applied(
    sessions: Sessions, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    gapped = replace(DRAFT, table=margins(("null", "20"), ("A", "-30")))
    with monkeypatch.context() as blind:
        blind.setattr(
            "carbonfin.storage.rulebook.table_drafts.validate", lambda _: Validation(findings=(), nodes_count=0)
        )
        waiting = propose(sessions, world.maker, gapped)
    with pytest.raises(InvalidInput, match="may not be published"):
        approve(sessions, world.checker, waiting)
    with sessions.read() as session:
        assert approvals.load_approval(session, world.maker, waiting.id).state is ApprovalState.PROPOSED
    assert stored(sessions) == []


def test_a_table_is_never_in_force_before_its_approval(sessions: Sessions, world: World) -> None:
    with pytest.raises(InvalidInput, match="before its approval"):
        propose(sessions, world.maker, replace(DRAFT, known_from=TODAY - timedelta(days=1)))
    waiting = propose(sessions, world.maker)
    with pytest.raises(InvalidInput, match="before its approval"):
        approve(sessions, world.checker, waiting, at=NOW + timedelta(days=1))
    assert stored(sessions) == []
    assert approve(sessions, world.checker, waiting).state is ApprovalState.EFFECTIVE


def unconfirmed(table: DecisionTable, *places: int) -> DecisionTable:
    rows = [
        replace(row, clause=replace(row.clause, article=f"第{place}条", confirmed=False)) if place in places else row
        for place, row in enumerate(table.rows)
    ]
    return replace(table, rows=tuple(rows))


def test_who_approves_accepts_every_unconfirmed_clause_by_name(sessions: Sessions, world: World) -> None:
    draft = replace(DRAFT, table=unconfirmed(SOUND, 1, 3))
    approval = propose(sessions, world.maker, draft)
    for accepted in ((), ("示例 第1条",)):
        with pytest.raises(Conflict, match="示例 第3条") as refused:
            approve(sessions, world.checker, approval, accepted=accepted)
        assert "示例 第3条" in refused.value.zh
    with pytest.raises(MissingData):
        version_on(sessions, world.maker.organization_id, TODAY, NOW)
    approve(sessions, world.checker, approval, accepted=("示例 第1条", "示例 第3条"))
    assert version_on(sessions, world.maker.organization_id, TODAY, NOW).table == draft.table
    with sessions.read() as session:
        (override,) = approvals.overrides_of(session, world.checker)
    assert override.approval is not None
    assert override.approval.accepted == ("示例 第1条", "示例 第3条")


def test_days_out_of_order_and_a_second_version_with_the_same_days_are_refused(
    sessions: Sessions, world: World
) -> None:
    with pytest.raises(InvalidInput, match="lies before valid_from"):
        propose(sessions, world.maker, replace(DRAFT, valid_to=LAST_YEAR - timedelta(days=1)))
    tomorrow = replace(DRAFT, known_from=TODAY + timedelta(days=1))
    enter(sessions, world, tomorrow)
    with pytest.raises(Conflict, match="known from 2025-07-02"):
        propose(sessions, world.maker, replace(tomorrow, table=CORRECTED))


def test_a_version_that_leaves_days_out_is_refused_before_it_is_published(sessions: Sessions, world: World) -> None:
    year = replace(DRAFT, valid_to=date(2024, 12, 31))
    enter(sessions, world, year)
    late = replace(DRAFT, table=CORRECTED, valid_from=date(2025, 2, 1))
    with pytest.raises(InvalidInput, match="ends on 2024-12-31, the next begins on 2025-02-01"):
        propose(sessions, world.maker, late)
    waiting = propose(sessions, world.maker, replace(late, valid_from=date(2025, 1, 1), valid_to=date(2025, 1, 31)))
    joined = propose(sessions, world.maker, late)  # with what waits it would join
    with pytest.raises(InvalidInput, match="ends on 2024-12-31, the next begins on 2025-02-01"):
        approve(sessions, world.checker, joined)
    approve(sessions, world.checker, waiting)
    assert approve(sessions, world.checker, joined).state is ApprovalState.EFFECTIVE


def test_a_declared_gap_is_published(sessions: Sessions, world: World) -> None:
    enter(sessions, world, replace(DRAFT, valid_to=date(2024, 12, 31)))
    with sessions.begin() as session:
        late = replace(DRAFT, table=CORRECTED, valid_from=date(2025, 2, 1))
        asked = propose_table(session, world.maker, late, reason="重新施行", at=NOW, contracts=(), declares_gap=True)
    approve(sessions, world.checker, asked)
    with pytest.raises(MissingData):
        version_on(sessions, world.bank_id, date(2025, 1, 15), NOW)
    assert version_on(sessions, world.bank_id, date(2025, 2, 1), NOW).table == CORRECTED
    with sessions.read() as session:
        assert verify_tables(session, world.bank_id) == (2, ())


def test_a_gap_that_a_version_declares_itself_need_not_be_declared_beside_it(sessions: Sessions, world: World) -> None:
    enter(sessions, world, replace(DRAFT, valid_to=date(2024, 12, 31)))
    late = replace(DRAFT, table=CORRECTED, valid_from=date(2025, 2, 1))
    with pytest.raises(InvalidInput, match="no own version from 2025-01-01"):
        propose(sessions, world.maker, late)
    declared = replace(late, declares_gap=True)
    approve(sessions, world.checker, propose(sessions, world.maker, declared))
    with sessions.read() as session:
        first, second = table_book_for(session, world.bank_id).versions(DRAFT.table.name)
        assert verify_tables(session, world.bank_id) == (2, ())
    assert (first.declares_gap, second.declares_gap) == (True, True), "so that a file of either says so again"
    assert tables_from_toml(tables_to_toml([second]), file_name="out.toml")[0].declares_gap


def test_a_table_proposed_at_once_is_validated_once(
    sessions: Sessions, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []

    def counted(table: DecisionTable, nodes_max: int) -> Any:
        looked.append(table.name)
        return search(table, nodes_max)

    search = rules_validate._Search
    monkeypatch.setattr(rules_validate, "_Search", counted)
    waiting = propose(sessions, world.maker, DRAFT)
    assert looked == [DRAFT.table.name]
    approve(sessions, world.checker, waiting)
    assert looked == [DRAFT.table.name] * 2, "and once again on the day it is approved"


def test_two_versions_known_from_one_later_day_do_not_overlap(sessions: Sessions, world: World) -> None:
    tomorrow = replace(DRAFT, known_from=TODAY + timedelta(days=1))
    enter(sessions, world, tomorrow)
    with pytest.raises(InvalidInput, match="overlaps the version from 2024-01-01 on, both known from 2025-07-02"):
        propose(sessions, world.maker, replace(tomorrow, table=CORRECTED, valid_from=date(2025, 1, 1)))
    enter(sessions, world, replace(DRAFT, table=CORRECTED, valid_from=date(2025, 1, 1)))  # of today, known earlier


def test_two_corrections_of_one_day_are_told_apart_to_the_minute(sessions: Sessions, world: World) -> None:
    enter(sessions, world)
    minute = timedelta(minutes=1)
    later = NOW + 90 * minute
    enter(sessions, world, replace(DRAFT, table=CORRECTED), at=later)

    def known(at: datetime) -> DecisionTable:
        return version_on(sessions, world.bank_id, TODAY, at).table

    assert known(NOW) == known(later - minute) == SOUND
    assert known(later) == CORRECTED
    with pytest.raises(MissingData):
        known(NOW - minute)
    with sessions.read() as session:
        assert verify_tables(session, world.bank_id) == (2, ())
    with sessions.begin() as session:
        without_triggers(session, "decision_table")
        session.execute(
            sa.update(DecisionTableRow)
            .where(col(DecisionTableRow.known_at) == later)
            .values(known_at=later - 30 * minute)
        )
    with sessions.read() as session:
        count, (fault,) = verify_tables(session, world.bank_id)
    assert (count, fault.en) == (2, "it is not the version that was approved")


def test_a_version_for_a_later_day_is_known_from_that_days_beginning(sessions: Sessions, world: World) -> None:
    enter(sessions, world, replace(DRAFT, known_from=TODAY + timedelta(days=1)))
    midnight = datetime(2025, 7, 1, 16, tzinfo=UTC)
    assert version_on(sessions, world.bank_id, TODAY, midnight).known_at is None
    with pytest.raises(MissingData):
        version_on(sessions, world.bank_id, TODAY, midnight - timedelta(minutes=1))


def test_maker_and_checker_are_two_people_with_the_roles_for_it(sessions: Sessions, world: World) -> None:
    waiting = propose(sessions, world.maker)
    with pytest.raises(NotPermitted):
        approve(sessions, replace(world.maker, role=Role.CHECKER), waiting)
    with pytest.raises(NotPermitted):
        approve(sessions, replace(world.checker, role=Role.OFFICER), waiting)
    with pytest.raises(NotPermitted):
        propose(sessions, replace(world.maker, role=Role.AUDITOR), replace(DRAFT, known_from=TODAY + timedelta(days=1)))


def test_of_two_approvals_at_the_same_instant_one_wins(sessions: Sessions, world: World) -> None:
    waiting = propose(sessions, world.maker)
    start = threading.Barrier(2)
    ends: list[object] = []

    def decide_it() -> None:
        start.wait()
        try:
            ends.append(approve(sessions, world.checker, waiting).state)
        except Conflict:
            ends.append(Conflict)

    threads = [threading.Thread(target=decide_it) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, ends)) == sorted(map(str, (Conflict, ApprovalState.EFFECTIVE)))
    assert len(stored(sessions)) == 1


def test_the_database_itself_holds_four_eyes_and_history(sessions: Sessions, world: World) -> None:
    enter(sessions, world)
    columns = [column.name for column in DecisionTableRow.__table__.columns if column.name != "id"]  # type: ignore[attr-defined]
    copied = ", ".join("maker_id" if name == "checker_id" else name for name in columns)
    copy = f"INSERT INTO decision_table (id, {', '.join(columns)}) SELECT 'copy', {copied} FROM decision_table"  # noqa: S608
    with pytest.raises(sa.exc.IntegrityError, match="four_eyes"), sessions.begin() as session:
        session.execute(sa.text(copy))
    for change in ("UPDATE decision_table SET content = '{}'", "DELETE FROM decision_table"):
        with pytest.raises(sa.exc.IntegrityError, match="append-only"), sessions.begin() as session:
            session.execute(sa.text(change))


def test_a_table_comes_back_from_its_plain_values() -> None:
    assert table_from_plain(plain_table(SOUND)) == SOUND
    assert table_from_text(canonical_json(plain_table(SOUND))) == SOUND


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"colour": "red"}, "colour"),
        ({"hit_policy": "best"}, "hit_policy"),
        ({"row": "R1"}, "row"),
        ({"row": ["R1"]}, r"row\[0\] is no object"),
        ({"title_zh": 1}, "title_zh"),
        ({"row": [plain_table(SOUND)["row"][0] | {"confirmed": "true"}]}, r"row\[0\].confirmed"),
        ({"row": [plain_table(SOUND)["row"][0] | {"when": [1]}]}, r"row\[0\].when"),
        ({"input": [{"name": "grade", "title_zh": "等级", "title_en": "grade", "domain": "text"}]}, "no domain"),
    ],
)
def test_plain_values_that_are_no_table_are_refused_by_name(change: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        table_from_plain({**plain_table(SOUND), **change})


def test_a_part_left_out_and_a_text_that_is_no_json_are_refused() -> None:
    with pytest.raises(InvalidInput, match="hit_policy is missing"):
        table_from_plain({key: value for key, value in plain_table(SOUND).items() if key != "hit_policy"})
    with pytest.raises(InvalidInput, match="no JSON"):
        table_from_text("{")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("content = replace(content, '-30', '-90')", "the content does not fit its digest"),
        ("content = '{'", "the content does not fit its digest"),
        ("valid_from = '2023-01-01'", "it is not the version that was approved"),
        ("digest = 'made up'", "the content does not fit its digest"),
    ],
)
def test_a_table_edited_behind_the_database_is_found_at_once(
    sessions: Sessions, world: World, change: str, why: str
) -> None:
    """The triggers are taken away and the row edited: `rules verify` names it, and no decision reads what was forged."""
    enter(sessions, world)
    with sessions.read() as session:
        assert verify_tables(session, world.bank_id) == (1, ())
    with sessions.begin() as session:
        without_triggers(session, "decision_table")
        session.execute(sa.text(f"UPDATE decision_table SET {change}"))  # noqa: S608 - own texts
    with sessions.read() as session:
        count, (fault,) = verify_tables(session, world.bank_id)
        assert (count, fault.name, fault.en) == (1, "sample.table", why)
    if "digest" in why:
        with pytest.raises(Conflict, match="edited at rest"):
            version_on(sessions, world.bank_id, TODAY, NOW)
