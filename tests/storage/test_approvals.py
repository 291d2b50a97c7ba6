"""Four eyes: every edge of an approval, two at once, and what the database refuses by itself."""

import threading
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound, NotPermitted
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer, Approval, ApprovalKind, ApprovalState, ProposalDraft
from carbonfin.storage.decisions import Override, record_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.keyset import Place
from tests.storage.worlds import World, make_world

AT = datetime(2025, 7, 1, 1, 30, tzinfo=UTC)
DAY = date(2025, 6, 30)
YES = Answer(reason="已核对")


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubling:
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubled:
    amount: Decimal
    trace: tuple[Figure, ...] = ()


DOUBLED = DecisionKind(
    name="trial.doubled", version="1", inputs=Doubling, outputs=Doubled,
    decide=lambda inputs: Doubled(amount=2 * inputs.amount),
)  # fmt: skip
BY_HAND = Override(
    figure="amount", label_zh="金额", label_en="Amount", unit="CNY", ruled="4", used="3", reason="客户经理说明"
)


class Done:
    """What took effect; stands for a package's own work."""

    def __init__(self) -> None:
        self.effects: list[tuple[str, str]] = []

    def apply(self, _: Session, actor: Actor, approval: Approval, __: Answer, ___: datetime) -> None:
        if approval.payload.get("impossible"):
            raise Conflict("the thing is no longer possible", zh="已不可行")
        self.effects.append((approval.subject, actor.name))


def kind(done: Done) -> ApprovalKind:
    return ApprovalKind(
        name="test.thing",
        title_zh="事项",
        title_en="Thing",
        maker_roles=frozenset({Role.OFFICER}),
        checker_roles=frozenset({Role.CHECKER}),
        apply=done.apply,
        address=lambda approval: f"/things/{approval.subject}",
    )


def proposal(subject: str = "thing:1") -> ProposalDraft:
    return ProposalDraft(
        subject=subject, title_zh="提高额度", title_en="Raise the line",
        payload={"limit_cny": "100.00"}, reason="客户申请",
    )  # fmt: skip


@pytest.fixture
def world(sessions: Sessions) -> World:
    with sessions.begin() as session:
        return make_world(session, password_hash="x")


def _proposed(sessions: Sessions, world: World, draft: ProposalDraft | None = None) -> Approval:
    with sessions.begin() as session:
        return approvals.propose(session, world.maker, kind(Done()), draft or proposal(), at=AT)


def _approve(
    sessions: Sessions, actor: Actor, approval_id: str, done: Done, *, at: datetime = AT, version: int | None = None
) -> Approval:
    with sessions.begin() as session:
        return approvals.approve(
            session, actor, approval_id, kinds=(kind(done),), answer=YES, at=at, business_date=DAY,
            expected_version=version,
        )  # fmt: skip


def test_approved_by_another_it_takes_effect_at_once_and_every_step_is_kept(sessions: Sessions, world: World) -> None:
    done = Done()
    waiting = _proposed(sessions, world)
    ended = _approve(sessions, world.checker, waiting.id, done)
    assert (ended.state, ended.checker_name, ended.effective_at) == (ApprovalState.EFFECTIVE, "checker", AT)
    assert done.effects == [("thing:1", "checker")]
    with sessions.read() as session:
        steps = approvals.events_of(session, world.maker, waiting.id)
    assert [(step.event, step.state_after, step.actor_name) for step in steps] == [
        ("draft", "draft", "maker"),
        ("propose", "proposed", "maker"),
        ("approve", "approved", "checker"),
        ("make_effective", "effective", "checker"),
    ]
    assert [step.reason for step in steps] == ["客户申请", "客户申请", "已核对", "已核对"]


def test_the_maker_cannot_approve_whatever_the_role(sessions: Sessions, world: World) -> None:
    done = Done()
    waiting = _proposed(sessions, world)
    both = replace(world.maker, role=Role.CHECKER)
    with pytest.raises(NotPermitted, match="same person"):
        _approve(sessions, both, waiting.id, done)
    with pytest.raises(NotPermitted, match="same person"), sessions.begin() as session:
        approvals.reject(session, both, waiting.id, kinds=(kind(done),), answer=YES, at=AT)
    assert done.effects == []


