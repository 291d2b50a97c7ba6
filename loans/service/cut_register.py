"""The register of claimed cuts as it is read: each claim with its release, and what stands, by the day it was known."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.storage.decisions import DecisionRecord, decisions_of, load_outcome
from loans.calc.cut_claims import CUT_CLAIM_KIND, CutClaim, CutClaimed, StandingClaim
from loans.calc.cut_releases import CUT_RELEASE_KIND, CutReleased


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRelease:
    """A release on record with its decision, the day it was decided, and who stands for it."""

    decision_id: str
    decided_on: date
    maker_name: str | None
    checker_name: str | None
    outcome: CutReleased


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureLeft:
    """What of a measure's cut nobody claims, and the decision that says so."""

    decision_id: str
    left_t: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptClaim:
    """A claim on record with its decision, the day it was decided, and who stands for it.

    Attributes:
        release: None where the claim stands.
        left: What is left of its measure after everything on record.
    """

    decision_id: str
    decided_on: date
    maker_name: str | None
    checker_name: str | None
    outcome: CutClaimed
    release: KeptRelease | None
    left: MeasureLeft

    def as_standing(self) -> StandingClaim:
        """Give what other claims are held against."""
        return StandingClaim(
            decision_id=self.decision_id, claim=self.outcome.claim, claimed_t=self.outcome.claimed_t
        )  # fmt: skip


def cut_claims_of(
    session: Session,
    actor: Actor,
    *,
    usci: str | None = None,
    year: int | None = None,
    known_at: datetime | None = None,
) -> tuple[KeptClaim, ...]:
    """Give the claims on record, released ones as well, the latest first.

    Of one enterprise's year, or the latest thousand of the bank; with `known_at` as they were known then.
    """
    subject = None if usci is None or year is None else subject_of_claims(usci, year)
    claims, releases = (
        [one for one in decisions_of(session, actor, subject=subject, kind=kind) if _is_known(one, known_at)]
        for kind in (CUT_CLAIM_KIND.name, CUT_RELEASE_KIND.name)
    )
    made = {one.id: load_outcome(session, actor, CUT_CLAIM_KIND, one.id) for one in claims}
    kept = {one.id: _release(session, actor, one) for one in releases}
    released = {one.outcome.release.claim_id: one for one in kept.values()}
    said = {name: (one.claim, one.left_t) for name, one in made.items()}
    said |= {name: (one.outcome.released.claim, one.outcome.left_t) for name, one in kept.items()}
    left: dict[tuple[str, int, str], MeasureLeft] = {}
    for record in sorted((*claims, *releases), key=lambda one: (one.sequence is None, one.sequence or 0)):
        claim, left_t = said[record.id]
        left[claim.measure_of_year] = MeasureLeft(decision_id=record.id, left_t=left_t)
    return tuple(
        KeptClaim(
            decision_id=one.id, decided_on=one.valid_on, maker_name=one.maker_name, checker_name=one.checker_name,
            outcome=made[one.id], release=released.get(one.id), left=left[made[one.id].claim.measure_of_year],
        )
        for one in reversed(claims)
        if usci in {None, made[one.id].claim.usci} and year in {None, made[one.id].claim.year}
    )  # fmt: skip


def standing_claims(session: Session, actor: Actor, claim: CutClaim) -> tuple[StandingClaim, ...]:
    """Give the claims that stand on the measure and year of a claim, the earliest first."""
    return tuple(
        one.as_standing()
        for one in reversed(cut_claims_of(session, actor, usci=claim.usci, year=claim.year))
        if one.release is None and one.outcome.claim.measure_of_year == claim.measure_of_year
    )


def subject_of_claims(usci: str, year: int) -> str:
    """Give what the decisions on an enterprise's cuts of a year are kept under."""
    return f"cut_claim:{usci}:{year}"


def _is_known(record: DecisionRecord, known_at: datetime | None) -> bool:
    return known_at is None or record.known_at <= known_at


def _release(session: Session, actor: Actor, record: DecisionRecord) -> KeptRelease:
    return KeptRelease(
        decision_id=record.id, decided_on=record.valid_on, maker_name=record.maker_name,
        checker_name=record.checker_name, outcome=load_outcome(session, actor, CUT_RELEASE_KIND, record.id),
    )  # fmt: skip
