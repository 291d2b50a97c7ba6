"""Why an enterprise has its points: each line, the three that cost most, and what would lift them, rated again.

A lift is the least change of one input that reaches the target; where no single input does, a plan changes several, the
one that gains most first. Only what an enterprise can do next year is a lever: value added, size and division are none,
since a rating that rises by revenue or by another code is not one to advise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from loans.calc.ratings.benchmark import SectorBenchmark
from loans.calc.ratings.rating import (
    UNRATED,
    FactorLine,
    GateLine,
    Graded,
    Settling,
    factor_lines,
    gate_lines,
)
from loans.calc.ratings.rating_account import INPUT_NAMES_ZH, RatingAccount
from loans.calc.ratings.scorecard import LETTERS, METHOD_ZH, Scorecard

REASON_COUNT = 3
ONE_POINT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Lever:
    """An input an enterprise can move, and how far: to a number, or to what another input says."""

    field: str
    title_zh: str
    title_en: str
    unit: str
    bound: int | str


LEVERS = (
    Lever(field="emissions_kg", title_zh="排放量", title_en="Emissions", unit="kg", bound=0),
    Lever(field="green_kwh", title_zh="绿电电量", title_en="Green power", unit="kWh", bound="electricity_kwh"),
    Lever(field="verification_level", title_zh="核查等级", title_en="Verification", unit="count", bound=3),
    Lever(
        field="metered_kwh", title_zh="计量电量", title_en="Metered electricity", unit="kWh", bound="electricity_kwh"
    ),
    Lever(field="bill_months_count", title_zh="账单月数", title_en="Months of bills", unit="months", bound=12),
    Lever(
        field="invoice_kwh", title_zh="发票电量", title_en="Electricity on invoices", unit="kWh",
        bound="electricity_kwh",
    ),
    Lever(
        field="surrendered_on_time_kg", title_zh="按时清缴量", title_en="Surrendered on time", unit="kg",
        bound="obligation_kg",
    ),
    Lever(field="target_level", title_zh="减排目标", title_en="Targets", unit="count", bound=2),
    Lever(field="management_level", title_zh="管理体系", title_en="Management system", unit="count", bound=1),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A line that costs points: the factor's name is its code."""

    code: str
    cost: Decimal
    text_zh: str
    text_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One input from what it is to what it would be."""

    field: str
    title_zh: str
    title_en: str
    unit: str
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lift:
    """Changes that together reach a target, and the points and letter that rating again gives."""

    changes: tuple[Change, ...]
    points: Decimal
    letter: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a borrower may be told.

    Attributes:
        lines: Points by factor.
        gates: What caps or refuses, whatever the points.
        reasons: At most three, the dearest first.
        point_lifts: Each single change that gains a point, in the order of the levers.
        letter_lifts: Each single change that gains a letter; where none does, the plan of several, if there is one.
    """

    method_zh: str
    lines: tuple[FactorLine, ...]
    gates: tuple[GateLine, ...]
    reasons: tuple[Reason, ...]
    point_lifts: tuple[Lift, ...]
    letter_lifts: tuple[Lift, ...]
    benchmark_id: str
    benchmark_digest: str
    scorecard_digest: str


def explain(account: RatingAccount, *, scorecard: Scorecard, benchmark: SectorBenchmark) -> Explanation:
    """Explain a rating; one that is refused has lines and reasons, and no lifts, since gaps must be filled first."""
    settling = Settling(account, scorecard, benchmark)
    settled = settling.settled()
    lines = factor_lines(account, settled, scorecard)
    point_lifts: tuple[Lift, ...] = ()
    letter_lifts: tuple[Lift, ...] = ()
    if settled.letter != UNRATED:
        search = _Search(account, settling)
        point_lifts = search.single(lambda one: one.points >= settled.points + ONE_POINT)
        letter_lifts = search.single(lambda one: one.letter < settled.letter)
        if not letter_lifts and settled.letter:
            letter_lifts = search.several(lambda one: one.letter < settled.letter)
    return Explanation(
        method_zh=METHOD_ZH,
        lines=lines,
        gates=gate_lines(account, settled, scorecard),
        reasons=_reasons(lines),
        point_lifts=point_lifts,
        letter_lifts=letter_lifts,
        benchmark_id=benchmark.benchmark_id,
        benchmark_digest=benchmark.digest,
        scorecard_digest=scorecard.digest,
    )


