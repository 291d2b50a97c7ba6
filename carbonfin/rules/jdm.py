"""Decision tables in the JDM format of GoRules: what can be carried is carried, the rest is refused by name and place.

JDM has no domains, kinds and clauses. They come from the caller, field by field, or from what `table_to_jdm` wrote into
the file; a column with neither is refused.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.domains import DateDomain, domain_from
from carbonfin.rules.grammar import read_cell
from carbonfin.rules.jdm_cells import cell_from_jdm, output_from_jdm
from carbonfin.rules.jdm_writing import REMEDY, REMEDY_ZH, input_written, output_written, refusal, rules_written
from carbonfin.rules.parameters import Grade
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

_CARRIED: Mapping[HitPolicy, str] = {
    HitPolicy.FIRST: "first",
    HitPolicy.UNIQUE: "first",
    HitPolicy.ANY: "first",
    HitPolicy.COLLECT: "collect",
    HitPolicy.RULE_ORDER: "collect",
}
"""Policies whose answer, where there is one, is what JDM's own policy gives on inputs that are there."""
_SHOWN_MAX = 60
_Read = TypeVar("_Read")
_DATE_FIELD = re.compile(r"date\(.+\)")
_ENDS = frozenset({"inputNode", "outputNode"})
_TABLE_NODE = "decisionTableNode"
_UNKNOWN_SOURCE = Clause(document="JDM")


@dataclass(frozen=True, slots=True, kw_only=True)
class JdmColumns:
    """What the caller says of a file's columns, by their `field`, and where its rows come from."""

    inputs: Mapping[str, InputColumn] = field(default_factory=dict)
    outputs: Mapping[str, OutputColumn] = field(default_factory=dict)
    source: Clause = _UNKNOWN_SOURCE


@dataclass(frozen=True, slots=True, kw_only=True)
class JdmFault:
    """What is wrong with one place of a file.

    Attributes:
        place: File with node, row and column, or with the line.
        found: What stands there, cut where it is long.
        expected: What should stand there, or why this cannot.
    """

    place: str
    found: str
    expected: str
    expected_zh: str

    def __str__(self) -> str:
        return f"{self.place}: {self.found!r} stands there: {self.expected}"


def tables_from_jdm(text: str, columns: JdmColumns, *, file_name: str) -> tuple[DecisionTable, ...]:
    """Read every decision table of a file that holds nothing else but its ends.

    Raises:
        InvalidInput: The file is no JDM, or holds what cannot be carried; the message lists every fault, a line each.
    """
    tables, faults = read_jdm(text, columns, file_name=file_name)
    if faults:
        raise InvalidInput(
            "\n".join(map(str, faults)),
            zh="\n".join(f"{one.place}：“{one.found}”：{one.expected_zh}" for one in faults),
            field="jdm", remedy=REMEDY, remedy_zh=REMEDY_ZH,
        )  # fmt: skip
    return tables


def read_jdm(
    text: str, columns: JdmColumns, *, file_name: str
) -> tuple[tuple[DecisionTable, ...], tuple[JdmFault, ...]]:
    """Read the tables of a file; where anything is wrong, every fault that was found and no table."""
    reader = _Reader(columns, file_name)
    tables = reader.tables(text)
    return (() if reader.faults else tables), tuple(reader.faults)


