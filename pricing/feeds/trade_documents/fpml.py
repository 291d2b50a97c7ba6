"""Forwards and options on emissions in FpML 5: `commoditySwap` and `commoditySwaption` with an environmental leg."""

from collections.abc import Mapping
from datetime import date, timedelta

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from pricing.calc.instruments.terms import TradingParty
from pricing.calc.options.kinds import ExerciseStyle, OptionType
from pricing.feeds.trade_documents.facts import Facts, Reading, ReadTrade, read_trade
from pricing.feeds.trade_documents.nodes import Node

SCHEMES: Mapping[str, Scheme] = {"EUAllowance": Scheme.EUA}
"""Product types whose allowance is one tonne of a scheme known here."""
TRACKING_SYSTEMS: Mapping[str, str] = {"COATS": "RGGI CO2 Allowance Tracking System."}
"""FpML's code list commodity-environmental-tracking-system, version 1-0."""
_OPTION_STYLES = {"europeanExercise": ExerciseStyle.EUROPEAN, "americanExercise": ExerciseStyle.AMERICAN}

Parties = Mapping[str, TradingParty | None]


def read_fpml(root: Node) -> tuple[ReadTrade, ...]:
    """Read every trade of a data document.

    Raises:
        InvalidInput: It is no FpML 5 data document, or holds no trade.
    """
    trades = root.named("trade")
    if root.name != "dataDocument" or not root.attributes.get("fpmlVersion", "").startswith("5-") or not trades:
        raise InvalidInput(
            f"{root.path}: {root.name} version {root.attributes.get('fpmlVersion', 'not given')} with {len(trades)} "
            "trades; expected a dataDocument of fpmlVersion 5-x with a trade",
            zh=f"{root.path}：{root.name} 含 {len(trades)} 笔交易；应为 fpmlVersion 5-x 且含交易的 dataDocument",
            field="document",
        )
    return tuple(_trade(root, trade, place) for place, trade in enumerate(trades, start=1))


def _trade(root: Node, trade: Node, place: int) -> ReadTrade:
    reading = Reading(Facts(shape="fpml"), f"trade {place}")
    for other in root.children:
        if other.name not in {"trade", "party"}:
            reading.fail(other.path, stands=other.name, expected="trade or party", expected_zh="trade 或 party")
    parties = {node.attributes.get("id", node.path): _party(reading, node) for node in root.named("party")}
    if len(parties) != len(root.named("party")):
        reading.fail(f"{root.path}/party", stands="one id twice", expected="an id each", expected_zh="各不相同的 id")
    header = reading.one(trade, "tradeHeader")
    for number, identifier in enumerate(header.named("partyTradeIdentifier") if header else ()):
        if number == 0:
            reading.see_all(identifier)
            found = identifier.named("tradeId")
            reading.say(trade_id=found[0].text if found else None)
        else:
            reading.see_all(identifier)
    reading.say(trade_date=reading.day(reading.one(header, "tradeDate")))
    option, forward = reading.maybe(trade, "commoditySwaption"), reading.maybe(trade, "commoditySwap")
    agreement = reading.maybe(trade, "documentation", "masterAgreement", "masterAgreementType")
    reading.say(master_agreement="" if agreement is None else agreement.text)
    if option is not None and forward is None:
        reading.say(is_option=True)
        _option(reading, option, parties)
    elif forward is not None and option is None:
        reading.say(is_option=False)
        _swap(reading, forward, parties)
    else:
        reading.fail(trade.path, stands=trade.said, expected="one commoditySwap or commoditySwaption",
                     expected_zh="一个 commoditySwap 或 commoditySwaption")  # fmt: skip
    sides = {reading.facts.buyer, reading.facts.seller}
    reading.say(others=tuple(party for party in parties.values() if party is not None and party not in sides))
    for child in trade.children:
        reading.unread(child)
    return read_trade(reading)


def _party(reading: Reading, node: Node) -> TradingParty | None:
    reading.see_all(node)
    return reading.party(reading.one(node, "partyId"), reading.maybe(node, "partyName"))


def _reference(reading: Reading, node: Node | None, parties: Parties) -> TradingParty | None:
    if node is None:
        return None
    href = node.attributes.get("href", "")
    if href not in parties:
        reading.fail(node.path, stands=f"href {href!r}", expected="the id of a party", expected_zh="某个 party 的 id")
        return None
    return parties[href]


