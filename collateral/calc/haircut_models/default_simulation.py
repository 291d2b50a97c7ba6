"""From the expiry of the cure to the auction: what a default's sale recovers, how long it takes, what is left over.

After notice the units are sold on the exchange as `forced_sale` says, up to the auction's day; what is left then goes
in one lot at the day's reference price less the auction's discount. Costs come off first, the claim is met, and what
remains is the pledgor's (Civil Code, articles 428 and 438: no forfeiture). All on one seed: the same terms give the
same figures to the bit.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import cny, round_down, to_decimal, to_float
from collateral.calc.haircut_models.forced_sale import forced_sale_paths
from collateral.calc.haircut_models.sale_terms import SaleTerms

FloatArray = npt.NDArray[np.float64]

LEVELS = (
    Decimal("0.01"),
    Decimal("0.05"),
    Decimal("0.25"),
    Decimal("0.5"),
    Decimal("0.75"),
    Decimal("0.95"),
    Decimal("0.99"),
)
"""Levels of the quantiles given, worst first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuctionTerms:
    """The sale of what the exchange did not take.

    Attributes:
        after_days: Trading days from the cure's expiry to the auction.
        discount_ratio: Off the day's reference price, the rounds of falling reserve prices taken together.
        success_ratio: Part of auctions that sell; the others bring nothing.
    """

    after_days: int
    discount_ratio: Decimal
    success_ratio: Decimal

    def __post_init__(self) -> None:
        """Refuse ratios out of range."""
        if not (0 <= self.discount_ratio <= 1 and 0 <= self.success_ratio <= 1):
            raise _wrong(
                "the auction's discount and success lie in 0 to 1", "拍卖折价与成交比例须在 0 至 1", "discount_ratio"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultClaim:
    """Market value of the units, claim and costs of enforcement at the cure's expiry, 元."""

    market_value_cny: Decimal
    claim_cny: Decimal
    costs_cny: Decimal

    def __post_init__(self) -> None:
        """Refuse values that cannot be."""
        if self.market_value_cny <= 0 or self.claim_cny <= 0 or self.costs_cny < 0:
            raise _wrong(
                "value and claim are positive, costs not negative", "市值与债权须为正，费用不能为负", "claim_cny"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldLot:
    """One kind of unit of a pledge: what its sale meets, and its market value at the cure's expiry, 元."""

    terms: SaleTerms
    market_value_cny: Decimal

    def __post_init__(self) -> None:
        """Refuse a value that is none."""
        if self.market_value_cny <= 0:
            raise _wrong("the units have no value", "标的市值须为正", "market_value_cny")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantile:
    """A level and the figure that this part of the paths lies at or below."""

    level: Decimal
    value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultDistribution:
    """What the default brings.

    Attributes:
        recovery_mean_ratio: Mean of min(claim, net proceeds) / claim, rounded down.
        recovery_error_ratio: Standard error of that mean.
        recovery_quantiles: Of the recovery, over claim.
        surplus_mean_cny: Mean surplus that goes back to the pledgor.
        shortfall_mean_cny: Mean claim left open.
        shortfall_ratio: Part of the paths with a claim left open.
        days_quantiles: Of the days from the cure's expiry to the last sale; the auction's day where one is held.
        auction_ratio: Part of the paths that go to auction.
        auctioned_mean_ratio: Mean part of the units auctioned on them.
        path_count: Paths.
    """

    recovery_mean_ratio: Decimal
    recovery_error_ratio: Decimal
    recovery_quantiles: tuple[Quantile, ...]
    surplus_mean_cny: Decimal
    shortfall_mean_cny: Decimal
    shortfall_ratio: Decimal
    days_quantiles: tuple[Quantile, ...]
    auction_ratio: Decimal
    auctioned_mean_ratio: Decimal
    path_count: int


def simulated_default(
    terms: SaleTerms, auction: AuctionTerms, claim: DefaultClaim, *, path_count: int, seed: int
) -> DefaultDistribution:
    """Simulate a default from the cure's expiry on.

    Args:
        terms: What the sale meets; its cure is over, its last day the unit's last usable one.
        auction: What becomes of the rest; it is held before the last usable day is past.
        claim: The claim and the units' value.
        path_count: Paths, 2,000 to 10,000,000.
        seed: Of the draws.

    Raises:
        InvalidInput: Cure days are left, the auction comes before the first sale or after the last usable day.
    """
    lot = SoldLot(terms=terms, market_value_cny=claim.market_value_cny)
    return simulated_defaults(
        (lot,), auction, claim_cny=claim.claim_cny, costs_cny=claim.costs_cny, path_count=path_count, seed=seed
    )


def simulated_defaults(
    lots: tuple[SoldLot, ...], auction: AuctionTerms, *, claim_cny: Decimal, costs_cny: Decimal, path_count: int,
    seed: int,
) -> DefaultDistribution:  # fmt: skip
    """Simulate the default of a pledge over several kinds of unit, sold side by side and auctioned together.

    The kinds share their draws: they fall together, which is the cautious case, and one auction takes what is left of
    all. Recovery = min(claim, max(0, Σ value·(proceeds + auctioned) − costs)) / claim.

    Raises:
        InvalidInput: There is no lot; cure days are left; the auction comes before the first sale or after the last
            usable day of a unit.
    """
    if not lots:
        raise _wrong("there is nothing to sell", "没有可处置的标的", "units")
    for lot in lots:
        _require_order(lot.terms, auction)
    generator = np.random.Generator(np.random.SFC64(np.random.SeedSequence((seed, 3))))
    sells = generator.random(path_count) < to_float(auction.success_ratio)
    kept_at_auction = (1.0 - to_float(auction.discount_ratio)) * sells
    owed, costs = to_float(claim_cny), to_float(costs_cny)
    gross, left, days = np.zeros(path_count), np.zeros(path_count), np.zeros(path_count)
    whole = to_float(sum((lot.market_value_cny for lot in lots), Decimal(0)))
    for lot in lots:
        paths = forced_sale_paths(
            replace(lot.terms, last_sale_day=auction.after_days), path_count=path_count, seed=seed
        )
        value = to_float(lot.market_value_cny)
        gross += value * (paths.proceeds_ratio + paths.left_ratio * paths.price_ratio * kept_at_auction)
        left += paths.left_ratio * (value / whole)
        np.maximum(days, paths.days, out=days)
    net = np.maximum(0.0, gross - costs)
    recovery = np.minimum(net, owed) / owed
    auctioned = left[left > 0.0]
    return DefaultDistribution(
        recovery_mean_ratio=round_down(to_decimal(recovery.mean().item(), places=10), 4),
        recovery_error_ratio=to_decimal(recovery.std().item() / path_count**0.5, places=6),
        recovery_quantiles=_quantiles(recovery, places=4),
        surplus_mean_cny=cny(to_decimal(np.maximum(0.0, net - owed).mean().item(), places=4)),
        shortfall_mean_cny=cny(to_decimal(np.maximum(0.0, owed - net).mean().item(), places=4)),
        shortfall_ratio=_ratio(np.count_nonzero(net < owed) / path_count),
        days_quantiles=_quantiles(days, places=0),
        auction_ratio=_ratio(auctioned.size / path_count),
        auctioned_mean_ratio=_ratio(auctioned.mean().item() if auctioned.size else 0.0),
        path_count=path_count,
    )


def _require_order(terms: SaleTerms, auction: AuctionTerms) -> None:
    if terms.cure_days:
        raise _wrong("the simulation starts when the cure is over", "模拟自补足期届满起算，补足期须为 0", "cure_days")
    if terms.last_sale_day is not None and auction.after_days > terms.last_sale_day:
        raise _wrong(
            f"the auction on day {auction.after_days} comes after the last usable day {terms.last_sale_day}",
            f"拍卖（第 {auction.after_days} 日）晚于最后可用日（第 {terms.last_sale_day} 日）", "after_days",
        )  # fmt: skip


def _quantiles(values: FloatArray, *, places: int) -> tuple[Quantile, ...]:
    ordered = np.sort(values)
    return tuple(
        Quantile(
            level=level, value=to_decimal(ordered[max(0, -int(-level * ordered.size // 1) - 1)].item(), places=places)
        )
        for level in LEVELS
    )


def _ratio(value: float) -> Decimal:
    return to_decimal(value, places=4)


def _wrong(detail: str, zh: str, field: str) -> InvalidInput:
    return InvalidInput(detail, zh=zh, field=field)
