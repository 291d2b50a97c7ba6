"""What a decision table is called: its name is part of addresses, its titles and row numbers are what people read."""

import re
from collections.abc import Iterable

from carbonfin.kernel.errors import InvalidInput

TABLE_NAME_MAX = 100
_NAME = re.compile(r"[\w-]+(?:\.[\w-]+)*")
"""The hyphen is for the ids that editors of JDM give their nodes, by which a table is called where nothing else is."""


def table_name(text: str) -> str:
    """Give a table's name: parts of letters, digits, underlines and hyphens, with dots between.

    Raises:
        InvalidInput: It is another text, or longer than addresses take.
    """
    if len(text) > TABLE_NAME_MAX or not _NAME.fullmatch(text):
        raise InvalidInput(
            "a table's name is letters, digits, _ and - in parts with dots between, at most"
            f" {TABLE_NAME_MAX} of them, like loans.concession",
            zh=f"决策表名称只能含字母、数字、下划线和连字符，各部分以点相连，最多 {TABLE_NAME_MAX} 个字符，"
            "例如 loans.concession",
            field="table",
        )
    return text


def require_words(*, titles: Iterable[str], row_ids: Iterable[str]) -> None:
    """Hold that a table's titles and its rows' numbers say something.

    Raises:
        InvalidInput: One is blank.
    """
    if not all(title.strip() for title in titles):
        raise InvalidInput("a title of the table is blank", zh="决策表的中文名称和英文名称不得为空", field="table")
    if not all(row_id.strip() for row_id in row_ids):
        raise InvalidInput("a row's number is blank", zh="规则行的行号不得为空", field="table")
