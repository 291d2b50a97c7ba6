"""USCI, organisation code, LEI, industry and party identity."""

import dataclasses
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from carbonfin.kernel.enterprises import Industry, Usci, organisation_check_character, usci_check_character
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.parties import Lei, Party, PartyKind

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def test_usci_check_character_by_hand() -> None:
    """The example of GB 32100-2015, 91350100M000100Y43.

    Values 9 1 3 5 0 1 0 0 21 0 0 0 1 0 0 30 4 times 3^i mod 31 = 1 3 9 27 19 26 16 17 20 29 25 13 8 24 10 30 28:
    9 + 3 + 27 + 135 + 26 + 420 + 8 + 900 + 112 = 1640 = 52 * 31 + 28, and 31 - 28 = 3.
    """
    assert usci_check_character("91350100M000100Y4") == "3"


def test_organisation_check_character_by_hand() -> None:
    """Code M000100Y of the same example: 22*3 + 1*5 + 34*2 = 139 = 12 * 11 + 7, and 11 - 7 = 4."""
    assert organisation_check_character("M000100Y") == "4"


@pytest.mark.parametrize(
    ("code", "character"),
    [
        ("00000000", "0"),  # 11 - 0 = 11 is written 0
        ("00000005", "1"),  # 5*2 = 10, 11 - 10 = 1
        ("00000006", "X"),  # 6*2 = 12 = 11 + 1, 11 - 1 = 10 is written X
    ],
)
def test_organisation_code_writes_ten_as_x_and_eleven_as_nought(code: str, character: str) -> None:
    assert organisation_check_character(code) == character


SAMPLE_CODES = [
    "91440300EXAMPLEA59",
    "91440300EXAMPLE11K",
    "91440300EXAMPLE2XB",
    "91440300EXAMPLE38B",
    "91440300EXAMPLE466",
    "91440300EXAMPLE541",
]


@pytest.mark.parametrize("code", ["91350100M000100Y43", *SAMPLE_CODES])
def test_right_codes_are_read(code: str) -> None:
    assert str(Usci.parse(f" {code.lower()} ")) == code


@pytest.mark.parametrize(
    ("code", "english", "chinese"),
    [
        ("91350100M000100Y4", "17 characters", "实为 17 位"),
        ("91350100M000100Y433", "19 characters", "实为 19 位"),
        ("91350100M000100O43", "'O'", "“O”"),
        ("91350100M000100Y44", "18th", "第 18 位"),
        ("9135010AM000100Y43", "digits", "行政区划码"),
        ("", "0 characters", "实为 0 位"),
    ],
)
def test_a_wrong_code_says_what_is_wrong(code: str, english: str, chinese: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Usci.parse(code, field="/borrower/usci")
    assert english in caught.value.detail
    assert chinese in caught.value.zh
    assert caught.value.field == "/borrower/usci"
    assert caught.value.remedy
    assert caught.value.remedy_zh


def test_the_inner_check_character_is_held_where_the_outer_fits() -> None:
    body = "91350100M000100Y5"  # 17th must be 4
    with pytest.raises(InvalidInput, match="17th"):
        Usci.parse(body + usci_check_character(body))


def test_a_code_cannot_be_made_past_the_check() -> None:
    with pytest.raises(AssertionError):
        Usci("91350100M000100Y44")


@given(st.integers(0, 999_999), st.text(ALPHABET, min_size=8, max_size=8), st.sampled_from(["91", "12", "52", "Y1"]))
def test_codes_made_by_the_rule_are_read(division: int, organisation: str, head: str) -> None:
    inner = organisation_check_character(organisation)
    body = f"{head}{division:06d}{organisation}{inner}"
    assert str(Usci.parse(body + usci_check_character(body)))


@given(st.sampled_from(SAMPLE_CODES), st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_always_noticed(code: str, place: int, character: str) -> None:
    assume(code[place] != character)
    with pytest.raises(InvalidInput):
        Usci.parse(code[:place] + character + code[place + 1 :])


# --- LEI ------------------------------------------------------------------------------------------------------------
def test_lei_check_by_hand() -> None:
    """0000EXAMPLEHK00000 with 98.

    Letters as two digits (A 10 … Z 35): E 14, X 33, A 10, M 22, P 25, L 21, E 14, H 17, K 20; the whole number
    1433102225211417200000098 leaves 1 when divided by 97.
    """
    assert 1_433_102_225_211_417_200_000_098 % 97 == 1
    assert str(Lei.parse("0000EXAMPLEHK0000098")) == "0000EXAMPLEHK0000098"


@pytest.mark.parametrize("code", ["54930084UKLVMY22DS16", "213800WSGIIZCXF1P572", "5493000IBP32UQZ0KL24"])
def test_registered_leis_are_read(code: str) -> None:
    assert str(Lei.parse(code.lower())) == code


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("54930084UKLVMY22DS17", "check digits"),
        ("54930084UKLVMY22DS1", "20 letters"),
        ("54930084UKLVMY22DS1X", "20 letters"),
        ("", "20 letters"),
    ],
)
def test_wrong_leis_say_what_is_wrong(code: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        Lei.parse(code)
    assert caught.value.field == "lei"


def _lei_digits(body: str) -> str:
    return f"{98 - int(''.join(str(int(character, 36)) for character in body + '00')) % 97:02d}"


@given(st.text(string.digits + string.ascii_uppercase, min_size=18, max_size=18))
def test_leis_made_by_the_rule_are_read_and_their_twins_are_not(body: str) -> None:
    digits = _lei_digits(body)
    assert str(Lei.parse(body + digits)) == body + digits
    for twin in (int(digits) - 97, int(digits) + 97):  # the same remainder, but outside 02 to 98
        if 0 <= twin <= 99:
            with pytest.raises(InvalidInput):
                Lei.parse(f"{body}{twin:02d}")


# --- industry and party ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("code", ["C1810", "D44", "D441", "T96"])
def test_industries_are_a_letter_and_digits(code: str) -> None:
    assert Industry(code).code == code


@pytest.mark.parametrize("code", ["", "C", "C1", "1810", "U1000", "C18100", "c1810"])
def test_other_industry_texts_are_refused(code: str) -> None:
    with pytest.raises(InvalidInput, match="GB/T 4754"):
        Industry(code)


HONG_KONG = Party(
    id="p-1",
    name="示例碳资产(香港)有限公司",
    kind=PartyKind.COUNTERPARTY,
    usci=None,
    lei=Lei.parse("0000EXAMPLEHK0000098"),
    industry=None,
    district=None,
    scheme=None,
    key_emitter=None,
    is_sample=True,
)


def test_a_hong_kong_party_is_known_by_its_lei() -> None:
    assert HONG_KONG.code == "0000EXAMPLEHK0000098"
    both = dataclasses.replace(HONG_KONG, usci=Usci.parse(SAMPLE_CODES[0]))
    assert both.code == SAMPLE_CODES[0]


def test_a_party_without_identifier_is_refused() -> None:
    with pytest.raises(InvalidInput, match="neither USCI nor LEI"):
        dataclasses.replace(HONG_KONG, lei=None)
