"""A simulated default of a pledge as the API shows it."""

from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.web.wire import CnyText, RatioText, decimal_of
from collateral.calc.haircut_models.default_simulation import AuctionTerms, Quantile
from collateral.schemas.haircuts import SeasonDepthOut
from collateral.service.default_simulations import DefaultAssumed, DefaultSimulation


class DefaultAssumedIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a simulation assumes: the auction of what the exchange did not take, and the costs of the enforcement.

    `after_days` counts trading days from the cure's expiry, `discount_ratio` comes off the day's reference price,
    `success_ratio` is the part of auctions that sell.
    """

    after_days: Annotated[int, Meta(ge=1, le=2000, description="Trading days from the cure's expiry to the auction.")]
    discount_ratio: RatioText
    success_ratio: RatioText
    costs_cny: CnyText

    def assumed(self) -> DefaultAssumed:
        """Give the domain value.

        Raises:
            InvalidInput: A ratio or an amount is out of range.
        """
        return DefaultAssumed(
            auction=AuctionTerms(
                after_days=self.after_days, discount_ratio=decimal_of(self.discount_ratio),
                success_ratio=decimal_of(self.success_ratio),
            ),
            costs_cny=decimal_of(self.costs_cny),
        )  # fmt: skip


class QuantileOut(Struct, frozen=True, kw_only=True):
    """A level and the figure that this part of the paths lies at or below."""

    level: str
    value: str

    @classmethod
    def of(cls, one: Quantile) -> "QuantileOut":
        """Copy the domain value."""
        return cls(level=str(one.level), value=str(one.value))


class SimulatedUnitOut(Struct, frozen=True, kw_only=True):
    """One kind of unit as it was sold, with the policy whose terms of sale it took."""

    unit: str
    quantity_t: int
    market_value_cny: str
    policy: str
    daily_volume_t: str
    volatility: str
    source: str
    season: SeasonDepthOut


class DefaultSimulationOut(Struct, frozen=True, kw_only=True):
    """Recovery, days to sell, surplus and shortfall of a default; a simulation, with the standard error of its mean."""

    claim_cny: str
    units: list[SimulatedUnitOut]
    recovery_mean_ratio: str
    recovery_error_ratio: str
    recovery_quantiles: list[QuantileOut]
    surplus_mean_cny: str
    shortfall_mean_cny: str
    shortfall_ratio: str
    days_quantiles: list[QuantileOut]
    auction_ratio: str
    auctioned_mean_ratio: str
    path_count: int
    seed: int

    @classmethod
    def of(cls, simulation: DefaultSimulation) -> "DefaultSimulationOut":
        """Copy the domain value."""
        found = simulation.found
        return cls(
            claim_cny=str(simulation.claim_cny),
            units=[
                SimulatedUnitOut(
                    unit=str(one.unit), quantity_t=one.quantity_t, market_value_cny=str(one.market_value_cny),
                    policy=one.policy, daily_volume_t=str(one.daily_volume_t), volatility=str(one.volatility),
                    source=one.source, season=SeasonDepthOut.of(one.season),
                )
                for one in simulation.units
            ],
            recovery_mean_ratio=str(found.recovery_mean_ratio), recovery_error_ratio=str(found.recovery_error_ratio),
            recovery_quantiles=[QuantileOut.of(one) for one in found.recovery_quantiles],
            surplus_mean_cny=str(found.surplus_mean_cny), shortfall_mean_cny=str(found.shortfall_mean_cny),
            shortfall_ratio=str(found.shortfall_ratio),
            days_quantiles=[QuantileOut.of(one) for one in found.days_quantiles],
            auction_ratio=str(found.auction_ratio), auctioned_mean_ratio=str(found.auctioned_mean_ratio),
            path_count=found.path_count, seed=simulation.seed,
        )  # fmt: skip
