"""What if prices fell, at the application and the appraisal of a pledge; figures worked out by hand.

10,000 t of SZA-2023 at 40.00 and 10,000 t of SZA-2024 at 41.00, haircut 0.50, behind 300,000.00: 200,000.00 + 205,000.00.
A tenth lower 36.00 and 36.90: 180,000.00 + 184,500.00; three tenths lower 28.00 and 28.70: 140,000.00 + 143,500.00, which
is 0.945 of the debt: below the warning line of 0.95. One vintage alone is less than the disposal line of 0.85.
"""

from dataclasses import replace
from datetime import date

from carbonfin.storage.decisions import replay_decision
from carbonfin.storage.engine import Sessions
from collateral import service
from collateral.calc.appraisal import decide_appraisal
from collateral.calc.what_if import Scenario
from collateral.service.appraisals import appraisal_inputs
from collateral.service.pledge_haircuts import PolicyHaircuts
from collateral.service.pledges import appraisal_of
from tests.app.worlds import PAGE, form_token
from tests.collateral.desk import ENTERPRISES, Desk, draft
from tests.collateral.test_edges import Edge, edge, signed_in

__all__ = ["edge"]
EXPECTED = [
    ("price_fall_10", "364500.00", "1.2150", "covered"), ("price_fall_30", "283500.00", "0.9450", "warning"),
    ("worthless_SZA-2023", "205000.00", "0.6833", "disposal"), ("worthless_SZA-2024", "200000.00", "0.6666", "disposal"),
]  # fmt: skip


def shown(scenarios: tuple[Scenario, ...] | None) -> list[tuple[str, str, str, str]]:
    return [
        (one.name, str(one.collateral_value_cny), f"{one.coverage_ratio}"[:6], str(one.level))
        for one in scenarios or ()
    ]  # fmt: skip


def test_an_application_is_tried_at_lower_prices_and_the_appraisal_keeps_it(
    desk_sessions: Sessions, desk: Desk
) -> None:
    asked = draft(
        desk, "W1", "E3", {"SZA-2023": 10000, "SZA-2024": 10000}, principal="300000.00", end=date(2025, 12, 12)
    )
    with desk_sessions.begin() as session:
        tried = service.appraise_what_if(session, desk.maker, asked, standing=desk.standing)
        assert shown(tried.scenarios) == EXPECTED
        pledge = service.apply_for_pledge(session, desk.maker, asked, standing=desk.standing)
        pledge = service.appraise_pledge(session, desk.maker, pledge.id, standing=desk.standing)
        kept = appraisal_of(session, desk.maker, pledge)
        assert kept is not None
        assert shown(kept.scenarios) == EXPECTED
        assert pledge.appraisal_id is not None
        assert replay_decision(session, service.DECISION_KINDS, pledge.appraisal_id).same
        names = {figure.name for figure in kept.trace}
        assert {name for name, *_ in EXPECTED} <= names, "each is in the trace"


def test_an_appraisal_made_before_there_was_a_what_if_replays_without(desk_sessions: Sessions, desk: Desk) -> None:
    asked = draft(desk, "W2", "E3", {"SZA-2024": 10000}, principal="100000.00", end=date(2025, 12, 12))
    with desk_sessions.read() as session:
        view = service.desk_view(session, desk.standing)
        haircuts = PolicyHaircuts.read(session, desk.maker, view, keeps=False)
        inputs = appraisal_inputs(session, desk.maker, asked, haircuts)
    before = decide_appraisal(replace(inputs, has_what_if=None))
    assert before.scenarios is None
    assert not {figure.name for figure in before.trace} & {"price_fall_10", "worthless_SZA-2024"}
    assert before == replace(decide_appraisal(inputs), scenarios=None, trace=before.trace), "nothing else differs"


def test_the_wizard_and_the_page_of_what_waits_show_it(edge: Edge) -> None:
    form = {
        "action": "appraise", "code": "W3", "pledgor": ENTERPRISES["E5"][1], "unit_1": "SZA-2024",
        "quantity_1": "10000", "principal_cny": "100000.00", "end_date": "2025-12-12",
    }  # fmt: skip
    with signed_in(edge) as client:
        token = form_token(client.get("/pledges/new", headers=PAGE).text)
        tried = client.post("/pledges/new", data=form | {"_csrf_token": token}, headers=PAGE)
        assert tried.status_code == 200
        assert all(text in tried.text for text in ("价格下跌 30%", "143,500.00", "SZA-2024 价值归零"))
        kept = client.post("/pledges/new", data=form | {"_csrf_token": token, "action": "apply"}, headers=PAGE)
        assert "评估时的压力试算" in kept.text
        assert "143,500.00" in kept.text
