"""The adapter against the real HTTP server of the simulator: what each fault, old signature and busy hour leads to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from carbonfin.kernel.errors import InvalidInput, UpstreamFailed
from collateral.calc.freezes import Operation, UnitFreeze
from collateral.registries.access import registry_secret
from collateral.registries.http import HttpRegistry
from collateral.registries.port import Answer, RegistryRequest
from collateral.registries.signing import (
    checked_reply,
    checked_request,
    reply_headers,
    request_headers,
)
from collateral.registries.simulated import Fault
from collateral.registries.simulator import SimulatorServer
from tests.collateral.desk import CLOCK
from tests.collateral.registries import SECRET, MovingClock, access_to, adapter, fault, simulated

FROZEN = {"a1/SZA-2024": 100}


def request(
    key: str = "p4-freeze-1", operation: Operation = Operation.FREEZE, *, quantity_t: int = 100, code: str = "P4"
) -> RegistryRequest:
    return RegistryRequest(
        request_key=key,
        operation=operation,
        bank_id="bank-1",
        agreement_code=code,
        units=(UnitFreeze(account_id="a1", unit="SZA-2024", quantity_t=quantity_t),),
        not_after=CLOCK.instant + timedelta(minutes=2),
    )


@pytest.mark.parametrize(
    ("kind", "sent", "asked", "frozen"),
    [
        (Fault.DELAY, Answer.UNKNOWN, Answer.DONE, FROZEN),
        (Fault.LOSE_REPLY, Answer.UNKNOWN, Answer.DONE, FROZEN),
        (Fault.DROP, Answer.UNKNOWN, Answer.NOT_FOUND, {}),
        (Fault.DUPLICATE, Answer.DONE, Answer.DONE, FROZEN),
        (Fault.REJECT, Answer.REJECTED, Answer.REJECTED, {}),
        (Fault.PROCESSING, Answer.PROCESSING, Answer.PROCESSING, {}),
        (Fault.TRUNCATED, Answer.UNKNOWN, Answer.DONE, FROZEN),
        (Fault.WRONG_SIGNATURE, Answer.UNKNOWN, Answer.DONE, FROZEN),
        (Fault.GATEWAY_404, Answer.UNKNOWN, Answer.DONE, FROZEN),
        (Fault.WRONG_QUANTITY, Answer.DONE, Answer.DONE, {"a1/SZA-2024": 99}),
    ],
)
def test_each_fault_of_a_single_sending(
    kind: Fault, sent: Answer, asked: Answer, frozen: dict[str, int]
) -> None:  # fmt: skip
    with simulated(fault(kind, delay_seconds=5)) as server, adapter(server, timeout_seconds=0.3) as registry:
        assert registry.send(request()).answer is sent
        assert registry.query("p4-freeze-1").answer is asked
        assert server.state.frozen_t() == frozen


def test_the_registry_says_what_it_carried_out() -> None:
    with simulated(fault(Fault.WRONG_QUANTITY)) as server, adapter(server) as registry:
        (stated,) = registry.send(request()).units or ()
        (asked,) = registry.query("p4-freeze-1").units or ()
    assert stated.quantity_t == asked.quantity_t == 99


@pytest.mark.parametrize("kind", [Fault.SERVER_ERROR, Fault.ERROR_AFTER, Fault.BUSY])
def test_what_was_answered_not_now_is_sent_again_under_its_key(kind: Fault) -> None:
    with simulated(fault(kind, times=2)) as server, adapter(server) as registry:
        assert registry.send(request()).answer is Answer.DONE
        assert server.state.frozen_t() == FROZEN


@pytest.mark.parametrize(
    ("kind", "answer"),
    [(Fault.SERVER_ERROR, Answer.UNKNOWN), (Fault.ERROR_AFTER, Answer.UNKNOWN), (Fault.BUSY, Answer.NOT_SENT)],
)
def test_after_the_last_attempt_only_what_took_nothing_counts_as_not_sent(kind: Fault, answer: Answer) -> None:
    with simulated(fault(kind, times=3)) as server, adapter(server) as registry:
        assert registry.send(request()).answer is answer


def test_one_attempt_that_may_have_been_carried_out_keeps_the_request_unknown() -> None:
    faults = (fault(Fault.ERROR_AFTER), fault(Fault.BUSY, times=2))
    with simulated(*faults) as server, adapter(server) as registry:
        assert registry.send(request()).answer is Answer.UNKNOWN
        assert server.state.frozen_t() == FROZEN


def test_a_request_held_back_arrives_after_the_next_and_is_carried_out_once() -> None:
    with simulated(fault(Fault.REORDER)) as server, adapter(server) as registry:
        assert registry.send(request()).answer is Answer.UNKNOWN
        assert registry.query("p4-freeze-1").answer is Answer.NOT_FOUND
        registry.send(request("p9-freeze-1", quantity_t=7, code="P9"))
        assert registry.query("p4-freeze-1").answer is Answer.DONE
        assert server.state.frozen_t() == {"a1/SZA-2024": 107}


def test_what_arrives_after_its_time_is_not_carried_out() -> None:
    clock = MovingClock()
    with simulated(fault(Fault.REORDER), clock=clock) as server, adapter(server, clock=clock) as registry:
        registry.send(request())
        clock.move(minutes=2, seconds=1)
        server.state.arrive()
        reply = registry.query("p4-freeze-1")
        assert (reply.answer, reply.stated_at) == (Answer.NOT_FOUND, clock.now())
        assert registry.send(request()).answer is Answer.NOT_FOUND
        assert server.state.frozen_t() == {}


def test_the_same_key_with_another_content_is_refused() -> None:
    with simulated() as server, adapter(server) as registry:
        assert registry.send(request()).answer is Answer.DONE
        assert registry.send(request()).answer is Answer.DONE
        assert registry.send(request(quantity_t=101)).answer is Answer.REJECTED
        assert server.state.frozen_t() == FROZEN


def test_a_registry_that_is_down_took_nothing_and_gives_no_statement() -> None:
    with simulated() as gone:
        pass
    with adapter(gone) as registry:
        assert registry.send(request()).answer is Answer.NOT_SENT
        assert registry.query("p4-freeze-1").answer is Answer.UNKNOWN
        with pytest.raises(UpstreamFailed):
            registry.statement("bank-1")


def test_after_failures_in_a_row_nothing_is_sent_until_one_trial_succeeds() -> None:
    terms = {"attempts": 1, "failures_to_open": 3, "open_seconds": 0.2}
    with simulated(fault(Fault.SERVER_ERROR, times=3)) as server, adapter(server, **terms) as registry:
        for number in range(3):
            assert registry.send(request(f"p4-freeze-{number}")).answer is Answer.UNKNOWN
        reply = registry.send(request("p4-freeze-9"))
        assert (reply.answer, "for a while" in reply.reason) == (Answer.NOT_SENT, True)
        assert registry.query("p4-freeze-1").answer is Answer.UNKNOWN
        assert server.state.look_up("p4-freeze-9") is None
        server.state.released.wait(0.3)
        assert registry.send(request("p4-freeze-9")).answer is Answer.DONE


def test_a_busy_registry_does_not_open_the_circuit() -> None:
    terms = {"attempts": 1, "failures_to_open": 2}
    with simulated(fault(Fault.BUSY, times=4)) as server, adapter(server, **terms) as registry:
        answers = [registry.send(request(f"p4-freeze-{number}")).answer for number in range(5)]
    assert answers == [Answer.NOT_SENT] * 4 + [Answer.DONE]


def test_the_waits_double_to_a_bound_and_chance_shortens_them(monkeypatch: pytest.MonkeyPatch) -> None:
    bounds: list[float] = []
    monkeypatch.setattr("tenacity.wait.random.uniform", lambda low, high: bounds.append(high) or low)
    with simulated(fault(Fault.SERVER_ERROR, times=5)) as server:
        terms = {"attempts": 6, "first_wait_seconds": 0.5, "wait_seconds_max": 3.0, "failures_to_open": 9}
        with adapter(server, **terms) as registry:
            assert registry.send(request()).answer is Answer.DONE
    assert bounds == [0.5, 1.0, 2.0, 3.0, 3.0]


def raw_request(server: SimulatorServer, headers: dict[str, str], content: bytes) -> int:
    return httpx.post(f"{server.address}/requests", content=content, headers=headers, trust_env=False).status_code


def test_a_request_unsigned_old_changed_or_sent_twice_is_refused() -> None:
    content = (
        b'{"request_key":"k","operation":"freeze","bank_id":"b","agreement_code":"P4",'
        b'"units":[{"account_id":"a1","unit":"SZA-2024","quantity_t":5}],"not_after":"2125-07-01T00:00:00+00:00"}'
    )

    def signed(nonce: str, *, secret: bytes = SECRET, minutes_ago: int = 0) -> dict[str, str]:
        at = CLOCK.instant - timedelta(minutes=minutes_ago)
        return request_headers(secret, at=at, nonce=nonce, method="POST", path="/requests", body=content)

    with simulated() as server:
        assert raw_request(server, {}, content) == 401
        assert raw_request(server, signed("n1", secret=b"another"), content) == 401
        assert raw_request(server, signed("n2", minutes_ago=6), content) == 401
        assert raw_request(server, signed("n3"), content.replace(b":5}", b":9}")) == 401
        assert server.state.frozen_t() == {}
        assert raw_request(server, signed("n4", minutes_ago=4), content) == 200
        assert raw_request(server, signed("n4", minutes_ago=4), content) == 401
        assert server.state.frozen_t() == {"a1/SZA-2024": 5}


def test_a_reply_counts_for_its_request_its_status_and_its_time_alone() -> None:
    body, at = b'{"outcome":"done"}', CLOCK.instant
    headers = reply_headers(SECRET, at=at, nonce="n1", status=200, body=body)
    fits = {"nonce": "n1", "status": 200, "body": body, "now": at + timedelta(minutes=5)}
    assert checked_reply(SECRET, headers, **fits) is not None
    for change in ({"nonce": "n2"}, {"status": 404}, {"body": b"{}"}, {"now": at + timedelta(minutes=6)}):
        assert checked_reply(SECRET, headers, **{**fits, **change}) is None
    given = {"method": "GET", "path": "/requests/k", "body": b"", "now": at}
    assert checked_request(SECRET, headers, **given) is None, "a reply is no request"


@contextmanager
def answering(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """A server in the registry's place that answers each GET by a function."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    "content",
    [b"[]", b'{"outcome":"done"}', b'{"outcome":"new","reference":"","units":[]}', b"no json",
     b'{"outcome":"done","reference":"","units":[{"account_id":"a","unit":"u","quantity_t":1.5}]}'],
)  # fmt: skip
def test_a_signed_reply_that_cannot_be_read_leaves_the_request_unknown(content: bytes) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        nonce = handler.headers["Registry-Nonce"]
        handler.send_response(200)
        for name, value in reply_headers(SECRET, at=CLOCK.instant, nonce=nonce, status=200, body=content).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    with simulated() as server, answering(answer) as address, httpx.Client(base_url=address, trust_env=False) as client:
        registry = HttpRegistry(client, access_to(server), clock=CLOCK)
        assert registry.query("k").answer is Answer.UNKNOWN
        with pytest.raises(UpstreamFailed):
            registry.statement("bank-1")


def test_each_bank_is_told_its_own() -> None:
    with simulated() as server, adapter(server) as registry:
        registry.send(request())
        server.state.hold("a1", "SZA-2024", 500, bank_id="bank-1")
        server.state.hold("a9", "CEA-2024", 9, bank_id="bank-2")
        own, other = registry.statement("bank-1"), registry.statement("bank-2")
    assert [(one.agreement_code, one.quantity_t) for one in own.frozen] == [("P4", 100)]
    assert [one.quantity_t for one in own.held] == [500]
    assert (other.frozen, [one.quantity_t for one in other.held]) == ((), [9])


def test_the_secret_is_given_or_made_once_and_never_short(tmp_path: Path) -> None:
    made = registry_secret({"CARBONFIN_VAR": str(tmp_path)})
    assert registry_secret({}, folder=tmp_path) == made
    assert (tmp_path / "registry-secret").stat().st_mode & 0o777 == 0o600
    assert registry_secret({"CARBONFIN_REGISTRY_SECRET": "x" * 32}) == b"x" * 32
    with pytest.raises(InvalidInput, match="32"):
        registry_secret({"CARBONFIN_REGISTRY_SECRET": "short"})
