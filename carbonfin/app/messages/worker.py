"""Sending what is due: events laid out for webhooks, deliveries sent, people called to their inbox by mail.

Each call does a bounded amount of work and is safe to end anywhere: what was not noted as arrived is sent again.
"""

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass

from carbonfin.app.logs import log
from carbonfin.app.messages.mail import Mailer, SmtpMailer, notice_mail
from carbonfin.app.messages.transport import Transport, http_transport
from carbonfin.app.settings import Settings
from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.cryptography import KeyRing
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import UpstreamFailed
from carbonfin.kernel.webhooks import signed_headers
from carbonfin.storage import messages, outbox
from carbonfin.storage.engine import Sessions
from carbonfin.storage.messages import DeliveryState, TakenDelivery
from carbonfin.storage.parties import Organization, load_organization

WORKER = "messages"
_DELIVERIES_AT_ONCE = 100
_SECONDS_AT_ONCE = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """What one call did."""

    laid_out: int = 0
    delivered: int = 0
    failed: int = 0
    dead: int = 0
    mailed: int = 0

    def __add__(self, other: "DeliveryReport") -> "DeliveryReport":
        """Give both together."""
        return DeliveryReport(
            laid_out=self.laid_out + other.laid_out,
            delivered=self.delivered + other.delivered,
            failed=self.failed + other.failed,
            dead=self.dead + other.dead,
            mailed=self.mailed + other.mailed,
        )


def deliver_due(
    sessions: Sessions,
    clock: Clock,
    *,
    transport: Transport,
    keys: KeyRing,
    mailer: Mailer | None = None,
    public_url: str = "",
    deliveries_max: int = _DELIVERIES_AT_ONCE,
) -> DeliveryReport:
    """Send what is due, of all organisations, and say what came of it.

    Args:
        sessions: The database.
        clock: Says what is due.
        transport: Carries deliveries.
        keys: What the webhooks' secrets are derived from.
        mailer: Hands in mail; None where there is none, and then notices stay in the inbox alone.
        public_url: Where people reach the service, for the link in a mail.
        deliveries_max: At most so many deliveries and mails for each organisation.
    """
    with sessions.as_operator().read() as session:
        waiting = messages.organizations_waiting(session, at=clock.now(), with_mail=mailer is not None)
    report = DeliveryReport()
    ends_at = time.monotonic() + _SECONDS_AT_ONCE
    for organization_id in waiting:
        own = sessions.within(organization_id)
        report += _send_events(
            own, clock, organization_id, transport=transport, keys=keys, count_max=deliveries_max, ends_at=ends_at
        )
        if mailer is not None:
            report += _send_mails(
                own, clock, organization_id, mailer=mailer, public_url=public_url, count_max=deliveries_max
            )
    return report


def deliverer(settings: Settings) -> Callable[[Sessions, Clock], DeliveryReport]:
    """Give what a worker calls again and again, made of the settings."""
    mailer = None if settings.mail_server is None else SmtpMailer(settings.mail_server)
    trust = ssl.create_default_context()

    def deliver(sessions: Sessions, clock: Clock) -> DeliveryReport:
        with http_transport(settings.webhook_networks, trust=trust) as transport:
            return deliver_due(
                sessions,
                clock,
                transport=transport,
                keys=settings.keys,
                mailer=mailer,
                public_url=settings.public_url,
            )

    return deliver


def _send_events(
    sessions: Sessions,
    clock: Clock,
    organization_id: str,
    *,
    transport: Transport,
    keys: KeyRing,
    count_max: int,
    ends_at: float,
) -> DeliveryReport:
    with sessions.begin() as session:
        report = DeliveryReport(laid_out=messages.lay_out(session, organization_id, at=clock.now()))
    for _ in range(count_max):
        if time.monotonic() > ends_at:
            break
        with sessions.begin() as session:
            taken = messages.take_delivery(session, organization_id, at=clock.now())
        if taken is None:
            break
        report += _send(sessions, clock, taken, transport=transport, keys=keys)
    return report


def _send(
    sessions: Sessions, clock: Clock, taken: TakenDelivery, *, transport: Transport, keys: KeyRing
) -> DeliveryReport:
    at = clock.now()
    headers = signed_headers(taken.webhook.secrets(keys, at=at), taken.body, at=at)
    answer = transport.post(taken.webhook.url, headers, taken.body.as_bytes())
    with sessions.begin() as session:
        state = messages.note_answer(session, taken, answer, at=clock.now())
    log().info(
        "messages.delivery.sent",
        delivery_id=taken.id,
        webhook_id=taken.webhook.id,
        organization_id=taken.webhook.organization_id,
        attempts=taken.attempt,
        status=answer.status,
        state=state.value,
    )
    if answer.arrived:
        return DeliveryReport(delivered=1)
    return DeliveryReport(failed=1, dead=1 if state is DeliveryState.DEAD else 0)


def _send_mails(
    sessions: Sessions, clock: Clock, organization_id: str, *, mailer: Mailer, public_url: str, count_max: int
) -> DeliveryReport:
    with sessions.begin() as session:
        actor = _system_of(load_organization(session, organization_id))
        messages.call_to_inbox(session, actor, at=clock.now())
    with sessions.read() as session:
        due = [
            (message, messages.mail_of(session, message))
            for message in messages.mails_due(session, organization_id, at=clock.now())[:count_max]
        ]
    report = DeliveryReport()
    for message, mail in due:
        failure = ""
        try:
            if mail is not None:
                mailer.send(notice_mail(message_id=message.id, to=mail.to, item_id=mail.item_id, public_url=public_url))
        except UpstreamFailed as error:
            failure = error.detail
        with sessions.begin() as session:
            if failure:
                outbox.mark_failed(session, message.id, at=clock.now(), failure=failure)
            else:
                outbox.mark_delivered(session, message.id, at=clock.now())
        log().info("messages.mail.sent", message_id=message.id, organization_id=organization_id, sent=not failure)
        report += DeliveryReport(failed=1) if failure else DeliveryReport(mailed=0 if mail is None else 1)
        if failure:
            break  # the server is away or refuses us: the others wait for the next call
    return report


def _system_of(organization: Organization) -> Actor:
    return Actor(
        id=WORKER,
        name="消息发送",
        role=Role.SYSTEM,
        organization_id=organization.id,
        organization_kind=organization.kind,
        is_sample=organization.is_sample,
    )
