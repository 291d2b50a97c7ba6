"""Altair, loaded with the first chart: what draws none is up sooner, be it a server, a worker or a command."""

from importlib import import_module
from typing import TYPE_CHECKING, Any


class _Later:
    """A module by its name, imported when something of it is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)


if TYPE_CHECKING:
    import altair as alt
else:
    alt = _Later("altair")

__all__ = ["alt"]
