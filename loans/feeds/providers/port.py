"""What a provider of account data is asked and what it gives: one enterprise's lines, with the digest of the answer."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from loans.calc.account_pulls import PullRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedLines:
    """Lines as they came.

    Attributes:
        address: Where they were read, without any credentials.
        content: The bytes of the answer: a list of rows under the columns that files use.
        digest: SHA-256 of the content, in hexadecimal.
        attempt_count: How often the provider was asked.
    """

    address: str
    content: bytes
    digest: str
    attempt_count: int


@runtime_checkable
class AccountProviders(Protocol):
    """The providers an installation is connected to."""

    def fetch(self, request: PullRequest) -> FetchedLines:
        """Give an enterprise's lines of the years asked for.

        Raises:
            NotApplicable: No provider of that kind is connected.
            UpstreamFailed: It did not give them, refused, or gave more than can be read.
        """
