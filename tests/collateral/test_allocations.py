"""A client's units over its pledges: whole tonnes, the duals as words, what cannot be met, and what is refused."""

import json
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import InvalidInput, NotApplicable, NotFound
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rulebook import enter_parameter
from collateral.calc.allocation.asked import AddedNeed, AllocationAsked
from collateral.calc.authority_acts import ActKind
from collateral.service.allocations import AllocationFound, weigh_allocation
from tests.app.worlds import PAGE
from tests.collateral.desk import CLOCK, ENTERPRISES, Desk, take_over_all
from tests.collateral.test_change_serials import SAMPLE_OF_CREDITS
from tests.collateral.test_edges import Edge, client_of, command_line, edge, run, signed_in
from tests.collateral.test_enforcement import order, record
from tests.collateral.test_pledge_haircuts import in_force, policy
from tests.collateral.world import parameter

__all__ = ["command_line", "edge"]

E2 = ENTERPRISES["E2"][1]
BODY = {"pledgor": E2, "use_cost_rate": "0.03", "movement_cost_rate": "0.001"}


@pytest.fixture
def pledges(desk_sessions: Sessions, desk: Desk) -> dict[str, str]:
    with desk_sessions.begin() as session:
        return take_over_all(session, desk)


def weighed(sessions: Sessions, desk: Desk, pledgor: str = "E2", **given: Any) -> AllocationFound:
    plain: dict[str, Any] = {
        "pledgor_id": desk.parties[pledgor], "without": (), "released": (), "added": (),
        "use_cost_rate": Decimal("0.03"), "movement_cost_rate": Decimal("0.001"),
    }  # fmt: skip
    with sessions.read() as session:
        return weigh_allocation(session, desk.maker, AllocationAsked(**plain | given), standing=desk.standing)


def tonnes(found: AllocationFound) -> dict[tuple[str, str], tuple[int, int]]:
    return {(one.need, str(one.unit)): (one.held_t, one.proposed_t) for one in found.lines}


@pytest.mark.usefixtures("pledges")
def test_the_cheapest_tonnes_that_stand_there_cover_the_debt_to_the_fen(desk_sessions: Sessions, desk: Desk) -> None:
    """P2 asks 2,300,661.25: of equals the older first, 60,000 t of SZA-2022 at 39.00 less half are 1,170,000.

    Of SZA-2023 at 40.00 it takes 56,534 t x 20.00 = 1,130,680.00. Cost 0.03 x (2,340,000 + 2,261,360) = 138,040.80;
    nothing moves. A yuan more costs 0.03 / (1 - 0.5) = 0.06.
    """
    found = weighed(desk_sessions, desk)
    assert tonnes(found) == {("P2", "SZA-2022"): (60_000, 60_000), ("P2", "SZA-2023"): (60_000, 56_534)}
    assert [(one.required_cny, one.covered_cny) for one in found.needs] == [
        (Decimal("2300661.25"), Decimal("2300680.00"))
    ]
    assert found.cost_cny == Decimal("138040.80")
    assert found.words[0][0] == "P2 的担保需求每增加 1 元，成本增加 0.0600 元"
    assert found.gap_ratio is not None
    assert found.gap_ratio < Decimal("0.0001")
    traced = {one.name: one for one in found.trace}
    assert {name: traced[name].value for name in (
        "required_0", "market_value_SZA-2022_0", "covered_SZA-2022_0", "market_value_SZA-2023_0", "covered_SZA-2023_0",
        "moved_value_SZA-2023_0", "covered_0", "cost",
    )} == {
        "required_0": "2300661.25", "market_value_SZA-2022_0": "2340000.00", "covered_SZA-2022_0": "1170000.00",
        "market_value_SZA-2023_0": "2261360.00", "covered_SZA-2023_0": "1130680.00", "moved_value_SZA-2023_0": "0.00",
        "covered_0": "2300680.00", "cost": "138040.80",
    }  # fmt: skip
    assert traced["required_0"].inputs == ("debt_0", "line_initial_0")
    assert traced["debt_0"].inputs == ("principal_0", "accrued_0", "costs_0")
    assert traced["line_initial_0"].parameter is not None, "the line opens to its clause"


