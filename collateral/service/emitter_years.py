"""The list of emitters with their open compliance years: what each scheme asks, or why it cannot be calculated."""

from dataclasses import dataclass

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.dates import china_day
from carbonfin.kernel.errors import MissingData
from carbonfin.kernel.parties import Party
from carbonfin.storage.parties import Standing, parties_of
from collateral.calc.compliance_position import decide_compliance_position
from collateral.calc.compliance_years import YearPosition
from collateral.service.compliance import MeanPrices, inputs_and_lacks
from collateral.service.view import DeskView, desk_view
from collateral.store import compliance


@dataclass(frozen=True, slots=True, kw_only=True)
class EmitterYear:
    """One year of one emitter in the list of positions, or a scheme of which `fault` says why there is no position."""

    party: Party
    scheme: Scheme
    year: YearPosition | None
    unconfirmed: tuple[str, ...]
    fault: MissingData | None


def emitter_years(
    session: Session, actor: Actor, *, standing: Standing, after: str, limit: int
) -> tuple[tuple[EmitterYear, ...], str]:
    """Give a page of emitters with statements by their codes, every open year of each, and where the next page begins.

    Args:
        session: Where statements and holdings are read.
        actor: Whose bank it is.
        standing: Business date and what is known.
        after: Code of the emitter before the first, or empty.
        limit: At most so many emitters.
    """
    view = desk_view(session, standing)
    known = compliance.compliance_positions(session, actor, known_on=china_day(standing.known_at))
    with_statements = {one.party_id for one in known}
    emitters = sorted(
        (one for one in parties_of(session, actor) if one.id in with_statements and one.code > after),
        key=lambda one: one.code,
    )
    means = MeanPrices(session, actor, view)
    lines: list[EmitterYear] = []
    for party in emitters[:limit]:
        lines.extend(_years_of(session, actor, party, view, means))
    return tuple(lines), emitters[limit - 1].code if len(emitters) > limit else ""


def _years_of(
    session: Session, actor: Actor, party: Party, view: DeskView, means: MeanPrices
) -> tuple[EmitterYear, ...]:
    found, lacks = inputs_and_lacks(session, actor, party, view, means=means)
    outcomes = [(inputs.scheme, decide_compliance_position(inputs)) for inputs in found]
    calculated = [
        EmitterYear(party=party, scheme=scheme, year=year, unconfirmed=outcome.unconfirmed, fault=None)
        for scheme, outcome in outcomes
        for year in outcome.years
    ]
    lacking = [
        EmitterYear(party=party, scheme=scheme, year=None, unconfirmed=(), fault=error)
        for scheme, error in lacks.items()
    ]
    return (*calculated, *lacking)
