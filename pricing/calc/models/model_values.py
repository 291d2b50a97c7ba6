"""Options by a fitted allowance model as a decision: the fit as numbers with its uncertainty, values, cautions, trace.

Fitting takes seconds and its last bits hang on the machine; so the fit is recorded as it came out, with the digest of
what it was fitted to, and the decision values options from those numbers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import numpy as np

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.dates import DayCount, year_fraction
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency, to_decimal, to_float
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure, Trace, checked_trace
from pricing.calc.models import carmona_hinz, schwartz_smith
from pricing.calc.options.kinds import OptionType

_PRICE_PLACES, _DELTA_PLACES = 6, 6


class ModelKind(StrEnum):
    """An allowance model."""

    SCHWARTZ_SMITH = "schwartz_smith"
    CARMONA_HINZ = "carmona_hinz"


MODEL_LABELS: Mapping[ModelKind, tuple[str, str]] = {
    ModelKind.SCHWARTZ_SMITH: ("Schwartz–Smith 双因子模型（期货期权）", "Schwartz and Smith, options on futures"),
    ModelKind.CARMONA_HINZ: ("Carmona–Hinz 履约期模型（配额期权）", "Carmona and Hinz, options on the allowance"),
}
PARAMETER_LABELS: Mapping[str, tuple[str, str]] = {
    "mean_reversion": ("均值回复速度 κ（每年）", "mean reversion, a year"),
    "short_vol": ("短期波动率 σχ", "short-term volatility"),
    "long_vol": ("长期波动率 σξ", "long-term volatility"),
    "factor_correlation": ("因子相关系数 ρ", "correlation of the factors"),
    "long_drift": ("长期漂移 μ*（定价测度）", "drift under the pricing measure"),
    "risk_price": ("风险的市场价格", "market price of risk"),
    "measurement_deviation": ("报价噪声", "noise of a log price"),
    "chi": ("短期偏离 χ（最后一日）", "short-term deviation on the last day"),
    "xi": ("长期水平 ξ（最后一日）", "long-term level on the last day"),
    "alpha": ("不确定性消解速度 α", "alpha"),
    "beta": ("不确定性规模 β", "beta"),
    "penalty_per_t": ("罚款（每吨，所给）", "penalty a tonne, as given"),
    "price_per_t": ("配额价格（最后一日）", "allowance price on the last day"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOption:
    """A European option to value: on a future that matures at `delivery_date`, or on the allowance at expiry."""

    option_type: OptionType
    strike_per_t: Decimal
    expiry_date: date
    delivery_date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelQuestion:
    """What is asked of a model.

    Attributes:
        history_days: Calendar days of quotes up to the valuation date that it is fitted to.
        penalty_per_t: What a tonne short costs, of Carmona and Hinz; an estimate wherever no law fixes it.
        compliance_date: End of the compliance period, of Carmona and Hinz.
    """

    kind: ModelKind
    unit: Unit
    history_days: int
    options: tuple[ModelOption, ...]
    penalty_per_t: Decimal | None = None
    compliance_date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedNumber:
    """A parameter or state as it came out of the fit, with its standard error where one can be given."""

    name: str
    value: Decimal
    error: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCaution:
    """A reason not to take a model's answer at its face."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFit:
    """A fit as it is recorded.

    Attributes:
        currency: Of every price.
        observation_count: Days with a price that went in.
        contract_count: Expiries of a strip; 1 for a path of spot prices.
        longest_maturity_date: Last expiry of the strip; None for a path.
        data_digest: SHA-256 over the quotes that went in.
        sources: Who published them.
    """

    currency: Currency
    observation_count: int
    contract_count: int
    first_date: date
    last_date: date
    longest_maturity_date: date | None
    numbers: tuple[FittedNumber, ...]
    cautions: tuple[ModelCaution, ...]
    data_digest: str
    sources: tuple[str, ...]
    is_sample: bool

    def number(self, name: str) -> float:
        """Give a number of the fit by its name."""
        return to_float(next(one.value for one in self.numbers if one.name == name))


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
        if not valuation_date < one.expiry_date <= (end or one.expiry_date):
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
    price = fit.number("price_per_t")
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
    if question.kind is ModelKind.CARMONA_HINZ:
        found = carmona_hinz.scheme_warnings(question.unit.scheme)
        return [ModelCaution(code=one.code, zh=one.zh, en=one.en) for one in found]
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
            value=format(one.value, "f"), unit="", source=source, confirmed=one.name == "price_per_t",
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


_FORMULAS = {
    ModelKind.SCHWARTZ_SMITH: "Black-76 of F = exp(e^(-kappa T) chi + xi + A(T)) with the deviation of ln F to expiry",
    ModelKind.CARMONA_HINZ: "D (penalty Phi2(xi, d; r) - K Phi(d)); put by parity",
}

MODEL_VALUE: DecisionKind[ModelInputs, ModelAnswer] = DecisionKind(
    name="pricing.allowance_model", version="1", inputs=ModelInputs, outputs=ModelAnswer, decide=value_by_model
)
