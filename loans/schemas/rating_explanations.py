"""A past rating with its explanation as the API shows it."""

from msgspec import Struct

from loans.calc.ratings.four_colour import FourColourRating
from loans.calc.ratings.scorecard_decision import ScorecardOutcome
from loans.schemas.four_colours import FourColourRatingOut
from loans.schemas.lending import RatingOut
from loans.schemas.ratings import ScorecardRatingOut
from loans.service import ExplainedRating


class ExplainedRatingOut(Struct, frozen=True, kw_only=True):
    """A rating as it was made, word for word, under the name of its method; the others are null.

    The outside report beside it is the one known then.
    """

    usci: str
    valid_on: str
    known_at: str
    scorecard: ScorecardRatingOut | None
    four_colour: FourColourRatingOut | None
    carbon_efficiency: RatingOut | None

    @classmethod
    def of(cls, found: ExplainedRating) -> "ExplainedRatingOut":
        """Copy a rating."""
        outcome, decision_id = found.outcome, found.record.id
        scorecard, four_colour, efficiency = None, None, None
        if isinstance(outcome, ScorecardOutcome):
            scorecard = ScorecardRatingOut.of(outcome, decision_id=decision_id, report=found.report)
        elif isinstance(outcome, FourColourRating):
            four_colour = FourColourRatingOut.of(outcome, decision_id=decision_id)
        else:
            efficiency = RatingOut.of(outcome, decision_id=decision_id)
        return cls(
            usci=found.record.subject, valid_on=found.record.valid_on.isoformat(),
            known_at=found.record.known_at.isoformat(), scorecard=scorecard, four_colour=four_colour,
            carbon_efficiency=efficiency,
        )  # fmt: skip
