"""Where the providers are, the secret agreed with each, and how patiently they are asked."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from carbonfin.kernel.errors import InvalidInput
from loans.calc.account_pulls import DataProvider

ADDRESS_NAMES: Mapping[DataProvider, str] = {
    DataProvider.TAX: "CARBONFIN_TAX_DATA_URL",
    DataProvider.POWER: "CARBONFIN_POWER_DATA_URL",
}
SECRET_NAMES: Mapping[DataProvider, str] = {
    DataProvider.TAX: "CARBONFIN_TAX_DATA_SECRET",
    DataProvider.POWER: "CARBONFIN_POWER_DATA_SECRET",
}
_SECRET_LENGTH_MIN = 32
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAccess:
    """How a provider is reached.

    Attributes:
        secret: Agreed with the provider and sent with each request.
        timeout_seconds: Bounds each step of a call: to connect, to send, to wait for the next part of the answer.
        attempts: How often a call is made before it is given up.
        first_wait_seconds: Longest wait before the second attempt; doubled each time, and shortened by chance.
        wait_seconds_max: Longest wait of all.
        failures_to_open: After so many failures in a row nothing is sent for a while.
        open_seconds: How long that while is.
    """

    address: str
    secret: str = field(repr=False)
    timeout_seconds: float = 10.0
    attempts: int = 3
    first_wait_seconds: float = 0.5
    wait_seconds_max: float = 8.0
    failures_to_open: int = 5
    open_seconds: float = 30.0


def provider_secret(provider: DataProvider, environment: Mapping[str, str] = os.environ) -> str:
    """Give the secret agreed with a provider.

    Raises:
        InvalidInput: There is none, or it is too short to be one.
    """
    name = SECRET_NAMES[provider]
    given = environment.get(name, "")
    if len(given) < _SECRET_LENGTH_MIN or not given.isascii() or not given.isprintable():
        raise InvalidInput(
            f"{name}: {_SECRET_LENGTH_MIN} printable ASCII characters or more are needed",
            zh=f"环境变量 {name}：须为不少于 {_SECRET_LENGTH_MIN} 个 ASCII 可见字符", field=name,
            remedy="Enter the secret agreed with the provider.", remedy_zh="请填写与数据提供方约定的密钥。",
        )  # fmt: skip
    return given


def provider_access(
    provider: DataProvider, address: str, *, field: str, environment: Mapping[str, str] = os.environ
) -> ProviderAccess:
    """Give how a provider is reached at an address; its secret comes from the environment.

    Args:
        provider: Which.
        address: Where it is.
        field: What the address was entered as, for the refusal.
        environment: Where the variables are.

    Raises:
        InvalidInput: The address is neither https nor of this machine, or the secret is missing.
    """
    return ProviderAccess(address=_sound(address, field), secret=provider_secret(provider, environment))


def provider_accesses(environment: Mapping[str, str] = os.environ) -> dict[DataProvider, ProviderAccess]:
    """Give the providers whose address the environment names.

    Raises:
        InvalidInput: An address is neither https nor of this machine, or its secret is missing.
    """
    return {
        provider: provider_access(provider, address, field=name, environment=environment)
        for provider, name in ADDRESS_NAMES.items()
        if (address := environment.get(name, ""))
    }


def _sound(address: str, name: str) -> str:
    parts = urlsplit(address)
    if not parts.hostname or not (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    ):  # fmt: skip
        raise InvalidInput(
            f"{name}: {address!r} is no https address", zh=f"{name}：应为 https 地址", field=name,
            remedy="Write https://…; plain http is taken on this machine alone.",
            remedy_zh="请填写 https 地址；仅本机可用 http。",
        )  # fmt: skip
    return address.rstrip("/")
