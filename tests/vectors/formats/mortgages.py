"""Published loan schedules: loan terms in TOML, printed rows in the CSV file beside them."""

import calendar
import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np

from loans.calc.contracts.engine import Act, Events, Loans, Results, run_events
from loans.calc.contracts.levels import level_instalments
from loans.calc.contracts.money import Balance, MoneyRule, Rounding, rounded_fraction
from tests.vectors.comparison import CaseResult, Comparison, Skip, only_keys, run_case
from tests.vectors.files import VectorFile

_PAYMENTS_A_YEAR = {"monthly": 12, "semi_monthly": 24, "biweekly": 26, "weekly": 52, "quarterly": 4, "annual": 1}
_COMPOUNDED_A_YEAR = {"semi_annual": 2, "annual": 1}
_ROUNDINGS = {
    "ROUND_UP": Rounding.UP,
    "ROUND_DOWN": Rounding.DOWN,
    "ROUND_HALF_UP": Rounding.HALF_UP,
    "ROUND_HALF_EVEN": Rounding.HALF_EVEN,
}
_KNOWN = (
    "principal",
    "annual_rate",
    "term_months",
    "day_count",
    "payment_rounding",
    "interest_rounding",
    "amortization_period_months",
    "balance_tracking",
    "compounding",
    "payment_frequency",
    "payment_override",
    "interest_only_months",
    "currency_unit",
    "fee_per_period",
    "rate_schedule",
    "start_date",
)


def recognises(file: VectorFile) -> bool:
    return file.has("loan", "source", "expected") and "annual_rate" in file.content["loan"]


def recognises_rows(file: VectorFile) -> bool:
    return file.path.suffix == ".csv" and file.path.with_suffix(".toml").is_file()


def run_rows(file: VectorFile) -> Iterable[CaseResult]:
    """Nothing of its own: the rows are compared with the terms beside them."""
    yield run_case("rows", file.tolerance, lambda check: _rows_have_terms(check, file))


def _rows_have_terms(check: Comparison, file: VectorFile) -> None:
    header = file.text.splitlines()[0].split(",")
    check.same("columns", ["payment", "payment_amount", "principal", "interest", "balance"], header)


def run(file: VectorFile) -> Iterable[CaseResult]:
    yield run_case(file.path.stem, file.tolerance, lambda check: _case(check, file))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """A new rate from a payment on; `cap_factor` bounds the recast payment by the one before."""

    payment: int
    rate: Fraction
    recast: bool
    cap_factor: Fraction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    money: MoneyRule
    principal: int
    period_rate: Fraction
    payments: int
    amortised_over: int
    interest_only: int
    override: int | None
    fee: int
    changes: tuple[_Change, ...]
    days: tuple[int, ...] | None  # of each payment's month, over a year of 360: None is whole periods


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """What is printed for each payment, in minor units; `first_payment` what the source states as its payment."""

    payment: list[int]
    interest: list[int]
    principal: list[int]
    balance: list[int]
    first_payment: int


def _case(check: Comparison, file: VectorFile) -> None:
    only_keys(file.content["expected"], "periodic_payment", "monthly_payment", "balloon_at_term", "amortization_ranges")
    terms, expected = _terms(file.content["loan"]), file.content["expected"]
    rows, major = _rows(terms), _terms(file.content["loan"]).money.major
    wanted = expected.get("periodic_payment", expected.get("monthly_payment"))
    check.same("payment", Decimal(wanted), major(rows.first_payment))
    if "balloon_at_term" in expected:
        check.same("balloon", Decimal(expected["balloon_at_term"]), major(rows.balance[terms.payments - 1]))
    for part in expected.get("amortization_ranges", ()):
        only_keys(part, "start_payment", "end_payment", "balance", "principal", "interest")
        places = slice(part["start_payment"] - 1, part["end_payment"])
        check.same("balance", Decimal(part["balance"]), major(rows.balance[part["end_payment"] - 1]))
        check.same("principal", Decimal(part["principal"]), major(sum(rows.principal[places])))
        check.same("interest", Decimal(part["interest"]), major(sum(rows.interest[places])))
    beside = file.path.with_suffix(".csv")
    for row in csv.DictReader(beside.read_text(encoding="utf-8").splitlines()) if beside.is_file() else ():
        place = int(row["payment"]) - 1
        for name, value in (
            ("payment_amount", rows.payment[place] + terms.fee),
            ("principal", rows.principal[place]),
            ("interest", rows.interest[place]),
            ("balance", rows.balance[place]),
        ):
            check.same(f"{name} {place + 1}", Decimal(row[name]), major(value))


