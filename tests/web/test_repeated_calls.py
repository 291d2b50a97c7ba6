"""Calls made again: how often, after what wait, and not where it may not pass."""

from dataclasses import dataclass
from itertools import count

import httpx
import pytest
from pybreaker import CircuitBreakerError

from carbonfin.web.repeated_calls import AttemptFailed, breaker_of, repeated, retry_after_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Quick:
    attempts: int = 3
    first_wait_seconds: float = 0.0
    wait_seconds_max: float = 0.0
    failures_to_open: int = 2
    open_seconds: float = 3600.0


def failing(times: int) -> tuple[list[int], object]:
    made: list[int] = []
    places = count(1)

    def attempt() -> str:
        made.append(next(places))
        if len(made) <= times:
            raise AttemptFailed("HTTP 500")
        return "well"

    return made, attempt


@pytest.mark.parametrize(("times", "attempts"), [(0, 1), (2, 3)])
def test_what_may_pass_is_made_again(times: int, attempts: int) -> None:
    made, attempt = failing(times)
    assert repeated(attempt, Quick()) == "well"  # type: ignore[arg-type]
    assert len(made) == attempts


def test_the_last_failure_is_told_and_what_may_not_be_repeated_is_made_once() -> None:
    made, attempt = failing(5)
    with pytest.raises(AttemptFailed, match="HTTP 500"):
        repeated(attempt, Quick())  # type: ignore[arg-type]
    assert len(made) == 3
    with pytest.raises(AttemptFailed):
        repeated(attempt, Quick(), may_repeat=lambda _: False)  # type: ignore[arg-type]
    assert len(made) == 4


def test_no_less_is_waited_than_the_other_side_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waited.append)

    def attempt() -> str:
        raise AttemptFailed("HTTP 429", wait_seconds=7.0)

    with pytest.raises(AttemptFailed):
        repeated(attempt, Quick())
    assert waited == [7.0, 7.0]


def test_nothing_is_sent_after_failures_in_a_row_but_for_what_shows_the_other_side_well() -> None:
    class Busy(AttemptFailed):
        pass

    breaker = breaker_of(Quick(), exclude=(Busy,))

    def call(error: AttemptFailed) -> None:
        raise error

    for _ in range(5):
        with pytest.raises(Busy):
            breaker.call(call, Busy("HTTP 429"))
    for _ in range(2):
        with pytest.raises(AttemptFailed):
            breaker.call(call, AttemptFailed("HTTP 500"))
    with pytest.raises(CircuitBreakerError):
        breaker.call(call, AttemptFailed("HTTP 500"))


@pytest.mark.parametrize(
    ("said", "seconds"), [("12", 12.0), ("600", 30.0), ("", 0.0), ("-1", 0.0), ("²", 0.0), ("Wed, 01 Jan 2026", 0.0)]
)
def test_the_wait_asked_for_is_read_and_bounded(said: str, seconds: float) -> None:
    assert retry_after_seconds(httpx.Response(429, headers=[(b"Retry-After", said.encode())])) == seconds
