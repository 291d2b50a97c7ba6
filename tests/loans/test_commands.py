import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmodel import select
from typer.testing import CliRunner

from carbonfin.kernel.actors import Role
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import InvalidInput, NotFound
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import actor_of, party_by_code
from carbonfin.storage.parties.rows import UserRow
from carbonfin.web.terminal import Terminal
from loans.commands import commands
from loans.feeds.account_files import ENTRY_COLUMNS
from tests.app.worlds import NOW
from tests.loans.samples import E4_USCI
from tests.loans.scorecard_worlds import PEERS, fill_scorecard
from tests.loans.world import Bank, furnished_bank

DATES = ["--drawdown", "2025-07-01", "--maturity", "2026-07-01"]
TERM_SHEET = [
    "term-sheet", E4_USCI, "--principal-cny", "10000000", "--credit-line-cny", "20000000", "--margin-bp", "40",
    "--purpose", "采购原材料", "--guarantee", "信用", *DATES,
]  # fmt: skip


@pytest.fixture
def filled(sqlite_sessions: Sessions, run: Callable[[list[str]], dict]) -> None:  # noqa: ARG001 - the bank comes first
    with sqlite_sessions.begin() as session:
        officer = session.exec(select(UserRow).where(UserRow.role == Role.OFFICER)).one()
        actor = actor_of(session, officer.id)
        clothing = party_by_code(session, actor, E4_USCI)
        fill_scorecard(session, Bank(officer=actor, checker=actor, clothing=clothing))


@pytest.fixture
def run(sqlite_sessions: Sessions) -> Callable[[list[str]], object]:
    with sqlite_sessions.begin() as session:
        bank = furnished_bank(session)
    terminal = Terminal(sessions=sqlite_sessions, actor=bank.officer, clock=FixedClock(NOW), json_output=True)

    def invoke(arguments: list[str]) -> object:
        result = CliRunner().invoke(commands, arguments, obj=lambda: terminal, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return invoke


def test_rating_rate_and_schedule(run: Callable[[list[str]], dict]) -> None:
    assert run(["rating", E4_USCI])["level"] == 2
    assert run(["rate", E4_USCI, "--margin-bp", "40", "--drawdown", "2025-07-01"])["executed_rate"] == "0.0329"
    rows = run(["schedule", "--principal-cny", "10000000", "--rate", "0.0329", *DATES])
    assert len(rows) == 13
    assert rows[0]["interest_cny"] == "18277.78"


@pytest.mark.usefixtures("filled")
def test_a_benchmark_a_rating_by_the_scorecard_and_its_report(run: Callable[[list[str]], dict], tmp_path: Path) -> None:
    peers = tmp_path / "peers.csv"
    peers.write_text(PEERS)
    frozen = run(
        ["freeze-benchmark", str(peers), "--name", "2024-B", "--released-on", "2025-06-02", "--source", "本行样本"]
    )
    assert (frozen["enterprise_count"], len(frozen["digest"])) == (4, 64)
    rated = run(["scorecard", E4_USCI])
    assert (rated["letter"], rated["points"], rated["benchmark_id"]) == ("B", "73.60", "2024-B")
    assert rated["reasons"][0].startswith("碳强度同业比较")
    moved = run(["rating-stability", "2024"])
    assert (moved["both_count"], moved["mobility_index"], moved["transitions"]) == (0, None, [])
    for name, begin in (("稳定性.pdf", b"%PDF-"), ("稳定性.xlsx", b"PK")):
        run(["rating-stability", "2024", "--out", str(tmp_path / name)])
        assert (tmp_path / name).read_bytes().startswith(begin)
    report = run(["rating-report", E4_USCI, "--out", str(tmp_path / "报告.pdf")])
    assert Path(report["file"]).read_bytes()[:5] == b"%PDF-"


def test_term_sheet_writes_its_files(run: Callable[[list[str]], dict], tmp_path: Path) -> None:
    answer = run([*TERM_SHEET, "--out", str(tmp_path / "out")])
    assert answer["executed_rate"] == "3.29%"
    assert answer["saving_cny"] == "11152.73"
    assert [Path(name).suffix for name in answer["files"]] == [".pdf", ".docx"]
    assert all(Path(name).stat().st_size > 10_000 for name in answer["files"])


def test_wrong_words_are_refused_by_name(run: Callable[[list[str]], dict]) -> None:
    with pytest.raises(InvalidInput) as refused:
        run(["schedule", "--principal-cny", "10,000", "--rate", "0.0329", *DATES])
    assert refused.value.field == "principal_cny"
    with pytest.raises(NotFound):
        run(["rating", "91440300EXAMPLE541"])


def test_an_account_from_consent_and_file_to_its_emissions(run: Callable[[list[str]], dict], tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_text(ENTRY_COLUMNS.example.replace("312000", "3600000").replace("2024,1,0103001", "2024,,0103001"))
    consent = ["consent", E4_USCI, "--given-on", "2025-06-30", "--evidence", "授权书 2025-001"]
    result = run([*consent, "--valid-to", "2026-06-29"])
    assert result == {"party": E4_USCI, "purpose": "rating", "state": "given", "given_on": "2025-06-30"}
    assert run(["import-account", str(path), "--preview"])["stored"] is False
    assert run(["import-account", str(path)])["added_count"] == 3
    (year,) = run(["account", E4_USCI])
    # 3,600 MWh x 0.4403 + 12 万Nm3 x 21.6502 = 1,585.08 + 259.80
    assert (year["year"], year["emissions_t"]) == (2024, "1844.88")
    assert run(["account", E4_USCI, "--known-on", "2025-06-29"]) == []
    assert run([*consent, "--withdrawn"])["state"] == "withdrawn"
