"""Tiers of a rate (分档分段累加): each part of the base by the rate of its own tier, and the parts added."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import pairwise

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import cny
from carbonfin.rules.parameters import ParameterValue

_10K = Decimal(10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateTier:
    """The part of a base up to an amount, and its rate.

    Attributes:
        upto_cny: End of the part, inside; None for the last, which has none.
        rate: Decimal (0.002 for 0.2 %).
    """

    upto_cny: Decimal | None
    rate: Decimal


@lru_cache(maxsize=256)
def read_tiers(value: ParameterValue) -> tuple[RateTier, ...]:
    """Read tiers written as `upto:rate` from the lowest on, the last as `:rate`, parted by semicolons.

    Raises:
        InvalidInput: They cannot be read, do not rise, or the last has an end, so that a part would have no rate.
    """
    try:
        pieces = [piece.split(":") for piece in value.value.split(";")]
        tiers = tuple(
            RateTier(upto_cny=Decimal(upto) if upto.strip() else None, rate=Decimal(rate)) for upto, rate in pieces
        )
    except (ValueError, InvalidOperation):
        raise _unreadable(value) from None
    ends = [tier.upto_cny for tier in tiers[:-1]]
    rises = all(end is not None and end.is_finite() and end > 0 for end in ends) and all(
        one < other for one, other in pairwise(filter(None, ends))
    )
    if (
        tiers[-1].upto_cny is not None
        or not rises
        or not all(tier.rate.is_finite() and 0 <= tier.rate <= 1 for tier in tiers)
    ):
        raise _unreadable(value)
    return tiers


def tiered_cny(base_cny: Decimal, tiers: tuple[RateTier, ...], *, share: Decimal = Decimal(1)) -> Decimal:
    """Give the amount of a base by tiers.

    amount = round(share x sum of rate x (min(base, upto) - lower end)), half up to the fen once, at the end.

    Args:
        base_cny: What the rates are applied to, 元.
        tiers: From the lowest on; the last has no end.
        share: Share of the grant that is paid, 0 to 1.
    """
    amount, lower = Decimal(0), Decimal(0)
    for tier in tiers:
        upper = base_cny if tier.upto_cny is None else min(base_cny, tier.upto_cny)
        amount += tier.rate * max(Decimal(0), upper - lower)
        lower = upper
    return cny(amount * share)


def tier_words(tiers: tuple[RateTier, ...]) -> tuple[str, str]:
    """Say tiers in Chinese and English."""
    zh, en = [], []
    for tier in tiers:
        percent = f"{(tier.rate * 100).normalize():f}%"
        if tier.upto_cny is None:
            zh.append(f"其余部分 {percent}")
            en.append(f"the rest {percent}")
        else:
            amount = f"{(tier.upto_cny / _10K).normalize():f}"
            zh.append(f"至 {amount} 万元部分 {percent}")
            en.append(f"the part up to {tier.upto_cny.normalize():f} CNY {percent}")
    return "；".join(zh), "; ".join(en)


def _unreadable(value: ParameterValue) -> InvalidInput:
    return InvalidInput(
        f"parameter {value.key} is {value.value!r}, tiers such as 100000000:0.002;:0.001 are expected",
        zh=f"参数 {value.key} 的分档“{value.value}”无法读取",
        field=value.key,
        remedy="Write each tier as end:rate from the lowest on, the last without an end, parted by semicolons.",
        remedy_zh="请自低到高逐档填写“上限:比例”，以英文分号分隔，最后一档不填上限，如 100000000:0.002;:0.001。",
    )