def _terms(loan: dict[str, Any]) -> _Terms:
    only_keys(loan, *_KNOWN)
    by_days = loan.get("day_count", "30/360") == "actual/360"
    if not by_days and loan.get("day_count", "30/360") != "30/360":
        raise Skip(f"day count {loan['day_count']}: loans")
    carried = by_days or loan.get("balance_tracking") == "carry_precision"
    money = MoneyRule(
        minor_unit=Decimal(loan.get("currency_unit", "0.01")),
        rounding=_ROUNDINGS[loan["interest_rounding"]],
        level_rounding=_ROUNDINGS[loan["payment_rounding"]],
        balance=Balance.CARRIED if carried else Balance.ROUNDED,
    )
    a_year = _PAYMENTS_A_YEAR[loan.get("payment_frequency", "monthly")]
    override, compounding = loan.get("payment_override"), loan.get("compounding", "monthly")
    amortised_over = loan.get("amortization_period_months", loan["term_months"]) * a_year // 12
    return _Terms(
        money=money,
        principal=money.minor(Decimal(loan["principal"])),
        period_rate=_period_rate(Decimal(loan["annual_rate"]) / 100, compounding, a_year),
        payments=loan["term_months"] * a_year // 12,
        amortised_over=amortised_over,
        interest_only=loan.get("interest_only_months", 0) * a_year // 12,
        override=None if override is None else money.minor(Decimal(override)),
        fee=money.minor(Decimal(loan.get("fee_per_period", "0"))),
        changes=tuple(_change(change, compounding, a_year) for change in loan.get("rate_schedule", ())),
        days=_month_days(loan["start_date"], amortised_over) if by_days else None,
    )


def _change(change: dict[str, Any], compounding: str, a_year: int) -> _Change:
    only_keys(change, "effective_payment_number", "new_annual_rate", "recast", "payment_cap_factor")
    cap = change.get("payment_cap_factor")
    return _Change(
        payment=change["effective_payment_number"],
        rate=_period_rate(Decimal(change["new_annual_rate"]) / 100, compounding, a_year),
        recast=change.get("recast", True),
        cap_factor=None if cap is None else Fraction(cap),
    )


def _month_days(start: object, count: int) -> tuple[int, ...]:
    """Give the days of the calendar months from the start's own on."""
    first = date.fromisoformat(str(start))
    months = (divmod(first.year * 12 + first.month - 1 + place, 12) for place in range(count))
    return tuple(calendar.monthrange(year, month + 1)[1] for year, month in months)


def _period_rate(annual: Decimal, compounding: str, a_year: int) -> Fraction:
    """Give the rate of one payment period: exact where the rate compounds with the payments, else to 50 digits."""
    times = _COMPOUNDED_A_YEAR.get(compounding, a_year)
    if times == a_year:
        return Fraction(annual) / a_year
    with localcontext(prec=50):
        return Fraction((1 + annual / times) ** (Decimal(times) / a_year) - 1)


