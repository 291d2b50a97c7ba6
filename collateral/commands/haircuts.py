"""Haircut policies, haircuts and their monthly report on the command line."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.learned_types import decoded
from carbonfin.storage.parties import standing_of
from carbonfin.web.proposals import ProposedOut
from carbonfin.web.terminal import terminal_of
from collateral.schemas.haircut_reports import HaircutReportIn, report_out
from collateral.schemas.haircuts import BorrowerUnitsIn, HaircutIn, HaircutOut, HaircutPolicyIn, HaircutPolicyOut
from collateral.service import computed_haircuts, haircut_policies, haircut_reports


def list_policies(context: typer.Context) -> None:
    """列出生效的折扣系数政策 / haircut policies in force."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        found = haircut_policies.haircut_policies(
            session, terminal.actor, valid_on=standing.business_date, known_at=standing.known_at
        )
    body = [msgspec.to_builtins(HaircutPolicyOut.of(one)) for one in found]
    terminal.answer(body, columns=("code", "revision", "valid_from", "known_from", "maker", "checker"))


def propose_policy(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="政策文件（JSON，与接口同形） / JSON")],
) -> None:
    """提交折扣系数政策，待另一人复核 / propose a haircut policy for another person to approve."""
    terminal = terminal_of(context)
    try:
        given = decoded(file.read_bytes(), HaircutPolicyIn)
    except msgspec.MsgspecError as error:
        raise InvalidInput(
            f"{file.name} is no haircut policy: {error}", zh=f"{file.name} 不是折扣系数政策文件：{error}", field="file",
            remedy="Write the JSON that POST /v1/haircut-policies takes.",
            remedy_zh="请按 POST /v1/haircut-policies 的格式填写。",
        ) from error  # fmt: skip
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        proposed = haircut_policies.propose_haircut_policy(
            session, terminal.actor, given.policy(), standing=standing, reason=given.reason
        )
        body = ProposedOut.of(proposed)
    terminal.answer(msgspec.to_builtins(body))


def haircut(
    *,
    context: typer.Context,
    policy: Annotated[str, typer.Argument(help="政策类别编号 / class")],
    unit: Annotated[str, typer.Argument(help="品种 / unit, CEA-2024")],
    quantity: Annotated[int, typer.Argument(min=1, help="数量，吨 / t")],
    ends: Annotated[str, typer.Option(help="贷款到期日 / the loan's last day, YYYY-MM-DD")],
    cross_currency: Annotated[bool, typer.Option("--cross-currency", help="贷款币种不同 / another currency")] = False,
    emissions: Annotated[int | None, typer.Option(min=0, help="借款人排放，吨 / borrower's emissions, t")] = None,
    allocation: Annotated[int, typer.Option(min=0, help="借款人配额，吨 / allocation, t")] = 0,
    free: Annotated[int, typer.Option(min=0, help="借款人未质押持仓，吨 / unpledged holding, t")] = 0,
    record: Annotated[bool, typer.Option("--record", help="留存为决定 / keep as a decision")] = False,
) -> None:
    """按政策计算折扣系数，--record 留存 / a haircut by the policy in force; --record keeps it."""
    terminal = terminal_of(context)
    borrower = None
    if emissions is not None:
        borrower = BorrowerUnitsIn(emissions_t=emissions, allocation_t=allocation, free_holding_t=free)
    given = HaircutIn(
        policy=policy, unit=unit, quantity_t=quantity, ends_on=ends, is_cross_currency=cross_currency,
        borrower=borrower, record=record,
    )  # fmt: skip
    make = computed_haircuts.record_haircut if record else computed_haircuts.try_haircut
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        body = HaircutOut.of(make(session, terminal.actor, given.request(), standing=standing))
    if terminal.json_output:
        terminal.answer(msgspec.to_builtins(body))
        return
    rows = [msgspec.to_builtins(one) for one in body.components]
    terminal.answer(rows, columns=("label_zh", "ratio", "standing", "reason_zh"))
    terminal.say(f"折扣系数 {body.haircut_ratio}" + (f"：{body.refusal_zh}" if body.refusal_zh else ""))
    if body.season is not None and body.season.note_zh:
        terminal.say(body.season.note_zh)


def haircut_report(
    *,
    context: typer.Context,
    policy: Annotated[str, typer.Argument(help="政策类别编号 / class")],
    month: Annotated[str, typer.Argument(help="月份 / month, YYYY-MM")],
    unit: Annotated[str, typer.Option(help="品种 / unit, CEA-2024")],
    quantity: Annotated[int, typer.Option(min=1, help="典型质押数量，吨 / tonnes of a typical pledge")],
    out: Annotated[Path | None, typer.Option(help="写出 PDF 文件 / write the PDF")] = None,
    address: Annotated[
        str, typer.Option(help="系统网址，印在追溯链接中 / address of the service")
    ] = "http://localhost",
) -> None:
    """生成并留存折扣系数月报，--out 写出 PDF / make and keep the monthly haircut report; --out writes the PDF."""
    terminal = terminal_of(context)
    request = HaircutReportIn(month=month, unit=unit, quantity_t=quantity).request(policy)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        kept = haircut_reports.make_haircut_report(session, terminal.actor, request, standing=standing)
        report = haircut_reports.load_haircut_report(session, terminal.actor, policy, kept.decision_id)
        body = report_out(report)
        document = haircut_reports.haircut_report_document(session, terminal.actor, report, address=address)
    if out is not None:
        out.write_bytes(document)
        terminal.say(f"已写出 {out}")
    if terminal.json_output:
        terminal.answer(msgspec.to_builtins(body))
        return
    columns = ("label_zh", "haircut_ratio", "is_accepted")
    terminal.answer([msgspec.to_builtins(one) for one in body.sensitivities], columns=columns)
    terminal.say(f"{body.month} 折扣系数 {body.haircut_ratio}，决定 {body.decision_id}")
    for one in body.findings:
        terminal.say(one.text_zh)
