"""Domains and cells: what they take, what they refuse and by which words."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.domains import MissingReason, domain_from, plain_number
from carbonfin.rules.grammar import read_cell

RATIO, COUNT, DAY, CODE, FLAG = (
    domain_from(text)
    for text in ("number[0..1] ratio", "whole[1..5] count", "date[2024-01-01..2025-12-31]", "code{A,B,C}", "boolean")
)


@pytest.mark.parametrize(
    "text",
    [
        "number[0..1] ratio", "number[..] CNY", "number[-0.5..] ratio", "whole[1..5] count", "date[2024-01-01..]", "date[..]",
        "code{A,B}", "code{重点,一般}", "boolean",
    ],
)  # fmt: skip
def test_domains_are_written_as_they_are_read(text: str) -> None:
    assert domain_from(text).describe() == text


@pytest.mark.parametrize(
    "text",
    [
        "", "number", "number[0..1]", "number[1..0] ratio", "number[a..1] ratio", "number[0..1234567890123456] CNY",
        "date[2025-02-30..]", "date[..] days", "date[2025-01-02..2025-01-01]", "code{}", "code{A,A}", "code{-}", "code{null}",
        "code{A|B}", "text", "number[0-1] ratio",
    ],
)  # fmt: skip
def test_what_is_no_domain_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        domain_from(text)


@pytest.mark.parametrize(
    ("domain", "value", "read"),
    [
        (RATIO, Decimal("0.1"), 0.1), (RATIO, 0.25, 0.25), (RATIO, 1, 1.0), (RATIO, None, MissingReason.ABSENT),
        (RATIO, float("nan"), MissingReason.NOT_A_NUMBER), (RATIO, float("inf"), MissingReason.NOT_A_NUMBER),
        (RATIO, Decimal("NaN"), MissingReason.NOT_A_NUMBER), (RATIO, Decimal("sNaN"), MissingReason.NOT_A_NUMBER),
        (RATIO, True, MissingReason.WRONG_TYPE), (RATIO, "0.1", MissingReason.WRONG_TYPE), (RATIO, [1], MissingReason.WRONG_TYPE),
        (RATIO, 1.0000001, MissingReason.OUT_OF_DOMAIN), (RATIO, -1, MissingReason.OUT_OF_DOMAIN),
        (RATIO, Decimal("0.1234567890123456"), MissingReason.TOO_MANY_DIGITS), (RATIO, 10**40, MissingReason.OUT_OF_DOMAIN),
        (COUNT, 5, 5.0), (COUNT, Decimal("5.0"), 5.0), (COUNT, 2.5, MissingReason.OUT_OF_DOMAIN), (COUNT, 6, MissingReason.OUT_OF_DOMAIN),
        (DAY, date(2024, 1, 1), date(2024, 1, 1)), (DAY, date(2023, 12, 31), MissingReason.OUT_OF_DOMAIN),
        (DAY, datetime(2024, 5, 1, tzinfo=UTC), MissingReason.WRONG_TYPE), (DAY, "2024-01-01", MissingReason.WRONG_TYPE),
        (CODE, "A", "A"), (CODE, "a", MissingReason.UNKNOWN_CODE), (CODE, 1, MissingReason.WRONG_TYPE), (CODE, ["A"], MissingReason.WRONG_TYPE),
        (FLAG, True, True), (FLAG, 1, MissingReason.WRONG_TYPE), (FLAG, None, MissingReason.ABSENT), (FLAG, "true", MissingReason.WRONG_TYPE),
    ],
)  # fmt: skip
def test_values_are_read_or_count_as_missing_with_the_reason(domain: Any, value: object, read: object) -> None:
    found = domain.read(value)
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize(
    ("domain", "text", "fitting", "failing"),
    [
        (RATIO, "-", [0.0, 0.5, 1.0], []),
        (RATIO, "0.5", [0.5], [0.4999, 0.5001]),
        (RATIO, "= 0.5", [0.5], [0.4]),
        (RATIO, "!= 0.5", [0.4999, 0.5001, 0.0, 1.0], [0.5]),
        (RATIO, "!= 0.5, != 0.6", [0.55, 0.4], [0.5, 0.6]),
        (RATIO, "<0.5", [0.4999, 0.0], [0.5]), (RATIO, "<= 0.5", [0.5], [0.5001]),
        (RATIO, "> 0.5", [0.5001], [0.5]), (RATIO, ">=0.5", [0.5, 1.0], [0.4999]),
        (RATIO, "[0.1..0.2)", [0.1, 0.15], [0.2, 0.0999]), (RATIO, "(0.1..0.2]", [0.2], [0.1]),
        (RATIO, "[0..0.1), (0.9..1]", [0.05, 0.95], [0.1, 0.5, 0.9]),
        (RATIO, "0.1, 0.2", [0.1, 0.2], [0.15]),
        (RATIO, "null", [], [0.0, 1.0]), (RATIO, "<0.5|null", [0.2], [0.5]),
        (COUNT, "[1..3)", [1.0, 2.0], [3.0]), (COUNT, "> 4", [5.0], [4.0]),
        (DAY, ">= 2025-01-01", [date(2025, 1, 1)], [date(2024, 12, 31)]),
        (DAY, "(2025-01-01..2025-01-03)", [date(2025, 1, 2)], [date(2025, 1, 1), date(2025, 1, 3)]),
        (CODE, "A", ["A"], ["B"]), (CODE, "A, B", ["A", "B"], ["C"]), (CODE, '"A"', ["A"], ["B"]),
        (CODE, "!= A", ["B", "C"], ["A"]), (CODE, "!= A, != B", ["C"], ["A", "B"]),
        (FLAG, "true", [True], [False]), (FLAG, "!= true", [False], [True]), (FLAG, "-", [True, False], []),
    ],
)  # fmt: skip
def test_cells_take_what_they_say(domain: Any, text: str, fitting: list[Any], failing: list[Any]) -> None:
    cell = read_cell(text, domain)
    assert [cell.fits(value) for value in fitting] == [True] * len(fitting)
    assert [cell.fits(value) for value in failing] == [False] * len(failing)
    assert cell.takes_missing == ("null" in text)


@pytest.mark.parametrize(
    ("domain", "text", "covers"),
    [
        (RATIO, "-", True), (RATIO, "null", False), (RATIO, "-|null", True), (RATIO, "[0..1]", True), (RATIO, ">= 0", True),
        (RATIO, "> 0", False), (RATIO, "<0.5, >=0.5", True), (RATIO, "<0.5, >0.5", False), (COUNT, "1,2,3,4,5", True),
        (COUNT, "(1..5]", False), (COUNT, "1, (1..5]", True), (COUNT, "<3, >2", True), (CODE, "A,B,C", True), (CODE, "!= C", False),
        (DAY, "<=2024-06-30, >2024-06-30", True), (DAY, "<=2024-06-30, >2024-07-01", False), (FLAG, "true,false", True),
    ],
)  # fmt: skip
def test_cells_know_whether_they_take_everything(domain: Any, text: str, *, covers: bool) -> None:
    assert read_cell(text, domain).covers is covers


@pytest.mark.parametrize(
    ("domain", "text", "words"),
    [
        (RATIO, "", "empty"), (RATIO, "|null", "empty"), (RATIO, "0.1,,0.2", "empty"), (RATIO, "-|0.5", "already stands"),
        (RATIO, "abc", "plain decimal"), (RATIO, "1e-3", "plain decimal"), (RATIO, "2", "outside its domain"),
        (RATIO, "[0.2..0.1]", "empty"), (RATIO, "(0.1..0.1]", "empty"), (RATIO, "!=0.1, 0.2", "beside"),
        (COUNT, "2.5", "outside its domain"), (DAY, "2025-02-30", "no day"), (DAY, "20250101", "no day"), (DAY, "2026-01-01", "outside"),
        (CODE, "D", "none of"), (CODE, "<A", "not codes"), (CODE, "A, !=B", "beside"), (FLAG, "yes", "neither true nor false"),
        (RATIO, "__import__('os')", "plain decimal"), (RATIO, "[0..0.1", "plain decimal"),
    ],
)  # fmt: skip
def test_what_is_no_cell_is_refused_in_words(domain: Any, text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        read_cell(text, domain)
    assert repr(text) in caught.value.detail or "between commas" in caught.value.detail
    assert caught.value.zh


def test_numbers_are_written_as_the_decimals_they_came_from() -> None:
    assert [plain_number(value) for value in (0.1, 100.0, 1e-7, 123456789.12, -0.05)] == [
        "0.1", "100", "0.0000001", "123456789.12", "-0.05",
    ]  # fmt: skip
