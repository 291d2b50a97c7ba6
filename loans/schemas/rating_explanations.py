"""A past rating with its explanation as the API shows it."""

from msgspec import Struct

from loans.calc.ratings.four_colour import FourColourRating
from loans.calc.ratings.scorecard_decision import ScorecardOutcome
from loans.schemas.four_colours import FourColourRatingOut
from loans.schemas.lending import RatingOut
from loans.schemas.ratings import ScorecardRatingOut
from loans.service import ExplainedRating


class ExplainedRatingOut(Struct, frozen=True, kw_only=True):
    """A rating as it was made, word for word; the outside report beside it is the one known then."""

    usci: str
    valid_on: str
    known_at: str
    rating: ScorecardRatingOut | FourColourRatingOut | RatingOut

    @classmethod
    def of(cls, found: ExplainedRating) -> "ExplainedRatingOut":
        """Copy a rating."""
        return cls(
            usci=found.record.subject,
            valid_on=found.record.valid_on.isoformat(),
            known_at=found.record.known_at.isoformat(),
            rating=_rating(found),
        )


def _rating(found: ExplainedRating) -> ScorecardRatingOut | FourColourRatingOut | RatingOut:
    outcome, decision_id = found.outcome, found.record.id
    if isinstance(outcome, ScorecardOutcome):
        return ScorecardRatingOut.of(outcome, decision_id=decision_id, report=found.report)
    if isinstance(outcome, FourColourRating):
        return FourColourRatingOut.of(outcome, decision_id=decision_id)
    return RatingOut.of(outcome, decision_id=decision_id)
