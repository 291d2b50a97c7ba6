"""Whom a margin call is told: officers and risk in their inbox, the bank's systems by an event."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.storage.messages import InboxNotice, publish, publish_first, settle, tell, tell_all
from collateral.calc.agreements import MarginCall

CALL_NOTICE = "margin_call.issued"
EXPIRED_NOTICE = "margin_call.expired"
_TOLD = (Role.OFFICER, Role.RISK)
_CURRENCIES_ZH = {"CNY": "元", "CNH": "离岸人民币元", "HKD": "港元", "USD": "美元", "EUR": "欧元"}
_PAGES = {"pledge": "/pledges/", "repo": "/repos/"}


def tell_call(session: Session, actor: Actor, call: MarginCall, *, agreement: str, at: datetime) -> None:
    """Tell that a call was issued.

    Args:
        session: The transaction that issues it.
        actor: Who does.
        call: The call.
        agreement: `pledge:ID` or `repo:ID`.
        at: When.
    """
    tell_calls(session, actor, [(call, agreement)], at=at)


def tell_calls(
    session: Session, actor: Actor, calls: Sequence[tuple[MarginCall, str]], *, at: datetime, is_first: bool = False
) -> None:
    """Tell that many calls were issued, each with its agreement, by one statement for people and one for systems.

    `is_first` says that each call was made just now, so that nobody can have been told of it.
    """
    notices = [notice for call, agreement in calls for notice in _notices(actor, call, agreement)]
    tell_all(session, actor.organization_id, notices, at, is_first=is_first)
    publish_first(
        session,
        actor,
        [(_subject(call), _event(call.state), _payload(call, state=call.state, at=at)) for call, _ in calls],
    )


def _notices(actor: Actor, call: MarginCall, agreement: str) -> list[InboxNotice]:
    until_zh = "" if call.deadline is None else f"，限 {call.deadline} 前办理"
    until_en = "" if call.deadline is None else f" by {call.deadline}"
    unit_zh = _CURRENCIES_ZH.get(call.currency, call.currency)
    is_return = call.direction == "return"
    units_zh = "".join(f"，或 {one.unit} {one.quantity_t:,} 吨" for one in call.top_ups)
    units_en = "".join(f", or {one.quantity_t:,} t of {one.unit}" for one in call.top_ups)
    told = InboxNotice(
        organization_id=actor.organization_id,
        key=f"{_subject(call)}:issued:{_TOLD[0].value}",
        kind=CALL_NOTICE,
        subject=_subject(call),
        title_zh=f"{'退还保证金' if is_return else '追加担保通知'}：{call.agreement_code}",
        title_en=f"{'Margin to return' if is_return else 'Margin call'}: {call.agreement_code}",
        text_zh=f"须{'退还' if is_return else '追加'}现金 {call.cash_amount:,.2f} {unit_zh}{units_zh}{until_zh}。",
        text_en=f"To be {'returned' if is_return else 'added'}: {call.currency} {call.cash_amount:,.2f} in cash"
        f"{units_en}{until_en}.",
        address=_page_of(agreement),
        role=_TOLD[0],
        due_on=call.deadline,
    )
    others = [replace(told, key=f"{_subject(call)}:issued:{role.value}", role=role) for role in _TOLD[1:]]
    return [told, *others]


def tell_end_of_call(
    session: Session, actor: Actor, call: MarginCall, *, agreement: str, state: str, at: datetime
) -> None:
    """Tell how a call ended: one that was retracted leaves the lists, one that nobody answered is told again."""
    settle(session, actor.organization_id, kind=CALL_NOTICE, subject=_subject(call), by=actor.name, at=at)
    is_return = call.direction == "return"
    if state == "EXPIRED":
        for role in _TOLD:
            notice = InboxNotice(
                organization_id=actor.organization_id,
                key=f"{_subject(call)}:expired:{role.value}",
                kind=EXPIRED_NOTICE,
                subject=_subject(call),
                title_zh=f"{'退还保证金' if is_return else '追加担保'}逾期：{call.agreement_code}",
                title_en=f"{'Margin not returned' if is_return else 'Margin call not answered'}: {call.agreement_code}",
                text_zh=f"截至 {call.deadline} 未{'退还' if is_return else '补足'}，请按合同处置或宽限。",
                text_en=f"Not answered by {call.deadline}; act by the contract.",
                address=_page_of(agreement),
                role=role,
            )
            tell(session, notice, at)
    tell_step_of_call(session, actor, call, state=state, at=at)


def tell_step_of_call(session: Session, actor: Actor, call: MarginCall, *, state: str, at: datetime) -> None:
    """Tell systems that a call moved."""
    payload = _payload(call, state=state, at=at)
    publish(session, actor, subject=_subject(call), kind=_event(state), payload=payload)


def _event(state: str) -> str:
    return f"event.margin_call.{state.lower()}"


def _page_of(agreement: str) -> str:
    kind, _, agreement_id = agreement.partition(":")
    return _PAGES[kind] + agreement_id


def _payload(call: MarginCall, *, state: str, at: datetime) -> dict[str, Any]:
    return {
        "call_id": call.id,
        "agreement_code": call.agreement_code,
        "state": state,
        "direction": call.direction,
        "issued_on": call.issued_on.isoformat(),
        "deadline": None if call.deadline is None else call.deadline.isoformat(),
        "currency": call.currency,
        "cash_amount": str(call.cash_amount),
        "received_amount": str(call.received_amount),
        "top_ups": [{"unit": str(one.unit), "quantity_t": one.quantity_t} for one in call.top_ups],
        "decision_id": call.decision_id,
        "happened_at": at.isoformat(),
    }


def _subject(call: MarginCall) -> str:
    return f"margin_call:{call.id}"
