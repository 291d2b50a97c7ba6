"""The six lights of the collateral desk, from what the desk has loaded and a few questions more."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import MissingData
from carbonfin.kernel.units import cny
from carbonfin.rules.parameters import ParameterBook, ParameterValue
from carbonfin.storage.decisions import load_decisions
from carbonfin.storage.keyset import Place
from carbonfin.storage.parties import Standing
from carbonfin.storage.rulebook import book_for
from collateral.calc.book_limits import BookShare
from collateral.calc.lights import (
    Item,
    Light,
    LightKind,
    call_item,
    concentration_items,
    coverage_item,
    deadline_item,
    difference_item,
    light_of,
    not_reconciled,
    schedule_items,
    unknown_item,
    unregistered_item,
)
from collateral.calc.pledge import IN_FORCE
from collateral.calc.reconciliation import NAMES
from collateral.calc.refusals import Refusal
from collateral.calc.register import ConcentrationBase, ConcentrationLine, concentrations_of
from collateral.service.desk import Desk, DeskPledge
from collateral.service.eligibility_schedules import ELIGIBILITY_SCHEDULE
from collateral.service.headroom import UNCERTAIN_STATES
from collateral.service.reconciliations import reconciliations_page
from collateral.service.repo_holdings import held_repos
from collateral.service.schedule_standings import NO_STANDINGS, ScheduleStandings, schedule_standings
from collateral.service.view import CONCENTRATION_LIMIT, desk_view
from collateral.store import pledges

CALL_DAYS = "collateral.desk_call_days"
UNKNOWN_DAYS = "collateral.desk_unknown_days"
DEADLINE_DAYS = "collateral.desk_deadline_days"
CONCENTRATION_RATIO = "collateral.desk_concentration_ratio"
_ENDS = ("到期", "ends")
_SAFE = ("最后安全日", "last safe date")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskLights:
    """The lights in order, and the shares behind the last of them."""

    lights: tuple[Light, ...]
    concentrations: tuple[ConcentrationLine, ...]
    schedules: tuple[tuple[str, BookShare], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Book:
    """The bank's dated values on the business date as known."""

    book: ParameterBook
    standing: Standing

    def on(self, key: str, scope: str = "") -> ParameterValue:
        return self.book.on(key, valid_on=self.standing.business_date, known_at=self.standing.known_at, scope=scope)

    def find(self, key: str, scope: str = "") -> ParameterValue | None:
        return self.book.find(key, valid_on=self.standing.business_date, known_at=self.standing.known_at, scope=scope)


def desk_lights(session: Session, actor: Actor, desk: Desk, *, standing: Standing) -> DeskLights:
    """Give the six lights of a desk.

    Raises:
        MissingData: A threshold is not set.
    """
    day = desk.business_date
    book = _Book(book=book_for(session, standing.organization_id, packages=("collateral",)), standing=standing)
    running = tuple(line for line in desk.pledges if line.pledge.state in IN_FORCE)
    near, unanswered = book.on(CALL_DAYS), book.on(UNKNOWN_DAYS)
    ahead = (book.on(DEADLINE_DAYS, "warning"), book.on(DEADLINE_DAYS, "breach"))
    share = book.on(CONCENTRATION_RATIO)
    limits = {base: book.find(CONCENTRATION_LIMIT, base) for base in ConcentrationBase}
    shares = concentrations_of((*_held(session, actor, running), *_bought(desk)), limits)
    stands = _schedules(session, actor, book)
    open_calls = (*(line.call for line in desk.called), *(line.call for line in desk.called_repos))
    calls = [one for one in open_calls if one is not None]
    lights = (
        light_of(
            LightKind.CALLS,
            (call_item(code=one.agreement_code, deadline=one.deadline, on=day, near=near) for one in calls),
            (near,),
        ),
        light_of(LightKind.COVERAGE, (_coverage(line, day) for line in running)),
        light_of(LightKind.UNREGISTERED, _unregistered(session, actor, running, day)),
        light_of(LightKind.UNKNOWN, _unknown(session, actor, desk, day, unanswered), (unanswered,)),
        light_of(LightKind.DEADLINES, _deadlines(desk, running, day, ahead), ahead),
        light_of(
            LightKind.CONCENTRATION,
            (*concentration_items(shares, share), *schedule_items(stands.named_shares, stands.notes, share)),
            (share, *(one for one in limits.values() if one is not None)),
        ),
    )  # fmt: skip
    return DeskLights(lights=lights, concentrations=shares, schedules=stands.named_shares)


