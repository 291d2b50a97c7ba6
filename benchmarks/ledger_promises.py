"""What the ledger's harness looks at: each of the fourteen invariants of the state machines' file, in one snapshot.

I1 bound within the holding, and equal to the live holds; I2 balanced entries, positions equal to the journal; I3 new
locked before old goes; I4 a hold resolved once; I5 nothing drawn without both registrations, nothing locked here that
the other side has not frozen; I6 headroom of each pledgor, but for what top-ups bound and enforcements sold; I7 each
approved pledge ends by the last safe date that was weighed; I8 the journal replayed gives the positions, and recorded
decisions made again give the same figures; I9 top-ups taken, seen where they are offered; I10 the surplus goes back,
and units leave only to a buyer; I11 proceeds are what is shared out, to the fen; I12 a key does its work once, seen
where it is used; I13 every entry with who, when and why, and the chain of decisions whole; I14 holds keep agreement and
account through splits.
"""

from collections import Counter

import sqlalchemy as sa
from sqlmodel import Session

from benchmarks.ledger_clients import SUBSTITUTION
from benchmarks.ledger_lives import CODES
from carbonfin.kernel.actors import Actor
from carbonfin.storage.decisions import load_outcome, replay_decision, verify_chain
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing
from collateral import service
from collateral.calc.appraisal import APPRAISAL
from collateral.calc.surrender import SafeDateKind
from collateral.service import ledger
from tests.collateral.desk import Desk

# ruff: noqa: S608 - the queries are put together of constants
_LIVE = "('PENDING', 'LOCKED', 'RELEASE_PENDING')"
_REPLAYED = 150
_SHARED = """
  SELECT (s.details->>'proceeds_cny')::numeric AS proceeds_cny, (d.details->>'surplus_cny')::numeric AS surplus_cny,
         (d.details->>'shortfall_cny')::numeric AS shortfall_cny, t.owed_cny, t.paid_cny
  FROM enforcement_step d JOIN enforcement_step s ON s.enforcement_id = d.enforcement_id AND s.kind = 'sold'
  CROSS JOIN LATERAL (SELECT sum((one->>1)::numeric) AS owed_cny, sum((one->>2)::numeric) AS paid_cny
                      FROM jsonb_array_elements(d.details->'shares') one) t
  WHERE d.kind = 'distributed'"""
BREACHES = {
    "I1 bound beyond the holding": """
        SELECT count(*) FROM unit_position WHERE pending_t < 0 OR locked_t < 0 OR pending_t + locked_t > total_t""",
    "I1 position is not its live holds": f"""
        SELECT count(*) FROM unit_position p
        LEFT JOIN (SELECT account_id, unit, sum(quantity_t) FILTER (WHERE state = 'PENDING') AS pending_t,
                          sum(quantity_t) FILTER (WHERE state <> 'PENDING') AS locked_t
                   FROM encumbrance WHERE state IN {_LIVE} GROUP BY 1, 2) h USING (account_id, unit)
        LEFT JOIN (SELECT j.account_id, j.unit, sum(j.quantity_t) AS ordered_t FROM journal_posting j
                   JOIN journal_entry e ON e.id = j.entry_id
                   WHERE j.bucket = 'locked' AND e.agreement_code IS NULL GROUP BY 1, 2) o USING (account_id, unit)
        WHERE p.pending_t <> coalesce(h.pending_t, 0)
           OR p.locked_t <> coalesce(h.locked_t, 0) + coalesce(o.ordered_t, 0)""",
    "I2 entry does not balance": """
        SELECT count(*) FROM (
          SELECT entry_id, unit FROM journal_posting GROUP BY 1, 2 HAVING sum(quantity_t) <> 0) x""",
    "I2 entry without postings": """
        SELECT count(*) FROM journal_entry e
        WHERE NOT EXISTS (SELECT 1 FROM journal_posting j WHERE j.entry_id = e.id)""",
    "I3 old let go before new was locked": f"""
        SELECT count(*) FROM encumbrance old WHERE old.change_id LIKE '{SUBSTITUTION}/%'
          AND old.unit = split_part(old.change_id, '/', 2) AND EXISTS (
            SELECT 1 FROM encumbrance new WHERE new.change_id = old.change_id AND new.state = 'PENDING')""",
    "I4 hold resolved twice": f"""
        SELECT count(*) FROM (
          SELECT e.agreement_code, sum(CASE j.bucket WHEN 'pending' THEN j.quantity_t END) AS left_t
          FROM journal_entry e JOIN journal_posting j ON j.entry_id = e.id
          WHERE e.agreement_code IS NOT NULL GROUP BY 1) journal
        LEFT JOIN (SELECT agreement_code, sum(quantity_t) FILTER (WHERE state = 'PENDING') AS left_t
                   FROM encumbrance WHERE state IN {_LIVE} GROUP BY 1) holds USING (agreement_code)
        WHERE coalesce(journal.left_t, 0) <> coalesce(holds.left_t, 0)""",
    "I5 drawn without both registrations": f"""
        SELECT count(*) FROM pledge p WHERE p.state = 'DRAWN' AND p.code LIKE '{CODES}%' AND (
          p.registration_number IS NULL OR EXISTS (
            SELECT 1 FROM pledge_unit u WHERE u.pledge_id = p.id AND u.quantity_t > coalesce((
              SELECT sum(e.quantity_t) FROM encumbrance e WHERE e.pledge_id = p.id AND e.unit = u.unit
                AND e.state IN ('LOCKED', 'RELEASE_PENDING')), 0)))""",
    "I5 drawn before it was registered and frozen": """
        SELECT count(*) FROM pledge_event d WHERE d.event = 'drawdown' AND (
          NOT EXISTS (SELECT 1 FROM pledge_event r WHERE r.pledge_id = d.pledge_id AND r.event = 'register')
          OR NOT EXISTS (SELECT 1 FROM pledge_event f WHERE f.pledge_id = d.pledge_id AND f.state_after = 'FROZEN'))""",
    "I5 locked here and not frozen there": f"""
        SELECT count(*) FROM (SELECT agreement_code, unit, sum(quantity_t) AS locked_t FROM encumbrance
                              WHERE state = 'LOCKED' AND agreement_code LIKE '{CODES}%' GROUP BY 1, 2) l
        LEFT JOIN (SELECT agreement_code, unit, sum(quantity_t) AS frozen_t FROM harness_frozen GROUP BY 1, 2) f
          USING (agreement_code, unit)
        WHERE l.locked_t > coalesce(f.frozen_t, 0)""",
    "I10 surplus not given back": f"""
        SELECT count(*) FROM ({_SHARED}) x
        WHERE surplus_cny <> greatest(proceeds_cny - owed_cny, 0)
           OR shortfall_cny <> greatest(owed_cny - proceeds_cny, 0)""",
    "I10 units left to nobody who bought them": f"""
        SELECT count(*) FROM encumbrance e WHERE e.state = 'ENFORCED' AND e.agreement_code LIKE '{CODES}%'
          AND NOT EXISTS (SELECT 1 FROM enforcement n JOIN enforcement_step s ON s.enforcement_id = n.id
                          WHERE n.pledge_id = e.pledge_id AND s.kind = 'sold')""",
    "I11 sources are not uses": f"SELECT count(*) FROM ({_SHARED}) x WHERE proceeds_cny <> paid_cny + surplus_cny",
    "I11 proceeds are not the sum of their lots": """
        SELECT count(*) FROM enforcement_step s WHERE s.kind = 'sold' AND (s.details->>'proceeds_cny')::numeric <> (
          SELECT sum((lot->>1)::numeric * (lot->>2)::numeric) FROM jsonb_array_elements(s.details->'lots') lot)""",
    "I13 entry without who, when or why": """
        SELECT count(*) FROM journal_entry
        WHERE actor_id = '' OR actor_name = '' OR cause = '' OR entered_at IS NULL""",
    "I13 two entries of one place": """
        SELECT count(*) FROM (SELECT agreement_code, place FROM journal_entry WHERE agreement_code IS NOT NULL
                              GROUP BY 1, 2 HAVING count(*) > 1) x""",
    "I14 hold away from its agreement": """
        SELECT count(*) FROM encumbrance h
        JOIN pledge p ON p.id = h.pledge_id JOIN registry_account a ON a.id = h.account_id
        WHERE h.agreement_code <> p.code OR a.party_id <> p.pledgor_id""",
}  # fmt: skip


