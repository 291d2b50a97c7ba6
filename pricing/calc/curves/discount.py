"""Discount curves: QuantLib bootstraps deposits and swaps, plain nodes leave, numpy reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import compress

import numpy as np
import QuantLib as ql  # noqa: N813 - the field's own abbreviation

from carbonfin.kernel.dates import Calendar
from carbonfin.kernel.errors import CalculationFailed, CarbonFinError, InvalidInput, MissingData
from carbonfin.kernel.quantlib import quantlib_on
from carbonfin.kernel.units import Currency, to_float
from pricing.calc.curves.indexes import (
    QuoteLimits,
    RateConvention,
    RateKind,
    quantlib_calendar,
    quantlib_day_count,
    quantlib_index,
    quantlib_rolling,
)
from pricing.calc.curves.nodes import (
    DAYS_A_YEAR,
    FloatArray,
    IntArray,
    check_nodes,
    day_of,
    outside,
    read_log_linear,
    serial_of,
)

INTERPOLATION = "log_linear_discount"
RESIDUAL_MAX = 1e-12
_ACCURACY = 1e-15  # of a discount factor; an overnight rate is some 360 times as sensitive


@dataclass(frozen=True, slots=True, kw_only=True)
class RateInput:
    """One quoted rate for a curve.

    Attributes:
        convention: How the rate is to be understood.
        tenor: ON, 1W, 3M, 5Y and so on.
        rate: The rate as a decimal (0.0231).
        quote_date: Day of the quote.
    """

    convention: RateConvention
    tenor: str
    rate: Decimal
    quote_date: date

    @property
    def name(self) -> str:
        """Convention and tenor, for messages and residuals."""
        return f"{self.convention.name} {self.tenor}"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteResidual:
    """What the curve makes of one of its own quotes: implied rate less quoted rate, with the node it set."""

    name: str
    node_date: date
    rate: float
    residual_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscountCurve:
    """Discount factors of one currency, log-linear between nodes (flat forward rates).

    Attributes:
        currency: Currency discounted.
        valuation_date: Day on which the factor is 1; the first node.
        node_serials: Days of the nodes, ascending.
        log_discount_factors: Natural logarithms there, the first 0.
        horizon: Last day that may be asked for; past the last node the last forward rate goes on.
        provisional_after: Last day of the calendars at hand where nodes lie beyond it, else None: later nodes were
            placed with weekends alone closed and may move with the next holiday notice.
        residuals: Repricing of each input.
        superseded: Names of inputs left out because a longer tenor ends on the same day.
        unconfirmed: Names of conventions that nobody compared with their document.
        interpolation: Its name.
        is_assumption: Whether the curve was assumed flat rather than built of quotes.
    """

    currency: Currency
    valuation_date: date
    node_serials: tuple[int, ...]
    log_discount_factors: tuple[float, ...]
    horizon: date
    provisional_after: date | None
    residuals: tuple[QuoteResidual, ...]
    superseded: tuple[str, ...]
    unconfirmed: tuple[str, ...]
    interpolation: str = INTERPOLATION
    is_assumption: bool = False

    def __post_init__(self) -> None:
        """Refuse nodes out of order, and a first node that is not the valuation date."""
        check_nodes(what=f"{self.currency} curve", serials=self.node_serials, values=self.log_discount_factors)
        starts = self.node_serials[0] == serial_of(self.valuation_date) and self.log_discount_factors[0] == 0.0
        assert starts, "a discount curve starts at 1 on its valuation date"

    def error_outside(self, serials: IntArray) -> CarbonFinError | None:
        """Give the error of the first day outside the curve, or None."""
        return outside(
            what=f"the {self.currency} discount curve",
            zh=f"{self.currency} 贴现曲线",
            serials=serials,
            first_day=self.valuation_date,
            last_day=self.horizon,
        )

    def log_factors(self, serials: IntArray) -> FloatArray:
        """Give ln D of each day, shape (days,), without asking for the horizon."""
        return read_log_linear(
            reference_serial=serial_of(self.valuation_date),
            node_serials=self.node_serials,
            node_logs=self.log_discount_factors,
            serials=serials,
        )

    def discount_factors(self, serials: IntArray) -> FloatArray:
        """Give discount factors D of each day, shape (days,).

        Raises:
            MissingData: A day lies before the valuation date or past the horizon.
        """
        error = self.error_outside(serials)
        if error is not None:
            raise error
        return np.exp(self.log_factors(serials))

    def zero_rates(self, serials: IntArray) -> FloatArray:
        """Give zero rates r = -ln D / T, continuously compounded, act/365, shape (days,).

        Raises:
            InvalidInput: A day is the valuation date itself.
            MissingData: A day lies outside the curve.
        """
        years = (serials - serial_of(self.valuation_date)) / DAYS_A_YEAR
        if np.any(years == 0):
            raise InvalidInput(
                f"a zero rate to the valuation date {self.valuation_date} itself has no meaning",
                zh="估值日当天没有零息利率",
                field="date",
                remedy="Ask for a later day.",
                remedy_zh="请选择更晚的日期。",
            )
        return np.asarray(-np.log(self.discount_factors(serials)) / years, dtype=np.float64)


def flat_discount_curve(*, currency: Currency, valuation_date: date, rate: Decimal, horizon: date) -> DiscountCurve:
    """Give the curve of one assumed rate, D = exp(-r T), act/365; it is marked as an assumption."""
    serials = (serial_of(valuation_date), serial_of(horizon))
    return DiscountCurve(
        currency=currency,
        valuation_date=valuation_date,
        node_serials=serials,
        log_discount_factors=(0.0, -to_float(rate) * (serials[1] - serials[0]) / DAYS_A_YEAR),
        horizon=horizon,
        provisional_after=None,
        residuals=(),
        superseded=(),
        unconfirmed=(),
        is_assumption=True,
    )


def discount_curve(
    *,
    currency: Currency,
    valuation_date: date,
    quotes: Sequence[RateInput],
    limits: QuoteLimits,
    calendars: Mapping[str, Calendar],
    extrapolation_days: int,
) -> DiscountCurve:
    """Bootstrap a discount curve of deposits and swaps, log-linear in the discount factor.

    A deposit gives D(end) = D(start) / (1 + r tau). A par swap gives r = (D(start) - D(end)) / sum tau_i D_i: its
    floating side is forecast on the curve itself, so that compounded resets that tile a period (FR007 weekly, overnight
    daily) telescope; days of payment lag and the stub of a last reset are left out.

    Args:
        currency: Currency of all quotes.
        valuation_date: Day of the curve.
        quotes: Rates in order of the day they end on; of two that a holiday brings to one day the later counts.
        limits: What rates are believed and how old they may be.
        calendars: Our own calendars by name; they go before QuantLib's.
        extrapolation_days: Days past the last node for which the last forward rate may stand.

    Raises:
        InvalidInput: A quote is of another currency, absurd, stale, of a later day, duplicate or out of order.
        MissingData: There is no quote, or no calendar of a name.
        CalculationFailed: No curve reprices the quotes to 1e-12.
    """
    _check_quotes(currency=currency, valuation_date=valuation_date, quotes=quotes, limits=limits)
    with quantlib_on(valuation_date) as today:
        used = {quote.convention.calendar: quantlib_calendar(quote.convention.calendar, calendars) for quote in quotes}
        pairs = [(quote, _rate_helper(quote, used[quote.convention.calendar][0])) for quote in quotes]
        ends = [day_of(helper.pillarDate().serialNumber()) for _, helper in pairs]
        lasting = _lasting(quotes, ends)
        superseded = tuple(quote.name for quote, lasts in zip(quotes, lasting, strict=True) if not lasts)
        pairs, ends = list(compress(pairs, lasting)), list(compress(ends, lasting))
        curve = ql.PiecewiseLogLinearDiscount(
            today, [helper for _, helper in pairs], ql.Actual365Fixed(), ql.IterativeBootstrap(_ACCURACY)
        )
        try:
            nodes = [(day.serialNumber(), factor) for day, factor in curve.nodes()]
            errors = [helper.impliedQuote() - helper.quote().value() for _, helper in pairs]
        except RuntimeError as error:
            raise _unsolved(currency, str(error)) from error
    residuals = tuple(
        QuoteResidual(name=quote.name, node_date=end, rate=to_float(quote.rate), residual_rate=error)
        for (quote, _), end, error in zip(pairs, ends, errors, strict=True)
    )
    _check_residuals(currency, residuals)
    return DiscountCurve(
        currency=currency,
        valuation_date=valuation_date,
        node_serials=tuple(serial for serial, _ in nodes),
        log_discount_factors=tuple(float(np.log(factor)) for _, factor in nodes),
        horizon=ends[-1] + timedelta(days=extrapolation_days),
        provisional_after=min((until for _, until in used.values() if until and until < ends[-1]), default=None),
        residuals=residuals,
        superseded=superseded,
        unconfirmed=tuple(sorted({quote.convention.name for quote in quotes if not quote.convention.confirmed})),
    )


def _rate_helper(quote: RateInput, calendar: ql.Calendar) -> ql.RateHelper:
    convention = quote.convention
    handle = ql.QuoteHandle(ql.SimpleQuote(to_float(quote.rate)))
    if convention.kind is RateKind.DEPOSIT:
        return ql.DepositRateHelper(handle, quantlib_index(convention, tenor=quote.tenor, calendar=calendar))
    months = convention.payment_months
    assert months is not None
    return ql.SwapRateHelper(
        handle, ql.Period(quote.tenor), calendar, ql.Period(months, ql.Months).frequency(),
        quantlib_rolling(convention.rolling), quantlib_day_count(convention.day_count),
        quantlib_index(convention, tenor=f"{months}M", calendar=calendar), ql.QuoteHandle(), ql.Period(0, ql.Days),
        ql.YieldTermStructureHandle(), convention.settlement_days, ql.Pillar.LastRelevantDate, ql.Date(),
        False, False,  # noqa: FBT003 - QuantLib's own signature: no end of month, coupons at par
    )  # fmt: skip


def _check_quotes(
    *, currency: Currency, valuation_date: date, quotes: Sequence[RateInput], limits: QuoteLimits
) -> None:
    if not quotes:
        raise MissingData(
            f"{currency} has no rate quote for {valuation_date}",
            zh=f"{currency} 在 {valuation_date} 没有利率报价",
            field="quotes",
            remedy="Load deposit or swap rates of the currency.",
            remedy_zh="请导入该币种的存款或互换利率。",
        )
    seen: set[str] = set()
    for quote in quotes:
        if quote.convention.currency is not currency:
            raise _refused(quote, "currency", f"is in {quote.convention.currency}, not {currency}", "币种不符")
        if quote.name in seen:
            raise _refused(quote, "tenor", "stands twice", "报价重复")
        seen.add(quote.name)
        if not quote.rate.is_finite() or not limits.rate_min <= quote.rate <= limits.rate_max:
            raise _refused(
                quote,
                "rate",
                f"is {quote.rate}, outside {limits.rate_min} to {limits.rate_max}; a rate is a decimal (0.03 for 3 %)",
                f"利率 {quote.rate} 超出合理范围（3% 应写作 0.03）",
            )
        if quote.quote_date > valuation_date:
            raise _refused(quote, "quote_date", f"is of {quote.quote_date}, after {valuation_date}", "报价晚于估值日")
        if (valuation_date - quote.quote_date).days > limits.stale_after_days:
            raise _refused(
                quote,
                "quote_date",
                f"is of {quote.quote_date}, more than {limits.stale_after_days} days before {valuation_date}",
                f"报价日 {quote.quote_date} 已过期",
            )


def _lasting(quotes: Sequence[RateInput], ends: Sequence[date]) -> list[bool]:
    """Give for each quote whether it sets a node of its own; of those that end on one day the last does."""
    for place in range(1, len(quotes)):
        if ends[place] < ends[place - 1]:
            raise _refused(quotes[place], "tenor", f"ends before {quotes[place - 1].name}", "报价未按期限排列")
    return [place == len(ends) - 1 or ends[place] < ends[place + 1] for place in range(len(ends))]


def _check_residuals(currency: Currency, residuals: Sequence[QuoteResidual]) -> None:
    for residual in residuals:
        if not abs(residual.residual_rate) <= RESIDUAL_MAX:
            raise _unsolved(currency, f"{residual.name} is missed by {residual.residual_rate:.1e}")


def _refused(quote: RateInput, field: str, why: str, zh: str) -> InvalidInput:
    return InvalidInput(
        f"{quote.name} {why}",
        zh=f"{quote.name}：{zh}",
        field=field,
        remedy="Correct the quote against its source, or leave it out.",
        remedy_zh="请对照来源更正，或剔除该报价。",
    )


def _unsolved(currency: Currency, why: str) -> CalculationFailed:
    return CalculationFailed(
        f"no {currency} curve reprices its quotes: {why}",
        zh=f"{currency} 曲线无法还原全部报价",
        field="quotes",
        remedy="Look for a quote that contradicts its neighbours.",
        remedy_zh="请检查与相邻期限矛盾的报价。",
    )
