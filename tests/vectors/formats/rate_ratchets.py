"""Value of a margin ratchet from the chain of grades: expectations, present value and par spread by grade."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from loans.calc.linked import GradeStep, RatchetInputs, RatchetKind, RatchetPeriod, value_ratchet
from tests.vectors.comparison import CaseResult, Comparison, only_keys, run_case
from tests.vectors.files import VectorFile


def recognises(file: VectorFile) -> bool:
    return file.has("inputs", "expected", "conventions", "formula")


def run(file: VectorFile) -> Iterable[CaseResult]:
    for grade, expected in file.content["expected"].items():
        yield run_case(
            grade,
            file.tolerance,
            lambda check, grade=grade, expected=expected: _case(check, file.content["inputs"], grade, expected),
        )


def _case(check: Comparison, given: dict[str, Any], grade: str, expected: dict[str, Any]) -> None:
    only_keys(given, "P", "ratings", "adj_bp", "notional_start_of_year", "r", "first_year_no_adjustment")
    only_keys(expected, "expected_adj_bp", "pv_adj_cny", "par_adjustment_bp")
    first = 0 if given["first_year_no_adjustment"] else 1
    grades = tuple(
        GradeStep(name=name, adjustment_bp=_exact(step), transitions=tuple(_exact(chance) for chance in row))
        for name, step, row in zip(given["ratings"], given["adj_bp"], given["P"], strict=True)
    )
    periods = tuple(
        RatchetPeriod(
            start=date(2025 + year, 1, 1), end=date(2026 + year, 1, 1), balance_cny=_exact(balance), days=1,
            year_days=1, observations=first + year,
        )
        for year, balance in enumerate(given["notional_start_of_year"])
    )  # fmt: skip
    found = value_ratchet(
        RatchetInputs(
            subject="vector", valuation_date=date(2025, 1, 1), kind=RatchetKind.ABSOLUTE, grades=grades,
            current_grade=grade, floor_bp=None, cap_bp=None, base_rate=Decimal("0.05"), all_in_floor_rate=None,
            discount_rate=_exact(given["r"]), stub_days=0, periods=periods, source="vector", confirmed=False,
        )
    )  # fmt: skip
    current = next(one for one in found.grades if one.name == grade)
    check.numbers("expected adjustment", expected["expected_adj_bp"], current.expected_bp)
    check.number("present value", expected["pv_adj_cny"], current.pv_cny)
    check.number("par spread", expected["par_adjustment_bp"], current.par_bp)


def _exact(value: float) -> Decimal:
    return Decimal(str(value))
