"""Dated parameters: both dates, corrections, and files that say where they are wrong."""

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.rules.parameter_files import book_from_toml, read_parameters_toml
from carbonfin.rules.parameters import Grade, ParameterBook, ParameterValue
from carbonfin.rules.record import canonical_json

FILE = """\
# haircuts
[[parameter]]
key = "collateral.haircut_ratio"
unit = "ratio"
title_zh = "折扣系数"
title_en = "Haircut"

[[parameter.value]]
value = "0.40"
scope = "CEA"
valid_from = 2024-01-01
valid_to = 2024-12-31
known_from = 2023-12-20
document = "示例银行押品办法"
article = "第三条"
grade = "sample"
confirmed = true
approved_by = ["甲", "乙"]

[[parameter.value]]
value = "0.45"
scope = "CEA"
valid_from = 2025-01-01
known_from = 2023-12-20
document = "示例银行押品办法"
grade = "sample"
confirmed = true

[[parameter.value]]
value = "0.50"
scope = "CEA"
valid_from = 2025-01-01
known_from = 2025-03-01
document = "更正通知"
grade = "read"
confirmed = false
note = "更正 2023-12-20 的取值"

[[parameter]]
key = "collateral.cure_days"
unit = "days"
title_zh = "补足期限"
title_en = "Cure period"

[[parameter.value]]
value = "5"
valid_from = 2024-01-01
known_from = 2024-01-01
document = "示例银行押品办法"
grade = "sample"
confirmed = true
"""
BOOK = book_from_toml(FILE, file_name="haircuts.toml")
KEY = "collateral.haircut_ratio"


def _known(day: date) -> datetime:
    return end_of_china_day(day)


def _value(**changes: object) -> ParameterValue:
    fields: dict[str, object] = {
        "key": "k", "scope": "", "value": "1", "unit": "days", "valid_from": date(2024, 1, 1), "valid_to": None,
        "known_from": date(2024, 1, 1), "document": "d", "article": "", "grade": Grade.READ, "confirmed": True,
        "approved_by": (), "note": "",
    }  # fmt: skip
    return ParameterValue(**{**fields, **changes})  # type: ignore[arg-type] # a table of columns


# --- both dates -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("valid_on", "known_on", "expected"),
    [
        (date(2024, 1, 1), date(2024, 1, 1), "0.40"),
        (date(2024, 12, 31), date(2024, 12, 31), "0.40"),  # the last day is inside
        (date(2025, 1, 1), date(2025, 1, 1), "0.45"),
        (date(2025, 6, 30), date(2025, 2, 28), "0.45"),  # the correction was not known yet
        (date(2025, 6, 30), date(2025, 3, 1), "0.50"),  # from the day it is known it speaks
        (date(2025, 1, 15), date(2025, 3, 1), "0.50"),  # for the days it says, earlier ones included
        (date(2024, 6, 30), date(2025, 3, 1), "0.40"),  # and for no others
    ],
)
def test_a_value_is_asked_with_both_dates(valid_on: date, known_on: date, expected: str) -> None:
    assert BOOK.on(KEY, valid_on=valid_on, known_at=_known(known_on), scope="CEA").decimal == Decimal(expected)


def test_known_days_turn_at_midnight_in_china() -> None:
    just_before = datetime(2025, 2, 28, 15, 59, 59, tzinfo=UTC)
    assert BOOK.on(KEY, valid_on=date(2025, 6, 30), known_at=just_before, scope="CEA").value == "0.45"
    midnight = just_before + timedelta(seconds=1)
    assert BOOK.on(KEY, valid_on=date(2025, 6, 30), known_at=midnight, scope="CEA").value == "0.50"


@pytest.mark.parametrize(
    ("scope", "valid_on", "known_on"),
    [
        ("CEA", date(2023, 12, 31), date(2025, 1, 1)),  # before any value is valid
        ("CEA", date(2024, 6, 1), date(2023, 12, 19)),  # before any value is known
        ("SZA", date(2024, 6, 1), date(2025, 1, 1)),  # no such scope: no value of another scope steps in
        ("", date(2024, 6, 1), date(2025, 1, 1)),
    ],
)
def test_what_is_not_known_is_missing_and_never_assumed(scope: str, valid_on: date, known_on: date) -> None:
    assert BOOK.find(KEY, valid_on=valid_on, known_at=_known(known_on), scope=scope) is None
    with pytest.raises(MissingData) as caught:
        BOOK.on(KEY, valid_on=valid_on, known_at=_known(known_on), scope=scope)
    assert caught.value.field == KEY
    assert str(valid_on) in caught.value.detail
    assert caught.value.remedy_zh


