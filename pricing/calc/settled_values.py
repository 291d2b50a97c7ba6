"""What is said of a futures-style contract after a settlement: its prices, the day's margin, its limits."""

from dataclasses import dataclass, replace
from decimal import Decimal

from carbonfin.kernel.units import round_half_up
from carbonfin.rules.trace import Figure
from pricing.calc import traces
from pricing.calc.futures_market import SettledContract, SettledPrice
from pricing.calc.lines import LineMarket, micro_of
from pricing.calc.liquidity import PriceFlag
from pricing.calc.positions import LISTED_FUTURE_LABELS, FuturesFigures, LineValue, PortfolioLine
from pricing.calc.settled_limits import position_figures, position_notes
from pricing.calc.tradability import label_notes

_MICRO_PLACES, _SHOWN_PLACES = 6, 4
_NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementStep:
    """The settlement price of a day and the price before it, in the currency of the contract.

    Attributes:
        before_per_t: The last settlement price before, or the price traded that day.
        contract: What a contract settled in a foreign currency rests on; None for one settled in 元.
    """

    line: PortfolioLine
    settled: SettledPrice
    before_per_t: Decimal
    before_source: str
    contract: SettledContract | None

    @property
    def cny_per_unit(self) -> Decimal:
        """元 for one unit of the contract's currency."""
        return Decimal(1) if self.contract is None else self.contract.cny_per_unit

    @property
    def price_cny_per_t(self) -> Decimal:
        """The settlement price in 元: as settled, or at the exchange rate to four places."""
        if self.contract is None:
            return self.settled.price_per_t
        return round_half_up(self.settled.price_per_t * self.cny_per_unit, _SHOWN_PLACES)

    @property
    def micro_cny_per_t(self) -> int:
        """The day's move in whole millionths of a yuan per tonne, of a contract settled in 元."""
        return micro_of(self.settled.price_per_t) - micro_of(self.before_per_t)

    @property
    def foreign_move(self) -> tuple[int, int]:
        """The day's move times the exchange rate as a whole number and the number of its decimal places."""
        micro = micro_of(self.settled.price_per_t) - micro_of(self.before_per_t)
        rate = self.cny_per_unit.normalize()
        exponent = rate.as_tuple().exponent
        assert isinstance(exponent, int), "an exchange rate is finite"
        places = max(0, -exponent)
        return micro * int(rate.scaleb(places)), _MICRO_PLACES + places


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledWorth:
    """What a settlement came to for one line.

    Attributes:
        net_t: Net tonnes of the contract over the lines valued together, by which its position limit is watched.
    """

    step: SettlementStep
    margin_cny: Decimal
    price_cny_per_t: Decimal
    level: int
    is_sample: bool
    net_t: int


def futures_value(market: LineMarket, worth: SettledWorth) -> LineValue:
    """Give all that is said of a futures-style contract."""
    step, line = worth.step, worth.step.line
    tradable_zh, tradable_en = label_notes(market.snapshot, line)
    notes = [*_settled_notes(step), *position_notes(market.snapshot, line, worth.net_t)]
    sample = [("示例结算价", "sample settlement price")] if worth.is_sample else []
    return LineValue(
        line_id=line.line_id,
        label=line.label,
        kind=line.kind,
        unit=line.unit,
        quantity_t=line.quantity_t,
        price_cny_per_t=worth.price_cny_per_t,
        price_date=step.settled.settlement_date,
        price_source=f"{step.settled.document} 结算价",
        staleness_days=0,
        level=worth.level,
        is_sample=worth.is_sample,
        flags=(PriceFlag.SAMPLE,) if worth.is_sample else (),
        present_value_cny=_NOTHING,
        variation_margin_cny=worth.margin_cny,
        notes_zh=(*tradable_zh, *(zh for zh, _ in notes), *(zh for zh, _ in sample)),
        notes_en=(*tradable_en, *(en for _, en in notes), *(en for _, en in sample)),
        figure=traces.value_name(line),
        snapshot_digest=market.digest,
        futures=None if step.contract is None else _figures(step, step.contract),
    )


def _settled_notes(step: SettlementStep) -> list[tuple[str, str]]:
    """Say that the position is worth nothing after the margin; of a foreign contract in which currency that is."""
    if step.contract is None:
        return [
            ("合成合约：当日盈亏以变动保证金结清，结算后价值为零", "synthetic: worth nothing after the day's margin")
        ]
    currency, source = step.contract.terms.currency, step.contract.fx_source
    return [
        (
            f"按日结算：当日盈亏以 {currency} 变动保证金结清，结算后价值为零；按 {source} 汇率折算",
            f"settled daily in {currency}, worth nothing after the day's margin; converted at {source}",
        )
    ]


