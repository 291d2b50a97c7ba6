"""The first screen of each role over the sample world: the figures a person must see first, computed by hand."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.factory import create_app
from carbonfin.kernel.actors import Role
from carbonfin.storage.parties import add_person, hash_password
from tests.app.worlds import PAGE, form_token
from tests.journeys.worlds import CLOCK, PASSWORD, SampleCopy


@pytest.fixture(scope="module")
def world(sample: SampleCopy, tmp_path_factory: pytest.TempPathFactory) -> SampleCopy:
    copy = sample.copied(tmp_path_factory.mktemp("homes"))
    with copy.opened() as sessions, sessions.begin() as session:
        for role in (Role.RISK, Role.ADMINISTRATOR):
            add_person(
                session, organization_id=copy.outcome.maker.organization_id, login=f"home-{role}", name=f"{role}(示例)",
                role=role, password_hash=hash_password(PASSWORD),
            )  # fmt: skip
    return copy


@contextmanager
def _home(world: SampleCopy, login: str) -> Iterator[tuple[TestClient[Litestar], str]]:
    with world.opened() as sessions, TestClient(create_app(world.settings, sessions, CLOCK)) as client:
        token = form_token(client.get("/sign-in", headers=PAGE).text)
        entry = {"login": login, "password": PASSWORD, "next": "/", "_csrf_token": token}
        client.post("/sign-in", data=entry, headers=PAGE, follow_redirects=False)
        yield client, _plain(client.get("/", headers=PAGE).text)


def _plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_risk_sees_coverage_unknown_freezes_deadlines_and_concentration(world: SampleCopy) -> None:
    with _home(world, "home-risk") as (_, text):
        for words in ("风险总览", "93.48%", "冻结状态未知", "查询登记机构", "62"):
            assert words in text, words
        # 2,300,661.25 of 5,158,120.06 owed, the sum of P1, P2 and P3: 44.60 %.
        assert "5,158,120.06" in text
        assert "44.60" in text
        # 0.4460 ² + 0.3881 ² + 0.1659 ² = 0.1989 + 0.1506 + 0.0275
        assert "0.3771" in text
        # 100,000 of 210,000 t
        assert "47.62%" in text


def test_the_officer_sees_applications_with_their_next_step_and_observations_due(world: SampleCopy) -> None:
    with _home(world, "maker") as (_, text):
        assert "在办申请" in text
        assert re.search(r"P4 .{0,80}冻结状态未知 查询登记机构", text)
        assert re.search(r"待补的碳账户观测 .{0,200}2024 碳评级报告", text)


def test_the_bureau_sees_its_batch_and_why_applications_wait(world: SampleCopy) -> None:
    with _home(world, "bureau") as (_, text):
        assert re.search(r"本批申请 4 ", text)
        assert "测算 55,086.49 元" in text
        assert "尚未录入任何项目的预算" in text
        # A1 is worked out and A2 is undecided; of neither are all terms read, so nothing is proposed, which is no zero.
        assert "测算金额（元） 55,086.49 拟资助（元） 未决定 2 件的条件、上限等尚未确认" in text
        assert "0.00" not in text
        assert re.search(r"重复申报 A4", text)


def test_the_auditor_draws_the_sample_and_replays_from_it(world: SampleCopy) -> None:
    with _home(world, "auditor") as (client, text):
        assert "今日抽样" in text
        # P1 and P4 were approved live with unconfirmed facts accepted by name; P0, P2 and P3 were carried over. The first
        # concession table was approved with an unconfirmed clause.
        assert re.search(r"人工认可或否决 3 ", text)
        assert re.search(r"降碳贷利率优惠表 .{0,200}第九条第四款", text)
        assert re.search(r"质押 P4 .{0,200}pricing\.surrender_date\[SZA-2024\]", text)
        assert "pricing.surrender_date[SZA-2024]" in text
        page = client.get("/", headers=PAGE).text
        address = re.search(r'action="(/decisions/[^"]+/replay)"', page)
        assert address is not None
        answer = client.post(address.group(1), data={"_csrf_token": form_token(page)}, headers=PAGE)
        assert answer.status_code == 200
        assert "一致" in answer.text


def test_the_administrator_is_led_to_administration(world: SampleCopy) -> None:
    with world.opened() as sessions, TestClient(create_app(world.settings, sessions, CLOCK)) as client:
        token = form_token(client.get("/sign-in", headers=PAGE).text)
        entry = {"login": "home-administrator", "password": PASSWORD, "next": "/", "_csrf_token": token}
        client.post("/sign-in", data=entry, headers=PAGE, follow_redirects=False)
        answer = client.get("/", headers=PAGE, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/administration")
