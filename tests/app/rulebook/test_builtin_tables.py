"""The decision tables that come with the product: sound, under contract, and never kind to what is missing or wrong."""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from carbonfin.app.packages import BUILTIN_TABLES, PACKAGES, TABLE_CONTRACTS
from carbonfin.rules.compile_python import compile_python
from carbonfin.rules.contracts import TableContract, contract_for, faults
from carbonfin.rules.decide import Decider, Decision, NotDecided
from carbonfin.rules.domains import AnyDomain, BooleanDomain, CodeDomain, DateDomain, Measured, MissingReason
from carbonfin.rules.grammar import read_cell
from carbonfin.rules.jdm_writing import table_to_jdm
from carbonfin.rules.parameters import Grade
from carbonfin.rules.tables import DecisionTable, OutputValue, TableBook, TableRow
from carbonfin.rules.validate import validate
from tests.rules.backends import Row
from tests.vectors.comparison import DEFAULT_TOLERANCE, Comparison, Outcome, run_case
from tests.vectors.rule_tables import inputs_from_cells, said_in_each_form
from tests.vectors.zen_oracle import compare_with_zen

TABLES = tuple(one.table for one in BUILTIN_TABLES)
INPUTS_COUNT = 100_000
SEED = 20251129
_WRONG_PER_TRUE = 5
each_table = pytest.mark.parametrize("table", TABLES, ids=[table.name for table in TABLES])
WRONG: tuple[object, ...] = (
    None, float("nan"), float("inf"), float("-inf"), Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), "", "null",
    "-", "是", "pledge ", "PLEDGE", "true", "87分", b"pledge", [], {}, (), object(), 1 + 0j, True, False, 0, 1, -1,
    *(Measured(number=number, unit=unit) for number in (0, 1, Decimal("0.5"), 90) for unit in ("bp", "fen", "斤", "")),
    Decimal("0.1234567890123456"), 10**30, Decimal("1e400"), "2025-07-01", date(2025, 7, 1), datetime(2025, 7, 1, tzinfo=UTC),
)  # fmt: skip
"""Values of every type; for a column those count that are no member of its domain."""


def contract_of(table: DecisionTable) -> TableContract:
    found = contract_for(TABLE_CONTRACTS, table.name)
    assert found is not None, f"no decision reads {table.name}"
    return found


@each_table
def test_a_built_in_table_has_no_gap_no_overlap_and_no_dead_row(table: DecisionTable) -> None:
    found = validate(table)
    assert [one for one in found.findings if one.is_fatal] == []
    assert {one.kind.value for one in found.findings} <= {"undecided_when_missing"}


@each_table
def test_a_built_in_table_keeps_the_contract_of_the_decision_that_reads_it(table: DecisionTable) -> None:
    assert faults(contract_of(table), table) == ()


@each_table
def test_a_built_in_clause_claims_no_more_than_its_grade_allows(table: DecisionTable) -> None:
    for row in table.rows:
        assert row.clause.document.strip()
        assert row.clause.confirmed == (row.clause.grade in {Grade.READ, Grade.SAMPLE}), row.id
        assert row.clause.grade is not Grade.SAMPLE, "nothing of the demonstration comes with the product"


def test_the_tables_stand_by_their_packages_and_speak_without_a_break() -> None:
    assert len({package.name for package in PACKAGES} & {name.split(".", 1)[0] for name in _names()}) == len(
        _packages()
    )
    book = TableBook(BUILTIN_TABLES)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for name in _names():
        (first, *_) = book.versions(name)
        assert first.approved_by == ()
        for day in (first.valid_from, date(2024, 6, 21), date(2025, 6, 30), date(2025, 12, 31)):
            assert book.find(name, valid_on=max(day, first.valid_from), known_at=now) is not None, (name, day)


def _names() -> list[str]:
    return sorted({table.name for table in TABLES})


def _packages() -> set[str]:
    return {name.split(".", 1)[0] for name in _names()}


# --- the fuzz -------------------------------------------------------------------------------------------------------
def ends(table: DecisionTable, column: int) -> list[object]:
    """Give the values that the cells of a column name."""
    spans = [one for row in table.rows for one in row.cells[column].intervals]
    return [end for one in spans for end in (one.low, one.high) if end is not None]


def member(chance: random.Random, domain: AnyDomain, cuts: Sequence[object]) -> object:
    """Give a value of a domain, often one that a cell names or its neighbour."""
    if isinstance(domain, BooleanDomain):
        return chance.random() < 0.5
    if isinstance(domain, CodeDomain):
        return chance.choice(domain.codes)
    near = [cut for cut in cuts if isinstance(cut, date if isinstance(domain, DateDomain) else float)]
    if isinstance(domain, DateDomain):
        day = chance.choice([*near, date(2025, 7, 1)])
        assert isinstance(day, date)
        found: object = day + timedelta(days=chance.randrange(-1, 2))
    else:
        start = Decimal(str(chance.choice([*near, 0.0, 50.0])))
        found = start + chance.choice((0, 0, 1, -1, Decimal(chance.randrange(-500, 500)) / 10))
        found = found.to_integral_value() if domain.is_whole else found
    return found if not isinstance(domain.read(found), MissingReason) else member(chance, domain, cuts)


def no_members(domain: AnyDomain) -> list[object]:
    return [value for value in WRONG if isinstance(domain.read(value), MissingReason)]


