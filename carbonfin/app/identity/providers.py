"""The identity providers of organisations, read from one TOML file (CARBONFIN_OIDC_FILE)."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from carbonfin.kernel.errors import InvalidInput

OIDC_FILE = "CARBONFIN_OIDC_FILE"
_ALGORITHMS = ("RS256", "PS256", "ES256")
_NAME = re.compile(r"[a-z0-9-]{1,40}")
_KEYS = frozenset({"name", "title", "organization", "issuer", "client_id", "client_secret_file", "login_claim"})


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProvider:
    """An organisation's own sign-in (OpenID Connect).

    Attributes:
        name: Its short name in addresses.
        title: What the button on the sign-in page says.
        organization_usci: The one organisation it may speak for.
        issuer: Its issuer identifier, exactly as it stands in its tokens.
        login_claim: The claim that holds our login, such as `preferred_username`; None links nobody by itself.
        algorithms: The signatures that are taken; never `none`, never a shared secret.
    """

    name: str
    title: str
    organization_usci: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    login_claim: str | None = None
    algorithms: tuple[str, ...] = _ALGORITHMS


def providers_from(path: str | None) -> tuple[IdentityProvider, ...]:
    """Read the providers; none where no file is named.

    Raises:
        InvalidInput: The file cannot be read, or an entry lacks something or holds something unknown.
    """
    if not path:
        return ()
    try:
        read = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _refusal("the file cannot be read as TOML", "无法读取或不是 TOML 文件") from error
    entries = read.get("provider", [])
    if not isinstance(entries, list) or not entries or set(read) != {"provider"}:
        raise _refusal("it holds no [[provider]] table, or something else", "应只含 [[provider]] 表")
    providers = tuple(_provider(entry, Path(path).parent, place) for place, entry in enumerate(entries, start=1))
    if len({one.name for one in providers}) != len(providers):
        raise _refusal("two providers have one name", "名称重复")
    return providers


def _provider(entry: Mapping[str, Any], folder: Path, place: int) -> IdentityProvider:
    unknown = sorted(set(entry) - _KEYS)
    missing = sorted(_KEYS - {"login_claim"} - set(entry))
    if unknown or missing or not all(isinstance(value, str) and value for value in entry.values()):
        named = ", ".join(unknown + missing) or "a value that is no text"
        raise _refusal(f"provider {place}: unknown, missing or empty: {named}", f"第 {place} 个身份源有误：{named}")
    if not _NAME.fullmatch(entry["name"]):
        raise _refusal(f"provider {place}: name takes a-z, 0-9 and -", f"第 {place} 个身份源名称只能含 a-z、0-9 和 -")
    if not is_sound_address(entry["issuer"]):
        raise _refusal(f"provider {place}: issuer must be https", f"第 {place} 个身份源的 issuer 必须为 https")
    try:
        secret = (folder / entry["client_secret_file"]).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _refusal(
            f"provider {place}: client_secret_file cannot be read", f"第 {place} 个身份源密钥文件无法读取"
        ) from error
    return IdentityProvider(
        name=entry["name"],
        title=entry["title"],
        organization_usci=entry["organization"],
        issuer=entry["issuer"],
        client_id=entry["client_id"],
        client_secret=secret,
        login_claim=entry.get("login_claim"),
    )


def is_sound_address(address: str) -> bool:
    """Whether an address is https, or plain http on this machine itself."""
    parts = urlsplit(address)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"})
    )


def _refusal(why: str, zh: str) -> InvalidInput:
    return InvalidInput(
        f"{OIDC_FILE}: {why}",
        zh=f"环境变量 {OIDC_FILE} 所指文件：{zh}",
        field=OIDC_FILE,
        remedy="Correct the file and start again.",
        remedy_zh="请更正文件后重新启动。",
    )