def linked_figures(text: str) -> tuple[set[str], set[str]]:
    """Give the figures a page links to, and those its trace has."""
    return set(re.findall(r'href="#figure-([^"]+)"', text)), set(re.findall(r'id="figure-([^"]+)"', text))


@pytest.mark.usefixtures("pledges")
def test_a_limit_on_a_scheme_binds_by_its_base_and_is_said(desk_sessions: Sessions, desk: Desk) -> None:
    """Only SZA covers P2, 2,300,661.25: at most all of it is no limit, 0.9 of it leaves P2 unmet."""
    free = weighed(desk_sessions, desk)
    loose = weighed(desk_sessions, desk, limits=((Scheme.SZA, Decimal("1.1")), (Scheme.CEA, Decimal("0.2"))))
    assert (loose.lines, loose.cost_cny) == (free.lines, free.cost_cny)
    tight = weighed(desk_sessions, desk, limits=((Scheme.SZA, Decimal("0.9")),))
    assert not tight.is_feasible
    # one tenth of 2,300,661.25 lacks, and a fen for each of two lots
    assert [one.shortfall_cny for one in tight.needs] == [pytest.approx(Decimal("230066.13"), abs=Decimal("0.05"))]
    for wrong in (((Scheme.SZA, Decimal(0)),), ((Scheme.SZA, Decimal("0.5")), (Scheme.SZA, Decimal("0.6")))):
        with pytest.raises(InvalidInput) as refused:
            weighed(desk_sessions, desk, limits=wrong)
        assert refused.value.field == "limits"


@pytest.mark.usefixtures("pledges")
def test_what_a_limit_costs_is_said_and_is_what_the_next_yuan_of_it_saves(desk_sessions: Sessions, desk: Desk) -> None:
    """A yuan of cover costs 0.031 / (1 - 0.40) = 0.0517 in CEA and 0.031 / (1 - 0.60) = 0.0775 in credits.

    A yuan more of the limit on CEA puts one for the other: 0.0258; 10,000 more, from 0.95 to 0.96 of what is asked,
    save 258.33, but for what whole tonnes leave over.
    """
    with desk_sessions.begin() as session:
        for key, value, unit in SAMPLE_OF_CREDITS:
            entered = parameter(key, value, scope="CCER", unit=unit)
            enter_parameter(session, desk.maker, desk.checker, entered, reason="样例", at=CLOCK.now())
    need = AddedNeed(name="N", required_cny=Decimal("1000000.00"), end_date=date(2025, 9, 30))

    def limited(ratio: str) -> AllocationFound:
        return weighed(
            desk_sessions, desk, pledgor="E1", released=("P1",), added=(need,), limits=((Scheme.CEA, Decimal(ratio)),)
        )

    found, wider = limited("0.95"), limited("0.96")
    assert found.words == (
        ("N 的担保需求每增加 1 元，成本增加 0.0775 元", "one more of requirement N costs 0.0775"),
        ("N CEA 的集中度上限每放宽 1 元，成本减少 0.0258 元", "one more of the limit on N CEA saves 0.0258"),
    )
    assert found.cost_cny is not None
    assert wider.cost_cny is not None
    assert found.cost_cny - wider.cost_cny == pytest.approx(Decimal("258.33"), abs=Decimal(6))
    loose = limited("1.1").words
    assert [zh for zh, _ in loose] == ["N 的担保需求每增加 1 元，成本增加 0.0517 元"], (
        "a limit that binds nothing costs nothing"
    )


