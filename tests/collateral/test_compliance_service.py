"""Compliance positions at rest and at the door: revisions, files, headroom that rests on them, pages, API, commands."""

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import Session

from carbonfin.app.cli import main
from carbonfin.app.factory import create_app
from carbonfin.kernel.actors import Role
from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.errors import NotFound
from carbonfin.storage.decisions import DecisionRecord, decisions_of, replay_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import add_person, issue_key
from carbonfin.storage.rulebook import builtin_book
from collateral import jobs, service
from collateral.calc.compliance_records import (
    AllocationPart,
    AllocationStanding,
    AllocationState,
    EmissionsState,
    statement_of,
)
from collateral.feeds.compliance_files import COMPLIANCE_COLUMNS, read_compliance_file
from tests.app.worlds import PAGE, PASSWORD, PASSWORD_HASH, SECRET, SETTINGS, form_token
from tests.collateral.desk import CLOCK, Desk, build_desk
from tests.collateral.world import TODAY

E1 = "91440300EXAMPLE11K"
ISSUED = AllocationPart(
    state=AllocationState.PRE_ALLOCATED, standing=AllocationStanding.ISSUED, quantity_t=560_000, source="预分配通知"
)
TO_COME = replace(
    ISSUED, state=AllocationState.VERIFIED, standing=AllocationStanding.TO_COME, quantity_t=245_560, source="核定通知"
)
RECALLABLE = replace(
    ISSUED, state=AllocationState.ADJUSTED, standing=AllocationStanding.RECALLABLE, quantity_t=10_000, source="调整通知"
)


def statement(
    desk: Desk,
    *parts: AllocationPart,
    emissions_t: int = 796_726,
    year: int = 2024,
    surrendered_t: int | None = None,
    scheme: Scheme = Scheme.CEA,
) -> service.CompliancePosition:
    return statement_of(
        party_id=desk.parties["E1"], scheme=scheme, compliance_year=year, emissions_t=emissions_t,
        emissions_state=EmissionsState.VERIFIED, emissions_source="核查报告", surrendered_t=surrendered_t,
        as_of=date(2025, 6, 1), parts=parts, unconfirmed="", known_from=TODAY,
    )  # fmt: skip


def test_a_statement_is_kept_with_its_parts_and_a_correction_is_a_revision(sessions: Sessions) -> None:
    with sessions.begin() as session:
        desk = build_desk(session)
        told = statement(desk, ISSUED, TO_COME)
        assert service.record_compliance_position(session, desk.maker, told, standing=desk.standing)
        assert not service.record_compliance_position(session, desk.maker, told, standing=desk.standing)
        corrected = statement(desk, ISSUED, TO_COME, RECALLABLE)
        assert service.record_compliance_position(session, desk.maker, corrected, standing=desk.standing)
    with sessions.read() as session:
        revisions = service.compliance_revisions_of(session, desk.maker, desk.parties["E1"], standing=desk.standing)
        assert [one.revision for one in revisions] == [2, 1, 0]
        assert revisions[0].position == corrected
        assert revisions[1].position == told
        (position,) = service.positions_of(session, desk.maker, desk.parties["E1"], standing=desk.standing)
        (year,) = position.outcome.years
        # 620,000 + 221,004 - 10,000 - 796,726
        assert (year.recallable_t, year.balance_t, year.surplus_t) == (10_000, 34_278, 34_278)
        with pytest.raises(NotFound):
            service.positions_of(session, desk.stranger, desk.parties["E1"], standing=desk.standing)


def test_headroom_rests_on_the_position(desk_sessions: Sessions, desk: Desk) -> None:
    """36,310 less 10,000 that may be recalled, and 50,000 already surrendered are no longer owed."""
    with desk_sessions.begin() as session:
        given = statement(desk, ISSUED, TO_COME, RECALLABLE, surrendered_t=50_000)
        service.record_compliance_position(session, desk.maker, given, standing=desk.standing)
        (headroom,) = service.headroom_of(session, desk.maker, desk.parties["E1"], standing=desk.standing)
        assert headroom.headroom_t == 36_310 - 10_000 + 50_000
        (owed,) = service.obligations_of(session, desk.maker, desk.parties["E1"], standing=desk.standing)
        assert (owed.scheme, owed.year, owed.quantity_t) == (Scheme.CEA, 2024, 746_726)
        assert owed.surrender_date == date(2025, 12, 31)


