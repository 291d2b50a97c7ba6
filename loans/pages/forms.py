"""The application form: text in, a draft or an error beside each field out; nothing typed is lost."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.kernel.units import parse_decimal
from carbonfin.web.language import Text
from carbonfin.web.wire import day_of
from loans.calc.contracts.terms import AccrualDates, RepaymentMethod
from loans.calc.facilities import CLAUSE_WORDS, ResetDay, Returns, StopsFrom
from loans.calc.loan_costs import WAYS, LoanFee, PaymentWay
from loans.calc.term_requests import LoanRequest
from loans.schemas.term_sheets import NO_FEES
from loans.service import LendingDefaults, TermSheetDraft

T = TypeVar("T")
WORDS_LENGTH_MAX = 200
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,5}")

METHODS = (
    (RepaymentMethod.BULLET.value, Text("按期付息，到期还本", "Interest only, principal at maturity")),
    (RepaymentMethod.EQUAL_PRINCIPAL.value, Text("等额本金", "Equal principal")),
    (RepaymentMethod.EQUAL_INSTALMENT.value, Text("等额本息", "Equal instalments")),
)
PERIODS = (
    ("1", Text("按月", "monthly")),
    ("3", Text("按季", "quarterly")),
    ("6", Text("按半年", "half-yearly")),
    ("12", Text("按年", "yearly")),
)
BASES = tuple((basis.value, Text(basis.value, basis.value)) for basis in DayCount)
TENORS = (("1Y", Text("1 年期", "1 year")), ("5Y", Text("5 年期以上", "5 years and over")))
ACCRUALS = (
    (AccrualDates.UNADJUSTED.value, Text("计至合同付息日", "to the contractual day")),
    (AccrualDates.ADJUSTED.value, Text("计至顺延后的付息日", "to the moved day")),
)
RESET_MONTHS = (("", Text("固定至到期日，不重定价", "fixed to maturity")), *PERIODS)
RESET_DAYS = (
    ("", Text("固定利率不填", "none where fixed")),
    *((one, Text(*words)) for one, words in CLAUSE_WORDS["reset_day"].items()),
)
STOPS_FROM, RETURNS = (
    (("", Text("未约定", "not agreed")), *((one, Text(*words)) for one, words in CLAUSE_WORDS[name].items()))
    for name in ("concession_stops_from", "concession_returns")
)
PAYMENT_WAYS = (("", Text("未约定", "not agreed")), *((one.value, Text(*WAYS[one])) for one in PaymentWay))
_REQUIRED = InvalidInput("this field is required", zh="请填写此项")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadForm:
    """A form as it was read: what was typed, what is wrong by field, and the draft if nothing is."""

    values: dict[str, str]
    errors: dict[str, Text]
    draft: TermSheetDraft | None


def empty_values(defaults: LendingDefaults, *, party_id: str, today: date) -> dict[str, str]:
    """Give the values of a fresh form: the usual terms, no amount and no party unless one was chosen."""
    return {
        "party_id": party_id,
        "product": "降碳贷",
        "loan_kind": "流动资金贷款",
        "purpose": "",
        "guarantee": "信用",
        "credit_line_cny": "",
        "principal_cny": "",
        "drawdown_date": today.isoformat(),
        "maturity_date": "",
        "method": RepaymentMethod.BULLET.value,
        "interest_period_months": "1",
        "settlement_day": str(defaults.settlement_day),
        "basis": defaults.basis.value,
        "accrual_dates": AccrualDates.UNADJUSTED.value,
        "lpr_tenor": "1Y",
        "margin_bp": "",
        "reset_months": "",
        "reset_day": "",
        "fixing_lag_days": "",
        "concession_stop_days": "",
        "concession_stops_from": "",
        "concession_returns": "",
        "link_number": "",
        "payment_way": "",
        "fees": "",
    }


def read_form(values: Mapping[str, str], *, number: str | None) -> ReadForm:
    """Read a form field by field; every wrong field is named at once."""
    reader = _Reader({name: text.strip() for name, text in values.items()})
    words = {name: reader.read(name, _words) for name in ("party_id", "product", "loan_kind", "purpose", "guarantee")}
    amounts = {name: reader.read(name, _amount) for name in ("credit_line_cny", "principal_cny")}
    days = {name: reader.read(name, _day) for name in ("drawdown_date", "maturity_date")}
    months, settlement_day = reader.read("interest_period_months", _whole), reader.read("settlement_day", _whole)
    margin_bp, tenor = reader.read("margin_bp", _whole), reader.read("lpr_tenor", _words)
    method = reader.read("method", lambda text, field: _choice(RepaymentMethod, text, field))
    basis = reader.read("basis", lambda text, field: _choice(DayCount, text, field))
    accrual = reader.read("accrual_dates", lambda text, field: _choice(AccrualDates, text, field))
    reset_months = reader.read_if_filled("reset_months", _whole)
    fixing_lag_days = reader.read_if_filled("fixing_lag_days", _whole)
    reset_day = reader.read_if_filled("reset_day", lambda text, field: _choice(ResetDay, text, field))
    stop = _read_stop(reader)
    payment_way = reader.read_if_filled("payment_way", lambda text, field: _choice(PaymentWay, text, field))
    fees = reader.read_if_filled("fees", _fees)
    if reader.errors:
        return ReadForm(values=reader.values, errors=reader.errors, draft=None)
    try:
        request = LoanRequest(
            product=_known(words["product"]),
            loan_kind=_known(words["loan_kind"]),
            purpose=_known(words["purpose"]),
            guarantee=_known(words["guarantee"]),
            credit_line_cny=_known(amounts["credit_line_cny"]),
            principal_cny=_known(amounts["principal_cny"]),
            drawdown_date=_known(days["drawdown_date"]),
            maturity_date=_known(days["maturity_date"]),
            method=_known(method),
            interest_period_months=_known(months),
            settlement_day=_known(settlement_day),
            basis=_known(basis),
            accrual_dates=_known(accrual),
            reset_months=reset_months,
            reset_day=reset_day,
            fixing_lag_days=fixing_lag_days,
            concession_stop_days=stop[0],
            concession_stops_from=stop[1],
            concession_returns=stop[2],
            payment_way=payment_way,
            fees=fees,
        )
    except InvalidInput as error:
        return ReadForm(values=reader.values, errors={error.field or "": error_words(error)}, draft=None)
    draft = TermSheetDraft(
        party_id=_known(words["party_id"]),
        request=request,
        margin_bp=_known(margin_bp),
        lpr_tenor=_known(tenor),
        number=number,
        entry=reader.values,
        link_number=reader.values.get("link_number") or None,
    )
    return ReadForm(values=reader.values, errors={}, draft=draft)


def _read_stop(reader: "_Reader") -> tuple[int | None, StopsFrom | None, Returns | None]:
    """Read what overdue does to the concession; left empty where it is not agreed."""
    return (
        reader.read_if_filled("concession_stop_days", _whole),
        reader.read_if_filled("concession_stops_from", lambda text, field: _choice(StopsFrom, text, field)),
        reader.read_if_filled("concession_returns", lambda text, field: _choice(Returns, text, field)),
    )


def error_words(error: CarbonFinError) -> Text:
    """Say an error with its remedy in both languages."""
    zh = f"{error.zh}。{error.remedy_zh}" if error.remedy_zh else error.zh
    return Text(zh, f"{error.detail}. {error.remedy}" if error.remedy else error.detail)


class _Reader:
    """Reads fields and collects what is wrong with each."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values = values
        self.errors: dict[str, Text] = {}

    def read(self, name: str, parse: Callable[[str, str], T]) -> T | None:
        try:
            text = self.values.get(name, "")
            if not text:
                raise _REQUIRED
            return parse(text, name)
        except InvalidInput as error:
            self.errors[name] = error_words(error)
            return None

    def read_if_filled(self, name: str, parse: Callable[[str, str], T]) -> T | None:
        return self.read(name, parse) if self.values.get(name) else None


