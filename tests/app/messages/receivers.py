"""A bank's receiver for tests: a real HTTP server that checks each delivery as the guide tells, and can misbehave."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from carbonfin.kernel.dates import SystemClock
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.kernel.webhooks import EventBody, verified


@dataclass
class Receiver:
    """What has come in.

    Attributes:
        secrets: What signatures are checked with; empty checks none.
        answers: Statuses to give, in order; then 200.
        done: Each delivery acted on, once: what a sound receiver does.
        seen: Every request with its headers and body, as it came.
        at: The receiver's clock; None is the machine's.
    """

    address: str = ""
    secrets: tuple[str, ...] = ()
    answers: list[int] = field(default_factory=list)
    done: list[EventBody] = field(default_factory=list)
    seen: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    at: datetime | None = None
    delay_s: float = 0.0
    drip: bool = False
    location: str = ""

    def take(self, headers: dict[str, str], content: bytes) -> int:
        """Check a request and act on it once."""
        self.seen.append((headers, content))
        if self.answers:
            status = self.answers.pop(0)
            if status != 200:
                return status
        if not self.secrets:
            return 200
        try:
            body = verified(self.secrets, headers, content, at=self.at or SystemClock().now())
        except CarbonFinError as error:
            self.refused.append(error.detail)
            return 401
        if body.delivery_id not in {one.delivery_id for one in self.done}:
            self.done.append(body)
        return 200


@contextmanager
def running_receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Run a receiver on a free port of this machine, over TLS where it is given a certificate."""
    receiver = Receiver()
    ended = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            ended.wait(receiver.delay_s)
            status = receiver.take(dict(self.headers.items()), content)
            try:
                if receiver.drip:
                    self._drip()
                    return
                self.send_response(status)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", "7")
                self.end_headers()
                self.wfile.write(b"private")
            except OSError:
                self.close_connection = True

        def _drip(self) -> None:
            for letter in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000:
                self.wfile.write(bytes([letter]))
                time.sleep(0.02)
                if ended.is_set():
                    return

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the server's own name for it
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that was cut off is the point here
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    receiver.address = f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_address[1]}/hooks"
    try:
        yield receiver
    finally:
        ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


def certificate_for(name: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Give what a server named so shows, and what a client that trusts it believes."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = SystemClock().now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    written = folder / "server.pem"
    written.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(written)
    believed = ssl.create_default_context(cadata=certificate.public_bytes(serialization.Encoding.PEM).decode())
    return shown, believed
