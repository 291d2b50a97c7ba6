"""The bureau's review of an application, from the decision to payment and, where it must be, back: states and amounts.

初审、复核 → 专项审计 → 公示 → 异议 → 拨付 → 退回、追回. A case is what its steps come to; steps are only ever added.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from carbonfin.kernel.dates import Calendar
from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.kernel.states import Machine

_ZERO = Decimal("0.00")
_FEN = Decimal("0.01")

REVIEW = Machine(
    name="the review of an application",
    name_zh="申请审核",
    states={
        "DECIDED": "待审核",
        "REVIEWED": "复核通过",
        "AUDITED": "审计完成",
        "PUBLISHED": "公示",
        "OBJECTED": "异议处理中",
        "ORDERED": "已列入拨付名单",
        "PAID": "已拨付",
        "BOUNCED": "款项退回",
        "RECOVERING": "追回中",
        "RECOVERED": "已追回",
        "REFUSED": "不予资助",
    },
    edges=(
        ("DECIDED", "review", "REVIEWED"),
        ("DECIDED", "refuse", "REFUSED"),
        ("REVIEWED", "audit", "AUDITED"),
        ("REVIEWED", "publish", "PUBLISHED"),
        ("AUDITED", "publish", "PUBLISHED"),
        ("PUBLISHED", "object", "OBJECTED"),
        ("PUBLISHED", "payee", "PUBLISHED"),
        ("OBJECTED", "dismiss", "PUBLISHED"),
        ("OBJECTED", "reduce", "PUBLISHED"),
        ("OBJECTED", "exclude", "REFUSED"),
        ("PUBLISHED", "order", "ORDERED"),
        ("ORDERED", "pay", "PAID"),
        ("ORDERED", "bounce", "BOUNCED"),
        ("PAID", "bounce", "BOUNCED"),
        ("BOUNCED", "payee", "BOUNCED"),
        ("BOUNCED", "order", "ORDERED"),
        ("PAID", "demand", "RECOVERING"),
        ("RECOVERING", "recover", "RECOVERING"),
        ("RECOVERING", "recover_all", "RECOVERED"),
    ),
)
STEP_TITLES: Mapping[str, tuple[str, str]] = {
    "review": ("初审通过，经复核", "Passed by both reviewers"),
    "refuse": ("不予资助，经复核", "Refused by both reviewers"),
    "audit": ("专项审计", "Special audit"),
    "publish": ("公示", "Published"),
    "object": ("收到异议", "Objection received"),
    "dismiss": ("异议不成立", "Objection dismissed"),
    "reduce": ("异议成立，核减", "Objection upheld, amount reduced"),
    "exclude": ("异议成立，不予资助", "Objection upheld, excluded"),
    "payee": ("核对收款账户", "Payee account checked"),
    "order": ("列入拨付名单", "On the payment list"),
    "pay": ("拨付", "Paid"),
    "bounce": ("款项退回", "Payment returned"),
    "demand": ("要求追回", "Recovery demanded"),
    "recover": ("收到追回款", "Recovered in part"),
    "recover_all": ("追回款结清", "Recovered in full"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewStep:
    """One step of a case as it was taken.

    Attributes:
        name: An event of `REVIEW`.
        on: The day it happened.
        amount_cny: 元 after `review`, `audit` and `reduce`, and of what `order`, `pay`, `demand` and `recover` move.
        maker_name: Who took it, or proposed it.
        checker_name: Who approved it; None where one person suffices.
        details: What else belongs to it, such as the last day of publication or the payee.
    """

    name: str
    on: date
    at: datetime
    amount_cny: Decimal | None
    maker_name: str
    checker_name: str | None
    reason: str
    evidence_digest: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewCase:
    """Where the review of an application stands.

    Attributes:
        ceiling_cny: What may be granted at most today, 元: never more than the decision and its share of the budget.
        paid_cny: What has left and has not come back by the bank's return.
        demanded_cny: What is to be paid back.
        published_until: Last day of publication.
    """

    application_id: str
    report_id: str
    state: str
    ceiling_cny: Decimal
    paid_cny: Decimal = _ZERO
    demanded_cny: Decimal = _ZERO
    recovered_cny: Decimal = _ZERO
    published_until: date | None = None
    payee: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[ReviewStep, ...] = ()

    @property
    def outstanding_cny(self) -> Decimal:
        """What was demanded and has not come back, 元."""
        return self.demanded_cny - self.recovered_cny

    @property
    def next_steps(self) -> tuple[str, ...]:
        """What the state allows; how much of a recovery came in decides between its two events."""
        return tuple(name for name in REVIEW.events_from(self.state) if name != "recover_all")


def case_of(application_id: str, report_id: str, *, granted_cny: Decimal, steps: Iterable[ReviewStep]) -> ReviewCase:
    """Give the case that a decision and the steps since come to.

    Args:
        application_id: Whose.
        report_id: The report whose line is reviewed.
        granted_cny: The line's amount, after its share of the budget, 元.
        steps: In the order they were taken.
    """
    case = ReviewCase(application_id=application_id, report_id=report_id, state="DECIDED", ceiling_cny=granted_cny)
    for step in steps:
        case = after_step(case, step)
    return case


def after_step(case: ReviewCase, step: ReviewStep) -> ReviewCase:
    """Give the case after a step.

    Raises:
        Conflict: The state does not allow it, or a publication, an objection or a payee stands against it.
        InvalidInput: The amount is missing, no whole fen, not positive or more than there is.
    """
    state = REVIEW.after(case.state, step.name)
    change = _CHANGES.get(step.name)
    changes = {} if change is None else change(case, step)
    return replace(case, **changes, state=state, steps=(*case.steps, step))


def publication_end(calendar: Calendar, published_on: date, *, days: int) -> date:
    """Give the last day of a publication of so many working days, the day it begins not counted.

    Source: 公示 5 working days; that the first day is not counted is the longer and so the safer reading.

    Raises:
        MissingData: The calendar does not reach so far.
    """
    return calendar.add_open_days(published_on, days)


def amount_within(step: ReviewStep, limit_cny: Decimal) -> Decimal:
    """Give the amount of a step, held to whole fen above nothing and to a limit.

    Raises:
        InvalidInput: It is not so.
    """
    amount = step.amount_cny
    if amount is None or amount <= 0 or amount != amount.quantize(_FEN):
        raise InvalidInput(
            f"{amount} is no amount in whole fen above 0", zh="金额应大于 0 且最多两位小数", field="amount_cny"
        )
    if amount > limit_cny:
        raise InvalidInput(
            f"{amount} is more than {limit_cny}",
            zh=f"金额 {amount} 元超过上限 {limit_cny} 元",
            field="amount_cny",
            remedy=f"Give {limit_cny} or less.",
            remedy_zh=f"请填写不超过 {limit_cny} 元的金额。",
            limit_cny=str(limit_cny),
        )
    return amount.quantize(_FEN)


def _lowered(case: ReviewCase, step: ReviewStep) -> dict[str, Any]:
    return {"ceiling_cny": amount_within(step, case.ceiling_cny)}


def _published(_case: ReviewCase, step: ReviewStep) -> dict[str, Any]:
    return {"published_until": date.fromisoformat(step.details["published_until"])}


def _objected(case: ReviewCase, step: ReviewStep) -> dict[str, Any]:
    assert case.published_until is not None, "only what is published is objected to"
    if step.on > case.published_until:
        raise Conflict(
            f"the publication ended on {case.published_until}",
            zh=f"公示已于 {case.published_until} 结束，其后收到的意见请走追回程序",
            field="on",
            remedy="After payment, demand recovery instead.",
            remedy_zh="款项拨付后请提出追回。",
        )
    return {}


def _payee(_case: ReviewCase, step: ReviewStep) -> dict[str, Any]:
    return {"payee": dict(step.details)}


def _ordered(case: ReviewCase, step: ReviewStep) -> dict[str, Any]:
    assert case.published_until is not None, "only what was published is paid"
    if step.on <= case.published_until:
        raise Conflict(
            f"the publication lasts until {case.published_until}",
            zh=f"公示期至 {case.published_until}，期满后方可列入拨付名单",
            field="on",
            remedy="Wait until the publication is over.",
            remedy_zh="请在公示期满后办理。",
        )
    if not case.payee:
        raise Conflict(
            "the payee's account was not checked", zh="收款账户未核对", field="payee",
            remedy="Record the account with its proof first.", remedy_zh="请先登记收款账户及其证明。",
        )  # fmt: skip
    if amount_within(step, case.ceiling_cny) != case.ceiling_cny:
        raise Conflict(
            f"the amount stands at {case.ceiling_cny}", zh=f"应拨金额为 {case.ceiling_cny} 元", field="amount_cny"
        )
    return {}


def _paid(case: ReviewCase, step: ReviewStep) -> dict[str, Any]:
    if amount_within(step, case.ceiling_cny) != case.ceiling_cny:
        raise Conflict(
            f"{case.ceiling_cny} was ordered, not {step.amount_cny}",
            zh=f"名单金额为 {case.ceiling_cny} 元，与实付 {step.amount_cny} 元不符",
            field="amount_cny",
            remedy="Give the voucher of the payment that was ordered.",
            remedy_zh="请填写与名单一致的付款凭证。",
        )
    return {"paid_cny": case.ceiling_cny}


def _bounced(_case: ReviewCase, _step: ReviewStep) -> dict[str, Any]:
    return {"paid_cny": _ZERO, "payee": {}}


def _demanded(case: ReviewCase, step: ReviewStep) -> dict[str, Any]:
    return {"demanded_cny": amount_within(step, case.paid_cny)}


def _recovered(case: ReviewCase, step: ReviewStep) -> dict[str, Any]:
    amount = amount_within(step, case.outstanding_cny)
    if (amount == case.outstanding_cny) != (step.name == "recover_all"):
        raise Conflict(
            f"{case.outstanding_cny} is outstanding", zh=f"待追回 {case.outstanding_cny} 元", field="amount_cny"
        )
    return {"recovered_cny": case.recovered_cny + amount}


_CHANGES: Mapping[str, Callable[[ReviewCase, ReviewStep], dict[str, Any]]] = {
    "review": _lowered,
    "audit": _lowered,
    "reduce": _lowered,
    "publish": _published,
    "object": _objected,
    "payee": _payee,
    "order": _ordered,
    "pay": _paid,
    "bounce": _bounced,
    "demand": _demanded,
    "recover": _recovered,
    "recover_all": _recovered,
}
