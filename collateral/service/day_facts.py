"""The shared facts of a business date, struck for all units at once and kept as one decision of the day."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import digest_of
from carbonfin.storage.decisions import decision_with_digest, record_decision
from collateral.calc.daily_margin import Depth, EndFacts, PricedUnit, UnitEnd
from collateral.calc.day_facts import DAY_FACTS, DayFactsInputs, DayFactsOutcome, UnitFacts
from collateral.calc.haircuts import HaircutUse
from collateral.calc.surrender import CARRIES_FORWARD, TradingDays, VintageUse, trading_days_of
from collateral.service.view import (
    AVERAGE_DAILY_VOLUME,
    CURE_DAYS,
    LAST_USABLE_DATE,
    PARTICIPATION,
    UNFREEZE_DAYS,
    DeskView,
    coverage_lines,
    haircut_of,
    price_used,
)
from pricing.calc.liquidity import average_daily_volume_t

_CARRIES = "pricing.vintage_carries_forward"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFacts:
    """The facts of a day, ready to be taken by agreement.

    Attributes:
        refusals: Units that cannot be valued today, with the reason.
    """

    decision_id: str
    inputs: DayFactsInputs
    priced: dict[Unit, PricedUnit]
    refusals: dict[Unit, CarbonFinError]
    unconfirmed: dict[Unit, tuple[str, ...]]
    common_unconfirmed: tuple[str, ...]

    def unconfirmed_of(self, units: tuple[Unit, ...]) -> tuple[str, ...]:
        """Name the unconfirmed facts under an agreement over these units."""
        named = [name for unit in units for name in self.unconfirmed[unit]]
        return tuple(dict.fromkeys([*named, *self.common_unconfirmed]))

    def ends_of(self, units: tuple[Unit, ...], lead_days: int) -> EndFacts:
        """Give close-out depths and ends of the units, with the open days that a count of `lead_days` can reach."""
        facts = {one.unit: one for one in self.inputs.units}
        shares = dict(self.inputs.participations)
        schemes = dict.fromkeys(unit.scheme for unit in units)
        return EndFacts(
            depths=tuple(
                depth for scheme in schemes if (depth := _depth(scheme, units, facts, shares)) is not None
            ),
            cure_days=self.inputs.cure_days.integer,
            unfreeze_days=self.inputs.unfreeze_days.integer,
            ends=tuple(_end(facts[unit].use) for unit in units),
            open_days=_reached(self.inputs.trading_days, [facts[unit].use for unit in units], lead_days),
        )  # fmt: skip


def strike_day_facts(session: Session, actor: Actor, view: DeskView, units: Iterable[Unit]) -> DayFacts:
    """Price every unit of the day once and keep the decision; the same facts again give the one that is there.

    Raises:
        MissingData: The bank lacks its lines, cure days or unfreeze days.
    """
    inputs, refusals = _collected(view, units)
    subject = f"day:{view.day.isoformat()}"
    known = decision_with_digest(session, actor, DAY_FACTS, subject=subject, inputs_digest=digest_of(inputs))
    if known is None:
        recorded = record_decision(
            session, actor, DAY_FACTS, inputs, subject=subject, valid_on=view.day, known_at=view.standing.known_at
        )
        return _facts(recorded.decision_id, inputs, recorded.outcome, refusals)
    return _facts(known, inputs, DAY_FACTS.decide(inputs), refusals)


def tried_day_facts(view: DeskView, units: Iterable[Unit]) -> DayFacts:
    """Price every unit as `strike_day_facts` would and keep nothing; the facts then have no decision.

    Raises:
        MissingData: The bank lacks its lines, cure days or unfreeze days.
        InvalidInput: The lines are out of order.
    """
    inputs, refusals = _collected(view, units)
    return _facts("", inputs, DAY_FACTS.decide(inputs), refusals)


def _collected(view: DeskView, units: Iterable[Unit]) -> tuple[DayFactsInputs, dict[Unit, CarbonFinError]]:
    found: list[UnitFacts] = []
    refusals: dict[Unit, CarbonFinError] = {}
    for unit in sorted(set(units)):
        try:
            found.append(_unit_facts(view, unit))
        except CarbonFinError as error:
            refusals[unit] = error
    return _inputs(view, tuple(found)), refusals


def _facts(
    decision_id: str, inputs: DayFactsInputs, outcome: DayFactsOutcome, refusals: dict[Unit, CarbonFinError]
) -> DayFacts:
    facts = {one.unit: one for one in inputs.units}
    return DayFacts(
        decision_id=decision_id,
        inputs=inputs,
        priced={one.unit: _priced(facts[one.unit], one.haircut_ratio) for one in outcome.units},
        refusals=refusals,
        unconfirmed={one.unit: one.unconfirmed for one in outcome.units},
        common_unconfirmed=outcome.unconfirmed,
    )


def _inputs(view: DeskView, found: tuple[UnitFacts, ...]) -> DayFactsInputs:
    ends = [one.use.last_usable.day for one in found if one.use.last_usable is not None]
    shares = ((scheme, view.find(PARTICIPATION, scheme)) for scheme in sorted({one.unit.scheme for one in found}))
    return DayFactsInputs(
        business_date=view.day,
        units=found,
        haircut_table=view.haircut_table,
        thresholds=coverage_lines(view),
        cure_days=view.on(CURE_DAYS),
        unfreeze_days=view.on(UNFREEZE_DAYS),
        participations=tuple((scheme, share) for scheme, share in shares if share is not None),
        trading_days=trading_days_of(view.calendar, start=view.day, end=max([view.day, *ends])),
    )


def _unit_facts(view: DeskView, unit: Unit) -> UnitFacts:
    own = view.find(AVERAGE_DAILY_VOLUME, unit.scheme)
    volume_t, source = (None, "") if own is None else (own.integer, own.document)
    if own is None:
        try:
            volume_t = average_daily_volume_t(view.snapshot, unit)
            source = f"行情快照 {view.snapshot.digest[:12]} 挂牌日均"
        except CarbonFinError:  # a unit may be valued and yet have no volume; only a pledge over it needs one
            volume_t = None
    return UnitFacts(
        unit=unit,
        price=price_used(view, unit),
        haircut=haircut_of(view, unit, use=HaircutUse.PLEDGE, cross_currency=False).apart(),
        volume_t=volume_t,
        volume_source=source,
        use=VintageUse(
            unit=unit,
            last_usable=view.find(LAST_USABLE_DATE, str(unit)),
            carries_forward=view.find(_CARRIES, unit.scheme),
        ),
    )


def _priced(facts: UnitFacts, haircut_ratio: Decimal) -> PricedUnit:
    price = facts.price
    return PricedUnit(
        unit=facts.unit, price_cny_per_t=price.price_cny_per_t, haircut_ratio=haircut_ratio,
        source=f"{price.source} {price.price_date}",
        note_zh="；".join(filter(None, ["示例报价" if price.is_sample else "", price.note_zh])), note_en=price.note_en,
    )  # fmt: skip


def _depth(
    scheme: Scheme, units: tuple[Unit, ...], facts: dict[Unit, UnitFacts], shares: dict[Scheme, ParameterValue]
) -> Depth | None:
    volumes = [facts[unit].volume_t for unit in units if unit.scheme is scheme]
    known = [volume for volume in volumes if volume is not None]
    if len(known) != len(volumes) or scheme not in shares:
        return None
    return Depth(scheme=scheme, volume_t=min(known), participation_ratio=shares[scheme].decimal)


def _end(use: VintageUse) -> UnitEnd:
    carries = use.carries_forward is not None and use.carries_forward.value == CARRIES_FORWARD
    return UnitEnd(
        unit=use.unit,
        last_usable=None if use.last_usable is None else use.last_usable.day,
        carries_forward=carries,
    )


def _reached(whole: TradingDays, uses: list[VintageUse], lead_days: int) -> TradingDays:
    """Keep of the open days those that counting back `lead_days` from each vintage's end can reach."""
    anchors = {min(use.last_usable.day, whole.known_until) for use in uses if use.last_usable is not None}
    kept: set[int] = set()
    for anchor in anchors:
        before = sum(day < anchor for day in whole.days)
        kept.update(range(max(0, before - lead_days), before))
    return TradingDays(
        start=whole.start, end=whole.end, known_until=whole.known_until,
        days=tuple(day for place, day in enumerate(whole.days) if place in kept),
    )  # fmt: skip
