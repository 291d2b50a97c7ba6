"""What commands of all packages share: who acts, on which database, and answers as text or JSON."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.record import canonical
from carbonfin.storage.engine import Sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """One command's surroundings.

    Attributes:
        json_output: Whether the answer is one JSON document on standard output.
        verification_address: Where readers verify documents, as the operator says; empty where that is not said.
    """

    sessions: Sessions
    actor: Actor
    clock: Clock
    json_output: bool
    verification_address: str = ""

    def say(self, sentence: str) -> None:
        """Tell a person something; silent when the answer is JSON."""
        if not self.json_output:
            Console(highlight=False).print(sentence, markup=False)  # a field in brackets is no style

    def answer(self, value: Any, *, columns: tuple[str, ...] = ()) -> None:
        """Give the answer: JSON on demand, else a table of rows or lines of names and values.

        Args:
            value: A frozen dataclass or mapping, or a sequence of them.
            columns: For a table, the fields to show.
        """
        plain_answer(value, json_output=self.json_output, columns=columns)

    @contextmanager
    def progress(self, description: str, *, total: int | None = None) -> Iterator["Steps"]:
        """Show a bar on standard error while a block works."""
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
        console = Console(stderr=True, quiet=self.json_output)
        with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
            yield Steps(progress=progress, task=progress.add_task(description, total=total))


def plain_answer(value: Any, *, json_output: bool, columns: tuple[str, ...] = ()) -> None:
    """Give an answer as `Terminal.answer` does, for a command that acts for no organisation."""
    plain = canonical(value)
    if json_output:
        json.dump(plain, sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
        return
    console = Console(highlight=False)
    if isinstance(plain, list):
        console.print(_table(plain, columns))
        return
    for name, item in (plain if isinstance(plain, dict) else {"": plain}).items():
        shown = json.dumps(item, ensure_ascii=False) if isinstance(item, list | dict) else item
        console.print(f"{name}: {shown}", soft_wrap=True, markup=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The steps of one bar."""

    progress: Progress
    task: TaskID

    def done(self, description: str | None = None, *, count: int = 1) -> None:
        """Mark steps as done and say what comes."""
        if description is None:
            self.progress.update(self.task, advance=count)
        else:
            self.progress.update(self.task, advance=count, description=description)


def terminal_of(context: typer.Context) -> Terminal:
    """Give the surroundings the main command prepared.

    Commands take a `typer.Context` and call this; the database opens on the first call.
    """
    prepare = context.find_root().obj
    prepared = prepare()
    assert isinstance(prepared, Terminal)
    return prepared


def _table(rows: list[Any], columns: tuple[str, ...]) -> Table:
    names = columns or tuple(rows[0]) if rows and isinstance(rows[0], dict) else columns
    table = Table()
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*("—" if row.get(name) is None else str(row[name]) for name in names))
    return table


def content_of(file: Path) -> bytes:
    """Give the bytes of a file.

    Raises:
        InvalidInput: It cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}", zh=f"无法读取 {file}", field="file") from error


def written(file: Path, content: bytes) -> None:
    """Write a file.

    Raises:
        InvalidInput: It cannot be written.
    """
    try:
        file.write_bytes(content)
    except OSError as error:
        why = f"{file} cannot be written: {error.strerror}"
        raise InvalidInput(why, zh=f"无法写入 {file}", field="file") from error
