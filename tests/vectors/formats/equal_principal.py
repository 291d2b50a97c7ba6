"""Equal principal on the bank calendar: payment days and interest before rounding."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from carbonfin.kernel.dates import DayCount
from loans.calc.contracts.schedule import exact_interest_of, interest_periods
from loans.calc.contracts.terms import AccrualDates, CalendarDays, LoanTerms, RepaymentMethod
from tests.vectors.built_in import built_in_calendar
from tests.vectors.comparison import CaseResult, Comparison, only_keys, run_case
from tests.vectors.files import VectorFile

_PRINCIPAL, _RATE, _MONTHS = 1_000_000, Decimal("0.0310"), 24  # stated in the file's source line


def recognises(file: VectorFile) -> bool:
    return file.has("cashflows", "inputs") and "AmortizingFixedRateBond" in str(file.content.get("source"))


def run(file: VectorFile) -> Iterable[CaseResult]:
    for place, pair in enumerate(zip(file.content["cashflows"][::2], file.content["cashflows"][1::2], strict=True)):
        yield run_case(
            f"payment {place + 1}",
            file.tolerance,
            lambda check, place=place, pair=pair: _case(check, file, place, pair),
        )


def _case(check: Comparison, file: VectorFile, place: int, pair: tuple[list[object], list[object]]) -> None:
    only_keys(file.content, "source", "cashflows", "inputs", "provisional_from")
    only_keys(file.content["inputs"], "start", "frequency", "business_day_convention", "rounding")
    start = date.fromisoformat(file.content["inputs"]["start"])
    maturity = start.replace(year=start.year + _MONTHS // 12)
    # 24 times the principal repays a round million a month, so that interest is exact; it is divided back below.
    terms = LoanTerms(
        principal_cny=Decimal(_PRINCIPAL * _MONTHS),
        drawdown_date=start,
        maturity_date=maturity,
        rate=_RATE,
        basis=DayCount.ACT_360,
        method=RepaymentMethod.EQUAL_PRINCIPAL,
        interest_period_months=1,
        settlement_day=start.day - 1,
        accrual_dates=AccrualDates.ADJUSTED,
    )
    calendar = CalendarDays.of(built_in_calendar("bank"), start=start, end=date(maturity.year, 12, 31))
    period = interest_periods(terms, calendar)[place]
    balance_fen = _PRINCIPAL * (_MONTHS - place) * 100
    interest_fen = exact_interest_of(terms, period, balance_fen=balance_fen)
    (paid_on, interest), (principal_paid_on, principal) = pair
    check.same("payment day", (paid_on, principal_paid_on), (period.payment_date.isoformat(),) * 2)
    check.number("interest", float(str(interest)), float(interest_fen / 100 / _MONTHS))
    check.number("principal", float(str(principal)), _PRINCIPAL / _MONTHS)
