"""Limits of concentration inside schedules held against the bank's own repos; figures by hand.

Ten thousand tonnes of SZA-2024 at 41.00 are 410,000 beside 6,340,000 of SZA pledged: 6.08% of 6,750,000, rounded up.
"""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict
from carbonfin.kernel.units import Currency
from carbonfin.storage.decisions import load_decision, replay_decision
from carbonfin.storage.engine import Sessions
from collateral import service
from collateral.calc.agreements import OWN_ROLE_ZH
from collateral.calc.repo_event_values import RepoEventDraft, RepoEventKind
from collateral.service import DECISION_KINDS, RepoContract, RepoPreview
from collateral.service import repo_events as life
from tests.app.worlds import PAGE, form_token
from tests.collateral.desk import ENTERPRISES, Desk, repo_r1
from tests.collateral.test_book_limits import limited, rule, told
from tests.collateral.test_edges import Edge, client_of, edge, signed_in
from tests.collateral.test_eligibility_schedules import put_in_force
from tests.collateral.test_repo_contracts import contract, decide, opened

__all__ = ["edge"]

B = Unit.parse("SZA-2024")
ABOVE = (
    "担保品清单 S1 第 1 条（品种或指数为 SZA）单一资产：SZA-2024 占该清单合格的全部存续押品（质押与回购）市值 6.08%，"
    "超过集中度上限 6.00%"
)


def own(desk: Desk) -> RepoContract:
    given = contract(desk, Currency.CNY, "200000.00")
    return replace(given, bank_role="principal", unit=B, quantity_t=10_000)


def in_force(sessions: Sessions, desk: Desk, *limits: tuple[str, str, bool, str]) -> None:
    put_in_force(sessions, desk, json.dumps({"criteria": [rule("SZA", *limits)]}))


def weighed(sessions: Sessions, desk: Desk, given: RepoContract) -> RepoPreview:
    with sessions.read() as session:
        return service.preview_repo(session, desk.maker, given, standing=desk.standing)


def test_a_start_above_a_schedules_limit_is_refused_with_criterion_base_share_and_limit(
    desk_sessions: Sessions, desk: Desk
) -> None:
    limited(desk_sessions, desk)
    in_force(desk_sessions, desk, ("ASSET", "0.06", True, ""))
    found = weighed(desk_sessions, desk, own(desk)).start
    assert [(one.code, one.zh) for one in found.refusals or ()] == [("concentration-above-limit", ABOVE)]
    assert found.book is not None
    assert told(found.book.shares) == [("schedule_S1_1_1_SZA-2024", "0.0000", "0.0608", "0.06", True)]
    figures = {one.name: one for one in found.trace}
    assert figures["book_admitted_schedule_S1_1_1_SZA-2024"].value == "6340000.00"
    assert "this repo" in (figures["concentration_schedule_S1_1_1_SZA-2024"].formula or "")
    with desk_sessions.begin() as session, pytest.raises(Conflict, match=r"6\.08% .* above the limit of 6\.00%"):
        service.propose_repo(session, desk.maker, own(desk), standing=desk.standing, reason="合同")
    arranged = replace(own(desk), bank_role="arranger")
    assert weighed(desk_sessions, desk, arranged).start.refusals is None, "another's security"


def test_a_start_within_it_keeps_the_shares_and_what_comes_next_counts_them(
    desk_sessions: Sessions, desk: Desk
) -> None:
    """9,756 t more are 399,996: with the first 410,000 they are 809,996 of 7,149,996, 11.33%."""
    limited(desk_sessions, desk)
    in_force(desk_sessions, desk, ("ASSET", "0.07", True, ""))
    repo = opened(desk_sessions, desk, own(desk))
    with desk_sessions.read() as session:
        record = load_decision(session, desk.maker, repo.start_decision_id)
        assert replay_decision(session, DECISION_KINDS, record.id).same
    assert [one["after_ratio"] for one in record.outputs["book"]["shares"]] == ["0.0608"]
    second = replace(own(desk), code="R9", quantity_t=9_756)
    (refusal,) = weighed(desk_sessions, desk, second).start.refusals or ()
    assert "11.33%" in refusal.zh


