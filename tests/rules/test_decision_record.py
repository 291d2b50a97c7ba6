"""The canonical text of what a table decided."""

import hashlib
import json
import math
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.errors import MissingData
from carbonfin.rules.compile_python import compile_python
from carbonfin.rules.decide import decide
from carbonfin.rules.decision_record import DecisionWriter, Replayer, _number, decision_text
from carbonfin.rules.domains import Measured, plain_number
from carbonfin.rules.record import canonical_json
from carbonfin.rules.tables import DecisionTable, HitPolicy, OutputKind
from tests.rules.samples import output_column, sample_table

COLUMNS = {"x": "number[0..10] ratio", "day": "date[..]", "code": "code{重点,一般}", "flag": "boolean"}
INPUTS = {"x": 3.5, "day": date(2025, 1, 2), "code": "重点", "flag": True, "other": 1}


def table_of(policy: HitPolicy = HitPolicy.FIRST, kind: OutputKind = OutputKind.RATIO) -> DecisionTable:
    rows = [("<5", "-", "重点", "true", "0.10"), ("-|null", "-", "-", "-", "0.2")]
    return sample_table(COLUMNS, rows, policy=policy, outputs=[output_column("out", kind)])


def test_the_text_is_canonical_and_its_digest_is_sha_256() -> None:
    table = table_of(HitPolicy.COLLECT_SUM)
    expected = {
        "table": "sample.table", "table_digest": table.digest, "missing": {}, "refused": None, "rows": ["R1", "R2"],
        "inputs": {"x": "3.5", "day": "2025-01-02", "code": "重点", "flag": True},
        "outputs": [["0.10"], ["0.2"]], "total": "0.30",
        "tried": [["R1", "hit", "", "", []], ["R2", "hit", "", "", []]],
    }  # fmt: skip
    text = decision_text(table, INPUTS, decide(table, INPUTS))
    assert text == canonical_json(expected)
    assert DecisionWriter(table).digest(INPUTS, decide(table, INPUTS)) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("same", [3, 3.0, Decimal(3), Decimal("3.00"), Measured(number=Decimal("3.0"), unit="ratio")])
def test_one_number_is_written_in_one_way(same: object) -> None:
    table = table_of()
    asked: dict[str, Any] = {**INPUTS, "x": same}
    assert '"x":"3"' in decision_text(table, asked, decide(table, asked))


def test_what_is_missing_stands_with_its_reason() -> None:
    table = table_of()
    asked = {**INPUTS, "x": math.nan}
    text = decision_text(table, asked, decide(table, asked))
    assert '"missing":{"x":"not_a_number"}' in text
    assert '"refused":"missing_input"' in text
    assert '"rows":["R1"]' in text
    assert '"x":' not in text.replace('"x":"not_a_number"', "")


def test_every_row_stands_with_the_cell_that_failed_it_or_what_it_hangs_on() -> None:
    table = table_of(HitPolicy.COLLECT_SUM)
    for changed, tried in (
        ({"code": "一般"}, [["R1", "failed", "code", "重点", []], ["R2", "hit", "", "", []]]),
        ({"flag": None}, [["R1", "unknown", "", "", ["flag"]], ["R2", "unknown", "", "", ["flag"]]]),
    ):
        asked = {**INPUTS, **changed}
        assert json.loads(decision_text(table, asked, decide(table, asked)))["tried"] == tried


@given(
    id_=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(str.strip),
    fen=st.integers(-(10**18) + 1, 10**18 - 1),
)
def test_any_row_number_and_any_amount_are_written_as_everywhere(id_: str, fen: int) -> None:
    column = output_column("out", OutputKind.FEN)
    plain = sample_table({"x": "number[0..10] ratio"}, [("-|null", str(fen))], outputs=[column])
    table = replace(plain, rows=(replace(plain.rows[0], id=id_),))
    text = decision_text(table, {"x": 1}, decide(table, {"x": 1}))
    assert text == canonical_json(json.loads(text))
    assert (json.loads(text)["rows"], json.loads(text)["outputs"]) == ([id_], [[fen]])


ASKED = [
    INPUTS, {**INPUTS, "x": 7}, {**INPUTS, "x": math.nan}, {**INPUTS, "x": "3"}, {**INPUTS, "code": "其他"},
    {**INPUTS, "x": Decimal("10.5")}, {}, {**INPUTS, "x": Measured(number=3, unit="ratio")}, {**INPUTS, "x": Measured(number=3, unit="bp")},
    {**INPUTS, "flag": False, "x": 4.999}, {**INPUTS, "day": None},
]  # fmt: skip


@pytest.mark.parametrize("policy", [HitPolicy.FIRST, HitPolicy.COLLECT_SUM, HitPolicy.UNIQUE])
@pytest.mark.parametrize("asked", ASKED)
def test_a_recorded_text_comes_out_again_by_the_table_that_made_it(policy: HitPolicy, asked: dict[str, Any]) -> None:
    table, other = table_of(policy), table_of(HitPolicy.ANY)
    text = decision_text(table, asked, decide(table, asked))
    assert Replayer([other, table]).again(text) == text


def test_a_text_that_was_changed_comes_out_otherwise_and_a_table_that_is_not_there_is_named() -> None:
    table = table_of()
    text = decision_text(table, INPUTS, decide(table, INPUTS))
    assert Replayer([table]).again(text.replace('"0.10"', '"0.11"')) == text
    assert Replayer([table]).again(text.replace('"x":"3.5"', '"x":"5"')) != text
    with pytest.raises(MissingData, match=table.digest):
        Replayer([table_of(HitPolicy.ANY)]).again(text)


@pytest.mark.parametrize("policy", [HitPolicy.FIRST, HitPolicy.COLLECT_SUM, HitPolicy.UNIQUE])
def test_a_writer_that_has_written_before_writes_the_same(policy: HitPolicy) -> None:
    table = table_of(policy)
    writer, compiled = DecisionWriter(table), compile_python(table)
    for asked in [*ASKED, *reversed(ASKED), *ASKED]:
        assert writer.text(asked, compiled.decide(asked)) == decision_text(table, asked, decide(table, asked))


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_written_as_everywhere(value: float) -> None:
    assert _number(value) == plain_number(value)