def snapshot(sessions: Sessions) -> Counter[str]:
    """Count breaches that one query shows, in one snapshot."""
    found: Counter[str] = Counter()
    with sessions.read() as session:
        for name, query in BREACHES.items():
            found[name] += session.execute(sa.text(query)).scalar_one()
    return found


def headroom_breaches(session: Session, desk: Desk, standing: Standing) -> Counter[str]:
    """Count pledgors that lack units to surrender beyond what a top-up may bind and an enforcement may sell (I6)."""
    taken = {
        row.party_id: int(row.taken_t)
        for row in session.execute(
            sa.text(
                "SELECT a.party_id, sum(e.quantity_t) AS taken_t FROM encumbrance e "
                "JOIN registry_account a ON a.id = e.account_id "
                f"WHERE e.state = 'ENFORCED' OR (e.change_id IS NOT NULL AND e.state IN {_LIVE}) GROUP BY 1"
            )
        )
    }
    lacking = sum(
        outcome.headroom_t + taken.get(party_id, 0) < 0
        for code, party_id in desk.parties.items()
        if code != "HK1"
        for outcome in service.headroom_of(session, desk.maker, party_id, standing=standing)
    )
    return Counter({"I6 a pledgor lacks units to surrender": lacking})


def final_breaches(session: Session, actors: tuple[Actor, ...], desk: Desk) -> Counter[str]:
    """Count what only the end shows: replays (I8), the chain (I13), and the dates of approvals (I7)."""
    found: Counter[str] = Counter()
    for actor in actors:
        found["I8 replayed journal gives other positions"] += len(ledger.ledger_faults(session, actor))
        found["I13 the chain of decisions is broken"] += len(verify_chain(session, actor.organization_id).faults)
    decided = session.execute(
        sa.text("SELECT id FROM decision WHERE organization_id = :bank ORDER BY id LIMIT :most"),
        {"bank": desk.maker.organization_id, "most": _REPLAYED},
    ).scalars()
    found["I8 a decision made again differs"] += sum(
        not replay_decision(session, service.DECISION_KINDS, one).same for one in decided
    )
    approved = session.execute(
        sa.text(
            "SELECT e.decision_id, p.end_date FROM pledge_event e JOIN pledge p ON p.id = e.pledge_id "
            "WHERE e.event = 'approve' AND e.decision_id IS NOT NULL AND p.organization_id = :bank"
        ),
        {"bank": desk.maker.organization_id},
    )
    for decision_id, end_date in approved:
        safe = load_outcome(session, desk.maker, APPRAISAL, decision_id).safe_date
        is_safe = safe.kind is SafeDateKind.NOT_LIMITED or (safe.day is not None and end_date <= safe.day)
        found["I7 approved beyond the last safe date"] += not is_safe
    return found
