"""The contract standard's runner: its published cases where they lie, and hand-calculated contracts of our own."""

from datetime import datetime
from typing import Any

import pytest

from carbonfin.kernel.errors import InvalidInput, MissingData
from loans.calc.contracts.actus.cycles import cycle_of, schedule, shifted, year_fraction
from loans.calc.contracts.actus.runner import Contract, ListedEvent, run_contracts
from loans.calc.contracts.actus.terms import UnsupportedTerm, contract_terms
from tests.loans.samples import VECTORS
from tests.vectors.comparison import Outcome
from tests.vectors.running import run_file

ACTUS = VECTORS.parent / "actus"


@pytest.mark.parametrize(("kind", "cases"), [("pam", 13), ("lam", 16), ("nam", 11), ("ann", 16)])
def test_published_cases_event_for_event(kind: str, cases: int) -> None:
    path = ACTUS / f"actus-tests-{kind}.json"
    if not path.exists():
        pytest.skip(f"vectors absent: {path}")
    report = run_file(path)
    assert [result for result in report.results if result.outcome is not Outcome.PASSED] == []
    assert report.count(Outcome.PASSED) >= cases


@pytest.mark.parametrize("kind", ["LAX", "SWPPV"])
def test_other_kinds_are_named_as_out_of_scope(kind: str) -> None:
    path = ACTUS / f"actus-tests-{kind.lower()}.json"
    if not path.exists():
        pytest.skip(f"vectors absent: {path}")
    report = run_file(path)
    assert {result.why for result in report.results} == {f"contracts of type {kind} are out of scope"}


def terms(**other: Any) -> dict[str, Any]:
    """10,000 at 3.6 % by 30E/360 for a quarter, interest monthly: 30.00 a month."""
    plain = {
        "contractType": "PAM",
        "contractID": "own",
        "contractRole": "RPA",
        "statusDate": "2025-01-01T00:00:00",
        "initialExchangeDate": "2025-01-01T00:00:00",
        "maturityDate": "2025-04-01T00:00:00",
        "notionalPrincipal": " 10000",
        "nominalInterestRate": "0.036",
        "dayCountConvention": "30E360",
        "cycleAnchorDateOfInterestPayment": "2025-02-01T00:00:00",
        "cycleOfInterestPayment": "P1ML1",
    }
    return {name: value for name, value in (plain | other).items() if value is not None}


def listed(
    *, until: str | None = None, market: dict[str, list[tuple[str, float]]] | None = None, **other: Any
) -> list[ListedEvent]:
    return run_contracts(
        [
            Contract(
                terms=contract_terms(terms(**other)),
                until=None if until is None else datetime.fromisoformat(until),
                market={
                    code: [(datetime.fromisoformat(day), value) for day, value in points]
                    for code, points in (market or {}).items()
                },
            )
        ]
    )[0]


def lines(events: list[ListedEvent]) -> list[tuple[str, str, float]]:
    return [(f"{event.day:%m-%d}", event.kind, round(event.payoff, 6)) for event in events]


def test_interest_and_maturity_by_hand() -> None:
    expected = [
        ("01-01", "IED", -9_900.0),
        ("02-01", "IP", 30.0),
        ("03-01", "IP", 30.0),
        ("04-01", "IP", 30.0),
        ("04-01", "MD", 10_000.0),
    ]
    assert lines(listed(premiumDiscountAtIED="-100")) == expected
    borrowed = lines(listed(premiumDiscountAtIED="-100", contractRole="RPL"))
    assert borrowed == [(day, kind, -payoff) for day, kind, payoff in expected]
    assert lines(listed(until="2025-03-01", premiumDiscountAtIED="-100")) == expected[:3]


def test_contracts_of_any_length_stand_beside_each_other() -> None:
    short, long = (
        Contract(terms=contract_terms(terms(maturityDate=f"2025-{month}-01T00:00:00")), until=None, market={})
        for month in ("03", "12")
    )
    together = run_contracts([short, long, short])
    assert together == [run_contracts([part])[0] for part in (short, long, short)]
    assert run_contracts([]) == []


