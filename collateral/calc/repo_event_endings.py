"""Events at the ends of a repo: settled, failed, delivered late, in default, closed out alone or with the others."""

from decimal import Decimal

from carbonfin.kernel.errors import MissingData
from carbonfin.kernel.units import Currency, Money, round_half_up
from collateral.calc.close_out import (
    ClosedRepo,
    Dealing,
    DefaultEvidence,
    DefaultValue,
    RepoSide,
    default_market_value,
    secured_claim,
)
from collateral.calc.figures import FigureList
from collateral.calc.repo_event_life import accrued_figure, fx_figure, margin_held, not_due
from collateral.calc.repo_event_values import Closing, Happening, RepoEventInputs, UnitMove
from collateral.calc.repo_events import partly_delivered, start_fail_due_amount

SIDES_ZH = {RepoSide.SELLER: "正回购方", RepoSide.BUYER: "逆回购方"}


def weigh_settle(inputs: RepoEventInputs, figures: FigureList) -> Happening:
    """Pay the repurchase price less cash margin against the units.

    Interest goes on to the day of payment where the seller was late, and stops at the repurchase date otherwise.
    """
    terms = inputs.terms
    is_late = inputs.state == "END_FAILED"
    day = inputs.on if is_late and inputs.facts.failing is RepoSide.SELLER else terms.repurchase_date
    if is_late:
        age_figure(inputs, figures)
    # Margin is held, and earns, until it goes back, whoever is late.
    held_amount, held = margin_held(inputs, inputs.on if is_late else day, figures)
    paid = terms.accrued(day) - held_amount
    figures.result(
        "cash_to_buyer", ("正回购方应付（负数为应收）", "Paid by the seller"), paid, terms.currency, "R − margin cash",
        inputs=(accrued_figure(inputs, day, figures), held),
    )  # fmt: skip
    back_t = terms.quantity_t + inputs.margin_units_t
    figures.fact("units_back", (f"退回 {terms.unit}", f"{terms.unit} back"), back_t, "t", f"回购 {terms.code}")
    return Happening(
        terms=terms, margin_cash_amount=Decimal("0.00"), cash_to_buyer_amount=paid,
        moves=(UnitMove(unit=terms.unit, quantity_t=back_t, to=RepoSide.SELLER),), refusals=not_due(inputs),
    )  # fmt: skip


def weigh_fail(inputs: RepoEventInputs, figures: FigureList) -> Happening:
    """Write down that a party did not pay or deliver on the repurchase date; nothing passes."""
    assert inputs.asked.party is not None
    figures.fact(
        "failing", ("未履行方", "Party that failed"), SIDES_ZH[inputs.asked.party], "text", inputs.asked.reason
    )
    accrued_figure(inputs, inputs.terms.repurchase_date, figures)
    return Happening(terms=inputs.terms, margin_cash_amount=inputs.margin_cash_amount, refusals=not_due(inputs))


def weigh_deliver(inputs: RepoEventInputs, figures: FigureList) -> Happening:
    """Take what is delivered late: all of it, or a part for which the cash is cut by tonnes; the rest lapses."""
    terms, asked = inputs.terms, inputs.asked
    age_figure(inputs, figures)
    delivered_t = asked.quantity_t or terms.quantity_t
    after = terms if delivered_t == terms.quantity_t else partly_delivered(terms, delivered_t)[0]
    agreed = figures.fact(
        "purchase_price", ("约定首期价款", "Agreed purchase price"), terms.purchase_price_amount, terms.currency,
        f"回购 {terms.code}",
    )  # fmt: skip
    quantity = figures.fact("quantity", ("约定数量", "Agreed quantity"), terms.quantity_t, "t", f"回购 {terms.code}")
    part = figures.fact("delivered", ("实际交付", "Delivered"), delivered_t, "t", asked.reason)
    new = figures.result(
        "new_purchase_price", ("首期价款", "Purchase price"), after.purchase_price_amount, terms.currency,
        "PP·delivered/q, largest remainder", inputs=(agreed, quantity, part),
    )  # fmt: skip
    paid = terms.purchase_price_amount if asked.is_price_paid else Decimal("0.00")
    before = figures.fact("paid_before", ("已付首期价款", "Paid before"), paid, terms.currency, asked.reason)
    back = paid - after.purchase_price_amount
    figures.result(
        "cash_to_buyer", ("正回购方应付（负数为应收）", "Paid by the seller"), back, terms.currency, "paid − PP",
        inputs=(before, new),
    )  # fmt: skip
    return Happening(
        terms=after, margin_cash_amount=inputs.margin_cash_amount, cash_to_buyer_amount=back,
        moves=(UnitMove(unit=terms.unit, quantity_t=delivered_t, to=RepoSide.BUYER),),
    )  # fmt: skip


