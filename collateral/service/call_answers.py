"""What a pledgor or seller answers to a call, and what the bank does about it: each step by the call's life."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.kernel.units import Currency, Money, parse_decimal
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Agreed, Answer, Approval, ApprovalKind, ProposalDraft
from carbonfin.storage.files import own_file, store_file
from carbonfin.storage.parties import Standing, standing_of
from collateral.calc.agreed_terms import AgreedTerms
from collateral.calc.agreements import MarginCall, Repo
from collateral.calc.call_timing import CallTiming
from collateral.calc.lifecycles import MARGIN_CALL, REPO
from collateral.calc.running_calls import (
    RunningCall,
    accepted,
    agreed,
    confirmed,
    defaulted,
    disputed,
    extended,
    partly_agreed,
    rejected,
    resent,
    resolved,
    retracted,
    sent,
)
from collateral.service.call_steps import keep_step, running_of
from collateral.service.calls import terms_of_call
from collateral.service.defaults import Default, declare_default, default_event
from collateral.service.letters import call_letter_name, call_letter_pdf
from collateral.service.margin_terms import agreement_address, timing_of
from collateral.service.pledges import require_words, take_step
from collateral.store import margin, pledges, repos


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStep:
    """A step to be taken on a call.

    Attributes:
        amount: Undisputed part, recalculated amount, or what came in, by the step; None where none is needed.
        words: Why, or the evidence.
        currency: Of the cash that moved, where it was said; the call's own is meant where it was not.
    """

    name: str
    words: str
    amount: Decimal | None = None
    currency: str | None = None


_Move = Callable[[RunningCall, Money | None, CallTiming, datetime], RunningCall]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plain:
    event: str
    move: _Move
    needs_amount: bool = False


_PLAIN: dict[str, _Plain] = {
    "agree": _Plain(event="agree in full", move=lambda call, _, __, ___: agreed(call)),
    "resolve": _Plain(
        event="resolution time: recalculate", needs_amount=True,
        move=lambda call, amount, _, __: resolved(call, _given(amount)),
    ),
    "accept": _Plain(event="amount", move=lambda call, _, timing, at: accepted(call, timing, at=at)),
    "send": _Plain(event="pledge assets", move=lambda call, _, __, ___: sent(call)),
    "transfer-failed": _Plain(event="rejected", move=lambda call, _, __, ___: rejected(call)),
    "resend": _Plain(event="re-instruct", move=lambda call, _, __, ___: resent(call)),
    "retract": _Plain(event="retract", move=lambda call, _, __, ___: retracted(call)),
}  # fmt: skip
CALL_STEPS = (*_PLAIN, "dispute", "receive", "late-cure", "declare-default")


def steps_from(call: MarginCall) -> tuple[str, ...]:
    """Give the steps that the state of a call allows now."""
    state = call.state
    allowed = [name for name, plain in _PLAIN.items() if _has_edge(state, plain.event)]
    allowed += ["dispute"] if _has_edge(state, "dispute") else []
    allowed += ["receive"] if state in _RECEIVING else []
    allowed += ["late-cure", "declare-default"] if state == "EXPIRED" else []
    return tuple(allowed)


_RECEIVING = frozenset(
    {"ISSUED", "AGREED", "PARTIALLY_AGREED", "DISPUTED", "RESOLVED", "IN_TRANSIT", "FAILED", "EXPIRED"}
)


def _has_edge(state: str, event: str) -> bool:
    return any(edge[:2] == (state, event) for edge in MARGIN_CALL.edges)


def take_call_step(session: Session, actor: Actor, call_id: str, step: CallStep, *, standing: Standing) -> MarginCall:
    """Take one step of a call, and what follows of it for the agreement; gives the call as it stands then.

    `dispute` with an amount splits the call: that undisputed part moves at once, the rest is disputed as a call of its
    own. `receive` is always accepted while the call is open; what covers it settles it, and the agreement is cured.
    `late-cure` and `declare-default` are put before another person.

    Raises:
        NotFound: There is no such call.
        InvalidInput: There is no such step, its amount or words are missing, or it is of a currency that the agreement
            does not take, or that its margin is not kept in.
        Conflict: The state of the call does not allow the step; nothing happens.
    """
    require_words(step.words, "words", "请填写依据")
    call = margin.load_call(session, actor, call_id, lock=True)
    terms = terms_of_call(session, actor, call, standing)
    _require_currency(call, step, terms)
    if step.name in _PROPOSED:
        propose_end(session, actor, call, step, standing=standing)
        return call
    timing = timing_of(session, terms, standing.known_at)
    if step.name == "dispute":
        return _dispute(session, actor, call, step, timing=timing, standing=standing)
    if step.name == "receive":
        return _receive(session, actor, call, step, standing=standing)
    plain = _PLAIN.get(step.name)
    if plain is None:
        raise InvalidInput(
            f"there is no step {step.name!r}", zh=f"没有“{step.name}”这一步", field="step",
            remedy=f"Take one of: {', '.join(CALL_STEPS)}.", remedy_zh=f"可选：{'、'.join(CALL_STEPS)}。",
        )  # fmt: skip
    amount = _amount(call, step) if plain.needs_amount else None
    after = plain.move(running_of(call), amount, timing, standing.known_at)
    return _kept(session, actor, call, after, event=plain.event, step=step, standing=standing)


def _require_currency(call: MarginCall, step: CallStep, terms: AgreedTerms) -> None:
    """Refuse cash that the agreement does not take, and cash it takes but that its margin is not kept in."""
    if step.currency is None or step.currency == call.currency:
        return
    terms.require_eligible(step.currency)
    raise InvalidInput(
        f"{step.currency} is eligible, and the margin of {call.agreement_code} is kept in {call.currency}",
        zh=f"{step.currency} 为合格币种，但 {call.agreement_code} 的保证金以 {call.currency} 记账",
        field="currency",
        remedy=f"Exchange it, and enter what arrived in {call.currency}.",
        remedy_zh=f"请先兑换，再登记到账的 {call.currency} 金额。",
    )


def _dispute(
    session: Session, actor: Actor, call: MarginCall, step: CallStep, *, timing: CallTiming, standing: Standing
) -> MarginCall:
    if step.amount is None:
        after = disputed(running_of(call), timing, at=standing.known_at)
        return _kept(session, actor, call, after, event="dispute", step=step, standing=standing)
    first, rest = partly_agreed(running_of(call), _amount(call, step), timing, at=standing.known_at)
    kept = _kept(session, actor, call, first, event="agree part", step=step, standing=standing)
    contested = margin.add_call(
        session, actor, agreement_code=call.agreement_code, issued_on=call.issued_on, running=rest,
        top_ups=(), decision_id=call.decision_id, issued_at=standing.known_at, direction=call.direction,
        terms_id=call.terms_id, deadline=call.deadline,
    )  # fmt: skip
    margin.add_call_event(
        session, actor,
        {"call_id": contested.id, "event": "dispute", "state_before": "ISSUED", "state_after": rest.state,
         "amount": rest.amount.amount, "business_date": standing.business_date, "happened_at": standing.known_at,
         "cause": f"自 {call.id} 拆分的争议部分：{step.words}"},
    )  # fmt: skip
    return _kept(session, actor, kept, sent(first), event="undisputed part moves now", step=step, standing=standing)


def _receive(session: Session, actor: Actor, call: MarginCall, step: CallStep, *, standing: Standing) -> MarginCall:
    received = _amount(call, step)
    before = running_of(call)
    after = confirmed(before, received, at=standing.known_at)
    event = "received"
    if after.state != call.state:
        event = "confirmed" if call.state == "IN_TRANSIT" else "cured in grace"
    elif call.state in {"ISSUED", "AGREED", "FAILED"} and not after.outstanding.minor:
        return _met_outright(session, actor, call, after, step=step, standing=standing)
    kept = _kept(session, actor, call, after, event=event, step=step, standing=standing)
    _tell_agreement(session, actor, kept, received.amount, standing=standing)
    return kept


def _met_outright(
    session: Session, actor: Actor, call: MarginCall, after: RunningCall, *, step: CallStep, standing: Standing
) -> MarginCall:
    """Walk a call that was met before its answer was entered through the edges to settled, one by one."""
    walked, kept = replace(after, state=call.state), call
    edges = {"ISSUED": "agree in full", "AGREED": "pledge assets", "FAILED": "re-instruct", "IN_TRANSIT": "confirmed"}
    while walked.state in edges:
        event = edges[walked.state]
        walked = replace(walked, state=MARGIN_CALL.after(walked.state, event))
        kept = _kept(session, actor, kept, walked, event=event, step=step, standing=standing)
    _tell_agreement(session, actor, kept, after.received.amount - call.received_amount, standing=standing)
    return kept


def _tell_agreement(session: Session, actor: Actor, call: MarginCall, received: Decimal, *, standing: Standing) -> None:
    """Cure the agreement once no delivery is awaited any more, and keep a repo's margin with the repo."""
    kind, _, agreement_id = agreement_address(session, actor, call.agreement_code).partition(":")
    awaited = [
        one
        for one in margin.live_calls(session, actor, agreement_code=call.agreement_code)
        if one.direction == "delivery"
    ]
    if kind == "repo":
        repo = repos.load_repo(session, actor, agreement_id, lock=True)
        held_amount = repo.margin_cash_amount + _signed(repo, call, received)
        repos.change_margin(session, repo, margin_cash_amount=held_amount, on=standing.business_date)
        if repo.state == "MARGIN_PENDING" and not awaited:
            repos.change_repo_state(session, repo, state=REPO.after(repo.state, "settled"))
        return
    if awaited or call.direction != "delivery":
        return
    pledge = pledges.load_pledge(session, actor, agreement_id, lock=True)
    events = {"MARGIN_CALLED": "cured", "CURE_EXPIRED": "late cure accepted"}
    if pledge.state in events:
        take_step(
            session, actor, pledge, events[pledge.state], standing=standing,
            cause=f"追加现金到账 {call.received_amount} 元", decision_id=call.decision_id,
        )  # fmt: skip


