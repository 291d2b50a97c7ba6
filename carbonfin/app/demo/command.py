"""The command `carbonfin demo`: progress while it works, then where to look."""

import os
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from carbonfin.app.demo.papers import write_papers
from carbonfin.app.demo.people import KEY_FILE, SAMPLE_PASSWORD
from carbonfin.app.demo.ratings import fill_rating_room
from carbonfin.app.demo.run import STEP_COUNT, Demo, DemoOutcome
from carbonfin.app.settings import VAR_FOLDER, settings_from
from carbonfin.kernel.dates import SystemClock


def run_demo(*, out_folder: Path, json_output: bool) -> None:
    """Make the sample world, do the main job, write its papers and say where to look."""
    started = time.monotonic()
    settings, clock = settings_from(), SystemClock()
    address = f"http://{settings.host}:{settings.port}"
    console = Console(stderr=True, quiet=json_output, highlight=False)
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("准备", total=STEP_COUNT)
        done = 0

        def on_step(text: str) -> None:
            nonlocal done
            done += 1
            progress.console.print(f"[{done}/{STEP_COUNT}] {text}", markup=False)
            progress.update(task, description=text, completed=done - 1)

        var_folder = Path(os.environ.get(VAR_FOLDER, "var"))
        demo = Demo(settings, clock=clock, var_folder=var_folder, on_step=on_step)
        outcome = demo.run()
        on_step("碳账户、行业基准、评分卡评级与异议")
        borrower = outcome.parties[outcome.world.loan.borrower]
        fill_rating_room(demo.sessions, outcome.maker, borrower, clock=clock)
        on_step("写出文件")
        files = write_papers(
            outcome,
            demo.sessions,
            clock=clock,
            folder=out_folder,
            address=address,
            verified_at=settings.verification_address,
        )
    if json_output:
        sys.stdout.write((out_folder / "summary.json").read_text(encoding="utf-8"))
        return
    _say_where(
        Console(highlight=False),
        outcome,
        files,
        key_file=var_folder / KEY_FILE,
        address=address,
        elapsed_s=time.monotonic() - started,
    )


def _say_where(
    console: Console, outcome: DemoOutcome, files: list[Path], *, key_file: Path, address: str, elapsed_s: float
) -> None:
    sheet = outcome.term_sheet
    table = Table(title=outcome.world.banner, show_header=False)
    table.add_row("业务日期 / business date", str(outcome.world.business_date))
    table.add_row("组合现值 / portfolio value", f"{outcome.valuation.value.present_value_cny:,.2f} 元")
    table.add_row("市场快照 / market snapshot", outcome.valuation.value.snapshot_digest)
    table.add_row("执行利率 / executed rate", f"{sheet.entry.executed_rate:.2%}  ({sheet.entry.number})")
    for line in outcome.report.lines:
        amount_cny = line.decision.calculated_cny
        amount = "" if amount_cny is None else f"，测算 {amount_cny:,.2f} 元"
        table.add_row(f"贴息 {line.application.reference}", f"{line.decision.reason_zh}{amount}")
    console.print(table)
    console.print("文件 / files", markup=False)
    for file in files:
        console.print(f"  {file}", markup=False, soft_wrap=True)
    logins = "、".join(person.login for person in outcome.world.person)
    console.print(f"页面 / pages: make run, then {address}/", markup=False)
    console.print(f"登录 / sign in: {logins}; 口令 / password: {SAMPLE_PASSWORD}", markup=False)
    console.print(f"接口密钥 / API key: {key_file}", markup=False)
    console.print(f"用时 / elapsed: {elapsed_s:.1f} s", markup=False)
