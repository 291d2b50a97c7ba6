"""What became of a table's rows, as a trace tells it: the clause of the row that answered, and why others did not."""

from carbonfin.rules.decide import Decision, NotDecided, Outcome, RowState, RowTried
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.tables import DecisionTable
from carbonfin.rules.trace import ParameterUse

_ROWS_SHOWN_MAX = 20


def row_use(used: RecordedTable, outcome: Outcome) -> ParameterUse:
    """Name the version of a table and the row that answered, with its clause."""
    return ParameterUse(
        key=used.name, scope=outcome.row_id, digest=used.digest, valid_from=used.valid_from,
        known_from=used.known_from, document=outcome.clause.document, article=outcome.clause.article,
        grade=outcome.clause.grade, document_number=outcome.clause.document_number or None,
    )  # fmt: skip


def tried_words(table: DecisionTable, said: Decision | NotDecided) -> tuple[str, str]:
    """Say in Chinese and English which rows failed on which cell, and which hang on what is missing."""
    titles = {column.name: (column.title_zh, column.title_en) for column in table.inputs}
    parts = [_row_words(row, titles) for row in said.tried if row.state is not RowState.HIT]
    shown = parts[:_ROWS_SHOWN_MAX]
    more = len(parts) - len(shown)
    zh = "；".join(zh for zh, _ in shown) + (f"；另有 {more} 行" if more else "")
    en = "; ".join(en for _, en in shown) + (f"; {more} rows more" if more else "")
    return zh, en


def _row_words(row: RowTried, titles: dict[str, tuple[str, str]]) -> tuple[str, str]:
    if row.state is RowState.FAILED:
        zh, en = titles[row.failed_column]
        return f"{row.row_id} 不符：{zh} {row.cell}", f"{row.row_id} fails: {en} {row.cell}"
    zh = "、".join(titles[name][0] for name in row.unknown_columns)
    en = ", ".join(titles[name][1] for name in row.unknown_columns)
    return f"{row.row_id} 取决于缺失的{zh}", f"{row.row_id} hangs on the missing {en}"
