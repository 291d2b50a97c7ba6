"""Rates tried over scores and LPR paths, beside decisions that were taken and interest worked out by hand."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.errors import InvalidInput
from loans.calc.contracts.terms import AccrualDates, CalendarDays, LoanTerms, RepaymentMethod
from loans.calc.jiangtandai import LprStep, decide_rate, rate_paths
from tests.loans.conftest import Desk
from tests.loans.samples import E4_USCI, l1_rate

EVERY_DAY = CalendarDays(
    name="every day", holidays=(), make_up_workdays=(), known_until=date(2030, 12, 31), works_make_up_days=False
)
START = date(2025, 7, 1)


def loan() -> LoanTerms:
    return LoanTerms(
        principal_cny=Decimal(1_000_000), drawdown_date=START, maturity_date=date(2025, 12, 28), rate=Decimal(0),
        basis=DayCount.ACT_360, method=RepaymentMethod.BULLET, interest_period_months=12, settlement_day=27,
        accrual_dates=AccrualDates.UNADJUSTED,
    )  # fmt: skip


@pytest.mark.parametrize("score", ["0", "70", "71.9", "100"])
def test_each_rate_is_the_one_that_would_be_decided(score: str) -> None:
    inputs = l1_rate()
    lpr = LprStep(start=inputs.applies_from, rate=inputs.lpr.rate)
    (found,) = rate_paths(inputs, scores=(Decimal(score),), path=(lpr,), loan=None, calendar=None)
    assert inputs.report is not None
    decided = decide_rate(replace(inputs, report=replace(inputs.report, score=Decimal(score))))
    assert (found.rates[0].executed_rate, found.rates[0].concession_bp) == (
        decided.executed_rate, decided.concession_bp,
    )  # fmt: skip
    assert found.interest_total_cny is None


def test_interest_follows_the_path_from_its_day() -> None:
    """No point over the base: LPR + 40 bp. 90 days at 3.4 %, 90 at 3.0 %, of a million: 8,500.00 and 7,500.00."""
    inputs = replace(l1_rate(), margin_bp=40, applies_from=START)
    path = (LprStep(start=START, rate=Decimal("0.030")), LprStep(start=date(2025, 9, 29), rate=Decimal("0.026")))
    (found,) = rate_paths(inputs, scores=(Decimal(0),), path=path, loan=loan(), calendar=EVERY_DAY)
    assert [rate.executed_rate for rate in found.rates] == [Decimal("0.034"), Decimal("0.030")]
    assert [due.row.interest_cny for due in found.dues] == [Decimal("8500.00"), Decimal("7500.00")]
    assert found.interest_total_cny == Decimal("16000.00")


@pytest.mark.parametrize(
    ("scores", "days", "field"),
    [
        ((), (START,), "scores"),
        ((Decimal(70),) * 22, (START,), "scores"),
        ((Decimal(70),), (), "lpr_path"),
        ((Decimal(70),), (date(2025, 7, 2),), "lpr_path"),
        ((Decimal(70),), (START, date(2025, 9, 1), date(2025, 8, 1)), "lpr_path"),
    ],
)
def test_what_cannot_be_tried_is_refused_by_its_field(scores: Any, days: Any, field: str) -> None:
    inputs = replace(l1_rate(), applies_from=START)
    path = tuple(LprStep(start=day, rate=Decimal("0.03")) for day in days)
    with pytest.raises(InvalidInput) as refused:
        rate_paths(inputs, scores=scores, path=path, loan=None, calendar=None)
    assert refused.value.field == field


def test_a_system_and_an_officer_try_rates_and_nothing_is_kept(desk: Desk) -> None:
    body = {
        "usci": E4_USCI, "margin_bp": 40, "lpr_tenor": "1Y", "applies_from": "2025-07-01", "scores": ["0", "80"],
        "loan": {
            "principal_cny": "1000000.00", "maturity_date": "2026-07-01", "method": "bullet",
            "interest_period_months": 1,
        },
    }  # fmt: skip
    answer = desk.system.post("/v1/rate-what-ifs", json=body)
    assert answer.status_code == 200
    told = answer.json()
    assert told["is_what_if"] is True
    assert [one["score"] for one in told["scores"]] == ["0", "80"]
    assert told["scores"][0]["rates"][0]["concession_bp"] == "0"
    assert Decimal(told["scores"][1]["interest_total_cny"]) < Decimal(told["scores"][0]["interest_total_cny"])
    wrong = desk.system.post("/v1/rate-what-ifs", json={**body, "lpr_path": [{"start": "2025-08-01", "rate": "0.03"}]})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "lpr_path")
    address = (
        f"/loans/what-if?usci={E4_USCI}&margin_bp=40&lpr_tenor=1Y&applies_from=2025-07-01&scores=0,80"
        "&lpr_path=2025-07-01 0.030%0A2025-10-21 0.028&principal_cny=1000000&maturity_date=2026-07-01&method=bullet"
        "&interest_period_months=1"
    )
    page = desk.get(address).text
    assert all(word in page for word in ("情景试算，不是利率决定", "3.40%", "3.20%", "较首个得分"))
    bad = desk.get(address.replace("0.028", "2.8%25"))
    assert (bad.status_code, "LPR 路径每行写" in bad.text) == (422, True)
    assert desk.get("/loans/what-if").status_code == 200
