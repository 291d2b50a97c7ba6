"""Eligible-collateral schedules of a bank: proposed as CDM JSON, in force by both dates, asked of every unit taken.

A schedule is a dated value of the bank's rulebook (`collateral.eligibility_schedule`, scope: its code): two people
approve it like every other, and its versions stand in the registers of changes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import china_day
from carbonfin.kernel.errors import InvalidInput, NotApplicable, NotFound
from carbonfin.rules.parameters import Grade, ParameterValue
from carbonfin.storage.approvals import Approval
from carbonfin.storage.parties import Standing
from carbonfin.storage.rulebook import book_for, propose_parameter
from collateral.calc.schedule_verdicts import (
    AssetOfUnit,
    ScheduledUnits,
    ScheduleInForce,
    ScheduleVerdict,
    compact_schedule,
    rules_of,
    verdict_of,
)
from collateral.service.view import LAST_USABLE_DATE, DeskView, desk_view
from collateral.store import ledger

ELIGIBILITY_SCHEDULE = "collateral.eligibility_schedule"
_CODE_MOST = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleDraft:
    """A schedule to be proposed: its code, its CDM JSON, the day it holds from, and the bank's own document."""

    code: str
    cdm: str
    valid_from: date
    document: str
    reason: str

    def __post_init__(self) -> None:
        """Refuse a code that is no name, and a schedule that cannot be read."""
        if not self.code.strip() or len(self.code) > _CODE_MOST or "/" in self.code:
            raise InvalidInput(
                f"{self.code[:60]!r} is no code", zh=f"清单编号须为 1 至 {_CODE_MOST} 字，不含斜线", field="code"
            )
        if not rules_of(self.cdm):
            raise InvalidInput("the schedule has no rule", zh="清单没有任何条款", field="schedule")


def propose_schedule(
    session: Session, maker: Actor, draft: ScheduleDraft, *, standing: Standing, at: datetime
) -> Approval:
    """Put a schedule before another person; from its approval on it is asked of what is taken from its day on.

    Raises:
        InvalidInput: No reason, no document, or days in disorder.
        NotPermitted: The maker's role may not propose rules.
        Conflict: Another version with the same dates stands or waits.
    """
    value = ParameterValue(
        key=ELIGIBILITY_SCHEDULE, scope=draft.code, value=compact_schedule(draft.cdm), unit="text",
        valid_from=draft.valid_from, valid_to=None, known_from=china_day(at), document=draft.document, article="",
        grade=Grade.READ, confirmed=True, approved_by=(), note="", title_zh="合格担保品清单",
        title_en="Eligible-collateral schedule",
    )  # fmt: skip
    known = book_for(session, standing.organization_id, packages=("collateral",))
    return propose_parameter(session, maker, value, reason=draft.reason, at=at, known=known)


def schedules_in_force(view: DeskView) -> tuple[ScheduleInForce, ...]:
    """Give the bank's schedules that hold on the view's day, by code."""
    found = (view.find(ELIGIBILITY_SCHEDULE, code) for code in view.book.scopes(ELIGIBILITY_SCHEDULE) if code)
    return tuple(
        ScheduleInForce(code=one.scope, valid_from=one.valid_from, document=one.document, cdm=one.value)
        for one in found
        if one is not None and one.value
    )


def schedules_on(session: Session, *, standing: Standing) -> tuple[ScheduleInForce, ...]:
    """Give the schedules of the actor's bank that hold on a business date, as known."""
    return schedules_in_force(desk_view(session, standing))


def load_schedule(session: Session, code: str, *, standing: Standing) -> ScheduleInForce:
    """Give one schedule in force.

    Raises:
        NotFound: None of that code holds.
    """
    for one in schedules_on(session, standing=standing):
        if one.code == code:
            return one
    raise NotFound(f"there is no schedule {code!r} in force", zh=f"没有生效的担保品清单 {code}", field="code")


def assets_of(view: DeskView, units: Iterable[Unit]) -> tuple[AssetOfUnit, ...]:
    """Give units as schedules see them."""
    return tuple(_asset(view, unit) for unit in dict.fromkeys(units))


def _asset(view: DeskView, unit: Unit) -> AssetOfUnit:
    last = view.find(LAST_USABLE_DATE, str(unit))
    return AssetOfUnit(unit=unit, last_usable=None if last is None else last.day)


def scheduled_units(view: DeskView, units: Iterable[Unit]) -> ScheduledUnits | None:
    """Give units with the schedules in force, for a decision to keep; None where there is no schedule or no unit."""
    schedules, assets = schedules_in_force(view), assets_of(view, units)
    return ScheduledUnits(schedules=schedules, assets=assets) if schedules and assets else None


def verdicts_on(view: DeskView, units: Iterable[Unit]) -> tuple[ScheduleVerdict, ...]:
    """Judge units by every schedule in force, unit by unit."""
    schedules = schedules_in_force(view)
    return tuple(verdict_of(one, asset, on=view.day) for asset in assets_of(view, units) for one in schedules)


def not_eligible(vetoed: Iterable[ScheduleVerdict]) -> NotApplicable:
    """Say why a unit may not be taken, schedule by schedule."""
    found = tuple(vetoed)
    return NotApplicable(
        "; ".join(f"schedule {one.schedule}: {one.reason_en}" for one in found),
        zh="；".join(f"担保品清单 {one.schedule}：{one.reason_zh}" for one in found), field="unit",
    )  # fmt: skip


def verdicts_of_holdings(session: Session, actor: Actor, view: DeskView) -> tuple[ScheduleVerdict, ...]:
    """Judge every unit that any party of the bank holds, free or pledged."""
    units = sorted({one.unit for one in ledger.positions_of(session, actor)})
    return verdicts_on(view, units)
