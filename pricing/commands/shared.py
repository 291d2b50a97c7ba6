"""What the pricing commands share: files, portfolios by code, answers as plain values, faults told."""

from collections.abc import Sequence

import msgspec

from carbonfin.kernel.errors import NotFound
from carbonfin.web.terminal import Terminal
from pricing import service
from pricing.schemas import FailureOut


def portfolio_of(terminal: Terminal, found: Sequence[service.Portfolio], code: str) -> service.Portfolio:
    """Give the portfolio of a code.

    Raises:
        NotFound: There is none; those there are, are named.
    """
    for item in found:
        if item.code == code:
            return item
    known = ", ".join(item.code for item in found) or "none"
    raise NotFound(
        f"{terminal.actor.name}'s organisation has no portfolio {code!r}; there are: {known}",
        zh=f"没有组合“{code}”，现有：{known}",
        field="code",
    )


def plain(struct: msgspec.Struct) -> dict[str, object]:
    """Give a struct of the API as plain values."""
    values: dict[str, object] = msgspec.to_builtins(struct)
    return values


def tell_faults(terminal: Terminal, failures: Sequence[FailureOut]) -> None:
    """Say each fault with its place and remedy."""
    for failure in failures:
        terminal.say(f"{failure.detail_zh} [{failure.field}] {failure.remedy_zh}")
