"""Backups taken while writers are at work, restored elsewhere: one whole state that verifies and replays."""

import hashlib
import os
import sqlite3
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from carbonfin.app.tables import all_tables
from carbonfin.kernel.cryptography import EcdsaSigner, new_ecdsa_pem, sha256_hex
from carbonfin.kernel.errors import CarbonFinError, Conflict, InvalidInput, NotFound
from carbonfin.storage import schema
from carbonfin.storage.backups import back_up, restore
from carbonfin.storage.decisions import (
    TrustedKeys,
    decisions_of,
    replay_decision,
    seal_waiting,
    sign_head,
    verify_signed_chain,
)
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.isolation import unguarded_tables
from tests.database_roles import APPLICATION, database_with_roles
from tests.postgres import Postgres, PostgresMissing, client_programs
from tests.storage.rows import TrialRow
from tests.storage.test_decisions import INTEREST, decide
from tests.storage.worlds import World, make_world

SIGNER = EcdsaSigner.from_pem(new_ecdsa_pem())
TRUSTED = TrustedKeys(fingerprints=(sha256_hex(SIGNER.public_key.encode()),))
BUSY_S = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A database at the head with a bank, and an empty one of the same kind."""

    engine: sa.Engine
    elsewhere: sa.Engine
    world: World


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    all_tables()
    if request.param == "sqlite":
        (tmp_path / "other").mkdir()
        yield from _place(f"sqlite:///{tmp_path / 'own.db'}", f"sqlite:///{tmp_path / 'other' / 'restored.db'}")
        return
    server: Postgres = request.getfixturevalue("postgres")
    try:
        programs = client_programs()
    except PostgresMissing as missing:
        pytest.skip(f"pg_dump: {missing}")
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    with server.database() as own, server.database() as elsewhere:
        yield from _place(own, elsewhere)


def _place(own: str, elsewhere: str) -> Iterator[Place]:
    engine, empty = open_engine(own), open_engine(elsewhere)
    schema.upgrade(engine)
    with Sessions(engine).begin() as session:
        world = make_world(session, password_hash="!")
    yield Place(engine=engine, elsewhere=empty, world=world)
    engine.dispose()
    empty.dispose()


def _differences(engine: sa.Engine) -> list[str]:
    return [one for one in schema.check(engine) if f"'{TrialRow.__tablename__}'" not in one]


def test_a_backup_under_load_is_one_whole_state(place: Place, tmp_path: Path) -> None:
    sessions = Sessions(place.engine)
    with sessions.begin() as session:
        decide(session, place.world)
    with sessions.begin() as session:
        at = datetime(2025, 6, 30, 16, tzinfo=UTC)
        sign_head(session, place.world.maker, SIGNER, business_date=date(2025, 6, 30), at=at)
    over, written, failures = threading.Event(), [], list[BaseException]()

    def write() -> None:
        try:
            while not over.is_set():
                with sessions.begin() as session:
                    written.append(decide(session, place.world))
        except BaseException as failure:  # noqa: BLE001 - it is looked at below
            failures.append(failure)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    over.wait(BUSY_S)
    before = len(written)
    backup = back_up(place.engine, tmp_path / "backup")
    after = len(written)
    over.wait(BUSY_S)
    over.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(written) > after, "writers went on after the backup"

    restored = restore(place.elsewhere, tmp_path / "backup", replaces=False)
    assert (restored.revision, restored.digest) == (schema.head_revision(), backup.digest)
    assert _differences(place.elsewhere) == []
    there = Sessions(place.elsewhere)
    with there.begin() as session:
        seal_waiting(session, place.world.bank_id)  # what was committed and not yet sealed at that moment
    with there.read() as session:
        report = verify_signed_chain(session, place.world.bank_id, TRUSTED)
        assert (report.faults, report.unsealed, report.signed_head_count) == ((), (), 1)
        assert before + 1 <= report.length <= after + 1 + len(threads)
        records = decisions_of(session, place.world.maker)
        assert all(replay_decision(session, (INTEREST,), record.id).same for record in records[:20])
    with there.begin() as session:
        decide(session, place.world)
    with pytest.raises(sa.exc.IntegrityError, match="append-only"), there.begin() as session:
        session.execute(sa.text("DELETE FROM decision"))


def test_a_backup_is_its_owners_with_a_digest_beside_it(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    backup = back_up(place.engine, file)
    beside = tmp_path / "backup.sha256"
    assert {stat.S_IMODE(one.stat().st_mode) for one in (file, beside)} == {0o600}
    assert backup.digest == hashlib.sha256(file.read_bytes()).hexdigest()
    subprocess.run(["sha256sum", "--check", "--strict", "backup.sha256"], cwd=tmp_path, check=True, capture_output=True)
    assert not [one for one in tmp_path.iterdir() if one.name.endswith(".part")]
    with pytest.raises(Conflict, match="there already"):
        back_up(place.engine, file)


def test_a_database_that_is_not_empty_is_left_alone_unless_told(place: Place, tmp_path: Path) -> None:
    back_up(place.engine, tmp_path / "backup")
    with Sessions(place.engine).begin() as session:
        decide(session, place.world)
    with pytest.raises(Conflict, match="not empty"):
        restore(place.engine, tmp_path / "backup", replaces=False)
    with Sessions(place.engine).read() as session:
        assert len(decisions_of(session, place.world.maker)) == 1
    restore(place.engine, tmp_path / "backup", replaces=True)
    with Sessions(place.engine).read() as session:
        assert decisions_of(session, place.world.maker) == ()
    assert _differences(place.engine) == []


def test_a_restore_that_fails_half_way_leaves_what_stood_there(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file passes every check made before, and fails while it is being read in."""
    file = tmp_path / "backup"
    back_up(place.engine, file)
    with Sessions(place.engine).begin() as session:
        decide(session, place.world)
    if place.engine.dialect.name == "postgresql":
        damaged = bytearray(file.read_bytes())
        damaged[len(damaged) // 2 :] = b"\x00" * (len(damaged) - len(damaged) // 2)
        file.write_bytes(damaged)
        (tmp_path / "backup.sha256").unlink()
        monkeypatch.setattr("carbonfin.storage.backups._revision_of", lambda *_: schema.head_revision())
    else:
        file.write_bytes(file.read_bytes()[:8192])
        (tmp_path / "backup.sha256").unlink()
    with pytest.raises(CarbonFinError):
        restore(place.engine, file, replaces=True)
    with Sessions(place.engine).read() as session:
        assert len(decisions_of(session, place.world.maker)) == 1
    assert _differences(place.engine) == []
    assert "carbonfin_replaced" not in sa.inspect(place.engine).get_schema_names()
    file.unlink()
    back_up(place.engine, file)
    restore(place.engine, file, replaces=True)
    assert _differences(place.engine) == []


@pytest.mark.postgres
@pytest.mark.parametrize("is_filled", [False, True], ids=["before it was filled", "after it was filled"])
def test_a_restore_that_was_cut_off_is_taken_up_again(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_filled: bool
) -> None:
    all_tables()
    server: Postgres = request.getfixturevalue("postgres")
    try:
        programs = client_programs()
    except PostgresMissing as missing:
        pytest.skip(f"pg_dump: {missing}")
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    with server.database() as own, server.database() as elsewhere:
        for place in _place(own, elsewhere):
            back_up(place.engine, tmp_path / "backup")
            with place.engine.begin() as connection:
                connection.exec_driver_sql("ALTER SCHEMA public RENAME TO carbonfin_replaced")
                connection.exec_driver_sql("CREATE SCHEMA public")
            if is_filled:
                schema.upgrade(place.engine)
            restore(place.engine, tmp_path / "backup", replaces=True)
            assert _differences(place.engine) == []
            assert "carbonfin_replaced" not in sa.inspect(place.engine).get_schema_names()


def test_a_damaged_backup_touches_nothing(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    back_up(place.engine, file)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(InvalidInput, match="digest"):
        restore(place.elsewhere, file, replaces=False)
    file.write_bytes(b"something else entirely")
    with pytest.raises(InvalidInput, match="no backup of a"):
        restore(place.elsewhere, file, replaces=False)
    with pytest.raises(NotFound):
        restore(place.elsewhere, tmp_path / "missing", replaces=False)
    assert sa.inspect(place.elsewhere).get_table_names() == []


def test_a_backup_of_a_newer_release_is_refused(place: Place, tmp_path: Path) -> None:
    with place.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    back_up(place.engine, tmp_path / "backup")
    with pytest.raises(InvalidInput, match="9999, which this release does not know"):
        restore(place.elsewhere, tmp_path / "backup", replaces=False)
    assert sa.inspect(place.elsewhere).get_table_names() == []


def test_an_older_backup_is_restored_as_it_is_and_upgraded(place: Place, tmp_path: Path) -> None:
    schema.downgrade(place.engine)
    older = back_up(place.engine, tmp_path / "backup")
    assert older.revision != schema.head_revision()
    restore(place.elsewhere, tmp_path / "backup", replaces=False)
    assert schema.current_revision(place.elsewhere) == older.revision
    schema.upgrade(place.elsewhere)
    assert _differences(place.elsewhere) == []


def test_nothing_is_left_where_a_backup_fails(place: Place, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="no tables"):
        back_up(place.elsewhere, tmp_path / "backup")
    with place.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
    with pytest.raises(CarbonFinError):
        back_up(place.engine, tmp_path / "backup")
    with pytest.raises(NotFound, match="no folder"):
        back_up(place.engine, tmp_path / "no" / "backup")
    assert [one.name for one in tmp_path.iterdir() if "backup" in one.name] == []


@pytest.mark.parametrize("place", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True)
def test_missing_or_old_programs_are_refused(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(NotFound, match="pg_dump is not on the path"):
        back_up(place.engine, tmp_path / "backup")
    old = folder / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n", encoding="ascii")
    old.chmod(0o755)
    with pytest.raises(InvalidInput, match="of version 9"):
        back_up(place.engine, tmp_path / "backup")


@pytest.mark.postgres
def test_the_owner_backs_up_every_row_and_the_applications_role_none(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{client_programs()}{os.pathsep}{os.environ['PATH']}")
    with ExitStack() as stack:
        addresses = stack.enter_context(database_with_roles(postgres))
        elsewhere = stack.enter_context(postgres.database())
        application, owner, other = map(open_engine, (addresses.application, addresses.owner, elsewhere))
        for engine in (application, owner, other):
            stack.callback(engine.dispose)
        with Sessions(application).as_operator().begin() as session:
            world = make_world(session, password_hash="!")
        with Sessions(application).within(world.maker).begin() as session:
            decide(session, world)
        with pytest.raises(InvalidInput, match=APPLICATION):
            back_up(application, tmp_path / "none")
        back_up(owner, tmp_path / "backup")
        restore(other, tmp_path / "backup", replaces=False)
        with Sessions(other).read() as session:
            assert len(decisions_of(session, world.maker)) == 1
        assert unguarded_tables(other) == ()
        with other.connect() as connection:
            named = connection.exec_driver_sql(
                "SELECT DISTINCT roles::text FROM pg_policies WHERE policyname = 'unscoped_owner'"
            ).scalars()
            assert list(named) == ["{carbonfin}"], "whoever owns the tables there, not where they came from"


def test_a_file_that_is_sqlite_but_not_ours_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other"
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE t (x)")
    connection.commit()
    connection.close()
    engine = open_engine(f"sqlite:///{tmp_path / 'own.db'}")
    with pytest.raises(InvalidInput, match="no backup of ours"):
        restore(engine, file, replaces=False)
    engine.dispose()
