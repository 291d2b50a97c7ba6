"""Margin terms, calls and their steps at rest."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import NotFound
from carbonfin.kernel.units import Currency, Money
from carbonfin.storage.keyset import Place, Slice, beginning_after, slice_of
from carbonfin.storage.rows import table_of
from collateral.calc.agreed_terms import AgreedTerms, TermsRecord, terms_of_payload, terms_payload
from collateral.calc.agreements import CallEvent, MarginCall
from collateral.calc.coverage import TopUp
from collateral.calc.running_calls import LIVE, RunningCall
from collateral.models import MarginCallEventRow, MarginCallRow, MarginTermsRow
from collateral.store.valuations import top_ups_of_json, top_ups_to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """Who proposed and who approved terms, when and under which approval."""

    approval_id: str
    maker_id: str
    maker_name: str
    checker_id: str
    checker_name: str
    approved_at: datetime


def add_terms(session: Session, actor: Actor, terms: AgreedTerms, signed: Signed) -> TermsRecord:
    """Write down approved terms as the next revision of their agreement."""
    last = session.exec(
        select(sa.func.max(MarginTermsRow.revision)).where(
            MarginTermsRow.organization_id == actor.organization_id,
            MarginTermsRow.agreement_code == terms.agreement_code,
        )
    ).one()
    row = MarginTermsRow(
        organization_id=actor.organization_id,
        agreement_kind=terms.agreement_kind,
        agreement_code=terms.agreement_code,
        revision=(last or 0) + 1,
        valid_from=terms.valid_from,
        terms=terms_payload(terms),
        approval_id=signed.approval_id,
        maker_id=signed.maker_id,
        maker_name=signed.maker_name,
        checker_id=signed.checker_id,
        checker_name=signed.checker_name,
        approved_at=signed.approved_at,
    )
    session.add(row)
    session.flush()
    return _terms(row)


def terms_in_force(session: Session, actor: Actor, agreement_code: str, *, on: date) -> TermsRecord | None:
    """Give an agreement's terms that hold on a day: of those valid by then, the last revision."""
    row = session.exec(
        select(MarginTermsRow)
        .where(MarginTermsRow.organization_id == actor.organization_id, MarginTermsRow.valid_from <= on)
        .where(MarginTermsRow.agreement_code == agreement_code)
        .order_by(col(MarginTermsRow.revision).desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _terms(row)


def shared_terms_in_force(session: Session, actor: Actor, *, on: date) -> dict[str, TermsRecord]:
    """Give the terms that hold on a day by agreement, those that say the same made once, for runs over all agreements.

    What they say is each agreement's own; the agreement and the notice address their text names are those of the first
    of those that share them: a run over all agreements writes no letter.
    """
    table = table_of(MarginTermsRow)
    rows = session.execute(
        sa.select(
            table.c.agreement_code, table.c.id, table.c.revision, sa.cast(table.c.terms, sa.Text).label("text"),
            table.c.maker_name, table.c.checker_name,
        )
        .where(table.c.organization_id == actor.organization_id, table.c.valid_from <= on)
        .order_by(table.c.revision)
    )  # fmt: skip
    shared: dict[tuple[Any, ...], AgreedTerms] = {}
    found = {}
    for row in {row.agreement_code: row for row in rows}.values():
        payload = msgspec.json.decode(row.text)
        said = tuple(
            [
                (name, tuple(value) if isinstance(value, list) else value)
                for name, value in payload.items()
                if name not in _OWN
            ]
        )
        terms = shared.get(said)
        if terms is None:
            terms = shared[said] = terms_of_payload(payload)
        found[row.agreement_code] = TermsRecord(
            id=row.id, revision=row.revision, terms=terms, maker_name=row.maker_name, checker_name=row.checker_name
        )
    return found


_OWN = frozenset({"agreement_code", "notice_address"})
"""What two agreements on the same terms still differ in."""


def terms_of(session: Session, actor: Actor, agreement_code: str) -> tuple[TermsRecord, ...]:
    """Give every revision of an agreement's terms, the first first."""
    rows = session.exec(
        select(MarginTermsRow)
        .where(MarginTermsRow.organization_id == actor.organization_id, MarginTermsRow.agreement_code == agreement_code)
        .order_by(col(MarginTermsRow.revision))
    ).all()
    return tuple(_terms(row) for row in rows)


def _terms(row: MarginTermsRow) -> TermsRecord:
    return TermsRecord(
        id=row.id,
        revision=row.revision,
        terms=terms_of_payload(row.terms),
        maker_name=row.maker_name,
        checker_name=row.checker_name,
    )


def parts_on(session: Session, actor: Actor, day: date) -> dict[str, int]:
    """Give how many calls of a day each agreement has: the part that its next one is."""
    table = table_of(MarginCallRow)
    rows = session.execute(
        sa.select(table.c.agreement_code, sa.func.count().label("count"))
        .where(table.c.organization_id == actor.organization_id, table.c.issued_on == day)
        .group_by(table.c.agreement_code)
    )
    return {row.agreement_code: int(row[1]) for row in rows}


def add_call(
    session: Session,
    actor: Actor,
    *,
    agreement_code: str,
    issued_on: date,
    running: RunningCall,
    top_ups: tuple[TopUp, ...],
    decision_id: str,
    issued_at: datetime,
    direction: str = "delivery",
    terms_id: str | None = None,
    deadline: date | None = None,
) -> MarginCall:
    """Write down a call as it stands, as the next part of its agreement's day."""
    taken = session.exec(
        select(sa.func.count())
        .select_from(MarginCallRow)
        .where(
            MarginCallRow.organization_id == actor.organization_id,
            MarginCallRow.agreement_code == agreement_code,
            MarginCallRow.issued_on == issued_on,
        )
    ).one()
    row = MarginCallRow(
        organization_id=actor.organization_id,
        agreement_code=agreement_code,
        state=running.state,
        issued_on=issued_on,
        deadline=deadline,
        currency=running.amount.currency,
        cash_amount=running.amount.amount,
        top_ups=top_ups_to_json(top_ups),
        decision_id=decision_id,
        issued_at=issued_at,
        part=taken,
        direction=direction,
        received_amount=running.received.amount,
        deadline_at=running.deadline_at,
        resolution_at=running.resolution_at,
        grace_end_at=running.grace_end_at,
        terms_id=terms_id,
    )
    session.add(row)
    session.flush()
    return _call(row)


def live_calls(session: Session, actor: Actor, *, agreement_code: str | None = None) -> tuple[MarginCall, ...]:
    """Give the calls that are neither settled nor retracted, the earliest deadline first."""
    query = select(MarginCallRow).where(
        MarginCallRow.organization_id == actor.organization_id, col(MarginCallRow.state).in_(sorted(LIVE))
    )
    if agreement_code is not None:
        query = query.where(MarginCallRow.agreement_code == agreement_code)
    rows = session.exec(query.order_by(col(MarginCallRow.agreement_code), col(MarginCallRow.part))).all()
    return tuple(sorted((_call(row) for row in rows), key=lambda call: call.deadline or date.max))


def call_page(session: Session, actor: Actor, place: Place, *, live_only: bool) -> Slice[MarginCall]:
    """Give a page of calls, the newest first."""
    query = select(MarginCallRow).where(MarginCallRow.organization_id == actor.organization_id)
    if live_only:
        query = query.where(col(MarginCallRow.state).in_(sorted(LIVE)))
    keys = (col(MarginCallRow.issued_on), col(MarginCallRow.id))
    rows = session.exec(beginning_after(query, keys, place, descending=True)).all()
    return slice_of(rows, place, keys=lambda row: (row.issued_on, row.id), value=_call)


def load_call(session: Session, actor: Actor, call_id: str, *, lock: bool = False) -> MarginCall:
    """Give a call of the actor's organisation; locked if it is about to move.

    Raises:
        NotFound: There is none, or it is another organisation's.
    """
    row = session.get(MarginCallRow, call_id, with_for_update=lock or None, populate_existing=lock)
    if row is None or row.organization_id != actor.organization_id:
        raise NotFound(f"there is no call {call_id}", zh="没有这份追加担保通知", field="call_id")
    return _call(row)


def running_of(call: MarginCall) -> RunningCall:
    """Give a call as the arithmetic of its life takes it."""
    currency = Currency(call.currency)
    return RunningCall(
        state=call.state,
        amount=Money.of(call.cash_amount, currency),
        received=Money.of(call.received_amount, currency),
        deadline_at=call.deadline_at,
        resolution_at=call.resolution_at,
        grace_end_at=call.grace_end_at,
    )


def change_call(session: Session, call: MarginCall, after: RunningCall, *, closed_on: date | None) -> MarginCall:
    """Move a call that was read for update to where its life stands now."""
    row = session.get(MarginCallRow, call.id)
    assert row is not None
    row.state = after.state
    row.cash_amount = after.amount.amount
    row.received_amount = after.received.amount
    row.deadline_at = after.deadline_at
    row.resolution_at = after.resolution_at
    row.grace_end_at = after.grace_end_at
    row.closed_on = closed_on
    session.add(row)
    session.flush()
    return _call(row)


def add_call_event(session: Session, actor: Actor, event: Mapping[str, Any]) -> None:
    """Write one step of a call behind those that are there."""
    place = session.exec(
        select(sa.func.count())
        .select_from(MarginCallEventRow)
        .where(col(MarginCallEventRow.call_id) == event["call_id"])
    ).one()
    session.add(
        MarginCallEventRow(
            organization_id=actor.organization_id, place=place, actor_id=actor.id, actor_name=actor.name, **event
        )
    )
    session.flush()


def events_of_call(session: Session, actor: Actor, call_id: str) -> tuple[CallEvent, ...]:
    """Give the timeline of a call."""
    rows = session.exec(
        select(MarginCallEventRow)
        .where(MarginCallEventRow.organization_id == actor.organization_id, MarginCallEventRow.call_id == call_id)
        .order_by(col(MarginCallEventRow.place))
    ).all()
    return tuple(
        CallEvent(
            event=row.event,
            state_before=row.state_before,
            state_after=row.state_after,
            amount=row.amount,
            business_date=row.business_date,
            happened_at=row.happened_at,
            actor_name=row.actor_name,
            cause=row.cause,
        )
        for row in rows
    )


def _call(row: MarginCallRow) -> MarginCall:
    return MarginCall(
        id=row.id,
        agreement_code=row.agreement_code,
        state=row.state,
        issued_on=row.issued_on,
        deadline=row.deadline,
        currency=row.currency,
        cash_amount=row.cash_amount,
        top_ups=top_ups_of_json(row.top_ups),
        decision_id=row.decision_id,
        closed_on=row.closed_on,
        part=row.part,
        direction=row.direction,
        received_amount=row.received_amount,
        deadline_at=row.deadline_at,
        resolution_at=row.resolution_at,
        grace_end_at=row.grace_end_at,
        terms_id=row.terms_id,
    )
