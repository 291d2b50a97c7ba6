"""Decision tables that a decision asked as JSON: every row of them, cell by cell."""

from msgspec import Struct

from carbonfin.rules.whole_trace import WholeTrace


class CellTriedOut(Struct, frozen=True, kw_only=True):
    """One cell as the table writes it; `state` is fits, fails or missing."""

    column: str
    cell: str
    state: str


class RowWholeOut(Struct, frozen=True, kw_only=True):
    """One row with every cell; `state` is hit, failed or unknown, `answers` marks what gave the answer."""

    row_id: str
    state: str
    answers: bool
    cells: list[CellTriedOut]


class TableTriedOut(Struct, frozen=True, kw_only=True):
    """A table that the decision asked, made again from its record: every row, cell by cell.

    `values` holds each input as cells write it, null where it was missing. Where the table was not asked there is no
    row, and `not_asked_zh` says why.
    """

    table: str
    digest: str
    about: str
    not_asked_zh: str
    not_asked_en: str
    values: dict[str, str | None]
    refused: str | None
    row_count: int
    rows: list[RowWholeOut]

    @classmethod
    def of(cls, whole: WholeTrace) -> "TableTriedOut":
        """Make it of the whole trace."""
        asked = whole.asked
        return cls(
            table=asked.table.name,
            digest=asked.table.digest,
            about=asked.about,
            not_asked_zh=asked.not_asked_zh,
            not_asked_en=asked.not_asked_en,
            values=dict(zip(whole.names, whole.values, strict=False)),
            refused=None if whole.refused is None else whole.refused.value,
            row_count=len(whole.rows),
            rows=[
                RowWholeOut(
                    row_id=row.row_id,
                    state=row.state.value,
                    answers=row.answers,
                    cells=[
                        CellTriedOut(column=name, cell=cell.text, state=cell.state.value)
                        for name, cell in zip(whole.names, row.cells, strict=True)
                    ],
                )
                for row in whole.rows
            ],
        )
