"""Interest on the cash margin of a repo: R1 (HKD 2,400,000 at 4.20 %), margin at 2 %, figures by hand.

100,000.00 from 10 June and 60,000.00 from 20 June earn (100,000 x 10 + 60,000 x 10) x 0.02 / 365 = 87.671.. by 30 June.
R of 41 days is 2,411,322.74 (test_repo_life): 2,411,322.74 - 60,000.00 - 87.67 = 2,351,235.07.
"""

from datetime import date
from decimal import Decimal

import pytest

from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency
from carbonfin.storage.decisions import replay_decision
from carbonfin.storage.engine import Sessions
from collateral import jobs, service
from collateral.calc.cash_margin import MarginAccount, MarginStep, stepped
from collateral.calc.close_out import RepoSide
from collateral.calc.repo import ExposureMethod
from collateral.calc.repo_event_values import RepoEventKind, ValueEvidence
from collateral.service import CallStep
from collateral.service import repo_events as life
from collateral.store import repos as store
from tests.collateral.desk import Desk, build_desk
from tests.collateral.test_repo_life import asked, done, opened
from tests.collateral.world import TODAY

RATE = Decimal("0.02")
WITH_INTEREST = Decimal("60087.67")


def account(*steps: tuple[int, str], rate: Decimal = RATE) -> MarginAccount:
    return MarginAccount(
        currency=Currency.HKD, rate=rate, basis=DayCount.ACT_365,
        steps=tuple(MarginStep(start=date(2025, 6, day), amount=Decimal(amount)) for day, amount in steps),
    )  # fmt: skip


def test_margin_earns_for_as_long_as_it_is_held() -> None:
    steps = ((10, "100000.00"), (20, "60000.00"))
    assert account(*steps).interest(TODAY) == Decimal("87.67")
    # ten days of 100,000 alone: 54.794..; on the first day nothing; before it nothing
    assert account(*steps).interest(date(2025, 6, 20)) == Decimal("54.79")
    assert account(*steps).interest(date(2025, 6, 10)) == account(*steps).interest(date(2025, 6, 1)) == Decimal("0.00")
    assert account((10, "-100000.00"), (20, "-60000.00")).interest(TODAY) == Decimal("-87.67"), "the buyer's"
    # cents are lost once, not step by step: 36.50 at 2 % earns 0.002 a day, 20 days 0.04
    assert account(*((day, "36.50") for day in range(10, 30))).interest(TODAY) == Decimal("0.04")


def test_of_one_day_the_last_margin_stands() -> None:
    first = stepped((), on=date(2025, 6, 10), amount=Decimal("5.00"))
    again = stepped(first, on=date(2025, 6, 10), amount=Decimal("7.00"))
    assert again == (MarginStep(start=date(2025, 6, 10), amount=Decimal("7.00")),)


def held(sessions: Sessions, desk: Desk, *, margin_rate: Decimal | None = RATE, **terms: object) -> str:
    """R1 with cash margin of two days on it."""
    repo_id = opened(sessions, desk, margin_rate=margin_rate, **terms)
    for day, amount in ((10, "100000.00"), (20, "60000.00")):
        with sessions.begin() as session:
            repo = store.load_repo(session, desk.maker, repo_id, lock=True)
            store.change_margin(session, repo, margin_cash_amount=Decimal(amount), on=date(2025, 6, day))
    return repo_id


def test_the_exposure_counts_margin_with_what_it_earned(sessions: Sessions) -> None:
    with sessions.begin() as session:
        desk = build_desk(session)
    repo_id = held(sessions, desk)
    with sessions.read() as session:
        exposure = service.repo_exposure_of(session, desk.maker, repo_id, standing=desk.standing)
    # 2,351,235.07 x 0.912707 = 2,145,988.707..
    assert (exposure.accrued_value_amount, exposure.accrued_value_cny) == (
        Decimal("2351235.07"), Decimal("2145988.71"),
    )  # fmt: skip
    figures = {one.name: one.value for one in exposure.trace}
    assert (figures["margin_interest"], figures["margin_from_2025-06-20"]) == ("87.67", "60000.00")


def test_without_an_agreed_rate_margin_earns_nothing(desk_sessions: Sessions, desk: Desk) -> None:
    repo_id = held(desk_sessions, desk, margin_rate=None)
    with desk_sessions.read() as session:
        exposure = service.repo_exposure_of(session, desk.maker, repo_id, standing=desk.standing)
    assert exposure.accrued_value_amount == Decimal("2351322.74")
    assert "margin_interest" not in {one.name for one in exposure.trace}


def test_interest_goes_back_with_the_margin_at_the_end(desk_sessions: Sessions, desk: Desk) -> None:
    repo_id = held(desk_sessions, desk, repurchase_date=TODAY)
    repo = done(desk_sessions, desk, repo_id, asked(RepoEventKind.SETTLE))
    assert (repo.state, repo.margin_cash_amount, repo.margin_steps) == ("CLOSED", Decimal("0.00"), ())
    with desk_sessions.read() as session:
        (event,) = life.repo_events_of(session, desk.maker, repo_id)
        assert event.cash_to_buyer_amount == Decimal("2351235.07")
        assert replay_decision(session, service.DECISION_KINDS, event.decision_id).same


def test_a_repricing_takes_margin_and_interest_into_what_is_paid(desk_sessions: Sessions, desk: Desk) -> None:
    """Without margin 132,387.67 is paid (test_repo_life): less 60,087.67 it is 72,300.00."""
    repo_id = held(desk_sessions, desk)
    repo = done(desk_sessions, desk, repo_id, asked(RepoEventKind.REPRICE))
    assert repo.margin_steps == ()
    with desk_sessions.read() as session:
        (event,) = life.repo_events_of(session, desk.maker, repo_id)
    assert event.cash_to_buyer_amount == Decimal("132387.67") - WITH_INTEREST


