"""Which JSON is written the same as it stands: looked at a level at a time, as large payloads are by the thousand."""

from collections.abc import Collection
from typing import Any

from carbonfin.storage.texts import are_plain_texts

_INTEGER_MAX = 2**63 - 1
_NESTING = frozenset({dict, list, tuple})
_PLAIN_KINDS = _NESTING | {str, int, bool, type(None)}


def is_plain_json(value: Any) -> bool:
    """Tell whether a value is written the same as it stands: plain types and printable text all through."""
    kind = type(value)
    if kind is dict:
        return set(map(type, value)) <= {str} and are_plain_texts(value) and _are_plain_json(value.values())
    if kind is list or kind is tuple:
        return _are_plain_json(value)
    return _are_plain_json([value])


def _are_plain_json(values: Collection[Any]) -> bool:
    kinds = set(map(type, values))
    if not kinds <= _PLAIN_KINDS:
        return False
    if str in kinds and not all(map(str.isprintable, [one for one in values if type(one) is str])):
        return False
    if int in kinds and not all(abs(one) <= _INTEGER_MAX for one in values if type(one) is int):
        return False
    return kinds.isdisjoint(_NESTING) or all(map(is_plain_json, [one for one in values if type(one) in _NESTING]))
