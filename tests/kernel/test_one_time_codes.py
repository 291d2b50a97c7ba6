"""One-time codes against the published values of RFC 4226 and RFC 6238."""

from datetime import UTC, datetime, timedelta

import pytest

from carbonfin.kernel.one_time_codes import accepted_step, code_of, enrolment_address, secret_text, step_at

SECRET = b"12345678901234567890"  # RFC 4226, appendix D, and RFC 6238, appendix B
AT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def test_codes_of_the_first_ten_counts() -> None:
    published = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]
    assert [code_of(SECRET, count) for count in range(10)] == published


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"), (1_111_111_109, "07081804"), (1_111_111_111, "14050471"), (1_234_567_890, "89005924"),
        (2_000_000_000, "69279037"), (20_000_000_000, "65353130"),
    ],
)  # fmt: skip
def test_codes_of_the_published_instants(seconds: int, code: str) -> None:
    assert code_of(SECRET, step_at(datetime.fromtimestamp(seconds, UTC)), digits=8) == code


def test_a_code_holds_one_step_early_or_late_and_no_longer() -> None:
    step = step_at(AT)
    code = code_of(SECRET, step)
    for drift in (-30, 0, 30):
        assert accepted_step(SECRET, code, at=AT + timedelta(seconds=drift), after=step - 1) == step
    for drift in (-60, 60):
        assert accepted_step(SECRET, code, at=AT + timedelta(seconds=drift), after=0) is None


def test_a_code_is_used_up_with_its_step() -> None:
    step = step_at(AT)
    assert accepted_step(SECRET, code_of(SECRET, step), at=AT, after=step) is None
    assert accepted_step(SECRET, code_of(SECRET, step - 1), at=AT, after=step) is None, "nor an older one"
    assert accepted_step(SECRET, "六位数字", at=AT, after=0) is None


def test_an_authenticator_reads_the_address() -> None:
    assert secret_text(SECRET) == "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
    assert enrolment_address(SECRET, issuer="carbonfin", login="wang.li") == (
        "otpauth://totp/carbonfin%3Awang.li?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=carbonfin&digits=6&period=30"
    )
