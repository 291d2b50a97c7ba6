"""Whom the service believes where a caller comes from."""

from dataclasses import replace

import httpx
import pytest
from litestar import Litestar

from carbonfin.app.factory import create_app
from carbonfin.app.proxies import told_address, trusted_proxies_from
from carbonfin.app.rate_limit import RateLimit
from carbonfin.app.settings import TRUSTED_PROXIES, settings_from
from carbonfin.kernel.errors import InvalidInput
from tests.app.worlds import PAGE, SETTINGS, World
from tests.loops import run_apart

PROXY = "192.0.2.2"
TRUSTED = trusted_proxies_from("192.0.2.0/24, fd00:1::/32", name=TRUSTED_PROXIES)
READER = "203.0.113.7"
FORGED = "198.51.100.9"


@pytest.mark.parametrize(
    ("peer", "forwarded", "caller"),
    [
        (READER, [], READER),
        (READER, [FORGED], READER),
        (PROXY, [], PROXY),
        (PROXY, [READER], READER),
        (f"::ffff:{PROXY}", [READER], READER),
        ("fd00:1::5", ["2001:db8::7"], "2001:db8::7"),
        (PROXY, [f"{FORGED}, {READER}"], READER),
        (PROXY, [FORGED, READER], READER),
        (PROXY, [f"{FORGED}, {READER}, 192.0.2.99"], READER),
        (PROXY, ["192.0.2.99"], "192.0.2.99"),
        (PROXY, [f"{READER}, unknown"], PROXY),
        (PROXY, [f"{FORGED}, {READER}:4711"], PROXY),
        (PROXY, [""], PROXY),
        ("", [READER], ""),
    ],
)
def test_only_what_trusted_proxies_wrote_is_believed(peer: str, forwarded: list[str], caller: str) -> None:
    assert told_address(peer, forwarded, TRUSTED) == caller


def test_nobody_is_trusted_unless_named() -> None:
    assert told_address(PROXY, [READER], SETTINGS.trusted_proxies) == PROXY


def test_readers_behind_a_trusted_proxy_are_counted_apart(world: World) -> None:
    limit = RateLimit(requests_count=2, seconds=3600)
    app = create_app(replace(SETTINGS, verification_limit=limit, trusted_proxies=TRUSTED), world.sessions)
    assert run_apart(_asked(app, PROXY, READER)) == [200, 200, 429]
    assert run_apart(_asked(app, PROXY, "203.0.113.8")) == [200, 200, 429], "another reader of the same proxy"
    assert run_apart(_asked(app, PROXY, f"{FORGED}, {READER}")) == [429] * 3, "what a reader adds changes nothing"
    assert run_apart(_asked(app, FORGED, "203.0.113.9")) == [200, 200, 429]
    assert run_apart(_asked(app, FORGED, "203.0.113.10")) == [429] * 3, "nobody trusts him"


async def _asked(app: Litestar, peer: str, forwarded: str) -> list[int]:
    transport = httpx.ASGITransport(app=app, client=(peer, 50_000))
    headers = {**PAGE, "X-Forwarded-For": forwarded}
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver.local", headers=headers) as client:
        asked = {"number": "TS-1", "version": "1", "issuer": "91440300EXAMPLEA59", "digest": "0" * 64}
        return [(await client.get("/verify", params=asked)).status_code for _ in range(3)]


def test_the_networks_come_from_the_environment(tmp_path: object) -> None:
    environment = {"CARBONFIN_VAR": str(tmp_path)}
    assert settings_from(environment).trusted_proxies.networks == ()
    assert settings_from(environment | {TRUSTED_PROXIES: "192.0.2.0/24, fd00:1::/32"}).trusted_proxies == TRUSTED
    with pytest.raises(InvalidInput) as caught:
        settings_from(environment | {TRUSTED_PROXIES: "192.0.2.1/24"})
    assert caught.value.field == TRUSTED_PROXIES
