"""The format of published loan schedules: conventions the runner reads, by hand and by a published anchor."""

from pathlib import Path

import pytest

from tests.vectors.comparison import Outcome
from tests.vectors.running import FileReport, run_file

HEAD = "payment,payment_amount,principal,interest,balance\n"
SOURCE = '[source]\nkind = "synthetic"\n'
ROUNDING = 'payment_rounding = "ROUND_HALF_UP"\ninterest_rounding = "ROUND_HALF_UP"\n'


def report(folder: Path, loan: str, expected: str, rows: str = "") -> FileReport:
    path = folder / "loan.toml"
    path.write_text(f"[loan]\n{ROUNDING}{loan}\n{SOURCE}[expected]\n{expected}\n", encoding="utf-8")
    path.with_suffix(".csv").write_text(HEAD + rows, encoding="utf-8")
    return run_file(path)


def outcomes(found: FileReport) -> list[tuple[Outcome, str]]:
    return [(result.outcome, result.why) for result in found.results]


def test_a_multifamily_loan_by_days(tmp_path: Path) -> None:
    # Fannie Mae, Multifamily Selling and Servicing Guide, section 1103: 25 million at 5.5 %, actual/360, ten years of 30
    found = report(
        tmp_path,
        'principal = "25000000"\nannual_rate = "5.5"\nterm_months = 120\namortization_period_months = 360\n'
        'day_count = "actual/360"\nstart_date = "2018-12-01"',
        'periodic_payment = "141947.25"\nballoon_at_term = "20885505.83"',
    )
    assert outcomes(found) == [(Outcome.PASSED, "")]


# 1,000.00 at 1 % a month over four: 256.28. From the second at 2 % a month; a cap of 256.31 (256.28 x 1.0001 = 256.3056)
# binds below 261.36. Interest 15.0744, then 2 % of 512.48 and of 266.42.
CAPPED = (
    'principal = "1000.00"\nannual_rate = "12"\nterm_months = 4\n[[loan.rate_schedule]]\neffective_payment_number = 2\n'
    'new_annual_rate = "24"\npayment_cap_factor = "1.0001"'
)
ROWS = "1,256.28,246.28,10.00,753.72\n2,256.31,241.24,15.07,512.48\n3,256.31,246.06,10.25,266.42\n4,271.75,266.42,5.33,0.00\n"


def test_a_cap_on_a_recast_payment(tmp_path: Path) -> None:
    assert outcomes(report(tmp_path, CAPPED, 'periodic_payment = "256.28"', ROWS)) == [(Outcome.PASSED, "")]


def test_interest_only_then_a_level(tmp_path: Path) -> None:
    # two months of 10.00, then 1,000.00 over two at 1 %: 507.51 (507.5124), 502.4851 of it to the last of 507.51
    rows = "1,10.00,0.00,10.00,1000.00\n2,10.00,0.00,10.00,1000.00\n3,507.51,497.51,10.00,502.49\n4,507.51,502.49,5.02,0.00\n"
    loan = 'principal = "1000.00"\nannual_rate = "12"\nterm_months = 4\ninterest_only_months = 2'
    assert outcomes(report(tmp_path, loan, 'periodic_payment = "10.00"', rows)) == [(Outcome.PASSED, "")]


@pytest.mark.parametrize(
    ("loan", "expected", "outcome"),
    [
        (CAPPED, 'periodic_payment = "256.29"', Outcome.FAILED),
        (CAPPED, 'periodic_payment = "256.28"\nsurprise = 1', Outcome.SKIPPED),
        (f"surprise = 1\n{CAPPED}", 'periodic_payment = "256.28"', Outcome.SKIPPED),
        (f'day_count = "30/365"\n{CAPPED}', 'periodic_payment = "256.28"', Outcome.SKIPPED),
    ],
)
def test_other_figures_fail_and_other_keys_are_named(
    tmp_path: Path, loan: str, expected: str, outcome: Outcome
) -> None:
    found = report(tmp_path, loan, expected)
    assert [result.outcome for result in found.results] == [outcome]


def test_a_wrong_row_fails(tmp_path: Path) -> None:
    found = report(tmp_path, CAPPED, 'periodic_payment = "256.28"', ROWS.replace("241.24", "241.25"))
    assert [result.outcome for result in found.results] == [Outcome.FAILED]
