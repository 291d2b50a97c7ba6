"""A process in which many threads read a type of many classes at once, none of which was read before.

`python -m tests.storage.learning_threads dataclass | struct`
"""

import sys
import threading
from dataclasses import make_dataclass
from typing import Any

import msgspec

from carbonfin.storage.learned_types import decoded

_DEPTH = 40
_FIELDS = [(f"field_{place}", "str") for place in range(12)]
_THREADS = 8


def main() -> None:
    """Read the outermost class in all threads; the process ends well if it was learned by one of them alone."""
    (shape,) = sys.argv[1:]
    value: dict[str, Any] = {}
    for depth in range(_DEPTH):
        inner = [("inner", f"Level{depth - 1}")] if depth else []
        name, fields = f"Level{depth}", [*_FIELDS, *inner]
        kind: Any = msgspec.defstruct(name, fields) if shape == "struct" else make_dataclass(name, fields)
        kind.__module__, globals()[name] = __name__, kind  # where the words of its annotations are looked up
        value = dict.fromkeys((field for field, _ in _FIELDS), "x") | ({"inner": value} if inner else {})
    text = msgspec.json.encode(value)
    together = threading.Barrier(_THREADS)
    found: list[Any] = []

    def read() -> None:
        together.wait()
        found.append(decoded(text, kind))

    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=read) for _ in range(_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == _THREADS
    assert all(one == found[0] for one in found)


if __name__ == "__main__":
    main()
