"""The commands of enforcement and of authorities' acts; each step takes its evidence as a file."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from sqlmodel import Session

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import parse_decimal
from carbonfin.storage.parties import Standing, party_by_code, standing_of
from carbonfin.web.proposals import ProposedOut
from carbonfin.web.terminal import Terminal, terminal_of
from carbonfin.web.wire import day_of
from collateral import service
from collateral.calc.authority_acts import ActDraft, ActKind
from collateral.calc.enforcement import LotSold, SaleMethod
from collateral.commands.arguments import pledge_of_code, stored_evidence
from collateral.commands.units import unit_quantity
from collateral.schemas import AuthorityActOut, DistributionOut, EnforcementOut, MeansOut, SaleOut
from collateral.service import SaleDraft

_Code = Annotated[str, typer.Argument(help="质押编号 / pledge")]
_Ground = Annotated[str, typer.Option(help="事由 / ground")]
_Evidence = Annotated[Path, typer.Option(help="证明附件 / evidence file", exists=True, dir_okay=False)]
_Method = Annotated[SaleMethod, typer.Option(help="处置方式：拍卖或协议转让 / auction or negotiated transfer")]
_Yes = Annotated[bool, typer.Option("--yes", help="提交；缺省只试算 / do it; without it nothing is kept")]


def enforcement(context: typer.Context, code: _Code) -> None:
    """查看违约处置：进度、附件、下一步及办理人 / where an enforcement stands, what is next and whose it is."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        found = service.view_enforcement(session, terminal.actor, pledge_of_code(session, terminal, code).id)
    shown = EnforcementOut.of(found)
    if terminal.json_output:
        terminal.answer(msgspec.to_builtins(shown))
        return
    steps: list[dict[str, Any]] = [msgspec.to_builtins(one) for one in shown.steps]
    terminal.answer(steps, columns=("business_date", "kind", "cause", "actor_name", "evidence_digest"))
    terminal.say(f"质押 {code} {shown.pledge_state}；下一步：{shown.next_act_zh}（{shown.next_actor_zh}）")


def propose_default(*, context: typer.Context, code: _Code, ground: _Ground, evidence: _Evidence) -> None:
    """提请宣布违约，由另一人复核 / propose a default; another person approves."""
    terminal = terminal_of(context)
    with terminal.sessions.begin() as session:
        waiting = service.propose_default(
            session, terminal.actor, pledge_of_code(session, terminal, code).id, ground=ground,
            evidence_digest=stored_evidence(session, terminal, evidence), standing=_standing(session, terminal),
        )  # fmt: skip
    terminal.answer(msgspec.to_builtins(ProposedOut.of(waiting)))


def propose_late_cure(*, context: typer.Context, code: _Code, ground: _Ground, evidence: _Evidence) -> None:
    """提请接受逾期补足，由另一人复核 / propose to accept a late cure; another person approves."""
    terminal = terminal_of(context)
    with terminal.sessions.begin() as session:
        waiting = service.propose_late_cure(
            session, terminal.actor, pledge_of_code(session, terminal, code).id, ground=ground,
            evidence_digest=stored_evidence(session, terminal, evidence), standing=_standing(session, terminal),
        )  # fmt: skip
    terminal.answer(msgspec.to_builtins(ProposedOut.of(waiting)))


def propose_means(
    *,
    context: typer.Context,
    code: _Code,
    method: _Method,
    ground: _Ground = "",
    evidence: Annotated[Path | None, typer.Option(help="证明附件 / evidence file")] = None,
    yes: _Yes = False,
) -> None:
    """提请处置方式；缺省只显示当日价格幅度 / propose the means; without --yes the bands of the day alone."""
    terminal = terminal_of(context)
    if not yes:
        with terminal.sessions.read() as session:
            weighed = service.preview_means(
                session, terminal.actor, pledge_of_code(session, terminal, code).id, method,
                standing=_standing(session, terminal),
            )  # fmt: skip
        terminal.answer(msgspec.to_builtins(MeansOut.of(weighed)))
        return
    with terminal.sessions.begin() as session:
        waiting = service.propose_means(
            session, terminal.actor, pledge_of_code(session, terminal, code).id, method=method, ground=ground,
            evidence_digest=stored_evidence(session, terminal, evidence), standing=_standing(session, terminal),
        )  # fmt: skip
    terminal.answer(msgspec.to_builtins(ProposedOut.of(waiting)))


