"""What if: coverage with every price a tenth and three tenths lower, and with each vintage in turn worth nothing."""

from dataclasses import dataclass, replace
from decimal import Decimal

from collateral.calc.coverage import CoverageLines, Debt, PledgedLine, value_lines
from collateral.calc.coverage_rules import CoverageLevel, floor_ratio

_FALLS = (("price_fall_10", Decimal("0.10")), ("price_fall_30", Decimal("0.30")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Coverage if prices fell, or if one vintage were worth nothing."""

    name: str
    label_zh: str
    label_en: str
    collateral_value_cny: Decimal
    coverage_ratio: Decimal | None
    level: CoverageLevel


def scenarios_of(lines: tuple[PledgedLine, ...], debt: Debt, thresholds: CoverageLines) -> tuple[Scenario, ...]:
    """Strike coverage with every price a tenth and three tenths lower, and with each vintage in turn worthless."""
    valued = value_lines(lines)
    whole_cny = sum((one.collateral_value_cny for one in valued), Decimal("0.00"))
    found = []
    for name, fall in _FALLS:
        fallen = tuple(
            replace(one, price=replace(one.price, price_cny_per_t=one.price.price_cny_per_t * (1 - fall)))
            for one in lines
        )
        value_cny = sum((one.collateral_value_cny for one in value_lines(fallen)), Decimal("0.00"))
        found.append((name, f"价格下跌 {fall:.0%}", f"Prices {fall:.0%} lower", value_cny))
    for one in valued:
        value_cny = whole_cny - one.collateral_value_cny
        found.append((f"worthless_{one.unit}", f"{one.unit} 价值归零", f"{one.unit} worthless", value_cny))
    return tuple(
        Scenario(
            name=name, label_zh=zh, label_en=en, collateral_value_cny=value_cny,
            coverage_ratio=floor_ratio(value_cny, debt.total_cny) if debt.total_cny else None,
            level=thresholds.level_of(value_cny, debt.total_cny),
        )
        for name, zh, en, value_cny in found
    )  # fmt: skip
