"""Drafts of rules at rest: kept by their maker, validated on record, proposed or withdrawn, unseen by checkers."""

from dataclasses import replace
from datetime import timedelta

import pytest

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict, InvalidInput, NotApplicable, NotFound, NotPermitted
from carbonfin.rules.tables import TableVersion
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Approval, ApprovalEvent, ApprovalState
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rulebook import (
    TABLE_APPROVAL,
    draft_parameter,
    draft_table,
    own_book,
    propose_parameter,
    propose_table,
    submit_parameter,
    submit_table,
)
from tests.storage.test_rulebook import KNOWN, PROPOSED
from tests.storage.test_tables_at_rest import DRAFT, SOUND, TODAY, margins
from tests.storage.worlds import NOW, World, make_world

GAPPED = margins(("null", "20"), ("A", "-30"), ("C", "0"))
"""Nothing answers for grade B."""
TOMORROW = NOW + timedelta(days=1)


@pytest.fixture
def world(sessions: Sessions) -> World:
    with sessions.begin() as session:
        return make_world(session, password_hash="!")


def drafted(sessions: Sessions, maker: Actor, draft: TableVersion = DRAFT) -> Approval:
    with sessions.begin() as session:
        return draft_table(session, maker, draft, reason="产品办法修订", at=NOW, contracts=())


def timeline(sessions: Sessions, actor: Actor, approval: Approval) -> tuple[ApprovalEvent, ...]:
    with sessions.read() as session:
        return approvals.events_of(session, actor, approval.id)


def test_a_draft_stands_with_its_validation_and_waits_for_nobody(sessions: Sessions, world: World) -> None:
    kept = drafted(sessions, world.maker)
    steps = timeline(sessions, world.maker, kept)
    with sessions.read() as session:
        waiting = approvals.waiting_for(session, world.checker, (TABLE_APPROVAL,))
    assert (kept.state, waiting) == (ApprovalState.DRAFT, ())
    assert [one.event for one in steps] == ["draft", "validate"]
    zh, en = steps[1].reason.splitlines()
    assert zh.startswith(f"校验通过，内容摘要 {SOUND.digest}，发现 1 项：【提示】没有决定读取名为 sample.table")
    assert en.startswith(f"sound, digest {SOUND.digest}, findings 1: [worth knowing] no decision reads")


def test_an_unsound_draft_is_kept_with_what_was_found_and_never_proposed(sessions: Sessions, world: World) -> None:
    kept = drafted(sessions, world.maker, replace(DRAFT, table=GAPPED))
    noted = timeline(sessions, world.maker, kept)[1].reason
    assert noted.startswith(
        f"校验未通过，内容摘要 {GAPPED.digest}，发现 2 项：【不能发起】存在没有任何规则行适用的输入"
    )
    with pytest.raises(InvalidInput, match="may not be published"), sessions.begin() as session:
        submit_table(session, world.maker, kept.id, at=NOW, contracts=())
    assert [one.event for one in timeline(sessions, world.maker, kept)] == ["draft", "validate"]


def test_a_draft_is_submitted_by_its_maker_alone_and_validated_again(sessions: Sessions, world: World) -> None:
    kept = drafted(sessions, world.maker, replace(DRAFT, known_from=TODAY + timedelta(days=1)))
    with pytest.raises(NotPermitted, match="made by another person"), sessions.begin() as session:
        submit_table(session, world.checker, kept.id, at=TOMORROW, contracts=())
    with sessions.begin() as session:
        proposed = submit_table(session, world.maker, kept.id, at=TOMORROW, contracts=())
    with sessions.read() as session:
        (waiting,) = approvals.waiting_for(session, world.checker, (TABLE_APPROVAL,))
    assert (proposed.state, waiting.id, waiting.payload_digest) == (
        ApprovalState.PROPOSED, kept.id, kept.payload_digest,
    )  # fmt: skip
    assert [one.event for one in timeline(sessions, world.maker, kept)] == ["draft", "validate", "validate", "propose"]
    with pytest.raises(Conflict, match="is proposed"), sessions.begin() as session:
        submit_table(session, world.maker, kept.id, at=TOMORROW, contracts=())


