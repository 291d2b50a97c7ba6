"""Forwards and options on emissions as FINOS CDM trade states: settlement, fixed-price and option payouts."""

from collections.abc import Mapping
from datetime import date

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from pricing.calc.instruments.terms import TradingParty
from pricing.calc.options.kinds import ExerciseStyle, OptionType
from pricing.feeds.trade_documents.facts import Facts, Reading, ReadTrade, read_trade
from pricing.feeds.trade_documents.nodes import NOTHING, Node

TRADE_STATE = "cdm.event.common.TradeState"
_SETTLEMENT, _FIXED = "cdm.product.template.SettlementPayout", "cdm.product.template.FixedPricePayout"
_OPTION = "cdm.product.template.OptionPayout"
_STYLES = {"European": ExerciseStyle.EUROPEAN, "American": ExerciseStyle.AMERICAN}

Parties = Mapping[str, TradingParty | None]


def read_cdm(root: Node) -> tuple[ReadTrade, ...]:
    """Read a trade state.

    Raises:
        InvalidInput: It is no CDM trade state.
    """
    if root.attributes.get("@type") != TRADE_STATE or len(root.named("trade")) != 1:
        raise InvalidInput(
            f"@type is {root.attributes.get('@type', 'not given')} with {len(root.named('trade'))} trades; expected "
            f"{TRADE_STATE} with one",
            zh=f"@type 为 {root.attributes.get('@type', '空')}；应为含一笔交易的 {TRADE_STATE}",
            field="document",
        )
    reading = Reading(Facts(shape="cdm"), "trade 1")
    trade = reading.one(root, "trade")
    assert trade is not None, "the door counted one"
    roles, everyone = _parties(reading, trade)
    _identifier(reading, trade)
    reading.say(trade_date=reading.day(reading.one(trade, "tradeDate")))
    product = reading.one(trade, "product")
    reading.keep(product, "taxonomy")
    _price_and_quantity(reading, trade)
    terms = reading.one(product, "economicTerms")
    payouts = terms.named("payout") if terms is not None else []
    if terms is not None and [part.attributes.get("@type") for part in payouts] == [_OPTION]:
        reading.say(is_option=True)
        _option(reading, payouts[0], roles)
    elif terms is not None:
        reading.say(is_option=False)
        _forward(reading, terms, roles)
    _premium(reading, root, everyone)
    sides = {reading.facts.buyer, reading.facts.seller}
    reading.say(others=tuple(party for party in everyone.values() if party is not None and party not in sides))
    reading.keep(trade, "ancillaryParty")
    for child in root.children:
        reading.unread(child)
    return (read_trade(reading),)


def _parties(reading: Reading, trade: Node) -> tuple[Parties, Parties]:
    """Give the parties by role, and by their key in the document."""
    everyone: dict[str, TradingParty | None] = {}
    for node in trade.named("party"):
        reading.see_all(node)
        key = node.attributes.get("@key:external", node.path)
        if key in everyone:
            reading.fail(node.path, stands=f"key {key} twice", expected="a key each", expected_zh="各不相同的键")
        everyone[key] = reading.party(reading.one(node, "partyId", "identifier"), reading.maybe(node, "name"))
    roles: dict[str, TradingParty | None] = {}
    for node in trade.named("counterparty"):
        reading.see_all(node)
        role = reading.word(reading.one(node, "role"), "Party1", "Party2")
        reference = reading.one(node, "partyReference")
        key = "" if reference is None else reference.attributes.get("@ref:external", "")
        if reference is not None and key not in everyone:
            reading.fail(
                reference.path, stands=key or NOTHING, expected="the key of a party", expected_zh="某个 party 的键"
            )
        elif role is not None and role in roles:
            reading.fail(node.path, stands=f"{role} twice", expected="each role once", expected_zh="每个角色一次")
        elif role is not None:
            roles[role] = everyone.get(key)
    return roles, everyone


