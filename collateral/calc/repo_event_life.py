"""Events of a repo that runs: repriced, another rate, units adjusted or substituted, rolled, ended on notice."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from carbonfin.kernel.errors import MissingData
from carbonfin.kernel.units import cny
from collateral.calc.cash_margin import margin_figures
from collateral.calc.close_out import RepoSide
from collateral.calc.coverage import PriceUsed
from collateral.calc.figures import FigureList
from collateral.calc.haircuts import Haircut
from collateral.calc.refusals import Refusal
from collateral.calc.repo import RepoTerms, haircut_figures
from collateral.calc.repo_event_values import Happening, RepoEventInputs, UnitMove
from collateral.calc.repo_events import adjusted, rate_changed, repriced, rolled, substituted, units_to_cover_t
from collateral.calc.repo_ratios import lendable_amount


def weigh_reprice(inputs: RepoEventInputs, figures: FigureList) -> Happening:
    """Start the repo again with the cash its units are good for; cash margin is taken into what is paid."""
    terms = inputs.terms
    price, ratio, haircut = market_figures(inputs, figures)
    quantity_t = terms.quantity_t + inputs.margin_units_t
    quantity = figures.fact("quantity", ("数量（含保证金）", "Quantity with margin"), quantity_t, "t", _source(inputs))
    value_cny = cny(quantity_t * price.price_cny_per_t)
    value = figures.result(
        "market_value", ("市值", "Market value"), value_cny, "CNY", "q·p", inputs=(quantity, "price")
    )
    change = repriced(
        terms, on=inputs.on, market_value_cny=value_cny, haircut_ratio=ratio,
        cny_per_unit=inputs.fx.cny_per_unit,
    )  # fmt: skip
    new = figures.result(
        "new_purchase_price", ("新首期价款", "New purchase price"), change.terms.purchase_price_amount, terms.currency,
        "MV·(1−H) / FX, rounded down", inputs=(value, haircut, fx_figure(inputs, figures)),
    )  # fmt: skip
    accrued = accrued_figure(inputs, inputs.on, figures)
    held_amount, held = margin_held(inputs, inputs.on, figures)
    paid = change.cash_to_buyer_amount - held_amount
    figures.result(
        "cash_to_buyer", ("正回购方应付（负数为应收）", "Paid by the seller"), paid, terms.currency,
        "R − margin cash − new PP", inputs=(accrued, new, held),
    )  # fmt: skip
    return Happening(terms=change.terms, margin_cash_amount=Decimal("0.00"), cash_to_buyer_amount=paid)


def weigh_rate(inputs: RepoEventInputs, figures: FigureList) -> Happening:
    """Let another pricing rate count from the day on."""
    assert inputs.asked.rate is not None
    change = rate_changed(inputs.terms, on=inputs.on, rate=inputs.asked.rate)
    accrued = accrued_figure(inputs, inputs.on, figures)
    new = figures.fact("new_rate", ("新回购利率", "New repo rate"), inputs.asked.rate, "rate", inputs.asked.reason)
    figures.result(
        "repurchase_price", ("新购回价", "New repurchase price"), change.terms.accrued(change.terms.repurchase_date),
        inputs.terms.currency, "PP·(1 + Σ r·d/basis)", inputs=(accrued, new),
    )  # fmt: skip
    return Happening(terms=change.terms, margin_cash_amount=inputs.margin_cash_amount)


def weigh_adjust(inputs: RepoEventInputs, figures: FigureList) -> Happening:
    """Bring the units to those that cover what is owed; the cash stays."""
    price, ratio, haircut = market_figures(inputs, figures)
    cover_cny, cover = _cover(inputs, figures)
    change = adjusted(
        inputs.terms, on=inputs.on, cover_cny=cover_cny, price_cny_per_t=price.price_cny_per_t,
        haircut_ratio=ratio,
    )  # fmt: skip
    quantity = figures.fact("quantity", ("现有数量", "Quantity"), inputs.terms.quantity_t, "t", _source(inputs))
    needed = _needed_figure(inputs, change.terms.quantity_t, figures, cover=cover, haircut=haircut)
    figures.result(
        "units_to_buyer", ("交付逆回购方（负数为退回）", "To the buyer"), change.units_to_buyer_t, "t", "needed − q",
        inputs=(needed, quantity),
    )  # fmt: skip
    moved_t = change.units_to_buyer_t
    side = RepoSide.BUYER if moved_t > 0 else RepoSide.SELLER
    moves = (UnitMove(unit=inputs.terms.unit, quantity_t=abs(moved_t), to=side),) if moved_t else ()
    return Happening(terms=change.terms, margin_cash_amount=inputs.margin_cash_amount, moves=moves)


def weigh_substitute(inputs: RepoEventInputs, figures: FigureList) -> Happening:
    """Take other units in, then let the old ones out; the new ones cover what is owed."""
    asked, terms = inputs.asked, inputs.terms
    assert asked.unit is not None
    price, ratio, haircut = market_figures(inputs, figures)
    cover_cny, cover = _cover(inputs, figures)
    change = substituted(
        terms, on=inputs.on, unit=asked.unit, cover_cny=cover_cny, price_cny_per_t=price.price_cny_per_t,
        haircut_ratio=ratio,
    )  # fmt: skip
    needed_t = units_to_cover_t(cover_cny, price_cny_per_t=price.price_cny_per_t, haircut_ratio=ratio)
    _needed_figure(inputs, needed_t, figures, cover=cover, haircut=haircut)
    taken_t = asked.quantity_t or needed_t
    figures.fact("units_in", (f"换入 {asked.unit}", f"{asked.unit} in"), taken_t, "t", asked.reason)
    figures.fact("quantity", (f"换出 {terms.unit}", f"{terms.unit} out"), terms.quantity_t, "t", _source(inputs))
    short = (
        Refusal(
            code="too_few_units",
            detail=f"{taken_t} t of {asked.unit} come in, {needed_t} t are needed to cover {cover_cny} CNY",
            zh=f"换入 {asked.unit} {taken_t} 吨，覆盖 {cover_cny} 元至少需 {needed_t} 吨",
        ),
    )
    return Happening(
        terms=replace(
            change.terms,
            quantity_t=taken_t,
            agreed_haircut_ratio=None if terms.agreed_haircut_ratio is None else ratio,
        ),
        margin_cash_amount=inputs.margin_cash_amount,
        moves=(
            UnitMove(unit=asked.unit, quantity_t=taken_t, to=RepoSide.BUYER),
            UnitMove(unit=terms.unit, quantity_t=terms.quantity_t, to=RepoSide.SELLER),
        ),
        refusals=short if taken_t < needed_t else (),
    )


def weigh_roll(inputs: RepoEventInputs, figures: FigureList) -> Happening:
    """Let a new repo take the old one's place on its last day; the difference in cash is paid, the units stay."""
    asked, terms = inputs.asked, inputs.terms
    assert asked.repurchase_date is not None
    assert asked.rate is not None
    assert asked.purchase_price_amount is not None
    price, ratio, haircut = market_figures(inputs, figures)
    change = rolled(
        terms, code=asked.code, repurchase_date=asked.repurchase_date, rate=asked.rate,
        purchase_price_amount=asked.purchase_price_amount,
    )  # fmt: skip
    quantity = figures.fact("quantity", ("数量", "Quantity"), terms.quantity_t, "t", _source(inputs))
    value_cny = cny(terms.quantity_t * price.price_cny_per_t)
    value = figures.result(
        "market_value", ("市值", "Market value"), value_cny, "CNY", "q·p", inputs=(quantity, "price")
    )
    limit = lendable_amount(value_cny, haircut_ratio=ratio, cny_per_unit=inputs.fx.cny_per_unit)
    figures.result(
        "lendable_amount", ("可融资金额", "Lendable"), limit, terms.currency, "MV·(1−H) / FX, rounded down",
        inputs=(value, haircut, fx_figure(inputs, figures)),
    )  # fmt: skip
    accrued = accrued_figure(inputs, terms.repurchase_date, figures)
    new = figures.fact(
        "new_purchase_price", ("新首期价款", "New purchase price"), asked.purchase_price_amount, terms.currency,
        asked.reason,
    )  # fmt: skip
    paid, formula, parts = change.cash_to_buyer_amount, "R − new PP", [accrued, new]
    if terms.margin_account(inputs.margin_steps) is not None:
        # The margin itself stays with the new repo; what it earned under the old one is paid with the old one's end.
        held_amount, _ = margin_held(inputs, terms.repurchase_date, figures)
        paid -= held_amount - inputs.margin_cash_amount
        formula, parts = "R − interest on margin − new PP", [accrued, "margin_interest", new]
    label = ("正回购方应付（负数为应收）", "Paid by the seller")
    figures.result("cash_to_buyer", label, paid, terms.currency, formula, inputs=parts)
    refusals = not_due(inputs)
    if asked.purchase_price_amount > limit:
        refusals += (
            Refusal(
                code="above_lendable",
                detail=f"{asked.purchase_price_amount} exceeds lendable {limit} {terms.currency}",
                zh=f"新首期价款 {asked.purchase_price_amount} 超过可融资金额 {limit} {terms.currency}",
            ),
        )
    return Happening(
        terms=change.terms, margin_cash_amount=inputs.margin_cash_amount, cash_to_buyer_amount=paid, refusals=refusals
    )  # fmt: skip


