"""What an application for an interest subsidy states: applicant, loan note, vouchers, announcement, documents."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.dates import aware
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.record import ADDED_LATER


class DocumentKind(StrEnum):
    """Documents a scheme may ask for; the values stand in the scheme's document list."""

    APPLICATION_FORM = "application_form"
    USCI_CERTIFICATE = "usci_certificate"
    LEGAL_REPRESENTATIVE_ID = "legal_representative_id"
    LOAN_CONTRACT = "loan_contract"
    SECURITY_CONTRACT = "security_contract"
    LOAN_NOTE = "loan_note"
    COST_VOUCHERS = "cost_vouchers"
    INVOICES = "invoices"
    SETTLEMENT_CERTIFICATE = "settlement_certificate"
    ANNOUNCEMENT_SCREENSHOT = "announcement_screenshot"
    TRUTHFULNESS_STATEMENT = "truthfulness_statement"
    OTHER = "other"

    __hash__ = str.__hash__  # the enumeration's own asks Python code at each look-up


DOCUMENT_TITLES: dict[DocumentKind, tuple[str, str]] = {
    DocumentKind.APPLICATION_FORM: ("项目申请书", "Application form"),
    DocumentKind.USCI_CERTIFICATE: ("统一社会信用代码证书", "USCI certificate"),
    DocumentKind.LEGAL_REPRESENTATIVE_ID: ("法定代表人身份证", "Identity card of the legal representative"),
    DocumentKind.LOAN_CONTRACT: ("借款合同", "Loan contract"),
    DocumentKind.SECURITY_CONTRACT: ("担保合同", "Security contract"),
    DocumentKind.LOAN_NOTE: ("借据", "Loan note"),
    DocumentKind.COST_VOUCHERS: ("费用支出凭证", "Cost vouchers"),
    DocumentKind.INVOICES: ("发票", "Invoices"),
    DocumentKind.SETTLEMENT_CERTIFICATE: ("贷款结清证明", "Loan settlement certificate"),
    DocumentKind.ANNOUNCEMENT_SCREENSHOT: ("碳配额质押公告截图", "Screenshot of the pledge announcement"),
    DocumentKind.TRUTHFULNESS_STATEMENT: ("真实性承诺书", "Statement that the file is true"),
    DocumentKind.OTHER: ("其他材料", "Other"),
}


class FinancingForm(StrEnum):
    """What was financed, and how."""

    ALLOWANCE_PLEDGE = "allowance_pledge"
    ALLOWANCE_REPO = "allowance_repo"
    CARBON_REDUCTION_LOAN = "carbon_reduction_loan"
    CARBON_BOND = "carbon_bond"
    OTHER = "other"


FORM_TITLES: dict[FinancingForm, tuple[str, str]] = {
    FinancingForm.ALLOWANCE_PLEDGE: ("碳配额质押贷款", "loan on pledged allowances"),
    FinancingForm.ALLOWANCE_REPO: ("碳配额回购", "repo of allowances"),
    FinancingForm.CARBON_REDUCTION_LOAN: ("降碳贷", "carbon-reduction loan"),
    FinancingForm.CARBON_BOND: ("碳债券", "carbon bond"),
    FinancingForm.OTHER: ("其他", "other"),
}


class EnterpriseSize(StrEnum):
    """Size by 中小企业划型标准."""

    LARGE = "large"
    MEDIUM = "medium"
    SMALL = "small"
    MICRO = "micro"


SIZE_TITLES: dict[EnterpriseSize, tuple[str, str]] = {
    EnterpriseSize.LARGE: ("大型", "large"),
    EnterpriseSize.MEDIUM: ("中型", "medium"),
    EnterpriseSize.SMALL: ("小型", "small"),
    EnterpriseSize.MICRO: ("微型", "micro"),
}


class LoanStatus(StrEnum):
    """Whether a loan note is paid back; `unknown` is never read as settled."""

    SETTLED = "settled"
    RUNNING = "running"
    UNKNOWN = "unknown"


class CostKind(StrEnum):
    """What a voucher pays for."""

    INTEREST = "interest"
    GUARANTEE_FEE = "guarantee_fee"

    __hash__ = str.__hash__  # the enumeration's own asks Python code at each look-up


