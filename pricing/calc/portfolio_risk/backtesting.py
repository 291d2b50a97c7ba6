"""Backtests of a book: what each way to measure risk would have promised on past days, against what came.

The book of today is held through the joint moves of its factors, each scaled to one day. What a day is promised rests
on the window of days before it alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

import numpy as np

from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import CarbonFinError, InvalidInput, MissingData
from carbonfin.kernel.units import to_float
from pricing.calc.curves.nodes import FloatArray
from pricing.calc.normal import normal_pdf, normal_ppf
from pricing.calc.portfolio import value_portfolio
from pricing.calc.portfolio_risk.exposures import ExposedLine, exposed_lines
from pricing.calc.portfolio_risk.histories import FactorHistory
from pricing.calc.portfolio_risk.inputs import CONFIDENCE, FILTER_DECAY, RiskInputs
from pricing.calc.portfolio_risk.joint_moves import JointMoves, joint_moves
from pricing.calc.portfolio_risk.methods import book_pnl, lines_with_history, moves_as_scenarios, used_histories
from pricing.calc.risk.backtests import (
    CoverageTest,
    IndependenceTest,
    ShortfallTest,
    acerbi_szekely,
    christoffersen,
    exceptions_of,
    kupiec,
)
from pricing.calc.risk.measures import tail_risk
from pricing.calc.risk.scenarios import filtered_moves

WINDOW_DAYS = "pricing.backtest_window_days"
SAMPLE_COUNT = 500
SEED = 20261130
_FEWEST_DAYS = 60
_FEWEST_WINDOW = 121
"""Sixty moves that start the filter, sixty that it rescales, and one."""
_DAYS_AT_ONCE = 64


class BacktestModel(StrEnum):
    """How a day's value at risk is promised."""

    HISTORICAL = "historical"
    FILTERED_HISTORICAL = "filtered_historical"
    NORMAL = "normal"


