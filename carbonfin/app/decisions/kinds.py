"""Every kind of decision that this release can make again, with its name for readers."""

from typing import Any

import collateral.service
import loans.service
import pricing.service
import reporting.service
from carbonfin.rules.record import DecisionKind
from carbonfin.web.language import Text

KIND_TITLES: dict[str, Text] = {
    "pricing": Text("估值", "Pricing"),
    "collateral": Text("押品", "Collateral"),
    "loans": Text("贷款", "Loans"),
    "reporting": Text("贴息", "Reporting"),
}


def decision_kinds() -> tuple[DecisionKind[Any, Any], ...]:
    """Give the decision kinds of all packages."""
    return (
        *pricing.service.DECISION_KINDS,
        *collateral.service.DECISION_KINDS,
        *loans.service.DECISION_KINDS,
        *reporting.service.DECISION_KINDS,
    )


def title_of(kind: str) -> Text:
    """Name a kind of decision: its own title if it has one, else its package's and its code."""
    known = KIND_TITLES.get(kind)
    if known is not None:
        return known
    package = KIND_TITLES.get(kind.split(".", 1)[0])
    return Text(f"{package.zh} · {kind}", f"{package.en} · {kind}") if package is not None else Text(kind, kind)
