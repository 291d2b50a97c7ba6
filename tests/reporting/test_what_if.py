"""Other terms of a scheme tried on what was filed: by hand on the sample files, and nothing is written."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from sqlmodel import Session

from carbonfin.kernel.actors import Role
from carbonfin.kernel.errors import CarbonFinError, InvalidInput, NotFound
from carbonfin.rules.parameters import Grade, ParameterValue
from carbonfin.storage.decisions import decisions_of
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import actor_of, add_person
from carbonfin.storage.rulebook import enter_parameter
from reporting import service
from reporting.calc.batches import FiledApplication, decide_in_order
from reporting.calc.schemes import Term
from reporting.calc.subsidies import Outcome
from reporting.calc.what_if import compared
from reporting.service import WhatIfView
from tests.loans.samples import E4_USCI
from tests.reporting.samples import AS_OF, E2_USCI, KNOWN_AT, application, share_table, terms
from tests.reporting.test_service import prepared
from tests.reporting.worlds import Actors

ALL_LIMITS = {Term.CONDITIONS: "示例", Term.CAP_CNY: "none", Term.KEY_EMITTER_ONLY: "yes"}


def tried(session: Session, actors: Actors, changes: dict[Term, str], scheme: str = "nanshan-2025") -> WhatIfView:
    return service.what_if(session, actors.bureau, scheme, changes, as_of=AS_OF)


def test_another_rate_moves_what_qualifies_by_the_difference(sessions: Sessions) -> None:
    """A1: 110172.97 × 0.5 = 55086.49 (half up), × 0.4 = 44069.19: 11017.30 less. A3 and A4 stay as they are."""
    with sessions.begin() as session:
        actors = prepared(session)
        view = tried(session, actors, {Term.RATE: "0.4"})
        assert decisions_of(session, actors.bureau) == ()
    (move,) = view.found.moves
    assert (move.reference, move.before_cny, move.after_cny) == ("A1", Decimal("55086.49"), Decimal("44069.19"))
    assert (move.change_cny, view.found.cost_change_cny) == (Decimal("-11017.30"), Decimal("-11017.30"))
    assert (view.population_count, view.failed_count) == (3, 0)
    assert view.found.before.bands == (0, 0, 1, 0, 0)
    assert view.found.after.bands == (0, 1, 0, 0, 0)
    assert view.found.before.proposed_cny is None
    assert (view.changes[0].before, view.changes[0].after) == ("0.50", "0.4")


def test_a_cap_a_window_and_a_criterion_by_hand(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        capped = tried(session, actors, {**ALL_LIMITS, Term.CAP_CNY: "50000"})
        assert capped.found.after.granted_cny == Decimal("50000.00")
        assert capped.found.after.largest_share == 1
        shared = tried(session, actors, {**ALL_LIMITS, Term.BUDGET_CNY: "20000.01"})
        assert shared.found.after.granted_cny == Decimal("20000.01")
        assert shared.found.after.proposed_cny == Decimal("55086.49")
        late = tried(session, actors, {Term.WINDOW_OPENS: "2025-09-19T09:00"})
        outcomes = {move.reference: (move.outcome_before, move.outcome_after) for move in late.found.moves}
        # A1 is filed before the window and refused, so that A4 repeats it no more; but A2 asks another scheme for the
        # same interest, and whether both may pay nobody has read.
        assert outcomes == {
            "A1": (Outcome.QUALIFIES, Outcome.REFUSED), "A4": (Outcome.DUPLICATE, Outcome.UNDECIDED),
        }  # fmt: skip
        running = tried(session, actors, {Term.SETTLED_ONLY: "no"})
        # A3 is no longer refused for its running loan, but its file holds no voucher: undecided, and no amount.
        (move,) = running.found.moves
        assert (move.reference, move.outcome_before, move.outcome_after, move.after_cny) == (
            "A3", Outcome.REFUSED, Outcome.UNDECIDED, None,
        )  # fmt: skip


def test_terms_nobody_has_read_are_tried_without_being_confirmed(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        view = tried(session, actors, {Term.RATE: "0.3"}, scheme="shenhuangui-2024-7")
    assert view.changes[0].before is None
    assert view.found.moves == ()
    assert dict(view.found.after.outcomes)[Outcome.UNDECIDED] == 1


def test_a_failure_of_another_scheme_is_none_of_this_one(sqlite_sessions: Sessions) -> None:
    """The base of the city programme's grant is none, so that A2 fails; the other three are of Nanshan and are decided."""
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
        nanshan = tried(session, actors, {Term.RATE: "0.4"})
        city = tried(session, actors, {Term.RATE: "0.3"}, scheme="shenhuangui-2024-7")
    assert (nanshan.population_count, nanshan.failed_count) == (3, 0)
    assert (city.population_count, city.failed_count) == (1, 1)


def test_the_largest_share_is_rounded_half_up() -> None:
    """10,001 of 20,000 is 0.50005: 0.5001 by 四舍五入, where half to even gives 0.5000."""
    decided = decide_in_order(
        [FiledApplication(application_id="1", application=application())], lambda _: terms(), lambda _: share_table()
    )
    (one,) = decided.values
    pair = [
        replace(
            one, filed=FiledApplication(application_id=usci, application=application(applicant_usci=usci)),
            decision=replace(one.decision, calculated_cny=Decimal(amount)),
        )
        for usci, amount in ((E2_USCI, "10001.00"), (E4_USCI, "9999.00"))
    ]  # fmt: skip
    found = compared(pair, pair, before_shares={}, after_shares={})
    assert found.before.largest_share == Decimal("0.5001")


@pytest.mark.parametrize(
    ("term", "text"),
    [
        (Term.RATE, "40"), (Term.RATE, "-0.1"), (Term.RATE, "half"), (Term.CAP_CNY, "-1"), (Term.CAP_CNY, "0.001"),
        (Term.BUDGET_CNY, "none"), (Term.WINDOW_OPENS, "soon"), (Term.WINDOW_CLOSES, "2025-09-26T18:00+08:00"),
        (Term.SETTLED_ONLY, "maybe"), (Term.TITLE, "anything"),
    ],
)  # fmt: skip
def test_values_that_no_term_holds_are_refused_by_name(sqlite_sessions: Sessions, term: Term, text: str) -> None:
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        with pytest.raises(InvalidInput) as refused:
            tried(session, actors, {term: text})
    assert refused.value.field == term.value


def test_an_unknown_scheme_is_named(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        with pytest.raises(NotFound) as refused:
            tried(session, actors, {Term.RATE: "0.4"}, scheme="atlantis")
    assert isinstance(refused.value, CarbonFinError)
    assert "nanshan-2025" in refused.value.remedy
