"""The words and signs of collateral pages, in both languages."""

from datetime import date
from decimal import ROUND_FLOOR, Decimal

from carbonfin.documents.charts import Tone
from carbonfin.web.pages import Text
from collateral.calc.authority_acts import ActKind
from collateral.calc.close_out import RepoSide
from collateral.calc.coverage_rules import CoverageLevel
from collateral.calc.enforcement import METHOD_NAMES
from collateral.calc.lifecycles import ENCUMBRANCE, MARGIN_CALL, REPO
from collateral.calc.pledge import EVENT_NAMES_ZH, STATE_NAMES_ZH
from collateral.calc.pledge_changes import CHANGE, ChangeKind
from collateral.calc.surrender import SAFE_DATE_NOTES_EN, SAFE_DATE_NOTES_ZH, SafeDate, SafeDateKind

_WARNING_STATES = frozenset({"MARGIN_CALLED", "FREEZE_UNKNOWN", "UNFREEZE_UNKNOWN", "MARGIN_PENDING", "ISSUED"})
_BREACH_STATES = frozenset(
    {"CURE_EXPIRED", "ENFORCING", "DEFAULTED", "START_FAILED", "END_FAILED", "EXPIRED", "DEFAULT"}
)
_GOOD_STATES = frozenset({"DRAWN", "FROZEN", "OPEN"})
_ALL_NAMES_ZH = {**MARGIN_CALL.states, **REPO.states, **STATE_NAMES_ZH}

LEVELS: dict[CoverageLevel, tuple[str, Text]] = {
    CoverageLevel.COVERED: ("good", Text("足额", "Covered")),
    CoverageLevel.BELOW_INITIAL: ("information", Text("低于初始线", "Below initial")),
    CoverageLevel.WARNING: ("warning", Text("预警", "Warning")),
    CoverageLevel.DISPOSAL: ("breach", Text("处置", "Disposal")),
}
TONES: dict[CoverageLevel, Tone] = {
    CoverageLevel.COVERED: Tone.GOOD,
    CoverageLevel.BELOW_INITIAL: Tone.PLAIN,
    CoverageLevel.WARNING: Tone.WARNING,
    CoverageLevel.DISPOSAL: Tone.BREACH,
}
ENTRY_KINDS: dict[str, Text] = {
    "holding": Text("登记持有", "Holding recorded"),
    "reserve": Text("预留", "Reserved"),
    "confirm": Text("锁定", "Locked"),
    "void": Text("撤销预留", "Reservation voided"),
    "release": Text("解除锁定", "Released"),
    "transfer": Text("所有权转移", "Title transferred"),
    "deduction": Text("有权机关扣划", "Taken by an authority"),
    "conversion": Text("年度转换", "Vintage converted"),
    "sale": Text("处置成交划出", "Sold in an enforcement"),
    "authority_freeze": Text("有权机关冻结", "Frozen by an authority"),
    "authority_lift": Text("有权机关解除冻结", "Freeze lifted by an authority"),
    "authority_deduction": Text("有权机关扣划", "Taken by an authority"),
}
BUCKETS: dict[str, Text] = {
    "outside": Text("外部", "outside"),
    "free": Text("可用", "free"),
    "pending": Text("预留", "pending"),
    "locked": Text("锁定", "locked"),
}

CALL_STEP_WORDS: dict[str, Text] = {
    "agree": Text("对方同意", "Agreed"),
    "dispute": Text("对方异议", "Disputed"),
    "resolve": Text("登记重算金额", "Recalculated"),
    "accept": Text("接受重算金额", "Accept the recalculation"),
    "send": Text("已指示划转", "Transfer instructed"),
    "transfer-failed": Text("划转失败", "Transfer failed"),
    "resend": Text("重新划转", "Instruct again"),
    "receive": Text("登记到账", "Received"),
    "retract": Text("撤回", "Retract"),
    "late-cure": Text("提请接受逾期补足", "Propose a late cure"),
    "declare-default": Text("提请宣布违约", "Propose a default"),
}
CALL_EVENTS: dict[str, Text] = {
    "notify": Text("预告", "Announced"),
    "issue": Text("发出", "Issued"),
    "issue before notification time": Text("通知时点前发出", "Issued in time"),
    "agree in full": Text("全额同意", "Agreed in full"),
    "agree part": Text("部分同意", "Agreed in part"),
    "dispute": Text("异议", "Disputed"),
    "retract": Text("撤回", "Retracted"),
    "undisputed part moves now": Text("无争议部分即行交付", "Undisputed part moves"),
    "resolution time: recalculate": Text("重算", "Recalculated"),
    "amount": Text("接受重算金额", "Recalculation accepted"),
    "pledge assets": Text("已指示划转", "Transfer instructed"),
    "confirmed": Text("到账确认", "Confirmed"),
    "received": Text("部分到账", "Part received"),
    "rejected": Text("划转失败", "Transfer failed"),
    "re-instruct": Text("重新划转", "Instructed again"),
    "no answer by deadline": Text("到期未答复", "No answer by the deadline"),
    "not settled by deadline": Text("到期未到账", "Not settled by the deadline"),
    "deadline": Text("到期", "Deadline passed"),
    "grace used": Text("宽限期满，违约", "Grace used up, default"),
    "cured in grace": Text("逾期补足", "Cured"),
}

