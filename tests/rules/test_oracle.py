"""zen-engine and carbonfin over every shared table that both carry, asked without missing values: the same answers."""

import os
from pathlib import Path

import pytest

from tests.vectors.comparison import Outcome
from tests.vectors.running import FileReport, run_file

SHARED = Path(os.environ.get("CARBONFIN_VECTORS", Path(__file__).parents[3] / "shared" / "vectors"))
LOANS = SHARED / "loans" / "loans_decision_table.json"
KIT = sorted((SHARED / "dmn-tck").rglob("*.dmn"))
CASES = sorted((SHARED / "dmn-tck").rglob("*-test-*.xml"))
GRAPHS = sorted((SHARED / "gorules-zen" / "graphs").glob("*.json"))
pytestmark = pytest.mark.skipif(
    not (LOANS.is_file() and KIT and CASES and GRAPHS), reason=f"the shared vectors are not at hand in {SHARED}"
)


def passed(reports: list[FileReport]) -> int:
    """Count what passed, and hold that nothing failed."""
    failed = [
        f"{report.path.name}: {result.name}: {result.why}"
        for report in reports
        for result in report.results
        if result.outcome is Outcome.FAILED
    ]
    assert failed == []
    return sum(report.count(Outcome.PASSED) for report in reports)


def test_the_table_of_loans_in_each_form_and_beside_the_oracle() -> None:
    report = run_file(LOANS)
    assert passed([report]) == len(report.results) >= 1003


def test_every_table_of_the_dmn_kit_that_jdm_can_hold() -> None:
    assert passed([run_file(path) for path in KIT]) >= 7


def test_every_case_of_the_dmn_kit_that_is_a_table() -> None:
    assert passed([run_file(path) for path in CASES]) >= 33


def test_every_table_of_the_graphs_that_is_carried() -> None:
    assert passed([run_file(path) for path in GRAPHS]) >= 55
