"""Sustainability links as JSON: what is agreed, handed in, observed, and how rates moved."""

from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.web.wire import (
    DayText,
    DecimalText,
    IdText,
    NameText,
    NoteText,
    RateText,
    RatioText,
    UsciText,
    day_of,
    decimal_of,
)
from loans.calc.jiangtandai import PointFraction
from loans.calc.linked import RatchetKind
from loans.calc.linked.agreements import KPIS_MAX, Assurance, LinkEvent, SustainabilityLink
from loans.calc.linked.documents import ComplianceCertificate, KpiValue, LinkDocumentKind, VerificationReport
from loans.calc.linked.indicators import (
    HISTORY_MAX,
    TARGETS_MAX,
    Direction,
    KeyPerformanceIndicator,
    ObservationDate,
    PerformanceTarget,
    YearValue,
)
from loans.calc.linked.ratchet_terms import GRADES_MAX
from loans.calc.linked.ratchets import LateReport, MarginRatchet, PointTerms, RatchetForm, RatchetStep
from loans.schemas.loan_notes import ReasonText
from loans.service import LinkChange

KpiText = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9._-]+$", description="A KPI's code.")]
YearNumber = Annotated[int, Meta(ge=1990, le=2199, description="A calendar year.")]
StepBp = Annotated[int, Meta(ge=-500, le=500, description="Whole bp; below zero lowers the rate.")]
DigestText = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the evidence file.")]
ObservationNumber = Annotated[int, Meta(ge=1, le=TARGETS_MAX, description="Which observation, from 1.")]


class KpiYearIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A KPI's value of one past year."""

    year: YearNumber
    value: DecimalText


class LinkKpiIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A KPI: definition with boundary, unit, method, and baseline with its year and document."""

    code: KpiText
    name: NameText
    definition: NoteText
    unit: NameText
    direction: Direction
    method: NameText
    data_source: NameText
    baseline_year: YearNumber
    baseline_value: DecimalText
    baseline_source: NameText
    is_intensity: bool
    emissions_ratio: RatioText | None = None
    history: Annotated[list[KpiYearIn], Meta(max_length=HISTORY_MAX)] = []

    def value(self) -> KeyPerformanceIndicator:
        """Give the KPI as a value."""
        return KeyPerformanceIndicator(
            code=self.code,
            name=self.name,
            definition=self.definition,
            unit=self.unit,
            direction=self.direction,
            method=self.method,
            data_source=self.data_source,
            baseline_year=self.baseline_year,
            baseline_value=decimal_of(self.baseline_value),
            baseline_source=self.baseline_source,
            emissions_ratio=None if self.emissions_ratio is None else decimal_of(self.emissions_ratio),
            is_intensity=self.is_intensity,
            history=tuple(YearValue(year=one.year, value=decimal_of(one.value)) for one in self.history),
        )


class LinkTargetIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a KPI has to reach at an observation."""

    kpi_code: KpiText
    value: DecimalText


class LinkObservationDateIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An observation: its date, by when the report has to be there, and the targets."""

    observation_date: DayText
    report_due_date: DayText
    targets: Annotated[list[LinkTargetIn], Meta(max_length=KPIS_MAX)] = []

    def observation(self, number: int) -> ObservationDate:
        """Give the observation as a value."""
        return ObservationDate(
            number=number,
            observation_date=day_of(self.observation_date, field="observation_date"),
            report_due_date=day_of(self.report_due_date, field="report_due_date"),
            targets=tuple(
                PerformanceTarget(kpi_code=one.kpi_code, value=decimal_of(one.value)) for one in self.targets
            ),
        )


class RatchetStepIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the grid: a grade, or how many KPIs were met."""

    key: KpiText
    step_bp: StepBp


class RatchetPointsIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Points over a base: bp a point, what a fraction earns, and the cap."""

    base_score: DecimalText
    bp_per_point: DecimalText
    fraction: PointFraction
    cap_bp: DecimalText


class LinkRatchetIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an observation moves the margin; either `steps` or `points`."""

    form: RatchetForm
    kind: RatchetKind
    missed_bp: StepBp
    late: LateReport
    steps: Annotated[list[RatchetStepIn], Meta(max_length=GRADES_MAX)] = []
    points: RatchetPointsIn | None = None
    floor_bp: StepBp | None = None
    cap_bp: StepBp | None = None
    all_in_floor_rate: RateText | None = None

    def ratchet(self) -> MarginRatchet:
        """Give the ratchet as a value."""
        points = self.points
        return MarginRatchet(
            form=self.form,
            kind=self.kind,
            steps=tuple(RatchetStep(key=one.key, step_bp=one.step_bp) for one in self.steps),
            points=None
            if points is None
            else PointTerms(
                base_score=decimal_of(points.base_score),
                bp_per_point=decimal_of(points.bp_per_point),
                fraction=points.fraction,
                cap_bp=decimal_of(points.cap_bp),
            ),
            missed_bp=self.missed_bp,
            floor_bp=self.floor_bp,
            cap_bp=self.cap_bp,
            all_in_floor_rate=None if self.all_in_floor_rate is None else decimal_of(self.all_in_floor_rate),
            late=self.late,
        )


class SustainabilityLinkIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Propose a sustainability link, an amendment or a re-baseline: the whole terms after it."""

    number: IdText
    contract_number: IdText
    document: NameText
    kpis: Annotated[list[LinkKpiIn], Meta(min_length=1, max_length=KPIS_MAX)]
    observations: Annotated[list[LinkObservationDateIn], Meta(min_length=1, max_length=TARGETS_MAX)]
    ratchet: LinkRatchetIn
    verifier: NameText
    verifier_is_independent: bool
    assurance: Assurance
    needs_certificate: bool
    signed_on: DayText
    valid_from: DayText
    reason: ReasonText
    step_up_use: NoteText = ""
    bonus_depends: bool | None = None
    event: LinkEvent = LinkEvent.SIGN

    def change(self) -> LinkChange:
        """Give the event with the terms after it; each rule broken is named by its field."""
        valid_from = day_of(self.valid_from, field="valid_from")
        terms = SustainabilityLink(
            number=self.number,
            contract_number=self.contract_number,
            document=self.document,
            kpis=tuple(one.value() for one in self.kpis),
            observations=tuple(one.observation(number) for number, one in enumerate(self.observations, start=1)),
            ratchet=self.ratchet.ratchet(),
            verifier=self.verifier,
            verifier_is_independent=self.verifier_is_independent,
            assurance=self.assurance,
            needs_certificate=self.needs_certificate,
            signed_on=day_of(self.signed_on, field="signed_on"),
            valid_from=valid_from,
            step_up_use=self.step_up_use,
            bonus_depends=self.bonus_depends,
        )
        return LinkChange(event=self.event, valid_from=valid_from, terms=terms)


class LinkEventIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Propose to suspend, resume or declassify a link; its terms stay."""

    event: LinkEvent
    valid_from: DayText
    reason: ReasonText


class KpiValueIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a report says of one KPI; the denominator of an intensity where it states one."""

    kpi_code: KpiText
    value: DecimalText
    denominator: DecimalText | None = None


class LinkDocumentIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hand in a verification report or a compliance certificate; the file is stored before."""

    kind: LinkDocumentKind
    observation_number: ObservationNumber
    document_date: DayText
    received_date: DayText
    evidence_digest: DigestText
    usci: UsciText | None = None
    verifier: NameText | None = None
    is_independent: bool = False
    assurance: Assurance = Assurance.LIMITED
    values: Annotated[list[KpiValueIn], Meta(max_length=KPIS_MAX)] = []
    grade: KpiText | None = None
    score: DecimalText | None = None
    valid_to: DayText | None = None
    correction_reason: NoteText = ""
    signed_by: NoteText = ""

    def content(self, version: int) -> VerificationReport | ComplianceCertificate:
        """Give the document as a version of its kind."""
        made = day_of(self.document_date, field="document_date")
        received = day_of(self.received_date, field="received_date")
        if self.kind is LinkDocumentKind.COMPLIANCE_CERTIFICATE:
            return ComplianceCertificate(
                version=version, signed_by=self.signed_by, certificate_date=made, received_date=received,
                evidence_digest=self.evidence_digest,
            )  # fmt: skip
        return VerificationReport(
            version=version,
            usci=self.usci or "",
            verifier=self.verifier or "",
            is_independent=self.is_independent,
            assurance=self.assurance,
            report_date=made,
            received_date=received,
            evidence_digest=self.evidence_digest,
            values=tuple(
                KpiValue(
                    kpi_code=one.kpi_code, value=decimal_of(one.value),
                    denominator=None if one.denominator is None else decimal_of(one.denominator),
                )
                for one in self.values
            ),
            grade=self.grade,
            score=None if self.score is None else decimal_of(self.score),
            valid_to=None if self.valid_to is None else day_of(self.valid_to, field="valid_to"),
            correction_reason=self.correction_reason,
        )  # fmt: skip


class LinkObservationIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Propose an observation as it comes out of what is at hand."""

    observation_number: ObservationNumber
    reason: ReasonText
