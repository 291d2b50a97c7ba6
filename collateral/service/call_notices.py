"""Whom a margin call is told: officers and risk in their inbox, the bank's systems by an event."""

from datetime import datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.storage.messages import InboxNotice, publish, settle, tell
from collateral.calc.agreements import MarginCall

CALL_NOTICE = "margin_call.issued"
EXPIRED_NOTICE = "margin_call.expired"
_TOLD = (Role.OFFICER, Role.RISK)
_CURRENCIES_ZH = {"CNY": "元", "HKD": "港元"}
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
    until_zh = "" if call.deadline is None else f"，限 {call.deadline} 前办理"
    until_en = "" if call.deadline is None else f" by {call.deadline}"
    unit_zh = _CURRENCIES_ZH.get(call.currency, call.currency)
    units_zh = "".join(f"，或 {one.unit} {one.quantity_t:,} 吨" for one in call.top_ups)
    units_en = "".join(f", or {one.quantity_t:,} t of {one.unit}" for one in call.top_ups)
    for role in _TOLD:
        notice = InboxNotice(
            organization_id=actor.organization_id,
            key=f"{_subject(call)}:issued:{role.value}",
            kind=CALL_NOTICE,
            subject=_subject(call),
            title_zh=f"追加担保通知：{call.agreement_code}",
            title_en=f"Margin call: {call.agreement_code}",
            text_zh=f"须追加现金 {call.cash_amount:,.2f} {unit_zh}{units_zh}{until_zh}。",
            text_en=f"To be added: {call.currency} {call.cash_amount:,.2f} in cash{units_en}{until_en}.",
            address=_page_of(agreement),
            role=role,
            due_on=call.deadline,
        )
        tell(session, notice, at)
    _publish(session, actor, call, state=call.state, at=at)


def tell_end_of_call(
    session: Session, actor: Actor, call: MarginCall, *, agreement: str, state: str, at: datetime
) -> None:
    """Tell how a call ended: one that was retracted leaves the lists, one that nobody answered is told again."""
    settle(session, actor.organization_id, kind=CALL_NOTICE, subject=_subject(call), by=actor.name, at=at)
    if state == "EXPIRED":
        for role in _TOLD:
            notice = InboxNotice(
                organization_id=actor.organization_id,
                key=f"{_subject(call)}:expired:{role.value}",
                kind=EXPIRED_NOTICE,
                subject=_subject(call),
                title_zh=f"追加担保逾期：{call.agreement_code}",
                title_en=f"Margin call not answered: {call.agreement_code}",
                text_zh=f"截至 {call.deadline} 未补足，请按合同处置或宽限。",
                text_en=f"Not answered by {call.deadline}; act by the contract.",
                address=_page_of(agreement),
                role=role,
            )
            tell(session, notice, at)
    _publish(session, actor, call, state=state, at=at)


def _page_of(agreement: str) -> str:
    kind, _, agreement_id = agreement.partition(":")
    return _PAGES[kind] + agreement_id


def _publish(session: Session, actor: Actor, call: MarginCall, *, state: str, at: datetime) -> None:
    publish(
        session,
        actor,
        subject=_subject(call),
        kind=f"event.margin_call.{state.lower()}",
        payload={
            "call_id": call.id,
            "agreement_code": call.agreement_code,
            "state": state,
            "issued_on": call.issued_on.isoformat(),
            "deadline": None if call.deadline is None else call.deadline.isoformat(),
            "currency": call.currency,
            "cash_amount": str(call.cash_amount),
            "top_ups": [{"unit": str(one.unit), "quantity_t": one.quantity_t} for one in call.top_ups],
            "decision_id": call.decision_id,
            "happened_at": at.isoformat(),
        },
    )


def _subject(call: MarginCall) -> str:
    return f"margin_call:{call.id}"
