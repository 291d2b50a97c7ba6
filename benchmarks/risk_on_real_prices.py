"""`python -m benchmarks.risk_on_real_prices FOLDER`: volatility and backtests on real Chinese closes.

Naive figures stand beside them. FOLDER holds `china-carbon-close` and `china-pilots-ohlcv` as third parties
re-published them; nothing of it is kept in this project. A series without volume says nothing of days without trade:
there a close equal to the day before is taken as carried. Value at risk is of one unit held for one day, from the 500
days before, against the next day's move.
"""

import argparse
import csv
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import CarbonFinError
from pricing.calc.risk.backtests import acerbi_szekely, christoffersen, exceptions_of, kupiec
from pricing.calc.risk.measures import tail_risk
from pricing.calc.risk.scenarios import filtered_moves
from pricing.calc.volatility import TRADING_DAYS_A_YEAR, PriceHistory, estimated_volatility
from pricing.calc.volatility_estimators import Estimator

FloatArray = npt.NDArray[np.float64]

_WINDOW = 500
_CONFIDENCE = Decimal("0.99")
_PROBABILITY = 0.01
_NORMAL_99 = 2.3263478740408408
_NORMAL_99_SHORTFALL = 2.6652142203457994
_DECAY = 0.94
_LIMIT = 0.0995  # a close as far as this from the last one stands at a limit of ten per cent
_SAMPLES = 500
_SEED = 20261129
_ESTIMATORS = (Estimator.RENEWAL, Estimator.TRADED_CLOSES, Estimator.PARKINSON)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A market's days in order; highs, lows and volumes are NaN where the source has none."""

    name: str
    days: tuple[str, ...]
    close: FloatArray
    high: FloatArray
    low: FloatArray
    volume_t: FloatArray

    @property
    def has_volume(self) -> bool:
        """Whether the source says what was traded."""
        return bool(np.isfinite(self.volume_t).any())

    @property
    def traded(self) -> npt.NDArray[np.bool_]:
        """Days with a trade; without volumes, days whose close is not the one before."""
        moved = np.concatenate([[True], np.diff(self.close) != 0.0])
        return self.volume_t > 0.0 if self.has_volume else moved

    @property
    def at_limit(self) -> npt.NDArray[np.bool_]:
        """Days that close about ten per cent from the day before."""
        return np.concatenate([[False], np.abs(self.close[1:] / self.close[:-1] - 1.0) >= _LIMIT])

    def history(self) -> PriceHistory:
        """Give the days as the estimators take them; days whose low is above the high have no range."""
        has_range = self.traded & (self.low <= self.high)
        return PriceHistory(
            close_per_t=self.close,
            high_per_t=np.where(has_range, self.high, np.nan),
            low_per_t=np.where(has_range, self.low, np.nan),
            traded=self.traded,
            at_limit=self.at_limit,
        )


def series_of(folder: Path) -> Iterator[Series]:
    """Read the markets of both sources that are one instrument; duplicate days keep the first row."""
    closes = folder / "china-carbon-close"
    for name in ("cea", "guangdong", "hubei", "shanghai"):
        yield _read(f"{name}, closes alone", closes / f"{name}_close.csv", close="close")
    pilots = folder / "china-pilots-ohlcv"
    whole = {"high": "high", "low": "low", "volume": "volume_t"}
    yield _read("Guangdong GDEA", pilots / "guangdong_gdea.csv", close="close", **whole)
    yield _read("Hubei HBEA", pilots / "hubei_hbea.csv", close="last", **whole)
    yield _read("Beijing BEA", pilots / "beijing_bea.csv", close="avg", volume="volume_t", product="BEA")


def _read(
    name: str, path: Path, *, close: str, high: str = "", low: str = "", volume: str = "", product: str = ""
) -> Series:
    with path.open(encoding="utf-8", newline="") as file:
        rows = {row["date"]: row for row in reversed(list(csv.DictReader(file))) if product in {"", row.get("product")}}
    kept = [rows[day] for day in sorted(rows) if _number(rows[day][close]) > 0.0]

    def column(field: str) -> FloatArray:
        return np.array([_number(row[field]) if field else math.nan for row in kept])

    return Series(
        name=name,
        days=tuple(row["date"] for row in kept),
        close=column(close),
        high=column(high),
        low=column(low),
        volume_t=column(volume),
    )


def _number(text: str) -> float:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return math.nan


def volatility_lines(series: Series) -> Iterator[str]:
    """Give a row: the naive figure, and each estimator with its error or why it refuses."""
    moves = np.diff(np.log(series.close))
    cells = [f"{float(np.std(moves, ddof=1)) * math.sqrt(TRADING_DAYS_A_YEAR):.1%}"]
    for estimator in _ESTIMATORS:
        try:
            found = estimated_volatility(series.history(), estimator)
            cells.append(f"{found.volatility:.1%} ± {found.standard_error:.1%} ({found.return_count})")
        except CarbonFinError as error:
            cells.append(f"refused: {error.code}")
    idle, locked = np.mean(~series.traded[1:]), np.mean(series.at_limit[1:])
    span = f"{series.days[0]} to {series.days[-1]}"
    yield f"| {series.name} | {span} | {moves.size:,} | {idle:.0%} | {locked:.1%} | " + " | ".join(cells) + " |"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Model:
    """A way to promise a value at risk and shortfall of the next move, and to draw moves it takes for possible."""

    name: str
    promise: Callable[[FloatArray], tuple[float, float]]
    sample: Callable[[FloatArray], FloatArray]


