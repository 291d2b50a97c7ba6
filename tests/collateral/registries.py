"""A simulated registry over HTTP and its adapter, sharing a secret and a clock that tests move."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from carbonfin.kernel.dates import Clock
from collateral.registries.access import RegistryAccess
from collateral.registries.http import HttpRegistry, http_registry
from collateral.registries.simulated import Fault, PlannedFault
from collateral.registries.simulator import SimulatorServer, running_simulator
from tests.collateral.desk import CLOCK

SECRET = b"the secret shared with the registry in tests"


class MovingClock(Clock):
    """A clock that a test moves."""

    def __init__(self, instant: datetime = CLOCK.instant) -> None:
        self.instant = instant

    def now(self) -> datetime:
        return self.instant

    def move(self, **by: float) -> None:
        self.instant += timedelta(**by)


def access_to(server: SimulatorServer, **changes: object) -> RegistryAccess:
    """An adapter's terms without long waits."""
    terms = RegistryAccess(address=server.address, secret=SECRET, timeout_seconds=5.0, first_wait_seconds=0.001)
    return replace(terms, **changes)  # type: ignore[arg-type]  # the tests name real fields


@contextmanager
def simulated(*faults: PlannedFault, clock: Clock = CLOCK) -> Iterator[SimulatorServer]:
    with running_simulator(secret=SECRET, clock=clock, faults=faults) as server:
        yield server


@contextmanager
def adapter(server: SimulatorServer, *, clock: Clock = CLOCK, **changes: object) -> Iterator[HttpRegistry]:
    with http_registry(access_to(server, **changes), clock=clock) as registry:
        yield registry


def fault(
    kind: Fault, operation: str = "freeze", *, code: str = "P4", times: int = 1, delay_seconds: float = 0.0
) -> PlannedFault:
    return PlannedFault(agreement_code=code, operation=operation, fault=kind, times=times, delay_seconds=delay_seconds)