def weigh_terminate(inputs: RepoEventInputs, figures: FigureList) -> Happening:
    """End the repo as many open days after today as its contract asks for notice."""
    terms, ends_on = inputs.terms, inputs.facts.ends_on
    assert ends_on is not None
    notice = figures.fact(
        "notice_days",
        ("通知期（交易日）", "Notice in open days"),
        inputs.asked.notice_days,
        "days",
        inputs.asked.reason,
    )
    given = figures.fact("noticed_on", ("通知日", "Notice given on"), inputs.on, "date", "业务日期")
    end = figures.result(
        "repurchase_date", ("提前购回日", "New repurchase date"), ends_on, "date", "notice day + open days",
        inputs=(given, notice),
    )  # fmt: skip
    shortened = replace(terms, repurchase_date=ends_on)
    figures.result(
        "repurchase_price", ("购回价", "Repurchase price"), shortened.accrued(ends_on), terms.currency,
        "PP·(1 + r·d/basis)", inputs=(*terms_figures(inputs, figures), end),
    )  # fmt: skip
    return Happening(terms=shortened, margin_cash_amount=inputs.margin_cash_amount)


def units_needed_t(inputs: RepoEventInputs, *, haircut_ratio: Decimal | None = None) -> int:
    """Give the fewest whole tonnes of the unit in question that cover what is owed, at least one.

    Args:
        inputs: The event.
        haircut_ratio: What they are taken at; None takes that of the inputs, the agreed one where it counts.

    Raises:
        MissingData: The inputs have no price, or no haircut where one is asked of them.
        InvalidInput: The haircut is the whole: no number of tonnes covers anything.
    """
    figures = FigureList()
    cover_cny, _ = _cover(inputs, figures)
    if haircut_ratio is None:
        _, haircut_ratio, _ = market_figures(inputs, figures)
    if inputs.price is None:
        raise MissingData("the price is missing", zh="缺少价格", field="price")
    needed_t = units_to_cover_t(
        cover_cny, price_cny_per_t=inputs.price.price_cny_per_t, haircut_ratio=haircut_ratio
    )  # fmt: skip
    return max(1, needed_t)


