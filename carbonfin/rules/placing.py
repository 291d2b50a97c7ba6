"""Naming the cell of a table in what is refused inside it."""

from collections.abc import Iterator
from contextlib import contextmanager

from carbonfin.kernel.errors import InvalidInput


@contextmanager
def placed(row: str, column: str) -> Iterator[None]:
    """Name row and column in what is refused inside the block."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(
            f"row {row}, column {column}: {error.detail}",
            zh=f"规则行 {row}，列 {column}：{error.zh}",
            field=f"{row}/{column}",
            remedy=error.remedy,
            remedy_zh=error.remedy_zh,
        ) from error
