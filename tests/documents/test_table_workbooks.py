"""Decision tables as workbooks: exact there and back, faults by cell."""

import io
from dataclasses import replace
from datetime import date

import openpyxl
import pytest

from carbonfin.documents.table_workbooks import read_tables_workbook, tables_workbook
from carbonfin.rules.parameters import Grade
from carbonfin.rules.tables import Clause, HitPolicy, OutputKind, TableVersion
from tests.rules.samples import output_column, sample_table


def version() -> TableVersion:
    table = sample_table(
        {"n": "number[0..] t", "on": "date[2024-01-01..]", "rating": "code{A,B 级}"},
        [("=1, >5", "<2025-01-01", "!=A", "高", "0.10"), ("-|null", "-", "A", "低", "-1")],
        policy=HitPolicy.PRIORITY,
        outputs=(output_column("word", OutputKind.CODE, ("高", "低")), output_column("share", OutputKind.RATIO)),
    )
    odd = Clause(document="=1+1", article="第一条\n第二款", quote=" _x0041_ <引文>", grade=Grade.READ, confirmed=True)
    table = replace(table, rows=(replace(table.rows[0], clause=odd, note_zh="注"), table.rows[1]))
    return TableVersion(table=table, valid_from=date(2025, 1, 1), valid_to=None, known_from=date(2025, 1, 1))


def test_there_and_back_is_exact() -> None:
    first = version()
    second = replace(first, table=replace(first.table, name="other"), valid_to=date(2025, 6, 30))
    found, faults, _ = read_tables_workbook(tables_workbook([first, second]))
    assert faults == ()
    assert found == (first, second)
    assert [one.table.digest for one in found] == [first.table.digest, second.table.digest]


def _over_a_gap(*, declares: tuple[bool, bool]) -> tuple[TableVersion, TableVersion]:
    first = replace(version(), valid_to=date(2025, 6, 30), declares_gap=declares[0])
    return first, replace(version(), valid_from=date(2025, 8, 1), declares_gap=declares[1])


def test_a_declared_gap_goes_there_and_back() -> None:
    both = _over_a_gap(declares=(True, True))
    found, faults, _ = read_tables_workbook(tables_workbook(both))
    assert (found, faults) == (both, ())
    alone, _, _ = read_tables_workbook(tables_workbook(both[1:]))
    assert alone == both[1:]
    for declares in ((True, False), (False, True)):
        found, _, _ = read_tables_workbook(tables_workbook(_over_a_gap(declares=declares)))
        assert found == both, "each is proposed by itself"


def test_days_left_out_between_sheets_are_refused_at_their_cell() -> None:
    found, (fault,), _ = read_tables_workbook(tables_workbook(_over_a_gap(declares=(False, False))))
    assert found == ()
    assert (fault.cell, fault.found) == ("规则2!B5", "2025-08-01")
    assert "2025-07-01 至 2025-07-31 没有版本" in fault.expected_zh
    assert "声明空档填“是”" in fault.expected_zh
    assert "or declare the gap" in fault.expected_en


def test_a_workbook_from_before_gaps_could_be_declared_in_it_is_read() -> None:
    same, _, _ = read_tables_workbook(_changed({}))
    for emptied in ({"A8": None, "B8": None}, {"B8": None}):
        found, faults, _ = read_tables_workbook(_changed(emptied))
        assert (found, faults, found[0].declares_gap) == (same, (), False)


