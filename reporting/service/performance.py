"""The performance table of a report's review, as rows and as the bureau's workbook."""

from collections.abc import Mapping

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from reporting import workbooks
from reporting.calc.performance import PerformanceRow, Reviewed, performance
from reporting.calc.reports import SubsidyReport
from reporting.calc.reviews import ReviewCase
from reporting.service.reviews import cases_of_report


def performance_of(report: SubsidyReport, cases: Mapping[str, ReviewCase]) -> tuple[PerformanceRow, ...]:
    """Give the rows of a report's performance table from its cases."""
    return performance(_reviewed(report, cases))


def performance_workbook(session: Session, actor: Actor, report: SubsidyReport) -> bytes:
    """Give the performance table, the payment list and every step as xlsx."""
    reviewed = _reviewed(report, cases_of_report(session, actor, report))
    return workbooks.review_xlsx(report, performance(reviewed), reviewed)


def performance_stem(report: SubsidyReport) -> str:
    """Name the performance table's file."""
    return f"绩效评价-{report.quarter}-{report.as_of}" + ("-示例" if report.is_sample else "")


def _reviewed(report: SubsidyReport, cases: Mapping[str, ReviewCase]) -> tuple[Reviewed, ...]:
    return tuple(Reviewed(line=line, case=cases.get(line.application_id)) for line in report.lines)
