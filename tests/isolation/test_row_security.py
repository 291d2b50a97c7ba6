"""PostgreSQL alone keeps organisations apart: no service and no policy of ours stands before these statements."""

import ast
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import carbonfin
from carbonfin.app.tables import all_tables
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound
from carbonfin.storage import schema
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.grants import grant_application_role, isolation_warnings
from carbonfin.storage.isolation import RULES, Holding, policy_statements
from tests.database_roles import APPLICATION, OWNER, database_with_roles, product_tables
from tests.isolation.conftest import KeptApart
from tests.isolation.worlds import names_its_organization, rows_of
from tests.postgres import Postgres

_POLICIES = (
    "SELECT tablename, policyname, permissive, roles::text, cmd, qual, with_check FROM pg_policies ORDER BY 1, 2"
)
_NAMING = sorted(name for name in RULES if names_its_organization(name))
_NO_RIGHT = "42501"  # insufficient privilege, or a row against a policy
_OPERATORS = {"carbonfin.app.cli", "carbonfin.app.demo.run", "carbonfin.app.metrics"}
"""Where, besides administration and jobs, every organisation's rows may be asked for."""


@contextmanager
def _opened(url: str) -> Iterator[Sessions]:
    engine = open_engine(url)
    try:
        yield Sessions(engine)
    finally:
        engine.dispose()


@pytest.fixture
def sessions_of_application(kept_apart: KeptApart) -> Iterator[Sessions]:
    with _opened(kept_apart.addresses.application) as sessions:
        yield sessions


def _tables_of_the_product() -> set[str]:
    return {table.name for table in all_tables().sorted_tables if not table.name.startswith("trial")}


def test_every_table_has_a_rule() -> None:
    assert set(RULES) == _tables_of_the_product()
    for table in all_tables().sorted_tables:
        if table.name in RULES and names_its_organization(table.name):
            nullable = RULES[table.name].holding is Holding.OWN_OR_PUBLIC
            assert table.c.organization_id.nullable is nullable, table.name


@pytest.mark.postgres
def test_the_migrations_make_the_policies_of_the_rules(postgres: Postgres) -> None:
    with postgres.database() as url, postgres.database() as other:
        migrated, declared = open_engine(url), open_engine(other)
        schema.upgrade(migrated)
        own = [table for table in all_tables().sorted_tables if table.name in RULES]
        with declared.begin() as connection:
            all_tables().create_all(connection, tables=own)
            for name, rule in RULES.items():
                for statement in policy_statements(name, rule):
                    connection.exec_driver_sql(statement)
        found = []
        for engine in (migrated, declared):
            with engine.connect() as connection:
                found.append([tuple(row) for row in connection.exec_driver_sql(_POLICIES)])
        assert found[0] == found[1]
        assert len(found[0]) >= 3 * len(RULES)
        schema.downgrade(migrated, to="0002")
        with migrated.connect() as connection:
            assert connection.exec_driver_sql(_POLICIES).all() == []
        migrated.dispose()
        declared.dispose()


@pytest.mark.postgres
def test_a_bank_sees_no_row_of_another_in_any_table(kept_apart: KeptApart, sessions_of_application: Sessions) -> None:
    """The count is of every row of the database, read by the superuser, against what each scope is shown."""
    world = kept_apart.world
    looked_at = foreign = own_rows = 0
    with _opened(kept_apart.addresses.superuser) as everything:
        for own, other in ((world.first, world.second), (world.second, world.first)):
            for name in _NAMING:
                belongs = sa.text(f"SELECT count(*) FROM {name} WHERE organization_id = :id")  # noqa: S608 - own names
                with everything.read() as session:
                    theirs = session.execute(belongs, {"id": other.organization_id}).scalar_one()
                    whole = session.execute(belongs, {"id": own.organization_id}).scalar_one()
                assert min(whole, theirs) > 0, f"{name} needs a row of each bank for this test to say anything"
                with sessions_of_application.within(own.organization_id).read() as session:
                    shown = session.execute(belongs, {"id": own.organization_id}).scalar_one()
                    reader = RULES[name].reader
                    unaddressed = "" if reader is None else f" AND {reader} <> :id"
                    strange = session.execute(
                        sa.text(f"SELECT count(*) FROM {name} WHERE organization_id <> :id{unaddressed}"),  # noqa: S608 - own names
                        {"id": own.organization_id},
                    ).scalar_one()
                assert shown == whole, name
                looked_at += 1
                own_rows += shown
                foreign += strange
    print(f"{looked_at} looks into tables, {own_rows} own rows shown, {foreign} foreign rows shown")  # noqa: T201
    assert foreign == 0


