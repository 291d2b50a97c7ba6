"""What a JDM file does not say and its reader has to: domains, kinds, names and clauses, and which node is meant.

They come from a sheet beside the file, from the file where `table_to_jdm` wrote it, or from a table that stands
already: the sheet goes first, the table last.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from carbonfin.rules.domains import DateDomain
from carbonfin.rules.grammar import Cell, read_cell
from carbonfin.rules.jdm_writing import CARRIED, TABLE_NODE
from carbonfin.rules.tables import Clause, DecisionTable, HitPolicy, InputColumn, OutputColumn, RowDraft, output_text

_UNKNOWN_SOURCE = Clause(document="JDM")
_DATE_FIELD = re.compile(r"date\((.+)\)")
_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class JdmColumns:
    """What the caller says of a file: its columns, by their `field`, its one table, and where its rows come from.

    Attributes:
        source: The clause of rows that neither the file nor the base has one for.
        node: The id or name of the only node to read; empty for all, and then every node has to be a table.
        name: What the table is called, where the file holds one; empty for the node's own id.
        base: A table that stands, whose name, columns, policy and clauses hold where nothing else says so.
    """

    inputs: Mapping[str, InputColumn] = field(default_factory=dict)
    outputs: Mapping[str, OutputColumn] = field(default_factory=dict)
    source: Clause = _UNKNOWN_SOURCE
    node: str = ""
    name: str = ""
    title_zh: str = ""
    title_en: str = ""
    base: DecisionTable | None = None

    @property
    def names_one(self) -> bool:
        """Whether it speaks of one table alone."""
        return self.base is not None or bool(self.name)

    def heading(self, node_id: str, titles: tuple[str, str]) -> tuple[str, str, str]:
        """Give name and titles of a node's table."""
        base = self.base
        own = (node_id, *titles) if base is None else (base.name, base.title_zh, base.title_en)
        return self.name or own[0], self.title_zh or own[1], self.title_en or own[2]

    def base_input(self, asked: str) -> InputColumn | None:
        """Give the base's input for a field; days are asked for as `date(field)`."""
        listed = () if self.base is None else self.base.inputs
        return next((one for one in listed if one.name == plain_field(asked)), None)

    def base_output(self, asked: str) -> OutputColumn | None:
        """Give the base's output for a field."""
        listed = () if self.base is None else self.base.outputs
        return next((one for one in listed if one.name == plain_field(asked)), None)

    def policy_for(self, carried: str) -> HitPolicy | None:
        """Give the base's policy where JDM writes it with this word: it has fewer words than there are policies."""
        return self.base.hit_policy if self.base and CARRIED.get(self.base.hit_policy) == carried else None

    def completed(
        self,
        row: RowDraft,
        *,
        has_clause: bool,
        inputs: Sequence[InputColumn],
        outputs: Sequence[OutputColumn],
    ) -> RowDraft:
        """Give a row what the base's row of the same number has and the file does not say.

        A cell that means the same is written as the base writes it. A row without a clause of its own takes the base's;
        where it says anything else than that row, nobody has compared it with the clause yet.
        """
        known = next((one for one in self.base.rows if one.id == row.id), None) if self.base else None
        if known is None or self.base is None:
            return row if has_clause else replace(row, clause=self.source)
        cells = {column.name: cell for column, cell in zip(self.base.inputs, known.cells, strict=True)}
        when = [_as_known(cells.get(one.name), text, one) for one, text in zip(inputs, row.when, strict=True)]
        if has_clause:
            return replace(row, when=when)
        says_the_same = (
            (tuple(inputs), tuple(outputs)) == (self.base.inputs, self.base.outputs)
            and when == [cell.text for cell in known.cells]
            and list(row.then) == [output_text(value) for value in known.outputs]
        )
        return replace(
            row,
            when=when,
            clause=replace(known.clause, confirmed=known.clause.confirmed and says_the_same),
            note_zh=row.note_zh or known.note_zh,
            note_en=row.note_en or known.note_en,
        )


def _as_known(known: Cell | None, text: str, column: InputColumn) -> str:
    """Give a cell's text, or that of the cell it stands in the place of where both mean the same."""
    if known is None:
        return text
    cell = read_cell(text, column.domain)
    return known.text if replace(cell, text="") == replace(known, text="") else text


def plain_field(asked: str) -> str:
    """Give the column's name for a field: `date(loan.signed)` is `loan_signed`; what is no path stays as it is."""
    day = _DATE_FIELD.fullmatch(asked.strip())
    path = (day[1] if day else asked).strip()
    return path.replace(".", "_") if _PATH.fullmatch(path) else path


def is_asked_as(column: InputColumn, asked: str) -> bool:
    """Whether a field is compared as the column's domain has it: days as days."""
    return not isinstance(column.domain, DateDomain) or _DATE_FIELD.fullmatch(asked) is not None


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a file, in both languages."""

    en: str
    zh: str

    def at(self, en: str, zh: str = "") -> "Place":
        """Give a place inside this one."""
        return Place(f"{self.en}, {en}", f"{self.zh}，{zh or en}")


@dataclass(frozen=True, slots=True, kw_only=True)
class JdmFault:
    """What is wrong with one place of a file.

    Attributes:
        place: File with node, row and column, or with the line.
        found: What stands there, cut where it is long.
        expected: What should stand there, or why this cannot.
        is_of_a_column: Whether it is a domain or a kind, which can be given beside the file.
    """

    place: str
    place_zh: str
    found: str
    expected: str
    expected_zh: str
    is_of_a_column: bool

    def __str__(self) -> str:
        return f"{self.place}: {self.found!r} stands there: {self.expected}"


def fields_of(text: str, node: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the fields of inputs and outputs that a file's tables have, each once; of what is no JDM none."""
    try:
        document = json.loads(text)
    except (RecursionError, ValueError):
        return (), ()
    nodes = _objects(document, "nodes")
    tables = [one.get("content") for one in nodes if one.get("type") == TABLE_NODE and is_meant(one, node)]
    return _fields(tables, "inputs"), _fields(tables, "outputs")


def is_meant(node: Mapping[str, Any], named: str) -> bool:
    """Whether a node is the one that is named, by its id or its name."""
    return not named or named in (node.get("id"), node.get("name"))


def _fields(tables: Sequence[Any], side: str) -> tuple[str, ...]:
    asked = (str(column.get("field") or "").strip() for table in tables for column in _objects(table, side))
    return tuple(dict.fromkeys(one for one in asked if one))


def _objects(found: Any, key: str) -> Iterator[dict[str, Any]]:
    listed = found.get(key) if isinstance(found, dict) else None
    return (one for one in (listed if isinstance(listed, list) else ()) if isinstance(one, dict))
