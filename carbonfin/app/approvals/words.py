"""What a checker reads of a proposal: each field by its name, each value in its words."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from carbonfin.app.rulebook.parameter_list import GRADE_WORDS
from carbonfin.storage.approvals import Approval
from carbonfin.web.filters import cny, number
from carbonfin.web.pages import ROLE_NAMES, Text
from collateral.calc.enforcement import METHOD_NAMES
from collateral.calc.haircut_policies import POLICY_NAMES
from loans.calc.contracts.terms import METHOD_NAMES_EN, METHOD_NAMES_ZH
from loans.calc.cut_claims import CUT_CLAIM_NAMES
from loans.calc.facilities import CLAUSE_WORDS, FACILITY_NAMES
from loans.calc.green import GREEN_NAMES
from loans.calc.linked.agreements import LINK_NAMES
from loans.calc.linked.observation_terms import STATUS_EN, STATUS_ZH
from loans.calc.ratings.objections import OBJECTION_NAMES, OUTCOME_NAMES
from loans.calc.servicing.receipts import REPAYMENT_NAMES

_NAMES: Mapping[str, Text] = {
    "login": Text("登录名", "Login"),
    "name": Text("名称", "Name"),
    "role_before": Text("原角色", "Role until now"),
    "role": Text("角色", "Role"),
    "scopes": Text("使用范围", "Scopes"),
    "days": Text("有效天数", "Days"),
    "code": Text("编号", "Code"),
    "pledgor": Text("出质人", "Pledgor"),
    "units": Text("质押品（吨）", "Units (t)"),
    "number": Text("序号", "Number"),
    "kind": Text("种类", "Kind"),
    "added": Text("新增押品（吨）", "Units added (t)"),
    "freed": Text("释放押品（吨）", "Units freed (t)"),
    "added_serials": Text("新增押品序号段", "Serial numbers added"),
    "freed_serials": Text("释放押品序号段", "Serial numbers freed"),
    "repayment_cny": Text("对应还款（元）", "Repaid against it (CNY)"),
    "principal_cny": Text("贷款本金（元）", "Principal (CNY)"),
    "end_date": Text("到期日", "End date"),
    "extends_code": Text("延期自", "Extends"),
    "contract_number": Text("合同编号", "Contract number"),
    "registration_number": Text("中登网登记证明", "Registration number"),
    "owed_cny": Text("债权余额（元）", "Owed (CNY)"),
    "owed_on": Text("债权余额日期", "Owed on"),
    "applicant": Text("申报单位", "Applicant"),
    "scheme": Text("项目", "Scheme"),
    "amount_cny": Text("金额（元）", "Amount (CNY)"),
    "report_quarter": Text("申报批次", "Batch"),
    "granted_cny": Text("现可资助金额（元）", "May be granted today (CNY)"),
    "applications": Text("申请（编号、金额）", "Applications"),
    "total_cny": Text("合计（元）", "In all (CNY)"),
    "ground": Text("事由", "Ground"),
    "method": Text("处置方式", "Means of sale"),
    "floor_proceeds_cny": Text("按价格下限成交（元）", "Proceeds at the lowest prices (CNY)"),
    "cap_proceeds_cny": Text("按价格上限成交（元）", "Proceeds at the highest prices (CNY)"),
    "proceeds_cny": Text("处置价款（元）", "Proceeds (CNY)"),
    "costs_cny": Text("处置费用（元）", "Costs of the enforcement (CNY)"),
    "surplus_cny": Text("退还出质人（元）", "Surplus to the pledgor (CNY)"),
    "shortfall_cny": Text("未受清偿债权（元）", "Shortfall (CNY)"),
    "evidence_digest": Text("附件摘要（SHA-256）", "Digest of the evidence (SHA-256)"),
    "seller": Text("正回购方", "Seller"),
    "buyer": Text("逆回购方", "Buyer"),
    "bank_role": Text("本行角色", "The bank's part"),
    "state_before": Text("当前状态", "State until now"),
    "state_after": Text("之后状态", "State after"),
    "cash_to_buyer_amount": Text("正回购方应付（负数为应收）", "Paid by the seller"),
    "currency": Text("币种", "Currency"),
    "moves": Text("所有权转移（品种、吨、受让方）", "Title that passes"),
    "purchase_price_amount": Text("首期价款", "Purchase price"),
    "quantity_t": Text("数量（吨）", "Quantity (t)"),
    "rate": Text("回购利率", "Repo rate"),
    "basis": Text("计息基准", "Day count"),
    "purchase_date": Text("首期交易日", "Purchase date"),
    "repurchase_date": Text("购回日", "Repurchase date"),
    "minimum_transfer_amount": Text("最低转让金额", "Minimum transfer"),
    "agreed_haircut_ratio": Text("约定折扣系数", "Agreed haircut"),
    "margin_rate": Text("现金保证金利率", "Rate on margin cash"),
    "override_reason": Text("例外理由", "Reason for an exception"),
    "override_ruled": Text("本行规则", "The bank's own rule"),
    "override_used": Text("实际采用", "What is used instead"),
    "is_delivered": Text("首期已交付", "Delivered at the start"),
    "flags": Text("提示", "Flags"),
    "agreement_kind": Text("协议种类", "Kind of agreement"),
    "agreement_code": Text("协议编号", "Agreement"),
    "issued_on": Text("通知日", "Issued on"),
    "deadline": Text("补足期限", "Deadline"),
    "outstanding_amount": Text("尚欠金额", "Outstanding"),
    "received_amount": Text("已收金额", "Received"),
    "threshold": Text("免担保额（空为无限）", "Threshold (none is without end)"),
    "minimum_transfer": Text("最低转让金额", "Minimum transfer"),
    "rounding": Text("取整倍数", "Rounding"),
    "delivery_direction": Text("交付取整方向", "Rounding of deliveries"),
    "return_direction": Text("退还取整方向", "Rounding of returns"),
    "independent": Text("独立担保额", "Independent amount"),
    "initial_ratio": Text("初始覆盖率", "Initial coverage"),
    "warning_ratio": Text("预警线", "Warning line"),
    "disposal_ratio": Text("处置线", "Disposal line"),
    "eligible_currencies": Text("合格币种", "Eligible currencies"),
    "notice_address": Text("约定送达地址与联系人", "Address for notices"),
    "calendar": Text("营业日历", "Business calendar"),
    "zone": Text("时区", "Time zone"),
    "notification_time": Text("通知时点", "Notification time"),
    "transfer_time": Text("转让时点", "Transfer time"),
    "resolution_time": Text("争议解决时点", "Resolution time"),
    "days_on_time": Text("及时通知的转让天数（营业日）", "Days to transfer, call in time"),
    "days_late": Text("逾时通知的转让天数（营业日）", "Days to transfer, late call"),
    "resolution_days": Text("争议解决天数（营业日）", "Days to resolve a dispute"),
    "grace_days": Text("宽限天数（营业日）", "Days of grace"),
    "key": Text("参数", "Parameter"),
    "scope": Text("适用范围", "Scope"),
    "value": Text("取值", "Value"),
    "unit": Text("单位", "Unit"),
    "valid_from": Text("生效日", "Valid from"),
    "valid_to": Text("失效日", "Valid to"),
    "known_from": Text("知悉日", "Known from"),
    "declares_gap": Text("已声明空档（其间规则废止）", "A gap is declared: repealed between"),
    "document": Text("依据文件", "Document"),
    "document_number": Text("文号", "Document's number"),
    "article": Text("条款", "Article"),
    "quote": Text("引文", "Quote"),
    "grade": Text("可信等级", "Grade"),
    "confirmed": Text("是否确认", "Confirmed"),
    "note": Text("说明", "Note"),
    "digest": Text("文件摘要（SHA-256）", "Digest (SHA-256)"),
    "media_type": Text("文件类型", "Type"),
    "size_bytes": Text("大小（字节）", "Size (bytes)"),
    "stored_by": Text("存入人", "Stored by"),
    "links": Text("关联", "Links"),
}
_UNIT_OF_REPO = Text("品种", "Unit")
_LINKED = ("loans.link", "loans.link_observation")
_LENDING = ("loans.credit_line", "loans.contract", "loans.drawdown")
_REPAYMENT = "loans.repayment"
_GREEN = "loans.green_recognition"
_CUTS = ("loans.cut_claim", "loans.cut_release")
_OBJECTION = "loans.rating_objection"
_NAMES_OF_KIND: Mapping[tuple[str, str], Text] = {
    ("collateral.repo", "unit"): _UNIT_OF_REPO,
    ("collateral.repo", "method"): Text("敞口方法", "Exposure method"),
    ("collateral.repo_event", "unit"): _UNIT_OF_REPO,
    **{("collateral.haircut_policy", name): Text(*words) for name, words in POLICY_NAMES.items()},
    **{(kind, name): Text(*words) for kind in _LENDING for name, words in FACILITY_NAMES.items()},
    **{(_REPAYMENT, name): Text(*words) for name, words in REPAYMENT_NAMES.items()},
    **{(_GREEN, name): Text(*words) for name, words in GREEN_NAMES.items()},
    **{(kind, name): Text(*words) for kind in _CUTS for name, words in CUT_CLAIM_NAMES.items()},
    **{(_OBJECTION, name): Text(*words) for name, words in OBJECTION_NAMES.items()},
    **{(kind, name): Text(*words) for kind in _LINKED for name, words in LINK_NAMES.items()},
}
_ROLE_WORDS = {role.value: words for role, words in ROLE_NAMES.items()}
_WORDS_OF_VALUES: Mapping[str, Mapping[str, Text]] = {
    "role": _ROLE_WORDS,
    "role_before": _ROLE_WORDS,
    "outcome": {name: Text(*words) for name, words in OUTCOME_NAMES.items()},
    "observation_status": {one.value: Text(STATUS_ZH[one], STATUS_EN[one]) for one in STATUS_ZH},
    "grade": {grade.value: words for grade, words in GRADE_WORDS.items()},
    "method": {method.value: Text(*words) for method, words in METHOD_NAMES.items()}
    | {method.value: Text(METHOD_NAMES_ZH[method], METHOD_NAMES_EN[method]) for method in METHOD_NAMES_ZH},
    **{name: {one: Text(*said) for one, said in words.items()} for name, words in CLAUSE_WORDS.items()},
}
"""Words for the values of a field; a value without words, such as a repo's exposure method, is shown as it is."""
_HIDDEN = frozenset(
    {
        "action",
        "approved_by",
        "title_zh",
        "title_en",
        "pledgor_id",
        "pledge_id",
        "appraisal_id",
        "table",
        "seller_id",
        "buyer_id",
        "repo_id",
        "event",
        "call_id",
        "party_id",
        "objection_id",
        "rate_decision_id",
        "terms",
        "report_version",
    }
)
_PLACES = {name: place for place, name in enumerate(_NAMES)}
_PLACES_OF_KIND: Mapping[str, Mapping[str, int]] = {
    "collateral.haircut_policy": {name: place for place, name in enumerate(POLICY_NAMES)},
    **{kind: {name: place for place, name in enumerate(FACILITY_NAMES)} for kind in _LENDING},
    _REPAYMENT: {name: place for place, name in enumerate(REPAYMENT_NAMES)},
    _OBJECTION: {name: place for place, name in enumerate(OBJECTION_NAMES)},
    _GREEN: {name: place for place, name in enumerate(GREEN_NAMES)},
    **{kind: {name: place for place, name in enumerate(CUT_CLAIM_NAMES)} for kind in _CUTS},
    **{kind: {name: place for place, name in enumerate(LINK_NAMES)} for kind in _LINKED},
}


