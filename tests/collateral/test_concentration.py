"""Shares of a whole and their evenness, against sums done by hand."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.errors import InvalidInput
from collateral.calc.concentration import concentration_of


def test_shares_by_hand() -> None:
    found = concentration_of({"乙": Decimal(300), "甲": Decimal(500), "丙": Decimal(200)})
    assert found.total == 1000
    assert [(share.name, str(share.share_ratio)) for share in found.shares] == [
        ("甲", "0.5000"), ("乙", "0.3000"), ("丙", "0.2000"),
    ]  # fmt: skip
    assert found.herfindahl_ratio == Decimal("0.3800")  # 0.25 + 0.09 + 0.04


def test_the_square_is_of_exact_shares_not_of_rounded_ones() -> None:
    thirds = concentration_of({"a": Decimal(1), "b": Decimal(1), "c": Decimal(1)})
    assert [str(share.share_ratio) for share in thirds.shares] == ["0.3333"] * 3
    assert thirds.herfindahl_ratio == Decimal("0.3333")


def test_nothing_is_no_concentration() -> None:
    empty = concentration_of({"a": Decimal(0)})
    assert (empty.total, empty.shares, empty.herfindahl_ratio) == (0, (), None)


def test_a_negative_part_is_refused() -> None:
    with pytest.raises(InvalidInput, match="below zero"):
        concentration_of({"a": Decimal(2), "b": Decimal(-1)})


@given(st.dictionaries(st.text(min_size=1, max_size=4), st.integers(1, 10**12).map(Decimal), min_size=1, max_size=20))
def test_evenness_lies_between_one_nth_and_one_and_order_is_by_size(amounts: dict[str, Decimal]) -> None:
    found = concentration_of(amounts)
    assert found.herfindahl_ratio is not None
    assert 1 / Decimal(len(amounts)) - Decimal("0.0001") <= found.herfindahl_ratio <= 1
    sizes = [share.amount for share in found.shares]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(sizes) == found.total
