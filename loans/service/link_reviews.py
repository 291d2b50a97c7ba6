"""A link put to the checks of greenwashing by what the bank knows, kept as a decision."""

from dataclasses import dataclass
from datetime import date, datetime

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
from loans.calc.linked.registered_claims import RegisteredClaims, years_rewarded
from loans.calc.notes import LoanNote
from loans.calc.term_links import CheckedPoint, ReviewedLink
from loans.service import facilities, facts
from loans.service.cut_register import cut_claims_of
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
        claimed_elsewhere: Who claims the same cut beyond the bank's register, which is read without being asked.
    """

    structural_change_known: bool
    structural_change_from: date | None
    green_power_counted_twice: bool | None
    claimed_elsewhere: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReview:
    """A review and the decision that keeps it.

    Attributes:
        registered: What the register of claimed cuts held; None of a review kept before it was read.
    """

    decision_id: str
    review: IntegrityReview
    registered: RegisteredClaims | None


def review_sustainability_link(
    session: Session, actor: Actor, number: str, stated: ReviewFacts, *, standing: Standing
) -> KeptReview:
    """Put a link to every check and keep the decision.

    Raises:
        NotFound: There is no such link, or its contract is not in force.
        MissingData: A threshold was not known.
    """
    view = load_link(session, actor, number, known_at=standing.known_at)
    inputs = _inputs(session, actor, view, stated, standing=standing)
    recorded = record_decision(
        session, actor, INTEGRITY_KIND, inputs, subject=f"sustainability_link:{number}",
        valid_on=standing.business_date, known_at=standing.known_at,
    )  # fmt: skip
    return KeptReview(
        decision_id=recorded.decision_id, review=recorded.outcome, registered=inputs.claims.registered
    )  # fmt: skip


def latest_review(session: Session, actor: Actor, number: str, *, known_at: datetime) -> KeptReview | None:
    """Give the review kept last of a link as known at an instant, or None."""
    kept = decisions_of(session, actor, subject=f"sustainability_link:{number}", kind=INTEGRITY_KIND.name)
    records = [one for one in kept if one.known_at <= known_at]
    if not records:
        return None
    decision_id = records[-1].id
    return KeptReview(
        decision_id=decision_id,
        review=load_outcome(session, actor, INTEGRITY_KIND, decision_id),
        registered=load_inputs(session, actor, INTEGRITY_KIND, decision_id).claims.registered,
    )


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
    kept = latest_review(session, actor, number, known_at=standing.known_at)
    review = None if kept is None else kept.review
    confirmed = {} if review is None else {one.name: one.confirmed for one in review.trace}
    reviewed_on = None if kept is None else load_inputs(session, actor, INTEGRITY_KIND, kept.decision_id).decided_on
    words = ratchet_words(view.terms.ratchet)
    return ReviewedLink(
        number=number,
        contract_number=view.terms.contract_number,
        document=view.terms.document,
        verifier=view.terms.verifier,
        ratchet=tuple(zh for zh, _ in words),
        ratchet_en=tuple(en for _, en in words),
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
            green_power_counted_twice=stated.green_power_counted_twice,
            claimed_elsewhere=stated.claimed_elsewhere,
            registered=_registered(session, actor, view, notes, standing=standing),
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


def _registered(
    session: Session, actor: Actor, view: LinkView, notes: tuple[LoanNote, ...], *, standing: Standing
) -> RegisteredClaims:
    borrower = borrower_of_link(session, actor, view, standing=standing)
    years = years_rewarded(view.terms)
    kept = (
        one
        for year in years
        for one in reversed(cut_claims_of(session, actor, usci=borrower.code, year=year, known_at=standing.known_at))
    )
    return RegisteredClaims(
        first_year=years.start, last_year=years.stop - 1,
        standing=tuple(one.as_standing() for one in kept if one.release is None),
        own_notes=tuple(note.code for note in notes),
    )  # fmt: skip


def _thresholds(session: Session, actor: Actor, *, standing: Standing) -> IntegrityThresholds:
    book = facts.parameters(session, actor)
    found = {
        name: book.on(f"loans.link_integrity.{name}", valid_on=standing.business_date, known_at=standing.known_at)
        for name in ("miss_probability_min", "emissions_ratio_min", "adjustment_rate_min", "sleeping_months_max")
    }
    return IntegrityThresholds(**found)