def _swap(reading: Reading, swap: Node, parties: Parties) -> None:
    reading.keep(swap, "primaryAssetClass")
    reading.say(effective_date=_adjustable(reading, reading.one(swap, "effectiveDate")))
    reading.say(termination_date=_adjustable(reading, reading.one(swap, "terminationDate")))
    fixed, physical = reading.one(swap, "fixedLeg"), reading.one(swap, "environmentalPhysicalLeg")
    pays = _reference(reading, reading.one(fixed, "payerPartyReference"), parties)
    takes = _reference(reading, reading.one(fixed, "receiverPartyReference"), parties)
    reading.say(buyer=pays, seller=takes)
    _delivering(reading, physical, parties)
    reading.keep(fixed, "calculationPeriodsSchedule", "calculationDates", "masterAgreementPaymentDates")
    _price(reading, fixed, physical)
    # The price names the trade's currency; the examples settle one trade in another, which is listed, not converted.
    reading.currency(reading.one(swap, "settlementCurrency"))
    _physical(reading, physical)


def _delivering(reading: Reading, physical: Node | None, parties: Parties) -> None:
    """Hold the physical leg's sides against the fixed leg's, which say who pays the price and so who buys."""
    payer, receiver = reading.one(physical, "payerPartyReference"), reading.one(physical, "receiverPartyReference")
    sides = (_reference(reading, payer, parties), _reference(reading, receiver, parties))
    if payer is None or None in sides or reading.facts.buyer is None or reading.facts.seller is None:
        return
    if sides == (reading.facts.buyer, reading.facts.seller):
        reading.remark(
            f"{payer.path}：实物腿与固定价腿的付款方相同（FpML 示例的写法）；按固定价付款方为买方读取",
            f"{payer.path}: both legs name the same payer, as FpML's examples do; who pays the price buys",
        )
    elif sides != (reading.facts.seller, reading.facts.buyer):
        reading.fail(payer.path, stands=payer.attributes.get("href", ""), expected="the two sides of the fixed leg",
                     expected_zh="固定价腿的两方")  # fmt: skip


def _price(reading: Reading, fixed: Node | None, physical: Node | None) -> None:
    price = reading.one(fixed, "fixedPrice")
    reading.say(price=reading.number(reading.one(price, "price")))
    reading.currency(reading.one(price, "priceCurrency"))
    reading.word(reading.one(price, "priceUnit"), "Allowances")
    amount = reading.one(physical, "numberOfAllowances")
    reading.word(reading.one(amount, "quantityUnit"), "Allowances")
    reading.say(quantity=reading.whole(reading.one(amount, "quantity")))
    reference = reading.one(fixed, "quantityReference")
    if reference is not None and amount is not None and reference.attributes.get("href") != amount.attributes.get("id"):
        reading.fail(reference.path, stands=f"href {reference.attributes.get('href')!r}",
                     expected="the id of numberOfAllowances", expected_zh="numberOfAllowances 的 id")  # fmt: skip
    total = reading.maybe(fixed, "totalPrice")
    if total is None:
        return
    reading.currency(reading.one(total, "currency"))
    stated = reading.number(reading.one(total, "amount"))
    if stated is not None and reading.facts.price is not None and reading.facts.quantity is not None:
        due = reading.facts.price * reading.facts.quantity
        if stated != due:
            reading.fail(f"{total.path}/amount", stands=str(stated), expected=f"price times quantity, {due}",
                         expected_zh=f"价格乘数量 {due}")  # fmt: skip


def _physical(reading: Reading, physical: Node | None) -> None:
    product = reading.one(physical, "environmental")
    kind = reading.one(product, "productType")
    scheme = SCHEMES.get(reading.word(kind, *SCHEMES) or "")
    vintage = _vintage(reading, product)
    if scheme is not None and vintage is not None:
        try:
            reading.say(unit=Unit(scheme, vintage))
        except CarbonFinError as error:
            assert product is not None, "a vintage was read in it"
            reading.fail(product.path, stands=str(vintage), expected=error.detail, expected_zh=error.zh)
    reading.word(reading.maybe(product, "trackingSystem"), *TRACKING_SYSTEMS)
    reading.keep(product, "applicableLaw")
    reading.keep(
        physical, "abandonmentOfScheme", "paymentDate", "businessCenters", "failureToDeliverApplicable", "eEPParameters"
    )
    delivery = reading.one(physical, "deliveryDate")
    relative = reading.maybe(delivery, "relativeDate")
    if relative is None:
        reading.say(delivery_date=_adjustable(reading, delivery))
        return
    reading.word(reading.one(relative, "period"), "D")
    reading.word(reading.one(relative, "businessDayConvention"), "NONE")
    days = reading.whole(reading.one(relative, "periodMultiplier"))
    anchor = reading.one(relative, "dateRelativeTo")
    if anchor is not None and anchor.attributes.get("href") != "exerciseDate":
        reading.fail(anchor.path, stands=f"href {anchor.attributes.get('href')!r}", expected="exerciseDate",
                     expected_zh="exerciseDate")  # fmt: skip
    expiry = reading.facts.expiry_date
    if days is not None and expiry is not None and days <= 366:
        reading.say(delivery_date=expiry + timedelta(days=days))
    else:
        reading.fail(relative.path, stands=relative.said, expected="1 to 366 days after an expiry that is stated",
                     expected_zh="到期日后 1 至 366 天，且到期日已载明")  # fmt: skip


