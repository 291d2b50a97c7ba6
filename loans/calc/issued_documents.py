"""What a stranger may learn of a document: whether it is on record, since when, and whether it still stands."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

LETTER_MONTH = re.compile(r"(?P<decision_id>.{36})-(?P<year>20\d{2})(?P<month>0[1-9]|1[0-2])")
"""The number of a monthly letter: the decision of its rating, and the month."""


class DocumentState(StrEnum):
    """Whether a document still stands."""

    CURRENT = "current"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentClaim:
    """What a document says of itself.

    Attributes:
        digest: SHA-256 of the decision behind it, 64 small hexadecimal digits.
    """

    number: str
    version: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRecord:
    """What is on record of a document.

    Attributes:
        superseded_at: When what replaces it was recorded; None where nothing does.
        valid_to: Last day of validity; None for a document without one.
        is_sample: Whether it speaks of made-up figures.
    """

    recorded_at: datetime
    superseded_at: datetime | None
    valid_to: date | None
    is_sample: bool

    def state_on(self, day: date) -> DocumentState:
        """Say whether it stands on a day; what was replaced is called so even when it has expired too."""
        if self.superseded_at is not None:
            return DocumentState.SUPERSEDED
        if self.valid_to is not None and day > self.valid_to:
            return DocumentState.EXPIRED
        return DocumentState.CURRENT


def letter_number(decision_id: str, month: date) -> str:
    """Give the number of the letter of a month on a rating."""
    return f"{decision_id}-{month:%Y%m}"