@pytest.mark.parametrize(
    ("cell", "value", "words"),
    [
        ("B4", "best", "unique"), ("B5", "2025/1/1", "YYYY-MM-DD"), ("A1", "表", "应为“决策表”"),
        ("B13", "numbers", "取值范围"), ("B15", ">x", "x"), ("F16", "多", "多"), ("L15", "也许", "是"),
        ("G15", " ", "依据文件"), ("K15", "x", "read"), ("A16", "R1", "重复"),
        ("C12", "n", "列标识不得重复"), ("D12", "no name", "字母、数字和下划线"), ("E16", "中", "应为优先次序所列之一：高、低"),
        ("E14", None, "优先次序"), ("F12", "word", "列标识不得重复"), ("B14", "A, B", "输入列没有优先次序"),
        ("D3", "旁注", "不会读入"), ("C8", "旁注", "不会读入"), ("G11", "旁注", "不会读入"), ("T15", "旁注", "不会读入"),
        ("A8", "空档", "应为“声明空档”"), ("B8", "也许", "应为“是”或“否”"),
        ("B5", 45839, "序列号 45839 即 2025-07-01"), ("C15", 45839, "序列号 45839 即 2025-07-01"),
    ],
)  # fmt: skip
def test_a_fault_names_the_cell(cell: str, value: str | int | None, words: str) -> None:
    book = openpyxl.load_workbook(io.BytesIO(tables_workbook([version()])))
    book["规则"][cell] = value
    changed = io.BytesIO()
    book.save(changed)
    found, faults, _ = read_tables_workbook(changed.getvalue())
    assert found == ()
    assert words in faults[0].expected_zh
    where, stands = ("B4", "priority") if cell == "E14" else (cell, value)
    stands = str(stands) if isinstance(stands, int) else stands
    assert (faults[0].cell, faults[0].found) == (f"规则!{where}", stands)


def test_words_that_nobody_read_are_refused_at_their_cell() -> None:
    book = openpyxl.load_workbook(io.BytesIO(tables_workbook([version()])))
    book["规则"]["K15"], book["规则"]["J15"] = "memory", "引文"
    changed = io.BytesIO()
    book.save(changed)
    found, (fault,), _ = read_tables_workbook(changed.getvalue())
    assert (found, fault.cell, fault.found) == ((), "规则!J15", "引文")
    assert fault.expected_zh == "等级为 memory 时不得填写引文：原文在手方可引用"


def _changed(changes: dict[str, object]) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(tables_workbook([version()])))
    for cell, value in changes.items():
        book["规则"][cell] = value
    changed = io.BytesIO()
    book.save(changed)
    return changed.getvalue()


_A_NAME = "a table's name is letters, digits, _ and - in parts with dots between"


@pytest.mark.parametrize(
    ("cell", "value", "zh", "en"),
    [
        ("B1", None, "决策表名称只能含", _A_NAME),
        ("B1", "  ", "决策表名称只能含", _A_NAME),
        ("B1", "loans.\nmargin", "决策表名称只能含", _A_NAME),
        ("B1", "a/b", "决策表名称只能含", _A_NAME),
        ("B1", "loans.", "决策表名称只能含", _A_NAME),
        ("B1", "a" * 101, "最多 100 个字符", _A_NAME),
        ("B2", None, "应填写中文名称", "the Chinese title"),
        ("B3", " \n", "应填写英文名称", "the English title"),
        ("A16", "  ", "应填写行号", "the row's number"),
        ("A16", None, "应填写行号", "the row's number"),
    ],
)
def test_what_a_table_is_called_is_asked_for_at_its_cell(cell: str, value: str | None, zh: str, en: str) -> None:
    found, (fault,), _ = read_tables_workbook(_changed({cell: value}))
    assert (found, fault.cell) == ((), f"规则!{cell}")
    assert zh in fault.expected_zh
    assert fault.expected_en.startswith(en)


def test_a_cell_of_any_length_is_shown_by_its_beginning() -> None:
    long = ">x" * 15_000
    _, (day, test), _ = read_tables_workbook(_changed({"B5": long, "B15": long}))
    for fault in (day, test):
        assert fault.found == f"{long[:80]}…"
    assert len(test.expected_zh) <= 301
    assert len(test.expected_en) <= 301


def test_a_fault_of_the_head_hides_none_of_the_rows() -> None:
    """A wrong day, a wrong domain, a wrong policy and three wrong rows are all told; the unread column's cells are not."""
    _, faults, _ = read_tables_workbook(
        _changed({"B4": "best", "B5": "2025/1/1", "B13": "numbers", "C15": ">x", "D16": ">>", "L15": "也许"})
    )
    assert [one.cell for one in faults] == [f"规则!{cell}" for cell in ("B4", "B5", "B13", "C15", "L15", "D16")]


def test_a_formula_nobody_has_worked_out_is_told() -> None:
    """A library writes formulas without results; a spreadsheet program stores them."""
    _, faults, _ = read_tables_workbook(_changed({"B15": "=1+1"}))
    assert [one.cell for one in faults] == ["规则!B15"]
    assert "公式尚无计算结果" in faults[0].expected_zh
