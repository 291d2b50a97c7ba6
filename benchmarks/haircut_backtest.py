"""`python -m benchmarks.haircut_backtest FOLDER`: haircuts promised from the past against the sales that followed.

FOLDER holds `china-carbon-close` and `china-pilots-ohlcv` as third parties re-published them; nothing of it is kept in
this project. A default is supposed on every 25th day for a sale of one mean day's volume, on every 75th for one of ten,
so that most sales do not overlap: ten trading days of cure and notice, then 20% of each day's volume at the close, on
days that trade and do not close at the lower limit. A haircut is taken from the 500 days before alone; the naive one
knows ten days and no sale. Without volumes five or fifty days are sold alike. A sale that the data do not see to its
end is left out and counted.
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.stats import beta, binom

from benchmarks.risk_on_real_prices import Series, series_of
from carbonfin.kernel.errors import CarbonFinError
from collateral.calc.haircut_models.empirical import naive_haircut_ratio
from collateral.calc.haircut_models.held_windows import held_quantile, held_window_losses
from collateral.calc.haircut_models.horizons import risk_days, rungs_to
from collateral.calc.haircut_models.prudent_sale import prudent_sale, rung_below
from collateral.calc.haircut_models.sale_terms import SaleTerms
from pricing.calc.volatility import PriceHistory, estimated_volatility

FloatArray = npt.NDArray[np.float64]

_WINDOW, _WAIT, _PARTICIPATION = 500, 10, 0.2
_SIZES = ((1, 25), (10, 75))
"""Mean days' volumes sold, and the days between defaults."""
_TAIL, _PATHS, _SEED, _LIMIT = 0.01, 2_000, 1, 0.1
_LOWER_LIMIT = -0.0995
_LEVEL = 0.05
_HEAD = (
    "series", "sold, days' volumes", "defaults", "method", "mean haircut", "exceedances (promised): 95% interval",
    "worst beyond",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A supposed default: what was known, and what the sale then lost."""

    past: PriceHistory
    size: int
    loss: float


def origins_of(series: Series, *, size: int, step: int) -> tuple[list[Origin], int]:
    """Give the defaults of a series whose sale is seen to its end, and how many are not."""
    found, unseen = [], 0
    whole = series.history()
    for at in range(_WINDOW, series.close.size - _WAIT - 1, step):
        loss = _loss(series, at, size=size)
        if loss is None:
            unseen += 1
            continue
        part = slice(at - _WINDOW, at + 1)
        past = PriceHistory(
            close_per_t=whole.close_per_t[part], high_per_t=whole.high_per_t[part], low_per_t=whole.low_per_t[part],
            traded=whole.traded[part], at_limit=whole.at_limit[part],
        )  # fmt: skip
        found.append(Origin(past=past, size=size, loss=loss))
    return found, unseen


def _loss(series: Series, at: int, *, size: int) -> float | None:
    """Sell after the wait; None where the data end before the sale does."""
    moves = np.diff(series.close) / series.close[:-1]
    volume_t = series.volume_t if series.has_volume else np.ones(series.close.size)
    left = quantity = size * float(np.mean(np.nan_to_num(volume_t[at - _WINDOW : at + 1])))
    proceeds = 0.0
    if quantity <= 0.0:
        return None
    for day in range(at + _WAIT + 1, series.close.size):
        if not series.traded[day] or moves[day - 1] <= _LOWER_LIMIT:
            continue
        sold = min(left, _PARTICIPATION * float(volume_t[day]))
        left, proceeds = left - sold, proceeds + sold * float(series.close[day])
        if left <= 1e-9 * quantity:
            return 1.0 - proceeds / (quantity * float(series.close[at]))
    return None


def _selling(past: PriceHistory) -> float:
    return rung_below(float(np.mean(past.traded & ~past.at_limit)))


def _history(origin: Origin) -> float:
    rung = _selling(origin.past)
    if rung == 0.0:
        return 1.0
    days = risk_days(wait_days=_WAIT, sale_days=origin.size / _PARTICIPATION, selling_day_ratio=rung)
    losses = [held_window_losses(origin.past, horizon_days=rung) for rung in rungs_to(days)]
    return max(held_quantile(one, tail_ratio=_TAIL)[0] for one in losses if one.size)


def _close_out(origin: Origin) -> float:
    rung = _selling(origin.past)
    if rung == 0.0:
        return 1.0
    deviation = estimated_volatility(origin.past).volatility / math.sqrt(250)
    terms = SaleTerms(
        daily_drift=-0.5 * deviation**2, daily_deviation=deviation, notice_days=_WAIT, cure_days=0,
        quantity_adv=origin.size,
        participation_ratio=_PARTICIPATION, trade_day_ratio=rung, daily_limit_ratio=_LIMIT, bid_ask_ratio=0.0,
        impact=0.0,
    )  # fmt: skip
    return prudent_sale(terms, path_count=_PATHS, seed=_SEED, tail_ratio=_TAIL).haircut_ratio


def _naive(origin: Origin) -> float:
    return naive_haircut_ratio(origin.past.close_per_t, horizon_days=_WAIT, tail_ratio=_TAIL)


def _both(origin: Origin) -> float:
    return max(_history(origin), _close_out(origin))


_METHODS: dict[str, Callable[[Origin], float]] = {
    "larger of history and close-out": _both,
    "history": _history,
    "close-out": _close_out,
    "naive: closes, ten days, root of time": _naive,
}


def lines_of(series: Series, *, size: int, step: int) -> Iterator[str]:
    """Give a row a method: mean haircut, exceedances with their 95% interval, and the worst loss beyond."""
    origins, unseen = origins_of(series, size=size, step=step)
    if len(origins) < 10:
        yield f"| {series.name} | {size} | {len(origins)} ({unseen} unseen) | too few defaults to say anything | | | |"
        return
    losses = np.array([one.loss for one in origins])
    for name, method in _METHODS.items():
        promised, refused = [], 0
        for one in origins:
            try:
                promised.append(method(one))
            except CarbonFinError:
                promised.append(math.nan)
                refused += 1
        haircuts = np.array(promised)
        held = np.isfinite(haircuts)
        beyond = losses[held] - haircuts[held]
        count, days = int(np.count_nonzero(beyond > 0.0)), int(np.count_nonzero(held))
        low, high = interval(count, days)
        worst = f"{beyond.max():.1%}" if count else "—"
        refusals = f", {refused} refused" if refused else ""
        yield (
            f"| {series.name} | {size} | {days} ({unseen} unseen{refusals}) | {name} | {haircuts[held].mean():.1%} | "
            f"{count} ({_TAIL * days:.1f}): {low:.1%} to {high:.1%}{_verdict(count, days)} | {worst} |"
        )


def interval(count: int, days: int) -> tuple[float, float]:
    """Give the 95% interval of a rate by Clopper and Pearson."""
    low = 0.0 if count == 0 else float(beta.ppf(0.025, count, days - count + 1))
    high = 1.0 if count == days else float(beta.ppf(0.975, count + 1, days - count))
    return low, high


def rejecting_count(days: int) -> int:
    """Give the least number of exceedances that rejects a rate of 1% at 5%, one-sided."""
    return next(count for count in range(days + 2) if binom.sf(count - 1, days, _TAIL) < _LEVEL)


def power(days: int, *, rate: float) -> float:
    """Give how often so many defaults would reject 1% where the true rate is another."""
    return float(binom.sf(rejecting_count(days) - 1, days, rate))


def _verdict(count: int, days: int) -> str:
    return " **rejected**" if count >= rejecting_count(days) else ""


def main(arguments: list[str]) -> int:
    """Print the table and what so few defaults can reject."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    if not (folder / "china-carbon-close").is_dir():
        sys.stdout.write(f"{folder} holds no series: nothing is tested\n")
        return 0
    sys.stdout.write(f"| {' | '.join(_HEAD)} |\n")
    sys.stdout.write("| --- | --- | --- | --- | --- | --- | --- |\n")
    for size, step in _SIZES:
        for series in series_of(folder):
            for line in lines_of(series, size=size, step=step):
                sys.stdout.write(line + "\n")
                sys.stdout.flush()
    for days in (14, 25, 50, 85):
        sys.stdout.write(
            f"{days} defaults: {rejecting_count(days)} exceedances reject 1%; a true rate of 3% is seen "
            f"{power(days, rate=0.03):.0%} of the time, of 5% {power(days, rate=0.05):.0%}\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
