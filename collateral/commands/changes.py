"""The commands that change a pledge; without `--yes` they weigh the change and keep nothing."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from carbonfin.kernel.units import parse_decimal
from carbonfin.storage.parties import standing_of
from carbonfin.web.terminal import terminal_of
from collateral import service
from collateral.calc.pledge_changes import ChangeDraft, ChangeKind
from collateral.calc.serials import numbers_by_unit
from collateral.commands.arguments import checked_evidence, pledge_of_code, stored_evidence
from collateral.commands.units import unit_quantity
from collateral.schemas import ChangePreviewOut, PledgeChangeOut

_Code = Annotated[str, typer.Argument(help="质押编号 / pledge")]
_Reason = Annotated[str, typer.Option(help="理由 / why")]
_Yes = Annotated[bool, typer.Option("--yes", help="提交；缺省只试算 / ask for it; without it nothing is kept")]
_Serials = Annotated[str, typer.Option(help="序号段，如 CCER CCER/P1:1-500 / serial numbers, of units that carry some")]
_UNITS = "品种=吨数，例如 SZA-2024=2720 / unit=tonnes"


def top_up(
    *, context: typer.Context, code: _Code, units: Annotated[list[str], typer.Argument(help=_UNITS)], reason: _Reason,
    serials: _Serials = "", yes: _Yes = False,
) -> None:  # fmt: skip
    """追加押品：一律受理，登记机构冻结后计入 / add units; always taken, counted once frozen."""
    _change(
        context, code, ChangeKind.TOP_UP, added=units, freed=[], repayment="0.00", reason=reason, yes=yes,
        added_serials=serials,
    )  # fmt: skip


def substitute(
    *,
    context: typer.Context,
    code: _Code,
    reason: _Reason,
    add: Annotated[list[str], typer.Option("--in", help=_UNITS)],
    free: Annotated[list[str], typer.Option("--out", help=_UNITS)],
    serials_in: _Serials = "",
    serials_out: _Serials = "",
    yes: _Yes = False,
) -> None:
    """置换押品：先冻结新押品，再释放原押品 / new units frozen first, then old ones freed; another person approves."""
    _change(
        context, code, ChangeKind.SUBSTITUTION, added=add, freed=free, repayment="0.00", reason=reason, yes=yes,
        added_serials=serials_in, freed_serials=serials_out,
    )  # fmt: skip


def part_release(
    *,
    context: typer.Context,
    code: _Code,
    units: Annotated[list[str], typer.Argument(help=_UNITS)],
    reason: _Reason,
    repayment: Annotated[str, typer.Option(help="对应的本金还款，元 / principal repaid against it, CNY")] = "0.00",
    serials: _Serials = "",
    yes: _Yes = False,
) -> None:
    """部分解押：由另一人复核，按当日价格重新试算 / free part; another person approves, weighed again that day."""
    _change(
        context, code, ChangeKind.PART_RELEASE, added=[], freed=units, repayment=repayment, reason=reason, yes=yes,
        freed_serials=serials,
    )  # fmt: skip


def convert_vintage(
    *,
    context: typer.Context,
    code: _Code,
    units: Annotated[str, typer.Argument(help=_UNITS)],
    to: Annotated[str, typer.Option(help="转换后的品种，例如 CEA-2025 / the later vintage")],
    evidence: Annotated[Path, typer.Option(help="批准结转的文件 / what grants it", exists=True, dir_okay=False)],
    reason: _Reason,
    serials: _Serials = "",
    yes: _Yes = False,
) -> None:
    """转换质押配额的年度：锁定不中断，由另一人复核 / convert a pledged vintage, still locked; another approves."""
    made = f"{to}={units.partition('=')[2]}"
    _change(
        context, code, ChangeKind.CONVERSION, added=[made], freed=[units], repayment="0.00", reason=reason, yes=yes,
        freed_serials=serials, evidence=evidence,
    )  # fmt: skip


def list_changes(context: typer.Context, code: _Code) -> None:
    """列出一笔质押的变更 / the changes of a pledge."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        found = service.changes_of(session, terminal.actor, pledge_of_code(session, terminal, code).id)
    rows: list[dict[str, Any]] = [msgspec.to_builtins(PledgeChangeOut.of(one)) for one in found]
    terminal.answer(rows, columns=("number", "kind", "state", "state_zh", "started_on", "maker_name"))


def _change(
    context: typer.Context, code: str, kind: ChangeKind, *, added: list[str], freed: list[str], repayment: str,
    reason: str, yes: bool, added_serials: str = "", freed_serials: str = "", evidence: Path | None = None,
) -> None:  # fmt: skip
    terminal = terminal_of(context)
    amount: Decimal = parse_decimal(repayment, field="--repayment")
    draft = ChangeDraft(
        kind=kind,
        added=tuple(unit_quantity(text) for text in added),
        freed=tuple(unit_quantity(text) for text in freed),
        repayment_cny=amount,
        reason=reason,
        added_serials=numbers_by_unit(added_serials),
        freed_serials=numbers_by_unit(freed_serials),
        evidence_digest="" if evidence is None else checked_evidence(evidence).digest,
    )
    if not yes:
        with terminal.sessions.read() as session:
            standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
            pledge = pledge_of_code(session, terminal, code)
            outcome = service.preview_change(session, terminal.actor, pledge.id, draft, standing=standing)
        terminal.answer(msgspec.to_builtins(ChangePreviewOut.of(outcome)))
        for refusal in outcome.refusals:
            terminal.say(f"不予受理：{refusal.zh}")
        return
    with terminal.sessions.begin() as session:
        standing = standing_of(session, terminal.actor.organization_id, terminal.clock)
        pledge = pledge_of_code(session, terminal, code)
        if evidence is not None:
            stored_evidence(session, terminal, evidence)
        change = service.propose_change(session, terminal.actor, pledge.id, draft, standing=standing)
    terminal.answer(msgspec.to_builtins(PledgeChangeOut.of(change)))
