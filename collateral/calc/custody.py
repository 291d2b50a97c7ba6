"""Third-party custody of trading funds (存管): a bank's daily statement of an account against the exchange's.

Cash is compared to the fen and units by vintage. A side that states nothing for an account on a day is a difference of
its own, as old as the days since that side last stated. Another difference is as old as the first of the days in a row
on which it stood open; a day on which a side lacks neither ends nor begins it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import cny

CASH = "CNY"


class Side(StrEnum):
    """Who states."""

    BANK = "bank"
    EXCHANGE = "exchange"


class DifferenceKind(StrEnum):
    """What differs: an amount, or one side states nothing of the account at all."""

    AMOUNT = "amount"
    NO_BANK_STATEMENT = "no_bank_statement"
    NO_EXCHANGE_STATEMENT = "no_exchange_statement"


NAMES: dict[DifferenceKind, tuple[str, str]] = {
    DifferenceKind.AMOUNT: ("余额不一致", "Amounts differ"),
    DifferenceKind.NO_BANK_STATEMENT: ("缺存管行对账单", "No statement of the custodian"),
    DifferenceKind.NO_EXCHANGE_STATEMENT: ("缺交易所对账单", "No statement of the exchange"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedItem:
    """What one side states of one account at the end of a day: its cash in 元, or tonnes of a unit.

    Attributes:
        item: `CNY`, or a unit with its vintage as `SZA-2024`.
    """

    account_id: str
    business_date: date
    side: Side
    item: str
    amount: Decimal

    def __post_init__(self) -> None:
        """Refuse what is neither whole fen nor whole tonnes, and less than nothing."""
        is_cash = self.item == CASH
        whole = cny(self.amount) if is_cash else self.amount.quantize(Decimal(1))
        if not is_cash:
            Unit.parse(self.item)
        if self.amount < 0 or whole != self.amount:
            raise InvalidInput(
                f"{self.item} of {self.amount} is not {'whole fen' if is_cash else 'whole tonnes'} from nil on",
                zh=f"{self.item} 的余额 {self.amount} 须为不小于零的{'两位小数金额' if is_cash else '整数吨'}",
                field="amount",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class CustodyDifference:
    """One difference of an account; None where a side states nothing.

    Attributes:
        item: Empty where a whole statement lacks.
        since: First day on which it stood open, or on which the side's statement lacked.
    """

    account_id: str
    kind: DifferenceKind
    item: str
    bank_amount: Decimal | None
    exchange_amount: Decimal | None
    since: date
    age_days: int


_Day = Mapping[Side, Mapping[str, Decimal]]


def compare_custody(
    items: Iterable[StatedItem], *, bound_from: Mapping[str, date], day: date
) -> tuple[CustodyDifference, ...]:
    """Give every difference of a day, each with its age; accounts in the order given, cash before units.

    Items of later days are left out; of one account, day, side and item the last one counts.

    Args:
        items: What both sides state, a correction after what it corrects.
        bound_from: The accounts to compare, each with the first day of its binding.
        day: The day.
    """
    days: dict[str, dict[date, dict[Side, dict[str, Decimal]]]] = {}
    for one in items:
        if one.business_date <= day:
            stated = days.setdefault(one.account_id, {}).setdefault(one.business_date, {})
            stated.setdefault(one.side, {})[one.item] = one.amount
    found: list[CustodyDifference] = []
    for account_id, first_day in bound_from.items():
        history = days.get(account_id, {})
        earlier = {one: stated for one, stated in history.items() if one < day}
        for (kind, item), (bank, exchange) in _open(history.get(day, {})).items():
            if kind is DifferenceKind.AMOUNT:
                since = _open_since(earlier, item, day)
            else:
                side = Side.BANK if kind is DifferenceKind.NO_BANK_STATEMENT else Side.EXCHANGE
                last = max((one for one, stated in earlier.items() if side in stated), default=None)
                since = first_day if last is None else last + timedelta(days=1)
            found.append(
                CustodyDifference(
                    account_id=account_id, kind=kind, item=item, bank_amount=bank, exchange_amount=exchange,
                    since=since, age_days=(day - since).days,
                )
            )  # fmt: skip
    return tuple(found)


def _open_since(earlier: Mapping[date, _Day], item: str, day: date) -> date:
    since = day
    for before in sorted(earlier, reverse=True):
        if len(earlier[before]) < len(Side):
            continue
        if (DifferenceKind.AMOUNT, item) not in _open(earlier[before]):
            break
        since = before
    return since


def _open(stated: _Day) -> dict[tuple[DifferenceKind, str], tuple[Decimal | None, Decimal | None]]:
    """Give what differs on one day; an item that one side leaves out of its statement is nil there."""
    bank, exchange = stated.get(Side.BANK), stated.get(Side.EXCHANGE)
    found: dict[tuple[DifferenceKind, str], tuple[Decimal | None, Decimal | None]] = {}
    if bank is None:
        found[DifferenceKind.NO_BANK_STATEMENT, ""] = (None, None)
    if exchange is None:
        found[DifferenceKind.NO_EXCHANGE_STATEMENT, ""] = (None, None)
    if bank is None or exchange is None:
        return found
    for item in sorted({*bank, *exchange}, key=lambda one: (one != CASH, one)):
        here, there = bank.get(item, Decimal(0)), exchange.get(item, Decimal(0))
        if here != there:
            found[DifferenceKind.AMOUNT, item] = (here, there)
    return found
