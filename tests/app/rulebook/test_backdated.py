"""A rule in force before the day it is known from: marked to the checker, in the registers, at the version."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from litestar.testing import TestClient

from carbonfin.rules.known import backdated_days
from carbonfin.rules.tables import TableVersion
from carbonfin.storage.rulebook import propose_table
from tests.app.rulebook.test_rules_pages import DAYS, FIRST, TODAY, approved, version
from tests.app.worlds import NOW, PAGE, World, signed_in

MARK = "追溯生效 30 天"
BACKWARDS = version(FIRST)
"""In force from thirty days before the day it is known from."""
ON_THE_DAY = replace(BACKWARDS, valid_from=TODAY)


@pytest.mark.parametrize(
    ("valid_from", "known_from", "days"),
    [
        (date(2026, 1, 31), date(2026, 3, 2), 30),
        (date(2026, 3, 1), date(2026, 3, 2), 1),
        (date(2026, 3, 2), date(2026, 3, 2), 0),
        (date(2026, 4, 1), date(2026, 3, 2), 0),
    ],
)
def test_the_days_are_those_between_the_first_day_and_the_day_it_is_known_from(
    valid_from: date, known_from: date, days: int
) -> None:
    assert backdated_days(valid_from=valid_from, known_from=known_from) == days


@pytest.mark.parametrize(("draft", "is_marked"), [(BACKWARDS, True), (ON_THE_DAY, False)])
def test_the_checker_and_the_registers_are_told(world: World, draft: TableVersion, *, is_marked: bool) -> None:
    with world.sessions.begin() as session:
        asked = propose_table(session, world.officer, draft, reason="补录", at=NOW, contracts=())
    with signed_in(world) as client:
        pages = [
            client.get(path, headers=PAGE)
            for path in (f"/approvals/{asked.id}", "/rules/changes", "/audit/table-changes")
        ]
    assert [(page.status_code, MARK in page.text) for page in pages] == [(200, is_marked)] * 3


def test_the_version_says_so_on_its_page_and_over_the_api(world: World) -> None:
    approved(world, BACKWARDS)
    with signed_in(world) as client:
        page = client.get(f"/rules/{FIRST.name}", params=DAYS, headers=PAGE).text
    with TestClient(world.app) as client:
        client.headers.update(world.key_headers())
        found = client.get(f"/v1/rules/tables/{FIRST.name}/versions").json()["versions"]
    assert page.count(MARK) == 2
    assert [one["version"]["backdated_days"] for one in found] == [30]
    assert BACKWARDS.known_from - BACKWARDS.valid_from == timedelta(days=30)
