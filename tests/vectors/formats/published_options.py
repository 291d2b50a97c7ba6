"""Options as textbooks print them: European values and greeks; American ones only by named approximations."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from pricing.calc.options.black76 import OptionGreeks, black76_greeks
from tests.vectors.comparison import CaseResult, Comparison, Skip, Tolerance, only_keys, run_case
from tests.vectors.files import VectorFile

_GREEK = Tolerance(value=1e-4, is_absolute=True, source="tolerance_note")
_APPROXIMATIONS = {
    "american_baw_haug": "Barone-Adesi and Whaley",
    "american_bjerksund_stensland": "Bjerksund and Stensland",
    "american_ju": "Ju",
}


def recognises(file: VectorFile) -> bool:
    return file.has("european_haug")


def run(file: VectorFile) -> Iterable[CaseResult]:
    for place, row in enumerate(file.content["european_haug"]):
        yield run_case(f"european {place}", _GREEK, lambda check, row=row: _european(check, row))
    for place, row in enumerate(file.content["european_greeks_haug"]):
        name = f"{row['greek']} {place}"
        yield run_case(name, _GREEK, lambda check, row=row: _greek(check, row))
    for part, name in _APPROXIMATIONS.items():
        for place, _ in enumerate(file.content[part]):
            yield run_case(f"{part} {place}", _GREEK, lambda _check, name=name: _out_of_scope(name))


def _out_of_scope(name: str) -> None:
    # tolerance_note: they check the named approximation, not the best price.
    message = f"values of the approximation of {name}, which is not in use: American options are solved for"
    raise Skip(message)


def _european(check: Comparison, row: dict[str, Any]) -> None:
    only_keys(row, "type", "strike", "spot", "q", "r", "t", "vol", "value", "tol", "black76")
    check.tolerance = Tolerance(value=row["tol"], is_absolute=True, source="tol of the row")
    check.number("value", row["value"], _priced(row).value_per_t[0])


def _greek(check: Comparison, row: dict[str, Any]) -> None:
    only_keys(row, "type", "strike", "spot", "q", "r", "t", "vol", "value", "black76", "greek")
    greeks = _priced(row)
    carry = math.exp((row["r"] - row["q"]) * row["t"])  # dF/dS
    by_name = {
        "delta": greeks.delta * carry,
        "elasticity": greeks.delta * carry * row["spot"] / greeks.value_per_t,
        "gamma": greeks.gamma * carry**2,
        "vega": greeks.vega,
        # The forward moves with the rate, dF/dr = T F, and against the dividend yield; as days pass it falls to spot.
        "rho": greeks.rho + greeks.delta * row["t"] * row["spot"] * carry,
        "dividendRho": -greeks.delta * row["t"] * row["spot"] * carry,
        "theta": greeks.theta - greeks.delta * (row["r"] - row["q"]) * row["spot"] * carry,
    }
    by_name["thetaPerDay"] = by_name["theta"] / 365.0
    only_keys({row["greek"]: None}, *by_name)
    check.number(row["greek"], row["value"], by_name[row["greek"]][0])


def _priced(row: dict[str, Any]) -> OptionGreeks:
    """Value the row as an option on the forward of its spot."""
    return black76_greeks(
        forward_per_t=np.array([row["spot"] * math.exp((row["r"] - row["q"]) * row["t"])]),
        strike_per_t=np.array([row["strike"]]),
        volatility=np.array([row["vol"]]),
        expiry_years=np.array([row["t"]]),
        discount_factor=np.array([math.exp(-row["r"] * row["t"])]),
        option_sign=np.array([1.0 if row["type"] == "Call" else -1.0]),
    )
