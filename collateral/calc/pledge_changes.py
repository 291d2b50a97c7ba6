"""What changes under a pledge while its loan runs: units added, put in the place of others, or let go."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.states import Machine
from carbonfin.kernel.units import cny
from collateral.calc.agreements import UnitQuantity
from collateral.calc.refusals import Refusal
from collateral.calc.serials import Ranges, require_length


class ChangeKind(StrEnum):
    """What a change does."""

    TOP_UP = "top_up"
    SUBSTITUTION = "substitution"
    PART_RELEASE = "part_release"
    CONVERSION = "conversion"


CHANGE = Machine(
    name="change of a pledge",
    name_zh="质押变更",
    states={
        "PROPOSED": "待复核",
        "APPROVED": "已受理",
        "FREEZE_REQUESTED": "新押品已申请冻结",
        "FREEZE_UNKNOWN": "新押品冻结状态未知",
        "FREEZE_REFUSED": "新押品冻结被拒",
        "NEW_LOCKED": "新押品已冻结",
        "UNFREEZE_REQUESTED": "已申请解冻",
        "UNFREEZE_UNKNOWN": "解冻状态未知",
        "UNFREEZE_REFUSED": "解冻被拒",
        "CONVERSION_REQUESTED": "已申请转换",
        "CONVERSION_UNKNOWN": "转换状态未知",
        "CONVERSION_REFUSED": "转换被拒",
        "DONE": "已完成",
        "REJECTED": "已拒绝",
        "WITHDRAWN": "已撤回",
    },
    edges=(
        ("PROPOSED", "approve", "APPROVED"),
        ("PROPOSED", "reject", "REJECTED"),
        ("PROPOSED", "withdraw", "WITHDRAWN"),
        ("APPROVED", "ask_freeze", "FREEZE_REQUESTED"),
        ("APPROVED", "ask_unfreeze", "UNFREEZE_REQUESTED"),
        ("FREEZE_REQUESTED", "registry_confirms", "NEW_LOCKED"),
        ("FREEZE_REQUESTED", "registry_rejects", "FREEZE_REFUSED"),
        ("FREEZE_REQUESTED", "timeout", "FREEZE_UNKNOWN"),
        ("FREEZE_UNKNOWN", "query:frozen", "NEW_LOCKED"),
        ("FREEZE_UNKNOWN", "query:not_frozen", "FREEZE_REFUSED"),
        ("FREEZE_REFUSED", "ask_freeze", "FREEZE_REQUESTED"),
        ("FREEZE_REFUSED", "withdraw", "WITHDRAWN"),
        ("NEW_LOCKED", "complete", "DONE"),
        ("NEW_LOCKED", "hold_back", "NEW_LOCKED"),
        ("NEW_LOCKED", "ask_unfreeze", "UNFREEZE_REQUESTED"),
        ("NEW_LOCKED", "withdraw", "WITHDRAWN"),
        ("UNFREEZE_REQUESTED", "registry_confirms", "DONE"),
        ("UNFREEZE_REQUESTED", "registry_rejects", "UNFREEZE_REFUSED"),
        ("UNFREEZE_REQUESTED", "timeout", "UNFREEZE_UNKNOWN"),
        ("UNFREEZE_UNKNOWN", "query:unfrozen", "DONE"),
        ("UNFREEZE_UNKNOWN", "query:still_frozen", "UNFREEZE_REFUSED"),
        ("UNFREEZE_REFUSED", "ask_unfreeze", "UNFREEZE_REQUESTED"),
        ("APPROVED", "ask_conversion", "CONVERSION_REQUESTED"),
        ("CONVERSION_REQUESTED", "registry_confirms", "DONE"),
        ("CONVERSION_REQUESTED", "registry_rejects", "CONVERSION_REFUSED"),
        ("CONVERSION_REQUESTED", "timeout", "CONVERSION_UNKNOWN"),
        ("CONVERSION_UNKNOWN", "query:converted", "DONE"),
        ("CONVERSION_UNKNOWN", "query:not_converted", "CONVERSION_REFUSED"),
        ("CONVERSION_REFUSED", "ask_conversion", "CONVERSION_REQUESTED"),
        ("CONVERSION_REFUSED", "withdraw", "WITHDRAWN"),
    ),
)

ENDED = frozenset({"DONE", "REJECTED", "WITHDRAWN"})
"""States from which a change goes nowhere."""
CONVERTING = frozenset({"APPROVED", "CONVERSION_REQUESTED", "CONVERSION_UNKNOWN", "CONVERSION_REFUSED"})
"""States of a conversion that two people stand behind and that may still come about: a refusal may be asked anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDraft:
    """A change as it is asked for.

    Attributes:
        added: Units that come under the pledge.
        freed: Units that leave it.
        repayment_cny: What is repaid of the principal against a partial release; zero for the others.
        added_serials: The numbers to freeze, of added units that carry some; where none are named, the lowest free.
        freed_serials: The numbers to let go, of freed units that carry some; where none are named, the highest locked.
        evidence_digest: The file behind it, stored before; a conversion needs the document that grants it.
    """

    kind: ChangeKind
    added: tuple[UnitQuantity, ...]
    freed: tuple[UnitQuantity, ...]
    repayment_cny: Decimal
    reason: str
    added_serials: Mapping[Unit, Ranges] = field(default_factory=dict)
    freed_serials: Mapping[Unit, Ranges] = field(default_factory=dict)
    evidence_digest: str = ""

    def __post_init__(self) -> None:
        """Refuse units on a wrong side or on both, a unit twice, numbers of others, no reason, what is no whole fen."""
        _require_sides(self)
        _require_numbers(self.added, self.added_serials, field="added_serials")
        _require_numbers(self.freed, self.freed_serials, field="freed_serials")
        for side in (self.added, self.freed):
            if len({one.unit for one in side}) != len(side):
                raise InvalidInput("name each unit once", zh="每一品种只填一次", field="units")
        _refuse_both_sides(self)
        if not self.reason.strip():
            raise InvalidInput("a change needs a reason", zh="请填写变更理由", field="reason")
        if self.repayment_cny < 0 or self.repayment_cny != cny(self.repayment_cny):
            raise InvalidInput(
                f"repayment {self.repayment_cny} is not an amount in whole fen",
                zh="还款金额不能为负，且最多两位小数",
                field="repayment_cny",
            )
        if self.kind is ChangeKind.CONVERSION:
            _require_conversion(self)
        if self.repayment_cny and self.kind is not ChangeKind.PART_RELEASE:
            raise InvalidInput(
                "only a partial release goes against a repayment",
                zh="只有部分解押对应还款",
                field="repayment_cny",
            )


