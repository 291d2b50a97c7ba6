"""Limits on the whole book in an allocation: worked problems, proof by duals, whole tonnes, rows by hand, a client."""

import json
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import CalculationFailed, InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rulebook import enter_parameter
from collateral.calc.allocation.book_rows import book_rows, rows_by_base
from collateral.calc.allocation.problem import AllocationProblem
from collateral.calc.allocation.reasons import ReasonKind, reasons
from collateral.calc.allocation.solver import AllocationSolver, Unsolvable
from collateral.calc.allocation.unmet import smallest_unmet
from collateral.calc.allocation.whole import whole_allocation
from collateral.calc.book_limits import BookLimit, BookLimits
from collateral.calc.schedule_limits import ScheduleLimit
from tests.app.worlds import PAGE
from tests.collateral.desk import CLOCK, Desk, take_over_all
from tests.collateral.test_allocation import dense_optimum, drawn, problem
from tests.collateral.test_allocations import BODY, E2, pledges, tonnes, weighed
from tests.collateral.test_book_limits import rule
from tests.collateral.test_edges import Edge, client_of, command_line, edge, run, signed_in
from tests.collateral.test_eligibility_schedules import put_in_force
from tests.collateral.world import parameter

__all__ = ["command_line", "edge", "pledges"]

A, B, C = (Unit.parse(one) for one in ("SZA-2022", "SZA-2023", "SZA-2024"))
OF_A_SHARE = "担保品清单 S1 第 1 条（品种或指数为 SZA）单一资产：SZA-2022 "


def test_a_share_of_all_that_is_allocated_binds_and_its_dual_says_what_it_costs() -> None:
    """At most 40% of L0 at 1%, the rest L1 at 3%: 40 and 60 cost 2.20; a yuan more of L0 saves 0.02."""
    weight = np.array([[0.6, -0.4]])
    one = problem([200, 200], [0.01, 0.03], [100], book_weight=weight, book_room=np.zeros(1))
    found = AllocationSolver(one).solve()
    np.testing.assert_allclose(found.value[:, 0], [40, 60], atol=1e-9)
    assert found.cost == pytest.approx(2.2) == found.bound
    (reason,) = [each for each in reasons(one, found) if each.kind is ReasonKind.BOOK]
    assert reason.words("清单", "the schedule") == (
        "清单 的集中度上限每放宽 1 元，成本减少 0.0200 元", "one more of the limit on the schedule saves 0.0200",
    )  # fmt: skip
    assert one.breaches(np.array([[41.0], [59.0]]), tolerance=1e-9) == ("book",)


def test_one_lot_alone_under_a_share_below_the_whole_leaves_everything_unmet() -> None:
    one = problem([200], [0.01], [60, 50], book_weight=np.array([[0.6]]), book_room=np.zeros(1))
    with pytest.raises(Unsolvable):
        AllocationSolver(one).solve()
    unmet = smallest_unmet(one)
    assert unmet.obligations == (0, 1)
    np.testing.assert_allclose(unmet.shortfall, [60, 50], atol=1e-6)
    # Ten of other collateral that the schedule admits: 0.6 x <= 0.4 x 10 leaves 6.67.
    roomy = replace(one, book_room=np.array([4.0]))
    assert smallest_unmet(roomy).shortfall.sum() == pytest.approx(110 - 4 / 0.6)


def with_book(seed: int) -> AllocationProblem:
    """Draw a problem with shares of names that lots belong to, and one amount."""
    one, draw = drawn(seed), np.random.default_rng(seed + 1)
    lots = one.lot_value.size
    name, upper = draw.integers(0, 3, lots), draw.uniform(0.3, 0.6, 3)
    share = [(name == k) - upper[k] * (draw.random(lots) < 0.8) for k in range(3)]
    room = np.append(draw.uniform(0, 60, 3), draw.uniform(100, 300))
    return replace(one, book_weight=np.array([*share, (name == 0).astype(float)]), book_room=room)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_the_optimum_under_limits_on_the_book_is_the_dense_programmes(seed: int) -> None:
    one = with_book(seed)
    expected, _ = dense_optimum(one)
    if expected is None:
        with pytest.raises(Unsolvable):
            AllocationSolver(one).solve()
        return
    found = AllocationSolver(one).solve()
    assert found.cost == pytest.approx(expected, rel=1e-6)
    assert found.bound == pytest.approx(found.cost, rel=1e-8)
    assert one.breaches(found.value, tolerance=1e-7) == ()
    for k in range(one.book_room.size):
        step = 1e-4
        wider = replace(one, book_room=one.book_room + step * (np.arange(one.book_room.size) == k))
        saved = (found.cost - AllocationSolver(wider).solve().cost) / step
        assert saved == pytest.approx(found.book_dual[k], rel=1e-3, abs=1e-6)


