"""The trace of an option: its terms, its point of the market, d1 and d2, its value, and how it moves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carbonfin.kernel.allowances import Unit
from carbonfin.rules.trace import Figure
from pricing.calc.option_market import OptionPoint
from pricing.calc.options.kinds import ExerciseStyle, OptionType
from pricing.calc.positions import LineValue, OptionFigures, PortfolioLine

PRESENT_VALUE = "present_value_cny"
SENSITIVITIES: tuple[tuple[str, str, str, str, str], ...] = (
    ("delta_t", "Delta（等价吨数）", "delta in tonnes", "t", "dV/dF * quantity_t"),
    ("gamma_t", "Gamma（期货价每变动 1 的 Delta 变化）", "gamma", "t", "d2V/dF2 * quantity_t"),
    ("vega_cny", "Vega（波动率每 1 个百分点）", "vega for a point", "CNY", "dV/dsigma * 0.01 * quantity_t * cny"),
    ("theta_cny", "Theta（每过 1 日）", "theta for a day", "CNY", "dV/dt / 365 * quantity_t * cny"),
    ("rho_cny", "Rho（利率每 1 基点）", "rho for a basis point", "CNY", "dV/dr * 0.0001 * quantity_t * cny"),
)
"""Name, labels, unit and formula of each sensitivity of a line; a bucket's is their sum."""
TYPE_LABELS = {OptionType.CALL: ("看涨", "call"), OptionType.PUT: ("看跌", "put")}
STYLE_LABELS = {
    ExerciseStyle.EUROPEAN: ("欧式", "European"), ExerciseStyle.AMERICAN: ("美式", "American"),
    ExerciseStyle.AVERAGE_PRICE: ("平均价", "average price"),
}  # fmt: skip


def option_figure(line_id: str, name: str) -> str:
    """Give the name of a figure of an option's line."""
    return f"line.{line_id}.{name}"


@dataclass(frozen=True, slots=True)
class _Line:
    """Makes the figures of one line."""

    line_id: str
    source: str

    def given(
        self, name: str, labels: tuple[str, str], value: str, *, unit: str, source: str = "", confirmed: bool = True
    ) -> Figure:
        return Figure(
            name=option_figure(self.line_id, name), label_zh=f"{self.line_id} {labels[0]}",
            label_en=f"{self.line_id} {labels[1]}", value=value, unit=unit, source=source or self.source,
            confirmed=confirmed,
        )  # fmt: skip

    def made(
        self, name: str, labels: tuple[str, str], value: Decimal, *, unit: str, formula: str, inputs: Sequence[Figure]
    ) -> Figure:
        return Figure(
            name=option_figure(self.line_id, name), label_zh=f"{self.line_id} {labels[0]}",
            label_en=f"{self.line_id} {labels[1]}", value=format(value, "f"), unit=unit, formula=formula,
            inputs=tuple(one.name for one in inputs),
        )  # fmt: skip


