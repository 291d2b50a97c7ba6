"""Links at rest: four eyes, both dates, late and corrected reports with their compensation, events, and refusals."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, datetime
from decimal import Decimal
from time import sleep
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from carbonfin.app.approvals.words import payload_rows
from carbonfin.app.decisions.kinds import decision_kinds
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.errors import CarbonFinError, Conflict, InvalidInput, MissingData, NotFound, NotPermitted
from carbonfin.storage.approvals import Approval, approvals_of
from carbonfin.storage.decisions import decisions_of, load_outcome, replay_decision
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.files import links_of
from loans import service
from loans.calc.linked.agreements import LinkEvent, LinkState
from loans.calc.linked.observation_terms import ObservationStatus
from loans.calc.linked.rate_changes import RATE_CHANGE_KIND
from loans.calc.servicing.receipts import ReceiptDraft
from loans.service.links import require_fit
from tests.loans.facility_samples import approved, contract_of, drawdown_of
from tests.loans.link_worlds import LINK, REPORT_FILE, LinkWorld, change_of, linked_world
from tests.loans.world import open_bank

NOTE = "JJ-2025-001"


def changes(world: LinkWorld) -> list[tuple[str, list[tuple[str, str]], str]]:
    note = service.load_note(world.session, world.bank.officer, NOTE)
    return [
        (
            one.booked.known_from.isoformat(),
            [(spell.start.isoformat(), str(spell.rate.normalize())) for spell in one.booked.spells],
            str(one.booked.compensation_cny),
        )
        for one in service.rate_changes_of(world.session, world.bank.officer, note)
    ]


def test_a_report_in_time_lowers_the_rate_from_the_next_interest_period(sessions: Sessions) -> None:
    with sessions.begin() as session:
        world = linked_world(session)
        world.roll(date(2025, 10, 24))
        world.hand_in()
        world.observe()
        assert changes(world) == [("2025-10-24", [("2025-11-21", "0.0319")], "0.00")]
        note = service.load_note(session, world.bank.officer, NOTE)
        assert (note.rate_on(date(2025, 11, 20)), note.rate_on(date(2025, 11, 21))) == (
            Decimal("0.0329"), Decimal("0.0319"),
        )  # fmt: skip
        view = world.view()
        assert (view.latest[0].status, view.latest[0].level_bp) == (ObservationStatus.MET, -10)
        (kept,) = links_of(session, world.bank.officer, "sustainability-link:GL-2025-001")
        assert kept.file.digest == REPORT_FILE.digest


def test_a_late_report_is_a_new_record_with_a_compensating_accrual(sessions: Sessions) -> None:
    """Without a report +5 bp from 11-21; it comes on 12-30 and earns -10 bp from 11-21: 1,250.00 + 375.00 go back.

    Interest from 06-30 to 01-21: 10,000,000 x (144 x 0.0329 + 61 x 0.0319) / 360 = 185,652.78.
    """
    with sessions.begin() as session:
        world = linked_world(session)
        world.roll(date(2025, 11, 3))
        world.observe()
        world.roll(date(2025, 12, 30))
        world.hand_in(document_date="2025-12-20", received_date="2025-12-30")
        world.observe()
        assert changes(world) == [
            ("2025-11-03", [("2025-11-21", "0.0334")], "0.00"),
            ("2025-12-30", [("2025-11-21", "0.0319")], "-1625.00"),
        ]
        view = world.view()
        assert [(one.version, one.status, one.level_bp) for one in view.observations] == [
            (1, ObservationStatus.NOT_RECEIVED, 5), (2, ObservationStatus.LATE, -10),
        ]  # fmt: skip
        world.roll(date(2026, 1, 21))
        service.accrue(session, world.bank.officer, world.today)
        voucher = service.record_interest_payment(
            session, world.bank.officer, NOTE, period_end=date(2026, 1, 21), paid_date=date(2026, 1, 21),
            known_at=end_of_china_day(world.today),
        )  # fmt: skip
        assert voucher.interest_cny == Decimal("185652.78")
        for subject, kind in (("sustainability_link:GL-2025-001", "loans.observation"),
                              (f"loan_note:{NOTE}", "loans.rate_change")):  # fmt: skip
            records = decisions_of(session, world.bank.officer, subject=subject, kind=kind)
            assert len(records) == 2
            assert all(replay_decision(session, decision_kinds(), one.id).same for one in records)


def receipt_of(paid_on: date, amount: str, *, reference: str = "HD-1") -> service.RepaymentDraft:
    return service.RepaymentDraft(
        note_code=NOTE, reference=reference,
        receipt=ReceiptDraft(paid_on=paid_on, amount_cny=Decimal(amount), prepays=True),
    )  # fmt: skip


def refunded(session: Session) -> LinkWorld:
    """1,625.00 are given back on 30 December, with interest paid to the 21st: 9 days at 0.0334 come to 8,350.00."""
    world = linked_world(session)
    world.roll(date(2025, 11, 3))
    world.observe()
    world.roll(date(2025, 12, 22))
    service.record_interest_payment(
        session, world.bank.officer, NOTE, period_end=date(2025, 12, 21), paid_date=world.today,
        known_at=end_of_china_day(world.today),
    )  # fmt: skip
    world.roll(date(2025, 12, 30))
    world.hand_in(document_date="2025-12-20", received_date="2025-12-30")
    world.observe()
    return world


def enter(world: LinkWorld, draft: service.RepaymentDraft) -> None:
    waiting = service.propose_repayment(
        world.session, world.bank.officer, draft, standing=world.standing, reason="入账"
    )
    approved(world.session, world.bank.checker, waiting, at=end_of_china_day(world.today))


def test_settling_on_the_day_of_a_refund_gives_it_back(sessions: Sessions) -> None:
    """10,000,000 and 8,350.00 less 1,625.00: 10,006,725.00, with a voucher of 6,725.00 for 9 days."""
    with sessions.begin() as session:
        world = refunded(session)
        owed = service.note_view(session, world.bank.officer, NOTE, standing=world.standing).line.standing
        assert (owed.accrued_cny, owed.unused_compensation_cny) == (Decimal("8350.00"), Decimal("-1625.00"))
        assert owed.payoff_cny == Decimal("10006725.00")
        enter(world, receipt_of(world.today, "10006725.00"))
        view = service.note_view(session, world.bank.officer, NOTE, standing=world.standing)
        assert (view.line.note.state, view.line.standing.payoff_cny) == ("settled", 0)
        assert view.vouchers[-1].interest_cny == Decimal("6725.00")


def test_a_repayment_on_the_day_of_a_refund_uses_it_once(sqlite_sessions: Sessions) -> None:
    """8,350.00 are paid to the day; then 8,000,000 x 0.0319 x 22 / 360 = 15,595.56 less 1,625.00 fall due."""
    with sqlite_sessions.begin() as session:
        world = refunded(session)
        enter(world, receipt_of(world.today, "2008350.00"))
        view = service.note_view(session, world.bank.officer, NOTE, standing=world.standing)
        following = next(one for one in view.line.standing.dues if one.due.start == world.today)
        assert following.interest_unpaid_cny == Decimal("13970.56")
        assert all(one.is_paid for one in view.line.standing.dues if one.due.start < world.today)
        world.roll(date(2025, 12, 31))
        assert service.accrue(session, world.bank.officer, world.today).failures == ()
        standing = service.note_view(session, world.bank.officer, NOTE, standing=world.standing).line.standing
        assert (standing.accrued_cny, standing.interest_owed_cny) == (0, 0)  # 708.89 of a day, 1,625.00 given back


def test_no_early_repayment_lies_before_a_change_of_rate_was_known(sqlite_sessions: Sessions) -> None:
    """What was given back on 30 December was worked out on the balance of the days before it."""
    with sqlite_sessions.begin() as session:
        world = refunded(session)
        world.roll(date(2025, 12, 31))
        officer = world.bank.officer
        with pytest.raises(InvalidInput) as refused:
            service.preview_repayment(
                session, officer, receipt_of(date(2025, 12, 29), "2007422.22"), standing=world.standing
            )
        assert refused.value.field == "paid_on"
        on_the_day = receipt_of(date(2025, 12, 30), "2008350.00")
        found = service.preview_repayment(session, officer, on_the_day, standing=world.standing)
        assert found.receipt.prepaid_cny == Decimal("2000000.00")


def approve_in(sessions: Sessions, checker: Actor, waiting: Approval, *, at: datetime) -> None:
    with sessions.begin() as session:
        approved(session, checker, waiting, at=at)


def wait_for_a_lock(engine: sa.Engine, work: Future[None]) -> None:
    """Return once a session of the server waits for another's lock, or the work is done without."""
    asked = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not work.done() and not connection.execute(asked).scalar_one():
            sleep(0.01)


