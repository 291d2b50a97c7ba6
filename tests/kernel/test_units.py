"""Money, rounding, decimal doors and capital characters."""

import decimal
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel import units
from carbonfin.kernel.errors import CalculationFailed, InvalidInput
from carbonfin.kernel.units import Currency, Money

MINOR = st.integers(min_value=-(10**20), max_value=10**20)
FEN = st.integers(min_value=0, max_value=10**18 - 1)


# --- rounding -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [
        ("0.005", 2, "0.01"),  # a tie goes away from zero, not to the even digit
        ("0.015", 2, "0.02"),
        ("0.025", 2, "0.03"),
        ("-0.005", 2, "-0.01"),
        ("1.004999", 2, "1.00"),
        ("2.5", 0, "3"),
        ("3.5", 0, "4"),
        ("-2.5", 0, "-3"),
        ("1234.5", 1, "1234.5"),
    ],
)
def test_half_up_rounds_ties_away_from_zero(value: str, places: int, expected: str) -> None:
    rounded = units.round_half_up(Decimal(value), places)
    assert rounded == Decimal(expected)
    assert rounded.as_tuple().exponent == -places


@pytest.mark.parametrize(
    ("value", "up", "down"), [("1.01", "2", "1"), ("-1.01", "-1", "-2"), ("7", "7", "7"), ("0.0001", "1", "0")]
)
def test_up_and_down_go_to_the_infinities(value: str, up: str, down: str) -> None:
    assert units.round_up(Decimal(value)) == Decimal(up)
    assert units.round_down(Decimal(value)) == Decimal(down)


def test_cny_is_two_places() -> None:
    assert str(units.cny(Decimal("18277.775"))) == "18277.78"
    assert str(units.cny(Decimal(3))) == "3.00"


def test_rounding_does_not_depend_on_the_callers_context() -> None:
    with decimal.localcontext(decimal.Context(prec=4)):
        assert units.cny(Decimal("123456789.125")) == Decimal("123456789.13")
        assert Money.of("123456789.12", Currency.CNY).minor == 12345678912
        assert str(Money(12345678912, Currency.CNY).amount) == "123456789.12"


# --- reading numbers ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("text", ["0", "12", "-12.5", "999999999999999999.999999999999", " 3.10 "])
def test_plain_decimals_are_read_exactly(text: str) -> None:
    assert units.parse_decimal(text, field="price") == Decimal(text.strip())


@pytest.mark.parametrize(
    "text",
    ["", "1,234.50", "1.2.3", "1e5", "NaN", "Infinity", "-Infinity", "+5", ".5", "5.", "007", "１２", "12 元", "0x1F", "1_000",
     "1000000000000000000", "0.1234567890123"],
)  # fmt: skip
def test_anything_but_plain_digits_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        units.parse_decimal(text, field="price_cny_per_t")
    assert caught.value.field == "price_cny_per_t"
    assert "1234567.89" in caught.value.remedy
    assert caught.value.remedy_zh


# --- the doors between Decimal and float ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [
        (2.675, 2, "2.68"),  # the binary value lies below the tie; what a reader sees is the tie
        (1.005, 2, "1.01"),
        (0.1 + 0.2, 2, "0.30"),
        (-1.005, 2, "-1.01"),
        (1e22, 0, "10000000000000000000000"),
        (np.float64(75.5397), 4, "75.5397"),  # numpy's scalars print as np.float64(…)
    ],
)
def test_floats_come_back_rounded_half_up(value: float, places: int, expected: str) -> None:
    assert units.to_decimal(value, places=places) == Decimal(expected)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), np.float64("nan")])
def test_what_is_not_a_number_is_a_failed_calculation(value: float) -> None:
    with pytest.raises(CalculationFailed):
        units.to_decimal(value, places=2)
    with pytest.raises(CalculationFailed):
        units.to_money(value, Currency.CNY)
    with pytest.raises(CalculationFailed):
        units.to_tonnes(value)


def test_tonnes_are_whole_and_half_up() -> None:
    assert [units.to_tonnes(value) for value in (0.5, 1844.88, 1.4999, -0.5)] == [1, 1845, 1, -1]
    assert isinstance(units.to_tonnes(1.0), int)


def test_money_from_a_float_is_rounded_to_the_fen() -> None:
    assert units.to_money(18277.775, Currency.CNY) == Money(1827778, Currency.CNY)
    assert units.to_money(1e30, Currency.CNY).minor == 10**32


@given(st.decimals(min_value=Decimal("-1e9"), max_value=Decimal("1e9"), places=4))
def test_out_and_home_again_changes_nothing(value: Decimal) -> None:
    assert units.to_decimal(units.to_float(value), places=4) == value


@pytest.mark.parametrize(
    ("rate", "bp", "expected"),
    [("0.0300", 40, "0.0340"), ("0.0340", -11, "0.0329"), ("0.0300", Decimal("0.5"), "0.03005")],
)
def test_basis_points_are_ten_thousandths(rate: str, bp: int | Decimal, expected: str) -> None:
    assert units.rate_plus_bp(Decimal(rate), bp) == Decimal(expected)


# --- money ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("amount", ["0.001", Decimal("1.005"), Decimal("NaN"), Decimal("Infinity"), "1,000.00"])
def test_a_fraction_of_a_fen_is_refused_never_rounded(amount: Decimal | str) -> None:
    with pytest.raises(InvalidInput):
        Money.of(amount, Currency.CNY)


