"""A late correction: the report before stands byte for byte as known then, and the new one lists the difference."""

import dataclasses
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlmodel import Session
from typer.testing import CliRunner

from carbonfin.kernel.actors import Role
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.dates import CHINA, FixedClock
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound
from carbonfin.rules.parameters import Grade, ParameterValue
from carbonfin.rules.record import canonical_json, digest_of
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import actor_of, add_person
from carbonfin.storage.rulebook import enter_parameter
from carbonfin.web.terminal import Terminal
from reporting import service
from reporting.calc.differences import DifferenceKind, report_difference
from reporting.calc.quarters import Quarter
from reporting.calc.reports import SubsidyReport
from reporting.commands import commands
from reporting.models import SubsidyReportRow
from tests.app.worlds import PAGE
from tests.reporting.samples import AS_OF, KNOWN_AT
from tests.reporting.test_edges import House
from tests.reporting.worlds import Actors, file_samples, make_actors, note_application, record_notes

QUARTER = Quarter.parse("2025Q3")
EARLIER = date(2025, 9, 20)
RATE = ParameterValue(
    key="reporting.subsidy.rate", scope="nanshan-2025", value="0.4", unit="ratio", valid_from=date(2025, 1, 1),
    valid_to=None, known_from=date(2025, 9, 22), document="示例更正通知", article="", grade=Grade.SAMPLE, confirmed=True,
    approved_by=(), note="", title_zh="资助比例", title_en="rate",
)  # fmt: skip


def built_on(session: Session, actors: Actors, day: date) -> SubsidyReport:
    return service.build_report(session, actors.bureau, quarter=QUARTER, as_of=day, told_at=KNOWN_AT)


def files_of(report: SubsidyReport) -> tuple[bytes, ...]:
    return tuple(write(report) for write in (service.report_workbook, service.report_csv, service.report_json))


def correct_late(session: Session, actors: Actors) -> None:
    """On 22 September the rate turns out to be 0.4, and a file comes in that asks for the fourth voucher again."""
    second = add_person(
        session, organization_id=actors.bureau.organization_id, login="bureau-b", name="bureau-b(示例)",
        role=Role.BUREAU, password_hash="no password",
    )  # fmt: skip
    enter_parameter(session, actors.bureau, actor_of(session, second.id), RATE, reason="更正", at=KNOWN_AT)
    entry = note_application("A5", voucher_numbers=(4,), submitted_at=datetime(2025, 9, 22, 9, tzinfo=CHINA))
    service.file_note_application(session, actors.bank, entry, known_at=KNOWN_AT)


def test_a_late_correction_leaves_the_report_before_as_it_was_and_is_listed_in_the_next(sessions: Sessions) -> None:
    """A1 by hand: 110,172.97 net at 0.5 is 55,086.49, at 0.4 it is 44,069.188, so 44,069.19."""
    with sessions.begin() as session:
        actors = make_actors(session)
        record_notes(session, actors.bank)
        file_samples(session, actors.bank)
        before = built_on(session, actors, EARLIER)
        files = files_of(before)
    with sessions.begin() as session:
        correct_late(session, actors)
    with sessions.begin() as session:
        assert files_of(service.load_report(session, actors.bureau, before.report_id)) == files
        again = built_on(session, actors, EARLIER)
        assert (again.report_id, files_of(again)) == (before.report_id, files)
        after = built_on(session, actors, AS_OF)
        found = service.difference_of(session, actors.bureau, after.report_id, since=None)
        assert found == service.difference_of(session, actors.bureau, after.report_id, since=before.report_id)
        assert files_of(service.load_report(session, actors.bureau, before.report_id)) == files
    assert (found.earlier_as_of, found.later_as_of, found.unchanged_count) == (EARLIER, AS_OF, 3)
    assert [(line.kind, line.reference) for line in found.lines] == [
        (DifferenceKind.CHANGED, "A1"), (DifferenceKind.ADDED, "A5"),
    ]  # fmt: skip
    a1, a5 = found.lines
    assert a1.before is not None
    assert a1.after is not None
    assert (a1.before.calculated_cny, a1.after.calculated_cny) == (Decimal("55086.49"), Decimal("44069.19"))
    assert (found.calculated_before_cny, found.calculated_after_cny) == (Decimal("55086.49"), Decimal("44069.19"))
    assert (a5.before, a5.after and a5.after.outcome) == (None, "duplicate")
    assert [(term.title_zh, term.source) for term in found.terms_new] == [("资助比例", "示例更正通知")]
    assert len(found.terms_gone) == 1
    assert "资助比例" in found.terms_gone[0].title_zh
    assert found.failures_new == found.failures_gone == ()


def test_what_left_the_report_and_what_both_say_alike(sqlite_sessions: Sessions) -> None:
    """The reports are held against each other by application, whatever their order."""
    with sqlite_sessions.begin() as session:
        actors = make_actors(session)
        record_notes(session, actors.bank)
        file_samples(session, actors.bank)
        report = built_on(session, actors, AS_OF)
    assert report_difference(report, report).is_empty
    without = dataclasses.replace(report, lines=report.lines[1:])
    (gone,) = report_difference(report, without).lines
    assert (gone.kind, gone.reference, gone.after) == (DifferenceKind.REMOVED, "A1", None)
    turned = dataclasses.replace(report, lines=report.lines[::-1])
    assert report_difference(report, turned).lines == ()
    failure = Failure(item="A9", field=None, detail="x", zh="参数不可读")
    failed = dataclasses.replace(report, failures=(failure,))
    assert (
        report_difference(report, failed).failures_new == report_difference(failed, report).failures_gone == (failure,)
    )


