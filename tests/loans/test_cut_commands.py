"""The register of claimed cuts from the command line: listed, claimed and released under four eyes."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from carbonfin.kernel.dates import FixedClock, end_of_china_day
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound
from carbonfin.storage import approvals
from carbonfin.storage.engine import Sessions
from carbonfin.storage.files import store_file
from carbonfin.web.terminal import Terminal
from loans.commands import commands
from tests.app.worlds import NOW
from tests.loans.facility_samples import approved
from tests.loans.link_worlds import REPORT_FILE, LinkWorld
from tests.loans.samples import E4_USCI
from tests.loans.test_cut_releases import BODY, LATER
from tests.loans.world import KNOWN_AT, furnished_bank


def test_a_claim_is_listed_and_released(sqlite_sessions: Sessions, tmp_path: Path) -> None:
    """Of 1000 t a credit of 750 is claimed: 250 are left; released the day after, 1000 are, and the day before stands."""
    with sqlite_sessions.begin() as session:
        bank = furnished_bank(session)
        store_file(session, bank.officer, REPORT_FILE, at=KNOWN_AT)

    def run(*arguments: str, at: Any = NOW, as_json: bool = True) -> Any:
        terminal = Terminal(
            sessions=sqlite_sessions, actor=bank.officer, clock=FixedClock(at), json_output=as_json
        )  # fmt: skip
        result = CliRunner().invoke(commands, list(arguments), obj=lambda: terminal, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout) if as_json else result.output

    def written(body: dict[str, Any]) -> str:
        path = tmp_path / "given.json"
        path.write_text(json.dumps(body), encoding="utf-8")
        return str(path)

    assert run("cut-claims") == []
    proposed = run("propose-cut-claim", written(BODY))
    assert run("cut-claims") == [], "a proposal claims nothing"
    with sqlite_sessions.begin() as session:
        waiting = approvals.load_approval(session, bank.checker, proposed["approval_id"])
        approved(session, bank.checker, waiting, at=KNOWN_AT)
    (claim,) = run("cut-claims", "--usci", E4_USCI, "--year", "2025")
    assert (claim["claimed_t"], claim["left_now_t"], claim["released_on"]) == ("750.00", "250.00", "")
    assert run("cut-claims", "--year", "2024") == []
    with pytest.raises(Conflict, match="CCER-10"):
        run("propose-cut-claim", written(BODY | {"claimant": "CCER-10", "sold_t": "250.01"}))
    with pytest.raises(NotFound):
        run("propose-cut-release", "nothing", written({"reason": "已注销"}))
    released = run("propose-cut-release", claim["decision_id"], written({"reason": "减排量已注销"}))
    with sqlite_sessions.begin() as session:
        LinkWorld(session=session, bank=bank).roll(LATER)
        waiting = approvals.load_approval(session, bank.checker, released["approval_id"])
        approved(session, bank.checker, waiting, at=end_of_china_day(LATER))
    later = end_of_china_day(LATER)
    (now,) = run("cut-claims", at=later)
    assert (now["left_now_t"], now["released_on"]) == ("1000.00", "2025-07-01")
    (before,) = run("cut-claims", "--known-on", "2025-06-30", at=later)
    assert (before["left_now_t"], before["released_on"]) == ("250.00", "")
    with pytest.raises(InvalidInput) as refused:
        run("cut-claims", "--known-on", "2025-02-30")
    assert refused.value.field == "known_on"
    shown = run("cut-claims", at=later, as_json=False)
    assert "不得相加" in shown or "never add" in shown
