"""A report held against an earlier one of its quarter, as the API shows it."""

from decimal import Decimal

from msgspec import Struct

from reporting.calc.differences import LineDifference, ReportDifference, Stand
from reporting.calc.reports import TermSource
from reporting.schemas.subsidies import ReportFailureOut


class StandOut(Struct, frozen=True, kw_only=True):
    """What a report says of an application."""

    outcome: str
    reason_zh: str
    reason_en: str
    calculated_cny: str | None
    granted_cny: str | None

    @classmethod
    def of(cls, stand: Stand) -> "StandOut":
        """Copy it."""
        return cls(
            outcome=stand.outcome.value, reason_zh=stand.reason_zh, reason_en=stand.reason_en,
            calculated_cny=_text(stand.calculated_cny), granted_cny=_text(stand.granted_cny),
        )  # fmt: skip


class LineDifferenceOut(Struct, frozen=True, kw_only=True):
    """An application that two reports speak of otherwise; null on the side that does not hold it."""

    kind: str
    application_id: str
    reference: str
    applicant_name: str
    bank: str
    before: StandOut | None
    after: StandOut | None

    @classmethod
    def of(cls, line: LineDifference) -> "LineDifferenceOut":
        """Copy it."""
        return cls(
            kind=line.kind.value, application_id=line.application_id, reference=line.reference,
            applicant_name=line.applicant_name, bank=line.bank,
            before=None if line.before is None else StandOut.of(line.before),
            after=None if line.after is None else StandOut.of(line.after),
        )  # fmt: skip


class TermSourceOut(Struct, frozen=True, kw_only=True):
    """One term of a scheme with where it stands."""

    scheme_title: str
    title_zh: str
    value: str
    source: str
    digest: str
    confirmed: bool
    note: str

    @classmethod
    def of(cls, source: TermSource) -> "TermSourceOut":
        """Copy it."""
        return cls(
            scheme_title=source.scheme_title, title_zh=source.title_zh, value=source.value, source=source.source,
            digest=source.digest, confirmed=source.confirmed, note=source.note,
        )  # fmt: skip


class ReportDifferenceOut(Struct, frozen=True, kw_only=True):
    """A later report held against an earlier one of its quarter; an amount in all is null while it is undecided."""

    quarter: str
    earlier_report_id: str
    later_report_id: str
    earlier_as_of: str
    later_as_of: str
    earlier_digest: str
    later_digest: str
    calculated_before_cny: str | None
    calculated_after_cny: str | None
    granted_before_cny: str | None
    granted_after_cny: str | None
    unchanged_count: int
    lines: list[LineDifferenceOut]
    failures_new: list[ReportFailureOut]
    failures_gone: list[ReportFailureOut]
    terms_new: list[TermSourceOut]
    terms_gone: list[TermSourceOut]

    @classmethod
    def of(cls, found: ReportDifference) -> "ReportDifferenceOut":
        """Copy the difference."""
        return cls(
            quarter=found.quarter,
            earlier_report_id=found.earlier_report_id,
            later_report_id=found.later_report_id,
            earlier_as_of=found.earlier_as_of.isoformat(),
            later_as_of=found.later_as_of.isoformat(),
            earlier_digest=found.earlier_digest,
            later_digest=found.later_digest,
            calculated_before_cny=_text(found.calculated_before_cny),
            calculated_after_cny=_text(found.calculated_after_cny),
            granted_before_cny=_text(found.granted_before_cny),
            granted_after_cny=_text(found.granted_after_cny),
            unchanged_count=found.unchanged_count,
            lines=[LineDifferenceOut.of(line) for line in found.lines],
            failures_new=[ReportFailureOut.of(failure) for failure in found.failures_new],
            failures_gone=[ReportFailureOut.of(failure) for failure in found.failures_gone],
            terms_new=[TermSourceOut.of(source) for source in found.terms_new],
            terms_gone=[TermSourceOut.of(source) for source in found.terms_gone],
        )


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)
