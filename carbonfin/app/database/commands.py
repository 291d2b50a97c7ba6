"""The commands `carbonfin db backup` and `carbonfin db restore`."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer


def backup(context: typer.Context, file: Annotated[Path, typer.Argument(help="备份文件 / file to write")]) -> None:
    """在线备份整个数据库，附 SHA-256 / back up the whole database while it is at work."""
    from carbonfin.app.settings import settings_from
    from carbonfin.storage.backups import back_up
    from carbonfin.storage.engine import open_engine
    from carbonfin.web.terminal import plain_answer

    made = back_up(open_engine(settings_from().database_url), file)
    plain_answer(made, json_output=bool(context.find_root().meta.get("json_output")))


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="备份文件 / backup")],
    replace: Annotated[
        bool, typer.Option("--replace", help="丢弃目标数据库的现有内容 / throw away what stands there")
    ] = False,
) -> None:
    """将备份恢复到空数据库 / put a backup into an empty database."""
    import sys

    from carbonfin.app.settings import settings_from
    from carbonfin.storage.backups import restore as put_back
    from carbonfin.storage.engine import open_engine
    from carbonfin.storage.schema import head_revision
    from carbonfin.web.terminal import plain_answer

    engine = open_engine(settings_from().database_url)
    where = engine.url.render_as_string(hide_password=True)
    sys.stderr.write(f"正在将 {file} 恢复到 {where} / restoring into {where}\n")
    found = put_back(engine, file, replaces=replace)
    needs_upgrade = found.revision != head_revision()
    if needs_upgrade:
        sys.stderr.write("备份版本较旧，请执行 carbonfin db upgrade / older: run `carbonfin db upgrade`\n")
    answer = dataclasses.asdict(found) | {"needs_upgrade": needs_upgrade}
    plain_answer(answer, json_output=bool(context.find_root().meta.get("json_output")))
