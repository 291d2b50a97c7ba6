"""Equal instalments of a core banking system (Fineract's `ProgressiveEMICalculatorTest`): one run a case.

Where the last instalment differs from the level by more cents than half the payments, the level moves by the difference
spread over the payments, if that leaves a smaller one. Periods run to the start of the next. A case whose steps follow
one another (`multi_step`) tells nothing of the steps, and is out of scope by name.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from loans.calc.contracts.engine import Act, Events, Loans, run_events
from loans.calc.contracts.money import FEN, Rounding, rounded_fraction
from tests.vectors.comparison import CaseResult, Comparison, Skip, only_keys, run_case
from tests.vectors.files import VectorFile

_YEARS = {"DAYS_360": 360, "DAYS_364": 364, "DAYS_365": 365}


def recognises(file: VectorFile) -> bool:
    return file.has("unit_cases", "e2e_examples")


def run(file: VectorFile) -> Iterable[CaseResult]:
    for case in file.content["unit_cases"]:
        yield run_case(case["test"], file.tolerance, lambda check, case=case: _case(check, case))
    for example in file.content["e2e_examples"]:
        yield run_case(
            str(example.get("scenario", "example")), file.tolerance, lambda _check: _skip("a described example: loans")
        )


def _skip(why: str) -> None:
    raise Skip(why)


def _case(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(
        case, "test", "disabled_upstream", "annual_rate_pct", "days_in_year", "days_in_month", "repay_every",
        "frequency", "periods", "multi_step", "check_columns", "checks",
    )  # fmt: skip
    if case["multi_step"]:
        raise Skip(f"several steps in one case ({case['test']}): out of scope")
    first = case["checks"][0]
    principal = FEN.minor(Decimal(str(first[-2])) + Decimal(str(first[-1])))
    starts, ends = ([date.fromisoformat(period[place]) for period in case["periods"]] for place in (1, 2))
    if case["frequency"] == "MONTHS":  # an end is printed with the day of another period's where the next start tells
        ends = [*starts[1:], _next_month(starts[-1])]
    factors = [_year_part(case, *period) for period in zip(starts, ends, strict=True)]
    rate = Fraction(str(case["annual_rate_pct"])) / 100
    interest, parts, balance = _adjusted(principal, [rate * part for part in factors])
    for row in case["checks"]:
        place = int(row[0])
        wanted = [FEN.minor(Decimal(str(amount))) for amount in (row[2], *row[-3:])]
        found = [interest[place] + parts[place], interest[place], parts[place], balance[place]]
        if case["annual_rate_pct"] == 0:
            check.same(f"row {place}", (wanted[0], *wanted[-2:]), (found[0], *found[-2:]))
        else:
            check.same(f"row {place}", wanted, found)


_Rows = list[list[int]]


def _adjusted(principal: int, factors: list[Fraction]) -> _Rows:
    rows, level = _schedule(principal, factors, None)
    off = _last_instalment(rows) - level
    if abs(off) <= len(factors) // 2:
        return rows
    moved = level + rounded_fraction(Fraction(off, len(factors)), Rounding.HALF_UP)
    again, _ = _schedule(principal, factors, moved)
    return again if abs(_last_instalment(again) - moved) < abs(off) else rows


def _last_instalment(rows: _Rows) -> int:
    return rows[0][-1] + rows[1][-1]


def _schedule(principal: int, factors: list[Fraction], level: int | None) -> tuple[_Rows, int]:
    acts = np.full((len(factors) + 1, 1), int(Act.INSTALMENT | Act.INTEREST), dtype=np.int16)
    acts[0], acts[-1] = int(Act.DRAW if level else Act.DRAW | Act.RELEVEL), int(Act.REST | Act.INTEREST)
    spans = np.array([[Fraction(0)], *([factor] for factor in factors)], dtype=object)
    amounts = np.array([[principal], *([0] for _ in factors)], dtype=object)
    none, one = np.array([0], dtype=object), np.array([Fraction(1)], dtype=object)
    loans = Loans(balance=none, rate=one, year=one, level=np.array([level or 0], dtype=object), accrued=none)
    found = run_events(loans, Events(acts=acts, spans=spans, amounts=amounts), FEN)
    rows = [[int(value) for value in row[1:, 0]] for row in (found.interest, found.principal, found.balance)]
    return rows, int(found.level[0, 0])


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, day.day)


def _year_part(case: dict[str, Any], start: date, end: date) -> Fraction:
    """Give a period's part of a year; months of 30 days count whole, other days by the year they lie in."""
    if case["days_in_month"] == "DAYS_30" and case["frequency"] == "MONTHS":
        return Fraction(30 * case["repay_every"], _YEARS[case["days_in_year"]])
    if case["days_in_year"] in _YEARS:
        return Fraction((end - start).days, _YEARS[case["days_in_year"]])
    days = [start + timedelta(days=place) for place in range((end - start).days)]
    return sum((Fraction(1, 366 if day.year % 4 == 0 else 365) for day in days), Fraction(0))
