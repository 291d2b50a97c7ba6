"""Signed deliveries: what fits, what does not, and what a captured one is good for."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from carbonfin.kernel.cryptography import KeyRing
from carbonfin.kernel.errors import InvalidInput, NotPermitted
from carbonfin.kernel.webhooks import EventBody, checked_address, signed_headers, verified, webhook_secrets

AT = datetime(2025, 7, 1, 1, 30, tzinfo=UTC)
BODY = EventBody(
    delivery_id="d1",
    event="event.margin_call.issued",
    subject="pledge:P4",
    number=2,
    payload={"cash_cny": "1.00", "甲": 1},
)
SECRET = "cfwh_" + "0" * 64


def test_the_signature_is_hmac_sha256_over_timestamp_and_body() -> None:
    headers = signed_headers([SECRET], BODY, at=AT)
    content = (
        '{"delivery_id":"d1","event":"event.margin_call.issued","number":2,'
        '"payload":{"cash_cny":"1.00","甲":1},"subject":"pledge:P4"}'
    ).encode()
    assert BODY.as_bytes() == content
    by_hand = hmac.new(SECRET.encode(), b"1751333400." + content, hashlib.sha256).hexdigest()
    assert headers == {
        "Content-Type": "application/json",
        "Carbonfin-Delivery": "d1",
        "Carbonfin-Event": "event.margin_call.issued",
        "Carbonfin-Timestamp": "1751333400",
        "Carbonfin-Signature": f"v1={by_hand}",
    }
    assert verified([SECRET], headers, content, at=AT) == BODY


def test_header_names_come_in_any_case() -> None:
    headers = {name.lower(): value for name, value in signed_headers([SECRET], BODY, at=AT).items()}
    assert verified([SECRET], headers, BODY.as_bytes(), at=AT) == BODY


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_within_five_minutes_it_is_fresh(seconds: int) -> None:
    headers = signed_headers([SECRET], BODY, at=AT)
    assert verified([SECRET], headers, BODY.as_bytes(), at=AT + timedelta(seconds=seconds)) == BODY


@pytest.mark.parametrize("seconds", [-301, 301, 86400])
def test_beyond_five_minutes_it_is_refused(seconds: int) -> None:
    headers = signed_headers([SECRET], BODY, at=AT)
    with pytest.raises(NotPermitted, match="away from now") as caught:
        verified([SECRET], headers, BODY.as_bytes(), at=AT + timedelta(seconds=seconds))
    assert caught.value.field == "Carbonfin-Timestamp"


@pytest.mark.parametrize("change", ["body", "timestamp", "secret", "signature", "scheme", "no signature"])
def test_whatever_is_changed_no_signature_fits(change: str) -> None:
    headers, content, secret = signed_headers([SECRET], BODY, at=AT), BODY.as_bytes(), SECRET
    if change == "body":
        content = content.replace(b"1.00", b"9.00")
    elif change == "timestamp":
        headers["Carbonfin-Timestamp"] = "1751333401"
    elif change == "secret":
        secret = SECRET.replace("0", "1")
    elif change == "signature":
        headers["Carbonfin-Signature"] = headers["Carbonfin-Signature"][:-1] + "é"
    elif change == "scheme":
        headers["Carbonfin-Signature"] = headers["Carbonfin-Signature"].replace("v1=", "v0=")
    else:
        headers["Carbonfin-Signature"] = ""
    with pytest.raises(NotPermitted, match="no signature fits"):
        verified([secret], headers, content, at=AT)


@pytest.mark.parametrize(
    "name", ["Carbonfin-Signature", "Carbonfin-Timestamp", "Carbonfin-Delivery", "Carbonfin-Event"]
)
def test_a_missing_header_is_named(name: str) -> None:
    headers = signed_headers([SECRET], BODY, at=AT)
    del headers[name]
    with pytest.raises(InvalidInput, match="is missing") as caught:
        verified([SECRET], headers, BODY.as_bytes(), at=AT)
    assert caught.value.field == name


@pytest.mark.parametrize("name", ["Carbonfin-Delivery", "Carbonfin-Event"])
def test_a_captured_delivery_cannot_pass_as_another_one(name: str) -> None:
    """The receiver knows a repetition by its identifier, which is therefore under the signature."""
    headers = signed_headers([SECRET], BODY, at=AT) | {name: "d2"}
    with pytest.raises(InvalidInput, match="another delivery"):
        verified([SECRET], headers, BODY.as_bytes(), at=AT)


@pytest.mark.parametrize("timestamp", ["", "now", "-1", "1e9", "１７５１３３３４００", "9" * 400])
def test_a_timestamp_that_is_none_is_refused(timestamp: str) -> None:
    headers = signed_headers([SECRET], BODY, at=AT) | {"Carbonfin-Timestamp": timestamp}
    with pytest.raises(InvalidInput, match="no timestamp"):
        verified([SECRET], headers, BODY.as_bytes(), at=AT)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"delivery_id":"d1","other":1}', b"\xff"])
def test_a_signed_body_that_is_none_of_ours_is_refused(content: bytes) -> None:
    signature = hmac.new(SECRET.encode(), b"1751333400." + content, hashlib.sha256).hexdigest()
    headers = signed_headers([SECRET], BODY, at=AT) | {"Carbonfin-Signature": f"v1={signature}"}
    with pytest.raises(InvalidInput, match="no delivery of ours"):
        verified([SECRET], headers, content, at=AT)


def test_while_a_secret_changes_either_fits() -> None:
    old, new = SECRET, SECRET.replace("0", "1")
    headers = signed_headers([new, old], BODY, at=AT)
    assert headers["Carbonfin-Signature"].count("v1=") == 2
    for known in ([old], [new], [new, old]):
        assert verified(known, headers, BODY.as_bytes(), at=AT) == BODY


def test_secrets_are_derived_for_each_webhook_and_version_and_outlive_a_change_of_the_installations_secret() -> None:
    before = KeyRing(secrets=(b"a" * 32,))
    after = KeyRing(secrets=(b"b" * 32, b"a" * 32))
    (first,) = webhook_secrets(before, webhook_id="w1", version=1)
    by_hand = hmac.new(b"a" * 32, b"carbonfin:webhook:w1:1", hashlib.sha256).hexdigest()
    assert first == f"cfwh_{by_hand}"
    others = {
        webhook_secrets(before, webhook_id=webhook_id, version=version)[0]
        for webhook_id, version in (("w1", 2), ("w2", 1), ("w2", 2))
    }
    assert len(others | {first}) == 4
    assert webhook_secrets(after, webhook_id="w1", version=1)[1] == first


@pytest.mark.parametrize(
    "url",
    [
        "https://bank.example/hooks", "https://bank.example:8443/hooks?source=carbonfin", "https://172.16.2.3/hooks",
        "https://[2001:db8::1]/hooks", "http://localhost:8099/", "http://127.0.0.1:8099/hooks", "http://[::1]:8099/",
    ],
)  # fmt: skip
def test_addresses_that_may_be_used(url: str) -> None:
    assert checked_address(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "", "bank.example", "http://bank.example/hooks", "ftp://bank.example/", "file:///etc/passwd", "https:///hooks",
        "https://user:word@bank.example/", "https://user@bank.example/", "https://bank.example/#part",
        "https://bank.example/a b", "https://bank.example/\r\nHost: other", "https://银行.example/", "https://[::1/",
        "https://bank.example:99999/", "https://bank.example:0/", "https://bank.example\\@evil.example/",
        "http://127.0.0.1.evil.example/", "http://127.0.0.2/", "https://bank.example/" + "a" * 2000,
    ],
)  # fmt: skip
def test_addresses_that_may_not(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked_address(url)
    assert caught.value.field == "url"


def test_the_body_is_read_back_as_it_was_written() -> None:
    assert EventBody(**json.loads(BODY.as_bytes())) == BODY
