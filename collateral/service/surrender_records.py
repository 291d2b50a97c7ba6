"""What an emitter's statements say of its surrenders: on time, short, or not known."""

from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.dates import china_day
from carbonfin.kernel.errors import MissingData
from carbonfin.rules.parameters import ParameterBook
from carbonfin.storage.parties import Standing, load_party
from carbonfin.storage.rulebook import book_for
from collateral.calc.compliance_records import CompliancePosition
from collateral.store import compliance
from pricing.calc.compliance import SURRENDER_DATE


@dataclass(frozen=True, slots=True, kw_only=True)
class SurrenderRecord:
    """Surrenders of an emitter up to a day; None is not known.

    Attributes:
        allocation_t: Finally approved for the year asked about, all schemes together.
        obligation_t: Emissions of the years whose deadline passed last.
        surrendered_on_time_t: Stated as surrendered for them in a statement that describes no later day than it.
        missed_count: Years past their deadline of which less than the emissions is surrendered; None where a year does
            not say.
        source: Documents of the statements.
    """

    allocation_t: int | None
    obligation_t: int | None
    surrendered_on_time_t: int | None
    missed_count: int | None
    source: str


def surrender_record_of(
    session: Session, actor: Actor, party_id: str, *, year: int, standing: Standing
) -> SurrenderRecord | None:
    """Give what is on record of an emitter's surrenders by the business date; None where no year is stated.

    Raises:
        NotFound: The bank has no such party.
    """
    load_party(session, actor, party_id)
    known_on = china_day(standing.known_at)
    revisions = [
        one
        for _, _, one in compliance.compliance_revisions(session, actor, party_id=party_id, known_on=known_on)
    ]  # fmt: skip
    latest = compliance.latest_revisions(revisions)
    if not latest:
        return None
    book = book_for(session, actor.organization_id, packages=("pricing",))
    past = [(_deadline(book, one, standing), one) for one in latest]
    passed = [(deadline, one) for deadline, one in past if deadline is not None and deadline < standing.business_date]
    approved = [one.allocation_t for one in latest if one.compliance_year == year]
    last: dict[Scheme, tuple[date, CompliancePosition]] = {}
    for deadline, one in passed:
        last[one.scheme] = max(last.get(one.scheme, (deadline, one)), (deadline, one), key=lambda found: found[0])
    on_time = [_on_time(one, deadline, revisions) for deadline, one in last.values()]
    open_years = [
        deadline for deadline, one in past if one.surrendered_t is None or one.surrendered_t < one.emissions_t
    ]
    short = [None if one.surrendered_t is None else one.surrendered_t < one.emissions_t for _, one in passed]
    return SurrenderRecord(
        allocation_t=_sum(approved),
        obligation_t=_sum([one.emissions_t for _, one in last.values()]),
        surrendered_on_time_t=_sum(on_time),
        # A year that is not met in full and whose deadline we do not know may be one that was missed.
        missed_count=None if None in short or None in open_years else sum(map(bool, short)),
        source="、".join(sorted({one.emissions_source for one in latest})),
    )


def _deadline(book: ParameterBook, one: CompliancePosition, standing: Standing) -> date | None:
    try:
        return book.on(
            SURRENDER_DATE, scope=f"{one.scheme}-{one.compliance_year}", valid_on=standing.business_date,
            known_at=standing.known_at,
        ).day  # fmt: skip
    except MissingData:
        return None


def _on_time(one: CompliancePosition, deadline: date, revisions: list[CompliancePosition]) -> int | None:
    """Give the most that a statement of a day up to the deadline says was surrendered."""
    stated = [
        other.surrendered_t
        for other in revisions
        if (other.scheme, other.compliance_year) == (one.scheme, one.compliance_year)
        and other.surrendered_t is not None
        and other.as_of is not None
        and other.as_of <= deadline
    ]
    return max(stated, default=None)


def _sum(values: list[int | None] | list[int]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None
