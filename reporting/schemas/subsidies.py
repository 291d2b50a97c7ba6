"""Subsidy applications and reports as the API shows them."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.kernel.batch import Failure
from carbonfin.rules.trace import Figure
from carbonfin.web.wire import (
    CnyText,
    DayText,
    DecimalText,
    FigureOut,
    IdText,
    NameText,
    NoteText,
    QuantityT,
    UnitText,
    UsciText,
    day_of,
    decimal_of,
)
from reporting.calc.batches import FiledApplication
from reporting.calc.facts import (
    CostKind,
    CostVoucher,
    DocumentKind,
    EnterpriseSize,
    FiledDocument,
    FinancingForm,
    LoanNote,
    LoanStatus,
    PledgeAnnouncement,
    PledgedUnits,
)
from reporting.calc.reports import ReportLine, SubsidyReport
from reporting.schemas.applicants import ApplicantRecordIn

DigestText = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the file, in hexadecimal.")]
AddressText = Annotated[str, Meta(max_length=500, description="Address of the announcement.")]
GroupText = Annotated[
    str,
    Meta(
        pattern=r"^([0-9A-Z]{18})?$",
        description="USCI of the head of the applicant's group; empty where it states that it belongs to none.",
    ),
]
InstantText = Annotated[datetime, Meta(tz=True, description="An instant with its zone.")]


class VoucherIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A cost voucher: interest or guarantee fee of one period, the end not counted."""

    number: NameText
    kind: CostKind
    period_start: DayText
    period_end: DayText
    gross_cny: CnyText
    invoice_vat_cny: CnyText | None = None
    paid_date: DayText | None = None

    def voucher(self, place: int) -> CostVoucher:
        """Give it as the domain's value."""
        at = f"/vouchers/{place}"
        return CostVoucher(
            number=self.number,
            kind=self.kind,
            period_start=day_of(self.period_start, field=f"{at}/period_start"),
            period_end=day_of(self.period_end, field=f"{at}/period_end"),
            gross_cny=decimal_of(self.gross_cny),
            invoice_vat_cny=None if self.invoice_vat_cny is None else decimal_of(self.invoice_vat_cny),
            paid_on=None if self.paid_date is None else day_of(self.paid_date, field=f"{at}/paid_date"),
        )


class LoanNoteIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A loan note that is kept in the bank's own system and not here."""

    principal_cny: CnyText
    start_date: DayText
    end_date: DayText
    status: LoanStatus
    rate: DecimalText | None = None
    settled_date: DayText | None = None

    def note(self, *, bank_name: str, contract_number: str, note_number: str) -> LoanNote:
        """Give it as the domain's value."""
        settled = self.settled_date
        return LoanNote(
            bank_name=bank_name,
            contract_number=contract_number,
            note_number=note_number,
            principal_cny=decimal_of(self.principal_cny),
            start_date=day_of(self.start_date, field="/loan_note/start_date"),
            end_date=day_of(self.end_date, field="/loan_note/end_date"),
            rate=None if self.rate is None else decimal_of(self.rate),
            status=self.status,
            settled_on=None if settled is None else day_of(settled, field="/loan_note/settled_date"),
        )


class PledgedIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units pledged, as announced."""

    unit: UnitText
    quantity_t: QuantityT


class AnnouncementIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The pledge announcement on the bureau's web site."""

    number: NameText
    address: AddressText
    pledged: Annotated[list[PledgedIn], Meta(max_length=50)]
    published_date: DayText | None = None

    def announcement(self) -> PledgeAnnouncement:
        """Give it as the domain's value."""
        published = self.published_date
        return PledgeAnnouncement(
            number=self.number,
            address=self.address,
            published_on=None if published is None else day_of(published, field="/announcement/published_date"),
            pledged=tuple(PledgedUnits(unit=item.unit, quantity_t=item.quantity_t) for item in self.pledged),
        )


class DocumentIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document of the file, by its digest."""

    kind: DocumentKind
    file_name: NameText
    digest: DigestText

    def document(self) -> FiledDocument:
        """Give it as the domain's value."""
        return FiledDocument(kind=self.kind, file_name=self.file_name, digest=self.digest)


class ApplicationIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An application for a subsidy.

    Without `loan_note` the note, its applicant and its interest vouchers are taken from the bank's books here;
    `voucher_numbers` then picks vouchers, and `vouchers` adds costs the books do not hold.
    """

    reference: IdText
    scheme: IdText
    applicant_usci: UsciText
    submitted_at: InstantText
    contract_number: NameText
    note_number: NameText
    documents: Annotated[list[DocumentIn], Meta(max_length=100)]
    loan_note: LoanNoteIn | None = None
    voucher_numbers: Annotated[list[int], Meta(max_length=200)] | None = None
    vouchers: Annotated[list[VoucherIn], Meta(max_length=200)] = []
    announcement: AnnouncementIn | None = None
    appraisal_and_registration_fee_cny: CnyText | None = None
    other_subsidy: NoteText | None = None
    contact: NameText | None = None
    financing_form: FinancingForm | None = None
    enterprise_size: EnterpriseSize | None = None
    applicant_group: GroupText | None = None
    applicant_record: ApplicantRecordIn | None = None


class ApplicationOut(Struct, frozen=True, kw_only=True):
    """An application as filed, in short."""

    application_id: str
    reference: str
    scheme: str
    filed_by_bank: str
    applicant_name: str
    applicant_usci: str
    note_number: str
    submitted_at: str
    voucher_count: int
    gross_cny: str
    is_sample: bool

    @classmethod
    def of(cls, filed: FiledApplication) -> "ApplicationOut":
        """Copy a filed application."""
        application = filed.application
        return cls(
            application_id=filed.application_id,
            reference=application.reference,
            scheme=application.scheme,
            filed_by_bank=application.filed_by_bank,
            applicant_name=application.applicant_name,
            applicant_usci=application.applicant_usci,
            note_number=application.loan_note.note_number,
            submitted_at=application.submitted_at.isoformat().replace("+00:00", "Z"),
            voucher_count=len(application.vouchers),
            gross_cny=str(sum((voucher.gross_cny for voucher in application.vouchers), decimal_of("0.00"))),
            is_sample=application.is_sample,
        )


class ApplicationListOut(Struct, frozen=True, kw_only=True):
    """Applications in order of filing."""

    applications: list[ApplicationOut]


class ReportIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which quarter to report, as of which day; left out, the business date."""

    quarter: Annotated[str, Meta(pattern=r"^20[0-9]{2}Q[1-4]$", examples=["2025Q3"])]
    as_of: DayText | None = None


class CriterionOut(Struct, frozen=True, kw_only=True):
    """One criterion answered, with its clause."""

    criterion: str
    answer: str
    clause: str
    found_zh: str
    found_en: str
    lacks_parameter: bool


class PairOut(Struct, frozen=True, kw_only=True):
    """Two applications that claim the same thing."""

    reason: str
    own_item: str
    earlier_application_id: str
    earlier_reference: str
    earlier_item: str
    same_scheme: bool


