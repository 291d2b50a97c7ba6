"""Sensitivities against bumps, compressed books against their positions, scenarios against the full cube."""

from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - the field's own abbreviation

from carbonfin.kernel.errors import InvalidInput
from pricing.calc.book.buckets import Book, BucketMarket, Buckets, bucketed
from pricing.calc.book.columns import FloatArray, Instrument
from pricing.calc.book.compressed import (
    LinearScenarios,
    bucket_contract_values,
    bucket_present_values,
    compressed,
    linear_scenario_pnl,
    merged_books,
)
from pricing.calc.book.sensitivities import bucket_sensitivities
from pricing.calc.book.valuation import contract_values, present_values
from tests.pricing.book.books import market_of, random_book, random_positions

_LINEAR = (Instrument.SPOT, Instrument.FORWARD, Instrument.FUTURES)


def _bucket_sums(book: Book, values: FloatArray) -> FloatArray:
    return np.array(
        [values[low:high].sum() for low, high in zip(book.bucket_start, book.bucket_start[1:], strict=False)]
    )


def _years(book: Book, market: BucketMarket) -> FloatArray:
    return np.maximum(book.buckets.payment_serial - market.valuation_serial, 0) / 365.0


def test_a_compressed_book_has_the_values_of_its_positions() -> None:
    book = random_book(20_000)
    market = market_of(book.buckets)
    small = compressed(book)
    gross = _bucket_sums(book, np.abs(contract_values(book, market))) + 1.0
    for whole, positions in (
        (bucket_contract_values(small, market), contract_values(book, market)),
        (bucket_present_values(small, market), present_values(book, market)),
    ):
        assert np.max(np.abs(whole - _bucket_sums(book, positions)) / gross) < 1e-11


def test_compression_does_not_depend_on_the_order_of_positions() -> None:
    positions = random_positions(20_000)
    first = compressed(bucketed(positions))
    second = compressed(bucketed(positions.at(np.random.default_rng(2).permutation(20_000))))
    assert first.quantity_t.tobytes() == second.quantity_t.tobytes()
    assert first.strike_amount.tobytes() == second.strike_amount.tobytes()


@pytest.mark.parametrize("cuts", [(), (1,), (7_000,), (3, 9_999, 10_000, 15_000)])
def test_parts_of_a_book_add_to_the_bits_of_the_whole(cuts: tuple[int, ...]) -> None:
    positions = random_positions(20_000)
    whole = compressed(bucketed(positions))
    edges = [0, *cuts, 20_000]
    parts = [compressed(bucketed(positions.at(slice(low, high)))) for low, high in pairwise(edges)]
    assert len(parts) < 2 or parts[0].buckets.count < whole.buckets.count
    for grouped in (parts, parts[::-1], [merged_books(parts[:2]), *parts[2:]]):
        found = merged_books(grouped)
        for item in fields(Buckets):
            assert np.array_equal(getattr(found.buckets, item.name), getattr(whole.buckets, item.name))
        for sums, expected in ((found.quantity, whole.quantity), (found.strike, whole.strike)):
            assert sums.whole.tolist() == expected.whole.tolist()
            assert sums.part.tolist() == expected.part.tolist()
            assert sums.gross == expected.gross
        market = market_of(whole.buckets)
        assert bucket_contract_values(found, market).tobytes() == bucket_contract_values(whole, market).tobytes()


# --- sensitivities ----------------------------------------------------------------------------------------------------
def _bumped(book: Book, up: BucketMarket, down: BucketMarket, size: FloatArray | float) -> FloatArray:
    """Give a central difference of the sums over positions, bucket by bucket."""
    return (_bucket_sums(book, contract_values(book, up)) - _bucket_sums(book, contract_values(book, down))) / size


@pytest.fixture(scope="module")
def market_and_book() -> tuple[Book, BucketMarket]:
    book = random_book(3_000)
    return book, market_of(book.buckets)


def _close(found: FloatArray, bumped: FloatArray, scale: FloatArray, tolerance: float) -> None:
    assert np.max(np.abs(found - bumped) / scale) < tolerance
    assert np.abs(bumped).max() > 0


