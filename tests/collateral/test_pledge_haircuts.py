"""Haircuts by the class's policy in appraisals, changes and the daily run: the higher of table and policy, on record."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from carbonfin.kernel.allowances import Unit
from carbonfin.storage.decisions import decisions_of, load_decision, replay_decision
from carbonfin.storage.engine import Sessions
from collateral import jobs, service
from collateral.calc.agreements import UnitQuantity
from collateral.calc.daily_traces import DAILY_MARGIN
from collateral.calc.haircut_models.stack import HAIRCUT_STACK
from collateral.calc.haircut_models.stack_terms import ComponentName
from collateral.calc.haircut_policies import HaircutPolicy
from collateral.calc.policy_haircuts import PolicyHaircut, days_step, quantity_step_t
from collateral.service.pledge_haircuts import PledgeAsked, PolicyHaircuts
from collateral.service.view import desk_view, standing_on
from tests.collateral.desk import Desk, build_desk, draft, take_over_all
from tests.collateral.haircut_stacks import POLICY_BODY
from tests.collateral.test_haircut_policies import decided, given_policy, proposed
from tests.collateral.world import TODAY

NOTHING_CHOSEN = {**POLICY_BODY["method"], "components": [], "jumps": None, "wrong_way": None}


def policy(*, components: tuple[str, ...] = (), **changed: Any) -> HaircutPolicy:
    """Give a policy for SZA of any vintage that takes its table's value, and the components asked for."""
    own = {name: changed.pop(name) for name in tuple(changed) if name in NOTHING_CHOSEN}
    body = {"code": "SZA", "first_vintage": None, "pledge_ratio_max": "0.30", **changed}
    return given_policy(**body, method={**NOTHING_CHOSEN, "components": list(components), **own})


def in_force(sessions: Sessions, desk: Desk, given: HaircutPolicy) -> None:
    decided(sessions, desk, proposed(sessions, desk, given))


@contextmanager
def haircuts_of(sessions: Sessions, desk: Desk, day: date = TODAY, *, keeps: bool = True) -> Iterator[PolicyHaircuts]:
    with sessions.begin() as session:
        view = desk_view(session, standing_on(session, desk.maker, day))
        yield PolicyHaircuts.read(session, desk.maker, view, keeps=keeps)


def asked_of(desk: Desk, pledgor: str = "E5", end: date = date(2025, 7, 31)) -> PledgeAsked:
    return PledgeAsked(pledgor_id=desk.parties[pledgor], end_date=end)


def struck(sessions: Sessions, desk: Desk, day: date = TODAY, *, quantity_t: int = 10_000) -> PolicyHaircut:
    with haircuts_of(sessions, desk, day) as haircuts:
        found = haircuts.of(UnitQuantity(unit=Unit.parse("SZA-2024"), quantity_t=quantity_t), asked_of(desk))
    assert found is not None
    return found


def test_tonnes_go_up_to_a_step_and_days_down_to_one() -> None:
    assert [quantity_step_t(one) for one in (1, 7, 10, 11, 99, 100, 101, 10_000, 10_001, 25_001, 83_000)] == [
        1, 7, 10, 13, 100, 100, 130, 10_000, 13_000, 32_000, 100_000,
    ]  # fmt: skip
    assert [days_step(one) for one in (None, 0, 60, 61, 70, 129)] == [None, 0, 60, 60, 70, 120]


def test_an_appraisal_takes_the_higher_of_the_dated_table_and_the_policy(desk_sessions: Sessions, desk: Desk) -> None:
    """SZA-2024 at 41.00: the dated table says 50%, the policy 55%; 10,000 t are worth 410,000 and then 184,500."""
    given = draft(desk, "P4", "E5", {"SZA-2024": 10_000}, principal="100000.00", end=date(2025, 7, 31))
    with desk_sessions.read() as session:
        plain = service.appraise_what_if(session, desk.maker, given, standing=desk.standing)
    assert (plain.valuation.collateral_value_cny, plain.policies) == (Decimal("205000.00"), None)
    in_force(desk_sessions, desk, policy(table_ratio="0.55"))
    with desk_sessions.begin() as session:
        kept = service.record_appraisal(session, desk.maker, given, standing=desk.standing)
    outcome = kept.outcome
    assert outcome.valuation.lines[0].haircut_ratio == Decimal("0.55")
    assert outcome.valuation.collateral_value_cny == Decimal("184500.00")
    assert outcome.policies is not None
    ((unit, found),) = outcome.policies
    assert (str(unit), found.policy, found.binding) == ("SZA-2024", "SZA 第1版", ComponentName.TABLE)
    assert (found.reason_zh, found.quantity_t) == ("", 10_000)
    assert outcome.principal_cny_max == Decimal("123000.00"), "the ceiling of the pledge ratio, 30% of 410,000"
    assert outcome.is_acceptable
    with desk_sessions.read() as session:
        stack = load_decision(session, desk.maker, found.decision_id)
        assert (stack.kind, stack.subject) == (HAIRCUT_STACK.name, "haircut:SZA:SZA-2024:10000")
        assert replay_decision(session, service.DECISION_KINDS, kept.decision_id).same
        assert replay_decision(session, service.DECISION_KINDS, found.decision_id).same
        figures = {one.name: one for one in load_decision(session, desk.maker, kept.decision_id).trace}
    assert figures["haircut_dated_SZA-2024"].value == "0.50"
    assert figures["haircut_decision_SZA-2024"].value == found.decision_id
    assert "起决定作用：折扣系数表值" in figures["haircut_ratio_SZA-2024"].note_zh


