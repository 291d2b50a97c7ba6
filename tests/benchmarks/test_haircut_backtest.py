"""The out-of-sample test of haircuts: losses by hand, intervals from tables, and a made-up market."""

import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks import haircut_backtest as backtest
from benchmarks.risk_on_real_prices import Series


def market(close: list[float], volume_t: list[float] | None = None) -> Series:
    price = np.array(close)
    none = np.full(price.size, math.nan)
    return Series(
        name="made up", days=tuple(f"day {day}" for day in range(price.size)), close=price, high=none, low=none,
        volume_t=none if volume_t is None else np.array(volume_t),
    )  # fmt: skip


def test_a_sale_by_hand() -> None:
    """Forty tonnes after ten days of waiting: 8 at 85, none down ten per cent or idle, 16 at 84, 8 and 8 at 80."""
    close = [100.0 + day % 2 for day in range(501)] + [100.0] * 9 + [90.0, 85.0, 76.5, 84.0, 84.0, 80.0, 80.0, 80.0]
    volume = [40.0] * 510 + [40.0, 40.0, 400.0, 0.0, 80.0, 40.0, 40.0, 40.0]
    (one,), unseen = backtest.origins_of(market(close, volume), size=1, step=10_000)
    expected = 1 - (8 * 85 + 16 * 84 + 8 * 80 + 8 * 80) / (40 * close[500])
    assert one.loss == pytest.approx(expected)
    assert (one.past.close_per_t.size, unseen) == (501, 0)


def test_a_sale_past_the_end_of_the_data_is_counted_and_left_out() -> None:
    found, unseen = backtest.origins_of(market([100.0 + day % 2 for day in range(515)]), size=10, step=1)
    assert found == []
    assert unseen == 4


def test_intervals_and_what_so_few_defaults_reject() -> None:
    """Clopper and Pearson: 0 of 10 is up to 30.85%, 1 of 10 from 0.25% to 44.50%; P(X >= 3) of 50 at 1% is 1.38%."""
    assert backtest.interval(0, 10) == pytest.approx((0.0, 0.30850), abs=1e-5)
    assert backtest.interval(1, 10) == pytest.approx((0.00253, 0.44502), abs=1e-5)
    assert [backtest.rejecting_count(days) for days in (14, 50)] == [2, 3]
    assert backtest.power(50, rate=0.01) == pytest.approx(0.0138, abs=1e-4)


def test_each_method_speaks_of_a_made_up_market(capsys: pytest.CaptureFixture[str]) -> None:
    draw = np.random.default_rng(2)
    close = (50 * np.exp(np.cumsum(draw.normal(0, 0.02, 900)))).tolist()
    lines = list(backtest.lines_of(market(close, [1_000.0] * 900), size=1, step=25))
    assert len(lines) == 4
    assert all("made up | 1 | 16 (0 unseen)" in line for line in lines), lines
    assert backtest.main([str(Path(__file__).parent)]) == 0
    assert "nothing is tested" in capsys.readouterr().out
