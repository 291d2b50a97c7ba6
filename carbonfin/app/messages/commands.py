"""The commands `carbonfin messages …`: send what is due, look at dead letters, send or skip one, rehearse mail."""

from typing import Annotated

import typer

commands = typer.Typer(no_args_is_help=True, help="消息与推送 / messages and webhooks")
_DEAD_COLUMNS = ("id", "way", "kind", "subject", "attempts", "last_failure")


@commands.command("deliver")
def deliver(
    context: typer.Context,
    until_idle: Annotated[bool, typer.Option("--until-idle", help="直到无可发送 / until nothing is due")] = False,
) -> None:
    """发送到期的推送与邮件（各机构） / send what is due, of all organisations."""
    from carbonfin.app.cli import opened
    from carbonfin.app.messages.worker import DeliveryReport, deliverer
    from carbonfin.app.settings import settings_from
    from carbonfin.kernel.dates import SystemClock
    from carbonfin.storage.engine import Sessions
    from carbonfin.web.terminal import plain_answer

    settings = settings_from()
    sessions, send = Sessions(opened(settings.database_url)), deliverer(settings)
    report = whole = send(sessions, SystemClock())
    while until_idle and report != DeliveryReport():
        report = send(sessions, SystemClock())
        whole += report
    plain_answer(whole, json_output=bool(context.find_root().meta.get("json_output")))


@commands.command("dead")
def dead(context: typer.Context) -> None:
    """列出已停止发送的报文与推送 / list what was given up."""
    from carbonfin.storage import messages, outbox
    from carbonfin.storage.keyset import Place
    from carbonfin.storage.messages import DeliveryState
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    with terminal.sessions.read() as session:
        letters = outbox.dead_messages(session, terminal.actor.organization_id)
        deliveries = messages.delivery_page(
            session, terminal.actor, Place(limit=200), state=DeliveryState.DEAD
        ).items  # fmt: skip
    found = [("outbox", one) for one in letters] + [("webhook", one) for one in deliveries]
    terminal.answer(
        [
            {
                "id": one.id,
                "way": way,
                "kind": one.kind,
                "subject": one.subject,
                "attempts": one.attempts,
                "last_failure": one.last_failure,
            }
            for way, one in found
        ],
        columns=_DEAD_COLUMNS,
    )


@commands.command("resend")
def resend(
    context: typer.Context,
    letter: Annotated[str, typer.Argument(metavar="ID", help="报文或推送的编号 / message or delivery")],
) -> None:
    """重发一条已停止的报文或推送 / have one that was given up sent again."""
    from carbonfin.kernel.errors import NotFound
    from carbonfin.storage import messages, outbox
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    with terminal.sessions.begin() as session:
        try:
            done: object = messages.resend_delivery(session, terminal.actor, letter)
        except NotFound:
            done = outbox.resend(session, terminal.actor, letter)
    terminal.answer(done)


@commands.command("skip")
def skip(
    context: typer.Context,
    letter: Annotated[str, typer.Argument(metavar="ID", help="推送的编号 / delivery")],
) -> None:
    """跳过一条已停止的推送，放行同一事项的后续推送 / leave a dead delivery undone, so that later ones go."""
    from carbonfin.storage import messages
    from carbonfin.web.terminal import terminal_of

    terminal = terminal_of(context)
    with terminal.sessions.begin() as session:
        done = messages.skip_delivery(session, terminal.actor, letter)
    terminal.answer(done)


@commands.command("mail-sim")
def mail_sim(
    port: Annotated[int, typer.Option(min=0, max=65535, help="端口，0 为任意 / port, 0 for any")] = 8025,
) -> None:
    """运行邮件服务器模拟器，直到中断 / run the mail server simulator until interrupted."""
    import signal
    import threading

    from carbonfin.app.messages.mail_simulator import running_mail_simulator

    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with running_mail_simulator(port=port) as simulator:
        typer.echo(f"邮件模拟器 / mail simulator: {simulator.address}")
        shown = 0
        while not stopped.wait(0.5):
            for mail in simulator.mails[shown:]:
                typer.echo(f"{', '.join(mail.recipients)}\n{mail.message.get_content()}")
                shown += 1
        typer.echo("已停止 / stopped")
