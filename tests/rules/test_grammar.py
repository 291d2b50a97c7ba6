"""Domains and cells: what they take, what they refuse and by which words."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.domains import Measured, MissingReason, domain_from, plain_number
from carbonfin.rules.grammar import Interval, read_cell

RATIO, COUNT, DAY, CODE, FLAG = (
    domain_from(text)
    for text in ("number[0..1] ratio", "whole[1..5] count", "date[2024-01-01..2025-12-31]", "code{A,B,C}", "boolean")
)


OPEN, WHOLE, DAYS = (domain_from(text) for text in ("number[..] CNY", "whole[..] count", "date[..]"))


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
        (RATIO, Measured(number=Decimal("0.1"), unit="ratio"), 0.1), (RATIO, Measured(number=1, unit="bp"), MissingReason.WRONG_UNIT),
        (RATIO, Measured(number=7, unit="bp"), MissingReason.WRONG_UNIT), (RATIO, Measured(number=7, unit="ratio"), MissingReason.OUT_OF_DOMAIN),
        (RATIO, Measured(number=math.nan, unit="ratio"), MissingReason.NOT_A_NUMBER), (DAY, Measured(number=1, unit="date"), MissingReason.WRONG_TYPE),
        (CODE, Measured(number=1, unit=""), MissingReason.WRONG_TYPE), (FLAG, Measured(number=1, unit=""), MissingReason.WRONG_TYPE),
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
        (CODE, "A", ["A"], ["B"]), (CODE, "A, B", ["A", "B"], ["C"]), (CODE, '"A"', ["A"], ["B"]), (CODE, "= A", ["A"], ["B"]), (FLAG, "= false", [False], [True]),
        (RATIO, "[ 0.1  ..  0.2 )", [0.1], [0.2]), (RATIO, "[0.1\n..\n0.2)", [0.1], [0.2]), (RATIO, "<\n0.5", [0.1], [0.5]),
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
        (OPEN, "<5, >=3", True), (OPEN, "<5, >5", False), (WHOLE, "<5, >4", True), (WHOLE, "<5, >5", False), (DAYS, "!=2024-02-29", False),
        (DAYS, "<2024-02-29, >2024-02-28", True),
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
    assert repr(text) in caught.value.detail
    assert caught.value.zh


def test_numbers_are_written_as_the_decimals_they_came_from() -> None:
    assert [plain_number(value) for value in (0.1, 100.0, 1e-7, 123456789.12, -0.05)] == [
        "0.1", "100", "0.0000001", "123456789.12", "-0.05",
    ]  # fmt: skip


FIRST_DAY, LAST_DAY = date(1, 1, 1), date(9999, 12, 31)
Ends = tuple[Any, bool, Any, bool]


def spans(domain: Any, text: str) -> list[Ends]:
    return [(one.low, one.low_closed, one.high, one.high_closed) for one in read_cell(text, domain).intervals]


@pytest.mark.parametrize(
    ("domain", "text", "merged"),
    [
        # Numbers are dense: two spans are one where they share a point, or where one of them holds the point between.
        (RATIO, "!= 0.5", [(0.0, True, 0.5, False), (0.5, False, 1.0, True)]),
        (RATIO, "<0.5, <=0.5", [(0.0, True, 0.5, True)]), (RATIO, "<=0.5, <0.5", [(0.0, True, 0.5, True)]),
        (RATIO, "[0.1..0.5], [0.1..0.5)", [(0.1, True, 0.5, True)]), (RATIO, "(0.1..0.5), [0.1..0.3]", [(0.1, True, 0.5, False)]),
        (RATIO, "[0..0.5], [0.2..0.7)", [(0.0, True, 0.7, False)]), (RATIO, "[0..0.7], [0.2..0.5)", [(0.0, True, 0.7, True)]),
        (RATIO, "[0.1..0.2), [0.2..0.3]", [(0.1, True, 0.3, True)]), (RATIO, "[0.1..0.2], (0.2..0.3]", [(0.1, True, 0.3, True)]),
        (RATIO, "(0.2..0.3), (0.1..0.2)", [(0.1, False, 0.2, False), (0.2, False, 0.3, False)]),
        (RATIO, "0.3, 0.1", [(0.1, True, 0.1, True), (0.3, True, 0.3, True)]),
        (OPEN, "<1, <2", [(None, False, 2.0, False)]), (OPEN, ">1, >=0", [(0.0, True, None, False)]),
        (OPEN, "<5, >=3", [(None, False, None, False)]), (OPEN, "<3, >5", [(None, False, 3.0, False), (5.0, False, None, False)]),
        (OPEN, ">=3, [4..5]", [(3.0, True, None, False)]), (OPEN, "[1..2], <0, <=0", [(None, False, 0.0, True), (1.0, True, 2.0, True)]),
        (OPEN, "-5, <3", [(None, False, 3.0, False)]), (OPEN, "<3, -5, <2", [(None, False, 3.0, False)]), (OPEN, "[-5..-4], <-4.5", [(None, False, -4.0, True)]),
        (OPEN, "-2, (-2..-1)", [(-2.0, True, -1.0, False)]),
        # Whole numbers and days have neighbours: spans are closed, and one where nothing lies between.
        (WHOLE, "(1..5)", [(2.0, True, 4.0, True)]), (WHOLE, "<3, 3", [(None, False, 3.0, True)]), (WHOLE, "1, 3", [(1.0, True, 1.0, True), (3.0, True, 3.0, True)]),
        (WHOLE, "1, 2, 4", [(1.0, True, 2.0, True), (4.0, True, 4.0, True)]), (WHOLE, "[1..5], [2..3]", [(1.0, True, 5.0, True)]), (WHOLE, "[1..3], [3..5]", [(1.0, True, 5.0, True)]),
        (WHOLE, "(1..2)", []), (WHOLE, "!=0", [(None, False, -1.0, True), (1.0, True, None, False)]),
        (COUNT, "<3, >3", [(1.0, True, 2.0, True), (4.0, True, 5.0, True)]), (COUNT, ">5", []),
        (DAYS, "(2024-02-28..2024-03-01)", [(date(2024, 2, 29), True, date(2024, 2, 29), True)]),
        (DAYS, "<2024-01-01, 2024-01-01", [(None, False, date(2024, 1, 1), True)]), (DAYS, "<2024-01-01, >2024-01-01", [(None, False, date(2023, 12, 31), True), (date(2024, 1, 2), True, None, False)]),
        (DAYS, "2024-01-03, <=2024-01-01", [(None, False, date(2024, 1, 1), True), (date(2024, 1, 3), True, date(2024, 1, 3), True)]),
        (DAY, "> 2025-12-30", [(date(2025, 12, 31), True, date(2025, 12, 31), True)]), (DAY, "< 2024-01-02", [(date(2024, 1, 1), True, date(2024, 1, 1), True)]),
    ],
)  # fmt: skip
def test_tests_come_together_as_spans_in_order(domain: Any, text: str, merged: list[Ends]) -> None:
    assert spans(domain, text) == merged


@pytest.mark.parametrize(
    ("text", "merged"),
    [
        ("> 9999-12-31", []), ("< 0001-01-01", []), (">= 9999-12-31", [(LAST_DAY, True, None, False)]), ("<= 0001-01-01", [(None, False, FIRST_DAY, True)]),
        ("<= 9999-12-31", [(None, False, None, False)]), (">= 0001-01-01", [(None, False, None, False)]),
        ("!= 9999-12-31", [(None, False, date(9999, 12, 30), True)]), ("!= 0001-01-01", [(date(1, 1, 2), True, None, False)]),
        ("[2024-01-01..9999-12-31], [2024-01-02..2025-01-01]", [(date(2024, 1, 1), True, None, False)]),
        ("9999-12-30, 9999-12-31", [(date(9999, 12, 30), True, None, False)]),
    ],
)  # fmt: skip
def test_the_first_and_the_last_day_there_is_are_days_like_others(text: str, merged: list[Ends]) -> None:
    assert spans(DAYS, text) == merged
    assert read_cell(text, DAYS).covers == (merged == [(None, False, None, False)])
    bounded = domain_from("date[0001-01-01..9999-12-31]")
    assert read_cell(text, bounded).covers == (merged == [(None, False, None, False)])


def test_whole_numbers_past_two_to_the_fifty_third_have_neighbours_too() -> None:
    # 10**16 and 10**16 + 2 are neighbours among floats; 10**16 + 1 is none.
    above, below = read_cell("> 10000000000000000", WHOLE), read_cell("< 10000000000000000", WHOLE)
    assert [above.fits(value) for value in (1e16, 1e16 + 2)] == [False, True]
    assert [below.fits(value) for value in (1e16, 1e16 - 2)] == [False, True]
    assert not read_cell("< 10000000000000000, > 10000000000000000", WHOLE).covers
    assert read_cell("<= 10000000000000000, > 10000000000000000", WHOLE).covers


def test_intervals_hold_what_lies_inside_and_know_whether_they_are_empty() -> None:
    def interval(low: float | None, high: float | None, *, closed: bool) -> Interval:
        return Interval(low=low, low_closed=closed, high=high, high_closed=closed)

    assert [interval(1, 2, closed=True).holds(value) for value in (0.9, 1, 1.5, 2, 2.1)] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert [interval(1, 2, closed=False).holds(value) for value in (1, 1.5, 2)] == [False, True, False]
    assert [interval(None, 2, closed=False).holds(value) for value in (-1e300, 2)] == [True, False]
    assert [interval(1, None, closed=False).holds(value) for value in (1, 1e300)] == [False, True]
    empty = [
        interval(1, 1, closed=False),
        interval(2, 1, closed=True),
        Interval(low=1, low_closed=True, high=1, high_closed=False),
    ]
    assert [one.is_empty for one in empty] == [True, True, True]
    filled = [
        interval(1, 1, closed=True),
        interval(1, 2, closed=False),
        interval(None, 1, closed=False),
        interval(1, None, closed=False),
    ]
    assert [one.is_empty for one in filled] == [False, False, False, False]


@pytest.mark.parametrize(
    ("text", "fitting"),
    [
        ("<2, [3..4], (5..6), >8", {0, 1, 3, 4, 5.5, 9}),
        ("!=2, !=4, !=5", {0, 1, 3, 5.5, 6, 7, 8, 9}),
        ("1, 3, 5, 7, 9", {1, 3, 5, 7, 9}),
        ("(1..3), (3..5)", {2, 4}),
        (">=9", {9}),
        ("<1", {0}),
    ],
)
def test_a_value_is_found_among_many_intervals(text: str, fitting: set[float]) -> None:
    cell = read_cell(text, OPEN)
    assert {value for value in (0, 1, 2, 3, 4, 5, 5.5, 6, 7, 8, 9) if cell.fits(float(value))} == fitting


@pytest.mark.parametrize("sign", ["", "!="])
def test_a_cell_has_so_many_alternatives_and_no_more(sign: str) -> None:
    texts = [f"{sign}{2 * place}" for place in range(2001)]
    cell = read_cell(",".join(texts[:2000]), WHOLE)
    assert [cell.fits(float(value)) for value in (3998, 3997, 4000)] == (
        [False, True, True] if sign else [True, False, False]
    )
    for parted in (",".join(texts), "|".join(texts)):
        with pytest.raises(InvalidInput, match="2001 alternatives, and at most 2000 are taken") as caught:
            read_cell(parted, WHOLE)
        assert "有 2001 个条件，最多 2000 个" in caught.value.zh
        assert len(caught.value.detail) < 200


def test_cells_keep_their_text_with_even_blanks() -> None:
    assert read_cell("  <  0.5 \t |\n null ", RATIO).text == "< 0.5 | null"
    assert read_cell(" -  |  null", RATIO).text == "- | null"
    assert read_cell("A ,   B", CODE).text == "A , B"
    for domain, text in ((RATIO, "-"), (RATIO, "0.5"), (CODE, "A"), (FLAG, "true")):
        cell = read_cell(text, domain)
        assert (cell.takes_missing, cell.is_any) == (False, text == "-")
        cell = read_cell(f"{text}|null", domain)
        assert (cell.takes_missing, cell.is_any, cell.covers, cell.fits_something) == (
            True,
            text == "-",
            text == "-",
            True,
        )
    assert not read_cell("null", CODE).fits_something
    assert not read_cell("> 5", COUNT).fits_something


@pytest.mark.parametrize(
    ("domain", "text", "en", "zh"),
    [
        (RATIO, "", "a part is empty; write - for any value", "有空的部分；任意值请写 -"),
        (RATIO, "-|0.5", "- already stands for every value", "- 已表示任意值，不应再写其他条件"),
        (RATIO, "0.1,,0.2", "a test between commas is empty", "逗号之间有空的条件"),
        (RATIO, "[0.2..0.1]", "the interval is empty", "区间为空"),
        (RATIO, "!=0.1, 0.2", "!= stands beside other tests", "!= 不能与其他条件并列"),
        (CODE, "A, !=B", "!= stands beside other tests", "!= 不能与其他条件并列"),
        (CODE, ">= A", ">= compares numbers and days, not codes", ">= 只能用于数值或日期"),
        (RATIO, "ten", "cell reads 'ten', which is not a plain decimal number", "“ten”不是规范的数字"),
        (RATIO, "2", "2 is outside its domain (number[0..1] ratio)", "2：超出取值范围（number[0..1] ratio）"),
        (COUNT, "2.5", "2.5 is outside its domain (whole[1..5] count)", "2.5：超出取值范围（whole[1..5] count）"),
        (OPEN, "12345678901234567", "12345678901234567 is longer than 15 digits (number[..] CNY)", "12345678901234567：超过 15 位有效数字（number[..] CNY）"),
        (DAY, "2025-02-30", "2025-02-30 is no day; write YYYY-MM-DD", "“2025-02-30”不是日期，应为 YYYY-MM-DD"),
        (DAY, "[ ..2025-01-01]", "[ ..2025-01-01] is no day; write YYYY-MM-DD", "“[ ..2025-01-01]”不是日期，应为 YYYY-MM-DD"),
        (DAY, "[2025-01-01.. ]", "[2025-01-01.. ] is no day; write YYYY-MM-DD", "“[2025-01-01.. ]”不是日期，应为 YYYY-MM-DD"),
        (DAY, "２０２５-01-01", "２０２５-01-01 is no day; write YYYY-MM-DD", "“２０２５-01-01”不是日期，应为 YYYY-MM-DD"),
        (RATIO, "[0..1] or 2", "cell reads '[0..1] or 2', which is not a plain decimal number", "“[0..1] or 2”不是规范的数字"),
        (DAY, "2026-01-01", "2026-01-01 is outside date[2024-01-01..2025-12-31]", "2026-01-01 超出范围（date[2024-01-01..2025-12-31]）"),
        (CODE, "D", "'D' is none of A, B, C", "“D”不在代码表内（A、B、C）"),
        (CODE, '"', "'\"' is none of A, B, C", '“"”不在代码表内（A、B、C）'),
        (CODE, '""', "'' is none of A, B, C", "“”不在代码表内（A、B、C）"),
        (CODE, "A\nB", "'A\\nB' is none of A, B, C", "“A\nB”不在代码表内（A、B、C）"),
        (CODE, '"D"', "'D' is none of A, B, C", "“D”不在代码表内（A、B、C）"),
        (FLAG, "yes", "'yes' is neither true nor false", "“yes”应为 true 或 false"),
    ],
)  # fmt: skip
def test_refusals_name_the_cell_the_rule_and_the_remedy_in_both_languages(
    domain: Any, text: str, en: str, zh: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_cell(text, domain)
    assert caught.value.detail == f"cell {text!r}: {en}"
    assert caught.value.zh == f"单元格“{text}”：{zh}"
    assert caught.value.field == "cell"
    assert caught.value.remedy == (
        "Write -, null, a value, =, !=, <, <=, >, >= before a value, [a..b] or (a..b), lists with commas."
    )
    assert caught.value.remedy_zh == (
        "可写 -、null、取值、=、!=、<、<=、>、>= 加取值、[a..b] 或 (a..b)，多个以逗号分隔。"
    )


@pytest.mark.parametrize(("length", "shown"), [(79, "x" * 79), (80, "x" * 80), (81, "x" * 80 + "…")])
def test_a_long_cell_is_shown_by_its_first_eighty_signs(length: int, shown: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_cell("x" * length, domain_from("code{A}"))
    assert f"cell {shown!r}: " in caught.value.detail
