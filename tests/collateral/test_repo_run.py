"""The day of all open repos: R1 (figures by hand in test_repo_life) beside copies of it that differ in one thing each."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from carbonfin.app.tables import all_tables
from carbonfin.storage.decisions import decisions_of, replay_decision
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.rows import new_id, table_of
from collateral import jobs, service
from collateral.models import RepoExposureRow, RepoRow
from tests.collateral.desk import Desk, build_desk, repo_r1
from tests.collateral.world import TODAY
from tests.statements import statements_of


def add_copies(sessions: Sessions, desk: Desk, copies: dict[str, dict[str, Any]]) -> None:
    """Open R1, and add repos that are as it is but for what is given, by code."""
    table = table_of(RepoRow)
    with sessions.begin() as session:
        service.open_repo(session, desk.maker, repo_r1(desk), standing=desk.standing)
        first = dict(session.execute(sa.select(table)).mappings().one())
        session.execute(
            sa.insert(table), [{**first, "id": new_id(), "code": code, **own} for code, own in copies.items()]
        )


def test_a_repo_that_cannot_be_valued_is_a_failure_and_stops_no_other(desk_sessions: Sessions, desk: Desk) -> None:
    add_copies(desk_sessions, desk, {"R0": {"unit": "EUA"}, "R2": {"quantity_t": 200_000}, "R3": {}})
    with desk_sessions.begin() as session:
        outcome = jobs.revalue(session, desk.maker, TODAY)
    assert outcome.done_count == 3
    (failure,) = outcome.failures
    assert failure.item == "R0"
    assert failure.detail.startswith("parameter collateral.price_policy[EUA] has no value")
    with desk_sessions.begin() as session:
        # 2,411,322.74 HKD (41 days, test_repo_life) at 0.912707 are 2,200,831.14 CNY; less 100,000 t at 40.00 less 48 %,
        # 2,080,000.00: 120,831.14 CNY, / 0.912707 = 132,387.66 HKD. R2 has twice the units
        states = {one.terms.code: one.state for one in service.repos_of(session, desk.maker)}
        assert states == {"R0": "OPEN", "R1": "MARGIN_PENDING", "R2": "OPEN", "R3": "MARGIN_PENDING"}
        calls = service.live_calls(session, desk.maker)
        assert sorted(one.agreement_code for one in calls) == ["R1", "R3"]
        assert {str(one.cash_amount) for one in calls} == {"132387.66"}
        assert jobs.revalue(session, desk.maker, TODAY).done_count == 3
        assert len(service.live_calls(session, desk.maker)) == 2
        assert session.execute(sa.select(sa.func.count()).select_from(table_of(RepoExposureRow))).scalar() == 3
        decisions = decisions_of(session, desk.maker, kind="collateral.repo_exposure")
        assert all(replay_decision(session, service.DECISION_KINDS, one.id).same for one in decisions)


def statement_count(path: Path, count: int) -> int:
    engine = open_engine(f"sqlite:///{path}")
    try:
        all_tables().create_all(engine)
        sessions = Sessions(engine)
        with sessions.begin() as session:
            desk = build_desk(session)
        add_copies(sessions, desk, {f"Q{place:03d}": {"quantity_t": 90_000 + place} for place in range(count)})
        with statements_of(sessions) as seen, sessions.begin() as session:
            assert jobs.revalue(session, desk.maker, TODAY).failures == ()
        return len(seen)
    finally:
        engine.dispose()


def test_the_run_takes_as_many_statements_for_forty_repos_as_for_four(tmp_path: Path) -> None:
    assert statement_count(tmp_path / "many.db", 40) == statement_count(tmp_path / "few.db", 4)
