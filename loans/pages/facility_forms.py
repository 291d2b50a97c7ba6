"""The forms of credit lines, contracts and drawdowns: text in, what the API takes out; nothing typed is lost."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.kernel.units import Currency
from carbonfin.rules.record import canonical
from carbonfin.web.language import Text
from loans.calc.facilities import FACILITY_NAMES, CreditLine, LoanContract
from loans.pages.forms import ACCRUALS, BASES, METHODS, PERIODS, TENORS, error_words
from loans.schemas.facilities import CreditLineIn, DrawdownIn, LoanContractIn

T = TypeVar("T", CreditLineIn, LoanContractIn, DrawdownIn)
_FIELD = re.compile(r"\$\.([a-z_]+)")
_MOST = 2_000
_WHOLE = frozenset({"interest_period_months", "settlement_day", "margin_bp"})
_YES_NO = (("no", Text("不循环", "not revolving")), ("yes", Text("循环", "revolving")))
OPTIONS: dict[str, tuple[tuple[str, Text], ...]] = {
    "currency": tuple((one.value, Text(one.value, one.value)) for one in Currency),
    "is_revolving": _YES_NO,
    "basis": BASES,
    "method": METHODS,
    "interest_period_months": PERIODS,
    "accrual_dates": ACCRUALS,
    "lpr_tenor": TENORS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FormKind:
    """One of the forms: its fields in their order, which may stay empty, and what helps to fill them.

    Attributes:
        texts: Free words of some length.
    """

    names: tuple[str, ...]
    optional: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()

    @property
    def days(self) -> frozenset[str]:
        """Fields that hold a day."""
        ends = ("_from", "_to", "_on", "_by", "_date")
        return frozenset(name for name in self.names if name.endswith(ends))


LINE_FORM = FormKind(
    names=(
        "number", "document", "currency", "amount", "is_revolving", "available_from", "available_to", "valid_from",
    ),
)  # fmt: skip
CONTRACT_FORM = FormKind(
    names=(
        "number", "document", "product", "purpose", "amount", "signed_on", "drawable_from", "drawable_to", "matures_by",
        "fixed_rate", "lpr_tenor", "margin_bp", "method", "interest_period_months", "settlement_day", "basis",
        "accrual_dates", "pledge_code", "repo_code", "valid_from",
    ),
    optional=frozenset({"fixed_rate", "lpr_tenor", "margin_bp", "pledge_code", "repo_code"}),
)  # fmt: skip
DRAWDOWN_FORM = FormKind(names=("note_code", "amount_cny", "drawdown_date", "maturity_date"))
HELP = {
    "number": Text("字母、数字与 . _ - ；批复原文号写入文件名称", "letters, digits and . _ -"),
    "amount": Text("授信或合同币种，元", "in the line's currency"),
    "available_to": Text("含当日", "inclusive"),
    "drawable_to": Text("含当日，须在额度可用期内", "inclusive, within the line's period"),
    "fixed_rate": Text("以小数填写，例如 0.0345；与 LPR 加减点二选一", "as a decimal, or else an LPR with a margin"),
    "margin_bp": Text("可为负数；优惠按提款日的碳评级另行决定", "may be negative; the concession comes on the day"),
    "pledge_code": Text("配额质押编号；登记机构确认冻结前不得放款", "no drawdown until its units are frozen"),
    "repo_code": Text("回购编号；存续期间方可放款", "drawn only while it is open"),
    "valid_from": Text("本版条款自此日起适用", "these terms hold from this day"),
    "drawdown_date": Text("复核后于当日放款", "paid out on this day once approved"),
}


def form_of_terms(terms: CreditLine | LoanContract, kind: FormKind) -> dict[str, str]:
    """Give terms in force as the form would hold them."""
    plain = canonical(terms)
    found = {name: plain[name] for name in kind.names}
    texts = {name: "" if value is None else str(value) for name, value in found.items()}
    if "is_revolving" in found:
        texts["is_revolving"] = "yes" if found["is_revolving"] else "no"
    return texts


def read_form(form: Mapping[str, str], kind: FormKind, shape: type[T], *, beside: Mapping[str, str]) -> T:
    """Read the entries as the API reads them.

    Raises:
        InvalidInput: An entry reads what it cannot; the field is named.
    """
    body: dict[str, object] = {name: _entry(form, name, kind) for name in kind.names}
    body |= {**beside, "reason": form.get("reason", "").strip()[:_MOST]}
    try:
        return msgspec.convert(body, shape)
    except msgspec.ValidationError as error:
        found = _FIELD.search(str(error))
        field = found[1] if found else ""
        name = _label(field).zh if field else "该项"
        raise InvalidInput(
            f"{field or 'an entry'} cannot be read: {error}", zh=f"{name}填写格式不正确", field=field,
            remedy="Write amounts and rates as plain decimals, days as YYYY-MM-DD.",
            remedy_zh="金额与利率填数字（不带千分位），日期写作 YYYY-MM-DD。",
        ) from error  # fmt: skip


def _entry(form: Mapping[str, str], name: str, kind: FormKind) -> object:
    text = form.get(name, "").strip()[:_MOST]
    if not text and name in kind.optional:
        return None
    if name == "is_revolving":
        return text == "yes" if text in {"yes", "no"} else text
    if name in _WHOLE and re.fullmatch(r"-?[0-9]{1,5}", text):
        return int(text)
    return text


def form_fields(kind: FormKind, form: Mapping[str, str], failure: CarbonFinError | None) -> list[dict[str, object]]:
    """Give each field as the template shows it: label, value, help, and what is wrong with it."""
    field = "" if failure is None else (failure.field or "").lstrip("/")
    return [
        {
            "name": name,
            "label": _label(name),
            "value": form.get(name, ""),
            "type": "date" if name in kind.days else "text",
            "help": HELP.get(name, ""),
            "error": error_words(failure) if failure is not None and name == field else "",
            "required": name not in kind.optional,
            "options": OPTIONS.get(name),
            "inputmode": "numeric" if name in _WHOLE and name not in OPTIONS else "",
        }
        for name in kind.names
    ]


def _label(name: str) -> Text:
    words = FACILITY_NAMES.get(name, ("提出理由", "Reason"))
    return Text(*words)
