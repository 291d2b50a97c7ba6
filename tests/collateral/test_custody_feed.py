"""The exchange's own custody statement over real HTTP: taken in whole, compared line by line, and every fault of it.

The custodian states 1,250,000.35 in cash and 33,000 t of SZA-2024 on account 6222-0001; the exchange one fen more.
"""

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest

from carbonfin.kernel.dates import SystemClock
from carbonfin.kernel.errors import UpstreamFailed
from carbonfin.storage.engine import Sessions
from carbonfin.storage.jobs import JobOutcome
from collateral import jobs
from collateral.calc.custody import Side
from collateral.registries.http import HttpRegistry
from collateral.registries.simulated import Fault
from collateral.registries.simulator import SimulatorServer
from collateral.service import custody as service
from collateral.service.custody import CustodyDraft
from tests.collateral.desk import CLOCK, Desk, build_desk
from tests.collateral.registries import SECRET, adapter, fault, simulated
from tests.collateral.test_edges import command_line, run
from tests.collateral.world import TODAY

__all__ = ["command_line"]

NUMBER, EXCHANGE = "6222-0001", "SZEX"
BANK = f"日期,账号,品种,余额\n{TODAY},{NUMBER},CNY,1250000.35\n{TODAY},{NUMBER},SZA-2024,33000\n"
YESTERDAY = TODAY - timedelta(days=1)


def balances(cash: str = "1250000.36", tonnes: str = "33000", *, number: str = NUMBER) -> list[dict[str, str]]:
    return [
        {"account_number": number, "item": "CNY", "amount": cash},
        {"account_number": number, "item": "SZA-2024", "amount": tonnes},
    ]


def bound(sessions: Sessions, desk: Desk, *, number: str = NUMBER, exchange: str = EXCHANGE) -> None:
    with sessions.begin() as session:
        draft = CustodyDraft(
            party_id=desk.parties["E3"], custodian_name="示例银行", account_number=number, exchange_code=exchange,
            bound_from=TODAY - timedelta(days=9),
        )  # fmt: skip
        service.bind_custody_account(session, desk.maker, draft, standing=desk.standing)


def banked(sessions: Sessions, desk: Desk) -> None:
    with sessions.begin() as session:
        service.import_custody_statement(
            session, desk.maker, content=BANK.encode(), file_name="bank.csv", side=Side.BANK, standing=desk.standing,
            preview=False,
        )  # fmt: skip


def fetched(sessions: Sessions, desk: Desk, registry: HttpRegistry) -> JobOutcome:
    return jobs.fetch_custody_statements(sessions, desk.maker, registry, clock=CLOCK)


def open_differences(sessions: Sessions, desk: Desk) -> list[tuple[str, str, Decimal | None, Decimal | None]]:
    with sessions.read() as session:
        view = service.custody_view(session, desk.maker, standing=desk.standing, day=None)
    return [(one.kind.value, one.item, one.bank_amount, one.exchange_amount) for one in view.differences]


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    with simulated() as running:
        yield running


@pytest.fixture
def registry(server: SimulatorServer) -> Iterator[HttpRegistry]:
    with adapter(server) as one:
        yield one


def test_the_exchanges_statement_is_fetched_compared_and_taken_once(
    sessions: Sessions, server: SimulatorServer, registry: HttpRegistry
) -> None:
    with sessions.begin() as session:
        desk = build_desk(session)
    bound(sessions, desk)
    banked(sessions, desk)
    server.state.state_custody(EXCHANGE, TODAY.isoformat(), balances())
    first = fetched(sessions, desk, registry)
    assert (first.done_count, [(one.item, one.detail) for one in first.failures]) == (
        1, [("SZEX 6222-0001", "Amounts differ CNY: 1,250,000.35 / 1,250,000.36, since 2025-06-30")],
    )  # fmt: skip
    assert first.failures[0].zh == "余额不一致（CNY：存管行 1,250,000.35，交易所 1,250,000.36），自 2025-06-30 起"
    assert open_differences(sessions, desk) == [("amount", "CNY", Decimal("1250000.35"), Decimal("1250000.36"))]
    assert fetched(sessions, desk, registry).failures == first.failures, "again, nothing changes"
    server.state.state_custody(EXCHANGE, TODAY.isoformat(), balances("1250000.35")[:1])
    corrected = fetched(sessions, desk, registry)
    assert [one.detail for one in corrected.failures] == ["Amounts differ SZA-2024: 33,000 / 0, since 2025-06-30"], (
        "what the exchange no longer states is nil there"
    )


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (Fault.STALE, "it is of SZEX on 2025-06-29"),
        (Fault.DUPLICATE, "ValueError"),
        (Fault.LOSE_REPLY, "Remote"),
        (Fault.BUSY, "HTTP 429"),
        (Fault.ERROR_AFTER, "HTTP 500"),
        (Fault.TRUNCATED, "Remote"),
        (Fault.WRONG_SIGNATURE, "without the registry's signature"),
        (Fault.GATEWAY_404, "without the registry's signature"),
    ],
)
def test_a_statement_that_cannot_be_trusted_is_none_and_the_next_one_counts(
    desk_sessions: Sessions, desk: Desk, server: SimulatorServer, kind: Fault, why: str
) -> None:
    bound(desk_sessions, desk)
    banked(desk_sessions, desk)
    for day in (TODAY, YESTERDAY):
        server.state.state_custody(EXCHANGE, day.isoformat(), balances())
    server.state.plan(fault(kind, "custody", code="*", times=3))
    with adapter(server) as registry:
        outcome = fetched(desk_sessions, desk, registry)
    failed, lacking = outcome.failures
    assert outcome.done_count == 0
    assert failed.item == EXCHANGE
    assert re.search(f"SZEX gave no usable custody statement of 2025-06-30: .*{re.escape(why)}", failed.detail)
    assert lacking.detail == "No statement of the exchange, since 2025-06-21"
    assert open_differences(desk_sessions, desk) == [("no_exchange_statement", "", None, None)]
    with adapter(server) as fresh:
        while server.state.strike("*", "custody") is not None:
            continue
        assert fetched(desk_sessions, desk, fresh).done_count == 1