class Inputs:
    """True inputs of a table, and the same with parts left out or put wrong."""

    def __init__(self, table: DecisionTable, chance: random.Random) -> None:
        self._table, self._chance = table, chance
        self._cuts = {column.name: ends(table, place) for place, column in enumerate(table.inputs)}
        self._wrong = {column.name: no_members(column.domain) for column in table.inputs}

    def true(self) -> Row:
        return {one.name: member(self._chance, one.domain, self._cuts[one.name]) for one in self._table.inputs}

    def broken(self, facts: Mapping[str, object]) -> Row:
        wrong = dict(facts)
        names = list(self._wrong)
        # Mostly one part alone: what pays for leaving it out shows best where all else is as it was.
        count = self._chance.choice((1, 1, self._chance.randint(1, len(names))))
        for name in self._chance.sample(names, count):
            if self._chance.random() < 0.3:
                wrong.pop(name)
            else:
                wrong[name] = self._chance.choice(self._wrong[name])
        return wrong


def is_better(contract: TableContract, table: DecisionTable, found: Decision, full: Decision) -> bool:
    """Whether any output is better for whom the decision is about than that of the full, true input."""
    wanted = {one.name: one.worst_is_high for one in contract.outputs}
    pairs = zip(table.outputs, found.outcomes[0].outputs, full.outcomes[0].outputs, strict=True)
    return any(number(had) < number(was) if wanted[one.name] else number(had) > number(was) for one, had, was in pairs)


def number(value: OutputValue) -> Decimal:
    assert not isinstance(value, str)
    return Decimal(value)


Decide = Callable[[Mapping[str, object]], Decision | NotDecided]


def better_ones(table: DecisionTable, decide: Decide, count: int) -> tuple[list[tuple[Row, Row]], Counter[str]]:
    """Ask for as many broken inputs; give those that got a better answer than the true input they were made from."""
    contract, chance = contract_of(table), random.Random(SEED)  # noqa: S311 - the same inputs every time, no secret
    inputs, seen, found = Inputs(table, chance), Counter[str](), []
    facts = inputs.true()
    full = decide(facts)
    for place in range(count):
        if place % _WRONG_PER_TRUE == 0:
            facts = inputs.true()
            full = decide(facts)
            assert isinstance(full, Decision), facts
        assert isinstance(full, Decision)
        wrong = inputs.broken(facts)
        said = decide(wrong)
        if isinstance(said, NotDecided):
            assert said.missing, wrong
            seen["undecided"] += 1
            continue
        seen["decided"] += 1
        if is_better(contract, table, said, full):
            found.append((facts, wrong))
    return found, seen


@each_table
def test_no_input_with_a_missing_or_wrong_part_gets_a_better_answer(table: DecisionTable) -> None:
    found, seen = better_ones(table, Decider(table).decide, INPUTS_COUNT)
    assert found == []
    assert seen["undecided"] > INPUTS_COUNT // 10, f"the fuzz looked at too little: {seen}"
    compiled, compiled_seen = better_ones(table, compile_python(table).decide, INPUTS_COUNT // 10)
    assert compiled == []
    assert compiled_seen["undecided"] > INPUTS_COUNT // 100


@each_table
def test_a_built_in_table_made_kind_to_what_is_missing_is_found(table: DecisionTable) -> None:
    """A row is added that answers a missing input as one of the rows does: where that can pay, the fuzz sees it."""
    kinder = [
        better_ones(planted, Decider(planted).decide, 2_000)[0]
        for row in table.rows
        for column in range(len(table.inputs))
        for planted in [_with_row_for_missing(table, row, column)]
    ]
    assert any(kinder), "no planted fault was seen"


def _with_row_for_missing(table: DecisionTable, row: TableRow, column: int) -> DecisionTable:
    missing = read_cell("null", table.inputs[column].domain)
    cells = (*row.cells[:column], missing, *row.cells[column + 1 :])
    return replace(table, rows=(*table.rows, replace(row, id="planted", cells=cells)))


def test_every_kind_of_wrong_value_is_tried_on_every_column() -> None:
    for table in TABLES:
        for column in table.inputs:
            reasons = {column.domain.read(value) for value in no_members(column.domain)}
            assert {MissingReason.ABSENT, MissingReason.WRONG_TYPE} <= reasons, column.name


def as_read(table: DecisionTable, facts: Row) -> Row:
    """Give an input in the types that every form of a table takes."""
    return {column.name: column.domain.read(facts[column.name]) for column in table.inputs}


# --- the oracle -----------------------------------------------------------------------------------------------------
@each_table
def test_the_answers_are_those_of_the_engine_of_the_jdm_format(table: DecisionTable) -> None:
    chance = random.Random(SEED)  # noqa: S311 - the same inputs every time, no secret
    inputs = Inputs(table, chance)
    rows: list[Row] = [*inputs_from_cells(table), *(as_read(table, inputs.true()) for _ in range(500))]
    names = {column.name: column.name for column in table.columns}

    def compare(check: Comparison) -> None:
        compare_with_zen(check, table, table_to_jdm(table), rows, asked=names, answered=names)

    result = run_case(table.name, DEFAULT_TOLERANCE, compare)
    if result.outcome is Outcome.SKIPPED:
        pytest.skip(result.why)
    assert result.outcome is Outcome.PASSED, result.why


@each_table
def test_every_form_of_a_built_in_table_answers_alike(table: DecisionTable) -> None:
    chance = random.Random(SEED)  # noqa: S311 - the same inputs every time, no secret
    inputs = Inputs(table, chance)
    true = [*inputs_from_cells(table), *(as_read(table, inputs.true()) for _ in range(200))]
    absent = [{**facts, chance.choice(table.inputs).name: None} for facts in true]
    said = said_in_each_form(table, [*true, *absent])
    assert len({str(answers) for answers in said.values()}) == 1
