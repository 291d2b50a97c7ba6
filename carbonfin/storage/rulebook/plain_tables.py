"""Reading a decision table back from the plain values `plain_table` gives; what does not fit is refused by name."""

import msgspec

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.domains import domain_from
from carbonfin.rules.parameters import Grade
from carbonfin.rules.tables import (
    Clause,
    DecisionTable,
    HitPolicy,
    InputColumn,
    OutputColumn,
    OutputKind,
    RowDraft,
    table_of,
)


class _Plain(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every part of a plain table shares: no key that is not known."""


class _Input(_Plain, frozen=True, kw_only=True):
    name: str
    title_zh: str
    title_en: str
    domain: str


class _Output(_Plain, frozen=True, kw_only=True):
    name: str
    title_zh: str
    title_en: str
    kind: OutputKind
    ranking: tuple[str, ...] = ()


class _Row(_Plain, frozen=True, kw_only=True):
    id: str
    when: tuple[str, ...]
    then: tuple[str, ...]
    document: str
    article: str = ""
    quote: str = ""
    grade: Grade
    confirmed: bool
    note_zh: str = ""
    note_en: str = ""


class _Table(_Plain, frozen=True, kw_only=True):
    name: str
    title_zh: str
    title_en: str
    hit_policy: HitPolicy
    input: tuple[_Input, ...]
    output: tuple[_Output, ...]
    row: tuple[_Row, ...]


def table_from_plain(content: object) -> DecisionTable:
    """Read a table from plain values.

    Raises:
        InvalidInput: A key is missing, unknown or of a wrong type, or a cell cannot be read.
    """
    try:
        found = msgspec.convert(content, type=_Table)
    except msgspec.ValidationError as error:
        raise InvalidInput(
            f"this is no decision table: {error}",
            zh=f"不是有效的决策表：{error}",
            field="table",
            remedy="Write it as `plain_table` gives it.",
            remedy_zh="请按决策表的 JSON 格式填写。",
        ) from error
    return table_of(
        name=found.name,
        title_zh=found.title_zh,
        title_en=found.title_en,
        hit_policy=found.hit_policy,
        inputs=[_input(one) for one in found.input],
        outputs=[_output(one) for one in found.output],
        rows=[_row(one) for one in found.row],
    )


def _input(found: _Input) -> InputColumn:
    return InputColumn(
        name=found.name, title_zh=found.title_zh, title_en=found.title_en, domain=domain_from(found.domain)
    )


def _output(found: _Output) -> OutputColumn:
    unranked = OutputColumn(name=found.name, title_zh=found.title_zh, title_en=found.title_en, kind=found.kind)
    return OutputColumn(
        name=found.name,
        title_zh=found.title_zh,
        title_en=found.title_en,
        kind=found.kind,
        ranking=tuple(unranked.read(text) for text in found.ranking),
    )


def _row(found: _Row) -> RowDraft:
    clause = Clause(
        document=found.document,
        article=found.article,
        quote=found.quote,
        grade=found.grade,
        confirmed=found.confirmed,
    )
    return RowDraft(
        id=found.id, when=found.when, then=found.then, clause=clause, note_zh=found.note_zh, note_en=found.note_en
    )
