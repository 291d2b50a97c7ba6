"""A decision table with cases: each form of ours gives the row and the output, and the oracle does beside them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from carbonfin.rules.jdm_writing import table_to_jdm
from carbonfin.rules.policies import Refused
from carbonfin.rules.tables import DecisionTable, OutputKind
from tests.rules.samples import output_column, sample_table
from tests.vectors.comparison import CaseResult, Comparison, Skip, only_keys, run_case
from tests.vectors.files import VectorFile
from tests.vectors.rule_tables import Said, inputs_from_cells, said_in_each_form
from tests.vectors.zen_oracle import compare_with_zen

_DOMAINS = {
    "rating": "code{A,B,C,D,E}", "pct": "number[0..1] ratio", "yoy": "number[-10..10] ratio",
    "gap": "number[-10..10] ratio", "dq": "whole[1..5] count",
}  # fmt: skip
_OUTPUTS = ("bp", "reason")
_MISSING = re.compile(r"NO decision / reason MISSING_INPUT:(\w+)")


def recognises(file: VectorFile) -> bool:
    return file.has("rows", "cases", "null_cases")


def run(file: VectorFile) -> Iterable[CaseResult]:
    table = table_of_rows(file.content["rows"])
    cases, null_cases = file.content["cases"], file.content["null_cases"]
    asked = [{name: case.get(name) for name in _DOMAINS} for case in cases]
    said = said_in_each_form(table, asked)
    for place, case in enumerate(cases):
        found = {form: answers[place] for form, answers in said.items()}
        yield run_case(f"case {place}", file.tolerance, lambda check, case=case, found=found: _case(check, case, found))
    for place, case in enumerate(null_cases):
        yield run_case(
            f"missing value {place}", file.tolerance, lambda check, case=case: _null_case(check, table, case)
        )
    for name, rows in (("the cases", asked), ("inputs made from the cells", inputs_from_cells(table))):
        yield run_case(
            f"zen-engine on {name}",
            file.tolerance,
            lambda check, rows=rows: compare_with_zen(
                check, table, table_to_jdm(table), rows, asked={name: name for name in _DOMAINS},
                answered={name: name for name in _OUTPUTS},
            ),
        )  # fmt: skip


def table_of_rows(rows: Iterable[Mapping[str, Any]]) -> DecisionTable:
    """Read the rows as a table of ours; the first that hits answers."""
    written = []
    for row in rows:
        only_keys(row, "row", "when", *_OUTPUTS)
        only_keys(row["when"], *_DOMAINS)
        written.append(
            (*(_cell(row["when"].get(name)) for name in _DOMAINS), *(str(row[name]) for name in _OUTPUTS)),
        )
    return sample_table(_DOMAINS, written, outputs=[output_column("bp"), output_column("reason", OutputKind.CODE)])


def _cell(asked: list[Any] | None) -> str:
    if asked is None:
        return "-"
    sign, value = asked
    return f"{'' if sign == '==' else sign}{value}"


def _case(check: Comparison, case: dict[str, Any], found: Mapping[str, Said]) -> None:
    only_keys(case, *_DOMAINS, *_OUTPUTS)
    for form, said in found.items():
        check.same(form, tuple(case[name] for name in _OUTPUTS), said)


def _null_case(check: Comparison, table: DecisionTable, case: dict[str, Any]) -> None:
    only_keys(case, "in", "expect", "zen_engine_2_1_3_gives")
    only_keys(case["in"], *_DOMAINS)
    expected = _MISSING.fullmatch(case["expect"])
    if expected is None:
        raise Skip(f"an expectation in other words: {case['expect']}")
    check.same("missing", [expected[1]], [name for name in _DOMAINS if case["in"].get(name) is None])
    for form, said in said_in_each_form(table, [{name: case["in"].get(name) for name in _DOMAINS}]).items():
        check.same(form, Refused.MISSING_INPUT.value, said[0])
