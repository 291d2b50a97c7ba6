"""What a later report of a quarter says otherwise than an earlier one: applications, failures and terms."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.batch import Failure
from reporting.calc.reports import ReportLine, SubsidyReport, TermSource
from reporting.calc.subsidies import Outcome


class DifferenceKind(StrEnum):
    """What became of an application between two reports."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


DIFFERENCE_TITLES: dict[DifferenceKind, tuple[str, str]] = {
    DifferenceKind.ADDED: ("新增", "Added"),
    DifferenceKind.REMOVED: ("不再列入", "No longer in it"),
    DifferenceKind.CHANGED: ("变更", "Changed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """What a report says of an application, as far as a reader acts on it.

    Attributes:
        granted_cny: 拟资助金额 after the share of the budget, 元; None where no amount is proposed.
    """

    outcome: Outcome
    reason_zh: str
    reason_en: str
    calculated_cny: Decimal | None
    granted_cny: Decimal | None

    @classmethod
    def of(cls, line: ReportLine) -> "Stand":
        """Read it off a line."""
        decision = line.decision
        return cls(
            outcome=decision.outcome, reason_zh=decision.reason_zh, reason_en=decision.reason_en,
            calculated_cny=decision.calculated_cny, granted_cny=line.granted_cny,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDifference:
    """An application that two reports speak of otherwise; None on the side that does not hold it."""

    kind: DifferenceKind
    application_id: str
    reference: str
    applicant_name: str
    bank: str
    before: Stand | None
    after: Stand | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDifference:
    """A later report held against an earlier one of its quarter.

    Attributes:
        unchanged_count: Applications of which both say the same.
        failures_new: What could not be decided in the later one, and did not stand so in the earlier.
        failures_gone: The other way round.
        terms_new: Terms that only the later one rests on: entered, confirmed or corrected since.
        terms_gone: Terms that only the earlier one rests on.
    """

    quarter: str
    earlier_report_id: str
    later_report_id: str
    earlier_as_of: date
    later_as_of: date
    earlier_digest: str
    later_digest: str
    calculated_before_cny: Decimal | None
    calculated_after_cny: Decimal | None
    granted_before_cny: Decimal | None
    granted_after_cny: Decimal | None
    unchanged_count: int
    lines: tuple[LineDifference, ...]
    failures_new: tuple[Failure, ...]
    failures_gone: tuple[Failure, ...]
    terms_new: tuple[TermSource, ...]
    terms_gone: tuple[TermSource, ...]

    @property
    def is_empty(self) -> bool:
        """Whether both say the same throughout."""
        return not (self.lines or self.failures_new or self.failures_gone or self.terms_new or self.terms_gone)


def report_difference(earlier: SubsidyReport, later: SubsidyReport) -> ReportDifference:
    """Hold a report against an earlier one of its quarter; applications in the later one's order, what left it last."""
    assert earlier.quarter == later.quarter, "reports of one quarter are held against each other"
    before = {line.application_id: line for line in earlier.lines}
    after = {line.application_id: line for line in later.lines}
    pairs: list[tuple[ReportLine | None, ReportLine | None]] = [(before.get(key), line) for key, line in after.items()]
    pairs += [(line, None) for key, line in before.items() if key not in after]
    found = [one for old, new in pairs if (one := _line_difference(old, new)) is not None]
    return ReportDifference(
        quarter=later.quarter,
        earlier_report_id=earlier.report_id,
        later_report_id=later.report_id,
        earlier_as_of=earlier.as_of,
        later_as_of=later.as_of,
        earlier_digest=earlier.digest,
        later_digest=later.digest,
        calculated_before_cny=earlier.calculated_cny,
        calculated_after_cny=later.calculated_cny,
        granted_before_cny=earlier.granted_cny,
        granted_after_cny=later.granted_cny,
        unchanged_count=len(pairs) - len(found),
        lines=tuple(found),
        failures_new=tuple(one for one in later.failures if one not in earlier.failures),
        failures_gone=tuple(one for one in earlier.failures if one not in later.failures),
        terms_new=tuple(one for one in later.sources if one not in earlier.sources),
        terms_gone=tuple(one for one in earlier.sources if one not in later.sources),
    )


def _line_difference(old: ReportLine | None, new: ReportLine | None) -> LineDifference | None:
    before, after = None if old is None else Stand.of(old), None if new is None else Stand.of(new)
    shown = new or old
    if before == after or shown is None:
        return None
    kind = DifferenceKind.CHANGED
    if before is None or after is None:
        kind = DifferenceKind.ADDED if before is None else DifferenceKind.REMOVED
    application = shown.application
    return LineDifference(
        kind=kind, application_id=shown.application_id, reference=application.reference,
        applicant_name=application.applicant_name, bank=application.filed_by_bank, before=before, after=after,
    )  # fmt: skip
