"""What the failed agreements lose: all their units of one kind are sold together, against the same daily volume.

A sale is the close-out of the haircut (`prudent_sale_paths`): notice, then the class's part of the days' volume, thin
after the surrender, under limits, idle days and impact, with the stress's jumps; each tonne counts at the lowest price
since the failure. Its tonnes are those of every agreement that failed on the path, up to the next step; it starts when
the registry works again, and what is left on the last usable date is worth nothing. It sells at the price of the day of
the failure, or at the lowest that the stress still names. Surplus of one agreement pays no other.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import CarbonFinError
from carbonfin.kernel.units import to_float
from collateral.calc.book_stress.calls import Book, Walked
from collateral.calc.book_stress.terms import StressInputs, StressScenario, StressUnit
from collateral.calc.haircut_models.forced_sale import SalePaths, forced_sale_paths
from collateral.calc.haircut_models.prudent_sale import PrudentPaths, prudent_sale_paths
from collateral.calc.haircut_models.sale_terms import SaleTerms
from collateral.calc.haircut_models.seasons import DepthBasis
from collateral.calc.haircut_models.wrong_way import DAYS_A_YEAR

FloatArray = npt.NDArray[np.float64]

_STEPS = (1, 2, 5, 10)
_DAYS_STEP = 10
_AT_ONCE = 256


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sold:
    """What a path sells of one unit.

    Attributes:
        tonnes: By path.
        share: What each tonne brings over the price of the day of the failure, by path.
        days: From the failure to the last sale, by path; a path that sells nothing has none.
    """

    tonnes: FloatArray
    share: FloatArray
    days: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """What tells one sale of a unit from another.

    Attributes:
        step_t: Tonnes, up to the next step.
        left_days: Days from the last failure to the end of the unit's use, down to a step; None without one.
        outage_days: Days from the first failure until the registry works.
        level_days: Days from the last failure that sell at the mean volume, down to a step; None where all do.
    """

    step_t: int
    left_days: int | None
    outage_days: int
    level_days: int | None


class Sales:
    """The sales of a stress; each kind of sale is simulated once, on the same draws for all."""

    def __init__(self, inputs: StressInputs, scenario: StressScenario, ends: Sequence[int | None]) -> None:
        """Begin without sales; `ends` are the last days on which units are worth anything."""
        self.inputs, self.scenario, self.ends = inputs, scenario, ends
        self.made: dict[tuple[int, _Kind], SalePaths | PrudentPaths | None] = {}

    def sold(self, book: Book, walked: Walked, first: int, count: int) -> list[Sold]:
        """Give by unit what the paths from `first` on sell of it."""
        failed = walked.failed > 0
        tonnes = np.stack([
            np.where(failed, book.held_t[:, u, None] + walked.share * book.free_t[book.owner, u, None], 0.0).sum(axis=0)
            for u in range(len(self.inputs.units))
        ])  # fmt: skip
        found = []
        for place, total in enumerate(tonnes):
            held = failed & ((book.held_t[:, place] > 0) | (book.free_t[book.owner, place] > 0))[:, None]
            last = np.where(held, walked.failed, 0).max(axis=0)
            early = np.where(held, walked.failed, np.iinfo(np.int16).max).min(axis=0)
            found.append(self._of(place, total, last, early, first=first, count=count))
        return found

    def _of(
        self, place: int, total: FloatArray, last: FloatArray, early: FloatArray, *, first: int, count: int
    ) -> Sold:
        share, days = np.zeros(count), np.zeros(count)
        paths = slice(first, first + count)
        whole = np.broadcast_to(total, count) if total.size == 1 else total
        keys: dict[_Kind, list[int]] = {}
        for path, tonnes in enumerate(total.tolist()):
            if tonnes > 0.0:
                keys.setdefault(self._key(place, tonnes, int(last[path]), int(early[path])), []).append(path)
        for key, members in keys.items():
            made = self._made(place, key)
            chosen = slice(None) if total.size == 1 else np.array(members)
            if made is not None:
                share[chosen] = made.proceeds_ratio[paths][chosen]
                days[chosen] = made.days[paths][chosen]
        return Sold(tonnes=whole, share=share, days=days)

    def _key(self, place: int, tonnes: float, last: int, early: int) -> _Kind:
        """Give the kind of a sale: each of its steps goes to the side that brings no more."""
        scale = 10 ** max(0, math.floor(math.log10(tonnes)))
        step = next(one * scale for one in _STEPS if one * scale >= tonnes * (1.0 - 1e-12))
        end, depth = self.ends[place], self.inputs.units[place].depth_ratios
        return _Kind(
            step_t=step, left_days=None if end is None else _stepped(end - last),
            outage_days=max(0, self.scenario.outage_days - early),
            level_days=None if not depth else _stepped(len(depth) - 1 - last),
        )  # fmt: skip

    def _made(self, place: int, kind: _Kind) -> SalePaths | PrudentPaths | None:
        key = (place, kind)
        if key not in self.made:
            one = self.inputs.units[place]
            terms, count, seed = self._terms(one, kind), self.inputs.path_count, self.inputs.seed
            if terms is None:
                self.made[key] = None
            elif one.season is None:  # as decisions made before the season was told sold
                self.made[key] = forced_sale_paths(terms, path_count=count, seed=seed)
            else:
                self.made[key] = prudent_sale_paths(terms, path_count=count, seed=seed)
        return self.made[key]

    def _terms(self, one: StressUnit, kind: _Kind) -> SaleTerms | None:
        """Give the terms of the sale; None where nothing can be counted on to sell."""
        unknown = one.season is not None and one.season.basis is DepthBasis.UNKNOWN
        if not one.daily_volume_t or not one.selling_ratio or unknown:
            return None
        deviation, market = to_float(one.volatility) / math.sqrt(DAYS_A_YEAR), self.inputs.market
        depth = one.depth_ratios or ()
        try:
            terms = SaleTerms(
                daily_drift=-0.5 * deviation * deviation, daily_deviation=deviation, cure_days=0,
                notice_days=one.wait_days + kind.outage_days, quantity_adv=kind.step_t / to_float(one.daily_volume_t),
                participation_ratio=to_float(one.participation_ratio), trade_day_ratio=to_float(one.selling_ratio),
                daily_limit_ratio=None if one.daily_limit_ratio is None else to_float(one.daily_limit_ratio),
                bid_ask_ratio=to_float(one.bid_ask_ratio), impact=to_float(one.impact), last_sale_day=kind.left_days,
                depth_ratios=(*map(to_float, depth[: kind.level_days]), to_float(depth[-1])) if depth else (),
            )  # fmt: skip
            return replace(
                terms, daily_jumps=to_float(market.jumps_per_year) / DAYS_A_YEAR, up_ratio=0.0,
                down_rate=1.0 / to_float(market.jump_mean),
            )  # fmt: skip
        except CarbonFinError:  # a sale without end, or past the last usable date before it starts, brings nothing
            return None


def _stepped(days: int) -> int:
    """Give days down to a step, the first of them exactly; none below nought."""
    return max(0, days if days <= _DAYS_STEP else days - days % _DAYS_STEP)


def losses(
    book: Book, walked: Walked, inputs: StressInputs, *, factors: FloatArray, fall: FloatArray, sold: list[Sold]
) -> Iterator[tuple[slice, FloatArray]]:
    """Give losses by agreement and path, some agreements at a time: max(0, debt - proceeds) of those that failed."""
    lowest = np.minimum.accumulate(fall[::-1])[::-1] / fall
    count = sold[0].share.size
    columns = np.arange(walked.failed.shape[1])
    for begin in range(0, book.debt.size, _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        day = np.maximum(walked.failed[part], 1) - 1
        proceeds = np.zeros((day.shape[0], count))
        for place, one in enumerate(sold):
            owner = book.owner[part]
            tonnes = book.held_t[part, place, None] + walked.share[part] * book.free_t[owner, place, None]
            price = to_float(inputs.units[place].price_cny_per_t) * factors[place][day, columns] * lowest[day]
            proceeds += tonnes * price * one.share
        lost = np.maximum(walked.debt[part] - proceeds, 0.0)
        yield part, np.where(walked.failed[part] > 0, lost, 0.0)
