"""Collateral commands: the desk, appraisals, headroom, the registry and its simulator."""

import signal
import threading
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from carbonfin.kernel.dates import SystemClock
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import parse_decimal
from carbonfin.storage.keyset import Place
from carbonfin.storage.learned_types import decoded
from carbonfin.storage.parties import party_by_code, standing_of
from carbonfin.web.proposals import ProposedOut
from carbonfin.web.terminal import terminal_of
from carbonfin.web.wire import day_of
from collateral import jobs, service
from collateral.calc.agreements import PledgeDraft
from collateral.calc.pledge import STATE_NAMES_ZH
from collateral.commands.units import unit_quantity
from collateral.registries.access import RegistryAccess, registry_secret
from collateral.registries.http import http_registry
from collateral.registries.simulated import Fault, PlannedFault
from collateral.registries.simulator import running_simulator
from collateral.schemas import (
    AppraisalOut,
    DeskPledgeOut,
    HeadroomOut,
    MarginCallOut,
    MarginTermsIn,
    MarginTermsOut,
    ReconciliationOut,
)

_DELAY_SECONDS = 30.0
_OPERATIONS = frozenset({"freeze", "unfreeze", "transfer", "query", "statement", "custody"})

commands = typer.Typer(no_args_is_help=True, help="质押与回购 / collateral")
_CALLS_MAX = 200


@commands.command("pledges")
def pledges(context: typer.Context) -> None:
    """列出质押，距预警线最近者在前 / list pledges, nearest to the warning line first."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        desk = service.collateral_desk(session, terminal.actor, standing=standing)
    if terminal.json_output:
        terminal.answer(msgspec.to_builtins([DeskPledgeOut.of(line) for line in desk.pledges]))
        return
    rows = [
        {
            "code": line.pledge.code,
            "pledgor": line.pledgor_name,
            "state": f"{STATE_NAMES_ZH[line.pledge.state]} {line.pledge.state}",
            "units": ", ".join(f"{one.unit} {one.quantity_t}" for one in line.pledge.units),
            "coverage": None
            if line.coverage is None or line.coverage.coverage_ratio is None
            else f"{line.coverage.coverage_ratio:.4f}",
            "end_date": line.pledge.end_date.isoformat(),
            "deadline": None if line.call is None or line.call.deadline is None else line.call.deadline.isoformat(),
        }
        for line in desk.pledges
    ]
    terminal.answer(rows, columns=("code", "pledgor", "state", "units", "coverage", "end_date", "deadline"))
    terminal.say(f"业务日期 {desk.business_date}：贷款余额 {desk.loans_outstanding_cny} 元，回购 {desk.repo_t} 吨")


@commands.command("appraise")
def appraise(
    *,
    context: typer.Context,
    pledgor: Annotated[str, typer.Argument(help="出质人统一社会信用代码 / pledgor's USCI")],
    units: Annotated[list[str], typer.Argument(help="品种=吨数，例如 CEA-2023=50000 / unit=tonnes")],
    principal: Annotated[str, typer.Option(help="贷款本金，元 / principal, CNY")],
    end: Annotated[str, typer.Option(help="到期日 / end date, YYYY-MM-DD")],
    code: Annotated[str, typer.Option(help="拟用编号 / code")] = "WHAT-IF",
    extends: Annotated[str, typer.Option(help="所延期的质押编号 / pledge to be extended")] = "",
) -> None:
    """试算一笔质押，不留存 / appraise a pledge without keeping it."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        draft = PledgeDraft(
            code=code,
            pledgor_id=party_by_code(session, terminal.actor, pledgor).id,
            units=tuple(unit_quantity(text) for text in units),
            principal_cny=parse_decimal(principal, field="--principal"),
            end_date=day_of(end, field="--end"),
            extends_code=extends,
        )
        outcome = service.appraise_what_if(session, terminal.actor, draft, standing=standing)
    terminal.answer(msgspec.to_builtins(AppraisalOut.of(outcome, None)))
    for refusal in outcome.refusals:
        terminal.say(f"不予受理：{refusal.zh}")
    for note in outcome.notes or ():
        terminal.say(f"提示：{note.zh}")


