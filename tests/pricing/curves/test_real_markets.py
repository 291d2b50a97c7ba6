"""Curves on published figures: fixings, treasury yields, reference rates and the listed EUA strip."""

import csv
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from benchmarks.curve_errors import last_monday, main, strip_errors
from carbonfin.kernel.units import Currency
from pricing.calc.curves.discount import DiscountCurve, flat_discount_curve
from pricing.calc.curves.fx import fx_curve_from_discounts, triangle_gap
from pricing.calc.curves.nodes import serial_of
from tests.pricing.curves.samples import SHARED, curve

_TENORS = ("on", "1w", "2w", "1m", "3m", "6m", "9m", "1y")


def _rows(*parts: str) -> list[dict[str, str]]:
    path = _path(*parts)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _path(*parts: str) -> Path:
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"shared data are not at {path}")
    return path


def _shibor(row: dict[str, str]) -> DiscountCurve:
    rows = tuple(("SHIBOR", tenor.upper(), str(Decimal(row[tenor]) / 100)) for tenor in _TENORS)
    return curve(rows, day=date.fromisoformat(row["date"]), calendars={})


def _fixings() -> Iterator[dict[str, str]]:
    yield from _rows("china-shibor", "shibor_2016_2022.csv")[::25]


def test_published_shibor_fixings_make_curves_that_reprice() -> None:
    count = 0
    for row in _fixings():
        made = _shibor(row)
        count += 1
        quoted = [float(row[tenor]) / 100 for tenor in _TENORS]
        assert max(abs(residual.residual_rate) for residual in made.residuals) <= 1e-12
        serials = np.arange(made.node_serials[0] + 1, made.node_serials[-1] + 1)
        zero = made.zero_rates(serials)
        # Simple act/360 to continuous act/365: a factor of 1.0139, less the curvature.
        assert min(quoted) * 0.97 < zero.min() < zero.max() < max(quoted) * 1.02
        assert np.all(np.diff(made.discount_factors(serials)) < 0)
    assert count == 60


def test_a_percent_taken_for_a_decimal_is_refused_on_published_fixings() -> None:
    row = next(_fixings())
    rows = tuple(("SHIBOR", tenor.upper(), row[tenor]) for tenor in _TENORS)
    with pytest.raises(Exception, match=r"SHIBOR ON is 2\.014") as refused:
        curve(rows, day=date.fromisoformat(row["date"]), calendars={})
    assert getattr(refused.value, "field", None) == "rate"


def test_interbank_rates_lie_above_treasury_yields_of_the_same_day() -> None:
    treasury = {row["date"]: row for row in _rows("china-treasury-curve", "cn_treasury_2010_2016.csv")}
    spreads = [
        float(_shibor(row).zero_rates(np.array([serial_of(date.fromisoformat(row["date"])) + 360]))[0])
        - np.log1p(float(treasury[row["date"]]["1y"]) / 100)
        for row in _rows("china-shibor", "shibor_2016_2022.csv")
        if row["date"] in treasury
    ]
    assert len(spreads) > 200
    assert np.mean(spreads) > 0.003  # banks pay more than the treasury
    assert max(spreads) < 0.02


def test_crosses_of_reference_rates_close_to_their_rounding() -> None:
    rows = _rows("ecb-fx", "ecb_fx_cny_hkd_usd.csv")[-500::50]
    for row in rows:
        day = date.fromisoformat(row["date"])
        flat = {
            currency: flat_discount_curve(
                currency=currency, valuation_date=day, rate=Decimal(rate), horizon=date(day.year + 2, 1, 1)
            )
            for currency, rate in ((Currency.EUR, "0.02"), (Currency.USD, "0.04"), (Currency.CNY, "0.015"))
        }
        first, second, cross = (
            fx_curve_from_discounts(
                priced=flat[priced], quoted=flat[quoted], spot_rate=Decimal(row[f"{priced}{quoted}"]), spot_date=day
            )
            for priced, quoted in (
                (Currency.EUR, Currency.USD),
                (Currency.USD, Currency.CNY),
                (Currency.EUR, Currency.CNY),
            )
        )
        gap, _ = triangle_gap(first=first, second=second, cross=cross)
        assert gap < 1e-6  # the cross is printed to six places


def test_an_expiry_left_out_of_the_listed_strip_is_met_within_half_a_percent() -> None:
    """The bounds are three times what was seen on all days: 15 bp between others, 43 bp outside, 235 bp kept flat."""
    path = _path("eua-futures-curve", "eex_feua_settlements.csv")
    errors = {(one.place, one.method): one for one in strip_errors(path, every=20)}
    inner, outer = errors["inner", "futures curve"], errors["outer", "futures curve"]
    assert inner.count > 1_000
    assert all(np.isfinite(one.largest_bp) for one in errors.values())
    assert inner.mean_bp < 45
    assert inner.largest_bp < 1_000
    assert inner.mean_bp == pytest.approx(errors["inner", "log-linear, numpy.interp"].mean_bp, abs=1e-9)
    assert inner.mean_bp < errors["inner", "linear, numpy.interp"].mean_bp
    assert outer.mean_bp < 130
    assert outer.mean_bp < errors["outer", "linear, numpy.interp"].mean_bp / 2


def test_the_script_prints_its_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A strip that grows by a tenth each quarter but for one placeholder, which is left out."""
    lines = ["date,delivery,settle"]
    lines += [f"2019-01-02,2019-{month:02d},{20 + month}" for month in (3, 6, 9, 12)]
    lines += ["2019-01-02,2020-03,0.01", "2019-01-02,2018-12,24", "2019-01-02,2020-06,"]
    (tmp_path / "strip.csv").write_text("\n".join(lines), encoding="utf-8")
    assert main([str(tmp_path / "strip.csv")]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[2].startswith("| inner | futures curve | 2 |")
    assert len(printed) == 10


@pytest.mark.parametrize(("year", "month", "day"), [(2022, 12, 26), (2019, 12, 30), (2020, 2, 24), (2021, 11, 29)])
def test_the_last_monday_of_a_month(year: int, month: int, day: int) -> None:
    assert last_monday(year, month) == date(year, month, day)
