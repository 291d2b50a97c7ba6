"""A change of a scheme's terms tried on every application filed; nothing is written and nothing is approved."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import china_day, end_of_china_day
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import parse_decimal
from carbonfin.rules.parameters import Grade, ParameterValue
from carbonfin.rules.recorded_tables import RecordedTable
from reporting import store
from reporting.calc.batches import DecidedApplication, FiledApplication, allocations_cny, decide_in_order
from reporting.calc.schemes import NO_CAP, SchemeTerms, Term, schemes_of, terms_of
from reporting.calc.what_if import WhatIf, compared
from reporting.service.rulebook import share_table, subsidy_book, subsidy_tables

CHANGEABLE: Mapping[Term, str] = {
    Term.RATE: "ratio",
    Term.CAP_CNY: "CNY",
    Term.CAP_PROJECT_CNY: "CNY",
    Term.CAP_TOTAL_CNY: "CNY",
    Term.MAX_YEARS: "years",
    Term.BUDGET_CNY: "CNY",
    Term.WINDOW_OPENS: "instant",
    Term.WINDOW_CLOSES: "instant",
    Term.CONDITIONS: "text",
    Term.SETTLED_ONLY: "code",
    Term.KEY_EMITTER_ONLY: "code",
    Term.ANNOUNCEMENT_REQUIRED: "code",
}
"""Terms that can be tried otherwise, with their units."""
_MAY_BE_NONE = frozenset({Term.CAP_CNY, Term.CAP_PROJECT_CNY, Term.CAP_TOTAL_CNY, Term.MAX_YEARS})
_YES_NO = ("yes", "no")


@dataclass(frozen=True, slots=True, kw_only=True)
class TermTried:
    """A term as it stands and as it is tried; None where it has no value."""

    term: Term
    title_zh: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfView:
    """What a change would do, with the terms changed and the day it is looked at from."""

    scheme: str
    title: str
    as_of: date
    changes: tuple[TermTried, ...]
    population_count: int
    failed_count: int
    found: WhatIf


def what_if(session: Session, actor: Actor, scheme: str, changes: Mapping[Term, str], *, as_of: date) -> WhatIfView:
    """Decide every application filed by a day twice, as terms stand and as they are tried, budgets and caps included.

    Args:
        session: The open transaction; only read.
        actor: Whose applications: a bank's own, the bureau's all.
        scheme: Code of the scheme whose terms change.
        changes: Values by term, as the rulebook would hold them.
        as_of: Files and parameters as known at the end of this day.

    Raises:
        NotFound: There is no such scheme.
        InvalidInput: A value cannot be read as what its term holds.
    """
    for term, text in changes.items():
        _require_readable(term, text)
    book, known_at = subsidy_book(session, actor), end_of_china_day(as_of)
    tables = subsidy_tables(session, actor)
    stands = terms_of(book, scheme, valid_on=as_of, known_at=known_at)
    filed = store.applications_of(session, actor, known_until=known_at)

    @cache
    def table_on(day: date) -> RecordedTable:
        return share_table(tables, day, known_at)

    @cache
    def terms_on(code: str, day: date, *, is_tried: bool) -> SchemeTerms:
        terms = terms_of(book, code, valid_on=day, known_at=known_at)
        return _changed(terms, changes, day) if is_tried and code == scheme else terms

    def decided(*, is_tried: bool) -> tuple[tuple[DecidedApplication, ...], int]:
        batch = decide_in_order(
            filed,
            lambda case: terms_on(case.scheme, china_day(case.submitted_at), is_tried=is_tried),
            lambda case: table_on(china_day(case.submitted_at)),
        )
        # What is neither of the scheme's decided applications failed: a failure names its item for people alone.
        own = tuple(one for one in batch.values if one.filed.application.scheme == scheme)
        return own, _count_of(filed, scheme) - len(own)

    (before, _), (after, failed_count) = decided(is_tried=False), decided(is_tried=True)
    return WhatIfView(
        scheme=scheme,
        title=stands.title,
        as_of=as_of,
        changes=tuple(_tried(stands, term, text) for term, text in changes.items()),
        population_count=_count_of(filed, scheme),
        failed_count=failed_count,
        found=compared(before, after, before_shares=allocations_cny(before), after_shares=allocations_cny(after)),
    )


def schemes_known(session: Session, actor: Actor, *, as_of: date) -> tuple[tuple[str, str], ...]:
    """Give the schemes of the rulebook with their names."""
    book, known_at = subsidy_book(session, actor), end_of_china_day(as_of)
    return tuple((code, terms_of(book, code, valid_on=as_of, known_at=known_at).title) for code in schemes_of(book))


def _count_of(filed: tuple[FiledApplication, ...], scheme: str) -> int:
    return sum(one.application.scheme == scheme for one in filed)


def _tried(stands: SchemeTerms, term: Term, text: str) -> TermTried:
    value, entry = stands.find(term), stands.entry(term)
    title = term.value if entry is None or not entry.title_zh else entry.title_zh
    return TermTried(term=term, title_zh=title, before=None if value is None else value.value, after=text)


def _changed(terms: SchemeTerms, changes: Mapping[Term, str], day: date) -> SchemeTerms:
    """Give the terms with the values tried in place; what is tried is nobody's confirmed rule."""
    for term, text in changes.items():
        entry = terms.entry(term) or ParameterValue(
            key=f"reporting.subsidy.{term.value}", scope=terms.scheme, value="", unit=CHANGEABLE[term], valid_from=day,
            valid_to=None, known_from=day, document="试算", article="", grade=Grade.UNKNOWN, confirmed=False,
            approved_by=(), note="",
        )  # fmt: skip
        terms = terms.under(replace(entry, value=text, confirmed=False, note="试算值"))
    return terms


def _require_readable(term: Term, text: str) -> None:
    unit = CHANGEABLE.get(term)
    if unit is None:
        raise InvalidInput(f"{term} cannot be tried otherwise", zh=f"不能试算“{term}”", field=term.value)
    if unit == "code" and text not in _YES_NO:
        raise _unreadable(term, text, "yes or no", "yes 或 no")
    if unit == "ratio" and not 0 <= parse_decimal(text, field=term.value) <= 1:
        raise _unreadable(term, text, "a decimal from 0 to 1, 0.4 for 40 %", "0 至 1 的小数，40% 写作 0.4")
    if term in _MAY_BE_NONE and text == NO_CAP:
        return
    if unit == "years" and not (text.isdecimal() and int(text)):
        raise _unreadable(term, text, "a number of years, or none", "年数，无此限制填 none")
    if unit == "CNY":
        amount = parse_decimal(text, field=term.value)
        if amount < 0 or amount != amount.quantize(Decimal("0.01")):
            raise _unreadable(term, text, "an amount in 元 of at most two places", "非负且最多两位小数的金额（元）")
    if unit == "instant":
        _require_instant(term, text)


def _require_instant(term: Term, text: str) -> None:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise _unreadable(
            term, text, "a day with hours, 2025-09-15T09:00", "日期和时刻，如 2025-09-15T09:00"
        ) from error
    if instant.tzinfo is not None:
        raise _unreadable(term, text, "China's time without a zone", "不带时区的北京时间")


def _unreadable(term: Term, text: str, wanted: str, wanted_zh: str) -> InvalidInput:
    return InvalidInput(
        f"{term}: {text!r} cannot be tried", zh=f"试算值“{text}”无法读取", field=term.value,
        remedy=f"Give {wanted}.", remedy_zh=f"请填写{wanted_zh}。",
    )  # fmt: skip
