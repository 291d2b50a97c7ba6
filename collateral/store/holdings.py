"""What a registry states that an account holds: brought to that figure by one guarded statement."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict
from carbonfin.storage.rows import Row, new_id
from collateral.models import RegistryAccountRow, UnitPositionRow


def bring_total(session: Session, actor: Actor, *, account_id: str, unit: Unit, total_t: int) -> int:
    """Bring a position's total to a stated figure and give the change; the same figure again changes nothing.

    The row is held from the moment it is read, and the statement that writes tests again what was read and what is
    bound: two statements of the registry that come at once are taken one after the other, never added up.

    Raises:
        Conflict: More than that is bound to agreements.
    """
    table = UnitPositionRow
    place = (
        col(table.organization_id) == actor.organization_id,
        col(table.account_id) == account_id,
        col(table.unit) == str(unit),
    )
    seen = session.execute(
        sa.select(col(table.total_t), col(table.pending_t) + col(table.locked_t)).where(*place).with_for_update()
    ).one()
    seen_t, bound_t = int(seen[0]), int(seen[1])
    if seen_t == total_t:
        return 0
    written = session.exec(
        sa.update(table)
        .where(*place, col(table.total_t) == seen_t, col(table.pending_t) + col(table.locked_t) <= total_t)
        .values(total_t=total_t)
        .execution_options(synchronize_session=False)
    )
    if written.rowcount != 1:
        raise Conflict(
            f"{unit}: {seen_t - bound_t} t are free and {bound_t} t bound; a holding of {total_t} t is less",
            zh=f"{unit} 可用 {seen_t - bound_t} 吨、已占用 {bound_t} 吨，持有量不能降至 {total_t} 吨",
            field="units",
            remedy="Ask the registry for the freezes it states, or release other encumbrances first.",
            remedy_zh="请与登记机构核对冻结数量，或先解除权利负担。",
            free_t=seen_t - bound_t,
        )
    return total_t - seen_t


def hold_accounts(session: Session, actor: Actor, *, party_id: str) -> None:
    """Hold a party's accounts until the transaction ends; what only points at them is not kept waiting."""
    table = RegistryAccountRow
    session.execute(
        sa.select(col(table.id))
        .where(col(table.organization_id) == actor.organization_id, col(table.party_id) == party_id)
        .order_by(col(table.id))
        .with_for_update(key_share=True)
    )


def total_of(session: Session, *, account_id: str, unit: Unit) -> int:
    """Give what an account holds of a unit."""
    table = UnitPositionRow
    found = session.execute(
        sa.select(col(table.total_t)).where(col(table.account_id) == account_id, col(table.unit) == str(unit))
    )
    return int(found.scalar_one())


def insert_unless_there(session: Session, row_class: type[Row], **values: Any) -> None:
    """Write a row under a new identifier, unless one with the same natural key is there, or comes at the same time."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(insert(row_class).values(id=new_id(), **values).on_conflict_do_nothing())
