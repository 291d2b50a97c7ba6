"""Days left out or claimed twice between versions of a rule, told with both dates."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.rules.continuity import beside_gaps, disorders, gap_faults, overlap_faults

KNOWN = date(2026, 3, 1)


@dataclass(frozen=True)
class Span:
    valid_from: date
    valid_to: date | None = None
    known_from: date = KNOWN


def day(text: str) -> date:
    return date.fromisoformat(text)


def span(first: str, last: str | None = None) -> Span:
    return Span(day(first), None if last is None else day(last))


def gaps(draft: Span, *standing: Span) -> list[tuple[str | None, str]]:
    found = gap_faults(draft, standing, name="table margins", name_zh="决策表 margins ")
    return [(one.field, one.detail) for one in found]


def test_a_first_version_and_one_that_joins_or_replaces_leave_no_gap() -> None:
    year = span("2024-01-01", "2024-12-31")
    assert gaps(span("2024-01-01")) == []
    assert gaps(span("2025-01-01"), year) == []
    assert gaps(span("2024-06-01"), year) == [], "it takes the place of the rest"
    assert gaps(span("2025-06-01"), span("2024-01-01")) == [], "the one before is open"
    assert gaps(span("2024-03-01", "2024-05-31"), year) == [], "a correction inside"
    assert gaps(span("2023-01-01", "2023-12-31"), year) == []
    assert gaps(span("2023-01-01", "2024-03-31"), year) == []


def test_days_left_out_before_and_after_are_told_with_both_dates() -> None:
    year = span("2024-01-01", "2024-12-31")
    assert gaps(span("2025-02-01"), year) == [
        (
            "valid_from",
            (
                "table margins would have no own version from 2025-01-01 to 2025-01-31: one ends on 2024-12-31, the"
                " next begins on 2025-02-01"
            ),
        )
    ]
    ((field, words),) = gaps(span("2023-01-01", "2023-11-30"), year)
    assert field == "valid_to"
    assert "from 2023-12-01 to 2023-12-31: one ends on 2023-11-30, the next begins on 2024-01-01" in words
    both = gaps(span("2025-02-01", "2025-03-31"), year, span("2025-06-01"))
    assert [field for field, _ in both] == ["valid_from", "valid_to"]


def test_two_versions_known_from_one_beginning_do_not_overlap() -> None:
    def overlaps(draft: Span, *alike: Span) -> list[str]:
        return [one.zh for one in overlap_faults(draft, alike, name="table margins", name_zh="决策表 margins ")]

    year = span("2024-01-01", "2024-12-31")
    assert overlaps(span("2025-01-01"), year) == []
    assert overlaps(span("2023-01-01", "2023-12-31"), year) == []
    (words,) = overlaps(span("2024-12-31"), year)
    assert words == "决策表 margins 自 2024-12-31 起与自 2024-01-01 至 2024-12-31的版本重叠，且知悉日同为 2026-03-01"
    assert len(overlaps(span("2023-01-01"), year, span("2026-01-01"))) == 2


DAYS = st.integers(0, 12).map(lambda number: date(2024, 1, 1) + timedelta(days=number))
SPANS = st.tuples(DAYS, st.none() | st.integers(0, 4)).map(
    lambda drawn: Span(drawn[0], None if drawn[1] is None else drawn[0] + timedelta(days=drawn[1]))
)


@given(SPANS, st.lists(SPANS, max_size=4))
def test_a_gap_is_told_just_where_a_day_beside_the_draft_is_left_out(draft: Span, standing: list[Span]) -> None:
    """Counted day by day over a window that holds every end."""

    def said(one: Span, on: date) -> bool:
        return one.valid_from <= on and (one.valid_to is None or on <= one.valid_to)

    window = [date(2023, 12, 31) + timedelta(days=number) for number in range(25)]
    spoken = {on for on in window if any(said(one, on) for one in standing)}
    expected = []
    if any(on < draft.valid_from for on in spoken) and draft.valid_from - timedelta(days=1) not in spoken:
        expected.append("valid_from")
    if draft.valid_to is not None:
        end = draft.valid_to
        if any(on > end for on in spoken) and end + timedelta(days=1) not in spoken:
            expected.append("valid_to")
    assert [field for field, _ in gaps(draft, *standing)] == expected


@pytest.mark.parametrize("length", [1, 2, 400])
def test_the_length_of_a_gap_makes_no_difference(length: int) -> None:
    ended = span("2024-01-01", "2024-12-31")
    begins = day("2024-12-31") + timedelta(days=1 + length)
    assert [field for field, _ in gaps(Span(begins), ended)] == ["valid_from"]


# --- versions of one file ------------------------------------------------------------------------------------------
def told(*dated: Span, declared: tuple[int, ...] = ()) -> list[tuple[int, str, str]]:
    return [(one.place, one.field, one.en) for one in disorders(dated, declared=declared)]


def test_a_correction_inside_is_no_disorder_and_a_gap_is_told_once() -> None:
    year, later = span("2024-01-01", "2024-12-31"), date(2026, 4, 1)
    inside = [Span(day("2024-03-01"), day("2024-03-31"), later), Span(day("2024-09-01"), day("2024-09-30"), later)]
    assert told(year, *inside) == []
    gap = "2025-01-01 to 2025-01-31 are left out: one ends on 2024-12-31, the next begins on 2025-02-01 and is expected"
    after = span("2025-02-01")
    assert told(year, after) == [(1, "valid_from", f"{gap} from 2025-01-01")]
    back = "valid_from 2024-01-01 stands after the version from 2025-02-01; order versions by valid_from"
    assert told(after, year) == [(1, "valid_from", back), (0, "valid_from", f"{gap} from 2025-01-01")]
    early = Span(day("2023-01-01"), day("2023-11-30"), later)
    before = "2023-12-01 to 2023-12-31 are left out: one ends on 2023-11-30, the next begins on 2024-01-01"
    assert told(year, early) == [(1, "valid_to", f"{before} and is expected from 2023-12-01")]
    assert told(year, early, declared=(1,)) == told(year, after, declared=(0,)) == []
    assert beside_gaps([year, early]) == {1}
    assert beside_gaps([year, after]) == beside_gaps([year, after], declared=[0]) == {0, 1}
    assert beside_gaps([year, after], declared=[]) == frozenset()
    assert beside_gaps([year, early, span("2025-03-01")], declared=[1]) == {1}, "the other gap is nobody's"


def test_what_is_known_only_later_fills_no_gap() -> None:
    year, after = span("2024-01-01", "2024-12-31"), span("2026-01-01")
    between = Span(day("2025-01-01"), day("2025-12-31"), date(2026, 4, 1))
    assert [(place, field) for place, field, _ in told(year, after, between)] == [(1, "valid_from")]
    assert told(year, replace(between, known_from=KNOWN), after) == []


def test_versions_known_from_one_day_stand_in_the_order_of_their_days() -> None:
    first, second, third = span("2023-01-01", "2023-12-31"), span("2024-01-01", "2024-12-31"), span("2025-01-01")
    words = "valid_from {} stands after the version from {}; order versions by valid_from"
    assert told(first, second, third) == []
    assert told(second, first, third) == [(1, "valid_from", words.format("2023-01-01", "2024-01-01"))]
    assert told(third, first, second) == [(1, "valid_from", words.format("2023-01-01", "2025-01-01"))]
    later = replace(third, known_from=date(2026, 4, 1))
    assert told(later, first, second) == [], "another known day has an order of its own"
    (fault,) = disorders([second, first])
    assert fault.zh == "生效日期 2023-01-01 早于排在其前的版本（自 2024-01-01 起），应按生效日期先后排列"


def test_days_claimed_twice_are_named_with_the_day_that_is_expected() -> None:
    year = span("2024-01-01", "2024-12-31")
    rest = "to 2024-12-31 it overlaps the version from 2024-01-01 to 2024-12-31, both known from 2026-03-01"
    for other, words in (
        ("2024-12-30", f"from 2024-12-30 {rest}; the latter is expected from 2025-01-01"),
        ("2023-01-01", f"from 2024-01-01 {rest}; the former is expected to end on 2023-12-31"),
        ("2024-01-01", f"from 2024-01-01 {rest}; a correction has a later known_from"),
    ):
        assert told(year, span(other)) == [(1, "valid_from", words)]
    (open_ones,) = disorders([span("2024-01-01"), span("2025-01-01")])
    assert open_ones.zh == (
        "自 2025-01-01 起与自 2024-01-01 起的版本重叠，且知悉日同为 2026-03-01；前一版本应止于 2024-12-31"
    )
    assert told(span("2024-01-02", "2024-01-01"), span("2025-01-01")) == [
        (0, "valid_to", "valid_to 2024-01-01 is before valid_from 2024-01-02")
    ]
