"""Authorities' acts and the enforcement of pledges, on both databases; figures worked out by hand.

P1 under a freeze of 10,000 t: 40,000 x 44.418 = 1,776,720.00 over 2,001,700.00 is 0.8876, below the warning line.
P3 sold whole at 28.00 (the lowest price of a band of 0.30 under 40.00): 40,000 x 28.00 = 1,120,000.00. After costs of
12,000.00, interest of 758.81 and principal of 855,000.00, 252,241.19 go back to the pledgor. Called with 1,200,000.00 of
principal instead: 1,120,000.00 - 12,000.00 - 758.81 = 1,107,241.19 of principal is met, 92,758.81 stays a claim.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict, InvalidInput, MissingData, NotFound, NotPermitted
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer
from carbonfin.storage.decisions import replay_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.files import check_file, links_of, store_file
from carbonfin.storage.rulebook import enter_parameter
from collateral import service
from collateral.calc.enforcement import DistributionInputs, decide_distribution
from collateral.calc.pledge import PLEDGE
from collateral.calc.reconciliation import Difference
from collateral.registries.port import RegistryStatement
from collateral.registries.simulated import Fault, PlannedFault
from collateral.registries.simulator import SimulatorServer
from collateral.service import (
    ENFORCEMENT_APPROVAL,
    ActDraft,
    ActKind,
    ChangeKind,
    LotSold,
    SaleDraft,
    SaleMethod,
)
from collateral.service.pledges import take_step
from collateral.store import pledges as store
from tests.collateral.changes import answering, ask, called_desk, change, pledged, position, query, send, top_up
from tests.collateral.desk import Desk, build_desk, draft
from tests.collateral.world import TODAY, parameter

DOCUMENT = check_file("协助执行通知书：冻结配额。".encode(), name="协助执行通知书.txt")


def file_document(session: Session, desk: Desk) -> str:
    store_file(session, desk.maker, DOCUMENT, at=desk.standing.known_at)
    return DOCUMENT.digest


def order(
    desk: Desk, kind: ActKind, party: str, unit: str, quantity_t: int, *, pledge: str | None = None,
    freeze: str | None = None, digest: str = DOCUMENT.digest,
) -> ActDraft:  # fmt: skip
    return ActDraft(
        kind=kind, party_id=desk.parties[party], pledge_id=pledge, unit=Unit.parse(unit), quantity_t=quantity_t,
        freeze_id=freeze, authority="示例区人民法院", document="(2025)示例执1号", document_date=TODAY,
        evidence_digest=digest,
    )  # fmt: skip


def record(sessions: Sessions, desk: Desk, draft: ActDraft) -> str:
    with sessions.begin() as session:
        file_document(session, desk)
        return service.record_act(session, desk.maker, draft, standing=desk.standing).id


def pledge_state(sessions: Sessions, desk: Desk, pledge_id: str) -> str:
    with sessions.read() as session:
        assert service.ledger_faults(session, desk.maker) == ()
        return service.load_pledge(session, desk.maker, pledge_id).state


def test_a_court_freezes_units_of_p1_and_lifts_the_freeze(sessions: Sessions) -> None:
    with sessions.begin() as session:
        desk = build_desk(session)
        p1 = called_desk(session, desk)["P1"]
    freeze = record(sessions, desk, order(desk, ActKind.FREEZE, "E1", "CEA-2023", 10000, pledge=p1))
    assert pledge_state(sessions, desk, p1) == "MARGIN_CALLED"
    with sessions.read() as session:
        coverage = service.coverage_history(session, desk.maker, p1)[-1]
        assert (coverage.market_value_cny, coverage.collateral_value_cny) == (
            Decimal("3701500.00"), Decimal("1776720.00"),
        )  # fmt: skip
        assert f"{coverage.coverage_ratio:.4f}" == "0.8876"
        (call,) = service.live_calls(session, desk.maker, agreement_code="P1")
        assert call.cash_amount == Decimal("2001700.00") - Decimal("1776720.00")
        assert [one.link.subject for one in links_of(session, desk.maker, f"pledge:{p1}")] == [f"pledge:{p1}"]
    with pytest.raises(Conflict, match="frozen by an authority"):
        ask(sessions, desk, p1, change(ChangeKind.PART_RELEASE, freed={"CEA-2023": 1}, repayment="1000000.00"))
    with sessions.begin() as session:
        service.repay_pledge(session, desk.maker, p1, standing=desk.standing, cause="结清")
        with pytest.raises(Conflict, match="frozen by"):
            service.request_unfreeze(session, desk.maker, p1, standing=desk.standing, agreed=desk.agreed)
        session.rollback()
    record(sessions, desk, order(desk, ActKind.LIFT, "E1", "CEA-2023", 10000, pledge=p1, freeze=freeze))
    assert pledge_state(sessions, desk, p1) == "DRAWN"
    with sessions.read() as session:
        assert service.live_calls(session, desk.maker, agreement_code="P1") == ()
        (held, lifted) = service.acts_on_pledge(session, desk.maker, p1)
        assert (held.outstanding_t, lifted.outstanding_t) == (0, 0)
        assert service.acts_of_party(session, desk.maker, desk.parties["E1"]) == (held, lifted)


def test_a_lift_checks_the_pledge_the_quantity_and_the_file(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        found = called_desk(session, desk)
    p1 = found["P1"]
    freeze = record(desk_sessions, desk, order(desk, ActKind.FREEZE, "E1", "CEA-2023", 10, pledge=p1))
    for wrong, why in (
        (order(desk, ActKind.LIFT, "E1", "CEA-2023", 10, freeze=freeze), "another pledge, or of none"),
        (order(desk, ActKind.LIFT, "E1", "CEA-2023", 11, pledge=p1, freeze=freeze), "10 t still frozen"),
        (order(desk, ActKind.LIFT, "E1", "CEA-2024", 10, pledge=p1, freeze=freeze), "is no freeze"),
        (order(desk, ActKind.FREEZE, "E2", "CEA-2023", 1, pledge=p1), "another pledgor"),
        (order(desk, ActKind.FREEZE, "E1", "CEA-2023", 49991, pledge=p1), "50000 t pledged, 10 t already frozen"),
    ):  # fmt: skip
        with pytest.raises(Conflict, match=why):
            record(desk_sessions, desk, wrong)
    with pytest.raises(InvalidInput, match="no evidence file"):
        record(desk_sessions, desk, order(desk, ActKind.FREEZE, "E1", "CEA-2023", 1, pledge=p1, digest="0" * 64))
    with pytest.raises(InvalidInput, match="names the freeze"):
        order(desk, ActKind.LIFT, "E1", "CEA-2023", 1, pledge=p1)


def test_free_units_are_bound_by_a_freeze_and_gone_by_a_deduction(sessions: Sessions) -> None:
    with sessions.begin() as session:
        desk = build_desk(session)
        p3 = called_desk(session, desk)["P3"]
    freeze = record(sessions, desk, order(desk, ActKind.FREEZE, "E3", "SZA-2024", 32000))
    assert position(sessions, desk, "E3", "SZA-2024") == (1000, 0, 32000)
    with pytest.raises(Conflict, match="2720 t asked, 1000 t free"):
        ask(sessions, desk, p3, top_up({"SZA-2024": 2720}))
    record(sessions, desk, order(desk, ActKind.DEDUCTION, "E3", "SZA-2024", 2000, freeze=freeze))
    record(sessions, desk, order(desk, ActKind.LIFT, "E3", "SZA-2024", 20000, freeze=freeze))
    record(sessions, desk, order(desk, ActKind.DEDUCTION, "E3", "SZA-2024", 1))
    assert position(sessions, desk, "E3", "SZA-2024") == (20999, 0, 10000)
    assert pledge_state(sessions, desk, p3) == "MARGIN_CALLED"


def test_a_deduction_of_pledged_units_lowers_the_coverage_and_calls(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        p1 = called_desk(session, desk)["P1"]
    record(desk_sessions, desk, order(desk, ActKind.DEDUCTION, "E1", "CEA-2023", 10000, pledge=p1))
    assert pledge_state(desk_sessions, desk, p1) == "MARGIN_CALLED"
    assert pledged(desk_sessions, desk, p1) == {"CEA-2023": 40000}
    assert position(desk_sessions, desk, "E1", "CEA-2023") == (10000, 0, 40000)
    with desk_sessions.read() as session:
        assert service.coverage_history(session, desk.maker, p1)[-1].collateral_value_cny == Decimal("1776720.00")
        assert len(service.live_calls(session, desk.maker, agreement_code="P1")) == 1
    record(desk_sessions, desk, order(desk, ActKind.DEDUCTION, "E1", "CEA-2023", 40000, pledge=p1))
    assert pledged(desk_sessions, desk, p1) == {}
    with desk_sessions.begin() as session:
        batch = service.revalue(session, desk.maker, TODAY)
    assert ("P1", "nothing is pledged any more") in [(one.item, one.detail.split(":")[0]) for one in batch.failures]


def declare(sessions: Sessions, desk: Desk, pledge_id: str) -> None:
    with sessions.begin() as session:
        digest = file_document(session, desk)
        waiting = service.propose_default(
            session, desk.maker, pledge_id, ground="逾期未补足", evidence_digest=digest, standing=desk.standing
        )
        with pytest.raises(NotPermitted):
            decide(session, desk, waiting.id, by=desk.maker)
    with sessions.begin() as session:
        decide(session, desk, waiting.id)


def choose(sessions: Sessions, desk: Desk, pledge_id: str, method: SaleMethod = SaleMethod.AUCTION) -> None:
    with sessions.begin() as session:
        waiting = service.propose_means(
            session, desk.maker, pledge_id, method=method, ground="市场流动性", evidence_digest=DOCUMENT.digest,
            standing=desk.standing,
        )  # fmt: skip
    with sessions.begin() as session:
        decide(session, desk, waiting.id)


def hand_over(sessions: Sessions, desk: Desk) -> None:
    with answering() as (_, registry):
        send(sessions, desk, registry)


def decide(session: Session, desk: Desk, approval_id: str, *, by: object = None) -> None:
    approvals.approve(
        session, by or desk.checker, approval_id, kinds=(ENFORCEMENT_APPROVAL,), answer=Answer(reason="同意"),
        at=desk.standing.known_at, business_date=TODAY,
    )  # fmt: skip


def sale(desk: Desk, price: str, *, quantity_t: int = 40000, buyer: str | None = "E2") -> SaleDraft:
    lot = LotSold(unit=Unit.parse("SZA-2023"), quantity_t=quantity_t, price_cny_per_t=Decimal(price))
    return SaleDraft(
        method=SaleMethod.AUCTION, lots=(lot,), buyer_id=None if buyer is None else desk.parties[buyer],
        evidence_digest=DOCUMENT.digest,
    )  # fmt: skip


def share_out(sessions: Sessions, desk: Desk, pledge_id: str, costs: str) -> None:
    with sessions.begin() as session:
        waiting = service.propose_distribution(
            session, desk.maker, pledge_id, costs_cny=Decimal(costs), evidence_digest=DOCUMENT.digest,
            standing=desk.standing,
        )  # fmt: skip
    with sessions.begin() as session:
        decide(session, desk, waiting.id)


def test_p3_is_enforced_and_its_surplus_goes_back(sessions: Sessions) -> None:
    with sessions.begin() as session:
        desk = build_desk(session)
        p3 = called_desk(session, desk)["P3"]
    declare(sessions, desk, p3)
    assert pledge_state(sessions, desk, p3) == "ENFORCING"
    with sessions.begin() as session, pytest.raises(Conflict, match="auction is not the means chosen"):
        service.settle_sale(session, desk.maker, p3, sale(desk, "28.00"), standing=desk.standing)
    choose(sessions, desk, p3)
    with sessions.begin() as session:
        service.record_failed_sale(
            session, desk.maker, p3, reason="无人出价", evidence_digest=DOCUMENT.digest, standing=desk.standing
        )
        for wrong, why in ((sale(desk, "27.99"), "27.99 lies outside 28.00 to 52.00"),
                           (sale(desk, "52.01"), "52.01 lies outside"),
                           (sale(desk, "30.00", quantity_t=40001), "40001 t sold, 40000 t pledged"),
                           (sale(desk, "28.00", quantity_t=20000), "units are left unsold")):  # fmt: skip
            with pytest.raises(Conflict, match=why):
                service.settle_sale(session, desk.maker, p3, wrong, standing=desk.standing)
        with pytest.raises(MissingData, match="bank and the right to take_title SZA"):
            service.settle_sale(session, desk.maker, p3, sale(desk, "28.00", buyer=None), standing=desk.standing)
    with sessions.begin() as session:
        sold = service.settle_sale(session, desk.maker, p3, sale(desk, "28.00"), standing=desk.standing)
        assert sold.outcome.proceeds_cny == Decimal("1120000.00")
    assert pledge_state(sessions, desk, p3) == "ENFORCED"
    assert position(sessions, desk, "E3", "SZA-2023") == (2000, 0, 0)
    assert position(sessions, desk, "E2", "SZA-2023") == (60000, 0, 60000)
    with pytest.raises(Conflict, match="has not handed over"):
        share_out(sessions, desk, p3, "12000.00")
    hand_over(sessions, desk)
    share_out(sessions, desk, p3, "12000.00")
    assert pledge_state(sessions, desk, p3) == "RELEASED"
    with sessions.read() as session:
        found, steps = service.enforcement_of(session, desk.maker, p3)
        assert (found.state, found.maker_name, found.checker_name) == ("ENDED", "maker(示例)", "checker(示例)")
        assert [one.kind for one in steps] == ["declared", "means", "sale_failed", "sold", "distributed"]
        assert all(one.evidence_digest == DOCUMENT.digest for one in steps)
        assert steps[-1].details["surplus_cny"] == "252241.19"
        assert steps[-1].details["shortfall_cny"] == "0.00"
        assert steps[-1].decision_id is not None
        assert replay_decision(session, service.DECISION_KINDS, steps[-1].decision_id).same
        assert replay_decision(session, service.DECISION_KINDS, sold.decision_id).same
        owed = service.latest_exposure(session, desk.maker, "P3", on=TODAY)
        assert owed is not None
        assert (owed.principal_cny, owed.accrued_cny, owed.costs_cny) == (Decimal(0), Decimal(0), Decimal(0))


def test_a_shortfall_stays_a_claim(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        p3 = called_desk(session, desk)["P3"]
        service.record_exposure(
            session, desk.maker, "P3", principal_cny=Decimal("1200000.00"), accrued_cny=Decimal("758.81"),
            exposure_date=TODAY,
        )  # fmt: skip
    declare(desk_sessions, desk, p3)
    choose(desk_sessions, desk, p3)
    with desk_sessions.begin() as session:
        service.settle_sale(session, desk.maker, p3, sale(desk, "28.00"), standing=desk.standing)
    hand_over(desk_sessions, desk)
    share_out(desk_sessions, desk, p3, "12000.00")
    with desk_sessions.read() as session:
        owed = service.latest_exposure(session, desk.maker, "P3", on=TODAY)
        assert owed is not None
        assert (owed.principal_cny, owed.accrued_cny, owed.source) == (
            Decimal("92758.81"), Decimal("0.00"), "处置分配",
        )  # fmt: skip
        assert service.load_pledge(session, desk.maker, p3).state == "RELEASED"


def test_units_left_after_the_claim_is_met_are_asked_back_from_the_registry(
    desk_sessions: Sessions, desk: Desk
) -> None:
    """855,758.81 at 52.00 takes 16,457 t: 855,764.00."""
    with desk_sessions.begin() as session:
        p3 = called_desk(session, desk)["P3"]
    declare(desk_sessions, desk, p3)
    choose(desk_sessions, desk, p3)
    with desk_sessions.begin() as session:
        service.settle_sale(session, desk.maker, p3, sale(desk, "52.00", quantity_t=16457), standing=desk.standing)
    hand_over(desk_sessions, desk)
    share_out(desk_sessions, desk, p3, "0.00")
    assert pledge_state(desk_sessions, desk, p3) == "UNFREEZE_REQUESTED"
    hand_over(desk_sessions, desk)
    assert pledge_state(desk_sessions, desk, p3) == "RELEASED"
    assert position(desk_sessions, desk, "E3", "SZA-2023") == (42000 - 16457, 0, 0)
    with desk_sessions.read() as session:
        assert service.release_letter(session, desk.maker, p3, address="https://bank.example").startswith(b"%PDF")


def test_the_registry_hands_over_what_was_sold_and_silence_is_asked_about(desk_sessions: Sessions, desk: Desk) -> None:
    """The reply is lost: nothing is voided, the query finds it done, and nothing stays frozen there."""
    with desk_sessions.begin() as session:
        p3 = called_desk(session, desk)["P3"]
    declare(desk_sessions, desk, p3)
    choose(desk_sessions, desk, p3)
    with desk_sessions.begin() as session:
        service.settle_sale(session, desk.maker, p3, sale(desk, "28.00"), standing=desk.standing)
    lost = PlannedFault(agreement_code="P3", operation="transfer", fault=Fault.LOSE_REPLY, times=1)
    with answering(lost) as (server, registry):
        frozen_before(server, desk_sessions, desk, p3)
        send(desk_sessions, desk, registry)
        with desk_sessions.read() as session:
            asked = service.transfer_of(session, desk.maker, p3)
            assert asked is not None
            assert (asked.state, asked.units[0].quantity_t) == ("OPEN", 40000)
            statement = registry.statement(desk.maker.organization_id)
        found = reconciled(desk_sessions, desk, statement)
        assert [(one.kind.value, one.ledger_t, one.registry_t) for one in found] == [("unanswered", 40000, 0)]
        query(desk_sessions, desk, registry)
        with desk_sessions.read() as session:
            asked = service.transfer_of(session, desk.maker, p3)
            assert asked is not None
            assert asked.state == "DONE"
            assert [one.event for one in service.timeline_of(session, desk.maker, p3)][-1] == "transfer:done"
            assert (
                service.holdings_of(session, desk.maker, desk.parties["E2"])[0].account_id
                == asked.units[0].to_account_id
            )
        assert server.state.frozen_t() == {}
        assert reconciled(desk_sessions, desk, registry.statement(desk.maker.organization_id)) == []


def frozen_before(server: SimulatorServer, sessions: Sessions, desk: Desk, pledge_id: str) -> None:
    """The freeze of a pledge that was taken over, as the registry had it before."""
    with sessions.read() as session:
        asked = service.transfer_of(session, desk.maker, pledge_id)
        assert asked is not None
    unit = {**asked.units[0].fields}
    unit.pop("to_account_id")
    server.state.carry_out(
        {"request_key": "before", "operation": "freeze", "bank_id": desk.maker.organization_id,
         "agreement_code": "P3", "units": [unit], "not_after": "2099-01-01T00:00:00+00:00"},
        fault=None,
    )  # fmt: skip


def reconciled(sessions: Sessions, desk: Desk, statement: RegistryStatement) -> list[Difference]:
    with sessions.begin() as session:
        found = service.record_reconciliation(session, desk.maker, statement, standing=desk.standing)
    return [one for one in found.outcome.differences if one.agreement_code == "P3"]


def test_a_transfer_that_the_registry_refuses_is_asked_anew(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        p3 = called_desk(session, desk)["P3"]
    declare(desk_sessions, desk, p3)
    choose(desk_sessions, desk, p3)
    with desk_sessions.begin() as session:
        service.settle_sale(session, desk.maker, p3, sale(desk, "28.00"), standing=desk.standing)
    refused = PlannedFault(agreement_code="P3", operation="transfer", fault=Fault.REJECT, times=1)
    given = {"standing": desk.standing, "cause": "买方账户已更正"}
    with answering(refused) as (_, registry):
        with desk_sessions.begin() as session, pytest.raises(Conflict, match="no refused request"):
            service.ask_transfer_again(session, desk.maker, p3, **given)
        send(desk_sessions, desk, registry)
        with pytest.raises(Conflict, match="REJECTED"):
            share_out(desk_sessions, desk, p3, "12000.00")
        with desk_sessions.begin() as session:
            service.ask_transfer_again(session, desk.maker, p3, **given)
        send(desk_sessions, desk, registry)
    share_out(desk_sessions, desk, p3, "12000.00")
    assert pledge_state(desk_sessions, desk, p3) == "RELEASED"


def test_the_band_is_shown_before_a_sale(desk_sessions: Sessions, desk: Desk) -> None:
    """40.00 with a band of 0.30: 28.00 to 52.00; 40,000 t bring 1,120,000.00 to 2,080,000.00, the claim is met."""
    with desk_sessions.begin() as session:
        p3 = called_desk(session, desk)["P3"]
        with pytest.raises(Conflict):
            service.preview_means(session, desk.maker, p3, SaleMethod.AUCTION, standing=desk.standing)
    declare(desk_sessions, desk, p3)
    with desk_sessions.read() as session:
        found = service.preview_means(session, desk.maker, p3, SaleMethod.NEGOTIATED, standing=desk.standing)
    (band,) = found.bands
    assert (band.floor_cny_per_t, band.cap_cny_per_t) == (Decimal("28.00"), Decimal("52.00"))
    assert (found.floor_proceeds_cny, found.cap_proceeds_cny) == (Decimal("1120000.00"), Decimal("2080000.00"))
    assert found.gap_cny == Decimal("0.00")


def test_until_a_sale_the_debtor_may_repay_and_a_late_cure_is_taken(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        p3 = called_desk(session, desk)["P3"]
    declare(desk_sessions, desk, p3)
    with desk_sessions.begin() as session:
        for digest in (None, "", "0" * 64):
            with pytest.raises(InvalidInput, match="no evidence file"):
                service.repay_pledge(
                    session, desk.maker, p3, standing=desk.standing, cause="全额还款凭证", evidence_digest=digest
                )
    assert pledge_state(desk_sessions, desk, p3) == "ENFORCING"
    with desk_sessions.begin() as session:
        service.repay_pledge(
            session, desk.maker, p3, standing=desk.standing, cause="全额还款凭证",
            evidence_digest=file_document(session, desk),
        )  # fmt: skip
        found, steps = service.enforcement_of(session, desk.maker, p3)
    assert (found.state, [one.kind for one in steps]) == ("ENDED", ["declared", "repaid"])
    assert [one.evidence_digest for one in steps] == [DOCUMENT.digest] * 2
    assert pledge_state(desk_sessions, desk, p3) == "REPAID"


def test_a_late_cure_needs_the_coverage_back(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        p3 = called_desk(session, desk)["P3"]
        digest = file_document(session, desk)
        expired = store.load_pledge(session, desk.maker, p3, lock=True)
        take_step(session, desk.maker, expired, "deadline", standing=desk.standing, cause="届满")
    payload = {"ground": "客户已补足", "evidence_digest": digest}
    given = {"standing": desk.standing, "agreed": desk.agreed}
    with desk_sessions.begin() as session:
        expired = store.load_pledge(session, desk.checker, p3, lock=True)
        with pytest.raises(Conflict, match="still below the initial line"):
            service.accept_late_cure(session, desk.checker, expired, payload, **given)
    ask(desk_sessions, desk, p3, top_up({"SZA-2024": 2720}))
    with answering() as (_, registry):
        send(desk_sessions, desk, registry)
    assert pledge_state(desk_sessions, desk, p3) == "CURE_EXPIRED"
    with desk_sessions.begin() as session:
        expired = store.load_pledge(session, desk.checker, p3, lock=True)
        assert service.accept_late_cure(session, desk.checker, expired, payload, **given).state == "DRAWN"


def test_nobody_barred_buys_and_no_default_without_ground_or_file(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        p1 = called_desk(session, desk)["P1"]
        digest = file_document(session, desk)
        given = {"evidence_digest": digest, "standing": desk.standing}
        with pytest.raises(InvalidInput):
            service.propose_default(session, desk.maker, p1, ground=" ", **given)
        with pytest.raises(InvalidInput, match="no evidence file"):
            service.propose_default(
                session, desk.maker, p1, ground="违约", evidence_digest="f" * 64, standing=desk.standing
            )
        with pytest.raises(NotFound):
            service.propose_default(session, desk.stranger, p1, ground="违约", **given)
        with pytest.raises(NotFound):
            service.enforcement_of(session, desk.maker, p1)
    declare(desk_sessions, desk, p1)
    choose(desk_sessions, desk, p1)
    lot = LotSold(unit=Unit.parse("CEA-2023"), quantity_t=50000, price_cny_per_t=Decimal("74.03"))
    with desk_sessions.begin() as session:
        for buyer in ("E2", None):
            barred = replace(sale(desk, "40.00"), lots=(lot,), buyer_id=None if buyer is None else desk.parties[buyer])
            with pytest.raises(NotPermitted, match="barred"):
                service.settle_sale(session, desk.maker, p1, barred, standing=desk.standing)


def test_a_pledgor_that_may_not_pledge_there_is_told_at_the_application(desk_sessions: Sessions, desk: Desk) -> None:
    asked = draft(desk, "P8", "E2", {"CEA-2023": 10}, principal="100.00", end=date(2025, 10, 31))
    with desk_sessions.begin() as session:
        with pytest.raises(MissingData, match="enterprise and the right to pledge CEA"):
            service.apply_for_pledge(session, desk.maker, asked, standing=desk.standing)
        barred = parameter("collateral.holding_right", "barred", scope="CEA/enterprise/pledge", unit="code")
        enter_parameter(session, desk.maker, desk.checker, barred, reason="本行口径", at=desk.standing.known_at)
        with pytest.raises(NotPermitted, match="barred"):
            service.apply_for_pledge(session, desk.maker, asked, standing=desk.standing)


amounts = st.integers(min_value=0, max_value=10**12).map(lambda fen: Decimal(fen).scaleb(-2))


@given(proceeds=amounts, costs=amounts, interest=amounts, principal=amounts)
def test_the_waterfall_gives_away_exactly_what_came_in(
    proceeds: Decimal, costs: Decimal, interest: Decimal, principal: Decimal
) -> None:
    found = decide_distribution(
        DistributionInputs(
            agreement_code="P", business_date=TODAY, proceeds_cny=proceeds, costs_cny=costs, interest_cny=interest,
            principal_cny=principal,
        )
    )  # fmt: skip
    paid = [one.paid_cny for one in found.shares]
    assert sum(paid, found.surplus_cny) == proceeds
    assert found.surplus_cny == max(proceeds - costs - interest - principal, Decimal(0))
    assert found.shortfall_cny == max(costs + interest + principal - proceeds, Decimal(0))
    assert not (found.surplus_cny and found.shortfall_cny)
    assert paid[0] == min(costs, proceeds)


PAIRS = [(state, event) for state in sorted(PLEDGE.states) for event in sorted({edge[1] for edge in PLEDGE.edges})]


def test_every_edge_leads_where_it_says_and_every_other_pair_is_refused() -> None:
    edges = {edge[:2]: edge[2] for edge in PLEDGE.edges}
    assert len(edges) == 43
    for state, event in PAIRS:
        if (state, event) in edges:
            assert PLEDGE.after(state, event) == edges[state, event]
        else:
            with pytest.raises(Conflict) as refused:
                PLEDGE.after(state, event)
            assert state in refused.value.detail
            assert event in refused.value.detail


def test_each_unit_goes_to_the_buyer_named_for_it(sessions: Sessions) -> None:
    """P2: 60,000 t of SZA-2022 to E3 and 60,000 t of SZA-2023 to E5, each at 30.00, are 3,600,000.00."""
    with sessions.begin() as session:
        desk = build_desk(session)
        p2 = called_desk(session, desk)["P2"]
    declare(sessions, desk, p2)
    choose(sessions, desk, p2)
    lots = tuple(
        LotSold(unit=Unit.parse(unit), quantity_t=60000, price_cny_per_t=Decimal("30.00"))
        for unit in ("SZA-2022", "SZA-2023")
    )
    whole = SaleDraft(
        method=SaleMethod.AUCTION, lots=lots, buyer_id=desk.parties["E3"], evidence_digest=DOCUMENT.digest,
        buyers=(desk.parties["E3"], desk.parties["E5"]),
    )  # fmt: skip
    with pytest.raises(InvalidInput, match="each buyer takes each unit once"):
        replace(whole, lots=(lots[0], lots[0]), buyers=(desk.parties["E3"],) * 2)
    barred = replace(whole, buyers=(None, desk.parties["E5"]))
    with sessions.begin() as session, pytest.raises(MissingData, match="bank and the right to take_title SZA"):
        service.settle_sale(session, desk.maker, p2, barred, standing=desk.standing)
    assert position(sessions, desk, "E5", "SZA-2023") == (120000, 0, 0), "one without the right, and nothing is sold"
    with sessions.begin() as session:
        sold = service.settle_sale(session, desk.maker, p2, whole, standing=desk.standing)
        assert sold.outcome.proceeds_cny == Decimal("3600000.00")
        assert replay_decision(session, service.DECISION_KINDS, sold.decision_id).same
        names = {figure.name: figure.value for figure in sold.outcome.trace if figure.name.startswith("buyer_")}
        step = service.enforcement_of(session, desk.maker, p2)[1][-1]
        asked = service.transfer_of(session, desk.maker, p2)
        accounts = {
            name: {one.account_id for one in service.holdings_of(session, desk.maker, desk.parties[name])}
            for name in ("E3", "E5")
        }
    told = {"SZA-2022": "示例啤酒(深圳)有限公司", "SZA-2023": "示例数据中心(深圳)有限公司"}
    assert names == {f"buyer_{unit}": name for unit, name in told.items()}
    assert (step.details["buyers"], step.details["buyer"]) == (told, "、".join(told.values()))
    assert asked is not None
    assert [one.to_account_id in accounts[name] for one, name in zip(asked.units, ("E3", "E5"), strict=True)] == [
        True, True,
    ]  # fmt: skip
    assert position(sessions, desk, "E3", "SZA-2022") == (60000, 0, 0)
    assert position(sessions, desk, "E5", "SZA-2023") == (180000, 0, 0)
    hand_over(sessions, desk)
    share_out(sessions, desk, p2, "0.00")
    assert pledge_state(sessions, desk, p2) == "RELEASED"


def test_one_unit_is_split_among_buyers_and_all_proceeds_are_shared_out_together(sessions: Sessions) -> None:
    """P3: 40,000 t of SZA-2023; 25,000 t to E5 at 28.00 and 15,000 t to E1 at 29.00 are 700,000.00 + 435,000.00.

    1,135,000.00 less costs of 1,000.00, interest of 758.81 and principal of 855,000.00 leave 278,241.19.
    """
    with sessions.begin() as session:
        desk = build_desk(session)
        p3 = called_desk(session, desk)["P3"]
    declare(sessions, desk, p3)
    choose(sessions, desk, p3)
    sza = Unit.parse("SZA-2023")
    prices = ((25000, "28.00"), (15000, "29.00"))
    lots = tuple(LotSold(unit=sza, quantity_t=sold_t, price_cny_per_t=Decimal(price)) for sold_t, price in prices)
    split = SaleDraft(
        method=SaleMethod.AUCTION, lots=lots, buyer_id=None, evidence_digest=DOCUMENT.digest,
        buyers=(desk.parties["E5"], desk.parties["E1"]),
    )  # fmt: skip
    more = replace(split, lots=(lots[0], replace(lots[1], quantity_t=15001)))
    with sessions.begin() as session, pytest.raises(Conflict, match="40001 t sold, 40000 t pledged"):
        service.settle_sale(session, desk.maker, p3, more, standing=desk.standing)
    with sessions.begin() as session:
        sold = service.settle_sale(session, desk.maker, p3, split, standing=desk.standing)
        assert sold.outcome.proceeds_cny == Decimal("1135000.00")
        assert replay_decision(session, service.DECISION_KINDS, sold.decision_id).same
        found = {figure.name: figure.value for figure in sold.outcome.trace}
        assert (found["proceeds_SZA-2023_1"], found["proceeds_SZA-2023_2"]) == ("700000.00", "435000.00")
        step = service.enforcement_of(session, desk.maker, p3)[1][-1]
        assert step.details["lot_buyers"] == [found["buyer_SZA-2023_1"], found["buyer_SZA-2023_2"]]
        assert step.details["buyers"] == {
            "SZA-2023": f"{found['buyer_SZA-2023_1']} 25,000 吨、{found['buyer_SZA-2023_2']} 15,000 吨"
        }
        asked = service.transfer_of(session, desk.maker, p3)
        assert asked is not None
        homes = {
            name: {
                one.account_id
                for one in service.holdings_of(session, desk.maker, desk.parties[name])
                if one.unit == sza
            }
            for name in ("E5", "E1")
        }
        asked_of = [(one.quantity_t, one.to_account_id) for one in asked.units]
        assert asked_of == [(25000, *homes["E5"]), (15000, *homes["E1"])]
    assert position(sessions, desk, "E5", "SZA-2023") == (145000, 0, 0)
    assert position(sessions, desk, "E1", "SZA-2023") == (15000, 0, 0)
    assert position(sessions, desk, "E3", "SZA-2023") == (2000, 0, 0)
    with answering() as (_, registry):
        send(sessions, desk, registry)
    with sessions.begin() as session:
        handed = service.transfer_of(session, desk.maker, p3)
        assert handed is not None
        assert handed.state == "DONE", "a reply of two lots of one unit is what was asked"
        shared = service.propose_distribution(
            session, desk.maker, p3, costs_cny=Decimal("1000.00"), evidence_digest=DOCUMENT.digest,
            standing=desk.standing,
        )  # fmt: skip
        assert shared.payload["surplus_cny"] == "278241.19"
