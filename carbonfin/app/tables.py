"""All tables of all packages, for migrations and for the check that they agree with the database."""

from sqlalchemy import MetaData

import collateral.models
import loans.models
import pricing.models
import reporting.models
from carbonfin.storage import (
    approvals,
    calendars,
    decisions,
    files,
    idempotency,
    job_requests,
    jobs,
    messages,
    outbox,
    parties,
    rulebook,
)  # fmt: skip
from carbonfin.storage.rows import metadata

MODULES_WITH_TABLES = (
    approvals, calendars, decisions, files, idempotency, job_requests, jobs, messages, outbox, parties, rulebook,
    pricing.models, collateral.models, loans.models, reporting.models,
)  # fmt: skip


def all_tables() -> MetaData:
    """Give the metadata with every package's tables in it."""
    return metadata