def test_whole_tonnes_keep_the_limits_on_the_book() -> None:
    solved = refused = 0
    for seed in range(30):
        one = with_book(seed)
        one = replace(
            one, lot_value=one.lot_value * 1e4, requirement=one.requirement * 0.4e4, held_value=one.held_value * 1e4,
            pool_headroom_t=one.pool_headroom_t * 1e4, book_room=one.book_room * 1e4,
        )  # fmt: skip
        try:
            found = AllocationSolver(one).solve()
        except Unsolvable:
            continue
        try:
            whole = whole_allocation(one, found)
        except CalculationFailed:
            refused += 1
            continue
        solved += 1
        assert one.breaches(whole.units_t * one.lot_price[:, None], tolerance=1e-9) == ()
        assert -1e-9 <= whole.gap_ratio <= 1e-4
    assert (solved >= 10, refused) == (True, 0)


def limit(name: str, upper: str, *, others: str, base: str = "0", shut: bool = True, amount: bool = False) -> BookLimit:
    of = ScheduleLimit(
        schedule="S1", rule=1, upper=Decimal(upper), is_inclusive=shut, is_amount=amount,
        base_others_cny=Decimal(base), base_units=(A, B),
    )  # fmt: skip
    return BookLimit(
        name=name, label_zh=name, label_en=name, units=(A,), others_cny=Decimal(others), dated=None, by_class=None,
        by_schedule=of,
    )  # fmt: skip


def test_rows_of_shares_and_amounts_by_hand() -> None:
    """30 of 100 held at 40%: 0.6 A - 0.4 B <= 10; 50 of it lack 10; an amount counts A alone."""
    dated = replace(limit("dated", "0.4", others="0"), by_schedule=None)
    held = (
        limit("share", "0.4", others="30", base="100"), limit("above", "0.4", others="50", base="100"),
        limit("amount", "500", others="30", amount=True), limit("open", "500", others="30", shut=False, amount=True),
        limit("shut out", "0.4", others="0", shut=False),
    )  # fmt: skip
    rows = book_rows(BookLimits(others_cny=Decimal(0), not_priced=(), limits=(dated, *held)), [A, B, C])
    assert [one.name for one in rows.limits] == ["share", "above", "amount", "open", "shut out"]
    np.testing.assert_allclose(
        rows.weight[:4], [[0.6, -0.4, 0], [0.6, -0.4, 0], [1, 0, 0], [1, 0, 0]], atol=1e-12
    )  # fmt: skip
    np.testing.assert_allclose(rows.room, [10, -10, 470, 469.99, 0], atol=1e-9)
    np.testing.assert_allclose(rows.room_of_others_above, [10, 0, 470, 469.99, 0], atol=1e-9)
    assert rows.weight[4, 0] > 0.6, "a share of exactly the limit is shut out"
    assert rows.words()[0][0] == "share占该清单合格的全部存续押品市值 ≤ 40.00%；其他存续押品 100.00 元中已有 30.00 元"
    assert rows.words()[3][0] == "open市值 < 500.00 元；其他存续押品已有 30.00 元"
    assert book_rows(None, [A]).limits == ()


def test_a_least_base_gives_two_programmes_whose_rows_are_either_base() -> None:
    """10 of 20 held at 40% of at least 100: A <= 30, or 0.6 A - 0.4 B <= -2; at 300 held there is one."""

    def least(base: str) -> BookLimit:
        one = limit("share", "0.4", others="10", base=base)
        assert one.by_schedule is not None
        floor = parameter("collateral.schedule_share_base_cny", "100", scope="S1", unit="CNY")
        return replace(one, by_schedule=replace(one.by_schedule, base_least=floor))

    first, second = rows_by_base(BookLimits(others_cny=Decimal(0), not_priced=(), limits=(least("20"),)), [A, B, C])
    np.testing.assert_allclose([first.weight, second.weight], [[[1, 0, 0]], [[0.6, -0.4, 0]]])
    np.testing.assert_allclose([first.room, second.room], [[30], [-2]])
    assert "（不足 100.00 元按其计）" in first.words()[0][0]
    (only,) = rows_by_base(BookLimits(others_cny=Decimal(0), not_priced=(), limits=(least("300"),)), [A, B, C])
    np.testing.assert_allclose(only.room, [110])
    assert [one.limits for one in rows_by_base(None, [A])] == [()]


