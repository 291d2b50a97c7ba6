"""Repo economics and margin maintenance: repurchase price, exposures, margin ratios, lendable cash."""

import math
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.units import Currency, Money, cny
from carbonfin.storage.rulebook import builtin_book
from collateral.calc.close_out import (
    ClosedRepo,
    DefaultEvidence,
    RepoSide,
    close_out,
    default_market_value,
    secured_claim,
)
from collateral.calc.haircuts import stacked_ratio
from collateral.calc.repo import ExposureMethod, RepoTerms
from collateral.calc.repo_accrual import accrued_value
from collateral.calc.repo_events import adjusted, repriced, rolled, shaped_t, substituted
from collateral.calc.repo_ratios import (
    exposure_method_a,
    exposure_method_b,
    haircut_of_margin_ratio,
    lendable_cny,
    margin_ratio,
)
from collateral.service.repo_contracts import DAY_COUNT
from tests.vectors.comparison import CaseResult, Comparison, Skip, only_keys, run_case
from tests.vectors.files import VectorFile

_ANY_DAY = date(2025, 1, 1)
_BASES = {"ACT/360": DayCount.ACT_360, "ACT/365": DayCount.ACT_365}


def recognises(file: VectorFile) -> bool:
    return file.has("haircut_vs_margin_ratio", "method_A_vs_B")


def run(file: VectorFile) -> Iterable[CaseResult]:
    parts: dict[str, Callable[[Comparison, dict[str, Any]], None]] = {
        "cdm_events": _event,
        "haircut_vs_margin_ratio": _margin_ratio,
        "method_A_vs_B": _methods,
        "worked_treasury_repo": _treasury,
        "cdm_doc_snippet": _snippet,
        "cross_currency_carbon_repo_constructed": _cross_currency,
        "close_out_constructed": _close_out,
        "china_conventions": _conventions,
    }
    for name, body in parts.items():
        part = file.content.get(name, [])
        for place, case in enumerate(part if isinstance(part, list) else [part]):
            yield run_case(f"{name} {place}", file.tolerance, _bound(body, case))


def _bound(body: Callable[[Comparison, dict[str, Any]], None], case: dict[str, Any]) -> Callable[[Comparison], None]:
    return lambda check: body(check, case)


def _event(check: Comparison, case: dict[str, Any]) -> None:
    """Run an event by its name; the repo of the first one runs through them all."""
    name = str(case["event"]).partition(" ")[0]
    bodies: dict[str, Callable[[Comparison, dict[str, Any]], None]] = {
        "execution": _execution,
        "reprice": _repricing,
        "adjustment": _adjustment,
        "substitution": _substitution,
        "shaping": _shaping,
        "roll": _roll,
    }
    if name not in bodies:
        raise Skip(f"the file states no result of {case['event']}")
    bodies[name](check, case)


