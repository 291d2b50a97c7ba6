"""Account data over HTTP: GET an enterprise's lines with purpose and consent, again after a wait where it may pass.

A timeout, a broken connection and a status of 5xx or 429 are asked again after a wait that doubles, with chance in it;
any other status is an answer and is not. After several failures in a row nothing is sent for a while.
"""

import hashlib
from collections.abc import Mapping

import httpx
from pybreaker import CircuitBreakerError

from carbonfin.documents.text_tables import MAX_BYTES
from carbonfin.kernel.errors import NotApplicable, UpstreamFailed
from carbonfin.web.repeated_calls import AttemptFailed, breaker_of, repeated, retry_after_seconds
from loans.calc.account_pulls import PROVIDERS, DataProvider, PullRequest
from loans.feeds.providers.access import ADDRESS_NAMES, ProviderAccess
from loans.feeds.providers.port import FetchedLines


class _Busy(AttemptFailed):
    """The provider itself said "not now": it is well."""


class HttpAccountProviders:
    """The providers an installation is connected to, each reached over HTTP and spared while it fails."""

    def __init__(self, accesses: Mapping[DataProvider, ProviderAccess]) -> None:
        self._providers = {provider: _HttpProvider(provider, access) for provider, access in accesses.items()}

    def fetch(self, request: PullRequest) -> FetchedLines:
        """Give an enterprise's lines of the years asked for.

        Raises:
            NotApplicable: No provider of that kind is connected.
            UpstreamFailed: It did not give them, refused, or gave more than can be read.
        """
        provider = self._providers.get(request.provider)
        if provider is None:
            terms, name = PROVIDERS[request.provider], ADDRESS_NAMES[request.provider]
            raise NotApplicable(
                f"no provider of {terms.title_en.lower()} is connected", zh=f"本系统未接入{terms.title_zh}提供方",
                field="provider", remedy=f"Have the operator set {name}, or upload the lines as a file.",
                remedy_zh=f"请由运维人员设置 {name}，或以文件上传明细。",
            )  # fmt: skip
        return provider.fetch(request)


class _HttpProvider:
    """One provider."""

    def __init__(self, provider: DataProvider, access: ProviderAccess) -> None:
        self._provider = provider
        self._access = access
        self._breaker = breaker_of(access, exclude=(_Busy, UpstreamFailed))

    def fetch(self, request: PullRequest) -> FetchedLines:
        """Give the lines, or say why there are none."""
        attempts = 0

        def attempt() -> tuple[str, bytes]:
            nonlocal attempts
            attempts += 1
            return self._breaker.call(self._once, client, request)

        # No redirection is followed: it would carry the secret elsewhere.
        with httpx.Client(
            base_url=self._access.address, timeout=self._access.timeout_seconds, trust_env=False,
            headers={"Authorization": f"Bearer {self._access.secret}"},
        ) as client:  # fmt: skip
            try:
                address, content = repeated(attempt, self._access)
            except AttemptFailed as failed:
                raise self._refusal(failed.reason) from failed
            except CircuitBreakerError as error:
                raise self._refusal("it failed too often; nothing is sent for a while") from error
        return FetchedLines(
            address=address, content=content, digest=hashlib.sha256(content).hexdigest(), attempt_count=attempts
        )

    def _once(self, client: httpx.Client, request: PullRequest) -> tuple[str, bytes]:
        asked = {
            "usci": request.usci, "from_year": str(request.from_year), "to_year": str(request.to_year),
            "purpose": str(request.purpose), "consent": request.consent,
        }  # fmt: skip
        try:
            with client.stream("GET", "/lines", params=asked) as response:
                self._look_at(response)
                return str(response.url.copy_with(userinfo=b"", query=None)), self._read(response)
        except httpx.HTTPError as error:
            raise AttemptFailed(type(error).__name__) from error

    def _look_at(self, response: httpx.Response) -> None:
        status = response.status_code
        if status == httpx.codes.OK:
            return
        if status in {httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE}:
            raise _Busy(f"HTTP {status}", wait_seconds=retry_after_seconds(response))
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise AttemptFailed(f"HTTP {status}")
        raise self._refusal(f"HTTP {status}")

    def _read(self, response: httpx.Response) -> bytes:
        content = bytearray()
        for part in response.iter_bytes():
            content += part
            if len(content) > MAX_BYTES:
                raise self._refusal(f"more than {MAX_BYTES} bytes")
        return bytes(content)

    def _refusal(self, reason: str) -> UpstreamFailed:
        return no_lines(self._provider, reason)


def no_lines(provider: DataProvider, reason: str) -> UpstreamFailed:
    """Give the refusal of a pull that brought no lines; nothing was stored."""
    terms = PROVIDERS[provider]
    return UpstreamFailed(
        f"the provider of {terms.title_en.lower()} gave no lines: {reason}; nothing was stored",
        zh=f"{terms.title_zh}提供方未给出明细（{reason}），未存入任何内容", field="provider",
        remedy="Ask again later, or upload the lines as a file.", remedy_zh="请稍后重试，或以文件上传明细。",
    )  # fmt: skip
