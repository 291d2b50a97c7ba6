"""The whole API against its own description: made-up requests get described answers, never a 5xx."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from litestar import Litestar
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from carbonfin.app.factory import PACKAGES
from carbonfin.app.tables import all_tables
from carbonfin.storage.calendars import import_builtin_calendars
from carbonfin.storage.engine import Sessions, open_engine
from pricing.service import import_builtin_market
from tests.app.worlds import World, build_world


@pytest.fixture(scope="module")
def whole_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('schema') / 'carbonfin.db'}")
    all_tables().create_all(engine)
    sessions = Sessions(engine)
    world = build_world(sessions, packages=PACKAGES)
    with sessions.begin() as session:
        import_builtin_calendars(session)
        import_builtin_market(session)
    yield world
    engine.dispose()


@pytest.fixture(scope="module")
def api_schema(whole_world: World) -> Any:
    app: Litestar = whole_world.app
    return schemathesis.openapi.from_asgi("/schema/openapi.json", app)


CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
SETTINGS_OF_A_RUN = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_made_up_requests_get_described_answers(api_schema: Any, whole_world: World) -> None:
    """Driven by hand: the pytest plugin does not fit this pytest."""
    failures = []
    count = 0
    for found in api_schema.get_all_operations():
        operation = found.ok()
        count += 1

        @SETTINGS_OF_A_RUN
        @given(case=operation.as_strategy())
        def conforms(case: Any) -> None:
            headers = dict(whole_world.key_headers())
            if case.method != "GET":
                headers["Idempotency-Key"] = uuid.uuid4().hex
            case.validate_response(case.call(headers=headers), checks=CHECKS)

        try:
            conforms()
        except (Exception, BaseExceptionGroup) as failure:  # noqa: BLE001 - every operation is tried first
            failures.append(f"{operation.label}: {failure}")
    assert count >= len(api_schema.raw_schema["paths"])
    assert not failures, "\n\n".join(failures)
