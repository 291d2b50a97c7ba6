"""Level payments: the instalment that repays what is owed over the payments that follow, to the unit."""

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from loans.calc.contracts.money import Amounts, Balance, MoneyRule, Rounding, divided, rounded_fraction

Mask = npt.NDArray[np.bool_]
_ERROR_A_SLOT = 1e-15  # of the float estimate, relative: four roundings of 2^-53 in every slot, and as much again
_HALVES = frozenset({Rounding.HALF_UP, Rounding.HALF_EVEN})


def level_instalments(
    *, balance: Amounts, accrued: Amounts, year: Amounts, rate: Amounts, spans: Amounts, pays: Mask, money: MoneyRule
) -> Amounts:
    """Give level instalments that repay a loan: A with owed at the first payment = A x annuity then.

    Owed at the first payment is balance x (1 + rate x span / year) + accrued / year; each later payment is discounted
    by 1 / (1 + rate x span / year) from the one before. Interest within a period is simple: spans between payments are
    added, and what is accrued bears none. A float estimate is kept where it is surely on one side of the rounding
    boundary; where it is not, the exact rational decides.

    Args:
        balance: [N] principal owed.
        accrued: [N] interest owed and not yet settled, over `year`.
        year: [N] denominators of the accrual.
        rate: [N] in force for all payments.
        spans: [K, N] of the slots that follow.
        pays: [K, N] where an instalment falls; a loan without one owes everything at once.
        money: Its rounding of levels; where balances are carried, so are levels, exactly.
    """
    if money.balance is Balance.CARRIED:
        carried = [
            _exact_level(balance, accrued, year, rate, spans=spans, pays=pays, place=place)
            for place in range(len(balance))
        ]
        return np.array(carried, dtype=object)
    growth, annuity = _annuities(rate / year, spans, pays)
    estimate = (balance * growth + accrued / year) / annuity
    if money.balance is Balance.UNROUNDED:
        unrounded: Amounts = estimate
        return unrounded
    estimate = np.asarray(estimate, dtype=np.float64)
    offset = 0.5 if money.level_rounding in _HALVES else 0.0
    boundary = np.floor(estimate - offset + 0.5) + offset
    error = np.abs(estimate) * _ERROR_A_SLOT * (len(spans) + 4)
    unsure = np.abs(estimate - boundary) <= error
    rounded = _rounded_floats(estimate, money.level_rounding)
    levels = rounded.astype(np.int64) if balance.dtype == np.int64 else np.array(list(map(int, rounded)), dtype=object)
    for place in np.flatnonzero(unsure).tolist():
        exact = _exact_level(balance, accrued, year, rate, spans=spans, pays=pays, place=place)
        levels[place] = rounded_fraction(exact, money.level_rounding)
    return levels


def level_principals(*, balance: Amounts, payments: Amounts, money: MoneyRule) -> Amounts:
    """Give the level part of a principal repaid in equal parts; the last payment takes the rest.

    Where rounding up would leave less than nothing for the last payment, the part is rounded down.
    """
    count = np.maximum(payments, 1)
    if money.balance is Balance.UNROUNDED:
        quotient: Amounts = balance / count
        return quotient
    if money.balance is Balance.CARRIED:
        return np.array([Fraction(left) / int(times) for left, times in zip(balance, count, strict=True)], dtype=object)
    part = divided(balance, count, money.level_rounding)
    fits: Amounts = np.where(part * (count - 1) > balance, balance // count, part)
    return fits


def _exact_level(
    balance: Amounts, accrued: Amounts, year: Amounts, rate: Amounts, *, spans: Amounts, pays: Mask, place: int
) -> Fraction:
    # `tolist` gives Python's integers, which do not overflow.
    left, due, unit, part = (array[place : place + 1].tolist()[0] for array in (balance, accrued, year, rate))
    first, factor = _exact_annuity(Fraction(part) / unit, spans[:, place], pays[:, place])
    return Fraction((left * first + Fraction(due) / unit) / factor)


def _annuities(rate_of_span: Amounts, spans: Amounts, pays: Mask) -> tuple[Amounts, Amounts]:
    """Give growth to the first payment, and there the present value of one unit at each payment, in floats."""
    rate_of_span = rate_of_span.astype(np.float64)
    value = np.zeros(rate_of_span.shape)
    run = np.zeros(rate_of_span.shape)
    for slot in range(len(spans) - 1, -1, -1):
        paid = pays[slot]
        if paid.all():
            value = value / (1 + rate_of_span * run) + 1
            run = spans[slot].astype(np.float64)
            continue
        value = np.where(paid, value / (1 + rate_of_span * run) + 1, value)
        run = np.where(paid, 0, run) + spans[slot].astype(np.float64)
    never = ~pays.any(axis=0)
    return np.where(never, 1.0, 1 + rate_of_span * run), np.where(never, 1.0, value)


def _exact_annuity(rate_of_span: Fraction, spans: Amounts, pays: Mask) -> tuple[Fraction, Fraction]:
    """Give the same exactly; the annuity is a quotient never reduced, since reducing is the slow part."""
    unit, part = rate_of_span.denominator, rate_of_span.numerator
    numerator, denominator, run = 0, 1, 0
    for span, paid in zip(reversed(spans.tolist()), reversed(pays.tolist()), strict=True):
        if paid:
            numerator *= unit
            denominator *= unit + part * run
            numerator += denominator
            run = 0
        run += span
    if not numerator:
        return Fraction(1), Fraction(1)
    return 1 + rate_of_span * run, Fraction(numerator, denominator)


def _rounded_floats(values: npt.NDArray[np.float64], rounding: Rounding) -> npt.NDArray[np.float64]:
    """Round floats that are known to lie off every boundary."""
    match rounding:
        case Rounding.HALF_UP | Rounding.HALF_EVEN:
            return np.rint(values)
        case Rounding.UP:
            return np.copysign(np.ceil(np.abs(values)), values)
        case Rounding.DOWN:
            return np.trunc(values)
