"""The steps of a pledge as officers and systems take them; contract, drawdown and release wait for another person."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Agreed, Answer, Approval, ApprovalKind, ProposalDraft
from carbonfin.storage.files.evidence import require_evidence
from carbonfin.storage.parties import Standing, load_party, standing_of
from collateral.calc.agreements import Pledge
from collateral.calc.pledge import PLEDGE
from collateral.calc.serials import Ranges
from collateral.service import pledges
from collateral.service.approvals import complete_diligence
from collateral.service.pledge_refusals import refuse_drawdown, refuse_release, refuse_repayment
from collateral.service.registry import ask_unfreeze_again
from collateral.store import pledges as store
from collateral.store import valuations

_TITLES = {
    "sign": ("登记质押合同", "Contract"),
    "draw": ("放款", "Drawdown"),
    "release": ("申请解冻", "Release"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PledgeStep:
    """A step with what it rests on.

    Attributes:
        name: One of `PLEDGE_STEPS`.
        words: Contract or registration number, finding, or reason; a drawdown and a freeze need none.
        serials: The numbers to freeze, of units that carry some; where none are named, the lowest free.
        evidence_digest: The file behind it, stored before.
    """

    name: str
    words: str = ""
    serials: Mapping[Unit, Ranges] = field(default_factory=dict)
    evidence_digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTaken:
    """The pledge after a step, and what waits for another person, if the step does."""

    pledge: Pledge
    waiting: Approval | None = None


def _repay(session: Session, actor: Actor, pledge_id: str, step: PledgeStep, standing: Standing) -> Pledge:
    pledge = store.load_pledge(session, actor, pledge_id, lock=True)
    refuse_repayment(session, actor, pledge, on=standing.business_date)
    return pledges.repay_pledge(
        session, actor, pledge_id, standing=standing, cause=step.words, evidence_digest=step.evidence_digest
    )


_Work = Callable[[Session, Actor, str, PledgeStep, Standing], Pledge]
_AT_ONCE: dict[str, _Work] = {
    "appraise": lambda session, actor, pledge_id, _, standing: pledges.appraise_pledge(
        session, actor, pledge_id, standing=standing
    ),
    "diligence": lambda session, actor, pledge_id, step, standing: complete_diligence(
        session, actor, pledge_id, standing=standing, finding=step.words
    ),
    "register": lambda session, actor, pledge_id, step, standing: pledges.register_pledge(
        session, actor, pledge_id, standing=standing, registration_number=step.words
    ),
    "freeze": lambda session, actor, pledge_id, step, standing: pledges.request_freeze(
        session, actor, pledge_id, standing=standing, serials=step.serials
    ),
    "repay": _repay,
    "ask_again": lambda session, actor, pledge_id, step, standing: ask_unfreeze_again(
        session, actor, pledge_id, standing=standing, cause=step.words
    ),
    "withdraw": lambda session, actor, pledge_id, step, standing: pledges.withdraw_pledge(
        session, actor, pledge_id, standing=standing, cause=step.words
    ),
}
PLEDGE_STEPS = (*_AT_ONCE, *_TITLES)
"""Every step by its name: those taken at once, then those that wait for another person."""


def take_pledge_step(
    session: Session, actor: Actor, pledge_id: str, step: PledgeStep, *, standing: Standing
) -> StepTaken:
    """Take a step of a pledge, or put it before the checkers where it commits the bank or lets units go.

    Raises:
        Conflict: The pledge's state does not allow it, or something stands against it, with its figures; or the same
            step waits already. Nothing happens.
        InvalidInput: There is no such step, its words are missing, or its file is not stored.
    """
    if step.serials and step.name != "freeze":
        raise InvalidInput("only a freeze names serial numbers", zh="仅申请冻结可指定序号段", field="serials")
    if step.name in _TITLES:
        return _proposed(session, actor, pledge_id, step, standing=standing)
    work = _AT_ONCE.get(step.name)
    if work is None:
        raise InvalidInput(
            f"there is no step {step.name!r}", zh=f"没有“{step.name}”这一步", field="step",
            remedy=f"Choose of {', '.join(PLEDGE_STEPS)}.", remedy_zh=f"可选：{'、'.join(PLEDGE_STEPS)}。",
        )  # fmt: skip
    if step.evidence_digest is not None:
        _require_file(session, actor, pledge_id, step.evidence_digest, standing=standing)
    return StepTaken(pledge=work(session, actor, pledge_id, step, standing))


def waiting_step(session: Session, actor: Actor, pledge_id: str) -> Approval | None:
    """Give the step of a pledge that waits for another person, if one does."""
    return approvals.open_approval_of(
        session, actor.organization_id, kind=PLEDGE_STEP_APPROVAL.name, subject=f"pledge:{pledge_id}"
    )


def _require_file(session: Session, actor: Actor, pledge_id: str, digest: str, *, standing: Standing) -> None:
    pledge = store.load_pledge(session, actor, pledge_id)
    require_evidence(session, actor, digest, subject=f"pledge:{pledge.id}", at=standing.known_at)


def _proposed(session: Session, actor: Actor, pledge_id: str, step: PledgeStep, *, standing: Standing) -> StepTaken:
    """Put a step before the checkers, once nothing stands against it today."""
    pledge = store.load_pledge(session, actor, pledge_id, lock=True)
    _refuse_against(session, actor, pledge, step)
    if step.evidence_digest is not None:
        _require_file(session, actor, pledge_id, step.evidence_digest, standing=standing)
    zh, en = _TITLES[step.name]
    draft = ProposalDraft(
        subject=f"pledge:{pledge.id}",
        title_zh=f"{zh}：质押 {pledge.code}",
        title_en=f"{en}: pledge {pledge.code}",
        payload=_payload(session, actor, pledge, step, standing=standing),
        reason=step.words.strip() or zh,
    )
    waiting = approvals.propose(session, actor, PLEDGE_STEP_APPROVAL, draft, at=standing.known_at)
    return StepTaken(pledge=pledge, waiting=waiting)


def _refuse_against(session: Session, actor: Actor, pledge: Pledge, step: PledgeStep) -> None:
    match step.name:
        case "sign":
            pledges.require_words(step.words, "contract", "请填写合同编号")
            PLEDGE.after(pledge.state, "sign")
        case "draw":
            refuse_drawdown(session, actor, pledge)
        case _:
            refuse_release(session, actor, pledge)


def _payload(session: Session, actor: Actor, pledge: Pledge, step: PledgeStep, *, standing: Standing) -> dict[str, Any]:
    """Give what the checker reads: the terms, the registrations, and what is owed when units are to be let go."""
    pledgor = load_party(session, actor, pledge.pledgor_id)
    owed = valuations.latest_exposure(session, actor, pledge.code, on=standing.business_date)
    return {
        "action": step.name,
        "code": pledge.code,
        "pledgor": f"{pledgor.name} {pledgor.code}",
        "units": [{"unit": str(one.unit), "quantity_t": one.quantity_t} for one in pledge.units],
        "principal_cny": str(pledge.principal_cny),
        "end_date": pledge.end_date.isoformat(),
        "contract_number": step.words if step.name == "sign" else "",
        "registration_number": pledge.registration_number or "",
        "owed_cny": "" if owed is None else str(owed.principal_cny + owed.accrued_cny + owed.costs_cny),
        "owed_on": "" if owed is None else owed.exposure_date.isoformat(),
        "evidence_digest": step.evidence_digest or "",
    }


def _apply(session: Session, checker: Actor, approval: Approval, answer: Answer, at: datetime) -> None:
    """Take the step that was proposed, unless something stands against it today."""
    pledge_id = _pledge_id(approval)
    standing = standing_of(session, checker.organization_id, FixedClock(at))
    agreed = Agreed.to(approval, checker, answer)
    match approval.payload["action"]:
        case "sign":
            contract = approval.payload["contract_number"]
            pledges.sign_pledge(session, checker, pledge_id, standing=standing, contract=contract, agreed=agreed)
        case "draw":
            pledges.draw_pledge(session, checker, pledge_id, standing=standing, agreed=agreed)
        case _:
            pledges.request_unfreeze(session, checker, pledge_id, standing=standing, agreed=agreed)


def _pledge_id(approval: Approval) -> str:
    return approval.subject.removeprefix("pledge:")


PLEDGE_STEP_APPROVAL = ApprovalKind(
    name="collateral.pledge_step",
    title_zh="质押合同、放款与解押",
    title_en="Contract, drawdown and release of a pledge",
    maker_roles=frozenset({Role.OFFICER, Role.SYSTEM}),
    checker_roles=frozenset({Role.CHECKER}),
    apply=_apply,
    address=lambda approval: f"/pledges/{_pledge_id(approval)}",
)