def weigh_default(inputs: RepoEventInputs, figures: FigureList) -> Happening:
    """Declare a default: the repurchase date is the day of the notice, and the units are to be valued."""
    assert inputs.asked.party is not None
    figures.fact("defaulter", ("违约方", "Defaulter"), SIDES_ZH[inputs.asked.party], "text", inputs.asked.reason)
    accrued_figure(inputs, inputs.on, figures)
    _valuation_day(inputs, figures)
    return Happening(terms=inputs.terms, margin_cash_amount=inputs.margin_cash_amount)


def weigh_mini_close_out(inputs: RepoEventInputs, figures: FigureList) -> Happening:
    """Close this repo out alone: of a failed start its interest and cash paid, of a failed end as in a default."""
    if inputs.state != "START_FAILED":
        return weigh_close_out(inputs, figures)
    terms = inputs.terms
    age_figure(inputs, figures)
    due = start_fail_due_amount(terms, on=inputs.on, is_paid=inputs.asked.is_price_paid)
    figures.result(
        "cash_to_buyer", ("正回购方应付", "Owed by the seller"), due, terms.currency,
        "R" if inputs.asked.is_price_paid else "R − PP", inputs=(accrued_figure(inputs, inputs.on, figures),),
    )  # fmt: skip
    return Happening(
        terms=terms, margin_cash_amount=Decimal("0.00"), cash_to_buyer_amount=due,
        closing=Closing(
            claim_amount=due, value_cny=None, value_amount=Decimal("0.00"), basis=None, net_owed_by_seller_amount=due,
            surplus_to_seller_amount=Decimal("0.00"), shortfall_amount=due,
        ),
    )  # fmt: skip


def weigh_close_out(inputs: RepoEventInputs, figures: FigureList) -> Happening:
    """Set the value of the units and the margin off against the repurchase price to the day of the default.

    Beside the one sum stands what a court would distribute if it read the repo as security by transfer.
    """
    terms, facts = inputs.terms, inputs.facts
    if facts.defaulted_on is None or facts.defaulter is None:
        raise MissingData("who defaulted, and when?", zh="缺少违约方或违约日", field="party")
    found = _default_value(inputs, facts.defaulter, figures)
    amount = round_half_up(found.value.amount / inputs.fx.cny_per_unit)
    value = figures.result(
        "default_value", ("违约市值", "Default market value"), amount, terms.currency, "value / FX, half up",
        inputs=("default_value_cny", fx_figure(inputs, figures)),
    )  # fmt: skip
    claim = terms.accrued(facts.defaulted_on)
    held_amount, held = margin_held(inputs, facts.defaulted_on, figures)
    closed = ClosedRepo(
        code=terms.code, repurchase_price=Money.of(claim, terms.currency),
        margin_held=Money.of(held_amount, terms.currency), income_to_seller=Money(0, terms.currency),
        units_value=Money.of(amount, terms.currency),
    )  # fmt: skip
    accrued = accrued_figure(inputs, facts.defaulted_on, figures)
    net = closed.owed_by_seller.amount
    figures.result(
        "cash_to_buyer", ("净额：正回购方应付（负数为应收）", "Net owed by the seller"), net, terms.currency,
        "R − margin − default value", inputs=(accrued, held, value),
    )  # fmt: skip
    secured = secured_claim(closed)
    for name, label, money in (
        ("secured_surplus", ("若认定让与担保：返还余额", "Read as security: surplus back"), secured.surplus_to_seller),
        ("secured_shortfall", ("若认定让与担保：未受偿", "Read as security: shortfall"), secured.shortfall),
    ):
        figures.result(
            name,
            label,
            money.amount,
            terms.currency,
            "margin + value against R",
            inputs=(accrued, held, value),
        )
    return Happening(
        terms=terms, margin_cash_amount=Decimal("0.00"), cash_to_buyer_amount=net,
        closing=Closing(
            claim_amount=claim, value_cny=found.value.amount, value_amount=amount, basis=found.basis,
            net_owed_by_seller_amount=net, surplus_to_seller_amount=secured.surplus_to_seller.amount,
            shortfall_amount=secured.shortfall.amount,
        ),
    )  # fmt: skip