@commands.command("headroom")
def headroom(
    context: typer.Context,
    party: Annotated[str, typer.Argument(help="统一社会信用代码 / USCI")],
) -> None:
    """计算一家企业的履约余量 / an emitter's headroom."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        found = party_by_code(session, terminal.actor, party)
        outcomes = service.headroom_of(session, terminal.actor, found.id, standing=standing)
    terminal.answer([msgspec.to_builtins(HeadroomOut.of(one)) for one in outcomes])


@commands.command("margin-calls")
def margin_calls(
    context: typer.Context,
    show_all: Annotated[bool, typer.Option("--all", help="含已了结 / with those closed")] = False,
) -> None:
    """列出追加担保与退还 / list margin calls and returns."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        found = service.call_page(session, terminal.actor, Place(limit=_CALLS_MAX, after=None), live_only=not show_all)
    rows = [msgspec.to_builtins(MarginCallOut.of(one)) for one in found.items]
    if terminal.json_output:
        terminal.answer(rows)
        return
    columns = (
        "call_id",
        "agreement_code",
        "direction",
        "state",
        "amount",
        "outstanding_amount",
        "currency",
        "deadline",
    )
    terminal.answer(rows, columns=columns)


@commands.command("call-step")
def call_step(
    *,
    context: typer.Context,
    call: Annotated[str, typer.Argument(help="通知编号 / call identifier")],
    step: Annotated[str, typer.Argument(help=" | ".join(service.CALL_STEPS))],
    words: Annotated[str, typer.Option(help="依据 / evidence")],
    amount: Annotated[str | None, typer.Option(help="金额 / amount")] = None,
    currency: Annotated[
        str | None, typer.Option(help="币种，不填为通知币种 / currency, the call's where left out")
    ] = None,
) -> None:
    """办理一份追加担保通知的一步 / take one step of a margin call."""
    terminal = terminal_of(context)
    moved_amount = None if amount is None else parse_decimal(amount, field="--amount")
    given = service.CallStep(name=step, words=words, amount=moved_amount, currency=currency)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        moved = service.take_call_step(session, terminal.actor, call, given, standing=standing)
    terminal.answer(msgspec.to_builtins(MarginCallOut.of(moved)))


@commands.command("margin-terms")
def margin_terms(
    context: typer.Context,
    agreement: Annotated[str, typer.Argument(help="质押或回购编号 / code of a pledge or repo")],
    propose: Annotated[Path | None, typer.Option(help="条款 JSON 文件 / JSON file with the terms")] = None,
) -> None:
    """查看或提出保证金条款 / show or propose margin terms."""
    terminal = terminal_of(context)
    if propose is not None:
        given = decoded(propose.read_bytes(), MarginTermsIn)
        with terminal.sessions.begin() as session:
            standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
            waiting = service.propose_terms(
                session, terminal.actor, given.terms(), standing=standing, reason=given.reason
            )
        terminal.answer(msgspec.to_builtins(ProposedOut.of(waiting)))
        return
    with terminal.sessions.read() as session:
        found = service.terms_of(session, terminal.actor, agreement)
    terminal.answer([msgspec.to_builtins(MarginTermsOut.of(one)) for one in found])


@commands.command("registry-sync")
def registry_sync(
    context: typer.Context,
    registry: Annotated[str, typer.Option(envvar="CARBONFIN_REGISTRY_URL", help="登记机构接口地址 / registry address")],
    timeout_seconds: Annotated[float, typer.Option(min=0.1, max=120, help="超时，秒 / timeout in seconds")] = 10.0,
) -> None:
    """发送冻结与解冻申请，并查询未决申请 / send freezes and unfreezes, and ask for those unresolved."""
    terminal = terminal_of(context)
    access = RegistryAccess(address=registry, secret=registry_secret(), timeout_seconds=timeout_seconds)
    with http_registry(access, clock=terminal.clock) as port:
        asked = jobs.query_open_requests(terminal.sessions, terminal.actor, port, clock=terminal.clock)
        sent = jobs.dispatch_registry_messages(terminal.sessions, terminal.actor, port, clock=terminal.clock)
    terminal.answer(
        {
            "sent_count": sent.done_count,
            "not_sent": list(sent.failures),
            "resolved_count": asked.done_count,
            "unresolved": list(asked.failures),
        }
    )


