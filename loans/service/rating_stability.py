"""How a bank's ratings moved from one year to the next: read off the ratings made last for each of both years."""

from collections.abc import Sequence
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.units import to_decimal, to_float
from carbonfin.rules.parameters import ParameterBook
from carbonfin.storage.parties import Standing, parties_of
from loans import workbooks
from loans.calc.account_entries import EntryKind
from loans.calc.ratings.scorecard import LETTERS, scorecard_on
from loans.calc.ratings.stability import (
    LIMITS_KEY,
    Bunching,
    PopulationStability,
    StabilityTerms,
    bunching,
    drift_by_group,
    index_by_chance,
    mobility,
    population_stability,
    stability_terms_on,
    transition_counts,
    transition_matrix,
)
from loans.calc.ratings.stability_reports import (
    SectorDrift,
    SizeDrift,
    StabilityLimit,
    StabilityReport,
    ThresholdJump,
    Transition,
    YearIndex,
)
from loans.service import facts
from loans.store import account_entries
from loans.store import ratings as store

_PLACES = 4
_YEARS_SHOWN = 5
SIZES_ZH = ("大型", "中型", "小型", "微型", "-")
_Held = dict[str, tuple[str, Decimal]]
"""Letter and points by enterprise."""


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
    spread = _spread(old, new, terms)
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
        index_by_chance=_index_by_chance(old, new, terms),
        level=None if spread is None else spread.level,
        jumps=_jumps(jumps, card.letters_min),
        drifts=_drifts(session, actor, both, old, new),
        size_drifts=_size_drifts(session, actor, both, old, new, year=year, standing=standing),
        indices=_indices(session, actor, year, terms),
        limits=_limits(book, terms, standing),
    )


def _jumps(jumps: Sequence[Bunching], letters_min: Sequence[int]) -> tuple[ThresholdJump, ...]:
    return tuple(
        ThresholdJump(
            letter=letter,
            threshold=Decimal(points).scaleb(-2),
            above_count=jump.above_count,
            below_count=jump.below_count,
            chance=_decimal(jump.chance),
            is_alarm=jump.is_alarm,
            can_tell=jump.can_tell,
        )
        for letter, points, jump in zip(LETTERS, letters_min, jumps, strict=False)
    )


def _index_by_chance(old: _Held, new: _Held, terms: StabilityTerms) -> Decimal | None:
    """Give what the index reaches by chance alone, None where nobody has a letter in either year."""
    if not old or not new:
        return None
    reached = index_by_chance(
        before_count=len(old), after_count=len(new), bin_count=len(LETTERS), confidence_ratio=terms.confidence_ratio
    )
    return _decimal(reached)


def _spread(old: _Held, new: _Held, terms: StabilityTerms) -> PopulationStability | None:
    """Compare how letters are spread in two years, None where nobody has one in either."""
    if not old or not new:
        return None
    return population_stability(*([_count(held, letter) for letter in LETTERS] for held in (old, new)), terms=terms)


def _indices(session: Session, actor: Actor, year: int, terms: StabilityTerms) -> tuple[YearIndex, ...]:
    """Give the population stability of the last years, each against the one before."""
    held = {one: _lettered(session, actor, one) for one in range(year - _YEARS_SHOWN, year + 1)}
    spreads = {one: _spread(held[one - 1], held[one], terms) for one in range(year - _YEARS_SHOWN + 1, year + 1)}
    return tuple(
        YearIndex(
            year=one,
            index=None if spread is None else _decimal(spread.index),
            level=None if spread is None else spread.level,
        )
        for one, spread in spreads.items()
    )


def _limits(book: ParameterBook, terms: StabilityTerms, standing: Standing) -> tuple[StabilityLimit, ...]:
    """Give the limits in force by their own titles, values and documents."""
    values = [
        book.on(LIMITS_KEY + name, valid_on=standing.business_date, known_at=standing.known_at)
        for name in terms.__slots__
    ]
    return tuple(
        StabilityLimit(
            key=one.key, title_zh=one.title_zh, title_en=one.title_en, value=one.decimal, document=one.document,
            is_confirmed=one.confirmed,
        )
        for one in values
    )  # fmt: skip


def _lettered(session: Session, actor: Actor, year: int) -> _Held:
    """Give by enterprise letter and points of a year, of those that have them."""
    return {
        party_id: (one.letter, one.points)
        for party_id, one in store.results_of_year(session, actor, year).items()
        if one.letter is not None and one.points is not None
    }


def _count(held: _Held, letter: str) -> int:
    return sum(one == letter for one, _ in held.values())


def _drifts(
    session: Session,
    actor: Actor,
    both: list[str],
    old: _Held,
    new: _Held,
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


def _size_drifts(
    session: Session,
    actor: Actor,
    both: list[str],
    old: _Held,
    new: _Held,
    *,
    year: int,
    standing: Standing,
) -> tuple[SizeDrift, ...]:
    """Give the drift by size class as the accounts state it for the year; who states none stands by itself."""
    sizes = account_entries.values_of_kind(
        session, actor, EntryKind.SIZE_CLASS, year=year, known_at=standing.known_at
    )  # fmt: skip
    codes = [int(sizes.get(one, Decimal(len(SIZES_ZH) - 1))) for one in both]
    found = drift_by_group(codes, *([to_float(held[one][1]) for one in both] for held in (old, new)))
    return tuple(
        SizeDrift(
            size_zh=SIZES_ZH[one.group],
            enterprise_count=one.count,
            mean_change=_decimal(one.mean_change),
            standard_error=_decimal(one.standard_error) if one.count > 1 else None,
        )
        for one in found
    )


def stability_report_file(session: Session, actor: Actor, year: int, *, standing: Standing) -> bytes:
    """Set the yearly report as PDF, the figures attached; the same ratings give the same bytes.

    Raises:
        MissingData: A limit of the report is not known.
    """
    return stability_report_pdf(rating_stability(session, actor, year, standing=standing), standing=standing)


def stability_report_pdf(report: StabilityReport, *, standing: Standing) -> bytes:
    """Set a yearly report that was worked out already as PDF."""
    return workbooks.stability_report_pdf(
        report, producer=standing.name, issued_on=standing.business_date, created_at=standing.known_at,
        is_sample=standing.is_sample,
    )  # fmt: skip


def stability_workbook_file(session: Session, actor: Actor, year: int, *, standing: Standing) -> bytes:
    """Write the yearly report as a workbook; the same ratings give the same bytes.

    Raises:
        MissingData: A limit of the report is not known.
    """
    return stability_workbook(rating_stability(session, actor, year, standing=standing), standing=standing)


def stability_workbook(report: StabilityReport, *, standing: Standing) -> bytes:
    """Write a yearly report that was worked out already as a workbook."""
    return workbooks.stability_workbook(
        report, producer=standing.name, issued_on=standing.business_date, created_at=standing.known_at,
        is_sample=standing.is_sample,
    )  # fmt: skip


def _decimal(value: float) -> Decimal:
    return to_decimal(value, places=_PLACES)
