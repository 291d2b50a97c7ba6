"""Objections to ratings as the API takes and shows them."""

from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.web.wire import DayText, UsciText, day_of
from loans.calc.ratings.objections import ObjectionDraft, ObjectionOutcome
from loans.calc.ratings.results import RatingResult
from loans.service import ObjectionView

_Words = Annotated[str, Meta(min_length=1, max_length=2000)]


class ObjectionIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An enterprise objects to its latest rating by the scorecard."""

    usci: UsciText
    ground: _Words
    received_on: DayText
    evidence: Annotated[str, Meta(max_length=200, description="Number of its document or digest of the file.")] = ""

    def draft(self) -> ObjectionDraft:
        """Give the objection as it is to be filed.

        Raises:
            InvalidInput: A text or the day cannot be.
        """
        return ObjectionDraft(
            ground=self.ground, received_on=day_of(self.received_on, field="/received_on"), evidence=self.evidence
        )


class ObjectionAnswerIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the bank found; `upheld` needs the corrected lines on record."""

    outcome: ObjectionOutcome
    finding: _Words


class ObjectionAnswerOut(Struct, frozen=True, kw_only=True):
    """What two people answered, with the rating made anew where it was upheld."""

    outcome: str
    finding: str
    maker: str
    checker: str
    answered_at: str
    new_decision_id: str | None
    new_letter: str | None
    new_points: str | None


class ObjectionOut(Struct, frozen=True, kw_only=True):
    """An objection with where it stands: open, waiting, upheld or dismissed.

    `answer_days_confirmed` is false while nobody has held the days allowed against the text of the law.
    """

    objection_id: str
    number: int
    state: str
    decision_id: str
    letter: str | None
    points: str | None
    ground: str
    received_on: str
    answer_by: str | None
    answer_days: int | None
    answer_days_confirmed: bool | None
    answer_days_source: str | None
    evidence: str
    filed_at: str
    answer: ObjectionAnswerOut | None

    @classmethod
    def of(cls, view: ObjectionView) -> "ObjectionOut":
        """Copy an objection."""
        objection, answer, days = view.objection, view.objection.answer, view.answer_days
        return cls(
            objection_id=objection.id,
            number=objection.number,
            state=view.state,
            decision_id=objection.decision_id,
            letter=None if view.rating is None else view.rating.letter,
            points=_points(view.rating),
            ground=objection.draft.ground,
            received_on=objection.draft.received_on.isoformat(),
            answer_by=None if objection.answer_by is None else objection.answer_by.isoformat(),
            answer_days=None if days is None else days.integer,
            answer_days_confirmed=None if days is None else days.confirmed,
            answer_days_source=None if days is None else f"{days.document} {days.article}".strip(),
            evidence=objection.draft.evidence,
            filed_at=objection.filed_at.isoformat(),
            answer=None
            if answer is None
            else ObjectionAnswerOut(
                outcome=answer.outcome,
                finding=answer.finding,
                maker=answer.maker_name,
                checker=answer.checker_name,
                answered_at=answer.answered_at.isoformat(),
                new_decision_id=answer.new_decision_id,
                new_letter=None if view.new_rating is None else view.new_rating.letter,
                new_points=_points(view.new_rating),
            ),
        )


class ObjectionListOut(Struct, frozen=True, kw_only=True):
    """The objections of an enterprise, the latest first."""

    party_id: str
    objections: list[ObjectionOut]


def _points(rating: RatingResult | None) -> str | None:
    return None if rating is None or rating.points is None else str(rating.points)
