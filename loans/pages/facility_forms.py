"""The forms of credit lines, contracts, drawdowns, receipts: text in, what the API takes out; nothing typed is lost."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from litestar.response import Template
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.kernel.units import Currency
from carbonfin.rules.record import canonical
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.language import Text
from carbonfin.web.pages import page
from carbonfin.web.problems import status_of
from loans.calc.facilities import CLAUSE_WORDS, FACILITY_NAMES, CreditLine, LoanContract
from loans.calc.servicing.receipts import REPAYMENT_NAMES
from loans.pages.entries import read_entries
from loans.pages.forms import ACCRUALS, BASES, METHODS, PERIODS, TENORS, error_words
from loans.schemas.facilities import CreditLineIn, DrawdownIn, LoanContractIn
from loans.schemas.loan_notes import RepaymentIn

T = TypeVar("T", CreditLineIn, LoanContractIn, DrawdownIn, RepaymentIn)
_MOST = 2_000
_LENDS = Text(
    "由另一人复核后生效；在此之前不改变任何额度、合同或借据。",
    "In force once another person approved it; until then no line, contract or note changes.",
)
_WHOLE = frozenset(
    {
        "interest_period_months", "settlement_day", "margin_bp", "concession_stop_days", "reset_months",
        "fixing_lag_days", "term_sheet_version",
    }
)  # fmt: skip
_YES_NO = frozenset({"is_revolving", "prepays"})
OPTIONS: dict[str, tuple[tuple[str, Text], ...]] = {
    "currency": tuple((one.value, Text(one.value, one.value)) for one in Currency),
    "is_revolving": (("no", Text("不循环", "not revolving")), ("yes", Text("循环", "revolving"))),
    "prepays": (("no", Text("否，只还到期款项", "no, what is due alone")), ("yes", Text("是，余额提前还本", "yes"))),
    "basis": BASES,
    "method": METHODS,
    "interest_period_months": PERIODS,
    "accrual_dates": ACCRUALS,
    "lpr_tenor": TENORS,
    "reset_months": PERIODS,
    **{name: tuple((one, Text(*said)) for one, said in words.items()) for name, words in CLAUSE_WORDS.items()},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FormKind:
    """One of the forms: its fields in their order, which may stay empty, and what helps to fill them.

    Attributes:
        labels: The words of each field.
        effect: What becomes of it once it is sent.
    """

    names: tuple[str, ...]
    optional: frozenset[str] = frozenset()
    labels: Mapping[str, tuple[str, str]] = field(default_factory=lambda: FACILITY_NAMES)
    effect: Text = _LENDS

    @property
    def days(self) -> frozenset[str]:
        """Fields that hold a day."""
        ends = ("_from", "_to", "_on", "_by", "_date")
        return frozenset(name for name in self.names if name.endswith(ends) and name not in OPTIONS)


LINE_FORM = FormKind(
    names=(
        "number", "document", "currency", "amount", "is_revolving", "available_from", "available_to", "valid_from",
    ),
)  # fmt: skip
CONTRACT_FORM = FormKind(
    names=(
        "number", "document", "product", "purpose", "amount", "signed_on", "drawable_from", "drawable_to", "matures_by",
        "fixed_rate", "lpr_tenor", "margin_bp", "method", "interest_period_months", "settlement_day", "basis",
        "accrual_dates", "reset_months", "reset_day", "fixing_lag_days", "concession_stop_days",
        "concession_stops_from", "concession_returns", "pledge_code", "repo_code", "term_sheet_number",
        "term_sheet_version", "valid_from",
    ),
    optional=frozenset(
        {
            "fixed_rate", "lpr_tenor", "margin_bp", "pledge_code", "repo_code", "reset_months", "reset_day",
            "fixing_lag_days", "concession_stop_days", "concession_stops_from", "concession_returns",
            "term_sheet_number", "term_sheet_version",
        }
    ),
)  # fmt: skip
DRAWDOWN_FORM = FormKind(names=("note_code", "amount_cny", "drawdown_date", "maturity_date"))
REPAYMENT_FORM = FormKind(
    names=("reference", "paid_on", "amount_cny", "prepays", "fees_cny", "compensation_cny"),
    labels=REPAYMENT_NAMES,
    effect=Text(
        "由另一人复核后按还款日冲抵；提交时与复核时的冲抵结果须一致。",
        "Allocated as of its day once another person approved it; what it pays has to be the same then.",
    ),
)
HELP = {
    "reference": Text("核心系统回单或入账流水号", "the bank's own number of the receipt"),
    "fees_cny": Text("实现债权的费用，没有填 0.00", "costs of collecting, else 0.00"),
    "compensation_cny": Text("仅在提前还本且合同约定时收取，没有填 0.00", "only where the contract has it, else 0.00"),
    "paid_on": Text("不得晚于业务日期，按日期先后录入", "not after the business date, in order of their days"),
    "number": Text("字母、数字与 . _ - ；批复原文号写入文件名称", "letters, digits and . _ -"),
    "amount": Text("授信或合同币种，元", "in the line's currency"),
    "available_to": Text("含当日", "inclusive"),
    "drawable_to": Text("含当日，须在额度可用期内", "inclusive, within the line's period"),
    "fixed_rate": Text("以小数填写，例如 0.0345；与 LPR 加减点二选一", "as a decimal, or else an LPR with a margin"),
    "margin_bp": Text("可为负数；优惠按提款日的碳评级另行决定", "may be negative; the concession comes on the day"),
    "reset_months": Text("合同未约定重定价的，三项均留空：利率不随 LPR 变动", "empty where the contract has no reset"),
    "fixing_lag_days": Text("按日历日；0 为重定价日当日已公布的 LPR", "calendar days; 0 takes what the day itself has"),
    "concession_stop_days": Text(
        "合同未约定的，三项均留空：逾期不停止优惠", "empty where the contract is silent: nothing stops"
    ),
    "pledge_code": Text("配额质押编号；登记机构确认冻结前不得放款", "no drawdown until its units are frozen"),
    "repo_code": Text("回购编号；存续期间方可放款", "drawn only while it is open"),
    "term_sheet_number": Text(
        "填写后利率、重定价与还款条款须与该版条款清单一致", "rate, reset and repayment then have to be as offered"
    ),
    "valid_from": Text("本版条款自此日起适用", "these terms hold from this day"),
    "drawdown_date": Text("复核后于当日放款", "paid out on this day once approved"),
}


def form_of_terms(terms: CreditLine | LoanContract, kind: FormKind) -> dict[str, str]:
    """Give terms in force as the form would hold them."""
    plain = canonical(terms)
    found = {name: plain.get(name) for name in kind.names}
    texts = {name: "" if value is None else str(value) for name, value in found.items()}
    return texts | {name: "yes" if found[name] else "no" for name in _YES_NO & set(found)}


def read_form(form: Mapping[str, str], kind: FormKind, shape: type[T], *, beside: Mapping[str, str]) -> T:
    """Read the entries as the API reads them.

    Raises:
        InvalidInput: An entry reads what it cannot; the field is named.
    """
    body: dict[str, object] = {name: _entry(form, name, kind) for name in kind.names}
    body |= {**beside, "reason": form.get("reason", "").strip()[:_MOST]}
    return read_entries(body, shape, lambda name: _label(kind, name))


def _entry(form: Mapping[str, str], name: str, kind: FormKind) -> object:
    text = form.get(name, "").strip()[:_MOST]
    if not text and name in kind.optional:
        return None
    if name in _YES_NO:
        return text == "yes" if text in {"yes", "no"} else text
    if name in _WHOLE and re.fullmatch(r"-?[0-9]{1,5}", text):
        return int(text)
    return text


def form_fields(kind: FormKind, form: Mapping[str, str], failure: CarbonFinError | None) -> list[dict[str, object]]:
    """Give each field as the template shows it: label, value, help, and what is wrong with it."""
    place = "" if failure is None else (failure.field or "").lstrip("/")
    return [
        {
            "name": name,
            "label": _label(kind, name),
            "value": form.get(name, ""),
            "type": "date" if name in kind.days else "text",
            "help": HELP.get(name, ""),
            "error": error_words(failure) if failure is not None and name == place else "",
            "required": name not in kind.optional,
            "options": OPTIONS.get(name),
            "inputmode": "numeric" if name in _WHOLE and name not in OPTIONS else "",
        }
        for name in kind.names
    ]


def _label(kind: FormKind, name: str) -> Text:
    words = kind.labels.get(name, ("提出理由", "Reason"))
    return Text(*words)


def attempt(
    sessions: Sessions, actor: Actor, clock: Clock, work: Callable[[Session, Standing], None]
) -> CarbonFinError | None:
    """Do what a form asks for in one transaction, and give what stands against it, if anything does."""
    try:
        with sessions.begin() as session:
            work(session, standing_of(session, actor.organization_id, clock))
    except CarbonFinError as failure:
        return failure
    return None


def shown_form(
    request: WebRequest,
    kind: FormKind,
    form: Mapping[str, str],
    *,
    failure: CarbonFinError | None,
    title: Text,
    address: str,
    crumbs: list[tuple[str, Text]],
    borrowers: list[tuple[str, Text]] | None = None,
) -> Template:
    """Show a form as it was filled in, with what stands against it."""
    return page(
        request,
        "loans/facility_form.html",
        title=title,
        status_code=200 if failure is None else status_of(failure),
        fields=form_fields(kind, form, failure),
        form=form,
        address=address,
        crumbs=crumbs,
        borrowers=borrowers,
        effect=kind.effect,
        failure=None if failure is None else error_words(failure),
    )
