"""Signed deliveries to a bank's own system: how one is signed, and how its receiver makes sure of it.

The signature is HMAC-SHA256 over `timestamp.body`, with a secret of its own for each webhook. The body names the
delivery, so what a receiver recognises a repetition by is under the signature too. While a secret is being changed a
delivery carries one signature for each secret that is still good; one that fits is enough.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from carbonfin.kernel.cryptography import KeyRing
from carbonfin.kernel.errors import InvalidInput, NotPermitted

SIGNATURE_HEADER = "Carbonfin-Signature"
TIMESTAMP_HEADER = "Carbonfin-Timestamp"
DELIVERY_HEADER = "Carbonfin-Delivery"
EVENT_HEADER = "Carbonfin-Event"
REPLAY_WINDOW_S = 300
SECRET_START = "cfwh_"  # noqa: S105 - how a secret begins, none itself
_SCHEME = "v1="
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_ADDRESS_LENGTH_MAX = 2000
_PLAIN_ADDRESS = re.compile(r"[!-~]+")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBody:
    """What a delivery says.

    Attributes:
        delivery_id: The same each time it is sent: a receiver that knows it has nothing left to do.
        event: What happened, such as `event.margin_call.issued`.
        subject: What it happened to; deliveries of one subject come in order.
        number: Its place among the events of the subject.
        payload: What else a system needs, in plain JSON values.
    """

    delivery_id: str
    event: str
    subject: str
    number: int
    payload: Mapping[str, Any]

    def as_bytes(self) -> bytes:
        """Write the body: the same bytes each time."""
        plain = {
            "delivery_id": self.delivery_id,
            "event": self.event,
            "subject": self.subject,
            "number": self.number,
            "payload": dict(self.payload),
        }
        return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def checked_address(url: str) -> str:
    """Give an address that deliveries may be sent to: https, or http on this very machine.

    Where the name leads is looked up, and may be refused, each time a delivery is sent.

    Raises:
        InvalidInput: It is none, or carries a user, a password or a fragment.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise _no_address("it cannot be read") from error
    if len(url) > _ADDRESS_LENGTH_MAX or not _PLAIN_ADDRESS.fullmatch(url) or "\\" in url:
        raise _no_address("it is too long, or has blanks or letters that an address cannot have")
    if not host or port == 0:
        raise _no_address("it names no host")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK_NAMES):
        raise _no_address("it is not https")
    if parts.username is not None or parts.password is not None or "#" in url:
        raise _no_address("it carries a user, a password or a fragment")
    return url


def _no_address(why: str) -> InvalidInput:
    return InvalidInput(
        f"the address cannot be used: {why}",
        zh="推送地址无法使用",
        field="url",
        remedy="Give an https address without user, password or fragment.",
        remedy_zh="请填写 https 地址，不含用户名、密码和 # 片段。",
    )


def webhook_secrets(keys: KeyRing, *, webhook_id: str, version: int) -> tuple[str, ...]:
    """Give a webhook's secret, and what it was under each older secret of the installation.

    Nothing of it is kept: it is derived from the key ring, the webhook and the version. The first is the one shown;
    deliveries are signed with all, so that changing the installation's secret cuts no receiver off.
    """
    purpose = f"webhook:{webhook_id}:{version}"
    return tuple(SECRET_START + key.hex() for key in keys.keys_for(purpose))


def signed_headers(secrets: Iterable[str], body: EventBody, *, at: datetime) -> dict[str, str]:
    """Give the headers of a delivery that is sent at an instant."""
    timestamp = str(int(at.timestamp()))
    content = body.as_bytes()
    return {
        "Content-Type": "application/json",
        DELIVERY_HEADER: body.delivery_id,
        EVENT_HEADER: body.event,
        TIMESTAMP_HEADER: timestamp,
        SIGNATURE_HEADER: ",".join(_SCHEME + _signature(secret, timestamp, content) for secret in secrets),
    }


def verified(secrets: Iterable[str], headers: Mapping[str, str], content: bytes, *, at: datetime) -> EventBody:
    """Give what a delivery says, once it is certain that it is ours, whole and fresh.

    A delivery that was verified before is verified again within the window: the receiver keeps `delivery_id` and
    answers a repetition with 200 without acting on it.

    Args:
        secrets: The webhook's secret, and during a change the one before.
        headers: The request's headers; names in any case.
        content: The body as it came, before anything has read it.
        at: The receiver's own present instant.

    Raises:
        NotPermitted: No signature fits, or the timestamp lies more than five minutes off.
        InvalidInput: A header is missing, or the body is not what the headers say.
    """
    given = {name.lower(): value for name, value in headers.items()}
    timestamp = _given(given, TIMESTAMP_HEADER)
    if not _TIMESTAMP.fullmatch(timestamp):
        raise InvalidInput(f"{timestamp!r} is no timestamp", zh="时间戳无法识别", field=TIMESTAMP_HEADER)
    offered = [part.strip() for part in _given(given, SIGNATURE_HEADER).split(",")]
    wanted = [_SCHEME + _signature(secret, timestamp, content) for secret in secrets]
    fits = [hmac.compare_digest(one.encode(), other.encode()) for one in wanted for other in offered]
    if not any(fits):
        raise NotPermitted("no signature fits the body", zh="签名不符", field=SIGNATURE_HEADER)
    if abs(int(timestamp) - at.timestamp()) > REPLAY_WINDOW_S:
        raise NotPermitted(
            f"the delivery was signed more than {REPLAY_WINDOW_S} s away from now",
            zh="签名时间超出五分钟，可能为重放",
            field=TIMESTAMP_HEADER,
            remedy="Check the clock of this machine; a true delivery is sent again with a new timestamp.",
            remedy_zh="请核对本机时钟；真实推送会以新的时间戳重发。",
        )
    body = _read(content)
    if (body.delivery_id, body.event) != (_given(given, DELIVERY_HEADER), _given(given, EVENT_HEADER)):
        raise InvalidInput("the headers name another delivery than the body", zh="请求头与正文不符", field="body")
    return body


def _given(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name.lower())
    if value is None:
        raise InvalidInput(f"the header {name} is missing", zh=f"缺少请求头 {name}", field=name)
    return value


def _read(content: bytes) -> EventBody:
    try:
        return EventBody(**json.loads(content))
    except (ValueError, TypeError) as error:
        raise InvalidInput("the body is no delivery of ours", zh="正文无法识别", field="body") from error


def _signature(secret: str, timestamp: str, content: bytes) -> str:
    signed = timestamp.encode() + b"." + content
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
