"""One delivery over HTTP: where it may go, how long it may take, what is kept of the answer."""

import ipaddress
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from carbonfin.app.messages.networks import AllowedNetworks, networks_from
from carbonfin.app.messages.transport import HttpTransport, http_transport
from carbonfin.kernel.errors import InvalidInput, UpstreamFailed
from carbonfin.storage.messages import ReceiverAnswer
from tests.app.messages.receivers import Receiver, certificate_for, running_receiver

LOOPBACK = networks_from("127.0.0.0/8, ::1/128", name="CARBONFIN_WEBHOOK_NETWORKS")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


@pytest.fixture
def transport() -> Iterator[HttpTransport]:
    with http_transport(LOOPBACK, deadline_s=2) as opened:
        yield opened


def test_a_status_comes_back_and_nothing_that_the_receiver_wrote(receiver: Receiver, transport: HttpTransport) -> None:
    answer = transport.post(receiver.address, {"Carbonfin-Delivery": "d1"}, b"{}")
    assert answer == ReceiverAnswer(status=200, failure="")
    headers, content = receiver.seen[0]
    assert content == b"{}"
    assert headers["Host"] == receiver.address.split("/")[2]
    assert (headers["Carbonfin-Delivery"], headers["User-Agent"]) == ("d1", "carbonfin-webhooks")


def test_a_name_is_looked_up_and_stays_in_the_host_header(receiver: Receiver, transport: HttpTransport) -> None:
    port = receiver.address.split(":")[2]
    assert transport.post(f"http://localhost:{port}", {}, b"").arrived
    assert receiver.seen[0][0]["Host"] == f"localhost:{port.split('/')[0]}"


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 410, 500, 503])
def test_every_status_but_2xx_is_a_failure(receiver: Receiver, transport: HttpTransport, status: int) -> None:
    receiver.answers = [status]
    answer = transport.post(receiver.address, {}, b"")
    assert (answer.status, answer.failure, answer.arrived) == (status, f"HTTP {status}", False)


def test_a_redirect_is_not_followed(receiver: Receiver, transport: HttpTransport) -> None:
    receiver.answers, receiver.location = [307], receiver.address
    assert transport.post(receiver.address, {}, b"").status == 307
    assert len(receiver.seen) == 1


def test_nobody_listening_is_a_failure_without_status(transport: HttpTransport) -> None:
    answer = transport.post("http://127.0.0.1:1/", {}, b"")
    assert (answer.status, answer.failure) == (None, "ConnectError")


def test_a_receiver_that_does_not_answer_in_time_is_left(receiver: Receiver) -> None:
    receiver.delay_s = 20
    with http_transport(LOOPBACK, deadline_s=0.3) as transport:
        started_s = time.monotonic()
        answer = transport.post(receiver.address, {}, b"")
    assert answer.status is None
    assert time.monotonic() - started_s < 5


def test_a_receiver_that_drips_its_answer_is_cut_off(receiver: Receiver) -> None:
    """Each read is quick, so no timeout of a read ends it: the whole exchange has a deadline."""
    receiver.drip = True
    with http_transport(LOOPBACK, deadline_s=0.5) as transport:
        started_s = time.monotonic()
        answer = transport.post(receiver.address, {}, b"")
    assert (answer.status, answer.failure) == (None, "no answer within the time allowed")
    assert time.monotonic() - started_s < 5


def test_loopback_is_refused_where_the_operator_has_not_named_it(receiver: Receiver) -> None:
    with http_transport(AllowedNetworks()) as transport:
        answer = transport.post(receiver.address, {}, b"")
    assert answer == ReceiverAnswer(status=None, failure="the host leads to an address that is not allowed")
    assert receiver.seen == []


def test_plain_http_stays_on_this_machine(receiver: Receiver, transport: HttpTransport) -> None:
    port = receiver.address.split(":")[2]
    answer = transport.post(f"http://127.0.0.2:{port}", {}, b"")
    assert answer == ReceiverAnswer(status=None, failure="the address is not https")


