"""Interest to the fen, half up, from exact integers."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from carbonfin.kernel.dates import DayCount
from loans.calc.contracts.interest import interest_fen
from tests.vectors.comparison import CaseResult, Comparison, Skip, only_keys, run_case
from tests.vectors.files import VectorFile

_BASES = {360: DayCount.ACT_360, 365: DayCount.ACT_365}


def recognises(file: VectorFile) -> bool:
    cases = file.content.get("cases") if isinstance(file.content, dict) else None
    return bool(cases) and isinstance(cases[0], dict) and "interest_fen_half_up" in cases[0]


def run(file: VectorFile) -> Iterable[CaseResult]:
    for place, case in enumerate(file.content["cases"]):
        yield run_case(f"case {place}", file.tolerance, lambda check, case=case: _case(check, case))


def _case(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(case, "balance_fen", "rate_bp", "days", "basis", "interest_fen_half_up", "tie")
    if case["basis"] not in _BASES:
        raise Skip(f"year of {case['basis']} days: loans")
    found = interest_fen(
        balance_fen=case["balance_fen"],
        rate=Decimal(case["rate_bp"]) / 10_000,
        days=case["days"],
        basis=_BASES[case["basis"]],
    )
    check.same("interest in fen", case["interest_fen_half_up"], found)
