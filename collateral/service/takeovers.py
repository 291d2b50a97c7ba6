"""Pledges that ran before they were entered here (存量迁入): terms, dates and evidence, checked step by step."""

from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.parties import Standing
from collateral.calc.agreements import Pledge, PledgeDraft
from collateral.service import approvals, ledger, pledges
from collateral.store import pledges as store

_TO_DRAWN = (
    "appraise", "diligence", "approve", "sign", "register", "request_freeze", "registry_confirms", "drawdown",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PledgeTakeover:
    """A running or finished pledge as its files tell it.

    Attributes:
        freeze_reference: The registry's own reference of the freeze.
        settled_on: Day the loan was repaid, if it was.
        released_on: Day the registry released the units, if it did.
        evidence: The file that shows all this.
    """

    draft: PledgeDraft
    drawn_on: date
    registration_number: str
    freeze_reference: str
    settled_on: date | None
    released_on: date | None
    evidence: str

    def __post_init__(self) -> None:
        """Refuse dates out of order and missing evidence."""
        days = [self.drawn_on, self.settled_on, self.released_on]
        known = [day for day in days if day is not None]
        if known != sorted(known) or (self.released_on is not None and self.settled_on is None):
            raise InvalidInput(
                f"pledge {self.draft.code}: dates are out of order", zh="日期先后有误", field="settled_on"
            )
        if not (self.evidence.strip() and self.freeze_reference.strip() and self.registration_number.strip()):
            raise InvalidInput(f"pledge {self.draft.code} lacks evidence", zh="请填写登记与冻结凭证", field="evidence")

    @property
    def steps(self) -> tuple[tuple[str, date], ...]:
        """Each event with its day; days before drawdown are not known apart and stand on the day of drawdown."""
        steps = [(event, self.drawn_on) for event in _TO_DRAWN]
        if self.settled_on is not None:
            steps.append(("repay_all", self.settled_on))
        if self.released_on is not None:
            steps += [
                ("request_unfreeze", self.settled_on or self.released_on),
                ("registry_confirms", self.released_on),
            ]
        return tuple(steps)


def take_over_pledge(
    session: Session, actor: Actor, takeover: PledgeTakeover, *, checker: Actor, standing: Standing
) -> Pledge:
    """Enter a pledge that ran before; the same again gives the pledge that is there.

    Each step goes through the state machine; units that are still frozen are reserved and locked in the ledger by the
    same guarded moves as any other. It is entered by one person and approved by another.

    Raises:
        NotPermitted: Checker and maker are one person.
        Conflict: The code is taken, or too little is free.
    """
    found = pledges.pledge_by_code(session, actor, takeover.draft.code)
    pledge = pledges.apply_for_pledge(session, actor, takeover.draft, standing=standing)
    if found is not None:
        return pledge
    approvals.approved_history(
        session,
        actor,
        pledge,
        checker=checker,
        evidence=f"存量迁入：{takeover.evidence}",
        standing=standing,
        enter=lambda: _enter(session, actor, pledge.id, takeover, checker=checker, standing=standing),
    )
    return store.load_pledge(session, actor, pledge.id)


def _enter(
    session: Session, actor: Actor, pledge_id: str, takeover: PledgeTakeover, *, checker: Actor, standing: Standing
) -> None:
    """Walk the pledge through its history, and hold what is still frozen."""
    pledge = store.load_pledge(session, actor, pledge_id, lock=True)
    approvals.refuse_maker(pledge, checker)
    for event, day in takeover.steps:
        by = checker if event == "approve" else actor
        pledge = pledges.take_step(
            session,
            by,
            pledge,
            event,
            standing=standing,
            cause=f"存量迁入：{takeover.evidence}",
            business_date=day,
        )
    store.change_pledge(
        session,
        pledge,
        registration_number=takeover.registration_number,
        drawn_on=takeover.drawn_on,
        released_on=takeover.released_on,
    )
    if takeover.released_on is None:
        _lock(session, actor, pledge, takeover, standing=standing)


def _lock(session: Session, actor: Actor, pledge: Pledge, takeover: PledgeTakeover, *, standing: Standing) -> None:
    ledger.reserve(
        session,
        actor,
        agreement_code=pledge.code,
        pledge_id=pledge.id,
        party_id=pledge.pledgor_id,
        units=pledge.units,
        standing=standing,
        cause=f"存量迁入：{takeover.evidence}",
    )
    ledger.confirm(
        session, actor, pledge_id=pledge.id, standing=standing, cause=f"登记机构冻结凭证 {takeover.freeze_reference}"
    )