def _vintage(reading: Reading, product: Node | None) -> int | None:
    stated = reading.maybe(product, "vintage")
    if stated is not None:
        return reading.whole(stated)
    period = reading.one(product, "compliancePeriod")
    start, end = reading.whole(reading.one(period, "startYear")), reading.whole(reading.one(period, "endYear"))
    if start is not None and end is not None and start != end:
        assert period is not None, "its years were read"
        reading.fail(period.path, stands=f"{start} to {end}", expected="one year", expected_zh="单一年度")
        return None
    return start if end is not None else None


def _adjustable(reading: Reading, node: Node | None) -> date | None:
    adjustable = reading.one(node, "adjustableDate")
    adjustments = reading.maybe(adjustable, "dateAdjustments")
    reading.keep(adjustments, "businessCenters", "businessCentersReference")
    reading.word(reading.maybe(adjustments, "businessDayConvention"), "NONE")
    return reading.day(reading.one(adjustable, "unadjustedDate"))


def _option(reading: Reading, option: Node, parties: Parties) -> None:
    reading.keep(option, "primaryAssetClass", "clearingInstructions")
    buyer = _reference(reading, reading.one(option, "buyerPartyReference"), parties)
    seller = _reference(reading, reading.one(option, "sellerPartyReference"), parties)
    kind = reading.word(reading.one(option, "optionType"), "Call", "Put")
    reading.say(option_type=None if kind is None else OptionType(kind.lower()))
    exercise = reading.one(option, "physicalExercise")
    reading.keep(exercise, "writtenConfirmation", "automaticExercise", "clearingInstructions")
    styles = [name for name in _OPTION_STYLES if exercise is not None and exercise.named(name)]
    if exercise is not None and len(styles) == 1:
        reading.say(style=_OPTION_STYLES[styles[0]])
        period = reading.one(exercise, styles[0])
        reading.say(expiry_date=_adjustable(reading, reading.one(period, "expirationDate")))
        reading.keep(period, "expirationTime", "commencementDate", "latestExerciseTime", "exercisePeriod")
    elif exercise is not None:
        reading.fail(exercise.path, stands=exercise.said, expected="one europeanExercise or americanExercise",
                     expected_zh="一个 europeanExercise 或 americanExercise")  # fmt: skip
    swap = reading.one(option, "commoditySwap")
    if swap is not None:
        _swap(reading, swap, parties)
    # A call's holder would pay the fixed price, a put's would receive it: the swap under it must agree.
    expected = (buyer, seller) if reading.facts.option_type is OptionType.CALL else (seller, buyer)
    if (
        reading.facts.option_type is not None
        and None not in (buyer, seller, reading.facts.buyer)
        and (reading.facts.buyer, reading.facts.seller) != expected
    ):
        reading.fail(f"{option.path}/commoditySwap/fixedLeg", stands="the other direction",
                     expected=f"the direction of a bought {kind}", expected_zh=f"与买入 {kind} 一致的方向")  # fmt: skip
    reading.say(buyer=buyer, seller=seller)
    _premium(reading, reading.maybe(option, "premium"), parties)


def _premium(reading: Reading, premium: Node | None, parties: Parties) -> None:
    if premium is None:
        return
    payer = reading.one(premium, "payerPartyReference")
    sides = (_reference(reading, payer, parties),
             _reference(reading, reading.one(premium, "receiverPartyReference"), parties))  # fmt: skip
    if payer is not None and None not in sides and sides != (reading.facts.buyer, reading.facts.seller):
        reading.fail(payer.path, stands=payer.attributes.get("href", ""), expected="the option's buyer",
                     expected_zh="期权买方（向卖方支付）")  # fmt: skip
    amount = reading.one(premium, "paymentAmount")
    reading.currency(reading.one(amount, "currency"))
    reading.say(premium_amount=reading.number(reading.one(amount, "amount")))
    reading.keep(premium, "paymentDate")
