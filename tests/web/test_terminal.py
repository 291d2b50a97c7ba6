"""Commands answer as JSON or as text, exactly, and keep progress out of the answer."""

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import cast

import pytest

from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.kernel.dates import SystemClock
from carbonfin.storage.engine import Sessions
from carbonfin.web.terminal import Terminal

ACTOR = Actor(
    id="a", name="甲", role=Role.SYSTEM, organization_id="o", organization_kind=OrganizationKind.BANK, is_sample=True
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    code: str
    amount_cny: Decimal
    due: date | None


LINES = (
    Line(code="P1", amount_cny=Decimal("2000000.00"), due=date(2025, 10, 31)),
    Line(code="P4", amount_cny=Decimal("0.10"), due=None),
)


def _terminal(*, json_output: bool) -> Terminal:
    return Terminal(sessions=cast("Sessions", None), actor=ACTOR, clock=SystemClock(), json_output=json_output)


def test_json_keeps_every_digit_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = _terminal(json_output=True)
    terminal.say("not now")
    with terminal.progress("working", total=2) as steps:
        steps.done("first")
        steps.done()
    terminal.answer(LINES)
    printed = capsys.readouterr()
    assert json.loads(printed.out) == [
        {"code": "P1", "amount_cny": "2000000.00", "due": "2025-10-31"},
        {"code": "P4", "amount_cny": "0.10", "due": None},
    ]
    assert printed.err == ""


def test_a_table_shows_the_chosen_columns_and_dashes(capsys: pytest.CaptureFixture[str]) -> None:
    _terminal(json_output=False).answer(LINES, columns=("code", "due"))
    printed = capsys.readouterr().out
    assert "2025-10-31" in printed
    assert "—" in printed
    assert "2000000" not in printed


def test_one_thing_is_lines_of_names_and_values(capsys: pytest.CaptureFixture[str]) -> None:
    _terminal(json_output=False).answer(LINES[0])
    assert capsys.readouterr().out.splitlines() == ["code: P1", "amount_cny: 2000000.00", "due: 2025-10-31"]