def _execution(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(
        case, "event", "nominal", "dirty", "haircut", "rate", "basis", "purchase", "repurchase", "purchase_price",
        "repurchase_price_computed",
    )  # fmt: skip
    market_value = Decimal(case["nominal"]) * Decimal(case["dirty"])
    purchase_price = lendable_cny(market_value, Decimal(case["haircut"]))
    check.number("purchase price", Decimal(case["purchase_price"]), purchase_price)
    found = accrued_value(
        purchase_price=purchase_price,
        rate=Decimal(case["rate"]),
        basis=_BASES[case["basis"]],
        start=date.fromisoformat(case["purchase"]),
        end=date.fromisoformat(case["repurchase"]),
        places=6,
    )
    check.number("repurchase price", Decimal(case["repurchase_price_computed"]), found)


_PRICE = Decimal(9974250)
_HAIRCUT = Decimal("0.01")
_EXECUTED = RepoTerms(
    code="CDM",
    unit=Unit.parse("SZA-2023"),
    quantity_t=10_000_000,
    purchase_date=date(2021, 3, 19),
    repurchase_date=date(2021, 3, 22),
    currency=Currency.USD,
    purchase_price_amount=_PRICE,
    rate=Decimal("0.004"),
    basis=DayCount.ACT_360,
    method=ExposureMethod.B,
    minimum_transfer_amount=Decimal(0),
)


def _price_in(case: dict[str, Any]) -> Decimal:
    """Take the price out of the name of an event: "reprice to 0.9925"."""
    return next(Decimal(word) for word in str(case["event"]).split() if word[0].isdigit())


def _repricing(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(case, "event", "cash", "check")
    found = repriced(
        _EXECUTED,
        on=_EXECUTED.purchase_date,
        market_value_cny=_EXECUTED.quantity_t * _price_in(case),
        haircut_ratio=_HAIRCUT,
        cny_per_unit=Decimal(1),
    )
    check.same("cash", Decimal(case["cash"]), found.terms.purchase_price_amount)
    check.same("checked", Decimal(case["check"]), found.terms.purchase_price_amount)
    check.same("difference", _PRICE - Decimal(case["cash"]), found.cash_to_buyer_amount)


def _adjustment(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(case, "event", "collateral", "check_unrounded")
    found = adjusted(
        _EXECUTED,
        on=_EXECUTED.purchase_date,
        cover_cny=_PRICE,
        price_cny_per_t=_price_in(case),
        haircut_ratio=_HAIRCUT,
    )
    check.same("units", int(case["collateral"]), found.terms.quantity_t)
    check.same("rounded up", math.ceil(Decimal(case["check_unrounded"])), found.terms.quantity_t)


def _substitution(check: Comparison, case: dict[str, Any]) -> None:
    """The file names its own number a trap: it leaves the buyer short. Ours is the one rounded up."""
    only_keys(case, "event", "new_nominal", "check_unrounded", "trap")
    found = substituted(
        _EXECUTED,
        on=_EXECUTED.purchase_date,
        unit=Unit.parse("SZA-2024"),
        cover_cny=_PRICE,
        price_cny_per_t=_price_in(case),
        haircut_ratio=_HAIRCUT,
    )
    unrounded = Decimal(case["check_unrounded"])
    if Decimal(case["new_nominal"]) < unrounded:
        check.same("units", int(case["new_nominal"]) + 1, found.terms.quantity_t)
    check.same("rounded up", math.ceil(unrounded), found.terms.quantity_t)


def _shaping(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(case, "event", "lots")
    limit_t = int(_price_in(case))
    check.same("lots", [int(lot) for lot in case["lots"]], list(shaped_t(_EXECUTED.quantity_t, limit_t=limit_t)))


def _roll(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(case, "event", "old_end", "new_end")
    old_end, new_end = date.fromisoformat(case["old_end"]), date.fromisoformat(case["new_end"])
    found = rolled(
        _EXECUTED, code="CDM-2", repurchase_date=new_end, rate=_EXECUTED.rate, purchase_price_amount=_PRICE
    ).terms
    check.same("runs", (old_end, new_end), (found.purchase_date, found.repurchase_date))


def _margin_ratio(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(case, "margin_ratio", "haircut")
    ratio = Decimal(str(case["margin_ratio"]))
    check.number("haircut", case["haircut"], haircut_of_margin_ratio(ratio))
    check.number("and back", ratio, margin_ratio(haircut_of_margin_ratio(ratio)))


def _methods(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(case, "R", "MV", "MR", "E_A", "E_B", "ratio_A_over_B_equals_MR", "grade")
    haircut = haircut_of_margin_ratio(Decimal(case["MR"]))
    values = {"repurchase_value": Decimal(case["R"]), "market_value": Decimal(case["MV"]), "haircut_ratio": haircut}
    check.number("method A", Decimal(case["E_A"]), exposure_method_a(**values))
    check.number("method B", Decimal(case["E_B"]), exposure_method_b(**values))


def _treasury(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(case, "market_value", "haircut", "cash", "rate", "days", "interest_ACT360_computed", "source")
    cash = lendable_cny(Decimal(case["market_value"]), Decimal(case["haircut"]))
    check.number("cash", Decimal(case["cash"]), cash)
    check.number(
        "interest",
        Decimal(case["interest_ACT360_computed"]),
        _interest(cash, Decimal(case["rate"]), DayCount.ACT_360, int(case["days"])),
    )


def _snippet(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(case, "cash", "rate", "basis", "from", "to", "interest_computed")
    if case["basis"] not in {*_BASES, "ACT/365L"}:
        raise Skip(f"day count {case['basis']}: collateral")
    start, end = date.fromisoformat(case["from"]), date.fromisoformat(case["to"])
    if case["basis"] == "ACT/365L" and end.year % 4 == 0:
        raise Skip("day count ACT/365L in a leap year: collateral")
    days = (end - start).days
    found = _interest(Decimal(case["cash"]), Decimal(case["rate"]), DayCount.ACT_365, days)
    check.number("interest", Decimal(case["interest_computed"]), found)


def _cross_currency(check: Comparison, case: dict[str, Any]) -> None:
    additive = "additive_cash_USD"
    only_keys(
        case, "units_t", "price_CNY", "fx_CNH_per_USD", "haircut", "fx_haircut", additive,
        "multiplicative_cash_USD_(not Basel)", "grade",
    )  # fmt: skip
    market_value_cny = case["units_t"] * Decimal(case["price_CNY"])
    ratio = stacked_ratio((Decimal(case["haircut"]), Decimal(case["fx_haircut"])))
    cash = cny(lendable_cny(market_value_cny, ratio) / Decimal(case["fx_CNH_per_USD"]))
    check.number("cash", Decimal(case[additive]), cash)


def _conventions(check: Comparison, case: dict[str, Any]) -> None:
    kept = {one.scope: DayCount(one.value) for one in builtin_book("collateral").values() if one.key == DAY_COUNT}
    only_keys(case, *kept, "grade")
    for code, basis in case.items():
        if code != "grade":
            check.same(code, _BASES[basis], kept[code])


def _close_out(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(
        case, "R", "margin_held_cash", "collateral_units", "default_price", "transaction_costs", "net_owed_by_seller",
        "meaning", "grade",
    )  # fmt: skip

    def money(amount: str) -> Money:
        return Money.of(amount, Currency.CNY)

    evidence = DefaultEvidence(
        quantity_t=case["collateral_units"],
        dealing=None,
        quotes_per_t=(),
        fair_per_t=Decimal(case["default_price"]),
        costs=money(case["transaction_costs"]),
    )
    value = default_market_value(evidence, defaulter=RepoSide.SELLER, valuation_day=_ANY_DAY).value
    closed = ClosedRepo(
        code="R",
        repurchase_price=money(case["R"]),
        margin_held=money(case["margin_held_cash"]),
        income_to_seller=money("0"),
        units_value=value,
    )
    found = close_out([closed], base=Currency.CNY, is_netting_supported=True)
    check.same("net", money(case["net_owed_by_seller"]), found.net_owed_by_seller)
    check.same(
        "surplus as a secured claim", -money(case["net_owed_by_seller"]), secured_claim(closed).surplus_to_seller
    )


def _interest(cash: Decimal, rate: Decimal, basis: DayCount, days: int) -> Decimal:
    end = _ANY_DAY + timedelta(days=days)
    return accrued_value(purchase_price=cash, rate=rate, basis=basis, start=_ANY_DAY, end=end) - cash