def _known(value: T | None) -> T:
    assert value is not None, "a form without errors has every value"
    return value


def _words(text: str, field: str) -> str:
    if len(text) > WORDS_LENGTH_MAX or not text.isprintable():
        raise InvalidInput(
            f"{field} has over {WORDS_LENGTH_MAX} characters or unprintable ones",
            zh=f"最多 {WORDS_LENGTH_MAX} 个可见字符",
            field=field,
        )
    return text


def _amount(text: str, field: str) -> Decimal:
    return parse_decimal(text, field=field)


def _day(text: str, field: str) -> date:
    return day_of(text, field=field)


def _whole(text: str, field: str) -> int:
    if _WHOLE_NUMBER.fullmatch(text) is None:
        raise InvalidInput(
            f"{field} reads {text!r}; a whole number is expected",
            zh=f"“{text}”不是整数",
            field=field,
            remedy="Write digits only, with a minus sign where it is below zero, for example 40.",
            remedy_zh="请只填数字，负数前加减号，例如 40。",
        )
    return int(text)


def _fees(text: str, field: str) -> tuple[LoanFee, ...]:
    """Read one fee a line, its name before its amount; 无 says that there is none."""
    if text in {NO_FEES, "none"}:
        return ()
    fees = []
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, amount = line.replace("：", " ").replace(":", " ").rpartition(" ")
        if not name.strip():
            raise InvalidInput(
                f"a fee reads {line!r}", zh=f"费用“{line}”缺少名称或金额", field=field,
                remedy="Write one a line, such as: appraisal 5000.00; or none.",
                remedy_zh="每行一项，先名称后金额，例如：评估费 5000.00；没有的填“无”。",
            )  # fmt: skip
        fees.append(LoanFee(name=_words(name.strip(), field), amount_cny=_amount(amount, field)))
    return tuple(fees)


E = TypeVar("E", bound=StrEnum)


def _choice(kind: type[E], text: str, field: str) -> E:
    if text not in set(kind):
        raise InvalidInput(f"{field} reads {text!r}", zh="请从列表中选择", field=field)
    return kind(text)
