"""One pledge: figures with their traces, coverage against the lines, timeline, ledger, and the next step."""

from dataclasses import dataclass, replace
from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct
from sqlmodel import Session

from carbonfin.documents.charts import Language
from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput, MissingData
from carbonfin.storage.decisions import load_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import external_ids_of, load_party, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.evidence import evidence_choices
from carbonfin.web.language import language_of
from carbonfin.web.pages import Text, page
from collateral import service
from collateral.calc.agreements import Pledge
from collateral.calc.pledge import IN_FORCE
from collateral.calc.serials import NUMBERED, numbers_by_unit
from collateral.pages.charts import pledge_chart
from collateral.pages.words import (
    ACT_KINDS,
    BUCKETS,
    CHANGE_KINDS,
    ENTRY_KINDS,
    LEVELS,
    change_badge,
    days_left,
    event_words,
    four_places,
    hold_badge,
    safe_date_words,
    state_badge,
    unconfirmed_words,
)
from collateral.service import PledgeStep
from collateral.service.pledges import appraisal_of


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """The step an officer takes next from a state, and what it asks to be entered."""

    name: str
    words: Text
    entry: Text | None
    consequence: Text
    is_optional: bool = False


NEXT_STEPS: dict[str, NextStep] = {
    "APPLIED": NextStep(
        name="appraise",
        words=Text("评估", "Appraise"),
        entry=None,
        consequence=Text("按业务日期的价格与参数评估；不符合条件的将拒绝并记录理由。",
                         "Appraised at the business date; one with a reason against it is rejected with that reason."),
    ),
    "APPRAISED": NextStep(
        name="diligence",
        words=Text("完成尽职调查", "Complete diligence"),
        entry=Text("尽调结论（权属、两处登记的在先权利）", "Finding: ownership and prior liens in both registers"),
        consequence=Text("提交后由另一人审批。", "Another person then approves."),
    ),
    "APPROVED": NextStep(
        name="sign",
        words=Text("登记合同", "Enter the contract"),
        entry=Text("合同编号", "Contract number"),
        consequence=Text("由另一人复核；复核后办理中登网登记。",
                         "Another person approves; registration in the movable-asset register follows."),
    ),
    "CONTRACTED": NextStep(
        name="register",
        words=Text("登记中登网证明", "Enter the registration"),
        entry=Text("登记证明编号", "Registration number"),
        consequence=Text("登记后可申请冻结。", "The freeze may then be requested."),
    ),
    "REGISTERED_ZHONGDENG": NextStep(
        name="freeze",
        words=Text("申请冻结", "Request the freeze"),
        entry=None,
        consequence=Text("台账预留配额，并向登记机构发送冻结申请。",
                         "The units are reserved in the ledger and the registry is asked to freeze them."),
    ),
    "FROZEN": NextStep(
        name="draw",
        words=Text("放款", "Pay out"),
        entry=None,
        consequence=Text("由另一人复核；同意之日记录放款，自当日起计算担保覆盖率。",
                         "Another person approves; paid out that day, and coverage is struck from then on."),
    ),
    "REPAID": NextStep(
        name="release",
        words=Text("申请解冻", "Request the release"),
        entry=None,
        consequence=Text("由另一人复核；登记机构确认前配额保持锁定。",
                         "Another person approves; the units stay locked until the registry confirms."),
    ),
}  # fmt: skip
_WITHDRAW = NextStep(
    name="withdraw",
    words=Text("撤回质押", "Withdraw"),
    entry=Text("撤回理由", "Why it is withdrawn"),
    consequence=Text("冻结之前撤回即告终止，不占用配额。", "Withdrawn before the freeze, it ends; no units are held."),
)
_REPAY = NextStep(
    name="repay",
    words=Text("登记全部结清", "Enter the repayment in full"),
    entry=Text("结清依据", "What shows it"),
    consequence=Text("贷款台账尚有余额的不予登记；结清后可申请解冻。",
                     "Refused while the loan ledger shows a balance; the release may follow."),
)  # fmt: skip
OTHER_STEPS: dict[str, NextStep] = {
    **dict.fromkeys(("APPROVED", "CONTRACTED", "REGISTERED_ZHONGDENG"), _WITHDRAW),
    **dict.fromkeys(("DRAWN", "MARGIN_CALLED", "CURE_EXPIRED", "ENFORCING"), _REPAY),
    "FROZEN": NextStep(
        name="release",
        words=Text("放款前撤回并申请解冻", "Withdraw before the drawdown"),
        entry=Text("撤回理由", "Why it is withdrawn"),
        consequence=Text("由另一人复核；登记机构确认前配额保持锁定。",
                         "Another person approves; the units stay locked until the registry confirms."),
    ),
}  # fmt: skip
"""What may be done instead of the next step, by state."""
_ASK_AGAIN = NextStep(
    name="ask_again",
    words=Text("重新申请解冻", "Ask for the release again"),
    entry=Text("登记机构所指问题的处理情况", "What was done about the registry's objection"),
    consequence=Text("以新的申请编号发送；登记机构确认前配额保持锁定。",
                     "Sent under a new key; the units stay locked until the registry confirms."),
)  # fmt: skip

_SERIALS = Text(
    "指定冻结的序号段（不填则取最小的可用序号），如 CCER CCER/P1:1-500；多段以分号隔开",
    "Serial numbers to freeze, such as CCER CCER/P1:1-500, parts by semicolon; left empty, the lowest free",
)


class StepForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a step's form sends."""

    step: Annotated[str, Meta(max_length=20)]
    words: Annotated[str, Meta(max_length=500)] = ""
    evidence: Annotated[str, Meta(max_length=64)] = ""

    def domain(self) -> PledgeStep:
        """Give the step; what is entered with a freeze are serial numbers."""
        is_freeze = self.step == "freeze"
        return PledgeStep(
            name=self.step, words="" if is_freeze else self.words,
            serials=numbers_by_unit(self.words) if is_freeze else {}, evidence_digest=self.evidence or None,
        )  # fmt: skip


@get("/pledges/{pledge_id:str}", sync_to_thread=True)
def pledge_page(
    *, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, pledge_id: FromPath[str]
) -> Template:
    """Show a pledge."""
    return _shown(request, sessions, actor, clock, pledge_id=pledge_id, failure=None)


@post("/pledges/{pledge_id:str}/steps", sync_to_thread=True, status_code=303)
def take_pledge_step(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    pledge_id: FromPath[str],
    data: Annotated[StepForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Take a step of a pledge, or put it before the checkers."""
    try:
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            service.take_pledge_step(session, actor, pledge_id, data.domain(), standing=standing)
    except (InvalidInput, MissingData) as failure:
        return _shown(request, sessions, actor, clock, pledge_id=pledge_id, failure=failure, words=data.words)
    return Redirect(f"/pledges/{pledge_id}", status_code=303)


def _shown(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    *,
    pledge_id: str,
    failure: CarbonFinError | None,
    words: str = "",
) -> Template:
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        pledge = service.load_pledge(session, actor, pledge_id)
        history = service.coverage_history(session, actor, pledge.id)
        context: dict[str, Any] = {
            "pledge": pledge,
            "numbers": external_ids_of(session, actor, f"pledge:{pledge.id}"),
            "pledgor": load_party(session, actor, pledge.pledgor_id),
            "history": history,
            "coverage": history[-1] if history else None,
            "exposure": service.latest_exposure(session, actor, pledge.code, on=standing.business_date),
            **_records(session, actor, pledge),
        }
        lines = service.lines_of(session, standing) if history else None
        trace = load_decision(session, actor, history[-1].decision_id).trace if history else ()
        context["trace_values"] = {figure.name: figure.value for figure in trace}
        context["haircut_trace"] = trace
    language: Language = "en" if language_of(request).value == "en" else "zh"
    return page(
        request,
        "collateral/pledge.html",
        title=Text(f"质押 {pledge.code}", f"Pledge {pledge.code}"),
        status_code=200 if failure is None else 422,
        business_date=standing.business_date,
        chart=None
        if lines is None
        else pledge_chart(history, lines, code=pledge.code, is_sample=pledge.is_sample, language=language),
        steps=_steps(actor, pledge, refused=context["refused"], waits=context["waiting"] is not None),
        failure=None if failure is None else Text(failure.zh, failure.detail),
        words=words,
        in_force=IN_FORCE,
        levels=LEVELS,
        state_badge=state_badge,
        change_badge=change_badge,
        hold_badge=hold_badge,
        change_kinds=CHANGE_KINDS,
        act_kinds=ACT_KINDS,
        may_record=actor.role in {Role.OFFICER, Role.SYSTEM},
        may_change=actor.role in {Role.OFFICER, Role.SYSTEM} and pledge.state in IN_FORCE,
        event_words=event_words,
        entry_kinds=ENTRY_KINDS,
        buckets=BUCKETS,
        safe_date_words=safe_date_words,
        four_places=four_places,
        days_left=days_left,
        unconfirmed_words=unconfirmed_words,
        **context,
    )


def _records(session: Session, actor: Actor, pledge: Pledge) -> dict[str, Any]:
    """Give what was written about a pledge: steps, changes, calls, entries, approvals, authorities' acts."""
    return {
        "calls": service.live_calls(session, actor, agreement_code=pledge.code),
        "changes": service.changes_of(session, actor, pledge.id),
        "timeline": service.timeline_of(session, actor, pledge.id),
        "entries": service.ledger_entries(session, actor, agreement_code=pledge.code),
        "approval": service.approval_of(session, actor, pledge.id),
        "waiting": service.waiting_approval(session, actor, pledge.id)
        or service.waiting_step(session, actor, pledge.id),
        "evidence": evidence_choices(session, actor, f"pledge:{pledge.id}"),
        "refused": service.refused_unfreeze(session, actor, pledge),
        "acts": service.acts_of_party(session, actor, pledge.pledgor_id),
        "serials": service.locked_serials(session, actor, pledge_id=pledge.id),
        "appraisal": appraisal_of(session, actor, pledge),
        "enforced": service.view_enforcement(session, actor, pledge.id),
    }


def _steps(actor: Actor, pledge: Pledge, *, refused: str | None, waits: bool) -> list[NextStep]:
    """Give the step an officer takes next and what may be done instead; a refused unfreeze is asked for again."""
    if actor.role not in {Role.OFFICER, Role.SYSTEM} or waits:
        return []
    step = NEXT_STEPS.get(pledge.state) if refused is None else _ASK_AGAIN
    if step is not None and step.name == "freeze" and any(one.unit.scheme in NUMBERED for one in pledge.units):
        step = replace(step, entry=_SERIALS, is_optional=True)
    return [one for one in (step, OTHER_STEPS.get(pledge.state)) if one is not None]
