"""Trades that tests change one thing of."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.units import Currency
from pricing.calc.instruments.contracts import AllowanceOption, ExchangeFuture, OtcForward, SettlementKind
from pricing.calc.instruments.terms import LegalBasis, TradeTerms, TradingParty
from pricing.calc.options.kinds import ExerciseStyle, OptionType

# The two parties of FpML's commodity example 30, whose check digits hold.
BUYER = TradingParty.parse("969500QCC36R89FI3U25", name="EnergyCoB", field="buyer")
SELLER = TradingParty.parse("5299000NIGT14YW8ZD26", name="EnergyCoA", field="seller")
FULL = LegalBasis(master_agreement="NAFMII 2009", derivatives_licence="示例资格")
EMPTY = LegalBasis()


def terms(**changes: Any) -> TradeTerms:
    """1,000 t CEA-2024 in CNY, traded 2025-06-30."""
    plain = TradeTerms(
        trade_id="T1", unit=Unit.parse("CEA-2024"), quantity_t=1000, currency=Currency.CNY,
        trade_date=date(2025, 6, 30), buyer=BUYER, seller=SELLER, basis=EMPTY,
    )  # fmt: skip
    return replace(plain, **changes)


def forward(**changes: Any) -> OtcForward:
    plain = OtcForward(
        terms=terms(),
        price_per_t=Decimal("77.50"),
        delivery_date=date(2025, 12, 15),
        settlement=SettlementKind.PHYSICAL,
    )
    return replace(plain, **changes)


def future(**changes: Any) -> ExchangeFuture:
    plain = ExchangeFuture(
        terms=terms(), contract_code="CEA2512", price_per_t=Decimal("75.00"), tick_per_t=Decimal("0.05"), lot_t=100,
        last_trading_date=date(2025, 12, 10), delivery_date=date(2025, 12, 15), price_limit_ratio=Decimal("0.10"),
        position_limit_t=1500,
    )  # fmt: skip
    return replace(plain, **changes)


def option(**changes: Any) -> AllowanceOption:
    plain = AllowanceOption(
        terms=terms(), option_type=OptionType.CALL, style=ExerciseStyle.EUROPEAN, strike_per_t=Decimal(80),
        expiry_date=date(2025, 12, 10), delivery_date=date(2025, 12, 15), settlement=SettlementKind.PHYSICAL,
    )  # fmt: skip
    return replace(plain, **changes)
