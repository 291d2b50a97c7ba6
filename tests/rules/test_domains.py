"""Domains: bounds and their ends, how values are read and written, and the words of every refusal."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.domains import (
    BooleanDomain,
    CodeDomain,
    DateDomain,
    MissingReason,
    NumberDomain,
    domain_from,
    is_code,
    missing_words,
    unit_of,
)


def test_bounds_are_inside_and_may_be_one_value() -> None:
    number = NumberDomain(unit="t", low=Decimal(1), high=Decimal(1))
    assert [number.read(value) for value in (0.99, 1.0, 1.01)] == [
        MissingReason.OUT_OF_DOMAIN,
        1.0,
        MissingReason.OUT_OF_DOMAIN,
    ]
    day = date(2024, 2, 29)
    days = DateDomain(low=day, high=day)
    outside = MissingReason.OUT_OF_DOMAIN
    assert [days.read(date(2024, month, number)) for month, number in ((2, 28), (2, 29), (3, 1))] == [
        outside,
        day,
        outside,
    ]
    assert days.read(None) is MissingReason.ABSENT
    assert [DateDomain(low=day).holds(date.max), DateDomain(high=day).holds(date.min)] == [True, True]
    assert [DateDomain(low=day).holds(date.min), DateDomain(high=day).holds(date.max)] == [False, False]


def test_numbers_of_fifteen_digits_are_read_and_of_sixteen_are_not() -> None:
    number = NumberDomain(unit="CNY")
    assert number.read(Decimal("0.123456789012345")) == 0.123456789012345
    assert number.read(Decimal("1234567890.123450000")) == 1234567890.12345, "zeros at the end are no digits"
    assert number.read(Decimal("0.1234567890123456")) is MissingReason.TOO_MANY_DIGITS
    assert number.read(10**15) == 1e15
    assert number.read(10**15 + 1) is MissingReason.TOO_MANY_DIGITS
    assert number.read(None) is MissingReason.ABSENT
    assert NumberDomain(unit="CNY", high=Decimal(999999999999999)).high == Decimal(999999999999999)
    assert NumberDomain(unit="count", is_whole=True).read(-3) == -3.0


@pytest.mark.parametrize(
    ("domain", "value", "text"),
    [
        (NumberDomain(unit="ratio"), 0.25, "0.25"), (NumberDomain(unit="ratio"), 3.0, "3"), (DateDomain(), date(2024, 1, 2), "2024-01-02"),
        (CodeDomain(codes=("A", "B")), "B", "B"), (BooleanDomain(), True, "true"), (BooleanDomain(), False, "false"),
    ],
)  # fmt: skip
def test_values_are_written_as_cells_read_them(domain: Any, value: Any, text: str) -> None:
    assert domain.text(value) == text
    assert domain.literal(text) == value


def test_domains_are_read_with_blanks_and_written_without() -> None:
    assert domain_from(" number[ 0 .. 1 ]  ratio ") == NumberDomain(unit="ratio", low=Decimal(0), high=Decimal(1))
    assert domain_from("number[..]t of CO2") == NumberDomain(unit="t of CO2")
    assert domain_from("number[0..1] kg[CO2]").describe() == "number[0..1] kg[CO2]"
    assert NumberDomain(unit="t", low=Decimal("1E+3")).describe() == "number[1000..] t"
    assert domain_from("whole[1..] count") == NumberDomain(unit="count", low=Decimal(1), is_whole=True)
    assert domain_from("date[ 2024-01-01 .. ]") == DateDomain(low=date(2024, 1, 1))
    assert domain_from("date[..2024-01-01]") == DateDomain(high=date(2024, 1, 1))
    assert domain_from("code{ A , B }") == CodeDomain(codes=("A", "B"))
    assert domain_from(" boolean ") == BooleanDomain()
    assert [domain_from(text).describe() for text in ("number[..0.50] ratio", "date[2024-01-01..2024-12-31]")] == [
        "number[..0.50] ratio", "date[2024-01-01..2024-12-31]",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["A", "重点", "a b", "it's", "A-1", "1..2", "nulls", "--"])
def test_codes(text: str) -> None:
    assert is_code(text)


@pytest.mark.parametrize("text", ["", " A", "A ", "a\tb", "-", "null", *(f"A{sign}" for sign in ',"|{}[]()<>=!')])
def test_what_is_no_code(text: str) -> None:
    assert not is_code(text)


def test_reasons_for_missing_values_have_words() -> None:
    assert [missing_words(reason) for reason in MissingReason] == [
        ("未提供", "absent"), ("不是有限的数值", "not a finite number"), ("类型不符", "of a wrong type"), ("单位不符", "in another unit"), ("超出取值范围", "outside its domain"),
        ("代码未知", "an unknown code"), ("超过 15 位有效数字", "longer than 15 digits"),
    ]  # fmt: skip


EXAMPLES = ("number[0..1] ratio", "whole[1..5] count", "date[2024-01-01..]", "code{A,B}", "boolean")


@pytest.mark.parametrize(
    ("text", "en", "zh"),
    [
        ("number[0..1]", "a number has a unit; write `count` or `ratio` where it has no other", "数值列须有单位"),
        ("number[0..1234567890123456] t", "bound 1234567890123456 has more than 15 digits", "上下限不得超过 15 位有效数字"),
        ("number[1..0.5] t", "1 lies above 0.5", "下限高于上限"),
        ("whole[0.5..3] count", "bound 0.5 of whole numbers is not whole", "整数列的上下限须为整数"),
        ("whole[0..3.5] count", "bound 3.5 of whole numbers is not whole", "整数列的上下限须为整数"),
        ("date[2025-01-02..2025-01-01]", "2025-01-02 lies after 2025-01-01", "起始日晚于截止日"),
        ("date[..] days", "'days' stands after a date", "日期没有单位"),
        ("date[2025-1-1..]", "2025-1-1 is no day; write YYYY-MM-DD", "“2025-1-1”不是日期，应为 YYYY-MM-DD"),
        ("code{A,A}", "codes are at least one, and none stands twice", "代码至少一个且不得重复"),
        ("code{A|B}", "'A|B' is no code", "“A|B”不是有效代码"),
        *(
            (text, f"{text!r} is no domain; write one like {', '.join(EXAMPLES)}", f"“{text}”不是有效的取值范围，应写作 {'、'.join(EXAMPLES)}")
            for text in ("text", "code", "code{A", "A,B}", "number[0-1] t", "number 0..1] t", "number[0..1 t", "day[..]", "[0..1] t", "Boolean")
        ),
    ],
)  # fmt: skip
def test_refusals_of_domains_have_words_in_both_languages(text: str, en: str, zh: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        domain_from(text)
    assert (caught.value.detail, caught.value.zh, caught.value.field) == (en, zh, "domain")


@pytest.mark.parametrize("bound", ["NaN", "Infinity", "-Infinity"])
def test_bounds_are_finite(bound: str) -> None:
    with pytest.raises(InvalidInput, match="more than 15 digits"):
        NumberDomain(unit="t", high=Decimal(bound))
    with pytest.raises(InvalidInput, match="more than 15 digits"):
        NumberDomain(unit="t", low=Decimal(bound))


def test_a_domain_of_no_codes_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at least one"):
        CodeDomain(codes=())


def test_a_bound_that_cannot_be_read_is_named() -> None:
    with pytest.raises(InvalidInput) as caught:
        domain_from("number[low..1] t")
    assert caught.value.field == "domain"
    assert caught.value.detail == "domain reads 'low', which is not a plain decimal number"
    with pytest.raises(InvalidInput, match=r"domain reads '1\.\.2'"):
        domain_from("number[0..1..2] t")


def test_numbers_alone_have_a_unit() -> None:
    assert unit_of(NumberDomain(unit="t")) == "t"
    assert [unit_of(domain) for domain in (DateDomain(), BooleanDomain(), CodeDomain(codes=("a",)))] == ["", "", ""]
