"""Eligible-collateral schedules in CDM: written back equal, and each criterion met by one asset and missed by others.

The assets are put together here from the file's own words, so that nothing is judged by what read it.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from collateral.calc.cdm_schedules import read_schedule, schedule_faults, write_schedule
from collateral.calc.eligibility import CollateralAsset, DebtTraits, EligibilityRule, Rating, eligibility_of
from tests.vectors.comparison import CaseResult, Comparison, run_case
from tests.vectors.files import VectorFile

_ANY_DAY = date(2025, 6, 30)
_BEST = {"MOODYS": "Aaa", "FITCH": "AAA", "STANDARD_AND_POORS": "AAA"}
_WORST = {"MOODYS": "C", "FITCH": "D", "STANDARD_AND_POORS": "D"}

Facts = dict[str, tuple[object, object]]
"""What an asset needs by name, each with a value that does not do."""


class _Contradiction(Exception):
    """Two values of one fact are asked for at once."""


def recognises(file: VectorFile) -> bool:
    return file.has("criteria") and file.path.parent.name == "eligible-collateral"


def run(file: VectorFile) -> Iterable[CaseResult]:
    yield run_case("written back", file.tolerance, partial(_written_back, content=file.content))
    yield run_case("faults", file.tolerance, partial(_faults, content=file.content))
    for place, raw in enumerate(file.content["criteria"]):
        yield run_case(f"criterion {place}", file.tolerance, partial(_criterion, file=file, place=place, raw=raw))


def _written_back(check: Comparison, content: dict[str, Any]) -> None:
    check.same("as JSON", content, write_schedule(read_schedule(content)))


def _faults(check: Comparison, content: dict[str, Any]) -> None:
    found = [fault.place for fault in schedule_faults(read_schedule(content))]
    expected = []
    for place, raw in enumerate(content["criteria"]):
        try:
            _ways(raw["collateralCriteria"])
        except _Contradiction:
            expected.append(place)
        expected += [place] * len(list(_misnamed(raw["collateralCriteria"])))
        for limit in raw["treatment"].get("concentrationLimit", []):
            share = limit.get("percentageLimit", {}).get("upperBound", {}).get("number", 0)
            expected += [place] if share > 1 else []
    check.same("places", expected, found)


def _criterion(check: Comparison, file: VectorFile, place: int, raw: dict[str, Any]) -> None:
    rule = read_schedule(file.content)[place]
    check.same("included", raw["treatment"]["isIncluded"], rule.treatment.is_included)
    stated = raw["treatment"]["valuationTreatment"]["marginPercentage"]
    check.same("margin", Decimal(str(stated)), rule.treatment.margin_ratio)
    try:
        ways = _ways(raw["collateralCriteria"])
    except _Contradiction:
        for facts in _alternatives(raw["collateralCriteria"]):
            _judge(check, "no asset can", rule, _asset(facts), admitted=False)
        return
    for facts in ways:
        _judge(check, "admitted", rule, _asset(facts), admitted=True)
    for name, (_, wrong) in ways[0].items():
        _judge(check, f"{name} is wrong", rule, _asset(ways[0] | {name: (wrong, wrong)}), admitted=False)
        missing = {key: value for key, value in ways[0].items() if key != name}
        _judge(check, f"{name} is missing", rule, _asset(missing), admitted=False)


def _misnamed(value: Any) -> Iterable[dict[str, Any]]:
    """Give the notations of Moody's that are written in the manner of the others: AA- for Aa3."""
    if isinstance(value, list):
        for item in value:
            yield from _misnamed(item)
    elif isinstance(value, dict):
        if value.get("agency") == "MOODYS" and value["notation"]["value"][-1] in "+-":
            yield value
        for item in value.values():
            yield from _misnamed(item)


def _judge(check: Comparison, name: str, rule: EligibilityRule, asset: CollateralAsset, *, admitted: bool) -> None:
    check.same(name, admitted, eligibility_of(asset, (rule,), on=_ANY_DAY).is_eligible)


def _ways(criteria: dict[str, Any]) -> list[Facts]:
    """Give the ways to meet criteria: each alternative once, with the first of every other choice."""
    ((name, body),) = criteria.items()
    if name == "AnyCriteria":
        # Nobody can have a rating that does not exist; such an alternative is reported as a fault.
        return [way for part in body["anyCriteria"] if not list(_misnamed(part)) for way in _ways(part)]
    if name == "NegativeCriteria":
        return [{key: (wrong, right) for key, (right, wrong) in way.items()} for way in _ways(body["negativeCriteria"])]
    if name != "AllCriteria":
        return [_leaf(name, body)]
    parts = [_ways(part) for part in body["allCriteria"]]
    firsts = [part[0] for part in parts]
    found = [_merged(firsts)]
    for place, part in enumerate(parts):
        found += [_merged([*firsts[:place], way, *firsts[place + 1 :]]) for way in part[1:]]
    return found


def _merged(parts: list[Facts]) -> Facts:
    merged: Facts = {}
    for part in parts:
        for name, values in part.items():
            if merged.setdefault(name, values)[0] != values[0]:
                raise _Contradiction(name)
    return merged


def _alternatives(criteria: dict[str, Any]) -> list[Facts]:
    """Give, for criteria that contradict themselves, an asset for each part that does."""
    parts = [_ways(part)[0] for part in criteria["AllCriteria"]["allCriteria"]]
    return [parts[0] | part for part in parts[1:]]


def _leaf(name: str, body: Any) -> Facts:
    if name == "AssetType":
        return _type(body)
    if name == "CurrencyCodeEnum":
        return {"currency": (body, "XXX")}
    if name == "IndexType":
        return {"indices": (frozenset({body["equityIndex"]}), frozenset({"none"}))}
    if name == "CollateralIssuerType":
        return {"issuer_type": (body["issuerType"], "OTHER")}
    if name == "IssuerCountryOfOrigin":
        return {"issuer_country": (body["issuerCountryOfOrigin"], "XX")}
    rating = body["issuerAgencyRating" if name == "IssuerAgencyRating" else "assetAgencyRating"]
    agency = rating["creditNotation"]["agency"]
    right = (Rating(agency=agency, notation=rating["creditNotation"]["notation"]["value"]),)
    worse = _WORST if rating["boundary"] == "MINIMUM" else _BEST
    wrong = (Rating(agency=agency, notation=worse[agency]),)
    return {"issuer_ratings" if name == "IssuerAgencyRating" else "asset_ratings": (right, wrong)}


def _type(body: dict[str, Any]) -> Facts:
    facts: Facts = {"asset_type": (body["assetType"], "COMMODITY")}
    if "securityType" in body:
        facts["security_type"] = (body["securityType"], "FUND")
    for name, member in (("equity_type", "equityType"), ("depositary_receipt", "depositaryReceipt")):
        if member in body.get("equityType", {}):
            facts[name] = (body["equityType"][member], "OTHER")
    if "debtType" in body:
        (economics,) = body["debtType"]["debtEconomics"]
        flat = {
            "interest": economics.get("interest", ""),
            "redemption": economics.get("redemption", {}).get("redemptionType", ""),
            "secured": economics.get("secured", {}).get("securedType", ""),
            "backing": economics.get("secured", {}).get("assetBacked", ""),
        }
        right = DebtTraits(**flat)
        wrong = DebtTraits(**{key: "OTHER" for key, word in flat.items() if word})
        facts["debt"] = (right, wrong)
    return facts


def _asset(facts: Facts) -> CollateralAsset:
    given: dict[str, Any] = {name: right for name, (right, _) in facts.items()}
    return CollateralAsset(**{"asset_type": ""} | given)
