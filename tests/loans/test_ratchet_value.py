"""The value of a margin ratchet: by hand, against Monte Carlo over random chains, and by its symmetries."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from carbonfin.kernel.errors import InvalidInput
from loans.calc.linked import RatchetInputs, RatchetKind, value_ratchet
from tests.loans.ratchet_samples import grades_of, random_ratchet, ratchet, yearly

SEED = 20250630
"""Chosen before the first run, which gave max |z| 3.06 and mean z² 1.08."""
CHAINS = 100
PATHS = 20_000


def test_a_ratchet_is_valued_by_hand() -> None:
    """From A: E = 0; 0.5·(-10) + 0.5·20 = 5; then (0.35, 0.65) gives 9.5. At 2.5 % simple a year.

    Weights N·df: 1,000,000/1.025 = 975,609.756; /1.025² = 951,814.396; 500,000/1.025³ = 464,299.705.
    PV = (951,814.396·5 + 464,299.705·9.5)/10⁴ = 475.907 + 441.085 = 916.99.
    """
    found = value_ratchet(ratchet())
    one, two = found.grades
    assert one.expected_bp == (0, 5, Decimal("9.5"))
    assert two.expected_bp == (0, 14, Decimal("12.2"))
    df = [Fraction(1) / Fraction("1.025") ** year for year in (1, 2, 3)]
    weights = [1_000_000 * df[0], 1_000_000 * df[1], 500_000 * df[2]]
    worth = weights[1] * 5 / 10_000 + weights[2] * Fraction("9.5") / 10_000
    assert found.pv_cny == one.pv_cny == Decimal("916.99")
    assert abs(float(worth) - 916.99) < 0.005
    assert abs(float(one.par_bp) - float(worth * 10_000 / sum(weights))) < 5e-7
    assert found.annuity_cny == Decimal("2391723.86")


def test_floor_and_cap_hold_each_time_and_the_all_in_floor_cuts_last() -> None:
    bounded = ratchet(floor_bp=Decimal(-4), cap_bp=Decimal(15))
    # from A: 0.5·(-4) + 0.5·15 = 5.5; then 0.35·(-4) + 0.65·15 = 8.35
    assert value_ratchet(bounded).grades[0].expected_bp == (0, Decimal("5.5"), Decimal("8.35"))
    floored = ratchet(all_in_floor_rate=Decimal("0.0342"))
    # the rate of 3.45 % may fall by 3 bp: 0.5·(-3) + 0.5·20 = 8.5; then 0.35·(-3) + 0.65·20 = 11.95
    assert value_ratchet(floored).grades[0].expected_bp == (0, Decimal("8.5"), Decimal("11.95"))


def test_a_cumulative_ratchet_moves_from_where_it_stands() -> None:
    """From A after two observations: AA -20, AB 10, BA 10, BB 40 with chances 0.25, 0.25, 0.10, 0.40."""
    plain = ratchet(kind=RatchetKind.CUMULATIVE)
    assert value_ratchet(plain).grades[0].expected_bp == (0, 5, Decimal("14.5"))
    # within ±15: -10 → -15, 10, 20 → 15 → 5 (BA) or 15 (BB)
    bounded = replace(plain, floor_bp=Decimal(-15), cap_bp=Decimal(15))
    expected = Decimal("0.25") * -15 + Decimal("0.25") * 10 + Decimal("0.10") * 5 + Decimal("0.40") * 15
    assert value_ratchet(bounded).grades[0].expected_bp == (0, Decimal("2.5"), expected)


def test_periods_between_observations_keep_the_margin_and_a_stub_discounts_it() -> None:
    periods = tuple(
        replace(one, observations=number) for one, number in zip(yearly(("100.00",) * 3), (1, 1, 2), strict=True)
    )
    assert value_ratchet(ratchet(periods=periods)).grades[0].expected_bp == (5, 5, Decimal("9.5"))
    near, far = (value_ratchet(ratchet(stub_days=days)) for days in (0, 1))
    assert far.annuity_cny == Decimal("2333389.13")  # 2,391,723.85775 / 1.025 = 2,333,389.1295
    assert far.par_bp == near.par_bp


def test_nothing_is_worth_nothing_and_the_opposite_is_worth_the_opposite() -> None:
    draw = np.random.default_rng(SEED)
    for _ in range(20):
        one = random_ratchet(draw)
        nothing = replace(one, grades=tuple(replace(grade, adjustment_bp=Decimal(0)) for grade in one.grades))
        assert {(grade.pv_cny, grade.par_bp) for grade in value_ratchet(nothing).grades} == {(0, 0)}
        turned = replace(
            one, grades=tuple(replace(grade, adjustment_bp=-grade.adjustment_bp) for grade in one.grades),
            floor_bp=None if one.cap_bp is None else -one.cap_bp,
            cap_bp=None if one.floor_bp is None else -one.floor_bp,
        )  # fmt: skip
        for here, there in zip(value_ratchet(one).grades, value_ratchet(turned).grades, strict=True):
            assert (here.pv_cny, here.par_bp) == (-there.pv_cny, -there.par_bp)


def _simulated(inputs: RatchetInputs, draw: np.random.Generator) -> npt.NDArray[np.float64]:
    """Give the present value of each of many paths, written apart from the code under test."""
    names = [grade.name for grade in inputs.grades]
    steps = np.array([float(grade.adjustment_bp) for grade in inputs.grades])
    edges = np.cumsum([[float(one) for one in grade.transitions] for grade in inputs.grades], axis=1)
    place = np.full(PATHS, names.index(inputs.current_grade))
    level, worth, factor = np.zeros(PATHS), np.zeros(PATHS), 1.0
    for number, period in enumerate(inputs.periods):
        if number:
            place = (draw.random(PATHS)[:, None] > edges[place][:, :-1]).sum(axis=1)
            level = steps[place] + (level if inputs.kind is RatchetKind.CUMULATIVE else 0.0)
            if inputs.floor_bp is not None and inputs.cap_bp is not None:
                level = np.clip(level, float(inputs.floor_bp), float(inputs.cap_bp))
        factor /= 1 + float(inputs.discount_rate)
        worth += float(period.balance_cny) * level / 10_000 * factor
    return worth


def test_the_value_lies_within_the_error_of_simulated_paths() -> None:
    draw = np.random.default_rng(SEED)
    scores = []
    for _ in range(CHAINS):
        inputs = random_ratchet(draw)
        worth = _simulated(inputs, draw)
        error = float(worth.std(ddof=1)) / PATHS**0.5
        difference = float(worth.mean()) - float(value_ratchet(inputs).pv_cny)
        scores.append(difference / error if error > 1e-3 else difference)
    z = np.array(scores)
    found = f"seed {SEED}: {CHAINS} chains of {PATHS} paths, max |z| {abs(z).max():.2f}, mean z² {(z**2).mean():.2f}"
    assert abs(z).max() <= 4, found
    assert 0.6 <= (z**2).mean() <= 1.5, found


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"grades": grades_of(("-10", "20"), (("0.5", "0.4"), ("0.2", "0.8")))}, "transitions"),
        ({"grades": grades_of(("-10", "20"), (("1.5", "-0.5"), ("0.2", "0.8")))}, "transitions"),
        ({"grades": grades_of(("-10", "20"), (("0.5",), ("0.2", "0.8")))}, "transitions"),
        ({"grades": grades_of(("-10", "20"), (("0.5000001", "0.4999999"), ("0.2", "0.8")))}, "transitions"),
        ({"grades": ()}, "grades"),
        ({"current_grade": "C"}, "current_grade"),
        ({"floor_bp": Decimal(5), "cap_bp": Decimal(4)}, "floor_bp"),
        ({"all_in_floor_rate": Decimal("0.0346")}, "all_in_floor_rate"),
        ({"discount_rate": Decimal("-0.01")}, "discount_rate"),
        ({"source": " "}, "source"),
        ({"periods": ()}, "periods"),
    ],
)
def test_ratchets_that_cannot_be_valued_are_refused(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ratchet(**changed)
    assert refused.value.field == field
