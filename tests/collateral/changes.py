"""Changes of the sample pledges as tests ask for them, and the registry they are answered by."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.allowances import Unit
from carbonfin.storage.engine import Sessions
from collateral import jobs, service
from collateral.registries.port import Registry
from collateral.registries.simulated import PlannedFault
from collateral.registries.simulator import SimulatorServer
from collateral.service import ChangeDraft, ChangeKind, PledgeChange, UnitQuantity
from collateral.service.changes import draft_of_change
from tests.collateral.desk import CLOCK, Desk, take_over_all
from tests.collateral.registries import adapter, simulated
from tests.collateral.world import TODAY


def units(given: dict[str, int]) -> tuple[UnitQuantity, ...]:
    return tuple(UnitQuantity(unit=Unit.parse(unit), quantity_t=tonnes) for unit, tonnes in given.items())


def change(
    kind: ChangeKind,
    *,
    added: dict[str, int] | None = None,
    freed: dict[str, int] | None = None,
    repayment: str = "0.00",
) -> ChangeDraft:
    return ChangeDraft(
        kind=kind,
        added=units(added or {}),
        freed=units(freed or {}),
        repayment_cny=Decimal(repayment),
        reason="客户申请",
    )


def top_up(given: dict[str, int]) -> ChangeDraft:
    return change(ChangeKind.TOP_UP, added=given)


def called_desk(session: Session, desk: Desk) -> dict[str, str]:
    """The sample pledges after the first end of day: P3 is called."""
    found = take_over_all(session, desk)
    jobs.revalue(session, desk.maker, TODAY)
    jobs.issue_calls(session, desk.maker, TODAY)
    return found


def ask(sessions: Sessions, desk: Desk, pledge_id: str, draft: ChangeDraft) -> PledgeChange:
    with sessions.begin() as session:
        return service.propose_change(session, desk.maker, pledge_id, draft, standing=desk.standing)


def approve(sessions: Sessions, desk: Desk, asked: PledgeChange) -> PledgeChange:
    with sessions.begin() as session:
        return approve_within(session, desk, asked)


def approve_within(session: Session, desk: Desk, asked: PledgeChange) -> PledgeChange:
    waiting = service.waiting_change_approval(session, desk.checker, asked.id)
    assert waiting is not None
    return service.approve_change(
        session, desk.checker, asked.id, standing=desk.standing, reason="同意",
        accepted_unconfirmed=unconfirmed(session, desk, asked),
    )  # fmt: skip


def unconfirmed(session: Session, desk: Desk, asked: PledgeChange) -> tuple[str, ...]:
    draft = draft_of_change(asked)
    return service.preview_change(session, desk.maker, asked.pledge_id, draft, standing=desk.standing).unconfirmed


def state(sessions: Sessions, desk: Desk, asked: PledgeChange) -> tuple[str, str]:
    """States of the change and of its pledge; the ledger balances."""
    with sessions.read() as session:
        assert service.ledger_faults(session, desk.maker) == ()
        found = service.load_change(session, desk.maker, asked.id)
        return found.state, service.load_pledge(session, desk.maker, found.pledge_id).state


def pledged(sessions: Sessions, desk: Desk, pledge_id: str) -> dict[str, int]:
    with sessions.read() as session:
        pledge = service.load_pledge(session, desk.maker, pledge_id)
        return {str(one.unit): one.quantity_t for one in pledge.units}


def position(sessions: Sessions, desk: Desk, party: str, unit: str) -> tuple[int, int, int]:
    """Free, pending and locked tonnes."""
    with sessions.read() as session:
        (found,) = (
            one for one in service.holdings_of(session, desk.maker, desk.parties[party]) if str(one.unit) == unit
        )
        return found.free_t, found.pending_t, found.locked_t


@contextmanager
def answering(*faults: PlannedFault) -> Iterator[tuple[SimulatorServer, Registry]]:
    with simulated(*faults) as server, adapter(server) as registry:
        yield server, registry


def send(sessions: Sessions, desk: Desk, registry: Registry) -> None:
    jobs.dispatch_registry_messages(sessions, desk.maker, registry, clock=CLOCK)


def query(sessions: Sessions, desk: Desk, registry: Registry) -> None:
    jobs.query_open_requests(sessions, desk.maker, registry, clock=CLOCK)
