"""Trades read from FpML and CDM: whole or refused by path, whatever is deleted or altered."""

import json
import random
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput, NotApplicable
from carbonfin.kernel.units import Currency
from pricing.calc.instruments.contracts import AllowanceOption, OtcForward, SettlementKind
from pricing.calc.instruments.terms import LegalBasis, TradeTerms
from pricing.calc.options.kinds import ExerciseStyle, OptionType
from pricing.feeds.trade_documents import ReadTrade, read_trade_document, write_cdm, write_fpml
from pricing.feeds.trade_documents.facts import Clause
from tests.pricing.instruments.trades import forward, option, terms

# Written after FpML 5.13's commodity example 30: a physical forward on emissions.
FPML = """<?xml version="1.0" encoding="utf-8"?>
<dataDocument xmlns="http://www.fpml.org/FpML-5/confirmation" fpmlVersion="5-13"><trade>
<tradeHeader><partyTradeIdentifier><partyReference href="a"/><tradeId tradeIdScheme="x">T9</tradeId></partyTradeIdentifier>
<tradeDate id="tradeDate">2025-06-30</tradeDate></tradeHeader>
<commoditySwap><primaryAssetClass>Commodity</primaryAssetClass>
<effectiveDate><adjustableDate><unadjustedDate>2025-12-15</unadjustedDate></adjustableDate></effectiveDate>
<terminationDate><adjustableDate><unadjustedDate>2025-12-15</unadjustedDate></adjustableDate></terminationDate>
<settlementCurrency>EUR</settlementCurrency>
<fixedLeg><payerPartyReference href="b"/><receiverPartyReference href="a"/>
<fixedPrice><price>71.25</price><priceCurrency>EUR</priceCurrency><priceUnit>Allowances</priceUnit></fixedPrice>
<totalPrice><currency>EUR</currency><amount>356250.00</amount></totalPrice>
<quantityReference href="q"/></fixedLeg>
<environmentalPhysicalLeg><payerPartyReference href="a"/><receiverPartyReference href="b"/>
<numberOfAllowances id="q"><quantityUnit>Allowances</quantityUnit><quantity>5000</quantity></numberOfAllowances>
<environmental><productType>EUAllowance</productType>
<compliancePeriod><startYear>2025</startYear><endYear>2025</endYear></compliancePeriod></environmental>
<deliveryDate><adjustableDate><unadjustedDate>2025-12-15</unadjustedDate></adjustableDate></deliveryDate>
<failureToDeliverApplicable>true</failureToDeliverApplicable></environmentalPhysicalLeg>
</commoditySwap></trade>
<party id="a"><partyId>5299000NIGT14YW8ZD26</partyId><partyName>EnergyCoA</partyName></party>
<party id="b"><partyId>969500QCC36R89FI3U25</partyId><partyName>EnergyCoB</partyName></party>
</dataDocument>"""


def read(text: str) -> ReadTrade:
    (trade,) = read_trade_document(text.encode())
    return trade


