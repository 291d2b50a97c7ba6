"""Carbon efficiency beside the outside rating (本系统自有方法): cut, intensity band and ratio to the sector's mean.

Bands and levels follow the public Zhejiang method (工业碳效码): thresholds are closed on the right.
Nothing missing is assumed: a result without its input is not decided and names the field.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure, checked_trace
from loans.calc.missing import MissingField
from loans.calc.ratings.emissions import ActivityYear, FuelFactor, YearEmissions, year_emissions
from loans.calc.rounding import half_up

METHOD_ZH = "本系统自有方法"
METHOD_EN = "The system's own method"
HIGHEST_BAND = "高碳"
YUAN_PER_10K = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SectorMean:
    """Mean intensity of the enterprise's sector, t CO2 per 万元 of value added."""

    intensity_t_per_10k_cny: Decimal
    source: str
    confirmed: bool

    def __post_init__(self) -> None:
        """Refuse a mean that is not above zero."""
        if self.intensity_t_per_10k_cny <= 0:
            raise InvalidInput(
                f"sector mean is {self.intensity_t_per_10k_cny}",
                zh="行业平均碳强度须大于零",
                field="sector_mean_t_per_10k_cny",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingInputs:
    """Everything a carbon rating takes.

    Attributes:
        grid_factor: One grid factor for both years, so that a cleaner grid is not the enterprise's merit.
        intensity_bands: Upper bounds by band name (scope), t/万元, ascending; above the last is 高碳.
        ratio_levels: Upper bounds of the ratio to the mean by level (scope 1 to 4), ascending; above is 5.
    """

    name: str
    usci: str
    current: ActivityYear
    previous: ActivityYear | None
    grid_factor: ParameterValue
    fuel_factors: tuple[FuelFactor, ...]
    value_added_cny: Decimal | None
    sector_mean: SectorMean | None
    intensity_bands: tuple[ParameterValue, ...]
    ratio_levels: tuple[ParameterValue, ...]

    def __post_init__(self) -> None:
        """Refuse years out of order."""
        if self.previous is not None and self.previous.year != self.current.year - 1:
            raise InvalidInput(
                f"{self.previous.year} is not the year before {self.current.year}",
                zh=f"{self.previous.year} 年不是 {self.current.year} 年的上一年",
                field="previous/year",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PartChange:
    """What moved the emissions: the change of one energy carrier from the year before."""

    carrier: str
    label_zh: str
    label_en: str
    change_t: Decimal
    figure_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CarbonRating:
    """The rating by the own method; None stands where `missing` names why.

    Attributes:
        cut_ratio: Fall of emissions on the year before, 4 places; negative is a rise.
        intensity_t_per_10k_cny: L, whole tonnes per 万元 of value added, 4 places.
        ratio_to_mean: K = L / sector mean, 4 places.
        level: 1 best to 5 worst.
    """

    method_zh: str
    current: YearEmissions
    previous: YearEmissions | None
    cut_ratio: Decimal | None
    changes: tuple[PartChange, ...]
    intensity_t_per_10k_cny: Decimal | None
    band: str | None
    ratio_to_mean: Decimal | None
    level: int | None
    missing: tuple[MissingField, ...]
    trace: tuple[Figure, ...]


def intensity_band(intensity: Fraction, bands: tuple[ParameterValue, ...]) -> str:
    """Give the band of an exact intensity: the first whose upper bound is not exceeded, else 高碳."""
    return next((band.scope for band in bands if intensity <= Fraction(band.decimal)), HIGHEST_BAND)


def ratio_level(ratio: Fraction, levels: tuple[ParameterValue, ...]) -> int:
    """Give the level of an exact ratio to the mean: the first whose upper bound is not exceeded, else one more."""
    return next((int(level.scope) for level in levels if ratio <= Fraction(level.decimal)), len(levels) + 1)


def rate_carbon_efficiency(inputs: RatingInputs) -> CarbonRating:
    """Give cut, intensity band and level, each with its trace, or name what is missing.

    Raises:
        MissingData: The current year's electricity or a fuel's factor is not known.
    """
    current, trace = year_emissions(inputs.current, grid_factor=inputs.grid_factor, fuel_factors=inputs.fuel_factors)
    figures, missing = list(trace), []
    previous: YearEmissions | None = None
    if inputs.previous is None or inputs.previous.electricity_mwh is None:
        missing.append(MissingField.of("previous", "缺少上一年度用能数据", "the year before"))
    else:
        previous, previous_trace = year_emissions(
            inputs.previous, grid_factor=inputs.grid_factor, fuel_factors=inputs.fuel_factors
        )
        figures += previous_trace
    cut_ratio, changes = _cut(current, previous, figures, missing)
    intensity = _intensity(inputs, current, figures, missing)
    ratio = _ratio(inputs, intensity, figures, missing)
    band = None if intensity is None else _band(intensity, inputs, figures)
    level = None if ratio is None else _level(ratio, inputs, figures)
    return CarbonRating(
        method_zh=METHOD_ZH,
        current=current,
        previous=previous,
        cut_ratio=cut_ratio,
        changes=changes,
        intensity_t_per_10k_cny=None if intensity is None else half_up(intensity, places=4),
        band=band,
        ratio_to_mean=None if ratio is None else half_up(ratio, places=4),
        level=level,
        missing=tuple(missing),
        trace=checked_trace(figures),
    )


def _cut(
    current: YearEmissions, previous: YearEmissions | None, figures: list[Figure], missing: list[MissingField]
) -> tuple[Decimal | None, tuple[PartChange, ...]]:
    if previous is None:
        return None, ()
    if not previous.emissions_t:
        missing.append(
            MissingField.of("previous", "上一年度排放量为零，无法计算降幅", "the year before emitted nothing")
        )
        return None, ()
    changes = _changes(current, previous, figures)
    cut = half_up(Fraction(previous.emissions_t - current.emissions_t) / Fraction(previous.emissions_t), places=4)
    figures.append(
        Figure(
            name="cut_ratio",
            label_zh="排放量同比降幅",
            label_en="Cut on the year before",
            value=str(cut),
            unit="ratio",
            formula="(previous - current) / previous",
            inputs=(previous.figure_name, current.figure_name),
        )
    )
    return cut, changes


def _changes(current: YearEmissions, previous: YearEmissions, figures: list[Figure]) -> tuple[PartChange, ...]:
    now = {part.carrier: part for part in current.parts}
    before = {part.carrier: part for part in previous.parts}
    changes = []
    for carrier, part in {**before, **now}.items():
        held = [side[carrier] for side in (before, now) if carrier in side]
        now_t = now[carrier].emissions_t if carrier in now else Decimal("0.00")
        before_t = before[carrier].emissions_t if carrier in before else Decimal("0.00")
        name = f"change_t.{carrier}"
        figures.append(
            Figure(
                name=name,
                label_zh=f"{part.label_zh}排放变化",
                label_en=f"Change from {part.label_en.lower()}",
                value=str(now_t - before_t),
                unit="t",
                formula="current - previous",
                inputs=tuple(side.figure_name for side in held),
            )
        )
        changes.append(
            PartChange(
                carrier=carrier,
                label_zh=part.label_zh,
                label_en=part.label_en,
                change_t=now_t - before_t,
                figure_name=name,
            )
        )
    return tuple(changes)


def _intensity(
    inputs: RatingInputs, current: YearEmissions, figures: list[Figure], missing: list[MissingField]
) -> Fraction | None:
    if inputs.value_added_cny is None or inputs.value_added_cny <= 0:
        missing.append(MissingField.of("value_added_cny", "缺少增加值（须大于零）", "value added above zero"))
        return None
    intensity = Fraction(current.company_t * YUAN_PER_10K) / Fraction(inputs.value_added_cny)
    figures += [
        Figure(
            name="value_added_cny",
            label_zh=f"{current.year} 年增加值",
            label_en=f"Value added {current.year}",
            value=str(inputs.value_added_cny),
            unit="CNY",
            source=inputs.current.source,
        ),
        Figure(
            name="intensity_t_per_10k_cny",
            label_zh="碳强度 L",
            label_en="Intensity L",
            value=str(half_up(intensity, places=4)),
            unit="t/万元",
            formula="company t / (value added / 10000)",
            inputs=(current.company_figure_name, "value_added_cny"),
        ),
    ]
    return intensity


def _ratio(
    inputs: RatingInputs, intensity: Fraction | None, figures: list[Figure], missing: list[MissingField]
) -> Fraction | None:
    if inputs.sector_mean is None:
        missing.append(
            MissingField.of("sector_mean_t_per_10k_cny", "缺少行业平均碳强度", "the sector's mean intensity")
        )
        return None
    if intensity is None:
        return None
    ratio = intensity / Fraction(inputs.sector_mean.intensity_t_per_10k_cny)
    figures += [
        Figure(
            name="sector_mean_t_per_10k_cny",
            label_zh="行业平均碳强度",
            label_en="Sector mean intensity",
            value=str(inputs.sector_mean.intensity_t_per_10k_cny),
            unit="t/万元",
            source=inputs.sector_mean.source,
            confirmed=inputs.sector_mean.confirmed,
        ),
        Figure(
            name="ratio_to_mean",
            label_zh="与行业均值之比 K",
            label_en="Ratio to the sector mean K",
            value=str(half_up(ratio, places=4)),
            unit="ratio",
            formula="L / sector mean",
            inputs=("intensity_t_per_10k_cny", "sector_mean_t_per_10k_cny"),
        ),
    ]
    return ratio


def _band(intensity: Fraction, inputs: RatingInputs, figures: list[Figure]) -> str:
    names = _thresholds("intensity_max", inputs.intensity_bands, figures)
    band = intensity_band(intensity, inputs.intensity_bands)
    figures.append(
        Figure(
            name="intensity_band",
            label_zh="碳强度档次",
            label_en="Intensity band",
            value=band,
            unit="code",
            formula="first band whose upper bound is not exceeded, else 高碳",
            inputs=("intensity_t_per_10k_cny", *names),
        )
    )
    return band


def _level(ratio: Fraction, inputs: RatingInputs, figures: list[Figure]) -> int:
    names = _thresholds("ratio_max", inputs.ratio_levels, figures)
    level = ratio_level(ratio, inputs.ratio_levels)
    figures.append(
        Figure(
            name="carbon_level",
            label_zh=f"碳效等级（{METHOD_ZH}）",
            label_en="Carbon efficiency level (own method)",
            value=str(level),
            unit="code",
            formula="first level whose upper bound is not exceeded, else 5",
            inputs=("ratio_to_mean", *names),
        )
    )
    return level


def _thresholds(prefix: str, values: tuple[ParameterValue, ...], figures: list[Figure]) -> list[str]:
    names = [f"{prefix}.{value.scope}" for value in values]
    figures += [Figure.of_parameter(name, value) for name, value in zip(names, values, strict=True)]
    return names


RATING_KIND: DecisionKind[RatingInputs, CarbonRating] = DecisionKind(
    name="loans.rating", version="1", inputs=RatingInputs, outputs=CarbonRating, decide=rate_carbon_efficiency
)
