"""Quarters one beside another: what each came to as known at the end of its last day, and as known now."""

from collections.abc import Sequence
from datetime import date

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import china_day, end_of_china_day
from carbonfin.storage.parties import Standing, parties_of
from reporting import workbooks
from reporting.calc.quarters import Quarter
from reporting.calc.statistics import CutLine, quarters_between
from reporting.calc.statistics_selection import KnownFinancing, SeriesPoint, known_financing, last_day
from reporting.service.statistics import StatisticsView, financing_then, standing_then
from reporting.service.statistics_lines import cut_lines


def statistics_series(
    session: Session, actor: Actor, view: StatisticsView, *, standing: Standing
) -> tuple[SeriesPoint, ...]:  # fmt: skip
    """Give the quarters of statistics as known at their end and as the statistics know them.

    Financing is what was granted or drawn within the quarter; credit lines hold as on its last day. A cut is that of
    the last full year before the quarter.
    """
    parties = {party.id: party for party in parties_of(session, actor)}
    enterprises = [
        one for one in parties.values() if view.only.holds_enterprise(district=one.district, industry=one.industry)
    ]

    def known(quarter: Quarter, *, known_on: date, cuts: Sequence[CutLine]) -> KnownFinancing:
        day = min(last_day(quarter), view.as_of)
        counted = financing_then(
            session, actor, parties, standing_then(standing, day, known_on=known_on), as_of=day,
            known_at=end_of_china_day(known_on), only=view.only,
        )  # fmt: skip
        submitted_on = (china_day(one.application.submitted_at) for one in counted.filed)
        filed_on = [each for each in submitted_on if each <= day]
        return known_financing(counted.financing, filed_on, cuts, quarter)

    quarters = quarters_between(view.inputs.first, view.inputs.last)
    instants = {
        day: standing_then(standing, day, known_on=day).known_at for day in map(last_day, quarters) if day <= view.as_of
    }
    cuts_at = cut_lines(session, actor, enterprises, set(instants.values()))
    points = []
    for quarter in quarters:
        ends_on = last_day(quarter)
        then = None
        if ends_on in instants:
            then = known(quarter, known_on=ends_on, cuts=cuts_at[instants[ends_on]][0])
        now = known(quarter, known_on=view.known_on, cuts=view.inputs.cuts)
        points.append(SeriesPoint(quarter=str(quarter), ends_on=ends_on, then=then, now=now))
    return tuple(points)


def statistics_workbook(view: StatisticsView, series: tuple[SeriesPoint, ...]) -> bytes:
    """Give statistics with the lines below them and the quarters one beside another as xlsx."""
    return workbooks.statistics_xlsx(
        view.inputs, view.found, view.failures, series, as_of=view.as_of, known_on=view.known_on, only=view.only,
        body=view.body, is_sample=view.is_sample,
    )  # fmt: skip


def statistics_stem(view: StatisticsView) -> str:
    """Name the workbook's file."""
    known = "" if view.known_on == view.as_of else f"-认知日{view.known_on}"
    return f"融资统计-{view.inputs.first}-{view.inputs.last}-{view.as_of}{known}" + ("-示例" if view.is_sample else "")
