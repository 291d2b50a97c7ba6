"""Histories of factors, their joint moves, and value at risk by each method: by hand and in closed form."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import fmean
from typing import Any

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - the field's own abbreviation
from scipy.stats import t as student

from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import Currency
from carbonfin.rules.parameters import Grade
from carbonfin.rules.record import canonical_json
from carbonfin.storage.decisions import rebuilt
from pricing.calc.curve_quotes import CurveQuote, CurveQuoteKind
from pricing.calc.forward_market import ForwardMarket
from pricing.calc.market import MarketSnapshot, PriceKind
from pricing.calc.option_market import OptionMarket
from pricing.calc.options.kinds import ExerciseStyle
from pricing.calc.portfolio_risk import (
    CustomStress,
    FactorVolatility,
    MarketDeviation,
    MarketHistory,
    MethodRisk,
    PortfolioRisk,
    RiskInputs,
    RiskMethod,
    measure_risk,
)
from pricing.calc.portfolio_risk.exposures import ExposedLine, MarketScenarios, exposed_lines
from pricing.calc.portfolio_risk.histories import (
    FactorHistory,
    FactorKind,
    HistoryPoint,
    curve_history_of,
    price_history_of,
)
from pricing.calc.portfolio_risk.joint_moves import FEWEST_MOVES, day_deviation, joint_moves
from pricing.calc.portfolio_risk.methods import market_keys
from pricing.calc.portfolio_risk.option_legs import OptionLeg
from pricing.calc.positions import LineKind, PortfolioLine
from pricing.calc.profit import ValuedBook
from pricing.calc.quality import FindingKind
from pricing.calc.risk.contributions import contributions, contributions_of_blocks
from pricing.calc.risk.measures import interval_of, tail_risk
from pricing.calc.risk.scenarios import StressKind
from tests.pricing.markets import BUSINESS_DATE, F1, quote, spot
from tests.pricing.test_forward_moves import _book as forward_book
from tests.pricing.test_forward_moves import _point as forward_point
from tests.pricing.test_futures_in_euro import _book as euro_book
from tests.pricing.test_portfolio_risk import CEA_VOLATILITY, MARKET, assumed, inputs_of
from tests.pricing.test_profit import CALL, _point

EXPOSURE = 750_200.0
"""10,000 t of CEA at 75.02."""
HELD = spot("A", "CEA-2024", 10_000)
STILL = FactorVolatility(factor="CEA", volatility=Decimal(0), source="假设", is_assumption=True)


def market_of(**values: str) -> MarketSnapshot:
    """The market of the tests with other settings of risk, by the end of their key."""
    own = {f"pricing.{key}": text for key, text in values.items()}
    rest = [one for one in MARKET.parameters if one.key not in own]
    return replace(MARKET, parameters=(*rest, *(assumed(key, text) for key, text in own.items())))


def history(moves: Sequence[float], *, name: str = "CEA", kind: FactorKind = FactorKind.PRICE) -> FactorHistory:
    """One quoted day after the other up to the business date, that moves by these."""
    level, points = 0.0, []
    first = BUSINESS_DATE - timedelta(days=len(moves))
    for number, move in enumerate((0.0, *moves)):
        level += move
        shown = level if kind is FactorKind.RATE else math.exp(level)
        points.append(
            HistoryPoint(
                day=first + timedelta(days=number), day_number=number, level=Decimal(f"{shown:.14f}")
            )
        )  # fmt: skip
    return FactorHistory(kind=kind, name=name, source="交易所", points=tuple(points), quoted_count=len(points))


def spread_moves(count: int) -> list[float]:
    """Moves of both signs and all sizes up to 5 %, in no order of size."""
    return [0.05 * math.sin(1.0 + 2.7 * place) for place in range(count)]


def measured(
    *lines: PortfolioLine,
    histories: Sequence[FactorHistory],
    deviations: Sequence[MarketDeviation] = (),
    snapshot: MarketSnapshot | None = None,
    **given: Any,
) -> PortfolioRisk:
    market = MarketHistory(histories=tuple(histories), deviations=tuple(deviations))
    daily = snapshot or market_of(risk_confidence="0.95", risk_horizon_days="1")
    return measure_risk(inputs_of(*lines, snapshot=daily, market=market, **({"scenario_count": 1_000} | given)))


def by(risk: PortfolioRisk, method: RiskMethod) -> MethodRisk:
    return next(one for one in risk.methods or () if one.method is method)


# --- histories ------------------------------------------------------------------------------------------------------
def test_a_close_that_is_no_price_is_left_out_and_its_move_comes_with_the_next() -> None:
    days = [date(2025, 6, 23) + timedelta(days=place) for place in range(5)]
    closes = ("70.00", "70.00", "77.00", "79.00", "90.00")
    quotes = [
        quote("CEA-2024", day, close, kind=PriceKind.VINTAGE_QUOTE) for day, close in zip(days, closes, strict=True)
    ]
    flags = {
        days[1]: [FindingKind.CARRIED_CLOSE, FindingKind.NO_TRADE],
        days[2]: [FindingKind.LIMIT_LOCKED],
        days[4]: [FindingKind.JUMP],
    }
    found = price_history_of("CEA-2024", quotes, flags)
    assert [(point.day, point.day_number, str(point.level)) for point in found.points] == [
        (days[0], 0, "70.00"), (days[3], 3, "79.00"), (days[4], 4, "90.00")
    ]  # fmt: skip
    assert dict(found.left_out) == {
        FindingKind.CARRIED_CLOSE: 1, FindingKind.NO_TRADE: 1, FindingKind.LIMIT_LOCKED: 1
    }  # fmt: skip
    assert (found.quoted_count, found.source) == (5, "交易所")


def _curve_quote(name: str, point: str, day: date, value: str) -> CurveQuote:
    is_strip = name == "EUA"
    return CurveQuote(
        kind=CurveQuoteKind.SETTLEMENT if is_strip else CurveQuoteKind.FIXING, name=name, point=point,
        expiry_date=date(2025, 12, 15) if is_strip else None, quote_date=day, value=Decimal(value),
        currency=Currency.EUR if is_strip else Currency.CNY, known_from=day, source="中心", document="a.csv",
        grade=Grade.READ, is_sample=False,
    )  # fmt: skip


def test_a_strip_moves_by_the_mean_of_its_contracts_and_rates_by_differences() -> None:
    one, two, three = (date(2025, 6, 24) + timedelta(days=place) for place in range(3))
    strip = [
        _curve_quote("EUA", contract, day, price)
        for day, prices in ((one, {"A": "70", "B": "80"}), (two, {"A": "77", "B": "80", "C": "99"}))
        for contract, price in prices.items()
    ]
    found = curve_history_of(FactorKind.PRICE, "EUA", strip)
    assert found is not None
    # ln(77 / 70) and nought: half of it
    assert float(found.points[1].level) == pytest.approx(math.sqrt(77 / 70), abs=1e-9)
    rates = [
        _curve_quote("SHIBOR", tenor, day, value)
        for day, values in ((one, ("0.015", "0.018")), (two, ("0.016", "0.021")), (three, ("0.015", "0.021")))
        for tenor, value in zip(("ON", "3M"), values, strict=True)
    ]
    lpr = [_curve_quote("LPR", "1Y", day, "0.03") for day in (one, two)]
    shibor = curve_history_of(FactorKind.RATE, "CNY", [*rates, *lpr])
    assert shibor is not None
    assert [float(point.level) for point in shibor.points] == pytest.approx([0.0, 0.002, 0.0015], abs=1e-12)
    assert curve_history_of(FactorKind.FX, "EURCNY", [*rates, *strip]) is None
    # After more than a week without a quote nothing before it is used.
    late = [_curve_quote("SHIBOR", "ON", three + timedelta(days=8), "0.02")]
    anew = curve_history_of(FactorKind.RATE, "CNY", [*rates, *late])
    assert anew is not None
    assert [(point.day_number, float(point.level)) for point in anew.points] == [(3, 0.0)]


def test_joint_moves_are_between_days_on_which_every_price_was_one() -> None:
    moves = [0.01, -0.02, 0.03] * 30
    one = history(moves)
    gone = one.points[10].day
    other = history([-move for move in moves], name="CCER")
    other = replace(other, points=tuple(point for point in other.points if point.day != gone))
    rate = history([0.001] * 90, name="CNY", kind=FactorKind.RATE)
    rate = replace(rate, points=tuple(point for point in rate.points if point.day.toordinal() % 3 == 0))
    found = joint_moves([one, other, rate])
    assert found.keys == ((FactorKind.PRICE, "CEA"), (FactorKind.PRICE, "CCER"), (FactorKind.RATE, "CNY"))
    # The rate's first day may come after the first price: no day before it counts.
    lost = sum(1 for point in one.points if point.day < rate.points[0].day)
    assert found.moves.shape == (3, 89 - lost)
    assert found.scaled_count == 1
    place = 9 - lost  # the move over two days, from the day before the one that is gone
    assert found.moves[0, place] == pytest.approx((moves[9] + moves[10]) / math.sqrt(2))
    assert np.sum(found.moves[2]) == pytest.approx(float(rate.points[-1].level - rate.points[0].level), abs=2e-3)


def test_a_history_of_fewer_than_sixty_moves_says_nothing() -> None:
    assert joint_moves([history(spread_moves(FEWEST_MOVES))]).moves.shape == (1, FEWEST_MOVES)
    with pytest.raises(MissingData, match="59 joint moves of CEA can be used, at least 60"):
        joint_moves([history(spread_moves(FEWEST_MOVES - 1))])
    assert day_deviation(history(spread_moves(FEWEST_MOVES - 1))) is None


def test_the_deviation_of_a_day_is_the_renewal_one() -> None:
    whole = history([0.01, -0.01] * 40, name="EURCNY", kind=FactorKind.FX)
    assert day_deviation(whole) == pytest.approx(0.01)
    # Every second point: moves of nought over two days each.
    half = replace(whole, points=whole.points[::2])
    assert day_deviation(half) is None  # forty moves
    long = history([0.01, 0.03] * 80, name="EURCNY", kind=FactorKind.FX)
    assert day_deviation(replace(long, points=long.points[::2])) == pytest.approx(0.04 / math.sqrt(2))


# --- by history -----------------------------------------------------------------------------------------------------
def test_historical_figures_are_the_order_statistics_of_what_was() -> None:
    moves = spread_moves(200)
    losses = sorted(-EXPOSURE * math.expm1(move) for move in moves)
    found = by(measured(HELD, histories=[history(moves)]), RiskMethod.HISTORICAL)
    assert float(found.value_at_risk_cny or 0) == pytest.approx(losses[189], abs=0.006)
    assert float(found.expected_shortfall_cny or 0) == pytest.approx(fmean(losses[190:]), abs=0.006)
    assert (found.scenario_count, found.independent_count, found.tail_count) == (200, 200, 11)
    # 200 x 0.95 -+ 1.96 sqrt(9.5): places 183 and 197
    low, high = found.interval_cny
    assert [float(low or 0), float(high or 0)] == pytest.approx([losses[182], losses[196]], abs=0.006)
    assert found.last_date == BUSINESS_DATE
    assert found.remarks == ()


def test_overlapping_sums_count_as_few() -> None:
    snapshot = market_of(risk_confidence="0.99", risk_horizon_days="20")
    found = by(measured(HELD, histories=[history(spread_moves(250))], snapshot=snapshot), RiskMethod.HISTORICAL)
    # 231 sums, 12 of their own: they bound a 99 % quantile on neither side above the worst
    assert (found.scenario_count, found.independent_count) == (231, 12)
    assert found.interval_cny[1] is None
    assert any("231 个 20 日收益相互重叠，约合 12 个独立情景" in zh for zh, _ in found.remarks)
    assert any("尾部仅" in zh for zh, _ in found.remarks)


def test_filtered_moves_are_rescaled_to_todays_volatility() -> None:
    moves = [0.3 * move for move in spread_moves(120)] + spread_moves(80)
    variance, deviations = fmean(move * move for move in moves[:60]), []
    for move in moves:
        deviations.append(math.sqrt(variance))
        variance = 0.94 * variance + 0.06 * move * move
    now = math.sqrt(variance)
    rescaled = [move * now / deviation for move, deviation in zip(moves[60:], deviations[60:], strict=True)]
    losses = sorted(-EXPOSURE * math.expm1(move) for move in rescaled)
    found = by(measured(HELD, histories=[history(moves)]), RiskMethod.FILTERED_HISTORICAL)
    assert found.scenario_count == 140
    assert float(found.value_at_risk_cny or 0) == pytest.approx(losses[132], abs=0.006)
    assert float(found.expected_shortfall_cny or 0) == pytest.approx(fmean(losses[133:]), abs=0.006)


def test_the_method_asked_for_gives_the_first_figures_and_components_add_up() -> None:
    lines = (HELD, replace(F1, line_id="S", quantity_t=-8_000), spot("B", "CEA-2025", 3_000))
    risk = measured(*lines, histories=[history(spread_moves(200))], method=RiskMethod.HISTORICAL)
    own = by(risk, RiskMethod.HISTORICAL)
    assert (risk.value_at_risk_cny, risk.expected_shortfall_cny) == (own.value_at_risk_cny, own.expected_shortfall_cny)
    assert (risk.method, risk.scenario_count) == (RiskMethod.HISTORICAL, 200)
    assert len(risk.lines) == 3
    parts = [(one.component_cny, one.component_value_at_risk_cny or Decimal(0)) for one in risk.lines]
    assert sum(part for part, _ in parts) == pytest.approx(risk.expected_shortfall_cny, abs=Decimal("0.02"))
    assert sum(part for _, part in parts) == pytest.approx(risk.value_at_risk_cny, abs=Decimal("0.02"))
    # Without the sale or the other holding the rest loses in the same scenario; without the first it loses the other way.
    assert [one.incremental_cny for one in risk.lines[1:]] == pytest.approx(
        [part for _, part in parts[1:]], abs=Decimal("0.02")
    )
    rest = sorted(375_100 * math.expm1(move) for move in spread_moves(200))[189]
    assert float(risk.lines[0].incremental_cny) == pytest.approx(float(risk.value_at_risk_cny or 0) - rest, abs=0.02)


def test_lines_without_history_are_left_out_by_name_and_a_book_of_them_is_refused() -> None:
    why = Failure(
        item="CEA",
        field="unit",
        detail="mixes vintages",
        zh="跨年度混合",
        remedy="One vintage.",
        remedy_zh="单一年度。",
    )
    refused = FactorHistory(
        kind=FactorKind.PRICE, name="CEA", source="", points=(), quoted_count=0, refusal=why
    )  # fmt: skip
    credit = spot("C", "CCER", 10_000)
    risk = measured(HELD, credit, histories=[refused, history(spread_moves(100), name="CCER")])
    found = by(risk, RiskMethod.HISTORICAL)
    assert (found.left_out, found.line_count) == (("A",), 1)
    assert ("跨年度混合", "mixes vintages") in found.remarks
    assert by(risk, RiskMethod.MONTE_CARLO).left_out == ()
    first = measured(
        HELD, credit, histories=[refused, history(spread_moves(100), name="CCER")], method=RiskMethod.HISTORICAL
    )
    assert [failure.item for failure in first.failures] == ["A"]
    assert [line.line_id for line in first.lines] == ["C"]
    assert first.present_value_cny == found.present_value_cny
    alone = measured(HELD, histories=[refused])
    refusal = by(alone, RiskMethod.HISTORICAL).refusal
    assert refusal is not None
    assert "跨年度混合" in refusal.zh
    with pytest.raises(MissingData, match="no line's price has a history: mixes vintages"):
        measured(HELD, histories=[refused], method=RiskMethod.FILTERED_HISTORICAL)


def test_a_measurement_with_histories_comes_out_the_same_from_its_record() -> None:
    inputs = inputs_of(
        HELD, F1, snapshot=market_of(risk_confidence="0.95"), scenario_count=1_000, method=RiskMethod.HISTORICAL,
        market=MarketHistory(histories=(history(spread_moves(100)),), deviations=(_moves(FactorKind.RATE, "CNY", "0.01"),)),
    )  # fmt: skip
    again = rebuilt(canonical_json(inputs), RiskInputs)
    assert canonical_json(measure_risk(again)) == canonical_json(measure_risk(inputs))
    trace = {figure.name: figure for figure in measure_risk(inputs).trace}
    assert trace["history.price.CEA"].value == "101"
    assert "deviation.rate.CNY" in trace["historical.value_at_risk_cny"].inputs


# --- rates, currencies and volatilities beside prices ---------------------------------------------------------------
def _moves(kind: FactorKind, name: str, deviation: str) -> MarketDeviation:
    return MarketDeviation(kind=kind, name=name, deviation=Decimal(deviation), source="假设", is_assumption=True)


def _quantile() -> float:
    """The 99 % quantile of t(6) scaled to variance one, over twenty of 250 days."""
    return float(student.ppf(0.99, 6)) * math.sqrt(4 / 6) * math.sqrt(20 / 250)


def test_a_rate_alone_costs_a_forward_what_its_fixed_leg_gains() -> None:
    risk = measured(
        F1, histories=(), deviations=[_moves(FactorKind.RATE, "CNY", "0.02")], snapshot=MARKET, volatilities=(STILL,),
        scenario_count=200_000,
    )  # fmt: skip
    # 20,000 t bought at 77.50 in 168 days at 1.5 %: dearer to pay where the rate falls
    years = 168 / 365
    fixed = 1_550_000 * math.exp(-0.015 * years)
    expected = fixed * math.expm1(0.02 * _quantile() * years)
    assert float(risk.value_at_risk_cny or 0) == pytest.approx(expected, rel=0.01)
    assert by(risk, RiskMethod.MONTE_CARLO).remarks == ()
    still = measured(F1, histories=(), snapshot=MARKET, volatilities=(STILL,))
    assert still.value_at_risk_cny == Decimal("0.00")
    assert [zh for zh, _ in by(still, RiskMethod.MONTE_CARLO).remarks] == [
        "CNY 利率历史不足，在情景中未变动，相应损失未计入"
    ]


def _option_inputs(*lines: PortfolioLine, deviations: Sequence[MarketDeviation], **given: Any) -> RiskInputs:
    point = _point(BUSINESS_DATE, "70", "0.38", "0.99", "8.4")
    inputs = inputs_of(
        *lines, volatilities=(FactorVolatility(factor="EUA", volatility=Decimal(0), source="假设", is_assumption=True),),
        market=MarketHistory(histories=(), deviations=tuple(deviations)), **given,
    )  # fmt: skip
    options = OptionMarket(valuation_date=BUSINESS_DATE, set_digest="s", quotes_digest="q", points=(point,), gaps=())
    return replace(inputs, book=replace(inputs.book, options=options))


def test_a_currency_alone_costs_an_option_its_part_of_the_value() -> None:
    inputs = _option_inputs(
        CALL, deviations=[_moves(FactorKind.FX, "EUR", "0.10"), _moves(FactorKind.RATE, "EUR", "0")]
    )
    risk = measure_risk(inputs)
    expected = float(risk.present_value_cny) * -math.expm1(-0.10 * _quantile())
    assert float(risk.value_at_risk_cny or 0) == pytest.approx(expected, rel=0.01)
    alone = {one.kind: one for one in risk.stresses}
    assert alone[StressKind.FX_ALONE].pnl_cny == pytest.approx(
        risk.present_value_cny * Decimal("-0.1"), abs=Decimal("0.01")
    )
    assert (alone[StressKind.FX_ALONE].fx_move, alone[StressKind.PRICE_ALONE].fx_move) == (Decimal("-0.10"), None)


def _black(forward: float, sigma: float, discount: float) -> float:
    payoff = ql.PlainVanillaPayoff(ql.Option.Call, 70.0)
    return float(ql.BlackCalculator(payoff, forward, sigma * math.sqrt(163 / 365), discount).value())


def test_an_option_is_valued_again_at_all_its_moves() -> None:
    leg = OptionLeg.of(CALL, _point(BUSINESS_DATE, "70", "0.38", "0.99", "8.4"), BUSINESS_DATE)
    price, logs, rate, fx = (np.array(one) for one in ([-0.2, 0.1], [0.3, -0.1], [0.01, -0.02], [-0.05, 0.04]))
    base = _black(70.0, 0.38, 0.99)
    expected = [
        84_000 * ((1 + x) * _black(70 * (1 + m), 0.38 * math.exp(v), 0.99 * math.exp(-r * 163 / 365)) - base)
        for m, v, r, x in zip(price, logs, rate, fx, strict=True)
    ]
    assert leg.market_pnl(price, logs, rate, fx) == pytest.approx(expected, abs=1e-6)
    # One that may be exercised early gives up less as the rate rises, and moves with it by its slope.
    american = OptionLeg.of(
        replace(CALL, option_style=ExerciseStyle.AMERICAN),
        _point(BUSINESS_DATE, "70", "0.38", "0.99", "8.4"),
        BUSINESS_DATE,
    )
    moved = american.market_pnl(np.zeros(1), None, np.array([0.002]), np.zeros(1))
    assert moved[0] == pytest.approx(american.pnl(np.zeros(1), 0.002)[0], rel=5e-3)


def test_stresses_of_one_thing_alone_take_the_worse_way() -> None:
    sold = replace(CALL, quantity_t=-10_000)
    alone = {one.kind: one for one in measure_risk(_option_inputs(sold, deviations=())).stresses}
    base = _black(70.0, 0.38, 0.99)

    def loss(forward: float, sigma: float, discount: float) -> float:
        return -84_000 * (_black(forward, sigma, discount) - base)

    assert float(alone[StressKind.VOLATILITY_ALONE].pnl_cny) == pytest.approx(loss(70, 0.57, 0.99), abs=0.01)
    assert alone[StressKind.VOLATILITY_ALONE].volatility_move == Decimal("0.50")
    assert float(alone[StressKind.PRICE_ALONE].pnl_cny) == pytest.approx(loss(84, 0.38, 0.99), abs=0.01)
    falls = 0.99 * math.exp(0.01 * 163 / 365)
    assert float(alone[StressKind.RATE_ALONE].pnl_cny) == pytest.approx(loss(70, 0.38, falls), abs=0.01)
    held = {one.kind: one.pnl_cny for one in measure_risk(inputs_of(HELD)).stresses}
    assert held[StressKind.PRICE_ALONE] == Decimal("-150040.00")
    assert held[StressKind.FX_ALONE] == held[StressKind.VOLATILITY_ALONE] == held[StressKind.RATE_ALONE] == 0


def test_a_scenario_of_ones_own_moves_currency_and_volatility() -> None:
    own = CustomStress(
        price_moves=(("EUA", Decimal("-0.1")),), rate_move=Decimal("0.01"), fx_move=Decimal("0.05"),
        volatility_move=Decimal("0.25"),
    )  # fmt: skip
    found = next(
        one
        for one in measure_risk(_option_inputs(CALL, deviations=(), custom=own)).stresses
        if one.kind is StressKind.OTHER
    )
    worth = _black(63.0, 0.38 * 1.25, 0.99 * math.exp(-0.01 * 163 / 365))
    assert float(found.pnl_cny) == pytest.approx(84_000 * (1.05 * worth - _black(70.0, 0.38, 0.99)), abs=0.01)
    for name in ("fx_move", "volatility_move"):
        with pytest.raises(InvalidInput, match=f"{name} is -1"):
            measure_risk(_option_inputs(CALL, deviations=(), custom=replace(own, **{name: Decimal(-1)})))


def _forward(*, forward: str | None, priced: Currency = Currency.CNY) -> ExposedLine:
    point = replace(forward_point(BUSINESS_DATE, forward=forward, discount="0.99"), price_currency=priced)
    book: ValuedBook = forward_book(BUSINESS_DATE, point)
    inputs = replace(
        inputs_of(F1),
        book=replace(
            book.inputs,
            forwards=ForwardMarket(
                valuation_date=BUSINESS_DATE, set_digest="d" * 64, quotes_digest="q" * 64, points=(point,), gaps=()
            ),
        ),
    )  # fmt: skip
    exposed, failures = exposed_lines(inputs, {one.line_id: one for one in book.value.lines})
    assert failures == []
    return exposed[0]


def test_a_forward_moves_with_price_rate_and_the_currency_of_its_price() -> None:
    years = 168 / 365
    price, rate, other, fx = (np.array([one]) for one in (0.1, 0.01, -0.005, 0.03))
    moved = MarketScenarios(
        price={"CEA": price}, log_volatility={}, rate={"CNY": rate, "EUR": other}, fx={"EUR": fx}, count=1
    )
    # 78 (1.1) and 77.50, both discounted at the moved rate of 元
    listed = _forward(forward="78")
    assert listed.is_forward_priced
    value = 20_000 * (78 * 1.1 - 77.5) * 0.99 * math.exp(-0.01 * years)
    assert listed.scenario_pnl(moved)[0] == pytest.approx(value - 20_000 * 0.5 * 0.99, abs=0.02)
    assert listed.pnl(0.1, 0.01) == pytest.approx(listed.scenario_pnl(moved)[0], abs=0.02)
    # Priced in euro and agreed in 元: the price's leg takes the euro and its rate
    foreign = _forward(forward="78", priced=Currency.EUR)
    price_leg = 20_000 * 78 * 0.99
    expected = price_leg * (1.1 * 1.03 * math.exp(0.005 * years) - 1) - 20_000 * 77.5 * 0.99 * math.expm1(-0.01 * years)
    assert foreign.scenario_pnl(moved)[0] == pytest.approx(expected, abs=0.02)
    # Carried from spot: the price is of today, the rate discounts what is paid
    carried = _forward(forward=None)
    assert carried.line.kind is LineKind.FORWARD
    assert not carried.is_forward_priced
    expected = 20_000 * 74 * 0.1 - 20_000 * 77.5 * 0.99 * math.expm1(-0.01 * years)
    assert carried.scenario_pnl(moved)[0] == pytest.approx(expected, abs=0.02)


def test_a_future_settled_in_euro_has_the_euro_move_what_its_price_makes_alone() -> None:
    book = euro_book(BUSINESS_DATE, {date(2025, 6, 27): "68.85", BUSINESS_DATE: "70.17"}, "8.40")
    volatility = FactorVolatility(factor="EUA", volatility=Decimal("0.4"), source="假设", is_assumption=True)
    inputs = replace(inputs_of(F1, volatilities=(volatility,)), book=book.inputs)
    (future,), failures = exposed_lines(inputs, {one.line_id: one for one in book.value.lines})
    assert failures == []
    still, fall, up = (np.array([one]) for one in (0.0, -0.1, 0.05))

    def pnl(price: np.ndarray, fx: np.ndarray) -> float:
        rate = {"EUR": np.array([0.01])}
        scenarios = MarketScenarios(price={"EUA": price}, log_volatility={}, rate=rate, fx={"EUR": fx}, count=1)
        return float(future.scenario_pnl(scenarios)[0])

    assert pnl(still, up) == pytest.approx(0.0, abs=1e-6)
    assert pnl(fall, still) == pytest.approx(3_000 * 7.017 * 8.40, abs=0.5)
    assert pnl(fall, up) == pytest.approx(3_000 * 7.017 * 8.40 * 1.05, abs=0.5)
    assert market_keys([future]) == {(FactorKind.FX, Currency.EUR)}


def test_history_moves_a_currency_with_the_price_it_moved_with() -> None:
    """Each day's price and euro move together, so that the joint loss is that of both, not of one."""
    moves = spread_moves(200)
    point = replace(forward_point(BUSINESS_DATE, forward="78", discount="0.99"), price_currency=Currency.EUR)
    book = forward_book(BUSINESS_DATE, point)
    euro = history([0.5 * move for move in moves], name="EURCNY", kind=FactorKind.FX)
    rates = [history([0.0001] * 200, name=name, kind=FactorKind.RATE) for name in ("CNY", "EUR")]
    snapshot = market_of(risk_confidence="0.95", risk_horizon_days="1")
    inputs = replace(
        inputs_of(F1, scenario_count=1_000),
        book=replace(book.inputs, snapshot=replace(snapshot, quotes=book.inputs.snapshot.quotes)),
        market=MarketHistory(histories=(history(moves), euro, *rates), deviations=()),
    )
    years = 168 / 365
    price_leg, fixed = 20_000 * 78 * 0.99, 20_000 * 77.5 * 0.99
    pnl = [
        price_leg * (math.exp(1.5 * move - 0.0001 * years) - 1) - fixed * math.expm1(-0.0001 * years) for move in moves
    ]
    found = by(measure_risk(inputs), RiskMethod.HISTORICAL)
    assert float(found.value_at_risk_cny or 0) == pytest.approx(sorted(-one for one in pnl)[189], abs=0.05)
    assert found.remarks == ()


