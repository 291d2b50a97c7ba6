"""Shapes of a backtest: what was promised on past days, what came, and what the tests could have found."""

from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.kernel.units import to_decimal
from carbonfin.web.wire import DayText, IdText
from pricing.calc.portfolio_risk.backtest_words import verdicts
from pricing.calc.portfolio_risk.backtesting import BACKTEST_MODEL_LABELS, ModelBacktest
from pricing.calc.risk.backtests import CoverageTest, IndependenceTest, ShortfallTest
from pricing.schemas.figures import text_of
from pricing.schemas.positions import PortfolioLineIn
from pricing.schemas.risk import FactorHistoryOut
from pricing.schemas.valuations import LINES_MAX, FailureOut
from pricing.service import BacktestAnswer

_PLACES = 6


class BacktestIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stored portfolio or a book that is held through the history of its factors; nothing is kept."""

    valuation_date: DayText
    portfolio_id: IdText | None = None
    lines: Annotated[list[PortfolioLineIn], Meta(min_length=1, max_length=LINES_MAX)] | None = None
    window_days: Annotated[int, Meta(ge=121, le=1_000, description="Moves on which each promise rests.")] | None = None


class CoverageTestOut(Struct, frozen=True, kw_only=True):
    """Kupiec: whether exceptions came as often as promised. `power` is of finding them twice as frequent."""

    day_count: int
    exception_count: int
    expected_count: str
    statistic: str
    p_value: str
    is_rejected: bool
    power: str
    is_conclusive: bool

    @classmethod
    def of(cls, test: CoverageTest) -> "CoverageTestOut":
        """Write a test."""
        return cls(
            day_count=test.day_count,
            exception_count=test.exception_count,
            expected_count=_number(test.expected_count),
            statistic=_number(test.statistic),
            p_value=_number(test.p_value),
            is_rejected=test.is_rejected,
            power=_number(test.power),
            is_conclusive=test.is_conclusive,
        )


class IndependenceTestOut(Struct, frozen=True, kw_only=True):
    """Christoffersen: whether an exception makes another the day after more likely."""

    after_calm: str
    after_exception: str | None
    statistic: str
    p_value: str
    is_rejected: bool
    coverage_statistic: str
    coverage_p_value: str
    is_coverage_rejected: bool

    @classmethod
    def of(cls, test: IndependenceTest) -> "IndependenceTestOut":
        """Write a test."""
        return cls(
            after_calm=_number(test.after_calm),
            after_exception=None if test.after_exception is None else _number(test.after_exception),
            statistic=_number(test.statistic),
            p_value=_number(test.p_value),
            is_rejected=test.is_rejected,
            coverage_statistic=_number(test.coverage_statistic),
            coverage_p_value=_number(test.coverage_p_value),
            is_coverage_rejected=test.is_coverage_rejected,
        )


class ShortfallTestOut(Struct, frozen=True, kw_only=True):
    """Acerbi and Szekely: whether losses beyond the value at risk were as large as the shortfall promised.

    `power` is of finding every loss a quarter larger; critical values are of `sample_count` simulated samples.
    """

    z1: str | None
    z1_critical: str | None
    is_z1_rejected: bool | None
    z2: str
    z2_critical: str
    is_rejected: bool
    power: str
    sample_count: int

    @classmethod
    def of(cls, test: ShortfallTest) -> "ShortfallTestOut":
        """Write a test."""
        return cls(
            z1=None if test.beyond is None else _number(test.beyond),
            z1_critical=None if test.beyond_critical is None else _number(test.beyond_critical),
            is_z1_rejected=test.is_beyond_rejected,
            z2=_number(test.unconditional),
            z2_critical=_number(test.critical),
            is_rejected=test.is_rejected,
            power=_number(test.power),
            sample_count=test.sample_count,
        )


class ModelBacktestOut(Struct, frozen=True, kw_only=True):
    """One model's backtest; days as columns, amounts in 元. `refusal` says why there is none."""

    model: str
    label_zh: str
    label_en: str
    refused_count: int
    days: list[str]
    pnl_cny: list[str]
    value_at_risk_cny: list[str]
    expected_shortfall_cny: list[str]
    exception_days: list[str]
    kupiec: CoverageTestOut | None
    christoffersen: IndependenceTestOut | None
    acerbi_szekely: ShortfallTestOut | None
    verdicts_zh: list[str]
    verdicts_en: list[str]
    refusal: FailureOut | None

    @classmethod
    def of(cls, found: ModelBacktest) -> "ModelBacktestOut":
        """Write a model's backtest."""
        zh, en = BACKTEST_MODEL_LABELS[found.model]
        said = verdicts(found)
        return cls(
            model=found.model,
            label_zh=zh,
            label_en=en,
            refused_count=found.refused_count,
            days=[one.day.isoformat() for one in found.days],
            pnl_cny=[_fen(one.pnl_cny) for one in found.days],
            value_at_risk_cny=[_fen(one.value_at_risk_cny) for one in found.days],
            expected_shortfall_cny=[_fen(one.expected_shortfall_cny) for one in found.days],
            exception_days=[one.day.isoformat() for one in found.days if one.is_exception],
            kupiec=None if found.coverage is None else CoverageTestOut.of(found.coverage),
            christoffersen=None if found.independence is None else IndependenceTestOut.of(found.independence),
            acerbi_szekely=None if found.shortfall is None else ShortfallTestOut.of(found.shortfall),
            verdicts_zh=[zh for zh, _ in said],
            verdicts_en=[en for _, en in said],
            refusal=None if found.refusal is None else FailureOut.of(found.refusal),
        )


class BacktestOut(Struct, frozen=True, kw_only=True):
    """The backtests of a book: today's positions through past moves of a day, each promise off the window before it."""

    portfolio_name: str
    valuation_date: str
    known_at: str
    present_value_cny: str
    confidence: str
    window_days: int
    first_date: str
    last_date: str
    move_count: int
    scaled_count: int
    line_count: int
    models: list[ModelBacktestOut]
    still: list[str]
    failures: list[FailureOut]
    histories: list[FactorHistoryOut]
    is_sample: bool
    snapshot_digest: str

    @classmethod
    def of(cls, answer: BacktestAnswer) -> "BacktestOut":
        """Write a backtest."""
        found = answer.backtest
        return cls(
            portfolio_name=answer.portfolio_name,
            valuation_date=answer.valuation_date.isoformat(),
            known_at=answer.known_at.isoformat().replace("+00:00", "Z"),
            present_value_cny=text_of(found.present_value_cny),
            confidence=text_of(found.confidence),
            window_days=found.window_days,
            first_date=found.first_date.isoformat(),
            last_date=found.last_date.isoformat(),
            move_count=found.move_count,
            scaled_count=found.scaled_count,
            line_count=found.line_count,
            models=[ModelBacktestOut.of(one) for one in found.models],
            still=list(found.still),
            failures=[FailureOut.of(failure) for failure in found.failures],
            histories=[FactorHistoryOut.of(one) for one in found.histories],
            is_sample=found.is_sample,
            snapshot_digest=found.snapshot_digest,
        )


def _number(value: float) -> str:
    return text_of(to_decimal(value, places=_PLACES))


def _fen(amount: float) -> str:
    return text_of(to_decimal(amount, places=2))
