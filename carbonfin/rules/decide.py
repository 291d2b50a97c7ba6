"""Deciding by a table: every row tried, cell by cell; an answer, or which fields are missing; never an exception.

This is the plain interpreter: it keeps the whole trace and is what the compiled forms are held against.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from carbonfin.rules.domains import MissingReason, Present
from carbonfin.rules.policies import Refused, RowSets, Settled
from carbonfin.rules.tables import Clause, DecisionTable, OutputValue


class RowState(StrEnum):
    """What became of a row."""

    HIT = "hit"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowTried:
    """What became of one row; made once for each row and way to fail.

    Attributes:
        row_id: The row.
        failed_column: The first column whose value does not fit; empty where none fails.
        cell: The text of that cell.
        unknown_columns: Missing inputs that the row hangs on.
    """

    row_id: str
    state: RowState
    failed_column: str = ""
    cell: str = ""
    unknown_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingInput:
    """An input that is not there, and why it counts as missing."""

    name: str
    reason: MissingReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one row answers, made once; values stand in the order of the table's outputs."""

    row_id: str
    place: int
    outputs: tuple[OutputValue, ...]
    clause: Clause


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A table's answer.

    Attributes:
        table: The table's name.
        table_digest: Which text of it.
        outcomes: One row for single-hit policies, else every row that hit in the order the policy says.
        total: The one number of a totalling policy.
        missing: Inputs that were missing and made no difference.
        tried: Every row, in order.
    """

    table: str
    table_digest: str
    outcomes: tuple[Outcome, ...]
    total: OutputValue | None
    missing: tuple[MissingInput, ...]
    tried: tuple[RowTried, ...]

    @property
    def output(self) -> OutputValue:
        """The answer of a table with one output: the total, or the one row's value."""
        return self.total if self.total is not None else self.outcomes[0].outputs[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotDecided:
    """No answer, and why; never read as a default.

    Attributes:
        missing: Inputs that are missing; those to be brought where the reason is a missing input.
        rows: The rows that stand in the way.
    """

    table: str
    table_digest: str
    refused: Refused
    missing: tuple[MissingInput, ...]
    rows: tuple[str, ...]
    tried: tuple[RowTried, ...]


class Decider:
    """A table made ready to be asked many times."""

    def __init__(self, table: DecisionTable) -> None:
        self.table = table
        self.sets = RowSets(table)
        self.outcomes = tuple(
            Outcome(row_id=row.id, place=place, outputs=row.outputs, clause=row.clause)
            for place, row in enumerate(table.rows)
        )
        names = [column.name for column in table.inputs]
        self.hit = tuple(RowTried(row_id=row.id, state=RowState.HIT) for row in table.rows)
        self.failed = tuple(
            tuple(
                RowTried(row_id=row.id, state=RowState.FAILED, failed_column=name, cell=cell.text)
                for name, cell in zip(names, row.cells, strict=True)
            )
            for row in table.rows
        )

    def read(self, inputs: Mapping[str, object]) -> tuple[list[Present | None], tuple[MissingInput, ...]]:
        """Give the inputs in the order of the columns, None where missing, and why they are."""
        values: list[Present | None] = []
        missing: list[MissingInput] = []
        for column in self.table.inputs:
            value = column.domain.read(inputs.get(column.name))
            if isinstance(value, MissingReason):
                missing.append(MissingInput(name=column.name, reason=value))
                values.append(None)
            else:
                values.append(value)
        return values, tuple(missing)

    def decide(self, inputs: Mapping[str, object]) -> Decision | NotDecided:
        """Decide, with the trace of every row; values that are no member of their domain count as missing."""
        values, missing = self.read(inputs)
        possible, tried = self.try_rows(values)
        absent = sum(1 << place for place, value in enumerate(values) if value is None)
        return self.answer(self.sets.settle(possible, absent), missing, tried)

    def try_rows(self, values: Sequence[Present | None]) -> tuple[int, tuple[RowTried, ...]]:
        """Give the bits of the rows that fail on nothing that is there, and what became of every row."""
        possible = 0
        tried: list[RowTried] = []
        for place, row in enumerate(self.table.rows):
            unknown = 0
            for column, (cell, value) in enumerate(zip(row.cells, values, strict=True)):
                if value is None:
                    unknown |= 0 if cell.takes_missing else 1 << column
                elif not cell.fits(value):
                    tried.append(self.failed[place][column])
                    break
            else:
                possible |= 1 << place
                tried.append(self.hit[place] if not unknown else _unknown(self.table, place, unknown))
        return possible, tuple(tried)

    def answer(
        self, settled: Settled, missing: tuple[MissingInput, ...], tried: tuple[RowTried, ...]
    ) -> Decision | NotDecided:
        """Make the answer of what the rows come to."""
        if settled.refused is None:
            return Decision(
                table=self.table.name,
                table_digest=self.table.digest,
                outcomes=tuple([self.outcomes[place] for place in settled.rows]),
                total=settled.total,
                missing=missing,
                tried=tried,
            )
        return NotDecided(
            table=self.table.name,
            table_digest=self.table.digest,
            refused=settled.refused,
            missing=missing,
            rows=tuple([self.table.rows[place].id for place in settled.blocking]),
            tried=tried,
        )


def decide(table: DecisionTable, inputs: Mapping[str, object]) -> Decision | NotDecided:
    """Decide once; whoever asks often keeps a `Decider`."""
    return Decider(table).decide(inputs)


def _unknown(table: DecisionTable, place: int, columns: int) -> RowTried:
    names = tuple([column.name for number, column in enumerate(table.inputs) if columns >> number & 1])
    return RowTried(row_id=table.rows[place].id, state=RowState.UNKNOWN, unknown_columns=names)