@pytest.mark.usefixtures("pledges")
def test_moving_costs_and_the_policys_haircut_counts(desk_sessions: Sessions, desk: Desk) -> None:
    """P3 asks 855,758.81 with 40,000 t there and 2,000 t free at 40.00; by policy at 52%: 42,000 t give 806,400.

    49,358.81 / (41.00 x 0.48) = 2,508.07: 2,509 t of SZA-2024. Cost 0.03 x (1,680,000 + 102,869) + 0.001 x (80,000 +
    102,869) = 53,486.07 + 182.869. At 55% 47,407 t would be needed, and 45,407 may be pledged: 75,000 less 28,731 owed
    and a buffer of 862.
    """
    in_force(desk_sessions, desk, policy(table_ratio="0.52"))
    found = weighed(desk_sessions, desk, "E3")
    assert tonnes(found) == {("P3", "SZA-2023"): (40_000, 42_000), ("P3", "SZA-2024"): (0, 2_509)}
    assert found.cost_cny == Decimal("53668.94")
    traced = {one.name: one.value for one in found.trace}
    assert (traced["moved_value_SZA-2023_0"], traced["moved_value_SZA-2024_0"]) == ("80000.00", "102869.00")
    assert traced["haircut_policy_SZA-2024_0"] == "0.52"
    assert {one.haircut_ratio for one in found.lines} == {Decimal("0.52")}
    in_force(desk_sessions, desk, policy(table_ratio="0.55"))
    assert not weighed(desk_sessions, desk, "E3").is_feasible


@pytest.mark.usefixtures("pledges")
def test_what_the_client_must_surrender_is_not_pledged_and_the_shortage_is_named(
    desk_sessions: Sessions, desk: Desk
) -> None:
    """E1 holds 620,000 t of CEA and 221,004 t count as to come; it owes 796,726 and a buffer of 7,968: 36,310 t are left.

    36,310 t x 74.03 x 0.6 = 1,612,817.58 of the 2,001,700.00 that P1 asks; 0.02 more is the fens of two lots' rounding.
    """
    found = weighed(desk_sessions, desk, "E1")
    assert (found.is_feasible, found.lines, found.cost_cny) == (False, (), None)
    (need,) = found.needs
    assert need.shortfall_cny == pytest.approx(Decimal("388882.42"), abs=Decimal("0.03"))
    assert "CCER" in {unit for unit, _, _ in found.left_out}


@pytest.mark.usefixtures("pledges")
def test_what_if_a_unit_is_left_out_a_pledge_released_or_a_lender_added(desk_sessions: Sessions, desk: Desk) -> None:
    """Without SZA-2022, P2 takes 60,000 t of SZA-2023 that stand there and 1,100,661.25 after haircut of what is free."""
    without = weighed(desk_sessions, desk, without=(Unit.parse("SZA-2022"),))
    taken = {unit: proposed_t for (_, unit), (_, proposed_t) in tonnes(without).items()}
    assert taken["SZA-2023"] >= 60_000
    covered = taken["SZA-2023"] * 20 + taken["SZA-2024"] * Decimal("20.5")
    assert Decimal("2300661.25") <= covered < Decimal("2300682.25"), "less than one tonne more than is asked"
    assert ("SZA-2022", "按要求不使用", "left out as asked") in without.left_out
    lender = AddedNeed(name="另一银行", required_cny=Decimal("205000.00"), end_date=date(2025, 12, 31))
    alone = weighed(desk_sessions, desk, released=("P2",), added=(lender,))
    assert [one.name for one in alone.needs] == ["另一银行"]
    assert sum(one.proposed_t for one in alone.lines) > 0
    both = weighed(desk_sessions, desk, added=(lender,))
    assert both.cost_cny is not None
    assert both.cost_cny > Decimal("138040.80")
    with pytest.raises(NotApplicable):
        weighed(desk_sessions, desk, released=("P2",))


@pytest.mark.usefixtures("pledges")
def test_a_vintage_that_ends_too_early_serves_no_later_need(desk_sessions: Sessions, desk: Desk) -> None:
    """CEA-2023 may be surrendered until the end of 2025: it serves a need of October and none of June 2026.

    10,000.00 / (74.03 x 0.6) = 225.13: 226 t.
    """
    october = AddedNeed(name="另一银行", required_cny=Decimal("10000.00"), end_date=date(2025, 10, 31))
    given = {"released": ("P1",), "without": (Unit.parse("CEA-2024"),)}
    found = weighed(desk_sessions, desk, "E1", added=(october,), **given)
    assert tonnes(found) == {("另一银行", "CEA-2023"): (0, 226)}
    with pytest.raises(NotApplicable) as refused:
        weighed(desk_sessions, desk, "E1", added=(replace(october, end_date=date(2026, 6, 30)),), **given)
    assert "CEA-2023：最后安全日早于各需求的到期日" in refused.value.zh


