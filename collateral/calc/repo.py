"""Repo (回购): its terms, what may be lent at the start, and the repurchase price."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency, cny
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import ADDED_LATER, DecisionKind
from carbonfin.rules.trace import Figure
from collateral.calc.book_limits import BookFindings, BookLimits, book_findings
from collateral.calc.cash_margin import MarginAccount, MarginStep
from collateral.calc.coverage import PledgedLine, PriceUsed
from collateral.calc.figures import FigureList
from collateral.calc.haircuts import Haircut, whole_haircut_figure
from collateral.calc.price_ages import price_refusals
from collateral.calc.refusals import Refusal
from collateral.calc.repo_accrual import RateStep, accrued_over_rates
from collateral.calc.repo_ratios import lendable_amount, lendable_cny
from collateral.calc.schedule_verdicts import ScheduledUnits, schedule_refusals
from collateral.calc.surrender import VintageUse


class ExposureMethod(StrEnum):
    """GMRA 2011 transaction exposure: A by margin ratio, B by haircut."""

    A = "A"
    B = "B"


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoTerms:
    """What seller and buyer agreed; cash amounts in `currency`.

    Attributes:
        rate: The pricing rate from the purchase date on.
        later_rates: Pricing rates that were agreed on the way, each from its day on, in order.
        agreed_haircut_ratio: The haircut of the contract; None where the bank's own dated one counts.
        margin_rate: What cash margin earns by the contract; None where nothing was agreed, and then it earns nothing.
    """

    code: str
    unit: Unit
    quantity_t: int
    purchase_date: date
    repurchase_date: date
    currency: Currency
    purchase_price_amount: Decimal
    rate: Decimal
    basis: DayCount
    method: ExposureMethod
    minimum_transfer_amount: Decimal
    later_rates: tuple[RateStep, ...] | None = field(default=None, metadata=ADDED_LATER)
    agreed_haircut_ratio: Decimal | None = field(default=None, metadata=ADDED_LATER)
    margin_rate: Decimal | None = field(default=None, metadata=ADDED_LATER)

    def __post_init__(self) -> None:
        """Refuse terms that cannot be."""
        if self.quantity_t <= 0 or self.purchase_price_amount <= 0 or self.minimum_transfer_amount < 0:
            raise InvalidInput(
                f"repo {self.code}: amounts must be positive", zh="回购数量与金额须为正数", field="quantity_t"
            )
        if self.repurchase_date <= self.purchase_date:
            raise InvalidInput(
                f"repo {self.code} ends {self.repurchase_date}, not after {self.purchase_date}",
                zh="购回日须晚于首期交易日",
                field="repurchase_date",
            )
        if self.margin_rate is not None and abs(self.margin_rate) >= 1:
            raise InvalidInput(
                f"repo {self.code}: a rate of {self.margin_rate} on margin cash is not believable",
                zh=f"现金保证金利率 {self.margin_rate} 超出合理范围", field="margin_rate",
                remedy="Give it as a decimal: 0.02 for 2 %.", remedy_zh="请以小数填写，如 2% 填 0.02。",
            )  # fmt: skip

    def haircut_used(self, policy: Haircut) -> Decimal:
        """Give the haircut that counts: the agreed one, else the bank's own."""
        return policy.ratio if self.agreed_haircut_ratio is None else self.agreed_haircut_ratio

    @property
    def rates(self) -> tuple[RateStep, ...]:
        """Every pricing rate with the day from which it counts."""
        return (RateStep(start=self.purchase_date, rate=self.rate), *(self.later_rates or ()))

    def margin_account(self, steps: tuple[MarginStep, ...] | None) -> MarginAccount | None:
        """Give the account its cash margin earns interest on; None where no rate was agreed or nothing was held."""
        if self.margin_rate is None or not steps:
            return None
        return MarginAccount(currency=self.currency, rate=self.margin_rate, basis=self.basis, steps=steps)

    def accrued(self, day: date) -> Decimal:
        """Give what the purchase price has grown to by a day: PP (1 + sum of r_i d_i / basis), half up once."""
        return accrued_over_rates(
            purchase_price=self.purchase_price_amount, steps=self.rates, basis=self.basis,
            start=self.purchase_date, end=day,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class FxUsed:
    """How much CNY one unit of the cash currency is worth, and where that was read."""

    cny_per_unit: Decimal
    quote_date: date
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoStartInputs:
    """Everything the start of a repo hangs on.

    Attributes:
        stale_after: Trading days after which the unit's price is too old, empty where the bank has no limit; None in
            decisions made before it was asked.
        use: How long the unit may be used; None in decisions made before it was asked.
    """

    terms: RepoTerms
    price: PriceUsed
    haircut: Haircut
    fx: FxUsed
    schedules: ScheduledUnits | None = field(default=None, metadata=ADDED_LATER)
    book: BookLimits | None = field(default=None, metadata=ADDED_LATER)
    stale_after: tuple[tuple[Scheme, ParameterValue], ...] | None = field(default=None, metadata=ADDED_LATER)
    use: VintageUse | None = field(default=None, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoStartOutcome:
    """What may be lent and is due, and each reason against the units: price too old, their end, schedules, limits."""

    market_value_cny: Decimal
    haircut_ratio: Decimal
    lendable_cny: Decimal
    lendable_amount: Decimal
    repurchase_price_amount: Decimal
    is_within_lendable: bool
    trace: tuple[Figure, ...]
    refusals: tuple[Refusal, ...] | None = field(default=None, metadata=ADDED_LATER)
    book: BookFindings | None = field(default=None, metadata=ADDED_LATER)


def decide_repo_start(inputs: RepoStartInputs) -> RepoStartOutcome:
    """Strike the lendable cash and the repurchase price of a repo."""
    figures, terms = FigureList(), inputs.terms
    ratio = terms.haircut_used(inputs.haircut)
    market, haircut_names = market_figures(terms, inputs.price, inputs.haircut, figures)
    market_value_cny = cny(terms.quantity_t * inputs.price.price_cny_per_t)
    limit_cny = lendable_cny(market_value_cny, ratio)
    limit = figures.result(
        "lendable_cny", ("可融资金额（元）", "Lendable"), limit_cny, "CNY", "MV·(1−H), rounded down",
        inputs=(market, *haircut_names),
    )  # fmt: skip
    fx = fx_figure(terms, inputs.fx, figures)
    limit_amount = lendable_amount(market_value_cny, haircut_ratio=ratio, cny_per_unit=inputs.fx.cny_per_unit)
    figures.result(
        "lendable_amount", (f"可融资金额（{terms.currency}）", f"Lendable in {terms.currency}"), limit_amount,
        terms.currency, "lendable / FX, rounded down", inputs=(limit, fx),
    )  # fmt: skip
    price = terms_figures(terms, figures)
    due = terms.accrued(terms.repurchase_date)
    figures.result(
        "repurchase_price", ("购回价", "Repurchase price"), due, terms.currency, "PP·(1 + r·d/basis)", inputs=price
    )
    values = {terms.unit: market_value_cny}
    made_of = ("quantity", "price")
    book = book_findings(inputs.book, before={}, after=values, figures=figures, made_of=made_of, asked="this repo")
    listed = schedule_refusals(inputs.schedules, {terms.unit: ratio}, on=terms.purchase_date)
    return RepoStartOutcome(
        market_value_cny=market_value_cny, haircut_ratio=ratio, lendable_cny=limit_cny,
        lendable_amount=limit_amount, repurchase_price_amount=due,
        is_within_lendable=terms.purchase_price_amount <= limit_amount, trace=figures.trace(),
        refusals=(*_day_refusals(inputs, figures), *listed, *(book.refusals if book else ())) or None, book=book,
    )  # fmt: skip


def _day_refusals(inputs: RepoStartInputs, figures: FigureList) -> list[Refusal]:
    """Refuse a price that is too old, and units that can no longer be used when they are to be bought back."""
    terms, found = inputs.terms, []
    if inputs.stale_after is not None:
        line = PledgedLine(unit=terms.unit, quantity_t=terms.quantity_t, price=inputs.price, haircut=inputs.haircut)
        found += price_refusals(
            (line,), dict(inputs.stale_after), figures, valuation_date=terms.purchase_date,
            again=("重新提交", "propose it again"),
        )  # fmt: skip
    last = None if inputs.use is None else inputs.use.last_usable
    if last is not None:
        figures.parameter(f"last_usable_{terms.unit}", last)
        if last.day < terms.repurchase_date:
            found.append(
                Refusal(
                    code="vintage-ends-first",
                    detail=f"{terms.unit} is last usable on {last.day}, the repurchase is on {terms.repurchase_date}",
                    zh=f"{terms.unit} 最后可用日为 {last.day}，早于购回日 {terms.repurchase_date}，购回时已无价值",
                )
            )
    return found


def market_figures(
    terms: RepoTerms, price: PriceUsed, haircut: Haircut, figures: FigureList, *, margin_t: int = 0
) -> tuple[str, tuple[str, ...]]:
    """Put market value, margin units included, and haircut into the trace, and give their names."""
    quantity_t = terms.quantity_t + margin_t
    quantity = figures.fact(
        "quantity", (f"{terms.unit} 数量", f"{terms.unit} quantity"), quantity_t, "t", f"回购 {terms.code}"
    )
    used = figures.fact(
        "price", (f"{terms.unit} 估值价格", f"{terms.unit} price"), price.price_cny_per_t, "CNY/t",
        f"{price.source} {price.price_date}", note_zh=price.note_zh, note_en=price.note_en,
    )  # fmt: skip
    used_haircut = haircut_figures(terms, haircut, figures)
    market = figures.result(
        "market_value",
        ("市值", "Market value"),
        cny(quantity_t * price.price_cny_per_t),
        "CNY",
        "q·p",
        inputs=(quantity, used),
    )
    return market, (used_haircut,)


def haircut_figures(terms: RepoTerms, haircut: Haircut, figures: FigureList) -> str:
    """Put the bank's haircut into the trace, and the agreed one beside it; give the name of the one that counts."""
    name = whole_haircut_figure(haircut, terms.unit, figures)
    if terms.agreed_haircut_ratio is None:
        return name
    label = ("约定折扣系数", "Agreed haircut")
    return figures.fact("agreed_haircut", label, terms.agreed_haircut_ratio, "ratio", f"回购 {terms.code}")


def fx_figure(terms: RepoTerms, fx: FxUsed, figures: FigureList) -> str:
    """Put the rate of the cash currency into the trace, and give its name."""
    return figures.fact(
        "fx",
        (f"1 {terms.currency} 折合人民币", f"CNY per {terms.currency}"),
        fx.cny_per_unit,
        "CNY",
        f"{fx.source} {fx.quote_date}",
    )


def terms_figures(terms: RepoTerms, figures: FigureList) -> tuple[str, ...]:
    """Put what the cash grows by into the trace, and give the names."""
    source = f"回购 {terms.code}"
    return (
        figures.fact(
            "purchase_price", ("首期价款", "Purchase price"), terms.purchase_price_amount, terms.currency, source
        ),
        figures.fact("rate", ("回购利率", "Repo rate"), terms.rate, "rate", source),
        *(
            figures.fact(
                f"rate_{place}",
                (f"自 {step.start} 起的回购利率", f"Repo rate from {step.start}"),
                step.rate,
                "rate",
                source,
            )
            for place, step in enumerate(terms.later_rates or (), 2)
        ),
        figures.fact("basis", ("计息基准", "Day count"), terms.basis, "code", source),
        figures.fact("purchase_date", ("首期交易日", "Purchase date"), terms.purchase_date, "date", source),
        figures.fact("repurchase_date", ("购回日", "Repurchase date"), terms.repurchase_date, "date", source),
    )


REPO_START = DecisionKind(
    name="collateral.repo_start", version="1", inputs=RepoStartInputs, outputs=RepoStartOutcome,
    decide=decide_repo_start,
)  # fmt: skip
