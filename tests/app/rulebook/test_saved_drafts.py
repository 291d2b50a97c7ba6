"""Saved drafts of rules on pages, over the API and on the command line: kept, seen again, proposed or withdrawn."""

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from litestar.testing import TestClient
from typer.testing import CliRunner, Result

from carbonfin.app import cli
from carbonfin.kernel.dates import FixedClock
from carbonfin.rules.table_files import tables_to_toml
from carbonfin.rules.tables import plain_table
from carbonfin.web.terminal import Terminal
from tests.app.rulebook.test_rules_pages import FIRST, GAPPED, TODAY, sent, version
from tests.app.worlds import NOW, PAGE, World, form_token, signed_in

Run = Callable[..., Result]


def kept_from(client: TestClient[Any], page: str) -> str:
    """Keep what a preview shows as a draft; give its address."""
    content = re.search(r'name="content" value="([^"]*)"', page)
    assert content is not None, "the page offers no draft"
    form = {"_csrf_token": form_token(page), "content": html.unescape(content[1]), "reason": "拟修订", "step": "draft"}
    answer = client.post("/rules/proposals", data=form, headers=PAGE, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def test_a_draft_is_kept_on_its_page_and_submitted_from_there(world: World) -> None:
    with signed_in(world) as client:
        _, page = sent(client, "margins.toml", tables_to_toml([version(FIRST)]).encode())
        address = kept_from(client, page)
        listed = client.get("/rules", headers=PAGE).text
        kept = client.get(address, headers=PAGE).text
        moved = client.post(
            f"{address}/submission", data={"_csrf_token": form_token(kept)}, headers=PAGE, follow_redirects=False
        )
        proposed = client.get(address, headers=PAGE).text
    assert f'href="{address}"' in listed
    assert "草稿" in listed
    assert f"校验通过，内容摘要 {FIRST.digest}" in kept
    assert f'action="{address}/submission"' in kept
    assert (moved.status_code, moved.headers["location"]) == (303, address)
    assert "待复核" in proposed
    assert f'action="{address}/submission"' not in proposed


def test_an_unsound_draft_is_kept_and_its_page_says_why_it_is_not_submitted(world: World) -> None:
    with signed_in(world) as client:
        _, page = sent(client, "margins.toml", tables_to_toml([version(GAPPED)]).encode())
        address = kept_from(client, page)
        kept = client.get(address, headers=PAGE).text
        refused = client.post(f"{address}/submission", data={"_csrf_token": form_token(kept)}, headers=PAGE)
        withdrawn = client.post(
            f"{address}/withdrawal", data={"_csrf_token": form_token(kept), "reason": "改写"}, headers=PAGE
        )
    assert "校验未通过，内容摘要" in kept
    assert refused.status_code == 422
    assert "决策表未通过校验" in refused.text
    assert "已撤回" in withdrawn.text


@pytest.fixture
def asked() -> Any:
    def call(client: TestClient[Any], path: str, key: str, body: dict[str, object] | None = None) -> Any:
        headers = {"X-CSRF-Token": form_token(client.get("/rules/drafts", headers=PAGE).text), "Idempotency-Key": key}
        return client.post(path, json=body, headers=headers)

    return call


def test_the_api_keeps_a_draft_and_submits_it_once(world: World, asked: Any) -> None:
    body: dict[str, object] = {
        "table": plain_table(FIRST), "valid_from": str(TODAY), "known_from": str(TODAY), "reason": "拟修订",
        "is_draft": True,
    }  # fmt: skip
    with signed_in(world) as client:
        kept = asked(client, "/v1/rules/proposals", "draft-1", body)
        path = f"/v1/rules/proposals/{kept.json()['approval_id']}"
        review = client.get(path).json()
        first, again = (asked(client, f"{path}/submit", "submit-1") for _ in range(2))
        late = asked(client, f"{path}/submit", "submit-2")
        events = client.get(f"/v1/approvals/{kept.json()['approval_id']}").json()["events"]
    assert (kept.status_code, kept.json()["state"]) == (201, "draft")
    assert (review["proposal"]["state"], review["review"]["may_be_proposed"]) == ("draft", True)
    assert (first.status_code, first.json()["state"], again.json()) == (200, "proposed", first.json())
    assert late.status_code == 409
    assert [one["event"] for one in events] == ["draft", "validate", "validate", "propose"]
    assert FIRST.digest in events[1]["reason"]


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch) -> Run:
    def terminal(choice: cli.Choice) -> Terminal:
        return Terminal(
            sessions=world.sessions.within(world.officer), actor=world.officer, clock=FixedClock(NOW),
            json_output=choice.json_output,
        )  # fmt: skip

    monkeypatch.setattr(cli.Choice, "terminal", terminal)
    return lambda *words: CliRunner().invoke(cli.carbonfin, ["--json", "rules", *words])


def said(result: Result) -> Any:
    assert result.exit_code == 0, result.exception or result.output
    return json.loads(result.stdout)


def test_the_command_line_keeps_lists_submits_and_withdraws(run: Run, tmp_path: Any) -> None:
    file = tmp_path / "margins.toml"
    file.write_text(tables_to_toml([version(FIRST)]), encoding="utf-8")
    (kept,) = said(run("propose", str(file), "--reason", "拟修订", "--draft"))
    (listed,) = said(run("drafts"))
    proposed = said(run("submit", kept["approval"]))
    withdrawn = said(run("withdraw", kept["approval"], "--reason", "改写"))
    assert (kept["state"], listed["approval"], listed["state"]) == ("draft", kept["approval"], "draft")
    assert FIRST.digest in listed["validated"]
    assert (proposed["state"], withdrawn["state"], said(run("drafts"))) == ("proposed", "withdrawn", [])
