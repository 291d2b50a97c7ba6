"""Schemes, vintages and whole tonnes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.allowances import CREDITS, SCHEME_NAMES_ZH, Holding, Scheme, Tonnes, Unit
from carbonfin.kernel.errors import InvalidInput

UNITS = st.builds(Unit, st.sampled_from(Scheme), st.none() | st.integers(min_value=2005, max_value=2099))


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("CEA-2023", Unit(Scheme.CEA, 2023)),
        ("CEA2023", Unit(Scheme.CEA, 2023)),
        (" sza-2024 ", Unit(Scheme.SZA, 2024)),
        ("CCER", Unit(Scheme.CCER)),
        ("SZPHCER", Unit(Scheme.SZPHCER)),
    ],
)
def test_units_are_read(text: str, unit: Unit) -> None:
    assert Unit.parse(text) == unit


@pytest.mark.parametrize("text", ["", "CEA-23", "CEA-1999", "XYZ-2023", "CEA 2023", "CEA--2023", "CEA-20233", "配额"])
def test_unknown_units_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Unit.parse(text)
    assert caught.value.field == "unit"
    assert "CEA-2023" in caught.value.remedy


@pytest.mark.parametrize("vintage", [0, 2004, 2100, -2023])
def test_a_vintage_is_a_year_of_a_scheme(vintage: int) -> None:
    with pytest.raises(InvalidInput, match="2005 to 2099"):
        Unit(Scheme.CEA, vintage)


@given(UNITS)
def test_what_is_written_reads_back(unit: Unit) -> None:
    assert Unit.parse(str(unit)) == unit


@given(st.lists(UNITS))
def test_units_sort_with_and_without_vintage(units: list[Unit]) -> None:
    keys = [(unit.scheme, unit.vintage or 0) for unit in sorted(units)]
    assert keys == sorted(keys)


def test_credits_are_credits_and_every_scheme_has_a_chinese_name() -> None:
    assert {Scheme.CCER, Scheme.SZPHCER} == CREDITS
    assert Unit(Scheme.CCER).is_credit
    assert not Unit(Scheme.CEA, 2023).is_credit
    assert set(SCHEME_NAMES_ZH) == set(Scheme)


def test_tonnes_of_one_unit_add_and_of_two_do_not() -> None:
    old, new = Unit(Scheme.SZA, 2023), Unit(Scheme.SZA, 2024)
    assert Tonnes(70_000, old) + Tonnes(80_000, old) == Tonnes(150_000, old)
    assert Tonnes(70_000, old) - Tonnes(80_000, old) == Tonnes(-10_000, old)
    with pytest.raises(InvalidInput, match="cannot be added"):
        Tonnes(1, old) + Tonnes(1, new)
    with pytest.raises(InvalidInput, match="cannot be added"):
        Tonnes(1, old) - Tonnes(1, Unit(Scheme.CEA, 2023))


def test_nobody_holds_less_than_nothing() -> None:
    assert Holding(unit=Unit(Scheme.CCER), quantity_t=0).quantity_t == 0
    with pytest.raises(InvalidInput):
        Holding(unit=Unit(Scheme.CCER), quantity_t=-1)


def test_equal_units_are_one_key() -> None:
    prices = {Unit.parse("CEA-2023"): 1, Unit.parse("CEA-2024"): 2, Unit.parse("CCER"): 3}
    assert prices[Unit(Scheme.CEA, 2024)] == 2
    assert len(prices) == 3
    assert Unit(Scheme.CEA) not in prices