def test_a_forward_is_read_whole() -> None:
    trade = read(FPML)
    assert trade.failures == ()
    contract = trade.contract
    assert isinstance(contract, OtcForward)
    assert (contract.terms.trade_id, contract.terms.quantity_t, str(contract.terms.unit)) == ("T9", 5000, "EUA-2025")
    assert (contract.price_per_t, contract.delivery_date) == (Decimal("71.25"), date(2025, 12, 15))
    assert (contract.terms.buyer.name, contract.terms.seller.name) == ("EnergyCoB", "EnergyCoA")
    assert trade.facts.clauses[-1].text == "true"
    assert trade.facts.remarks == ()
    assert trade.notes[0] == ("仅估值，不可成交（未提供主协议、未提供衍生产品交易资格）",)


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("<quantity>5000</quantity>", "", "numberOfAllowances[1]/quantity"),
        ("<quantity>5000<", "<quantity>-5000<", "numberOfAllowances[1]/quantity[1]"),
        ("<quantity>5000<", "<quantity>5e3<", "numberOfAllowances[1]/quantity[1]"),
        ("<quantity>5000<", "<quantity>5000.5<", "numberOfAllowances[1]/quantity[1]"),
        ("<quantity>5000<", "<quantity>5000</quantity><quantity>5<", "numberOfAllowances[1]/quantity[2]"),
        ("<quantityUnit>Allowances", "<quantityUnit>Lots", "quantityUnit[1]"),
        ("<quantity>5000<", "<quantity>5001<", "totalPrice[1]/amount"),
        ('<quantityReference href="q"/>', '<quantityReference href="p"/>', "quantityReference[1]"),
        ("<price>71.25<", "<price>0<", "price[1]"),
        ("<priceUnit>Allowances", "<priceUnit>Lots", "priceUnit[1]"),
        ("<priceCurrency>EUR", "<priceCurrency>GBP", "priceCurrency[1]"),
        ("<settlementCurrency>EUR", "<settlementCurrency>USD", "settlementCurrency[1]"),
        ("<productType>EUAllowance", "<productType>RGGIEmissionsProduct", "productType[1]"),
        ("<endYear>2025", "<endYear>2026", "compliancePeriod[1]"),
        ("</environmental>", "<trackingSystem>XX</trackingSystem></environmental>", "trackingSystem[1]"),
        ("2025-06-30", "2025-06-31", "tradeDate[1]"),
        ("2025-06-30", "2025-06-30Z", "tradeDate[1]"),
        ('<fixedLeg><payerPartyReference href="b"/>', '<fixedLeg><payerPartyReference href="c"/>',
         "fixedLeg[1]/payerPartyReference[1]"),
        ("969500QCC36R89FI3U25", "969500QCC36R89FI3U26", "party[2]/partyId[1]"),
        ('<party id="b">', '<party id="a">', "/dataDocument/party"),
        ("</commoditySwap>", "<knockOut>1</knockOut></commoditySwap>", "knockOut[1]"),
        ("</dataDocument>", "<portfolio/></dataDocument>", "/dataDocument/portfolio[1]"),
        ("commoditySwap>", "fxSwap>", "/dataDocument/trade[1]"),
    ],
)  # fmt: skip
def test_what_cannot_be_carried_is_named_by_its_path(old: str, new: str, path: str) -> None:
    assert old in FPML
    trade = read(FPML.replace(old, new))
    assert trade.contract is None
    assert any(str(failure.field).endswith(path) for failure in trade.failures), [item.field for item in trade.failures]
    assert all(failure.zh and failure.detail for failure in trade.failures)


def test_a_trade_that_cannot_be_is_no_contract() -> None:
    late = read(FPML.replace("2025-06-30", "2026-06-30"))
    assert late.contract is None
    assert [failure.field for failure in late.failures] == ["delivery_date"]


def test_legs_with_one_payer_are_read_with_a_remark() -> None:
    text = FPML.replace(
        '<environmentalPhysicalLeg><payerPartyReference href="a"/><receiverPartyReference href="b"/>',
        '<environmentalPhysicalLeg><payerPartyReference href="b"/><receiverPartyReference href="a"/>',
    )
    trade = read(text)
    assert trade.contract == read(FPML).contract
    assert "both legs name the same payer" in trade.facts.remarks[0][1]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "starts with"),
        (b"trade", "starts with"),
        (b"\xff\xfe<a/>", "not UTF-8"),
        (b"<a>", "not well-formed"),
        (b"{", "not well-formed"),
        (b'{"a": NaN}', "not well-formed"),
        (b'{"a": 1, "a": 2}', "stands twice"),
        (b'{"a": "\\u0001"}', "U+0001"),
        (b'{"a": "\\ud800"}', "U+D800"),
        (b'{"\\ud800": 1}', "U+D800"),
        (b'{"@a": "\\udfff"}', "U+DFFF"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "document type"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "document type"),
        (b"<a>" * 100 + b"</a>" * 100, "deeper"),
        (b"<a>" + b"<b/>" * 20_001 + b"</a>", "more than 20000"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "deeper"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "deep"),
        (b" " * 1_000_001, "at most 1000000"),
        (b"<a/>", "expected a dataDocument"),
        (b'<dataDocument fpmlVersion="4-9"><trade/></dataDocument>', "expected a dataDocument"),
        (b'<dataDocument fpmlVersion="5-13"/>', "expected a dataDocument"),
        (b"{}", "expected cdm.event.common.TradeState"),
        (b'{"@type": "cdm.event.common.TradeState"}', "with 0 trades"),
    ],
)
def test_what_is_no_document_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_trade_document(content)
    assert words in refused.value.detail
    assert refused.value.zh


