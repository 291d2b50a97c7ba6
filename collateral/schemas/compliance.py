"""Compliance positions as the API takes and shows them."""

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import InvalidInput
from carbonfin.web.wire import DayText, FigureOut, NameText, NoteText, day_of
from collateral.calc.compliance_records import (
    AllocationPart,
    AllocationStanding,
    AllocationState,
    CompliancePosition,
    EmissionsState,
    statement_of,
)
from collateral.calc.compliance_years import YearPosition
from collateral.service import ComplianceImport, RecordedRevision, SchemePosition

_TonnesT = Annotated[int, Meta(ge=0, le=1_000_000_000, description="Whole tonnes of CO2 equivalent.")]
_YearNumber = Annotated[int, Meta(ge=2013, le=2099, description="Compliance year (履约年度).")]
_SchemeText = Annotated[
    str, Meta(pattern=r"^[A-Z]{2,8}$", description="Scheme of the allowances owed: CEA, SZA.", examples=["CEA"])
]
_PARTS_MAX = 30


class AllocationPartIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A quantity allocated (预分配, 核定 or 调整) and where it stands: issued, to come, or subject to recall."""

    state: AllocationState
    standing: AllocationStanding
    quantity_t: _TonnesT
    source: NameText
    unconfirmed: NoteText = ""


class ComplianceYearIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an emitter must surrender for a year, and its allocation by state."""

    scheme: _SchemeText
    compliance_year: _YearNumber
    emissions_t: _TonnesT
    emissions_source: NameText
    emissions_state: EmissionsState = EmissionsState.VERIFIED
    surrendered_t: _TonnesT | None = None
    as_of: DayText | None = None
    allocation: Annotated[list[AllocationPartIn], Meta(max_length=_PARTS_MAX)] = []
    unconfirmed: NoteText = ""

    def position(self, party_id: str, *, known_from: date) -> CompliancePosition:
        """Give the statement as a value.

        Raises:
            InvalidInput: The scheme is not known or a credit, or the day lies ahead.
        """
        if self.scheme not in Scheme.__members__:
            raise InvalidInput(
                f"{self.scheme!r} is no known scheme", zh=f"“{self.scheme}”不是已知市场", field="/scheme",
                remedy="Write for example CEA or SZA.", remedy_zh="例如 CEA、SZA。",
            )  # fmt: skip
        as_of = None if self.as_of is None else day_of(self.as_of, field="/as_of")
        if as_of is not None and as_of > known_from:
            raise InvalidInput(
                f"{as_of} lies after {known_from}", zh=f"截至日 {as_of} 晚于 {known_from}", field="/as_of",
                remedy="Check the day.", remedy_zh="请核对日期。",
            )  # fmt: skip
        return statement_of(
            party_id=party_id,
            scheme=Scheme(self.scheme),
            compliance_year=self.compliance_year,
            emissions_t=self.emissions_t,
            emissions_state=self.emissions_state,
            emissions_source=self.emissions_source,
            surrendered_t=self.surrendered_t,
            as_of=as_of,
            parts=tuple(
                AllocationPart(
                    state=one.state,
                    standing=one.standing,
                    quantity_t=one.quantity_t,
                    source=one.source,
                    unconfirmed=one.unconfirmed,
                )
                for one in self.allocation
            ),
            unconfirmed=self.unconfirmed,
            known_from=known_from,
        )


class AllocationPartOut(Struct, frozen=True, kw_only=True):
    """A quantity allocated, by state and standing."""

    state: str
    standing: str
    quantity_t: int
    source: str
    unconfirmed: str


class ComplianceYearOut(Struct, frozen=True, kw_only=True):
    """A statement of a compliance year as it was written down; a later revision corrects it."""

    scheme: str
    compliance_year: int
    revision: int
    emissions_t: int
    emissions_state: str
    emissions_source: str
    surrendered_t: int | None
    as_of: str | None
    allocation: list[AllocationPartOut]
    unconfirmed: str
    known_from: str
    recorded_at: str

    @classmethod
    def of(cls, found: RecordedRevision) -> "ComplianceYearOut":
        """Show a statement."""
        told = found.position
        return cls(
            scheme=told.scheme,
            compliance_year=told.compliance_year,
            revision=found.revision,
            emissions_t=told.emissions_t,
            emissions_state=told.emissions_state,
            emissions_source=told.emissions_source,
            surrendered_t=told.surrendered_t,
            as_of=None if told.as_of is None else told.as_of.isoformat(),
            allocation=[
                AllocationPartOut(
                    state=one.state,
                    standing=one.standing,
                    quantity_t=one.quantity_t,
                    source=one.source,
                    unconfirmed=one.unconfirmed,
                )
                for one in told.allocation
            ],
            unconfirmed=told.unconfirmed,
            known_from=told.known_from.isoformat(),
            recorded_at=found.recorded_at.isoformat(),
        )


