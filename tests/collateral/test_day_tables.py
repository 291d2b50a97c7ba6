"""The haircut table a day asks for all its agreements: shown on the day's decision, and for each agreement its units."""

import json
from dataclasses import replace

import pytest

from carbonfin.app.decisions.whole_traces import TablesTried, tables_tried
from carbonfin.kernel.allowances import Unit
from carbonfin.rules.tables import DecisionTable
from carbonfin.storage.decisions import DecisionRecord, decisions_of, rebuilt, replay_decision
from carbonfin.storage.engine import Sessions
from collateral import jobs, service
from collateral.calc.day_facts import DayFactsInputs
from collateral.calc.tables_asked import tables_asked_of_day
from tests.app.worlds import PAGE
from tests.collateral.desk import Desk, build_desk, take_over_all
from tests.collateral.test_edges import Edge, client_of, edge, signed_in
from tests.collateral.test_haircut_table import BY_VINTAGE, IN_FIGURES, recorded
from tests.collateral.test_tables_asked import answered
from tests.collateral.world import TODAY

__all__ = ["edge"]
ALL = "CCER, CEA-2023, CEA-2024, SZA-2022, SZA-2023, SZA-2024"
BY_PLEDGE = {
    # what is pledged, and what its pledgor could add
    "pledge:P1": "CCER, CEA-2023, CEA-2024",
    "pledge:P2": "SZA-2022, SZA-2023, SZA-2024",
    "pledge:P3": "SZA-2023, SZA-2024",
}


def struck(sessions: Sessions, desk: Desk) -> tuple[DecisionRecord, dict[str, DecisionRecord]]:
    """Give the day's shared facts, and each agreement's own decision by its subject."""
    with sessions.read() as session:
        (day,) = decisions_of(session, desk.maker, kind="collateral.day_facts")
        own = decisions_of(session, desk.maker, kind="collateral.daily_margin")
    return day, {one.subject: one for one in own}


def test_the_day_shows_every_row_and_each_agreement_its_units_on_both_databases(sessions: Sessions) -> None:
    with sessions.begin() as session:
        desk = build_desk(session)
        take_over_all(session, desk)
        assert jobs.revalue(session, desk.maker, TODAY).failures == ()
    day, own = struck(sessions, desk)
    with sessions.read() as session:
        of_day = tables_tried(session, desk.maker, day)
        of_each = {subject: tables_tried(session, desk.maker, one) for subject, one in own.items()}
        assert all(replay_decision(session, service.DECISION_KINDS, one.id).same for one in (day, *own.values()))
    assert (of_day.asked_in, about(of_day)) == ("", {ALL: ["pledge"]})
    assert {subject: about(tried) for subject, tried in of_each.items()} == {
        subject: {units: ["pledge"]} for subject, units in BY_PLEDGE.items()
    }
    assert {tried.asked_in for tried in of_each.values()} == {day.id}


def about(tried: TablesTried) -> dict[str, list[str]]:
    """Give the rows that answered, by the units they were asked for; all four rows of the table stand there."""
    assert tried.tables is not None
    assert [len(whole.rows) for whole in tried.tables] == [4] * len(tried.tables)
    return {whole.asked.about: [row.row_id for row in whole.rows if row.answers] for whole in tried.tables}


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (BY_VINTAGE, [("CEA-2023, SZA-2023", 2, ["R2"]), ("CEA-2024, SZA-2024", 2, ["R2"]), ("SZA-2022", 2, ["R1"])]),
        (IN_FIGURES, [("CEA-2023, CEA-2024", 3, ["R1"]), ("SZA-2022, SZA-2023, SZA-2024", 3, ["R2"])]),
    ],
)
def test_units_that_the_table_tells_apart_stand_apart(
    edge: Edge, own: DecisionTable, expected: list[tuple[str, int, list[str]]]
) -> None:
    day, _ = struck(edge.sessions, edge.desk)
    inputs = rebuilt(json.dumps(day.inputs), DayFactsInputs)
    dated = tuple(one for one in inputs.units if one.unit.vintage is not None)  # a credit has none to be asked for
    changed = replace(inputs, units=dated, haircut_table=recorded(own))
    assert answered(tables_asked_of_day(changed)) == expected
    (alone,) = tables_asked_of_day(changed, units={Unit.parse("SZA-2022")})
    assert alone.about == "SZA-2022"
    assert alone.facts["vintage"] == 2022


def test_pages_and_api_show_the_rows_and_name_the_decision_of_the_day(edge: Edge) -> None:
    day, own = struck(edge.sessions, edge.desk)
    one = own["pledge:P3"]
    client = client_of(edge)
    found, of_day = (client.get(f"/v1/decisions/{decision.id}").json() for decision in (one, day))
    assert (found["tables_asked_in"], of_day["tables_asked_in"]) == (day.id, None)
    (table,) = found["tables"]
    assert (table["about"], table["row_count"], table["values"]) == (
        "SZA-2023, SZA-2024", 4, {"use": "pledge", "cross_currency": "false"},
    )  # fmt: skip
    assert [(row["row_id"], row["state"], row["answers"]) for row in table["rows"]] == [
        ("pledge", "hit", True), ("pledge_cross", "failed", False), ("repo", "failed", False),
        ("repo_cross", "failed", False),
    ]  # fmt: skip
    assert [table["about"] for table in of_day["tables"]] == [ALL]
    with signed_in(edge) as visitor:
        page, day_page = (visitor.get(f"/decisions/{decision.id}", headers=PAGE).text for decision in (one, day))
        replay = visitor.get(f"/decisions/{one.id}?lang=en", headers=PAGE).text
    assert f'href="/decisions/{day.id}"' in page
    assert page.count('id="table-') == day_page.count('id="table-') == 1
    assert "· SZA-2023, SZA-2024" in page
    assert "表与输入不另行记录" in day_page
    assert "asked the table once for all agreements" in replay


def test_a_decision_whose_day_cannot_be_read_shows_that(edge: Edge) -> None:
    _, own = struck(edge.sessions, edge.desk)
    one = own["pledge:P3"]
    with edge.sessions.read() as session:
        tried = [
            tables_tried(session, edge.desk.maker, replace(one, inputs=inputs))
            for inputs in (one.inputs | {"facts_id": "none"}, {})
        ]
        other_version = tables_tried(session, edge.desk.maker, replace(one, version="0"))
    assert tried == [TablesTried(tables=None)] * 2
    assert other_version == TablesTried(tables=())
