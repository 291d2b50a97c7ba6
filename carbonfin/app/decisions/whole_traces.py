"""The tables a recorded decision asked, cell by cell, made again from its record and nothing else."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

import collateral.service
import loans.service
import reporting.service
from carbonfin.app.decisions import kinds
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.whole_trace import TableAsked, WholeTrace, whole_trace
from carbonfin.storage.decisions import DecisionRecord, rebuilt

ASKED: Mapping[str, Callable[[Any], tuple[TableAsked, ...]]] = {
    **collateral.service.TABLES_ASKED,
    "loans.rate": loans.service.tables_asked_of_rate,
    "loans.term_sheet": loans.service.tables_asked_of_term_sheet,
    "reporting.subsidy": reporting.service.tables_asked_of_subsidy,
}
"""By kind of decision what gives the tables of its inputs."""


def whole_traces(record: DecisionRecord) -> tuple[WholeTrace, ...] | None:
    """Give the tables that a decision asked with every row and cell; none where its kind or version has none.

    Returns:
        The tables; None where the record cannot be read back, as one that was changed past the database's triggers.
    """
    asked = ASKED.get(record.kind)
    kind = next(
        (one for one in kinds.decision_kinds() if (one.name, one.version) == (record.kind, record.version)), None
    )
    if asked is None or kind is None:
        return ()
    try:
        inputs = rebuilt(json.dumps(record.inputs), kind.inputs)
        return tuple(whole_trace(one) for one in asked(inputs))
    except (InvalidInput, msgspec.ValidationError):
        return None