@pytest.mark.usefixtures("pledges")
def test_the_better_of_the_two_bases_is_the_optimum(desk_sessions: Sessions, desk: Desk) -> None:
    """Of SZA-2022 at most 40% of at least 6,500,000 is 2,600,000, 66,666 t; the lots come to less than that together.

    Without a least base it is 40% of about 6,201,000: 63,603 t, as above.
    """
    in_force(desk_sessions, desk, ("ASSET", "0.4", True, ""), ("ISSUER", "1", True, ""))
    with desk_sessions.begin() as session:
        least = parameter("collateral.schedule_share_base_cny", "6500000", scope="S1", unit="CNY")
        enter_parameter(session, desk.maker, desk.checker, least, reason="样例", at=CLOCK.now())
    found = weighed(desk_sessions, desk)
    assert found.is_feasible
    proposed = {unit: after for (_, unit), (_, after) in tonnes(found).items()}
    assert proposed["SZA-2022"] == pytest.approx(2_600_000 / 39, abs=10)
    assert not [one.name for one in found.shares if one.is_above]


def test_weights_that_do_not_fit_are_refused() -> None:
    for changed, field in (
        ({"book_room": np.array([np.inf])}, "book_room"),
        ({"book_room": np.zeros(2)}, "book_weight"),
    ):
        with pytest.raises(InvalidInput) as refused:
            problem([1], [0.01], [1], book_weight=np.zeros((1, 1)), **changed)
        assert refused.value.field == field


def in_force(sessions: Sessions, desk: Desk, *limits: tuple[str, str, bool, str]) -> None:
    put_in_force(sessions, desk, json.dumps({"criteria": [rule("SZA", *limits)]}))


@pytest.mark.usefixtures("pledges")
def test_amounts_of_a_schedule_hold_the_clients_allocation(desk_sessions: Sessions, desk: Desk) -> None:
    """At most 2,100,000 of each vintage; E5's 40,000 t of SZA-2023 at 40.00 have 1,600,000 of that vintage's.

    53,846 t of SZA-2022 at 39.00 (2,099,994), 12,500 t of SZA-2023 (500,000), both less half, leave 1,000,664.25 of
    2,300,661.25: 48,813 t of SZA-2024 at 41.00, moved in. 0.03 x 4,601,327 + 0.001 x 2,001,333 = 140,041.14. A yuan more
    of a limit puts what stands there for what is moved: 0.001.
    """
    in_force(desk_sessions, desk, ("ASSET", "2100000", True, "CNY"))
    found = weighed(desk_sessions, desk)
    assert tonnes(found) == {
        ("P2", "SZA-2022"): (60_000, 53_846), ("P2", "SZA-2023"): (60_000, 12_500), ("P2", "SZA-2024"): (0, 48_813),
    }  # fmt: skip
    assert found.cost_cny == Decimal("140041.14")
    assert found.gap_ratio is not None
    assert found.gap_ratio < Decimal("0.0001")
    assert (f"{OF_A_SHARE}的集中度上限每放宽 1 元，成本减少 0.0010 元".replace("  ", " ")) in [
        zh.replace("  ", " ") for zh, _ in found.words
    ]
    assert [(one.name, one.after_cny, one.is_above) for one in found.shares] == [
        ("schedule_S1_1_1_SZA-2022", Decimal("2099994.00"), False),
        ("schedule_S1_1_1_SZA-2023", Decimal("2100000.00"), False),
        ("schedule_S1_1_1_SZA-2024", Decimal("2001333.00"), False),
    ]  # fmt: skip
    assert f"{OF_A_SHARE}市值 ≤ 2,100,000.00 元；其他存续押品已有 0.00 元" in [zh for zh, _ in found.held_to]


