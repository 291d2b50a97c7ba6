"""Limits of concentration (集中度) held against what a pledge or a change of one adds to the book of collateral.

share = (the name in the other collateral held + in this pledge) / (all other collateral held + this pledge)

Held are the pledges in force and the repos in which the bank deals for itself, whose units it has taken. Market values
before haircut, at one day's prices. Above one of the bank's own limits or a class's, a share is said to the two people
who decide and stops nothing by itself. Above a limit inside a schedule of eligible collateral, units that a pledge, a
substitution or a repo of the bank's own brings in are refused: they are taken by choice, and the schedule says what may
be. A top-up makes the bank safer and a conversion puts a vintage that lasts in the place of one that ends: of both it
is said.

In a book with little else the first agreement is the whole. A share of a schedule is therefore struck of at least the
amount that the bank approved for it; where it approved none, of what there is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.units import round_down, round_up
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import ADDED_LATER
from collateral.calc.figures import FigureList
from collateral.calc.refusals import Refusal
from collateral.calc.schedule_limits import ScheduleLimit

_PLACES = 4
_NOTHING = Decimal("0.00")
_PLEDGES = "存续质押 × 当日价格，折扣前"


class ShareBase(StrEnum):
    """What a share is a part of; decisions made when pledges alone were the base have none."""

    BOOK = "book"
    SCHEDULE = "schedule"


_BASES: Mapping[ShareBase | None, tuple[str, str]] = {
    None: ("全部质押押品", "all units pledged"),
    ShareBase.BOOK: ("全部存续押品（质押与回购）", "all collateral held, pledges and repos"),
    ShareBase.SCHEDULE: ("该清单合格的全部存续押品（质押与回购）", "all collateral held that the schedule admits"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassLimit:
    """The part of the book that the policy of a class allows it at most."""

    policy: str
    limit_ratio: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BookLimit:
    """One limit that units to come count towards.

    Attributes:
        name: What is limited, as figures name it: `scheme_SZA`, `unit_SZA-2024`, `pledgor`, `class_SZA`.
        units: Units of the pledge at hand that count towards it.
        others_cny: Market value that counts towards it in the other collateral held.
        dated: The bank's dated limit; None where the policy of a class sets it.
        by_class: The limit of a class's policy; None where the bank's dated one or a schedule's holds.
        by_schedule: The limit of a schedule of eligible collateral; None where another holds.
    """

    name: str
    label_zh: str
    label_en: str
    units: tuple[Unit, ...]
    others_cny: Decimal
    dated: ParameterValue | None
    by_class: ClassLimit | None
    by_schedule: ScheduleLimit | None = field(default=None, metadata=ADDED_LATER)

    @property
    def limit_ratio(self) -> Decimal:
        """The share allowed at most; of a schedule's amount the amount."""
        if self.by_schedule is not None:
            return self.by_schedule.upper
        if self.by_class is not None:
            return self.by_class.limit_ratio
        assert self.dated is not None, "a limit is dated, a class's or a schedule's"
        return self.dated.decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BookLimits:
    """The limits that a pledge counts towards, with the book that they are a part of.

    Attributes:
        others_cny: Market value of all other collateral held, at the day's prices, before haircut.
        not_priced: Units in the book without a price of the day: they are in no share.
        repos_cny: What of it is held under repos; None in decisions made when pledges alone were the base.
        not_measured: Limits of schedules that say nothing of allowances that could be measured, in Chinese and English.
        binds: Whether schedules' limits refuse what a pledge brings in; None in decisions made when they were said.
    """

    others_cny: Decimal
    not_priced: tuple[Unit, ...]
    limits: tuple[BookLimit, ...]
    repos_cny: Decimal | None = field(default=None, metadata=ADDED_LATER)
    not_measured: tuple[tuple[str, str], ...] | None = field(default=None, metadata=ADDED_LATER)
    binds: bool | None = field(default=None, metadata=ADDED_LATER)

    @property
    def base(self) -> ShareBase | None:
        """What shares are a part of."""
        return None if self.repos_cny is None else ShareBase.BOOK


