"""Books: value a portfolio or a file of positions, and store a file as a portfolio."""

import hashlib
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from msgspec.json import encode

from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.parties import standing_of
from carbonfin.web.terminal import Terminal, content_of, terminal_of
from carbonfin.web.wire import day_of
from pricing import service, workbooks
from pricing.calc.positions import PortfolioLine
from pricing.commands.shared import plain, portfolio_of, tell_faults
from pricing.feeds.book_files import BookFile, read_book
from pricing.feeds.book_streams import csv_pieces
from pricing.feeds.tables import MAX_BYTES, MAX_ROWS
from pricing.schemas import BookImportOut, FailureOut, ValuationOut
from pricing.schemas.valuation_streams import records_of

_LINE_COLUMNS = ("line_id", "kind_zh", "unit", "quantity_t", "price_cny_per_t", "level", "present_value_cny",
                 "variation_margin_cny", "is_valuation_only")  # fmt: skip
_BOOK_ENDINGS = frozenset({".csv", ".xlsx"})


def value(
    context: typer.Context,
    book: Annotated[
        str, typer.Argument(help="组合代码，或持仓文件 CSV/xlsx / portfolio code, or a book as CSV or xlsx")
    ],
    valuation_date: Annotated[str | None, typer.Option("--on", help="估值日 YYYY-MM-DD，缺省为业务日期")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="另存估值表 xlsx（大文件为 jsonl）/ write the lines as xlsx, large: jsonl"),
    ] = None,
) -> None:
    """对一个组合或持仓文件估值并留存决定 / value a portfolio or a file of positions and keep the decision.

    超过 2 万行或 5 MB 的 CSV 分段估值，不留存 / a CSV beyond 20,000 rows or 5 MB is valued in pieces and not kept.
    """
    terminal = terminal_of(context)
    if _is_large(Path(book)):
        if _value_in_pieces(terminal, Path(book), valuation_date=valuation_date, out=out):
            raise typer.Exit(code=1)
        return
    faults: tuple[Failure, ...] = ()
    with terminal.progress("估值 / valuing", total=2) as steps, terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        day = standing.business_date if valuation_date is None else day_of(valuation_date, field="--on")
        if Path(book).suffix.lower() in _BOOK_ENDINGS:
            file = read_book(content_of(Path(book)), file_name=Path(book).name)
            steps.done("定价 / pricing")
            valuation = service.record_inline_valuation(
                session, terminal.actor, name=file.file_name, lines=_some(file), valuation_date=day,
                known_at=standing.known_at,
            )  # fmt: skip
            faults = file.failures
        else:
            portfolio = portfolio_of(terminal, service.list_portfolios(session, terminal.actor), book)
            steps.done("定价 / pricing")
            valuation = service.record_valuation(
                session, terminal.actor, portfolio.id, valuation_date=day, known_at=standing.known_at
            )
        steps.done("已留存 / kept")
    if out is not None:
        out.write_bytes(
            workbooks.valuation_workbook(
                valuation.value,
                portfolio_name=valuation.record.portfolio_name,
                valuation_date=valuation.record.valuation_date,
                known_at=valuation.record.known_at,
                decision_id=valuation.record.decision_id,
            )
        )
    _tell_value(terminal, ValuationOut.of(valuation), faults)
    if faults:
        raise typer.Exit(code=1)


def _is_large(file: Path) -> bool:
    """Say whether a CSV file is more than is read at once."""
    if file.suffix.lower() != ".csv" or not file.is_file():
        return False
    if file.stat().st_size > MAX_BYTES:
        return True
    return file.read_bytes().count(b"\n") > MAX_ROWS


