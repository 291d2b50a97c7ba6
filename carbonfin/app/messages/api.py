"""Messages for systems: the inbox, webhooks with their secrets and deliveries, and the dead letters of the outbox.

Steps here may be repeated without a key: each leaves things as the first time, or says 409 that there is nothing left
to do. Answers that hold a secret must not be kept, so a key could not give them again.
"""

from datetime import timedelta
from typing import Annotated

from litestar import delete, get, patch, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Response
from msgspec import UNSET

from carbonfin.app.messages.notices import notice_pdf
from carbonfin.app.messages.rules import webhook_rules_of
from carbonfin.app.messages.schemas import (
    DeadMessagesOut,
    DeliveriesOut,
    DeliveryOut,
    InboxItemOut,
    InboxOut,
    MessageOut,
    RotationIn,
    WebhookChangeIn,
    WebhookIn,
    WebhookOut,
    WebhookSecretOut,
    WebhooksOut,
)
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage import messages, outbox
from carbonfin.storage.engine import Sessions
from carbonfin.storage.messages import DeliveryState, WebhookDraft
from carbonfin.web.addresses import public_address_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import download
from carbonfin.web.paging import Paging
from carbonfin.web.preconditions import IfMatch, IfNoneMatch, require_match, tagged, version_tag
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import IdText


@get("/v1/inbox", sync_to_thread=True, responses=problem_responses(422), tags=["inbox"])
def read_inbox(
    sessions: Sessions,
    actor: Actor,
    paging: Paging,
    unread: Annotated[bool | None, QueryParameter(description="Only what nobody has noted, or only what was.")] = None,
) -> Response[InboxOut]:
    """Give what the asker is told, newest first."""
    with sessions.read() as session:
        found = messages.inbox_page(session, actor, paging.place, unread=unread)
        count = messages.unread_count(session, actor)
    return paging.answer(InboxOut(unread_count=count, items=[InboxItemOut.of(item) for item in found.items]), found)


@post(
    "/v1/inbox/{item_id:str}/read",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(404),
    tags=["inbox"],
)
def note_read(sessions: Sessions, actor: Actor, clock: Clock, item_id: FromPath[IdText]) -> InboxItemOut:
    """Note that a notice was read; again, nothing changes."""
    with sessions.begin() as session:
        return InboxItemOut.of(messages.mark_read(session, actor, item_id, at=clock.now()))


@get(
    "/v1/inbox/{item_id:str}/pdf",
    sync_to_thread=True,
    media_type="application/pdf",
    responses=problem_responses(404),
    tags=["inbox"],
)
def read_notice_pdf(
    request: WebRequest, sessions: Sessions, actor: Actor, item_id: FromPath[IdText]
) -> Response[bytes]:
    """Give a notice as PDF/A with its values attached."""
    with sessions.read() as session:
        content, stem = notice_pdf(session, actor, item_id, address=public_address_of(request))
    return download(content, stem=stem, ending="pdf")


@get("/v1/webhooks", sync_to_thread=True, responses=problem_responses(), tags=["webhooks"])
def list_webhooks(sessions: Sessions, actor: Actor) -> WebhooksOut:
    """List the organisation's webhooks; there are at most twenty."""
    with sessions.read() as session:
        found = messages.webhooks_of(session, actor.organization_id)
    return WebhooksOut(webhooks=[WebhookOut.of(one) for one in found])


@post("/v1/webhooks", sync_to_thread=True, responses=problem_responses(409, 422), tags=["webhooks"])
def register_webhook(
    request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, data: WebhookIn
) -> WebhookSecretOut:
    """Register an address of the bank's own system. The answer shows the secret, once.

    No Idempotency-Key: the answer is not kept. Sending it twice gives 409 with the webhook there is; rotate its secret
    where the answer was lost.
    """
    rules = webhook_rules_of(request)
    rules.refuse_unreachable(data.url)
    at = clock.now()
    with sessions.begin() as session:
        draft = WebhookDraft(name=data.name, url=data.url, kinds=tuple(data.kinds))
        made = messages.register_webhook(session, actor, draft, at=at)
    return WebhookSecretOut(webhook=WebhookOut.of(made), secret=made.secrets(rules.keys, at=at)[0])


@get("/v1/webhooks/{webhook_id:str}", sync_to_thread=True, responses=problem_responses(404), tags=["webhooks"])
def read_webhook(
    sessions: Sessions, actor: Actor, webhook_id: FromPath[IdText], if_none_match: IfNoneMatch = None
) -> Response[WebhookOut]:
    """Give a webhook."""
    with sessions.read() as session:
        found = messages.load_webhook(session, actor, webhook_id)
    return tagged(WebhookOut.of(found), if_none_match, tag=version_tag(found.version))


