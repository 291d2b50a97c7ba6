"""What a registry is asked and what it may answer; silence is an answer of its own: unknown."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Operation(StrEnum):
    """What a registry is asked to do."""

    FREEZE = "freeze"
    UNFREEZE = "unfreeze"


class Answer(StrEnum):
    """What came back.

    DONE: carried out. REJECTED: refused for good. PROCESSING: accepted, not finished. NOT_FOUND: the registry never
    saw the request. UNKNOWN: sent, no usable reply; only a query may resolve it. NOT_SENT: the request did not leave.
    """

    DONE = "done"
    REJECTED = "rejected"
    PROCESSING = "processing"
    NOT_FOUND = "not_found"
    UNKNOWN = "unknown"
    NOT_SENT = "not_sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFreeze:
    """Tonnes of one unit on one account."""

    account_id: str
    unit: str
    quantity_t: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRequest:
    """One request; the key makes it safe to send again.

    Attributes:
        request_key: The same for each sending; another content under it is refused by the registry.
    """

    request_key: str
    operation: Operation
    agreement_code: str
    units: tuple[UnitFreeze, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryReply:
    """What a registry answered, or that it did not."""

    answer: Answer
    reference: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementFreeze:
    """Tonnes of one unit that a registry states as frozen for an agreement on an account."""

    account_id: str
    unit: str
    agreement_code: str
    quantity_t: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryStatement:
    """What a registry states at one moment: every freeze, and the totals held where it states them."""

    frozen: tuple[AgreementFreeze, ...]
    held: tuple[UnitFreeze, ...]


class Registry(Protocol):
    """An exchange's or registration system's interface for freezes."""

    def send(self, request: RegistryRequest) -> RegistryReply:
        """Send a request; sending it again changes nothing."""

    def query(self, request_key: str) -> RegistryReply:
        """Ask what became of a request."""

    def statement(self) -> RegistryStatement:
        """Give what the registry states as frozen and held.

        Raises:
            UpstreamFailed: It did not answer, or its answer cannot be read.
        """
