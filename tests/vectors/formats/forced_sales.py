"""Forced sales: horizons of a linear sale, days of a fall under a limit, and two files of simulated close-outs."""

import math
from collections.abc import Iterable
from functools import partial
from typing import Any

from collateral.calc.haircut_models.forced_sale import SaleOutcome, forced_sale_outcomes
from collateral.calc.haircut_models.sale_terms import SaleTerms, closed_form_ratio, linear_sale_days, locked_days
from tests.vectors.comparison import DEFAULT_TOLERANCE, CaseResult, Comparison, Tolerance, only_keys, run_case
from tests.vectors.files import VectorFile

_PATHS, _SEED, _TAIL = 100_000, 20261130, 0.01
_PRINTED = Tolerance(value=5e-4, is_absolute=True, source="as printed")
_CLOSED = Tolerance(value=1e-12, is_absolute=True, source="closed form")
_ERRORS = 3.0
_MODELS = {"B": (0.28, 6.0, 0.35, 25.0, 12.0), "C": (0.35, 10.0, 0.30, 20.0, 8.0)}


def recognises_horizons(file: VectorFile) -> bool:
    return file.has("jorion_linear_liquidation")


def recognises_close_out(file: VectorFile) -> bool:
    return file.has("note", "rows", "model") and "notice_days" in str(file.content["rows"][:1])


def run_horizons(file: VectorFile) -> Iterable[CaseResult]:
    for row in file.content["T_star"]:
        body = partial(_number, expected=row["T_star"], found=linear_sale_days(row["N"]))
        yield run_case(f"T* of {row['N']}", _PRINTED, body)
    for row in file.content["limit_down_days"]:
        days = locked_days(fall_ratio=row["fall"], daily_limit_ratio=row["limit"])
        yield run_case(f"fall of {row['fall']}", DEFAULT_TOLERANCE, partial(_number, expected=row["days"], found=days))
    rows: dict[str, Any] = file.content["monte_carlo_200k_seed11"]
    terms = [_jump_terms(name) for name in rows]
    outcomes = forced_sale_outcomes(terms, path_count=_PATHS, seed=_SEED, tail_ratio=_TAIL)
    for (name, row), one, outcome in zip(rows.items(), terms, outcomes, strict=True):
        yield run_case(name, DEFAULT_TOLERANCE, partial(_horizon_row, row=row, terms=one, outcome=outcome))


def run_close_out(file: VectorFile) -> Iterable[CaseResult]:
    rows: list[dict[str, Any]] = file.content["rows"]
    terms = [close_out_terms(row["input"]) for row in rows]
    outcomes = forced_sale_outcomes(terms, path_count=_PATHS, seed=_SEED, tail_ratio=_TAIL)
    for place, (row, one, outcome) in enumerate(zip(rows, terms, outcomes, strict=True)):
        yield run_case(f"row {place}", DEFAULT_TOLERANCE, partial(_close_out_row, row=row, outcome=outcome))
        yield run_case(f"row {place} closed form", _CLOSED, partial(_closed_form, row=row, terms=one))


def close_out_terms(given: dict[str, Any]) -> SaleTerms:
    """Give the terms of a row of the close-out file; a year has 250 days there, and a limit of 1 is none."""
    only_keys(
        given, "vol", "notice_days", "quantity_over_adv", "participation", "trade_day_probability", "daily_limit",
        "bid_ask", "impact_coefficient",
    )  # fmt: skip
    deviation = given["vol"] / math.sqrt(250)
    return SaleTerms(
        daily_drift=-0.5 * deviation**2, daily_deviation=deviation, notice_days=given["notice_days"], cure_days=0,
        quantity_adv=given["quantity_over_adv"], participation_ratio=given["participation"],
        trade_day_ratio=given["trade_day_probability"],
        daily_limit_ratio=given["daily_limit"] if given["daily_limit"] < 1 else None,
        bid_ask_ratio=given["bid_ask"], impact=given["impact_coefficient"],
    )  # fmt: skip


def _jump_terms(name: str) -> SaleTerms:
    """Read a row's name, `B|lag3|Q5xADV|part0.5|limit0.1`; day 0 is the first that moves, a year has 252."""
    model, lag, quantity, part, limit = name.split("|")
    volatility, jumps, up_ratio, up_rate, down_rate = _MODELS[model]
    limit_text = limit.removeprefix("limit")
    return SaleTerms(
        daily_drift=0.0, daily_deviation=volatility / math.sqrt(252), notice_days=int(lag.removeprefix("lag")),
        cure_days=0, quantity_adv=float(quantity.removeprefix("Q").removesuffix("xADV")),
        participation_ratio=float(part.removeprefix("part")), trade_day_ratio=1.0,
        daily_limit_ratio=None if limit_text == "None" else float(limit_text), bid_ask_ratio=0.0, impact=0.0,
        daily_jumps=jumps / 252, up_ratio=up_ratio, up_rate=up_rate, down_rate=down_rate,
    )  # fmt: skip


def _number(check: Comparison, expected: float, found: float) -> None:
    check.number("days", expected, found)


def _horizon_row(check: Comparison, row: dict[str, Any], terms: SaleTerms, outcome: SaleOutcome) -> None:
    only_keys(row, "VaR99", "se", "ES97_5", "mean_days", "p99_days", "p_lock")
    _within(check, "VaR99", row["VaR99"], outcome.haircut_ratio, math.hypot(row["se"], outcome.standard_error))
    # A share's own error, and a day where the quantile falls on a step.
    _within(check, "locked", row["p_lock"], outcome.locked_share, 0.003)
    _within(check, "mean days", row["mean_days"], outcome.days_mean - terms.notice_days, 0.01)
    _within(check, "99% of days", row["p99_days"], outcome.days_99 - terms.notice_days, 1 / _ERRORS)


def _close_out_row(check: Comparison, row: dict[str, Any], outcome: SaleOutcome) -> None:
    mc = row["mc"]
    only_keys(mc, "haircut99", "haircut95", "es99", "mean", "days", "days99", "se99")
    error = math.hypot(mc["se99"], outcome.standard_error)
    _within(check, "haircut99", mc["haircut99"], outcome.haircut_ratio, error)
    _within(check, "es99", mc["es99"], outcome.shortfall_ratio, 1.6 * error)
    _within(check, "mean days", mc["days"], outcome.days_mean, 0.002 * mc["days"])
    _within(check, "99% of days", mc["days99"], outcome.days_99, 1.0)


def _closed_form(check: Comparison, row: dict[str, Any], terms: SaleTerms) -> None:
    """The file's closed form sells on every day, so that idle days are left out of it."""
    always = SaleTerms(
        daily_drift=terms.daily_drift, daily_deviation=terms.daily_deviation, notice_days=terms.notice_days,
        cure_days=0, quantity_adv=terms.quantity_adv, participation_ratio=terms.participation_ratio,
        trade_day_ratio=1.0, daily_limit_ratio=None, bid_ask_ratio=terms.bid_ask_ratio, impact=terms.impact,
    )  # fmt: skip
    check.number("haircut", row["closed_form_no_limit"], closed_form_ratio(always, tail_ratio=_TAIL))


def _within(check: Comparison, name: str, expected: float, found: float, error: float) -> None:
    check.compared += 1
    if not abs(found - expected) <= _ERRORS * error:
        check.differences.append(f"{name}: expected {expected} within {_ERRORS * error:.2g}, found {found}")