def test_a_roll_pays_the_interest_and_leaves_the_margin(desk_sessions: Sessions, desk: Desk) -> None:
    """2,411,322.74 - 87.67 - 2,200,000.00 = 211,235.07; the new repo holds 60,000.00 from its first day on."""
    repo_id = held(desk_sessions, desk, repurchase_date=TODAY)
    draft = asked(
        RepoEventKind.ROLL, code="R1B", repurchase_date=date(2025, 7, 30), rate=Decimal("0.04"),
        purchase_price_amount=Decimal("2200000.00"),
    )  # fmt: skip
    done(desk_sessions, desk, repo_id, draft)
    with desk_sessions.read() as session:
        (event,) = life.repo_events_of(session, desk.maker, repo_id)
        new = service.repo_by_code(session, desk.maker, "R1B")
    assert event.cash_to_buyer_amount == Decimal("211235.07")
    assert new is not None
    assert (new.terms.margin_rate, new.margin_cash_amount) == (RATE, Decimal("60000.00"))
    assert new.margin_steps == (MarginStep(start=TODAY, amount=Decimal("60000.00")),)


def test_a_close_out_sets_the_interest_off(desk_sessions: Sessions, desk: Desk) -> None:
    repo_id = held(desk_sessions, desk)
    done(desk_sessions, desk, repo_id, asked(RepoEventKind.DEFAULT, party=RepoSide.SELLER))
    evidence = ValueEvidence(fair_cny_per_t=Decimal("20.00"))
    done(desk_sessions, desk, repo_id, asked(RepoEventKind.CLOSE_OUT, evidence=evidence))
    with desk_sessions.read() as session:
        event = life.repo_events_of(session, desk.maker, repo_id)[-1]
    value = Decimal(event.closing["value_amount"])
    assert event.cash_to_buyer_amount == Decimal("2411322.74") - WITH_INTEREST - value


def test_a_rate_that_is_a_percentage_is_refused(desk_sessions: Sessions, desk: Desk) -> None:
    with pytest.raises(InvalidInput) as refused:
        opened(desk_sessions, desk, margin_rate=Decimal(2))
    assert refused.value.field == "margin_rate"


def holding(sessions: Sessions, desk: Desk, margin: str, **terms: object) -> str:
    repo_id = opened(sessions, desk, **terms)
    with sessions.begin() as session:
        repo = store.load_repo(session, desk.maker, repo_id, lock=True)
        store.change_margin(session, repo, margin_cash_amount=Decimal(margin), on=date(2025, 6, 20))
    return repo_id


@pytest.mark.parametrize(
    ("margin", "terms", "back"),
    [
        # (2,411,322.74 - 200,000.00) x 0.912707 = 2,018,289.74; less 2,080,000.00: 61,710.26 over, 67,612.34 HKD
        ("200000.00", {}, "67612.34"),
        # 2,018,289.74 / 0.52 - 4,000,000.00 = -118,673.58; x 0.52 / 0.912707
        ("200000.00", {"method": ExposureMethod.A}, "67612.34"),
        # 34,329.05 CNY are 37,612.34 HKD: below the least transfer of 50,000.00
        ("170000.00", {}, "0.00"),
        # 200,000 t secure far more than is owed: no more goes back than is held
        ("60000.00", {"quantity_t": 110_000, "minimum_transfer_amount": Decimal("0.00")}, "60000.00"),
        # 2,411,322.74 - 132,387.66 is just covered
        ("132387.66", {"minimum_transfer_amount": Decimal("0.00")}, "0.00"),
    ],
)
def test_margin_that_is_needed_no_more_goes_back(
    desk_sessions: Sessions, desk: Desk, margin: str, terms: dict[str, object], back: str
) -> None:
    repo_id = holding(desk_sessions, desk, margin, **terms)
    with desk_sessions.read() as session:
        exposure = service.repo_exposure_of(session, desk.maker, repo_id, standing=desk.standing)
    assert (exposure.margin_return_amount, exposure.is_called) == (Decimal(back), False)


def test_without_margin_nothing_is_said_of_a_return(desk_sessions: Sessions, desk: Desk) -> None:
    repo_id = opened(desk_sessions, desk, quantity_t=110_000)
    with desk_sessions.read() as session:
        exposure = service.repo_exposure_of(session, desk.maker, repo_id, standing=desk.standing)
    assert exposure.margin_return_amount is None
    assert "margin_return" not in {one.name for one in exposure.trace}


def test_the_day_calls_the_return_once_and_the_margin_follows(sessions: Sessions) -> None:
    with sessions.begin() as session:
        desk = build_desk(session)
    repo_id = holding(sessions, desk, "200000.00")
    for _ in range(2):
        with sessions.begin() as session:
            assert jobs.revalue(session, desk.maker, TODAY).failures == ()
    with sessions.read() as session:
        (call,) = service.live_calls(session, desk.maker, agreement_code="R1")
        assert service.load_repo(session, desk.maker, repo_id).state == "OPEN", "who gives back is not called"
        assert replay_decision(session, service.DECISION_KINDS, call.decision_id).same
    assert (call.direction, call.cash_amount, call.currency) == ("return", Decimal("67612.34"), "HKD")
    with sessions.begin() as session:
        given = CallStep(name="receive", words="凭证 1", amount=Decimal("67612.34"))
        service.take_call_step(session, desk.maker, call.id, given, standing=desk.standing)
    with sessions.begin() as session:
        assert service.load_repo(session, desk.maker, repo_id).margin_cash_amount == Decimal("132387.66")
        assert jobs.revalue(session, desk.maker, TODAY).failures == ()
        assert service.live_calls(session, desk.maker, agreement_code="R1") == ()
