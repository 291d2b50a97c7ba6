"""A maker's saved drafts on the command line: `carbonfin rules drafts | submit | withdraw`."""

from typing import Annotated

import typer

ApprovalId = Annotated[str, typer.Argument(help="审批编号 / the approval's id")]
_COLUMNS = ("approval", "subject", "state", "maker", "validated")


def drafts_command(context: typer.Context) -> None:
    """列出已存的规则草稿及最近一次校验结果 / list the saved drafts of rules with what their validation found."""
    from carbonfin.app.rulebook.saved_drafts import RULE_APPROVALS
    from carbonfin.storage.approvals import ApprovalState, approvals_of, events_of
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        rows = [
            {"approval": one.id, "subject": one.subject, "state": one.state.value, "maker": one.maker_name,
             "validated": [step.reason for step in events_of(session, terminal.actor, one.id)][-1]}
            for one in approvals_of(session, terminal.actor, states=(ApprovalState.DRAFT,), kinds=RULE_APPROVALS)
        ]  # fmt: skip
    terminal.answer(rows, columns=_COLUMNS)


def submit_command(context: typer.Context, approval: ApprovalId) -> None:
    """将本人的草稿提交复核，提交时重新校验 / put one's own draft before the checkers; it is validated again."""
    from carbonfin.app.rulebook.saved_drafts import submit_draft
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    with terminal.sessions.begin() as session:
        found = submit_draft(session, terminal.actor, approval, at=terminal.clock.now())
    terminal.answer({"approval": found.id, "subject": found.subject, "state": found.state.value})


def withdraw_command(
    context: typer.Context, approval: ApprovalId, reason: Annotated[str, typer.Option(help="撤回理由 / why")]
) -> None:
    """撤回本人的草稿或尚未生效的发起 / withdraw one's own draft, or a proposal not yet in force."""
    from carbonfin.app.approvals.kinds import APPROVAL_KINDS
    from carbonfin.storage.approvals import withdraw
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    with terminal.sessions.begin() as session:
        found = withdraw(
            session, terminal.actor, approval, kinds=APPROVAL_KINDS, reason=reason, at=terminal.clock.now()
        )
    terminal.answer({"approval": found.id, "subject": found.subject, "state": found.state.value})