def option_figures(
    line: PortfolioLine, point: OptionPoint, option: OptionFigures, present_value_cny: Decimal
) -> tuple[Figure, ...]:
    """Give the figures of an option's line, its value last."""
    made = _Line(line.line_id, f"持仓 {line.line_id} {line.label}".strip())
    terms = _terms(made, line, option)
    quantity, strike, expiry, delivery, _ = terms
    market = _market(made, point, option, (strike, expiry, delivery))
    forward, volatility, years, discount, fx = (
        next(one for one in market if one.name.endswith(f".{name}"))
        for name in ("forward_per_t", "volatility", "years", "discount_factor", "cny_per_unit")
    )
    d1 = made.made(
        "d1", ("d1", "d1"), option.d1, unit="", inputs=(forward, strike, volatility, years),
        formula="ln(forward / strike) / (volatility * sqrt(years)) + volatility * sqrt(years) / 2",
    )  # fmt: skip
    d2 = made.made(
        "d2", ("d2", "d2"), option.d2, unit="", inputs=(d1, volatility, years),
        formula="d1 - volatility * sqrt(years)",
    )  # fmt: skip
    is_european = option.style is ExerciseStyle.EUROPEAN
    fixings = _fixings(made, line, option)
    value = made.made(
        "value_per_t", ("每吨价值", "value of a tonne"), option.value_per_t, unit=f"{option.currency}/t",
        inputs=(
            (forward, strike, discount, d1, d2)
            if is_european
            else (forward, strike, discount, volatility, years, *fixings)
        ),
        formula=_FORMULAS[option.style],
    )  # fmt: skip
    in_cny = made.made(
        "value_cny_per_t", ("每吨价值（元）", "value of a tonne in CNY"),
        value=Decimal(value.value) * point.cny_per_unit, unit="CNY/t", inputs=(value, fx),
        formula="value_per_t * cny_per_unit",
    )  # fmt: skip
    moves = [
        made.made(
            name, (zh, en), getattr(option, name), unit=unit, formula=formula,
            inputs=(d1, discount, quantity, fx) if is_european else (value, quantity, fx),
        )
        for name, zh, en, unit, formula in SENSITIVITIES
    ]  # fmt: skip
    present = made.made(
        PRESENT_VALUE, ("现值", "present value"), present_value_cny, unit="CNY", inputs=(value, fx, quantity),
        formula="round_half_up(value_per_t * cny_per_unit * quantity_t, 2), unrounded inside",
    )  # fmt: skip
    return (*terms, *market, *fixings, d1, d2, value, in_cny, *moves, present)


_FORMULAS = {
    ExerciseStyle.EUROPEAN: "discount_factor * w * (forward * Phi(w * d1) - strike * Phi(w * d2)), w = 1 call, -1 put",
    ExerciseStyle.AMERICAN: "early exercise boundary of Andersen, Lake and Offengenden (QuantLib)",
    ExerciseStyle.AVERAGE_PRICE: "Curran's lower bound and the average's variance given its geometric mean; what is "
    "fixed lowers the strike",
}


def _fixings(made: _Line, line: PortfolioLine, option: OptionFigures) -> tuple[Figure, ...]:
    """Give the averaging days of an average-price option and what is fixed of them; nothing for others."""
    averaging = line.averaging
    if averaging is None:
        return ()
    days = made.given(
        "averaging_days", ("取价日数", "averaging days"), str(len(averaging.dates)), unit="days",
        source=f"{made.source}：{' '.join(map(str, averaging.dates))}",
    )  # fmt: skip
    count = made.given("fixed_count", ("已定价日数", "days fixed"), str(averaging.fixed_count), unit="days")
    if averaging.fixed_average_per_t is None:
        return days, count
    average = made.given(
        "fixed_average_per_t", ("已定价均价", "average of the days fixed"),
        format(averaging.fixed_average_per_t, "f"), unit=f"{option.currency}/t",
    )  # fmt: skip
    return days, count, average


def _terms(made: _Line, line: PortfolioLine, option: OptionFigures) -> tuple[Figure, Figure, Figure, Figure, Figure]:
    (zh, en), (style_zh, style_en) = TYPE_LABELS[option.option_type], STYLE_LABELS[option.style]
    return (
        made.given("quantity_t", ("数量", "quantity"), str(line.quantity_t), unit="t"),
        made.given("strike_per_t", ("行权价", "strike"), format(option.strike_per_t, "f"), unit=f"{option.currency}/t"),
        made.given("expiry_date", ("到期日", "expiry"), option.expiry_date.isoformat(), unit="date"),
        made.given("delivery_date", ("标的交割日", "delivery"), option.delivery_date.isoformat(), unit="date"),
        made.given("option_kind", ("期权类型", "option"), f"{style_zh}{zh} {style_en} {en}", unit="code"),
    )