CONTRACTS: list[OtcForward | AllowanceOption] = [
    forward(terms=terms(trade_id="示例 1")),
    option(premium_amount=Decimal("2500.00")),
    option(option_type=OptionType.PUT, style=ExerciseStyle.AMERICAN),
]


@pytest.mark.parametrize("contract", CONTRACTS)
def test_what_is_written_as_cdm_is_read_back_the_same(contract: OtcForward | AllowanceOption) -> None:
    trade = read(write_cdm(contract))
    assert trade.failures == ()
    assert trade.contract == contract


def eua(**changes: Any) -> TradeTerms:
    return terms(unit=Unit.parse("EUA-2025"), currency=Currency.EUR, trade_id="A&B <1>", **changes)


EUA_CONTRACTS: list[OtcForward | AllowanceOption] = [
    forward(terms=eua(basis=LegalBasis(master_agreement='IETA "2020" & <annex>'))),
    forward(terms=eua(), price_per_t=Decimal("0.000001")),
    option(terms=eua(), premium_amount=Decimal("2500.00")),
    option(terms=eua(), option_type=OptionType.PUT, style=ExerciseStyle.AMERICAN),
]


@pytest.mark.parametrize("contract", EUA_CONTRACTS)
def test_what_is_written_as_fpml_is_read_back_the_same(contract: OtcForward | AllowanceOption) -> None:
    trade = read(write_fpml(contract))
    assert trade.failures == ()
    assert trade.contract == contract
    assert trade.facts.clauses in ((), (Clause(path=trade.facts.clauses[0].path, text="Commodity"),))
    assert trade.facts.remarks == ()


def test_the_legs_of_a_written_fpml_face_each_other() -> None:
    """Read by another parser: the buyer pays and receives allowances; under a put it is the other way."""
    for contract, payer in ((EUA_CONTRACTS[0], "buyer"), (EUA_CONTRACTS[3], "seller")):
        root = ET.fromstring(write_fpml(contract).encode())  # noqa: S314 - our own words
        space = "{http://www.fpml.org/FpML-5/confirmation}"
        fixed, physical = (next(root.iter(space + leg)) for leg in ("fixedLeg", "environmentalPhysicalLeg"))
        pays = [leg.find(f"{space}payerPartyReference") for leg in (fixed, physical)]
        assert [None if node is None else node.get("href") for node in pays] == [
            payer, {"buyer": "seller", "seller": "buyer"}[payer]
        ]  # fmt: skip
        assert [node.text for node in root.iter(f"{space}partyId")] == ["969500QCC36R89FI3U25", "5299000NIGT14YW8ZD26"]


def test_what_fpml_has_no_word_for_is_not_written() -> None:
    for contract, field in (
        (forward(), "unit"),  # CEA: no product type
        (forward(terms=terms(unit=Unit.parse("EUA"), currency=Currency.EUR)), "unit"),  # no vintage
        (forward(terms=eua(), settlement=SettlementKind.CASH), "settlement"),
        (
            option(terms=eua(), style=ExerciseStyle.AVERAGE_PRICE, averaging_dates=(date(2025, 12, 1),)),
            "settlement",
        ),
    ):
        with pytest.raises(NotApplicable) as refused:
            write_fpml(contract)
        assert refused.value.field == field


