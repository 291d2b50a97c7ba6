"""Credit support annexes in CDM: thresholds, minimum transfers, rounding and currencies as the file has them.

What is expected is taken from the file by its keys, and the margin that follows from it is struck by hand here.
"""

from collections.abc import Iterable
from decimal import Decimal
from functools import partial
from typing import Any

from carbonfin.kernel.units import Currency, Money
from collateral.calc.csa_terms import (
    CsaParty,
    CsaPartyTerms,
    RatingsThreshold,
    StatedAmount,
    margin_terms_of,
    read_csa,
    zone_of,
)
from collateral.calc.margin import Infinite, MarginPosition, margin_movement
from tests.vectors.comparison import CaseResult, Comparison, Skip, run_case
from tests.vectors.files import VectorFile

_ZONES = {
    "FRPA": "Europe/Paris", "GBLO": "Europe/London", "NYSE": "America/New_York", "THBA": "Asia/Bangkok",
    "USNY": "America/New_York",
}  # fmt: skip
_CURRENCIES = {currency.value for currency in Currency}


def recognises(file: VectorFile) -> bool:
    return file.has("agreementTerms", "legalAgreementIdentification") or file.has("agreementTerms", "contractualParty")


def run(file: VectorFile) -> Iterable[CaseResult]:
    elections = _find(file.content, "creditSupportObligations")
    if elections is None:
        yield run_case("terms", file.tolerance, _nothing)
        return
    yield run_case("currencies and rounding", file.tolerance, partial(_common, content=file.content))
    for party in ("PARTY_1", "PARTY_2"):
        yield run_case(party, file.tolerance, partial(_party, content=file.content, name=party))


def _nothing(_: Comparison) -> None:
    raise Skip("the agreement holds no threshold, minimum transfer, rounding or currency")


def _find(value: Any, name: str) -> Any:
    """Give the first member of a name, wherever it stands, or None."""
    if isinstance(value, list):
        return next((found for item in value if (found := _find(item, name)) is not None), None)
    if not isinstance(value, dict):
        return None
    if name in value:
        return value[name]
    return next((found for item in value.values() if (found := _find(item, name)) is not None), None)


def _common(check: Comparison, content: dict[str, Any]) -> None:
    terms = read_csa(content)
    stated = _find(content, "baseAndEligibleCurrency")
    check.same("base", stated["baseCurrency"], terms.base_currency)
    eligible = {
        *stated.get("eligibleCurrency", []),
        *([stated["baseCurrency"]] if stated["eligibleCurrencyInclBaseCurrency"] else []),
    }
    check.same("eligible", eligible, set(terms.eligible_currencies))
    rounding = _find(content, "creditSupportObligations").get("rounding")
    check.same("rounds", rounding is not None, terms.rounding is not None)
    if rounding is not None and terms.rounding is not None:
        check.same("rounding currency", rounding["currency"], terms.rounding.currency)
        check.same("delivery multiple", rounding["deliveryAmount"], terms.rounding.delivery_multiple)
        check.same("delivery direction", rounding["deliveryDirection"], terms.rounding.delivery_direction.upper())
        check.same("return multiple", rounding["returnAmount"], terms.rounding.return_multiple)
        check.same("return direction", rounding["returnDirection"], terms.rounding.return_direction.upper())
    hour = _find(content, "resolutionTime")
    check.same("resolution hour", hour["hourMinuteTime"], terms.resolution[0].isoformat())
    check.same("resolution centre", hour["businessCenter"]["value"], terms.resolution[1])
    check.same("zone", _ZONES[hour["businessCenter"]["value"]], zone_of(terms.resolution[1]).key)


def _election(content: dict[str, Any], name: str, party: str) -> dict[str, Any] | None:
    part = _find(content, "creditSupportObligations").get(name, {}).get("partyElection", [])
    return next((one for one in part if one["party"] == party), None)


