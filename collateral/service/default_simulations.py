"""What a default of a pledge would bring, from the cure's expiry to the auction: simulated on the day, not kept."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict, InvalidInput, MissingData
from carbonfin.kernel.units import cny
from carbonfin.storage.parties import Standing
from collateral.calc.agreements import Pledge, UnitQuantity
from collateral.calc.haircut_models.close_out_component import sale_terms
from collateral.calc.haircut_models.components import selling_day_ratio
from collateral.calc.haircut_models.default_simulation import (
    AuctionTerms,
    DefaultDistribution,
    SoldLot,
    simulated_defaults,
)
from collateral.calc.haircut_models.sale_terms import SaleTerms
from collateral.calc.haircut_models.seasons import SeasonDepth
from collateral.calc.haircut_models.stack_terms import StackFacts, StackMethod
from collateral.calc.haircut_policies import PolicyRecord
from collateral.calc.pledge import nothing_pledged
from collateral.service.haircut_facts import days_to_last_use, market_facts, seasonal_depth
from collateral.service.valuations import required_exposure
from collateral.service.view import DeskView, desk_view, price_used
from collateral.store import pledges as pledge_store
from collateral.store.authority_acts import attached_to
from collateral.store.haircut_policies import policies_in_force


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultAssumed:
    """What a simulation assumes beside the market: the auction of what the exchange did not take, and the costs."""

    auction: AuctionTerms
    costs_cny: Decimal

    def __post_init__(self) -> None:
        """Refuse costs that are no amount and an auction without a day."""
        if self.costs_cny < 0 or self.costs_cny != cny(self.costs_cny):
            raise InvalidInput(f"costs are {self.costs_cny}", zh="费用不能为负，且最多两位小数", field="costs_cny")
        if not 1 <= self.auction.after_days <= _MOST_DAYS:
            raise InvalidInput(
                f"an auction after {self.auction.after_days} days", zh=f"拍卖日须在第 1 至 {_MOST_DAYS} 个交易日",
                field="after_days",
            )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedUnit:
    """One kind of unit as the simulation sold it, with the policy whose terms of sale it took, and into what season."""

    unit: Unit
    quantity_t: int
    market_value_cny: Decimal
    policy: str
    daily_volume_t: Decimal
    volatility: Decimal
    source: str
    season: SeasonDepth


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultSimulation:
    """What a default would bring, and what it was simulated from."""

    pledge: Pledge
    assumed: DefaultAssumed
    claim_cny: Decimal
    units: tuple[SimulatedUnit, ...]
    seed: int
    found: DefaultDistribution


_MOST_DAYS = 2_000


def simulate_default(
    session: Session, actor: Actor, pledge_id: str, assumed: DefaultAssumed, *, standing: Standing
) -> DefaultSimulation:
    """Simulate the default of a pledge with what it owes today, by the sale terms of each class's policy.

    The cure is over; notice runs; the exchange takes its part of each day's volume up to the auction. What authorities
    froze is not sold. All kinds of unit share the draws of the first class's seed and its number of paths.

    Raises:
        NotFound: There is no such pledge.
        Conflict: Nothing is owed.
        MissingData: Nothing is left to sell; no policy of a unit's class is in force; or price, volume, volatility or
            last usable date are not known: a simulation from guesses would mislead.
        InvalidInput: The auction comes before the first sale or after a unit's last usable day.
    """
    pledge = pledge_store.load_pledge(session, actor, pledge_id)
    view = desk_view(session, standing)
    owed = required_exposure(session, actor, pledge, view.day)
    claim_cny = owed.principal_cny + owed.accrued_cny + owed.costs_cny
    if not claim_cny:
        raise Conflict(
            f"nothing is owed behind pledge {pledge.code}", zh=f"质押 {pledge.code} 已无债权", field="pledge_id"
        )
    sold = _sellable(session, actor, pledge)
    policies = policies_in_force(session, actor, valid_on=view.day, known_at=standing.known_at)
    lots, units, methods = [], [], []
    for one in sold:
        record = _policy_of(one.unit, tuple(policies.values()))
        facts, unit = _facts(session, actor, view, one, record)
        lots.append(SoldLot(terms=_terms(record.policy.method, facts), market_value_cny=unit.market_value_cny))
        units.append(unit)
        methods.append(record.policy.method)
    found = simulated_defaults(
        tuple(lots), assumed.auction, claim_cny=claim_cny, costs_cny=assumed.costs_cny,
        path_count=methods[0].path_count, seed=methods[0].seed,
    )  # fmt: skip
    return DefaultSimulation(
        pledge=pledge, assumed=assumed, claim_cny=claim_cny, units=tuple(units), seed=methods[0].seed, found=found
    )


def _sellable(session: Session, actor: Actor, pledge: Pledge) -> tuple[UnitQuantity, ...]:
    """Give the pledged units less what authorities have frozen.

    Raises:
        MissingData: Nothing is left.
    """
    frozen: dict[Unit, int] = {}
    for act in attached_to(session, actor, pledge.id):
        frozen[act.draft.unit] = frozen.get(act.draft.unit, 0) + act.outstanding_t
    left = tuple(
        replace(one, quantity_t=one.quantity_t - frozen.get(one.unit, 0))
        for one in pledge.units
        if one.quantity_t > frozen.get(one.unit, 0)
    )
    if not left:
        raise nothing_pledged()
    return left


def _policy_of(unit: Unit, policies: tuple[PolicyRecord, ...]) -> PolicyRecord:
    """Give the policy of a unit's class; of several the one that sells most slowly."""
    found = slowest_policy(unit, policies)
    if found is None:
        raise MissingData(
            f"no haircut policy covers {unit}: notice, participation and limits of its sale are not known",
            zh=f"{unit} 无生效的折扣系数政策，通知期、参与率等处置条件未知",
            field="unit",
            remedy="Have a haircut policy of its class approved.",
            remedy_zh="请先审批其类别的折扣系数政策。",
        )
    return found


