"""Commands of the scorecard on tables: rate a file of many enterprises, or write the method as SQL for a warehouse."""

from pathlib import Path
from typing import Annotated

import typer

from carbonfin.storage.parties import standing_of
from carbonfin.web.terminal import content_of, terminal_of, written
from loans import service

_FAULTS_SHOWN = 20


def rate_table(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="评分卡数据表 Parquet 或 CSV / table of accounts")],
    *,
    out: Annotated[Path, typer.Option("--out", help="写出的 .parquet 或 .csv / file to write")],
) -> None:
    """按评分卡批量评级一张数据表，不留存、不作决定 / rate a table of many enterprises; nothing is kept."""
    terminal = terminal_of(context)
    content = content_of(file)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        rated = service.rate_table_file(
            session, terminal.actor, content=content, file_name=file.name, standing=standing
        )  # fmt: skip
    written(out, service.rating_table_file(rated.frame, file_name=out.name))
    counts = rated.frame.group_by("outcome").len().sort("outcome").rows()
    terminal.answer(
        {
            "file": str(out),
            "row_count": rated.frame.height,
            "fault_count": rated.faults.height,
            "outcomes": [f"{outcome} {count}" for outcome, count in counts],
        }
    )
    for row, field, value in rated.faults.head(_FAULTS_SHOWN).rows():
        terminal.say(f"第 {row + 1} 行 {field} = {value} 超出范围，该行未评级 / row {row + 1} is outside its limits")
    if rated.faults.height:
        raise typer.Exit(code=1)


def scorecard_sql(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", help="写出的文件夹 / folder to write")],
    *,
    relation: Annotated[str, typer.Option("--relation", help="数据表名 / table of accounts")] = "account",
    key: Annotated[list[str] | None, typer.Option("--key", help="原样带出的列 / column handed through")] = None,
) -> None:
    """把评分卡写成 SQL 及同业两表（DuckDB、PostgreSQL）/ write the scorecard as SQL with its tables of peers."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        made = service.scorecard_as_sql(
            session, terminal.actor, relation=relation, keys=tuple(key or ()), standing=standing
        )  # fmt: skip
    files = {"scorecard.sql": made.text.encode(), "peer_group.parquet": made.peer_group,
             "peer_step.parquet": made.peer_step}  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        written(out / name, content)
    terminal.answer({"files": [str(out / name) for name in files]})
