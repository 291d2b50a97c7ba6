"""Collateral's part of the day: ask the registry, revalue, strike headroom, call; running twice changes nothing."""

from dataclasses import replace
from datetime import date

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Failure, uncollected
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import MissingData, UpstreamFailed
from carbonfin.storage.engine import Sessions
from carbonfin.storage.jobs import JobOutcome
from carbonfin.storage.outbox import Message
from carbonfin.storage.parties import parties_of, standing_of
from collateral import service
from collateral.calc.custody import CASH, CustodyDifference
from collateral.calc.custody import NAMES as CUSTODY_NAMES
from collateral.calc.pledge import PLEDGE
from collateral.calc.reconciliation import NAMES as DIFFERENCE_NAMES
from collateral.registries.port import Answer, Registry
from collateral.service import custody, haircut_reports
from collateral.store.custody import CustodyAccount


def dispatch_registry_messages(sessions: Sessions, actor: Actor, registry: Registry, *, clock: Clock) -> JobOutcome:
    """Send what waits for the registry; each request goes out between transactions, each answer is taken in its own.

    A request is taken before it is sent, so that two dispatchers at once send it once. A process that dies after
    sending sends again under the same key, and the registry gives the same answer.
    """
    done, tried = 0, set[str]()
    failures: list[Failure] = []
    while messages := [one for one in _waiting(sessions, actor) if one.id not in tried]:
        for message in messages:
            tried.add(message.id)
            failure = _dispatch(sessions, actor, registry, message, clock=clock)
            done += failure is None
            if failure is not None:
                failures.append(_not_sent(message, failure))
    return JobOutcome(done_count=done, failures=tuple(failures))


def _not_sent(message: Message, reason: str) -> Failure:
    return Failure(
        item=str(message.payload["agreement_code"]), field=None, detail=reason, zh=f"向登记机构的报文未送出：{reason}",
        remedy="It is sent again by the next run.", remedy_zh="下次处理时自动重发。",
    )  # fmt: skip


def _waiting(sessions: Sessions, actor: Actor) -> tuple[Message, ...]:
    with sessions.read() as session:
        return service.messages_to_send(session, actor)


def _dispatch(sessions: Sessions, actor: Actor, registry: Registry, message: Message, *, clock: Clock) -> str | None:
    """Send one message; give why it did not leave, or None."""
    with sessions.begin() as session:
        request = service.claim_request(session, actor, message, now=clock.now())
    if request is None:
        return "another dispatcher has it, or it has ended"
    reply = registry.send(request)
    with sessions.begin() as session:
        standing = standing_of(session, actor.organization_id, clock)
        service.take_reply(session, actor, message, reply, standing=standing)
    return reply.reason if reply.answer is Answer.NOT_SENT else None


def query_open_requests(sessions: Sessions, actor: Actor, registry: Registry, *, clock: Clock) -> JobOutcome:
    """Ask the registry what became of each request whose end is not known; one that stays unknown stays held."""
    with sessions.read() as session:
        questions = service.open_questions(session, actor)
    unresolved = []
    for question in questions:
        reply = registry.query(question.request_key)
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            pledge = service.take_answer(session, actor, question.request_key, reply, standing=standing)
            is_open = service.is_open_question(session, actor, question.request_key)
        if is_open:
            unresolved.append(
                Failure(item=pledge.code, field=None, detail=pledge.state, zh=PLEDGE.states[pledge.state])
            )
    return JobOutcome(done_count=len(questions) - len(unresolved), failures=tuple(unresolved))


def reconcile_registry(sessions: Sessions, actor: Actor, registry: Registry, *, clock: Clock) -> service.Reconciliation:
    """Ask the registry for its statement, between transactions, and keep what differs from the ledger by now.

    Raises:
        UpstreamFailed: The registry gave no usable statement; nothing is kept.
    """
    statement = registry.statement(actor.organization_id)
    with sessions.begin() as session:
        standing = standing_of(session, actor.organization_id, clock)
        return service.record_reconciliation(session, actor, statement, standing=standing)


def settle_with_registry(sessions: Sessions, actor: Actor, registry: Registry, *, clock: Clock) -> JobOutcome:
    """Ask for what is unknown, send what waits, and reconcile units and custody; silence stops nobody's day.

    The failures name what did not leave, what stays unknown, and every difference from the statements of the registry
    and of the exchanges.
    """
    asked = query_open_requests(sessions, actor, registry, clock=clock)
    sent = dispatch_registry_messages(sessions, actor, registry, clock=clock)
    with sessions.read() as session:
        unknown = tuple(
            Failure(
                item=one.pledge_code,
                field=None,
                detail="its end is not known",
                zh="登记机构尚未答复，结果未知，仍按占用处理",
            )
            for one in service.open_questions(session, actor)
        )
    try:
        outcome = reconcile_registry(sessions, actor, registry, clock=clock).outcome
        differences = tuple(
            Failure(
                item=one.agreement_code or one.account_id,
                field=None,
                detail=f"{DIFFERENCE_NAMES[one.kind][1]}, {one.place}: {one.ledger_t} / {one.registry_t} t",
                zh=f"{DIFFERENCE_NAMES[one.kind][0]}，{one.place}：台账 {one.ledger_t:,} 吨，"
                f"登记机构 {one.registry_t:,} 吨",
            )
            for one in outcome.differences
        )
    except UpstreamFailed as error:
        differences = (Failure.of("registry", error),)
    held = fetch_custody_statements(sessions, actor, registry, clock=clock)
    return JobOutcome(
        done_count=asked.done_count + sent.done_count + held.done_count,
        failures=(*sent.failures, *unknown, *differences, *held.failures),
    )


