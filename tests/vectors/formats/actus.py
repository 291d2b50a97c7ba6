"""The contract standard's own cases: its loans through the event engine, all of a file side by side."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from loans.calc.contracts.actus.runner import Contract, ListedEvent, run_contracts
from loans.calc.contracts.actus.terms import LOAN_TYPES, UnsupportedTerm, contract_terms
from tests.vectors.comparison import CaseResult, Comparison, Skip, Tolerance, only_keys, run_case
from tests.vectors.files import VectorFile

# The reference runner rounds to ten decimals; results are stored with as many, or with the digits of a float.
_RELATIVE, _ABSOLUTE = 1e-9, 1e-8
_TOLERANCE = Tolerance(value=_RELATIVE, is_absolute=False, source="description")
_FIELDS = {
    "payoff": "payoff",
    "notionalPrincipal": "notional",
    "nominalInterestRate": "rate",
    "accruedInterest": "accrued",
}


_PARTS = {"identifier", "terms", "results"}


def recognises(file: VectorFile) -> bool:
    return any(isinstance(case, dict) and set(case) >= _PARTS for case in _cases(file).values())


def _cases(file: VectorFile) -> dict[str, Any]:
    """Give the cases by name: a file holds them by name, as a list, or one alone."""
    content = file.content
    if isinstance(content, dict):
        return {str(content["identifier"]): content} if set(content) >= _PARTS else content
    if isinstance(content, list):
        return {f"{place} {_name(case)}".strip(): case for place, case in enumerate(content, start=1)}
    return {}


def _name(case: object) -> str:
    return str(case.get("identifier", "")) if isinstance(case, dict) else ""


def run(file: VectorFile) -> Iterable[CaseResult]:
    """Run what is understood in one walk, so that cases of every length stand beside each other."""
    contracts: dict[str, Contract | Exception] = {}
    cases = _cases(file)
    for name, case in cases.items():
        try:
            contracts[name] = _contract(case)
        except Exception as error:  # noqa: BLE001 - told as that case's result below
            contracts[name] = error
    understood = {name: contract for name, contract in contracts.items() if isinstance(contract, Contract)}
    found = _run_all(understood)
    for name, case in cases.items():
        outcome = found.get(name, contracts[name])
        yield run_case(name, _TOLERANCE, lambda check, case=case, outcome=outcome: _case(check, case, outcome))


def _run_all(contracts: Mapping[str, Contract]) -> dict[str, list[ListedEvent] | Exception]:
    try:
        return dict(zip(contracts, run_contracts(list(contracts.values())), strict=True))
    except Exception:  # noqa: BLE001 - one case breaks the walk of all: each is walked alone, and told apart
        return {name: _run_one(contract) for name, contract in contracts.items()}


def _run_one(contract: Contract) -> list[ListedEvent] | Exception:
    try:
        return run_contracts([contract])[0]
    except Exception as error:  # noqa: BLE001 - told as that case's result
        return error


def _contract(case: object) -> Contract:
    if not isinstance(case, dict):
        message = f"a case is {type(case).__name__}, no mapping"
        raise TypeError(message)
    only_keys(case, "identifier", "terms", "to", "dataObserved", "eventsObserved", "results")
    kind = str(case["terms"].get("contractType")).strip()
    if kind not in LOAN_TYPES:
        raise Skip(f"contracts of type {kind} are out of scope")
    if case.get("eventsObserved"):
        raise Skip("observed events are out of scope")
    market = {
        code: [(datetime.fromisoformat(point["timestamp"]), float(point["value"])) for point in series["data"]]
        for code, series in case.get("dataObserved", {}).items()
    }
    until = datetime.fromisoformat(case["to"]) if case.get("to") else None
    try:
        return Contract(terms=contract_terms(case["terms"]), until=until, market=market)
    except UnsupportedTerm as error:
        raise Skip(f"out of scope: {error}") from error


def _case(check: Comparison, case: Mapping[str, Any], outcome: object) -> None:
    if isinstance(outcome, UnsupportedTerm):
        raise Skip(f"out of scope: {outcome}") from outcome
    if isinstance(outcome, Exception):
        raise outcome
    assert isinstance(outcome, list)
    wanted = [(_instant(row["eventDate"]), row["eventType"]) for row in map(_by_kind, case["results"])]
    check.same("events", wanted, [(event.day, event.kind) for event in outcome])
    if check.differences:
        return
    for place, (row, event) in enumerate(zip(map(_by_kind, case["results"]), outcome, strict=True)):
        for name, attribute in _FIELDS.items():
            if name in row:
                label = f"{name} of {event.kind} {place} on {event.day.date()}"
                check.number(label, float(row[name]), getattr(event, attribute), scale=_ABSOLUTE / _RELATIVE)


def _by_kind(row: Mapping[str, Any]) -> Mapping[str, Any]:
    only_keys(
        row, "eventDate", "eventType", "payoff", "currency", "notionalPrincipal", "nominalInterestRate",
        "accruedInterest",
    )  # fmt: skip
    return row


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
