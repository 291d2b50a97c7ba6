"""Dated parameters: a value with unit, two dates, clause and grade; a correction is a new value, nothing is edited."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.dates import china_day
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import parse_decimal
from carbonfin.rules.toml_files import TomlFile, as_day, disorders

_VALUE_KEYS = frozenset(
    {
        "value",
        "scope",
        "valid_from",
        "valid_to",
        "known_from",
        "document",
        "article",
        "grade",
        "confirmed",
        "approved_by",
        "note",
    }
)
_PARAMETER_KEYS = frozenset({"key", "unit", "title_zh", "title_en", "value"})
_REQUIRED_VALUE_KEYS = ("value", "valid_from", "known_from", "document", "grade", "confirmed")


class Grade(StrEnum):
    """How a fact is known; anything but `read` and `sample` is shown as unconfirmed unless a person confirmed it."""

    READ = "read"
    SECONDARY = "secondary"
    MEMORY = "memory"
    UNKNOWN = "unknown"
    SAMPLE = "sample"


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
        known_from: Day we learnt it.
        document: Where it comes from.
        article: Clause within the document.
        grade: How it is known.
        confirmed: Whether a person confirmed it against the document.
        approved_by: Maker and checker.
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
        fields = [
            self.key, self.scope, self.value, self.unit, self.valid_from.isoformat(),
            self.valid_to.isoformat() if self.valid_to else None, self.known_from.isoformat(),
            self.document, self.article, str(self.grade), self.confirmed,
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()

    def speaks_on(self, valid_on: date) -> bool:
        """Whether the value is valid on that day; both ends are inside."""
        return self.valid_from <= valid_on and (self.valid_to is None or valid_on <= self.valid_to)


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
            draft, valid_from=min(draft.valid_from, on), valid_to=None, known_from=min(draft.known_from, on)
        )
        others = (one for one in self.values() if (one.key, one.scope) != (draft.key, draft.scope))
        return ParameterBook([*others, tried])

    def find(self, key: str, *, valid_on: date, known_at: datetime, scope: str = "") -> ParameterValue | None:
        """Give the value valid on a day as it was known at an instant, or None.

        Of several, the one known last wins, then the one valid from the later day.
        """
        known_on = china_day(known_at)
        speaking = [
            value
            for value in self._values.get((key, scope), ())
            if value.known_from <= known_on and value.speaks_on(valid_on)
        ]
        return max(speaking, key=lambda value: (value.known_from, value.valid_from), default=None)

    def in_force(self, *, valid_on: date, known_at: datetime) -> list[ParameterValue]:
        """Give the value of each key and scope that speaks of a day as it was known at an instant, by key and scope."""
        found = (
            self.find(key, valid_on=valid_on, known_at=known_at, scope=scope) for key, scope in sorted(self._values)
        )
        return [value for value in found if value is not None]

    def on(self, key: str, *, valid_on: date, known_at: datetime, scope: str = "") -> ParameterValue:
        """Give the value valid on a day as it was known at an instant.

        Raises:
            MissingData: No value speaks of that day, or none was known then.
        """
        value = self.find(key, valid_on=valid_on, known_at=known_at, scope=scope)
        if value is None:
            name = f"{key}[{scope}]" if scope else key
            raise MissingData(
                f"parameter {name} has no value for {valid_on} known on {china_day(known_at)}",
                zh=f"参数 {name} 在 {valid_on} 没有已知的取值",
                field=key,
                remedy="Enter and approve the value with its source.",
                remedy_zh="请录入该参数及其依据并经复核。",
            )
        return value


def book_from_toml(text: str, *, file_name: str) -> ParameterBook:
    """Read a parameter file; unknown keys, missing units and wrong dates are errors that name file and line.

    Raises:
        InvalidInput: The file breaks a rule; the message names the file, the line and the key.
    """
    file = TomlFile(name=file_name, text=text, noun_zh="参数")
    entries = file.blocks("parameter")
    values: list[ParameterValue] = []
    seen: set[str] = set()
    for entry in entries:
        key = str(entry.get("key", ""))
        if key in seen:
            file.refuse(key, "the key stands twice; give one parameter all its values in one block")
        seen.add(key)
        values.extend(_parameter_values(entry, file))
    return ParameterBook(values)


def _parameter_values(entry: Mapping[str, object], file: TomlFile) -> Iterable[ParameterValue]:
    key = str(entry.get("key", ""))
    file.refuse_unknown(entry, _PARAMETER_KEYS, key)
    for required in ("key", "unit", "title_zh", "title_en", "value"):
        if not entry.get(required):
            file.refuse(key, f"{required} is missing")
    raw_values = entry["value"]
    if not isinstance(raw_values, list):
        file.refuse(key, "value must be a list of tables")
    values = [_value(key, entry, raw, file) for raw in raw_values]
    _refuse_disorder(values, file)
    return values


def _value(key: str, entry: Mapping[str, object], raw: Mapping[str, object], file: TomlFile) -> ParameterValue:
    _refuse_malformed(key, raw, file)
    valid_to, approved = raw.get("valid_to"), raw.get("approved_by", [])
    return ParameterValue(
        key=key,
        scope=str(raw.get("scope", "")),
        value=str(raw["value"]),
        unit=str(entry["unit"]),
        valid_from=as_day(raw["valid_from"]),
        valid_to=None if valid_to is None else as_day(valid_to),
        known_from=as_day(raw["known_from"]),
        document=str(raw["document"]),
        article=str(raw.get("article", "")),
        grade=Grade(str(raw["grade"])),
        confirmed=bool(raw["confirmed"]),
        approved_by=tuple(str(name) for name in approved) if isinstance(approved, list) else (),
        note=str(raw.get("note", "")),
        title_zh=str(entry["title_zh"]),
        title_en=str(entry["title_en"]),
    )


def _refuse_malformed(key: str, raw: Mapping[str, object], file: TomlFile) -> None:
    """Refuse a value whose keys, types or words are not as the format says."""
    if not isinstance(raw, Mapping):
        file.refuse(key, "value must be a list of tables")
    file.refuse_unknown(raw, _VALUE_KEYS, key)
    for required in _REQUIRED_VALUE_KEYS:
        if required not in raw:
            file.refuse(key, f"{required} is missing")
    if not isinstance(raw["value"], str):
        file.refuse(key, "value must be written as text, so that it stays exact", mark="value")
    for name in ("valid_from", "known_from", "valid_to"):
        if name in raw and type(raw[name]) is not date:
            file.refuse(key, f"{name} must be a date", mark=name)
    if str(raw["grade"]) not in set(Grade):
        file.refuse(key, f"grade {raw['grade']!r} is unknown", mark="grade")
    if not isinstance(raw["confirmed"], bool):
        file.refuse(key, f"confirmed must be true or false, not {raw['confirmed']!r}", mark="confirmed")
    if not str(raw["document"]).strip():
        file.refuse(key, "document is empty", mark="document")
    if not isinstance(raw.get("approved_by", []), list):
        file.refuse(key, "approved_by must be a list of names", mark="approved_by")


def _refuse_disorder(values: list[ParameterValue], file: TomlFile) -> None:
    """Refuse values of one scope and known day that stand out of order, overlap or leave a gap."""
    groups: dict[str, list[ParameterValue]] = {}
    for value in values:
        groups.setdefault(value.scope, []).append(value)
    for group in groups.values():
        for _, why in disorders(group):
            file.refuse(values[0].key, why)