def age_figure(inputs: RepoEventInputs, figures: FigureList) -> str:
    """Put into the trace for how many open days the settlement has been failing."""
    return figures.fact(
        "fail_age", ("交收失败天数（交易日）", "Fail age in open days"), inputs.facts.age_days, "days", "交易日历"
    )


def _valuation_day(inputs: RepoEventInputs, figures: FigureList) -> str:
    facts = inputs.facts
    return figures.fact(
        "valuation_day", ("违约估值截止日", "Default valuation day"), facts.valuation_day, "date",
        f"违约后 {facts.dealing_days} 个交易日", confirmed=facts.dealing_days_confirmed,
    )  # fmt: skip


def _default_value(inputs: RepoEventInputs, defaulter: RepoSide, figures: FigureList) -> DefaultValue:
    terms, evidence = inputs.terms, inputs.asked.evidence
    if evidence is None or inputs.facts.valuation_day is None:
        raise MissingData("there is no evidence of value", zh="请填写违约估值依据", field="evidence")
    quantity_t = terms.quantity_t + inputs.margin_units_t
    dealing = (
        None
        if evidence.dealt_on is None or evidence.dealt_cny is None
        else Dealing(dealt_on=evidence.dealt_on, gross=Money.of(evidence.dealt_cny, Currency.CNY))
    )
    found = default_market_value(
        DefaultEvidence(
            quantity_t=quantity_t, dealing=dealing, quotes_per_t=evidence.quotes_cny_per_t,
            fair_per_t=evidence.fair_cny_per_t, costs=Money.of(evidence.costs_cny, Currency.CNY),
        ),
        defaulter=defaulter,
        valuation_day=inputs.facts.valuation_day,
    )  # fmt: skip
    names = [_valuation_day(inputs, figures)]
    source = inputs.asked.reason
    names.append(figures.fact("quantity", ("数量", "Quantity"), quantity_t, "t", f"回购 {terms.code}"))
    names += [
        figures.fact(f"quote_{place}", (f"报价 {place}", f"Quote {place}"), quote, "CNY/t", source)
        for place, quote in enumerate(evidence.quotes_cny_per_t, 1)
    ]
    for name, label, given in (
        ("dealt", (f"{evidence.dealt_on} 成交金额", f"Dealt on {evidence.dealt_on}"), evidence.dealt_cny),
        ("fair", ("公允价值（每吨）", "Fair value a tonne"), evidence.fair_cny_per_t),
        ("costs", ("费用", "Costs"), evidence.costs_cny),
    ):
        if given is not None:
            names.append(figures.fact(name, label, given, "CNY/t" if name == "fair" else "CNY", source))
    sign = "−" if defaulter is RepoSide.SELLER else "+"
    figures.result(
        "default_value_cny", ("违约市值（元）", "Default market value in CNY"), found.value.amount, "CNY",
        f"{found.basis}: deal in time, else mean of quotes, else fair value; {sign} costs", inputs=names,
    )  # fmt: skip
    return found
