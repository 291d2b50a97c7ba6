"""Haircut policies at rest, by both dates."""

import json
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import china_day
from carbonfin.storage.approvals import Approval
from carbonfin.storage.decisions import rebuilt
from collateral.calc.haircut_policies import HaircutPolicy, PolicyRecord, nested_payload, policy_payload
from collateral.models import HaircutPolicyRow


def add_policy(
    session: Session, checker: Actor, policy: HaircutPolicy, approval: Approval, *, known_from: date, at: datetime
) -> PolicyRecord:
    """Write down an approved policy as the next revision of its class."""
    last = session.exec(
        select(sa.func.max(HaircutPolicyRow.revision)).where(
            HaircutPolicyRow.organization_id == checker.organization_id, HaircutPolicyRow.code == policy.code
        )
    ).one()
    row = HaircutPolicyRow(
        organization_id=checker.organization_id,
        code=policy.code,
        revision=(last or 0) + 1,
        valid_from=policy.valid_from,
        known_from=known_from,
        policy=policy_payload(policy),
        approval_id=approval.id,
        maker_id=approval.maker_id,
        maker_name=approval.maker_name,
        checker_id=checker.id,
        checker_name=checker.name,
        approved_at=at,
    )
    session.add(row)
    session.flush()
    return _record(row)


def policies_known(
    session: Session, actor: Actor, *, known_at: datetime, code: str | None = None
) -> tuple[PolicyRecord, ...]:
    """Give every revision known at an instant, by class and revision."""
    query = select(HaircutPolicyRow).where(
        HaircutPolicyRow.organization_id == actor.organization_id,
        col(HaircutPolicyRow.known_from) <= china_day(known_at),
    )
    if code is not None:
        query = query.where(HaircutPolicyRow.code == code)
    rows = session.exec(query.order_by(col(HaircutPolicyRow.code), col(HaircutPolicyRow.revision))).all()
    return tuple(_record(row) for row in rows)


def policies_in_force(
    session: Session, actor: Actor, *, valid_on: date, known_at: datetime, code: str | None = None
) -> dict[str, PolicyRecord]:
    """Give the policy of each class that holds on a day as known at an instant: the last revision valid by then."""
    known = policies_known(session, actor, known_at=known_at, code=code)
    return {one.policy.code: one for one in known if one.policy.valid_from <= valid_on}


def policy_of_payload(payload: dict[str, object]) -> HaircutPolicy:
    """Read a policy back from what two people signed."""
    return rebuilt(json.dumps(nested_payload(payload)), HaircutPolicy)


def _record(row: HaircutPolicyRow) -> PolicyRecord:
    return PolicyRecord(
        id=row.id,
        revision=row.revision,
        policy=policy_of_payload(row.policy),
        approval_id=row.approval_id,
        maker_name=row.maker_name,
        checker_name=row.checker_name,
        known_from=row.known_from,
    )
