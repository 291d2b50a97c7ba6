"""The scorecard on one enterprise: by hand, beside scipy, and its rules of refusal."""

import copy
from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from scipy.stats import percentileofscore
from scipy.stats.mstats import winsorize

from carbonfin.kernel.enterprises import Industry
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.rules.parameters import ParameterBook
from loans.calc.ratings.benchmark import PeerGroup, SectorBenchmark, freeze_benchmark
from loans.calc.ratings.rating import ScorecardRating, letter_after, measure_of, rate_account
from loans.calc.ratings.rating_account import RatingAccount, division_of, section_of
from loans.calc.ratings.scorecard import Scorecard, scorecard_on
from tests.loans.rating_worlds import BOOK, DAY, KNOWN_AT, account, benchmark, ladder, scorecard

KEY_EMITTER = {
    "is_key_emitter": 1, "allocation_kg": 2_100_000, "obligation_kg": 2_200_000, "surrendered_on_time_kg": 2_200_000,
}  # fmt: skip


def rated(one: RatingAccount, peers: SectorBenchmark | None = None) -> ScorecardRating:
    return rate_account(one, scorecard=scorecard(), benchmark=peers or ladder(), rated_on=DAY)


def points_by_factor(rating: ScorecardRating) -> dict[str, str]:
    return {line.name: str(line.points) for line in rating.factors}


def test_an_electronics_maker_by_hand() -> None:
    rating = rated(account())
    assert points_by_factor(rating) == {
        "intensity": "35.50",  # 0.5 t/万元: 4 of 40 below and one alike, percentile 11.25, 40 x 0.8875
        "emission_cut": "21.31",  # 1 - 2000/2200 = 0.0909 down: 75 + 25 x 0.0409 / 0.1 = 85.225 %, of 25
        "verification": "4.50",
        "meter_coverage": "3.00",
        "bill_months": "3.00",
        "reconciliation": "3.00",  # 1 % apart
        "green_power": "3.50",  # (80 - 20) of 400: 0.15 earns 35 %
        "targets": "3.00",
        "management": "4.00",
    }
    assert rating.points == Decimal("80.81") == sum(line.points for line in rating.factors)
    assert rating.cut_points == Decimal("85.23")
    assert (rating.coverage_ratio, rating.confidence, rating.peer_group, rating.peer_count) == (1, "high", "C39/2", 40)
    assert rating.letter == "B", "80.81 is within two points of the band, and the letter before was B"
    assert rated(account(previous_letter=0)).letter == "A"
    assert rating.method_zh == "本系统自有方法，非深圳企业碳账户评级"
    assert rating.valid_to == date(2027, 6, 29)


def test_a_rating_stands_on_a_release_of_its_own_time_and_ends_after_a_year() -> None:
    def on(day: date) -> ScorecardRating:
        return rate_account(account(), scorecard=scorecard(), benchmark=ladder(), rated_on=day)

    assert on(date(2028, 2, 29)).valid_to == date(2029, 2, 27)
    assert on(date(2026, 5, 1)).valid_to == date(2027, 4, 30)
    with pytest.raises(InvalidInput, match="released on 2026-05-01"):
        on(date(2026, 4, 30))


def test_a_key_emitter_is_weighed_with_its_allowances() -> None:
    points = points_by_factor(rated(account(**KEY_EMITTER)))
    # 2,100 t for 2,000 t: 0.05, half way from 60 % to 100 %; surrendered in full; 35 x 0.8875 and 20 x 0.85225
    assert (points["allowance_gap"], points["surrender_on_time"]) == ("8.00", "5.00")
    assert (points["intensity"], points["emission_cut"], points["verification"]) == ("31.06", "17.05", "3.00")
    late = account(**{**KEY_EMITTER, "surrendered_on_time_kg": 1_980_000})  # 0.9 of the obligation
    assert points_by_factor(rated(late))["surrender_on_time"] == "1.00"
    assert points_by_factor(rated(account(**{**KEY_EMITTER, "obligation_kg": 0})))["surrender_on_time"] == "5.00"


