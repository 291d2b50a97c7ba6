"""A book as one binary block: columns little endian behind a header that names them, with a digest.

Layout: magic (8 bytes), length of the header (4 bytes, unsigned), header (JSON in ASCII, padded with spaces), columns.
The header and each column start on a multiple of 64 bytes, so that a loaded block is read where it lies. The header
holds `count`, `columns` (pairs of name and numpy type) and `sha256`, of the header without it and all that follows:
columns are padded, so that blocks of 17 and of 18 positions are equally long, and only a digest tells their counts
apart. Nothing is unpickled.
"""

import hashlib
import json
import struct
from typing import Any

import numpy as np

from carbonfin.kernel.errors import InvalidInput
from pricing.calc.book.columns import COLUMN_DTYPES, PositionColumns

_MAGIC = b"CFBOOK\x00\x01"
_HEAD = struct.Struct("<8sI")
_ALIGNMENT = 64
_HEADER_BYTES_MAX = 64 * 1024
_COLUMNS = [[name, dtype.str] for name, dtype in COLUMN_DTYPES.items()]


def to_block(positions: PositionColumns) -> bytes:
    """Give the positions as one block; the same positions give the same bytes."""
    parts: list[bytes] = []
    for name, dtype in COLUMN_DTYPES.items():
        raw = np.ascontiguousarray(getattr(positions, name), dtype=dtype).tobytes()
        parts += (raw, bytes(-len(raw) % _ALIGNMENT))
    payload = b"".join(parts)
    header = _stated(positions.count, sha256=_digest(positions.count, payload))
    header += b" " * (-(_HEAD.size + len(header)) % _ALIGNMENT)
    return _HEAD.pack(_MAGIC, len(header)) + header + payload


def from_block(block: bytes | memoryview) -> PositionColumns:
    """Read positions from a block; the columns look into its bytes and cannot be written to.

    Raises:
        InvalidInput: The block is of another kind or version, cut short, too long, or its bytes were changed.
    """
    count, stated_digest, start = _header(block)
    end = start + _payload_bytes(count)
    if len(block) != end:
        raise _malformed(f"it has {len(block)} bytes where {count} positions take {end}")
    payload = memoryview(block)[start:]
    if _digest(count, payload) != stated_digest:
        raise _malformed("its count and columns do not have the digest its header states")
    columns: dict[str, Any] = {}
    place = 0
    for name, dtype in COLUMN_DTYPES.items():
        column = np.frombuffer(payload, dtype=dtype, count=count, offset=place)
        column.flags.writeable = False
        columns[name] = column
        place += _padded(count * dtype.itemsize)
    return PositionColumns(**columns)


def _header(block: bytes | memoryview) -> tuple[int, str, int]:
    """Give the count, the digest and where the columns start."""
    if len(block) < _HEAD.size:
        raise _malformed(f"it has {len(block)} bytes, less than its head of {_HEAD.size}")
    magic, header_bytes = _HEAD.unpack_from(block)
    if magic[:-1] != _MAGIC[:-1]:
        raise _malformed(f"it starts with {magic!r}, not with {_MAGIC!r}")
    if magic != _MAGIC:
        raise _malformed(f"it is of version {magic[-1]}, version {_MAGIC[-1]} is read here")
    start = _HEAD.size + header_bytes
    if header_bytes > _HEADER_BYTES_MAX or start > len(block):
        raise _malformed(f"its header is said to have {header_bytes} bytes")
    try:
        stated = json.loads(bytes(block[_HEAD.size : start]).decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise _malformed("its header is not JSON in ASCII") from error
    if not isinstance(stated, dict) or set(stated) != {"columns", "count", "sha256"}:
        raise _malformed("its header does not state columns, count and sha256 alone")
    if stated["columns"] != _COLUMNS:
        raise _malformed(f"its columns are {stated['columns']}, not {_COLUMNS}")
    count = stated["count"]
    if type(count) is not int or count < 0:
        raise _malformed(f"its count of positions is {count!r}")
    return count, str(stated["sha256"]), start


def _stated(count: int, **more: str) -> bytes:
    stated: dict[str, object] = {"columns": _COLUMNS, "count": count, **more}
    return json.dumps(stated, separators=(",", ":"), sort_keys=True).encode("ascii")


def _digest(count: int, payload: bytes | memoryview) -> str:
    digest = hashlib.sha256(_stated(count))
    digest.update(payload)
    return digest.hexdigest()


def _payload_bytes(count: int) -> int:
    return sum(_padded(count * dtype.itemsize) for dtype in COLUMN_DTYPES.values())


def _padded(size: int) -> int:
    return size + -size % _ALIGNMENT


def _malformed(why: str) -> InvalidInput:
    return InvalidInput(
        f"this is not a block of positions: {why}",
        zh=f"持仓数据块无法读取：{why}",
        field="block",
        remedy="Load the book again from its source and store the block anew.",
        remedy_zh="请从来源重新导入持仓并重新保存数据块。",
    )
