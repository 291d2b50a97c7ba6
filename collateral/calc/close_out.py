"""Close-out of repos on default: default market value, the net sum, and what is left of it without netting."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.dates import Calendar
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import Currency, Money, round_half_up

_QUOTES_MIN = 2


class RepoSide(StrEnum):
    """A party to a repo."""

    SELLER = "seller"
    BUYER = "buyer"


class ValueBasis(StrEnum):
    """What a default market value rests on, the best evidence first."""

    DEALT = "dealt"
    QUOTED = "quoted"
    FAIR = "fair"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dealing:
    """A sale (the seller defaulted) or a purchase (the buyer did) that was made, before costs."""

    dealt_on: date
    gross: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultEvidence:
    """What is known of the value of the units after a default, in the currency of the repo.

    Attributes:
        dealing: The deal made over all the units, if one was.
        quotes_per_t: Quotes of market makers, per tonne.
        fair_per_t: The non-defaulting party's own fair value, per tonne, if it struck one.
        costs: What dealing costs.
    """

    quantity_t: int
    dealing: Dealing | None
    quotes_per_t: tuple[Decimal, ...]
    fair_per_t: Decimal | None
    costs: Money

    def __post_init__(self) -> None:
        """Refuse no units, a negative cost, and prices that are not positive."""
        prices = (*self.quotes_per_t, *(() if self.fair_per_t is None else (self.fair_per_t,)))
        if self.quantity_t <= 0 or self.costs.minor < 0 or any(price <= 0 for price in prices):
            raise InvalidInput(
                f"{self.quantity_t} t at {prices} with costs {self.costs}",
                zh="违约估值的数量、价格须为正数，费用不能为负",
                field="quotes_per_t",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultValue:
    """The default market value of the units, after costs, and what it rests on."""

    value: Money
    basis: ValueBasis


def default_valuation_day(*, defaulted_on: date, dealing_days: int, calendar: Calendar) -> date:
    """Give the last day on which a deal counts: `dealing_days` open days after the default (five, by GMRA)."""
    return calendar.add_open_days(defaulted_on, dealing_days)


def default_market_value(evidence: DefaultEvidence, *, defaulter: RepoSide, valuation_day: date) -> DefaultValue:
    """Give the default market value: a deal by the valuation day, else the mean of two quotes or more, else fair value.

    Costs come off what the buyer sells for, and onto what the seller buys for.

    Raises:
        MissingData: There is no deal in time, fewer than two quotes and no fair value.
    """
    currency = evidence.costs.currency
    dealing = evidence.dealing
    if dealing is not None and dealing.dealt_on <= valuation_day:
        gross, basis = dealing.gross, ValueBasis.DEALT
    elif len(evidence.quotes_per_t) >= _QUOTES_MIN:
        total = sum(evidence.quotes_per_t, Decimal(0)) * evidence.quantity_t
        gross, basis = Money.of(round_half_up(total / len(evidence.quotes_per_t)), currency), ValueBasis.QUOTED
    elif evidence.fair_per_t is not None:
        gross = Money.of(round_half_up(evidence.fair_per_t * evidence.quantity_t), currency)
        basis = ValueBasis.FAIR
    else:
        raise MissingData(
            f"{evidence.quantity_t} t have no deal by {valuation_day}, fewer than two quotes and no fair value",
            zh=f"截至 {valuation_day} 无成交，且报价不足两家、无公允价值",
            field="quotes_per_t",
            remedy="Obtain two quotes or strike a fair value.",
            remedy_zh="请取得两家以上报价，或确定公允价值。",
        )
    value = gross - evidence.costs if defaulter is RepoSide.SELLER else gross + evidence.costs
    return DefaultValue(value=value, basis=basis)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedRepo:
    """One repo brought to its end by a default, in the base currency.

    Attributes:
        repurchase_price: R to the day it is closed out, owed by the seller.
        margin_held: Cash margin the buyer holds, negative where the seller holds it.
        income_to_seller: Income the buyer has received and not passed on.
        units_value: Default market value of the units, owed by the buyer.
    """

    code: str
    repurchase_price: Money
    margin_held: Money
    income_to_seller: Money
    units_value: Money

    @property
    def owed_by_seller(self) -> Money:
        """R - margin - income - value of the units; negative where the buyer owes."""
        return self.repurchase_price - self.margin_held - self.income_to_seller - self.units_value


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseOut:
    """What is left between two parties, netted, and side by side for where netting does not hold.

    Attributes:
        net_owed_by_seller: The one sum under GMRA 10; negative is a surplus that goes back to the seller.
        owed_by_seller: The sum of the repos on which the seller owes.
        owed_by_buyer: The sum of the repos on which the buyer owes.
        is_netting_supported: Whether an opinion supports netting with this counterparty.
    """

    net_owed_by_seller: Money
    owed_by_seller: Money
    owed_by_buyer: Money
    is_netting_supported: bool


def close_out(repos: Iterable[ClosedRepo], *, base: Currency, is_netting_supported: bool) -> CloseOut:
    """Close out the repos given: all of them on default, or one alone for a failed delivery (mini close-out)."""
    seller, buyer = Money(0, base), Money(0, base)
    for one in repos:
        owed = one.owed_by_seller
        if owed.minor >= 0:
            seller = seller + owed
        else:
            buyer = buyer - owed
    return CloseOut(
        net_owed_by_seller=seller - buyer, owed_by_seller=seller, owed_by_buyer=buyer,
        is_netting_supported=is_netting_supported,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SecuredClaim:
    """A repo read as security by transfer (让与担保): the units are sold, the claim is met, the rest goes back."""

    satisfied: Money
    surplus_to_seller: Money
    shortfall: Money


def secured_claim(closed: ClosedRepo) -> SecuredClaim:
    """Distribute margin, income and the value of the units on the repurchase price; the surplus goes back."""
    security = closed.margin_held + closed.income_to_seller + closed.units_value
    currency = security.currency
    claim = closed.repurchase_price
    satisfied = min(claim.minor, max(security.minor, 0))
    return SecuredClaim(
        satisfied=Money(satisfied, currency),
        surplus_to_seller=Money(max((security - claim).minor, 0), currency),
        shortfall=Money(claim.minor - satisfied, currency),
    )
