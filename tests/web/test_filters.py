"""Figures and words as pages show them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from carbonfin.rules.trace import Figure
from carbonfin.web import filters
from carbonfin.web.language import Language, Text, writing_in


@pytest.mark.parametrize(
    ("value", "places", "shown"),
    [
        (Decimal("1234567.891"), None, "1,234,567.891"),
        (Decimal("3701500.00"), None, "3,701,500.00"),
        (Decimal("0.125"), 2, "0.13"),
        (Decimal("-0.125"), 2, "-0.13"),
        (Decimal("2.5"), 0, "3"),
        (50000, None, "50,000"),
        ("0.5400", None, "0.5400"),
        (None, 2, "—"),
        ("", None, "—"),
        (0, 2, "0.00"),
    ],
)
def test_numbers_are_exact_and_unknown_is_a_dash(
    value: Decimal | int | str | None, places: int | None, shown: str
) -> None:
    assert filters.number(value, places) == shown


def test_a_binary_fraction_or_a_truth_value_is_no_figure() -> None:
    for wrong in (0.1, True):
        with pytest.raises(TypeError):
            filters.number(wrong)  # type: ignore[arg-type]  # the mistake under test


def test_rates_show_as_percentages_and_amounts_to_the_fen() -> None:
    assert filters.percent(Decimal("0.0345")) == "3.45%"
    assert filters.percent(Decimal("0.5403"), 2) == "54.03%"
    assert filters.cny(Decimal(2220900)) == "2,220,900.00"
    assert filters.figure_value("0.0329", "rate") == "3.29%"
    assert filters.figure_value("0.03295", "rate") == "3.295%"
    assert filters.figure_value("0.4", "ratio") == "40.00%"
    assert filters.figure_value("18277.78", "CNY") == "18,277.78"
    assert filters.figure_value("75.539688", "CNY/t") == "75.539688"
    assert filters.figure_value("C1810", "code") == "C1810"
    assert filters.figure_value("2025-12-12", "date") == "2025-12-12"


def test_large_figures_are_short_in_the_language_of_the_page() -> None:
    with writing_in(Language.ZH):
        assert filters.compact(Decimal(5155000)) == "515.5万"
    with writing_in(Language.EN):
        assert filters.compact(Decimal(5155000)) == "5.16M"
    assert filters.compact(Decimal(9999)) == "9,999"


def test_days_and_instants_are_chinas() -> None:
    assert filters.day(date(2025, 6, 30)) == "2025-06-30"
    assert filters.day("2025-06-30", "long") == "2025年6月30日"
    assert filters.day(None) == "—"
    assert filters.instant(datetime(2025, 6, 30, 15, 59, tzinfo=UTC)) == "2025-06-30 23:59"


def test_words_follow_the_language() -> None:
    figure = Figure(name="x", label_zh="折扣系数", label_en="Haircut", value="0.4", unit="ratio")
    with writing_in(Language.EN):
        assert filters.words(Text("估值", "Valuation")) == "Valuation"
        assert filters.words(figure) == "Haircut"
        assert filters.unit_label("CNY/t") == "CNY/t"
    assert filters.words(figure) == "折扣系数"
    assert filters.words("plain") == "plain"
    assert filters.unit_label("CNY/t") == "元/吨"
    assert filters.unit_label("EUR/t") == "欧元/吨"
    assert filters.unit_label("years") == "年"


def test_a_rate_shows_in_basis_points_with_every_fraction_it_has() -> None:
    shown = [filters.bp(Decimal(text)) for text in ("0.00125", "0.0100", "-0.00005", "0.25", "0")]
    assert shown == ["12.5 bp", "100 bp", "-0.5 bp", "2,500 bp", "0 bp"]
    assert filters.bp(None) == "—"
