"""What a draft does to every loan: score 71.6, base 60; rates and interest worked out by hand."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from carbonfin.rules.live_impact import LiveImpact
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.tables import DecisionTable, TableVersion
from carbonfin.storage.decisions import decisions_of
from carbonfin.storage.engine import Sessions
from loans import service
from tests.collateral.world import parameter
from tests.loans.concession_samples import ROWS, concession_table, enter
from tests.loans.samples import bank_parameter
from tests.loans.test_accrual import note_draft
from tests.loans.world import BUSINESS_DATE, KNOWN_AT, Bank, furnished_bank, open_bank


@pytest.fixture
def bank(sessions: Sessions) -> Bank:
    with sessions.begin() as session:
        return furnished_bank(session)


def decided(sessions: Sessions, bank: Bank, *, margin_bp: int = 40) -> None:
    with sessions.begin() as session:
        service.decide_rate(
            session, bank.officer, bank.clothing.id, margin_bp=margin_bp, lpr_tenor="1Y",
            applies_from=date(2025, 7, 1), decided_on=BUSINESS_DATE, known_at=KNOWN_AT,
        )  # fmt: skip


def version(table: DecisionTable) -> TableVersion:
    return TableVersion(table=table, valid_from=date(2026, 1, 1), valid_to=None, known_from=date(2025, 7, 10))


def drawn(sessions: Sessions, bank: Bank, *, code: str, principal: str) -> None:
    draft = note_draft("P1", bank.clothing.id)
    terms = replace(draft.terms, principal_cny=Decimal(principal))
    with sessions.begin() as session:
        service.record_loan_note(
            session, bank.officer, replace(draft, code=code, pledge_code=None, terms=terms), known_at=KNOWN_AT
        )


def tried(sessions: Sessions, bank: Bank, draft: ParameterValue | TableVersion) -> LiveImpact:
    with sessions.read() as session:
        before = decisions_of(session, bank.officer)
        impact = service.rate_impact(session, bank.officer, draft)
        assert decisions_of(session, bank.officer) == before, "nothing is written"
    assert impact is not None
    return impact


def moved(impact: LiveImpact, name: str) -> dict[str, tuple[str, str, str]]:
    return {
        move.subject: (one.before, one.after, str(one.difference))
        for move in impact.moves
        for one in move.figures
        if one.name == name
    }


def total(impact: LiveImpact, name: str) -> tuple[int, Decimal, Decimal, Decimal]:
    (one,) = (one for one in impact.totals if one.name == name)
    return one.count, one.before, one.after, one.difference


# By points 11 bp: 3.00 % + 40 bp - 11 bp = 3.29 %. The draft's row for a score from 70 grants 10: 3.30 %, one bp more.
def test_the_interest_of_a_year_on_what_is_outstanding(sessions: Sessions, bank: Bank) -> None:
    """At 3.29 % 2,000,000 cost 65,800.00 a year and 1,234,567.89 cost 40,617.28; at 3.30 % 66,000.00 and 40,740.74."""
    decided(sessions, bank, margin_bp=60)
    decided(sessions, bank)
    drawn(sessions, bank, code="J1", principal="2000000.00")
    drawn(sessions, bank, code="J2", principal="1234567.89")
    impact = tried(sessions, bank, version(concession_table()))
    assert moved(impact, "rate") == dict.fromkeys(("loan:J1", "loan:J2"), ("0.0329", "0.0330", "0.0001"))
    assert moved(impact, "concession")["loan:J1"][:2] == ("-11", "-10")
    assert moved(impact, "interest") == {
        "loan:J1": ("65800.00", "66000.00", "200.00"), "loan:J2": ("40617.28", "40740.74", "123.46"),
    }  # fmt: skip
    assert total(impact, "interest") == (2, Decimal("106417.28"), Decimal("106740.74"), Decimal("323.46"))
    assert total(impact, "principal_moved")[2] == Decimal("3234567.89")
    with sessions.read() as session:
        standing = decisions_of(session, bank.officer)[-1].id
    assert {move.decision_id for move in impact.moves} == {standing}, "the borrower's latest decision stands"


def test_a_borrower_without_a_note_moves_and_weighs_nothing(sessions: Sessions, bank: Bank) -> None:
    decided(sessions, bank)
    impact = tried(sessions, bank, version(concession_table()))
    assert moved(impact, "rate") == {bank.clothing.code: ("0.0329", "0.0330", "0.0001")}
    assert total(impact, "interest") == (0, 0, 0, 0)


def test_a_lower_cap_is_run_over_loans_too(sessions: Sessions, bank: Bank) -> None:
    """Capped at 5 bp: 3.35 %, six more: 1,200.00 a year on 2,000,000."""
    decided(sessions, bank)
    drawn(sessions, bank, code="J1", principal="2000000.00")
    impact = tried(sessions, bank, bank_parameter("cap_bp", "5", "bp"))
    assert total(impact, "interest")[3] == Decimal("1200.00")
    with sessions.read() as session:
        assert service.rate_impact(session, bank.officer, parameter("collateral.cure_days", "5")) is None


def test_a_loan_that_cannot_be_run_is_named_and_counted(sessions: Sessions, bank: Bank) -> None:
    drawn(sessions, bank, code="J1", principal="2000000.00")
    fixed = tried(sessions, bank, version(concession_table()))
    assert [(one.subject, one.is_of_draft) for one in fixed.failures] == [("loan:J1", False)]
    assert "没有降碳贷利率决定" in fixed.failures[0].reason_zh
    decided(sessions, bank)
    silent = tried(sessions, bank, version(concession_table((*ROWS[:3], ("-", "-", "true", "<=0", "0")))))
    assert [(one.subject, one.is_of_draft) for one in silent.failures] == [("loan:J1", True)]
    assert (silent.moves, silent.left_unanswered_count, total(silent, "interest")[1]) == ((), 1, 0)
    broken = tried(sessions, bank, bank_parameter("cap_bp", "-5", "bp"))
    assert [one.is_of_draft for one in broken.failures] == [True]


def test_the_same_table_moves_nobody_and_other_banks_are_not_looked_at(sessions: Sessions, bank: Bank) -> None:
    enter(sessions, bank)
    decided(sessions, bank)
    with sessions.begin() as session:
        other = open_bank(session, name="另一家银行")
    with sessions.read() as session:
        foreign = service.rate_impact(session, other.officer, version(concession_table()))
    own = tried(sessions, bank, version(concession_table()))
    assert (own.population_count, own.moves) == (1, ())
    assert foreign is not None
    assert foreign.population_count == 0


def test_a_rate_decided_in_a_batch_stands_until_a_later_decision(sessions: Sessions, bank: Bank) -> None:
    """Margin 40 alone 3.29 %, 60 in the batch 3.49 %, 50 alone after it 3.39 %: whatever is later in the chain stands."""
    at = {
        "lpr_tenor": "1Y", "applies_from": date(2025, 7, 1), "decided_on": BUSINESS_DATE, "known_at": KNOWN_AT,
    }  # fmt: skip
    seen = []
    for margin_bp, is_batch in ((40, False), (60, True), (50, False), (70, True)):
        if is_batch:
            requests = [service.RateRequest(usci=bank.clothing.code, margin_bp=one) for one in (10, margin_bp)]
            with sessions.begin() as session:
                service.decide_rates(session, bank.officer, requests, **at)
        else:
            decided(sessions, bank, margin_bp=margin_bp)
        impact = tried(sessions, bank, version(concession_table()))
        seen.append(moved(impact, "rate")[bank.clothing.code][0])
    assert seen == ["0.0329", "0.0349", "0.0339", "0.0359"]
