"""Value at risk and expected shortfall of 500 scenarios, by age, and of a normal P&L."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import numpy as np

from pricing.calc.risk.measures import age_weights, normal_tail_risk, tail_risk, weighted_value_at_risk
from tests.vectors.comparison import CaseResult, Comparison, Tolerance, only_keys, run_case
from tests.vectors.files import VectorFile

_EXACT = Tolerance(value=1e-12, is_absolute=False, source="README: exact, sums in another order aside")


def recognises(file: VectorFile) -> bool:
    return file.has("convention", "pnl", "expected")


def run(file: VectorFile) -> Iterable[CaseResult]:
    content = file.content
    pnl = np.array(content["pnl"])
    for confidence, expected in content["expected"].items():
        yield run_case(
            f"equal weights {confidence}", _EXACT,
            lambda check, a=confidence, e=expected: _equal(check, pnl, Decimal(a), e),
        )  # fmt: skip
    weighted = content["weighted"]
    for confidence, expected in weighted["expected"].items():
        yield run_case(
            f"age weights {confidence}", _EXACT,
            lambda check, a=confidence, e=expected: check.number(
                "var", e, weighted_value_at_risk(pnl, age_weights(pnl.size, weighted["decay"]), Decimal(a))
            ),
        )  # fmt: skip
    for case in content["normal"]:
        yield run_case(f"normal {case['alpha']}", _EXACT, lambda check, case=case: _normal(check, case))


def _equal(check: Comparison, pnl: np.ndarray, confidence: Decimal, expected: dict[str, Any]) -> None:
    only_keys(expected, "var", "es")
    found = tail_risk(pnl, confidence)
    check.number("var", expected["var"], found.value_at_risk)
    check.number("es", expected["es"], found.expected_shortfall)


def _normal(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(case, "mu", "sigma", "alpha", "var", "es")
    found = normal_tail_risk(mean=case["mu"], deviation=case["sigma"], confidence=Decimal(str(case["alpha"])))
    check.numbers("normal", (case["var"], case["es"]), found)
