"""The event engine: loans side by side, their events slot by slot, money by one rule.

State of a loan: balance B (minor units), accrual A, rate r and level L. In every slot A += base x r x span, with
interest A / year when it is settled; then the slot's acts follow in the order of `Act`. Spans, rates and years are
whole numbers (a rate of 3.10 % in millionths is 31,000; actual/360 has year = 360 x 10^6), so that accrual over any
number of rate changes stays one exact rational that is rounded once, when it is paid.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntFlag

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput
from loans.calc.contracts.levels import level_instalments, level_principals
from loans.calc.contracts.money import FEN, Amounts, Balance, MoneyRule

_INT64_LIMIT = 2.0**61.99  # rounding doubles a numerator and adds its denominator
Acts = npt.NDArray[np.int16]


class Act(IntFlag):
    """What happens in a slot, in this order; an act that reads an amount takes the slot's one amount."""

    DRAW = 1  # balance grows by the amount
    PRINCIPAL = 2  # the amount, at most the balance, is repaid
    EQUAL = 4  # the level is repaid as principal
    INSTALMENT = 8  # the level, less the interest accrued, is repaid as principal
    REST = 16  # all that is left is repaid
    INTEREST = 32  # interest accrued is paid
    CAPITALISE = 64  # interest accrued is added to the balance
    RATE = 128  # the rate becomes the amount
    RESET = 256  # the rate becomes the amount, within the loan's limits
    RELEVEL = 512  # the level becomes the instalment that repays what is owed
    RESPREAD = 1024  # the level becomes the equal part of the balance over the payments that follow
    LEVEL = 2048  # the level becomes the amount
    BASE = 4096  # a frozen base of interest takes the balance


_PAYS_LEVEL = Act.EQUAL | Act.INSTALMENT | Act.REST
_SETTLES = Act.INTEREST | Act.CAPITALISE


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """Caps and floors of a reset, [N] each, in the rate's unit: how far one reset moves, and where the rate stays."""

    period_floor: Amounts
    period_cap: Amounts
    life_floor: Amounts
    life_cap: Amounts

    def __post_init__(self) -> None:
        """Refuse a floor above its cap."""
        for name, low, high in (
            ("period_floor", self.period_floor, self.period_cap),
            ("life_floor", self.life_floor, self.life_cap),
        ):
            if np.any(low > high):
                raise InvalidInput(
                    f"{name} of loan {int(np.argmax(low > high))} is above its cap", zh="利率下限高于上限", field=name
                )
        if np.any(self.period_floor > 0) or np.any(self.period_cap < 0):
            raise InvalidInput(
                "a period floor is above 0 or a period cap below", zh="单次调整上下限须含零", field="period_floor"
            )

    def limited(self, new: Amounts, old: Amounts, places: npt.NDArray[np.intp] | slice) -> Amounts:
        """Give the rate after a reset: the move is limited first, then the rate itself."""
        moved = old + np.clip(new - old, self.period_floor[places], self.period_cap[places])
        limited: Amounts = np.clip(moved, self.life_floor[places], self.life_cap[places])
        return limited


