"""Parameters over HTTP: proposed, proven, tried on what stands, approved by another person; lists by both dates."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlmodel import select

from carbonfin.kernel.dates import china_day
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer
from carbonfin.storage.parties import UserRow, actor_of
from carbonfin.storage.rulebook import PARAMETER_APPROVAL
from tests.app.worlds import NOW, PAGE, World, form_token, signed_in

TODAY = china_day(NOW)
DAYS = {"valid_on": str(TODAY), "known_on": str(TODAY)}
DRAFT = {
    "key": "loans.settlement_day", "value": "15", "unit": "day", "valid_from": str(TODAY), "known_from": str(TODAY),
    "document": "结息办法（2026）", "article": "第二条", "grade": "read", "confirmed": True,
}  # fmt: skip
FORM = {**DRAFT, "confirmed": "yes"}


@pytest.fixture
def system(world: World) -> Iterator[TestClient[Any]]:
    with TestClient(world.app) as client:
        client.headers.update(world.key_headers())
        yield client


def approved(world: World, approval_id: str) -> None:
    with world.sessions.begin() as session:
        checker = actor_of(session, session.exec(select(UserRow.id).where(UserRow.login == "checker")).one())
        approvals.approve(
            session, checker, approval_id, kinds=(PARAMETER_APPROVAL,), answer=Answer(reason="已核对"), at=NOW,
            business_date=TODAY,
        )  # fmt: skip


def listed(client: TestClient[Any], **query: str) -> list[dict[str, Any]]:
    answer = client.get("/v1/rules/parameters", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["parameters"]
    return found


def settlement_days(client: TestClient[Any], **query: str) -> list[str]:
    return [one["value"] for one in listed(client, key="loans.settlement_day", **(DAYS | query))]


def posted(client: TestClient[Any], address: str, form: dict[str, Any]) -> Any:
    token = form_token(client.get("/rules/parameters/drafts", headers=PAGE).text)
    return client.post(address, data={"_csrf_token": token, **form}, headers=PAGE, follow_redirects=False)


def test_the_form_begins_with_the_value_of_the_scope_asked_for(world: World) -> None:
    with signed_in(world) as client:
        asked = {"key": "collateral.offset_admitted", "scope": "SZA/CCER"}
        page = client.get("/rules/parameters/drafts", params=asked, headers=PAGE).text
    assert re.search(r'name="scope" type="text" value="SZA/CCER"', page)
    assert re.search(r'name="key"[^>]*>.*value="collateral.offset_admitted" selected', page, re.DOTALL)


def test_a_value_is_previewed_proposed_and_holds_once_another_person_approved_it(world: World) -> None:
    with signed_in(world) as client:
        before = settlement_days(client)
        assert before == ["20"], "the built-in value, written in loans/parameters"
        preview = posted(client, "/rules/parameters/drafts", FORM)
        assert preview.status_code == 200, preview.text
        assert "尚未存入" in preview.text
        assert re.search(r"现值\s*<strong>20</strong>.*新值\s*<strong>15</strong>", preview.text, re.DOTALL)
        assert settlement_days(client) == before
        moved = posted(client, "/rules/parameters/proposals", {**FORM, "reason": "结息日调整"})
        assert moved.status_code == 303, moved.text
        address = moved.headers["location"]
        assert settlement_days(client) == before, "nothing holds before its approval"
        page = client.get("/rules/parameters", headers=PAGE).text
        assert f'href="{address}"' in page
        waiting = client.get(address, headers=PAGE).text
        assert "对现有决定的影响" in waiting
        approved(world, address.rsplit("/", 1)[1])
        assert settlement_days(client) == ["15"]
        assert settlement_days(client, known_on=str(TODAY - timedelta(days=1))) == ["20"]
        history = client.get("/rules/parameters/loans.settlement_day", params=DAYS, headers=PAGE).text
        assert history.index(">15<") < history.index(">20<")
        assert "已被更正或替代" in history


def test_the_source_stands_with_number_and_words_from_the_form_to_the_history(world: World) -> None:
    source = {"document_number": "示银发〔2026〕1号", "quote": "结息日为每月15日。"}
    with signed_in(world) as client:
        preview = posted(client, "/rules/parameters/drafts", FORM | source).text
        assert 'name="document_number" value="示银发〔2026〕1号"' in preview, "it goes on to the proposal"
        moved = posted(client, "/rules/parameters/proposals", {**FORM, **source, "reason": "结息日调整"})
        address = moved.headers["location"]
        waiting = client.get(address, headers=PAGE).text
        assert "文号" in waiting
        assert "结息日为每月15日。" in waiting
        approved(world, address.rsplit("/", 1)[1])
        (found,) = listed(client, key="loans.settlement_day", **DAYS)
        history = client.get("/rules/parameters/loans.settlement_day", params=DAYS, headers=PAGE).text
        lines = list(
            csv.reader(io.StringIO(client.get("/rules/parameters/export/csv", params=DAYS).text.lstrip("\ufeff")))
        )
        builtin = listed(client, key="loans.settlement_day", known_on=str(TODAY - timedelta(days=1)))
    assert (found["document_number"], found["quote"]) == ("示银发〔2026〕1号", "结息日为每月15日。")
    assert "结息办法（2026） 示银发〔2026〕1号" in history
    assert "“结息日为每月15日。”" in history
    (line,) = (one for one in lines if one[0] == "loans.settlement_day")
    assert dict(zip(lines[0], line, strict=True)) | {"文号": "示银发〔2026〕1号", "引文": "结息日为每月15日。"} == dict(
        zip(lines[0], line, strict=True)
    )
    assert [(one["document_number"], one["quote"]) for one in builtin] == [("银发〔2005〕129号", None)]


def test_words_are_quoted_only_where_the_text_is_at_hand(world: World) -> None:
    with TestClient(world.app) as client:
        said = client.post(
            "/v1/rules/parameters/validations", json=DRAFT | {"grade": "memory", "quote": "原文"},
            headers=world.key_headers(),
        ).json()  # fmt: skip
    assert [one["field"] for one in said["faults"]] == ["quote"]


def test_days_left_out_are_told_and_may_be_declared(world: World) -> None:
    ends, begins = TODAY + timedelta(days=30), TODAY + timedelta(days=60)
    with signed_in(world) as client:
        first = posted(
            client, "/rules/parameters/proposals", {**FORM, "valid_to": str(ends), "reason": "结息日调整"}
        ).headers["location"]  # fmt: skip
        approved(world, first.rsplit("/", 1)[1])
        late = {**FORM, "valid_from": str(begins)}
        page = posted(client, "/rules/parameters/drafts", late)
        assert page.status_code == 422
        assert f"前一版本止于 {ends}，后一版本始于 {begins}" in page.text
        page = posted(client, "/rules/parameters/drafts", {**late, "declares_gap": "yes"})
        assert page.status_code == 200
        assert 'name="declares_gap" value="yes"' in page.text, "it goes on to the proposal"
        moved = posted(client, "/rules/parameters/proposals", {**late, "declares_gap": "yes", "reason": "重新施行"})
        assert "已声明空档" in client.get(moved.headers["location"], headers=PAGE).text
    with TestClient(world.app) as client:
        draft = DRAFT | {"valid_from": str(begins), "known_from": str(TODAY + timedelta(days=1))}  # the other waits
        said = [
            client.post("/v1/rules/parameters/validations", json=body, headers=world.key_headers()).json()
            for body in (draft, draft | {"declares_gap": True})
        ]
    assert [one["may_be_proposed"] for one in said] == [False, True]
    assert [fault["field"] for fault in said[0]["faults"]] == ["valid_from"]


def test_what_was_known_is_asked_to_the_minute(world: World) -> None:
    with signed_in(world) as client:
        moved = posted(client, "/rules/parameters/proposals", {**FORM, "reason": "结息日调整"})
        approved(world, moved.headers["location"].rsplit("/", 1)[1])  # at 12:00 in China

        def known(at: str) -> list[str]:
            found = listed(client, key="loans.settlement_day", valid_on=str(TODAY), known_at=at)
            return [one["value"] for one in found]

        assert known(f"{TODAY}T11:59:00+08:00") == ["20"]
        assert known(f"{TODAY}T12:00:00+08:00") == known(f"{TODAY}T04:00:00Z") == ["15"]
        (found,) = listed(client, key="loans.settlement_day", **DAYS)
        assert found["known_at"] == "2026-03-02T04:00:00Z"
        address = "/rules/parameters/loans.settlement_day"
        for known_time, shown in (("11:59", "当时尚未知悉"), ("12:00", "已被更正或替代"), ("", "已被更正或替代")):
            page = client.get(address, params=DAYS | {"known_time": known_time}, headers=PAGE)
            assert shown in page.text
        assert f"{TODAY} 12:00" in page.text
        for query, field in (
            ({"known_at": f"{TODAY}T12:00:00"}, "known_at"),
            ({"known_at": f"{TODAY}T12:00:00Z", "known_on": str(TODAY)}, "known_at"),
        ):
            refused = client.get("/v1/rules/parameters", params=query)
            assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
        for known_time in ("25:00", "noon"):
            refused = client.get(address, params=DAYS | {"known_time": known_time}, headers=PAGE)
            assert refused.status_code == 422


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"key": "loans.no_such"}, "key", "没有参数"), ({"unit": "CNY"}, "unit", "单位应为 day"),
        ({"value": "15.5"}, "value", "整数"), ({"document": " "}, "document", "依据文件"),
        ({"valid_to": str(TODAY - timedelta(days=1))}, "valid_to", "日期"),
    ],
)  # fmt: skip
def test_a_draft_that_breaks_a_rule_is_told_by_field(
    world: World, changed: dict[str, str], field: str, words: str
) -> None:
    with TestClient(world.app) as client:
        said = client.post("/v1/rules/parameters/validations", json=DRAFT | changed, headers=world.key_headers())
    assert said.status_code == 200, said.text
    found = said.json()
    assert (found["may_be_proposed"], [one["field"] for one in found["faults"]]) == (False, [field])
    assert words in found["faults"][0]["zh"]
    with signed_in(world) as client:
        page = posted(client, "/rules/parameters/drafts", {**FORM, **changed})
        assert page.status_code == 422
        assert words in page.text
        assert "/rules/parameters/proposals" not in page.text
        refused = posted(client, "/rules/parameters/proposals", {**FORM, **changed, "reason": "试"})
        assert refused.status_code == 422
        assert DRAFT["document"] in refused.text or field == "document", "what was typed is not lost"


def test_a_value_known_before_its_approval_or_without_days_is_refused(world: World) -> None:
    with signed_in(world) as client:
        for changed, words in (
            ({"known_from": str(TODAY - timedelta(days=1))}, "不得早于复核日"),
            ({"valid_from": ""}, "日期"),
        ):
            answer = posted(client, "/rules/parameters/proposals", {**FORM, **changed, "reason": "试"})
            assert (answer.status_code, words in answer.text) == (422, True)


def faults_previewed(world: World, **changed: str) -> list[tuple[str, str]]:
    """Give field and words of what a preview over the API says against the draft."""
    with TestClient(world.app) as client:
        said = client.post("/v1/rules/parameters/validations", json=DRAFT | changed, headers=world.key_headers())
    assert said.status_code == 200, said.text
    found = said.json()
    assert found["may_be_proposed"] is not bool(found["faults"])
    return [(one["field"], one["zh"]) for one in found["faults"]]


def test_a_preview_refuses_what_would_be_known_before_its_approval(world: World) -> None:
    yesterday = {"known_from": str(TODAY - timedelta(days=1))}
    words = f"参数不得早于复核日 {TODAY} 启用"
    assert faults_previewed(world) == []
    assert faults_previewed(world, **yesterday) == [("known_from", words)]
    assert [field for field, _ in faults_previewed(world, **yesterday, unit="CNY")] == ["unit", "known_from"]
    with signed_in(world) as client:
        page = posted(client, "/rules/parameters/drafts", {**FORM, **yesterday})
        assert (page.status_code, words in page.text) == (422, True)
        assert "/rules/parameters/proposals" not in page.text
        refused = posted(client, "/rules/parameters/proposals", {**FORM, **yesterday, "reason": "试"})
        assert (refused.status_code, words in refused.text) == (422, True)


@pytest.mark.parametrize(("step", "words"), [("propose", "同一事项已在审批中"), ("draft", "的草稿")])
def test_a_preview_refuses_a_second_while_one_is_drafted_or_waits(world: World, step: str, words: str) -> None:
    with signed_in(world) as client:
        first = posted(client, "/rules/parameters/proposals", {**FORM, "reason": "结息日调整", "step": step})
        assert first.status_code == 303, first.text
        page = posted(client, "/rules/parameters/drafts", FORM)
        assert (page.status_code, words in page.text) == (422, True)
        refused = posted(client, "/rules/parameters/proposals", {**FORM, "reason": "试"})
        assert (refused.status_code, words in refused.text) == (409, True)
    ((field, told),) = faults_previewed(world, value="16")
    assert (field, words in told) == ("subject", True)
    assert faults_previewed(world, known_from=str(TODAY + timedelta(days=1))) == []


def test_a_preview_refuses_the_days_of_a_value_that_stands(world: World) -> None:
    tomorrow = {"known_from": str(TODAY + timedelta(days=1))}
    words = "参数 loans.settlement_day 在相同日期已有取值"
    with signed_in(world) as client:
        moved = posted(client, "/rules/parameters/proposals", {**FORM, **tomorrow, "reason": "结息日调整"})
        approved(world, moved.headers["location"].rsplit("/", 1)[1])
        refused = posted(client, "/rules/parameters/proposals", {**FORM, **tomorrow, "reason": "试"})
        assert (refused.status_code, words in refused.text) == (409, True)
    assert faults_previewed(world, **tomorrow) == [("known_from", words)]


def test_a_system_proposes_no_value(system: TestClient[Any]) -> None:
    answer = system.post("/v1/rules/parameters/proposals", json={"draft": DRAFT, "reason": "试"})
    assert answer.status_code == 403


def gathered(client: TestClient[Any], **query: str) -> list[dict[str, Any]]:
    """Follow the links from page to page."""
    answer = client.get("/v1/rules/parameters", params=DAYS | query)
    found: list[dict[str, Any]] = answer.json()["parameters"]
    while following := re.search(r'<([^>]+)>; rel="next"', answer.headers["link"]):
        answer = client.get(following[1])
        found += answer.json()["parameters"]
    return found


def test_the_list_goes_by_package_in_pages_and_by_date(system: TestClient[Any]) -> None:
    whole = gathered(system, limit="200")
    names = [(one["key"], one["scope"], one["valid_from"], one["known_from"]) for one in whole]
    assert names == sorted(set(names))
    assert {one["package"] for one in whole} >= {"pricing", "loans", "reporting"}
    loans = gathered(system, package="loans", limit="7")
    assert loans == [one for one in whole if one["package"] == "loans"]
    latest = [one["known_from"] for one in gathered(system, sort="known", limit="60")]
    assert (len(latest), latest) == (len(whole), sorted(latest, reverse=True))
    assert system.get("/v1/rules/parameters", params={"package": "weather"}).status_code == 422


def test_the_page_goes_on_and_is_exported(world: World) -> None:
    with signed_in(world) as client:
        whole, loans = gathered(client, limit="200"), gathered(client, package="loans", limit="200")
        page = client.get("/rules/parameters", params={**DAYS, "limit": "5"}, headers=PAGE).text
        following = re.search(r'href="([^"]+)" rel="next"', page)
        assert following is not None
        second = client.get(following[1].replace("&amp;", "&"), headers=PAGE).text
        assert f"<code>{whole[5]['key']}" in second
        assert 'rel="first"' in second
        kept = client.get("/rules/parameters/export/csv", params={**DAYS, "package": "loans"}, headers=PAGE)
    rows = list(csv.reader(io.StringIO(kept.content.decode("utf-8-sig"))))
    assert [row[0] for row in rows[1:]] == [one["key"] for one in loans]


def test_the_old_address_leads_to_the_list(world: World) -> None:
    with signed_in(world) as client:
        answer = client.get("/administration/parameters", headers=PAGE, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/rules/parameters")
