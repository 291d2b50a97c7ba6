"""The A-E scorecard as data: factors with weights and corner points, letters, gates; dated parameters and nothing else.

本系统自有方法，非深圳企业碳账户评级: weights, corner points, bands and gates are our own choice and unconfirmed.
Points are whole hundredths throughout, so that totals are exact sums of the lines a person reads.
"""

import hashlib
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, pairwise, repeat

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import parse_decimal
from carbonfin.rules.parameters import ParameterBook, ParameterValue
from loans.calc.ratings.measures import MEASURES
from loans.calc.ratings.rating_account import LIMITS

METHOD_ZH = "本系统自有方法，非深圳企业碳账户评级"
METHOD_EN = "The system's own method, not the rating of the Shenzhen enterprise carbon account"
LETTERS = "ABCDE"
WORST = len(LETTERS) - 1
FULL = 10_000  # hundredths of a point in 100 points
CUT_FACTOR = "emission_cut"  # its points out of 100 are the emission-cut sub-score (减排指标得分)
PEER_FACTOR = "intensity"  # judged by its percentile among peers, not by corner points
REFUSE = "refuse"
_KEY = "loans.scorecard."
_SPAN_MAX = 100_000


def points_of(numerator: int, denominator: int, weight: int) -> int:
    """Give weight x numerator / denominator in hundredths of a point, half up; both parts not negative."""
    return (2 * weight * numerator + denominator) // (2 * denominator)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchors:
    """Corner points of a factor: straight between them, level beyond the ends.

    Attributes:
        at: The measure, in units of its last place, ascending.
        share: Hundredths of a per cent of the weight earned there, 0 to 10,000, one way throughout.
    """

    at: tuple[int, ...]
    share: tuple[int, ...]

    def earned(self, measure: int) -> tuple[int, int]:
        """Give the exact share of the weight earned, as numerator and denominator."""
        value = min(max(measure, self.at[0]), self.at[-1])
        place = bisect_right(self.at, value, 1, len(self.at) - 1)
        left, right = self.at[place - 1], self.at[place]
        rise = (self.share[place] - self.share[place - 1]) * (value - left)
        return self.share[place - 1] * (right - left) + rise, FULL * (right - left)


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One line of the scorecard.

    Attributes:
        weights: Hundredths of a point for an enterprise that is no key emitter, and for one that is.
        anchors: None for the factor that is judged among peers.
    """

    name: str
    weights: tuple[int, int]
    anchors: Anchors | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A count from which no better letter than `cap` is given, or no rating at all (None)."""

    name: str
    trips_from: int
    cap: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """What a stated confidence asks: coverage in hundredths of a point, and data quality no worse than."""

    name: str
    coverage_min: int
    data_quality_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkTerms:
    """How benchmarks are frozen: least peers, winsorised share at each end, most points of a sample."""

    peers_min: int
    winsor_ratio: Decimal
    sample_count_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """The whole method of one day.

    Attributes:
        letters_min: Least hundredths for A, B, C, D, descending.
        letter_at: Letter by hundredths of a point, 0 to 10,000.
        hysteresis: Hundredths by which a letter must be passed before it changes.
        coverage_min: Hundredths of weight that must be known.
        parameters: Every value the method was read from.
        digest: SHA-256 over theirs.
    """

    factors: tuple[Factor, ...]
    letters_min: tuple[int, ...]
    letter_at: tuple[int, ...]
    gates: tuple[Gate, ...]
    confidences: tuple[Confidence, ...]
    hysteresis: int
    coverage_min: int
    benchmark_terms: BenchmarkTerms
    validity_months: int
    parameters: tuple[ParameterValue, ...]
    digest: str

    def ceiling(self, cap: int) -> int:
        """Give the most hundredths under a capped letter: one less than the letter above begins with."""
        return FULL if cap == 0 else self.letters_min[cap - 1] - 1


def scorecard_on(book: ParameterBook, *, valid_on: date, known_at: datetime) -> Scorecard:
    """Read the scorecard valid on a day as it was known at an instant.

    Raises:
        InvalidInput: Weights do not sum to 100, letters or corner points stand out of order, a factor is unknown.
        MissingData: A value is not known.
    """
    reader = _Reader(book, valid_on=valid_on, known_at=known_at)
    factors = tuple(_factor(name, reader) for name in MEASURES)
    for key, place in (("weight_points_other", 0), ("weight_points_key_emitter", 1)):
        reader.refuse_others(key, set(MEASURES))
        total = sum(factor.weights[place] for factor in factors)
        if total != FULL:
            _refuse(key, f"the weights sum to {Decimal(total) / 100}, not 100", "权重合计不为 100")
    letters_min = tuple(reader.hundredths("letter_points_min", letter) for letter in LETTERS[:-1])
    if any(upper <= lower for upper, lower in pairwise((FULL + 1, *letters_min, 0))):
        _refuse("letter_points_min", "letters must begin at falling points above 0", "等级下限须递减且大于零")
    gates = tuple(_gate(scope, reader) for scope in book.scopes(_KEY + "gate_from"))
    confidences = tuple(
        Confidence(
            name=name,
            coverage_min=_whole(reader.get("confidence_coverage_min_ratio", name), FULL),
            data_quality_max=reader.get("confidence_data_quality_max", name).integer,
        )
        for name in ("high", "medium")
    )
    return Scorecard(
        factors=factors,
        letters_min=letters_min,
        letter_at=_letter_at(letters_min),
        gates=gates,
        confidences=confidences,
        hysteresis=reader.hundredths("hysteresis_points"),
        coverage_min=_whole(reader.get("coverage_min_ratio"), FULL),
        benchmark_terms=BenchmarkTerms(
            peers_min=reader.get("peers_min").integer,
            winsor_ratio=reader.get("winsor_ratio").decimal,
            sample_count_max=reader.get("sample_count_max").integer,
        ),
        validity_months=reader.get("validity_months").integer,
        parameters=tuple(reader.used.values()),
        digest=reader.digest(),
    )