def test_a_lower_policy_leaves_the_dated_table_standing(desk_sessions: Sessions, desk: Desk) -> None:
    in_force(desk_sessions, desk, policy(table_ratio="0.30"))
    given = draft(desk, "P4", "E5", {"SZA-2024": 10_000}, principal="100000.00", end=date(2025, 7, 31))
    with desk_sessions.read() as session:
        outcome = service.appraise_what_if(session, desk.maker, given, standing=desk.standing)
    assert outcome.valuation.lines[0].haircut_ratio == Decimal("0.50")
    assert outcome.policies is not None
    assert (outcome.policies[0][1].ratio, outcome.policies[0][1].decision_id) == (Decimal("0.30"), "")


def test_a_principal_above_the_pledge_ratio_and_units_not_accepted_are_refused(
    desk_sessions: Sessions, desk: Desk
) -> None:
    given = draft(desk, "P4", "E5", {"SZA-2024": 10_000}, principal="123000.01", end=date(2025, 7, 31))

    def codes() -> set[str]:
        with desk_sessions.read() as session:
            outcome = service.appraise_what_if(session, desk.maker, given, standing=desk.standing)
        return {one.code for one in outcome.refusals}

    assert codes() == set()
    in_force(desk_sessions, desk, policy(table_ratio="0.55"))
    assert codes() == {"pledge-ratio-above-ceiling"}
    in_force(desk_sessions, desk, policy(table_ratio="0.60", conservative_ratio="0.60", ceiling_ratio="0.58"))
    assert codes() >= {"not-accepted-by-policy", "coverage-below-initial"}


def test_thin_data_and_an_overdue_review_count_the_conservative_value_with_the_reason(
    desk_sessions: Sessions, desk: Desk
) -> None:
    in_force(desk_sessions, desk, policy(components=("close_out",), conservative_ratio="0.62"))
    thin = struck(desk_sessions, desk)
    assert (thin.ratio, thin.binding) == (Decimal("0.62"), ComponentName.CLOSE_OUT)
    assert "限制条件下处置按保守值" in thin.reason_zh
    assert thin.decision_id
    in_force(desk_sessions, desk, policy(review_by="2025-07-01", conservative_ratio="0.64"))
    late = struck(desk_sessions, desk, date(2025, 7, 2))
    assert (late.ratio, late.decision_id) == (Decimal("0.64"), "")
    assert "复审" in late.reason_zh


def test_two_classes_of_one_unit_count_the_larger(desk_sessions: Sessions, desk: Desk) -> None:
    in_force(desk_sessions, desk, policy(table_ratio="0.55"))
    in_force(desk_sessions, desk, policy(code="SZA-B", table_ratio="0.58"))
    assert struck(desk_sessions, desk).policy == "SZA-B 第1版"


def test_the_wrong_way_add_on_takes_the_pledgors_position(desk_sessions: Sessions, desk: Desk) -> None:
    """E2 owes 207,105 t of 2024 and holds 70,000 + 80,000 + 218,000 t, of which P2 binds 60,000 + 60,000 t."""
    with desk_sessions.begin() as session:
        take_over_all(session, desk)
    chosen = {"components": ("wrong_way",), "wrong_way": POLICY_BODY["method"]["wrong_way"]}
    in_force(desk_sessions, desk, policy(**chosen, conservative_ratio="0.60"))
    with haircuts_of(desk_sessions, desk) as haircuts:
        found = haircuts.of(UnitQuantity(unit=Unit.parse("SZA-2024"), quantity_t=10_500), asked_of(desk, "E2"))
    assert found is not None
    with desk_sessions.read() as session:
        facts = load_decision(session, desk.maker, found.decision_id).inputs["facts"]
    assert facts["quantity_t"] == 13_000
    assert facts["borrower"] == {
        "emissions_t": 207_105, "allocation_t": 0, "free_holding_t": 248_000, "pledged_t": 10_500,
    }  # fmt: skip


