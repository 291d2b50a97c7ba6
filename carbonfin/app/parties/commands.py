"""The commands `carbonfin parties …`."""

from typing import Annotated

import typer

commands = typer.Typer(no_args_is_help=True, help="企业与交易对手 / parties")

_COLUMNS = ("usci", "lei", "kind", "name", "industry", "district", "scheme", "key_emitter", "version")
Industry = Annotated[str, typer.Option(help="国民经济行业代码，例如 C1810 / GB/T 4754 code")]
District = Annotated[str, typer.Option(help="所在区 / district")]
Market = Annotated[str, typer.Option(help="所属碳市场，例如 SZA / scheme")]
KeyEmitter = Annotated[str, typer.Option(help="是否重点排放单位 yes 或 no / key emitter, yes or no")]


@commands.command("list")
def list_command(
    context: typer.Context,
    kind: Annotated[str, typer.Option(help="enterprise 或 counterparty / only of this kind")] = "",
) -> None:
    """列出本行的企业与交易对手 / list the bank's parties."""
    from carbonfin.app.parties.entries import kind_of
    from carbonfin.storage.parties import parties_of
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        found = parties_of(session, terminal.actor, kind=kind_of(kind) if kind else None)
    terminal.answer(found, columns=_COLUMNS)


@commands.command("add")
def add_command(
    *,
    context: typer.Context,
    name: Annotated[str, typer.Option(help="名称 / name")],
    kind: Annotated[str, typer.Option(help="enterprise 或 counterparty / kind")] = "enterprise",
    usci: Annotated[str, typer.Option(help="统一社会信用代码 / USCI")] = "",
    lei: Annotated[str, typer.Option(help="法人识别编码 / LEI")] = "",
    industry: Industry = "",
    district: District = "",
    scheme: Market = "",
    key_emitter: KeyEmitter = "",
) -> None:
    """录入企业或交易对手 / enter an enterprise or counterparty."""
    from carbonfin.app.parties.entries import draft_from_words
    from carbonfin.storage.parties import add_party
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    draft = draft_from_words(
        kind=kind, name=name, usci=usci, lei=lei, industry=industry, district=district, scheme=scheme,
        key_emitter=key_emitter,
    )  # fmt: skip
    with terminal.sessions.begin() as session:
        entered = add_party(session, terminal.actor, draft, at=terminal.clock.now())
    terminal.answer(entered)


@commands.command("correct")
def correct_command(
    *,
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="统一社会信用代码或 LEI / USCI or LEI")],
    name: Annotated[str | None, typer.Option(help="名称 / name")] = None,
    usci: Annotated[str | None, typer.Option(help="补录统一社会信用代码 / add a USCI")] = None,
    lei: Annotated[str | None, typer.Option(help="补录 LEI / add a LEI")] = None,
    industry: Annotated[str | None, typer.Option(help="国民经济行业代码 / GB/T 4754 code")] = None,
    district: Annotated[str | None, typer.Option(help="所在区 / district")] = None,
    scheme: Annotated[str | None, typer.Option(help="所属碳市场 / scheme")] = None,
    key_emitter: Annotated[str | None, typer.Option(help="是否重点排放单位 yes 或 no / key emitter")] = None,
) -> None:
    """更正企业或交易对手；未写的项不变，写空即为未知 / correct a party; what is left out stays."""
    from dataclasses import replace

    from carbonfin.app.parties.entries import draft_of, words_changed
    from carbonfin.storage.parties import correct_party, party_by_code
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    changes = words_changed(
        name=name, usci=usci, lei=lei, industry=industry, district=district, scheme=scheme, key_emitter=key_emitter
    )
    with terminal.sessions.begin() as session:
        known = party_by_code(session, terminal.actor, code)
        corrected = correct_party(
            session, terminal.actor, known.id, replace(draft_of(known), **changes), expected_version=known.version,
            at=terminal.clock.now(),
        )  # fmt: skip
    terminal.answer(corrected)