def test_what_the_shape_cannot_say_is_not_written() -> None:
    for contract in (
        forward(settlement=SettlementKind.CASH),
        option(style=ExerciseStyle.AVERAGE_PRICE, averaging_dates=(date(2025, 12, 1),)),
    ):
        with pytest.raises(NotApplicable):
            write_cdm(contract)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda trade: trade["tradeLot"][0]["priceQuantity"][0].pop("quantity"), "priceQuantity[0].quantity"),
        (lambda trade: trade["tradeLot"][0]["priceQuantity"][0]["quantity"][0].update(value=0), "quantity[0].value"),
        (
            lambda trade: trade["tradeLot"][0]["priceQuantity"][0]["quantity"][0].update(unit={"capacityUnit": "MT"}),
            "capacityUnit",
        ),
        (lambda trade: trade["counterparty"].pop(), "receiver"),
        (lambda trade: trade["counterparty"][0].update(role="Party2"), "counterparty[1]"),
        (lambda trade: trade["counterparty"][0]["partyReference"].update({"@ref:external": "x"}), "partyReference"),
        (lambda trade: trade["product"]["economicTerms"]["payout"].pop(), "economicTerms.payout"),
        (lambda trade: trade["product"]["economicTerms"].update(barrier={"level": 1}), "barrier"),
        (lambda trade: trade["party"].append(trade["party"][0]), "party[2]"),
        (lambda trade: trade["tradeLot"].append(trade["tradeLot"][0]), "tradeLot[1]"),
    ],
)  # fmt: skip
def test_a_changed_cdm_is_named_by_its_path(change: Callable[[dict[str, object]], object], path: str) -> None:
    state = json.loads(write_cdm(CONTRACTS[0]))
    change(state["trade"])
    trade = read(json.dumps(state))
    assert trade.contract is None
    assert any(str(failure.field).endswith(path) for failure in trade.failures), [item.field for item in trade.failures]


def _mutations(text: str, seed: int, count: int) -> list[str]:
    """Delete, double or alter one element, one member or one word at a time."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable choice, no secret
    pieces = re.findall(r"<[^>]*>|[^<>\s]+|\s+", text) if text.startswith("<") else re.findall(r'"[^"]*"|\W|\w+', text)
    made: list[str] = []
    for _ in range(count):
        copy = list(pieces)
        for _ in range(chance.randint(1, 3)):
            place = chance.randrange(len(copy))
            other = chance.choice(pieces)
            copy[place : place + chance.randint(0, 2)] = chance.choice(
                ([], [other], ["1e3"], ["-7"], ["NaN"], [copy[place]] * 2)
            )
        made.append("".join(copy))
    elements = re.findall(r"<(\w+)(?:\s[^>]*)?>[^<]*</\1>", text)
    made += [re.sub(rf"<{name}(\s[^>]*)?>[^<]*</{name}>", "", text) for name in elements]
    return made


@pytest.mark.parametrize("text", [FPML, *map(write_cdm, CONTRACTS), write_fpml(EUA_CONTRACTS[2])])
def test_no_change_breaks_the_reader_or_moves_the_quantity_unseen(text: str) -> None:
    whole = read(text).contract
    assert whole is not None
    for changed in _mutations(text, seed=5, count=1500):
        try:
            trades = read_trade_document(changed.encode())
        except InvalidInput:
            continue
        for trade in trades:
            if trade.contract is None:
                assert trade.failures
            elif trade.contract.terms.quantity_t != whole.terms.quantity_t:
                # Only a document that itself says another number may give one.
                said = str(trade.contract.terms.quantity_t)
                assert re.search(rf"<quantity>{said}(\.0+)?</|\"value\": \"?{said}(\.0+)?\"?\W", changed), changed


def test_a_document_with_two_trades_gives_both() -> None:
    body = FPML[FPML.index("<trade>") : FPML.index("</trade>") + len("</trade>")]
    trades = read_trade_document(FPML.replace(body, body + body.replace("5000", "0")).encode())
    assert [trade.contract is not None for trade in trades] == [True, False]
    assert str(trades[1].failures[0].field).startswith("/dataDocument/trade[2]/")
