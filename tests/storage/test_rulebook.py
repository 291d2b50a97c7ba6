"""Parameters at rest: by both dates, approved by two people."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import china_day
from carbonfin.kernel.errors import Conflict, InvalidInput, MissingData, NotFound, NotPermitted
from carbonfin.rules.parameters import Grade, ParameterBook, ParameterValue
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure, Trace, checked_trace
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer
from carbonfin.storage.decisions import Recorded, load_decision, record_decision, replay_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rulebook import (
    PARAMETER_APPROVAL,
    ParameterRow,
    book_for,
    builtin_book,
    enter_parameter,
    propose_parameter,
    verify_parameters,
)
from tests.storage.worlds import NOW, World, make_world

HAIRCUT = ParameterValue(
    key="trial.haircut_ratio",
    scope="CEA",
    value="0.40",
    unit="ratio",
    valid_from=date(2024, 1, 1),
    valid_to=None,
    known_from=date(2024, 1, 1),
    document="示例银行押品管理办法",
    article="第三条",
    grade=Grade.SAMPLE,
    confirmed=False,
    approved_by=(),
    note="",
    title_zh="折扣系数",
    title_en="haircut",
)
CORRECTION = replace(HAIRCUT, value="0.45", known_from=date(2025, 3, 1))


@pytest.fixture
def world(sessions: Sessions) -> World:
    with sessions.begin() as session:
        return make_world(session, password_hash="!")


def save(sessions: Sessions, world: World, value: ParameterValue) -> ParameterValue:
    with sessions.begin() as session:
        return enter_parameter(session, world.maker, world.checker, value, reason="制度修订", at=NOW)


def haircut(sessions: Sessions, organization_id: str, *, known_at: datetime) -> Decimal:
    with sessions.read() as session:
        book = book_for(session, organization_id, packages=("collateral",))
    return book.on("trial.haircut_ratio", scope="CEA", valid_on=date(2024, 6, 1), known_at=known_at).decimal


def test_a_value_is_found_by_both_dates(sessions: Sessions, world: World) -> None:
    saved = save(sessions, world, HAIRCUT)
    save(sessions, world, CORRECTION)
    assert saved == replace(HAIRCUT, approved_by=("maker", "checker"))
    assert haircut(sessions, world.bank_id, known_at=datetime(2025, 2, 28, tzinfo=UTC)) == Decimal("0.40")
    assert haircut(sessions, world.bank_id, known_at=datetime(2025, 3, 1, tzinfo=UTC)) == Decimal("0.45")


def test_another_banks_values_are_not_seen(sessions: Sessions, world: World) -> None:
    save(sessions, world, HAIRCUT)
    with pytest.raises(MissingData):
        haircut(sessions, world.other_bank_id, known_at=datetime(2025, 3, 1, tzinfo=UTC))


def test_built_in_values_are_there_for_every_bank(sessions: Sessions, world: World) -> None:
    built_in = builtin_book("pricing").values()
    assert built_in
    with sessions.read() as session:
        assert book_for(session, world.bank_id, packages=("pricing",)).values() == built_in


def test_a_banks_own_value_wins_over_a_built_in_one_known_alike(sessions: Sessions, world: World) -> None:
    given = next(value for value in builtin_book("pricing").values() if value.unit == "date")
    own = replace(given, value="2031-12-31" if given.unit == "date" else "0.123", document="本行制度")
    save(sessions, world, own)
    with sessions.read() as session:
        book = book_for(session, world.bank_id, packages=("pricing",))
    known_at = datetime.combine(given.known_from, datetime.max.time(), tzinfo=UTC)
    assert book.on(given.key, scope=given.scope, valid_on=given.valid_from, known_at=known_at).document == "本行制度"


def test_saving_again_changes_nothing_and_another_value_is_a_conflict(sessions: Sessions, world: World) -> None:
    assert save(sessions, world, HAIRCUT) == save(sessions, world, HAIRCUT)
    with pytest.raises(Conflict):
        save(sessions, world, replace(HAIRCUT, value="0.39"))


def test_maker_and_checker_are_two_people_of_the_bank(sessions: Sessions, world: World) -> None:
    foreign = replace(world.stranger, role=Role.CHECKER)
    for checker, error in ((world.maker, NotPermitted), (foreign, NotFound)):
        with pytest.raises(error), sessions.begin() as session:
            enter_parameter(session, world.maker, checker, HAIRCUT, reason="制度修订", at=NOW)
    with sessions.read() as session:
        assert session.exec(sa.select(ParameterRow)).all() == []


KNOWN = ParameterBook([HAIRCUT])
TODAY = china_day(NOW)
PROPOSED = replace(HAIRCUT, value="0.35", known_from=TODAY, confirmed=True)


def propose(sessions: Sessions, world: World, value: ParameterValue, *, at: datetime = NOW) -> str:
    with sessions.begin() as session:
        return propose_parameter(session, world.maker, value, reason="制度修订", at=at, known=KNOWN).id


def approve(
    sessions: Sessions, checker: Actor, approval_id: str, *, at: datetime = NOW, accepted: tuple[str, ...] = ()
) -> None:
    with sessions.begin() as session:
        approvals.approve(
            session, checker, approval_id, kinds=(PARAMETER_APPROVAL,), answer=Answer(reason="已核对", accepted=accepted),
            at=at, business_date=TODAY,
        )  # fmt: skip


def test_a_proposed_value_decides_nothing_until_another_person_approves_it(sessions: Sessions, world: World) -> None:
    approval_id = propose(sessions, world, PROPOSED)
    with pytest.raises(MissingData):
        haircut(sessions, world.bank_id, known_at=NOW)
    with pytest.raises(Conflict, match="already before the checkers"):
        propose(sessions, world, replace(PROPOSED, value="0.10"))
    with pytest.raises(NotPermitted):
        approve(sessions, world.maker, approval_id)
    approve(sessions, world.checker, approval_id)
    assert haircut(sessions, world.bank_id, known_at=NOW) == Decimal("0.35")
    with pytest.raises(MissingData):
        haircut(sessions, world.bank_id, known_at=NOW - timedelta(days=1))
    with pytest.raises(Conflict):
        approve(sessions, world.checker, approval_id)


def test_a_value_that_leaves_days_out_is_refused_unless_the_gap_is_declared(sessions: Sessions, world: World) -> None:
    save(sessions, world, replace(HAIRCUT, valid_to=date(2024, 12, 31)))
    late = replace(PROPOSED, valid_from=date(2025, 2, 1))
    with pytest.raises(InvalidInput, match="ends on 2024-12-31, the next begins on 2025-02-01"):
        propose(sessions, world, late)
    with sessions.begin() as session:
        declared = propose_parameter(
            session, world.maker, late, reason="重新施行", at=NOW, known=KNOWN, declares_gap=True
        )  # fmt: skip
    approve(sessions, world.checker, declared.id)
    with sessions.read() as session:
        assert len(book_for(session, world.bank_id, packages=()).values()) == 2
        assert verify_parameters(session, world.bank_id) == (2, ())


def test_a_gap_that_opened_meanwhile_forbids_the_approval(sessions: Sessions, world: World) -> None:
    late = replace(PROPOSED, valid_from=date(2025, 2, 1))
    waiting = propose(sessions, world, late)
    save(sessions, world, replace(HAIRCUT, valid_to=date(2024, 12, 31)))
    with pytest.raises(InvalidInput, match="ends on 2024-12-31, the next begins on 2025-02-01"):
        approve(sessions, world.checker, waiting)


def test_an_overlap_that_came_about_meanwhile_forbids_the_approval(sessions: Sessions, world: World) -> None:
    """Two values of one day known, each sound alone: the second would speak of days the first speaks of."""
    tomorrow = PROPOSED.known_from + timedelta(days=1)
    first = replace(PROPOSED, valid_from=date(2024, 1, 1), known_from=tomorrow)
    second = replace(first, valid_from=date(2024, 7, 19))
    waiting = [propose(sessions, world, value) for value in (first, second)]
    approve(sessions, world.checker, waiting[0])
    with pytest.raises(InvalidInput, match="overlaps the version"):
        approve(sessions, world.checker, waiting[1])
    with sessions.read() as session:
        assert verify_parameters(session, world.bank_id) == (1, ())


def test_two_corrections_of_one_day_are_told_apart_to_the_minute(sessions: Sessions, world: World) -> None:
    minute = timedelta(minutes=1)
    noon = NOW + 150 * minute
    for value, at in (("0.35", NOW), ("0.30", noon)):
        approval_id = propose(sessions, world, replace(PROPOSED, value=value), at=at - minute)
        approve(sessions, world.checker, approval_id, at=at)
    with pytest.raises(MissingData):
        haircut(sessions, world.bank_id, known_at=NOW - minute)
    assert haircut(sessions, world.bank_id, known_at=NOW) == Decimal("0.35")
    assert haircut(sessions, world.bank_id, known_at=noon - minute) == Decimal("0.35")
    assert haircut(sessions, world.bank_id, known_at=noon) == Decimal("0.30")
    with sessions.read() as session:
        assert verify_parameters(session, world.bank_id) == (2, ())
    with pytest.raises(Conflict):  # of one instant there is one
        approve(sessions, world.checker, propose(sessions, world, PROPOSED, at=noon), at=noon)


def test_an_instant_moved_behind_the_database_is_found(sessions: Sessions, world: World) -> None:
    approve(sessions, world.checker, propose(sessions, world, PROPOSED))
    earlier = NOW - timedelta(hours=1)
    (moved,) = (replace(PROPOSED, approved_by=("maker", "checker"), known_at=earlier),)
    with sessions.begin() as session:
        without_triggers(session)
        session.execute(sa.update(ParameterRow).values(known_at=earlier, digest=moved.digest))
    with sessions.read() as session:
        count, (fault,) = verify_parameters(session, world.bank_id)
    assert (count, fault.en) == (1, "it is not the value that was approved")


def test_a_value_for_a_later_day_is_known_from_that_days_beginning_and_stands_once(
    sessions: Sessions, world: World
) -> None:
    tomorrow = replace(PROPOSED, known_from=TODAY + timedelta(days=1))
    approve(sessions, world.checker, propose(sessions, world, tomorrow))
    midnight = datetime(2025, 7, 1, 16, tzinfo=UTC)
    assert haircut(sessions, world.bank_id, known_at=midnight) == Decimal("0.35")
    with pytest.raises(MissingData):
        haircut(sessions, world.bank_id, known_at=midnight - timedelta(minutes=1))
    with pytest.raises(Conflict, match="known from 2025-07-02"):
        propose(sessions, world, replace(tomorrow, value="0.20"))


def test_the_database_itself_keeps_one_value_of_a_day(sessions: Sessions, world: World) -> None:
    save(sessions, world, HAIRCUT)
    columns = ", ".join(column.name for column in ParameterRow.__table__.columns if column.name != "id")  # type: ignore[attr-defined]
    copy = f"INSERT INTO parameter (id, {columns}) SELECT 'copy', {columns} FROM parameter"  # noqa: S608
    with pytest.raises(Conflict, match="same thing"), sessions.begin() as session:
        session.execute(sa.text(copy))


def test_the_source_is_kept_with_its_number_and_words(sessions: Sessions, world: World) -> None:
    quoted = replace(PROPOSED, document_number="示银发〔2025〕1号", quote="折扣系数不低于百分之三十五。")
    approve(sessions, world.checker, propose(sessions, world, quoted))
    with sessions.read() as session:
        (found,) = book_for(session, world.bank_id, packages=()).values()
        assert verify_parameters(session, world.bank_id) == (1, ())
    assert (found.document_number, found.quote) == ("示银发〔2025〕1号", "折扣系数不低于百分之三十五。")
    assert found.clause == "示例银行押品管理办法 示银发〔2025〕1号 第三条"


def test_a_value_is_never_known_before_its_approval(sessions: Sessions, world: World) -> None:
    with pytest.raises(InvalidInput, match="before its approval"):
        propose(sessions, world, replace(PROPOSED, known_from=TODAY - timedelta(days=1)))
    approval_id = propose(sessions, world, PROPOSED)
    with pytest.raises(InvalidInput, match="before its approval"):
        approve(sessions, world.checker, approval_id, at=NOW + timedelta(days=1))
    with sessions.read() as session:
        assert book_for(session, world.bank_id, packages=()).values() == []


def test_a_draft_that_breaks_a_rule_is_not_proposed(sessions: Sessions, world: World) -> None:
    with pytest.raises(InvalidInput, match="no parameter"):
        propose(sessions, world, replace(PROPOSED, key="trial.unknown"))
    with pytest.raises(InvalidInput, match="unit is missing"):
        propose(sessions, world, replace(PROPOSED, unit=""))


def test_an_unconfirmed_value_is_accepted_by_name(sessions: Sessions, world: World) -> None:
    approval_id = propose(sessions, world, replace(PROPOSED, confirmed=False))
    with pytest.raises(Conflict, match="unconfirmed"):
        approve(sessions, world.checker, approval_id)
    approve(sessions, world.checker, approval_id, accepted=("trial.haircut_ratio[CEA]",))
    assert haircut(sessions, world.bank_id, known_at=NOW) == Decimal("0.35")


@pytest.mark.parametrize("digest", ["kept", "made to fit"])
def test_a_value_edited_behind_the_database_is_found_at_once(sessions: Sessions, world: World, digest: str) -> None:
    """The triggers are taken away, the row edited, with its own digest left as it was or made to fit."""
    save(sessions, world, HAIRCUT)
    assert haircut(sessions, world.bank_id, known_at=NOW) == Decimal("0.40")
    with sessions.read() as session:
        assert verify_parameters(session, world.bank_id) == (1, ())
    forged = replace(HAIRCUT, value="0.01")
    with sessions.begin() as session:
        without_triggers(session)
        session.execute(
            sa.text("UPDATE parameter SET value = '0.01', digest = :digest"),
            {"digest": HAIRCUT.digest if digest == "kept" else forged.digest},
        )
    with sessions.read() as session:
        count, (fault,) = verify_parameters(session, world.bank_id)
        assert (count, fault.name) == (1, "trial.haircut_ratio[CEA]")
        assert fault.en.startswith("the value does not fit" if digest == "kept" else "it is not the value")
    if digest == "kept":
        with pytest.raises(Conflict, match="edited at rest"):
            haircut(sessions, world.bank_id, known_at=NOW)


def without_triggers(session: Session, table: str = "parameter") -> None:
    """Take the append-only triggers of a table away, as somebody with the database in hand could."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        return
    triggers = sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :name")
    for (name,) in session.execute(triggers, {"name": table}).all():
        session.execute(sa.text(f"DROP TRIGGER {name}"))


