"""Price paths of a stress: what each unit is worth over today's price, day by day."""

import math

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.units import to_float
from collateral.calc.book_stress.terms import StressInputs, StressMarket, StressScenario, StressUnit
from collateral.calc.haircut_models.wrong_way import DAYS_A_YEAR

FloatArray = npt.NDArray[np.float64]

_STREAM = 5


def named_fall(scenario: StressScenario, days: int) -> FloatArray:
    """Give the fall that a stress names over today's price, shape (days,): even in log price, then it stays."""
    done = np.minimum(np.arange(1, days + 1) / scenario.price_days, 1.0)
    return np.asarray(np.exp(math.log1p(-to_float(scenario.price_ratio)) * done), dtype=np.float64)


def cliff_days(inputs: StressInputs, scenario: StressScenario) -> list[int | None]:
    """Give by unit the last trading day on which it is worth anything; None where no end is in sight.

    The nearer of its own last usable date and of the stress's cliff; a unit whose end is not known is old.
    """
    return [_last_day(one, scenario, inputs.business_date.year) for one in inputs.units]


def _last_day(one: StressUnit, scenario: StressScenario, year: int) -> int | None:
    ends = [] if one.days_to_last_use is None else [one.days_to_last_use]
    is_old = not one.has_known_end or (one.vintage is not None and one.vintage <= year - scenario.cliff_years)
    if scenario.cliff_day is not None and is_old:
        ends.append(scenario.cliff_day - 1)
    return min(ends, default=None)


def unit_factors(
    inputs: StressInputs, scenario: StressScenario, days: int, walks: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """Give each unit's price over today's, shape (units, days, paths), and the fall named alone, shape (days,).

    `walks` are the random walks by unit, or None for the one named path.
    """
    fall = named_fall(scenario, days)
    shape = (len(inputs.units), days, 1)
    factors = np.broadcast_to(fall[None, :, None], shape) if walks is None else fall[None, :, None] * walks
    factors = factors.copy()
    for place, last in enumerate(cliff_days(inputs, scenario)):
        if last is not None and last < days:
            factors[place, max(0, last) :] = 0.0
    return factors, fall


def random_walks(inputs: StressInputs, days: int, block: int, count: int) -> FloatArray:
    """Give joint random walks by unit, shape (units, days, count); vintages of one scheme move as one.

    Log price moves by sigma (sqrt(rho) M + sqrt(1 - rho) e) - sigma^2 / 2 a day, and all fall together by the jumps,
    which are not made good by a drift: a stress has no reason to give them back. A day's move stays within the limit;
    what is left over moves the next day.
    """
    market = inputs.market
    schemes = list(dict.fromkeys(one.scheme for one in inputs.units))
    generator = np.random.Generator(np.random.SFC64(np.random.SeedSequence((inputs.seed, block, _STREAM))))
    common = generator.standard_normal((days, count))
    jumps = _jumps(market, generator, days, count)
    rho = to_float(market.correlation)
    own = {name: generator.standard_normal((days, count)) for name in schemes}
    found = np.empty((len(inputs.units), days, count))
    for place, one in enumerate(inputs.units):
        deviation = to_float(one.volatility) / math.sqrt(DAYS_A_YEAR)
        noise = math.sqrt(rho) * common + math.sqrt(1.0 - rho) * own[one.scheme]
        latent = np.cumsum(deviation * noise - 0.5 * deviation * deviation + jumps, axis=0)
        found[place] = np.exp(_limited(latent, one))
    return found


def _jumps(market: StressMarket, generator: np.random.Generator, days: int, count: int) -> FloatArray:
    """Give the sum of a day's joint jumps down, shape (days, count)."""
    numbers = generator.poisson(to_float(market.jumps_per_year) / DAYS_A_YEAR, size=(days, count))
    sizes = generator.standard_gamma(np.maximum(numbers, 1).astype(np.float64)) * to_float(market.jump_mean)
    return np.where(numbers > 0, -sizes, 0.0)


def _limited(latent: FloatArray, one: StressUnit) -> FloatArray:
    if one.daily_limit_ratio is None:
        return latent
    limit = to_float(one.daily_limit_ratio)
    low, high = math.log1p(-limit), math.log1p(limit)
    shown = np.empty_like(latent)
    before = np.zeros(latent.shape[1])
    for day, aim in enumerate(latent):
        before = before + np.clip(aim - before, low, high)
        shown[day] = before
    return shown
