"""The access policy: every route stands in it, nothing else does, and a role outside it is refused."""

import re
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.testing import TestClient

from carbonfin.app.access import plain_entry, roles_for
from carbonfin.app.factory import PACKAGES, create_app
from carbonfin.app.policy import NOT_SERVED, POLICY, PUBLIC
from carbonfin.kernel.actors import Role
from carbonfin.storage.engine import Sessions, open_engine
from tests.app.worlds import SETTINGS, World, build_world

ROOT = Path(__file__).parents[1]
PACKAGES_FOLDERS = ("carbonfin", "pricing", "collateral", "loans", "reporting")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Litestar:
    return create_app(SETTINGS, Sessions(open_engine(f"sqlite:///{tmp_path_factory.mktemp('access') / 'x.db'}")))


def _entries(app: Litestar) -> set[str]:
    return {
        plain_entry(method, route.path_format)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method in route.methods
        if method != "OPTIONS"
    }


def _listed() -> set[str]:
    return {plain_entry(*entry.split(" ", 1)) for entry in (*POLICY, *PUBLIC)}


def test_what_templates_ask_about_stands_in_the_policy() -> None:
    """A route that nobody knows is nobody's: its button would never be shown to anyone."""
    asked = {
        (template.name, question)
        for package in PACKAGES_FOLDERS
        for template in (ROOT / package).rglob("*.html")
        for question in re.findall(r"\bmay\(([^)]*)\)", template.read_text(encoding="utf-8"))
    }
    assert len(asked) > 20
    known = {f'"{path}"' if method == "GET" else f'"{path}", "{method}"' for method, path in map(str.split, _listed())}
    assert [(name, question) for name, question in sorted(asked) if question not in known] == []


def test_every_route_stands_in_the_policy(app: Litestar) -> None:
    missing = _entries(app) - _listed() - NOT_SERVED
    assert not missing, f"add these routes to carbonfin/app/policy.py: {sorted(missing)}"


def test_the_policy_names_no_route_that_is_not_there(app: Litestar) -> None:
    stale = _listed() - _entries(app)
    assert not stale, f"remove these entries from carbonfin/app/policy.py: {sorted(stale)}"


def test_no_route_is_public_and_restricted_at_once() -> None:
    public = {plain_entry(*entry.split(" ", 1)) for entry in PUBLIC}
    restricted = {plain_entry(*entry.split(" ", 1)) for entry in POLICY}
    assert not public & restricted


def test_every_entry_names_a_method_and_roles() -> None:
    for entry, roles in POLICY.items():
        assert re.fullmatch(r"(GET|POST|PUT|PATCH|DELETE) /\S*", entry), entry
        assert roles, f"{entry} is open to nobody"
        assert roles <= frozenset(Role), entry


def test_an_unlisted_route_is_open_to_nobody() -> None:
    assert roles_for("GET", "/v1/not-listed") == frozenset()
    assert roles_for("DELETE", "/v1/decisions/{decision_id}") == frozenset()


def test_a_writing_page_is_never_open_to_the_auditor() -> None:
    # What replays, previews, streams, measures, reads, tries or proves stores nothing; an own notice is marked as read.
    reading = (
        "/replay",
        "/preview",
        "/previews",
        "/stream",
        "/v1/risk",
        "/risk/backtests",
        "/trials",
        "/v1/rules/files",
        "/validations",
        "/trades/read",
        "/compliance-values",
        "/options/values",
        "/sign-out",
        "/sign-in/second-factor",
        "/inbox/{item_id:str}/read",
    )
    own_account = "POST /account/"
    writing = [entry for entry in POLICY if not entry.startswith(("GET ", own_account)) and not entry.endswith(reading)]
    assert not [entry for entry in writing if Role.AUDITOR in POLICY[entry]]


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    return build_world(sqlite_sessions, packages=PACKAGES)


def test_a_stranger_is_refused_at_every_restricted_route(world: World) -> None:
    with TestClient(world.app) as client:
        for entry in POLICY:
            method, template = entry.split(" ", 1)
            path = re.sub(r"\{[^}]*\}", "x", template)
            answer = client.request(method, path, headers={"Accept": "application/json"})
            assert answer.status_code == 401, f"{entry}: {answer.status_code}"
            assert answer.json()["code"] == "not-authenticated"
            assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_role_outside_the_policy_is_refused_at_every_route(world: World) -> None:
    for role, headers in (
        (Role.SYSTEM, world.key_headers()),
        (Role.AUDITOR, world.key_headers("auditor")),
    ):
        with TestClient(world.app) as client:
            for entry, roles in POLICY.items():
                if role in roles:
                    continue
                method, template = entry.split(" ", 1)
                path = re.sub(r"\{[^}]*\}", "x", template)
                answer = client.request(method, path, headers=headers)
                assert answer.status_code == 403, f"{entry} as {role}: {answer.status_code}"
                assert answer.json()["code"] == "not-permitted"
