"""Haircut policies under four eyes by both dates, haircuts by them through API, page and command, and their replay."""

import json
import math
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from carbonfin.app.approvals.kinds import APPROVAL_KINDS
from carbonfin.app.approvals.words import payload_rows
from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.errors import InvalidInput, NotApplicable, NotFound, NotPermitted
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer, Approval
from carbonfin.storage.calendars import import_builtin_calendars
from carbonfin.storage.decisions import replay_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import DayState, roll_business_date
from collateral.calc.haircut_policies import POLICY_NAMES, HaircutPolicy, nested_payload, policy_payload
from collateral.schemas.haircuts import HaircutPolicyIn
from collateral.service import DECISION_KINDS, computed_haircuts, haircut_policies
from collateral.service.computed_haircuts import HaircutRequest
from collateral.store.haircut_policies import policy_of_payload
from pricing.service import import_builtin_market, import_price_file
from tests.app.worlds import PAGE, World, build_world, form_token, keyed_client, signed_in
from tests.collateral.desk import Desk, build_desk
from tests.collateral.haircut_stacks import POLICY_BODY
from tests.collateral.world import TODAY

HAIRCUT = {"policy": "SZA-2024-A", "unit": "SZA-2024", "quantity_t": 50_000, "ends_on": "2025-12-31"}
UNITS = {"emissions_t": 1_000_000, "allocation_t": 990_000, "free_holding_t": 60_000}

METHOD: dict[str, Any] = POLICY_BODY["method"]


def given_policy(**changed: Any) -> HaircutPolicy:
    return msgspec.convert({**POLICY_BODY, **changed}, HaircutPolicyIn).policy()


def proposed(sessions: Sessions, desk: Desk, policy: HaircutPolicy) -> Approval:
    with sessions.begin() as session:
        return haircut_policies.propose_haircut_policy(
            session, desk.maker, policy, standing=desk.standing, reason="新设"
        )


def decided(sessions: Sessions, desk: Desk, waiting: Approval) -> None:
    with sessions.begin() as session:
        approvals.approve(
            session, desk.checker, waiting.id, kinds=APPROVAL_KINDS, answer=Answer(reason="同意"),
            at=desk.standing.known_at, business_date=desk.standing.business_date,
        )  # fmt: skip


def test_a_policy_survives_the_payload_two_people_sign_and_each_value_has_its_words() -> None:
    plain = {**POLICY_BODY["method"], "components": [], "jumps": None, "wrong_way": None}
    targeted = {**METHOD, "jumps": {**METHOD["jumps"], "expected_loss_ratio": "0.0001"}}
    given = given_policy(method=targeted)
    assert policy_payload(given)["jump_expected_loss_ratio"] == "0.0001"
    assert "jump_expected_loss_ratio" not in policy_payload(given_policy()), "an older policy reads as it was signed"
    for policy in (given, given_policy(), given_policy(method=plain, first_vintage=None, last_vintage=None)):
        payload = policy_payload(policy)
        assert set(payload) <= set(POLICY_NAMES)
        assert policy_of_payload(json.loads(json.dumps(payload))) == policy
        assert nested_payload(payload)["method"]["tail_ratio"] == "0.01"