def _historical(window: FloatArray) -> tuple[float, float]:
    found = tail_risk(window, _CONFIDENCE)
    return found.value_at_risk, found.expected_shortfall


def _filtered(window: FloatArray) -> FloatArray:
    return filtered_moves(window[None, :], decay=_DECAY, horizon_days=1)[0]


def _normal(window: FloatArray) -> tuple[float, float]:
    deviation = float(np.std(window[-250:], ddof=1))
    return _NORMAL_99 * deviation, _NORMAL_99_SHORTFALL * deviation


def _normal_sample(window: FloatArray) -> FloatArray:
    return float(np.std(window[-250:], ddof=1)) * np.random.default_rng(_SEED).normal(size=_WINDOW)


_MODELS = (
    _Model(name="historical, 500 days", promise=_historical, sample=lambda window: window),
    _Model(name="filtered historical", promise=lambda window: _historical(_filtered(window)), sample=_filtered),
    _Model(name="naive: normal, 250 days", promise=_normal, sample=_normal_sample),
)


def backtest_lines(series: Series) -> Iterator[str]:
    """Give a row a model: exceptions against what was promised, and what each test says with its power."""
    moves = np.diff(np.log(series.close))
    if moves.size < _WINDOW + 250:
        yield f"| {series.name} | all | {moves.size} | too short: {_WINDOW} days to start, 250 to test | | | |"
        return
    windows = [moves[start : start + _WINDOW] for start in range(moves.size - _WINDOW)]
    pnl = moves[_WINDOW:]
    for model in _MODELS:
        promised = np.array([_promised(model, window) for window in windows])
        held = (promised > 0.0).all(axis=1)  # a refusal is no number, and larger than nothing
        if np.count_nonzero(held) < 250:
            yield f"| {series.name} | {model.name} | refused on {np.count_nonzero(~held)} of {held.size} days | | | | |"
            continue
        value_at_risk, shortfall, tested = promised[held, 0], promised[held, 1], pnl[held]
        exceptions = exceptions_of(tested, value_at_risk)
        coverage, chain = kupiec(exceptions, _PROBABILITY), christoffersen(exceptions, _PROBABILITY)
        chosen = [window for window, keep in zip(windows, held.tolist(), strict=True) if keep]
        samples = np.stack([model.sample(window) for window in chosen], axis=1)

        def draw(random: np.random.Generator, shape: tuple[int, int], samples: FloatArray = samples) -> FloatArray:
            return np.take_along_axis(samples, random.integers(0, samples.shape[0], shape), axis=0)

        tail = acerbi_szekely(
            tested, value_at_risk, shortfall, probability=_PROBABILITY, draw=draw, sample_count=_SAMPLES, seed=_SEED
        )
        yield (
            f"| {series.name} | {model.name} | {tested.size:,}{_refused(held)} | {coverage.exception_count} "
            f"({coverage.expected_count:.1f}) | p {coverage.p_value:.3f}, power {coverage.power:.0%}"
            f"{_verdict(is_rejected=coverage.is_rejected)} | "
            f"p {chain.p_value:.3f}{_verdict(is_rejected=chain.is_rejected)} | "
            f"Z2 {tail.unconditional:.2f} against {tail.critical:.2f}, power {tail.power:.0%}"
            f"{_verdict(is_rejected=tail.is_rejected)} |"
        )


def _promised(model: _Model, window: FloatArray) -> tuple[float, float]:
    """Give the promise of a model, not a number where it refuses the window."""
    try:
        return model.promise(window)
    except CarbonFinError:
        return math.nan, math.nan


def _refused(held: npt.NDArray[np.bool_]) -> str:
    count = int(np.count_nonzero(~held))
    return f" ({count} refused)" if count else ""


def _verdict(*, is_rejected: bool) -> str:
    return " **rejected**" if is_rejected else ""


def main(arguments: list[str] | None = None) -> int:
    """Print both tables; where the folder is not there, say so and do nothing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.risk_on_real_prices", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    if not (folder / "china-carbon-close").is_dir():
        print(f"skipped: there are no prices at {folder}")
        return 0
    found = list(series_of(folder))
    print("| series | days | moves | idle | at ±10 % | naive | renewal | traded closes | Parkinson |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for series in found:
        print("\n".join(volatility_lines(series)))
    print()
    print("| series | model | days | exceptions (promised) | Kupiec | Christoffersen | Acerbi and Szekely |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for series in found:
        print("\n".join(backtest_lines(series)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
