"""Release letters (解押通知): which units a bank lets go, when, and what stays pledged; the same bytes again."""

from datetime import date, datetime
from decimal import Decimal

from sqlmodel import Session

from carbonfin.documents.pdf import render_pdf
from carbonfin.documents.sheets import Align, Column, Paragraphs, Row, Sheet, SignatureBlock, Table, Term, TermGrid
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import NotFound
from carbonfin.rules.record import digest_of
from carbonfin.storage.parties import load_organization
from collateral.calc.agreements import Pledge, UnitQuantity
from collateral.calc.pledge import STATE_NAMES_ZH
from collateral.calc.pledge_changes import CHANGE, ChangeKind
from collateral.service.addressees import addressee_on
from collateral.service.enforcement_view import view_enforcement
from collateral.store import pledge_changes as change_store
from collateral.store import pledges as store
from collateral.workbooks import Addressee

_SAMPLE_BANNER = "演示数据（示例），不构成报价或承诺"


def change_letter(session: Session, actor: Actor, change_id: str, *, address: str) -> bytes:
    """Give the letter of a change by which units were let go.

    Raises:
        NotFound: The registry has not unfrozen anything by it.
    """
    change = change_store.load_change(session, actor, change_id)
    if change.state != "DONE" or not change.freed or change.kind is ChangeKind.CONVERSION:
        raise _nothing_released(f"change {change.number} is {change.state}", CHANGE.states[change.state])
    pledge = store.load_pledge(session, actor, change.pledge_id)
    last = change_store.change_events(session, actor, change.id)[-1]
    against = (
        f"就部分还款 {change.repayment_cny:,.2f} 元，"
        if change.kind is ChangeKind.PART_RELEASE and change.repayment_cny
        else "因押品置换，"
        if change.kind is ChangeKind.SUBSTITUTION
        else ""
    )
    return _letter(
        session, actor, pledge, freed=change.freed, kept=pledge.units, number=f"JY-{pledge.code}-{change.number}",
        day=last.business_date, at=last.happened_at, evidence=last.cause, against=against,
        page=f"{address}/pledges/{pledge.id}/changes/{change.id}",
    )  # fmt: skip


def release_letter(session: Session, actor: Actor, pledge_id: str, *, address: str) -> bytes:
    """Give the letter of a pledge that was released in full.

    Raises:
        NotFound: It is not released, or all its units were sold.
    """
    pledge = store.load_pledge(session, actor, pledge_id)
    if pledge.state != "RELEASED":
        raise _nothing_released(f"pledge {pledge.code} is {pledge.state}", STATE_NAMES_ZH[pledge.state])
    unsold = _left_unsold(session, actor, pledge)
    if unsold == ():
        raise _nothing_released(f"all units of pledge {pledge.code} were sold", "质押品已全部处置")
    against = "主债权已结清，" if unsold is None else "处置价款分配后，"
    last = store.events_of(session, actor, pledge.id)[-1]
    return _letter(
        session, actor, pledge, freed=pledge.units if unsold is None else unsold, kept=(), number=f"JY-{pledge.code}",
        day=last.business_date, at=last.happened_at, evidence=last.cause, against=against,
        page=f"{address}/pledges/{pledge.id}",
    )  # fmt: skip


def _left_unsold(session: Session, actor: Actor, pledge: Pledge) -> tuple[UnitQuantity, ...] | None:
    """Give what a sale in enforcement left of the units; None where nothing was sold."""
    sold = view_enforcement(session, actor, pledge.id).last("sold")
    if sold is None:
        return None
    left = sold.details["units_left"]
    return tuple(UnitQuantity(unit=Unit.parse(unit), quantity_t=int(quantity_t)) for unit, quantity_t in left)


def _nothing_released(detail: str, zh: str) -> NotFound:
    return NotFound(
        f"{detail}: there is no release to write about",
        zh=f"当前状态为“{zh}”，尚无可出具的解押通知",
        field="state",
        remedy="The letter is there once the registry has unfrozen the units.",
        remedy_zh="登记机构解冻后即可出具。",
    )


def _letter(
    session: Session,
    actor: Actor,
    pledge: Pledge,
    *,
    freed: tuple[UnitQuantity, ...],
    kept: tuple[UnitQuantity, ...],
    number: str,
    day: date,
    at: datetime,
    evidence: str,
    against: str,
    page: str,
) -> bytes:
    bank = load_organization(session, actor.organization_id)
    to = addressee_on(session, actor, pledge.pledgor_id, agreement_code=pledge.code, on=day)
    values = {"number": number, "freed": _plain(freed), "kept": _plain(kept), "day": day, "evidence": evidence}
    registration = pledge.registration_number or "—"
    sheet = Sheet(
        title_zh="解押通知",
        title_en="Release Letter",
        subtitle=f"质押 {pledge.code} · {to.name}",
        number=number,
        version="1",
        digest=digest_of(values),
        banner=_SAMPLE_BANNER if bank.is_sample else None,
        issued_on=day,
        sections=(
            _terms(pledge, to, day=day, evidence=evidence, registration=registration, page=page),
            _units("解除质押的配额", "Units released", freed),
            *((_units("继续质押的配额", "Units that stay pledged", kept),) if kept else ()),
            Paragraphs(
                title_zh="事由",
                title_en="What happened",
                texts=(
                    f"{against}{bank.name}同意解除上列配额的质押，登记机构已于 {day} 解除冻结。",
                    "登记机关（动产融资统一登记公示系统）的登记将依规于十个工作日内变更或注销；未解除部分的质权不受影响。"
                    if kept
                    else "动产融资统一登记公示系统的登记将依规于十个工作日内注销。",
                ),
            ),
        ),
        notes=to.notes,
        signatures=(SignatureBlock(party_zh="质权人", party_en="Pledgee", name=bank.name),),
    )
    return render_pdf(sheet, attachments={}, created_at=at.replace(microsecond=0))


def _terms(pledge: Pledge, to: Addressee, *, day: date, evidence: str, registration: str, page: str) -> TermGrid:
    return TermGrid(
        title_zh="通知",
        title_en="Notice",
        items=(
            *to.terms,
            Term(label_zh="质押编号", label_en="Pledge", value=pledge.code, trace_url=page),
            Term(label_zh="解除日", label_en="Released on", value=day.isoformat()),
            Term(label_zh="登记证明", label_en="Registration", value=registration),
            Term(label_zh="解冻依据", label_en="Evidence", value=evidence, wide=True),
        ),
    )


def _units(zh: str, en: str, units: tuple[UnitQuantity, ...]) -> Table:
    return Table(
        title_zh=zh,
        title_en=en,
        columns=(
            Column(label_zh="品种", label_en="Unit", weight=Decimal(40)),
            Column(label_zh="数量", label_en="Quantity", unit="吨", align=Align.RIGHT, weight=Decimal(30)),
        ),
        rows=tuple(Row(cells=(str(one.unit), f"{one.quantity_t:,}")) for one in units),
    )


def _plain(units: tuple[UnitQuantity, ...]) -> list[list[str | int]]:
    return [[str(one.unit), one.quantity_t] for one in units]
