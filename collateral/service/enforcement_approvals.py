"""Default, means, late cure and distribution: what one person proposes another decides, with the file in hand."""

from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import FixedClock
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Agreed, Answer, Approval, ApprovalKind, ProposalDraft
from carbonfin.storage.files.evidence import require_evidence
from carbonfin.storage.parties import Standing, standing_of
from collateral.calc.agreements import Pledge
from collateral.calc.enforcement import SaleMethod, decide_distribution
from collateral.calc.pledge import PLEDGE
from collateral.service import enforcement
from collateral.service.defaults import Default, declare_default, default_event
from collateral.service.pledges import require_words
from collateral.service.sale_means import choose_means, preview_means
from collateral.service.sold_units import require_handed_over
from collateral.store import pledges as pledge_store

_TITLES = {
    "default": ("宣布违约", "Declare the default"),
    "means": ("选择处置方式", "Choose the means of sale"),
    "late_cure": ("接受逾期补足", "Accept a late cure"),
    "distribute": ("处置价款分配", "Share out the proceeds"),
}


def propose_default(
    session: Session, actor: Actor, pledge_id: str, *, ground: str, evidence_digest: str, standing: Standing
) -> Approval:
    """Propose that a default be declared; another person decides.

    Raises:
        Conflict: The pledge's state leads to no enforcement, or a proposal waits already.
        InvalidInput: No ground, or the file is not stored.
    """
    require_words(ground, "ground", "请填写违约事由")
    pledge = pledge_store.load_pledge(session, actor, pledge_id, lock=True)
    default_event(pledge)
    payload = {"action": "default", "ground": ground, "evidence_digest": evidence_digest}
    return _propose(session, actor, pledge, payload, reason=ground, standing=standing)


def propose_means(
    session: Session, actor: Actor, pledge_id: str, *, method: SaleMethod, ground: str, evidence_digest: str,
    standing: Standing,
) -> Approval:  # fmt: skip
    """Propose to sell by auction or by negotiated transfer; another person decides, with the bands of that day.

    Raises:
        Conflict: The pledge is not being enforced, or a proposal waits already.
        InvalidInput: No ground, or the file is not stored.
        MissingData: A price, the band or what is owed is not known.
    """
    require_words(ground, "ground", "请填写选择该处置方式的理由")
    weighed = preview_means(session, actor, pledge_id, method, standing=standing)
    pledge = pledge_store.load_pledge(session, actor, pledge_id, lock=True)
    payload = {
        "action": "means",
        "method": method.value,
        "ground": ground,
        "floor_proceeds_cny": str(weighed.floor_proceeds_cny),
        "cap_proceeds_cny": str(weighed.cap_proceeds_cny),
        "evidence_digest": evidence_digest,
    }
    return _propose(session, actor, pledge, payload, reason=ground, standing=standing)


def propose_late_cure(
    session: Session, actor: Actor, pledge_id: str, *, ground: str, evidence_digest: str, standing: Standing
) -> Approval:
    """Propose to take a pledge back whose cure has expired and whose coverage stands again; another person decides.

    Raises:
        Conflict: The cure has not expired, or a proposal waits already.
        InvalidInput: No ground, or the file is not stored.
    """
    require_words(ground, "ground", "请填写接受逾期补足的理由")
    pledge = pledge_store.load_pledge(session, actor, pledge_id, lock=True)
    PLEDGE.after(pledge.state, "late cure accepted")
    payload = {"action": "late_cure", "ground": ground, "evidence_digest": evidence_digest}
    return _propose(session, actor, pledge, payload, reason=ground, standing=standing)


def propose_distribution(
    session: Session, actor: Actor, pledge_id: str, *, costs_cny: Decimal, evidence_digest: str, standing: Standing
) -> Approval:
    """Propose to share the proceeds out after the costs of the enforcement; another person decides.

    Raises:
        Conflict: Nothing has been sold, or a proposal waits already.
        InvalidInput: The costs are no amount, or the file is not stored.
    """
    pledge = pledge_store.load_pledge(session, actor, pledge_id, lock=True)
    PLEDGE.after(pledge.state, "distribute")
    require_handed_over(session, actor, pledge)
    inputs = enforcement.distribution_inputs(session, actor, pledge, costs_cny=costs_cny, standing=standing)
    weighed = decide_distribution(inputs)
    payload = {
        "action": "distribute",
        "costs_cny": str(costs_cny),
        "proceeds_cny": str(inputs.proceeds_cny),
        "surplus_cny": str(weighed.surplus_cny),
        "shortfall_cny": str(weighed.shortfall_cny),
        "evidence_digest": evidence_digest,
    }
    return _propose(session, actor, pledge, payload, reason="处置价款分配", standing=standing)


def waiting_enforcement_approval(session: Session, actor: Actor, pledge_id: str) -> Approval | None:
    """Give the approval an enforcement waits for, if it does."""
    return approvals.open_approval_of(
        session, actor.organization_id, kind=ENFORCEMENT_APPROVAL.name, subject=f"pledge:{pledge_id}"
    )


def _propose(
    session: Session, actor: Actor, pledge: Pledge, payload: dict[str, str], *, reason: str, standing: Standing
) -> Approval:
    zh, en = _TITLES[payload["action"]]
    require_evidence(session, actor, payload["evidence_digest"], subject=f"pledge:{pledge.id}", at=standing.known_at)
    draft = ProposalDraft(
        subject=f"pledge:{pledge.id}",
        title_zh=f"{zh}：质押 {pledge.code}",
        title_en=f"{en}: pledge {pledge.code}",
        payload={"code": pledge.code, **payload},
        reason=reason,
    )
    return approvals.propose(session, actor, ENFORCEMENT_APPROVAL, draft, at=standing.known_at)


def _apply(session: Session, checker: Actor, approval: Approval, answer: Answer, at: datetime) -> None:
    """Do what was proposed, unless the pledge's state no longer allows it."""
    pledge = pledge_store.load_pledge(session, checker, approval.subject.removeprefix("pledge:"), lock=True)
    standing = standing_of(session, checker.organization_id, FixedClock(at))
    payload, agreed = approval.payload, Agreed.to(approval, checker, answer)
    match payload["action"]:
        case "default":
            found = Default(ground=payload["ground"], evidence_digest=payload["evidence_digest"])
            declare_default(session, checker, pledge, found, standing=standing, agreed=agreed)
        case "means":
            choose_means(session, checker, pledge, payload, standing=standing, agreed=agreed)
        case "late_cure":
            enforcement.accept_late_cure(session, checker, pledge, payload, standing=standing, agreed=agreed)
        case _:
            enforcement.distribute(session, checker, pledge, payload, standing=standing, agreed=agreed)


ENFORCEMENT_APPROVAL = ApprovalKind(
    name="collateral.enforcement",
    title_zh="违约处置",
    title_en="Enforcement",
    maker_roles=frozenset({Role.OFFICER, Role.SYSTEM}),
    checker_roles=frozenset({Role.CHECKER}),
    apply=_apply,
    address=lambda approval: f"/{approval.subject.replace('pledge:', 'pledges/')}/enforcement",
)
