"""A table as a JDM file: columns with what JDM lacks, rows with their clauses."""

import json
from collections.abc import Callable, Mapping
from functools import partial

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.domains import DateDomain
from carbonfin.rules.jdm_cells import cell_to_jdm
from carbonfin.rules.tables import DecisionTable, HitPolicy, InputColumn, OutputColumn, OutputKind, output_text

TABLE_NODE = "decisionTableNode"
CARRIED: Mapping[HitPolicy, str] = {
    HitPolicy.FIRST: "first",
    HitPolicy.UNIQUE: "first",
    HitPolicy.ANY: "first",
    HitPolicy.COLLECT: "collect",
    HitPolicy.RULE_ORDER: "collect",
}
"""Policies whose answer, where there is one, is what JDM's own policy gives on inputs that are there."""
REMEDY = "Give what is missing, or write the rule as cells of a decision table."
REMEDY_ZH = "请补充缺少的内容，或改写为决策表的单元格。"


def table_to_jdm(table: DecisionTable) -> str:
    """Write a table as a JDM file: request, table, response.

    Raises:
        InvalidInput: The table holds what JDM cannot carry; the message names row and column.
    """
    if table.hit_policy not in CARRIED:
        raise refusal(
            table.name, f"hit policy {table.hit_policy} is not carried", f"JDM 不支持命中策略 {table.hit_policy}"
        )
    content = {
        "hitPolicy": CARRIED[table.hit_policy],
        "policy": table.hit_policy.value,
        "title_zh": table.title_zh,
        "title_en": table.title_en,
        "inputs": [_input_written(one) for one in table.inputs],
        "outputs": [_output_written(one) for one in table.outputs],
        "rules": _rules_written(table),
    }
    nodes = [
        {"id": "request", "type": "inputNode", "name": "Request", "position": {"x": 80, "y": 200}},
        {"id": table.name, "type": TABLE_NODE, "name": table.title_en, "position": {"x": 380, "y": 200},
         "content": content},
        {"id": "response", "type": "outputNode", "name": "Response", "position": {"x": 680, "y": 200}},
    ]  # fmt: skip
    edges = [
        {"id": "in", "type": "edge", "sourceId": "request", "targetId": table.name},
        {"id": "out", "type": "edge", "sourceId": table.name, "targetId": "response"},
    ]
    document = {"contentType": "application/vnd.gorules.decision", "nodes": nodes, "edges": edges}
    return json.dumps(document, ensure_ascii=False, indent=2)


def _input_written(column: InputColumn) -> dict[str, str]:
    """Give an input as JDM has it, with the domain that JDM lacks."""
    asked = f"date({column.name})" if isinstance(column.domain, DateDomain) else column.name
    return {
        "id": f"in_{column.name}", "type": "expression", "name": column.title_en, "field": asked,
        "title_zh": column.title_zh, "title_en": column.title_en, "domain": column.domain.describe(),
    }  # fmt: skip


def _output_written(column: OutputColumn) -> dict[str, object]:
    """Give an output as JDM has it, with the kind that JDM lacks."""
    return {
        "id": f"out_{column.name}", "type": "expression", "name": column.title_en, "field": column.name,
        "title_zh": column.title_zh, "title_en": column.title_en, "kind": column.kind.value,
        "ranking": [output_text(value) for value in column.ranking],
    }  # fmt: skip


def _rules_written(table: DecisionTable) -> list[dict[str, str]]:
    """Give the rows as JDM has them, with their clauses.

    Raises:
        InvalidInput: A cell speaks of what JDM has no cell for; the message names row and column.
    """
    rules = []
    for row in table.rows:
        place = f"{table.name}, row {row.id}"
        rule = {
            "_id": row.id, "_description": row.note_zh or row.note_en or row.clause.article,
            "_document": row.clause.document, "_article": row.clause.article, "_quote": row.clause.quote,
            "_grade": row.clause.grade.value, "_confirmed": "true" if row.clause.confirmed else "false",
            "_note_zh": row.note_zh, "_note_en": row.note_en,
        }  # fmt: skip
        if row.clause.document_number:
            rule["_document_number"] = row.clause.document_number
        for column, cell in zip(table.inputs, row.cells, strict=True):
            rule[f"in_{column.name}"] = _carried(place, column.name, partial(cell_to_jdm, cell.text, column.domain))
        for output, value in zip(table.outputs, row.outputs, strict=True):
            text = output_text(value)
            rule[f"out_{output.name}"] = f'"{text}"' if output.kind is OutputKind.CODE else text
        rules.append(rule)
    return rules


def _carried(place: str, column: str, write: Callable[[], str]) -> str:
    try:
        return write()
    except InvalidInput as error:
        raise refusal(f"{place}, column {column}", error.detail, error.zh) from error


def refusal(place: str, why: str, zh: str) -> InvalidInput:
    """Give the refusal of what cannot be carried."""
    return InvalidInput(f"{place}: {why}", zh=f"{place}：{zh}", field="jdm", remedy=REMEDY, remedy_zh=REMEDY_ZH)
