"""The economics of a credit support annex as FINOS CDM JSON: thresholds, minimums, rounding, currencies, hours.

Legal text and elections that move no amount are not read. Source: github.com/finos/common-domain-model (version 7).
"""

from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import Currency, Money
from collateral.calc.cdm_nodes import CdmNode
from collateral.calc.eligibility import Rating
from collateral.calc.margin import Infinite, MarginTerms, Rounding, RoundingDirection

_ELECTIONS = ("creditSupportAgreementElections", "collateralTransferAgreementElections")
_VARIATION_MARGIN = "CreditSupportAgreementVariationMarginElections"
_FORMS = (_VARIATION_MARGIN, "CreditSupportAgreementInitialMarginElections", "CreditSupportAgreementLegacyElections")
_CENT = Decimal("0.01")

CENTRE_ZONES: dict[str, str] = {
    "CATO": "America/Toronto",
    "CNBE": "Asia/Shanghai",
    "CNSH": "Asia/Shanghai",
    "DEFR": "Europe/Berlin",
    "FRPA": "Europe/Paris",
    "GBLO": "Europe/London",
    "HKHK": "Asia/Hong_Kong",
    "JPTO": "Asia/Tokyo",
    "MACA": "Africa/Casablanca",
    "NYSE": "America/New_York",
    "SGSI": "Asia/Singapore",
    "THBA": "Asia/Bangkok",
    "USNY": "America/New_York",
}
"""Time zone of a business centre (FpML code)."""


