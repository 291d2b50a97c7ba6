from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.errors import InvalidInput, MissingData
from loans.calc.ratings.carbon_efficiency import rate_carbon_efficiency
from loans.calc.ratings.emissions import Fuel, FuelUse, YearEmissions, year_emissions
from tests.loans.samples import activity, e4_rating, fuel_factors, grid_factor


def parts_of(year: int, electricity: str, **fuels: str) -> tuple[YearEmissions, dict[str, Decimal]]:
    emissions, _ = year_emissions(
        activity(year, electricity, **fuels), grid_factor=grid_factor(), fuel_factors=fuel_factors(*Fuel)
    )
    return emissions, {part.carrier: part.emissions_t for part in emissions.parts}


def test_electronics_maker_emits_mostly_through_electricity() -> None:
    emissions, parts = parts_of(2024, "450000", natural_gas="400", diesel="100")
    assert parts == {
        "electricity": Decimal("198135.00"),
        "natural_gas": Decimal("8660.06"),
        "diesel": Decimal("309.59"),
    }
    assert emissions.company_t == 207105
    assert round(parts["electricity"] / emissions.emissions_t * 100, 1) == Decimal("95.7")


def test_brewery_emits_mostly_through_gas() -> None:
    emissions, parts = parts_of(2024, "21000", natural_gas="900")
    assert parts == {"electricity": Decimal("9246.30"), "natural_gas": Decimal("19485.14")}
    assert emissions.company_t == 28731


def test_gas_power_plant() -> None:
    emissions, _ = parts_of(2024, "0", natural_gas="36800")
    assert emissions.company_t == 796726


def test_green_power_is_listed_and_not_deducted() -> None:
    inputs = activity(2024, "380000", green="30000", diesel="60")
    emissions, figures = year_emissions(inputs, grid_factor=grid_factor(), fuel_factors=fuel_factors(Fuel.DIESEL))
    assert emissions.company_t == 167500
    assert emissions.traded_green_mwh == 30000
    green = next(figure for figure in figures if figure.name == "traded_green_mwh.2024")
    assert not green.confirmed
    assert "traded_green_mwh.2024" not in {name for figure in figures for name in figure.inputs}


def test_clothing_maker_is_level_two_by_the_own_method() -> None:
    rating = rate_carbon_efficiency(e4_rating())
    assert rating.previous is not None
    assert (rating.current.emissions_t, rating.previous.emissions_t) == (Decimal("1844.88"), Decimal("2108.33"))
    assert rating.cut_ratio == Decimal("0.1250")
    assert rating.intensity_t_per_10k_cny == Decimal("0.3000")
    assert rating.band == "低碳"
    assert round(rating.ratio_to_mean, 3) == Decimal("0.714")
    assert rating.level == 2
    assert rating.missing == ()
    # 500 MWh less at 0.4403, and 2 x 10^4 Nm3 less: 303.10 - 259.80
    assert {change.carrier: change.change_t for change in rating.changes} == {
        "electricity": Decimal("-220.15"),
        "natural_gas": Decimal("-43.30"),
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"value_added_cny": None}, "value_added_cny"),
        ({"value_added_cny": Decimal(0)}, "value_added_cny"),
        ({"sector_mean": None}, "sector_mean_t_per_10k_cny"),
        ({"previous": activity(2023, None)}, "previous"),
    ],
)
def test_missing_input_leaves_its_result_undecided(changes: dict[str, Any], field: str) -> None:
    rating = rate_carbon_efficiency(e4_rating(**changes))
    assert [missing.field for missing in rating.missing][:1] == [field]
    assert rating.level is None or field == "previous"
    assert rating.cut_ratio is None or field != "previous"


def test_missing_electricity_of_the_year_is_refused_by_name() -> None:
    with pytest.raises(MissingData) as refused:
        rate_carbon_efficiency(e4_rating(current=activity(2024, None, natural_gas="12")))
    assert refused.value.field == "electricity_mwh"


def test_fuel_without_factor_is_refused() -> None:
    with pytest.raises(MissingData) as refused:
        rate_carbon_efficiency(e4_rating(current=activity(2024, "1", coke="1")))
    assert refused.value.field == "fuels/coke"


def test_negative_and_doubled_inputs_are_refused() -> None:
    with pytest.raises(InvalidInput):
        activity(2024, "-1")
    with pytest.raises(InvalidInput):
        activity(2024, "10", green="11")
    twice = activity(2024, "1", diesel="1")
    with pytest.raises(InvalidInput):
        replace(twice, fuels=(*twice.fuels, FuelUse(fuel=Fuel.DIESEL, quantity=Decimal(2))))
    with pytest.raises(InvalidInput):
        e4_rating(previous=activity(2021, "1"))


def test_factor_known_on_the_day_is_the_one_used() -> None:
    assert grid_factor().value == "0.4403"
    assert grid_factor(known_at=datetime(2024, 12, 19, tzinfo=UTC)).value == "0.4715"
    assert grid_factor(known_at=datetime(2026, 1, 20, tzinfo=UTC)).value == "0.4419"
    assert grid_factor(year=2022, known_at=datetime(2026, 1, 20, tzinfo=UTC)).value == "0.4403"
    assert grid_factor(area="全国").value == "0.5366"


def test_every_figure_but_facts_stands_on_earlier_ones() -> None:
    trace = rate_carbon_efficiency(e4_rating()).trace
    level = next(figure for figure in trace if figure.name == "carbon_level")
    assert "ratio_to_mean" in level.inputs
    factor = next(figure for figure in trace if figure.name == "grid_factor_t_per_mwh.2024")
    assert factor.parameter is not None
    assert factor.parameter.known_from == date(2024, 12, 20)
    assert all(figure.formula or figure.source for figure in trace)


@given(st.decimals(0, 10**7, places=3), st.decimals(0, 10**5, places=2))
def test_company_total_is_within_half_a_tonne_of_its_parts(electricity: Decimal, gas: Decimal) -> None:
    emissions, parts = parts_of(2024, str(electricity), natural_gas=str(gas))
    assert sum(parts.values()) == emissions.emissions_t
    assert abs(emissions.company_t - emissions.emissions_t) <= Decimal("0.5")


@given(st.decimals(1, 10**6, places=2), st.decimals(0, 10**5, places=2))
def test_more_energy_never_betters_the_level(electricity: Decimal, more: Decimal) -> None:
    less = rate_carbon_efficiency(e4_rating(current=activity(2024, str(electricity))))
    greater = rate_carbon_efficiency(e4_rating(current=activity(2024, str(electricity + more))))
    assert greater.level >= less.level
    assert greater.cut_ratio <= less.cut_ratio
