"""The plain arithmetic of a repo's haircut: margin ratio, exposure by both methods, what may be lent."""

from decimal import ROUND_FLOOR, Decimal

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import round_half_up


def margin_ratio(haircut_ratio: Decimal) -> Decimal:
    """Give MR = MV / PP = 1 / (1 - H).

    Raises:
        InvalidInput: The haircut does not lie in [0, 1).
    """
    if not 0 <= haircut_ratio < 1:
        raise InvalidInput(f"haircut {haircut_ratio} lies outside [0, 1)", zh="折扣系数须小于 1", field="haircut_ratio")
    return 1 / (1 - haircut_ratio)


def haircut_of_margin_ratio(ratio: Decimal) -> Decimal:
    """Give H = (MV - PP) / MV = 1 - 1 / MR; 105 % is 4.762 %, not 5 %."""
    if ratio < 1:
        raise InvalidInput(f"margin ratio {ratio} is below 1", zh="保证金比例须不低于 1", field="margin_ratio")
    return 1 - 1 / ratio


def exposure_method_a(*, repurchase_value: Decimal, market_value: Decimal, haircut_ratio: Decimal) -> Decimal:
    """Give E = R MR - MV = R / (1 - H) - MV, to two places; units that count nothing leave all of R open."""
    if haircut_ratio == 1:
        return round_half_up(repurchase_value)
    margin_ratio(haircut_ratio)
    return round_half_up(repurchase_value / (1 - haircut_ratio) - market_value)


def exposure_method_b(*, repurchase_value: Decimal, market_value: Decimal, haircut_ratio: Decimal) -> Decimal:
    """Give E = R - MV (1 - H), to two places."""
    return round_half_up(repurchase_value - market_value * (1 - haircut_ratio))


def lendable_cny(market_value_cny: Decimal, haircut_ratio: Decimal) -> Decimal:
    """Give the most cash that may be lent at the start, MV (1 - H), rounded down to the fen."""
    return (market_value_cny * (1 - haircut_ratio)).quantize(Decimal("0.01"), rounding=ROUND_FLOOR)


def lendable_amount(market_value_cny: Decimal, *, haircut_ratio: Decimal, cny_per_unit: Decimal) -> Decimal:
    """Give the most cash that may be lent in the cash currency, MV (1 - H) / FX, rounded down to its cent."""
    limit_cny = lendable_cny(market_value_cny, haircut_ratio)
    return (limit_cny / cny_per_unit).quantize(Decimal("0.01"), rounding=ROUND_FLOOR)
