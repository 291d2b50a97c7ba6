"""Options on a spread of two futures, by exact quadrature."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from pricing.calc.options.spread import spread_option_value_per_t
from tests.vectors.comparison import CaseResult, Comparison, Tolerance, only_keys, run_case
from tests.vectors.files import VectorFile

_EXACT = Tolerance(value=1e-8, is_absolute=True, source="README")


def recognises(file: VectorFile) -> bool:
    return file.has("method", "units", "cases") and "margrabe" in file.content["method"]


def run(file: VectorFile) -> Iterable[CaseResult]:
    for place, case in enumerate(file.content["cases"]):
        yield run_case(f"case {place}", _EXACT, lambda check, case=case: _case(check, case))


def _case(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(case, "input", "expected", "mc")
    terms, expected = case["input"], case["expected"]
    only_keys(terms, "futures_1", "futures_2", "strike", "vol_1", "vol_2", "correlation", "expiry", "rate_cc")
    only_keys(expected, "call", "kirk_approximation")
    found = spread_option_value_per_t(
        first_forward_per_t=np.array([terms["futures_1"]]),
        second_forward_per_t=np.array([terms["futures_2"]]),
        strike_per_t=np.array([terms["strike"]]),
        first_volatility=np.array([terms["vol_1"]]),
        second_volatility=np.array([terms["vol_2"]]),
        correlation=np.array([terms["correlation"]]),
        expiry_years=np.array([terms["expiry"]]),
        discount_factor=np.array([math.exp(-terms["rate_cc"] * terms["expiry"])]),
        option_sign=np.array([1.0]),
    )
    check.number("call", expected["call"], found[0])
