"""The register of claimed cuts on the command line."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from carbonfin.storage.approvals import Approval
from carbonfin.storage.parties import standing_of
from carbonfin.web.proposals import ProposedOut
from carbonfin.web.terminal import Terminal, terminal_of
from carbonfin.web.wire import day_of
from loans import service
from loans.calc.cut_claims import FIRST_YEAR, LAST_YEAR
from loans.commands.json_files import read_json
from loans.schemas.cut_claims import CutClaimIn, CutClaimListOut, CutReleaseIn

_File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="文件（JSON，与接口同形） / JSON")]


def cut_claims(
    context: typer.Context,
    usci: Annotated[str, typer.Option(help="统一社会信用代码，默认全部 / of this enterprise")] = "",
    year: Annotated[
        int | None, typer.Option(min=FIRST_YEAR, max=LAST_YEAR, help="年度，默认全部 / of this year")
    ] = None,
    known_on: Annotated[str, typer.Option("--known-on", help="截至该日所知 / as known by the end of a day")] = "",
) -> None:
    """列出降碳量登记：谁主张哪项措施的减排量，已释放的一并列出 / who claims which cuts, released ones as well."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        known_at = standing.known_by(day_of(known_on, field="known_on")) if known_on else standing.known_at
        found = CutClaimListOut.of(
            service.cut_claims_of(session, terminal.actor, usci=usci or None, year=year, known_at=known_at)
        )
    terminal.say(found.remark)
    rows = [
        msgspec.to_builtins(one) | {"released_on": "" if one.released is None else one.released.released_on}
        for one in found.claims
    ]
    terminal.answer(
        rows,
        columns=(
            "decision_id", "usci", "year", "measure", "claimant_kind", "claimant", "claimed_t", "left_now_t",
            "released_on",
        ),
    )  # fmt: skip


def propose_cut_claim(context: typer.Context, file: _File) -> None:
    """提交降碳量主张，待另一人复核；同一减排量只主张一次 / propose a claim for another person to approve."""
    terminal = terminal_of(context)
    given = read_json(file, CutClaimIn)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        proposed = service.propose_cut_claim(
            session, terminal.actor, given.claim(), standing=standing, reason=given.reason
        )
    _answer(terminal, proposed)


def propose_cut_release(
    context: typer.Context,
    claim_id: Annotated[str, typer.Argument(help="主张的决定编号 / decision of the claim")],
    file: _File,
) -> None:
    """提交主张释放，待另一人复核；其吨数自此可再次主张 / propose to release a claim."""
    terminal = terminal_of(context)
    given = read_json(file, CutReleaseIn)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        proposed = service.propose_cut_release(session, terminal.actor, given.release(claim_id), standing=standing)
    _answer(terminal, proposed)


def _answer(terminal: Terminal, proposed: Approval) -> None:
    terminal.answer(msgspec.to_builtins(ProposedOut.of(proposed)))
