"""The four-colour account as the API shows it."""

from msgspec import Struct

from loans.calc.ratings.four_colour import METHOD_EN, Dimension, FourColourRating
from loans.schemas.lending import MissingOut
from loans.schemas.rating_sources import RatingSourceOut, sources_out

FOUR_COLOUR = "four-colour"


class DimensionOut(Struct, frozen=True, kw_only=True):
    """One of the three dimensions: its measure and colour (深绿, 浅绿, 黄, 红), null where `missing` says why."""

    name: str
    title_zh: str
    title_en: str
    measure: str | None
    colour: str | None

    @classmethod
    def of(cls, dimension: Dimension) -> "DimensionOut":
        """Copy a dimension."""
        return cls(
            name=dimension.name,
            title_zh=dimension.title_zh,
            title_en=dimension.title_en,
            measure=None if dimension.measure is None else str(dimension.measure),
            colour=dimension.colour,
        )


class FourColourRatingOut(Struct, frozen=True, kw_only=True):
    """Three colours and the worst of them, after Quzhou's; neither Quzhou's result nor Shenzhen's rating."""

    decision_id: str
    method: str
    method_zh: str
    method_en: str
    year: int
    emissions_t: str | None
    intensity_t_per_10k_cny: str | None
    dimensions: list[DimensionOut]
    colour: str | None
    benchmark_id: str
    missing: list[MissingOut]
    sources: list[RatingSourceOut]

    @classmethod
    def of(cls, rating: FourColourRating, *, decision_id: str) -> "FourColourRatingOut":
        """Copy a rating."""
        return cls(
            decision_id=decision_id,
            method=FOUR_COLOUR,
            method_zh=rating.method_zh,
            method_en=METHOD_EN,
            year=rating.year,
            emissions_t=None if rating.emissions_t is None else str(rating.emissions_t),
            intensity_t_per_10k_cny=None
            if rating.intensity_t_per_10k_cny is None
            else str(rating.intensity_t_per_10k_cny),
            dimensions=[DimensionOut.of(one) for one in rating.dimensions],
            colour=rating.colour,
            benchmark_id=rating.benchmark_id,
            missing=[MissingOut.of(one) for one in rating.missing],
            sources=sources_out(rating.trace),
        )
