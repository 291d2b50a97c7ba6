"""The collateral register: figures by hand from the sample bank, its workbook read back, and nobody else's rows."""

import json
from datetime import date
from decimal import Decimal

from sqlmodel import Session, select

from carbonfin.documents.workbooks import read_workbook
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rulebook import enter_parameter
from collateral import jobs, service
from collateral.calc.register import ConcentrationBase
from collateral.models import CoverageRow
from collateral.workbooks import register_workbook
from tests.collateral.desk import CLOCK, Desk, take_over_all
from tests.collateral.test_eligibility_schedules import LIMITED, put_in_force
from tests.collateral.world import TODAY, parameter


def _filled(session: Session, desk: Desk) -> None:
    take_over_all(session, desk)
    limit = parameter("collateral.concentration_limit_ratio", "0.45", scope="pledgor", unit="ratio")
    enter_parameter(session, desk.maker, desk.checker, limit, reason="样例限额", at=CLOCK.now())
    jobs.revalue(session, desk.maker, TODAY)


def test_the_register_says_what_a_clerk_would_work_out_by_hand(desk_sessions: Sessions, desk: Desk) -> None:
    """P1 50,000 x 74.03, P2 60,000 x (39 + 40), P3 40,000 x 40: 3,701,500 + 4,740,000 + 1,600,000 = 10,041,500."""
    with desk_sessions.begin() as session:
        _filled(session, desk)
        found = service.collateral_register(session, desk.maker, standing=desk.standing)
        other = service.collateral_register(session, desk.stranger, standing=desk.standing)
    classes = {one.scheme.value: one for one in found.classes}
    assert {name: one.ceiling_ratio for name, one in classes.items()} == {
        "CEA": Decimal("0.6000"), "SZA": Decimal("0.5000"), "CCER": Decimal("0.4000"),
    }  # fmt: skip
    valued = {(one.pledge.code, line.unit): line.valued for one in found.pledges for line in one.lines if line.valued}
    assert valued["P1", "CEA-2023"].market_value_cny == Decimal("3701500.00")
    assert valued["P1", "CEA-2023"].collateral_value_cny == Decimal("2220900.00")
    assert valued["P2", "SZA-2023"].collateral_value_cny == Decimal("1200000.00")
    assert {one.pledge.code: one.freeze_reference for one in found.pledges}["P3"].endswith("示例冻结-P3")
    pledgors = [one for one in found.concentrations if one.base is ConcentrationBase.PLEDGOR]
    assert [(one.name[:5], one.share_ratio, one.is_breach) for one in pledgors] == [
        ("示例微电子", Decimal("0.4720"), True),
        ("示例燃气发", Decimal("0.3686"), False),
        ("示例啤酒(", Decimal("0.1593"), False),
    ]
    assert [one.limit for one in found.concentrations if one.base is ConcentrationBase.UNIT] == [None, None, None]
    assert [(one.code, one.day) for one in found.let_go] == [("P0", date(2025, 6, 25))]
    assert (other.pledges, other.let_go) == ((), ())


def test_the_workbook_has_the_five_sheets_and_the_same_bytes_again(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        _filled(session, desk)
        found = service.collateral_register(session, desk.maker, standing=desk.standing)
    content = register_workbook(found, created_at=desk.standing.known_at)
    assert content == register_workbook(found, created_at=desk.standing.known_at)
    sheets = {sheet.name: set(sheet.cells.values()) for sheet in read_workbook(content)}
    assert list(sheets)[:5] == ["押品品种", "押品台账", "抵质押率", "集中度", "解押与处置"]
    assert Decimal(10041500) in {Decimal(cell) for cell in sheets["押品台账"] if cell.replace(".", "").isdecimal()}
    assert {"超限", "未设限额"} <= set(sheets["集中度"])
    assert any("未确认" in str(cell) for cell in sheets["押品品种"])
    assert any("示例数据，不得报送" in str(cell) for cell in sheets["押品台账"])


def test_the_register_lists_schedules_limits_at_the_days_prices(desk_sessions: Sessions, desk: Desk) -> None:
    """SZA-2022 60,000 x 39 of 6,340,000 is 0.3691, SZA-2023 100,000 x 40 of it 0.6310: above 0.4."""
    with desk_sessions.begin() as session:
        _filled(session, desk)
    put_in_force(desk_sessions, desk, json.dumps(LIMITED))
    with desk_sessions.begin() as session:
        found = service.collateral_register(session, desk.maker, standing=desk.standing)
    content = register_workbook(found, created_at=desk.standing.known_at)
    (sheet,) = [one for one in read_workbook(content) if one.name == "清单上限"]
    shown = set(sheet.cells.values())
    assert {"第 1.1 项 单一资产 SZA-2022", "第 1.1 项 单一资产 SZA-2023", "超限", "未超限"} <= shown
    assert [(str(one.held_cny), str(one.share.after_ratio)) for one in found.schedule_shares] == [
        ("2340000.00", "0.3691"), ("4000000.00", "0.6310"),
    ]  # fmt: skip


def test_the_last_coverage_is_found_however_long_the_history(desk_sessions: Sessions, desk: Desk) -> None:
    """The day's last revision, not a later day's: three rows of one pledge, looked at from two days."""
    with desk_sessions.begin() as session:
        _filled(session, desk)
        first = service.latest_coverages(session, desk.maker, standing=desk.standing)
        (pledge_id,) = [one.id for one in service.pledges_of(session, desk.maker) if one.code == "P1"]
        row = session.exec(select(CoverageRow).where(CoverageRow.pledge_id == pledge_id)).one()
        told = row.model_dump()
        for number, (day, revision) in enumerate(((TODAY, 1), (date(2025, 7, 1), 0))):
            session.add(
                CoverageRow(
                    **{
                        **told,
                        "id": f"c{number}",
                        "business_date": day,
                        "revision": revision,
                        "inputs_digest": f"other-{number}",
                    }
                )
            )
        session.flush()
        again = service.latest_coverages(session, desk.maker, standing=desk.standing)
        asked = service.latest_coverages(session, desk.maker, standing=desk.standing, pledge_ids=[pledge_id])
    assert (first[pledge_id].revision, again[pledge_id].revision) == (0, 1)
    assert again[pledge_id].business_date == TODAY
    assert (set(asked), len(again)) == ({pledge_id}, 3)
