"""The risk manager's first screen: coverage by distance to the line, unknown freezes, deadlines, concentrations."""

from collections.abc import Iterable
from decimal import Decimal

from litestar.response import Template

from carbonfin.app.alerts import BREACH, WARNING
from carbonfin.app.homes.figures import HomeFigure
from carbonfin.documents.charts import Bar, Chart, Language, Words, bar_chart
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.filters import number
from carbonfin.web.language import language_of
from carbonfin.web.pages import Text, page
from collateral.calc.concentration import Concentration, concentration_of
from collateral.calc.coverage_rules import CoverageLevel
from collateral.calc.pledge import IN_FORCE
from collateral.pages.words import LEVELS, days_left, four_places, state_badge, unconfirmed_note
from collateral.service import Desk, DeskPledge, collateral_desk

_NEAR_DAYS = 60
_BELOW = frozenset({CoverageLevel.WARNING, CoverageLevel.DISPOSAL})


def risk_home(request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """Show where the bank could lose first."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        desk = collateral_desk(session, actor, standing=standing)
    running = tuple(line for line in desk.pledges if line.pledge.state in IN_FORCE and line.coverage is not None)
    by_pledgor, by_unit = _by_pledgor(running), _by_unit(running)
    return page(
        request,
        "app/home_risk.html",
        title=Text("风险总览", "Risk overview"),
        standing=standing,
        desk=desk,
        running=running,
        cards=risk_cards(desk, running, by_pledgor),
        by_pledgor=by_pledgor,
        by_unit=by_unit,
        chart=_chart(by_pledgor, desk, "en" if language_of(request).value == "en" else "zh"),
        levels=LEVELS,
        state_badge=state_badge,
        four_places=four_places,
        days_left=days_left,
        unconfirmed_note=unconfirmed_note,
    )


def risk_cards(desk: Desk, running: tuple[DeskPledge, ...], by_pledgor: Concentration) -> tuple[HomeFigure, ...]:
    """Give the five figures a risk manager sees first."""
    below = [line for line in running if line.coverage is not None and line.coverage.level in _BELOW]
    lowest = min(
        (line for line in running if line.coverage is not None and line.coverage.coverage_ratio is not None),
        key=lambda line: line.coverage.coverage_ratio if line.coverage and line.coverage.coverage_ratio else Decimal(0),
        default=None,
    )
    nearest = desk.headrooms[0] if desk.headrooms else None
    largest = by_pledgor.shares[0] if by_pledgor.shares else None
    calls = len(desk.called) + len(desk.called_repos)
    return (
        HomeFigure(
            label=Text("最低覆盖率", "Lowest coverage"),
            value=_ratio(lowest),
            unit="ratio",
            note=None if lowest is None else Text(lowest.pledge.code, lowest.pledge.code),
            state=BREACH if below else "",
            address="" if lowest is None else f"/pledges/{lowest.pledge.id}",
        ),
        HomeFigure(
            label=Text("低于预警线", "Below the warning line"),
            value=str(len(below)),
            unit="",
            note=Text(f"未结追加担保 {calls} 笔", f"{calls} open calls"),
            state=WARNING if below or calls else "good",
        ),
        HomeFigure(
            label=Text("冻结状态未知", "Freezes unknown"),
            value=str(len(desk.unknown)),
            unit="",
            note=Text("未知期间不得放款", "no drawdown while unknown"),
            state=BREACH if desk.unknown else "good",
        ),
        HomeFigure(
            label=Text("最近清缴期限", "Nearest surrender"),
            value="—" if nearest is None else str(nearest.days_left),
            unit="days",
            note=None if nearest is None else Text(nearest.party_name, nearest.party_name),
            state=WARNING if nearest is not None and nearest.days_left <= _NEAR_DAYS else "",
        ),
        HomeFigure(
            label=Text("最大出质人占比", "Largest pledgor"),
            value="—" if largest is None else f"{largest.share_ratio * 100:.2f}",
            unit="%",
            note=None if largest is None else Text(largest.name, largest.name),
        ),
    )


def _ratio(line: DeskPledge | None) -> str:
    if line is None or line.coverage is None:
        return "—"
    return f"{four_places(line.coverage.coverage_ratio)}"


def _by_pledgor(running: Iterable[DeskPledge]) -> Concentration:
    """Debt by pledgor; the base is the debt of all pledges in force, 元."""
    owed: dict[str, Decimal] = {}
    for line in running:
        assert line.coverage is not None, "only pledges with coverage are counted"
        owed[line.pledgor_name] = owed.get(line.pledgor_name, Decimal(0)) + line.coverage.debt_cny
    return concentration_of(owed)


def _by_unit(running: Iterable[DeskPledge]) -> Concentration:
    """Tonnes by scheme and vintage; the base is all tonnes pledged and in force."""
    held: dict[str, Decimal] = {}
    for line in running:
        for one in line.pledge.units:
            held[str(one.unit)] = held.get(str(one.unit), Decimal(0)) + one.quantity_t
    return concentration_of(held)


def _chart(by_pledgor: Concentration, desk: Desk, language: Language) -> Chart | None:
    if not by_pledgor.shares:
        return None
    return bar_chart(
        title=Words(zh="贷款集中在哪些出质人？", en="On which pledgors does the debt rest?"),
        unit=Words(zh="元", en="CNY"),
        bars=[
            Bar(label=Words(zh=share.name, en=share.name), amount=share.amount, text=number(share.amount, 2))
            for share in by_pledgor.shares
        ],
        source=Words(zh="本行押品台账", en="collateral ledger"),
        as_of=desk.business_date,
        language=language,
    )
