"""Calls and terms at rest: four eyes, dispute, cure, expiry, default, return; each step through the services."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, time
from decimal import Decimal

import pytest
from sqlmodel import Session

from carbonfin.app.approvals.kinds import APPROVAL_KINDS
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound, NotPermitted
from carbonfin.kernel.units import Currency
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer, overrides_of
from carbonfin.storage.decisions import load_decision, replay_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.files import load_file
from carbonfin.storage.parties import DayState, Standing, roll_business_date, standing_of
from collateral import service
from collateral.calc.agreed_terms import AgreedTerms, terms_of_payload, terms_payload
from collateral.calc.margin import RoundingDirection
from collateral.service import CallStep, MarginCall
from tests.collateral.desk import CLOCK, Desk, build_desk, take_over_all
from tests.collateral.world import TODAY

TERMS = AgreedTerms(
    agreement_kind="pledge", agreement_code="P3", currency=Currency.CNY, threshold=Decimal("0.00"),
    minimum_transfer=Decimal("10000.00"), rounding=Decimal("1000.00"), delivery_direction=RoundingDirection.UP,
    return_direction=RoundingDirection.DOWN, independent=Decimal("0.00"), initial_ratio=None, warning_ratio=None,
    disposal_ratio=None, calendar="both", zone="Asia/Shanghai", notification_time=time(11, 0),
    transfer_time=time(15, 0), resolution_time=time(12, 0), days_on_time=1, days_late=2, resolution_days=1,
    grace_days=1, document="补充协议 第三条", valid_from=TODAY,
)  # fmt: skip


@contextmanager
def on(sessions: Sessions, actor: Actor) -> Iterator[tuple[Session, Standing]]:
    with sessions.begin() as session:
        yield session, standing_of(session, actor.organization_id, CLOCK)


def agree_terms(sessions: Sessions, desk: Desk, terms: AgreedTerms = TERMS) -> None:
    with on(sessions, desk.maker) as (session, standing):
        waiting = service.propose_terms(session, desk.maker, terms, standing=standing, reason="补充协议")
    with on(sessions, desk.checker) as (session, standing):
        service.approve_terms(session, desk.checker, waiting.id, standing=standing, reason="同意")


def called(sessions: Sessions, desk: Desk, *, debts: dict[str, str] | None = None, day: date = TODAY) -> MarginCall:
    """Run the day and give the one call of P3."""
    with sessions.begin() as session:
        if day == TODAY:
            take_over_all(session, desk)
        run_day(session, desk, day, debts or {})
        (call,) = [one for one in service.live_calls(session, desk.maker, agreement_code="P3") if one.issued_on == day]
    return call


def run_day(session: Session, desk: Desk, day: date, debts: dict[str, str]) -> None:
    for code, principal in debts.items():
        service.record_exposure(
            session, desk.maker, code, principal_cny=Decimal(principal), accrued_cny=Decimal("0.00"), exposure_date=day
        )
    service.revalue(session, desk.maker, day)
    service.issue_calls(session, desk.maker, day)


def roll(sessions: Sessions, desk: Desk, to: date) -> None:
    with sessions.begin() as session:
        day = standing_of(session, desk.maker.organization_id, CLOCK).business_date
        roll_business_date(session, desk.maker.organization_id, expected=day, to=to, state=DayState.OPEN)


def step(sessions: Sessions, actor: Actor, call: MarginCall, name: str, amount: str | None = None) -> MarginCall:
    with on(sessions, actor) as (session, standing):
        given = CallStep(name=name, words="凭证 1", amount=None if amount is None else Decimal(amount))
        return service.take_call_step(session, actor, call.id, given, standing=standing)


def pledge_state(sessions: Sessions, desk: Desk, code: str = "P3") -> str:
    with sessions.read() as session:
        found = service.pledge_by_code(session, desk.maker, code)
        assert found is not None
        return found.state


def decide(sessions: Sessions, checker: Actor, call: MarginCall) -> None:
    with on(sessions, checker) as (session, standing):
        (waiting,) = [
            one for one in approvals.waiting_for(session, checker, APPROVAL_KINDS)
            if one.subject == f"margin_call:{call.id}"
        ]  # fmt: skip
        approvals.approve(
            session, checker, waiting.id, kinds=APPROVAL_KINDS, answer=Answer(reason="同意"), at=standing.known_at,
            business_date=standing.business_date,
        )  # fmt: skip


def test_terms_survive_the_payload_two_people_sign() -> None:
    assert terms_of_payload(terms_payload(TERMS)) == TERMS
    endless = replace(TERMS, threshold=None, initial_ratio=Decimal("1.20"), warning_ratio=Decimal("1.10"),
                      disposal_ratio=Decimal("1.05"))  # fmt: skip
    assert terms_of_payload(terms_payload(endless)) == endless


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"minimum_transfer": Decimal("-1.00")}, "minimum_transfer"),
        ({"rounding": Decimal(0)}, "rounding"),
        ({"warning_ratio": Decimal("1.1")}, "initial_ratio"),
        ({"initial_ratio": Decimal(1), "warning_ratio": Decimal("1.1"), "disposal_ratio": Decimal("0.9")}, "initial_ratio"),
        ({"zone": "Asia/Shenzhen"}, "zone"),
        ({"days_late": 0}, "days_late"),
        ({"document": " "}, "document"),
        ({"agreement_kind": "repo", "initial_ratio": Decimal(1), "warning_ratio": Decimal(1),
          "disposal_ratio": Decimal(1)}, "initial_ratio"),
    ],
)  # fmt: skip
def test_terms_that_cannot_be_kept_are_refused(changes: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        replace(TERMS, **changes)  # type: ignore[arg-type]  # one wrong value at a time
    assert refused.value.field == field


def test_terms_need_two_people_the_agreement_and_a_day_to_come(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        take_over_all(session, desk)
    with on(desk_sessions, desk.maker) as (session, standing):
        with pytest.raises(NotFound):
            service.propose_terms(
                session, desk.maker, replace(TERMS, agreement_code="P9"), standing=standing, reason="补充协议"
            )
        with pytest.raises(InvalidInput, match="before the business date"):
            service.propose_terms(
                session, desk.maker, replace(TERMS, valid_from=date(2025, 6, 27)), standing=standing, reason="补充协议"
            )
        with pytest.raises(InvalidInput, match="is in CNY"):
            service.propose_terms(
                session, desk.maker, replace(TERMS, currency=Currency.HKD), standing=standing, reason="补充协议"
            )
        waiting = service.propose_terms(session, desk.maker, TERMS, standing=standing, reason="补充协议")
    with on(desk_sessions, desk.maker) as (session, standing), pytest.raises(NotPermitted):
        service.approve_terms(session, desk.maker, waiting.id, standing=standing, reason="同意")
    with on(desk_sessions, desk.stranger) as (session, standing), pytest.raises(NotFound):
        service.approve_terms(session, desk.stranger, waiting.id, standing=standing, reason="同意")
    with on(desk_sessions, desk.checker) as (session, standing):
        (kept,) = service.approve_terms(session, desk.checker, waiting.id, standing=standing, reason="同意")
    assert (kept.revision, kept.terms, kept.maker_name, kept.checker_name) == (
        1, TERMS, desk.maker.name, desk.checker.name,
    )  # fmt: skip


def test_lines_agreed_below_the_bank_s_own_are_listed_with_both(desk_sessions: Sessions, desk: Desk) -> None:
    """The bank's lines are 1.00, 0.95 and 0.85; a disposal line of 0.80 lies below, lines of 1.20 and more do not."""
    lines = {"initial_ratio": Decimal("1.00"), "warning_ratio": Decimal("0.95"), "disposal_ratio": Decimal("0.80")}
    above = {"initial_ratio": Decimal("1.20"), "warning_ratio": Decimal("1.10"), "disposal_ratio": Decimal("1.05")}
    with desk_sessions.begin() as session:
        take_over_all(session, desk)
    agree_terms(desk_sessions, desk)
    agree_terms(desk_sessions, desk, replace(TERMS, agreement_code="P2", **above))  # type: ignore[arg-type]
    below = replace(TERMS, agreement_code="P1", **lines)  # type: ignore[arg-type]
    agree_terms(desk_sessions, desk, below)
    with desk_sessions.read() as session:
        (listed,) = overrides_of(session, desk.maker)
        (kept,) = service.terms_of(session, desk.maker, "P1")
    assert kept.terms == below
    assert listed.approval is not None
    payload = listed.approval.payload
    assert payload["override_ruled"] == "初始线 1.00、预警线 0.95、处置线 0.85"
    assert payload["override_used"] == "初始线 1.00、预警线 0.95、处置线 0.80"
    assert payload["override_reason"] == "补充协议"


