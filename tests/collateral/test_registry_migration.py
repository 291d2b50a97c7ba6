"""Requests under way when the new release comes are taken over under the key they were sent with."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.kernel.dates import SystemClock
from carbonfin.storage import schema
from carbonfin.storage.engine import Sessions, open_engine
from collateral import service
from collateral.store import registry as requests

MAKER = Actor(
    id="u1", name="甲", role=Role.OFFICER, organization_id="o1", organization_kind=OrganizationKind.BANK, is_sample=True
)


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[sa.Engine]:
    engine = open_engine(empty_database_url)
    yield engine
    engine.dispose()


def _insert(connection: sa.Connection, table: str, **values: object) -> None:
    is_postgres = connection.dialect.name == "postgresql"
    places = ", ".join(
        f"CAST(:{name} AS JSONB)" if isinstance(value, list | dict) and is_postgres else f":{name}"
        for name, value in values.items()
    )
    given = {name: json.dumps(value) if isinstance(value, list | dict) else value for name, value in values.items()}
    connection.execute(sa.text(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})"), given)  # noqa: S608


def test_what_is_under_way_is_taken_over_and_what_never_left_has_no_time(engine: sa.Engine) -> None:
    before = "0005"
    schema.upgrade(engine, to=before)
    flag = engine.dialect.name == "postgresql" or 1
    with engine.begin() as connection:
        _insert(connection, "organization", id="o1", kind="bank", name="银行", business_date="2025-06-30",
                day_state="open", is_sample=flag)  # fmt: skip
        _insert(connection, "party", id="e1", organization_id="o1", kind="enterprise", name="企业", is_sample=flag,
                usci="91440300EXAMPLE11K")  # fmt: skip
        for code, state, operation, sent, attempts in (
            ("p1", "FREEZE_UNKNOWN", "freeze", "delivered", 1),
            ("p2", "FREEZE_REQUESTED", "freeze", "pending", 0),
            ("p3", "DRAWN", "freeze", "delivered", 1),
            ("p4", "UNFREEZE_REQUESTED", "unfreeze", "pending", 2),
        ):
            _insert(connection, "pledge", id=code, organization_id="o1", code=code, pledgor_id="e1", state=state,
                    principal_cny=1000, end_date="2025-12-31", extends_code="", applied_on="2025-06-30",
                    maker_id="u1", maker_name="甲", refusals=[], is_sample=flag)  # fmt: skip
            payload = {"pledge_id": code, "request_key": f"{code}-{operation}", "operation": operation,
                       "agreement_code": code,
                       "units": [{"account_id": "a1", "unit": "SZA-2024", "quantity_t": 7}]}  # fmt: skip
            _insert(connection, "outbox_message", id=f"m-{code}", organization_id="o1", subject=f"pledge:{code}",
                    number=1, kind=f"collateral.{operation}", payload=payload, actor_id="u1", state=sent,
                    attempts=attempts)  # fmt: skip
    schema.upgrade(engine)
    with Sessions(engine).within("o1").begin() as session:
        assert [one.request_key for one in service.open_questions(session, MAKER)] == ["p1-freeze", "p4-unfreeze"]
        (asked, _) = requests.sent_requests(session, MAKER)
        assert asked.not_after is not None
        assert abs(SystemClock().now() - asked.not_after) < timedelta(minutes=5)
        (message, later) = service.messages_to_send(session, MAKER)
        assert (message.payload["request_key"], later.payload["request_key"]) == ("p2-freeze", "p4-unfreeze")
        assert requests.request_by_key(session, MAKER, "p2-freeze").not_after is None