def _signed(repo: Repo, call: MarginCall, received: Decimal) -> Decimal:
    """Give what moved as the buyer's margin: a delivery comes to the buyer, a return leaves whoever holds it."""
    is_to_buyer = call.direction == "delivery" or repo.margin_cash_amount < 0
    return received if is_to_buyer else -received


def propose_end(session: Session, actor: Actor, call: MarginCall, step: CallStep, *, standing: Standing) -> Approval:
    """Put a late cure or a default of an expired call before another person.

    Raises:
        Conflict: The call has not expired, its grace still runs (default), or it would not be covered (late cure).
    """
    kind = _PROPOSED[step.name]
    if call.state != "EXPIRED":
        MARGIN_CALL.after(call.state, "grace used")
    if kind is MARGIN_DEFAULT:
        defaulted(running_of(call), at=standing.known_at)
        agreement, _, agreement_id = agreement_address(session, actor, call.agreement_code).partition(":")
        if agreement == "pledge":
            default_event(pledges.load_pledge(session, actor, agreement_id))
    amount = None if kind is MARGIN_DEFAULT else _covering(call, step.amount)
    return approvals.propose(
        session,
        actor,
        kind,
        ProposalDraft(
            subject=f"margin_call:{call.id}",
            title_zh=f"{kind.title_zh} {call.agreement_code}",
            title_en=f"{kind.title_en} {call.agreement_code}",
            payload={
                "call_id": call.id,
                "agreement_code": call.agreement_code,
                "issued_on": call.issued_on.isoformat(),
                "deadline": None if call.deadline is None else call.deadline.isoformat(),
                "currency": call.currency,
                "outstanding_amount": str(call.outstanding_amount),
                "received_amount": None if amount is None else str(amount),
            },
            reason=step.words,
        ),
        at=standing.known_at,
    )


