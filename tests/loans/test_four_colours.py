"""Four colours after Quzhou's account: by hand, without what is missing, never better for worse, by API, page and command."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from carbonfin.rules.parameters import Grade, ParameterValue
from carbonfin.storage.decisions import load_inputs, replay_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rulebook import enter_parameter
from loans import service
from loans.calc.ratings.four_colour import COLOURS, FOUR_COLOUR_KIND, REGION_MEAN_KEY, colour_below, rate_four_colours
from tests.app.worlds import PAGE
from tests.loans.conftest import Desk
from tests.loans.samples import E4_USCI
from tests.loans.scorecard_worlds import fill_scorecard, standing_at
from tests.loans.test_commands import filled, run
from tests.loans.world import KNOWN_AT, Bank, open_bank

__all__ = ["filled", "run"]
REGION = ParameterValue(
    key=REGION_MEAN_KEY, scope="广东", value="0.25", unit="t/万元", valid_from=date(2024, 1, 1), valid_to=None,
    known_from=date(2025, 1, 1), document="区域碳强度公报(示例)", article="表一", grade=Grade.READ, confirmed=True,
    approved_by=(), note="", title_zh="区域平均碳强度", title_en="Mean intensity of the region",
)  # fmt: skip


def fill(sessions: Sessions, *, has_region: bool = True) -> Bank:
    with sessions.begin() as session:
        bank = open_bank(session)
        fill_scorecard(session, bank)
        if has_region:
            enter_parameter(session, bank.officer, bank.checker, REGION, reason="公报", at=KNOWN_AT)
    return bank


def rated(sessions: Sessions, bank: Bank) -> Any:
    with sessions.begin() as session:
        return service.rate_by_four_colours(session, bank.officer, bank.clothing, year=None, standing=standing_at(bank))


def test_three_colours_by_hand_and_the_worst_of_them(sessions: Sessions) -> None:
    bank = fill(sessions)
    made = rated(sessions, bank)
    # 3,600 MWh x 0.4403 + 259.80 t of gas = 1,844.88 t over 6,150 万元: 0.29998. Half of the peers lie at or below 0.3.
    # The year before, with the same factor, 2,108.33 t over 6,000 万元: 0.35139; a fall of 0.1463. Region: 0.29998/0.25.
    found = {one.name: (one.measure, one.colour) for one in made.outcome.dimensions}
    assert found == {
        "industry": (Decimal("0.9999"), "浅绿"), "region": (Decimal("1.1999"), "黄"),
        "history": (Decimal("0.1463"), "深绿"),
    }  # fmt: skip
    assert (made.outcome.colour, made.outcome.missing, made.outcome.emissions_t) == ("黄", (), Decimal("1844.88"))
    with sessions.read() as session:
        assert replay_decision(session, [FOUR_COLOUR_KIND], made.decision_id).same
    names = {figure.name for figure in made.outcome.trace}
    assert {"colour", "colour.industry", "bound.history.黄", "region_mean_t_per_10k_cny"} <= names


def test_without_a_region_s_mean_there_is_no_colour_of_the_whole(sqlite_sessions: Sessions) -> None:
    bank = fill(sqlite_sessions, has_region=False)
    made = rated(sqlite_sessions, bank)
    assert {one.name: one.colour for one in made.outcome.dimensions} == {
        "industry": "浅绿", "region": None, "history": "深绿",
    }  # fmt: skip
    assert (made.outcome.colour, [one.field for one in made.outcome.missing]) == (None, ["region_mean"])


def test_what_is_missing_is_named_and_never_makes_a_colour(sqlite_sessions: Sessions) -> None:
    bank = fill(sqlite_sessions)
    made = rated(sqlite_sessions, bank)
    with sqlite_sessions.read() as session:
        inputs = load_inputs(session, bank.officer, FOUR_COLOUR_KIND, made.decision_id)
    current = inputs.current
    for less, field in (
        (replace(inputs, previous=None), "previous"),
        (replace(inputs, factors=None), "electricity_kwh"),
        (replace(inputs, current=replace(current, value_added_cny=None)), "value_added_cny"),
        (replace(inputs, current=replace(current, value_added_cny=Decimal(-1))), "value_added_cny"),
        (replace(inputs, current=replace(current, is_comparable=0)), "is_comparable"),
        (replace(inputs, current=replace(current, is_comparable=None)), "is_comparable"),
        (replace(inputs, current=replace(current, missing_months=("2024-11 A",))), "month"),
        (replace(inputs, benchmark=replace(inputs.benchmark, group=None)), "industry"),
    ):
        outcome = rate_four_colours(less)
        assert (outcome.colour, field in [one.field for one in outcome.missing]) == (None, True), field
    for times in (Decimal("1.2"), Decimal(2), Decimal(10)):
        worse = replace(current, electricity_kwh=int(times * (current.electricity_kwh or 0)))
        outcome = rate_four_colours(replace(inputs, current=worse))
        assert outcome.colour is not None
        assert COLOURS.index(outcome.colour) >= COLOURS.index("黄")
    assert outcome.colour == "红"


@given(st.fractions(0, 3), st.fractions(0, 3))
def test_bounds_are_closed_on_the_right_and_worse_is_never_better(one: Fraction, other: Fraction) -> None:
    bounds = [Fraction(8, 10), Fraction(1), Fraction(3, 2)]
    low, high = sorted((one, other))
    assert COLOURS.index(colour_below(low, bounds)) <= COLOURS.index(colour_below(high, bounds))
    assert [colour_below(bound, bounds) for bound in bounds] == list(COLOURS[:3])
    assert colour_below(Fraction(3, 2) + Fraction(1, 10**9), bounds) == "红"


def test_by_name_of_the_method_with_its_sources(desk: Desk) -> None:
    with desk.sessions.begin() as session:
        fill_scorecard(session, desk.bank)
        enter_parameter(session, desk.bank.officer, desk.bank.checker, REGION, reason="公报", at=KNOWN_AT)
    answers = {
        method: desk.system.post(
            "/v1/ratings", json={"usci": E4_USCI, "method": method}, headers={"Idempotency-Key": method}
        ).json()
        for method in ("four-colour", "carbon-efficiency", "scorecard")
    }
    made = answers["four-colour"]
    assert (made["colour"], made["method"], made["year"]) == ("黄", "four-colour", 2024)
    assert "非衢州评价结果，非深圳企业碳账户评级" in made["method_zh"]
    for method, document in (
        ("four-colour", "衢州"), ("carbon-efficiency", "浙江，工业碳效码"), ("scorecard", "本系统自有方法"),
    ):  # fmt: skip
        assert answers[method]["method"] == method
        unconfirmed = [one["document"] for one in answers[method]["sources"] if not one["confirmed"]]
        assert any(document in one for one in unconfirmed), (method, unconfirmed)
    assert {"document": "区域碳强度公报(示例)", "note": "", "confirmed": True} in made["sources"]
    address = f"/enterprises/{desk.bank.clothing.id}/rating"
    assert desk.post(address, {"method": "four-colour"}).status_code == 303
    shown = desk.get(address).text
    for words in ("四色评价", "行业先进性", "区域贡献度", "历史下降法", "非衢州评价结果", "未确认"):
        assert words in shown, words
    english = desk.browser.get(f"{address}?lang=en", headers=PAGE).text
    assert ("Four colours" in english, "light green" in english) == (True, True)


def test_a_command_rates_by_four_colours(filled: None, run: Callable[[list[str]], Any]) -> None:  # noqa: ARG001
    answer = run(["four-colours", E4_USCI, "--year", "2024"])
    assert (answer["colour"], answer["industry"], answer["history"]) == (None, "浅绿", "深绿")
    assert "区域平均碳强度" in answer["missing"][0]