def test_a_draft_whose_day_has_passed_is_not_submitted(sessions: Sessions, world: World) -> None:
    kept = drafted(sessions, world.maker)  # known from the day of NOW
    with pytest.raises(InvalidInput, match="before its approval"), sessions.begin() as session:
        submit_table(session, world.maker, kept.id, at=TOMORROW, contracts=())


def test_a_draft_is_named_to_who_proposes_the_same_and_gives_way_when_withdrawn(
    sessions: Sessions, world: World
) -> None:
    kept = drafted(sessions, world.maker)
    with pytest.raises(Conflict, match="has a draft of rules"), sessions.begin() as session:
        propose_table(session, world.checker, DRAFT, reason="同一事项", at=NOW, contracts=())
    with sessions.begin() as session:
        approvals.withdraw(session, world.maker, kept.id, reason="另行起草", at=NOW)
        again = propose_table(session, world.checker, DRAFT, reason="同一事项", at=NOW, contracts=())
    assert again.state is ApprovalState.PROPOSED


def test_a_draft_closes_no_gap_for_a_proposal(sessions: Sessions, world: World) -> None:
    """Only what waits for a checker joins: a draft may never be proposed."""
    first = replace(DRAFT, valid_to=TODAY - timedelta(days=100))
    between = replace(DRAFT, valid_from=TODAY - timedelta(days=99), valid_to=TODAY - timedelta(days=1))
    with sessions.begin() as session:
        propose_table(session, world.maker, first, reason="首版", at=NOW, contracts=())
    drafted(sessions, world.maker, between)
    with pytest.raises(InvalidInput, match="would have no own version"), sessions.begin() as session:
        propose_table(session, world.maker, replace(DRAFT, valid_from=TODAY), reason="后版", at=NOW, contracts=())


def test_what_is_proposed_at_once_was_validated_on_record_too(sessions: Sessions, world: World) -> None:
    with sessions.begin() as session:
        proposed = propose_table(session, world.maker, DRAFT, reason="产品办法修订", at=NOW, contracts=())
    steps = timeline(sessions, world.maker, proposed)
    assert [one.event for one in steps] == ["draft", "validate", "propose"]
    assert [one.place for one in steps] == [1, 2, 3]
    assert SOUND.digest in steps[1].reason


def test_a_value_is_drafted_validated_and_submitted_alike(sessions: Sessions, world: World) -> None:
    wrong = replace(PROPOSED, value="many")
    with pytest.raises(InvalidInput), sessions.begin() as session:
        draft_parameter(session, world.maker, wrong, reason="内部政策", at=NOW, known=KNOWN)
    with sessions.begin() as session:
        right = draft_parameter(session, world.maker, PROPOSED, reason="内部政策", at=NOW, known=KNOWN)
        proposed = submit_parameter(session, world.maker, right.id, at=NOW, known=KNOWN)
        book = own_book(session, world.maker.organization_id)
    assert (proposed.state, list(book.values())) == (ApprovalState.PROPOSED, [])
    assert [one.event for one in timeline(sessions, world.maker, right)] == ["draft", "validate", "validate", "propose"]


def test_a_value_that_is_proposed_at_once_was_validated_on_record(sessions: Sessions, world: World) -> None:
    with sessions.begin() as session:
        proposed = propose_parameter(session, world.maker, PROPOSED, reason="内部政策", at=NOW, known=KNOWN)
    assert [one.event for one in timeline(sessions, world.maker, proposed)] == ["draft", "validate", "propose"]


def test_only_rules_of_the_kind_and_the_organisation_are_submitted(sessions: Sessions, world: World) -> None:
    kept = drafted(sessions, world.maker)
    with pytest.raises(NotApplicable, match="no parameter"), sessions.begin() as session:
        submit_parameter(session, world.maker, kept.id, at=NOW, known=KNOWN)
    with sessions.begin() as session:
        value = draft_parameter(session, world.maker, PROPOSED, reason="内部政策", at=NOW, known=KNOWN)
    with pytest.raises(NotApplicable, match="no decision table"), sessions.begin() as session:
        submit_table(session, world.maker, value.id, at=NOW, contracts=())
    with pytest.raises(NotFound), sessions.begin() as session:
        submit_table(session, world.stranger, kept.id, at=NOW, contracts=())
