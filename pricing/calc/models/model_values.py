"""Options by a fitted allowance model as a decision: the fit as numbers with its uncertainty, values, cautions, trace.

Fitting takes seconds and its last bits hang on the machine; so the fit is recorded as it came out, with the digest of
what it was fitted to, and the decision values options from those numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import numpy as np

from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.dates import DayCount, year_fraction
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import to_decimal, to_float
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure, Trace, checked_trace
from pricing.calc.models import carmona_hinz, carmona_hinz_two_period, schwartz_smith
from pricing.calc.models.cautions import ModelCode
from pricing.calc.models.model_fits import (
    MODEL_LABELS,
    PARAMETER_LABELS,
    ModelCaution,
    ModelFit,
    ModelKind,
    ModelOption,
    ModelQuestion,
)
from pricing.calc.options.kinds import OptionType

_PRICE_PLACES, _DELTA_PLACES = 6, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFactor:
    """A discount factor to a day, read off the curves."""

    day: date
    discount_factor: Decimal
    curve: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInputs:
    """All that the values of options by a model take; valuing them again gives the same bits.

    Attributes:
        curves_digest: SHA-256 over the curves the factors were read off.
        notes_zh: Why the options cannot be traded, where they cannot.
    """

    question: ModelQuestion
    valuation_date: date
    known_at: datetime
    fit: ModelFit
    factors: tuple[DayFactor, ...]
    curves_digest: str
    notes_zh: tuple[str, ...]
    notes_en: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptionValue:
    """An option by the model, in its currency per tonne.

    Attributes:
        underlying_per_t: The model's futures price, or the allowance price.
        delta: Slope in the underlying: of Carmona and Hinz; None for the other model.
        figure: Name of the value's figure in the trace.
    """

    option: ModelOption
    underlying_per_t: Decimal
    value_per_t: Decimal
    delta: Decimal | None
    figure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAnswer:
    """What a model says: its fit, the options, and what must be known before believing it; always level 3."""

    kind: ModelKind
    fit: ModelFit
    options: tuple[ModelOptionValue, ...]
    cautions: tuple[ModelCaution, ...]
    notes_zh: tuple[str, ...]
    notes_en: tuple[str, ...]
    curves_digest: str
    trace: Trace


def value_by_model(inputs: ModelInputs) -> ModelAnswer:
    """Value the options asked for from the recorded fit.

    Raises:
        InvalidInput: An option or a price lies outside the model.
    """
    question, fit = inputs.question, inputs.fit
    _require_days(question, inputs.valuation_date)
    valued = _VALUERS[question.kind](inputs) if question.options else []
    return ModelAnswer(
        kind=question.kind,
        fit=fit,
        options=tuple(valued),
        cautions=(*fit.cautions, *_age_cautions(fit, inputs.valuation_date), *_cautions(question, fit)),
        notes_zh=inputs.notes_zh,
        notes_en=inputs.notes_en,
        curves_digest=inputs.curves_digest,
        trace=_trace(inputs, valued),
    )


def _require_days(question: ModelQuestion, valuation_date: date) -> None:
    for place, one in enumerate(question.options):
        end = one.delivery_date if question.kind is ModelKind.SCHWARTZ_SMITH else question.compliance_date
        # Over two periods the first has ended by its compliance date: nothing of it is left to price.
        is_late = question.kind is ModelKind.CARMONA_HINZ_TWO_PERIODS and one.expiry_date == end
        if is_late or not valuation_date < one.expiry_date <= (end or one.expiry_date):
            raise InvalidInput(
                f"option {place + 1} expires on {one.expiry_date}, not after {valuation_date} and by {end}",
                zh=f"第 {place + 1} 个期权到期日 {one.expiry_date} 应晚于估值日 {valuation_date}，且不晚于 {end}",
                field=f"options/{place}/expiry_date",
                remedy="Correct the expiry, the future's delivery or the compliance date.",
                remedy_zh="请更正到期日、标的交割日或履约截止日。",
            )


def years_to(valuation_date: date, day: date) -> float:
    """Give act/365 years to a day."""
    return float(year_fraction(DayCount.ACT_365, valuation_date, day))


def _factors_of(inputs: ModelInputs) -> list[float]:
    known = {one.day: to_float(one.discount_factor) for one in inputs.factors}
    return [known[one.expiry_date] for one in inputs.question.options]


def _by_two_factors(inputs: ModelInputs) -> list[ModelOptionValue]:
    fit, options, today = inputs.fit, inputs.question.options, inputs.valuation_date
    factors = schwartz_smith.TwoFactors(
        mean_reversion=fit.number("mean_reversion"), short_vol=fit.number("short_vol"),
        long_vol=fit.number("long_vol"), factor_correlation=fit.number("factor_correlation"),
        long_drift=fit.number("long_drift"), risk_price=fit.number("risk_price"),
    )  # fmt: skip
    maturity = np.array([years_to(today, one.delivery_date or one.expiry_date) for one in options])
    chi, xi = fit.number("chi"), fit.number("xi")
    forward = schwartz_smith.futures_price_per_t(factors, chi=chi, xi=xi, maturity_years=maturity)
    value = schwartz_smith.option_value_per_t(
        factors, chi=chi, xi=xi,
        strike_per_t=np.array([to_float(one.strike_per_t) for one in options]),
        option_years=np.array([years_to(today, one.expiry_date) for one in options]),
        futures_years=maturity,
        discount_factor=np.array(_factors_of(inputs)),
        option_sign=np.array([one.option_type.sign for one in options], dtype=np.float64),
    )  # fmt: skip
    return [_told(place, one, forward[place], value[place], None) for place, one in enumerate(options)]


def _by_compliance_period(inputs: ModelInputs) -> list[ModelOptionValue]:
    fit, options, today = inputs.fit, inputs.question.options, inputs.valuation_date
    assert inputs.question.compliance_date is not None, "asked for when the model is fitted"
    period = carmona_hinz.CompliancePeriod(
        penalty_per_t=fit.number("penalty_per_t"), compliance_years=years_to(today, inputs.question.compliance_date),
        alpha=max(1.0, fit.number("alpha")), beta=fit.number("beta"),
    )  # fmt: skip
    price = fit.allowance_per_t
    found = carmona_hinz.option(
        period, price_per_t=price,
        strike_per_t=np.array([to_float(one.strike_per_t) for one in options]),
        now_years=0.0,
        expiry_years=np.array([years_to(today, one.expiry_date) for one in options]),
        discount_factor=np.array(_factors_of(inputs)),
    )  # fmt: skip
    values = []
    for place, one in enumerate(options):
        is_call = one.option_type is OptionType.CALL
        value = found.call_per_t[place] if is_call else found.put_per_t[place]
        delta = found.delta[place] - (0.0 if is_call else _factors_of(inputs)[place])
        values.append(_told(place, one, price, value, delta))
    return values


def _by_two_periods(inputs: ModelInputs) -> list[ModelOptionValue]:
    fit, question, today = inputs.fit, inputs.question, inputs.valuation_date
    assert question.compliance_date is not None, "asked for when the model is fitted"
    assert question.next_compliance_date is not None, "and of the next period"
    current, following = (
        carmona_hinz.CompliancePeriod(
            penalty_per_t=fit.number(penalty), compliance_years=years_to(today, day),
            alpha=max(1.0, fit.number(f"alpha{suffix}")), beta=fit.number(f"beta{suffix}"),
        )
        for penalty, day, suffix in (
            ("penalty_per_t", question.compliance_date, ""),
            ("penalty_next_per_t", question.next_compliance_date, "_next"),
        )
    )  # fmt: skip
    periods = carmona_hinz_two_period.TwoPeriods(
        current=current, following=following, carried_fraction=fit.number("carried_fraction"),
        state_correlation=fit.number("state_correlation"),
    )  # fmt: skip
    scarcity, ahead = fit.number("scarcity_per_t"), fit.number("following_per_t")
    price = carmona_hinz_two_period.allowance_price_per_t(periods, scarcity_per_t=scarcity, following_per_t=ahead)
    values = []
    for place, (one, factor) in enumerate(zip(question.options, _factors_of(inputs), strict=True)):
        strike = to_float(one.strike_per_t)
        call = carmona_hinz_two_period.call_per_t(
            periods, scarcity_per_t=scarcity, following_per_t=ahead, strike_per_t=strike,
            expiry_years=years_to(today, one.expiry_date), discount_factor=factor,
        )  # fmt: skip
        value = call if one.option_type is OptionType.CALL else max(call - factor * (price - strike), 0.0)
        values.append(_told(place, one, price, value, None))
    return values


def _told(place: int, option: ModelOption, underlying: float, value: float, delta: float | None) -> ModelOptionValue:
    return ModelOptionValue(
        option=option,
        underlying_per_t=to_decimal(underlying, places=_PRICE_PLACES),
        value_per_t=to_decimal(value, places=_PRICE_PLACES) + Decimal(0),
        delta=None if delta is None else to_decimal(delta, places=_DELTA_PLACES) + Decimal(0),
        figure=f"option.{place + 1}.value_per_t",
    )


_VALUERS: Mapping[ModelKind, Callable[[ModelInputs], list[ModelOptionValue]]] = {
    ModelKind.SCHWARTZ_SMITH: _by_two_factors,
    ModelKind.CARMONA_HINZ: _by_compliance_period,
    ModelKind.CARMONA_HINZ_TWO_PERIODS: _by_two_periods,
}


def _age_cautions(fit: ModelFit, valuation_date: date) -> list[ModelCaution]:
    """Say that the last quotes are older than the day options are valued on."""
    if fit.last_date == valuation_date:
        return []
    return [
        ModelCaution(
            code="state_is_older",
            zh=f"最后一日报价为 {fit.last_date}，早于估值日，价格与状态以该日为准",
            en=f"the last quotes are of {fit.last_date}, before the valuation date: price and state are of that day",
        )
    ]


def _cautions(question: ModelQuestion, fit: ModelFit) -> list[ModelCaution]:
    """Say where the model is asked outside its domain."""
    if question.kind is not ModelKind.SCHWARTZ_SMITH:
        found = carmona_hinz.scheme_warnings(question.unit.scheme)
        is_bounded = question.kind is ModelKind.CARMONA_HINZ
        # With the next period's value counted, that the fine alone is no bound is no longer left out.
        kept = [one for one in found if is_bounded or one.code is not ModelCode.PENALTY_IS_NO_BOUND]
        return [*map(ModelCaution.of, kept), *(() if is_bounded else _two_period_cautions())]
    said = []
    last = fit.longest_maturity_date
    if any(last is not None and one.delivery_date is not None and one.delivery_date > last for one in question.options):
        said.append(
            ModelCaution(
                code="past_the_strip",
                zh=f"有标的交割日晚于校准所用最远到期日 {last}，属外推",
                en=f"a future matures after the last expiry of the strip, {last}: that is extrapolation",
            )
        )
    if question.unit.scheme is not Scheme.EUA:
        said.append(
            ModelCaution(
                code="limits_left_out",
                zh="模型未计涨跌停板与无成交日",
                en="daily limits and idle days are left out of the model",
            )
        )
    return said


def _two_period_cautions() -> tuple[ModelCaution, ...]:
    return (
        ModelCaution(
            code="carried_fraction_given",
            zh="可结转比例为所填估计值：政策规定的结转数量与持有人条件不等同于价格比例",
            en="the fraction carried over is the estimate given: a limit on tonnes sets no fraction of a price",
        ),
        ModelCaution(
            code="two_periods_only",
            zh="只计本期与下一期，更远各期的结转价值未计入",
            en="this period and the next are counted: what is carried beyond them is left out",
        ),
    )


def _trace(inputs: ModelInputs, valued: Sequence[ModelOptionValue]) -> Trace:
    """Give the fitted numbers, the discount factors and the value of each option; every input stands before its use."""
    fit, question = inputs.fit, inputs.question
    zh, en = MODEL_LABELS[question.kind]
    source = (
        f"{zh}：{question.unit} {fit.first_date} 至 {fit.last_date}，{fit.observation_count} 日；数据 {fit.data_digest}"
    )
    numbers = [
        Figure(
            name=one.name, label_zh=PARAMETER_LABELS[one.name][0], label_en=PARAMETER_LABELS[one.name][1],
            value=format(one.value, "f"), unit="", source=source, confirmed=one.name in _OBSERVED,
            note_zh="" if one.error is None else f"标准误 {one.error:f}",
            note_en="" if one.error is None else f"standard error {one.error:f}",
        )
        for one in fit.numbers
    ]  # fmt: skip
    factors = [
        Figure(
            name=f"discount_factor.{one.day}", label_zh=f"贴现因子（{one.day}）",
            label_en=f"discount factor, {one.day}", value=format(one.discount_factor, "f"), unit="ratio",
            source=f"{one.curve} 曲线 {inputs.curves_digest}",
        )
        for one in inputs.factors
    ]  # fmt: skip
    strikes = [
        Figure(
            name=f"option.{place}.strike_per_t", label_zh=f"期权 {place} 行权价", label_en=f"option {place} strike",
            value=format(one.option.strike_per_t, "f"), unit=f"{fit.currency}/t", source="录入",
        )
        for place, one in enumerate(valued, 1)
    ]  # fmt: skip
    values = [
        Figure(
            name=one.figure, label_zh=f"期权 {place} 每吨价值", label_en=f"option {place}, value of a tonne",
            value=format(one.value_per_t, "f"), unit=f"{fit.currency}/t", formula=_FORMULAS[question.kind],
            inputs=(
                *(number.name for number in fit.numbers), f"option.{place}.strike_per_t",
                f"discount_factor.{one.option.expiry_date}",
            ),
            note_zh=zh, note_en=en,
        )
        for place, one in enumerate(valued, 1)
    ]  # fmt: skip
    return checked_trace([*numbers, *factors, *strikes, *values])


_OBSERVED = frozenset({"price_per_t", "following_per_t"})
_FORMULAS = {
    ModelKind.SCHWARTZ_SMITH: "Black-76 of F = exp(e^(-kappa T) chi + xi + A(T)) with the deviation of ln F to expiry",
    ModelKind.CARMONA_HINZ: "D (penalty Phi2(xi, d; r) - K Phi(d)); put by parity",
    ModelKind.CARMONA_HINZ_TWO_PERIODS: (
        "D E[(penalty Phi(xi1) + kappa penalty_next Phi(xi2) - K)+], one quadrature over xi2; put by parity"
    ),
}

MODEL_VALUE: DecisionKind[ModelInputs, ModelAnswer] = DecisionKind(
    name="pricing.allowance_model", version="1", inputs=ModelInputs, outputs=ModelAnswer, decide=value_by_model
)
