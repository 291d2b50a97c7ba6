"""What the model behind a structured trade's value does not say: returned with the value, never logged away."""

from dataclasses import dataclass
from enum import StrEnum

from carbonfin.kernel.allowances import Scheme
from pricing.calc.structured.readings import Readings, volatile_units
from pricing.calc.structured.trades import StructuredTrade, StructureKind


class CautionCode(StrEnum):
    """Why a value needs care."""

    SMILE_LEFT_OUT = "smile_left_out"
    ASSUMED_VOLATILITY = "assumed_volatility"
    CORRELATION_ASSUMED = "correlation_assumed"
    PRICE_LIMITS_LEFT_OUT = "price_limits_left_out"
    CURVE_EXTRAPOLATED = "curve_extrapolated"
    YIELD_LEFT_OUT = "yield_left_out"
    COUNTERPARTY_LEFT_OUT = "counterparty_left_out"
    FLAT_RATE = "flat_rate"


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureCaution:
    """A reason not to take a value at its face."""

    code: CautionCode
    zh: str
    en: str


_LIMITED = frozenset({Scheme.CEA, Scheme.SZA})
"""Schemes whose listed trades move within a daily limit, which a lognormal price does not know."""


def structure_cautions(trade: StructuredTrade, readings: Readings) -> tuple[StructureCaution, ...]:
    """Give what a reader must know before believing the value of a trade."""
    return (*_model_cautions(trade, readings), *_curve_cautions(readings), _counterparty(trade))


def _model_cautions(trade: StructuredTrade, readings: Readings) -> list[StructureCaution]:
    found = []
    units = volatile_units(trade)
    if readings.volatilities:
        found.append(
            StructureCaution(
                code=CautionCode.SMILE_LEFT_OUT,
                zh="波动率取自曲面平值点，未计波动率微笑",
                en="volatility is that of the surface at the money: the smile is left out",
            )
        )
    if any(point.is_assumption for point in readings.volatilities):
        found.append(
            StructureCaution(
                code=CautionCode.ASSUMED_VOLATILITY,
                zh="波动率曲面为假设值",
                en="the volatility surface is an assumption",
            )
        )
    if any(unit.scheme in _LIMITED for unit in units):
        found.append(
            StructureCaution(
                code=CautionCode.PRICE_LIMITS_LEFT_OUT,
                zh="价格按对数正态分布处理，未计涨跌停板与无成交日",
                en="the price is taken as lognormal: daily limits and idle days are left out",
            )
        )
    if trade.kind in {StructureKind.SPREAD_OPTION, StructureKind.QUANTO_FORWARD}:
        found.append(
            StructureCaution(
                code=CautionCode.CORRELATION_ASSUMED,
                zh="相关系数为核定常数，市场没有可据以校准的报价",
                en="the correlation is an approved constant: no quotes are there to calibrate it",
            )
        )
    return found


def _curve_cautions(readings: Readings) -> list[StructureCaution]:
    found, forwards = [], list(readings.forwards.values())
    if any(one.point is None for one in forwards):
        found.append(
            StructureCaution(
                code=CautionCode.FLAT_RATE,
                zh="利率为本行按名选用的平坦利率假设，并非市场曲线",
                en="the rate is the flat one chosen by name, an assumption and no market curve",
            )
        )
    if any(one.point is not None and one.point.is_extrapolated for one in forwards):
        found.append(
            StructureCaution(
                code=CautionCode.CURVE_EXTRAPOLATED,
                zh="有日期在期货曲线挂牌到期日之外，沿用端部持有成本",
                en="a day lies outside the listed expiries; the carry of the end goes on",
            )
        )
    if any(one.point is not None and one.spot is not None and one.convenience_yield is None for one in forwards):
        found.append(
            StructureCaution(
                code=CautionCode.YIELD_LEFT_OUT,
                zh="现货按持有成本推算远期，便利收益未知，未计入",
                en="spot is carried to the day; the convenience yield is not known and is left out",
            )
        )
    return found


def _counterparty(trade: StructuredTrade) -> StructureCaution:
    issuer = trade.kind is StructureKind.CARBON_BOND
    return StructureCaution(
        code=CautionCode.COUNTERPARTY_LEFT_OUT,
        zh=f"未计{'发行人信用利差' if issuer else '交易对手信用风险与保证金'}",
        en="the issuer's credit spread is left out" if issuer else "counterparty credit and margin are left out",
    )
