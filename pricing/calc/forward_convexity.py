"""What daily settlement is worth beside a forward price read off a futures curve: a figure with its trace, not applied.

A futures curve gives futures prices; a forward settles once, and its price is F_fut exp(-c) where rates and price move
together (`pricing.calc.models.convexity`). The difference rests on a volatility of the short rate, its reversion and a
correlation, which no market here quotes: they are assumptions, so the price stands unadjusted and the figure beside it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from carbonfin.kernel.units import Currency, to_decimal, to_float
from carbonfin.rules.trace import Figure, Trace, checked_trace
from pricing.calc.forwards import FloatArray
from pricing.calc.market import MarketSnapshot
from pricing.calc.models.convexity import convexity_warnings, log_convexity
from pricing.calc.positions import ForwardBasis, ForwardFigures, PortfolioLine

SHORT_RATE_VOLATILITY = "pricing.short_rate_volatility"
"""Absolute volatility of the short rate of a currency, 0.01 for 100 bp a year."""
SHORT_RATE_REVERSION = "pricing.short_rate_reversion"
"""Speed at which the short rate of a currency reverts, a year."""
PRICE_RATE_CORRELATION = "pricing.price_rate_correlation"
"""Correlation of a scheme's price with the short rate of a currency: `EUA.EUR`."""
_PRICE_VOLATILITY = "pricing.volatility"
_PLACES, _PRICE_PLACES = 8, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpliedVolatility:
    """Volatility at the money of the day's surface, and where it was read."""

    value: Decimal
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardConvexity:
    """The difference of futures and forward at one delivery, or why there is none.

    Attributes:
        log_convexity: ln(futures / forward); nought where no future stands behind, None where it is not known.
        forward_per_t: The price less the difference; None where it is not known.
        reasons: What must be said of it, in Chinese and English.
        trace: How it came about; empty where it is not calculated.
    """

    log_convexity: Decimal | None
    forward_per_t: Decimal | None
    reasons: tuple[tuple[str, str], ...]
    trace: Trace


def forward_convexity(
    snapshot: MarketSnapshot, line: PortfolioLine, figures: ForwardFigures | None, *, implied: ImpliedVolatility | None
) -> ForwardConvexity:
    """Give what the futures behind a forward price make of it.

    Args:
        snapshot: Where the assumptions in force stand.
        line: The forward.
        figures: What its price rests on; None on the flat rate.
        implied: Volatility at the money of the day's surface, taken where none is approved; None where there is none.
    """
    if figures is None or figures.basis is not ForwardBasis.FUTURES_CURVE:
        return ForwardConvexity(
            log_convexity=Decimal(0),
            forward_per_t=None if figures is None else figures.forward_per_t,
            reasons=(
                (
                    "远期价由现货持有至交割得出，不经期货，凸性调整为零",
                    "spot is carried to delivery: there is no future",
                ),
            ),
            trace=(),
        )
    wanted = _assumptions(snapshot, line, figures.currency, implied)
    known = [figure for _, figure in wanted if figure is not None]
    if len(known) < len(wanted):
        zh, en = zip(*(words for words, figure in wanted if figure is None), strict=True)
        return ForwardConvexity(
            log_convexity=None, forward_per_t=None, trace=(),
            reasons=((f"未核定{'、'.join(zh)}，凸性未计算，远期价未调整",
                      f"{', '.join(en)} are not set: the difference is not known, the price stands unadjusted"),),
        )  # fmt: skip
    return _calculated(line, figures, known)


def _assumptions(
    snapshot: MarketSnapshot, line: PortfolioLine, currency: Currency, implied: ImpliedVolatility | None
) -> list[tuple[tuple[str, str], Figure | None]]:
    """Give what the difference rests on, each with its name in Chinese and as a parameter; None where it is not set."""
    keys = (
        (_PRICE_VOLATILITY, str(line.unit)), (SHORT_RATE_VOLATILITY, currency), (SHORT_RATE_REVERSION, currency),
        (PRICE_RATE_CORRELATION, f"{line.unit.scheme}.{currency}"),
    )  # fmt: skip
    values = [snapshot.find_parameter(key, scope=scope) for key, scope in keys]
    figures = [
        None if value is None else Figure.of_parameter(name, value) for name, value in zip(_NAMES, values, strict=True)
    ]
    if figures[0] is None and implied is not None:
        figures[0] = Figure(
            name=_NAMES[0], label_zh="平值隐含波动率", label_en="volatility at the money", unit="ratio",
            value=format(implied.value, "f"), source=implied.source,
        )  # fmt: skip
    return [
        ((f"{words}（{scope}）", f"{key}[{scope}]"), figure)
        for words, (key, scope), figure in zip(_WORDS_ZH, keys, figures, strict=True)
    ]


def _calculated(line: PortfolioLine, figures: ForwardFigures, inputs: Sequence[Figure]) -> ForwardConvexity:
    spot_vol, rate_vol, reversion, correlation = (to_float(Decimal(one.value)) for one in inputs)
    years = to_float(figures.years)
    found: FloatArray = log_convexity(
        maturity_years=years, spot_vol=spot_vol, short_rate_vol=rate_vol, mean_reversion=reversion,
        spot_rate_correlation=correlation,
    )  # fmt: skip
    difference = found.item()
    forward = to_decimal(to_float(figures.forward_per_t) * math.exp(-difference), places=_PRICE_PLACES)
    shown = to_decimal(difference, places=_PLACES) + Decimal(0)
    warnings = convexity_warnings(maturity_years=years, log_convexity=difference)
    price = Figure(
        name="futures_per_t", label_zh="期货曲线价格", label_en="price off the futures curve",
        unit=f"{figures.currency}/t", value=format(figures.forward_per_t, "f"),
        source=f"{figures.price_curve} 曲线 {figures.curves_digest}",
    )  # fmt: skip
    term = Figure(
        name="years", label_zh="计息年数", label_en="years to delivery", value=format(figures.years, "f"), unit="years",
        source=f"act/365 至 {line.delivery_date}",
    )  # fmt: skip
    log = Figure(
        name="log_convexity", label_zh="对数凸性", label_en="ln(futures / forward)", value=format(shown, "f"), unit="",
        formula="int_0^T (sigma_r^2 B^2 + rho sigma_S sigma_r B) ds, B = (1 - exp(-a (T - s))) / a",
        inputs=("years", *_NAMES),
    )  # fmt: skip
    adjusted = Figure(
        name="forward_per_t", label_zh="扣除凸性的远期价格", label_en="forward price less the difference",
        value=format(forward, "f"), unit=f"{figures.currency}/t", formula="futures_per_t * exp(-log_convexity)",
        inputs=("futures_per_t", "log_convexity"),
    )  # fmt: skip
    return ForwardConvexity(
        log_convexity=shown,
        forward_per_t=forward,
        reasons=(
            ("凸性按所列假设计算，仅供对照；远期价未作调整", "on the assumptions listed, beside an unadjusted price"),
            *((one.zh, one.en) for one in warnings),
        ),
        trace=checked_trace([price, term, *inputs, log, adjusted]),
    )  # fmt: skip


_NAMES = ("price_volatility", "short_rate_volatility", "short_rate_reversion", "price_rate_correlation")
_WORDS_ZH = ("配额价格波动率", "短期利率波动率", "短期利率均值回复速度", "配额价格与短期利率的相关系数")
