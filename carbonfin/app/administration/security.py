"""What happened at the organisation's doors, and the settings this process runs with and where each came from."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Response, Template

from carbonfin.app import settings as names
from carbonfin.app import signing
from carbonfin.app.administration.words import EVENT_WORDS, WORRYING, event_detail, event_words
from carbonfin.app.identity.providers import OIDC_FILE
from carbonfin.kernel.actors import Actor
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import SecurityEvent, security_events_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import csv_text, download
from carbonfin.web.filters import instant
from carbonfin.web.language import language_of
from carbonfin.web.pages import Text, page

_SHOWN_MAX = 500
_EXPORTED_MAX = 10_000
_SECRET = frozenset({names.SECRET, names.PREVIOUS_SECRETS, names.METRICS_TOKEN, signing.SIGNING_KEY})
_ADDRESSES = frozenset({names.DATABASE_URL, names.SMTP_URL, names.OTEL_ENDPOINT})
"""Addresses may hold a password, before the host or among the parameters: of both nothing is shown."""
SETTING_WORDS: Mapping[str, Text] = {
    names.DATABASE_URL: Text("数据库", "Database"),
    names.SECRET: Text("签名密钥", "Secret"),
    names.SECRET_FILE: Text("签名密钥文件", "Secret file"),
    names.PREVIOUS_SECRETS: Text("以前的签名密钥", "Previous secrets"),
    names.HOST: Text("监听地址", "Address to listen on"),
    names.PORT: Text("监听端口", "Port to listen on"),
    names.SECURE_COOKIES: Text("仅经 TLS 传送会话", "Cookies over TLS only"),
    names.VAR_FOLDER: Text("数据目录", "Folder"),
    names.METRICS_TOKEN: Text("监控令牌", "Metrics token"),
    names.OTEL_ENDPOINT: Text("链路追踪地址", "Span collector"),
    names.PUBLIC_URL: Text("对外地址", "Public address"),
    names.SMTP_URL: Text("邮件服务器", "Mail server"),
    names.MAIL_FROM: Text("发件人", "Mail sender"),
    names.SECOND_FACTOR: Text("须启用第二验证的机构", "Whose people need a second factor"),
    names.KNOWN_PASSWORDS_FILE: Text("已泄露密码名单", "List of known passwords"),
    names.VIRUS_SCANNER: Text("病毒扫描服务", "Virus scanner"),
    names.WEBHOOK_NETWORKS: Text("允许推送的内网", "Inner networks for webhooks"),
    names.RATE_LIMIT: Text("调用频率限制", "Rate limit"),
    names.VERIFICATION_LIMIT: Text("文件核验频率限制", "Limit of document verification"),
    names.TRUSTED_PROXIES: Text("受信任的反向代理", "Trusted proxies"),
    signing.SIGNING_KEY: Text("链头签名密钥", "Key that signs chain heads"),
    signing.SIGNING_KEY_FILE: Text("链头签名密钥文件", "File of that key"),
    signing.TRUSTED_SIGNING_KEYS: Text("受信任的签名密钥", "Keys trusted besides"),
    OIDC_FILE: Text("单点登录配置文件", "Single sign-on file"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingInForce:
    """A setting as this process runs with it.

    Attributes:
        value: What may be shown of it; empty where it is not set.
        is_given: Whether the environment gives it; else the built-in default or a file made on the first start.
    """

    name: str
    text: Text
    value: str
    is_given: bool
    is_secret: bool


def settings_in_force(environment: Mapping[str, str]) -> tuple[SettingInForce, ...]:
    """Give every setting with its source; secrets and passwords inside addresses are never shown."""
    return tuple(
        SettingInForce(
            name=name,
            text=text,
            value=_shown_value(name, environment.get(name) or names.DEFAULTS.get(name, "")),
            is_given=bool(environment.get(name)),
            is_secret=name in _SECRET,
        )
        for name, text in SETTING_WORDS.items()
    )


def _shown_value(name: str, value: str) -> str:
    if name in _SECRET:
        return ""
    if name not in _ADDRESSES:
        return value
    scheme, mark, rest = value.partition("://")
    plain, parameters, _ = rest.partition("?")
    _, at, host = plain.rpartition("@")
    return f"{scheme}{mark}{'…@' if at else ''}{host}{'?…' if parameters else ''}"


@get("/administration/events", sync_to_thread=True)
def events_page(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    kind: Annotated[str, QueryParameter(max_length=60)] = "",
) -> Template:
    """Show the security log, newest first, of one kind or of all."""
    with sessions.read() as session:
        events = security_events_of(session, actor.organization_id, kind=kind or None, limit=_SHOWN_MAX)
    return page(
        request,
        "app/security_events.html",
        title=Text("安全日志", "Security log"),
        events=events,
        kind=kind,
        kinds=[("", Text("全部", "All")), *EVENT_WORDS.items()],
        event_words=event_words,
        event_detail=event_detail,
        worrying=WORRYING,
        shown_max=_SHOWN_MAX,
    )


@get("/administration/events/export", sync_to_thread=True)
def export_events(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    kind: Annotated[str, QueryParameter(max_length=60)] = "",
) -> Response[Any]:
    """Give the security log as CSV."""
    with sessions.read() as session:
        events = security_events_of(session, actor.organization_id, kind=kind or None, limit=_EXPORTED_MAX)
    language = language_of(request)
    head = ("时间", "事件", "对象", "办理人", "说明") if language.value == "zh" else (
        "instant", "event", "subject", "by", "detail",
    )  # fmt: skip
    return download(
        csv_text([list(head), *(_row(event, language.value) for event in events)]), stem="安全日志", ending="csv"
    )


def _row(event: SecurityEvent, language: str) -> list[str]:
    words, detail = event_words(event.kind), event_detail(event)
    return [
        instant(event.happened_at), words.zh if language == "zh" else words.en, event.subject,
        event.actor_name or "", detail.zh if language == "zh" else detail.en,
    ]  # fmt: skip


@get("/administration/settings", sync_to_thread=True)
def settings_page(request: WebRequest) -> Template:
    """Show the settings this process runs with, and where each came from."""
    return page(
        request,
        "app/settings.html",
        title=Text("运行设置", "Settings in force"),
        settings=settings_in_force(os.environ),
    )


routes = [events_page, export_events, settings_page]
