"""What a margin ratchet is worth, on the command line."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from carbonfin.storage.parties import standing_of
from carbonfin.web.terminal import terminal_of
from loans import service
from loans.commands.json_files import read_json
from loans.schemas.ratchet_values import RatchetValueIn, RatchetValueOut


def ratchet_value(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="挂钩条款（JSON，与接口同形） / JSON")],
) -> None:
    """计算利差挂钩条款的价值，文件内 record 为真则留存 / the value of a margin ratchet, kept with record."""
    terminal = terminal_of(context)
    given = read_json(file, RatchetValueIn)
    make = service.record_ratchet_value if given.record else service.try_ratchet_value
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        body = RatchetValueOut.of(make(session, terminal.actor, given.request(), standing=standing))
    terminal.answer(msgspec.to_builtins(body))
