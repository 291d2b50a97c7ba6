"""Jump-diffusion haircuts: Kou's published call, and the file's haircuts by both inversions."""

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from collateral.calc.haircut_models.jump_diffusion import Method, Target, jump_haircut_ratios, kou_call
from collateral.calc.haircut_models.jump_model import JumpDiffusion
from tests.vectors.comparison import CaseResult, Comparison, Tolerance, only_keys, run_case
from tests.vectors.files import VectorFile

_KOU = Tolerance(value=5e-6, is_absolute=True, source="five decimals as published")
_HAIRCUT = Tolerance(value=1e-8, is_absolute=True, source="the two inversions agree to 1e-8")
_TARGETS = {"VaR": Target.VALUE_AT_RISK, "ES": Target.EXPECTED_SHORTFALL}


def recognises(file: VectorFile) -> bool:
    return file.has("published_anchor", "computed_here")


def run(file: VectorFile) -> Iterable[CaseResult]:
    anchor: dict[str, Any] = file.content["published_anchor"]
    yield run_case("Kou 2002 call", _KOU, partial(_kou, anchor=anchor))
    for name, row in file.content["computed_here"].items():
        yield run_case(name, _HAIRCUT, partial(_row, row=row))


def model_of(parameters: dict[str, Any], years: float) -> JumpDiffusion:
    only_keys(parameters, "mu", "sigma", "lambda", "p_up", "eta_up", "eta_down")
    return JumpDiffusion(
        drift_rate=np.array([1.0 * parameters["mu"]]),
        volatility=np.array([1.0 * parameters["sigma"]]),
        jumps_per_year=np.array([1.0 * parameters["lambda"]]),
        up_ratio=np.array([1.0 * parameters["p_up"]]),
        up_rate=np.array([1.0 * parameters["eta_up"]]),
        down_rate=np.array([1.0 * parameters["eta_down"]]),
        horizon_years=np.array([years]),
    )


def _kou(check: Comparison, anchor: dict[str, Any]) -> None:
    model = model_of(
        {
            "mu": 0.0, "sigma": anchor["sigma"], "lambda": anchor["lambda"], "p_up": anchor["p"],
            "eta_up": anchor["eta1"], "eta_down": anchor["eta2"],
        },
        anchor["T"],
    )  # fmt: skip
    for method in Method:
        call = kou_call(model, spot=anchor["S"], strike=anchor["K"], rate=anchor["r"], method=method)[0]
        check.number(f"call by {method}", anchor["call"], call)
        check.number(f"recomputed by {method}", anchor["recomputed_COS"], call)


def _row(check: Comparison, row: dict[str, Any]) -> None:
    only_keys(row, "params", "T_days", "year", "haircuts")
    model = model_of(row["params"], row["T_days"] / row["year"])
    for name, expected in row["haircuts"].items():
        if name.startswith("EL"):
            target, tail = Target.EXPECTED_LOSS, float(name.removeprefix("EL"))
        else:
            kind = name.rstrip("0123456789.")
            target, tail = _TARGETS[kind], 1.0 - float(name.removeprefix(kind)) / 100.0
        for method in Method:
            found = jump_haircut_ratios(model, target=target, tail_ratio=tail, method=method)[0]
            check.number(f"{name} by {method}", expected, found)
