"""Notices as documents: what happened, the figures, by when, what to do, whom to ask; on one page, with its digest."""

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from carbonfin.documents.pdf import render_pdf
from carbonfin.documents.sheets import (
    Align,
    Column,
    Note,
    Paragraphs,
    Row,
    Section,
    Sheet,
    SignatureBlock,
    Table,
    Term,
    TermGrid,
)
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import CHINA
from carbonfin.kernel.parties import Party
from carbonfin.rules.record import digest_of
from carbonfin.storage.decisions import DecisionRecord, load_decision
from carbonfin.storage.messages import InboxItem, load_item
from carbonfin.storage.parties import load_organization, load_party
from carbonfin.web.filters import figure_value, percent, unit_label
from carbonfin.web.pages import ROLE_NAMES
from collateral.service import CALL_NOTICE, MarginCall, load_call, pledge_by_code, repo_by_code

_SAMPLE_BANNER = "演示数据（示例），不构成报价或承诺"
_CURRENCIES_ZH = {"CNY": "元", "HKD": "港元"}
_FIGURES: dict[str, tuple[str, str]] = {
    "market_value": ("押品市值", "Market value"),
    "collateral_value": ("折扣后押品价值", "Value after haircut"),
    "debt": ("债权合计", "Debt"),
    "coverage": ("担保覆盖率", "Coverage"),
    "line_initial": ("初始线", "Initial line"),
    "line_warning": ("预警线", "Warning line"),
    "line_disposal": ("处置线", "Liquidation level"),
    "haircut": ("折扣系数", "Haircut"),
    "accrued_value": ("当日应计购回价值", "Accrued repurchase value"),
    "accrued_value_cny": ("折合人民币", "In CNY"),
    "exposure_a": ("敞口（方法A）", "Exposure (method A)"),
    "exposure_b": ("敞口（方法B）", "Exposure (method B)"),
    "minimum_transfer": ("最低转让金额", "Minimum transfer"),
}
"""The figures of a decision that a margin call shows, in this order; the whole trace travels inside the file."""
_RESULTS = ("cash_to_initial", "margin_call")


@dataclass(frozen=True, slots=True, kw_only=True)
class _CallFacts:
    """What a margin call's letter is made of."""

    call: MarginCall
    decision: DecisionRecord
    party: Party
    agreement_zh: str
    agreement_en: str


def notice_pdf(session: Session, actor: Actor, item_id: str, *, address: str) -> tuple[bytes, str]:
    """Give a notice as PDF, and the stem of its file name; the same notice gives the same bytes.

    Args:
        session: An open session.
        actor: Whose inbox it lies in.
        item_id: The notice.
        address: Where trace links lead, an absolute address.

    Raises:
        NotFound: It is not in the actor's inbox.
    """
    item = load_item(session, actor, item_id)
    bank = load_organization(session, actor.organization_id)
    created_at = item.created_at.replace(microsecond=0)
    if item.kind == CALL_NOTICE:
        facts = _call_facts(session, actor, item.subject.partition(":")[2])
        sheet = _call_sheet(facts, bank_name=bank.name, is_sample=bank.is_sample, address=address)
        attachments = {"decision.json": _json({"inputs": facts.decision.inputs, "outputs": facts.decision.outputs})}
    else:
        sheet = _plain_sheet(item, bank_name=bank.name, is_sample=bank.is_sample, address=address)
        attachments = {}
    return render_pdf(sheet, attachments=attachments, created_at=created_at), f"{sheet.title_zh}-{sheet.number}"


def _call_facts(session: Session, actor: Actor, call_id: str) -> _CallFacts:
    call = load_call(session, actor, call_id)
    pledge = pledge_by_code(session, actor, call.agreement_code)
    if pledge is not None:
        party_id, agreement_zh, agreement_en = pledge.pledgor_id, "质押", "Pledge"
    else:
        repo = repo_by_code(session, actor, call.agreement_code)
        assert repo is not None, f"call {call_id} belongs to an agreement"
        party_id, agreement_zh, agreement_en = repo.seller_id, "回购", "Repo"
    return _CallFacts(
        call=call,
        decision=load_decision(session, actor, call.decision_id),
        party=load_party(session, actor, party_id),
        agreement_zh=agreement_zh,
        agreement_en=agreement_en,
    )


def _call_sheet(facts: _CallFacts, *, bank_name: str, is_sample: bool, address: str) -> Sheet:
    call = facts.call
    code = f"{facts.agreement_zh} {call.agreement_code}"
    unconfirmed = _unconfirmed(facts.decision)
    return Sheet(
        title_zh="追加担保通知",
        title_en="Margin Call Notice",
        subtitle=f"{code} · {facts.party.name}",
        number=f"ZJ-{call.agreement_code}-{call.issued_on:%Y%m%d}",
        version="1",
        digest=facts.decision.record_digest,
        banner=_SAMPLE_BANNER if is_sample else None,
        issued_on=call.issued_on,
        sections=(
            TermGrid(
                title_zh="通知",
                title_en="Notice",
                items=(
                    Term(label_zh="致", label_en="To", value=f"{facts.party.name}\n{facts.party.code}"),
                    Term(label_zh="合同", label_en="Agreement", value=code),
                    Term(label_zh="通知日", label_en="Issued on", value=_in_words(call.issued_on)),
                    Term(label_zh="办理期限", label_en="Deadline", value=_deadline(call)),
                    *_ways(call),
                ),
            ),
            Paragraphs(title_zh="事由", title_en="What happened", texts=(_what_happened(facts),)),
            _basis(facts, address=address),
            Paragraphs(title_zh="请办理", title_en="What to do", texts=(_what_to_do(call, bank_name),)),
        ),
        notes=tuple(Note(text=text, unconfirmed=True) for text in unconfirmed),
        signatures=(SignatureBlock(party_zh="通知人", party_en="Issued by", name=bank_name),),
    )