def test_what_an_authority_froze_covers_nothing(desk_sessions: Sessions, desk: Desk, pledges: dict[str, str]) -> None:
    """P3 keeps 37,000 of its 40,000 t; with 2,000 t free 39,000 t of SZA-2023 give 780,000, the rest is SZA-2024.

    75,758.81 / 20.50 = 3,695.55: 3,696 t.
    """
    record(desk_sessions, desk, order(desk, ActKind.FREEZE, "E3", "SZA-2023", 3_000, pledge=pledges["P3"]))
    found = weighed(desk_sessions, desk, "E3")
    assert tonnes(found) == {("P3", "SZA-2023"): (37_000, 39_000), ("P3", "SZA-2024"): (0, 3_696)}


@pytest.mark.usefixtures("pledges")
def test_what_cannot_be_weighed_is_refused(desk_sessions: Sessions, desk: Desk) -> None:
    for given, field in (
        ({"released": ("P9",)}, "released"), ({"use_cost_rate": Decimal(0)}, "use_cost_rate"),
        ({"movement_cost_rate": Decimal("1.1")}, "use_cost_rate"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput) as refused:
            weighed(desk_sessions, desk, **given)
        assert refused.value.field == field
    for name, amount in ((" ", "1.00"), ("x", "0.00"), ("x", "1.001")):
        with pytest.raises(InvalidInput):
            AddedNeed(name=name, required_cny=Decimal(amount), end_date=date(2025, 12, 31))
    with pytest.raises(NotFound):
        weighed(desk_sessions, desk, pledgor_id="0" * 36)


def test_api_page_and_command_say_the_same(edge: Edge) -> None:
    client = client_of(edge)
    told = client.post("/v1/allocations/previews", json=BODY)
    assert told.status_code == 200, told.text
    assert told.json()["cost_cny"] == "138040.80"
    assert client_of(edge, "other").post("/v1/allocations/previews", json=BODY).status_code == 404
    for changed, status in (({"use_cost_rate": "0"}, 422), ({"use_cost_rate": "x"}, 400), ({"released": ["P9"]}, 422)):
        assert client.post("/v1/allocations/previews", json={**BODY, **changed}).status_code == status
    with signed_in(edge, "officer") as people:
        assert 'href="/pledges/allocation"' in people.get("/pledges", headers=PAGE).text
        assert "试算条件" in people.get("/pledges/allocation", headers=PAGE).text
        shown = people.get("/pledges/allocation", params=BODY, headers=PAGE)
        assert shown.status_code == 200
        assert all(word in shown.text for word in ("56,534", "138,040.80", "每增加 1 元", "<svg"))
        linked, traced = linked_figures(shown.text)
        assert {"cost", "required_0", "covered_0", "proposed_SZA-2023_0", "haircut_counted_SZA-2022_0"} <= linked
        assert linked <= traced, linked - traced
        assert [one["name"] for one in told.json()["trace"]] == re.findall(r'id="figure-([^"]+)"', shown.text)
        short = people.get("/pledges/allocation", params={**BODY, "pledgor": ENTERPRISES["E1"][1]}, headers=PAGE).text
        assert all(word in short for word in ("不能满足全部担保需求", "388,882.4", "CCER"))
        linked, traced = linked_figures(short)
        assert linked >= {"required_0", "shortfall_0"}
        assert linked <= traced, linked - traced
        wrong = people.get("/pledges/allocation", params={**BODY, "lender": "甲", "required_cny": "many"}, headers=PAGE)
        assert (wrong.status_code, "many" in wrong.text) == (422, True)


def test_a_command_allocates(command_line: Desk, sqlite_sessions: Sessions, capsys: pytest.CaptureFixture[str]) -> None:
    with sqlite_sessions.begin() as session:
        take_over_all(session, command_line)
    asked = ("collateral", "allocate", E2, "--use-cost", "0.03", "--movement-cost", "0.001")
    assert run("--json", *asked) == 0
    assert json.loads(capsys.readouterr().out)["cost_cny"] == "138040.80"
    assert run(*asked) == 0
    assert "每增加 1 元" in capsys.readouterr().out
    assert run("collateral", "allocate", ENTERPRISES["E1"][1], "--use-cost", "0.03") == 0
    assert run(*asked, "--released", "P9") == 2
