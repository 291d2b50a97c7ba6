"""Public Chinese formulas: 碳效码 levels and bands, 降碳贷 pricing, the central bank's cut, a district's subsidy."""

import dataclasses
from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from importlib import resources
from typing import Any

from carbonfin.kernel.dates import CHINA, end_of_china_day
from carbonfin.rules.parameter_files import book_from_toml
from carbonfin.rules.parameters import ParameterBook, ParameterValue
from loans.calc.financed import attributed_t
from loans.calc.jiangtandai import PointFraction, concession_bp
from loans.calc.ratings.carbon_efficiency import intensity_band, ratio_level
from reporting.calc.costs import financing_cost
from reporting.calc.facts import CostKind, CostVoucher
from reporting.calc.schemes import Term, terms_of
from tests.vectors.comparison import CaseResult, Comparison, Skip, only_keys, run_case
from tests.vectors.files import VectorFile

_DAY = date(2025, 9, 18)
_KNOWN_AT = end_of_china_day(_DAY)
_JUST_OVER = Fraction(1, 10**9)


def recognises(file: VectorFile) -> bool:
    return file.has("jiangtandai_pricing") or file.has("zhejiang_carbon_efficiency")


def run(file: VectorFile) -> Iterable[CaseResult]:
    parts: dict[str, Callable[[VectorFile, dict[str, Any]], Iterable[CaseResult]]] = {
        "zhejiang_carbon_efficiency": _carbon_efficiency,
        "jiangtandai_pricing": _pricing,
        "pboc_carbon_reduction_facility": _facility,
        "nanshan_green_financing_subsidy_2025": _subsidy,
    }
    for name, part in file.content.items():
        if name in parts:
            yield from parts[name](file, part)
        elif name == "cib_huangshi_footprint_loan":
            yield run_case(name, file.tolerance, lambda _: _later("a rate step after a yearly cut: loans"))
        else:
            yield run_case(name, file.tolerance, lambda _, name=name: only_keys({name: 0}))


def _later(why: str) -> None:
    raise Skip(why)


def _built_in(package: str, file_name: str) -> ParameterBook:
    text = (resources.files(package) / "parameters" / file_name).read_text(encoding="utf-8")
    return book_from_toml(text, file_name=file_name)


def _ladder(key: str) -> tuple[ParameterValue, ...]:
    book = _built_in("loans", "carbon_efficiency.toml")
    found = [book.on(key, valid_on=_DAY, known_at=_KNOWN_AT, scope=scope) for scope in book.scopes(key)]
    return tuple(sorted(found, key=lambda value: value.decimal))


def _carbon_efficiency(file: VectorFile, part: dict[str, Any]) -> Iterable[CaseResult]:
    levels = _ladder("loans.carbon_efficiency.ratio_to_mean_max")
    bands = _ladder("loans.carbon_efficiency.intensity_max_t_per_10k_cny")

    def level(check: Comparison, case: dict[str, Any]) -> None:
        only_keys(part, "source", "K", "levels", "absolute_t_per_10k_yuan", "cases")
        only_keys(case, "K", "level")
        check.same("level", case["level"], ratio_level(Fraction(str(case["K"])), levels))

    def bound(check: Comparison, case: dict[str, Any], name: str) -> None:
        only_keys(case, name, "gt", "le")
        found: Callable[[Fraction], object] = (
            (lambda value: ratio_level(value, levels))
            if name == "level"
            else (lambda value: intensity_band(value, bands))
        )
        if "le" in case:
            check.same(f"at {case['le']}", case[name], found(Fraction(str(case["le"]))))
        if "gt" in case:
            check.same(f"just over {case['gt']}", case[name], found(Fraction(str(case["gt"])) + _JUST_OVER))

    for case in part["cases"]:
        yield run_case(f"K = {case.get('K')}", file.tolerance, lambda check, case=case: level(check, case))
    for name, cases in (("level", part["levels"]), ("label", part["absolute_t_per_10k_yuan"])):
        for case in cases:
            yield run_case(
                f"bounds of {case.get(name)}",
                file.tolerance,
                lambda check, case=case, name=name: bound(check, case, name),
            )


