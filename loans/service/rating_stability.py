"""How a bank's ratings moved from one year to the next: read off the ratings made last for each of both years."""

from dataclasses import dataclass
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.units import to_decimal, to_float
from carbonfin.storage.parties import Standing, parties_of
from loans.calc.ratings.scorecard import LETTERS, scorecard_on
from loans.calc.ratings.stability import (
    bunching,
    drift_by_group,
    mobility,
    population_stability,
    stability_terms_on,
    transition_counts,
    transition_matrix,
)
from loans.service import facts
from loans.store import ratings as store

_PLACES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """Enterprises that went from one letter to another, their share of the row and its band."""

    before: str
    after: str
    enterprise_count: int
    share_ratio: Decimal | None
    low_ratio: Decimal
    high_ratio: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdJump:
    """Points just above and just below where a letter begins."""

    letter: str
    threshold: Decimal
    above_count: int
    below_count: int
    chance: Decimal
    is_alarm: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SectorDrift:
    """Mean change of points of the enterprises of a section of GB/T 4754; `-` is without an industry."""

    section: str
    enterprise_count: int
    mean_change: Decimal
    standard_error: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StabilityReport:
    """What changed from the year before; figures are None where nobody is rated in both years.

    Attributes:
        before_count, after_count: Enterprises with a letter in each year.
        both_count: Those with one in both.
        index: Population stability index over letters, and its `level`: stable, watch or act.
    """

    year: int
    before_count: int
    after_count: int
    both_count: int
    transitions: tuple[Transition, ...]
    mobility_index: Decimal | None
    improved_ratio: Decimal | None
    worsened_ratio: Decimal | None
    index: Decimal | None
    level: str | None
    jumps: tuple[ThresholdJump, ...]
    drifts: tuple[SectorDrift, ...]


def rating_stability(session: Session, actor: Actor, year: int, *, standing: Standing) -> StabilityReport:
    """Compare the ratings of a year with those of the year before; nothing is stored.

    Raises:
        MissingData: A limit of the report is not known.
    """
    book = facts.parameters(session, actor)
    terms = stability_terms_on(book, valid_on=standing.business_date, known_at=standing.known_at)
    card = scorecard_on(book, valid_on=standing.business_date, known_at=standing.known_at)
    old, new = (_lettered(session, actor, one) for one in (year - 1, year))
    both = sorted(old.keys() & new.keys())
    letters = [(LETTERS.index(old[one][0]), LETTERS.index(new[one][0])) for one in both]
    counts = transition_counts(
        [before for before, _ in letters], [after for _, after in letters], letter_count=len(LETTERS)
    )
    matrix = transition_matrix(counts, confidence_ratio=terms.confidence_ratio)
    moved = mobility(counts) if both else None
    spread = None
    if old and new:
        spread = population_stability(
            *([_count(held, letter) for letter in LETTERS] for held in (old, new)), terms=terms
        )
    thresholds = tuple(to_float(Decimal(points).scaleb(-2)) for points in card.letters_min)
    jumps = bunching([to_float(points) for _, points in new.values()], thresholds, terms=terms)
    return StabilityReport(
        year=year,
        before_count=len(old),
        after_count=len(new),
        both_count=len(both),
        transitions=tuple(
            Transition(
                before=LETTERS[row],
                after=LETTERS[column],
                enterprise_count=int(counts[row, column]),
                share_ratio=_decimal(matrix.shares[row, column]) if counts[row].sum() else None,
                low_ratio=to_decimal(float(matrix.low[row, column]), places=_PLACES),
                high_ratio=to_decimal(float(matrix.high[row, column]), places=_PLACES),
            )
            for row in range(len(LETTERS))
            for column in range(len(LETTERS))
        ),
        mobility_index=None if moved is None else _decimal(moved.index),
        improved_ratio=None if moved is None else _decimal(moved.improved_ratio),
        worsened_ratio=None if moved is None else _decimal(moved.worsened_ratio),
        index=None if spread is None else _decimal(spread.index),
        level=None if spread is None else spread.level,
        jumps=tuple(
            ThresholdJump(
                letter=letter,
                threshold=Decimal(points).scaleb(-2),
                above_count=jump.above_count,
                below_count=jump.below_count,
                chance=_decimal(jump.chance),
                is_alarm=jump.is_alarm,
            )
            for letter, points, jump in zip(LETTERS, card.letters_min, jumps, strict=False)
        ),
        drifts=_drifts(session, actor, both, old, new),
    )


def _lettered(session: Session, actor: Actor, year: int) -> dict[str, tuple[str, Decimal]]:
    """Give by enterprise letter and points of a year, of those that have them."""
    return {
        party_id: (one.letter, one.points)
        for party_id, one in store.results_of_year(session, actor, year).items()
        if one.letter is not None and one.points is not None
    }


def _count(held: dict[str, tuple[str, Decimal]], letter: str) -> int:
    return sum(one == letter for one, _ in held.values())


def _drifts(
    session: Session,
    actor: Actor,
    both: list[str],
    old: dict[str, tuple[str, Decimal]],
    new: dict[str, tuple[str, Decimal]],
) -> tuple[SectorDrift, ...]:
    industries = {party.id: party.industry for party in parties_of(session, actor)}
    codes = [ord((industries.get(one) or "-")[0]) for one in both]
    found = drift_by_group(codes, *([to_float(held[one][1]) for one in both] for held in (old, new)))
    return tuple(
        SectorDrift(
            section=chr(one.group),
            enterprise_count=one.count,
            mean_change=_decimal(one.mean_change),
            standard_error=_decimal(one.standard_error) if one.count > 1 else None,
        )
        for one in found
    )


def _decimal(value: float) -> Decimal:
    return to_decimal(value, places=_PLACES)
