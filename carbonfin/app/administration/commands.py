"""The commands `carbonfin admin …`: what an operator does on the machine itself, noted in the security log."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from carbonfin.kernel.dates import Clock
    from carbonfin.storage.engine import Sessions

commands = typer.Typer(no_args_is_help=True, help="机构与用户管理 / organisations and people")

By = Annotated[str, typer.Option(help="办理人姓名，记入安全日志 / who does it, for the security log")]


@commands.command("organizations")
def organizations_command(context: typer.Context) -> None:
    """列出全部机构 / list every organisation."""
    from carbonfin.storage.parties import organizations

    sessions, _ = _machine()
    with sessions.read() as session:
        found = organizations(session)
    _say(context, found, columns=("id", "kind", "name", "usci", "business_date", "day_state"))


@commands.command("add-organization")
def add_organization(
    context: typer.Context,
    *,
    name: Annotated[str, typer.Option(help="机构名称 / name")],
    administrators: Annotated[
        str, typer.Option(help="两名管理员的登录名，逗号分隔 / logins of its two administrators, comma between")
    ],
    business_date: Annotated[str, typer.Option(help="首个业务日期 / first business date, YYYY-MM-DD")],
    by: By,
    kind: Annotated[str, typer.Option(help="bank 或 bureau / bank or bureau")] = "bank",
    usci: Annotated[str | None, typer.Option(help="统一社会信用代码 / USCI")] = None,
) -> None:
    """新增机构及其两名管理员，打印一次性密码 / add an organisation with two administrators."""
    from carbonfin.app.administration.opening import open_organization

    sessions, clock = _machine()
    opened = open_organization(
        sessions, name=name, kind=kind, usci=usci, business_date=business_date,
        administrators=administrators, by=by, clock=clock,
    )  # fmt: skip
    _say(context, opened)


@commands.command("add-administrator")
def add_administrator_command(
    context: typer.Context,
    *,
    organization: Annotated[str, typer.Option(help="机构名称或编号 / the organisation's name or identifier")],
    login: Annotated[str, typer.Option(help="登录名 / login")],
    by: By,
) -> None:
    """为机构增设一名管理员，打印一次性密码 / add an administrator where too few are left to act."""
    from carbonfin.app.administration.opening import add_administrator

    sessions, clock = _machine()
    _say(context, add_administrator(sessions, organization=organization, login=login, by=by, clock=clock))


@commands.command("people")
def people_command(context: typer.Context) -> None:
    """列出本机构用户 / list the people of the organisation."""
    from carbonfin.storage.parties import accounts_of
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        found = accounts_of(session, terminal.actor)
    terminal.answer(
        found, columns=("id", "login", "name", "role", "is_active", "locked_until", "one_time_until", "last_seen_at")
    )


@commands.command("keep-out")
def keep_out(context: typer.Context, login: Annotated[str, typer.Argument(help="登录名 / login")], by: By) -> None:
    """立即停用账户并退出其会话 / keep a person out at once."""
    from carbonfin.app.administration.opening import keep_person_out

    sessions, clock = _machine()
    _say(context, keep_person_out(sessions, login=login, by=by, clock=clock))


@commands.command("reset-second-factor")
def reset_second_factor_command(
    context: typer.Context,
    login: Annotated[str, typer.Argument(help="管理员登录名 / login of an administrator")],
    by: By,
) -> None:
    """管理员遗失身份验证器及恢复码时重置 / for an administrator who lost the authenticator and its codes."""
    from carbonfin.app.administration.opening import reset_second_factor

    sessions, clock = _machine()
    _say(context, reset_second_factor(sessions, login=login, by=by, clock=clock))


@commands.command("keys")
def keys_command(context: typer.Context) -> None:
    """列出本机构密钥 / list the keys of the organisation."""
    from carbonfin.storage.parties import keys_of
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        found = keys_of(session, terminal.actor.organization_id)
    terminal.answer(
        found, columns=("id", "name", "role", "prefix", "scopes", "expires_at", "revoked_at", "last_used_at")
    )


@commands.command("revoke-key")
def revoke_key_command(
    context: typer.Context, prefix: Annotated[str, typer.Argument(help="密钥前缀 / the key's prefix")], by: By
) -> None:
    """立即停用密钥 / end a key at once."""
    from carbonfin.app.administration.opening import end_key

    sessions, clock = _machine()
    _say(context, end_key(sessions, prefix=prefix, by=by, clock=clock))


@commands.command("external-ids")
def external_ids_command(
    context: typer.Context, begins: Annotated[str, typer.Argument(help="编号的开头 / the beginning of a number")]
) -> None:
    """按外部编号查找 / find things by other systems' numbers."""
    from carbonfin.storage.parties import find_external_ids
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        found = find_external_ids(session, terminal.actor, begins)
    terminal.answer(found, columns=("kind", "value", "subject", "added_by"))


@commands.command("settings")
def settings_command(context: typer.Context) -> None:
    """显示运行设置及来源，不含密钥 / show the settings in force and where each came from; never a secret."""
    import os

    from carbonfin.app.administration.security import settings_in_force

    _say(context, settings_in_force(os.environ), columns=("name", "value", "is_given"))


@commands.command("parameters")
def parameters_command(context: typer.Context) -> None:
    """列出本机构现行规则参数及依据 / list the rule parameters in force for the organisation, with their sources."""
    from carbonfin.app.rulebook.parameter_list import whole_book
    from carbonfin.storage.parties import standing_of
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        book = whole_book(session, terminal.actor)
        found = book.in_force(valid_on=standing.business_date, known_at=standing.known_at)
    columns = (
        "key",
        "scope",
        "value",
        "unit",
        "valid_from",
        "valid_to",
        "known_from",
        "document",
        "grade",
        "confirmed",
    )
    terminal.answer(found, columns=columns)


def _machine() -> "tuple[Sessions, Clock]":
    """Open the database for one who works on the machine itself."""
    from carbonfin.app.cli import opened
    from carbonfin.app.settings import settings_from
    from carbonfin.kernel.dates import SystemClock
    from carbonfin.storage.engine import Sessions

    return Sessions(opened(settings_from().database_url)).as_operator(), SystemClock()


def _say(context: typer.Context, value: Any, *, columns: tuple[str, ...] = ()) -> None:
    from carbonfin.web.terminal import plain_answer

    plain_answer(value, json_output=context.meta["json_output"], columns=columns)
