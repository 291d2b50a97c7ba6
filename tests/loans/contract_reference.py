"""One loan at a time in exact rationals, written from the definitions and sharing nothing with the event engine."""

import calendar
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

Row = tuple[date, int, int, int]  # day, interest, principal, balance left
YEAR_DAYS = {"actual/360": 360, "actual/365": 365, "30E/360": 360, "whole-months/360": 360, "whole-months/365": 365}


def half_up(value: Fraction) -> int:
    sign, size = (-1 if value < 0 else 1), abs(value)
    whole, rest = divmod(size.numerator, size.denominator)
    return sign * (whole + (2 * rest >= size.denominator))


def half_even(value: Fraction) -> int:
    return round(value)


def up(value: Fraction) -> int:
    return -(-value.numerator // value.denominator) if value >= 0 else value.numerator // value.denominator


def down(value: Fraction) -> int:
    return int(value)


def later_month(day: date, months: int) -> date:
    number = day.year * 12 + day.month - 1 + months
    year, month = divmod(number, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def part_of_year(rule: str, start: date, end: date) -> Fraction:
    if rule.startswith("actual"):
        return Fraction((end - start).days, YEAR_DAYS[rule])
    if rule == "30E/360":
        days = 360 * (end.year - start.year) + 30 * (end.month - start.month) + min(end.day, 30) - min(start.day, 30)
        return Fraction(days, 360)
    months = 0
    while later_month(start, months + 1) <= end:
        months += 1
    return Fraction(months, 12) + Fraction((end - later_month(start, months)).days, YEAR_DAYS[rule])


@dataclass(kw_only=True)
class Loan:
    principal: int
    rate: Fraction
    drawdown: date
    ends: list[date]  # the last is maturity
    rule: str
    method: str
    interest_only: int = 0
    capitalises: bool = False
    resets: dict[date, Fraction] = field(default_factory=dict)
    prepaid: dict[date, int] = field(default_factory=dict)
    smaller: bool = True
    limit: Callable[[Fraction, Fraction], Fraction] = lambda _old, new: new
    rounded: Callable[[Fraction], int] = half_up


def run(loan: Loan) -> list[Row]:
    """Give the payments and prepayments of a loan."""
    rows: list[Row] = []
    balance, rate, accrued, last = loan.principal, loan.rate, Fraction(0), loan.drawdown
    level = _level(loan, 0, balance, rate, accrued=accrued, today=last)
    days = sorted({*loan.ends, *loan.resets, *loan.prepaid})
    for day in days:
        accrued += balance * rate * _within(loan, last, day)
        last = day
        done = sum(end <= day for end in loan.ends)
        if day in loan.ends:
            interest = loan.rounded(accrued)
            if loan.capitalises and day != loan.ends[-1]:
                principal, paid = -interest, 0
            else:
                principal, paid = _principal(loan, done, balance, interest, level), interest
            balance, accrued = balance - principal, Fraction(0)
            rows.append((day, paid, principal, balance))
            if done == loan.interest_only:
                level = _level(loan, done, balance, rate, accrued=accrued, today=last)
        if day in loan.prepaid:
            principal, paid = min(loan.prepaid[day], balance), loan.rounded(accrued)
            balance, accrued = balance - principal, Fraction(0)
            rows.append((day, paid, principal, balance))
            if loan.smaller:
                level = _level(loan, done, balance, rate, accrued=accrued, today=last)
        if day in loan.resets:
            rate = loan.limit(rate, loan.resets[day])
            if loan.method == "equal-instalment":
                level = _level(loan, done, balance, rate, accrued=accrued, today=last)
    return rows


def _within(loan: Loan, start: date, end: date) -> Fraction:
    """Give the part of a year between two days of one period, both counted from the period's start."""
    first = max(day for day in (loan.drawdown, *loan.ends) if day <= start)
    return part_of_year(loan.rule, first, end) - part_of_year(loan.rule, first, start)


def _principal(loan: Loan, done: int, balance: int, interest: int, level: int) -> int:
    if done == len(loan.ends):
        return balance
    if loan.method == "bullet" or done <= loan.interest_only:
        return 0
    if loan.method == "equal-principal":
        return min(level, balance)
    return min(max(level - interest, 0), balance)


def _level(loan: Loan, done: int, balance: int, rate: Fraction, *, accrued: Fraction, today: date) -> int:
    """Give the payment level from today on, for the ends not yet done."""
    left = loan.ends[max(done, loan.interest_only) :]
    if loan.method == "bullet" or not left:
        return 0
    if loan.method == "equal-principal":
        part = loan.rounded(Fraction(balance, len(left)))
        return balance // len(left) if part * (len(left) - 1) > balance else part
    # What is owed on the first payment day, interest within the period being simple, is the annuity from there.
    owed = balance * (1 + rate * _within(loan, today, left[0])) + accrued
    annuity, factor, before = Fraction(1), Fraction(1), left[0]
    for end in left[1:]:
        factor /= 1 + rate * _within(loan, before, end)
        annuity += factor
        before = end
    return loan.rounded(owed / annuity)
