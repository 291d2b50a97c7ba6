"""The command `carbonfin`: databases, the server, jobs, and each package's own commands."""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from carbonfin.app.administration.commands import commands as administration
from carbonfin.app.database.commands import backup, restore
from carbonfin.app.decisions.commands import commands as decisions
from carbonfin.app.jobs.commands import commands as jobs
from carbonfin.app.messages.commands import commands as messages
from carbonfin.app.parties.commands import commands as parties
from carbonfin.app.rulebook.commands import commands as rulebook
from carbonfin.kernel.errors import CarbonFinError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from carbonfin.web.terminal import Terminal

_FAILED = 2
_CODES_MAX = 5

carbonfin = typer.Typer(name="carbonfin", no_args_is_help=True, pretty_exceptions_enable=False, help="碳金融 Carbonfin")
database = typer.Typer(no_args_is_help=True, help="数据库：升级、核对、备份、恢复 / the database")
carbonfin.add_typer(database, name="db")
database.command("backup")(backup)
database.command("restore")(restore)
carbonfin.add_typer(jobs, name="jobs")
carbonfin.add_typer(administration, name="admin")
carbonfin.add_typer(messages, name="messages")
carbonfin.add_typer(parties, name="parties")
carbonfin.add_typer(decisions, name="decisions")
carbonfin.add_typer(rulebook, name="rules")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the options before the command chose."""

    json_output: bool
    login: str | None
    organization: str | None

    def terminal(self) -> "Terminal":
        """Open the database and find who acts."""
        from carbonfin.app.command_actor import actor_for_command
        from carbonfin.app.settings import settings_from
        from carbonfin.kernel.dates import SystemClock
        from carbonfin.storage.engine import Sessions
        from carbonfin.web.terminal import Terminal

        settings = settings_from()
        sessions = Sessions(opened(settings.database_url))
        with sessions.as_operator().read() as session:
            actor = actor_for_command(session, login=self.login, organization=self.organization)
        return Terminal(
            sessions=sessions.within(actor),
            actor=actor,
            clock=SystemClock(),
            json_output=self.json_output,
            verification_address=settings.verification_address,
        )


@carbonfin.callback()
def choose(
    context: typer.Context,
    json_output: Annotated[bool, typer.Option("--json", help="以 JSON 输出 / answer as JSON")] = False,
    login: Annotated[str | None, typer.Option("--as", help="以此登录名办理 / act as this person")] = None,
    organization: Annotated[str | None, typer.Option(help="机构名称 / organisation by name")] = None,
) -> None:
    """碳金融 Carbonfin: allowance valuation, pledges and repos, emission-cut loans, subsidy reports."""
    choice = Choice(json_output=json_output, login=login, organization=organization)
    context.obj = choice.terminal
    context.meta["json_output"] = json_output


@database.command("upgrade")
def upgrade(context: typer.Context) -> None:
    """将数据库升级到本版本 / bring the database to this release."""
    from carbonfin.app.settings import settings_from
    from carbonfin.storage.engine import open_engine
    from carbonfin.storage.schema import current_revision
    from carbonfin.storage.schema import upgrade as bring_up_to_date

    engine = open_engine(settings_from().database_url)
    bring_up_to_date(engine)
    revision = current_revision(engine)
    _say(context, {"revision": revision}, f"数据库已是最新版本 / the database is at revision {revision}")


@database.command("check")
def check(context: typer.Context) -> None:
    """核对表结构与持仓数据块 / compare the database with this release's tables, and books with their digests."""
    from carbonfin.app.settings import settings_from
    from carbonfin.app.tables import all_tables
    from carbonfin.kernel.errors import Conflict
    from carbonfin.storage.engine import Sessions, open_engine
    from carbonfin.storage.grants import isolation_warnings
    from carbonfin.storage.schema import check as differences_of
    from carbonfin.storage.schema import current_revision, head_revision
    from pricing.service import books_changed_at_rest, books_without_blocks

    tables = all_tables()
    engine = open_engine(settings_from().database_url)
    revision = current_revision(engine)
    if revision != head_revision():
        raise Conflict(
            f"the database is at revision {revision}, this release needs {head_revision()}",
            zh=f"数据库版本为 {revision}，本版本需要 {head_revision()}",
            remedy="Run `carbonfin db upgrade`.",
            remedy_zh="请执行 carbonfin db upgrade。",
        )
    found = differences_of(engine)
    if found:
        raise Conflict(
            f"the database differs from the tables of this release in {len(found)} places: {'; '.join(found[:5])}",
            zh=f"数据库与本版本的表结构有 {len(found)} 处不同",
            remedy="Restore the database or write the missing migration.",
            remedy_zh="请恢复数据库，或补写迁移。",
        )
    with Sessions(engine).as_operator().read() as session:
        changed, bare = books_changed_at_rest(session), books_without_blocks(session)
    if changed:
        raise Conflict(
            "; ".join(one.detail for one in changed[:5]),
            zh="；".join(one.zh for one in changed[:5]),
            remedy=changed[0].remedy,
            remedy_zh=changed[0].remedy_zh,
        )
    warnings = [*isolation_warnings(engine, tables), *_bare_books(bare)]
    for warning in warnings:
        sys.stderr.write(f"注意 / warning: {warning}\n")
    answer = {"revision": revision, "same": True} | ({"warnings": warnings} if warnings else {})
    _say(context, answer, f"表结构一致 / the tables agree at revision {revision}")


