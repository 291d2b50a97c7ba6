"""Default (违约) of a pledge: decided and recorded here alone, by whatever ground a pledge comes to it."""

from dataclasses import dataclass

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.storage.approvals import Agreed
from carbonfin.storage.files.evidence import require_evidence
from carbonfin.storage.parties import Standing
from collateral.calc.agreements import Pledge
from collateral.calc.pledge import PLEDGE
from collateral.service.pledges import take_step
from collateral.service.valuations import required_exposure
from collateral.store import enforcements as store
from collateral.store.enforcements import Enforcement


@dataclass(frozen=True, slots=True, kw_only=True)
class Default:
    """A default as one person proposed it and another approves it.

    Attributes:
        ground: What the debtor or pledgor did not do.
        evidence_digest: The file that shows it.
        decision_id: The decision behind it, such as the one a call rests on; None where there is none.
    """

    ground: str
    evidence_digest: str
    decision_id: str | None = None


def default_event(pledge: Pledge) -> str:
    """Name the step by which a pledge comes to enforcement.

    Raises:
        Conflict: Its state leads there by none.
    """
    event = "declare_default" if pledge.state == "CURE_EXPIRED" else "event_of_default"
    PLEDGE.after(pledge.state, event)
    return event


def declare_default(
    session: Session, checker: Actor, pledge: Pledge, default: Default, *, standing: Standing, agreed: Agreed
) -> Enforcement:
    """Declare the default of a pledge held for update: its calls default with it, and its enforcement is open.

    Raises:
        Conflict: The pledge's state leads to no enforcement, or the grace of its call still runs.
        InvalidInput: The file is not stored.
        MissingData: What is owed on the day is not known.
    """
    event = default_event(pledge)
    require_evidence(
        session, checker, default.evidence_digest, subject=f"pledge:{pledge.id}", at=standing.known_at
    )  # fmt: skip
    owed = required_exposure(session, checker, pledge, standing.business_date)
    take_step(
        session, checker, pledge, event, standing=standing, cause=f"{default.ground}；{agreed.reason}",
        decision_id=default.decision_id,
    )  # fmt: skip
    opened = store.add_enforcement(
        session, checker, pledge_id=pledge.id, ground=default.ground, principal_cny=owed.principal_cny,
        accrued_cny=owed.accrued_cny, opened_on=standing.business_date, maker_name=agreed.maker_name,
    )  # fmt: skip
    store.add_step(
        session, checker, opened, "declared", standing=standing, cause=default.ground,
        evidence_digest=default.evidence_digest, decision_id=default.decision_id,
    )  # fmt: skip
    return opened
