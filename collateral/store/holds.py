"""A hold moved by one statement on PostgreSQL: hold, position and journal together, so that a row is locked briefly.

The guard, the CHECKs and the balanced entry are those of `collateral.store.ledger`; what a statement here refuses is
done again step by step there, which names the figures that refuse it, and so is the reserving of units with serial
numbers, which are allotted there. SQLite has no such statement, and no round trips
to save: there every movement goes step by step.
"""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.storage.engine import execute_prepared
from carbonfin.storage.rows import new_id
from collateral.calc.holds import BOUND
from collateral.calc.ledger import Bucket

_JOURNAL = """
entered AS (
  INSERT INTO journal_entry (id, organization_id, kind, agreement_code, place, business_date, entered_at, actor_id,
                             actor_name, cause)
  SELECT :entry_id, :organization_id, :kind, moved.agreement_code,
         (SELECT count(*) FROM journal_entry AS earlier
          WHERE earlier.organization_id = :organization_id AND earlier.agreement_code = moved.agreement_code),
         :business_date, :entered_at, :actor_id, :actor_name, :cause
  FROM moved)
INSERT INTO journal_posting (id, organization_id, entry_id, place, account_id, unit, bucket, quantity_t)
SELECT side.id, :organization_id, :entry_id, side.place, moved.account_id, moved.unit, side.bucket,
       side.sign * moved.quantity_t
FROM moved CROSS JOIN (VALUES
  (CAST(:first_id AS text), 0, CAST(:start AS text), -1), (CAST(:second_id AS text), 1, CAST(:end AS text), 1)
) AS side (id, place, bucket, sign)
"""
_RESERVE = sa.text(
    """
WITH moved AS (
  UPDATE unit_position AS p SET pending_t = p.pending_t + :quantity_t
  FROM registry_account AS a
  WHERE a.id = p.account_id AND a.organization_id = :organization_id AND a.party_id = :party_id
    AND a.scheme = :scheme AND p.organization_id = :organization_id AND p.unit = :unit
    AND p.total_t - p.pending_t - p.locked_t >= :quantity_t AND NOT p.has_serials
  RETURNING p.account_id, p.unit, CAST(:quantity_t AS bigint) AS quantity_t,
            CAST(:agreement_code AS text) AS agreement_code),
held AS (
  INSERT INTO encumbrance (id, organization_id, account_id, agreement_code, pledge_id, unit, quantity_t, state,
                           reserved_at, change_id)
  SELECT :hold_id, :organization_id, moved.account_id, moved.agreement_code, :pledge_id, moved.unit,
         moved.quantity_t, 'PENDING', :entered_at, :change_id
  FROM moved),"""  # noqa: S608 - both halves are constants
    + _JOURNAL
)
_RESOLVE = sa.text(
    """
WITH mine AS (
  SELECT id FROM encumbrance
  WHERE organization_id = :organization_id AND pledge_id = :pledge_id AND state = :state_before
    AND (CAST(:is_any_change AS boolean) OR change_id IS NOT DISTINCT FROM CAST(:change_id AS text))
  FOR UPDATE),
held AS (
  UPDATE encumbrance AS e SET state = :state_after
  FROM mine WHERE e.id = mine.id AND (SELECT count(*) FROM mine) = 1
  RETURNING e.id, e.account_id, e.unit, e.quantity_t, e.agreement_code),
unlocked AS (
  UPDATE serial_range AS s SET is_live = false
  FROM held WHERE s.encumbrance_id = held.id AND s.is_live AND NOT CAST(:stays_bound AS boolean)),
moved AS (
  UPDATE unit_position AS p
  SET pending_t = p.pending_t + :pending_sign * held.quantity_t, locked_t = p.locked_t + :locked_sign * held.quantity_t
  FROM held
  WHERE p.account_id = held.account_id AND p.unit = held.unit AND p.organization_id = :organization_id
    AND p.pending_t + :pending_sign * held.quantity_t >= 0 AND p.locked_t + :locked_sign * held.quantity_t >= 0
  RETURNING p.account_id, p.unit, held.quantity_t, held.agreement_code),"""  # noqa: S608 - both halves are constants
    + _JOURNAL
)
_SIDES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """How a movement is written into the journal: what leaves one bucket arrives in the other."""

    start: Bucket
    end: Bucket
    kind: str
    business_date: date
    entered_at: datetime
    cause: str


def has_one_statement(session: Session) -> bool:
    """Tell whether the database moves a hold by one statement."""
    return session.connection().dialect.name == "postgresql"


def reserve(
    session: Session,
    actor: Actor,
    noted: Noted,
    *,
    agreement_code: str,
    pledge_id: str,
    party_id: str,
    unit: Unit,
    quantity_t: int,
    change_id: str | None,
) -> bool:
    """Reserve units of a party's account; False where there is no such account, or too little is free."""
    values = {
        "hold_id": new_id(), "party_id": party_id, "scheme": unit.scheme.value, "pledge_id": pledge_id,
        "unit": str(unit), "quantity_t": quantity_t, "change_id": change_id, "agreement_code": agreement_code,
    }  # fmt: skip
    return _done(session, _RESERVE, {**values, **_journal(actor, noted)})


def resolve(
    session: Session,
    actor: Actor,
    noted: Noted,
    *,
    pledge_id: str,
    before: str,
    after: str,
    change_id: str | None,
    is_any_change: bool = False,
) -> bool:
    """Move the one hold of a pledge, or of its change, that stands in a state; False where there is not just one."""
    values = {
        "pledge_id": pledge_id, "state_before": before, "state_after": after, "change_id": change_id,
        "is_any_change": is_any_change, "stays_bound": after in BOUND, "pending_sign": _sign(Bucket.PENDING, noted),
        "locked_sign": _sign(Bucket.LOCKED, noted),
    }  # fmt: skip
    return _done(session, _RESOLVE, {**values, **_journal(actor, noted)})


def _sign(bucket: Bucket, noted: Noted) -> int:
    return (noted.end is bucket) - (noted.start is bucket)


def _done(session: Session, statement: sa.TextClause, values: dict[str, object]) -> bool:
    written = execute_prepared(session, statement, values).rowcount
    assert written in {0, _SIDES}, f"{written} postings were written"
    return bool(written)


def _journal(actor: Actor, noted: Noted) -> dict[str, object]:
    return {
        "organization_id": actor.organization_id, "actor_id": actor.id, "actor_name": actor.name,
        "entry_id": new_id(), "kind": noted.kind, "business_date": noted.business_date,
        "entered_at": noted.entered_at, "cause": noted.cause, "first_id": new_id(), "start": noted.start.value,
        "second_id": new_id(), "end": noted.end.value,
    }  # fmt: skip
