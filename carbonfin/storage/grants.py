"""What the application's role may do in PostgreSQL: read and add everywhere, change and remove where rows change."""

import re

import sqlalchemy as sa

from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound
from carbonfin.storage.isolation import RoleFacts, role_facts, unguarded_tables

_ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_REVISION_TABLE = "alembic_version"


def grant_application_role(engine: sa.Engine, role: str, tables: sa.MetaData) -> RoleFacts:
    """Grant the role of the application what it needs, and take away what it had besides.

    Run it as the owner of the tables, after each upgrade of the schema; a second run changes nothing.

    Args:
        engine: The database, opened as the owner.
        role: A role that may log in and is bound by row-level security.
        tables: The tables of all packages.

    Raises:
        InvalidInput: SQLite has no roles, or the name is none.
        NotFound: There is no such role.
        Conflict: The role would not be bound by row-level security.
    """
    if engine.dialect.name != "postgresql":
        raise InvalidInput(
            "SQLite has no roles to grant anything to",
            zh="SQLite 数据库没有角色，无需授权",
            field="role",
            remedy="Use PostgreSQL where several banks share one service.",
            remedy_zh="多家银行共用时请使用 PostgreSQL。",
        )
    if not _ROLE.fullmatch(role):
        raise InvalidInput(f"{role!r} is no plain role name", zh=f"角色名“{role}”无效", field="role")
    facts = role_facts(engine, role)
    if facts is None:
        raise NotFound(
            f"there is no role {role}",
            zh=f"数据库中没有角色 {role}",
            field="role",
            remedy=f"CREATE ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD …;",
            remedy_zh="请先由数据库管理员建立该角色。",
        )
    if not facts.is_bound:
        raise _unbound(facts)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA public TO {role}")
        connection.exec_driver_sql(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}")
        for table in tables.sorted_tables:
            connection.exec_driver_sql(f"GRANT {', '.join(_verbs(table))} ON {table.name} TO {role}")
        connection.exec_driver_sql(f"GRANT SELECT ON {_REVISION_TABLE} TO {role}")
    return facts


def missing_grants(engine: sa.Engine, tables: sa.MetaData) -> tuple[str, ...]:
    """Give what the connected role lacks, as `VERB table`; none on SQLite."""
    if engine.dialect.name != "postgresql":
        return ()
    with engine.connect() as connection:
        return tuple(
            f"{verb} {table.name}"
            for table in tables.sorted_tables
            for verb in _verbs(table)
            if not connection.execute(
                sa.text("SELECT has_table_privilege(:name, :verb)"), {"name": table.name, "verb": verb}
            ).scalar_one()
        )


def isolation_warnings(engine: sa.Engine, tables: sa.MetaData) -> tuple[str, ...]:
    """Say what weakens the walls between organisations; nothing on SQLite, where the services alone keep them."""
    warnings = [f"{name} is not guarded by row-level security" for name in unguarded_tables(engine)]
    facts = role_facts(engine)
    if facts is not None and not facts.is_bound:
        why = "owns the tables" if facts.owns_tables and not facts.is_superuser else "bypasses row-level security"
        warnings.append(f"the connected role {facts.name} {why}; connect the application as a role of its own")
    lacking = missing_grants(engine, tables)
    if lacking:
        warnings.append(f"the connected role lacks {len(lacking)} privileges: {', '.join(lacking[:5])}")
    return tuple(warnings)


def _verbs(table: sa.Table) -> tuple[str, ...]:
    changing = () if table.info.get("append_only") else ("UPDATE", "DELETE")
    return ("SELECT", "INSERT", *changing)


def _unbound(facts: RoleFacts) -> Conflict:
    kind = "a superuser" if facts.is_superuser else "free of row-level security" if facts.bypasses else "the owner"
    return Conflict(
        f"the role {facts.name} is {kind}, so the database could not keep organisations apart",
        zh=f"角色 {facts.name} 不受行级安全约束，无法用于应用",
        field="role",
        remedy="Make a role of its own: CREATE ROLE … LOGIN NOSUPERUSER NOBYPASSRLS.",
        remedy_zh="请为应用另建角色：NOSUPERUSER、NOBYPASSRLS，且不是表的所有者。",
    )
