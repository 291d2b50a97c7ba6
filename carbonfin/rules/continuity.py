"""Whether a new version of a rule joins those that stand: no day between is left out, and none is claimed twice.

A later known version takes the place of an earlier one on the days both speak of; that is how rules change, and no
overlap. Two versions known from the same beginning of a day must not speak of the same day.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
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
    for gap in _gaps(draft, list(standing)):
        yield _gap_fault(gap.field, name, name_zh, last=gap.last, first=gap.first)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gap:
    """Days without a version: those between the last day of one and the first day of the next."""

    field: str
    last: date
    first: date

    @property
    def days(self) -> tuple[date, date]:
        """The days at its ends, by which it is the same gap beside whichever version it is told."""
        return self.last, self.first


def _gaps(draft: Dated, others: Sequence[Dated]) -> Iterator[_Gap]:
    before = [one for one in others if one.valid_from < draft.valid_from]
    if before and not any(_covers(one, draft.valid_from - _DAY) for one in before):
        last = max(one.valid_to for one in before if one.valid_to is not None)
        yield _Gap(field="valid_from", last=last, first=draft.valid_from)
    if draft.valid_to is None or any(_covers(one, draft.valid_to + _DAY) for one in others):
        return
    later = [one.valid_from for one in others if one.valid_from > draft.valid_to]
    if later:
        yield _Gap(field="valid_to", last=draft.valid_to, first=min(later))


def overlap_faults(draft: Dated, alike: Sequence[Dated], *, name: str, name_zh: str) -> Iterator[InvalidInput]:
    """Give the versions known from the same beginning of a day that would speak of days the draft speaks of.

    Args:
        draft: The new version.
        alike: Own versions of the same rule known from the same day, with another first day.
        name: What the rule is called.
        name_zh: What it is called in Chinese.
    """
    for one in alike:
        if _overlap(one, draft):
            span, span_zh = _span(one)
            yield InvalidInput(
                f"{name} from {draft.valid_from} overlaps the version {span}, both known from {draft.known_from}",
                zh=f"{name_zh}自 {draft.valid_from} 起与{span_zh}的版本重叠，且知悉日同为 {draft.known_from}",
                field="valid_to" if draft.valid_to is not None and draft.valid_from < one.valid_from else "valid_from",
                remedy="Let it begin the day after, or choose a later known_from.",
                remedy_zh="请自前一版本失效的次日起生效，或使用更晚的知悉日期。",
            )


def _overlap(one: Dated, other: Dated) -> bool:
    return _reaches(one, other.valid_from) and _reaches(other, one.valid_from)


def _reaches(one: Dated, day: date) -> bool:
    """Whether something has not ended before a day."""
    return one.valid_to is None or one.valid_to >= day


def _covers(one: Dated, day: date) -> bool:
    return one.valid_from <= day and _reaches(one, day)


def _span(one: Dated) -> tuple[str, str]:
    until, until_zh = ("on", "起") if one.valid_to is None else (f"to {one.valid_to}", f"至 {one.valid_to}")
    return f"from {one.valid_from} {until}", f"自 {one.valid_from} {until_zh}"


def _gap_fault(field: str, name: str, name_zh: str, *, last: date, first: date) -> InvalidInput:
    return InvalidInput(
        f"{name} would have no own version from {last + _DAY} to {first - _DAY}: one ends on {last}, the next begins on"
        f" {first}",
        zh=f"{name_zh}在 {last + _DAY} 至 {first - _DAY} 没有本机构的版本：前一版本止于 {last}，后一版本始于 {first}",
        field=field,
        remedy="Let the versions follow on each other, or declare the gap where the rule was repealed for those days.",
        remedy_zh="请使各版本首尾相接；其间规则确已废止的，请声明空档。",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Disorder:
    """What is wrong with the days of one version among those of a file.

    Attributes:
        place: Place of the version among them.
        field: The key that is wrong: `valid_from` or `valid_to`.
    """

    place: int
    field: str
    zh: str
    en: str


def disorders(dated: Sequence[Dated], *, declared: Collection[int] = ()) -> Iterator[Disorder]:
    """Give what is wrong with the days of one rule's versions in a file, each fault once.

    A version is held against those known when it is: it ends no earlier than it begins, overlaps none that is known
    from the same day, stands after those of them that begin earlier, and leaves no day out.

    Args:
        dated: The versions in the order of the file.
        declared: Places of versions beside which days are left out on purpose.
    """
    turned = [(place, one) for place, one in enumerate(dated) if not _reaches(one, one.valid_from)]
    for place, one in turned:
        yield Disorder(
            place=place, field="valid_to",
            zh=f"失效日期 {one.valid_to} 早于生效日期 {one.valid_from}",
            en=f"valid_to {one.valid_to} is before valid_from {one.valid_from}",
        )  # fmt: skip
    if turned:
        return  # what they join cannot be told
    for place, one in enumerate(dated):
        for other, earlier in enumerate(dated[:place]):
            if earlier.known_from == one.known_from and _overlap(earlier, one):
                yield _overlapping(place, dated, other)
        if (before := _going_back(place, dated)) is not None:
            yield Disorder(
                place=place, field="valid_from",
                zh=f"生效日期 {one.valid_from} 早于排在其前的版本（自 {before} 起），应按生效日期先后排列",
                en=f"valid_from {one.valid_from} stands after the version from {before}; order versions by valid_from",
            )  # fmt: skip
    yield from gap_disorders(dated, declared=declared)


def gap_disorders(dated: Sequence[Dated], *, declared: Collection[int] = ()) -> Iterator[Disorder]:
    """Give the days that one rule's versions leave out, each once.

    Args:
        dated: The versions in the order of the file.
        declared: Places of versions beside which days are left out on purpose.
    """
    found = _left_out(dated)
    told = {gap.days for place, gap in found if place in declared}
    for place, gap in sorted(found, key=lambda pair: pair[1].field):
        if gap.days in told:
            continue
        told.add(gap.days)
        first, last = gap.last + _DAY, gap.first - _DAY
        days, days_zh = (
            (f"{first} is", f"{first}") if first == last else (f"{first} to {last} are", f"{first} 至 {last}")
        )
        yield Disorder(
            place=place, field=gap.field,
            zh=f"{days_zh} 没有版本：前一版本止于 {gap.last}，后一版本始于 {gap.first}，应自 {first} 起",
            en=f"{days} left out: one ends on {gap.last}, the next begins on {gap.first} and is expected from {first}",
        )  # fmt: skip


def beside_gaps(dated: Sequence[Dated], *, declared: Collection[int] | None = None) -> frozenset[int]:
    """Give the places of the versions that have to declare a gap.

    Args:
        dated: The versions of one rule.
        declared: Places of versions that declare a gap; the gaps of these alone. All gaps where it is left out.
    """
    found = _left_out(dated)
    days = {gap.days for place, gap in found if declared is None or place in declared}
    return frozenset(place for place, gap in found if gap.days in days)


def _left_out(dated: Sequence[Dated]) -> list[tuple[int, _Gap]]:
    """Give each gap at every version that is known with it and stands beside it."""
    found: list[tuple[int, _Gap]] = []
    for place, one in enumerate(dated):
        known = [other for nth, other in enumerate(dated) if nth != place and other.known_from <= one.known_from]
        found += [(place, gap) for gap in _gaps(one, known)]
    return found


def _going_back(place: int, dated: Sequence[Dated]) -> date | None:
    """Give the first day of the version before that is known from the same day, where it comes later and ends apart."""
    one = dated[place]
    before = next((other for other in reversed(dated[:place]) if other.known_from == one.known_from), None)
    is_back = before is not None and one.valid_from < before.valid_from and not _overlap(before, one)
    return before.valid_from if before is not None and is_back else None


def _overlapping(place: int, dated: Sequence[Dated], other: int) -> Disorder:
    """Say which days two versions both speak of, and where the later of them is expected."""
    former, latter = sorted((dated[place], dated[other]), key=lambda one: one.valid_from)
    ends = [end for end in (former.valid_to, latter.valid_to) if end is not None]
    until, until_zh = (f"to {min(ends)}", f"至 {min(ends)}") if ends else ("on", "起")
    span, span_zh = _span(dated[other])
    if former.valid_from == latter.valid_from:
        remedy, remedy_zh = "a correction has a later known_from", "更正须使用更晚的知悉日期"
    elif former.valid_to is None:
        last = latter.valid_from - _DAY
        remedy, remedy_zh = f"the former is expected to end on {last}", f"前一版本应止于 {last}"
    else:
        first = former.valid_to + _DAY
        remedy, remedy_zh = f"the latter is expected from {first}", f"后一版本应自 {first} 起"
    known_from = latter.known_from
    return Disorder(
        place=place, field="valid_from",
        zh=f"自 {latter.valid_from} {until_zh}与{span_zh}的版本重叠，且知悉日同为 {known_from}；{remedy_zh}",
        en=f"from {latter.valid_from} {until} it overlaps the version {span}, both known from {known_from}; {remedy}",
    )  # fmt: skip
