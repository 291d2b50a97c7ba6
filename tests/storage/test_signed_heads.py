"""Signed heads: they find a chain rewritten to its very end, and a head that no trusted key has signed."""

import base64
import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from carbonfin.kernel.cryptography import EcdsaSigner, Signer, Sm2Signer, new_ecdsa_pem, sha256_hex
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.decisions import (
    SignedHead,
    Signing,
    TrustedKeys,
    all_signed_heads,
    head_line,
    heads_from,
    seal_waiting,
    sign_head,
    signed_heads_of,
    verify_signed_chain,
)
from carbonfin.storage.decisions.sealing import genesis, seal_digest
from carbonfin.storage.engine import Sessions
from carbonfin.storage.keyset import Place
from tests.storage.test_decisions import decide, without_triggers
from tests.storage.worlds import World, make_world

FIRST = date(2025, 6, 30)
AT = datetime(2025, 6, 30, 16, 0, 0, 123456, tzinfo=UTC)
ECDSA_SIGNER = EcdsaSigner.from_pem(new_ecdsa_pem())
SM2_SIGNER = Sm2Signer(bytes(range(1, 33)))


def trusting(*signers: Signer) -> TrustedKeys:
    return TrustedKeys(fingerprints=tuple(sha256_hex(signer.public_key.encode()) for signer in signers))


@pytest.fixture
def world(sessions: Sessions) -> World:
    with sessions.begin() as session:
        return make_world(session, password_hash="!")


def decide_and_sign(
    sessions: Sessions, world: World, *, count: int, days: int = 0, signer: Signer = ECDSA_SIGNER
) -> tuple[list[str], Signing]:
    with sessions.begin() as session:
        ids = [decide(session, world, subject=f"loan:{days}-{number}") for number in range(count)]
    with sessions.begin() as session:
        day = FIRST + timedelta(days=days)
        signing = sign_head(session, world.maker, signer, business_date=day, at=AT + timedelta(days=days))
    return ids, signing


def faults_of(
    sessions: Sessions, world: World, *, kept: tuple[SignedHead, ...] = (), trusted: TrustedKeys | None = None
) -> list[str]:
    with sessions.read() as session:
        report = verify_signed_chain(session, world.bank_id, trusted or trusting(ECDSA_SIGNER), kept=kept)
    return [fault.detail for fault in report.faults]


def test_heads_of_days_lie_on_the_chain(sessions: Sessions, world: World) -> None:
    _, none = decide_and_sign(sessions, world, count=0)
    _, first = decide_and_sign(sessions, world, count=2, days=1)
    _, second = decide_and_sign(sessions, world, count=3, days=2, signer=SM2_SIGNER)
    assert none.head is not None
    assert first.head is not None
    assert second.head is not None
    assert [head.length for head in (none.head, first.head, second.head)] == [0, 2, 5]
    assert faults_of(sessions, world, trusted=trusting(ECDSA_SIGNER, SM2_SIGNER)) == []
    with sessions.read() as session:
        page = signed_heads_of(session, world.maker, Place(limit=2))
        assert page.items == (second.head, first.head)
        assert signed_heads_of(session, world.maker, Place(limit=2, after=page.last)).items == (none.head,)
        assert signed_heads_of(session, world.stranger, Place(limit=2)).items == ()


def test_a_day_is_signed_once(sessions: Sessions, world: World) -> None:
    _, first = decide_and_sign(sessions, world, count=1)
    _, again = decide_and_sign(sessions, world, count=1)
    assert again == first
    with sessions.read() as session:
        assert all_signed_heads(session, world.bank_id) == (first.head,)


def test_what_a_process_left_unsealed_is_sealed_and_signed(sessions: Sessions, world: World) -> None:
    with Session(sessions.engine) as session, session.begin():
        decide(session, world)
    _, signing = decide_and_sign(sessions, world, count=0)
    assert signing.head is not None
    assert signing.head.length == 1
    assert faults_of(sessions, world) == []


def forced(session: Session, statement: str, *values: object) -> None:
    """Write past the triggers, as an owner of the database can."""
    without_triggers(session, statement.format(*values))