def _rows(terms: _Terms) -> _Rows:
    found, slots = _run(terms)
    money = terms.money
    interest, balance = (money.shown(part[slots, 0]).tolist() for part in (found.interest, found.balance))
    owed = money.shown(found.interest[slots, 0] + found.principal[slots, 0]).tolist()
    levels = [rounded_fraction(Fraction(level), money.level_rounding) for level in found.level[slots, 0]]
    payment = []
    before = terms.principal
    for place, left in enumerate(balance):
        if place < terms.interest_only:
            payment.append(interest[place])
        elif left == 0 and terms.override is None:
            payment.append(interest[place] + before)
        elif left == 0 or terms.money.balance is Balance.ROUNDED:
            payment.append(owed[place])
        else:
            payment.append(levels[place])
        before = left
    principal = [paid - due for paid, due in zip(payment, interest, strict=True)]
    first = levels[0]
    if terms.interest_only:  # what is stated is then the first payment of interest, of a whole period
        first = rounded_fraction(terms.principal * terms.period_rate, money.level_rounding)
    return _Rows(payment=payment, interest=interest, principal=principal, balance=balance, first_payment=first)


def _run(terms: _Terms) -> tuple[Results, list[int]]:
    """Run the whole amortisation, one slot a payment, and one for each change of rate and for its cap after it.

    A cap that binds is only known from the run before: it is put in, and the loan run again.
    """
    caps: dict[int, int] = {}
    while True:
        slots, acts, spans, amounts = _slots(terms, caps)
        found = run_events(_loan(terms), Events(acts=acts, spans=spans, amounts=amounts), terms.money)
        levels = [rounded_fraction(Fraction(level), terms.money.level_rounding) for level in found.level[:, 0]]
        for change in terms.changes:
            slot = slots[change.payment - 2]
            if change.cap_factor is None or not change.recast or change.payment in caps:
                continue
            cap = rounded_fraction(levels[slot] * change.cap_factor, terms.money.level_rounding)
            caps[change.payment] = min(cap, levels[slot + 1]) if cap < levels[slot + 1] else -1
            if caps[change.payment] >= 0:
                break
        else:
            return found, slots


def _slots(terms: _Terms, caps: dict[int, int]) -> tuple[list[int], Any, Any, Any]:
    slots: list[int] = []
    rows: list[tuple[int, Any, Any]] = []  # acts, span, amount
    for payment in range(1, terms.amortised_over + 1):
        for change in (change for change in terms.changes if change.payment == payment):
            rows.append((int(Act.RATE | Act.RELEVEL if change.recast else Act.RATE), 0, change.rate))
            cap = caps.get(payment, -1)
            rows.append((int(Act.LEVEL) if cap >= 0 else 0, 0, max(cap, 0)))
        acts = Act.INTEREST if payment <= terms.interest_only else Act.INSTALMENT | Act.INTEREST
        amount: Any = 0
        if payment == terms.amortised_over:
            acts = Act.REST | Act.INTEREST
        elif payment == terms.interest_only and terms.override is None:
            acts |= Act.LEVEL
            amount = _level(terms, terms.amortised_over - terms.interest_only)
        slots.append(len(rows))
        rows.append((int(acts), 1 if terms.days is None else terms.days[payment - 1], amount))
    acts_of, spans, amounts = zip(*rows, strict=True)
    column = (-1, 1)
    return (
        slots,
        np.array(acts_of, dtype=np.int16).reshape(column),
        np.array(spans, dtype=object).reshape(column),
        np.array(amounts, dtype=object).reshape(column),
    )


def _level(terms: _Terms, payments: int) -> Any:
    """Give the level of whole periods, which loans counted by days are paid by too."""
    one = np.ones(1, dtype=object)
    ones = np.ones((payments, 1), dtype=object)
    return level_instalments(
        balance=one * terms.principal,
        accrued=0 * one,
        year=one,
        rate=one * terms.period_rate,
        spans=ones,
        pays=ones == 1,
        money=terms.money,
    )[0]


def _loan(terms: _Terms) -> Loans:
    one = np.ones(1, dtype=object)
    level = _level(terms, terms.amortised_over) if terms.override is None else terms.override
    # By days: 12 payment rates a year of 360 days.
    year = one if terms.days is None else one * 30
    return Loans(
        balance=one * terms.principal,
        rate=one * terms.period_rate,
        year=year,
        level=one * level,
        accrued=0 * one,
        may_grow=True,
    )
