"""A sustainability link as it stands, with its events, what was handed in, and its observations."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from loans.calc.linked.adjustments import adjustment_steps
from loans.calc.linked.agreements import LinkEvent, LinkState, SustainabilityLink
from loans.calc.linked.documents import LinkDocumentKind
from loans.calc.linked.indicators import ObservationDate
from loans.calc.linked.rate_lines import AdjustmentStep, AllInFloor
from loans.calc.linked.records import DecidedObservation, HandedIn, LinkRevision

TURNS = frozenset({LinkEvent.SUSPEND, LinkEvent.RESUME, LinkEvent.DECLASSIFY})


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """A link as it stands, with everything that belongs to it.

    Attributes:
        revisions: Every event known, the first first.
        observations: Every version of the observations decided, by number and version.
    """

    revisions: tuple[LinkRevision, ...]
    documents: tuple[HandedIn, ...]
    observations: tuple[DecidedObservation, ...]

    @property
    def current(self) -> LinkRevision:
        """The last event, with the terms in force."""
        return self.revisions[-1]

    @property
    def terms(self) -> SustainabilityLink:
        """The terms after the last event."""
        return self.current.terms

    @property
    def state(self) -> LinkState:
        """Where the link stands."""
        return self.current.state

    def terms_of(self, observation: ObservationDate) -> LinkRevision:
        """Give the terms an observation is decided by: those valid on its date, else the first."""
        valid = [one for one in self.revisions if one.terms.valid_from <= observation.observation_date]
        return valid[-1] if valid else self.revisions[0]

    def latest_of(self, number: int) -> DecidedObservation | None:
        """Give how an observation was last decided, or None."""
        return next((one for one in reversed(self.observations) if one.number == number), None)

    @property
    def latest(self) -> tuple[DecidedObservation, ...]:
        """How each observation was last decided, by number."""
        return tuple({one.number: one for one in self.observations}.values())

    def upcoming(self) -> ObservationDate | None:
        """Give the first observation not decided yet, or None; a link that was declassified has none."""
        if self.state is LinkState.DECLASSIFIED:
            return None
        decided = {one.number for one in self.observations}
        return next((one for one in self.terms.observations if one.number not in decided), None)

    def level_on(self, day: date) -> Decimal:
        """Give where the adjustment stands for interest periods that begin on a day."""
        return next((one.level_bp for one in reversed(self.steps) if one.applies_after <= day), Decimal(0))

    @property
    def floors(self) -> tuple[AllInFloor, ...]:
        """The all-in floor of the executed rate, from each day on which another one was agreed."""
        found: list[AllInFloor] = []
        for one in self.revisions:
            rate = one.terms.ratchet.all_in_floor_rate
            if not found or found[-1].rate != rate:
                found.append(AllInFloor(valid_from=one.valid_from, rate=rate))
        return tuple(found)

    @property
    def reported(self) -> frozenset[int]:
        """The observations for which a verification report was handed in."""
        return frozenset(
            one.observation_number for one in self.documents if one.kind is LinkDocumentKind.VERIFICATION_REPORT
        )

    @property
    def timeline(self) -> tuple[LinkRevision | DecidedObservation, ...]:
        """Events and observations by the day they were known, the latest first."""
        both: tuple[LinkRevision | DecidedObservation, ...] = (*self.revisions, *self.observations)
        return tuple(sorted(both, key=lambda one: one.known_from, reverse=True))

    @property
    def steps(self) -> tuple[AdjustmentStep, ...]:
        """Where the adjustment stands over time."""
        turns = tuple(one.turn for one in self.revisions if one.event in TURNS)
        return adjustment_steps([one.level for one in self.latest], turns)
