"""Concentration (集中度): how much of a whole rests on one name, and how even the whole is."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from carbonfin.kernel.errors import InvalidInput

_PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One name's part of a whole.

    Attributes:
        amount: Its part, in the whole's unit.
        share_ratio: amount / total, rounded half up to four places.
    """

    name: str
    amount: Decimal
    share_ratio: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Concentration:
    """A whole by name, the largest part first.

    Attributes:
        total: The base of every share.
        herfindahl_ratio: Sum of squared exact shares (HHI, 0 to 1), four places; None where there is nothing.
    """

    total: Decimal
    shares: tuple[Share, ...]
    herfindahl_ratio: Decimal | None


def concentration_of(amounts: Mapping[str, Decimal]) -> Concentration:
    """Give the shares of a whole, largest first, ties by name; names with nothing are left out.

    Raises:
        InvalidInput: An amount is negative.
    """
    for name, amount in amounts.items():
        if amount < 0:
            raise InvalidInput(f"{name}: {amount} is below zero", zh=f"{name}：金额为负", field=name)
    total = sum(amounts.values(), Decimal(0))
    if total == 0:
        return Concentration(total=total, shares=(), herfindahl_ratio=None)
    held = sorted(((name, amount) for name, amount in amounts.items() if amount), key=lambda one: (-one[1], one[0]))
    squares = sum((amount * amount for _, amount in held), Decimal(0))
    return Concentration(
        total=total,
        shares=tuple(Share(name=name, amount=amount, share_ratio=_rounded(amount / total)) for name, amount in held),
        herfindahl_ratio=_rounded(squares / (total * total)),
    )


def _rounded(ratio: Decimal) -> Decimal:
    return ratio.quantize(_PLACES, rounding=ROUND_HALF_UP)
