"""Margin under a credit support annex: haircuts that add, delivery and return amounts, amounts in transit."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.units import Currency, Money
from collateral.calc.close_out import RepoSide
from collateral.calc.eligibility import (
    Boundary,
    CollateralAsset,
    Criteria,
    EligibilityRule,
    MaturityBound,
    MaturityIs,
    MaturityKind,
    Mismatch,
    PeriodUnit,
    RatedBy,
    Rating,
    Trait,
    TraitIs,
    Treatment,
    TypeIs,
    eligibility_of,
)
from collateral.calc.haircuts import HaircutUse
from collateral.calc.margin import (
    MarginPosition,
    MarginTerms,
    PostedItem,
    Rounding,
    RoundingDirection,
    adjusted_value,
    margin_movement,
)
from collateral.calc.repo import ExposureMethod, FxUsed, RepoTerms
from collateral.calc.repo_exposure import RepoExposureInputs, decide_repo_exposure
from collateral.calc.repo_margin import RepoMargin
from collateral.calc.repo_netting import NettingInputs, decide_repo_netting, netted_repo
from tests.collateral.world import haircut, price
from tests.vectors.comparison import CaseResult, Comparison, only_keys, run_case
from tests.vectors.files import VectorFile

_BASE = Currency.USD
_NOTHING = Money(0, _BASE)


def recognises(file: VectorFile) -> bool:
    return file.has("haircut_stacking")


def run(file: VectorFile) -> Iterable[CaseResult]:
    yield run_case("haircut stacking", file.tolerance, lambda check: _stacking(check, file))
    rows: list[dict[str, Any]] = file.content.get("rows", [])
    for row in rows:
        yield run_case(row["name"], file.tolerance, partial(_row, row=row))
    if "prior_in_transit" in file.content:
        yield run_case("in transit", file.tolerance, lambda check: _in_transit(check, file))
    traps: list[dict[str, Any]] = file.content.get("eligibility_traps", [])
    for trap in traps:
        yield run_case(trap["case"], file.tolerance, partial(_trap, trap=trap))


def _trap(check: Comparison, trap: dict[str, Any]) -> None:
    """Judge the assets that a public engine gets wrong; the case is told in words, so it is put together here."""
    only_keys(trap, "case", "right", "CDM_CheckEligibilityByDetails", "CDM_CheckMaturity", "CDM")
    debt = TypeIs(asset_type="SECURITY", security_type="DEBT")
    asset = CollateralAsset(
        asset_type="SECURITY",
        security_type="DEBT",
        issuer_country="US",
        asset_ratings=(Rating(agency="STANDARD_AND_POORS", notation="A"),),
        matures_on=date(2027, 6, 30),
    )
    year = MaturityBound(count=1, unit=PeriodUnit.YEAR, is_inclusive=False)
    wanted = Rating(agency="STANDARD_AND_POORS", notation="BBB")
    cases: dict[str, tuple[EligibilityRule, ...]] = {
        "asset matches": (_rule(debt), _rule(TraitIs(trait=Trait.ISSUER_COUNTRY, value="US"), is_included=False)),
        "exclusive lower": (_rule(MaturityIs(kind=MaturityKind.REMAINING, lower=year, upper=None)),),
        "rating boundary": (
            _rule(RatedBy(of_issuer=False, rating=wanted, boundary=Boundary.MINIMUM, mismatch=Mismatch.OWN)),
        ),
    }
    (rules,) = [rules for start, rules in cases.items() if trap["case"].startswith(start)]
    found = eligibility_of(asset, rules, on=date(2025, 6, 30))
    check.same("eligible", trap["right"] == "eligible", found.is_eligible)


def _rule(criteria: Criteria, *, is_included: bool = True) -> EligibilityRule:
    return EligibilityRule(
        criteria=criteria,
        treatment=Treatment(
            is_included=is_included,
            margin_ratio=None,
            haircut_ratio=None,
            fx_haircut_ratio=None,
            additional_haircut_ratio=None,
            limits=(),
        ),
    )


def _money(amount: object) -> Money:
    return Money.of(str(amount), _BASE)


def _terms(*, threshold: object, minimum: object, rounding: object) -> MarginTerms:
    multiple = _money(rounding)
    return MarginTerms(
        threshold=_money(threshold),
        minimum_transfer=_money(minimum),
        delivery_rounding=Rounding(multiple=multiple, direction=RoundingDirection.UP),
        return_rounding=Rounding(multiple=multiple, direction=RoundingDirection.DOWN),
    )


def _stacking(check: Comparison, file: VectorFile) -> None:
    case = file.content["haircut_stacking"]
    only_keys(case, "posted", "haircut", "fx", "additional", "right_additive", "what_CDM_code_gives", "why")
    item = PostedItem(
        market_value=Money.of(str(case["posted"]), Currency.EUR),
        base_per_unit=Decimal(1),
        haircut_ratio=Decimal(str(case["haircut"])),
        fx_haircut_ratio=Decimal(str(case["fx"])),
        additional_ratio=Decimal(str(case["additional"])),
    )
    check.same("adjusted value", Decimal(str(case["right_additive"])), adjusted_value(item, _BASE).amount)


def _row(check: Comparison, row: dict[str, Any]) -> None:
    only_keys(
        row, "name", "exposure", "ia_from_pledgor", "ia_to_pledgor", "threshold", "posted_adjusted_value", "mta",
        "rounding", "expect",
    )  # fmt: skip
    expect = row["expect"]
    only_keys(expect, "credit_support_amount", "delivery", "return")
    position = MarginPosition(
        exposure=_money(row["exposure"]),
        independent_from_pledgor=_money(row["ia_from_pledgor"]),
        independent_to_pledgor=_money(row["ia_to_pledgor"]),
        posted=_money(row["posted_adjusted_value"]),
        delivery_in_transit=_NOTHING,
        return_in_transit=_NOTHING,
    )
    terms = _terms(threshold=row["threshold"], minimum=row["mta"], rounding=row["rounding"])
    found = margin_movement(position, terms)
    check.same("credit support amount", _money(expect["credit_support_amount"]), found.credit_support)
    check.same("delivery", _money(expect["delivery"]), found.delivery)
    check.same("return", _money(expect["return"]), found.returned)
    _repo(check, row, terms)


def _repo(check: Comparison, row: dict[str, Any], terms: MarginTerms) -> None:
    """Let a repo have the row's exposure and margin: by itself and on a net the same moves as of any agreement."""
    exposure = _repo_exposure(row, terms)
    alone = decide_repo_exposure(exposure)
    check.same(
        "exposure of the repo", Decimal(row["exposure"]) - Decimal(row["posted_adjusted_value"]), alone.exposure_cny
    )
    check.same("delivery of a repo", Decimal(row["expect"]["delivery"]), alone.margin_call_amount)
    check.same("return of a repo", Decimal(row["expect"]["return"]), alone.margin_return_amount)
    net = decide_repo_netting(
        NettingInputs(
            first_party_id="1", first_party="-", second_party_id="2", second_party="-", opinion="-",
            valuation_date=exposure.valuation_date, returns_margin=True,
            repos=(netted_repo(exposure, side=RepoSide.BUYER, exposure_decision_id="-"),),
        )
    )  # fmt: skip
    check.same("delivery on a net", Decimal(row["expect"]["delivery"]), net.call_amount)
    check.same("return on a net", Decimal(row["expect"]["return"]), sum(one.amount for one in net.returns or ()))


