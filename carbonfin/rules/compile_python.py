"""A table as one Python function: a microsecond a decision, the same answers as the plain interpreter.

The source is written from the table's values alone: numbers and codes as literals, everything else by names of our own.
The answer with its trace hangs only on the piece of each column that its value lies in (`carbonfin.rules.pieces`), and
where inputs are missing on which and why, so it is made once for each combination that is asked; with inputs missing
the rows are then tried one by one, as the interpreter does.
"""

import math
import sys
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from carbonfin.kernel.units import to_float
from carbonfin.rules.decide import Decider, Decision, NotDecided, Outcome
from carbonfin.rules.domains import (
    DIGITS_MAX,
    BooleanDomain,
    CodeDomain,
    DateDomain,
    MissingReason,
    NumberDomain,
    Present,
)
from carbonfin.rules.grammar import Cell, Interval
from carbonfin.rules.pieces import column_cuts
from carbonfin.rules.policies import Settled
from carbonfin.rules.tables import DecisionTable, HitPolicy

_KEPT_MAX = 4096
_COMPARED_MAX = 4
"""Up to so many cuts of a column are compared one by one; more are searched in halves."""
_WHOLE_MAX = 10**15 - 1
_FLOAT_MAX = sys.float_info.max


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledTable:
    """A table as a function.

    Attributes:
        decide: Inputs by name to the answer with the trace of every row, equal to the plain interpreter's.
        settle: Inputs in the order of the columns to what the rows come to; never raises.
        source: The functions' text.
        outcomes: What each row answers, in their order.
    """

    table: DecisionTable
    decide: Callable[[Mapping[str, object]], Decision | NotDecided]
    settle: Callable[..., Settled]
    source: str
    outcomes: tuple[Outcome, ...]


def compile_python(table: DecisionTable) -> CompiledTable:
    """Write and load the functions of a table."""
    writer = _Writer(table)
    source = writer.source()
    # The text holds literals of the table's own values and names made here; cells have no code in them.
    exec(compile(source, f"<table {table.name}>", "exec"), writer.names)  # noqa: S102 - see above
    return CompiledTable(
        table=table, decide=writer.names["decide"], settle=writer.names["settle"], source=source,
        outcomes=writer.decider.outcomes,
    )  # fmt: skip


