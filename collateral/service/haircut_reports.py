"""The monthly haircut report of a class: made from what was known, kept as a decision, told as PDF."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Batch, Failure
from carbonfin.kernel.errors import CarbonFinError, InvalidInput, NotFound
from carbonfin.storage.decisions import (
    DecisionHead,
    DecisionRecord,
    Recorded,
    decision_heads,
    load_decision,
    load_inputs,
    load_outcome,
    outcomes_between,
    record_decision,
)
from carbonfin.storage.keyset import Place, Slice
from carbonfin.storage.parties import Standing, load_organization
from collateral.calc.haircut_models.stack import HAIRCUT_STACK
from collateral.calc.haircut_models.stack_terms import StackFacts
from collateral.calc.haircut_reports import HAIRCUT_REPORT, HaircutReportInputs, HaircutReportOutcome, StruckHaircut
from collateral.calc.pledge import IN_FORCE
from collateral.calc.policy_haircuts import days_step, quantity_step_t
from collateral.service.haircut_facts import days_to_last_use, market_facts, quoted_days, seasonal_depth
from collateral.service.haircut_policies import haircut_policies
from collateral.service.view import desk_view, standing_on
from collateral.store.daily import running_pledges
from collateral.workbooks import ReportFacts, haircut_report_pdf

PEER_HAIRCUT = "collateral.peer_haircut_ratio"
_PEERS = ("ICE", "ECC")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """A report asked for: class, month, unit and the tonnes of a typical pledge.

    Attributes:
        month: Any day of the month reported.
    """

    code: str
    month: date
    unit: Unit
    quantity_t: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HaircutReport:
    """A report as it was kept."""

    record: DecisionRecord
    inputs: HaircutReportInputs
    outcome: HaircutReportOutcome


def make_haircut_report(
    session: Session, actor: Actor, request: ReportRequest, *, standing: Standing
) -> Recorded[HaircutReportOutcome]:
    """Make the report of a month and keep it; the month's last day counts, or the business date where it is not over.

    Raises:
        NotFound: No policy of the class was in force on that day.
        NotApplicable: The unit is of another class, or the policy's review was overdue.
        InvalidInput: The month has not begun.
    """
    inputs = _inputs(session, actor, request, standing)
    return record_decision(
        session, actor, HAIRCUT_REPORT, inputs, subject=_subject(request.code), valid_on=inputs.as_of,
        known_at=standing.known_at,
    )  # fmt: skip


def report_month_past(session: Session, actor: Actor, business_date: date) -> Batch[str]:
    """Make what lacks of the reports of the month before a business date's own, one for each class with units pledged.

    A class is reported by the unit of it that most tonnes are pledged of, in the size of its largest pledge. Gives the
    classes reported now; one that cannot be is a failure and stops no other.
    """
    as_of = business_date.replace(day=1) - timedelta(days=1)
    known = standing_on(session, actor, as_of)
    standing = standing_on(session, actor, business_date)
    pledged = _pledged(session, actor)
    done: list[str] = []
    failures: list[Failure] = []
    for record in haircut_policies(session, actor, valid_on=as_of, known_at=known.known_at):
        policy = record.policy
        covered = [(sum(sizes), unit, max(sizes)) for unit, sizes in pledged.items() if policy.covers(unit)]
        if not covered or _is_reported(session, actor, policy.code, as_of):
            continue
        _, unit, quantity_t = max(covered)
        request = ReportRequest(code=policy.code, month=as_of, unit=unit, quantity_t=quantity_t)
        try:
            make_haircut_report(session, actor, request, standing=standing)
        except CarbonFinError as error:
            failures.append(Failure.of(f"{policy.code} {as_of:%Y-%m}", error))
        else:
            done.append(policy.code)
    return Batch(values=tuple(done), failures=tuple(failures))


def _pledged(session: Session, actor: Actor) -> dict[Unit, list[int]]:
    """Give the tonnes of each unit under pledges in force, pledge by pledge."""
    found: dict[Unit, list[int]] = {}
    for pledge in running_pledges(session, actor, IN_FORCE):
        for name, quantity_t in pledge.units:
            found.setdefault(Unit.parse(name), []).append(quantity_t)
    return found


def _is_reported(session: Session, actor: Actor, code: str, as_of: date) -> bool:
    """Tell whether a report of a class on that day is on record."""
    subject = _subject(code)
    found = outcomes_between(session, actor, HAIRCUT_REPORT, subjects_of=subject, first=as_of, last=as_of)
    return any(one.subject == subject for one in found)


def haircut_reports_of(session: Session, actor: Actor, code: str, place: Place) -> Slice[DecisionHead]:
    """Give a page of the reports of a class, the newest first."""
    return decision_heads(session, actor, place, subject=_subject(code), kind=HAIRCUT_REPORT.name)


def load_haircut_report(session: Session, actor: Actor, code: str, decision_id: str) -> HaircutReport:
    """Give a report of a class as it was kept.

    Raises:
        NotFound: There is none, or it is another class's or another bank's.
    """
    record = load_decision(session, actor, decision_id)
    if record.kind != HAIRCUT_REPORT.name or record.subject != _subject(code):
        raise NotFound(
            f"class {code} has no haircut report {decision_id}", zh=f"类别 {code} 没有这份折扣系数月报",
            field="decision_id",
        )  # fmt: skip
    return HaircutReport(
        record=record,
        inputs=load_inputs(session, actor, HAIRCUT_REPORT, decision_id),
        outcome=load_outcome(session, actor, HAIRCUT_REPORT, decision_id),
    )


def haircut_report_document(session: Session, actor: Actor, report: HaircutReport, *, address: str) -> bytes:
    """Set a kept report as PDF; the same report gives the same bytes."""
    bank = load_organization(session, actor.organization_id)
    facts = ReportFacts(
        bank=bank.name, decision_id=report.record.id, address=address, is_sample=bank.is_sample,
        created_at=report.record.known_at,
    )  # fmt: skip
    return haircut_report_pdf(report.inputs, report.outcome, facts)


def _inputs(session: Session, actor: Actor, request: ReportRequest, standing: Standing) -> HaircutReportInputs:
    first, as_of = _days(request.month, standing.business_date)
    known = standing_on(session, actor, as_of) if as_of < standing.business_date else standing
    view = desk_view(session, known)
    record = next(
        (
            one
            for one in haircut_policies(session, actor, valid_on=as_of, known_at=known.known_at)
            if one.policy.code == request.code
        ),
        None,
    )
    if record is None:
        raise NotFound(
            f"there was no haircut policy {request.code} in force on {as_of}",
            zh=f"{as_of} 无生效的折扣系数政策 {request.code}", field="month",
            remedy="Choose a month in which the policy was in force.", remedy_zh="请选择政策已生效的月份。",
        )  # fmt: skip
    record.policy.require(request.unit, as_of)
    method = record.policy.method
    market = market_facts(session, actor, view, request.unit, limit_ratio=method.daily_limit_ratio)
    days, has_last_use = days_to_last_use(view, request.unit, ends_on=as_of)
    depth = seasonal_depth(view, request.unit, ends_on=as_of, market=market)
    return HaircutReportInputs(
        code=request.code,
        policy=record.name,
        month=f"{first:%Y-%m}",
        as_of=as_of,
        method=method,
        pledge_ratio_max=record.policy.pledge_ratio_max,
        review_by=record.policy.review_by,
        facts=StackFacts(
            unit=str(request.unit), quantity_t=quantity_step_t(request.quantity_t),
            daily_volume_t=market.daily_volume_t, trade_day_ratio=market.trade_day_ratio,
            limit_day_ratio=market.limit_day_ratio, volatility=market.volatility, history=market.history,
            days_to_last_use=days_step(days), has_last_use=has_last_use, depth_ratios=depth.ratios,
            is_cross_currency=False, borrower=None, standing_ratio=None, source=f"{market.source}{depth.source}",
            season=depth.season,
        ),
        quoted=None if market.history is None else quoted_days(session, actor, view, request.unit),
        struck=_struck(session, actor, request.code, first, as_of),
        peers=tuple(one for scope in _PEERS if (one := view.find(PEER_HAIRCUT, scope)) is not None),
    )  # fmt: skip


def _days(month: date, business_date: date) -> tuple[date, date]:
    first = month.replace(day=1)
    if first > business_date:
        raise InvalidInput(
            f"{first:%Y-%m} has not begun on {business_date}", zh=f"业务日期为 {business_date}，{first:%Y-%m} 尚未开始",
            field="month",
        )  # fmt: skip
    return first, min(first.replace(day=monthrange(first.year, first.month)[1]), business_date)


def _struck(session: Session, actor: Actor, code: str, first: date, last: date) -> tuple[StruckHaircut, ...]:
    """Give what was struck by the class in the month: by hand, in appraisals and by the day's run."""
    found = outcomes_between(session, actor, HAIRCUT_STACK, subjects_of=f"haircut:{code}:", first=first, last=last)
    return tuple(
        StruckHaircut(
            day=one.valid_on, unit=unit, quantity_t=int(quantity_t) if quantity_t else None,
            haircut_ratio=one.outcome.haircut_ratio, binding=one.outcome.binding, decision_id=one.id,
        )
        for one in found
        for unit, _, quantity_t in (one.subject.removeprefix(f"haircut:{code}:").partition(":"),)
    )  # fmt: skip


def _subject(code: str) -> str:
    return f"haircut_report:{code}"
