"""Shapes of a risk measurement: what is measured, VaR and ES, contributions, stresses."""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.kernel.allowances import Scheme
from carbonfin.web.wire import DayText, IdText, decimal_of
from pricing.calc.portfolio_risk import STRESS_LABELS, CustomStress, LineRisk, StressResult
from pricing.calc.tradability import VALUATION_ONLY_EN, VALUATION_ONLY_ZH
from pricing.schemas.figures import optional_text_of, text_of
from pricing.schemas.positions import PortfolioLineIn
from pricing.schemas.valuations import LINES_MAX, FailureOut
from pricing.service import RiskAnswer

_Move = Annotated[
    str,
    Meta(pattern=r"^-?(0|[1-9][0-9]{0,1})(\.[0-9]{1,6})?$", description="Relative move as a decimal: -0.19 is -19 %."),
]


class PriceMoveIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A move of every price of one scheme."""

    scheme: Scheme
    move: _Move


class RiskIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stored portfolio or a book on a day, and on demand a scenario of the caller's own; nothing is kept."""

    valuation_date: DayText
    portfolio_id: IdText | None = None
    lines: Annotated[list[PortfolioLineIn], Meta(min_length=1, max_length=LINES_MAX)] | None = None
    price_moves: Annotated[list[PriceMoveIn], Meta(max_length=20)] = []
    rate_move: _Move = "0"

    def custom(self) -> CustomStress | None:
        """Read the caller's own scenario, None where nothing moves."""
        moves = tuple((one.scheme.value, decimal_of(one.move)) for one in self.price_moves)
        rate = decimal_of(self.rate_move)
        return CustomStress(price_moves=moves, rate_move=rate) if moves or rate != Decimal(0) else None


class FactorVolatilityOut(Struct, frozen=True, kw_only=True):
    """A factor's volatility and its source."""

    factor: str
    volatility: str
    source: str
    is_assumption: bool


class VolatilityMovesOut(Struct, frozen=True, kw_only=True):
    """How a factor's volatilities move: with its price by `slope`, and by themselves by `residual` a year."""

    factor: str
    slope: str
    residual: str
    move_count: int
    source: str


class LineRiskOut(Struct, frozen=True, kw_only=True):
    """One line's exposure and its part in the risk."""

    line_id: str
    unit: str
    kind: str
    factor: str
    exposure_cny: str
    component_cny: str
    incremental_cny: str
    is_valuation_only: bool

    @classmethod
    def of(cls, line: LineRisk) -> "LineRiskOut":
        """Write a line."""
        return cls(
            line_id=line.line_id,
            unit=str(line.unit),
            kind=line.kind,
            factor=line.factor,
            exposure_cny=text_of(line.exposure_cny),
            component_cny=text_of(line.component_cny),
            incremental_cny=text_of(line.incremental_cny),
            is_valuation_only=line.is_labelled,
        )


class StressOut(Struct, frozen=True, kw_only=True):
    """What a stress does to the book; every stress is an assumption."""

    kind: str
    label_zh: str
    label_en: str
    pnl_cny: str
    moves: dict[str, str]
    rate_move: str
    line_pnl_cny: dict[str, str]
    note_zh: str

    @classmethod
    def of(cls, result: StressResult) -> "StressOut":
        """Write a stress."""
        zh, en = STRESS_LABELS[result.kind]
        return cls(
            kind=result.kind,
            label_zh=zh,
            label_en=en,
            pnl_cny=text_of(result.pnl_cny),
            moves={unit: text_of(move) for unit, move in result.moves},
            rate_move=text_of(result.rate_move),
            line_pnl_cny={line: text_of(amount) for line, amount in result.line_pnl_cny},
            note_zh=result.note_zh,
        )


class RiskOut(Struct, frozen=True, kw_only=True):
    """The risk of a book: null where no line could be measured; lines left out stand in `failures`.

    A line that is marked `is_valuation_only` cannot be traded: `valuation_only_zh` is its label.

    `still_volatilities` names the factors whose options are measured by price moves alone, for want of a history.
    """

    portfolio_name: str
    valuation_date: str
    known_at: str
    present_value_cny: str
    confidence: str
    horizon_days: int
    value_at_risk_cny: str | None
    expected_shortfall_cny: str | None
    value_at_risk_low_cny: str | None
    value_at_risk_high_cny: str | None
    scenario_count: int
    is_undiversified: bool
    volatilities: list[FactorVolatilityOut]
    volatility_moves: list[VolatilityMovesOut]
    still_volatilities: list[str]
    lines: list[LineRiskOut]
    stresses: list[StressOut]
    failures: list[FailureOut]
    is_sample: bool
    snapshot_digest: str
    valuation_only_zh: str = VALUATION_ONLY_ZH
    valuation_only_en: str = VALUATION_ONLY_EN

    @classmethod
    def of(cls, answer: RiskAnswer) -> "RiskOut":
        """Write a measurement."""
        risk = answer.risk
        return cls(
            portfolio_name=answer.portfolio_name,
            valuation_date=answer.valuation_date.isoformat(),
            known_at=answer.known_at.isoformat().replace("+00:00", "Z"),
            present_value_cny=text_of(risk.present_value_cny),
            confidence=text_of(risk.confidence),
            horizon_days=risk.horizon_days,
            value_at_risk_cny=optional_text_of(risk.value_at_risk_cny),
            expected_shortfall_cny=optional_text_of(risk.expected_shortfall_cny),
            value_at_risk_low_cny=optional_text_of(risk.interval_cny[0]),
            value_at_risk_high_cny=optional_text_of(risk.interval_cny[1]),
            scenario_count=risk.scenario_count,
            is_undiversified=risk.is_undiversified,
            volatilities=[
                FactorVolatilityOut(
                    factor=one.factor,
                    volatility=text_of(one.volatility),
                    source=one.source,
                    is_assumption=one.is_assumption,
                )
                for one in risk.volatilities
            ],
            volatility_moves=[
                VolatilityMovesOut(
                    factor=one.factor,
                    slope=text_of(one.slope),
                    residual=text_of(one.residual),
                    move_count=one.move_count,
                    source=one.source,
                )
                for one in risk.volatility_moves or ()
            ],
            still_volatilities=list(risk.still_volatilities or ()),
            lines=[LineRiskOut.of(line) for line in risk.lines],
            stresses=[StressOut.of(result) for result in risk.stresses],
            failures=[FailureOut.of(failure) for failure in risk.failures],
            is_sample=risk.is_sample,
            snapshot_digest=risk.snapshot_digest,
        )
