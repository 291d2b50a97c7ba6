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


class Factor(StrEnum):
    """What opened a signed-in session, or what it still waits for."""

    PASSWORD = "password"  # noqa: S105 - what was asked for, not one
    WAITING = "waiting"  # the password fits; the code is still to come
    SECOND = "second"
    PROVIDER = "provider"  # the organisation's own provider vouches, with the factors it asks for


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
    """A person who signs in with a password, or through the organisation's own identity provider."""

    __tablename__ = "user_account"  # `user` is a reserved word
    __table_args__ = (sa.UniqueConstraint("login"), sa.UniqueConstraint("oidc_issuer", "oidc_subject"))

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id", index=True)
    login: str
    name: str
    role: Role
    password_hash: str
    failed_count: int = 0
    locked_until: datetime | None = None
    is_active: bool = True
    email: str | None = None
    password_changed_at: datetime | None = None
    must_change_password: bool = Field(default=False, sa_column_kwargs={"server_default": "0"})
    oidc_issuer: str | None = None
    oidc_subject: str | None = None
    version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class ApiKeyRow(Row, table=True):
    """A key of a system: its prefix finds it, its keyed digest proves it, the key itself is not kept.

    The prefix is also the system's OAuth2 client identifier, and the key its client secret.
    """

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
    created_at: datetime | None = None
    created_by: str | None = None
    replaces_id: str | None = Field(default=None, foreign_key="api_key.id")
    version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})


class SessionRow(Row, table=True):
    """A person's signed-in session; the token is kept only as a digest.

    `id` names the session in lists, `confirmed_at` is when its person last gave the password for a binding step.
    """

    __tablename__ = "web_session"
    __table_args__ = (sa.UniqueConstraint("id"),)

    token_digest: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="user_account.id", index=True)
    opened_at: datetime
    expires_at: datetime
    id: str | None = None
    organization_id: str | None = Field(default=None, foreign_key="organization.id")
    confirmed_at: datetime | None = None
    last_seen_at: datetime | None = None
    device: str | None = None
    factor: Factor = Field(default=Factor.PASSWORD, sa_column_kwargs={"server_default": Factor.PASSWORD.value})


class SecondFactorRow(Row, table=True):
    """What a person proves beside the password: an authenticator's secret, encrypted, and the recovery codes' digests.

    It counts from when it is confirmed. `last_step` is the time step of the last accepted code; it and older ones are
    used up. Failures are counted here, since a right password must not set them back.
    """

    user_id: str = Field(primary_key=True, foreign_key="user_account.id")
    organization_id: str = Field(foreign_key="organization.id")
    sealed_secret: str
    last_step: int
    failed_count: int = 0
    confirmed_at: datetime | None = None
    recovery_digests: list[str] = Field(default_factory=list, sa_type=columns.Json)


class SecurityEventRow(Row, table=True):
    """One thing that matters to the safety of an organisation's doors; never changed.

    `subject` names whom or what it was about by identifier: no password, key or token ever stands here.
    """

    __table_args__ = (sa.Index(None, "organization_id", "happened_at"), {"info": {"append_only": True}})

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    kind: str
    subject: str
    actor_id: str | None = None
    actor_name: str | None = None
    happened_at: datetime
    detail: str = ""


class ExternalIdRow(Row, table=True):
    """A number under which one of the organisation's other systems knows a thing of ours.

    `kind` is customer (客户号), branch (机构号), credit_line (授信号), contract (合同号) or loan_note (借据号).
    """

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "kind", "value"),
        sa.Index(None, "organization_id", "subject"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    kind: str
    value: str
    subject: str
    added_at: datetime
    added_by: str


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
    version: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