def waiting_end(session: Session, actor: Actor, call_id: str) -> Approval | None:
    """Give the late cure or default of a call that waits for another person, if one does."""
    for kind in (LATE_CURE, MARGIN_DEFAULT):
        found = approvals.open_approval_of(
            session, actor.organization_id, kind=kind.name, subject=f"margin_call:{call_id}"
        )
        if found is not None:
            return found
    return None


def _covering(call: MarginCall, amount: Decimal | None) -> Decimal:
    if amount is None or amount < call.outstanding_amount:
        raise Conflict(
            f"{amount} does not cover {call.outstanding_amount}",
            zh=f"到账 {amount} 未覆盖尚欠 {call.outstanding_amount}；部分到账请登记“到账”",
            field="amount",
        )
    return amount


def _declare_default(session: Session, checker: Actor, approval: Approval, answer: Answer, at: datetime) -> None:
    """Default the call; a pledge goes to enforcement as by any other ground, a repo into default."""
    call = margin.load_call(session, checker, str(approval.payload["call_id"]), lock=True)
    standing = standing_of(session, checker.organization_id, FixedClock(at))
    address = agreement_address(session, checker, call.agreement_code)
    kind, _, agreement_id = address.partition(":")
    if kind == "pledge":
        defaulted(running_of(call), at=at)  # refused while the grace runs, whatever the pledge's state
        pledge = pledges.load_pledge(session, checker, agreement_id, lock=True)
        letter = call_letter_pdf(session, checker, call.id, standing=standing)
        unmet = Default(
            ground=f"{call.issued_on} 追加担保通知至 {call.deadline} 未获补足，"
            f"尚欠 {call.outstanding_amount:,.2f} {call.currency}",
            evidence_digest=_kept_letter(session, checker, call, letter, at=at),
            decision_id=call.decision_id,
        )
        agreed = Agreed.to(approval, checker, answer)
        declare_default(session, checker, pledge, unmet, standing=standing, agreed=agreed)  # moves its calls too
        return
    after = defaulted(running_of(call), at=at)
    keep_step(
        session, checker, call, after, event="grace used", cause=answer.reason, agreement=address, standing=standing
    )
    if kind == "repo":
        repo = repos.load_repo(session, checker, agreement_id, lock=True)
        repos.change_repo_state(session, repo, state=REPO.after(repo.state, "deadline"))


