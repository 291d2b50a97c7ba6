"""What a table decided, written canonically and hashed: its digest, the inputs, the answer, what became of each row.

Inputs are written as the table reads them, so `3`, `3.0` and `Decimal("3.00")` are one number; an input that counts as
missing stands with its reason alone. The text is that of `carbonfin.rules.record.canonical_json`.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import lru_cache

from carbonfin.kernel.errors import MissingData
from carbonfin.kernel.units import to_float
from carbonfin.rules.compile_python import compile_python
from carbonfin.rules.decide import Decision, NotDecided, RowTried
from carbonfin.rules.domains import AnyDomain, DateDomain, Measured, MissingReason, NumberDomain, plain_number
from carbonfin.rules.tables import DecisionTable, OutputValue

_KEPT_MAX = 4096
_quoted = json.encoder.encode_basestring
"""Give a text as JSON writes it, signs outside ASCII as they are."""


class DecisionWriter:
    """Writes what one table decides, as canonical JSON; whoever writes often keeps it.

    A compiled table gives the same answer object for inputs that fall alike, so what is written of an answer is kept.
    """

    def __init__(self, table: DecisionTable) -> None:
        self._names = tuple((name, f"{_quoted(name)}:") for name in sorted(column.name for column in table.inputs))
        self._kept: dict[int, tuple[Decision | NotDecided, str]] = {}

    def text(self, inputs: Mapping[str, object], said: Decision | NotDecided) -> str:
        """Write a decision.

        Args:
            inputs: What the table was asked.
            said: What it answered to these inputs.
        """
        return self._asked(inputs, said) + self._kept_answer(said)

    def text_once(self, inputs: Mapping[str, object], said: Decision | NotDecided) -> str:
        """Write a decision whose answer is an object of its own: what is written of it is not kept."""
        return self._asked(inputs, said) + _answer(said)

    def _asked(self, inputs: Mapping[str, object], said: Decision | NotDecided) -> str:
        missing = {one.name for one in said.missing}
        asked = ",".join([quoted + _value(inputs[name]) for name, quoted in self._names if name not in missing])
        return f'{{"inputs":{{{asked}}},'

    def _kept_answer(self, said: Decision | NotDecided) -> str:
        known = self._kept.get(id(said))
        if known is None:
            known = (said, _answer(said))
            if len(self._kept) < _KEPT_MAX:
                # The answer is kept with its text, so that no other object comes to have its id.
                self._kept[id(said)] = known
        return known[1]

    def digest(self, inputs: Mapping[str, object], said: Decision | NotDecided) -> str:
        """Give the SHA-256 of a decision's text, in hexadecimal."""
        return hashlib.sha256(self.text(inputs, said).encode()).hexdigest()


def decision_text(table: DecisionTable, inputs: Mapping[str, object], said: Decision | NotDecided) -> str:
    """Write a decision once; whoever writes often keeps a `DecisionWriter`."""
    return DecisionWriter(table).text_once(inputs, said)


def _answer(said: Decision | NotDecided) -> str:
    """Write what follows the inputs, put together by hand: half the time of an encoder that walks an object."""
    missing = {one.name: one.reason.value for one in said.missing}
    lacking = ",".join([f"{_quoted(name)}:{_quoted(missing[name])}" for name in sorted(missing)])
    refused = total = "null"
    outputs = ""
    if isinstance(said, Decision):
        rows: Iterable[str] = [one.row_id for one in said.outcomes]
        outputs = ",".join([f"[{','.join(map(_output, one.outputs))}]" for one in said.outcomes])
        total = total if said.total is None else _output(said.total)
    else:
        rows, refused = said.rows, _quoted(said.refused.value)
    return (
        f'"missing":{{{lacking}}},"outputs":[{outputs}],"refused":{refused},'
        f'"rows":[{",".join(map(_quoted, rows))}],"table":{_quoted(said.table)},'
        f'"table_digest":{_quoted(said.table_digest)},"total":{total},"tried":[{",".join(map(_row, said.tried))}]}}'
    )


@lru_cache(maxsize=_KEPT_MAX)
def _row(tried: RowTried) -> str:
    """Write what became of a row: its name and state, the cell that failed with its column, inputs it hangs on."""
    unknown = ",".join(map(_quoted, tried.unknown_columns))
    told = ",".join(map(_quoted, (tried.row_id, tried.state.value, tried.failed_column, tried.cell)))
    return f"[{told},[{unknown}]]"


class Replayer:
    """Decisions made again from their texts, by the very tables that made them, kept ready by their digests."""

    def __init__(self, tables: Iterable[DecisionTable]) -> None:
        self._ready = {table.digest: (compile_python(table), DecisionWriter(table)) for table in tables}

    def again(self, text: str) -> str:
        """Decide again from the inputs of a recorded text; the same text comes out, or something was changed.

        Inputs that were missing stay missing, for the reason that was recorded.

        Raises:
            MissingData: The table of that digest is not at hand.
            InvalidInput: A day is none of its domain.
        """
        record = json.loads(text)
        ready = self._ready.get(record["table_digest"])
        if ready is None:
            raise MissingData(
                f"no table has the digest {record['table_digest']}",
                zh="没有该摘要的决策表",
                field="table_digest",
                remedy="Bring the version of the table that decided.",
                remedy_zh="请提供作出该决定的决策表版本。",
            )
        compiled, writer = ready
        inputs = {
            column.name: _present(column.domain, record["inputs"][column.name])
            for column in compiled.table.inputs
            if column.name in record["inputs"]
        }
        said = compiled.decide(inputs)
        if said.missing:
            reasons = record["missing"]
            missing = tuple(
                replace(one, reason=MissingReason(reasons[one.name])) if one.name in reasons else one
                for one in said.missing
            )
            if missing != said.missing:
                return writer.text_once(inputs, replace(said, missing=missing))
        return writer.text(inputs, said)


def _present(domain: AnyDomain, value: object) -> object:
    """Give a recorded value as tables read it."""
    if isinstance(domain, NumberDomain) and isinstance(value, str):
        return to_float(Decimal(value))
    return domain.literal(value) if isinstance(domain, DateDomain) and isinstance(value, str) else value


def _value(value: object) -> str:
    """Write a value that is there: numbers and days as text."""
    if type(value) is float:
        return f'"{_number(value)}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Measured):
        return _value(value.number)  # the unit is the column's, else the value were missing
    if isinstance(value, Decimal):
        return f'"{_number(to_float(value))}"'
    if isinstance(value, str):
        return _quoted(str.__str__(value))  # the characters, and not the name of an enumeration's member
    return _quoted(value.isoformat() if isinstance(value, date) else str(value))


def _number(value: float) -> str:
    """Write a number as `plain_number` does; the shortest text of a float is that already where it has no exponent."""
    text = repr(value)
    return plain_number(value) if "e" in text else text.removesuffix(".0")


def _output(value: OutputValue) -> str:
    if isinstance(value, int):
        return str(value)
    return _quoted(format(value, "f") if isinstance(value, Decimal) else value)
