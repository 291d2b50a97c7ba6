"""Parameter files in TOML: every fault is told, each by file and line with what stands there; nothing is read half."""

from datetime import date
from functools import partial

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.continuity import disorders
from carbonfin.rules.parameter_drafts import require_unit, value_faults
from carbonfin.rules.parameters import Grade, ParameterBook, ParameterValue, require_quotable
from carbonfin.rules.toml_files import (
    Block,
    TomlFile,
    as_day,
    gathered,
    kept_faults,
    refuse_all,
    refuse_file,
)

_TEXTS = ("key", "unit", "title_zh", "title_en")
_PARAMETER_KEYS = (*_TEXTS, "value")
_REQUIRED_VALUE_KEYS = ("value", "valid_from", "known_from", "document", "grade", "confirmed")
_VALUE_KEYS = (
    "value", "scope", "valid_from", "valid_to", "known_from", "document", "document_number", "article", "quote",
    "grade", "confirmed", "approved_by", "declares_gap", "note",
)  # fmt: skip
_DAYS = frozenset({"valid_from", "valid_to", "known_from"})


def book_from_toml(text: str, *, file_name: str) -> ParameterBook:
    """Read a parameter file; unknown keys, missing units and wrong dates are errors that name file and line.

    Raises:
        InvalidInput: The file breaks a rule; the message names the file, the line and the key, one line a fault.
    """
    values, faults = read_parameters_toml(text, file_name=file_name)
    refuse_file(faults)
    return ParameterBook(values)


def read_parameters_toml(
    text: str, *, file_name: str
) -> tuple[tuple[ParameterValue, ...], tuple[InvalidInput, ...]]:  # fmt: skip
    """Read a parameter file; where anything is wrong, every fault that was found and no value.

    A fault's `context` has the line. The order of a parameter's values is looked at where every one of them can be
    read.
    """
    file = TomlFile(name=file_name, text=text, noun_zh="参数")
    faults: list[InvalidInput] = []
    blocks = file.blocks("parameter", faults)
    seen: set[str] = set()
    for block in blocks:
        if block.key and block.key in seen:
            with kept_faults(faults):
                block.refuse(
                    "the key stands twice; give one parameter all its values in one block", "key",
                    "参数代码重复，同一参数的取值应写在一个块内",
                )  # fmt: skip
        seen.add(block.key)
    values = [value for one in gathered(blocks, _parameter, faults) for value in one]
    return (() if faults else tuple(values)), tuple(faults)


def _parameter(block: Block) -> list[ParameterValue]:
    faults: list[InvalidInput] = []
    with kept_faults(faults):
        block.require(_PARAMETER_KEYS, _PARAMETER_KEYS, _require_text)
    unit = block.found.get("unit")
    if isinstance(unit, str) and unit.strip():
        with kept_faults(faults), block.marked("unit"):
            require_unit(unit)
    values: list[ParameterValue] = []
    pieces: list[Block] = []
    with kept_faults(faults):
        pieces = block.blocks("value")
        if not pieces and "value" in block.found:
            block.refuse("value is missing", zh="缺少 value")
    values = gathered(pieces, partial(_value, block), faults)
    refuse_all(faults)
    if block.file.slips:
        return values  # a day may stand on a line that cannot be read
    for scope in {value.scope: None for value in values}:
        places = [place for place, value in enumerate(values) if value.scope == scope]
        declared = [nth for nth, place in enumerate(places) if pieces[place].found.get("declares_gap")]
        for one in disorders([values[place] for place in places], declared=declared):
            with kept_faults(faults):
                pieces[places[one.place]].refuse(one.en, one.field, one.zh)
    refuse_all(faults)
    return values


def _require_text(block: Block, name: str, value: object) -> None:
    if name in _TEXTS and (not isinstance(value, str) or not value.strip()):
        block.refuse(
            f"{name} must be a text that is not empty, not {value!r}" if value else f"{name} is missing",
            name, f"{name} 应为非空文本",
        )  # fmt: skip


def _value(parameter: Block, block: Block) -> ParameterValue:
    block.require(_VALUE_KEYS, _REQUIRED_VALUE_KEYS, _require_well_formed)
    said, found = parameter.found, block.found
    with block.marked("quote"):
        require_quotable(found.get("quote"), Grade(found["grade"]))
    valid_to = found.get("valid_to")
    value = ParameterValue(
        key=parameter.key,
        scope=found.get("scope", ""),
        value=found["value"],
        unit=str(said.get("unit", "")),
        valid_from=as_day(found["valid_from"]),
        valid_to=None if valid_to is None else as_day(valid_to),
        known_from=as_day(found["known_from"]),
        document=found["document"],
        article=found.get("article", ""),
        grade=Grade(found["grade"]),
        confirmed=found["confirmed"],
        approved_by=tuple(found.get("approved_by", ())),
        note=found.get("note", ""),
        title_zh=str(said.get("title_zh", "")),
        title_en=str(said.get("title_en", "")),
        document_number=found.get("document_number") or None,
        quote=found.get("quote") or None,
    )
    _require_value(block, value)
    return value


def _require_value(block: Block, value: ParameterValue) -> None:
    """Refuse a text that the unit does not take; what nobody found out is left empty."""
    if not value.value and value.grade is Grade.UNKNOWN:
        return
    faults: list[InvalidInput] = []
    for fault in value_faults(value):
        with kept_faults(faults):
            block.refuse(fault.detail, "value", fault.zh)
    refuse_all(faults)


def _require_well_formed(block: Block, name: str, value: object) -> None:
    """Refuse what is not of its key's type, or no word of the format."""
    if name in _DAYS:
        if type(value) is not date:
            block.refuse(f"{name} must be a date, not {value!r}", name, f"{name} 应为日期，不是 {value!r}")
    elif name in {"confirmed", "declares_gap"}:
        if not isinstance(value, bool):
            block.refuse(f"{name} must be true or false, not {value!r}", name, f"{name} 应为 true 或 false")
    elif name == "approved_by":
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            block.refuse(f"approved_by must be a list of names, not {value!r}", name, "approved_by 应为姓名列表")
    elif not isinstance(value, str):
        why = "written as text, so that it stays exact" if name == "value" else "a text"
        block.refuse(f"{name} must be {why}, not {value!r}", name, f"{name} 应写作文本")
    elif name == "grade" and value not in set(Grade):
        words = ", ".join(Grade)
        block.refuse(f"grade {value!r} is unknown, expected one of {words}", name, f"等级 {value!r} 应为 {words} 之一")
    elif name == "document" and not value.strip():
        block.refuse("document is empty", name, "依据文件为空")
