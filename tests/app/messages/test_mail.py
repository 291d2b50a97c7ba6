"""Mail: handed in over SMTP to a real server, with nothing of a customer, and with no line of its own making."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from carbonfin.app.messages.mail import Mail, MailServer, SmtpMailer, mail_server_from, message_of, notice_mail
from carbonfin.app.messages.mail_simulator import MailSimulator, running_mail_simulator
from carbonfin.app.messages.networks import AllowedNetworks
from carbonfin.app.messages.transport import http_transport
from carbonfin.app.messages.worker import DeliveryReport, deliver_due
from carbonfin.kernel.actors import Role
from carbonfin.kernel.cryptography import KeyRing
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import InvalidInput, UpstreamFailed
from carbonfin.storage import messages
from carbonfin.storage.engine import Sessions
from carbonfin.storage.messages import InboxNotice
from tests.storage.worlds import World, make_world

AT = datetime(2025, 7, 1, 1, 30, tzinfo=UTC)
NAMES = ("CARBONFIN_SMTP_URL", "CARBONFIN_MAIL_FROM")
SENDER = "carbonfin@bank.example"
MAIL = Mail(message_id="m1", to="checker@bank.example", subject="题目", text="正文\n")


@pytest.fixture
def post() -> Iterator[MailSimulator]:
    with running_mail_simulator() as running:
        yield running


@pytest.fixture
def world(sessions: Sessions) -> World:
    with sessions.begin() as session:
        world = make_world(session, password_hash="x")
        for login in ("maker", "checker"):
            session.execute(
                sa.text("UPDATE user_account SET email = :email WHERE login = :login"),
                {"email": f"{login}@bank.example", "login": login},
            )
    return world


def mailer_to(post: MailSimulator) -> SmtpMailer:
    server = mail_server_from(post.address, SENDER, names=NAMES)
    assert server is not None
    return SmtpMailer(server)


def notice(world: World, **changes: object) -> InboxNotice:
    plain = InboxNotice(
        organization_id=world.bank_id, key="k1", kind="margin_call.issued", subject="margin_call:1",
        title_zh="P4 追加担保 389,354.91 元", title_en="P4 call", text_zh="示例能源(深圳)有限公司", text_en="x",
        address="/pledges/p4", role=Role.CHECKER,
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


def send(sessions: Sessions, post: MailSimulator, at: datetime = AT) -> DeliveryReport:
    with http_transport(AllowedNetworks()) as transport:
        return deliver_due(
            sessions, FixedClock(at), transport=transport, keys=KeyRing(secrets=(b"k" * 32,)),
            mailer=mailer_to(post), public_url="https://carbonfin.bank.example",
        )  # fmt: skip


def test_whom_a_notice_is_for_gets_one_mail_with_a_link_and_nothing_else(
    sessions: Sessions, world: World, post: MailSimulator
) -> None:
    with sessions.begin() as session:
        item = messages.tell(session, notice(world), AT)
    assert send(sessions, post) == DeliveryReport(mailed=1)
    assert send(sessions, post) == DeliveryReport()
    (mail,) = post.mails
    assert mail.recipients == ("checker@bank.example",)
    assert mail.message["Subject"] == "碳金融：您有一条新通知 / Carbonfin: a notice for you"
    assert mail.message["From"] == f"碳金融 <{SENDER}>"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    text = mail.message.get_content().replace("\r\n", "\n")
    address = f"https://carbonfin.bank.example/inbox#notice-{item.id}"
    assert text == (
        f"您在碳金融有一条新通知，请登录后查看：\n{address}\n\n"
        f"There is a notice for you in Carbonfin. Sign in to read it:\n{address}\n"
    )
    # The notice's own random address may hold any digits by chance.
    whole = (mail.message.as_string() + text).replace(str(item.id), "")
    for secret in ("P4", "389", "示例能源", "margin_call", "pledges"):
        assert secret not in whole


def test_a_person_without_address_and_a_notice_already_read_get_none(
    sessions: Sessions, world: World, post: MailSimulator
) -> None:
    with sessions.begin() as session:
        session.execute(sa.text("UPDATE user_account SET email = NULL WHERE login = 'maker'"))
        messages.tell(session, notice(world, key="k1", role=None, person_id=world.maker.id), AT)
        read = messages.tell(session, notice(world, key="k2"), AT)
        messages.mark_read(session, world.checker, read.id, at=AT)
    assert send(sessions, post) == DeliveryReport()
    assert post.mails == ()


def test_a_mail_the_server_refuses_is_tried_again_later(sessions: Sessions, world: World, post: MailSimulator) -> None:
    with sessions.begin() as session:
        messages.tell(session, notice(world), AT)
    post.refuses = 1
    assert send(sessions, post) == DeliveryReport(failed=1)
    assert send(sessions, post) == DeliveryReport()
    assert send(sessions, post, AT + timedelta(seconds=5)) == DeliveryReport(mailed=1)
    (mail,) = post.mails
    assert mail.message["Message-ID"].endswith("@bank.example>")


def test_a_mail_whose_notice_was_read_meanwhile_is_not_sent(
    sessions: Sessions, world: World, post: MailSimulator
) -> None:
    with sessions.begin() as session:
        item = messages.tell(session, notice(world), AT)
    post.refuses = 1
    send(sessions, post)
    with sessions.begin() as session:
        messages.mark_read(session, world.checker, item.id, at=AT)
    assert send(sessions, post, AT + timedelta(minutes=1)) == DeliveryReport()
    assert post.mails == ()


def test_without_a_mail_server_notices_wait_in_the_inbox_alone(sessions: Sessions, world: World) -> None:
    with sessions.begin() as session:
        messages.tell(session, notice(world), AT)
    with http_transport(AllowedNetworks()) as transport:
        report = deliver_due(
            sessions, FixedClock(AT), transport=transport, keys=KeyRing(secrets=(b"k" * 32,))
        )  # fmt: skip
    assert report == DeliveryReport()
    with sessions.read() as session:
        assert session.execute(sa.text("SELECT count(*) FROM outbox_message")).scalar_one() == 0


def test_a_server_that_is_away_is_said_so() -> None:
    server = MailServer(host="127.0.0.1", port=1, implicit_tls=False, user="", password="", sender=SENDER)
    with pytest.raises(UpstreamFailed, match="ConnectionRefusedError"):
        SmtpMailer(server).send(MAIL)


@pytest.mark.parametrize(
    "changes",
    [
        {"to": "checker@bank.example\r\nBcc: all@evil.example"},
        {"to": "checker@bank.example, other@evil.example"},
        {"to": "checker@bank.example\nX: y"},
        {"to": "复核@bank.example"},
        {"to": "<checker@bank.example>"},
        {"to": ""},
        {"to": "checker"},
        {"subject": "题目\r\nBcc: all@evil.example"},
        {"subject": "题目\nBcc: all@evil.example"},
        {"message_id": "m1\r\nBcc: all@evil.example"},
    ],
)
def test_a_line_break_makes_no_header_and_an_unfit_address_no_mail(changes: dict[str, str]) -> None:
    with pytest.raises(UpstreamFailed, match=r"unfit|ASCII"):
        message_of(replace(MAIL, **changes), sender=SENDER)


def test_html_in_a_name_stays_text(post: MailSimulator) -> None:
    mailer_to(post).send(replace(MAIL, text="<script>alert(1)</script>\r\n.\r\nQUIT\r\n"))
    (mail,) = post.mails
    assert mail.message.get_content_type() == "text/plain"
    assert mail.message.get_content().replace("\r\n", "\n") == "<script>alert(1)</script>\n.\nQUIT\n"


def test_the_link_is_the_only_thing_that_differs() -> None:
    one = notice_mail(message_id="m1", to="a@bank.example", item_id="i1", public_url="https://c.example")
    assert one.text.count("https://c.example/inbox#notice-i1") == 2


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("smtp://127.0.0.1:2525", ("127.0.0.1", 2525, False, "", "", True)),
        ("smtp://mail.bank.example", ("mail.bank.example", 25, False, "", "", False)),
        ("smtps://user:p%40ss@mail.bank.example", ("mail.bank.example", 465, True, "user", "p@ss", False)),
    ],
)
def test_settings_of_mail(address: str, wanted: tuple[object, ...]) -> None:
    server = mail_server_from(address, SENDER, names=NAMES)
    assert server is not None
    found = (server.host, server.port, server.implicit_tls, server.user, server.password, server.on_this_machine)
    assert found == wanted
    assert "p@ss" not in repr(server)


@pytest.mark.parametrize(
    ("address", "sender"),
    [
        ("mail.bank.example", SENDER), ("http://mail.bank.example", SENDER), ("smtp://", SENDER),
        ("smtp://mail.bank.example:99999", SENDER), ("smtp://mail.bank.example/path", SENDER),
        ("smtp://mail.bank.example", ""), ("smtp://mail.bank.example", "nobody"),
        ("smtp://mail.bank.example", "a@b.example\r\nBcc: c@d.example"), ("smtp://mail.bank.example", "复核@b.example"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_used_are_named(address: str, sender: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        mail_server_from(address, sender, names=NAMES)
    assert caught.value.field == "CARBONFIN_SMTP_URL"


def test_no_setting_means_no_mail() -> None:
    assert mail_server_from("", "", names=NAMES) is None
