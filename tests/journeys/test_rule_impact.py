"""What a proposed rule does in yuan, as maker and checker meet it on pages and systems by the API, in the sample world."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.factory import create_app
from tests.app.worlds import PAGE, form_token
from tests.journeys.worlds import CLOCK, PASSWORD, SampleCopy

HAIRCUT = {
    "key": "collateral.haircut_ratio", "scope": "SZA", "value": "0.60", "unit": "ratio", "valid_from": "2026-12-31",
    "known_from": "2026-12-31", "document": "示例银行〔2026〕2号", "grade": "read",
}  # fmt: skip


@pytest.fixture
def world(sample: SampleCopy, tmp_path_factory: pytest.TempPathFactory) -> SampleCopy:
    return sample.copied(tmp_path_factory.mktemp("impact"))


@contextmanager
def signed_in(world: SampleCopy, login: str) -> Iterator[TestClient[Litestar]]:
    with world.opened() as sessions, TestClient(create_app(world.settings, sessions, CLOCK)) as client:
        token = form_token(client.get("/sign-in", headers=PAGE).text)
        entry = {"login": login, "password": PASSWORD, "next": "/", "_csrf_token": token}
        client.post("/sign-in", data=entry, headers=PAGE, follow_redirects=False)
        yield client


def plain(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def of_collateral(answer: dict[str, Any]) -> dict[str, Any]:
    (impact,) = (one for one in answer["impacts"] if one["population"] == "pledges and repos")
    found: dict[str, Any] = impact
    return found


def test_the_checker_sees_who_loses_how_much_before_approving(world: SampleCopy) -> None:
    """P2's 60,000 t at 39.00 and 60,000 t at 40.00 lose 0.10 of 4,740,000, P3's 40,000 t at 40.00 of 1,600,000."""
    with signed_in(world, "maker") as client:
        sent = {"X-CSRF-Token": form_token(client.get("/rules", headers=PAGE).text)}
        proven = client.post(
            "/v1/rules/parameters/validations", json=HAIRCUT | {"confirmed": True}, headers=sent
        ).json()
        form = {**HAIRCUT, "confirmed": "yes", "reason": "办法修订", "_csrf_token": sent["X-CSRF-Token"]}
        moved = client.post("/rules/parameters/proposals", data=form, headers=PAGE, follow_redirects=False)
        address = moved.headers["location"]
    with signed_in(world, "checker") as client:
        page = client.get(address, headers=PAGE).text
        english = client.get(f"{address}?lang=en", headers=PAGE).text
        told = client.get(f"/v1{address}/impact").json()
    impact = of_collateral(told)
    assert impact == of_collateral(proven), "the maker was told the same"
    losses = {
        one["subject"]: figure["difference"]
        for one in impact["moves"]
        for figure in one["figures"]
        if figure["name"] == "collateral_value"
    }
    assert losses == {"pledge:P2": "-474000.00", "pledge:P3": "-160000.00"}
    totals = {one["name"]: one["difference"] for one in impact["totals"]}
    assert totals["collateral_value"] == "-634000.00"
    assert "对全部存续质押与回购的影响" in page
    assert "-634,000.00" in plain(page)
    assert "What it would do to all pledges and repos" in english


def test_an_approval_of_something_else_has_no_impact(world: SampleCopy) -> None:
    with signed_in(world, "checker") as client:
        listed = client.get("/v1/approvals", params={"limit": "200"}).json()["approvals"]
        closed = next(one for one in listed if one["state"] != "proposed")
        assert client.get(f"/v1/approvals/{closed['approval_id']}/impact").json()["impacts"] == []
        assert client.get("/v1/approvals/00000000-0000-4000-8000-000000000000/impact").status_code == 404