def _identifier(reading: Reading, trade: Node) -> None:
    for place, node in enumerate(trade.named("tradeIdentifier")):
        reading.see_all(node)
        found = [part for part in node.walk() if part.name == "identifier"]
        if place == 0 and found:
            reading.say(trade_id=found[0].text)


def _price_and_quantity(reading: Reading, trade: Node) -> None:
    lot = reading.one(trade, "tradeLot", "priceQuantity")
    price = reading.one(lot, "price")
    reading.say(price=reading.number(reading.one(price, "value")))
    reading.currency(reading.one(price, "unit", "currency"))
    reading.word(reading.one(price, "priceType"), "AssetPrice")
    reading.word(reading.maybe(price, "perUnitOf", "capacityUnit"), "ALW")
    quantity = reading.one(lot, "quantity")
    reading.say(quantity=reading.whole(reading.one(quantity, "value")))
    reading.word(reading.one(quantity, "unit", "capacityUnit"), "ALW")


def _side(reading: Reading, node: Node | None, roles: Parties) -> TradingParty | None:
    role = reading.word(node, "Party1", "Party2")
    if node is None or role is None:
        return None
    if role not in roles:
        reading.fail(
            node.path, stands=role, expected="a role of a counterparty", expected_zh="某一 counterparty 的角色"
        )
    return roles.get(role)


def _forward(reading: Reading, terms: Node, roles: Parties) -> None:
    reading.say(effective_date=_adjustable(reading, reading.one(terms, "effectiveDate")))
    reading.say(termination_date=_adjustable(reading, reading.one(terms, "terminationDate")))
    payouts = terms.named("payout")
    kinds = sorted(part.attributes.get("@type", "") for part in payouts)
    if kinds != [_FIXED, _SETTLEMENT]:
        for part in payouts:
            reading.see_all(part)
        reading.fail(f"{terms.path}.payout", stands=", ".join(kinds) or NOTHING,
                     expected="one SettlementPayout and one FixedPricePayout",
                     expected_zh="一个 SettlementPayout 和一个 FixedPricePayout")  # fmt: skip
        return
    settlement = next(part for part in payouts if part.attributes["@type"] == _SETTLEMENT)
    fixed = next(part for part in payouts if part.attributes["@type"] == _FIXED)
    for part in payouts:
        reading.see(part)
    sides = reading.one(fixed, "payerReceiver")
    reading.say(buyer=_side(reading, reading.one(sides, "payer"), roles))
    reading.say(seller=_side(reading, reading.one(sides, "receiver"), roles))
    _delivering(reading, settlement, roles)
    _reference(reading, reading.one(fixed, "fixedPrice", "price"), "price-1")
    _underlier(reading, settlement)
    reading.say(delivery_date=_adjustable(reading, reading.one(settlement, "settlementTerms", "settlementDate")))
    reading.word(reading.maybe(settlement, "settlementTerms", "settlementType"), "Physical")
    _reference(reading, reading.maybe(settlement, "priceQuantity", "quantitySchedule"), "quantity-1")


def _delivering(reading: Reading, settlement: Node, roles: Parties) -> None:
    node = reading.one(settlement, "payerReceiver")
    sides = (_side(reading, reading.one(node, "payer"), roles), _side(reading, reading.one(node, "receiver"), roles))
    if node is None or None in sides or reading.facts.buyer is None or reading.facts.seller is None:
        return
    if sides == (reading.facts.buyer, reading.facts.seller):
        reading.remark(
            f"{node.path}：实物支付与固定价支付的付款方相同（FINOS 示例的写法）；按固定价付款方为买方读取",
            f"{node.path}: both payouts name the same payer, as FINOS's examples do; who pays the fixed price buys",
        )
    elif sides != (reading.facts.seller, reading.facts.buyer):
        reading.fail(node.path, stands="other sides", expected="the sides of the fixed-price payout",
                     expected_zh="固定价支付的两方")  # fmt: skip