def test_redemptions_by_hand() -> None:
    cycle = {
        "cycleAnchorDateOfPrincipalRedemption": "2025-02-01T00:00:00",
        "cycleOfPrincipalRedemption": "P1ML1",
    }
    # 4,000 a month ends in the third month of itself; interest 30.00, 18.00, 6.00
    linear = lines(listed(contractType="LAM", maturityDate=None, nextPrincipalRedemptionPayment="4000", **cycle))
    assert linear[1:] == [
        ("02-01", "PR", 4_000.0),
        ("02-01", "IP", 30.0),
        ("03-01", "PR", 4_000.0),
        ("03-01", "IP", 18.0),
        ("04-01", "IP", 6.0),
        ("04-01", "MD", 2_000.0),
    ]
    # 5,030 a month less the interest: 5,000; then 5,015 less 15.00 of 5,000 leaves nothing
    negative = lines(listed(contractType="NAM", nextPrincipalRedemptionPayment="5030", **cycle))
    assert negative[1:5] == [
        ("02-01", "PR", 5_000.0),
        ("02-01", "IP", 30.0),
        ("03-01", "PR", 5_000.0),
        ("03-01", "IP", 15.0),
    ]
    # an annuity of two months at 0.3 %: 10,000 / (1/1.003 + 1/1.003^2) = 5,022.511233
    annuity = lines(listed(contractType="ANN", maturityDate="2025-03-01T00:00:00", **cycle))
    assert annuity[1:] == [
        ("01-31", "PRF", 0.0),
        ("02-01", "PR", 4_992.511233),
        ("02-01", "IP", 30.0),
        ("03-01", "IP", 15.022466),
        ("03-01", "MD", 5_007.488767),
    ]


def test_an_annuity_set_for_longer_than_the_contract_ends_with_the_rest() -> None:
    events = lines(
        listed(
            contractType="ANN",
            maturityDate="2025-03-01T00:00:00",
            amortizationDate="2025-05-01T00:00:00",
            cycleAnchorDateOfPrincipalRedemption="2025-02-01T00:00:00",
            cycleOfPrincipalRedemption="P1ML1",
        )
    )
    level = 10_000 * 0.003 / (1 - 1.003**-4)  # four payments, though two are made
    left = 10_000 - (level - 30)
    assert events[1:] == [
        ("01-31", "PRF", 0.0),
        ("02-01", "PR", round(level - 30, 6)),
        ("02-01", "IP", 30.0),
        ("03-01", "IP", round(left * 0.003, 6)),
        ("03-01", "MD", round(left, 6)),
    ]


def test_resets_within_limits() -> None:
    reset = {
        "cycleAnchorDateOfRateReset": "2025-02-01T00:00:00",
        "cycleOfRateReset": "P1ML1",
        "marketObjectCodeOfRateReset": "LPR",
        "rateSpread": "0.006",
    }
    market = {"LPR": [("2025-01-20T00:00:00", 0.042), ("2025-02-20T00:00:00", 0.01)]}
    free = listed(market=market, **reset)
    assert [round(event.rate, 6) for event in free if event.kind == "RR"] == [0.048, 0.016]
    held = listed(market=market, **reset, lifeCap="0.045", lifeFloor="0.02", periodFloor="-0.01", periodCap="0.02")
    assert [round(event.rate, 6) for event in held if event.kind == "RR"] == [0.045, 0.035]
    first = listed(market=market, **reset, nextResetRate="0.03")
    assert next((event.kind, event.rate) for event in first if event.kind in ("RRF", "RR")) == ("RRF", 0.03)
    with pytest.raises(MissingData):
        listed(market={"LPR": market["LPR"][1:]}, **reset)


def test_capitalised_interest_and_termination() -> None:
    events = listed(
        capitalizationEndDate="2025-02-01T00:00:00",
        terminationDate="2025-03-16T00:00:00",
        priceAtTerminationDate="9990",
    )
    # 30.00 is added; then 30.09 a month, and half of it to the sale
    assert lines(events)[1:] == [("02-01", "IPCI", 0.0), ("03-01", "IP", 30.09), ("03-16", "TD", 10_005.045)]
    assert [event.notional for event in events] == pytest.approx([10_000, 10_030, 10_030, 0])


