"""Sheets written in a child of this process on another processor, while this one writes the others.

Nothing is handed to the child: it has a copy of all that the sheets are made of, and gives back their parts squeezed.
It only reads what is in memory, writes to its pipe and goes. Where it does not give a part back, nothing is lost: the
sheet is then written here.
"""

import os
import pickle
import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

CELLS_LEAST = 200_000
"""Fewer are written sooner than a child is made."""
_TWO = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SqueezedPart:
    """A part of a workbook's file, squeezed.

    Attributes:
        byte_count: Of the part as it was.
        checksum: CRC-32 of the part as it was.
    """

    squeezed: bytes
    byte_count: int
    checksum: int


def squeezed_part(content: bytes) -> SqueezedPart:
    """Squeeze a part as an archive does."""
    squeezer = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -15)
    return SqueezedPart(
        squeezed=squeezer.compress(content) + squeezer.flush(), byte_count=len(content), checksum=zlib.crc32(content)
    )


def may_write_apart() -> bool:
    """Whether there is another processor, and no other thread whose locks a child would find shut for good."""
    return hasattr(os, "fork") and threading.active_count() == 1 and len(os.sched_getaffinity(0)) >= _TWO


def share_of_child(weights: Mapping[int, int]) -> frozenset[int]:
    """Give the sheets for the child, so that both have about the same to write: the heaviest first, to the lighter."""
    loads: tuple[list[int], list[int]] = ([], [])
    for index in sorted(weights, key=lambda one: (-weights[one], one)):
        lighter = min(loads, key=lambda load: sum(weights[one] for one in load))
        lighter.append(index)
    return frozenset(loads[0])


def write_apart(parts: Mapping[int, Callable[[], bytes]]) -> Callable[[], dict[int, SqueezedPart]]:
    """Begin to write parts in a child; what is given back waits for them, and may lack what the child did not finish.

    Args:
        parts: What writes each part, by its number.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _write_and_go(parts, reading, writing)
    os.close(writing)

    def wait() -> dict[int, SqueezedPart]:
        with os.fdopen(reading, "rb") as pipe:
            content = pipe.read()
        _, status = os.waitpid(child, 0)
        found: dict[int, SqueezedPart] = {} if status else pickle.loads(content)  # noqa: S301 - our own child wrote it
        return found

    return wait


def _write_and_go(parts: Mapping[int, Callable[[], bytes]], reading: int, writing: int) -> None:
    """Write the parts, give them back and end without this process's own endings (open files, threads, handlers)."""
    failed = 1
    try:
        os.close(reading)
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump({number: squeezed_part(write()) for number, write in parts.items()}, pipe)
        failed = 0
    finally:
        os._exit(failed)
