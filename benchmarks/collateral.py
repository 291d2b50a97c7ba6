"""The daily margin run: every agreement valued, called and journalled, beside its limit of 10,000 in five seconds.

Every agreement is called, half of them under agreed terms of their own; each has its own decision, sealed in the chain,
its coverage, its call with steps, its pledge's step, notices to two roles and an event for systems. Each run takes a
fresh copy of the same bank. On PostgreSQL the seals, which follow the commit, are within the time.
"""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa

from benchmarks.harness import Comparison, Contender
from carbonfin.app.tables import all_tables
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.parties import PartyKind
from carbonfin.kernel.units import Currency
from carbonfin.storage.decisions import verify_chain
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.parties import PartyDraft, save_party
from carbonfin.storage.rows import new_id, table_of
from collateral import jobs
from collateral.calc.agreed_terms import terms_payload, unagreed_terms
from collateral.models import (
    AgreementExposureRow,
    MarginTermsRow,
    PledgeRow,
    PledgeUnitRow,
    RegistryAccountRow,
    UnitPositionRow,
)
from collateral.service import live_calls
from tests.collateral.desk import Desk, build_desk
from tests.collateral.world import TODAY
from tests.postgres import Postgres, PostgresMissing

_FULL_COUNT = 10_000
_LIMIT_S = 5.0
_PLEDGORS = 100
_WIDTH = 5
_TEMPLATE = "margin_template"
_AT = datetime(2025, 6, 1, tzinfo=UTC)


@contextmanager
def comparisons(scale: float) -> Iterator[list[Comparison]]:
    """Make a bank of many pledges on each database; PostgreSQL is left out where there is none."""
    count = max(_PLEDGORS, int(_FULL_COUNT * scale))
    limit_s = _LIMIT_S * count / _FULL_COUNT
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        runs = {"SQLite": _on_sqlite(folder, count)}
        server = Postgres(Postgres.make_directory(), flushes=True)
        stack.callback(server.close)
        with contextlib.suppress(PostgresMissing):
            runs["PostgreSQL"] = _on_postgres(server, count)
        yield [
            Comparison(
                name=f"daily margin run over its limit, {name}",
                unit="agreements",
                subject=Contender(name="valued, called, journalled", run=run, operation_count=count),
                comparator=Contender(
                    name=f"the limit, {limit_s:.1f} s", run=lambda: time.sleep(limit_s), operation_count=count
                ),
            )
            for name, run in runs.items()
        ]


def _on_sqlite(folder: Path, count: int) -> Callable[[], None]:
    template, copy = folder / "template.db", folder / "run.db"
    engine = open_engine(f"sqlite:///{template}")
    all_tables().create_all(engine)
    desk = make_many_pledges(Sessions(engine), count)
    with engine.begin() as connection:
        connection.exec_driver_sql("SELECT 1")
    engine.dispose()

    def run() -> None:
        for old in folder.glob("run.db*"):
            old.unlink()
        shutil.copyfile(template, copy)
        engine = open_engine(f"sqlite:///{copy}")
        try:
            run_day(Sessions(engine), desk.maker, count)
        finally:
            engine.dispose()

    return run


def _on_postgres(server: Postgres, count: int) -> Callable[[], None]:
    server.execute(f'CREATE DATABASE "{_TEMPLATE}"')
    engine = open_engine(server.database_url(_TEMPLATE))
    all_tables().create_all(engine)
    desk = make_many_pledges(Sessions(engine), count)
    engine.dispose()

    def run() -> None:
        with server.database(template=_TEMPLATE) as url:
            engine = open_engine(url)
            try:
                run_day(Sessions(engine), desk.maker, count)
            finally:
                engine.dispose()

    return run


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What one run took of the clock and of this process's core."""

    wall_s: float
    core_s: float


def run_day(sessions: Sessions, actor: Actor, count: int) -> Spent:
    """Value, call and journal every agreement as the end of the day does, and say what it took."""
    started, spent = time.perf_counter(), time.process_time()
    with sessions.begin() as session:
        valued = jobs.revalue(session, actor, TODAY)
    with sessions.begin() as session:
        called = jobs.issue_calls(session, actor, TODAY)
    found = Spent(wall_s=time.perf_counter() - started, core_s=time.process_time() - spent)
    assert (valued.done_count, called.done_count) == (count, count), (valued, called)
    return found


