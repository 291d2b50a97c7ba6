"""Books of loans of one product as events: payments, rate resets and prepayments in the order of their days."""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from enum import StrEnum

import numpy as np

from carbonfin.kernel.dates import Calendar
from carbonfin.kernel.errors import InvalidInput
from loans.calc.contracts.engine import Act, Acts, Events, Loans, RateLimits, Results, run_events
from loans.calc.contracts.money import FEN, Amounts, MoneyRule, divided
from loans.calc.contracts.periods import Mask, PeriodRule, period_ends, rolled_days
from loans.calc.contracts.spans import SPANS_A_YEAR, Days, Whole, YearRule, spans_between

RATE_SCALE = 1_000_000  # a hundredth of a basis point
BLOCK = 4_000


class Repayment(StrEnum):
    """How principal is repaid."""

    BULLET = "bullet"
    EQUAL_PRINCIPAL = "equal-principal"
    EQUAL_INSTALMENT = "equal-instalment"
    CUSTOM = "custom"


class AfterPrepayment(StrEnum):
    """What a prepayment changes: the payments that follow become smaller, or fewer."""

    SMALLER = "smaller"
    FEWER = "fewer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What the loans of a book have in common.

    Attributes:
        interest_only: Payments at the start that repay no principal.
        capitalises: Interest falls to the balance at the end of each period, and is paid at maturity.
        relevels: A reset sets the instalment anew; if not, the last payment takes the difference.
    """

    repayment: Repayment
    periods: PeriodRule
    year_rule: YearRule
    interest_only: int = 0
    capitalises: bool = False
    relevels: bool = True
    after_prepayment: AfterPrepayment = AfterPrepayment.SMALLER

    def __post_init__(self) -> None:
        """Refuse products that contradict themselves."""
        if self.interest_only < 0:
            raise InvalidInput("interest-only payments are below 0", zh="只付息期数不得为负", field="interest_only")
        if self.capitalises and self.repayment is not Repayment.BULLET:
            raise InvalidInput(
                "interest is added to the balance of loans repaid at maturity alone",
                zh="利息转本仅适用于到期还本",
                field="capitalises",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Resets:
    """Rates asked for on reset days, [R, N], in millionths, before limits; NaT where a loan has fewer."""

    days: Days
    rates: Amounts
    limits: RateLimits | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepayments:
    """Principal paid early, [Q, N] minor units, with interest to the day; NaT where a loan has fewer.

    Attributes:
        compensation: Of the principal paid early, in millionths (违约金), rounded like interest.
    """

    days: Days
    amounts: Amounts
    compensation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Loans of one product, [N]: minor units, days, rates in millionths; custom principals [P, N]."""

    principal: Amounts
    drawdown: Days
    maturity: Days
    rate: Amounts
    resets: Resets | None = None
    prepayments: Prepayments | None = None
    custom: Amounts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """A book's events in order, [K, N]: days, acts and what each paid and left; compensation in minor units."""

    days: Days
    acts: Acts
    results: Results
    compensation: Amounts


class _Parts:
    """Blocks of events before they are put in order."""

    def __init__(self) -> None:
        self.days: list[Days] = []
        self.acts: list[Acts] = []
        self.amounts: list[Amounts] = []

    def add(self, days: Days, acts: Acts, amounts: Amounts | None = None) -> None:
        self.days.append(days)
        self.acts.append(acts)
        self.amounts.append(np.zeros(days.shape, dtype=np.int64) if amounts is None else amounts)


def projections(
    product: Product, book: Book, money: MoneyRule = FEN, *, accrue_by: Calendar | None = None, block: int = BLOCK
) -> Iterator[tuple[slice, Projection]]:
    """Run a book of any size a block of loans at a time, and give each block's place and projection.

    A block's slots stay in the processor's cache, memory stays flat, and a loan too large for 64 bits slows its block
    alone. Projections do not hang on the blocks.
    """
    for start in range(0, len(book.principal), block):
        places = slice(start, start + block)
        yield places, project(product, _part(book, places), money, accrue_by=accrue_by)


def project(product: Product, book: Book, money: MoneyRule = FEN, *, accrue_by: Calendar | None = None) -> Projection:
    """Run a book from drawdown to maturity; the last payment repays what is left, so principal sums exactly.

    Interest runs to the contractual days; with `accrue_by` to the bank days they are moved to, as far as the calendar's
    notices reach.

    Events of one day come as: payment, prepayment, reset. Those on or before drawdown, or at maturity and later, do
    not happen.

    Raises:
        InvalidInput: A principal is not above nothing, or custom repayments do not match the periods or the principal.
    """
    if np.any(book.principal <= 0):
        raise InvalidInput("a principal is not above 0", zh="贷款金额须大于零", field="principal")
    parts = _Parts()
    level = _set_level(product)
    parts.add(
        book.drawdown[None, :],
        np.full((1, len(book.drawdown)), int(Act.DRAW | level), dtype=np.int16),
        book.principal[None, :],
    )
    _add_payments(parts, product, book, accrue_by)
    early = 0
    if book.prepayments is not None:
        early = len(book.prepayments.days)
        after = Act(0) if product.after_prepayment is AfterPrepayment.FEWER else level
        _add_dated(parts, book, book.prepayments.days, Act.PRINCIPAL | Act.INTEREST | after, book.prepayments.amounts)
    if book.resets is not None:
        reset = Act.RESET | level if product.relevels and level is Act.RELEVEL else Act.RESET
        _add_dated(parts, book, book.resets.days, reset, book.resets.rates)
    days, events, order = _ordered(parts, product, book)
    results = run_events(_loans(product, book), events, money)
    compensation = np.zeros_like(results.principal)
    if book.prepayments is not None:
        first = sum(map(len, parts.days[:2]))
        is_early = (order >= first) & (order < first + early)
        charged = divided(results.principal * book.prepayments.compensation, RATE_SCALE, money.rounding)
        compensation = np.where(is_early, charged, 0)
    return Projection(days=days, acts=events.acts, results=results, compensation=compensation)


