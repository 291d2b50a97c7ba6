"""Rates reset to the LPR on the days the contract says (重定价): a step of the end of the day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.parties import Party
from carbonfin.storage.calendars import calendar_on
from carbonfin.storage.decisions import record_decision
from carbonfin.storage.jobs import JobOutcome
from carbonfin.storage.messages import InboxNotice, publish, tell
from carbonfin.storage.parties import Standing, load_party
from loans.calc.facilities import LoanContract, Record, ResetClause
from loans.calc.jiangtandai import RATE_KIND, RateDecision, RateInputs, RateQuoted, rate_without_trace
from loans.calc.notes import LoanNote
from loans.calc.servicing.rate_resets import RateReset, fixing_date_of, published_by, reset_dates
from loans.calc.servicing.unlinked_rates import DecidedRate
from loans.service import facts
from loans.service.concession_stops import LOAN_RATE_NOTICE, day_standing
from loans.service.links import link_line_of
from loans.service.note_bases import bases_with, drawn_rate
from loans.service.note_rates import rate_changes_of, rerate
from loans.store import facilities as facility_store
from loans.store import notes as note_store
from loans.store import rate_turns as store
from pricing.service import lpr_on

PUBLICATION_DAY = "loans.lpr_publication_day"
_NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Agreed:
    """A contract with a reset clause.

    Attributes:
        since: The day from which the clause has stood as it is: no day before it is a reset day.
    """

    record: Record[LoanContract]
    clause: ResetClause
    since: date


def reset_rates(session: Session, actor: Actor, business_date: date, clock: Clock) -> JobOutcome:
    """Reset every running note whose reset day has come and was not decided yet; give how many resets were decided.

    Each takes the LPR published by its fixing day. Where that is not on record, or the rate is not decided for want of
    a report or a score, the note keeps its rate, the reason is named, and the next day's run asks again: what it then
    decides makes up for the days between by a compensating accrual.
    """
    standing = day_standing(session, actor, business_date, clock)
    agreed = _agreed(session, actor, standing=standing)
    notes = [one for one in note_store.running_notes(session, actor, on=business_date) if one.contract_number in agreed]
    known = store.resets_of(session, actor, note_ids=[one.id for one in notes])
    done, remarks = 0, []
    for note in notes:
        resets = [one for one, _ in known.get(note.id, ())]
        try:
            done += _reset_note(
                session, actor, note, agreed[note.contract_number or ""], resets, standing=standing, at=clock.now()
            )
        except (MissingData, InvalidInput) as error:
            remarks.append(Failure(item=note.code, field=error.field, detail=error.detail, zh=error.zh))
    return JobOutcome(done_count=done, failures=tuple(remarks))


def _agreed(session: Session, actor: Actor, *, standing: Standing) -> Mapping[str, _Agreed]:
    """Give the contracts in force on the business date that say when a rate is reset, by number."""
    found: dict[str, _Agreed] = {}
    for one in facility_store.contracts_known(session, actor, known_at=standing.known_at):
        if one.terms.valid_from > standing.business_date:
            continue
        before, clause = found.pop(one.terms.number, None), one.terms.reset_clause
        if clause is not None:
            is_same = before is not None and before.clause == clause
            since = min(before.since, one.terms.valid_from) if is_same and before else one.terms.valid_from
            found[one.terms.number] = _Agreed(record=one, clause=clause, since=since)
    return found


def _reset_note(
    session: Session,
    actor: Actor,
    note: LoanNote,
    own: _Agreed,
    resets: list[RateReset],
    *,
    standing: Standing,
    at: datetime,
) -> int:
    """Decide the resets of a note whose days have come, the first first; the first that is refused stops the rest."""
    last = max((one.reset_date for one in resets), default=date.min)
    done = 0
    for day in reset_dates(note.terms, own.clause):
        if day > standing.business_date:
            break
        if day <= last or day < own.since:
            continue
        drawn = drawn_rate(session, actor, note)
        if drawn is None:
            raise MissingData(
                f"the rate of note {note.code} was not decided here, so it is not reset",
                zh=f"借据 {note.code} 的利率未在本系统决定，无法重定价", field="rate_note",
            )  # fmt: skip
        made = _reset(
            session, actor, note, drawn=drawn, own=own, resets=resets, day=day, standing=standing, at=at
        )  # fmt: skip
        resets.append(made)
        note = note_store.load_note(session, actor, note.code)
        done += 1
    return done


def _reset(
    session: Session,
    actor: Actor,
    note: LoanNote,
    *,
    drawn: DecidedRate,
    own: _Agreed,
    resets: Sequence[RateReset],
    day: date,
    standing: Standing,
    at: datetime,
) -> RateReset:
    party = load_party(session, actor, note.party_id)
    inputs = _rate_inputs(session, actor, party, own, day, standing=standing)
    outcome, rate = _decided(inputs, note, day)
    decision_id = record_decision(
        session, actor, RATE_KIND, inputs, subject=f"loan_note:{note.code}", valid_on=standing.business_date,
        known_at=standing.known_at,
    ).decision_id  # fmt: skip
    made = RateReset(
        number=len(resets) + 1,
        reset_date=day,
        fixing_date=fixing_date_of(day, own.clause),
        known_from=standing.business_date,
        lpr_tenor=inputs.lpr.tenor,
        lpr_rate=inputs.lpr.rate,
        published_on=inputs.lpr.published_on,
        margin_bp=inputs.margin_bp,
        concession_bp=outcome.concession_bp or _NOTHING,
        rate=rate,
        rate_without_concession=outcome.executed_rate_without_concession,
        rate_before=note.rate_on(day),
        rate_after=note.rate_on(day),
        compensation_cny=_NOTHING,
        contract_revision=own.record.revision,
        decision_id=decision_id,
        change_number=None,
    )
    turns = [one for one, _ in store.turns_of(session, actor, note_ids=(note.id,)).get(note.id, ())]
    change = rerate(
        session, actor, note, link_line_of(session, actor, own.record.terms.number, known_at=standing.known_at),
        bases=bases_with(note, drawn, resets=(*resets, made), stops=turns[-1].stops if turns else ()),
        cause=f"reset {day}", standing=standing, at=at,
    )  # fmt: skip
    if change is not None:
        made = replace(
            made, rate_after=replace(note, rate_changes=(*note.rate_changes, change)).rate_on(day),
            compensation_cny=change.compensation_cny, change_number=len(rate_changes_of(session, actor, note)),
        )  # fmt: skip
    store.add_reset(session, actor, note.id, made, recorded_at=at)
    _tell(session, actor, note, made, party, at=at)
    return made


def _rate_inputs(
    session: Session, actor: Actor, party: Party, own: _Agreed, day: date, *, standing: Standing
) -> RateInputs:
    """Gather what the rate decision of a reset takes; its LPR is the one published by the fixing day.

    Raises:
        MissingData: The publication due by then is not on record, or a parameter is not known.
    """
    terms = own.record.terms
    assert terms.lpr_tenor is not None, "a contract with a reset clause names its LPR"
    assert terms.margin_bp is not None, "and its margin"
    fixing, known_at = fixing_date_of(day, own.clause), standing.known_at
    lpr = lpr_on(session, terms.lpr_tenor, on=fixing, known_at=known_at, organization_id=actor.organization_id)
    publication = facts.parameters(session, actor).on(PUBLICATION_DAY, valid_on=fixing, known_at=known_at)
    due = published_by(
        fixing, publication_day=publication.integer, bank=calendar_on(session, "bank", known_at)
    )  # fmt: skip
    if lpr.published_on < due:
        raise MissingData(
            f"the LPR {terms.lpr_tenor} published on {due} is not on record for the reset of {day}; the last is of"
            f" {lpr.published_on}",
            zh=f"{day} 重定价所需的 {due} 公布的 {terms.lpr_tenor} LPR 尚未录入（最近一期为 {lpr.published_on}）",
            field="lpr", remedy="Import the LPR publications; the next end of day asks again.",
            remedy_zh="请导入 LPR 公布值，下一日终将再次办理。",
        )  # fmt: skip
    inputs = facts.rate_inputs(
        session, actor, party, margin_bp=terms.margin_bp, lpr_tenor=terms.lpr_tenor, applies_from=day,
        decided_on=standing.business_date, known_at=known_at,
    )  # fmt: skip
    quoted = RateQuoted(
        tenor=terms.lpr_tenor, rate=lpr.value, published_on=lpr.published_on, source=lpr.document,
        confirmed=lpr.confirmed,
    )  # fmt: skip
    return replace(inputs, lpr=quoted)


def _decided(inputs: RateInputs, note: LoanNote, day: date) -> tuple[RateDecision, Decimal]:
    outcome = rate_without_trace(inputs)[0]
    if outcome.executed_rate is None:
        raise MissingData(
            f"the rate of note {note.code} from {day} is not decided: {'; '.join(one.en for one in outcome.missing)}",
            zh=f"借据 {note.code} 自 {day} 起的利率{'；'.join(one.zh for one in outcome.missing)}",
            field=outcome.missing[0].field if outcome.missing else "rate",
            remedy="Enter the rating report with its score; the next end of day asks again.",
            remedy_zh="请录入碳评级报告及得分，下一日终将再次办理。",
        )  # fmt: skip
    return outcome, outcome.executed_rate


def _tell(session: Session, actor: Actor, note: LoanNote, reset: RateReset, party: Party, *, at: datetime) -> None:
    rates = f"{reset.rate_before * 100:.4f}% → {reset.rate_after * 100:.4f}%"
    tell(
        session,
        InboxNotice(
            organization_id=actor.organization_id,
            key=f"loan-reset:{note.code}:{reset.reset_date}",
            kind=LOAN_RATE_NOTICE,
            subject=f"loan:{note.code}",
            title_zh=f"利率重定价通知书 {note.code} {party.name}",
            title_en=f"Notice of a rate reset: {note.code} {party.name}",
            text_zh=f"{reset.reset_date} 起 {rates}，LPR {reset.lpr_tenor} {reset.published_on} 公布",
            text_en=f"from {reset.reset_date} {rates}, LPR {reset.lpr_tenor} published on {reset.published_on}",
            address=f"/loan-notes/{note.code}",
            role=Role.OFFICER,
        ),
        at,
    )
    publish(
        session, actor, subject=f"loan:{note.code}", kind="event.loan_note.rate_reset",
        payload={
            "note_code": note.code, "usci": party.code, "reset_date": reset.reset_date.isoformat(),
            "lpr_rate": format(reset.lpr_rate, "f"), "published_on": reset.published_on.isoformat(),
            "rate_before": format(reset.rate_before, "f"), "rate_after": format(reset.rate_after, "f"),
            "compensation_cny": str(reset.compensation_cny), "decision_id": reset.decision_id,
        },
    )  # fmt: skip
