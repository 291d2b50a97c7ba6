"""What is handed in for an observation: verification report (核查报告) and the borrower's compliance certificate."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.errors import InvalidInput
from loans.calc.facilities.terms import require_words
from loans.calc.linked.agreements import Assurance
from loans.calc.linked.indicators import require_value


class LinkDocumentKind(StrEnum):
    """What a document is."""

    VERIFICATION_REPORT = "verification-report"
    COMPLIANCE_CERTIFICATE = "compliance-certificate"


KINDS_ZH: dict[LinkDocumentKind, str] = {
    LinkDocumentKind.VERIFICATION_REPORT: "核查报告", LinkDocumentKind.COMPLIANCE_CERTIFICATE: "可持续合规证明",
}  # fmt: skip
KINDS_EN: dict[LinkDocumentKind, str] = {
    LinkDocumentKind.VERIFICATION_REPORT: "Verification report",
    LinkDocumentKind.COMPLIANCE_CERTIFICATE: "Compliance certificate",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiValue:
    """What a report says of one KPI.

    Attributes:
        denominator: The denominator of an intensity (产值, 产量), where the report states it.
    """

    kpi_code: str
    value: Decimal
    denominator: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse what is no number."""
        require_value(self.value, "values")
        if self.denominator is not None and not (self.denominator.is_finite() and self.denominator > 0):
            raise InvalidInput(f"denominator is {self.denominator}", zh="强度分母须大于零", field="values")


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationReport:
    """A verifier's report on one observation; a corrected one is a further version.

    Attributes:
        usci: The enterprise it speaks of.
        received_date: Business date on which the bank had it.
        evidence_digest: The file.
        grade: The grade it confirms, or None.
        score: The score it confirms, or None.
        valid_to: Last day on which grade and score hold; None where the report states none.
        correction_reason: Why it replaces an earlier version; empty for the first.
    """

    version: int
    usci: str
    verifier: str
    is_independent: bool
    assurance: Assurance
    report_date: date
    received_date: date
    evidence_digest: str
    values: tuple[KpiValue, ...]
    grade: str | None
    score: Decimal | None
    valid_to: date | None
    correction_reason: str

    def __post_init__(self) -> None:
        """Refuse a report received before it was made, of two values for one KPI, or corrected without a reason."""
        require_words(self.verifier, "verifier", "核查机构")
        if self.received_date < self.report_date:
            raise InvalidInput(
                f"received on {self.received_date}, made on {self.report_date}", zh="收到日早于报告日",
                field="received_date",
            )  # fmt: skip
        if self.valid_to is not None and self.valid_to < self.report_date:
            raise InvalidInput(
                f"valid to {self.valid_to}, made on {self.report_date}", zh="有效期早于报告日", field="valid_to"
            )
        codes = [one.kpi_code for one in self.values]
        if len(set(codes)) != len(codes):
            raise InvalidInput("one KPI has two values", zh="同一指标填了两个数值", field="values")
        if self.score is not None and not (self.score.is_finite() and self.score >= 0):
            raise InvalidInput(f"score is {self.score}", zh="得分不能为负", field="score")
        if self.version > 1 and not self.correction_reason.strip():
            raise InvalidInput(
                f"version {self.version} of the report has no reason", zh="更正核查报告须填写原因",
                field="correction_reason",
            )  # fmt: skip

    def value_of(self, kpi_code: str) -> Decimal | None:
        """Give what it says of a KPI, or None."""
        return next((one.value for one in self.values if one.kpi_code == kpi_code), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplianceCertificate:
    """The borrower's own certificate for one observation (可持续合规证明)."""

    version: int
    signed_by: str
    certificate_date: date
    received_date: date
    evidence_digest: str

    def __post_init__(self) -> None:
        """Refuse a certificate that nobody signed, or received before it was signed."""
        require_words(self.signed_by, "signed_by", "签署人")
        if self.received_date < self.certificate_date:
            raise InvalidInput(
                f"received on {self.received_date}, signed on {self.certificate_date}", zh="收到日早于签署日",
                field="received_date",
            )  # fmt: skip
