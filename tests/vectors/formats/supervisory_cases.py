"""Worked cases of the comprehensive approach: exposure and collateral in, haircuts and adjusted exposure out.

A case names `exposure`, `collateral` (type, value, currency, maturity), the holding period, remargining and mismatches,
and what is expected. Haircuts come from the printed tables beside the cases; a case of a kind that no table has is
skipped by name.
"""

import math
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from collateral.calc.supervisory_haircuts import (
    SupervisoryAsset,
    SupervisoryRow,
    adjusted_exposure,
    matched_protection,
    remargined_ratio,
    ten_day_ratio,
)
from tests.vectors.comparison import CaseResult, Comparison, Skip, Tolerance, UnknownKey, run_case
from tests.vectors.files import VectorFile, read_vector_file
from tests.vectors.formats.supervisory_haircuts import table_rows

_CENT = Tolerance(value=0.01, is_absolute=True, source="equal to 0.01")
_CURRENCY_RATIO = 0.08
_TABLES = {"crr": "basel2_crr_3bands", "basel2": "basel2_crr_3bands", "basel31": "basel31_cre22_5bands"}
# One fact under the names that tables of cases give it.
_NAMES = {
    "id": "id name case scenario title description note source what reference comment",
    "exposure": "exposure exposure_value ead E exposure_amount",
    "exposure_ratio": "exposure_haircut He H_E",
    "exposure_currency": "exposure_currency",
    "exposure_years": "exposure_maturity exposure_maturity_years exposure_residual_maturity_years T",
    "collateral": "collateral",
    "holding_days": "holding_period holding_period_days T_M liquidation_period liquidation_period_days",
    "remargin_days": "remargining remargining_days remargining_frequency_days N_R revaluation_days",
    "currency_mismatch": "fx_mismatch currency_mismatch",
    "maturity_mismatch": "maturity_mismatch",
    "table": "table framework regime",
    "expected": "expected expect",
}
_COLLATERAL = {
    "kind": "type kind collateral_type",
    "value": "value amount market_value C",
    "currency": "currency",
    "years": "maturity maturity_years residual_maturity_years residual_maturity t",
    "step": "cqs quality_step credit_quality_step issuer_cqs",
    "main_index": "main_index is_main_index",
}
_EXPECTED = {
    "collateral_ratio": "collateral_haircut haircut Hc H_C Hc_scaled",
    "currency_ratio": "fx_haircut Hfx H_FX",
    "adjusted_value": "adjusted_collateral adjusted_value collateral_adjusted_value Cvam C_adj",
    "exposure": "adjusted_exposure E_star Estar ead_after_crm exposure_after",
}


def recognises(file: VectorFile) -> bool:
    cases = _cases(file)
    return (
        bool(cases) and {"exposure", "collateral"} <= set(cases[0]) and isinstance(cases[0]["collateral"], dict | list)
    )


def run(file: VectorFile) -> Iterable[CaseResult]:
    for place, case in enumerate(_cases(file)):
        name = str(case.get("id", case.get("scenario", case.get("name", place))))
        yield run_case(name, _CENT, partial(_case, folder=file.path.parent, case=case))


def _cases(file: VectorFile) -> list[dict[str, Any]]:
    content = file.content
    if isinstance(content, dict):
        content = content.get("cases", content.get("scenarios"))
    return content if isinstance(content, list) and content and isinstance(content[0], dict) else []


def _case(check: Comparison, folder: Path, case: dict[str, Any]) -> None:
    given = _read(case, _NAMES)
    exposure = given["exposure"]
    if isinstance(exposure, dict):
        inner = _read(exposure, {
            "exposure": "value amount", "exposure_currency": "currency", "exposure_years": "maturity maturity_years",
        })  # fmt: skip
        given |= inner
    expected = _read(given["expected"], _EXPECTED)
    lots = given["collateral"] if isinstance(given["collateral"], list) else [given["collateral"]]
    rows = _rows(folder, str(given.get("table", "crr")))
    protection, last = 0.0, (0.0, 0.0)
    for lot in lots:
        counted, last = _protection(given, _read(lot, _COLLATERAL), rows)
        protection += counted
    found = adjusted_exposure(
        exposure=given["exposure"], exposure_ratio=given.get("exposure_ratio", 0.0), collateral=protection,
        collateral_ratio=0.0, currency_ratio=0.0,
    )  # fmt: skip
    figures = {"collateral_ratio": last[0], "currency_ratio": last[1], "adjusted_value": protection, "exposure": found}
    for name, number in expected.items():
        check.number(name, number, figures[name])


def _protection(
    given: dict[str, Any], lot: dict[str, Any], rows: tuple[SupervisoryRow, ...]
) -> tuple[float, tuple[float, float]]:
    periods = {"holding_days": given.get("holding_days", 10), "remargin_days": given.get("remargin_days", 1)}
    asset = SupervisoryAsset(
        kind=lot["kind"], quality_step=lot.get("step"), residual_years=lot.get("years"),
        is_main_index=lot.get("main_index"),
    )  # fmt: skip
    ratio = remargined_ratio(ten_day_ratio(rows, asset), **periods)
    own = given.get("exposure_currency")
    mismatch = given.get("currency_mismatch", own is not None and lot.get("currency", own) != own)
    currency = remargined_ratio(_CURRENCY_RATIO, **periods) if mismatch else 0.0
    value = lot["value"] * max(0.0, 1.0 - ratio - currency)
    if given.get("maturity_mismatch", True) and lot.get("years") is not None and "exposure_years" in given:
        value = matched_protection(
            value, protection_years=lot["years"], exposure_years=given["exposure_years"]
        )  # fmt: skip
    return value, (ratio, currency)


def _rows(folder: Path, table: str) -> tuple[SupervisoryRow, ...]:
    beside = folder / "supervisory_haircuts.json"
    if not beside.is_file():
        raise Skip("no table of haircuts beside the cases")
    name = next((full for short, full in _TABLES.items() if table.lower().startswith(short)), None)
    if name is None:
        raise UnknownKey(f"table {table}")
    return table_rows(read_vector_file(beside).content[name])


def _read(found: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Read a mapping by our names; a key that no name has is never guessed at."""
    ours = {alias: name for name, aliases in names.items() for alias in aliases.split()}
    unknown = sorted(set(found) - set(ours))
    if unknown:
        raise UnknownKey(", ".join(unknown))
    return {ours[key]: value for key, value in found.items() if value is not None and not _is_nan(value)}


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
