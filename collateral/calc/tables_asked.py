"""The haircut tables that recorded decisions asked, with what they were asked, for their trace cell by cell."""

from collections.abc import Iterable

from carbonfin.kernel.allowances import Unit
from carbonfin.rules.whole_trace import TableAsked
from collateral.calc.coverage import CoverageInputs
from collateral.calc.haircuts import Haircut, HaircutRule
from collateral.calc.repo import RepoExposureInputs, RepoStartInputs


def tables_asked_of_coverage(inputs: CoverageInputs) -> tuple[TableAsked, ...]:
    """Give the haircut table with what it was asked for each unit, once for units that are asked alike."""
    whole = inputs.under_table()
    lines = [(one.unit, one.haircut) for one in whole.lines]
    return _asked((*lines, *((one.unit, one.haircut) for one in whole.candidates)))


def tables_asked_of_repo(inputs: RepoStartInputs | RepoExposureInputs) -> tuple[TableAsked, ...]:
    """Give the haircut table with what it was asked for the unit of a repo, also where an agreed haircut counts."""
    return _asked([(inputs.terms.unit, inputs.haircut)])


def _asked(haircuts: Iterable[tuple[Unit, Haircut]]) -> tuple[TableAsked, ...]:
    """Give each rule once, by its first unit; haircuts of before there was a table have none."""
    units: dict[HaircutRule, str] = {}
    for unit, haircut in haircuts:
        if haircut.rule is not None:
            units.setdefault(haircut.rule, str(unit))
    return tuple(TableAsked(table=rule.table, facts=rule.facts.asked(), about=about) for rule, about in units.items())
