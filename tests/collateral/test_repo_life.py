"""What happens to a repo, carried out by two people: R1 (HKD 2,400,000 at 4.20 %, 100,000 t SZA-2023), figures by hand."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict, InvalidInput, NotPermitted
from carbonfin.kernel.units import Currency
from carbonfin.storage.engine import Sessions
from collateral import service
from collateral.calc.close_out import RepoSide
from collateral.calc.repo_event_values import RepoEventDraft, RepoEventKind, ValueEvidence
from collateral.service import Repo
from collateral.service import repo_events as life
from tests.collateral.desk import Desk, repo_r1
from tests.collateral.test_repo_contracts import decide

OLD, NEW = Unit.parse("SZA-2023"), Unit.parse("SZA-2024")
REPRICE = RepoEventDraft(kind=RepoEventKind.REPRICE, reason="双方书面同意")


def opened(sessions: Sessions, desk: Desk, **terms: object) -> str:
    given = repo_r1(desk)
    is_delivered = bool(terms.pop("is_delivered", True))
    with sessions.begin() as session:
        given = replace(given, terms=replace(given.terms, **terms), is_delivered=is_delivered)  # type: ignore[arg-type]  # by the case
        return service.open_repo(session, desk.maker, given, standing=desk.standing).id


def asked(kind: RepoEventKind, **fields: object) -> RepoEventDraft:
    return RepoEventDraft(kind=kind, reason="双方书面同意", **fields)  # type: ignore[arg-type]  # by the case


def done(sessions: Sessions, desk: Desk, repo_id: str, draft: RepoEventDraft) -> Repo:
    """Propose, be refused as the maker, approve as the checker; give the repo after it."""
    with sessions.begin() as session:
        weighed = life.preview_repo_event(session, desk.maker, repo_id, draft, standing=desk.standing)
        waiting = life.propose_repo_event(session, desk.maker, repo_id, draft, standing=desk.standing)
    with sessions.begin() as session, pytest.raises(NotPermitted):
        decide(session, desk, waiting.id, by="maker")
    with sessions.begin() as session:
        decide(session, desk, waiting.id, by="checker", accepted=weighed.unconfirmed)
        return service.load_repo(session, desk.maker, repo_id)


def held(sessions: Sessions, desk: Desk, party: str, unit: Unit) -> int:
    with sessions.read() as session:
        assert service.ledger_faults(session, desk.maker) == ()
        return sum(
            one.free_t for one in service.holdings_of(session, desk.maker, desk.parties[party]) if one.unit == unit
        )


def test_reprice_and_rate_and_adjust(desk_sessions: Sessions, desk: Desk) -> None:
    """41 days from 20 May: R = 2,400,000 (1 + 0.042 x 41/365) = 2,411,322.74 HKD; 1 HKD = 0.912707 CNY.

    100,000 t at 40.00 less 48 % = 2,080,000 CNY, 2,278,935.07 HKD rounded down: the seller pays 132,387.67.
    """
    repo_id = opened(desk_sessions, desk)
    repo = done(desk_sessions, desk, repo_id, REPRICE)
    assert repo.terms.purchase_price_amount == Decimal("2278935.07")
    assert (repo.state, repo.terms.purchase_date, repo.terms.quantity_t) == ("OPEN", date(2025, 6, 30), 100000)
    with desk_sessions.read() as session:
        (event,) = life.repo_events_of(session, desk.maker, repo_id)
        after = service.repo_exposure_of(session, desk.maker, repo_id, standing=desk.standing)
    assert event.cash_to_buyer_amount == Decimal("132387.67")
    assert event.terms_before["purchase_price_amount"] == "2400000.00"
    assert not after.is_called
    with desk_sessions.begin() as session, pytest.raises(InvalidInput, match="counts from 2025-06-30"):
        life.propose_repo_event(
            session, desk.maker, repo_id, asked(RepoEventKind.RATE, rate=Decimal("0.03")), standing=desk.standing
        )


def test_a_rate_counts_from_its_day_and_units_are_adjusted(desk_sessions: Sessions, desk: Desk) -> None:
    """2,400,000 (1 + (0.042 x 41 + 0.03 x 21)/365) = 2,400,000 + 11,322.739.. + 4,142.465.. = 2,415,465.21."""
    repo_id = opened(desk_sessions, desk)
    repo = done(desk_sessions, desk, repo_id, asked(RepoEventKind.RATE, rate=Decimal("0.0300")))
    assert repo.terms.accrued(repo.terms.repurchase_date) == Decimal("2415465.21")
    with desk_sessions.read() as session:
        exposure = service.repo_exposure_of(session, desk.maker, repo_id, standing=desk.standing)
    assert exposure.repurchase_price_amount == Decimal("2415465.21")
    assert exposure.accrued_value_cny == Decimal("2200831.14")
    # 2,200,831.14 / (40 x 0.52 = 20.80) = 105,809.19.. tonnes: 5,810 more
    repo = done(desk_sessions, desk, repo_id, asked(RepoEventKind.ADJUST))
    assert (repo.terms.quantity_t, repo.terms.purchase_price_amount) == (105810, Decimal("2400000.00"))
    assert held(desk_sessions, desk, "HK1", OLD) == 105810
    assert held(desk_sessions, desk, "E5", OLD) == 120000 - 105810


def test_new_units_come_in_before_the_old_go_out(desk_sessions: Sessions, desk: Desk) -> None:
    """2,200,831.14 / (41 x 0.52 = 21.32) = 103,228.47..: 103,229 t; one fewer is refused with the figures."""
    repo_id = opened(desk_sessions, desk)
    few = asked(RepoEventKind.SUBSTITUTE, unit=NEW, quantity_t=103228)
    with desk_sessions.begin() as session, pytest.raises(Conflict, match="103229 t are needed"):
        life.propose_repo_event(session, desk.maker, repo_id, few, standing=desk.standing)
    repo = done(desk_sessions, desk, repo_id, asked(RepoEventKind.SUBSTITUTE, unit=NEW))
    assert (repo.terms.unit, repo.terms.quantity_t, repo.state) == (NEW, 103229, "OPEN")
    with desk_sessions.read() as session:
        entry = service.ledger_entries(session, desk.maker, agreement_code="R1")[-1]
    assert [(one.unit, one.quantity_t) for one in entry.postings] == [
        (NEW, -103229), (NEW, 103229), (OLD, -100000), (OLD, 100000),
    ]  # fmt: skip
    assert held(desk_sessions, desk, "HK1", OLD) == 0
    assert held(desk_sessions, desk, "E5", OLD) == 120000
    # foreign holders may not take CEA by title: the dated table says so or is silent, and then it is refused too
    barred = asked(RepoEventKind.SUBSTITUTE, unit=Unit.parse("CEA-2024"), quantity_t=200000)
    with desk_sessions.begin() as session, pytest.raises(Exception, match="CEA"):
        life.propose_repo_event(session, desk.maker, repo_id, barred, standing=desk.standing)


def test_the_end_is_settled_rolled_or_brought_forward(desk_sessions: Sessions, desk: Desk) -> None:
    """41 days to 30 June: 2,000,000 x 0.042 x 41/365 = 9,435.616..: 2,009,435.62 CNH."""
    price = Decimal("2000000.00")
    terms = {"currency": Currency.CNH, "repurchase_date": date(2025, 6, 30), "purchase_price_amount": price}
    early = opened(desk_sessions, desk, code="R2", quantity_t=10000, purchase_price_amount=Decimal("100000.00"))
    with desk_sessions.begin() as session, pytest.raises(Conflict, match="is due 2025-07-21"):
        life.propose_repo_event(session, desk.maker, early, asked(RepoEventKind.SETTLE), standing=desk.standing)
    repo = done(desk_sessions, desk, early, asked(RepoEventKind.TERMINATE, notice_days=3))
    assert (repo.state, repo.terms.repurchase_date) == ("EARLY_TERM_NOTICED", date(2025, 7, 3))
    repo_id = opened(desk_sessions, desk, **terms)
    next_one = asked(
        RepoEventKind.ROLL, code="R3", repurchase_date=date(2025, 7, 30), rate=Decimal("0.0400"),
        purchase_price_amount=Decimal("2050000.00"),
    )  # fmt: skip
    repo = done(desk_sessions, desk, repo_id, next_one)
    with desk_sessions.read() as session:
        (event,) = life.repo_events_of(session, desk.maker, repo_id)
        after = service.repo_by_code(session, desk.maker, "R3")
    assert repo.state == "ROLLED"
    assert event.cash_to_buyer_amount == Decimal("2009435.62") - Decimal("2050000.00")
    assert after is not None
    assert (after.state, after.terms.purchase_date, after.terms.rate) == ("OPEN", date(2025, 6, 30), Decimal("0.0400"))
    assert held(desk_sessions, desk, "HK1", OLD) == 110000


def test_a_failed_end_ages_and_is_settled_late_or_closed_out_alone(desk_sessions: Sessions, desk: Desk) -> None:
    """Due Friday 27 June, failing one open day on Monday; three days' interest more where the seller was late.

    100,000 x 0.042 x 38/365 = 437.26 to 27 June, and 471.78 to 30 June (41 days).
    """
    price, due = Decimal("100000.00"), date(2025, 6, 27)
    late = opened(desk_sessions, desk, quantity_t=10000, purchase_price_amount=price, repurchase_date=due)
    repo = done(desk_sessions, desk, late, asked(RepoEventKind.FAIL, party=RepoSide.SELLER))
    with desk_sessions.read() as session:
        assert life.repo_fail_age(session, repo, standing=desk.standing) == 1
        assert life.repo_event_kinds(repo) == (
            RepoEventKind.SETTLE, RepoEventKind.MINI_CLOSE_OUT, RepoEventKind.DEFAULT,
        )  # fmt: skip
        # 10,000 t at the mean of 38 and 40, less costs 1,000: 389,000 CNY
        evidence = ValueEvidence(quotes_cny_per_t=(Decimal(38), Decimal(40)), costs_cny=Decimal("1000.00"))
        alone = life.preview_repo_event(
            session, desk.maker, late, asked(RepoEventKind.MINI_CLOSE_OUT, evidence=evidence), standing=desk.standing
        )
    assert alone.closing is not None
    assert (alone.state_after, alone.closing.value_cny) == ("CLOSED_OUT", Decimal("389000.00"))
    assert alone.closing.claim_amount == Decimal("100471.78")
    assert alone.closing.net_owed_by_seller_amount == Decimal("100471.78") - alone.closing.value_amount
    assert alone.closing.surplus_to_seller_amount == -alone.closing.net_owed_by_seller_amount
    assert alone.unconfirmed == ("valuation_day",)
    repo = done(desk_sessions, desk, late, asked(RepoEventKind.SETTLE))
    with desk_sessions.read() as session:
        paid = life.repo_events_of(session, desk.maker, late)[-1].cash_to_buyer_amount
    assert (repo.state, paid) == ("CLOSED", Decimal("100471.78"))
    assert held(desk_sessions, desk, "E5", OLD) == 120000


def test_a_failed_start_is_delivered_in_part_or_closed_out_alone(desk_sessions: Sessions, desk: Desk) -> None:
    """75,000 of 100,000 t: the price is cut to 1,800,000; interest alone is owed where nothing was paid: 11,322.74."""
    repo_id = opened(desk_sessions, desk, is_delivered=False)
    assert held(desk_sessions, desk, "HK1", OLD) == 0
    with desk_sessions.read() as session:
        alone = life.preview_repo_event(
            session, desk.maker, repo_id, asked(RepoEventKind.MINI_CLOSE_OUT), standing=desk.standing
        )
    assert (alone.cash_to_buyer_amount, alone.state_after) == (Decimal("11322.74"), "CLOSED_OUT")
    part = asked(RepoEventKind.DELIVER, quantity_t=75000, is_price_paid=True)
    repo = done(desk_sessions, desk, repo_id, part)
    with desk_sessions.read() as session:
        paid_back = life.repo_events_of(session, desk.maker, repo_id)[-1].cash_to_buyer_amount
    assert (repo.state, repo.terms.purchase_price_amount) == ("OPEN", Decimal("1800000.00"))
    assert paid_back == Decimal("600000.00")
    assert held(desk_sessions, desk, "HK1", OLD) == 75000


def test_a_default_is_valued_and_closed_out(desk_sessions: Sessions, desk: Desk) -> None:
    """The claim is R to the day of the default; a deal after the valuation day does not count."""
    repo_id = opened(desk_sessions, desk)
    repo = done(desk_sessions, desk, repo_id, asked(RepoEventKind.DEFAULT, party=RepoSide.SELLER))
    assert repo.state == "DEFAULTED"
    late = ValueEvidence(dealt_on=date(2025, 7, 8), dealt_cny=Decimal("3900000.00"), fair_cny_per_t=Decimal("36.00"))
    repo = done(desk_sessions, desk, repo_id, asked(RepoEventKind.CLOSE_OUT, evidence=late))
    with desk_sessions.read() as session:
        event = life.repo_events_of(session, desk.maker, repo_id)[-1]
    assert repo.state == "CLOSED_OUT"
    assert event.closing is not None
    # five open days after Monday 30 June: 7 July; the deal of the 8th is late, so fair value stands
    assert (event.closing["basis"], event.closing["value_cny"]) == ("fair", "3600000.00")
    assert event.closing["claim_amount"] == "2411322.74"
    assert event.cash_to_buyer_amount == Decimal("2411322.74") - Decimal(event.closing["value_amount"])
    with desk_sessions.begin() as session, pytest.raises(Conflict):
        life.propose_repo_event(session, desk.maker, repo_id, REPRICE, standing=desk.standing)


def test_units_the_buyer_no_longer_has_cannot_come_back(desk_sessions: Sessions, desk: Desk) -> None:
    repo_id = opened(desk_sessions, desk)
    with desk_sessions.begin() as session:
        service.record_holding(
            session, desk.maker, desk.parties["HK1"], OLD, quantity_t=60000, standing=desk.standing, cause="登记簿"
        )
    swap = asked(RepoEventKind.SUBSTITUTE, unit=NEW)
    with desk_sessions.begin() as session, pytest.raises(Conflict, match="has 60000 t free"):
        life.propose_repo_event(session, desk.maker, repo_id, swap, standing=desk.standing)


def test_what_an_event_needs_is_named() -> None:
    for kind, field in ((RepoEventKind.RATE, "rate"), (RepoEventKind.SUBSTITUTE, "unit"), (RepoEventKind.ROLL, "code"),
                        (RepoEventKind.TERMINATE, "notice_days"), (RepoEventKind.FAIL, "party"),
                        (RepoEventKind.CLOSE_OUT, "evidence")):  # fmt: skip
        with pytest.raises(InvalidInput) as refused:
            asked(kind)
        assert refused.value.field == field
