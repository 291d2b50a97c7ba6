"""Haircuts that stack: price, currency and additional parts are added, not multiplied."""

from collections.abc import Iterable
from decimal import Decimal

from collateral.calc.haircuts import haircut_value_cny, stacked_ratio
from tests.vectors.comparison import CaseResult, Comparison, Outcome, only_keys, run_case
from tests.vectors.files import VectorFile


def recognises(file: VectorFile) -> bool:
    return file.has("haircut_stacking")


def run(file: VectorFile) -> Iterable[CaseResult]:
    yield run_case("haircut stacking", file.tolerance, lambda check: _stacking(check, file))
    for name in ("rows", "prior_in_transit", "eligibility_traps"):
        part = file.content.get(name)
        for place, _ in enumerate(part if isinstance(part, list) else [part] if part else []):
            why = "credit support amounts and eligibility: collateral"
            yield CaseResult(name=f"{name} {place}", outcome=Outcome.SKIPPED, why=why)


def _stacking(check: Comparison, file: VectorFile) -> None:
    case = file.content["haircut_stacking"]
    only_keys(case, "posted", "haircut", "fx", "additional", "right_additive", "what_CDM_code_gives", "why")
    ratio = stacked_ratio(Decimal(str(case[name])) for name in ("haircut", "fx", "additional"))
    value_cny = haircut_value_cny(Decimal(str(case["posted"])), ratio)
    check.number("collateral value", Decimal(str(case["right_additive"])), value_cny)
