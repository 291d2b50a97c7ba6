"""Books of European options of one expiry on many points of price and volatility at once, summed at each point.

A point costs each option two products and three sums beside the distribution function: logarithms and reciprocals are
taken once a strike and once a point.
"""

import numpy as np
import numpy.typing as npt

from pricing.calc.normal import PRICE_NODES_PER_UNIT, PRICE_ORIGIN, CdfBuffers
from pricing.calc.options.black76 import CHUNK, black76_value_per_t

FloatArray = npt.NDArray[np.float64]

_LEAST_DEVIATION = 1e-6  # below it deviates have no place in the table of the distribution


def undiscounted_sums(
    *,
    forward_per_t: FloatArray,
    total_volatility: FloatArray,
    strike_per_t: FloatArray,
    quantity_t: FloatArray,
    option_sign: FloatArray,
) -> FloatArray:
    """Give the sum over options of q w (F Phi(w d1) - K Phi(w d2)) at each point, contract currency.

    Puts are calls less the forward's value, so that the sum is exact to rounding of the whole, not of each option.

    Args:
        forward_per_t: F at each point, positive, shape (points,).
        total_volatility: s at each point, not negative, shape (points,).
        strike_per_t: K of each option, not negative, shape (options,).
        quantity_t: q, signed.
        option_sign: w, +1 for a call, -1 for a put.

    Raises:
        InvalidInput: A term is not a finite number of its range.
    """
    step = max(1, CHUNK // max(forward_per_t.size, 1))
    total = np.zeros(forward_per_t.size)
    if not (strike_per_t.min(initial=1.0) > 0.0 and total_volatility.min(initial=1.0) >= _LEAST_DEVIATION):
        for start in range(0, strike_per_t.size, step):
            part = slice(start, start + step)
            values = black76_value_per_t(
                forward_per_t=forward_per_t[None, :],
                strike_per_t=strike_per_t[part, None],
                total_volatility=total_volatility[None, :],
                discount_factor=np.array(1.0),
                option_sign=option_sign[part, None],
            )
            total += quantity_t[part] @ values
        return total
    is_put = option_sign < 0.0
    total += (quantity_t[is_put] @ strike_per_t[is_put]) - quantity_t[is_put].sum() * forward_per_t
    log_forward, log_strike = np.log(forward_per_t), np.log(strike_per_t)
    # Deviates in steps of the table's nodes: d1 N + origin = (ln F - ln K) (N / s) + (s N / 2 + origin).
    scale, width = PRICE_NODES_PER_UNIT / total_volatility, PRICE_NODES_PER_UNIT * total_volatility
    shift = 0.5 * width + PRICE_ORIGIN
    cells = min(step, strike_per_t.size) * forward_per_t.size
    buffers, room, probability = CdfBuffers(2 * cells), np.empty(2 * cells), np.empty(2 * cells)
    for start in range(0, strike_per_t.size, step):
        part = slice(start, start + step)
        shape = (log_strike[part].size, forward_per_t.size)
        pair, both = room[: 2 * shape[0] * shape[1]], probability[: 2 * shape[0] * shape[1]]
        first, second = pair.reshape(2, *shape)
        np.subtract(log_forward, log_strike[part, None], out=first)
        np.multiply(first, scale, out=first)
        np.add(first, shift, out=first)
        np.subtract(first, width, out=second)
        buffers.price_cdf(pair, both)
        in_money, exercised = both.reshape(2, *shape)
        total += forward_per_t * (quantity_t[part] @ in_money) - (quantity_t[part] * strike_per_t[part]) @ exercised
    return total
