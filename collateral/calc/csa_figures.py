"""The figures of a credit support annex as the margin terms of one agreement state them."""

from dataclasses import dataclass
from datetime import time
from decimal import Decimal

from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import Currency, Money
from collateral.calc.csa_terms import CsaParty, CsaPartyTerms, CsaTerms, margin_terms_of, zone_of
from collateral.calc.eligibility import Rating
from collateral.calc.margin import Infinite, RoundingDirection


@dataclass(frozen=True, slots=True, kw_only=True)
class CsaFigures:
    """What an annex says of one party as pledgor, all amounts in `currency`.

    Attributes:
        threshold: None is without end: no margin is ever due.
        notification_time: None where the annex says it in words; a person enters it.
        zone: Time zone of the annex's hours.
        eligible_currencies: In which the annex takes cash, by code; None where it names no currency at all.
    """

    currency: Currency
    threshold: Decimal | None
    minimum_transfer: Decimal
    rounding: Decimal
    delivery_direction: RoundingDirection
    return_direction: RoundingDirection
    independent: Decimal
    notification_time: time | None
    resolution_time: time
    zone: str
    eligible_currencies: tuple[str, ...] | None


def figures_of(
    csa: CsaTerms,
    party: CsaParty,
    *,
    events: frozenset[str],
    ratings: tuple[Rating, ...],
    independent: Decimal | None,
) -> CsaFigures:
    """Give the figures of a party as pledgor, while these events go on and with these ratings.

    Args:
        csa: The annex.
        party: Who pledges.
        events: Events that go on, which may set an amount to zero.
        ratings: The pledgor's ratings.
        independent: The independent amount as a person entered it; None where the annex is to say it.

    Raises:
        InvalidInput: An amount is in another currency than the base, deliveries and returns move in other multiples,
            or the hours stand in several zones.
        MissingData: The independent amount is agreed in words or by rating and nobody entered it, or a rating or a
            business centre is not known.
    """
    terms = margin_terms_of(csa, party, events=events, ratings=ratings)
    (own,) = [one for one in csa.parties if one.party is party]
    delivery, returned = terms.delivery_rounding, terms.return_rounding
    if delivery.multiple != returned.multiple:
        raise InvalidInput(
            f"deliveries move in multiples of {delivery.multiple}, returns of {returned.multiple}",
            zh="交付与退还的取整倍数不同，请分别约定后人工录入",
            field="rounding",
        )
    notification = own.notification
    centres = [csa.resolution[1], *([] if notification is None else [notification[1]])]
    zones = {str(zone_of(centre)) for centre in centres}
    if len(zones) > 1:
        raise InvalidInput(
            f"the annex names hours in several zones: {', '.join(sorted(zones))}",
            zh="协议所列时点分属多个时区，请折算后人工录入",
            field="zone",
        )
    base = delivery.multiple.currency
    threshold = terms.threshold
    return CsaFigures(
        currency=base,
        threshold=None if isinstance(threshold, Infinite) else threshold.amount,
        minimum_transfer=terms.minimum_transfer.amount,
        rounding=delivery.multiple.amount,
        delivery_direction=delivery.direction,
        return_direction=returned.direction,
        independent=_independent(own, base, entered=independent),
        notification_time=None if notification is None else notification[0],
        resolution_time=csa.resolution[0],
        zone=zones.pop(),
        eligible_currencies=tuple(sorted(csa.eligible_currencies)) or None,
    )


def _independent(own: CsaPartyTerms, base: Currency, *, entered: Decimal | None) -> Decimal:
    """Give the fixed independent amount; one agreed otherwise is what a person entered, and never assumed."""
    if own.has_other_independent:
        if entered is None:
            raise MissingData(
                "the annex agrees an independent amount by rating or in words; it must be entered",
                zh="协议以评级或文字约定独立金额，请人工录入",
                field="independent",
                remedy="Enter the amount as it stands today, zero included.",
                remedy_zh="请按当日应适用的金额填写，为零也须填写。",
            )
        return entered
    stated = own.independent
    if stated is None or stated.amount == 0:
        return Decimal("0.00")
    if stated.currency != base:
        raise InvalidInput(
            f"the independent amount is in {stated.currency}, the base currency is {base}",
            zh=f"独立金额币种 {stated.currency} 与基础币种 {base} 不一致",
            field="independent",
        )
    return Money.of(stated.amount, base).amount