@patch(
    "/v1/webhooks/{webhook_id:str}",
    sync_to_thread=True,
    responses=problem_responses(404, 409, 412, 422, 428),
    tags=["webhooks"],
)
def change_webhook(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    webhook_id: FromPath[IdText],
    data: WebhookChangeIn,
    if_match: IfMatch = None,
) -> Response[WebhookOut]:
    """Change a webhook's name or events, or pause it: its deliveries then wait."""
    with sessions.begin() as session:
        known = messages.load_webhook(session, actor, webhook_id)
        require_match(if_match, tag=version_tag(known.version))
        changed = messages.change_webhook(
            session,
            actor,
            webhook_id,
            at=clock.now(),
            name=None if data.name is UNSET else data.name,
            kinds=None if data.kinds is UNSET else tuple(data.kinds),
            is_active=None if data.is_active is UNSET else data.is_active,
            expected_version=known.version,
        )
    return tagged(WebhookOut.of(changed), None, tag=version_tag(changed.version))


@post(
    "/v1/webhooks/{webhook_id:str}/rotate-secret",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(404, 409, 422),
    tags=["webhooks"],
)
def rotate_webhook_secret(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    webhook_id: FromPath[IdText],
    data: RotationIn,
) -> WebhookSecretOut:
    """Change a webhook's secret. The answer shows the new one, once; for the overlap both sign.

    No Idempotency-Key: the answer is not kept. Sending it twice changes the secret twice.
    """
    at = clock.now()
    with sessions.begin() as session:
        made = messages.rotate_secret(
            session, actor, webhook_id, overlap=timedelta(hours=data.overlap_hours), at=at
        )  # fmt: skip
    return WebhookSecretOut(
        webhook=WebhookOut.of(made), secret=made.secrets(webhook_rules_of(request).keys, at=at)[0]
    )  # fmt: skip


@delete(
    "/v1/webhooks/{webhook_id:str}",
    sync_to_thread=True,
    status_code=204,
    responses=problem_responses(404),
    tags=["webhooks"],
)
def retire_webhook(sessions: Sessions, actor: Actor, clock: Clock, webhook_id: FromPath[IdText]) -> None:
    """End a webhook; what has not arrived is skipped."""
    with sessions.begin() as session:
        messages.retire_webhook(session, actor, webhook_id, at=clock.now())


@get("/v1/deliveries", sync_to_thread=True, responses=problem_responses(422), tags=["webhooks"])
def list_deliveries(
    sessions: Sessions,
    actor: Actor,
    paging: Paging,
    in_state: Annotated[DeliveryState | None, QueryParameter(description="Only deliveries in this state.")] = None,
    webhook_id: Annotated[IdText | None, QueryParameter(description="Only deliveries of this webhook.")] = None,
) -> Response[DeliveriesOut]:
    """List the deliveries to the organisation's webhooks, newest first."""
    with sessions.read() as session:
        found = messages.delivery_page(session, actor, paging.place, state=in_state, webhook_id=webhook_id)
    return paging.answer(DeliveriesOut(deliveries=[DeliveryOut.of(one) for one in found.items]), found)


@post(
    "/v1/deliveries/{delivery_id:str}/resend",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(404, 409),
    tags=["webhooks"],
)
def resend_delivery(sessions: Sessions, actor: Actor, delivery_id: FromPath[IdText]) -> DeliveryOut:
    """Have a delivery that was given up sent again, under the same identifier."""
    with sessions.begin() as session:
        return DeliveryOut.of(messages.resend_delivery(session, actor, delivery_id))


@post(
    "/v1/deliveries/{delivery_id:str}/skip",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(404, 409),
    tags=["webhooks"],
)
def skip_delivery(sessions: Sessions, actor: Actor, delivery_id: FromPath[IdText]) -> DeliveryOut:
    """Leave a delivery that was given up undone, so that the later ones of its subject go out."""
    with sessions.begin() as session:
        return DeliveryOut.of(messages.skip_delivery(session, actor, delivery_id))


@get("/v1/messages/dead", sync_to_thread=True, responses=problem_responses(), tags=["messages"])
def list_dead_messages(sessions: Sessions, actor: Actor) -> DeadMessagesOut:
    """List the messages to a registry or by mail that were given up; at most a hundred."""
    with sessions.read() as session:
        found = outbox.dead_messages(session, actor.organization_id)
    return DeadMessagesOut(messages=[MessageOut.of(one) for one in found])


@post(
    "/v1/messages/{message_id:str}/resend",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(404, 409),
    tags=["messages"],
)
def resend_message(sessions: Sessions, actor: Actor, message_id: FromPath[IdText]) -> MessageOut:
    """Have a message that was given up sent again, from the first attempt."""
    with sessions.begin() as session:
        return MessageOut.of(outbox.resend(session, actor, message_id))


routes = [
    read_inbox,
    note_read,
    read_notice_pdf,
    list_webhooks,
    register_webhook,
    read_webhook,
    change_webhook,
    rotate_webhook_secret,
    retire_webhook,
    list_deliveries,
    resend_delivery,
    skip_delivery,
    list_dead_messages,
    resend_message,
]
