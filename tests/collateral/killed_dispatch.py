"""A bank's dispatcher that is killed at a named moment: `python -m tests.collateral.killed_dispatch …` ends by SIGKILL."""

import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.parties import standing_of
from collateral import jobs, service
from collateral.registries.access import RegistryAccess
from collateral.registries.http import HttpRegistry, http_registry
from collateral.registries.port import RegistryReply, RegistryRequest
from tests.collateral.registries import SECRET, MovingClock

MOMENTS = ("reserve", "claim", "sent", "reply", "confirm")


def die() -> None:
    """End as a machine does whose power goes."""
    os.kill(os.getpid(), signal.SIGKILL)


class Dying:
    """The registry, with a death before the request leaves or after the reply came."""

    def __init__(self, registry: HttpRegistry, moment: str) -> None:
        self._registry, self._moment = registry, moment

    def send(self, request: RegistryRequest) -> RegistryReply:
        if self._moment == "claim":
            die()
        if self._moment == "sent":
            # The request leaves; whoever sent it is gone before the reply comes.
            pid = os.fork()
            if pid:
                os.waitpid(pid, 0)
                die()
            self._registry.send(request)
            os._exit(0)
        reply = self._registry.send(request)
        if self._moment == "reply":
            die()
        return reply

    def __getattr__(self, name: str) -> Any:
        return getattr(self._registry, name)


def main(arguments: list[str]) -> None:
    url, address, organization_id, pledge_id, moment, now = arguments
    actor = Actor(
        id="worker", name="worker", role=Role.SYSTEM, organization_id=organization_id,
        organization_kind=OrganizationKind.BANK, is_sample=True,
    )  # fmt: skip
    clock = MovingClock(datetime.fromisoformat(now))
    sessions = Sessions(open_engine(url)).within(actor)
    with sessions.begin() as session:
        standing = standing_of(session, organization_id, clock)
        service.request_freeze(session, actor, pledge_id, standing=standing)
        if moment == "reserve":
            session.flush()
            die()
    if moment == "confirm":
        take_reply: Callable[..., None] = service.take_reply

        def taken(*given: Any, **named: Any) -> None:
            take_reply(*given, **named)
            die()

        service.take_reply = taken  # type: ignore[assignment]  # the moment between confirming and committing
    access = RegistryAccess(address=address, secret=SECRET)
    with http_registry(access, clock=clock) as registry:
        jobs.dispatch_registry_messages(sessions, actor, Dying(registry, moment), clock=clock)


if __name__ == "__main__":
    main(sys.argv[1:])
