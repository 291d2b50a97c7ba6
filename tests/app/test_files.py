"""Evidence over the API and on pages: what is taken, linked, handed back, voided and erased, and each refusal."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.factory import create_app
from carbonfin.app.serving import bounded
from carbonfin.kernel.dates import FixedClock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.files import FILE_BYTES_MAX
from tests.app.worlds import NOW, PAGE, PASSWORD, SETTINGS, World, build_world, form_token, keyed_client, signed_in
from tests.storage import file_samples as samples

PDF_DIGEST = re.compile(r"[0-9a-f]{64}")


@pytest.fixture
def world(sessions: Sessions) -> World:
    return build_world(sessions)


def _contents(world: World) -> tuple[int, ...]:
    tables = ("evidence_file", "file_link", "idempotency_key", "approval", "security_event")
    with world.sessions.read() as session:
        return tuple(session.execute(sa.text(f"SELECT count(*) FROM {name}")).scalar_one() for name in tables)  # noqa: S608 - own names


def _send(
    client: TestClient[Any],
    world: World,
    content: bytes = b"",
    *,
    name: str = "合同.pdf",
    key: str = "k1",
    **form: str,
) -> Any:
    fields = {"subject": f"party:{world.party_id}", "kind": "contract"} | form
    return client.post(
        "/v1/files",
        files={"file": (name, content or samples.pdf(), "application/octet-stream")},
        data={field: value for field, value in fields.items() if value is not None},
        headers={"Idempotency-Key": key},
    )


def test_a_file_is_sent_listed_read_and_handed_back_to_keep(world: World) -> None:
    with keyed_client(world) as client:
        sent = _send(client, world, is_personal="true", retain_until="2030-06-30")
        assert sent.status_code == 201, sent.text
        stored = sent.json()
        digest = stored["digest"]
        assert "合同" not in sent.text, "kept with the idempotency key, where no erasure reaches"
        facts = client.get(f"/v1/files/{digest}").json()
        listed = client.get("/v1/files", params={"subject": f"party:{world.party_id}"})
        content = client.get(f"/v1/files/{digest}/content")
    assert (facts["media_type"], facts["size_bytes"], facts["stored_by_name"]) == (
        "application/pdf", len(samples.pdf()), "demo-core-banking",
    )  # fmt: skip
    link = facts["links"][0]
    assert (link["name"], link["kind"], link["is_personal"], link["retain_until"], link["voided_at"]) == (
        "合同.pdf", "contract", True, "2030-06-30", None,
    )  # fmt: skip
    assert [one["link"]["link_id"] for one in listed.json()["files"]] == [stored["link_id"]]
    assert content.content == samples.pdf()
    assert content.headers["content-type"] == "application/pdf"
    assert content.headers["content-disposition"] == (
        f"attachment; filename=\"__.pdf\"; filename*=UTF-8''{quote('合同.pdf')}"
    )
    assert content.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert content.headers["x-content-type-options"] == "nosniff"
    assert content.headers["cache-control"] == "private, no-store"
    assert "default-src 'self'" in listed.headers["content-security-policy"]


def test_sent_twice_with_one_key_it_is_done_once_and_another_body_is_a_conflict(world: World) -> None:
    with keyed_client(world) as client:
        first = _send(client, world)
        again = _send(client, world)
        other = _send(client, world, samples.png(), name="a.png")
        same_content = _send(client, world, key="k2", kind="title")
        assert (first.status_code, again.status_code, again.headers["idempotent-replayed"]) == (201, 201, "true")
        assert again.json() == first.json()
        assert (other.status_code, other.json()["code"]) == (409, "conflict")
        assert same_content.json()["digest"] == first.json()["digest"]
    assert _contents(world)[:2] == (1, 2)


def test_lists_go_page_by_page(world: World) -> None:
    with keyed_client(world) as client:
        for number in range(3):
            assert (
                _send(client, world, samples.png(width=number + 1), name="a.png", key=f"k{number}").status_code == 201
            )
        first = client.get("/v1/files", params={"limit": 2})
        address = re.search(r'<([^>]+)>; rel="next"', first.headers["link"])
        assert address is not None
        second = client.get(address.group(1))
    digests = [one["link"]["digest"] for answer in (first, second) for one in answer.json()["files"]]
    assert (len(first.json()["files"]), len(set(digests))) == (2, 3)


BAD_FILES: Mapping[str, tuple[str, bytes, str]] = {
    "an executable": ("a.exe", b"MZ" + bytes(64), "are not taken"),
    "an executable called a PDF": ("a.pdf", b"MZ" + bytes(64), "the content is"),
    "a page": ("a.html", b"<html></html>", "are not taken"),
    "a page called a text": ("a.txt", b"<html><script>x</script>", "markup"),
    "a drawing with scripts": ("a.png", b"<svg onload='x'/>", "the content is"),
    "another type": ("a.pdf", samples.png(), "the content is png"),
    "an empty file": ("a.pdf", b"", "it is empty"),
    "a bomb": ("a.xlsx", samples.bomb_of_zeros(), "ZIP bomb"),
    "overlapping parts": ("a.xlsx", samples.bomb_of_one_core(), "overlap"),
    "an archive within": ("a.xlsx", samples.repacked(samples.xlsx_file(), parts={"a.png": samples.ofd_file()}), "an archive"),
    "macros": ("a.xlsx", samples.macro_workbook(), "xlsx holds"),
    "a link outside": (
        "a.docx",
        samples.repacked(samples.docx_file(), parts={"word/embeddings/a.xml": b"<a/>"}),
        "embedded objects",
    ),
    "a script in a PDF": ("a.pdf", samples.pdf_with_script(), "JavaScript"),
    "a file in a PDF": ("a.pdf", samples.pdf_with_attachment(), "embedded files"),
    "a password": ("a.pdf", samples.pdf_with_password(), "encrypted"),
    "a formula in CSV": ("a.csv", b"a,b\n1,=cmd|'/C calc'!A0\n", "row 2, column 2"),
    "a formula as text": ("a.xlsx", samples.xlsx_with_text("C7", "=1+1"), "row 7, column C"),
    "a name of nothing": ("../..", samples.pdf(), "no stem or no ending"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_refused_file_changes_nothing(world: World, case: str) -> None:
    name, content, why = BAD_FILES[case]
    before = _contents(world)
    with keyed_client(world) as client:
        answer = client.post(
            "/v1/files",
            files={"file": (name, content, "application/pdf")},
            data={"subject": f"party:{world.party_id}", "kind": "contract"},
            headers={"Idempotency-Key": "k1"},
        )
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["errors"][0]["field"]) == (422, "invalid-input", "file"), (
        problem
    )
    assert why in problem["detail"]
    assert problem["detail_zh"]
    assert problem["remedy_zh"]
    assert _contents(world) == before


BAD_FORMS: Mapping[str, tuple[dict[str, Any], int, str]] = {
    "no subject": ({"subject": None}, 400, "malformed-request"),
    "an odd subject": ({"subject": "party"}, 400, "malformed-request"),
    "an unknown kind of subject": ({"subject": "user:x"}, 422, "invalid-input"),
    "a subject that is not there": ({"subject": "party:none"}, 422, "invalid-input"),
    "an unknown kind": ({"kind": "virus"}, 400, "malformed-request"),
    "no such day": ({"retain_until": "2030-02-30"}, 422, "invalid-input"),
    "no day": ({"retain_until": "soon"}, 400, "malformed-request"),
    "a hold with an end": ({"kind": "hold", "retain_until": "2030-06-30"}, 422, "invalid-input"),
    "no flag": ({"is_personal": "perhaps"}, 400, "malformed-request"),
    "a field too many": ({"more": "x"}, 400, "malformed-request"),
}


@pytest.mark.parametrize("case", BAD_FORMS)
def test_a_refused_form_changes_nothing(world: World, case: str) -> None:
    form, status, code = BAD_FORMS[case]
    before = _contents(world)
    with keyed_client(world) as client:
        answer = _send(client, world, **form)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert _contents(world) == before


def test_what_is_no_form_or_too_large_is_refused_as_such(world: World) -> None:
    before = _contents(world)
    boundary = {"Content-Type": "multipart/form-data; boundary=x", "Idempotency-Key": "k1"}
    with keyed_client(world) as client:
        asked: list[tuple[int, Any]] = [
            (415, client.post("/v1/files", json={"subject": "x"}, headers={"Idempotency-Key": "k1"})),
            (415, client.post("/v1/decisions/x/replay", files={"file": ("a.pdf", b"x")})),
            (400, client.post("/v1/files", content=b"no form at all", headers=boundary)),
            (400, client.post("/v1/files", content=b"x", headers=boundary | {"Content-Type": "multipart/form-data"})),
            (400, client.post("/v1/files", data={"subject": "party:x"}, files={"other": ("a.pdf", b"x")},
                              headers={"Idempotency-Key": "k1"})),
            (413, _send(client, world, b"x" * (FILE_BYTES_MAX + 1), name="a.txt")),
            (413, _send(client, world, b"x" * (FILE_BYTES_MAX + 80_000), name="a.txt")),
            (400, client.post("/v1/files", files={"file": ("a.pdf", samples.pdf())},
                              data={"subject": f"party:{world.party_id}", "kind": "contract"})),
        ]  # fmt: skip
    assert [(wanted, answer.status_code) for wanted, answer in asked if answer.status_code != wanted] == []
    assert asked[-1][1].json()["code"] == "idempotency-key-required"
    assert _contents(world) == before


def test_the_server_lets_a_large_file_through_to_where_files_are_sent(world: World) -> None:
    large = b"x" * (12 * 1024 * 1024)
    with TestClient(bounded(world.app)) as client:
        client.headers.update(world.key_headers())
        assert _send(client, world, large, name="a.txt").status_code == 201
        elsewhere = client.post("/v1/valuations", content=large, headers={"Content-Type": "application/json"})
        assert elsewhere.status_code == 413
        assert _send(client, world, b"x" * (FILE_BYTES_MAX + 80_000), name="a.txt", key="k2").status_code == 413


def test_another_bank_and_a_reader_are_refused(world: World) -> None:
    with keyed_client(world) as client:
        digest = _send(client, world).json()["digest"]
    before = _contents(world)
    with keyed_client(world, "other") as client:
        for address in (f"/v1/files/{digest}", f"/v1/files/{digest}/content"):
            assert client.get(address).status_code == 404
        assert client.get("/v1/files").json() == {"files": []}
        link = {"subject": f"party:{world.party_id}", "kind": "title"}
        assert client.post(f"/v1/files/{digest}/links", json=link, headers={"Idempotency-Key": "k"}).status_code == 404
        assert _send(client, world).status_code == 422, "the party is another bank's"
    with keyed_client(world, "auditor") as client:
        assert client.get(f"/v1/files/{digest}/content").status_code == 200
        assert _send(client, world, key="k9").status_code == 403
    with keyed_client(world) as client:
        erasure = client.post(f"/v1/files/{digest}/erasure", json={"reason": "x"}, headers={"Idempotency-Key": "k"})
        assert erasure.status_code == 403, "a system proposes no erasure"
        assert client.get("/v1/files/abc").status_code == 404
        assert client.get(f"/v1/files/{'0' * 64}").status_code == 404
    assert _contents(world) == before


def test_links_are_added_and_marked_void_once(world: World) -> None:
    with keyed_client(world) as client:
        digest = _send(client, world).json()["digest"]
        body = {"subject": f"decision:{world.decision_id}", "kind": "verification", "retain_until": "2031-01-01"}
        added = client.post(f"/v1/files/{digest}/links", json=body, headers={"Idempotency-Key": "k2"})
        assert (added.status_code, added.json()["subject"]) == (201, f"decision:{world.decision_id}")
        address = f"/v1/files/{digest}/links/{added.json()['link_id']}/void"
        assert client.post(address, json={"reason": ""}).status_code == 400
        assert client.post(address, json={"reason": " "}).status_code == 422
        voided = client.post(address, json={"reason": "挂错"})
        assert (voided.status_code, voided.json()["void_reason"], voided.json()["name"]) == (200, "挂错", "合同.pdf")
        assert client.post(address, json={"reason": "再次"}).status_code == 409
        assert client.post(f"/v1/files/{digest}/links/none/void", json={"reason": "x"}).status_code == 404
        facts = client.get(f"/v1/files/{digest}").json()
    assert sorted((one["subject"].split(":")[0], one["void_reason"]) for one in facts["links"]) == [
        ("decision", "挂错"), ("party", None),
    ]  # fmt: skip


def _upload_form(client: TestClient[Litestar], world: World, **form: str) -> Any:
    token = form_token(client.get("/files", headers=PAGE).text)
    fields = {"subject": f"party:{world.party_id}", "kind": "identity", "personal": "yes", "retain_until": "2026-03-01",
              "_csrf_token": token} | form  # fmt: skip
    return client.post(
        "/files", files={"file": ("身份证.png", samples.png(), "image/png")}, data=fields, headers=PAGE,
        follow_redirects=False,
    )  # fmt: skip


def test_pages_send_link_void_and_erase_with_two_people(world: World) -> None:
    with signed_in(world) as client:
        sent = _upload_form(client, world)
        assert sent.status_code == 303, sent.text
        address = sent.headers["location"]
        shown = client.get(address, headers=PAGE).text
        assert "身份证.png" in shown
        listed = client.get("/files", headers=PAGE).text
        assert "应删除" in listed, "its last day was yesterday"
        token = form_token(shown)
        form = {"reason": "保存期满", "_csrf_token": token}
        proposed = client.post(f"{address}/erasure", data=form, headers=PAGE, follow_redirects=False)
        approval = proposed.headers["location"]
        assert re.fullmatch(r"/approvals/[0-9a-f-]{36}", approval)
        assert client.post(f"{address}/erasure", data=form, headers=PAGE).status_code == 409
        assert "已申请删除内容" in client.get(address, headers=PAGE).text
    with signed_in(world, "checker") as client:
        before = client.get(approval, headers=PAGE).text
        assert "身份证.png" not in before
        form = {"finding": "approve", "reason": "同意", "password": PASSWORD, "version": "2",
                "_csrf_token": form_token(before)}  # fmt: skip
        decided = client.post(f"{approval}/decision", data=form, headers=PAGE, follow_redirects=False)
        assert decided.status_code == 303, decided.text
        after = client.get(address, headers=PAGE).text
        assert "内容已依规删除" in after
        assert "身份证.png" not in after
        assert client.get(f"{address}/content", headers=PAGE).status_code == 404
        again = _upload_form(client, world)
        assert again.status_code == 409
        assert "不能再次存入" in again.text
    with world.sessions.read() as session:
        kept = session.execute(sa.text("SELECT content, erasure_reason FROM evidence_file")).one()
    assert tuple(kept) == (None, "保存期满")


def test_a_refused_form_of_a_page_keeps_what_was_typed(world: World) -> None:
    before = _contents(world)
    with signed_in(world) as client:
        before = _contents(world)
        for change, status, words in (
            ({"subject": "party:none"}, 422, "找不到要关联的企业"),
            ({"kind": ""}, 422, "请选择文件类别"),
            ({"retain_until": "2026-02-30"}, 422, "不存在"),
            ({"_csrf_token": "0" * 64}, 403, "防伪标记"),
        ):
            answer = _upload_form(client, world, **change)
            assert (answer.status_code, words in answer.text) == (status, True), change
            if status == 422 and "retain_until" not in change:
                assert 'value="2026-03-01"' in answer.text
    assert _contents(world) == before


def test_names_and_reasons_that_hold_markup_are_shown_as_words(world: World) -> None:
    name = "<img src=x onerror=alert(1)>.png"
    with signed_in(world) as client:
        token = form_token(client.get("/files", headers=PAGE).text)
        fields = {"subject": f"party:{world.party_id}", "kind": "other", "_csrf_token": token}
        sent = client.post("/files", files={"file": (name, samples.png(), "image/png")}, data=fields, headers=PAGE)
        assert sent.status_code == 200
        assert "<img" not in sent.text
        address = str(sent.url.path)
        void = re.search(r'action="(/files/[0-9a-f]{64}/links/[0-9a-f-]{36}/void)"', sent.text)
        assert void is not None
        form = {"reason": "<script>alert(1)</script>", "_csrf_token": token}
        shown = client.post(void.group(1), data=form, headers=PAGE)
        assert (shown.status_code, "<script>alert" in shown.text, "&lt;script&gt;" in shown.text) == (200, False, True)
        assert client.get(address, headers=PAGE).status_code == 200


def test_the_last_day_is_asked_again_when_the_checker_approves(world: World) -> None:
    """The proposal is made on the day after the last; a hold that comes later stops the approval, nothing is erased."""
    with signed_in(world) as client:
        address = _upload_form(client, world).headers["location"]
        token = form_token(client.get(address, headers=PAGE).text)
        proposed = client.post(
            f"{address}/erasure", data={"reason": "期满", "_csrf_token": token}, headers=PAGE, follow_redirects=False
        )
        hold = {"subject": f"decision:{world.decision_id}", "kind": "hold", "_csrf_token": token}
        assert client.post(f"{address}/links", data=hold, headers=PAGE, follow_redirects=False).status_code == 303
    with signed_in(world, "checker") as client:
        page = client.get(proposed.headers["location"], headers=PAGE).text
        form = {"finding": "approve", "reason": "同意", "password": PASSWORD, "version": "2",
                "_csrf_token": form_token(page)}  # fmt: skip
        decided = client.post(f"{proposed.headers['location']}/decision", data=form, headers=PAGE)
        assert (decided.status_code, "要求保存" in decided.text) == (409, True)
        assert client.get(f"{address}/content", headers=PAGE).content == samples.png()


def test_before_its_last_day_no_erasure_is_offered_or_taken(world: World) -> None:
    early = create_app(SETTINGS, world.sessions, FixedClock(NOW - timedelta(days=3)), packages=())
    with signed_in(world) as client:
        address = _upload_form(client, world).headers["location"]
        cookies = dict(client.cookies)
    with TestClient(early, cookies=cookies) as client:
        page = client.get(address, headers=PAGE).text
        assert "尚不能删除" in page
        form = {"reason": "提前", "_csrf_token": form_token(page)}
        assert client.post(f"{address}/erasure", data=form, headers=PAGE).status_code == 409
    assert _contents(world)[3] == 0
