"""Engines and sessions: SQLite in WAL with BEGIN IMMEDIATE, PostgreSQL through psycopg."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar, cast, overload

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import SessionTransaction
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.storage.asking import Asker
from carbonfin.storage.prepared import driver_for, driver_of, remember_driver, told_by_sqlite
from carbonfin.storage.shared_work import SharedWork
from carbonfin.storage.writers_turn import PATIENCE_S, WritersTurn

T = TypeVar("T")
_CACHE_KIB = 65_536
_SCOPE = "carbonfin_scope"
_READS_ONLY = "carbonfin_reads_only"
_TURN = "carbonfin_writers_turn"
_WAITS = "carbonfin_waits_for_turn"
_LAST_STEPS = "last_steps"
_FOLLOW_UPS = "follow_ups"
_UNIQUE_VIOLATION = "23505"
_BUSY_SQLSTATES = frozenset({"40001", "40P01", "55P03"})  # serialization failure, deadlock, lock not available


def open_engine(url: str, *, patience_s: float = PATIENCE_S) -> sa.Engine:
    """Open a database: `sqlite:///FILE` or `postgresql://…`; a writer waits so long for others, then is refused.

    On SQLite it waits for its turn and then for the file's own lock: up to twice so long in all.

    Raises:
        InvalidInput: Another kind of database, or SQLite without a file.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "postgresql":
        return sa.create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_size=8,
            max_overflow=32,
            pool_pre_ping=True,
            connect_args={"options": f"-c timezone=UTC -c lock_timeout={round(patience_s * 1000)}"},
        )
    engine = sa.create_engine(
        parsed.set(drivername="sqlite+pysqlite"),
        pool_size=8,
        max_overflow=32,
        execution_options={_TURN: WritersTurn(cast("str", parsed.database), patience_s=patience_s)},
    )
    event.listen(engine, "connect", partial(_prepare_sqlite, patience_s=patience_s))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _parsed(url: str) -> URL:
    try:
        parsed = sa.make_url(url)
        backend = parsed.get_backend_name()
    except sa.exc.ArgumentError as error:
        raise _refusal("it is not a URL") from error
    if backend not in {"sqlite", "postgresql"}:
        raise _refusal(f"{backend} is neither sqlite nor postgresql")
    if backend == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise _refusal("SQLite needs a file")
    return parsed


def _refusal(why: str) -> InvalidInput:
    return InvalidInput(
        f"the database URL cannot be used: {why}",
        zh="数据库地址无效",
        field="database_url",
        remedy="Write sqlite:///var/carbonfin.db or postgresql://user@host/name.",
        remedy_zh="请使用 sqlite:///var/carbonfin.db 或 postgresql://user@host/name。",
    )


def _prepare_sqlite(connection: Any, _: Any, *, patience_s: float) -> None:
    connection.isolation_level = None  # the driver must not open transactions of its own
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {round(patience_s * 1000)}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    """Begin; a writer takes the lock at once, since one that upgrades later fails instead of waiting."""
    options = connection.get_execution_options()
    reads_only = bool(options.get(_READS_ONLY))
    if options.get(_WAITS):
        options[_TURN].take()
    driver = driver_of(connection)  # by the driver itself: every request begins once or twice
    if connection.info.get(_READS_ONLY) is not reads_only:  # kept with the driver's connection, as the setting is
        driver.execute(f"PRAGMA query_only = {'ON' if reads_only else 'OFF'}")
        connection.info[_READS_ONLY] = reads_only
    beginning = "BEGIN" if reads_only else "BEGIN IMMEDIATE"
    try:
        driver.execute(beginning)
    except sqlite3.OperationalError as error:  # a writer may find the file locked
        raise told_by_sqlite(error, beginning) from error