def test_a_replay_with_the_old_known_instant_gives_the_old_value_after_a_correction() -> None:
    before = BOOK.on(KEY, valid_on=date(2025, 2, 1), known_at=_known(date(2025, 2, 1)), scope="CEA")
    corrected = BOOK.merged(
        ParameterBook([_value(key=KEY, scope="CEA", value="0.60", unit="ratio", known_from=date(2026, 1, 1))])
    )
    after = corrected.on(KEY, valid_on=date(2025, 2, 1), known_at=_known(date(2025, 2, 1)), scope="CEA")
    assert before == after
    assert before.digest == after.digest
    now = corrected.on(KEY, valid_on=date(2025, 2, 1), known_at=_known(date(2026, 1, 1)), scope="CEA")
    assert now.value == "0.60"


MANY = st.lists(
    st.builds(
        lambda start, length, known, number: _value(
            value=str(number),
            valid_from=start,
            valid_to=None if length is None else start + timedelta(days=length),
            known_from=known,
        ),
        st.dates(date(2024, 1, 1), date(2024, 2, 1)),
        st.none() | st.integers(0, 20),
        st.dates(date(2024, 1, 1), date(2024, 2, 1)),
        st.integers(0, 999),
    ),
    max_size=8,
    unique_by=lambda value: (value.known_from, value.valid_from),
)


@given(MANY, st.dates(date(2024, 1, 1), date(2024, 3, 1)), st.dates(date(2024, 1, 1), date(2024, 3, 1)), st.randoms())
def test_the_answer_is_known_valid_latest_and_free_of_order(
    values: list[ParameterValue], valid_on: date, known_on: date, chance: object
) -> None:
    found = ParameterBook(values).find("k", valid_on=valid_on, known_at=_known(known_on))
    speaking = [
        value
        for value in values
        if value.known_from <= known_on
        and value.valid_from <= valid_on
        and (value.valid_to is None or valid_on <= value.valid_to)
    ]
    if found is None:
        assert speaking == []
    else:
        assert found in speaking
        assert all((found.known_from, found.valid_from) >= (other.known_from, other.valid_from) for other in speaking)
    shuffled = list(values)
    chance.shuffle(shuffled)  # type: ignore[attr-defined] # random.Random
    assert ParameterBook(shuffled).find("k", valid_on=valid_on, known_at=_known(known_on)) == found


@given(MANY, st.dates(date(2024, 1, 1), date(2024, 3, 1)), st.dates(date(2024, 1, 1), date(2024, 1, 31)))
def test_what_is_learnt_later_never_changes_what_was_known(
    values: list[ParameterValue], valid_on: date, known_on: date
) -> None:
    """Adding a value known from a later day leaves each earlier answer as it was."""
    later = _value(value="1000", valid_from=date(2023, 1, 1), known_from=known_on + timedelta(days=1))
    book = ParameterBook(values)
    instant = _known(known_on)
    assert book.merged(ParameterBook([later])).find("k", valid_on=valid_on, known_at=instant) == book.find(
        "k", valid_on=valid_on, known_at=instant
    )


# --- values ---------------------------------------------------------------------------------------------------------
def test_values_read_as_what_they_are() -> None:
    days = BOOK.on("collateral.cure_days", valid_on=date(2024, 1, 1), known_at=_known(date(2024, 1, 1)))
    assert (days.integer, days.decimal, days.unit, days.title_zh) == (5, Decimal(5), "days", "补足期限")
    assert _value(value="2025-12-31", unit="date").day == date(2025, 12, 31)
    with pytest.raises(InvalidInput, match="whole number"):
        _ = _value(value="5.5").integer
    with pytest.raises(InvalidInput):
        _ = _value(value="五").decimal


def test_the_digest_moves_with_the_value_its_dates_and_its_source() -> None:
    digests = {
        _value().digest,
        _value(value="2").digest,
        _value(scope="CEA").digest,
        _value(valid_to=date(2025, 1, 1)).digest,
        _value(known_from=date(2024, 1, 2)).digest,
        _value(document="e").digest,
        _value(article="第一条").digest,
        _value(confirmed=False).digest,
        _value(grade=Grade.MEMORY).digest,
    }
    assert len(digests) == 9
    assert _value().digest == _value(title_zh="名").digest


def test_the_book_lists_its_scopes_and_values_in_a_stable_order() -> None:
    assert BOOK.scopes(KEY) == ["CEA"]
    assert BOOK.scopes("unknown") == []
    assert [value.value for value in BOOK.values()] == ["5", "0.40", "0.45", "0.50"]


