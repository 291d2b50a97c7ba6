"""The points a second way: rationals from the text of the parameters, samples counted one by one."""

import math
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np

from loans.calc.ratings.benchmark import SectorBenchmark
from loans.calc.ratings.rating import settle
from loans.calc.ratings.rating_account import INPUTS, RatingAccount, section_of
from loans.calc.rounding import half_up
from tests.loans.rating_worlds import BOOK, DAY, KNOWN_AT, benchmark, frame_of, scorecard


def by_fractions(one: RatingAccount, peers: SectorBenchmark) -> dict[str, Decimal]:
    """Give points by factor a second way: rationals from the text of the parameters, and samples counted one by one."""
    kind = "key_emitter" if one.is_key_emitter else "other"
    f = {name: None if getattr(one, name) is None else Fraction(getattr(one, name)) for name in INPUTS}

    def all_known(*names: str) -> bool:
        return None not in [f[name] for name in names]

    def down(value: Fraction, places: int) -> Fraction:
        return Fraction(math.floor(value * 10**places), 10**places)

    measures: dict[str, Fraction | None] = dict.fromkeys(
        [
            "intensity",
            "emission_cut",
            "allowance_gap",
            "surrender_on_time",
            "meter_coverage",
            "reconciliation",
            "green_power",
        ]
    )
    now, before, value, value_before = (
        f[name] for name in ("emissions_kg", "emissions_previous_kg", "value_added_fen", "value_added_previous_fen")
    )
    if now is not None and value is not None and value > 0:
        measures["intensity"] = Fraction(half_up(now / 1000 / (value / 1_000_000), places=4))
        if before and value_before and value_before > 0 and one.is_comparable:
            grown = -down(-now / before, 5)
            output = down(value / value_before, 5)
            cut = -Fraction(10**9) if output == 0 and grown else 1 - grown / (output or 1)
            measures["emission_cut"] = min(down(1 - grown, 4), down(cut, 4))
    if all_known("allocation_kg", "emissions_kg"):
        measures["allowance_gap"] = down((f["allocation_kg"] - now) / max(now, Fraction(1)), 4)
    if all_known("obligation_kg", "surrendered_on_time_kg"):
        owed = f["obligation_kg"]
        measures["surrender_on_time"] = (
            down(min(f["surrendered_on_time_kg"] / owed, Fraction(1)), 4) if owed else Fraction(1)
        )
    if f["electricity_kwh"] is not None:
        used = f["electricity_kwh"] or Fraction(1)
        if f["metered_kwh"] is not None:
            measures["meter_coverage"] = down(f["metered_kwh"] / used, 4)
        if f["invoice_kwh"] is not None:
            measures["reconciliation"] = -down(-abs(f["invoice_kwh"] - f["electricity_kwh"]) / used, 4)
        if all_known("green_kwh", "green_deducted_kwh"):
            measures["green_power"] = down((f["green_kwh"] - f["green_deducted_kwh"]) / used, 4)
    measures |= {
        "verification": f["verification_level"], "bill_months": f["bill_months_count"], "targets": f["target_level"],
        "management": f["management_level"],
    }  # fmt: skip
    points = {}
    for name, found in measures.items():
        weight = Fraction(
            BOOK.on(f"loans.scorecard.weight_points_{kind}", scope=name, valid_on=DAY, known_at=KNOWN_AT).value
        )
        share = Fraction(0)
        if found is not None and name == "intensity":
            share = peer_share(one, found, peers)
        elif found is not None:
            text = BOOK.on("loans.scorecard.anchors", scope=name, valid_on=DAY, known_at=KNOWN_AT).value
            share = straight(found, [tuple(map(Fraction, pair.split(":"))) for pair in text.split()])
        points[name] = half_up(weight * share, places=2)
    return points


def peer_share(one: RatingAccount, found: Fraction, peers: SectorBenchmark) -> Fraction:
    if one.division is None or one.size_class is None:
        return Fraction(0)
    section = section_of(one.division)
    names = [f"{section}{one.division:02}/{one.size_class}", f"{section}{one.division:02}", section, "all"]
    group = next(group for name in names for group in peers.groups if group.name == name)
    weights = np.diff(group.through, prepend=0).tolist()
    value = min(max(found * 10_000, Fraction(group.values[0])), Fraction(group.values[-1]))
    worse = sum(weight for other, weight in zip(group.values, weights, strict=True) if other > value)
    alike = sum(weight for other, weight in zip(group.values, weights, strict=True) if other == value)
    return (worse + Fraction(alike, 2)) / sum(weights)


def straight(found: Fraction, corners: list[tuple[Fraction, ...]]) -> Fraction:
    if found <= corners[0][0]:
        return corners[0][1] / 100
    for (left, low), (right, high) in pairwise(corners):
        if found <= right:
            return (low + (high - low) * (found - left) / (right - left)) / 100
    return corners[-1][1] / 100


def test_points_are_those_of_rationals_from_the_text_of_the_parameters() -> None:
    names = [factor.name for factor in scorecard().factors]
    for row in frame_of(400, seed=51, missing_ratio=0.05).select(INPUTS).rows(named=True):
        one = RatingAccount(**row)
        settled = settle(one, scorecard(), benchmark())
        expected = by_fractions(one, benchmark())
        assert dict(zip(names, [Decimal(points).scaleb(-2) for points in settled.by_factor], strict=True)) == expected
