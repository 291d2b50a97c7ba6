"""Lines of carbon accounts asked of a provider (税务数据、用电数据): of one enterprise, for one purpose."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import InvalidInput
from loans.calc.account_entries import FIRST_YEAR, LAST_YEAR, EntryKind
from loans.calc.consents import ConsentPurpose

YEARS_AT_ONCE_MAX = 10


class DataProvider(StrEnum):
    """Who is asked."""

    TAX = "tax"
    POWER = "power"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderTerms:
    """What a provider is called and which lines it may give; others are not taken from it."""

    title_zh: str
    title_en: str
    kinds: frozenset[EntryKind]


PROVIDERS: Mapping[DataProvider, ProviderTerms] = {
    DataProvider.TAX: ProviderTerms(
        title_zh="税务数据", title_en="Tax data",
        kinds=frozenset({
            EntryKind.INVOICE_ELECTRICITY, EntryKind.INVOICE_AMOUNT, EntryKind.INVOICE_FUEL, EntryKind.INVOICE_HEAT,
            EntryKind.FUEL, EntryKind.HEAT, EntryKind.VALUE_ADDED, EntryKind.REVENUE, EntryKind.TAX,
        }),
    ),
    DataProvider.POWER: ProviderTerms(
        title_zh="用电数据", title_en="Power data",
        kinds=frozenset({EntryKind.ELECTRICITY, EntryKind.METER, EntryKind.GREEN_POWER}),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """What is asked of a provider, with the purpose and the document that allow it.

    Attributes:
        from_year: First year; `to_year` is the last, both included.
        consent: The document of the enterprise's consent, as it was recorded.
    """

    provider: DataProvider
    usci: str
    from_year: int
    to_year: int
    purpose: ConsentPurpose
    consent: str

    def __post_init__(self) -> None:
        """Refuse years out of order or too many at once."""
        if not FIRST_YEAR <= self.from_year <= self.to_year <= LAST_YEAR:
            raise InvalidInput(
                f"years {self.from_year} to {self.to_year} are not in order within {FIRST_YEAR} to {LAST_YEAR}",
                zh=f"起止年度须在 {FIRST_YEAR} 至 {LAST_YEAR} 之间，且起始年度不晚于截止年度", field="from_year",
            )  # fmt: skip
        if self.to_year - self.from_year >= YEARS_AT_ONCE_MAX:
            raise InvalidInput(
                f"{self.from_year} to {self.to_year} are more than {YEARS_AT_ONCE_MAX} years",
                zh=f"一次最多调取 {YEARS_AT_ONCE_MAX} 年", field="to_year", remedy="Ask for fewer years at once.",
                remedy_zh="请分次调取。",
            )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPull:
    """What a provider gave and what became of it, as it stands on record.

    Attributes:
        number: Counts the pulls of an enterprise from 1.
        address: Where the lines were read, without credentials; `digest` is the SHA-256 of the answer.
        attempt_count: How often the provider was asked.
        failures: The rows that were not taken, each with its reason.
    """

    number: int
    request: PullRequest
    address: str
    digest: str
    attempt_count: int
    row_count: int
    added_count: int
    corrected_count: int
    unchanged_count: int
    failures: tuple[Failure, ...]
    pulled_by: str
    pulled_at: datetime
