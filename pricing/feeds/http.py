"""Market data over HTTP: GET a table, and again after a wait where the feed was late or failed."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import httpx

from carbonfin.kernel.errors import UpstreamFailed
from carbonfin.web.repeated_calls import AttemptFailed, repeated, retry_after_seconds
from pricing.feeds.port import MAY_BE_LACKING, FeedResource, FetchedTable
from pricing.feeds.tables import MAX_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedWaits:
    """How often a feed is asked, and how long is waited at most in between."""

    attempts: int = 3
    first_wait_seconds: float = 0.5
    wait_seconds_max: float = 2.0


class HttpMarketFeed:
    """A feed reached over HTTP.

    A timeout, a broken connection and a status of 5xx or 429 are asked again after a wait that doubles, with chance in
    it and no shorter than the feed asks for; any other status is an answer and is not. The body is counted while it is
    read, whatever length its head claims. Each run asks for a few tables once, so nothing is held back between runs.
    """

    def __init__(
        self,
        client: httpx.Client,
        *,
        waits: FeedWaits = FeedWaits(),  # noqa: B008 - frozen
        bytes_max: int = MAX_BYTES,
    ) -> None:
        self._client = client
        self._waits = waits
        self._bytes_max = bytes_max

    def fetch(self, resource: FeedResource, *, from_date: date, to_date: date) -> FetchedTable:
        """Give the table of days in `[from_date, to_date]`.

        Raises:
            UpstreamFailed: The feed did not give it in all attempts, refused, or gave more than can be read.
        """
        query = {"from": from_date.isoformat(), "to": to_date.isoformat()}
        attempts = 0

        def attempt() -> tuple[str, bytes]:
            nonlocal attempts
            attempts += 1
            return self._once(resource, query)

        try:
            address, content = repeated(attempt, self._waits)
        except AttemptFailed as failed:
            raise _failed(resource, failed.reason, "没有取得") from failed
        return FetchedTable(
            resource=resource, address=address, content=content, digest=hashlib.sha256(content).hexdigest(),
            attempt_count=attempts,
        )  # fmt: skip

    def _once(self, resource: FeedResource, query: dict[str, str]) -> tuple[str, bytes]:
        try:
            with self._client.stream("GET", f"/{resource}", params=query) as response:
                status, address = response.status_code, str(response.url.copy_with(userinfo=b""))
                if status == httpx.codes.OK:
                    return address, self._read(resource, response)
                if status == httpx.codes.NOT_FOUND and resource in MAY_BE_LACKING:
                    return address, b"[]"
                if _may_pass(status):
                    raise AttemptFailed(f"HTTP {status}", wait_seconds=retry_after_seconds(response))
                raise _failed(resource, f"HTTP {status}", "没有取得")
        except httpx.HTTPError as error:
            raise AttemptFailed(type(error).__name__) from error

    def _read(self, resource: FeedResource, response: httpx.Response) -> bytes:
        content = bytearray()
        for part in response.iter_bytes():
            content += part
            if len(content) > self._bytes_max:
                raise _failed(resource, f"more than {self._bytes_max} bytes", "返回内容过大")
        return bytes(content)


def _may_pass(status_code: int) -> bool:
    return status_code >= httpx.codes.INTERNAL_SERVER_ERROR or status_code == httpx.codes.TOO_MANY_REQUESTS


def _failed(resource: FeedResource, reason: str, zh: str) -> UpstreamFailed:
    return UpstreamFailed(
        f"the market feed did not give {resource}: {reason}",
        zh=f"行情源未提供 {resource}：{zh}（{reason}）",
        field=str(resource),
        remedy="Ask again later, or import the publication as a file.",
        remedy_zh="请稍后重试，或以文件导入。",
    )


@contextmanager
def http_market_feed(address: str, *, timeout_seconds: float) -> Iterator[HttpMarketFeed]:
    """Open a feed at an address; the timeout bounds each step of a call, and no redirection is followed."""
    with httpx.Client(base_url=address, timeout=timeout_seconds, trust_env=False) as client:
        yield HttpMarketFeed(client)
