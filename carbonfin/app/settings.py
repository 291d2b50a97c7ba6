"""Settings from the environment; a secret of its own is made on the first start."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from carbonfin.app.files.scanner import NoScanner, VirusScanner, scanner_from
from carbonfin.app.identity.providers import OIDC_FILE, IdentityProvider, is_sound_address, providers_from
from carbonfin.app.identity.second_factor import SecondFactorRule, second_factor_from
from carbonfin.app.messages.mail import MailServer, mail_server_from
from carbonfin.app.messages.networks import AllowedNetworks, networks_from
from carbonfin.app.proxies import TrustedProxies, trusted_proxies_from
from carbonfin.app.rate_limit import RateLimit, rate_limit_of
from carbonfin.app.signing import SigningKeys, signing_from
from carbonfin.kernel.cryptography import KeyRing
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.parties import KnownPasswords
from loans.calc.account_pulls import DataProvider
from loans.feeds.providers.access import ProviderAccess, provider_accesses

DATABASE_URL = "CARBONFIN_DATABASE_URL"
SECRET = "CARBONFIN_SECRET"  # noqa: S105 - the name of a variable
SECRET_FILE = "CARBONFIN_SECRET_FILE"  # noqa: S105 - the name of a variable
PREVIOUS_SECRETS = "CARBONFIN_PREVIOUS_SECRETS"
HOST = "CARBONFIN_HOST"
PORT = "CARBONFIN_PORT"
SECURE_COOKIES = "CARBONFIN_SECURE_COOKIES"
VAR_FOLDER = "CARBONFIN_VAR"
METRICS_TOKEN = "CARBONFIN_METRICS_TOKEN"  # noqa: S105 - the name of a variable
OTEL_ENDPOINT = "CARBONFIN_OTEL_ENDPOINT"
PUBLIC_URL = "CARBONFIN_PUBLIC_URL"
SMTP_URL = "CARBONFIN_SMTP_URL"
MAIL_FROM = "CARBONFIN_MAIL_FROM"
WEBHOOK_NETWORKS = "CARBONFIN_WEBHOOK_NETWORKS"
SECOND_FACTOR = "CARBONFIN_SECOND_FACTOR"
KNOWN_PASSWORDS_FILE = "CARBONFIN_KNOWN_PASSWORDS_FILE"
VIRUS_SCANNER = "CARBONFIN_VIRUS_SCANNER"
RATE_LIMIT = "CARBONFIN_RATE_LIMIT"
VERIFICATION_LIMIT = "CARBONFIN_VERIFICATION_LIMIT"
TRUSTED_PROXIES = "CARBONFIN_TRUSTED_PROXIES"
DEFAULTS: Mapping[str, str] = {
    HOST: "127.0.0.1",
    PORT: "8000",
    SECURE_COOKIES: "no",
    VAR_FOLDER: "var",
    RATE_LIMIT: "2000/10",
    VERIFICATION_LIMIT: "120/60",
}
"""What holds where nothing is said; what is not named here is off or follows from the others."""
_SECRET_LENGTH_MIN = 32
_PORT_MAX = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where the database is, what tokens are sealed with, and where to listen.

    Attributes:
        secret: Seals form tokens, sessions and API keys; never shown.
        previous_secrets: Secrets in use before, newest first; they only check what was sealed with them.
        secure_cookies: True behind TLS; false only on a loopback address.
        metrics_token: Opens `/metrics` to whoever has it; None opens them on the machine itself alone.
        otel_endpoint: Where spans go over OTLP/HTTP; None makes none.
        rate_limit: How often one key or person may ask the API in each process; None sets no limit.
        trusted_proxies: The proxies that are believed where a caller comes from.
        verification_limit: How often one address may ask whether a document is genuine, in each process.
        verification_address: Where readers of documents verify them: the public address where it is given, else empty.
        public_url: The address people and other systems reach the service at, without a closing slash.
        identity_providers: The organisations' own sign-ins (OpenID Connect).
        mail_server: Where mail is handed in; None sends none, and notices stay in the inbox alone.
        signing: The key that signs the heads of decision chains, read when it is needed.
        webhook_networks: Where deliveries to banks' systems may go beside public addresses.
        second_factor: Whose people must have a second factor.
        known_passwords: Passwords known from breaches; None where the operator keeps no list.
        virus_scanner: Looks at evidence before it is kept.
        account_providers: The providers of account data the installation is connected to.
    """

    database_url: str = field(repr=False)
    secret: bytes = field(repr=False)
    host: str
    port: int
    secure_cookies: bool
    signing: SigningKeys = field(default_factory=lambda: signing_from({}, Path(DEFAULTS[VAR_FOLDER])))
    previous_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    metrics_token: str | None = field(default=None, repr=False)
    otel_endpoint: str | None = None
    rate_limit: RateLimit | None = None
    verification_limit: RateLimit | None = None
    trusted_proxies: TrustedProxies = field(default_factory=TrustedProxies)
    verification_address: str = ""
    public_url: str = ""
    identity_providers: tuple[IdentityProvider, ...] = ()
    mail_server: MailServer | None = None
    webhook_networks: AllowedNetworks = field(default_factory=AllowedNetworks)
    second_factor: SecondFactorRule = field(default_factory=SecondFactorRule)
    known_passwords: KnownPasswords | None = None
    virus_scanner: VirusScanner = field(default_factory=NoScanner)
    account_providers: Mapping[DataProvider, ProviderAccess] = field(default_factory=dict)

    @property
    def keys(self) -> KeyRing:
        """The secrets as a key ring."""
        return KeyRing(secrets=(self.secret, *self.previous_secrets))


