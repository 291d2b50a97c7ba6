"""A pledge from application to release over the API: contract, drawdown and release by two people, on both databases.

P7 is 1,000 t of SZA-2024 behind 20,000.00; P1 owes 2,000,000.00 and 1,700.00 of interest, 2,001,700.00 together.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import httpx
import pytest
import structlog
from litestar.testing import TestClient

from carbonfin.app.factory import create_app
from carbonfin.app.logs import open_logs
from carbonfin.kernel.actors import Role
from carbonfin.kernel.errors import NotPermitted
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer
from carbonfin.storage.engine import Sessions
from carbonfin.storage.files import check_file, links_of, store_file
from carbonfin.storage.parties import issue_key
from collateral import jobs, service
from collateral.registries.simulated import Fault
from collateral.service import PLEDGE_STEP_APPROVAL
from tests.app.worlds import PAGE, SECRET, SETTINGS
from tests.collateral.desk import CLOCK, Desk, build_desk, take_over_all
from tests.collateral.registries import adapter, fault, simulated
from tests.collateral.test_edges import Edge, body, command_line, edge, quiet_logs, run, send_step, signed_in
from tests.collateral.world import TODAY

__all__ = ["command_line", "edge", "quiet_logs"]
FILE = check_file("借款合同扫描件".encode(), name="借款合同.txt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """A bank's system at the API, and the people behind it."""

    sessions: Sessions
    desk: Desk
    client: TestClient[Any]

    def step(self, pledge_id: str, step: str, *, key: str = "", **fields: object) -> httpx.Response:
        return self.client.post(
            f"/v1/pledges/{pledge_id}/steps", json={"step": step, **fields},
            headers={"Idempotency-Key": key or f"{step}-{pledge_id}"},
        )  # fmt: skip

    def state(self, pledge_id: str) -> str:
        return str(self.client.get(f"/v1/pledges/{pledge_id}").json()["pledge"]["state"])

    def approve(self, pledge_id: str) -> dict[str, Any]:
        """Have the checker agree; what is approved is given as the checker read it."""
        with self.sessions.begin() as session:
            waiting = service.waiting_step(session, self.desk.maker, pledge_id)
            assert waiting is not None
            approvals.approve(
                session, self.desk.checker, waiting.id, kinds=(PLEDGE_STEP_APPROVAL,), answer=Answer(reason="核对无误"),
                at=self.desk.standing.known_at, business_date=TODAY,
            )  # fmt: skip
            return waiting.payload


