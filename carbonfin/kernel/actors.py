"""Who acts: a person or a system of one organisation, in one role."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Roles; what each may do stands in the access policy."""

    SYSTEM = "system"
    OFFICER = "officer"
    CHECKER = "checker"
    RISK = "risk"
    BUREAU = "bureau"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    OPERATOR = "operator"


class OrganizationKind(StrEnum):
    """Whose people and rows they are."""

    BANK = "bank"
    BUREAU = "bureau"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The authenticated asker, passed to every service that reads or writes an organisation's rows."""

    id: str
    name: str
    role: Role
    organization_id: str
    organization_kind: OrganizationKind
    is_sample: bool
