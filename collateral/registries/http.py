"""The registry over HTTP: POST a request, GET what became of it; a lost reply is unknown, never a refusal.

Each call is signed and each reply is checked, so that only the registry's own word counts: what a gateway says, a page
that was not found included, leaves the request unknown. A call that was answered "not now" is made again after a wait
that doubles, with chance in it; silence is not sent into again but asked about. After several failures in a row nothing
is sent for a while.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from pybreaker import CircuitBreakerError

from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, UpstreamFailed
from carbonfin.web.repeated_calls import AttemptFailed, breaker_of, repeated, retry_after_seconds
from collateral.calc.freezes import UnitFreeze
from collateral.calc.serials import SerialRange, merged
from collateral.registries.access import RegistryAccess
from collateral.registries.custody import custody_statement_of
from collateral.registries.port import (
    AgreementFreeze,
    Answer,
    CustodyStatement,
    RegistryReply,
    RegistryRequest,
    RegistryStatement,
)
from collateral.registries.signing import checked_reply, new_nonce, request_headers

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_BODY_BYTES_MAX = 32 * 1024 * 1024
_NOT_TAKEN = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE})
_REFUSED = frozenset({httpx.codes.BAD_REQUEST, httpx.codes.CONFLICT, httpx.codes.UNPROCESSABLE_ENTITY})
_ABSENT = frozenset({httpx.codes.NOT_FOUND, httpx.codes.GONE})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """A reply whose signature fits."""

    status: int
    body: bytes
    stated_at: datetime


class _Failed(AttemptFailed):
    """An attempt without a usable reply.

    Attributes:
        answer: NOT_SENT where nothing can have been carried out, else UNKNOWN.
        may_repeat: Whether the other side answered at all, or nothing left: then the same key may be sent again.
    """

    def __init__(self, answer: Answer, reason: str, *, may_repeat: bool, wait_seconds: float = 0.0) -> None:
        super().__init__(reason, wait_seconds=wait_seconds)
        self.answer = answer
        self.may_repeat = may_repeat


class _Busy(_Failed):
    """The registry itself said "not now": it is well, and took nothing."""


class HttpRegistry:
    """A registry reached over HTTP.

    Only a signed reply that says so means that a freeze was refused, done or never seen. A timeout, a broken
    connection, a reply that is cut, unsigned, wrongly signed or of other quantities all leave it unknown.
    """

    def __init__(self, client: httpx.Client, access: RegistryAccess, *, clock: Clock) -> None:
        self._client = client
        self._access = access
        self._clock = clock
        self._breaker = breaker_of(access, exclude=(_Busy,))

    def send(self, request: RegistryRequest) -> RegistryReply:
        """Send a request; the registry recognises its key, and refuses it after `not_after`."""
        body = {
            "request_key": request.request_key,
            "operation": str(request.operation),
            "bank_id": request.bank_id,
            "agreement_code": request.agreement_code,
            "units": [one.fields for one in request.units],
            "not_after": request.not_after.isoformat(),
        }

        def may_repeat(failed: _Failed) -> bool:
            return failed.may_repeat and self._clock.now() < request.not_after

        reply = self._asked("POST", "/requests", json.dumps(body).encode(), may_repeat)
        if isinstance(reply, RegistryReply):
            return reply
        return _reply(reply)

    def query(self, request_key: str) -> RegistryReply:
        """Ask what became of a request; no answer leaves it unknown."""
        reply = self._asked("GET", f"/requests/{quote(request_key, safe='')}", b"", lambda _: True)
        if isinstance(reply, RegistryReply):
            return replace(reply, answer=Answer.UNKNOWN)
        return _reply(reply)

    def statement(self, bank_id: str) -> RegistryStatement:
        """Give what the registry states as frozen and held; half a statement is none."""
        reply = self._asked("GET", f"/statement?{urlencode({'bank_id': bank_id})}", b"", lambda _: True)
        if isinstance(reply, RegistryReply):
            raise _no_statement(reply.reason)
        if reply.status != httpx.codes.OK:
            raise _no_statement(f"HTTP {reply.status}")
        try:
            return _statement(json.loads(reply.body))
        except (ValueError, KeyError, TypeError, AttributeError, CarbonFinError) as error:
            raise _no_statement(type(error).__name__) from error

    def custody_statement(self, bank_id: str, exchange_code: str, day: date) -> CustodyStatement:
        """Give an exchange's statement of the trading funds in a bank's custody; one of another day is none."""
        asked = urlencode({"bank_id": bank_id, "exchange": exchange_code, "day": day.isoformat()})
        reply = self._asked("GET", f"/custody?{asked}", b"", lambda _: True)
        if isinstance(reply, RegistryReply):
            raise _no_custody(exchange_code, day, reply.reason)
        if reply.status != httpx.codes.OK:
            raise _no_custody(exchange_code, day, f"HTTP {reply.status}")
        try:
            found = custody_statement_of(json.loads(reply.body))
        except (ValueError, KeyError, TypeError, AttributeError, CarbonFinError) as error:
            raise _no_custody(exchange_code, day, type(error).__name__) from error
        if (found.exchange_code, found.business_date) != (exchange_code, day):
            raise _no_custody(exchange_code, day, f"it is of {found.exchange_code} on {found.business_date}")
        return found

    def _asked(
        self, method: str, path: str, content: bytes, may_repeat: Callable[[_Failed], bool]
    ) -> _Said | RegistryReply:
        """Give the registry's signed reply, or that there is none; what may have been carried out stays unknown."""
        worst = Answer.NOT_SENT

        def attempt() -> _Said:
            nonlocal worst
            try:
                return self._breaker.call(self._once, method, path, content)
            except _Failed as failed:
                worst = Answer.UNKNOWN if failed.answer is Answer.UNKNOWN else worst
                raise

        def allowed(failed: AttemptFailed) -> bool:
            return isinstance(failed, _Failed) and may_repeat(failed)

        try:
            return repeated(attempt, self._access, may_repeat=allowed)
        except _Failed as failed:
            return RegistryReply(answer=worst, reason=failed.reason)
        except CircuitBreakerError:
            return RegistryReply(answer=worst, reason="the registry failed too often; nothing is sent for a while")

    def _once(self, method: str, path: str, content: bytes) -> _Said:
        nonce = new_nonce()
        headers = request_headers(
            self._access.secret, at=self._clock.now(), nonce=nonce, method=method, path=path, body=content
        )
        try:
            with self._client.stream(
                method, path, content=content, headers={**headers, "Content-Type": "application/json"}
            ) as response:
                body = _read(response)
        except _NOT_SENT as error:
            raise _Failed(Answer.NOT_SENT, type(error).__name__, may_repeat=True) from error
        except httpx.HTTPError as error:
            raise _Failed(Answer.UNKNOWN, type(error).__name__, may_repeat=False) from error
        return self._verified(response, nonce, body)

    def _verified(self, response: httpx.Response, nonce: str, body: bytes) -> _Said:
        status = response.status_code
        signed = checked_reply(
            self._access.secret, response.headers, nonce=nonce, status=status, body=body, now=self._clock.now()
        )
        wait_seconds = retry_after_seconds(response)
        if signed is None:
            is_error = status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.TOO_MANY_REQUESTS
            raise _Failed(
                Answer.UNKNOWN, f"HTTP {status} without the registry's signature", may_repeat=is_error,
                wait_seconds=wait_seconds,
            )  # fmt: skip
        if status in _NOT_TAKEN:
            raise _Busy(Answer.NOT_SENT, f"HTTP {status}", may_repeat=True, wait_seconds=wait_seconds)
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise _Failed(Answer.UNKNOWN, f"HTTP {status}", may_repeat=True, wait_seconds=wait_seconds)
        return _Said(status=status, body=body, stated_at=signed.signed_at)