def _figures(step: SettlementStep, contract: SettledContract) -> FuturesFigures:
    move = step.settled.price_per_t - step.before_per_t
    return FuturesFigures(
        contract_code=contract.terms.contract_code,
        currency=contract.terms.currency,
        settlement_per_t=step.settled.price_per_t,
        before_per_t=step.before_per_t,
        variation_margin=round_half_up(move * step.line.quantity_t, 2) + _NOTHING,
        cny_per_unit=contract.cny_per_unit,
    )


def futures_figures(market: LineMarket, worth: SettledWorth) -> tuple[Figure, ...]:
    """Give quantity, both settlement prices and the day's margin of a futures-style contract, its margin last."""
    step, line = worth.step, worth.step.line
    watched = position_figures(market.snapshot, line, worth.net_t)
    if step.contract is None:
        return *watched, *_own_figures(step, worth)
    return *watched, *_foreign_figures(step, step.contract, worth)


def _own_figures(step: SettlementStep, worth: SettledWorth) -> tuple[Figure, ...]:
    line = step.line
    quantity = traces.quantity_figure(line)
    now = _settlement_figure(line, "settlement_cny_per_t", step.settled, unit="CNY/t")
    before = replace(
        traces.entered(
            line, "before_cny_per_t", ("前一结算价", "price before"), format(step.before_per_t, "f"), unit="CNY/t"
        ),
        source=step.before_source,
        confirmed=not step.settled.is_sample,
    )
    value = traces.computed(
        line, traces.VARIATION_MARGIN, ("当日变动保证金", "variation margin"), worth.margin_cny, unit="CNY",
        formula="round_half_up((settlement - before) * quantity_t, 2)", inputs=(quantity.name, now.name, before.name),
    )  # fmt: skip
    return quantity, now, before, value


def _foreign_figures(step: SettlementStep, contract: SettledContract, worth: SettledWorth) -> tuple[Figure, ...]:
    line, currency = step.line, contract.terms.currency
    quantity = traces.quantity_figure(line)
    now = _settlement_figure(line, "settlement_per_t", step.settled, unit=f"{currency}/t")
    before = replace(
        traces.entered(
            line, "before_per_t", ("前一结算价", "price before"), format(step.before_per_t, "f"), unit=f"{currency}/t"
        ),
        source=step.before_source,
        confirmed=not step.settled.is_sample,
    )
    rate = replace(
        traces.entered(
            line, "cny_per_unit", ("汇率", "exchange rate"), format(contract.cny_per_unit, "f"), unit=f"CNY/{currency}"
        ),
        source=contract.fx_source,
        confirmed=not contract.is_fx_sample,
    )
    shown = traces.computed(
        line, "settlement_cny_per_t", ("当日结算价（元）", "settlement price in CNY"), worth.price_cny_per_t,
        unit="CNY/t", formula="round_half_up(settlement_per_t * cny_per_unit, 4)", inputs=(now.name, rate.name),
    )  # fmt: skip
    own = traces.computed(
        line, "variation_margin", ("当日变动保证金（原币）", "variation margin in its currency"),
        _figures(step, contract).variation_margin, unit=currency,
        formula="round_half_up((settlement - before) * quantity_t, 2)", inputs=(quantity.name, now.name, before.name),
    )  # fmt: skip
    value = traces.computed(
        line, traces.VARIATION_MARGIN, ("当日变动保证金", "variation margin"), worth.margin_cny, unit="CNY",
        formula="round_half_up(variation_margin * cny_per_unit, 2), unrounded inside",
        inputs=(own.name, rate.name),
    )  # fmt: skip
    zh, en = LISTED_FUTURE_LABELS
    computed = (replace(one, note_zh=zh, note_en=en) for one in (shown, own, value))
    return quantity, now, before, rate, *computed


def _settlement_figure(line: PortfolioLine, name: str, settled: SettledPrice, *, unit: str) -> Figure:
    return replace(
        traces.entered(line, name, ("当日结算价", "settlement price"), format(settled.price_per_t, "f"), unit=unit),
        source=f"{settled.document} {settled.settlement_date}",
        confirmed=not settled.is_sample,
        note_zh="示例" if settled.is_sample else "",
        note_en="sample" if settled.is_sample else "",
    )
