"""The inbox of whoever reads, and for administrators the room of messages: webhooks, deliveries, dead letters."""

from datetime import date, timedelta
from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, QueryParameter
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct

from carbonfin.app.messages.notices import notice_pdf
from carbonfin.app.messages.rules import webhook_rules_of
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.storage import messages, outbox
from carbonfin.storage.engine import Sessions
from carbonfin.storage.keyset import Place
from carbonfin.storage.messages import DeliveryState, InboxItem, WebhookDraft
from carbonfin.web.addresses import public_address_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import download
from carbonfin.web.pages import Text, page
from carbonfin.web.wire import IdText

_SHOWN = 50
_OVERLAP = timedelta(hours=24)
DELIVERY_WORDS: dict[DeliveryState, tuple[str, Text]] = {
    DeliveryState.PENDING: ("information", Text("待送达", "Waits")),
    DeliveryState.DELIVERED: ("good", Text("已送达", "Delivered")),
    DeliveryState.DEAD: ("breach", Text("已停止", "Given up")),
    DeliveryState.SKIPPED: ("neutral", Text("已跳过", "Skipped")),
}
MESSAGE_WORDS: dict[str, Text] = {
    "registry.freeze": Text("登记机构：冻结", "Registry: freeze"),
    "registry.unfreeze": Text("登记机构：解除冻结", "Registry: unfreeze"),
    "mail.notice": Text("邮件提醒", "Mail"),
}


class WebhookForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form of a new webhook sends."""

    name: Annotated[str, Meta(max_length=200)] = ""
    url: Annotated[str, Meta(max_length=3000)] = ""
    kinds: Annotated[str, Meta(max_length=5000)] = ""


@get("/inbox", sync_to_thread=True)
def inbox_page(request: WebRequest, sessions: Sessions, actor: Actor) -> Template:
    """Show what the reader is told: what has a day first, then the newest; what was noted below."""
    with sessions.read() as session:
        unread = messages.inbox_of(session, actor, unread=True)
        read = messages.inbox_page(session, actor, Place(limit=_SHOWN), unread=False).items
        count = messages.unread_count(session, actor)
    return page(
        request,
        "app/inbox.html",
        title=Text("收件箱", "Inbox"),
        unread=sorted(unread, key=_urgency),
        read=read,
        unread_count=count,
    )


@post("/inbox/{item_id:str}/read", sync_to_thread=True)
def note_read(sessions: Sessions, actor: Actor, clock: Clock, item_id: FromPath[IdText]) -> Redirect:
    """Note that a notice was read."""
    with sessions.begin() as session:
        messages.mark_read(session, actor, item_id, at=clock.now())
    return Redirect("/inbox", status_code=303)


@get("/notices/{item_id:str}/pdf", sync_to_thread=True)
def read_notice(request: WebRequest, sessions: Sessions, actor: Actor, item_id: FromPath[IdText]) -> Response[bytes]:
    """Give a notice as PDF."""
    with sessions.read() as session:
        content, stem = notice_pdf(session, actor, item_id, address=public_address_of(request))
    return download(content, stem=stem, ending="pdf")


@get("/messages", sync_to_thread=True)
def messages_page(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    in_state: Annotated[DeliveryState | None, QueryParameter()] = None,
) -> Template:
    """Show webhooks, their latest deliveries, and what was given up."""
    return _shown(request, sessions, actor, state=in_state)


@post("/messages/webhooks", sync_to_thread=True)
def register_webhook(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[WebhookForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Template:
    """Register a webhook and show its secret, this once."""
    rules, at = webhook_rules_of(request), clock.now()
    draft = WebhookDraft(name=data.name, url=data.url.strip(), kinds=tuple(data.kinds.split()))
    try:
        rules.refuse_unreachable(draft.url)
        with sessions.begin() as session:
            made = messages.register_webhook(session, actor, draft, at=at)
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, failure=failure, form=data)
    return _shown(request, sessions, actor, secret=made.secrets(rules.keys, at=at)[0], secret_of=made.name)


@post("/messages/webhooks/{webhook_id:str}/rotate-secret", sync_to_thread=True)
def rotate_secret(
    request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, webhook_id: FromPath[IdText]
) -> Template:
    """Change a webhook's secret and show the new one, this once; for a day both sign."""
    rules, at = webhook_rules_of(request), clock.now()
    with sessions.begin() as session:
        made = messages.rotate_secret(session, actor, webhook_id, overlap=_OVERLAP, at=at)
    return _shown(request, sessions, actor, secret=made.secrets(rules.keys, at=at)[0], secret_of=made.name)


