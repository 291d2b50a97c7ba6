"""Shapes of a risk measurement: what is measured, VaR and ES, contributions, stresses."""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.kernel.allowances import Scheme
from carbonfin.web.wire import DayText, IdText, decimal_of
from pricing.calc.portfolio_risk import (
    RISK_METHOD_LABELS,
    CustomStress,
    LineRisk,
    MethodRisk,
    RiskMethod,
    StressResult,
    stress_labels,
)
from pricing.calc.portfolio_risk.histories import FactorHistory
from pricing.calc.tradability import VALUATION_ONLY_EN, VALUATION_ONLY_ZH
from pricing.schemas.figures import optional_text_of, text_of
from pricing.schemas.positions import PortfolioLineIn
from pricing.schemas.valuations import LINES_MAX, FailureOut
from pricing.service import RiskAnswer, StressScenarios, moves_of

_Move = Annotated[
    str,
    Meta(pattern=r"^-?(0|[1-9][0-9]{0,1})(\.[0-9]{1,6})?$", description="Relative move as a decimal: -0.19 is -19 %."),
]


_NOTHING = Decimal(0)


class PriceMoveIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A move of every price of one scheme."""

    scheme: Scheme
    move: _Move


class RiskIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stored portfolio or a book on a day, and on demand a scenario of the caller's own; nothing is kept.

    `method` says by which scenarios the first figures and those of the lines are; every method stands in `methods`.
    """

    valuation_date: DayText
    portfolio_id: IdText | None = None
    lines: Annotated[list[PortfolioLineIn], Meta(min_length=1, max_length=LINES_MAX)] | None = None
    price_moves: Annotated[list[PriceMoveIn], Meta(max_length=20)] = []
    rate_move: _Move = "0"
    fx_move: _Move = "0"
    volatility_move: _Move = "0"
    method: RiskMethod = RiskMethod.MONTE_CARLO

    def custom(self) -> CustomStress | None:
        """Read the caller's own scenario, None where nothing moves."""
        moves = tuple((one.scheme.value, decimal_of(one.move)) for one in self.price_moves)
        rate, fx, volatility = (decimal_of(one) for one in (self.rate_move, self.fx_move, self.volatility_move))
        if not moves and not any((rate, fx, volatility)):
            return None
        return CustomStress(price_moves=moves, rate_move=rate, fx_move=fx, volatility_move=volatility)


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
    kind_zh: str
    kind_en: str
    factor: str
    exposure_cny: str
    component_cny: str
    component_value_at_risk_cny: str | None
    incremental_cny: str
    is_valuation_only: bool

    @classmethod
    def of(cls, line: LineRisk) -> "LineRiskOut":
        """Write a line."""
        return cls(
            line_id=line.line_id,
            unit=str(line.unit),
            kind=line.kind,
            kind_zh=line.kind_labels[0],
            kind_en=line.kind_labels[1],
            factor=line.factor,
            exposure_cny=text_of(line.exposure_cny),
            component_cny=text_of(line.component_cny),
            component_value_at_risk_cny=optional_text_of(line.component_value_at_risk_cny),
            incremental_cny=text_of(line.incremental_cny),
            is_valuation_only=line.is_labelled,
        )


class StressOut(Struct, frozen=True, kw_only=True):
    """What a stress does to the book; every stress is an assumption. `name` is that of one the organisation keeps."""

    kind: str
    name: str | None
    label_zh: str
    label_en: str
    pnl_cny: str
    moves: dict[str, str]
    rate_move: str
    fx_move: str
    volatility_move: str
    line_pnl_cny: dict[str, str]
    note_zh: str

    @classmethod
    def of(cls, result: StressResult) -> "StressOut":
        """Write a stress."""
        zh, en = stress_labels(result)
        return cls(
            kind=result.kind,
            name=result.name,
            label_zh=zh,
            label_en=en,
            pnl_cny=text_of(result.pnl_cny),
            moves={unit: text_of(move) for unit, move in result.moves},
            rate_move=text_of(result.rate_move),
            fx_move=text_of(result.fx_move or _NOTHING),
            volatility_move=text_of(result.volatility_move or _NOTHING),
            line_pnl_cny={line: text_of(amount) for line, amount in result.line_pnl_cny},
            note_zh=result.note_zh,
        )


