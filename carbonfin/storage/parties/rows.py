"""Rows of organisations, people, keys, sessions and parties."""

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field

from carbonfin.kernel.actors import OrganizationKind, Role
from carbonfin.kernel.parties import PartyKind
from carbonfin.storage import columns
from carbonfin.storage.rows import Row, new_id


class DayState(StrEnum):
    """Where an organisation's business day stands."""

    OPEN = "open"
    CLOSING = "closing"


class OrganizationRow(Row, table=True):
    """A bank or a bureau; its business date moves only by its end-of-day job."""

    __table_args__ = (sa.UniqueConstraint("name"), sa.UniqueConstraint("usci"))

    id: str = Field(default_factory=new_id, primary_key=True)
    kind: OrganizationKind
    name: str
    usci: str | None = None
    business_date: date
    day_state: DayState = DayState.OPEN
    is_sample: bool


class UserRow(Row, table=True):
    """A person who signs in with a password."""

    __tablename__ = "user_account"  # `user` is a reserved word
    __table_args__ = (sa.UniqueConstraint("login"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id", index=True)
    login: str
    name: str
    role: Role
    password_hash: str
    failed_count: int = 0
    locked_until: datetime | None = None
    is_active: bool = True


class ApiKeyRow(Row, table=True):
    """A key of a system: its prefix finds it, its keyed digest proves it, the key itself is not kept."""

    __table_args__ = (sa.UniqueConstraint("prefix"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id", index=True)
    name: str
    role: Role
    prefix: str
    digest: str
    scopes: list[str] = Field(sa_type=columns.Json)
    expires_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


class SessionRow(Row, table=True):
    """A person's signed-in session; the token is kept only as a digest."""

    __tablename__ = "web_session"

    token_digest: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="user_account.id", index=True)
    opened_at: datetime
    expires_at: datetime


class PartyRow(Row, table=True):
    """An enterprise or counterparty as one organisation knows it."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "usci"),
        sa.UniqueConstraint("organization_id", "lei"),
        sa.CheckConstraint("usci IS NOT NULL OR lei IS NOT NULL", name="identified"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    kind: PartyKind
    name: str
    usci: str | None = None
    lei: str | None = None
    industry: str | None = None
    district: str | None = None
    scheme: str | None = None
    key_emitter: bool | None = None
    is_sample: bool
