"""A file of tables as it is sent: read by its ending, a JDM file with what was said beside it."""

from dataclasses import dataclass

from carbonfin.app.rulebook.files import TablesRead, VersionDays, read_tables
from carbonfin.app.rulebook.jdm_sheets import JdmSheetIn, columns_of
from carbonfin.app.rulebook.shelf import Shelf
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.jdm_columns import JdmColumns
from carbonfin.rules.tables import DecisionTable
from carbonfin.web.wire import day_of

_NO_SHEET = JdmSheetIn()


@dataclass(frozen=True, slots=True, kw_only=True)
class BesideFile:
    """What is said beside a JDM file, which has no days, domains and kinds; other files say all that themselves.

    Attributes:
        valid_from: First day; empty where it is not said.
        known_from: From when decisions may use it; empty where it is not said.
        follows: The table in force whose name, columns, domains and clauses hold where nothing else is said.
        node: The id or name of the only node to read.
        sheet: Domains, kinds and names by field.
    """

    valid_from: str = ""
    known_from: str = ""
    follows: str = ""
    node: str = ""
    sheet: JdmSheetIn = _NO_SHEET


def read_upload(shelf: Shelf | None, name: str, content: bytes, beside: BesideFile) -> TablesRead:
    """Read a file of tables; `shelf` is what a draft would take the place of, needed where a table is followed.

    Raises:
        InvalidInput: It is of another type, cannot be read at all, says itself what was said beside it too, or there is
            no table to follow.
    """
    days = _days(beside)
    if not name.lower().endswith(".json"):
        _refuse_beside(name, beside)
        return read_tables(name, content)
    return read_tables(name, content, days, _columns(shelf, beside, days))


def _columns(shelf: Shelf | None, beside: BesideFile, days: VersionDays | None) -> JdmColumns:
    return columns_of(beside.sheet, node=beside.node, base=_followed(shelf, beside.follows, days))


def _followed(shelf: Shelf | None, follows: str, days: VersionDays | None) -> DecisionTable | None:
    if not follows:
        return None
    assert shelf is not None, "who follows a table brings the shelf"
    found = shelf.replaced(follows, valid_from=None if days is None else days.valid_from)
    if found is None:
        raise InvalidInput(
            f"no version of a table {follows} is in force to follow",
            zh=f"没有适用的决策表 {follows} 可供沿用",
            field="follows",
            remedy="Name a table in force, or give the domains beside the file.",
            remedy_zh="请选择现行决策表，或另附取值范围。",
        )
    return found.table


def _refuse_beside(name: str, beside: BesideFile) -> None:
    """Refuse what a file says itself: it would be left unread in silence."""
    said = {"follows": beside.follows, "node": beside.node, "sheet": beside.sheet != _NO_SHEET}
    for field, value in said.items():
        if value:
            raise InvalidInput(
                f"{name} has its columns in itself; {field} is for JDM files",
                zh=f"{name} 已含列与取值范围；该项仅用于 JDM 文件",
                field=field,
                remedy="Leave it out.",
                remedy_zh="请留空。",
            )


def _days(beside: BesideFile) -> VersionDays | None:
    if not beside.valid_from and not beside.known_from:
        return None
    return VersionDays(
        valid_from=day_of(beside.valid_from, field="valid_from"),
        known_from=day_of(beside.known_from, field="known_from"),
    )
