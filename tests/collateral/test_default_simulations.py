"""A default simulated on a pledge's own facts: by API, page and command, refused where a fact is missing."""

import json
import math
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.errors import Conflict, InvalidInput, MissingData, NotFound
from carbonfin.storage.engine import Sessions
from collateral import service
from collateral.calc.authority_acts import ActKind
from collateral.calc.haircut_models.default_simulation import (
    AuctionTerms,
    DefaultClaim,
    SoldLot,
    simulated_default,
    simulated_defaults,
)
from collateral.calc.haircut_models.sale_terms import SaleTerms
from collateral.service.default_simulations import DefaultAssumed, simulate_default
from pricing.service import import_price_file
from tests.app.worlds import PAGE
from tests.collateral.desk import Desk, take_over_all
from tests.collateral.test_edges import Edge, client_of, command_line, edge, run, signed_in
from tests.collateral.test_enforcement import order, record
from tests.collateral.test_pledge_haircuts import in_force, policy
from tests.collateral.world import TODAY

__all__ = ["command_line", "edge"]

AUCTION = AuctionTerms(after_days=30, discount_ratio=Decimal("0.3"), success_ratio=Decimal("0.6"))
ASSUMED = DefaultAssumed(auction=AUCTION, costs_cny=Decimal("20000.00"))


def terms(**given: Any) -> SaleTerms:
    plain: dict[str, Any] = {
        "daily_drift": 0.0, "daily_deviation": 0.02, "notice_days": 5, "cure_days": 0, "quantity_adv": 2.0,
        "participation_ratio": 0.2, "trade_day_ratio": 1.0, "daily_limit_ratio": 0.1, "bid_ask_ratio": 0.0,
        "impact": 0.0,
    }  # fmt: skip
    return SaleTerms(**plain | given)


def test_two_halves_of_one_unit_come_to_what_the_whole_does() -> None:
    """Sold side by side on the same draws, each at its own rate: every path brings the same, and so does each figure."""
    whole = simulated_default(
        terms(), AUCTION, DefaultClaim(market_value_cny=Decimal(1_000), claim_cny=Decimal(800), costs_cny=Decimal(10)),
        path_count=2_000, seed=3,
    )  # fmt: skip
    half = SoldLot(terms=terms(), market_value_cny=Decimal(500))
    halves = simulated_defaults(
        (half, half), AUCTION, claim_cny=Decimal(800), costs_cny=Decimal(10), path_count=2_000, seed=3
    )
    assert halves == whole


def test_what_falls_without_noise_is_reckoned_by_hand() -> None:
    """No deviation: lot one sells whole at 600; of lot two, 400, a tenth of a day's volume sells in 25 days, 250 / 1,000.

    Twenty-five days after notice to day 30 at 0.01 of volume a day over 1 ADV leave three quarters: 400·0.25 = 100 on the
    exchange and 300·0.7 = 210 where the auction sells. Net 600 + 100 (+ 210) - 10 = 690 or 900 of a claim of 800.
    """
    lots = (
        SoldLot(terms=terms(daily_deviation=1e-5), market_value_cny=Decimal(600)),
        SoldLot(terms=terms(daily_deviation=1e-5, quantity_adv=1.0, participation_ratio=0.01),
                market_value_cny=Decimal(400)),
    )  # fmt: skip
    found = simulated_defaults(lots, AUCTION, claim_cny=Decimal(800), costs_cny=Decimal(10), path_count=4_000, seed=3)
    levels = {one.level: one.value for one in found.recovery_quantiles}
    assert levels[Decimal("0.05")] == pytest.approx(Decimal("0.8625"), abs=Decimal("0.0005"))
    assert levels[Decimal("0.95")] == 1
    assert found.shortfall_ratio == pytest.approx(Decimal("0.4"), abs=Decimal("0.03")), "where the auction fails"
    assert (found.auction_ratio, found.auctioned_mean_ratio) == (1, Decimal("0.3"))
    surplus, shortfall = 100 * (1 - found.shortfall_ratio), 110 * found.shortfall_ratio
    assert found.surplus_mean_cny == pytest.approx(surplus, abs=Decimal("0.05"))
    assert found.shortfall_mean_cny == pytest.approx(shortfall, abs=Decimal("0.05"))


