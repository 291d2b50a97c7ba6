"""Decision tables in TOML: exact there and back, and faults told by file and line."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from carbonfin.app.rulebook.jdm_sheets import sheet_from_toml
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.parameter_files import read_parameters_toml
from carbonfin.rules.parameters import Grade
from carbonfin.rules.table_files import read_tables_toml, tables_from_toml, tables_to_toml
from carbonfin.rules.tables import Clause, HitPolicy, OutputKind, TableVersion
from carbonfin.rules.toml_places import toml_places
from tests.rules.samples import output_column, sample_table

FILE = """\
[[table]]
name = "loans.margin"
title_zh = "利差"
title_en = "Margin"
hit_policy = "first"
valid_from = 2025-01-01
valid_to = 2025-12-31
known_from = 2024-12-01
approved_by = ["甲", "乙"]

[[table.input]]
name = "rating"
title_zh = "评级"
title_en = "Rating"
domain = "code{A,B}"

[[table.output]]
name = "bp"
title_zh = "基点"
title_en = "Basis points"
kind = "bp"

[[table.row]]
id = "R1"
when = ["A"]
then = ["-25"]
document = "示例办法"
article = "第三条"
grade = "sample"
confirmed = true

[[table.row]]
id = "R2"
when = ["-|null"]
then = ["0"]
document = "示例办法"
grade = "sample"
confirmed = false
"""
NEXT = FILE.replace("2025-01-01", "2026-01-01").replace("valid_to = 2025-12-31\n", "")


def refusal(text: str) -> str:
    with pytest.raises(InvalidInput) as caught:
        tables_from_toml(text, file_name="margins.toml")
    return caught.value.detail


def test_every_wrong_place_is_named_by_its_line() -> None:
    wrong = (
        FILE.replace('when = ["A"]', 'when = ["D"]').replace('then = ["0"]', 'then = ["1.5"]')
        + "\n" + NEXT.replace('"first"', '"best"').replace('kind = "bp"', 'kind = "euro"')
    )  # fmt: skip
    versions, faults = read_tables_toml(wrong, file_name="margins.toml")
    stand = wrong.splitlines()
    assert versions == ()
    assert [stand[int(str(fault.context["line"])) - 1] for fault in faults] == [
        'when = ["D"]', 'then = ["1.5"]', 'hit_policy = "best"', 'kind = "euro"',
    ]  # fmt: skip
    with pytest.raises(InvalidInput) as caught:
        tables_from_toml(wrong, file_name="margins.toml")
    assert len(caught.value.detail.splitlines()) == 4


def test_a_file_is_read() -> None:
    (version,) = tables_from_toml(FILE, file_name="margins.toml")
    assert (version.valid_from, version.valid_to) == (date(2025, 1, 1), date(2025, 12, 31))
    assert (version.known_from, version.approved_by) == (date(2024, 12, 1), ("甲", "乙"))
    assert version.table.hit_policy is HitPolicy.FIRST
    assert [row.outputs for row in version.table.rows] == [(-25,), (0,)]
    assert version.table.rows[0].clause == Clause(
        document="示例办法", article="第三条", grade=Grade.SAMPLE, confirmed=True
    )


def test_what_is_written_reads_back_with_the_same_digest() -> None:
    outputs = (output_column("word", OutputKind.CODE, ("高", "低")), output_column("share", OutputKind.RATIO))
    table = sample_table(
        {"days": "whole[0..] day", "on": "date[2024-01-01..]", "rating": "code{A,B 级}", "green": "boolean"},
        [("[1..5)", "<2025-01-01", "!=A", "true|null", "高", "0.10"), ("-", "-|null", "A, B 级", "-", "低", "-1")],
        policy=HitPolicy.PRIORITY, outputs=outputs,
    )  # fmt: skip
    odd = Clause(
        document='他说"可"\\',
        document_number="国务院令第775号",
        article="第一条\n第二款",
        quote="\t引\x7f文",
        grade=Grade.READ,
        confirmed=True,
    )
    table = replace(table, rows=(replace(table.rows[0], clause=odd, note_zh="注"), table.rows[1]))
    first = TableVersion(
        table=table, valid_from=date(2025, 1, 1), valid_to=date(2025, 6, 30), known_from=date(2025, 1, 1)
    )
    second = replace(first, valid_from=date(2025, 7, 1), valid_to=None, approved_by=("甲", "乙"))
    back = tables_from_toml(tables_to_toml([first, second]), file_name="back.toml")
    assert back == (first, second)
    assert [one.table.digest for one in back] == [table.digest] * 2
    assert back[0].table.rows[0].outputs == ("高", Decimal("0.10"))


@pytest.mark.parametrize(
    ("was", "becomes", "line", "why"),
    [
        ('article = "第三条"', 'artcle = "第三条"', 28, "unknown key 'artcle'"),
        ('hit_policy = "first"', 'hit_policy = "best"', 5, "hit_policy 'best' is none of unique"),
        ("known_from = 2024-12-01\n", "", 1, "known_from is missing"),
        ('title_en = "Rating"\n', "", 11, "title_en is missing"),
        ('domain = "code{A,B}"', 'domain = "letters"', 15, "no domain"),
        ('when = ["-|null"]', 'when = [">B"]', 34, "row R2, column rating"),
        ('then = ["0"]', 'then = ["0.5"]', 35, "0.5 is no whole bp"),
        ('when = ["A"]', "when = [1]", 25, "when must be a list of texts"),
        ('when = ["A"]', 'when = ["A", "A"]', 25, "row R1: when has 2 cells for 1 columns"),
        ("valid_to = 2025-12-31", 'valid_to = "2025"', 7, "valid_to must be a date"),
        ("valid_to = 2025-12-31", "valid_to = 2024-12-31", 7, "is before valid_from"),
        ("confirmed = false", 'confirmed = "no"', 38, "confirmed must be true or false"),
        ('document = "示例办法"\ngrade', 'document = " "\ngrade', 36, "document is empty"),
        ('grade = "sample"', 'grade = "memory"\nquote = "原文"', 30, "quote stands beside grade memory"),
        ('id = "R2"', 'id = "R1"', 1, "a row name stands twice"),
        ('name = "loans.margin"', 'name = "loans/margin"', 1, "a table's name is letters"),
    ],
)
def test_a_fault_names_file_and_line(was: str, becomes: str, line: int, why: str) -> None:
    assert was in FILE
    detail = refusal(FILE.replace(was, becomes))
    assert detail.startswith(f"margins.toml:{line}: ")
    assert why in detail


def test_versions_of_one_table_follow_on_each_other() -> None:
    assert len(tables_from_toml(FILE + NEXT, file_name="margins.toml")) == 2
    gap = FILE + NEXT.replace("2026-01-01", "2026-01-02")
    assert refusal(gap) == (
        "margins.toml:44: loans.margin: 2026-01-01 is left out: one ends on 2025-12-31, the next begins on 2026-01-02"
        " and is expected from 2026-01-01"
    )
    (fault,) = read_tables_toml(gap, file_name="margins.toml")[1]
    assert fault.zh == (
        "margins.toml:44：决策表 loans.margin：2026-01-01 没有版本：前一版本止于 2025-12-31，后一版本始于 2026-01-02，"
        "应自 2026-01-01 起"
    )
    assert refusal(NEXT + FILE) == (
        "margins.toml:43: loans.margin: valid_from 2025-01-01 stands after the version from 2026-01-01;"
        " order versions by valid_from"
    )
    overlap = FILE + NEXT.replace("2026-01-01", "2025-12-31")
    assert refusal(overlap) == (
        "margins.toml:44: loans.margin: from 2025-12-31 to 2025-12-31 it overlaps the version from 2025-01-01 to"
        " 2025-12-31, both known from 2024-12-01; the latter is expected from 2026-01-01"
    )


@pytest.mark.parametrize("at", [0, 1])
def test_days_left_out_between_versions_known_from_two_days_are_refused_unless_declared(at: int) -> None:
    later = NEXT.replace("2026-01-01", "2026-02-01").replace("known_from = 2024-12-01", "known_from = 2025-12-01")
    assert "margins.toml:44: loans.margin: 2026-01-01 to 2026-01-31 are left out" in refusal(FILE + later)
    blocks = [FILE, later]
    blocks[at] = blocks[at].replace("known_from", "declares_gap = true\nknown_from", 1)
    versions, faults = read_tables_toml("".join(blocks), file_name="margins.toml")
    assert bool(faults) is (at == 0), "the version that comes to be known with the gap declares it"
    if not faults:
        written = tables_to_toml(versions)
        assert written.count("declares_gap = true") == 1
        assert tables_from_toml(written, file_name="back.toml") == versions
    wrong = FILE.replace("known_from", 'declares_gap = "no"\nknown_from')
    assert "declares_gap must be true or false" in refusal(wrong)


@pytest.mark.parametrize("at", [0, 1])
def test_a_gap_declared_beside_one_version_is_declared_by_both(at: int) -> None:
    blocks = [FILE, NEXT.replace("2026-01-01", "2026-02-01")]
    assert "2026-01-01 to 2026-01-31 are left out" in refusal("".join(blocks))
    blocks[at] = blocks[at].replace("known_from", "declares_gap = true\nknown_from", 1)
    versions = tables_from_toml("".join(blocks), file_name="margins.toml")
    assert [one.declares_gap for one in versions] == [True, True], "each is proposed by itself"
    assert tables_from_toml(tables_to_toml(versions), file_name="back.toml") == versions


def test_a_version_alone_declares_the_gap_beside_what_is_at_rest() -> None:
    (declared,) = tables_from_toml(FILE.replace("known_from", "declares_gap = true\nknown_from"), file_name="m.toml")
    (silent,) = tables_from_toml(FILE, file_name="m.toml")
    assert (declared.declares_gap, silent.declares_gap) == (True, False)
    assert "declares_gap" not in tables_to_toml([silent]), "nothing is declared that nobody declared"
    assert tables_from_toml(tables_to_toml([declared]), file_name="back.toml") == (declared,)


def test_what_is_no_table_file_is_refused() -> None:
    assert "margins.toml:1: file: '[[table]' is no TOML" in refusal("[[table]")
    assert "unknown key 'parameter'" in refusal("[[parameter]]\n")
    assert "write [[table]]" in refusal("[table]\n")


@pytest.mark.parametrize("slip", ["[[table", "[[table.row]", 'note_zh = """', "when = [", "=", 'id = "', "then = {a=1"])
def test_wherever_a_slip_stands_reading_ends_and_tells_it(slip: str) -> None:
    lines = FILE.splitlines()
    for place in range(len(lines) + 1):
        text = "\n".join([*lines[:place], slip, *lines[place:]])
        versions, faults = read_tables_toml(text, file_name="margins.toml")
        assert versions == ()
        assert any(fault.context["line"] in {place, place + 1} for fault in faults)


def test_a_slip_in_the_writing_hides_no_other_fault_and_several_of_one_block_are_told() -> None:
    wrong = FILE.replace('title_en = "Margin"', "title_en = Margin").replace('when = ["A"]', 'when = ["D"]')
    wrong = wrong.replace('grade = "sample"', 'grad = "sample"').replace('id = "R2"', "id = 2")
    _, faults = read_tables_toml(wrong, file_name="margins.toml")
    stand = wrong.splitlines()
    told = [(stand[int(str(fault.context["line"])) - 1], fault.detail.split(": ", 2)[2]) for fault in faults]
    assert [line for line, _ in told] == [
        "title_en = Margin", 'grad = "sample"', "[[table.row]]", 'grad = "sample"', "[[table.row]]", "id = 2",
    ]  # fmt: skip
    assert [why for line, why in told if line == "[[table.row]]"] == ["grade is missing"] * 2
    assert told[-1][1] == "id must be a text, not 2"


@pytest.mark.parametrize(
    ("line", "why", "zh"),
    [
        ("note = " + "[" * 20_000, "nested too deeply", "嵌套过深"),
        ("note = " + "[" * 3_000 + "]" * 3_000, "nested too deeply", "嵌套过深"),
        ("note = " + "{a = " * 3_000, "nested too deeply", "嵌套过深"),
        ("note = " + "[" * 101 + "]" * 101, "nested too deeply", "嵌套过深"),
        ("name = " + "[" * 20_000, "nested too deeply", "嵌套过深"),
        ("name" + ".a" * 500_000 + " = 1", "nested too deeply", "嵌套过深"),
        ('note = {"a"' + ' . "a"' * 500 + " = 1}", "nested too deeply", "嵌套过深"),
        ("note = 1" + "0" * 5_000, "a number of too many digits", "数字位数过多"),
        ("name = 1" + "0" * 5_000, "a number of too many digits", "数字位数过多"),
    ],
)
def test_what_no_reader_can_follow_is_refused_at_its_line(line: str, why: str, zh: str) -> None:
    text = f"# margins\n[[table]]\n{line}\n"
    for read in (read_tables_toml, read_parameters_toml):
        found, (fault,) = read(text, file_name="margins.toml")
        assert (found, fault.context["line"]) == ((), 3)
        assert fault.detail.startswith("margins.toml:3: file: ")
        assert f"is no TOML: {why}" in fault.detail
        assert zh in fault.zh
        assert len(fault.detail) < 200
    assert toml_places(text, (), file_name="margins.toml") == ()
    with pytest.raises(InvalidInput, match=r"sheet\.toml"):
        sheet_from_toml(line, file_name="sheet.toml")


def test_levels_that_can_be_read_are_no_slip() -> None:
    (fault,) = read_tables_toml("note = " + "[" * 98 + "]" * 98, file_name="margins.toml")[1]
    assert "unknown key 'note'" in fault.detail


def test_a_head_that_cannot_be_read_hides_no_cell_that_cannot() -> None:
    wrong = FILE.replace('title_en = "Margin"', "").replace('when = ["A"]', 'when = ["D"]')
    _, faults = read_tables_toml(wrong.replace('document = "示例办法"\ngrade', "grade"), file_name="margins.toml")
    assert [fault.detail.split(": ", 2)[2].split(":")[0] for fault in faults] == [
        "title_en is missing", "document is missing", "row R1, column rating",
    ]  # fmt: skip
