"""Commands of carbon accounts: bring a file of lines, show an account as known on a day, record a consent."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from carbonfin.storage.parties import party_by_code, standing_of
from carbonfin.web.terminal import content_of, terminal_of
from carbonfin.web.wire import day_of
from loans import service
from loans.calc.consents import Consent, ConsentPurpose, ConsentState
from loans.schemas.accounts import AccountImportOut

_Usci = Annotated[str, typer.Argument(help="统一社会信用代码 / USCI")]


def import_account(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="碳账户明细 CSV 或 xlsx / lines of carbon accounts")],
    *,
    preview: Annotated[bool, typer.Option("--preview", help="只读取，不存入 / read only, keep nothing")] = False,
) -> None:
    """上传碳账户明细：合格的行存入，有误的行列出 / keep the good lines of a file, name the bad."""
    terminal = terminal_of(context)
    content = content_of(file)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        report = service.import_entry_file(
            session,
            terminal.actor,
            content=content,
            file_name=file.name,
            on=standing.business_date,
            known_at=standing.known_at,
            preview=preview,
        )
    terminal.answer(msgspec.to_builtins(AccountImportOut.of(report)))
    for failure in report.failures:
        terminal.say(f"{failure.zh} [{failure.field}] {failure.remedy_zh}")
    if report.failures:
        raise typer.Exit(code=1)


def account(
    context: typer.Context,
    usci: _Usci,
    known_on: Annotated[str, typer.Option("--known-on", help="截至该日所知 / as known by the end of a day")] = "",
) -> None:
    """列出企业碳账户各年：电量、绿电、排放量及所缺 / the years of a carbon account."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        known_at = standing.known_by(day_of(known_on, field="known_on")) if known_on else standing.known_at
        party = party_by_code(session, terminal.actor, usci)
        view = service.account_view(session, terminal.actor, party.id, known_at=known_at)
    rows = [
        {
            "year": year.facts.year,
            "electricity_kwh": year.facts.electricity_kwh,
            "invoice_kwh": year.facts.invoice_kwh,
            "green_kwh": year.facts.green_kwh,
            "emissions_t": None if year.emissions is None else year.emissions.emissions_t,
            "lacks": "" if year.lacks is None else year.lacks.zh,
        }
        for year in view.years
    ]
    terminal.answer(rows, columns=("year", "electricity_kwh", "invoice_kwh", "green_kwh", "emissions_t", "lacks"))


def consent(
    context: typer.Context,
    usci: _Usci,
    *,
    given_on: Annotated[str, typer.Option("--given-on", help="授权或撤回日 / day of the document")],
    evidence: Annotated[str, typer.Option("--evidence", help="授权书编号或文件摘要 / document")],
    purpose: Annotated[ConsentPurpose, typer.Option("--purpose", help="用途 / purpose")] = ConsentPurpose.RATING,
    valid_to: Annotated[str, typer.Option("--valid-to", help="有效期至 / last day")] = "",
    withdrawn: Annotated[bool, typer.Option("--withdrawn", help="撤回 / withdraw")] = False,
) -> None:
    """登记企业数据授权或撤回 / record a consent to use an enterprise's data, or its withdrawal."""
    terminal = terminal_of(context)
    stated = Consent(
        purpose=purpose,
        state=ConsentState.WITHDRAWN if withdrawn else ConsentState.GIVEN,
        given_on=day_of(given_on, field="given_on"),
        valid_to=day_of(valid_to, field="valid_to") if valid_to else None,
        evidence=evidence,
    )
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        party = party_by_code(session, terminal.actor, usci)
        service.record_consent(
            session, terminal.actor, party.id, stated, on=standing.business_date, known_at=standing.known_at
        )
    terminal.answer(
        {"party": party.code, "purpose": stated.purpose, "state": stated.state, "given_on": stated.given_on}
    )
