"""Evidence at rest: stored once, linked many times, voided with a reason, erased by two people once nothing keeps it."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound, NotPermitted
from carbonfin.storage import approvals, files
from carbonfin.storage.approvals import Answer, Approval, ApprovalState
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.files import FILE_ERASURE, EvidenceFile, EvidenceKind, FileLink, LinkDraft
from carbonfin.storage.parties import security_events_of
from tests.storage.file_samples import pdf, png
from tests.storage.worlds import World, make_world

AT = datetime(2025, 7, 1, 1, 30, tzinfo=UTC)
LAST_DAY = date(2030, 6, 30)
STILL_LAST_DAY = datetime(2030, 6, 30, 15, 59, tzinfo=UTC)  # 23:59 in China
DAY_AFTER = datetime(2030, 6, 30, 16, 0, tzinfo=UTC)  # midnight in China
DRAFT = LinkDraft(
    subject="pledge:p1", kind=EvidenceKind.IDENTITY, name="身份证.pdf", is_personal=True, retain_until=LAST_DAY
)


@pytest.fixture
def world(sessions: Sessions) -> World:
    with sessions.begin() as session:
        return make_world(session, password_hash="x")


def _stored(
    sessions: Sessions, actor: Actor, content: bytes = b"", draft: LinkDraft = DRAFT
) -> tuple[EvidenceFile, FileLink]:
    checked = files.check_file(content or pdf(), name=draft.name)
    with sessions.begin() as session:
        stored = files.store_file(session, actor, checked, at=AT)
        return stored, files.link_file(session, actor, stored.digest, draft, at=AT)


def _propose(sessions: Sessions, actor: Actor, digest: str, *, at: datetime = DAY_AFTER) -> Approval:
    with sessions.begin() as session:
        return files.propose_erasure(session, actor, digest, reason="保存期满", at=at)


def _approve(sessions: Sessions, actor: Actor, approval_id: str, *, at: datetime = DAY_AFTER) -> Approval:
    with sessions.begin() as session:
        return approvals.approve(
            session, actor, approval_id, kinds=(FILE_ERASURE,), answer=Answer(reason="同意删除"), at=at,
            business_date=LAST_DAY,
        )  # fmt: skip


def test_content_is_stored_once_and_linked_many_times(sessions: Sessions, world: World) -> None:
    first, link = _stored(sessions, world.maker)
    again, other = _stored(sessions, world.checker, draft=replace(DRAFT, subject="approval:a1", name="副本.pdf"))
    assert again == first
    assert (first.size_bytes, first.stored_by_name, first.media_type) == (len(pdf()), "maker", "application/pdf")
    with sessions.read() as session:
        assert session.execute(sa.text("SELECT count(*) FROM evidence_file")).scalar_one() == 1
        assert files.content_of(session, world.maker, first.digest) == pdf()
        assert set(files.links_of_file(session, world.maker, first.digest)) == {link, other}
        assert [one.link for one in files.links_of(session, world.maker, "approval:a1")] == [other]
        assert {one.link.id for one in files.links_of(session, world.maker)} == {link.id, other.id}
        assert files.links_of(session, world.maker, "approval:a2") == ()


def test_the_same_link_again_is_the_same_and_with_another_retention_refused(sessions: Sessions, world: World) -> None:
    stored, link = _stored(sessions, world.maker)
    assert _stored(sessions, world.maker)[1] == link
    for change in ({"retain_until": date(2026, 1, 1)}, {"is_personal": False}):
        with pytest.raises(Conflict, match="already, with another retention"):
            _stored(sessions, world.maker, draft=replace(DRAFT, **change))
    with sessions.read() as session:
        assert files.links_of_file(session, world.maker, stored.digest) == (link,)


def test_two_senders_of_one_content_at_the_same_instant_store_it_once(sessions: Sessions, world: World) -> None:
    start = threading.Barrier(2)
    found: list[str] = []

    def send(subject: str) -> None:
        start.wait()
        found.append(_stored(sessions, world.maker, draft=replace(DRAFT, subject=subject))[0].digest)

    threads = [threading.Thread(target=send, args=(f"pledge:p{number}",)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    with sessions.read() as session:
        assert len(files.links_of_file(session, world.maker, found[0])) == 2


def test_another_organisation_finds_nothing_and_stores_its_own(sessions: Sessions, world: World) -> None:
    stored, link = _stored(sessions, world.maker)
    with sessions.begin() as session:
        for attempt in (
            lambda: files.load_file(session, world.stranger, stored.digest),
            lambda: files.content_of(session, world.stranger, stored.digest),
            lambda: files.link_file(session, world.stranger, stored.digest, DRAFT, at=AT),
            lambda: files.void_link(session, world.stranger, stored.digest, link.id, reason="x", at=AT),
            lambda: files.propose_erasure(session, world.stranger, stored.digest, reason="x", at=DAY_AFTER),
        ):
            with pytest.raises(NotFound):
                attempt()
        assert files.links_of(session, world.stranger) == ()
        assert files.due_for_erasure(session, world.stranger, on=date(2040, 1, 1)) == ()
    own, _ = _stored(sessions, world.stranger)
    assert (own.digest, own.organization_id) == (stored.digest, world.other_bank_id)
    with sessions.read() as session:
        assert session.execute(sa.text("SELECT count(*) FROM evidence_file")).scalar_one() == 2


def test_a_link_is_never_removed_but_marked_void_with_a_reason(sessions: Sessions, world: World) -> None:
    stored, link = _stored(sessions, world.maker)
    for reason in ("", "  ", "x" * 2001):
        with pytest.raises(InvalidInput, match="reason"), sessions.begin() as session:
            files.void_link(session, world.maker, stored.digest, link.id, reason=reason, at=AT)
    with sessions.begin() as session:
        voided = files.void_link(session, world.checker, stored.digest, link.id, reason="挂错质押", at=AT)
    assert (voided.is_void, voided.voided_by_name, voided.void_reason) == (True, "checker", "挂错质押")
    with pytest.raises(Conflict, match="void already"), sessions.begin() as session:
        files.void_link(session, world.maker, stored.digest, link.id, reason="再次", at=AT)
    with pytest.raises(NotFound), sessions.begin() as session:
        files.void_link(session, world.maker, "0" * 64, link.id, reason="x", at=AT)
    _, anew = _stored(sessions, world.maker)
    assert anew.id != link.id
    with sessions.read() as session:
        assert set(files.links_of_file(session, world.maker, stored.digest)) == {voided, anew}


def test_the_database_itself_wants_a_reason_and_one_standing_link(sessions: Sessions, world: World) -> None:
    _stored(sessions, world.maker)
    for statement, constraint in (
        ("UPDATE file_link SET voided_at = linked_at", "void_with_reason"),
        ("UPDATE evidence_file SET content = NULL", "content_or_erased"),
        ("UPDATE evidence_file SET erased_at = stored_at", "content_or_erased"),
    ):
        with pytest.raises(sa.exc.IntegrityError, match=constraint), sessions.begin() as session:
            session.execute(sa.text(statement))


@pytest.mark.parametrize(
    "subject", ["pledge", "pledge:", "Pledge:1", "pledge:a b", "pledge:<b>", ":1", "pledge:" + "x" * 65]
)
def test_a_subject_has_its_shape(subject: str) -> None:
    with pytest.raises(InvalidInput, match="is no subject"):
        replace(DRAFT, subject=subject)


def test_content_that_changed_at_rest_is_not_handed_out(sessions: Sessions, world: World) -> None:
    stored, _ = _stored(sessions, world.maker)
    with sessions.begin() as session:
        session.execute(sa.text("UPDATE evidence_file SET content = :other"), {"other": b"%PDF-1.7 forged"})
    with pytest.raises(Conflict, match="no longer has its digest"), sessions.read() as session:
        files.content_of(session, world.maker, stored.digest)


def test_erasure_waits_for_the_last_day_in_china_and_for_another_person(sessions: Sessions, world: World) -> None:
    stored, link = _stored(sessions, world.maker)
    with pytest.raises(Conflict, match="1 links ask to keep it: pledge:p1 as identity until 2030-06-30"):
        _propose(sessions, world.maker, stored.digest, at=STILL_LAST_DAY)
    proposed = _propose(sessions, world.maker, stored.digest)
    assert (proposed.state, proposed.subject) == (ApprovalState.PROPOSED, f"file:{stored.digest}")
    assert link.name not in str(proposed.payload)
    with pytest.raises(NotPermitted, match="same person"):
        _approve(sessions, replace(world.maker, role=Role.CHECKER), proposed.id)
    with sessions.read() as session:
        assert files.content_of(session, world.maker, stored.digest) == pdf()
    assert _approve(sessions, world.checker, proposed.id).state is ApprovalState.EFFECTIVE
    with sessions.read() as session:
        erased = files.load_file(session, world.maker, stored.digest)
        assert (erased.digest, erased.sm3_digest, erased.size_bytes) == (
            stored.digest, stored.sm3_digest, stored.size_bytes,
        )  # fmt: skip
        assert (erased.erased_at, erased.erased_by_name, erased.erasure_reason, erased.erasure_approval_id) == (
            DAY_AFTER, "maker / checker", "保存期满", proposed.id,
        )  # fmt: skip
        assert [one.name for one in files.links_of_file(session, world.maker, stored.digest)] == [""]
        with pytest.raises(NotFound, match="erased"):
            files.content_of(session, world.maker, stored.digest)
        events = security_events_of(session, world.bank_id, kind="file_erased")
    assert [(event.subject, event.actor_name) for event in events] == [(f"file:{stored.digest}", "checker")]


def test_what_comes_to_keep_it_after_the_proposal_stops_the_approval(sessions: Sessions, world: World) -> None:
    stored, _ = _stored(sessions, world.maker)
    proposed = _propose(sessions, world.maker, stored.digest)
    hold = replace(DRAFT, subject="pledge:p2", kind=EvidenceKind.HOLD, retain_until=None)
    with sessions.begin() as session:
        link = files.link_file(session, world.maker, stored.digest, hold, at=AT)
    with pytest.raises(Conflict, match="pledge:p2 as hold without an end"):
        _approve(sessions, world.checker, proposed.id)
    with sessions.begin() as session:
        assert files.content_of(session, world.maker, stored.digest) == pdf()
        files.void_link(session, world.maker, stored.digest, link.id, reason="诉讼终结", at=AT)
    assert _approve(sessions, world.checker, proposed.id).state is ApprovalState.EFFECTIVE


def test_a_hold_has_no_end() -> None:
    with pytest.raises(InvalidInput, match="no last day"):
        replace(DRAFT, kind=EvidenceKind.HOLD)


def test_a_link_without_a_last_day_keeps_it_as_long_as_it_stands(sessions: Sessions, world: World) -> None:
    stored, link = _stored(sessions, world.maker, draft=replace(DRAFT, retain_until=None))
    with pytest.raises(Conflict, match="without an end"):
        _propose(sessions, world.maker, stored.digest, at=datetime(2099, 1, 1, tzinfo=UTC))
    with sessions.begin() as session:
        files.void_link(session, world.maker, stored.digest, link.id, reason="误传", at=AT)
    proposed = _propose(sessions, world.maker, stored.digest)
    assert "已作废 maker：误传" in proposed.payload["links"][0]


@pytest.mark.parametrize("role", [Role.SYSTEM, Role.CHECKER, Role.AUDITOR])
def test_a_role_outside_the_kind_proposes_no_erasure(sessions: Sessions, world: World, role: Role) -> None:
    stored, _ = _stored(sessions, world.maker)
    with pytest.raises(NotPermitted, match="may not propose"):
        _propose(sessions, replace(world.maker, role=role), stored.digest)


def test_erased_content_is_neither_stored_nor_linked_nor_erased_again(sessions: Sessions, world: World) -> None:
    stored, _ = _stored(sessions, world.maker)
    _approve(sessions, world.checker, _propose(sessions, world.maker, stored.digest).id)
    with pytest.raises(Conflict, match="was erased"), sessions.begin() as session:
        files.store_file(session, world.maker, files.check_file(pdf(), name="又一份.pdf"), at=AT)
    with pytest.raises(Conflict, match="was erased"), sessions.begin() as session:
        files.link_file(session, world.maker, stored.digest, replace(DRAFT, subject="pledge:p3"), at=AT)
    with pytest.raises(Conflict, match="erased already"):
        _propose(sessions, world.maker, stored.digest)


def test_personal_files_that_nothing_keeps_are_due(sessions: Sessions, world: World) -> None:
    due, _ = _stored(sessions, world.maker)
    _stored(sessions, world.maker, png(), replace(DRAFT, name="b.png", is_personal=False))
    kept, _ = _stored(sessions, world.maker, png(width=9), replace(DRAFT, name="c.png"))
    with sessions.begin() as session:
        files.link_file(
            session, world.maker, kept.digest, replace(DRAFT, subject="pledge:p9", retain_until=None), at=AT
        )
    with sessions.read() as session:
        assert files.due_for_erasure(session, world.maker, on=LAST_DAY) == ()
        assert files.due_for_erasure(session, world.maker, on=date(2030, 7, 1)) == (due,)
    _approve(sessions, world.checker, _propose(sessions, world.maker, due.digest).id)
    with sessions.read() as session:
        assert files.due_for_erasure(session, world.maker, on=date(2030, 7, 1)) == ()


def test_no_byte_of_an_erased_file_is_left_in_the_sqlite_file(sqlite_url: str) -> None:
    sessions = Sessions(open_engine(sqlite_url))
    with sessions.begin() as session:
        world = make_world(session, password_hash="x")
    secret = b"440301199001011234 " * 4000
    draft = replace(DRAFT, name="id.txt")
    stored, _ = _stored(sessions, world.maker, secret, draft)
    database = Path(sqlite_url.removeprefix("sqlite:///"))

    def on_disk() -> int:
        with sessions.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[attr-defined]
        return sum(file.read_bytes().count(b"440301199001011234") for file in database.parent.glob(f"{database.name}*"))

    assert on_disk() > 3900, "a few stand across two pages"
    _approve(sessions, world.checker, _propose(sessions, world.maker, stored.digest).id)
    assert on_disk() == 0
    sessions.engine.dispose()
