"""The commands `carbonfin decisions …`: verify the chain, replay, and hand out signed heads."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from carbonfin.storage.decisions import ChainReport, Replay, SignedHead

commands = typer.Typer(no_args_is_help=True, help="决定记录 / decisions and their chain")


@commands.command("verify")
def verify(
    context: typer.Context,
    heads: Annotated[Path | None, typer.Option(help="另存的签名链头 / signed heads kept elsewhere, JSON lines")] = None,
) -> None:
    """核对决定链：内容、次序、签名链头 / verify the chain against its records and its signed heads."""
    from carbonfin.app.settings import settings_from
    from carbonfin.storage.decisions import verify_signed_chain
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    kept = () if heads is None else _heads_in(heads)
    trusted = settings_from().signing.trusted()
    with terminal.sessions.read() as session:
        report = verify_signed_chain(session, terminal.actor.organization_id, trusted, kept=kept)
    if not report.intact:
        raise _broken(report)
    terminal.answer(
        {
            "organization_id": report.organization_id,
            "length": report.length,
            "head_digest": report.head_digest,
            "unsealed_count": len(report.unsealed),
            "signed_head_count": report.signed_head_count,
        }
    )


@commands.command("replay")
def replay(
    context: typer.Context,
    decision_id: Annotated[str | None, typer.Argument(help="决定编号 / decision")] = None,
    since: Annotated[str | None, typer.Option(help="适用日自此起的全部 / all valid on or after, YYYY-MM-DD")] = None,
) -> None:
    """用当时的输入重算并逐位比较 / decide again from the recorded inputs and compare every bit."""
    from carbonfin.app.decisions.replays import at_hand, replayed
    from carbonfin.kernel.errors import InvalidInput
    from carbonfin.storage.decisions import Replay, decisions_since, load_decision
    from carbonfin.web.terminal import terminal_of
    from carbonfin.web.wire import day_of

    terminal = terminal_of(context)
    if (decision_id is None) is (since is None):
        raise InvalidInput(
            "name a decision or --since, not both", zh="请填写决定编号或 --since 之一", field="decision_id"
        )
    with terminal.sessions.read() as session:
        if decision_id is not None:
            load_decision(session, terminal.actor, decision_id)
            ids: tuple[str, ...] = (decision_id,)
        else:
            ids = decisions_since(session, terminal.actor, day_of(str(since), field="--since"))
        with terminal.progress("重算", total=len(ids)) as steps:
            replays: list[Replay] = []
            absent: list[str] = []
            for one in ids:
                steps.done(one)
                if decision_id is None and not at_hand(session, terminal.actor, one):
                    absent.append(one)
                else:
                    replays.append(replayed(session, terminal.actor, one))
    different = [one for one in replays if not one.same]
    if different:
        raise _different(different)
    counts = {"replayed_count": len(replays), "different_count": 0}
    terminal.answer(counts if decision_id is not None else counts | {"not_at_hand_count": len(absent)})


@commands.command("register")
def register_command(
    *,
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="sample、overrides、parameter-changes、table-changes、unconfirmed 或 chain")
    ],
    on: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="抽样日期 / day of the sample")] = None,
    count: Annotated[int, typer.Option(help="抽取项数 / decisions drawn")] = 25,
    population: Annotated[int | None, typer.Option(help="从前多少项中抽取，默认全部 / drawn from the first")] = None,
    fact: Annotated[str, typer.Option(help="仅此未确认事实 / only this unconfirmed fact")] = "",
) -> None:
    """列出审计登记：抽样、否决、变更、未确认事实、链核对 / read an auditor's register."""
    from carbonfin.app.audit.lines import Asked
    from carbonfin.app.audit.registers import register_named, whole_register
    from carbonfin.app.settings import settings_from
    from carbonfin.storage.keyset import Place
    from carbonfin.storage.parties import standing_of
    from carbonfin.web.terminal import terminal_of

    kind = register_named(name)
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        asked = Asked(
            place=Place(limit=1), on=standing.business_date if on is None else on.date(), count=count,
            population=population, fact=fact, trusted=settings_from().signing.trusted(), verifies=True,
        )  # fmt: skip
        found = whole_register(kind, session, terminal.actor, asked)
    heads = [head.zh for head in found.heads]
    lines = [dict(zip(heads, (cell.text.zh for cell in line), strict=True)) for line in found.lines]
    terminal.answer(lines, columns=tuple(heads))


@commands.command("heads")
def list_heads(context: typer.Context) -> None:
    """列出签名链头 / list the signed heads."""
    from carbonfin.storage.decisions import all_signed_heads
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        found = all_signed_heads(session, terminal.actor.organization_id)
    terminal.answer(found, columns=("business_date", "length", "digest", "signed_at", "algorithm", "key_id"))


@commands.command("export-heads")
def export_heads(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="写到何处 / file to write, JSON lines")],
) -> None:
    """导出签名链头，供第三方离线核验 / write the signed heads for others to verify offline."""
    from carbonfin.storage.decisions import all_signed_heads, head_line
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        found = all_signed_heads(session, terminal.actor.organization_id)
    out.write_text("".join(head_line(head) + "\n" for head in found), encoding="utf-8")
    terminal.answer({"file": str(out), "signed_head_count": len(found)})


def _heads_in(file: Path) -> "tuple[SignedHead, ...]":
    from carbonfin.kernel.errors import InvalidInput
    from carbonfin.storage.decisions import heads_from

    try:
        return heads_from(file.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read", zh=f"无法读取 {file}", field="--heads") from error


def _broken(report: "ChainReport") -> Exception:
    from carbonfin.kernel.errors import Conflict

    first = report.faults[0]
    where, where_zh = ("", "") if first.sequence is None else (f" at {first.sequence}", f"在序号 {first.sequence}")
    listed = [{"sequence": one.sequence, "decision_id": one.decision_id, "detail": one.detail} for one in report.faults]
    return Conflict(
        f"the chain is broken in {len(report.faults)} places, first{where}: {first.detail}",
        zh=f"决定链有 {len(report.faults)} 处不符，第一处{where_zh}：{first.zh}",
        remedy="Keep the database as it is, find out who wrote to it past the service, and restore a backup beside it.",
        remedy_zh="请保留数据库现状，查明绕过系统的写入，并另行恢复备份对照。",
        faults=listed,
    )


def _different(replays: "list[Replay]") -> Exception:
    from carbonfin.kernel.errors import Conflict

    first = replays[0]
    return Conflict(
        f"{len(replays)} decisions come out otherwise, first {first.decision_id}: {first.differences[0]}",
        zh=f"{len(replays)} 项决定重算结果不同，第一项 {first.decision_id}",
        remedy="Look at the decision's page: each difference is listed with both values.",
        remedy_zh="请打开该决定的页面查看逐项差异。",
    )
