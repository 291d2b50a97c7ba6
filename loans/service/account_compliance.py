"""What the compliance position says beside a carbon account: read from the collateral package, stored here nowhere."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.errors import MissingData
from carbonfin.storage.parties import Standing
from collateral import service as collateral_service
from collateral.calc.compliance_records import CompliancePosition
from collateral.calc.compliance_years import YearPosition


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplianceLine:
    """One compliance year of an enterprise.

    Attributes:
        statement: Emissions, allocation and surrender as last stated.
        position: Shortfall and fine by what is held now; None for a year past its deadline, for an earlier day's view,
            and where `lacks` says what they hang on and nobody has entered.
        unconfirmed: Why a figure is 未确认.
    """

    statement: CompliancePosition
    position: YearPosition | None
    lacks: MissingData | None
    unconfirmed: tuple[str, ...]


def compliance_lines(
    session: Session, actor: Actor, party_id: str, *, standing: Standing, known_at: datetime
) -> tuple[ComplianceLine, ...]:
    """Give the compliance years of an enterprise as known at an instant, the latest first.

    Raises:
        NotFound: The bank knows no such enterprise.
    """
    then = replace(standing, known_at=known_at)
    last: dict[tuple[str, int], CompliancePosition] = {}
    for found in collateral_service.compliance_revisions_of(session, actor, party_id, standing=then):
        one = found.position
        last.setdefault((one.scheme, one.compliance_year), one)
    positions: dict[tuple[str, int], tuple[YearPosition, tuple[str, ...]]] = {}
    lacks: Mapping[Scheme, MissingData] = {}
    if last and known_at == standing.known_at:
        try:
            schemes, lacks = collateral_service.positions_and_lacks(session, actor, party_id, standing=standing)
        except MissingData as error:  # what every position hangs on: what is stated still stands
            schemes, lacks = (), {one.scheme: error for one in last.values()}
        positions = {
            (scheme.scheme, year.compliance_year): (year, scheme.outcome.unconfirmed)
            for scheme in schemes
            for year in scheme.outcome.years
        }
    lines = []
    for key in sorted(last, key=lambda one: (-one[1], one[0])):
        year, reasons = positions.get(key, (None, ()))
        stated = (last[key].unconfirmed,) if last[key].unconfirmed else ()
        lines.append(
            ComplianceLine(
                statement=last[key],
                position=year,
                lacks=lacks.get(last[key].scheme),
                unconfirmed=tuple(dict.fromkeys((*stated, *reasons))),
            )
        )
    return tuple(lines)
