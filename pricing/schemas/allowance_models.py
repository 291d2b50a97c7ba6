"""Shapes of allowance models: what is asked, the fit with its uncertainty, and options by it."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.web.wire import DayText, FigureOut, PriceText, UnitText, day_of, decimal_of
from pricing.calc.models.model_fits import (
    PARAMETER_LABELS,
    QUESTION_ZH,
    CalibratedTo,
    FittedNumber,
    ModelKind,
    ModelOption,
    ModelQuestion,
)
from pricing.calc.models.model_values import ModelOptionValue
from pricing.calc.options.kinds import OptionType
from pricing.calc.tradability import VALUATION_ONLY_EN, VALUATION_ONLY_ZH
from pricing.schemas.figures import optional_text_of, text_of
from pricing.service import ModelValuation

OPTIONS_MAX = 50
_Fraction = Annotated[str, Meta(pattern=r"^(0(\.[0-9]{1,6})?|1(\.0{1,6})?)$", description="Decimal within 0 to 1.")]
_OF_ONE_PERIOD = ("penalty_per_t", "compliance_date", "calibrated_to")
_OF_PERIODS = (*_OF_ONE_PERIOD, "following_unit", "penalty_next_per_t", "next_compliance_date", "carried_fraction")
_TAKEN: Mapping[ModelKind, tuple[str, ...]] = {
    ModelKind.SCHWARTZ_SMITH: (),
    ModelKind.CARMONA_HINZ: _OF_ONE_PERIOD,
    ModelKind.CARMONA_HINZ_TWO_PERIODS: _OF_PERIODS,
}
HISTORY_MIN, HISTORY_MAX, HISTORY_DAYS = 60, 1_500, 365


class ModelOptionIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A European option: on a future that matures at `delivery_date`, or on the allowance itself without it."""

    option_type: Literal["call", "put"]
    strike_per_t: PriceText
    expiry_date: DayText
    delivery_date: DayText | None = None


class ModelValueIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of a model on a day.

    `schwartz_smith` is fitted to the stored settlement prices of the unit's scheme; its options are on futures and name
    their `delivery_date`. `carmona_hinz` is fitted to the traded closes of the unit, which must be one vintage; it
    needs `penalty_per_t`, what a tonne short costs (an estimate where the fine is a multiple of a price), and
    `compliance_date`; its options are on the allowance. `calibrated_to` `options` fits it to the stored volatilities of
    the unit's scheme that expire before that date instead of `history`.
    `carmona_hinz_two_periods` adds the next period: `penalty_next_per_t`, `next_compliance_date`, `carried_fraction`,
    the part of a banked allowance that keeps its value there. Its prices are the closes of `unit` and of the vintage
    `following_unit`, or without it the settlement prices of two futures on either side of the compliance date.
    Without options the fit alone is given.
    """

    valuation_date: DayText
    model: Literal["schwartz_smith", "carmona_hinz", "carmona_hinz_two_periods"]
    unit: UnitText
    history_days: Annotated[int, Meta(ge=HISTORY_MIN, le=HISTORY_MAX, description="Calendar days.")] = HISTORY_DAYS
    penalty_per_t: PriceText | None = None
    compliance_date: DayText | None = None
    calibrated_to: Literal["history", "options"] | None = None
    following_unit: UnitText | None = None
    penalty_next_per_t: PriceText | None = None
    next_compliance_date: DayText | None = None
    carried_fraction: _Fraction | None = None
    options: Annotated[list[ModelOptionIn], Meta(max_length=OPTIONS_MAX)] = []

    def question(self) -> ModelQuestion:
        """Give the question as a value.

        Raises:
            InvalidInput: A unit or day cannot be, or a field belongs to the other model.
        """
        kind = ModelKind(self.model)
        is_strip = kind is ModelKind.SCHWARTZ_SMITH
        for name in _OF_PERIODS:
            if name not in _TAKEN[kind] and getattr(self, name) is not None:
                raise _misplaced(name)
        for place, one in enumerate(self.options):
            if is_strip == (one.delivery_date is None):
                raise _misplaced(f"options/{place}/delivery_date")
        return ModelQuestion(
            kind=kind,
            unit=Unit.parse(self.unit),
            history_days=self.history_days,
            penalty_per_t=_decimal(self.penalty_per_t),
            compliance_date=_day(self.compliance_date, "/compliance_date"),
            calibrated_to=None if self.calibrated_to in {None, "history"} else CalibratedTo.OPTIONS,
            following_unit=None if self.following_unit is None else Unit.parse(self.following_unit),
            penalty_next_per_t=_decimal(self.penalty_next_per_t),
            next_compliance_date=_day(self.next_compliance_date, "/next_compliance_date"),
            carried_fraction=_decimal(self.carried_fraction),
            options=tuple(_option(one, place) for place, one in enumerate(self.options)),
        )


def _option(option: ModelOptionIn, place: int) -> ModelOption:
    at = f"/options/{place}"
    return ModelOption(
        option_type=OptionType(option.option_type),
        strike_per_t=decimal_of(option.strike_per_t),
        expiry_date=day_of(option.expiry_date, field=f"{at}/expiry_date"),
        delivery_date=_day(option.delivery_date, f"{at}/delivery_date"),
    )


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else decimal_of(text)


def _day(text: str | None, field: str) -> date | None:
    return None if text is None else day_of(text, field=field)


def _misplaced(field: str) -> InvalidInput:
    place, _, name = field.removeprefix("options/").rpartition("/")
    words = f"第 {int(place) + 1} 个期权的{QUESTION_ZH[name]}" if place else QUESTION_ZH[name]
    return InvalidInput(
        f"{field} is wanting, or belongs to the other model",
        zh=f"{words}缺失，或属于另一模型",
        field=f"/{field}",
        remedy="Options on futures name the delivery; penalty and compliance date belong to carmona_hinz, those of the"
        " next period and the fraction to carmona_hinz_two_periods.",
        remedy_zh="期货期权须填写标的交割日；罚款与履约截止日仅用于 Carmona–Hinz 模型，下一期各项仅用于两期模型。",
    )


class FittedNumberOut(Struct, frozen=True, kw_only=True):
    """A parameter or state with its standard error, null where none can be given."""

    name: str
    label_zh: str
    label_en: str
    value: str
    error: str | None

    @classmethod
    def of(cls, number: FittedNumber) -> "FittedNumberOut":
        """Write a number."""
        zh, en = PARAMETER_LABELS[number.name]
        return cls(
            name=number.name,
            label_zh=zh,
            label_en=en,
            value=text_of(number.value),
            error=optional_text_of(number.error),
        )


class ModelCautionOut(Struct, frozen=True, kw_only=True):
    """A reason not to take a model's answer at its face."""

    code: str
    zh: str
    en: str