def test_the_database_itself_holds_four_eyes_and_history(sessions: Sessions, world: World) -> None:
    save(sessions, world, HAIRCUT)
    columns = [column.name for column in ParameterRow.__table__.columns if column.name != "id"]  # type: ignore[attr-defined]
    copied = ", ".join("maker_id" if name == "checker_id" else name for name in columns)
    copy = f"INSERT INTO parameter (id, {', '.join(columns)}) SELECT 'copy', {copied} FROM parameter"  # noqa: S608
    with pytest.raises(sa.exc.IntegrityError, match="four_eyes"), sessions.begin() as session:
        session.execute(sa.text(copy))
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), sessions.begin() as session:
        session.execute(sa.text("UPDATE parameter SET value = '0'"))


# --- a correction of the same day -----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """What a trial decision asks: a value of collateral in fen, and the haircut that was known."""

    value_fen: int
    haircut: ParameterValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    cover_fen: int
    trace: Trace


def _covered(cover: Cover) -> Covered:
    kept = cover.value_fen * (1 - cover.haircut.decimal)
    return Covered(cover_fen=int(kept), trace=checked_trace([Figure.of_parameter("haircut", cover.haircut)]))


COVER = DecisionKind(name="trial.cover", version="1", inputs=Cover, outputs=Covered, decide=_covered)