class _Reader:
    """A file while it is read, with what was found wrong; nothing stops at the first fault."""

    def __init__(self, columns: JdmColumns, file_name: str) -> None:
        self.faults: list[JdmFault] = []
        self._columns = columns
        self._file = file_name

    def _fault(self, place: str, found: object, expected: str, zh: str) -> None:
        shown = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
        cut = f"{shown[:_SHOWN_MAX]}…" if len(shown) > _SHOWN_MAX else shown
        self.faults.append(JdmFault(place=place, found=cut, expected=expected, expected_zh=zh))

    def _read(
        self, place: str, found: object, read: Callable[[str], _Read], what: str = "should be a text"
    ) -> _Read | None:
        """Read a text; a fault where it is none or cannot be read."""
        if not isinstance(found, str):
            self._fault(place, found, what, "应为文本")
            return None
        try:
            return read(found)
        except InvalidInput as error:
            shown = found.strip()
            why, zh = error.detail.removeprefix(f"{shown!r}: "), error.zh.removeprefix(f"“{shown}”：")
            self._fault(place, found, why, zh)
            return None

    def _text(self, found: Mapping[str, Any], key: str, place: str) -> str:
        """Give a text that must be there; empty where it is not."""
        value = found.get(key)
        if isinstance(value, str) and value.strip():
            return value
        self._fault(f"{place}, {key}", value, "should be a text", "应为文本")
        return ""

    def _listed(self, found: Mapping[str, Any], key: str, place: str) -> list[dict[str, Any]]:
        """Give the objects of a list that must be there."""
        value = found.get(key)
        if not isinstance(value, list):
            self._fault(f"{place}, {key}", value, "should be a list", "应为列表")
            return []
        for nth, one in enumerate(value, 1):
            if not isinstance(one, dict):
                self._fault(f"{place}, {key} {nth}", one, "should be an object", "应为对象")
        return [one for one in value if isinstance(one, dict)]

    def tables(self, text: str) -> tuple[DecisionTable, ...]:
        """Give the tables that could be read, and gather what is wrong with the others."""
        nodes = self._listed(self._document(text), "nodes", self._file)
        found: list[DecisionTable | None] = []
        for nth, node in enumerate(nodes, 1):
            place = f"{self._file}: node {node.get('name') or node.get('id') or nth}"
            kind = str(node.get("type"))
            if kind == _TABLE_NODE:
                table = self._table(node, place)
                if table and any(one and one.name == table.name for one in found):
                    self._fault(f"{place}, id", table.name, "should be an id no other node has", "编号重复")
                found.append(table)
            elif kind not in _ENDS:
                expected = f"should be {_TABLE_NODE} or an end; other nodes are not carried"
                self._fault(f"{place}, type", node.get("type"), expected, "不支持该节点类型")
        if not found and not self.faults:
            self._fault(
                self._file, text[:_SHOWN_MAX], f"should hold a node of the type {_TABLE_NODE}", "文件中没有决策表"
            )
        return tuple(table for table in found if table is not None)

    def _document(self, text: str) -> dict[str, Any]:
        try:
            document = json.loads(text)
            json.dumps(document, ensure_ascii=False).encode()
        except json.JSONDecodeError as error:
            place = f"{self._file}: line {error.lineno}, column {error.colno}"
            self._fault(place, text[error.pos :].split("\n", 1)[0], f"should be JSON: {error.msg}", "不是有效的 JSON")
        except (RecursionError, ValueError):
            self._fault(
                self._file,
                text,
                "should be JSON of whole characters, short numbers and few levels",
                "不是可读取的 JSON",
            )
        else:
            if isinstance(document, dict):
                return document
            self._fault(self._file, document, "should be an object with `nodes`", "应为含 nodes 的对象")
        return {"nodes": []}

    def _table(self, node: Mapping[str, Any], place: str) -> DecisionTable | None:
        before = len(self.faults)
        content = node.get("content")
        if not isinstance(content, dict):
            self._fault(f"{place}, content", content, "should be an object", "应为对象")
            return None
        name, title = self._text(node, "id", place), self._text(node, "name", place)
        policy = self._policy(content, place)
        inputs = [self._input(one, place, nth) for nth, one in enumerate(self._listed(content, "inputs", place), 1)]
        outputs = [self._output(one, place, nth) for nth, one in enumerate(self._listed(content, "outputs", place), 1)]
        rows = [
            self._row(rule, inputs, outputs, f"{place}, row {rule.get('_id') or nth}")
            for nth, rule in enumerate(self._listed(content, "rules", place), 1)
        ]
        if len(self.faults) > before or policy is None:
            return None
        titles = [str(content.get(key) or title) for key in ("title_zh", "title_en")]
        try:
            return table_of(
                name=name, title_zh=titles[0], title_en=titles[1], hit_policy=policy, rows=rows,
                inputs=[one for _, one in inputs if one], outputs=[one for _, one in outputs if one],
            )  # fmt: skip
        except InvalidInput as error:
            self._fault(place, name, error.detail, error.zh)
            return None

    def _policy(self, content: Mapping[str, Any], place: str) -> HitPolicy | None:
        """Read the hit policy; refuse beside it what changes the meaning of a table from outside its cells."""
        for name, plain in (("inputField", None), ("outputPath", None), ("executionMode", "single")):
            value = content.get(name)
            if value not in (None, "", plain):
                self._fault(
                    f"{place}, {name}", value, f"should be {plain or 'empty'}; {name} is not carried", f"不支持 {name}"
                )
        named, own = str(content.get("hitPolicy")), content.get("policy")
        if own is not None and str(own) in set(HitPolicy) and _CARRIED.get(HitPolicy(own)) == named:
            return HitPolicy(own)
        if own is None and named in {"first", "collect"}:
            return HitPolicy(named)
        self._fault(
            f"{place}, hit policy",
            own or content.get("hitPolicy"),
            "should be first or collect; others are not carried",
            "不支持该命中策略",
        )
        return None

    def _input(self, found: Mapping[str, Any], place: str, nth: int) -> tuple[str, InputColumn | None]:
        asked = str(found.get("field") or "").strip()
        where = f"{place}, input {found.get('name') or asked or nth}"
        key = self._text(found, "id", where)
        if not asked:
            expected = "should be a field; a column without one holds free expressions, which are not carried"
            self._fault(f"{where}, field", found.get("field"), expected, "该列为自由表达式")
            return key, None
        column = self._columns.inputs.get(asked)
        if column is None:
            domain = self._read(f"{where}, domain of {asked}", found.get("domain"), domain_from, "should be a domain")
            if domain is None:
                return key, None
            plain = asked.removeprefix("date(").removesuffix(")").strip() if isinstance(domain, DateDomain) else asked
            self._require_name(plain, f"{where}, field")
            title_zh, title_en = _titles(found, plain)
            column = InputColumn(name=plain, domain=domain, title_zh=title_zh, title_en=title_en)
        if isinstance(column.domain, DateDomain) and not _DATE_FIELD.fullmatch(asked):
            self._fault(
                f"{where}, field",
                asked,
                f"should be date({asked}), so that days are compared as days",
                "日期列应写作 date(…)",
            )
        return key, column

    def _require_name(self, name: str, place: str) -> None:
        if not name.isidentifier():
            self._fault(place, name, "should be a name of letters, digits and underlines", "应为字母、数字和下划线")

    def _output(self, found: Mapping[str, Any], place: str, nth: int) -> tuple[str, OutputColumn | None]:
        name = str(found.get("field") or "")
        where = f"{place}, output {found.get('name') or name or nth}"
        key = self._text(found, "id", where)
        if name in self._columns.outputs:
            return key, self._columns.outputs[name]
        kind, ranking = str(found.get("kind")), found.get("ranking") or []
        if kind not in set(OutputKind):
            self._fault(
                f"{where}, kind of {name}",
                found.get("kind"),
                f"should be one of {', '.join(OutputKind)}",
                "未给出输出列的类型",
            )
            return key, None
        self._require_name(name, f"{where}, field")
        title_zh, title_en = _titles(found, name)
        column = OutputColumn(name=name, kind=OutputKind(kind), title_zh=title_zh, title_en=title_en)
        if not isinstance(ranking, list):
            self._fault(f"{where}, ranking", ranking, "should be a list", "应为列表")
            return key, None
        ranked = [self._read(f"{where}, ranking", text, column.read) for text in ranking]
        return key, replace(column, ranking=tuple(value for value in ranked if value is not None))

    def _row(
        self,
        rule: Mapping[str, Any],
        inputs: Sequence[tuple[str, InputColumn | None]],
        outputs: Sequence[tuple[str, OutputColumn | None]],
        place: str,
    ) -> RowDraft:
        """Read a row; the cells of a column that could not be read are left alone."""
        when = [
            self._read(f"{place}, column {column.name}", rule.get(key, ""), partial(_cell_read, column))
            for key, column in inputs
            if column
        ]
        then = [
            self._read(f"{place}, column {output.name}", rule.get(key, ""), partial(_output_read, output))
            for key, output in outputs
            if output
        ]
        note = str(rule.get("_description") or "")
        return RowDraft(
            id=self._text(rule, "_id", place), when=[text or "" for text in when], then=[text or "" for text in then],
            clause=self._clause(rule, place) if "_document" in rule else self._columns.source,
            note_zh=str(rule.get("_note_zh", note)), note_en=str(rule.get("_note_en", note)),
        )  # fmt: skip

    def _clause(self, rule: Mapping[str, Any], place: str) -> Clause:
        """Read where a row comes from, as `table_to_jdm` wrote it."""
        texts = {
            name: self._read(f"{place}, _{name}", rule.get(f"_{name}"), str) or ""
            for name in ("document", "article", "quote")
        }
        number = self._read(f"{place}, _document_number", rule.get("_document_number", ""), str) or ""
        grade, confirmed = str(rule.get("_grade")), str(rule.get("_confirmed"))
        if grade not in set(Grade):
            self._fault(
                f"{place}, _grade",
                rule.get("_grade"),
                f"should be one of {', '.join(Grade)}",
                f"应为 {'、'.join(Grade)} 之一",
            )
            grade = Grade.UNKNOWN.value
        if confirmed not in {"true", "false"}:
            self._fault(f"{place}, _confirmed", rule.get("_confirmed"), "should be true or false", "应为 true 或 false")
        return Clause(**texts, document_number=number, grade=Grade(grade), confirmed=confirmed == "true")


