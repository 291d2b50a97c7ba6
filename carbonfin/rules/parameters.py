"""Dated parameters: a value with unit, two dates, clause and grade; a correction is a new value, nothing is edited."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import parse_decimal
from carbonfin.rules.known import KnownAt, known_order, moment_asked, require_same_day, was_known
from carbonfin.rules.record import ADDED_LATER

_ONE_LINE = 60


class Grade(StrEnum):
    """How a fact is known; anything but `read` and `sample` is shown as unconfirmed unless a person confirmed it."""

    READ = "read"
    SECONDARY = "secondary"
    MEMORY = "memory"
    UNKNOWN = "unknown"
    SAMPLE = "sample"

    @property
    def has_text(self) -> bool:
        """Whether the text was at hand, so that its words can be quoted."""
        return self not in {Grade.MEMORY, Grade.UNKNOWN}


def require_quotable(quote: str | None, grade: Grade) -> None:
    """Hold that a document's own words stand only where its text was at hand.

    Raises:
        InvalidInput: There is a quote and its grade says that nobody had the text.
    """
    if quote and not grade.has_text:
        raise InvalidInput(
            f"quote stands beside grade {grade}: words are quoted only where the text is at hand",
            zh=f"等级为 {grade} 时不得填写引文：原文在手方可引用",
            field="quote",
            remedy="Leave the quote empty, or read the text and grade it so.",
            remedy_zh="请清空引文，或核对原文后更改可信程度。",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterValue:
    """One value of one parameter, valid and known from stated days.

    Attributes:
        key: Dotted name, for example `collateral.haircut_ratio`.
        scope: What within the key it speaks of (`CEA`), or empty.
        value: The value as exact text.
        unit: ratio, bp, CNY, t, days, date, code, text.
        valid_from: First day the law or product says so.
        valid_to: Last day, inclusive, or None while open.
        known_from: Day we learnt it, in China.
        document: Where it comes from.
        article: Clause within the document.
        grade: How it is known.
        confirmed: Whether a person confirmed it against the document.
        approved_by: Maker and checker.
        document_number: The document's number (文号); None where it has none or nobody looked it up.
        quote: The document's own words; None where the text is not at hand.
        known_at: The instant of that day from which it is known, in UTC; None where it is the day's beginning.
    """

    key: str
    scope: str
    value: str
    unit: str
    valid_from: date
    valid_to: date | None
    known_from: date
    document: str
    article: str
    grade: Grade
    confirmed: bool
    approved_by: tuple[str, ...]
    note: str
    title_zh: str = ""
    title_en: str = ""
    document_number: str | None = field(default=None, metadata=ADDED_LATER)
    quote: str | None = field(default=None, metadata=ADDED_LATER)
    known_at: datetime | None = field(default=None, metadata=ADDED_LATER)

    def __post_init__(self) -> None:
        require_same_day(self, f"parameter {self.key}", f"参数 {self.key} ")

    @property
    def decimal(self) -> Decimal:
        """The value as an exact number."""
        return parse_decimal(self.value, field=self.key)

    @property
    def integer(self) -> int:
        """The value as a whole number; a fraction is refused."""
        number = self.decimal
        if number != number.to_integral_value():
            raise InvalidInput(
                f"parameter {self.key} is {self.value}, a whole number is expected", zh=f"参数 {self.key} 应为整数"
            )
        return int(number)

    @property
    def day(self) -> date:
        """The value as a day."""
        return date.fromisoformat(self.value)

    @property
    def digest(self) -> str:
        """SHA-256 over the value with its dates and source."""
        return _digest(self)

    @property
    def clause(self) -> str:
        """Document, number and article in one line; a number that the document's name holds is not said twice."""
        return clause_line(self.document, self.document_number or "", self.article)

    @property
    def named_shortly(self) -> str:
        """The value with the first signs of its digest; one that fills lines is named by its digest alone."""
        return " ".join(([self.value] if len(self.value) <= _ONE_LINE else []) + [self.digest[:12]])

    def speaks_on(self, valid_on: date) -> bool:
        """Whether the value is valid on that day; both ends are inside."""
        return self.valid_from <= valid_on and (self.valid_to is None or valid_on <= self.valid_to)


