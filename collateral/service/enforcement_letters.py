"""Letters of an enforcement: the notice to the pledgor (违约处置通知书), what is returned (剩余价款返还说明)."""

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
from carbonfin.kernel.errors import NotFound
from carbonfin.rules.record import digest_of
from carbonfin.storage.decisions import load_decision
from carbonfin.storage.parties import load_organization
from collateral.calc.agreements import Pledge
from collateral.calc.enforcement import METHOD_NAMES, WATERFALL_NAMES, SaleMethod
from collateral.service.addressees import addressee_on
from collateral.service.enforcement_view import EnforcementView, view_enforcement
from collateral.store.enforcements import EnforcementStep
from collateral.workbooks import Addressee

_SAMPLE_BANNER = "演示数据（示例），不构成报价或承诺"
_RIGHT, _LEFT = Align.RIGHT, Align.LEFT


def enforcement_notice(session: Session, actor: Actor, pledge_id: str, *, address: str) -> bytes:
    """Give the notice to the pledgor that the pledge is enforced: ground, claim, means and its price band.

    Raises:
        NotFound: There is no such pledge, or no default was declared.
    """
    found = view_enforcement(session, actor, pledge_id)
    declared = found.last("declared")
    if found.enforcement is None or declared is None:
        raise _not_there("no default was declared", "尚未宣布违约", "违约宣布后即可出具。")
    opened, means = found.enforcement, found.last("means")
    claim_cny = opened.principal_cny + opened.accrued_cny
    to = _addressee(session, actor, found.pledge, declared if means is None else means)
    sections: list[Section] = [
        TermGrid(
            title_zh="通知",
            title_en="Notice",
            items=(
                *_heads(to, found.pledge, address),
                Term(label_zh="宣布日", label_en="Declared on", value=opened.opened_on.isoformat()),
                Term(label_zh="本金", label_en="Principal", value=f"{opened.principal_cny:,.2f} 元"),
                Term(label_zh="应计利息", label_en="Accrued interest", value=f"{opened.accrued_cny:,.2f} 元"),
                Term(label_zh="债权合计", label_en="Claim", value=f"{claim_cny:,.2f} 元"),
                Term(label_zh="违约事由", label_en="Ground", value=opened.ground, wide=True),
            ),
        ),
        _units_table(found),
        Paragraphs(
            title_zh="处置与权利",
            title_en="What happens now",
            texts=(
                _means_words(means),
                "成交价款依次清偿处置费用、应计利息、本金；余额全部退还出质人，不足部分仍由债务人清偿。",
                "成交之前，债务人可随时清偿全部债务，清偿后本行停止处置并申请解除冻结。质押财产不因违约当然归本行所有。",
            ),
        ),
    ]
    trace = () if means is None or means.decision_id is None else load_decision(session, actor, means.decision_id).trace
    notes = tuple(
        Note(text=f"{one.label_zh}：{one.note_zh or '未确认'}", unconfirmed=True)
        for one in trace
        if not one.confirmed and not one.inputs
    )
    latest = declared if means is None else means
    return _set(
        session, actor, found, to, titles=("违约处置通知书", "Enforcement Notice"),
        number=f"CZ-{found.pledge.code}-{opened.number}", step=latest, sections=tuple(sections), notes=notes,
    )  # fmt: skip