def _underlier(reading: Reading, settlement: Node) -> None:
    named = reading.one(settlement, "underlier", "Commodity", "identifier", "identifier")
    if named is None:
        return
    try:
        unit = Unit.parse(named.text)
    except CarbonFinError as error:
        reading.fail(named.path, stands=named.said, expected="scheme and vintage, EUA-2025", expected_zh=error.zh)
        return
    reading.say(unit=unit)


def _reference(reading: Reading, node: Node | None, key: str) -> None:
    if node is not None and node.attributes.get("@ref:scoped") != key:
        reading.fail(node.path, stands=node.attributes.get("@ref:scoped", NOTHING), expected=f"@ref:scoped {key}",
                     expected_zh=f"引用 {key}")  # fmt: skip


def _adjustable(reading: Reading, node: Node | None) -> date | None:
    adjustable = reading.one(node, "adjustableDate")
    reading.word(reading.maybe(adjustable, "dateAdjustments", "businessDayConvention"), "NONE")
    return reading.day(reading.one(adjustable, "unadjustedDate"))


def _option(reading: Reading, option: Node, roles: Parties) -> None:
    reading.see(option)
    sides = reading.one(option, "buyerSeller")
    buyer = _side(reading, reading.one(sides, "buyer"), roles)
    seller = _side(reading, reading.one(sides, "seller"), roles)
    pays = reading.maybe(option, "payerReceiver")
    if pays is not None:
        owes = (_side(reading, reading.one(pays, "payer"), roles), _side(reading, reading.one(pays, "receiver"), roles))
        if None not in (*owes, buyer, seller) and owes != (seller, buyer):
            reading.fail(pays.path, stands="the other direction", expected="the seller pays the buyer",
                         expected_zh="卖方向买方履约")  # fmt: skip
    kind = reading.word(reading.one(option, "optionType"), "Call", "Put")
    reading.say(option_type=None if kind is None else OptionType(kind.lower()))
    style = reading.word(reading.one(option, "exerciseTerms", "style"), *_STYLES)
    reading.say(style=None if style is None else _STYLES[style])
    reading.say(expiry_date=_adjustable(reading, reading.one(option, "exerciseTerms", "expirationDate")))
    reading.word(reading.one(option, "settlementTerms", "settlementType"), "Physical")
    terms = reading.one(option, "underlier", "economicTerms")
    if terms is not None:
        _forward(reading, terms, roles)
    expected = (buyer, seller) if reading.facts.option_type is OptionType.CALL else (seller, buyer)
    stated = (reading.facts.buyer, reading.facts.seller)
    if reading.facts.option_type is not None and None not in (*expected, *stated) and stated != expected:
        reading.fail(f"{option.path}.underlier", stands="the other direction", expected=f"that of a bought {kind}",
                     expected_zh=f"与买入 {kind} 一致的方向")  # fmt: skip
    reading.say(buyer=buyer, seller=seller)


def _premium(reading: Reading, root: Node, everyone: Parties) -> None:
    transfer = reading.maybe(root, "transferHistory", "transfer")
    if transfer is None:
        return
    reading.word(reading.one(transfer, "transferType"), "Premium")
    reading.say(premium_amount=reading.number(reading.one(transfer, "quantity", "value")))
    reading.currency(reading.one(transfer, "quantity", "unit", "currency"))
    reading.keep(transfer, "asset", "settlementDate")
    node = reading.one(transfer, "payerReceiver")
    found = [reading.one(node, name) for name in ("payerPartyReference", "receiverPartyReference")]
    sides = [everyone.get(side.attributes.get("@ref:external", "")) for side in found if side is not None]
    if (
        node is not None
        and reading.facts.buyer is not None
        and reading.facts.seller is not None
        and sides != [reading.facts.buyer, reading.facts.seller]
    ):
        reading.fail(node.path, stands="other sides", expected="the option's buyer, who pays its seller",
                     expected_zh="期权买方（向卖方支付）")  # fmt: skip