def _schedules(session: Session, actor: Actor, book: _Book) -> ScheduleStandings:
    """Hold what is held against the schedules; where that cannot be, the light says so and the desk is shown."""
    if not any(book.book.scopes(ELIGIBILITY_SCHEDULE)):
        return NO_STANDINGS
    try:
        return schedule_standings(session, actor, desk_view(session, book.standing))
    except MissingData as missing:
        note = Refusal(
            code="schedule-limits-not-measured", detail=f"limits of schedules: {missing.detail}",
            zh=f"清单内上限无法计算：{missing.zh}",
        )  # fmt: skip
        return replace(NO_STANDINGS, notes=(note,))


def _coverage(line: DeskPledge, day: date) -> Item:
    struck = line.coverage
    return coverage_item(
        code=line.pledge.code,
        level=None if struck is None else struck.level,
        ratio=None if struck is None else struck.coverage_ratio,
        distance=None if struck is None else struck.distance_ratio,
        struck_on=None if struck is None else struck.business_date,
        on=day,
    )


def _unregistered(session: Session, actor: Actor, running: tuple[DeskPledge, ...], day: date) -> Iterator[Item]:
    """Give loans without a registration, and every difference with the registry; not asked today is not clear."""
    for line in running:
        if not line.pledge.registration_number:
            yield unregistered_item(code=line.pledge.code)
    found = reconciliations_page(session, actor, Place(limit=1)).items
    if not found or found[0].outcome.business_date != day:
        yield not_reconciled(found[0].outcome.business_date if found else None)
    for one in found[0].outcome.differences if found else ():
        yield difference_item(
            kind=one.kind, names=NAMES[one.kind], code=one.agreement_code or str(one.unit), age_days=one.age_days
        )


def _unknown(session: Session, actor: Actor, desk: Desk, day: date, after: ParameterValue) -> Iterator[Item]:
    for line in desk.unknown:
        events = pledges.events_of(session, actor, line.pledge.id)
        since = [one.business_date for one in events if one.state_after in UNCERTAIN_STATES]
        yield unknown_item(code=line.pledge.code, since=since[-1] if since else None, on=day, after=after)


def _deadlines(
    desk: Desk, running: tuple[DeskPledge, ...], day: date, ahead: tuple[ParameterValue, ParameterValue]
) -> Iterator[Item]:
    warning, breach = ahead
    for line in running:
        code = line.pledge.code
        yield deadline_item(code=code, what=_ENDS, day=line.pledge.end_date, on=day, warning=warning, breach=breach)
        safe = None if line.coverage is None else line.coverage.safe_date.day
        if safe is not None:
            yield deadline_item(code=code, what=_SAFE, day=safe, on=day, warning=warning, breach=breach)
    for one in desk.headrooms:
        if one.record.surrender_date < day:
            continue
        year = f"{one.record.scheme}-{one.record.compliance_year}"
        words = (
            f"{year} 清缴（余量 {one.record.headroom_t:,} 吨）",
            f"{year} surrender (headroom {one.record.headroom_t:,} t)",
        )
        yield deadline_item(
            code=one.party_name, what=words, day=one.record.surrender_date, on=day, warning=warning, breach=breach
        )


def _held(session: Session, actor: Actor, running: tuple[DeskPledge, ...]) -> Iterator[tuple[str, Unit, Decimal]]:
    """Give pledgor, unit and market value of each pledged unit, by its own coverage.

    A pledge of one kind has its value in the coverage; for several kinds the price of each comes from the decision of
    the last pledge that was struck with it: as many decisions are read as there are kinds, not as there are pledges.
    """
    struck = [line for line in running if line.coverage is not None]
    sample: dict[Unit, DeskPledge] = {}
    for line in sorted(struck, key=_struck_on):
        sample.update({one.unit: line for one in line.pledge.units if len(line.pledge.units) > 1})
    decisions = load_decisions(
        session, actor, {line.coverage.decision_id for line in sample.values() if line.coverage is not None}
    )
    prices = {
        figure.name: Decimal(figure.value)
        for record in decisions.values()
        for figure in record.trace
        if figure.name.startswith("price_")
    }
    for line in struck:
        units = line.pledge.units
        for one in units:
            if len(units) == 1 and line.coverage is not None:
                yield line.pledgor_name, one.unit, line.coverage.market_value_cny
            elif (price := prices.get(f"price_{one.unit}")) is not None:
                yield line.pledgor_name, one.unit, cny(one.quantity_t * price)


def _bought(desk: Desk) -> Iterator[tuple[str, Unit, Decimal]]:
    """Give seller, unit and market value of what the bank holds under its own repos, by each one's last exposure."""
    lines = {line.repo.id: line for line in desk.repos}
    for repo in held_repos(line.repo for line in lines.values()):
        line = lines[repo.id]
        if line.exposure is not None:
            yield line.seller_name, repo.terms.unit, line.exposure.market_value_cny


def _struck_on(line: DeskPledge) -> date:
    return date.min if line.coverage is None else line.coverage.business_date
