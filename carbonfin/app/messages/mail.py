"""Mail over SMTP: the port, the adapter, and what a mail says: where a notice lies, and nothing of a customer."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_LINES
from typing import Protocol
from urllib.parse import unquote, urlsplit

from carbonfin.kernel.errors import InvalidInput, UpstreamFailed
from carbonfin.kernel.webhooks import LOOPBACK_NAMES

TIMEOUT_S = 15.0
_PORTS = {"smtp": 25, "smtps": 465}
_TITLE = "碳金融：您有一条新通知 / Carbonfin: a notice for you"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail; `message_id` is the same each time it is sent."""

    message_id: str
    to: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mail is handed in, and from whom it comes."""

    host: str
    port: int
    implicit_tls: bool
    user: str
    password: str = field(repr=False)
    sender: str

    @property
    def on_this_machine(self) -> bool:
        """Whether nothing travels; everywhere else TLS is required."""
        return self.host in LOOPBACK_NAMES


class Mailer(Protocol):
    """Something that hands in mail."""

    def send(self, mail: Mail) -> None:
        """Hand a mail in.

        Raises:
            UpstreamFailed: It was not taken.
        """


class SmtpMailer:
    """Mail by SMTP: with TLS except on this machine, one connection a mail."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    def send(self, mail: Mail) -> None:
        """Hand a mail in.

        Raises:
            UpstreamFailed: The server was not reached or did not take it, or an address or header is unfit.
        """
        message = message_of(mail, sender=self._server.sender)
        try:
            with self._connected() as connection:
                connection.send_message(message)
        except (smtplib.SMTPException, OSError) as error:
            raise _not_taken(type(error).__name__) from error

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        server = self._server
        if server.implicit_tls:
            context = ssl.create_default_context()
            opened: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_S, context=context)
        else:
            opened = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
        with opened as connection:
            if not server.implicit_tls and not server.on_this_machine:
                connection.starttls(context=ssl.create_default_context())
            if server.user:
                connection.login(server.user, server.password)
            yield connection


def message_of(mail: Mail, *, sender: str) -> EmailMessage:
    """Give a mail as it travels; a line break in a header or address is refused, not folded.

    Raises:
        UpstreamFailed: A header or an address is unfit.
    """
    message = EmailMessage(policy=SMTP_LINES)
    try:
        message["From"] = Address("碳金融", addr_spec=sender)
        message["To"] = Address(addr_spec=mail.to)
        message["Subject"] = mail.subject
        message["Message-ID"] = f"<{mail.message_id}@{sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text, cte="base64")
    except (ValueError, MessageError, IndexError) as error:
        raise _not_taken("the address or a header is unfit") from error
    if not (mail.to.isascii() and sender.isascii()):
        raise _not_taken("the address is not plain ASCII")
    return message


def notice_mail(*, message_id: str, to: str, item_id: str, public_url: str) -> Mail:
    """Write the mail that calls a person to the inbox; what it is about stands behind the sign-in alone."""
    address = f"{public_url}/inbox#notice-{item_id}"
    return Mail(
        message_id=message_id,
        to=to,
        subject=_TITLE,
        text=(
            f"您在碳金融有一条新通知，请登录后查看：\n{address}\n\n"
            f"There is a notice for you in Carbonfin. Sign in to read it:\n{address}\n"
        ),
    )


def mail_server_from(address: str, sender: str, *, names: tuple[str, str]) -> MailServer | None:
    """Read the settings of mail; None where there is none.

    Args:
        address: `smtp://user:password@host:port` (with STARTTLS, except on this machine) or `smtps://…`.
        sender: The address mails come from.
        names: The two settings, for the refusal.

    Raises:
        InvalidInput: One is missing or cannot be used.
    """
    if not address:
        return None
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
        Address(addr_spec=sender)
    except (ValueError, MessageError, IndexError) as error:
        raise _unfit(names) from error
    if (
        parts.scheme not in _PORTS
        or not host
        or not sender.isascii()
        or "@" not in sender
        or parts.path not in {"", "/"}
    ):
        raise _unfit(names)
    return MailServer(
        host=host,
        port=port or _PORTS[parts.scheme],
        implicit_tls=parts.scheme == "smtps",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        sender=sender,
    )


def _unfit(names: tuple[str, str]) -> InvalidInput:
    return InvalidInput(
        f"{names[0]} or {names[1]} cannot be used",
        zh=f"环境变量 {names[0]} 或 {names[1]} 无法使用",
        field=names[0],
        remedy=f"Write smtp://host:25 or smtps://user:password@host:465, and a sender's address in {names[1]}.",
        remedy_zh=f"请填写 smtp://主机:25 或 smtps://用户:密码@主机:465，并在 {names[1]} 填写发件地址。",
    )


def _not_taken(why: str) -> UpstreamFailed:
    return UpstreamFailed(f"the mail was not taken: {why}", zh="邮件未能交付", field="mail")
