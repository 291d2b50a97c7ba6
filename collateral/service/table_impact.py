"""What a draft of the haircut table would do to the haircuts that stand, before anybody approves it."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import CarbonFinError, MissingData
from carbonfin.kernel.units import Currency
from carbonfin.rules.impact import LiveImpact, LiveMove
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.tables import TableVersion
from carbonfin.storage.decisions import latest_decisions, load_inputs
from collateral.calc.daily_traces import DAILY_MARGIN
from collateral.calc.day_facts import DAY_FACTS
from collateral.calc.haircuts import CURRENCY_SCOPE, HAIRCUT_KEY, Haircut, HaircutFacts, HaircutRule, HaircutUse
from collateral.calc.repo import REPO_EXPOSURE


def haircut_impact(session: Session, actor: Actor, draft: TableVersion) -> LiveImpact:
    """Put the haircut of each unit pledged or in repo together again by the draft; nothing is written.

    The parts are those of the latest valuation. One that the draft counts and the valuation did not take is not there,
    so that unit would be left without a haircut.
    """
    table = RecordedTable.of(draft)
    moves = [*_pledged(session, actor, table), *_in_repo(session, actor, table)]
    return LiveImpact(
        measure_zh="折扣系数",
        measure_en="Haircut",
        unit="ratio",
        difference_unit="ratio",
        subjects_count=len(moves),
        undecided_before_count=0,
        undecided_after_count=sum(one.after is None for one in moves),
        moves=tuple(one for one in moves if one.before != one.after),
    )


def _pledged(session: Session, actor: Actor, table: RecordedTable) -> Iterator[LiveMove]:
    haircuts: dict[str, dict[Unit, Haircut]] = {}
    for stands in latest_decisions(session, actor, DAILY_MARGIN):
        facts_id = stands.inputs.facts_id
        if facts_id not in haircuts:
            day = load_inputs(session, actor, DAY_FACTS, facts_id)
            haircuts[facts_id] = {one.unit: one.haircut.under(day.haircut_table) for one in day.units}
        for line in stands.inputs.lines:
            unit = line.priced.unit
            facts = HaircutFacts.of(unit, use=HaircutUse.PLEDGE, cross_currency=False)
            yield _move(
                stands.subject, stands.id, unit, haircuts[facts_id][unit], HaircutRule(table=table, facts=facts)
            )


def _in_repo(session: Session, actor: Actor, table: RecordedTable) -> Iterator[LiveMove]:
    for stands in latest_decisions(session, actor, REPO_EXPOSURE):
        terms = stands.inputs.terms
        crosses = terms.currency is not Currency.CNY
        facts = HaircutFacts.of(terms.unit, use=HaircutUse.REPO, cross_currency=crosses)
        rule = HaircutRule(table=table, facts=facts)
        yield _move(stands.subject, stands.id, terms.unit, stands.inputs.haircut, rule)


def _move(subject: str, decision_id: str, unit: Unit, haircut: Haircut, rule: HaircutRule) -> LiveMove:
    before, after = haircut.ratio, _ratio_by(rule, haircut)
    return LiveMove(
        subject=f"{subject} {unit}",
        decision_id=decision_id,
        before=before,
        after=after,
        difference=None if after is None else after - before,
    )


def _ratio_by(rule: HaircutRule, haircut: Haircut) -> Decimal | None:
    """Give the haircut by the draft; None where it does not decide, lacks a part, or comes to no ratio."""
    try:
        counted = {rule.facts.price_scope: rule.row.price_share, CURRENCY_SCOPE: rule.row.currency_share}
        wanted = {scope for scope, share in counted.items() if share}
        parts = tuple(part for part in haircut.parts if part.scope in wanted)
        if wanted != {part.scope for part in parts}:
            raise MissingData(f"{HAIRCUT_KEY} was not taken for {wanted}", zh="缺少折扣系数部分", field=HAIRCUT_KEY)
        return replace(haircut, parts=parts, rule=rule).ratio
    except CarbonFinError:
        return None