def kept_positions(session: Session, desk: Desk, code: str) -> tuple[DecisionRecord, ...]:
    subject = f"party:{desk.parties[code]}"
    return tuple(decisions_of(session, desk.maker, subject=subject, kind="collateral.compliance_position"))


def test_the_end_of_day_names_an_emitter_without_a_deadline_and_strikes_the_others(
    desk_sessions: Sessions, desk: Desk
) -> None:
    with desk_sessions.begin() as session:
        ahead = statement(desk, year=2027)
        service.record_compliance_position(session, desk.maker, ahead, standing=desk.standing)
        outcome = jobs.strike_headroom(session, desk.maker, TODAY)
        assert outcome.done_count == 3
        (failure,) = outcome.failures
        assert "CEA-2027" in failure.detail
        assert "示例燃气发电" in failure.item
        assert kept_positions(session, desk, "E1") == ()
        (kept,) = kept_positions(session, desk, "E2")
        assert replay_decision(session, service.DECISION_KINDS, kept.id).same
        again = jobs.strike_headroom(session, desk.maker, TODAY)
        assert again.done_count == 0


def test_a_regime_is_taken_by_the_day_of_the_deadline() -> None:
    """From 2026-08-15 on the Code is in force, whose formula nobody has read: no multiple stands in for it."""
    book = builtin_book("collateral")
    found = [
        book.on("collateral.penalty_regime", scope="CEA", valid_on=day, known_at=datetime(2026, 11, 29, tzinfo=UTC))
        for day in (date(2025, 12, 31), date(2026, 12, 31))
    ]
    assert [one.value for one in found] == ["multiple_of_mean", "not_known"]
    assert not found[1].confirmed


GOOD = (
    "统一社会信用代码,市场,履约年度,排放量（吨）,排放状态,排放依据,已清缴(吨),截至日,预分配已发放(吨),核定待发放(吨),调整可能收回(吨),分配依据\n"
    f"{E1},CEA,2024,796726,核查,核查报告,0,2025-06-01,560000,245560,10000,分配方案\n"
)