def _require_sides(draft: ChangeDraft) -> None:
    wanted = {
        ChangeKind.TOP_UP: (True, False),
        ChangeKind.SUBSTITUTION: (True, True),
        ChangeKind.PART_RELEASE: (False, True),
        ChangeKind.CONVERSION: (True, True),
    }[draft.kind]
    if (bool(draft.added), bool(draft.freed)) != wanted:
        raise InvalidInput(
            f"a {draft.kind.value.replace('_', ' ')} needs units "
            + " and ".join(filter(None, ["to add" if wanted[0] else "", "to free" if wanted[1] else ""])),
            zh="追加只填新增押品，部分解押只填释放押品，置换与年度转换两者都填",
            field="units",
            remedy="Top-up: units to add; partial release: units to free; substitution and conversion: both.",
            remedy_zh="请按变更种类填写。",
        )


def _refuse_both_sides(draft: ChangeDraft) -> None:
    """Refuse a unit that is added and freed, unless the numbers named on both sides tell its tonnes apart."""
    numbered = draft.added_serials.keys() & draft.freed_serials.keys()
    both = {one.unit for one in draft.added} & {one.unit for one in draft.freed}
    if unclear := sorted(str(unit) for unit in both - numbered):
        raise InvalidInput(
            f"{', '.join(unclear)} is added and freed in one change",
            zh=f"{'、'.join(unclear)} 不能在同一变更中既新增又释放",
            field="units",
            remedy="Name the difference on one side; credits are told apart by their numbers on both sides.",
            remedy_zh="请在一侧填写差额；减排量可在两侧分别指定序号。",
        )


def _require_conversion(draft: ChangeDraft) -> None:
    """Refuse a conversion that is none: one vintage becomes as many tonnes of a later one of the same scheme."""
    (first, *more_freed), (second, *more_added) = draft.freed, draft.added
    is_later = first.unit.vintage is not None and (second.unit.vintage or 0) > first.unit.vintage
    fits = first.unit.scheme is second.unit.scheme and first.quantity_t == second.quantity_t
    if more_freed or more_added or not is_later or not fits:
        raise InvalidInput(
            f"{first.quantity_t} t of {first.unit} cannot become {second.quantity_t} t of {second.unit}",
            zh=f"{first.unit} {first.quantity_t} 吨不能转换为 {second.unit} {second.quantity_t} 吨",
            field="units",
            remedy="Convert one vintage into as many tonnes of a later one of the same scheme.",
            remedy_zh="每次将一个年度的配额转换为同一市场更晚年度的等量配额。",
        )
    if draft.added_serials:
        raise InvalidInput(
            "the numbers stay with the units that are converted",
            zh="转换后序号不变，只在释放一侧指定序号",
            field="added_serials",
            remedy="Choose numbers on the side that is freed.",
            remedy_zh="请在释放一侧填写。",
        )
    if not draft.evidence_digest:
        raise InvalidInput(
            "a conversion needs the document that grants it",
            zh="年度转换须附批准结转的文件",
            field="evidence_digest",
            remedy="Send the document as an evidence file first, then name its digest.",
            remedy_zh="请先上传该文件，再选择为附件。",
        )