# --- files that are wrong -------------------------------------------------------------------------------------------
def _line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize(
    ("old", "new", "why", "marked"),
    [
        ('article = "第三条"', 'clause = "第三条"', "unknown key 'clause'", "clause ="),
        ('article = "第三条"', 'valu = "0.40"', "unknown key 'valu'", "valu ="),
        ('unit = "ratio"', 'unitt = "ratio"', "unknown key 'unitt'", "unitt ="),
        ('unit = "ratio"\n', "", "unit is missing", 2),
        ('title_zh = "折扣系数"\n', "", "title_zh is missing", 2),
        ('grade = "read"\n', "", "grade is missing", 29),
        ('document = "更正通知"\n', "", "document is missing", 29),
        ('document = "更正通知"', 'document = " "', "document is empty", None),
        ('value = "0.40"', "value = 0.40", "written as text", "value = 0.40"),
        ("valid_from = 2024-01-01\nvalid_to", 'valid_from = "2024-01-01"\nvalid_to', "valid_from must be a date", None),
        ("valid_to = 2024-12-31", "valid_to = 2024-12-31T00:00:00", "valid_to must be a date", "valid_to"),
        ('grade = "read"', 'grade = "rumour"', "grade 'rumour' is unknown", None),
        ("confirmed = false", 'confirmed = "false"', "confirmed must be true or false", None),
        ('approved_by = ["甲", "乙"]', 'approved_by = "甲、乙"', "approved_by must be a list", "approved_by"),
        ('grade = "read"', 'grade = "memory"\nquote = "原文"', "quote stands beside grade memory", "quote ="),
        ("valid_to = 2024-12-31", "valid_to = 2024-12-30", "2024-12-31 is left out: one ends on 2024-12-30", 23),
        ("valid_to = 2024-12-31", "valid_to = 2023-12-31", "is before valid_from", 12),
        ("valid_to = 2024-12-31\n", "", "the former is expected to end on 2024-12-31", 22),
        ('value = "5"', 'value = "abc"', "'abc'", 'value = "abc"'),
        ('value = "5"', 'value = "5.5"', "5.5 days is not whole", 'value = "5.5"'),
        ('value = "5"', 'value = ""', "value is empty", 'value = ""'),
        ('unit = "days"', 'unit = "furlong"', "there is no unit 'furlong'", 'unit = "furlong"'),
        ('unit = "days"', 'unit = "t/t/t"', "there is no unit 't/t/t'", 'unit = "t/t/t"'),
        ('unit = "days"', 'unit = "date"', "'5' is no date", 'value = "5"'),
        ('"collateral.cure_days"', '"collateral.haircut_ratio"', "stands twice", 40),
    ],
)
def test_a_wrong_file_names_the_place_and_the_reason(old: str, new: str, why: str, marked: str | int | None) -> None:
    text = FILE.replace(old, new, 1)
    assert text != FILE
    with pytest.raises(InvalidInput) as caught:
        book_from_toml(text, file_name="haircuts.toml")
    assert why in caught.value.detail
    assert caught.value.detail.startswith("haircuts.toml:")
    if marked is not None:
        line = marked if isinstance(marked, int) else _line_of(text, marked)
        assert caught.value.detail.startswith(f"haircuts.toml:{line}:")


