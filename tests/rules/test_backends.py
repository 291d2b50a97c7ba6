"""One table, five ways to run it: interpreter, Python, polars, DuckDB and PostgreSQL say the same of every input."""

import math
import operator
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.compile_polars import compile_polars
from carbonfin.rules.compile_python import compile_python
from carbonfin.rules.compile_sql import ANSWERS, compile_sql
from carbonfin.rules.decide import Decision, NotDecided, decide
from carbonfin.rules.domains import CodeDomain, DateDomain, Measured, NumberDomain, domain_from
from carbonfin.rules.grammar import read_cell
from carbonfin.rules.policies import Refused
from carbonfin.rules.tables import DecisionTable, HitPolicy, OutputKind
from carbonfin.rules.validate import FindingKind, validate
from tests.postgres import Postgres
from tests.rules.backends import Row, as_answer, frame_of, in_frames, in_sql, interpreted
from tests.rules.samples import output_column, sample_table

DOMAINS = (
    "number[0..1] ratio", "number[..] CNY", "number[-0.5..] ratio", "whole[1..5] count", "whole[..3] count", "whole[..] count",
    "whole[..] fen", "whole[-1..100000000000000] fen", "whole[-30..25] bp", "date[2024-01-01..2024-01-05]", "date[..]",
    "code{A,B,it's,重点}", "boolean",
)  # fmt: skip
NUMBERS = ("-0.5", "0", "0.1", "0.3", "0.5", "1", "2", "3", "5", "10000000000000000")
FEN = ("-999999999999999", "-100", "-1", "0", "1", "99999999999999", "100000000000000", "999999999999999")
"""Money of an input: up to 15 digits, which is 9,999,999,999,999.99 元, with neighbours of one fen."""
BP = ("-30", "-29", "-1", "0", "24", "25")
OUTPUTS = {
    OutputKind.BP: ["-5", "0", "12"], OutputKind.RATIO: ["0.1", "-0.25", "3"], OutputKind.CODE: ["x", "y"],
    # One fen apart beyond 2**53, where a float knows no fen; six of the largest still add up within 64 bits.
    OutputKind.FEN: ["-9007199254740993", "0", "900719925474099301", "900719925474099302"],
}  # fmt: skip
DAYS = (*(str(date(2024, 1, 1) + timedelta(days=place)) for place in range(-1, 7)), str(date.min), str(date.max))
BAD_NUMBERS = (math.nan, math.inf, -math.inf, 1e308, -1e308, 2.5, 0.1 + 0.2, 5e-324, -0.0)
BATCH = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def literals(domain: str) -> Sequence[str]:
    """Give what may stand in the cells of a column."""
    if domain == "boolean":
        return ("true", "false")
    units = {"fen": FEN, "bp": BP}
    if domain[:4] in {"code", "date"}:
        return ("A", "B", "it's", "重点") if domain[:4] == "code" else DAYS
    return units.get(domain.partition("] ")[2], NUMBERS)


@st.composite
def cells(draw: st.DrawFn, domain: str) -> str:
    """Give a cell of the grammar that the column takes."""
    value = st.sampled_from(literals(domain))
    tests = [value, st.builds("!={}".format, value)]
    if domain[0] in "nwd":
        tests.append(st.builds("{}{}".format, st.sampled_from(["<", "<=", ">", ">=", "= "]), value))
        tests.append(
            st.builds("{}{}..{}{}".format, st.sampled_from(["[", "("]), value, value, st.sampled_from(["]", ")"]))
        )
    part = st.one_of(st.just("-"), *(st.lists(test, min_size=1, max_size=2).map(", ".join) for test in tests))
    text = draw(st.one_of(st.just("-"), st.just("-"), st.just("null"), part, part.map("{}|null".format)))
    try:
        read_cell(text, domain_from(domain))
    except InvalidInput:
        return "-"
    return text


TOTALS = tuple(one for one in HitPolicy if one.is_total and one is not HitPolicy.COLLECT_COUNT)
MONEY_DOMAINS = tuple(one for one in DOMAINS if one.endswith((" fen", " bp", "重点}")))


