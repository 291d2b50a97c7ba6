"""The performance table (绩效评价) of a report's review: how many, how much and how long, scheme by scheme."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carbonfin.kernel.dates import china_day
from reporting.calc.reports import ReportLine
from reporting.calc.reviews import ReviewCase

_ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceRow:
    """One scheme of a report, or all of them.

    Attributes:
        filed_count: Applications in the report.
        passed_count: Of these, passed by both reviewers and not refused since.
        financed_cny: Principal of the loans behind what was paid, each loan once, 元.
        granted_cny: What the report proposes after the share of the budget, 元.
        cut_cny: What review, audit and objections took off what had passed, 元.
        net_paid_cny: Paid less recovered, 元.
        days_to_payment: Calendar days from filing to payment, the middle one; None where nothing was paid.
    """

    scheme_title: str
    filed_count: int
    passed_count: int
    refused_count: int
    objected_count: int
    paid_count: int
    bounced_count: int
    financed_cny: Decimal
    granted_cny: Decimal
    cut_cny: Decimal
    paid_cny: Decimal
    demanded_cny: Decimal
    recovered_cny: Decimal
    days_to_payment: int | None

    @property
    def net_paid_cny(self) -> Decimal:
        """Paid less recovered, 元."""
        return self.paid_cny - self.recovered_cny


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """A line of the report with its case; no case where no amount was proposed."""

    line: ReportLine
    case: ReviewCase | None


def performance(reviewed: Iterable[Reviewed]) -> tuple[PerformanceRow, ...]:
    """Give a row for each scheme in order of name, and one for all where there are several."""
    every = tuple(reviewed)
    titles = sorted({one.line.scheme_title for one in every})
    rows = [_row(title, [one for one in every if one.line.scheme_title == title]) for title in titles]
    return (*rows, _row("合计", every)) if len(rows) > 1 else tuple(rows)


def _row(title: str, reviewed: Iterable[Reviewed]) -> PerformanceRow:
    every = tuple(reviewed)
    cases = [one.case for one in every if one.case is not None]
    passed = [case for case in cases if _took(case, "review") and case.state != "REFUSED"]
    paid = [one for one in every if one.case is not None and one.case.paid_cny]
    loans = {
        (one.line.application.loan_note.bank_name, one.line.application.loan_note.note_number): (
            one.line.application.loan_note.principal_cny
        )
        for one in paid
    }
    waits = sorted(
        (_paid_on(one.case) - china_day(one.line.application.submitted_at)).days for one in paid if one.case is not None
    )
    return PerformanceRow(
        scheme_title=title,
        filed_count=len(every),
        passed_count=len(passed),
        refused_count=sum(case.state == "REFUSED" for case in cases),
        objected_count=sum(_took(case, "object") for case in cases),
        paid_count=len(paid),
        bounced_count=sum(_took(case, "bounce") for case in cases),
        financed_cny=sum(loans.values(), _ZERO),
        granted_cny=sum((one.line.granted_cny or _ZERO for one in every), _ZERO),
        cut_cny=sum(
            (
                (one.line.granted_cny or _ZERO) - one.case.ceiling_cny
                for one in every
                if one.case is not None and one.case in passed
            ),
            _ZERO,
        ),
        paid_cny=sum((case.paid_cny for case in cases), _ZERO),
        demanded_cny=sum((case.demanded_cny for case in cases), _ZERO),
        recovered_cny=sum((case.recovered_cny for case in cases), _ZERO),
        days_to_payment=waits[(len(waits) - 1) // 2] if waits else None,
    )


def _took(case: ReviewCase, name: str) -> bool:
    return any(step.name == name for step in case.steps)


def _paid_on(case: ReviewCase) -> date:
    return max(step.on for step in case.steps if step.name == "pay")