def test_output_that_falls_with_emissions_is_no_cut() -> None:
    half = account(emissions_kg=1_100_000, value_added_fen=1_950_000_000)
    assert measure_of("emission_cut", half) == 0
    assert measure_of("emission_cut", account(value_added_fen=39_000_000_000)) == 909, "nor is revenue alone a cut"


def test_green_power_already_deducted_does_not_count_again() -> None:
    assert measure_of("green_power", account(green_kwh=800_000, green_deducted_kwh=800_000)) == 0
    assert measure_of("green_power", account(green_deducted_kwh=None)) is None


def test_intensity_is_rounded_half_up_and_credits_down() -> None:
    assert measure_of("intensity", account(emissions_kg=1, value_added_fen=200_000_000)) == 0  # 0.05 of the last place
    assert measure_of("intensity", account(emissions_kg=10, value_added_fen=200_000_000)) == 1  # a tie
    assert measure_of("meter_coverage", account(metered_kwh=3_999_999)) == 9_999
    growing = account(emissions_kg=900_001, emissions_previous_kg=1_000_000)
    assert measure_of("emission_cut", growing) == 999  # 0.0999999, never 0.1
    assert measure_of("reconciliation", account(invoice_kwh=4_000_001)) == 1


@pytest.mark.parametrize("name", ["C39/3", "C39", "C", "all", "I65/3"])
def test_percentiles_are_scipys_on_the_frozen_sample(name: str) -> None:
    group = next(group for group in benchmark().groups if group.name == name)
    assert group.peer_count >= 30
    counts = np.diff(group.through, prepend=0)
    sample = np.repeat(group.values, counts)
    for asked in [*group.values[:20], 0, 777, group.values[5] + 1, 10**9]:
        clipped = min(max(asked, group.values[0]), group.values[-1])
        numerator, denominator = group.better_share(asked)
        expected = 100 - percentileofscore(sample, clipped, kind="mean")
        assert 100 * numerator / denominator == pytest.approx(expected, abs=1e-9)


def test_a_sample_is_winsorised_as_scipy_does_it() -> None:
    drawn = np.random.default_rng(5).permutation(np.arange(400) ** 2)
    frozen = one_group(drawn)
    sample = np.repeat(frozen.values, np.diff(frozen.through, prepend=0))
    # scipy replaces the int(p n) lowest; the rank ceil(p n) is the fourth, which takes three with it
    assert sample.tolist() == np.sort(np.asarray(winsorize(drawn, limits=(3 / 400, 3 / 400)))).tolist()


def test_a_large_sample_is_thinned_to_even_order_statistics() -> None:
    frozen = one_group(np.arange(5_000))
    assert frozen.peer_count == 5_000
    assert frozen.through[-1] == 500
    # the middle of each ten; the fifty at either end stand at 49 and 4,950
    assert (frozen.values[:3], frozen.through[:3]) == ((49, 55, 65), (5, 6, 7))
    assert (frozen.values[-2:], frozen.through[-2:]) == ((4_945, 4_950), (495, 500))


def one_group(intensities: np.ndarray) -> PeerGroup:
    count = len(intensities)
    frozen = freeze_benchmark(
        benchmark_id="one", released_on=DAY, source="one", divisions=[39] * count, size_classes=[2] * count,
        intensities=intensities, terms=scorecard().benchmark_terms,
    )  # fmt: skip
    return frozen.groups[-1]


def test_a_small_group_is_shrunk_to_its_parent() -> None:
    # ten medium makers among forty of the division: a third its own, two thirds the division's
    frozen = freeze_benchmark(
        benchmark_id="small", released_on=DAY, source="small", divisions=[39] * 40,
        size_classes=[1] * 10 + [2] * 30, intensities=[*range(100, 110), *range(30)],
        terms=scorecard().benchmark_terms,
    )  # fmt: skip
    small = frozen.groups[frozen.places["C39/1"]]
    own, parent = [*range(100, 110)], [*range(30), *range(100, 110)]
    for asked in (0, 20, 50, 103, 109):
        numerator, denominator = small.better_share(asked)
        expected = (
            percentileofscore(own, asked, kind="mean") / 3 + percentileofscore(parent, asked, kind="mean") * 2 / 3
        )
        assert 100 * (1 - numerator / denominator) == pytest.approx(expected, abs=1e-9)
    assert small.peer_count == 10
    assert rated(account(size_class=1, data_quality_grade=1), frozen).confidence == "medium"