def test_agreed_terms_round_the_call_and_set_its_hours_on_both_databases(sessions: Sessions) -> None:
    with sessions.begin() as session:
        desk = build_desk(session)
        take_over_all(session, desk)
    agree_terms(sessions, desk)
    with sessions.begin() as session:
        run_day(session, desk, TODAY, {})
        (call,) = service.live_calls(session, desk.maker, agreement_code="P3")
        # 55758.81 up to the next thousand; the run is at midnight, past 11:00: two open days on, at 15:00 in Shanghai
        assert (call.cash_amount, call.deadline) == (Decimal("56000.00"), date(2025, 7, 2))
        assert call.deadline_at is not None
        assert call.deadline_at.isoformat() == "2025-07-02T07:00:00+00:00"
        events = service.timeline_of_call(session, desk.maker, call.id)
        assert [(one.event, one.state_after) for one in events] == [("notify", "EXPECTED"), ("issue", "ISSUED")]
        record = load_decision(session, desk.maker, call.decision_id)
        assert (record.figure("delivery").value, record.figure("rounding").value) == ("56000.00", "1000.00")
        assert replay_decision(session, service.DECISION_KINDS, call.decision_id).same
    with sessions.begin() as session:
        run_day(session, desk, TODAY, {})
        assert len(service.live_calls(session, desk.maker)) == 1


