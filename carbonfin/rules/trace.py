"""How a figure came about: values, formulas, parameters and clauses, as a graph by name."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from carbonfin.rules.parameters import Grade, ParameterValue, clause_line
from carbonfin.rules.record import ADDED_LATER


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterUse:
    """The parameter version a figure was taken from."""

    key: str
    scope: str
    digest: str
    valid_from: date
    known_from: date
    document: str
    article: str
    grade: Grade
    document_number: str | None = field(default=None, metadata=ADDED_LATER)

    @property
    def clause(self) -> str:
        """Document, number and article in one line."""
        return clause_line(self.document, self.document_number or "", self.article)

    @classmethod
    def of(cls, value: ParameterValue) -> "ParameterUse":
        """Name the version of a parameter value."""
        return cls(
            key=value.key,
            scope=value.scope,
            digest=value.digest,
            valid_from=value.valid_from,
            known_from=value.known_from,
            document=value.document,
            article=value.article,
            grade=value.grade,
            document_number=value.document_number,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One value with where it comes from.

    Attributes:
        name: Unique within one decision; other figures name it as an input.
        value: Exact text of the value.
        unit: CNY, CNY/t, t, bp, ratio, rate, days, date, code or empty.
        formula: How it was computed, in the field's symbols; empty for an entered fact.
        inputs: Names of the figures the formula takes.
        source: Document, person or snapshot of an entered fact.
        parameter: The parameter version it is, if it is one.
        confirmed: False marks it 未确认 wherever it is shown.
    """

    name: str
    label_zh: str
    label_en: str
    value: str
    unit: str
    formula: str = ""
    inputs: tuple[str, ...] = ()
    source: str = ""
    parameter: ParameterUse | None = None
    confirmed: bool = True
    note_zh: str = ""
    note_en: str = ""

    @classmethod
    def of_parameter(cls, name: str, value: ParameterValue) -> "Figure":
        """Make the figure of a parameter value, with its version and confirmation."""
        return cls(
            name=name,
            label_zh=(value.title_zh or value.key) + (f"（{value.scope}）" if value.scope else ""),
            label_en=(value.title_en or value.key) + (f" ({value.scope})" if value.scope else ""),
            value=value.value,
            unit=value.unit,
            source=value.document,
            parameter=ParameterUse.of(value),
            confirmed=value.confirmed,
            note_zh=value.note,
            note_en=value.note,
        )


Trace = tuple[Figure, ...]


def checked_trace(figures: Iterable[Figure]) -> Trace:
    """Give the figures as a trace whose names are unique and whose inputs all exist earlier.

    An input that is not there, or comes later, is a broken promise of the calculation, not of its user.
    """
    seen: set[str] = set()
    trace = tuple(figures)
    for figure in trace:
        assert seen.issuperset(figure.inputs), (
            f"figure {figure.name} names inputs that do not stand before it: {sorted({*figure.inputs} - seen)}"
        )
        assert figure.name not in seen, f"figure {figure.name} stands twice"
        seen.add(figure.name)
    return trace