def surplus_statement(session: Session, actor: Actor, pledge_id: str, *, address: str) -> bytes:
    """Give the statement of what the sale brought, what it paid, and what goes back to the pledgor.

    Raises:
        NotFound: There is no such pledge, or the proceeds were not shared out.
    """
    found = view_enforcement(session, actor, pledge_id)
    sold, shared = found.last("sold"), found.last("distributed")
    if found.enforcement is None or sold is None or shared is None:
        raise _not_there("the proceeds were not shared out", "处置价款尚未分配", "价款分配复核同意后即可出具。")
    surplus_cny = Decimal(shared.details["surplus_cny"])
    shortfall_cny = Decimal(shared.details["shortfall_cny"])
    to = _addressee(session, actor, found.pledge, shared)
    left = "；".join(f"{unit} {quantity_t:,} 吨" for unit, quantity_t in sold.details["units_left"])
    sections = (
        TermGrid(
            title_zh="说明",
            title_en="Statement",
            items=(
                *_heads(to, found.pledge, address),
                Term(label_zh="分配日", label_en="Shared out on", value=shared.business_date.isoformat()),
                Term(label_zh="成交日", label_en="Sold on", value=sold.business_date.isoformat()),
                Term(label_zh="处置方式", label_en="Means", value=METHOD_NAMES[SaleMethod(sold.details["method"])][0]),
                Term(label_zh="买方", label_en="Buyer", value=str(sold.details["buyer"])),
                Term(label_zh="退还出质人", label_en="Returned to the pledgor", value=f"{surplus_cny:,.2f} 元"),
                Term(label_zh="未受清偿债权", label_en="Shortfall", value=f"{shortfall_cny:,.2f} 元"),
            ),
        ),
        _lots_table(sold),
        _waterfall_table(sold, shared),
        Paragraphs(
            title_zh="事由",
            title_en="What this says",
            texts=(
                f"处置价款清偿处置费用、应计利息、本金后，余额 {surplus_cny:,.2f} 元退还出质人。",
                *((f"未处置的配额（{left}）已申请登记机构解除冻结。",) if left else ()),
                *((f"尚有 {shortfall_cny:,.2f} 元债权未受清偿，仍由债务人清偿。",) if shortfall_cny else ()),
            ),
        ),
    )
    return _set(
        session, actor, found, to, titles=("剩余价款返还说明", "Statement of the Surplus Returned"),
        number=f"FH-{found.pledge.code}-{found.enforcement.number}", step=shared, sections=sections, notes=(),
    )  # fmt: skip


def _heads(to: Addressee, pledge: Pledge, address: str) -> tuple[Term, ...]:
    page = f"{address}/pledges/{pledge.id}/enforcement"
    return (
        *to.terms,
        Term(label_zh="质押编号", label_en="Pledge", value=pledge.code, trace_url=page),
    )


def _means_words(means: EnforcementStep | None) -> str:
    if means is None:
        return "处置方式（拍卖或协议转让）确定后另行通知。"
    zh = METHOD_NAMES[SaleMethod(means.details["method"])][0]
    return f"本行拟以{zh}方式处置上列质押配额，成交价不得超出表列幅度；幅度以成交当日参考价重新计算。"


def _units_table(found: EnforcementView) -> Table:
    means = found.last("means")
    if means is None:
        return Table(
            title_zh="质押配额", title_en="Units pledged",
            columns=(Column(label_zh="品种", label_en="Unit"),
                     Column(label_zh="数量", label_en="Quantity", unit="吨", align=_RIGHT)),
            rows=tuple(Row(cells=(str(one.unit), f"{one.quantity_t:,}")) for one in found.pledge.units),
        )  # fmt: skip
    heads = (
        ("品种", "Unit", "", _LEFT), ("数量", "Quantity", "吨", _RIGHT), ("参考价", "Reference", "元/吨", _RIGHT),
        ("价格下限", "Lowest", "元/吨", _RIGHT), ("价格上限", "Highest", "元/吨", _RIGHT),
    )  # fmt: skip
    return Table(
        title_zh=f"质押配额与价格幅度（{means.business_date}）",
        title_en="Units pledged and price band",
        columns=_columns(heads),
        rows=tuple(
            Row(cells=(unit, f"{quantity_t:,}", *(f"{Decimal(one):,.2f}" for one in prices[:3])))
            for unit, quantity_t, *prices in means.details["bands"]
        ),
    )