def test_a_policy_holds_when_another_person_approved_it_by_both_dates(sessions: Sessions) -> None:
    """Valid from its own day, known from its approval; a second revision leaves the first as it was known."""
    with sessions.begin() as session:
        desk = build_desk(session)
    first = given_policy()
    waiting = proposed(sessions, desk, first)
    with sessions.begin() as session, pytest.raises(NotPermitted):
        approvals.approve(
            session, desk.maker, waiting.id, kinds=APPROVAL_KINDS, answer=Answer(reason="同意"),
            at=desk.standing.known_at, business_date=TODAY,
        )  # fmt: skip
    with sessions.read() as session:
        with pytest.raises(NotFound):
            haircut_policies.haircut_policy_in_force(session, desk.maker, first.code, standing=desk.standing)
        found = haircut_policies.waiting_haircut_policy(session, desk.maker, first.code)
        assert found is not None
        shown = {name.zh: value for name, value in payload_rows(found)}
    assert (shown["抵质押率上限"], shown["折扣系数下限"], shown["年跳跃次数"]) == ("0.60", "0.20", "6")
    decided(sessions, desk, waiting)
    later = replace(first, pledge_ratio_max=Decimal("0.50"), valid_from=TODAY + timedelta(days=10))
    tomorrow = TODAY + timedelta(days=1)
    with sessions.begin() as session:
        roll_business_date(session, desk.maker.organization_id, expected=TODAY, to=tomorrow, state=DayState.OPEN)
    decided(sessions, desk, proposed(sessions, desk, later))
    with sessions.read() as session:

        def held(on: date, known_days: int) -> dict[str, Decimal]:
            at = desk.standing.known_at + timedelta(days=known_days)
            records = haircut_policies.haircut_policies(session, desk.maker, valid_on=on, known_at=at)
            return {one.name: one.policy.pledge_ratio_max for one in records}

        one, two = {"SZA-2024-A 第1版": Decimal("0.60")}, {"SZA-2024-A 第2版": Decimal("0.50")}
        assert held(TODAY, 2) == one
        assert held(TODAY + timedelta(days=10), 2) == two
        assert held(TODAY + timedelta(days=10), 0) == one
        assert held(TODAY - timedelta(days=1), 2) == {}
        assert haircut_policies.haircut_policies(
            session, desk.stranger, valid_on=TODAY, known_at=desk.standing.known_at + timedelta(days=2)
        ) == ()  # fmt: skip


def test_a_policy_names_its_version_of_the_stack_rule_and_a_new_one_takes_the_newest() -> None:
    method = {name: value for name, value in POLICY_BODY["method"].items() if name != "stack_version"}
    newest = given_policy(method=method)
    assert (given_policy().method.stack_version, newest.method.stack_version) == (1, 2)
    assert policy_of_payload(policy_payload(newest)) == newest
    before = {name: value for name, value in policy_payload(newest).items() if name != "stack_version"}
    assert policy_of_payload(before).method.stack_version is None, "of before there were two: the first"