def fetch_custody_statements(sessions: Sessions, actor: Actor, registry: Registry, *, clock: Clock) -> JobOutcome:
    """Ask each exchange with bound custody accounts for its statement of the business date, and compare both sides.

    A statement is asked for between transactions and taken in whole or not at all. The failures name what an exchange
    did not answer, each line that cannot be taken, and every difference from the custodian's statement with its age.
    """
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        exchanges = custody.exchanges_bound(session, actor, standing=standing)
    done, failures = 0, list[Failure]()
    for code in exchanges:
        try:
            statement = registry.custody_statement(actor.organization_id, code, standing.business_date)
        except UpstreamFailed as error:
            failures.append(Failure.of(code, error))
            continue
        with sessions.begin() as session:
            taken = custody.take_exchange_statement(session, actor, statement, standing=standing)
        done += not taken.failures
        failures += [replace(one, item=f"{code} {one.item}") for one in taken.failures]
    if exchanges:
        with sessions.read() as session:
            view = custody.custody_view(session, actor, standing=standing, day=None)
        failures += [_custody_failure(one, view.account(one.account_id)) for one in view.differences]
    return JobOutcome(done_count=done, failures=tuple(failures))


def _custody_failure(one: CustodyDifference, account: CustodyAccount) -> Failure:
    zh, en = CUSTODY_NAMES[one.kind]
    places = 2 if one.item == CASH else 0
    bank, exchange = (
        "" if amount is None else f"{amount:,.{places}f}" for amount in (one.bank_amount, one.exchange_amount)
    )
    sides_en = f" {one.item}: {bank} / {exchange}" if one.item else ""
    sides_zh = f"（{one.item}：存管行 {bank}，交易所 {exchange}）" if one.item else ""
    return Failure(
        item=f"{account.exchange_code} {account.account_number}", field=None,
        detail=f"{en}{sides_en}, since {one.since}", zh=f"{zh}{sides_zh}，自 {one.since} 起",
    )  # fmt: skip


def registry_left_alone(sessions: Sessions, actor: Actor) -> JobOutcome:
    """Say what waits for a registry that is not configured."""
    with sessions.read() as session:
        waiting = {one.payload["agreement_code"] for one in service.messages_to_send(session, actor)}
        waiting |= {one.pledge_code for one in service.open_questions(session, actor)}
    return JobOutcome(
        done_count=0,
        failures=tuple(
            Failure(
                item=code, field=None, detail="no registry is configured", zh="未配置登记机构接口，报文未送出",
                remedy="Set the registry's address and key.", remedy_zh="请由运维人员配置登记机构地址与密钥。",
            )
            for code in sorted(waiting)
        ),
    )  # fmt: skip


def revalue(session: Session, actor: Actor, business_date: date) -> JobOutcome:
    """Strike coverage of every pledge in force and exposure of every open repo."""
    with uncollected():
        pledges = service.revalue(session, actor, business_date)
        repos = service.revalue_repos(session, actor, business_date)
    return JobOutcome(
        done_count=len(pledges.values) + len(repos.values),
        failures=(*pledges.failures, *repos.failures),
    )


def strike_headroom(session: Session, actor: Actor, business_date: date) -> JobOutcome:
    """Strike position and headroom of every emitter; one that lacks a figure is named and stops no other."""
    view = service.desk_view(session, service.standing_on(session, actor, business_date))
    means = service.MeanPrices(session, actor, view)
    done_count = 0
    failures: list[Failure] = []
    for party in parties_of(session, actor):
        try:
            done_count += service.record_headroom(session, actor, party, view, means)
        except MissingData as error:
            failures.append(Failure.of(party.name, error))
    return JobOutcome(done_count=done_count, failures=tuple(failures))


def issue_calls(session: Session, actor: Actor, business_date: date) -> JobOutcome:
    """Move pledges by the day's coverage and issue the calls."""
    with uncollected():
        return JobOutcome(done_count=len(service.issue_calls(session, actor, business_date)))


def report_haircuts(session: Session, actor: Actor, business_date: date) -> JobOutcome:
    """Make the haircut reports of the month past that are not on record yet."""
    with uncollected():
        batch = haircut_reports.report_month_past(session, actor, business_date)
    return JobOutcome(done_count=len(batch.values), failures=batch.failures)


def remind(session: Session, actor: Actor, business_date: date) -> JobOutcome:
    """Tell officers of vintages that end and of surrenders that come, at 90, 60 and 30 days, once each."""
    return JobOutcome(done_count=service.tell_reminders(session, actor, business_date))
