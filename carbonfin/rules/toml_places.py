"""Where tables stand in a TOML file, by line: the reader of TOML tells values alone, a finding has to name its line."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from carbonfin.rules.file_places import FilePlaces
from carbonfin.rules.tables import DecisionTable

_HEADER = re.compile(r"\s*\[\[\s*(table(?:\.(?:input|output|row))?)\s*\]\]\s*(?:#.*)?")
_KEYS = re.compile(r"\s*(name|id|domain|kind|when|then)\s*=")


@dataclass(frozen=True, slots=True)
class _Block:
    """One block: its header and line, and the line and value of each key that is wanted."""

    header: str
    line: int
    lines: dict[str, int] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)

    def line_of(self, key: str) -> int:
        return self.lines.get(key, self.line)


def toml_places(text: str, tables: Sequence[DecisionTable], *, file_name: str) -> tuple[FilePlaces, ...]:
    """Say on which line the parts of each table stand, in the order of the file.

    Nothing is said where the lines do not tell the same tables as were read: a text of several lines may look like
    others.
    """
    found: list[list[_Block]] = []
    for block in _blocks(text):
        if block.header == "table":
            found.append([block])
        elif found:
            found[-1].append(block)
    if len(found) != len(tables):
        return ()
    places = [_places(blocks, table, file_name) for blocks, table in zip(found, tables, strict=True)]
    return tuple(one for one in places if one is not None) if all(places) else ()


def _blocks(text: str) -> Iterator[_Block]:
    block: _Block | None = None
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.fullmatch(line)
        if header:
            if block is not None:
                yield block
            block = _Block(header[1], number)
        elif block is not None and (key := _KEYS.match(line)):
            block.lines.setdefault(key[1], number)
            block.values.setdefault(key[1], _value(line, key[1]))
    if block is not None:
        yield block


def _value(line: str, key: str) -> str:
    """Give the text a line says; empty where it says another thing, or goes on in the next."""
    try:
        value = tomllib.loads(line).get(key)
    except (RecursionError, ValueError):  # no TOML, too deep, or a number too long
        return ""
    return value if isinstance(value, str) else ""


def _places(blocks: Sequence[_Block], table: DecisionTable, file_name: str) -> FilePlaces | None:
    parts = {
        header: {one.values.get(key, ""): one for one in blocks if one.header == f"table.{header}"}
        for header, key in (("input", "name"), ("output", "name"), ("row", "id"))
    }
    read = {
        "input": [one.name for one in table.inputs],
        "output": [one.name for one in table.outputs],
        "row": [one.id for one in table.rows],
    }
    if blocks[0].values.get("name") != table.name or any(list(parts[header]) != read[header] for header in read):
        return None

    def at(block: _Block, key: str) -> str:
        return f"{file_name}:{block.line_of(key)}"

    columns: Mapping[str, str] = {
        **{name: at(block, "domain") for name, block in parts["input"].items()},
        **{name: at(block, "kind") for name, block in parts["output"].items()},
    }
    return FilePlaces(
        whole=at(blocks[0], "name"),
        rows={row: at(block, "id") for row, block in parts["row"].items()},
        columns=columns,
        cells={
            (row, name): at(block, key)
            for row, block in parts["row"].items()
            for side, key in (("input", "when"), ("output", "then"))
            for name in parts[side]
        },
    )