def test_lost_data_earn_nothing_against_the_last_day_on_whole_data(desk_sessions: Sessions, desk: Desk) -> None:
    """A value of 57% struck whole stays at least 57% the day the policy's components find no data at 40%."""
    in_force(desk_sessions, desk, policy(table_ratio="0.57"))
    assert struck(desk_sessions, desk).ratio == Decimal("0.57")
    again = struck(desk_sessions, desk)
    in_force(desk_sessions, desk, policy(components=("close_out",), conservative_ratio="0.40"))
    tomorrow = TODAY + timedelta(days=1)
    less = struck(desk_sessions, desk, tomorrow)
    assert (less.ratio, less.binding) == (Decimal("0.57"), ComponentName.STANDING)
    assert struck(desk_sessions, desk, tomorrow, quantity_t=50_000).ratio == Decimal("0.40"), "another step has no past"
    with desk_sessions.read() as session:
        stacks = decisions_of(session, desk.maker, kind=HAIRCUT_STACK.name, subject="haircut:SZA:SZA-2024:10000")
    assert [one.id for one in stacks] == [again.decision_id, less.decision_id], "the same inputs are kept once"


def daily(session: Session, desk: Desk) -> dict[str, Any]:
    return {one.subject: one for one in decisions_of(session, desk.maker, kind=DAILY_MARGIN.name)}


def test_the_daily_run_takes_the_policy_and_its_decisions_replay_on_both_databases(sessions: Sessions) -> None:
    """P3, 40,000 t SZA-2023 at 40.00: at 55% worth 720,000 where the dated 50% gave 800,000; the run again adds none."""
    with sessions.begin() as session:
        desk = build_desk(session)
        take_over_all(session, desk)
    in_force(sessions, desk, policy(table_ratio="0.55", valid_from="2025-06-30"))
    for _ in range(2):
        with sessions.begin() as session:
            assert jobs.revalue(session, desk.maker, TODAY).failures == ()
    with sessions.read() as session:
        days = daily(session, desk)
        assert set(days) == {"pledge:P1", "pledge:P2", "pledge:P3"}
        p3 = days["pledge:P3"]
        assert p3.outputs["valuation"]["collateral_value_cny"] == "720000.00"
        priced = p3.inputs["lines"][0]["priced"]
        assert (priced["haircut_ratio"], priced["policy"]["policy"]) == ("0.55", "SZA 第1版")
        figures = {one.name: one for one in p3.trace}
        assert figures["haircut_decision_SZA-2023"].value == priced["policy"]["decision_id"]
        assert "policy" not in days["pledge:P1"].inputs["lines"][0]["priced"], "CEA has no policy"
        assert len(decisions_of(session, desk.maker, kind=DAILY_MARGIN.name)) == 3
        for one in (*days.values(), *decisions_of(session, desk.maker, kind=HAIRCUT_STACK.name)):
            assert replay_decision(session, service.DECISION_KINDS, one.id).same


def test_before_and_after_a_change_have_the_haircut_of_the_larger_quantity(desk_sessions: Sessions, desk: Desk) -> None:
    """P2's change is weighed with one haircut a unit, however much of it leaves."""
    with desk_sessions.begin() as session:
        found = take_over_all(session, desk)
    in_force(desk_sessions, desk, policy(table_ratio="0.55"))
    freed = (UnitQuantity(unit=Unit.parse("SZA-2023"), quantity_t=20_000),)
    change = service.ChangeDraft(
        kind=service.ChangeKind.PART_RELEASE, added=(), freed=freed, repayment_cny=Decimal("0.00"), reason="还款"
    )
    with desk_sessions.read() as session:
        outcome = service.preview_change(session, desk.maker, found["P2"], change, standing=desk.standing)
    notes = {one.name: one.note_zh for one in outcome.trace if one.name.startswith("haircut_policy_")}
    assert set(notes) == {"haircut_policy_SZA-2022", "haircut_policy_SZA-2023"}
    assert {one.haircut_ratio for one in outcome.valuation.lines} == {Decimal("0.55")}


def test_a_position_that_is_not_known_counts_the_policys_add_on(desk_sessions: Sessions, desk: Desk) -> None:
    """E1 must surrender CEA; nothing is known of an obligation in SZA: 30% of the table and 10% added, 50% dated."""
    chosen = {"components": ("wrong_way",), "wrong_way": POLICY_BODY["method"]["wrong_way"]}
    in_force(desk_sessions, desk, policy(**chosen))
    with haircuts_of(desk_sessions, desk) as haircuts:
        found = haircuts.of(UnitQuantity(unit=Unit.parse("SZA-2024"), quantity_t=5_000), asked_of(desk, "E1"))
    assert found is not None
    assert found.ratio == Decimal("0.40")
    assert found.reason_zh == "借款人履约头寸或波动率缺失，错向与清缴风险附加按保守值"