@st.composite
def tables(draw: st.DrawFn, *, is_money: bool = False) -> DecisionTable:
    """Give a table of any policy; few output values, so that rows agree and tie. Of money it adds up or compares fen."""
    policy = draw(st.sampled_from(TOTALS if is_money else tuple(HitPolicy)))
    domains = draw(st.lists(st.sampled_from(MONEY_DOMAINS if is_money else DOMAINS), min_size=1, max_size=4))
    columns = {f"In{place}": domain for place, domain in enumerate(domains)}
    kinds = [one for one in OUTPUTS if one is not OutputKind.CODE or not policy.is_total]
    kind = OutputKind.FEN if is_money else draw(st.sampled_from(kinds))
    ranking = draw(st.permutations(OUTPUTS[kind])) if policy.is_ranked else ()
    output = output_column("out", kind)
    outputs = [output_column("out", kind, [output.read(text) for text in ranking])]
    row = st.tuples(*(cells(domain) for domain in domains), st.sampled_from(OUTPUTS[kind]))
    return sample_table(columns, draw(st.lists(row, min_size=1, max_size=6)), policy=policy, outputs=outputs)


def values(domain: Any) -> st.SearchStrategy[Any]:
    """Give values of the type a column has in a frame or a relation: ends, their neighbours, bad ones and none."""
    if isinstance(domain, NumberDomain):
        ends = st.sampled_from(literals(domain.describe())).map(float)
        if domain.unit == "fen":
            ends = st.one_of(ends, st.builds(operator.add, ends, st.sampled_from([-1.0, 1.0])))
        near = st.builds(math.nextafter, ends, st.sampled_from([-math.inf, math.inf]))
        return st.one_of(ends, ends, near, st.sampled_from(BAD_NUMBERS), st.none())
    if isinstance(domain, DateDomain):
        return st.one_of(st.sampled_from(DAYS).map(date.fromisoformat), st.sampled_from([None, date.min, date.max]))
    if isinstance(domain, CodeDomain):
        return st.sampled_from([*domain.codes, *domain.codes, None, "", "a", "A ", "C"])
    return st.sampled_from([True, False, None])


@st.composite
def cases(draw: st.DrawFn, *, is_money: bool = False) -> tuple[DecisionTable, list[Row]]:
    table = draw(tables(is_money=is_money))
    row = st.fixed_dictionaries({column.name: values(column.domain) for column in table.inputs})
    return table, draw(st.lists(row, min_size=1, max_size=12))


@pytest.fixture
def duck() -> Iterator[Any]:
    with duckdb.connect() as connection:
        yield lambda text, given_values: connection.execute(text, given_values).fetchall()


@pytest.fixture
def postgresql(postgres: Postgres) -> Iterator[Any]:
    with postgres.database() as url:
        address = url.replace("postgresql+psycopg", "postgresql")
        with closing(psycopg.connect(address, autocommit=True, prepare_threshold=None)) as connection:

            def run(text: str, given_values: Sequence[Any] | None) -> list[Any]:
                cursor = connection.execute(text.encode(), given_values)
                return cursor.fetchall() if cursor.description else []

            yield run


@given(case=st.one_of(cases(), cases(is_money=True)))
@BATCH
def test_frames_and_compiled_python_say_what_the_interpreter_says(case: tuple[DecisionTable, list[Row]]) -> None:
    table, rows = case
    said = interpreted(table, rows)
    compiled = compile_python(table)
    for _ in range(2):  # the second time answers are those that were kept
        assert [as_answer(table, compiled.decide(row)) for row in rows] == said
    assert in_frames(table, frame_of(table, rows)) == said
    assert in_frames(table, frame_of(table, rows), looked_up_max=0) == said


@given(
    domain=st.sampled_from([one for one in DOMAINS if one[0] in "nw"]),
    value=st.one_of(
        st.decimals(allow_nan=True, allow_infinity=True), st.decimals(min_value=-10, max_value=10, places=2),
        st.sampled_from([
            Decimal(text)
            for text in ("sNaN", "NaN", "-Infinity", "1E+400", "-1E+400", "1E-400", "-0.0", "2", "2.0", "1E+1", "2.5",
                         "123456789012345", "1234567890123456", "123456789012345000", "0.30000000000000004")
        ]),
        st.integers(-(10**17), 10**17),
    ),
)  # fmt: skip
def test_decimals_and_whole_numbers_are_read_by_compiled_python_as_by_the_interpreter(
    domain: str, value: Decimal | int
) -> None:
    table = sample_table({"x": domain}, [("<= 0.3" if domain[0] == "n" else "<= 2", "1"), ("-", "2"), ("null", "3")])
    compiled = compile_python(table)
    for _ in range(2):
        assert compiled.decide({"x": value}) == decide(table, {"x": value})


@given(case=st.one_of(cases(), cases(is_money=True)))
@BATCH
def test_duckdb_says_what_the_interpreter_says(duck: Any, case: tuple[DecisionTable, list[Row]]) -> None:
    assert in_sql(*case, duck, "?") == interpreted(*case)


