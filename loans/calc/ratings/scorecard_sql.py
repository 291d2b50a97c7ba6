"""The scorecard as one SELECT that runs unchanged in DuckDB and PostgreSQL: the whole numbers of `Settled`, row by row.

It serves a bank whose accounts stand in a warehouse: nothing leaves it. The frozen peers go along as two small tables,
filled from the same points as the columns' own. Arithmetic is on whole numbers throughout; `/` is only ever taken where
it divides without remainder and the answer lies below 2^40 or is cut there, so that an engine whose `/` gives a double
comes to the same.
"""

import re
from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from carbonfin.kernel.errors import InvalidInput
from loans.calc.ratings.columns import INVALID, ColumnScorecard
from loans.calc.ratings.measures import INTENSITY_MOST, MEASURES
from loans.calc.ratings.rating import UNRATED
from loans.calc.ratings.rating_account import INPUTS, LIMITS, PARTS
from loans.calc.ratings.scorecard import CUT_FACTOR, FULL, WORST, Anchors, Factor, Scorecard

INTENSITY_SCALE = 10_000_000  # kg over fen to 1e-4 t over 万元
_INDEX, _INDEX_MOST, _SHARE = 100_000, 1_000_000_000, 10_000
_GROUP_BITS = 40
_INDEXES = ("emissions_index", "output_index")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def peer_frames(ready: ColumnScorecard) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give the frozen peers as two tables: the group of each division and size, and the steps of each group.

    A step holds for intensities above `after` up to `value`, both in 1e-4 t/万元: points of standing on the value, and
    of standing below it, for both kinds of enterprise.
    """
    peers = ready.peers
    places = np.argwhere(peers.group_at[1:] >= 0) + np.array([1, 0])
    group = peers.group_at[places[:, 0], places[:, 1]]
    groups = pl.DataFrame({
        "division": places[:, 0], "size_class": places[:, 1], "group_place": group, "lowest": peers.lowest[group],
        "highest": peers.highest[group], "is_enough": peers.enough[group].astype(np.int64),
    })  # fmt: skip
    of, value = peers.keys >> _GROUP_BITS, peers.keys & (2**_GROUP_BITS - 1)
    after = np.where(np.diff(of, prepend=-1) != 0, -1, np.concatenate([[-1], value[:-1]]))
    steps = pl.DataFrame({
        "group_place": of, "after": after, "value": value, "on_other": peers.on[0].astype(np.int64),
        "on_key": peers.on[1].astype(np.int64), "below_other": peers.between[0].astype(np.int64),
        "below_key": peers.between[1].astype(np.int64),
    })  # fmt: skip
    return groups, steps


def scorecard_sql(
    card: Scorecard, *, relation: str, groups: str, steps: str, keys: Sequence[str] = ()
) -> str:  # fmt: skip
    """Write the SELECT: the key columns, then each enterprise's rating in the whole numbers of `settle`.

    They are `letter`, `points`, `cut_points`, `coverage`, `confidence`, `group_place`, `gates` and `points_…` of each
    factor. A row with an input outside its limits has the letter 6 and no points; it spoils no other.

    Args:
        card: The method.
        relation: Table or view with a bigint column for each input of an account; what is null is not known.
        groups: Table of the first frame of `peer_frames`.
        steps: Table of the second.
        keys: Columns of the relation that are handed through.

    Raises:
        InvalidInput: A name is no plain lower-case name, or a key is named as an input.
    """
    _require_names(relation, groups, steps, *keys)
    handed = [*keys, "is_invalid"]
    step = _step([*keys, *INPUTS, _invalid()], relation, "given")
    step = _step([*handed, *(f"CASE WHEN is_invalid = 0 THEN {name} END AS {name}" for name in INPUTS)], step, "held")
    step = _step([*handed, *INPUTS, *(f"{_index(name)} AS {name}" for name in _INDEXES)], step, "indexed")
    measured = [f"{_measure(factor.name)} AS m_{factor.name}" for factor in card.factors]
    weights = [f"{_by_kind(factor.weights)} AS w_{factor.name}" for factor in card.factors]
    step = _step([*handed, *INPUTS, *measured, *weights], step, "weighed")
    step = _step(
        ["weighed.*", "g.group_place", "g.lowest", "g.highest", "g.is_enough"],
        f"{step}\nLEFT JOIN {groups} AS g ON g.division = weighed.division AND g.size_class = weighed.size_class",
        "placed",
    )
    peer = next(factor.name for factor in card.factors if factor.anchors is None)
    step = _step(
        ["placed.*", *_earned(card)],
        f"{step}\nLEFT JOIN {steps} AS s ON s.group_place = placed.group_place AND m_{peer} IS NOT NULL"
        f" AND s.after < {_clipped(peer)} AND {_clipped(peer)} <= s.value",
        "earned",
    )
    total = " + ".join(f"points_{factor.name}" for factor in card.factors)
    refused = f"gate_cap = {UNRATED} OR coverage < {card.coverage_min} OR is_key_emitter IS NULL"
    cap = f"CASE WHEN {refused} THEN {UNRATED} ELSE gate_cap END AS cap"
    step = _step(["earned.*", f"{total} AS total", cap], step, "summed")
    return f"SELECT {', '.join([*keys, *_answers(card)])}\nFROM {step}"


def _require_names(*names: str) -> None:
    for name in names:
        if not _NAME.fullmatch(name) or name in INPUTS:
            raise InvalidInput(
                f"{name!r} cannot name a table or key here", zh=f"“{name}”不能用作表名或键名", field="relation",
                remedy="Use lower-case letters, digits and underscores, and no name of an input.",
                remedy_zh="请使用小写字母、数字与下划线，且不与数据项同名。",
            )  # fmt: skip


def _step(columns: Iterable[str], source: str, name: str) -> str:
    """Nest a step. PostgreSQL would write it into the next one and work it out as often as it is named, if it could."""
    return f"(\nSELECT {', '.join(columns)}\nFROM {source} OFFSET 0) AS {name}"


def _earned(card: Scorecard) -> list[str]:
    known = [f"CASE WHEN {_is_known(factor)} THEN w_{factor.name} ELSE 0 END" for factor in card.factors]
    cut = next(factor for factor in card.factors if factor.name == CUT_FACTOR)
    assert cut.anchors is not None, "the cut has corner points"
    return [
        *(f"{_points(factor)} AS points_{factor.name}" for factor in card.factors),
        f"{' + '.join(known)} AS coverage",
        f"COALESCE({_anchored(cut.anchors, f'm_{cut.name}', str(FULL))}, 0) AS cut",
        f"{_cap(card)} AS gate_cap",
        f"{_gates(card)} AS gates",
    ]


def _clipped(peer: str) -> str:
    return f"LEAST(GREATEST(m_{peer}, placed.lowest), placed.highest)"


def _answers(card: Scorecard) -> list[str]:
    names = [factor.name for factor in card.factors]
    ceiling = " ".join(f"WHEN cap = {cap} THEN {card.ceiling(cap)}" for cap in range(WORST + 1))
    ceiling = f"CASE {ceiling} ELSE 0 END"
    best, worst = (_letter(card, f"total {sign} {card.hysteresis}") for sign in "+-")
    before = f"COALESCE(previous_letter, {WORST})"
    letter = f"GREATEST(LEAST(GREATEST({before}, {best}), {worst}), cap)"
    return [
        f"CASE WHEN is_invalid = 1 THEN {INVALID} ELSE {letter} END AS letter",
        f"CASE WHEN is_invalid = 1 THEN 0 ELSE LEAST(total, {ceiling}) END AS points",
        f"CASE WHEN is_invalid = 1 THEN 0 ELSE LEAST(cut, {ceiling}) END AS cut_points",
        "coverage",
        f"{_confidence(card)} AS confidence",
        "COALESCE(group_place, -1) AS group_place",
        "gates",
        *(f"points_{name}" for name in names),
    ]


def _invalid() -> str:
    outside = [f"{name} NOT BETWEEN {least} AND {most}" for name, (least, most) in LIMITS.items()]
    larger = [f"{part} > {whole}" for part, whole in PARTS]
    return f"CASE WHEN {' OR '.join([*outside, *larger])} THEN 1 ELSE 0 END AS is_invalid"


def _by_kind(weights: tuple[int, int]) -> str:
    return f"CASE WHEN is_key_emitter = 1 THEN {weights[1]} ELSE {weights[0]} END"


def _floor(numerator: str, denominator: str) -> str:
    """Write floor(numerator / denominator) of whole numbers, the denominator above zero."""
    rest = f"((({numerator}) % ({denominator}) + ({denominator})) % ({denominator}))"
    return f"CAST(ROUND((({numerator}) - {rest}) / ({denominator})) AS bigint)"


def _up(numerator: str, denominator: str) -> str:
    return f"(-{_floor(f'-({numerator})', denominator)})"


def _index(name: str) -> str:
    """Write a year on the year before, five places: emissions up, value added down; past nought alone it is used."""
    if name == "emissions_index":
        return f"LEAST({_up(f'emissions_kg * {_INDEX}', 'GREATEST(emissions_previous_kg, 1)')}, {_INDEX_MOST})"
    grown = _floor(f"GREATEST(value_added_fen, 1) * {_INDEX}", "GREATEST(value_added_previous_fen, 1)")
    return f"LEAST({grown}, {_INDEX_MOST})"


def _measure(name: str) -> str:
    measure = MEASURES[name]
    tests = [
        *(f"{field} IS NOT NULL" for field in measure.needs),
        *(f"{field} > 0" for field in measure.above_zero),
        *(f"{flag} = 1" for flag in measure.flags),
    ]
    return f"CASE WHEN {' AND '.join(tests)} THEN {_formula(name, measure.inputs)} END"


def _formula(name: str, taken: tuple[str, ...]) -> str:
    """Write a measure's formula, as `loans.calc.ratings.measures` has it."""
    if name == "intensity":
        emissions, value_added = f"{taken[0]} * {INTENSITY_SCALE}", f"GREATEST({taken[1]}, 1)"
        half = f"CASE WHEN 2 * (({emissions}) % {value_added}) >= {value_added} THEN 1 ELSE 0 END"
        return f"LEAST({_floor(emissions, value_added)} + {half}, {INTENSITY_MOST})"
    if name == "emission_cut":
        absolute = _floor(f"({_INDEX} - emissions_index) * {_SHARE}", str(_INDEX))
        relative = _floor(f"(output_index - emissions_index) * {_SHARE}", "GREATEST(output_index, 1)")
        return f"LEAST({absolute}, {relative})"
    if name == "allowance_gap":
        return _floor(f"({taken[0]} - {taken[1]}) * {_SHARE}", f"GREATEST({taken[1]}, 1)")
    if name == "surrender_on_time":
        without = f"(1 - LEAST({taken[1]}, 1))"
        return f"LEAST({_floor(f'({taken[0]} + {without}) * {_SHARE}', f'GREATEST({taken[1]}, 1)')}, {_SHARE})"
    if name == "meter_coverage":
        return _floor(f"{taken[0]} * {_SHARE}", f"GREATEST({taken[1]}, 1)")
    if name == "reconciliation":
        return _up(f"ABS({taken[0]} - {taken[1]}) * {_SHARE}", f"GREATEST({taken[1]}, 1)")
    if name == "green_power":
        return _floor(f"({taken[0]} - {taken[1]}) * {_SHARE}", f"GREATEST({taken[2]}, 1)")
    (stated,) = taken
    return stated


