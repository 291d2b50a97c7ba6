"""Two versions of a term sheet beside each other: every line and payment that differs, and nothing that does not."""

from dataclasses import replace
from datetime import date
from typing import Any

from loans.calc.facilities.rate_clauses import Returns, StopsFrom
from loans.calc.term_comparisons import compare_term_sheets
from loans.calc.term_sheets import draft_term_sheet
from tests.loans.conftest import Desk
from tests.loans.samples import l1_rate, l1_request, l1_term_sheet
from tests.loans.test_edges import TERM_SHEET, key
from tests.loans.test_term_sheet_concessions import STOPS, drafted


def test_what_is_equal_is_not_told() -> None:
    assert compare_term_sheets(drafted(), drafted()) == ()


def test_an_overdue_clause_that_was_added_and_one_that_was_changed() -> None:
    """Days from 30 to 60 are one line; the clause itself comes with its lines, and what said that there is none goes."""
    clause: dict[str, Any] = {
        "concession_stop_days": 30, "concession_stops_from": StopsFrom.EXCEEDED, "concession_returns": Returns.NEVER,
    }  # fmt: skip
    (changed,) = compare_term_sheets(drafted(**clause), drafted(**clause | {"concession_stop_days": 60}))
    assert changed.group == ("逾期停止优惠", "Concession on overdue")
    assert (changed.before, changed.after) == (
        ("任一期款项逾期超过 30 天", "where a payment is more than 30 days past due"),
        ("任一期款项逾期超过 60 天", "where a payment is more than 60 days past due"),
    )
    added = compare_term_sheets(drafted(), drafted(**clause))
    assert [(one.label[0], one.before is None, one.after is None) for one in added] == [
        ("停止条件", True, False), ("停止起算日", True, False), ("停止期间利率", True, False),
        ("清偿后恢复", True, False), ("逾期停止优惠", False, True),
    ]  # fmt: skip
    assert added[-1].before == ("未约定，逾期不停止优惠", "not agreed: overdue stops nothing")
    older = compare_term_sheets(drafted(says=False), drafted(**clause))
    assert [one.before for one in older] == [None] * 4, "a sheet drafted before the clause was known has no such lines"


def test_a_margin_moves_the_rate_and_every_payment() -> None:
    """10,000,000 at 3.19 % in place of 3.29 % for 20 days of 360: 17,722.22 in place of 18,277.78; 13 payments."""
    lower = replace(l1_rate(), margin_bp=30)
    changes = compare_term_sheets(draft_term_sheet(l1_term_sheet()), draft_term_sheet(l1_term_sheet(rate=lower)))
    told = {one.label[0]: one for one in changes}
    assert (told["加减点"].before, told["加减点"].after) == (("+40 BP", "+40 BP"), ("+30 BP", "+30 BP"))
    assert told["执行年利率"].after == ("3.19%", "3.19%")
    assert told["第 1 期"].before == ("2025-07-21 利息 18,277.78", "2025-07-21: interest 18,277.78")
    assert told["第 1 期"].after == ("2025-07-21 利息 17,722.22", "2025-07-21: interest 17,722.22")
    assert sum(1 for one in changes if one.group[0] == "还款计划") == 13
    assert "贷款金额（元）" not in told


def test_payments_that_one_version_has_alone() -> None:
    """A year ends on 1 July 2026 with its 13th payment; a loan to 1 August 2026 has one more after it."""
    longer = draft_term_sheet(l1_term_sheet(request=l1_request(maturity_date=date(2026, 8, 1))))
    changes = compare_term_sheets(draft_term_sheet(l1_term_sheet()), longer)
    payments = {one.label[1]: one for one in changes if one.group[1] == "Repayment schedule"}
    assert list(payments) == ["payment 13", "payment 14"]
    assert payments["payment 14"].before is None
    back = compare_term_sheets(longer, draft_term_sheet(l1_term_sheet()))
    assert next(one for one in back if one.label[1] == "payment 14").after is None


def test_api_and_page_compare_versions_with_the_overdue_clause(desk: Desk) -> None:
    first = desk.system.post("/v1/term-sheets", json=TERM_SHEET, headers=key("v1")).json()
    number = first["number"]
    second = desk.system.post("/v1/term-sheets", json=TERM_SHEET | STOPS | {"number": number}, headers=key("v2"))
    assert second.json()["version"] == 2
    assert second.json()["changes"] is None
    told = desk.system.get(f"/v1/term-sheets/{number}", params={"against": 1}).json()
    assert told["version"] == 2
    (stops,) = [one for one in told["changes"] if one["label_zh"] == "停止条件"]
    assert stops["after_en"] == "where a payment is more than 30 days past due"
    assert all(one["group_zh"] == stops["group_zh"] for one in told["changes"]), "nothing else was changed"
    same = desk.system.get(f"/v1/term-sheets/{number}", params={"version": 1, "against": 1}).json()
    assert same["changes"] == []
    missing = desk.system.get(f"/v1/term-sheets/{number}", params={"against": 9})
    assert (missing.status_code, "no version 9" in missing.json()["detail"]) == (404, True)
    page = desk.get(f"/term-sheets/{number}?version=2&against=1").text
    assert "第 1 版与第 2 版的不同" in page
    assert "任一期款项逾期超过 30 天" in page.split("kept")[0]
    assert "两版逐条相同" in desk.get(f"/term-sheets/{number}?version=1&against=1").text
    assert 'name="against"' in desk.get(f"/term-sheets/{number}").text
    assert desk.stranger.get(f"/v1/term-sheets/{number}", params={"against": 1}).status_code == 404
