"""Decision tables as workbooks: one sheet a table, every cell a text, and read back to the table or to its faults."""

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell

from carbonfin.documents.pages import text_width
from carbonfin.documents.workbooks.reading import Place, SheetText, day_of_serial, read_workbook
from carbonfin.documents.workbooks.tables import GUIDE_SHEET
from carbonfin.documents.workbooks.writing import BODY_FONT, HEAD_FONT
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.declared_gaps import declared_beside, undeclared_gaps
from carbonfin.rules.domains import AnyDomain, BooleanDomain, DateDomain, domain_from
from carbonfin.rules.file_places import FilePlaces
from carbonfin.rules.grammar import Cell, read_cell
from carbonfin.rules.parameters import Grade, require_quotable
from carbonfin.rules.table_words import table_name
from carbonfin.rules.tables import (
    Clause,
    DecisionTable,
    HitPolicy,
    InputColumn,
    OutputColumn,
    OutputKind,
    RowDraft,
    TableVersion,
    output_text,
    table_of,
)

_HEAD = ("决策表", "中文名称", "英文名称", "命中策略", "生效日", "失效日", "知悉日")
_GAP_LABEL, _GAP_ROW = "声明空档", len(_HEAD)
"""In the line under the head, which is empty in workbooks written before a gap could be declared in one."""
_COLUMN_ROWS = ("行号", "中文列名", "英文列名", "列标识", "取值范围或类型", "优先次序")
_RIGHT = ("文件", "文号", "条款", "引文", "等级", "已确认", "中文备注", "英文备注")
_FIRST = len(_HEAD) + 1
_ROWS_FROM = _FIRST + len(_COLUMN_ROWS)
_RIGHT_BEFORE = tuple(name for name in _RIGHT if name != "文号")
"""What stood there in workbooks written before documents had their number; such a workbook is still read."""
_TITLES = (("title_zh", 1, "中文名称", "the Chinese title"), ("title_en", 2, "英文名称", "the English title"))
_INPUT, _OUTPUT, _YES, _NO = "输入", "输出", "是", "否"
_GUIDE = (
    "每张工作表是一张决策表；所有单元格均为文本，请勿改为数值或日期格式。",
    "- 表示任意已提供的取值；null 表示缺失；-|null 表示任意取值或缺失。",
    "取值可直接填写，或写 =、!=、<、<=、>、>= 加取值；多个条件以英文逗号分隔，满足其一即可；多个 != 须同时满足。",
    "区间写作 [1..5]（含两端）、(1..5]（不含下限）、[1..5)（不含上限）、(1..5)（均不含）。",
    "取值范围写作 number[0..1] ratio、whole[1..5] count、date[2024-01-01..]、code{A,B}、boolean。",
    "输出类型为 bp、fen、ratio、code。",
    f"命中策略：{'、'.join(policy.value for policy in HitPolicy)}。",
    f"等级：{'、'.join(grade.value for grade in Grade)}；已确认填“{_YES}”或“{_NO}”；日期写作 YYYY-MM-DD。",
    f"{_GAP_LABEL}填“{_YES}”或“{_NO}”：与前后版本之间留有空档且规则其间确已废止的填“{_YES}”，发起时无须另行声明。",
)
_WIDTH_MIN, _WIDTH_MAX, _COLUMN_MARGIN = 8, 34, 3
_LINE_HEIGHT, _ROW_MARGIN = 16, 4
_TEXTS_MAX = {"found": 80, "expected_zh": 300, "expected_en": 300}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with one cell: its address, what stands there, what was expected; texts are cut where long."""

    cell: str
    found: str
    expected_zh: str
    expected_en: str = ""

    def __post_init__(self) -> None:
        for name, most in _TEXTS_MAX.items():
            text = getattr(self, name)
            if len(text) > most:
                object.__setattr__(self, name, f"{text[:most]}…")


def tables_workbook(versions: Sequence[TableVersion]) -> bytes:
    """Write tables as a workbook, one sheet each, and a sheet that says how cells are written."""
    content = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(content, options) as book:
        base = {"font_name": BODY_FONT, "font_size": 11, "valign": "vcenter", "border": 1, "border_color": "#7F8C86",
                "num_format": "@", "text_wrap": True}  # fmt: skip
        text = book.add_format(base)
        head = book.add_format(base | {"font_name": HEAD_FONT, "bold": True, "bg_color": "#E6EFEB"})
        for number, version in enumerate(versions, 1):
            sheet = book.add_worksheet("规则" if number == 1 else f"规则{number}")
            placed = _laid_out(version)
            for (row, column), value in placed.items():
                is_head = (column == 0 and row < _ROWS_FROM) or _FIRST <= row < _ROWS_FROM
                sheet.write_string(row, column, value, head if is_head else text)
            widths = _widths(placed)
            for column, width in widths.items():
                sheet.set_column(column, column, width)
            for row, lines in _lines(placed, widths).items():
                sheet.set_row(row, _LINE_HEIGHT * lines + _ROW_MARGIN)
            sheet.freeze_panes(_ROWS_FROM, 1)
            sheet.set_landscape()
            sheet.set_paper(9)
            sheet.fit_to_pages(1, 0)
        guide = book.add_worksheet(GUIDE_SHEET)
        guide.set_column(0, 0, 110)
        for row, line in enumerate(_GUIDE):
            guide.write_string(row, 0, line, text)
    return content.getvalue()


def _widths(placed: Mapping[Place, str]) -> dict[int, int]:
    """Give each column the width of its longest text, within bounds; what stands over the columns may take lines."""
    widths: dict[int, int] = {}
    for (row, column), text in placed.items():
        needed = text_width(text) + _COLUMN_MARGIN if row >= _FIRST or column == 0 else 0
        widths[column] = min(_WIDTH_MAX, max(widths.get(column, _WIDTH_MIN), needed))
    return widths


def _lines(placed: Mapping[Place, str], widths: Mapping[int, int]) -> dict[int, int]:
    """Give the lines each row takes, since readers of the file do not all work that out."""
    lines: dict[int, int] = {}
    for (row, column), text in placed.items():
        needed = -(-text_width(text) // (widths[column] - _COLUMN_MARGIN))
        lines[row] = max(lines.get(row, 1), needed)
    return lines


def _laid_out(version: TableVersion) -> dict[Place, str]:
    table = version.table
    heads = (
        table.name, table.title_zh, table.title_en, table.hit_policy.value, version.valid_from.isoformat(),
        version.valid_to.isoformat() if version.valid_to else "", version.known_from.isoformat(),
    )  # fmt: skip
    columns: list[tuple[str, ...]] = [_COLUMN_ROWS]
    columns += [(_INPUT, one.title_zh, one.title_en, one.name, one.domain.describe(), "") for one in table.inputs]
    columns += [
        (_OUTPUT, one.title_zh, one.title_en, one.name, one.kind.value, ", ".join(map(output_text, one.ranking)))
        for one in table.outputs
    ]
    columns += [(name, "", "", "", "", "") for name in _RIGHT]
    placed = {(row, column): text for row, pair in enumerate(zip(_HEAD, heads, strict=True))
              for column, text in enumerate(pair)}  # fmt: skip
    placed |= {(_GAP_ROW, 0): _GAP_LABEL, (_GAP_ROW, 1): _YES if version.declares_gap else _NO}
    placed |= {(_FIRST + row, column): text for column, texts in enumerate(columns) for row, text in enumerate(texts)}
    for number, row in enumerate(table.rows, _ROWS_FROM):
        clause = row.clause
        texts = [
            row.id, *(cell.text for cell in row.cells), *(output_text(value) for value in row.outputs),
            clause.document, clause.document_number, clause.article, clause.quote, clause.grade.value,
            _YES if clause.confirmed else _NO, row.note_zh, row.note_en,
        ]  # fmt: skip
        placed |= {(number, column): text for column, text in enumerate(texts)}
    return placed


def read_tables_workbook(
    content: bytes,
) -> tuple[tuple[TableVersion, ...], tuple[Fault, ...], tuple[FilePlaces, ...]]:
    """Read a workbook of tables, and where each stands in it; where anything is wrong, every fault and no table.

    Raises:
        InvalidInput: It is no workbook that can be read.
    """
    versions: list[TableVersion] = []
    faults: list[Fault] = []
    places: list[FilePlaces] = []
    for found in read_workbook(content):
        if found.name != GUIDE_SHEET:
            sheet = _Sheet(found)
            version = sheet.version()
            faults.extend(sheet.faults)
            if version is not None:
                versions.append(version)
                places.append(sheet.places(version.table))
    if not faults:
        faults += _gap_faults(versions, places)
    return ((), tuple(faults), ()) if faults else (declared_beside(versions), (), tuple(places))


def _gap_faults(versions: Sequence[TableVersion], places: Sequence[FilePlaces]) -> Iterator[Fault]:
    """Tell the days that the sheets leave out between versions of one table, at the day that leaves them out."""
    for place, one in undeclared_gaps(versions):
        version = versions[place]
        stands = version.valid_from if one.field == "valid_from" else version.valid_to
        yield Fault(
            cell=places[place].days[one.field], found=f"{stands}",
            expected_zh=f"{one.zh}；其间规则确已废止的，{_GAP_LABEL}填“{_YES}”",
            expected_en=f"{one.en}, or declare the gap",
        )  # fmt: skip


def _day(text: str) -> date:
    """Read a day; one typed as a date shows as the serial number of a spreadsheet, which is told.

    Raises:
        InvalidInput: It is such a number.
        ValueError: It is no day.
    """
    typed = day_of_serial(text)
    if typed is not None:
        raise InvalidInput(
            f"{text} is a spreadsheet's serial number of {typed}",
            zh=f"应为文本格式的日期 YYYY-MM-DD；此单元格为日期格式（序列号 {text} 即 {typed}）",
        )
    return date.fromisoformat(text)


def _condition(text: str, domain: AnyDomain) -> Cell:
    if isinstance(domain, DateDomain) and day_of_serial(text) is not None:
        _day(text)
    return read_cell(text, domain=domain)


class _Sheet:
    """One sheet while it is read, with what was found wrong."""

    def __init__(self, found: SheetText) -> None:
        self.faults: list[Fault] = []
        self._name, self._cells, self._uncalculated = found.name, found.cells, found.uncalculated
        self._is_laid_out, self._unread = True, set[int]()
        cells = found.cells
        heads = {text for (row, _), text in cells.items() if row == _FIRST}
        self._right = _RIGHT_BEFORE if "文号" not in heads else _RIGHT
        self._lines = sorted({row for (row, _), text in cells.items() if row >= _ROWS_FROM and text})

    def _text(self, row: int, column: int) -> str:
        return self._cells.get((row, column), "")

    def _address(self, row: int, column: int) -> str:
        return f"{self._name}!{xl_rowcol_to_cell(row, column)}"

    def places(self, table: DecisionTable) -> FilePlaces:
        """Say where the parts of the sheet's table stand."""
        names = [column.name for column in table.columns]
        lines = dict(zip((row.id for row in table.rows), self._lines, strict=True))
        return FilePlaces(
            whole=self._address(0, 1),
            days={name: self._address(row, 1) for row, name in ((4, "valid_from"), (5, "valid_to"), (6, "known_from"))},
            rows={
                row: f"{self._address(line, 0)}:{xl_rowcol_to_cell(line, len(names))}" for row, line in lines.items()
            },
            columns={name: self._address(_FIRST + 4, place) for place, name in enumerate(names, 1)},
            cells={
                (row, name): self._address(line, place)
                for row, line in lines.items()
                for place, name in enumerate(names, 1)
            },
        )

    def _fault(self, row: int, column: int, expected_zh: str, expected_en: str = "") -> None:
        cell, found = self._address(row, column), self._text(row, column)
        self.faults.append(Fault(cell=cell, found=found, expected_zh=expected_zh, expected_en=expected_en))

    def _read(self, place: Place, read: Callable[[str], Any], expected_zh: str) -> Any:
        """Read a cell; a fault where it cannot be, in the reader's own words where it has Chinese ones."""
        if place in self._uncalculated or place[1] in self._unread:
            return None
        try:
            return read(self._text(*place))
        except InvalidInput as error:
            self._fault(*place, error.zh or expected_zh, error.detail if error.zh else "")
        except ValueError:
            self._fault(*place, expected_zh)
        return None

    def _said(self, row: int, column: int, what_zh: str, what_en: str) -> str:
        """Give a text that must be there; empty where it is not, and a fault."""
        text = self._text(row, column)
        if text.strip() or (row, column) in self._uncalculated:
            return text
        self._fault(row, column, f"应填写{what_zh}", what_en)
        return ""

    def version(self) -> TableVersion | None:
        labels = [((row, 0), label) for row, label in enumerate(_HEAD)]
        labels += [((_FIRST + row, 0), label) for row, label in enumerate(_COLUMN_ROWS)]
        for place, label in labels:
            if self._text(*place) != label:
                self._fault(*place, f"应为“{label}”")
        for row, column in sorted(self._uncalculated):
            self._fault(row, column, "公式尚无计算结果：请在表格软件中计算后保存，或直接填写文本")
        name = self._read((0, 1), table_name, "")
        titles = {key: self._said(row, 1, *words) for key, row, *words in _TITLES}
        policy = self._read((3, 1), HitPolicy, f"应为 {'、'.join(HitPolicy)} 之一")
        valid_from = self._read((4, 1), _day, "应为日期 YYYY-MM-DD")
        valid_to = self._read((5, 1), lambda text: _day(text) if text else None, "应为日期 YYYY-MM-DD 或空")
        known_from = self._read((6, 1), _day, "应为日期 YYYY-MM-DD")
        if valid_from and valid_to and valid_to < valid_from:
            self._fault(5, 1, "失效日不得早于生效日")
        declares_gap = self._declares_gap()
        inputs, outputs = self._columns()
        self._beside()
        rows = self._rows(inputs, outputs, policy) if self._is_laid_out else []
        if self.faults:
            return None
        try:
            table = table_of(name=name, **titles, hit_policy=policy, inputs=inputs, outputs=outputs, rows=rows)
        except InvalidInput as error:
            self._fault(3 if policy.is_ranked or policy.is_total else 0, 1, error.zh)
            return None
        return TableVersion(
            table=table, valid_from=valid_from, valid_to=valid_to, known_from=known_from, declares_gap=declares_gap
        )

    def _declares_gap(self) -> bool:
        """Read whether days are left out on purpose; a workbook written before that could be said does not."""
        label, said = self._text(_GAP_ROW, 0), self._text(_GAP_ROW, 1)
        if label != _GAP_LABEL and (label.strip() or said.strip()):
            self._fault(_GAP_ROW, 0, f"应为“{_GAP_LABEL}”或空")
        elif label and said not in {_YES, _NO, ""}:
            self._fault(_GAP_ROW, 1, f"应为“{_YES}”或“{_NO}”")
        return said == _YES

    def _beside(self) -> None:
        """Find what stands where nothing is read: beside the head, over the right-hand columns, past the last one."""
        last = max((column for row, column in self._cells if row == _FIRST), default=0)
        right = last - len(self._right) + 1
        for (row, column), text in sorted(self._cells.items()):
            over = _FIRST < row < _ROWS_FROM and column >= right
            if text.strip() and ((row < _FIRST and column > 1) or (row >= _FIRST and column > last) or over):
                self._fault(row, column, "应为空：此处的内容不会读入")

    def _columns(self) -> tuple[list[InputColumn], list[OutputColumn]]:
        inputs: list[InputColumn] = []
        outputs: list[OutputColumn] = []
        last = max((column for row, column in self._cells if row == _FIRST), default=0)
        right = last - len(self._right) + 1
        for column in range(1, last + 1):
            kind = self._text(_FIRST, column)
            wanted = self._right[column - right] if column >= right else _OUTPUT if outputs else f"{_INPUT}或{_OUTPUT}"
            if kind != wanted and (column >= right or outputs or kind not in {_INPUT, _OUTPUT}):
                self._is_laid_out = False
                self._fault(_FIRST, column, f"应为“{wanted}”")
            elif kind == _INPUT:
                zh, en, name = self._named(column)
                domain = self._read((_FIRST + 4, column), domain_from, "应为取值范围")
                if domain is None:
                    self._unread.add(column)
                if self._text(_FIRST + 5, column).strip():
                    self._fault(_FIRST + 5, column, "输入列没有优先次序，应为空")
                inputs.append(InputColumn(name=name, title_zh=zh, title_en=en, domain=domain or BooleanDomain()))
            elif kind == _OUTPUT:
                outputs.append(self._output(column))
        return inputs, outputs

    def _named(self, column: int) -> tuple[str, str, str]:
        """Give a column's titles and its name, which is a name and no other column's."""
        zh, en, name = (self._text(_FIRST + row, column) for row in (1, 2, 3))
        if not name.isidentifier():
            self._fault(_FIRST + 3, column, "列标识应为字母、数字和下划线")
        elif any(self._text(_FIRST + 3, other) == name for other in range(1, column)):
            self._fault(_FIRST + 3, column, "列标识不得重复")
        return zh, en, name

    def _output(self, column: int) -> OutputColumn:
        zh, en, name = self._named(column)
        kind = self._read((_FIRST + 4, column), OutputKind, f"应为 {'、'.join(OutputKind)} 之一")
        found = OutputColumn(name=name, title_zh=zh, title_en=en, kind=kind or OutputKind.CODE)
        if kind is None:
            self._unread.add(column)
        ranking = self._read(
            (_FIRST + 5, column),
            lambda text: tuple(found.read(one.strip()) for one in text.split(",")) if text else (),
            "应为以逗号分隔的输出值",
        )  # fmt: skip
        return replace(found, ranking=ranking or ())

    def _rows(
        self, inputs: Sequence[InputColumn], outputs: Sequence[OutputColumn], policy: HitPolicy | None
    ) -> list[RowDraft]:
        rows: list[RowDraft] = []
        right = 1 + len(inputs) + len(outputs)
        for row in self._lines:
            called = self._said(row, 0, "行号", "the row's number")
            if called and any(self._text(other, 0) == called for other in self._lines if other < row):
                self._fault(row, 0, "行号不得重复")
            for place, column in enumerate(inputs, 1):
                self._read((row, place), partial(_condition, domain=column.domain), "应为条件")
            for place, output in enumerate(outputs, 1 + len(inputs)):
                value = self._read((row, place), output.read, "应为输出值")
                if policy and policy.is_ranked and output.ranking and value is not None and value not in output.ranking:
                    self._fault(row, place, f"应为优先次序所列之一：{'、'.join(map(output_text, output.ranking))}")
            at = {name: right + place for place, name in enumerate(self._right)}
            said = {name: self._text(row, column) for name, column in at.items()}
            grade = self._read((row, at["等级"]), Grade, f"应为 {'、'.join(Grade)} 之一")
            if grade is not None:
                self._read((row, at["引文"]), partial(require_quotable, grade=grade), "")
            if said["已确认"] not in {_YES, _NO}:
                self._fault(row, at["已确认"], f"应为“{_YES}”或“{_NO}”")
            self._said(row, at["文件"], "依据文件", "the document the row comes from")
            texts = [self._text(row, column) for column in range(right)]
            clause = Clause(
                document=said["文件"], document_number=said.get("文号", ""), article=said["条款"], quote=said["引文"],
                grade=grade or Grade.UNKNOWN, confirmed=said["已确认"] == _YES,
            )  # fmt: skip
            when, then = texts[1 : 1 + len(inputs)], texts[1 + len(inputs) :]
            notes = {"note_zh": said["中文备注"], "note_en": said["英文备注"]}
            rows.append(RowDraft(id=texts[0], when=when, then=then, clause=clause, **notes))
        return rows
