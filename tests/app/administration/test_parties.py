"""Parties over the API, by command and as pages; numbers of other systems; what search shows to whom."""

import json
import re
from typing import Any

import pytest
from typer.testing import CliRunner

from carbonfin.app import searching
from carbonfin.app.access import allows, may_open
from carbonfin.app.cli import carbonfin
from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.kernel.dates import FixedClock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import add_external_id, find_party, parties_of
from tests.app.administration.test_people_and_keys import send
from tests.app.worlds import NOW, PAGE, World, keyed_client, signed_in
from tests.loans.facility_samples import sign_sample_contract

BODY = {"kind": "enterprise", "name": "示例微电子(深圳)有限公司", "usci": "91440300EXAMPLE2XB", "industry": "C3973"}


def _key(text: str) -> dict[str, str]:
    return {"Idempotency-Key": text}


def test_a_party_is_entered_once_read_by_tag_and_corrected_by_who_has_read_it(world: World) -> None:
    with keyed_client(world) as client:
        entered = client.post("/v1/parties", json=BODY, headers=_key("a"))
        assert entered.status_code == 201
        again = client.post("/v1/parties", json=BODY, headers=_key("a"))
        assert (again.json(), again.headers["Idempotent-Replayed"]) == (entered.json(), "true")
        other = client.post("/v1/parties", json=BODY, headers=_key("b"))
        assert (other.status_code, other.json()["context"]["party_id"]) == (409, entered.json()["party_id"])
        path = f"/v1/parties/{entered.json()['party_id']}"
        read = client.get(path)
        assert client.get(path, headers={"If-None-Match": read.headers["ETag"]}).status_code == 304
        assert client.patch(path, json={"district": "南山"}).status_code == 428
        tag = {"If-Match": read.headers["ETag"]}
        corrected = client.patch(path, json={"district": "南山"}, headers=tag)
        assert (corrected.status_code, corrected.json()["district"], corrected.json()["industry"]) == (
            200, "南山", "C3973",
        )  # fmt: skip
        assert client.patch(path, json={"district": None}, headers=tag).status_code == 412
        assert corrected.headers["ETag"] != read.headers["ETag"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"usci": "91440300EXAMPLE2XA"}, "usci"),
        ({"usci": None}, "usci"),
        ({"lei": "0000EXAMPLEHK0000099"}, "lei"),
        ({"name": "示例\u202e公司"}, "name"),
        ({"scheme": "XYZ"}, "scheme"),
        ({"scheme": "x" * 11}, "scheme"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(world: World, change: dict[str, Any], field: str) -> None:
    with keyed_client(world) as client:
        answer = client.post("/v1/parties", json=BODY | change, headers=_key("c"))
    assert answer.status_code in {400, 422}
    assert field in json.dumps(answer.json())


def test_who_may_enter_and_who_only_reads(world: World) -> None:
    makers = {role for role in Role if allows(role, "POST", "/v1/parties") and allows(role, "POST", "/parties")}
    readers = {role for role in Role if allows(role, "GET", "/v1/parties") and allows(role, "GET", "/parties")}
    assert makers == {Role.SYSTEM, Role.OFFICER, Role.ADMINISTRATOR}
    assert readers == makers | {Role.CHECKER, Role.RISK, Role.AUDITOR}
    with keyed_client(world, "auditor") as client:
        assert client.get("/v1/parties").status_code == 200
        assert client.post("/v1/parties", json=BODY, headers=_key("d")).status_code == 403
        assert client.patch(f"/v1/parties/{world.party_id}", json={}).status_code == 403
    with keyed_client(world, "other") as client:
        assert client.get(f"/v1/parties/{world.party_id}").status_code == 404
        assert client.get("/v1/parties").json() == {"parties": []}
        stranger = client.patch(f"/v1/parties/{world.party_id}", json={"district": "x"}, headers={"If-Match": "*"})
        assert stranger.status_code == 404


def test_the_list_comes_in_pages(world: World) -> None:
    with keyed_client(world) as client:
        client.post("/v1/parties", json=BODY, headers=_key("e"))
        first = client.get("/v1/parties", params={"limit": 1})
        following = re.search(r'<([^>]+)>; rel="next"', first.headers["Link"])
        assert following is not None
        second = client.get(following[1])
        codes = [one["usci"] for answer in (first, second) for one in answer.json()["parties"]]
        assert codes == ["91440300EXAMPLE2XB", "91440300EXAMPLE466"]
        assert 'rel="next"' not in second.headers["Link"]
        assert client.get("/v1/parties", params={"of_kind": "counterparty"}).json() == {"parties": []}


def test_a_form_keeps_what_was_typed_and_refuses_a_stale_version(world: World) -> None:
    html = "<b>示例</b>公司"
    with signed_in(world) as client:
        status, _, text = send(client, "/parties", kind="enterprise", name=html, usci="91440300EXAMPLE2XA")
        assert status == 422
        assert 'id="error-usci"' in text
        assert (html in text, "&lt;b&gt;示例" in text) == (False, True)
        status, address, _ = send(client, "/parties", kind="enterprise", name=html, usci="91440300EXAMPLE2XB")
        assert status == 303
        form = {"kind": "enterprise", "name": html, "usci": "91440300EXAMPLE2XB", "version": "1"}
        assert send(client, address, **form, district="南山")[0] == 303
        assert send(client, address, **form, district="福田")[0] == 409
        shown = client.get(address, headers=PAGE).text
        assert ("南山" in shown, html in shown) == (True, False)
        assert "所在区：— → 南山" in shown
        assert send(client, "/parties/nobody", **form)[0] == 404


def test_a_number_leads_back_to_its_thing_and_no_further(world: World) -> None:
    subject = f"party:{world.party_id}"
    with signed_in(world) as client:
        status, address, _ = send(client, "/external-ids", kind="customer", value="C001", subject=subject)
        assert (status, address) == (303, f"/external-ids?subject=party%3A{world.party_id}")
        for foreign in ("party:nobody", "nothing:1", f"{subject}&next=//evil.example", "\r\nX: y"):
            status, address, _ = send(client, "/external-ids", kind="customer", value="C002", subject=foreign)
            assert (status, address) == (422, "")
        assert "C001" in client.get(f"/parties/{world.party_id}", headers=PAGE).text


# --- search ---------------------------------------------------------------------------------------------------------
def _found(world: World, actor: Actor, question: str) -> list[tuple[str, str]]:
    with world.sessions.read() as session:
        return [(one.name.zh, one.address) for one in searching.search(session, actor, question)]


def _as(role: Role, actor: Actor) -> Actor:
    return Actor(
        id="x", name="x", role=role, organization_id=actor.organization_id, organization_kind=OrganizationKind.BANK,
        is_sample=True,
    )  # fmt: skip


def test_search_shows_no_foreign_row_and_no_page_that_would_be_refused(world: World) -> None:
    with world.sessions.begin() as session:
        add_external_id(session, world.officer, kind="customer", value="C77", subject=f"party:{world.party_id}", at=NOW)
    name, enterprise, party = "示例服饰(深圳)有限公司", f"/enterprises/{world.party_id}", f"/parties/{world.party_id}"
    assert _found(world, world.officer, "服饰") == [(name, enterprise)]
    assert _found(world, world.officer, "C7") == [(f"企业 {name}", enterprise)]
    administrator = _as(Role.ADMINISTRATOR, world.officer)
    assert _found(world, administrator, "服饰") == [(name, party)]
    assert _found(world, administrator, "C7") == [(f"企业 {name}", party)]
    assert [kind for kind, _ in _found(world, world.officer, world.decision_id)] != []
    assert _found(world, administrator, world.decision_id) == [], "administrators read no decisions"
    for question in ("服饰", "C7", world.decision_id, "%", ""):
        assert _found(world, world.stranger, question) == []


def test_lines_and_contracts_are_found_by_their_own_and_other_systems_numbers(world: World) -> None:
    with world.sessions.begin() as session:
        sign_sample_contract(session, world.officer, clock=FixedClock(NOW))
        for kind, value, subject in (
            ("credit_line", "CR-0088", "credit-line:SX-2025-001"),
            ("contract", "CT-0099", "loan-contract:HT-2025-002"),
        ):
            add_external_id(session, world.officer, kind=kind, value=value, subject=subject, at=NOW)
    name, line, contract = "示例服饰(深圳)有限公司", "/credit-lines/SX-2025-001", "/loan-contracts/HT-2025-002"
    assert _found(world, world.officer, "sx-2025") == [(name, line)]
    assert _found(world, world.officer, "HT-2025-002") == [(name, contract)]
    assert _found(world, world.officer, "CR-00") == [("授信 SX-2025-001", line)]
    assert _found(world, world.officer, "CT-00") == [("借款合同 HT-2025-002", contract)]
    for question in ("SX-2025", "HT-2025", "CR-00", "CT-00"):
        assert _found(world, world.stranger, question) == []
    with signed_in(world) as client:
        for missing in ("credit-line:SX-2025-009", "loan-contract:SX-2025-001"):
            assert send(client, "/external-ids", kind="contract", value="CT-1", subject=missing)[0] == 422


@pytest.mark.parametrize("role", list(Role))
def test_a_link_leads_only_where_the_policy_lets_its_reader(role: Role) -> None:
    for page in ("/pledges", "/enterprises", "/parties", "/decisions", "/approvals", "/subsidies"):
        template = f"{page}/{{{'party_id' if page in {'/enterprises', '/parties'} else page[1:].rstrip('s') + '_id'}}}"
        if page == "/subsidies":
            template = "/subsidies/{application_id}"
        assert may_open(role, f"{page}/1") == allows(role, "GET", template)
    assert not may_open(role, "/nowhere/1")


# --- command line ---------------------------------------------------------------------------------------------------
def test_parties_by_command(world: World, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARBONFIN_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("CARBONFIN_SECRET", "x" * 40)

    def run(*words: str) -> Any:
        outcome = CliRunner().invoke(
            carbonfin, ["--json", "--as", "officer", "parties", *words], catch_exceptions=False
        )
        assert outcome.exit_code == 0, outcome.output
        return json.loads(outcome.stdout)

    assert run("add", "--name", "示例微电子", "--usci", "91440300EXAMPLE2XB", "--key-emitter", "yes")["version"] == 1
    run("correct", "91440300EXAMPLE2XB", "--key-emitter", "no", "--industry", "c3973")
    assert {one["name"] for one in run("list", "--kind", "enterprise")} == {"示例微电子", "示例服饰(深圳)有限公司"}
    _check_corrected(world.sessions, world.officer)


def _check_corrected(sessions: Sessions, actor: Actor) -> None:
    with sessions.read() as session:
        party = find_party(session, actor, "91440300EXAMPLE2XB")
        assert party is not None
        assert (party.key_emitter, party.industry, party.version) == (False, "C3973", 2)
        assert len(parties_of(session, actor)) == 2