def test_a_division_without_peers_stands_in_its_section_and_then_among_all() -> None:
    assert rated(account(division=26)).peer_group == "C"
    assert rated(account(division=65)).peer_group == "all"
    assert rated(account(size_class=0)).peer_group == "C39"


def test_a_benchmark_says_when_it_is_another() -> None:
    again = freeze_benchmark(
        benchmark_id="ladder", released_on=date(2026, 5, 1), source="forty steps", divisions=[39] * 41,
        size_classes=[2] * 41, intensities=[1_000 * step for step in range(1, 42)], terms=scorecard().benchmark_terms,
    )  # fmt: skip
    assert again.digest != ladder().digest
    assert rated(account()).benchmark_digest == ladder().digest


@pytest.mark.parametrize(
    ("divisions", "sizes", "intensities"),
    [([], [], []), ([39], [2, 2], [1]), ([98], [2], [1]), ([39], [4], [1]), ([39], [2], [-1]), ([39], [2], [2**40])],
)
def test_a_benchmark_of_wrong_rows_is_refused(divisions: list[int], sizes: list[int], intensities: list[int]) -> None:
    with pytest.raises(InvalidInput):
        freeze_benchmark(
            benchmark_id="x", released_on=DAY, source="x", divisions=divisions, size_classes=sizes,
            intensities=intensities, terms=scorecard().benchmark_terms,
        )  # fmt: skip


def test_what_is_missing_earns_nothing_and_is_named() -> None:
    rating = rated(account(green_kwh=None, value_added_fen=0))
    lines = {line.name: line for line in rating.factors}
    assert (lines["green_power"].points, lines["green_power"].missing) == (0, ("green_kwh",))
    assert lines["intensity"].missing == ("value_added_fen",)
    assert lines["emission_cut"].missing == ("value_added_fen",)
    assert rating.letter is None, "25 of 100 are known, 60 are asked"
    assert [gap.field for gap in rating.missing] == ["coverage"]
    assert (rating.points, rating.cut_points, rating.points_if_known) == (None, None, None)


def test_the_points_left_open_by_what_is_missing_are_said() -> None:
    rating = rated(account(green_kwh=None))
    assert (rating.points, rating.points_if_known) == (Decimal("77.31"), Decimal("87.31"))
    assert (rating.coverage_ratio, rating.confidence) == (Decimal("0.9000"), "medium")
    assert rated(account(data_quality_grade=4)).confidence == "low"
    assert rated(account(is_comparable=0)).factors[1].missing == ("is_comparable",)
    assert rated(account(size_class=None)).factors[0].missing == ("size_class",)


@pytest.mark.parametrize(
    "field", ["is_key_emitter", "data_quality_grade", "false_reporting_count", "missed_surrender_count"]
)
def test_a_fact_of_a_gate_that_is_not_known_refuses(field: str) -> None:
    rating = rated(account(**{field: None}))
    assert rating.letter is None
    assert [gap.field for gap in rating.missing] == [field]


def test_gates_cap_the_letter_and_the_points_a_loan_is_priced_by() -> None:
    missed = rated(account(missed_surrender_count=1, previous_letter=0))
    assert (missed.letter, missed.points, missed.cut_points) == ("C", Decimal("64.99"), Decimal("64.99"))
    false = rated(account(missed_surrender_count=1, false_reporting_count=2))
    assert (false.letter, false.points) == ("D", Decimal("49.99"))
    assert [(gate.name, gate.count, gate.cap) for gate in false.gates] == [
        ("false_reporting_count", 2, "D"),
        ("missed_surrender_count", 1, "C"),
    ]
    assert rated(account(data_quality_grade=5)).letter is None


