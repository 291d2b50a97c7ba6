"""Reading a decision table back from the plain values `plain_table` gives; what does not fit is refused by name."""

import json
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any, NoReturn

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

_Shape = Mapping[str, type]
"""What a block holds by key: `str`, `bool`, one of a closed list of words, `tuple` for texts, `list` for blocks."""
_NAMED: _Shape = {"name": str, "title_zh": str, "title_en": str}
_TABLE: _Shape = {**_NAMED, "hit_policy": HitPolicy, "input": list, "output": list, "row": list}
_INPUT: _Shape = {**_NAMED, "domain": str}
_OUTPUT: _Shape = {**_NAMED, "kind": OutputKind, "ranking": tuple}
_ROW: _Shape = {
    "id": str, "when": tuple, "then": tuple, "document": str, "article": str, "quote": str, "grade": Grade,
    "confirmed": bool, "note_zh": str, "note_en": str, "document_number": str,
}  # fmt: skip
_LEFT_OUT: Mapping[str, object] = {
    "ranking": (), "article": "", "quote": "", "note_zh": "", "note_en": "", "document_number": "",
}  # fmt: skip
_TABLES_KEPT = 256  # every decision reads its bank's table anew, and banks have few


@lru_cache(maxsize=_TABLES_KEPT)
def table_from_text(text: str) -> DecisionTable:
    """Read a table from its canonical JSON; the same text gives the same table, which nothing can change.

    Raises:
        InvalidInput: It is no JSON, or no table.
    """
    try:
        content = json.loads(text)
    except ValueError as error:
        _refuse(f"no JSON: {error}", "不是有效的 JSON")
    return table_from_plain(content)


def table_from_plain(content: object) -> DecisionTable:
    """Read a table from plain values.

    Raises:
        InvalidInput: A key is missing, unknown or of a wrong type, or a cell cannot be read.
    """
    found = _block(content, "table", _TABLE)
    return table_of(
        name=found["name"],
        title_zh=found["title_zh"],
        title_en=found["title_en"],
        hit_policy=found["hit_policy"],
        inputs=[_input(one, f"input[{place}]") for place, one in enumerate(found["input"])],
        outputs=[_output(one, f"output[{place}]") for place, one in enumerate(found["output"])],
        rows=[_row(one, f"row[{place}]") for place, one in enumerate(found["row"])],
    )


def _input(content: object, path: str) -> InputColumn:
    found = _block(content, path, _INPUT)
    return InputColumn(**{**found, "domain": domain_from(found["domain"])})


def _output(content: object, path: str) -> OutputColumn:
    found = _block(content, path, _OUTPUT)
    unranked = OutputColumn(**{**found, "ranking": ()})
    return OutputColumn(**{**found, "ranking": tuple(unranked.read(text) for text in found["ranking"])})


def _row(content: object, path: str) -> RowDraft:
    found = _block(content, path, _ROW)
    clause = Clause(
        document=found["document"],
        document_number=found["document_number"],
        article=found["article"],
        quote=found["quote"],
        grade=found["grade"],
        confirmed=found["confirmed"],
    )
    return RowDraft(
        id=found["id"],
        when=found["when"],
        then=found["then"],
        clause=clause,
        note_zh=found["note_zh"],
        note_en=found["note_en"],
    )


def _block(content: object, path: str, shape: _Shape) -> dict[str, Any]:
    """Give what a block says by key, what may be left out filled in."""
    if not isinstance(content, Mapping):
        _refuse(f"{path} is no object", f"{path} 应为对象")
    unknown = [key for key in content if key not in shape]
    if unknown:
        _refuse(f"{path} has the unknown key {unknown[0]!r}", f"{path} 有未知的键“{unknown[0]}”")
    lacking = [key for key in shape if key not in content and key not in _LEFT_OUT]
    if lacking:
        _refuse(f"{path}: {lacking[0]} is missing", f"{path} 缺少 {lacking[0]}")
    return {
        key: _value(content[key], f"{path}.{key}", kind) if key in content else _LEFT_OUT[key]
        for key, kind in shape.items()
    }


def _value(value: object, path: str, kind: type) -> object:
    if issubclass(kind, StrEnum):
        words = [str(one) for one in kind]
        if isinstance(value, str) and value in words:
            return kind(value)
        _refuse(f"{path} {value!r} is none of {', '.join(words)}", f"{path} 应为 {'、'.join(words)} 之一")
    if kind is tuple:
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            _refuse(f"{path} is no list of texts", f"{path} 应为文本列表")
        return tuple(value)
    if not isinstance(value, list | tuple if kind is list else kind):
        word, word_zh = _WORDS[kind]
        _refuse(f"{path} is no {word}", f"{path} 应为{word_zh}")
    return value


_WORDS = {str: ("text", "文本"), bool: ("yes or no", " true 或 false"), list: ("list", "列表")}


def _refuse(why: str, zh: str) -> NoReturn:
    raise InvalidInput(
        f"this is no decision table: {why}",
        zh=f"不是有效的决策表：{zh}",
        field="table",
        remedy="Write it as `plain_table` gives it.",
        remedy_zh="请按决策表的 JSON 格式填写。",
    )
