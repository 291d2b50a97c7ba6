"""Default, netting and the books: hand-made sums."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.dates import Calendar, DayCount
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import Currency, Money
from collateral.calc.close_out import (
    ClosedRepo,
    Dealing,
    DefaultEvidence,
    RepoSide,
    ValueBasis,
    close_out,
    default_market_value,
    default_valuation_day,
    secured_claim,
)
from collateral.calc.net_exposure import MarginBalance, PartySide, cash_margin_interest, net_exposure
from collateral.calc.repo_accounting import AccountingLabel, RepurchaseFacts, RepurchaseRight, accounting_label

DAY = date(2025, 7, 7)


def cny(amount: str) -> Money:
    return Money.of(amount, Currency.CNY)


EVIDENCE = DefaultEvidence(
    quantity_t=1_000_000,
    dealing=Dealing(dealt_on=DAY, gross=cny("30500000")),
    quotes_per_t=(Decimal("30.00"), Decimal("31.00"), Decimal("32.50")),
    fair_per_t=Decimal("29.00"),
    costs=cny("250000"),
)


def test_a_deal_in_time_comes_before_quotes_and_quotes_before_fair_value() -> None:
    """Quotes: (30 + 31 + 32.5) / 3 x 1,000,000 = 31,166,666.67."""
    one_quote = replace(EVIDENCE, dealing=None, quotes_per_t=(Decimal(30),))
    cases = (
        (EVIDENCE, DAY, ValueBasis.DEALT, "30250000", "30750000"),
        (EVIDENCE, date(2025, 7, 6), ValueBasis.QUOTED, "30916666.67", "31416666.67"),
        (one_quote, DAY, ValueBasis.FAIR, "28750000", "29250000"),
    )
    for evidence, valuation_day, basis, sold, bought in cases:
        seller = default_market_value(evidence, defaulter=RepoSide.SELLER, valuation_day=valuation_day)
        buyer = default_market_value(evidence, defaulter=RepoSide.BUYER, valuation_day=valuation_day)
        assert (seller.basis, seller.value, buyer.value) == (basis, cny(sold), cny(bought))
    with pytest.raises(MissingData, match="fewer than two quotes"):
        default_market_value(replace(one_quote, fair_per_t=None), defaulter=RepoSide.SELLER, valuation_day=DAY)
    with pytest.raises(InvalidInput):
        replace(EVIDENCE, fair_per_t=Decimal(0))


def test_the_valuation_day_is_counted_in_dealing_days() -> None:
    calendar = Calendar(
        name="exchange", holidays=frozenset({date(2025, 10, day) for day in range(1, 9)}),
        make_up_workdays=frozenset(), known_until=date(2025, 12, 31), works_make_up_days=False,
    )  # fmt: skip
    day = default_valuation_day(defaulted_on=date(2025, 9, 29), dealing_days=5, calendar=calendar)
    assert day == date(2025, 10, 14)


def closed(repurchase_price: str, value: str, *, margin: str = "0", income: str = "0") -> ClosedRepo:
    return ClosedRepo(
        code="R", repurchase_price=cny(repurchase_price), margin_held=cny(margin), income_to_seller=cny(income),
        units_value=cny(value),
    )  # fmt: skip


def test_sums_net_and_stay_visible_side_by_side() -> None:
    short, over = closed("1000", "800", margin="50", income="50"), closed("500", "650")
    both = close_out([short, over], base=Currency.CNY, is_netting_supported=False)
    assert (both.net_owed_by_seller, both.owed_by_seller, both.owed_by_buyer) == (cny("-50"), cny("100"), cny("150"))
    assert not both.is_netting_supported
    mini = close_out([short], base=Currency.CNY, is_netting_supported=True)
    assert mini.net_owed_by_seller == cny("100")


@given(st.integers(1, 10**9), st.integers(-(10**9), 10**9), st.integers(0, 10**9))
def test_a_secured_claim_says_the_same_of_one_repo(price: int, margin: int, value: int) -> None:
    one = ClosedRepo(
        code="R", repurchase_price=Money(price, Currency.CNY), margin_held=Money(margin, Currency.CNY),
        income_to_seller=cny("0"), units_value=Money(value, Currency.CNY),
    )  # fmt: skip
    claim = secured_claim(one)
    assert claim.satisfied + claim.shortfall == one.repurchase_price
    assert claim.surplus_to_seller.minor == max(-one.owed_by_seller.minor, 0)
    assert min(claim.satisfied.minor, claim.shortfall.minor, claim.surplus_to_seller.minor) >= 0
    if margin >= 0:
        assert claim.shortfall.minor == max(one.owed_by_seller.minor, 0)


SPOT = {Currency.USD: Decimal("7.20")}


def test_net_exposure_sums_both_sides_at_spot() -> None:
    """100 USD x 7.20 + 10 - 300 - (200 - 50) = 280."""
    mine = PartySide(exposures=(Money.of(100, Currency.USD),), income=(cny("10"),), margin_held=(cny("200"),))
    theirs = PartySide(exposures=(cny("300"),), income=(), margin_held=(cny("50"),))
    assert net_exposure(mine, theirs, base=Currency.CNY, base_per_unit=SPOT) == cny("280")
    assert net_exposure(theirs, mine, base=Currency.CNY, base_per_unit=SPOT) == cny("-280")
    with pytest.raises(MissingData, match="no rate of USD"):
        net_exposure(mine, theirs, base=Currency.CNY, base_per_unit={})
    with pytest.raises(InvalidInput):
        replace(mine, income=(cny("-1"),))


def test_interest_on_cash_margin_is_rounded_once() -> None:
    """1.2m x 1.5% x 30/365 + 1.0m x 1.5% x 61/365 = 3,986.30; two halves of 0.004 are 0.01, not nothing."""
    balances = (
        MarginBalance(start=date(2025, 5, 1), balance=cny("1200000"), rate=Decimal("0.015")),
        MarginBalance(start=date(2025, 5, 31), balance=cny("1000000"), rate=Decimal("0.015")),
    )
    end = date(2025, 7, 31)
    assert cash_margin_interest(balances, basis=DayCount.ACT_365, end=end) == cny("3986.30")
    small = tuple(MarginBalance(start=date(2025, 5, day), balance=cny("3.65"), rate=Decimal("0.05")) for day in (1, 9))
    assert cash_margin_interest(small, basis=DayCount.ACT_365, end=date(2025, 5, 17)) == cny("0.01")
    for wrong in ((), balances[::-1], (balances[0], replace(balances[1], balance=Money.of(1, Currency.USD)))):
        with pytest.raises(InvalidInput, match="out of order or mixed"):
            cash_margin_interest(wrong, basis=DayCount.ACT_365, end=end)


@pytest.mark.parametrize(
    ("right", "due", "label"),
    [
        (RepurchaseRight.OBLIGATION, "100", AccountingLabel.FINANCING),
        (RepurchaseRight.OBLIGATION, "99.99", AccountingLabel.LEASE),
        (RepurchaseRight.SELLER_OPTION, "104", AccountingLabel.FINANCING),
        (RepurchaseRight.BUYER_OPTION, "104", AccountingLabel.FINANCING),
        (RepurchaseRight.BUYER_OPTION, "98", AccountingLabel.LEASE),
        (RepurchaseRight.BUYER_OPTION, "95", AccountingLabel.SALE_WITH_RETURN),
    ],
)
def test_the_label_follows_price_and_right(right: RepurchaseRight, due: str, label: AccountingLabel) -> None:
    facts = RepurchaseFacts(
        right=right, purchase_price_amount=Decimal(100), repurchase_price_amount=Decimal(due),
        expected_value_amount=Decimal(95),
    )  # fmt: skip
    found = accounting_label(facts)
    assert found.label is label
    assert due in found.reason_zh
    assert due in found.reason_en
    with pytest.raises(InvalidInput):
        replace(facts, purchase_price_amount=Decimal(0))
