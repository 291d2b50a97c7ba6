"""A repo's contract under four eyes, in each cash currency; figures by hand."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from sqlmodel import Session

from carbonfin.app.approvals.kinds import APPROVAL_KINDS
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.errors import CarbonFinError, Conflict, InvalidInput, NotPermitted
from carbonfin.kernel.units import Currency
from carbonfin.rules.parameters import Grade
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer, overrides_of
from carbonfin.storage.decisions import load_decision, verify_chain
from carbonfin.storage.engine import Sessions
from collateral import service
from collateral.calc.repo import ExposureMethod
from collateral.service import Repo, RepoContract
from pricing.models import FxRateRow
from tests.collateral.desk import Desk


def contract(desk: Desk, currency: Currency, price: str) -> RepoContract:
    return RepoContract(
        code="R2", seller_id=desk.parties["E5"], buyer_id=desk.parties["HK1"], bank_role="arranger",
        unit=Unit.parse("SZA-2023"), quantity_t=100000, purchase_date=date(2025, 6, 30),
        repurchase_date=date(2025, 7, 30), currency=currency, purchase_price_amount=Decimal(price),
        rate=Decimal("0.0360"), basis=None, method=ExposureMethod.B, minimum_transfer_amount=Decimal("0.00"),
        cross_border_basis="", netting_opinion="", settlement="DvP，示例账户",
    )  # fmt: skip


def opened(sessions: Sessions, desk: Desk, given: RepoContract) -> Repo:
    with sessions.begin() as session:
        waiting = service.propose_repo(session, desk.maker, given, standing=desk.standing, reason="合同")
        assert service.repo_by_code(session, desk.maker, given.code) is None
    with sessions.begin() as session, pytest.raises(NotPermitted):
        decide(session, desk, waiting.id, by="maker")
    with sessions.begin() as session:
        decide(session, desk, waiting.id, by="checker")
        found = service.repo_by_code(session, desk.maker, given.code)
        assert found is not None
        return found


def decide(session: Session, desk: Desk, approval_id: str, *, by: str, accepted: tuple[str, ...] = ()) -> None:
    actor = desk.maker if by == "maker" else desk.checker
    approvals.approve(
        session, actor, approval_id, kinds=APPROVAL_KINDS, answer=Answer(reason="同意", accepted=accepted),
        at=desk.standing.known_at, business_date=desk.standing.business_date,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("currency", "price", "basis", "due"),
    [
        # 30 days: 1,000,000 x 0.036 x 30/365 = 2958.904..; x 30/360 = 3000 exactly
        (Currency.CNH, "1000000.00", DayCount.ACT_365, "1002958.90"),
        (Currency.CNY, "1000000.00", DayCount.ACT_365, "1002958.90"),
        (Currency.HKD, "1000000.00", DayCount.ACT_365, "1002958.90"),
        (Currency.USD, "200000.00", DayCount.ACT_360, "200600.00"),
        (Currency.EUR, "200000.00", DayCount.ACT_360, "200600.00"),
    ],
)
def test_a_contract_opens_by_two_people_with_the_currency_s_dated_day_count(
    desk_sessions: Sessions, desk: Desk, *, currency: Currency, price: str, basis: DayCount, due: str
) -> None:
    with desk_sessions.begin() as session:
        for pair, rate in (("USDCNY", "7.1586"), ("EURCNY", "8.4024")):
            session.add(
                FxRateRow(
                    pair=pair, quote_date=date(2025, 6, 30), rate=Decimal(rate), known_from=date(2025, 6, 30),
                    document="中间价（示例）", grade=Grade.SAMPLE, note="",
                )
            )  # fmt: skip
    repo = opened(desk_sessions, desk, contract(desk, currency, price))
    assert (repo.state, repo.terms.basis) == ("OPEN", basis)
    assert "净额结算法律意见：无" in repo.flags
    assert any("未确认的惯例参数" in flag for flag in repo.flags)
    with desk_sessions.read() as session:
        outcome = service.repo_exposure_of(session, desk.maker, repo.id, standing=desk.standing)
    assert outcome.repurchase_price_amount == Decimal(due)
    # 100,000 t at 40.00; the haircut 0.40, and 0.08 added (not multiplied: 0.448) where the cash is not CNY
    assert outcome.haircut_ratio == (Decimal("0.40") if currency is Currency.CNY else Decimal("0.48"))
    assert outcome.market_value_cny == Decimal("4000000.00")
    # 200,000 x 7.1586 = 1,431,720.00; less 4,000,000 x 0.52 = 2,080,000.00, all to two places
    exposures = {"USD": "-648280.00", "EUR": "-399520.00", "CNH": "-1080000.00", "CNY": "-1400000.00"}
    if currency in exposures:
        assert outcome.exposure_b_cny == Decimal(exposures[currency])
    assert service.label_of(repo).label == "financing"


def test_more_than_may_be_lent_is_refused_when_it_is_approved(desk_sessions: Sessions, desk: Desk) -> None:
    # 4,000,000 x (1 - 0.48) = 2,080,000 at most
    with pytest.raises(Conflict, match=r"2080000\.00"):
        opened(desk_sessions, desk, contract(desk, Currency.CNH, "2080000.01"))


def test_a_contract_that_cannot_be_is_refused_by_field(desk: Desk) -> None:
    given = contract(desk, Currency.CNH, "1000000.00")
    for changes, field in (({"bank_role": "owner"}, "bank_role"), ({"settlement": " "}, "settlement"),
                           ({"buyer_id": given.seller_id}, "buyer")):  # fmt: skip
        with pytest.raises(InvalidInput) as refused:
            replace(given, **changes)  # type: ignore[arg-type]  # one wrong value at a time
        assert isinstance(refused.value, CarbonFinError)
        assert refused.value.field == field


def test_an_agreed_haircut_below_the_bank_s_own_needs_a_reason_and_counts_then(
    desk_sessions: Sessions, desk: Desk
) -> None:
    """4,000,000 x 0.70 = 2,800,000 where 2,400,000 would be the bank's limit; MR 1.05 is 1 - 1/1.05 = 0.047620 up."""
    given = replace(contract(desk, Currency.CNY, "2500000.00"), haircut_ratio=Decimal("0.30"))
    with desk_sessions.begin() as session, pytest.raises(Conflict, match=r"0\.30 lies below the bank's own 0\.40"):
        service.propose_repo(session, desk.maker, given, standing=desk.standing, reason="合同")
    repo = opened(desk_sessions, desk, replace(given, override_reason="授信审批委员会决议"))
    assert repo.terms.agreed_haircut_ratio == Decimal("0.30")
    assert any("例外理由：授信审批委员会决议" in flag for flag in repo.flags)
    with desk_sessions.read() as session:
        record = load_decision(session, desk.maker, repo.start_decision_id)
        (listed,) = overrides_of(session, desk.maker)
        assert verify_chain(session, desk.maker.organization_id).intact
    override = record.override
    assert override is not None
    assert (override.label_zh, override.ruled, override.used) == ("折扣系数", "0.40", "0.30")
    assert override.reason == "授信审批委员会决议"
    assert (record.maker_name, record.checker_name) == (desk.maker.name, desk.checker.name)
    assert (listed.id, listed.decision) == (record.id, record), "one line, though approval and decision both tell of it"
    with desk_sessions.read() as session:
        outcome = service.repo_exposure_of(session, desk.maker, repo.id, standing=desk.standing)
    assert (outcome.haircut_ratio, outcome.exposure_b_cny) == (Decimal("0.3000000000"), Decimal("-300000.00"))
    ratio = replace(given, haircut_ratio=None, margin_ratio=Decimal("1.05"))
    assert ratio.agreed_haircut_ratio == Decimal("0.047620")
    with pytest.raises(InvalidInput, match="haircut and a margin ratio"):
        replace(given, margin_ratio=Decimal("1.05"))


def test_a_contract_is_weighed_with_what_would_come_of_falls(desk_sessions: Sessions, desk: Desk) -> None:
    """Method B at H = 0.40 on 1,000,000 against 4,000,000, 3,600,000, 2,800,000 and nothing; A is B / 0.60."""
    given = contract(desk, Currency.CNY, "1000000.00")
    with desk_sessions.read() as session:
        found = service.preview_repo(session, desk.maker, given, standing=desk.standing)
        other = service.preview_repo(
            session, desk.maker, replace(given, method=ExposureMethod.A), standing=desk.standing
        )
    assert [str(one.exposure_cny) for one in found.scenarios] == [
        "-1400000.00", "-1160000.00", "-680000.00", "1000000.00",
    ]  # fmt: skip
    assert [str(one.call_amount) for one in found.scenarios] == ["0.00", "0.00", "0.00", "1000000.00"]
    assert str(other.scenarios[1].exposure_cny) == "-1933333.33"
    assert (found.policy_ratio, found.override_needed, found.start.lendable_amount) == (
        Decimal("0.40"), False, Decimal("2400000.00"),
    )  # fmt: skip
    assert found.label.label == "financing"
