"""The value of a bond whose coupon follows an allowance price: fixed part, linked part through forwards and options."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from carbonfin.kernel.dates import year_fraction
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import to_float
from pricing.calc.instruments.structures import CarbonBond, PriceLink
from pricing.calc.instruments.valuation import FloatArray, require_alike, require_finite
from pricing.calc.options.black76 import black76_value_per_t


@dataclass(frozen=True, slots=True, kw_only=True)
class BondValue:
    """The value of a bond by part, in its currency.

    Attributes:
        fixed_amount: Base coupons and the face, discounted.
        linked_amount: Linked coupons, discounted; shape (coupons,) summed.
        linked_rates: Expected linked rate of each coupon still to come, shape (coupons,).
    """

    fixed_amount: float
    linked_amount: float
    linked_rates: FloatArray

    @property
    def total_amount(self) -> float:
        """Fixed and linked part."""
        return self.fixed_amount + self.linked_amount


def expected_linked_rates(link: PriceLink, *, forward_per_t: FloatArray, total_volatility: FloatArray) -> FloatArray:
    """Give E[min(cap, max(floor, s (P - P0)))] for lognormal P with mean F.

    With the strikes K_f = P0 + floor / s and K_c = P0 + cap / s it is floor + s (C(K_f) - C(K_c)), C the undiscounted
    Black-76 call; without a floor the first call is the forward less the reference, without a cap the second is nil. A
    strike of nil or less is always passed: C(K) = F - K.

    Args:
        link: Reference, slope, floor and cap.
        forward_per_t: F to each observation, shape (coupons,), more than nil.
        total_volatility: sigma sqrt(T) to each observation, shape (coupons,); nil for a price that is known.

    Raises:
        InvalidInput: Shapes differ, a price is not positive or a volatility is negative.
    """
    require_alike(forward_per_t=forward_per_t, total_volatility=total_volatility)
    if np.any(forward_per_t <= 0) or np.any(total_volatility < 0):
        raise InvalidInput(
            "forward prices must be positive and total volatilities not negative",
            zh="远期价格须为正，总波动率不能为负",
            field="forward_per_t",
        )
    reference, slope = to_float(link.reference_per_t), to_float(link.slope_rate)
    if link.floor_rate is None:
        rates = slope * (forward_per_t - reference)
    else:
        floor = to_float(link.floor_rate)
        rates = floor + slope * _call_per_t(forward_per_t, total_volatility, strike_per_t=reference + floor / slope)
    if link.cap_rate is not None:
        strike_per_t = reference + to_float(link.cap_rate) / slope
        rates = rates - slope * _call_per_t(forward_per_t, total_volatility, strike_per_t=strike_per_t)
    return require_finite(rates)


def carbon_bond_value(
    bond: CarbonBond,
    *,
    valuation_date: date,
    forward_per_t: FloatArray,
    total_volatility: FloatArray,
    discount_factor: FloatArray,
) -> BondValue:
    """Give the value of the coupons after the valuation date and of the face, dirty.

    PV = N (sum of D_i t_i (base + E[linked_i]) + D_n), t_i by the bond's day count over the whole coupon period.

    Args:
        bond: The terms.
        valuation_date: A coupon paid on that day is no longer in the value.
        forward_per_t: Forward price to each remaining observation, shape (coupons,).
        total_volatility: sigma sqrt(T) to each remaining observation, shape (coupons,).
        discount_factor: D to each remaining payment, shape (coupons,).

    Raises:
        InvalidInput: Shapes differ or numbers cannot be.
        MissingData: No coupon is left.
    """
    starts = (bond.issue_date, *bond.coupon_dates[:-1])
    periods = [(start, end) for start, end in zip(starts, bond.coupon_dates, strict=True) if end > valuation_date]
    if not periods:
        raise MissingData(
            f"bond {bond.bond_id} was repaid on {bond.coupon_dates[-1]}",
            zh=f"债券 {bond.bond_id} 已于 {bond.coupon_dates[-1]} 兑付",
            field="valuation_date",
        )
    require_alike(forward_per_t=forward_per_t, total_volatility=total_volatility, discount_factor=discount_factor)
    if forward_per_t.shape != (len(periods),):
        raise InvalidInput(
            f"{forward_per_t.size} prices are given for {len(periods)} coupons to come",
            zh=f"未付息期 {len(periods)} 个，所给价格 {forward_per_t.size} 个",
            field="forward_per_t",
        )
    return coupon_values(
        face=to_float(bond.face_amount),
        base_rate=to_float(bond.base_rate),
        link=bond.link,
        years=np.array([float(year_fraction(bond.day_count, start, end)) for start, end in periods]),
        forward_per_t=forward_per_t,
        total_volatility=total_volatility,
        discount_factor=discount_factor,
    )


def coupon_values(
    *,
    face: float,
    base_rate: float,
    link: PriceLink,
    years: FloatArray,
    forward_per_t: FloatArray,
    total_volatility: FloatArray,
    discount_factor: FloatArray,
) -> BondValue:
    """Give the value of coupons to come and of the face, N (sum of D_i t_i (base + E[linked_i]) + D_n).

    Args:
        face: N, in the bond's currency.
        base_rate: Fixed part of the yearly rate.
        link: The part that follows a price.
        years: t_i, year fraction of each coupon period, shape (coupons,), as of the next three.
        forward_per_t: F to each observation.
        total_volatility: sigma sqrt(T) to each observation.
        discount_factor: D to each payment.
    """
    linked_rates = expected_linked_rates(link, forward_per_t=forward_per_t, total_volatility=total_volatility)
    weights = years * discount_factor
    return BondValue(
        fixed_amount=face * (base_rate * float(np.sum(weights)) + float(discount_factor[-1])),
        linked_amount=face * float(np.sum(linked_rates * weights)),
        linked_rates=linked_rates,
    )


def _call_per_t(forward_per_t: FloatArray, total_volatility: FloatArray, *, strike_per_t: float) -> FloatArray:
    if strike_per_t <= 0:
        return forward_per_t - strike_per_t
    return black76_value_per_t(
        forward_per_t=forward_per_t,
        strike_per_t=np.full(forward_per_t.shape, strike_per_t),
        total_volatility=total_volatility,
        discount_factor=np.ones(forward_per_t.shape),
        option_sign=np.ones(forward_per_t.shape),
    )
