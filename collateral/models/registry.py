"""Rows of what the registry was asked, and how each request ended."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from carbonfin.storage import columns
from carbonfin.storage.rows import Row, new_id


class RegistryRequestRow(Row, table=True):
    """A request to the registry under a key of its own; asked anew after a refusal it is another one.

    `not_after` is the end of the last sending's time: until then nobody else sends it, and after it the registry takes
    none of its sendings any more. It is empty as long as none can have left.
    """

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "request_key"),
        sa.UniqueConstraint("pledge_id", "operation", "number"),
        sa.CheckConstraint("state IN ('OPEN', 'DONE', 'REJECTED', 'NEVER_SEEN')", name="state_known"),
        sa.CheckConstraint("sendings >= 0", name="sendings_not_negative"),
        sa.Index(None, "organization_id", "state"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    pledge_id: str = Field(foreign_key="pledge.id")
    operation: str
    number: int
    request_key: str
    message_id: str = Field(foreign_key="outbox_message.id")
    units: list[dict[str, Any]] = Field(sa_type=columns.Json)
    state: str = "OPEN"
    sendings: int = 0
    not_after: datetime | None = None
    answered_at: datetime | None = None
    reference: str = ""
    reason: str = ""
