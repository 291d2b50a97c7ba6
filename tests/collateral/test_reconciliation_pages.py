"""What people and systems are shown of a reconciliation, and what they take away."""

import csv
import io
from datetime import UTC, date, datetime

import pytest

from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.actors import Role
from carbonfin.kernel.allowances import Unit
from carbonfin.rules.parameters import Grade, ParameterValue
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import actor_of, people_of, standing_of
from carbonfin.storage.rulebook import enter_parameter
from collateral import service
from collateral.calc.schedule_verdicts import compact_schedule
from collateral.registries.port import AgreementFreeze, RegistryStatement, UnitFreeze
from collateral.service.eligibility_schedules import ELIGIBILITY_SCHEDULE
from tests.app.worlds import PAGE, World, build_world, keyed_client, signed_in
from tests.collateral.desk import CLOCK
from tests.collateral.test_eligibility_schedules import TEXT

ADDRESS = "/registry/reconciliations"


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    """A bank whose ledger has 900 t, of which the registry states 880 t, and a freeze the ledger knows nothing of."""
    world = build_world(sqlite_sessions, packages=PACKAGES)
    unit = Unit.parse("CEA-2023")
    with sqlite_sessions.begin() as session:
        standing = standing_of(session, world.officer.organization_id, CLOCK)
        service.record_holding(
            session, world.officer, world.party_id, unit, quantity_t=900, standing=standing, cause="登记证明"
        )
        (held,) = service.holdings_of(session, world.officer, world.party_id)
        statement = RegistryStatement(
            frozen=(AgreementFreeze(account_id="X-9", unit="SZA-2024", agreement_code="P9", quantity_t=7),),
            held=(UnitFreeze(account_id=held.account_id, unit="CEA-2023", quantity_t=880),),
        )
        service.record_reconciliation(session, world.officer, statement, standing=standing)
    return world


def test_the_page_names_each_difference_with_both_figures_and_what_to_do(world: World) -> None:
    with signed_in(world) as client:
        text = client.get(ADDRESS, headers=PAGE).text
        english = client.get(f"{ADDRESS}?lang=en", headers=PAGE).text
        desk = client.get("/pledges?lang=zh", headers=PAGE).text
    assert all(part in text for part in ("登记机构冻结多于台账占用", "X-9", "P9", "持有量不一致", "示例服饰"))
    assert all(part in text for part in ("900", "880", "-20", "取得登记机构持仓证明"))
    assert "Frozen there beyond what is bound here" in english
    assert f'href="{ADDRESS}"' in desk


def test_the_desk_is_shown_where_a_schedule_cannot_be_measured(world: World) -> None:
    """The bank of these tests has no calendar; a schedule that cannot be measured is no schedule that is kept."""
    with world.sessions.begin() as session:
        people = people_of(session, world.officer.organization_id)
        checker = next(actor_of(session, one.id) for one in people if one.role is Role.CHECKER)
        schedule = ParameterValue(
            key=ELIGIBILITY_SCHEDULE, scope="S1", value=compact_schedule(TEXT), unit="text", valid_from=date(2025, 1, 1),
            valid_to=None, known_from=date(2025, 1, 1), document="示例押品办法", article="", grade=Grade.SAMPLE,
            confirmed=True, approved_by=(), note="", title_zh="担保品清单", title_en="schedule",
        )  # fmt: skip
        enter_parameter(session, world.officer, checker, schedule, reason="新设", at=datetime(2025, 6, 1, tzinfo=UTC))
    with signed_in(world) as client:
        desk = client.get("/pledges?lang=zh", headers=PAGE)
    assert desk.status_code == 200
    assert "清单内上限无法计算：2025-06-30 尚无已知的节假日安排" in desk.text


def test_the_csv_and_the_list_say_the_same(world: World) -> None:
    with signed_in(world) as client:
        text = client.get(f"{ADDRESS}/export/csv", headers=PAGE).content.decode("utf-8-sig")
        assert client.get(f"{ADDRESS}/export/xlsx", headers=PAGE).content[:2] == b"PK"
        assert client.get(f"{ADDRESS}/export/pdf", headers=PAGE).status_code == 422
    lines = [line for line in csv.reader(io.StringIO(text)) if "P9" in line or "900" in line]
    assert [line[-1] for line in lines] == [
        "核对合同；属本行多冻的申请解冻，属司法冻结的登记占用。",
        "取得登记机构持仓证明，按证明补记持有量变动。",
    ]
    with keyed_client(world) as client:
        (found,) = client.get("/v1/registry/reconciliations").json()["reconciliations"]
    assert [(one["kind"], one["ledger_t"], one["registry_t"], one["age_days"]) for one in found["differences"]] == [
        ("frozen_not_bound", 0, 7, 0),
        ("holding", 900, 880, 0),
    ]


def test_another_bank_is_shown_nothing(world: World) -> None:
    with keyed_client(world, "other") as client:
        assert client.get("/v1/registry/reconciliations").json() == {"reconciliations": []}
    with signed_in(world, "other-officer") as client:
        assert "还没有对账记录" in client.get(ADDRESS, headers=PAGE).text
        assert client.get(f"{ADDRESS}/export/csv", headers=PAGE).status_code == 404
