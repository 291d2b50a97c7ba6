"""Credit lines (授信), the contracts under them (合同) and drawdowns as they are entered and signed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Generic, TypeVar

from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency
from carbonfin.rules.record import ADDED_LATER
from loans.calc.contracts.terms import INTEREST_PERIOD_MONTHS, RATE_MAX, AccrualDates, LoanTerms, RepaymentMethod
from loans.calc.facilities.rate_clauses import (
    ConcessionClause,
    ResetClause,
    ResetDay,
    Returns,
    StopsFrom,
    concession_clause,
    reset_clause,
)
from loans.calc.jiangtandai.terms import MARGIN_BP_MAX

T = TypeVar("T")
AMOUNT_MAX = Decimal(10) ** 14
LPR_TENORS = ("1Y", "5Y")


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditLine:
    """A credit line as it was approved (授信批复).

    Attributes:
        number: 批复编号, unique within the bank.
        document: The approval's title or words.
        amount: Limit in `currency`.
        is_revolving: True where what is repaid may be drawn again (循环额度); else a drawn amount is used for good.
        available_from: First day of the availability period.
        available_to: Last day on which a note may be drawn.
        valid_from: The day from which these terms count; a change of a line is a further revision with its own day.
    """

    number: str
    party_id: str
    document: str
    currency: Currency
    amount: Decimal
    is_revolving: bool
    available_from: date
    available_to: date
    valid_from: date

    def __post_init__(self) -> None:
        """Refuse a line without a number, without an amount or that ends before it begins."""
        require_words(self.number, "number", "授信批复编号")
        require_words(self.document, "document", "批复文件")
        require_amount(self.amount, "amount", "授信额度")
        _require_span(self.available_from, self.available_to, "available_to", "额度可用期")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanContract:
    """A loan contract under a credit line (借款合同).

    Attributes:
        line_number: The credit line it uses.
        amount: Contract amount in the line's currency.
        drawable_from: First day a note may be drawn under it.
        drawable_to: Last such day.
        matures_by: Last day on which a note of it may mature.
        fixed_rate: Agreed annual rate; None where the rate is LPR plus margin less the concession of the day.
        lpr_tenor: 1Y or 5Y where the rate follows the LPR.
        margin_bp: Margin over the LPR (加减点), may be negative.
        pledge_code: The pledge behind it, or None.
        repo_code: The repo behind it, or None.
        concession_stop_days: The concession stops where a payment is past due by more days; None: it says nothing.
        concession_stops_from: From which day it stops then.
        concession_returns: Whether and when it comes back once nothing is past due.
        reset_months: The rate is reset to the LPR every so many months; None: it says nothing, the rate stays.
        reset_day: On which days.
        fixing_lag_days: How many days before a reset day its LPR has to be published.
        term_sheet_number: The term sheet it was drawn from; it may not say otherwise. None: it names none.
        term_sheet_version: Which version of it.
    """

    number: str
    line_number: str
    document: str
    product: str
    purpose: str
    amount: Decimal
    signed_on: date
    drawable_from: date
    drawable_to: date
    matures_by: date
    fixed_rate: Decimal | None
    lpr_tenor: str | None
    margin_bp: int | None
    basis: DayCount
    method: RepaymentMethod
    interest_period_months: int
    settlement_day: int
    accrual_dates: AccrualDates
    pledge_code: str | None
    repo_code: str | None
    valid_from: date
    concession_stop_days: int | None = field(default=None, metadata=ADDED_LATER)
    concession_stops_from: StopsFrom | None = field(default=None, metadata=ADDED_LATER)
    concession_returns: Returns | None = field(default=None, metadata=ADDED_LATER)
    reset_months: int | None = field(default=None, metadata=ADDED_LATER)
    reset_day: ResetDay | None = field(default=None, metadata=ADDED_LATER)
    fixing_lag_days: int | None = field(default=None, metadata=ADDED_LATER)
    term_sheet_number: str | None = field(default=None, metadata=ADDED_LATER)
    term_sheet_version: int | None = field(default=None, metadata=ADDED_LATER)

    def __post_init__(self) -> None:
        """Refuse a contract with two rates or none, two securities, or spans that do not hold."""
        for name, zh in _CONTRACT_WORDS.items():
            require_words(getattr(self, name), name, zh)
        require_amount(self.amount, "amount", "合同金额")
        _require_span(self.drawable_from, self.drawable_to, "drawable_to", "提款期")
        _require_span(self.drawable_to, self.matures_by, "matures_by", "最迟到期日")
        if self.signed_on > self.drawable_from:
            raise InvalidInput(
                f"signed on {self.signed_on}, drawable from {self.drawable_from}", zh="提款期不得早于签约日",
                field="drawable_from",
            )  # fmt: skip
        self._require_one_rate()
        if self.pledge_code is not None and self.repo_code is not None:
            raise InvalidInput(
                "the contract names a pledge and a repo", zh="质押与回购只填一项", field="repo_code",
                remedy="Make one contract for each.", remedy_zh="请分别签订合同。",
            )  # fmt: skip
        if self.interest_period_months not in INTEREST_PERIOD_MONTHS:
            raise InvalidInput(
                f"interest period is {self.interest_period_months} months", zh="付息频率须为按月、按季、按半年或按年",
                field="interest_period_months",
            )  # fmt: skip
        if not 1 <= self.settlement_day <= 31:
            raise InvalidInput(
                f"settlement day is {self.settlement_day}", zh="结息日须为 1 至 31", field="settlement_day"
            )
        if (self.term_sheet_number is None) != (self.term_sheet_version is None):
            raise InvalidInput(
                "the contract names a term sheet without its version, or the other way round",
                zh="条款清单编号与版本须一并填写", field="term_sheet_version",
                remedy="Enter both, or neither.", remedy_zh="请两项都填或都不填。",
            )  # fmt: skip
        for clause in ("concession_clause", "reset_clause"):
            getattr(self, clause)  # a clause in part is refused as it is read

    @property
    def concession_clause(self) -> ConcessionClause | None:
        """When the concession stops on overdue; None where the contract says nothing."""
        return concession_clause(
            days=self.concession_stop_days, stops_from=self.concession_stops_from, returns=self.concession_returns,
            is_fixed=self.fixed_rate is not None,
        )  # fmt: skip

    @property
    def reset_clause(self) -> ResetClause | None:
        """When the rate is reset to the LPR; None where the contract says nothing."""
        return reset_clause(
            months=self.reset_months, day=self.reset_day, fixing_lag_days=self.fixing_lag_days,
            is_fixed=self.fixed_rate is not None,
        )  # fmt: skip

    def _require_one_rate(self) -> None:
        follows = self.lpr_tenor is not None or self.margin_bp is not None
        if (self.fixed_rate is not None) == follows or (self.lpr_tenor is None) != (self.margin_bp is None):
            raise InvalidInput(
                "the contract needs a fixed rate, or an LPR tenor with a margin",
                zh="请填写固定利率，或 LPR 期限与加减点",
                field="fixed_rate",
            )  # fmt: skip
        if self.fixed_rate is not None and not (self.fixed_rate.is_finite() and 0 <= self.fixed_rate <= RATE_MAX):
            raise InvalidInput(f"rate is {self.fixed_rate}", zh="年利率须在 0 至 24% 之间", field="fixed_rate")
        if self.lpr_tenor is not None and self.lpr_tenor not in LPR_TENORS:
            raise InvalidInput(f"LPR tenor is {self.lpr_tenor}", zh="LPR 期限须为 1Y 或 5Y", field="lpr_tenor")
        if self.margin_bp is not None and abs(self.margin_bp) > MARGIN_BP_MAX:
            raise InvalidInput(f"margin is {self.margin_bp} bp", zh=f"加减点超出 ±{MARGIN_BP_MAX}", field="margin_bp")

    def terms_of(self, draft: "DrawdownDraft", *, rate: Decimal) -> LoanTerms:
        """Give a note's terms: what is drawn, under what the contract says."""
        return LoanTerms(
            principal_cny=draft.amount_cny,
            drawdown_date=draft.drawdown_date,
            maturity_date=draft.maturity_date,
            rate=rate,
            basis=self.basis,
            method=self.method,
            interest_period_months=self.interest_period_months,
            settlement_day=self.settlement_day,
            accrual_dates=self.accrual_dates,
        )


