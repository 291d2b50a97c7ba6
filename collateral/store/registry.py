"""Requests to the registry at rest: one key each, one sender at a time, ended once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import NotFound
from carbonfin.storage.outbox import MessageState, OutboxMessageRow
from collateral.calc.freezes import Operation, UnitFreeze
from collateral.models import RegistryRequestRow

SENDING_TIME = timedelta(minutes=2)
"""How long one sending may take: who sends has the request to himself, and the registry refuses what comes later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedRequest:
    """A request to the registry as it stands.

    Attributes:
        not_after: End of the last sending's time; None as long as none can have left.
        waits: Whether its message is still in the outbox, to be sent again by itself or by a person.
    """

    id: str
    pledge_id: str
    operation: Operation
    request_key: str
    message_id: str
    units: tuple[UnitFreeze, ...]
    state: str
    not_after: datetime | None
    reason: str
    waits: bool


def next_number(session: Session, pledge_id: str, operation: Operation) -> int:
    """Give the number of the next request of a pledge's operation; the pledge is held while it is asked."""
    last = session.exec(
        select(sa.func.max(RegistryRequestRow.number)).where(
            RegistryRequestRow.pledge_id == pledge_id, RegistryRequestRow.operation == str(operation)
        )
    ).one()
    return (last or 0) + 1


def add_request(
    session: Session,
    actor: Actor,
    *,
    pledge_id: str,
    operation: Operation,
    number: int,
    request_key: str,
    message_id: str,
    units: tuple[UnitFreeze, ...],
) -> None:
    """Write down what the registry is asked."""
    session.add(
        RegistryRequestRow(
            organization_id=actor.organization_id,
            pledge_id=pledge_id,
            operation=str(operation),
            number=number,
            request_key=request_key,
            message_id=message_id,
            units=[one.fields for one in units],
        )
    )
    session.flush()


def pledge_of_request(session: Session, actor: Actor, request_key: str) -> str:
    """Give the pledge a request belongs to, to be locked before the request is.

    Raises:
        NotFound: There is no such request, or it is another organisation's.
    """
    found = session.exec(
        select(RegistryRequestRow.pledge_id).where(
            RegistryRequestRow.organization_id == actor.organization_id, RegistryRequestRow.request_key == request_key
        )
    ).one_or_none()
    if found is None:
        raise _unknown(request_key)
    return found


def request_by_key(session: Session, actor: Actor, request_key: str) -> AskedRequest:
    """Give a request, held for an update.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    return _asked(session, _row(session, actor, request_key))


def latest_request(session: Session, actor: Actor, pledge_id: str, operation: Operation) -> AskedRequest | None:
    """Give the last request of a pledge's operation."""
    row = session.exec(
        select(RegistryRequestRow)
        .where(
            RegistryRequestRow.organization_id == actor.organization_id,
            RegistryRequestRow.pledge_id == pledge_id,
            RegistryRequestRow.operation == str(operation),
        )
        .order_by(col(RegistryRequestRow.number).desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _asked(session, row)


def sent_requests(session: Session, actor: Actor) -> tuple[AskedRequest, ...]:
    """Give the requests that may have reached the registry and whose end is not known."""
    rows = session.exec(
        select(RegistryRequestRow)
        .where(
            RegistryRequestRow.organization_id == actor.organization_id,
            RegistryRequestRow.state == "OPEN",
            col(RegistryRequestRow.not_after).is_not(None),
        )
        .order_by(col(RegistryRequestRow.request_key))
    ).all()
    return tuple(_asked(session, row) for row in rows)


def open_transfers(session: Session, actor: Actor) -> tuple[AskedRequest, ...]:
    """Give the transfers of sold units that the registry has not ended."""
    rows = session.exec(
        select(RegistryRequestRow)
        .where(
            RegistryRequestRow.organization_id == actor.organization_id,
            RegistryRequestRow.operation == str(Operation.TRANSFER),
            RegistryRequestRow.state == "OPEN",
        )
        .order_by(col(RegistryRequestRow.request_key))
    ).all()
    return tuple(_asked(session, row) for row in rows)


def claim(session: Session, actor: Actor, request_key: str, *, now: datetime) -> datetime | None:
    """Take the sending of an open request for a while; None where it has ended or another has it.

    One guarded UPDATE, so that of two dispatchers at once one gets it.
    """
    until = now + SENDING_TIME
    not_after = col(RegistryRequestRow.not_after)
    taken = session.exec(
        sa.update(RegistryRequestRow)
        .where(
            col(RegistryRequestRow.organization_id) == actor.organization_id,
            col(RegistryRequestRow.request_key) == request_key,
            col(RegistryRequestRow.state) == "OPEN",
            sa.or_(not_after.is_(None), not_after <= now),
        )
        .values(not_after=until, sendings=col(RegistryRequestRow.sendings) + 1)
        .execution_options(synchronize_session="fetch")
    )
    return until if taken.rowcount == 1 else None


def give_back(session: Session, actor: Actor, request_key: str, *, now: datetime) -> None:
    """Give back a sending that never left; what an earlier one may have done stays to be asked for."""
    row = _row(session, actor, request_key)
    if row.state != "OPEN":
        return
    row.sendings -= 1
    row.not_after = None if row.sendings == 0 else now
    session.add(row)
    session.flush()


def end_request(
    session: Session, actor: Actor, request_key: str, *, state: str, at: datetime, reference: str, reason: str
) -> None:
    """Note how an open request ended."""
    row = _row(session, actor, request_key)
    row.state, row.answered_at, row.reference, row.reason = state, at, reference, reason
    session.add(row)
    session.flush()


def send_anew(session: Session, actor: Actor, request_key: str, message_id: str) -> None:
    """Have an open request that the registry never saw carried by another message, under the same key."""
    row = _row(session, actor, request_key)
    row.message_id = message_id
    session.add(row)
    session.flush()


def _row(session: Session, actor: Actor, request_key: str) -> RegistryRequestRow:
    row = session.exec(
        select(RegistryRequestRow)
        .where(
            RegistryRequestRow.organization_id == actor.organization_id, RegistryRequestRow.request_key == request_key
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise _unknown(request_key)
    return row


def _unknown(request_key: str) -> NotFound:
    return NotFound(f"there is no request {request_key}", zh="没有这一登记申请", field="request_key")


def _asked(session: Session, row: RegistryRequestRow) -> AskedRequest:
    message = session.get(OutboxMessageRow, row.message_id)
    return AskedRequest(
        id=row.id,
        pledge_id=row.pledge_id,
        operation=Operation(row.operation),
        request_key=row.request_key,
        message_id=row.message_id,
        units=tuple(
            UnitFreeze(
                account_id=str(one["account_id"]),
                unit=str(one["unit"]),
                quantity_t=int(one["quantity_t"]),
                to_account_id=str(one.get("to_account_id", "")),
                to_unit=str(one.get("to_unit", "")),
                serials=tuple(one.get("serials", ())),
            )
            for one in row.units
        ),
        state=row.state,
        not_after=row.not_after,
        reason=row.reason,
        waits=message is not None and message.state is not MessageState.DELIVERED,
    )