@pytest.mark.postgres
def test_children_are_shown_with_their_parents(kept_apart: KeptApart, sessions_of_application: Sessions) -> None:
    world = kept_apart.world
    counts = {}
    for house in (world.first, world.second, world.bureau):
        with sessions_of_application.within(house.organization_id).read() as session:
            connection = session.connection()
            counts[house.organization_id] = tuple(
                rows_of(connection, name) for name in ("portfolio_line", "subsidy_report_line", "web_session")
            )
    assert counts[world.first.organization_id] == (12, 0, 5)
    assert counts[world.second.organization_id] == (12, 0, 5)
    assert counts[world.bureau.organization_id][1] == 12, "four lines of the first report and eight of the second"
    assert counts[world.bureau.organization_id][2] == 1


@pytest.mark.postgres
def test_the_bureau_reads_applications_of_its_world_and_nothing_else_of_a_bank(
    kept_apart: KeptApart, sessions_of_application: Sessions
) -> None:
    bureau = kept_apart.world.bureau.organization_id
    foreign = {}
    with sessions_of_application.within(bureau).read() as session:
        for name in _NAMING:
            condition = f"SELECT count(*) FROM {name} WHERE organization_id <> :id"  # noqa: S608 - own names
            foreign[name] = session.execute(sa.text(condition), {"id": bureau}).scalar_one()
    assert {name: count for name, count in foreign.items() if count} == {"subsidy_application": 8}
    with (
        sessions_of_application.within(bureau).begin() as session,
        pytest.raises(sa.exc.ProgrammingError, match="row-level security"),
    ):
        session.execute(
            sa.text(
                "INSERT INTO subsidy_application SELECT 'x', organization_id, 'x', scheme, applicant_usci, note_number, "
                "submitted_at, facts, digest, is_sample FROM subsidy_application LIMIT 1"
            )
        )


@pytest.mark.postgres
def test_a_bank_reads_what_it_was_told_and_writes_none_of_it(
    kept_apart: KeptApart, sessions_of_application: Sessions
) -> None:
    """Both banks were told of four applications by the one bureau; neither sees the other's four."""
    world = kept_apart.world
    by_bureau = sa.text("SELECT count(*) FROM subsidy_outcome WHERE organization_id = :id")
    copied = "SELECT 'x', organization_id, bank_id, report_id, application_id, sequence + 1, quarter, as_of, told_at, "
    for house in (world.first, world.second):
        with sessions_of_application.within(house.organization_id).read() as session:
            assert session.execute(by_bureau, {"id": world.bureau.organization_id}).scalar_one() >= 4
            strange = "SELECT count(*) FROM subsidy_outcome WHERE bank_id <> :id AND organization_id <> :id"
            assert session.execute(sa.text(strange), {"id": house.organization_id}).scalar_one() == 0
        with (
            sessions_of_application.within(house.organization_id).begin() as session,
            pytest.raises(sa.exc.ProgrammingError, match="row-level security"),
        ):
            session.execute(
                sa.text(
                    f"INSERT INTO subsidy_outcome {copied} verdict, calculated_cny, proposed_cny, granted_cny, details "
                    "FROM subsidy_outcome WHERE organization_id <> bank_id LIMIT 1"
                )
            )


