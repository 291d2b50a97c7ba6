"""A mail server for rehearsals: takes every mail on a port of this machine, keeps it in memory, sends nothing on."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenMail:
    """A mail as it came in."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage


class MailSimulator:
    """What the server has taken, and what it refuses when told to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mails: list[TakenMail] = []
        self.refuses = 0
        self.address = ""

    @property
    def mails(self) -> tuple[TakenMail, ...]:
        """The mails taken so far."""
        with self._lock:
            return tuple(self._mails)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 - the library's names
        """Take a mail, or refuse it for now."""
        with self._lock:
            if self.refuses > 0:
                self.refuses -= 1
                return "451 try again later"
            content = envelope.content if isinstance(envelope.content, bytes) else b""
            message = message_from_bytes(content, policy=modern)
            assert isinstance(message, EmailMessage)
            self._mails.append(
                TakenMail(sender=envelope.mail_from or "", recipients=tuple(envelope.rcpt_tos), message=message)
            )
        return "250 taken"


@contextmanager
def running_mail_simulator(*, port: int = 0) -> Iterator[MailSimulator]:
    """Run the mail server, on a free port unless one is named, until the block ends."""
    simulator = MailSimulator()
    controller = _Controller(simulator, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        simulator.address = f"smtp://127.0.0.1:{controller.port}"
        yield simulator
    finally:
        controller.stop()


class _Controller(Controller):
    """The library's server; it greets its own port to see that it is up, so it must learn a port chosen for it."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # the library's own gap
