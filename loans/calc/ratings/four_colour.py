"""A four-colour account in the Quzhou manner (三维四色): three dimensions, each with its colour, and the worst of them.

本系统自有方法: the dimensions (行业先进性, 区域贡献度, 历史下降法) and colours are read in reports on Quzhou's account;
its thresholds and how it joins the three are not in any text at hand, so bounds are our own unconfirmed parameters and
the whole is the worst dimension. A dimension without its input is not decided, and then the whole is not either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from carbonfin.kernel.errors import MissingData
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure, checked_trace
from loans.calc.account_emissions import AccountEmissions, AccountFactors, account_emissions
from loans.calc.account_facts import YearFacts
from loans.calc.missing import MissingField
from loans.calc.ratings.carbon_efficiency import YUAN_PER_10K
from loans.calc.ratings.peers import peer_standing
from loans.calc.ratings.scorecard_decision import BenchmarkExcerpt
from loans.calc.rounding import half_up

METHOD_ZH = "本系统自有方法（参照衢州碳账户“三维四色”），非衢州评价结果，非深圳企业碳账户评级"
METHOD_EN = (
    "The system's own method after Quzhou's four colours; neither Quzhou's result nor the rating of the Shenzhen"
    " enterprise carbon account"
)
COLOURS = ("深绿", "浅绿", "黄", "红")
COLOURS_EN = {"深绿": "deep green", "浅绿": "light green", "黄": "yellow", "红": "red"}
INDUSTRY, REGION, HISTORY = "industry", "region", "history"
BOUND_KEYS = {
    INDUSTRY: "loans.four_colour.industry_ratio_max",
    REGION: "loans.four_colour.region_ratio_max",
    HISTORY: "loans.four_colour.fall_ratio_min",
}
REGION_MEAN_KEY = "loans.four_colour.region_mean_t_per_10k_cny"
_TITLES = {
    INDUSTRY: ("行业先进性", "Standing in the industry"),
    REGION: ("区域贡献度", "Contribution in the region"),
    HISTORY: ("历史下降法", "Fall on the year before"),
}
_MEDIAN = 50
_PLACES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class FourColourInputs:
    """Everything the four colours take.

    Attributes:
        factors: Those of the later year, for both years; None where it has no electricity entered.
        region_mean: Mean intensity of the enterprise's region, t/万元, as a bank approved it; None where none did.
        bounds: Of each dimension those of 深绿, 浅绿 and 黄.
    """

    name: str
    usci: str
    rated_on: date
    current: YearFacts
    previous: YearFacts | None
    factors: AccountFactors | None
    benchmark: BenchmarkExcerpt
    region_mean: ParameterValue | None
    bounds: tuple[ParameterValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """One of the three: its measure, 4 places, and colour; None where `missing` of the rating says why."""

    name: str
    title_zh: str
    title_en: str
    measure: Decimal | None
    colour: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FourColourRating:
    """Three colours and the worst of them; without one of the three there is none.

    Attributes:
        intensity_t_per_10k_cny: Intensity of the year, t/万元, 4 places.
    """

    method_zh: str
    year: int
    emissions_t: Decimal | None
    intensity_t_per_10k_cny: Decimal | None
    dimensions: tuple[Dimension, ...]
    colour: str | None
    benchmark_id: str
    missing: tuple[MissingField, ...]
    trace: tuple[Figure, ...]


def rate_four_colours(inputs: FourColourInputs) -> FourColourRating:
    """Give the colour of each dimension with its trace, and the worst of the three."""
    figures: list[Figure] = []
    missing: list[MissingField] = []
    current = _emissions(inputs.current, inputs.factors, figures, missing)
    intensity = _intensity(inputs.current, current, figures, missing)
    dimensions = (
        _dimension(INDUSTRY, _industry(inputs, intensity, figures, missing), inputs, figures),
        _dimension(REGION, _region(inputs, intensity, figures, missing), inputs, figures),
        _dimension(HISTORY, _history(inputs, intensity, figures, missing), inputs, figures),
    )
    colour = _worst([one.colour for one in dimensions])
    if colour is not None:
        figures.append(
            Figure(
                name="colour", label_zh="四色评价", label_en="Colour of the whole", value=colour, unit="code",
                formula="the worst of the three dimensions",
                inputs=tuple(f"colour.{one.name}" for one in dimensions),
            )
        )  # fmt: skip
    return FourColourRating(
        method_zh=METHOD_ZH,
        year=inputs.current.year,
        emissions_t=None if current is None else current.emissions_t,
        intensity_t_per_10k_cny=None if intensity is None else half_up(intensity, places=_PLACES),
        dimensions=dimensions,
        colour=colour,
        benchmark_id=inputs.benchmark.benchmark_id,
        missing=tuple(missing),
        trace=checked_trace(figures),
    )


def colour_below(measure: Fraction, bounds: Sequence[Fraction]) -> str:
    """Give the first colour whose upper bound is not exceeded, else 红; bounds ascend and are closed on the right."""
    return next(
        (colour for colour, bound in zip(COLOURS, bounds, strict=False) if measure <= bound), COLOURS[-1]
    )  # fmt: skip


def _emissions(
    facts: YearFacts, factors: AccountFactors | None, figures: list[Figure], missing: list[MissingField]
) -> AccountEmissions | None:
    if factors is None:
        missing.append(
            MissingField.of("electricity_kwh", f"缺少 {facts.year} 年用电量", f"electricity of {facts.year}")
        )
        return None
    try:
        emissions, traced = account_emissions(facts, factors)
    except MissingData as error:
        missing.append(MissingField.of(error.field or "", error.zh, error.detail))
        return None
    figures += traced
    return emissions


def _intensity(
    facts: YearFacts, emissions: AccountEmissions | None, figures: list[Figure], missing: list[MissingField]
) -> Fraction | None:
    value_added = facts.value_added_cny
    if value_added is None or value_added <= 0:
        missing.append(
            MissingField.of(
                "value_added_cny", f"缺少 {facts.year} 年增加值（须大于零）", f"value added of {facts.year} above zero"
            )
        )
        return None
    if emissions is None:
        return None
    intensity = Fraction(emissions.emissions_t * YUAN_PER_10K) / Fraction(value_added)
    added, name = f"value_added_cny.{facts.year}", _intensity_name(facts.year)
    figures += [
        Figure(
            name=added, label_zh=f"{facts.year} 年增加值", label_en=f"Value added {facts.year}",
            value=f"{value_added:f}", unit="CNY", source="、".join(facts.sources),
        ),
        Figure(
            name=name, label_zh=f"{facts.year} 年碳强度", label_en=f"Intensity {facts.year}",
            value=str(half_up(intensity, places=_PLACES)), unit="t/万元", formula="t / (value added / 10000)",
            inputs=(emissions.figure_name, added),
        ),
    ]  # fmt: skip
    return intensity


def _intensity_name(year: int) -> str:
    return f"intensity_t_per_10k_cny.{year}"


def _industry(
    inputs: FourColourInputs, intensity: Fraction | None, figures: list[Figure], missing: list[MissingField]
) -> Fraction | None:
    group = inputs.benchmark.group
    if group is None:
        missing.append(
            MissingField.of("industry", "缺少行业或企业规模，无同业可比", "industry or size, so no peers to compare")
        )
        return None
    median = dict(peer_standing(group, None).quantiles)[_MEDIAN]
    if median <= 0:
        missing.append(MissingField.of("benchmark_id", "同业碳强度中位数为零", "a median of the peers above zero"))
        return None
    figures.append(
        Figure(
            name="peer_median_t_per_10k_cny", label_zh=f"同业碳强度中位数（{group.name}，{group.peer_count} 家）",
            label_en=f"Median intensity of peers ({group.name}, {group.peer_count})", value=str(median), unit="t/万元",
            source=f"{inputs.benchmark.benchmark_id}，{inputs.benchmark.source}，SHA-256 {inputs.benchmark.digest}",
        )
    )  # fmt: skip
    if intensity is None:
        return None
    return _ratio(
        INDUSTRY,
        intensity,
        Fraction(median),
        figure_name="peer_median_t_per_10k_cny",
        year=inputs.current.year,
        figures=figures,
    )


def _region(
    inputs: FourColourInputs, intensity: Fraction | None, figures: list[Figure], missing: list[MissingField]
) -> Fraction | None:
    mean = inputs.region_mean
    if mean is None or mean.decimal <= 0:
        missing.append(
            MissingField.of(
                "region_mean",
                "缺少区域平均碳强度（须由本行录入并批准）",
                "the region's mean intensity, approved by the bank",
            )
        )
        return None
    figures.append(Figure.of_parameter("region_mean_t_per_10k_cny", mean))
    if intensity is None:
        return None
    return _ratio(
        REGION,
        intensity,
        Fraction(mean.decimal),
        figure_name="region_mean_t_per_10k_cny",
        year=inputs.current.year,
        figures=figures,
    )


def _ratio(
    name: str, intensity: Fraction, to: Fraction, *, figure_name: str, year: int, figures: list[Figure]
) -> Fraction:
    ratio = intensity / to
    title_zh, title_en = _TITLES[name]
    figures.append(
        Figure(
            name=f"measure.{name}", label_zh=f"{title_zh}（碳强度之比）", label_en=f"{title_en} (ratio of intensities)",
            value=str(half_up(ratio, places=_PLACES)), unit="ratio", formula="own intensity / that of the others",
            inputs=(_intensity_name(year), figure_name),
        )
    )  # fmt: skip
    return ratio


def _history(
    inputs: FourColourInputs, intensity: Fraction | None, figures: list[Figure], missing: list[MissingField]
) -> Fraction | None:
    if inputs.previous is None:
        missing.append(MissingField.of("previous", "缺少上一年度明细", "the year before"))
        return None
    if inputs.current.is_comparable != 1:
        missing.append(
            MissingField.of("is_comparable", "未确认与上年口径一致", "that both years have one boundary and method")
        )
        return None
    emissions = _emissions(inputs.previous, inputs.factors, figures, missing)
    before = _intensity(inputs.previous, emissions, figures, missing)
    if before is not None and not before:
        missing.append(MissingField.of("previous", "上一年度碳强度为零", "an intensity of the year before above zero"))
    if intensity is None or not before:
        return None
    fall = (before - intensity) / before
    title_zh, title_en = _TITLES[HISTORY]
    figures.append(
        Figure(
            name=f"measure.{HISTORY}", label_zh=f"{title_zh}（碳强度降幅）", label_en=f"{title_en} (of intensity)",
            value=str(half_up(fall, places=_PLACES)), unit="ratio", formula="(before - now) / before",
            inputs=(_intensity_name(inputs.previous.year), _intensity_name(inputs.current.year)),
        )
    )  # fmt: skip
    return fall


def _dimension(
    name: str, measure: Fraction | None, inputs: FourColourInputs, figures: list[Figure]
) -> Dimension:  # fmt: skip
    title_zh, title_en = _TITLES[name]
    if measure is None:
        return Dimension(name=name, title_zh=title_zh, title_en=title_en, measure=None, colour=None)
    own = {value.scope: value for value in inputs.bounds if value.key == BOUND_KEYS[name]}
    bounds = [own[colour] for colour in COLOURS[:-1]]
    # A fall is the better the larger: turned over, it reads as the others do, with its bounds closed alike.
    sign = -1 if name == HISTORY else 1
    colour = colour_below(sign * measure, [sign * Fraction(bound.decimal) for bound in bounds])
    named = [Figure.of_parameter(f"bound.{name}.{bound.scope}", bound) for bound in bounds]
    figures += [
        *named,
        Figure(
            name=f"colour.{name}", label_zh=title_zh, label_en=title_en, value=colour, unit="code",
            formula="first colour whose bound is kept, else 红",
            inputs=(f"measure.{name}", *(one.name for one in named)),
        ),
    ]  # fmt: skip
    return Dimension(
        name=name, title_zh=title_zh, title_en=title_en, measure=half_up(measure, places=_PLACES), colour=colour
    )


def _worst(colours: Sequence[str | None]) -> str | None:
    known = [COLOURS.index(colour) for colour in colours if colour is not None]
    return COLOURS[max(known)] if len(known) == len(colours) else None


FOUR_COLOUR_KIND: DecisionKind[FourColourInputs, FourColourRating] = DecisionKind(
    name="loans.four_colours", version="1", inputs=FourColourInputs, outputs=FourColourRating,
    decide=rate_four_colours,
)  # fmt: skip
