"""Credit lines, contracts and drawdowns on the command line."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from carbonfin.storage.approvals import Approval
from carbonfin.storage.parties import party_by_code, standing_of
from carbonfin.web.proposals import ProposedOut
from carbonfin.web.terminal import Terminal, terminal_of
from loans import service
from loans.commands.json_files import read_json
from loans.schemas.facilities import (
    CreditLineDetailOut,
    CreditLineIn,
    CreditLineOut,
    DrawdownIn,
    LoanContractIn,
    ProposedLendingOut,
)
from loans.schemas.loan_notes import LoanNoteDetailOut, RepaymentIn

_File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="文件（JSON，与接口同形） / JSON")]


def credit_lines(context: typer.Context) -> None:
    """列出生效的授信额度，已用与未用分列 / credit lines in force, used and undrawn apart."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        found = service.credit_lines(
            session, terminal.actor, valid_on=standing.business_date, known_at=standing.known_at
        )
    rows = [
        {"number": one.number, "currency": one.currency, "available_to": one.available_to}
        | msgspec.to_builtins(one.use)
        for one in (CreditLineOut.of(line) for line in found)
    ]
    terminal.answer(rows, columns=("number", "currency", "limit", "used", "undrawn", "available", "waiting"))


def credit_line(
    context: typer.Context, number: Annotated[str, typer.Argument(help="授信批复编号 / number of the line")]
) -> None:
    """列出一项授信的合同与借据 / one line with its contracts and notes."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        found = service.load_credit_line(
            session, terminal.actor, number, valid_on=standing.business_date, known_at=standing.known_at
        )
        revisions = service.line_revisions(session, terminal.actor, number, known_at=standing.known_at)
    terminal.answer(msgspec.to_builtins(CreditLineDetailOut.of(found, revisions)))


def loan_note(context: typer.Context, code: Annotated[str, typer.Argument(help="借据号 / code of the note")]) -> None:
    """列出一张借据的还款计划、逾期与付息 / one note with its schedule, what is overdue and the interest paid."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        found = service.note_view(session, terminal.actor, code, standing=standing)
    terminal.answer(msgspec.to_builtins(LoanNoteDetailOut.of(found)))


def propose_credit_line(context: typer.Context, file: _File) -> None:
    """提交授信额度，待另一人复核 / propose a credit line for another person to approve."""
    terminal = terminal_of(context)
    given = read_json(file, CreditLineIn)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        party = party_by_code(session, terminal.actor, given.usci)
        proposed = service.propose_credit_line(
            session, terminal.actor, given.line(party_id=party.id), standing=standing, reason=given.reason
        )
    _answer(terminal, proposed)


def propose_contract(context: typer.Context, file: _File) -> None:
    """提交借款合同，待另一人复核 / propose a loan contract for another person to approve."""
    terminal = terminal_of(context)
    given = read_json(file, LoanContractIn)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        proposed = service.propose_loan_contract(
            session, terminal.actor, given.contract(), standing=standing, reason=given.reason
        )
    _answer(terminal, proposed)


def propose_drawdown(
    context: typer.Context, number: Annotated[str, typer.Argument(help="合同编号 / contract")], file: _File
) -> None:
    """提交提款，待另一人复核 / propose a drawdown for another person to approve."""
    terminal = terminal_of(context)
    given = read_json(file, DrawdownIn)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        proposed = service.propose_drawdown(
            session, terminal.actor, given.draft(number), standing=standing, reason=given.reason
        )
    _answer(terminal, proposed)


def propose_repayment(
    context: typer.Context, code: Annotated[str, typer.Argument(help="借据号 / code of the note")], file: _File
) -> None:
    """提交还款，待另一人复核 / propose a receipt for another person to approve."""
    terminal = terminal_of(context)
    given = read_json(file, RepaymentIn)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        proposed = service.propose_repayment(
            session, terminal.actor, given.draft(code), standing=standing, reason=given.reason
        )
    terminal.answer(msgspec.to_builtins(ProposedOut.of(proposed)))


def _answer(terminal: Terminal, proposed: Approval) -> None:
    terminal.answer(msgspec.to_builtins(ProposedLendingOut.of(proposed)))
