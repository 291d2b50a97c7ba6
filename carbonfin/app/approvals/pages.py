"""The inbox of what waits for a decision, and one approval: consequences first, then reason and password."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct
from sqlmodel import Session

from carbonfin.app.approvals.api import decide
from carbonfin.app.approvals.kinds import APPROVAL_KINDS, EVENT_WORDS, STATE_WORDS, kind_named, kind_words
from carbonfin.app.doors import doors_of
from carbonfin.app.files.pages import evidence_of
from carbonfin.app.identity.single_sign_on import single_sign_on_of
from carbonfin.app.rulebook.parameter_impact import ParameterImpact, parameter_impact
from carbonfin.app.rulebook.parameter_list import GRADE_WORDS
from carbonfin.app.rulebook.views import proposed_table
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput, NotPermitted
from carbonfin.storage import approvals
from carbonfin.storage.approvals import OPEN_STATES, Answer, Approval, ApprovalState
from carbonfin.storage.decisions import load_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import is_confirmed, load_organization
from carbonfin.storage.rulebook import PARAMETER_APPROVAL, proposed_value, unconfirmed_value
from carbonfin.web.connections import WebRequest
from carbonfin.web.filters import cny, number
from carbonfin.web.pages import ROLE_NAMES, Text, page
from carbonfin.web.visitors import visitor_of
from collateral.calc.enforcement import METHOD_NAMES
from collateral.calc.haircut_policies import POLICY_NAMES

_SEPARATOR = "|"
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
    "repayment_cny": Text("对应还款（元）", "Repaid against it (CNY)"),
    "principal_cny": Text("贷款本金（元）", "Principal (CNY)"),
    "end_date": Text("到期日", "End date"),
    "extends_code": Text("延期自", "Extends"),
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
    "override_reason": Text("例外理由", "Reason for an exception"),
    "is_delivered": Text("首期已交付", "Delivered at the start"),
    "flags": Text("提示", "Flags"),
    "key": Text("参数", "Parameter"),
    "scope": Text("适用范围", "Scope"),
    "value": Text("取值", "Value"),
    "unit": Text("单位", "Unit"),
    "valid_from": Text("生效日", "Valid from"),
    "valid_to": Text("失效日", "Valid to"),
    "known_from": Text("知悉日", "Known from"),
    "document": Text("依据文件", "Document"),
    "article": Text("条款", "Article"),
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
_NAMES_OF_KIND: Mapping[tuple[str, str], Text] = {
    ("collateral.repo", "unit"): _UNIT_OF_REPO,
    ("collateral.repo", "method"): Text("敞口方法", "Exposure method"),
    ("collateral.repo_event", "unit"): _UNIT_OF_REPO,
    **{("collateral.haircut_policy", name): Text(*words) for name, words in POLICY_NAMES.items()},
}
_ROLE_WORDS = {role.value: words for role, words in ROLE_NAMES.items()}
_WORDS_OF_VALUES: Mapping[str, Mapping[str, Text]] = {
    "role": _ROLE_WORDS,
    "role_before": _ROLE_WORDS,
    "grade": {grade.value: words for grade, words in GRADE_WORDS.items()},
    "method": {method.value: Text(*words) for method, words in METHOD_NAMES.items()},
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
    }
)
_PLACES = {name: place for place, name in enumerate(_NAMES)}
_POLICY_PLACES = {name: place for place, name in enumerate(POLICY_NAMES)}


class DecisionForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the decision's form sends."""

    finding: Annotated[str, Meta(max_length=10)] = ""
    reason: Annotated[str, Meta(max_length=2000)] = ""
    password: Annotated[str, Meta(max_length=1000)] = ""
    version: Annotated[str, Meta(max_length=10)] = ""
    unconfirmed: Annotated[str, Meta(max_length=40_000)] = ""
    accepts: Annotated[str, Meta(max_length=3)] = ""


class WithdrawalForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the withdrawal's form sends."""

    reason: Annotated[str, Meta(max_length=2000)] = ""


@get("/approvals", sync_to_thread=True)
def approvals_page(request: WebRequest, sessions: Sessions, actor: Actor) -> Template:
    """Show what waits for me, what I proposed, and what was decided lately."""
    with sessions.read() as session:
        waiting = approvals.waiting_for(session, actor, APPROVAL_KINDS)
        latest = approvals.approvals_of(session, actor)
    return page(
        request,
        "app/approvals.html",
        title=Text("审批", "Approvals"),
        waiting=waiting,
        mine=[one for one in latest if one.maker_id == actor.id and one.state in OPEN_STATES],
        others=[one for one in latest if one not in waiting and not (one.maker_id == actor.id and one.is_open)],
        state_words=STATE_WORDS,
        kind_words=kind_words,
    )


@get("/approvals/{approval_id:str}", sync_to_thread=True)
def approval_page(
    request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, approval_id: FromPath[str]
) -> Template:
    """Show one approval."""
    return _shown(request, sessions, actor, clock, approval_id=approval_id, failure=None, words="")


