"""What happens to a repo after its start: weighed, put before another person, weighed again and carried out."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import Conflict
from carbonfin.rules.record import canonical, canonical_json
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer, Approval, ApprovalKind, ProposalDraft
from carbonfin.storage.decisions import Recorded, rebuilt, record_decision
from carbonfin.storage.parties import Standing, load_party, standing_of
from collateral.calc.agreements import Repo, UnitQuantity
from collateral.calc.close_out import RepoSide
from collateral.calc.holding_rights import HoldingRight
from collateral.calc.lifecycles import REPO
from collateral.calc.repo_event_values import RepoEventDraft, RepoEventKind, RepoEventOutcome, UnitMove, kinds_from
from collateral.calc.repo_weighing import REPO_EVENT, decide_repo_event
from collateral.service import titles
from collateral.service.holding import require_party_may
from collateral.service.repo_event_facts import event_inputs, fail_age
from collateral.service.repos import add_rolled
from collateral.service.view import DeskView, desk_view
from collateral.store import margin
from collateral.store import repo_events as store
from collateral.store import repos as repo_store
from collateral.store.repo_events import RepoEvent

EVENT_TITLES: Mapping[RepoEventKind, tuple[str, str]] = {
    RepoEventKind.REPRICE: ("重定价", "Repricing"),
    RepoEventKind.RATE: ("调整利率", "Change of rate"),
    RepoEventKind.ADJUST: ("调整标的数量", "Adjustment of units"),
    RepoEventKind.SUBSTITUTE: ("置换标的", "Substitution"),
    RepoEventKind.ROLL: ("展期", "Roll"),
    RepoEventKind.TERMINATE: ("提前终止通知", "Early termination"),
    RepoEventKind.SETTLE: ("到期交收", "Settlement of the end"),
    RepoEventKind.FAIL: ("到期交收失败", "Failed end"),
    RepoEventKind.DELIVER: ("补交首期标的", "Late delivery"),
    RepoEventKind.MINI_CLOSE_OUT: ("单笔终止", "Mini close-out"),
    RepoEventKind.DEFAULT: ("宣布违约", "Default"),
    RepoEventKind.CLOSE_OUT: ("违约终止净额结算", "Close-out"),
}
_ENDS_MARGIN = frozenset({RepoEventKind.REPRICE, RepoEventKind.ROLL, RepoEventKind.SETTLE})


def preview_repo_event(
    session: Session, actor: Actor, repo_id: str, draft: RepoEventDraft, *, standing: Standing
) -> RepoEventOutcome:
    """Weigh an event nobody has asked for; nothing is stored.

    Raises:
        Conflict: The repo's state allows no such event.
        InvalidInput: The event does not fit the repo's terms or days.
        MissingData: A price, a rate, a haircut or evidence of value is not known.
    """
    repo = repo_store.load_repo(session, actor, repo_id)
    return decide_repo_event(event_inputs(session, actor, repo, draft, desk_view(session, standing)))


def propose_repo_event(
    session: Session, actor: Actor, repo_id: str, draft: RepoEventDraft, *, standing: Standing
) -> Approval:
    """Put an event before the checkers with the figures it rests on; nothing passes and nothing changes.

    Raises:
        Conflict: A reason stands against it, with its figures; the state allows no such event; or another event of the
            repo waits already.
    """
    repo = repo_store.load_repo(session, actor, repo_id, lock=True)
    view = desk_view(session, standing)
    recorded = _recorded(session, actor, repo, draft, view)
    _refuse_against(repo, recorded.outcome)
    _check_service_side(session, actor, repo, draft, outcome=recorded.outcome, view=view)
    zh, en = EVENT_TITLES[draft.kind]
    return approvals.propose(
        session,
        actor,
        REPO_EVENT_APPROVAL,
        ProposalDraft(
            subject=f"repo_event:{repo.id}",
            title_zh=f"{zh}：回购 {repo.terms.code}",
            title_en=f"{en} of repo {repo.terms.code}",
            payload=_payload(repo, draft, recorded),
            reason=draft.reason,
        ),
        at=standing.known_at,
    )


def waiting_repo_event(session: Session, actor: Actor, repo_id: str) -> Approval | None:
    """Give the event of a repo that waits for another person, if one does."""
    return approvals.open_approval_of(
        session, actor.organization_id, kind=REPO_EVENT_APPROVAL.name, subject=f"repo_event:{repo_id}"
    )


def repo_events_of(session: Session, actor: Actor, repo_id: str) -> tuple[RepoEvent, ...]:
    """Give what happened to a repo of the actor's organisation, the first first."""
    repo = repo_store.load_repo(session, actor, repo_id)
    return store.events_of(session, actor, repo_id=repo.id)