def _letter_at(letters_min: tuple[int, ...]) -> tuple[int, ...]:
    """Give the letter of each hundredth from 0 to 10,000: the number of letters that begin above it."""
    bounds = (FULL + 1, *letters_min, 0)
    spans = (repeat(letter, bounds[letter] - bounds[letter + 1]) for letter in reversed(range(len(LETTERS))))
    return tuple(chain.from_iterable(spans))


class _Reader:
    """Values of one day, with a note of each that was read."""

    def __init__(self, book: ParameterBook, *, valid_on: date, known_at: datetime) -> None:
        self._book, self._valid_on, self._known_at = book, valid_on, known_at
        self.used: dict[tuple[str, str], ParameterValue] = {}

    def get(self, key: str, scope: str = "") -> ParameterValue:
        value = self._book.on(_KEY + key, scope=scope, valid_on=self._valid_on, known_at=self._known_at)
        self.used[key, scope] = value
        return value

    def hundredths(self, key: str, scope: str = "") -> int:
        return _whole(self.get(key, scope), 100)

    def refuse_others(self, key: str, known: set[str]) -> None:
        strange = set(self._book.scopes(_KEY + key)) - known
        if strange:
            _refuse(key, f"unknown scope {min(strange)!r}", f"未知的计分项“{min(strange)}”")

    def digest(self) -> str:
        digests = sorted(value.digest for value in self.used.values())
        return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _factor(name: str, reader: _Reader) -> Factor:
    weights = (reader.hundredths("weight_points_other", name), reader.hundredths("weight_points_key_emitter", name))
    if min(weights) < 0:
        _refuse("weight_points", f"the weight of {name} is below 0", "权重不得为负")
    anchors = None if name == PEER_FACTOR else _anchors(name, reader.get("anchors", name))
    return Factor(name=name, weights=weights, anchors=anchors)


def _anchors(name: str, value: ParameterValue) -> Anchors:
    measure = MEASURES[name]
    pairs = [pair.partition(":") for pair in value.value.split()]
    at = tuple(_scaled(left, 10**measure.places, value.key) for left, _, _ in pairs)
    share = tuple(_scaled(right, 100, value.key) for _, _, right in pairs)
    rising = share if measure.higher_is_better else share[::-1]
    if len(at) < 2 or any(left >= right for left, right in pairwise(at)) or at[-1] - at[0] > _SPAN_MAX:
        _refuse(value.key, f"{name}: corner points must ascend", f"{measure.title_zh}：折点须递增")
    if any(left > right for left, right in pairwise(rising)) or not all(0 <= part <= FULL for part in share):
        _refuse(value.key, f"{name}: shares must go one way within 0 to 100", f"{measure.title_zh}：得分率须单调")
    return Anchors(at=at, share=share)


def _gate(name: str, reader: _Reader) -> Gate:
    if name not in LIMITS:
        _refuse("gate_from", f"{name!r} is no input of an account", f"“{name}”不是账户数据项")
    cap = reader.get("gate_cap", name).value
    if cap != REFUSE and cap not in LETTERS:
        _refuse("gate_cap", f"{name}: {cap!r} is no letter and not {REFUSE!r}", f"{name}：“{cap}”不是等级")
    trips_from = reader.get("gate_from", name).integer
    return Gate(name=name, trips_from=trips_from, cap=None if cap == REFUSE else LETTERS.index(cap))


def _scaled(text: str, scale: int, key: str) -> int:
    number = parse_decimal(text, field=key) * scale
    if number != number.to_integral_value():
        _refuse(key, f"{text} has more places than the measure", f"“{text}”小数位过多")
    return int(number)


def _whole(value: ParameterValue, scale: int) -> int:
    return _scaled(value.value, scale, value.key)


def _refuse(key: str, detail: str, zh: str) -> None:
    raise InvalidInput(f"{key}: {detail}", zh=zh, field=key)
