"""What a registry is asked and what it may answer; silence is an answer of its own: unknown."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from collateral.calc.freezes import Operation, UnitFreeze


class Answer(StrEnum):
    """What came back.

    DONE: carried out. REJECTED: refused for good. PROCESSING: accepted, not finished. NOT_FOUND: the registry itself
    says that it has not seen the request. UNKNOWN: sent, no reply that can be trusted; only a query may resolve it.
    NOT_SENT: the request did not leave, or the registry itself says that it did not take it.
    """

    DONE = "done"
    REJECTED = "rejected"
    PROCESSING = "processing"
    NOT_FOUND = "not_found"
    UNKNOWN = "unknown"
    NOT_SENT = "not_sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRequest:
    """One request; the key makes it safe to send again.

    Attributes:
        request_key: The same for each sending; another content under it is refused by the registry.
        bank_id: In whose favour units are frozen.
        not_after: The registry refuses a sending that reaches it later, so that none can arrive after it was given up.
    """

    request_key: str
    operation: Operation
    bank_id: str
    agreement_code: str
    units: tuple[UnitFreeze, ...]
    not_after: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryReply:
    """What a registry answered, or that it did not.

    Attributes:
        stated_at: The registry's own time in its signed reply; None where there is no such reply.
        units: What it says it carried out, or is to carry out; None where it does not say.
    """

    answer: Answer
    reference: str = ""
    reason: str = ""
    stated_at: datetime | None = None
    units: tuple[UnitFreeze, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementFreeze:
    """Tonnes of one unit that a registry states as frozen for an agreement on an account, with any numbers it names."""

    account_id: str
    unit: str
    agreement_code: str
    quantity_t: int
    serials: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryStatement:
    """What a registry states to one bank at one moment: its freezes, and the totals held where it states them."""

    frozen: tuple[AgreementFreeze, ...]
    held: tuple[UnitFreeze, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyBalance:
    """What an exchange states of one account of trading funds at the end of a day: cash in 元, or tonnes of a unit.

    Attributes:
        item: `CNY`, or a unit with its vintage as `SZA-2024`.
    """

    account_number: str
    item: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyStatement:
    """An exchange's statement (存管对账单) to one bank at the end of one day, each account and item once."""

    exchange_code: str
    business_date: date
    balances: tuple[CustodyBalance, ...]


class Registry(Protocol):
    """An exchange's or registration system's interface: freezes, handing over what was sold, and its statements."""

    def send(self, request: RegistryRequest) -> RegistryReply:
        """Send a request; sending it again changes nothing."""

    def query(self, request_key: str) -> RegistryReply:
        """Ask what became of a request."""

    def statement(self, bank_id: str) -> RegistryStatement:
        """Give what the registry states as frozen in favour of a bank, and held on the accounts it may see.

        Raises:
            UpstreamFailed: It did not answer, or its answer cannot be read.
        """

    def custody_statement(self, bank_id: str, exchange_code: str, day: date) -> CustodyStatement:
        """Give what an exchange states of the trading funds in a bank's custody at the end of a day.

        Raises:
            UpstreamFailed: It did not answer, has none of that day yet, or its answer cannot be read.
        """
