"""Forwards and options written as FpML 5 data documents: the terms that the contract holds, and none besides."""

from html import escape

from carbonfin.kernel.errors import NotApplicable
from carbonfin.kernel.parties import Lei
from pricing.calc.instruments.contracts import AllowanceOption, OtcForward, SettlementKind
from pricing.calc.instruments.terms import TradeTerms, TradingParty
from pricing.calc.options.kinds import ExerciseStyle, OptionType
from pricing.feeds.trade_documents.fpml import SCHEMES

_LEI_SCHEME = "http://www.fpml.org/coding-scheme/external/iso17442"
_TRADE_ID_SCHEME = "urn:carbonfin:trade-id"
_PRODUCT_TYPES = {scheme: product_type for product_type, scheme in SCHEMES.items()}
_EXERCISES = {ExerciseStyle.EUROPEAN: "europeanExercise", ExerciseStyle.AMERICAN: "americanExercise"}
_BUYER, _SELLER = "buyer", "seller"


def write_fpml(contract: OtcForward | AllowanceOption) -> str:
    """Write a contract as an FpML 5.13 confirmation: a commoditySwap, or a commoditySwaption over one.

    Raises:
        NotApplicable: The contract settles in cash or averages prices, or FpML has no product type of its scheme.
    """
    option = contract if isinstance(contract, AllowanceOption) else None
    terms = contract.terms
    if contract.settlement is not SettlementKind.PHYSICAL or (option and option.style not in _EXERCISES):
        raise NotApplicable(
            "only physical forwards and European or American options are written as FpML",
            zh="仅实物交割的远期及欧式、美式期权可写为 FpML",
            field="settlement",
            remedy="Send the contract in another shape.",
            remedy_zh="请以其他格式发送。",
        )
    if terms.unit.scheme not in _PRODUCT_TYPES or terms.unit.vintage is None:
        raise NotApplicable(
            f"FpML has no product type for {terms.unit}; it is written for {', '.join(_PRODUCT_TYPES)} with a vintage",
            zh=f"FpML 没有 {terms.unit} 对应的产品类型；仅可写 {'、'.join(_PRODUCT_TYPES)} 且须有年度",
            field="unit",
            remedy="Write the trade as CDM.",
            remedy_zh="请写为 CDM。",
        )
    product = _swap(contract) if option is None else _swaption(option)
    trade = _element("trade", _header(terms), product, _documentation(terms))
    parties = (_party(_BUYER, terms.buyer), _party(_SELLER, terms.seller))
    root = 'dataDocument xmlns="http://www.fpml.org/FpML-5/confirmation" fpmlVersion="5-13"'
    return f'<?xml version="1.0" encoding="utf-8"?>\n{_element(root, trade, *parties)}\n'


def _element(opening: str, *inside: str) -> str:
    """Write an element of its opening words and what stands inside, already escaped; nothing inside is left out."""
    name = opening.split(" ", 1)[0]
    return f"<{opening}>{''.join(inside)}</{name}>"


def _text(name: str, text: str) -> str:
    return _element(name, escape(text))


def _side(name: str, key: str) -> str:
    return f'<{name} href="{key}"/>'


def _header(terms: TradeTerms) -> str:
    identifier = _element(
        "partyTradeIdentifier",
        _side("partyReference", _BUYER),
        _element(f'tradeId tradeIdScheme="{_TRADE_ID_SCHEME}"', escape(terms.trade_id)),
    )
    return _element("tradeHeader", identifier, _element('tradeDate id="tradeDate"', terms.trade_date.isoformat()))


def _documentation(terms: TradeTerms) -> str:
    agreement = terms.basis.master_agreement
    if not agreement:
        return ""
    return _element("documentation", _element("masterAgreement", _text("masterAgreementType", agreement)))


def _day(name: str, day: str) -> str:
    adjustments = _element("dateAdjustments", _text("businessDayConvention", "NONE"))
    return _element(name, _element("adjustableDate", _text("unadjustedDate", day), adjustments))


def _swap(contract: OtcForward | AllowanceOption) -> str:
    # Under a put the option's buyer delivers and is paid.
    is_put = isinstance(contract, AllowanceOption) and contract.option_type is OptionType.PUT
    pays, takes = (_SELLER, _BUYER) if is_put else (_BUYER, _SELLER)
    price = contract.strike_per_t if isinstance(contract, AllowanceOption) else contract.price_per_t
    terms, day = contract.terms, contract.delivery_date.isoformat()
    currency, vintage = terms.currency.value, str(terms.unit.vintage)
    fixed = _element(
        "fixedLeg",
        _side("payerPartyReference", pays),
        _side("receiverPartyReference", takes),
        _element("fixedPrice", _text("price", f"{price:f}"), _text("priceCurrency", currency),
                 _text("priceUnit", "Allowances")),
        _element("totalPrice", _text("currency", currency), _text("amount", f"{price * terms.quantity_t:f}")),
        _side("quantityReference", "quantity"),
    )  # fmt: skip
    physical = _element(
        "environmentalPhysicalLeg",
        _side("payerPartyReference", takes),
        _side("receiverPartyReference", pays),
        _element('numberOfAllowances id="quantity"', _text("quantityUnit", "Allowances"),
                 _text("quantity", str(terms.quantity_t))),
        _element("environmental", _text("productType", _PRODUCT_TYPES[terms.unit.scheme]),
                 _element("compliancePeriod", _text("startYear", vintage), _text("endYear", vintage))),
        _day("deliveryDate", day),
    )  # fmt: skip
    return _element(
        "commoditySwap",
        _text("primaryAssetClass", "Commodity") if isinstance(contract, OtcForward) else "",
        _day("effectiveDate", day),
        _day("terminationDate", day),
        _text("settlementCurrency", currency),
        fixed,
        physical,
    )


def _swaption(option: AllowanceOption) -> str:
    style = _EXERCISES[option.style]
    premium = ""
    if option.premium_amount:
        amount = _element(
            "paymentAmount",
            _text("currency", option.terms.currency.value),
            _text("amount", f"{option.premium_amount:f}"),
        )
        premium = _element(
            "premium", _side("payerPartyReference", _BUYER), _side("receiverPartyReference", _SELLER), amount
        )
    return _element(
        "commoditySwaption",
        _text("primaryAssetClass", "Commodity"),
        _side("buyerPartyReference", _BUYER),
        _side("sellerPartyReference", _SELLER),
        _text("optionType", option.option_type.capitalize()),
        _swap(option),
        _element("physicalExercise", _element(style, _day("expirationDate", option.expiry_date.isoformat()))),
        premium,
    )


def _party(key: str, party: TradingParty) -> str:
    # No published scheme names the USCI: its 18 characters tell it from a LEI.
    opening = f'partyId partyIdScheme="{_LEI_SCHEME}"' if isinstance(party.code, Lei) else "partyId"
    return _element(
        f'party id="{key}"',
        _element(opening, escape(str(party.code))),
        _text("partyName", party.name),
    )
