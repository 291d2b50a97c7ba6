"""The rules of coverage on plain amounts, the same for one pledge and for the day's run over all."""

from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import cny, round_up
from collateral.calc.haircuts import haircut_value_cny

_RATIO_STEP = Decimal(1).scaleb(-10)
RATIO_END = 10**8


class CoverageLevel(StrEnum):
    """Where coverage stands; a value on a line has not fallen below it."""

    COVERED = "covered"
    BELOW_INITIAL = "below_initial"
    WARNING = "warning"
    DISPOSAL = "disposal"


def line_values_cny(
    quantity_t: int, price_cny_per_t: Decimal, haircut_ratio: Decimal, *, attached_t: int | None
) -> tuple[Decimal, Decimal]:
    """Give market value q p and collateral value (q - attached) p (1 - h) of one unit, each to the fen, half up."""
    market_cny = cny(quantity_t * price_cny_per_t)
    counted_cny = cny(max(quantity_t - attached_t, 0) * price_cny_per_t) if attached_t else market_cny
    return market_cny, haircut_value_cny(counted_cny, haircut_ratio)


def floor_ratio(numerator: Decimal, denominator: Decimal) -> Decimal:
    """Give a ratio to ten places, rounded down.

    Raises:
        InvalidInput: The ratio is 10^8 or more, beyond what is recorded: next to nothing stands below the line.
    """
    if numerator >= RATIO_END * denominator:
        raise InvalidInput(
            f"{numerator} over {denominator} is a ratio of {RATIO_END} or more",
            zh=f"{numerator} 与 {denominator} 之比达到或超过 {RATIO_END}，超出可记录范围",
            field="exposure",
            remedy="Settle what is still owed, or release the pledge.",
            remedy_zh="请结清剩余债权，或解除质押。",
        )
    return (numerator / denominator).quantize(_RATIO_STEP, rounding=ROUND_FLOOR)


def loan_to_value(principal_cny: Decimal, market_value_cny: Decimal) -> Decimal:
    """Give principal over market value, to ten places, rounded down.

    Raises:
        MissingData: The units are worth less than half a fen.
        InvalidInput: The ratio is beyond what is recorded.
    """
    if not market_value_cny:
        raise MissingData(
            "the pledged units are worth less than half a fen: there is no market value to hold the loan against",
            zh="押品市值不足半分，无法计算质押率",
            field="units",
            remedy="Check price and quantity, or call for new units.",
            remedy_zh="请核对价格与数量，或要求追加押品。",
        )
    return floor_ratio(principal_cny, market_value_cny)


def level_of(
    collateral_value_cny: Decimal, debt_cny: Decimal, *, initial: Decimal, warning: Decimal, disposal: Decimal
) -> CoverageLevel:
    """Tell where coverage stands; compared as C against line times debt, so no rounding decides."""
    if collateral_value_cny < disposal * debt_cny:
        return CoverageLevel.DISPOSAL
    if collateral_value_cny < warning * debt_cny:
        return CoverageLevel.WARNING
    if collateral_value_cny < initial * debt_cny:
        return CoverageLevel.BELOW_INITIAL
    return CoverageLevel.COVERED


def cash_to_initial_cny(collateral_value_cny: Decimal, debt_cny: Decimal, initial_ratio: Decimal) -> Decimal:
    """Give the repayment that restores the initial line, x = E - C / initial, rounded up to the fen; never negative."""
    return max(Decimal("0.00"), round_up(debt_cny - collateral_value_cny / initial_ratio, 2))


def top_up_t(
    unit: Unit,
    *,
    price_cny_per_t: Decimal,
    haircut_ratio: Decimal,
    collateral_value_cny: Decimal,
    debt_cny: Decimal,
    initial_ratio: Decimal,
) -> int:
    """Give whole tonnes that restore the initial line: (initial E - C) / (p (1 - h)), rounded up.

    Raises:
        InvalidInput: The haircut is 1, so no quantity helps.
    """
    value_cny_per_t = price_cny_per_t * (1 - haircut_ratio)
    if value_cny_per_t <= 0:
        raise InvalidInput(f"{unit} has no collateral value", zh=f"{unit} 无押品价值", field="units")
    return max(0, int(round_up((initial_ratio * debt_cny - collateral_value_cny) / value_cny_per_t)))
