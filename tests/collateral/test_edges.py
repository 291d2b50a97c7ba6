"""The collateral API, pages and commands as systems, people and scripts meet them."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
import structlog
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.cli import main
from carbonfin.app.factory import create_app
from carbonfin.app.logs import open_logs
from carbonfin.kernel.actors import Role
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import add_person, issue_key
from collateral import jobs, service
from collateral.calc.agreements import Pledge
from collateral.registries.simulated import Fault
from tests.app.worlds import PAGE, PASSWORD, PASSWORD_HASH, SECRET, SETTINGS, form_token
from tests.collateral.desk import CLOCK, Desk, build_desk, repo_r1, take_over_all
from tests.collateral.registries import adapter, fault, simulated
from tests.collateral.world import TODAY

E1 = "91440300EXAMPLE11K"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    sessions: Sessions
    app: Litestar
    desk: Desk
    keys: dict[str, str]
    pledges: dict[str, Pledge]
    repo_id: str


@pytest.fixture(autouse=True)
def quiet_logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with (tmp_path_factory.mktemp("logs") / "app.jsonl").open("w", encoding="utf-8") as stream:
        open_logs(stream)
        yield
        structlog.reset_defaults()


@pytest.fixture
def edge(desk_sessions: Sessions, desk: Desk) -> Edge:
    with desk_sessions.begin() as session:
        take_over_all(session, desk)
        repo = service.open_repo(session, desk.maker, repo_r1(desk), standing=desk.standing)
        jobs.revalue(session, desk.maker, TODAY)
        jobs.issue_calls(session, desk.maker, TODAY)
        jobs.strike_headroom(session, desk.maker, TODAY)
        bank_id = desk.maker.organization_id
        for login, role in (("officer", Role.OFFICER), ("approver", Role.CHECKER), ("auditor", Role.AUDITOR)):
            add_person(
                session, organization_id=bank_id, login=login, name=login, role=role, password_hash=PASSWORD_HASH
            )
        keys = {
            name: issue_key(
                session,
                organization_id=organization_id,
                name=name,
                role=Role.SYSTEM,
                scopes=("*",),
                expires_at=CLOCK.now().replace(year=2030),
                pepper=SECRET,
            ).text
            for name, organization_id in (("system", bank_id), ("other", desk.stranger.organization_id))
        }
        pledges = {one.code: one for one in service.pledges_of(session, desk.maker)}
    app = create_app(SETTINGS, desk_sessions, CLOCK)
    return Edge(sessions=desk_sessions, app=app, desk=desk, keys=keys, pledges=pledges, repo_id=repo.id)


def client_of(edge: Edge, key: str = "system") -> TestClient[Litestar]:
    client = TestClient(edge.app, raise_server_exceptions=False)
    client.headers.update({"Authorization": f"Bearer {edge.keys[key]}"})
    return client


@contextmanager
def signed_in(edge: Edge, login: str = "officer") -> Iterator[TestClient[Litestar]]:
    with TestClient(edge.app, raise_server_exceptions=False) as client:
        token = form_token(client.get("/sign-in", headers=PAGE).text)
        form = {"login": login, "password": PASSWORD, "next": "/", "_csrf_token": token}
        assert client.post("/sign-in", data=form, headers=PAGE, follow_redirects=False).status_code == 303
        yield client


def body(**changes: object) -> dict[str, object]:
    return {
        "code": "P5",
        "pledgor": E1,
        "units": [{"unit": "CEA-2023", "quantity_t": 50000}],
        "principal_cny": "2000000.00",
        "end_date": "2026-03-31",
        "extends_code": "P1",
        **changes,
    }


def test_what_if_stores_nothing_and_names_the_refusal(edge: Edge) -> None:
    client = client_of(edge)
    answer = client.post("/v1/pledges/appraisals", json=body(), headers={"Idempotency-Key": "a"})
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert found["decision_id"] is None
    assert found["market_value_cny"] == "3701500.00"
    assert found["last_safe_date"] == "2025-12-12"
    assert [one["code"] for one in found["refusals"]] == ["end-after-last-safe-date", "headroom-negative"]
    fine = client.post(
        "/v1/pledges/appraisals", json=body(end_date="2025-12-12"), headers={"Idempotency-Key": "b"}
    ).json()
    assert fine["is_acceptable"]
    assert {line["pledge"]["code"] for line in client.get("/v1/pledges").json()["pledges"]} == {"P0", "P1", "P2", "P3"}


def test_recorded_appraisal_has_a_decision_and_a_key_is_used_once(edge: Edge) -> None:
    client = client_of(edge)
    key = {"Idempotency-Key": "c"}
    first = client.post("/v1/pledges/appraisals", json=body(record=True), headers=key)
    again = client.post("/v1/pledges/appraisals", json=body(record=True), headers=key)
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert client.get(f"/v1/decisions/{first.json()['decision_id']}").status_code == 200
    other = client.post("/v1/pledges/appraisals", json=body(record=False), headers=key)
    assert other.status_code == 409
    assert client.post("/v1/pledges/appraisals", json=body()).status_code == 400


def test_pledge_p5_is_kept_as_rejected(edge: Edge) -> None:
    client = client_of(edge)
    answer = client.post("/v1/pledges", json=body(), headers={"Idempotency-Key": "d"})
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert (found["state"], found["state_zh"]) == ("REJECTED", "已拒绝")
    assert "未获准结转" in found["refusals"][0]["detail_zh"]
    detail = client.get(f"/v1/pledges/{found['pledge_id']}").json()
    assert [one["event"] for one in detail["timeline"]] == ["appraise", "reject"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"pledgor": "91440300EXAMPLE11X"}, 422),
        ({"pledgor": "91440300EXAMPLE466"}, 404),
        ({"units": [{"unit": "NOPE-2023", "quantity_t": 1}]}, 422),
        ({"units": [{"unit": "CEA-2023", "quantity_t": 0}]}, 400),
        ({"units": []}, 400),
        ({"principal_cny": "2,000,000.00"}, 400),
        ({"end_date": "2026-02-30"}, 422),
        ({"units": [{"unit": "GDEA-2023", "quantity_t": 1}]}, 409),
        ({"surprise": 1}, 400),
    ],
)
def test_bad_input_is_told_precisely_and_changes_nothing(edge: Edge, changes: dict[str, object], status: int) -> None:
    client = client_of(edge)
    answer = client.post("/v1/pledges", json=body(**changes), headers={"Idempotency-Key": "e"})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert len(client.get("/v1/pledges").json()["pledges"]) == 4


def test_list_stands_by_code_with_coverage_and_calls(edge: Edge) -> None:
    lines = client_of(edge).get("/v1/pledges").json()["pledges"]
    assert [line["pledge"]["code"] for line in lines] == ["P0", "P1", "P2", "P3"]
    assert lines[3]["coverage"]["level"] == "warning"
    assert lines[3]["call"]["cash_amount"] == "55758.81"
    assert lines[3]["call"]["deadline"] == "2025-07-07"


def test_desk_stands_by_distance_to_the_line(edge: Edge) -> None:
    with edge.sessions.read() as session:
        desk = service.collateral_desk(session, edge.desk.maker, standing=edge.desk.standing)
    assert [line.pledge.code for line in desk.pledges] == ["P3", "P2", "P1", "P0"]


def test_repo_and_headroom(edge: Edge) -> None:
    client = client_of(edge)
    repo = client.get(f"/v1/repos/{edge.repo_id}").json()
    assert (repo["exposure_cny"], repo["margin_call_amount"]) == ("120831.14", "132387.66")
    assert repo["margin_call_units_t"] == 5810
    answer = client.get(f"/v1/parties/{edge.desk.parties['E1']}/headroom").json()
    assert [one["headroom_t"] for one in answer["headrooms"]] == [36310]


def test_another_bank_gets_nothing(edge: Edge) -> None:
    client = client_of(edge, "other")
    assert client.get("/v1/pledges").json()["pledges"] == []
    assert client.get(f"/v1/pledges/{edge.pledges['P1'].id}").status_code == 404
    assert client.get(f"/v1/repos/{edge.repo_id}").status_code == 404
    assert client.get(f"/v1/parties/{edge.desk.parties['E1']}/headroom").status_code == 404
    assert client.post("/v1/pledges", json=body(), headers={"Idempotency-Key": "f"}).status_code == 404


def test_desk_page_shows_what_is_near_called_and_ahead(edge: Edge) -> None:
    with signed_in(edge) as client:
        text = client.get("/pledges", headers=PAGE).text
    for words in ("5,155,000.00", "50,000", "160,000", "100,000", "2025-07-07", "还剩 7 天", "55,758.81", "2,720",
                  "132,387.66", "5,810", "36,310", "34,681", "5,407", "27,475", "未确认", "示例"):  # fmt: skip
        assert words in text, words
    order = [text.index(f">{code}</a>") for code in ("P3", "P2", "P1", "P0")]
    table = text.index('id="pledges"')
    places = [text.index(f'/pledges/{edge.pledges[code].id}"', table) for code in ("P3", "P2", "P1", "P0")]
    assert places == sorted(places)
    assert len(order) == 4


def test_pledge_page_links_each_figure_to_its_trace(edge: Edge) -> None:
    with signed_in(edge) as client:
        text = client.get(f"/pledges/{edge.pledges['P1'].id}", headers=PAGE).text
        for name, shown in (
            ("market_value", "3,701,500.00"),
            ("collateral_value", "2,220,900.00"),
            ("coverage", "110.95%"),
            ("ltv", "54.03%"),
            ("last_safe_date", "2025-12-12"),
        ):
            link = re.search(rf'href="(/decisions/[^"#]+)#figure-{name}"[^>]*>([^<]+)<', text)
            assert link, name
            assert link.group(2) == shown
            assert f'id="figure-{name}"' in client.get(link.group(1), headers=PAGE).text
        assert "<svg" in text
        assert "预警线" in text
        assert "存量迁入" in text
        english = client.get(f"/pledges/{edge.pledges['P3'].id}?lang=en", headers=PAGE).text
    assert "Margin called" in english


def test_repo_page(edge: Edge) -> None:
    with signed_in(edge) as client:
        text = client.get(f"/repos/{edge.repo_id}", headers=PAGE).text
    for words in (
        "120,831.14",
        "232,367.58",
        "132,387.66",
        "5,810",
        "48.00%",
        "2,411,322.74",
        "2,417,122.19",
        "待确认",
    ):
        assert words in text, words


def test_application_form_appraises_refuses_and_keeps_what_was_typed(edge: Edge) -> None:
    with signed_in(edge) as client:
        page = client.get("/pledges/new", headers=PAGE)
        form = {
            "_csrf_token": form_token(page.text),
            "action": "appraise",
            "code": "P6",
            "pledgor": E1,
            "unit_1": "CEA-2024",
            "quantity_1": "30000",
            "principal_cny": "1000000.00",
            "end_date": "2026-03-31",
        }
        refused = client.post("/pledges/new", data=form, headers=PAGE)
        assert refused.status_code == 200
        assert "不予受理" in refused.text
        assert "晚于 CEA-2024 的最后安全日" in refused.text
        wrong = client.post("/pledges/new", data=form | {"principal_cny": "1,000,000"}, headers=PAGE)
        assert wrong.status_code == 422
        assert "不是规范的数字" in wrong.text
        assert 'value="1,000,000"' in wrong.text
        assert 'value="CEA-2024"' in wrong.text
        fine = client.post("/pledges/new", data=form | {"end_date": "2025-11-28"}, headers=PAGE)
        assert "评估通过" in fine.text
        sent = client.post(
            "/pledges/new",
            data=form | {"end_date": "2025-11-28", "action": "apply"},
            headers=PAGE,
            follow_redirects=False,
        )
        assert sent.status_code == 303
        assert client.get(sent.headers["location"], headers=PAGE).status_code == 200


def send_step(client: TestClient[Litestar], address: str, path: str, **form: str) -> int:
    token = form_token(client.get(address, headers=PAGE).text)
    return client.post(
        f"{address}/{path}", data={"_csrf_token": token, **form}, headers=PAGE, follow_redirects=False
    ).status_code


def test_a_pledge_goes_through_two_pairs_of_eyes_on_the_pages(edge: Edge) -> None:
    made = client_of(edge).post(
        "/v1/pledges",
        json=body(
            code="P7", extends_code="", units=[{"unit": "SZA-2024", "quantity_t": 1000}],
            pledgor="91440300EXAMPLE541", principal_cny="20000.00", end_date="2025-07-31",
        ),
        headers={"Idempotency-Key": "g"},
    ).json()  # fmt: skip
    assert made["state"] == "APPRAISED", made
    address = f"/pledges/{made['pledge_id']}"
    with signed_in(edge) as officer:
        assert send_step(officer, address, "steps", step="diligence", words="") == 422
        assert send_step(officer, address, "steps", step="diligence", words="无在先权利") == 303
        found = re.search(r'href="(/approvals/[^"]+)"', officer.get(address, headers=PAGE).text)
        assert found
        approval, given = found.group(1), {"finding": "approve", "reason": "同意", "password": PASSWORD}
        assert send_step(officer, approval, "decision", **given) == 403
    with signed_in(edge, "approver") as checker:
        shown = checker.get(approval, headers=PAGE).text
        names = re.search(r'name="unconfirmed" value="([^"]*)"', shown)
        assert names
        assert "vintage_carries_forward" in names.group(1)
        given["unconfirmed"] = names.group(1)
        assert send_step(checker, approval, "decision", **given | {"password": "wrong password"}) == 403
        assert send_step(checker, approval, "decision", **given) == 409
        assert send_step(checker, approval, "decision", **given | {"reason": " "}) == 422
        assert send_step(checker, approval, "decision", **given, accepts="yes") == 303
        assert send_step(checker, approval, "decision", **given, accepts="yes") == 409
    with signed_in(edge) as officer:
        assert send_step(officer, address, "steps", step="sign", words="HT-7") == 303
        signing = re.search(r'href="(/approvals/[^"]+)"', officer.get(address, headers=PAGE).text)
        assert signing
        assert send_step(officer, address, "steps", step="register", words="ZD-7") == 409
    with signed_in(edge, "approver") as checker:
        assert "合同编号" in checker.get(signing.group(1), headers=PAGE).text
        agreed = {"finding": "approve", "reason": "合同已核对", "password": PASSWORD, "accepts": "yes"}
        assert send_step(checker, signing.group(1), "decision", **agreed) == 303
    with signed_in(edge) as officer:
        assert send_step(officer, address, "steps", step="register", words="ZD-7") == 303
        assert send_step(officer, address, "steps", step="freeze") == 303
        assert send_step(officer, address, "steps", step="draw") == 409
        text = officer.get(address, headers=PAGE).text
    assert "已申请冻结" in text
    with signed_in(edge, "auditor") as auditor:
        assert auditor.get(address, headers=PAGE).status_code == 200
        assert send_step(auditor, address, "steps", step="draw") == 403


def test_a_refused_unfreeze_is_asked_for_again_on_the_page(edge: Edge) -> None:
    pledge_id, address = edge.pledges["P3"].id, f"/pledges/{edge.pledges['P3'].id}"
    with simulated(fault(Fault.REJECT, "unfreeze", code="P3")) as server, adapter(server) as registry:
        with edge.sessions.begin() as session:
            maker, standing = edge.desk.maker, edge.desk.standing
            service.repay_pledge(session, maker, pledge_id, standing=standing, cause="结清")
            service.request_unfreeze(session, maker, pledge_id, standing=standing, agreed=edge.desk.agreed)
        jobs.dispatch_registry_messages(edge.sessions, edge.desk.maker, registry, clock=CLOCK)
        with signed_in(edge) as client:
            assert "登记机构拒绝了解冻申请" in client.get(address, headers=PAGE).text
            assert send_step(client, address, "steps", step="ask_again", words="") == 422
            assert send_step(client, address, "steps", step="ask_again", words="已补交材料") == 303
            assert send_step(client, address, "steps", step="ask_again", words="再催") == 409
            assert "重新申请解冻" in client.get(address, headers=PAGE).text
        jobs.dispatch_registry_messages(edge.sessions, edge.desk.maker, registry, clock=CLOCK)
    with edge.sessions.read() as session:
        assert service.load_pledge(session, edge.desk.maker, pledge_id).state == "RELEASED"


def test_a_system_takes_the_letter_of_a_call_as_people_do(edge: Edge) -> None:
    client = client_of(edge)
    (call,) = (one for one in client.get("/v1/margin-calls").json()["calls"] if one["agreement_code"] == "P3")
    letter = client.get(f"/v1/margin-calls/{call['call_id']}/letter.pdf")
    assert (letter.status_code, letter.headers["content-type"]) == (200, "application/pdf")
    assert letter.content.startswith(b"%PDF")
    with signed_in(edge) as officer:
        assert officer.get(f"/margin-calls/{call['call_id']}/pdf").content == letter.content
    assert client_of(edge, "other").get(f"/v1/margin-calls/{call['call_id']}/letter.pdf").status_code == 404


def test_an_empty_desk_says_what_would_be_here(edge: Edge) -> None:
    with edge.sessions.begin() as session:
        add_person(
            session,
            organization_id=edge.desk.stranger.organization_id,
            login="newcomer",
            name="newcomer",
            role=Role.OFFICER,
            password_hash=PASSWORD_HASH,
        )
    with signed_in(edge, "newcomer") as client:
        text = client.get("/pledges", headers=PAGE).text
    assert "还没有质押和回购" in text


@pytest.fixture
def command_line(sqlite_sessions: Sessions, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Desk:
    with sqlite_sessions.begin() as session:
        desk = build_desk(session)
        take_over_all(session, desk)
        jobs.revalue(session, desk.maker, TODAY)
    monkeypatch.setenv("CARBONFIN_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("CARBONFIN_SECRET", SECRET.decode())
    monkeypatch.setenv("CARBONFIN_VAR", str(tmp_path))
    return desk


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["--as", "maker", *arguments])
    return ended.value.code if isinstance(ended.value.code, int) else 0


@pytest.mark.usefixtures("command_line")
def test_commands_answer_as_text_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("collateral", "pledges") == 0
    out = capsys.readouterr().out
    assert "0.9348" in out
    assert "5155000.00" in out
    assert run("--json", "collateral", "headroom", E1) == 0
    assert [one["headroom_t"] for one in json.loads(capsys.readouterr().out)] == [36310]
    given = ("appraise", E1, "CEA-2023=50000", "--principal", "2000000.00", "--end", "2026-03-31", "--extends", "P1")
    assert run("--json", "collateral", *given) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["last_safe_date"] == date(2025, 12, 12).isoformat()
    assert not answer["is_acceptable"]
    assert run("collateral", "appraise", E1, "CEA-2023:50000", "--principal", "1.00", "--end", "2025-12-01") == 2
    assert "品种=吨数" in capsys.readouterr().err
