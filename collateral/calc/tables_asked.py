"""The haircut tables that recorded decisions asked, with what they were asked, for their trace cell by cell."""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from carbonfin.kernel.allowances import Unit
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.whole_trace import AskedElsewhere, TableAsked
from collateral.calc.appraisal import AppraisalInputs
from collateral.calc.change_weighing import ChangeInputs
from collateral.calc.coverage import CoverageInputs
from collateral.calc.daily_margin import DailyInputs
from collateral.calc.day_facts import DayFactsInputs
from collateral.calc.haircuts import Haircut, HaircutRule
from collateral.calc.repo import RepoStartInputs
from collateral.calc.repo_event_values import RepoEventInputs
from collateral.calc.repo_exposure import RepoExposureInputs


def tables_asked_of_appraisal(inputs: AppraisalInputs) -> tuple[TableAsked, ...]:
    """Give the haircut table with what it was asked for each unit of the pledge asked for."""
    return _asked((one.unit, one.haircut) for one in inputs.lines)


def tables_asked_of_change(inputs: ChangeInputs) -> tuple[TableAsked, ...]:
    """Give the haircut table with what it was asked for each unit pledged before a change or after it."""
    whole = inputs.under_table()
    return _asked((one.unit, one.haircut) for one in (*whole.before, *whole.after))


def tables_asked_of_coverage(inputs: CoverageInputs) -> tuple[TableAsked, ...]:
    """Give the haircut table with what it was asked for each unit, once for units that are asked alike."""
    whole = inputs.under_table()
    lines = [(one.unit, one.haircut) for one in whole.lines]
    return _asked((*lines, *((one.unit, one.haircut) for one in whole.candidates)))


def tables_asked_of_repo(inputs: RepoStartInputs | RepoExposureInputs) -> tuple[TableAsked, ...]:
    """Give the haircut table with what it was asked for the unit of a repo, also where an agreed haircut counts."""
    return _asked([(inputs.terms.unit, inputs.haircut)])


def tables_asked_of_repo_event(inputs: RepoEventInputs) -> tuple[TableAsked, ...]:
    """Give the haircut table with what it was asked for the unit that is priced; an event without a price asks none."""
    unit = inputs.asked.unit or inputs.terms.unit
    return () if inputs.haircut is None else _asked([(unit, inputs.haircut)])


def tables_asked_of_day(inputs: DayFactsInputs, units: Collection[Unit] | None = None) -> tuple[TableAsked, ...]:
    """Give the haircut table with what it was asked for the units of a day, once for units it cannot tell apart.

    Args:
        inputs: The shared facts of the day.
        units: The only units to give; all of the day where it is left out.
    """
    alike: dict[tuple[RecordedTable, tuple[object, ...]], list[str]] = {}
    asked: list[tuple[HaircutRule, list[str]]] = []
    for one in inputs.units:
        rule = one.haircut.under(inputs.haircut_table).rule
        if rule is None or (units is not None and one.unit not in units):
            continue
        facts = rule.facts.asked()
        seen = tuple(facts[column.name] for column in rule.table.compiled.table.inputs)
        if (rule.table, seen) not in alike:
            asked.append((rule, alike.setdefault((rule.table, seen), [])))
        alike[rule.table, seen].append(str(one.unit))
    return tuple(
        TableAsked(table=rule.table, facts=rule.facts.asked(), about=", ".join(names)) for rule, names in asked
    )


def asked_for_daily_margin(inputs: DailyInputs) -> AskedElsewhere:
    """Say that the haircuts of an agreement's day come from the day's shared facts, and which of its units count."""
    units = frozenset(one.priced.unit for one in (*inputs.lines, *inputs.candidates))
    return AskedElsewhere(decision_id=inputs.facts_id, tables=partial(tables_asked_of_day, units=units))


def _asked(haircuts: Iterable[tuple[Unit, Haircut]]) -> tuple[TableAsked, ...]:
    """Give each rule once, by its first unit; haircuts of before there was a table have none."""
    units: dict[HaircutRule, str] = {}
    for unit, haircut in haircuts:
        if haircut.rule is not None:
            units.setdefault(haircut.rule, str(unit))
    return tuple(TableAsked(table=rule.table, facts=rule.facts.asked(), about=about) for rule, about in units.items())


TABLES_ASKED: Mapping[str, Callable[[Any], tuple[TableAsked, ...]]] = MappingProxyType(
    {
        "collateral.appraisal": tables_asked_of_appraisal,
        "collateral.coverage": tables_asked_of_coverage,
        "collateral.day_facts": tables_asked_of_day,
        "collateral.pledge_change": tables_asked_of_change,
        "collateral.repo_event": tables_asked_of_repo_event,
        "collateral.repo_exposure": tables_asked_of_repo,
        "collateral.repo_start": tables_asked_of_repo,
    }
)
"""By kind of decision what gives the tables of its inputs."""
TABLES_ASKED_ELSEWHERE: Mapping[str, Callable[[Any], AskedElsewhere]] = MappingProxyType(
    {"collateral.daily_margin": asked_for_daily_margin}
)
"""By kind of decision what gives the decision that asked its tables, and what it asked for it."""