@pytest.mark.postgres
@given(case=st.one_of(cases(), cases(is_money=True)))
@BATCH
def test_postgresql_says_what_the_interpreter_says(postgresql: Any, case: tuple[DecisionTable, list[Row]]) -> None:
    assert in_sql(*case, postgresql, "%s") == interpreted(*case)


@given(case=cases())
@BATCH
def test_what_no_row_takes_or_rows_quarrel_about_was_found_by_the_validation(
    case: tuple[DecisionTable, list[Row]],
) -> None:
    table, rows = case
    kinds = {finding.kind for finding in validate(table).findings}
    for row in rows:
        said = decide(table, row)
        if isinstance(said, NotDecided) and not said.missing:
            wanted = FindingKind.OVERLAP if said.refused is Refused.CONFLICT else FindingKind.GAP
            assert kinds & {wanted, FindingKind.NOT_PROVEN}


WILD: list[Any] = [
    None, True, False, 0, 1, 3, 10**15, 10**15 + 1, 10**16, -(10**400), 0.1, 0.5, math.nan, math.inf, "A", "0.1", "", b"A",
    Measured(number=Decimal("0.1"), unit="ratio"), Measured(number=3, unit="count"), Measured(number=100, unit="fen"),
    Measured(number=1, unit="CNY"), Decimal("0.1"), Decimal("sNaN"), Decimal("0.1000000000000001"), date(2024, 1, 2), datetime(2024, 1, 2, tzinfo=UTC), [], object(),
]  # fmt: skip


@given(table=tables(), data=st.data())
@BATCH
def test_mixed_columns_are_read_value_by_value(table: DecisionTable, data: st.DataObject) -> None:
    row = st.fixed_dictionaries({column.name: st.sampled_from(WILD) for column in table.inputs})
    rows = data.draw(st.lists(row, min_size=1, max_size=8))
    compiled = compile_python(table)
    assert [as_answer(table, compiled.decide(row)) for row in rows] == interpreted(table, rows)
    frame = pl.DataFrame(
        [pl.Series(one.name, [row[one.name] for row in rows], dtype=pl.Object) for one in table.inputs]
    )
    assert in_frames(table, frame) == interpreted(table, rows)


LONG = [None, 0, 1, 3, 5, 6, -7, 10**15 - 1, 10**15, 10**15 + 1, 10**16 + 10, 10**16 + 1, 10**17 + 100, 10**17 + 10, 10**18 + 1000,
        10**18 + 100, 9 * 10**18, 2**63 - 1, -(2**63), -(10**15) - 1, -(10**15)]  # fmt: skip