class ModelOptionOut(Struct, frozen=True, kw_only=True):
    """An option by the model, in its currency per tonne; `delta` is null where the model gives none."""

    option_type: str
    strike_per_t: str
    expiry_date: str
    delivery_date: str | None
    underlying_per_t: str
    value_per_t: str
    delta: str | None
    figure: str

    @classmethod
    def of(cls, value: ModelOptionValue) -> "ModelOptionOut":
        """Write an option's value."""
        option = value.option
        return cls(
            option_type=option.option_type,
            strike_per_t=text_of(option.strike_per_t),
            expiry_date=option.expiry_date.isoformat(),
            delivery_date=None if option.delivery_date is None else option.delivery_date.isoformat(),
            underlying_per_t=text_of(value.underlying_per_t),
            value_per_t=text_of(value.value_per_t),
            delta=optional_text_of(value.delta),
            figure=value.figure,
        )


class ModelValueOut(Struct, frozen=True, kw_only=True):
    """A model's fit with its uncertainty and options by it: for valuation only, always level 3.

    `data_digest` names the quotes it was fitted to, `curves_digest` the curves its discount factors come from;
    `decision_id` is null where nothing was kept.
    """

    decision_id: str | None
    model: str
    unit: str
    valuation_date: str
    known_at: str
    level: int
    currency: str
    observation_count: int
    contract_count: int
    first_date: str
    last_date: str
    is_sample: bool
    numbers: list[FittedNumberOut]
    options: list[ModelOptionOut]
    cautions: list[ModelCautionOut]
    notice_zh: str
    notice_en: str
    notes_zh: list[str]
    notes_en: list[str]
    sources: list[str]
    data_digest: str
    curves_digest: str
    trace: list[FigureOut]

    @classmethod
    def of(cls, valuation: ModelValuation) -> "ModelValueOut":
        """Write what a model says."""
        answer = valuation.answer
        fit = answer.fit
        return cls(
            decision_id=valuation.decision_id,
            model=answer.kind,
            unit=str(valuation.question.unit),
            valuation_date=valuation.valuation_date.isoformat(),
            known_at=valuation.known_at.isoformat().replace("+00:00", "Z"),
            level=3,
            currency=fit.currency,
            observation_count=fit.observation_count,
            contract_count=fit.contract_count,
            first_date=fit.first_date.isoformat(),
            last_date=fit.last_date.isoformat(),
            is_sample=fit.is_sample,
            numbers=[FittedNumberOut.of(one) for one in fit.numbers],
            options=[ModelOptionOut.of(one) for one in answer.options],
            cautions=[ModelCautionOut(code=one.code, zh=one.zh, en=one.en) for one in answer.cautions],
            notice_zh=VALUATION_ONLY_ZH,
            notice_en=VALUATION_ONLY_EN,
            notes_zh=list(answer.notes_zh),
            notes_en=list(answer.notes_en),
            sources=list(fit.sources),
            data_digest=fit.data_digest,
            curves_digest=answer.curves_digest,
            trace=[FigureOut.of(figure) for figure in answer.trace],
        )
