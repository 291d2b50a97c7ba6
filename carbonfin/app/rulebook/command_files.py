"""Files of tables for commands: read with what is said beside them, every fault told."""

from datetime import datetime
from pathlib import Path

import typer

from carbonfin.app.rulebook.files import TablesRead, require_sound
from carbonfin.app.rulebook.jdm_sheets import JdmSheetIn, sheet_from_toml
from carbonfin.app.rulebook.shelf import Dates, Shelf, known_asked
from carbonfin.app.rulebook.uploads import BesideFile, read_upload
from carbonfin.kernel.dates import china_day
from carbonfin.web.terminal import Terminal, content_of, terminal_of
from carbonfin.web.wire import instant_of


def beside_file(
    *,
    valid_from: datetime | None,
    known_from: datetime | None,
    follows: str,
    node: str,
    sheet: Path | None,
) -> BesideFile:
    """Give what was said beside a JDM file.

    Raises:
        InvalidInput: The sheet cannot be read.
    """
    text = None if sheet is None else content_of(sheet).decode("utf-8-sig", errors="replace")
    return BesideFile(
        valid_from="" if valid_from is None else f"{valid_from.date()}",
        known_from="" if known_from is None else f"{known_from.date()}",
        follows=follows,
        node=node,
        sheet=JdmSheetIn() if sheet is None or text is None else sheet_from_toml(text, file_name=sheet.name),
    )


def tables_on_disk(context: typer.Context, file: Path, beside: BesideFile) -> TablesRead:
    """Read the tables of a file; the organisation's own are looked at where one of them is followed alone.

    Raises:
        InvalidInput: The file cannot be read, or anything in it is wrong; every place is named.
    """
    shelf = draft_shelf(terminal_of(context)) if beside.follows else None
    return require_sound(read_upload(shelf, file.name, content_of(file), beside), file.name)


def draft_shelf(terminal: Terminal) -> Shelf:
    """Give what a draft would take the place of."""
    with terminal.sessions.read() as session:
        return Shelf.for_draft(session, terminal.actor, terminal.clock)


def dates_said(
    terminal: Terminal, *, on: datetime | None = None, known_on: datetime | None = None, known_at: str = ""
) -> Dates:
    """Give the day that is spoken of and the instant by which it was known; left out, today and the present.

    Raises:
        InvalidInput: The instant is none or has no zone, or a day says when it was known too.
    """
    now = terminal.clock.now()
    known = known_asked(
        known_on="" if known_on is None else f"{known_on.date()}",
        known_at=instant_of(known_at, field="known_at") if known_at else None,
    )
    return Dates(valid_on=china_day(now) if on is None else on.date(), known_at=known or now)


def dated_shelf(terminal: Terminal, dates: Dates) -> Shelf:
    """Give the organisation's tables on a pair of dates."""
    with terminal.sessions.read() as session:
        return Shelf.of(session, terminal.actor, dates)
