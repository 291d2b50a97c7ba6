"""Repo (回购): repurchase price, exposure by methods A and B, and the margin that meets it."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import DayCount, days_between
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency, cny, round_half_up, round_up
from carbonfin.rules.record import ADDED_LATER, DecisionKind
from carbonfin.rules.trace import Figure
from collateral.calc.book_limits import BookFindings, BookLimits, book_findings
from collateral.calc.cash_margin import MarginAccount, MarginStep, margin_figures, margin_return
from collateral.calc.coverage import PriceUsed
from collateral.calc.figures import FigureList
from collateral.calc.haircuts import Haircut, whole_haircut_figure
from collateral.calc.refusals import Refusal
from collateral.calc.repo_accrual import RateStep, accrued_over_rates
from collateral.calc.repo_ratios import exposure_method_a, exposure_method_b, lendable_amount, lendable_cny
from collateral.calc.schedule_verdicts import ScheduledUnits, schedule_refusals


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
    """Everything the start of a repo hangs on."""

    terms: RepoTerms
    price: PriceUsed
    haircut: Haircut
    fx: FxUsed
    schedules: ScheduledUnits | None = field(default=None, metadata=ADDED_LATER)
    book: BookLimits | None = field(default=None, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoStartOutcome:
    """What may be lent and is due, what the bank's schedules have against the units, and what limits say of them."""

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
    market, haircut_names = _market_figures(terms, inputs.price, inputs.haircut, figures)
    market_value_cny = cny(terms.quantity_t * inputs.price.price_cny_per_t)
    limit_cny = lendable_cny(market_value_cny, ratio)
    limit = figures.result(
        "lendable_cny", ("可融资金额（元）", "Lendable"), limit_cny, "CNY", "MV·(1−H), rounded down",
        inputs=(market, *haircut_names),
    )  # fmt: skip
    fx = _fx_figure(terms, inputs.fx, figures)
    limit_amount = lendable_amount(market_value_cny, haircut_ratio=ratio, cny_per_unit=inputs.fx.cny_per_unit)
    figures.result(
        "lendable_amount", (f"可融资金额（{terms.currency}）", f"Lendable in {terms.currency}"), limit_amount,
        terms.currency, "lendable / FX, rounded down", inputs=(limit, fx),
    )  # fmt: skip
    price = _terms_figures(terms, figures)
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
        refusals=(*listed, *(book.refusals if book else ())) or None, book=book,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoExposureInputs:
    """Everything the exposure of a repo on one day hangs on; margin held counts for the buyer.

    Attributes:
        margin_steps: How the cash margin came about by day, which its interest hangs on.
        returns_margin: Whether cash margin that is needed no more goes back; decisions of before did not look at it.
    """

    terms: RepoTerms
    valuation_date: date
    price: PriceUsed
    haircut: Haircut
    fx: FxUsed
    margin_units_t: int
    margin_cash_amount: Decimal
    margin_steps: tuple[MarginStep, ...] | None = field(default=None, metadata=ADDED_LATER)
    returns_margin: bool | None = field(default=None, metadata=ADDED_LATER)

    @property
    def margin_held_amount(self) -> Decimal:
        """Cash margin held on the day, with the interest it earned."""
        account = self.terms.margin_account(self.margin_steps)
        return self.margin_cash_amount + (Decimal(0) if account is None else account.interest(self.valuation_date))


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoExposureOutcome:
    """Exposure of the buyer by both methods; the agreed one decides the call.

    Attributes:
        margin_return_amount: Cash margin the buyer is to give back, in the cash currency; None where it holds none.
    """

    repurchase_price_amount: Decimal
    accrued_value_amount: Decimal
    accrued_value_cny: Decimal
    market_value_cny: Decimal
    haircut_ratio: Decimal
    exposure_a_cny: Decimal
    exposure_b_cny: Decimal
    exposure_cny: Decimal
    margin_call_amount: Decimal
    margin_call_units_t: int
    is_called: bool
    trace: tuple[Figure, ...]
    margin_return_amount: Decimal | None = field(default=None, metadata=ADDED_LATER)

    @property
    def is_returned(self) -> bool:
        """Whether margin goes back."""
        return bool(self.margin_return_amount)