@dataclass(frozen=True, slots=True, kw_only=True)
class BookShare:
    """A name's share of the book against its limit.

    Attributes:
        before_ratio: Share without what is asked, rounded up; None where the book is empty.
        after_ratio: Share with it, rounded up: it is never shown smaller than it is.
        is_above: Whether the exact share lies above the limit and what is asked makes it larger.
        base: What it is a part of; None in decisions made when pledges alone were the base.
        after_cny: The amount with what is asked, where the limit is one; None where it is a share.
        limit_cny: That limit; `limit_ratio` is then what it comes to of the base, rounded down.
        base_cny_min: The least that the base counts as; None where the bank approved none.
    """

    name: str
    label_zh: str
    label_en: str
    before_ratio: Decimal | None
    after_ratio: Decimal
    limit_ratio: Decimal
    is_above: bool
    base: ShareBase | None = field(default=None, metadata=ADDED_LATER)
    after_cny: Decimal | None = field(default=None, metadata=ADDED_LATER)
    limit_cny: Decimal | None = field(default=None, metadata=ADDED_LATER)
    base_cny_min: Decimal | None = field(default=None, metadata=ADDED_LATER)

    @property
    def base_words(self) -> tuple[str, str]:
        """What it is a part of, Chinese and English."""
        zh, en = _BASES[self.base]
        if self.base_cny_min is None:
            return zh, en
        return (
            f"{zh}（不足 {self.base_cny_min:,.2f} 元按其计）",
            f"{en}, at least {self.base_cny_min:,.2f} CNY",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BookFindings:
    """What the limits say of an agreement: the shares, and what is worth knowing and stops nothing."""

    shares: tuple[BookShare, ...]
    notes: tuple[Refusal, ...]

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Schedules' limits that it goes above."""
        return tuple(_above(one) for one in self.shares if one.is_above and one.base is ShareBase.SCHEDULE)


def book_findings(
    limits: BookLimits | None,
    *,
    before: Mapping[Unit, Decimal],
    after: Mapping[Unit, Decimal],
    figures: FigureList,
    made_of: Iterable[str],
    asked: str,
) -> BookFindings | None:
    """Hold units that are taken by choice against the limits; None where nothing limits them.

    Args:
        limits: The limits, and the other collateral of the book.
        before: Market value of the units as they stand, in 元; empty where nothing stands yet.
        after: Market value of the units as asked, in 元.
        figures: Where the figures go.
        made_of: Names of the figures that quantity and price after it stand under.
        asked: What asks, in the formulas' words.
    """
    if limits is None:
        return None
    for unit, value_cny in after.items():
        label = (f"{unit} 市值", f"{unit} market value")
        figures.result(f"market_value_{unit}", label, value_cny, "CNY", "q·p", inputs=made_of)
    return findings_of(limits, book_shares(limits, before=before, after=after, figures=figures, asked=asked))


def findings_of(limits: BookLimits, shares: tuple[BookShare, ...]) -> BookFindings:
    """Give what is only said of shares; schedules' limits refuse."""
    said = [one for one in shares if one.base is not ShareBase.SCHEDULE]
    return BookFindings(shares=shares, notes=tuple(share_notes(said, limits)))


def standing_shares(limits: BookLimits, figures: FigureList) -> tuple[tuple[str, BookShare], ...]:
    """Give each schedule's shares of the book as it stands, with nothing asked; `is_above` then is of the book."""
    nothing = _Part(name_cny=_NOTHING, base_cny=_NOTHING)
    book = _base_figure(limits, figures)
    found = []
    for one in limits.limits:
        if one.by_schedule is not None:
            share = _schedule_share(one, one.by_schedule, nothing, _part_of(one, limits, {}))
            figures.result(
                f"concentration_{one.name}", (f"{one.label_zh}：占比", f"{one.label_en}: share"), share.after_ratio,
                "ratio", "held of the name / all that the schedule admits, rounded up",
                inputs=_figures_of(one, share, book, figures),
            )  # fmt: skip
            found.append((one.by_schedule.schedule, share))
    return tuple(found)


def book_shares(
    limits: BookLimits,
    *,
    before: Mapping[Unit, Decimal],
    after: Mapping[Unit, Decimal],
    figures: FigureList,
    asked: str = "this pledge",
) -> tuple[BookShare, ...]:
    """Give each limited name's share of the book before and after, with its figures in the trace.

    Args:
        limits: The limits, and the other collateral of the book.
        before: Market value of this pledge's units as it stands, in 元; empty where it does not stand yet.
        after: Market value of its units as asked, in 元.
        figures: Where the figures go.
        asked: What asks, in the formula's words.
    """
    if not limits.limits:
        return ()
    book = _base_figure(limits, figures)
    found = []
    for one in limits.limits:
        part = [_part_of(one, limits, values) for values in (before, after)]
        found.append(_schedule_share(one, one.by_schedule, *part) if one.by_schedule else _share(one, limits, *part))
        figures.result(
            f"concentration_{one.name}", (f"{one.label_zh}：占押品市值", f"{one.label_en}: part of the book"),
            found[-1].after_ratio, "ratio", f"(others of the name + {asked}'s) / (all others + {asked}), rounded up",
            inputs=(*_figures_of(one, found[-1], book, figures), *(f"market_value_{unit}" for unit in after)),
            note_zh="超过上限" if found[-1].is_above else "", note_en="above the limit" if found[-1].is_above else "",
        )  # fmt: skip
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A name's market value, and that of what it is a part of."""

    name_cny: Decimal
    base_cny: Decimal

    @property
    def ratio(self) -> Decimal | None:
        """Its share, rounded up; None where there is nothing."""
        return round_up(self.name_cny / self.base_cny, _PLACES) if self.base_cny else None


def _part_of(one: BookLimit, limits: BookLimits, values: Mapping[Unit, Decimal]) -> _Part:
    limit = one.by_schedule
    counted = sum((values.get(unit, _NOTHING) for unit in one.units), _NOTHING)
    if limit is None:
        return _Part(name_cny=one.others_cny + counted, base_cny=limits.others_cny + sum(values.values(), _NOTHING))
    admitted = sum((values.get(unit, _NOTHING) for unit in limit.base_units), _NOTHING)
    return _Part(name_cny=one.others_cny + counted, base_cny=max(limit.base_others_cny + admitted, limit.least_cny))


def _share(one: BookLimit, limits: BookLimits, before: _Part, after: _Part) -> BookShare:
    is_more = after.name_cny * before.base_cny > before.name_cny * after.base_cny or not before.base_cny
    return BookShare(
        name=one.name, label_zh=one.label_zh, label_en=one.label_en, before_ratio=before.ratio,
        after_ratio=after.ratio or _NOTHING, limit_ratio=one.limit_ratio,
        is_above=is_more and after.name_cny > one.limit_ratio * after.base_cny, base=limits.base,
    )  # fmt: skip


def _schedule_share(one: BookLimit, limit: ScheduleLimit, before: _Part, after: _Part) -> BookShare:
    """Hold a share or an amount against a schedule's limit, which may shut itself out."""
    most_cny = limit.upper if limit.is_amount else limit.upper * after.base_cny
    is_beyond = after.name_cny > most_cny or (after.name_cny == most_cny and not limit.is_inclusive)
    if limit.is_amount:
        is_more = after.name_cny > before.name_cny
        ratio = round_down(limit.upper / after.base_cny, _PLACES) if after.base_cny else _NOTHING
    else:
        is_more = after.name_cny * before.base_cny > before.name_cny * after.base_cny or not before.base_cny
        ratio = limit.upper
    return BookShare(
        name=one.name, label_zh=one.label_zh, label_en=one.label_en, before_ratio=before.ratio,
        after_ratio=after.ratio or _NOTHING, limit_ratio=ratio, is_above=is_more and is_beyond,
        base=ShareBase.SCHEDULE, after_cny=after.name_cny if limit.is_amount else None,
        limit_cny=limit.upper if limit.is_amount else None,
        base_cny_min=None if limit.base_least is None else limit.least_cny,
    )  # fmt: skip


def _base_figure(limits: BookLimits, figures: FigureList) -> str:
    """Add the base that all shares have in common, and of it what is held under repos."""
    if limits.repos_cny is None:
        return figures.fact(
            "book_others", ("其他存续质押押品市值", "Market value of the other pledges in force"), limits.others_cny,
            "CNY", _PLEDGES,
        )  # fmt: skip
    pledges = figures.fact(
        "book_pledges", ("其他存续质押押品市值", "Market value of the other pledges in force"),
        limits.others_cny - limits.repos_cny, "CNY", _PLEDGES,
    )  # fmt: skip
    repos = figures.fact(
        "book_repos", ("存续回购标的市值（本行为交易本方）", "Market value of units under the bank's own repos"),
        limits.repos_cny, "CNY", "存续回购 × 当日价格，折扣前",
    )  # fmt: skip
    return figures.result(
        "book_others", ("其他存续押品市值", "Market value of the other collateral held"), limits.others_cny, "CNY",
        "other pledges in force + repos", inputs=(pledges, repos),
    )  # fmt: skip


def _figures_of(one: BookLimit, share: BookShare, book: str, figures: FigureList) -> tuple[str, ...]:
    """Add what a share is struck from; give the names of base, part, limit and the least of the base."""
    is_old = share.base is None
    label = ("其他存续质押市值", "in the other pledges in force") if is_old else (
        "其他存续押品市值（质押与回购）", "in the other collateral held"
    )  # fmt: skip
    others = figures.fact(
        f"book_others_{one.name}", (f"{one.label_zh}：{label[0]}", f"{one.label_en}: {label[1]}"), one.others_cny,
        "CNY", _PLEDGES if is_old else "存续质押与回购 × 当日价格，折扣前",
    )  # fmt: skip
    if one.by_schedule is not None:
        book = figures.fact(
            f"book_admitted_{one.name}",
            (f"{one.label_zh}：该清单合格的其他存续押品市值", f"{one.label_en}: other collateral the schedule admits"),
            one.by_schedule.base_others_cny, "CNY", "存续质押与回购 × 当日价格，折扣前",
        )  # fmt: skip
        limit = figures.fact(
            f"concentration_limit_{one.name}", (f"{one.label_zh}：集中度上限", f"{one.label_en}: concentration limit"),
            one.by_schedule.upper, "CNY" if one.by_schedule.is_amount else "ratio", one.by_schedule.schedule,
        )  # fmt: skip
        least = one.by_schedule.base_least
        if least is not None:
            return book, others, limit, figures.parameter(f"share_base_{least.scope}", least)
    elif one.dated is not None:
        limit = figures.parameter(f"concentration_limit_{one.dated.scope}", one.dated)
    else:
        limit = figures.fact(
            f"concentration_limit_{one.name}", (f"{one.label_zh}：集中度上限", f"{one.label_en}: concentration limit"),
            one.limit_ratio, "ratio", "" if one.by_class is None else one.by_class.policy,
        )  # fmt: skip
    return book, others, limit


def share_notes(shares: Iterable[BookShare], limits: BookLimits) -> list[Refusal]:
    """Say which limits a pledge goes above, which could not be measured, and which units of the book have no price."""
    found = [_above(one) for one in shares if one.is_above]
    found += [Refusal(code="concentration-not-measured", detail=en, zh=zh) for zh, en in limits.not_measured or ()]
    not_priced = limits.not_priced
    if not_priced:
        units = "、".join(map(str, not_priced))
        found.append(
            Refusal(
                code="concentration-incomplete",
                detail=f"{', '.join(map(str, not_priced))} in the book without a price of the day: in no share",
                zh=f"存续押品 {units} 当日无价格，未计入集中度",
            )
        )
    return found


def _above(one: BookShare) -> Refusal:
    if one.after_cny is not None and one.limit_cny is not None:
        detail = f"{one.label_en}: market value {one.after_cny:,.2f} CNY, above the limit of {one.limit_cny:,.2f} CNY"
        zh = f"{one.label_zh}市值 {one.after_cny:,.2f} 元，超过集中度上限 {one.limit_cny:,.2f} 元"
    else:
        share, limit = _percent(one.after_ratio), _percent(one.limit_ratio)
        detail = f"{one.label_en}: {share} of the market value of {one.base_words[1]}, above the limit of {limit}"
        zh = f"{one.label_zh}占{one.base_words[0]}市值 {share}，超过集中度上限 {limit}"
    return Refusal(code="concentration-above-limit", detail=detail, zh=zh)


def _percent(ratio: Decimal) -> str:
    return f"{ratio:.2%}"