def _value_in_pieces(terminal: Terminal, file: Path, *, valuation_date: str | None, out: Path | None) -> int:
    """Value a large file, tell or write what is found piece by piece, and give the number of lines that failed."""
    if out is not None and out.suffix.lower() != ".jsonl":
        raise InvalidInput(
            f"{file.name} is large: its lines are written as .jsonl, not to {out.name}",
            zh=f"{file.name} 行数较多，估值明细只能另存为 .jsonl",
            field="--out",
            remedy="Name a file that ends in .jsonl.",
            remedy_zh="请将 --out 指定为 .jsonl 文件。",
        )
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        day = standing.business_date if valuation_date is None else day_of(valuation_date, field="--on")
        market = service.stream_market(session, terminal.actor, valuation_date=day, known_at=standing.known_at)
        curves = service.curve_reader(session, terminal.actor, valuation_date=day, known_at=standing.known_at)
    count = 0
    with ExitStack() as stack:
        content = stack.enter_context(file.open("rb"))
        digest = hashlib.file_digest(content, "sha256").hexdigest()
        lines = None if out is None else stack.enter_context(out.open("wb"))
        steps = stack.enter_context(terminal.progress("估值 / valuing"))
        pieces = csv_pieces(content, file_name=file.name)
        for value in service.value_pieces(
            market, pieces, options=curves.options, forwards=curves.forwards, futures=curves.futures
        ):
            written = b"".join(encode(record) + b"\n" for record in records_of(value, book_digest=digest))
            if lines is not None:
                lines.write(written)
            if terminal.json_output:
                sys.stdout.write(written.decode())
            if isinstance(value, service.StreamTotal):
                terminal.say(
                    f"{file.name} {day}：{value.valued_count} 行已估值，{value.failure_count} 行有误；"
                    f"现值 {value.present_value_cny} 元，变动保证金 {value.variation_margin_cny} 元；未留存决定"
                )
                continue
            count += len(value.failures)
            for failure in value.failures:
                terminal.say(f"{failure.zh} [{failure.field}] {failure.remedy_zh}")
            steps.done(count=len(value.lines.line_number) + len(value.failures))
    return count


def _some(file: BookFile) -> tuple[PortfolioLine, ...]:
    """Give the lines that can be read; a file with none is refused with its first fault."""
    if file.lines:
        return file.lines
    first = file.failures[0] if file.failures else None
    raise InvalidInput(
        f"{file.file_name}: no line can be valued"
        + (f"; {first.item}, {first.field}: {first.detail}" if first else ""),
        zh=f"{file.file_name} 没有可估值的持仓" + (f"；{first.zh}" if first else ""),
        field="book",
        remedy=first.remedy if first else "Add positions.",
        remedy_zh=first.remedy_zh if first else "请补充持仓。",
    )


def _tell_value(terminal: Terminal, answer: ValuationOut, faults: tuple[Failure, ...]) -> None:
    if terminal.json_output:
        unread = [plain(FailureOut.of(fault)) for fault in faults]
        terminal.answer({**plain(answer), **({"unread": unread} if unread else {})})
        return
    terminal.answer([plain(line) for line in answer.lines], columns=_LINE_COLUMNS)
    for fault in faults:
        terminal.say(f"{fault.zh} [{fault.field}] {fault.remedy_zh}")
    for failure in answer.failures:
        terminal.say(f"未估值 {failure.item} [{failure.field}]：{failure.detail_zh}。{failure.remedy_zh}")
    terminal.say(
        f"{answer.portfolio_name} {answer.valuation_date}：现值 {answer.present_value_cny} 元，"
        f"变动保证金 {answer.variation_margin_cny} 元；决定 {answer.decision_id}"
    )


def import_book(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="持仓文件 CSV/xlsx，或 FpML/CDM 交易文件 / book, or trade document")],
    *,
    code: Annotated[str, typer.Option(help="组合代码 / portfolio code")],
    name: Annotated[str, typer.Option(help="组合名称，缺省为代码 / name")] = "",
    replaces: Annotated[bool, typer.Option("--replace", help="替换同代码组合 / replace the portfolio")] = False,
    adds: Annotated[bool, typer.Option("--add", help="追加到同代码组合 / add to the portfolio")] = False,
    own_party: Annotated[
        str, typer.Option("--own-party", help="交易文件中本方代码 / the bank's USCI or LEI in a trade document")
    ] = "",
    preview: Annotated[bool, typer.Option("--preview", help="只预览，不存入 / read only")] = False,
) -> None:
    """把持仓文件存为组合：全部存入或一行不存 / store a book as a portfolio, all lines or none."""
    terminal = terminal_of(context)
    content = content_of(file)
    with terminal.progress("读取 / reading", total=1) as steps, terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        report = service.import_book(
            session, terminal.actor, content=content, file_name=file.name, code=code, name=name or code,
            replaces=replaces, valuation_date=standing.business_date, known_at=standing.known_at, preview=preview,
            own_party=own_party, adds=adds,
        )  # fmt: skip
        steps.done("完成 / done")
    answer = BookImportOut.of(report)
    if terminal.json_output:
        terminal.answer(plain(answer))
    else:
        tell_faults(terminal, answer.failures)
        tell_faults(terminal, answer.unvalued)
        outcome = "已存入" if answer.stored else "未存入任何一行"
        terminal.say(
            f"{answer.file_name}（{answer.encoding}）{answer.row_count} 行：{outcome}；有误 {len(answer.failures)}"
        )
    if answer.failures:
        raise typer.Exit(code=1)
