"""Backups of the whole database while it is at work, and restoring one elsewhere.

SQLite is copied by its own online backup, PostgreSQL by `pg_dump` in the custom format, both in one consistent state.
The jobs library's own tables are left out: they can be thrown away. A file beside each backup holds its SHA-256, as
`sha256sum --check` reads it.
"""

import hashlib
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound
from carbonfin.storage.isolation import RULES, policy_statements, role_facts
from carbonfin.storage.postgres_tools import PostgresTools
from carbonfin.storage.schema import known_revisions

_SQLITE = "sqlite"
_MAGIC = {_SQLITE: b"SQLite format 3\x00", "postgresql": b"PGDMP"}
_CHUNK_BYTES = 1 << 20
_BUSY_S = 10.0
_LOCK_WAIT_MS = 4000
_ASIDE = "carbonfin_replaced"
"""Where what is being replaced stands in PostgreSQL until the backup is whole in its place."""
_OWNERS_POLICY = " unscoped_owner "
_TABLE = re.compile(r" POLICY public (\w+) unscoped_owner ")
_VERSION_ROW = re.compile(r"^COPY [^\n]*alembic_version[^\n]*\n(?P<revision>\S+)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """One backup as it lies in its file.

    Attributes:
        revision: Of the schema inside.
        digest: SHA-256 of the file.
        digest_is_checked: Whether it was compared with the one written beside it.
    """

    file: str
    engine: str
    revision: str
    byte_count: int
    digest: str
    digest_is_checked: bool = True


def back_up(engine: sa.Engine, file: Path) -> Backup:
    """Write a backup that only its owner can read, with its digest beside it; writers go on meanwhile.

    Raises:
        Conflict: The file is there already, or the database has no tables of ours.
        NotFound: PostgreSQL's tools are missing.
        InvalidInput: They are older than the server, or the connected role would not see every row.
    """
    digest_file = _digest_file(file)
    for one in (file, digest_file):
        if one.exists():
            raise _exists(one)
    if not sa.inspect(engine).has_table("organization"):
        raise Conflict("the database has no tables to back up", zh="数据库尚未建立，无可备份", field="database_url")
    with _in_the_making(file) as made:
        if engine.dialect.name == _SQLITE:
            _copy_sqlite(Path(str(engine.url.database)), made)
        else:
            _require_every_row(engine)
            PostgresTools(engine).dump(made)
        revision = _revision_of(made, engine)
    digest = _digest(file)
    _write_private(digest_file, f"{digest}  {file.name}\n")
    return Backup(
        file=str(file), engine=engine.dialect.name, revision=revision, byte_count=file.stat().st_size, digest=digest
    )


def restore(engine: sa.Engine, file: Path, *, replaces: bool) -> Backup:
    """Put a backup into a database, whole or not at all: what stood there stays until the backup is in its place.

    Args:
        engine: The database to fill, opened as the owner of its tables.
        file: The backup.
        replaces: Whether what stands there may be thrown away.

    Raises:
        NotFound: The file, or PostgreSQL's tools, are missing.
        InvalidInput: The file is no backup for this kind of database, is damaged, or is of a newer release.
        Conflict: The database is not empty and nothing may be replaced, or it is in use.
    """
    backup = _read(engine, file)
    if not replaces and sa.inspect(engine).get_table_names():
        raise Conflict(
            "the database is not empty",
            zh="目标数据库不为空，未作任何更改",
            field="--replace",
            remedy="Restore into an empty database, or say --replace to throw away what stands there.",
            remedy_zh="请恢复到空数据库；确认可丢弃现有内容时使用 --replace。",
        )
    try:
        if engine.dialect.name == _SQLITE:
            engine.dispose()
            _copy_sqlite(file, Path(str(engine.url.database)))
        else:
            _fill_postgres(engine, file)
    except (sqlite3.OperationalError, SQLAlchemyError) as error:
        raise Conflict(
            f"the database is in use: {type(error).__name__}",
            zh="数据库正在使用，未能恢复",
            remedy="Stop the service and its worker, and restore again.",
            remedy_zh="请先停止服务与作业进程，再重新恢复。",
        ) from error
    return backup


def _read(engine: sa.Engine, file: Path) -> Backup:
    """See what a file is before anything is touched."""
    if not file.is_file():
        raise NotFound(f"there is no file {file}", zh=f"没有文件 {file}", field="file")
    name = engine.dialect.name
    with file.open("rb") as opened:
        if not opened.read(16).startswith(_MAGIC[name]):
            raise _refusal(f"{file} is no backup of a {name} database", f"{file} 不是 {name} 数据库的备份")
    digest = _digest(file)
    expected = _digest_file(file)
    if expected.exists() and expected.read_text(encoding="utf-8").split(" ", 1)[0] != digest:
        raise _refusal(f"{file} does not fit the digest beside it", f"{file} 与其摘要不符，文件已损坏或被改动")
    revision = _revision_of(file, engine)
    if revision not in known_revisions():
        raise InvalidInput(
            f"the backup is at revision {revision}, which this release does not know",
            zh=f"备份的版本 {revision} 比本软件更新",
            field="file",
            remedy="Restore it with the release that made it, or a later one.",
            remedy_zh="请使用制作该备份的版本或更新的版本恢复。",
        )
    return Backup(
        file=str(file),
        engine=name,
        revision=revision,
        byte_count=file.stat().st_size,
        digest=digest,
        digest_is_checked=expected.exists(),
    )


def _copy_sqlite(source: Path, target: Path) -> None:
    """Copy a database in one step of SQLite's online backup: one state, whatever is written meanwhile."""
    if not target.exists():
        _write_private(target, "")
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S)) as read,
        closing(sqlite3.connect(target, timeout=_BUSY_S)) as written,
    ):
        read.backup(written, pages=-1)
        written.execute("PRAGMA journal_mode = DELETE")  # the backup is one file; the service sets WAL again
        (sound,) = written.execute("PRAGMA quick_check").fetchone()
        assert sound == "ok", f"the copy is damaged: {sound}"


