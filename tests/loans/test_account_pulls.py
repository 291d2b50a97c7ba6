"""Lines asked of providers over real HTTP: consent first, the same checks as files, faults of the other side, no half."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from typer.testing import CliRunner

from carbonfin.app.factory import create_app
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput, NotApplicable, UpstreamFailed
from carbonfin.storage.engine import Sessions
from carbonfin.web.terminal import Terminal
from loans import service
from loans.calc.account_pulls import AccountPull, DataProvider, PullRequest
from loans.calc.consents import Consent, ConsentPurpose, ConsentState
from loans.commands import commands
from loans.feeds.providers.access import ProviderAccess, provider_accesses
from loans.feeds.providers.http import HttpAccountProviders
from loans.feeds.providers.port import AccountProviders
from loans.feeds.providers.simulator import (
    PlannedProviderFault,
    ProviderFault,
    ProviderSimulator,
    running_providers,
)
from tests.app.worlds import NOW, SETTINGS, form_token
from tests.loans.conftest import Desk
from tests.loans.samples import E4_USCI
from tests.loans.scorecard_worlds import consent, standing_at, withdraw
from tests.loans.world import BUSINESS_DATE, KNOWN_AT, Bank, open_bank

SECRET = "agreed-with-the-provider-0123456789"
SECRETS = {one: f"{SECRET}-{one}" for one in DataProvider}


def row(
    kind: str, quantity: str, *, year: str = "2024", month: str = "", item: str = "", unit: str = "元"
) -> dict[str, str]:
    return {
        "usci": E4_USCI, "kind": kind, "year": year, "month": month, "item": item, "quantity": quantity, "unit": unit,
        "evidence": "", "source": "税务数据服务",
    }  # fmt: skip


TAX_ROWS = (
    row("value_added", "60000000", year="2023"),
    row("value_added", "61500000"),
    row("revenue", "186000000"),
    row("invoice_electricity", "305000", month="1", item="FP1", unit="kWh"),
    row("invoice_electricity", "301000", month="3", item="FP3", unit="kWh"),
    row("invoice_electricity", "297000", month="2", item="FP2", unit="kWh"),
)
POWER_ROWS = (row("meter", "300000", month="1", item="A", unit="kWh") | {"source": "用电数据服务"},)
ROWS = {DataProvider.TAX: TAX_ROWS, DataProvider.POWER: POWER_ROWS}


def providers_of(server: ProviderSimulator, **patience: Any) -> HttpAccountProviders:
    quick = {"first_wait_seconds": 0.0, "wait_seconds_max": 0.0, **patience}
    return HttpAccountProviders(
        {one: ProviderAccess(address=f"{server.address}/{one}", secret=SECRETS[one], **quick) for one in DataProvider}
    )


def consented(sessions: Sessions) -> Bank:
    with sessions.begin() as session:
        bank = open_bank(session)
        consent(session, bank)
    return bank


def planned(
    sessions: Sessions, bank: Bank, *, provider: DataProvider = DataProvider.TAX, from_year: int = 2023,
    purpose: ConsentPurpose = ConsentPurpose.RATING,
) -> PullRequest:  # fmt: skip
    with sessions.read() as session:
        return service.plan_pull(
            session, bank.officer, bank.clothing.id, provider=provider, purpose=purpose, from_year=from_year,
            to_year=2024, standing=standing_at(bank),
        )  # fmt: skip


def pulled(sessions: Sessions, bank: Bank, providers: AccountProviders, **asked: Any) -> AccountPull:
    request = planned(sessions, bank, **asked)
    fetched = providers.fetch(request)
    with sessions.begin() as session:
        return service.keep_pull(session, bank.officer, bank.clothing.id, request, fetched, standing=standing_at(bank))


def kept(sessions: Sessions, bank: Bank) -> dict[tuple[str, int, int], Decimal | None]:
    with sessions.read() as session:
        found = service.entries_of(session, bank.officer, bank.clothing.id, known_at=KNOWN_AT)
    return {(one.kind.value, one.year, one.month): one.quantity for one in found}


def test_lines_come_with_consent_and_purpose_and_stand_with_the_digest(sessions: Sessions) -> None:
    bank = consented(sessions)
    with running_providers(ROWS, secrets=SECRETS) as server:
        first = pulled(sessions, bank, providers_of(server))
        again = pulled(sessions, bank, providers_of(server))
        power = pulled(sessions, bank, providers_of(server), provider=DataProvider.POWER, from_year=2024)
        assert server.asked[0] == {
            "usci": E4_USCI, "from_year": "2023", "to_year": "2024", "purpose": "rating", "consent": "授权书 2025-001",
        }  # fmt: skip
    assert (first.number, first.row_count, first.added_count, first.failures, first.attempt_count) == (1, 6, 6, (), 1)
    assert (again.number, again.added_count, again.unchanged_count) == (2, 0, 6)
    assert (power.number, power.added_count, power.request.provider) == (3, 1, DataProvider.POWER)
    assert first.digest == again.digest == sha256(json.dumps(list(TAX_ROWS), ensure_ascii=False).encode()).hexdigest()
    assert first.address == f"{server.address}/tax/lines"
    assert kept(sessions, bank) == {
        ("value_added", 2023, 0): Decimal(60_000_000), ("value_added", 2024, 0): Decimal(61_500_000),
        ("revenue", 2024, 0): Decimal(186_000_000), ("invoice_electricity", 2024, 1): Decimal(305_000),
        ("invoice_electricity", 2024, 3): Decimal(301_000), ("invoice_electricity", 2024, 2): Decimal(297_000),
        ("meter", 2024, 1): Decimal(300_000),
    }  # fmt: skip
    with sessions.read() as session:
        assert service.pulls_of(session, bank.officer, bank.clothing.id, known_at=KNOWN_AT) == (power, again, first)


def test_nothing_is_asked_without_consent_for_the_purpose_nor_after_its_withdrawal(sessions: Sessions) -> None:
    with sessions.begin() as session:
        bank = open_bank(session)
    with running_providers(ROWS, secrets=SECRETS) as server:
        with pytest.raises(NotApplicable, match="has given no consent for rating"):
            pulled(sessions, bank, providers_of(server))
        with sessions.begin() as session:
            given = consent(session, bank)
        with pytest.raises(NotApplicable, match="for lending"):
            pulled(sessions, bank, providers_of(server), purpose=ConsentPurpose.LENDING)
        request = planned(sessions, bank)
        fetched = providers_of(server).fetch(request)
        with sessions.begin() as session:
            withdraw(session, bank, given)
        with pytest.raises(NotApplicable, match="withdrew its consent"), sessions.begin() as session:
            service.keep_pull(session, bank.officer, bank.clothing.id, request, fetched, standing=standing_at(bank))
        with pytest.raises(NotApplicable, match="withdrew"):
            pulled(sessions, bank, providers_of(server))
        assert len(server.asked) == 1, "only the pull that consent allowed left the house"
    assert kept(sessions, bank) == {}


def test_consent_for_lending_alone_lets_lines_come_and_no_rating_use_them(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        bank = open_bank(session)
        lending = Consent(
            purpose=ConsentPurpose.LENDING, state=ConsentState.GIVEN, given_on=date(2025, 1, 6), valid_to=None,
            evidence="授权书 2025-002",
        )  # fmt: skip
        service.record_consent(session, bank.officer, bank.clothing.id, lending, on=BUSINESS_DATE, known_at=KNOWN_AT)
    with running_providers(ROWS, secrets=SECRETS) as server:
        assert pulled(sqlite_sessions, bank, providers_of(server), purpose=ConsentPurpose.LENDING).added_count == 6
    with sqlite_sessions.begin() as session, pytest.raises(NotApplicable, match="for rating"):
        service.rate_by_scorecard(session, bank.officer, bank.clothing, year=2024, standing=standing_at(bank))


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        (ProviderFault.MALFORMED_ROW, "quantity"),
        (ProviderFault.DUPLICATE, "month"),
        (ProviderFault.UNIT_SLIP, "quantity"),
        (ProviderFault.NEGATIVE, "quantity"),
        (ProviderFault.OTHER_ENTERPRISE, "usci"),
        (ProviderFault.OTHER_YEAR, "year"),
    ],
)
def test_a_bad_row_is_named_and_the_good_ones_kept(sqlite_sessions: Sessions, fault: ProviderFault, field: str) -> None:
    bank = consented(sqlite_sessions)
    with running_providers(ROWS, secrets=SECRETS) as server:
        server.plan(PlannedProviderFault(provider=DataProvider.TAX, fault=fault, times=1))
        pull = pulled(sqlite_sessions, bank, providers_of(server))
    assert [(one.item, one.field) for one in pull.failures] == [(f"line {pull.row_count}", field)]
    assert pull.failures[0].zh
    assert pull.added_count == pull.row_count - 1
    with sqlite_sessions.read() as session:
        (stored,) = service.pulls_of(session, bank.officer, bank.clothing.id, known_at=KNOWN_AT)
    assert stored.failures == pull.failures


def test_rows_of_kinds_the_provider_does_not_give_are_not_taken(sqlite_sessions: Sessions) -> None:
    bank = consented(sqlite_sessions)
    rows = [row("value_added", "61500000"), row("process", "5000", unit="t"), row("target", "2", unit="级")]
    with running_providers({DataProvider.TAX: rows}, secrets=SECRETS) as server:
        pull = pulled(sqlite_sessions, bank, providers_of(server))
    assert [(one.item, one.field) for one in pull.failures] == [("line 2", "kind"), ("line 3", "kind")]
    assert pull.added_count == 1


@pytest.mark.parametrize(
    "fault", [ProviderFault.ERROR, ProviderFault.DROP, ProviderFault.BUSY, ProviderFault.TRUNCATED]
)
def test_what_may_pass_is_asked_again(sqlite_sessions: Sessions, fault: ProviderFault) -> None:
    bank = consented(sqlite_sessions)
    with running_providers(ROWS, secrets=SECRETS) as server:
        server.plan(PlannedProviderFault(provider=DataProvider.TAX, fault=fault, times=2))
        pull = pulled(sqlite_sessions, bank, providers_of(server))
        assert (pull.attempt_count, pull.added_count) == (3, 6)
        server.plan(PlannedProviderFault(provider=DataProvider.TAX, fault=fault, times=3))
        with pytest.raises(UpstreamFailed, match="nothing was stored"):
            pulled(sqlite_sessions, bank, providers_of(server))
    with sqlite_sessions.read() as session:
        assert len(service.pulls_of(session, bank.officer, bank.clothing.id, known_at=KNOWN_AT)) == 1


def test_a_late_answer_is_given_up_and_a_gateway_s_page_is_no_lines(sqlite_sessions: Sessions) -> None:
    bank = consented(sqlite_sessions)
    with running_providers(ROWS, secrets=SECRETS) as server:
        late = PlannedProviderFault(provider=DataProvider.TAX, fault=ProviderFault.LATE, times=2, delay_seconds=30)
        server.plan(late)
        with pytest.raises(UpstreamFailed, match="ReadTimeout"):
            pulled(sqlite_sessions, bank, providers_of(server, timeout_seconds=0.2, attempts=2))
        server.released.set()
        server.plan(PlannedProviderFault(provider=DataProvider.TAX, fault=ProviderFault.GATEWAY, times=1))
        with pytest.raises(UpstreamFailed, match="no JSON"):
            pulled(sqlite_sessions, bank, providers_of(server))
        with pytest.raises(UpstreamFailed, match="HTTP 401"):
            HttpAccountProviders(
                {DataProvider.TAX: ProviderAccess(address=f"{server.address}/tax", secret="x" * 32)}
            ).fetch(planned(sqlite_sessions, bank))
        nothing = pulled(sqlite_sessions, bank, providers_of(server), provider=DataProvider.POWER, from_year=2024)
        server.rows[DataProvider.POWER] = ()
        nothing = pulled(sqlite_sessions, bank, providers_of(server), provider=DataProvider.POWER)
    assert (nothing.row_count, nothing.added_count) == (0, 0)
    assert ("value_added", 2024, 0) not in kept(sqlite_sessions, bank)


def test_a_provider_that_keeps_failing_is_left_alone_and_the_other_is_not(sqlite_sessions: Sessions) -> None:
    bank = consented(sqlite_sessions)
    with running_providers(ROWS, secrets=SECRETS) as server:
        providers = providers_of(server, attempts=1, failures_to_open=2, open_seconds=3600.0)
        server.plan(PlannedProviderFault(provider=DataProvider.TAX, fault=ProviderFault.ERROR, times=2))
        for _ in range(2):
            with pytest.raises(UpstreamFailed, match="HTTP 500"):
                providers.fetch(planned(sqlite_sessions, bank))
        asked = len(server.asked)
        with pytest.raises(UpstreamFailed, match="failed too often"):
            providers.fetch(planned(sqlite_sessions, bank))
        assert len(server.asked) == asked
        assert providers.fetch(planned(sqlite_sessions, bank, provider=DataProvider.POWER)).attempt_count == 1


def test_what_cannot_be_asked_is_refused(sqlite_sessions: Sessions) -> None:
    bank = consented(sqlite_sessions)
    with pytest.raises(NotApplicable, match="no provider of tax data is connected"):
        HttpAccountProviders({}).fetch(planned(sqlite_sessions, bank))
    request = planned(sqlite_sessions, bank)
    for years, field in (((2025, 2024), "from_year"), ((2004, 2010), "from_year"), ((2010, 2024), "to_year")):
        with pytest.raises(InvalidInput) as refused:
            replace(request, from_year=years[0], to_year=years[1])
        assert refused.value.field == field


def test_addresses_and_secrets_come_from_the_environment() -> None:
    sound = {"CARBONFIN_TAX_DATA_URL": "https://tax.example/api/", "CARBONFIN_TAX_DATA_SECRET": SECRET}
    (found,) = provider_accesses(sound).values()
    assert (found.address, found.secret, SECRET in repr(found)) == ("https://tax.example/api", SECRET, False)
    assert provider_accesses({}) == {}
    for wrong in (
        {"CARBONFIN_TAX_DATA_URL": "http://tax.example"},
        {"CARBONFIN_TAX_DATA_URL": "tax.example"},
        {"CARBONFIN_TAX_DATA_SECRET": "short"},
    ):
        with pytest.raises(CarbonFinError):
            provider_accesses(sound | wrong)


def test_each_simulated_provider_takes_its_own_secret_alone(sqlite_sessions: Sessions) -> None:
    bank = consented(sqlite_sessions)
    with running_providers(ROWS, secrets=SECRETS) as server:
        swapped = {
            DataProvider.POWER: ProviderAccess(address=f"{server.address}/power", secret=SECRETS[DataProvider.TAX])
        }
        request = planned(sqlite_sessions, bank, provider=DataProvider.POWER, from_year=2024)
        with pytest.raises(UpstreamFailed, match="HTTP 401"):
            HttpAccountProviders(swapped).fetch(request)
        assert providers_of(server).fetch(request).attempt_count == 1


def test_the_rehearsal_asks_for_both_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARBONFIN_TAX_DATA_SECRET", SECRET)
    monkeypatch.delenv("CARBONFIN_POWER_DATA_SECRET", raising=False)
    file = tmp_path / "lines.csv"
    file.write_text("统一社会信用代码,类别,年度,数量\n")
    with pytest.raises(InvalidInput) as refused:
        CliRunner().invoke(commands, ["provider-sim", str(file)], catch_exceptions=False)
    assert refused.value.field == "CARBONFIN_POWER_DATA_SECRET"


@pytest.mark.parametrize("address", ["http://tax.example", "tax.example", "ftp://127.0.0.1/tax"])
def test_an_address_given_by_hand_is_https_or_this_machine(
    sqlite_sessions: Sessions, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("CARBONFIN_TAX_DATA_SECRET", SECRET)
    bank = consented(sqlite_sessions)
    terminal = Terminal(sessions=sqlite_sessions, actor=bank.officer, clock=FixedClock(NOW), json_output=True)
    asked = ["pull-account", E4_USCI, "--provider", "tax", "--from", "2023", "--to", "2024", "--address", address]
    with pytest.raises(InvalidInput, match="is no https address") as refused:
        CliRunner().invoke(commands, asked, obj=lambda: terminal, catch_exceptions=False)
    assert (refused.value.field, "https" in refused.value.zh) == ("--address", True)


@contextmanager
def connected(desk: Desk, server: ProviderSimulator) -> Iterator[Desk]:
    """The same desk behind an application that is connected to the simulator."""
    accesses = {
        one: ProviderAccess(
            address=f"{server.address}/{one}", secret=SECRETS[one], first_wait_seconds=0.0, wait_seconds_max=0.0
        )
        for one in DataProvider
    }
    app = create_app(replace(SETTINGS, account_providers=accesses), desk.sessions, FixedClock(NOW))
    with TestClient(app, raise_server_exceptions=False) as system:
        system.headers.update(desk.system.headers)
        browser = TestClient(app, raise_server_exceptions=False, cookies=desk.browser.cookies)
        yield replace(desk, system=system, browser=browser)


def test_the_api_asks_once_for_a_key_and_lists_what_was_asked(desk: Desk) -> None:
    body = {"provider": "tax", "from_year": 2023, "to_year": 2024}
    address = f"/v1/carbon-accounts/{desk.bank.clothing.id}/pulls"
    with running_providers(ROWS, secrets=SECRETS) as server, connected(desk, server) as at:
        refused = at.system.post(address, json=body, headers={"Idempotency-Key": "p0"})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "usci")
        with desk.sessions.begin() as session:
            consent(session, desk.bank)
        server.plan(PlannedProviderFault(provider=DataProvider.TAX, fault=ProviderFault.NEGATIVE, times=1))
        made = at.system.post(address, json=body, headers={"Idempotency-Key": "p1"})
        assert made.status_code == 201, made.text
        assert (made.json()["added_count"], made.json()["failures"][0]["item"]) == (5, "line 6")
        again = at.system.post(address, json=body, headers={"Idempotency-Key": "p1"})
        assert (again.json(), again.headers["Idempotent-Replayed"], len(server.asked)) == (made.json(), "true", 1)
        assert at.system.get(address).json()["pulls"] == [made.json()]
        server.plan(PlannedProviderFault(provider=DataProvider.TAX, fault=ProviderFault.ERROR, times=3))
        failed = at.system.post(address, json=body, headers={"Idempotency-Key": "p2"})
        assert (failed.status_code, failed.json()["type"].endswith("upstream-failed")) == (502, True)
    lonely = desk.system.post(address, json=body, headers={"Idempotency-Key": "p3"})
    assert (lonely.status_code, lonely.json()["errors"][0]["field"]) == (422, "provider")
    assert desk.stranger.get(address).status_code == 404


def test_the_account_s_page_asks_and_shows_what_came(desk: Desk) -> None:
    with desk.sessions.begin() as session:
        consent(session, desk.bank)
    address = f"/enterprises/{desk.bank.clothing.id}/account"
    fields = {"provider": "tax", "pull_purpose": "rating", "from_year": "2023", "to_year": "2024"}
    with running_providers(ROWS, secrets=SECRETS) as server, connected(desk, server) as at:
        assert at.post(f"{address}/pulls", fields).status_code == 303
        shown = at.get(address).text
        names = re.findall(r' id="([^"]+)"', shown)
        assert sorted({name for name in names if names.count(name) > 1}) == [], "a label speaks of one field"
        for words in ("调取记录", "税务数据", "授权书 2025-001", "2023–2024"):
            assert words in shown, words
        assert form_token(shown)
        wrong = at.post(f"{address}/pulls", fields | {"from_year": "二〇"})
        assert (wrong.status_code, "不是年度" in wrong.text) == (422, True)
        server.plan(PlannedProviderFault(provider=DataProvider.TAX, fault=ProviderFault.ERROR, times=3))
        failed = at.post(f"{address}/pulls", fields)
        assert (failed.status_code, "未给出明细" in failed.text) == (502, True)
