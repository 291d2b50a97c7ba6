"""Rows of the ledger: accounts, positions, encumbrances and the journal."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field

from carbonfin.storage.rows import Row, new_id
from carbonfin.storage.spans import Apart

APPEND_ONLY = {"info": {"append_only": True}}


class RegistryAccountRow(Row, table=True):
    """A party's account for one scheme, as its registry keeps it."""

    __table_args__ = (sa.UniqueConstraint("organization_id", "party_id", "scheme"),)

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    party_id: str = Field(foreign_key="party.id")
    scheme: str
    registry_name: str
    opened_at: datetime


class UnitPositionRow(Row, table=True):
    """Units of one account; reserved and locked units never exceed the holding.

    With `has_serials` the account's ranges of serial numbers sum to its total, and each lock's to its quantity.
    """

    __table_args__ = (
        sa.UniqueConstraint("account_id", "unit"),
        sa.CheckConstraint("pending_t >= 0", name="pending_not_negative"),
        sa.CheckConstraint("locked_t >= 0", name="locked_not_negative"),
        sa.CheckConstraint("pending_t + locked_t <= total_t", name="encumbered_within_total"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id", index=True)
    account_id: str = Field(foreign_key="registry_account.id")
    unit: str
    total_t: int = 0
    pending_t: int = 0
    locked_t: int = 0
    has_serials: bool = Field(default=False, sa_column_kwargs={"server_default": "0"})


class EncumbranceRow(Row, table=True):
    """Units of one account bound to one agreement; a locked one never times out.

    `change_id` names the change of the pledge that reserved the units or lets them go; empty for the first freeze.
    """

    __table_args__ = (
        sa.CheckConstraint("quantity_t >= 0", name="quantity_not_negative"),
        sa.CheckConstraint("state IN ('FREE', 'PENDING', 'LOCKED', 'RELEASE_PENDING', 'ENFORCED')", name="state_known"),
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    account_id: str = Field(foreign_key="registry_account.id", index=True)
    agreement_code: str = Field(index=True)
    pledge_id: str = Field(foreign_key="pledge.id", index=True)
    unit: str
    quantity_t: int
    state: str
    reserved_at: datetime
    change_id: str | None = Field(default=None, index=True)


class SerialRangeRow(Row, table=True):
    """Serial numbers of units, both ends included: held by an account, or locked for an encumbrance of it.

    A row without an encumbrance says that the account holds the numbers. Rows no longer live stay as what once was.
    Live rows of a kind keep apart by the database's own guard: no number is held twice, and none locked twice.
    """

    __table_args__ = (
        sa.CheckConstraint("first_serial >= 1 AND first_serial <= last_serial", name="runs_upwards"),
        sa.CheckConstraint("replace(registry_code, '|', '') = registry_code", name="registry_code_undivided"),
        sa.CheckConstraint("replace(kind, '|', '') = kind", name="kind_undivided"),
        {
            "info": {
                "apart": Apart(
                    key=("organization_id", "registry_code", "kind", "unit"),
                    first="first_serial",
                    last="last_serial",
                    among={
                        "held": "{row}.is_live AND {row}.encumbrance_id IS NULL",
                        "locked": "{row}.is_live AND {row}.encumbrance_id IS NOT NULL",
                    },
                )
            }
        },
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    account_id: str = Field(foreign_key="registry_account.id", index=True)
    unit: str
    registry_code: str
    kind: str
    first_serial: int
    last_serial: int
    encumbrance_id: str | None = Field(default=None, foreign_key="encumbrance.id", index=True)
    is_live: bool


class JournalEntryRow(Row, table=True):
    """One movement in the ledger: who, when, why; never changed."""

    __table_args__ = (APPEND_ONLY,)

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id", index=True)
    kind: str
    agreement_code: str | None = Field(default=None, index=True)
    place: int
    business_date: date
    entered_at: datetime
    actor_id: str
    actor_name: str
    cause: str


class JournalPostingRow(Row, table=True):
    """Tonnes into (positive) or out of a bucket of an account; an entry's postings add to zero for each unit."""

    __table_args__ = (APPEND_ONLY,)

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    entry_id: str = Field(foreign_key="journal_entry.id", index=True)
    place: int
    account_id: str = Field(foreign_key="registry_account.id", index=True)
    unit: str
    bucket: str
    quantity_t: int