class ScopeKind(StrEnum):
    """For whom transactions work: one organisation, whoever is at the door, or the operator of the platform."""

    ORGANIZATION = "organization"
    DOOR = "door"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which rows PostgreSQL shows to a transaction; see `carbonfin.storage.isolation`."""

    kind: ScopeKind
    organization_id: str = ""


class Sessions:
    """Hands out sessions: one transaction each, opened and closed at the edge of the program.

    On PostgreSQL a role that is bound by row-level security sees no row before a scope is named: `within`,
    `at_the_door` and `as_operator` give the same database with one. On SQLite a scope changes nothing.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.scope: Scope | None = None
        self.shared_work = SharedWork()
        options: dict[str, Any] = {_READS_ONLY: True}
        if engine.dialect.name == "postgresql":
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._turn: WritersTurn | None = engine.get_execution_options().get(_TURN)
        self._asker = Asker(engine) if engine.dialect.name == "sqlite" else None
        self._writing_engine = engine.execution_options(**{_WAITS: self._turn is not None})
        self._reading_engine = engine.execution_options(**options)

    def within(self, organization: Actor | str) -> "Sessions":
        """Give sessions that see the rows of one organisation, named by its identifier or by one who acts for it."""
        organization_id = organization if isinstance(organization, str) else organization.organization_id
        assert organization_id, "an organisation has an identifier"
        return self._scoped(Scope(kind=ScopeKind.ORGANIZATION, organization_id=organization_id))

    def at_the_door(self) -> "Sessions":
        """Give sessions that see what signing in needs: organisations, people, keys and signed-in sessions."""
        return self._scoped(Scope(kind=ScopeKind.DOOR))

    def as_operator(self) -> "Sessions":
        """Give sessions that see every organisation's rows: for administration of the platform and jobs over all."""
        return self._scoped(Scope(kind=ScopeKind.OPERATOR))

    def _scoped(self, scope: Scope) -> "Sessions":
        scoped = object.__new__(type(self))  # several times a request: a fifth of what `copy` takes
        scoped.__dict__.update(self.__dict__, scope=scope)
        return scoped

    def _open(self, bind: sa.Engine | sa.Connection) -> Session:
        return Session(bind, expire_on_commit=False, info={_SCOPE: self.scope})

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """Open a writing transaction: committed at the end of the block, rolled back when it raises.

        Raises:
            Conflict: Another writer held what this one needed for too long, or saved the same thing first.
        """
        with self._conflicts_told(), self._open(self._writing_engine) as session, session.begin():
            yield session
            _take_last_steps(session)
        self._follow_up(session)

    @contextmanager
    def begin_bare(self) -> Iterator[sa.Connection]:
        """Open a writing transaction on a connection alone, for what takes no steps at its end; otherwise as `begin`.

        Raises:
            Conflict: As `begin`.
        """
        with self._conflicts_told(), self._writing_engine.begin() as connection:
            _name_scope(connection, self.scope)
            yield connection
            _require_open(connection)

    def together(self, work: Callable[[Session], T]) -> T:
        """Do a writer's work, and return when it is committed; on SQLite with those who came meanwhile in one commit.

        SQLite has one writer at a time and each commit waits for the disk. Who comes meanwhile waits for the turn, and
        one of them does the work of all, each in a session and a savepoint of its own, so that what fails in one leaves
        the others as they are. Nobody is answered before the commit that holds their work.

        Raises:
            Conflict: As `begin`.
            Exception: What the work raised; nothing of it is kept.
        """
        if self._turn is None:
            with self.begin() as session:
                return work(session)
        task = _Task(work)
        pile = f"write {self.scope}"
        self.shared_work.bring(pile, [task], partial(self._work_off, pile))
        return cast("T", task.outcome(self))

    def _work_off(self, pile: str, tasks: "list[_Task]") -> None:
        try:
            with self._conflicts_told(), self._writing_engine.begin() as connection:
                tasks += self.shared_work.more(pile)
                for task in tasks:
                    self._work_off_one(connection, task)
                    _require_open(connection)
        except Exception as error:  # noqa: BLE001 - each of them raises it where it was asked for
            for task in tasks:
                task.fail(error)

    def _work_off_one(self, connection: sa.Connection, task: "_Task") -> None:
        savepoint = Session(
            connection, expire_on_commit=False, info={_SCOPE: self.scope}, join_transaction_mode="create_savepoint"
        )
        try:
            with self._conflicts_told(keeps_turn=True), savepoint as session, session.begin():
                task.take(session)
                _take_last_steps(session)
        except Exception as error:  # noqa: BLE001 - it is raised where the work was asked for
            task.fail(error)

    @contextmanager
    def _conflicts_told(self, *, keeps_turn: bool = False) -> Iterator[None]:
        try:
            yield
        except OperationalError as error:
            if _is_busy(error):
                raise Conflict(
                    "the database was busy with other writers",
                    zh="数据库正忙，本次操作未保存",
                    remedy="Send the request again.",
                    remedy_zh="请稍后重试。",
                ) from error
            raise
        except IntegrityError as error:
            if _is_duplicate(error):
                raise Conflict(
                    "the same thing was saved by another request",
                    zh="相同的内容已由其他操作保存",
                    remedy="Read it again before changing it.",
                    remedy_zh="请刷新后再操作。",
                ) from error
            raise
        finally:
            if self._turn is not None and not keeps_turn:
                self._turn.give_up()

    def _follow_up(self, session: Session) -> None:
        for follow_up in session.info.pop(_FOLLOW_UPS, ()):
            follow_up(self)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a reading transaction that sees one state of the database; writing in it is refused."""
        if self._asker is None:
            with self._open(self._reading_engine) as session, session.begin():
                yield session
            return
        # The transaction is the connection's: a session that is only asked prepared questions never begins one.
        with self._reading_engine.begin() as connection, self._open(connection) as session:
            remember_driver(session, connection)
            yield session

    @property
    def answers_at_once(self) -> bool:
        """Whether what is asked by `ask` is answered from memory, so that the event loop may ask it itself."""
        return self._asker is not None

    def ask(self, question: sa.Select[Any], values: Mapping[str, Any]) -> sa.Row[Any] | None:
        """Give the one row that answers a question built once, None where there is none; in a transaction of its own.

        What every request asks by itself (whose key is this, is the market still the same) costs half of what it does
        through a session, which is made for values that are changed and written back.
        """
        if self._asker is not None:
            return self._asker.ask(question, values)  # one statement is a transaction by itself
        with self._reading_engine.begin() as connection:
            _name_scope(connection, self.scope)
            return connection.execute(question, values).one_or_none()


class _Task:
    """One writer's work in a shared transaction, and how it came out."""

    def __init__(self, work: Callable[[Session], Any]) -> None:
        self._work = work
        self._context = copy_context()  # another thread may do the work, in the asker's own context
        self._session: Session | None = None
        self._given: Any = None
        self._error: Exception | None = None

    def take(self, session: Session) -> None:
        """Do the work."""
        self._given = self._context.run(self._work, session)
        self._session = session

    def fail(self, error: Exception) -> None:
        """Note why nothing is kept; the first reason counts."""
        self._error = self._error or error

    def outcome(self, sessions: Sessions) -> Any:
        """Give what the work gave, once it is committed, and take the steps that follow."""
        if self._error is not None:
            raise self._error
        assert self._session is not None, "work that did not fail was done"
        sessions._follow_up(self._session)  # noqa: SLF001 - two halves of one thing
        return self._given


