"""The whole trace of a table that a decision asked: every row, and of every row every cell; made again from the record.

A recorded figure names the rows that failed by their first cell, and only so many; this names all of them. Nothing of
it is recorded: the table's text and the inputs are, and they give it at any time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from carbonfin.rules.decide import Decider, Decision, RowState
from carbonfin.rules.domains import Present
from carbonfin.rules.grammar import Cell
from carbonfin.rules.policies import Refused
from carbonfin.rules.recorded_tables import RecordedTable


class CellState(StrEnum):
    """Whether a value fits a cell; a cell that takes the missing value fits it."""

    FITS = "fits"
    FAILS = "fails"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableAsked:
    """A table that stands in a decision's inputs, with what it was asked.

    Attributes:
        about: What it was asked about, where one decision asks a table several times.
        not_asked_zh: Why it was not asked, in Chinese; empty where it was.
        not_asked_en: The same in English.
    """

    table: RecordedTable
    facts: Mapping[str, object] = field(default_factory=dict)
    about: str = ""
    not_asked_zh: str = ""
    not_asked_en: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedElsewhere:
    """Another decision that asked the tables for this one, once for many, and carries them.

    Attributes:
        decision_id: That decision.
        tables: Gives of its inputs the tables as far as they were asked for this one.
    """

    decision_id: str
    tables: Callable[[Any], tuple[TableAsked, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellTried:
    """One cell, as the table writes it, and whether the value fits it."""

    text: str
    state: CellState


@dataclass(frozen=True, slots=True, kw_only=True)
class RowWhole:
    """One row with every cell; `answers` where it is one of those that gave the answer."""

    row_id: str
    state: RowState
    answers: bool
    cells: tuple[CellTried, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeTrace:
    """Every row of a table that was asked; no row where it was not.

    Attributes:
        values: What each input was, as cells write it; None where it was missing.
        refused: Why there was no answer; None where there was one, or nothing was asked.
    """

    asked: TableAsked
    names: tuple[str, ...]
    titles: tuple[tuple[str, str], ...]
    values: tuple[str | None, ...] = ()
    rows: tuple[RowWhole, ...] = ()
    refused: Refused | None = None


def whole_trace(asked: TableAsked) -> WholeTrace:
    """Ask a recorded table again, cell by cell.

    Raises:
        InvalidInput: The recorded text is no table.
    """
    decider = Decider(asked.table.compiled.table)
    columns = decider.table.inputs
    names = tuple(column.name for column in columns)
    titles = tuple((column.title_zh, column.title_en) for column in columns)
    if asked.not_asked_zh:
        return WholeTrace(asked=asked, names=names, titles=titles)
    values, _ = decider.read(asked.facts)
    said = decider.decide(asked.facts)
    answering = {one.place for one in said.outcomes} if isinstance(said, Decision) else set()
    return WholeTrace(
        asked=asked,
        names=names,
        titles=titles,
        values=tuple(
            None if value is None else column.domain.text(value) for column, value in zip(columns, values, strict=True)
        ),
        rows=tuple(
            RowWhole(
                row_id=row.id,
                state=tried.state,
                answers=place in answering,
                cells=tuple(
                    CellTried(text=cell.text, state=_state(cell, value))
                    for cell, value in zip(row.cells, values, strict=True)
                ),
            )
            for place, (row, tried) in enumerate(zip(decider.table.rows, said.tried, strict=True))
        ),
        refused=None if isinstance(said, Decision) else said.refused,
    )


def _state(cell: Cell, value: Present | None) -> CellState:
    if value is None:
        return CellState.FITS if cell.takes_missing else CellState.MISSING
    return CellState.FITS if cell.fits(value) else CellState.FAILS