def decide_repo_exposure(inputs: RepoExposureInputs) -> RepoExposureOutcome:
    """Strike a repo's exposure in CNY and the call: cash half up, or whole tonnes of the same unit rounded up.

    The minimum transfer is tested before rounding to tonnes; a call equal to it is made.
    """
    terms, figures = inputs.terms, FigureList()
    ratio = terms.haircut_used(inputs.haircut)
    quantity_t = terms.quantity_t + inputs.margin_units_t
    market, haircut_names = _market_figures(
        terms, inputs.price, inputs.haircut, figures, margin_t=inputs.margin_units_t
    )
    market_value_cny = cny(quantity_t * inputs.price.price_cny_per_t)
    value_amount, value_cny, value = _value_figures(inputs, figures)
    exposure_a = exposure_method_a(repurchase_value=value_cny, market_value=market_value_cny, haircut_ratio=ratio)
    exposure_b = exposure_method_b(repurchase_value=value_cny, market_value=market_value_cny, haircut_ratio=ratio)
    parts = (value, market, *haircut_names)
    figures.result(
        "exposure_a", ("敞口（方法A）", "Exposure, method A"), exposure_a, "CNY", "R/(1−H) − MV", inputs=parts
    )
    figures.result(
        "exposure_b", ("敞口（方法B）", "Exposure, method B"), exposure_b, "CNY", "R − MV·(1−H)", inputs=parts
    )
    exposure_cny = exposure_a if terms.method is ExposureMethod.A else exposure_b
    call_amount = round_half_up(max(exposure_cny, Decimal(0)) / inputs.fx.cny_per_unit)
    is_called = call_amount > 0 and call_amount >= terms.minimum_transfer_amount
    counted_ratio = 1 if terms.method is ExposureMethod.A and ratio < 1 else 1 - ratio
    worth_cny_per_t = inputs.price.price_cny_per_t * counted_ratio
    units_t = int(round_up(exposure_cny / worth_cny_per_t)) if is_called and worth_cny_per_t else 0
    _call_figures(terms, call_amount if is_called else Decimal("0.00"), units_t, haircut_names, figures)
    back_amount = None
    if inputs.returns_margin:
        back_amount = margin_return(
            exposure_cny, held_amount=inputs.margin_cash_amount, minimum_amount=terms.minimum_transfer_amount,
            # By method A a yuan of cash covers 1 / (1 - H) of exposure, so that much less goes back.
            cover_ratio=1 - ratio if terms.method is ExposureMethod.A else Decimal(1),
            cny_per_unit=inputs.fx.cny_per_unit, currency=terms.currency, exposure=f"exposure_{terms.method.lower()}",
            figures=figures,
        )  # fmt: skip
    return RepoExposureOutcome(
        repurchase_price_amount=terms.accrued(terms.repurchase_date),
        accrued_value_amount=value_amount, accrued_value_cny=value_cny, market_value_cny=market_value_cny,
        haircut_ratio=ratio, exposure_a_cny=exposure_a, exposure_b_cny=exposure_b, exposure_cny=exposure_cny,
        margin_call_amount=call_amount if is_called else Decimal("0.00"), margin_call_units_t=units_t,
        is_called=is_called, trace=figures.trace(), margin_return_amount=back_amount,
    )  # fmt: skip


def _market_figures(
    terms: RepoTerms, price: PriceUsed, haircut: Haircut, figures: FigureList, *, margin_t: int = 0
) -> tuple[str, tuple[str, ...]]:
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


def _fx_figure(terms: RepoTerms, fx: FxUsed, figures: FigureList) -> str:
    return figures.fact(
        "fx",
        (f"1 {terms.currency} 折合人民币", f"CNY per {terms.currency}"),
        fx.cny_per_unit,
        "CNY",
        f"{fx.source} {fx.quote_date}",
    )


def _terms_figures(terms: RepoTerms, figures: FigureList) -> tuple[str, ...]:
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


def _value_figures(inputs: RepoExposureInputs, figures: FigureList) -> tuple[Decimal, Decimal, str]:
    """Give what the cash has grown to less the margin held, in its currency and in CNY, and its name in the trace."""
    terms = inputs.terms
    names = _terms_figures(terms, figures)
    end = min(inputs.valuation_date, terms.repurchase_date)
    days = figures.result(
        "days",
        ("计息天数", "Days"),
        days_between(terms.basis, terms.purchase_date, end),
        "days",
        "[purchase, valuation)",
        inputs=names,
    )
    account = terms.margin_account(inputs.margin_steps)
    held_amount, cash = margin_figures(
        account, held_amount=inputs.margin_cash_amount, end=inputs.valuation_date, currency=terms.currency,
        code=terms.code, figures=figures,
    )  # fmt: skip
    value_amount = terms.accrued(end) - held_amount
    value_cny = cny(value_amount * inputs.fx.cny_per_unit)
    due = figures.result(
        "accrued_value", ("当日应计购回价值", "Accrued value"), value_amount, terms.currency,
        "PP·(1 + r·d/basis) − margin cash", inputs=(*names, days, cash),
    )  # fmt: skip
    fx = _fx_figure(terms, inputs.fx, figures)
    name = figures.result(
        "accrued_value_cny", ("折合人民币", "Accrued value in CNY"), value_cny, "CNY", "R·FX", inputs=(due, fx)
    )
    return value_amount, value_cny, name


def _call_figures(
    terms: RepoTerms, call_amount: Decimal, units_t: int, haircut_names: tuple[str, ...], figures: FigureList
) -> None:
    limit = figures.fact(
        "minimum_transfer",
        ("最低转让金额", "Minimum transfer"),
        terms.minimum_transfer_amount,
        terms.currency,
        f"回购 {terms.code}",
    )
    exposure = f"exposure_{terms.method.lower()}"
    figures.result(
        "margin_call",
        (f"追加金额（{terms.currency}）", f"Margin call in {terms.currency}"),
        call_amount,
        terms.currency,
        "exposure / FX where not below the minimum transfer",
        inputs=(exposure, "fx", limit),
    )
    figures.result(
        "margin_call_units", (f"或追加 {terms.unit}", f"or {terms.unit}"), units_t, "t",
        "exposure / (p·(1−H)), rounded up" if terms.method is ExposureMethod.B else "exposure / p, rounded up",
        inputs=(exposure, "price", *haircut_names),
    )  # fmt: skip


REPO_START = DecisionKind(
    name="collateral.repo_start", version="1", inputs=RepoStartInputs, outputs=RepoStartOutcome,
    decide=decide_repo_start,
)  # fmt: skip
REPO_EXPOSURE = DecisionKind(
    name="collateral.repo_exposure", version="1", inputs=RepoExposureInputs, outputs=RepoExposureOutcome,
    decide=decide_repo_exposure,
)  # fmt: skip
