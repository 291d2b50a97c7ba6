"""What trades state, what they refuse, and the label of those that may only be valued."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.dates import Calendar
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import Currency
from carbonfin.storage.rulebook import builtin_book
from pricing.calc.instruments.contracts import CreditHolding, SpotHolding
from pricing.calc.instruments.conventions import delivery_days, delivery_rules, usable_credits_t
from pricing.calc.instruments.structures import AllowanceSwap, SpreadSwap
from pricing.calc.instruments.terms import LegalBasis, TradingParty, basis_notes
from pricing.calc.options.kinds import ExerciseStyle, OptionType
from tests.pricing.instruments.trades import BUYER, EMPTY, FULL, forward, future, option, terms

NOW = datetime(2025, 7, 1, tzinfo=UTC)
CALENDAR = Calendar(
    name="exchange", holidays=frozenset({date(2025, 12, 12)}), make_up_workdays=frozenset(),
    known_until=date(2025, 12, 31), works_make_up_days=False,
)  # fmt: skip


def spot(unit: str = "CEA-2024") -> SpotHolding:
    return SpotHolding(
        unit=Unit.parse(unit), quantity_t=10, currency=Currency.CNY, price_per_t=Decimal(75),
        acquired_date=date(2025, 1, 2), holder=BUYER, basis=EMPTY,
    )  # fmt: skip


def credit(**changes: Any) -> CreditHolding:
    plain = CreditHolding(
        holding=spot("CCER"), project_id="CCER-1", methodology="CCER-01-001-V01",
        monitoring_start=date(2024, 1, 1), monitoring_end=date(2024, 12, 31),
    )  # fmt: skip
    return replace(plain, **changes)


def swap(**changes: object) -> AllowanceSwap:
    plain = AllowanceSwap(
        terms=terms(), fixed_price_per_t=Decimal(78), settlement_dates=(date(2025, 9, 30), date(2025, 12, 31))
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def spread(**changes: object) -> SpreadSwap:
    plain = SpreadSwap(
        terms=terms(unit=Unit.parse("EUA")), other_unit=Unit.parse("CEA"), ratio=Decimal(1),
        spread_per_t=Decimal(500), settlement_dates=(date(2025, 12, 15),),
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: terms(quantity_t=0), "quantity_t"),
        (lambda: terms(quantity_t=-5), "quantity_t"),
        (lambda: terms(quantity_t=100_000_001), "quantity_t"),
        (lambda: terms(seller=BUYER), "seller"),
        (lambda: TradingParty.parse("123", name="x", field="buyer"), "buyer"),
        (lambda: TradingParty.parse("969500QCC36R89FI3U26", name="x", field="buyer"), "buyer"),
        (lambda: forward(price_per_t=Decimal(0)), "price_per_t"),
        (lambda: forward(price_per_t=Decimal(90_001)), "price_per_t"),
        (lambda: forward(delivery_date=date(2025, 6, 29)), "delivery_date"),
        (lambda: future(price_per_t=Decimal("75.01")), "price_per_t"),
        (lambda: future(lot_t=300), "quantity_t"),
        (lambda: future(lot_t=0), "quantity_t"),
        (lambda: future(price_limit_ratio=Decimal(1)), "price_limit_ratio"),
        (lambda: future(position_limit_t=0), "position_limit_t"),
        (lambda: future(last_trading_date=date(2025, 6, 1)), "last_trading_date"),
        (lambda: future(delivery_date=date(2025, 12, 9)), "delivery_date"),
        (lambda: option(strike_per_t=Decimal(-1)), "strike_per_t"),
        (lambda: option(expiry_date=date(2025, 6, 1)), "expiry_date"),
        (lambda: option(delivery_date=date(2025, 12, 9)), "delivery_date"),
        (lambda: option(averaging_dates=(date(2025, 12, 1),)), "averaging_dates"),
        (lambda: option(style=ExerciseStyle.AVERAGE_PRICE), "averaging_dates"),
        (lambda: option(style=ExerciseStyle.AVERAGE_PRICE, averaging_dates=(date(2025, 12, 11),)), "averaging_dates"),
        (
            lambda: option(
                style=ExerciseStyle.AVERAGE_PRICE, averaging_dates=(date(2025, 12, 2), date(2025, 12, 1))
            ),
            "averaging_dates",
        ),
        (lambda: option(premium_amount=Decimal(-1)), "premium_amount"),
        (lambda: replace(spot(), quantity_t=-1), "quantity_t"),
        (lambda: replace(spot(), price_per_t=Decimal(0)), "price_per_t"),
        (lambda: replace(credit(), holding=spot()), "unit"),
        (lambda: credit(monitoring_end=date(2023, 12, 31)), "monitoring_end"),
        (lambda: swap(settlement_dates=()), "dates"),
        (lambda: swap(settlement_dates=(date(2025, 12, 31), date(2025, 9, 30))), "dates"),
        (lambda: swap(settlement_dates=(date(2025, 6, 30),)), "dates"),
        (lambda: swap(fixed_price_per_t=Decimal(0)), "fixed_price_per_t"),
        (lambda: spread(other_unit=Unit.parse("EUA")), "other_unit"),
        (lambda: spread(ratio=Decimal(0)), "ratio"),
    ],
)  # fmt: skip
def test_what_cannot_be_agreed_is_refused_by_field(make: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        make()
    assert refused.value.field == field
    assert refused.value.zh
    assert refused.value.detail


def test_a_derivative_without_its_papers_is_for_valuation_only() -> None:
    zh, en = forward().notes()
    assert zh == ("仅估值，不可成交（未提供主协议、未提供衍生产品交易资格）",)
    assert en == ("valuation only, not tradable (no master agreement, no derivatives licence)",)
    only_master = LegalBasis(master_agreement="ISDA 2002")
    assert option(terms=terms(basis=only_master)).notes()[1] == (
        "valuation only, not tradable (no derivatives licence)",
    )
    assert forward(terms=terms(basis=FULL)).notes() == ((), ())
    assert swap().notes()[0] == spread().notes()[0] == zh
    assert basis_notes(LegalBasis(master_agreement=" "), is_derivative=False)[0] == (
        "仅估值，不可成交（未提供主协议）",
    )
    assert spot().notes()[0] == ("仅估值，不可成交（未提供主协议）",)


def test_a_future_is_synthetic_until_an_exchange_lists_it() -> None:
    zh, _ = future(terms=terms(basis=FULL)).notes()
    assert zh == ("场外合成合约：未在交易所上市",)
    listed = future(terms=terms(basis=LegalBasis(exchange_rules="示例交易所规则")), listed_on="示例交易所")
    assert listed.notes() == ((), ())


def test_option_types_have_their_sign() -> None:
    assert (OptionType.CALL.sign, OptionType.PUT.sign) == (1, -1)


def test_delivery_days_follow_the_schemes_dated_rules() -> None:
    book = builtin_book("pricing")
    rules = delivery_rules(book, Scheme.CEA, valid_on=date(2025, 6, 30), known_at=NOW)
    days = delivery_days(trade_date=date(2025, 6, 30), delivery_date=date(2025, 12, 13), rules=rules, calendar=CALENDAR)
    # 13 December 2025 is a Saturday: delivery Monday 15; three open days before are 11, 10, 9, as 12 is closed; cash 16.
    assert (days.notice_date, days.delivery_date, days.payment_date) == (
        date(2025, 12, 9), date(2025, 12, 15), date(2025, 12, 16),
    )  # fmt: skip
    with pytest.raises(InvalidInput) as late:
        delivery_days(trade_date=date(2025, 12, 11), delivery_date=date(2025, 12, 15), rules=rules, calendar=CALENDAR)
    assert late.value.field == "delivery_date"
    with pytest.raises(MissingData):
        delivery_rules(book, Scheme.CEA, valid_on=date(2020, 1, 1), known_at=NOW)
    with pytest.raises(MissingData):
        delivery_days(trade_date=date(2025, 6, 30), delivery_date=date(2026, 1, 5), rules=rules, calendar=CALENDAR)


def test_credits_meet_no_more_of_an_obligation_than_the_rule_admits() -> None:
    book = builtin_book("pricing")
    # 5 % of 123,459 t is 6,172.95: whole units only.
    used, rule = usable_credits_t(
        book, Scheme.CEA, obligation_t=123_459, held_t=10_000, valid_on=date(2025, 6, 30), known_at=NOW
    )
    assert (used, rule.article) == (6172, "第二十九条")
    few, _ = usable_credits_t(
        book, Scheme.CEA, obligation_t=123_459, held_t=7, valid_on=date(2025, 6, 30), known_at=NOW
    )
    assert few == 7
    with pytest.raises(InvalidInput):
        usable_credits_t(book, Scheme.CEA, obligation_t=-1, held_t=7, valid_on=date(2025, 6, 30), known_at=NOW)
    with pytest.raises(MissingData):
        usable_credits_t(book, Scheme.EUA, obligation_t=1, held_t=7, valid_on=date(2025, 6, 30), known_at=NOW)
