"""JSON that says nothing twice: a key that stands twice in one object would lose one of its values in silence."""

import json
from collections import Counter
from typing import Any

_CALLED_BY = ("_id", "id", "name", "field")


def loads_once(text: str) -> tuple[Any, list[tuple[str, str]]]:
    """Read a JSON text, and give each key that stands twice in an object with what the object is called by, if it is.

    Raises:
        ValueError: It is no JSON, or holds a number too long to read.
        RecursionError: It is nested too deeply.
    """
    twice: list[tuple[str, str]] = []

    def read(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            called = next((found[key] for key in _CALLED_BY if isinstance(found.get(key), str)), "")
            counted = Counter(key for key, _ in pairs)
            twice.extend((called, key) for key, times in counted.items() if times > 1)
        return found

    return json.loads(text, object_pairs_hook=read), twice
