"""Margin calls and terms as an officer and a bank's system meet them, over the sample world."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.factory import create_app
from collateral import service
from tests.app.worlds import PAGE, form_token
from tests.journeys.worlds import CLOCK, PASSWORD, SampleCopy

TERMS = {
    "agreement_code": "P3", "agreement_kind": "pledge", "currency": "CNY", "threshold": "0.00",
    "minimum_transfer": "10000.00", "rounding": "1000.00", "delivery_direction": "up", "return_direction": "down",
    "independent": "0.00", "calendar": "both", "zone": "Asia/Shanghai", "notification_time": "11:00",
    "transfer_time": "15:00", "resolution_time": "12:00", "days_on_time": "1", "days_late": "2",
    "resolution_days": "1", "grace_days": "1", "document": "补充协议 第三条", "valid_from": "2026-01-05",
    "reason": "补充协议",
}  # fmt: skip


@pytest.fixture
def world(sample: SampleCopy, tmp_path_factory: pytest.TempPathFactory) -> SampleCopy:
    return sample.copied(tmp_path_factory.mktemp("margin"))


@contextmanager
def signed_in(world: SampleCopy, login: str) -> Iterator[TestClient[Litestar]]:
    with world.opened() as sessions, TestClient(create_app(world.settings, sessions, CLOCK)) as client:
        token = form_token(client.get("/sign-in", headers=PAGE).text)
        entry = {"login": login, "password": PASSWORD, "next": "/", "_csrf_token": token}
        client.post("/sign-in", data=entry, headers=PAGE, follow_redirects=False)
        yield client


def call_id(world: SampleCopy) -> str:
    with world.opened() as sessions, sessions.read() as session:
        (call,) = service.live_calls(session, world.outcome.maker, agreement_code="P3")
        return call.id


def send(client: TestClient[Litestar], address: str, form: dict[str, str], page: str = "") -> tuple[int, str]:
    token = form_token(client.get(page or address, headers=PAGE).text)
    answer = client.post(address, data={**form, "_csrf_token": token}, headers=PAGE, follow_redirects=False)
    return answer.status_code, answer.text


def test_the_call_shows_how_its_amount_came_about_and_prints_a_letter(world: SampleCopy) -> None:
    identifier = call_id(world)
    with signed_in(world, "maker") as client:
        listed = client.get("/margin-calls", headers=PAGE).text
        shown = client.get(f"/margin-calls/{identifier}", headers=PAGE).text
        english = client.get(f"/margin-calls/{identifier}?lang=en", headers=PAGE).text
        letter = client.get(f"/margin-calls/{identifier}/pdf", headers=PAGE)
        again = client.get(f"/margin-calls/{identifier}/pdf", headers=PAGE)
    assert f'href="/margin-calls/{identifier}"' in listed
    # 855,758.81 owed, 800,000.00 of collateral, so 55,758.81 to the initial line
    assert all(part in listed for part in ("P3", "55,758.81", "已发出"))
    assert all(part in shown for part in ("800,000.00", "855,758.81", "55,758.81", "当日价格、折扣系数", "登记到账"))
    assert "Called" in english
    assert letter.content.startswith(b"%PDF")
    assert letter.content == again.content


def test_a_step_that_the_state_refuses_says_so_and_a_receipt_settles(world: SampleCopy) -> None:
    identifier = call_id(world)
    address = f"/margin-calls/{identifier}/steps"
    with signed_in(world, "maker") as client:
        page = f"/margin-calls/{identifier}"
        status, text = send(client, address, {"step": "accept", "words": "凭证", "amount": ""}, page)
        assert (status, "不允许执行" in text) == (422, True)
        status, text = send(client, address, {"step": "receive", "words": "", "amount": "55758.81"}, page)
        assert (status, "请填写依据" in text) == (422, True)
        status, _ = send(client, address, {"step": "receive", "words": "凭证 7", "amount": "55758.81"}, page)
        assert status == 303
        assert "已完成" in client.get(page, headers=PAGE).text
        assert "没有未了结的追加担保" not in client.get("/margin-calls?show=all", headers=PAGE).text


def test_terms_are_proposed_in_a_form_and_wait_for_the_checker(world: SampleCopy) -> None:
    with signed_in(world, "maker") as client:
        status, text = send(client, "/margin-terms", {**TERMS, "notification_time": "11 am"})
        assert (status, "该项填写格式不正确" in text) == (422, True)
        status, text = send(client, "/margin-terms", {**TERMS, "initial_ratio": "1.10"})
        assert (status, "三条覆盖率线须一并约定" in text) == (422, True)
        status, text = send(client, "/margin-terms", TERMS)
        assert status == 303, text[:2000]
        assert "待另一人复核" in client.get("/margin-terms?agreement=P3", headers=PAGE).text
    with signed_in(world, "checker") as client:
        assert "保证金条款 P3" in client.get("/approvals", headers=PAGE).text
        assert 'name="notification_time"' not in client.get("/margin-terms?agreement=P3", headers=PAGE).text
