"""Every kind of decision that this release can make again, with its name for readers."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from carbonfin.rules.record import DecisionKind
from carbonfin.web.language import Text

_SERVICES = ("pricing.service", "collateral.service", "loans.service", "reporting.service")

KIND_TITLES: dict[str, Text] = {
    "pricing": Text("估值", "Pricing"),
    "collateral": Text("押品", "Collateral"),
    "loans": Text("贷款", "Loans"),
    "reporting": Text("贴息", "Reporting"),
}


def decision_kinds() -> tuple[DecisionKind[Any, Any], ...]:
    """Give the decision kinds of all packages."""
    kinds: list[DecisionKind[Any, Any]] = []
    for name in _SERVICES:
        if find_spec(name) is not None:
            kinds += import_module(name).DECISION_KINDS
    return tuple(kinds)


def title_of(kind: str) -> Text:
    """Name a kind of decision: its own title if it has one, else its package's and its code."""
    known = KIND_TITLES.get(kind)
    if known is not None:
        return known
    package = KIND_TITLES.get(kind.split(".", 1)[0])
    return Text(f"{package.zh} · {kind}", f"{package.en} · {kind}") if package is not None else Text(kind, kind)
