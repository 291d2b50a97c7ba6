import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import InvalidInput, NotFound
from carbonfin.storage.engine import Sessions
from carbonfin.web.terminal import Terminal
from loans.commands import commands
from loans.feeds.account_files import ENTRY_COLUMNS
from tests.app.worlds import NOW
from tests.loans.samples import E4_USCI
from tests.loans.world import furnished_bank

DATES = ["--drawdown", "2025-07-01", "--maturity", "2026-07-01"]
TERM_SHEET = [
    "term-sheet", E4_USCI, "--principal-cny", "10000000", "--credit-line-cny", "20000000", "--margin-bp", "40",
    "--purpose", "采购原材料", "--guarantee", "信用", *DATES,
]  # fmt: skip


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
