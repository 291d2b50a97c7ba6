"""The event engine: rounding against decimal arithmetic, money rules by hand, and acts the books do not use."""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest

from carbonfin.kernel.errors import InvalidInput
from loans.calc.contracts.engine import Act, Events, Loans, run_events
from loans.calc.contracts.levels import level_principals
from loans.calc.contracts.money import FEN, Balance, MoneyRule, Rounding, divided

DECIMAL = {
    Rounding.HALF_UP: ROUND_HALF_UP,
    Rounding.HALF_EVEN: ROUND_HALF_EVEN,
    Rounding.UP: ROUND_UP,
    Rounding.DOWN: ROUND_DOWN,
}
CASES = 100_000


@pytest.mark.parametrize("rounding", list(Rounding))
def test_interest_of_random_loans_is_rounded_exactly(rounding: Rounding) -> None:
    rng = np.random.default_rng(20251129)
    year_days = rng.choice([360, 365], CASES)
    # every other balance in whole yuan and days of whole quarters, so that ties to the half fen do occur
    balance = rng.integers(1, 10**11, CASES)
    balance[::2] = balance[::2] // 10_000 * 100
    days = rng.integers(0, 367, CASES)
    days[::2] = rng.choice([30, 73, 90, 146, 180], CASES // 2)
    rate = rng.integers(0, 1000, CASES) * 100
    year = year_days * 1_000_000
    zeros = np.zeros(CASES, dtype=np.int64)
    loans = Loans(balance=balance, rate=rate, year=year, level=zeros, accrued=zeros)
    acts = np.full((1, CASES), int(Act.INTEREST), dtype=np.int16)
    money = MoneyRule(rounding=rounding)
    found = run_events(loans, Events(acts=acts, spans=days[None, :], amounts=zeros[None, :]), money).interest[0]
    assert found.dtype == np.int64
    ties = 0
    with localcontext(prec=60):
        for amount, part, span, basis, interest in zip(
            balance.tolist(), rate.tolist(), days.tolist(), year_days.tolist(), found.tolist(), strict=True
        ):
            # a quotient that ends is exact here; one that does not is nearer to itself than to any boundary
            exact = Decimal(amount) * part * span / (basis * 1_000_000)
            ties += exact % 1 == Decimal("0.5")
            assert interest == int(exact.quantize(Decimal(1), rounding=DECIMAL[rounding])), (amount, part, span, basis)
    assert ties > 100


def test_negative_amounts_mirror_positive_ones() -> None:
    values = np.array([25, -25, 35, -35, 26, -26])
    assert divided(values, 10, Rounding.HALF_UP).tolist() == [3, -3, 4, -4, 3, -3]
    assert divided(values, 10, Rounding.HALF_EVEN).tolist() == [2, -2, 4, -4, 3, -3]
    assert divided(values, 10, Rounding.UP).tolist() == [3, -3, 4, -4, 3, -3]
    assert divided(values, 10, Rounding.DOWN).tolist() == [2, -2, 3, -3, 2, -2]


def two_months(money: MoneyRule, *, balance: int, level: int, may_grow: bool = False) -> list[list[object]]:
    """Two payments at half a unit in a hundred a period."""
    one = np.array([1], dtype=object)
    loans = Loans(
        balance=one * balance,
        rate=one * Fraction(1, 200),
        year=one,
        level=one * level,
        accrued=0 * one,
        may_grow=may_grow,
    )
    acts = np.array([[Act.INSTALMENT | Act.INTEREST], [Act.REST | Act.INTEREST]], dtype=np.int16)
    spans = np.array([[1], [1]], dtype=object)
    found = run_events(loans, Events(acts=acts, spans=spans, amounts=0 * spans), money)
    return [part[:, 0].tolist() for part in (found.interest, found.principal, found.balance)]


def test_balances_are_rounded_or_carried() -> None:
    # 0.5 % of 10,100 fen is 50.5: half up 51 is paid of a level of 5,000, and 5,151 left, of which 25.755 are interest
    assert two_months(FEN, balance=10_100, level=5_000) == [[51, 26], [4_949, 5_151], [5_151, 0]]
    # carried: 50.5 and 4,949.5, of what is left, 5,150.5, 25.7525
    carried = MoneyRule(balance=Balance.CARRIED)
    left = Fraction(10_301, 2)
    assert two_months(carried, balance=10_100, level=5_000) == [
        [Fraction(101, 2), left / 200],
        [Fraction(9_899, 2), left],
        [left, 0],
    ]
    shown = carried.shown(np.array([[left, Fraction(101, 2), Fraction(-1, 3)]], dtype=object))
    assert shown.tolist() == [[5_151, 51, 0]]


def test_an_instalment_below_the_interest() -> None:
    # 0.5 % of 10,000 is 50 against a level of 20: nothing is repaid, or 30 are added where the contract says so
    assert two_months(FEN, balance=10_000, level=20) == [[50, 50], [0, 10_000], [10_000, 0]]
    assert two_months(FEN, balance=10_000, level=20, may_grow=True) == [[50, 50], [-30, 10_030], [10_030, 0]]


def test_a_frozen_base_of_interest_moves_when_told() -> None:
    one = np.array([1])
    loans = Loans(balance=1000 * one, rate=one, year=10 * one, level=0 * one, accrued=0 * one, frozen_base=1000 * one)
    acts = np.array([[Act.PRINCIPAL], [Act.INTEREST], [Act.BASE], [Act.INTEREST]], dtype=np.int16)
    spans, amounts = np.array([[0], [1], [0], [1]]), np.array([[400], [0], [0], [0]])
    found = run_events(loans, Events(acts=acts, spans=spans, amounts=amounts))
    assert found.interest[:, 0].tolist() == [0, 100, 0, 60]


def test_equal_parts_never_repay_more_than_there_is() -> None:
    # 5 over 8 rounds to 1 a payment, of which seven would be more than 5
    balance, payments = np.array([5, 20, 0]), np.array([8, 8, 0])
    assert level_principals(balance=balance, payments=payments, money=FEN).tolist() == [0, 2, 0]


def test_minor_units() -> None:
    yen = MoneyRule(minor_unit=Decimal(1))
    assert (FEN.minor(Decimal("12.34")), FEN.major(1234)) == (1234, Decimal("12.34"))
    assert (yen.minor(Decimal(12)), yen.major(12)) == (12, Decimal(12))
    for amount in (Decimal("0.005"), Decimal("NaN"), Decimal("Infinity")):
        with pytest.raises(InvalidInput):
            FEN.minor(amount)
    for unit in ("0", "-1", "0.05", "10", "NaN"):
        with pytest.raises(InvalidInput):
            MoneyRule(minor_unit=Decimal(unit))


def test_a_level_on_the_boundary_is_decided_exactly() -> None:
    one = np.array([1, 1], dtype=np.int64)
    loans = Loans(balance=201 * one, rate=0 * one, year=2 * one, level=0 * one, accrued=np.array([0, 0]))
    acts = np.full((3, 2), int(Act.INSTALMENT | Act.INTEREST), dtype=np.int16)
    acts[0], acts[2] = int(Act.RELEVEL), int(Act.REST | Act.INTEREST)
    spans = np.ones((3, 2), dtype=np.int64)
    # two payments of 201 / 2 = 100.5
    for rounding, level in (
        (Rounding.HALF_UP, 101),
        (Rounding.HALF_EVEN, 100),
        (Rounding.UP, 101),
        (Rounding.DOWN, 100),
    ):
        money = MoneyRule(level_rounding=rounding)
        found = run_events(loans, Events(acts=acts, spans=spans, amounts=0 * spans), money)
        assert found.level[0].tolist() == [level, level]
