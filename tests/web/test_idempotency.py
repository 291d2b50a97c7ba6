"""A request sent twice does its work once, on both engines, and another body under the same key is a conflict."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from litestar import Litestar, post
from litestar.response import Response
from litestar.testing import TestClient
from msgspec import Struct
from sqlmodel import Session

from carbonfin.app import access
from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.parties import PartyKind
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import PartyDraft, parties_of, save_party
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, idempotently, idempotently_prepared, request_digest
from tests.app.worlds import World, add_routes, build_world, keyed_client


class PartyIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    usci: str


class PartyOut(Struct, frozen=True, kw_only=True):
    party_id: str
    name: str


def _draft(data: PartyIn) -> PartyDraft:
    return PartyDraft(
        kind=PartyKind.ENTERPRISE, name=data.name, usci=data.usci, lei=None, industry=None, district=None,
        scheme=None, key_emitter=None, is_sample=True,
    )  # fmt: skip


@post("/v1/parties-trial", sync_to_thread=True)
def create(
    request: WebRequest, sessions: Sessions, actor: Actor, data: PartyIn, idempotency_key: IdempotencyKey
) -> Response[PartyOut]:
    def work(session: Session) -> PartyOut:
        party = save_party(session, actor, _draft(data))
        if data.name.startswith("refused"):
            raise InvalidInput("refused after writing", zh="写入后拒绝")
        return PartyOut(party_id=party.id, name=party.name)

    return idempotently(sessions, actor, request, idempotency_key, data, work)


_PREPARED: list[str] = []


@post("/v1/parties-prepared", sync_to_thread=True)
def create_prepared(
    request: WebRequest, sessions: Sessions, actor: Actor, data: PartyIn, idempotency_key: IdempotencyKey
) -> Response[PartyOut]:
    def prepare(session: Session) -> bool:
        _PREPARED.append(data.name)
        if data.name.startswith("refused"):
            raise InvalidInput("refused before writing", zh="写入前拒绝")
        return data.name in {party.name for party in parties_of(session, actor)}

    def work(session: Session, was_there: bool) -> PartyOut:  # noqa: FBT001 - what was prepared
        party = save_party(session, actor, _draft(data))
        return PartyOut(party_id=party.id, name=f"{party.name} {was_there}")

    return idempotently_prepared(sessions, actor, request, idempotency_key, data, prepare, work)


@pytest.fixture
def world(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> World:
    world = build_world(sessions)
    entries = ("POST /v1/parties-trial", "POST /v1/parties-prepared")
    monkeypatch.setattr(
        access, "_POLICY", {**access._POLICY, **dict.fromkeys(entries, frozenset({Role.SYSTEM}))}
    )  # fmt: skip
    add_routes(world, create, create_prepared)
    _PREPARED.clear()
    return world


@pytest.fixture
def client(world: World) -> TestClient[Litestar]:
    return keyed_client(world)


BODY = {"name": "示例啤酒(深圳)有限公司", "usci": "91440300EXAMPLE38B"}


def _send(client: TestClient[Litestar], body: Any, key: str | None = "key-1", *, to: str = "/v1/parties-trial") -> Any:
    return client.post(to, json=body, headers={"Idempotency-Key": key} if key is not None else {})


def test_the_same_request_twice_gives_the_first_answer_again(client: TestClient[Litestar]) -> None:
    first, second = _send(client, BODY), _send(client, dict(reversed(BODY.items())))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert first.headers["content-type"] == second.headers["content-type"] == "application/json"
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"


def test_the_same_key_with_another_body_changes_nothing(client: TestClient[Litestar], world: World) -> None:
    _send(client, BODY)
    answer = _send(client, {**BODY, "name": "另一个名称"})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    with world.sessions.read() as session:
        names = {party.name for party in parties_of(session, world.officer)}
    assert "另一个名称" not in names


def test_a_missing_key_is_asked_for(client: TestClient[Litestar]) -> None:
    answer = _send(client, BODY, key=None)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency-key-required")


@pytest.mark.parametrize("key", ["x" * 256, "\u00e9"])
def test_a_key_of_another_shape_is_refused(client: TestClient[Litestar], key: str) -> None:
    answer = client.post("/v1/parties-trial", json=BODY, headers={"Idempotency-Key": key.encode("latin-1")})
    assert answer.status_code in {400, 422}
    assert "Idempotency-Key" in answer.text


def test_work_that_fails_leaves_no_key_and_no_row(client: TestClient[Litestar], world: World) -> None:
    failed = _send(client, {**BODY, "name": "refused"})
    assert failed.status_code == 422
    assert _send(client, BODY).status_code == 201
    with world.sessions.read() as session:
        assert "refused" not in {party.name for party in parties_of(session, world.officer)}


def test_keys_of_two_banks_do_not_meet(client: TestClient[Litestar], world: World) -> None:
    own = _send(client, BODY)
    foreign = _send(keyed_client(world, "other"), BODY)
    assert foreign.status_code == 201
    assert foreign.json()["party_id"] != own.json()["party_id"]


def test_twelve_at_once_do_the_work_once(client: TestClient[Litestar]) -> None:
    with client, ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: _send(client, BODY), range(12)))
    assert [answer.status_code for answer in answers] == [201] * 12
    assert len({answer.json()["party_id"] for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1


def test_the_digest_is_of_values_not_of_spelling() -> None:
    body = PartyIn(name="a", usci="b")
    assert request_digest("POST", "/v1/x", body) == request_digest("POST", "/v1/x", PartyIn(usci="b", name="a"))
    assert request_digest("POST", "/v1/x", body) != request_digest("POST", "/v1/y", body)
    assert request_digest("POST", "/v1/x", None) != request_digest("POST", "/v1/x", body)


def _send_prepared(client: TestClient[Litestar], body: Any, key: str | None = "key-1") -> Any:
    return _send(client, body, key, to="/v1/parties-prepared")


def test_what_is_prepared_reads_before_it_writes_and_a_repetition_prepares_nothing(
    client: TestClient[Litestar],
) -> None:
    first, second = _send_prepared(client, BODY), _send_prepared(client, BODY)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["name"] == f"{BODY['name']} False", "it was prepared before it was written"
    assert first.json() == second.json()
    assert first.headers["content-type"] == second.headers["content-type"] == "application/json"
    assert [one.headers.get("idempotent-replayed") for one in (first, second)] == [None, "true"]
    assert [BODY["name"]] == _PREPARED


def test_a_used_key_refuses_another_body_before_anything_is_prepared(client: TestClient[Litestar]) -> None:
    _send_prepared(client, BODY)
    answer = _send_prepared(client, {**BODY, "name": "另一个名称"})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert [BODY["name"]] == _PREPARED


def test_what_cannot_be_prepared_leaves_no_key(client: TestClient[Litestar]) -> None:
    assert _send_prepared(client, {**BODY, "name": "refused"}).status_code == 422
    assert _send_prepared(client, BODY).status_code == 201


@pytest.mark.parametrize(("key", "status"), [(None, 400), ("x" * 256, 422)])
def test_nothing_is_prepared_without_a_sound_key(client: TestClient[Litestar], key: str | None, status: int) -> None:
    assert _send_prepared(client, BODY, key).status_code == status
    assert _PREPARED == []


def test_twelve_at_once_keep_one_of_what_they_prepared(client: TestClient[Litestar]) -> None:
    with client, ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: _send_prepared(client, BODY), range(12)))
    assert [answer.status_code for answer in answers] == [201] * 12
    assert len({answer.text for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