def test_reports_of_two_quarters_and_a_first_report_have_no_difference(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        actors = make_actors(session)
        record_notes(session, actors.bank)
        file_samples(session, actors.bank)
        first = built_on(session, actors, AS_OF)
        other = service.build_report(
            session, actors.bureau, quarter=Quarter.parse("2025Q2"), as_of=AS_OF, told_at=KNOWN_AT
        )
        with pytest.raises(NotFound, match="no report of 2025Q3 stands before"):
            service.difference_of(session, actors.bureau, first.report_id, since=None)
        earlier = built_on(session, actors, EARLIER)  # built later, known earlier: it is the one before
        found = service.difference_of(session, actors.bureau, first.report_id, since=None)
        assert (found.earlier_report_id, found.is_empty) == (earlier.report_id, True)
        with pytest.raises(NotFound, match="stands before"):
            service.difference_of(session, actors.bureau, earlier.report_id, since=None)
        with pytest.raises(InvalidInput, match="is of 2025Q2") as refused:
            service.difference_of(session, actors.bureau, first.report_id, since=other.report_id)
        assert refused.value.field == "since"
        with pytest.raises(NotFound):
            service.difference_of(session, actors.other_bank, first.report_id, since=None)
        assert service.difference_from_last(session, actors.bureau, earlier) is None


def test_the_difference_over_http_and_on_the_page(sqlite_sessions: Sessions) -> None:
    house = House(sqlite_sessions, filed=True)
    with house.sessions.begin() as session:
        before = built_on(session, house.actors, EARLIER)
        correct_late(session, house.actors)
        after = built_on(session, house.actors, AS_OF)
    client = house.client("bureau")
    said = client.get(f"/v1/subsidies/reports/{after.report_id}/difference").json()
    assert [(line["kind"], line["reference"]) for line in said["lines"]] == [("changed", "A1"), ("added", "A5")]
    assert said["lines"][0]["after"]["calculated_cny"] == "44069.19"
    assert (said["earlier_digest"], said["later_digest"]) == (before.digest, after.digest)
    assert client.get(f"/v1/subsidies/reports/{before.report_id}/difference").status_code == 404
    assert house.client("other").get(f"/v1/subsidies/reports/{after.report_id}/difference").status_code == 404
    text = house.browser("bureau-a").get("/subsidies", headers=PAGE).text
    for words in ("与上一份报表的差异", "示例更正通知", "A5", "仍按当时所知原样可取"):
        assert words in text, words


@pytest.mark.parametrize("json_output", [True, False])
def test_the_difference_by_command(sqlite_sessions: Sessions, json_output: bool) -> None:  # noqa: FBT001
    with sqlite_sessions.begin() as session:
        actors = make_actors(session)
        record_notes(session, actors.bank)
        file_samples(session, actors.bank)
        built_on(session, actors, EARLIER)
        correct_late(session, actors)
        after = built_on(session, actors, AS_OF)
    clock = FixedClock(datetime(2025, 9, 26, 11, tzinfo=UTC))
    terminal = Terminal(sessions=sqlite_sessions, actor=actors.bureau, clock=clock, json_output=json_output)
    said = CliRunner().invoke(commands, ["difference", after.report_id], obj=lambda: terminal, catch_exceptions=False)
    assert said.exit_code == 0, said.output
    if json_output:
        assert [line["kind"] for line in json.loads(said.stdout)["lines"]] == ["changed", "added"]
    else:
        assert "示例更正通知" in said.output
        assert "2 件不同，3 件相同" in said.output


def damaged(session: Session, actors: Actors, report: SubsidyReport) -> None:
    """Keep a report whole as releases before schema 0045 did, and change an amount in it behind the product's back."""
    whole = dataclasses.replace(report, report_id="whole", lines_digest=None)
    session.add(
        SubsidyReportRow(
            id="whole",
            organization_id=actors.bureau.organization_id,
            sequence=9,
            quarter=report.quarter,
            as_of=report.as_of,
            inputs_digest="earlier",
            content=json.loads(canonical_json(whole).replace("55086.49", "99999.99")),
            digest=digest_of(whole),
        )
    )


def test_a_damaged_report_is_shown_as_damaged_and_hides_no_other(sessions: Sessions) -> None:
    with sessions.begin() as session:
        actors = make_actors(session)
        record_notes(session, actors.bank)
        file_samples(session, actors.bank)
        report = built_on(session, actors, AS_OF)
        damaged(session, actors, report)
    with sessions.read() as session:
        heads = service.report_heads(session, actors.bureau)
        assert [(head.report_id, head.is_damaged, head.line_count, head.calculated_cny) for head in heads] == [
            ("whole", True, None, None), (report.report_id, False, 4, Decimal("55086.49")),
        ]  # fmt: skip
        with pytest.raises(Conflict, match="its content"):
            service.load_report(session, actors.bureau, "whole")


def test_pages_show_the_damaged_one_and_stand_on_the_one_that_is_whole(sqlite_sessions: Sessions) -> None:
    house = House(sqlite_sessions, filed=True)
    with house.sessions.begin() as session:
        report = built_on(session, house.actors, AS_OF)
        damaged(session, house.actors, report)
        assert session.execute(sa.select(sa.func.count()).select_from(SubsidyReportRow)).scalar_one() == 2
    client = house.browser("bureau-a")
    for path in ("/subsidies", "/"):
        text = client.get(path, headers=PAGE).text
        assert "已损坏或被改动" in text, path
        assert "55,086.49" in text, path
    assert client.get("/subsidies?report=whole", headers=PAGE).status_code == 409
