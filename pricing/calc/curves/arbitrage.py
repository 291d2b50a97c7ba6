"""Arbitrage in a volatility surface: variance that falls with time, call prices that are not convex in the strike."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np

from pricing.calc.curves.nodes import FloatArray, day_of
from pricing.calc.curves.volatility import StrikeAxis, VolatilitySurface
from pricing.calc.normal import normal_cdf

_VARIANCE_TOLERANCE = 1e-12
_SLOPE_TOLERANCE = 1e-12


class ArbitrageKind(StrEnum):
    """Which law a node breaks."""

    CALENDAR = "calendar"
    BUTTERFLY = "butterfly"


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceArbitrage:
    """One node that breaks a law.

    Attributes:
        kind: Which law.
        expiry_date: Expiry of the node.
        strike: Strike of the node on the surface's own axis.
        excess: How far: total variance lost since the expiry before, or slope of the call price lost over the strike.
    """

    kind: ArbitrageKind
    expiry_date: date
    strike: float
    excess: float


def surface_arbitrages(surface: VolatilitySurface) -> tuple[SurfaceArbitrage, ...]:
    """Name the nodes that allow arbitrage; none where the surface is sound.

    Calendar: at one moneyness K / F total variance must not fall from one expiry to the next (Gatheral and Jacquier,
    Quantitative Finance 14, 2014, definition 2.1). Butterfly: undiscounted call prices must fall in the strike with a
    slope of at least -1 that never decreases, counted from C(0) = F.
    """
    return (*_calendar(surface), *_butterfly(surface))


def _calendar(surface: VolatilitySurface) -> list[SurfaceArbitrage]:
    found: list[SurfaceArbitrage] = []
    serials, strikes = surface.expiry_serials, np.array(surface.strikes, dtype=np.float64)
    for place in range(1, len(serials)):
        before = surface.variances_at(expiry_serials=np.full(strikes.size, serials[place - 1]), strikes=strikes)
        by_moneyness = surface.axis is StrikeAxis.MONEYNESS
        scale = 1.0 if by_moneyness else surface.forwards_per_t[place] / surface.forwards_per_t[place - 1]
        same = strikes * scale
        after = surface.variances_at(expiry_serials=np.full(strikes.size, serials[place]), strikes=same)
        lost = before - after
        quoted = (same >= strikes[0]) & (same <= strikes[-1])
        found.extend(
            SurfaceArbitrage(
                kind=ArbitrageKind.CALENDAR,
                expiry_date=day_of(serials[place]),
                strike=float(same[column]),
                excess=float(lost[column]),
            )
            for column in np.flatnonzero(quoted & (lost > _VARIANCE_TOLERANCE))
        )
    return found


def _butterfly(surface: VolatilitySurface) -> list[SurfaceArbitrage]:
    found: list[SurfaceArbitrage] = []
    strikes = np.array(surface.strikes, dtype=np.float64)
    for serial, forward in zip(surface.expiry_serials, surface.forwards_per_t, strict=True):
        variances = surface.variances_at(expiry_serials=np.full(strikes.size, serial), strikes=strikes)
        moneyness = strikes if surface.axis is StrikeAxis.MONEYNESS else strikes / forward
        calls = _calls(moneyness, variances)
        # Per unit of forward: C(0) = 1, then the quoted strikes; past the last one the slope must not be positive.
        slopes = np.diff([1.0, *calls]) / np.diff([0.0, *moneyness])
        steps = np.diff([-1.0, *slopes, 0.0])
        for place in np.flatnonzero(steps < -_SLOPE_TOLERANCE):
            node = max(int(place) - 1, 0)
            found.append(
                SurfaceArbitrage(
                    kind=ArbitrageKind.BUTTERFLY,
                    expiry_date=day_of(serial),
                    strike=float(strikes[node]),
                    excess=float(-steps[place]),
                )
            )
    return found


def _calls(moneyness: FloatArray, variances: FloatArray) -> FloatArray:
    """Give undiscounted Black-76 calls per unit of forward, Phi(d1) - m Phi(d2)."""
    deviations = np.sqrt(variances)
    upper = -np.log(moneyness) / deviations + deviations / 2
    return np.asarray(normal_cdf(upper) - moneyness * normal_cdf(upper - deviations), dtype=np.float64)