class ReportLineOut(Struct, frozen=True, kw_only=True):
    """One application in the report; `proposed_cny` is null while conditions or cap are not confirmed."""

    application: ApplicationOut
    decision_id: str
    scheme_title: str
    outcome: str
    reason_zh: str
    reason_en: str
    net_cny: str | None
    calculated_cny: str | None
    proposed_cny: str | None
    allocated_cny: str | None
    unconfirmed_zh: list[str]
    missing_documents: list[str]
    criteria: list[CriterionOut]
    duplicates: list[PairOut]
    trace: list[FigureOut]

    @classmethod
    def of(cls, line: ReportLine) -> "ReportLineOut":
        """Copy a line of a report."""
        decision = line.decision
        return cls(
            application=ApplicationOut.of(
                FiledApplication(application_id=line.application_id, application=line.application)
            ),
            decision_id=line.decision_id,
            scheme_title=line.scheme_title,
            outcome=decision.outcome.value,
            reason_zh=decision.reason_zh,
            reason_en=decision.reason_en,
            net_cny=_text(decision.net_cny),
            calculated_cny=_text(decision.calculated_cny),
            proposed_cny=_text(decision.proposed_cny),
            allocated_cny=_text(line.allocated_cny),
            unconfirmed_zh=list(decision.unconfirmed_zh),
            missing_documents=[kind.value for kind in decision.missing_documents],
            criteria=[
                CriterionOut(
                    criterion=result.criterion.value,
                    answer=result.answer.value,
                    clause=result.clause,
                    found_zh=result.found_zh,
                    found_en=result.found_en,
                    lacks_parameter=result.lacks_parameter,
                )
                for result in decision.criteria
            ],
            duplicates=[
                PairOut(
                    reason=pair.reason.value,
                    own_item=pair.own_item,
                    earlier_application_id=pair.earlier_application_id,
                    earlier_reference=pair.earlier_reference,
                    earlier_item=pair.earlier_item,
                    same_scheme=pair.same_scheme,
                )
                for pair in decision.pairs
            ],
            trace=[_figure(figure) for figure in decision.trace],
        )


class ReportFailureOut(Struct, frozen=True, kw_only=True):
    """An application that could not be decided at all."""

    item: str
    field: str | None
    detail: str
    detail_zh: str
    remedy: str
    remedy_zh: str

    @classmethod
    def of(cls, failure: Failure) -> "ReportFailureOut":
        """Copy the failure."""
        return cls(
            item=failure.item, field=failure.field, detail=failure.detail, detail_zh=failure.zh,
            remedy=failure.remedy, remedy_zh=failure.remedy_zh,
        )  # fmt: skip


class StepOut(Struct, frozen=True, kw_only=True):
    """One step of the funnel."""

    name: str
    title_zh: str
    title_en: str
    count: int


class ReportOut(Struct, frozen=True, kw_only=True):
    """A quarter's report; an amount in all is null while applications wait and none has one."""

    report_id: str
    quarter: str
    as_of: str
    reporting_body: str
    digest: str
    is_sample: bool
    calculated_cny: str | None
    proposed_cny: str | None
    funnel: list[StepOut]
    lines: list[ReportLineOut]
    failures: list[ReportFailureOut]

    @classmethod
    def of(cls, report: SubsidyReport) -> "ReportOut":
        """Copy a report."""
        return cls(
            report_id=report.report_id,
            quarter=report.quarter,
            as_of=report.as_of.isoformat(),
            reporting_body=report.reporting_body,
            digest=report.digest,
            is_sample=report.is_sample,
            calculated_cny=_text(report.calculated_cny),
            proposed_cny=_text(report.proposed_cny),
            funnel=[
                StepOut(name=step.name, title_zh=step.title_zh, title_en=step.title_en, count=step.count)
                for step in report.summary.funnel
            ],
            lines=[ReportLineOut.of(line) for line in report.lines],
            failures=[ReportFailureOut.of(failure) for failure in report.failures],
        )


def _figure(figure: Figure) -> FigureOut:
    parameter = figure.parameter
    return FigureOut(
        name=figure.name,
        label_zh=figure.label_zh,
        label_en=figure.label_en,
        value=figure.value,
        unit=figure.unit,
        formula=figure.formula,
        inputs=list(figure.inputs),
        source=figure.source,
        confirmed=figure.confirmed,
        note_zh=figure.note_zh,
        note_en=figure.note_en,
        parameter_key=None if parameter is None else parameter.key,
        parameter_digest=None if parameter is None else parameter.digest,
        document=None if parameter is None else parameter.document,
        document_number=None if parameter is None else parameter.document_number,
        article=None if parameter is None else parameter.article,
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
