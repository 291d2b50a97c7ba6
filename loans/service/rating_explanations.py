"""A past rating with its explanation, read from its decision: by the decision, or as it stood on a day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import NotFound
from carbonfin.kernel.parties import Party
from carbonfin.rules.record import DecisionKind
from carbonfin.storage.decisions import DecisionRecord, load_decision, load_outcome
from carbonfin.storage.parties import party_by_code
from loans.calc.jiangtandai import RatingReport
from loans.calc.ratings.carbon_efficiency import RATING_KIND, CarbonRating
from loans.calc.ratings.four_colour import FOUR_COLOUR_KIND, FourColourRating
from loans.calc.ratings.scorecard_decision import SCORECARD_KIND, ScorecardOutcome
from loans.service.accounts import rating_report_of
from loans.store import ratings as store

_KINDS: Mapping[str, DecisionKind[Any, Any]] = {
    kind.name: kind for kind in (SCORECARD_KIND, FOUR_COLOUR_KIND, RATING_KIND)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedRating:
    """A rating as it was made.

    Attributes:
        report: The outside report known when it was made; None where there was none.
    """

    record: DecisionRecord
    outcome: ScorecardOutcome | FourColourRating | CarbonRating
    report: RatingReport | None


def explained_rating(session: Session, actor: Actor, decision_id: str) -> ExplainedRating:
    """Give the rating of a decision, by any of the methods; nothing is rated anew.

    Raises:
        NotFound: The bank has no such decision, or it is no rating.
    """
    record = load_decision(session, actor, decision_id)
    kind = _KINDS.get(record.kind)
    if kind is None:
        raise NotFound(
            f"decision {decision_id} is a {record.kind}, no rating", zh="该决定不是碳评级", field="decision_id",
            remedy="Name a decision of `GET /v1/ratings`.", remedy_zh="请填写评级记录中的决定编号。",
        )  # fmt: skip
    party = party_by_code(session, actor, record.subject)
    return ExplainedRating(
        record=record,
        outcome=load_outcome(session, actor, kind, record.id),
        report=rating_report_of(session, actor, party.id, known_at=record.known_at),
    )


def rating_as_known(
    session: Session, actor: Actor, party: Party, *, valid_on: date | None, known_at: datetime
) -> ExplainedRating:
    """Give the rating by the scorecard that stood last for an enterprise on a day, as known at an instant.

    Raises:
        NotFound: None stood then.
    """
    found = store.results_of(session, actor, party.id, valid_on=valid_on, known_at=known_at)
    if not found:
        raise NotFound(
            f"{party.code} had no rating by the scorecard then", zh="该企业当时没有评分卡评级", field="usci",
            remedy="Name a later day, or rate it first.", remedy_zh="请改选以后的日期，或先评级。",
        )  # fmt: skip
    return explained_rating(session, actor, found[0].decision_id)
