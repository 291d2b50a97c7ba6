"""A report held against an earlier one of its quarter; each is read as it was kept."""

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import InvalidInput, NotFound
from reporting import store
from reporting.calc.differences import ReportDifference, report_difference
from reporting.calc.reports import SubsidyReport


def difference_of(session: Session, actor: Actor, report_id: str, *, since: str | None) -> ReportDifference:
    """Give what a report says otherwise than an earlier one: the one named, else the one of the day before it.

    Raises:
        NotFound: There is no such report, or none of its quarter of an earlier day.
        InvalidInput: The one named is of another quarter.
    """
    later = store.load_report(session, actor, report_id)
    earlier_id = since or _built_before(session, actor, later)
    if earlier_id is None:
        raise NotFound(
            f"no report of {later.quarter} stands before {report_id}",
            zh=f"{later.quarter} 在此之前没有报表", field="since",
            remedy="Name a report to hold it against.", remedy_zh="请指定用于比较的报表。",
        )  # fmt: skip
    earlier = store.load_report(session, actor, earlier_id)
    if earlier.quarter != later.quarter:
        raise InvalidInput(
            f"report {earlier_id} is of {earlier.quarter}, not of {later.quarter}",
            zh=f"报表 {earlier_id} 属于 {earlier.quarter}，不是 {later.quarter}", field="since",
            remedy="Name a report of the same quarter.", remedy_zh="请指定同一批次的报表。",
        )  # fmt: skip
    return report_difference(earlier, later)


def difference_from_last(session: Session, actor: Actor, report: SubsidyReport) -> ReportDifference | None:
    """Give what a report says otherwise than the one before it; None where there is none, or it is not kept."""
    earlier_id = _built_before(session, actor, report) if report.report_id else None
    return None if earlier_id is None else report_difference(store.load_report(session, actor, earlier_id), report)


def _built_before(session: Session, actor: Actor, report: SubsidyReport) -> str | None:
    """Give the report of the quarter before this one, by its day and then as built, that reads back whole."""
    of_quarter = [head for head in store.report_heads(session, actor) if head.quarter == report.quarter]
    of_quarter.sort(key=lambda head: head.as_of, reverse=True)  # of one day the last built stays first
    places = {head.report_id: place for place, head in enumerate(of_quarter)}
    before = of_quarter[places[report.report_id] + 1 :]
    return next((head.report_id for head in before if not head.is_damaged), None)
