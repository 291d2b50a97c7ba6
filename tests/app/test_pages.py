"""What every page carries: language, head, headers, no address of elsewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.factory import create_app
from carbonfin.app.navigation import navigation
from carbonfin.storage.engine import Sessions, open_engine
from tests.app.worlds import PAGE, SETTINGS, World, signed_in

PUBLIC_PAGES = ("/sign-in", "/problems", "/problems/conflict", "/docs/api")
OWN_PAGES = ("/", "/decisions", "/search?q=EXAMPLE", "/problems", "/docs/api")


@pytest.mark.parametrize("path", OWN_PAGES)
def test_the_head_says_where_when_and_who(world: World, path: str) -> None:
    with signed_in(world) as client:
        text = client.get(path, headers=PAGE).text
    assert '<html lang="zh-CN" ' in text
    for words in (
        "示例银行股份有限公司",
        "业务日期",
        "2025-06-30",
        "officer(示例)",
        "客户经理",
        "演示数据（示例），不构成报价或承诺",
    ):
        assert words in text, words


def test_a_real_bank_carries_no_sample_banner(world: World) -> None:
    with signed_in(world, "other-officer") as client:
        text = client.get("/", headers=PAGE).text
    assert "另一家银行" in text
    assert "演示数据" not in text


def test_the_language_stays_once_chosen(world: World) -> None:
    with signed_in(world) as client:
        assert '<html lang="zh-CN" ' in client.get("/", headers=PAGE).text
        chosen = client.get("/?lang=en", headers=PAGE)
        assert '<html lang="en" ' in chosen.text
        assert "carbonfin_language=en" in chosen.headers["set-cookie"]
        kept = client.get("/decisions", headers=PAGE)
        assert kept.headers["content-language"] == "en"
        assert "Decisions" in kept.text
        assert "决定记录" not in re.sub(r"<a [^>]*hreflang[^>]*>.*?</a>", "", kept.text)
        assert '<html lang="zh-CN" ' in client.get("/?lang=zh", headers=PAGE).text
        assert '<html lang="zh-CN" ' in client.get("/?lang=fr", headers=PAGE).text


def test_the_switch_keeps_the_address_as_it_is(world: World) -> None:
    with signed_in(world) as client:
        text = client.get("/decisions?subject=P1", headers=PAGE).text
    assert 'href="/decisions?subject=P1&amp;lang=en"' in text


def test_the_theme_stays_once_chosen(world: World) -> None:
    with signed_in(world) as client:
        assert 'data-theme="dark"' in client.get("/?theme=dark", headers=PAGE).text
        assert 'data-theme="dark"' in client.get("/decisions", headers=PAGE).text
        assert "data-theme" not in client.get("/?theme=auto", headers=PAGE).text


@pytest.mark.parametrize("path", [*PUBLIC_PAGES, "/nowhere", "/static/app.css", "/v1/me", "/healthz"])
def test_every_answer_carries_the_security_headers(world: World, path: str) -> None:
    with TestClient(world.app) as client:
        headers = client.get(path, headers=PAGE if not path.startswith("/v1") else {}).headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert re.fullmatch(r"[0-9a-f]{16}", headers["x-request-id"])


def test_no_page_names_an_address_of_elsewhere_or_carries_script_or_style(world: World) -> None:
    with signed_in(world) as client:
        for path in (*OWN_PAGES, f"/decisions/{world.decision_id}", "/nowhere"):
            text = client.get(path, headers=PAGE).text
            assert not re.findall(r'(?:src|href|action)="(?:https?:)?//[^"]*"', text), path
            assert not re.findall(r"\sstyle=|\son[a-z]+=", text), path
            assert not re.findall(r"<script(?![^>]*\ssrc=)", text), path
            assert "<style" not in text, path


def test_own_files_come_from_here_and_nothing_else_does(world: World) -> None:
    with TestClient(world.app) as client:
        for path in ("/static/app.css", "/static/app.js", "/static/icon.svg", "/assets/htmx/htmx.min.js"):
            answer = client.get(path)
            assert answer.status_code == 200, path
            text = answer.text.replace("http://www.w3.org/", "")
            assert path == "/assets/htmx/htmx.min.js" or not re.findall(r"https?://", text), path
        for path in (
            "/static/page.html",
            "/assets/htmx/htmx.js",
            "/assets/fonts/__init__.py",
            "/static/%2e%2e%2fpages.py",
        ):
            assert client.get(path).status_code == 404, path
        font = client.get("/assets/fonts/NotoSansSC-Regular.otf")
    assert font.headers["content-type"] == "font/otf"
    assert len(font.content) > 1_000_000


def test_search_finds_by_a_part_of_name_or_code(world: World) -> None:
    with signed_in(world) as client:
        assert "示例服饰(深圳)有限公司" in client.get("/search?q=服饰", headers=PAGE).text
        assert "示例服饰(深圳)有限公司" in client.get("/search?q=example466", headers=PAGE).text
        assert "没有找到" in client.get("/search?q=不存在", headers=PAGE).text
        hostile = client.get('/search?q="><script>alert(1)</script>', headers=PAGE).text
    assert "<script>alert" not in hostile
    with signed_in(world, "other-officer") as client:
        assert "示例服饰" not in client.get("/search?q=服饰", headers=PAGE).text


def test_the_search_names_what_a_house_looks_for(world: World) -> None:
    for login, words in (("officer", "查找企业、质押、贷款"), ("bureau", "查找贴息申请、企业")):
        with signed_in(world, login) as client:
            assert f'placeholder="{words}"' in client.get("/", headers=PAGE).text


def test_health_and_readiness(world: World) -> None:
    with TestClient(world.app) as client:
        assert client.get("/healthz").json()["status"] == "alive"
        assert client.get("/readyz").json()["status"] == "ready"


def test_an_empty_database_is_not_ready(empty_app: Litestar) -> None:
    with TestClient(empty_app) as client:
        assert client.get("/healthz").status_code == 200
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "not-ready")
    assert answer.headers["retry-after"] == "5"


@pytest.fixture
def empty_app(tmp_path: Path) -> Iterator[Litestar]:
    engine = open_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    yield create_app(SETTINGS, Sessions(engine), packages=())
    engine.dispose()


def test_actions_that_would_be_refused_are_not_offered(world: World) -> None:
    for login, offered in (("officer", True), ("auditor", False), ("checker", False)):
        with signed_in(world, login) as client:
            assert ('href="/loans/new"' in client.get("/", headers=PAGE).text) is offered, login


@pytest.mark.parametrize(
    ("path", "room"),
    [
        ("/", "/"),
        ("/pledges", "/pledges"),
        ("/pledges/P1", "/pledges"),
        ("/margin-calls/C1", "/pledges"),
        ("/curves/volatility", "/market"),
        ("/audit/chain", "/decisions"),
        ("/pledgesque", None),
    ],
)
def test_each_page_stands_in_one_room_of_the_navigation(path: str, room: str | None) -> None:
    assert [item.address for item in navigation() if item.holds(path)] == ([] if room is None else [room])
