"""A bank's method and a unit's facts that tests change field by field."""

from decimal import Decimal
from typing import Any

from collateral.calc.haircut_models.stack_terms import (
    CHOSEN,
    HistoryColumns,
    JumpTerms,
    Measure,
    StackFacts,
    StackMethod,
)
from collateral.calc.haircut_models.wrong_way import BorrowerUnits, WrongWayMethod


def wrong_way_method(**given: Any) -> WrongWayMethod:
    plain: dict[str, Any] = {
        "price_credit_correlation": Decimal("0.3"), "emissions_credit_correlation": Decimal("-0.3"),
        "price_emissions_correlation": Decimal("0.2"), "default_ratios": (Decimal("0.01"),) * 4, "surrender_season": 3,
        "release_ratio": Decimal("0.5"), "emissions_deviation": Decimal("0.1"), "horizon_days": 20,
        "missing_ratio": Decimal("0.1"),
    }  # fmt: skip
    return WrongWayMethod(**plain | given)


def borrower(**given: int) -> BorrowerUnits:
    plain = {"emissions_t": 1_000_000, "allocation_t": 990_000, "free_holding_t": 20_000, "pledged_t": 100_000}
    return BorrowerUnits(**plain | given)


def stack_method(**given: Any) -> StackMethod:
    plain: dict[str, Any] = {
        "components": CHOSEN, "measure": Measure.VALUE_AT_RISK, "tail_ratio": Decimal("0.01"),
        "table_ratio": Decimal("0.30"), "conservative_ratio": Decimal("0.60"), "floor_ratio": Decimal("0.20"),
        "ceiling_ratio": Decimal("0.95"), "ten_day_ratio": Decimal("0.25"),
        "currency_ten_day_ratio": Decimal("0.08"), "holding_days": 20, "remargin_days": 1, "cure_days": 5,
        "notice_days": 5, "participation_ratio": Decimal("0.2"), "daily_limit_ratio": Decimal("0.1"),
        "bid_ask_ratio": Decimal("0.01"), "impact": Decimal("0.5"), "fewest_clean_days": 100,
        "least_clean_share": Decimal("0.5"), "path_count": 2_000, "seed": 7,
        "jumps": JumpTerms(jumps_per_year=Decimal(6), up_ratio=Decimal("0.35"), up_mean=Decimal("0.04"),
                           down_mean=Decimal("0.083")),
        "wrong_way": wrong_way_method(),
    }  # fmt: skip
    return StackMethod(**plain | given)


def only(*components: Any, **given: Any) -> StackMethod:
    """Give a method of some components alone."""
    terms: dict[str, Any] = {"components": components, "jumps": None, "wrong_way": None}
    return stack_method(**terms | given)


def columns(closes: list[float], *, limit_rows: tuple[int, ...] = (), is_composite: bool = False) -> HistoryColumns:
    return HistoryColumns(
        close_per_t=tuple(Decimal(f"{close:.2f}") for close in closes), idle_rows=(), limit_rows=limit_rows,
        is_composite=is_composite,
    )  # fmt: skip


def stack_facts(**given: Any) -> StackFacts:
    plain: dict[str, Any] = {
        "unit": "CEA-2024", "quantity_t": 20_000, "daily_volume_t": Decimal(100_000), "trade_day_ratio": Decimal(1),
        "limit_day_ratio": Decimal(0), "volatility": Decimal("0.35"), "history": None, "days_to_last_use": None,
        "has_last_use": False, "depth_ratios": (), "is_cross_currency": False, "borrower": borrower(),
        "standing_ratio": None, "source": "交易所行情（样例）",
    }  # fmt: skip
    return StackFacts(**plain | given)


POLICY_BODY: dict[str, Any] = {
    "code": "SZA-2024-A", "scheme": "SZA", "first_vintage": 2023, "last_vintage": 2024, "liquidity": "active",
    "method": {
        "components": ["supervisory", "empirical", "jump_diffusion", "close_out", "wrong_way"],
        "measure": "value_at_risk", "tail_ratio": "0.01", "table_ratio": "0.30", "conservative_ratio": "0.60",
        "floor_ratio": "0.20", "ceiling_ratio": "0.80", "ten_day_ratio": "0.25", "currency_ten_day_ratio": "0.08",
        "holding_days": 20, "remargin_days": 1, "cure_days": 5, "notice_days": 5, "participation_ratio": "0.2",
        "daily_limit_ratio": "0.1", "bid_ask_ratio": "0.01", "impact": "0.5", "fewest_clean_days": 100,
        "least_clean_share": "0.5", "path_count": 2000, "seed": 7, "stack_version": 1,
        "jumps": {"jumps_per_year": "6", "up_ratio": "0.35", "up_mean": "0.04", "down_mean": "0.083"},
        "wrong_way": {
            "price_credit_correlation": "0.3", "emissions_credit_correlation": "-0.3",
            "price_emissions_correlation": "0.2", "default_ratios": ["0.01", "0.01", "0.01", "0.01"],
            "surrender_season": 3, "release_ratio": "0.5", "emissions_deviation": "0.1", "horizon_days": 20,
            "missing_ratio": "0.1",
        },
    },
    "pledge_ratio_max": "0.60", "valuation_frequency": "daily", "valued_by": "本行金融市场部",
    "concentration_ratio": "0.25", "stress": "清缴后成交量减半、价格下跌三成", "backtest": "样本不足，未作结论",
    "review_by": "2026-06-30", "document": "示例银行押品管理办法 第十二条", "valid_from": "2025-06-30", "reason": "新设类别",
}  # fmt: skip
"""What POST /v1/haircut-policies takes, as JSON."""
