"""The parameters an organisation's decisions read: by package and both dates, sorted, each with what became of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from sqlmodel import Session

from carbonfin.app.packages import PACKAGES
from carbonfin.app.rulebook.shelf import Dates
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import china_day
from carbonfin.kernel.errors import InvalidInput, NotFound
from carbonfin.rules.known import known_order, was_known
from carbonfin.rules.parameters import Grade, ParameterBook, ParameterValue
from carbonfin.storage.keyset import KeyValue, Place, Slice, cut
from carbonfin.storage.rulebook import book_for, builtin_book
from carbonfin.web.language import Text

PACKAGE_WORDS = {
    "pricing": Text("估值", "Pricing"),
    "collateral": Text("押品", "Collateral"),
    "loans": Text("贷款", "Loans"),
    "reporting": Text("贴息", "Reporting"),
}
GRADE_WORDS = {
    Grade.READ: Text("已读原文", "document read"),
    Grade.SECONDARY: Text("二手资料", "second hand"),
    Grade.MEMORY: Text("凭记忆", "from memory"),
    Grade.UNKNOWN: Text("来源不明", "source unknown"),
    Grade.SAMPLE: Text("示例", "sample"),
}
UNIT_WORDS = {
    "ratio": Text("比率", "ratio"), "bp": Text("基点", "bp"), "CNY": Text("元", "CNY"), "t": Text("吨", "t"),
    "days": Text("天", "days"), "date": Text("日期", "date"), "code": Text("代码", "code"),
    "text": Text("文字", "text"), "count": Text("个", "count"), "rate": Text("利率", "rate"),
    "years": Text("年", "years"), "day": Text("日", "day"), "instant": Text("时点", "instant"),
}  # fmt: skip
SORT_WORDS = {
    "key": Text("参数代码", "by key"),
    "known": Text("知悉日，新的在前", "known last first"),
    "valid": Text("生效日，新的在前", "valid last first"),
}
ONLY_WORDS = {
    "": Text("全部", "All"),
    "unconfirmed": Text("仅未确认", "Unconfirmed only"),
    "own": Text("仅本机构录入", "Our own only"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What of the parameters is asked for.

    Attributes:
        words: Part of a name, key or document.
        only: All, the unconfirmed, or the organisation's own.
        sort: By key, or by one of the two dates with the latest first.
    """

    package: str = ""
    key: str = ""
    words: str = ""
    only: str = ""
    sort: str = "key"

    def __post_init__(self) -> None:
        for name, value, known in (
            ("package", self.package, {"", *PACKAGE_WORDS}), ("only", self.only, ONLY_WORDS.keys()),
            ("sort", self.sort, SORT_WORDS.keys()),
        ):  # fmt: skip
            if value not in known:
                raise InvalidInput(
                    f"{name} is none of {', '.join(sorted(known))}",
                    zh=f"{name} 应为 {'、'.join(sorted(filter(None, known)))} 之一",
                    field=name,
                )

    def page(self, values: Sequence[ParameterValue], place: Place) -> Slice[ParameterValue]:
        """Give a page of the values asked for, in their order."""
        words = self.words.strip().casefold()
        shown = [one for one in values if self._takes(one, words)]
        return cut(shown, place, keys=self._keys, descending=self.sort != "key")

    def _takes(self, value: ParameterValue, words: str) -> bool:
        text = f"{value.key} {value.scope} {value.title_zh} {value.title_en} {value.clause}".casefold()
        return (
            (not self.package or package_of(value.key) == self.package)
            and (not self.key or value.key == self.key)
            and words in text
            and (self.only != "unconfirmed" or not value.confirmed)
            and (self.only != "own" or bool(value.approved_by))
        )

    def _keys(self, value: ParameterValue) -> tuple[KeyValue, ...]:
        name = (value.key, value.scope, value.valid_from, value.known_from)
        if self.sort == "key":
            return name
        return (value.known_from if self.sort == "known" else value.valid_from, *name)


def package_of(key: str) -> str:
    """Give the package whose decisions read a parameter: the one that ships it, else the first part of its key."""
    return _shipped().get(key, key.split(".", 1)[0])


@cache
def _shipped() -> Mapping[str, str]:
    return {value.key: package.name for package in PACKAGES for value in builtin_book(package.name).values()}


def whole_book(session: Session, actor: Actor) -> ParameterBook:
    """Give every value the organisation's decisions read, its own and those that come with the product."""
    return book_for(session, actor.organization_id, packages=[package.name for package in PACKAGES])


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedValue:
    """One value of a parameter, and what becomes of it on a pair of days."""

    value: ParameterValue
    state: tuple[str, Text]


def history_of(book: ParameterBook, key: str, dates: Dates) -> tuple[DatedValue, ...]:
    """Give every value a parameter has had, by scope, the latest known first.

    Raises:
        NotFound: There is no such parameter.
    """
    values = [value for value in book.values() if value.key == key]
    if not values:
        raise NotFound(f"there is no parameter {key[:100]}", zh="没有该参数", field="key")
    return tuple(DatedValue(value=one, state=_state(one, book, dates)) for one in _latest_first(values))


def value_named(history: Sequence[DatedValue], digest: str, *, scope: str, last: bool) -> ParameterValue:
    """Give the value of a digest, or of its first signs; without one the first or the last known of a scope.

    Raises:
        NotFound: There is none.
        InvalidInput: Several digests begin so.
    """
    of_scope = [one.value for one in history if one.value.scope == scope]
    found = [one.value for one in history if digest and one.value.digest.startswith(digest)] if digest else of_scope
    if not found:
        raise NotFound(
            f"the parameter has no value {digest or f'of scope {scope!r}'}",
            zh="参数没有该取值",
            field="digest" if digest else "of_scope",
            remedy="Name a digest of its history.",
            remedy_zh="请填写历次取值中的摘要。",
        )
    if digest and len(found) > 1:
        raise InvalidInput(f"{len(found)} values begin with {digest}", zh="摘要不唯一，请多填几位", field="digest")
    return found[0 if last or digest else -1]


def _latest_first(values: Iterable[ParameterValue]) -> list[ParameterValue]:
    by_day = sorted(values, key=lambda one: (*known_order(one), one.valid_from), reverse=True)
    return sorted(by_day, key=lambda one: one.scope)


def _state(value: ParameterValue, book: ParameterBook, dates: Dates) -> tuple[str, Text]:
    if book.find(value.key, scope=value.scope, valid_on=dates.valid_on, known_at=dates.known_at) is value:
        return "good", Text("适用", "in force")
    if not was_known(value, instant=dates.known_at, day=china_day(dates.known_at)):
        return "information", Text("当时尚未知悉", "not known yet")
    if value.valid_from > dates.valid_on:
        return "information", Text("尚未生效", "not valid yet")
    if value.valid_to is not None and value.valid_to < dates.valid_on:
        return "neutral", Text("已失效", "ended")
    return "neutral", Text("已被更正或替代", "corrected or replaced")
