"""What stands beside an account's use of energy: quantities on invoices, the credit record, the compliance position."""

from datetime import date
from decimal import Decimal

import pytest
from sqlmodel import delete

from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.calendars import HolidayNoticeRow, HolidayRow
from collateral.calc.compliance_records import (
    AllocationPart,
    AllocationStanding,
    AllocationState,
    EmissionsState,
    statement_of,
)
from collateral.service import record_compliance_position
from loans.calc.account_entries import AccountEntry, EntryKind
from loans.calc.account_facts import invoiced_energy, missing_month_zh, year_facts
from tests.app.worlds import PAGE
from tests.loans.conftest import Desk
from tests.loans.samples import E4_USCI
from tests.loans.scorecard_worlds import fill_scorecard, standing_at
from tests.loans.test_account_edges import GAS, consented, posted, uploaded

HEAD = "统一社会信用代码,项目,年度,月份,明细,数量,单位,电网因子,因子年份,证明材料,数据来源\n"
SIDES = HEAD + "".join(
    f"{E4_USCI},{row}\n"
    for row in (
        "燃料,2024,,天然气,12,万Nm3,,,,能源台账",
        "发票燃料,2024,1,天然气/24952001,5.5,万Nm3,,,,税务发票",
        "发票燃料,2024,2,天然气／24952002,6.2,万Nm3,,,,税务发票",
        "发票燃料,2024,2,柴油/24952003,3,t,,,,税务发票",
        "发票热力,2024,2,24952004,800,GJ,,,,税务发票",
        "发票燃料,2024,3,天然气,1,万Nm3,,,,税务发票",
        "发票燃料,2024,3,氢气/24952005,1,t,,,,税务发票",
        "信用记录,2024,,信用中国,0,条,,,查询编号 XY-1,信用平台",
        "信用记录,2024,,深圳信用网,2,条,,,查询编号 SZ-7,信用平台",
        "信用记录,2023,,信用中国,0,条,,,,信用平台",
        "信用记录,2024,3,信用中国,0,条,,,查询编号 XY-1,信用平台",
    )
)


def entry(kind: EntryKind, quantity: str, item: str = "", month: int = 0) -> AccountEntry:
    return AccountEntry(
        kind=kind, year=2024, month=month, item=item, quantity=Decimal(quantity), factor_id="", factor_year=None,
        evidence="单据", source="税务发票",
    )  # fmt: skip


def test_invoices_stand_beside_what_is_reported() -> None:
    lines = [
        entry(EntryKind.FUEL, "12", "natural_gas"),
        entry(EntryKind.INVOICE_FUEL, "5.5", "natural_gas/1", 1),
        entry(EntryKind.INVOICE_FUEL, "6.2", "natural_gas/2", 2),
        entry(EntryKind.INVOICE_FUEL, "3", "diesel/3", 2),
        entry(EntryKind.HEAT, "900", "H"),
        entry(EntryKind.INVOICE_HEAT, "800", "4", 2),
    ]
    # |11.7 - 12| / 12 = 0.025; |800 - 900| / 900 = 0.1111, up. Diesel is invoiced and not reported.
    found = invoiced_energy(lines, 2024)
    assert [(one.carrier, one.unit, one.reported, one.invoiced, one.gap_ratio) for one in found] == [
        ("diesel", "t", None, Decimal(3), None),
        ("natural_gas", "万Nm3", Decimal(12), Decimal("11.7"), Decimal("0.0250")),
        ("heat", "GJ", Decimal(900), Decimal(800), Decimal("0.1112")),
    ]  # fmt: skip
    # What a rating takes of the year is not moved by them, nor are they named among its sources.
    named = [entry(EntryKind.FUEL, "12", "natural_gas"), entry(EntryKind.CREDIT_RECORD, "0", "信用中国")]
    assert year_facts(named[:1], 2024) == year_facts(named, 2024)


def test_that_nothing_was_found_needs_its_inquiry_too() -> None:
    with pytest.raises(InvalidInput) as refused:
        AccountEntry(
            kind=EntryKind.CREDIT_RECORD, year=2024, month=0, item="信用中国", quantity=Decimal(0), factor_id="",
            factor_year=None, evidence="", source="信用平台",
        )  # fmt: skip
    assert refused.value.field == "evidence"


def test_months_are_named_in_chinese() -> None:
    assert missing_month_zh("electricity 0103001: 3") == "用电量（申报） 0103001 3 月"
    assert missing_month_zh("fuel natural_gas: 12") == "燃料消费量 天然气 12 月"
    assert missing_month_zh("process: 5") == "过程排放 5 月"


def test_a_file_brings_them_and_page_and_api_show_them(desk: Desk) -> None:
    party_id = consented(desk)
    page = uploaded(desk, SIDES.encode("gbk"), "store")
    for words in (
        "新增 7",
        "有误 4 处",
        "缺少发票号码",
        "“氢气”不是燃料名称",
        "按年填报，月份应留空",
        "须填写证明材料",
    ):
        assert words in page.text, words
    account = desk.system.get(f"/v1/carbon-accounts/{party_id}").json()
    (year,) = [one for one in account["years"] if one["year"] == 2024]
    assert [(one["carrier"], one["invoiced"], one["gap_ratio"]) for one in year["invoiced"]] == [
        ("diesel", "3", None), ("natural_gas", "11.7", "0.0250"), ("heat", "800", None),
    ]  # fmt: skip
    assert [one["item"] for one in account["entries"] if one["kind"] == "credit_record"] == ["信用中国", "深圳信用网"]
    shown = desk.get(f"/enterprises/{party_id}/account").text
    for words in ("燃料与热力核对", "2.50%", "未申报", "天然气/24952001", "2 条", "未查得", "查询编号 SZ-7"):
        assert words in shown, words
    english = desk.browser.get(f"/enterprises/{party_id}/account?lang=en", headers=PAGE).text
    assert "2 found" in english


