"""Positions of a book as one binary block (`containers`), each column in the type that `PositionColumns` has."""

from pricing.calc.book.columns import COLUMN_DTYPES, PositionColumns
from pricing.calc.book.containers import Format, packed, unpacked

_FORMAT = Format(magic=b"CFBOOK\x00\x01", columns=COLUMN_DTYPES)


def to_block(positions: PositionColumns) -> bytes:
    """Give the positions as one block; the same positions give the same bytes."""
    return packed(_FORMAT, {name: getattr(positions, name) for name in COLUMN_DTYPES}, count=positions.count)


def from_block(block: bytes | memoryview) -> PositionColumns:
    """Read positions from a block; the columns look into its bytes and cannot be written to.

    Raises:
        InvalidInput: The block is of another kind or version, cut short, too long, or its bytes were changed.
    """
    return PositionColumns(**unpacked(_FORMAT, block).columns)
