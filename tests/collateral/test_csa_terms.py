"""An annex read from CDM: events that zero an amount, thresholds by rating, currencies that no margin is kept in."""

from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import Currency, Money
from collateral.calc.csa_terms import CsaParty, margin_terms_of, read_csa, zone_of
from collateral.calc.eligibility import Rating
from collateral.calc.margin import Infinite, RoundingDirection


def amount(value: int, currency: str = "USD") -> dict[str, Any]:
    return {"unit": {"currency": {"value": currency}}, "value": value}


def annex() -> dict[str, Any]:
    """A legacy annex: party one has a threshold by rating, party two an infinite one."""
    levels = [
        {"amount": 5000, "name": "MOODYS", "value": "A3"},
        {"amount": 1000, "name": "STANDARD_AND_POORS", "value": "BBB"},
    ]
    rated = {
        "compare": "LOWEST", "currency": "USD", "event": ["EVENT_OF_DEFAULT"], "zeroEvent": True, "variableSet": levels,
    }  # fmt: skip
    minimum = {"amount": amount(100), "event": ["TERMINATION_EVENT"], "zeroEvent": True}
    plain = {"amount": amount(200), "event": ["TERMINATION_EVENT"], "zeroEvent": False}
    obligations = {
        "threshold": {"partyElection": [{"party": "PARTY_1", "ratingsBased": rated}, {"party": "PARTY_2", "infinity": True}]},
        "minimumTransferAmount": {
            "partyElection": [{"party": "PARTY_1", "fixedAmount": minimum}, {"party": "PARTY_2", "fixedAmount": plain}]
        },
        "rounding": {
            "currency": "USD", "deliveryAmount": 10, "deliveryDirection": "DOWN", "returnAmount": 20,
            "returnDirection": "NEAREST",
        },
    }  # fmt: skip
    elections = {
        "baseAndEligibleCurrency": {"baseCurrency": "USD", "eligibleCurrency": ["GBP"], "eligibleCurrencyInclBaseCurrency": True},
        "creditSupportObligations": obligations,
        "disputeResolution": {"resolutionTime": {"hourMinuteTime": "13:00:00", "businessCenter": {"value": "GBLO"}}},
    }  # fmt: skip
    forms = {"CreditSupportAgreementLegacyElections": elections}
    return {"agreementTerms": {"agreement": {"creditSupportAgreementElections": forms}}}


A3, BBB = Rating(agency="MOODYS", notation="A3"), Rating(agency="STANDARD_AND_POORS", notation="BBB")
NO_EVENTS: frozenset[str] = frozenset()


def usd(value: int) -> Money:
    return Money(value * 100, Currency.USD)


def test_the_lowest_rating_sets_the_threshold_and_an_event_takes_it_away() -> None:
    csa = read_csa(annex())
    both = margin_terms_of(csa, CsaParty.ONE, events=NO_EVENTS, ratings=(A3, BBB))
    assert (both.threshold, both.minimum_transfer) == (usd(1000), usd(100))
    assert (both.delivery_rounding.direction, both.return_rounding.direction) == (
        RoundingDirection.DOWN,
        RoundingDirection.NEAREST,
    )
    assert margin_terms_of(csa, CsaParty.ONE, events=NO_EVENTS, ratings=(A3,)).threshold == usd(5000)
    assert margin_terms_of(csa, CsaParty.ONE, events=NO_EVENTS, ratings=()).threshold == usd(0)
    default = margin_terms_of(csa, CsaParty.ONE, events=frozenset({"EVENT_OF_DEFAULT"}), ratings=(A3,))
    assert (default.threshold, default.minimum_transfer) == (usd(0), usd(100))
    with pytest.raises(MissingData, match="no threshold for MOODYS Caa1"):
        margin_terms_of(csa, CsaParty.ONE, events=NO_EVENTS, ratings=(Rating(agency="MOODYS", notation="Caa1"),))


def test_an_event_that_is_not_elected_takes_nothing_away() -> None:
    ended = frozenset({"TERMINATION_EVENT"})
    csa = read_csa(annex())
    assert margin_terms_of(csa, CsaParty.ONE, events=ended, ratings=(A3,)).minimum_transfer == usd(0)
    other = margin_terms_of(csa, CsaParty.TWO, events=ended, ratings=())
    assert (other.threshold, other.minimum_transfer) == (Infinite.INFINITE, usd(200))


def test_currencies_are_never_mixed_or_assumed() -> None:
    csa = read_csa(annex())
    assert csa.eligible_currencies == {"USD", "GBP"}
    foreign = deepcopy(annex())
    obligations = foreign["agreementTerms"]["agreement"]["creditSupportAgreementElections"][
        "CreditSupportAgreementLegacyElections"
    ]["creditSupportObligations"]
    fixed = obligations["minimumTransferAmount"]["partyElection"][0]["fixedAmount"]
    fixed["amount"] = amount(100, "GBP")
    for code, reason in (("GBP", "GBP is not a currency in use"), ("EUR", "not in the base currency")):
        fixed["amount"] = amount(100, code)
        with pytest.raises(InvalidInput, match=reason):
            margin_terms_of(read_csa(foreign), CsaParty.ONE, events=NO_EVENTS, ratings=())
    fixed["amount"] = amount(0, "NA")
    assert margin_terms_of(read_csa(foreign), CsaParty.ONE, events=NO_EVENTS, ratings=()).minimum_transfer == usd(0)
    del obligations["rounding"]
    terms = margin_terms_of(read_csa(foreign), CsaParty.ONE, events=NO_EVENTS, ratings=())
    assert terms.delivery_rounding.multiple.amount == Decimal("0.01")


def test_what_is_no_annex_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no credit support"):
        read_csa({"agreementTerms": {"agreement": {"securityAgreementElections": {}}}})
    with pytest.raises(InvalidInput, match="agreementTerms"):
        read_csa({"trade": {}})
    wrong = annex()
    form = wrong["agreementTerms"]["agreement"]["creditSupportAgreementElections"]
    form["CreditSupportAgreementLegacyElections"]["disputeResolution"]["resolutionTime"]["hourMinuteTime"] = "noon"
    with pytest.raises(InvalidInput, match="not an hour"):
        read_csa(wrong)


def test_a_business_centre_has_a_zone_or_is_refused() -> None:
    assert zone_of("HKHK").key == "Asia/Hong_Kong"
    with pytest.raises(MissingData, match="ATLANTIS"):
        zone_of("ATLANTIS")
