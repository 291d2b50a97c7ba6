"""Futures curves per scheme, phase and vintage: log-linear in price between listed expiries, flat carry outside."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby, pairwise
from statistics import median

import numpy as np

from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.errors import CarbonFinError, InvalidInput, MissingData
from carbonfin.kernel.units import Currency, to_float
from pricing.calc.curves.nodes import FloatArray, IntArray, check_nodes, outside, read_log_linear, serial_of, serials_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One trading phase of a scheme (compliance period), by the deliveries that belong to it.

    Attributes:
        scheme: The scheme.
        name: For example `3`, or `2024` for a compliance year.
        first_delivery: First day of delivery within it.
        last_delivery: Last day of delivery within it.
        banks_into_next: Whether its units may be carried into the next phase at one for one; if not, a curve ends here.
    """

    scheme: Scheme
    name: str
    first_delivery: date
    last_delivery: date
    banks_into_next: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What a position delivers: units of a scheme that count in a phase, of one vintage or of any.

    Attributes:
        scheme: The scheme.
        phase: Name of the phase whose curve prices it.
        vintage: The vintage delivered, None where any is.
    """

    scheme: Scheme
    phase: str
    vintage: int | None

    def __str__(self) -> str:
        """Write scheme, vintage and phase: CEA-2023/2024, EUA/3."""
        vintage = "" if self.vintage is None else f"-{self.vintage}"
        return f"{self.scheme}{vintage}/{self.phase}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FuturesQuote:
    """One price for delivery on one day; delivery on the valuation date is spot.

    Attributes:
        scheme: The scheme.
        vintage: The vintage delivered, None where any vintage of the phase is.
        currency: Currency of the price.
        delivery_date: Day of delivery (expiry of the listed contract).
        price_per_t: Price in the currency per tonne.
        quote_date: Day of the price.
    """

    scheme: Scheme
    vintage: int | None
    currency: Currency
    delivery_date: date
    price_per_t: Decimal
    quote_date: date

    @property
    def name(self) -> str:
        """Scheme, vintage and delivery, for messages."""
        vintage = "" if self.vintage is None else f"-{self.vintage}"
        return f"{self.scheme}{vintage} for {self.delivery_date}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FuturesCurve:
    """Forward prices of one scheme and vintage over phases that bank into each other.

    Attributes:
        scheme: The scheme.
        phases: Names of the phases it covers; more than one only where units are carried over at one for one.
        vintage: The vintage delivered, None where any is.
        currency: Currency of the prices.
        valuation_date: Day of the curve.
        node_serials: Listed deliveries, ascending.
        log_prices: Natural logarithms of the price in the currency per tonne.
        first_day: First delivery that may be asked for.
        horizon: Last delivery that may be asked for.
        calendar_known_until: Last day that the venue's calendar knows, None where the venue names the days itself.
    """

    scheme: Scheme
    phases: tuple[str, ...]
    vintage: int | None
    currency: Currency
    valuation_date: date
    node_serials: tuple[int, ...]
    log_prices: tuple[float, ...]
    first_day: date
    horizon: date
    calendar_known_until: date | None

    def __post_init__(self) -> None:
        """Refuse nodes out of order or not finite."""
        check_nodes(what=f"{self.scheme} curve", serials=self.node_serials, values=self.log_prices)

    def prices(self, product: Product) -> bool:
        """Whether the curve is of that scheme, vintage and phase."""
        return self.scheme is product.scheme and self.vintage == product.vintage and product.phase in self.phases

    def error_outside(self, serials: IntArray) -> CarbonFinError | None:
        """Give the error of the first delivery the curve does not reach, or None; the calendar speaks first."""
        until = self.calendar_known_until
        if until is not None and np.any(serials > serial_of(until)):
            return MissingData(
                f"{self.scheme} trading days are known until {until}; a delivery lies past it",
                zh=f"{self.scheme} 交易日历已知至 {until}，交割日超出该日",
                field="delivery_date",
                remedy="Load the year's holiday notice or choose an earlier delivery.",
                remedy_zh="请导入当年放假通知，或选择更早的交割日。",
                known_until=until.isoformat(),
            )
        return outside(
            what=f"the {self.scheme} curve of phase {'+'.join(self.phases)}",
            zh=f"{self.scheme} 第 {'+'.join(self.phases)} 阶段曲线",
            serials=serials,
            first_day=self.first_day,
            last_day=self.horizon,
        )

    def log_forwards(self, serials: IntArray) -> FloatArray:
        """Give ln F of each delivery, shape (days,), without asking for the horizon."""
        return read_log_linear(
            reference_serial=serial_of(self.valuation_date),
            node_serials=self.node_serials,
            node_logs=self.log_prices,
            serials=serials,
        )

    def forwards_per_t(self, serials: IntArray) -> FloatArray:
        """Give forward prices F of each delivery in the currency per tonne, shape (days,).

        F(T) = F_i (F_{i+1} / F_i)^((T - T_i) / (T_{i+1} - T_i)) between listed deliveries; outside them the carry of
        the nearest pair goes on up to the stated limit.

        Raises:
            MissingData: A delivery lies past the calendar, before the first day or past the horizon.
        """
        error = self.error_outside(serials)
        if error is not None:
            raise error
        return np.exp(self.log_forwards(serials))


def futures_curves(
    *,
    valuation_date: date,
    quotes: Sequence[FuturesQuote],
    phases: Sequence[Phase],
    stale_after_days: int,
    price_ratio_max: Decimal,
    flat_carry_days: int,
    calendar_known_until: date | None,
) -> tuple[FuturesCurve, ...]:
    """Build a curve for each scheme, vintage and run of phases that bank; no curve crosses a break.

    Args:
        valuation_date: Day of the curves.
        quotes: Prices by delivery, in any order of schemes; each delivery of a scheme and vintage once, ascending.
        phases: Phases of the schemes, ascending.
        stale_after_days: Calendar days after which a price is too old.
        price_ratio_max: How many times the median of its curve, or the median how many times it, a price may be; a
            placeholder of one cent or a slip of the unit lies beyond.
        flat_carry_days: Days before the first and past the last listed delivery for which the nearest carry may stand.
        calendar_known_until: Last day that the venue's calendar knows, None where the venue names the days itself.

    Raises:
        InvalidInput: A price is not positive, absurd, stale, duplicate, out of order, or belongs to no phase.
    """
    for quote in quotes:
        _check(quote, valuation_date=valuation_date, stale_after_days=stale_after_days)
    made: list[FuturesCurve] = []
    for group in _banking_runs(phases):
        inside = [
            quote
            for quote in quotes
            if quote.scheme is group[0].scheme
            and group[0].first_delivery <= quote.delivery_date <= group[-1].last_delivery
        ]
        for vintage in sorted({quote.vintage for quote in inside}, key=lambda year: year or 0):
            listed = [quote for quote in inside if quote.vintage == vintage]
            _check_against_median(listed, price_ratio_max=price_ratio_max)
            made.append(
                _curve(
                    group,
                    listed,
                    valuation_date=valuation_date,
                    flat_carry_days=flat_carry_days,
                    calendar_known_until=calendar_known_until,
                )
            )
    _check_all_placed(quotes, phases)
    return tuple(made)


def _banking_runs(phases: Iterable[Phase]) -> list[list[Phase]]:
    """Give runs of adjoining phases of one scheme in which each banks into the next."""
    runs: list[list[Phase]] = []
    for _, of_scheme in groupby(
        sorted(phases, key=lambda item: (item.scheme, item.first_delivery)), lambda item: item.scheme
    ):
        before: Phase | None = None
        for phase in of_scheme:
            if before is not None and phase.first_delivery <= before.last_delivery:
                raise InvalidInput(
                    f"phases {before.name} and {phase.name} of {phase.scheme} overlap",
                    zh=f"{phase.scheme} 的阶段 {before.name} 与 {phase.name} 重叠",
                    field="phases",
                    remedy="Give each delivery one phase.",
                    remedy_zh="请使每个交割日只属于一个阶段。",
                )
            adjoins = before is not None and phase.first_delivery == before.last_delivery + timedelta(days=1)
            if before is not None and adjoins and before.banks_into_next:
                runs[-1].append(phase)
            else:
                runs.append([phase])
            before = phase
    return runs


def _curve(
    group: Sequence[Phase],
    listed: Sequence[FuturesQuote],
    *,
    valuation_date: date,
    flat_carry_days: int,
    calendar_known_until: date | None,
) -> FuturesCurve:
    for before, after in pairwise(listed):
        if after.delivery_date <= before.delivery_date:
            why = "stands twice" if after.delivery_date == before.delivery_date else f"comes after {before.name}"
            raise _refused(after, "delivery_date", why, "交割日重复或未按升序排列")
        if after.currency is not before.currency:
            raise _refused(
                after, "currency", f"is in {after.currency}, {before.name} in {before.currency}", "币种不一致"
            )
    # One price alone has no carry: it speaks for its own delivery and no other.
    reach = timedelta(days=flat_carry_days if len(listed) > 1 else 0)
    horizon = min(listed[-1].delivery_date + reach, group[-1].last_delivery)
    first_day = max(listed[0].delivery_date - reach, group[0].first_delivery, valuation_date)
    return FuturesCurve(
        scheme=group[0].scheme,
        phases=tuple(phase.name for phase in group),
        vintage=listed[0].vintage,
        currency=listed[0].currency,
        valuation_date=valuation_date,
        node_serials=tuple(serials_of([quote.delivery_date for quote in listed]).tolist()),
        log_prices=tuple(float(np.log(to_float(quote.price_per_t))) for quote in listed),
        first_day=first_day,
        horizon=horizon,
        calendar_known_until=calendar_known_until,
    )


def _check(quote: FuturesQuote, *, valuation_date: date, stale_after_days: int) -> None:
    if not quote.price_per_t.is_finite() or quote.price_per_t <= 0:
        raise _refused(quote, "price_per_t", f"has the price {quote.price_per_t}", "价格必须为正数")
    if quote.quote_date > valuation_date:
        raise _refused(quote, "quote_date", f"is of {quote.quote_date}, after {valuation_date}", "报价晚于估值日")
    if (valuation_date - quote.quote_date).days > stale_after_days:
        raise _refused(
            quote, "quote_date", f"is of {quote.quote_date}, older than {stale_after_days} days", "报价已过期"
        )
    if quote.delivery_date < valuation_date:
        raise _refused(quote, "delivery_date", f"delivers before {valuation_date}", "交割日早于估值日")


def _check_against_median(listed: Sequence[FuturesQuote], *, price_ratio_max: Decimal) -> None:
    middle = median(quote.price_per_t for quote in listed)
    for quote in listed:
        if max(quote.price_per_t / middle, middle / quote.price_per_t) > price_ratio_max:
            raise _refused(
                quote,
                "price_per_t",
                f"stands at {quote.price_per_t}, the median of its curve at {middle}",
                f"价格 {quote.price_per_t} 与曲线中位数 {middle} 不相称",
            )


def _check_all_placed(quotes: Sequence[FuturesQuote], phases: Sequence[Phase]) -> None:
    for quote in quotes:
        if not any(
            phase.scheme is quote.scheme and phase.first_delivery <= quote.delivery_date <= phase.last_delivery
            for phase in phases
        ):
            raise _refused(quote, "delivery_date", "belongs to no phase", "交割日不属于任何阶段")


def _refused(quote: FuturesQuote, field: str, why: str, zh: str) -> InvalidInput:
    return InvalidInput(
        f"{quote.name} {why}",
        zh=f"{quote.name}：{zh}",
        field=field,
        remedy="Correct the price against the venue's publication, or leave it out.",
        remedy_zh="请对照交易所公布的价格更正，或剔除该报价。",
    )
