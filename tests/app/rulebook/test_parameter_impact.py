"""What a parameter's new value would do to rates that stand; score 71.6, base 60, worked out by hand."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from carbonfin.app.rulebook.parameter_impact import DecisionMove, FigureMove, ParameterImpact, parameter_impact
from carbonfin.rules.parameters import ParameterValue
from carbonfin.storage.decisions import decisions_of
from carbonfin.storage.engine import Sessions
from carbonfin.web.language import Text
from loans import service
from tests.loans.samples import bank_parameter
from tests.loans.world import BUSINESS_DATE, KNOWN_AT, Bank, furnished_bank, open_bank

CAP = bank_parameter("cap_bp", "5", "bp")


@pytest.fixture
def bank(sessions: Sessions) -> Bank:
    with sessions.begin() as session:
        made = furnished_bank(session)
        service.decide_rate(
            session, made.officer, made.clothing.id, margin_bp=40, lpr_tenor="1Y", applies_from=date(2025, 7, 1),
            decided_on=BUSINESS_DATE, known_at=KNOWN_AT,
        )  # fmt: skip
    return made


def moved(sessions: Sessions, bank: Bank, draft: ParameterValue) -> tuple[int, dict[str, tuple[str, str]]]:
    with sessions.read() as session:
        before = decisions_of(session, bank.officer)
        impact = parameter_impact(session, bank.officer, draft)
        assert decisions_of(session, bank.officer) == before, "nothing is written"
    rates = [move for move in impact.moves if move.kind.en == "Emission-cut loan rate"]
    figures = {one.name: (one.before, one.after) for move in rates for one in move.figures}
    assert all(move.subject == bank.clothing.code for move in rates)
    return impact.decisions_count, figures


def test_a_lower_cap_moves_the_rate_by_what_it_cuts(sessions: Sessions, bank: Bank) -> None:
    """By points 11 bp: 3.00 % + 40 bp - 11 bp = 3.29 %; capped at 5 bp: 3.35 %, six more."""
    count, figures = moved(sessions, bank, CAP)
    assert count >= 1
    before, after = figures["executed_rate"]
    assert (Decimal(before), Decimal(after)) == (Decimal("0.0329"), Decimal("0.0335"))
    with sessions.read() as session:
        totals = parameter_impact(session, bank.officer, CAP).totals
    assert not {one.unit for one in totals} & {"rate", "ratio", "bp"}, "rates do not add up"


def test_a_value_that_binds_nothing_moves_nobody(sessions: Sessions, bank: Bank) -> None:
    count, figures = moved(sessions, bank, replace(CAP, value="50"))
    assert count >= 1
    assert "executed_rate" not in figures


def test_another_scope_another_key_and_another_bank_are_not_looked_at(sessions: Sessions, bank: Bank) -> None:
    assert moved(sessions, bank, replace(CAP, scope="else"))[0] == 0
    assert moved(sessions, bank, replace(CAP, key="loans.no_such"))[0] == 0
    with sessions.begin() as session:
        other = open_bank(session, name="另一家银行")
    with sessions.read() as session:
        assert parameter_impact(session, other.officer, CAP).decisions_count == 0


def test_what_cannot_be_made_again_says_why(sessions: Sessions, bank: Bank) -> None:
    with sessions.read() as session:
        impact = parameter_impact(session, bank.officer, replace(CAP, value="five"))
    assert any(move.failure is not None and "five" in move.failure.en for move in impact.moves)


def _figure(name: str, before: str, after: str) -> FigureMove:
    return FigureMove(name=name, label=Text(name, name), unit="CNY", before=before, after=after)


def test_a_decision_shows_its_own_figures_first_and_adds_up_those_alone() -> None:
    total, first, second = (
        _figure(*one)
        for one in (("interest_total_cny", "7", "9"), ("interest_cny.1", "3", "4"), ("interest_cny.2", "4", "5"))
    )
    move = DecisionMove(
        decision_id="d", kind=Text("甲", "A"), subject="s", figures=(first, second, total), failure=None
    )
    assert (move.chief, move.parts) == ((total,), (first, second))
    assert [(one.label.en, one.total) for one in ParameterImpact(decisions_count=1, moves=(move,)).totals] == [
        ("interest_total_cny", 2)
    ]
    bare = replace(move, figures=(first, second))
    assert (bare.chief, bare.parts) == ((first, second), ())


@pytest.mark.parametrize(
    ("before", "after", "difference"), [("3", "4.5", Decimal("1.5")), ("", "4", None), ("points", "capped", None)]
)
def test_a_difference_is_of_numbers_alone(before: str, after: str, difference: Decimal | None) -> None:
    one = FigureMove(name="x", label=Text("甲", "A"), unit="", before=before, after=after)
    assert one.difference == difference