def test_delta_and_gamma_equal_bumps(market_and_book: tuple[Book, BucketMarket]) -> None:
    book, market = market_and_book
    found = bucket_sensitivities(compressed(book), market)
    tonnes = _bucket_sums(book, np.abs(book.positions.quantity_t))
    step = 1e-3
    up = replace(market, forward_per_t=market.forward_per_t + step)
    down = replace(market, forward_per_t=market.forward_per_t - step)
    _close(found.delta, _bumped(book, up, down, 2 * step), tonnes, 1e-6)
    slope = bucket_sensitivities(compressed(book), up).delta - bucket_sensitivities(compressed(book), down).delta
    _close(found.gamma, slope / (2 * step), tonnes, 1e-6)
    assert np.all(found.gamma[~book.buckets.is_option] == 0.0)


def test_vega_equals_bumps(market_and_book: tuple[Book, BucketMarket]) -> None:
    book, market = market_and_book
    found = bucket_sensitivities(compressed(book), market)
    step = 1e-4 * np.sqrt(_years(book, market)) * book.buckets.is_option
    up = replace(market, total_volatility=market.total_volatility + step)
    down = replace(market, total_volatility=market.total_volatility - step)
    tonnes = _bucket_sums(book, np.abs(book.positions.quantity_t))
    _close(found.vega, _bumped(book, up, down, 2e-4), tonnes, 1e-5)


def test_rho_equals_bumps(market_and_book: tuple[Book, BucketMarket]) -> None:
    book, market = market_and_book
    found = bucket_sensitivities(compressed(book), market)
    years = _years(book, market)
    up = replace(market, discount_factor=market.discount_factor * np.exp(-1e-5 * years))
    down = replace(market, discount_factor=market.discount_factor * np.exp(1e-5 * years))
    tonnes = _bucket_sums(book, np.abs(book.positions.quantity_t))
    _close(found.rho, _bumped(book, up, down, 2e-5), tonnes, 1e-6)
    assert np.all(found.rho[book.buckets.is_margined] == 0.0)


def test_theta_equals_a_day_moved_by_a_little(market_and_book: tuple[Book, BucketMarket]) -> None:
    book, market = market_and_book
    found = bucket_sensitivities(compressed(book), market)
    years = _years(book, market)
    step: FloatArray = np.where(years > 0, 1e-7, 0.0)

    def later(move: FloatArray) -> BucketMarket:
        left = np.divide(years - move, years, out=np.ones(years.size), where=years > 0)
        return replace(
            market,
            discount_factor=market.discount_factor**left,
            total_volatility=market.total_volatility * np.sqrt(left),
        )

    tonnes = _bucket_sums(book, np.abs(book.positions.quantity_t))
    slope = _bumped(book, later(step), later(-step), 2e-7)
    _close(found.theta, slope, tonnes * 50.0, 1e-5)


def test_fx_delta_is_the_present_value_in_each_currency(market_and_book: tuple[Book, BucketMarket]) -> None:
    book, market = market_and_book
    found = bucket_sensitivities(compressed(book), market).fx_delta

    def reported(rate: float) -> float:
        rates = np.array([1.0, rate])
        return float(np.sum(present_values(book, market) * rates[book.positions.currency_id]))

    assert found[1] == pytest.approx((reported(7.9) - reported(7.7)) / 0.2, rel=1e-8)


def test_greeks_of_options_equal_quantlib() -> None:
    book = random_book(150, instruments=(Instrument.EUROPEAN_OPTION,))
    market = market_of(book.buckets)
    small = compressed(book)
    found = bucket_sensitivities(small, market)
    years = _years(book, market)
    for row in range(book.buckets.count):
        kind = ql.Option.Call if book.buckets.option_sign[row] == 1 else ql.Option.Put
        discount = 1.0 if book.buckets.is_margined[row] else float(market.discount_factor[row])
        one = ql.BlackCalculator(
            ql.PlainVanillaPayoff(kind, float(book.buckets.strike_per_t[row])), float(market.forward_per_t[row]),
            float(market.total_volatility[row]), discount,
        )  # fmt: skip
        quantity = float(small.quantity_t[row])
        size = abs(quantity)
        assert found.contract_value[row] == pytest.approx(one.value() * quantity, abs=1e-11 * size)
        assert found.delta[row] == pytest.approx(one.deltaForward() * quantity, abs=1e-11 * size)
        assert found.gamma[row] == pytest.approx(one.gammaForward() * quantity, abs=1e-10 * size)
        assert found.vega[row] == pytest.approx(one.vega(float(years[row])) * quantity, abs=1e-10 * size)


