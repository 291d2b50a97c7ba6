"""What stands against a pledge's contract, drawdown, repayment and release; asked when proposed and when done."""

from datetime import date

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict
from collateral.calc.agreements import Pledge
from collateral.calc.pledge import PLEDGE
from collateral.calc.pledge_changes import CHANGE
from collateral.service import ledger
from collateral.store import pledge_changes as change_store
from collateral.store import valuations
from collateral.store.authority_acts import attached_to

_BEFORE_DRAWDOWN = frozenset(
    {"APPROVED", "CONTRACTED", "REGISTERED_ZHONGDENG", "FREEZE_REQUESTED", "FREEZE_UNKNOWN", "FROZEN"}
)


def refuse_drawdown(session: Session, actor: Actor, pledge: Pledge) -> None:
    """Refuse a drawdown before both registrations, naming which lacks, by how much, and the next step.

    Raises:
        Conflict: A registration is missing, not every unit is locked, or the pledge's state has no drawdown.
    """
    if pledge.state in _BEFORE_DRAWDOWN:
        _require_registrations(session, actor, pledge)
    PLEDGE.after(pledge.state, "drawdown")


def _require_registrations(session: Session, actor: Actor, pledge: Pledge) -> None:
    locked = ledger.locked_for(session, actor, pledge_id=pledge.id)
    lacking = [(one, locked.get(one.unit, 0)) for one in pledge.units if locked.get(one.unit, 0) != one.quantity_t]
    en = [f"{one.unit}: {locked_t} of {one.quantity_t} t frozen" for one, locked_t in lacking]
    zh = [f"{one.unit} 应冻结 {one.quantity_t:,} 吨，已冻结 {locked_t:,} 吨" for one, locked_t in lacking]
    remedy = ("Wait for the registry's confirmation of the freeze.", "请等待登记机构确认冻结。")
    if pledge.registration_number is None:
        en.insert(0, "no registration number of the movable-asset register")
        zh.insert(0, "动产融资统一登记（中登网）无登记证明编号")
        remedy = (
            "Register the pledge first, then ask for the freeze.",
            "请先办理中登网登记并录入证明编号，再申请冻结。",
        )
    if en:
        raise Conflict(
            f"pledge {pledge.code} is not registered and frozen in full: {'; '.join(en)}",
            zh=f"登记或冻结未完成，不得放款：{'；'.join(zh)}",
            field="state",
            remedy=remedy[0],
            remedy_zh=remedy[1],
        )


DRAWDOWN_SOURCE = "放款"
"""Where the first exposure of a pledge comes from; every later one is the loan ledger's."""


def refuse_repayment(session: Session, actor: Actor, pledge: Pledge, *, on: date) -> None:
    """Refuse to take a loan as repaid in full while the loan ledger says that something is owed.

    Raises:
        Conflict: Something is owed, with its parts, or the pledge's state has no repayment.
    """
    PLEDGE.after(pledge.state, "repay_all")
    owed = valuations.latest_exposure(session, actor, pledge.code, on=on)
    if owed is None or owed.source == DRAWDOWN_SOURCE:
        return
    total_cny = owed.principal_cny + owed.accrued_cny + owed.costs_cny
    if total_cny > 0:
        raise Conflict(
            f"{total_cny} CNY are owed on {owed.exposure_date}: principal {owed.principal_cny}, accrued"
            f" {owed.accrued_cny}, costs {owed.costs_cny}",
            zh=f"截至 {owed.exposure_date} 尚欠 {total_cny:,} 元：本金 {owed.principal_cny:,} 元，"
            f"应计利息 {owed.accrued_cny:,} 元，费用 {owed.costs_cny:,} 元",
            field="state",
            remedy="Enter the settlement in the loan ledger first.",
            remedy_zh="请先在贷款台账录入结清。",
            owed_cny=str(total_cny),
            exposure_date=owed.exposure_date.isoformat(),
        )


def release_event(pledge: Pledge) -> str:
    """Give the event that asks for a pledge's units to be let go: before the loan was paid out, or after."""
    return "withdraw before drawdown" if pledge.state == "FROZEN" else "request_unfreeze"


def refuse_release(session: Session, actor: Actor, pledge: Pledge) -> None:
    """Refuse the full release of a pledge with a change under way, or of units an authority has frozen.

    Raises:
        Conflict: One of them, named with its figures, or the pledge's state has no release.
    """
    _refuse_open_changes(session, actor, pledge)
    _refuse_attached(session, actor, pledge)
    PLEDGE.after(pledge.state, release_event(pledge))


def _refuse_open_changes(session: Session, actor: Actor, pledge: Pledge) -> None:
    """Refuse the full release of a pledge with a change under way: its units would be let go twice or never."""
    for change in change_store.open_changes(session, actor, pledge.id):
        raise Conflict(
            f"change {change.number} of pledge {pledge.code} is under way ({change.state})",
            zh=f"第 {change.number} 项变更尚未完成（{CHANGE.states[change.state]}），不得申请全部解冻",
            field="state",
            remedy="Finish it or withdraw it first.",
            remedy_zh="请先完成或撤回该项变更。",
        )


def _refuse_attached(session: Session, actor: Actor, pledge: Pledge) -> None:
    """Refuse to let units go that an authority has frozen."""
    for act in attached_to(session, actor, pledge.id):
        raise Conflict(
            f"{act.outstanding_t} t of {act.draft.unit} are frozen by {act.draft.authority} ({act.draft.document})",
            zh=f"{act.draft.unit} 有 {act.outstanding_t} 吨被冻结（{act.draft.document}），不得释放",
            field="units",
            remedy="Record the lifting of the freeze first.",
            remedy_zh="请先登记解除冻结。",
        )
