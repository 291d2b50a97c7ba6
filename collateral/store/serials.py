"""Serial ranges at rest: what an account holds, what an encumbrance locks; the database keeps live ones apart."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict
from carbonfin.storage.rows import new_id, table_of
from collateral.calc.agreements import Encumbrance
from collateral.calc.serials import Ranges, SerialRange, highest, merged, without
from collateral.models import SerialRangeRow, UnitPositionRow

_RANGES = table_of(SerialRangeRow)
_POSITIONS = table_of(UnitPositionRow)
_EXCLUSION_VIOLATION = "23P01"


def has_serials(session: Session, *, account_id: str, unit: Unit) -> bool:
    """Tell whether an account's units carry numbers; asked of a position that is held, so that it stays so."""
    found = session.execute(
        sa.select(_POSITIONS.c.has_serials).where(_POSITIONS.c.account_id == account_id, _POSITIONS.c.unit == str(unit))
    ).scalar_one_or_none()
    return bool(found)


def held_ranges(session: Session, *, account_id: str, unit: Unit) -> Ranges:
    """Give the numbers an account holds of a unit."""
    return merged(_ranges(session, *_at(account_id, unit), _RANGES.c.encumbrance_id.is_(None)))


def locked_ranges(session: Session, *, account_id: str, unit: Unit) -> Ranges:
    """Give the numbers of an account's unit that encumbrances lock."""
    return merged(_ranges(session, *_at(account_id, unit), _RANGES.c.encumbrance_id.is_not(None)))


def free_ranges(session: Session, *, account_id: str, unit: Unit) -> Ranges:
    """Give the numbers an account holds and no encumbrance locks."""
    return without(
        held_ranges(session, account_id=account_id, unit=unit), locked_ranges(session, account_id=account_id, unit=unit)
    )


def ranges_by_encumbrance(session: Session, encumbrance_ids: Iterable[str]) -> dict[str, Ranges]:
    """Give the live numbers of encumbrances; those without numbers are left out."""
    rows = session.execute(
        sa.select(_RANGES).where(_RANGES.c.encumbrance_id.in_(list(encumbrance_ids)), _RANGES.c.is_live)
    )
    found: dict[str, list[SerialRange]] = {}
    for row in rows:
        found.setdefault(row.encumbrance_id, []).append(_range(row))
    return {encumbrance_id: merged(ranges) for encumbrance_id, ranges in found.items()}


def hold(session: Session, actor: Actor, *, account_id: str, unit: Unit, ranges: Sequence[SerialRange]) -> None:
    """Bring what an account holds of a unit to some ranges; rows that no longer stand are kept, and no longer live.

    Raises:
        Conflict: Another account holds one of the numbers.
    """
    wanted = merged(ranges)
    before = held_ranges(session, account_id=account_id, unit=unit)
    _end(session, *_at(account_id, unit), _RANGES.c.encumbrance_id.is_(None), keep=wanted)
    fresh = tuple(one for one in wanted if one not in before)
    _add(session, actor, account_id=account_id, unit=unit, ranges=fresh, encumbrance_id=None)
    session.execute(
        sa.update(_POSITIONS)
        .where(_POSITIONS.c.account_id == account_id, _POSITIONS.c.unit == str(unit))
        .values(has_serials=bool(wanted))
    )


def lock(session: Session, actor: Actor, encumbrance: Encumbrance, ranges: Sequence[SerialRange]) -> None:
    """Lock numbers for an encumbrance.

    Raises:
        Conflict: Another live encumbrance locks one of them.
    """
    _add(
        session, actor, account_id=encumbrance.account_id, unit=encumbrance.unit, ranges=merged(ranges),
        encumbrance_id=encumbrance.id,
    )  # fmt: skip


def unlock(session: Session, encumbrance_id: str) -> None:
    """End the locks of an encumbrance that no longer binds its units."""
    _end(session, _RANGES.c.encumbrance_id == encumbrance_id, _RANGES.c.is_live, keep=())


def split_lock(session: Session, actor: Actor, whole: Encumbrance, part: Encumbrance, *, named: Ranges) -> None:
    """Let a part that was cut from an encumbrance take the named numbers with it, or the highest where none are."""
    ranges = ranges_by_encumbrance(session, [whole.id]).get(whole.id, ())
    if not ranges:
        return
    gone = named or highest(ranges, part.quantity_t)
    unlock(session, whole.id)
    lock(session, actor, whole, without(ranges, gone))
    lock(session, actor, part, gone)


def join_locks(session: Session, actor: Actor, *, gone: Encumbrance, kept: Encumbrance) -> None:
    """Let one lock take over the numbers of another."""
    found = ranges_by_encumbrance(session, [gone.id, kept.id])
    if found:
        unlock(session, gone.id)
        unlock(session, kept.id)
        lock(session, actor, kept, [one for ranges in found.values() for one in ranges])


def _at(account_id: str, unit: Unit) -> tuple[sa.ColumnElement[bool], ...]:
    return _RANGES.c.account_id == account_id, _RANGES.c.unit == str(unit), _RANGES.c.is_live


def _ranges(session: Session, *conditions: sa.ColumnElement[bool]) -> list[SerialRange]:
    return [_range(row) for row in session.execute(sa.select(_RANGES).where(*conditions))]


def _range(row: sa.Row[tuple[object, ...]]) -> SerialRange:
    return SerialRange(registry=row.registry_code, kind=row.kind, first=row.first_serial, last=row.last_serial)


def _end(session: Session, *conditions: sa.ColumnElement[bool], keep: Ranges) -> None:
    """Take rows out of what is live, but those of ranges that stay as they are."""
    rows = session.execute(sa.select(_RANGES).where(*conditions)).all()
    gone = [row.id for row in rows if _range(row) not in keep]
    if gone:
        session.execute(sa.update(_RANGES).where(_RANGES.c.id.in_(gone)).values(is_live=False))


def _add(
    session: Session, actor: Actor, *, account_id: str, unit: Unit, ranges: Ranges, encumbrance_id: str | None
) -> None:
    session.flush()
    rows = [
        {
            "id": new_id(), "organization_id": actor.organization_id, "account_id": account_id, "unit": str(unit),
            "registry_code": one.registry, "kind": one.kind, "first_serial": one.first, "last_serial": one.last,
            "encumbrance_id": encumbrance_id, "is_live": True,
        }
        for one in ranges
    ]  # fmt: skip
    if not rows:
        return
    try:
        session.execute(sa.insert(_RANGES), rows)
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) != _EXCLUSION_VIOLATION and "spans overlap" not in str(error.orig):
            raise
        named = "; ".join(map(str, ranges))
        other = "account holds" if encumbrance_id is None else "agreement locks"
        other_zh = "其他账户持有" if encumbrance_id is None else "其他合同锁定"
        raise Conflict(
            f"another {other} a number of {named} ({unit})",
            zh=f"{unit} 序号段 {named} 中有序号已由{other_zh}",
            field="serials",
            remedy="Read the account again and name numbers that are free.",
            remedy_zh="请刷新后重新填写可用序号。",
        ) from error