def _pricing(file: VectorFile, part: dict[str, Any]) -> Iterable[CaseResult]:
    def body(check: Comparison, case: dict[str, Any]) -> None:
        only_keys(case, "score", "base", "cap_bp", "adj_bp", "note")
        found = concession_bp(
            score=Decimal(str(case["score"])),
            base_score=Decimal(str(case["base"])),
            bp_per_point=Decimal(1),
            cap_bp=Decimal(case["cap_bp"]),
            fraction=PointFraction.FLOOR,
        )
        check.number("adjustment", case["adj_bp"], found)

    for case in part["cases"]:
        yield run_case(f"score {case.get('score')}", file.tolerance, lambda check, case=case: body(check, case))


def _facility(file: VectorFile, part: dict[str, Any]) -> Iterable[CaseResult]:
    def body(check: Comparison, case: dict[str, Any]) -> None:
        only_keys(case, "project_cut_t", "loan", "investment", "loan_cut_t", "origin")
        found = attributed_t(
            outstanding_cny=Decimal(str(case["loan"])),
            denominator_cny=Decimal(str(case["investment"])),
            emissions_t=Decimal(str(case["project_cut_t"])),
        )
        check.number("cut of the loan", case["loan_cut_t"], found)

    for case in part["cases"]:
        yield run_case("cut of a loan", file.tolerance, lambda check, case=case: body(check, case))


def _subsidy(file: VectorFile, part: dict[str, Any]) -> Iterable[CaseResult]:
    terms = terms_of(_built_in("reporting", "nanshan_2025.toml"), "nanshan-2025", valid_on=_DAY, known_at=_KNOWN_AT)
    rate = terms.find(Term.RATE)

    def printed(check: Comparison) -> None:
        only_keys(
            part, "source", "rate", "base", "window", "budget_control", "loan_must_be_settled", "documents", "cases"
        )
        assert rate is not None
        assert terms.window is not None
        check.number("rate", Decimal(str(part["rate"])), rate.decimal)
        window = tuple(datetime.fromisoformat(text).replace(tzinfo=CHINA) for text in part["window"])
        check.same("window", window, terms.window)
        settled = terms.find(Term.SETTLED_ONLY)
        check.same("settled loans only", part["loan_must_be_settled"], settled is not None and settled.value == "yes")

    def amount(check: Comparison, case: dict[str, Any]) -> None:
        only_keys(case, "interest_incl_vat", "vat", "guarantee_incl_vat", "guarantee_vat", "base", "subsidy", "origin")
        assert rate is not None
        interest = CostVoucher(
            number="interest", kind=CostKind.INTEREST, period_start=date(2025, 1, 1), period_end=date(2025, 2, 1),
            gross_cny=Decimal(case["interest_incl_vat"]), invoice_vat_cny=Decimal(case["vat"]), paid_on=None,
        )  # fmt: skip
        guarantee = dataclasses.replace(
            interest, number="guarantee", kind=CostKind.GUARANTEE_FEE, gross_cny=Decimal(case["guarantee_incl_vat"]),
            invoice_vat_cny=Decimal(case["guarantee_vat"]),
        )  # fmt: skip
        for name, vouchers in (
            ("VAT stated", (interest, guarantee)),
            ("VAT split", tuple(dataclasses.replace(each, invoice_vat_cny=None) for each in (interest, guarantee))),
        ):
            cost = financing_cost(vouchers, vat_rate=Decimal("0.06"))
            check.number(f"base, {name}", case["base"], cost.net_cny)
            check.number(f"subsidy, {name}", case["subsidy"], cost.net_cny * rate.decimal)

    yield run_case("printed terms", file.tolerance, printed)
    for case in part["cases"]:
        yield run_case("amount", file.tolerance, lambda check, case=case: amount(check, case))
