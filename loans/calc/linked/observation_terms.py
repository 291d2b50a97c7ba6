"""What an observation is decided from, and what is decided."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.errors import Conflict, InvalidInput, MissingData
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.trace import Figure
from loans.calc.linked.agreements import SustainabilityLink
from loans.calc.linked.documents import ComplianceCertificate, VerificationReport
from loans.calc.linked.indicators import ObservationDate


class ObservationStatus(StrEnum):
    """What became of an observation."""

    MET = "met"
    MISSED = "missed"
    LATE = "late"
    NOT_RECEIVED = "not-received"


STATUS_ZH: dict[ObservationStatus, str] = {
    ObservationStatus.MET: "达标", ObservationStatus.MISSED: "未达标", ObservationStatus.LATE: "逾期提交",
    ObservationStatus.NOT_RECEIVED: "未提交",
}  # fmt: skip
STATUS_EN: dict[ObservationStatus, str] = {
    ObservationStatus.MET: "met", ObservationStatus.MISSED: "missed", ObservationStatus.LATE: "late",
    ObservationStatus.NOT_RECEIVED: "not received",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationInputs:
    """Everything an observation's decision takes.

    Attributes:
        version: 1, or one more for each time it is decided again.
        usci: The borrower.
        table: The link's ratchet as people signed it.
        report: The latest there is, or None.
        first_received_date: Day on which the first version of it came.
        level_before_bp: Where the adjustment stood after the observation before.
        decided_on: The business date.
    """

    link: SustainabilityLink
    link_revision: int
    usci: str
    observation_number: int
    version: int
    table: RecordedTable
    report: VerificationReport | None
    first_received_date: date | None
    certificate: ComplianceCertificate | None
    level_before_bp: Decimal
    decided_on: date

    def __post_init__(self) -> None:
        """Refuse a report of another enterprise, from the future, or nothing at all before it is due."""
        observation = self.observation
        if self.report is not None and self.report.usci != self.usci:
            raise InvalidInput(
                f"the report speaks of {self.report.usci}, the borrower is {self.usci}",
                zh="核查报告不属于该借款人", field="usci", remedy="Hand in the borrower's own report.",
                remedy_zh="请提交该借款人的核查报告。",
            )  # fmt: skip
        if (self.report is None) != (self.first_received_date is None):
            raise InvalidInput("a report has a first day, and only a report has", zh="核查报告首次收到日不一致")
        for document in (self.report, self.certificate):
            if document is not None and document.received_date > self.decided_on:
                raise InvalidInput(
                    f"a document of {document.received_date} was not there on {self.decided_on}",
                    zh="文件收到日晚于认定日", field="received_date",
                )  # fmt: skip
        if self.decided_on < observation.observation_date:
            raise Conflict(
                f"the period ends on {observation.observation_date}, after {self.decided_on}",
                zh=f"观察期至 {observation.observation_date} 止，尚未结束", field="observation_number",
                remedy="Decide it once the period has ended.", remedy_zh="请在观察期结束后认定。",
            )  # fmt: skip
        if self.report is None and self.decided_on <= observation.report_due_date:
            raise MissingData(
                f"there is no report yet, and it is due on {observation.report_due_date}",
                zh=f"尚无核查报告，截止日为 {observation.report_due_date}", field="report",
                remedy="Hand in the report, or wait for its due date to pass.",
                remedy_zh="请提交核查报告；截止日过后方可认定为未提交。",
            )  # fmt: skip

    @property
    def observation(self) -> ObservationDate:
        """The observation it is about."""
        return self.link.observation(self.observation_number)

    @property
    def complete_date(self) -> date | None:
        """The day on which all that is needed had come: the report's first version, and the certificate."""
        if not self.link.needs_certificate or self.certificate is None or self.first_received_date is None:
            return self.first_received_date
        return max(self.first_received_date, self.certificate.received_date)

    @property
    def is_late(self) -> bool:
        """Whether it was complete after the due date only; a correction of a report in time is in time."""
        complete = self.complete_date
        return complete is not None and complete > self.observation.report_due_date


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiResult:
    """One KPI against its target; what the report does not say is not met."""

    kpi_code: str
    target: Decimal
    actual: Decimal | None
    is_met: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationResult:
    """What was decided.

    Attributes:
        counts: Whether the report was taken into account.
        why_zh: What kept it out, or why the status is what it is; empty where nothing did.
        interim_bp: Where it stands from the report's due date until then, where a late report counts from the next
            period only; None otherwise.
        level_bp: Where the adjustment stands from the interest period that follows.
        applies_after: The margin moves from the first interest period that begins on or after this day.
    """

    status: ObservationStatus
    counts: bool
    why_zh: str
    why_en: str
    kpis: tuple[KpiResult, ...]
    step_bp: Decimal
    interim_bp: Decimal | None
    level_bp: Decimal
    applies_after: date
    trace: tuple[Figure, ...]
