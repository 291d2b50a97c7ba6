"""A trial of a table as systems ask for it: inputs by name, the answer, and what became of every row."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.app.rulebook.trying import typed
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.decide import Decision, NotDecided
from carbonfin.rules.domains import Measured, unit_of
from carbonfin.rules.tables import DecisionTable, InputColumn, output_text
from carbonfin.web.wire import DecimalText

NameText = Annotated[str, Meta(min_length=1, max_length=100)]


class MeasuredIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number with the unit it comes in; where the column has another, it counts as missing: `wrong_unit`."""

    number: DecimalText
    unit: Annotated[str, Meta(min_length=1, max_length=40)]


TrialInputs = Annotated[
    dict[NameText, Annotated[str, Meta(max_length=200)] | bool | MeasuredIn | None], Meta(max_length=30)
]


class InputAskedOut(Struct, frozen=True, kw_only=True):
    """An input the table asks for: what it may hold, and the unit of a number; empty for every other kind."""

    name: str
    title_zh: str
    title_en: str
    unit: str
    domain: str

    @classmethod
    def of(cls, column: InputColumn) -> "InputAskedOut":
        """Make it of the column."""
        return cls(
            name=column.name, title_zh=column.title_zh, title_en=column.title_en, unit=unit_of(column.domain),
            domain=column.domain.describe(),
        )  # fmt: skip


class RowTriedOut(Struct, frozen=True, kw_only=True):
    """What became of one row: hit, failed at a cell, or hanging on missing inputs."""

    row_id: str
    state: str
    failed_column: str
    cell: str
    unknown_columns: list[str]


class TrialAnswerOut(Struct, frozen=True, kw_only=True):
    """What a table answers to inputs; `refused` says why there is no answer."""

    rows: list[str]
    outputs: list[list[str]]
    total: str | None
    refused: str | None
    missing: dict[str, str]
    tried: list[RowTriedOut]

    @classmethod
    def of(cls, said: Decision | NotDecided) -> "TrialAnswerOut":
        """Make it of the answer."""
        outcomes = said.outcomes if isinstance(said, Decision) else ()
        total = said.total if isinstance(said, Decision) else None
        return cls(
            rows=[one.row_id for one in outcomes] if isinstance(said, Decision) else list(said.rows),
            outputs=[[output_text(value) for value in one.outputs] for one in outcomes],
            total=None if total is None else output_text(total),
            refused=None if isinstance(said, Decision) else said.refused.value,
            missing={one.name: one.reason.value for one in said.missing},
            tried=[
                RowTriedOut(
                    row_id=one.row_id, state=one.state.value, failed_column=one.failed_column, cell=one.cell,
                    unknown_columns=list(one.unknown_columns),
                )
                for one in said.tried
            ],
        )  # fmt: skip


def trial_inputs(table: DecisionTable, sent: Mapping[str, str | bool | MeasuredIn | None]) -> dict[str, object]:
    """Give inputs that were sent in the types of a table; what cannot be such stays text and so counts as missing.

    Raises:
        InvalidInput: The table does not ask for one of them.
    """
    unknown = sorted(set(sent) - {column.name for column in table.inputs})
    if unknown:
        raise InvalidInput(
            f"table {table.name} does not ask for {', '.join(unknown)}",
            zh=f"该决策表没有输入项 {'、'.join(unknown)}",
            field=f"inputs/{unknown[0]}",
            remedy=f"It asks for {', '.join(column.name for column in table.inputs)}.",
            remedy_zh=f"输入项为 {'、'.join(column.name for column in table.inputs)}。",
        )
    return {column.name: _typed(column, sent.get(column.name)) for column in table.inputs}


def _typed(column: InputColumn, value: str | bool | MeasuredIn | None) -> object:  # noqa: FBT001 - an input's own value
    if isinstance(value, MeasuredIn):
        return Measured(number=Decimal(value.number), unit=value.unit)
    return typed(column.domain, value) if isinstance(value, str) else value


def inputs_typed(given: Iterable[str]) -> dict[str, str | bool | None]:
    """Give inputs from words as `points=80`.

    Raises:
        InvalidInput: One of them has no name, or stands twice.
    """
    found: dict[str, str | bool | None] = {}
    for word in given:
        name, sign, value = word.partition("=")
        if not sign or not name.strip() or name.strip() in found:
            raise InvalidInput(
                f"{word[:100]!r} is no name=value, or its name stands twice",
                zh=f"“{word[:100]}”应写作 输入项=值，且每项只写一次",
                field="input",
                remedy="Write each input once, as points=80.",
                remedy_zh="请逐项填写一次，例如 points=80。",
            )
        found[name.strip()] = value.strip() or None
    return found
