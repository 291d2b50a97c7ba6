"""A request sent twice does its work once, on both engines, and another body under the same key is a conflict."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from litestar import Litestar, post
from litestar.response import Response
from litestar.testing import TestClient
from msgspec import Struct
from sqlmodel import Session, select

from carbonfin.app import access
from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.parties import PartyKind
from carbonfin.storage.decisions import DecisionRow, MadeDecision, make_decision, verify_chain
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import PartyDraft, load_organization, parties_of, save_party
from carbonfin.web.connections import WebRequest
from carbonfin.web.idempotency import IdempotencyKey, answered_by_decision, idempotently, request_digest
from tests.app.worlds import World, add_routes, build_world, keyed_client
from tests.storage.test_decisions import INTEREST, KNOWN_AT, P0, InterestOutputs


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


class InterestIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    day: str = "2025-06-30"


class InterestOut(Struct, frozen=True, kw_only=True):
    decision_id: str
    total_cny: str


@post("/v1/parties-prepared")
async def decide_prepared(
    request: WebRequest, sessions: Sessions, actor: Actor, data: InterestIn, idempotency_key: IdempotencyKey
) -> Response[InterestOut]:
    def prepare(session: Session) -> MadeDecision[InterestOutputs]:
        again = data.name in _PREPARED
        _PREPARED.append(data.name)
        if data.name == "refused":
            raise InvalidInput("refused before writing", zh="写入前拒绝")
        assert session.connection() is not None
        day = date(2025, 6, 30) if again else date.fromisoformat(data.day)
        return make_decision(INTEREST, P0, subject=data.name, valid_on=day, known_at=KNOWN_AT)

    def is_of_today(session: Session, made: MadeDecision[InterestOutputs]) -> bool:
        return made.valid_on == load_organization(session, actor.organization_id).business_date

    return await answered_by_decision(
        sessions, actor, request, idempotency_key, data, prepare,
        lambda recorded: InterestOut(decision_id=recorded.decision_id, total_cny=str(recorded.outcome.total_cny)),
        is_of_today=is_of_today,
    )  # fmt: skip


@pytest.fixture
def world(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> World:
    world = build_world(sessions)
    entries = ("POST /v1/parties-trial", "POST /v1/parties-prepared")
    monkeypatch.setattr(
        access, "_POLICY", {**access._POLICY, **dict.fromkeys(entries, frozenset({Role.SYSTEM}))}
    )  # fmt: skip
    add_routes(world, create, decide_prepared)
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


_ASKED = {"name": "loan:P0"}


def _send_prepared(client: TestClient[Litestar], body: Any, key: str | None = "key-1") -> Any:
    return _send(client, body, key, to="/v1/parties-prepared")


def _decided(world: World) -> list[date]:
    """Give the days of all decisions of the trial, whose chain is whole."""
    with world.sessions.read() as session:
        rows = session.exec(select(DecisionRow).where(DecisionRow.kind == INTEREST.name)).all()
        for organization_id in {row.organization_id for row in rows}:
            report = verify_chain(session, organization_id)
            assert report.intact
            assert not report.unsealed
    return [row.valid_on for row in rows]


def test_what_is_decided_is_decided_before_it_is_written_and_a_repetition_decides_nothing(
    client: TestClient[Litestar], world: World
) -> None:
    first, second = _send_prepared(client, _ASKED), _send_prepared(client, _ASKED)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["total_cny"] == "116783.33", "by hand: 92, 91, 90 and 91 days over 360, rounded each"
    assert first.json() == second.json()
    assert first.headers["content-type"] == second.headers["content-type"] == "application/json"
    assert [one.headers.get("idempotent-replayed") for one in (first, second)] == [None, "true"]
    assert _PREPARED == ["loan:P0"]
    assert _decided(world) == [date(2025, 6, 30)]


def test_a_decision_of_a_day_that_was_closed_meanwhile_is_made_again(
    client: TestClient[Litestar], world: World
) -> None:
    body = {**_ASKED, "day": "2025-06-27"}
    first, second = _send_prepared(client, body), _send_prepared(client, body)
    assert (first.status_code, first.json()) == (201, second.json())
    assert _PREPARED == ["loan:P0", "loan:P0"]
    assert _decided(world) == [date(2025, 6, 30)]


def test_a_used_key_refuses_another_body_before_anything_is_decided(client: TestClient[Litestar]) -> None:
    _send_prepared(client, _ASKED)
    answer = _send_prepared(client, {"name": "loan:P1"})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert _PREPARED == ["loan:P0"]


def test_what_cannot_be_decided_leaves_no_key(client: TestClient[Litestar]) -> None:
    assert _send_prepared(client, {"name": "refused"}).status_code == 422
    assert _send_prepared(client, _ASKED).status_code == 201


@pytest.mark.parametrize(("key", "status"), [(None, 400), ("x" * 256, 422)])
def test_nothing_is_decided_without_a_sound_key(client: TestClient[Litestar], key: str | None, status: int) -> None:
    assert _send_prepared(client, _ASKED, key).status_code == status
    assert _PREPARED == []


def test_twelve_at_once_keep_one_of_what_they_decided(client: TestClient[Litestar], world: World) -> None:
    with client, ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: _send_prepared(client, _ASKED), range(12)))
    assert [answer.status_code for answer in answers] == [201] * 12
    assert len({answer.text for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert len(_decided(world)) == 1
