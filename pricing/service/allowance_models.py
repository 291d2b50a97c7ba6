"""Allowance models fitted to the stored market as known at an instant, and options valued by them."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import MissingData
from carbonfin.kernel.units import Currency, to_float
from carbonfin.rules.record import digest_of
from carbonfin.storage.decisions import load_decision, load_inputs, load_outcome, record_decision
from pricing.calc.curve_quotes import CurveQuote, CurveQuoteKind
from pricing.calc.market import MarketSnapshot
from pricing.calc.models.model_fits import FittedNumber, ModelCaution, ModelFit, ModelKind, ModelQuestion
from pricing.calc.models.model_values import MODEL_VALUE, DayFactor, ModelAnswer, ModelInputs, value_by_model
from pricing.calc.models.schwartz_smith import FuturesStrip, StripPrior
from pricing.calc.models.schwartz_smith_calibration import fit_strip
from pricing.calc.structured.readings import forward_line
from pricing.calc.tradability import LEGAL_BASIS, law_notes
from pricing.service.compliance_periods import fitted_period, fitted_two_periods
from pricing.service.curve_quotes import curve_quotes_of
from pricing.service.curve_readers import curve_reader
from pricing.service.market import market_snapshot

_EXPIRIES_MAX = 6
_DAYS_A_YEAR = 365.0
_WIDE = 1.0
"""Variance of what is believed of the state before the first day: a whole unit of a log price is next to nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelValuation:
    """What a model says, with what was asked of it; `decision_id` is None where nothing was kept."""

    question: ModelQuestion
    valuation_date: date
    known_at: datetime
    answer: ModelAnswer
    decision_id: str | None


def model_value_of(
    session: Session, actor: Actor, question: ModelQuestion, *, valuation_date: date, known_at: datetime
) -> ModelValuation:
    """Fit a model, value the options by it, and keep nothing.

    Raises:
        InvalidInput: What is asked lies outside the model.
        MissingData: There are too few quotes, or no discount curve reaches an expiry.
        NotApplicable: The quotes mix vintages.
    """
    inputs = _inputs(session, actor, question, valuation_date=valuation_date, known_at=known_at)
    return ModelValuation(
        question=question, valuation_date=valuation_date, known_at=known_at, answer=value_by_model(inputs),
        decision_id=None,
    )  # fmt: skip


def record_model_value(
    session: Session, actor: Actor, question: ModelQuestion, *, valuation_date: date, known_at: datetime
) -> ModelValuation:
    """Fit a model, value the options by it, and keep the decision; it raises what `model_value_of` raises."""
    inputs = _inputs(session, actor, question, valuation_date=valuation_date, known_at=known_at)
    recorded = record_decision(
        session, actor, MODEL_VALUE, inputs, subject=f"model:{question.kind}:{question.unit}",
        valid_on=valuation_date, known_at=known_at,
    )  # fmt: skip
    return ModelValuation(
        question=question, valuation_date=valuation_date, known_at=known_at, answer=recorded.outcome,
        decision_id=recorded.decision_id,
    )  # fmt: skip


def load_model_value(session: Session, actor: Actor, decision_id: str) -> ModelValuation:
    """Give a model's answer on record.

    Raises:
        NotFound: The actor's organisation has no such decision.
    """
    inputs = load_inputs(session, actor, MODEL_VALUE, decision_id)
    record = load_decision(session, actor, decision_id)
    return ModelValuation(
        question=inputs.question,
        valuation_date=record.valid_on,
        known_at=record.known_at,
        answer=load_outcome(session, actor, MODEL_VALUE, decision_id),
        decision_id=decision_id,
    )


def _inputs(
    session: Session, actor: Actor, question: ModelQuestion, *, valuation_date: date, known_at: datetime
) -> ModelInputs:
    snapshot = market_snapshot(
        session, valuation_date=valuation_date, known_at=known_at, organization_id=actor.organization_id
    )
    fit = _FITTERS[question.kind](session, actor, question, valuation_date=valuation_date, known_at=known_at)
    factors, digest = _factors(session, actor, question, fit.currency, snapshot)
    zh, en = law_notes(snapshot.find_parameter(LEGAL_BASIS, scope=f"{question.unit.scheme}.option"))
    return ModelInputs(
        question=question, valuation_date=valuation_date, known_at=known_at, fit=fit, factors=factors,
        curves_digest=digest, notes_zh=zh, notes_en=en,
    )  # fmt: skip


