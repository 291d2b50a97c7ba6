"""A receipt's reference is one of its bank's: the database says so, for this release and for the one before."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from carbonfin.kernel.errors import Conflict
from carbonfin.storage import schema
from carbonfin.storage.engine import Sessions, open_engine
from loans import service
from loans.store import repayments as store
from tests.loans.facility_samples import approved
from tests.loans.servicing.test_repayments import PAY_DAY, draft_of, enter, receipt, world
from tests.loans.world import KNOWN_AT

AT = {"sqlite": "2025-07-21T15:59:59.{}Z", "postgresql": "2025-07-21 15:59:59.{}+00"}


def test_two_approvals_at_one_instant_leave_one_receipt(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both asked before either had written: the question finds nothing, and the database refuses the second."""
    with sessions.begin() as session:
        bank, standing = world(session)
        draft = draft_of(bank.clothing.id)
        service.record_loan_note(session, bank.officer, type(draft)(**_values(draft, code="JJ-P4")), known_at=KNOWN_AT)
        one = receipt(PAY_DAY, "2529.38")
        other = type(one)(note_code="JJ-P4", reference=one.reference, receipt=one.receipt)
        waiting = [
            service.propose_repayment(session, bank.officer, each, standing=standing, reason="入账")
            for each in (one, other)
        ]
    monkeypatch.setattr(store, "note_of_reference", lambda *_: None)
    with sessions.begin() as session:
        approved(session, bank.checker, waiting[0], at=standing.known_at)
    with pytest.raises(Conflict) as refused, sessions.begin() as session:
        approved(session, bank.checker, waiting[1], at=standing.known_at)
    assert refused.value.field == "reference"
    with sessions.read() as session:
        entered = [
            len(service.note_view(session, bank.officer, code, standing=standing).receipts)
            for code in ("JJ-P3", "JJ-P4")
        ]
    assert entered == [1, 0]


def _values(draft: Any, **changed: Any) -> dict[str, Any]:
    return {name: getattr(draft, name) for name in draft.__dataclass_fields__} | changed


def test_another_bank_may_have_the_same_reference(sessions: Sessions) -> None:
    with sessions.begin() as session:
        bank, standing = world(session)
        enter(session, bank, standing, receipt(PAY_DAY, "2529.38"))
        row = session.exec(sa.select(sa.text("organization_id, reference_copy FROM repayment"))).one()  # type: ignore[call-overload]
        assert tuple(row) == (bank.officer.organization_id, 0)


@pytest.fixture
def before(empty_database_url: str) -> Iterator[sa.Engine]:
    engine = open_engine(empty_database_url)
    schema.upgrade(engine, to="0046")
    yield engine
    engine.dispose()


def _receipt_of(engine: sa.Engine, connection: sa.Connection, number: int, reference: str, *, bank: str = "o1") -> None:
    """Write a receipt as the release before does: it knows of no copies."""
    at = AT[engine.dialect.name].format(f"{number:06}")
    values = {
        "id": f"r{number}", "organization_id": bank, "note_id": f"n-{bank}", "number": number, "paid_on": "2025-07-21",
        "amount_cny": 100, "fees_cny": 0, "compensation_cny": 0, "prepaid_cny": 0, "lines": "[]",
        "interest_paid_to_before": "2025-06-21", "reference": reference, "allocation_order": "fees", "approval_id": "a",
        "recorded_by": "u", "recorded_at": at,
    }  # fmt: skip
    _insert(engine, connection, "repayment", values, json=("lines",), days=("paid_on", "interest_paid_to_before"))


def _insert(
    engine: sa.Engine,
    connection: sa.Connection,
    table: str,
    values: dict[str, Any],
    *,
    json: tuple[str, ...] = (),
    days: tuple[str, ...] = (),
) -> None:
    is_postgres = engine.dialect.name == "postgresql"
    places = [f"CAST(:{name} AS JSONB)" if is_postgres and name in json else f":{name}" for name in values]
    given = {
        name: date.fromisoformat(value) if is_postgres and name in days else value for name, value in values.items()
    }
    query = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(places)})"  # noqa: S608 - own names
    connection.execute(sa.text(query), given)


def _notes(engine: sa.Engine, connection: sa.Connection) -> None:
    flag = engine.dialect.name == "postgresql" or 1
    at = AT[engine.dialect.name].format("000000")
    for bank in ("o1", "o2"):
        _insert(
            engine, connection, "organization",
            {
                "id": bank, "kind": "bank", "name": bank, "business_date": "2025-07-21", "day_state": "open",
                "is_sample": flag,
            },
            days=("business_date",),
        )  # fmt: skip
        _insert(
            engine, connection, "party",
            {
                "id": f"e-{bank}", "organization_id": bank, "kind": "enterprise", "name": "企业", "is_sample": flag,
                "usci": "91440300EXAMPLE11K",
            },
        )  # fmt: skip
        _insert(
            engine, connection, "loan_note",
            {
                "id": f"n-{bank}", "organization_id": bank, "party_id": f"e-{bank}", "code": "JJ-1", "product": "贷款",
                "principal_cny": 10000, "outstanding_cny": 10000, "drawdown_date": "2025-06-21",
                "maturity_date": "2026-06-21", "rate": 0, "rate_note": "", "basis": "act/360", "method": "bullet",
                "interest_period_months": 1, "settlement_day": 20, "accrual_dates": "unadjusted",
                "interest_paid_to": "2025-06-21", "state": "running", "is_sample": flag, "recorded_by": "u",
                "recorded_at": at,
            },
            days=("drawdown_date", "maturity_date", "interest_paid_to"),
        )  # fmt: skip


def test_receipts_that_share_a_reference_stay_and_no_new_one_joins_them(before: sa.Engine) -> None:
    with before.begin() as connection:
        _notes(before, connection)
        for number, reference in ((1, "HD-1"), (2, "HD-1"), (3, "HD-2"), (4, "HD-1")):
            _receipt_of(before, connection, number, reference)
        _receipt_of(before, connection, 5, "HD-1", bank="o2")
    schema.upgrade(before)
    with before.begin() as connection:
        found = connection.execute(sa.text("SELECT id, reference, reference_copy FROM repayment ORDER BY id")).all()
    assert [tuple(one) for one in found] == [
        ("r1", "HD-1", 0), ("r2", "HD-1", 1), ("r3", "HD-2", 0), ("r4", "HD-1", 2), ("r5", "HD-1", 0),
    ]  # fmt: skip
    for number, reference in ((6, "HD-1"), (7, "HD-2")):
        with pytest.raises(IntegrityError), before.begin() as connection:
            _receipt_of(before, connection, number, reference)
    with pytest.raises(IntegrityError, match="append-only"), before.begin() as connection:
        connection.execute(sa.text("UPDATE repayment SET reference = 'HD-9'"))
    with before.begin() as connection:
        _receipt_of(before, connection, 8, "HD-3")