def settings_from(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings; what is not given stands beside the working directory in `var`.

    Raises:
        InvalidInput: A variable cannot be used.
    """
    folder = Path(_said(environment, VAR_FOLDER))
    database_url = environment.get(DATABASE_URL) or f"sqlite:///{_made(folder) / 'carbonfin.db'}"
    host = _said(environment, HOST)
    secure = _said(environment, SECURE_COOKIES)
    if secure not in {"yes", "no"}:
        raise _refusal(SECURE_COOKIES, f"{secure!r} is neither yes nor no", "只能为 yes 或 no")
    port = _port(_said(environment, PORT))
    return Settings(
        database_url=database_url,
        secret=_secret(environment, folder),
        host=host,
        port=port,
        secure_cookies=secure == "yes",
        previous_secrets=tuple(
            _long_enough(PREVIOUS_SECRETS, text) for text in environment.get(PREVIOUS_SECRETS, "").split(",") if text
        ),
        metrics_token=_token(environment),
        otel_endpoint=_collector(environment),
        rate_limit=rate_limit_of(_said(environment, RATE_LIMIT), field=RATE_LIMIT),
        trusted_proxies=trusted_proxies_from(environment.get(TRUSTED_PROXIES, ""), name=TRUSTED_PROXIES),
        verification_limit=rate_limit_of(_said(environment, VERIFICATION_LIMIT), field=VERIFICATION_LIMIT),
        verification_address=_public_url(environment, host, port) if environment.get(PUBLIC_URL) else "",
        public_url=_public_url(environment, host, port),
        identity_providers=providers_from(environment.get(OIDC_FILE)),
        mail_server=mail_server_from(
            environment.get(SMTP_URL, ""), environment.get(MAIL_FROM, ""), names=(SMTP_URL, MAIL_FROM)
        ),
        signing=signing_from(environment, folder),
        webhook_networks=networks_from(environment.get(WEBHOOK_NETWORKS, ""), name=WEBHOOK_NETWORKS),
        second_factor=second_factor_from(environment.get(SECOND_FACTOR, ""), name=SECOND_FACTOR),
        known_passwords=_known_passwords(environment),
        virus_scanner=scanner_from(environment.get(VIRUS_SCANNER, ""), name=VIRUS_SCANNER),
        account_providers=provider_accesses(environment),
    )


def _said(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name) or DEFAULTS[name]


def _known_passwords(environment: Mapping[str, str]) -> KnownPasswords | None:
    given = environment.get(KNOWN_PASSWORDS_FILE)
    if not given:
        return None
    known = KnownPasswords(Path(given))
    known.require_sound(name=KNOWN_PASSWORDS_FILE)
    return known


def _public_url(environment: Mapping[str, str], host: str, port: int) -> str:
    given = environment.get(PUBLIC_URL) or f"http://{f'[{host}]' if ':' in host else host}:{port}"
    if environment.get(PUBLIC_URL) and not is_sound_address(given):
        raise _refusal(PUBLIC_URL, f"{given!r} is no https address", "应为 https 地址")
    return given.rstrip("/")


def _token(environment: Mapping[str, str]) -> str | None:
    given = environment.get(METRICS_TOKEN)
    return _long_enough(METRICS_TOKEN, given).decode() if given else None


def _collector(environment: Mapping[str, str]) -> str | None:
    given = environment.get(OTEL_ENDPOINT) or None
    if given is not None and not given.startswith(("http://", "https://")):
        raise _refusal(OTEL_ENDPOINT, f"{given!r} is no http or https address", "应为 http 或 https 地址")
    return given


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= _PORT_MAX):
        raise _refusal(PORT, f"{text!r} is no port from 1 to {_PORT_MAX}", f"应为 1 至 {_PORT_MAX} 的端口号")
    return int(text)


def _secret(environment: Mapping[str, str], folder: Path) -> bytes:
    given = environment.get(SECRET)
    if given is not None:
        return _long_enough(SECRET, given)
    named = environment.get(SECRET_FILE)
    if named is not None:
        try:
            return _long_enough(SECRET_FILE, Path(named).read_text(encoding="ascii").strip())
        except (OSError, UnicodeDecodeError) as error:
            raise _refusal(SECRET_FILE, "the file cannot be read", "无法读取该文件") from error
    file = _made(folder) / "secret"
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text(encoding="ascii").strip().encode()
    with os.fdopen(handle, "w", encoding="ascii") as opened:
        opened.write(secrets.token_urlsafe(48))
    return file.read_text(encoding="ascii").strip().encode()


def _long_enough(name: str, text: str) -> bytes:
    if len(text) < _SECRET_LENGTH_MIN:
        raise _refusal(name, f"fewer than {_SECRET_LENGTH_MIN} characters", f"不足 {_SECRET_LENGTH_MIN} 个字符")
    return text.encode()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _refusal(name: str, why: str, zh: str) -> InvalidInput:
    return InvalidInput(
        f"{name}: {why}",
        zh=f"环境变量 {name}：{zh}",
        field=name,
        remedy="Correct the variable and start again.",
        remedy_zh="请更正环境变量后重新启动。",
    )