def _kept_letter(session: Session, actor: Actor, call: MarginCall, letter: bytes, *, at: datetime) -> str:
    """Keep the letter that was not met as the evidence of the default, and give its digest."""
    file = own_file(letter, name=f"{call_letter_name(call)}.pdf")
    return store_file(session, actor, file, at=at).digest


def _accept_late(session: Session, checker: Actor, approval: Approval, answer: Answer, at: datetime) -> None:
    """Take a late transfer as a cure: the grace is lengthened to now, and the call settles."""
    call = margin.load_call(session, checker, str(approval.payload["call_id"]), lock=True)
    standing = standing_of(session, checker.organization_id, FixedClock(at))
    amount = parse_decimal(str(approval.payload["received_amount"]), field="amount")
    running = running_of(call)
    if running.grace_end_at is not None and running.grace_end_at < at:
        running = extended(running, until=at)
    step = CallStep(name="late-cure", words=answer.reason, amount=amount)
    after = confirmed(running, _amount(call, step), at=at)
    kept = _kept(session, checker, call, after, event="cured in grace", step=step, standing=standing)
    _tell_agreement(session, checker, kept, amount, standing=standing)


def _address(approval: Approval) -> str:
    return f"/margin-calls/{approval.payload['call_id']}"


MARGIN_DEFAULT = ApprovalKind(
    name="collateral.margin_default",
    title_zh="宣布追加担保违约",
    title_en="Default on a margin call",
    maker_roles=frozenset({Role.OFFICER, Role.SYSTEM}),
    checker_roles=frozenset({Role.CHECKER}),
    apply=_declare_default,
    address=_address,
)
LATE_CURE = ApprovalKind(
    name="collateral.late_cure",
    title_zh="接受逾期补足",
    title_en="Late cure of a margin call",
    maker_roles=frozenset({Role.OFFICER, Role.SYSTEM}),
    checker_roles=frozenset({Role.CHECKER}),
    apply=_accept_late,
    address=_address,
)
_PROPOSED = {"late-cure": LATE_CURE, "declare-default": MARGIN_DEFAULT}


def _given(amount: Money | None) -> Money:
    assert amount is not None
    return amount


def _amount(call: MarginCall, step: CallStep) -> Money:
    if step.amount is None:
        raise InvalidInput(f"step {step.name} needs an amount", zh="请填写金额", field="amount")
    return Money.of(step.amount, Currency(call.currency))


def _kept(
    session: Session,
    actor: Actor,
    call: MarginCall,
    after: RunningCall,
    *,
    event: str,
    step: CallStep,
    standing: Standing,
) -> MarginCall:
    return keep_step(
        session, actor, call, after, event=event, cause=step.words,
        agreement=agreement_address(session, actor, call.agreement_code), standing=standing,
    )  # fmt: skip
