"""Requests to the registry: written with the work that causes them, each under a key of its own."""

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.storage.outbox import Message, enqueue
from collateral.calc.agreements import Pledge, UnitQuantity
from collateral.calc.freezes import Operation, UnitFreeze
from collateral.calc.serials import Ranges, merged
from collateral.service import ledger
from collateral.service.numbers import locked_serials
from collateral.store import registry as store

FREEZE_MESSAGE = "collateral.freeze"
UNFREEZE_MESSAGE = "collateral.unfreeze"
TRANSFER_MESSAGE = "collateral.transfer"
CONVERT_MESSAGE = "collateral.convert"
_KINDS = {
    Operation.FREEZE: FREEZE_MESSAGE, Operation.UNFREEZE: UNFREEZE_MESSAGE, Operation.TRANSFER: TRANSFER_MESSAGE,
    Operation.CONVERT: CONVERT_MESSAGE,
}  # fmt: skip


def ask_registry(
    session: Session,
    actor: Actor,
    pledge: Pledge,
    operation: Operation,
    *,
    units: tuple[UnitQuantity, ...] | None = None,
    change_id: str | None = None,
    asked: tuple[UnitFreeze, ...] | None = None,
) -> str:
    """Ask for a freeze, its end or a transfer and give the request's key: a new one, which no earlier refusal answers.

    Of units that carry serial numbers the request names those that the ledger holds for it.

    Args:
        session: The transaction of the work that asks.
        actor: Who asks.
        pledge: The pledge, held for update.
        operation: What is asked.
        units: What of it; None means all its units.
        change_id: The change of the pledge whose units are meant.
        asked: What is asked unit by unit, of a transfer and a conversion; None makes it of `units` and the ledger.
    """
    if asked is None:
        asked = _from_ledger(session, actor, pledge, operation, units=units, change_id=change_id)
    number = store.next_number(session, pledge.id, operation)
    request_key = f"{pledge.id}-{operation}-{number}"
    message = _message(session, actor, pledge, operation, request_key=request_key, units=asked)
    store.add_request(
        session, actor, pledge_id=pledge.id, operation=operation, number=number, request_key=request_key,
        message_id=message.id, units=asked,
    )  # fmt: skip
    return request_key


def _from_ledger(
    session: Session, actor: Actor, pledge: Pledge, operation: Operation, *, units: tuple[UnitQuantity, ...] | None,
    change_id: str | None,
) -> tuple[UnitFreeze, ...]:  # fmt: skip
    """Give what a freeze or its end asks: each unit on the pledgor's account, with the numbers the ledger holds."""
    accounts = {one.unit: one.account_id for one in ledger.holdings_of(session, actor, pledge.pledgor_id)}
    named = _named_serials(session, actor, pledge, operation, change_id)
    return tuple(
        UnitFreeze(
            account_id=accounts[one.unit], unit=str(one.unit), quantity_t=one.quantity_t,
            serials=named.get(one.unit, ()),
        )
        for one in (pledge.units if units is None else units)
    )  # fmt: skip


_HELD_IN = {Operation.FREEZE: "PENDING", Operation.UNFREEZE: "RELEASE_PENDING"}


def _named_serials(
    session: Session, actor: Actor, pledge: Pledge, operation: Operation, change_id: str | None
) -> dict[Unit, tuple[str, ...]]:
    """Give the numbers that the ledger reserved or is asked to release, of the change where it is one's."""
    state = _HELD_IN.get(operation)
    found: dict[Unit, Ranges] = {}
    for held, ranges in locked_serials(session, actor, pledge_id=pledge.id):
        if held.state == state and (change_id is None or held.change_id == change_id):
            found[held.unit] = merged((*found.get(held.unit, ()), *ranges))
    return {unit: tuple(map(str, ranges)) for unit, ranges in found.items()}


def send_anew(session: Session, actor: Actor, pledge: Pledge, asked: store.AskedRequest) -> None:
    """Send a request that the registry never saw again, under the same key."""
    message = _message(
        session, actor, pledge, asked.operation, request_key=asked.request_key, units=asked.units
    )  # fmt: skip
    store.send_anew(session, actor, asked.request_key, message.id)


def _message(
    session: Session,
    actor: Actor,
    pledge: Pledge,
    operation: Operation,
    *,
    request_key: str,
    units: tuple[UnitFreeze, ...],
) -> Message:
    return enqueue(
        session,
        actor,
        subject=f"pledge:{pledge.id}",
        kind=_KINDS[operation],
        payload={
            "pledge_id": pledge.id,
            "request_key": request_key,
            "operation": str(operation),
            "agreement_code": pledge.code,
            "units": [one.fields for one in units],
        },
    )  # fmt: skip
