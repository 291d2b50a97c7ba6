"""Commands of providers of account data: ask for an enterprise's lines, and run both providers for a rehearsal."""

import os
import signal
import threading
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from carbonfin.documents.text_tables import read_table
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.parties import party_by_code, standing_of
from carbonfin.web.terminal import content_of, terminal_of
from loans import service
from loans.calc.account_entries import EntryKind
from loans.calc.account_pulls import PROVIDERS, DataProvider
from loans.calc.consents import ConsentPurpose
from loans.feeds.account_files import ENTRY_COLUMNS, kind_of
from loans.feeds.providers.access import provider_access, provider_accesses, provider_secret
from loans.feeds.providers.http import HttpAccountProviders
from loans.feeds.providers.simulator import (
    PlannedProviderFault,
    ProviderFault,
    ProviderRow,
    running_providers,
)
from loans.schemas.account_pulls import AccountPullOut

_DELAY_SECONDS = 15.0


def pull_account(
    context: typer.Context,
    usci: Annotated[str, typer.Argument(help="统一社会信用代码 / USCI")],
    *,
    provider: Annotated[DataProvider, typer.Option("--provider", help="提供方：tax 或 power / provider")],
    from_year: Annotated[int, typer.Option("--from", min=2005, max=2099, help="起始年度 / first year")],
    to_year: Annotated[int, typer.Option("--to", min=2005, max=2099, help="截止年度 / last year")],
    purpose: Annotated[ConsentPurpose, typer.Option("--purpose", help="用途 / purpose")] = ConsentPurpose.RATING,
    address: Annotated[
        str, typer.Option("--address", help="提供方地址，缺省取环境变量 / address of the provider")
    ] = "",
) -> None:
    """从税务或用电数据提供方调取企业明细：先核对授权与用途 / ask a provider for an enterprise's lines."""
    terminal = terminal_of(context)
    accesses = provider_accesses(os.environ)
    if address:
        accesses[provider] = provider_access(provider, address, field="--address")
    providers = HttpAccountProviders(accesses)
    with terminal.sessions.read() as session:
        party = party_by_code(session, terminal.actor, usci)
        asked = service.plan_pull(
            session, terminal.actor, party.id, provider=provider, purpose=purpose, from_year=from_year,
            to_year=to_year, standing=standing_of(session, terminal.actor.organization_id, terminal.clock),
        )  # fmt: skip
    fetched = providers.fetch(asked)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        pull = service.keep_pull(session, terminal.actor, party.id, asked, fetched, standing=standing)
    terminal.answer(msgspec.to_builtins(AccountPullOut.of(pull)))
    for failure in pull.failures:
        terminal.say(f"{failure.zh} [{failure.field}] {failure.remedy_zh}")
    if pull.failures:
        raise typer.Exit(code=1)


def provider_sim(
    file: Annotated[Path, typer.Argument(help="企业碳账户明细 CSV 或 xlsx / lines that both providers give")],
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="端口，0 为任意 / port, 0 for any")] = 8092,
    fault: Annotated[list[str] | None, typer.Option(help="tax|power:故障[:次数] / provider:fault[:times]")] = None,
) -> None:
    """运行税务与用电数据提供方模拟器，直到中断 / run both providers for a rehearsal until interrupted."""
    secrets = {provider: provider_secret(provider) for provider in DataProvider}
    rows = _rows(content_of(file), file.name)
    faults = [_planned(text) for text in fault or ()]
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    with running_providers(rows, secrets=secrets, port=port) as server:
        for one in faults:
            server.plan(one)
        for provider in DataProvider:
            typer.echo(f"{PROVIDERS[provider].title_zh}模拟器 / {provider} simulator: {server.address}/{provider}")
        try:
            stopped.wait()
        except KeyboardInterrupt:
            typer.echo("已停止 / stopped")


def _rows(content: bytes, file_name: str) -> dict[DataProvider, list[ProviderRow]]:
    """Give each provider the lines of its kinds, under the columns' own names."""
    table = read_table(content, file_name=file_name)
    names = [
        next((field for field, aliases in ENTRY_COLUMNS.aliases.items() if head.strip() in aliases), head)
        for head in table.head[1]
    ]
    rows: dict[DataProvider, list[ProviderRow]] = {provider: [] for provider in DataProvider}
    for _, cells in table.rows:
        row = dict(zip(names, (cell.strip() for cell in cells), strict=False))
        kind: EntryKind = kind_of(row.get("kind", ""))
        for provider, terms in PROVIDERS.items():
            if kind in terms.kinds:
                rows[provider].append(row)
    return rows


def _planned(text: str) -> PlannedProviderFault:
    provider, name, times = (*text.split(":"), "1", "")[:3]
    if provider not in set(DataProvider) or name not in set(ProviderFault) or not times.isdecimal():
        raise InvalidInput(
            f"{text!r} is not provider:fault[:times]", zh=f"“{text}”应写作 tax|power:故障[:次数]", field="fault",
            remedy=f"Write for example tax:busy:2; faults: {', '.join(ProviderFault)}.",
            remedy_zh=f"例如 tax:busy:2；故障：{'、'.join(ProviderFault)}。",
        )  # fmt: skip
    return PlannedProviderFault(
        provider=DataProvider(provider), fault=ProviderFault(name), times=int(times), delay_seconds=_DELAY_SECONDS
    )