@pytest.mark.parametrize(
    ("points", "previous", "letter"),
    [
        (8_199, 1, "B"), (8_200, 1, "A"), (7_800, 0, "A"), (7_799, 0, "B"), (9_900, 4, "A"), (500, 0, "E"),
        (6_300, 0, "B"), (6_299, 0, "C"), (8_199, None, "B"), (8_200, None, "A"), (10_000, None, "A"), (0, None, "E"),
    ],
)  # fmt: skip
def test_a_letter_changes_only_where_a_band_is_passed_by_two_points(
    points: int, previous: int | None, letter: str
) -> None:
    assert "ABCDE"[letter_after(points, previous, scorecard())] == letter


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("emissions_kg", -1), ("electricity_kwh", -1), ("value_added_fen", 10**14), ("division", 0),
        ("bill_months_count", 13), ("metered_kwh", 4_000_001), ("green_deducted_kwh", 800_001), ("size_class", 4),
        ("emissions_kg", 2.5),
    ],
)  # fmt: skip
def test_an_input_outside_its_limits_is_refused_by_name(field: str, value: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        account(**{field: value})
    assert refused.value.field == field


def test_divisions_follow_their_sections() -> None:
    assert [section_of(division) for division in (5, 6, 43, 44, 97)] == ["A", "B", "C", "D", "T"]
    assert division_of(Industry("C3912")) == 39
    with pytest.raises(InvalidInput, match="not in section B"):
        division_of(Industry("B39"))


def book_with(key: str, scope: str, value: str) -> ParameterBook:
    values = [
        replace(one, value=value) if (one.key, one.scope) == (f"loans.scorecard.{key}", scope) else one
        for one in BOOK.values()
    ]
    return ParameterBook(values)


def card_with(key: str, scope: str, value: str) -> Scorecard:
    return scorecard_on(book_with(key, scope, value), valid_on=DAY, known_at=KNOWN_AT)


@pytest.mark.parametrize(
    ("key", "scope", "value"),
    [
        ("weight_points_other", "intensity", "41"),
        ("weight_points_other", "intensity", "-40"),
        ("weight_points_key_emitter", "targets", "6.001"),
        ("letter_points_min", "B", "80"),
        ("letter_points_min", "D", "0"),
        ("gate_cap", "data_quality_grade", "F"),
        ("anchors", "emission_cut", "0:0"),
        ("anchors", "emission_cut", "0:0 0:100"),
        ("anchors", "emission_cut", "0:100 1:0"),
        ("anchors", "reconciliation", "0:0 1:100"),
        ("anchors", "emission_cut", "0:0 1:101"),
        ("anchors", "emission_cut", "0:0 0.00001:100"),
        ("anchors", "emission_cut", "0:0 11:100"),
        ("anchors", "emission_cut", "0 1"),
    ],
)
def test_a_scorecard_that_does_not_hold_together_is_refused(key: str, scope: str, value: str) -> None:
    with pytest.raises(InvalidInput):
        card_with(key, scope, value)


def test_an_unknown_factor_is_an_error_and_no_silence() -> None:
    weight = BOOK.on("loans.scorecard.weight_points_other", scope="targets", valid_on=DAY, known_at=KNOWN_AT)
    strange = ParameterBook([*BOOK.values(), replace(weight, scope="luck")])
    with pytest.raises(InvalidInput, match="luck"):
        scorecard_on(strange, valid_on=DAY, known_at=KNOWN_AT)
    gates = [
        BOOK.on(f"loans.scorecard.gate_{part}", scope="data_quality_grade", valid_on=DAY, known_at=KNOWN_AT)
        for part in ("from", "cap")
    ]
    with pytest.raises(InvalidInput, match="luck"):
        scorecard_on(
            ParameterBook([*BOOK.values(), *(replace(gate, scope="luck") for gate in gates)]),
            valid_on=DAY,
            known_at=KNOWN_AT,
        )


def test_a_scorecard_before_its_first_day_is_not_known() -> None:
    with pytest.raises(MissingData):
        scorecard_on(BOOK, valid_on=date(2023, 12, 31), known_at=KNOWN_AT)


def test_another_parameter_is_another_digest_and_the_same_is_the_same() -> None:
    assert scorecard_on(copy.deepcopy(BOOK), valid_on=DAY, known_at=KNOWN_AT).digest == scorecard().digest
    assert card_with("hysteresis_points", "", "3").digest != scorecard().digest
    assert all(not value.confirmed for value in scorecard().parameters)
