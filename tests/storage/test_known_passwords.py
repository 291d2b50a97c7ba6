"""Passwords known from breaches: found in a sorted list wherever they stand, and never taken on trust."""

import hashlib
from pathlib import Path

import pytest

from carbonfin.app.settings import settings_from
from carbonfin.kernel.errors import InvalidInput, UpstreamFailed
from carbonfin.storage import parties
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties.known_passwords import KnownPasswords
from tests.storage.test_administration import CLOCK
from tests.storage.worlds import make_world

OLD, KNOWN, NEW = "correct horse battery", "a known horse battery 9", "an unknown horse battery 9"
# SHA-1 of "password", as published in FIPS 180's and everybody's examples.
PASSWORD_SHA1 = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8"


def _list(file: Path, passwords: list[str], *, end: str = "\r\n", count: bool = True) -> KnownPasswords:
    digests = sorted(hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest().upper() for text in passwords)
    file.write_bytes("".join(f"{one}{f':{n}' if count else ''}{end}" for n, one in enumerate(digests, 1)).encode())
    return KnownPasswords(file)


@pytest.mark.parametrize(("end", "count"), [("\r\n", True), ("\n", False), ("\n", True)])
def test_every_line_is_found_and_nothing_else(tmp_path: Path, end: str, count: bool) -> None:  # noqa: FBT001 - a case
    listed = [f"known {number}" for number in range(300)]
    known = _list(tmp_path / "list", listed, end=end, count=count)
    assert all(known.holds(text) for text in listed)
    assert not any(known.holds(f"unknown {number}") for number in range(300))
    whole = known.file.read_bytes()
    known.file.write_bytes(whole.rstrip())
    assert all(known.holds(text) for text in listed), "the last line may have no end"
    known.file.write_bytes(whole.lower())
    assert all(known.holds(text) for text in listed), "digests in small letters are the same"


def test_the_published_digest_of_a_password_is_found(tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_text(f"{PASSWORD_SHA1}:10434004\n")
    assert KnownPasswords(file).holds("password")
    assert not KnownPasswords(file).holds("Password")


def test_a_known_password_is_refused_and_the_old_one_stays(sessions: Sessions, tmp_path: Path) -> None:
    known = _list(tmp_path / "list", [KNOWN, "another"])
    with sessions.begin() as session:
        world = make_world(session, password_hash=parties.hash_password(OLD))
        login = parties.load_account(session, world.maker, world.maker.id).login
    with pytest.raises(InvalidInput, match="known from a breach"):
        parties.change_password(sessions, world.maker, current=OLD, new=KNOWN, clock=CLOCK, known=known)
    assert parties.authenticate_person(sessions, login=login, password=OLD, clock=CLOCK) is not None
    parties.change_password(sessions, world.maker, current=OLD, new=NEW, clock=CLOCK, known=known)
    assert parties.authenticate_person(sessions, login=login, password=NEW, clock=CLOCK) is not None


def test_no_password_is_taken_while_the_list_cannot_be_read(sessions: Sessions, tmp_path: Path) -> None:
    with sessions.begin() as session:
        world = make_world(session, password_hash=parties.hash_password(OLD))
        login = parties.load_account(session, world.maker, world.maker.id).login
    gone = KnownPasswords(tmp_path / "gone")
    with pytest.raises(UpstreamFailed, match="cannot be read"):
        parties.change_password(sessions, world.maker, current=OLD, new=NEW, clock=CLOCK, known=gone)
    assert parties.authenticate_person(sessions, login=login, password=OLD, clock=CLOCK) is not None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "line 1 is no SHA-1 digest"),
        ("password\n", "line 1 is no SHA-1 digest"),
        (f"{PASSWORD_SHA1}:1\n{PASSWORD_SHA1[:-1]}\n", "line 2 is no SHA-1 digest"),
        (f"{'B' * 40}:1\n{'a' * 40}:1\n", "line 2 is out of order"),
    ],
)
def test_a_list_that_is_none_stops_the_start(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "list"
    file.write_text(text)
    environment = {"CARBONFIN_VAR": str(tmp_path / "var"), "CARBONFIN_KNOWN_PASSWORDS_FILE": str(file)}
    with pytest.raises(InvalidInput, match=why) as caught:
        settings_from(environment)
    assert caught.value.field == "CARBONFIN_KNOWN_PASSWORDS_FILE"
    file.write_text(f"{PASSWORD_SHA1}:1\n")
    assert settings_from(environment).known_passwords == KnownPasswords(file)
