"""Evidence before the virus scanner: ClamAV's own daemon, with a signature of the test's, over loopback."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from litestar.testing import TestClient

from carbonfin.app.factory import create_app
from carbonfin.app.files.scanner import Clamd, NoScanner, scanner_from
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import InvalidInput, UpstreamFailed
from carbonfin.storage.engine import Sessions
from tests.app.worlds import NOW, PAGE, SETTINGS, World, build_world, form_token, keyed_client, signed_in

_CLAMD = shutil.which("clamd", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))
_KNOWN = b"Known-to-the-scanner"
_STREAM_BYTES_MAX = 1_000_000
pytestmark = pytest.mark.skipif(
    _CLAMD is None and not os.environ.get("CARBONFIN_REQUIRE_SCANNER"), reason="clamd is not installed here"
)


@pytest.fixture(scope="module")
def scanner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clamd]:
    """The daemon, knowing one signature and taking a million bytes at most."""
    assert _CLAMD is not None, "clamd is demanded here and missing"
    folder = tmp_path_factory.mktemp("clamd")
    (folder / "own.ndb").write_text(f"Test.Known.File:0:*:{_KNOWN.hex()}\n")
    port = _free_port()
    (folder / "clamd.conf").write_text(
        f"TCPSocket {port}\nTCPAddr 127.0.0.1\nDatabaseDirectory {folder}\nForeground yes\n"
        f"StreamMaxLength {_STREAM_BYTES_MAX}\n"
    )
    with subprocess.Popen(
        [_CLAMD, "-c", folder / "clamd.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as daemon:
        try:
            yield _answering(Clamd("127.0.0.1", port))
        finally:
            daemon.terminate()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def _answering(scanner: Clamd) -> Clamd:
    for _ in range(300):
        try:
            scanner.require_clean(b"x")
        except UpstreamFailed:
            time.sleep(0.2)
        else:
            return scanner
    raise AssertionError("the daemon did not come up in a minute")


def _world(sessions: Sessions, scanner: Clamd) -> World:
    world = build_world(sessions)
    app = create_app(replace(SETTINGS, virus_scanner=scanner), sessions, FixedClock(NOW), packages=())
    return replace(world, app=app)


def _send(client: TestClient, world: World, content: bytes) -> tuple[int, str]:  # type: ignore[type-arg]  # the application's type says nothing here
    answer = client.post(
        "/v1/files",
        files={"file": ("说明.txt", content, "text/plain")},
        data={"subject": f"party:{world.party_id}", "kind": "contract"},
        headers={"Idempotency-Key": content[:20].decode()},
    )
    return answer.status_code, answer.text


def test_the_daemon_tells_what_it_knows_in_whichever_part_it_comes(scanner: Clamd) -> None:
    scanner.require_clean(b"")
    scanner.require_clean(b"x" * 200_000)
    with pytest.raises(InvalidInput, match=r"knows this file as Test\.Known\.File"):
        scanner.require_clean(b"x" * 65_530 + _KNOWN)


def test_a_file_that_the_scanner_knows_is_not_kept(sessions: Sessions, scanner: Clamd) -> None:
    world = _world(sessions, scanner)
    with keyed_client(world) as client:
        status, text = _send(client, world, b"see " + _KNOWN)
        assert (status, "Test.Known.File" in text, '"file"' in text) == (422, True, True)
        assert _send(client, world, b"a sound file")[0] == 201
        kept = client.get("/v1/files").json()["files"]
    assert len(kept) == 1
    with signed_in(world) as client:
        token = form_token(client.get("/files", headers=PAGE).text)
        page = client.post(
            "/files",
            files={"file": ("说明.txt", _KNOWN, "text/plain")},
            data={"subject": f"party:{world.party_id}", "kind": "contract", "_csrf_token": token},
            headers=PAGE,
        )
    assert (page.status_code, "病毒扫描发现恶意内容" in page.text) == (422, True)


def test_nothing_is_kept_that_the_scanner_did_not_see(sessions: Sessions, scanner: Clamd) -> None:
    world = _world(sessions, scanner)
    with keyed_client(world) as client:
        status, text = _send(client, world, b"more than it takes " * (_STREAM_BYTES_MAX // 19 + 1))
        assert (status, "upstream-failed" in text) == (502, True)
    gone = _world_without(world, Clamd("127.0.0.1", _free_port()))
    with keyed_client(gone) as client:
        status, text = _send(client, world, b"a sound file")
        assert (status, "upstream-failed" in text) == (502, True)
        assert client.get("/v1/files").json() == {"files": []}


def _world_without(world: World, gone: Clamd) -> World:
    return replace(
        world, app=create_app(replace(SETTINGS, virus_scanner=gone), world.sessions, FixedClock(NOW), packages=())
    )


def test_the_address_of_a_scanner_is_read_or_refused() -> None:
    assert scanner_from("", name="X") == NoScanner()
    assert scanner_from("clamd://scan.bank.example", name="X") == Clamd("scan.bank.example", 3310)
    assert scanner_from("clamd://127.0.0.1:99", name="X") == Clamd("127.0.0.1", 99)
    for wrong in ("http://scan", "clamd://", "clamd://h:port", "clamd://h/path", "clamd://u@h"):
        with pytest.raises(InvalidInput, match="no address of a scanner"):
            scanner_from(wrong, name="X")
