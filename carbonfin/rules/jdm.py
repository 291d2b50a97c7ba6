"""Decision tables in the JDM format of GoRules: what can be carried is carried, the rest is refused by name and place.

JDM has no domains, kinds and clauses. They come from the caller, field by field, or from what `table_to_jdm` wrote into
the file; a column with neither is refused.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NoReturn

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.domains import DateDomain, domain_from
from carbonfin.rules.jdm_cells import cell_from_jdm, cell_to_jdm, output_from_jdm
from carbonfin.rules.parameters import Grade
from carbonfin.rules.tables import (
    Clause,
    DecisionTable,
    HitPolicy,
    InputColumn,
    OutputColumn,
    OutputKind,
    RowDraft,
    output_text,
    table_of,
)

_CARRIED: Mapping[HitPolicy, str] = {
    HitPolicy.FIRST: "first",
    HitPolicy.UNIQUE: "first",
    HitPolicy.ANY: "first",
    HitPolicy.COLLECT: "collect",
    HitPolicy.RULE_ORDER: "collect",
}
"""Policies whose answer, where there is one, is what JDM's own policy gives on inputs that are there."""
_ENDS = frozenset({"inputNode", "outputNode"})
_TABLE_NODE = "decisionTableNode"
_UNKNOWN_SOURCE = Clause(document="JDM")


@dataclass(frozen=True, slots=True, kw_only=True)
class JdmColumns:
    """What the caller says of a file's columns, by their `field`, and where its rows come from."""

    inputs: Mapping[str, InputColumn] = field(default_factory=dict)
    outputs: Mapping[str, OutputColumn] = field(default_factory=dict)
    source: Clause = _UNKNOWN_SOURCE


