"""What a measurement of risk takes, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Failure
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import ADDED_LATER
from carbonfin.rules.trace import Trace
from pricing.calc.portfolio import PortfolioInputs
from pricing.calc.portfolio_risk.histories import FactorHistory, FactorKind
from pricing.calc.portfolio_risk.volatility_moves import VolatilityMoves
from pricing.calc.positions import LineKind, kind_labels
from pricing.calc.risk.scenarios import StressKind

CONFIDENCE = "pricing.risk_confidence"
HORIZON_DAYS = "pricing.risk_horizon_days"
TAIL_DEGREES = "pricing.risk_tail_degrees"
FILTER_DECAY = "pricing.risk_filter_decay"
VOLATILITY = "pricing.volatility"
RATE_VOLATILITY = "pricing.rate_volatility"
CORRELATION = "pricing.price_correlation"
STRESS_PRICE_MOVE = "pricing.stress_price_move"
STRESS_RATE_MOVE = "pricing.stress_rate_move"
STRESS_FX_MOVE = "pricing.stress_fx_move"
STRESS_VOLATILITY_MOVE = "pricing.stress_volatility_move"
STRESS_LIMIT_DAYS = "pricing.stress_limit_days"
SCENARIO_COUNT = 20_000
SEED = 20250630


class RiskMethod(StrEnum):
    """How scenarios come about."""

    MONTE_CARLO = "monte_carlo"
    HISTORICAL = "historical"
    FILTERED_HISTORICAL = "filtered_historical"


RISK_METHOD_LABELS: Mapping[RiskMethod, tuple[str, str]] = {
    RiskMethod.MONTE_CARLO: ("蒙特卡罗模拟", "Monte Carlo"),
    RiskMethod.HISTORICAL: ("历史模拟", "historical"),
    RiskMethod.FILTERED_HISTORICAL: ("滤波历史模拟", "filtered historical"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorVolatility:
    """The annualised volatility of one price factor, and where it comes from.

    Attributes:
        factor: Unit or scheme whose price moves.
        is_assumption: Whether it was approved as an assumption and not estimated.
    """

    factor: str
    volatility: Decimal
    source: str
    is_assumption: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketDeviation:
    """How far a rate or an exchange rate moves in a year, as scenarios are drawn.

    Attributes:
        kind: Rate, whose deviation is of differences, or exchange rate, whose is of logarithms.
        name: Currency of the rate, or turned into 元.
        is_assumption: Whether it was approved as an assumption and not estimated.
    """

    kind: FactorKind
    name: str
    deviation: Decimal
    source: str
    is_assumption: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketHistory:
    """Histories of all factors of a book, and how far its rates and exchange rates move."""

    histories: tuple[FactorHistory, ...]
    deviations: tuple[MarketDeviation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomStress:
    """A scenario that a person asks for: relative moves by scheme and a parallel move of the rate.

    Attributes:
        fx_move: Relative move of every currency in 元; None in scenarios of before.
        volatility_move: Relative move of every option's volatility; None in scenarios of before.
    """

    price_moves: tuple[tuple[str, Decimal], ...]
    rate_move: Decimal
    fx_move: Decimal | None = field(default=None, metadata=ADDED_LATER)
    volatility_move: Decimal | None = field(default=None, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskInputs:
    """All that a measurement takes: the book with its market, volatilities, and how many scenarios are drawn.

    Attributes:
        volatility_moves: How volatilities of options move, of each factor whose surface has a history; None in
            measurements made before volatilities moved.
        market: Histories, and moves of rates and exchange rates; None in measurements of price moves alone.
        method: By which the figures of lines and the first figures are; None for Monte Carlo.
    """

    book: PortfolioInputs
    volatilities: tuple[FactorVolatility, ...]
    correlation: ParameterValue | None
    scenario_count: int
    seed: int
    custom: CustomStress | None = None
    volatility_moves: tuple[VolatilityMoves, ...] | None = field(default=None, metadata=ADDED_LATER)
    market: MarketHistory | None = field(default=None, metadata=ADDED_LATER)
    method: RiskMethod | None = field(default=None, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRisk:
    """One line's part in the risk.

    Attributes:
        exposure_cny: What the line gains where its price doubles; of an option, along its delta.
        component_cny: Its mean loss over the tail; the lines sum to the expected shortfall.
        incremental_cny: Value at risk of the book less that without the line.
        is_valuation_only: Whether the line cannot be traded; None in measurements made before that was asked.
        component_value_at_risk_cny: Its loss in the scenario of the value at risk; the lines sum to that.
        is_foreign: Whether it is a future settled in a foreign currency; None where it is not.
    """

    line_id: str
    unit: Unit
    kind: LineKind
    factor: str
    exposure_cny: Decimal
    component_cny: Decimal
    incremental_cny: Decimal
    is_valuation_only: bool | None = field(default=None, metadata=ADDED_LATER)
    component_value_at_risk_cny: Decimal | None = field(default=None, metadata=ADDED_LATER)
    is_foreign: bool | None = field(default=None, metadata=ADDED_LATER)

    @property
    def kind_labels(self) -> tuple[str, str]:
        """What the line is, in Chinese and English."""
        return kind_labels(self.kind, is_foreign=bool(self.is_foreign))

    @property
    def is_labelled(self) -> bool:
        """Whether the label 仅估值，不可成交 is shown; where nobody asked, every contract has it."""
        return self.kind is not LineKind.SPOT if self.is_valuation_only is None else self.is_valuation_only


@dataclass(frozen=True, slots=True, kw_only=True)
class StressResult:
    """What a stress does to the book.

    Attributes:
        moves: Relative move of each unit's price.
        line_pnl_cny: P&L by line.
        note_zh: The assumption behind it.
        fx_move: Relative move of every currency in 元, None where none moves; so of the volatility of options.
        name: Of a scenario that the organisation keeps; None for all others.
    """

    kind: StressKind
    pnl_cny: Decimal
    moves: tuple[tuple[str, Decimal], ...]
    rate_move: Decimal
    line_pnl_cny: tuple[tuple[str, Decimal], ...]
    note_zh: str
    fx_move: Decimal | None = field(default=None, metadata=ADDED_LATER)
    volatility_move: Decimal | None = field(default=None, metadata=ADDED_LATER)
    name: str | None = field(default=None, metadata=ADDED_LATER)

    @property
    def code(self) -> str:
        """What tells it from the other stresses of a measurement, and names its figure in the trace."""
        return f"stress.{self.kind}" if self.name is None else f"stress.{self.kind}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodRisk:
    """Value at risk and expected shortfall by one method, and what its sample can say.

    Attributes:
        present_value_cny: Of the lines measured by it.
        interval_cny: 95 % interval of the value at risk by the independent scenarios; None at an end they cannot say.
        scenario_count: Scenarios; nought where the method refuses the book.
        independent_count: How many of them stand by themselves: overlapping sums over h days of n count as n / h.
        tail_count: Scenarios in the tail, the quantile itself among them.
        line_count: Lines measured by it.
        left_out: Codes of lines that are in the book's figures by Monte Carlo and not in these.
        remarks: What must be said of it, in Chinese and English.
        refusal: Why it gives no figure; None where it does.
        interpolated_count: Lines read off a grid or a polynomial in price and volatility; None where that was not told.
        revaluation_error_cny: By how much that may move any of these figures; nought where every line is exact.
    """

    method: RiskMethod
    present_value_cny: Decimal
    value_at_risk_cny: Decimal | None
    expected_shortfall_cny: Decimal | None
    interval_cny: tuple[Decimal | None, Decimal | None]
    scenario_count: int
    independent_count: int
    tail_count: int
    first_date: date | None
    last_date: date | None
    line_count: int
    left_out: tuple[str, ...]
    remarks: tuple[tuple[str, str], ...]
    refusal: Failure | None = None
    interpolated_count: int | None = field(default=None, metadata=ADDED_LATER)
    revaluation_error_cny: Decimal | None = field(default=None, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioRisk:
    """The risk of a portfolio.

    Attributes:
        interval_cny: 95 % interval of the value at risk by the number of scenarios drawn; None at an end it cannot say.
        is_undiversified: Whether all exposures were taken to lose together for want of a correlation.
        failures: Lines without value or volatility; they are in no figure.
        volatility_moves: As taken.
        still_volatilities: Factors whose options were measured with volatilities held still, for want of a history.
        methods: Every method's figures; None in measurements of before.
        method: By which the first figures and those of the lines are; None for Monte Carlo.
    """

    present_value_cny: Decimal
    confidence: Decimal
    horizon_days: int
    value_at_risk_cny: Decimal | None
    expected_shortfall_cny: Decimal | None
    interval_cny: tuple[Decimal | None, Decimal | None]
    scenario_count: int
    is_undiversified: bool
    volatilities: tuple[FactorVolatility, ...]
    lines: tuple[LineRisk, ...]
    stresses: tuple[StressResult, ...]
    failures: tuple[Failure, ...]
    is_sample: bool
    snapshot_digest: str
    trace: Trace
    volatility_moves: tuple[VolatilityMoves, ...] | None = field(default=None, metadata=ADDED_LATER)
    still_volatilities: tuple[str, ...] | None = field(default=None, metadata=ADDED_LATER)
    methods: tuple[MethodRisk, ...] | None = field(default=None, metadata=ADDED_LATER)
    method: RiskMethod | None = field(default=None, metadata=ADDED_LATER)