def _party(check: Comparison, content: dict[str, Any], name: str) -> None:
    csa = read_csa(content)
    (terms,) = [one for one in csa.parties if one.party == name]
    minimum = _election(content, "minimumTransferAmount", name)
    assert minimum is not None
    _amount(check, "minimum", minimum["fixedAmount"]["amount"], terms.minimum_transfer.stated)
    fixed = minimum["fixedAmount"]
    check.same(
        "zero on", set(fixed.get("event", [])) if fixed["zeroEvent"] else set(), set(terms.minimum_transfer.zero_on)
    )
    independent = _election(content, "independentAmount", name)
    if independent is not None and independent["isApplicable"] and "fixedAmount" in independent:
        _amount(check, "independent", independent["fixedAmount"], terms.independent)
    else:
        check.same("independent", None, terms.independent)
    words = "additionalLanguage" in _find(content, "creditSupportObligations").get("independentAmount", {})
    other = words or (independent is not None and "ratingsXExposure" in independent)
    check.same("independent otherwise", other, terms.has_other_independent)
    threshold = _election(content, "threshold", name)
    _threshold(check, threshold, terms)
    _moves(check, content, name, threshold)


def _amount(check: Comparison, name: str, stated: dict[str, Any], found: object) -> None:
    expected = StatedAmount(amount=Decimal(stated["value"]), currency=stated["unit"]["currency"]["value"])
    check.same(name, expected, found)


def _threshold(check: Comparison, stated: dict[str, Any] | None, terms: CsaPartyTerms) -> None:
    found = terms.threshold.stated
    if stated is None:
        check.same("no threshold", 0, found.amount if isinstance(found, StatedAmount) else found)
    elif stated.get("infinity"):
        check.same("threshold", Infinite.INFINITE, found)
    elif "fixedAmount" in stated:
        _amount(check, "threshold", stated["fixedAmount"]["amount"], found)
    else:
        levels = [(one["name"], one["value"], one["amount"]) for one in stated["ratingsBased"]["variableSet"]]
        assert isinstance(found, RatingsThreshold)
        check.same("levels", levels, [(rating.agency, rating.notation, amount) for rating, amount in found.levels])
        for rating, amount in found.levels:
            check.same(f"threshold at {rating.notation}", amount, found.amount_for((rating,)).amount)


def _moves(check: Comparison, content: dict[str, Any], name: str, threshold: dict[str, Any] | None) -> None:
    """Strike the margin at threshold + minimum, and one cent below it."""
    if threshold is not None and "fixedAmount" not in threshold:
        return
    obligations = _find(content, "creditSupportObligations")
    base = _find(content, "baseAndEligibleCurrency")["baseCurrency"]
    minimum = next(one for one in obligations["minimumTransferAmount"]["partyElection"] if one["party"] == name)
    stated = [minimum["fixedAmount"]["amount"], *([threshold["fixedAmount"]["amount"]] if threshold else [])]
    csa = read_csa(content)

    def terms() -> object:
        return margin_terms_of(csa, CsaParty(name), events=frozenset(), ratings=())

    if base not in _CURRENCIES or any(one["value"] and one["unit"]["currency"]["value"] != base for one in stated):
        check.refused("another currency", terms)
        return
    rounding = obligations.get("rounding") or {"deliveryAmount": Decimal("0.01"), "deliveryDirection": "UP"}
    limit, free = Decimal(stated[0]["value"]), Decimal(stated[1]["value"] if threshold else 0)
    multiple = Decimal(rounding["deliveryAmount"])
    whole, rest = divmod(limit, multiple)
    expected = (whole + (rest > 0 and rounding["deliveryDirection"] == "UP")) * multiple
    for cents, moved in ((0, expected), (1, Decimal(0))):
        exposure = free + limit - Decimal(cents) / 100
        if exposure > 0 and limit > 0:
            check.same(f"delivery {cents}", moved, _delivery(csa, name, exposure, Currency(base)))


def _delivery(csa: Any, name: str, exposure: Decimal, base: Currency) -> Decimal:
    nothing = Money(0, base)
    position = MarginPosition(
        exposure=Money.of(exposure, base),
        independent_from_pledgor=nothing,
        independent_to_pledgor=nothing,
        posted=nothing,
        delivery_in_transit=nothing,
        return_in_transit=nothing,
    )
    terms = margin_terms_of(csa, CsaParty(name), events=frozenset(), ratings=())
    return margin_movement(position, terms).delivery.amount
