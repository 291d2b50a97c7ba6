"""What a change of a table would do, before anybody approves it: who moves, from which answer to which, by how much."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from carbonfin.rules.compiled_tables import compiled
from carbonfin.rules.decide import Decision, NotDecided
from carbonfin.rules.policies import Refused
from carbonfin.rules.tables import DecisionTable, HitPolicy, OutputKind, output_text


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Standing:
    """Where a case stands under a table.

    Attributes:
        answer: The outputs as tables write them; empty where nothing is decided.
        refused: Why nothing is decided; None where something is.
        missing: The inputs that would have to be brought.
    """

    answer: tuple[tuple[str, ...], ...] = ()
    refused: Refused | None = None
    missing: tuple[str, ...] = ()

    @property
    def is_decided(self) -> bool:
        """Whether there is an answer."""
        return self.refused is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One case that would be answered otherwise.

    Attributes:
        place: The place of the case among the inputs, from 0.
        difference: Draft less current, where both answer one number of one kind; else None.
    """

    place: int
    before: Standing
    after: Standing
    difference: int | Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What the draft would do to a population of cases.

    Attributes:
        cases_count: How many cases were run.
        moves: The cases that move, in their order.
        before: How many cases have each standing under the current table; empty where there is none.
        after: The same under the draft.
        difference_total: The differences of all moves that have one, together; None where none has.
    """

    cases_count: int
    moves: tuple[Move, ...]
    before: Mapping[Standing, int]
    after: Mapping[Standing, int]
    difference_total: int | Decimal | None

    @property
    def crossings(self) -> Mapping[tuple[Standing, Standing], int]:
        """How many cases move from which standing to which."""
        return Counter((move.before, move.after) for move in self.moves)

    @property
    def undecided_before_count(self) -> int:
        """How many cases the current table leaves undecided."""
        return _undecided(self.before)

    @property
    def undecided_after_count(self) -> int:
        """How many cases the draft would leave undecided."""
        return _undecided(self.after)


def impact_of(current: DecisionTable | None, draft: DecisionTable, cases: Iterable[Mapping[str, object]]) -> Impact:
    """Run the draft and the current table over the same cases.

    Args:
        current: The table in force; None where the draft is the first of its name, and then nothing moves.
        draft: The table that is to take its place.
        cases: Inputs by name. What a table does not ask for it does not read; what a case lacks is missing.
    """
    old = None if current is None else compiled(current)
    new = compiled(draft)
    is_comparable = current is not None and _measure(current) == _measure(draft) != ""
    before: Counter[Standing] = Counter()
    after: Counter[Standing] = Counter()
    moves: list[Move] = []
    for place, case in enumerate(cases):
        newly = new.decide(case)
        to = standing_of(newly)
        after[to] += 1
        if old is None:
            continue
        formerly = old.decide(case)
        origin = standing_of(formerly)
        before[origin] += 1
        if origin != to:
            difference = _difference(formerly, newly) if is_comparable else None
            moves.append(Move(place=place, before=origin, after=to, difference=difference))
    known = [move.difference for move in moves if move.difference is not None]
    return Impact(
        cases_count=after.total(),
        moves=tuple(moves),
        before=before,
        after=after,
        difference_total=sum(known) if known else None,
    )


def standing_of(answer: Decision | NotDecided) -> Standing:
    """Give where a case stands by an answer; which row gave it makes no difference."""
    if isinstance(answer, NotDecided):
        return Standing(refused=answer.refused, missing=tuple(one.name for one in answer.missing))
    if answer.total is not None:
        return Standing(answer=((output_text(answer.total),),))
    return Standing(answer=tuple(tuple(map(output_text, outcome.outputs)) for outcome in answer.outcomes))


def _measure(table: DecisionTable) -> str:
    """Say what the one number of a table measures; empty where it answers a list, several outputs or a code."""
    if table.hit_policy is HitPolicy.COLLECT_COUNT:
        return "count"
    gives_one = table.hit_policy.is_single or table.hit_policy.is_total
    if not gives_one or len(table.outputs) > 1 or table.outputs[0].kind is OutputKind.CODE:
        return ""
    return table.outputs[0].kind.value


def _difference(before: Decision | NotDecided, after: Decision | NotDecided) -> int | Decimal | None:
    if isinstance(before, NotDecided) or isinstance(after, NotDecided):
        return None
    old, new = before.output, after.output
    assert not isinstance(old, str), "both tables answer a number"
    assert not isinstance(new, str), "both tables answer a number"
    return new - old


def _undecided(standings: Mapping[Standing, int]) -> int:
    return sum(count for standing, count in standings.items() if not standing.is_decided)
