"""Custody accounts and holdings with serial numbers on the command line."""

import json
from pathlib import Path
from typing import Any

import pytest

from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import load_party
from tests.collateral.desk import Desk
from tests.collateral.test_edges import command_line, run

__all__ = ["command_line"]


def test_custody_and_holdings_by_commands(
    command_line: Desk, sqlite_sessions: Sessions, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def said(*arguments: str, code: int = 0) -> Any:
        assert run("--json", "collateral", *arguments) == code
        return json.loads(capsys.readouterr().out)

    with sqlite_sessions.read() as session:
        party = load_party(session, command_line.maker, command_line.parties["E3"]).code
    bound = said(
        "bind-custody", party, "6222-0001", "--custodian", "示例银行", "--exchange", "SZEX", "--start", "2025-06-01"
    )
    assert bound["bound_to"] is None
    files = {}
    for side, amount in (("bank", "10.00"), ("exchange", "10.01"), ("wrong", "10.001")):
        files[side] = tmp_path / f"{side}.csv"
        files[side].write_text(f"日期,账号,品种,余额\n2025-06-30,6222-0001,CNY,{amount}\n", encoding="utf-8")
    assert said("import-custody", "bank", str(files["bank"]))["written_count"] == 1
    assert said("import-custody", "exchange", str(files["exchange"]))["stored"]
    assert not said("import-custody", "exchange", str(files["wrong"]), code=1)["stored"]
    (found,) = said("custody")
    assert (found["bank_amount"], found["exchange_amount"], found["since"]) == ("10.00", "10.01", "2025-06-30")
    assert [one["kind"] for one in said("custody", "--day", "2025-06-29")] == [
        "no_bank_statement", "no_exchange_statement",
    ]  # fmt: skip
    held = said("state-holding", party, "EUA-2024=50", "--source", "对账单", "--serial", "EU/DE:1-50")
    assert [one["serials"] for one in held if one["unit"] == "EUA-2024"] == [
        [{"registry": "EU", "kind": "DE", "first": 1, "last": 50, "quantity_t": 50}]
    ]
    assert said("holdings", party) == held
    assert run("collateral", "state-holding", party, "EUA-2024=49", "--source", "对账单", "--serial", "EU/DE:1-50") == 2
    assert run("collateral", "state-holding", party, "EUA", "--source", "对账单") == 2