def rewritten(session: Session, world: World, *, keep: int, sequence: list[str]) -> None:
    """Seal other decisions behind the first ones as an owner of the database can, head and all."""
    forced(session, "DELETE FROM decision_seal WHERE sequence > {}", keep)
    digest = genesis(world.bank_id)
    if keep:
        digest = session.execute(
            sa.text("SELECT digest FROM decision_seal WHERE sequence = :keep"), {"keep": keep}
        ).scalar_one()
    for place, decision_id in enumerate(sequence, keep + 1):
        record = session.execute(
            sa.text("SELECT record_digest FROM decision WHERE id = :id"), {"id": decision_id}
        ).scalar_one()
        digest = seal_digest(digest, place, decision_id, record)
        session.execute(
            sa.text("INSERT INTO decision_seal VALUES (:bank, :place, :id, :record, :digest)"),
            {"bank": world.bank_id, "place": place, "id": decision_id, "record": record, "digest": digest},
        )
    session.execute(
        sa.text("UPDATE decision_chain SET length = :length, digest = :digest"),
        {"length": keep + len(sequence), "digest": digest},
    )


def remove(session: Session, decision_id: str) -> None:
    session.execute(sa.text("DELETE FROM decision WHERE id = :id"), {"id": decision_id})


def flip_a_bit(session: Session, ids: list[str], _: World) -> None:
    forced(session, "UPDATE decision SET outputs = replace(outputs, '5', '4') WHERE id = '{}'", ids[1])


def remove_a_row(session: Session, ids: list[str], _: World) -> None:
    forced(session, "DELETE FROM decision_seal WHERE decision_id = '{}'", ids[1])
    remove(session, ids[1])


def reorder_a_pair(session: Session, ids: list[str], _: World) -> None:
    for place, decision_id in ((101, ids[1]), (102, ids[2]), (2, ids[2]), (3, ids[1])):
        forced(session, "UPDATE decision_seal SET sequence = {} WHERE decision_id = '{}'", place, decision_id)


def cut_the_tail(session: Session, ids: list[str], _: World) -> None:
    without_triggers(session, "DELETE FROM decision_seal WHERE sequence = 4")
    remove(session, ids[3])


def rewrite_tail_and_head(session: Session, ids: list[str], world: World) -> None:
    rewritten(session, world, keep=1, sequence=[ids[2], ids[1], ids[3]])


def cut_tail_and_head(session: Session, ids: list[str], world: World) -> None:
    rewritten(session, world, keep=2, sequence=[])
    remove(session, ids[2])
    remove(session, ids[3])


OFF = "the chain no longer passes through the head signed for 2025-06-30: it was rewritten or cut off"
TAMPERINGS: dict[str, tuple[Callable[[Session, list[str], World], None], str, bool]] = {
    "a flipped bit": (flip_a_bit, "the decision was changed", False),
    "a missing row": (remove_a_row, "seals were removed before this one", False),
    "a reordered pair": (reorder_a_pair, "the seal does not fit the one before", False),
    "a cut tail": (cut_the_tail, "the chain's head names another end: seals were cut off", False),
    "tail and head rewritten together": (rewrite_tail_and_head, OFF, True),
    "tail and head cut together": (cut_tail_and_head, OFF, True),
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_tampering_is_found(sessions: Sessions, world: World, tampering: str) -> None:
    act, told, only_by_head = TAMPERINGS[tampering]
    ids, signing = decide_and_sign(sessions, world, count=4)
    assert signing.head is not None
    assert faults_of(sessions, world) == []
    with sessions.begin() as session:
        act(session, ids, world)
    found = faults_of(sessions, world)
    assert found[0] == told
    assert (found == [OFF]) is only_by_head
    with sessions.begin() as session:
        without_triggers_on_heads(session, "DELETE FROM chain_head")
    assert (faults_of(sessions, world) == []) is only_by_head, "without the head nothing tells"
    if only_by_head:
        assert faults_of(sessions, world, kept=(signing.head,)) == [OFF], "a copy kept elsewhere still does"


def without_triggers_on_heads(session: Session, statement: str) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.text("ALTER TABLE chain_head DISABLE TRIGGER USER"))
    else:
        for verb in ("update", "delete"):
            session.execute(sa.text(f"DROP TRIGGER IF EXISTS chain_head_no_{verb}"))
    session.execute(sa.text(statement))


def test_a_head_signed_by_an_unknown_key_is_refused(sessions: Sessions, world: World) -> None:
    stranger = EcdsaSigner.from_pem(new_ecdsa_pem())
    _, signing = decide_and_sign(sessions, world, count=1, signer=stranger)
    assert signing.head is not None
    told = f"the head signed for 2025-06-30 is signed by a key nobody trusts ({stranger.key_id})"
    assert faults_of(sessions, world) == [told]
    posing = replace(signing.head, key_id=ECDSA_SIGNER.key_id)
    assert "a key nobody trusts" in faults_of(sessions, world, kept=(posing,))[-1]
    assert faults_of(sessions, world, trusted=trusting(stranger)) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"signed_at": AT + timedelta(seconds=1)}, "does not bear the signature of its key"),
        ({"business_date": date(2025, 7, 1)}, "does not bear the signature of its key"),
        ({"key_id": "0" * 16}, "names another key than the one it carries"),
        ({"organization_id": "another"}, "is another organisation's"),
        ({"algorithm": "none"}, "does not bear the signature of its key"),
        ({"sm3_digest": "0" * 64}, "does not fit the records by SM3"),
    ],
)
def test_a_head_that_was_altered_is_named(
    sessions: Sessions, world: World, change: dict[str, object], told: str
) -> None:
    _, signing = decide_and_sign(sessions, world, count=1)
    assert signing.head is not None
    altered = replace(signing.head, **change)  # type: ignore[arg-type]
    assert any(told in one for one in faults_of(sessions, world, kept=(altered,)))


