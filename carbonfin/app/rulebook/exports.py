"""A version of a table as a file to keep and to edit: workbook, lines, TOML or JDM."""

from carbonfin.app.rulebook.views import table_lines
from carbonfin.documents.table_workbooks import tables_workbook
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.jdm_writing import table_to_jdm
from carbonfin.rules.table_files import tables_to_toml
from carbonfin.rules.tables import TableVersion
from carbonfin.web.downloads import csv_text

_WRITERS = {
    "xlsx": lambda version: tables_workbook([version]),
    "csv": lambda version: csv_text(table_lines(version.table)),
    "toml": lambda version: tables_to_toml([version]).encode(),
    "json": lambda version: table_to_jdm(version.table).encode(),
}


def table_file(version: TableVersion, ending: str) -> bytes:
    """Write a version as a file of a kind.

    Raises:
        InvalidInput: There is no such kind, or the table holds what JDM has no word for: a missing value, a policy.
    """
    if ending not in _WRITERS:
        raise InvalidInput(
            f"tables are offered as xlsx, csv, toml and json, not {ending[:10]!r}",
            zh=f"不提供“{ending[:10]}”格式",
            field="ending",
            remedy="Ask for xlsx, csv, toml or json.",
            remedy_zh="请选择 xlsx、csv、toml 或 json。",
        )
    return _WRITERS[ending](version)


def file_stem(version: TableVersion) -> str:
    """Give the name of the file without its ending: title and first day."""
    return f"{version.table.title_zh}-{version.valid_from}"


def file_kinds(version: TableVersion) -> list[tuple[str, str]]:
    """Give the kinds of file the version can be had as; JDM has no word for what is missing."""
    found = [("xlsx", "Excel"), ("csv", "CSV"), ("toml", "TOML")]
    try:
        table_to_jdm(version.table)
    except InvalidInput:
        return found
    return [*found, ("json", "JDM")]
