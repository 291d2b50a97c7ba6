"""The ledger's guarded update beside a plain insert on SQLite, and pairs of reserve and confirm on PostgreSQL."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session

from benchmarks import ledger_pairs
from benchmarks.bank import make_bank
from benchmarks.harness import Comparison, Contender
from carbonfin.app.tables import all_tables
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import Conflict
from carbonfin.kernel.parties import PartyKind
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.parties import PartyDraft, save_party
from collateral.store import ledger
from tests.postgres import PostgresMissing

_UNIT = Unit(Scheme.SZA, 2024)
_FULL_COUNT = 300
_PLENTY_T = 1_000_000_000


@contextmanager
def comparisons(scale: float) -> Iterator[list[Comparison]]:
    """Make a fresh database and give what is compared on it."""
    count = max(1, int(_FULL_COUNT * scale))
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{Path(folder) / 'ledger.db'}")
        with ExitStack() as stack:
            stack.callback(engine.dispose)
            rows = _on(engine, count)
            with suppress(PostgresMissing):
                rows += stack.enter_context(ledger_pairs.comparisons(scale))
            yield rows


def _on(engine: sa.Engine, count: int) -> list[Comparison]:
    all_tables().create_all(engine)
    sessions = Sessions(engine)
    with sessions.begin() as session:
        session.execute(sa.text("CREATE TABLE plain (id INTEGER PRIMARY KEY, quantity_t INTEGER NOT NULL) STRICT"))
        actor = make_bank(session, "bench")
        account_id = _account(session, actor)

    def reserve(quantity_t: int) -> None:
        with sessions.begin() as session:
            ledger.move_position(session, actor, account_id=account_id, unit=_UNIT, pending_t=quantity_t)

    def reservations() -> None:
        for _ in range(count):
            reserve(1)

    def inserts() -> None:
        for _ in range(count):
            with sessions.begin() as session:
                session.execute(sa.text("INSERT INTO plain (quantity_t) VALUES (1)"))

    def refusals() -> None:
        for _ in range(count):
            try:
                reserve(2 * _PLENTY_T)
            except Conflict:
                continue
            message = "the ledger bound more than there is"
            raise AssertionError(message)

    insert = Contender(name="plain insert", run=inserts, operation_count=count)
    return [
        Comparison(
            name="guarded reservation",
            unit="transactions",
            subject=Contender(name="guarded update", run=reservations, operation_count=count),
            comparator=insert,
        ),
        Comparison(
            name="refused reservation",
            unit="transactions",
            subject=Contender(name="guarded update that is refused", run=refusals, operation_count=count),
            comparator=insert,
        ),
    ]


def _account(session: Session, actor: Actor) -> str:
    party = save_party(
        session,
        actor,
        PartyDraft(
            kind=PartyKind.ENTERPRISE, name="bench", usci="91440300EXAMPLE2XB", lei=None, industry=None, district=None,
            scheme=None, key_emitter=None, is_sample=True,
        ),
    )  # fmt: skip
    account_id = ledger.add_account(
        session,
        actor,
        party_id=party.id,
        scheme=_UNIT.scheme,
        registry_name="bench",
        opened_at=datetime(2025, 6, 30, tzinfo=UTC),
    )
    ledger.ensure_position(session, actor, account_id=account_id, unit=_UNIT)
    ledger.move_position(session, actor, account_id=account_id, unit=_UNIT, total_t=_PLENTY_T)
    return account_id
