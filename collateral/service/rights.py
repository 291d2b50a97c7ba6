"""Who may hold what, as a table by both dates: what the dated values say of each scheme, kind of holder and right."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme
from carbonfin.rules.parameters import ParameterValue
from carbonfin.storage.rulebook import book_for
from collateral.calc.holding_rights import BARRED_KINDS, HolderKind, HoldingRight, right_scope
from collateral.service.holding import HOLDING_RIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsRow:
    """What one kind of holder may do under one scheme.

    Attributes:
        is_always_barred: A body that never holds or trades, whatever a row says.
        answers: The dated answer to each right; None where the table does not say, which refuses.
    """

    scheme: Scheme
    kind: HolderKind
    is_always_barred: bool
    answers: tuple[tuple[HoldingRight, ParameterValue | None], ...]


def holding_rights(
    session: Session, actor: Actor, *, valid_on: date, known_at: datetime, scheme: Scheme | None = None
) -> tuple[RightsRow, ...]:
    """Give the table as it was in force on a day and known at an instant, schemes without any row left out."""
    book = book_for(session, actor.organization_id, packages=("collateral",))
    spoken = {scope.partition("/")[0] for scope in book.scopes(HOLDING_RIGHT)}
    rows = []
    for one in Scheme:
        if one.value not in spoken or (scheme is not None and one is not scheme):
            continue
        for kind in HolderKind:
            answers = tuple(
                (
                    right,
                    book.find(HOLDING_RIGHT, valid_on=valid_on, known_at=known_at, scope=right_scope(one, kind, right)),
                )
                for right in HoldingRight
            )
            rows.append(RightsRow(scheme=one, kind=kind, is_always_barred=kind in BARRED_KINDS, answers=answers))
    return tuple(rows)
