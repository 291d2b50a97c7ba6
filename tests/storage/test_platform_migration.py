"""What the release before wrote about approvals is found in the one list of approvals after the migration."""

import json
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.storage import approvals, schema
from carbonfin.storage.approvals import ApprovalState
from carbonfin.storage.engine import Sessions, open_engine

AT = {"sqlite": "2025-06-30T15:59:59.000000Z", "postgresql": "2025-06-30 15:59:59+00"}
MAKER = Actor(
    id="u1", name="甲", role=Role.OFFICER, organization_id="o1", organization_kind=OrganizationKind.BANK, is_sample=True
)


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[sa.Engine]:
    engine = open_engine(empty_database_url)
    yield engine
    engine.dispose()


def _insert(connection: sa.Connection, table: str, **values: object) -> None:
    as_json = {name for name, value in values.items() if isinstance(value, list)}
    places = ", ".join(
        f"CAST(:{name} AS JSONB)" if name in as_json and connection.dialect.name == "postgresql" else f":{name}"
        for name in values
    )
    given = {
        name: json.dumps(value, ensure_ascii=False) if name in as_json else value for name, value in values.items()
    }
    connection.execute(sa.text(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})"), given)  # noqa: S608


def _fill(engine: sa.Engine) -> None:
    flag = engine.dialect.name == "postgresql" or 1
    at = AT[engine.dialect.name]
    amount = 100_000 if engine.dialect.name == "sqlite" else 1000
    with engine.begin() as connection:
        _insert(connection, "organization", id="o1", kind="bank", name="银行", business_date="2025-06-30",
                day_state="open", is_sample=flag)  # fmt: skip
        _insert(connection, "party", id="e1", organization_id="o1", kind="enterprise", name="企业", is_sample=flag,
                usci="91440300EXAMPLE11K")  # fmt: skip
        for code, state in (("P1", "DRAWN"), ("P2", "REJECTED"), ("P3", "DILIGENCE_DONE"), ("P4", "APPLIED")):
            _insert(connection, "pledge", id=code.lower(), organization_id="o1", code=code, pledgor_id="e1",
                    state=state, principal_cny=amount, end_date="2025-12-31", extends_code="", applied_on="2025-06-30",
                    maker_id="u1", maker_name="甲", refusals=[], is_sample=flag)  # fmt: skip
        for place, code, finding in ((1, "p1", "approved"), (2, "p2", "rejected")):
            _insert(connection, "pledge_approval", id=f"a{place}", organization_id="o1", pledge_id=code,
                    finding=finding, maker_id="u1", maker_name="甲", checker_id="u2", checker_name="乙", reason="理由",
                    accepted_unconfirmed=["collateral.vintage_carries_forward[SZA]"], decided_at=at)  # fmt: skip
        _insert(connection, "pledge_event", id="v1", organization_id="o1", pledge_id="p3", place=2, event="diligence",
                state_before="APPRAISED", state_after="DILIGENCE_DONE", business_date="2025-06-30", happened_at=at,
                actor_id="u1", actor_name="甲", cause="无在先权利")  # fmt: skip


def test_decided_and_waiting_pledges_are_carried_over(engine: sa.Engine) -> None:
    schema.upgrade(engine, to="0001")
    _fill(engine)
    schema.upgrade(engine)
    with Sessions(engine).within("o1").read() as session:
        found = {one.subject: one for one in approvals.approvals_of(session, MAKER)}
        assert {subject: one.state for subject, one in found.items()} == {
            "pledge:p1": ApprovalState.EFFECTIVE,
            "pledge:p2": ApprovalState.REJECTED,
            "pledge:p3": ApprovalState.PROPOSED,
        }
        first, waiting = found["pledge:p1"], found["pledge:p3"]
        assert (first.checker_name, first.checker_reason) == ("乙", "理由")
        assert first.accepted == ("collateral.vintage_carries_forward[SZA]",)
        assert first.decided_at is not None
        assert first.decided_at.isoformat() == "2025-06-30T15:59:59+00:00"
        assert (waiting.maker_reason, waiting.checker_id) == ("无在先权利", None)
        assert [step.event for step in approvals.events_of(session, MAKER, first.id)] == ["carry_over"]


def test_a_pledge_that_waited_can_be_withdrawn_so_its_payload_fits_its_digest(engine: sa.Engine) -> None:
    schema.upgrade(engine, to="0001")
    _fill(engine)
    schema.upgrade(engine)
    with Sessions(engine).within("o1").begin() as session:
        waiting = approvals.open_approval_of(session, "o1", kind="collateral.pledge", subject="pledge:p3")
        assert waiting is not None
        assert waiting.decided_at is None
        ended = approvals.withdraw(session, MAKER, waiting.id, reason="撤回", at=waiting.created_at)
    assert ended.state is ApprovalState.WITHDRAWN
