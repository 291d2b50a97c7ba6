"""What a registry freezes and unfreezes."""

from dataclasses import dataclass
from enum import StrEnum


class Operation(StrEnum):
    """What a registry is asked to do."""

    FREEZE = "freeze"
    UNFREEZE = "unfreeze"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFreeze:
    """Tonnes of one unit on one account."""

    account_id: str
    unit: str
    quantity_t: int
