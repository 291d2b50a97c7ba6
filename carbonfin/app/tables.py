"""All tables of all packages, for migrations and for the check that they agree with the database."""

from importlib import import_module
from importlib.util import find_spec

from sqlalchemy import MetaData

from carbonfin.storage.rows import metadata

MODELS = (
    "carbonfin.storage.parties",
    "carbonfin.storage.calendars",
    "carbonfin.storage.rulebook",
    "carbonfin.storage.decisions",
    "carbonfin.storage.idempotency",
    "carbonfin.storage.outbox",
    "carbonfin.storage.jobs",
    "pricing.models",
    "collateral.models",
    "loans.models",
    "reporting.models",
)


def all_tables() -> MetaData:
    """Give the metadata with every package's tables in it."""
    for name in MODELS:
        if find_spec(name) is not None:
            import_module(name)
    return metadata
