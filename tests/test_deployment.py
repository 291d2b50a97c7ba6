"""The container files say what is: packages, settings, commands and files that exist. They are linted, not run."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
_SECRETS = "secrets/"
_BACKUPS = "backups"
"""Both are made by the operator and never committed."""


def _compose() -> dict[str, Any]:
    read = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    assert isinstance(read, dict)
    return read


def test_the_image_holds_every_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = set(project["tool"]["uv"]["build-backend"]["module-name"])
    copied = set(re.findall(r"^COPY (\w+) \w+$", (DEPLOY / "Containerfile").read_text(), flags=re.MULTILINE))
    assert copied == packages


def test_the_image_runs_as_nobody_in_particular() -> None:
    lines = (DEPLOY / "Containerfile").read_text().splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users
    assert users[-1].isdigit()
    assert users[-1] != "0"


def test_every_setting_named_is_one_of_ours() -> None:
    described = set(re.findall(r"`(CARBONFIN_\w+)`", (ROOT / "docs/guides/operator.md").read_text()))
    for file in ("compose.yaml", "Containerfile"):
        named = set(re.findall(r"\b(CARBONFIN_\w+)", (DEPLOY / file).read_text()))
        assert named - described == set(), file


def test_every_file_mounted_is_there_or_the_operators_own() -> None:
    compose = _compose()
    mounted = [
        mount.split(":")[0]
        for service in compose["services"].values()
        for mount in service.get("volumes", ())
        if mount.startswith("./")
    ]
    secrets = [entry["file"] for entry in compose["secrets"].values()]
    assert secrets
    assert all(file.startswith("./" + _SECRETS) for file in secrets)
    assert [file for file in mounted if not (DEPLOY / file).exists()] == [f"./{_BACKUPS}"]
    assert {_SECRETS, f"{_BACKUPS}/"} <= set((DEPLOY / ".gitignore").read_text().splitlines())


def test_only_the_proxy_is_reached_from_outside_and_none_runs_with_more_than_it_needs() -> None:
    services = _compose()["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    for name in ("web", "worker", "upgrade", "backup"):
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["read_only"] is True
    for name in ("web", "worker"):
        assert "owner_pgpass" not in services[name]["secrets"], (
            "only who upgrades and who backs up is the tables' owner"
        )
    assert services["backup"]["profiles"], "it runs when it is asked for"


def test_the_image_has_the_client_programs_of_the_database_version() -> None:
    """`carbonfin db backup` refuses a pg_dump older than the server."""
    server = re.fullmatch(r"postgres:(\d+)(-\w+)?", _compose()["services"]["database"]["image"])
    client = re.findall(r"install .*\bpostgresql-client(?:-(\d+))?", (DEPLOY / "Containerfile").read_text())
    assert server is not None
    assert client == [server[1]]


def test_backups_are_written_where_they_outlive_the_container() -> None:
    backup = _compose()["services"]["backup"]
    assert f"./{_BACKUPS}:/{_BACKUPS}" in backup["volumes"]
    assert "owner_pgpass" in backup["secrets"]
    asked = re.findall(
        r"^\$ docker compose run --rm (\w+) (.+)$", (ROOT / "docs/guides/operator.md").read_text(), re.MULTILINE
    )
    assert {name for name, _ in asked} == {"backup"}
    assert all(f" /{_BACKUPS}/" in command for _, command in asked)


def test_every_command_named_is_one_of_ours() -> None:
    services = _compose()["services"]
    commands = [["serve"], services["worker"]["command"], services["backup"]["command"][:2]]
    commands += [part.split()[1:3] for part in services["upgrade"]["entrypoint"][-1].split("&&")]
    for command in commands:
        asked = [sys.executable, "-m", "carbonfin.app.cli", *command, "--help"]
        shown = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=ROOT, env=dict(os.environ))
        assert shown.returncode == 0, f"{command}: {shown.stderr}"


def test_the_roles_script_parses() -> None:
    subprocess.run(["sh", "-n", str(DEPLOY / "make-application-role.sh")], check=True)