# --- the parts of a sum ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("parts", [1, 2, 3, 63, 64, 65, 66, 130])
def test_blocks_of_parts_give_the_bits_of_the_whole(parts: int) -> None:
    pnl = np.random.default_rng(parts).normal(size=(parts, 700))
    whole = contributions(pnl, Decimal("0.97"))
    starts = list(range(0, parts, 64))
    if len(starts) > 1 and parts - starts[-1] == 1:
        starts.pop()
    total = np.zeros(700)
    for row in pnl:
        total += row
    split = contributions_of_blocks(
        (pnl[start:end] for start, end in pairwise([*starts, parts])), total, Decimal("0.97")
    )
    for name in ("incremental", "component_value_at_risk", "component_shortfall"):
        assert getattr(split, name).tolist() == getattr(whole, name).tolist(), name
    assert (split.value_at_risk, split.expected_shortfall) == (whole.value_at_risk, whole.expected_shortfall)


def test_an_interval_of_as_many_as_there_are_is_the_order_interval() -> None:
    pnl = np.random.default_rng(1).normal(size=1_000)
    confidence = Decimal("0.95")
    assert interval_of(pnl, confidence, independent_count=1_000) == tail_risk(pnl, confidence).interval
    losses = np.sort(-pnl)
    # 100 of their own: places 90 and 100, read at 900 and 1,000
    assert interval_of(pnl, confidence, independent_count=100) == (losses[899], losses[999])
    assert interval_of(pnl, confidence, independent_count=0) == (-math.inf, math.inf)


def test_prices_alone_move_where_no_market_is_recorded() -> None:
    before = measure_risk(inputs_of(HELD, F1, scenario_count=5_000, volatilities=(CEA_VOLATILITY,)))
    assert (before.methods, before.method) == (None, None)
    assert all(line.component_value_at_risk_cny is None for line in before.lines)
    assert not [figure.name for figure in before.trace if "monte_carlo" in figure.name]
