"""What a column of a decision table may hold: numbers with unit, days, codes, yes or no; anything else is missing.

Numbers have at most 15 significant digits. So many survive the way to float64 and back unchanged and keep their order,
which is why one table gives the same answer compiled to Python, to a data frame and to SQL.
"""

import math
import re
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import numpy as np

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import parse_decimal, to_float

DIGITS_MAX = 15
Present = float | date | str | bool
"""A value that is there, as tables compare it: numbers are floats of at most 15 digits."""


class MissingReason(StrEnum):
    """Why a value counts as missing."""

    ABSENT = "absent"
    NOT_A_NUMBER = "not_a_number"
    WRONG_TYPE = "wrong_type"
    WRONG_UNIT = "wrong_unit"
    OUT_OF_DOMAIN = "out_of_domain"
    UNKNOWN_CODE = "unknown_code"
    TOO_MANY_DIGITS = "too_many_digits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A number with the unit it came in; a column of another unit takes it for missing, and nothing is converted."""

    number: Decimal | int | float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberDomain:
    """Numbers from `low` to `high`, both inside, in a unit; bounds that are None are open."""

    unit: str
    low: Decimal | None = None
    high: Decimal | None = None
    is_whole: bool = False
    bounds: tuple[float, float] = field(init=False, repr=False, compare=False)
    """The bounds as floats, infinite where open; kept, since every value read asks for them."""

    def __post_init__(self) -> None:
        low = -math.inf if self.low is None else to_float(self.low)
        object.__setattr__(self, "bounds", (low, math.inf if self.high is None else to_float(self.high)))
        if not self.unit.strip():
            raise _refusal("a number has a unit; write `count` or `ratio` where it has no other", "数值列须有单位")
        for bound in (self.low, self.high):
            if bound is not None and (not bound.is_finite() or _digits(bound) > DIGITS_MAX):
                raise _refusal(
                    f"bound {bound} has more than {DIGITS_MAX} digits", f"上下限不得超过 {DIGITS_MAX} 位有效数字"
                )
            if bound is not None and self.is_whole and bound != bound.to_integral_value():
                raise _refusal(f"bound {bound} of whole numbers is not whole", "整数列的上下限须为整数")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise _refusal(f"{self.low} lies above {self.high}", "下限高于上限")

    def read(self, value: object) -> Present | MissingReason:
        """Give a number as float64; text is no number here, a boolean neither, nor one that came in another unit."""
        if value is None:
            return MissingReason.ABSENT
        if isinstance(value, Decimal):
            return self._of_decimal(value)
        if type(value) is int:
            return self._of_decimal(Decimal(value))
        if type(value) is float:
            return self._of_float(value)
        if isinstance(value, Measured):
            return self.read(value.number) if value.unit == self.unit else MissingReason.WRONG_UNIT
        return MissingReason.WRONG_TYPE

    def _of_decimal(self, value: Decimal) -> Present | MissingReason:
        if not value.is_finite():
            return MissingReason.NOT_A_NUMBER
        return MissingReason.TOO_MANY_DIGITS if _digits(value) > DIGITS_MAX else self._of_float(to_float(value))

    def _of_float(self, value: float) -> Present | MissingReason:
        if not math.isfinite(value):
            return MissingReason.NOT_A_NUMBER
        if self.is_whole and not value.is_integer():
            return MissingReason.OUT_OF_DOMAIN
        return value if self.holds(value) else MissingReason.OUT_OF_DOMAIN

    def holds(self, value: float) -> bool:
        """Whether a finite number lies within the bounds."""
        low, high = self.bounds
        return low <= value <= high

    def literal(self, text: str) -> Present:
        """Read a plain decimal within the domain."""
        number = parse_decimal(text, field="cell")
        value = self.read(number)
        if isinstance(value, MissingReason):
            raise _refusal(
                f"{text} is {_WORDS[value][1]} ({self.describe()})", f"{text}：{_WORDS[value][0]}（{self.describe()}）"
            )
        return value

    def text(self, value: Present) -> str:
        """Write a number as a plain decimal without needless zeros."""
        assert isinstance(value, float)
        return plain_number(value)

    def describe(self) -> str:
        """Write `number[low..high] unit`, `whole[…]` for whole numbers; an open end is left out."""
        word = "whole" if self.is_whole else "number"
        low, high = ("" if bound is None else format(bound, "f") for bound in (self.low, self.high))
        return f"{word}[{low}..{high}] {self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DateDomain:
    """Days from `low` to `high`, both inside."""

    low: date | None = None
    high: date | None = None

    def __post_init__(self) -> None:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise _refusal(f"{self.low} lies after {self.high}", "起始日晚于截止日")

    def read(self, value: object) -> Present | MissingReason:
        """Give a day; an instant is none."""
        if value is None:
            return MissingReason.ABSENT
        if not isinstance(value, date) or isinstance(value, datetime):
            return MissingReason.WRONG_TYPE
        return value if self.holds(value) else MissingReason.OUT_OF_DOMAIN

    def holds(self, value: date) -> bool:
        """Whether a day lies within the bounds."""
        return (self.low is None or self.low <= value) and (self.high is None or value <= self.high)

    def literal(self, text: str) -> Present:
        """Read a day written YYYY-MM-DD within the domain."""
        day = _day(text)
        assert day is not None, "an empty test was refused before"
        if not self.holds(day):
            raise _refusal(f"{text} is outside {self.describe()}", f"{text} 超出范围（{self.describe()}）")
        return day

    def text(self, value: Present) -> str:
        """Write a day."""
        assert isinstance(value, date)
        return value.isoformat()

    def describe(self) -> str:
        """Write `date[low..high]`."""
        return f"date[{self.low or ''}..{self.high or ''}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeDomain:
    """One of some codes, in their order."""

    codes: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.codes or len(set(self.codes)) != len(self.codes):
            raise _refusal("codes are at least one, and none stands twice", "代码至少一个且不得重复")
        for code in self.codes:
            if not is_code(code):
                raise _refusal(f"{code!r} is no code", f"“{code}”不是有效代码")

    def read(self, value: object) -> Present | MissingReason:
        """Give a code of the list."""
        if value is None:
            return MissingReason.ABSENT
        if not isinstance(value, str):
            return MissingReason.WRONG_TYPE
        # The characters themselves: `str` of a member of an enumeration of texts is its name.
        return str.__str__(value) if value in self.codes else MissingReason.UNKNOWN_CODE

    def literal(self, text: str) -> Present:
        """Read one of the codes, quoted or bare."""
        code = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
        if code not in self.codes:
            raise _refusal(
                f"{code!r} is none of {', '.join(self.codes)}", f"“{code}”不在代码表内（{'、'.join(self.codes)}）"
            )
        return code

    def text(self, value: Present) -> str:
        """Write a code."""
        assert isinstance(value, str)
        return value

    def describe(self) -> str:
        """Write `code{A,B}`."""
        return f"code{{{','.join(self.codes)}}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BooleanDomain:
    """Yes or no."""

    def read(self, value: object) -> Present | MissingReason:
        """Give true or false; numbers are neither."""
        if value is None:
            return MissingReason.ABSENT
        return value if isinstance(value, bool) else MissingReason.WRONG_TYPE

    def literal(self, text: str) -> Present:
        """Read `true` or `false`."""
        if text not in {"true", "false"}:
            raise _refusal(f"{text!r} is neither true nor false", f"“{text}”应为 true 或 false")
        return text == "true"

    def text(self, value: Present) -> str:
        """Write `true` or `false`."""
        return "true" if value else "false"

    def describe(self) -> str:
        """Write `boolean`."""
        return "boolean"