def test_an_unknown_host_is_a_failure(transport: HttpTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise OSError("no such host")

    monkeypatch.setattr("carbonfin.app.messages.networks.socket.getaddrinfo", unknown)
    answer = transport.post("https://nowhere.example/", {}, b"")
    assert answer == ReceiverAnswer(status=None, failure="the host is not known")


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads elsewhere at the second look is not looked at twice."""
    looked_up: list[object] = []

    def look_up(host: object, *_: object, **__: object) -> list[tuple[object, ...]]:
        looked_up.append(host)
        return [(2, 1, 6, "", ("93.184.215.14", 443))]

    monkeypatch.setattr("carbonfin.app.messages.networks.socket.getaddrinfo", look_up)
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200)

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        sent = HttpTransport(client, AllowedNetworks(), deadline_s=5)
        assert sent.post("https://bank.example:8443/hooks?a=b", {}, b"").arrived
    assert looked_up == ["bank.example"]
    assert str(asked[0].url) == "https://93.184.215.14:8443/hooks?a=b"
    assert asked[0].headers["Host"] == "bank.example:8443"
    assert asked[0].extensions["sni_hostname"] == "bank.example"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "172.16.5.4", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",  # noqa: S104
        "255.255.255.255", "240.0.0.1", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:172.16.0.1",
        "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001:0:a00:1::", "2001:db8::1",
        0x0A000001, 0xC0A80101,
    ],
)  # fmt: skip
def test_addresses_that_deliveries_never_go_to(address: str | int) -> None:
    assert not AllowedNetworks().admits(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["93.184.215.14", "1.1.1.1", "2606:4700::1111", "::ffff:93.184.215.14"])
def test_public_addresses_are_open(address: str) -> None:
    assert AllowedNetworks().admits(ipaddress.ip_address(address))


def test_the_operator_opens_networks_of_the_bank() -> None:
    allowed = networks_from("172.20.0.0/16,fd00:1::/32", name="X")
    admitted = [allowed.admits(ipaddress.ip_address(one)) for one in ("172.20.3.4", "::ffff:172.20.3.4", "fd00:1::5")]
    refused = [allowed.admits(ipaddress.ip_address(one)) for one in ("172.21.0.1", "fd00:2::5", "127.0.0.1")]
    assert (admitted, refused) == ([True] * 3, [False] * 3)
    with pytest.raises(InvalidInput) as caught:
        networks_from("172.20.0.1/16", name="CARBONFIN_WEBHOOK_NETWORKS")
    assert caught.value.field == "CARBONFIN_WEBHOOK_NETWORKS"


def test_one_address_that_is_not_allowed_condemns_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", ("93.184.215.14", 443)), (2, 1, 6, "", ("172.16.0.1", 443))]

    monkeypatch.setattr("carbonfin.app.messages.networks.socket.getaddrinfo", both)
    with pytest.raises(UpstreamFailed, match="not allowed"):
        AllowedNetworks().look_up("bank.example", 443)


def test_over_tls_the_certificate_must_name_the_host_not_the_address(tmp_path: Path) -> None:
    shown, believed = certificate_for("localhost", tmp_path)
    with running_receiver(shown) as receiver, http_transport(LOOPBACK, deadline_s=3, trust=believed) as transport:
        named = receiver.address.replace("127.0.0.1", "localhost")
        assert transport.post(named, {}, b"{}").status == 200
        assert transport.post(receiver.address, {}, b"{}").failure == "ConnectError"
        assert len(receiver.seen) == 1


def test_a_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    shown, _ = certificate_for("localhost", tmp_path)
    with running_receiver(shown) as receiver, http_transport(LOOPBACK, deadline_s=3) as transport:
        named = receiver.address.replace("127.0.0.1", "localhost")
        assert transport.post(named, {}, b"{}") == ReceiverAnswer(status=None, failure="ConnectError")
        assert receiver.seen == []


def test_a_receiver_that_drips_over_tls_is_cut_off_too(tmp_path: Path) -> None:
    shown, believed = certificate_for("localhost", tmp_path)
    with running_receiver(shown) as receiver, http_transport(LOOPBACK, deadline_s=0.5, trust=believed) as transport:
        receiver.drip = True
        started_s = time.monotonic()
        answer = transport.post(receiver.address.replace("127.0.0.1", "localhost"), {}, b"{}")
    assert (answer.status, answer.failure) == (None, "no answer within the time allowed")
    assert time.monotonic() - started_s < 5
