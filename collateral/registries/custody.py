"""An exchange's custody statement as it is sent: every line read strictly, or none."""

from datetime import date
from typing import Any

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.units import parse_decimal
from collateral.calc.custody import CASH
from collateral.registries.port import CustodyBalance, CustodyStatement


def custody_statement_of(body: dict[str, Any]) -> CustodyStatement:
    """Read a statement: its exchange, its day, and each account's cash and units once.

    Raises:
        ValueError: A field has another shape, or an account states an item twice.
        KeyError: A field lacks.
        InvalidInput: An amount or a unit cannot be read.
    """
    balances = tuple(_balance(one) for one in body["balances"])
    if len({(one.account_number, one.item) for one in balances}) != len(balances):
        raise ValueError("an account states an item twice")
    return CustodyStatement(
        exchange_code=_text(body["exchange"]), business_date=date.fromisoformat(_text(body["day"])), balances=balances
    )


def _balance(one: dict[str, Any]) -> CustodyBalance:
    item = _text(one["item"])
    return CustodyBalance(
        account_number=_text(one["account_number"]),
        item=CASH if item == CASH else str(Unit.parse(item)),
        amount=parse_decimal(_text(one["amount"]), field="amount"),
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text is expected")
    return value
