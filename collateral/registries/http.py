"""The registry over HTTP: POST a request, GET what became of it; a lost reply is unknown, never a refusal."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from carbonfin.kernel.errors import UpstreamFailed
from collateral.registries.port import (
    AgreementFreeze,
    Answer,
    RegistryReply,
    RegistryRequest,
    RegistryStatement,
    UnitFreeze,
)

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class HttpRegistry:
    """A registry reached over HTTP.

    Only a reply that says so means that a freeze was refused or done. A timeout, a broken connection, a status of 5xx
    and a body that cannot be read all leave it unknown.
    """

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def send(self, request: RegistryRequest) -> RegistryReply:
        """Send a request; the registry recognises its key."""
        body = {
            "request_key": request.request_key,
            "operation": str(request.operation),
            "agreement_code": request.agreement_code,
            "units": [
                {"account_id": one.account_id, "unit": one.unit, "quantity_t": one.quantity_t} for one in request.units
            ],
        }
        try:
            return _reply(self._client.post("/requests", json=body))
        except _NOT_SENT as error:
            return RegistryReply(answer=Answer.NOT_SENT, reason=type(error).__name__)
        except httpx.HTTPError as error:
            return RegistryReply(answer=Answer.UNKNOWN, reason=type(error).__name__)

    def query(self, request_key: str) -> RegistryReply:
        """Ask what became of a request; no answer leaves it unknown."""
        try:
            return _reply(self._client.get(f"/requests/{request_key}"))
        except httpx.HTTPError as error:
            return RegistryReply(answer=Answer.UNKNOWN, reason=type(error).__name__)

    def statement(self) -> RegistryStatement:
        """Give what the registry states as frozen and held; half a statement is none."""
        try:
            response = self._client.get("/statement")
            response.raise_for_status()
            return _statement(response.json())
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UpstreamFailed(
                f"the registry gave no usable statement: {type(error).__name__}",
                zh="未取得登记机构对账单，本次不作对账",
                remedy="Try again when the registry answers; nothing was reconciled.",
                remedy_zh="请在登记机构恢复后重试。",
            ) from error


def _statement(body: dict[str, Any]) -> RegistryStatement:
    return RegistryStatement(
        frozen=tuple(
            AgreementFreeze(
                account_id=str(one["account_id"]),
                unit=str(one["unit"]),
                agreement_code=str(one["agreement_code"]),
                quantity_t=_tonnes(one["quantity_t"]),
            )
            for one in body["frozen"]
        ),
        held=tuple(
            UnitFreeze(
                account_id=str(one["account_id"]), unit=str(one["unit"]), quantity_t=_tonnes(one["quantity_t"])
            )
            for one in body["held"]
        ),
    )  # fmt: skip


def _tonnes(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("tonnes are whole and not negative")
    return value


def _reply(response: httpx.Response) -> RegistryReply:
    if response.status_code == httpx.codes.NOT_FOUND:
        return RegistryReply(answer=Answer.NOT_FOUND)
    if response.status_code == httpx.codes.CONFLICT:
        return RegistryReply(answer=Answer.REJECTED, reason=response.text[:200])
    if response.status_code >= httpx.codes.BAD_REQUEST:
        return RegistryReply(answer=Answer.UNKNOWN, reason=f"HTTP {response.status_code}")
    try:
        body = response.json()
        answer = Answer(body["outcome"])
        return RegistryReply(answer=answer, reference=str(body["reference"]), reason=str(body["reason"]))
    except (ValueError, KeyError, TypeError):
        return RegistryReply(answer=Answer.UNKNOWN, reason="reply cannot be read")


@contextmanager
def http_registry(address: str, *, timeout_seconds: float) -> Iterator[HttpRegistry]:
    """Open a registry at an address; the timeout bounds each step of a call."""
    with httpx.Client(base_url=address, timeout=timeout_seconds, trust_env=False) as client:
        yield HttpRegistry(client)
