"""Repos as the API and the page tell them."""

import sqlalchemy as sa

from carbonfin.storage.rows import table_of
from collateral import jobs
from collateral.models import MarginCallRow, RepoRow
from tests.app.worlds import PAGE
from tests.collateral.test_edges import Edge, client_of, edge, signed_in
from tests.collateral.test_repo_netting import OPINION
from tests.collateral.test_repo_run import add_copies
from tests.collateral.world import TODAY

__all__ = ["edge"]


def test_a_repo_names_the_margin_it_holds_and_what_it_is_netted_with(edge: Edge) -> None:
    """R1 is exposed by 120,831.14; 110,000 t of R2 leave 87,168.86 over: 33,662.28 net, below the least transfer."""
    client = client_of(edge)
    alone = client.get(f"/v1/repos/{edge.repo_id}").json()
    assert (alone["net"], alone["margin_cash_amount"], alone["margin_units_t"]) == (None, "0.00", 0)
    add_copies(edge.sessions, edge.desk, {"R2": {"quantity_t": 110_000}})
    with edge.sessions.begin() as session:
        session.execute(sa.update(table_of(RepoRow)).values(flags=OPINION))
        jobs.revalue(session, edge.desk.maker, TODAY)
    net = client.get(f"/v1/repos/{edge.repo_id}").json()["net"]
    assert (net["repo_codes"], net["net_exposure_cny"]) == (["R1", "R2"], "33662.28")
    assert (net["called_code"], net["call_amount"], net["currency"]) == (None, "0.00", None)
    assert net["business_date"] == TODAY.isoformat()
    assert client.get(f"/v1/decisions/{net['decision_id']}").json()["kind"] == "collateral.repo_netting"


def test_a_repo_page_says_why_nobody_can_take_a_step(edge: Edge) -> None:
    with signed_in(edge) as client:
        called = client.get(f"/repos/{edge.repo_id}", headers=PAGE).text
        assert "2025-06-30 的追加保证金通知未了结，办结或撤回后方可办理其他事项" in called
        assert "办理事项" not in called
        _set_state(edge, "OPEN")
        running = client.get(f"/repos/{edge.repo_id}", headers=PAGE).text
        assert "办理事项</a>" in running
        assert "方可办理其他事项" not in running
        _set_state(edge, "CLOSED")
        with edge.sessions.begin() as session:
            session.execute(sa.update(table_of(MarginCallRow)).values(state="RETRACTED", closed_on=TODAY))
        assert "当前状态“已了结”没有可办理的事项" in client.get(f"/repos/{edge.repo_id}", headers=PAGE).text


def _set_state(edge: Edge, state: str) -> None:
    with edge.sessions.begin() as session:
        session.execute(sa.update(table_of(RepoRow)).values(state=state))
