"""Migrations: drafted from the tables, they run without our code, up and down, on both engines."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from carbonfin.storage import schema
from carbonfin.storage.engine import open_engine
from carbonfin.storage.rows import metadata
from tests.conftest import import_tables
from tests.storage.rows import TrialRow


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a first migration, drafted on an empty database."""
    import_tables()
    folder = tmp_path_factory.mktemp("versions")
    engine = open_engine(f"sqlite:///{folder / 'empty.db'}")
    path = schema.draft_revision(engine, message="first tables", revision="0001", versions=folder)
    engine.dispose()
    assert path.parent == folder
    return path


@pytest.fixture
def empty(empty_database_url: str) -> Iterator[sa.Engine]:
    engine = open_engine(empty_database_url)
    yield engine
    engine.dispose()


def shape(engine: sa.Engine) -> dict[Any, object]:
    """What the database says about its tables, triggers included."""
    inspector = sa.inspect(engine)
    names = [name for name in inspector.get_table_names() if name != "alembic_version"]
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            written = connection.exec_driver_sql(
                "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name <> 'alembic_version'"
            )
        else:
            written = connection.exec_driver_sql(
                "SELECT conrelid::regclass::text || conname, pg_get_constraintdef(oid) FROM pg_constraint "
                "WHERE connamespace = 'public'::regnamespace AND conrelid <> 'alembic_version'::regclass UNION ALL "
                "SELECT tgrelid::regclass::text || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
            )
        texts = {name: " ".join(sorted(text.replace(",", " ").replace(chr(34), "").split())) for name, text in written}
    columns = {
        (name, column["name"]): (str(column["type"].compile(dialect=engine.dialect)), column["nullable"])
        for name in names
        for column in inspector.get_columns(name)
    }
    return columns | texts


def test_a_drafted_migration_makes_what_the_tables_declare(drafted: Path, empty: sa.Engine) -> None:
    schema.upgrade(empty, versions=drafted.parent)
    assert schema.current_revision(empty) == "0001"
    assert schema.check(empty, versions=drafted.parent) == ()
    migrated = shape(empty)
    schema.downgrade(empty, versions=drafted.parent)
    assert shape(empty) == {}
    with empty.begin() as connection:
        metadata.create_all(connection)
    declared = shape(empty)
    assert {name: text for name, text in migrated.items() if declared.get(name) != text} == {}
    assert declared.keys() == migrated.keys()
    assert len(migrated) > 100


def test_up_down_up_again(drafted: Path, empty: sa.Engine) -> None:
    schema.upgrade(empty, versions=drafted.parent)
    schema.downgrade(empty, versions=drafted.parent)
    schema.upgrade(empty, versions=drafted.parent)
    schema.upgrade(empty, versions=drafted.parent)
    assert schema.check(empty, versions=drafted.parent) == ()


def test_a_migration_imports_only_its_tools(drafted: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(drafted.read_text())):
        if isinstance(node, ast.Import):
            imported |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(str(node.module).partition(".")[0])
    assert imported == {"decimal", "sqlalchemy", "alembic"}


def test_migrated_tables_behave(drafted: Path, empty: sa.Engine) -> None:
    schema.upgrade(empty, versions=drafted.parent)
    insert = sa.text("INSERT INTO trial (id, share_ratio) VALUES (:id, :ratio)")
    scaled = 10**10 if empty.dialect.name == "sqlite" else 1
    with empty.begin() as connection:
        connection.execute(insert, {"id": "a", "ratio": scaled})
    with pytest.raises(sa.exc.IntegrityError, match="share_ratio_within"), empty.begin() as connection:
        connection.execute(insert, {"id": "b", "ratio": scaled * 2})
    if empty.dialect.name == "sqlite":
        with pytest.raises(sa.exc.IntegrityError, match="cannot store"), empty.begin() as connection:
            connection.exec_driver_sql("INSERT INTO trial (id, amount_cny) VALUES ('c', 'ten')")
    else:
        with empty.connect() as connection:
            precision = connection.exec_driver_sql(
                "SELECT numeric_precision, numeric_scale FROM information_schema.columns "
                "WHERE table_name = 'trial' AND column_name = 'amount_cny'"
            ).one()
        assert tuple(precision) == (20, 2)


