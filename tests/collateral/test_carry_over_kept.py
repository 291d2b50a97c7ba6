"""Carry-over kept: what was granted counts in the later year's position, newest vintage first, and nothing else does."""

from dataclasses import replace
from datetime import date

from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.allowances import Scheme
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rulebook import enter_parameter
from collateral import service
from collateral.service import CarryOverDraft, CompliancePosition
from collateral.service.carry_over import carried_units
from collateral.store import ledger
from tests.app.worlds import PAGE, build_world, form_token, keyed_client, signed_in
from tests.collateral.desk import CLOCK, Desk
from tests.collateral.world import TODAY, parameter

DRAFT = CarryOverDraft(
    scheme=Scheme.CEA, sold_t=17_001, bought_t=10_000, registry_t=620_000, trading_t=0, judicially_frozen_t=0,
    submitted_t=0, is_late=False, applies_on=date(2025, 6, 30), source="登记簿", granted_t=None, granted_source="",
)  # fmt: skip


def test_only_the_grant_reaches_the_position_of_a_later_year(desk_sessions: Sessions, desk: Desk) -> None:
    """10,000 + floor(7,001 x 1.5) = 20,501: without a grant 0 of 620,000 t may serve 2025; granted, 20,501 may."""
    party_id = desk.parties["E1"]
    later = CompliancePosition(
        party_id=party_id, scheme=Scheme.CEA, compliance_year=2025, emissions_t=30_000, emissions_source="预测（示例）",
        allocation_t=None, issued_t=None, true_up_expected_t=0, true_up_source="—", unconfirmed="", known_from=TODAY,
    )  # fmt: skip
    usable = []
    deadline = parameter("pricing.surrender_date", "2026-12-31", scope="CEA-2025", unit="date")
    with desk_sessions.begin() as session:
        enter_parameter(session, desk.maker, desk.checker, deadline, reason="样例", at=CLOCK.now())
        service.record_compliance_position(session, desk.maker, later, standing=desk.standing)
        for granted_t in (None, 20_501, 10**6):
            draft = replace(DRAFT, granted_t=granted_t, granted_source="" if granted_t is None else "批准通知")
            kept = service.record_carry_over(session, desk.maker, party_id, draft, standing=desk.standing)
            assert (kept.outcome.carried_t, kept.outcome.lapsing_t) == (20_501, 599_499)
            (position,) = service.positions_of(session, desk.maker, party_id, standing=desk.standing)
            usable.append({year.compliance_year: year.usable_t for year in position.outcome.years}[2025])
        view = service.desk_view(session, desk.standing)
        positions = ledger.positions_of(session, desk.maker, party_id=party_id)
        carried = dict(
            zip(
                (str(one.unit) for one in positions),
                carried_units(session, desk.maker, party_id, view, positions),
                strict=True,
            )
        )
    assert usable == [0, 20_501, 20_501]
    assert carried == {"CCER": 0, "CEA-2023": 0, "CEA-2024": 20_501}


def test_the_page_calculates_and_keeps_and_another_bank_sees_nothing(sqlite_sessions: Sessions) -> None:
    world = build_world(sqlite_sessions, packages=PACKAGES)
    address = f"/compliance/{world.party_id}/carry-over"
    with signed_in(world) as client:
        text = client.get(address, headers=PAGE).text
        assert all(word in text for word in ("10,000", "1.5", "附件5", "2026-06-10"))
        typed = {
            "sold_t": "17,001", "bought_t": "10,000", "registry_t": "60,000", "trading_t": "0",
            "judicially_frozen_t": "0", "submitted_t": "0", "applies_on": "2026-06-10", "source": "登记簿",
            "action": "preview", "_csrf_token": form_token(text),
        }  # fmt: skip
        unsaid = client.post(address, data=typed, headers=PAGE)
        assert (unsaid.status_code, "请选择是否有年度未按时履约" in unsaid.text) == (422, True)
        blank = client.post(address, data={**typed, "is_late": "no", "bought_t": ""}, headers=PAGE)
        assert (blank.status_code, "请填写整数吨" in blank.text) == (422, True)
        said = client.post(address, data={**typed, "is_late": "no"}, headers=PAGE)
        assert (said.status_code, "20,501" in said.text) == (200, True)
    with signed_in(world, "other-officer") as client:
        assert client.get(address, headers=PAGE).status_code == 404
    body = {
        "sold_t": 17001, "bought_t": 10000, "registry_t": 60000, "trading_t": 0, "judicially_frozen_t": 0,
        "submitted_t": 0, "is_late": False, "applies_on": "2026-06-10", "source": "登记簿",
    }  # fmt: skip
    route = f"/v1/parties/{world.party_id}/carry-over"
    with keyed_client(world) as client:
        kept = client.post(route, json=body, headers={"Idempotency-Key": "a"}).json()
        late = client.post(route, json={**body, "applies_on": "2026-06-11", "record": False},
                           headers={"Idempotency-Key": "b"}).json()  # fmt: skip
        listed = client.get(route).json()["carry_overs"]
    assert (kept["carried_t"], kept["counted_t"], late["carried_t"], late["decision_id"]) == (20501, 0, 0, None)
    assert [one["decision_id"] for one in listed] == [kept["decision_id"]]
    with keyed_client(world, "other") as client:
        assert client.get(route).status_code == 404
