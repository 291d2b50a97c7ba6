"""The chain of decisions by API, page and command: its state, its signed heads, and what is broken by name."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session
from typer.testing import CliRunner

from carbonfin.app.decisions.commands import commands
from carbonfin.app.signing import (
    SIGNING_KEY,
    SIGNING_KEY_FILE,
    TRUSTED_SIGNING_KEYS,
    SigningKeys,
    keep_signing,
    signing_from,
)
from carbonfin.kernel.cryptography import SM2, EcdsaSigner, Signer, new_ecdsa_pem, sha256_hex
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import Conflict, InvalidInput, NotApplicable
from carbonfin.storage.decisions import heads_from, record_decision, sign_head
from carbonfin.storage.engine import Sessions
from carbonfin.web.terminal import Terminal
from tests.app.worlds import (
    BUSINESS_DATE,
    INTEREST,
    NOW,
    PAGE,
    InterestInputs,
    World,
    build_world,
    keyed_client,
    signed_in,
)
from tests.storage.test_signed_heads import forced

PEM = new_ecdsa_pem()
SIGNER = EcdsaSigner.from_pem(PEM)
Run = Callable[..., Any]


@pytest.fixture
def world(sessions: Sessions) -> World:
    world = build_world(sessions)
    keep_signing(world.app.state, SigningKeys(file=Path("none"), is_ours=True, given=PEM))
    return world


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.setenv("CARBONFIN_VAR", str(tmp_path))
    monkeypatch.setenv(SIGNING_KEY, PEM.decode())

    def invoke(*arguments: str) -> Any:
        terminal = Terminal(sessions=world.sessions, actor=world.officer, clock=FixedClock(NOW), json_output=True)
        result = CliRunner().invoke(commands, arguments, obj=lambda: terminal, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return invoke


def _decide(session: Session, world: World) -> str:
    inputs = InterestInputs(principal_cny=1000, rate=0, days=1)  # type: ignore[arg-type]  # any decision will do
    return record_decision(
        session, world.officer, INTEREST, inputs, subject="P1", valid_on=BUSINESS_DATE, known_at=NOW
    ).decision_id


def _close(world: World, *, days: int, signer: Signer = SIGNER) -> None:
    """Sign the head of so many days, each with one decision more than the day before."""
    for number in range(days):
        with world.sessions.begin() as session:
            if number:
                _decide(session, world)
        with world.sessions.begin() as session:
            day = BUSINESS_DATE + timedelta(days=number)
            sign_head(session, world.officer, signer, business_date=day, at=NOW)


def _tamper(world: World) -> None:
    with world.sessions.begin() as session:
        forced(session, "UPDATE decision SET subject = 'P9' WHERE id = '{}'", world.decision_id)


def test_the_api_says_where_the_chain_stands(world: World) -> None:
    with keyed_client(world) as client:
        before = client.get("/v1/decisions/chain").json()
        with Session(world.sessions.engine) as session, session.begin():
            _decide(session, world)
        unsealed = client.get("/v1/decisions/chain").json()
        _close(world, days=1)
        after = client.get("/v1/decisions/chain").json()
    assert (before["length"], before["unsealed_count"], before["last_signed"]) == (1, 0, None)
    assert (unsealed["length"], unsealed["unsealed_count"]) == (1, 1)
    assert (after["length"], after["unsealed_count"]) == (2, 0)
    assert after["last_signed"]["digest"] == after["head_digest"] != before["head_digest"]
    with keyed_client(world, "other") as client:
        assert client.get("/v1/decisions/chain").json()["length"] == 0


def test_signed_heads_are_listed_in_pages(world: World) -> None:
    _close(world, days=3)
    with keyed_client(world, "auditor") as client:
        first = client.get("/v1/decisions/chain/heads?limit=2")
        second = client.get(first.links["next"]["url"])
    listed = [*first.json()["heads"], *second.json()["heads"]]
    assert [head["business_date"] for head in listed] == ["2025-07-02", "2025-07-01", "2025-06-30"]
    assert [head["length"] for head in listed] == [3, 2, 1]
    assert "next" not in second.links
    assert heads_from([json.dumps({key: listed[0][key] for key in ("statement", "signature", "public_key")})])
    with keyed_client(world, "other") as client:
        assert client.get("/v1/decisions/chain/heads").json() == {"heads": []}


def test_the_page_says_whole_or_names_the_first_broken_link(world: World) -> None:
    with signed_in(world, "auditor") as client:
        assert 'href="/decisions/chain"' in client.get("/", headers=PAGE).text
        empty = client.get("/decisions/chain", headers=PAGE).text
        _close(world, days=2)
        whole = client.get("/decisions/chain", headers=PAGE).text
        exported = client.get("/decisions/chain/heads.jsonl")
        _tamper(world)
        broken = client.get("/decisions/chain", headers=PAGE).text
    assert "还没有签名链头" in empty
    assert "完整" in whole
    assert "2025-07-01" in whole
    assert "第一处不符" not in whole
    assert [head.length for head in heads_from(exported.text.splitlines())] == [1, 2]
    assert "第一处不符：决定内容已被改动（序号 1）" in broken
    assert world.decision_id in broken


def test_a_head_of_a_key_nobody_trusts_is_shown(world: World) -> None:
    _close(world, days=1, signer=EcdsaSigner.from_pem(new_ecdsa_pem()))
    with signed_in(world, "auditor") as client:
        assert "由未受信任的密钥" in client.get("/decisions/chain", headers=PAGE).text


def test_the_commands_verify_export_and_find_what_was_rewritten(world: World, run: Run, tmp_path: Path) -> None:
    _close(world, days=2)
    exported = tmp_path / "heads.jsonl"
    assert run("export-heads", "--out", str(exported))["signed_head_count"] == 2
    assert [head["length"] for head in run("heads")] == [1, 2]
    verified = run("verify", "--heads", str(exported))
    assert (verified["length"], verified["unsealed_count"], verified["signed_head_count"]) == (2, 0, 2)
    _tamper(world)
    with pytest.raises(Conflict, match="first at 1: the decision was changed"):
        run("verify")
    with pytest.raises(InvalidInput, match="cannot be read"):
        run("verify", "--heads", str(tmp_path / "missing"))


def test_the_commands_replay_one_or_all_since_a_day(world: World, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("carbonfin.app.decisions.kinds.decision_kinds", lambda: (INTEREST,))
    assert run("replay", world.decision_id)["replayed_count"] == 1
    assert run("replay", "--since", "2025-06-30") == {
        "replayed_count": 1, "different_count": 0, "not_at_hand_count": 0,
    }  # fmt: skip
    assert run("replay", "--since", "2025-07-01")["replayed_count"] == 0
    with pytest.raises(InvalidInput):
        run("replay")
    with world.sessions.begin() as session:
        forced(
            session, "UPDATE decision SET outputs = replace(outputs, '1700', '1701') WHERE id = '{}'", world.decision_id
        )
    with pytest.raises(Conflict, match="1 decisions come out otherwise"):
        run("replay", world.decision_id)


def test_a_decision_of_a_kind_not_at_hand_is_counted_and_hides_no_other(
    world: World, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands first of two; the one behind it is replayed all the same, and a difference is found."""
    monkeypatch.setattr("carbonfin.app.decisions.kinds.decision_kinds", lambda: (INTEREST,))
    with world.sessions.begin() as session:
        inputs = InterestInputs(principal_cny=Decimal("2000000.00"), rate=Decimal("0.0340"), days=9)
        other = record_decision(
            session, world.officer, INTEREST, inputs, subject="P2", valid_on=BUSINESS_DATE + timedelta(days=3),
            known_at=NOW,
        ).decision_id  # fmt: skip
        forced(session, "UPDATE decision SET kind = 'trial.gone' WHERE id = '{}'", world.decision_id)
    assert run("replay", "--since", "2025-06-30") == {
        "replayed_count": 1, "different_count": 0, "not_at_hand_count": 1,
    }  # fmt: skip
    with pytest.raises(NotApplicable, match="not at hand"):
        run("replay", world.decision_id)
    with world.sessions.begin() as session:
        forced(session, "UPDATE decision SET outputs = replace(outputs, '1700', '1701') WHERE id = '{}'", other)
    with pytest.raises(Conflict, match="1 decisions come out otherwise"):
        run("replay", "--since", "2025-06-30")