class _Writer:
    def __init__(self, table: DecisionTable) -> None:
        self._table = table
        self.decider = Decider(table)
        self._arguments = [f"v{place}" for place in range(len(table.inputs))]
        self._kept: dict[Any, Decision | NotDecided] = {}
        self._kept_lacking: dict[Any, Decision | NotDecided] = {}
        self.names: dict[str, Any] = {
            "date": date, "by_rows": self._by_rows, "by_mask": self._by_mask(), "lacking": self._lacking,
            "kept": self._kept, "kept_of": self._kept.get, "anew": self._anew, "passed": bisect_right,
        }  # fmt: skip

    def source(self) -> str:
        """Write the functions: read each input; try rows in order or gather what hits; say what became of each row."""
        arguments = ", ".join(self._arguments)
        lines = [f"def settle({arguments}):", *self._read_or(f"by_rows({arguments})")]
        lines += [f"    {line}" for line in self._rows()]
        lines += [f"def tried({arguments}):", "    return ("]
        lines += [f"        {self._row_tried(place)}," for place in range(len(self._table.rows))]
        lines += ["    )", f"def pieces_there({arguments}):", f"    return ({self._pieces_there()})"]
        lines += ["def decide(inputs):", *self._at_once(), "    return otherwise(inputs)"]
        lines += [
            "def otherwise(inputs):",
            "    get = inputs.get",
            *self._asking("get({})"),
            *self._read_or("lacking(inputs)"),
        ]
        lines += [f"    pieces = ({self._pieces(at_once=False)})", "    answer = kept_of(pieces)"]
        lines += [f"    return anew(pieces, {arguments}) if answer is None else answer"]
        return "\n".join(lines) + "\n"

    def _at_once(self) -> list[str]:
        """Write the answer to inputs that are what they should be and fall as others did before.

        A mapping that makes up what it lacks is not asked like this, and a code that is none is never found.
        """
        plain = " and ".join(self._is_plain(place, at_once=True) for place in range(len(self._arguments)))
        return [
            "    if type(inputs) is dict:", "        try:",
            *(f"        {line}" for line in self._asking("inputs[{}]")),
            f"            if {plain}:", f"                return kept[{self._pieces(at_once=True)}]",
            "        except KeyError:", "            pass",
        ]  # fmt: skip

    def _asking(self, how: str) -> list[str]:
        """Write what takes each input from a mapping."""
        return [
            f"    {name} = {how.format(repr(column.name))}"
            for name, column in zip(self._arguments, self._table.inputs, strict=True)
        ]

    def _read_or(self, instead: str) -> list[str]:
        """Write what reads each input, and the answer where one is missing; most inputs are what they should be."""
        plain = " and ".join(self._is_plain(place, at_once=False) for place in range(len(self._arguments)))
        lines = [f"    if not ({plain}):"]
        lines += [f"        {line}" for place in range(len(self._arguments)) for line in self._reading(place)]
        none = " or ".join(f"{name} is None" for name in self._arguments)
        return [*lines, f"        if {none}:", f"            return {instead}"]

    def _is_plain(self, place: int, *, at_once: bool) -> str:
        """Write what is true of values that are read as they stand; at once, whether a text is a code is not asked."""
        name, domain = self._arguments[place], self._table.inputs[place].domain
        if isinstance(domain, CodeDomain):
            known = "" if at_once else f" and {name} in {self._named(frozenset(domain.codes))}"
            return f"type({name}) is str{known}"
        if isinstance(domain, BooleanDomain):
            return f"({name} is True or {name} is False)"
        if isinstance(domain, DateDomain):
            return f"type({name}) is date and {self._within_days(name, domain)}"
        low, high = (max(-_WHOLE_MAX, min(_WHOLE_MAX, bound)) for bound in domain.bounds)
        if domain.is_whole:
            return f"type({name}) is int and {math.ceil(low)} <= {name} <= {math.floor(high)}"
        return f"type({name}) is float and {low!r} <= {name} <= {high!r}"

    def _pieces(self, *, at_once: bool) -> str:
        """Write which piece of each column a value lies in."""
        return "".join(f"{mark}, " for mark in self._marks(at_once=at_once))

    def _marks(self, *, at_once: bool) -> list[str]:
        """Write what marks a column's piece: the code or flag itself, or how many cuts a value has passed.

        At once, values of whole columns are whole, and are compared as such.
        """
        marks = []
        for place, (name, column) in enumerate(zip(self._arguments, self._table.inputs, strict=True)):
            domain, cuts = column.domain, column_cuts(self._table, place)
            if isinstance(domain, CodeDomain | BooleanDomain):
                marks.append(name)
            elif isinstance(domain, NumberDomain) and len(cuts) > _COMPARED_MAX:
                # A float past an end is at or past the float after it, so that cuts of both kinds stand in one list.
                ends = [math.nextafter(end, math.inf) if is_above else end for end, is_above in cuts]
                marks.append(f"passed({self._named(ends)}, {name})")
            elif isinstance(domain, NumberDomain) and domain.is_whole and at_once:
                least = [math.floor(end) + 1 if is_above else math.ceil(end) for end, is_above in cuts]
                marks.append(_counted([f"{name} < {end}" for end in least]))
            else:
                marks.append(
                    _counted([f"{name} {'<=' if is_above else '<'} {self._end(end)}" for end, is_above in cuts])
                )
        return marks

    def _pieces_there(self) -> str:
        """Write which piece of each column a value lies in, None where it is missing."""
        marks = self._marks(at_once=False)
        return "".join(
            f"None if {name} is None else ({mark}), " for name, mark in zip(self._arguments, marks, strict=True)
        )

    def _lacking(self, inputs: Mapping[str, object]) -> Decision | NotDecided:
        """Answer where an input is missing: read as the interpreter reads, which says why it is."""
        values, missing = self.decider.read(inputs)
        key = (self.names["pieces_there"](*values), missing)
        answer = self._kept_lacking.get(key)
        if answer is None:
            possible, tried = self.decider.try_rows(values)
            answer = self.decider.answer(self.decider.sets.settle(possible, _absent(values)), missing, tried)
            if len(self._kept_lacking) < _KEPT_MAX:
                self._kept_lacking[key] = answer
        return answer

    def _anew(self, pieces: tuple[Any, ...], *values: Present) -> Decision | NotDecided:
        answer = self.decider.answer(self.names["settle"](*values), (), self.names["tried"](*values))
        if len(self._kept) < _KEPT_MAX:
            self._kept[pieces] = answer
        return answer

    def _row_tried(self, place: int) -> str:
        """Write what becomes of a row where nothing is missing: the first cell that fails, or a hit."""
        cells = zip(self._arguments, self._table.rows[place].cells, self.decider.failed[place], strict=True)
        fails = [
            f"{self._named(failed)} if not ({self._test(name, cell)}) else "
            for name, cell, failed in cells
            if not cell.is_any
        ]
        return "".join(fails) + self._named(self.decider.hit[place])

    def _named(self, value: object) -> str:
        name = f"k{len(self.names)}"
        self.names[name] = value
        return name

    def _reading(self, place: int) -> list[str]:
        name, domain = self._arguments[place], self._table.inputs[place].domain

        if isinstance(domain, CodeDomain):
            return [
                f"if not isinstance({name}, str) or {name} not in {self._named(frozenset(domain.codes))}:",
                f"    {name} = None",
            ]
        if isinstance(domain, BooleanDomain):
            return [f"if {name} is not True and {name} is not False:", f"    {name} = None"]
        reader = self._named(_reader(domain))
        if isinstance(domain, DateDomain):
            return [
                f"if type({name}) is not date or not {self._within_days(name, domain)}:",
                f"    {name} = {reader}({name})",
            ]
        return self._reading_number(name, domain, reader)

    def _reading_number(self, name: str, domain: NumberDomain, reader: str) -> list[str]:
        low, high = (max(-_FLOAT_MAX, min(_FLOAT_MAX, bound)) for bound in domain.bounds)
        whole = f" or not {name}.is_integer()" if domain.is_whole else ""
        return [
            f"if type({name}) is float:",
            f"    if not {low!r} <= {name} <= {high!r}{whole}:",
            f"        {name} = None",
            f"elif type({name}) is not int or not {max(low, -_WHOLE_MAX)!r} <= {name} <= {min(high, _WHOLE_MAX)!r}:",
            f"    {name} = {reader}({name})",
        ]

    def _within_days(self, name: str, domain: DateDomain) -> str:
        low, high = domain.low or date.min, domain.high or date.max
        return f"{self._named(low)} <= {name} <= {self._named(high)}"

    def _rows(self) -> list[str]:
        conditions = [self._condition(row.cells) for row in self._table.rows]
        if self._table.hit_policy is HitPolicy.FIRST:
            answers = [self._named(self.decider.sets.settle(1 << place, 0)) for place in range(len(conditions))]
            lines = [
                line
                for condition, answer in zip(conditions, answers, strict=True)
                for line in (f"if {condition}:", f"    return {answer}")
            ]
            return [*lines, f"return {self._named(self.decider.sets.settle(0, 0))}"]
        gathered = [
            line
            for place, condition in enumerate(conditions)
            for line in (f"if {condition}:", f"    rows |= {1 << place}")
        ]
        return ["rows = 0", *gathered, "return by_mask(rows)"]

    def _condition(self, cells: tuple[Cell, ...]) -> str:
        parts = [self._test(name, cell) for name, cell in zip(self._arguments, cells, strict=True) if not cell.is_any]
        return " and ".join(parts) or "True"

    def _test(self, name: str, cell: Cell) -> str:
        """Write a cell's test of a value that is there; `null` alone fits none."""
        if cell.members:
            if len(cell.members) == 1:
                return f"{name} == {next(iter(cell.members))!r}"
            return f"{name} in {self._named(cell.members)}"
        tests = [self._within(name, interval) for interval in cell.intervals]
        return f"({' or '.join(tests)})" if len(tests) > 1 else tests[0] if tests else "False"

    def _within(self, name: str, interval: Interval) -> str:
        low = "" if interval.low is None else f"{self._end(interval.low)} {'<=' if interval.low_closed else '<'} "
        high = "" if interval.high is None else f" {'<=' if interval.high_closed else '<'} {self._end(interval.high)}"
        return f"{low}{name}{high}" if low or high else "True"

    def _end(self, end: Any) -> str:
        return repr(end) if isinstance(end, float) else self._named(end)

    def _by_rows(self, *values: Any) -> Settled:
        return self.decider.sets.settle(self.decider.try_rows(values)[0], _absent(values))

    def _by_mask(self) -> Callable[[int], Settled]:
        kept: dict[int, Settled] = {}
        sets = self.decider.sets

        def by_mask(rows: int) -> Settled:
            answer = kept.get(rows)
            if answer is None:
                answer = sets.settle(rows, 0)
                if len(kept) < _KEPT_MAX:
                    kept[rows] = answer
            return answer

        return by_mask


def _absent(values: Sequence[Any]) -> int:
    """Give the bits of the inputs that are missing."""
    return sum(1 << place for place, value in enumerate(values) if value is None)


def _counted(stops: list[str]) -> str:
    """Write the number of the first test that holds, else how many there are; tests that jump are the quickest."""
    return "".join(f"{place} if {stop} else " for place, stop in enumerate(stops)) + f"{len(stops)}"


def _reader(domain: NumberDomain | DateDomain) -> Callable[[object], object]:
    """Give what reads a value that does not stand as it is: its domain's value, or None where it is missing."""

    def read(value: object) -> object:
        found = domain.read(value)
        return None if isinstance(found, MissingReason) else found

    if isinstance(domain, DateDomain):
        return read
    low, high = (max(-_FLOAT_MAX, min(_FLOAT_MAX, bound)) for bound in domain.bounds)
    is_whole = domain.is_whole

    def read_decimal(value: object) -> object:
        # Most numbers of the product are decimals of few signs: no more signs than digits are allowed is short enough.
        if type(value) is Decimal and len(str(value)) <= DIGITS_MAX and value.is_finite():
            number = to_float(value)
            return number if low <= number <= high and not (is_whole and not number.is_integer()) else None
        return read(value)

    return read_decimal