CHANGE_KINDS: dict[ChangeKind, Text] = {
    ChangeKind.TOP_UP: Text("追加押品", "Top-up"),
    ChangeKind.SUBSTITUTION: Text("置换押品", "Substitution"),
    ChangeKind.PART_RELEASE: Text("部分解押", "Partial release"),
    ChangeKind.CONVERSION: Text("转换配额年度", "Conversion of a vintage"),
}
_CHANGE_EVENTS: dict[str, Text] = {
    "ask": Text("提出", "Asked for"),
    "approve": Text("复核同意", "Approved"),
    "reject": Text("复核拒绝", "Rejected"),
    "withdraw": Text("撤回", "Withdrawn"),
    "ask_freeze": Text("申请冻结新押品", "Freeze of the new units asked"),
    "ask_unfreeze": Text("申请解冻", "Release asked"),
    "registry_confirms": Text("登记机构确认", "Registry confirmed"),
    "registry_rejects": Text("登记机构拒绝", "Registry refused"),
    "timeout": Text("登记机构未答复", "Registry did not answer"),
    "query:frozen": Text("查询结果：已冻结", "Query: frozen"),
    "query:not_frozen": Text("查询结果：未冻结", "Query: not frozen"),
    "query:unfrozen": Text("查询结果：已解冻", "Query: unfrozen"),
    "query:still_frozen": Text("查询结果：仍冻结", "Query: still frozen"),
    "ask_conversion": Text("申请转换年度", "Conversion asked"),
    "query:converted": Text("查询结果：已转换", "Query: converted"),
    "query:not_converted": Text("查询结果：未转换", "Query: not converted"),
    "complete": Text("完成", "Completed"),
    "hold_back": Text("原押品暂不释放", "Old units held back"),
}
_CHANGE_WARNINGS = frozenset({"PROPOSED", "FREEZE_UNKNOWN", "UNFREEZE_UNKNOWN", "CONVERSION_UNKNOWN", "NEW_LOCKED"})
_CHANGE_BREACHES = frozenset({"FREEZE_REFUSED", "UNFREEZE_REFUSED", "CONVERSION_REFUSED", "REJECTED"})


def change_badge(state: str) -> tuple[str, Text]:
    """Give the badge of a change's state: its kind and its words."""
    words = Text(CHANGE.states[state], state.replace("_", " ").capitalize())
    if state in _CHANGE_BREACHES:
        return "breach", words
    if state in _CHANGE_WARNINGS:
        return "warning", words
    return ("good" if state == "DONE" else "neutral"), words


def hold_badge(state: str) -> tuple[str, Text]:
    """Give the badge of a hold's state in the ledger: its kind and its words."""
    words = Text(ENCUMBRANCE.states[state], state.replace("_", " ").capitalize())
    return ("good" if state == "LOCKED" else "neutral"), words


def change_event_words(event: str) -> Text:
    """Give the words of a step of a change."""
    return _CHANGE_EVENTS[event]


METHODS: dict[str, Text] = {str(method): Text(zh, en.capitalize()) for method, (zh, en) in METHOD_NAMES.items()}
ENFORCEMENT_STEPS: dict[str, Text] = {
    "declared": Text("宣布违约", "Default declared"),
    "means": Text("确定处置方式", "Means chosen"),
    "sale_failed": Text("流拍", "Sale failed"),
    "sold": Text("成交", "Sold"),
    "distributed": Text("价款分配", "Proceeds shared out"),
    "repaid": Text("清偿，停止处置", "Repaid, enforcement ended"),
}
TRANSFER_BADGES: dict[str, tuple[str, Text]] = {
    "OPEN": ("warning", Text("登记机构尚未确认", "Not confirmed yet")),
    "DONE": ("good", Text("已过户", "Handed over")),
    "REJECTED": ("breach", Text("被拒绝", "Refused")),
}
ACT_KINDS: dict[ActKind, Text] = {
    ActKind.FREEZE: Text("冻结", "Freeze"),
    ActKind.LIFT: Text("解除冻结", "Lift"),
    ActKind.DEDUCTION: Text("扣划", "Deduction"),
}
_NOTED_ZH = {
    "transfer:asked": "申请过户成交配额",
    "transfer:done": "成交配额已过户",
    "transfer:rejected": "过户被拒绝",
    "units_added": "押品增加",
    "units_converted": "押品年度转换",
    "authority_freeze": "有权机关冻结",
    "authority_lift": "有权机关解除冻结",
    "authority_deduction": "有权机关扣划",
    "query:processing": "查询结果：处理中",
    "query:unknown": "查询无答复",
    "query:not_sent": "查询未发出",
    "query:rejected": "登记机构拒绝",
    "registry:asked_again": "重新申请解冻",
}


