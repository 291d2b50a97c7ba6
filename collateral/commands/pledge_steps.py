"""The command that takes a step of a pledge; contract, drawdown and release wait for another person."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from carbonfin.storage.parties import standing_of
from carbonfin.web.terminal import terminal_of
from collateral import service
from collateral.calc.serials import numbers_by_unit
from collateral.commands.arguments import pledge_of_code, stored_evidence
from collateral.schemas import PledgeStepOut
from collateral.service import PledgeStep


def pledge_step(
    *,
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="质押编号 / pledge")],
    step: Annotated[str, typer.Argument(help=" | ".join(service.PLEDGE_STEPS))],
    words: Annotated[str, typer.Option(help="编号、结论或理由 / number, finding or reason")] = "",
    serials: Annotated[str, typer.Option(help="冻结的序号段，如 CCER CCER/P1:1-500 / numbers to freeze")] = "",
    evidence: Annotated[Path | None, typer.Option(help="证明附件 / evidence file", exists=True, dir_okay=False)] = None,
) -> None:
    """办理质押的一步；合同、放款、解押由另一人复核 / take a step; contract, drawdown and release await a checker."""
    terminal = terminal_of(context)
    numbers = numbers_by_unit(serials)
    with terminal.sessions.begin() as session:
        digest = None if evidence is None else stored_evidence(session, terminal, evidence)
        taken = service.take_pledge_step(
            session, terminal.actor, pledge_of_code(session, terminal, code).id,
            PledgeStep(name=step, words=words, serials=numbers, evidence_digest=digest),
            standing=standing_of(session, terminal.actor.organization_id, terminal.clock),
        )  # fmt: skip
    terminal.answer(msgspec.to_builtins(PledgeStepOut.of(taken)))
