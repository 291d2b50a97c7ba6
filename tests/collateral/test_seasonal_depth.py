"""The depth around surrender: open days by hand, the thin season after it, and what it does to a haircut."""

from datetime import date
from decimal import Decimal

import pytest

from carbonfin.kernel.allowances import Unit
from carbonfin.storage.decisions import load_decision, replay_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rulebook import book_for, enter_parameter, propose_parameter
from collateral import service
from collateral.calc.agreements import UnitQuantity
from collateral.calc.policy_haircuts import PolicyHaircut
from collateral.service.computed_haircuts import HaircutRequest, try_haircut
from collateral.service.default_simulations import simulate_default
from collateral.service.haircut_facts import DEPTH_AFTER_SURRENDER, seasonal_depth
from collateral.service.haircut_reports import ReportRequest, make_haircut_report
from collateral.service.pledge_haircuts import PledgeAsked
from collateral.service.view import desk_view
from tests.collateral.desk import CLOCK, Desk, take_over_all
from tests.collateral.test_default_simulations import ASSUMED, load_quotes
from tests.collateral.test_pledge_haircuts import haircuts_of, in_force, policy
from tests.collateral.world import TODAY, parameter


def approved(sessions: Sessions, desk: Desk, ratio: str, scheme: str = "SZA") -> None:
    value = parameter(DEPTH_AFTER_SURRENDER, ratio, scope=scheme, unit="ratio")
    with sessions.begin() as session:
        enter_parameter(session, desk.maker, desk.checker, value, reason="样例", at=CLOCK.now())


def depth(sessions: Sessions, desk: Desk, unit: str, ends_on: date) -> list[tuple[int, str]]:
    """Give the runs of equal depth: days, ratio."""
    with sessions.read() as session:
        found = seasonal_depth(desk_view(session, desk.standing), Unit.parse(unit), ends_on=ends_on).ratios
    runs: list[tuple[int, str]] = []
    for one in map(str, found):
        days = runs.pop()[0] if runs and runs[-1][1] == one else 0
        runs.append((days + 1, one))
    return runs


@pytest.mark.parametrize(
    ("unit", "ends_on", "expected"),
    [
        ("SZA-2024", date(2025, 7, 31), [(21, "1"), (1, "0.5")]),  # August 2025 has 21 weekdays, no holiday
        ("SZA-2024", date(2025, 8, 28), [(1, "1"), (1, "0.5")]),  # Friday the 29th alone: the 31st is a Sunday
        ("SZA-2024", date(2025, 8, 31), [(1, "0.5")]),
        ("SZA-2024", date(2026, 3, 2), [(1, "0.5")]),  # the deadline comes while the loan runs
        ("CEA-2024", date(2025, 10, 31), [(43, "1"), (1, "0.5")]),  # 20 weekdays of November, 23 of December
        ("CEA-2024", date(2025, 8, 29), [(80, "1"), (1, "0.5")]),  # 22 + 17 + 43 = 82, down to the step of ten
        ("CCER", date(2025, 7, 31), [(1, "0.5")]),  # no deadline is known
    ],
)
def test_it_is_level_up_to_the_deadline_and_thin_after_it(
    desk_sessions: Sessions, desk: Desk, unit: str, ends_on: date, expected: list[tuple[int, str]]
) -> None:
    assert depth(desk_sessions, desk, unit, ends_on) == [], "no ratio is approved"
    approved(desk_sessions, desk, "0.5", scheme=unit.partition("-")[0])
    assert depth(desk_sessions, desk, unit, ends_on) == expected


def test_a_ratio_above_one_earns_nothing(desk_sessions: Sessions, desk: Desk) -> None:
    approved(desk_sessions, desk, "1.5")
    with desk_sessions.read() as session:
        view = desk_view(session, desk.standing)
        found = seasonal_depth(view, Unit.parse("SZA-2024"), ends_on=date(2025, 7, 31))
    assert set(found.ratios) == {Decimal(1)}