def _require_open(connection: sa.Connection) -> None:
    """See that SQLite's transaction still stands: a full disk ends it, and to commit none would go well."""
    if connection.dialect.name == "sqlite" and not driver_of(connection).in_transaction:
        message = "the database gave up the transaction"
        raise RuntimeError(message)


def _take_last_steps(session: Session) -> None:
    for last_step in session.info.pop(_LAST_STEPS, ()):
        last_step(session)


@event.listens_for(Session, "after_begin")
def _tell_scope(session: Session, transaction: SessionTransaction, connection: sa.Connection) -> None:
    """Tell PostgreSQL for whom the transaction works; it forgets at the end, so the pool's next user learns nothing."""
    if not transaction.nested:
        _name_scope(connection, session.info.get(_SCOPE))


def _name_scope(connection: sa.Connection, scope: Scope | None) -> None:
    if scope is None or connection.dialect.name != "postgresql":
        return
    connection.exec_driver_sql(
        "SELECT set_config('app.scope', %s, true), set_config('app.organization', %s, true)",
        (scope.kind.value, scope.organization_id),
    )


@overload
def execute_prepared(  # type: ignore[overload-overlap]  # only what writes needs the cursor, to count its rows
    session: Session, statement: sa.Select[Any], values: Mapping[str, Any]
) -> sa.Result[Any]: ...


@overload
def execute_prepared(
    session: Session, statement: sa.Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]]
) -> sa.CursorResult[Any]: ...


def execute_prepared(session: Session, statement: sa.Executable, values: Any) -> sa.Result[Any]:
    """Execute a statement on tables that was built once, as the busiest paths do.

    What the session has yet to write is written first; by itself it does so only for queries of row classes.
    """
    if isinstance(statement, sa.Select):
        asked = driver_for(session)
        if asked is not None:
            return asked.rows(statement, values)
    session.flush()
    return session.connection().execute(statement, values)


def before_commit(session: Session, step: Callable[[Session], None]) -> None:
    """Have a step taken at the end of the transaction, so that locks it takes are held only briefly."""
    steps: list[Callable[[Session], None]] = session.info.setdefault(_LAST_STEPS, [])
    steps.append(step)


def after_commit(session: Session, step: Callable[[Sessions], None]) -> None:
    """Have a step taken when the transaction is committed, with the sessions it came from; never if it is not.

    The process may die in between, so the step must be one that others can make up for.
    """
    steps: list[Callable[[Sessions], None]] = session.info.setdefault(_FOLLOW_UPS, [])
    steps.append(step)


def _is_busy(error: OperationalError) -> bool:
    return getattr(error.orig, "sqlstate", None) in _BUSY_SQLSTATES or "database is locked" in str(error.orig)


def _is_duplicate(error: IntegrityError) -> bool:
    return getattr(error.orig, "sqlstate", None) == _UNIQUE_VIOLATION or "UNIQUE constraint failed" in str(error.orig)