def test_the_example_and_a_workbook_are_read() -> None:
    example = read_compliance_file(COMPLIANCE_COLUMNS.example.encode(), file_name="例.csv", known_from=TODAY)
    (row,) = example.rows
    assert (row.statement.issued_t, row.statement.true_up_expected_t) == (560_000, 245_560)
    brought = io.BytesIO()
    with xlsxwriter.Workbook(brought, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet("履约")
        sheet.write_row(0, 0, ["统一社会信用代码", "市场", "履约年度", "排放量（吨）", "排放依据", "截至日"])
        sheet.write_row(1, 0, [E1, "CEA", 2024, 796726, "核查报告"])
        sheet.write_datetime(1, 5, datetime(2025, 6, 1))  # noqa: DTZ001 - a workbook's days have no zone
    (same,) = read_compliance_file(brought.getvalue(), file_name="履约.xlsx", known_from=TODAY).rows
    assert (same.statement.emissions_t, same.statement.as_of) == (796_726, date(2025, 6, 1))
    late = read_compliance_file(brought.getvalue(), file_name="履约.xlsx", known_from=date(2025, 5, 31))
    assert [one.field for one in late.failures] == ["as_of"]


@pytest.mark.parametrize(
    ("found", "given", "field"),
    [
        ("796726", "-5", "emissions_t"),
        ("796726", "7.5", "emissions_t"),
        (",CEA,", ",CCER,", "scheme"),
        ("2024,", "1999,", "compliance_year"),
        (",核查,", ",估计,", "emissions_state"),
        ("2025-06-01", "2025-07-01", "as_of"),
        ("核查报告", "", "emissions_source"),
        (",分配方案", ",", "allocation_source"),
    ],
)
def test_a_faulty_row_is_named_by_line_and_column(found: str, given: str, field: str) -> None:
    file = read_compliance_file(GOOD.replace(found, given, 1).encode(), file_name="a.csv", known_from=TODAY)
    (failure,) = file.failures
    assert (failure.item, failure.field) == ("line 2", field)
    assert failure.remedy_zh


def test_a_doubled_year_and_an_unknown_party_store_nothing(desk_sessions: Sessions, desk: Desk) -> None:
    twice = GOOD + GOOD.splitlines()[1] + "\n"
    with desk_sessions.begin() as session:

        def brought(text: str, *, preview: bool = False) -> service.ComplianceImport:
            return service.import_compliance_file(
                session, desk.maker, content=text.encode(), file_name="a.csv", standing=desk.standing, preview=preview
            )

        assert [one.item for one in brought(twice).failures] == ["line 3"]
        stranger = brought(GOOD.replace(E1, "91440300EXAMPLE466"))
        assert [one.field for one in stranger.failures] == ["party_code"]
        assert not brought(GOOD, preview=True).stored
        assert (brought(GOOD).added_count, brought(GOOD).unchanged_count) == (1, 1)


@pytest.fixture
def app(desk_sessions: Sessions, desk: Desk) -> Litestar:
    with desk_sessions.begin() as session:
        service.record_compliance_position(
            session, desk.maker, statement(desk, ISSUED, TO_COME, RECALLABLE), standing=desk.standing
        )
        jobs.strike_headroom(session, desk.maker, TODAY)
        add_person(
            session, organization_id=desk.maker.organization_id, login="officer", name="officer", role=Role.OFFICER,
            password_hash=PASSWORD_HASH,
        )  # fmt: skip
    return create_app(SETTINGS, desk_sessions, CLOCK)


@pytest.fixture
def system(app: Litestar, desk_sessions: Sessions, desk: Desk) -> TestClient[Litestar]:
    with desk_sessions.begin() as session:
        key = issue_key(
            session, organization_id=desk.maker.organization_id, name="core", role=Role.SYSTEM, scopes=("collateral",),
            expires_at=CLOCK.now().replace(year=2030), pepper=SECRET,
        )  # fmt: skip
    client = TestClient(app, raise_server_exceptions=False)
    client.headers.update({"Authorization": f"Bearer {key.text}"})
    return client


@pytest.fixture
def officer(app: Litestar) -> Iterator[TestClient[Litestar]]:
    with TestClient(app, raise_server_exceptions=False) as client:
        token = form_token(client.get("/sign-in", headers=PAGE).text)
        form = {"login": "officer", "password": PASSWORD, "next": "/", "_csrf_token": token}
        assert client.post("/sign-in", data=form, headers=PAGE, follow_redirects=False).status_code == 303
        yield client


def test_systems_write_and_read_positions(system: TestClient[Litestar], desk: Desk) -> None:
    address = f"/v1/parties/{desk.parties['E2']}/compliance"
    body = {
        "scheme": "SZA", "compliance_year": 2024, "emissions_t": 400_000, "emissions_source": "核查报告",
        "allocation": [{"state": "adjusted", "standing": "recallable", "quantity_t": 5_000, "source": "调整通知"}],
    }  # fmt: skip
    assert system.post(address, json=body, headers={"Idempotency-Key": "1"}).json()["written"] is True
    assert system.post(address, json=body, headers={"Idempotency-Key": "2"}).json()["written"] is False
    found = system.get(address).json()
    (year,) = found["positions"][0]["years"]
    # 368,000 - 5,000 - 400,000; three times the sample mean, which nobody has confirmed
    assert (year["balance_t"], year["shortfall_t"]) == (-37_000, 37_000)
    assert [one["revision"] for one in found["statements"]] == [1, 0]
    names = {figure["name"] for figure in found["positions"][0]["trace"]}
    assert {"balance_2024", "shortfall_2024", "offset_limit_2024", "penalty_regime_2024"} <= names
    wrong = system.post(address, json={**body, "scheme": "CCER"}, headers={"Idempotency-Key": "3"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "scheme")
    assert "清缴义务" in wrong.json()["detail_zh"]


def test_pricing_takes_its_obligations_from_the_position(app: Litestar, desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        key = issue_key(
            session, organization_id=desk.maker.organization_id, name="all", role=Role.SYSTEM, scopes=("*",),
            expires_at=CLOCK.now().replace(year=2030), pepper=SECRET,
        )  # fmt: skip
    client = TestClient(app, raise_server_exceptions=False)
    client.headers.update({"Authorization": f"Bearer {key.text}"})
    body = {
        "valuation_date": "2025-06-30", "holdings": [{"unit": "CEA-2024", "quantity_t": 700_000}], "party": E1,
    }  # fmt: skip
    answer = client.post("/v1/compliance-values", json=body)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert [(one["scheme"], one["year"], one["quantity_t"]) for one in found["shortfalls"]] == [("CEA", 2024, 96_726)]
    both = {**body, "obligations": [{"scheme": "CEA", "year": 2024, "quantity_t": 1}]}
    assert client.post("/v1/compliance-values", json=both).status_code == 422
    assert client.post("/v1/compliance-values", json={**body, "party": "91440300EXAMPLE466"}).status_code == 404


def test_files_come_through_the_door_whole_or_not_at_all(system: TestClient[Litestar]) -> None:
    def sent(text: str, key: str, **more: object) -> tuple[int, Any]:
        body = {"file_name": "履约.csv", "content_base64": base64.b64encode(text.encode()).decode(), **more}
        answer = system.post("/v1/compliance-positions/files", json=body, headers={"Idempotency-Key": key})
        return answer.status_code, answer.json()

    status, told = sent(GOOD.replace("796726", "x"), "1")
    assert (status, told["errors"][0]["pointer"]) == (422, "/content_base64")
    status, told = sent(GOOD.replace("796726", "x"), "2", preview=True)
    assert (status, told["stored"]) == (201, False)
    status, told = sent(GOOD, "3")
    assert (status, told["added_count"]) == (201, 1)


def test_people_see_the_position_with_its_trace_and_bring_files(officer: TestClient[Litestar], desk: Desk) -> None:
    listed = officer.get("/compliance", headers=PAGE).text
    assert all(part in listed for part in ("示例燃气发电", "CEA 2024", "34,278", "足额", "SZA 2024"))
    text = officer.get(f"/compliance/{desk.parties['E1']}", headers=PAGE).text
    assert all(part in text for part in ("34,278", "可能收回", "10,000", "核定·待发放", "floor(to come × ratio)"))
    for name in ("balance_2024", "usable_2024", "outstanding_2024", "surplus_2024"):
        assert f'href="#CEA-{name}"' in text
        assert f'id="CEA-{name}"' in text
    english = officer.get(f"/compliance/{desk.parties['E1']}?lang=en", headers=PAGE).text
    assert "Subject to recall" in english
    token = form_token(officer.get("/compliance/upload?lang=zh", headers=PAGE).text)

    def sent(content: str, action: str) -> str:
        return officer.post(
            "/compliance/upload", headers=PAGE, data={"_csrf_token": token, "action": action},
            files={"file": ("履约.csv", io.BytesIO(content.encode()), "text/csv")},
        ).text  # fmt: skip

    assert "尚未存入" in sent(GOOD, "preview")
    assert "第 2 行" in sent(GOOD.replace("796726", "x"), "store")
    assert "已存入 1 行" in sent(GOOD, "store")


def test_a_scheme_without_a_deadline_hides_no_other(
    officer: TestClient[Litestar], desk: Desk, desk_sessions: Sessions
) -> None:
    with desk_sessions.begin() as session:
        for one in (statement(desk, year=2027), statement(desk, emissions_t=777, scheme=Scheme.SZA)):
            service.record_compliance_position(session, desk.maker, one, standing=desk.standing)
    listed = officer.get("/compliance", headers=PAGE).text
    text = officer.get(f"/compliance/{desk.parties['E1']}", headers=PAGE).text
    # In Shenzhen 777 t are owed and nothing is held.
    assert all(words in listed for words in ("surrender_date[CEA-2027]", "777"))
    assert all(words in text for words in ("surrender_date[CEA-2027]", "SZA 履约头寸", 'id="SZA-shortfall_2024"'))
    assert "CEA 履约头寸" not in text


def test_commands_show_and_bring_positions(
    sqlite_sessions: Sessions, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    with sqlite_sessions.begin() as session:
        build_desk(session)
    monkeypatch.setenv("CARBONFIN_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("CARBONFIN_SECRET", SECRET.decode())
    monkeypatch.setenv("CARBONFIN_VAR", str(tmp_path))
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(GOOD, encoding="utf-8")
    bad.write_text(GOOD.replace("796726", "x"), encoding="gb18030")

    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main(["--as", "maker", *arguments])
        return ended.value.code if isinstance(ended.value.code, int) else 0

    assert run("collateral", "import-compliance", str(bad)) == 1
    assert run("collateral", "import-compliance", str(good)) == 0
    capsys.readouterr()
    assert run("--json", "collateral", "compliance", E1) == 0
    (position,) = json.loads(capsys.readouterr().out)
    assert position["years"][0]["surplus_t"] == 34_278
    assert run("collateral", "compliance", E1) == 0
    assert "34278" in capsys.readouterr().out
