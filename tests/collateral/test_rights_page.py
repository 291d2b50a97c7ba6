"""Who may hold what, by both dates, as page and API."""

import pytest

from carbonfin.app.packages import PACKAGES
from carbonfin.storage.engine import Sessions
from tests.app.worlds import PAGE, World, build_world, keyed_client, signed_in


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    return build_world(sqlite_sessions, packages=PACKAGES)


def test_each_right_has_its_answer_its_clause_and_its_grade(world: World) -> None:
    with keyed_client(world) as client:
        body = client.get("/v1/holding-rights?scheme=CEA").json()
        early = client.get("/v1/holding-rights?scheme=CEA&valid_on=2020-01-01&known_on=2020-01-01").json()
        assert client.get("/v1/holding-rights?valid_on=yesterday").status_code == 422
    found = {(one["holder_kind"], one["right"]): one for one in body["rights"]}
    assert len(found) == 8 * 5
    assert (found["key_emitter", "pledge"]["answer"], found["key_emitter", "pledge"]["grade"]) == ("allowed", "memory")
    assert found["key_emitter", "pledge"]["confirmed"] is False
    assert found["enterprise", "pledge"]["answer"] is None
    assert (found["verifier", "trade"]["answer"], found["verifier", "trade"]["always_barred"]) == ("barred", True)
    before = {(one["holder_kind"], one["right"]): one["answer"] for one in early["rights"]}
    assert (before["key_emitter", "pledge"], before["exchange", "hold"]) == (None, "barred")


def test_the_page_says_so_in_words_and_marks_what_is_not_confirmed(world: World) -> None:
    with signed_in(world) as client:
        text = client.get("/holding-rights", headers=PAGE).text
        english = client.get("/holding-rights?lang=en&valid_on=2020-01-01", headers=PAGE).text
    assert all(word in text for word in ("重点排放单位", "受让所有权", "未载明", "禁止", "未确认", "凭记忆"))
    assert "2020-01-01" in english
    assert "Allowed" not in english