@pytest.mark.postgres
def test_a_change_of_rate_sees_what_happened_to_its_note_while_it_waited(emptied_postgres: Callable[[], str]) -> None:
    """2,000,000 are repaid as of 22 December while the late report of the 30th is approved.

    11-21 to 12-21 on 10,000,000: -1,250.00; one day on it -41.67; 8 days on 8,000,000 5,671.11 for 5,937.78.
    """
    engine = open_engine(emptied_postgres())
    sessions = Sessions(engine)
    with sessions.begin() as session:
        world = linked_world(session)
        world.roll(date(2025, 11, 3))
        world.observe()
        world.roll(date(2025, 12, 30))
        officer, checker, at = world.bank.officer, world.bank.checker, end_of_china_day(world.today)
        service.record_interest_payment(
            session, officer, NOTE, period_end=date(2025, 12, 21), paid_date=world.today, known_at=at
        )
        world.hand_in(document_date="2025-12-20", received_date="2025-12-30")
        late = service.propose_observation(session, officer, "GL-2025-001", 1, standing=world.standing, reason="补交")
        draft = receipt_of(date(2025, 12, 22), "2000927.78")
        repaid = service.propose_repayment(session, officer, draft, standing=world.standing, reason="入账")
    with ThreadPoolExecutor(max_workers=1) as pool:
        with sessions.begin() as early:
            approved(early, checker, repaid, at=at)
            moving = pool.submit(approve_in, sessions, checker, late, at=at)
            wait_for_a_lock(engine, moving)
        moving.result()
    with sessions.begin() as session:
        note = service.load_note(session, officer, NOTE)
        assert note.rate_changes[-1].compensation_cny == Decimal("-1558.34")
    engine.dispose()


