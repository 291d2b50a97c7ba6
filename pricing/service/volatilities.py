"""Volatility of a unit off its stored quotes: the renewal estimator first, the usual ones beside it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise

import numpy as np
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import CarbonFinError, MissingData
from carbonfin.kernel.units import round_half_up, to_float
from carbonfin.storage.rulebook import book_for
from pricing.calc.market import Quote
from pricing.calc.quality import single_vintage_series
from pricing.calc.volatility import PriceHistory, VolatilityEstimate, estimated_volatility
from pricing.calc.volatility_estimators import Estimator
from pricing.service.market import market_days


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatorAnswer:
    """What one estimator gives, or why it gives nothing."""

    estimator: Estimator
    estimate: VolatilityEstimate | None
    refusal: Failure | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VolatilityAnswer:
    """The volatility of a unit by every estimator, the default first.

    Attributes:
        traded_count: Days with a listed trade, or whose volume is not published.
        limit_count: Days that closed a whole limit from the close before.
        has_volume: Whether any volume is published; where none is, days without trade cannot be told.
    """

    unit: Unit
    valuation_date: date
    known_at: datetime
    first_date: date
    last_date: date
    quoted_count: int
    traded_count: int
    limit_count: int
    has_volume: bool
    source: str
    is_sample: bool
    estimates: tuple[EstimatorAnswer, ...]


def volatility_estimates(
    session: Session, actor: Actor, *, unit: Unit, valuation_date: date, known_at: datetime
) -> VolatilityAnswer:
    """Estimate a unit's volatility from its whole history as known at an instant; nothing is kept.

    Raises:
        MissingData: The unit has no quote.
        NotApplicable: Its quotes mix vintages or products.
    """
    quotes = single_vintage_series(
        market_days(session, actor, unit=unit, from_date=None, to_date=valuation_date, known_at=known_at)
    )
    if not quotes:
        raise MissingData(
            f"{unit} has no quote up to {valuation_date}",
            zh=f"{unit} 在 {valuation_date} 及之前没有行情",
            field="unit",
            remedy="Import quotes of this unit.",
            remedy_zh="请导入该品种行情。",
        )
    book = book_for(session, actor.organization_id, packages=("pricing",))
    limit = book.find("pricing.limit_ratio", valid_on=valuation_date, known_at=known_at, scope=unit.scheme)
    history = price_history(quotes, None if limit is None else limit.decimal)
    return VolatilityAnswer(
        unit=unit,
        valuation_date=valuation_date,
        known_at=known_at,
        first_date=quotes[0].quote_date,
        last_date=quotes[-1].quote_date,
        quoted_count=len(quotes),
        traded_count=int(np.count_nonzero(history.traded)),
        limit_count=int(np.count_nonzero(history.at_limit)),
        has_volume=any(quote.listed_volume_t is not None for quote in quotes),
        source="；".join(sorted({quote.exchange for quote in quotes})),
        is_sample=any(quote.is_sample for quote in quotes),
        estimates=tuple(_estimated(history, one) for one in Estimator),
    )


def _estimated(history: PriceHistory, estimator: Estimator) -> EstimatorAnswer:
    try:
        estimate = estimated_volatility(history, estimator)
    except CarbonFinError as error:
        return EstimatorAnswer(estimator=estimator, estimate=None, refusal=Failure.of(estimator, error))
    return EstimatorAnswer(estimator=estimator, estimate=estimate, refusal=None)


def price_history(quotes: Sequence[Quote], limit_ratio: Decimal | None) -> PriceHistory:
    """Give quotes of one vintage as a history; a close a whole limit from the one before stands at the limit."""
    closes = [quote.price_cny_per_t for quote in quotes]
    at_limit = [False]
    for before, close in pairwise(closes):
        bounds = () if limit_ratio is None else (1 - limit_ratio, 1 + limit_ratio)
        at_limit.append(close in {round_half_up(before * bound) for bound in bounds})
    return PriceHistory(
        close_per_t=np.array([to_float(close) for close in closes]),
        high_per_t=np.array([_optional(quote.high_cny_per_t) for quote in quotes]),
        low_per_t=np.array([_optional(quote.low_cny_per_t) for quote in quotes]),
        traded=np.array([quote.listed_volume_t is None or quote.listed_volume_t > 0 for quote in quotes]),
        at_limit=np.array(at_limit),
    )


def _optional(price_cny_per_t: Decimal | None) -> float:
    """Give a high or low; not a number where it is not published, as the close would make it a day without range."""
    return math.nan if price_cny_per_t is None else to_float(price_cny_per_t)