def test_the_undisputed_part_moves_and_the_rest_is_recalculated(desk_sessions: Sessions, desk: Desk) -> None:
    call = called(desk_sessions, desk)  # 55758.81
    first = step(desk_sessions, desk.maker, call, "dispute", "50000.00")
    assert (first.state, first.cash_amount) == ("IN_TRANSIT", Decimal("50000.00"))
    with desk_sessions.read() as session:
        (rest,) = [one for one in service.live_calls(session, desk.maker) if one.id != call.id]
    assert (rest.state, rest.cash_amount, rest.part) == ("DISPUTED", Decimal("5758.81"), 1)
    assert rest.resolution_at is not None
    assert step(desk_sessions, desk.maker, first, "receive", "50000.00").state == "SETTLED"
    assert pledge_state(desk_sessions, desk) == "MARGIN_CALLED"  # the rest is still awaited
    rest = step(desk_sessions, desk.maker, rest, "resolve", "5000.00")
    rest = step(desk_sessions, desk.maker, rest, "accept")
    rest = step(desk_sessions, desk.maker, rest, "send")
    assert step(desk_sessions, desk.maker, rest, "receive", "5000.00").state == "SETTLED"
    assert pledge_state(desk_sessions, desk) == "DRAWN"


def test_a_part_payment_is_kept_and_the_full_one_cures_whatever_was_entered_before(
    desk_sessions: Sessions, desk: Desk
) -> None:
    call = called(desk_sessions, desk)
    some = step(desk_sessions, desk.maker, call, "receive", "20000.00")
    assert (some.state, some.outstanding_amount) == ("ISSUED", Decimal("35758.81"))
    whole = step(desk_sessions, desk.maker, call, "receive", "35758.81")
    assert (whole.state, whole.received_amount) == ("SETTLED", Decimal("55758.81"))
    with desk_sessions.read() as session:
        states = [one.state_after for one in service.timeline_of_call(session, desk.maker, call.id)]
    assert states == ["ISSUED", "ISSUED", "AGREED", "IN_TRANSIT", "SETTLED"]
    assert pledge_state(desk_sessions, desk) == "DRAWN"


def test_margin_held_counts_the_next_day_and_goes_back_when_the_debt_falls(desk_sessions: Sessions, desk: Desk) -> None:
    call = called(desk_sessions, desk)
    step(desk_sessions, desk.maker, call, "receive", "55758.81")
    tomorrow = date(2025, 7, 1)
    roll(desk_sessions, desk, tomorrow)
    # debt 830000.00, collateral 800000.00: 30000.00 is due, 55758.81 held: 25758.81 goes back
    back = called(desk_sessions, desk, day=tomorrow, debts={"P3": "830000.00"})
    assert (back.direction, back.cash_amount, back.state) == ("return", Decimal("25758.81"), "ISSUED")
    assert pledge_state(desk_sessions, desk) == "DRAWN"
    with desk_sessions.begin() as session:
        run_day(session, desk, tomorrow, {})
        assert len(service.live_calls(session, desk.maker)) == 1
    step(desk_sessions, desk.maker, back, "receive", "25758.81")
    with desk_sessions.begin() as session:
        run_day(session, desk, tomorrow, {})
        assert service.live_calls(session, desk.maker) == ()


