"""A rating in short, as lists and later ratings need it; the whole stands in its decision."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingResult:
    """One rating by the scorecard.

    Attributes:
        number: Counts the ratings of an enterprise from 1.
        letter: None where it was refused, and so for `points`.
        valid_on: Day of the rating.
        known_at: Instant by which what it rests on was known.
        valid_to: Last day of validity.
    """

    party_id: str
    number: int
    year: int
    letter: str | None
    points: Decimal | None
    valid_on: date
    known_at: datetime
    valid_to: date
    decision_id: str
