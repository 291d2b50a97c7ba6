"""Rows written many at once are those written one by one, and JSON is called plain only where it is written as it is."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from carbonfin.storage.engine import Sessions
from carbonfin.storage.plain_json import is_plain_json
from carbonfin.storage.rows import insert_many, new_ids, table_of
from carbonfin.storage.texts import UnstorableValue
from tests.storage.rows import Shape, TrialRow

_TABLE = table_of(TrialRow)
_SAME: dict[str, Any] = {
    "seen_at": datetime(2026, 1, 1, tzinfo=UTC), "shape": Shape.ROUND, "due_date": date(2026, 1, 2), "is_sample": True,
}  # fmt: skip


def varying(place: int) -> dict[str, Any]:
    return {
        "amount_cny": Decimal(place).scaleb(-2), "quantity_t": place if place % 2 else None,
        "terms": {"列": [place, None, True], "a": {"b": str(place)}}, "name": f'第 {place} 行"\\',
    }  # fmt: skip


def test_many_rows_are_those_written_one_by_one_whether_told_once_or_in_each(sessions: Sessions) -> None:
    once, each, alone = new_ids(40), new_ids(40), new_ids(40)
    with sessions.begin() as session:
        insert_many(
            session, TrialRow, [{"id": one, **varying(place)} for place, one in enumerate(once)], same=_SAME,
            storable=("name",),
        )  # fmt: skip
        insert_many(session, TrialRow, [{"id": one, **_SAME, **varying(place)} for place, one in enumerate(each)])
        for place, one in enumerate(alone):
            session.add(TrialRow(id=one, **_SAME, **varying(place)))
    with sessions.read() as session:
        rows = {row.id: tuple(row)[1:] for row in session.execute(sa.select(_TABLE))}
    assert [rows[one] for one in once] == [rows[one] for one in each] == [rows[one] for one in alone]
    assert len(set(map(str, rows.values()))) == 40


def test_what_is_the_same_in_all_rows_is_looked_at_too(sessions: Sessions) -> None:
    with sessions.begin() as session, pytest.raises(UnstorableValue):
        insert_many(session, TrialRow, [{"id": one} for one in new_ids(2)], same={"name": "a\u202eb"})


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -(2**63), 2**64, "", "文", [], {}, {"a": [1, {"b": None}], "文": "x"}, [[["a"]], False]],
)
def test_plain_json_is_plain(value: object) -> None:
    assert is_plain_json(value)


@pytest.mark.parametrize(
    "value",
    [
        1.0, 1.5, float("nan"), [1e400], {"a": 0.0}, Decimal(1), date(2026, 1, 1), {1: "a"}, {None: 1}, {"a"}, b"a",
        "a\nb", "\x00", "\ud800", "a\u202eb", {"\u2066": 1}, [{"a": "\u2069"}], object(),
    ],
)  # fmt: skip
def test_what_is_written_otherwise_or_looks_otherwise_is_not_plain(value: object) -> None:
    assert not is_plain_json(value)