def test_the_line_is_one_of_the_parameter_at_fault() -> None:
    head, key, tail = FILE.partition('"collateral.cure_days"')
    text = head + key + tail.replace('grade = "sample"', 'grade = "rumour"')
    with pytest.raises(InvalidInput) as caught:
        book_from_toml(text, file_name="haircuts.toml")
    assert caught.value.detail.startswith(f"haircuts.toml:{_line_of(text, 'rumour')}: collateral.cure_days")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[[parameter]\n", "haircuts.toml"),
        ('[settings]\ncolour = "green"\n', "unknown key 'settings'"),
        ('[parameter]\nkey = "a"\n', "[[parameter]]"),
        ('[[parameter]]\nkey = "a"\nunit = "days"\ntitle_zh = "甲"\ntitle_en = "A"\nvalue = "5"\n', "list of tables"),
        ('[[parameter]]\nkey = "a"\nunit = "days"\ntitle_zh = "甲"\ntitle_en = "A"\nvalue = ["5"]\n', "list of tables"),
    ],
)
def test_a_file_of_another_shape_is_refused(text: str, why: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        book_from_toml(text, file_name="haircuts.toml")
    assert why in caught.value.detail


def test_values_known_from_one_day_stand_in_the_order_of_their_days() -> None:
    swapped = FILE.replace("valid_from = 2024-01-01\nvalid_to = 2024-12-31\n", "valid_from = @\n", 1)
    swapped = swapped.replace("valid_from = 2025-01-01\n", "valid_from = 2024-01-01\nvalid_to = 2024-12-31\n", 1)
    with pytest.raises(InvalidInput) as caught:
        book_from_toml(swapped.replace("@", "2025-01-01"), file_name="haircuts.toml")
    assert caught.value.detail == (
        "haircuts.toml:22: collateral.haircut_ratio: valid_from 2024-01-01 stands after the version from 2025-01-01;"
        " order versions by valid_from"
    )


def test_every_fault_of_well_formed_blocks_is_told_at_once() -> None:
    text = FILE
    for old, new in (
        ('unit = "ratio"', 'unitt = "ratio"'),
        ('value = "0.45"\nscope = "CEA"', "value = 0.45\nscope = 5"),
        ("known_from = 2025-03-01", 'known_from = "2025-03-01"'),
        ('grade = "read"\n', ""),
        ('document = "示例银行押品办法"\ngrade = "sample"\nconfirmed = true\n', "clause = 1\n"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    _, faults = read_parameters_toml(text, file_name="haircuts.toml")
    assert [(fault.context["line"], fault.detail.split(": ", 2)[2]) for fault in faults] == [
        (4, "unknown key 'unitt', expected one of key, unit, title_zh, title_en, value"),
        (2, "unit is missing"),
        (25, ("unknown key 'clause', expected one of value, scope, valid_from, valid_to, known_from, document, "
              "document_number, article, quote, grade, confirmed, approved_by, declares_gap, note")),
        (20, "document is missing"),
        (20, "grade is missing"),
        (20, "confirmed is missing"),
        (21, "value must be written as text, so that it stays exact, not 0.45"),
        (22, "scope must be a text, not 5"),
        (27, "grade is missing"),
        (31, "known_from must be a date, not '2025-03-01'"),
    ]  # fmt: skip


def test_a_slip_in_the_writing_hides_no_other_fault() -> None:
    text = FILE
    for old, new in (
        ('unit = "ratio"', "unit = ratio"),  # line 4
        ("valid_to = 2024-12-31", "valid_to = 2024-31-12"),  # line 12
        ('approved_by = ["甲", "乙"]', 'approved_by = ["甲", "乙"'),  # line 18: a list without its end
        ('value = "0.45"', "value = 0.45"),
        ('grade = "read"\n', ""),
        ('value = "5"', 'value = "5"\nvalue = "6"'),  # line 46
        ('title_en = "Cure period"', 'title_en = "Cure period'),  # line 42
    ):
        assert old in text
        text = text.replace(old, new, 1)
    text += '\n[[parameters]]\nkey = "a.b"\n'
    _, faults = read_parameters_toml(text, file_name="haircuts.toml")
    stand = text.splitlines()
    told = {stand[int(str(fault.context["line"])) - 1]: fault.detail.split(": ", 2)[2] for fault in faults}
    assert len(told) == len(faults)
    assert {line: why.split(":")[0] for line, why in told.items()} == {
        "unit = ratio": "'unit = ratio' is no TOML",
        "valid_to = 2024-31-12": "'valid_to = 2024-31-12' is no TOML",
        'approved_by = ["甲", "乙"': '\'approved_by = ["甲", "乙"\' is no TOML',
        'title_en = "Cure period': "'title_en = \"Cure period' is no TOML",
        'value = "6"': "'value = \"6\"' is no TOML",
        "value = 0.45": "value must be written as text, so that it stays exact, not 0.45",
        "[[parameter.value]]": "grade is missing",
        "[[parameters]]": "unknown key 'parameters', expected one of parameter",
    }


@pytest.mark.parametrize(
    "slip", ["[[parameter", "[[parameter]", 'note = """', "note = [", "=", "[[[", 'note = "', "\x00", "note = {a=1"]
)
def test_wherever_a_slip_stands_reading_ends_and_tells_it(slip: str) -> None:
    lines = FILE.splitlines()
    for place in range(len(lines) + 1):
        text = "\n".join([*lines[:place], slip, *lines[place:]])
        _, faults = read_parameters_toml(text, file_name="haircuts.toml")
        assert faults
        assert any(fault.context["line"] in {place, place + 1} for fault in faults)


def test_a_slip_in_the_writing_hides_no_fault_of_another_block() -> None:
    broken = FILE.replace('title_zh = "折扣系数"', "title_zh = 折扣系数").replace('value = "5"', "value = 5")
    _, faults = read_parameters_toml(broken, file_name="haircuts.toml")
    assert [fault.context["line"] for fault in faults] == [5, 46]
    assert "'title_zh = 折扣系数' is no TOML" in faults[0].detail
    assert "value must be written as text" in faults[1].detail


def test_a_source_has_number_and_words() -> None:
    text = FILE.replace('article = "第三条"', 'document_number = "国务院令第775号"\narticle = "第三条"\nquote = "原文"')
    first = book_from_toml(text, file_name="haircuts.toml").values()[1]
    assert (first.document_number, first.quote) == ("国务院令第775号", "原文")
    assert first.clause == "示例银行押品办法 国务院令第775号 第三条"
    assert (
        _value(document="条例（国务院令第775号）", document_number="国务院令第775号").clause
        == "条例（国务院令第775号）"
    )
    other = BOOK.values()[1]
    assert (other.document_number, other.quote) == (None, None)
    digests = {
        other.digest,
        first.digest,
        replace(first, quote=None).digest,
        replace(first, document_number="x").digest,
    }
    assert len(digests) == 4


def test_what_was_approved_before_sources_had_numbers_keeps_its_digest() -> None:
    # Worked out by hand over the fields as they were: SHA-256 of the list's JSON.
    text = '["k","","1","days","2024-01-01",null,"2024-01-01","d","","read",true]'
    assert _value().digest == hashlib.sha256(text.encode()).hexdigest()
    assert "document_number" not in canonical_json(_value())


# --- known to the minute --------------------------------------------------------------------------------------------
MORNING = datetime(2025, 3, 1, 2, 0, tzinfo=UTC)  # 10:00 in China
NOON = datetime(2025, 3, 1, 4, 30, tzinfo=UTC)


def test_two_corrections_of_one_day_are_told_apart_to_the_minute() -> None:
    day = {"key": KEY, "scope": "CEA", "unit": "ratio", "known_from": date(2025, 3, 1)}
    morning = _value(**day, value="0.55", known_at=MORNING)
    noon = _value(**day, value="0.60", known_at=NOON)
    book = BOOK.merged(ParameterBook([noon, morning]))

    def known(at: date | datetime) -> str:
        return book.on(KEY, valid_on=date(2025, 6, 30), known_at=at, scope="CEA").value

    minute = timedelta(minutes=1)
    assert known(MORNING - minute) == "0.50"  # the file's correction is known from midnight
    assert known(MORNING) == known(NOON - minute) == "0.55"
    assert known(NOON) == known(date(2025, 3, 1)) == "0.60"  # a day means by its end
    assert known(date(2025, 2, 28)) == "0.45"
    assert known(datetime(2025, 3, 1, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))) == "0.55"


def test_an_instant_lies_on_the_day_it_is_known_from_and_has_a_zone() -> None:
    with pytest.raises(InvalidInput, match="not on 2025-03-01"):
        _value(known_from=date(2025, 3, 1), known_at=datetime(2025, 2, 28, 15, 59, tzinfo=UTC))
    assert _value(known_from=date(2025, 3, 1), known_at=datetime(2025, 2, 28, 16, tzinfo=UTC)).known_at is not None
    with pytest.raises(InvalidInput, match="time zone"):
        BOOK.find(KEY, valid_on=date(2025, 6, 30), known_at=datetime(2025, 3, 1), scope="CEA")  # noqa: DTZ001 - naive


def test_an_empty_file_is_an_empty_book() -> None:
    assert book_from_toml("", file_name="empty.toml").values() == []


def test_a_book_over_others_wins_where_both_are_known_alike() -> None:
    own, built_in = _value(value="0.30"), _value(value="0.40")
    elsewhere = _value(scope="CCER", value="0.50")
    under = [ParameterBook([built_in]), ParameterBook([elsewhere])]
    book = ParameterBook([own], under=under)
    asked = {"valid_on": own.valid_from, "known_at": _known(own.known_from)}
    assert book.on(own.key, scope=own.scope, **asked).value == "0.30"
    assert book.on(own.key, scope="CCER", **asked).value == "0.50"
    assert under[0].on(own.key, scope=own.scope, **asked).value == "0.40"
    later = _value(value="0.60", known_from=own.known_from + timedelta(days=1))
    book = ParameterBook([own], under=[ParameterBook([later])])
    assert book.on(own.key, scope=own.scope, valid_on=own.valid_from, known_at=_known(later.known_from)).value == "0.60"
