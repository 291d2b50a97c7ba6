"""The bureau's first screen: its batch, budget, open objections, what is undecided and why, what repeats."""

from collections import Counter
from collections.abc import Sequence

from litestar.response import Template

from carbonfin.app.homes.figures import HomeFigure
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock, china_day
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.filters import cny
from carbonfin.web.pages import Text, page
from reporting import service
from reporting.calc.quarters import Quarter
from reporting.calc.reports import SubsidyReport
from reporting.calc.subsidies import OUTCOME_TITLES, Outcome

_BUDGET_CLAUSE = "预算条款"  # what a scheme says of its budget, which is no amount


def bureau_home(request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """Show the bureau its current batch and the reports it has built."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        built = service.report_heads(session, actor)
        filed = service.applications_of(session, actor)
        objections = service.open_objections(session, actor)
        as_of = max([standing.business_date, *(china_day(item.application.submitted_at) for item in filed)])
        quarter = Quarter.of(as_of)
        kept = next((item for item in built if item.quarter == str(quarter) and not item.is_damaged), None)
        report = (
            service.preview_report(session, actor, quarter=quarter, as_of=as_of)
            if kept is None
            else service.load_report(session, actor, kept.report_id)
        )
    budget = [source for source in report.sources if "预算" in source.title_zh]
    return page(
        request,
        "app/home_bureau.html",
        title=Text("贴息总览", "Subsidy overview"),
        standing=standing,
        report=report,
        built=built,
        cards=(*bureau_cards(report), objections_card(objections)),
        objections=objections,
        undecided=unconfirmed_reasons(report),
        duplicates=[line for line in report.lines if line.decision.outcome is Outcome.DUPLICATE],
        budget=budget,
        has_budget=any(source.title_zh != _BUDGET_CLAUSE for source in budget),
    )


def bureau_cards(report: SubsidyReport) -> tuple[HomeFigure, ...]:
    """Give the five figures of the batch."""
    outcomes = Counter(line.decision.outcome for line in report.lines)

    def card(outcome: Outcome, *, state: str = "", note: Text | None = None) -> HomeFigure:
        count = outcomes[outcome]
        return HomeFigure(
            label=Text(*OUTCOME_TITLES[outcome]), value=str(count), unit="", note=note, state=state if count else ""
        )

    calculated = Text(
        f"测算 {cny(report.summary.calculated_cny)} 元", f"calculated CNY {cny(report.summary.calculated_cny)}"
    )
    return (
        HomeFigure(
            label=Text("本批申请", "Filed in this batch"),
            value=str(len(report.lines) + len(report.failures)),
            unit="",
            note=Text(f"{report.quarter} 批次", f"batch {report.quarter}"),
            address="/subsidies",
        ),
        card(Outcome.QUALIFIES, state="good", note=calculated),
        card(Outcome.UNDECIDED, state="warning", note=Text("参数未确认，不出金额", "no amount: parameter unconfirmed")),
        card(Outcome.DUPLICATE, state="breach", note=Text("已列出重复对象", "shown with what they repeat")),
        card(Outcome.REFUSED),
    )


def objections_card(objections: Sequence[service.OpenObjection]) -> HomeFigure:
    """Give how many objections wait for a decision, of all batches."""
    return HomeFigure(
        label=Text("未决异议", "Open objections"),
        value=str(len(objections)),
        unit="",
        note=Text("各批次公示期内收到，尚未处理", "to what any batch published, not decided yet"),
        state="warning" if objections else "",
    )


def unconfirmed_reasons(report: SubsidyReport) -> list[tuple[str, int]]:
    """Give what keeps applications undecided, most frequent first."""
    counts = Counter(note for line in report.lines for note in line.decision.unconfirmed_zh)
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))
