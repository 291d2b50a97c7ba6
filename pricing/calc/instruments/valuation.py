"""The value of forwards, swaps, lending and repos by closed form on given arrays, in the currency of the trade."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import CalculationFailed, InvalidInput
from carbonfin.kernel.units import to_float
from pricing.calc.instruments.structures import AllowanceLending, AllowanceSwap, RepoLeg, SpreadSwap

FloatArray = npt.NDArray[np.float64]


def forward_value_amount(
    *, forward_per_t: FloatArray, agreed_per_t: FloatArray, quantity_t: FloatArray, discount_factor: FloatArray
) -> FloatArray:
    """Give the buyer's values of forwards, (F - K) q D, element by element.

    Args:
        forward_per_t: Forward price F to each delivery.
        agreed_per_t: Agreed price K.
        quantity_t: Tonnes.
        discount_factor: D to the payment day.

    Raises:
        InvalidInput: Shapes differ or a number is not finite.
    """
    require_alike(
        forward_per_t=forward_per_t,
        agreed_per_t=agreed_per_t,
        quantity_t=quantity_t,
        discount_factor=discount_factor,
    )
    return require_finite((forward_per_t - agreed_per_t) * quantity_t * discount_factor)


def swap_value_amount(swap: AllowanceSwap, *, forward_per_t: FloatArray, discount_factor: FloatArray) -> float:
    """Give the value of a swap to who pays the fixed price: a strip of forwards, sum of (F_i - K) q D_i.

    Args:
        swap: The terms.
        forward_per_t: Forward price to each settlement day, shape (days,).
        discount_factor: D to each payment, shape (days,).

    Raises:
        InvalidInput: Another number of prices than settlement days, or one is not finite.
    """
    _require_days(swap.settlement_dates, forward_per_t=forward_per_t, discount_factor=discount_factor)
    days = len(swap.settlement_dates)
    strip = forward_value_amount(
        forward_per_t=forward_per_t,
        agreed_per_t=np.full(days, to_float(swap.fixed_price_per_t)),
        quantity_t=np.full(days, to_float(Decimal(swap.terms.quantity_t))),
        discount_factor=discount_factor,
    )
    return float(np.sum(strip))


def fair_fixed_price_per_t(*, forward_per_t: FloatArray, discount_factor: FloatArray) -> float:
    """Give the fixed price at which a swap of equal tonnes is worth nothing: sum F_i D_i / sum D_i.

    Raises:
        InvalidInput: Shapes differ, a number is not finite, or a discount factor is not positive.
    """
    require_alike(forward_per_t=forward_per_t, discount_factor=discount_factor)
    if not forward_per_t.size or np.any(discount_factor <= 0):
        raise InvalidInput(
            "a fair price needs at least one settlement with a positive discount factor",
            zh="公平固定价至少需要一个结算日，且贴现因子为正",
            field="discount_factor",
        )
    return float(np.sum(forward_per_t * (discount_factor / np.sum(discount_factor))))


def spread_value_amount(
    swap: SpreadSwap,
    *,
    first_forward_per_t: FloatArray,
    first_fx_rate: FloatArray,
    other_forward_per_t: FloatArray,
    other_fx_rate: FloatArray,
    discount_factor: FloatArray,
) -> float:
    """Give the value to the buyer of a spread forward or swap: sum of (F1 X1 - ratio F2 X2 - spread) q D.

    Each leg's price enters in its own currency with the forward exchange rate into the trade's currency; 1 where it is
    that currency already. A forward price times a forward rate is the composite forward where price and rate are
    uncorrelated; a quanto or composite adjustment belongs to `first_forward_per_t`.

    Raises:
        InvalidInput: Another number of prices than settlement days, or one is not finite.
    """
    _require_days(
        swap.settlement_dates,
        first_forward_per_t=first_forward_per_t,
        first_fx_rate=first_fx_rate,
        other_forward_per_t=other_forward_per_t,
        other_fx_rate=other_fx_rate,
        discount_factor=discount_factor,
    )
    days = len(swap.settlement_dates)
    spread_per_t = first_forward_per_t * first_fx_rate - to_float(swap.ratio) * other_forward_per_t * other_fx_rate
    strip = forward_value_amount(
        forward_per_t=spread_per_t,
        agreed_per_t=np.full(days, to_float(swap.spread_per_t)),
        quantity_t=np.full(days, to_float(Decimal(swap.terms.quantity_t))),
        discount_factor=discount_factor,
    )
    return float(np.sum(strip))


@dataclass(frozen=True, slots=True, kw_only=True)
class LendingValue:
    """What a lending is worth to the lender while the units are out; to the borrower, the negative."""

    return_amount: float
    fee_amount: float

    @property
    def total_amount(self) -> float:
        """Return and fee."""
        return self.return_amount + self.fee_amount


def lending_value(lending: AllowanceLending, *, returned_forward_per_t: float, discount_factor: float) -> LendingValue:
    """Give the lender's claim: q F D for the units that return and the fee, discounted.

    Args:
        lending: The terms.
        returned_forward_per_t: Forward price of the *returned* vintage to the return day; nil where it can no longer
            be used then.
        discount_factor: D to the return day.

    Raises:
        InvalidInput: A number is not finite or negative.
    """
    _require_scalars(returned_forward_per_t=returned_forward_per_t, discount_factor=discount_factor)
    quantity_t = to_float(Decimal(lending.terms.quantity_t))
    return LendingValue(
        return_amount=quantity_t * returned_forward_per_t * discount_factor,
        fee_amount=to_float(lending.fee.amount) * discount_factor,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoValue:
    """What a repo is worth to who lent the cash (逆回购方): cash to come, units to give back.

    Attributes:
        cash_amount: Repurchase cash, discounted.
        accrued_amount: Interest earned up to the valuation date, undiscounted.
        returned_units_amount: Value of the units that go back, -q F D.
    """

    cash_amount: float
    accrued_amount: float
    returned_units_amount: float

    @property
    def clean_cash_amount(self) -> float:
        """The cash leg without the interest earned so far."""
        return self.cash_amount - self.accrued_amount

    @property
    def total_amount(self) -> float:
        """Both legs, without the units held meanwhile: a forward sale of the units at the repurchase price."""
        return self.cash_amount + self.returned_units_amount


def repo_value(repo: RepoLeg, *, valuation_date: date, forward_per_t: float, discount_factor: float) -> RepoValue:
    """Give the value of an open repo to the lender of the cash, R D - q F D.

    Args:
        repo: The terms.
        valuation_date: From the first leg to the repurchase.
        forward_per_t: Forward price of the units to the repurchase day.
        discount_factor: D to the repurchase day.

    Raises:
        InvalidInput: The day lies outside the repo, or a number is not finite or negative.
    """
    _require_scalars(forward_per_t=forward_per_t, discount_factor=discount_factor)
    accrued = repo.interest_until(valuation_date)
    return RepoValue(
        cash_amount=to_float(repo.repurchase.amount) * discount_factor,
        accrued_amount=to_float(accrued.amount),
        returned_units_amount=-to_float(Decimal(repo.terms.quantity_t)) * forward_per_t * discount_factor,
    )


def require_alike(**columns: FloatArray) -> None:
    """Refuse columns of different shapes and numbers that are not finite.

    Raises:
        InvalidInput: They are; which column and row.
    """
    shapes = {name: column.shape for name, column in columns.items()}
    if len(set(shapes.values())) > 1:
        said = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise InvalidInput(
            f"columns have different shapes: {said}", zh=f"各列长度不一致：{said}", field=next(iter(shapes))
        )
    for name, column in columns.items():
        bad = np.flatnonzero(~np.isfinite(column))
        if bad.size:
            raise InvalidInput(
                f"{name} row {int(bad[0])} is {column.flat[int(bad[0])]}",
                zh=f"{name} 第 {int(bad[0]) + 1} 行不是有限数",
                field=name,
            )


def require_finite(values: FloatArray) -> FloatArray:
    """Give values on, all finite.

    Raises:
        CalculationFailed: One is not.
    """
    if not np.all(np.isfinite(values)):
        raise CalculationFailed("a value is not finite", zh="计算结果不是有限数")
    return values


def _require_days(days: Sequence[date], **columns: FloatArray) -> None:
    require_alike(**columns)
    name, column = next(iter(columns.items()))
    if column.shape != (len(days),):
        raise InvalidInput(
            f"{name} has shape {column.shape}; there are {len(days)} settlement days",
            zh=f"{name} 有 {column.size} 个数，结算日有 {len(days)} 个",
            field=name,
        )


def _require_scalars(**values: float) -> None:
    for name, value in values.items():
        if not np.isfinite(value) or value < 0:
            raise InvalidInput(f"{name} is {value}", zh=f"{name} 为 {value}，应为非负有限数", field=name)
