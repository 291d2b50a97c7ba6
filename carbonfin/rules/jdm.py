"""Decision tables in the JDM format of GoRules: what can be carried is carried, the rest is refused by name and place.

JDM has no domains, kinds and clauses. They come from the caller, field by field, from what `table_to_jdm` wrote into
the file, or from the table that the caller names; a column with none of them is refused.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.domains import DateDomain, domain_from
from carbonfin.rules.file_places import FilePlaces
from carbonfin.rules.grammar import read_cell
from carbonfin.rules.jdm_cells import cell_from_jdm, output_from_jdm
from carbonfin.rules.jdm_columns import JdmColumns, JdmFault, Place, is_asked_as, is_meant
from carbonfin.rules.jdm_passing import KEY, passing_fault
from carbonfin.rules.jdm_writing import CARRIED, REMEDY, REMEDY_ZH, TABLE_NODE
from carbonfin.rules.json_once import loads_once
from carbonfin.rules.parameters import Grade, require_quotable
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

_SHOWN_MAX = 60
_Read = TypeVar("_Read")
_ENDS = frozenset({"inputNode", "outputNode"})
_A_TEXT = "should be a text", "应为文本"
_A_DOMAIN = (
    "should be a domain; the file has none, so give it beside the file or name the table it is taken from",
    "文件中没有取值范围，请另附取值范围，或指明沿用哪张决策表",
)
_A_KIND = (
    f"should be one of {', '.join(OutputKind)}; give it beside the file or name the table it is taken from",
    f"应为 {'、'.join(OutputKind)} 之一；文件中没有输出类型，请另附，或指明沿用哪张决策表",
)
_CHAINED = (
    "should not join two tables: tables that feed each other are not carried; name the node that is meant",
    "不支持前后相连的决策表，请指明要读取的节点",
)
_A_KEY = "should be the id of a column, or start with _", "应为某列的 id，或以 _ 开头"
_ONE_ZH = "文件中有多张决策表，请指明节点"
_OTHER_ZH = "不支持该节点类型，仅支持 decisionTableNode；可指明要读取的决策表节点"


def tables_from_jdm(text: str, columns: JdmColumns, *, file_name: str) -> tuple[DecisionTable, ...]:
    """Read every decision table of a file that holds nothing else but its ends.

    Raises:
        InvalidInput: The file is no JDM, or holds what cannot be carried; the message lists every fault, a line each.
    """
    tables, faults, _ = read_jdm(text, columns, file_name=file_name)
    if faults:
        raise InvalidInput(
            "\n".join(map(str, faults)),
            zh="\n".join(f"{one.place_zh}：“{one.found}”：{one.expected_zh}" for one in faults),
            field="jdm", remedy=REMEDY, remedy_zh=REMEDY_ZH,
        )  # fmt: skip
    return tables


def read_jdm(
    text: str, columns: JdmColumns, *, file_name: str
) -> tuple[tuple[DecisionTable, ...], tuple[JdmFault, ...], tuple[FilePlaces, ...]]:
    """Read the tables of a file, and where each stands in it; where anything is wrong, every fault and no table."""
    reader = _Reader(columns, file_name)
    tables = reader.tables(text)
    return ((), tuple(reader.faults), ()) if reader.faults else (tables, (), tuple(reader.places))


class _Reader:
    """A file while it is read, with what was found wrong; nothing stops at the first fault."""

    def __init__(self, columns: JdmColumns, file_name: str) -> None:
        self.faults: list[JdmFault] = []
        self.places: list[FilePlaces] = []
        self._columns = columns
        self._file = Place(file_name, file_name)

    def _fault(self, place: Place, found: object, expected: str, zh: str) -> None:
        shown = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
        cut = f"{shown[:_SHOWN_MAX]}…" if len(shown) > _SHOWN_MAX else shown
        self.faults.append(
            JdmFault(
                place=place.en, place_zh=place.zh, found=cut, expected=expected, expected_zh=zh,
                is_of_a_column=(expected, zh) in {_A_DOMAIN, _A_KIND},
            )
        )  # fmt: skip

    def _read(
        self, place: Place, found: object, read: Callable[[str], _Read], what: tuple[str, str] = _A_TEXT
    ) -> _Read | None:
        """Read a text; a fault where it is none or cannot be read."""
        if not isinstance(found, str):
            self._fault(place, found, *what)
            return None
        try:
            return read(found)
        except InvalidInput as error:
            shown = found.strip()
            why, zh = error.detail.removeprefix(f"{shown!r}: "), error.zh.removeprefix(f"“{shown}”：")
            self._fault(place, found, why, zh)
            return None

    def _text(self, found: Mapping[str, Any], key: str, place: Place) -> str:
        """Give a text that must be there; empty where it is not."""
        value = found.get(key)
        if isinstance(value, str) and value.strip():
            return value
        self._fault(place.at(key), value, *_A_TEXT)
        return ""

    def _listed(self, found: Mapping[str, Any], key: str, place: Place) -> list[dict[str, Any]]:
        """Give the objects of a list that must be there."""
        value = found.get(key)
        if not isinstance(value, list):
            self._fault(place.at(key), value, "should be a list", "应为列表")
            return []
        for nth, one in enumerate(value, 1):
            if not isinstance(one, dict):
                self._fault(place.at(f"{key} {nth}"), one, "should be an object", "应为对象")
        return [one for one in value if isinstance(one, dict)]

    def tables(self, text: str) -> tuple[DecisionTable, ...]:
        """Give the tables that could be read, and gather what is wrong with the others."""
        document = self._document(text)
        nodes = self._listed(document, "nodes", self._file)
        found: list[DecisionTable | None] = []
        for nth, node in enumerate(nodes, 1):
            called = node.get("name") or node.get("id") or nth
            place = Place(f"{self._file.en}: node {called}", f"{self._file.zh}：节点 {called}")
            kind = str(node.get("type"))
            if not is_meant(node, self._columns.node):
                continue
            if kind == TABLE_NODE:
                if found and self._columns.names_one:
                    self._fault(place, called, "should be the only table; name the node that is meant", _ONE_ZH)
                table = self._table(node, place)
                if table and any(one and one.name == table.name for one in found):
                    self._fault(place.at("id"), table.name, "should be an id no other node has", "编号重复")
                found.append(table)
            elif kind not in _ENDS or self._columns.node:
                expected = f"should be {TABLE_NODE} or an end; other nodes are not carried"
                self._fault(place.at("type", "类型"), node.get("type"), expected, _OTHER_ZH)
        if not self._columns.node:
            self._fault_of_chains(document, nodes)
        if not found and not self.faults:
            self._fault_of_none(text)
        return tuple(table for table in found if table is not None)

    def _fault_of_chains(self, document: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]) -> None:
        """Refuse each edge that hands one table's answer to another: read apart, the two would say something else."""
        edges = [] if document.get("edges") is None else self._listed(document, "edges", self._file)
        tables = [node.get("id") for node in nodes if node.get("type") == TABLE_NODE]
        for nth, edge in enumerate(edges, 1):
            source, target = edge.get("sourceId"), edge.get("targetId")
            if source in tables and target in tables:
                called = edge.get("id") or nth
                self._fault(self._file.at(f"edge {called}", f"连线 {called}"), f"{source} → {target}", *_CHAINED)

    def _fault_of_none(self, text: str) -> None:
        named = self._columns.node
        if named:
            self._fault(self._file, named, "should be the id or name of a node", "文件中没有该编号或名称的节点")
            return
        self._fault(self._file, text[:_SHOWN_MAX], f"should hold a node of the type {TABLE_NODE}", "文件中没有决策表")

    def _document(self, text: str) -> dict[str, Any]:
        try:
            document, twice = loads_once(text)
            json.dumps(document, ensure_ascii=False).encode()
        except json.JSONDecodeError as error:
            line, column = error.lineno, error.colno
            place = Place(
                f"{self._file.en}: line {line}, column {column}", f"{self._file.zh}：第 {line} 行第 {column} 个字符"
            )
            self._fault(place, text[error.pos :].split("\n", 1)[0], f"should be JSON: {error.msg}", "不是有效的 JSON")
        except (RecursionError, ValueError):
            self._fault(
                self._file,
                text,
                "should be JSON of whole characters, short numbers and few levels",
                "不是可读取的 JSON",
            )
        else:
            for called, key in twice:
                place = self._file.at(f"object {called}", f"对象 {called}") if called else self._file
                self._fault(place, key, "should stand once in its object", "在同一对象中重复，应只出现一次")
            if isinstance(document, dict):
                return document
            self._fault(self._file, document, "should be an object with `nodes`", "应为含 nodes 的对象")
        return {"nodes": []}

    def _table(self, node: Mapping[str, Any], place: Place) -> DecisionTable | None:
        before = len(self.faults)
        content = node.get("content")
        if not isinstance(content, dict):
            self._fault(place.at("content"), content, "should be an object", "应为对象")
            return None
        own_id, title = self._text(node, "id", place), self._text(node, "name", place)
        policy = self._policy(content, place)
        inputs = [self._input(one, place, nth) for nth, one in enumerate(self._listed(content, "inputs", place), 1)]
        outputs = [self._output(one, place, nth) for nth, one in enumerate(self._listed(content, "outputs", place), 1)]
        rows = [
            self._row(rule, inputs, outputs, place.at(f"row {called}", f"规则 {called}"))
            for nth, rule in enumerate(self._listed(content, "rules", place), 1)
            for called in [rule.get("_id") or nth]
        ]
        if len(self.faults) > before or policy is None:
            return None
        titles = str(content.get("title_zh") or title), str(content.get("title_en") or title)
        name, title_zh, title_en = self._columns.heading(own_id, titles)
        asked, answered = [one for _, one in inputs if one], [one for _, one in outputs if one]
        try:
            table = table_of(
                name=name, title_zh=title_zh, title_en=title_en, hit_policy=policy, inputs=asked, outputs=answered,
                rows=[
                    self._columns.completed(row, has_clause=has_clause, inputs=asked, outputs=answered)
                    for row, has_clause in rows
                ],
            )  # fmt: skip
        except InvalidInput as error:
            self._fault(place, name, error.detail, error.zh)
            return None
        if (wrong := passing_fault(content, table)) is not None:
            self._fault(place.at(KEY), content[KEY], *wrong)
            return None
        self.places.append(_places_of(table, place))
        return table

    def _policy(self, content: Mapping[str, Any], place: Place) -> HitPolicy | None:
        """Read the hit policy; refuse beside it what changes the meaning of a table from outside its cells."""
        for name, plain in (("inputField", None), ("outputPath", None), ("executionMode", "single")):
            value = content.get(name)
            if value not in (None, "", plain):
                expected = f"should be {plain or 'empty'}; {name} is not carried"
                self._fault(place.at(name), value, expected, f"不支持 {name}，应为{plain or '空'}")
        named, own = str(content.get("hitPolicy")), content.get("policy")
        if own is not None and str(own) in set(HitPolicy) and CARRIED.get(HitPolicy(own)) == named:
            return HitPolicy(own)
        if own is None and named in {"first", "collect"}:
            return self._columns.policy_for(named) or HitPolicy(named)
        self._fault(
            place.at("hit policy", "命中策略"),
            own or content.get("hitPolicy"),
            "should be first or collect; others are not carried",
            "应为 first 或 collect，不支持其他命中策略",
        )
        return None

    def _input(self, found: Mapping[str, Any], place: Place, nth: int) -> tuple[str, InputColumn | None]:
        asked = str(found.get("field") or "").strip()
        called = found.get("name") or asked or nth
        where = place.at(f"input {called}", f"输入列 {called}")
        key = self._text(found, "id", where)
        if not asked:
            expected = "should be a field; a column without one holds free expressions, which are not carried"
            self._fault(where.at("field"), found.get("field"), expected, "该列没有 field，为自由表达式，不支持")
            return key, None
        column = self._columns.inputs.get(asked)
        if column is None:
            column = self._own_input(found, asked, where)
        if column is not None and not is_asked_as(column, asked):
            expected = f"should be date({asked}), so that days are compared as days"
            self._fault(where.at("field"), asked, expected, f"日期列应写作 date({asked})")
        return key, column

    def _own_input(self, found: Mapping[str, Any], asked: str, where: Place) -> InputColumn | None:
        """Give the input by the domain that stands in the file, or as the base has it."""
        if found.get("domain") is None and (known := self._columns.base_input(asked)) is not None:
            return known
        place = where.at(f"domain of {asked}", f"{asked} 的取值范围")
        domain = self._read(place, found.get("domain"), domain_from, _A_DOMAIN)
        if domain is None:
            return None
        name = asked.removeprefix("date(").removesuffix(")").strip() if isinstance(domain, DateDomain) else asked
        self._require_name(name, where.at("field"))
        title_zh, title_en = _titles(found, name)
        return InputColumn(name=name, domain=domain, title_zh=title_zh, title_en=title_en)

    def _require_name(self, name: str, place: Place) -> None:
        if not name.isidentifier():
            self._fault(place, name, "should be a name of letters, digits and underlines", "应为字母、数字和下划线")

    def _output(self, found: Mapping[str, Any], place: Place, nth: int) -> tuple[str, OutputColumn | None]:
        name = str(found.get("field") or "")
        called = found.get("name") or name or nth
        where = place.at(f"output {called}", f"输出列 {called}")
        key = self._text(found, "id", where)
        if name in self._columns.outputs:
            return key, self._columns.outputs[name]
        if found.get("kind") is None and (known := self._columns.base_output(name)) is not None:
            return key, known
        kind, ranking = str(found.get("kind")), found.get("ranking") or []
        if kind not in set(OutputKind):
            self._fault(where.at(f"kind of {name}", f"{name} 的类型"), found.get("kind"), *_A_KIND)
            return key, None
        self._require_name(name, where.at("field"))
        title_zh, title_en = _titles(found, name)
        column = OutputColumn(name=name, kind=OutputKind(kind), title_zh=title_zh, title_en=title_en)
        if not isinstance(ranking, list):
            self._fault(where.at("ranking", "优先次序"), ranking, "should be a list", "应为列表")
            return key, None
        ranked = [self._read(where.at("ranking", "优先次序"), text, column.read) for text in ranking]
        return key, replace(column, ranking=tuple(value for value in ranked if value is not None))

    def _row(
        self,
        rule: Mapping[str, Any],
        inputs: Sequence[tuple[str, InputColumn | None]],
        outputs: Sequence[tuple[str, OutputColumn | None]],
        place: Place,
    ) -> tuple[RowDraft, bool]:
        """Read a row, and whether it has its own clause; cells of a column that could not be read are left alone."""
        when = [
            self._read(_column_place(place, column.name), rule.get(key, ""), partial(_cell_read, column))
            for key, column in inputs
            if column
        ]
        then = [
            self._read(_column_place(place, output.name), rule.get(key, ""), partial(_output_read, output))
            for key, output in outputs
            if output
        ]
        known = {key for key, _ in (*inputs, *outputs)}
        for stray in sorted(key for key in rule if key not in known and not key.startswith("_")):
            self._fault(place, stray, *_A_KEY)
        note, has_clause = str(rule.get("_description") or ""), "_document" in rule
        row = RowDraft(
            id=self._text(rule, "_id", place), when=[text or "" for text in when], then=[text or "" for text in then],
            clause=self._clause(rule, place) if has_clause else self._columns.source,
            note_zh=str(rule.get("_note_zh", note)), note_en=str(rule.get("_note_en", note)),
        )  # fmt: skip
        return row, has_clause

    def _clause(self, rule: Mapping[str, Any], place: Place) -> Clause:
        """Read where a row comes from, as `table_to_jdm` wrote it."""
        texts = {
            name: self._read(place.at(f"_{name}"), rule.get(f"_{name}"), str) or ""
            for name in ("document", "article", "quote")
        }
        number = self._read(place.at("_document_number"), rule.get("_document_number", ""), str) or ""
        grade, confirmed = str(rule.get("_grade")), str(rule.get("_confirmed"))
        if grade not in set(Grade):
            expected, zh = f"should be one of {', '.join(Grade)}", f"应为 {'、'.join(Grade)} 之一"
            self._fault(place.at("_grade"), rule.get("_grade"), expected, zh)
            grade = Grade.UNKNOWN.value
        else:
            self._read(place.at("_quote"), texts["quote"], partial(require_quotable, grade=Grade(grade)))
        if confirmed not in {"true", "false"}:
            self._fault(place.at("_confirmed"), rule.get("_confirmed"), "should be true or false", "应为 true 或 false")
        return Clause(**texts, document_number=number, grade=Grade(grade), confirmed=confirmed == "true")


def _places_of(table: DecisionTable, place: Place) -> FilePlaces:
    names = [column.name for column in table.columns]
    rows = {row.id: place.at(f"row {row.id}", f"规则 {row.id}") for row in table.rows}
    return FilePlaces(
        whole=place.zh,
        rows={row: where.zh for row, where in rows.items()},
        columns={name: _column_place(place, name).zh for name in names},
        cells={(row, name): _column_place(where, name).zh for row, where in rows.items() for name in names},
    )


def _column_place(place: Place, name: str) -> Place:
    return place.at(f"column {name}", f"列 {name}")


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