def _bare_books(codes: Sequence[str]) -> tuple[str, ...]:
    """Say which books have no block whose digest would tell a change; nothing where all have."""
    if not codes:
        return ()
    named = ", ".join(codes[:_CODES_MAX]) + (" …" if len(codes) > _CODES_MAX else "")
    told = (
        f"{len(codes)} 个组合没有数据块（由上一版本保存，或数据块已被删除），下次留存估值时按明细行重建 / stored"
        " books without blocks (of the release before, or their blocks were deleted), made anew from their rows by the"
        f" next recorded valuation: {named}"
    )
    return (told,)


@database.command("grant")
def grant(
    context: typer.Context,
    role: Annotated[str, typer.Argument(help="应用所用的数据库角色 / the application's database role")],
) -> None:
    """向应用角色授予所需权限（PostgreSQL，以表的所有者执行） / grant the application's role what it needs."""
    from carbonfin.app.jobs.durable import prepare
    from carbonfin.app.settings import settings_from
    from carbonfin.app.tables import all_tables
    from carbonfin.storage.engine import open_engine
    from carbonfin.storage.grants import grant_application_role

    tables = all_tables()
    database_url = settings_from().database_url
    facts = grant_application_role(open_engine(database_url), role, tables)
    prepare(database_url, role=facts.name)
    _say(
        context,
        {"role": facts.name, "tables": len(tables.tables)},
        f"已向 {facts.name} 授权 {len(tables.tables)} 张表 / granted on {len(tables.tables)} tables",
    )


@carbonfin.command("serve")
def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="监听地址 / address")] = None,
    port: Annotated[int | None, typer.Option(help="端口 / port")] = None,
    workers: Annotated[int, typer.Option(help="进程数 / processes", min=1, max=64)] = 1,
) -> None:
    """启动接口与页面 / serve API and pages."""
    from carbonfin.app.server import server_for
    from carbonfin.app.settings import HOST, PORT, settings_from

    chosen = dict(os.environ)
    chosen |= {HOST: host} if host is not None else {}
    chosen |= {PORT: str(port)} if port is not None else {}
    settings = settings_from(chosen)
    opened(settings.database_url).dispose()
    require_free(settings.host, settings.port)
    address = f"http://{settings.host}:{settings.port}/"
    _say(context, {"address": address}, f"碳金融已启动，请在浏览器打开 / open {address}")
    sys.stdout.flush()
    server_for(host=settings.host, port=settings.port, workers=workers).serve()


@carbonfin.command("openapi")
def openapi() -> None:
    """输出接口描述（OpenAPI 3.1，JSON） / print the API's description."""
    from carbonfin.app.description import description

    sys.stdout.write(description().decode())


@carbonfin.command("demo")
def demo(
    context: typer.Context,
    out: Annotated[str, typer.Option(help="文件写到何处 / folder for the files")] = "out",
) -> None:
    """演示：建立示例世界并完成主要流程 / make the sample world and do the main job."""
    from pathlib import Path

    from carbonfin.app.demo.command import run_demo

    run_demo(out_folder=Path(out), json_output=bool(context.find_root().meta.get("json_output")))