def test_a_purchase_hides_what_was_before() -> None:
    events = listed(purchaseDate="2025-02-16T00:00:00", priceAtPurchaseDate="10050")
    assert lines(events)[0] == ("02-16", "PRD", -10_065.0)


def test_cycles_and_stubs() -> None:
    def days(cycle: str, end: str, convention: str = "SD", start: str = "2025-01-31") -> list[str]:
        found = schedule(
            datetime.fromisoformat(start), cycle, datetime.fromisoformat(end), end_of_month=convention, with_end=True
        )
        return [f"{day:%m-%d}" for day in found]

    assert days("P1ML1", "2025-04-15") == ["01-31", "02-28", "03-31", "04-15"]
    assert days("P1ML0", "2025-04-15") == ["01-31", "02-28", "04-15"]
    assert days("P1ML0", "2025-03-31") == ["01-31", "02-28", "03-31"]
    assert days("P1ML1", "2025-04-15", "EOM", "2025-02-28") == ["02-28", "03-31", "04-15"]
    assert days("P1ML1", "2025-04-15", "SD", "2025-02-28") == ["02-28", "03-28", "04-15"]
    assert days("P2WL1", "2025-02-20", "EOM") == ["01-31", "02-14", "02-20"]
    for wrong in ("1M", "P0ML1", "P1M L1", "P1XL1"):
        with pytest.raises(InvalidInput):
            cycle_of(wrong)


@pytest.mark.parametrize(
    ("convention", "paid", "calculated"),
    [
        ("NULL", "2025-05-31", "2025-05-31"),
        ("SCF", "2025-06-02", "2025-06-02"),
        ("SCMF", "2025-05-30", "2025-05-30"),
        ("SCP", "2025-05-30", "2025-05-30"),
        ("CSF", "2025-06-02", "2025-05-31"),
        ("CSMF", "2025-05-30", "2025-05-31"),
        ("CSP", "2025-05-30", "2025-05-31"),
    ],
)
def test_saturdays_at_month_end(convention: str, paid: str, calculated: str) -> None:
    found = shifted(datetime.fromisoformat("2025-05-31"), convention, "MF")
    assert tuple(f"{day:%Y-%m-%d}" for day in found) == (paid, calculated)
    stands = datetime.fromisoformat("2025-05-31")
    assert shifted(stands, convention, "NC") == (stands, stands)


def test_sundays_at_month_start() -> None:
    first = datetime.fromisoformat("2025-06-01")
    assert f"{shifted(first, 'SCMP', 'MF')[0]:%m-%d}" == "06-02"
    with pytest.raises(UnsupportedTerm):
        shifted(first, "SCF", "CN")


def test_day_counts_of_the_standard() -> None:
    start, end = datetime.fromisoformat("2024-12-30"), datetime.fromisoformat("2025-01-31T23:59:59")
    assert year_fraction("A365", start, end) == 33 / 365
    assert year_fraction("A360", start, end) == 33 / 360
    assert year_fraction("30E360", start, end) == 31 / 360
    assert year_fraction("AA", start, end) == pytest.approx(2 / 366 + 31 / 365, rel=1e-12)
    with pytest.raises(UnsupportedTerm):
        year_fraction("28E336", start, end)


@pytest.mark.parametrize(
    "wrong",
    [
        {"contractType": "LAX"},
        {"contractRole": "BUY"},
        {"feeRate": "0.01"},
        {"interestCalculationBase": "XX"},
        {"endOfMonthConvention": "XX"},
        {"scalingEffect": "INM"},
        {"maturityDate": None},
        {"maturityDate": "soon"},
        {"notionalPrincipal": "much"},
        {"nominalInterestRate": "nan"},
        {"notionalPrincipal": None},
        {"dayCountConvention": "B252"},
        {"periodFloor": "0.1", "periodCap": "-0.1"},
    ],
)
def test_terms_that_are_not_understood_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        listed(**wrong)


def test_payments_below_the_interest_give_no_maturity() -> None:
    with pytest.raises(InvalidInput):
        listed(
            contractType="NAM",
            maturityDate=None,
            nextPrincipalRedemptionPayment="10",
            cycleAnchorDateOfPrincipalRedemption="2025-02-01T00:00:00",
            cycleOfPrincipalRedemption="P1ML1",
        )
