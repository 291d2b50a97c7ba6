"""Calls of a stress on its price paths: who is called, what meets the call, and who fails.

Each day an agreement whose value after haircut falls below its warning line times the debt is called up to its initial
line, for the cure days. When they are over, what is still missing is met from the pledgor's free units, unless the
registry is out, and from its cash; calls of one pledgor that fall due together draw on the same units and cash. A
pledgor that cannot meet all of them fails, and each of its agreements with it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.units import to_float
from collateral.calc.book_stress.terms import StressInputs, StressLine, StressScenario

FloatArray = npt.NDArray[np.float64]
DayArray = npt.NDArray[np.int16]
_TOLERANCE = 1e-6
"""Yuan: what rounding of floats may leave of a call that was met exactly."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Book:
    """The book as arrays, agreements in the order of the inputs.

    Attributes:
        held_t: Tonnes by agreement and unit, and `held_worth` the same at today's price after haircut.
        free_t: Tonnes that a pledgor could add, and `free_worth` the same at today's price after haircut.
        owner: Place of each agreement's pledgor.
    """

    held_t: FloatArray
    held_worth: FloatArray
    free_t: FloatArray
    free_worth: FloatArray
    owner: npt.NDArray[np.intp]
    debt: FloatArray
    initial: FloatArray
    warning: FloatArray
    minimum: FloatArray
    cure: DayArray
    cash: FloatArray

    @classmethod
    def of(cls, inputs: StressInputs) -> "Book":
        """Lay out the book; pledgors without an agreement are left out."""
        places = {one.unit: place for place, one in enumerate(inputs.units)}
        prices = np.array([to_float(one.price_cny_per_t) for one in inputs.units])
        called = {one.owner for one in inputs.agreements}
        pledgors = [one for one in inputs.pledgors if one.key in called]
        owners = {one.key: place for place, one in enumerate(pledgors)}
        agreements = inputs.agreements
        held = [_columns(one.lines, places) for one in agreements]
        free = [_columns(one.free, places) for one in pledgors]
        return cls(
            held_t=np.array([tonnes for tonnes, _ in held]),
            held_worth=np.array([after for _, after in held]) * prices,
            free_t=np.array([tonnes for tonnes, _ in free]),
            free_worth=np.array([after for _, after in free]) * prices,
            owner=np.array([owners[one.owner] for one in agreements], dtype=np.intp),
            debt=_column(one.debt_cny for one in agreements),
            initial=_column(one.initial_ratio for one in agreements),
            warning=_column(one.warning_ratio for one in agreements),
            minimum=_column(one.minimum_cny for one in agreements),
            cure=np.array([one.cure_days for one in agreements], dtype=np.int16),
            cash=_column(one.cash_cny or Decimal(0) for one in pledgors),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Walked:
    """What became of the calls, shapes (agreements, paths).

    Attributes:
        first_call: Day of the first call, nought where none was made.
        first_call_cny: What that call asked in cash.
        failed: Day on which the agreement failed, nought where it stands.
        debt: What is owed in the end.
        share: Part of the pledgor's free units that stand behind it in the end.
        met_units_cny: By path, calls met in units, at their value after haircut.
        met_cash_cny: By path, calls met in cash.
        peak_due_cny: By path, the most that fell due on one day, in cash.
    """

    first_call: DayArray
    first_call_cny: FloatArray
    failed: DayArray
    debt: FloatArray
    share: FloatArray
    met_units_cny: FloatArray
    met_cash_cny: FloatArray
    peak_due_cny: FloatArray


def walked_calls(book: Book, scenario: StressScenario, factors: FloatArray, *, days: int) -> Walked:
    """Walk the calls along the price paths.

    Args:
        book: The book.
        scenario: Outage and what is left of the cash.
        factors: Price over today's by unit, day and path; it reaches past `days` by the longest cure.
        days: Days on which calls are made; those open then are seen to their end.
    """
    count = factors.shape[2]
    walk = _Walk(book, scenario, count)
    for day in range(1, factors.shape[1] + 1):
        walk.step(day, factors[:, day - 1], calls=day <= days)
    return walk.found()


class _Walk:
    """The state of the calls on all paths."""

    def __init__(self, book: Book, scenario: StressScenario, count: int) -> None:
        shape = (book.debt.size, count)
        self._book, self._outage = book, scenario.outage_days
        self._debt = np.repeat(book.debt[:, None], count, axis=1)
        self._share = np.zeros(shape)
        self._due, self._failed, self._first = (np.zeros(shape, dtype=np.int16) for _ in range(3))
        self._first_cny = np.zeros(shape)
        self._cash = np.repeat(book.cash[:, None] * to_float(scenario.cash_ratio), count, axis=1)
        self._left = np.ones((book.cash.size, count))
        self._has_shares = False
        self._met_units, self._met_cash, self._peak = np.zeros(count), np.zeros(count), np.zeros(count)

    def step(self, day: int, prices: FloatArray, *, calls: bool) -> None:
        """Decide the calls due on a day, then make the day's calls."""
        book = self._book
        basket = book.free_worth @ prices
        value = book.held_worth @ prices
        if self._has_shares:
            value += self._share * basket[book.owner]
        due = (self._due == day) & (self._failed == 0)
        if due.any():
            value = self._decide(day, due, value, basket)
        if not calls:
            return
        fresh = value < book.warning[:, None] * self._debt - _TOLERANCE
        fresh &= (self._failed == 0) & (self._due == 0)
        rows, paths = np.nonzero(fresh)
        gap = self._debt[rows, paths] - value[rows, paths] / book.initial[rows]
        is_made = gap >= book.minimum[rows]
        rows, paths, gap = rows[is_made], paths[is_made], gap[is_made]
        self._due[rows, paths] = day + np.maximum(book.cure, 1)[rows]
        is_first = self._first[rows, paths] == 0
        rows, paths, gap = rows[is_first], paths[is_first], gap[is_first]
        self._first[rows, paths] = day
        self._first_cny[rows, paths] = gap

    def _decide(self, day: int, due: npt.NDArray[np.bool_], value: FloatArray, basket: FloatArray) -> FloatArray:
        """Meet what fell due by pledgor, units first, or fail it; give the value after what was added."""
        book, shape = self._book, self._cash.shape
        rows, paths = np.nonzero(due)
        initial, owner = book.initial[rows], book.owner[rows]
        need = np.maximum(initial * self._debt[rows, paths] - value[rows, paths], 0.0)
        place = owner * shape[1] + paths
        needed = np.bincount(place, weights=need, minlength=self._cash.size).reshape(shape)
        cash_cost = np.bincount(place, weights=need / initial, minlength=self._cash.size).reshape(shape)
        np.maximum(self._peak, cash_cost.sum(axis=0), out=self._peak)
        part = np.zeros(shape)
        if day > self._outage:
            np.divide(self._left * basket, needed, out=part, where=needed > 0.0)
            np.minimum(part, 1.0, out=part)
        asked = (1.0 - part) * cash_cost
        is_met = asked <= self._cash + _TOLERANCE
        met, by_units = is_met[owner, paths], part[owner, paths]
        units = np.where(met, by_units, 0.0) * need
        used = np.divide(units, basket[owner, paths], out=np.zeros_like(units), where=units > 0.0)
        paid = np.where(met, 1.0 - by_units, 0.0) * need / initial
        self._share[rows, paths] += used
        self._has_shares |= bool(used.any())
        self._left -= np.bincount(place, weights=used, minlength=self._cash.size).reshape(shape)
        self._debt[rows, paths] -= paid
        self._cash -= np.where(is_met, asked, 0.0)
        self._met_units += np.bincount(paths, weights=units, minlength=shape[1])
        self._met_cash += np.bincount(paths, weights=paid, minlength=shape[1])
        self._due[rows, paths] = 0
        if not is_met.all():
            self._failed[(~is_met)[book.owner] & (self._failed == 0)] = day
        value[rows, paths] += units
        return value

    def found(self) -> Walked:
        """Give what became of the calls."""
        return Walked(
            first_call=self._first, first_call_cny=self._first_cny, failed=self._failed, debt=self._debt,
            share=self._share, met_units_cny=self._met_units, met_cash_cny=self._met_cash, peak_due_cny=self._peak,
        )  # fmt: skip


def _columns(lines: tuple[StressLine, ...], places: dict[str, int]) -> tuple[FloatArray, FloatArray]:
    tonnes, after = np.zeros(len(places)), np.zeros(len(places))
    for line in lines:
        tonnes[places[line.unit]] += line.quantity_t
        after[places[line.unit]] += line.quantity_t * (1.0 - to_float(line.haircut_ratio))
    return tonnes, after


def _column(values: Iterable[Decimal]) -> FloatArray:
    return np.array([to_float(one) for one in values])
