"""What a repo's exposure would be at its start if the price fell, or the vintage were worthless."""

from dataclasses import dataclass
from decimal import Decimal

from carbonfin.kernel.units import cny, round_half_up
from collateral.calc.repo import ExposureMethod, RepoStartInputs
from collateral.calc.repo_ratios import exposure_method_a, exposure_method_b

_FALLS = (
    ("unchanged", Decimal(1), "按今日价格", "At today's price"),
    ("down_10", Decimal("0.90"), "价格下跌 10%", "Price down 10 %"),
    ("down_30", Decimal("0.70"), "价格下跌 30%", "Price down 30 %"),
    ("worthless", Decimal(0), "该年度配额归零", "Vintage worthless"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoScenario:
    """Exposure of the buyer on the purchase date at a price, and the call in the cash currency, 0 below the minimum."""

    name: str
    label_zh: str
    label_en: str
    market_value_cny: Decimal
    exposure_cny: Decimal
    call_amount: Decimal


def repo_scenarios(inputs: RepoStartInputs) -> tuple[RepoScenario, ...]:
    """Strike the exposure of the purchase price by the agreed method at today's price and after each fall."""
    terms = inputs.terms
    ratio = terms.haircut_used(inputs.haircut)
    owed_cny = cny(terms.purchase_price_amount * inputs.fx.cny_per_unit)
    exposure_of = exposure_method_a if terms.method is ExposureMethod.A else exposure_method_b
    found = []
    for name, share, zh, en in _FALLS:
        value_cny = cny(terms.quantity_t * inputs.price.price_cny_per_t * share)
        exposure_cny = exposure_of(repurchase_value=owed_cny, market_value=value_cny, haircut_ratio=ratio)
        amount = round_half_up(max(exposure_cny, Decimal(0)) / inputs.fx.cny_per_unit)
        is_called = amount > 0 and amount >= terms.minimum_transfer_amount
        found.append(
            RepoScenario(
                name=name, label_zh=zh, label_en=en, market_value_cny=value_cny, exposure_cny=exposure_cny,
                call_amount=amount if is_called else Decimal("0.00"),
            )
        )  # fmt: skip
    return tuple(found)
