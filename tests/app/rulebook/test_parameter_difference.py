"""The checker of a parameter's value reads what it changes, field by field, before and after the decision."""

import re
from dataclasses import replace
from typing import Any

from carbonfin.app.rulebook.parameter_difference import field_changes
from carbonfin.rules.parameters import Grade, ParameterValue
from tests.app.rulebook.test_parameters import DRAFT, FORM, TODAY, approved, posted
from tests.app.worlds import PAGE, World, signed_in


def _rows(page: str) -> dict[str, tuple[str, str]]:
    """Give the rows of the difference: field to before and after."""
    table = page[page.index('id="differences"') :].split("</table>", maxsplit=1)[0]
    found = re.findall(r"<tr><th[^>]*>([^<]*)</th><td[^>]*>([^<]*)</td><td[^>]*>([^<]*)</td></tr>", table)
    return {name: (before, after) for name, before, after in found}


def _proposed(world: World, form: dict[str, Any]) -> str:
    with signed_in(world) as client:
        moved = posted(client, "/rules/parameters/proposals", {**form, "reason": "结息日调整"})
        assert moved.status_code == 303, moved.text
        return str(moved.headers["location"])


def test_the_checker_reads_old_and_new_before_and_after_deciding(world: World) -> None:
    address = _proposed(world, FORM)
    with signed_in(world, "checker") as checker:
        before = checker.get(address, headers=PAGE).text
        assert "与现值的差异" in before
        rows = _rows(before)
        assert (rows["取值"], rows["知悉日"][1]) == (("20", "15"), DRAFT["known_from"])
        assert rows["依据文件"][1] == "结息办法（2026）"
        assert "单位" not in rows, "what stays is left out"
        english = checker.get(address, params={"lang": "en"}, headers=PAGE).text
        assert "Differences from the value in force" in english
        approved(world, address.rpartition("/")[2])
        after = checker.get(address, params={"lang": "zh"}, headers=PAGE).text
        assert "与决定时现值的差异" in after
        assert _rows(after) == rows


def test_a_value_of_a_new_scope_says_that_there_was_none(world: World) -> None:
    address = _proposed(world, {**FORM, "scope": "示例产品"})
    with signed_in(world, "checker") as checker:
        page = checker.get(address, headers=PAGE).text
    assert "该参数此前没有适用的取值" in page
    assert 'id="differences"' not in page


def test_each_field_that_differs_is_told_in_words() -> None:
    old = ParameterValue(
        key="loans.settlement_day", scope="", value="20", unit="day", valid_from=TODAY, valid_to=None,
        known_from=TODAY, document="结息办法", article="", grade=Grade.MEMORY, confirmed=False, approved_by=(), note="",
    )  # fmt: skip
    new = replace(old, value="99", confirmed=True, grade=Grade.READ, quote="原文")
    told = {one.name.zh: (one.before.zh, one.after.zh, one.after.en) for one in field_changes(old, new)}
    assert told == {
        "取值": ("20", "99", "99"), "引文": ("", "原文", "原文"), "可信等级": ("凭记忆", "已读原文", "document read"),
        "是否确认": ("否", "是", "yes"),
    }  # fmt: skip
    assert field_changes(old, old) == ()
