"""Compiled tables kept ready: every decision of the product asks one of these, and the interpreter is their oracle.

They are kept by the digest of the very text they were compiled of, so a table edited at rest is another table here.
"""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from carbonfin.rules.compile_python import CompiledTable, compile_python
from carbonfin.rules.tables import DecisionTable

KEPT_MAX = 64


class CompiledTables:
    """Compiled tables by digest, those asked last; threads may ask at once."""

    def __init__(self, most: int = KEPT_MAX) -> None:
        self._most = most
        self._kept: OrderedDict[str, CompiledTable] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)

    def made(self, digest: str, read: Callable[[], DecisionTable]) -> CompiledTable:
        """Give the compiled form of the table of a digest, which is read and compiled where it is not kept.

        Args:
            digest: SHA-256 of the table's text, held against that text by whoever asks.
            read: Gives the table.
        """
        with self._lock:
            found = self._kept.get(digest)
            if found is not None:
                self._kept.move_to_end(digest)
                return found
        # Two threads may compile one table at once; both come out alike, and the first is kept.
        made = compile_python(read())
        with self._lock:
            kept = self._kept.setdefault(digest, made)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return kept


_TABLES = CompiledTables()


def compiled(table: DecisionTable) -> CompiledTable:
    """Give a table as a function, kept by its digest."""
    return _TABLES.made(table.digest, lambda: table)


def compiled_text(digest: str, read: Callable[[], DecisionTable]) -> CompiledTable:
    """Give a table of a text as a function, kept by the text's digest."""
    return _TABLES.made(digest, read)
