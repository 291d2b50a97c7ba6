"""What a table decided, written canonically and hashed: which text of the table, which inputs, which answer.

Inputs are written as the table reads them, so `3`, `3.0` and `Decimal("3.00")` are one number; an input that counts as
missing stands with its reason alone. The text is that of `carbonfin.rules.record.canonical_json`.
"""

import hashlib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import msgspec

from carbonfin.kernel.units import to_float
from carbonfin.rules.decide import Decision, NotDecided
from carbonfin.rules.domains import plain_number
from carbonfin.rules.tables import DecisionTable, OutputValue

_WRITE = msgspec.json.Encoder(order="sorted").encode


def decision_text(table: DecisionTable, inputs: Mapping[str, object], said: Decision | NotDecided) -> str:
    """Write a decision as canonical JSON.

    Args:
        table: What decided.
        inputs: What it was asked.
        said: What it answered to these inputs.
    """
    return _written(table, inputs, said).decode()


def decision_digest(table: DecisionTable, inputs: Mapping[str, object], said: Decision | NotDecided) -> str:
    """Give the SHA-256 of a decision's text, in hexadecimal."""
    return hashlib.sha256(_written(table, inputs, said)).hexdigest()


def _written(table: DecisionTable, inputs: Mapping[str, object], said: Decision | NotDecided) -> bytes:
    missing = {one.name: one.reason.value for one in said.missing}
    record: dict[str, object] = {
        "table": said.table,
        "table_digest": said.table_digest,
        "inputs": {column.name: _value(inputs[column.name]) for column in table.inputs if column.name not in missing},
        "missing": missing,
        "rows": [],
        "outputs": [],
        "total": None,
        "refused": None,
    }
    if isinstance(said, Decision):
        record["rows"] = [one.row_id for one in said.outcomes]
        record["outputs"] = [[_output(value) for value in one.outputs] for one in said.outcomes]
        record["total"] = None if said.total is None else _output(said.total)
    else:
        record["rows"], record["refused"] = said.rows, said.refused.value
    return _WRITE(record)


def _value(value: object) -> str | bool:
    """Write a value that is there: numbers and days as text."""
    if type(value) is float:
        return _number(value)
    if isinstance(value, str | bool):
        return value if isinstance(value, bool) else str(value)
    if isinstance(value, Decimal):
        return _number(to_float(value))
    return value.isoformat() if isinstance(value, date) else str(value)


def _number(value: float) -> str:
    """Write a number as `plain_number` does; the shortest text of a float is that already where it has no exponent."""
    text = repr(value)
    return plain_number(value) if "e" in text else text.removesuffix(".0")


def _output(value: OutputValue) -> OutputValue:
    return format(value, "f") if isinstance(value, Decimal) else value