def test_nothing_to_sell_and_no_value_are_refused() -> None:
    with pytest.raises(InvalidInput):
        simulated_defaults((), AUCTION, claim_cny=Decimal(1), costs_cny=Decimal(0), path_count=2_000, seed=1)
    with pytest.raises(InvalidInput):
        SoldLot(terms=terms(), market_value_cny=Decimal(0))
    for wrong in ({"costs_cny": Decimal(-1)}, {"costs_cny": Decimal("0.001")}):
        with pytest.raises(InvalidInput):
            DefaultAssumed(**{"auction": AUCTION, **wrong})
    with pytest.raises(InvalidInput):
        DefaultAssumed(
            auction=AuctionTerms(after_days=0, discount_ratio=Decimal(0), success_ratio=Decimal(1)),
            costs_cny=Decimal(0),
        )


def quotes(unit: str, *, days: int = 300, volume_t: int = 20_000) -> bytes:
    """Make closes by day up to the business date, each traded; a made-up series."""
    draw = np.random.default_rng(4)
    rows, day = ["日期,品种,收盘价,成交量(吨),挂牌成交额(元)"], TODAY
    for level in np.cumsum(draw.normal(0, 0.01, days)):
        while day.weekday() > 4:
            day -= timedelta(days=1)
        close = f"{40 * math.exp(level):.2f}"
        rows.append(f"{day},{unit},{close},{volume_t},{volume_t * float(close):.2f}")
        day -= timedelta(days=1)
    return "\n".join(rows).encode()


@pytest.fixture
def pledges(desk_sessions: Sessions, desk: Desk) -> dict[str, str]:
    return made_pledges(desk_sessions, desk)


def made_pledges(sessions: Sessions, desk: Desk) -> dict[str, str]:
    with sessions.begin() as session:
        found = take_over_all(session, desk)
    load_quotes(sessions, desk)
    return found


def load_quotes(sessions: Sessions, desk: Desk) -> None:
    with sessions.begin() as session:
        report = import_price_file(
            session, desk.maker, content=quotes("SZA-2023"), file_name="a.csv", exchange="示例交易所", document="示例",
            known_at=end_of_china_day(TODAY), preview=False,
        )  # fmt: skip
        assert not report.failures


def test_a_pledge_is_simulated_on_what_it_owes_by_the_terms_of_its_class(
    desk_sessions: Sessions, desk: Desk, pledges: dict[str, str]
) -> None:
    """P3: 40,000 t of SZA-2023, 855,000.00 and 758.81 accrued; the same request gives the same figures."""
    in_force(desk_sessions, desk, policy(jumps=None, seed=11, notice_days=3))
    with desk_sessions.read() as session:
        found = simulate_default(session, desk.maker, pledges["P3"], ASSUMED, standing=desk.standing)
        again = simulate_default(session, desk.maker, pledges["P3"], ASSUMED, standing=desk.standing)
        (unit,) = found.units
    assert found == again
    assert found.claim_cny == Decimal("855758.81")
    assert (str(unit.unit), unit.quantity_t, unit.policy, found.seed) == ("SZA-2023", 40_000, "SZA 第1版", 11)
    assert unit.daily_volume_t == Decimal(20_000)
    assert 0 < found.found.recovery_mean_ratio <= 1


def test_what_an_authority_froze_is_not_sold(desk_sessions: Sessions, desk: Desk, pledges: dict[str, str]) -> None:
    in_force(desk_sessions, desk, policy())
    for frozen_t, left_t in ((15_000, 25_000), (25_000, 0)):
        record(desk_sessions, desk, order(desk, ActKind.FREEZE, "E3", "SZA-2023", frozen_t, pledge=pledges["P3"]))
        with desk_sessions.read() as session:
            if left_t:
                found = simulate_default(session, desk.maker, pledges["P3"], ASSUMED, standing=desk.standing)
                assert [one.quantity_t for one in found.units] == [left_t]
            else:
                with pytest.raises(MissingData):
                    simulate_default(session, desk.maker, pledges["P3"], ASSUMED, standing=desk.standing)