def check_again(sessions: Sessions, actor: Actor, count: int) -> None:
    """Run the same day again, and verify the chain: nothing is called twice, nothing is left unsealed."""
    with sessions.begin() as session:
        jobs.revalue(session, actor, TODAY)
        assert jobs.issue_calls(session, actor, TODAY).done_count == 0
    with sessions.read() as session:
        assert len(live_calls(session, actor)) == count
        report = verify_chain(session, actor.organization_id)
        assert report.intact, report.faults[:3]
        assert not report.unsealed, report.unsealed[:3]


def make_many_pledges(sessions: Sessions, count: int) -> Desk:
    """Build the sample bank with many pledges drawn, each of which falls below its warning line on the day."""
    with sessions.begin() as session:
        desk = build_desk(session)
        actor = desk.maker
        pledgors = [save_party(session, actor, _pledgor(place)).id for place in range(_PLEDGORS)]
        accounts = [
            {"id": new_id(), "organization_id": actor.organization_id, "party_id": party_id, "scheme": "SZA",
             "registry_name": "示例", "opened_at": _AT}
            for party_id in pledgors
        ]  # fmt: skip
        session.execute(sa.insert(table_of(RegistryAccountRow)), accounts)
        session.execute(
            sa.insert(table_of(UnitPositionRow)),
            [
                {"id": new_id(), "organization_id": actor.organization_id, "account_id": account["id"],
                 "unit": "SZA-2023", "total_t": 10**9, "pending_t": 0, "locked_t": 0}
                for account in accounts
            ],
        )  # fmt: skip
        pledges = [_pledge(actor, pledgors[place % _PLEDGORS], place) for place in range(count)]
        session.execute(sa.insert(table_of(PledgeRow)), pledges)
        session.execute(
            sa.insert(table_of(PledgeUnitRow)),
            [
                {"id": new_id(), "organization_id": actor.organization_id, "pledge_id": one["id"], "unit": "SZA-2023",
                 "quantity_t": 40_000 + place}
                for place, one in enumerate(pledges)
            ],
        )  # fmt: skip
        session.execute(
            sa.insert(table_of(AgreementExposureRow)),
            [
                {"id": new_id(), "organization_id": actor.organization_id, "agreement_code": one["code"],
                 "exposure_date": TODAY, "revision": 0, "principal_cny": Decimal("855000.00") + 20 * place,
                 "accrued_cny": Decimal("758.81"), "costs_cny": Decimal("0.00"), "source": "贷款台账"}
                for place, one in enumerate(pledges)
            ],
        )  # fmt: skip
        terms = [_terms(desk, str(one["code"])) for one in pledges[::2]]
        session.execute(sa.insert(table_of(MarginTermsRow)), terms)
    return desk


def _pledgor(place: int) -> PartyDraft:
    base = f"0000EXAMPLEB{place:06d}"
    digits = int("".join(str(int(character, 36)) for character in f"{base}00"))
    return PartyDraft(
        kind=PartyKind.COUNTERPARTY, name=f"出质人 {place}", usci=None, lei=f"{base}{98 - digits % 97:02d}",
        industry=None, district=None, scheme=None, key_emitter=None, is_sample=True,
    )  # fmt: skip


def _pledge(actor: Actor, pledgor_id: str, place: int) -> dict[str, object]:
    return {
        "id": new_id(), "organization_id": actor.organization_id, "code": f"B{place:0{_WIDTH}d}",
        "pledgor_id": pledgor_id, "state": "DRAWN", "principal_cny": Decimal("855000.00") + 20 * place,
        "end_date": TODAY + timedelta(days=90), "extends_code": "", "applied_on": TODAY, "maker_id": actor.id,
        "maker_name": actor.name, "refusals": [], "is_sample": True,
    }  # fmt: skip


def _terms(desk: Desk, code: str) -> dict[str, object]:
    terms = unagreed_terms(
        "pledge", code, currency=Currency.CNY, minimum_transfer=Decimal("1000.00"), cure_days=3, valid_from=TODAY
    )
    return {
        "id": new_id(), "organization_id": desk.maker.organization_id, "agreement_kind": "pledge",
        "agreement_code": code, "revision": 1, "valid_from": TODAY, "terms": terms_payload(terms), "approval_id": "-",
        "maker_id": desk.maker.id, "maker_name": desk.maker.name, "checker_id": desk.checker.id,
        "checker_name": desk.checker.name, "approved_at": _AT,
    }  # fmt: skip
