"""Sold units at the registry: handed to the buyer by a request of their own, which silence never ends."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict
from carbonfin.storage.parties import Standing
from collateral.calc.agreements import Pledge
from collateral.calc.freezes import Operation, UnitFreeze
from collateral.calc.serials import Ranges
from collateral.registries.port import Answer
from collateral.service import ledger
from collateral.service.pledges import note, require_words
from collateral.service.registry_requests import ask_registry
from collateral.store import pledges as store
from collateral.store import registry as requests

TRANSFER_EVENTS: Mapping[Answer, str] = {Answer.DONE: "transfer:done", Answer.REJECTED: "transfer:rejected"}
TRANSFER_ASKED = "transfer:asked"
_STATES_ZH = {"OPEN": "登记机构尚未答复", "REJECTED": "登记机构拒绝"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldLot:
    """What one buyer bought of one unit, with its numbers where it carries some; no buyer is the bank itself."""

    unit: Unit
    quantity_t: int
    buyer_id: str | None
    ranges: Ranges


def ask_transfer(
    session: Session, actor: Actor, pledge: Pledge, lots: tuple[SoldLot, ...], *, standing: Standing, cause: str
) -> None:
    """Ask the registry to hand sold units, by their numbers, to their buyers and to end their freeze, by the outbox."""
    home = {one.unit: one.account_id for one in ledger.holdings_of(session, actor, pledge.pledgor_id)}
    accounts = {
        (buyer_id, one.unit): one.account_id
        for buyer_id in dict.fromkeys(one.buyer_id for one in lots)
        if buyer_id is not None
        for one in ledger.holdings_of(session, actor, buyer_id)
    }
    asked = tuple(
        UnitFreeze(
            account_id=home[one.unit], unit=str(one.unit), quantity_t=one.quantity_t,
            to_account_id=accounts.get((one.buyer_id or "", one.unit), ""), serials=tuple(map(str, one.ranges)),
        )
        for one in lots
    )  # fmt: skip
    ask_registry(session, actor, pledge, Operation.TRANSFER, asked=asked)
    note(session, actor, pledge, TRANSFER_ASKED, standing=standing, cause=cause)


def transfer_of(session: Session, actor: Actor, pledge_id: str) -> requests.AskedRequest | None:
    """Give the last request to hand over what was sold of a pledge; None where nothing was."""
    return requests.latest_request(session, actor, pledge_id, Operation.TRANSFER)


def require_handed_over(session: Session, actor: Actor, pledge: Pledge) -> None:
    """Hold that the registry has handed over what was sold: before it, the price is not to be shared out.

    A pledge sold before such requests were made has none, and is let through.

    Raises:
        Conflict: It has not answered, or has refused.
    """
    asked = transfer_of(session, actor, pledge.id)
    if asked is None or asked.state == "DONE":
        return
    raise Conflict(
        f"the registry has not handed over what was sold of pledge {pledge.code}: {asked.state}",
        zh=f"质押 {pledge.code} 的成交配额尚未过户（{_STATES_ZH.get(asked.state, asked.state)}），不得分配价款",
        field="state",
        remedy="Run registry-sync to ask, or ask anew for what was refused.",
        remedy_zh="请运行登记同步查询；被拒绝的处理后重新申请。",
    )


def ask_transfer_again(session: Session, actor: Actor, pledge_id: str, *, standing: Standing, cause: str) -> Pledge:
    """Ask anew for a transfer that the registry refused, once what it objected to is put right.

    Raises:
        Conflict: The last request was not refused; asking twice at once could end in two answers.
    """
    require_words(cause, "cause", "请填写重新申请的依据")
    pledge = store.load_pledge(session, actor, pledge_id, lock=True)
    asked = transfer_of(session, actor, pledge.id)
    if asked is None or asked.state != "REJECTED":
        raise Conflict(
            f"pledge {pledge.code} has no refused request to hand over units",
            zh="没有被登记机构拒绝的过户申请",
            field="state",
            remedy="Wait for the answer to the request that is under way.",
            remedy_zh="请等待在途申请的答复。",
        )
    ask_registry(session, actor, pledge, Operation.TRANSFER, asked=asked.units)
    note(session, actor, pledge, TRANSFER_ASKED, standing=standing, cause=cause)
    return store.load_pledge(session, actor, pledge.id)
