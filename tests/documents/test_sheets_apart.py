"""Sheets written in a child process: the same bytes, whether the child gives them back or not."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial

import pytest

from carbonfin.documents.workbooks import CellKind, SheetColumn, SheetTable, Workbook, packing, write_workbook
from carbonfin.documents.workbooks.apart import SqueezedPart, share_of_child, write_apart

COLUMNS = (
    SheetColumn(label="项目", kind=CellKind.TEXT),
    SheetColumn(label="日期", kind=CellKind.DAY),
    SheetColumn(label="金额", kind=CellKind.MONEY, totalled=True),
)


def book() -> Workbook:
    """Four sheets of unlike heights, with a text that looks like a formula on one of them alone."""

    def table(name: str, count: int, text: str) -> SheetTable:
        rows = [(f"{text}{place % 3}", date(2025, 9, 1 + place % 9), Decimal(place) / 100) for place in range(count)]
        return SheetTable(
            name=name, title=name, columns=COLUMNS, rows=tuple(rows), reported_on=date(2025, 9, 26), unit="单位：元"
        )

    sheets = (table("一", 30, "甲"), table("二", 0, ""), table("三", 9, "=乙"), table("四", 20, "甲"))
    return Workbook(title="示例", sheets=sheets, created_at=datetime(2025, 9, 26, tzinfo=UTC), guide=("说明",))


def test_the_bytes_are_those_of_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "may_write_apart", lambda: False)
    alone = write_workbook(book())
    given: list[dict[int, SqueezedPart]] = []

    def watched(parts: Mapping[int, Callable[[], bytes]]) -> Callable[[], dict[int, SqueezedPart]]:
        wait = write_apart(parts)

        def once() -> dict[int, SqueezedPart]:
            given.append(wait())
            return given[-1]

        return once

    monkeypatch.setattr(packing, "may_write_apart", lambda: True)
    monkeypatch.setattr(packing, "CELLS_LEAST", 0)
    monkeypatch.setattr(packing, "write_apart", watched)
    assert write_workbook(book()) == alone
    assert [set(found) for found in given] == [{1}], "30 rows there, 20 and 9 here; codes and guide have none"


def test_what_a_child_does_not_give_back_is_written_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "may_write_apart", lambda: False)
    alone = write_workbook(book())
    monkeypatch.setattr(packing, "may_write_apart", lambda: True)
    monkeypatch.setattr(packing, "CELLS_LEAST", 0)
    monkeypatch.setattr(
        packing, "write_apart", lambda parts: write_apart(dict.fromkeys(parts, partial(os._exit, 3)))
    )  # as a child that the machine ends
    assert write_workbook(book()) == alone


def test_both_have_about_the_same_to_write() -> None:
    assert share_of_child({1: 40, 2: 56, 3: 40, 4: 10}) == {2, 4}
    assert share_of_child({}) == frozenset()
