"""Carmona and Hinz over one and two periods and its calibration; Schwartz and Smith with its filter."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from pricing.calc.models import carmona_hinz, carmona_hinz_two_period, schwartz_smith
from pricing.calc.models.carmona_hinz import CompliancePeriod
from pricing.calc.models.carmona_hinz_calibration import OptionQuotes, fit_options, fit_path
from pricing.calc.models.carmona_hinz_two_period import TwoPeriods
from pricing.calc.models.schwartz_smith import FuturesStrip, StripPrior, TwoFactors, filtered_state
from tests.vectors.comparison import CaseResult, Comparison, Tolerance, only_keys, run_case
from tests.vectors.files import VectorFile

_CLOSED = Tolerance(value=1e-10, is_absolute=True, source="README")
_QUADRATURE = Tolerance(value=1e-7, is_absolute=True, source="README")
_FIT = Tolerance(value=1e-3, is_absolute=True, source="README")
_RELATIVE = Tolerance(value=1e-12, is_absolute=False, source="README")
_LIKELIHOOD = Tolerance(value=1e-9, is_absolute=True, source="README")
_ERRORS = 3.0
_PATHS = 200_000
_QUOTED_RATE = 0.02
"""The file does not state the rate of its option quotes; at its own parameters 2 % gives each of them to 1e-14."""


# --- one period ----------------------------------------------------------------------------------------------------
def recognises_one(file: VectorFile) -> bool:
    return file.has("model", "path_simulation", "terminal_noncompliance_probability")


def run_one(file: VectorFile) -> Iterable[CaseResult]:
    for place, case in enumerate(file.content["cases"]):
        yield run_case(f"case {place}", _CLOSED, lambda check, case=case: _one(check, case))
    for place, case in enumerate(file.content["path_simulation"]):
        yield run_case(f"paths {place}", _CLOSED, lambda check, case=case: _paths(check, case))
    for place, case in enumerate(file.content["terminal_noncompliance_probability"]):
        yield run_case(f"end {place}", _CLOSED, lambda check, case=case: _end(check, case))


def _one(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(case, "input", "expected", "check", "mc")
    found = _option(case["input"])
    expected = case["expected"]
    only_keys(expected, "call", "put", "digital_call", "call_delta", "futures_mean")
    check.number("call", expected["call"], float(found.call_per_t[0]))
    check.number("put", expected["put"], float(found.put_per_t[0]))
    check.number("digital", expected["digital_call"], float(found.digital_call[0]))
    check.number("delta", expected["call_delta"], float(found.delta[0]))
    check.number("martingale", expected["futures_mean"], case["input"]["allowance_price"])


def _option(terms: dict[str, Any]) -> carmona_hinz.AllowanceOption:
    only_keys(terms, "allowance_price", "penalty", "strike", "t", "option_expiry", "compliance_date", "alpha", "beta",
              "rate_cc")  # fmt: skip
    return carmona_hinz.option(
        _period(terms),
        price_per_t=np.array([terms["allowance_price"]]),
        strike_per_t=np.array([terms["strike"]]),
        now_years=terms["t"],
        expiry_years=np.array([terms["option_expiry"]]),
        discount_factor=math.exp(-terms["rate_cc"] * (terms["option_expiry"] - terms["t"])),
    )


def _period(terms: dict[str, Any]) -> CompliancePeriod:
    return CompliancePeriod(
        penalty_per_t=terms["penalty"], compliance_years=terms["compliance_date"], alpha=terms["alpha"],
        beta=terms["beta"],
    )  # fmt: skip


def _paths(check: Comparison, case: dict[str, Any]) -> None:
    """Our own paths of the price, at our own seed, agree with the closed form inside three standard errors."""
    only_keys(case, "input", "expected", "mc", "se", "z", "mean", "mean_se", "mean_z", "n", "steps", "seed", "note",
              "n_paths", "n_steps")  # fmt: skip
    terms = case["input"]
    times = np.linspace(terms["t"], terms["option_expiry"], 9)
    prices = carmona_hinz.simulated_prices(
        _period(terms), price_per_t=terms["allowance_price"], times_years=times, path_count=_PATHS, seed=20260615
    )[:, -1]
    factor = math.exp(-terms["rate_cc"] * (terms["option_expiry"] - terms["t"]))
    gains = factor * np.maximum(prices - terms["strike"], 0.0)
    check.same("call inside 3 se", [], _outside(case["expected"], gains))
    check.same("mean inside 3 se", [], _outside(terms["allowance_price"], prices))


def _end(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(case, "input", "expected_probability", "mc", "se", "z", "n", "seed", "note")
    terms = case["input"]
    times = np.array([0.0, 0.5 * terms["compliance_date"], terms["compliance_date"]])
    prices = carmona_hinz.simulated_prices(
        _period(terms), price_per_t=terms["allowance_price"], times_years=times, path_count=_PATHS, seed=20260616
    )[:, -1]
    check.same("nought or the penalty", [], sorted(set(np.unique(prices)) - {0.0, terms["penalty"]}))
    check.same("share inside 3 se", [], _outside(case["expected_probability"], prices / terms["penalty"]))


def _outside(expected: float, sample: np.ndarray) -> list[str]:
    z = (float(np.mean(sample)) - expected) / (float(np.std(sample, ddof=1)) / math.sqrt(sample.size))
    return [] if abs(z) <= _ERRORS else [f"z = {z:.2f}"]


# --- two periods ---------------------------------------------------------------------------------------------------
def recognises_two(file: VectorFile) -> bool:
    return file.has("model", "method", "units", "cases") and "kappa_bank" in str(file.content["model"])


def run_two(file: VectorFile) -> Iterable[CaseResult]:
    for place, case in enumerate(file.content["cases"]):
        yield run_case(f"case {place}", _QUADRATURE, lambda check, case=case: _two(check, case))


def _two(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(case, "input", "expected", "mc")
    terms = case["input"]
    only_keys(
        terms, "current_period_scarcity_value", "penalty_current", "next_period_allowance", "penalty_next",
        "bankable_fraction", "correlation", "strike", "option_expiry", "compliance_date_1", "compliance_date_2", "alpha",
        "beta", "rate_cc",
    )  # fmt: skip
    shape = {"alpha": terms["alpha"], "beta": terms["beta"]}
    periods = TwoPeriods(
        current=CompliancePeriod(
            penalty_per_t=terms["penalty_current"], compliance_years=terms["compliance_date_1"], **shape
        ),
        following=CompliancePeriod(
            penalty_per_t=terms["penalty_next"], compliance_years=terms["compliance_date_2"], **shape
        ),
        carried_fraction=terms["bankable_fraction"],
        state_correlation=terms["correlation"],
    )
    values = {
        "scarcity_per_t": terms["current_period_scarcity_value"],
        "following_per_t": terms["next_period_allowance"],
    }
    price = carmona_hinz_two_period.allowance_price_per_t(periods, **values)
    check.number("price", case["expected"]["allowance_price"], price)
    found = carmona_hinz_two_period.call_per_t(
        periods, **values, strike_per_t=terms["strike"], expiry_years=terms["option_expiry"],
        discount_factor=math.exp(-terms["rate_cc"] * terms["option_expiry"]),
    )  # fmt: skip
    check.number("call", case["expected"]["call"], found)


# --- calibration ---------------------------------------------------------------------------------------------------
def recognises_fit(file: VectorFile) -> bool:
    return file.has("input", "expected", "option_calibration")


def run_fit(file: VectorFile) -> Iterable[CaseResult]:
    yield run_case("path", _FIT, lambda check: _path(check, file.content))
    yield run_case("options", _FIT, lambda check: _options(check, file.content))


def _path(check: Comparison, content: dict[str, Any]) -> None:
    terms, expected = content["input"], content["expected"]
    only_keys(terms, "penalty", "compliance_date", "times", "prices")
    only_keys(expected, "alpha", "beta", "market_price_of_risk", "neg_loglik", "neg_loglik_at_truth")
    found = fit_path(
        penalty_per_t=terms["penalty"], compliance_years=terms["compliance_date"],
        times_years=np.array(terms["times"]), prices_per_t=np.array(terms["prices"]),
    )  # fmt: skip
    check.number("alpha", expected["alpha"], found.period.alpha)
    check.number("beta", expected["beta"], found.period.beta)
    above = found.negative_log_likelihood - expected["neg_loglik"]
    check.same("likelihood not worse", True, above <= 1e-6)  # noqa: FBT003 - a comparison's values


def _options(check: Comparison, content: dict[str, Any]) -> None:
    fit, terms = content["option_calibration"], content["input"]
    only_keys(fit, "quotes", "expected", "allowance_price", "rate_cc", "penalty", "compliance_date", "note")
    for quote in fit["quotes"]:
        only_keys(quote, "strike", "expiry", "price")
    expiry = np.array([quote["expiry"] for quote in fit["quotes"]])
    price = fit.get("allowance_price", terms["prices"][0])
    found = fit_options(
        OptionQuotes(
            price_per_t=price,
            strike_per_t=np.array([float(quote["strike"]) for quote in fit["quotes"]]),
            expiry_years=expiry,
            discount_factor=np.exp(-fit.get("rate_cc", _QUOTED_RATE) * expiry),
            call_per_t=np.array([quote["price"] for quote in fit["quotes"]]),
        ),
        penalty_per_t=fit.get("penalty", terms["penalty"]),
        compliance_years=fit.get("compliance_date", terms["compliance_date"]),
    )
    check.number("alpha", fit["expected"]["alpha"], found.period.alpha)
    check.number("beta", fit["expected"]["beta"], found.period.beta)


# --- Schwartz and Smith --------------------------------------------------------------------------------------------
def recognises_factors(file: VectorFile) -> bool:
    return file.has("model", "cases", "kalman")


def run_factors(file: VectorFile) -> Iterable[CaseResult]:
    for place, case in enumerate(file.content["cases"]):
        yield run_case(f"case {place}", _RELATIVE, lambda check, case=case: _factor_case(check, case))
    yield run_case("filter", _LIKELIHOOD, lambda check: _filter(check, file.content["kalman"]))


def _factors(terms: dict[str, Any]) -> TwoFactors:
    return TwoFactors(
        mean_reversion=terms["kappa"], short_vol=terms["sigma_chi"], long_vol=terms["sigma_xi"],
        factor_correlation=terms["rho"], long_drift=terms["mu_xi_star"], risk_price=terms["lambda_chi"],
    )  # fmt: skip


def _factor_case(check: Comparison, case: dict[str, Any]) -> None:
    only_keys(case, "input", "expected", "mc")
    terms, expected = case["input"], case["expected"]
    only_keys(expected, "futures_curve", "futures", "log_futures_stdev", "call")
    factors, state = _factors(terms), {"chi": terms["chi0"], "xi": terms["xi0"]}
    years = np.array([float(one) for one in expected["futures_curve"]])
    curve = schwartz_smith.futures_price_per_t(factors, **state, maturity_years=years)
    check.numbers("curve", expected["futures_curve"].values(), curve.tolist())
    expiry, maturity = np.array([terms["option_expiry"]]), np.array([terms["futures_maturity"]])
    future = schwartz_smith.futures_price_per_t(factors, **state, maturity_years=maturity)
    check.number("futures", expected["futures"], float(future[0]))
    deviation = schwartz_smith.log_futures_deviation(factors, option_years=expiry, futures_years=maturity)
    check.number("deviation", expected["log_futures_stdev"], float(deviation[0]))
    call = schwartz_smith.option_value_per_t(
        factors, **state, strike_per_t=np.array([terms["strike"]]), option_years=expiry, futures_years=maturity,
        discount_factor=np.exp(-terms["rate_cc"] * expiry), option_sign=np.ones(1),
    )  # fmt: skip
    check.number("call", expected["call"], float(call[0]))


def _filter(check: Comparison, terms: dict[str, Any]) -> None:
    only_keys(
        terms, "dt", "maturities", "measurement_sd", "mu_xi", "prior_mean", "prior_cov_diag", "log_futures", "params",
        "note", "expected_loglik", "dense_normal_loglik", "filtered_state_last",
    )  # fmt: skip
    rows = np.array(terms["log_futures"])
    found = filtered_state(
        _factors(terms["params"]),
        FuturesStrip(
            log_prices=rows, is_quoted=np.ones(rows.shape, dtype=bool), maturity_years=np.array(terms["maturities"]),
            step_years=terms["dt"],
        ),
        prior=StripPrior(mean=tuple(terms["prior_mean"]), variance=tuple(terms["prior_cov_diag"])),
        long_trend=terms["mu_xi"],
        measurement_deviation=terms["measurement_sd"],
    )  # fmt: skip
    check.number("log likelihood", terms["expected_loglik"], found.log_likelihood)
    check.number("dense log likelihood", terms["dense_normal_loglik"], found.log_likelihood)
    check.numbers("state", terms["filtered_state_last"], (found.chi, found.xi))