def _anchored(anchors: Anchors, measure: str, weight: str) -> str:
    """Write the points of a measure between its corner points, half up; null where it is not known."""
    at, share = anchors.at, anchors.share
    value = f"LEAST(GREATEST({measure}, {at[0]}), {at[-1]})"
    texts = []
    for place in range(1, len(at)):
        span, rise = at[place] - at[place - 1], share[place] - share[place - 1]
        earned = f"({share[place - 1] * span} + {rise} * ({value} - {at[place - 1]}))"
        texts.append(_floor(f"2 * {weight} * {earned} + {FULL * span}", str(2 * FULL * span)))
    branches = " ".join(f"WHEN {measure} < {end} THEN {text}" for end, text in zip(at[1:-1], texts, strict=False))
    return f"CASE WHEN {measure} IS NULL THEN NULL {branches} ELSE {texts[-1]} END"


def _is_known(factor: Factor) -> str:
    known = f"m_{factor.name} IS NOT NULL"
    return known if factor.anchors is not None else f"{known} AND placed.group_place IS NOT NULL"


def _points(factor: Factor) -> str:
    if factor.anchors is not None:
        return f"COALESCE({_anchored(factor.anchors, f'm_{factor.name}', f'w_{factor.name}')}, 0)"
    on = "CASE WHEN is_key_emitter = 1 THEN s.on_key ELSE s.on_other END"
    below = "CASE WHEN is_key_emitter = 1 THEN s.below_key ELSE s.below_other END"
    return f"COALESCE(CASE WHEN {_clipped(factor.name)} = s.value THEN {on} ELSE {below} END, 0)"


