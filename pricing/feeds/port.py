"""What a market data feed is asked and what it gives: tables of one kind for some days, kept with their digest."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol


class FeedResource(StrEnum):
    """The tables a feed serves, in the columns of the files of the same kind."""

    QUOTES = "quotes"
    SETTLEMENTS = "settlements"
    RATES = "rates"
    FX = "fx"
    VOLATILITIES = "volatilities"


MAY_BE_LACKING = frozenset({FeedResource.VOLATILITIES})
"""What a publisher need not have: options are quoted on few venues, and a feed without them gives none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedTable:
    """A table as it came.

    Attributes:
        address: Where it was read, without any credentials.
        content: The bytes of the answer.
        digest: SHA-256 of the content, in hexadecimal; it is kept with every value read from it.
        attempt_count: How often the feed was asked.
    """

    resource: FeedResource
    address: str
    content: bytes
    digest: str
    attempt_count: int


class MarketFeed(Protocol):
    """A publisher's interface for market data."""

    def fetch(self, resource: FeedResource, *, from_date: date, to_date: date) -> FetchedTable:
        """Give the table of days in `[from_date, to_date]`.

        Raises:
            UpstreamFailed: The feed did not give it, or gave more than can be read.
        """