def test_a_role_outside_the_kind_cannot_propose(sessions: Sessions, world: World) -> None:
    with pytest.raises(NotPermitted, match="checker may not propose"), sessions.begin() as session:
        approvals.propose(session, world.checker, kind(Done()), proposal(), at=AT)


def test_a_role_outside_the_kind_cannot_decide(sessions: Sessions, world: World) -> None:
    waiting = _proposed(sessions, world)
    auditor = replace(world.checker, role=Role.AUDITOR)
    with pytest.raises(NotPermitted, match="auditor"):
        _approve(sessions, auditor, waiting.id, Done())


def test_the_database_itself_refuses_one_person_in_both_places(sessions: Sessions, world: World) -> None:
    waiting = _proposed(sessions, world)
    change = sa.text("UPDATE approval SET state = 'approved', checker_id = maker_id WHERE id = :id")
    with pytest.raises(sa.exc.IntegrityError, match="four_eyes"), sessions.begin() as session:
        session.execute(change, {"id": waiting.id})
    lonely = sa.text("UPDATE approval SET state = 'effective' WHERE id = :id")
    with pytest.raises(sa.exc.IntegrityError, match="decided_by_someone"), sessions.begin() as session:
        session.execute(lonely, {"id": waiting.id})


def test_an_effect_that_fails_leaves_nothing_approved(sessions: Sessions, world: World) -> None:
    waiting = _proposed(sessions, world, replace(proposal(), payload={"impossible": True}))
    with pytest.raises(Conflict, match="no longer possible"):
        _approve(sessions, world.checker, waiting.id, Done())
    with sessions.read() as session:
        assert approvals.load_approval(session, world.maker, waiting.id) == waiting


def test_an_effect_that_fails_takes_the_approval_back_even_where_the_caller_goes_on(
    sessions: Sessions, world: World
) -> None:
    waiting = _proposed(sessions, world, replace(proposal(), payload={"impossible": True}))
    with sessions.begin() as session, pytest.raises(Conflict, match="no longer possible"):
        approvals.approve(
            session, world.checker, waiting.id, kinds=(kind(Done()),), answer=YES, at=AT, business_date=DAY
        )
    with sessions.read() as session:
        assert approvals.load_approval(session, world.maker, waiting.id) == waiting
        assert len(approvals.events_of(session, world.maker, waiting.id)) == 2


