"""Sustainability links as they stand, as JSON: terms, events, documents, observations, and how rates moved."""

from dataclasses import replace
from datetime import date
from typing import Any

from msgspec import Struct

from carbonfin.rules.record import canonical
from loans.calc.linked.documents import VerificationReport
from loans.calc.linked.rate_lines import RateSpell
from loans.calc.linked.records import DecidedObservation, HandedIn, LinkRevision, RecordedChange
from loans.calc.notes import LoanNote
from loans.schemas.link_reviews import LinkReviewOut
from loans.service import KeptReview, LinkView


class UpcomingObservationOut(Struct, frozen=True, kw_only=True):
    """The next observation to be decided."""

    observation_number: int
    observation_date: str
    report_due_date: str
    days_left: int
    has_report: bool


class LinkSummaryOut(Struct, frozen=True, kw_only=True):
    """A link in short; `is_two_way` where what is verified can raise the margin as well as lower it."""

    number: str
    contract_number: str
    state: str
    form: str
    is_two_way: bool
    level_bp: str
    observations_count: int
    decided_count: int
    upcoming: UpcomingObservationOut | None

    @classmethod
    def of(cls, view: LinkView, *, on: date) -> "LinkSummaryOut":
        """Copy a link as it stands on a day."""
        upcoming = view.upcoming()
        return cls(
            number=view.terms.number,
            contract_number=view.terms.contract_number,
            state=view.state.value,
            form=view.terms.ratchet.form.value,
            is_two_way=view.terms.ratchet.is_two_way,
            level_bp=format(view.level_on(on), "f"),
            observations_count=len(view.terms.observations),
            decided_count=len(view.latest),
            upcoming=None
            if upcoming is None
            else UpcomingObservationOut(
                observation_number=upcoming.number,
                observation_date=upcoming.observation_date.isoformat(),
                report_due_date=upcoming.report_due_date.isoformat(),
                days_left=(upcoming.report_due_date - on).days,
                has_report=upcoming.number in view.reported,
            ),
        )


class LinkListOut(Struct, frozen=True, kw_only=True):
    """The bank's links, the next report due first."""

    business_date: str
    links: list[LinkSummaryOut]


class LinkRevisionOut(Struct, frozen=True, kw_only=True):
    """One event of a link and who stands for it."""

    revision: int
    event: str
    state: str
    reason: str
    valid_from: str
    known_from: str
    approval_id: str
    maker: str
    checker: str

    @classmethod
    def of(cls, one: LinkRevision) -> "LinkRevisionOut":
        """Copy an event."""
        return cls(
            revision=one.revision, event=one.event.value, state=one.state.value, reason=one.reason,
            valid_from=one.valid_from.isoformat(), known_from=one.known_from.isoformat(), approval_id=one.approval_id,
            maker=one.maker_name, checker=one.checker_name,
        )  # fmt: skip


class LinkDocumentOut(Struct, frozen=True, kw_only=True):
    """A document as it was handed in."""

    observation_number: int
    kind: str
    version: int
    document_date: str
    received_date: str
    evidence_digest: str
    correction_reason: str

    @classmethod
    def of(cls, one: HandedIn) -> "LinkDocumentOut":
        """Copy a document."""
        content = one.content
        if isinstance(content, VerificationReport):
            made, corrected = content.report_date, content.correction_reason
        else:
            made, corrected = content.certificate_date, ""
        return cls(
            observation_number=one.observation_number, kind=one.kind.value, version=content.version,
            document_date=made.isoformat(), received_date=content.received_date.isoformat(),
            evidence_digest=content.evidence_digest, correction_reason=corrected,
        )  # fmt: skip


class LinkObservationOut(Struct, frozen=True, kw_only=True):
    """An observation as it was decided."""

    observation_number: int
    version: int
    status: str
    report_version: int | None
    step_bp: str
    interim_bp: str | None
    level_bp: str
    applies_after: str
    known_from: str
    decision_id: str
    approval_id: str

    @classmethod
    def of(cls, one: DecidedObservation) -> "LinkObservationOut":
        """Copy an observation."""
        return cls(
            observation_number=one.number, version=one.version, status=one.status.value,
            report_version=one.report_version, step_bp=format(one.step_bp.normalize(), "f"),
            interim_bp=None if one.interim_bp is None else format(one.interim_bp.normalize(), "f"),
            level_bp=format(one.level_bp.normalize(), "f"), applies_after=one.applies_after.isoformat(),
            known_from=one.known_from.isoformat(), decision_id=one.decision_id, approval_id=one.approval_id,
        )  # fmt: skip


class RateSpellOut(Struct, frozen=True, kw_only=True):
    """A rate from a day on."""

    start: str
    rate: str
    level_bp: str
    floor_applied: bool
    cause: str

    @classmethod
    def of(cls, one: RateSpell) -> "RateSpellOut":
        """Copy a spell."""
        return cls(
            start=one.start.isoformat(), rate=format(one.rate, "f"), level_bp=format(one.level_bp, "f"),
            floor_applied=one.floor_applied, cause=one.cause,
        )  # fmt: skip


class RateChangeOut(Struct, frozen=True, kw_only=True):
    """A change of a note's rate: the whole line after it, and the compensating accrual booked with it.

    `link_number` is empty where no link stood above the rate.
    """

    number: int
    link_number: str
    cause: str
    known_from: str
    spells: list[RateSpellOut]
    compensation_cny: str
    decision_id: str

    @classmethod
    def of(cls, one: RecordedChange) -> "RateChangeOut":
        """Copy a change."""
        return cls(
            number=one.number, link_number=one.link_number, cause=one.cause,
            known_from=one.booked.known_from.isoformat(),
            spells=[RateSpellOut.of(spell) for spell in one.booked.spells],
            compensation_cny=str(one.booked.compensation_cny), decision_id=one.decision_id,
        )  # fmt: skip


class LinkedNoteOut(Struct, frozen=True, kw_only=True):
    """A note whose rate the link moves."""

    note_code: str
    base_rate: str
    rate: str
    changes: list[RateChangeOut]

    @classmethod
    def of(cls, note: LoanNote, changes: tuple[RecordedChange, ...], *, on: date) -> "LinkedNoteOut":
        """Copy a note with the changes booked by a day, and its rate of that day by them."""
        booked = [one for one in changes if one.booked.known_from <= on]
        then = replace(note, rate_changes=tuple(one.booked for one in booked))
        return cls(
            note_code=note.code, base_rate=format(note.terms.rate, "f"), rate=format(then.rate_on(on), "f"),
            changes=[RateChangeOut.of(one) for one in booked],
        )  # fmt: skip


class LinkOut(Struct, frozen=True, kw_only=True):
    """A link as it stands: `terms` as they were signed, and everything that belongs to it."""

    summary: LinkSummaryOut
    terms: dict[str, Any]
    revisions: list[LinkRevisionOut]
    documents: list[LinkDocumentOut]
    observations: list[LinkObservationOut]
    notes: list[LinkedNoteOut]
    review: LinkReviewOut | None

    @classmethod
    def of(cls, view: LinkView, notes: list[LinkedNoteOut], review: KeptReview | None, *, on: date) -> "LinkOut":
        """Copy a link."""
        return cls(
            summary=LinkSummaryOut.of(view, on=on),
            terms=canonical(view.terms),
            revisions=[LinkRevisionOut.of(one) for one in view.revisions],
            documents=[LinkDocumentOut.of(one) for one in view.documents],
            observations=[LinkObservationOut.of(one) for one in view.observations],
            notes=notes,
            review=None if review is None else LinkReviewOut.of(review),
        )
