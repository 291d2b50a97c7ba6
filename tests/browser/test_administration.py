"""Administration as two administrators walk it: a person, a first password, a key, a lock-out, a party; in both languages."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Served, axe_violations, screenshot, serving, sign_in, visiting
from tests.journeys.worlds import PASSWORD, make_sample

pytestmark = pytest.mark.browser

ROOMS = (
    "/administration",
    "/administration/people",
    "/administration/keys",
    "/administration/events",
    "/administration/settings",
    "/rules/parameters",
    "/parties",
    "/search?q=C0012345",
)
PHONE_WIDTH = 390
NEW_PASSWORD = "another horse battery"
USCI = "91440300EXAMPLE62U"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    sample = make_sample(tmp_path_factory.mktemp("administration"))
    with serving(sample.environment, sample.folder) as running:
        yield running


def test_two_administrators_run_their_house(chromium: Browser, served: Served) -> None:
    """Each step as the one before left it: what one proposes, the other approves, and who is out stays out."""
    refusals = frozenset({403, 422})  # the last two administrators, a wrong check character
    with (
        visiting(chromium, bypass_csp=True, refusals=refusals) as admin,
        visiting(chromium, bypass_csp=True) as checker,
    ):
        sign_in(admin, served, login="admin", password=PASSWORD)
        sign_in(checker, served, login="admin-checker", password=PASSWORD)
        person = _add_person(admin, checker, served)
        password = _hand_out(admin, served, person)
        _first_sign_in(chromium, served, password)
        _key_from_proposal_to_end(admin, checker, served)
        _lock_out(admin, chromium, served, person)
        _enter_and_correct_a_party(admin, served)
        _find_by_number(admin, served)
        _look_at_every_room(admin, served, person)


def _add_person(admin: Page, checker: Page, served: Served) -> str:
    admin.goto(f"{served.address}/administration/people")
    admin.locator("summary", has_text="新增用户").click()
    _fill(admin, "/administration/people", login="new.officer", name="<b>新客户经理</b>", reason="新入职")
    admin.locator("form[action='/administration/people'] select[name=role]").select_option("officer")
    admin.locator("form[action='/administration/people'] button").click()
    _approve(admin, checker, served)
    admin.goto(f"{served.address}/administration/people")
    assert admin.locator("td", has_text="<b>新客户经理</b>").count() == 1, "a name is text, whatever it holds"
    address = admin.locator("a", has_text="new.officer").get_attribute("href")
    assert address is not None
    return address


def _approve(admin: Page, checker: Page, served: Served) -> None:
    """Have the other administrator approve what the first one has just proposed, and nobody else."""
    admin.wait_for_url(re.compile(r"/approvals/[0-9a-f-]{36}$"))
    assert admin.locator("button[value=approve]").count() == 0, "the maker is not offered the own decision"
    assert axe_violations(admin) == []
    checker.goto(f"{served.address}{admin.url.removeprefix(served.address)}")
    assert axe_violations(checker) == []
    checker.locator("[name=reason]").first.fill("已核对")
    checker.locator("[name=password]").fill(PASSWORD)
    checker.locator("button[value=approve]").click()
    checker.locator("text=已生效").first.wait_for()


def _hand_out(admin: Page, served: Served, person: str) -> str:
    admin.goto(f"{served.address}{person}")
    assert axe_violations(admin) == []
    admin.locator("[name=password]").fill(PASSWORD)
    admin.locator("button", has_text="发放一次性密码").click()
    shown = admin.locator(".notice.good code")
    shown.wait_for()
    assert axe_violations(admin) == []
    screenshot(admin, "administration-one-time-password")
    password = shown.inner_text()
    admin.goto(f"{served.address}{person}")
    assert password not in admin.content()
    assert admin.locator("button", has_text="发放一次性密码").count() == 0, "it is handed out once"
    assert password not in _log(served)
    return password


def _first_sign_in(chromium: Browser, served: Served, password: str) -> None:
    with visiting(chromium, bypass_csp=True) as page:
        page.goto(f"{served.address}/sign-in")
        page.locator("input[name=login]").fill("new.officer")
        page.locator("input[name=password]").fill(password)
        page.locator("form[action='/sign-in'] button").click()
        page.wait_for_url(f"{served.address}/account")
        page.locator("[name=current]").fill(password)
        page.locator("[name=new]").fill(NEW_PASSWORD)
        page.locator("[name=again]").fill(NEW_PASSWORD)
        page.locator("form[action='/account/password'] button").click()
        page.wait_for_load_state()
        page.goto(f"{served.address}/enterprises")
        assert page.locator("h1").inner_text() == "企业"


def _key_from_proposal_to_end(admin: Page, checker: Page, served: Served) -> None:
    admin.goto(f"{served.address}/administration/keys")
    admin.locator("summary", has_text="申请密钥").click()
    _fill(admin, "/administration/keys", name="押品系统", scopes="collateral:read", days="30", reason="押品系统接入")
    admin.locator("form[action='/administration/keys'] select[name=role]").select_option("system")
    admin.locator("form[action='/administration/keys'] button").click()
    _approve(admin, checker, served)
    admin.goto(f"{served.address}/administration/keys")
    row = admin.locator("tr", has_text="押品系统")
    assert "待领取" in row.inner_text()
    row.locator("summary").click()
    assert axe_violations(admin) == []
    row.locator("[name=password]").fill(PASSWORD)
    row.locator("button", has_text="领取").click()
    text = admin.locator(".notice.good code").inner_text()
    screenshot(admin, "administration-key-collected")
    headers = {"Authorization": f"Bearer {text}"}
    assert admin.request.get(f"{served.address}/v1/pledges", headers=headers).status == 200
    assert admin.request.get(f"{served.address}/v1/portfolios", headers=headers).status == 403, "another scope"
    admin.goto(f"{served.address}/administration/keys")
    assert text not in admin.content()
    assert text not in _log(served)
    row.locator("summary").click()
    row.locator("button", has_text="立即停用").click()
    admin.locator("tr", has_text="押品系统").locator("text=已停用").wait_for()
    assert admin.request.get(f"{served.address}/v1/pledges", headers=headers).status == 401


def _lock_out(admin: Page, chromium: Browser, served: Served, person: str) -> None:
    with visiting(chromium) as officer:
        sign_in(officer, served, login="new.officer", password=NEW_PASSWORD)
        admin.goto(f"{served.address}{person}")
        admin.locator("button", has_text="停用账户").click()
        admin.locator("text=已停用").first.wait_for()
        officer.goto(f"{served.address}/enterprises")
        assert "/sign-in" in officer.url, "the session ended with the account"
    admin.goto(f"{served.address}/administration/people")
    admin.locator("a", has_text=re.compile("^admin-checker$")).click()
    admin.locator("button", has_text="停用账户").click()
    assert "须保留至少 2 名" in admin.locator(".notice.breach").inner_text()
    assert axe_violations(admin) == []


def _enter_and_correct_a_party(admin: Page, served: Served) -> None:
    admin.goto(f"{served.address}/parties")
    admin.locator("summary", has_text="录入主体").click()
    _fill(admin, "/parties", name="示例新能源(深圳)有限公司", usci=f"{USCI[:-1]}A", industry="C3825")
    admin.locator("form[action='/parties'][method=post] button").click()
    assert "第 18 位校验码不符" in admin.locator("#error-usci").inner_text()
    assert admin.locator("[name=name]").input_value() == "示例新能源(深圳)有限公司", "nothing typed is lost"
    assert axe_violations(admin) == []
    _fill(admin, "/parties", usci=USCI)
    admin.locator("form[action='/parties'][method=post] button").click()
    admin.wait_for_url(re.compile(r"/parties/[0-9a-f-]{36}$"))
    admin.locator("[name=district]").fill("光明")
    admin.locator("form[action^='/parties/'] button").click()
    admin.locator("text=/：— → 光明/").wait_for()
    assert axe_violations(admin) == []


def _find_by_number(admin: Page, served: Served) -> None:
    admin.locator("a.button", has_text="外部编号").click()
    admin.locator("[name=value]").fill("C0012345678")
    admin.locator("form[action='/external-ids'] button").click()
    admin.locator("th code", has_text="C0012345678").wait_for()
    assert axe_violations(admin) == []
    screenshot(admin, "administration-numbers")
    admin.goto(f"{served.address}/search?q=C0012")
    admin.locator("td a", has_text="示例新能源").click()
    admin.wait_for_url(re.compile(r"/parties/[0-9a-f-]{36}$"))
    assert "C0012345678" in admin.locator("dl.terms").first.inner_text()


def _look_at_every_room(admin: Page, served: Served, person: str) -> None:
    party = admin.url.removeprefix(served.address)
    for language in ("zh", "en"):
        admin.goto(f"{served.address}/administration?lang={language}")
        for room in (*ROOMS, person, party):
            for width in (1440, PHONE_WIDTH):
                admin.set_viewport_size({"width": width, "height": 900})
                admin.goto(f"{served.address}{room}")
                assert axe_violations(admin) == [], f"{room} {language} {width}"
                name = re.sub(r"[^a-z]+", "-", re.sub(r"[0-9a-f-]{36}", "one", room)).strip("-")
                screenshot(admin, f"{name}-{language}-{width}")
                assert admin.evaluate("document.documentElement.scrollWidth") <= width, f"{room} overflows at {width}"


def _fill(page: Page, action: str, **values: str) -> None:
    for name, value in values.items():
        page.locator(f"form[action='{action}'][method=post] [name={name}]").fill(value)


def _log(served: Served) -> str:
    return (served.folder / "server.log").read_text(encoding="utf-8", errors="replace")