def test_what_is_missing_refuses_and_nothing_is_guessed(
    desk_sessions: Sessions, desk: Desk, pledges: dict[str, str]
) -> None:
    with desk_sessions.read() as session:
        with pytest.raises(MissingData, match="no haircut policy"):
            simulate_default(session, desk.maker, pledges["P3"], ASSUMED, standing=desk.standing)
        with pytest.raises(NotFound):
            simulate_default(session, desk.stranger, pledges["P3"], ASSUMED, standing=desk.standing)
    in_force(desk_sessions, desk, policy())
    with desk_sessions.read() as session:
        with pytest.raises(MissingData) as refused:  # P2 holds SZA-2022 too, which has no volumes
            simulate_default(session, desk.maker, pledges["P2"], ASSUMED, standing=desk.standing)
        assert "SZA-2022 缺少" in refused.value.zh
    with desk_sessions.begin() as session:
        service.record_exposure(
            session, desk.maker, "P3", principal_cny=Decimal("0.00"), accrued_cny=Decimal("0.00"), exposure_date=TODAY
        )
    with desk_sessions.read() as session, pytest.raises(Conflict, match="nothing is owed"):
        simulate_default(session, desk.maker, pledges["P3"], ASSUMED, standing=desk.standing)


def test_a_default_is_simulated_by_command(
    command_line: Desk, sqlite_sessions: Sessions, capsys: pytest.CaptureFixture[str]
) -> None:
    made_pledges(sqlite_sessions, command_line)
    in_force(sqlite_sessions, command_line, policy())
    asked = ("collateral", "simulate-default", "P3", "--after-days", "30", "--discount", "0.3", "--success", "0.6")
    assert run("--json", *asked) == 0
    body = json.loads(capsys.readouterr().out)
    assert (body["claim_cny"], len(body["recovery_quantiles"])) == ("855758.81", 7)
    assert run(*asked) == 0
    assert "平均回收率" in capsys.readouterr().out
    assert run(*asked[:-1], "1.2") == 2
    assert run("collateral", "simulate-default", "P9", *asked[3:]) == 2


def test_a_default_is_simulated_by_api_and_page_and_linked_from_the_enforcement(edge: Edge) -> None:
    load_quotes(edge.sessions, edge.desk)
    in_force(edge.sessions, edge.desk, policy())
    pledge_id = edge.pledges["P3"].id
    address = f"/v1/pledges/{pledge_id}/enforcement/simulations/previews"
    body = {"after_days": 30, "discount_ratio": "0.3", "success_ratio": "0.6", "costs_cny": "20000.00"}
    client = client_of(edge)
    told = client.post(address, json=body)
    assert told.status_code == 200, told.text
    found = told.json()
    assert (found["claim_cny"], found["units"][0]["quantity_t"]) == ("855758.81", 40_000)
    assert (found["units"][0]["season"]["basis"], found["units"][0]["season"]["is_confirmed"]) == ("measured", False)
    assert client.post(address, json=body).json() == found
    assert client_of(edge, "other").post(address, json=body).status_code == 404
    for changed, status in (
        ({"success_ratio": "1.1"}, 400), ({"after_days": 0}, 400), ({"costs_cny": "-1.00"}, 400),
        ({"discount_ratio": "x"}, 400), ({"after_days": 3}, 422),
    ):  # fmt: skip
        refused = client.post(address, json={**body, **changed})
        assert (refused.status_code, changed) == (status, changed), refused.text
    with signed_in(edge, "officer") as people:
        page = f"/pledges/{pledge_id}/enforcement"
        assert f'href="{page}/simulation"' in people.get(page, headers=PAGE).text
        empty = people.get(f"{page}/simulation", headers=PAGE).text
        assert "补足期届满至拍卖" in empty
        assert "平均回收率" not in empty
        shown = people.get(
            f"{page}/simulation", params={name: str(value) for name, value in body.items()}, headers=PAGE
        )
        assert shown.status_code == 200
        assert all(
            word in shown.text
            for word in (
                "平均回收率",
                "能收回多少债权",
                "SZA 第1版",
                "<svg",
                "20000.00",
                "按实测最清淡的 60 个交易日",
                "未确认",
            )
        )
        wrong = people.get(f"{page}/simulation?after_days=soon&discount_ratio=0.3", headers=PAGE)
        assert (wrong.status_code, "请填写整数交易日" in wrong.text, "soon" in wrong.text) == (422, True, True)
        other = people.get(f"/pledges/{edge.pledges['P1'].id}/enforcement/simulation", params={
            name: str(value) for name, value in body.items()
        }, headers=PAGE)  # fmt: skip
        assert (other.status_code, "CEA-2023 无生效的折扣系数政策" in other.text) == (422, True)
