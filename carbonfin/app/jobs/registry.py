"""Where the worker finds the registry."""

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from carbonfin.kernel.dates import Clock
from collateral.registries.access import RegistryAccess, registry_secret
from collateral.registries.http import http_registry
from collateral.registries.port import Registry

REGISTRY_URL = "CARBONFIN_REGISTRY_URL"


def registry_opener(
    clock: Clock, environment: Mapping[str, str] = os.environ, *, address: str | None = None
) -> Callable[[], AbstractContextManager[Registry]] | None:
    """Give what opens the registry at an address, or at the environment's; None where neither names one.

    Raises:
        InvalidInput: The secret shared with it is too short.
    """
    found = address or environment.get(REGISTRY_URL)
    if not found:
        return None
    access = RegistryAccess(address=found, secret=registry_secret(environment))
    return lambda: http_registry(access, clock=clock)