_CONTRACT_WORDS = {
    "number": "合同编号", "document": "合同文本", "product": "产品", "purpose": "贷款用途",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(Generic[T]):
    """One revision of a line or contract with who stands for it; `known_from` is the business date of its approval."""

    id: str
    revision: int
    terms: T
    known_from: date
    approval_id: str
    maker_name: str
    checker_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawdownDraft:
    """What is to be drawn as one loan note (借据)."""

    note_code: str
    contract_number: str
    amount_cny: Decimal
    drawdown_date: date
    maturity_date: date

    def __post_init__(self) -> None:
        """Refuse a note without a code or an amount."""
        require_words(self.note_code, "note_code", "借据号")
        require_amount(self.amount_cny, "amount_cny", "提款金额")
        _require_span(self.drawdown_date, self.maturity_date, "maturity_date", "借据期限")


def require_words(text: str, field: str, zh: str) -> None:
    """Refuse an empty text."""
    if not text.strip():
        raise InvalidInput(f"{field} is empty", zh=f"请填写{zh}", field=field)


def require_amount(amount: Decimal, field: str, zh: str) -> None:
    """Refuse an amount that is not above zero, not whole fen or beyond any line."""
    if not amount.is_finite() or not 0 < amount < AMOUNT_MAX or amount * 100 != (amount * 100).to_integral_value():
        raise InvalidInput(f"{field} is {amount}", zh=f"{zh}须大于零且最多两位小数", field=field)


def _require_span(start: date, end: date, field: str, zh: str) -> None:
    if end < start:
        raise InvalidInput(f"{end} lies before {start}", zh=f"{zh}止于 {end}，早于 {start}", field=field)


FACILITY_NAMES: Mapping[str, tuple[str, str]] = {
    "number": ("编号", "Number"),
    "party": ("借款人", "Borrower"),
    "line_number": ("授信批复编号", "Credit line"),
    "contract_number": ("合同编号", "Contract"),
    "note_code": ("借据号", "Loan note"),
    "document": ("批复或合同文件", "Document"),
    "product": ("产品", "Product"),
    "purpose": ("贷款用途", "Purpose"),
    "currency": ("币种", "Currency"),
    "amount": ("金额", "Amount"),
    "amount_cny": ("提款金额（元）", "Amount drawn (CNY)"),
    "is_revolving": ("循环额度", "Revolving"),
    "available_from": ("额度可用期起", "Available from"),
    "available_to": ("额度可用期止", "Available to"),
    "signed_on": ("签约日", "Signed on"),
    "drawable_from": ("提款期起", "Drawable from"),
    "drawable_to": ("提款期止", "Drawable to"),
    "matures_by": ("最迟到期日", "Matures by"),
    "drawdown_date": ("提款日", "Drawdown date"),
    "maturity_date": ("到期日", "Maturity date"),
    "fixed_rate": ("固定年利率", "Fixed rate"),
    "rate": ("执行年利率", "Executed rate"),
    "rate_note": ("利率构成", "How the rate came about"),
    "lpr_tenor": ("LPR 期限", "LPR tenor"),
    "margin_bp": ("加减点（BP）", "Margin (bp)"),
    "basis": ("计息基准", "Day count"),
    "method": ("还款方式", "Repayment"),
    "interest_period_months": ("付息间隔（月）", "Months between interest days"),
    "settlement_day": ("结息日", "Settlement day"),
    "accrual_dates": ("计息止于", "Interest runs to"),
    "pledge_code": ("担保质押", "Pledge"),
    "repo_code": ("担保回购", "Repo"),
    "concession_stop_days": ("逾期超过几日停止优惠", "Concession stops beyond days past due"),
    "concession_stops_from": ("停止优惠起算日", "It stops from"),
    "concession_returns": ("清偿后是否恢复", "It comes back"),
    "reset_months": ("重定价周期（月）", "Months between resets"),
    "reset_day": ("重定价日", "Reset day"),
    "fixing_lag_days": ("取重定价日前几日的 LPR", "Fixing lag (days)"),
    "term_sheet_number": ("条款清单编号", "Term sheet"),
    "term_sheet_version": ("条款清单版本", "Version of the term sheet"),
    "valid_from": ("生效日", "Valid from"),
}
"""The words of each field, for forms and for those who approve."""
