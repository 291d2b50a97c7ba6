"""Shapes of volatility surfaces and of options valued with them: exact figures as strings."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from carbonfin.kernel.units import to_decimal
from carbonfin.web.wire import DayText, IdText, PriceText, day_of, decimal_of
from pricing.calc.curves.nodes import day_of as day_of_serial
from pricing.calc.curves.surfaces import SurfaceBuild
from pricing.calc.option_lines import OPTION_LEVEL, OptionLine, OptionLineValue
from pricing.calc.options.kinds import ExerciseStyle, OptionType
from pricing.calc.tradability import VALUATION_ONLY_EN, VALUATION_ONLY_ZH
from pricing.schemas.curve_quotes import CurveQuoteOut
from pricing.schemas.figures import optional_text_of, text_of
from pricing.schemas.valuations import FailureOut
from pricing.service import OptionsAnswer, SurfacesAnswer

OPTIONS_MAX = 10_000
_PLACES = 6
_EXCESS_PLACES = 12
SurfaceName = Annotated[
    str, Meta(min_length=1, max_length=40, description="Scheme and phase (EUA/4), or the scheme where it has one.")
]


class SurfaceExpiryOut(Struct, frozen=True, kw_only=True):
    """One expiry: forward of the underlying and a volatility a strike."""

    expiry_date: str
    forward_per_t: str
    volatilities: list[str]


class SurfaceArbitrageOut(Struct, frozen=True, kw_only=True):
    """A node that allows arbitrage: variance that falls with time, or calls that are not convex in the strike."""

    kind: str
    expiry_date: str
    strike: str
    excess: str


class VolatilitySurfaceOut(Struct, frozen=True, kw_only=True):
    """A volatility surface of one day: total variance is bilinear in time and strike, and flat beyond the strikes.

    `axis` says what the strikes count: `strike` the currency per tonne, `moneyness` strike over forward.
    """

    name: str
    valuation_date: str
    known_at: str
    axis: str
    strikes: list[str]
    expiries: list[SurfaceExpiryOut]
    last_date: str
    is_assumption: bool
    is_sample: bool
    arbitrages: list[SurfaceArbitrageOut]
    inputs: list[CurveQuoteOut]
    sources: list[str]
    set_digest: str
    quotes_digest: str

    @classmethod
    def of(cls, build: SurfaceBuild, answer: SurfacesAnswer) -> "VolatilitySurfaceOut":
        """Write a surface."""
        surface = build.surface
        rows = zip(surface.expiry_serials, surface.forwards_per_t, surface.volatilities, strict=True)
        return cls(
            name=build.name,
            valuation_date=answer.valuation_date.isoformat(),
            known_at=answer.known_at.isoformat().replace("+00:00", "Z"),
            axis=surface.axis,
            strikes=[_number(strike) for strike in surface.strikes],
            expiries=[
                SurfaceExpiryOut(
                    expiry_date=day_of_serial(serial).isoformat(),
                    forward_per_t=_number(forward),
                    volatilities=[_number(one) for one in volatilities],
                )
                for serial, forward, volatilities in rows
            ],
            last_date=surface.horizon.isoformat(),
            is_assumption=surface.is_assumption,
            is_sample=any(quote.is_sample for quote in build.inputs),
            arbitrages=[
                SurfaceArbitrageOut(
                    kind=one.kind,
                    expiry_date=one.expiry_date.isoformat(),
                    strike=_number(one.strike),
                    excess=text_of(to_decimal(one.excess, places=_EXCESS_PLACES)),
                )
                for one in build.arbitrages
            ],
            inputs=[CurveQuoteOut.of(quote) for quote in build.inputs],
            sources=sorted({quote.source for quote in build.inputs}),
            set_digest=answer.set_digest,
            quotes_digest=answer.quotes_digest,
        )


def _number(value: float) -> str:
    return f"{to_decimal(value, places=_PLACES).normalize():f}"


class OptionLineIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One option on a forward or future."""

    line_id: IdText
    surface: SurfaceName
    option_type: Literal["call", "put"]
    style: Literal["european", "american", "average_price"] = "european"
    quantity_t: Annotated[int, Meta(ge=-100_000_000, le=100_000_000, description="Whole tonnes; negative if sold.")]
    strike_per_t: PriceText
    expiry_date: DayText
    delivery_date: DayText
    averaging_dates: Annotated[list[DayText], Meta(max_length=400)] = []
    fixed_count: Annotated[int, Meta(ge=0, le=400, description="Averaging days already fixed.")] = 0
    fixed_average_per_t: PriceText = "0"

    def line(self, place: int) -> OptionLine:
        """Give the option as a value; what the curves cannot bear is found when it is valued."""
        at = f"/lines/{place}"
        return OptionLine(
            line_id=self.line_id,
            surface=self.surface,
            option_type=OptionType(self.option_type),
            style=ExerciseStyle(self.style),
            quantity_t=self.quantity_t,
            strike_per_t=decimal_of(self.strike_per_t),
            expiry_date=day_of(self.expiry_date, field=f"{at}/expiry_date"),
            delivery_date=day_of(self.delivery_date, field=f"{at}/delivery_date"),
            averaging_dates=tuple(day_of(day, field=f"{at}/averaging_dates") for day in self.averaging_dates),
            fixed_count=self.fixed_count,
            fixed_average_per_t=decimal_of(self.fixed_average_per_t),
        )


class OptionsIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options to value on the stored curves and surfaces of a day."""

    valuation_date: DayText
    lines: Annotated[list[OptionLineIn], Meta(min_length=1, max_length=OPTIONS_MAX)]


class OptionValueOut(Struct, frozen=True, kw_only=True):
    """The value of an option with each number of its formula; null is what its style does not give.

    One that is marked `is_provisional` expires or delivers past the known calendar, and its day may move.
    """

    line_id: str
    surface: str
    style: str
    option_type: str
    quantity_t: int
    currency: str
    forward_per_t: str
    strike_per_t: str
    volatility: str
    years: str
    discount_factor: str
    value_per_t: str
    early_exercise_per_t: str
    present_value: str
    delta_t: str | None
    vega: str | None
    level: int
    is_assumption: bool
    is_provisional: bool

    @classmethod
    def of(cls, value: OptionLineValue) -> "OptionValueOut":
        """Write a value."""
        return cls(
            line_id=value.line_id,
            surface=value.surface,
            style=value.style,
            option_type=value.option_type,
            quantity_t=value.quantity_t,
            currency=value.currency,
            forward_per_t=text_of(value.forward_per_t),
            strike_per_t=text_of(value.strike_per_t),
            volatility=text_of(value.volatility),
            years=text_of(value.years),
            discount_factor=text_of(value.discount_factor),
            value_per_t=text_of(value.value_per_t),
            early_exercise_per_t=text_of(value.early_exercise_per_t),
            present_value=text_of(value.present_value),
            delta_t=optional_text_of(value.delta_t),
            vega=optional_text_of(value.vega),
            level=OPTION_LEVEL,
            is_assumption=value.is_assumption,
            is_provisional=value.is_provisional,
        )


class OptionsOut(Struct, frozen=True, kw_only=True):
    """Options on the curves of a day, for valuation only; `set_digest` names all curves and surfaces they rest on."""

    valuation_date: str
    known_at: str
    notice_zh: str
    notice_en: str
    lines: list[OptionValueOut]
    failures: list[FailureOut]
    is_sample: bool
    arbitrages: list[str]
    sources: list[str]
    set_digest: str
    quotes_digest: str

    @classmethod
    def of(cls, answer: OptionsAnswer) -> "OptionsOut":
        """Write the values."""
        inputs = [quote for build in answer.surfaces for quote in build.inputs]
        return cls(
            valuation_date=answer.valuation_date.isoformat(),
            known_at=answer.known_at.isoformat().replace("+00:00", "Z"),
            notice_zh=VALUATION_ONLY_ZH,
            notice_en=VALUATION_ONLY_EN,
            lines=[OptionValueOut.of(value) for value in answer.batch.values],
            failures=[FailureOut.of(failure) for failure in answer.batch.failures],
            is_sample=any(quote.is_sample for quote in inputs),
            arbitrages=[
                f"{build.name} {one.kind} {one.expiry_date} {_number(one.strike)}"
                for build in answer.surfaces
                for one in build.arbitrages
            ],
            sources=sorted({quote.source for quote in inputs}),
            set_digest=answer.set_digest,
            quotes_digest=answer.quotes_digest,
        )