def repo_event_kinds(repo: Repo) -> tuple[RepoEventKind, ...]:
    """Give what may happen to a repo in its state."""
    return kinds_from(repo.state)


def repo_fail_age(session: Session, repo: Repo, *, standing: Standing) -> int | None:
    """Give for how many open days a repo's settlement has been failing; None where it is not."""
    return fail_age(session, repo, on=standing.business_date, known_at=standing.known_at)


def _recorded(
    session: Session, actor: Actor, repo: Repo, draft: RepoEventDraft, view: DeskView
) -> Recorded[RepoEventOutcome]:
    return record_decision(
        session, actor, REPO_EVENT, event_inputs(session, actor, repo, draft, view),
        subject=f"repo:{repo.terms.code}", valid_on=view.day, known_at=view.standing.known_at,
    )  # fmt: skip


def _refuse_against(repo: Repo, outcome: RepoEventOutcome) -> None:
    if outcome.refusals:
        raise Conflict(
            f"repo {repo.terms.code}: {'; '.join(one.detail for one in outcome.refusals)}",
            zh=f"回购 {repo.terms.code} 不予受理：{'；'.join(one.zh for one in outcome.refusals)}",
            field="kind",
            remedy="Preview it, and change quantity, price or day.",
            remedy_zh="请先试算，并调整数量、价款或日期。",
            refusals=[one.code for one in outcome.refusals],
        )


def _check_service_side(
    session: Session, actor: Actor, repo: Repo, draft: RepoEventDraft, *, outcome: RepoEventOutcome, view: DeskView
) -> None:
    """Hold that no margin call stands open where margin is taken into what is paid, and that each taker may hold."""
    code = repo.terms.code
    awaited = margin.live_calls(session, actor, agreement_code=code) if draft.kind in _ENDS_MARGIN else ()
    if awaited:
        raise Conflict(
            f"repo {code} has a margin call of {awaited[0].issued_on} open: {awaited[0].outstanding_amount}",
            zh=f"回购 {code} 尚有 {awaited[0].issued_on} 的保证金通知未了结：{awaited[0].outstanding_amount}",
            field="kind",
            remedy="Settle or retract the call first.",
            remedy_zh="请先完成或撤回该通知。",
        )
    for move in outcome.moves:
        taker = load_party(session, actor, _party_of(repo, move.to))
        right = HoldingRight.TAKE_TITLE if move.to is RepoSide.BUYER else HoldingRight.HOLD
        require_party_may(view, taker, (move.unit,), right)
    if draft.kind is RepoEventKind.ROLL and repo_store.find_repo(session, actor, draft.code) is not None:
        raise Conflict(f"repo {draft.code} is there already", zh=f"回购 {draft.code} 已存在", field="code")


def _party_of(repo: Repo, side: RepoSide) -> str:
    return repo.seller_id if side is RepoSide.SELLER else repo.buyer_id


def _payload(repo: Repo, draft: RepoEventDraft, recorded: Recorded[RepoEventOutcome]) -> dict[str, Any]:
    outcome, terms = recorded.outcome, recorded.outcome.terms
    return {
        "repo_id": repo.id,
        "code": repo.terms.code,
        "appraisal_id": recorded.decision_id,
        "state_before": REPO.states[repo.state],
        "state_after": REPO.states[outcome.state_after],
        "cash_to_buyer_amount": str(outcome.cash_to_buyer_amount),
        "currency": str(repo.terms.currency),
        "moves": [{"unit": str(one.unit), "quantity_t": one.quantity_t, "to": str(one.to)} for one in outcome.moves],
        "unit": str(terms.unit),
        "quantity_t": terms.quantity_t,
        "purchase_price_amount": str(terms.purchase_price_amount),
        "rate": str(terms.rates[-1].rate),
        "repurchase_date": terms.repurchase_date.isoformat(),
        "event": canonical(draft),
    }


