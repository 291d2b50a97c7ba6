"""Files from a bank's books to the bureau's report, on both engines."""

import dataclasses
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import openpyxl
import pytest
import sqlalchemy as sa
from sqlmodel import Session

from carbonfin.kernel.actors import Role
from carbonfin.kernel.dates import CHINA, FixedClock
from carbonfin.kernel.errors import Conflict, InvalidInput, NotApplicable, NotFound, NotPermitted
from carbonfin.rules.parameters import Grade, ParameterValue
from carbonfin.rules.record import canonical_json, digest_of
from carbonfin.storage.decisions import decisions_of, load_outcome, replay_decision, verify_chain
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import actor_of, add_person, standing_of
from carbonfin.storage.rulebook import enter_parameter
from reporting import service
from reporting.calc.quarters import Quarter
from reporting.calc.reports import KeptLine, SubsidyReport
from reporting.calc.subsidies import SUBSIDY_DECISION, Outcome
from reporting.calc.summaries import summarize
from reporting.models import SubsidyReportLineRow, SubsidyReportRow
from reporting.schemas import ReportOut, StatisticsOut
from tests.reporting.samples import AS_OF, KNOWN_AT, application, sample_applications
from tests.reporting.worlds import BANK_NAME, Actors, file_samples, make_actors, note_application, record_notes

QUARTER = Quarter.parse("2025Q3")
CLOCK = FixedClock(datetime(2025, 9, 27, tzinfo=UTC))


def prepared(session: Session) -> Actors:
    actors = make_actors(session)
    record_notes(session, actors.bank)
    file_samples(session, actors.bank)
    return actors


def built(session: Session, actors: Actors) -> SubsidyReport:
    return service.build_report(session, actors.bureau, quarter=QUARTER, as_of=AS_OF, told_at=KNOWN_AT)


def test_the_sample_files_come_out_as_printed(sessions: Sessions) -> None:
    with sessions.begin() as session:
        actors = prepared(session)
        report = built(session, actors)
    outcomes = {line.application.reference: line.decision for line in report.lines}
    assert {name: decision.outcome for name, decision in outcomes.items()} == {
        "A1": Outcome.QUALIFIES,
        "A2": Outcome.UNDECIDED,
        "A3": Outcome.REFUSED,
        "A4": Outcome.DUPLICATE,
    }
    assert outcomes["A1"].calculated_cny == Decimal("55086.49")
    assert outcomes["A1"].vat_cny == Decimal("6610.36")
    assert outcomes["A4"].pairs[0].earlier_reference == "A1"
    assert outcomes["A4"].pairs[0].earlier_item == "P0-3"
    assert report.failures == ()
    with sessions.read() as session:
        assert service.load_report(session, actors.bureau, report.report_id) == report


def test_amounts_in_all_are_missing_where_every_one_of_them_is(sqlite_sessions: Sessions) -> None:
    """A1 is worked out and not proposed, its conditions are unread; A2 is undecided; A3 and A4 get nothing for good."""
    with sqlite_sessions.begin() as session:
        report = built(session, prepared(session))
    lines = {line.application.reference: line for line in report.lines}
    assert (report.calculated_cny, report.proposed_cny, report.unproposed_count) == (Decimal("55086.49"), None, 2)
    answer = ReportOut.of(report)
    assert (answer.calculated_cny, answer.proposed_cny) == ("55086.49", None)
    waiting = dataclasses.replace(report, lines=(lines["A2"],))
    assert (waiting.calculated_cny, waiting.proposed_cny, waiting.unproposed_count) == (None, None, 1)
    refused = dataclasses.replace(
        report, lines=(lines["A3"], lines["A4"]), summary=summarize(lines[one].decision for one in ("A3", "A4"))
    )
    assert (refused.calculated_cny, refused.proposed_cny, refused.unproposed_count) == (Decimal(0), Decimal(0), 0)