@pytest.mark.postgres
def test_without_a_scope_no_row_is_seen(sessions_of_application: Sessions) -> None:
    with sessions_of_application.read() as session:
        seen = {name: rows_of(session.connection(), name) for name in RULES}
    assert {name: count for name, count in seen.items() if count} == {}


@pytest.mark.postgres
def test_at_the_door_only_what_signing_in_needs(sessions_of_application: Sessions) -> None:
    with sessions_of_application.at_the_door().read() as session:
        seen = {name for name in RULES if rows_of(session.connection(), name)}
    public = {"fx_rate", "holiday", "holiday_notice", "rate", "quote"}
    assert seen - public == {
        "organization",
        "user_account",
        "api_key",
        "web_session",
        "second_factor",
        "security_event",
    }


@pytest.mark.postgres
def test_a_scope_ends_with_its_transaction(kept_apart: KeptApart) -> None:
    engine = sa.create_engine(
        sa.make_url(kept_apart.addresses.application).set(drivername="postgresql+psycopg"), pool_size=1, max_overflow=0
    )
    sessions = Sessions(engine)
    with sessions.within(kept_apart.world.first.organization_id).begin() as session:
        first = session.connection().exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        assert rows_of(session.connection(), "party") > 0
        with session.begin_nested():
            assert rows_of(session.connection(), "party") > 0
    with sessions.begin() as session:
        assert session.connection().exec_driver_sql("SELECT pg_backend_pid()").scalar_one() == first
        assert rows_of(session.connection(), "party") == 0
    with suppress(RuntimeError), sessions.as_operator().begin() as session:
        assert rows_of(session.connection(), "party") > 0
        raise RuntimeError
    with sessions.read() as session:
        assert rows_of(session.connection(), "party") == 0
    counted = sa.text("SELECT count(*) AS parties FROM party").columns(sa.column("parties")).subquery().select()
    scoped = sessions.within(kept_apart.world.first.organization_id).ask(counted, {})
    bare = sessions.ask(counted, {})
    assert scoped is not None
    assert bare is not None
    assert (scoped.parties > 0, bare.parties) == (True, 0)
    engine.dispose()


@pytest.mark.postgres
@pytest.mark.parametrize("name", _NAMING)
def test_a_foreign_row_is_neither_written_nor_moved_nor_removed(
    name: str, kept_apart: KeptApart, sessions_of_application: Sessions
) -> None:
    """Refused by policy, by privilege, or nothing is hit: never a foreign row changed."""
    first, second = kept_apart.world.first.organization_id, kept_apart.world.second.organization_id
    attempts = {
        "take over": f"UPDATE {name} SET organization_id = :own WHERE organization_id = :other",  # noqa: S608 - own names
        "give away": f"UPDATE {name} SET organization_id = :other",  # noqa: S608 - own names
        "remove": f"DELETE FROM {name} WHERE organization_id = :other",  # noqa: S608 - own names
        "lock": f"SELECT 1 FROM {name} WHERE organization_id = :other FOR UPDATE",  # noqa: S608 - own names
    }
    outcomes: dict[str, Any] = {}
    for what, statement in attempts.items():
        try:
            with sessions_of_application.within(first).begin() as session:
                hit = session.connection().execute(sa.text(statement), {"own": first, "other": second})
                outcomes[what] = hit.rowcount
        except sa.exc.ProgrammingError as refused:
            outcomes[what] = getattr(refused.orig, "sqlstate", "")
    assert outcomes.pop("give away") == _NO_RIGHT
    assert set(outcomes.values()) <= {0, _NO_RIGHT}
    column_names = [column.name for column in all_tables().tables[name].c]
    listed = ", ".join(column_names)
    shown = ", ".join(":other" if column == "organization_id" else column for column in column_names)
    copied = sa.text(f"INSERT INTO {name} ({listed}) SELECT {shown} FROM {name} LIMIT 1")  # noqa: S608 - own names
    with (
        pytest.raises(sa.exc.ProgrammingError, match="row-level security"),
        sessions_of_application.within(first).begin() as session,
    ):
        session.execute(copied, {"other": second})


