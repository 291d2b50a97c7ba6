"""The worker as the application's own role in PostgreSQL: bound by row-level security, changing no table."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from carbonfin.app.jobs import end_of_day, worker
from carbonfin.app.jobs.days import ask_for_end_of_day
from carbonfin.app.jobs.durable import SCHEMA, prepare
from carbonfin.app.jobs.end_of_day import Means
from carbonfin.kernel.cryptography import EcdsaSigner, new_ecdsa_pem
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import Conflict
from carbonfin.storage.calendars import import_builtin_calendars
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.job_requests import JobRequestState, load_job_request
from tests.app.jobs.recorder import Recorder
from tests.app.worlds import NOW, build_world
from tests.database_roles import APPLICATION, RoleAddresses, database_with_roles
from tests.postgres import Postgres

CLOCK = FixedClock(NOW)
MEANS = Means(clock=CLOCK, signer=EcdsaSigner.from_pem(new_ecdsa_pem()))
pytestmark = pytest.mark.postgres


@pytest.fixture
def addresses(postgres: Postgres) -> Iterator[RoleAddresses]:
    with database_with_roles(postgres) as addresses:
        yield addresses


def test_the_application_works_where_the_owner_has_prepared(
    addresses: RoleAddresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder()
    monkeypatch.setattr(end_of_day, "END_OF_DAY", recorder.steps())
    with ExitStack() as stack:
        engine = open_engine(addresses.application)
        stack.callback(engine.dispose)
        sessions = Sessions(engine)
        assert not worker.may_migrate(engine)
        world = build_world(sessions.as_operator())
        owner = open_engine(addresses.owner)
        stack.callback(owner.dispose)
        with Sessions(owner).as_operator().begin() as session:
            import_builtin_calendars(session)
        with sessions.within(world.officer).begin() as session:
            asked = ask_for_end_of_day(session, world.officer, first=None, last=None, rolls=True, clock=CLOCK)
        with pytest.raises(Conflict, match="missing or older"):
            worker.work(sessions, means=MEANS, stop=threading.Event(), until_idle=True)
        for _ in range(2):
            prepare(addresses.owner, role=APPLICATION)
        worker.work(sessions, means=MEANS, stop=threading.Event(), until_idle=True)
        with sessions.within(world.officer).read() as session:
            assert load_job_request(session, world.officer, asked.id).state is JobRequestState.DONE
        assert recorder.ran == ["a 2025-06-30", "b 2025-06-30", "c 2025-06-30"]
        with owner.connect() as connection:
            query = sa.text("SELECT count(*) FROM information_schema.tables WHERE table_schema = :schema")
            assert connection.execute(query, {"schema": SCHEMA}).scalar_one() > 0