def _apply(session: Session, checker: Actor, approval: Approval, answer: Answer, at: datetime) -> None:
    """Weigh the event again on the day, pass title and keep it; with a reason against it nothing happens."""
    draft = rebuilt(canonical_json(approval.payload["event"]), RepoEventDraft)
    repo = repo_store.load_repo(session, checker, str(approval.payload["repo_id"]), lock=True)
    standing = standing_of(session, checker.organization_id, FixedClock(at))
    view = desk_view(session, standing)
    recorded = _recorded(session, checker, repo, draft, view)
    outcome = recorded.outcome
    _refuse_against(repo, outcome)
    _check_service_side(session, checker, repo, draft, outcome=outcome, view=view)
    _require_accepted(repo, outcome.unconfirmed, answer.accepted)
    _pass_title(session, checker, repo, draft, outcome=outcome, standing=standing)
    done = store.Done(
        approval=approval, decision_id=recorded.decision_id, business_date=standing.business_date, happened_at=at
    )
    store.add_event(session, checker, repo, draft, outcome, done=done)
    if draft.kind is RepoEventKind.ROLL:
        add_rolled(session, checker, repo, outcome.terms, view)
        store.change_repo(session, repo, repo.terms, state=outcome.state_after, margin_cash_amount=Decimal("0.00"))
        return
    store.change_repo(
        session, repo, outcome.terms, state=outcome.state_after, margin_cash_amount=outcome.margin_cash_amount
    )


def _require_accepted(repo: Repo, unconfirmed: tuple[str, ...], accepted: tuple[str, ...]) -> None:
    missing = [one for one in unconfirmed if one not in accepted]
    if missing:
        raise Conflict(
            f"the event of repo {repo.terms.code} rests on unconfirmed facts: {', '.join(missing)}",
            zh=f"该事项依据的以下事实未确认，须逐项同意：{'、'.join(missing)}",
            field="accepted_unconfirmed",
            remedy="Confirm the facts, or accept each by name.",
            remedy_zh="请先核实，或在审批时逐项列明同意。",
            unconfirmed=missing,
        )


def _pass_title(
    session: Session, actor: Actor, repo: Repo, draft: RepoEventDraft, *, outcome: RepoEventOutcome, standing: Standing
) -> None:
    code, title = repo.terms.code, EVENT_TITLES[draft.kind][0]
    if draft.kind is RepoEventKind.SUBSTITUTE:
        titles.substitute_title(
            session, actor, repo.terms, outcome.terms, seller_id=repo.seller_id, buyer_id=repo.buyer_id,
            standing=standing, cause=f"回购 {code} {title}：新标的先交付，原标的后退回",
        )  # fmt: skip
        return
    for move in outcome.moves:
        titles.transfer_title(
            session, actor, agreement_code=code, from_party_id=_party_of(repo, _other(move)),
            to_party_id=_party_of(repo, move.to), units=UnitQuantity(unit=move.unit, quantity_t=move.quantity_t),
            standing=standing, cause=f"回购 {code} {title}，所有权转移",
        )  # fmt: skip


def _other(move: UnitMove) -> RepoSide:
    return RepoSide.SELLER if move.to is RepoSide.BUYER else RepoSide.BUYER


REPO_EVENT_APPROVAL = ApprovalKind(
    name="collateral.repo_event",
    title_zh="回购存续期事项",
    title_en="Event of a repo",
    maker_roles=frozenset({Role.OFFICER, Role.SYSTEM}),
    checker_roles=frozenset({Role.CHECKER}),
    apply=_apply,
    address=lambda approval: f"/repos/{approval.payload['repo_id']}",
)
