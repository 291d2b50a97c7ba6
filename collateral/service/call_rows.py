"""The calls of a day's run written down together, each with its first steps, by a fixed number of statements."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.storage.rows import new_ids
from collateral.calc.agreements import MarginCall
from collateral.service.view import DeskView
from collateral.store import daily
from collateral.store.valuations import top_ups_to_json

CallSteps = tuple[tuple[str, str, str], ...]
"""The steps of a call from calculation on: event, state before, state after."""


def write_calls(session: Session, actor: Actor, view: DeskView, begun: Sequence[tuple[MarginCall, CallSteps]]) -> None:
    """Write the calls of the view's date with their first steps; what all of them say is bound once.

    Args:
        session: The open transaction of the run.
        actor: Who runs the day.
        view: The business date, and when it is known.
        begun: Each call with its steps.
    """
    steps = [(call, place, step) for call, taken in begun for place, step in enumerate(taken)]
    daily.add_calls(
        session,
        [_call_row(call) for call, _ in begun],
        [
            {
                "id": event_id,
                "call_id": call.id,
                "place": place,
                "event": event,
                "state_before": before,
                "state_after": after,
                "amount": call.cash_amount,
            }
            for event_id, (call, place, (event, before, after)) in zip(new_ids(len(steps)), steps, strict=True)
        ],
        of_all={
            "organization_id": actor.organization_id, "issued_on": view.day, "issued_at": view.standing.known_at,
            "received_amount": Decimal("0.00"),
        },
        of_events={**said_by_run(actor, view), "cause": "日终盯市"},
    )  # fmt: skip


def said_by_run(actor: Actor, view: DeskView) -> dict[str, Any]:
    """Give what every step of a day's run says."""
    return {
        "organization_id": actor.organization_id,
        "business_date": view.day,
        "happened_at": view.standing.known_at,
        "actor_id": actor.id,
        "actor_name": actor.name,
    }


def _call_row(call: MarginCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "agreement_code": call.agreement_code,
        "state": call.state,
        "deadline": call.deadline,
        "currency": call.currency,
        "cash_amount": call.cash_amount,
        "top_ups": top_ups_to_json(call.top_ups),
        "decision_id": call.decision_id,
        "part": call.part,
        "direction": call.direction,
        "deadline_at": call.deadline_at,
        "terms_id": call.terms_id,
    }