class MethodRiskOut(Struct, frozen=True, kw_only=True):
    """What one method says of the book, and what its sample can say.

    Attributes:
        independent_count: How many of the scenarios stand by themselves.
        left_out: Codes of the lines that are not in its figures.
        refusal: Why it gives none; null where it does.
        interpolated_count: Lines read off a grid or a polynomial in price and volatility.
        revaluation_error_cny: By how much that may move any of these figures; "0.00" where every line is exact.
    """

    method: str
    label_zh: str
    label_en: str
    present_value_cny: str
    value_at_risk_cny: str | None
    expected_shortfall_cny: str | None
    value_at_risk_low_cny: str | None
    value_at_risk_high_cny: str | None
    scenario_count: int
    independent_count: int
    tail_count: int
    first_date: str | None
    last_date: str | None
    line_count: int
    left_out: list[str]
    remarks_zh: list[str]
    remarks_en: list[str]
    refusal: FailureOut | None
    interpolated_count: int | None
    revaluation_error_cny: str | None

    @classmethod
    def of(cls, risk: MethodRisk) -> "MethodRiskOut":
        """Write a method's figures."""
        zh, en = RISK_METHOD_LABELS[risk.method]
        return cls(
            method=risk.method,
            label_zh=zh,
            label_en=en,
            present_value_cny=text_of(risk.present_value_cny),
            value_at_risk_cny=optional_text_of(risk.value_at_risk_cny),
            expected_shortfall_cny=optional_text_of(risk.expected_shortfall_cny),
            value_at_risk_low_cny=optional_text_of(risk.interval_cny[0]),
            value_at_risk_high_cny=optional_text_of(risk.interval_cny[1]),
            scenario_count=risk.scenario_count,
            independent_count=risk.independent_count,
            tail_count=risk.tail_count,
            first_date=None if risk.first_date is None else risk.first_date.isoformat(),
            last_date=None if risk.last_date is None else risk.last_date.isoformat(),
            line_count=risk.line_count,
            left_out=list(risk.left_out),
            remarks_zh=[zh for zh, _ in risk.remarks],
            remarks_en=[en for _, en in risk.remarks],
            refusal=None if risk.refusal is None else FailureOut.of(risk.refusal),
            interpolated_count=risk.interpolated_count,
            revaluation_error_cny=optional_text_of(risk.revaluation_error_cny),
        )


class FactorHistoryOut(Struct, frozen=True, kw_only=True):
    """The history of one factor: days quoted, days used, and closes left out by what was found of them."""

    kind: str
    name: str
    source: str
    first_date: str | None
    last_date: str | None
    quoted_count: int
    used_count: int
    left_out: dict[str, int]
    is_sample: bool
    refusal: FailureOut | None

    @classmethod
    def of(cls, history: FactorHistory) -> "FactorHistoryOut":
        """Write a history without its points."""
        days = [point.day for point in history.points]
        return cls(
            kind=history.kind,
            name=history.name,
            source=history.source,
            first_date=days[0].isoformat() if days else None,
            last_date=days[-1].isoformat() if days else None,
            quoted_count=history.quoted_count,
            used_count=len(days),
            left_out={str(kind): count for kind, count in history.left_out},
            is_sample=history.is_sample,
            refusal=None if history.refusal is None else FailureOut.of(history.refusal),
        )


class MarketDeviationOut(Struct, frozen=True, kw_only=True):
    """How far a rate (by difference) or an exchange rate (by logarithm) moves in a year, as scenarios are drawn."""

    kind: str
    name: str
    deviation: str
    source: str
    is_assumption: bool


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
    method: str
    methods: list[MethodRiskOut]
    histories: list[FactorHistoryOut]
    deviations: list[MarketDeviationOut]
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
            method=risk.method or RiskMethod.MONTE_CARLO,
            methods=[MethodRiskOut.of(one) for one in risk.methods or ()],
            histories=[FactorHistoryOut.of(one) for one in answer.histories],
            deviations=[
                MarketDeviationOut(
                    kind=one.kind,
                    name=one.name,
                    deviation=text_of(one.deviation),
                    source=one.source,
                    is_assumption=one.is_assumption,
                )
                for one in answer.deviations
            ],
        )


class StressScenarioOut(Struct, frozen=True, kw_only=True):
    """A scenario the organisation keeps: what moves by how much, and who stands for it."""

    name: str
    moves: dict[str, str]
    text: str
    document: str
    note: str
    valid_from: str
    known_from: str
    is_confirmed: bool
    approved_by: list[str]


class StressScenariosOut(Struct, frozen=True, kw_only=True):
    """The scenarios in force; those that do not read stand in `failures` and in no measurement."""

    valuation_date: str
    scenarios: list[StressScenarioOut]
    failures: list[FailureOut]

    @classmethod
    def of(cls, found: StressScenarios) -> "StressScenariosOut":
        """Write the scenarios."""
        return cls(
            valuation_date=found.valuation_date.isoformat(),
            scenarios=[
                StressScenarioOut(
                    name=value.scope,
                    moves={name: text_of(move) for name, move in moves_of(stress).items()},
                    text=value.value,
                    document=value.document,
                    note=value.note,
                    valid_from=value.valid_from.isoformat(),
                    known_from=value.known_from.isoformat(),
                    is_confirmed=value.confirmed,
                    approved_by=list(value.approved_by),
                )
                for value, stress in found.own
            ],
            failures=[FailureOut.of(failure) for failure in found.faults],
        )
