"""Where the registry is, the secret shared with it, and how patiently it is asked."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from carbonfin.kernel.errors import InvalidInput

SECRET = "CARBONFIN_REGISTRY_SECRET"  # noqa: S105 - the name of a variable
VAR_FOLDER = "CARBONFIN_VAR"
_FILE_NAME = "registry-secret"
_SECRET_LENGTH_MIN = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryAccess:
    """How a registry is reached.

    Attributes:
        secret: Signs requests and checks replies; shared with the registry.
        timeout_seconds: Bounds each step of a call: to connect, to send, to wait for the next part of the reply.
        attempts: How often a call is made before it is left to the next run.
        first_wait_seconds: Longest wait before the second attempt; doubled each time, and shortened by chance.
        wait_seconds_max: Longest wait of all.
        failures_to_open: After so many failures in a row nothing is sent for a while.
        open_seconds: How long that while is.
    """

    address: str
    secret: bytes = field(repr=False)
    timeout_seconds: float = 10.0
    attempts: int = 3
    first_wait_seconds: float = 0.5
    wait_seconds_max: float = 8.0
    failures_to_open: int = 5
    open_seconds: float = 30.0


def registry_secret(environment: Mapping[str, str] = os.environ, *, folder: Path | None = None) -> bytes:
    """Give the secret shared with the registry: from the environment, else from a file, made on the first use.

    The made one serves rehearsals, where the simulator reads the same file; a registry's own goes into the variable.

    Args:
        environment: Where the variables are.
        folder: Where the made one is kept; None takes the folder of the installation's own files.

    Raises:
        InvalidInput: It is shorter than 32 characters.
    """
    given = environment.get(SECRET)
    if given is None:
        given = _kept(folder or Path(environment.get(VAR_FOLDER) or "var"))
    if len(given) < _SECRET_LENGTH_MIN:
        raise InvalidInput(
            f"{SECRET}: fewer than {_SECRET_LENGTH_MIN} characters",
            zh=f"环境变量 {SECRET}：不足 {_SECRET_LENGTH_MIN} 个字符",
            field=SECRET,
            remedy="Enter the secret agreed with the registry.",
            remedy_zh="请填写与登记机构约定的密钥。",
        )
    return given.encode()


def _kept(folder: Path) -> str:
    file = folder / _FILE_NAME
    folder.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text(encoding="ascii").strip()
    made = secrets.token_urlsafe(48)
    with os.fdopen(handle, "w", encoding="ascii") as opened:
        opened.write(made)
    return made
