"""The two roles of a PostgreSQL database in production: one owns the tables, the other is the application's."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psycopg
import sqlalchemy as sa
from sqlalchemy import make_url

from carbonfin.app.tables import all_tables
from carbonfin.storage.engine import open_engine
from carbonfin.storage.grants import grant_application_role
from carbonfin.storage.isolation import RULES
from carbonfin.storage.schema import upgrade
from tests.postgres import Postgres

OWNER = "carbonfin_owner"
APPLICATION = "carbonfin_app"
_PASSWORD = "carbonfin-test"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleAddresses:
    """One database, as three roles reach it."""

    superuser: str
    owner: str
    application: str


@contextmanager
def database_with_roles(server: Postgres) -> Iterator[RoleAddresses]:
    """Make a migrated database whose tables belong to a plain owner, and grant the application's role its part."""
    for role in (OWNER, APPLICATION):
        with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            server.execute(f"CREATE ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{_PASSWORD}'")
    with server.database() as url:
        address = make_url(url)
        server.execute(f'ALTER DATABASE "{address.database}" OWNER TO {OWNER}')
        addresses = RoleAddresses(superuser=url, owner=_as(url, OWNER), application=_as(url, APPLICATION))
        engine = open_engine(addresses.owner)
        upgrade(engine)
        grant_application_role(engine, APPLICATION, product_tables())
        engine.dispose()
        yield addresses


def _as(url: str, role: str) -> str:
    return make_url(url).set(username=role, password=_PASSWORD).render_as_string(hide_password=False)


def product_tables() -> sa.MetaData:
    """Give the product's tables, without those that tests bring."""
    known = sa.MetaData()
    for table in all_tables().sorted_tables:
        if table.name in RULES:
            table.to_metadata(known)
    return known