def _stated(desk: Desk, year: int, surrendered_t: int | None, known_from: date, *, scheme: Scheme = Scheme.CEA) -> None:
    with desk.sessions.begin() as session:
        standing = standing_at(desk.bank)
        record_compliance_position(
            session, desk.bank.officer,
            statement_of(
                party_id=desk.bank.clothing.id, scheme=scheme, compliance_year=year, emissions_t=1000,
                emissions_state=EmissionsState.VERIFIED, emissions_source=f"{year} 年核查报告",
                surrendered_t=surrendered_t, as_of=known_from,
                parts=(
                    AllocationPart(
                        state=AllocationState.VERIFIED, standing=AllocationStanding.ISSUED, quantity_t=940,
                        source="发放通知",
                    ),
                ),
                unconfirmed="", known_from=known_from,
            ),
            standing=standing,
        )  # fmt: skip


def test_the_compliance_position_is_read_and_stored_nowhere_else(desk: Desk) -> None:
    party_id = desk.bank.clothing.id
    address = f"/v1/carbon-accounts/{party_id}"
    assert desk.system.get(address).json()["compliance"] == []
    assert "没有履约数据" in desk.get(f"/enterprises/{party_id}/account").text
    _stated(desk, 2024, 100, date(2025, 6, 29))
    (now,) = desk.system.get(address).json()["compliance"]
    stated = ("scheme", "compliance_year", "emissions_t", "emissions_source", "allocation_t", "surrendered_t")
    assert [now[name] for name in stated] == ["CEA", 2024, 1000, "2024 年核查报告", 940, 100]
    # 900 t are left to surrender and nothing is held, as the compliance position itself says.
    (scheme,) = desk.system.get(f"/v1/parties/{party_id}/compliance").json()["positions"]
    (position,) = scheme["years"]
    told = ("compliance_year", "shortfall_t", "penalty_low_cny", "penalty_high_cny")
    assert [now[name] for name in told] == [position[name] for name in told]
    assert (now["shortfall_t"], now["lacks"]) == (900, None)
    _stated(desk, 2024, 100, date(2025, 6, 29), scheme=Scheme.SZA)
    # Nobody has entered the deadline of CEA 2023: what is stated stands, what follows is not known and says why. What
    # is due in Shenzhen hangs on none of it.
    _stated(desk, 2023, 1000, date(2025, 6, 30))
    found = desk.system.get(address).json()["compliance"]
    assert [(one["scheme"], one["surrendered_t"], one["shortfall_t"]) for one in found] == [
        ("CEA", 100, None), ("SZA", 100, 900), ("CEA", 1000, None),
    ]  # fmt: skip
    assert ("surrender_date[CEA-2023]" in found[0]["lacks"]["detail"], found[1]["lacks"]) == (True, None)
    earlier = desk.system.get(address, params={"known_on": "2025-06-29"}).json()["compliance"]
    assert [(one["scheme"], one["shortfall_t"], one["lacks"]) for one in earlier] == [
        ("CEA", None, None), ("SZA", None, None),
    ]  # fmt: skip
    page = desk.get(f"/enterprises/{party_id}/account").text
    for words in ("CEA 2024", "CEA 2023", "940", "核查排放量", "2024 年核查报告", "缺口与罚款未知"):
        assert words in page, words
    _stated(desk, 2027, 0, date(2025, 6, 30), scheme=Scheme.SZA)
    page = desk.get(f"/enterprises/{party_id}/account").text
    assert (page.count("surrender_date[CEA-2023]"), page.count("surrender_date[SZA-2027]")) == (1, 1)


def test_electricity_by_month_is_drawn_and_lacking_months_told(desk: Desk) -> None:
    party_id = consented(desk)
    months = [
        GAS | {"kind": kind, "month": month, "item": "A", "unit": "kWh", "quantity": "300000"}
        for month in range(1, 12)
        for kind in ("electricity", "meter")
    ]
    assert posted(desk, "/v1/carbon-accounts/entries", {"entries": months}, "m").json()["failures"] == []
    page = desk.get(f"/enterprises/{party_id}/account").text
    for words in ("2024 年各月用电量：三方是否一致", 'id="chart-power-2024"', "缺少月份：用电量（申报） A 12 月"):
        assert words in page, words


def test_the_rating_draws_its_peers(desk: Desk) -> None:
    with desk.sessions.begin() as session:
        fill_scorecard(session, desk.bank)
    address = f"/enterprises/{desk.bank.clothing.id}/rating"
    assert desk.post(address, {"method": "scorecard"}).status_code == 303
    page = desk.get(address).text
    for words in ("碳强度在同业中处于何处", 'id="chart-peers"', "同业中间一半"):
        assert words in page, words
    english = desk.browser.get(f"{address}?lang=en", headers=PAGE).text
    assert "Middle half of peers" in english


def test_what_is_stated_stands_where_no_position_can_be_calculated(desk: Desk) -> None:
    _stated(desk, 2024, 100, date(2025, 6, 29))
    with desk.sessions.begin() as session:
        for row in (HolidayRow, HolidayNoticeRow):
            session.execute(delete(row))
    (found,) = desk.system.get(f"/v1/carbon-accounts/{desk.bank.clothing.id}").json()["compliance"]
    assert (found["surrendered_t"], found["shortfall_t"], found["lacks"]["field"]) == (100, None, "calendar")
