"""American options on futures: values at unique nodes from QuantLib, gathered on arrays.

With futures, value scales with price and depends on rate, volatility and time only through r T and sigma sqrt(T), and
a put on F at K is a call on K at F. One node is so a call of strike one: ln(F / K) for a call or ln(K / F) for a put,
sigma sqrt(T), and r T; options of a book that share these three share one solution, of whatever currency or expiry.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import QuantLib as ql  # noqa: N813 - the field's own abbreviation

from carbonfin.kernel.errors import CalculationFailed
from carbonfin.kernel.quantlib import quantlib_on
from pricing.calc.options.black76 import black76_value_per_t
from pricing.calc.options.columns import POSITIVE, option_columns

FloatArray = npt.NDArray[np.float64]

AMERICAN_ERROR_RATIO = 5e-6
_YEAR_DAYS = 365


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AmericanValues:
    """Values of American options on futures, contract currency per tonne; shapes as the terms.

    Attributes:
        value_per_t: What the option is worth.
        early_exercise_premium_per_t: Its excess over the European option, never negative.
        node_count: Distinct solutions that were needed.
    """

    value_per_t: FloatArray
    early_exercise_premium_per_t: FloatArray
    node_count: int


def american_option_values(
    *,
    valuation_date: date,
    forward_per_t: FloatArray,
    strike_per_t: FloatArray,
    total_volatility: FloatArray,
    discount_factor: FloatArray,
    option_sign: FloatArray,
) -> AmericanValues:
    """Give values of options on futures that may be exercised on any day to expiry into max(w (F - K), 0) at once.

    Where rates are nought or negative no one exercises early, and the value is the European one; so where nothing
    moves, the larger of the payoff now and later. Elsewhere QuantLib solves for the exercise boundary by the fixed
    point of Andersen, Lake and Offengenden in its fast scheme, at each distinct node. The error is below 5e-6 of the
    larger of forward and strike for total volatility up to 1.5 and r T up to 0.3.

    Args:
        valuation_date: Day of QuantLib's clock while it solves; terms are years and factors, so no value hangs on it.
        forward_per_t: F, futures price, positive.
        strike_per_t: K, positive.
        total_volatility: sigma sqrt(T), not negative.
        discount_factor: D to expiry, positive; r T = -ln(D), a flat rate.
        option_sign: w, +1 for a call, -1 for a put.

    Source: Andersen, Lake and Offengenden, Journal of Computational Finance 20 (2016).

    Raises:
        InvalidInput: A term is not a finite number of its range; field and row are named.
        CalculationFailed: The solver found no boundary for a node.
    """
    fields = {
        "forward_per_t": forward_per_t, "strike_per_t": strike_per_t, "total_volatility": total_volatility,
        "discount_factor": discount_factor,
    }  # fmt: skip
    least = {"forward_per_t": POSITIVE, "strike_per_t": POSITIVE, "total_volatility": 0.0, "discount_factor": POSITIVE}
    columns, shape = option_columns(fields, option_sign=option_sign, least=least)
    forward, strike, deviation, discount, sign = columns
    european = black76_value_per_t(
        forward_per_t=forward, strike_per_t=strike, total_volatility=deviation, discount_factor=discount,
        option_sign=sign,
    )  # fmt: skip
    value = np.maximum(european, np.maximum(sign * (forward - strike), 0.0))
    early = (discount < 1.0) & (deviation > 0.0)
    paid, got = np.where(sign > 0, strike, forward)[early], np.where(sign > 0, forward, strike)[early]
    terms = np.stack([got / paid, deviation[early], -np.log(discount[early])])
    nodes, place = np.unique(terms, axis=1, return_inverse=True)
    value[early] = np.maximum(value[early], paid * _unit_calls(nodes, valuation_date)[place.reshape(-1)])
    return AmericanValues(
        value_per_t=value.reshape(shape),
        early_exercise_premium_per_t=(value - european).reshape(shape),
        node_count=nodes.shape[1],
    )


def _unit_calls(nodes: FloatArray, valuation_date: date) -> FloatArray:
    """Give calls of strike one that expire in one year, at columns of F / K, volatility and rate."""
    found = np.empty(nodes.shape[1])
    with quantlib_on(valuation_date) as today:
        quotes = [ql.SimpleQuote(1.0) for _ in range(3)]
        day_count = ql.Actual365Fixed()
        handles = [ql.QuoteHandle(quote) for quote in quotes]
        rate = ql.YieldTermStructureHandle(ql.FlatForward(today, handles[2], day_count))
        volatility = ql.BlackVolTermStructureHandle(
            ql.BlackConstantVol(today, ql.NullCalendar(), handles[1], day_count)
        )
        process = ql.BlackProcess(handles[0], rate, volatility)
        exercise = ql.AmericanExercise(today, today + _YEAR_DAYS)
        option = ql.VanillaOption(ql.PlainVanillaPayoff(ql.Option.Call, 1.0), exercise)
        option.setPricingEngine(ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.fastScheme()))
        for place, node in enumerate(nodes.T.tolist()):
            for quote, number in zip(quotes, node, strict=True):
                quote.setValue(number)
            try:
                found[place] = option.NPV()
            except RuntimeError as error:
                raise CalculationFailed(
                    f"no exercise boundary for F/K {node[0]}, total volatility {node[1]}, r T {node[2]}: {error}",
                    zh="美式期权提前行权边界求解失败",
                    field="total_volatility",
                    remedy="Check forward, strike, volatility and rate of the option.",
                    remedy_zh="请核对该期权的远期价格、行权价、波动率与利率。",
                ) from error
    return found
