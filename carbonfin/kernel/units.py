"""Money, rates and rounding, and the only doors between Decimal and float64."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cache

from carbonfin.kernel.errors import CalculationFailed, InvalidInput

BP = Decimal("0.0001")
_WIDE = Context(prec=400)  # rounding to a place never runs out of digits, whatever the caller's context says
_PLAIN_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,12})?")
_CAPITAL_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_CAPITAL_PLACES = ("", "拾", "佰", "仟")
_CAPITAL_GROUPS = ("", "万", "亿", "万亿")


class Currency(StrEnum):
    """Currencies in use; CNH is offshore renminbi."""

    CNY = "CNY"
    CNH = "CNH"
    HKD = "HKD"
    USD = "USD"
    EUR = "EUR"


@cache
def _last_place(places: int) -> Decimal:
    """Give one unit of the last decimal place."""
    return Decimal(1).scaleb(-places)


def round_half_up(value: Decimal, places: int = 2) -> Decimal:
    """Round to decimal places, ties away from zero (四舍五入)."""
    return value.quantize(_last_place(places), rounding=ROUND_HALF_UP, context=_WIDE)


def round_up(value: Decimal, places: int = 0) -> Decimal:
    """Round towards plus infinity."""
    return value.quantize(_last_place(places), rounding=ROUND_CEILING, context=_WIDE)


def round_down(value: Decimal, places: int = 0) -> Decimal:
    """Round towards minus infinity."""
    return value.quantize(_last_place(places), rounding=ROUND_FLOOR, context=_WIDE)


def cny(value: Decimal) -> Decimal:
    """Round an amount to the fen, half up."""
    return round_half_up(value, 2)


def parse_decimal(text: str, *, field: str) -> Decimal:
    """Read a plain decimal number; separators, exponents, NaN and infinities are refused.

    Raises:
        InvalidInput: The text is not digits with at most one point.
    """
    cleaned = text.strip()
    if _PLAIN_DECIMAL.fullmatch(cleaned) is None:
        raise InvalidInput(
            f"{field} reads {text!r}, which is not a plain decimal number",
            zh=f"“{text}”不是规范的数字",
            field=field,
            remedy="Write digits with at most one decimal point, without thousands separators, for example 1234567.89.",
            remedy_zh="请只用数字和一个小数点，不加千分位，例如 1234567.89。",
        )
    return Decimal(cleaned)


def to_float(value: Decimal) -> float:
    """Hand an exact number to float64 calculation."""
    return float(value)


def to_decimal(value: float, *, places: int) -> Decimal:
    """Bring a calculated float back to an exact number, rounded half up to `places`.

    Raises:
        CalculationFailed: The float is not finite.
    """
    if not math.isfinite(value):
        raise CalculationFailed(f"a calculation gave {value}", zh="计算结果不是有限数")
    return round_half_up(Decimal(repr(float(value))), places)  # numpy's scalars print their type in repr


def to_tonnes(value: float) -> int:
    """Bring a calculated quantity back to whole tonnes, rounded half up."""
    return int(to_decimal(value, places=0))


def largest_remainders(amount: int, weights: Sequence[int]) -> list[int]:
    """Share whole units out by weights, by largest remainder (最大余数法): the parts add up to the amount.

    Each part is floor(amount x weight / sum of weights); units left over go one each to the largest remainders, of
    equal ones to the first. Weights are not negative and not all nought.
    """
    total = sum(weights)
    parts = [divmod(amount * weight, total) for weight in weights]
    left = amount - sum(whole for whole, _ in parts)
    favoured = set(sorted(range(len(parts)), key=lambda place: -parts[place][1])[:left])
    return [whole + (place in favoured) for place, (whole, _) in enumerate(parts)]


def rate_plus_bp(rate: Decimal, bp: int | Decimal) -> Decimal:
    """Add basis points to a decimal rate: 0.0300 + 40 bp = 0.0340."""
    return rate + BP * bp


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in whole minor units (fen, cent) of one currency.

    Adding, subtracting or comparing different currencies raises InvalidInput.
    """

    minor: int
    currency: Currency

    @classmethod
    def of(cls, amount: Decimal | int | str, currency: Currency) -> "Money":
        """Make money from an exact amount; a fraction of a minor unit is refused, never rounded."""
        value = parse_decimal(amount, field="amount") if isinstance(amount, str) else Decimal(amount)
        minor = Fraction(value) * 100 if value.is_finite() else Fraction(1, 2)
        if minor.denominator != 1:
            raise InvalidInput(
                f"{amount} {currency} is not a whole number of minor units",
                zh=f"金额 {amount} 超出两位小数",
                field="amount",
                remedy="Give at most two decimal places.",
                remedy_zh="金额最多两位小数。",
            )
        return cls(minor.numerator, currency)

    @property
    def amount(self) -> Decimal:
        """The amount in major units, exact, with two decimal places."""
        return Decimal(f"{self.minor}E-2")

    def _same(self, other: "Money") -> None:
        if self.currency is not other.currency:
            raise InvalidInput(
                f"{self.currency} and {other.currency} cannot be combined",
                zh=f"币种不同：{self.currency} 与 {other.currency}",
                remedy="Convert to one currency first.",
                remedy_zh="请先折算为同一币种。",
            )

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        self._same(other)
        return self.minor < other.minor

    def __le__(self, other: "Money") -> bool:
        self._same(other)
        return self.minor <= other.minor

    def __str__(self) -> str:
        return f"{self.amount:,.2f} {self.currency}"


def to_money(value: float, currency: Currency) -> Money:
    """Bring a calculated float back to money, rounded half up to the minor unit."""
    return Money.of(to_decimal(value, places=2), currency)


def chinese_capitals(amount: Decimal) -> str:
    """Write a renminbi amount in capital characters (大写), as a contract does.

    Source: 《支付结算办法》附一 正确填写票据和结算凭证的基本规定, rules for 整, 零, 角, 分.

    Raises:
        InvalidInput: The amount is negative, not whole fen, or 10^16 and more.
    """
    money = Money.of(amount, Currency.CNY)
    if money.minor < 0 or money.minor >= 10**18:
        raise InvalidInput(f"{amount} cannot be written in capitals", zh="金额超出大写范围", field="amount")
    yuan, fen_part = divmod(money.minor, 100)
    jiao, fen = divmod(fen_part, 10)
    words = _capital_integer(yuan) + "元" if yuan else ""
    if jiao:
        words += _CAPITAL_DIGITS[jiao] + "角"
    elif fen and yuan:
        words += "零"
    if fen:
        words += _CAPITAL_DIGITS[fen] + "分"
    else:
        words = (words or "零元") + "整"
    return "人民币" + words


def _capital_integer(value: int) -> str:
    groups: list[int] = []
    while value:
        value, group = divmod(value, 10_000)
        groups.append(group)
    words, gap = "", False
    for place in range(len(groups) - 1, -1, -1):
        group = groups[place]
        if not group:
            gap = bool(words)
            continue
        if words and (gap or group < 1000 or (place == 0 and groups[1] % 10 == 0)):
            words += "零"  # also where only the 万 place is empty: 107,000.53 is 壹拾万零柒仟元伍角叁分
        words += _capital_group(group) + _CAPITAL_GROUPS[place]
        gap = False
    return words


def _capital_group(group: int) -> str:
    words, gap = "", False
    for place in range(3, -1, -1):
        digit = group // 10**place % 10
        if not digit:
            gap = bool(words)
            continue
        words += ("零" if gap else "") + _CAPITAL_DIGITS[digit] + _CAPITAL_PLACES[place]
        gap = False
    return words