def test_a_policy_from_before_the_business_date_is_refused(desk_sessions: Sessions, desk: Desk) -> None:
    with pytest.raises(InvalidInput) as refused:
        proposed(desk_sessions, desk, given_policy(valid_from="2025-06-29"))
    assert refused.value.field == "valid_from"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"pledge_ratio_max": "0.71"}, "pledge_ratio_max"),
        ({"pledge_ratio_max": "0"}, "pledge_ratio_max"),
        ({"concentration_ratio": "0"}, "concentration_ratio"),
        ({"first_vintage": 2025}, "first_vintage"),
        ({"review_by": "2025-06-30"}, "review_by"),
        ({"backtest": " "}, "backtest"),
        (
            {"method": {**METHOD, "jumps": {**METHOD["jumps"], "expected_loss_ratio": "0"}}},
            "jump_expected_loss_ratio",
        ),
        ({"method": {**POLICY_BODY["method"], "conservative_ratio": "0.2"}}, "conservative_ratio"),
    ],
)
def test_policies_that_cannot_be_are_refused(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        given_policy(**changed)
    assert refused.value.field == field


def test_a_policy_speaks_of_its_class_until_its_review() -> None:
    policy = given_policy()
    policy.require(Unit.parse("SZA-2023"), TODAY)
    for unit, on in (("SZA-2022", TODAY), ("CEA-2024", TODAY), ("SZA-2024", date(2026, 7, 1))):
        with pytest.raises(NotApplicable):
            policy.require(Unit.parse(unit), on)
    class_of_credits = given_policy(scheme="CCER", first_vintage=None, last_vintage=None)
    assert class_of_credits.covers(Unit.parse("CCER"))


def test_without_quotes_of_the_unit_each_component_is_conservative_and_nothing_is_small(
    desk_sessions: Sessions, desk: Desk
) -> None:
    decided(desk_sessions, desk, proposed(desk_sessions, desk, given_policy()))
    request = HaircutRequest(
        policy="SZA-2024-A", unit=Unit.parse("SZA-2024"), quantity_t=50_000, ends_on=date(2025, 12, 31),
        is_cross_currency=False, borrower=None,
    )  # fmt: skip
    with desk_sessions.begin() as session:
        answer = computed_haircuts.try_haircut(session, desk.maker, request, standing=desk.standing)
        with pytest.raises(InvalidInput, match="before the business date"):
            computed_haircuts.try_haircut(
                session, desk.maker, replace(request, ends_on=date(2025, 6, 1)), standing=desk.standing
            )
    assert answer.outcome.haircut_ratio >= Decimal("0.60")
    assert {one.standing.value for one in answer.outcome.components} >= {"conservative"}


def price_file(*, days: int = 1_400, volume_t: int = 120_000) -> bytes:
    """Make closes of SZA-2024 by day up to the business date, each traded; a made-up series."""
    draw = np.random.default_rng(3)
    closes = [80 * math.exp(level) for level in np.cumsum(draw.normal(0, 0.02, days))]
    rows = ["日期,品种,收盘价,成交量(吨),挂牌成交额(元)"]
    day = date(2025, 6, 30)
    for close in reversed(closes):
        while day.weekday() > 4:
            day -= timedelta(days=1)
        rows.append(f"{day},SZA-2024,{close:.2f},{volume_t},{volume_t * float(f'{close:.2f}'):.2f}")
        day -= timedelta(days=1)
    return "\n".join(rows).encode()


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    made = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        import_builtin_calendars(session)
        import_builtin_market(session)
        report = import_price_file(
            session, made.officer, content=price_file(), file_name="a.csv", exchange="示例交易所", document="示例",
            known_at=end_of_china_day(TODAY), preview=False,
        )  # fmt: skip
        assert not report.failures, report.failures[:3]
    return made


def put_in_force(world: World) -> None:
    with keyed_client(world) as client:
        sent = client.post("/v1/haircut-policies", json=POLICY_BODY, headers={"Idempotency-Key": "p"})
        assert sent.status_code == 202, sent.text
        approval_id = sent.json()["approval_id"]
    with signed_in(world, "checker") as client:
        text = client.get(f"/approvals/{approval_id}", headers=PAGE).text
        assert all(word in text for word in ("抵质押率上限", "示例银行押品管理办法", "错向风险期限"))
        done = client.post(
            f"/approvals/{approval_id}/decision",
            data={"finding": "approve", "reason": "同意", "password": "correct horse battery",
                  "_csrf_token": form_token(text)},
            headers=PAGE,
        )  # fmt: skip
        assert done.status_code < 400, done.text


def test_a_haircut_by_policy_is_kept_replays_and_is_shown(world: World) -> None:
    put_in_force(world)
    with keyed_client(world) as client:
        listed = client.get("/v1/haircut-policies").json()["policies"]
        assert [(one["code"], one["revision"]) for one in listed] == [("SZA-2024-A", 1)]
        made = client.post("/v1/haircuts", json={**HAIRCUT, "borrower": UNITS}, headers={"Idempotency-Key": "h"})
        assert made.status_code == 201, made.text
        found = made.json()
        trial = client.post("/v1/haircuts", json={**HAIRCUT, "record": False}, headers={"Idempotency-Key": "t"}).json()
        other = client.post("/v1/haircuts", json={**HAIRCUT, "unit": "CEA-2024"}, headers={"Idempotency-Key": "o"})
        unknown = client.post("/v1/haircuts", json={**HAIRCUT, "policy": "X"}, headers={"Idempotency-Key": "x"})
    parts = {one["name"]: one for one in found["components"]}
    assert set(parts) >= {
        "table",
        "supervisory",
        "empirical",
        "jump_diffusion",
        "close_out",
        "wrong_way",
        "cliff",
        "floor",
    }
    assert parts["close_out"]["standing"] == parts["jump_diffusion"]["standing"] == "computed", parts["close_out"][
        "reason_en"
    ]
    price = max(
        Decimal(parts[name]["ratio"]) for name in ("table", "supervisory", "empirical", "jump_diffusion", "close_out")
    )
    assert Decimal(found["haircut_ratio"]) == price + Decimal(parts["wrong_way"]["ratio"])
    season = found["season"]
    assert (season["basis"], season["is_confirmed"]) == ("measured", False), "the bank approved no ratio"
    assert "按实测最清淡的 60 个交易日" in season["note_zh"]
    assert "depth_after_surrender" in found["unconfirmed"]
    assert (trial["decision_id"], other.status_code, unknown.status_code) == (None, 422, 404)
    assert {one["name"]: one["ratio"] for one in trial["components"]}["wrong_way"] == "0.1"
    with world.sessions.read() as session:
        replay = replay_decision(session, DECISION_KINDS, found["decision_id"])
    assert replay.same
    with signed_in(world) as client:
        assert "SZA-2024-A" in client.get("/haircut-policies", headers=PAGE).text
        text = client.get("/haircut-policies/SZA-2024-A", headers=PAGE).text
        assert all(
            word in text for word in ("<svg", "限制条件下处置", "起决定作用", "抵质押率上限", found["decision_id"])
        )
        typed = {"unit": "SZA-2024", "quantity_t": "50,000", "ends_on": "2025-12-31", "action": "preview",
                 "is_cross_currency": "no", "_csrf_token": form_token(text)}  # fmt: skip
        said = client.post("/haircut-policies/SZA-2024-A", data=typed, headers=PAGE)
        assert (said.status_code, "试算，未留存" in said.text) == (200, True)
        assert "按实测最清淡的 60 个交易日" in text, "of the haircut on record"
        assert "按实测最清淡的 60 个交易日" in said.text, "and of the trial"
        half = client.post("/haircut-policies/SZA-2024-A", data={**typed, "emissions_t": "5"}, headers=PAGE)
        assert (half.status_code, "请填写整数吨" in half.text) == (422, True)
        kept = client.post("/haircut-policies/SZA-2024-A", data={**typed, "action": "record"}, headers=PAGE,
                           follow_redirects=False)  # fmt: skip
        assert kept.status_code == 303
        assert client.get("/haircut-policies/NONE", headers=PAGE).status_code == 404
    with signed_in(world, "other-officer") as client:
        assert client.get("/haircut-policies/SZA-2024-A", headers=PAGE).status_code == 404
    with keyed_client(world, "other") as client:
        assert client.get("/v1/haircut-policies").json()["policies"] == []
        assert client.post("/v1/haircuts", json=HAIRCUT, headers={"Idempotency-Key": "a"}).status_code == 404


def test_the_last_haircut_on_whole_data_stands_while_data_are_missing(world: World) -> None:
    """A large sale with whole data is kept; asked again without the borrower's units, it is not gone below."""
    put_in_force(world)
    with keyed_client(world) as client:
        whole = client.post(
            "/v1/haircuts", json={**HAIRCUT, "quantity_t": 900_000, "borrower": UNITS}, headers={"Idempotency-Key": "1"}
        ).json()
        less = client.post("/v1/haircuts", json={**HAIRCUT, "quantity_t": 10}, headers={"Idempotency-Key": "2"}).json()
    standing = {one["name"]: one["ratio"] for one in less["components"]}.get("standing")
    conservative = [one["name"] for one in whole["components"] if one["standing"] == "conservative"]
    assert standing == (None if conservative else whole["haircut_ratio"]), conservative


def form_of(body: dict[str, Any]) -> dict[str, str]:
    """Write what the API takes as the form's entries."""
    method = dict(body["method"])
    parts, jumps, wrong_way = method.pop("components"), method.pop("jumps"), method.pop("wrong_way")
    flat = {name: value for name, value in body.items() if name != "method"} | method
    flat |= {f"jump_{name}": value for name, value in jumps.items()}
    flat |= {
        f"wrong_way_{name}": ",".join(value) if isinstance(value, list) else value for name, value in wrong_way.items()
    }
    return {name: "" if value is None else str(value) for name, value in flat.items()} | {
        f"component_{name}": "yes" for name in parts
    }


def test_a_policy_is_proposed_by_the_form_and_a_revision_begins_with_what_holds(world: World) -> None:
    with signed_in(world) as client:
        token = {"_csrf_token": form_token(client.get("/haircut-policies/new", headers=PAGE).text)}
        for changed, words in (
            ({"tail_ratio": "1%"}, "尾部概率填写格式不正确"), ({"pledge_ratio_max": "0.90"}, "抵质押率上限 0.90"),
            ({"wrong_way_default_ratios": "0.6,0.6"}, "各时段违约概率"), ({"jump_up_mean": ""}, "平均上跳幅度"),
            ({"jump_expected_loss_ratio": "0.6"}, "预期损失目标为 0.6"),
            ({"cure_days": "five"}, "补足期"), ({"component_wrong_way": "maybe", "wrong_way_horizon_days": ""}, ""),
        ):  # fmt: skip
            refused = client.post("/haircut-policies/new", data=form_of(POLICY_BODY) | changed | token, headers=PAGE,
                                  follow_redirects=False)  # fmt: skip
            if words:
                assert (refused.status_code, words in refused.text) == (422, True), changed
                assert "示例银行押品管理办法" in refused.text, "nothing typed is lost"
            else:  # a part not chosen needs none of its figures
                assert refused.status_code == 303, refused.text[:400]
        with world.sessions.read() as session:
            waiting = haircut_policies.waiting_haircut_policy(session, world.officer, POLICY_BODY["code"])
        assert waiting is not None
        assert "待另一人复核" in client.get("/haircut-policies/SZA-2024-A", headers=PAGE).text
        again = client.post("/haircut-policies/new", data=form_of(POLICY_BODY) | token, headers=PAGE)
        assert again.status_code == 422, "one of a class waits at a time"
    with world.sessions.begin() as session:
        approvals.withdraw(
            session, world.officer, waiting.id, kinds=APPROVAL_KINDS, reason="重提", at=waiting.created_at
        )
    put_in_force(world)
    with signed_in(world) as client:
        text = client.get("/haircut-policies/new?start=SZA-2024-A", headers=PAGE).text
        assert 'value="示例银行押品管理办法 第十二条"' in text
        assert 'value="0.01,0.01,0.01,0.01"' in text
    with signed_in(world, "auditor") as client:
        assert client.get("/haircut-policies/new", headers=PAGE).status_code == 403


def test_bad_bodies_are_told_by_field(world: World) -> None:
    with keyed_client(world) as client:
        for changed, status in (
            ({"pledge_ratio_max": "0.9"}, 422), ({"scheme": "NONE"}, 422), ({"valid_from": "2020-01-01"}, 422),
            ({"method": {**POLICY_BODY["method"], "jumps": None}}, 422), ({"liquidity": "brisk"}, 400),
            ({"method": {**POLICY_BODY["method"], "tail_ratio": "0"}}, 422),
        ):  # fmt: skip
            sent = client.post(
                "/v1/haircut-policies", json={**POLICY_BODY, **changed}, headers={"Idempotency-Key": "b"}
            )
            assert sent.status_code == status, (changed, sent.text)


def test_the_command_line_proposes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(POLICY_BODY, ensure_ascii=False), encoding="utf-8")
    assert msgspec.json.decode(file.read_bytes(), type=HaircutPolicyIn).policy() == given_policy()