def test_two_checkers_at_the_same_instant_decide_once(sessions: Sessions, world: World) -> None:
    done = Done()
    waiting = _proposed(sessions, world)
    second = replace(world.checker, id=world.checker.id[::-1], name="second")
    start = threading.Barrier(2)
    failures: list[Exception] = []

    def decide(actor: Actor) -> None:
        start.wait()
        try:
            _approve(sessions, actor, waiting.id, done)
        except Conflict as conflict:
            failures.append(conflict)

    threads = [threading.Thread(target=decide, args=(actor,)) for actor in (world.checker, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done.effects) == 1
    assert len(failures) == 1
    with sessions.read() as session:
        assert len(approvals.events_of(session, world.maker, waiting.id)) == 4


def test_a_stale_version_is_refused_and_the_one_seen_is_taken(sessions: Sessions, world: World) -> None:
    waiting = _proposed(sessions, world)
    with pytest.raises(Conflict, match="2 steps"):
        _approve(sessions, world.checker, waiting.id, Done(), version=1)
    assert _approve(sessions, world.checker, waiting.id, Done(), version=waiting.version).version == 4


def test_only_one_stands_open_for_a_subject(sessions: Sessions, world: World) -> None:
    waiting = _proposed(sessions, world)
    with pytest.raises(Conflict, match="already before the checkers"):
        _proposed(sessions, world)
    with sessions.begin() as session:
        approvals.withdraw(session, world.maker, waiting.id, reason="改期", at=AT)
    assert _proposed(sessions, world).state is ApprovalState.PROPOSED


@pytest.mark.parametrize("ending", ["withdraw", "reject", "approve"])
def test_what_has_ended_moves_no_more(sessions: Sessions, world: World, ending: str) -> None:
    done = Done()
    waiting = _proposed(sessions, world)
    with sessions.begin() as session:
        if ending == "withdraw":
            approvals.withdraw(session, world.maker, waiting.id, reason="撤回", at=AT)
        elif ending == "reject":
            approvals.reject(session, world.checker, waiting.id, kinds=(kind(done),), answer=YES, at=AT)
    if ending == "approve":
        _approve(sessions, world.checker, waiting.id, done)
    before = list(done.effects)
    with pytest.raises(Conflict):
        _approve(sessions, world.checker, waiting.id, done)
    with pytest.raises(Conflict), sessions.begin() as session:
        approvals.withdraw(session, world.maker, waiting.id, reason="再撤", at=AT)
    assert done.effects == before


def test_a_later_day_waits_for_its_day(sessions: Sessions, world: World) -> None:
    done = Done()
    waiting = _proposed(sessions, world, replace(proposal(), effective_on=date(2025, 7, 2)))
    approved = _approve(sessions, world.checker, waiting.id, done)
    assert (approved.state, done.effects) == (ApprovalState.APPROVED, [])
    for day, count in ((date(2025, 7, 1), 0), (date(2025, 7, 2), 1), (date(2025, 7, 2), 0)):
        with sessions.begin() as session:
            found = approvals.make_due_effective(session, world.maker, kinds=(kind(done),), business_date=day, at=AT)
        assert (len(found.values), found.failures) == (count, ())
    assert done.effects == [("thing:1", "maker")]


def test_one_that_is_no_longer_possible_keeps_no_other_from_its_day(sessions: Sessions, world: World) -> None:
    done, day = Done(), date(2025, 7, 2)
    stuck = _proposed(sessions, world, replace(proposal(), effective_on=day, payload={"impossible": True}))
    sound = _proposed(sessions, world, replace(proposal(), effective_on=day, subject="thing:2"))
    for one in (stuck, sound):
        _approve(sessions, world.checker, one.id, done)
    for carried_out in ([sound.id], []):
        with sessions.begin() as session:
            found = approvals.make_due_effective(session, world.maker, kinds=(kind(done),), business_date=day, at=AT)
        assert [one.id for one in found.values] == carried_out
        assert [(one.item, one.detail) for one in found.failures] == [
            (f"{stuck.kind} thing:1", "the thing is no longer possible")
        ]
    with sessions.read() as session:
        assert approvals.load_approval(session, world.maker, stuck.id).state is ApprovalState.APPROVED
        assert [one.event for one in approvals.events_of(session, world.maker, stuck.id)][-1] == "approve"


def test_what_is_overdue_can_no_longer_be_approved_and_is_ended_by_the_job(sessions: Sessions, world: World) -> None:
    late = AT + timedelta(hours=2)
    waiting = _proposed(sessions, world, replace(proposal(), expires_at=AT + timedelta(hours=1)))
    with pytest.raises(Conflict, match="expired"):
        _approve(sessions, world.checker, waiting.id, Done(), at=late)
    with sessions.begin() as session:
        assert approvals.expire_overdue(session, world.maker, at=late) == 1
        assert approvals.expire_overdue(session, world.maker, at=late) == 0
    with sessions.read() as session:
        assert approvals.load_approval(session, world.maker, waiting.id).state is ApprovalState.EXPIRED


def test_a_payload_changed_behind_our_back_is_not_approved(sessions: Sessions, world: World) -> None:
    waiting = _proposed(sessions, world)
    with sessions.begin() as session:
        session.execute(
            sa.text("UPDATE approval SET payload = :payload WHERE id = :id"),
            {"payload": '{"limit_cny":"900.00"}', "id": waiting.id},
        )
    with pytest.raises(Conflict, match="no longer holds what was proposed"):
        _approve(sessions, world.checker, waiting.id, Done())


def test_another_organisation_finds_nothing(sessions: Sessions, world: World) -> None:
    waiting = _proposed(sessions, world)
    foreign = replace(world.stranger, role=Role.CHECKER)
    with pytest.raises(NotFound):
        _approve(sessions, foreign, waiting.id, Done())
    with sessions.read() as session:
        assert approvals.approvals_of(session, world.stranger) == ()
        assert approvals.events_of(session, world.stranger, waiting.id) == ()
        with pytest.raises(NotFound):
            approvals.load_approval(session, world.stranger, waiting.id)


def test_a_reason_is_required_of_everyone(sessions: Sessions, world: World) -> None:
    with pytest.raises(InvalidInput, match="reason"):
        _proposed(sessions, world, replace(proposal(), reason=" "))
    waiting = _proposed(sessions, world)
    with pytest.raises(InvalidInput, match="reason"), sessions.begin() as session:
        approvals.reject(
            session, world.checker, waiting.id, kinds=(kind(Done()),), answer=Answer(reason="x" * 2001), at=AT
        )
    with pytest.raises(NotPermitted, match="another person"), sessions.begin() as session:
        approvals.withdraw(session, world.checker, waiting.id, reason="代撤", at=AT)


def test_the_inbox_holds_what_others_proposed_and_my_role_decides(sessions: Sessions, world: World) -> None:
    kinds = (kind(Done()),)
    first = _proposed(sessions, world, proposal("thing:1"))
    second = _proposed(sessions, world, proposal("thing:2"))
    with sessions.read() as session:
        found = approvals.waiting_for(session, world.checker, kinds)
        assert {one.id for one in found} == {first.id, second.id}
        assert approvals.waiting_for(session, world.maker, kinds) == ()
        assert approvals.waiting_for(session, replace(world.maker, role=Role.CHECKER), kinds) == ()
        assert approvals.open_approval_of(session, world.bank_id, kind="test.thing", subject="thing:2") == second


def test_an_exception_no_decision_names_is_listed_and_pages_go_over_both(sessions: Sessions, world: World) -> None:
    """What was excepted before decisions named it, a decision with an override, and a refusal, newest first."""
    done = Done()
    drafts = [
        replace(proposal("thing:plain"), payload={"override_reason": ""}),
        replace(proposal("thing:excepted"), payload={"haircut": "0.30", "override_reason": "授信委员会决议"}),
    ]
    for place, draft in enumerate(drafts):
        at = AT + timedelta(minutes=place)
        with sessions.begin() as session:
            waiting = approvals.propose(session, world.maker, kind(done), draft, at=at)
            approvals.approve(
                session, world.checker, waiting.id, kinds=(kind(done),), answer=YES, at=at, business_date=DAY
            )
    with sessions.begin() as session:
        waiting = approvals.propose(session, world.maker, kind(done), proposal("thing:no"), at=AT + timedelta(hours=1))
        approvals.reject(
            session, world.checker, waiting.id, kinds=(kind(done),), answer=Answer(reason="依据不足"),
            at=AT + timedelta(hours=1),
        )  # fmt: skip
        set_by_hand = record_decision(
            session, world.maker, DOUBLED, Doubling(amount=Decimal(2)), subject="thing:2", valid_on=DAY,
            known_at=AT + timedelta(minutes=30), override=BY_HAND,
        ).decision_id  # fmt: skip
    with sessions.read() as session:
        first = approvals.override_page(session, world.maker, Place(limit=2))
        second = approvals.override_page(session, world.maker, Place(limit=2, after=first.last))
        elsewhere = approvals.overrides_of(session, world.stranger)
    listed = [*first.items, *second.items]
    assert [one.approval.subject if one.approval else one.id for one in listed] == [
        "thing:no", set_by_hand, "thing:excepted",
    ]  # fmt: skip
    assert listed[1].decision is not None
    assert listed[1].decision.override == BY_HAND
    assert (second.last, elsewhere) == (None, ())
