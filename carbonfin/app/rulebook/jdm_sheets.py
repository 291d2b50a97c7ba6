"""A small sheet beside a JDM file: domains, kinds, names and the clause that the format itself has no place for."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.domains import domain_from
from carbonfin.rules.jdm_columns import JdmColumns, fields_of, plain_field
from carbonfin.rules.parameters import Grade
from carbonfin.rules.tables import Clause, DecisionTable, InputColumn, OutputColumn, OutputKind
from carbonfin.rules.toml_mending import mended
from carbonfin.storage.learned_types import converted

_Read = TypeVar("_Read")
_Short = Annotated[str, Meta(max_length=200)]
_Long = Annotated[str, Meta(max_length=2000)]
_FIELDS_MAX = 60
_EXAMPLE = "number[0..1] ratio"


class JdmInputIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an input may hold, as `number[0..1] ratio`; its name, where left out, is its field with `_` for dots.

    One with nothing filled in says nothing.
    """

    domain: _Long = ""
    name: _Short = ""
    title_zh: _Short = ""
    title_en: _Short = ""


class JdmOutputIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an output is, and the values of a ranked one from the best down; with nothing filled in it says nothing."""

    kind: Literal["", "bp", "fen", "ratio", "code"] = ""
    name: _Short = ""
    title_zh: _Short = ""
    title_en: _Short = ""
    ranking: Annotated[list[_Short], Meta(max_length=200)] = []


class JdmSourceIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The clause of the rows that have none of their own; nobody has compared it unless `confirmed` says so."""

    document: Annotated[str, Meta(min_length=1, max_length=500)]
    document_number: _Short = ""
    article: _Long = ""
    quote: _Long = ""
    grade: Grade = Grade.UNKNOWN
    confirmed: bool = False


class JdmSheetIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Columns by their `field` in the JDM file, as `customer.age` or `date(signed)`; what the file says may stay out.

    `name` and titles are those of the table, where the file or the node that is named holds one; else the node's own.
    """

    inputs: Annotated[dict[_Short, JdmInputIn], Meta(max_length=_FIELDS_MAX)] = {}
    outputs: Annotated[dict[_Short, JdmOutputIn], Meta(max_length=_FIELDS_MAX)] = {}
    source: JdmSourceIn | None = None
    name: _Short = ""
    title_zh: _Short = ""
    title_en: _Short = ""


def columns_of(sheet: JdmSheetIn, *, node: str, base: DecisionTable | None) -> JdmColumns:
    """Give what a sheet says of a file, of which one node and the table it follows may be named.

    Raises:
        InvalidInput: A domain or a ranking cannot be read; the field is named.
    """
    columns = JdmColumns(
        inputs={field: _input(field, one) for field, one in sheet.inputs.items() if one != JdmInputIn()},
        outputs={field: _output(field, one) for field, one in sheet.outputs.items() if one != JdmOutputIn()},
        node=node, name=sheet.name, title_zh=sheet.title_zh, title_en=sheet.title_en, base=base,
    )  # fmt: skip
    if sheet.source is None:
        return columns
    source = sheet.source
    clause = Clause(
        document=source.document, document_number=source.document_number, article=source.article,
        quote=source.quote, grade=source.grade, confirmed=source.confirmed,
    )  # fmt: skip
    return replace(columns, source=clause)


def _input(field: str, one: JdmInputIn) -> InputColumn:
    domain = _read(f"inputs/{field}/domain", lambda: domain_from(one.domain))
    name = one.name or plain_field(field)
    return InputColumn(name=name, title_zh=one.title_zh or field, title_en=one.title_en or field, domain=domain)


def _output(field: str, one: JdmOutputIn) -> OutputColumn:
    name = one.name or plain_field(field)
    titles = one.title_zh or field, one.title_en or field
    kind = _read(f"outputs/{field}/kind", lambda: _kind(one.kind))
    plain = OutputColumn(name=name, title_zh=titles[0], title_en=titles[1], kind=kind)
    ranking = _read(f"outputs/{field}/ranking", lambda: tuple(plain.read(text) for text in one.ranking))
    return replace(plain, ranking=ranking)


def _kind(text: str) -> OutputKind:
    try:
        return OutputKind(text)
    except ValueError as error:
        kinds = ", ".join(OutputKind)
        raise InvalidInput(f"the kind is one of {kinds}", zh=f"类型应为 {kinds} 之一", field="kind") from error


def _read(field: str, read: Callable[[], _Read]) -> _Read:
    try:
        return read()
    except InvalidInput as error:
        raise InvalidInput(f"{field}: {error.detail}", zh=f"{field}：{error.zh}", field=f"sheet/{field}") from error


def sheet_from_toml(text: str, *, file_name: str) -> JdmSheetIn:
    """Read a sheet from TOML; an empty one says nothing.

    Raises:
        InvalidInput: It is no TOML, or has a part that a sheet has not; the line or the part is named.
    """
    read = mended(text)
    if read.slips:
        slip = read.slips[0]
        raise _refusal(
            f"{file_name}: line {slip.line}: {slip.why}",
            f"{file_name} 不是有效的 TOML：第 {slip.line} 行：{slip.why_zh or slip.why}",
        )
    try:
        return converted(read.document, JdmSheetIn)
    except msgspec.ValidationError as error:
        raise _refusal(f"{file_name}: {error}", f"{file_name} 与取值范围的写法不符：{error}") from error


def sheet_draft(text: str, columns: JdmColumns) -> str:
    """Write the sheet a JDM file needs: what is known already, and its other domains and kinds left to fill in."""
    asked, answered = fields_of(text, columns.node)
    lines = ["[inputs]"]
    for one in asked:
        known = columns.inputs.get(one) or columns.base_input(one)
        lines.append(f"{_key(one)} = {{ domain = {_key(known.domain.describe() if known else '')} }}")
    lines += ["", "[outputs]"]
    for one in answered:
        output = columns.outputs.get(one) or columns.base_output(one)
        lines.append(f'{_key(one)} = {{ kind = "{output.kind if output else ""}" }}')
    return "\n".join([*lines, ""])


def _key(text: str) -> str:
    return msgspec.json.encode(text).decode()


def _refusal(why: str, zh: str) -> InvalidInput:
    return InvalidInput(
        why,
        zh=zh,
        field="sheet",
        remedy=f'Write [inputs] and [outputs] with "field" = {{ domain = "{_EXAMPLE}" }} or {{ kind = "bp" }}.',
        remedy_zh=f'请按 [inputs]、[outputs] 逐列填写：“字段” = {{ domain = "{_EXAMPLE}" }} 或 {{ kind = "bp" }}。',
    )
