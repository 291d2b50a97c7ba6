"""What was made of rows is given again only while every bit of them is the same."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from carbonfin.kernel.errors import Conflict
from carbonfin.storage import kept_rows
from carbonfin.storage.engine import Sessions
from carbonfin.storage.kept_rows import KeptMade, KeptRows
from carbonfin.storage.rows import table_of
from tests.storage.rows import TrialRow

_TRIALS = table_of(TrialRow)
_NAMED = sa.select(_TRIALS).where(_TRIALS.c.name == sa.bindparam("named")).order_by(_TRIALS.c.id)
_Made = tuple[object, list[tuple[Decimal, Any]]]


class _Maker:
    """Makes a value of rows and counts how often it was asked to."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, rows: Sequence[sa.Row[Any]], also: object) -> _Made:
        self.count += 1
        return also, [(row.price_cny_per_t, row.terms) for row in rows]


def _made(sessions: Sessions, kept: KeptRows[_Made], also: str = "", named: str = "a") -> _Made:
    with sessions.read() as session:
        return kept.made(session, {"named": named}, also)


def _with_two(sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.add(TrialRow(id="1", name="a", price_cny_per_t=Decimal("70.5"), terms={"b": 1, "a": ["x"]}))
        session.add(TrialRow(id="2", name="a", price_cny_per_t=Decimal(71)))


def test_rows_that_are_the_same_give_what_was_made_of_them(sessions: Sessions) -> None:
    _with_two(sessions)
    maker = _Maker()
    kept = KeptRows(_NAMED, maker)
    first = _made(sessions, kept)
    assert first == ("", [(Decimal("70.5"), {"a": ["x"], "b": 1}), (Decimal(71), None)])
    assert _made(sessions, kept) is first
    assert maker.count == 1
    assert _made(sessions, kept, also="other")[0] == "other"
    assert _made(sessions, kept, named="nobody") == ("", [])
    assert maker.count == 3


@pytest.mark.parametrize("tells_order", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE trial SET price_cny_per_t = price_cny_per_t + 1 WHERE id = '2'",
        'UPDATE trial SET terms = \'{"a":["y"],"b":1}\' WHERE id = \'1\'',
        "DELETE FROM trial WHERE id = '1'",
        "INSERT INTO trial (id, name) VALUES ('3', 'a')",
    ],
)
def test_any_other_bit_is_another_value(sessions: Sessions, change: str, *, tells_order: bool) -> None:
    _with_two(sessions)
    kept = KeptRows(_NAMED, _Maker(), tells_order=tells_order)
    first = _made(sessions, kept)
    with sessions.begin() as session:
        session.connection().exec_driver_sql(change)
    assert _made(sessions, kept) != first


def test_the_same_rows_in_another_order_are_another_value(sessions: Sessions) -> None:
    """What orders the rows need not be among what is asked for: the lines of a book stand by their place."""
    kept = KeptRows(
        sa.select(_TRIALS.c.price_cny_per_t, _TRIALS.c.terms)
        .where(_TRIALS.c.name == sa.bindparam("named"))
        .order_by(_TRIALS.c.quantity_t),
        _Maker(),
    )
    with sessions.begin() as session:
        for trial_id, name, quantity_t, price in (
            ("1", "a", 1, "70.5"), ("2", "a", 2, "71"), ("3", "b", 2, "70.5"), ("4", "b", 1, "71")
        ):  # fmt: skip
            session.add(TrialRow(id=trial_id, name=name, quantity_t=quantity_t, price_cny_per_t=Decimal(price)))
    made = {name: [price for price, _ in _made(sessions, kept, named=name)[1]] for name in ("a", "b")}
    assert made == {"a": [Decimal("70.5"), Decimal(71)], "b": [Decimal(71), Decimal("70.5")]}


def test_rows_whose_order_is_told_stand_in_it(sessions: Sessions) -> None:
    question = sa.select(_TRIALS).order_by(_TRIALS.c.price_cny_per_t.desc())
    kept = KeptRows(question, _Maker(), tells_order=True)
    with sessions.begin() as session:
        for trial_id, price in (("1", "70.5"), ("2", "72"), ("3", "71")):
            session.add(TrialRow(id=trial_id, name="a", price_cny_per_t=Decimal(price)))
    for _ in range(2):
        assert [price for price, _ in _made(sessions, kept)[1]] == [Decimal(72), Decimal(71), Decimal("70.5")]


def test_what_cannot_be_made_is_not_kept(sessions: Sessions) -> None:
    _with_two(sessions)
    asked = []

    def refuse(rows: Sequence[sa.Row[Any]], _: object) -> None:
        asked.append(len(rows))
        raise Conflict("edited", zh="已改动")

    kept = KeptRows(_NAMED, refuse)
    for _ in range(2):
        with sessions.read() as session, pytest.raises(Conflict):
            kept.made(session, {"named": "a"})
    assert asked == [2, 2]


class _Disturbed(KeptRows[_Made]):
    """Another writer changes a row right after the bits were read for the first time, and back at the end."""

    prices: tuple[Decimal, ...] = (Decimal(99), Decimal(99), Decimal(71))

    def _bits(self, session: Session, values: Mapping[str, Any]) -> tuple[tuple[Any, ...], ...]:
        bits = super()._bits(session, values)
        if self.prices:
            price, *later = self.prices
            self.prices = tuple(later)
            session.execute(sa.update(_TRIALS).where(_TRIALS.c.id == "2").values(price_cny_per_t=price))
        return bits


def test_rows_that_change_while_they_are_read_are_not_kept(sessions: Sessions) -> None:
    _with_two(sessions)
    kept = _Disturbed(_NAMED, _Maker())
    with sessions.begin() as session:
        found = [kept.made(session, {"named": "a"})[1][1][0] for _ in range(3)]
    assert found == [Decimal(99), Decimal(71), Decimal(71)]


def test_no_more_rows_are_kept_than_memory_bears(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_rows, "_ROWS_MAX", 4)
    _with_two(sessions)
    maker = _Maker()
    kept = KeptRows(_NAMED, maker)
    for also in ("one", "two", "two", "one"):  # three each with the count of the question itself: two do not fit
        _made(sessions, kept, also=also)
    assert maker.count == 3
    monkeypatch.setattr(kept_rows, "_ROWS_MAX", 2)
    for _ in range(2):
        _made(sessions, kept, also="large")
    assert maker.count == 5


def test_what_is_made_of_the_very_same_objects_is_made_once() -> None:
    kept: KeptMade[list[str]] = KeptMade()
    table, alike = ["a table"], ["a table"]
    first = kept.made((table,), "day", lambda: ["first"])
    assert kept.made((table,), "day", lambda: ["again"]) is first
    assert kept.made((alike,), "day", lambda: ["another table"]) == ["another table"]
    assert kept.made((table,), "other day", lambda: ["another day"]) == ["another day"]


def test_an_object_made_later_never_takes_the_place_of_one_that_is_gone() -> None:
    kept: KeptMade[int] = KeptMade()
    made = [kept.made(([place],), None, lambda place=place: place) for place in range(1000)]  # type: ignore[misc]
    assert made == list(range(1000))


def test_what_could_not_be_made_of_objects_is_tried_again() -> None:
    kept: KeptMade[int] = KeptMade()
    part = object()
    with pytest.raises(ZeroDivisionError):
        kept.made((part,), None, lambda: 1 // 0)
    assert kept.made((part,), None, lambda: 1) == 1