def test_wrong_amounts_are_found_to_the_fen_and_the_tonne(
    desk_sessions: Sessions, desk: Desk, server: SimulatorServer, registry: HttpRegistry
) -> None:
    bound(desk_sessions, desk)
    banked(desk_sessions, desk)
    server.state.state_custody(EXCHANGE, TODAY.isoformat(), balances("1250000.35"))
    server.state.plan(fault(Fault.WRONG_QUANTITY, "custody", code="*"))
    fetched(desk_sessions, desk, registry)
    assert open_differences(desk_sessions, desk) == [
        ("amount", "CNY", Decimal("1250000.35"), Decimal("1250000.34")),
        ("amount", "SZA-2024", Decimal(33000), Decimal(32999)),
    ]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (("6222-9999", "CNY", "1.00"), "no custody account 6222-9999 is bound on 2025-06-30"),
        ((NUMBER, "SZA-2023", "1.5"), "SZA-2023 of 1.5 is not whole tonnes"),
        ((NUMBER, "CCER", "-1"), "CCER of -1 is not whole tonnes"),
    ],
)
def test_a_line_that_cannot_be_taken_keeps_the_whole_statement_out(
    desk_sessions: Sessions, desk: Desk, server: SimulatorServer, wrong: tuple[str, str, str], why: str
) -> None:
    bound(desk_sessions, desk)
    bound(desk_sessions, desk, number="6222-9999", exchange="GZEX")
    banked(desk_sessions, desk)
    line = dict(zip(("account_number", "item", "amount"), wrong, strict=True))
    server.state.state_custody(EXCHANGE, TODAY.isoformat(), [*balances(), line])
    with adapter(server) as registry:
        outcome = fetched(desk_sessions, desk, registry)
    assert why in " ".join(one.detail for one in outcome.failures if one.item.startswith("SZEX "))
    assert ("no_exchange_statement", "", None, None) in open_differences(desk_sessions, desk)


def test_an_exchange_without_a_statement_of_the_day_is_named_and_stops_no_other(
    desk_sessions: Sessions, desk: Desk, server: SimulatorServer, registry: HttpRegistry
) -> None:
    bound(desk_sessions, desk)
    bound(desk_sessions, desk, number="7001", exchange="GZEX")
    server.state.state_custody(EXCHANGE, TODAY.isoformat(), balances())
    outcome = fetched(desk_sessions, desk, registry)
    assert outcome.done_count == 1
    assert outcome.failures[0].detail == "GZEX gave no usable custody statement of 2025-06-30: HTTP 404"
    with pytest.raises(UpstreamFailed, match="HTTP 404"):
        registry.custody_statement(desk.maker.organization_id, EXCHANGE, date(2025, 6, 1))


def test_the_day_fetches_custody_with_the_registry(
    desk_sessions: Sessions, desk: Desk, server: SimulatorServer, registry: HttpRegistry
) -> None:
    assert jobs.settle_with_registry(desk_sessions, desk.maker, registry, clock=CLOCK).failures == ()
    bound(desk_sessions, desk)
    banked(desk_sessions, desk)
    server.state.state_custody(EXCHANGE, TODAY.isoformat(), balances())
    outcome = jobs.settle_with_registry(desk_sessions, desk.maker, registry, clock=CLOCK)
    assert [one.item for one in outcome.failures] == ["SZEX 6222-0001"]


def test_custody_is_fetched_on_the_command_line(
    command_line: Desk, sqlite_sessions: Sessions, server: SimulatorServer, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("CARBONFIN_REGISTRY_SECRET", SECRET.decode())
    bound(sqlite_sessions, command_line)
    banked(sqlite_sessions, command_line)
    server.state.state_custody(EXCHANGE, TODAY.isoformat(), balances("1250000.35"))
    server.clock = SystemClock()
    assert run("--json", "collateral", "custody-sync", "--registry", server.address) == 0
    assert json.loads(capsys.readouterr().out) == {"statement_count": 1, "failures": []}
