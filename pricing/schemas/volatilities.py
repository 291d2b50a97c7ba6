"""Shapes of estimated volatilities: each estimator with its error and known bias."""

from msgspec import Struct

from carbonfin.kernel.units import to_decimal
from pricing.calc.volatility_errors import ERROR_LABELS
from pricing.calc.volatility_estimators import BIAS_SOURCE_EN, BIAS_SOURCE_ZH, ESTIMATORS, REGIMES, Estimator
from pricing.schemas.figures import text_of
from pricing.schemas.valuations import FailureOut
from pricing.service import EstimatorAnswer, VolatilityAnswer

_PLACES = 6
DEFAULT = Estimator.RENEWAL


class VolatilityEstimateOut(Struct, frozen=True, kw_only=True):
    """One estimator's annualised volatility; null where it refuses, and `refusal` says why.

    `bias_pct` is its known bias in per cent of the true volatility in each of the regimes, in their order;
    `standard_error` is of sampling alone, by `error_method`, and says nothing of that bias.
    """

    estimator: str
    label_zh: str
    label_en: str
    is_default: bool
    volatility: str | None
    standard_error: str | None
    error_method: str | None
    error_method_zh: str | None
    error_method_en: str | None
    effective_count: str | None
    return_count: int | None
    left_out_count: int | None
    bias_pct: list[int]
    refusal: FailureOut | None

    @classmethod
    def of(cls, answer: EstimatorAnswer) -> "VolatilityEstimateOut":
        """Write an estimate."""
        note, found = ESTIMATORS[answer.estimator], answer.estimate
        method = None if found is None else found.error_method
        return cls(
            estimator=answer.estimator,
            label_zh=note.label_zh,
            label_en=note.label_en,
            is_default=answer.estimator is DEFAULT,
            volatility=None if found is None else _number(found.volatility),
            standard_error=None if found is None else _number(found.standard_error),
            error_method=method,
            error_method_zh=None if method is None else ERROR_LABELS[method][0],
            error_method_en=None if method is None else ERROR_LABELS[method][1],
            effective_count=None if found is None else _number(found.effective_count),
            return_count=None if found is None else found.return_count,
            left_out_count=None if found is None else found.left_out_count,
            bias_pct=list(note.bias_pct),
            refusal=None if answer.refusal is None else FailureOut.of(answer.refusal),
        )


class VolatilityEstimatesOut(Struct, frozen=True, kw_only=True):
    """The volatility of a unit by every estimator off its stored quotes, the default first."""

    unit: str
    valuation_date: str
    known_at: str
    first_date: str
    last_date: str
    quoted_count: int
    traded_count: int
    limit_count: int
    has_volume: bool
    source: str
    is_sample: bool
    estimates: list[VolatilityEstimateOut]
    regimes_zh: list[str]
    regimes_en: list[str]
    bias_source_zh: str = BIAS_SOURCE_ZH
    bias_source_en: str = BIAS_SOURCE_EN

    @classmethod
    def of(cls, answer: VolatilityAnswer) -> "VolatilityEstimatesOut":
        """Write estimates."""
        return cls(
            unit=str(answer.unit),
            valuation_date=answer.valuation_date.isoformat(),
            known_at=answer.known_at.isoformat().replace("+00:00", "Z"),
            first_date=answer.first_date.isoformat(),
            last_date=answer.last_date.isoformat(),
            quoted_count=answer.quoted_count,
            traded_count=answer.traded_count,
            limit_count=answer.limit_count,
            has_volume=answer.has_volume,
            source=answer.source,
            is_sample=answer.is_sample,
            estimates=[VolatilityEstimateOut.of(one) for one in answer.estimates],
            regimes_zh=[zh for zh, _ in REGIMES],
            regimes_en=[en for _, en in REGIMES],
        )


def _number(value: float) -> str:
    return text_of(to_decimal(value, places=_PLACES))
