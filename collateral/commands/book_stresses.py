"""Stress of the collateral book on the command line."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.learned_types import decoded
from carbonfin.storage.parties import standing_of
from carbonfin.web.terminal import terminal_of
from collateral.schemas.book_stresses import BookScenarioIn, BookStressIn, BookStressOut
from collateral.service import book_stresses


def stress(
    *,
    context: typer.Context,
    paths: Annotated[int, typer.Option(min=2_000, max=20_000, help="路径数 / paths")] = 2_000,
    seed: Annotated[int, typer.Option(min=0, help="随机种子 / seed")] = 20_250_630,
    scenarios: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="自定情景（JSON 数组，与接口同形） / JSON list")
    ] = None,
) -> None:
    """对押品组合作压力测试并留存 / put the collateral book under stress and keep the decision."""
    terminal = terminal_of(context)
    own = [] if scenarios is None else _read(scenarios)
    given = BookStressIn(scenarios=own, path_count=paths, seed=seed)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        inputs = book_stresses.stress_inputs(session, terminal.actor, given.asked(), standing=standing)
    made = book_stresses.make_book_stress(inputs, standing=standing)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        kept = book_stresses.keep_book_stress(session, terminal.actor, made, standing=standing)
    body = BookStressOut.of(kept.decision_id, inputs, kept.outcome)
    if terminal.json_output:
        terminal.answer(msgspec.to_builtins(body))
        return
    columns = ("name_zh", "called_mean", "failed_mean", "peak_due_cny", "loss_mean_cny", "loss_tail_cny")
    terminal.answer([msgspec.to_builtins(one) for one in body.scenarios], columns=columns)
    terminal.say(f"债权 {body.debt_cny} 元，折扣后押品 {body.collateral_cny} 元，决定 {body.decision_id}")
    for one in body.findings:
        terminal.say(one.text_zh)


def _read(file: Path) -> list[BookScenarioIn]:
    try:
        return decoded(file.read_bytes(), list[BookScenarioIn])
    except msgspec.MsgspecError as error:
        raise InvalidInput(
            f"{file.name} is no list of stresses: {error}", zh=f"{file.name} 不是压力情景文件：{error}",
            field="scenarios", remedy="Write the JSON list that POST /v1/collateral-stresses takes.",
            remedy_zh="请按 POST /v1/collateral-stresses 的 scenarios 填写。",
        ) from error  # fmt: skip
