"""A link put to the checks of greenwashing by what the bank knows, kept as a decision."""

from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.parties import Party
from carbonfin.storage.decisions import decisions_of, load_inputs, load_outcome, record_decision
from carbonfin.storage.parties import Standing
from loans.calc.linked.agreements import LinkEvent, LinkState
from loans.calc.linked.documents import VerificationReport
from loans.calc.linked.integrity import INTEGRITY_KIND
from loans.calc.linked.integrity_terms import ClaimFacts, IntegrityInputs, IntegrityReview, IntegrityThresholds
from loans.calc.linked.link_words import ratchet_words
from loans.calc.term_links import CheckedPoint, ReviewedLink
from loans.service import facilities, facts
from loans.service.link_views import LinkView
from loans.service.links import borrower_of_link, load_link
from loans.service.note_rates import notes_under

_METHOD = 2
"""How the checks are read today; reviews kept before say none, and come out as they did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFacts:
    """What the officer states for a review; what is left open is not known.

    Attributes:
        structural_change_known: Whether it was looked for a merger, sale or move since the baseline.
    """

    structural_change_known: bool
    structural_change_from: date | None
    green_power_counted_twice: bool | None
    claimed_elsewhere: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReview:
    """A review and the decision that keeps it."""

    decision_id: str
    review: IntegrityReview


def review_sustainability_link(
    session: Session, actor: Actor, number: str, stated: ReviewFacts, *, standing: Standing
) -> KeptReview:
    """Put a link to every check and keep the decision.

    Raises:
        NotFound: There is no such link, or its contract is not in force.
        MissingData: A threshold was not known.
    """
    view = load_link(session, actor, number, known_at=standing.known_at)
    recorded = record_decision(
        session, actor, INTEGRITY_KIND, _inputs(session, actor, view, stated, standing=standing),
        subject=f"sustainability_link:{number}", valid_on=standing.business_date, known_at=standing.known_at,
    )  # fmt: skip
    return KeptReview(decision_id=recorded.decision_id, review=recorded.outcome)


def latest_review(session: Session, actor: Actor, number: str) -> KeptReview | None:
    """Give the review kept last of a link, or None."""
    records = decisions_of(session, actor, subject=f"sustainability_link:{number}", kind=INTEGRITY_KIND.name)
    if not records:
        return None
    found = load_outcome(session, actor, INTEGRITY_KIND, records[-1].id)
    return KeptReview(decision_id=records[-1].id, review=found)


def link_of_term_sheet(
    session: Session, actor: Actor, party: Party, number: str, *, standing: Standing
) -> ReviewedLink:
    """Give a link as a term sheet of its borrower names it, with its last review.

    Raises:
        NotFound: There is no such link, or its contract is not in force.
        InvalidInput: The link is another borrower's, or it was declassified.
    """
    view = load_link(session, actor, number, known_at=standing.known_at)
    if borrower_of_link(session, actor, view, standing=standing).id != party.id:
        raise InvalidInput(
            f"link {number} is not of {party.code}", zh=f"挂钩条款 {number} 不属于该借款人", field="link_number"
        )
    if view.state is LinkState.DECLASSIFIED:
        raise InvalidInput(
            f"link {number} was declassified", zh=f"挂钩条款 {number} 已取消挂钩", field="link_number",
            remedy="Leave it empty: the loan is under no link.", remedy_zh="请留空：该笔贷款不再挂钩。",
        )  # fmt: skip
    kept = latest_review(session, actor, number)
    review = None if kept is None else kept.review
    confirmed = {} if review is None else {one.name: one.confirmed for one in review.trace}
    reviewed_on = None if kept is None else load_inputs(session, actor, INTEGRITY_KIND, kept.decision_id).decided_on
    return ReviewedLink(
        number=number,
        contract_number=view.terms.contract_number,
        document=view.terms.document,
        verifier=view.terms.verifier,
        ratchet=tuple(ratchet_words(view.terms.ratchet)),
        decision_id=None if kept is None else kept.decision_id,
        reviewed_on=reviewed_on,
        verdict=None if review is None else review.verdict,
        points=tuple(
            CheckedPoint(check=one, confirmed=confirmed[f"check.{one.code}"])
            for one in (() if review is None else review.checks)
        ),
    )


def _inputs(
    session: Session, actor: Actor, view: LinkView, stated: ReviewFacts, *, standing: Standing
) -> IntegrityInputs:
    day = max(standing.business_date, view.current.valid_from)
    contract = facilities.load_contract(
        session, actor, view.terms.contract_number, valid_on=day, known_at=standing.known_at
    ).terms
    notes = notes_under(session, actor, view.terms.contract_number)
    rebased = [one.valid_from for one in view.revisions if one.event is LinkEvent.REBASELINE]
    handed = [
        (str(one.observation_number), one.content)
        for one in view.documents
        if isinstance(one.content, VerificationReport)
    ]
    return IntegrityInputs(
        link=view.terms,
        thresholds=_thresholds(session, actor, standing=standing),
        claims=ClaimFacts(
            green_power_counted_twice=stated.green_power_counted_twice, claimed_elsewhere=stated.claimed_elsewhere
        ),
        first_drawdown=min((note.terms.drawdown_date for note in notes), default=None),
        maturity_date=max((note.terms.maturity_date for note in notes), default=contract.matures_by),
        reports=dict(handed),
        first_received={number: report.received_date for number, report in reversed(handed)},
        structural_change_known=stated.structural_change_known,
        structural_change_from=stated.structural_change_from,
        rebased_from=rebased[-1] if rebased else None,
        decided_on=standing.business_date,
        method=_METHOD,
    )


def _thresholds(session: Session, actor: Actor, *, standing: Standing) -> IntegrityThresholds:
    book = facts.parameters(session, actor)
    found = {
        name: book.on(f"loans.link_integrity.{name}", valid_on=standing.business_date, known_at=standing.known_at)
        for name in ("miss_probability_min", "emissions_ratio_min", "adjustment_rate_min", "sleeping_months_max")
    }
    return IntegrityThresholds(**found)
