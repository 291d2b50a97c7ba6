"""Columns as one binary block: little endian behind a header that names them, with a digest.

Layout: magic (8 bytes, the last its version), length of the header (4 bytes, unsigned), header (JSON in ASCII, padded
with spaces), columns. The header and each column start on a multiple of 64 bytes, so that a loaded block is read where
it lies. The header holds `count`, `columns` (name and numpy type, and its length where that is not the count) and
`sha256`, of the header without it and all that follows: columns are padded, so that blocks of 17 and of 18 positions
are equally long, and only a digest tells their counts apart. Nothing is unpickled.
"""

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput

Column = npt.NDArray[Any]
_HEAD = struct.Struct("<8sI")
_ALIGNMENT = 64
_HEADER_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A kind of block.

    Attributes:
        magic: Eight bytes, the last its version.
        columns: Name and numpy type of each, in their order; texts are bytes.
        texts: Which of them have a length of their own.
    """

    magic: bytes
    columns: Mapping[str, np.dtype[Any]]
    texts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a block holds; its columns look into its bytes and cannot be written to."""

    count: int
    columns: Mapping[str, Column]
    sha256: str


def packed(kind: Format, columns: Mapping[str, Column], *, count: int) -> bytes:
    """Give columns as one block; the same columns give the same bytes."""
    parts: list[bytes] = []
    for name, dtype in kind.columns.items():
        raw = np.ascontiguousarray(columns[name], dtype=dtype).tobytes()
        parts += (raw, bytes(-len(raw) % _ALIGNMENT))
    payload = b"".join(parts)
    stated = [_stated_column(kind, name, columns[name].size) for name in kind.columns]
    header = _stated(count, stated, sha256=_digest(count, stated, payload))
    header += b" " * (-(_HEAD.size + len(header)) % _ALIGNMENT)
    return _HEAD.pack(kind.magic, len(header)) + header + payload


def unpacked(kind: Format, block: bytes | memoryview) -> Contents:
    """Read columns from a block.

    Raises:
        InvalidInput: The block is of another kind or version, cut short, too long, or its bytes were changed.
    """
    stated, start = _header(kind, block)
    count: int = stated["count"]
    sizes = {name: (*lengths, count)[0] for name, _, *lengths in stated["columns"]}
    end = start + sum(_padded(sizes[name] * dtype.itemsize) for name, dtype in kind.columns.items())
    if len(block) != end:
        raise malformed(f"it has {len(block)} bytes where {count} positions take {end}")
    payload = memoryview(block)[start:]
    if _digest(count, stated["columns"], payload) != stated["sha256"]:
        raise malformed("its count and columns do not have the digest its header states")
    columns: dict[str, Column] = {}
    place = 0
    for name, dtype in kind.columns.items():
        column = np.frombuffer(payload, dtype=dtype, count=sizes[name], offset=place)
        column.flags.writeable = False
        columns[name] = column
        place += _padded(sizes[name] * dtype.itemsize)
    return Contents(count=count, columns=columns, sha256=str(stated["sha256"]))


def malformed(why: str) -> InvalidInput:
    """Say why bytes are no block."""
    return InvalidInput(
        f"this is not a block of positions: {why}",
        zh=f"持仓数据块无法读取：{why}",
        field="block",
        remedy="Load the book again from its source and store the block anew.",
        remedy_zh="请从来源重新导入持仓并重新保存数据块。",
    )


def _header(kind: Format, block: bytes | memoryview) -> tuple[dict[str, Any], int]:
    """Give what the header states, and where the columns start."""
    if len(block) < _HEAD.size:
        raise malformed(f"it has {len(block)} bytes, less than its head of {_HEAD.size}")
    magic, header_bytes = _HEAD.unpack_from(block)
    if magic[:-1] != kind.magic[:-1]:
        raise malformed(f"it starts with {magic!r}, not with {kind.magic!r}")
    if magic != kind.magic:
        raise malformed(f"it is of version {magic[-1]}, version {kind.magic[-1]} is read here")
    start = _HEAD.size + header_bytes
    if header_bytes > _HEADER_BYTES_MAX or start > len(block):
        raise malformed(f"its header is said to have {header_bytes} bytes")
    try:
        stated = json.loads(bytes(block[_HEAD.size : start]).decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise malformed("its header is not JSON in ASCII") from error
    if not isinstance(stated, dict) or set(stated) != {"columns", "count", "sha256"}:
        raise malformed("its header does not state columns, count and sha256 alone")
    if not _fits(kind, stated["columns"]):
        expected = [_stated_column(kind, name, 0)[:2] for name in kind.columns]
        raise malformed(f"its columns are {stated['columns']}, not {expected}")
    count = stated["count"]
    if type(count) is not int or count < 0:
        raise malformed(f"its count of positions is {count!r}")
    return stated, start


def _fits(kind: Format, stated: object) -> bool:
    """Say whether columns are those of a format, texts with a length."""
    if not isinstance(stated, list) or len(stated) != len(kind.columns):
        return False
    for (name, dtype), column in zip(kind.columns.items(), stated, strict=True):
        if not isinstance(column, list) or column[:2] != [name, dtype.str]:
            return False
        lengths = column[2:]
        if len(lengths) != (1 if name in kind.texts else 0) or any(type(n) is not int or n < 0 for n in lengths):
            return False
    return True


def _stated_column(kind: Format, name: str, size: int) -> list[object]:
    return [name, kind.columns[name].str, *([size] if name in kind.texts else [])]


def _stated(count: int, columns: Sequence[Sequence[object]], **more: str) -> bytes:
    stated: dict[str, object] = {"columns": columns, "count": count, **more}
    return json.dumps(stated, separators=(",", ":"), sort_keys=True).encode("ascii")


def _digest(count: int, columns: Sequence[Sequence[object]], payload: bytes | memoryview) -> str:
    digest = hashlib.sha256(_stated(count, columns))
    digest.update(payload)
    return digest.hexdigest()


def _padded(size: int) -> int:
    return size + -size % _ALIGNMENT
