"""A JDM file through the page: its domains from a table in force or typed beside it, and where a finding stands."""

import html
import re

import pytest

from carbonfin.documents.table_workbooks import tables_workbook
from carbonfin.rules.table_files import tables_to_toml
from tests.app.rulebook.test_rules_pages import CARRIED, GAPPED, TODAY, approved, proposed_from, sent, version
from tests.app.worlds import PAGE, World, signed_in
from tests.rules.samples import sample_table
from tests.rules.test_jdm_columns import by_an_editor

DAYS = {"valid_from": str(TODAY), "known_from": str(TODAY)}
LOWER = sample_table(
    {"grade": "code{A,B,C}", "points": "number[0..100] points"},
    [("A", ">= 80", "-35"), ("A", "< 80", "-20"), ("B,C", "-", "0")],
)
SHEET = """
[inputs]
"grade" = { domain = "code{A,B,C}", title_zh = "等级" }
"points" = { domain = "number[0..100] points" }

[outputs]
"bp" = { kind = "bp" }

[source]
document = "示例银行〔2026〕1号"
"""


def _typed(page: str) -> str:
    found = re.search(r'<textarea id="field-sheet"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    assert found is not None
    return html.unescape(found[1])


def test_a_file_of_an_editor_becomes_the_next_version_of_the_table_it_follows(world: World) -> None:
    approved(world, version(CARRIED))
    with signed_in(world) as client:
        assert "示例表（sample.table）" in client.get("/rules/drafts", headers=PAGE).text
        days = DAYS | {"known_from": "2026-03-03"}
        status, page = sent(client, "t.json", by_an_editor(LOWER).encode(), follows="sample.table", **days)
        assert status == 200
        assert "与现行版本相比 2 处不同" in page
        assert re.search(r"规则行 R1，bp.*?<code>-30</code>.*?<code>-35</code>.*?示例 第1条", page, re.DOTALL)
        assert re.search(r"规则行 R1，是否确认.*?<code>true</code>.*?<code>false</code>", page, re.DOTALL)
        assert proposed_from(client, page)[0] == 303


def test_a_file_without_domains_lists_its_columns_to_be_filled_in(world: World) -> None:
    with signed_in(world) as client:
        status, page = sent(client, "t.json", by_an_editor(LOWER).encode(), **DAYS)
        assert status == 422
        assert "<code>t.json：节点 Table 1，输入列 grade，grade 的取值范围</code>" in page
        assert "请另附取值范围，或指明沿用哪张决策表" in page
        left = _typed(page)
        assert '"points" = { domain = "" }' in left
        again, _ = sent(client, "t.json", by_an_editor(LOWER).encode(), sheet=left, **DAYS)
        assert again == 422, "what is left to fill in says nothing"
        status, page = sent(client, "t.json", by_an_editor(LOWER).encode(), sheet=SHEET, **DAYS)
        assert status == 200
        assert "示例银行〔2026〕1号" in page
        assert "等级" in page


@pytest.mark.parametrize(
    ("sheet", "said"),
    [
        ("[inputs", "取值范围 不是有效的 TOML"),
        ('[inputs]\n"n" = { range = "1" }', "取值范围 与取值范围的写法不符"),
        ('[inputs]\n"n" = { domain = "1 to 5" }', "“1 to 5”不是有效的取值范围"),
        ('[outputs]\n"n" = { kind = "yuan" }', "取值范围 与取值范围的写法不符"),
        ('[inputs]\n"n" = { name = "points" }', "inputs/n/domain"),
        ('[outputs]\n"n" = { name = "points" }', "outputs/n/kind"),
        ('[outputs]\n"n" = { kind = "bp", ranking = ["many"] }', "outputs/n/ranking"),
    ],
)
def test_a_sheet_that_cannot_be_read_is_refused_beside_its_field_and_kept(world: World, sheet: str, said: str) -> None:
    with signed_in(world) as client:
        status, page = sent(client, "t.json", by_an_editor(LOWER).encode(), sheet=sheet, **DAYS)
    assert status == 422
    assert said in html.unescape(page)
    assert 'id="error-sheet"' in page
    assert _typed(page).strip() == sheet


def test_a_table_to_follow_that_is_not_there_is_refused_beside_its_field(world: World) -> None:
    with signed_in(world) as client:
        status, page = sent(client, "t.json", by_an_editor(LOWER).encode(), follows="no.table", **DAYS)
    assert (status, 'id="error-follows"' in page) == (422, True)


def test_a_finding_about_a_workbook_names_sheet_cell_what_stands_there_and_what_should(world: World) -> None:
    with signed_in(world) as client:
        _, page = sent(client, "t.xlsx", tables_workbook([version(GAPPED)]))
    row = re.search(r"<tr>(?:(?!</tr>).)*存在没有任何规则行适用的输入.*?</tr>", page, re.DOTALL)
    assert row is not None
    for words in ("<code>规则!B1</code>", "<code>sample.table</code>", "应有一行适用于反例所示的输入", "grade = A"):
        assert words in row[0]


def test_a_finding_about_a_toml_file_names_its_line(world: World) -> None:
    text = tables_to_toml([version(GAPPED)])
    line = next(number for number, one in enumerate(text.splitlines(), 1) if one.startswith("name = "))
    with signed_in(world) as client:
        _, page = sent(client, "t.toml", text.encode())
    assert f"<code>t.toml:{line}</code>" in page
