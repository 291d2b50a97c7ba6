"""Forwards and options on emissions in FpML and CDM, and the code list of tracking systems."""

import json
from collections.abc import Iterable
from typing import Any
from xml.etree import ElementTree as ET

from pricing.feeds.trade_documents import ReadTrade, read_trade_document
from pricing.feeds.trade_documents.fpml import TRACKING_SYSTEMS
from tests.vectors.comparison import CaseResult, Comparison, run_case
from tests.vectors.files import VectorFile

_FPML = "{http://www.fpml.org/FpML-5/confirmation}"


def recognises_fpml(file: VectorFile) -> bool:
    return isinstance(file.content, ET.Element) and file.content.tag == f"{_FPML}dataDocument"


def recognises_cdm(file: VectorFile) -> bool:
    return file.has("trade") and file.content.get("@type") == "cdm.event.common.TradeState"


def recognises_codes(file: VectorFile) -> bool:
    return file.has("identification", "codes") and "TrackingSystem" in str(file.content["identification"])


def run_fpml(file: VectorFile) -> Iterable[CaseResult]:
    trade = _read(file)
    yield run_case(
        "values as they stand in the XML", file.tolerance, lambda check: _as_in_xml(check, file.content, trade)
    )
    twin = file.path.with_name(file.path.name.replace(".fpml.xml", ".cdm.json"))
    if twin.is_file():
        (other,) = read_trade_document(twin.read_bytes())
        yield run_case("equal to the CDM shape", file.tolerance, lambda check: _alike(check, trade, other))


def run_cdm(file: VectorFile) -> Iterable[CaseResult]:
    trade = _read(file)
    yield run_case("values as they stand in the JSON", file.tolerance, lambda check: _as_in_json(check, file, trade))


def run_codes(file: VectorFile) -> Iterable[CaseResult]:
    stated = {code["value"]: code["description"] for code in file.content["codes"]}
    yield run_case("codes", file.tolerance, lambda check: check.same("codes", stated, dict(TRACKING_SYSTEMS)))


def _read(file: VectorFile) -> ReadTrade:
    (trade,) = read_trade_document(file.path.read_bytes())
    return trade


def _codes(trade: ReadTrade) -> list[str]:
    facts = trade.facts
    return sorted(str(party.code) for party in (facts.buyer, facts.seller, *facts.others) if party is not None)


def _as_in_xml(check: Comparison, root: ET.Element, trade: ReadTrade) -> None:
    def text(name: str) -> str:
        return str(next(root.iter(f"{_FPML}{name}")).text)

    facts = trade.facts
    day = next(node for node in root.iter(f"{_FPML}terminationDate")).find(f".//{_FPML}unadjustedDate")
    check.same("quantity", text("quantity"), str(facts.quantity))
    check.same("price", text("price"), str(facts.price))
    check.same("currency", text("priceCurrency"), facts.currency)
    check.same("trade date", text("tradeDate"), str(facts.trade_date))
    check.same("termination date", None if day is None else day.text, str(facts.termination_date))
    check.same("parties", sorted(str(node.text) for node in root.iter(f"{_FPML}partyId")), _codes(trade))
    expiry = root.find(f".//{_FPML}expirationDate//{_FPML}unadjustedDate")
    check.same("expiry", "None" if expiry is None else expiry.text, str(facts.expiry_date))


def _as_in_json(check: Comparison, file: VectorFile, trade: ReadTrade) -> None:
    facts, stated = trade.facts, json.loads(file.text, parse_float=str, parse_int=str)["trade"]
    lot: dict[str, Any] = stated["tradeLot"][0]["priceQuantity"][0]
    check.same("price", lot["price"][0]["value"], str(facts.price))
    check.same("currency", lot["price"][0]["unit"]["currency"]["@data"], facts.currency)
    check.same("trade date", stated["tradeDate"]["@data"], str(facts.trade_date))
    codes = sorted(party["partyId"][0]["identifier"]["@data"] for party in stated["party"])
    check.same("parties", codes, _codes(trade))
    # The shape's own translation leaves the quantity out: it is named as missing, never taken from the premium.
    check.same("quantity", "quantity" in lot, facts.quantity is not None)
    named = [failure.field for failure in trade.failures if str(failure.field).endswith("priceQuantity[0].quantity")]
    check.same("a missing quantity is named", 0 if "quantity" in lot else 1, len(named))


def _alike(check: Comparison, fpml: ReadTrade, cdm: ReadTrade) -> None:
    one, two = fpml.facts, cdm.facts
    for name in ("is_option", "trade_id", "trade_date", "effective_date", "termination_date", "price", "currency", "buyer",
                 "seller", "others", "option_type", "style", "premium_amount"):  # fmt: skip
        check.same(name, getattr(one, name), getattr(two, name))
    if two.quantity is not None:
        check.same("quantity", one.quantity, two.quantity)