def _lots_table(sold: EnforcementStep) -> Table:
    heads = (
        ("品种", "Unit", "", _LEFT), ("数量", "Quantity", "吨", _RIGHT), ("成交价", "Price", "元/吨", _RIGHT),
        ("价款", "Proceeds", "元", _RIGHT),
    )  # fmt: skip
    lots = [(unit, int(quantity_t), Decimal(price)) for unit, quantity_t, price in sold.details["lots"]]
    buyers = sold.details.get("lot_buyers")
    bought = [f"（{buyer}）" for buyer in buyers] if buyers else [""] * len(lots)
    return Table(
        title_zh="成交",
        title_en="Sale",
        columns=_columns(heads),
        rows=tuple(
            Row(cells=(f"{unit}{by}", f"{quantity_t:,}", f"{price:,.2f}", f"{quantity_t * price:,.2f}"))
            for (unit, quantity_t, price), by in zip(lots, bought, strict=True)
        ),
        totals=("合计", "", "", f"{Decimal(sold.details['proceeds_cny']):,.2f}"),
    )


def _waterfall_table(sold: EnforcementStep, shared: EnforcementStep) -> Table:
    heads = (
        ("顺序", "Order", "", _LEFT), ("应付", "Owed", "元", _RIGHT), ("清偿", "Paid", "元", _RIGHT),
        ("余额", "Left", "元", _RIGHT),
    )  # fmt: skip
    left_cny = Decimal(sold.details["proceeds_cny"])
    rows = [Row(cells=("处置价款", "", "", f"{left_cny:,.2f}"))]
    for name, owed, paid in shared.details["shares"]:
        left_cny -= Decimal(paid)
        cells = (WATERFALL_NAMES[name][0], f"{Decimal(owed):,.2f}", f"{Decimal(paid):,.2f}", f"{left_cny:,.2f}")
        rows.append(Row(cells=cells))
    return Table(
        title_zh="价款分配",
        title_en="How the proceeds are shared out",
        columns=_columns(heads),
        rows=tuple(rows),
        totals=("退还出质人", "", "", f"{left_cny:,.2f}"),
    )


def _columns(heads: tuple[tuple[str, str, str, Align], ...]) -> tuple[Column, ...]:
    return tuple(Column(label_zh=zh, label_en=en, unit=unit, align=align) for zh, en, unit, align in heads)


def _addressee(session: Session, actor: Actor, pledge: Pledge, step: EnforcementStep) -> Addressee:
    return addressee_on(session, actor, pledge.pledgor_id, agreement_code=pledge.code, on=step.business_date)


def _set(
    session: Session, actor: Actor, found: EnforcementView, to: Addressee, *, titles: tuple[str, str], number: str,
    step: EnforcementStep, sections: tuple[Section, ...], notes: tuple[Note, ...],
) -> bytes:  # fmt: skip
    bank = load_organization(session, actor.organization_id)
    values: dict[str, Any] = {
        "number": number, "kind": step.kind, "cause": step.cause, "details": dict(step.details),
        "day": step.business_date, "evidence": step.evidence_digest,
    }  # fmt: skip
    sheet = Sheet(
        title_zh=titles[0],
        title_en=titles[1],
        subtitle=f"质押 {found.pledge.code} · {to.name}",
        number=number,
        version="1",
        digest=digest_of(values),
        banner=_SAMPLE_BANNER if bank.is_sample else None,
        issued_on=step.business_date,
        sections=sections,
        notes=(*to.notes, *notes),
        signatures=(SignatureBlock(party_zh="质权人", party_en="Pledgee", name=bank.name),),
    )
    return render_pdf(sheet, attachments={}, created_at=step.happened_at.replace(microsecond=0))


def _not_there(detail: str, zh: str, remedy_zh: str) -> NotFound:
    return NotFound(
        f"{detail}: there is nothing to write about",
        zh=zh,
        field="state",
        remedy="The letter is there once that is done.",
        remedy_zh=remedy_zh,
    )
