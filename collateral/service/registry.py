"""Messages to the registry and what its answers do; silence makes a freeze unknown, and only a query resolves that."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict
from carbonfin.storage.outbox import Message, mark_delivered, mark_failed, pending
from carbonfin.storage.parties import Standing
from collateral.calc.agreements import Pledge
from collateral.calc.freezes import Operation, UnitFreeze
from collateral.registries.port import Answer, RegistryReply, RegistryRequest
from collateral.service import ledger
from collateral.service.change_replies import take_change_answer
from collateral.service.pledges import note, require_words, take_step
from collateral.service.registry_requests import (
    CONVERT_MESSAGE,
    FREEZE_MESSAGE,
    TRANSFER_MESSAGE,
    UNFREEZE_MESSAGE,
    ask_registry,
    send_anew,
)
from collateral.service.sold_units import TRANSFER_EVENTS
from collateral.store import pledge_changes as changes
from collateral.store import pledges as store
from collateral.store import registry as requests

_REGISTRY_MESSAGES = (FREEZE_MESSAGE, UNFREEZE_MESSAGE, TRANSFER_MESSAGE, CONVERT_MESSAGE)
ASKED_AGAIN = "registry:asked_again"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQuestion:
    """A request whose end is not known here and is to be asked for."""

    pledge_code: str
    request_key: str


def messages_to_send(session: Session, actor: Actor) -> tuple[Message, ...]:
    """Give the registry messages that are to be sent."""
    return pending(session, actor.organization_id, _REGISTRY_MESSAGES)


def claim_request(session: Session, actor: Actor, message: Message, *, now: datetime) -> RegistryRequest | None:
    """Take a message's request to send it; None where another dispatcher is sending it, or it has ended.

    Commit before sending. What is sent carries the end of the time it was taken for, and the registry refuses it later:
    so a sender that was held up cannot have units frozen after the request was given up.
    """
    request_key = message.payload["request_key"]
    not_after = requests.claim(session, actor, request_key, now=now)
    asked = requests.request_by_key(session, actor, request_key)
    if not_after is None:
        if asked.state != "OPEN":
            mark_delivered(session, message.id, at=now)
        return None
    return RegistryRequest(
        request_key=request_key,
        operation=asked.operation,
        bank_id=actor.organization_id,
        agreement_code=message.payload["agreement_code"],
        units=asked.units,
        not_after=not_after,
    )


def take_reply(session: Session, actor: Actor, message: Message, reply: RegistryReply, *, standing: Standing) -> None:
    """Act on the reply to a message; one that never left stays in the outbox."""
    request_key = message.payload["request_key"]
    if reply.answer is Answer.NOT_SENT:
        requests.give_back(session, actor, request_key, now=standing.known_at)
        mark_failed(session, message.id, at=standing.known_at, failure=reply.reason)
        return
    take_answer(session, actor, request_key, reply, standing=standing)
    mark_delivered(session, message.id, at=standing.known_at)


def open_questions(session: Session, actor: Actor) -> tuple[OpenQuestion, ...]:
    """Give the requests that may have reached the registry and whose end is not known.

    One that never left is not asked for, also where sending was given up: the registry would say that it never saw it,
    the units would be let go here, and a person who sends it again would freeze them there.
    """
    return tuple(
        OpenQuestion(pledge_code=store.load_pledge(session, actor, asked.pledge_id).code, request_key=asked.request_key)
        for asked in requests.sent_requests(session, actor)
    )


def is_open_question(session: Session, actor: Actor, request_key: str) -> bool:
    """Tell whether the end of a request is still not known."""
    return requests.request_by_key(session, actor, request_key).state == "OPEN"


def take_answer(
    session: Session, actor: Actor, request_key: str, reply: RegistryReply, *, standing: Standing
) -> Pledge:
    """Move a pledge by what the registry answered to a request or a query.

    Without a definite answer nothing is voided and nothing released: the state becomes, or stays, unknown. An answer to
    a request that has ended, late or given twice, changes nothing.
    """
    pledge_id = requests.pledge_of_request(session, actor, request_key)
    pledge = store.load_pledge(session, actor, pledge_id, lock=True)
    asked = requests.request_by_key(session, actor, request_key)
    if asked.state != "OPEN":
        return pledge
    judged = _judged(asked, reply)
    change = changes.change_by_request(session, actor, request_key)
    if change is not None:
        if take_change_answer(session, actor, pledge, change, judged, standing=standing, cause=_cause(judged)):
            _note_end(session, actor, asked, judged, standing=standing)
        return store.load_pledge(session, actor, pledge_id)
    if asked.operation is Operation.TRANSFER:
        _take_transfer_answer(session, actor, pledge, asked, judged, standing=standing)
        return store.load_pledge(session, actor, pledge_id)
    event = _EVENTS.get((pledge.state, judged.answer))
    if event is None:
        _note_unresolved(session, actor, pledge, judged, standing=standing)
    else:
        _moved_by(session, actor, pledge, event, cause=_cause(judged), standing=standing)
    _end(session, actor, pledge, asked, judged, standing=standing, is_settled=event is not None)
    return store.load_pledge(session, actor, pledge_id)


def ask_unfreeze_again(session: Session, actor: Actor, pledge_id: str, *, standing: Standing, cause: str) -> Pledge:
    """Ask anew for an unfreeze that the registry refused, once what it objected to is put right.

    Raises:
        Conflict: The last request was not refused; asking twice at once could end in two answers.
    """
    require_words(cause, "cause", "请填写重新申请的依据")
    pledge = store.load_pledge(session, actor, pledge_id, lock=True)
    if refused_unfreeze(session, actor, pledge) is None:
        raise Conflict(
            f"pledge {pledge.code} has no refused request to unfreeze",
            zh="没有被登记机构拒绝的解冻申请",
            field="state",
            remedy="Wait for the answer to the request that is under way.",
            remedy_zh="请等待在途申请的答复。",
        )
    ask_registry(session, actor, pledge, Operation.UNFREEZE)
    note(session, actor, pledge, ASKED_AGAIN, standing=standing, cause=cause)
    return store.load_pledge(session, actor, pledge_id)


def refused_unfreeze(session: Session, actor: Actor, pledge: Pledge) -> str | None:
    """Give why the registry refused to unfreeze a pledge that waits for it; None where it did not."""
    if pledge.state != "UNFREEZE_REQUESTED":
        return None
    asked = requests.latest_request(session, actor, pledge.id, Operation.UNFREEZE)
    return asked.reason or "—" if asked is not None and asked.state == "REJECTED" else None


def _judged(asked: requests.AskedRequest, reply: RegistryReply) -> RegistryReply:
    """Judge an answer by what was asked.

    Confirmed for other quantities or serial numbers it confirms nothing. Not seen counts only once the registry's own
    time is past the end of the last sending, and while no message waits that would bring the request yet.
    """
    if reply.answer is Answer.DONE and reply.units is not None and not _is_as_asked(asked.units, reply.units):
        stated = "、".join(f"{one.unit} {one.quantity_t} 吨 {'；'.join(one.serials)}".strip() for one in reply.units)
        return replace(reply, answer=Answer.UNKNOWN, reason=f"登记机构确认的数量或序号与申请不符：{stated}")
    if reply.answer is not Answer.NOT_FOUND:
        return reply
    may_arrive = reply.stated_at is None or asked.not_after is None or reply.stated_at <= asked.not_after
    if may_arrive or asked.waits:
        return replace(reply, answer=Answer.PROCESSING, reason="尚未到达登记机构")
    return reply


def _is_as_asked(asked: tuple[UnitFreeze, ...], stated: tuple[UnitFreeze, ...]) -> bool:
    """Tell whether a registry states what was asked, unit by unit in whatever order."""

    def place(one: UnitFreeze) -> tuple[str, str, str, int]:
        return one.account_id, one.unit, one.to_account_id, one.quantity_t

    return len(asked) == len(stated) and all(
        mine.is_met_by(theirs) for mine, theirs in zip(sorted(asked, key=place), sorted(stated, key=place), strict=True)
    )


def _moved_by(session: Session, actor: Actor, pledge: Pledge, event: str, *, cause: str, standing: Standing) -> None:
    moved = take_step(session, actor, pledge, event, standing=standing, cause=cause)
    effect = _EFFECTS.get((pledge.state, event))
    if effect is not None:
        effect(session, actor, pledge_id=pledge.id, standing=standing, cause=cause)
    if moved.state == "RELEASED":
        store.change_pledge(session, moved, released_on=standing.business_date)


def _end(
    session: Session,
    actor: Actor,
    pledge: Pledge,
    asked: requests.AskedRequest,
    judged: RegistryReply,
    *,
    standing: Standing,
    is_settled: bool,
) -> None:
    """Note how a request ended; an unfreeze the registry never saw is sent again."""
    if judged.answer is Answer.NOT_FOUND:
        if pledge.state == "UNFREEZE_UNKNOWN":
            send_anew(session, actor, pledge, asked)
            return
        if pledge.state != "FREEZE_UNKNOWN":
            return
    if judged.answer in _ENDS and (judged.answer is Answer.REJECTED or is_settled):
        _note_end(session, actor, asked, judged, standing=standing)


def _take_transfer_answer(
    session: Session,
    actor: Actor,
    pledge: Pledge,
    asked: requests.AskedRequest,
    judged: RegistryReply,
    *,
    standing: Standing,
) -> None:
    """Note how handing over sold units ended; one the registry never saw is sent again, silence is asked about."""
    event = TRANSFER_EVENTS.get(judged.answer)
    if event is not None:
        note(session, actor, pledge, event, standing=standing, cause=_cause(judged))
        _note_end(session, actor, asked, judged, standing=standing)
        return
    _note_unresolved(session, actor, pledge, judged, standing=standing)
    if judged.answer is Answer.NOT_FOUND:
        send_anew(session, actor, pledge, asked)


def _note_end(
    session: Session, actor: Actor, asked: requests.AskedRequest, judged: RegistryReply, *, standing: Standing
) -> None:
    requests.end_request(
        session, actor, asked.request_key, state=_ENDS[judged.answer], at=standing.known_at,
        reference=judged.reference, reason=judged.reason,
    )  # fmt: skip
    mark_delivered(session, asked.message_id, at=standing.known_at)


_ENDS: dict[Answer, str] = {Answer.DONE: "DONE", Answer.REJECTED: "REJECTED", Answer.NOT_FOUND: "NEVER_SEEN"}

_EVENTS: dict[tuple[str, Answer], str] = {
    ("FREEZE_REQUESTED", Answer.DONE): "registry_confirms",
    ("FREEZE_REQUESTED", Answer.REJECTED): "registry_rejects",
    ("FREEZE_REQUESTED", Answer.UNKNOWN): "timeout",
    ("FREEZE_REQUESTED", Answer.NOT_FOUND): "timeout",
    ("FREEZE_UNKNOWN", Answer.DONE): "query:frozen",
    ("FREEZE_UNKNOWN", Answer.REJECTED): "query:not_frozen",
    ("FREEZE_UNKNOWN", Answer.NOT_FOUND): "query:not_frozen",
    ("UNFREEZE_REQUESTED", Answer.DONE): "registry_confirms",
    ("UNFREEZE_REQUESTED", Answer.UNKNOWN): "timeout",
    ("UNFREEZE_REQUESTED", Answer.NOT_FOUND): "timeout",
    ("UNFREEZE_UNKNOWN", Answer.DONE): "query:unfrozen",
    ("UNFREEZE_UNKNOWN", Answer.REJECTED): "query:still_frozen",
    ("UNFREEZE_UNKNOWN", Answer.NOT_FOUND): "query:still_frozen",
}

_EFFECTS = {
    ("FREEZE_REQUESTED", "registry_confirms"): ledger.confirm,
    ("FREEZE_UNKNOWN", "query:frozen"): ledger.confirm,
    ("FREEZE_REQUESTED", "registry_rejects"): ledger.void,
    ("FREEZE_UNKNOWN", "query:not_frozen"): ledger.void,
    ("UNFREEZE_REQUESTED", "registry_confirms"): ledger.release,
    ("UNFREEZE_UNKNOWN", "query:unfrozen"): ledger.release,
}

_ANSWERS_ZH: dict[Answer, str] = {
    Answer.DONE: "登记机构确认",
    Answer.REJECTED: "登记机构拒绝",
    Answer.PROCESSING: "登记机构处理中",
    Answer.NOT_FOUND: "登记机构未见该申请",
    Answer.UNKNOWN: "登记机构未答复",
    Answer.NOT_SENT: "申请未发出",
}


def _cause(reply: RegistryReply) -> str:
    return " ".join(filter(None, [_ANSWERS_ZH[reply.answer], reply.reference, reply.reason]))


def _note_unresolved(
    session: Session, actor: Actor, pledge: Pledge, reply: RegistryReply, *, standing: Standing
) -> None:
    """Note once a business date that the registry was asked and gave no definite answer."""
    event = f"query:{reply.answer}"
    noted = store.events_of(session, actor, pledge.id)
    if noted and (noted[-1].event, noted[-1].business_date) == (event, standing.business_date):
        return
    note(session, actor, pledge, event, standing=standing, cause=_cause(reply))
