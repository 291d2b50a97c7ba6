"""Plain values read as a type, each type learned by one thread alone.

What msgspec learns of a class's fields it notes on the class, and has noted already while it is still learning, since a
class may hold itself. Another thread that reads the same class, or one that holds it, finds the note half written and
the process dies (seen with 0.22: two requests at once after a start). So whoever reads a type for the first time learns
it here, one after another; what was learned is never written again.
"""

from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
_LEARNING = Lock()
_LEARNED: set[Any] = set()


def learned(kind: type[T]) -> type[T]:
    """Give a type whose fields, and those of all it holds, were learned by one thread.

    Raises:
        TypeError: No values of the type can be read.
    """
    if kind not in _LEARNED:
        with _LEARNING:
            msgspec.json.Decoder(kind)
            _LEARNED.add(kind)
    return kind


def converted(plain: Any, kind: type[T]) -> T:
    """Read plain values (dictionaries, lists, texts, numbers) as a type.

    Raises:
        msgspec.ValidationError: They do not fit.
    """
    return msgspec.convert(plain, learned(kind))


def decoded(text: bytes | str, kind: type[T], *, otherwise: Callable[[type, Any], Any] | None = None) -> T:
    """Read JSON as a type.

    Args:
        text: The JSON.
        kind: The type.
        otherwise: Makes values of types that have no form of their own in JSON.

    Raises:
        msgspec.DecodeError: It is no JSON, or does not fit.
    """
    return msgspec.json.decode(text, type=learned(kind), dec_hook=otherwise)
