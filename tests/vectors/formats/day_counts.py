"""Day counts; of the four variants of 30/360, loans here use the European one."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from carbonfin.kernel.dates import DayCount, days_between
from tests.vectors.comparison import CaseResult, Comparison, Skip, only_keys, run_case
from tests.vectors.files import VectorFile

_OURS = {"EurobondBasis": DayCount.THIRTY_E_360}


def recognises(file: VectorFile) -> bool:
    return file.has("actual_actual", "thirty360_days")


def run(file: VectorFile) -> Iterable[CaseResult]:
    for case in file.content["actual_actual"]:
        name = f"actual/actual {case.get('convention')} {case.get('start')}"
        yield run_case(name, file.tolerance, lambda _: _not_ours("actual/actual"))
    for variant, cases in file.content["thirty360_days"].items():
        for case in cases:
            yield run_case(
                f"30/360 {variant} {case.get('start')} {case.get('end')}",
                file.tolerance,
                lambda check, case=case, variant=variant: _case(check, case, variant),
            )


def _case(check: Comparison, case: dict[str, Any], variant: str) -> None:
    if variant not in _OURS:
        _not_ours(f"30/360 {variant}")
    only_keys(case, "start", "end", "days")
    start, end = date.fromisoformat(case["start"]), date.fromisoformat(case["end"])
    check.same("days", case["days"], days_between(_OURS[variant], start, end))


def _not_ours(convention: str) -> None:
    raise Skip(f"{convention} is not a day count of these products: loans")
