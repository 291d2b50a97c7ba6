"""Two banks on each engine; on PostgreSQL the demonstrations themselves run as the application's bound role."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.database_roles import RoleAddresses, database_with_roles
from tests.isolation.worlds import TwoBanks, fill_every_table, make_two_banks
from tests.postgres import Postgres


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptApart:
    """Two banks in a PostgreSQL database, as its three roles reach it."""

    addresses: RoleAddresses
    world: TwoBanks


@pytest.fixture(scope="session")
def kept_apart(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeptApart]:
    """Two banks on PostgreSQL, made by the application's role, every table with a row of each."""
    with database_with_roles(postgres) as addresses:
        world = make_two_banks(addresses.application, tmp_path_factory.mktemp("two-banks") / "var")
        fill_every_table(addresses.superuser, (world.first.organization_id, world.second.organization_id))
        yield KeptApart(addresses=addresses, world=world)


@pytest.fixture(scope="session")
def two_banks(tmp_path_factory: pytest.TempPathFactory) -> TwoBanks:
    """Two banks on SQLite, every table with a row of each."""
    folder = tmp_path_factory.mktemp("two-banks")
    world = make_two_banks(f"sqlite:///{folder / 'carbonfin.db'}", folder / "var")
    fill_every_table(world.settings.database_url, (world.first.organization_id, world.second.organization_id))
    return world