@lru_cache(maxsize=4096)
def _digest(value: ParameterValue) -> str:
    """Give a value's digest, made once: a book that is kept gives the same values to every decision."""
    fields: list[object] = [
        value.key, value.scope, value.value, value.unit, value.valid_from.isoformat(),
        value.valid_to.isoformat() if value.valid_to else None, value.known_from.isoformat(),
        value.document, value.article, str(value.grade), value.confirmed,
    ]  # fmt: skip
    known_at = None if value.known_at is None else value.known_at.astimezone(UTC).isoformat()
    later = {"document_number": value.document_number, "quote": value.quote, "known_at": known_at}
    said = {name: text for name, text in later.items() if text is not None}
    if said:  # what was approved before these were kept has the digest it had
        fields.append(said)
    return hashlib.sha256(json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def clause_line(document: str, number: str, article: str) -> str:
    """Write where something comes from in one line; a number that the document's name holds is not said twice."""
    return " ".join(filter(None, (document, "" if number in document else number, article)))


class ParameterBook:
    """Parameter values by key and scope, asked with both dates."""

    def __init__(self, values: Iterable[ParameterValue], *, under: Iterable["ParameterBook"] = ()) -> None:
        """Make a book of values; those of the books under it lose where both are known alike."""
        self._values: dict[tuple[str, str], list[ParameterValue]] = {}
        for value in values:
            self._values.setdefault((value.key, value.scope), []).append(value)
        for book in under:
            for key, others in book.groups():
                self._values.setdefault(key, []).extend(others)

    def groups(self) -> Iterable[tuple[tuple[str, str], list[ParameterValue]]]:
        """Give the values by key and scope."""
        return self._values.items()

    def merged(self, other: "ParameterBook") -> "ParameterBook":
        """Give a book with the values of both; the later known wins where both speak."""
        return ParameterBook([*self.values(), *other.values()])

    def values(self) -> list[ParameterValue]:
        """Give all values in a stable order."""
        return [value for key in sorted(self._values) for value in self._values[key]]

    def scopes(self, key: str) -> list[str]:
        """Give the scopes a key has."""
        return sorted(scope for name, scope in self._values if name == key)

    def answering(self, draft: ParameterValue, *, on: date) -> "ParameterBook":
        """Give a book in which a draft alone answers for its key and scope from a day on, as if it had been approved.

        It is for trying a draft on a day before it would be valid; what it says is not what was in force.
        """
        tried = replace(
            draft,
            valid_from=min(draft.valid_from, on),
            valid_to=None,
            known_from=min(draft.known_from, on),
            known_at=None,
        )
        others = (one for one in self.values() if (one.key, one.scope) != (draft.key, draft.scope))
        return ParameterBook([*others, tried])

    def find(self, key: str, *, valid_on: date, known_at: KnownAt, scope: str = "") -> ParameterValue | None:
        """Give the value valid on a day as it was known at an instant, or by the end of a day, or None.

        Of several, the one known last wins, then the one valid from the later day.
        """
        instant, known_on = moment_asked(known_at)
        speaking = [
            value
            for value in self._values.get((key, scope), ())
            if was_known(value, instant=instant, day=known_on) and value.speaks_on(valid_on)
        ]
        return max(speaking, key=lambda value: (*known_order(value), value.valid_from), default=None)

    def in_force(self, *, valid_on: date, known_at: KnownAt) -> list[ParameterValue]:
        """Give the value of each key and scope that speaks of a day as it was known at an instant, by key and scope."""
        found = (
            self.find(key, valid_on=valid_on, known_at=known_at, scope=scope) for key, scope in sorted(self._values)
        )
        return [value for value in found if value is not None]

    def on(self, key: str, *, valid_on: date, known_at: KnownAt, scope: str = "") -> ParameterValue:
        """Give the value valid on a day as it was known at an instant, or by the end of a day.

        Raises:
            MissingData: No value speaks of that day, or none was known then.
        """
        value = self.find(key, valid_on=valid_on, known_at=known_at, scope=scope)
        if value is None:
            name = f"{key}[{scope}]" if scope else key
            raise MissingData(
                f"parameter {name} has no value for {valid_on} known on {moment_asked(known_at)[1]}",
                zh=f"参数 {name} 在 {valid_on} 没有已知的取值",
                field=key,
                remedy="Enter and approve the value with its source.",
                remedy_zh="请录入该参数及其依据并经复核。",
            )
        return value
