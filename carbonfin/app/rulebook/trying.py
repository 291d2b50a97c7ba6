"""Trying a table: what was typed into the form, what the table answers, and what became of every row."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from carbonfin.rules.compiled_tables import compiled
from carbonfin.rules.decide import Decision, NotDecided, RowState, RowTried
from carbonfin.rules.domains import (
    AnyDomain,
    BooleanDomain,
    CodeDomain,
    DateDomain,
    Measured,
    MissingReason,
    NumberDomain,
    missing_words,
    unit_of,
)
from carbonfin.rules.policies import Refused
from carbonfin.rules.tables import DecisionTable, InputColumn, output_text
from carbonfin.web.filters import UNIT_LABELS
from carbonfin.web.language import Text

FIELD_PREFIX = "in."
_REFUSED = {
    Refused.MISSING_INPUT: Text("缺少输入，不作决定", "an input is missing: nothing is decided"),
    Refused.NO_ROW: Text("没有适用的规则行，不作决定", "no row fits: nothing is decided"),
    Refused.CONFLICT: Text("规则行相互矛盾，不作决定", "rows disagree: nothing is decided"),
}
_STATES = {
    RowState.HIT: ("good", Text("命中", "hit")),
    RowState.FAILED: ("neutral", Text("不符", "does not fit")),
    RowState.UNKNOWN: ("warning", Text("取决于缺失项", "hangs on what is missing")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InputField:
    """How one input is asked for on a form.

    Attributes:
        options: Choices of a list; None where it is typed.
        fault: Why what was typed counts as missing; None where it does not, or nothing was typed.
    """

    name: str
    label: Text
    value: str
    kind: str
    unit: str
    options: tuple[tuple[str, Text], ...] | None
    help: Text
    fault: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOutcome:
    """What became of one row."""

    state: tuple[str, Text]
    failed_column: str
    unknown_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a table answers to what was typed.

    Attributes:
        answers: Rows that answered, and their outputs as the table writes them.
        total: The one number of a totalling policy.
        refused: Why there is no answer; None where there is one.
        missing: The inputs that count as missing, with the reason.
        rows: What became of each row, by its number.
    """

    answers: tuple[tuple[str, tuple[str, ...]], ...]
    total: str
    refused: Text | None
    missing: tuple[tuple[Text, Text], ...]
    rows: Mapping[str, RowOutcome]


def typed_inputs(table: DecisionTable, query: Mapping[str, str]) -> dict[str, object]:
    """Give what was typed in the types of the table; what cannot be such stays text and so counts as missing."""
    found = {column: query.get(f"{FIELD_PREFIX}{column.name}", "").strip() for column in table.inputs}
    return {column.name: typed(column.domain, text) for column, text in found.items() if text}


def typed(domain: AnyDomain, text: str) -> object:
    """Give a text in the type of a domain; what cannot be such stays text, which counts as missing.

    A number may have its unit behind it (`0.4 ratio`): in another unit than the column's it counts as missing.
    """
    try:
        if isinstance(domain, NumberDomain):
            number, _, unit = text.partition(" ")
            return Measured(number=Decimal(number), unit=unit.strip()) if unit.strip() else Decimal(number)
        if isinstance(domain, DateDomain):
            return date.fromisoformat(text)
    except (InvalidOperation, ValueError):
        return text
    if isinstance(domain, BooleanDomain):
        return {"true": True, "false": False}.get(text, text)
    return text


def trial_of(table: DecisionTable, inputs: Mapping[str, object]) -> Trial:
    """Ask a table and say in words what came of it; nothing is recorded."""
    said = compiled(table).decide(inputs)
    titles = {column.name: input_title(column) for column in table.inputs}
    return Trial(
        answers=tuple((one.row_id, tuple(map(output_text, one.outputs))) for one in said.outcomes)
        if isinstance(said, Decision) else (),
        total=output_text(said.total) if isinstance(said, Decision) and said.total is not None else "",
        refused=_REFUSED[said.refused] if isinstance(said, NotDecided) else None,
        missing=tuple((titles[one.name], Text(*missing_words(one.reason))) for one in said.missing),
        rows={one.row_id: _outcome(one) for one in said.tried},
    )  # fmt: skip


def input_title(column: InputColumn) -> Text:
    """Give what an input is called, with the unit of a number."""
    unit = unit_of(column.domain)
    words = UNIT_LABELS.get(unit, Text(unit, unit))
    if not words.zh:
        return Text(column.title_zh, column.title_en)
    return Text(f"{column.title_zh}（{words.zh}）", f"{column.title_en} ({words.en})")


def _outcome(tried: RowTried) -> RowOutcome:
    return RowOutcome(
        state=_STATES[tried.state], failed_column=tried.failed_column, unknown_columns=tried.unknown_columns
    )


def input_fields(table: DecisionTable, query: Mapping[str, str]) -> tuple[InputField, ...]:
    """Give a form's fields with what was typed."""
    return tuple(_field(column, query.get(f"{FIELD_PREFIX}{column.name}", "").strip()) for column in table.inputs)


def _field(column: InputColumn, value: str) -> InputField:
    domain = column.domain
    read = domain.read(typed(domain, value)) if value else None
    why = Text(*missing_words(read)) if isinstance(read, MissingReason) else None
    return InputField(
        name=f"{FIELD_PREFIX}{column.name}",
        label=Text(column.title_zh, column.title_en),
        value=value,
        kind="date" if isinstance(domain, DateDomain) else "text",
        unit=unit_of(domain),
        options=_options(domain),
        help=domain_words(domain),
        fault=None if why is None else Text(f"{why.zh}，按缺失处理", f"{why.en}: counts as missing"),
    )


def _options(domain: AnyDomain) -> tuple[tuple[str, Text], ...] | None:
    missing = ("", Text("（缺失）", "(missing)"))
    if isinstance(domain, BooleanDomain):
        return (missing, ("true", Text("是", "yes")), ("false", Text("否", "no")))
    if isinstance(domain, CodeDomain):
        return (missing, *((code, Text(code, code)) for code in domain.codes))
    return None


def domain_words(domain: AnyDomain) -> Text:
    """Say what a column may hold."""
    if isinstance(domain, BooleanDomain):
        return Text("是或否", "yes or no")
    if isinstance(domain, CodeDomain):
        return Text(f"{'、'.join(domain.codes)} 之一", f"one of {', '.join(domain.codes)}")
    low, high = ("" if bound is None else f"{bound}" for bound in (domain.low, domain.high))
    what = Text("日期", "a day")
    if isinstance(domain, NumberDomain):
        what = Text("整数", "a whole number") if domain.is_whole else Text("数值", "a number")
    if not low and not high:
        return what
    span_zh = f"{low} 至 {high}" if low and high else f"不小于 {low}" if low else f"不大于 {high}"
    span_en = f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}"
    return Text(f"{what.zh}，{span_zh}", f"{what.en}, {span_en}")
