"""Repo economics and margin maintenance: repurchase price, exposures, margin ratios, lendable cash."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.units import cny
from collateral.calc.haircuts import stacked_ratio
from collateral.calc.repo import (
    accrued_value,
    exposure_method_a,
    exposure_method_b,
    haircut_of_margin_ratio,
    lendable_cny,
    margin_ratio,
)
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
    }
    for name, body in parts.items():
        part = file.content.get(name, [])
        for place, case in enumerate(part if isinstance(part, list) else [part]):
            yield run_case(f"{name} {place}", file.tolerance, lambda check, case=case, body=body: body(check, case))


def _event(check: Comparison, case: dict[str, Any]) -> None:
    if case.get("event") != "execution":
        raise Skip("repricing, substitution and delivery events of a repo: collateral")
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


def _close_out(_: Comparison, __: dict[str, Any]) -> None:
    raise Skip("netting on default: collateral")


def _interest(cash: Decimal, rate: Decimal, basis: DayCount, days: int) -> Decimal:
    end = _ANY_DAY + timedelta(days=days)
    return accrued_value(purchase_price=cash, rate=rate, basis=basis, start=_ANY_DAY, end=end) - cash