AnyDomain = NumberDomain | DateDomain | CodeDomain | BooleanDomain


def unit_of(domain: AnyDomain) -> str:
    """Give the unit of a domain of numbers; empty for every other."""
    return domain.unit if isinstance(domain, NumberDomain) else ""


def is_code(text: str) -> bool:
    """Whether a text can be a code: printable, without blanks at its ends and without what cells use as signs."""
    return (
        bool(text) and text == text.strip() and text.isprintable() and not set(text) & _SIGNS and text not in _RESERVED
    )


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_SIGNS = frozenset(',"|{}[]()<>=!')
_RESERVED = frozenset({"-", "null"})
_EXAMPLES = ("number[0..1] ratio", "whole[1..5] count", "date[2024-01-01..]", "code{A,B}", "boolean")
_NUMBER_WORDS = {"number": False, "whole": True}


def domain_from(text: str) -> AnyDomain:
    """Read a domain as `describe` writes it.

    Raises:
        InvalidInput: It is not written so.
    """
    stripped = text.strip()
    if stripped == "boolean":
        return BooleanDomain()
    if stripped.startswith("code{") and stripped.endswith("}"):
        return CodeDomain(codes=tuple(part.strip() for part in stripped[5:-1].split(",")))
    word, opened, rest = stripped.partition("[")
    span, closed, unit = rest.partition("]")
    low, dots, high = span.partition("..")
    if not (opened and closed and dots) or word not in {*_NUMBER_WORDS, "date"}:
        raise _refusal(
            f"{text!r} is no domain; write one like {', '.join(_EXAMPLES)}",
            f"“{text}”不是有效的取值范围，应写作 {'、'.join(_EXAMPLES)}",
        )
    if word == "date":
        if unit.strip():
            raise _refusal(f"{unit.strip()!r} stands after a date", "日期没有单位")
        return DateDomain(low=_day(low), high=_day(high))
    return NumberDomain(unit=unit.strip(), low=_number(low), high=_number(high), is_whole=_NUMBER_WORDS[word])


def plain_number(value: float) -> str:
    """Write a float of at most 15 digits as the decimal it came from."""
    return str(np.format_float_positional(value, trim="-"))


def missing_words(reason: MissingReason) -> tuple[str, str]:
    """Say in Chinese and English why a value counts as missing."""
    return _WORDS[reason]


_WORDS = {
    MissingReason.ABSENT: ("未提供", "absent"),
    MissingReason.NOT_A_NUMBER: ("不是有限的数值", "not a finite number"),
    MissingReason.WRONG_TYPE: ("类型不符", "of a wrong type"),
    MissingReason.WRONG_UNIT: ("单位不符", "in another unit"),
    MissingReason.OUT_OF_DOMAIN: ("超出取值范围", "outside its domain"),
    MissingReason.UNKNOWN_CODE: ("代码未知", "an unknown code"),
    MissingReason.TOO_MANY_DIGITS: (f"超过 {DIGITS_MAX} 位有效数字", f"longer than {DIGITS_MAX} digits"),
}


def _number(text: str) -> Decimal | None:
    return parse_decimal(text, field="domain") if text.strip() else None


def _day(text: str) -> date | None:
    stripped = text.strip()
    if not stripped:
        return None
    try:
        if _DAY.fullmatch(stripped):
            return date.fromisoformat(stripped)
    except ValueError:
        pass
    raise _refusal(f"{stripped} is no day; write YYYY-MM-DD", f"“{stripped}”不是日期，应为 YYYY-MM-DD")


def _digits(value: Decimal) -> int:
    return len("".join(map(str, value.normalize().as_tuple().digits)))


def _refusal(why: str, zh: str) -> InvalidInput:
    return InvalidInput(why, zh=zh, field="domain")