def test_a_key_of_our_own_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    keys = signing_from({}, tmp_path)
    assert keys.trusted().fingerprints == ()
    assert not keys.file.exists()
    signer = keys.signer()
    assert keys.file.stat().st_mode & 0o777 == 0o600
    assert signing_from({}, tmp_path).signer().public_key == signer.public_key
    assert keys.trusted().know(signer.public_key)
    assert list(tmp_path.iterdir()) == [keys.file]


def test_keys_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "sm2").write_text("11" * 32 + "\n", encoding="ascii")
    named = signing_from({SIGNING_KEY_FILE: str(tmp_path / "sm2")}, tmp_path)
    assert named.signer().algorithm == SM2
    older = sha256_hex(SIGNER.public_key.encode())[:20]
    given = signing_from({SIGNING_KEY: "11" * 32, TRUSTED_SIGNING_KEYS: f" {older}, "}, tmp_path)
    assert given.trusted().know(SIGNER.public_key)
    assert given.trusted().know(named.signer().public_key)
    assert not named.trusted().know(SIGNER.public_key)


@pytest.mark.parametrize(
    "environment",
    [
        {SIGNING_KEY: "no key"},
        {SIGNING_KEY_FILE: "missing"},
        {TRUSTED_SIGNING_KEYS: "abcd"},
        {TRUSTED_SIGNING_KEYS: "X" * 16},
    ],
)
def test_keys_that_cannot_be_used_are_refused_by_name(environment: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        signing_from(environment, tmp_path).signer()
    assert [refused.value.field] == list(environment)


def test_the_table_of_heads_cannot_be_changed(world: World) -> None:
    _close(world, days=1)
    for statement in ("DELETE FROM chain_head", "UPDATE chain_head SET length = 9"):
        with pytest.raises(sa.exc.IntegrityError, match="append-only"), world.sessions.begin() as session:
            session.execute(sa.text(statement))
