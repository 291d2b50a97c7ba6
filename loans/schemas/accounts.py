"""Carbon accounts as the API takes and shows them."""

from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.documents.text_tables import failure_of
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.enterprises import Usci
from carbonfin.kernel.errors import InvalidInput
from carbonfin.web.wire import DayText, NameText, NoteText, UsciText, day_of, decimal_of
from loans.calc.account_entries import WHOLE_YEAR, EntryKind
from loans.calc.account_facts import InvoicedEnergy, PowerMonth
from loans.calc.consents import Consent, ConsentPurpose, ConsentState
from loans.feeds.account_files import EntryDraft, EntryFile, item_of, unit_of_text
from loans.schemas.lending import EmissionPartOut, MissingOut
from loans.service import AccountView, AccountYearView, ComplianceLine, EntryImport

ENTRIES_MAX = 1000
_Quantity = Annotated[
    str,
    Meta(
        pattern=r"^-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$",
        description="In the kind's unit, as plain text; null strikes the line out.",
        examples=["312000"],
    ),
]
_Month = Annotated[int, Meta(ge=1, le=12, description="Left out, the line speaks of the whole year.")]
_Year = Annotated[int, Meta(ge=2005, le=2099, description="A calendar year.", examples=[2024])]


class ConsentIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Consent of an enterprise to a use of its data with its document, or the withdrawal."""

    purpose: ConsentPurpose
    state: ConsentState
    given_on: DayText
    evidence: NameText
    valid_to: DayText | None = None

    def consent(self) -> Consent:
        """Give the statement as a value.

        Raises:
            InvalidInput: The days cannot be.
        """
        return Consent(
            purpose=self.purpose,
            state=self.state,
            given_on=day_of(self.given_on, field="/given_on"),
            valid_to=None if self.valid_to is None else day_of(self.valid_to, field="/valid_to"),
            evidence=self.evidence,
        )


class ConsentOut(Struct, frozen=True, kw_only=True):
    """A statement of consent."""

    purpose: str
    state: str
    given_on: str
    valid_to: str | None
    evidence: str

    @classmethod
    def of(cls, consent: Consent) -> "ConsentOut":
        """Copy a statement."""
        return cls(
            purpose=consent.purpose,
            state=consent.state,
            given_on=consent.given_on.isoformat(),
            valid_to=None if consent.valid_to is None else consent.valid_to.isoformat(),
            evidence=consent.evidence,
        )


class ConsentsOut(Struct, frozen=True, kw_only=True):
    """What an enterprise consented to, the earliest first; of a purpose the last counts."""

    party_id: str
    consents: list[ConsentOut]


class AccountEntryIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a carbon account; what stands already is corrected with a `reason` alone.

    `confirmed` says that a person looked at the unit of a quantity that is out of proportion.
    """

    usci: UsciText
    kind: EntryKind
    year: _Year
    quantity: _Quantity | None
    unit: Annotated[str, Meta(min_length=1, max_length=12, description="kWh, t, 万Nm3, GJ, 元, 级, 是否, 次, 条.")]
    source: NameText
    month: _Month | None = None
    item: Annotated[
        str,
        Meta(
            max_length=64,
            description="Meter, fuel, invoice, certificate or register; of a fuel's invoice `fuel/number`.",
        ),
    ] = ""
    factor_id: Annotated[str, Meta(max_length=20, description="Grid area; empty for the enterprise's province.")] = ""
    factor_year: _Year | None = None
    evidence: Annotated[str, Meta(max_length=200)] = ""
    confirmed: bool = False
    reason: NoteText = ""

    def draft(self) -> EntryDraft:
        """Give the line as it is to be weighed.

        Raises:
            InvalidInput: The USCI's check character does not fit, or the unit is none of an account.
        """
        return EntryDraft(
            usci=Usci.parse(self.usci).text,
            kind=self.kind,
            year=self.year,
            month=self.month or WHOLE_YEAR,
            item=item_of(self.kind, self.item),
            quantity=None if self.quantity is None else decimal_of(self.quantity),
            unit=unit_of_text(self.unit),
            factor_id=self.factor_id,
            factor_year=self.factor_year,
            evidence=self.evidence,
            source=self.source,
            is_unit_confirmed=self.confirmed,
            reason=self.reason,
        )


class AccountEntriesIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lines of carbon accounts; each is kept or named by its place from 1."""

    entries: Annotated[list[AccountEntryIn], Meta(min_length=1, max_length=ENTRIES_MAX)]


class AccountFileIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of lines, CSV or xlsx, in base64; with `preview` nothing is kept."""

    file_name: NameText
    content_base64: Annotated[str, Meta(min_length=1, max_length=7_000_000)]
    preview: bool = False


class AccountFaultOut(Struct, frozen=True, kw_only=True):
    """A row that was not taken, and why."""

    item: str
    field: str | None
    detail: str
    detail_zh: str
    remedy: str
    remedy_zh: str

    @classmethod
    def of(cls, failure: Failure) -> "AccountFaultOut":
        """Copy a failure."""
        return cls(
            item=failure.item,
            field=failure.field,
            detail=failure.detail,
            detail_zh=failure.zh,
            remedy=failure.remedy,
            remedy_zh=failure.remedy_zh,
        )


class AccountImportOut(Struct, frozen=True, kw_only=True):
    """What became of the lines: the good stand unless it was a preview, the bad are named."""

    encoding: str
    row_count: int
    added_count: int
    corrected_count: int
    unchanged_count: int
    stored: bool
    failures: list[AccountFaultOut]

    @classmethod
    def of(cls, report: EntryImport) -> "AccountImportOut":
        """Copy a report."""
        return cls(
            encoding=report.encoding,
            row_count=report.row_count,
            added_count=report.added_count,
            corrected_count=report.corrected_count,
            unchanged_count=report.unchanged_count,
            stored=report.stored,
            failures=[AccountFaultOut.of(one) for one in report.failures],
        )


class AccountEntryOut(Struct, frozen=True, kw_only=True):
    """The latest version of a line; a quantity of null is struck out."""

    kind: str
    year: int
    month: int | None
    item: str
    quantity: str | None
    unit: str
    factor_id: str
    factor_year: int | None
    evidence: str
    source: str
    reason: str
    version: int


class PowerMonthOut(Struct, frozen=True, kw_only=True):
    """Electricity of a month, or of the year where month is null, as reported, metered and invoiced."""

    month: int | None
    reported_kwh: int | None
    metered_kwh: int | None
    invoice_kwh: int | None
    gap_ratio: str | None

    @classmethod
    def of(cls, power: PowerMonth) -> "PowerMonthOut":
        """Copy a month."""
        return cls(
            month=power.month or None,
            reported_kwh=power.reported_kwh,
            metered_kwh=power.metered_kwh,
            invoice_kwh=power.invoice_kwh,
            gap_ratio=None if power.gap_ratio is None else str(power.gap_ratio),
        )


class InvoicedEnergyOut(Struct, frozen=True, kw_only=True):
    """A fuel or heat of a year as reported, and as tax invoices say."""

    carrier: str
    unit: str
    reported: str | None
    invoiced: str | None
    gap_ratio: str | None

    @classmethod
    def of(cls, energy: InvoicedEnergy) -> "InvoicedEnergyOut":
        """Copy a carrier."""
        return cls(
            carrier=energy.carrier,
            unit=energy.unit,
            reported=None if energy.reported is None else f"{energy.reported:f}",
            invoiced=None if energy.invoiced is None else f"{energy.invoiced:f}",
            gap_ratio=None if energy.gap_ratio is None else str(energy.gap_ratio),
        )