@pytest.mark.parametrize(
    ("dtype", "given_values"),
    [
        (pl.Int64, LONG), (pl.UInt64, [value for value in LONG if value is None or value >= 0]), (pl.Int128, [*LONG, 10**20]),
        (pl.Int8, [None, 0, 3, -7]), (pl.UInt16, [None, 0, 3, 65535]), (pl.Float32, [None, 0.5, 0.1, 3.0, math.nan, 1e30]),
        (pl.Decimal(20, 4), [None, Decimal("0.5"), Decimal(3), Decimal("1234567890123456.5"), Decimal("0.0001")]),
        (pl.String, ["3", "0.5", None]), (pl.Boolean, [True, False, None]), (pl.Date, [date(2024, 1, 2), None]), (pl.Null, [None, None]),
        (pl.Datetime("us", "UTC"), [datetime(2024, 1, 2, tzinfo=UTC), None]), (pl.Enum(["C", "B", "A"]), ["A", "B", "C", None]), (pl.Categorical, ["A", "C", None]),
        (pl.Enum([]), [None]),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "domain",
    ["number[..] CNY", "whole[-7..1000000000000000] count", "whole[..] fen", "date[..]", "code{A,B}", "boolean"],
)
def test_frames_take_every_type_of_column(domain: str, dtype: Any, given_values: list[Any]) -> None:
    literal = {"c": "A", "b": "true", "d": "2024-01-02"}.get(domain[0], "3")
    table = sample_table({"x": domain}, [(literal, "1"), (f"!={literal}", "2"), ("null", "3")], policy=HitPolicy.UNIQUE)
    frame = pl.DataFrame({"x": pl.Series(given_values, dtype=dtype)})
    read = frame["x"].to_list()
    assert in_frames(table, frame) == interpreted(table, [{"x": value} for value in read])


def test_amounts_answer_to_the_fen_in_every_form(duck: Any) -> None:
    """By hand: beyond 2**53 = 9007199254740992 a float knows every other fen alone."""
    rows = [("1", "9007199254740993"), ("[1..2]", "900719925474099301"), ("-", "-9007199254740993"), ("null", "7")]
    asked: list[Row] = [{"x": 1.0}, {"x": 2.0}, {"x": 3.0}, {"x": None}]
    fen = [output_column("out", OutputKind.FEN)]
    expected = {
        HitPolicy.COLLECT_SUM: [900719925474099301, 891712726219358308, -9007199254740993, None],
        HitPolicy.COLLECT_MAX: [900719925474099301, 900719925474099301, -9007199254740993, None],
        HitPolicy.COLLECT_MIN: [-9007199254740993, -9007199254740993, -9007199254740993, None],
    }
    for policy, totals in expected.items():
        table = sample_table({"x": "whole[..] fen"}, rows, policy=policy, outputs=fen)
        said = interpreted(table, asked)
        assert [answer[5] for answer in said] == totals
        compiled = compile_python(table)
        assert [as_answer(table, compiled.decide(row)) for row in asked] == said
        assert in_frames(table, frame_of(table, asked)) == said
        assert in_frames(table, frame_of(table, asked), looked_up_max=0) == said
        assert in_sql(table, asked, duck, "?") == said
    single = sample_table({"x": "whole[..] fen"}, rows, outputs=fen)
    first = decide(single, {"x": 1})
    assert isinstance(first, Decision)
    assert (first.output, type(first.output)) == (9007199254740993, int)


def test_a_column_that_is_not_there_is_missing() -> None:
    table = sample_table({"x": "boolean", "y": "boolean"}, [("true", "-|null", "1"), ("-|null", "-|null", "2")])
    frame = pl.DataFrame({"y": [True, None], "other": [1, 2]})
    assert in_frames(table, frame) == interpreted(table, [{"y": True}, {"y": None}])
    assert in_frames(table, frame.select("other")) == interpreted(table, [{}, {}])
    assert in_frames(table, frame.select("other"), looked_up_max=0) == interpreted(table, [{}, {}])


def test_tables_of_sixty_three_rows_fit_and_no_more(duck: Any) -> None:
    rows = [(str(place), str(place)) for place in range(63)]
    table = sample_table({"x": "whole[0..99] count"}, rows, policy=HitPolicy.COLLECT_SUM)
    asked: list[Row] = [{"x": 0.0}, {"x": 62.0}, {"x": 63.0}, {"x": None}]
    said = interpreted(table, asked)
    assert [answer[1] for answer in said] == [1, 1 << 62, 0, 2**63 - 1]
    assert in_frames(table, frame_of(table, asked)) == said
    assert in_sql(table, asked, duck, "?") == said
    longer = sample_table({"x": "whole[0..99] count"}, [*rows, ("63", "1")])
    for compiled in (compile_polars, lambda one: compile_sql(one, relation="asked")):
        with pytest.raises(InvalidInput, match="at most 63"):
            compiled(longer)


def test_a_total_that_could_leave_sixty_four_bits_is_refused() -> None:
    table = sample_table(
        {"x": "boolean"}, [("-", "999999999999"), ("-", "0.00000000001")], policy=HitPolicy.COLLECT_SUM,
        outputs=[output_column("out", OutputKind.RATIO)],
    )  # fmt: skip
    with pytest.raises(InvalidInput, match="64 bits"):
        compile_polars(table)


@pytest.mark.parametrize(
    ("columns", "keys"), [({"x": "boolean", "X": "boolean"}, []), ({"x": "boolean"}, ["total"]), ({"x": "boolean"}, ["rows_0"])]
)  # fmt: skip
def test_names_that_clash_in_sql_are_refused(columns: dict[str, str], keys: list[str]) -> None:
    table = sample_table(columns, [("-",) * len(columns) + ("1",)])
    with pytest.raises(InvalidInput, match="clash"):
        compile_sql(table, relation="asked", keys=keys)


def test_names_of_every_kind_are_quoted(duck: Any) -> None:
    table = sample_table({"select": "code{it's}", "评级": "boolean"}, [("it's", "true", "1")])
    asked: list[Row] = [{"select": "it's", "评级": True}, {"select": "its", "评级": True}]
    assert in_sql(table, asked, duck, "?") == interpreted(table, asked)
    assert "it''s" in compile_sql(table, relation='a"b')
    assert '"a""b"' in compile_sql(table, relation='a"b')
    assert set(ANSWERS) <= set(compile_sql(table, relation="asked").replace(",", " ").split())
