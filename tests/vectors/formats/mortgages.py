"""Published loan schedules: loan terms in TOML, printed rows in the CSV file beside them."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np

from loans.calc.contracts.engine import Act, Events, Loans, Results, run_events
from loans.calc.contracts.levels import level_instalments
from loans.calc.contracts.money import Balance, MoneyRule, Rounding
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
class _Terms:
    money: MoneyRule
    principal: int
    period_rate: Fraction
    payments: int
    amortised_over: int
    interest_only: int
    override: int | None
    fee: int
    changes: tuple[tuple[int, Fraction, bool], ...]


def _case(check: Comparison, file: VectorFile) -> None:
    only_keys(file.content["expected"], "periodic_payment", "monthly_payment", "balloon_at_term", "amortization_ranges")
    terms, expected = _terms(file.content["loan"]), file.content["expected"]
    results = _run(terms)
    interest, principal, balance = (
        terms.money.shown(part)[:, 0] for part in (results.interest, results.principal, results.balance)
    )
    if terms.money.balance is Balance.CARRIED:
        principal = terms.money.shown(results.interest + results.principal)[:, 0] - interest
    balance = np.concatenate([[terms.principal], balance])
    wanted = expected.get("periodic_payment", expected.get("monthly_payment"))
    first_level = terms.interest_only - 1 if terms.interest_only else 0
    check.same("payment", Decimal(wanted), terms.money.major(results.level[first_level, 0] + terms.fee))
    if "balloon_at_term" in expected:
        check.same("balloon", Decimal(expected["balloon_at_term"]), terms.money.major(balance[terms.payments]))
    for part in expected.get("amortization_ranges", ()):
        only_keys(part, "start_payment", "end_payment", "balance", "principal", "interest")
        rows = slice(part["start_payment"] - 1, part["end_payment"])
        check.same("balance", Decimal(part["balance"]), terms.money.major(balance[part["end_payment"]]))
        check.same("principal", Decimal(part["principal"]), terms.money.major(principal[rows].sum()))
        check.same("interest", Decimal(part["interest"]), terms.money.major(interest[rows].sum()))
    beside = file.path.with_suffix(".csv")
    for row in csv.DictReader(beside.read_text(encoding="utf-8").splitlines()) if beside.is_file() else ():
        place = int(row["payment"]) - 1
        for name, value in (
            ("payment_amount", interest[place] + principal[place] + terms.fee),
            ("principal", principal[place]),
            ("interest", interest[place]),
            ("balance", balance[place + 1]),
        ):
            check.same(f"{name} {place + 1}", Decimal(row[name]), terms.money.major(value))


def _terms(loan: dict[str, Any]) -> _Terms:
    only_keys(loan, *_KNOWN)
    changes = tuple(_rate_change(change) for change in loan.get("rate_schedule", ()))
    if loan.get("day_count", "30/360") != "30/360":
        raise Skip(f"day count {loan['day_count']}: loans")
    money = MoneyRule(
        minor_unit=Decimal(loan.get("currency_unit", "0.01")),
        rounding=_ROUNDINGS[loan["interest_rounding"]],
        level_rounding=_ROUNDINGS[loan["payment_rounding"]],
        balance=Balance.CARRIED if loan.get("balance_tracking") == "carry_precision" else Balance.ROUNDED,
    )
    a_year = _PAYMENTS_A_YEAR[loan.get("payment_frequency", "monthly")]
    override, compounding = loan.get("payment_override"), loan.get("compounding", "monthly")
    return _Terms(
        money=money,
        principal=money.minor(Decimal(loan["principal"])),
        period_rate=_period_rate(Decimal(loan["annual_rate"]) / 100, compounding, a_year),
        changes=tuple((payment, _period_rate(rate, compounding, a_year), recast) for payment, rate, recast in changes),
        payments=loan["term_months"] * a_year // 12,
        amortised_over=loan.get("amortization_period_months", loan["term_months"]) * a_year // 12,
        interest_only=loan.get("interest_only_months", 0) * a_year // 12,
        override=None if override is None else money.minor(Decimal(override)),
        fee=money.minor(Decimal(loan.get("fee_per_period", "0"))),
    )


def _rate_change(change: dict[str, Any]) -> tuple[int, Decimal, bool]:
    only_keys(change, "effective_payment_number", "new_annual_rate", "recast", "payment_cap_factor")
    if "payment_cap_factor" in change:
        raise Skip("caps on a recast payment, with interest added to the balance: loans")
    return change["effective_payment_number"], Decimal(change["new_annual_rate"]) / 100, change.get("recast", True)


def _period_rate(annual: Decimal, compounding: str, a_year: int) -> Fraction:
    """Give the rate of one payment period: exact where the rate compounds with the payments, else to 50 digits."""
    if compounding == "monthly":
        return Fraction(annual) / a_year
    times = _COMPOUNDED_A_YEAR[compounding]
    if times == a_year:
        return Fraction(annual) / a_year
    with localcontext(prec=50):
        return Fraction((1 + annual / times) ** (Decimal(times) / a_year) - 1)


def _run(terms: _Terms) -> Results:
    """Run one period a slot, over the whole amortisation; the last payment takes the rest."""
    acts = np.full((terms.amortised_over, 1), int(Act.INSTALMENT | Act.INTEREST), dtype=np.int16)
    acts[: terms.interest_only] = int(Act.INTEREST)
    acts[-1] = int(Act.REST | Act.INTEREST)
    if terms.interest_only:
        acts[terms.interest_only - 1] |= int(Act.RELEVEL)
    ones = np.ones((terms.amortised_over, 1), dtype=object)
    amounts = 0 * ones
    for payment, new_rate, recast in terms.changes:
        acts[payment - 2] |= int(Act.RATE | Act.RELEVEL if recast else Act.RATE)
        amounts[payment - 2] = new_rate
    balance, rate, year, none = (
        np.array([part], dtype=object) for part in (terms.principal, terms.period_rate, Fraction(1), 0)
    )
    level = np.array([terms.override], dtype=object)
    if terms.override is None:
        level = level_instalments(
            balance=balance, accrued=none, year=year, rate=rate, spans=ones, pays=ones == 1, money=terms.money
        )
    loans = Loans(balance=balance, rate=rate, year=year, level=level, accrued=none)
    return run_events(loans, Events(acts=acts, spans=ones, amounts=amounts), terms.money)