@pytest.mark.usefixtures("pledges")
def test_what_the_limits_leave_unmet_is_named_beside_them(desk_sessions: Sessions, desk: Desk) -> None:
    """2,000,000 + 400,000 + 2,000,000 less half cover 2,200,000 of 2,300,661.25, and a fen for each of three lots."""
    in_force(desk_sessions, desk, ("ASSET", "2000000", True, "CNY"), ("MARKET_CAPITALISATION", "0.5", True, ""))
    found = weighed(desk_sessions, desk)
    assert not found.is_feasible
    assert [one.shortfall_cny for one in found.needs] == [pytest.approx(Decimal("100661.28"), abs=Decimal("0.02"))]
    assert len(found.held_to) == 3
    assert ["未计量" in zh for zh, _ in found.notes] == [True]


@pytest.mark.usefixtures("pledges")
def test_shares_of_a_schedule_count_the_other_collateral_in_their_base(desk_sessions: Sessions, desk: Desk) -> None:
    """At most 40% of 1,600,000 + about 4,601,322 in each vintage, 2,480,529: in SZA-2023 E5 has 1,600,000 of it.

    Of what must be moved in the older comes first: 63,603 t of SZA-2022 at 39.00 fill its limit too.
    """
    in_force(desk_sessions, desk, ("ASSET", "0.4", True, ""), ("ISSUER", "1", True, ""))
    found = weighed(desk_sessions, desk)
    proposed = {unit: after for (_, unit), (_, after) in tonnes(found).items()}
    assert proposed["SZA-2022"] == pytest.approx(2_480_529 / 39, abs=10)
    assert proposed["SZA-2023"] == pytest.approx(880_529 / 40, abs=10)
    assert [(one.name, one.is_above) for one in found.shares if one.name.endswith("2023")] == [
        ("schedule_S1_1_1_SZA-2023", False)
    ]
    assert all(one.after_ratio <= one.limit_ratio for one in found.shares)
    before = {one.name: str(one.before_ratio) for one in found.shares}
    # 4,000,000 of 6,340,000 now
    assert before["schedule_S1_1_1_SZA-2023"] == "0.6310"


@pytest.mark.usefixtures("pledges")
def test_a_limit_that_others_alone_pass_is_not_made_worse(desk_sessions: Sessions, desk: Desk) -> None:
    """Others have 1,600,000 of SZA-2023, above 1,000,000: none of it is used; SZA-2022 and SZA-2024 have no limit."""
    rules = [rule("SZA-2023", ("ASSET", "1000000", True, "CNY")), rule("SZA-2022"), rule("SZA-2024")]
    put_in_force(desk_sessions, desk, json.dumps({"criteria": rules}))
    found = weighed(desk_sessions, desk)
    assert found.is_feasible
    assert tonnes(found)["P2", "SZA-2023"] == (60_000, 0)
    (share,) = found.shares
    assert (share.after_cny, share.is_above) == (Decimal("1600000.00"), False)


def test_api_page_and_command_tell_the_limits(edge: Edge) -> None:
    in_force(edge.sessions, edge.desk, ("ASSET", "2100000", True, "CNY"), ("MARKET_CAPITALISATION", "0.5", True, ""))
    told = client_of(edge).post("/v1/allocations/previews", json=BODY).json()
    assert (told["is_feasible"], len(told["held_to"]), len(told["shares"])) == (True, 3, 3)
    assert ["未计量" in one["text_zh"] for one in told["notes"]] == [True]
    with signed_in(edge, "officer") as people:
        shown = people.get("/pledges/allocation", params=BODY, headers=PAGE).text
    for words in (
        "担保品清单的集中度上限",
        "2,100,000.00 元",
        "已作为约束计入",
        "押品集中度",
        "MARKET_CAPITALISATION ≤ 0.5 未计量",
    ):
        assert words in shown, words


def test_a_command_tells_the_limits(
    command_line: Desk, sqlite_sessions: Sessions, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite_sessions.begin() as session:
        take_over_all(session, command_line)
    in_force(sqlite_sessions, command_line, ("ASSET", "2000000", True, "CNY"))
    assert run("collateral", "allocate", E2, "--use-cost", "0.03") == 0
    told = capsys.readouterr().out.replace("\n", "")
    assert f"{OF_A_SHARE}市值 ≤ 2,000,000.00 元；其他存续押品已有 0.00 元" in told