def _plain_sheet(item: InboxItem, *, bank_name: str, is_sample: bool, address: str) -> Sheet:
    to = ROLE_NAMES[item.role].zh if item.role is not None else "本人"
    shown = {"title": item.title_zh, "text": item.text_zh, "subject": item.subject, "due_on": str(item.due_on)}
    return Sheet(
        title_zh="待办通知" if item.read_at is None and item.kind.endswith(".waits") else "通知",
        title_en="Notice",
        subtitle=item.title_zh,
        number=item.id[:8].upper(),
        version="1",
        digest=digest_of(shown),
        banner=_SAMPLE_BANNER if is_sample else None,
        issued_on=item.created_at.astimezone(CHINA).date(),
        sections=(
            TermGrid(
                title_zh="通知",
                title_en="Notice",
                items=(
                    Term(label_zh="机构", label_en="Organisation", value=bank_name),
                    Term(label_zh="致", label_en="To", value=to),
                    Term(label_zh="事项", label_en="Subject", value=item.title_zh, wide=True),
                    Term(
                        label_zh="办理页面",
                        label_en="Page",
                        value=f"{address}{item.address}",
                        trace_url=f"{address}{item.address}",
                        wide=True,
                    ),
                    *(
                        ()
                        if item.due_on is None
                        else (Term(label_zh="期限", label_en="Due", value=_in_words(item.due_on)),)
                    ),
                ),
            ),
            Paragraphs(title_zh="内容", title_en="What it is about", texts=(item.text_zh, item.text_en)),
        ),
    )


def _ways(call: MarginCall) -> tuple[Term, ...]:
    unit = _CURRENCIES_ZH.get(call.currency, call.currency)
    cash = Term(label_zh="追加现金", label_en="Cash", value=f"{call.cash_amount:,.2f} {unit}", wide=not call.top_ups)
    units = tuple(
        Term(
            label_zh=f"或追加 {one.unit}",
            label_en=f"Or {one.unit}",
            value=f"{one.quantity_t:,} 吨" + ("" if one.is_sufficient else f"（登记账户可用 {one.free_t:,} 吨）"),
        )
        for one in call.top_ups
    )
    return (cash, *units)


def _what_happened(facts: _CallFacts) -> str:
    figures = {figure["name"]: figure for figure in _trace(facts.decision)}
    day = _in_words(facts.decision.valid_on)
    if "coverage" in figures:
        coverage, warning, initial = (
            percent(Decimal(figures[name]["value"])) for name in ("coverage", "line_warning", "line_initial")
        )
        return (
            f"截至{day}，{facts.agreement_zh} {facts.call.agreement_code} 的担保覆盖率为 {coverage}，"
            f"低于预警线 {warning}。依合同约定，须补足至初始线 {initial}。"
        )
    return (
        f"截至{day}，{facts.agreement_zh} {facts.call.agreement_code} 的净敞口超过最低转让金额。"
        "依合同约定，须追加担保。"
    )


def _what_to_do(call: MarginCall, bank_name: str) -> str:
    until = "按合同约定的期限" if call.deadline is None else f"于 {_in_words(call.deadline)} 前"
    return (
        f"请{until}以现金或上列配额补足，现金与任一品种择一即可；追加配额须经登记机构冻结后生效。"
        f"逾期未补足，{bank_name}有权依合同处置押品。对计算有异议的，请在期限内书面提出，并注明本通知编号。"
    )


def _basis(facts: _CallFacts, *, address: str) -> Section:
    figures = {figure["name"]: figure for figure in _trace(facts.decision)}
    rows = tuple(
        Row(cells=(f"{zh} {en}", _shown(figures[name]), unit_label(figures[name]["unit"])))
        for name, (zh, en) in _FIGURES.items()
        if name in figures
    )
    return Table(
        title_zh="计算依据",
        title_en="Basis",
        columns=(
            Column(label_zh="项目", label_en="Figure", weight=Decimal(40)),
            Column(label_zh="数值", label_en="Value", align=Align.RIGHT, weight=Decimal(24)),
            Column(label_zh="单位", label_en="Unit", weight=Decimal(18)),
        ),
        rows=rows,
        caption=f"决定编号 {facts.decision.id}，全部计算过程附于本文件，并可在 {address}/decisions 查阅。",
    )


def _shown(figure: dict[str, Any]) -> str:
    value: str = figure["value"]
    return percent(Decimal(value)) if figure["unit"] == "ratio" else figure_value(value, figure["unit"])


def _trace(decision: DecisionRecord) -> list[dict[str, Any]]:
    trace = decision.outputs["trace"]
    figures: list[dict[str, Any]] = trace if isinstance(trace, list) else trace["figures"]
    return figures


def _unconfirmed(decision: DecisionRecord) -> tuple[str, ...]:
    """Name what is not confirmed among the figures shown and all that they rest on."""
    figures = {figure["name"]: figure for figure in _trace(decision)}
    waiting = [name for name in (*_FIGURES, *_RESULTS) if name in figures]
    behind: dict[str, None] = {}
    while waiting:
        name = waiting.pop(0)
        if name not in behind:
            behind[name] = None
            waiting += figures[name].get("inputs", ())
    return tuple(
        f"{figures[name]['label_zh']}未确认：{figures[name].get('note_zh') or '—'}"
        for name in behind
        if not figures[name].get("confirmed", True)
    )


def _deadline(call: MarginCall) -> str:
    return "按合同约定" if call.deadline is None else _in_words(call.deadline)


def _in_words(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日（{day.isoformat()}）"


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1).encode()
