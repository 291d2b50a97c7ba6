"""Reconciliation with the registry, kept append-only by business date as a decision."""

from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.record import digest_of
from carbonfin.storage.decisions import DecisionRecord, decisions_of, load_outcome, record_decision
from carbonfin.storage.keyset import Place, Slice, slice_of
from carbonfin.storage.parties import Standing
from collateral.calc.agreements import AccountPosition
from collateral.calc.reconciliation import (
    RECONCILIATION,
    Holding,
    LedgerBinding,
    OpenSince,
    ReconciliationInputs,
    ReconciliationOutcome,
    StatedFreeze,
)
from collateral.calc.serials import NUMBERED, Ranges
from collateral.registries.port import RegistryStatement
from collateral.store import ledger, pledges, serials
from collateral.store import registry as requests

_SUBJECT = "registry:reconciliation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """A reconciliation with the decision that keeps it."""

    decision_id: str
    outcome: ReconciliationOutcome


def record_reconciliation(
    session: Session, actor: Actor, statement: RegistryStatement, *, standing: Standing
) -> Reconciliation:
    """Compare the ledger with a registry's statement and keep the result; the same figures on a day change nothing."""
    kept = _kept(session, actor)
    inputs = _inputs(session, actor, statement, standing, _left_open(session, actor, kept, standing))
    digest = digest_of(inputs)
    for record in kept:
        if record.valid_on == standing.business_date:
            if record.inputs_digest == digest:
                return Reconciliation(
                    decision_id=record.id, outcome=load_outcome(session, actor, RECONCILIATION, record.id)
                )
            break
    recorded = record_decision(
        session,
        actor,
        RECONCILIATION,
        inputs,
        subject=_SUBJECT,
        valid_on=standing.business_date,
        known_at=standing.known_at,
    )
    return Reconciliation(decision_id=recorded.decision_id, outcome=recorded.outcome)


def reconciliations_page(session: Session, actor: Actor, place: Place) -> Slice[Reconciliation]:
    """Give a page of the last reconciliation of each business date, the newest date first."""
    last_of_day: dict[date, DecisionRecord] = {}
    for record in _kept(session, actor):
        last_of_day.setdefault(record.valid_on, record)
    after = None if place.after is None else place.after[0]
    if after is not None and not isinstance(after, date):
        raise InvalidInput("after is of another list", zh="after 不是本列表的位置", field="after")
    records = [record for day, record in last_of_day.items() if after is None or day < after]
    return slice_of(
        records[: place.limit + 1],
        place,
        keys=lambda record: (record.valid_on,),
        value=lambda record: Reconciliation(
            decision_id=record.id, outcome=load_outcome(session, actor, RECONCILIATION, record.id)
        ),
    )


def account_holders(session: Session, actor: Actor) -> dict[str, str]:
    """Give the party that holds each account with a position in the ledger."""
    return {one.account_id: one.party_id for one in ledger.positions_of(session, actor)}


def _kept(session: Session, actor: Actor) -> tuple[DecisionRecord, ...]:
    """Give every kept reconciliation, the last made first."""
    records = decisions_of(session, actor, subject=_SUBJECT, kind=RECONCILIATION.name)
    newest_first = records[::-1]  # of one date the order stays, also where sorted in reverse
    return tuple(sorted(newest_first, key=lambda one: one.valid_on, reverse=True))


def _left_open(
    session: Session, actor: Actor, kept: tuple[DecisionRecord, ...], standing: Standing
) -> tuple[OpenSince, ...]:
    """Give what the last earlier business date left open, so that age counts from the first day without a break."""
    earlier = next((one for one in kept if one.valid_on < standing.business_date), None)
    if earlier is None:
        return ()
    outcome = load_outcome(session, actor, RECONCILIATION, earlier.id)
    return tuple(OpenSince(key=one.key, since=one.since) for one in outcome.differences)


def _under_way(session: Session, actor: Actor) -> tuple[LedgerBinding, ...]:
    """Give what was sold and not handed over yet: frozen there or no longer, either is right until the answer."""
    return tuple(
        LedgerBinding(
            account_id=one.account_id,
            unit=one.unit,
            agreement_code=pledges.load_pledge(session, actor, asked.pledge_id).code,
            locked_t=0,
            asked_t=one.quantity_t,
            serials=one.serials or None,
        )
        for asked in requests.open_transfers(session, actor)
        for one in asked.units
    )


def _held_numbers(session: Session, position: AccountPosition) -> tuple[str, ...] | None:
    if position.unit.scheme not in NUMBERED:
        return None
    return _written(serials.held_ranges(session, account_id=position.account_id, unit=position.unit))


def _written(ranges: Ranges) -> tuple[str, ...] | None:
    return tuple(map(str, ranges)) or None


def _inputs(
    session: Session, actor: Actor, statement: RegistryStatement, standing: Standing, open_since: tuple[OpenSince, ...]
) -> ReconciliationInputs:
    held = ledger.encumbrances_of(session, actor, live_only=True)
    positions = ledger.positions_of(session, actor)
    bound = serials.ranges_by_encumbrance(session, [one.id for one in held if one.unit.scheme in NUMBERED])
    return ReconciliationInputs(
        business_date=standing.business_date,
        bindings=tuple(
            LedgerBinding(
                account_id=one.account_id,
                unit=str(one.unit),
                agreement_code=one.agreement_code,
                locked_t=one.quantity_t if one.state == "LOCKED" else 0,
                asked_t=0 if one.state == "LOCKED" else one.quantity_t,
                serials=_written(bound.get(one.id, ())),
            )
            for one in sorted(held, key=lambda each: (each.agreement_code, str(each.unit), each.account_id, each.id))
        )
        + _under_way(session, actor),
        stated_freezes=tuple(
            StatedFreeze(
                account_id=one.account_id,
                unit=one.unit,
                agreement_code=one.agreement_code,
                quantity_t=one.quantity_t,
                serials=one.serials or None,
            )
            for one in sorted(statement.frozen, key=lambda each: (each.agreement_code, each.unit, each.account_id))
        ),
        holdings=tuple(
            Holding(
                account_id=one.account_id,
                unit=str(one.unit),
                quantity_t=one.total_t,
                serials=_held_numbers(session, one),
            )
            for one in sorted(positions, key=lambda each: (each.account_id, str(each.unit)))
        ),
        stated_holdings=tuple(
            Holding(account_id=one.account_id, unit=one.unit, quantity_t=one.quantity_t, serials=one.serials or None)
            for one in sorted(statement.held, key=lambda each: (each.account_id, each.unit))
        ),
        open_since=open_since,
    )
