"""Messages to the registry and what its answers do; silence makes a freeze unknown, and only a query resolves that."""

from dataclasses import dataclass

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.storage.outbox import Message, mark_delivered, mark_failed, pending, unsent
from carbonfin.storage.parties import Standing
from collateral.calc.agreements import Pledge
from collateral.registries.port import Answer, Operation, RegistryReply, RegistryRequest, UnitFreeze
from collateral.service import ledger
from collateral.service.change_replies import open_change_requests, take_change_answer
from collateral.service.pledges import FREEZE_MESSAGE, UNFREEZE_MESSAGE, request_key, take_step
from collateral.store import pledges as store

_REGISTRY_MESSAGES = (FREEZE_MESSAGE, UNFREEZE_MESSAGE)
OPEN_QUESTIONS = frozenset({"FREEZE_REQUESTED", "FREEZE_UNKNOWN", "UNFREEZE_REQUESTED", "UNFREEZE_UNKNOWN"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQuestion:
    """A request whose end is not known here and is to be asked for."""

    pledge_id: str
    request_key: str
    change_id: str | None = None


def messages_to_send(session: Session, actor: Actor) -> tuple[Message, ...]:
    """Give the registry messages that are to be sent."""
    return pending(session, actor.organization_id, _REGISTRY_MESSAGES)


def request_of(message: Message) -> RegistryRequest:
    """Read a message back as the request it carries."""
    payload = message.payload
    return RegistryRequest(
        request_key=payload["request_key"],
        operation=Operation(payload["operation"]),
        agreement_code=payload["agreement_code"],
        units=tuple(
            UnitFreeze(account_id=one["account_id"], unit=one["unit"], quantity_t=one["quantity_t"])
            for one in payload["units"]
        ),
    )


def take_reply(session: Session, actor: Actor, message: Message, reply: RegistryReply, *, standing: Standing) -> None:
    """Act on the reply to a message; one that never left stays in the outbox."""
    if reply.answer is Answer.NOT_SENT:
        mark_failed(session, message.id, at=standing.known_at, failure=reply.reason)
        return
    mark_delivered(session, message.id, at=standing.known_at)
    payload = message.payload
    asked = OpenQuestion(
        pledge_id=payload["pledge_id"], request_key=payload["request_key"], change_id=payload.get("change_id")
    )
    take_answer_to(session, actor, asked, reply, standing=standing)


def open_questions(session: Session, actor: Actor) -> tuple[OpenQuestion, ...]:
    """Give the requests that were sent and whose end is not known.

    One that never left is not asked for, also where sending was given up: the registry would say that it never saw it,
    the units would be let go here, and a person who sends it again would freeze them there.
    """
    waiting = unsent(session, actor.organization_id, _REGISTRY_MESSAGES)
    unsent_pledges = {one.payload["pledge_id"] for one in waiting if "change_id" not in one.payload}
    unsent_changes = frozenset(one.payload["change_id"] for one in waiting if "change_id" in one.payload)
    of_changes = tuple(
        OpenQuestion(pledge_id=change.pledge_id, request_key=key, change_id=change.id)
        for change, key in open_change_requests(session, actor, waiting=unsent_changes)
    )
    return of_changes + tuple(
        OpenQuestion(
            pledge_id=pledge.id,
            request_key=request_key(
                pledge, Operation.UNFREEZE if pledge.state.startswith("UNFREEZE") else Operation.FREEZE
            ),
        )
        for pledge in store.pledges_of(session, actor, states=OPEN_QUESTIONS)
        if pledge.id not in unsent_pledges
    )


def take_answer_to(
    session: Session, actor: Actor, asked: OpenQuestion, reply: RegistryReply, *, standing: Standing
) -> tuple[str, str]:
    """Move what was asked for, a pledge or a change of one, and give the pledge's code and the state after."""
    if asked.change_id is None:
        pledge = take_answer(session, actor, asked.pledge_id, reply, standing=standing)
        return pledge.code, pledge.state
    change = take_change_answer(session, actor, asked.change_id, reply, standing=standing, cause=_cause(reply))
    return store.load_pledge(session, actor, change.pledge_id).code, change.state


def take_answer(session: Session, actor: Actor, pledge_id: str, reply: RegistryReply, *, standing: Standing) -> Pledge:
    """Move a pledge by what the registry answered to a request or a query.

    Without a definite answer nothing is voided and nothing released: the state becomes, or stays, unknown.
    """
    pledge = store.load_pledge(session, actor, pledge_id, lock=True)
    event = _EVENTS.get((pledge.state, reply.answer))
    if event is None:
        _note_unresolved(session, actor, pledge, reply, standing=standing)
        return store.load_pledge(session, actor, pledge_id)
    cause = _cause(reply)
    moved = take_step(session, actor, pledge, event, standing=standing, cause=cause)
    effect = _EFFECTS.get((pledge.state, event))
    if effect is not None:
        effect(session, actor, pledge_id=pledge.id, standing=standing, cause=cause)
    if moved.state == "RELEASED":
        store.change_pledge(session, moved, released_on=standing.business_date)
    return store.load_pledge(session, actor, pledge_id)


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
    store.add_event(
        session,
        pledge,
        store.Step(
            event=event,
            state_before=pledge.state,
            state_after=pledge.state,
            business_date=standing.business_date,
            happened_at=standing.known_at,
            actor=actor,
            cause=_cause(reply),
        ),
    )
