"""zen-engine, the JDM format's own engine, as an oracle: on inputs without missing values it says what we say."""

import importlib
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from carbonfin.rules.decide import Decider, Decision
from carbonfin.rules.policies import Refused
from carbonfin.rules.tables import DecisionTable, OutputValue
from tests.rules.backends import Row
from tests.vectors.comparison import Comparison, Skip
from tests.vectors.rule_tables import at_path, nested


def zen_engine() -> Any:
    """Give a new engine.

    Raises:
        Skip: It is not installed.
    """
    try:
        return importlib.import_module("zen").ZenEngine()
    except ImportError as missing:
        raise Skip("zen-engine is not installed") from missing


def compare_with_zen(
    check: Comparison,
    table: DecisionTable,
    document: str,
    rows: Iterable[Row],
    *,
    asked: Mapping[str, str],
    answered: Mapping[str, str],
) -> None:
    """Ask table and engine the same.

    Where an input is missing the engine lets rows fail silently, and where rows of a unique table disagree it takes the
    first; of both there is nothing to compare. What it hands through of the request is no answer: one holds an output.

    Args:
        check: Gathers the differences.
        table: What we answer with.
        document: The JDM file the engine answers with.
        rows: What is asked, by the table's columns.
        asked: For each input the path the engine finds it under.
        answered: For each output the path the engine puts it under.
    """
    engine, decider = zen_engine().create_decision(document), Decider(table)
    for row in rows:
        ours = decider.decide(row)
        if ours.missing or (not isinstance(ours, Decision) and ours.refused is Refused.CONFLICT):
            continue
        theirs = engine.evaluate(nested({asked[name]: _as_json(value) for name, value in row.items()}))["result"]
        outcomes = ours.outcomes if isinstance(ours, Decision) else ()
        said = [[_plain(value) for value in outcome.outputs] for outcome in outcomes]
        paths = [answered[column.name] for column in table.outputs]
        found = [[at_path(one, path) for path in paths] for one in (theirs if isinstance(theirs, list) else [theirs])]
        listed = [[_plain(value) for value in one] for one in found if any(value is not None for value in one)]
        check.same(f"{row}", listed, said)


def _as_json(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _plain(value: OutputValue | object) -> object:
    """Give numbers of both sides as decimals of what they print."""
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return Decimal(str(value)).normalize() if is_number else value