def opened(database_url: str) -> "Engine":
    """Open a database that has our tables.

    Raises:
        Conflict: It has none yet.
    """
    from sqlalchemy import inspect

    from carbonfin.kernel.errors import Conflict
    from carbonfin.storage.engine import open_engine

    engine = open_engine(database_url)
    if not inspect(engine).has_table("organization"):
        raise Conflict(
            "the database has no tables yet",
            zh="数据库尚未建立",
            remedy="Run `carbonfin db upgrade`.",
            remedy_zh="请执行 carbonfin db upgrade。",
        )
    return engine


def require_free(host: str, port: int) -> None:
    """See that nobody listens at an address yet; the server would share the port without a word.

    Raises:
        Conflict: Somebody does, or the address is not this machine's.
    """
    import socket

    from carbonfin.kernel.errors import Conflict

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Conflict(
                f"{host}:{port} cannot be listened on: {error.strerror}",
                zh=f"地址 {host}:{port} 已被占用或不可用",
                field="--port",
                remedy="Choose another port or end the other server.",
                remedy_zh="请更换端口，或先停止占用该端口的程序。",
            ) from error


def _say(context: typer.Context, plain: Mapping[str, object], sentence: str) -> None:
    if context.find_root().meta.get("json_output"):
        sys.stdout.write(json.dumps(dict(plain), ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(sentence + "\n")


def _pricing() -> typer.Typer:
    from pricing.commands import commands

    return commands


def _collateral() -> typer.Typer:
    from collateral.commands import commands

    return commands


def _loans() -> typer.Typer:
    from loans.commands import commands

    return commands


def _reporting() -> typer.Typer:
    from reporting.commands import commands

    return commands


_PACKAGES: dict[str, tuple[str, Callable[[], typer.Typer]]] = {
    "pricing": ("估值与行情 / valuation and market", _pricing),
    "collateral": ("质押与回购 / pledges and repos", _collateral),
    "loans": ("降碳贷：评级、利率、还款计划、条款清单 / emission-cut loans", _loans),
    "reporting": ("贴息与披露 / subsidies and reports", _reporting),
}
_SIMULATOR = "registry-sim"
_SIMULATOR_HELP = "运行登记机构模拟器，直到中断 / run the registry simulator until interrupted."


def mounted(arguments: Sequence[str]) -> typer.Typer:
    """Give the command with each package's commands; only a package that is asked for is loaded."""
    whole = typer.Typer(name="carbonfin", no_args_is_help=True, pretty_exceptions_enable=False, callback=choose)
    whole.registered_commands = [*carbonfin.registered_commands]
    whole.registered_groups = [*carbonfin.registered_groups]
    for name, (help_text, load) in _PACKAGES.items():
        whole.add_typer(load() if name in arguments else _unopened(help_text), name=name, help=help_text)
    if _SIMULATOR in arguments:
        from collateral.commands import registry_sim

        whole.command(_SIMULATOR, help=_SIMULATOR_HELP)(registry_sim)
    else:
        whole.command(_SIMULATOR, help=_SIMULATOR_HELP)(_nothing)
    return whole


def _unopened(help_text: str) -> typer.Typer:
    group = typer.Typer(help=help_text)
    group.callback()(_nothing)
    return group


def _nothing() -> None:
    """Stand for a command that was not asked for."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command; an expected failure is a sentence and exit code 2."""
    given = sys.argv[1:] if arguments is None else arguments
    _run(lambda: mounted(given)(args=given, prog_name="carbonfin"), json_output="--json" in given)


def _run(command: Callable[[], object], *, json_output: bool) -> None:
    try:
        command()
    except CarbonFinError as error:
        sys.stderr.write(failure_text(error, json_output=json_output) + "\n")
        sys.exit(_FAILED)


def failure_text(error: CarbonFinError, *, json_output: bool) -> str:
    """Say what failed and what to do: two sentences in each language, or one JSON document."""
    if json_output:
        plain = {
            "code": error.code,
            "detail": error.detail,
            "detail_zh": error.zh,
            "field": error.field,
            "remedy": error.remedy,
            "remedy_zh": error.remedy_zh,
        }
        return json.dumps(plain, ensure_ascii=False)
    where = f" [{error.field}]" if error.field else ""
    chinese = "。".join(part.rstrip("。") for part in (error.zh, error.remedy_zh) if part)
    english = ". ".join(part.rstrip(".") for part in (error.detail, error.remedy) if part)
    return f"{chinese}。{where}\n{english}."


if __name__ == "__main__":
    main()
