"""The key that signs the heads of decision chains: given by the environment, or made on the first use."""

import os
import re
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from carbonfin.kernel.cryptography import Signer, new_ecdsa_pem, sha256_hex, signer_from
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.storage.decisions import FINGERPRINT_DIGITS_MIN, TrustedKeys
from carbonfin.web.connections import Connection

SIGNING_KEY = "CARBONFIN_SIGNING_KEY"
SIGNING_KEY_FILE = "CARBONFIN_SIGNING_KEY_FILE"
TRUSTED_SIGNING_KEYS = "CARBONFIN_TRUSTED_SIGNING_KEYS"
_STATE = "carbonfin_signing"
_FILE_NAME = "signing-key"
_FINGERPRINT = re.compile(rf"[0-9a-f]{{{FINGERPRINT_DIGITS_MIN},64}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeys:
    """Where the signing key is, and which keys besides it are trusted.

    Attributes:
        given: The key itself, where the environment holds it.
        file: Where it is read otherwise.
        is_ours: Whether we make the file where there is none.
        others: Fingerprints of keys trusted besides: used before, or of another process that signs.
    """

    file: Path
    is_ours: bool
    given: bytes | None = field(default=None, repr=False)
    others: tuple[str, ...] = ()

    def signer(self) -> Signer:
        """Give the signer, with a fresh key where none was given and none was made before.

        Raises:
            InvalidInput: The key cannot be read or is none.
        """
        if self.given is None and self.is_ours and not self.file.exists():
            _make(self.file)
        return self._read()

    def trusted(self) -> TrustedKeys:
        """Give the keys whose signatures count: this one, where there is one, and the others; makes none."""
        if self.given is None and self.is_ours and not self.file.exists():
            return TrustedKeys(fingerprints=self.others)
        return TrustedKeys(fingerprints=(sha256_hex(self._read().public_key.encode()), *self.others))

    def _read(self) -> Signer:
        name = SIGNING_KEY if self.given is not None else SIGNING_KEY_FILE
        try:
            return signer_from(self.file.read_bytes() if self.given is None else self.given)
        except OSError as error:
            raise _refusal(name, "the file cannot be read", "无法读取该文件") from error
        except CarbonFinError as error:
            raise _refusal(name, error.detail, error.zh) from error


def signing_from(environment: Mapping[str, str], folder: Path) -> SigningKeys:
    """Read where the key is and which are trusted; the key itself is read when it is needed.

    Raises:
        InvalidInput: A trusted key is not written as the beginning of a SHA-256.
    """
    others = tuple(part.strip() for part in environment.get(TRUSTED_SIGNING_KEYS, "").split(",") if part.strip())
    for one in others:
        if not _FINGERPRINT.fullmatch(one):
            raise _refusal(
                TRUSTED_SIGNING_KEYS,
                f"{one!r} is not {FINGERPRINT_DIGITS_MIN} to 64 hexadecimal digits",
                f"“{one}”不是 {FINGERPRINT_DIGITS_MIN} 至 64 位十六进制数字",
            )
    given, named = environment.get(SIGNING_KEY), environment.get(SIGNING_KEY_FILE)
    return SigningKeys(
        file=Path(named) if named else folder / _FILE_NAME,
        is_ours=not named,
        given=given.encode() if given else None,
        others=others,
    )


def keep_signing(state: Any, keys: SigningKeys) -> None:
    """Keep with the application which keys it trusts."""
    state[_STATE] = keys


def signing_of(connection: Connection) -> SigningKeys:
    """Give the application's keys."""
    return cast("SigningKeys", connection.app.state[_STATE])


def _make(file: Path) -> None:
    """Make a key that only the owner reads; of two processes that make one at once, the first one's stays."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".signing-key-")
    made = Path(name)
    with os.fdopen(handle, "wb") as opened:
        opened.write(new_ecdsa_pem())
    with suppress(FileExistsError):
        os.link(made, file)
    made.unlink()


def _refusal(name: str, why: str, zh: str) -> InvalidInput:
    return InvalidInput(
        f"{name}: {why}",
        zh=f"环境变量 {name}：{zh}",
        field=name,
        remedy="Correct the variable and start again.",
        remedy_zh="请更正环境变量后重新启动。",
    )
