"""What daily settlement makes of a price off a futures curve: by quadrature, beside the price, or why there is none."""

import math
from typing import Any

import numpy as np
import pytest

from tests.app.worlds import World
from tests.pricing.test_forwards_on_curves import CNY_RATES, DAY, EUR_RATES, FX, SETTLEMENTS, _quoted, world

__all__ = ["world"]
SURFACE = (
    "品种,到期日,行权价,日期,波动率(%),币种\n"
    + "".join(f"EUA,{end},{strike},2025-06-30,36,EUR\n" for end in ("2025-12-15", "2026-12-14") for strike in (60, 80))
)  # fmt: skip
FILES = (("rates", CNY_RATES), ("settlements", SETTLEMENTS), ("rates", EUR_RATES), ("fx", FX))
PATH = f"/v1/forwards/quote?unit=EUA&valuation_date={DAY}&currency=EUR&delivery_date="


def _told(world: World, delivery: str, *files: tuple[str, str], path: str = PATH) -> Any:
    with _quoted(world, *FILES, *files) as client:
        answer = client.get(path + delivery)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_difference_is_the_integral_of_the_assumptions_in_force(world: World) -> None:
    """A = 0.05, sigma_r = 1 %, rho = 0.30 as the product's samples say, sigma_S = 36 % as a flat surface does."""
    body = _told(world, "2026-12-14", ("volatilities", SURFACE))
    years = 532 / 365
    left = np.linspace(0.0, years, 200_001)
    bond = (1 - np.exp(-0.05 * (years - left))) / 0.05
    expected = float(np.trapezoid(0.01**2 * bond**2 + 0.30 * 0.36 * 0.01 * bond, left))
    found = body["convexity"]
    assert float(found["log_convexity"]) == pytest.approx(expected, abs=1e-8)
    assert body["forward_per_t"] == "72"  # the price itself takes none of it in
    assert float(found["forward_per_t"]) == pytest.approx(72 * math.exp(-expected), abs=1e-5)
    figures = {one["name"]: one for one in found["trace"]}
    assert figures["price_volatility"]["value"] == "0.360000"
    assert not figures["price_rate_correlation"]["confirmed"]
    assert "log_convexity" in figures["forward_per_t"]["inputs"]
    assert "远期价未作调整" in found["reasons_zh"][0]


def test_below_a_year_it_says_that_it_may_be_left_out(world: World) -> None:
    found = _told(world, "2025-12-15", ("volatilities", SURFACE))["convexity"]
    assert 0 < float(found["log_convexity"]) < 1e-3
    assert "不足一年" in found["reasons_zh"][1]


def test_without_a_volatility_or_without_a_future_it_says_why(world: World) -> None:
    missing = _told(world, "2026-12-14")["convexity"]
    assert (missing["log_convexity"], missing["forward_per_t"], missing["trace"]) == (None, None, [])
    assert missing["reasons_zh"] == ["未核定配额价格波动率（EUA），凸性未计算，远期价未调整"]
    assert "pricing.volatility[EUA]" in missing["reasons_en"][0]
    carried = _told(world, "2025-12-15", path=f"/v1/forwards/quote?unit=CEA&valuation_date={DAY}&delivery_date=")
    assert carried["convexity"]["log_convexity"] == "0"
    assert "凸性调整为零" in carried["convexity"]["reasons_zh"][0]
