"""The commands of repos: contracts proposed, and what happens to a repo weighed, asked for and listed."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from sqlmodel import Session

from carbonfin.kernel.errors import NotFound
from carbonfin.storage.learned_types import decoded
from carbonfin.storage.parties import party_by_code, standing_of
from carbonfin.web.proposals import ProposedOut
from carbonfin.web.terminal import Terminal, content_of, terminal_of
from collateral import service
from collateral.schemas import PortfolioReportOut, RepoEventIn, RepoEventOut, RepoEventPreviewOut, RepoIn
from collateral.service import Repo
from collateral.service import repo_events as life

_Code = Annotated[str, typer.Argument(help="回购编号 / repo")]
_EVENT = "事项 JSON 文件，同接口 POST /v1/repos/{id}/events / JSON file as the API takes it"


def propose_repo(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="合同 JSON 文件，同接口 POST /v1/repos / JSON file as the API takes it")],
) -> None:
    """提出一笔回购合同，另一人复核后开立 / propose a repo; it opens when another person approves."""
    terminal = terminal_of(context)
    given = decoded(file.read_bytes(), RepoIn)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        contract = given.contract(
            seller_id=party_by_code(session, terminal.actor, given.seller).id,
            buyer_id=party_by_code(session, terminal.actor, given.buyer).id,
        )
        waiting = service.propose_repo(session, terminal.actor, contract, standing=standing, reason=given.reason)
    terminal.answer(msgspec.to_builtins(ProposedOut.of(waiting)))


def repo_event(
    *,
    context: typer.Context,
    code: _Code,
    file: Annotated[Path, typer.Argument(help=_EVENT)],
    yes: Annotated[
        bool, typer.Option("--yes", help="提交；缺省只试算 / ask for it; without it nothing is kept")
    ] = False,
) -> None:
    """回购存续期事项：重定价、置换、展期、终止、违约等，由另一人复核 / an event of a repo; another person approves."""
    terminal = terminal_of(context)
    draft = decoded(file.read_bytes(), RepoEventIn).draft()
    if not yes:
        with terminal.sessions.read() as session:
            standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
            repo = _repo(session, terminal, code)
            outcome = life.preview_repo_event(session, terminal.actor, repo.id, draft, standing=standing)
        terminal.answer(msgspec.to_builtins(RepoEventPreviewOut.of(outcome)))
        for refusal in outcome.refusals:
            terminal.say(f"不予受理：{refusal.zh}")
        return
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        repo = _repo(session, terminal, code)
        waiting = life.propose_repo_event(session, terminal.actor, repo.id, draft, standing=standing)
    terminal.answer(msgspec.to_builtins(ProposedOut.of(waiting)))


def repo_events(context: typer.Context, code: _Code) -> None:
    """列出一笔回购的存续期事项 / what happened to a repo."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        found = life.repo_events_of(session, terminal.actor, _repo(session, terminal, code).id)
    rows: list[dict[str, Any]] = [msgspec.to_builtins(RepoEventOut.of(one)) for one in found]
    terminal.answer(rows, columns=("place", "kind", "kind_zh", "business_date", "state_after", "cash_to_buyer_amount"))


def repo_reconcile(
    context: typer.Context,
    counterparty: Annotated[str, typer.Argument(help="交易对手代码 / USCI or LEI of the counterparty")],
    file: Annotated[Path, typer.Argument(help="对方清单 CSV 或 xlsx / its list as CSV or xlsx")],
) -> None:
    """与交易对手核对未了结的回购，逐项列出差异并留存 / compare its repos with ours, keep differences."""
    terminal = terminal_of(context)
    content = content_of(file)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        party = party_by_code(session, terminal.actor, counterparty)
        report = service.reconcile_portfolio(
            session, terminal.actor, party.id, content=content, file_name=file.name, standing=standing
        )
    body = PortfolioReportOut.of(report)
    terminal.answer(msgspec.to_builtins(body))
    if body.faults or body.differences:
        raise typer.Exit(code=1)


def _repo(session: Session, terminal: Terminal, code: str) -> Repo:
    found = service.repo_by_code(session, terminal.actor, code)
    if found is None:
        raise NotFound(f"there is no repo {code}", zh=f"没有回购 {code}", field="code")
    return found
