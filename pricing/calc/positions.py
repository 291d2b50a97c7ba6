"""Lines of a portfolio and what makes one of them impossible to value."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.units import Currency
from carbonfin.rules.record import ADDED_LATER
from pricing.calc.liquidity import PriceFlag
from pricing.calc.options.kinds import ExerciseStyle, OptionType

MAX_QUANTITY_T = 100_000_000
MAX_PRICE_CNY_PER_T = Decimal(90_000)
LAST_DELIVERY_DATE = date(2100, 12, 31)
AVERAGING_DAYS_MAX = 400


class LineKind(StrEnum):
    """What a line is."""

    SPOT = "spot"
    FORWARD = "forward"
    FUTURES = "futures"
    OPTION = "option"


LINE_KIND_LABELS: dict[LineKind, tuple[str, str]] = {
    LineKind.SPOT: ("现货持有", "spot holding"),
    LineKind.FORWARD: ("场外远期", "OTC forward"),
    LineKind.FUTURES: ("期货式合约（合成）", "futures-style contract (synthetic)"),
    LineKind.OPTION: ("期货期权", "option on a future"),
}


LISTED_FUTURE_LABELS = ("期货合约（按日结算）", "future, settled daily")
"""A futures-style contract that is settled in a foreign currency: it is listed abroad, not synthetic."""


def kind_labels(kind: LineKind, *, is_foreign: bool) -> tuple[str, str]:
    """Name a kind of line in both languages; a contract settled in 元 is synthetic, one settled abroad is listed."""
    return LISTED_FUTURE_LABELS if kind is LineKind.FUTURES and is_foreign else LINE_KIND_LABELS[kind]


class ForwardBasis(StrEnum):
    """Where the price of a forward comes from."""

    FUTURES_CURVE = "futures_curve"
    COST_OF_CARRY = "cost_of_carry"
    FLAT_RATE = "flat_rate"


FORWARD_BASIS_LABELS: dict[ForwardBasis, tuple[str, str]] = {
    ForwardBasis.FUTURES_CURVE: ("期货曲线", "futures curve"),
    ForwardBasis.COST_OF_CARRY: ("现货按持有成本", "spot by cost of carry"),
    ForwardBasis.FLAT_RATE: ("平坦利率（假设）", "flat rate (an assumption)"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Averaging:
    """The days whose prices an average-price option averages, and what is fixed of them.

    Attributes:
        dates: All of them in order, those past too.
        fixed_count: Days already fixed: those up to the valuation date.
        fixed_average_per_t: The average of their prices; None where none is fixed.
    """

    dates: tuple[date, ...]
    fixed_count: int = 0
    fixed_average_per_t: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioLine:
    """One position. What cannot be valued is reported as a failure of the line, so nothing is refused here.

    Attributes:
        line_id: Code unique within the portfolio.
        quantity_t: Whole tonnes; negative for a sale (forwards, futures, options).
        strike_cny_per_t: Agreed price of a forward (约定价格), or price traded of a futures-style contract.
        delivery_date: Delivery of a forward (交割日), or of the future under an option.
        contract_code: Name under which settlement prices of a futures-style contract are kept.
        trade_date: Day a futures-style contract was traded; its first margin is against the price traded.
        option_type: Call or put; the last five fields belong to options alone.
        option_style: European, American or average-price.
        expiry_date: Last day of exercise of an option (到期日).
        strike_per_t: Strike of an option (行权价), in the currency of the scheme's futures curve.
        averaging: The averaging days of an average-price option (取价日).
        currency: Currency of `strike_per_t`: of a forward whose agreed price, or a futures-style contract whose price
            traded, is not in 元, and of an option where it is stated; then it must be that of the curve.
        master_agreement: Master agreement (主协议) under which a forward or option stands, with its day.
        derivatives_licence: Licence (衍生产品交易资格) under which the bank deals in it.
    """

    line_id: str
    kind: LineKind
    unit: Unit
    quantity_t: int
    label: str = ""
    strike_cny_per_t: Decimal | None = None
    delivery_date: date | None = None
    contract_code: str | None = None
    trade_date: date | None = None
    option_type: OptionType | None = field(default=None, metadata=ADDED_LATER)
    option_style: ExerciseStyle | None = field(default=None, metadata=ADDED_LATER)
    expiry_date: date | None = field(default=None, metadata=ADDED_LATER)
    strike_per_t: Decimal | None = field(default=None, metadata=ADDED_LATER)
    averaging: Averaging | None = field(default=None, metadata=ADDED_LATER)
    currency: Currency | None = field(default=None, metadata=ADDED_LATER)
    master_agreement: str | None = field(default=None, metadata=ADDED_LATER)
    derivatives_licence: str | None = field(default=None, metadata=ADDED_LATER)

    @property
    def agreed_currency(self) -> Currency:
        """Currency of the agreed price of a forward, and of the settlement of a futures-style contract."""
        return self.currency or Currency.CNY

    @property
    def agreed_per_t(self) -> Decimal | None:
        """Agreed price of a forward, or price traded of a futures-style contract, in its currency per tonne."""
        return self.strike_cny_per_t if self.currency is None else self.strike_per_t


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardFigures:
    """What the value of a forward on curves came from, in the currency of its agreed price.

    Attributes:
        basis: Futures curve, or spot carried.
        price_curve: Name of the futures curve, or currency of the discount curve along which spot is carried.
        curves_digest: SHA-256 over all curves of the day.
        forward_per_t: F for the delivery.
        discount_factor: D to delivery.
        years: T, act/365 to delivery.
        zero_rate: -ln D / T, continuously compounded, act/365.
        convenience_yield: y by which spot was carried; None where it is not known, and for a futures curve.
        fx_forward: Units of the currency for one of the price's at delivery; 1 where they are one.
        cny_per_unit: 元 for one unit of the currency.
        present_value: In the currency, to two places.
    """

    basis: ForwardBasis
    price_curve: str
    curves_digest: str
    currency: Currency
    forward_per_t: Decimal
    discount_factor: Decimal
    years: Decimal
    zero_rate: Decimal
    convenience_yield: Decimal | None
    fx_forward: Decimal
    cny_per_unit: Decimal
    present_value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class FuturesFigures:
    """What the day's margin of a contract settled in a foreign currency came from, in that currency.

    Attributes:
        settlement_per_t: S, the settlement price of the day.
        before_per_t: The last settlement price before, or the price traded that day.
        variation_margin: (S - S before) q, to two places.
        cny_per_unit: 元 for one unit of the currency.
    """

    contract_code: str
    currency: Currency
    settlement_per_t: Decimal
    before_per_t: Decimal
    variation_margin: Decimal
    cny_per_unit: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionFigures:
    """What an option's value came from, and how it moves; sensitivities are of the whole line.

    Attributes:
        forward_per_t: F of the future's delivery, in the currency of its curve, as are strike and value.
        volatility: sigma at strike and expiry, off the surface.
        years: T, act/365 to expiry.
        discount_factor: D to expiry.
        d1: ln(F / K) / (sigma sqrt(T)) + sigma sqrt(T) / 2.
        d2: d1 - sigma sqrt(T).
        cny_per_unit: 元 for one unit of the currency.
        delta_t: Tonnes of the future that move as much.
        gamma_t: Tonnes that delta gains where the future rises by one unit of the currency.
        vega_cny: For one point (0.01) of volatility.
        theta_cny: As one calendar day passes, the forward unchanged.
        rho_cny: For one basis point of the rate, the forward unchanged.
    """

    option_type: OptionType
    style: ExerciseStyle
    expiry_date: date
    delivery_date: date
    currency: Currency
    forward_per_t: Decimal
    strike_per_t: Decimal
    volatility: Decimal
    years: Decimal
    discount_factor: Decimal
    d1: Decimal
    d2: Decimal
    value_per_t: Decimal
    cny_per_unit: Decimal
    delta_t: Decimal
    gamma_t: Decimal
    vega_cny: Decimal
    theta_cny: Decimal
    rho_cny: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class LineValue:
    """The value of one line with the price it rests on.

    Attributes:
        price_cny_per_t: Spot price, forward price (4 places), settlement price, or value of a tonne of an option.
        level: Fair-value level of the lowest significant input.
        present_value_cny: Value on the valuation date, to the fen; nil for a futures-style contract after settlement.
        variation_margin_cny: Cash of the day for a futures-style contract, else None.
        figure: Name of the line's figure in the trace.
        option: What the value of an option came from; None for other kinds.
        forward: What the value of a forward on curves came from; None for other kinds and for the flat rate.
        is_provisional: Whether a delivery or an expiry lies past the known calendar; None where it does not.
        futures: What the margin of a contract settled in a foreign currency came from; None for all else.
    """

    line_id: str
    label: str
    kind: LineKind
    unit: Unit
    quantity_t: int
    price_cny_per_t: Decimal
    price_date: date
    price_source: str
    staleness_days: int
    level: int
    is_sample: bool
    flags: tuple[PriceFlag, ...]
    present_value_cny: Decimal
    variation_margin_cny: Decimal | None
    notes_zh: tuple[str, ...]
    notes_en: tuple[str, ...]
    figure: str
    snapshot_digest: str
    option: OptionFigures | None = field(default=None, metadata=ADDED_LATER)
    forward: ForwardFigures | None = field(default=None, metadata=ADDED_LATER)
    is_provisional: bool | None = field(default=None, metadata=ADDED_LATER)
    futures: FuturesFigures | None = field(default=None, metadata=ADDED_LATER)

    @property
    def kind_labels(self) -> tuple[str, str]:
        """What the line is, in Chinese and English."""
        return kind_labels(self.kind, is_foreign=self.futures is not None)
