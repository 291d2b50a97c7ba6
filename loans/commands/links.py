"""Sustainability links on the command line."""

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
from loans.commands.json_files import read_json
from loans.schemas.link_reviews import LinkReviewIn, LinkReviewOut
from loans.schemas.link_views import LinkDocumentOut, LinkedNoteOut, LinkOut, LinkSummaryOut
from loans.schemas.links import LinkDocumentIn, LinkEventIn, LinkObservationIn, SustainabilityLinkIn

_File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="文件（JSON，与接口同形） / JSON")]
_Number = Annotated[str, typer.Argument(help="挂钩条款编号 / number of the link")]


def links(context: typer.Context) -> None:
    """列出挂钩条款与待观察事项 / sustainability links with what is observed next."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        found = service.links_of(session, terminal.actor, known_at=standing.known_at)
    rows = []
    for one in (LinkSummaryOut.of(view, on=standing.business_date) for view in found):
        upcoming = one.upcoming
        due = {} if upcoming is None else {"observation": upcoming.observation_number, "due": upcoming.report_due_date}
        rows.append(msgspec.to_builtins(one) | {"observation": "", "due": ""} | due)
    terminal.answer(rows, columns=("number", "contract_number", "state", "form", "level_bp", "observation", "due"))


def link(context: typer.Context, number: _Number) -> None:
    """列出一项挂钩条款的事项、材料、观察与利率调整 / one link with all that belongs to it."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        view = service.load_link(session, terminal.actor, number, known_at=standing.known_at)
        notes = [
            LinkedNoteOut.of(one, service.rate_changes_of(session, terminal.actor, one), on=standing.business_date)
            for one in service.notes_under(session, terminal.actor, view.terms.contract_number)
        ]
        review = service.latest_review(session, terminal.actor, number, known_at=standing.known_at)
    terminal.answer(msgspec.to_builtins(LinkOut.of(view, notes, review, on=standing.business_date)))


def propose_link(context: typer.Context, file: _File) -> None:
    """提交挂钩条款、修订或再基准，待另一人复核 / propose a link, an amendment or a re-baseline."""
    terminal = terminal_of(context)
    given = read_json(file, SustainabilityLinkIn)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        proposed = service.propose_link(session, terminal.actor, given.change(), standing=standing, reason=given.reason)
    _answer(terminal, proposed)


def propose_link_event(context: typer.Context, number: _Number, file: _File) -> None:
    """提交中止、恢复或取消挂钩，待另一人复核 / propose to suspend, resume or declassify a link."""
    terminal = terminal_of(context)
    given = read_json(file, LinkEventIn)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        proposed = service.propose_turn(
            session, terminal.actor, number, given.event, valid_from=day_of(given.valid_from, field="valid_from"),
            standing=standing, reason=given.reason,
        )  # fmt: skip
    _answer(terminal, proposed)


def link_document(context: typer.Context, number: _Number, file: _File) -> None:
    """录入核查报告或合规证明 / hand in a verification report or a compliance certificate."""
    terminal = terminal_of(context)
    given = read_json(file, LinkDocumentIn)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        handed = service.hand_in(
            session, terminal.actor, number, given.observation_number, given.content, standing=standing,
            at=terminal.clock.now(),
        )  # fmt: skip
    terminal.answer(msgspec.to_builtins(LinkDocumentOut.of(handed)))


def propose_link_observation(context: typer.Context, number: _Number, file: _File) -> None:
    """提交观察认定，待另一人复核 / propose an observation as it comes out of what is at hand."""
    terminal = terminal_of(context)
    given = read_json(file, LinkObservationIn)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        proposed = service.propose_observation(
            session, terminal.actor, number, given.observation_number, standing=standing, reason=given.reason
        )
    _answer(terminal, proposed)


def review_link(context: typer.Context, number: _Number, file: _File) -> None:
    """审查挂钩条款是否名副其实，并留存 / put a link to the checks of greenwashing, kept as a decision."""
    terminal = terminal_of(context)
    given = read_json(file, LinkReviewIn)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        kept = service.review_sustainability_link(session, terminal.actor, number, given.facts(), standing=standing)
    terminal.answer(msgspec.to_builtins(LinkReviewOut.of(kept)))


def _answer(terminal: Terminal, proposed: Approval) -> None:
    terminal.answer(msgspec.to_builtins(ProposedOut.of(proposed)))