def failed_sale(*, context: typer.Context, code: _Code, ground: _Ground, evidence: _Evidence) -> None:
    """登记流拍 / record a sale that found no buyer."""
    terminal = terminal_of(context)
    with terminal.sessions.begin() as session:
        pledge = pledge_of_code(session, terminal, code)
        service.record_failed_sale(
            session, terminal.actor, pledge.id, reason=ground,
            evidence_digest=stored_evidence(session, terminal, evidence), standing=_standing(session, terminal),
        )  # fmt: skip
        found = service.view_enforcement(session, terminal.actor, pledge.id)
    terminal.answer(msgspec.to_builtins(EnforcementOut.of(found)))


def settle_sale(
    *,
    context: typer.Context,
    code: _Code,
    lots: Annotated[
        list[str], typer.Argument(help="品种=吨数@价格[/买方]，例如 SZA-2023=40000@28.00 / unit=tonnes@price[/buyer]")
    ],
    method: _Method,
    buyer: Annotated[str, typer.Option(help="买方统一社会信用代码或 LEI / buyer's USCI or LEI")],
    evidence: Annotated[Path | None, typer.Option(help="证明附件 / evidence file")] = None,
    yes: _Yes = False,
) -> None:
    """登记成交并申请过户；缺省只核对幅度与买方资格 / record a sale; without --yes it is held against band and right."""
    terminal = terminal_of(context)
    sold = tuple(_lot(text.partition("/")[0]) for text in lots)
    if not yes:
        with terminal.sessions.read() as session:
            draft = SaleDraft(
                method=method, lots=sold, buyer_id=party_by_code(session, terminal.actor, buyer).id,
                evidence_digest="", buyers=_buyers(session, terminal, lots, buyer),
            )  # fmt: skip
            weighed = service.preview_sale(
                session, terminal.actor, pledge_of_code(session, terminal, code).id, draft,
                standing=_standing(session, terminal),
            )  # fmt: skip
        terminal.answer(msgspec.to_builtins(SaleOut.of(weighed, None)))
        return
    with terminal.sessions.begin() as session:
        draft = SaleDraft(
            method=method, lots=sold, buyer_id=party_by_code(session, terminal.actor, buyer).id,
            evidence_digest=stored_evidence(session, terminal, evidence),
            buyers=_buyers(session, terminal, lots, buyer),
        )  # fmt: skip
        recorded = service.settle_sale(
            session,
            terminal.actor,
            pledge_of_code(session, terminal, code).id,
            draft,
            standing=_standing(session, terminal),
        )
    terminal.answer(msgspec.to_builtins(SaleOut.of(recorded.outcome, recorded.decision_id)))


def ask_transfer_again(
    *, context: typer.Context, code: _Code, reason: Annotated[str, typer.Option(help="理由 / why")]
) -> None:
    """登记机构拒绝过户后重新申请 / ask the registry again to hand over what was sold."""
    terminal = terminal_of(context)
    with terminal.sessions.begin() as session:
        pledge = pledge_of_code(session, terminal, code)
        service.ask_transfer_again(
            session, terminal.actor, pledge.id, standing=_standing(session, terminal), cause=reason
        )  # fmt: skip
        found = service.view_enforcement(session, terminal.actor, pledge.id)
    terminal.answer(msgspec.to_builtins(EnforcementOut.of(found)))


