"""Canonical JSON, digests and decision kinds."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.dates import CHINA
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.record import ADDED_LATER, DecisionKind, canonical_json, digest_of


class Colour(StrEnum):
    GREEN = "green"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    name: str
    amount_cny: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    valuation_date: date
    lines: tuple[Line, ...]
    colour: Colour
    missing: str | None = None


def test_canonical_json_by_hand() -> None:
    inputs = Inputs(
        valuation_date=date(2025, 6, 30),
        lines=(Line(name="甲", amount_cny=Decimal("1E+3")), Line(name="乙", amount_cny=Decimal("0.10"))),
        colour=Colour.GREEN,
    )
    text = (
        '{"colour":"green","lines":[{"amount_cny":"1000","name":"甲"},{"amount_cny":"0.10","name":"乙"}],'
        '"missing":null,"valuation_date":"2025-06-30"}'
    )
    assert canonical_json(inputs) == text
    assert digest_of(inputs) == hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class GrownLine:
    """`Line` as a later release has it."""

    name: str
    amount_cny: Decimal
    table: Line | None = field(default=None, metadata=ADDED_LATER)


def test_a_field_added_later_leaves_what_was_written_before_as_it_was() -> None:
    before = Line(name="甲", amount_cny=Decimal("0.10"))
    grown = GrownLine(name="甲", amount_cny=Decimal("0.10"))
    assert canonical_json(grown) == canonical_json(before) == '{"amount_cny":"0.10","name":"甲"}'
    assert canonical_json([dataclasses.replace(grown, table=before)]) == (
        '[{"amount_cny":"0.10","name":"甲","table":{"amount_cny":"0.10","name":"甲"}}]'
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (12, "12"),
        (Fraction(20, 360), '"1/18"'),
        (datetime(2025, 6, 30, 8, tzinfo=CHINA), '"2025-06-30T00:00:00Z"'),
        (datetime(2025, 6, 30, 0, 0, 0, 5, tzinfo=UTC), '"2025-06-30T00:00:00.000005Z"'),
        ({"b": 1, "a": (2, None)}, '{"a":[2,null],"b":1}'),
        (Decimal("0E-8"), '"0.00000000"'),
    ],
)
def test_each_type_has_one_form(value: object, text: str) -> None:
    assert canonical_json(value) == text


@pytest.mark.parametrize(
    "value", [0.1, float("nan"), np.float64(1.0), {1, 2}, b"x", Line, object(), Decimal("NaN"), Decimal("Infinity")]
)
def test_what_has_no_exact_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="no canonical form"):
        canonical_json({"value": value})


def test_a_naive_instant_and_two_like_keys_are_refused() -> None:
    with pytest.raises(InvalidInput):
        canonical_json(datetime(2025, 6, 30))  # noqa: DTZ001 - the fault under test
    with pytest.raises(AssertionError):
        canonical_json({1: "a", "1": "b"})


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9)
    | st.dates()
)
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=4)
)


@given(TREES)
def test_writing_is_stable_and_reads_as_json(value: object) -> None:
    text = canonical_json(value)
    assert canonical_json(json.loads(text)) == text
    assert canonical_json(value) == text


@given(st.dictionaries(st.text("abcdef", min_size=1), st.integers(), min_size=2, max_size=6))
def test_order_of_keys_does_not_matter(value: dict[str, int]) -> None:
    assert digest_of(value) == digest_of(dict(reversed(value.items())))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9))
def test_a_cent_more_is_another_digest(amount: Decimal) -> None:
    line = Line(name="甲", amount_cny=amount)
    assert digest_of(line) != digest_of(dataclasses.replace(line, amount_cny=amount + Decimal("0.0001")))


def test_a_kind_decides_and_decides_again() -> None:
    kind = DecisionKind(
        name="sample.double",
        version="1",
        inputs=Line,
        outputs=Line,
        decide=lambda line: dataclasses.replace(line, amount_cny=line.amount_cny * 2),
    )
    inputs = Line(name="甲", amount_cny=Decimal("1.50"))
    assert digest_of(kind.decide(inputs)) == digest_of(kind.decide(inputs))
    assert kind.decide(inputs).amount_cny == Decimal("3.00")
