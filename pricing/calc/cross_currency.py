"""Prices across currencies: FX forwards by covered parity, and a foreign allowance in one's own currency.

Covered parity: F(T) = X (D_base / D_quote), with X quote units per base unit and D the discount factors of the two
currencies from the FX spot date to T. A rate that is not quoted comes by a cross over the dollar; on forwards the cross
and direct parity agree, whatever the dollar's own rate (the triangle).

A foreign allowance with forward F_f, volatility sigma_F and FX forward X_T, volatility sigma_X, correlation rho of
ln F_f with ln X (own currency per foreign currency):
    composite forward  F_f X_T, volatility sqrt(sigma_F^2 + sigma_X^2 + 2 rho sigma_F sigma_X)
    quanto forward     F_f exp(-rho sigma_F sigma_X T): the foreign number, paid in the own currency one for one.
Source: J. Hull, Options, Futures and Other Derivatives, on quantos; lognormal price and FX, constant volatility.
Domain: parity holds where both currencies can be borrowed and moved. CNH converts and CNY does not: a rate built with
CNH interest is an offshore rate, and `currency_warnings` says so where it is used for CNY.
"""

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.units import Currency
from pricing.calc.models.cautions import FloatArray, ModelCode, ModelWarning, correlation, not_negative, positive

PIPS_PER_UNIT = 10_000.0


def cross_fx_rate(*, quote_per_dollar: npt.ArrayLike, base_per_dollar: npt.ArrayLike) -> FloatArray:
    """Give quote units per base unit from both currencies' rates against the dollar: (Q/USD) / (B/USD)."""
    quote = positive(quote_per_dollar, field="quote_per_dollar", zh="报价货币兑美元汇率")
    base = positive(base_per_dollar, field="base_per_dollar", zh="基准货币兑美元汇率")
    return np.asarray(quote / base)


def fx_forward_rate(
    *, spot_rate: npt.ArrayLike, base_discount_factor: npt.ArrayLike, quote_discount_factor: npt.ArrayLike
) -> FloatArray:
    """Give the FX forward by covered parity, F = X D_base / D_quote, element by element.

    Args:
        spot_rate: X, quote units per base unit, for the spot date.
        base_discount_factor: Base currency, from the spot date to delivery.
        quote_discount_factor: Quote currency, from the spot date to delivery.

    Raises:
        InvalidInput: A rate or factor is not finite and above zero.
    """
    spot = positive(spot_rate, field="spot_rate", zh="即期汇率")
    base = positive(base_discount_factor, field="base_discount_factor", zh="基准货币贴现因子")
    quote = positive(quote_discount_factor, field="quote_discount_factor", zh="报价货币贴现因子")
    return np.asarray(spot * base / quote)


def forward_points_pips(*, spot_rate: npt.ArrayLike, forward_rate: npt.ArrayLike) -> FloatArray:
    """Give forward points, (F - X) 10,000, as the market quotes pairs of four decimals."""
    spot = positive(spot_rate, field="spot_rate", zh="即期汇率")
    return np.asarray((positive(forward_rate, field="forward_rate", zh="远期汇率") - spot) * PIPS_PER_UNIT)


def composite_forward_per_t(*, foreign_forward_per_t: npt.ArrayLike, fx_forward_rate: npt.ArrayLike) -> FloatArray:
    """Give the forward of a foreign allowance in the own currency per tonne, F_f X_T."""
    forward = positive(foreign_forward_per_t, field="foreign_forward_per_t", zh="外币远期价格")
    return np.asarray(forward * positive(fx_forward_rate, field="fx_forward_rate", zh="远期汇率"))


def composite_vol(
    *, price_vol: npt.ArrayLike, fx_vol: npt.ArrayLike, price_fx_correlation: npt.ArrayLike
) -> FloatArray:
    """Give the volatility of a foreign price in the own currency, sqrt(sF^2 + sX^2 + 2 rho sF sX).

    Args:
        price_vol: sF, of the price in its own currency.
        fx_vol: sX, of the own currency per foreign currency.
        price_fx_correlation: rho between ln F and ln X, X in own currency per foreign currency: the sign matters.

    Raises:
        InvalidInput: A volatility lies below zero, or |rho| is above 1.
    """
    vol_price = not_negative(price_vol, field="price_vol", zh="价格波动率")
    vol_fx = not_negative(fx_vol, field="fx_vol", zh="汇率波动率")
    rho = correlation(price_fx_correlation, field="price_fx_correlation")
    # As a sum of squares it cannot fall below zero by rounding at rho = -1.
    return np.asarray(np.sqrt((vol_fx + rho * vol_price) ** 2 + (1.0 - rho**2) * vol_price**2))


def quanto_forward_per_t(
    *,
    foreign_forward_per_t: npt.ArrayLike,
    price_vol: npt.ArrayLike,
    fx_vol: npt.ArrayLike,
    price_fx_correlation: npt.ArrayLike,
    maturity_years: npt.ArrayLike,
) -> FloatArray:
    """Give the quanto forward, F_f exp(-rho sF sX T): the foreign price paid in the own currency at a rate of one.

    Args and errors are those of `composite_vol`; maturity_years is T to the fixing, act/365 years.
    """
    forward = positive(foreign_forward_per_t, field="foreign_forward_per_t", zh="外币远期价格")
    vol_price = not_negative(price_vol, field="price_vol", zh="价格波动率")
    vol_fx = not_negative(fx_vol, field="fx_vol", zh="汇率波动率")
    rho = correlation(price_fx_correlation, field="price_fx_correlation")
    years = not_negative(maturity_years, field="maturity_years", zh="期限")
    return np.asarray(forward * np.exp(-rho * vol_price * vol_fx * years))


def currency_warnings(*, rates_of: Currency, used_for: Currency) -> tuple[ModelWarning, ...]:
    """Give the warning that offshore renminbi rates stand for onshore ones, or the reverse."""
    if {rates_of, used_for} != {Currency.CNY, Currency.CNH}:
        return ()
    return (
        ModelWarning(
            code=ModelCode.OFFSHORE_FOR_ONSHORE,
            zh=f"以 {rates_of} 利率推算 {used_for} 远期汇率：在岸与离岸人民币不能自由套利，两者可能持续偏离",
            en=f"{rates_of} rates stand for {used_for}: onshore and offshore renminbi cannot be arbitraged freely and"
            " may stay apart",
        ),
    )