def distribute(
    *,
    context: typer.Context,
    code: _Code,
    costs: Annotated[str, typer.Option(help="处置费用，元 / costs, CNY")],
    evidence: Annotated[Path | None, typer.Option(help="证明附件 / evidence file")] = None,
    yes: _Yes = False,
) -> None:
    """提请处置价款分配；缺省只试算 / propose to share the proceeds out; without --yes it is weighed alone."""
    terminal = terminal_of(context)
    costs_cny: Decimal = parse_decimal(costs, field="--costs")
    if not yes:
        with terminal.sessions.read() as session:
            weighed = service.preview_distribution(
                session, terminal.actor, pledge_of_code(session, terminal, code).id, costs_cny=costs_cny,
                standing=_standing(session, terminal),
            )  # fmt: skip
        terminal.answer(msgspec.to_builtins(DistributionOut.of(weighed)))
        return
    with terminal.sessions.begin() as session:
        waiting = service.propose_distribution(
            session, terminal.actor, pledge_of_code(session, terminal, code).id, costs_cny=costs_cny,
            evidence_digest=stored_evidence(session, terminal, evidence), standing=_standing(session, terminal),
        )  # fmt: skip
    terminal.answer(msgspec.to_builtins(ProposedOut.of(waiting)))


def authority_act(
    *,
    context: typer.Context,
    kind: Annotated[ActKind, typer.Argument(help="冻结、解除、扣划 / freeze, lift, deduction")],
    party: Annotated[str, typer.Argument(help="统一社会信用代码 / USCI")],
    units: Annotated[str, typer.Argument(help="品种=吨数 / unit=tonnes")],
    authority: Annotated[str, typer.Option(help="有权机关 / who orders it")],
    document: Annotated[str, typer.Option(help="文书编号 / document number")],
    dated: Annotated[str, typer.Option(help="文书日期 / its date, YYYY-MM-DD")],
    evidence: _Evidence,
    pledge: Annotated[str, typer.Option(help="质押编号；未质押的不填 / pledge; empty for free units")] = "",
    freeze: Annotated[str, typer.Option(help="所依冻结的标识 / the freeze it follows")] = "",
) -> None:
    """登记有权机关的冻结、解除冻结或扣划 / record what an authority ordered."""
    terminal = terminal_of(context)
    named = unit_quantity(units)
    with terminal.sessions.begin() as session:
        draft = ActDraft(
            kind=kind, party_id=party_by_code(session, terminal.actor, party).id,
            pledge_id=pledge_of_code(session, terminal, pledge).id if pledge else None, unit=named.unit,
            quantity_t=named.quantity_t, freeze_id=freeze or None, authority=authority, document=document,
            document_date=day_of(dated, field="--dated"), evidence_digest=stored_evidence(session, terminal, evidence),
        )  # fmt: skip
        act = service.record_act(session, terminal.actor, draft, standing=_standing(session, terminal))
    terminal.answer(msgspec.to_builtins(AuthorityActOut.of(act)))


def authority_acts(
    context: typer.Context, party: Annotated[str, typer.Argument(help="统一社会信用代码 / USCI")]
) -> None:
    """列出一家企业的冻结与扣划 / what authorities did to a party's units."""
    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        found = service.acts_of_party(session, terminal.actor, party_by_code(session, terminal.actor, party).id)
    rows: list[dict[str, Any]] = [msgspec.to_builtins(AuthorityActOut.of(one)) for one in found]
    columns = ("act_id", "business_date", "kind", "unit", "quantity_t", "outstanding_t", "authority", "document")
    terminal.answer(rows, columns=columns)


def _lot(text: str) -> LotSold:
    named, at, price = text.partition("@")
    if not at:
        raise InvalidInput(f"{text!r} names no price", zh="请写成 品种=吨数@价格", field="lots")
    units = unit_quantity(named)
    return LotSold(unit=units.unit, quantity_t=units.quantity_t, price_cny_per_t=parse_decimal(price, field="lots"))


def _buyers(session: Session, terminal: Terminal, lots: list[str], buyer: str) -> tuple[str, ...]:
    """Give who bought each lot: the buyer named behind it, or the sale's."""
    return tuple(party_by_code(session, terminal.actor, text.partition("/")[2] or buyer).id for text in lots)


def _standing(session: Session, terminal: Terminal) -> Standing:
    return standing_of(session, terminal.actor.organization_id, terminal.clock)
