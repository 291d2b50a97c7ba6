"""Exposure of a repo (回购敞口) by methods A and B, and the margin that meets it, by its annex where there is one."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from carbonfin.kernel.dates import days_between
from carbonfin.kernel.units import cny, round_half_up, round_up
from carbonfin.rules.record import ADDED_LATER, DecisionKind
from carbonfin.rules.trace import Figure
from collateral.calc.cash_margin import MarginStep, margin_figures, margin_return
from collateral.calc.coverage import PriceUsed
from collateral.calc.figures import FigureList
from collateral.calc.haircuts import Haircut
from collateral.calc.repo import ExposureMethod, FxUsed, RepoTerms, fx_figure, market_figures, terms_figures
from collateral.calc.repo_margin import NO_TERMS, RepoMargin, annex_figures, margin_required_cny, moved_amount
from collateral.calc.repo_ratios import exposure_method_a, exposure_method_b


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoExposureInputs:
    """Everything the exposure of a repo on one day hangs on; margin held counts for the buyer.

    Attributes:
        margin_steps: How the cash margin came about by day, which its interest hangs on.
        returns_margin: Whether cash margin that is needed no more goes back; decisions of before did not look at it.
        agreed: Margin terms of its annex; None where two people agreed none, and then every cent is called.
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
    agreed: RepoMargin | None = field(default=None, metadata=ADDED_LATER)

    @property
    def minimum_amount(self) -> Decimal:
        """The least that moves: of the annex where there is one, else of the contract."""
        if self.agreed is None:
            return self.terms.minimum_transfer_amount
        return self.agreed.terms.minimum_transfer.amount

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
    market, haircut_names = market_figures(terms, inputs.price, inputs.haircut, figures, margin_t=inputs.margin_units_t)
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
    due_cny, due = _due(inputs, exposure_cny, ratio, figures)
    call_amount = _called(inputs, due_cny)
    counted_ratio = 1 if terms.method is ExposureMethod.A and ratio < 1 else 1 - ratio
    worth_cny_per_t = inputs.price.price_cny_per_t * counted_ratio
    units_t = int(round_up(due_cny / worth_cny_per_t)) if call_amount and worth_cny_per_t else 0
    _call_figures(inputs, call_amount, units_t, haircut_names, figures, due=due)
    back_amount = _returned(inputs, due_cny, ratio, figures, due=due) if inputs.returns_margin else None
    return RepoExposureOutcome(
        repurchase_price_amount=terms.accrued(terms.repurchase_date),
        accrued_value_amount=value_amount, accrued_value_cny=value_cny, market_value_cny=market_value_cny,
        haircut_ratio=ratio, exposure_a_cny=exposure_a, exposure_b_cny=exposure_b, exposure_cny=exposure_cny,
        margin_call_amount=call_amount, margin_call_units_t=units_t, is_called=call_amount > 0,
        trace=figures.trace(), margin_return_amount=back_amount,
    )  # fmt: skip


def _due(inputs: RepoExposureInputs, exposure_cny: Decimal, ratio: Decimal, figures: FigureList) -> tuple[Decimal, str]:
    """Give the margin that is due in CNY, negative where it is over, and its name: the exposure without an annex.

    Of the annex: what its terms require of the exposure before any margin, less what margin takes off that exposure.
    """
    terms, name = inputs.terms, f"exposure_{inputs.terms.method.lower()}"
    if inputs.agreed is None:
        return exposure_cny, name
    gross_cny = _gross_exposure_cny(inputs, ratio)
    posted_cny = gross_cny - exposure_cny
    side = inputs.agreed.side(inputs.fx.cny_per_unit)
    due_cny = margin_required_cny(gross_cny, pledgor=side, secured=NO_TERMS) - posted_cny
    agreed = annex_figures(inputs.agreed, terms.currency, figures)
    counted = figures.result(
        "margin_posted", ("已计保证金", "Margin counted"), posted_cny, "CNY", "exposure before margin − exposure",
        inputs=(name, "margin_cash"), note_zh="现金与保证金配额", note_en="cash and margin units",
    )  # fmt: skip
    due = figures.result(
        "shortfall", ("保证金差额", "Shortfall"), due_cny, "CNY",
        "max(exposure before margin + IA − TH, 0) − max(−exposure before margin − IA, 0) − margin counted",
        inputs=(name, counted, "fx", *agreed), note_zh="负数为多收", note_en="negative where too much is held",
    )  # fmt: skip
    return due_cny, due


