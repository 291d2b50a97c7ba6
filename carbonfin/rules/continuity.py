"""Whether a new version of a rule joins those that stand: no day between is left out, and none is claimed twice.

A later known version takes the place of an earlier one on the days both speak of; that is how rules change, and no
overlap. Two versions known from the same beginning of a day must not speak of the same day.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.toml_files import Dated

_DAY = timedelta(days=1)


def gap_faults(draft: Dated, standing: Iterable[Dated], *, name: str, name_zh: str) -> Iterator[InvalidInput]:
    """Give the days that a draft would leave without an own version, before it and after it.

    Args:
        draft: The new version.
        standing: The organisation's own versions of the same rule.
        name: What the rule is called.
        name_zh: What it is called in Chinese.
    """
    others = list(standing)
    before = [one for one in others if one.valid_from < draft.valid_from]
    if before and not any(_covers(one, draft.valid_from - _DAY) for one in before):
        last = max(one.valid_to for one in before if one.valid_to is not None)
        yield _gap("valid_from", name, name_zh, last=last, first=draft.valid_from)
    if draft.valid_to is None or any(_covers(one, draft.valid_to + _DAY) for one in others):
        return
    later = [one.valid_from for one in others if one.valid_from > draft.valid_to]
    if later:
        yield _gap("valid_to", name, name_zh, last=draft.valid_to, first=min(later))


def overlap_faults(draft: Dated, alike: Sequence[Dated], *, name: str, name_zh: str) -> Iterator[InvalidInput]:
    """Give the versions known from the same beginning of a day that would speak of days the draft speaks of.

    Args:
        draft: The new version.
        alike: Own versions of the same rule known from the same day, with another first day.
        name: What the rule is called.
        name_zh: What it is called in Chinese.
    """
    for one in alike:
        if _reaches(one, draft.valid_from) and _reaches(draft, one.valid_from):
            span, span_zh = _span(one)
            yield InvalidInput(
                f"{name} from {draft.valid_from} overlaps the version {span}, both known from {draft.known_from}",
                zh=f"{name_zh}自 {draft.valid_from} 起与{span_zh}的版本重叠，且知悉日同为 {draft.known_from}",
                field="valid_to" if draft.valid_to is not None and draft.valid_from < one.valid_from else "valid_from",
                remedy="Let it begin the day after, or choose a later known_from.",
                remedy_zh="请自前一版本失效的次日起生效，或使用更晚的知悉日期。",
            )


def _reaches(one: Dated, day: date) -> bool:
    """Whether something has not ended before a day."""
    return one.valid_to is None or one.valid_to >= day


def _covers(one: Dated, day: date) -> bool:
    return one.valid_from <= day and _reaches(one, day)


def _span(one: Dated) -> tuple[str, str]:
    until, until_zh = ("on", "起") if one.valid_to is None else (f"to {one.valid_to}", f"至 {one.valid_to}")
    return f"from {one.valid_from} {until}", f"自 {one.valid_from} {until_zh}"


def _gap(field: str, name: str, name_zh: str, *, last: date, first: date) -> InvalidInput:
    return InvalidInput(
        f"{name} would have no own version from {last + _DAY} to {first - _DAY}: one ends on {last}, the next begins on"
        f" {first}",
        zh=f"{name_zh}在 {last + _DAY} 至 {first - _DAY} 没有本机构的版本：前一版本止于 {last}，后一版本始于 {first}",
        field=field,
        remedy="Let the versions follow on each other, or declare the gap where the rule was repealed for those days.",
        remedy_zh="请使各版本首尾相接；其间规则确已废止的，请声明空档。",
    )
