"""The desk's lights and the collateral register on the command line."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from carbonfin.storage.parties import standing_of
from carbonfin.web.terminal import terminal_of
from collateral import service
from collateral.schemas import CollateralRegisterOut, DeskLightsOut
from collateral.workbooks import register_workbook


def desk(context: typer.Context) -> None:
    """押品工作台的六盏灯：追加担保、覆盖率、登记、未知、期限、集中度 / the six lights of the desk."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        loaded = service.collateral_desk(session, terminal.actor, standing=standing)
        found = service.desk_lights(session, terminal.actor, loaded, standing=standing)
    body = DeskLightsOut.of(found, business_date=loaded.business_date.isoformat())
    if terminal.json_output:
        terminal.answer(msgspec.to_builtins(body))
        return
    columns = ("title_zh", "level_title_zh", "count", "worst_zh")
    terminal.answer([msgspec.to_builtins(one) for one in body.lights], columns=columns)


def register(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(help="写出 xlsx 文件 / write the workbook")] = None,
) -> None:
    """押品台账：品种、抵质押率、估值、集中度、解押与处置 / the collateral register, as the bank files it."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        found = service.collateral_register(session, terminal.actor, standing=standing)
    if out is not None:
        out.write_bytes(register_workbook(found, created_at=standing.known_at))
        terminal.say(f"已写出 {out}")
    body = CollateralRegisterOut.of(found)
    if terminal.json_output:
        terminal.answer(msgspec.to_builtins(body))
        return
    columns = (
        "agreement_code", "pledgor", "unit", "quantity_t", "state", "valuation_date", "market_value_cny",
        "collateral_value_cny",
    )  # fmt: skip
    terminal.answer([msgspec.to_builtins(one) for one in body.lines], columns=columns)
    breaches = [one for one in body.concentrations if one.is_breach]
    terminal.say(f"业务日期 {body.business_date}：集中度超限 {len(breaches)} 项")
