"""Financed emissions: outstanding over denominator times emissions."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from loans.calc.financed import attributed_t
from tests.vectors.comparison import CaseResult, Comparison, only_keys, run_case
from tests.vectors.files import VectorFile

_DENOMINATORS = ("evic", "equity_plus_debt", "vehicle_value", "property_value")
_KNOWN = (
    "id", "class", "outstanding", *_DENOMINATORS, "s1", "s2", "s3", "s12", "dq", "af", "financed_s1", "financed_s2",
    "financed_s12", "financed_s3_separate", "origin", "note", "expect",
)  # fmt: skip


def recognises(file: VectorFile) -> bool:
    return file.has("denominator", "data_quality_business_loan", "cases")


def run(file: VectorFile) -> Iterable[CaseResult]:
    for case in file.content["cases"]:
        yield run_case(str(case.get("id")), file.tolerance, lambda check, case=case: _case(check, case))


def _case(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(case, *_KNOWN)
    outstanding = _exact(case["outstanding"])
    denominator = next(_exact(case[name]) for name in _DENOMINATORS if name in case)

    def financed(emissions: Decimal) -> float:
        return float(attributed_t(outstanding_cny=outstanding, denominator_cny=denominator, emissions_t=emissions))

    if "expect" in case:
        check.refused("denominator", lambda: financed(Decimal(1)))
        return
    both = _exact(case["s12"]) if "s12" in case else _exact(case["s1"]) + _exact(case["s2"])
    check.number("attribution factor", case["af"], financed(Decimal(1)))
    check.number("scopes 1 and 2", case["financed_s12"], financed(both))
    for scope, name in (("s1", "financed_s1"), ("s2", "financed_s2"), ("s3", "financed_s3_separate")):
        if name in case:
            check.number(scope, case[name], financed(_exact(case[scope])))


def _exact(value: float) -> Decimal:
    return Decimal(str(value))
