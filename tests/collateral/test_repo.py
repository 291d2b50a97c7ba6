"""Repo R1 of the sample scenario, and the shared GMRA vectors."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency, round_half_up, round_up
from carbonfin.rules.whole_trace import whole_trace
from collateral.calc.haircuts import HaircutUse, stacked_ratio
from collateral.calc.repo import (
    ExposureMethod,
    FxUsed,
    RepoStartInputs,
    RepoTerms,
    decide_repo_start,
)
from collateral.calc.repo_accrual import accrued_value
from collateral.calc.repo_exposure import RepoExposureInputs, decide_repo_exposure
from collateral.calc.repo_ratios import (
    exposure_method_a,
    exposure_method_b,
    haircut_of_margin_ratio,
    lendable_cny,
    margin_ratio,
)
from collateral.calc.tables_asked import tables_asked_of_repo
from tests.collateral.world import TODAY, price
from tests.collateral.world import haircut as haircut_of

TERMS = RepoTerms(
    code="R1",
    unit=Unit.parse("SZA-2023"),
    quantity_t=100000,
    purchase_date=date(2025, 5, 20),
    repurchase_date=date(2025, 7, 21),
    currency=Currency.HKD,
    purchase_price_amount=Decimal("2400000.00"),
    rate=Decimal("0.0420"),
    basis=DayCount.ACT_365,
    method=ExposureMethod.B,
    minimum_transfer_amount=Decimal("50000.00"),
)
HAIRCUT = haircut_of(TERMS.unit, use=HaircutUse.REPO, cross_currency=True)


def fx(rate: str, day: date) -> FxUsed:
    return FxUsed(cny_per_unit=Decimal(rate), quote_date=day, source="ECB cross")


def test_repo_r1_at_the_start() -> None:
    outcome = decide_repo_start(
        RepoStartInputs(terms=TERMS, price=price("43.00"), haircut=HAIRCUT, fx=fx("0.922540", date(2025, 5, 20)))
    )
    assert outcome.haircut_ratio == Decimal("0.48")
    assert outcome.market_value_cny == Decimal("4300000.00")
    assert outcome.lendable_cny == Decimal("2236000.00")
    assert outcome.lendable_amount == Decimal("2423743.14")
    assert outcome.repurchase_price_amount == Decimal("2417122.19")
    assert outcome.is_within_lendable


def exposure(minimum: str = "50000.00", method: ExposureMethod = ExposureMethod.B) -> RepoExposureInputs:
    return RepoExposureInputs(
        terms=replace(TERMS, minimum_transfer_amount=Decimal(minimum), method=method),
        valuation_date=TODAY,
        price=price("40.00"),
        haircut=HAIRCUT,
        fx=fx("0.912707", TODAY),
        margin_units_t=0,
        margin_cash_amount=Decimal("0.00"),
    )


def test_repo_r1_today() -> None:
    outcome = decide_repo_exposure(exposure())
    assert outcome.repurchase_price_amount == Decimal("2417122.19")
    assert outcome.accrued_value_amount == Decimal("2411322.74")
    assert outcome.accrued_value_cny == Decimal("2200831.14")
    assert outcome.market_value_cny == Decimal("4000000.00")
    assert outcome.exposure_b_cny == Decimal("120831.14")
    assert outcome.exposure_a_cny == Decimal("232367.58")
    assert outcome.exposure_cny == outcome.exposure_b_cny
    assert outcome.margin_call_amount == Decimal("132387.66")
    assert outcome.margin_call_units_t == 5810
    assert outcome.is_called


@pytest.mark.parametrize("method", list(ExposureMethod))
def test_units_that_count_nothing_meet_no_call(method: ExposureMethod) -> None:
    """A haircut of the whole leaves all of the value open, in cash: no number of such tonnes covers a fen of it."""
    asked = exposure(method=method)
    whole = replace(asked, terms=replace(asked.terms, agreed_haircut_ratio=Decimal(1)))
    outcome = decide_repo_exposure(whole)
    assert (outcome.exposure_cny, outcome.is_called) == (Decimal("2200831.14"), True)
    assert (outcome.margin_call_units_t, outcome.margin_call_amount) == (0, Decimal("2411322.74"))


@pytest.mark.parametrize(("minimum", "called"), [("132387.66", True), ("132387.67", False)])
def test_the_minimum_transfer_itself_is_called(minimum: str, called: bool) -> None:  # noqa: FBT001 - a table column
    outcome = decide_repo_exposure(exposure(minimum))
    assert outcome.is_called is called
    assert (outcome.margin_call_units_t, outcome.margin_call_amount) == (
        (5810, Decimal("132387.66")) if called else (0, Decimal("0.00"))
    )


def test_margin_delivered_ends_the_call() -> None:
    outcome = decide_repo_exposure(replace(exposure(), margin_units_t=5810))
    assert outcome.exposure_b_cny == Decimal("-16.86")
    assert not outcome.is_called
    assert not decide_repo_exposure(replace(exposure(), margin_cash_amount=Decimal("132387.66"))).is_called


def test_terms_that_cannot_be_are_refused() -> None:
    with pytest.raises(InvalidInput):
        replace(TERMS, repurchase_date=TERMS.purchase_date)
    with pytest.raises(InvalidInput):
        margin_ratio(Decimal(1))


VECTOR = Path(__file__).parents[3] / "shared" / "vectors" / "collateral" / "collateral_gmra_repo.json"
needs_vector = pytest.mark.skipif(not VECTOR.exists(), reason=f"shared vectors are not at {VECTOR}")


@needs_vector
def test_shared_gmra_vectors() -> None:
    vector = json.loads(VECTOR.read_text(encoding="utf-8"))
    execution = vector["cdm_events"][0]
    value = accrued_value(
        purchase_price=Decimal(execution["purchase_price"]),
        rate=Decimal(execution["rate"]),
        basis=DayCount.ACT_360,
        start=date.fromisoformat(execution["purchase"]),
        end=date.fromisoformat(execution["repurchase"]),
        places=6,
    )
    assert value == Decimal(execution["repurchase_price_computed"])
    nominal, haircut = Decimal(execution["nominal"]), Decimal(execution["haircut"])
    assert lendable_cny(nominal * Decimal(execution["dirty"]), haircut) == Decimal(execution["purchase_price"])
    assert lendable_cny(nominal * Decimal("0.9925"), haircut) == Decimal(vector["cdm_events"][1]["check"])
    for row in vector["haircut_vs_margin_ratio"]:
        found = haircut_of_margin_ratio(Decimal(str(row["margin_ratio"])))
        assert abs(found - Decimal(str(row["haircut"]))) < Decimal("1e-12")
    both = vector["method_A_vs_B"]
    assert abs(margin_ratio(haircut) - Decimal(both["MR"])) < Decimal("1e-15")
    given = {"repurchase_value": Decimal(both["R"]), "market_value": Decimal(both["MV"]), "haircut_ratio": haircut}
    assert exposure_method_a(**given) == Decimal(both["E_A"])
    assert exposure_method_b(**given) == Decimal(both["E_B"])


@needs_vector
def test_shared_repo_interest_and_stacking() -> None:
    vector = json.loads(VECTOR.read_text(encoding="utf-8"))
    worked = vector["worked_treasury_repo"]
    cash = Decimal(worked["cash"])
    assert lendable_cny(Decimal(worked["market_value"]), Decimal(worked["haircut"])) == cash
    due = accrued_value(
        purchase_price=cash,
        rate=Decimal(worked["rate"]),
        basis=DayCount.ACT_360,
        start=date(2025, 1, 1),
        end=date.fromordinal(date(2025, 1, 1).toordinal() + worked["days"]),
    )
    assert due - cash == Decimal(worked["interest_ACT360_computed"])
    cross = vector["cross_currency_carbon_repo_constructed"]
    ratio = stacked_ratio([Decimal(cross["haircut"]), Decimal(cross["fx_haircut"])])
    lendable = lendable_cny(cross["units_t"] * Decimal(cross["price_CNY"]), ratio) / Decimal(cross["fx_CNH_per_USD"])
    assert round_half_up(lendable) == Decimal(cross["additive_cash_USD"])
    substituted = vector["cdm_events"][3]
    nominal = Decimal(9974250) / (Decimal("0.985") * Decimal("0.99"))
    assert round_half_up(nominal) == Decimal(substituted["check_unrounded"])
    assert round_up(nominal) == 10228427


def test_a_repo_shows_every_row_of_the_haircut_table() -> None:
    start = RepoStartInputs(terms=TERMS, price=price("43.00"), haircut=HAIRCUT, fx=fx("0.922540", date(2025, 5, 20)))
    (whole,) = map(whole_trace, tables_asked_of_repo(start))
    assert (whole.asked.about, len(whole.rows)) == (str(TERMS.unit), 4)
    # The built-in table asks for the use first: the rows of a pledge fail there, those of a repo fit.
    uses = {row.row_id: row.cells[whole.names.index("use")].state.value for row in whole.rows}
    assert uses == {"pledge": "fails", "pledge_cross": "fails", "repo": "fits", "repo_cross": "fits"}
