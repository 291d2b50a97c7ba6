"""Concessions stopped on overdue and back again, as the contract says: a step of the end of the day."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.dates import Clock, end_of_china_day
from carbonfin.kernel.parties import Party
from carbonfin.storage.decisions import record_decision
from carbonfin.storage.jobs import JobOutcome
from carbonfin.storage.messages import InboxNotice, publish, tell
from carbonfin.storage.parties import Standing, load_party, standing_of
from loans.calc.contracts.schedule import interest_periods
from loans.calc.facilities import LoanContract, Record
from loans.calc.notes import LoanNote
from loans.calc.servicing.concession_stops import CONCESSION_STOP_KIND, AgreedClause, ConcessionStopInputs
from loans.calc.servicing.concession_turns import TURN_NAMES, RecordedTurn, turn_of
from loans.calc.servicing.missed import MissedPayment, missed_payments
from loans.calc.servicing.unlinked_rates import DecidedRate
from loans.service import facts
from loans.service.links import link_line_of
from loans.service.note_bases import bases_with, drawn_rate
from loans.service.note_books import note_books
from loans.service.note_rates import rate_changes_of, rerate
from loans.store import facilities as facility_store
from loans.store import notes as note_store
from loans.store import rate_turns as store

LOAN_RATE_NOTICE = "loans.rate_notice"
_NOTHING = Decimal("0.00")


def stop_concessions(session: Session, actor: Actor, business_date: date, clock: Clock) -> JobOutcome:
    """Look at every running note whose contract says that its concession stops on overdue; give how many turned.

    What is decided is what the receipts known by the close of the day come to. Where it is what stands already nothing
    is written, so a second run for the day adds nothing. A note taken over without a decided concession is named.
    """
    standing = day_standing(session, actor, business_date, clock)
    agreed = _agreed(session, actor, known_at=standing.known_at)
    notes = [one for one in note_store.running_notes(session, actor, on=business_date) if one.contract_number in agreed]
    turns = store.turns_of(session, actor, note_ids=[one.id for one in notes])
    done, remarks = 0, []
    for book in note_books(session, actor, notes, known_at=standing.known_at):
        missed = missed_payments(book, on=business_date)
        before = tuple(one for one, _ in turns.get(book.note.id, ()))
        if not missed and not before:
            continue
        inputs = _inputs(session, book.note, agreed[book.note.contract_number or ""], missed, standing=standing)
        if CONCESSION_STOP_KIND.decide(inputs).stops == (before[-1].stops if before else ()):
            continue
        drawn = drawn_rate(session, actor, book.note)
        if drawn is None:
            remarks.append(_unknown(book.note))
            continue
        _turn(session, actor, book.note, drawn=drawn, inputs=inputs, before=before, standing=standing, at=clock.now())
        done += 1
    return JobOutcome(done_count=done, failures=tuple(remarks))


def day_standing(session: Session, actor: Actor, business_date: date, clock: Clock) -> Standing:
    """Give where the bank stands at the close of a day that is run now."""
    standing = standing_of(session, actor.organization_id, clock)
    return replace(standing, business_date=business_date, known_at=end_of_china_day(business_date))


def _agreed(session: Session, actor: Actor, *, known_at: datetime) -> Mapping[str, tuple[AgreedClause, ...]]:
    """Give what the revisions of each contract say, of those of which one says that the concession stops."""
    found: dict[str, list[AgreedClause]] = {}
    for one in facility_store.contracts_known(session, actor, known_at=known_at):
        found.setdefault(one.terms.number, []).append(agreed_clause(one))
    return {
        number: tuple(clauses) for number, clauses in found.items() if any(one.clause is not None for one in clauses)
    }


def agreed_clause(record: Record[LoanContract]) -> AgreedClause:
    """Give what a revision of a contract says of the concession on overdue."""
    return AgreedClause(
        revision=record.revision, valid_from=record.terms.valid_from, document=record.terms.document,
        clause=record.terms.concession_clause,
    )  # fmt: skip


def _inputs(
    session: Session,
    note: LoanNote,
    agreed: tuple[AgreedClause, ...],
    missed: tuple[MissedPayment, ...],
    *,
    standing: Standing,
) -> ConcessionStopInputs:
    terms = note.terms
    calendar = facts.bank_days(session, start=terms.drawdown_date, end=terms.maturity_date, known_at=standing.known_at)
    return ConcessionStopInputs(
        note_code=note.code,
        contract_number=note.contract_number or "",
        agreed=agreed,
        missed=missed,
        period_starts=tuple(one.start for one in interest_periods(terms, calendar)),
        maturity_date=terms.maturity_date,
        on=standing.business_date,
    )


def _turn(
    session: Session,
    actor: Actor,
    note: LoanNote,
    *,
    drawn: DecidedRate,
    inputs: ConcessionStopInputs,
    before: tuple[RecordedTurn, ...],
    standing: Standing,
    at: datetime,
) -> None:
    """Keep a note's stops as now known, move its rate by them, and tell the borrower's officer."""
    recorded = record_decision(
        session, actor, CONCESSION_STOP_KIND, inputs, subject=f"loan_note:{note.code}", valid_on=inputs.on,
        known_at=standing.known_at,
    )  # fmt: skip
    stops = recorded.outcome.stops
    resets = [one for one, _ in store.resets_of(session, actor, note_ids=(note.id,)).get(note.id, ())]
    turn, effective_on = turn_of(before[-1].stops if before else (), stops)
    change = rerate(
        session, actor, note, link_line_of(session, actor, inputs.contract_number, known_at=standing.known_at),
        bases=bases_with(note, drawn, resets=resets, stops=stops), cause=f"concession {turn.value}",
        standing=standing, at=at,
    )  # fmt: skip
    after = note if change is None else replace(note, rate_changes=(*note.rate_changes, change))
    kept = RecordedTurn(
        number=len(before) + 1,
        known_from=inputs.on,
        turn=turn,
        effective_on=effective_on,
        stops=stops,
        rate_before=note.rate_on(effective_on),
        rate_after=after.rate_on(effective_on),
        compensation_cny=_NOTHING if change is None else change.compensation_cny,
        change_number=None if change is None else len(rate_changes_of(session, actor, note)),
        decision_id=recorded.decision_id,
    )
    store.add_turn(session, actor, note.id, kept, recorded_at=at)
    _tell(session, actor, note, kept, load_party(session, actor, note.party_id), at=at)


def _tell(session: Session, actor: Actor, note: LoanNote, turn: RecordedTurn, party: Party, *, at: datetime) -> None:
    zh, en = TURN_NAMES[turn.turn]
    rates = f"{turn.rate_before * 100:.4f}% → {turn.rate_after * 100:.4f}%"
    tell(
        session,
        InboxNotice(
            organization_id=actor.organization_id,
            key=f"loan-concession:{note.code}:{turn.number}",
            kind=LOAN_RATE_NOTICE,
            subject=f"loan:{note.code}",
            title_zh=f"{zh} {note.code} {party.name}",
            title_en=f"{en}: {note.code} {party.name}",
            text_zh=f"{turn.effective_on} 起 {rates}，补计利息 {turn.compensation_cny:,} 元",
            text_en=f"from {turn.effective_on} {rates}, compensating accrual CNY {turn.compensation_cny:,}",
            address=f"/loan-notes/{note.code}",
            role=Role.OFFICER,
        ),
        at,
    )
    publish(
        session, actor, subject=f"loan:{note.code}", kind=f"event.loan_note.concession_{turn.turn}",
        payload={
            "note_code": note.code, "usci": party.code, "effective_on": turn.effective_on.isoformat(),
            "rate_before": format(turn.rate_before, "f"), "rate_after": format(turn.rate_after, "f"),
            "compensation_cny": str(turn.compensation_cny), "decision_id": turn.decision_id,
        },
    )  # fmt: skip


def _unknown(note: LoanNote) -> Failure:
    return Failure(
        item=note.code, field="rate_note",
        detail=f"the concession of note {note.code} is not on record, so that none is stopped",
        zh=f"借据 {note.code} 的利率优惠未在本系统决定，无法按合同停止，请核对执行利率",
    )  # fmt: skip