@post("/messages/webhooks/{webhook_id:str}/retire", sync_to_thread=True)
def retire_webhook(sessions: Sessions, actor: Actor, clock: Clock, webhook_id: FromPath[IdText]) -> Redirect:
    """End a webhook."""
    with sessions.begin() as session:
        messages.retire_webhook(session, actor, webhook_id, at=clock.now())
    return Redirect("/messages", status_code=303)


@post("/messages/deliveries/{delivery_id:str}/resend", sync_to_thread=True)
def resend_delivery(
    request: WebRequest, sessions: Sessions, actor: Actor, delivery_id: FromPath[IdText]
) -> Response[Any]:
    """Have a delivery that was given up sent again."""
    try:
        with sessions.begin() as session:
            messages.resend_delivery(session, actor, delivery_id)
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, failure=failure)
    return Redirect("/messages", status_code=303)


@post("/messages/deliveries/{delivery_id:str}/skip", sync_to_thread=True)
def skip_delivery(
    request: WebRequest, sessions: Sessions, actor: Actor, delivery_id: FromPath[IdText]
) -> Response[Any]:
    """Leave a delivery that was given up undone."""
    try:
        with sessions.begin() as session:
            messages.skip_delivery(session, actor, delivery_id)
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, failure=failure)
    return Redirect("/messages", status_code=303)


@post("/messages/{message_id:str}/resend", sync_to_thread=True)
def resend_message(
    request: WebRequest, sessions: Sessions, actor: Actor, message_id: FromPath[IdText]
) -> Response[Any]:
    """Have a message to a registry or a mail that was given up sent again."""
    try:
        with sessions.begin() as session:
            outbox.resend(session, actor, message_id)
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, failure=failure)
    return Redirect("/messages", status_code=303)


def _shown(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    *,
    state: DeliveryState | None = None,
    failure: CarbonFinError | None = None,
    form: WebhookForm | None = None,
    secret: str = "",
    secret_of: str = "",
) -> Template:
    with sessions.read() as session:
        webhooks = messages.webhooks_of(session, actor.organization_id)
        found = messages.delivery_page(session, actor, Place(limit=_SHOWN), state=state)
        given_up = messages.delivery_page(session, actor, Place(limit=_SHOWN), state=DeliveryState.DEAD)
        dead = outbox.dead_messages(session, actor.organization_id)
        waiting = outbox.waiting_count(session, actor.organization_id)
        dead_count = messages.dead_count(session, actor.organization_id)
    return page(
        request,
        "app/messages.html",
        title=Text("消息与推送", "Messages"),
        status_code=200 if failure is None else _status_of(failure),
        webhooks=webhooks,
        deliveries=found.items,
        more=found.last is not None,
        dead_deliveries=given_up.items if state is None else (),
        state=state,
        states=list(DeliveryState),
        delivery_words=DELIVERY_WORDS,
        message_words=MESSAGE_WORDS,
        dead=dead,
        dead_count=dead_count + len(dead),
        waiting_count=waiting,
        failure=None if failure is None else Text(f"{failure.zh}。{failure.remedy_zh}", failure.detail),
        failed_field=None if failure is None else failure.field,
        form=form or WebhookForm(kinds="*"),
        secret=secret,
        secret_of=secret_of,
    )


def _status_of(failure: CarbonFinError) -> int:
    return {"not-found": 404, "conflict": 409}.get(failure.code, 422)


def _urgency(item: InboxItem) -> tuple[date, float]:
    return item.due_on or date.max, -item.created_at.timestamp()


routes = [
    inbox_page,
    note_read,
    read_notice,
    messages_page,
    register_webhook,
    rotate_secret,
    retire_webhook,
    resend_delivery,
    skip_delivery,
    resend_message,
]
