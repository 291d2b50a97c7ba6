"""Sixteen writers on one bank's decision chain beside the same decisions without a chain, on SQLite and PostgreSQL.

Both sides decide, write the same row and commit durably, one transaction each, and wait for their turn alike; the
comparator's sessions are the very same but for the steps that seal. The ratio must reach one half. SQLite runs with
`synchronous = FULL`; the PostgreSQL server is the benchmark's own and flushes every commit. Threads take turns as often
as they do in the service.
"""

import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from sqlmodel import Session

from benchmarks.bank import make_bank
from benchmarks.harness import Comparison, Contender
from carbonfin.app.serving import THREAD_SWITCH_SECONDS
from carbonfin.app.tables import all_tables
from carbonfin.kernel.actors import Actor
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure
from carbonfin.storage.decisions import record_decision, verify_chain
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.parties import organizations
from tests.postgres import Postgres, PostgresMissing

WRITERS = 16
_SEALING = ("last_steps", "follow_ups")
"""Where a session keeps what is done at the end of its transaction; of these decisions that is their seal alone."""
_FULL_COUNT = 60
_DAY = date(2025, 6, 30)
_KNOWN_AT = datetime(2025, 6, 30, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestInputs:
    """What the decision written here is made from; small, so that the chain's share shows."""

    principal_cny: Decimal
    rate: Decimal
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestOutputs:
    """What it says."""

    interest_cny: Decimal
    trace: tuple[Figure, ...]


def _interest(inputs: InterestInputs) -> InterestOutputs:
    interest_cny = (inputs.principal_cny * inputs.rate * inputs.days / 360).quantize(Decimal("0.01"))
    figure = Figure(
        name="interest", label_zh="利息", label_en="interest", value=str(interest_cny), unit="CNY", formula="P r d/360"
    )
    return InterestOutputs(interest_cny=interest_cny, trace=(figure,))


_KIND = DecisionKind(
    name="bench.interest", version="1", inputs=InterestInputs, outputs=InterestOutputs, decide=_interest
)
_INPUTS = InterestInputs(principal_cny=Decimal("3000000.00"), rate=Decimal("0.0385"), days=92)

Opening = Callable[[], AbstractContextManager[Session]]


@contextmanager
def comparisons(scale: float) -> Iterator[list[Comparison]]:
    """Make fresh databases and give what is compared on them; PostgreSQL is left out where there is none."""
    count = max(1, int(_FULL_COUNT * scale))
    with ExitStack() as stack:
        stack.callback(sys.setswitchinterval, sys.getswitchinterval())
        sys.setswitchinterval(THREAD_SWITCH_SECONDS)
        databases = dict(_databases(stack))
        yield [_on(name, sessions, count) for name, sessions in databases.items()]
        for sessions in databases.values():
            _verify(sessions)


def _databases(stack: ExitStack) -> Iterator[tuple[str, Sessions]]:
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    yield "SQLite", _fresh(f"sqlite:///{Path(folder) / 'chain.db'}", stack)
    server = Postgres(Postgres.make_directory(), flushes=True)
    stack.callback(server.close)
    try:
        server.url()
    except PostgresMissing:
        return
    yield "PostgreSQL", _fresh(stack.enter_context(server.database()), stack)


def _fresh(url: str, stack: ExitStack) -> Sessions:
    engine = open_engine(url)
    stack.callback(engine.dispose)
    all_tables().create_all(engine)
    return Sessions(engine)


def _on(name: str, sessions: Sessions, count: int) -> Comparison:
    with sessions.begin() as session:
        chained, plain = make_bank(session, "chained"), make_bank(session, "plain")

    @contextmanager
    def unsealed() -> Iterator[Session]:
        with sessions.begin() as session:
            yield session
            taken = [session.info.pop(steps, None) for steps in _SEALING]
            assert any(taken), "no step that seals was taken away: what is measured without the chain has it"

    return Comparison(
        name=f"decisions in one chain, {WRITERS} writers, {name}",
        unit="decisions",
        subject=Contender(
            name="with the chain",
            run=lambda: _write(sessions.begin, chained, count),
            operation_count=WRITERS * count,
        ),
        comparator=Contender(
            name="without", run=lambda: _write(unsealed, plain, count), operation_count=WRITERS * count
        ),
    )


def _verify(sessions: Sessions) -> None:
    """See that what was measured was right: whole chains, nothing left unsealed."""
    with sessions.read() as session:
        for bank in organizations(session):
            if bank.name == "chained":
                report = verify_chain(session, bank.id)
                assert report.intact, report.faults[0].detail
                assert not report.unsealed, f"{len(report.unsealed)} decisions are unsealed"


def _write(opening: Opening, actor: Actor, count: int) -> None:
    failures: list[BaseException] = []

    def write(writer: int) -> None:
        try:
            for number in range(count):
                with opening() as session:
                    record_decision(
                        session, actor, _KIND, _INPUTS, subject=f"loan:{writer}-{number}", valid_on=_DAY,
                        known_at=_KNOWN_AT,
                    )  # fmt: skip
        except BaseException as failure:  # noqa: BLE001 - it is raised again below
            failures.append(failure)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