BACKTEST_MODEL_LABELS: Mapping[BacktestModel, tuple[str, str]] = {
    BacktestModel.HISTORICAL: ("历史模拟", "historical"),
    BacktestModel.FILTERED_HISTORICAL: ("滤波历史模拟", "filtered historical"),
    BacktestModel.NORMAL: ("正态分布（朴素对照）", "normal, a naive measure to compare with"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestDay:
    """One day: what the book would have made, and what was promised the evening before."""

    day: date
    pnl_cny: float
    value_at_risk_cny: float
    expected_shortfall_cny: float

    @property
    def is_exception(self) -> bool:
        """Whether the loss was greater than promised."""
        return -self.pnl_cny > self.value_at_risk_cny


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelBacktest:
    """The backtest of one way to measure.

    Attributes:
        days: Days on which it promised something, ascending.
        refused_count: Days on which it could not, as where a factor had not moved at all; they are in no test.
        coverage: Whether exceptions came as often as promised (Kupiec), with the power of the test.
        independence: Whether they came apart from one another (Christoffersen).
        shortfall: Whether losses beyond were as large as promised (Acerbi and Szekely).
        refusal: Why there is no backtest; None where there is.
    """

    model: BacktestModel
    days: tuple[BacktestDay, ...]
    refused_count: int
    coverage: CoverageTest | None
    independence: IndependenceTest | None
    shortfall: ShortfallTest | None
    refusal: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookBacktest:
    """Backtests of a book, each model over the same days.

    Attributes:
        present_value_cny: Of the lines tested.
        confidence: Of the value at risk of one day.
        window_days: Days before, on which each promise rests.
        move_count: Joint moves there are.
        scaled_count: Moves that took several quoted days and were divided by the root of their number.
        line_count: Lines tested.
        failures: Lines that are not, with the reason.
        still: Factors that were held still for want of a history.
        histories: Of all factors.
    """

    present_value_cny: Decimal
    confidence: Decimal
    window_days: int
    first_date: date
    last_date: date
    move_count: int
    scaled_count: int
    line_count: int
    models: tuple[ModelBacktest, ...]
    failures: tuple[Failure, ...]
    still: tuple[str, ...]
    histories: tuple[FactorHistory, ...]
    is_sample: bool
    snapshot_digest: str


def backtested(inputs: RiskInputs, *, window_days: int | None = None) -> BookBacktest:
    """Test each model on the days after the first window.

    Args:
        inputs: The book with the histories of its factors.
        window_days: Days before, on which a promise rests; the parameter's where it is None.

    Raises:
        InvalidInput: The window is shorter than 121 days or longer than 1,000.
        MissingData: No line has a history, or fewer than sixty days are left to test.
    """
    assert inputs.market is not None, "a backtest takes histories"
    snapshot = inputs.book.snapshot
    window = window_days or snapshot.parameter(WINDOW_DAYS, scope="").integer
    if not _FEWEST_WINDOW <= window <= 1_000:
        raise InvalidInput(
            f"a window of {window} days lies outside {_FEWEST_WINDOW} to 1,000",
            zh=f"窗口须在 {_FEWEST_WINDOW} 至 1000 日之间", field="window_days",
        )  # fmt: skip
    value = value_portfolio(inputs.book)
    exposed, failures = exposed_lines(inputs, {one.line_id: one for one in value.lines})
    lines, left_out = lines_with_history(inputs, exposed)
    used, still = used_histories(inputs.market.histories, lines)
    joint = joint_moves(used)
    if joint.moves.shape[1] - window < _FEWEST_DAYS:
        raise _too_short(joint.moves.shape[1], window)
    confidence = snapshot.parameter(CONFIDENCE, scope="").decimal
    decay = to_float(snapshot.parameter(FILTER_DECAY, scope="").decimal)
    test = _Test(inputs, lines, joint, window, confidence)
    return BookBacktest(
        present_value_cny=sum((one.value.present_value_cny for one in lines), Decimal("0.00")),
        confidence=confidence,
        window_days=window,
        first_date=joint.days[window],
        last_date=joint.last_date,
        move_count=joint.moves.shape[1],
        scaled_count=joint.scaled_count,
        line_count=len(lines),
        models=(test.historical(), test.filtered(decay), test.normal()),
        failures=(*value.failures, *failures, *left_out),
        still=tuple(name for _, name in still),
        histories=inputs.market.histories,
        is_sample=value.is_sample or any(one.is_sample for one in used),
        snapshot_digest=value.snapshot_digest,
    )


def _too_short(moves: int, window: int) -> MissingData:
    return MissingData(
        f"{moves} joint moves leave {max(moves - window, 0)} days after a window of {window}; at least {_FEWEST_DAYS} "
        "are needed",
        zh=f"共同变动 {moves} 个，扣除 {window} 日窗口后可回测 {max(moves - window, 0)} 日，少于 {_FEWEST_DAYS} 日",
        field="history",
        remedy=f"Import a longer history, or choose a window of {_FEWEST_WINDOW} days at least.",
        remedy_zh=f"请导入更长的行情历史，或缩短窗口（不少于 {_FEWEST_WINDOW} 日）。",
    )


class _Test:
    """One book through its moves."""

    def __init__(
        self, inputs: RiskInputs, lines: Sequence[ExposedLine], joint: JointMoves, window: int, confidence: Decimal
    ) -> None:
        self._inputs, self._lines, self._joint = inputs, lines, joint
        self._window, self._confidence = window, confidence
        self._pnl = self._of(joint.moves)
        self._count = joint.moves.shape[1] - window

    def _of(self, moves: FloatArray) -> FloatArray:
        scenarios = moves_as_scenarios(self._joint.keys, moves)
        return book_pnl(self._inputs, self._lines, scenarios, self._confidence).pnl

    def historical(self) -> ModelBacktest:
        """Promise the tail of the window's P&L."""
        windows = np.lib.stride_tricks.sliding_window_view(self._pnl[:-1], self._window)
        return self._tested(BacktestModel.HISTORICAL, np.array(windows), self._tails(windows))

    def filtered(self, decay: float) -> ModelBacktest:
        """Promise the tail of the window's moves rescaled to the volatility of its end, the book valued at each."""
        size = self._window - _FEWEST_DAYS
        samples = np.full((self._count, size), np.nan)
        for start in range(0, self._count, _DAYS_AT_ONCE):
            places, parts = [], []
            for place in range(start, min(start + _DAYS_AT_ONCE, self._count)):
                window = self._joint.moves[:, place : place + self._window]
                try:
                    parts.append(filtered_moves(window, decay=decay, horizon_days=1))
                except CarbonFinError:
                    continue  # a factor did not move at all for sixty days: nothing can be promised
                places.append(place)
            if parts:
                samples[places] = self._of(np.concatenate(parts, axis=1)).reshape(len(parts), size)
        return self._tested(BacktestModel.FILTERED_HISTORICAL, samples, self._tails(samples))

    def normal(self) -> ModelBacktest:
        """Promise a normal distribution's tail with the deviation of the window's P&L."""
        windows = np.lib.stride_tricks.sliding_window_view(self._pnl[:-1], self._window)
        deviations = np.std(windows, axis=1, ddof=1)
        z = normal_ppf(np.array([to_float(self._confidence)]))
        beyond = float(normal_pdf(z)[0]) / to_float(1 - self._confidence)
        shares = (np.arange(self._window) + 0.5) / self._window
        samples = deviations[:, None] * normal_ppf(shares)
        promised = np.stack([deviations * float(z[0]), deviations * beyond], axis=1)
        return self._tested(BacktestModel.NORMAL, samples, promised)

    def _tails(self, samples: FloatArray) -> FloatArray:
        """Give value at risk and shortfall of each day's sample, not a number where there is none."""
        found = np.full((samples.shape[0], 2), np.nan)
        for place, sample in enumerate(samples):
            if np.all(np.isfinite(sample)):
                tail = tail_risk(sample, self._confidence)
                found[place] = tail.value_at_risk, tail.expected_shortfall
        return found

    def _tested(self, model: BacktestModel, samples: FloatArray, promised: FloatArray) -> ModelBacktest:
        held = np.isfinite(promised).all(axis=1) & (promised > 0.0).all(axis=1)
        refused = int(np.count_nonzero(~held))
        if np.count_nonzero(held) < _FEWEST_DAYS:
            return _refused(model, refused, held.size)
        pnl, value_at_risk, shortfall = self._pnl[self._window :][held], promised[held, 0], promised[held, 1]
        probability = to_float(1 - self._confidence)
        exceptions = exceptions_of(pnl, value_at_risk)
        days = [self._joint.days[self._window + int(place)] for place in np.flatnonzero(held)]
        return ModelBacktest(
            model=model,
            days=tuple(_days(days, pnl, value_at_risk, shortfall)),
            refused_count=refused,
            coverage=kupiec(exceptions, probability),
            independence=christoffersen(exceptions, probability),
            shortfall=acerbi_szekely(
                pnl, value_at_risk, shortfall, probability=probability, draw=_drawing(samples[held]),
                sample_count=SAMPLE_COUNT, seed=SEED,
            ),
        )  # fmt: skip


def _days(
    days: Sequence[date], pnl: FloatArray, value_at_risk: FloatArray, shortfall: FloatArray
) -> Iterator[BacktestDay]:
    for day, *numbers in zip(days, pnl.tolist(), value_at_risk.tolist(), shortfall.tolist(), strict=True):
        yield BacktestDay(day=day, pnl_cny=numbers[0], value_at_risk_cny=numbers[1], expected_shortfall_cny=numbers[2])


def _drawing(samples: FloatArray) -> Callable[[np.random.Generator, tuple[int, int]], FloatArray]:
    """Draw each day's P&L from that day's own sample: what the model took for possible."""
    by_sample = np.ascontiguousarray(samples.T)

    def draw(random: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
        return np.take_along_axis(by_sample, random.integers(0, by_sample.shape[0], shape), axis=0)

    return draw


def _refused(model: BacktestModel, refused: int, days: int) -> ModelBacktest:
    why = MissingData(
        f"nothing can be promised on {refused} of {days} days, as prices did not move or the book had no loss to lose",
        zh=f"{days} 日中有 {refused} 日无法给出风险价值（价格没有变动，或窗口内没有损失）",
        field="history",
        remedy="Take a longer window or a book that can lose.",
        remedy_zh="请延长窗口，或选择存在损失可能的组合。",
    )
    return ModelBacktest(
        model=model, days=(), refused_count=refused, coverage=None, independence=None, shortfall=None,
        refusal=Failure.of(model, why),
    )  # fmt: skip
