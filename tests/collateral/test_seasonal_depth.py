"""The depth around surrender: open days by hand, the thin season after it, and what it does to a haircut."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.errors import MissingData
from carbonfin.storage.decisions import load_decision, replay_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rulebook import book_for, enter_parameter, propose_parameter
from collateral import service
from collateral.calc.agreements import UnitQuantity
from collateral.calc.haircut_models.close_out_component import cliff
from collateral.calc.haircut_models.components import horizon_of
from collateral.calc.haircut_models.seasons import DepthBasis, SeasonDepth, thinnest_ratio
from collateral.calc.haircut_models.stack_terms import ComponentName
from collateral.calc.policy_haircuts import PolicyHaircut
from collateral.service.computed_haircuts import HaircutRequest, try_haircut
from collateral.service.default_simulations import simulate_default
from collateral.service.haircut_facts import DEPTH_AFTER_SURRENDER, SeasonalDepth, market_facts, seasonal_depth
from collateral.service.haircut_reports import ReportRequest, make_haircut_report
from collateral.service.pledge_haircuts import PledgeAsked
from collateral.service.view import desk_view
from pricing.service import import_price_file
from tests.collateral.desk import CLOCK, Desk, take_over_all
from tests.collateral.haircut_stacks import only, stack_facts
from tests.collateral.test_default_simulations import ASSUMED, load_quotes
from tests.collateral.test_pledge_haircuts import haircuts_of, in_force, policy
from tests.collateral.world import TODAY, parameter


def approved(sessions: Sessions, desk: Desk, ratio: str, scheme: str = "SZA") -> None:
    value = parameter(DEPTH_AFTER_SURRENDER, ratio, scope=scheme, unit="ratio")
    with sessions.begin() as session:
        enter_parameter(session, desk.maker, desk.checker, value, reason="样例", at=CLOCK.now())


def depth_of(sessions: Sessions, desk: Desk, unit: str, ends_on: date = date(2025, 7, 31)) -> SeasonalDepth:
    with sessions.read() as session:
        view, asked = desk_view(session, desk.standing), Unit.parse(unit)
        market = market_facts(session, desk.maker, view, asked, limit_ratio=None)
        return seasonal_depth(view, asked, ends_on=ends_on, market=market)


def depth(sessions: Sessions, desk: Desk, unit: str, ends_on: date) -> list[tuple[int, str]]:
    """Give the runs of equal depth: days, ratio."""
    found = depth_of(sessions, desk, unit, ends_on).ratios
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
    assert depth(desk_sessions, desk, unit, ends_on) == [], "no ratio is approved, and too few quotes tell one"
    approved(desk_sessions, desk, "0.5", scheme=unit.partition("-")[0])
    assert depth(desk_sessions, desk, unit, ends_on) == expected


def test_a_ratio_above_one_earns_nothing(desk_sessions: Sessions, desk: Desk) -> None:
    approved(desk_sessions, desk, "1.5")
    found = depth_of(desk_sessions, desk, "SZA-2024")
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


def load_thin(sessions: Sessions, desk: Desk, *, days: int, thin_t: int, first: int, count: int) -> None:
    """Load closes of SZA-2023 of 20,000 t on the last open days, some of them from the `first` on thin."""
    rows = ["日期,品种,收盘价,成交量(吨),挂牌成交额(元)"]
    with sessions.begin() as session:
        open_days = list(desk_view(session, desk.standing).calendar.open_days(date(2024, 1, 2), date(2025, 7, 1)))
        for place, day in enumerate(open_days[-days:]):
            traded = thin_t if first <= place < first + count else 20_000
            close = 40 + place % 3
            rows.append(f"{day},SZA-2023,{close}.00,{traded},{traded * close}.00")
        report = import_price_file(
            session, desk.maker, content="\n".join(rows).encode(), file_name="a.csv", exchange="示例交易所",
            document="示例", known_at=end_of_china_day(TODAY), preview=False,
        )  # fmt: skip
        assert not report.failures


def test_without_an_approved_ratio_the_thinnest_season_of_the_quotes_stands_in(
    desk_sessions: Sessions, desk: Desk
) -> None:
    """300 open days, sixty of them at 4,000 t and the rest at 20,000: 4,000 over 16,800 is 0.2380, rounded down."""
    load_thin(desk_sessions, desk, days=300, thin_t=4_000, first=100, count=60)
    found = depth_of(desk_sessions, desk, "SZA-2023")
    assert (found.season.basis, found.season.ratio) == (DepthBasis.MEASURED, Decimal("0.2380"))
    assert found.ratios == (*(Decimal(1),) * 21, Decimal("0.2380"))
    assert (found.season.is_confirmed, "未确认" in found.season.words[0]) == (False, True)
    in_force(desk_sessions, desk, policy(components=("close_out",), table_ratio="0.05", floor_ratio="0.01"))
    with haircuts_of(desk_sessions, desk) as haircuts:
        asked = PledgeAsked(pledgor_id=desk.parties["E5"], end_date=date(2025, 9, 30))
        measured = haircuts.of(UnitQuantity(unit=Unit.parse("SZA-2023"), quantity_t=80_000), asked)
    assert measured is not None
    assert (measured.is_confirmed, "实测最清淡的 60 个交易日" in measured.reason_zh) == (False, True)
    with desk_sessions.read() as session:
        kept = load_decision(session, desk.maker, measured.decision_id)
        assert set(kept.outputs["unconfirmed"]) == {"collateral.depth_season_days[]", "depth_after_surrender"}
        assert replay_decision(session, service.DECISION_KINDS, measured.decision_id).same
    approved(desk_sessions, desk, "1")
    with haircuts_of(desk_sessions, desk) as haircuts:
        level = haircuts.of(UnitQuantity(unit=Unit.parse("SZA-2023"), quantity_t=80_000), asked)
    assert level is not None
    assert (level.is_confirmed, level.reason_zh) == (True, "")
    assert measured.ratio > level.ratio, "what is missing is not favourable"


def test_less_than_a_year_of_quotes_tells_no_season_and_counts_the_conservative_value(
    desk_sessions: Sessions, desk: Desk
) -> None:
    load_thin(desk_sessions, desk, days=200, thin_t=0, first=0, count=0)
    assert depth_of(desk_sessions, desk, "SZA-2023").season.basis is DepthBasis.UNKNOWN
    in_force(desk_sessions, desk, policy(components=("close_out",), conservative_ratio="0.62"))
    with haircuts_of(desk_sessions, desk) as haircuts:
        asked = PledgeAsked(pledgor_id=desk.parties["E5"], end_date=date(2025, 9, 30))
        found = haircuts.of(UnitQuantity(unit=Unit.parse("SZA-2023"), quantity_t=10_000), asked)
    assert found is not None
    assert (found.ratio, found.binding) == (Decimal("0.62"), ComponentName.CLOSE_OUT)
    assert "清缴后成交量比例未经本行批准，行情不足一年" in found.reason_zh
    with desk_sessions.begin() as session:
        pledge_id = take_over_all(session, desk)["P3"]
    with desk_sessions.read() as session, pytest.raises(MissingData, match="volume after the surrender"):
        simulate_default(session, desk.maker, pledge_id, ASSUMED, standing=desk.standing)


def test_a_thin_season_lengthens_the_days_of_risk_and_passes_the_last_usable_date() -> None:
    """20,000 t at a fifth of 100,000 a day sell in one day after ten of waiting; at a tenth of the volume in ten.

    Four level days after the wait take four days' worth of 100,000 t, the rest of 20,000 at a tenth 10 days: 10 + 4 + 10.
    """
    thin = SeasonDepth(basis=DepthBasis.MEASURED, ratio=Decimal("0.1"), parameter=None, source="样例")
    method = only(ComponentName.SUPERVISORY)
    facts = stack_facts(depth_ratios=(Decimal("0.1"),), season=thin)
    plain = stack_facts()
    assert horizon_of(method, plain).days == 11
    assert horizon_of(method, facts).days == pytest.approx(10 + 11 * 21 / 60)  # (N + 1)(2 N + 1) / (6 N) of N = 10
    part_level = stack_facts(
        quantity_t=100_000, depth_ratios=(*(Decimal(1),) * 14, Decimal("0.1")), season=thin, days_to_last_use=24,
        has_last_use=True,
    )  # fmt: skip
    for left, ratio in ((24, 0), (23, 1)):
        assert cliff(method, replace(part_level, days_to_last_use=left)).ratio == ratio
    old = replace(part_level, season=None, days_to_last_use=15)
    assert cliff(method, old).ratio == 0, "decisions made before the season was told sell by the mean to the end"


@given(
    volumes=st.lists(st.integers(0, 10**6), min_size=3, max_size=60), place=st.integers(0, 59),
    less=st.integers(0, 10**6), season=st.integers(1, 3),
)  # fmt: skip
def test_less_volume_on_any_day_never_makes_the_thinnest_season_larger(
    volumes: list[int], place: int, less: int, season: int
) -> None:
    def thinnest_t(held: list[int]) -> Decimal:
        mean_t = Decimal(sum(held)) / len(held)
        ratio = thinnest_ratio(held, season_days=season, mean_t=mean_t)
        return Decimal(0) if ratio is None else ratio * mean_t

    fewer = list(volumes)
    fewer[place % len(fewer)] = max(0, fewer[place % len(fewer)] - less)
    slack = Decimal(sum(volumes)) / len(volumes) / 10_000  # the ratio is rounded down to four places
    assert thinnest_t(fewer) <= thinnest_t(volumes) + slack
    least = min(sum(volumes[one : one + season]) for one in range(len(volumes) - season + 1))
    assert thinnest_t(volumes) <= Decimal(least) / season