def _fill_postgres(engine: sa.Engine, file: Path) -> None:
    """Set aside what stands there, fill an empty schema, and let the old one go, or put it back where that fails."""
    tools = PostgresTools(engine)
    _set_aside(engine)
    try:
        _fill_empty(engine, file, tools)
    except BaseException:
        _change_schemas(engine, "DROP SCHEMA public CASCADE", f"ALTER SCHEMA {_ASIDE} RENAME TO public")
        raise
    _change_schemas(engine, f"DROP SCHEMA {_ASIDE} CASCADE")


def _set_aside(engine: sa.Engine) -> None:
    """Move the whole schema out of the way; what an earlier restore that was cut off left there is put back first."""
    names = sa.inspect(engine).get_schema_names()
    if _ASIDE in names:
        is_filled = sa.inspect(engine).has_table("alembic_version")
        leftover = (f"DROP SCHEMA {_ASIDE} CASCADE",) if is_filled else (
            "DROP SCHEMA IF EXISTS public CASCADE", f"ALTER SCHEMA {_ASIDE} RENAME TO public",
        )  # fmt: skip
        _change_schemas(engine, *leftover)
    _change_schemas(engine, f"ALTER SCHEMA public RENAME TO {_ASIDE}", "CREATE SCHEMA public")


def _change_schemas(engine: sa.Engine, *statements: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_LOCK_WAIT_MS}")
        for statement in statements:
            connection.exec_driver_sql(statement)


def _fill_empty(engine: sa.Engine, file: Path, tools: PostgresTools) -> None:
    """Fill the schema in one transaction, and open the rows to the role that owns the tables here."""
    # These policies name the owner's role, which is another one where a backup is restored elsewhere.
    guarded = [found[1] for entry in tools.restore(file, leaves_out=_OWNERS_POLICY) if (found := _TABLE.search(entry))]
    with engine.begin() as connection:
        for table in guarded:
            for statement in policy_statements(table, RULES[table]):
                if statement.startswith("CREATE POLICY unscoped_owner"):
                    connection.exec_driver_sql(statement)


def _require_every_row(engine: sa.Engine) -> None:
    facts = role_facts(engine)
    if facts is not None and facts.is_bound:
        raise InvalidInput(
            f"the role {facts.name} sees one organisation's rows at a time, so its backup would be empty",
            zh=f"数据库角色 {facts.name} 受行级安全约束，备份会缺少数据",
            field="database_url",
            remedy="Back up as the owner of the tables.",
            remedy_zh="请以表的所有者执行备份。",
        )


def _revision_of(file: Path, engine: sa.Engine) -> str:
    if engine.dialect.name != _SQLITE:
        found = _VERSION_ROW.search(PostgresTools(engine).data_of(file, "alembic_version"))
        revision = None if found is None else found["revision"]
    else:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            try:
                row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            except sqlite3.DatabaseError as error:
                why, zh = f"{file} is no backup of ours or is damaged", f"{file} 不是本系统的备份或已损坏"
                raise _refusal(why, zh) from error
        revision = None if row is None else str(row[0])
    if revision is None:
        raise _refusal("it was not made by `carbonfin db upgrade`", "数据库不是由 carbonfin db upgrade 建立的")
    return revision


@contextmanager
def _in_the_making(file: Path) -> Iterator[Path]:
    """Give a private file beside the one wanted, which takes its place when all went well and vanishes when not."""
    made = file.with_name(f".{file.name}.part")
    with suppress(FileNotFoundError):
        made.unlink()
    try:
        _write_private(made, "")
        yield made
        os.link(made, file)  # refuses a file that came in between
    except FileExistsError as error:
        raise _exists(file) from error
    except FileNotFoundError as error:
        raise NotFound(f"there is no folder {file.parent}", zh=f"没有目录 {file.parent}", field="file") from error
    finally:
        made.unlink(missing_ok=True)


def _write_private(file: Path, text: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(text)


def _digest_file(file: Path) -> Path:
    return file.with_name(f"{file.name}.sha256")


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _exists(file: Path) -> Conflict:
    return Conflict(
        f"{file} is there already",
        zh=f"{file} 已存在",
        field="file",
        remedy="Name another file; a backup is never overwritten.",
        remedy_zh="请另取文件名，备份不会被覆盖。",
    )


def _refusal(why: str, zh: str) -> InvalidInput:
    return InvalidInput(why, zh=zh, field="file")