def covered(sessions: Sessions, world: World, *, at: datetime) -> Recorded[Covered]:
    with sessions.begin() as session:
        book = book_for(session, world.bank_id, packages=())
        haircut = book.on("trial.haircut_ratio", scope="CEA", valid_on=TODAY, known_at=at)
        asked = Cover(value_fen=1_000_000, haircut=haircut)
        return record_decision(session, world.maker, COVER, asked, subject="1", valid_on=TODAY, known_at=at)


def test_a_decision_of_the_morning_replays_after_a_correction_at_noon(sessions: Sessions, world: World) -> None:
    """By hand: 10,000.00 元 at 35 % keeps 6,500.00 元, at 30 % 7,000.00 元."""
    noon = NOW + timedelta(minutes=150)
    approve(sessions, world.checker, propose(sessions, world, PROPOSED))
    morning = covered(sessions, world, at=NOW + timedelta(minutes=30))
    approve(sessions, world.checker, propose(sessions, world, replace(PROPOSED, value="0.30"), at=noon), at=noon)
    asked_again = covered(sessions, world, at=noon - timedelta(minutes=1))
    afternoon = covered(sessions, world, at=noon)
    assert [one.outcome.cover_fen for one in (morning, asked_again, afternoon)] == [650_000, 650_000, 700_000]
    with sessions.read() as session:
        for one in (morning, asked_again, afternoon):
            assert replay_decision(session, [COVER], one.decision_id).same
        used = [load_decision(session, world.maker, one.decision_id).figure("haircut").parameter for one in
                (morning, asked_again, afternoon)]  # fmt: skip
    digests = [one.digest for one in used if one is not None]
    assert digests[0] == digests[1] != digests[2], "the trace says which value was used"