def slowest_policy(unit: Unit, policies: Iterable[PolicyRecord]) -> PolicyRecord | None:
    """Give the policy of a unit's class that sells most slowly; None where none is in force."""
    found = (one for one in policies if one.policy.covers(unit))
    return min(
        found, key=lambda one: (one.policy.method.participation_ratio, -one.policy.method.wait_days), default=None
    )


def _facts(
    session: Session, actor: Actor, view: DeskView, one: UnitQuantity, record: PolicyRecord
) -> tuple[StackFacts, SimulatedUnit]:
    method = record.policy.method
    market = market_facts(session, actor, view, one.unit, limit_ratio=method.daily_limit_ratio)
    days, has_last_use = days_to_last_use(view, one.unit, ends_on=view.day)
    depth = seasonal_depth(view, one.unit, ends_on=view.day, market=market)
    facts = StackFacts(
        unit=str(one.unit), quantity_t=one.quantity_t, daily_volume_t=market.daily_volume_t,
        trade_day_ratio=market.trade_day_ratio, limit_day_ratio=market.limit_day_ratio, volatility=market.volatility,
        history=None, days_to_last_use=days, has_last_use=has_last_use, depth_ratios=depth.ratios,
        is_cross_currency=False, borrower=None, standing_ratio=None, source=f"{market.source}{depth.source}",
        season=depth.season,
    )  # fmt: skip
    _require_known(one.unit, facts, depth.season)
    assert facts.daily_volume_t is not None, "held above"
    assert facts.volatility is not None, "held above"
    price = price_used(view, one.unit)
    return facts, SimulatedUnit(
        unit=one.unit, quantity_t=one.quantity_t, market_value_cny=cny(one.quantity_t * price.price_cny_per_t),
        policy=record.name, daily_volume_t=facts.daily_volume_t, volatility=facts.volatility, source=facts.source,
        season=depth.season,
    )  # fmt: skip


def _require_known(unit: Unit, facts: StackFacts, season: SeasonDepth) -> None:
    """Refuse a unit whose sale nobody can tell.

    Raises:
        MissingData: A fact is not known; the message names it.
    """
    lacking = (
        ("日均成交量", "volume", not facts.daily_volume_t),
        ("成交日与涨跌停日占比", "days that trade", not selling_day_ratio(facts)),
        ("波动率", "volatility", facts.volatility is None),
        ("最后可用日", "the last usable date", facts.has_last_use is None),
        ("清缴后成交量比例", "volume after the surrender", not season.ratio),
    )
    missing = [(zh, en) for zh, en, is_lacking in lacking if is_lacking]
    if missing:
        raise MissingData(
            f"{unit}: {', '.join(en for _, en in missing)} not known or nought ({facts.source})",
            zh=f"{unit} 缺少{'、'.join(zh for zh, _ in missing)}（{facts.source}），无法模拟",
            field="unit",
            remedy="Load a year of the unit's quotes with volumes, or have its last usable date and its volume after"
            " the surrender approved.",
            remedy_zh="请补录含成交量的分年度行情（满一年），或审批其最后可用日与清缴后成交量比例。",
        )


def _terms(method: StackMethod, facts: StackFacts) -> SaleTerms:
    selling = selling_day_ratio(facts)
    assert facts.daily_volume_t is not None, "held above"
    assert facts.volatility is not None, "held above"
    assert selling is not None, "held above"
    terms = sale_terms(method, facts, daily_volume_t=facts.daily_volume_t, selling=selling, volatility=facts.volatility)
    return replace(terms, cure_days=0)