def test_a_bank_proposes_its_first_ratio_and_its_first_limit(desk_sessions: Sessions, desk: Desk) -> None:
    """Both are known to the product without a value: a bank that has none may propose one."""
    for key, scope in ((DEPTH_AFTER_SURRENDER, "CEA"), ("collateral.concentration_limit_ratio", "scheme")):
        with desk_sessions.begin() as session:
            known = book_for(session, desk.maker.organization_id, packages=("collateral",))
            value = parameter(key, "0.5", scope=scope, unit="ratio", valid_from=date(2025, 7, 1))
            propose_parameter(session, desk.maker, value, reason="样例", at=CLOCK.now(), known=known)


def test_a_haircut_by_close_out_is_larger_in_the_thin_season_and_says_why(desk_sessions: Sessions, desk: Desk) -> None:
    load_quotes(desk_sessions, desk)
    in_force(desk_sessions, desk, policy(components=("close_out",), table_ratio="0.05", floor_ratio="0.01"))

    def struck(end: date) -> PolicyHaircut:
        with haircuts_of(desk_sessions, desk) as haircuts:
            asked = PledgeAsked(pledgor_id=desk.parties["E5"], end_date=end)
            found = haircuts.of(UnitQuantity(unit=Unit.parse("SZA-2023"), quantity_t=80_000), asked)
        assert found is not None
        return found

    level = struck(date(2025, 7, 31))
    approved(desk_sessions, desk, "0.2")
    before, after = struck(date(2025, 7, 31)), struck(date(2025, 9, 30))
    assert level.ratio <= before.ratio < after.ratio
    with desk_sessions.read() as session:
        kept = load_decision(session, desk.maker, after.decision_id)
        assert kept.inputs["facts"]["depth_ratios"] == ["0.2"]
        assert kept.inputs["facts"]["source"].endswith("；清缴后成交量为均值的 0.2 倍（示例银行押品管理办法（示例））")
        assert replay_decision(session, service.DECISION_KINDS, after.decision_id).same


def test_a_haircut_asked_for_and_a_report_take_the_same_depth(desk_sessions: Sessions, desk: Desk) -> None:
    """Asked to the end of July 21 level days are left; the report's default comes today: 23 of July and 21 of August."""
    in_force(desk_sessions, desk, policy())
    approved(desk_sessions, desk, "0.5")
    unit = Unit.parse("SZA-2024")
    asked = HaircutRequest(
        policy="SZA", unit=unit, quantity_t=10_000, ends_on=date(2025, 7, 31), is_cross_currency=False, borrower=None
    )
    wanted = ReportRequest(code="SZA", month=TODAY, unit=unit, quantity_t=10_000)
    with desk_sessions.begin() as session:
        answer = try_haircut(session, desk.maker, asked, standing=desk.standing)
        assert answer.inputs.facts.depth_ratios == (*(Decimal(1),) * 21, Decimal("0.5"))
        kept = make_haircut_report(session, desk.maker, wanted, standing=desk.standing)
        report = load_decision(session, desk.maker, kept.decision_id)
        assert report.inputs["facts"]["depth_ratios"] == ["1"] * 44 + ["0.5"]


def test_a_simulated_default_sells_more_slowly_after_the_deadline(desk_sessions: Sessions, desk: Desk) -> None:
    """P3, 40,000 t at a fifth of 20,000 t a day: ten days of sale, or fifty at a fifth of that; an auction on day 30."""
    with desk_sessions.begin() as session:
        pledge_id = take_over_all(session, desk)["P3"]
    load_quotes(desk_sessions, desk)
    in_force(desk_sessions, desk, policy(daily_limit_ratio=None))

    def auctioned() -> Decimal:
        with desk_sessions.read() as session:
            found = simulate_default(session, desk.maker, pledge_id, ASSUMED, standing=desk.standing)
        return found.found.auction_ratio

    assert auctioned() == 0
    with desk_sessions.begin() as session:
        past = parameter(
            "pricing.surrender_date", "2025-06-30", scope="SZA-2024", unit="date", valid_from=date(2025, 6, 1)
        )
        enter_parameter(session, desk.maker, desk.checker, past, reason="样例", at=CLOCK.now())
    assert auctioned() == 0, "no ratio is approved"
    approved(desk_sessions, desk, "0.2")
    assert auctioned() == 1
