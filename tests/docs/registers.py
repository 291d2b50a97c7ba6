"""The parts of the documentation that are lists of what is: routes, commands and unconfirmed facts.

`python -m tests.docs.registers` writes them between their marks; a test holds them equal to the code.
"""

import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import typer
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from carbonfin.app.access import plain_entry
from carbonfin.app.cli import mounted
from carbonfin.app.factory import create_app
from carbonfin.app.packages import BUILTIN_TABLES
from carbonfin.app.policy import NOT_SERVED, POLICY, PUBLIC
from carbonfin.app.settings import settings_from
from carbonfin.kernel.actors import Role
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.tables import DecisionTable, TableRow
from collateral.calc.lifecycles import ENCUMBRANCE, MARGIN_CALL, REPO
from collateral.calc.pledge import PLEDGE
from collateral.calc.pledge_changes import CHANGE
from tests.architecture import DOMAINS, book_of, holiday_notices, parameter_files

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
Lines = Iterator[str]


# --- routes ---------------------------------------------------------------------------------------------------------
def route_handlers() -> dict[str, HTTPRouteHandler]:
    """Give each route of the application as `METHOD path` with its handler."""
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        app = create_app(settings_from({"CARBONFIN_VAR": folder}))
    found = {}
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                for method in handler.http_methods - {"OPTIONS", "HEAD"}:
                    found[f"{method} {route.path}"] = handler
    unserved = {_plain(entry) for entry in NOT_SERVED}
    return {entry: handler for entry, handler in found.items() if _plain(entry) not in unserved}


def route_lines() -> Lines:
    """Give a table of all routes with their roles and the first line of what they do."""
    handlers = {_plain(entry): handler for entry, handler in route_handlers().items()}
    yield "| route | who | what it gives |"
    yield "| --- | --- | --- |"
    for entry in sorted({*POLICY, *PUBLIC}, key=lambda entry: tuple(reversed(entry.split(" ", 1)))):
        roles = POLICY.get(entry)
        who = "anyone" if roles is None else "all roles" if roles == frozenset(Role) else ", ".join(sorted(roles))
        handler = handlers.get(_plain(entry))
        first = _OWN_WORDS.get(entry) or (_first_line(handler) if handler is not None else "—")
        yield f"| `{entry}` | {who} | {first} |"


_OWN_WORDS = {
    "GET /schema": "Give the API's description; the page for people is `/docs/api`.",
    "GET /schema/openapi.json": "Give the API's description as OpenAPI 3.1.",
}
"""What the framework serves by itself."""


def function_of(handler: HTTPRouteHandler) -> Callable[..., object]:
    """Give a handler's own function, out of the wrappings that run it in a thread."""
    function = handler.fn
    while hasattr(function, "func"):
        function = function.func
    return function


def _first_line(handler: HTTPRouteHandler) -> str:
    return (function_of(handler).__doc__ or "—").strip().split("\n", 1)[0]


def _plain(entry: str) -> str:
    return plain_entry(*entry.split(" ", 1))


# --- commands -------------------------------------------------------------------------------------------------------
def whole_command_line() -> typer.Typer:
    """Give the command line with the commands of every package, which load only when they are asked for."""
    return mounted([*DOMAINS, "registry-sim"])


def commands() -> dict[str, click.Command]:
    """Give each command by the words that call it, groups left out."""
    found: dict[str, click.Command] = {}

    def walk(command: click.Command, words: tuple[str, ...]) -> None:
        children = getattr(command, "commands", None)
        if children is None:
            found[" ".join(words)] = command
        else:
            for name, child in children.items():
                walk(child, (*words, name))

    walk(typer.main.get_command(whole_command_line()), ("carbonfin",))
    return found


def options_of(command: click.Command) -> set[str]:
    """Give the option names a command knows, `--help` included."""
    names = {"--help"}
    for parameter in command.params:
        if parameter.param_type_name == "option":
            names |= {*parameter.opts, *parameter.secondary_opts}
    return names


def command_lines() -> Lines:
    """Give a section for each command with what it does, its arguments and options."""
    for words, command in sorted(commands().items()):
        yield f"### `{words}`"
        yield ""
        yield (command.help or command.short_help or "—").strip().split("\n", 1)[0]
        yield ""
        shown = [parameter for parameter in command.params if parameter.name not in {"help", "context"}]
        for parameter in shown:
            yield f"- {_parameter(parameter)}"
        if shown:
            yield ""


