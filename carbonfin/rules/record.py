"""Decisions that replay: the kind of a decision, canonical JSON and digests."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import compress
from operator import attrgetter
from types import MappingProxyType, UnionType
from typing import Any, Generic, TypeVar, cast

from carbonfin.kernel.dates import aware

I = TypeVar("I")  # noqa: E741 - inputs
O = TypeVar("O")  # noqa: E741 - outputs


ADDED_LATER: Mapping[str, object] = MappingProxyType({"added_later": True})
"""Metadata of a field that came to a recorded dataclass after decisions had been made: None is left out of the
canonical text, so that what was decided before keeps its text and its digest."""
_PLAIN = frozenset({str, bool, int, type(None)})
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionKind(Generic[I, O]):
    """A kind of decision: a pure function of a frozen dataclass, named and versioned.

    Attributes:
        name: For example `loans.rate`.
        version: Changes with the method; recorded with every decision.
        inputs: Type of the inputs; carries everything the decision needs.
        outputs: Type of the outputs; has a `trace`.
        decide: Inputs to outputs, without clock, file or database.
    """

    name: str
    version: str
    inputs: type[I]
    outputs: type[O]
    decide: Callable[[I], O]


def canonical(value: object) -> Any:
    """Give plain JSON values: decimals, fractions and days as text, dataclasses as objects; floats are refused."""
    kind: Any = type(value)
    return value if kind in _PLAIN else _plainly(kind)(value)


def canonical_but(value: object, leaving_out: Collection[str]) -> dict[str, Any]:
    """Give the plain JSON values of a dataclass's fields but those that are written otherwise."""
    names, later = _field_names(cast("type", type(value)))
    kept = tuple(name for name in names if name not in leaving_out)
    return _fields_plainly(kept, tuple(name for name in later if name not in leaving_out))(value)


@cache
def _plainly(kind: Any) -> Callable[[Any], Any]:
    """Give what makes plain JSON of the values of a type; looked up once, since a decision holds hundreds of values.

    Raises:
        TypeError: The type has no canonical form.
    """
    if dataclasses.is_dataclass(kind):
        names, later = _field_names(cast("type", kind))
        return _fields_plainly(names, later)
    for wide, plainly in _BY_KIND:
        if issubclass(kind, wide):
            return plainly
    message = f"{kind.__name__} has no canonical form"
    raise TypeError(message)


def _plain_decimal(value: Decimal) -> str:
    if not value.is_finite():
        message = f"{value} has no canonical form"
        raise TypeError(message)
    return format(value, "f")


def _plain_mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    named = {str(key): canonical(item) for key, item in value.items()}
    assert len(named) == len(value), "two keys of a mapping read alike"
    return named


@cache
def _fields_plainly(names: tuple[str, ...], later: tuple[str, ...]) -> Callable[[Any], dict[str, Any]]:
    """Give what makes plain JSON of a dataclass: how depends on the types of its values alone, and is worked out once.

    Most of a decision is plain already and is taken as it is.
    """
    every = (*names, *later)
    get: Callable[[Any], Any] = attrgetter(*every) if every else lambda _: ()
    is_single = len(every) == 1
    ways: dict[tuple[type, ...], _Way] = {}

    def plainly(value: object) -> dict[str, Any]:
        found = (get(value),) if is_single else get(value)
        kinds = tuple(map(type, found))
        way = ways.get(kinds)
        if way is None:
            way = ways[kinds] = _way(every, later, kinds)
        kept, which, otherwise = way
        plain = dict(zip(kept, found if which is None else compress(found, which), strict=True))
        for name, made in otherwise:
            plain[name] = made(plain[name])
        return plain

    return plainly


_Way = tuple[tuple[str, ...], tuple[bool, ...] | None, tuple[tuple[str, Callable[[Any], Any]], ...]]
"""Which fields are written, which of all they are where some are left out, and which are not plain already."""


def _way(every: tuple[str, ...], later: tuple[str, ...], kinds: tuple[type, ...]) -> _Way:
    """Give how a dataclass is written whose fields hold values of some types."""
    which = tuple(name not in later or kind is not type(None) for name, kind in zip(every, kinds, strict=True))
    kept = tuple(compress(every, which))
    otherwise = tuple(
        (name, _plainly(kind)) for name, kind in zip(kept, compress(kinds, which), strict=True) if kind not in _PLAIN
    )
    return kept, None if all(which) else which, otherwise


_BY_KIND: tuple[tuple[type | UnionType, Callable[[Any], Any]], ...] = (
    (str, str),
    (int, lambda value: value),
    (Decimal, _plain_decimal),
    (Fraction, lambda value: f"{value.numerator}/{value.denominator}"),
    (datetime, lambda value: aware(value).isoformat().replace("+00:00", "Z")),
    (date, date.isoformat),
    (Mapping, _plain_mapping),
    (list | tuple, lambda value: [canonical(item) for item in value]),
)


@cache
def _field_names(kind: type) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the names of fields that are always written, and of those written where they are known."""
    fields = dataclasses.fields(kind)
    later = tuple(field.name for field in fields if ADDED_LATER.items() <= field.metadata.items())
    return tuple(field.name for field in fields if field.name not in later), later


def canonical_json(value: object) -> str:
    """Write canonical JSON: sorted keys, no blanks, exact numbers as text (in the manner of RFC 8785)."""
    return _ENCODER.encode(canonical(value))


def digest_of(value: object) -> str:
    """Give the SHA-256 of the canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
