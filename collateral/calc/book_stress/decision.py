"""The stress of a bank's collateral book as a decision: each stress with who is called, who fails and what is lost."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.units import cny, round_up, to_decimal, to_float, to_tonnes
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure
from collateral.calc.book_stress.calls import Book, Walked, walked_calls
from collateral.calc.book_stress.paths import cliff_days, random_walks, unit_factors
from collateral.calc.book_stress.sales import Sales, Sold, losses
from collateral.calc.book_stress.terms import StressInputs, StressScenario, StressUnit
from collateral.calc.figures import FigureList
from collateral.calc.haircut_models.seasons import DepthBasis
from collateral.calc.haircut_models.stack import season_figures

FloatArray = npt.NDArray[np.float64]

_BLOCK = 500
_PLACES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementStress:
    """What one stress does to one agreement that it touches.

    Attributes:
        called_ratio: Part of the paths on which it is called; one or nought where prices are not simulated.
        call_day: Mean trading day of the first call, None where none is made.
        call_cny: Mean of what the first call asks, in cash.
        failed_ratio: Part of the paths on which it fails.
        loss_mean_cny: Mean loss over all paths.
        loss_tail_cny: The quantile of the loss at 1 - tail.
    """

    code: str
    pledgor: str
    debt_cny: Decimal
    called_ratio: Decimal
    call_day: Decimal | None
    call_cny: Decimal
    failed_ratio: Decimal
    loss_mean_cny: Decimal
    loss_tail_cny: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitStress:
    """What one stress sells of a unit.

    Attributes:
        sold_mean_t: Mean tonnes that failed agreements bring to market.
        volume_days: Those tonnes over the daily volume; None where the volume is not known.
        days_to_sell: Mean days from the failure to the last sale over the paths that sell; None where none does.
        share_mean: Mean proceeds over the price of the day of the failure, of the paths that sell; None likewise.
    """

    unit: str
    sold_mean_t: int
    volume_days: Decimal | None
    days_to_sell: Decimal | None
    share_mean: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioOutcome:
    """What one stress does to the book.

    Attributes:
        price_low_ratio: The lowest price it names or the mean of the lowest walked, over today's, of the worst unit.
        called_mean: Mean number of agreements called.
        failed_mean: Mean number that fail.
        called_cny: Mean of what first calls ask.
        peak_due_cny: Mean of the most that falls due on one day.
        met_units_cny: Mean of calls met in units.
        met_cash_cny: Mean of calls met in cash.
        failed_debt_cny: Mean debt of the agreements that fail, at their failure.
        loss_mean_cny: Mean loss after haircut, all agreements.
        loss_error_cny: Standard error of that mean.
        loss_tail_cny: The quantile of the book's loss at 1 - tail.
    """

    code: str
    price_low_ratio: Decimal
    called_mean: Decimal
    failed_mean: Decimal
    called_cny: Decimal
    peak_due_cny: Decimal
    met_units_cny: Decimal
    met_cash_cny: Decimal
    failed_debt_cny: Decimal
    loss_mean_cny: Decimal
    loss_error_cny: Decimal
    loss_tail_cny: Decimal
    agreements: tuple[AgreementStress, ...]
    units: tuple[UnitStress, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StressOutcome:
    """What the stresses do to the book.

    Attributes:
        debt_cny: What is owed behind the agreements stressed, margin held taken off.
        collateral_cny: Value after haircut today.
        worst: Code of the stress with the largest tail loss.
        findings: What the figures rest on where facts are missing, each in Chinese and English.
    """

    debt_cny: Decimal
    collateral_cny: Decimal
    scenarios: tuple[ScenarioOutcome, ...]
    worst: str
    findings: tuple[tuple[str, str], ...]
    unconfirmed: tuple[str, ...]
    trace: tuple[Figure, ...]


def decide_book_stress(inputs: StressInputs) -> StressOutcome:
    """Put the book under each stress; the same inputs give the same figures to the bit."""
    book = Book.of(inputs)
    found = tuple(_stressed(inputs, book, scenario) for scenario in inputs.scenarios)
    worst = max(found, key=lambda one: one.loss_tail_cny)
    debt = sum((one.debt_cny for one in inputs.agreements), Decimal("0.00"))
    collateral = cny(to_decimal(math.fsum(book.held_worth.ravel().tolist()), places=4))
    findings = tuple(_findings(inputs))
    figures = _figures(inputs, found, debt, collateral)
    return StressOutcome(
        debt_cny=debt, collateral_cny=collateral, scenarios=found, worst=worst.code, findings=findings,
        unconfirmed=figures.unconfirmed(), trace=figures.trace(),
    )  # fmt: skip


def _stressed(inputs: StressInputs, book: Book, scenario: StressScenario) -> ScenarioOutcome:
    """Walk calls and sales of one stress, some paths at a time."""
    market, longest = inputs.market, max(1, book.cure.max().item())
    days = market.days + longest
    sales = Sales(inputs, scenario, cliff_days(inputs, scenario))
    tally = _Tally(inputs)
    one_path: tuple[Walked, FloatArray, FloatArray] | None = None
    for block, first in enumerate(range(0, inputs.path_count, _BLOCK)):
        count = min(_BLOCK, inputs.path_count - first)
        if one_path is None or scenario.is_simulated:
            walks = random_walks(inputs, days, block, count) if scenario.is_simulated else None
            factors, fall = unit_factors(inputs, scenario, days, walks)
            one_path = (walked_calls(book, scenario, factors, days=market.days), factors, fall)
        walked, factors, fall = one_path
        sold = sales.sold(book, walked, first, count)
        tally.add(walked, factors, sold, count)
        for part, lost in losses(book, walked, inputs, factors=factors, fall=fall, sold=sold):
            tally.loss[part, first : first + count] = lost
    return tally.outcome(scenario)


class _Tally:
    """What is added up over the paths of one stress."""

    def __init__(self, inputs: StressInputs) -> None:
        paths, count = inputs.path_count, len(inputs.agreements)
        self._inputs = inputs
        self.loss = np.zeros((count, paths))
        self._called, self._failed, self._days, self._asked = (np.zeros(count) for _ in range(4))
        self._met_units = self._met_cash = self._peak = self._failed_debt = self._low = 0.0
        units = len(inputs.units)
        self._sold, self._selling, self._sale_days, self._share = (np.zeros(units) for _ in range(4))

    def add(self, walked: Walked, factors: FloatArray, sold: list[Sold], count: int) -> None:
        """Add some paths; one named path stands for all of them."""
        weight = count // walked.failed.shape[1]
        called = walked.first_call > 0
        failed = walked.failed > 0
        self._called += weight * called.sum(axis=1)
        self._failed += weight * failed.sum(axis=1)
        self._days += weight * walked.first_call.sum(axis=1, dtype=np.float64)
        self._asked += weight * walked.first_call_cny.sum(axis=1)
        self._met_units += weight * walked.met_units_cny.sum().item()
        self._met_cash += weight * walked.met_cash_cny.sum().item()
        self._peak += weight * walked.peak_due_cny.sum().item()
        self._failed_debt += weight * walked.debt[failed].sum().item()
        self._low += weight * factors[:, : self._inputs.market.days].min(axis=(0, 1)).sum().item()
        for place, one in enumerate(sold):
            sells = one.tonnes > 0
            self._sold[place] += one.tonnes.sum()
            self._selling[place] += np.count_nonzero(sells)
            self._sale_days[place] += one.days[sells].sum()
            self._share[place] += one.share[sells].sum()

    def outcome(self, scenario: StressScenario) -> ScenarioOutcome:
        """Give the stress's figures, money to the fen and shares rounded up."""
        paths = self._inputs.path_count
        total = self.loss.sum(axis=0)
        return ScenarioOutcome(
            code=scenario.code, price_low_ratio=to_decimal(self._low / paths, places=_PLACES),
            called_mean=to_decimal(self._called.sum().item() / paths, places=2),
            failed_mean=to_decimal(self._failed.sum().item() / paths, places=2),
            called_cny=_money(self._asked.sum().item() / paths), peak_due_cny=_money(self._peak / paths),
            met_units_cny=_money(self._met_units / paths), met_cash_cny=_money(self._met_cash / paths),
            failed_debt_cny=_money(self._failed_debt / paths), loss_mean_cny=_money(total.mean().item()),
            loss_error_cny=_money(total.std().item() / math.sqrt(paths)), loss_tail_cny=self._tail(total),
            agreements=tuple(self._agreements()), units=tuple(self._units()),
        )  # fmt: skip

    def _tail(self, values: FloatArray) -> Decimal:
        place = math.ceil((1.0 - to_float(self._inputs.market.tail_ratio)) * values.size) - 1
        return _money(np.partition(values, place)[place].item())

    def _agreements(self) -> Iterator[AgreementStress]:
        paths = self._inputs.path_count
        for place, one in enumerate(self._inputs.agreements):
            called, failed = self._called[place].item(), self._failed[place].item()
            if not called and not failed:
                continue
            yield AgreementStress(
                code=one.code, pledgor=one.pledgor, debt_cny=one.debt_cny, called_ratio=_ratio(called / paths),
                call_day=to_decimal(self._days[place].item() / called, places=1) if called else None,
                call_cny=_money(self._asked[place].item() / called) if called else Decimal("0.00"),
                failed_ratio=_ratio(failed / paths), loss_mean_cny=_money(self.loss[place].mean().item()),
                loss_tail_cny=self._tail(self.loss[place]),
            )  # fmt: skip

    def _units(self) -> Iterator[UnitStress]:
        paths = self._inputs.path_count
        for place, one in enumerate(self._inputs.units):
            selling = self._selling[place].item()
            if not selling:
                continue
            mean = self._sold[place].item() / paths
            volume = one.daily_volume_t
            yield UnitStress(
                unit=one.unit, sold_mean_t=to_tonnes(mean),
                volume_days=to_decimal(mean / to_float(volume), places=1) if volume else None,
                days_to_sell=to_decimal(self._sale_days[place].item() / selling, places=1),
                share_mean=to_decimal(self._share[place].item() / selling, places=_PLACES),
            )  # fmt: skip