@post("/approvals/{approval_id:str}/decision", sync_to_thread=True)
def decide_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    approval_id: FromPath[str],
    data: Annotated[DecisionForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Approve or reject; the password is asked for again, and nothing typed is lost where something is missing."""
    accepted = tuple(filter(None, data.unconfirmed.split(_SEPARATOR))) if data.accepts else ()
    try:
        _require_finding(data.finding)
        doors_of(request).confirm(request, data.password)
        with sessions.begin() as session:
            decide(
                session,
                actor,
                approval_id,
                Answer(reason=data.reason, accepted=accepted),
                clock=clock,
                approving=data.finding == "approve",
                expected_version=int(data.version) if data.version.isdecimal() else None,
            )
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, clock, approval_id=approval_id, failure=failure, words=data.reason)
    return Redirect(f"/approvals/{approval_id}", status_code=303)


@post("/approvals/{approval_id:str}/withdrawal", sync_to_thread=True)
def withdraw_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    approval_id: FromPath[str],
    data: Annotated[WithdrawalForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Take back what one has proposed."""
    try:
        with sessions.begin() as session:
            approvals.withdraw(session, actor, approval_id, kinds=APPROVAL_KINDS, reason=data.reason, at=clock.now())
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, clock, approval_id=approval_id, failure=failure, words=data.reason)
    return Redirect(f"/approvals/{approval_id}", status_code=303)


def _shown(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    *,
    approval_id: str,
    failure: CarbonFinError | None,
    words: str,
) -> Template:
    with sessions.read() as session:
        approval = approvals.load_approval(session, actor, approval_id)
        steps = approvals.events_of(session, actor, approval_id)
        evidence = evidence_of(session, actor, f"approval:{approval_id}")
        appraisal_id = approval.payload.get("appraisal_id")
        usci = load_organization(session, actor.organization_id).usci
        proposed = proposed_table(session, actor, approval)
        unconfirmed = [
            *(load_decision(session, actor, appraisal_id).outputs.get("unconfirmed", ()) if appraisal_id else ()),
            *(proposed.unconfirmed if proposed is not None else ()),
            *(unconfirmed_value(proposed_value(approval)) if approval.kind == PARAMETER_APPROVAL.name else ()),
        ]
        impact = _parameter_impact(session, actor, approval)
    kind = kind_named(approval.kind)
    visitor = visitor_of(request)
    signed_in = None if visitor is None else visitor.signed_in
    return page(
        request,
        "app/approval.html",
        title=Text(approval.title_zh, approval.title_en),
        status_code=_status_of(failure),
        approval=approval,
        evidence=evidence,
        kind=kind_words(approval),
        address=kind.address(approval) if kind is not None else "",
        rows=payload_rows(approval),
        proposed=proposed,
        parameter_impact=impact,
        steps=steps,
        state=STATE_WORDS[approval.state],
        event_words=EVENT_WORDS,
        may_decide=approval.state is ApprovalState.PROPOSED
        and kind is not None
        and actor.role in kind.checker_roles
        and actor.id != approval.maker_id,
        is_mine=actor.id == approval.maker_id and approval.is_open,
        password_needed=signed_in is None or not is_confirmed(signed_in, clock),
        unconfirmed=unconfirmed,
        providers=single_sign_on_of(request).of_organization(usci),
        appraisal_id=appraisal_id,
        separator=_SEPARATOR,
        failure=None if failure is None else Text(f"{failure.zh} {failure.remedy_zh}", failure.detail),
        failed_field=None if failure is None else failure.field,
        words=words,
    )


def _parameter_impact(session: Session, actor: Actor, approval: Approval) -> ParameterImpact | None:
    """Give what a value would do, while its approval waits; None where it is about something else."""
    if approval.kind != PARAMETER_APPROVAL.name or not approval.is_open:
        return None
    return parameter_impact(session, actor, proposed_value(approval))


def _status_of(failure: CarbonFinError | None) -> int:
    if failure is None:
        return 200
    if isinstance(failure, NotPermitted):
        return 403
    return 422 if isinstance(failure, InvalidInput) else 409


def _require_finding(finding: str) -> None:
    if finding not in {"approve", "reject"}:
        raise InvalidInput("choose approve or reject", zh="请选择同意或拒绝", field="finding")


def payload_rows(approval: Approval) -> list[tuple[Text, str]]:
    """Give what takes effect as rows of name and value, empty ones left out."""
    rows = []
    places = _POLICY_PLACES if approval.kind == "collateral.haircut_policy" else _PLACES
    for name, value in sorted(approval.payload.items(), key=lambda item: places.get(item[0], len(places))):
        if name in _HIDDEN or value in (None, "", []):
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


routes = [approvals_page, approval_page, decide_page, withdraw_page]
