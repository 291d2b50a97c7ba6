"""Haircut policies: proposed by one person, in force when another approves; each revision by both dates."""

from datetime import date, datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import InvalidInput, NotFound
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer, Approval, ApprovalKind, ProposalDraft
from carbonfin.storage.parties import Standing, standing_of
from collateral.calc.haircut_policies import HaircutPolicy, PolicyRecord, policy_payload
from collateral.store import haircut_policies as store


def propose_haircut_policy(
    session: Session, maker: Actor, policy: HaircutPolicy, *, standing: Standing, reason: str
) -> Approval:
    """Put the policy of a class before the checkers; nothing changes until another person approves it.

    Raises:
        InvalidInput: The policy begins before the business date: what was lent rests on the policy of its day.
        Conflict: A policy of the class waits already.
    """
    _require_ahead(policy, standing.business_date)
    return approvals.propose(
        session,
        maker,
        HAIRCUT_POLICY_APPROVAL,
        ProposalDraft(
            subject=f"haircut_policy:{policy.code}",
            title_zh=f"折扣系数政策 {policy.code}",
            title_en=f"Haircut policy {policy.code}",
            payload=policy_payload(policy),
            reason=reason,
        ),
        at=standing.known_at,
    )


def haircut_policies(session: Session, actor: Actor, *, valid_on: date, known_at: datetime) -> tuple[PolicyRecord, ...]:
    """Give the policy in force of each class on a day, as known at an instant, by class."""
    found = store.policies_in_force(session, actor, valid_on=valid_on, known_at=known_at)
    return tuple(found.values())


def haircut_policy_revisions(
    session: Session, actor: Actor, code: str, *, known_at: datetime
) -> tuple[PolicyRecord, ...]:
    """Give every revision of a class's policy known at an instant, the first first."""
    return store.policies_known(session, actor, known_at=known_at, code=code)


def haircut_policy_in_force(session: Session, actor: Actor, code: str, *, standing: Standing) -> PolicyRecord:
    """Give the policy of a class that holds on the business date.

    Raises:
        NotFound: The bank has none in force for the class.
    """
    found = store.policies_in_force(
        session, actor, valid_on=standing.business_date, known_at=standing.known_at, code=code
    )
    if code not in found:
        raise NotFound(
            f"there is no haircut policy {code} in force on {standing.business_date}",
            zh=f"业务日期 {standing.business_date} 无生效的折扣系数政策 {code}",
            field="policy",
            remedy="Propose the policy and have another person approve it.",
            remedy_zh="请提交政策并由另一人复核。",
        )
    return found[code]


def waiting_haircut_policy(session: Session, actor: Actor, code: str) -> Approval | None:
    """Give the policy of a class that waits for another person, if one does."""
    return approvals.open_approval_of(
        session, actor.organization_id, kind=HAIRCUT_POLICY_APPROVAL.name, subject=f"haircut_policy:{code}"
    )


def _require_ahead(policy: HaircutPolicy, business_date: date) -> None:
    if policy.valid_from < business_date:
        raise InvalidInput(
            f"the policy begins {policy.valid_from}, before the business date {business_date}",
            zh=f"生效日不得早于业务日期 {business_date}：已发放的业务以当时的政策为准",
            field="valid_from",
        )


def _apply(session: Session, checker: Actor, approval: Approval, _: Answer, at: datetime) -> None:
    """Put the policy in force as the next revision of its class; its first day is looked at again."""
    policy = store.policy_of_payload(dict(approval.payload))
    business_date = standing_of(session, checker.organization_id, FixedClock(at)).business_date
    _require_ahead(policy, business_date)
    store.add_policy(session, checker, policy, approval, known_from=business_date, at=at)


HAIRCUT_POLICY_APPROVAL = ApprovalKind(
    name="collateral.haircut_policy",
    title_zh="折扣系数政策",
    title_en="Haircut policy",
    maker_roles=frozenset({Role.OFFICER, Role.SYSTEM}),
    checker_roles=frozenset({Role.CHECKER}),
    apply=_apply,
    address=lambda approval: f"/haircut-policies/{approval.payload['code']}",
)
