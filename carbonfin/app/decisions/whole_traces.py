"""The tables a recorded decision asked, cell by cell, made again from records and nothing else."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlmodel import Session

import collateral.service
import loans.service
import reporting.service
from carbonfin.app.decisions import kinds
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import InvalidInput, NotFound
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.whole_trace import AskedElsewhere, TableAsked, WholeTrace, whole_trace
from carbonfin.storage.decisions import DecisionRecord, load_decision, rebuilt

ASKED: Mapping[str, Callable[[Any], tuple[TableAsked, ...]]] = {
    **collateral.service.TABLES_ASKED,
    "loans.observation": loans.service.tables_asked_of_observation,
    "loans.rate": loans.service.tables_asked_of_rate,
    "loans.term_sheet": loans.service.tables_asked_of_term_sheet,
    "reporting.subsidy": reporting.service.tables_asked_of_subsidy,
}
"""By kind of decision what gives the tables of its inputs."""
ASKED_ELSEWHERE: Mapping[str, Callable[[Any], AskedElsewhere]] = collateral.service.TABLES_ASKED_ELSEWHERE
"""By kind of decision what gives the decision that asked its tables, once for many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TablesTried:
    """The tables that count for a decision, with every row and cell.

    Attributes:
        tables: The tables; None where a record cannot be read back, as one changed past the database's triggers.
        asked_in: The decision that asked them, where it is another; empty where it is this one or none was asked.
    """

    tables: tuple[WholeTrace, ...] | None
    asked_in: str = ""


def tables_tried(session: Session, actor: Actor, record: DecisionRecord) -> TablesTried:
    """Give the tables that count for a decision: those it asked, or those another decision asked for it."""
    elsewhere, kind = ASKED_ELSEWHERE.get(record.kind), _kind_of(record)
    if elsewhere is None or kind is None:
        return TablesTried(tables=whole_traces(record))
    try:
        found = elsewhere(_inputs_of(record, kind))
        other = load_decision(session, actor, found.decision_id)
        other_kind = _kind_of(other)
        tables = () if other_kind is None else tuple(map(whole_trace, found.tables(_inputs_of(other, other_kind))))
    except (InvalidInput, NotFound, msgspec.ValidationError):
        return TablesTried(tables=None)
    return TablesTried(tables=tables, asked_in=found.decision_id)


def whole_traces(record: DecisionRecord) -> tuple[WholeTrace, ...] | None:
    """Give the tables that a decision asked with every row and cell; none where its kind or version has none.

    Returns:
        The tables; None where the record cannot be read back, as one that was changed past the database's triggers.
    """
    asked, kind = ASKED.get(record.kind), _kind_of(record)
    if asked is None or kind is None:
        return ()
    try:
        return tuple(map(whole_trace, asked(_inputs_of(record, kind))))
    except (InvalidInput, msgspec.ValidationError):
        return None


def _kind_of(record: DecisionRecord) -> DecisionKind[Any, Any] | None:
    named = (record.kind, record.version)
    return next((one for one in kinds.decision_kinds() if (one.name, one.version) == named), None)


def _inputs_of(record: DecisionRecord, kind: DecisionKind[Any, Any]) -> Any:
    """Read a record's inputs back.

    Raises:
        ValidationError: They are not what the kind takes.
    """
    return rebuilt(json.dumps(record.inputs), kind.inputs)
