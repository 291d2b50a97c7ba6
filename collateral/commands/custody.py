"""Custody of trading funds on the command line: bind an account, take in a statement, list the differences."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from carbonfin.storage.parties import party_by_code, standing_of
from carbonfin.web.terminal import content_of, terminal_of
from carbonfin.web.wire import day_of
from collateral import jobs
from collateral.calc.custody import Side
from collateral.registries.access import RegistryAccess, registry_secret
from collateral.registries.http import http_registry
from collateral.schemas.custody import CustodyAccountOut, CustodyDifferenceOut, CustodyImportOut
from collateral.service import custody as service

_COLUMNS = ("account_number", "kind", "item", "bank_amount", "exchange_amount", "since", "age_days")


def custody(
    context: typer.Context, *, day: Annotated[str | None, typer.Option(help="日期 / day, YYYY-MM-DD")] = None
) -> None:
    """列出存管行与交易所的每一项差异 / every difference between custodian and exchange, with its age."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        on = None if day is None else day_of(day, field="--day")
        view = service.custody_view(session, terminal.actor, standing=standing, day=on)
    rows = [msgspec.to_builtins(CustodyDifferenceOut.of(one, view.account(one.account_id))) for one in view.differences]
    terminal.answer(rows, columns=_COLUMNS)


def bind_custody(
    context: typer.Context,
    party: Annotated[str, typer.Argument(help="统一社会信用代码 / USCI")],
    account: Annotated[str, typer.Argument(help="存管账号 / account number")],
    *,
    custodian: Annotated[str, typer.Option(help="存管行 / custodian bank")],
    exchange: Annotated[str, typer.Option(help="交易所代码 / exchange")],
    start: Annotated[str, typer.Option(help="绑定起始日 / bound from, YYYY-MM-DD")],
) -> None:
    """登记存管账户并绑定交易所 / bind a party's custody account to an exchange."""
    terminal = terminal_of(context)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        draft = service.CustodyDraft(
            party_id=party_by_code(session, terminal.actor, party).id, custodian_name=custodian,
            account_number=account, exchange_code=exchange, bound_from=day_of(start, field="--start"),
        )  # fmt: skip
        found = service.bind_custody_account(session, terminal.actor, draft, standing=standing)
    terminal.answer(msgspec.to_builtins(CustodyAccountOut.of(found)))


def custody_sync(
    context: typer.Context,
    registry: Annotated[str, typer.Option(envvar="CARBONFIN_REGISTRY_URL", help="接口地址 / address of the interface")],
    timeout_seconds: Annotated[float, typer.Option(min=0.1, max=120, help="超时，秒 / timeout in seconds")] = 10.0,
) -> None:
    """向交易所取业务日期的存管对账单并逐项核对 / fetch the exchanges' custody statements and compare them."""
    terminal = terminal_of(context)
    access = RegistryAccess(address=registry, secret=registry_secret(), timeout_seconds=timeout_seconds)
    with http_registry(access, clock=terminal.clock) as port:
        outcome = jobs.fetch_custody_statements(terminal.sessions, terminal.actor, port, clock=terminal.clock)
    failures = [{"item": one.item, "detail": one.detail, "zh": one.zh} for one in outcome.failures]
    terminal.answer({"statement_count": outcome.done_count, "failures": failures})


def import_custody(
    context: typer.Context,
    side: Annotated[Side, typer.Argument(help="对账单来源 / whose statement: bank, exchange")],
    file: Annotated[Path, typer.Argument(help="对账单 CSV 或 xlsx / statement as CSV or xlsx")],
    *,
    preview: Annotated[bool, typer.Option("--preview", help="只读取，不存入 / read only, store nothing")] = False,
) -> None:
    """导入存管行或交易所的对账单，整份存入或一行不存 / store a statement, all lines or none."""
    terminal = terminal_of(context)
    content = content_of(file)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        report = service.import_custody_statement(
            session, terminal.actor, content=content, file_name=file.name, side=side, standing=standing,
            preview=preview,
        )  # fmt: skip
    terminal.answer(msgspec.to_builtins(CustodyImportOut.of(report)))
    for failure in report.failures:
        terminal.say(f"{failure.zh} [{failure.field}] {failure.remedy_zh}")
    if report.failures:
        raise typer.Exit(code=1)