class UnitTonnesOut(Struct, frozen=True, kw_only=True):
    """Tonnes of a unit; `reason` says why they do not count, and is empty where they do."""

    unit: str
    quantity_t: int
    reason: str


class YearPositionOut(Struct, frozen=True, kw_only=True):
    """Obligation and means of one year, whole tonnes; a fine that is not known is null, never nil."""

    compliance_year: int
    surrender_date: str
    emissions_t: int
    arrears_t: int
    surrendered_t: int
    outstanding_t: int
    usable: list[UnitTonnesOut]
    left_out: list[UnitTonnesOut]
    to_come_t: int
    to_come_counted_t: int
    recallable_t: int
    balance_t: int
    credits_held_t: int
    offset_limit_t: int | None
    credits_counted_t: int
    surplus_t: int
    shortfall_t: int
    penalty_regime: str | None
    penalty_low_cny: str | None
    penalty_high_cny: str | None

    @classmethod
    def of(cls, year: YearPosition) -> "YearPositionOut":
        """Show a year."""
        return cls(
            compliance_year=year.compliance_year,
            surrender_date=year.surrender_date.isoformat(),
            emissions_t=year.emissions_t,
            arrears_t=year.arrears_t,
            surrendered_t=year.surrendered_t,
            outstanding_t=year.outstanding_t,
            usable=[UnitTonnesOut(unit=str(one.unit), quantity_t=one.quantity_t, reason="") for one in year.usable],
            left_out=[
                UnitTonnesOut(unit=str(one.unit), quantity_t=one.quantity_t, reason=one.reason) for one in year.left_out
            ],
            to_come_t=year.to_come_t,
            to_come_counted_t=year.to_come_counted_t,
            recallable_t=year.recallable_t,
            balance_t=year.balance_t,
            credits_held_t=year.credits_held_t,
            offset_limit_t=year.offset_limit_t,
            credits_counted_t=year.credits_counted_t,
            surplus_t=year.surplus_t,
            shortfall_t=year.shortfall_t,
            penalty_regime=year.penalty_regime,
            penalty_low_cny=None if year.penalty_low_cny is None else str(year.penalty_low_cny),
            penalty_high_cny=None if year.penalty_high_cny is None else str(year.penalty_high_cny),
        )


class SchemePositionOut(Struct, frozen=True, kw_only=True):
    """The position in one scheme by year, in the order of the deadlines, with the trace of every figure."""

    scheme: str
    years: list[YearPositionOut]
    unconfirmed: list[str]
    trace: list[FigureOut]

    @classmethod
    def of(cls, found: SchemePosition) -> "SchemePositionOut":
        """Show a position."""
        return cls(
            scheme=found.scheme,
            years=[YearPositionOut.of(one) for one in found.outcome.years],
            unconfirmed=list(found.outcome.unconfirmed),
            trace=[FigureOut.of(one) for one in found.outcome.trace],
        )


class ComplianceOut(Struct, frozen=True, kw_only=True):
    """An emitter's compliance position on the business date, and the statements it rests on."""

    party_id: str
    business_date: str
    positions: list[SchemePositionOut]
    statements: list[ComplianceYearOut]


class ComplianceWrittenOut(Struct, frozen=True, kw_only=True):
    """Whether a statement was written down; the same again is not."""

    party_id: str
    scheme: str
    compliance_year: int
    written: bool


class ComplianceFileIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of compliance years (CSV or xlsx); `preview` reads it and stores nothing."""

    file_name: NameText
    content_base64: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=7_000_000,
            pattern=r"^[A-Za-z0-9+/\r\n]+={0,2}\s*$",
            description="The file's bytes in base64.",
        ),
    ]
    preview: bool = False


class ComplianceFaultOut(Struct, frozen=True, kw_only=True):
    """What is wrong with a row: where, why and what to do."""

    item: str
    field: str | None
    detail: str
    detail_zh: str
    remedy: str
    remedy_zh: str

    @classmethod
    def of(cls, failure: Failure) -> "ComplianceFaultOut":
        """Show a fault."""
        return cls(
            item=failure.item,
            field=failure.field,
            detail=failure.detail,
            detail_zh=failure.zh,
            remedy=failure.remedy,
            remedy_zh=failure.remedy_zh,
        )


class ComplianceImportOut(Struct, frozen=True, kw_only=True):
    """What a file of compliance years said and what was stored: all rows, or none if any failed."""

    file_name: str
    encoding: str
    row_count: int
    stored: bool
    added_count: int
    unchanged_count: int
    failures: list[ComplianceFaultOut]

    @classmethod
    def of(cls, report: ComplianceImport) -> "ComplianceImportOut":
        """Show what became of a file."""
        return cls(
            file_name=report.file.file_name,
            encoding=report.file.encoding,
            row_count=report.file.row_count,
            stored=report.stored,
            added_count=report.added_count,
            unchanged_count=report.unchanged_count,
            failures=[ComplianceFaultOut.of(one) for one in report.failures],
        )