def not_due(inputs: RepoEventInputs) -> tuple[Refusal, ...]:
    """Refuse before the repurchase date what can only happen on it."""
    due = inputs.terms.repurchase_date
    if inputs.on >= due:
        return ()
    return (
        Refusal(
            code="not_due",
            detail=f"repo {inputs.terms.code} is due {due}, after {inputs.on}",
            zh=f"回购 {inputs.terms.code} 的购回日为 {due}，晚于业务日期 {inputs.on}",
        ),
    )


def market_figures(inputs: RepoEventInputs, figures: FigureList) -> tuple[PriceUsed, Decimal, str]:
    """Put price and haircut of the unit in question into the trace; give them and the name of the haircut.

    Raises:
        MissingData: One of them is not there.
    """
    price, haircut = inputs.price, inputs.haircut
    if price is None or haircut is None:
        raise MissingData("price or haircut is missing", zh="缺少价格或折扣系数", field="price")
    unit = inputs.asked.unit or inputs.terms.unit
    figures.fact(
        "price", (f"{unit} 估值价格", f"{unit} price"), price.price_cny_per_t, "CNY/t",
        f"{price.source} {price.price_date}", note_zh=price.note_zh, note_en=price.note_en,
    )  # fmt: skip
    terms = terms_counted(inputs, haircut)
    return price, terms.haircut_used(haircut), haircut_figures(terms, haircut, figures)


