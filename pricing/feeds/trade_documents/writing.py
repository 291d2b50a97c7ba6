"""Forwards and options written as CDM trade states, with the quantity and underlier that FINOS's examples leave out."""

import json
from typing import Any

from carbonfin.kernel.errors import NotApplicable
from carbonfin.kernel.parties import Lei
from pricing.calc.instruments.contracts import AllowanceOption, OtcForward, SettlementKind
from pricing.calc.instruments.terms import TradingParty
from pricing.calc.options.kinds import ExerciseStyle, OptionType
from pricing.feeds.trade_documents.cdm import TRADE_STATE

_LEI_SCHEME = "http://www.fpml.org/coding-scheme/external/iso17442"


def write_cdm(contract: OtcForward | AllowanceOption) -> str:
    """Write a contract as a CDM trade state; Party1 buys.

    Raises:
        NotApplicable: The contract settles in cash or averages prices: the shape has no such trade on emissions.
    """
    option = contract if isinstance(contract, AllowanceOption) else None
    if contract.settlement is not SettlementKind.PHYSICAL or (option and option.style is ExerciseStyle.AVERAGE_PRICE):
        raise NotApplicable(
            "only physical forwards and European or American options are written as CDM",
            zh="仅实物交割的远期及欧式、美式期权可写为 CDM",
            field="settlement",
            remedy="Send the contract in another shape.",
            remedy_zh="请以其他格式发送。",
        )
    terms = contract.terms
    price = contract.strike_per_t if isinstance(contract, AllowanceOption) else contract.price_per_t
    economic = _economic_terms(contract)
    trade: dict[str, Any] = {
        "product": {
            "taxonomy": [{"primaryAssetClass": {"@data": "Commodity"}}],
            "economicTerms": economic if option is None else {"payout": [_option_payout(option, economic)]},
        },
        "tradeLot": [{"priceQuantity": [{
            "price": [{"@key:scoped": "price-1", "value": f"{price:f}",
                       "unit": {"currency": {"@data": terms.currency.value}},
                       "perUnitOf": {"capacityUnit": "ALW"}, "priceType": "AssetPrice"}],
            "quantity": [{"@key:scoped": "quantity-1", "value": terms.quantity_t, "unit": {"capacityUnit": "ALW"}}],
        }]}],
        "counterparty": [{"role": "Party1", "partyReference": {"@ref:external": "buyer"}},
                         {"role": "Party2", "partyReference": {"@ref:external": "seller"}}],
        "tradeIdentifier": [{"assignedIdentifier": [{"identifier": {"@data": terms.trade_id}}]}],
        "tradeDate": {"@data": terms.trade_date.isoformat()},
        "party": [_party("buyer", terms.buyer), _party("seller", terms.seller)],
    }  # fmt: skip
    state: dict[str, Any] = {"@model": "cdm", "@type": TRADE_STATE, "trade": trade}
    if option is not None and option.premium_amount:
        state["transferHistory"] = [{"transfer": _premium(option)}]
    return json.dumps(state, ensure_ascii=False, indent=2)


def _economic_terms(contract: OtcForward | AllowanceOption) -> dict[str, Any]:
    # Under a put the option's buyer delivers and is paid.
    is_put = isinstance(contract, AllowanceOption) and contract.option_type is OptionType.PUT
    pays, takes = ("Party2", "Party1") if is_put else ("Party1", "Party2")
    day = _day(contract.delivery_date.isoformat())
    return {
        "effectiveDate": day,
        "terminationDate": day,
        "payout": [
            {
                "@type": "cdm.product.template.SettlementPayout",
                "payerReceiver": {"payer": takes, "receiver": pays},
                "priceQuantity": {"quantitySchedule": {"@ref:scoped": "quantity-1"}},
                "settlementTerms": {"settlementType": "Physical", "settlementDate": day},
                "underlier": {"Commodity": {"identifier": [{"identifier": {"@data": str(contract.terms.unit)}}]}},
            },
            {
                "@type": "cdm.product.template.FixedPricePayout",
                "payerReceiver": {"payer": pays, "receiver": takes},
                "fixedPrice": {"price": {"@ref:scoped": "price-1"}},
            },
        ],
    }


def _option_payout(option: AllowanceOption, economic: dict[str, Any]) -> dict[str, Any]:
    return {
        "@type": "cdm.product.template.OptionPayout",
        "payerReceiver": {"payer": "Party2", "receiver": "Party1"},
        "settlementTerms": {"settlementType": "Physical"},
        "buyerSeller": {"buyer": "Party1", "seller": "Party2"},
        "underlier": {"@type": "cdm.product.template.NonTransferableProduct", "economicTerms": economic},
        "optionType": option.option_type.capitalize(),
        "exerciseTerms": {"style": option.style.capitalize(), "expirationDate": [_day(option.expiry_date.isoformat())]},
    }


def _premium(option: AllowanceOption) -> dict[str, Any]:
    return {
        "@type": "cdm.event.common.UnscheduledTransfer",
        "quantity": {
            "value": f"{option.premium_amount:f}",
            "unit": {"currency": {"@data": option.terms.currency.value}},
        },
        "payerReceiver": {
            "payerPartyReference": {"@ref:external": "buyer"},
            "receiverPartyReference": {"@ref:external": "seller"},
        },
        "transferType": "Premium",
    }


def _day(day: str) -> dict[str, Any]:
    return {"adjustableDate": {"unadjustedDate": day, "dateAdjustments": {"businessDayConvention": "NONE"}}}


def _party(key: str, party: TradingParty) -> dict[str, Any]:
    identifier: dict[str, Any] = {"@data": str(party.code)}
    kind = "Other"
    if isinstance(party.code, Lei):
        identifier, kind = {"@scheme": _LEI_SCHEME, **identifier}, "LEI"
    return {
        "@key:external": key,
        "partyId": [{"identifier": identifier, "identifierType": kind}],
        "name": {"@data": party.name},
    }
