"""Trades in FpML and CDM documents: read, labelled, written in the other shape."""

from pathlib import Path
from typing import Annotated

import typer

from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.parties import standing_of
from carbonfin.web.terminal import content_of, terminal_of
from pricing import service
from pricing.calc.instruments.terms import LegalBasis
from pricing.commands.shared import plain, tell_faults
from pricing.schemas import TradeDocumentOut

_COLUMNS = (
    "kind",
    "trade_id",
    "unit",
    "quantity_t",
    "price_per_t",
    "currency",
    "trade_date",
    "delivery_date",
    "expiry_date",
)


def read_trade(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="FpML（XML）或 CDM（JSON）文件 / FpML or CDM document")],
    *,
    write_as: Annotated[
        service.TradeShape | None, typer.Option("--write-as", help="另写为 cdm 或 fpml / shape to write")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="另写的文件 / file to write")] = None,
    master_agreement: Annotated[str, typer.Option(help="主协议，文件未载明时使用 / master agreement")] = "",
    derivatives_licence: Annotated[str, typer.Option(help="衍生产品交易资格 / derivatives licence")] = "",
) -> None:
    """读取 FpML 或 CDM 交易文件，不保存；可另写为另一格式 / read a trade document, write it in the other shape."""
    terminal = terminal_of(context)
    if (out is None) != (write_as is None):
        raise InvalidInput(
            "--out and --write-as belong together", zh="--out 与 --write-as 须同时给出", field="--out",
            remedy="Give both or neither.", remedy_zh="请同时给出或都不给出。",
        )  # fmt: skip
    content = content_of(file)
    with terminal.progress("读取 / reading", total=1) as steps, terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        document = service.read_trades(
            session,
            terminal.actor,
            content,
            basis=LegalBasis(master_agreement=master_agreement, derivatives_licence=derivatives_licence),
            write_as=write_as,
            valid_on=standing.business_date,
            known_at=standing.known_at,
        )
        steps.done("完成 / done")
    answer = TradeDocumentOut.of(document, file_name=file.name)
    if terminal.json_output:
        terminal.answer(plain(answer))
    else:
        terminal.answer([plain(trade) for trade in answer.trades], columns=_COLUMNS)
        for trade in answer.trades:
            for note in (*trade.notes_zh, *trade.remarks_zh):
                terminal.say(note)
            tell_faults(terminal, trade.failures)
    if out is not None:
        _write(out, document)
    if document.faults:
        raise typer.Exit(code=1)


def _write(out: Path, document: service.TradeDocument) -> None:
    """Write a document of one trade; with a fault nothing is written."""
    if len(document.trades) > 1:
        raise InvalidInput(
            f"the document has {len(document.trades)} trades; a file holds one",
            zh=f"文件含 {len(document.trades)} 笔交易，每个输出文件只写一笔",
            field="--out",
            remedy="Split the document, or take the trades from --json.",
            remedy_zh="请拆分文件，或用 --json 取得各笔。",
        )
    written = document.trades[0].written
    if written is not None:
        out.write_text(written, encoding="utf-8")