SIDES: dict[RepoSide, Text] = {
    RepoSide.SELLER: Text("正回购方", "Seller"),
    RepoSide.BUYER: Text("逆回购方", "Buyer"),
}


def state_badge(state: str) -> tuple[str, Text]:
    """Give the badge of a state: its kind and its words."""
    words = Text(_ALL_NAMES_ZH.get(state, state), state.replace("_", " ").capitalize())
    if state in _BREACH_STATES:
        return "breach", words
    if state in _WARNING_STATES:
        return "warning", words
    return ("good" if state in _GOOD_STATES else "neutral"), words


def event_words(event: str) -> Text:
    """Give the words of a step."""
    names_zh = EVENT_NAMES_ZH | _NOTED_ZH
    return Text(names_zh.get(event, event), event.replace("_", " ").replace(":", ": ").capitalize())


_NO_DAY: dict[SafeDateKind, Text] = {
    SafeDateKind.NOT_LIMITED: Text("无年度期限", "No limit"),
    SafeDateKind.PASSED: Text("已过", "Passed"),
    SafeDateKind.UNKNOWN: Text("未知", "Unknown"),
}


def safe_date_words(safe: SafeDate) -> tuple[Text, Text]:
    """Give the last safe date as a page shows it, and the note beneath."""
    note = Text(SAFE_DATE_NOTES_ZH[safe.kind], SAFE_DATE_NOTES_EN[safe.kind])
    if safe.day is not None:
        return Text(safe.day.isoformat(), safe.day.isoformat()), note
    return _NO_DAY[safe.kind], note


def four_places(ratio: Decimal | None) -> Decimal | None:
    """Cut a ratio to four places, downwards: a coverage is never shown better than it is."""
    return None if ratio is None else ratio.quantize(Decimal("0.0001"), rounding=ROUND_FLOOR)


def days_left(deadline: date | None, business_date: date) -> int | None:
    """Count the days to a deadline, None where there is none."""
    return None if deadline is None else (deadline - business_date).days


_VINTAGE_FACTS: dict[str, Text] = {
    "vintage_carries_forward": Text("配额可结转后续年度使用", "vintages carry forward"),
    "last_usable_date": Text("配额最后可用日", "last usable date"),
    "surrender_date": Text("清缴截止日", "surrender deadline"),
}
_UNCONFIRMED_NAMES: dict[str, Text] = {
    # Facts of vintages stood with collateral once; decisions of that time name them so.
    **{f"{package}.{name}": words for package in ("pricing", "collateral") for name, words in _VINTAGE_FACTS.items()},
    "emissions": Text("核查排放量", "verified emissions"),
    "depth_after_surrender": Text("清缴后成交量与均值之比", "volume after the surrender, of its mean"),
    "collateral.schedule_share_base_cny": Text("清单集中度比例的最低基数", "least base of a schedule's shares"),
    "collateral.depth_after_surrender_ratio": Text("清缴后成交量与均值之比", "volume after the surrender, of its mean"),
    "collateral.depth_season_days": Text("清淡时段的交易日数", "trading days of a thin season"),
    "haircut_policy": Text("按政策的折扣系数所依据的未确认事实", "unconfirmed facts under the haircut by policy"),
    "collateral.sale_band_ratio": Text("处置成交价格幅度", "price band of a sale"),
    "collateral.holding_right": Text("持有资格", "right to hold"),
    "true_up_expected": Text("应补发配额", "expected true-up"),
    "valuation_day": Text("违约估值截止日", "default valuation day"),
    "headroom_after": Text("质押后履约余量", "headroom after"),
}
_OF_ONE = ("headroom_after_", "haircut_policy_", "depth_after_surrender_")
"""Beginnings of figures whose names end with what they are of."""


def unconfirmed_words(names: tuple[str, ...]) -> tuple[Text, ...]:
    """Give unconfirmed facts in words; one without words stands by its key."""
    found = []
    for name in names:
        key, _, scope = name.rstrip("]").partition("[")
        begins = next((one for one in _OF_ONE if key.startswith(one)), None)
        if begins is not None:
            key, scope = begins[:-1], key.removeprefix(begins)
        words = _UNCONFIRMED_NAMES.get(key, Text(key, key))
        suffix = f"（{scope}）" if scope else ""
        found.append(Text(f"{words.zh}{suffix}", f"{words.en}{f' ({scope})' if scope else ''}"))
    return tuple(found)


def unconfirmed_note(names: tuple[str, ...]) -> Text:
    """Give unconfirmed facts as one note."""
    words = unconfirmed_words(names)
    return Text("；".join(one.zh for one in words), "; ".join(one.en for one in words))
