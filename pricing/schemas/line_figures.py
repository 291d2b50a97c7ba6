"""Shapes of what the value of a line came from, of sensitivities by bucket, and of limits that are broken."""

from datetime import date
from decimal import Decimal

from msgspec import Struct

from pricing.calc.option_traces import OptionBucket
from pricing.calc.positions import FuturesFigures, OptionFigures
from pricing.calc.settled_limits import LimitBreach
from pricing.schemas.figures import text_of


class OptionFiguresOut(Struct, frozen=True, kw_only=True):
    """What an option's value came from, and how the whole line moves; forward, strike and value in its currency.

    Gamma is in tonnes for one unit of the currency; vega for a point (0.01) of volatility, theta for a day, rho for a
    basis point, all three in 元.
    """

    option_type: str
    style: str
    expiry_date: str
    delivery_date: str
    currency: str
    forward_per_t: str
    strike_per_t: str
    volatility: str
    years: str
    discount_factor: str
    d1: str
    d2: str
    value_per_t: str
    cny_per_unit: str
    delta_t: str
    gamma_t: str
    vega_cny: str
    theta_cny: str
    rho_cny: str

    @classmethod
    def of(cls, option: OptionFigures) -> "OptionFiguresOut":
        """Write the figures of an option."""
        plain = {name: getattr(option, name) for name in cls.__struct_fields__}
        return cls(
            **{
                name: text_of(one)
                if isinstance(one, Decimal)
                else one.isoformat()
                if isinstance(one, date)
                else str(one)
                for name, one in plain.items()
            }
        )


class FuturesFiguresOut(Struct, frozen=True, kw_only=True):
    """The day's margin of a contract settled in a foreign currency: both prices and the margin in `currency`."""

    contract_code: str
    currency: str
    settlement_per_t: str
    before_per_t: str
    variation_margin: str
    cny_per_unit: str

    @classmethod
    def of(cls, futures: FuturesFigures) -> "FuturesFiguresOut":
        """Write the figures of a contract."""
        return cls(
            contract_code=futures.contract_code,
            currency=futures.currency,
            settlement_per_t=text_of(futures.settlement_per_t),
            before_per_t=text_of(futures.before_per_t),
            variation_margin=text_of(futures.variation_margin),
            cny_per_unit=text_of(futures.cny_per_unit),
        )


class OptionBucketOut(Struct, frozen=True, kw_only=True):
    """The sensitivities of a book's options by underlying and expiry; units as of a line's."""

    unit: str
    expiry_date: str
    delta_t: str
    gamma_t: str
    vega_cny: str
    theta_cny: str
    rho_cny: str

    @classmethod
    def of(cls, bucket: OptionBucket) -> "OptionBucketOut":
        """Write a bucket."""
        return cls(
            unit=str(bucket.unit),
            expiry_date=bucket.expiry_date.isoformat(),
            delta_t=text_of(bucket.delta_t),
            gamma_t=text_of(bucket.gamma_t),
            vega_cny=text_of(bucket.vega_cny),
            theta_cny=text_of(bucket.theta_cny),
            rho_cny=text_of(bucket.rho_cny),
        )


class LimitBreachOut(Struct, frozen=True, kw_only=True):
    """A line of a contract whose net position over the book is over its limit, which `figure` names in the trace."""

    line_id: str
    net_t: int
    limit_t: str
    excess_t: str
    document: str
    is_confirmed: bool
    figure: str

    @classmethod
    def of(cls, breach: LimitBreach) -> "LimitBreachOut":
        """Write a breach."""
        return cls(
            line_id=breach.line_id, net_t=breach.net_t, limit_t=text_of(breach.limit_t),
            excess_t=text_of(breach.excess_t), document=breach.document, is_confirmed=breach.is_confirmed,
            figure=breach.figure,
        )  # fmt: skip
