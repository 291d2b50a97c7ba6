"""Values of structured trades, and of options by allowance models."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.learned_types import decoded
from carbonfin.storage.parties import standing_of
from carbonfin.web.terminal import content_of, terminal_of
from carbonfin.web.wire import day_of
from pricing import service
from pricing.commands.shared import plain
from pricing.schemas.allowance_models import ModelValueIn, ModelValueOut
from pricing.schemas.structures import StructuredTradeIn, StructureValueOut

_COLUMNS = ("name", "label_zh", "amount", "figure")


def value_structure(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="交易要素 JSON，同接口的 trade / a trade as the API takes it")],
    *,
    valuation_date: Annotated[str | None, typer.Option("--on", help="估值日 YYYY-MM-DD，缺省为业务日期")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="留存决定 / keep the decision")] = False,
) -> None:
    """对一笔结构化交易估值，可留存 / value a structured trade, and keep the decision on demand."""
    terminal = terminal_of(context)
    try:
        trade = decoded(content_of(file), StructuredTradeIn).trade()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"{file.name} does not hold a trade: {error}",
            zh=f"{file.name} 不是可读取的交易要素：{error}",
            field="file",
            remedy="Write it as the API's `trade`, as JSON.",
            remedy_zh="请按接口 trade 的格式填写 JSON。",
        ) from error
    work = service.record_structure_value if keep else service.structure_value_of
    with terminal.progress("估值 / valuing", total=1) as steps, terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        answer = work(
            session,
            terminal.actor,
            trade,
            valuation_date=standing.business_date if valuation_date is None else day_of(valuation_date, field="--on"),
            known_at=standing.known_at,
        )
        steps.done("完成 / done")
    told = StructureValueOut.of(answer)
    if terminal.json_output:
        terminal.answer(plain(told))
        return
    terminal.answer([plain(part) for part in told.parts], columns=_COLUMNS)
    for note in (*told.notes_zh, *(one.zh for one in told.cautions)):
        terminal.say(note)
    if told.buyer and told.seller:
        terminal.say(f"买方 {told.buyer.name} {told.buyer.code}；卖方 {told.seller.name} {told.seller.code}")
    kept = f"；决定 {told.decision_id}" if told.decision_id else "；未留存决定"
    terminal.say(
        f"{told.trade_id} {told.valuation_date}：现值 {told.present_value} {told.currency}，"
        f"合 {told.present_value_cny} 元{kept}"
    )


def value_by_model(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="问题 JSON，同接口 /v1/model-values / the question as the API takes it")],
    *,
    keep: Annotated[bool, typer.Option("--keep", help="留存决定 / keep the decision")] = False,
) -> None:
    """校准配额模型并按模型计期权价值，可留存 / fit an allowance model, value options by it, keep it on demand."""
    terminal = terminal_of(context)
    try:
        asked = decoded(content_of(file), ModelValueIn)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"{file.name} does not hold a question: {error}",
            zh=f"{file.name} 不是可读取的模型问题：{error}",
            field="file",
            remedy="Write it as the API takes it, as JSON.",
            remedy_zh="请按接口格式填写 JSON。",
        ) from error
    work = service.record_model_value if keep else service.model_value_of
    with terminal.progress("校准 / fitting", total=1) as steps, terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        valuation = work(
            session,
            terminal.actor,
            asked.question(),
            valuation_date=day_of(asked.valuation_date, field="valuation_date"),
            known_at=standing.known_at,
        )
        steps.done("完成 / done")
    told = ModelValueOut.of(valuation)
    if terminal.json_output:
        terminal.answer(plain(told))
        return
    terminal.answer([plain(number) for number in told.numbers], columns=("name", "label_zh", "value", "error"))
    for place, option in enumerate(told.options, 1):
        terminal.say(f"期权 {place}：每吨 {option.value_per_t} {told.currency}（标的 {option.underlying_per_t}）")
    for note in (*told.notes_zh, *(one.zh for one in told.cautions)):
        terminal.say(note)
    terminal.say(f"决定 {told.decision_id}" if told.decision_id else "未留存决定")