def test_a_note_drawn_after_a_decision_takes_what_was_decided(sessions: Sessions) -> None:
    """-10 bp since 21 November; a note drawn on the 25th bears 3.19 % from its first day."""
    with sessions.begin() as session:
        world = linked_world(session)
        world.roll(date(2025, 10, 24))
        world.hand_in()
        world.observe()
        world.roll(date(2025, 11, 25))
        draft = drawdown_of(note_code="JJ-2", amount_cny="1000000.00", drawdown_date="2025-11-25")
        waiting = service.propose_drawdown(session, world.bank.officer, draft, standing=world.standing, reason="提款")
        approved(session, world.bank.checker, waiting, at=end_of_china_day(world.today))
        note = service.load_note(session, world.bank.officer, "JJ-2")
        assert (note.terms.rate, note.rate_on(date(2025, 11, 25))) == (Decimal("0.0329"), Decimal("0.0319"))
        (change,) = service.rate_changes_of(session, world.bank.officer, note)
        assert (change.booked.known_from, change.booked.compensation_cny) == (world.today, 0)
        assert len(changes(world)) == 1


def test_a_contract_has_one_link_at_a_time(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        world = linked_world(session)
        with pytest.raises(Conflict) as second:
            world.sign(change_of(number="GL-2"))
        assert second.value.field == "contract_number"
        world.turn(LinkEvent.DECLASSIFY, valid_from=world.today)
        world.sign(change_of(number="GL-2"))
        found = service.load_link(session, world.bank.officer, "GL-2", known_at=end_of_china_day(world.today))
        assert found.state is LinkState.ACTIVE


def test_each_spell_keeps_the_floor_of_its_first_day(sqlite_sessions: Sessions) -> None:
    """3.25 % holds -10 bp up from 21 November; lowered to 3.10 % from December, 3.19 % holds from 21 February alone."""
    with sqlite_sessions.begin() as session:
        world = linked_world(session, ratchet={**LINK["ratchet"], "all_in_floor_rate": "0.0325"})
        world.roll(date(2025, 10, 24))
        world.hand_in()
        world.observe()
        world.roll(date(2025, 12, 1))
        lowered = {**LINK["ratchet"], "all_in_floor_rate": "0.0310"}
        world.sign(change_of(event="amend", ratchet=lowered, valid_from="2025-12-01"))
        world.roll(date(2026, 1, 20))
        met = [{"kpi_code": "energy", "value": "0.45"}, {"kpi_code": "green", "value": "0.35"}]
        world.hand_in(observation_number=2, document_date="2026-01-15", received_date="2026-01-20", values=met)
        world.observe(2)
        assert changes(world) == [
            ("2025-10-24", [("2025-11-21", "0.0325")], "0.00"),
            ("2026-01-20", [("2025-11-21", "0.0325"), ("2026-02-21", "0.0319")], "0.00"),
        ]
        last = decisions_of(session, world.bank.officer, subject=f"loan_note:{NOTE}", kind="loans.rate_change")[-1]
        assert replay_decision(session, decision_kinds(), last.id).same
        found = load_outcome(session, world.bank.officer, RATE_CHANGE_KIND, last.id)
        floors = [(one.name, one.value) for one in found.trace if one.name.startswith("all_in_floor_rate")]
        assert floors == [("all_in_floor_rate.2025-06-30", "0.0325"), ("all_in_floor_rate.2025-12-01", "0.0310")]


def test_a_corrected_report_takes_back_what_it_earned(sqlite_sessions: Sessions) -> None:
    """In time -10 bp from 11-21; corrected on 12-09, one KPI missed: 0 bp from the same day.

    11-21 to 12-09, 18 days: 10,000,000 x 0.0329 x 18/360 = 16,450.00 less 0.0319: 15,950.00; 500.00 is owed.
    """
    with sqlite_sessions.begin() as session:
        world = linked_world(session)
        world.roll(date(2025, 10, 24))
        world.hand_in()
        world.observe()
        with pytest.raises(Conflict) as nothing_new:
            world.observe()
        assert nothing_new.value.field == "observation_number"
        world.roll(date(2025, 12, 9))
        world.hand_in(
            document_date="2025-12-08", received_date="2025-12-09", correction_reason="产值更正",
            values=[{"kpi_code": "energy", "value": "0.49"}, {"kpi_code": "green", "value": "0.25"}],
        )  # fmt: skip
        world.observe()
        assert changes(world)[-1] == ("2025-12-09", [("2025-11-21", "0.0329")], "500.00")
        assert [one.version for one in world.view().observations] == [1, 2]
        early = service.load_link(session, world.bank.officer, "GL-2025-001", known_at=end_of_china_day(world.today))
        assert early.level_on(date(2025, 11, 21)) == 0


def test_steps_that_add_up_are_decided_again_behind_a_correction(sqlite_sessions: Sessions) -> None:
    ratchet = {
        "form": "grades", "kind": "cumulative", "missed_bp": 5, "late": "next-period", "floor_bp": -15, "cap_bp": 10,
        "steps": [{"key": "A", "step_bp": -10}, {"key": "B", "step_bp": -5}, {"key": "C", "step_bp": 5}],
    }  # fmt: skip
    with sqlite_sessions.begin() as session:
        world = linked_world(session, ratchet=ratchet)
        world.roll(date(2026, 1, 20))
        with pytest.raises(MissingData):
            service.try_observation(session, world.bank.officer, "GL-2025-001", 2, standing=world.standing)
        world.hand_in(grade="B", received_date="2025-10-24")
        world.observe(1)
        world.hand_in(grade="A", observation_number=2, document_date="2026-01-15", received_date="2026-01-20")
        world.observe(2)
        assert [one.level_bp for one in world.view().latest] == [-5, -15]
        world.roll(date(2026, 2, 25))
        world.hand_in(grade="C", document_date="2026-02-20", received_date="2026-02-25", correction_reason="等级更正")
        world.observe(1)
        latest = world.view().latest
        assert [(one.version, one.level_bp) for one in latest] == [(2, 5), (2, -5)]
        assert changes(world)[-1][1] == [("2025-11-21", "0.0334"), ("2026-02-21", "0.0324")]


def test_a_discount_ends_with_a_suspension_and_for_good_with_a_declassification(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        world = linked_world(session)
        world.roll(date(2025, 10, 24))
        world.hand_in()
        world.observe()
        world.roll(date(2025, 12, 1))
        world.turn(LinkEvent.SUSPEND, date(2025, 12, 1))
        assert changes(world)[-1] == ("2025-12-01", [("2025-11-21", "0.0319"), ("2025-12-21", "0.0329")], "0.00")
        world.roll(date(2026, 1, 5))
        world.turn(LinkEvent.RESUME, date(2026, 1, 5))
        assert changes(world)[-1][1][-1] == ("2026-01-21", "0.0319")
        world.turn(LinkEvent.DECLASSIFY, date(2026, 2, 1))
        assert changes(world)[-1][1][-1] == ("2026-02-21", "0.0329")
        view = world.view()
        assert (view.state, view.upcoming()) == (LinkState.DECLASSIFIED, None)
        with pytest.raises(Conflict):
            world.turn(LinkEvent.RESUME, date(2026, 2, 2))
        with pytest.raises(Conflict):
            world.hand_in(observation_number=2, received_date="2026-01-05", document_date="2026-01-04")
        assert [one.event for one in view.revisions] == ["sign", "suspend", "resume", "declassify"]


def test_four_eyes_and_both_dates(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        world = linked_world(session)
        officer, checker = world.bank.officer, world.bank.checker
        world.roll(date(2025, 8, 1))
        waiting = service.propose_turn(
            session, officer, "GL-2025-001", LinkEvent.SUSPEND, valid_from=date(2025, 8, 1), standing=world.standing,
            reason="借款人重组",
        )  # fmt: skip
        assert world.view().state is LinkState.ACTIVE
        with pytest.raises(NotPermitted):
            approved(session, officer, waiting, at=end_of_china_day(world.today))
        approved(session, checker, waiting, at=end_of_china_day(world.today))
        assert world.view().state is LinkState.SUSPENDED
        before = service.load_link(session, officer, "GL-2025-001", known_at=end_of_china_day(date(2025, 7, 31)))
        assert before.state is LinkState.ACTIVE
        shown = dict(payload_rows(waiting))
        words = {name.zh: value for name, value in shown.items()}
        assert "中止挂钩" in words["事项"]
        assert "达标" not in words["指标"]
        assert "未提交有效核查报告：+5 BP" in words["利差调整"]
        other = open_bank(session, name="另一家银行")
        with pytest.raises(NotFound):
            service.load_link(session, other.officer, "GL-2025-001", known_at=end_of_china_day(world.today))
        assert service.links_of(session, other.officer, known_at=end_of_china_day(world.today)) == ()


def kpis(**changed: Any) -> list[dict[str, Any]]:
    return [{**LINK["kpis"][0], **changed}, LINK["kpis"][1]]


def test_a_new_baseline_is_a_re_baseline_and_an_amendment_is_not(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        world = linked_world(session)
        world.roll(date(2025, 10, 24))
        world.hand_in()
        world.observe()
        rebased = kpis(baseline_value="0.45", baseline_source="并购后重述(示例)")
        for event, given, field in (
            ("amend", rebased, "event"), ("re-baseline", LINK["kpis"], "kpis"), ("sign", rebased, "event"),
        ):  # fmt: skip
            with pytest.raises(CarbonFinError) as refused:
                world.sign(change_of(event=event, kpis=given, valid_from="2025-10-24"))
            assert refused.value.field == field, event
        moved = [{**LINK["observations"][0], "report_due_date": "2025-11-30"}, LINK["observations"][1]]
        with pytest.raises(InvalidInput) as decided:
            world.sign(change_of(event="amend", observations=moved, valid_from="2025-10-24"))
        assert decided.value.field == "observations"
        with pytest.raises(InvalidInput) as backdated:
            world.sign(change_of(event="re-baseline", kpis=rebased, valid_from="2025-10-23"))
        assert backdated.value.field == "valid_from"
        world.sign(change_of(event="re-baseline", kpis=rebased, valid_from="2025-10-24"))
        view = world.view()
        assert view.terms.kpis[0].baseline_value == Decimal("0.45")
        assert view.revisions[0].terms.kpis[0].baseline_value == Decimal("0.50")
        assert view.terms_of(view.terms.observation(1)).revision == 1
        assert view.terms_of(view.terms.observation(2)).revision == 2


def test_what_was_reported_is_not_changed_before_it_is_decided(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        world = linked_world(session)
        world.roll(date(2025, 10, 24))
        softer = [{"kpi_code": "energy", "value": "0.49"}, {"kpi_code": "green", "value": "0.20"}]
        moved = [{**LINK["observations"][0], "targets": softer}, LINK["observations"][1]]
        amended = change_of(event="amend", observations=moved, valid_from="2025-10-24")
        require_fit(session, world.bank.officer, amended, standing=world.standing)
        world.hand_in()
        with pytest.raises(InvalidInput) as refused:
            world.sign(amended)
        assert refused.value.field == "observations"


REFUSED_LINKS: tuple[tuple[dict[str, Any], type[CarbonFinError], str], ...] = (
    ({"contract_number": "HT-NONE"}, NotFound, "contract_number"),
    ({"signed_on": "2025-07-01", "valid_from": "2025-07-01"}, InvalidInput, "signed_on"),
    ({"observations": [{**LINK["observations"][0], "report_due_date": "2026-12-31"}]}, InvalidInput, "observations"),
    ({"number": "GL-9", "event": "amend"}, Conflict, "event"),
)
REFUSED_DOCUMENTS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"usci": "91440300MA5FAKE009"}, "usci"),
    ({"evidence_digest": "0" * 64}, "evidence_digest"),
    ({"received_date": "2025-10-25"}, "received_date"),
    ({"document_date": "2025-09-30"}, "report_date"),
    ({"observation_number": 3}, "observation_number"),
    ({"values": [{"kpi_code": "water", "value": "1"}]}, "values"),
    ({"document_date": "2025-10-24", "received_date": "2025-10-23"}, "received_date"),
)


def test_what_does_not_fit_is_refused_by_its_field(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        world = linked_world(session)
        for changed, kind, field in REFUSED_LINKS:
            with pytest.raises(kind) as unfit:
                world.sign(change_of(**{"number": "GL-2", **changed}))
            assert unfit.value.field == field, changed
        world.roll(date(2025, 10, 24))
        for handed, field in REFUSED_DOCUMENTS:
            with pytest.raises(InvalidInput) as refused:
                world.hand_in(**handed)
            assert refused.value.field == field, handed
        assert world.view().documents == ()


def test_what_changed_since_it_was_proposed_is_not_approved(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        world = linked_world(session)
        world.roll(date(2025, 11, 3))
        waiting = service.propose_observation(
            session, world.bank.officer, "GL-2025-001", 1, standing=world.standing, reason="未提交"
        )
        world.hand_in(document_date="2025-11-01", received_date="2025-11-03")
        with pytest.raises(Conflict) as refused:
            approved(session, world.bank.checker, waiting, at=end_of_china_day(world.today))
        assert "otherwise than proposed" in str(refused.value)
        assert changes(world) == []
        assert approvals_of(session, world.bank.officer)


def test_a_note_outside_the_contract_is_left_alone(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        world = linked_world(session)
        _draw_elsewhere(session, world)
        world.roll(date(2025, 10, 24))
        world.hand_in()
        world.observe()
        other = service.load_note(session, world.bank.officer, "JJ-OTHER")
        assert service.rate_changes_of(session, world.bank.officer, other) == ()


def _draw_elsewhere(session: Session, world: LinkWorld) -> None:
    officer, checker = world.bank.officer, world.bank.checker
    contract = contract_of(number="HT-OTHER", amount="1000000.00")
    waiting = service.propose_loan_contract(session, officer, contract, standing=world.standing, reason="签订")
    approved(session, checker, waiting, at=end_of_china_day(world.today))
    draft = drawdown_of("HT-OTHER", note_code="JJ-OTHER", amount_cny="1000000.00")
    waiting = service.propose_drawdown(session, officer, draft, standing=world.standing, reason="提款")
    approved(session, checker, waiting, at=end_of_china_day(world.today))
