"""What a new value of a parameter has to be before anybody is asked to approve it; every fault is told at once."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.kernel.units import parse_decimal
from carbonfin.rules.continuity import gap_faults, overlap_faults
from carbonfin.rules.parameters import ParameterBook, ParameterValue, require_quotable

_WORDS = frozenset({"text", "code"})
_WHOLE = frozenset({"bp", "count", "day", "days", "years"})
_QUANTITIES = frozenset({"CNY", "EUR", "USD", "t", "tC", "GJ", "MWh", "kWh", "元", "万元", "day"})
UNITS = _QUANTITIES | _WORDS | _WHOLE | {"ratio", "rate", "points", "months", "date", "instant"}
"""The units of parameters; a quotient of two quantities is one too."""


def draft_faults(
    draft: ParameterValue, known: ParameterBook, own: ParameterBook, *, declares_gap: bool = False
) -> tuple[InvalidInput, ...]:
    """Give what is wrong with a draft: an unknown key, another unit, a value its unit does not take, dates in disorder.

    Args:
        draft: The value as it was proposed.
        known: Every value there is: keys and units are those of the product.
        own: The organisation's own values, among which days must follow one another.
        declares_gap: Whether the days left out on purpose are declared: the rule was repealed for them.
    """
    return (
        *_key_and_unit(draft, known), *value_faults(draft), *_source(draft), *_quote(draft), *day_faults(draft, own),
        *(() if declares_gap else left_out_days(draft, own)),
    )  # fmt: skip


def require_sound(
    draft: ParameterValue, known: ParameterBook, own: ParameterBook, *, declares_gap: bool = False
) -> None:
    """Refuse a draft for everything that is wrong with it.

    Raises:
        InvalidInput: The field is that of the first fault; the words tell all of them.
    """
    refuse_together(draft_faults(draft, known, own, declares_gap=declares_gap))


def refuse_together(faults: Sequence[InvalidInput]) -> None:
    """Refuse for all that was found, if anything was.

    Raises:
        InvalidInput: The field is that of the first fault; the words tell all of them.
    """
    if faults:
        raise InvalidInput(
            "; ".join(one.detail for one in faults),
            zh="；".join(one.zh for one in faults),
            field=faults[0].field,
            remedy=faults[0].remedy,
            remedy_zh=faults[0].remedy_zh,
        )


def _key_and_unit(draft: ParameterValue, known: ParameterBook) -> Iterator[InvalidInput]:
    units = sorted({value.unit for value in known.values() if value.key == draft.key})
    if not units:
        yield InvalidInput(
            f"there is no parameter {draft.key[:100]!r}",
            zh=f"没有参数“{draft.key[:100]}”",
            field="key",
            remedy="Choose a key from the list of parameters: no decision reads another.",
            remedy_zh="请从参数列表中选择；没有决定会读取其他参数。",
        )
    elif draft.unit not in units:
        yield InvalidInput(
            f"{draft.key} is in {', '.join(units)}, not in {draft.unit!r}" if draft.unit else "unit is missing",
            zh=f"参数 {draft.key} 的单位应为 {'、'.join(units)}" + ("" if draft.unit else "，未填写"),
            field="unit",
            remedy=f"Write the unit {units[0]}.",
            remedy_zh=f"请填写单位 {units[0]}。",
        )


def require_unit(unit: str) -> None:
    """Hold that a parameter's unit is one that is known, or a quotient of two.

    Raises:
        InvalidInput: It is neither.
    """
    if unit not in UNITS and not (unit.count("/") == 1 and set(unit.split("/")) <= _QUANTITIES):
        raise InvalidInput(
            f"there is no unit {unit[:40]!r}",
            zh=f"没有单位“{unit[:40]}”",
            field="unit",
            remedy=f"Write one of {', '.join(sorted(UNITS))}, or a quotient such as t/MWh.",
            remedy_zh=f"请填写 {'、'.join(sorted(UNITS))} 之一，或如 t/MWh 的商。",
        )


def value_faults(draft: ParameterValue) -> Iterator[InvalidInput]:
    """Give what is wrong with a value beside its unit: no number, none that is whole, no day or no instant."""
    if not draft.value.strip() or draft.value != draft.value.strip():
        yield InvalidInput("value is empty or has blanks at its ends", zh="取值为空或首尾有空格", field="value")
        return
    try:
        if draft.unit == "date":
            _written_alike(date.fromisoformat(draft.value).isoformat(), draft.value)
        elif draft.unit == "instant":
            _written_alike(datetime.fromisoformat(draft.value).isoformat(timespec="minutes"), draft.value)
        elif draft.unit not in _WORDS:
            number = parse_decimal(draft.value, field="value")
            if draft.unit in _WHOLE and number != number.to_integral_value():
                yield InvalidInput(f"{draft.value} {draft.unit} is not whole", zh="取值应为整数", field="value")
    except CarbonFinError as error:
        yield InvalidInput(
            error.detail, zh=error.zh, field="value", remedy=error.remedy, remedy_zh=error.remedy_zh
        )  # fmt: skip
    except ValueError:
        yield InvalidInput(
            f"{draft.value[:40]!r} is no {draft.unit}",
            zh=f"“{draft.value[:40]}”不是有效的{'日期' if draft.unit == 'date' else '时点'}",
            field="value",
            remedy="Write YYYY-MM-DD, and THH:MM after it for an instant.",
            remedy_zh="请写作 YYYY-MM-DD；时点再加 THH:MM。",
        )


def _written_alike(canonical: str, text: str) -> None:
    if canonical != text:
        message = f"{text} is written otherwise"
        raise ValueError(message)


def _source(draft: ParameterValue) -> Iterator[InvalidInput]:
    if not draft.document.strip():
        yield InvalidInput(
            "document is missing: every value has a source",
            zh="未填写依据文件：每个取值都须有来源",
            field="document",
            remedy="Name the document, and its article where there is one.",
            remedy_zh="请填写依据文件名称，有条款的写明条款。",
        )


def _quote(draft: ParameterValue) -> Iterator[InvalidInput]:
    try:
        require_quotable(draft.quote, draft.grade)
    except InvalidInput as fault:
        yield fault


def day_faults(draft: ParameterValue, own: ParameterBook) -> Iterator[InvalidInput]:
    """Give what is wrong with a draft's days: an end before the beginning, or an own value that speaks of them too."""
    if draft.valid_to is not None and draft.valid_to < draft.valid_from:
        yield InvalidInput(
            f"valid_to {draft.valid_to} is before valid_from {draft.valid_from}",
            zh=f"失效日期 {draft.valid_to} 早于生效日期 {draft.valid_from}",
            field="valid_to",
            remedy="Write the last day it holds, or leave it empty while it is open.",
            remedy_zh="请填写最后有效日；长期有效的留空。",
        )
        return
    alike = [
        one
        for one in own.values()
        if (one.key, one.scope, one.known_from) == (draft.key, draft.scope, draft.known_from)
        and one.valid_from != draft.valid_from
        and one.known_at is None  # what was approved earlier on that day is known earlier
    ]
    yield from overlap_faults(draft, alike, name=_called(draft, "parameter "), name_zh=_called(draft, "参数 ") + " ")


def _called(draft: ParameterValue, kind: str) -> str:
    return f"{kind}{draft.key}[{draft.scope}]" if draft.scope else f"{kind}{draft.key}"


def left_out_days(draft: ParameterValue, own: ParameterBook) -> tuple[InvalidInput, ...]:
    """Give the days that a draft would leave between itself and the organisation's own values of its key and scope."""
    standing = [one for one in own.values() if (one.key, one.scope) == (draft.key, draft.scope)]
    return tuple(gap_faults(draft, standing, name=_called(draft, "parameter "), name_zh=_called(draft, "参数 ") + " "))