def test_a_report_kept_whole_by_an_earlier_release_reads_as_it_did(sqlite_sessions: Sessions) -> None:
    """Before lines were kept by digest, the content held applications and decisions a second time."""
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        report = built(session, actors)
        whole = dataclasses.replace(report, report_id="whole", lines_digest=None)
        lines = [dataclasses.replace(line) for line in report.lines]
        session.add(
            SubsidyReportRow(
                id="whole",
                organization_id=actors.bureau.organization_id,
                sequence=2,
                quarter=report.quarter,
                as_of=report.as_of,
                inputs_digest="earlier",
                content=json.loads(canonical_json(whole)),
                digest=digest_of(whole),
            )
        )
        session.flush()
        session.add_all(
            SubsidyReportLineRow(
                report_id="whole",
                application_id=line.application_id,
                decision_id=line.decision_id,
                outcome=line.decision.outcome,
            )
            for line in lines
        )
    with sqlite_sessions.read() as session:
        found = service.load_report(session, actors.bureau, "whole")
        assert (found, found.digest) == (whole, digest_of(whole))
        assert [head.line_count for head in service.report_heads(session, actors.bureau)] == [4, 4]
        latest = service.latest_report_with(session, actors.bureau, lines[0].application_id)
        assert latest is not None
        assert latest.line_of(lines[0].application_id) == lines[0]
        kept = service.load_report(session, actors.bureau, report.report_id)
        assert kept.digest == report.digest != found.digest