def test_a_fraction_past_the_twenty_eighth_digit_is_still_seen() -> None:
    with pytest.raises(InvalidInput):
        Money.of("999999999999999999.990000000001", Currency.CNY)


def test_money_reads_exact_amounts() -> None:
    assert Money.of("1700", Currency.CNY).minor == 170000
    assert Money.of(Decimal("2410200.5"), Currency.HKD).minor == 241020050
    assert Money.of(3, Currency.USD) == Money(300, Currency.USD)
    assert str(Money.of("-1234567.8", Currency.CNY)) == "-1,234,567.80 CNY"


def test_unlike_currencies_never_meet() -> None:
    yuan, dollars = Money(100, Currency.CNY), Money(100, Currency.HKD)
    for together in (
        lambda: yuan + dollars,
        lambda: yuan - dollars,
        lambda: yuan < dollars,
        lambda: yuan <= dollars,
        lambda: yuan > dollars,
    ):
        with pytest.raises(InvalidInput, match="cannot be combined"):
            together()
    assert yuan != dollars
    assert Money(100, Currency.CNH) != yuan


@given(MINOR, MINOR)
def test_money_adds_like_whole_numbers(first: int, second: int) -> None:
    one, two = Money(first, Currency.CNY), Money(second, Currency.CNY)
    assert (one + two).minor == first + second
    assert one + two == two + one
    assert (one + two) - two == one
    assert (-one).minor == -first
    assert (one < two) == (first < second)
    assert (one <= two) == (first <= second)


@given(MINOR)
def test_the_amount_reads_back_as_the_same_money(minor: int) -> None:
    money = Money(minor, Currency.CNY)
    assert money.amount.as_tuple().exponent == -2
    assert Money.of(money.amount, Currency.CNY) == money


# --- capital characters ---------------------------------------------------------------------------------------------
# 《支付结算办法》附一 prints these amounts with their words; where it allows two forms, either is right.
PUBLISHED = {
    "1409.50": {"人民币壹仟肆佰零玖元伍角", "人民币壹仟肆佰零玖元伍角整"},
    "6007.14": {"人民币陆仟零柒元壹角肆分"},
    "1680.32": {"人民币壹仟陆佰捌拾元零叁角贰分", "人民币壹仟陆佰捌拾元叁角贰分"},
    "107000.53": {"人民币壹拾万柒仟元零伍角叁分", "人民币壹拾万零柒仟元伍角叁分"},
    "16409.02": {"人民币壹万陆仟肆佰零玖元零贰分"},
    "325.04": {"人民币叁佰贰拾伍元零肆分"},
}


@pytest.mark.parametrize("amount", PUBLISHED)
def test_capitals_follow_the_published_examples(amount: str) -> None:
    assert units.chinese_capitals(Decimal(amount)) in PUBLISHED[amount]


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0", "人民币零元整"),
        ("0.05", "人民币伍分"),
        ("0.50", "人民币伍角整"),
        ("0.55", "人民币伍角伍分"),
        ("10", "人民币壹拾元整"),
        ("10000000", "人民币壹仟万元整"),
        ("20000000.10", "人民币贰仟万元壹角整"),
        ("100000001", "人民币壹亿零壹元整"),
        ("1000100000000", "人民币壹万亿零壹亿元整"),
        ("9999999999999999.99", "人民币玖仟玖佰玖拾玖万亿玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
    ],
)
def test_capitals_by_hand(amount: str, words: str) -> None:
    assert units.chinese_capitals(Decimal(amount)) == words


@pytest.mark.parametrize("amount", ["-0.01", "0.001", "10000000000000000"])
def test_capitals_refuse_what_no_contract_writes(amount: str) -> None:
    with pytest.raises(InvalidInput):
        units.chinese_capitals(Decimal(amount))


def _spoken_fen(words: str) -> int:
    """Read capitals back, by place words alone: an independent inverse."""
    digits = {character: number for number, character in enumerate("零壹贰叁肆伍陆柒捌玖")}
    text = words.removeprefix("人民币").removesuffix("整")
    yuan_text, has_yuan, rest = text.partition("元")
    if not has_yuan:
        yuan_text, rest = "", text
    fen = sum(
        digits[rest[position - 1]] * weight
        for mark, weight in (("角", 10), ("分", 1))
        if (position := rest.find(mark)) > 0
    )
    total = section = digit = 0
    for character in yuan_text.replace("万亿", "兆"):
        if character in digits:
            digit = digits[character]
        elif character in "拾佰仟":
            section += digit * {"拾": 10, "佰": 100, "仟": 1000}[character]
            digit = 0
        else:
            total += (section + digit) * {"万": 10**4, "亿": 10**8, "兆": 10**12}[character]
            section = digit = 0
    return (total + section + digit) * 100 + fen


@given(FEN)
def test_capitals_read_back_as_the_same_amount(fen: int) -> None:
    assert _spoken_fen(units.chinese_capitals(Money(fen, Currency.CNY).amount)) == fen


@given(FEN)
def test_capitals_never_stutter(fen: int) -> None:
    words = units.chinese_capitals(Money(fen, Currency.CNY).amount)
    assert "零零" not in words
    assert words.endswith(("整", "分"))
