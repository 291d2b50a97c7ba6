"""Naming the cell of a table in what is refused inside it."""

from carbonfin.kernel.errors import InvalidInput


class placed:  # noqa: N801 - used as a block
    """Name row and column in what is refused inside."""

    def __init__(self, row: str, column: str) -> None:
        self._row, self._column = row, column

    def __enter__(self) -> None:
        return

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, InvalidInput):
            raise InvalidInput(
                f"row {self._row}, column {self._column}: {error.detail}",
                zh=f"规则行 {self._row}，列 {self._column}：{error.zh}",
                field=f"{self._row}/{self._column}",
                remedy=error.remedy,
                remedy_zh=error.remedy_zh,
            ) from error