def test_the_digest_of_a_report_covers_what_is_kept_of_each_line(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        report = built(session, prepared(session))
    kept = [
        KeptLine.of(line, application_digest=digest_of(line.application), outputs_digest=digest_of(line.decision))
        for line in report.lines
    ]
    assert report.lines_digest == digest_of(kept)
    kept[0] = dataclasses.replace(kept[0], allocated_cny=Decimal("0.01"))
    assert report.lines_digest != digest_of(kept)


@pytest.mark.parametrize(
    ("place", "text", "other", "told"),
    [
        ("subsidy_report_line.details", '"allocated_cny":null', '"allocated_cny":"0.01"', "its lines"),
        ("subsidy_report.content", "示例环境局", "另一环境局", "its content"),
        ("subsidy_application.facts", "29516.67", "29516.68", "application A1"),
        ("decision.outputs", "55086.49", "55086.50", "decision "),
    ],
)
def test_a_report_whose_store_was_changed_is_not_read_back(
    sqlite_sessions: Sessions, place: str, text: str, other: str, told: str
) -> None:
    """Changed behind the application's back, with the triggers that forbid it taken away."""
    table, column = place.split(".")
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        report = built(session, actors)
    a1 = next(line for line in report.lines if line.application.reference == "A1")
    where = {
        "subsidy_report": ("id", report.report_id), "subsidy_report_line": ("application_id", a1.application_id),
        "subsidy_application": ("id", a1.application_id), "decision": ("id", a1.decision_id),
    }[table]  # fmt: skip
    with sqlite_sessions.begin() as session:
        for (trigger,) in session.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            session.execute(sa.text(f'DROP TRIGGER "{trigger}"'))
        stored = session.execute(
            sa.text(f"SELECT {column} FROM {table} WHERE {where[0]} = :key"), {"key": where[1]}  # noqa: S608
        ).scalar_one()  # fmt: skip
        changed = stored.replace(text, other).replace(text.replace(":", ": "), other)
        assert changed != stored
        session.execute(
            sa.text(f"UPDATE {table} SET {column} = :changed WHERE {where[0]} = :key"),  # noqa: S608
            {"changed": changed, "key": where[1]},
        )
    with sqlite_sessions.read() as session, pytest.raises(Conflict, match=told) as refused:
        service.load_report(session, actors.bureau, report.report_id)
    assert (refused.value.field, "摘要不符" in refused.value.zh) == ("report_id", True)


def test_an_application_that_fails_is_named_in_statistics_preview_and_review(sqlite_sessions: Sessions) -> None:
    """The base of the city programme's grant is none: A2 fails, and is in no sum but named."""
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        second = add_person(
            session, organization_id=actors.bureau.organization_id, login="bureau-b", name="bureau-b(示例)",
            role=Role.BUREAU, password_hash="no password",
        )  # fmt: skip
        wrong = ParameterValue(
            key="reporting.subsidy.basis", scope="shenhuangui-2024-7", value="turnover", unit="code",
            valid_from=date(2024, 1, 1), valid_to=None, known_from=date(2025, 9, 13), document="示例", article="",
            grade=Grade.SAMPLE, confirmed=True, approved_by=(), note="", title_zh="基数", title_en="base",
        )  # fmt: skip
        enter_parameter(session, actors.bureau, actor_of(session, second.id), wrong, reason="录入", at=KNOWN_AT)
        standing = standing_of(session, actors.bureau.organization_id, CLOCK)
        view = service.statistics_view(
            session, actors.bureau, first=QUARTER, last=QUARTER, as_of=AS_OF, standing=standing
        )
        earlier = Quarter.parse("2025Q2")
        before = service.statistics_view(
            session, actors.bureau, first=earlier, last=earlier, as_of=AS_OF, standing=standing
        )
        report = built(session, actors)
        a2 = next(one for one in service.applications_of(session, actors.bureau) if one.application.reference == "A2")
        with pytest.raises(NotApplicable, match="turnover"):
            service.preview_line(session, actors.bureau, a2.application_id, as_of=AS_OF)
        review = service.performance_workbook(session, actors.bureau, report)
    name = f"A2（{BANK_NAME}）"
    assert [failure.item for failure in report.failures] == [name]
    assert [failure.item for failure in view.failures] == [name]
    assert before.failures == ()
    assert sum(cell.filed_count for cell in view.found.subsidies) == 3
    assert [one.item for one in StatisticsOut.of(view).failures] == [name]
    sheet = openpyxl.load_workbook(io.BytesIO(service.statistics_workbook(view, ())))["未能处理的申请"]
    assert name in {cell.value for row in sheet.iter_rows() for cell in row}
    notes = [
        str(cell.value) for row in openpyxl.load_workbook(io.BytesIO(review))["绩效评价"].iter_rows() for cell in row
    ]
    assert any(name in text for text in notes)


def test_facts_come_from_the_books_to_the_fen(sessions: Sessions) -> None:
    with sessions.begin() as session:
        filed = [item.application for item in file_samples_of(session)]
    a1, expected = filed[0], sample_applications()[0]
    assert a1.vouchers == expected.vouchers
    assert a1.loan_note == expected.loan_note
    assert (a1.applicant_usci, a1.key_emitter, a1.district) == (expected.applicant_usci, True, "南山")


def file_samples_of(session: Session) -> tuple:
    actors = make_actors(session)
    record_notes(session, actors.bank)
    return file_samples(session, actors.bank)


def test_a_second_build_changes_nothing(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        first = built(session, actors)
        file_samples(session, actors.bank)
    with sqlite_sessions.begin() as session:
        assert built(session, actors) == first
        assert len(decisions_of(session, actors.bureau)) == 4
        assert len(service.report_heads(session, actors.bureau)) == 1


def test_decisions_replay_to_the_bit_and_the_chain_holds(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        report = built(session, actors)
    with sqlite_sessions.read() as session:
        for line in report.lines:
            assert replay_decision(session, service.DECISION_KINDS, line.decision_id).same
            assert load_outcome(session, actors.bureau, SUBSIDY_DECISION, line.decision_id) == line.decision
        assert verify_chain(session, actors.bureau.organization_id).intact


def test_a_bank_sees_its_own_and_the_bureau_all(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        own = application("B1", loan_note=dataclasses.replace(application().loan_note, bank_name="另一示例银行"))
        filed = service.file_application(session, actors.other_bank, own, known_at=KNOWN_AT)
    with sqlite_sessions.begin() as session:
        seen = {
            name: [item.application.reference for item in service.applications_of(session, actor)]
            for name, actor in (("bank", actors.bank), ("other", actors.other_bank), ("bureau", actors.bureau))
        }
        assert seen == {"bank": ["A1", "A2", "A3", "A4"], "other": ["B1"], "bureau": ["A1", "B1", "A2", "A3", "A4"]}
        with pytest.raises(NotFound):
            service.load_application(session, actors.bank, filed.application_id)
        report = built(session, actors)
        with pytest.raises(NotFound):
            service.load_report(session, actors.bank, report.report_id)
        # The same announcement behind another bank's note: only the bureau can see that.
        assert report.line_of(filed.application_id).decision.outcome is Outcome.DUPLICATE


def test_a_real_bureau_does_not_see_sample_files(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        real = dataclasses.replace(actors.bureau, is_sample=False)
        assert service.applications_of(session, real) == ()


def test_the_bureau_files_nothing(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        actors = make_actors(session)
        with pytest.raises(NotPermitted):
            service.file_application(session, actors.bureau, application(), known_at=KNOWN_AT)


def test_a_reference_stands_for_one_file(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        with pytest.raises(Conflict):
            service.file_note_application(
                session, actors.bank, note_application("A1", voucher_numbers=(1,)), known_at=KNOWN_AT
            )


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scheme": "nowhere"}, NotFound),
        ({"note_code": "P9"}, NotFound),
        ({"voucher_numbers": (9,)}, NotFound),
    ],
)
def test_bad_files_are_refused_by_name(sqlite_sessions: Sessions, changes: dict, error: type) -> None:
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        with pytest.raises(error):
            service.file_note_application(session, actors.bank, note_application("X", **changes), known_at=KNOWN_AT)


def test_a_wrong_usci_is_refused(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        actors = make_actors(session)
        with pytest.raises(InvalidInput, match="check character"):
            service.file_application(
                session, actors.bank, application(applicant_usci="91440300EXAMPLE2XX"), known_at=KNOWN_AT
            )


def test_a_report_does_not_look_ahead(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        early = service.build_report(session, actors.bureau, quarter=QUARTER, as_of=date(2025, 9, 18), told_at=KNOWN_AT)
        assert [line.application.reference for line in early.lines] == ["A1", "A2", "A3"]
        assert service.report_day(session, actors.bureau, CLOCK, asked=None) == AS_OF
        with pytest.raises(InvalidInput, match="business date"):
            service.report_day(session, actors.bureau, CLOCK, asked=date(2025, 9, 27))
        other = service.build_report(
            session, actors.bureau, quarter=Quarter.parse("2025Q2"), as_of=AS_OF, told_at=KNOWN_AT
        )
        assert other.lines == ()


def test_terms_not_known_on_the_day_do_not_help(sqlite_sessions: Sessions) -> None:
    """The notice of 2025-09-12 was not known on 2025-09-10: an early file is refused, never favoured."""
    with sqlite_sessions.begin() as session:
        actors = make_actors(session)
        early = application("E", submitted_at=datetime(2025, 9, 10, 10, tzinfo=CHINA))
        service.file_application(session, actors.bank, early, known_at=KNOWN_AT)
        report = service.build_report(
            session, actors.bureau, quarter=QUARTER, as_of=date(2025, 9, 10), told_at=KNOWN_AT
        )
        assert report.lines[0].decision.outcome is Outcome.REFUSED
        assert report.lines[0].decision.calculated_cny is None


def test_a_preview_keeps_nothing(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        filed = service.applications_of(session, actors.bank)[0]
        line = service.preview_line(session, actors.bank, filed.application_id, as_of=AS_OF)
        assert line.decision.calculated_cny == Decimal("55086.49")
        assert decisions_of(session, actors.bank) == ()


def test_json_twin_holds_the_digest_of_the_report(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        report = built(session, prepared(session))
    twin = json.loads(service.report_json(report))
    assert twin["digest"] == report.digest
    assert twin["report"]["lines"][0]["decision"]["calculated_cny"] == "55086.49"


@pytest.mark.parametrize("text", ["2025Q5", "2025-Q3", "25Q3", ""])
def test_quarters_are_read_strictly(text: str) -> None:
    with pytest.raises(InvalidInput):
        Quarter.parse(text)


def test_quarters_follow_on_each_other() -> None:
    quarters = [Quarter(year=2025, number=number) for number in (1, 2, 3, 4)]
    assert [quarter.end for quarter in quarters] == [
        *(quarter.start for quarter in quarters[1:]),
        date(2026, 1, 1),
    ]
