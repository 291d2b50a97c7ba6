"""Tables of accounts ready for the scorecard, Parquet or CSV: a million rows as columns, and the answer as the same."""

from io import BytesIO

import polars as pl

from carbonfin.kernel.errors import InvalidInput
from loans.calc.ratings.rating_account import INPUTS


def read_rating_table(content: bytes, *, file_name: str) -> pl.DataFrame:
    """Read a table with a column of whole numbers for each input of an account; other columns are handed through.

    Raises:
        InvalidInput: It is neither Parquet nor CSV in UTF-8, or an input holds something else than whole numbers.
    """
    try:
        if file_name.lower().endswith(".parquet"):
            return pl.read_parquet(BytesIO(content))
        return pl.read_csv(BytesIO(content), schema_overrides=dict.fromkeys(INPUTS, pl.Int64))
    except pl.exceptions.PolarsError as error:
        reason = str(error).partition("\n")[0]
        raise InvalidInput(
            f"{file_name} cannot be read as a table: {reason}",
            zh=f"{file_name} 无法作为数据表读取：{reason}", field="file",
            remedy="Send Parquet, or CSV in UTF-8 with a head and whole numbers (kg, fen, kWh).",
            remedy_zh="请提供 Parquet，或带表头、数值为整数（千克、分、千瓦时）的 UTF-8 CSV。",
        ) from error  # fmt: skip


def rating_table_file(frame: pl.DataFrame, *, file_name: str) -> bytes:
    """Give a table as Parquet or, by the name's ending, CSV."""
    content = BytesIO()
    if file_name.lower().endswith(".parquet"):
        frame.write_parquet(content)
    else:
        frame.write_csv(content)
    return content.getvalue()