def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    for part in response.iter_bytes():
        body += part
        if len(body) > _BODY_BYTES_MAX:
            raise httpx.RemoteProtocolError("the reply is too long")
    return bytes(body)


def _reply(said: _Said) -> RegistryReply:
    """Read a signed reply."""
    if said.status in _ABSENT:
        return RegistryReply(answer=Answer.NOT_FOUND, stated_at=said.stated_at)
    try:
        body = json.loads(said.body)
        reason = str(body.get("reason", ""))[:200]
        if said.status in _REFUSED:
            return RegistryReply(answer=Answer.REJECTED, reason=reason, stated_at=said.stated_at)
        answer = Answer(body["outcome"])
        reference = str(body["reference"])
        stated = tuple(
            UnitFreeze(
                account_id=str(one["account_id"]),
                unit=str(one["unit"]),
                quantity_t=_tonnes(one["quantity_t"]),
                to_account_id=str(one.get("to_account_id", "")),
                to_unit=str(one.get("to_unit", "")),
                serials=_serials(one),
            )
            for one in body["units"]
        )
    except (ValueError, KeyError, TypeError, AttributeError, CarbonFinError):
        return RegistryReply(answer=Answer.UNKNOWN, reason="reply cannot be read", stated_at=said.stated_at)
    if said.status != httpx.codes.OK:
        return RegistryReply(answer=Answer.UNKNOWN, reason=f"HTTP {said.status}", stated_at=said.stated_at)
    return RegistryReply(answer=answer, reference=reference, reason=reason, stated_at=said.stated_at, units=stated)


def _statement(body: dict[str, Any]) -> RegistryStatement:
    return RegistryStatement(
        frozen=tuple(
            AgreementFreeze(
                account_id=str(one["account_id"]),
                unit=str(one["unit"]),
                agreement_code=str(one["agreement_code"]),
                quantity_t=_tonnes(one["quantity_t"]),
                serials=_serials(one),
            )
            for one in body["frozen"]
        ),
        held=tuple(
            UnitFreeze(
                account_id=str(one["account_id"]), unit=str(one["unit"]), quantity_t=_tonnes(one["quantity_t"]),
                serials=_serials(one),
            )
            for one in body["held"]
        ),
    )  # fmt: skip


def _serials(one: dict[str, Any]) -> tuple[str, ...]:
    """Give the numbers that are named, in order, neighbours joined; numbers named twice are no statement."""
    return tuple(map(str, merged(SerialRange.parse(text) for text in one.get("serials", ()))))


def _tonnes(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("tonnes are whole and not negative")
    return value


def _no_statement(why: str) -> UpstreamFailed:
    return UpstreamFailed(
        f"the registry gave no usable statement: {why}",
        zh="未取得登记机构对账单，本次不作对账",
        remedy="Try again when the registry answers; nothing was reconciled.",
        remedy_zh="请在登记机构恢复后重试。",
    )


def _no_custody(exchange_code: str, day: date, why: str) -> UpstreamFailed:
    return UpstreamFailed(
        f"{exchange_code} gave no usable custody statement of {day}: {why}",
        zh=f"未取得交易所 {exchange_code} {day} 的存管对账单，未存入任何一行",
        remedy="Try again when the exchange answers, or take the statement in as a file.",
        remedy_zh="请在交易所接口恢复后重试，或导入对账单文件。",
    )


@contextmanager
def http_registry(access: RegistryAccess, *, clock: Clock) -> Iterator[HttpRegistry]:
    """Open a registry; the clock stamps what is sent and judges how old a reply is."""
    with httpx.Client(base_url=access.address, timeout=access.timeout_seconds, trust_env=False) as client:
        yield HttpRegistry(client, access, clock=clock)
