"""An enforcement as an officer, a checker and a bank's system meet it, over the sample world; one walk from end to end.

P3: 40,000 t at 28.00 = 1,120,000.00; less 12,000.00 of costs, 758.81 of interest and 855,000.00 of principal,
252,241.19 goes back to the pledgor.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.factory import create_app
from carbonfin.storage.engine import Sessions
from carbonfin.storage.files import EvidenceKind, LinkDraft, check_file, link_file, store_file
from collateral import jobs, service
from tests.app.worlds import PAGE, form_token
from tests.collateral.registries import adapter, simulated
from tests.journeys.worlds import CLOCK, PASSWORD, SampleCopy

DOCUMENT = check_file("成交确认书".encode(), name="成交确认书.txt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """One browser in which a maker and a checker are signed in by turns, since an application starts once."""

    world: SampleCopy
    sessions: Sessions
    client: TestClient[Litestar]
    cookies: Mapping[str, httpx.Cookies]

    def become(self, login: str) -> None:
        self.client.cookies = httpx.Cookies(self.cookies[login])


@pytest.fixture
def office(sample: SampleCopy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    world = sample.copied(tmp_path_factory.mktemp("enforcement"))
    with world.opened() as sessions, TestClient(create_app(world.settings, sessions, CLOCK)) as client:
        cookies = {}
        for login in ("checker", "maker"):
            client.cookies.clear()
            token = form_token(client.get("/sign-in", headers=PAGE).text)
            entry = {"login": login, "password": PASSWORD, "next": "/", "_csrf_token": token}
            client.post("/sign-in", data=entry, headers=PAGE, follow_redirects=False)
            cookies[login] = httpx.Cookies(client.cookies)
        yield Office(world=world, sessions=sessions, client=client, cookies=cookies)


def furnished(office: Office) -> tuple[str, str]:
    """P3 with one file linked to it, and the party that buys."""
    maker = office.world.outcome.maker
    with office.sessions.begin() as session:
        pledge = service.pledge_by_code(session, maker, "P3")
        p1 = service.pledge_by_code(session, maker, "P1")
        assert pledge is not None
        assert p1 is not None
        store_file(session, maker, DOCUMENT, at=CLOCK.now())
        link = LinkDraft(
            subject=f"pledge:{pledge.id}", kind=EvidenceKind.OTHER, name=DOCUMENT.name, is_personal=False,
            retain_until=None,
        )  # fmt: skip
        link_file(session, maker, DOCUMENT.digest, link, at=CLOCK.now())
        return pledge.id, p1.pledgor_id


def send(client: TestClient[Litestar], address: str, form: dict[str, str]) -> tuple[int, str]:
    token = form_token(client.get(address, headers=PAGE).text)
    answer = client.post(address, data={**form, "_csrf_token": token}, headers=PAGE, follow_redirects=False)
    return answer.status_code, answer.text


def decide(office: Office, pledge_id: str) -> None:
    with office.sessions.read() as session:
        waiting = service.waiting_enforcement_approval(session, office.world.outcome.maker, pledge_id)
        assert waiting is not None
    address = f"/approvals/{waiting.id}"
    office.become("checker")
    shown = office.client.get(address, headers=PAGE).text
    assert "evidence_digest" not in shown
    form = {"finding": "approve", "reason": "同意", "password": PASSWORD, "version": str(waiting.version)}
    token = form_token(shown)
    answer = office.client.post(
        f"{address}/decision", data={**form, "_csrf_token": token}, headers=PAGE, follow_redirects=False
    )
    assert answer.status_code == 303, answer.text[:3000]
    office.become("maker")


def test_p3_is_enforced_on_pages_from_default_to_surplus(office: Office) -> None:
    pledge_id, buyer = furnished(office)
    client = office.client
    address = f"/pledges/{pledge_id}/enforcement"
    evidence = {"evidence": DOCUMENT.digest}
    assert f'href="{address}"' in client.get(f"/pledges/{pledge_id}", headers=PAGE).text
    status, text = send(client, address, {"action": "default", "words": "逾期未补足", "evidence": "0" * 64})
    assert (status, "没有摘要相符的附件" in text, "逾期未补足" in text) == (422, True, True)
    assert send(client, address, {"action": "default", "words": "逾期未补足", **evidence})[0] == 303
    assert client.get(f"{address}/notice.pdf", headers=PAGE).status_code == 404
    decide(office, pledge_id)
    shown = client.get(address, headers=PAGE).text
    # 40.00 with a band of 0.30
    assert all(part in shown for part in ("28.00", "52.00", "1,120,000.00", "2,080,000.00", "提请处置方式"))
    assert client.get(f"{address}/notice.pdf", headers=PAGE).content.startswith(b"%PDF")
    form = {"action": "means", "words": "流动性充足", "method": "auction", **evidence}
    assert send(client, address, form)[0] == 303
    decide(office, pledge_id)
    sale = {"action": "sale", "method": "auction", "unit_1": "SZA-2023", "quantity_1": "40000", "buyer": buyer}
    status, text = send(client, address, {**sale, "price_1": "27.99", **evidence})
    assert (status, "27.99 元不在 28.00 至 52.00 元之间" in text) == (422, True)
    assert send(client, address, {**sale, "price_1": "28.00", **evidence})[0] == 303
    assert "登记机构尚未确认" in client.get(address, headers=PAGE).text
    form = {"action": "distribute", "costs_cny": "12000.00", **evidence}
    assert send(client, address, form)[0] == 422
    with simulated() as server, adapter(server) as registry:
        jobs.dispatch_registry_messages(office.sessions, office.world.outcome.maker, registry, clock=CLOCK)
    assert "252,241.19" in client.get(f"{address}?costs=12000.00", headers=PAGE).text
    assert send(client, address, form)[0] == 303
    decide(office, pledge_id)
    ended = client.get(address, headers=PAGE).text
    english = client.get(f"{address}?lang=en", headers=PAGE).text
    statement = client.get(f"{address}/surplus.pdf", headers=PAGE).content
    again = client.get(f"{address}/surplus.pdf", headers=PAGE).content
    told = client.get(f"/v1{address}", headers=PAGE)
    assert all(part in ended for part in ("252,241.19", "855,000.00", "758.81", "12,000.00", "宣布违约", "已过户"))
    assert "Proceeds shared out" in english
    assert statement.startswith(b"%PDF")
    assert statement == again
    assert [step["kind"] for step in told.json()["steps"]] == ["declared", "means", "sold", "distributed"]
    assert told.json()["transfer"]["state"] == "DONE"


def test_a_court_freezes_units_by_the_form(office: Office) -> None:
    pledge_id, _ = furnished(office)
    client = office.client
    address = f"/pledges/{pledge_id}/authority-acts/new"
    form = {
        "kind": "freeze", "place": "pledged", "freeze_id": "", "unit": "SZA-2023", "quantity_t": "40001",
        "authority": "示例区人民法院", "document": "(2025)示例执1号", "document_date": "2025-06-30",
        "evidence": DOCUMENT.digest,
    }  # fmt: skip
    status, text = send(client, address, form)
    assert (status, "文书 40001 吨，该笔质押 40000 吨" in text) == (422, True)
    assert send(client, address, {**form, "document_date": "昨天"})[0] == 422
    assert send(client, address, {**form, "quantity_t": "10000"})[0] == 303
    shown = client.get(f"/pledges/{pledge_id}", headers=PAGE).text
    listed = client.get(f"/v1/pledges/{pledge_id}/authority-acts", headers=PAGE).json()
    assert all(part in shown for part in ("示例区人民法院", "(2025)示例执1号", "尚冻结"))
    assert [(one["kind"], one["outstanding_t"]) for one in listed["acts"]] == [("freeze", 10000)]