def _repo_exposure(row: dict[str, Any], terms: MarginTerms) -> RepoExposureInputs:
    """Give R = E + 10,000,000 of cash against 100,000 t at 100, without interest or haircut, at a rate of one.

    The unit is one of which the sample world knows a haircut for repos, though the agreed one of nought stands.
    """
    unit, day = Unit.parse("SZA-2024"), date(2025, 6, 30)
    return RepoExposureInputs(
        terms=RepoTerms(
            code="R", unit=unit, quantity_t=100_000, purchase_date=date(2025, 6, 29), repurchase_date=date(2025, 7, 29),
            currency=_BASE, purchase_price_amount=Decimal(row["exposure"]) + 10_000_000, rate=Decimal(0),
            basis=DayCount.ACT_360, method=ExposureMethod.B, minimum_transfer_amount=Decimal(0),
            agreed_haircut_ratio=Decimal(0),
        ),
        valuation_date=day,
        price=price("100"),
        haircut=haircut(unit, use=HaircutUse.REPO, cross_currency=True),
        fx=FxUsed(cny_per_unit=Decimal(1), quote_date=day, source="-"),
        margin_units_t=0, margin_cash_amount=Decimal(row["posted_adjusted_value"]), returns_margin=True,
        agreed=RepoMargin(terms=terms, independent=Decimal(row["ia_from_pledgor"]), document="-", source="-"),
    )  # fmt: skip


def _in_transit(check: Comparison, file: VectorFile) -> None:
    case = file.content["prior_in_transit"]
    only_keys(
        case, "posted_settled", "delivery_called_yesterday_in_transit", "return_called_in_transit",
        "credit_support_amount", "mta", "rounding", "right_delivery", "wrong_if_in_transit_ignored",
    )  # fmt: skip
    position = MarginPosition(
        exposure=_money(case["credit_support_amount"]),
        independent_from_pledgor=_NOTHING,
        independent_to_pledgor=_NOTHING,
        posted=_money(case["posted_settled"]),
        delivery_in_transit=_money(case["delivery_called_yesterday_in_transit"]),
        return_in_transit=_money(case["return_called_in_transit"]),
    )
    found = margin_movement(position, _terms(threshold=0, minimum=case["mta"], rounding=case["rounding"]))
    check.same("delivery", _money(case["right_delivery"]), found.delivery)
    check.same("return", _NOTHING, found.returned)