class CsaParty(StrEnum):
    """A party of an annex, as CDM names it."""

    ONE = "PARTY_1"
    TWO = "PARTY_2"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedAmount:
    """An amount in the words of the document; its currency may be one that no margin is kept in here."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingsThreshold:
    """A threshold by the pledgor's rating; the lowest of several counts, and no rating makes it zero."""

    currency: str
    levels: tuple[tuple[Rating, Decimal], ...]

    def amount_for(self, ratings: tuple[Rating, ...]) -> StatedAmount:
        """Give the threshold of the ratings.

        Raises:
            MissingData: The table has no line for a rating.
        """
        by_rating = dict(self.levels)
        missing = [rating for rating in ratings if rating not in by_rating]
        if missing:
            raise MissingData(
                f"the annex has no threshold for {missing[0].agency} {missing[0].notation}",
                zh=f"协议未列明评级 {missing[0].agency} {missing[0].notation} 的起点金额",
                field="ratings",
            )
        amount = min((by_rating[rating] for rating in ratings), default=Decimal(0))
        return StatedAmount(amount=amount, currency=self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventAmount:
    """An amount that becomes zero while one of its events goes on."""

    stated: StatedAmount | RatingsThreshold | Infinite
    zero_on: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CsaPartyTerms:
    """What one party agreed to.

    Attributes:
        threshold: Zero where the form has none (variation margin).
        independent: Fixed independent amount; None where none is fixed in the annex.
        has_other_independent: An independent amount is agreed by rating or in words, and must be entered by a person.
        notification: Hour and business centre; None where the annex says it in words.
    """

    party: CsaParty
    threshold: EventAmount
    minimum_transfer: EventAmount
    independent: StatedAmount | None
    has_other_independent: bool
    notification: tuple[time, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CsaRounding:
    """Multiples and directions of rounding."""

    currency: str
    delivery_multiple: Decimal
    delivery_direction: RoundingDirection
    return_multiple: Decimal
    return_direction: RoundingDirection


@dataclass(frozen=True, slots=True, kw_only=True)
class CsaTerms:
    """The economics of an annex.

    Attributes:
        rounding: None where the annex does not round.
        resolution: Hour and business centre of the recalculation in a dispute.
    """

    base_currency: str
    eligible_currencies: frozenset[str]
    parties: tuple[CsaPartyTerms, ...]
    rounding: CsaRounding | None
    resolution: tuple[time, str]


def read_csa(document: object) -> CsaTerms:
    """Read an annex from parsed JSON.

    Raises:
        InvalidInput: It is no annex with credit support obligations, or a figure reads what it cannot.
    """
    agreement = CdmNode(document, "").at("agreementTerms", "agreement")
    found = [node for name in _ELECTIONS if (node := agreement.find(name)) is not None]
    if not found:
        raise InvalidInput(
            "the agreement sets no credit support obligations", zh="该协议未约定担保交付义务", field="agreement"
        )
    form = [node for name in _FORMS if (node := found[0].find(name)) is not None]
    elections = form[0] if form else found[0]
    currencies = elections.at("baseAndEligibleCurrency")
    base = currencies.at("baseCurrency").text
    listed = currencies.find("eligibleCurrency")
    eligible = set() if listed is None else {one.text for one in listed.items}
    if currencies.at("eligibleCurrencyInclBaseCurrency").flag:
        eligible.add(base)
    resolution = elections.at("disputeResolution", "resolutionTime")
    return CsaTerms(
        base_currency=base,
        eligible_currencies=frozenset(eligible),
        parties=_parties(elections, base, has_threshold=found[0].find(_VARIATION_MARGIN) is None),
        rounding=_rounding(elections.find_at("creditSupportObligations", "rounding")),
        resolution=_hour(resolution),
    )


def _parties(elections: CdmNode, base: str, *, has_threshold: bool) -> tuple[CsaPartyTerms, ...]:
    obligations = elections.at("creditSupportObligations")
    thresholds = _by_party(obligations.at("threshold", "partyElection")) if has_threshold else {}
    minimums = _by_party(obligations.at("minimumTransferAmount", "partyElection"))
    independents = _by_party(obligations.find_at("independentAmount", "partyElection"))
    in_words = obligations.find_at("independentAmount", "additionalLanguage") is not None
    hours = _by_party(elections.find_at("calculationAndTiming", "notificationTime", "partyElections"))
    none = EventAmount(stated=StatedAmount(amount=Decimal(0), currency=base), zero_on=frozenset())
    return tuple(
        CsaPartyTerms(
            party=party,
            threshold=_event_amount(thresholds[party]) if has_threshold else none,
            minimum_transfer=_event_amount(minimums[party]),
            independent=_independent(independents.get(party)),
            has_other_independent=in_words or _is_by_rating(independents.get(party)),
            notification=_notification(hours.get(party)),
        )
        for party in minimums
    )


def _by_party(node: CdmNode | None) -> dict[CsaParty, CdmNode]:
    return {} if node is None else {CsaParty(one.at("party").one_of(CsaParty)): one for one in node.items}


def _event_amount(node: CdmNode) -> EventAmount:
    infinity = node.find("infinity")
    if infinity is not None and infinity.flag:
        return EventAmount(stated=Infinite.INFINITE, zero_on=frozenset())
    rated = node.find("ratingsBased")
    body = node.at("fixedAmount") if rated is None else rated
    events = body.find("event")
    zero = body.at("zeroEvent").flag and events is not None
    return EventAmount(
        stated=_stated(body.at("amount")) if rated is None else _by_rating(rated),
        zero_on=frozenset(one.text for one in events.items) if zero and events is not None else frozenset(),
    )


def _by_rating(node: CdmNode) -> RatingsThreshold:
    if node.at("compare").text != "LOWEST":
        raise InvalidInput(
            f"{node.path}.compare reads {node.at('compare').text}; only LOWEST is known",
            zh=f"{node.path} 的评级取值方式无法识别",
            field=node.path,
        )
    levels = tuple(
        (Rating(agency=one.at("name").text, notation=one.at("value").text), one.at("amount").number)
        for one in node.at("variableSet").items
    )
    return RatingsThreshold(currency=node.at("currency").text, levels=levels)


def _stated(node: CdmNode) -> StatedAmount:
    return StatedAmount(amount=node.at("value").number, currency=node.at("unit", "currency", "value").text)


def _independent(node: CdmNode | None) -> StatedAmount | None:
    fixed = None if node is None or not node.at("isApplicable").flag else node.find("fixedAmount")
    return None if fixed is None else _stated(fixed)


def _is_by_rating(node: CdmNode | None) -> bool:
    return node is not None and node.at("isApplicable").flag and node.find("fixedAmount") is None


def _notification(node: CdmNode | None) -> tuple[time, str] | None:
    hour = None if node is None else node.find("notificationTime")
    return None if hour is None else _hour(hour)


def _hour(node: CdmNode) -> tuple[time, str]:
    said = node.at("hourMinuteTime").text
    try:
        hour = time.fromisoformat(said)
    except ValueError as error:
        raise InvalidInput(
            f"{node.path} reads {said}, not an hour", zh=f"{node.path} 的时刻有误", field=node.path
        ) from error
    return hour, node.at("businessCenter", "value").text


def _rounding(node: CdmNode | None) -> CsaRounding | None:
    if node is None:
        return None
    directions = {direction.name: direction for direction in RoundingDirection}
    return CsaRounding(
        currency=node.at("currency").text,
        delivery_multiple=node.at("deliveryAmount").number,
        delivery_direction=directions[node.at("deliveryDirection").one_of(directions)],
        return_multiple=node.at("returnAmount").number,
        return_direction=directions[node.at("returnDirection").one_of(directions)],
    )


def margin_terms_of(
    csa: CsaTerms, party: CsaParty, *, events: frozenset[str], ratings: tuple[Rating, ...]
) -> MarginTerms:
    """Give the margin terms of a party as pledgor, while these events go on and with these ratings.

    Raises:
        InvalidInput: An amount is in a currency other than the base currency, or no margin is kept in that currency.
        MissingData: The annex has no threshold for a rating.
    """
    base = _currency(csa.base_currency)
    (terms,) = [one for one in csa.parties if one.party is party]
    threshold = _in_force(terms.threshold, base, events=events, ratings=ratings)
    minimum = _in_force(terms.minimum_transfer, base, events=events, ratings=ratings)
    if isinstance(minimum, Infinite):
        raise InvalidInput("the minimum transfer is infinite", zh="最低转让金额不能为无限", field="minimum_transfer")
    rounding = csa.rounding or CsaRounding(
        currency=csa.base_currency, delivery_multiple=_CENT, delivery_direction=RoundingDirection.UP,
        return_multiple=_CENT, return_direction=RoundingDirection.DOWN,
    )  # fmt: skip
    delivery = StatedAmount(amount=rounding.delivery_multiple, currency=rounding.currency)
    returned = StatedAmount(amount=rounding.return_multiple, currency=rounding.currency)
    return MarginTerms(
        threshold=threshold,
        minimum_transfer=minimum,
        delivery_rounding=Rounding(multiple=_money(delivery, base), direction=rounding.delivery_direction),
        return_rounding=Rounding(multiple=_money(returned, base), direction=rounding.return_direction),
    )


def _in_force(
    amount: EventAmount, base: Currency, *, events: frozenset[str], ratings: tuple[Rating, ...]
) -> Money | Infinite:
    if amount.zero_on & events:
        return Money(0, base)
    stated = amount.stated
    if isinstance(stated, Infinite):
        return stated
    return _money(stated.amount_for(ratings) if isinstance(stated, RatingsThreshold) else stated, base)


def _money(stated: StatedAmount, base: Currency) -> Money:
    """Give an amount in the base currency; nothing is nothing in any currency."""
    if stated.amount == 0:
        return Money(0, base)
    if _currency(stated.currency) is not base:
        raise InvalidInput(
            f"{stated.amount} {stated.currency} is not in the base currency {base}",
            zh=f"金额 {stated.amount} {stated.currency} 与基础币种 {base} 不一致",
            field="currency",
            remedy="Agree on a rate or restate the amount in the base currency.",
            remedy_zh="请约定折算汇率，或以基础币种重述金额。",
        )
    return Money.of(stated.amount, base)


def _currency(code: str) -> Currency:
    if code not in {one.value for one in Currency}:
        raise InvalidInput(f"{code} is not a currency in use", zh=f"币种 {code} 未启用", field="currency")
    return Currency(code)


def zone_of(centre: str) -> ZoneInfo:
    """Give the time zone of a business centre.

    Raises:
        MissingData: The centre is not known here; no zone is assumed.
    """
    if centre not in CENTRE_ZONES:
        raise MissingData(
            f"business centre {centre} has no known time zone", zh=f"营业中心 {centre} 的时区未知", field="centre"
        )
    return ZoneInfo(CENTRE_ZONES[centre])
