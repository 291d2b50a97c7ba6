"""What a draft of a rule would do to everything that stands: who moves, from what to what, and how much in all.

The rule in force and the draft are run over the same living agreements and loans on the facts of one day. What cannot
be run is named with the reason: a change whose effect on somebody is not known is not a change without effect.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from carbonfin.kernel.errors import CarbonFinError


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFigure:
    """One figure of a subject by the rule in force and by the draft; empty where a side has none.

    Attributes:
        unit: As figures of a trace have it: CNY, ratio, rate, bp, code, date, count.
    """

    name: str
    label_zh: str
    label_en: str
    unit: str
    before: str
    after: str

    @property
    def difference(self) -> Decimal | None:
        """After less before, where both are numbers."""
        try:
            return Decimal(self.after) - Decimal(self.before)
        except InvalidOperation:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveMove:
    """One subject that would come out otherwise.

    Attributes:
        subject: Whom it is about, by its code.
        decision_id: The decision that stands; empty where none is kept.
        figures: Those that move.
    """

    subject: str
    decision_id: str
    figures: tuple[LiveFigure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFailure:
    """One subject that cannot be run, and why.

    Attributes:
        is_of_draft: Whether the rule in force answers it, so that the draft would leave it without an answer.
    """

    subject: str
    decision_id: str
    reason_zh: str
    reason_en: str
    is_of_draft: bool

    @classmethod
    def of(cls, subject: str, decision_id: str, before: object, after: object) -> "LiveFailure":
        """Make it of what either side came to, one of which is an error."""
        error = after if isinstance(after, CarbonFinError) else before
        assert isinstance(error, CarbonFinError), "one of both failed"
        return cls(
            subject=subject, decision_id=decision_id, reason_zh=error.zh, reason_en=error.detail,
            is_of_draft=not isinstance(before, CarbonFinError),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTotal:
    """A figure added up over all that could be run by both rules; `count` says for how many it moves."""

    name: str
    label_zh: str
    label_en: str
    unit: str
    count: int
    before: Decimal
    after: Decimal

    @property
    def difference(self) -> Decimal:
        """After less before."""
        return self.after - self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveBasis:
    """Something the run rests on: a day, a snapshot of the market, a version of a rule.

    Attributes:
        address: Where it can be looked at; empty where nowhere.
    """

    label_zh: str
    label_en: str
    text: str
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveImpact:
    """What a draft would do to one population.

    Attributes:
        noun_zh: What the population is of.
        population_count: All of it: those that stay, move or cannot be run.
        moves: Those that would move, the greatest loss first.
    """

    noun_zh: str
    noun_en: str
    basis: tuple[LiveBasis, ...]
    population_count: int
    moves: tuple[LiveMove, ...]
    failures: tuple[LiveFailure, ...]
    totals: tuple[LiveTotal, ...]

    @property
    def left_unanswered_count(self) -> int:
        """How many the rule in force answers and the draft does not."""
        return sum(one.is_of_draft for one in self.failures)

    @property
    def unchanged_count(self) -> int:
        """How many come out the same."""
        return self.population_count - len(self.moves) - len(self.failures)


def moved_figures(figures: Iterable[LiveFigure]) -> tuple[LiveFigure, ...]:
    """Keep the figures that move; two ways to write one number are no move."""
    return tuple(one for one in figures if one.before != one.after and one.difference != 0)


def total_of(name: str, labels: tuple[str, str], unit: str, pairs: Sequence[tuple[Decimal, Decimal]]) -> LiveTotal:
    """Add up a figure, given by subject before and after."""
    return LiveTotal(
        name=name, label_zh=labels[0], label_en=labels[1], unit=unit,
        count=sum(before != after for before, after in pairs),
        before=sum((before for before, _ in pairs), Decimal(0)),
        after=sum((after for _, after in pairs), Decimal(0)),
    )  # fmt: skip


def largest_first(moves: Iterable[LiveMove], *, by: str) -> tuple[LiveMove, ...]:
    """Give the moves by how far one figure falls, the farthest first; those without the figure last, by subject."""

    def fall(move: LiveMove) -> Decimal:
        found = next((one.difference for one in move.figures if one.name == by), None)
        return Decimal(0) if found is None else found

    return tuple(sorted(moves, key=lambda move: (fall(move), move.subject)))