def terms_counted(inputs: RepoEventInputs, haircut: Haircut) -> RepoTerms:
    """Give the terms whose haircut counts: of a unit that comes in the bank's own where it is above the agreed one."""
    terms, unit = inputs.terms, inputs.asked.unit
    if unit not in {None, terms.unit} and terms.haircut_used(haircut) < haircut.ratio:
        return replace(terms, agreed_haircut_ratio=None)
    return terms


def fx_figure(inputs: RepoEventInputs, figures: FigureList) -> str:
    """Put the exchange rate of the day into the trace."""
    currency, fx = inputs.terms.currency, inputs.fx
    return figures.fact(
        "fx",
        (f"1 {currency} 折合人民币", f"CNY per {currency}"),
        fx.cny_per_unit,
        "CNY",
        f"{fx.source} {fx.quote_date}",
    )


def terms_figures(inputs: RepoEventInputs, figures: FigureList) -> tuple[str, ...]:
    """Put the terms that interest hangs on into the trace."""
    terms, source = inputs.terms, _source(inputs)
    return (
        figures.fact(
            "purchase_price", ("首期价款", "Purchase price"), terms.purchase_price_amount, terms.currency, source
        ),
        figures.fact("basis", ("计息基准", "Day count"), terms.basis, "code", source),
        *(
            figures.fact(
                f"rate_{place}", (f"自 {step.start} 起的回购利率", f"Repo rate from {step.start}"), step.rate, "rate",
                source,
            )
            for place, step in enumerate(terms.rates, 1)
        ),
    )  # fmt: skip


def accrued_figure(inputs: RepoEventInputs, day: date, figures: FigureList) -> str:
    """Put what the cash has grown to by a day into the trace."""
    return figures.result(
        "accrued_value", (f"截至 {day} 应计购回价值", f"Accrued value to {day}"), inputs.terms.accrued(day),
        inputs.terms.currency, "PP·(1 + Σ r·d/basis)", inputs=terms_figures(inputs, figures),
    )  # fmt: skip


def margin_held(inputs: RepoEventInputs, end: date, figures: FigureList) -> tuple[Decimal, str]:
    """Give the cash margin that the buyer holds with the interest it earned by a day, and its name in the trace."""
    terms = inputs.terms
    return margin_figures(
        terms.margin_account(inputs.margin_steps), held_amount=inputs.margin_cash_amount, end=end,
        currency=terms.currency, code=terms.code, figures=figures,
    )  # fmt: skip


def _cover(inputs: RepoEventInputs, figures: FigureList) -> tuple[Decimal, str]:
    held_amount, held = margin_held(inputs, inputs.on, figures)
    cover_cny = cny((inputs.terms.accrued(inputs.on) - held_amount) * inputs.fx.cny_per_unit)
    name = figures.result(
        "cover", ("须覆盖金额", "To be covered"), cover_cny, "CNY", "(R − margin cash)·FX",
        inputs=(accrued_figure(inputs, inputs.on, figures), held, fx_figure(inputs, figures)),
    )  # fmt: skip
    return cover_cny, name


def _needed_figure(inputs: RepoEventInputs, needed_t: int, figures: FigureList, *, cover: str, haircut: str) -> str:
    unit = inputs.asked.unit or inputs.terms.unit
    return figures.result(
        "units_needed", (f"所需 {unit}", f"{unit} needed"), needed_t, "t", "cover / (p·(1−H)), rounded up",
        inputs=(cover, "price", haircut),
    )  # fmt: skip


def _source(inputs: RepoEventInputs) -> str:
    return f"回购 {inputs.terms.code}"
