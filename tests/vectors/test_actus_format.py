"""Cases of the contract standard as a folder may hold them: by name, as a list, alone; what is not understood is named."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.vectors.comparison import Outcome
from tests.vectors.running import FileReport, run_file

# 1,000 at 6 % of 365 from 1 January to 1 July 2025: 181 days, 29.7534246575
CASE: dict[str, Any] = {
    "identifier": "pam-1",
    "terms": {
        "contractType": "PAM", "contractID": "pam-1", "statusDate": "2024-12-30T00:00:00", "contractRole": "RPA",
        "initialExchangeDate": "2025-01-01T00:00:00", "maturityDate": "2025-07-01T00:00:00",
        "notionalPrincipal": "1000", "nominalInterestRate": "0.06", "dayCountConvention": "A365", "currency": "CNY",
    },
    "to": "2025-12-31T00:00:00", "dataObserved": {}, "eventsObserved": [],
    "results": [
        {"eventDate": "2025-01-01T00:00:00", "eventType": "IED", "payoff": -1000.0, "currency": "CNY",
         "notionalPrincipal": 1000.0, "nominalInterestRate": 0.06, "accruedInterest": 0.0},
        {"eventDate": "2025-07-01T00:00:00", "eventType": "IP", "payoff": 29.7534246575, "currency": "CNY",
         "notionalPrincipal": 1000.0, "nominalInterestRate": 0.06, "accruedInterest": 0.0},
        {"eventDate": "2025-07-01T00:00:00", "eventType": "MD", "payoff": 1000.0, "currency": "CNY",
         "notionalPrincipal": 0.0, "nominalInterestRate": 0.06, "accruedInterest": 0.0},
    ],
}  # fmt: skip


def report(folder: Path, content: object) -> FileReport:
    path = folder / "cases.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return run_file(path)


def changed(**terms: object) -> dict[str, Any]:
    return CASE | {"terms": CASE["terms"] | terms}


@pytest.mark.parametrize("content", [{"pam01": CASE}, [CASE, CASE], CASE])
def test_cases_by_name_as_a_list_and_alone(tmp_path: Path, content: object) -> None:
    found = report(tmp_path, content)
    assert found.format_name == "contract standard (ACTUS)"
    assert {one.outcome for one in found.results} == {Outcome.PASSED}
    assert len(found.results) == (2 if isinstance(content, list) else 1)


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        ({"gracePeriod": "P3D"}, "term gracePeriod"),
        ({"contractType": "CLM"}, "contracts of type CLM"),
        ({"contractRole": "ST"}, "contract role ST"),
        ({"dayCountConvention": "28E336"}, "day count 28E336"),
        ({"interestCalculationBase": "XX"}, "interestCalculationBase XX"),
        ({"endOfMonthConvention": "XX"}, "endOfMonthConvention XX"),
        ({"scalingEffect": "INM"}, "scalingEffect INM"),
        ({"penaltyRate": "0.1"}, "term penaltyRate"),
        ({"calendar": "CN", "businessDayConvention": "SCF", "cycleOfInterestPayment": "P1ML1"}, "SCF on calendar CN"),
    ],
)
def test_a_term_that_is_not_known_is_named_and_never_passed(tmp_path: Path, terms: dict[str, Any], why: str) -> None:
    """One beside a case that is understood: the other passes all the same."""
    found = report(tmp_path, {"known": CASE, "unknown": changed(**terms)})
    assert [one.outcome for one in found.results] == [Outcome.PASSED, Outcome.SKIPPED], found.results
    assert why in found.results[1].why


@pytest.mark.parametrize(
    "case",
    [
        {}, None, "x", [1], CASE | {"terms": None}, CASE | {"results": None},
        CASE | {"results": [{}]}, CASE | {"dataObserved": {"x": 1}}, CASE | {"to": "soon"},
        changed(notionalPrincipal="much"), changed(maturityDate="2020-02-30T00:00:00"),
        changed(cycleOfInterestPayment="P1XL9"), changed(maturityDate=None),
    ],
)  # fmt: skip
def test_a_case_that_cannot_be_read_fails_alone(tmp_path: Path, case: object) -> None:
    found = report(tmp_path, {"known": CASE, "broken": case})
    assert [one.outcome for one in found.results] == [Outcome.PASSED, Outcome.FAILED], found.results
    assert found.results[1].why