@commands.command("reconcile")
def reconcile(
    context: typer.Context,
    registry: Annotated[str, typer.Option(envvar="CARBONFIN_REGISTRY_URL", help="登记机构接口地址 / registry address")],
    timeout_seconds: Annotated[float, typer.Option(min=0.1, max=120, help="超时，秒 / timeout in seconds")] = 10.0,
) -> None:
    """与登记机构对账，逐项列出差异并留存 / reconcile with the registry, list and keep every difference."""
    terminal = terminal_of(context)
    access = RegistryAccess(address=registry, secret=registry_secret(), timeout_seconds=timeout_seconds)
    with http_registry(access, clock=terminal.clock) as port:
        found = jobs.reconcile_registry(terminal.sessions, terminal.actor, port, clock=terminal.clock)
    body = ReconciliationOut.of(found)
    if terminal.json_output:
        terminal.answer(msgspec.to_builtins(body))
        return
    columns = (
        "title_zh", "agreement_code", "unit", "serials", "ledger_t", "registry_t", "since", "age_days", "remedy_zh",
    )  # fmt: skip
    terminal.answer([msgspec.to_builtins(one) for one in body.differences], columns=columns)
    terminal.say(
        f"业务日期 {body.business_date}：核对 {body.compared_count} 项，差异 {len(body.differences)} 项，"
        f"其中已锁未冻 {body.breach_count} 项；留存 {body.decision_id}"
    )


@commands.command("registry-sim")
def registry_sim(
    port: Annotated[int, typer.Option(min=0, max=65535, help="端口，0 为任意 / port, 0 for any")] = 8091,
    state_file: Annotated[Path | None, typer.Option(help="状态文件，缺省只在内存 / state kept in a JSON file")] = None,
    lose_reply: Annotated[list[str] | None, typer.Option(help="对该编号的首次冻结不答复 / lose one reply")] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="编号:freeze|unfreeze|transfer|query|statement|custody:故障[:次数] / code:operation:fault[:times]"
        ),
    ] = None,
) -> None:
    """运行登记机构模拟器，直到中断 / run the registry simulator until interrupted."""
    lost = [f"{code}:freeze:{Fault.LOSE_REPLY}" for code in lose_reply or ()]
    faults = tuple(_planned_fault(text) for text in (*lost, *(fault or ())))
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    with running_simulator(
        secret=registry_secret(), clock=SystemClock(), port=port, faults=faults, file=state_file
    ) as server:
        typer.echo(f"登记机构模拟器 / registry simulator: {server.address}")
        try:
            stopped.wait()
        except KeyboardInterrupt:
            typer.echo("已停止 / stopped")


def _planned_fault(text: str) -> PlannedFault:
    code, operation, name, times = (*text.split(":"), "1", "", "")[:4]
    if operation not in _OPERATIONS or name not in set(Fault) or not times.isdecimal():
        raise InvalidInput(
            f"{text!r} is not code:operation:fault[:times]",
            zh=f"“{text}”应写作 编号:操作:故障[:次数]",
            field="fault",
            remedy=f"Write for example P4:freeze:lose_reply; faults: {', '.join(Fault)}.",
            remedy_zh=f"例如 P4:freeze:lose_reply；故障：{'、'.join(Fault)}。",
        )
    return PlannedFault(
        agreement_code=code, operation=operation, fault=Fault(name), times=int(times), delay_seconds=_DELAY_SECONDS
    )


@commands.command("ask-unfreeze-again")
def ask_unfreeze_again(
    context: typer.Context,
    code: Annotated[str, typer.Argument(help="质押编号 / pledge")],
    cause: Annotated[str, typer.Option(help="处理情况 / what was put right")],
) -> None:
    """以新的申请编号重新申请被拒绝的解冻 / ask anew, under a new key, for an unfreeze that was refused."""
    terminal = terminal_of(context)
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        found = service.pledge_by_code(session, terminal.actor, code)
        if found is None:
            raise InvalidInput(f"there is no pledge {code}", zh=f"没有质押 {code}", field="code")
        service.ask_unfreeze_again(session, terminal.actor, found.id, standing=standing, cause=cause)
    terminal.say(f"已重新申请解冻 {code}，运行 registry-sync 发送")
