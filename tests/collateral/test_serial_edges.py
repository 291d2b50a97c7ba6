"""Serial ranges where readers meet them: the API, the pledge's page, the register with its workbook."""

from datetime import date

import pytest

from carbonfin.app.packages import PACKAGES
from carbonfin.documents.workbooks import read_workbook
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.parties import PartyKind
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import PartyDraft, save_party
from collateral import service
from collateral.calc.agreements import UnitQuantity
from collateral.calc.serials import SerialRange
from collateral.schemas.register import RegisterLineOut
from collateral.service import ledger
from collateral.workbooks import register_workbook
from tests.app.worlds import World, build_world, keyed_client
from tests.collateral.desk import Desk, draft

CCER = Unit.parse("CCER")
HELD = SerialRange(registry="CCER", kind="CCER-2024-0001", first=5001, last=9000)
BODY = {
    "unit": "EUA-2024", "quantity_t": 100, "source": "登记簿对账单",
    "serials": [{"registry": "EU", "kind": "DE", "first": 1001, "last": 1100}],
}  # fmt: skip


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    return build_world(sqlite_sessions, packages=PACKAGES)


def test_a_holding_is_stated_with_its_numbers_over_the_api(world: World, sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        party = save_party(
            session, world.officer,
            PartyDraft(
                kind=PartyKind.ENTERPRISE, name="示例企业", usci="91440300EXAMPLE2XB", lei=None, industry=None,
                district=None, scheme=None, key_emitter=None, is_sample=True,
            ),
        )  # fmt: skip
    address, keys = f"/v1/parties/{party.id}/holdings", iter(range(100))

    def post(**changed: object) -> tuple[int, dict[str, object]]:
        answer = client.post(address, json={**BODY, **changed}, headers={"Idempotency-Key": f"key-{next(keys):04d}"})
        return answer.status_code, answer.json()

    with keyed_client(world) as client:
        status, body = post()
        assert (status, body["holdings"]) == (201, [{
            "unit": "EUA-2024", "total_t": 100, "pending_t": 0, "locked_t": 0, "free_t": 100,
            "serials": [{"registry": "EU", "kind": "DE", "first": 1001, "last": 1100, "quantity_t": 100}],
            "free_serials": [{"registry": "EU", "kind": "DE", "first": 1001, "last": 1100, "quantity_t": 100}],
        }])  # fmt: skip
        assert post()[0] == 201
        for changed, status, words in (
            ({"quantity_t": 99}, 422, "serial ranges hold 100 t, the quantity is 99 t"),
            ({"serials": BODY["serials"] * 2, "quantity_t": 200}, 409, "overlap in 1001 to 1100"),
            ({"serials": [], "quantity_t": 50}, 422, "EU/DE:1001-1100"),
            ({"unit": "CEA-2024"}, 422, "CEA-2024 carries no serial numbers"),
            ({"serials": [{"registry": "EU", "kind": "DE", "first": 9, "last": 1}]}, 422, "9 to 1"),
            ({"serials": [{"registry": "EU", "kind": "D|E", "first": 1, "last": 9}]}, 400, "kind"),
        ):
            told = post(**changed)
            assert (told[0], words in str(told[1])) == (status, True), told
        assert len(client.get(address).json()["holdings"]) == 1
        assert client.get("/v1/parties/nobody/holdings").status_code == 404


def _pledged(sessions: Sessions, desk: Desk) -> str:
    with sessions.begin() as session:
        party_id = desk.parties["E3"]
        service.record_holding(
            session, desk.maker, party_id, CCER, quantity_t=4000, standing=desk.standing, cause="t", serials=(HELD,)
        )
        units = UnitQuantity(unit=CCER, quantity_t=1500)
        pledge = service.apply_for_pledge(
            session, desk.maker,
            draft(desk, "S1", "E3", {"CCER": 1500}, principal="1.00", end=date(2025, 12, 12)), standing=desk.standing,
        )  # fmt: skip
        ledger.reserve(
            session, desk.maker, agreement_code="S1", pledge_id=pledge.id, party_id=party_id, units=(units,),
            standing=desk.standing, cause="t",
        )  # fmt: skip
        return pledge.id


def test_the_register_and_its_workbook_name_the_numbers(desk_sessions: Sessions, desk: Desk) -> None:
    pledge_id = _pledged(desk_sessions, desk)
    with desk_sessions.read() as session:
        found = service.collateral_register(session, desk.maker, standing=desk.standing)
        ((held, ranges),) = service.locked_serials(session, desk.maker, pledge_id=pledge_id)
    assert (held.state, [str(one) for one in ranges]) == ("PENDING", ["CCER/CCER-2024-0001:5001-6500"])
    (line,) = [line for one in found.pledges if one.pledge.code == "S1" for line in one.lines]
    assert [str(one) for one in line.serials] == ["CCER/CCER-2024-0001:5001-6500"]
    (shown,) = [one for pledge in found.pledges for one in RegisterLineOut.all_of(pledge) if one.agreement_code == "S1"]
    assert shown.serials == ["CCER/CCER-2024-0001:5001-6500"]
    content = register_workbook(found, created_at=desk.standing.known_at)
    (sheet,) = [one for one in read_workbook(content) if one.name == "押品台账"]
    assert "CCER/CCER-2024-0001:5001-6500" in set(sheet.cells.values())
