"""All tables of all packages, for migrations and for the check that they agree with the database."""

from sqlalchemy import MetaData

import collateral.models
import loans.models
import pricing.models
import reporting.models
from carbonfin.storage import calendars, decisions, idempotency, jobs, outbox, parties, rulebook
from carbonfin.storage.rows import metadata

MODULES_WITH_TABLES = (
    calendars, decisions, idempotency, jobs, outbox, parties, rulebook,
    pricing.models, collateral.models, loans.models, reporting.models,
)  # fmt: skip


def all_tables() -> MetaData:
    """Give the metadata with every package's tables in it."""
    return metadata
