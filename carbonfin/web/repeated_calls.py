"""Calls to another system over HTTP: made again after a wait that doubles, and held back while the other side fails."""

from collections.abc import Callable
from typing import Protocol, TypeVar

import httpx
from pybreaker import CircuitBreaker
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

T = TypeVar("T")
_RETRY_AFTER_SECONDS_MAX = 30


class Waits(Protocol):
    """How often another system is asked, and how long is waited in between."""

    @property
    def attempts(self) -> int:
        """How often a call is made before it is given up."""

    @property
    def first_wait_seconds(self) -> float:
        """Longest wait before the second attempt; doubled each time, and shortened by chance."""

    @property
    def wait_seconds_max(self) -> float:
        """Longest wait of all."""


class Patience(Waits, Protocol):
    """How patiently another system is asked, and when it is spared."""

    @property
    def failures_to_open(self) -> int:
        """After so many failures in a row nothing is sent for a while."""

    @property
    def open_seconds(self) -> float:
        """How long that while is."""


class AttemptFailed(Exception):
    """An attempt without a usable answer.

    Attributes:
        reason: Why, in a few words.
        wait_seconds: How long the other side asked to wait.
    """

    def __init__(self, reason: str, *, wait_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait_seconds = wait_seconds


def breaker_of(patience: Patience, *, exclude: tuple[type[Exception], ...]) -> CircuitBreaker:
    """Give what holds calls back after several failures in a row; what is excluded shows the other side well."""
    return CircuitBreaker(
        fail_max=patience.failures_to_open, reset_timeout=patience.open_seconds, exclude=list(exclude),
        throw_new_error_on_trip=False,
    )  # fmt: skip


def repeated(
    attempt: Callable[[], T], patience: Waits, *, may_repeat: Callable[[AttemptFailed], bool] = lambda _: True
) -> T:
    """Give what an attempt gives, made again while it fails and may be repeated.

    Raises:
        AttemptFailed: The last attempt failed, or one that may not be repeated.
    """

    def wait_seconds(state: RetryCallState) -> float:
        """Wait by chance up to a bound that doubles, and no less than the other side asked for."""
        by_chance = wait_random_exponential(multiplier=patience.first_wait_seconds, max=patience.wait_seconds_max)(
            state
        )
        failed = state.outcome.exception() if state.outcome is not None else None
        return max(by_chance, failed.wait_seconds) if isinstance(failed, AttemptFailed) else by_chance

    retrying = Retrying(
        stop=stop_after_attempt(patience.attempts), wait=wait_seconds,
        retry=retry_if_exception(lambda error: isinstance(error, AttemptFailed) and may_repeat(error)), reraise=True,
    )  # fmt: skip
    return retrying(attempt)


def retry_after_seconds(response: httpx.Response) -> float:
    """Give how long the other side asks to wait, at most half a minute; nought where it says nothing in seconds."""
    said = response.headers.get("Retry-After", "")
    return float(min(int(said), _RETRY_AFTER_SECONDS_MAX)) if said.isascii() and said.isdecimal() else 0.0
