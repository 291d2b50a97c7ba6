"""Black-76 to fifty digits: value and greeks of calls and puts, and the limits of no variance."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from pricing.calc.options.black76 import black76_cross_greeks, black76_greeks, black76_value_per_t
from tests.vectors.comparison import CaseResult, Comparison, Tolerance, only_keys, run_case
from tests.vectors.files import VectorFile

_VALUE = Tolerance(value=1e-14, is_absolute=True, source="README: of the forward")
_GREEK = Tolerance(value=1e-11, is_absolute=False, source="README: where greater than 1e-12")
_SMALLEST = 1e-12
_NAMES = {
    "delta_forward": "delta", "gamma_forward": "gamma", "vega": "vega", "theta_calendar": "theta",
    "rho_discount_only": "rho",
}  # fmt: skip
_CROSS_NAMES = {"vanna": "vanna", "volga": "volga"}


def recognises(file: VectorFile) -> bool:
    return file.has("model", "precision", "max_abs_diff_quantlib_over_forward", "cases")


def run(file: VectorFile) -> Iterable[CaseResult]:
    for place, case in enumerate(file.content["cases"]):
        yield run_case(f"case {place}", _GREEK, lambda check, case=case: _case(check, case))


def _case(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(case, "input", "expected", "quantlib_price", "note")
    terms, expected = case["input"], case["expected"]
    only_keys(terms, "option", "forward", "strike", "expiry", "vol", "rate_cc")
    only_keys(expected, "price", *_NAMES, *_CROSS_NAMES)
    columns = _columns(terms)
    found, crosses = black76_greeks(**columns), black76_cross_greeks(**columns)
    alone = black76_value_per_t(
        **{name: column for name, column in columns.items() if name not in {"volatility", "expiry_years"}},
        total_volatility=columns["volatility"] * np.sqrt(columns["expiry_years"]),
    )
    check.tolerance = _VALUE
    check.number("price", expected["price"] / terms["forward"], found.value_per_t[0] / terms["forward"])
    check.number("price alone", expected["price"] / terms["forward"], alone[0] / terms["forward"])
    check.tolerance = _GREEK
    for name, value in expected.items():
        if name != "price" and abs(value) > _SMALLEST:
            column = getattr(found, _NAMES[name]) if name in _NAMES else getattr(crosses, _CROSS_NAMES[name])
            check.number(name, value, float(column[0]))


def _columns(terms: dict[str, Any]) -> dict[str, np.ndarray]:
    return {
        "forward_per_t": np.array([terms["forward"]]),
        "strike_per_t": np.array([terms["strike"]]),
        "volatility": np.array([terms["vol"]]),
        "expiry_years": np.array([terms["expiry"]]),
        "discount_factor": np.array([math.exp(-terms["rate_cc"] * terms["expiry"])]),
        "option_sign": np.array([1.0 if terms["option"] == "call" else -1.0]),
    }
