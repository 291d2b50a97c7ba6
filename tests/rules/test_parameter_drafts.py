"""What is wrong with a draft of a parameter's value is told at once, field by field."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.parameter_drafts import draft_faults, require_sound
from carbonfin.rules.parameters import Grade, ParameterBook, ParameterValue

RATIO = ParameterValue(
    key="trial.haircut_ratio", scope="CEA", value="0.40", unit="ratio", valid_from=date(2026, 1, 1), valid_to=None,
    known_from=date(2026, 1, 1), document="押品管理办法", article="第三条", grade=Grade.READ, confirmed=True, approved_by=(),
    note="", title_zh="折扣系数", title_en="haircut",
)  # fmt: skip
DAYS = replace(RATIO, key="trial.days", value="5", unit="days")
END = replace(RATIO, key="trial.end", value="2026-08-31", unit="date")
OPENS = replace(RATIO, key="trial.opens", value="2026-09-15T09:00", unit="instant")
WORD = replace(RATIO, key="trial.word", value="principal", unit="code")
KNOWN = ParameterBook([RATIO, DAYS, END, OPENS, WORD])
NONE = ParameterBook([])


def fields(draft: ParameterValue, own: ParameterBook = NONE) -> list[str | None]:
    return [one.field for one in draft_faults(draft, KNOWN, own)]


@pytest.mark.parametrize("draft", [RATIO, DAYS, END, OPENS, WORD, replace(RATIO, scope="SZA", value="-0.5")])
def test_a_sound_draft_has_no_fault(draft: ParameterValue) -> None:
    assert fields(draft) == []
    require_sound(draft, KNOWN, NONE)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"key": "trial.haircut_rati"}, "key"), ({"unit": ""}, "unit"), ({"unit": "CNY"}, "unit"), ({"value": ""}, "value"),
        ({"value": " 0.4"}, "value"), ({"value": "40%"}, "value"), ({"value": "NaN"}, "value"), ({"value": "1e3"}, "value"),
        ({"document": "  "}, "document"), ({"grade": Grade.MEMORY, "quote": "原文"}, "quote"), ({"valid_to": date(2025, 12, 31)}, "valid_to"),
    ],
)  # fmt: skip
def test_each_fault_names_its_field(changed: dict[str, object], field: str) -> None:
    assert fields(replace(RATIO, **changed)) == [field]  # type: ignore[arg-type]  # a field of each type


@pytest.mark.parametrize(
    "draft",
    [replace(DAYS, value="5.5"), replace(END, value="2026-02-30"), replace(END, value="20260831"),
     replace(OPENS, value="2026-09-15"), replace(OPENS, value="2026-09-15T09:00:01")],
)  # fmt: skip
def test_a_value_its_unit_does_not_take_is_a_fault(draft: ParameterValue) -> None:
    assert fields(draft) == ["value"]


def test_every_fault_is_told_at_once() -> None:
    draft = replace(RATIO, unit="", value="", document="", valid_to=date(2025, 1, 1))
    assert fields(draft) == ["unit", "value", "document", "valid_to"]
    with pytest.raises(InvalidInput) as refused:
        require_sound(draft, KNOWN, NONE)
    assert refused.value.field == "unit"
    assert refused.value.zh.count("；") >= 3


def test_values_known_from_one_day_follow_one_another() -> None:
    """Written down: 2026 whole, then 2027 whole; a gap of a day, an overlap of a day, and one before an open end."""
    first = replace(RATIO, valid_to=date(2026, 12, 31))
    own = ParameterBook([first])
    assert fields(replace(RATIO, valid_from=date(2027, 1, 1)), own) == []
    assert fields(replace(RATIO, valid_from=date(2027, 1, 2)), own) == ["valid_from"]
    assert fields(replace(RATIO, valid_from=date(2026, 12, 31)), own) == ["valid_from"]
    open_end = ParameterBook([RATIO])
    assert fields(replace(RATIO, valid_from=date(2025, 1, 1), valid_to=date(2025, 12, 31)), open_end) == []
    assert fields(replace(RATIO, valid_from=date(2025, 1, 1), valid_to=date(2026, 1, 1)), open_end) == ["valid_to"]
    later = replace(RATIO, valid_from=date(2027, 1, 2), known_from=date(2026, 6, 1))
    assert fields(later, own) == ["valid_from"], "the first of 2027 would have no own value"
    assert draft_faults(later, KNOWN, own, declares_gap=True) == (), "it was repealed for that day"
    (gap,) = draft_faults(later, KNOWN, own)
    assert "2026-12-31" in gap.zh
    assert "2027-01-02" in gap.zh
    inside = replace(RATIO, valid_from=date(2026, 6, 1), known_from=date(2026, 6, 1))
    assert fields(inside, own) == [], "a correction known later takes the place of the rest"
    of_the_day = ParameterBook([replace(first, known_at=datetime(2026, 1, 1, 2, tzinfo=UTC))])
    assert fields(replace(RATIO, valid_from=date(2026, 6, 1)), of_the_day) == [], "approved earlier that day"
    assert fields(replace(RATIO, scope="SZA", valid_from=date(2027, 1, 2)), own) == []
