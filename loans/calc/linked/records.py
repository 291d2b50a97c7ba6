"""What is on record of a link: its events, what was handed in, observations decided, and changes of notes' rates."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from loans.calc.linked.adjustments import LinkTurn, ObservedLevel
from loans.calc.linked.agreements import LinkEvent, LinkState, SustainabilityLink
from loans.calc.linked.documents import ComplianceCertificate, LinkDocumentKind, VerificationReport
from loans.calc.linked.observation_terms import ObservationStatus
from loans.calc.linked.rate_lines import BookedChange


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRevision:
    """One event of a link with the terms after it, and who stands for it."""

    revision: int
    event: LinkEvent
    state: LinkState
    reason: str
    terms: SustainabilityLink
    valid_from: date
    known_from: date
    approval_id: str
    maker_name: str
    checker_name: str

    @property
    def turn(self) -> LinkTurn:
        """The event as the adjustment takes it."""
        return LinkTurn(event=self.event, valid_from=self.valid_from)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedObservation:
    """An observation as it was decided, and who stands for it."""

    number: int
    version: int
    status: ObservationStatus
    report_version: int | None
    step_bp: Decimal
    interim_bp: Decimal | None
    level_bp: Decimal
    report_due_date: date
    applies_after: date
    known_from: date
    decision_id: str
    approval_id: str
    maker_name: str
    checker_name: str

    @property
    def level(self) -> ObservedLevel:
        """What it does to the adjustment."""
        return ObservedLevel(
            number=self.number, version=self.version, report_due_date=self.report_due_date,
            applies_after=self.applies_after, interim_bp=self.interim_bp, level_bp=self.level_bp,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """A document as it was handed in for an observation."""

    observation_number: int
    kind: LinkDocumentKind
    content: VerificationReport | ComplianceCertificate
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedChange:
    """A change as it is kept, with its decision."""

    note_id: str
    number: int
    link_number: str
    cause: str
    booked: BookedChange
    decision_id: str