@pytest.mark.postgres
def test_the_role_of_the_application_can_neither_change_nor_remove_what_is_appended(kept_apart: KeptApart) -> None:
    with _opened(kept_apart.addresses.application) as sessions:
        for table in all_tables().sorted_tables:
            for verb in ("UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"):
                with sessions.read() as session:
                    may = session.execute(
                        sa.text("SELECT has_table_privilege(:name, :verb)"), {"name": table.name, "verb": verb}
                    ).scalar_one() if table.name in RULES else False  # fmt: skip
                expected = verb in {"UPDATE", "DELETE"} and not table.info.get("append_only") and table.name in RULES
                assert may is expected, f"{verb} {table.name}"
        assert isolation_warnings(sessions.engine, product_tables()) == ()


@pytest.mark.postgres
def test_the_owner_without_a_scope_sees_every_row_and_within_one_only_its_own(kept_apart: KeptApart) -> None:
    """So a migration, and the release before this one, reach all rows, and this release is bound even as the owner."""
    world = kept_apart.world
    with _opened(kept_apart.addresses.owner) as sessions, _opened(kept_apart.addresses.superuser) as everything:
        with everything.read() as session:
            whole = {name: rows_of(session.connection(), name) for name in RULES}
        with sessions.read() as session:
            assert {name: rows_of(session.connection(), name) for name in RULES} == whole
        with sessions.within(world.first.organization_id).read() as session:
            found = (
                session.connection().exec_driver_sql("SELECT DISTINCT organization_id FROM decision").scalars().all()
            )
        assert found == [world.first.organization_id]
        warnings = isolation_warnings(sessions.engine, product_tables())
        assert any("owns the tables" in warning for warning in warnings)


@pytest.mark.postgres
def test_only_a_bound_role_is_granted(postgres: Postgres) -> None:
    with database_with_roles(postgres) as addresses, _opened(addresses.owner) as sessions:
        engine = sessions.engine
        assert grant_application_role(engine, APPLICATION, product_tables()).is_bound
        with pytest.raises(Conflict, match="superuser"):
            grant_application_role(engine, "carbonfin", product_tables())
        with pytest.raises(Conflict, match="owner"):
            grant_application_role(engine, OWNER, product_tables())
        with pytest.raises(NotFound):
            grant_application_role(engine, "nobody_here", product_tables())
        with pytest.raises(InvalidInput, match="plain role name"):
            grant_application_role(engine, 'x"; DROP TABLE decision; --', product_tables())
        with engine.begin() as connection:
            connection.exec_driver_sql(f"REVOKE INSERT ON decision FROM {APPLICATION}")
        with engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE decision DISABLE ROW LEVEL SECURITY")
        with _opened(addresses.application) as application:
            warnings = isolation_warnings(application.engine, product_tables())
        assert warnings == (
            "decision is not guarded by row-level security",
            "the connected role lacks 1 privileges: INSERT decision",
        )


def test_sqlite_has_no_roles(sqlite_sessions: Sessions) -> None:
    with pytest.raises(InvalidInput, match="SQLite"):
        grant_application_role(sqlite_sessions.engine, APPLICATION, all_tables())
    assert isolation_warnings(sqlite_sessions.engine, all_tables()) == ()


def test_every_organisations_rows_are_asked_for_in_named_places_only() -> None:
    """`as_operator` stands in administration, jobs and commands of the application, never in a package or a page."""
    root = Path(carbonfin.__file__).parents[1]
    found = set()
    for package in ("carbonfin", "pricing", "collateral", "loans", "reporting"):
        for file in sorted((root / package).rglob("*.py")):
            calls = {node.attr for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Attribute)}
            if "as_operator" in calls:
                found.add(".".join(file.relative_to(root).with_suffix("").parts))
    allowed = ("carbonfin.app.administration", "carbonfin.app.jobs", "carbonfin.app.messages", "carbonfin.app.worker")
    strays = {name for name in found - _OPERATORS if not name.startswith(allowed)}
    assert strays == set()