def _gross_exposure_cny(inputs: RepoExposureInputs, ratio: Decimal) -> Decimal:
    """Give the exposure before any margin, by the agreed method."""
    terms = inputs.terms
    accrued = terms.accrued(min(inputs.valuation_date, terms.repurchase_date))
    strike = exposure_method_a if terms.method is ExposureMethod.A else exposure_method_b
    return strike(
        repurchase_value=cny(accrued * inputs.fx.cny_per_unit),
        market_value=cny(terms.quantity_t * inputs.price.price_cny_per_t), haircut_ratio=ratio,
    )  # fmt: skip


def _called(inputs: RepoExposureInputs, due_cny: Decimal) -> Decimal:
    """Give the cash to call; the minimum transfer is tested before rounding, and one equal to it moves."""
    amount = round_half_up(max(due_cny, Decimal(0)) / inputs.fx.cny_per_unit)
    if amount <= 0 or amount < inputs.minimum_amount:
        return Decimal("0.00")
    if inputs.agreed is None:
        return amount
    return moved_amount(amount, inputs.agreed.terms.delivery_rounding, currency=inputs.terms.currency)


def _returned(
    inputs: RepoExposureInputs, due_cny: Decimal, ratio: Decimal, figures: FigureList, *, due: str
) -> Decimal:  # fmt: skip
    """Give the cash margin that goes back."""
    terms, agreed = inputs.terms, inputs.agreed
    is_final = False
    if agreed is not None:
        side = agreed.side(inputs.fx.cny_per_unit)
        is_final = margin_required_cny(_gross_exposure_cny(inputs, ratio), pledgor=side, secured=NO_TERMS) <= 0
    return margin_return(
        due_cny, held_amount=inputs.margin_cash_amount, minimum_amount=inputs.minimum_amount,
        # By method A a yuan of cash covers 1 / (1 - H) of exposure, so that much less goes back.
        cover_ratio=1 - ratio if terms.method is ExposureMethod.A else Decimal(1),
        cny_per_unit=inputs.fx.cny_per_unit, currency=terms.currency, exposure=due, figures=figures,
        rounding=None if agreed is None else agreed.terms.return_rounding, is_final=is_final,
    )  # fmt: skip


def _value_figures(inputs: RepoExposureInputs, figures: FigureList) -> tuple[Decimal, Decimal, str]:
    """Give what the cash has grown to less the margin held, in its currency and in CNY, and its name in the trace."""
    terms = inputs.terms
    names = terms_figures(terms, figures)
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
    fx = fx_figure(terms, inputs.fx, figures)
    name = figures.result(
        "accrued_value_cny", ("折合人民币", "Accrued value in CNY"), value_cny, "CNY", "R·FX", inputs=(due, fx)
    )
    return value_amount, value_cny, name


def _call_figures(
    inputs: RepoExposureInputs, call_amount: Decimal, units_t: int, haircut_names: tuple[str, ...],
    figures: FigureList, *, due: str,
) -> None:  # fmt: skip
    terms, agreed = inputs.terms, inputs.agreed
    limit = figures.fact(
        "minimum_transfer", ("最低转让金额", "Minimum transfer"), inputs.minimum_amount, terms.currency,
        f"回购 {terms.code}" if agreed is None else agreed.source,
    )  # fmt: skip
    names, what = [due, "fx", limit], "exposure" if agreed is None else "shortfall"
    if agreed is not None:
        names.append(
            figures.fact(
                "rounding", ("取整倍数", "Rounding"), agreed.terms.delivery_rounding.multiple.amount, terms.currency,
                agreed.source,
            )
        )  # fmt: skip
    figures.result(
        "margin_call", (f"追加金额（{terms.currency}）", f"Margin call in {terms.currency}"), call_amount,
        terms.currency,
        f"{what} / FX where not below the minimum transfer" + ("" if agreed is None else ", in whole multiples"),
        inputs=names,
    )  # fmt: skip
    figures.result(
        "margin_call_units", (f"或追加 {terms.unit}", f"or {terms.unit}"), units_t, "t",
        f"{what} / (p·(1−H)), rounded up" if terms.method is ExposureMethod.B else f"{what} / p, rounded up",
        inputs=(due, "price", *haircut_names),
    )  # fmt: skip


REPO_EXPOSURE = DecisionKind(
    name="collateral.repo_exposure", version="1", inputs=RepoExposureInputs, outputs=RepoExposureOutcome,
    decide=decide_repo_exposure,
)  # fmt: skip