def _factors(
    session: Session, actor: Actor, question: ModelQuestion, currency: Currency, snapshot: MarketSnapshot
) -> tuple[tuple[DayFactor, ...], str]:
    """Give the discount factor of each expiry off the curves of the day.

    Raises:
        MissingData: No curve reaches an expiry; a flat rate stands for none here.
    """
    days = sorted({one.expiry_date for one in question.options if one.expiry_date > snapshot.valuation_date})
    if not days:
        return (), ""
    reader = curve_reader(session, actor, valuation_date=snapshot.valuation_date, known_at=snapshot.known_at)
    market = reader.forwards([forward_line(question.unit, day, currency) for day in days])
    if market is None or market.gaps:
        gap = None if market is None else market.gaps[0]
        raise MissingData(
            "options by a model need the curves of the day" if gap is None else gap.detail,
            zh="模型定价需要当日曲线，平坦利率不适用" if gap is None else gap.zh,
            field="options",
            remedy="Import the rates of the day." if gap is None else gap.remedy,
            remedy_zh="请导入当日利率。" if gap is None else gap.remedy_zh,
        )
    return (
        tuple(
            DayFactor(day=one.terms.delivery_date, discount_factor=one.discount_factor, curve=str(currency))
            for one in sorted(market.points, key=lambda one: one.terms.delivery_date)
        ),
        market.set_digest,
    )


def _fitted_strip(
    session: Session, actor: Actor, question: ModelQuestion, *, valuation_date: date, known_at: datetime
) -> ModelFit:
    """Fit two factors to the settlement prices of a scheme, of the expiries quoted most often."""
    quotes = curve_quotes_of(
        session, actor, kind=CurveQuoteKind.SETTLEMENT, name=question.unit.scheme,
        from_date=valuation_date - timedelta(days=question.history_days), to_date=valuation_date, known_at=known_at,
    )  # fmt: skip
    alive = [one for one in quotes if one.expiry_date is not None and one.expiry_date > valuation_date]
    if not alive:
        raise MissingData(
            f"{question.unit.scheme} has no settlement prices in the {question.history_days} days to {valuation_date}",
            zh=f"{question.unit.scheme} 在 {valuation_date} 之前 {question.history_days} 天内没有期货结算价",
            field="unit",
            remedy="Import the settlement prices of those days.",
            remedy_zh="请导入各日期货结算价。",
        )
    expiries = _often_quoted(alive)
    kept = [one for one in alive if one.expiry_date in expiries and one.currency is alive[-1].currency]
    strip, days = _strip(kept, expiries)
    level = float(strip.log_prices[0][strip.is_quoted[0]].mean())
    found = fit_strip(strip, prior=StripPrior(mean=(0.0, level), variance=(_WIDE, _WIDE)))
    errors = found.errors
    numbers = [
        *(
            FittedNumber.of(name, getattr(found.factors, name), None if errors is None else getattr(errors, name))
            for name in ("mean_reversion", "short_vol", "long_vol", "factor_correlation", "long_drift", "risk_price")
        ),
        FittedNumber.of(
            "measurement_deviation",
            found.measurement_deviation,
            None if errors is None else errors.measurement_deviation,
        ),
        FittedNumber.of("chi", found.filtered.chi, None),
        FittedNumber.of("xi", found.filtered.xi, None),
    ]
    return ModelFit(
        currency=kept[-1].currency,
        observation_count=len(days),
        contract_count=len(expiries),
        first_date=days[0],
        last_date=days[-1],
        longest_maturity_date=expiries[-1],
        numbers=tuple(numbers),
        cautions=tuple(map(ModelCaution.of, found.warnings)),
        data_digest=digest_of(tuple(kept)),
        sources=tuple(sorted({one.source for one in kept})),
        is_sample=any(one.is_sample for one in kept),
    )


def _often_quoted(quotes: Sequence[CurveQuote]) -> list[date]:
    """Give the expiries with most days, at most six, in order."""
    counts: dict[date, int] = {}
    for one in quotes:
        assert one.expiry_date is not None, "left out before"
        counts[one.expiry_date] = counts.get(one.expiry_date, 0) + 1
    return sorted(sorted(counts, key=lambda day: (-counts[day], day))[:_EXPIRIES_MAX])


def _strip(quotes: Sequence[CurveQuote], expiries: Sequence[date]) -> tuple[FuturesStrip, list[date]]:
    days = sorted({one.quote_date for one in quotes})
    known = {(one.quote_date, one.expiry_date): math.log(to_float(one.value)) for one in quotes}
    gaps = [(day - before).days / _DAYS_A_YEAR for before, day in pairwise(days)]
    # The prior stands a usual step before the first day.
    steps = np.array([gaps[0] if gaps else 1.0 / _DAYS_A_YEAR, *gaps])
    return (
        FuturesStrip(
            log_prices=np.array([[known.get((day, end), np.nan) for end in expiries] for day in days]),
            is_quoted=np.array([[(day, end) in known for end in expiries] for day in days]),
            maturity_years=np.array([[(end - day).days / _DAYS_A_YEAR for end in expiries] for day in days]),
            step_years=steps,
        ),
        days,
    )


_FITTERS: Mapping[ModelKind, Callable[..., ModelFit]] = {
    ModelKind.SCHWARTZ_SMITH: _fitted_strip,
    ModelKind.CARMONA_HINZ: fitted_period,
    ModelKind.CARMONA_HINZ_TWO_PERIODS: fitted_two_periods,
}
