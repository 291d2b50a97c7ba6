"""Average-price options: geometric closed form, lower bound, and the value beside Monte Carlo."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from pricing.calc.options.average_price import (
    AverageSchedule,
    average_price_lower_bound_per_t,
    average_price_monte_carlo,
    average_price_value_per_t,
    geometric_average_value_per_t,
)
from tests.vectors.comparison import CaseResult, Comparison, Tolerance, only_keys, run_case
from tests.vectors.files import VectorFile

_SIMULATED = Tolerance(value=5e-4, is_absolute=False, source="README: against the MC")
_CLOSED = Tolerance(value=1e-12, is_absolute=False, source="closed form to the digits of the file")
_FLAT = "arithmetic, equally weighted, flat futures"
_DAYS_A_YEAR = 365.0
_PATHS = 100_000


def recognises(file: VectorFile) -> bool:
    return file.has("cases", "geometric_conditioning")


def run(file: VectorFile) -> Iterable[CaseResult]:
    for part in ("cases", "geometric_conditioning"):
        for place, case in enumerate(file.content[part]):
            yield run_case(f"{part} {place}", _SIMULATED, lambda check, case=case: _case(check, case))


def _case(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(case, "input", "expected", "mc")
    terms, expected = case["input"], case["expected"]
    only_keys(terms, "futures", "strike", "vol", "rate_cc", "fixings", "average", "fixing_days", "day_count")
    # The two-moment price is in the file as an approximation that is known to be too high: nothing to agree with.
    only_keys(
        expected, "geometric_call", "turnbull_wakeman_two_moment_call", "arithmetic_call_mc", "arithmetic_se",
        "curran_rogers_shi_lower_bound", "mc_with_control_variate", "se",
    )  # fmt: skip
    check.same("average", _FLAT, terms.get("average", _FLAT))
    check.same("day count", "Actual/365 Fixed", terms.get("day_count", "Actual/365 Fixed"))
    years = np.array(terms["fixings"]) if "fixings" in terms else np.array(terms["fixing_days"]) / _DAYS_A_YEAR
    schedule = AverageSchedule(
        fixing_years=years,
        forward_per_t=np.full(years.size, terms["futures"]),
        fixed_count=0,
        fixed_average_per_t=0.0,
    )
    option = {
        "strike_per_t": np.array([terms["strike"]]),
        "volatility": np.array([terms["vol"]]),
        "discount_factor": np.array([math.exp(-terms["rate_cc"] * years[-1])]),
        "option_sign": np.array([1.0]),
    }
    bound = average_price_lower_bound_per_t(schedule, **option)[0]
    value = average_price_value_per_t(schedule, **option)[0]
    drawn = average_price_monte_carlo(schedule, **option, path_count=_PATHS, seed=20260616)
    simulated = expected.get("arithmetic_call_mc", expected.get("mc_with_control_variate"))
    check.number("value", simulated, value)
    check.number("own simulation", simulated, drawn.value_per_t[0])
    least = min(value, drawn.value_per_t[0])
    check.same("value and simulation not below the lower bound", expected=True, found=bool(least >= bound))
    check.tolerance = _CLOSED
    if "geometric_call" in expected:
        check.number("geometric", expected["geometric_call"], geometric_average_value_per_t(schedule, **option)[0])
    if "curran_rogers_shi_lower_bound" in expected:
        check.number("lower bound", expected["curran_rogers_shi_lower_bound"], bound)
