"""No page of the sample world leads anybody to where that person is refused, and none leads nowhere."""

import re
from html import unescape
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.factory import create_app
from tests.app.worlds import PAGE, form_token
from tests.journeys.worlds import CLOCK, PASSWORD, SampleCopy

KINDS_MIN = {
    "maker": 35, "checker": 35, "risk": 30, "auditor": 35, "bureau": 15, "bureau-checker": 15, "admin": 20,
    "admin-checker": 20, "operator": 4,
}  # fmt: skip
"""At least so many kinds of address each can reach, so that a walk that stops short is noticed."""
_IDENTIFIER = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{64}")
_LINK = re.compile(r'<a [^>]*href="(/[^"]*)"')
_ELSEWHERE = ("/problems/", "/static/", "/sign-out")


@pytest.mark.parametrize("login", list(KINDS_MIN))
def test_every_link_can_be_followed(sample: SampleCopy, tmp_path: Path, login: str) -> None:
    copy = sample.copied(tmp_path)
    with copy.opened() as sessions, TestClient(create_app(copy.settings, sessions, CLOCK)) as client:
        _sign_in(client, login)
        kinds, refused = _walk(client)
    assert refused == []
    assert len(kinds) >= KINDS_MIN[login], sorted(kinds)


def _sign_in(client: TestClient[Litestar], login: str) -> None:
    form = {"login": login, "password": PASSWORD, "next": "/"}
    token = form_token(client.get("/sign-in", headers=PAGE).text)
    answer = client.post("/sign-in", data={**form, "_csrf_token": token}, headers=PAGE, follow_redirects=False)
    assert answer.status_code == 303, answer.text


def _walk(client: TestClient[Litestar]) -> tuple[set[str], list[str]]:
    """Follow the links of each kind of page once; the kinds reached, and what did not answer 200 with where it stood."""
    kinds: set[str] = set()
    refused: list[str] = []
    waiting = [("/", "")]
    while waiting:
        address, page = waiting.pop(0)
        kind = _IDENTIFIER.sub("ID", re.split("[?#]", address)[0])
        if kind in kinds or kind.startswith(_ELSEWHERE):
            continue
        kinds.add(kind)
        answer = client.get(address, headers=PAGE)
        if answer.status_code != 200:
            refused.append(f"{address} answers {answer.status_code}, linked from {page}")
        elif answer.headers["content-type"].startswith("text/html"):
            waiting += [(unescape(link), address) for link in _LINK.findall(answer.text)]
    return kinds, refused