def _findings(inputs: StressInputs) -> Iterator[tuple[str, str]]:
    silent = [one.name for one in inputs.pledgors if one.cash_cny is None]
    if silent:
        names = "、".join(silent)
        yield (
            f"未载明可用资金、按零计的出质人：{names}。",
            f"Pledgors whose cash nobody stated, counted as none: {', '.join(silent)}.",
        )
    for one in inputs.units:
        for zh, en in (*one.notes, *_season_notes(one)):
            yield f"{one.unit}：{zh}", f"{one.unit}: {en}"
    for code, zh, en in inputs.left_out:
        yield f"未纳入 {code}：{zh}", f"Left out {code}: {en}"


def _season_notes(one: StressUnit) -> Iterator[tuple[str, str]]:
    """Say what the depth after the surrender rests on where nobody confirmed it and the unit sells at all."""
    season = one.season
    if season is not None and not season.is_confirmed and one.daily_volume_t and one.selling_ratio:
        zh, en = season.words
        unsaleable = season.basis is DepthBasis.UNKNOWN
        yield (f"{zh}，按无法变现计", f"{en}: it counts as unsaleable") if unsaleable else (zh, en)


def _figures(
    inputs: StressInputs, found: Sequence[ScenarioOutcome], debt: Decimal, collateral: Decimal
) -> FigureList:  # fmt: skip
    figures, day = FigureList(), inputs.business_date.isoformat()
    owed = figures.fact("debt", ("债权合计（已扣保证金）", "Debt, margin taken off"), debt, "CNY", f"押品台账 {day}")
    worth = figures.fact(
        "collateral_value", ("押品价值（折扣后）", "Collateral after haircut"), collateral, "CNY", f"押品台账 {day}"
    )
    paths = figures.fact("path_count", ("路径数", "Paths"), inputs.path_count, "count", f"随机种子 {inputs.seed}")
    names = {one.code: (one.name_zh, one.name_en) for one in inputs.scenarios}
    shared = [
        figures.parameter(f"{one.key.rpartition('.')[2]}_{one.scope or 'all'}", one)
        for one in inputs.parameters
        if one.scope not in names
    ]
    seasons = [
        name
        for one in inputs.units
        if one.season is not None
        for name in season_figures(one.season, figures, unit=one.unit)
    ]
    for one in found:
        own = [
            figures.parameter(f"{value.key.rpartition('.')[2]}_{value.scope}", value)
            for value in inputs.parameters
            if value.scope == one.code
        ]
        zh, en = names[one.code]
        under = (owed, worth, paths, *shared, *own, *seasons)
        for name, label, value, formula in (
            ("loss_mean", ("平均损失", "mean loss"), one.loss_mean_cny, "mean Σ max(0, debt − proceeds of the sale)"),
            ("loss_tail", ("尾部损失", "tail loss"), one.loss_tail_cny, "quantile of Σ max(0, debt − proceeds)"),
            (
                "peak_due",
                ("单日最高追加", "most due on a day"),
                one.peak_due_cny,
                "mean of max over days of Σ calls due",
            ),
        ):
            figures.result(
                f"{name}_{one.code}", (f"{zh}：{label[0]}", f"{en}: {label[1]}"), value, "CNY", formula, inputs=under
            )
    return figures


def _money(value: float) -> Decimal:
    return cny(to_decimal(value, places=4))


def _ratio(value: float) -> Decimal:
    return round_up(to_decimal(value, places=10), _PLACES)


BOOK_STRESS = DecisionKind(
    name="collateral.book_stress", version="1", inputs=StressInputs, outputs=StressOutcome, decide=decide_book_stress
)
