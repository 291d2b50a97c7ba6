"""Units that came in by a top-up although a schedule of the bank does not admit them: bound, and counting for nothing.

A top-up is always taken, for more collateral never harms who lends. What the bank does not accept is no cover for that:
such tonnes stand at nothing until every schedule in force admits them at the haircut they have.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.storage.decisions import load_outcome
from collateral.calc.agreements import Pledge
from collateral.calc.change_weighing import PLEDGE_CHANGE
from collateral.calc.pledge_changes import ChangeKind, PledgeChange, uncounted_after
from collateral.service.eligibility_schedules import verdicts_on
from collateral.service.view import DeskView
from collateral.store import pledge_changes as store
from collateral.store.authority_acts import attached_by_pledge

_MOVED = frozenset({"NEW_LOCKED", "UNFREEZE_REQUESTED", "UNFREEZE_UNKNOWN", "UNFREEZE_REFUSED", "DONE"})
"""States in which a change has moved what is pledged: added units are locked, freed ones count no more."""
_NOTHING = Decimal(0)


def least_haircuts(view: DeskView, units: Iterable[Unit]) -> dict[Unit, Decimal]:
    """Give the least haircut at which the schedules in force admit each unit; 1 where one admits it at none.

    Empty where no schedule is in force.
    """
    found: dict[Unit, Decimal] = {}
    for one in verdicts_on(view, units):
        least = (one.haircut_ratio or _NOTHING) if one.is_eligible else Decimal(1)
        found[one.unit] = max(found.get(one.unit, _NOTHING), least)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncounted:
    """What of all pledges covers nothing on a day.

    Attributes:
        attached: Tonnes that authorities hold frozen, by pledge and unit.
        unlisted: Tonnes of top-ups that were told that they count for nothing, by pledge and unit.
        least: The least haircut at which each unit is admitted; one that is not named is admitted at any.
    """

    attached: Mapping[tuple[str, str], int]
    unlisted: Mapping[tuple[str, Unit], int]
    least: Mapping[Unit, Decimal]

    @classmethod
    def read(cls, session: Session, actor: Actor, view: DeskView, units: Iterable[Unit]) -> "Uncounted":
        """Read it for all pledges of a bank, over the units that any of them has."""
        least = least_haircuts(view, units)
        return cls(
            attached=attached_by_pledge(session, actor), unlisted=unlisted_by_pledge(session, actor, least), least=least
        )

    def is_admitted(self, unit: Unit, haircut_ratio: Decimal) -> bool:
        """Tell whether the schedules admit a unit at a haircut."""
        return haircut_ratio >= self.least.get(unit, _NOTHING)

    def unlisted_t(self, pledge_id: str, unit: Unit, haircut_ratio: Decimal) -> int | None:
        """Give the tonnes of a pledge that count for nothing as they are not admitted; None where none are."""
        found = self.unlisted.get((pledge_id, unit)) if self.unlisted else None
        return None if found is None or self.is_admitted(unit, haircut_ratio) else found


def unlisted_by_pledge(
    session: Session, actor: Actor, least: Mapping[Unit, Decimal], *, pledge_id: str | None = None
) -> dict[tuple[str, Unit], int]:
    """Give the tonnes that top-ups were told count for nothing, by pledge and unit, of one pledge or of all.

    Where the schedules admit every unit at any haircut nothing is asked of the database.
    """
    if not any(least.values()):
        return {}
    moved: dict[str, list[PledgeChange]] = {}
    for one in store.changes_of(session, actor, pledge_id=pledge_id, states=_MOVED):
        moved.setdefault(one.pledge_id, []).append(one)
    return {
        (pledge, unit): quantity_t
        for pledge, changes in moved.items()
        for unit, quantity_t in uncounted_after((one, _told(session, actor, one, least)) for one in changes).items()
    }


def unlisted_of(session: Session, actor: Actor, pledge: Pledge, least: Mapping[Unit, Decimal]) -> dict[Unit, int]:
    """Give the tonnes of one pledge that its top-ups were told count for nothing, by unit."""
    found = unlisted_by_pledge(session, actor, least, pledge_id=pledge.id)
    return {unit: quantity_t for (_, unit), quantity_t in found.items()}


def _told(session: Session, actor: Actor, change: PledgeChange, least: Mapping[Unit, Decimal]) -> frozenset[Unit]:
    if change.kind is not ChangeKind.TOP_UP or not any(least.get(one.unit) for one in change.added):
        return frozenset()
    outcome = load_outcome(session, actor, PLEDGE_CHANGE, change.decision_id)
    return frozenset(one.unit for one in outcome.unlisted or ())
