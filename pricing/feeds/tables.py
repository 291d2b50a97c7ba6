"""Tables of market data: who published the values, and since when they are known."""

from dataclasses import dataclass
from datetime import date

from carbonfin.documents.text_tables import (
    MAX_BYTES,
    MAX_ROWS,
    WORKBOOK,
    Columns,
    TextTable,
    doubled,
    failure_of,
    find_columns,
    line_of,
    read_day,
    read_json_rows,
    read_optional_number,
    read_rows,
    read_table,
    unreadable,
)
from carbonfin.kernel.errors import InvalidInput

__all__ = [
    "MAX_BYTES",
    "MAX_ROWS",
    "WORKBOOK",
    "Columns",
    "DataSource",
    "TextTable",
    "doubled",
    "failure_of",
    "find_columns",
    "line_of",
    "read_day",
    "read_json_rows",
    "read_known_day",
    "read_optional_number",
    "read_rows",
    "read_table",
    "unreadable",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """Who published the values of a table and since when they are known.

    Attributes:
        exchange: Venue or administrator, shown beside every value.
        document: Bulletin or file they come from.
        known_from: Day in China they became known here; values of later days are refused.
        is_sample: Invented values (示例).
    """

    exchange: str
    document: str
    known_from: date
    is_sample: bool


def read_known_day(text: str, source: DataSource, *, is_serial_read: bool) -> date:
    """Read a day a value refers to; it cannot lie after the day the value became known.

    Raises:
        InvalidInput: It is no day, or a later one.
    """
    day = read_day(text, is_serial_read=is_serial_read)
    if day > source.known_from:
        raise InvalidInput(
            f"{day} lies after {source.known_from}", zh=f"日期 {day} 晚于 {source.known_from}，行情尚不可能公布",
            remedy="Check the date.", remedy_zh="请核对日期。",
        )  # fmt: skip
    return day