COST_TITLES: dict[CostKind, tuple[str, str]] = {
    CostKind.INTEREST: ("利息", "interest"),
    CostKind.GUARANTEE_FEE: ("担保费", "guarantee fee"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CostVoucher:
    """One payment of interest or guarantee fee.

    Attributes:
        number: The voucher's own number.
        period_start: First day of the period paid for, counted.
        period_end: End of the period, not counted.
        gross_cny: Amount with VAT, whole fen.
        invoice_vat_cny: VAT printed on the invoice, None where none is stated and the rate splits the amount.
        paid_on: Day of payment, or None where it is not known.
    """

    number: str
    kind: CostKind
    period_start: date
    period_end: date
    gross_cny: Decimal
    invoice_vat_cny: Decimal | None
    paid_on: date | None

    def __post_init__(self) -> None:
        """Refuse an empty period, amounts that are no whole fen, and more VAT than amount."""
        if self.period_end <= self.period_start:
            raise InvalidInput(
                f"voucher {self.number}: the period ends {self.period_end}, not after {self.period_start}",
                zh=f"凭证 {self.number} 的计费期止日应晚于起日",
                field="vouchers/period_end",
            )
        _refuse_part_fen(self.number, self.gross_cny, field="gross_cny")
        if self.invoice_vat_cny is not None:
            _refuse_part_fen(self.number, self.invoice_vat_cny, field="invoice_vat_cny")
            if self.invoice_vat_cny > self.gross_cny:
                raise InvalidInput(
                    f"voucher {self.number}: VAT {self.invoice_vat_cny} exceeds the amount {self.gross_cny}",
                    zh=f"凭证 {self.number} 的税额大于含税金额",
                    field="vouchers/invoice_vat_cny",
                )


def _refuse_part_fen(number: str, amount_cny: Decimal, *, field: str) -> None:
    if not amount_cny.is_finite() or amount_cny < 0 or amount_cny != amount_cny.quantize(Decimal("0.01")):
        raise InvalidInput(
            f"voucher {number}: {amount_cny} is not a whole, non-negative number of fen",
            zh=f"凭证 {number} 的金额应为非负且最多两位小数",
            field=f"vouchers/{field}",
            remedy="Give at most two decimal places.",
            remedy_zh="金额最多两位小数。",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanNote:
    """The loan note the subsidy is asked for.

    Attributes:
        rate: Executed annual rate, decimal, or None where not stated.
        status: As known on the day of the facts.
        settled_on: Day of settlement where settled.
    """

    bank_name: str
    contract_number: str
    note_number: str
    principal_cny: Decimal
    start_date: date
    end_date: date
    rate: Decimal | None
    status: LoanStatus
    settled_on: date | None

    def __post_init__(self) -> None:
        """Refuse a note that ends, or was settled, before it began."""
        if self.end_date <= self.start_date:
            raise InvalidInput(
                f"loan note {self.note_number}: ends {self.end_date}, not after {self.start_date}",
                zh=f"借据 {self.note_number} 的到期日 {self.end_date} 不晚于起始日 {self.start_date}",
                field="/loan_note/end_date",
            )
        if self.settled_on is not None and self.settled_on < self.start_date:
            raise InvalidInput(
                f"loan note {self.note_number}: settled {self.settled_on}, before it began on {self.start_date}",
                zh=f"借据 {self.note_number} 的结清日 {self.settled_on} 早于起始日 {self.start_date}",
                field="/loan_note/settled_date",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PledgedUnits:
    """Units behind the loan, as announced."""

    unit: str
    quantity_t: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PledgeAnnouncement:
    """The announcement of the pledge on the bureau's web site."""

    number: str
    address: str
    published_on: date | None
    pledged: tuple[PledgedUnits, ...]

    def __post_init__(self) -> None:
        """Refuse an address that is no web address; an empty one is a missing document, not a fault."""
        if self.address and not self.address.startswith(("https://", "http://")):
            raise InvalidInput(
                f"announcement address {self.address!r} is not a web address",
                zh="公告网址须以 https:// 或 http:// 开头",
                field="announcement/address",
                remedy="Copy the address from the bureau's page.",
                remedy_zh="请从公告页面复制网址。",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledDocument:
    """One document in the file, held by its SHA-256."""

    kind: DocumentKind
    file_name: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicantRecord:
    """What public registers say of the applicant; None is not looked up, which is never clear.

    Attributes:
        checked_on: Day they were looked at.
        is_seriously_dishonest: Whether it stands on the list 严重失信主体名单.
        penalised_on: Days of decisions on environmental penalties.
        late_surrender_years: Compliance years for which it surrendered late or too little.
    """

    checked_on: date
    is_seriously_dishonest: bool | None
    penalised_on: tuple[date, ...] | None
    late_surrender_years: tuple[int, ...] | None

    def __post_init__(self) -> None:
        """Refuse a penalty after the day on which the registers were looked at."""
        late = [day for day in self.penalised_on or () if day > self.checked_on]
        if late:
            raise InvalidInput(
                f"a penalty of {late[0]} was not to be seen on {self.checked_on}",
                zh=f"处罚决定日 {late[0]} 晚于查询日 {self.checked_on}",
                field="/applicant_record/penalised_dates",
                remedy="Look the registers up again and give that day.",
                remedy_zh="请重新查询并填写查询日。",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SubsidyApplication:
    """One application as filed; None means not stated, never no.

    Attributes:
        reference: The filer's own number, unique within the filing bank.
        scheme: Scheme code, for example `nanshan-2025`.
        key_emitter: 是否重点排放单位 in the year of the financing, None where not known.
        appraisal_and_registration_fee_cny: Shown in the report, not counted.
        other_subsidy: What the applicant declares, empty for "none declared", None for no declaration.
        form: What was financed, and how.
        size: Of the enterprise.
        group: Code of the group it belongs to (USCI of the head), empty where it states that it belongs to none.
        record: What public registers say of it.
    """

    reference: str
    filed_by_bank: str
    scheme: str
    applicant_name: str
    applicant_usci: str
    district: str | None
    key_emitter: bool | None
    submitted_at: datetime
    loan_note: LoanNote
    vouchers: tuple[CostVoucher, ...]
    announcement: PledgeAnnouncement | None
    documents: tuple[FiledDocument, ...]
    appraisal_and_registration_fee_cny: Decimal | None
    other_subsidy: str | None
    contact: str | None
    is_sample: bool
    form: FinancingForm | None = field(default=None, metadata=ADDED_LATER)
    size: EnterpriseSize | None = field(default=None, metadata=ADDED_LATER)
    group: str | None = field(default=None, metadata=ADDED_LATER)
    record: ApplicantRecord | None = field(default=None, metadata=ADDED_LATER)

    def __post_init__(self) -> None:
        """Refuse a naive instant and a voucher that stands twice in one file."""
        aware(self.submitted_at)
        numbers = [voucher.number for voucher in self.vouchers]
        if len(set(numbers)) != len(numbers):
            raise InvalidInput(
                f"application {self.reference} names a voucher twice",
                zh=f"申请 {self.reference} 中有重复的凭证号",
                field="vouchers",
                remedy="Name each voucher once.",
                remedy_zh="每张凭证只填一次。",
            )
