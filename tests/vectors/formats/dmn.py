"""Models and cases of the DMN technology compatibility kit: cases as it states them, models beside the oracle."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from xml.etree.ElementTree import Element

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.jdm_writing import table_to_jdm
from carbonfin.rules.policies import Refused
from tests.vectors.comparison import CaseResult, Comparison, Skip, only_keys, run_case
from tests.vectors.dmn_models import DmnTable, below, decision_of, table_from
from tests.vectors.files import VectorFile, local_name, read_vector_file
from tests.vectors.rule_tables import Said, inputs_from_cells, said_in_each_form
from tests.vectors.zen_oracle import compare_with_zen

MODEL_PARTS = "decision inputData itemDefinition businessKnowledgeModel extensionElements DMNDI"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_NUMBERS = {"decimal", "double", "float", "integer", "int", "long"}


def recognises_model(file: VectorFile) -> bool:
    return _root_is(file, "definitions") and file.path.suffix == ".dmn"


def recognises_cases(file: VectorFile) -> bool:
    return _root_is(file, "testCases")


def _root_is(file: VectorFile, name: str) -> bool:
    return isinstance(file.content, Element) and local_name(file.content) == name


def run_model(file: VectorFile) -> Iterable[CaseResult]:
    for decision in below(file.content, "decision"):
        yield run_case(
            decision.get("name", ""),
            file.tolerance,
            lambda check, decision=decision: _against_the_oracle(check, file.content, decision),
        )


def _against_the_oracle(check: Comparison, model: Element, decision: Element) -> None:
    """Write the table as JDM and ask both on inputs made from its cells."""
    table = table_from(model, decision, given=()).table
    try:
        document = table_to_jdm(table)
    except InvalidInput as refused:
        raise Skip(f"no JDM to ask the oracle with: {refused.detail.partition(': ')[2]}") from refused
    asked = {column.name: column.name for column in table.inputs}
    answered = {column.name: column.name for column in table.outputs}
    compare_with_zen(check, table, document, inputs_from_cells(table), asked=asked, answered=answered)


def run_cases(file: VectorFile) -> Iterable[CaseResult]:
    (named,) = below(file.content, "modelName")
    model = read_vector_file(file.path.parent / (named.text or "")).content
    cases = below(file.content, "testCase")
    for case in cases:
        for node in below(case, "resultNode"):
            yield run_case(
                f"{case.get('id')}: {node.get('name')}",
                file.tolerance,
                lambda check, case=case, node=node: _case(check, model, case, node, cases),
            )


def _case(check: Comparison, model: Element, case: Element, node: Element, cases: Iterable[Element]) -> None:
    only_keys(case.attrib, "id", "type", "name")
    only_keys(dict.fromkeys(map(local_name, case)), "description", "inputNode", "resultNode")
    only_keys(node.attrib, "name", "type", "errorResult", "cast")
    if node.get("type", "decision") != "decision" or case.get("type", "decision") != "decision":
        raise Skip(f"a {node.get('type')}, not a decision")
    decision = decision_of(model, node.get("name", ""))
    found = table_from(model, decision, given=[_inputs(one) for one in cases])
    (expected,) = below(node, "expected")
    asked = _inputs(case)
    row = {column: asked.get(name) for column, name in found.asked.items()}
    for form, answers in said_in_each_form(found.table, [row]).items():
        check.same(form, _value(expected), _as_stated(found, answers[0]))


def _inputs(case: Element) -> dict[str, object]:
    return {one.get("name", ""): _value(one) for one in below(case, "inputNode")}


def _value(element: Element) -> object:
    """Read a value: single, made of components, or a list."""
    only_keys(dict.fromkeys(map(local_name, element)), "value", "component", "list", "item")
    if components := below(element, "component"):
        return {one.get("name", ""): _value(one) for one in components}
    if lists := below(element, "list"):
        return [_value(one) for one in below(lists[0], "item")]
    (value,) = below(element, "value")
    if value.get(f"{_XSI}nil") == "true":
        return None
    text, kind = value.text or "", (value.get(f"{_XSI}type") or "").rpartition(":")[2]
    if kind in _NUMBERS:
        return Decimal(text)
    if kind == "boolean":
        return text == "true"
    if kind == "date":
        return date.fromisoformat(text)
    if kind != "string":
        raise Skip(f"a value of the type {kind}")
    return text


def _as_stated(found: DmnTable, said: Said) -> object:
    """Give an answer as the kit states it: null where DMN has none."""
    if isinstance(said, str):
        if said == Refused.MISSING_INPUT.value:
            raise Skip("a missing value: in DMN a row fails on it, here nothing is decided")
        if said == Refused.NO_ROW.value and found.has_default:
            raise Skip("a default output where no row hits")
        return None
    if isinstance(said, tuple):
        return _named(found.answered, found, said)
    return [_named(found.answered, found, one) for one in said] if isinstance(said, list) else said


def _named(answered: Mapping[str, str], found: DmnTable, outputs: tuple[object, ...]) -> object:
    names = [answered[column.name] for column in found.table.outputs]
    return dict(zip(names, outputs, strict=True)) if any(names) else outputs[0]