@dataclass(frozen=True, slots=True, kw_only=True)
class Loans:
    """Where loans stand before their first slot, [N] each.

    Attributes:
        year: Denominator of the accrual, positive: days (or other spans) of a year times the rate's scale.
        frozen_base: Interest is on this base, which only `Act.BASE` moves; None is interest on the balance.
        frozen: [N] which loans have such a base; None is all, where there is one.
        may_grow: An instalment below the interest adds the difference to the balance, where a contract says so.
    """

    balance: Amounts
    rate: Amounts
    year: Amounts
    level: Amounts
    accrued: Amounts
    limits: RateLimits | None = None
    frozen_base: Amounts | None = None
    frozen: npt.NDArray[np.bool_] | None = None
    may_grow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """The slots, [K, N] each: acts, the span since the slot before, and the amount an act reads."""

    acts: Acts
    spans: Amounts
    amounts: Amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What each slot paid and left, [K, N] each; `accrued` still over the year."""

    interest: Amounts
    principal: Amounts
    balance: Amounts
    accrued: Amounts
    rate: Amounts
    level: Amounts


def run_events(loans: Loans, events: Events, money: MoneyRule = FEN) -> Results:
    """Walk the slots of all loans at once; whole fen, half up, unless a rule says otherwise.

    Whole numbers are walked as int64 where no product of them can leave it, else as Python's own.
    """
    return _Walk(loans, events, money).run()


class _Walk:
    """The state of all loans on their way through the slots."""

    def __init__(self, loans: Loans, events: Events, money: MoneyRule) -> None:
        dtype = _dtype_of(loans, events, money)
        self.loans, self.events, self.money = loans, events, money
        self.spans, self.amounts = events.spans.astype(dtype, copy=False), events.amounts.astype(dtype, copy=False)
        self.balance, self.rate, self.level, self.accrued = (
            part.astype(dtype) for part in (loans.balance, loans.rate, loans.level, loans.accrued)
        )
        self.year = loans.year.astype(dtype, copy=False)
        # One divisor for all is divided by much faster than one for each.
        same = len(self.year) > 0 and bool((self.year == self.year[0]).all())
        self.divisor: Amounts | int = self.year[0] if same else self.year
        self.base = None if loans.frozen_base is None else loans.frozen_base.astype(dtype)
        shape = events.acts.shape
        self.rows = {name: np.zeros(shape, dtype) for name in ("interest", "principal")}
        self.states = {name: np.empty(shape, dtype) for name in ("balance", "accrued", "rate", "level")}
        acts: dict[Act, Callable[[int, npt.NDArray[np.intp] | slice], None]] = {
            Act.DRAW: self._draw,
            Act.PRINCIPAL: self._principal,
            Act.EQUAL: self._equal,
            Act.INSTALMENT: self._instalment,
            Act.REST: self._rest,
            Act.INTEREST: self._interest,
            Act.CAPITALISE: self._capitalise,
            Act.RATE: self._rate,
            Act.RESET: self._reset,
            Act.RELEVEL: self._relevel,
            Act.RESPREAD: self._respread,
            Act.LEVEL: self._level,
            Act.BASE: self._base,
        }
        self.steps = [(int(act), step) for act, step in acts.items()]  # plain numbers: a flag's own are slow

    def run(self) -> Results:
        for slot, row in enumerate(self.events.acts):
            self.accrued += self._interest_base() * self.rate * self.spans[slot]
            some, every = int(np.bitwise_or.reduce(row, initial=0)), int(np.bitwise_and.reduce(row))
            for act, step in self.steps:
                if every & act:
                    step(slot, slice(None))
                elif some & act:
                    step(slot, np.flatnonzero(row & np.int16(act)))
            for name, kept in self.states.items():
                kept[slot] = getattr(self, name)
        return Results(**self.rows, **self.states)

    def _interest_base(self) -> Amounts:
        if self.base is None:
            return self.balance
        frozen = self.loans.frozen
        return self.base if frozen is None else np.where(frozen, self.base, self.balance)

    def _draw(self, slot: int, places: npt.NDArray[np.intp] | slice) -> None:
        self.balance[places] += self.amounts[slot, places]

    def _repay(self, slot: int, places: npt.NDArray[np.intp] | slice, wanted: Amounts) -> None:
        paid = np.minimum(wanted, self.balance[places])
        self.rows["principal"][slot, places] += paid
        self.balance[places] -= paid

    def _principal(self, slot: int, places: npt.NDArray[np.intp] | slice) -> None:
        self._repay(slot, places, self.amounts[slot, places])

    def _equal(self, slot: int, places: npt.NDArray[np.intp] | slice) -> None:
        self._repay(slot, places, self.level[places])

    def _instalment(self, slot: int, places: npt.NDArray[np.intp] | slice) -> None:
        left = self.level[places] - self._due(places)
        self._repay(slot, places, left if self.loans.may_grow else np.maximum(left, 0))

    def _rest(self, slot: int, places: npt.NDArray[np.intp] | slice) -> None:
        self._repay(slot, places, self.balance[places])

    def _due(self, places: npt.NDArray[np.intp] | slice) -> Amounts:
        divisor = self.divisor[places] if isinstance(self.divisor, np.ndarray) else self.divisor
        return self.money.settled(self.accrued[places], divisor)

    def _interest(self, slot: int, places: npt.NDArray[np.intp] | slice) -> None:
        self.rows["interest"][slot, places] = self._due(places)
        self.accrued[places] = 0

    def _capitalise(self, slot: int, places: npt.NDArray[np.intp] | slice) -> None:
        due = self._due(places)
        self.rows["principal"][slot, places] -= due
        self.balance[places] += due
        self.accrued[places] = 0

    def _rate(self, slot: int, places: npt.NDArray[np.intp] | slice) -> None:
        self.rate[places] = self.amounts[slot, places]

    def _reset(self, slot: int, places: npt.NDArray[np.intp] | slice) -> None:
        new = self.amounts[slot, places]
        limits = self.loans.limits
        self.rate[places] = new if limits is None else limits.limited(new, self.rate[places], places)

    def _relevel(self, slot: int, places: npt.NDArray[np.intp] | slice) -> None:
        self.level[places] = level_instalments(
            balance=self.balance[places],
            accrued=self.accrued[places],
            year=self.year[places],
            rate=self.rate[places],
            spans=self.spans[slot + 1 :, places],
            pays=(self.events.acts[slot + 1 :, places] & _PAYS_LEVEL) != 0,
            money=self.money,
        )

    def _respread(self, slot: int, places: npt.NDArray[np.intp] | slice) -> None:
        payments = ((self.events.acts[slot + 1 :, places] & _PAYS_LEVEL) != 0).sum(axis=0)
        self.level[places] = level_principals(balance=self.balance[places], payments=payments, money=self.money)

    def _level(self, slot: int, places: npt.NDArray[np.intp] | slice) -> None:
        self.level[places] = self.amounts[slot, places]

    def _base(self, _slot: int, places: npt.NDArray[np.intp] | slice) -> None:
        if self.base is not None:
            self.base[places] = self.balance[places]


def _dtype_of(loans: Loans, events: Events, money: MoneyRule) -> npt.DTypeLike:
    """Give float64 unrounded, object carried or where int64 might overflow, else int64."""
    if money.balance is Balance.UNROUNDED:
        return np.float64
    parts = (loans.balance, loans.rate, loans.year, loans.level, loans.accrued, events.spans, events.amounts)
    if money.balance is Balance.CARRIED or any(part.dtype.kind not in "iu" for part in parts) or not events.acts.size:
        return object
    rates = (events.acts & (Act.RATE | Act.RESET)) != 0
    limits = loans.limits
    fastest = max(
        _largest(loans.rate),
        _largest(events.amounts[rates]),
        0.0 if limits is None else float(max(limits.life_floor.max(initial=0), -limits.life_cap.min(initial=0))),
    )
    balance = _largest(loans.balance) + float(np.abs(np.where(rates, 0, events.amounts)).sum(axis=0).max())
    if loans.frozen_base is not None:
        balance = max(balance, _largest(loans.frozen_base))
    every_span = events.spans.sum(axis=0)
    if loans.may_grow or np.any(events.acts & Act.CAPITALISE):
        # No compounding of simple interest outgrows the exponential; a unit a slot for what rounding adds.
        exponent = fastest * float(np.max(every_span / loans.year))
        balance = balance * np.exp(min(exponent, 100.0)) + len(events.acts)
    longest = _longest_run(events)
    largest = balance * fastest * longest + _largest(loans.accrued) + _largest(loans.year)
    return np.int64 if largest < _INT64_LIMIT else object


def _largest(values: Amounts) -> float:
    return float(np.abs(values).max(initial=0))


def _longest_run(events: Events) -> float:
    """Give the longest span any loan runs between two settlements."""
    longest = run = np.zeros(events.acts.shape[1], dtype=np.int64)
    for acts, span in zip(events.acts, events.spans, strict=True):
        run = run + span
        longest = np.maximum(longest, run)
        run = np.where(acts & _SETTLES, 0, run)
    return float(longest.max(initial=0))
