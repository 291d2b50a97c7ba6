"""Holdings on the command line: what a party holds, and what its registry states, with serial numbers."""

from typing import Annotated

import msgspec
import typer

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.parties import party_by_code, standing_of
from carbonfin.web.terminal import Terminal, terminal_of
from collateral import service
from collateral.calc.serials import SerialRange, total_t
from collateral.schemas.holdings import UnitHoldingOut

_COLUMNS = ("unit", "total_t", "pending_t", "locked_t", "free_t", "serials")


def holdings(context: typer.Context, party: Annotated[str, typer.Argument(help="统一社会信用代码 / USCI")]) -> None:
    """列出一家企业的持有量与序号段 / what a party holds, with serial numbers."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        found = party_by_code(session, terminal.actor, party)
        _answer(terminal, service.numbered_holdings_of(session, terminal.actor, found.id))


def state_holding(
    context: typer.Context,
    party: Annotated[str, typer.Argument(help="统一社会信用代码 / USCI")],
    units: Annotated[str, typer.Argument(help="EUA-2024=5000")],
    *,
    source: Annotated[str, typer.Option(help="登记机构对账单 / the registry's statement")],
    serial: Annotated[list[str] | None, typer.Option(help="序号段 / serial range, EU/DE:1001-2000")] = None,
) -> None:
    """按登记机构的对账单登记持有量 / bring a holding to what its registry states."""
    terminal = terminal_of(context)
    unit, separator, quantity = units.partition("=")
    if not separator or not quantity.isdecimal():
        raise InvalidInput(
            f"{units!r} is not unit=tonnes", zh=f"“{units}”应写作 品种=吨数", field="units",
            remedy="Write for example EUA-2024=5000.", remedy_zh="例如 EUA-2024=5000。",
        )  # fmt: skip
    ranges = tuple(SerialRange.parse(text) for text in serial or ())
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        found = party_by_code(session, terminal.actor, party)
        service.record_holding(
            session, terminal.actor, found.id, Unit.parse(unit), quantity_t=int(quantity), standing=standing,
            cause=source, serials=ranges,
        )  # fmt: skip
        _answer(terminal, service.numbered_holdings_of(session, terminal.actor, found.id))


def _answer(terminal: Terminal, found: tuple[service.NumberedHolding, ...]) -> None:
    if terminal.json_output:
        terminal.answer([msgspec.to_builtins(UnitHoldingOut.of(one.position, one.held, one.free)) for one in found])
        return
    rows = [
        {
            "unit": str(one.position.unit), "total_t": one.position.total_t, "pending_t": one.position.pending_t,
            "locked_t": one.position.locked_t, "free_t": one.position.free_t,
            "serials": f"{'; '.join(map(str, one.held))} ({total_t(one.held)} t)" if one.held else "",
        }
        for one in found
    ]  # fmt: skip
    terminal.answer(rows, columns=_COLUMNS)
