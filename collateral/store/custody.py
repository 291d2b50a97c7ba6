"""Custody accounts and statements at rest."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.storage.rows import table_of
from collateral.calc.custody import Side, StatedItem
from collateral.models import CustodyAccountRow, CustodyStatementRow

_STATED = table_of(CustodyStatementRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyAccount:
    """A party's account for trading funds at a custodian bank, and the exchange it is bound to.

    Attributes:
        bound_to: Last day of the binding; None until further notice.
    """

    id: str
    party_id: str
    custodian_name: str
    account_number: str
    exchange_code: str
    bound_from: date
    bound_to: date | None

    def is_bound_on(self, day: date) -> bool:
        """Tell whether the binding holds on a day."""
        return self.bound_from <= day and (self.bound_to is None or day <= self.bound_to)


def add_account(session: Session, actor: Actor, draft: CustodyAccount, *, at: datetime) -> CustodyAccount:
    """Write an account down; its identifier is given with it."""
    row = CustodyAccountRow(
        organization_id=actor.organization_id, party_id=draft.party_id, custodian_name=draft.custodian_name,
        account_number=draft.account_number, exchange_code=draft.exchange_code, bound_from=draft.bound_from,
        bound_to=draft.bound_to, entered_at=at, actor_id=actor.id, actor_name=actor.name,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return _account(row)


def accounts_of(session: Session, actor: Actor) -> tuple[CustodyAccount, ...]:
    """Give every account by exchange, number and day of binding."""
    rows = session.exec(
        select(CustodyAccountRow)
        .where(CustodyAccountRow.organization_id == actor.organization_id)
        .order_by(
            col(CustodyAccountRow.exchange_code),
            col(CustodyAccountRow.account_number),
            col(CustodyAccountRow.bound_from),
        )
    )
    return tuple(_account(row) for row in rows)


def end_binding(session: Session, actor: Actor, account_id: str, *, bound_to: date) -> bool:
    """End a binding that has no end yet; False where another did it first."""
    ended = session.exec(
        sa.update(CustodyAccountRow)
        .where(
            col(CustodyAccountRow.id) == account_id,
            col(CustodyAccountRow.organization_id) == actor.organization_id,
            col(CustodyAccountRow.bound_to).is_(None),
            col(CustodyAccountRow.bound_from) <= bound_to,
        )
        .values(bound_to=bound_to)
    )
    return ended.rowcount == 1


def add_items(session: Session, actor: Actor, items: tuple[StatedItem, ...], *, source: str, at: datetime) -> int:
    """Write what a side states; the same amount again is not written, another adds a revision. Gives how many were."""
    written = 0
    for one in items:
        last = session.execute(
            sa.select(_STATED.c.amount, _STATED.c.revision)
            .where(
                _STATED.c.organization_id == actor.organization_id, _STATED.c.account_id == one.account_id,
                _STATED.c.business_date == one.business_date, _STATED.c.side == one.side.value,
                _STATED.c.item == one.item,
            )
            .order_by(_STATED.c.revision.desc())
            .limit(1)
        ).one_or_none()  # fmt: skip
        if last is not None and last.amount == one.amount:
            continue
        session.add(
            CustodyStatementRow(
                organization_id=actor.organization_id, account_id=one.account_id, business_date=one.business_date,
                side=one.side.value, item=one.item, amount=one.amount,
                revision=0 if last is None else last.revision + 1, source=source, entered_at=at, actor_id=actor.id,
                actor_name=actor.name,
            )
        )  # fmt: skip
        session.flush()
        written += 1
    return written


def items_of(session: Session, actor: Actor, *, until: date) -> tuple[StatedItem, ...]:
    """Give what was stated up to a day, a correction after what it corrects."""
    rows = session.execute(
        sa.select(_STATED)
        .where(_STATED.c.organization_id == actor.organization_id, _STATED.c.business_date <= until)
        .order_by(_STATED.c.account_id, _STATED.c.business_date, _STATED.c.revision)
    )
    return tuple(
        StatedItem(
            account_id=row.account_id, business_date=row.business_date, side=Side(row.side), item=row.item,
            amount=row.amount,
        )
        for row in rows
    )  # fmt: skip


def _account(row: CustodyAccountRow) -> CustodyAccount:
    return CustodyAccount(
        id=row.id, party_id=row.party_id, custodian_name=row.custodian_name, account_number=row.account_number,
        exchange_code=row.exchange_code, bound_from=row.bound_from, bound_to=row.bound_to,
    )  # fmt: skip
