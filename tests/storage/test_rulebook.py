"""Parameters at rest: by both dates, approved by two people."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa

from carbonfin.kernel.actors import Role
from carbonfin.kernel.errors import Conflict, MissingData, NotFound, NotPermitted
from carbonfin.rules.parameters import Grade, ParameterValue
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rulebook import ParameterRow, book_for, builtin_book, enter_parameter, propose_parameter
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


def test_a_proposed_value_decides_nothing_until_it_is_approved(sessions: Sessions, world: World) -> None:
    with sessions.begin() as session:
        propose_parameter(session, world.maker, HAIRCUT, reason="制度修订", at=NOW)
    with pytest.raises(MissingData):
        haircut(sessions, world.bank_id, known_at=datetime(2025, 3, 1, tzinfo=UTC))
    with pytest.raises(Conflict, match="already before the checkers"), sessions.begin() as session:
        propose_parameter(session, world.maker, replace(HAIRCUT, value="0.10"), reason="再提", at=NOW)


def test_the_database_itself_holds_four_eyes_and_history(sessions: Sessions, world: World) -> None:
    save(sessions, world, HAIRCUT)
    columns = [column.name for column in ParameterRow.__table__.columns if column.name != "id"]  # type: ignore[attr-defined]
    copied = ", ".join("maker_id" if name == "checker_id" else name for name in columns)
    copy = f"INSERT INTO parameter (id, {', '.join(columns)}) SELECT 'copy', {copied} FROM parameter"  # noqa: S608
    with pytest.raises(sa.exc.IntegrityError, match="four_eyes"), sessions.begin() as session:
        session.execute(sa.text(copy))
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), sessions.begin() as session:
        session.execute(sa.text("UPDATE parameter SET value = '0'"))