def test_a_missing_column_is_found(drafted: Path, empty: sa.Engine) -> None:
    schema.upgrade(empty, versions=drafted.parent)
    with empty.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE trial DROP COLUMN name")
    (difference,) = schema.check(empty, versions=drafted.parent)
    assert "add_column" in difference
    assert "trial" in difference


def test_a_missing_table_is_found_append_only_or_not(drafted: Path, empty: sa.Engine) -> None:
    schema.upgrade(empty, versions=drafted.parent)
    assert metadata.tables["security_event"].info["append_only"]
    cascade = " CASCADE" if empty.dialect.name == "postgresql" else ""
    with empty.begin() as connection:
        if not cascade:
            connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        for table in ("trial", "security_event"):
            connection.exec_driver_sql(f"DROP TABLE {table}{cascade}")
    found = schema.check(empty, versions=drafted.parent)
    assert sorted({table for table in ("trial", "security_event") for one in found if f"'{table}'" in one}) == [
        "security_event",
        "trial",
    ]
    assert all("add_table" in one or "add_index" in one for one in found)


def test_a_changed_type_is_found(drafted: Path, empty: sa.Engine) -> None:
    schema.upgrade(empty, versions=drafted.parent)
    with empty.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE trial DROP COLUMN quantity_t")
        connection.exec_driver_sql("ALTER TABLE trial ADD COLUMN quantity_t TEXT")
    assert any("modify_type" in difference for difference in schema.check(empty, versions=drafted.parent))


def test_the_products_migrations_make_what_its_tables_declare(empty: sa.Engine) -> None:
    if schema.head_revision() is None:
        pytest.skip("the product has no migration yet")
    import_tables()
    own = [table for table in metadata.sorted_tables if table.name != TrialRow.__tablename__]
    schema.upgrade(empty)
    assert schema.current_revision(empty) == schema.head_revision()
    assert [difference for difference in schema.check(empty) if f"'{TrialRow.__tablename__}'" not in difference] == []
    migrated = shape(empty)
    schema.downgrade(empty, to="base")
    assert shape(empty) == {}
    schema.upgrade(empty)
    schema.downgrade(empty, to="base")
    with empty.begin() as connection:
        metadata.create_all(connection, tables=own)
    declared = shape(empty)
    assert {name: text for name, text in migrated.items() if declared.get(name) != text} == {}
    assert declared.keys() == migrated.keys()


_TAKEN_AWAY = {"0038": {"rating_benchmark.groups is gone"}}
"""What a revision takes from the release before. 0038 moved a column that 0035 had made into a table of its own; no release
lay between the two."""


def test_every_revision_leaves_the_release_before_what_it_reads_and_writes(tmp_path: Path) -> None:
    """Tables and columns stay, none that could be left out must be given, and what is new in an old table may be left out."""
    engine = open_engine(f"sqlite:///{tmp_path / 'steps.db'}")
    before: dict[str, dict[str, bool]] = {}
    broken: dict[str, set[str]] = {}
    for revision in sorted(schema.known_revisions()):
        schema.upgrade(engine, to=revision)
        after = _columns(engine)
        faults = _taken(before, after)
        if faults:
            broken[revision] = faults
        before = after
    engine.dispose()
    assert before, "the schema has tables"
    assert broken == _TAKEN_AWAY


def _columns(engine: sa.Engine) -> dict[str, dict[str, bool]]:
    """Give each table's columns, and whether a row may be written without it."""
    return {
        table: {str(one["name"]): bool(one["nullable"]) or one["default"] is not None for one in columns}
        for (_, table), columns in sa.inspect(engine).get_multi_columns().items()
    }


def _taken(before: dict[str, dict[str, bool]], after: dict[str, dict[str, bool]]) -> set[str]:
    faults = {f"{table} is gone" for table in before.keys() - after.keys()}
    for table in before.keys() & after.keys():
        old, new = before[table], after[table]
        faults |= {f"{table}.{name} is gone" for name in old.keys() - new.keys()}
        faults |= {f"{table}.{name} must be given" for name, free in new.items() if not free and old.get(name, True)}
    return faults


def test_a_release_works_at_its_own_revision_and_at_later_ones() -> None:
    *older, head = sorted(schema.known_revisions())
    assert head == schema.head_revision()
    assert not any(schema.revision_fits(revision) for revision in older)
    assert schema.revision_fits(head)
    assert schema.revision_fits("9999"), "of a release to come, which lives beside this one"
    assert schema.revision_fits(None), "made from the tables, as tests do"