class ComplianceOfYearOut(Struct, frozen=True, kw_only=True):
    """What the compliance position says of a year and scheme; it is kept there alone, and read from there.

    `shortfall_t` and the fine it would bring are those of today's holdings: of a year past its deadline, and of an
    account asked for as it was known on an earlier day, they are null; `lacks` says what nobody has entered.
    """

    scheme: str
    compliance_year: int
    emissions_t: int
    emissions_state: str
    emissions_source: str
    allocation_t: int | None
    issued_t: int | None
    surrendered_t: int | None
    as_of: str | None
    deadline: str | None
    shortfall_t: int | None
    penalty_low_cny: str | None
    penalty_high_cny: str | None
    lacks: MissingOut | None
    unconfirmed: list[str]

    @classmethod
    def of(cls, line: ComplianceLine) -> "ComplianceOfYearOut":
        """Copy a year."""
        told, year = line.statement, line.position
        return cls(
            scheme=told.scheme,
            compliance_year=told.compliance_year,
            emissions_t=told.emissions_t,
            emissions_state=told.emissions_state,
            emissions_source=told.emissions_source,
            allocation_t=told.allocation_t,
            issued_t=told.issued_t,
            surrendered_t=told.surrendered_t,
            as_of=None if told.as_of is None else told.as_of.isoformat(),
            deadline=None if year is None else year.surrender_date.isoformat(),
            shortfall_t=None if year is None else year.shortfall_t,
            penalty_low_cny=None if year is None else _text(year.penalty_low_cny),
            penalty_high_cny=None if year is None else _text(year.penalty_high_cny),
            lacks=None
            if line.lacks is None
            else MissingOut(field=line.lacks.field or "", detail=line.lacks.detail, detail_zh=line.lacks.zh),
            unconfirmed=list(line.unconfirmed),
        )


class CarbonAccountYearOut(Struct, frozen=True, kw_only=True):
    """One year: emissions with their factor, or what they lack; electricity from three sides; green power once."""

    year: int
    emissions_t: str | None
    emissions: list[EmissionPartOut]
    grid_factor_id: str | None
    grid_factor_year: int | None
    lacks: MissingOut | None
    power: list[PowerMonthOut]
    invoiced: list[InvoicedEnergyOut]
    green_kwh: int | None
    green_deducted_kwh: int | None
    missing_months: list[str]

    @classmethod
    def of(cls, view: AccountYearView) -> "CarbonAccountYearOut":
        """Copy a year."""
        found, facts, lacks = view.emissions, view.facts, view.lacks
        return cls(
            year=facts.year,
            emissions_t=None if found is None else str(found.emissions_t),
            emissions=[] if found is None else [EmissionPartOut.of(part) for part in found.parts],
            grid_factor_id=None if found is None else found.grid_factor_id,
            grid_factor_year=None if found is None else found.grid_factor_year,
            lacks=None
            if lacks is None
            else MissingOut(field=lacks.field or "", detail=lacks.detail, detail_zh=lacks.zh),
            power=[PowerMonthOut.of(one) for one in view.power],
            invoiced=[InvoicedEnergyOut.of(one) for one in view.invoiced],
            green_kwh=facts.green_kwh,
            green_deducted_kwh=facts.green_deducted_kwh,
            missing_months=list(facts.missing_months),
        )


class CarbonAccountOut(Struct, frozen=True, kw_only=True):
    """A carbon account as it was known at an instant."""

    party_id: str
    known_at: str
    consents: list[ConsentOut]
    years: list[CarbonAccountYearOut]
    compliance: list[ComplianceOfYearOut]
    entries: list[AccountEntryOut]


def entries_out(view: AccountView) -> list[AccountEntryOut]:
    """Show the lines of an account."""
    return [
        AccountEntryOut(
            kind=one.kind,
            year=one.year,
            month=one.month or None,
            item=one.item,
            quantity=None if one.quantity is None else f"{one.quantity:f}",
            unit=one.unit,
            factor_id=one.factor_id,
            factor_year=one.factor_year,
            evidence=one.evidence,
            source=one.source,
            reason=one.reason,
            version=one.version,
        )
        for one in view.entries
    ]


def entry_file_of(data: AccountEntriesIn) -> EntryFile:
    """Give the lines as they are to be weighed, by their place from 1; those that cannot be read are named."""
    drafts: list[tuple[int, EntryDraft]] = []
    failures: list[Failure] = []
    for place, one in enumerate(data.entries, 1):
        try:
            drafts.append((place, one.draft()))
        except InvalidInput as error:
            failures.append(failure_of(place, error.field, error))
    return EntryFile(
        file_name="", encoding="", row_count=len(data.entries), drafts=tuple(drafts), failures=tuple(failures)
    )


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)