def test_a_broken_chain_is_not_signed(sessions: Sessions, world: World) -> None:
    ids, _ = decide_and_sign(sessions, world, count=2)
    more, _ = decide_and_sign(sessions, world, count=1)
    with sessions.begin() as session:
        forced(session, "UPDATE decision SET subject = 'loan:P9' WHERE id = '{}'", more[0])
    _, signing = decide_and_sign(sessions, world, count=1, days=1)
    assert signing.head is None
    assert signing.fault is not None
    assert (signing.fault.decision_id, signing.fault.detail) == (more[0], "the decision was changed")
    with sessions.begin() as session:
        rewritten(session, world, keep=0, sequence=[ids[1], ids[0]])
    _, signing = decide_and_sign(sessions, world, count=0, days=2)
    assert signing.fault is not None
    assert signing.fault.detail == OFF


def test_the_second_digest_rests_on_the_records_not_on_sha256(sessions: Sessions, world: World) -> None:
    _, signing = decide_and_sign(sessions, world, count=2)
    assert signing.head is not None
    with sessions.read() as session:
        texts = session.execute(
            sa.text(
                "SELECT d.id, d.organization_id, d.kind, d.version, d.subject, d.actor_id, d.actor_name, d.actor_role, "
                "d.inputs, d.inputs_digest, d.outputs, d.outputs_digest, d.form, d.engine_version, d.maker_id, "
                "d.maker_name, d.checker_id, d.checker_name, d.approval_id, d.override FROM decision d "
                "JOIN decision_seal s ON s.decision_id = d.id ORDER BY s.sequence"
            )
        ).mappings()
        records = [
            json.dumps(
                {**row, "valid_on": "2025-06-30", "known_at": "2025-06-30T15:59:59.999999Z"},
                ensure_ascii=False, sort_keys=True, separators=(",", ":"),
            )
            for row in texts
        ]  # fmt: skip
    digest = _sm3(f'{{"chain":"{world.bank_id}"}}')
    for place, record in enumerate(records, 1):
        digest = _sm3(f'{{"previous":"{digest}","record":"{_sm3(record)}","sequence":{place}}}')
    assert signing.head.sm3_digest == digest


def _sm3(text: str) -> str:
    done = subprocess.run(["openssl", "dgst", "-sm3", "-r"], input=text.encode(), capture_output=True, check=True)
    return done.stdout.decode().split()[0]


def test_a_line_can_be_verified_by_others(sqlite_sessions: Sessions, tmp_path: Path) -> None:
    with sqlite_sessions.begin() as session:
        world = make_world(session, password_hash="!")
    _, signing = decide_and_sign(sqlite_sessions, world, count=1)
    assert signing.head is not None
    line = head_line(signing.head)
    assert heads_from([line, ""]) == (signing.head,)
    said = json.loads(line)
    (tmp_path / "statement").write_text(said["statement"], encoding="utf-8")
    (tmp_path / "signature").write_bytes(base64.b64decode(said["signature"]))
    (tmp_path / "key.pem").write_text(said["public_key"], encoding="ascii")
    verify = ["openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "signature", "statement"]
    shown = subprocess.run(verify, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert shown.stdout.strip() == "Verified OK"
    (tmp_path / "statement").write_text(said["statement"].replace('"length":1', '"length":2'), encoding="utf-8")
    assert subprocess.run(verify, cwd=tmp_path, capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize(
    "line", ["{}", "[]", "no json", '{"statement":"{}","signature":"","public_key":""}', '{"statement":1}']
)
def test_a_line_that_is_no_head_is_refused(line: str) -> None:
    with pytest.raises(InvalidInput, match="line 1"):
        heads_from([line])


def test_sealing_twice_seals_once(sessions: Sessions, world: World) -> None:
    with Session(sessions.engine) as session, session.begin():
        decide(session, world)
    with sessions.begin() as session:
        assert (seal_waiting(session, world.bank_id), seal_waiting(session, world.bank_id)) == (1, 0)