@pytest.fixture
def counter(sessions: Sessions, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    with sessions.begin() as session:
        desk = build_desk(session)
        take_over_all(session, desk)
        service.record_exposure(
            session, desk.maker, "P1", principal_cny=Decimal("2000000.00"), accrued_cny=Decimal("1700.00"),
            exposure_date=TODAY,
        )  # fmt: skip
        key = issue_key(
            session, organization_id=desk.maker.organization_id, name="core", role=Role.SYSTEM, scopes=("*",),
            expires_at=CLOCK.now().replace(year=2030), pepper=SECRET,
        ).text  # fmt: skip
        store_file(session, desk.maker, FILE, at=desk.standing.known_at)
    with (tmp_path_factory.mktemp("logs") / "app.jsonl").open("w", encoding="utf-8") as stream:
        open_logs(stream)
        with TestClient(create_app(SETTINGS, sessions, CLOCK), raise_server_exceptions=False) as client:
            client.headers.update({"Authorization": f"Bearer {key}"})
            yield Counter(sessions=sessions, desk=desk, client=client)
        structlog.reset_defaults()


def approved(counter: Counter) -> str:
    """P7 applied for, looked into and approved."""
    asked = body(
        code="P7", extends_code="", units=[{"unit": "SZA-2024", "quantity_t": 1000}], pledgor="91440300EXAMPLE541",
        principal_cny="20000.00", end_date="2025-07-31",
    )  # fmt: skip
    made = counter.client.post("/v1/pledges", json=asked, headers={"Idempotency-Key": "apply"}).json()
    pledge_id = str(made["pledge_id"])
    assert counter.step(pledge_id, "diligence", words="无在先权利").json()["pledge"]["state"] == "DILIGENCE_DONE"
    with counter.sessions.begin() as session:
        checker = counter.desk.checker
        found = service.load_pledge(session, checker, pledge_id)
        service.approve_pledge(
            session, checker, pledge_id, standing=counter.desk.standing, reason="同意",
            accepted_unconfirmed=service.unconfirmed_of(session, checker, found),
        )  # fmt: skip
    return pledge_id


def test_a_pledge_goes_from_contract_to_release_over_the_api(counter: Counter) -> None:
    pledge_id = approved(counter)
    asked = counter.step(pledge_id, "sign", words="HT-7", evidence_digest=FILE.digest)
    assert (asked.status_code, asked.json()["pledge"]["state"]) == (200, "APPROVED")
    assert asked.json()["waiting"]["title_zh"] == "登记质押合同：质押 P7"
    assert counter.step(pledge_id, "sign", words="HT-7", evidence_digest=FILE.digest).json() == asked.json()
    again = counter.step(pledge_id, "sign", key="another", words="HT-8")
    assert (again.status_code, again.json()["detail"]) == (
        409, f"collateral.pledge_step of pledge:{pledge_id} is already before the checkers",
    )  # fmt: skip
    assert counter.client.get(f"/v1/pledges/{pledge_id}").json()["waiting"] == asked.json()["waiting"]
    assert counter.approve(pledge_id) == {
        "action": "sign", "code": "P7", "pledgor": "示例数据中心(深圳)有限公司 91440300EXAMPLE541",
        "units": [{"unit": "SZA-2024", "quantity_t": 1000}], "principal_cny": "20000.00", "end_date": "2025-07-31",
        "contract_number": "HT-7", "registration_number": "", "owed_cny": "", "owed_on": "",
        "evidence_digest": FILE.digest,
    }  # fmt: skip
    assert counter.step(pledge_id, "register", words="ZD-7").json()["pledge"]["state"] == "REGISTERED_ZHONGDENG"
    assert counter.step(pledge_id, "freeze").json()["pledge"]["state"] == "FREEZE_REQUESTED"
    early = counter.step(pledge_id, "draw", key="early")
    assert (early.status_code, early.json()["detail"]) == (
        409, "pledge P7 is not registered and frozen in full: SZA-2024: 0 of 1000 t frozen",
    )  # fmt: skip
    with simulated() as server, adapter(server) as registry:
        jobs.dispatch_registry_messages(counter.sessions, counter.desk.maker, registry, clock=CLOCK)
        assert counter.step(pledge_id, "draw").json()["pledge"]["state"] == "FROZEN"
        assert counter.approve(pledge_id)["registration_number"] == "ZD-7"
        assert counter.state(pledge_id) == "DRAWN"
        assert counter.step(pledge_id, "repay", words="还款凭证 7").json()["pledge"]["state"] == "REPAID"
        assert counter.step(pledge_id, "release").json()["pledge"]["state"] == "REPAID"
        owed = counter.approve(pledge_id)
        assert (owed["owed_cny"], owed["owed_on"]) == ("20000.00", "2025-06-30")
        jobs.dispatch_registry_messages(counter.sessions, counter.desk.maker, registry, clock=CLOCK)
    assert counter.state(pledge_id) == "RELEASED"
    timeline = counter.client.get(f"/v1/pledges/{pledge_id}").json()["timeline"]
    said = {one["event"]: (one["actor_name"], one["cause"]) for one in timeline}
    assert said["sign"] == ("checker(示例)", "合同 HT-7；经办 core，复核意见：核对无误")
    assert said["drawdown"] == ("checker(示例)", "放款 20000.00 元；经办 core，复核意见：核对无误")
    with counter.sessions.read() as session:
        links = links_of(session, counter.desk.maker, f"pledge:{pledge_id}")
    assert [one.file.digest for one in links] == [FILE.digest]


def test_a_step_that_is_refused_names_its_figures_and_changes_nothing(counter: Counter) -> None:
    pledge_id = approved(counter)
    with counter.sessions.read() as session:
        p1 = service.pledge_by_code(session, counter.desk.maker, "P1")
    assert p1 is not None
    for of, step, fields, status, detail in (
        (pledge_id, "sign", {"words": " "}, 422, "contract is empty"),
        (pledge_id, "register", {"words": "ZD-7"}, 409, "APPROVED"),
        (pledge_id, "draw", {}, 409, "no registration number of the movable-asset register"),
        (pledge_id, "release", {}, 409, "APPROVED"),
        (pledge_id, "withdraw", {}, 422, "cause is empty"),
        (pledge_id, "sign", {"words": "HT", "evidence_digest": "0" * 64}, 422, "no evidence file"),
        (pledge_id, "sign", {"words": "HT", "serials": [{"unit": "CCER", "ranges": [
            {"registry": "CCER", "kind": "P1", "first": 1, "last": 2}]}]}, 422, "only a freeze names serial numbers"),
        (p1.id, "repay", {"words": "口头告知"}, 409,
         "2001700.00 CNY are owed on 2025-06-30: principal 2000000.00, accrued 1700.00, costs 0.00"),
        (pledge_id, "burn", {}, 400, "/step does not parse"),
    ):  # fmt: skip
        before = (counter.state(of), counter.client.get(f"/v1/pledges/{of}").json()["timeline"])
        answer = counter.step(of, step, key=f"no-{step}-{len(str(fields))}", **fields)
        assert (answer.status_code, detail in answer.json()["detail"]) == (status, True), answer.text
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert (counter.state(of), counter.client.get(f"/v1/pledges/{of}").json()["timeline"]) == before
        assert counter.client.get(f"/v1/pledges/{of}").json()["waiting"] is None
    assert counter.step(pledge_id, "withdraw", words="客户撤回").json()["pledge"]["state"] == "CANCELLED"


def test_what_stands_against_a_step_by_the_time_it_is_approved_refuses_it(counter: Counter) -> None:
    pledge_id = approved(counter)
    counter.step(pledge_id, "sign", words="HT-7")
    with counter.sessions.begin() as session:
        waiting = service.waiting_step(session, counter.desk.maker, pledge_id)
        assert waiting is not None
        with pytest.raises(NotPermitted):
            approvals.approve(
                session, counter.desk.maker, waiting.id, kinds=(PLEDGE_STEP_APPROVAL,), answer=Answer(reason="自批"),
                at=counter.desk.standing.known_at, business_date=TODAY,
            )  # fmt: skip
    counter.step(pledge_id, "withdraw", words="客户撤回")
    with pytest.raises(Exception, match="CANCELLED"):
        counter.approve(pledge_id)
    assert counter.state(pledge_id) == "CANCELLED"


def test_numbers_to_freeze_are_named_over_the_api(counter: Counter) -> None:
    pledge_id = approved(counter)
    counter.step(pledge_id, "sign", words="HT-7")
    counter.approve(pledge_id)
    counter.step(pledge_id, "register", words="ZD-7")
    ranges = [{"registry": "CCER", "kind": "P1", "first": 1, "last": 5}]
    named = [{"unit": "CCER", "ranges": ranges}]
    twice = counter.step(pledge_id, "freeze", key="twice", serials=[*named, *named])
    assert (twice.status_code, twice.json()["detail"]) == (422, "CCER is named twice")
    wrong = counter.step(pledge_id, "freeze", key="wrong", serials=named)
    assert (wrong.status_code, wrong.json()["detail"]) == (422, "pledge P7 has no CCER")
    assert counter.state(pledge_id) == "REGISTERED_ZHONGDENG"


def test_a_refused_release_is_asked_for_again_over_the_api(counter: Counter) -> None:
    with counter.sessions.begin() as session:
        p2 = service.pledge_by_code(session, counter.desk.maker, "P2")
        service.record_exposure(
            session, counter.desk.maker, "P2", principal_cny=Decimal("0.00"), accrued_cny=Decimal("0.00"),
            exposure_date=TODAY,
        )  # fmt: skip
    assert p2 is not None
    assert counter.step(p2.id, "repay", words="结清").status_code == 200
    counter.step(p2.id, "release")
    counter.approve(p2.id)
    early = counter.step(p2.id, "ask_again", key="early", words="再催")
    assert (early.status_code, early.json()["detail"]) == (409, "pledge P2 has no refused request to unfreeze")
    with simulated(fault(Fault.REJECT, "unfreeze", code="P2")) as server, adapter(server) as registry:
        jobs.dispatch_registry_messages(counter.sessions, counter.desk.maker, registry, clock=CLOCK)
        assert counter.step(p2.id, "ask_again", words="已补交材料").status_code == 200
        jobs.dispatch_registry_messages(counter.sessions, counter.desk.maker, registry, clock=CLOCK)
    assert counter.state(p2.id) == "RELEASED"


def test_the_page_puts_a_release_before_the_checkers(edge: Edge) -> None:
    pledge_id = edge.pledges["P3"].id
    address = f"/pledges/{pledge_id}"
    with edge.sessions.begin() as session:
        service.record_exposure(
            session, edge.desk.maker, "P3", principal_cny=Decimal("0.00"), accrued_cny=Decimal("0.00"),
            exposure_date=TODAY,
        )  # fmt: skip
    with signed_in(edge) as officer:
        assert "登记全部结清" in officer.get(address, headers=PAGE).text
        assert send_step(officer, address, "steps", step="repay", words="") == 422
        assert send_step(officer, address, "steps", step="repay", words="还款凭证") == 303
        assert send_step(officer, address, "steps", step="release") == 303
        shown = officer.get(address, headers=PAGE).text
        assert "申请解冻：质押 P3：已提交复核" in shown
        assert 'name="step" value="release"' not in shown, "what waits is not asked for twice"
        assert send_step(officer, address, "steps", step="burn") == 422


def test_a_step_is_taken_on_the_command_line(
    command_line: Desk, sqlite_sessions: Sessions, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite_sessions.begin() as session:
        service.record_exposure(
            session, command_line.maker, "P3", principal_cny=Decimal("0.00"), accrued_cny=Decimal("0.00"),
            exposure_date=TODAY,
        )  # fmt: skip
    assert run("--json", "collateral", "pledge-step", "P3", "repay", "--words", "还款凭证") == 0
    assert json.loads(capsys.readouterr().out)["pledge"]["state"] == "REPAID"
    assert run("--json", "collateral", "pledge-step", "P3", "release") == 0
    assert json.loads(capsys.readouterr().out)["waiting"]["title"] == "Release: pledge P3"
    assert run("collateral", "pledge-step", "P3", "burn") == 2
    assert "没有“burn”这一步" in capsys.readouterr().err


def test_no_contract_drawdown_or_release_without_two_people_in_code_either(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        p1 = take_over_all(session, desk)["P1"]
        loose: Any = service
        for step, words in (
            (loose.sign_pledge, {"contract": "HT"}),
            (loose.draw_pledge, {}),
            (loose.request_unfreeze, {}),
        ):
            with pytest.raises(TypeError, match="agreed"):
                step(session, desk.maker, p1, standing=desk.standing, **words)
    with pytest.raises(NotPermitted, match="cannot agree to what"):
        replace(desk.agreed, checker_id=desk.maker.id)