def _parameter(parameter: click.Parameter) -> str:
    name = " / ".join(f"`{text}`" for text in (*parameter.opts, *parameter.secondary_opts))
    if parameter.param_type_name == "argument":
        name = f"`{(parameter.name or '').upper()}`"
    words = (getattr(parameter, "help", None) or "").strip()
    needed = " (required)" if parameter.required else ""
    return f"{name}{needed}: {words}" if words else f"{name}{needed}"


# --- facts ----------------------------------------------------------------------------------------------------------
def unconfirmed() -> list[ParameterValue]:
    """Give every built-in parameter value that no person has confirmed."""
    return [value for path in parameter_files() for value in book_of(path).values() if not value.confirmed]


def fact_lines() -> Lines:
    """Give a table of unconfirmed parameters, one line a key, grade and document."""
    groups: dict[tuple[str, str, str], list[ParameterValue]] = {}
    for value in unconfirmed():
        groups.setdefault((value.key, str(value.grade), value.document), []).append(value)
    yield "| parameter | what | values | grade | document | note |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for (key, grade, document), values in sorted(groups.items()):
        shown = "; ".join(_shown(value) for value in values)
        notes = "; ".join(dict.fromkeys(value.note for value in values if value.note))
        cells = (f"`{key}`", values[0].title_zh, shown, grade, document, notes or "—")
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield from _row_lines()
    for notice in holiday_notices():
        if not notice["confirmed"]:
            year, grade, document = notice["year"], notice["grade"], notice["document"]
            known = f"known from {notice['known_from']}"
            yield f"| `holidays` | {year} 年节假日安排 | {known} | {grade} | {document} | {notice.get('note') or '—'} |"


def unconfirmed_rows() -> list[tuple[DecisionTable, TableRow]]:
    """Give every row of a built-in decision table whose clause no person has confirmed."""
    return [(one.table, row) for one in BUILTIN_TABLES for row in one.table.rows if not row.clause.confirmed]


def _row_lines() -> Lines:
    groups: dict[tuple[str, str, str, str], list[TableRow]] = {}
    for table, row in unconfirmed_rows():
        key = (table.name, table.title_zh, str(row.clause.grade), row.clause.document)
        groups.setdefault(key, []).append(row)
    for (name, title_zh, grade, document), rows in sorted(groups.items()):
        notes = "; ".join(dict.fromkeys(row.note_zh for row in rows if row.note_zh)) or "—"
        cells = (f"`{name}`", title_zh, f"规则行 {'、'.join(row.id for row in rows)}", grade, document, notes)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _shown(value: ParameterValue) -> str:
    what = value.value or "未知"
    return f"{value.scope} {what}" if value.scope else what


# --- states ---------------------------------------------------------------------------------------------------------
def state_lines() -> Lines:
    """Give a table of the states of each kind of agreement, with the words that pages use."""
    for machine in (PLEDGE, CHANGE, REPO, MARGIN_CALL, ENCUMBRANCE):
        yield f"### {machine.name} {machine.name_zh}"
        yield ""
        yield "| state | 中文 | what may happen |"
        yield "| --- | --- | --- |"
        for state, name_zh in machine.states.items():
            events = ", ".join(machine.events_from(state)) or "nothing more"
            yield f"| `{state}` | {name_zh} | {events} |"
        yield ""


# --- writing --------------------------------------------------------------------------------------------------------
REGISTERS: dict[str, tuple[Path, Callable[[], Lines]]] = {
    "routes": (DOCS / "reference/routes.md", route_lines),
    "commands": (DOCS / "reference/commands.md", command_lines),
    "unconfirmed": (DOCS / "facts.md", fact_lines),
    "states": (DOCS / "glossary.md", state_lines),
}


def marked(text: str, name: str) -> tuple[str, str, str]:
    """Split a page into what stands before, between and after the marks of a register."""
    start, end = f"<!-- register: {name} -->\n", f"<!-- end: {name} -->"
    before, found, rest = text.partition(start)
    between, closed, after = rest.partition(end)
    if not found or not closed:
        message = f"the marks of register {name!r} are missing"
        raise ValueError(message)
    return before + start, between, end + after


def written(name: str) -> str:
    """Give a page as it should read, with its register filled in."""
    path, lines = REGISTERS[name]
    before, _, after = marked(path.read_text(encoding="utf-8"), name)
    return before + "\n".join(lines()).rstrip() + "\n" + after


def main() -> int:
    """Write all registers and name those that changed."""
    for name, (path, _) in REGISTERS.items():
        text = written(name)
        if text != path.read_text(encoding="utf-8"):
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
