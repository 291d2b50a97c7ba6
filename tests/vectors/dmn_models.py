"""Decision tables of DMN 1.x models as tables of ours; what our grammar has no counterpart for is skipped by name.

FEEL's unary tests are, for plain values, those of JDM but for `not(…)` and for intervals whose open ends point outward.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from xml.etree.ElementTree import Element

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.domains import AnyDomain, BooleanDomain, CodeDomain, DateDomain, NumberDomain
from carbonfin.rules.jdm_cells import cell_from_jdm
from carbonfin.rules.tables import (
    Clause,
    DecisionTable,
    HitPolicy,
    InputColumn,
    OutputColumn,
    OutputKind,
    RowDraft,
    table_of,
)
from tests.vectors.comparison import Skip, UnknownKey, only_keys
from tests.vectors.files import local_name

_POLICIES = {
    "UNIQUE": HitPolicy.UNIQUE, "ANY": HitPolicy.ANY, "PRIORITY": HitPolicy.PRIORITY, "FIRST": HitPolicy.FIRST,
    "RULE ORDER": HitPolicy.RULE_ORDER, "OUTPUT ORDER": HitPolicy.OUTPUT_ORDER, "COLLECT": HitPolicy.COLLECT,
}  # fmt: skip
_AGGREGATED = {
    "SUM": HitPolicy.COLLECT_SUM, "MIN": HitPolicy.COLLECT_MIN, "MAX": HitPolicy.COLLECT_MAX,
    "COUNT": HitPolicy.COLLECT_COUNT,
}  # fmt: skip
_QUOTED = re.compile(r'"([^"\\]*)"')
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_NOT = re.compile(r"not\s*\((.*)\)", re.DOTALL)
_OUTWARD = re.compile(r"(?P<low>[\[(\]])(?P<ends>[^\[\]()]+\.\.[^\[\]()]+)(?P<high>[\])\[])")
_OTHER = "none of these"
_LITERALS = {"literalExpression", "invocation", "context", "list", "relation", "functionDefinition"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DmnTable:
    """A decision that is a table.

    Attributes:
        asked: For each column the name its input has in the model.
        answered: For each output the name it has in the model; empty where the decision is the value itself.
        has_default: Whether the table answers where no row hits; ours then says so and gives nothing.
    """

    table: DecisionTable
    asked: Mapping[str, str]
    answered: Mapping[str, str]
    has_default: bool


def below(element: Element, *names: str) -> list[Element]:
    """Give the elements of these names directly below one."""
    return [one for one in element if local_name(one) in names]


def decision_of(model: Element, name: str) -> Element:
    """Give a decision by its name.

    Raises:
        UnknownKey: The model has none.
    """
    found = [one for one in below(model, "decision") if one.get("name") == name]
    if not found:
        raise UnknownKey(f"decision {name}")
    return found[0]


def table_from(model: Element, decision: Element, given: Sequence[Mapping[str, object]]) -> DmnTable:
    """Read a decision's table.

    Args:
        model: Root of the model.
        decision: One of its decisions.
        given: Values that cases ask with, by input; texts among them are codes where the model lists none.

    Raises:
        Skip: It is no table, or has what our grammar has no counterpart for.
    """
    found = below(decision, "decisionTable")
    if not found:
        kinds = [local_name(one) for one in decision if local_name(one) in _LITERALS]
        raise Skip(f"no decision table but {', '.join(kinds) or 'nothing'}")
    try:
        return _table(model, decision, found[0], given)
    except InvalidInput as refused:
        raise Skip(f"not of our grammar: {refused.detail}") from refused


def _table(model: Element, decision: Element, found: Element, given: Sequence[Mapping[str, object]]) -> DmnTable:
    only_keys(found.attrib, "id", "hitPolicy", "aggregation", "outputLabel", "preferredOrientation", "typeRef")
    _require_parts(found, "input", "output", "rule", "annotation")
    rules, outputs_found = below(found, "rule"), below(found, "output")
    for rule in rules:
        _require_parts(rule, "inputEntry", "outputEntry", "annotationEntry", "description")
    whens = [[_text(one) for one in below(rule, "inputEntry")] for rule in rules]
    thens = [[_text(one) for one in below(rule, "outputEntry")] for rule in rules]
    policy = _policy(found)
    inputs = [
        _input(model, one, [when[place] for when in whens], given) for place, one in enumerate(below(found, "input"))
    ]
    outputs = [_output(one, [then[place] for then in thens], place, policy) for place, one in enumerate(outputs_found)]
    rows = [
        RowDraft(
            id=f"R{nth}", when=[_cell(text, column.domain) for text, (_, column) in zip(when, inputs, strict=True)],
            then=[text.strip('"') for text in then], clause=Clause(document="DMN"),
        )
        for nth, (when, then) in enumerate(zip(whens, thens, strict=True), 1)
    ]  # fmt: skip
    table = table_of(
        name=f"dmn.{decision.get('id')}", title_zh=decision.get("name", ""), title_en=decision.get("name", ""),
        hit_policy=policy, inputs=[column for _, column in inputs], outputs=outputs, rows=rows,
    )  # fmt: skip
    return DmnTable(
        table=table,
        asked={column.name: name for name, column in inputs},
        answered={column.name: one.get("name") or "" for column, one in zip(outputs, outputs_found, strict=True)},
        has_default=any(below(one, "defaultOutputEntry") for one in outputs_found),
    )


def _require_parts(element: Element, *names: str) -> None:
    only_keys(dict.fromkeys(map(local_name, element)), *names)


def _policy(table: Element) -> HitPolicy:
    named, aggregation = table.get("hitPolicy", "UNIQUE"), table.get("aggregation")
    if aggregation is None:
        return _POLICIES[named]
    if named != "COLLECT":
        raise Skip(f"an aggregation beside the hit policy {named}")
    return _AGGREGATED[aggregation]


def _input(
    model: Element, found: Element, cells: Iterable[str], given: Sequence[Mapping[str, object]]
) -> tuple[str, InputColumn]:
    """Read a column and the name of the input it asks."""
    _require_parts(found, "inputExpression", "inputValues")
    (expression,) = below(found, "inputExpression")
    name = _text(expression)
    asked = [one for one in below(model, "inputData") if one.get("name") == name]
    if not asked:
        raise Skip(f"an input that is another decision or an expression: {name}")
    (variable,) = below(asked[0], "variable")
    kind, allowed = _type(model, expression.get("typeRef") or variable.get("typeRef") or "")
    allowed = [_text(one) for one in below(found, "inputValues")] or allowed
    column = re.sub(r"\W", "_", name)
    domain = _domain(kind, allowed, [*cells], [case[name] for case in given if name in case])
    return name, InputColumn(name=column, title_zh=name, title_en=name, domain=domain)


def _type(model: Element, name: str) -> tuple[str, list[str]]:
    """Give a built-in type and the values allowed, through the model's own types."""
    own = [one for one in below(model, "itemDefinition") if one.get("name") == name]
    if not own:
        return name.rpartition(":")[2], []
    if below(own[0], "itemComponent") or own[0].get("isCollection") == "true":
        raise Skip(f"an input that is no single value: {name}")
    kind, allowed = _type(model, _text(below(own[0], "typeRef")[0]))
    return kind, [_text(one) for one in below(own[0], "allowedValues")] or allowed


