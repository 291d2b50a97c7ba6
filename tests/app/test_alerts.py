"""The first screen: what must be done, by when, why, most urgent first."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from carbonfin.app.alerts import alerts_of
from carbonfin.app.homes.figures import parameter_names
from carbonfin.app.homes.officer import bank_cards
from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.rules.parameter_files import book_from_toml
from carbonfin.rules.parameters import ParameterBook
from carbonfin.web.language import Text
from collateral.calc.agreements import CoverageRecord, HeadroomRecord, MarginCall, Pledge, UnitQuantity
from collateral.calc.coverage import TopUp
from collateral.calc.coverage_rules import CoverageLevel
from collateral.calc.surrender import SafeDate, SafeDateKind
from collateral.service.desk import Desk, DeskHeadroom, DeskPledge

DAY = date(2025, 6, 30)
SZA_2023 = Unit.parse("SZA-2023")

PLEDGE = Pledge(
    id="p3", code="P3", pledgor_id="e3", state="MARGIN_CALLED", units=(UnitQuantity(unit=SZA_2023, quantity_t=40000),),
    principal_cny=Decimal("855000.00"), end_date=date(2025, 12, 12), extends_code="", applied_on=date(2025, 3, 14),
    maker_id="m", maker_name="甲", registration_number=None, appraisal_id=None, drawn_on=date(2025, 3, 14),
    released_on=None, refusals=(), is_sample=True,
)  # fmt: skip
COVERAGE = CoverageRecord(
    pledge_id="p3", business_date=DAY, revision=1, decision_id="d1", market_value_cny=Decimal("1600000.00"),
    collateral_value_cny=Decimal("800000.00"), debt_cny=Decimal("855758.81"), coverage_ratio=Decimal("0.9348428645"),
    ltv_ratio=Decimal("0.53"), warning_ratio=Decimal("0.95"), level=CoverageLevel.WARNING,
    cash_to_initial_cny=Decimal("55758.81"),
    top_ups=(TopUp(unit=Unit.parse("SZA-2024"), quantity_t=2720, free_t=33000, is_sufficient=True),),
    closeout_days=10, safe_date=SafeDate(kind=SafeDateKind.UNKNOWN, day=None, unit=None),
    unconfirmed=("pricing.surrender_date[SZA-2024]",),
)  # fmt: skip
CALL = MarginCall(
    id="c1", agreement_code="P3", state="ISSUED", issued_on=DAY, deadline=date(2025, 7, 7), currency="CNY",
    cash_amount=Decimal("55758.81"), top_ups=COVERAGE.top_ups, decision_id="d1", closed_on=None,
)  # fmt: skip
WARNED = DeskPledge(pledge=PLEDGE, pledgor_name="示例啤酒", exposure=None, coverage=COVERAGE, call=CALL)
UNKNOWN = DeskPledge(
    pledge=replace(PLEDGE, id="p4", code="P4", state="FREEZE_UNKNOWN"), pledgor_name="示例数据中心", exposure=None,
    coverage=None, call=None,
)  # fmt: skip


def _headroom(headroom_t: int, days_left: int) -> DeskHeadroom:
    record = HeadroomRecord(
        party_id="e3", scheme=Scheme.SZA, compliance_year=2024, business_date=DAY, decision_id="d2",
        headroom_t=headroom_t, surrender_date=date(2025, 8, 31), unconfirmed=(),
    )  # fmt: skip
    return DeskHeadroom(party_name="示例啤酒", record=record, days_left=days_left)


def _desk(*pledges: DeskPledge, headrooms: tuple[DeskHeadroom, ...] = ()) -> Desk:
    return Desk(
        business_date=DAY, pledges=pledges, repos=(), headrooms=headrooms,
        loans_outstanding_cny=Decimal("855000.00"), pledged_t=(("SZA", 40000),), repo_t=0,
    )  # fmt: skip


NAMES = {"pricing.surrender_date[SZA-2024]": Text("清缴截止日（SZA-2024）", "surrender date (SZA-2024)")}


def test_a_call_says_what_restores_the_line_and_by_when() -> None:
    (alert,) = alerts_of(_desk(WARNED), parameter_names=NAMES)
    assert alert.kind == "warning"
    assert alert.state.zh == "预警"
    assert alert.subject.zh == "质押 P3 · 示例啤酒"
    assert alert.why.zh == ("覆盖率 0.9348，低于预警线 0.95；补至初始线须追加现金 55,758.81 元，或 SZA-2024 2,720 吨")
    assert alert.due == date(2025, 7, 7)
    assert alert.address == "/pledges/p3"
    assert alert.unconfirmed == NAMES["pricing.surrender_date[SZA-2024]"]


def test_below_the_liquidation_level_is_a_breach() -> None:
    worse = replace(WARNED, coverage=replace(COVERAGE, level=CoverageLevel.DISPOSAL))
    (alert,) = alerts_of(_desk(worse), parameter_names={})
    assert (alert.kind, alert.state.zh) == ("breach", "处置线")
    assert alert.unconfirmed == Text("pricing.surrender_date[SZA-2024]", "pricing.surrender_date[SZA-2024]")


def test_a_covered_pledge_raises_no_alert() -> None:
    covered = replace(WARNED, coverage=replace(COVERAGE, level=CoverageLevel.COVERED), call=None)
    assert alerts_of(_desk(covered), parameter_names={}) == ()


def test_breaches_come_first_then_the_nearer_day() -> None:
    desk = _desk(WARNED, UNKNOWN, headrooms=(_headroom(5407, 62), _headroom(-1, 62), _headroom(10, 60)))
    found = alerts_of(desk, parameter_names=NAMES)
    assert [(alert.kind, alert.state.zh) for alert in found] == [
        ("breach", "履约倒计时"),
        ("breach", "冻结状态未知"),
        ("warning", "预警"),
        ("warning", "履约倒计时"),
        ("information", "履约倒计时"),
    ]


def test_the_cards_count_what_must_be_done() -> None:
    alerts = alerts_of(_desk(WARNED, UNKNOWN, headrooms=(_headroom(5407, 62),)), parameter_names=NAMES)
    cards = bank_cards(_desk(WARNED, UNKNOWN), alerts=alerts, draft_count=1)
    assert len(cards) == 5
    assert [card.value for card in cards] == ["2", "855000.00", "40000", "0", "1"]
    assert cards[0].state == "breach"
    assert bank_cards(_desk(), alerts=(), draft_count=0)[0].state == "good"


def test_parameters_are_named_with_their_scope() -> None:
    book: ParameterBook = book_from_toml(
        """
[[parameter]]
key = "pricing.surrender_date"
unit = "date"
title_zh = "清缴截止日"
title_en = "surrender date"
[[parameter.value]]
value = "2025-08-31"
scope = "SZA-2024"
valid_from = 2025-01-01
known_from = 2025-01-01
document = "示例"
article = ""
grade = "sample"
confirmed = false
approved_by = []
note = ""
""",
        file_name="sample.toml",
    )
    assert parameter_names(book)["pricing.surrender_date[SZA-2024]"] == Text(
        "清缴截止日（SZA-2024）", "surrender date (SZA-2024)"
    )
