"""Limits of concentration (集中度) held against what a pledge or a change of one adds to the book of collateral.

share = (the name in the other pledges in force + in this one) / (all other pledges in force + this one)

Market values before haircut, at one day's prices. A share above its limit is said to the two people who decide and
stops nothing by itself: in a book with little else any first pledge is the whole, and a top-up always makes the bank
safer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.units import round_up
from carbonfin.rules.parameters import ParameterValue
from collateral.calc.figures import FigureList
from collateral.calc.refusals import Refusal

_PLACES = 4
_NOTHING = Decimal("0.00")


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
        others_cny: Market value that counts towards it in the other pledges in force.
        dated: The bank's dated limit; None where the policy of a class sets it.
        by_class: The limit of a class's policy; None where the bank's dated one holds.
    """

    name: str
    label_zh: str
    label_en: str
    units: tuple[Unit, ...]
    others_cny: Decimal
    dated: ParameterValue | None
    by_class: ClassLimit | None

    @property
    def limit_ratio(self) -> Decimal:
        """The share allowed at most."""
        if self.by_class is not None:
            return self.by_class.limit_ratio
        assert self.dated is not None, "a limit is dated or a class's"
        return self.dated.decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BookLimits:
    """The limits that a pledge counts towards, with the book that they are a part of.

    Attributes:
        others_cny: Market value of all other pledges in force, at the day's prices, before haircut.
        not_priced: Units in the book without a price of the day: they are in no share.
    """

    others_cny: Decimal
    not_priced: tuple[Unit, ...]
    limits: tuple[BookLimit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BookShare:
    """A name's share of the book against its limit.

    Attributes:
        before_ratio: Share without what is asked, rounded up; None where the book is empty.
        after_ratio: Share with it, rounded up: it is never shown smaller than it is.
        is_above: Whether the exact share lies above the limit and what is asked makes it larger.
    """

    name: str
    label_zh: str
    label_en: str
    before_ratio: Decimal | None
    after_ratio: Decimal
    limit_ratio: Decimal
    is_above: bool


def book_shares(
    limits: BookLimits, *, before: Mapping[Unit, Decimal], after: Mapping[Unit, Decimal], figures: FigureList
) -> tuple[BookShare, ...]:
    """Give each limited name's share of the book before and after, with its figures in the trace.

    Args:
        limits: The limits, and the other pledges of the book.
        before: Market value of this pledge's units as it stands, in 元; empty where it does not stand yet.
        after: Market value of its units as asked, in 元.
        figures: Where the figures go.
    """
    if not limits.limits:
        return ()
    total_before, total_after = (limits.others_cny + sum(one.values(), _NOTHING) for one in (before, after))
    book = figures.fact(
        "book_others", ("其他存续质押押品市值", "Market value of the other pledges in force"), limits.others_cny, "CNY",
        "存续质押 × 当日价格，折扣前",
    )  # fmt: skip
    found = []
    for one in limits.limits:
        name_before, name_after = (
            one.others_cny + sum((values.get(unit, _NOTHING) for unit in one.units), _NOTHING)
            for values in (before, after)
        )
        is_more = name_after * total_before > name_before * total_after or not total_before
        found.append(
            BookShare(
                name=one.name, label_zh=one.label_zh, label_en=one.label_en,
                before_ratio=round_up(name_before / total_before, _PLACES) if total_before else None,
                after_ratio=round_up(name_after / total_after, _PLACES),
                limit_ratio=one.limit_ratio, is_above=is_more and name_after > one.limit_ratio * total_after,
            )
        )  # fmt: skip
        _figures_of(one, found[-1], book, [f"market_value_{unit}" for unit in after], figures)
    return tuple(found)


def _figures_of(one: BookLimit, share: BookShare, book: str, pledged: Iterable[str], figures: FigureList) -> None:
    others = figures.fact(
        f"book_others_{one.name}",
        (f"{one.label_zh}：其他存续质押市值", f"{one.label_en}: in the other pledges in force"),
        one.others_cny, "CNY", "存续质押 × 当日价格，折扣前",
    )  # fmt: skip
    if one.dated is not None:
        limit = figures.parameter(f"concentration_limit_{one.dated.scope}", one.dated)
    else:
        limit = figures.fact(
            f"concentration_limit_{one.name}", (f"{one.label_zh}：集中度上限", f"{one.label_en}: concentration limit"),
            one.limit_ratio, "ratio", "" if one.by_class is None else one.by_class.policy,
        )  # fmt: skip
    figures.result(
        f"concentration_{one.name}", (f"{one.label_zh}：占押品市值", f"{one.label_en}: part of the book"),
        share.after_ratio, "ratio", "(others of the name + this pledge's) / (all others + this pledge), rounded up",
        inputs=(book, others, limit, *pledged), note_zh="超过上限" if share.is_above else "",
        note_en="above the limit" if share.is_above else "",
    )  # fmt: skip


def share_notes(shares: Iterable[BookShare], not_priced: tuple[Unit, ...]) -> list[Refusal]:
    """Say which limits a pledge goes above, and which units of the book are in no share for want of a price."""
    found = [
        Refusal(
            code="concentration-above-limit",
            detail=f"{one.label_en}: {_percent(one.after_ratio)} of the market value of all units pledged, above the"
            f" limit of {_percent(one.limit_ratio)}",
            zh=f"{one.label_zh}占全部质押押品市值 {_percent(one.after_ratio)}，"
            f"超过集中度上限 {_percent(one.limit_ratio)}",
        )
        for one in shares
        if one.is_above
    ]
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


def _percent(ratio: Decimal) -> str:
    return f"{ratio:.2%}"
