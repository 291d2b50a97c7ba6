"""What happens to a repo between its two dates: repriced, adjusted, substituted, rolled, ended early, failed."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import Calendar
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Money, largest_remainders
from collateral.calc.ledger import Bucket, Entry, Posting
from collateral.calc.repo import RepoTerms
from collateral.calc.repo_accrual import RateStep
from collateral.calc.repo_ratios import lendable_amount, margin_ratio


def units_to_cover_t(cover_cny: Decimal, *, price_cny_per_t: Decimal, haircut_ratio: Decimal) -> int:
    """Give the whole tonnes whose value after haircut covers an amount: cover / (p (1 - H)), rounded up.

    Rounding to the nearest, as a public engine does, leaves the buyer short by up to half a unit.

    Raises:
        InvalidInput: The price is not positive, or the haircut does not lie in [0, 1).
    """
    margin_ratio(haircut_ratio)
    if price_cny_per_t <= 0:
        raise InvalidInput(f"price {price_cny_per_t} is not positive", zh="价格须为正数", field="price_cny_per_t")
    return math.ceil(Fraction(cover_cny) / (Fraction(price_cny_per_t) * (1 - Fraction(haircut_ratio))))


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoChange:
    """The terms after an event, and the cash and units that pass with it.

    Attributes:
        cash_to_buyer_amount: In the cash currency; negative where the buyer pays.
        units_to_buyer_t: Of the unit in the new terms; negative where the buyer returns.
    """

    terms: RepoTerms
    cash_to_buyer_amount: Decimal
    units_to_buyer_t: int


def repriced(
    terms: RepoTerms, *, on: date, market_value_cny: Decimal, haircut_ratio: Decimal, cny_per_unit: Decimal
) -> RepoChange:
    """Reprice: the units stay, the repo starts again on that day with the cash they are now good for (GMRA 4(j)).

    The new purchase price is MV (1 - H) / FX, rounded down; the difference to the value accrued so far is paid.
    """
    _require_open(terms, on)
    price = lendable_amount(market_value_cny, haircut_ratio=haircut_ratio, cny_per_unit=cny_per_unit)
    return RepoChange(
        terms=replace(terms, purchase_date=on, purchase_price_amount=price, rate=rate_on(terms, on), later_rates=None),
        cash_to_buyer_amount=terms.accrued(on) - price,
        units_to_buyer_t=0,
    )


def rate_on(terms: RepoTerms, day: date) -> Decimal:
    """Give the pricing rate that counts from a day on."""
    return next(step.rate for step in reversed(terms.rates) if step.start <= day)


def rate_changed(terms: RepoTerms, *, on: date, rate: Decimal) -> RepoChange:
    """Change the pricing rate from a day on: what has accrued stays, and nothing is paid before the end.

    Raises:
        InvalidInput: The rate changed on that day already, or the repo does not run then.
    """
    _require_open(terms, on)
    if on <= terms.rates[-1].start:
        raise InvalidInput(
            f"the rate of repo {terms.code} counts from {terms.rates[-1].start}; another cannot begin {on}",
            zh=f"回购 {terms.code} 现行利率自 {terms.rates[-1].start} 起算，新利率须自其后起算",
            field="on",
        )
    steps = (*(terms.later_rates or ()), RateStep(start=on, rate=rate))
    return RepoChange(terms=replace(terms, later_rates=steps), cash_to_buyer_amount=Decimal("0.00"), units_to_buyer_t=0)


def adjusted(
    terms: RepoTerms, *, on: date, cover_cny: Decimal, price_cny_per_t: Decimal, haircut_ratio: Decimal
) -> RepoChange:
    """Adjust: the cash stays, the units become those that cover it (GMRA 4(k)).

    Args:
        terms: The repo before.
        on: The day of the adjustment.
        cover_cny: What the units must cover after haircut: the purchase price, or the value accrued so far.
        price_cny_per_t: Price of the unit on that day.
        haircut_ratio: Haircut of the unit.
    """
    _require_open(terms, on)
    quantity_t = units_to_cover_t(cover_cny, price_cny_per_t=price_cny_per_t, haircut_ratio=haircut_ratio)
    return RepoChange(
        terms=replace(terms, quantity_t=quantity_t),
        cash_to_buyer_amount=Decimal("0.00"),
        units_to_buyer_t=quantity_t - terms.quantity_t,
    )


def substituted(
    terms: RepoTerms, *, on: date, unit: Unit, cover_cny: Decimal, price_cny_per_t: Decimal, haircut_ratio: Decimal
) -> RepoChange:
    """Substitute: other units that cover the cash come in, and then the old ones go out (GMRA 8).

    Raises:
        InvalidInput: The unit is the one already sold.
    """
    _require_open(terms, on)
    if unit == terms.unit:
        raise InvalidInput(f"{unit} cannot take its own place", zh="置换的品种须与原品种不同", field="unit")
    quantity_t = units_to_cover_t(cover_cny, price_cny_per_t=price_cny_per_t, haircut_ratio=haircut_ratio)
    return RepoChange(
        terms=replace(terms, unit=unit, quantity_t=quantity_t),
        cash_to_buyer_amount=Decimal("0.00"),
        units_to_buyer_t=quantity_t,
    )


def substitution_entry(before: RepoTerms, after: RepoTerms, *, seller_account_id: str, buyer_account_id: str) -> Entry:
    """Write a substitution as one entry, the new units in before the old ones out: both pass, or neither."""

    def passed(unit: Unit, quantity_t: int, giver: str, taker: str) -> tuple[Posting, Posting]:
        return (
            Posting(account_id=giver, unit=unit, bucket=Bucket.FREE, quantity_t=-quantity_t),
            Posting(account_id=taker, unit=unit, bucket=Bucket.FREE, quantity_t=quantity_t),
        )

    incoming = passed(after.unit, after.quantity_t, seller_account_id, buyer_account_id)
    outgoing = passed(before.unit, before.quantity_t, buyer_account_id, seller_account_id)
    return Entry(postings=(*incoming, *outgoing))


def rolled(
    terms: RepoTerms, *, code: str, repurchase_date: date, rate: Decimal, purchase_price_amount: Decimal
) -> RepoChange:
    """Roll: a new repo takes the old one's place on its repurchase date, and the difference in cash is paid.

    With the old purchase price the interest is paid; with the old repurchase price it is rolled up.
    """
    start = terms.repurchase_date
    after = replace(
        terms, code=code, purchase_date=start, repurchase_date=repurchase_date, rate=rate,
        purchase_price_amount=purchase_price_amount, later_rates=None,
    )  # fmt: skip
    return RepoChange(
        terms=after, cash_to_buyer_amount=terms.accrued(start) - purchase_price_amount, units_to_buyer_t=0
    )


def ended_early(terms: RepoTerms, *, noticed_on: date, notice_days: int, calendar: Calendar) -> RepoTerms:
    """End a repo on demand: it is repurchased `notice_days` open days after the notice.

    Raises:
        InvalidInput: That is not before the agreed repurchase date.
    """
    _require_open(terms, noticed_on)
    day = calendar.add_open_days(noticed_on, notice_days)
    if not terms.purchase_date < day < terms.repurchase_date:
        raise InvalidInput(
            f"repo {terms.code} ends {terms.repurchase_date}; notice on {noticed_on} would end it {day}",
            zh=f"按通知计算的购回日 {day} 不早于约定的购回日 {terms.repurchase_date}",
            field="noticed_on",
        )
    return replace(terms, repurchase_date=day)


def shaped_t(quantity_t: int, *, limit_t: int) -> tuple[int, ...]:
    """Cut a quantity into deliveries of at most `limit_t`.

    Raises:
        InvalidInput: A quantity is not positive.
    """
    if quantity_t <= 0 or limit_t <= 0:
        raise InvalidInput(f"{quantity_t} t in lots of {limit_t} t", zh="数量与单笔上限须为正整数", field="limit_t")
    whole, rest = divmod(quantity_t, limit_t)
    return (limit_t,) * whole + ((rest,) if rest else ())


def split_amount(amount: Money, weights: Iterable[int]) -> tuple[Money, ...]:
    """Split an amount by weights to the minor unit; what rounding leaves goes to the largest remainders, first first.

    Raises:
        InvalidInput: A weight is negative, or they sum to nothing.
    """
    shares = tuple(weights)
    if sum(shares) <= 0 or min(shares) < 0:
        raise InvalidInput(f"weights {shares} cannot split an amount", zh="分摊权重须为非负且不全为零", field="weights")
    return tuple(Money(part, amount.currency) for part in largest_remainders(amount.minor, shares))


def partly_delivered(terms: RepoTerms, delivered_t: int) -> tuple[RepoTerms, RepoTerms]:
    """Split a repo of which only part was delivered: the part that opens, and the part that fails; cash by tonnes.

    Raises:
        InvalidInput: Nothing or everything was delivered.
    """
    missing_t = terms.quantity_t - delivered_t
    if delivered_t <= 0 or missing_t <= 0:
        raise InvalidInput(
            f"{delivered_t} t is no part of {terms.quantity_t} t", zh="部分交付数量须小于约定数量", field="delivered_t"
        )
    cash = split_amount(Money.of(terms.purchase_price_amount, terms.currency), (delivered_t, missing_t))
    delivered, missing = (
        replace(terms, quantity_t=quantity_t, purchase_price_amount=part.amount)
        for quantity_t, part in zip((delivered_t, missing_t), cash, strict=True)
    )
    return delivered, missing


def start_fail_due_amount(terms: RepoTerms, *, on: date, is_paid: bool) -> Decimal:
    """Give what a seller who failed to deliver owes once the buyer ends the repo: R - PP, or R where PP was paid.

    Source: GMRA 2000 10(g), GMRA 2011 10(h).
    """
    accrued = terms.accrued(on)
    return accrued if is_paid else accrued - terms.purchase_price_amount


def fail_age_days(*, due_on: date, on: date, calendar: Calendar) -> int:
    """Give how many open days a delivery has been failing: none on the day it is due."""
    return calendar.open_days_between(due_on, on) if on > due_on else 0


def _require_open(terms: RepoTerms, on: date) -> None:
    if not terms.purchase_date <= on < terms.repurchase_date:
        raise InvalidInput(
            f"repo {terms.code} runs [{terms.purchase_date}, {terms.repurchase_date}), not on {on}",
            zh=f"回购 {terms.code} 的存续期为 {terms.purchase_date} 至 {terms.repurchase_date}，{on} 不在其中",
            field="on",
        )