def _reasons(lines: tuple[FactorLine, ...]) -> tuple[Reason, ...]:
    """Give the lines that cost most; of equal ones the first of the scorecard."""
    dear = sorted(
        (line for line in lines if line.points < line.points_max), key=lambda line: line.points - line.points_max
    )
    return tuple(
        Reason(
            code=line.name,
            cost=line.points_max - line.points,
            text_zh=f"{line.title_zh}：{_found_zh(line)}，得 {line.points}／{line.points_max} 分",
            text_en=f"{line.title_en}: {_found_en(line)}, {line.points} of {line.points_max} points",
        )
        for line in dear[:REASON_COUNT]
    )


def _found_zh(line: FactorLine) -> str:
    return f"缺少或不可用 {'、'.join(INPUT_NAMES_ZH[one] for one in line.missing)}" if line.missing else _measured(line)


def _found_en(line: FactorLine) -> str:
    return f"missing or not usable {', '.join(line.missing)}" if line.missing else _measured(line)


def _measured(line: FactorLine) -> str:
    return f"{line.measure} {line.unit}" if "/" in line.unit else str(line.measure)


class _Search:
    """Rates again with inputs moved; along a lever points and letter only rise, so halving finds the least change."""

    def __init__(self, account: RatingAccount, settling: Settling) -> None:
        self._account, self._settling = account, settling
        self._ways = [(lever, way) for lever in LEVERS if (way := self._way(lever)) is not None]

    def _way(self, lever: Lever) -> tuple[int, int] | None:
        """Give where a lever stands and where it ends, or None where either is not known or it stands there."""
        start: int | None = getattr(self._account, lever.field)
        end: int | None = getattr(self._account, lever.bound) if isinstance(lever.bound, str) else lever.bound
        if start is None or end is None or start == end or (lever.field == "surrendered_on_time_kg" and start > end):
            return None
        return start, end

    def single(self, reached: Callable[[Graded], bool]) -> tuple[Lift, ...]:
        """Give the least change of each lever that reaches the target alone."""
        found = []
        for lever, way in self._ways:
            graded = self._settling.along(lever.field, {})
            if reached(graded(way[1])):
                least = _least(way, graded, reached)
                found.append(self._lift({lever.field: least}, graded(least)))
        return tuple(found)

    def several(self, reached: Callable[[Graded], bool]) -> tuple[Lift, ...]:
        """Give a plan: levers to their ends, those that gain most first, the last no further than needed."""
        gains = {lever.field: self._settling.along(lever.field, {})(way[1]).points for lever, way in self._ways}
        moved: dict[str, int] = {}
        for lever, way in sorted(self._ways, key=lambda one: -gains[one[0].field]):
            graded = self._settling.along(lever.field, moved)
            if reached(graded(way[1])):
                least = _least(way, graded, reached)
                return (self._lift({**moved, lever.field: least}, graded(least)),)
            moved[lever.field] = way[1]
        return ()

    def _lift(self, moved: dict[str, int], graded: Graded) -> Lift:
        return Lift(
            changes=tuple(
                Change(
                    field=lever.field,
                    title_zh=lever.title_zh,
                    title_en=lever.title_en,
                    unit=lever.unit,
                    before=way[0],
                    after=moved[lever.field],
                )
                for lever, way in self._ways
                if lever.field in moved
            ),
            points=Decimal(graded.points).scaleb(-2),
            letter=LETTERS[graded.letter],
        )


def _least(way: tuple[int, int], graded: Callable[[int], Graded], reached: Callable[[Graded], bool]) -> int:
    """Halve between a value that does not reach and one that does, until they are neighbours."""
    short, enough = way
    while abs(enough - short) > 1:
        middle = (short + enough) // 2
        if reached(graded(middle)):
            enough = middle
        else:
            short = middle
    return enough