def payload_rows(approval: Approval, *, without: str = "") -> list[tuple[Text, str]]:
    """Give what takes effect as rows of name and value, empty ones left out, and the one that is shown elsewhere."""
    rows = []
    places = _PLACES_OF_KIND.get(approval.kind, _PLACES)
    for name, value in sorted(approval.payload.items(), key=lambda item: places.get(item[0], len(places))):
        if name in _HIDDEN or name == without or value in (None, "", []):
            continue
        shown = _shown_value(name, value)
        known = _NAMES_OF_KIND.get((approval.kind, name)) or _NAMES.get(name, Text(name, name))
        rows.append((known, shown))
    return rows


def _shown_value(name: str, value: Any) -> str:
    if name.endswith("_cny"):
        return cny(Decimal(value))
    words = _WORDS_OF_VALUES.get(name, {}).get(value) if isinstance(value, str) else None
    if words is not None:
        return f"{words.zh} / {words.en}"
    return _in_words(value)


def _in_words(value: Any) -> str:
    if isinstance(value, list):
        return "；".join(_in_words(one) for one in value)
    if isinstance(value, dict):
        return " ".join(_in_words(one) for one in value.values())
    if isinstance(value, bool):
        return "是 / yes" if value else "否 / no"
    return number(value) if isinstance(value, int) else str(value)
