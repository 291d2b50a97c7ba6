"""Futures-style contracts: daily variation margin from settlement prices; the position is worth nothing after it."""

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput

FloatArray = npt.NDArray[np.float64]


def daily_variation_margin_cny(
    *, settlement_cny_per_t: FloatArray, trade_cny_per_t: float, quantity_t: float
) -> FloatArray:
    """Give the cash of each settlement day, (S_i - S_{i-1}) q, the first against the trade price.

    Args:
        settlement_cny_per_t: Settlement prices in order of days, shape (days,).
        trade_cny_per_t: Price traded at.
        quantity_t: Tonnes, negative for a short position.
    """
    _finite_prices(settlement_cny_per_t)
    return np.diff(settlement_cny_per_t, prepend=trade_cny_per_t) * quantity_t


def cumulative_variation_margin_cny(
    *, settlement_cny_per_t: FloatArray, trade_cny_per_t: float, quantity_t: float
) -> FloatArray:
    """Give the margin paid up to each settlement day; at the end, q times (last settlement - trade price)."""
    return np.cumsum(
        daily_variation_margin_cny(
            settlement_cny_per_t=settlement_cny_per_t, trade_cny_per_t=trade_cny_per_t, quantity_t=quantity_t
        )
    )


def margin_account_cny(*, variation_margin_cny: FloatArray, times_years: FloatArray, rate: float) -> float:
    """Give the margin account at the last time, each payment with continuous interest: sum v_i exp(r (T - t_i))."""
    if variation_margin_cny.shape != times_years.shape:
        raise InvalidInput(
            f"{variation_margin_cny.size} payments have {times_years.size} times",
            zh="保证金笔数与时间个数不一致",
            field="times_years",
        )
    return float(np.sum(variation_margin_cny * np.exp(rate * (times_years[-1] - times_years))))


def tailed_quantity_t(*, quantity_t: float, times_years: FloatArray, maturity_years: float, rate: float) -> FloatArray:
    """Give the futures quantity that hedges a forward of the same strike: q exp(-r (T - t_i))."""
    return quantity_t * np.exp(-rate * (maturity_years - times_years))


def _finite_prices(prices: FloatArray) -> None:
    if not np.all(np.isfinite(prices)):
        row = int(np.flatnonzero(~np.isfinite(prices))[0])
        raise InvalidInput(
            f"settlement price {row + 1} is {prices[row]}", zh=f"第 {row + 1} 个结算价不是有限数", field="settlement"
        )
