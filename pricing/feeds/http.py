"""Market data over HTTP: GET a table, and again after a pause where the feed was late or failed."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date

import httpx

from carbonfin.kernel.errors import UpstreamFailed
from pricing.feeds.port import MAY_BE_LACKING, FeedResource, FetchedTable
from pricing.feeds.tables import MAX_BYTES

PAUSES_SECONDS = (0.5, 2.0)


class HttpMarketFeed:
    """A feed reached over HTTP.

    A timeout, a broken connection and a status of 5xx or 429 are asked again, each time after a longer pause; any other
    status is an answer and is not. The body is counted while it is read, whatever length its head claims.
    """

    def __init__(
        self,
        client: httpx.Client,
        *,
        pauses_seconds: Sequence[float] = PAUSES_SECONDS,
        wait: Callable[[float], object] = time.sleep,
        bytes_max: int = MAX_BYTES,
    ) -> None:
        self._client = client
        self._pauses_seconds = tuple(pauses_seconds)
        self._wait = wait
        self._bytes_max = bytes_max

    def fetch(self, resource: FeedResource, *, from_date: date, to_date: date) -> FetchedTable:
        """Give the table of days in `[from_date, to_date]`.

        Raises:
            UpstreamFailed: The feed did not give it in all attempts, refused, or gave more than can be read.
        """
        query = {"from": from_date.isoformat(), "to": to_date.isoformat()}
        reason = ""
        for attempt, pause_seconds in enumerate((*self._pauses_seconds, None), 1):
            try:
                with self._client.stream("GET", f"/{resource}", params=query) as response:
                    if response.status_code == httpx.codes.OK:
                        content = self._read(resource, response)
                        return FetchedTable(
                            resource=resource,
                            address=str(response.url.copy_with(userinfo=b"")),
                            content=content,
                            digest=hashlib.sha256(content).hexdigest(),
                            attempt_count=attempt,
                        )
                    if response.status_code == httpx.codes.NOT_FOUND and resource in MAY_BE_LACKING:
                        return _lacking(resource, str(response.url.copy_with(userinfo=b"")), attempt)
                    reason = f"HTTP {response.status_code}"
                    if not _may_pass(response.status_code):
                        break
            except httpx.HTTPError as error:
                reason = type(error).__name__
            if pause_seconds is not None:
                self._wait(pause_seconds)
        raise _failed(resource, reason, "没有取得")

    def _read(self, resource: FeedResource, response: httpx.Response) -> bytes:
        content = bytearray()
        for part in response.iter_bytes():
            content += part
            if len(content) > self._bytes_max:
                raise _failed(resource, f"more than {self._bytes_max} bytes", "返回内容过大")
        return bytes(content)


def _lacking(resource: FeedResource, address: str, attempt: int) -> FetchedTable:
    content = b"[]"
    return FetchedTable(
        resource=resource, address=address, content=content, digest=hashlib.sha256(content).hexdigest(),
        attempt_count=attempt,
    )  # fmt: skip


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