def _titles(found: Mapping[str, Any], name: str) -> tuple[str, str]:
    shown = str(found.get("name") or name)
    return str(found.get("title_zh", shown)), str(found.get("title_en", shown))


def _cell_read(column: InputColumn, text: str) -> str:
    carried = cell_from_jdm(text, column.domain)
    read_cell(carried, column.domain)
    return carried


def _output_read(column: OutputColumn, text: str) -> str:
    carried = output_from_jdm(text, is_code=column.kind is OutputKind.CODE)
    column.read(carried)
    return carried


def table_to_jdm(table: DecisionTable) -> str:
    """Write a table as a JDM file: request, table, response.

    Raises:
        InvalidInput: The table holds what JDM cannot carry; the message names row and column.
    """
    if table.hit_policy not in _CARRIED:
        raise refusal(
            table.name, f"hit policy {table.hit_policy} is not carried", f"JDM 不支持命中策略 {table.hit_policy}"
        )
    content = {
        "hitPolicy": _CARRIED[table.hit_policy],
        "policy": table.hit_policy.value,
        "title_zh": table.title_zh,
        "title_en": table.title_en,
        "inputs": [input_written(one) for one in table.inputs],
        "outputs": [output_written(one) for one in table.outputs],
        "rules": rules_written(table),
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