def expired_call(sessions: Sessions, desk: Desk) -> MarginCall:
    call = called(sessions, desk)
    later = date(2025, 7, 8)  # the deadline was 7 July, five open days on
    roll(sessions, desk, later)
    with sessions.begin() as session:
        run_day(session, desk, later, {"P3": "855758.81"})
        found = service.load_call(session, desk.maker, call.id)
    assert (found.state, pledge_state(sessions, desk)) == ("EXPIRED", "CURE_EXPIRED")
    return found


def test_a_late_cure_needs_two_people_and_settles_the_call_with_the_pledge(desk_sessions: Sessions, desk: Desk) -> None:
    call = expired_call(desk_sessions, desk)
    with pytest.raises(Conflict, match="does not cover"):
        step(desk_sessions, desk.maker, call, "late-cure", "55758.80")
    assert step(desk_sessions, desk.maker, call, "late-cure", "55758.81").state == "EXPIRED"
    decide(desk_sessions, desk.checker, call)
    with desk_sessions.read() as session:
        assert service.load_call(session, desk.maker, call.id).state == "SETTLED"
    assert pledge_state(desk_sessions, desk) == "DRAWN"


def test_a_default_needs_two_people_and_takes_the_pledge_to_enforcement(desk_sessions: Sessions, desk: Desk) -> None:
    call = expired_call(desk_sessions, desk)
    step(desk_sessions, desk.maker, call, "declare-default")
    with pytest.raises(ValueError, match="not enough values"):
        decide(desk_sessions, desk.maker, call)  # the maker is not asked
    decide(desk_sessions, desk.checker, call)
    with desk_sessions.read() as session:
        assert service.load_call(session, desk.maker, call.id).state == "DEFAULT"
    assert pledge_state(desk_sessions, desk) == "ENFORCING"
    with desk_sessions.read() as session:
        pledge = service.pledge_by_code(session, desk.maker, "P3")
        assert pledge is not None
        view = service.view_enforcement(session, desk.maker, pledge.id)
        (declared,) = view.steps
        letter = load_file(session, desk.maker, declared.evidence_digest)
    assert view.enforcement is not None
    assert (view.enforcement.state, view.enforcement.maker_name, view.next_act.value) == (
        "OPEN", "maker(示例)", "choose_means",
    )  # fmt: skip
    assert (declared.kind, declared.decision_id, letter.media_type) == ("declared", call.decision_id, "application/pdf")


def test_no_default_while_the_grace_runs(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        take_over_all(session, desk)
    agree_terms(desk_sessions, desk, replace(TERMS, grace_days=10))
    with desk_sessions.begin() as session:
        run_day(session, desk, TODAY, {})
        (call,) = service.live_calls(session, desk.maker, agreement_code="P3")
    roll(desk_sessions, desk, date(2025, 7, 3))
    with desk_sessions.begin() as session:
        run_day(session, desk, date(2025, 7, 3), {"P3": "855758.81"})
    with pytest.raises(Conflict, match="may be met until"):
        step(desk_sessions, desk.maker, call, "declare-default")
    assert step(desk_sessions, desk.maker, call, "receive", "56000.00").state == "SETTLED"
    assert pledge_state(desk_sessions, desk) == "DRAWN"


@pytest.mark.parametrize("name", ["accept", "send", "transfer-failed", "resend", "resolve"])
def test_a_step_the_state_does_not_allow_is_refused_and_nothing_moves(
    desk_sessions: Sessions, desk: Desk, name: str
) -> None:
    call = called(desk_sessions, desk)
    with pytest.raises(Conflict):
        step(desk_sessions, desk.maker, call, name, "1.00")
    with desk_sessions.read() as session:
        assert service.load_call(session, desk.maker, call.id) == call
        assert name not in service.steps_from(call)


def test_another_bank_finds_no_call(desk_sessions: Sessions, desk: Desk) -> None:
    call = called(desk_sessions, desk)
    with pytest.raises(NotFound):
        step(desk_sessions, desk.stranger, call, "agree")