def _part(book: Book, places: slice) -> Book:
    resets, early = book.resets, book.prepayments
    if resets is not None:
        limits = resets.limits
        if limits is not None:
            limits = RateLimits(**{part.name: getattr(limits, part.name)[places] for part in fields(limits)})
        resets = Resets(days=resets.days[:, places], rates=resets.rates[:, places], limits=limits)
    if early is not None:
        early = replace(early, days=early.days[:, places], amounts=early.amounts[:, places])
    return Book(
        principal=book.principal[places],
        drawdown=book.drawdown[places],
        maturity=book.maturity[places],
        rate=book.rate[places],
        resets=resets,
        prepayments=early,
        custom=None if book.custom is None else book.custom[:, places],
    )


def _set_level(product: Product) -> Act:
    if product.repayment is Repayment.EQUAL_INSTALMENT:
        return Act.RELEVEL
    return Act.RESPREAD if product.repayment is Repayment.EQUAL_PRINCIPAL else Act(0)


def _add_payments(parts: _Parts, product: Product, book: Book, accrue_by: Calendar | None) -> None:
    ends, stands = period_ends(book.drawdown, book.maturity, product.periods)
    if accrue_by is not None:
        ends, _ = rolled_days(ends, accrue_by)
    pays = {
        Repayment.BULLET: Act(0),
        Repayment.EQUAL_PRINCIPAL: Act.EQUAL,
        Repayment.EQUAL_INSTALMENT: Act.INSTALMENT,
        Repayment.CUSTOM: Act.PRINCIPAL,
    }[product.repayment]
    settles = Act.CAPITALISE if product.capitalises else Act.INTEREST
    acts = np.where(stands, int(settles | pays), 0).astype(np.int16)
    if product.interest_only:
        rows = acts[: product.interest_only]
        rows &= ~int(pays)
        # The level counts from the last payment without principal on; the one set at drawdown is never used.
        rows[-1] |= np.where(stands[len(rows) - 1], int(_set_level(product)), 0).astype(np.int16)
    is_last = np.arange(len(ends))[:, None] == stands.sum(axis=0) - 1
    acts[is_last] = int(Act.REST | Act.INTEREST)
    amounts = None
    if product.repayment is Repayment.CUSTOM:
        if book.custom is None or book.custom.shape != ends.shape:
            raise InvalidInput(
                f"custom repayments are not {ends.shape[0]} a loan", zh="自定义还本期数与付息期数不符", field="custom"
            )
        if np.any(book.custom < 0) or np.any(np.where(stands, book.custom, 0).sum(axis=0) != book.principal):
            raise InvalidInput(
                "custom repayments do not sum to the principal", zh="自定义还本合计与贷款金额不符", field="custom"
            )
        amounts = book.custom
    parts.add(ends, acts, amounts)


def _add_dated(parts: _Parts, book: Book, days: Days, act: Act, amounts: Amounts) -> None:
    """Add events on days of their own; those outside the life do nothing, at maturity, where they change no span."""
    inside = (days > book.drawdown) & (days < book.maturity)
    acts = np.where(inside, int(act), 0).astype(np.int16)
    parts.add(np.where(inside, days, book.maturity), acts, np.where(inside, amounts, 0))


def _ordered(parts: _Parts, product: Product, book: Book) -> tuple[Days, Events, Amounts]:
    days, acts, amounts = (np.concatenate(blocks) for blocks in (parts.days, parts.acts, parts.amounts))
    order = np.broadcast_to(np.arange(len(days))[:, None], days.shape)
    if len(parts.days) > 2:  # payments alone stand in order already
        order = np.argsort(days.astype(np.int64), axis=0, kind="stable")
        days, acts, amounts = (np.take_along_axis(block, order, 0) for block in (days, acts, amounts))
    spans = _spans(product, book, days, (order > 0) & (order <= len(parts.days[1])))
    return days, Events(acts=acts, spans=spans, amounts=amounts), order


def _spans(product: Product, book: Book, days: Days, is_payment: Mask) -> Whole:
    """Give the span of each event since the one before; within a period spans are counted from its start.

    So the spans of a period sum to the period's own, however many events fall into it; by whole months and odd days
    they would not of themselves.
    """
    before = np.concatenate([book.drawdown[None, :], days[:-1]])
    if product.year_rule not in (YearRule.WHOLE_MONTHS_360, YearRule.WHOLE_MONTHS_365):
        return spans_between(product.year_rule, before, days)
    paid_to = np.maximum.accumulate(np.where(is_payment, days, book.drawdown), axis=0)
    starts = np.concatenate([book.drawdown[None, :], paid_to[:-1]])
    return spans_between(product.year_rule, starts, days) - spans_between(product.year_rule, starts, before)


def _loans(product: Product, book: Book) -> Loans:
    none = np.zeros(len(book.rate), dtype=np.int64)
    return Loans(
        balance=none,
        rate=book.rate,
        year=np.full(len(book.rate), SPANS_A_YEAR[product.year_rule] * RATE_SCALE, dtype=np.int64),
        level=none,
        accrued=none,
        limits=None if book.resets is None else book.resets.limits,
    )
