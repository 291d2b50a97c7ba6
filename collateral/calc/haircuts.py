"""Haircuts (折扣系数): dated parts from the bank's table, added and never multiplied; a missing one is refused."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import cny
from carbonfin.rules.parameters import ParameterBook, ParameterValue

HAIRCUT_KEY = "collateral.haircut_ratio"


@dataclass(frozen=True, slots=True, kw_only=True)
class Haircut:
    """A haircut h, 0 to 1, as the sum of its dated parts (price, currency)."""

    parts: tuple[ParameterValue, ...]

    def __post_init__(self) -> None:
        """Refuse an empty haircut and one outside 0 to 1."""
        stacked_ratio(part.decimal for part in self.parts)

    @property
    def ratio(self) -> Decimal:
        """The parts added: FX and additional haircuts stack on the price haircut."""
        return stacked_ratio(part.decimal for part in self.parts)


def stacked_ratio(parts: Iterable[Decimal]) -> Decimal:
    """Give the sum of haircut parts; each part and the sum lie in 0 to 1.

    Raises:
        InvalidInput: There is no part, or a part or the sum lies outside 0 to 1.
    """
    ratios = tuple(parts)
    total = sum(ratios, Decimal(0))
    if not ratios or any(not 0 <= ratio <= 1 for ratio in (*ratios, total)):
        raise InvalidInput(
            f"haircut parts {', '.join(map(str, ratios)) or 'none'} do not stay within 0 to 1",
            zh="折扣系数须在 0 至 1 之间",
            field=HAIRCUT_KEY,
            remedy="Enter each haircut as a ratio, 0.40 for 40%.",
            remedy_zh="请以小数录入，例如 40% 记为 0.40。",
        )
    return total


def haircut_value_cny(market_value_cny: Decimal, haircut_ratio: Decimal) -> Decimal:
    """Give the collateral value C (1 - h), to the fen."""
    return cny(market_value_cny * (1 - haircut_ratio))


def pledge_haircut(book: ParameterBook, scheme: Scheme, *, valid_on: date, known_at: datetime) -> Haircut:
    """Take a scheme's haircut for a pledge from the dated table.

    Raises:
        MissingData: The table has no haircut for the scheme; nothing is assumed.
    """
    return Haircut(parts=(book.on(HAIRCUT_KEY, valid_on=valid_on, known_at=known_at, scope=scheme),))


def repo_haircut(
    book: ParameterBook, scheme: Scheme, *, cross_currency: bool, valid_on: date, known_at: datetime
) -> Haircut:
    """Take a scheme's haircut for a repo; where cash and units differ in currency, the FX part is added.

    Raises:
        MissingData: The table lacks a part.
    """
    scopes = [f"repo_{scheme}", *(["fx_add"] if cross_currency else [])]
    return Haircut(
        parts=tuple(book.on(HAIRCUT_KEY, valid_on=valid_on, known_at=known_at, scope=scope) for scope in scopes)
    )
