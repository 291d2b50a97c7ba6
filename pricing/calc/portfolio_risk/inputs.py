"""What a measurement of risk takes, and what it answers."""

from dataclasses import dataclass, field
from decimal import Decimal

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Failure
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import ADDED_LATER
from carbonfin.rules.trace import Trace
from pricing.calc.portfolio import PortfolioInputs
from pricing.calc.portfolio_risk.volatility_moves import VolatilityMoves
from pricing.calc.positions import LineKind
from pricing.calc.risk.scenarios import StressKind

CONFIDENCE = "pricing.risk_confidence"
HORIZON_DAYS = "pricing.risk_horizon_days"
TAIL_DEGREES = "pricing.risk_tail_degrees"
VOLATILITY = "pricing.volatility"
CORRELATION = "pricing.price_correlation"
STRESS_PRICE_MOVE = "pricing.stress_price_move"
STRESS_RATE_MOVE = "pricing.stress_rate_move"
STRESS_LIMIT_DAYS = "pricing.stress_limit_days"
SCENARIO_COUNT = 20_000
SEED = 20250630


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
class CustomStress:
    """A scenario that a person asks for: relative moves by scheme and a parallel move of the rate."""

    price_moves: tuple[tuple[str, Decimal], ...]
    rate_move: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskInputs:
    """All that a measurement takes: the book with its market, volatilities, and how many scenarios are drawn.

    Attributes:
        volatility_moves: How volatilities of options move, of each factor whose surface has a history; None in
            measurements made before volatilities moved.
    """

    book: PortfolioInputs
    volatilities: tuple[FactorVolatility, ...]
    correlation: ParameterValue | None
    scenario_count: int
    seed: int
    custom: CustomStress | None = None
    volatility_moves: tuple[VolatilityMoves, ...] | None = field(default=None, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRisk:
    """One line's part in the risk.

    Attributes:
        exposure_cny: What the line gains where its price doubles; of an option, along its delta.
        component_cny: Its mean loss over the tail; the lines sum to the expected shortfall.
        incremental_cny: Value at risk of the book less that without the line.
        is_valuation_only: Whether the line cannot be traded; None in measurements made before that was asked.
    """

    line_id: str
    unit: Unit
    kind: LineKind
    factor: str
    exposure_cny: Decimal
    component_cny: Decimal
    incremental_cny: Decimal
    is_valuation_only: bool | None = field(default=None, metadata=ADDED_LATER)

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
    """

    kind: StressKind
    pnl_cny: Decimal
    moves: tuple[tuple[str, Decimal], ...]
    rate_move: Decimal
    line_pnl_cny: tuple[tuple[str, Decimal], ...]
    note_zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioRisk:
    """The risk of a portfolio.

    Attributes:
        interval_cny: 95 % interval of the value at risk by the number of scenarios drawn; None at an end it cannot say.
        is_undiversified: Whether all exposures were taken to lose together for want of a correlation.
        failures: Lines without value or volatility; they are in no figure.
        volatility_moves: As taken.
        still_volatilities: Factors whose options were measured with volatilities held still, for want of a history.
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