def tables_from_jdm(text: str, columns: JdmColumns, *, file_name: str) -> tuple[DecisionTable, ...]:
    """Read every decision table of a file that holds nothing else but its ends.

    Raises:
        InvalidInput: The file is no JDM, or holds what cannot be carried; the message names file, node, row and column.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        _refuse(file_name, f"no JSON: {error}", "不是有效的 JSON")
    nodes = document.get("nodes") if isinstance(document, dict) else None
    if not isinstance(nodes, list) or not all(isinstance(node, dict) for node in nodes):
        _refuse(file_name, "no JDM file: `nodes` is missing", "不是 JDM 文件：缺少 nodes")
    found = []
    for node in nodes:
        place = f"{file_name}: node {node.get('name') or node.get('id')!r}"
        if node.get("type") == _TABLE_NODE:
            found.append(_refusing_shape(place, partial(_table, node, columns, place)))
        elif node.get("type") not in _ENDS:
            _refuse(
                place, f"a node of the type {node.get('type')} is not carried", f"不支持节点类型 {node.get('type')}"
            )
    if not found:
        _refuse(file_name, "it holds no decision table", "文件中没有决策表")
    return tuple(found)


def _refusing_shape(place: str, read: Callable[[], DecisionTable]) -> DecisionTable:
    """Read a node; where a part has not the shape of JDM, say so instead of failing."""
    try:
        return read()
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        _refuse(place, f"not of the shape of a JDM table ({error!r})", "结构不符合 JDM 决策表")


def _table(node: Mapping[str, Any], columns: JdmColumns, place: str) -> DecisionTable:
    content = node["content"]
    _require_plain(content, place)
    inputs = [_input(one, columns, place) for one in content["inputs"]]
    outputs = [_output(one, columns, place) for one in content["outputs"]]
    cells = [one["id"] for one in content["inputs"]], [one["id"] for one in content["outputs"]]
    rows = [
        _row(rule, (inputs, outputs), cells, columns.source, f"{place}, row {rule.get('_id') or nth}")
        for nth, rule in enumerate(content["rules"], 1)
    ]
    titles = (str(content.get("title_zh") or node["name"]), str(content.get("title_en") or node["name"]))
    try:
        return table_of(
            name=node["id"], title_zh=titles[0], title_en=titles[1], hit_policy=_policy(content, place),
            inputs=inputs, outputs=outputs, rows=rows,
        )  # fmt: skip
    except InvalidInput as error:
        _refuse(place, error.detail, error.zh)


def _require_plain(content: Mapping[str, Any], place: str) -> None:
    """Refuse what changes the meaning of a table from outside its cells."""
    for name, plain in (("inputField", None), ("outputPath", None), ("executionMode", "single")):
        value = content.get(name)
        if value not in (None, "", plain):
            _refuse(place, f"{name} {value!r} is not carried", f"不支持 {name}")


def _policy(content: Mapping[str, Any], place: str) -> HitPolicy:
    named, own = content.get("hitPolicy"), content.get("policy")
    if own is not None and own in set(HitPolicy) and _CARRIED.get(HitPolicy(own)) == named:
        return HitPolicy(own)
    if own is not None or named not in {"first", "collect"}:
        _refuse(place, f"hit policy {own or named!r} is not carried", f"不支持命中策略 {own or named}")
    return HitPolicy(named)


def _input(found: Mapping[str, Any], columns: JdmColumns, place: str) -> InputColumn:
    name = str(found.get("field") or "")
    where = f"{place}, input {found.get('name') or name!r}"
    if not name:
        _refuse(where, "a column without a field holds free expressions, which are not carried", "该列为自由表达式")
    if name in columns.inputs:
        return columns.inputs[name]
    if "domain" not in found:
        _refuse(where, f"the domain of {name} is not given", f"未给出列 {name} 的取值范围")
    try:
        domain = domain_from(str(found["domain"]))
    except InvalidInput as error:
        _refuse(where, error.detail, error.zh)
    plain = name.removeprefix("date(").removesuffix(")") if isinstance(domain, DateDomain) else name
    title_zh, title_en = _titles(found, plain)
    return InputColumn(name=plain, domain=domain, title_zh=title_zh, title_en=title_en)


def _output(found: Mapping[str, Any], columns: JdmColumns, place: str) -> OutputColumn:
    name = str(found.get("field") or "")
    where = f"{place}, output {found.get('name') or name!r}"
    if name in columns.outputs:
        return columns.outputs[name]
    if found.get("kind") not in set(OutputKind):
        _refuse(where, f"the kind of {name} is not given", f"未给出输出列 {name} 的类型")
    title_zh, title_en = _titles(found, name)
    column = OutputColumn(name=name, kind=OutputKind(found["kind"]), title_zh=title_zh, title_en=title_en)
    return replace(column, ranking=tuple(column.read(str(text)) for text in found.get("ranking", ())))


def _titles(found: Mapping[str, Any], name: str) -> tuple[str, str]:
    shown = str(found.get("name") or name)
    return str(found.get("title_zh", shown)), str(found.get("title_en", shown))


def _row(
    rule: Mapping[str, Any],
    columns: tuple[Sequence[InputColumn], Sequence[OutputColumn]],
    cells: tuple[Sequence[str], Sequence[str]],
    source: Clause,
    place: str,
) -> RowDraft:
    when = [
        _carried(place, column.name, partial(_cell_read, rule, cell, column))
        for column, cell in zip(columns[0], cells[0], strict=True)
    ]
    then = [
        _carried(place, column.name, partial(_output_read, rule, cell, column))
        for column, cell in zip(columns[1], cells[1], strict=True)
    ]
    clause = source
    if "_document" in rule:
        clause = Clause(
            document=rule["_document"], article=rule["_article"], quote=rule["_quote"], grade=Grade(rule["_grade"]),
            confirmed=rule["_confirmed"] == "true",
        )  # fmt: skip
    note = str(rule.get("_description") or "")
    return RowDraft(
        id=str(rule["_id"]), when=when, then=then, clause=clause, note_zh=str(rule.get("_note_zh", note)),
        note_en=str(rule.get("_note_en", note)),
    )  # fmt: skip


def _cell_read(rule: Mapping[str, Any], cell: str, column: InputColumn) -> str:
    return cell_from_jdm(_text(rule, cell), column.domain)


def _output_read(rule: Mapping[str, Any], cell: str, column: OutputColumn) -> str:
    return output_from_jdm(_text(rule, cell), is_code=column.kind is OutputKind.CODE)


def _text(rule: Mapping[str, Any], cell: str) -> str:
    value = rule.get(cell, "")
    if not isinstance(value, str):
        raise InvalidInput(f"{value!r} is no text", zh="单元格应为文本", field="cell")
    return value


def _carried(place: str, column: str, read: Callable[[], str]) -> str:
    try:
        return read()
    except InvalidInput as error:
        _refuse(f"{place}, column {column}", error.detail, error.zh)


def table_to_jdm(table: DecisionTable) -> str:
    """Write a table as a JDM file: request, table, response.

    Raises:
        InvalidInput: The table holds what JDM cannot carry; the message names row and column.
    """
    if table.hit_policy not in _CARRIED:
        _refuse(table.name, f"hit policy {table.hit_policy} is not carried", f"JDM 不支持命中策略 {table.hit_policy}")
    content = {
        "hitPolicy": _CARRIED[table.hit_policy],
        "policy": table.hit_policy.value,
        "title_zh": table.title_zh,
        "title_en": table.title_en,
        "inputs": [_input_written(one) for one in table.inputs],
        "outputs": [_output_written(one) for one in table.outputs],
        "rules": _rules_written(table),
    }
    nodes = [
        {"id": "request", "type": "inputNode", "name": "Request", "position": {"x": 80, "y": 200}},
        {"id": table.name, "type": _TABLE_NODE, "name": table.title_en, "position": {"x": 380, "y": 200},
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
    asked = f"date({column.name})" if isinstance(column.domain, DateDomain) else column.name
    return {
        "id": f"in_{column.name}", "type": "expression", "name": column.title_en, "field": asked,
        "title_zh": column.title_zh, "title_en": column.title_en, "domain": column.domain.describe(),
    }  # fmt: skip


def _output_written(column: OutputColumn) -> dict[str, object]:
    return {
        "id": f"out_{column.name}", "type": "expression", "name": column.title_en, "field": column.name,
        "title_zh": column.title_zh, "title_en": column.title_en, "kind": column.kind.value,
        "ranking": [output_text(value) for value in column.ranking],
    }  # fmt: skip


def _rules_written(table: DecisionTable) -> list[dict[str, str]]:
    rules = []
    for row in table.rows:
        place = f"{table.name}, row {row.id}"
        rule = {
            "_id": row.id, "_description": row.note_zh or row.note_en or row.clause.article,
            "_document": row.clause.document, "_article": row.clause.article, "_quote": row.clause.quote,
            "_grade": row.clause.grade.value, "_confirmed": "true" if row.clause.confirmed else "false",
            "_note_zh": row.note_zh, "_note_en": row.note_en,
        }  # fmt: skip
        for column, cell in zip(table.inputs, row.cells, strict=True):
            rule[f"in_{column.name}"] = _carried(place, column.name, partial(cell_to_jdm, cell.text, column.domain))
        for output, value in zip(table.outputs, row.outputs, strict=True):
            text = output_text(value)
            rule[f"out_{output.name}"] = f'"{text}"' if output.kind is OutputKind.CODE else text
        rules.append(rule)
    return rules


def _refuse(place: str, why: str, zh: str) -> NoReturn:
    raise InvalidInput(
        f"{place}: {why}", zh=f"{place}：{zh}", field="jdm",
        remedy="Give what is missing, or write the rule as cells of a decision table.",
        remedy_zh="请补充缺少的内容，或改写为决策表的单元格。",
    )  # fmt: skip
