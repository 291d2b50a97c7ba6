"""Reasons, lifts and plans: by hand, and each lift rated again and found least."""

from dataclasses import replace
from decimal import Decimal

import pytest

from loans.calc.ratings.explanation import LEVERS, Explanation, Lift, explain
from loans.calc.ratings.rating import Settled, settle
from loans.calc.ratings.rating_account import INPUTS, RatingAccount
from loans.calc.ratings.scorecard import LETTERS
from tests.loans.rating_worlds import account, benchmark, frame_of, ladder, scorecard


def explained(one: RatingAccount) -> Explanation:
    return explain(one, scorecard=scorecard(), benchmark=ladder())


def changes(lifts: tuple[Lift, ...]) -> list[dict[str, tuple[int, int]]]:
    return [{change.field: (change.before, change.after) for change in lift.changes} for lift in lifts]


def test_three_reasons_the_dearest_first() -> None:
    told = explained(account())
    # 10 - 3.50, 40 - 35.50, 25 - 21.31: see the rating by hand
    assert [(reason.code, str(reason.cost)) for reason in told.reasons] == [
        ("green_power", "6.50"),
        ("intensity", "4.50"),
        ("emission_cut", "3.69"),
    ]
    assert told.reasons[1].text_zh == "碳强度同业比较：0.5000 t/万元，得 35.50／40.00 分"
    assert told.reasons[2].text_en == "Emission cut: 0.0909, 21.31 of 25.00 points"
    assert (told.benchmark_id, told.benchmark_digest) == ("ladder", ladder().digest)
    assert told.scorecard_digest == scorecard().digest


def test_a_missing_input_is_the_reason() -> None:
    told = explained(account(electricity_kwh=None, target_level=2))
    assert told.reasons[0].code == "green_power"
    assert told.reasons[0].text_zh == "绿电占比（未核减部分）：缺少或不可用 用电量，得 0.00／10.00 分"


def test_nothing_is_a_reason_where_nothing_is_lost() -> None:
    best = account(emissions_kg=1_000, verification_level=3, target_level=2, green_kwh=4_000_000, green_deducted_kwh=0)
    # the lowest of forty stands half in its own tie: 40 x 79 / 80
    assert [(reason.code, str(reason.cost)) for reason in explained(best).reasons] == [("intensity", "0.50")]


def test_one_point_by_hand() -> None:
    lifts = explained(account()).point_lifts
    assert changes(lifts) == [
        # fewer tonnes lift two lines at once; the least is proven below
        {"emissions_kg": (2_000_000, next(iter(lifts)).changes[0].after)},
        # 4.50 from 1000 x 0.7 m / 0.3 >= 449.5: m = 0.1927, 770,800 kWh beside the 200,000 deducted
        {"green_kwh": (800_000, 970_800)},
        {"verification_level": (2, 3)},
        {"target_level": (1, 2)},
    ]
    assert [str(lift.points) for lift in lifts[1:]] == ["81.81", "82.31", "83.81"]


def test_one_letter_asks_for_the_band_and_the_hysteresis() -> None:
    lifts = explained(account()).letter_lifts
    assert {lift.letter for lift in lifts} == {"A"}
    assert [min(change) for change in changes(lifts)] == [
        "emissions_kg",
        "green_kwh",
        "verification_level",
        "target_level",
    ]
    assert min(lift.points for lift in lifts) >= 82


WEAK = account(
    emissions_kg=9_000_000, emissions_previous_kg=9_000_000, value_added_previous_fen=4_000_000_000,
    verification_level=0, metered_kwh=0, bill_months_count=0, invoice_kwh=0, green_kwh=200_000, target_level=0,
    management_level=0, previous_letter=4,
)  # fmt: skip


def test_a_plan_where_no_single_change_gains_a_letter() -> None:
    held = replace(WEAK, emissions_kg=None)
    told = explain(held, scorecard=scorecard(), benchmark=ladder())
    assert told.point_lifts == (), "35 of 100 known: refused, and gaps come first"
    slow = replace(WEAK, value_added_fen=None, division=None, target_level=None, management_level=None)
    assert explain(slow, scorecard=scorecard(), benchmark=ladder()).letter_lifts == ()
    firm = replace(WEAK, is_comparable=None, management_level=1)
    plan = explain(firm, scorecard=scorecard(), benchmark=ladder()).letter_lifts
    assert len(plan) >= 1
    assert_proven(firm, plan, lambda before, after: after.letter < before.letter)


def test_a_gate_leaves_nothing_to_lift_and_is_named() -> None:
    told = explained(account(false_reporting_count=1))
    assert (told.point_lifts, told.letter_lifts) == ((), ())
    assert [gate.name for gate in told.gates] == ["false_reporting_count"]
    refused = explained(account(data_quality_grade=None))
    assert (refused.point_lifts, len(refused.reasons)) == ((), 3)


def test_the_best_letter_has_none_above() -> None:
    assert explained(account(previous_letter=0)).letter_lifts == ()


def assert_proven(one: RatingAccount, lifts: tuple[Lift, ...], reached: object) -> None:
    assert callable(reached)
    before = rated(one)
    for lift in lifts:
        moved = {change.field: change.after for change in lift.changes}
        after = rated(replace(one, **moved))
        assert (Decimal(after.points) / 100, LETTERS[after.letter]) == (lift.points, lift.letter)
        assert reached(before, after)
        if len(moved) == 1:
            ((field, value),) = moved.items()
            back = value + (1 if getattr(one, field) > value else -1)
            assert not reached(before, rated(replace(one, **{field: back}))), f"{field} {value} is not the least"


def dearest(one: RatingAccount) -> str:
    """Give the lever that gains most alone; a plan begins with it."""
    ends = {lever.field: getattr(one, lever.bound) if isinstance(lever.bound, str) else lever.bound for lever in LEVERS}
    moved = {
        field: replace(one, **{field: end})
        for field, end in ends.items()
        if end is not None and getattr(one, field) is not None
    }
    return max(moved, key=lambda field: rated(moved[field]).points)


def rated(one: RatingAccount) -> Settled:
    return settle(one, scorecard(), benchmark() if one.division != 39 or one.size_class != 2 else ladder())


@pytest.mark.parametrize("seed", [1, 2])
def test_every_lift_is_proven_and_least(seed: int) -> None:
    plans = 0
    for row in frame_of(60, seed=seed).select(INPUTS).rows(named=True):
        one = RatingAccount(**{**row, "division": 39, "size_class": 2})
        told = explained(one)
        assert_proven(one, told.point_lifts, lambda before, after: after.points >= before.points + 100)
        assert_proven(one, told.letter_lifts, lambda before, after: after.letter < before.letter)
        for plan in told.letter_lifts:
            if len(plan.changes) > 1:
                assert dearest(one) in {change.field for change in plan.changes}
        plans += any(len(lift.changes) > 1 for lift in told.letter_lifts)
    assert plans, "some need several changes"


def test_a_lever_never_leaves_its_limits() -> None:
    fields = [lever.field for lever in LEVERS]
    assert set(fields) <= set(INPUTS)
    assert not {"value_added_fen", "division", "size_class", "previous_letter", "is_comparable"} & set(fields)
