"""How often an organisation's prices changed: one read by primary key tells whether what is kept of them is old."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from carbonfin.storage.engine import Sessions
from carbonfin.storage.rows import table_of
from pricing.models import MarketVersionRow

_VERSIONS = table_of(MarketVersionRow)
_OF = sa.select(_VERSIONS.c.version).where(_VERSIONS.c.organization_id == sa.bindparam("mine"))


def market_version(sessions: Sessions, organization_id: str) -> int:
    """Give how often an organisation's prices changed; 0 where they never did."""
    row = sessions.ask(_OF, {"mine": organization_id})
    return 0 if row is None else int(row.version)


def market_moved(session: Session, organization_id: str) -> None:
    """Say that an organisation's prices changed; seen by others when the transaction is committed.

    Two that store at once wait for each other here, so that no step is lost.
    """
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(
        insert(_VERSIONS)
        .values(organization_id=organization_id, version=1)
        .on_conflict_do_update(index_elements=[_VERSIONS.c.organization_id], set_={"version": _VERSIONS.c.version + 1})
    )