def _market(
    made: _Line, point: OptionPoint, option: OptionFigures, terms: tuple[Figure, Figure, Figure]
) -> tuple[Figure, ...]:
    strike, expiry, delivery = terms
    sources = "、".join(point.sources)
    nodes = tuple(
        made.given(
            f"quote.{node.point}", (f"波动率报价 {node.point}", f"quoted volatility {node.point}"),
            format(node.volatility.normalize(), "f"), unit="ratio", source=node.source, confirmed=not point.is_sample,
        )
        for node in point.nodes
    )  # fmt: skip
    forward = made.made(
        "forward_per_t", ("标的期货价", "price of the future"), option.forward_per_t, unit=f"{option.currency}/t",
        inputs=(delivery,), formula=f"futures curve {point.surface} at delivery_date ({sources})",
    )  # fmt: skip
    years = made.made(
        "years", ("剩余年数", "years to expiry"), option.years, unit="years", inputs=(expiry,),
        formula="(expiry_date - valuation_date) / 365",
    )  # fmt: skip
    volatility = made.made(
        "volatility", ("波动率", "volatility"), option.volatility, unit="ratio",
        inputs=(*nodes, strike, expiry, forward),
        formula=f"surface {point.surface} of {point.quote_date}: total variance bilinear in time and strike",
    )  # fmt: skip
    discount = made.made(
        "discount_factor", ("贴现因子", "discount factor"), option.discount_factor, unit="ratio", inputs=(expiry,),
        formula=f"discount curve {option.currency} at expiry_date",
    )  # fmt: skip
    fx = made.given(
        "cny_per_unit", ("汇率", "exchange rate"), format(point.cny_per_unit, "f"), unit=f"CNY/{option.currency}",
        source=point.fx_source or "人民币计价", confirmed=not (point.is_sample and point.fx_source),
    )  # fmt: skip
    return (*nodes, forward, years, volatility, discount, fx)


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionBucket:
    """The sensitivities of a book's options by underlying and expiry: sums of its lines."""

    unit: Unit
    expiry_date: date
    line_ids: tuple[str, ...]
    delta_t: Decimal
    gamma_t: Decimal
    vega_cny: Decimal
    theta_cny: Decimal
    rho_cny: Decimal

    @property
    def name(self) -> str:
        """What its figures are called by in the trace."""
        return f"bucket.{self.unit}.{self.expiry_date}"


def option_buckets(values: Sequence[LineValue]) -> tuple[OptionBucket, ...]:
    """Sum the sensitivities of options by underlying and expiry, in this order."""
    groups: dict[tuple[str, date], list[tuple[LineValue, OptionFigures]]] = {}
    for value in values:
        if value.option is not None:
            groups.setdefault((str(value.unit), value.option.expiry_date), []).append((value, value.option))

    def total(group: list[tuple[LineValue, OptionFigures]], of: Callable[[OptionFigures], Decimal]) -> Decimal:
        return sum((of(option) for _, option in group), Decimal(0))

    return tuple(
        OptionBucket(
            unit=group[0][0].unit,
            expiry_date=expiry,
            line_ids=tuple(value.line_id for value, _ in group),
            delta_t=total(group, lambda one: one.delta_t),
            gamma_t=total(group, lambda one: one.gamma_t),
            vega_cny=total(group, lambda one: one.vega_cny),
            theta_cny=total(group, lambda one: one.theta_cny),
            rho_cny=total(group, lambda one: one.rho_cny),
        )
        for (_, expiry), group in sorted(groups.items())
    )


def bucket_figures(buckets: Sequence[OptionBucket]) -> list[Figure]:
    """Give the figures of sensitivities by bucket, each the sum of its lines'."""
    return [
        Figure(
            name=f"{bucket.name}.{name}", label_zh=f"{bucket.unit} {bucket.expiry_date} {zh}",
            label_en=f"{bucket.unit} {bucket.expiry_date} {en}", value=format(getattr(bucket, name), "f"), unit=unit,
            formula="sum of lines", inputs=tuple(option_figure(line_id, name) for line_id in bucket.line_ids),
        )
        for bucket in buckets
        for name, zh, en, unit, _ in SENSITIVITIES
    ]  # fmt: skip