def _require_numbers(units: tuple[UnitQuantity, ...], serials: Mapping[Unit, Ranges], *, field: str) -> None:
    """Refuse numbers of units that the change does not name, and those that sum to another quantity."""
    quantities = {one.unit: one.quantity_t for one in units}
    for unit, ranges in serials.items():
        if unit not in quantities:
            raise InvalidInput(
                f"serial numbers of {unit} are named, and the change has none of it there",
                zh=f"填写了 {unit} 的序号段，但本次变更不含该品种",
                field=field,
                remedy="Name numbers of the units that the change adds or frees.",
                remedy_zh="请填写本次新增或释放品种的序号。",
            )
        require_length(unit, ranges, quantities[unit])


@dataclass(frozen=True, slots=True, kw_only=True)
class PledgeChange:
    """A change and where it stands.

    Attributes:
        number: Its place among the pledge's changes, from one.
        principal_before_cny: Principal owed when it was asked for.
        decision_id: The weighing it rests on, the latest one.
        attempt: How often the registry was asked for this step; each asking has its own key.
        added_serials: The numbers chosen to be frozen.
        freed_serials: The numbers chosen to be let go, or to be converted.
        evidence_digest: The file behind it; empty where none was named.
    """

    id: str
    pledge_id: str
    number: int
    kind: ChangeKind
    state: str
    added: tuple[UnitQuantity, ...]
    freed: tuple[UnitQuantity, ...]
    repayment_cny: Decimal
    principal_before_cny: Decimal
    reason: str
    decision_id: str
    attempt: int
    started_on: date
    maker_id: str
    maker_name: str
    added_serials: Mapping[Unit, Ranges] = field(default_factory=dict)
    freed_serials: Mapping[Unit, Ranges] = field(default_factory=dict)
    evidence_digest: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it may still move."""
        return self.state not in ENDED

    @property
    def principal_max_cny(self) -> Decimal:
        """The principal that may be owed once the repayment is booked."""
        return self.principal_before_cny - self.repayment_cny


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEvent:
    """One step of a change: what, when, by whom and why."""

    event: str
    state_before: str
    state_after: str
    business_date: date
    happened_at: datetime
    actor_name: str
    cause: str
    decision_id: str | None


def units_after(
    units: tuple[UnitQuantity, ...], *, added: tuple[UnitQuantity, ...], freed: tuple[UnitQuantity, ...]
) -> tuple[UnitQuantity, ...]:
    """Give the pledged units with some added and some freed, by unit.

    Raises:
        InvalidInput: More is freed than is pledged, or nothing would be left.
    """
    held = {one.unit: one.quantity_t for one in units}
    for one in added:
        held[one.unit] = held.get(one.unit, 0) + one.quantity_t
    for one in freed:
        pledged_t = held.get(one.unit, 0)
        if one.quantity_t > pledged_t:
            raise InvalidInput(
                f"{one.unit}: {one.quantity_t} t are to be freed, {pledged_t} t are pledged",
                zh=f"{one.unit} 拟释放 {one.quantity_t} 吨，已质押 {pledged_t} 吨",
                field="freed",
                remedy="Free at most what is pledged.",
                remedy_zh="释放数量不得超过质押数量。",
            )
        held[one.unit] = pledged_t - one.quantity_t
    left = tuple(
        UnitQuantity(unit=unit, quantity_t=quantity_t)
        for unit, quantity_t in sorted(held.items(), key=lambda item: str(item[0]))
        if quantity_t
    )
    if not left:
        raise InvalidInput(
            "nothing would stay pledged",
            zh="全部押品释放须结清后办理解押",
            field="freed",
            remedy="Repay the loan and release the pledge.",
            remedy_zh="请结清贷款后申请解冻。",
        )
    return left


def uncounted_after(changes: Iterable[tuple[PledgeChange, frozenset[Unit]]]) -> dict[Unit, int]:
    """Give the tonnes of a pledge that count for nothing: added by top-ups told so, less what was freed since.

    Args:
        changes: Those that moved what is pledged, in their order, each with the units it was told do not count.
    """
    left: dict[Unit, int] = {}
    for change, told in changes:
        for one in change.freed:
            left[one.unit] = max(0, left.get(one.unit, 0) - one.quantity_t)
        for one in change.added:
            if one.unit in told:
                left[one.unit] = left.get(one.unit, 0) + one.quantity_t
    return {unit: quantity_t for unit, quantity_t in left.items() if quantity_t}


def counts_for_nothing(one: UnitQuantity) -> Refusal:
    """Say of tonnes that a schedule does not admit that they are taken and do not count."""
    return Refusal(
        code="counts-for-nothing",
        detail=f"{one.quantity_t} t of {one.unit} are taken and count for nothing while a schedule does not admit them",
        zh=f"{one.unit} {one.quantity_t} 吨照常受理并冻结，在担保品清单准入之前不计入押品价值",
    )
