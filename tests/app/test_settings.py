"""Settings: what is given, what is made, what is refused."""

import stat
from pathlib import Path

import pytest

from carbonfin.app.settings import settings_from
from carbonfin.kernel.errors import InvalidInput


def test_a_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    environment = {"CARBONFIN_VAR": str(tmp_path / "var")}
    first, second = settings_from(environment), settings_from(environment)
    file = tmp_path / "var" / "secret"
    assert first.secret == second.secret
    assert len(first.secret) >= 48
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert first.database_url == f"sqlite:///{tmp_path}/var/carbonfin.db"
    assert (first.host, first.port, first.secure_cookies) == ("127.0.0.1", 8000, False)


def test_secrets_stay_out_of_what_is_printed(tmp_path: Path) -> None:
    environment = {
        "CARBONFIN_VAR": str(tmp_path),
        "CARBONFIN_SECRET": "s" * 32,
        "CARBONFIN_DATABASE_URL": "postgresql://u:p@h/n",
    }
    shown = repr(settings_from(environment))
    assert "ssss" not in shown
    assert "u:p" not in shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CARBONFIN_PORT", "0"),
        ("CARBONFIN_PORT", "65536"),
        ("CARBONFIN_PORT", "８０"),
        ("CARBONFIN_PORT", "http"),
        ("CARBONFIN_SECRET", "short"),
        ("CARBONFIN_SECURE_COOKIES", "true"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        settings_from({"CARBONFIN_VAR": str(tmp_path), name: value})
    assert caught.value.field == name
    assert name in caught.value.zh