def _domain(kind: str, allowed: Sequence[str], cells: Sequence[str], given: Sequence[object]) -> AnyDomain:
    if kind == "string":
        listed = [code for text in allowed for code in _QUOTED.findall(text)]
        named = [code for text in cells for code in _QUOTED.findall(text)] + [
            str(one) for one in given if one is not None
        ]
        codes = tuple(dict.fromkeys(listed or [*named, _OTHER]))
        return CodeDomain(codes=codes)
    if allowed:
        raise Skip(f"limits on values of the type {kind}: {', '.join(allowed)}")
    if kind not in {"number", "boolean", "date"}:
        raise Skip(f"values of the type {kind or 'that is not said'}")
    return NumberDomain(unit="count") if kind == "number" else BooleanDomain() if kind == "boolean" else DateDomain()


def _cell(text: str, domain: AnyDomain) -> str:
    """Read unary tests of FEEL as a cell of ours."""
    inward = _OUTWARD.sub(
        lambda span: (
            f"{'(' if span['low'] == ']' else span['low']}{span['ends']}{')' if span['high'] == '[' else span['high']}"
        ),
        text,
    )
    negated = _NOT.fullmatch(inward)
    return cell_from_jdm("" if text in {"", "-"} else f"not in [{negated[1]}]" if negated else inward, domain)


def _output(found: Element, texts: Sequence[str], place: int, policy: HitPolicy) -> OutputColumn:
    _require_parts(found, "outputValues", "defaultOutputEntry")
    title = found.get("name") or f"output {place + 1}"
    if all(map(_QUOTED.fullmatch, texts)):
        kind = OutputKind.CODE
    elif all(map(_NUMBER.fullmatch, texts)):
        kind = OutputKind.RATIO
    else:
        raise Skip(f"outputs that are no plain texts or numbers: {texts[0]}")
    column = OutputColumn(name=re.sub(r"\W", "_", f"out {title}"), title_zh=title, title_en=title, kind=kind)
    if not policy.is_ranked:
        return column
    listed = [one.strip().strip('"') for values in below(found, "outputValues") for one in _text(values).split(",")]
    return replace(column, ranking=tuple(column.read(one) for one in listed))


def _text(element: Element) -> str:
    """Give the text of an element or of the `text` below it."""
    return "".join(element.itertext()).strip()
