"""Notice, delivery and payment of forwards, and the use of credits: dated conventions by scheme."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.dates import Calendar
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.rules.parameters import ParameterBook, ParameterValue

NOTICE_DAYS = "pricing.delivery_notice_days"
PAYMENT_DAYS = "pricing.delivery_payment_days"
OFFSET_LIMIT = "pricing.credit_offset_ratio"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRules:
    """How many open days before delivery the notice is due, and how many after it the cash."""

    notice: ParameterValue
    payment: ParameterValue


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryDays:
    """The days of one delivery, on a calendar."""

    notice_date: date
    delivery_date: date
    payment_date: date


def delivery_rules(book: ParameterBook, scheme: Scheme, *, valid_on: date, known_at: datetime) -> DeliveryRules:
    """Give the scheme's delivery conventions as they stood on a day and were known at an instant.

    Raises:
        MissingData: The scheme has none.
    """
    return DeliveryRules(
        notice=_convention(book, NOTICE_DAYS, scheme, valid_on=valid_on, known_at=known_at),
        payment=_convention(book, PAYMENT_DAYS, scheme, valid_on=valid_on, known_at=known_at),
    )


def delivery_days(*, trade_date: date, delivery_date: date, rules: DeliveryRules, calendar: Calendar) -> DeliveryDays:
    """Give notice, delivery and payment day; a delivery on a closed day goes to the next open one.

    Raises:
        InvalidInput: The notice would be due before the trade.
        MissingData: A day lies past what the calendar knows.
    """
    delivery = calendar.roll_following(delivery_date)
    notice = calendar.add_open_days(delivery, -rules.notice.integer)
    if notice < trade_date:
        raise InvalidInput(
            f"notice of a delivery on {delivery} is due {notice}, before the trade on {trade_date}",
            zh=f"{delivery} 交割的通知应于 {notice} 前发出，早于成交日 {trade_date}",
            field="delivery_date",
            remedy=f"Deliver later: the notice takes {rules.notice.integer} open days.",
            remedy_zh=f"请推后交割：须提前 {rules.notice.integer} 个交易日通知。",
        )
    return DeliveryDays(
        notice_date=notice,
        delivery_date=delivery,
        payment_date=calendar.add_open_days(delivery, rules.payment.integer),
    )


def usable_credits_t(
    book: ParameterBook, scheme: Scheme, *, obligation_t: int, held_t: int, valid_on: date, known_at: datetime
) -> tuple[int, ParameterValue]:
    """Give how many credits can be surrendered for an obligation, min(held, floor(ratio x obligation)), and the rule.

    Args:
        book: Conventions.
        scheme: Scheme of the obligation, not of the credits.
        obligation_t: Tonnes to be surrendered.
        held_t: Credits held.
        valid_on: Day of surrender.
        known_at: Instant of knowledge.

    Raises:
        InvalidInput: Tonnes are negative.
        MissingData: The scheme has no such limit on record.
    """
    if obligation_t < 0 or held_t < 0:
        raise InvalidInput(
            f"obligation {obligation_t} t and credits {held_t} t must not be negative",
            zh="应清缴量与减排量不能为负",
            field="obligation_t",
        )
    limit = _convention(book, OFFSET_LIMIT, scheme, valid_on=valid_on, known_at=known_at)
    allowed_t = int(limit.decimal * Decimal(obligation_t))
    return min(held_t, allowed_t), limit


def _convention(book: ParameterBook, key: str, scheme: Scheme, *, valid_on: date, known_at: datetime) -> ParameterValue:
    found = book.find(key, valid_on=valid_on, known_at=known_at, scope=scheme.value)
    if found is None:
        raise MissingData(
            f"{scheme.value} has no {key} on {valid_on}",
            zh=f"{scheme.value} 在 {valid_on} 没有约定 {key}",
            field=key,
            remedy="Enter the convention with its source in the rulebook.",
            remedy_zh="请在规则库录入该约定及其出处。",
        )
    return found
