"""What a draft of the haircut table or of a parameter would do to every pledge and repo, before anybody approves it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import CarbonFinError, MissingData
from carbonfin.kernel.units import cny
from carbonfin.rules.live_impact import (
    LiveBasis,
    LiveFailure,
    LiveFigure,
    LiveImpact,
    LiveMove,
    LiveTotal,
    largest_first,
    moved_figures,
    total_of,
)
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.tables import TableVersion
from carbonfin.storage.decisions import decisions_of
from collateral.calc.coverage_rules import CoverageLevel
from collateral.calc.daily_margin import Struck
from collateral.calc.day_facts import DAY_FACTS
from collateral.calc.pledge import IN_FORCE
from collateral.calc.repo_exposure import RepoExposureOutcome
from collateral.service.calls import CALLABLE
from collateral.service.daily_run import TriedDay, tried_days
from collateral.service.repo_run import VALUED, TriedRepo, tried_repos
from collateral.service.view import DeskView, desk_view, standing_on
from collateral.store import daily, repos, valuations

_ZERO = Decimal("0.00")
_PACKAGES = frozenset({"collateral", "pricing"})
_BREACHED = frozenset({CoverageLevel.WARNING, CoverageLevel.DISPOSAL})
_LABELS = {
    "haircut": ("折扣系数", "Haircut", "ratio"),
    "market_value": ("市值", "Market value", "CNY"),
    "collateral_value": ("押品价值", "Collateral value", "CNY"),
    "coverage": ("担保覆盖率", "Coverage", "ratio"),
    "level": ("状态", "Level", "level_code"),
    "exposure": ("回购敞口", "Exposure of the repo", "CNY"),
    "call": ("追加担保金额", "Margin called", "CNY"),
    "closeout_days": ("处置天数", "Close-out days", "days"),
    "last_safe_date": ("最后安全日", "Last safe date", "date"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """What one agreement comes to by one of both rules: its figures in order, and the parts of the totals.

    Attributes:
        level: None for a repo, which has no coverage lines.
    """

    figures: Mapping[tuple[str, str], str]
    collateral_cny: Decimal
    call_cny: Decimal
    level: CoverageLevel | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """One agreement by both rules."""

    subject: str
    decision_id: str
    before: _Side | CarbonFinError
    after: _Side | CarbonFinError


def collateral_impact(session: Session, actor: Actor, draft: ParameterValue | TableVersion) -> LiveImpact | None:
    """Value every pledge in force and every open repo by the rules in force and by the draft; nothing is written.

    Both runs take the prices, debts and margin of the last business date that was valued. The draft is taken as if it
    were in force on that day, whenever it would begin. Calls are what the day's run would find due, so that a repo that
    is called already counts on both sides. None where no valuation reads such a parameter.
    """
    if isinstance(draft, ParameterValue) and draft.key.partition(".")[0] not in _PACKAGES:
        return None
    day = valuations.last_valued_day(session, actor)
    if day is None:
        return _never_valued(session, actor)
    view = desk_view(session, standing_on(session, actor, day))
    drafted = view.under(draft)
    tried = [*_pledges(session, actor, view, drafted), *_repos(session, actor, view, drafted)]
    sides = [(one.before, one.after) for one in tried]
    return LiveImpact(
        noun_zh="质押与回购",
        noun_en="pledges and repos",
        basis=_basis(session, actor, view, draft),
        population_count=len(tried),
        moves=largest_first((move for one in tried if (move := _move(one)) is not None), by="collateral_value"),
        failures=tuple(
            LiveFailure.of(one.subject, one.decision_id, one.before, one.after)
            for one in tried
            if isinstance(one.before, CarbonFinError) or isinstance(one.after, CarbonFinError)
        ),
        totals=_totals([one for one in sides if _both(*one)]),
    )


def _never_valued(session: Session, actor: Actor) -> LiveImpact:
    """Name every agreement of a bank that has valued none yet."""
    error = MissingData("it has never been valued", zh="尚无盯市记录，无法试算", field="business_date")
    codes = [
        *(f"pledge:{one.code}" for one in daily.running_pledges(session, actor, IN_FORCE)),
        *(f"repo:{one.terms.code}" for one in repos.repos_of(session, actor, states=VALUED)),
    ]
    return LiveImpact(
        noun_zh="质押与回购", noun_en="pledges and repos", basis=(), population_count=len(codes), moves=(),
        failures=tuple(LiveFailure.of(code, "", error, error) for code in codes), totals=(),
    )  # fmt: skip


def _pledges(session: Session, actor: Actor, view: DeskView, drafted: DeskView) -> Iterator[_Tried]:
    standing = daily.coverages_of_day(session, actor, view.day)
    both = zip(tried_days(session, actor, view), tried_days(session, actor, drafted), strict=True)
    for before, after in both:
        row = standing.get(before.pledge.id)
        yield _Tried(
            subject=f"pledge:{before.pledge.code}",
            decision_id="" if row is None else row["decision_id"],
            before=_pledge_side(before),
            after=_pledge_side(after),
        )


def _pledge_side(one: TriedDay) -> _Side | CarbonFinError:
    struck = one.struck
    if not isinstance(struck, Struck):
        return struck
    valuation = struck.valuation
    call_cny = struck.delivery_cny if one.pledge.state in CALLABLE else _ZERO
    texts = {
        **{("haircut", str(line.unit)): str(line.haircut_ratio) for line in valuation.lines},
        ("market_value", ""): str(valuation.market_value_cny),
        ("collateral_value", ""): str(valuation.collateral_value_cny),
        ("coverage", ""): "" if valuation.coverage_ratio is None else str(valuation.coverage_ratio),
        ("level", ""): valuation.level.value,
        ("call", ""): str(call_cny),
        ("closeout_days", ""): str(struck.closeout_days),
        ("last_safe_date", ""): str(struck.safe_date.day or struck.safe_date.kind),
    }
    return _Side(figures=texts, collateral_cny=valuation.collateral_value_cny, call_cny=call_cny, level=valuation.level)


def _repos(session: Session, actor: Actor, view: DeskView, drafted: DeskView) -> Iterator[_Tried]:
    standing = repos.exposures_on(session, actor, view.day)
    both = zip(tried_repos(session, actor, view), tried_repos(session, actor, drafted), strict=True)
    for before, after in both:
        yield _Tried(
            subject=f"repo:{before.repo.terms.code}",
            decision_id=next(reversed(standing.get(before.repo.id, {"": ""}).values())),
            before=_repo_side(before),
            after=_repo_side(after),
        )


def _repo_side(one: TriedRepo) -> _Side | CarbonFinError:
    outcome = one.outcome
    if not isinstance(outcome, RepoExposureOutcome):
        return outcome
    collateral_cny = cny(outcome.market_value_cny * (1 - outcome.haircut_ratio))
    texts = {
        ("haircut", str(one.repo.terms.unit)): str(outcome.haircut_ratio),
        ("market_value", ""): str(outcome.market_value_cny),
        ("collateral_value", ""): str(collateral_cny),
        ("exposure", ""): str(outcome.exposure_cny),
        ("call", ""): str(one.call_cny),
    }
    return _Side(figures=texts, collateral_cny=collateral_cny, call_cny=one.call_cny, level=None)


def _move(one: _Tried) -> LiveMove | None:
    before, after = one.before, one.after
    if isinstance(before, CarbonFinError) or isinstance(after, CarbonFinError):
        return None
    figures = moved_figures(
        _figure(key, before.figures.get(key, ""), after.figures.get(key, ""))
        for key in dict.fromkeys((*before.figures, *after.figures))
    )
    return LiveMove(subject=one.subject, decision_id=one.decision_id, figures=figures) if figures else None


def _figure(key: tuple[str, str], before: str, after: str) -> LiveFigure:
    name, unit_name = key
    zh, en, unit = _LABELS[name]
    return LiveFigure(
        name="_".join(filter(None, key)), label_zh=f"{unit_name} {zh}".strip(), label_en=f"{unit_name} {en}".strip(),
        unit=unit, before=before, after=after,
    )  # fmt: skip


def _both(before: _Side | CarbonFinError, after: _Side | CarbonFinError) -> bool:
    return isinstance(before, _Side) and isinstance(after, _Side)


def _totals(sides: list[tuple[_Side | CarbonFinError, _Side | CarbonFinError]]) -> tuple[LiveTotal, ...]:
    pairs = [(before, after) for before, after in sides if isinstance(before, _Side) and isinstance(after, _Side)]

    def added(name: str, labels: tuple[str, str], unit: str, value: Callable[[_Side], Decimal]) -> LiveTotal:
        return total_of(name, labels, unit, [(value(before), value(after)) for before, after in pairs])

    new = [after.call_cny for before, after in pairs if after.call_cny and not before.call_cny]
    return (
        added("collateral_value", ("押品价值", "Collateral value"), "CNY", lambda one: one.collateral_cny),
        added("calls", ("追加担保笔数", "Margin calls"), "count", lambda one: Decimal(bool(one.call_cny))),
        added("call_amount", ("追加担保金额", "Margin called"), "CNY", lambda one: one.call_cny),
        total_of("new_calls", ("新增追加担保笔数", "Calls that would arise"), "count",
                 [(Decimal(0), Decimal(1))] * len(new)),
        total_of("new_call_amount", ("新增追加担保金额", "Amount of calls that would arise"), "CNY",
                 [(_ZERO, one) for one in new]),
        added(
            "below_warning", ("低于预警线的质押", "Pledges below the warning line"), "count",
            lambda one: Decimal(one.level in _BREACHED),
        ),
        added(
            "below_disposal", ("低于处置线的质押", "Pledges below the disposal line"), "count",
            lambda one: Decimal(one.level is CoverageLevel.DISPOSAL),
        ),
    )  # fmt: skip


def _basis(
    session: Session, actor: Actor, view: DeskView, draft: ParameterValue | TableVersion
) -> tuple[LiveBasis, ...]:
    kept = decisions_of(session, actor, subject=f"day:{view.day.isoformat()}", kind=DAY_FACTS.name)
    address = f"/decisions/{kept[-1].id}" if kept else ""
    in_force: ParameterValue | None = None
    if isinstance(draft, ParameterValue):
        in_force = view.find(draft.key, draft.scope)
        versions = (
            "" if in_force is None else in_force.named_shortly,
            draft.named_shortly,
        )
    else:
        versions = (view.haircut_table.digest[:12], draft.table.digest[:12])
    return (
        LiveBasis(label_zh="估值日", label_en="Valued on", text=view.day.isoformat(), address=address),
        LiveBasis(label_zh="行情快照", label_en="Market snapshot", text=view.snapshot.digest[:12]),
        LiveBasis(label_zh="现行版本", label_en="In force", text=versions[0] or "—"),
        LiveBasis(label_zh="试算版本", label_en="Draft", text=versions[1]),
    )
