"""Versions over HTTP: a copy that is still right is not sent again, and a change names the version it rests on."""

from datetime import UTC, datetime

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.kernel.actors import Role
from carbonfin.storage import approvals
from carbonfin.storage.approvals import ApprovalKind, ProposalDraft
from carbonfin.storage.engine import Sessions
from carbonfin.web.preconditions import version_tag
from tests.app.worlds import World, build_world, form_token, keyed_client, signed_in

AT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
KIND = ApprovalKind(
    name="test.thing", title_zh="事项", title_en="Thing", maker_roles=frozenset({Role.OFFICER}),
    checker_roles=frozenset({Role.CHECKER}), apply=lambda *_: None, address=lambda _: "/",
)  # fmt: skip


@pytest.fixture
def world(sessions: Sessions) -> World:
    return build_world(sessions)


def _proposed(world: World) -> str:
    with world.sessions.begin() as session:
        draft = ProposalDraft(subject="thing:1", title_zh="事项", title_en="Thing", payload={}, reason="申请")
        return approvals.propose(session, world.officer, KIND, draft, at=AT).id


def _withdraw(client: TestClient[Litestar], approval_id: str, *tags: str) -> tuple[int, str]:
    headers = {"X-CSRF-Token": form_token(client.get("/account").text), "Accept": "application/json"}
    answer = client.post(
        f"/v1/approvals/{approval_id}/withdraw",
        json={"reason": "撤回"},
        headers=[*headers.items(), *(("If-Match", tag) for tag in tags)],
    )
    return answer.status_code, answer.json().get("code", answer.headers.get("etag", ""))


def test_a_copy_that_is_still_right_is_not_sent_again(world: World) -> None:
    approval_id = _proposed(world)
    with keyed_client(world) as client:
        for address in (f"/v1/approvals/{approval_id}", f"/v1/decisions/{world.decision_id}"):
            first = client.get(address)
            tag = first.headers["etag"]
            for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
                again = client.get(address, headers={"If-None-Match": known})
                assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), known
            for other in ('"other"', tag.strip('"'), "", '"v999"'):
                assert client.get(address, headers={"If-None-Match": other}).json() == first.json(), other
            assert first.headers["cache-control"] == "private, no-cache"


def test_a_change_names_the_version_it_rests_on(world: World) -> None:
    approval_id = _proposed(world)
    with signed_in(world) as client:
        tag = client.get(f"/v1/approvals/{approval_id}", headers={"Accept": "application/json"}).headers["etag"]
        assert _withdraw(client, approval_id) == (428, "precondition-required")
        for stale in ('"v999"', f"W/{tag}", "v1", '""'):
            assert _withdraw(client, approval_id, stale) == (412, "precondition-failed"), stale
        unchanged = client.get(f"/v1/approvals/{approval_id}", headers={"Accept": "application/json"})
        assert (unchanged.headers["etag"], unchanged.json()["state"]) == (tag, "proposed")
        status, new_tag = _withdraw(client, approval_id, f'"other", {tag}')
        assert (status, new_tag) == (200, version_tag(unchanged.json()["version"] + 1))
        now = client.get(f"/v1/approvals/{approval_id}", headers={"Accept": "application/json", "If-None-Match": tag})
        assert (now.status_code, now.headers["etag"], now.json()["state"]) == (200, new_tag, "withdrawn")
        assert _withdraw(client, approval_id, tag) == (412, "precondition-failed")


def test_the_refusal_says_which_version_stands(world: World) -> None:
    approval_id = _proposed(world)
    with signed_in(world) as client:
        token = form_token(client.get("/account").text)
        answer = client.post(
            f"/v1/approvals/{approval_id}/withdraw",
            json={"reason": "撤回"},
            headers={"X-CSRF-Token": token, "Accept": "application/json", "If-Match": '"v0"'},
        )
        standing = client.get(f"/v1/approvals/{approval_id}", headers={"Accept": "application/json"}).headers["etag"]
    assert answer.headers["etag"] == standing
    assert answer.json()["errors"][0]["field"] == "If-Match"
    assert standing in answer.json()["detail"]
