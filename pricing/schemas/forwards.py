"""The shape of a forward price, and of what the value of a forward came from."""

import math

from msgspec import Struct

from carbonfin.kernel.units import to_decimal
from carbonfin.web.wire import FigureOut
from pricing.calc.forward_convexity import ForwardConvexity
from pricing.calc.positions import ForwardBasis, ForwardFigures
from pricing.schemas.figures import optional_text_of, text_of
from pricing.service import ForwardAnswer

_FACTOR_PLACES, _RATE_PLACES = 8, 8


class ForwardFiguresOut(Struct, frozen=True, kw_only=True):
    """What the value of a forward on curves came from; price, factor and value in `currency`, that of its agreed price.

    `basis` is `futures_curve` or `cost_of_carry`; `price_curve` names the curve, `curves_digest` all curves of the day.
    """

    basis: str
    price_curve: str
    curves_digest: str
    currency: str
    forward_per_t: str
    discount_factor: str
    years: str
    zero_rate: str
    convenience_yield: str | None
    fx_forward: str
    cny_per_unit: str
    present_value: str

    @classmethod
    def of(cls, forward: ForwardFigures) -> "ForwardFiguresOut":
        """Write the figures of a forward."""
        given = forward.convenience_yield
        return cls(
            basis=forward.basis,
            price_curve=forward.price_curve,
            curves_digest=forward.curves_digest,
            currency=forward.currency,
            forward_per_t=text_of(forward.forward_per_t),
            discount_factor=text_of(forward.discount_factor),
            years=text_of(forward.years),
            zero_rate=text_of(forward.zero_rate),
            convenience_yield=None if given is None else text_of(given),
            fx_forward=text_of(forward.fx_forward),
            cny_per_unit=text_of(forward.cny_per_unit),
            present_value=text_of(forward.present_value),
        )


class ForwardConvexityOut(Struct, frozen=True, kw_only=True):
    """What daily settlement is worth beside a price off a futures curve: a figure on assumptions, not in the price.

    `log_convexity` is ln(futures / forward): 0 where no future stands behind the price, null where an assumption it
    needs is not set; `reasons_zh` say which. `forward_per_t` is the price less the difference.
    """

    log_convexity: str | None
    forward_per_t: str | None
    reasons_zh: list[str]
    reasons_en: list[str]
    trace: list[FigureOut]

    @classmethod
    def of(cls, convexity: ForwardConvexity) -> "ForwardConvexityOut":
        """Write the difference."""
        return cls(
            log_convexity=optional_text_of(convexity.log_convexity),
            forward_per_t=optional_text_of(convexity.forward_per_t),
            reasons_zh=[zh for zh, _ in convexity.reasons],
            reasons_en=[en for _, en in convexity.reasons],
            trace=[FigureOut.of(figure) for figure in convexity.trace],
        )


class ForwardQuoteOut(Struct, frozen=True, kw_only=True):
    """A forward price and what it rests on: for valuation only, not an offer to trade.

    Spot is null where a futures curve gives the price. `rate` is the zero rate of the discount curve to delivery, or
    the flat rate where the bank chose that by name (`basis` flat_rate, `rate_is_assumption` true).
    """

    unit: str
    valuation_date: str
    delivery_date: str
    days: int
    spot_cny_per_t: str | None
    spot_source: str | None
    spot_date: str | None
    rate: str
    rate_document: str
    rate_is_assumption: bool
    forward_cny_per_t: str
    discount_factor: str
    level: int
    note_zh: str
    note_en: str
    snapshot_digest: str
    basis: str
    currency: str
    forward_per_t: str
    cny_per_unit: str
    price_curve: str | None
    curves_digest: str | None
    convenience_yield: str | None
    is_sample: bool
    is_provisional: bool
    convexity: ForwardConvexityOut

    @classmethod
    def of(cls, answer: ForwardAnswer) -> "ForwardQuoteOut":
        """Write a forward price."""
        known, figures, flat = answer.forward, answer.shown.forward, answer.flat_rate
        spot = known.spot
        given = None if figures is None else figures.convenience_yield
        years = answer.days / 365
        zero = text_of(to_decimal(-math.log(known.discount_factor) / years, places=_RATE_PLACES))
        document = f"{answer.currency} 贴现曲线" if flat is None else flat.document
        return cls(
            unit=str(answer.unit),
            valuation_date=answer.valuation_date.isoformat(),
            delivery_date=answer.delivery_date.isoformat(),
            days=answer.days,
            spot_cny_per_t=None if spot is None else text_of(spot.price_cny_per_t),
            spot_source=None if spot is None else spot.source,
            spot_date=None if spot is None else spot.price_date.isoformat(),
            rate=zero if flat is None else flat.value,
            rate_document=document,
            rate_is_assumption=flat is not None,
            forward_cny_per_t=text_of(known.shown_cny_per_t),
            discount_factor=text_of(to_decimal(known.discount_factor, places=_FACTOR_PLACES)),
            level=known.level,
            note_zh="；".join(answer.shown.notes_zh),
            note_en="; ".join(answer.shown.notes_en),
            snapshot_digest=answer.snapshot_digest,
            basis=ForwardBasis.FLAT_RATE if figures is None else figures.basis,
            currency=answer.currency,
            forward_per_t=text_of(known.shown_cny_per_t if figures is None else figures.forward_per_t),
            cny_per_unit="1" if figures is None else text_of(figures.cny_per_unit),
            price_curve=None if figures is None else figures.price_curve,
            curves_digest=None if figures is None else figures.curves_digest,
            convenience_yield=None if given is None else text_of(given),
            is_sample=known.is_sample,
            is_provisional=known.provisional_after is not None,
            convexity=ForwardConvexityOut.of(answer.convexity),
        )
