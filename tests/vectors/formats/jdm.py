"""Decision graphs of JDM: each table that our import carries gives what the format's own engine gives."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from carbonfin.rules.domains import AnyDomain, BooleanDomain, CodeDomain, DateDomain, NumberDomain, is_code
from carbonfin.rules.jdm import read_jdm
from carbonfin.rules.jdm_columns import JdmColumns, JdmFault
from carbonfin.rules.jdm_writing import table_to_jdm
from carbonfin.rules.tables import InputColumn, OutputColumn, OutputKind
from tests.rules.backends import Row
from tests.vectors.comparison import CaseResult, Comparison, Skip, only_keys, run_case
from tests.vectors.files import VectorFile
from tests.vectors.rule_tables import at_path, inputs_from_cells
from tests.vectors.zen_oracle import compare_with_zen, zen_engine

_ENDS = {"inputNode", "outputNode"}
_CONTENT_KEYS = (
    "hitPolicy", "inputs", "outputs", "rules", "passThrough", "passThorough", "inputField", "outputPath", "executionMode",
)  # fmt: skip
_PATH = re.compile(r"(date\()?([A-Za-z_]\w*(?:\.\w+)*)(?(1)\))")
"""A field that is a plain path, or a day read from one."""
_QUOTED = re.compile(r'"([^"\\]*)"|\'([^\'\\]*)\'')
_NUMBER = re.compile(r"-?\d")


def recognises(file: VectorFile) -> bool:
    return file.has("tests", "nodes", "edges")


def run(file: VectorFile) -> Iterable[CaseResult]:
    for node in file.content["nodes"]:
        if node["type"] not in _ENDS:
            yield run_case(str(node["name"]), file.tolerance, lambda check, node=node: _node(check, file, node))


def _node(check: Comparison, file: VectorFile, node: dict[str, Any]) -> None:
    """Take a node out of its graph, read it, and ask both; what is not carried is skipped in the import's words."""
    only_keys(node, "id", "type", "name", "position", "content")
    content = node["content"] if node["type"] == "decisionTableNode" else {}
    _require_keys(content)
    columns, document = columns_seen(content), alone(node)
    tables, faults, _ = read_jdm(document, columns, file_name=file.path.name)
    if faults:
        raise Skip(_words(faults))
    (table,) = tables
    written = table_to_jdm(table)
    asked = {columns.inputs[one["field"]].name: field_path(one["field"]) for one in content["inputs"]}
    answered = {columns.outputs[one["field"]].name: one["field"] for one in content["outputs"]}
    rows = [*inputs_from_cells(table), *asked_by_tests(file.content, node["id"], asked)]
    compare_with_zen(check, table, document, rows, asked=asked, answered=answered)
    same_names = {name: name for name in (*asked, *answered)}
    compare_with_zen(check, table, written, rows, asked=same_names, answered=same_names)


def _require_keys(content: Mapping[str, Any]) -> None:
    only_keys(content, *_CONTENT_KEYS)
    for column in [*content.get("inputs", ()), *content.get("outputs", ())]:
        only_keys(column, "id", "name", "field", "type")


def alone(node: Mapping[str, Any]) -> str:
    """Write a file of one node, as it is, between request and response."""
    nodes = [
        {"id": "request", "type": "inputNode", "name": "Request"},
        node,
        {"id": "response", "type": "outputNode", "name": "Response"},
    ]
    edges = [
        {"id": "in", "type": "edge", "sourceId": "request", "targetId": node["id"]},
        {"id": "out", "type": "edge", "sourceId": node["id"], "targetId": "response"},
    ]
    return json.dumps({"nodes": nodes, "edges": edges})


def asked_by_tests(graph: Mapping[str, Any], node_id: str, asked: Mapping[str, str]) -> list[Row]:
    """Give what a node is asked when the graph's own tests run; what is no value of a column counts as missing."""
    decision = zen_engine().create_decision(json.dumps(graph))
    traces = [decision.evaluate(test["input"], {"trace": True})["trace"] for test in graph["tests"]]
    met = [trace[node_id]["input"] for trace in traces if node_id in trace]
    return [{name: at_path(found, path) for name, path in asked.items()} for found in met]


def columns_seen(content: Mapping[str, Any]) -> JdmColumns:
    """Say of each column what its cells let see; what is no plain path is left to be refused."""
    rules: Sequence[Mapping[str, Any]] = content.get("rules", ())
    inputs: dict[str, InputColumn] = {}
    outputs: dict[str, OutputColumn] = {}
    for found in content.get("inputs", ()):
        field = found.get("field") or ""
        if _PATH.fullmatch(field):
            domain = _domain([rule.get(found["id"], "").strip() for rule in rules])
            inputs[field] = InputColumn(name=_name("in", field), title_zh=field, title_en=field, domain=domain)
    for found in content.get("outputs", ()):
        field = found["field"]
        texts = [rule.get(found["id"], "") for rule in rules]
        kind = OutputKind.RATIO if any(map(_NUMBER.match, texts)) else OutputKind.CODE
        outputs[field] = OutputColumn(name=_name("out", field), title_zh=field, title_en=field, kind=kind)
    return JdmColumns(inputs=inputs, outputs=outputs)


def _domain(texts: Sequence[str]) -> AnyDomain:
    written = [text for text in texts if text]
    if any("date(" in text for text in written):
        return DateDomain()
    codes = {match[1] or match[2] or "" for text in written for match in _QUOTED.finditer(text)}
    if codes:
        return CodeDomain(codes=(*sorted(code for code in codes if is_code(code)), "none of these"))
    return BooleanDomain() if all(text in {"true", "false"} for text in written) else NumberDomain(unit="count")


def field_path(field: str) -> str:
    found = _PATH.fullmatch(field)
    assert found is not None, "the import carries named fields alone"
    return found[2]


def _name(side: str, field: str) -> str:
    return f"{side}_{re.sub(r'[^0-9A-Za-z]', '_', field_path(field) if _PATH.fullmatch(field) else field)}"


def _words(faults: Sequence[JdmFault]) -> str:
    """Give the first fault in the import's own words, and how many more there are."""
    first, more = faults[0], f"; and {len(faults) - 1} more" if len(faults) > 1 else ""
    return f"not carried: {first.place.rpartition(', ')[2]}: {first.found!r} {first.expected}{more}"