# --- linear scenarios -------------------------------------------------------------------------------------------------
def _scenarios(count: int, *, seed: int = 4) -> LinearScenarios:
    draw = np.random.default_rng(seed)
    return LinearScenarios(
        log_price=draw.normal(0.0, 0.05, (3, count)),
        zero_rate=draw.normal(0.0, 0.004, (2, count)),
        log_fx=np.stack([np.zeros(count), draw.normal(0.0, 0.01, count)]),
    )


def _cube(book: Book, market: BucketMarket, scenarios: LinearScenarios) -> FloatArray:
    """Revalue every position in every scenario; of what is margined, the margin since the market of now."""
    found = np.empty(scenarios.log_price.shape[1])
    years = _years(book, market)
    margined = book.per_position(book.buckets.is_margined.astype(float)) == 1.0
    now = contract_values(book, market)
    rates = market.reporting_per_currency
    for scenario in range(found.size):
        moved = replace(
            market,
            forward_per_t=market.forward_per_t * np.exp(scenarios.log_price[book.buckets.product_id, scenario]),
            discount_factor=market.discount_factor
            * np.exp(-years * scenarios.zero_rate[book.buckets.currency_id, scenario]),
        )
        then = contract_values(book, moved)
        exchange = rates * np.exp(scenarios.log_fx[:, scenario])
        held = then * exchange[book.positions.currency_id] - now * rates[book.positions.currency_id]
        margin = (then - now) * exchange[book.positions.currency_id]
        found[scenario] = np.sum(np.where(margined, margin, held))
    return found


def test_linear_scenarios_equal_the_full_cube() -> None:
    book = random_book(5_000, instruments=_LINEAR)
    market = market_of(book.buckets)
    scenarios = _scenarios(60)
    found = linear_scenario_pnl(compressed(book), market, scenarios)
    gross = float(np.sum(np.abs(book.positions.quantity_t) * 70.0 * 7.8))
    assert np.max(np.abs(found - _cube(book, market, scenarios))) < 1e-12 * gross
    assert np.abs(found).max() > 1e-4 * gross


def test_far_deliveries_and_large_rate_moves_keep_their_digits() -> None:
    positions = random_positions(500, instruments=(Instrument.FORWARD,))
    book = bucketed(replace(positions, delivery_serial=positions.delivery_serial + np.int32(10_000)))
    market = market_of(book.buckets)
    scenarios = replace(_scenarios(40), zero_rate=np.linspace(-0.1, 0.1, 80).reshape(2, 40))
    gross = float(np.sum(np.abs(book.positions.quantity_t) * 500.0 * 7.8))
    found = linear_scenario_pnl(compressed(book), market, scenarios)
    assert np.max(np.abs(found - _cube(book, market, scenarios))) < 1e-11 * gross
    with pytest.raises(InvalidInput, match="T x reaches"):
        linear_scenario_pnl(compressed(book), market, replace(scenarios, zero_rate=scenarios.zero_rate * 3))


def test_no_move_is_no_profit_and_quantities_scale() -> None:
    positions = random_positions(2_000, instruments=_LINEAR)
    book = compressed(bucketed(positions))
    double = compressed(bucketed(replace(positions, quantity_t=positions.quantity_t * 2)))
    market = market_of(book.buckets)
    still = LinearScenarios(log_price=np.zeros((3, 2)), zero_rate=np.zeros((2, 2)), log_fx=np.zeros((2, 2)))
    assert linear_scenario_pnl(book, market, still).tolist() == [0.0, 0.0]
    once, twice = (linear_scenario_pnl(each, market, _scenarios(9)) for each in (book, double))
    assert twice == pytest.approx(2 * once, rel=1e-9)


def test_scenarios_that_do_not_fit_are_refused() -> None:
    linear, mixed = random_book(200, instruments=_LINEAR), random_book(200)
    good = _scenarios(4)
    with pytest.raises(InvalidInput, match="hold options"):
        linear_scenario_pnl(compressed(mixed), market_of(mixed.buckets), good)
    with pytest.raises(InvalidInput, match="the scenarios move 2 products"):
        linear_scenario_pnl(compressed(linear), market_of(linear.buckets), replace(good, log_price=good.log_price[:2]))
    with pytest.raises(InvalidInput, match="shapes"):
        replace(good, log_fx=good.log_fx[:, :3])
    with pytest.raises(InvalidInput, match="zero_rate of factor 1 in scenario 2 is nan"):
        replace(good, zero_rate=np.array([[0.0] * 4, [0.0, 0.0, np.nan, 0.0]]))