@pytest.mark.parametrize(("upper", "inclusive", "refused"), [
    ("410000", True, False), ("410000", False, True), ("409999.99", True, True),
])  # fmt: skip
def test_an_amount_is_held_exactly_in_an_empty_book(
    desk_sessions: Sessions, desk: Desk, upper: str, *, inclusive: bool, refused: bool
) -> None:
    in_force(desk_sessions, desk, ("ASSET", upper, inclusive, "CNY"))
    assert bool(weighed(desk_sessions, desk, own(desk)).start.refusals) is refused


def test_what_is_not_measured_and_the_banks_own_limits_are_said(desk_sessions: Sessions, desk: Desk) -> None:
    limited(desk_sessions, desk, scheme="0.64")
    in_force(desk_sessions, desk, ("MARKET_CAPITALISATION", "0.5", True, ""))
    found = weighed(desk_sessions, desk, own(desk)).start
    assert (found.refusals, found.book is not None) == (None, True)
    assert found.book is not None
    assert [one.code for one in found.book.notes] == ["concentration-above-limit", "concentration-not-measured"]
    assert "MARKET_CAPITALISATION ≤ 0.5 未计量" in found.book.notes[1].zh


def test_a_limit_that_came_meanwhile_refuses_the_start(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        waiting = service.propose_repo(session, desk.maker, own(desk), standing=desk.standing, reason="合同")
    in_force(desk_sessions, desk, ("ASSET", "0.06", True, ""))
    with desk_sessions.begin() as session, pytest.raises(Conflict, match=r"100\.00% .* above the limit"):
        decide(session, desk, waiting.id, by="checker")


def running(sessions: Sessions, desk: Desk, **terms: Any) -> str:
    """Open R1 as the bank's own: 100,000 t of SZA-2023 at 40.00 are 4,000,000."""
    given = repo_r1(desk)
    with sessions.begin() as session:
        draft = replace(given, bank_role=OWN_ROLE_ZH, terms=replace(given.terms, **terms))
        return service.open_repo(session, desk.maker, draft, standing=desk.standing).id


def held_against(sessions: Sessions, desk: Desk, repo_id: str, kind: RepoEventKind, **fields: Any) -> list[str]:
    """Weigh and propose an event; give the codes against it."""
    asked = RepoEventDraft(kind=kind, reason="双方书面同意", **fields)
    with sessions.read() as session:
        found = life.preview_repo_event(session, desk.maker, repo_id, asked, standing=desk.standing)
    if found.refusals:
        with sessions.begin() as session, pytest.raises(Conflict, match="above the limit"):
            life.propose_repo_event(session, desk.maker, repo_id, asked, standing=desk.standing)
    return [one.code for one in found.refusals]


@pytest.mark.parametrize(("upper", "codes"), [("4232400", []), ("4232399.99", ["concentration-above-limit"])])
def test_an_adjustment_that_takes_units_in_is_held_to_the_limit(
    desk_sessions: Sessions, desk: Desk, upper: str, codes: list[str]
) -> None:
    """2,200,831.14 CNY owed by 20.80 a tonne asks for 105,810 t: 4,232,400."""
    repo_id = running(desk_sessions, desk)
    in_force(desk_sessions, desk, ("ASSET", upper, True, "CNY"))
    assert held_against(desk_sessions, desk, repo_id, RepoEventKind.ADJUST) == codes


@pytest.mark.parametrize(("limit", "codes"), [
    (("ASSET", "4232388.99", True, "CNY"), ["concentration-above-limit"]), (("ASSET", "4232389", True, "CNY"), []),
    (("ISSUER", "0.5", True, ""), []), (("ASSET", "0.5", True, ""), ["concentration-above-limit"]),
])  # fmt: skip
def test_a_substitution_is_held_to_the_limit_and_what_it_does_not_increase_stays(
    desk_sessions: Sessions, desk: Desk, limit: tuple[str, str, bool, str], codes: list[str]
) -> None:
    """103,229 t of SZA-2024 at 41.00 are 4,232,389; SZA is the whole before and after."""
    repo_id = running(desk_sessions, desk)
    in_force(desk_sessions, desk, limit)
    assert held_against(desk_sessions, desk, repo_id, RepoEventKind.SUBSTITUTE, unit=B) == codes


def test_a_roll_takes_the_units_in_anew(desk_sessions: Sessions, desk: Desk) -> None:
    repo_id = running(
        desk_sessions, desk, currency=Currency.CNH, repurchase_date=date(2025, 6, 30),
        purchase_price_amount=Decimal("2000000.00"),
    )  # fmt: skip
    asked = RepoEventDraft(
        kind=RepoEventKind.ROLL, reason="双方书面同意", code="R3", repurchase_date=date(2025, 7, 30),
        rate=Decimal("0.0400"), purchase_price_amount=Decimal("2050000.00"),
    )  # fmt: skip
    with desk_sessions.begin() as session:
        waiting = life.propose_repo_event(session, desk.maker, repo_id, asked, standing=desk.standing)
    in_force(desk_sessions, desk, ("ASSET", "3999999.99", True, "CNY"))
    with desk_sessions.read() as session:
        found = life.preview_repo_event(session, desk.maker, repo_id, asked, standing=desk.standing)
    assert [one.code for one in found.refusals] == ["concentration-above-limit"]
    assert "市值 4,000,000.00 元，超过集中度上限 3,999,999.99 元" in found.refusals[0].zh
    with desk_sessions.begin() as session, pytest.raises(Conflict, match="above the limit"):
        decide(session, desk, waiting.id, by="checker")


def test_an_excluded_unit_is_not_rolled(desk_sessions: Sessions, desk: Desk) -> None:
    repo_id = running(desk_sessions, desk, repurchase_date=date(2025, 6, 30))
    put_in_force(desk_sessions, desk, json.dumps({"criteria": [rule("CEA")]}))
    asked = RepoEventDraft(
        kind=RepoEventKind.ROLL, reason="双方书面同意", code="R3", repurchase_date=date(2025, 7, 30),
        rate=Decimal("0.0400"), purchase_price_amount=Decimal("2000000.00"),
    )  # fmt: skip
    with desk_sessions.read() as session:
        found = life.preview_repo_event(session, desk.maker, repo_id, asked, standing=desk.standing)
    assert "not-eligible-by-schedule" in [one.code for one in found.refusals]


def test_api_and_pages_show_share_limit_and_base(edge: Edge) -> None:
    limited(edge.sessions, edge.desk)
    in_force(edge.sessions, edge.desk, ("ASSET", "0.06", True, ""), ("MARKET_CAPITALISATION", "0.5", True, ""))
    form = {
        "action": "preview", "code": "R2", "seller": ENTERPRISES["E5"][1], "buyer": "0000EXAMPLEHK0000098",
        "bank_role": "principal", "unit": "SZA-2024", "quantity_t": "10000", "currency": "CNY", "rate": "0.036",
        "purchase_price_amount": "200000.00", "purchase_date": "2025-06-30", "repurchase_date": "2025-07-30",
        "method": "B", "settlement": "DvP",
    }  # fmt: skip
    with signed_in(edge) as client:
        token = form_token(client.get("/repos/new", headers=PAGE).text)
        shown = client.post("/repos/new", data=form | {"_csrf_token": token}, headers=PAGE).text
    for words in (
        ABOVE,
        "押品集中度",
        "基数：该清单合格的全部存续押品（质押与回购）",
        "MARKET_CAPITALISATION ≤ 0.5 未计量",
    ):
        assert words in shown, words
    body = {key: value for key, value in form.items() if key != "action"} | {"quantity_t": 10_000, "reason": "合同"}
    told_back = client_of(edge).post("/v1/repos/previews", json=body).json()
    assert [(one["after_ratio"], one["is_above"]) for one in told_back["shares"]] == [("0.0608", True)]
    assert [one["code"] for one in told_back["notes"]] == ["concentration-not-measured"]
    assert [one["code"] for one in told_back["refusals"]] == ["concentration-above-limit"]
