"""The life of a pledge: twenty states and forty-three edges, typed in as data."""

from enum import StrEnum

from collateral.calc.states import Machine


class PledgeState(StrEnum):
    """Where a pledge stands."""

    APPLIED = "APPLIED"
    APPRAISED = "APPRAISED"
    DILIGENCE_DONE = "DILIGENCE_DONE"
    APPROVED = "APPROVED"
    CONTRACTED = "CONTRACTED"
    REGISTERED_ZHONGDENG = "REGISTERED_ZHONGDENG"
    FREEZE_REQUESTED = "FREEZE_REQUESTED"
    FREEZE_UNKNOWN = "FREEZE_UNKNOWN"
    FROZEN = "FROZEN"
    DRAWN = "DRAWN"
    MARGIN_CALLED = "MARGIN_CALLED"
    CURE_EXPIRED = "CURE_EXPIRED"
    ENFORCING = "ENFORCING"
    ENFORCED = "ENFORCED"
    REPAID = "REPAID"
    UNFREEZE_REQUESTED = "UNFREEZE_REQUESTED"
    UNFREEZE_UNKNOWN = "UNFREEZE_UNKNOWN"
    RELEASED = "RELEASED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"


STATE_NAMES_ZH: dict[str, str] = {
    "APPLIED": "已申请",
    "APPRAISED": "已评估",
    "DILIGENCE_DONE": "尽调完成",
    "APPROVED": "已审批",
    "CONTRACTED": "已签约",
    "REGISTERED_ZHONGDENG": "中登网已登记",
    "FREEZE_REQUESTED": "已申请冻结",
    "FREEZE_UNKNOWN": "冻结状态未知",
    "FROZEN": "已冻结",
    "DRAWN": "已放款",
    "MARGIN_CALLED": "已通知追加担保",
    "CURE_EXPIRED": "补足期届满",
    "ENFORCING": "处置中",
    "ENFORCED": "已处置",
    "REPAID": "已结清",
    "UNFREEZE_REQUESTED": "已申请解冻",
    "UNFREEZE_UNKNOWN": "解冻状态未知",
    "RELEASED": "已解押",
    "REJECTED": "已拒绝",
    "CANCELLED": "已撤销",
}

EVENT_NAMES_ZH: dict[str, str] = {
    "appraise": "押品评估",
    "diligence": "尽职调查",
    "approve": "审批通过",
    "sign": "签署合同",
    "register": "中登网登记",
    "request_freeze": "申请冻结",
    "registry_confirms": "登记机构确认",
    "timeout": "登记机构未答复",
    "query:frozen": "查询结果：已冻结",
    "query:not_frozen": "查询结果：未冻结",
    "registry_rejects": "登记机构拒绝",
    "drawdown": "放款",
    "breach": "跌破预警线",
    "cured": "已补足",
    "deadline": "补足期限届满",
    "late cure accepted": "接受逾期补足",
    "declare_default": "宣布违约",
    "event_of_default": "违约事件",
    "repay_all": "全部结清",
    "request_unfreeze": "申请解冻",
    "sale settled": "处置成交",
    "distribute": "价款分配",
    "reject": "拒绝",
    "withdraw": "撤回",
    "withdraw before drawdown": "放款前撤回",
    "part_release": "部分解押",
    "substitute": "置换押品",
    "top_up": "追加押品",
    "sale_failed": "处置流拍",
    "judicial_freeze or authority_deduction": "司法冻结或主管部门扣划",
    "query:unfrozen": "查询结果：已解冻",
    "query:still_frozen": "查询结果：仍冻结",
    "units_left": "剩余配额退回",
}

PLEDGE = Machine(
    name="pledge",
    name_zh="质押",
    states=STATE_NAMES_ZH,
    edges=(
        ("APPLIED", "appraise", "APPRAISED"),
        ("APPRAISED", "diligence", "DILIGENCE_DONE"),
        ("DILIGENCE_DONE", "approve", "APPROVED"),
        ("APPROVED", "sign", "CONTRACTED"),
        ("CONTRACTED", "register", "REGISTERED_ZHONGDENG"),
        ("REGISTERED_ZHONGDENG", "request_freeze", "FREEZE_REQUESTED"),
        ("FREEZE_REQUESTED", "registry_confirms", "FROZEN"),
        ("FREEZE_REQUESTED", "timeout", "FREEZE_UNKNOWN"),
        ("FREEZE_UNKNOWN", "query:frozen", "FROZEN"),
        ("FREEZE_UNKNOWN", "query:not_frozen", "REGISTERED_ZHONGDENG"),
        ("FREEZE_REQUESTED", "registry_rejects", "CANCELLED"),
        ("FROZEN", "drawdown", "DRAWN"),
        ("DRAWN", "breach", "MARGIN_CALLED"),
        ("MARGIN_CALLED", "cured", "DRAWN"),
        ("MARGIN_CALLED", "deadline", "CURE_EXPIRED"),
        ("CURE_EXPIRED", "late cure accepted", "DRAWN"),
        ("CURE_EXPIRED", "declare_default", "ENFORCING"),
        ("DRAWN", "event_of_default", "ENFORCING"),
        ("DRAWN", "repay_all", "REPAID"),
        ("MARGIN_CALLED", "repay_all", "REPAID"),
        ("REPAID", "request_unfreeze", "UNFREEZE_REQUESTED"),
        ("UNFREEZE_REQUESTED", "registry_confirms", "RELEASED"),
        ("ENFORCING", "sale settled", "ENFORCED"),
        ("ENFORCED", "distribute", "RELEASED"),
        ("APPLIED", "reject", "REJECTED"),
        ("APPRAISED", "reject", "REJECTED"),
        ("DILIGENCE_DONE", "reject", "REJECTED"),
        ("APPROVED", "withdraw", "CANCELLED"),
        ("CONTRACTED", "withdraw", "CANCELLED"),
        ("REGISTERED_ZHONGDENG", "withdraw", "CANCELLED"),
        ("FROZEN", "withdraw before drawdown", "UNFREEZE_REQUESTED"),
        ("DRAWN", "part_release", "DRAWN"),
        ("DRAWN", "substitute", "DRAWN"),
        ("MARGIN_CALLED", "top_up", "MARGIN_CALLED"),
        ("MARGIN_CALLED", "event_of_default", "ENFORCING"),
        ("CURE_EXPIRED", "repay_all", "REPAID"),
        ("ENFORCING", "repay_all", "REPAID"),
        ("ENFORCING", "sale_failed", "ENFORCING"),
        ("DRAWN", "judicial_freeze or authority_deduction", "MARGIN_CALLED"),
        ("UNFREEZE_REQUESTED", "timeout", "UNFREEZE_UNKNOWN"),
        ("UNFREEZE_UNKNOWN", "query:unfrozen", "RELEASED"),
        ("UNFREEZE_UNKNOWN", "query:still_frozen", "UNFREEZE_REQUESTED"),
        ("ENFORCED", "units_left", "UNFREEZE_REQUESTED"),
    ),
)

IN_FORCE = frozenset({"DRAWN", "MARGIN_CALLED", "CURE_EXPIRED", "ENFORCING"})
"""States in which a loan stands behind the pledge and coverage is struck each business date."""

ENCUMBERING = frozenset(
    {"FREEZE_REQUESTED", "FREEZE_UNKNOWN", "FROZEN", "REPAID", "UNFREEZE_REQUESTED", "UNFREEZE_UNKNOWN", *IN_FORCE}
)
"""States in which units are reserved or locked in the ledger."""