def _cap(card: Scorecard) -> str:
    """Write the worst letter that the gates leave as best; a fact that is not known refuses."""
    caps = [
        f"CASE WHEN {gate.name} IS NULL THEN {UNRATED} WHEN {gate.name} >= {gate.trips_from}"
        f" THEN {UNRATED if gate.cap is None else gate.cap} ELSE 0 END"
        for gate in card.gates
    ]
    return f"GREATEST({', '.join(['0', *caps])})"


def _gates(card: Scorecard) -> str:
    bits = [
        f"CASE WHEN {gate.name} IS NULL OR {gate.name} >= {gate.trips_from} THEN {1 << place} ELSE 0 END"
        for place, gate in enumerate(card.gates)
    ]
    return " + ".join(["0", *bits])


def _letter(card: Scorecard, points: str) -> str:
    begins = " ".join(f"WHEN {points} >= {least} THEN {letter}" for letter, least in enumerate(card.letters_min))
    return f"CASE {begins} ELSE {WORST} END"


def _confidence(card: Scorecard) -> str:
    branches = []
    for place, asked in enumerate(card.confidences):
        peers = " AND is_enough = 1" if place == 0 else ""
        branches.append(
            f"WHEN coverage >= {asked.coverage_min} AND data_quality_grade <= {asked.data_quality_max}{peers}"
            f" THEN {place}"
        )
    return f"CASE {' '.join(branches)} ELSE {len(card.confidences)} END"
