"""Net exposure over all repos of two parties (GMRA 4(c)), and interest on the cash margin between them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from carbonfin.kernel.dates import DayCount, year_fraction
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import Currency, Money, round_half_up
from collateral.calc.repo_accrual import rounded_exact


def in_base(amount: Money, *, base: Currency, base_per_unit: Mapping[Currency, Decimal]) -> Money:
    """Give an amount in the base currency at spot, half up.

    Raises:
        MissingData: There is no rate of the amount's currency.
    """
    if amount.currency is base:
        return amount
    rate = base_per_unit.get(amount.currency)
    if rate is None:
        raise MissingData(
            f"no rate of {amount.currency} in {base}", zh=f"没有 {amount.currency} 折 {base} 的汇率", field="fx"
        )
    return Money.of(round_half_up(amount.amount * rate), base)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartySide:
    """What one party has outstanding against the other.

    Attributes:
        exposures: Its transaction exposures, each in the currency of the repo, none negative.
        income: Income payable to it and unpaid (GMRA 5).
        margin_held: Cash margin it holds with the interest accrued, and market value of the margin units it holds.
    """

    exposures: tuple[Money, ...]
    income: tuple[Money, ...]
    margin_held: tuple[Money, ...]

    def __post_init__(self) -> None:
        """Refuse negative amounts: they belong to the other party's side."""
        if any(one.minor < 0 for one in (*self.exposures, *self.income, *self.margin_held)):
            raise InvalidInput("a side holds no negative amount", zh="金额为负的应记入对方", field="exposures")


def net_exposure(
    mine: PartySide, theirs: PartySide, *, base: Currency, base_per_unit: Mapping[Currency, Decimal]
) -> Money:
    """Give my net exposure in the base currency; negative where the other party has one to me.

    Mine less theirs of: exposures + income owed - net margin held, where the net margin of a side is what it holds
    above the other (GMRA 2011 4(c), 4(d)).
    """

    def total(amounts: tuple[Money, ...]) -> Money:
        whole = Money(0, base)
        for one in amounts:
            whole = whole + in_base(one, base=base, base_per_unit=base_per_unit)
        return whole

    gross = total(mine.exposures) + total(mine.income) - total(theirs.exposures) - total(theirs.income)
    return gross - (total(mine.margin_held) - total(theirs.margin_held))


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginBalance:
    """A cash margin balance from a day on, and the rate it earns."""

    start: date
    balance: Money
    rate: Decimal


def cash_margin_interest(balances: tuple[MarginBalance, ...], *, basis: DayCount, end: date) -> Money:
    """Give the interest on cash margin over `[first start, end)`: sum of B_i r_i d_i / basis, rounded half up once.

    Raises:
        InvalidInput: There is no balance, the days are not in order, or the currencies differ.
    """
    starts = [one.start for one in balances]
    currencies = {one.balance.currency for one in balances}
    if len(currencies) != 1 or starts != sorted(set(starts)) or starts[-1] > end:
        raise InvalidInput(
            f"balances from {', '.join(map(str, starts)) or 'no day'} to {end} are out of order or mixed",
            zh="现金保证金余额须按日期顺序填写，且为同一币种",
            field="balances",
        )
    exact = Fraction(0)
    for one, until in zip(balances, [*starts[1:], end], strict=True):
        exact += Fraction(one.balance.amount) * Fraction(one.rate) * year_fraction(basis, one.start, until)
    return Money.of(rounded_exact(exact), currencies.pop())
