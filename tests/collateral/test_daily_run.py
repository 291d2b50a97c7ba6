"""The day's run over many agreements: every one valued, called and journalled, by a number of statements that stands."""

from pathlib import Path

from benchmarks.collateral import check_again, make_many_pledges
from carbonfin.app.tables import all_tables
from carbonfin.storage.decisions import decisions_of, replay_decision
from carbonfin.storage.engine import Sessions, open_engine
from collateral import jobs, service
from tests.collateral.desk import Desk
from tests.collateral.mixed_book import CALLED, REFUSED, WAYS, make_mixed_book, way_of
from tests.collateral.world import TODAY
from tests.statements import statements_of


def run(sessions: Sessions, desk: Desk) -> None:
    with sessions.begin() as session:
        assert jobs.revalue(session, desk.maker, TODAY).failures == ()
    with sessions.begin() as session:
        jobs.issue_calls(session, desk.maker, TODAY)


def test_many_agreements_are_called_once_and_their_decisions_replay_on_both_databases(sessions: Sessions) -> None:
    count = 40
    desk = make_many_pledges(sessions, count)
    run(sessions, desk)
    check_again(sessions, desk.maker, count)
    with sessions.read() as session:
        decisions = decisions_of(session, desk.maker, kind="collateral.daily_margin")
        assert len(decisions) == count
        for one in decisions:
            assert replay_decision(session, service.DECISION_KINDS, one.id).same
        states = {pledge.state for pledge in service.pledges_of(session, desk.maker)}
        assert states == {"MARGIN_CALLED"}


def test_a_mixed_book_is_valued_called_and_refused_way_by_way_and_replays_on_both_databases(
    sessions: Sessions,
) -> None:
    count = 2 * len(WAYS)
    desk = make_mixed_book(sessions, count)
    with sessions.begin() as session:
        valued = jobs.revalue(session, desk.maker, TODAY)
    with sessions.begin() as session:
        called = jobs.issue_calls(session, desk.maker, TODAY)
    assert valued.done_count == count - 2 * len(REFUSED)
    assert {way_of(failure.item) for failure in valued.failures} == REFUSED
    with sessions.read() as session:
        calls = [one for one in service.live_calls(session, desk.maker) if one.issued_on == TODAY]
        assert called.done_count == len(calls)
        for direction, ways in CALLED.items():
            assert {way_of(one.agreement_code) for one in calls if one.direction == direction} == ways
        states = {way_of(one.code): one.state for one in service.pledges_of(session, desk.maker)}
        assert {way for way, state in states.items() if state == "CURE_EXPIRED"} == {"late to pay", "in transit"}
        assert {states["recovered"], states["covered"]} == {"DRAWN"}
        decisions = decisions_of(session, desk.maker, kind="collateral.daily_margin")
        assert len(decisions) == valued.done_count
        assert all(replay_decision(session, service.DECISION_KINDS, one.id).same for one in decisions)
    with sessions.begin() as session:
        jobs.revalue(session, desk.maker, TODAY)
        assert jobs.issue_calls(session, desk.maker, TODAY).done_count == 0


def statement_count(path: Path, count: int) -> int:
    engine = open_engine(f"sqlite:///{path}")
    try:
        all_tables().create_all(engine)
        sessions = Sessions(engine)
        desk = make_many_pledges(sessions, count)
        with statements_of(sessions) as seen:
            run(sessions, desk)
        return len(seen)
    finally:
        engine.dispose()


def test_the_run_takes_as_many_statements_for_forty_agreements_as_for_four(tmp_path: Path) -> None:
    assert statement_count(tmp_path / "many.db", 40) == statement_count(tmp_path / "few.db", 4)
