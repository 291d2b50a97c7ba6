"""Sustainability links: signed and changed under four eyes; read by both dates with all that belongs to them."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound
from carbonfin.kernel.parties import Party
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer, Approval, ApprovalKind, ProposalDraft
from carbonfin.storage.parties import Standing, load_party, standing_of
from loans.calc.facilities import LoanContract
from loans.calc.linked.agreements import (
    EVENTS_EN,
    EVENTS_ZH,
    LINK_MACHINE,
    LinkEvent,
    LinkState,
    SustainabilityLink,
)
from loans.calc.linked.link_words import link_words
from loans.calc.linked.records import HandedIn, LinkRevision
from loans.calc.notes import NoteState
from loans.service import facilities
from loans.service.link_views import TURNS, LinkView
from loans.service.note_rates import LinkLine, notes_under, rerate_notes
from loans.store import facilities as facility_store
from loans.store import links as store


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkChange:
    """What is to be signed: an event, from a day, with the terms after it."""

    event: LinkEvent
    valid_from: date
    terms: SustainabilityLink


def links_of(session: Session, actor: Actor, *, known_at: datetime) -> tuple[LinkView, ...]:
    """Give the bank's links as known at an instant, the next report due first; without one, by number at the end."""
    decided = store.observations_of(session, actor)
    handed: dict[str, list[HandedIn]] = {}
    for number, document in store.documents_of_all(session, actor):
        handed.setdefault(number, []).append(document)
    found: dict[str, list[LinkRevision]] = {}
    for one in store.revisions_known(session, actor, known_at=known_at):
        found.setdefault(one.terms.number, []).append(one)
    views = (
        LinkView(
            revisions=tuple(revisions), documents=tuple(handed.get(number, ())),
            observations=tuple(decided.get(number, ())),
        )
        for number, revisions in found.items()
    )  # fmt: skip
    return tuple(sorted(views, key=_due))


def _due(view: LinkView) -> tuple[date, str]:
    upcoming = view.upcoming()
    return (date.max if upcoming is None else upcoming.report_due_date, view.terms.number)


def load_link(session: Session, actor: Actor, number: str, *, known_at: datetime) -> LinkView:
    """Give a link with everything that belongs to it.

    Raises:
        NotFound: The bank has none of that number.
    """
    found = find_link(session, actor, number, known_at=known_at)
    if found is None:
        raise NotFound(
            f"there is no sustainability link {number}", zh=f"没有挂钩条款 {number}", field="link_number",
            remedy="Enter the link and have another person approve it.", remedy_zh="请录入挂钩条款并由另一人复核。",
        )  # fmt: skip
    return found


def load_known_link(session: Session, actor: Actor, number: str) -> LinkView:
    """Give a link by everything ever signed of it, for what only names it.

    Raises:
        NotFound: The bank has none of that number.
    """
    return load_link(session, actor, number, known_at=facilities.EVER)


def find_link(session: Session, actor: Actor, number: str, *, known_at: datetime) -> LinkView | None:
    """Give a link, or None."""
    revisions = store.revisions_known(session, actor, known_at=known_at, number=number)
    if not revisions:
        return None
    return LinkView(
        revisions=revisions,
        documents=store.documents_of(session, actor, number),
        observations=tuple(store.observations_of(session, actor, number).get(number, ())),
    )


def borrower_of(
    session: Session, actor: Actor, terms: SustainabilityLink, *, valid_on: date, known_at: datetime
) -> tuple[Party, LoanContract]:
    """Give the borrower of a link and its contract.

    Raises:
        NotFound: The contract or its line is not in force on that day.
    """
    contract = facilities.load_contract(
        session, actor, terms.contract_number, valid_on=valid_on, known_at=known_at
    ).terms
    line = facilities.load_line(session, actor, contract.line_number, valid_on=valid_on, known_at=known_at).terms
    return load_party(session, actor, line.party_id), contract


def borrower_of_link(session: Session, actor: Actor, view: LinkView, *, standing: Standing) -> Party:
    """Give the borrower of a link.

    Raises:
        NotFound: The contract or its line is not in force.
    """
    day = max(standing.business_date, view.current.valid_from)
    return borrower_of(session, actor, view.terms, valid_on=day, known_at=standing.known_at)[0]


def propose_link(session: Session, maker: Actor, change: LinkChange, *, standing: Standing, reason: str) -> Approval:
    """Put an event of a link before the checkers; nothing changes until another person approves it.

    Raises:
        NotFound: The contract is not in force.
        Conflict: The link's state does not allow it, or the number stands for another contract.
        InvalidInput: It does not fit the contract, changes what was reported or decided already, or is another event
            than the signing and lies before the business date.
    """
    if change.event is not LinkEvent.SIGN and change.valid_from < standing.business_date:
        raise InvalidInput(
            f"valid from {change.valid_from}, before the business date {standing.business_date}",
            zh=f"生效日不得早于业务日期 {standing.business_date}", field="valid_from",
            remedy="Have the event count from today or later.", remedy_zh="请改为业务日期当日或以后生效。",
        )  # fmt: skip
    require_fit(session, maker, change, standing=standing)
    borrower, _ = borrower_of(session, maker, change.terms, valid_on=change.valid_from, known_at=standing.known_at)
    zh, en = EVENTS_ZH[change.event], EVENTS_EN[change.event]
    terms = change.terms
    return approvals.propose(
        session,
        maker,
        LINK_APPROVAL,
        ProposalDraft(
            subject=f"link:{terms.number}",
            title_zh=f"挂钩条款 {terms.number} {zh}",
            title_en=f"Link {terms.number} {en}",
            payload={
                "number": terms.number, "contract_number": terms.contract_number, "event": change.event.value,
                "link_event": f"{zh} / {en}",
                "valid_from": change.valid_from.isoformat(), "party": f"{borrower.name} {borrower.code}",
                "terms": store.payload_of_link(terms), **link_words(terms),
            },
            reason=reason,
        ),
        at=standing.known_at,
    )  # fmt: skip


def propose_turn(
    session: Session,
    maker: Actor,
    number: str,
    event: LinkEvent,
    *,
    valid_from: date,
    standing: Standing,
    reason: str,
) -> Approval:
    """Put the suspension, resumption or declassification of a link before the checkers; its terms stay.

    Raises:
        NotFound: There is no such link.
        InvalidInput: The event needs terms of its own, or lies before the business date.
        Conflict: The link's state does not allow it.
    """
    view = load_link(session, maker, number, known_at=standing.known_at)
    if event not in TURNS:
        raise InvalidInput(
            f"{event} needs the terms after it", zh=f"{EVENTS_ZH[event]}须提交变更后的完整条款", field="event",
            remedy="Send the whole terms with the event.", remedy_zh="请按完整条款提交。",
        )  # fmt: skip
    change = LinkChange(event=event, valid_from=valid_from, terms=view.terms)
    return propose_link(session, maker, change, standing=standing, reason=reason)


def require_fit(session: Session, actor: Actor, change: LinkChange, *, standing: Standing) -> LinkState:
    """Hold an event against the link as it stands and its contract; give the state after it.

    Raises:
        NotFound: The contract is not in force, or there is no such link.
        Conflict: The state does not allow it, the number stands for another contract, or the contract has a link.
        InvalidInput: It does not fit.
    """
    terms = change.terms
    view = find_link(session, actor, terms.number, known_at=standing.known_at)
    state = LinkState.NEW if view is None else view.state
    after = LinkState(LINK_MACHINE.after(state, change.event))
    _require_contract(session, actor, change, standing=standing)
    if view is not None:
        _require_same(view, change)
    else:
        _require_alone(session, actor, terms, standing=standing)
    return after


def _require_alone(session: Session, actor: Actor, terms: SustainabilityLink, *, standing: Standing) -> None:
    """Refuse a second link of a contract: each of two would overwrite the margin that the other decided."""
    known = store.revisions_known(session, actor, known_at=standing.known_at, contract_number=terms.contract_number)
    last = {one.terms.number: one.state for one in known}
    standing_links = [number for number, state in last.items() if state is not LinkState.DECLASSIFIED]
    if standing_links:
        raise Conflict(
            f"link {standing_links[0]} of contract {terms.contract_number} stands",
            zh=f"合同 {terms.contract_number} 已有挂钩条款 {standing_links[0]}", field="contract_number",
            remedy="Amend that link, or declassify it first.", remedy_zh="请变更该挂钩条款，或先取消挂钩。",
        )  # fmt: skip


def _require_contract(session: Session, actor: Actor, change: LinkChange, *, standing: Standing) -> None:
    terms = change.terms
    if terms.signed_on > standing.business_date:
        raise InvalidInput(
            f"signed on {terms.signed_on}, after the business date {standing.business_date}",
            zh=f"签订日不得晚于业务日期 {standing.business_date}", field="signed_on",
        )  # fmt: skip
    _, contract = borrower_of(session, actor, terms, valid_on=change.valid_from, known_at=standing.known_at)
    last = terms.observations[-1]
    if last.report_due_date >= contract.matures_by:
        raise InvalidInput(
            f"observation {last.number} is due on {last.report_due_date}, not before {contract.matures_by}",
            zh=f"第 {last.number} 次核查截止日 {last.report_due_date} 不早于合同最迟到期日 {contract.matures_by}",
            field="observations",
        )  # fmt: skip


def _require_same(view: LinkView, change: LinkChange) -> None:
    before, after = view.terms, change.terms
    if before.contract_number != after.contract_number:
        raise Conflict(
            f"link {before.number} belongs to contract {before.contract_number}",
            zh=f"挂钩条款 {before.number} 属于合同 {before.contract_number}", field="contract_number",
            remedy="Use another number.", remedy_zh="请使用其他编号。",
        )  # fmt: skip
    if change.valid_from < view.current.valid_from:
        raise InvalidInput(
            f"valid from {change.valid_from}, before the last event of {view.current.valid_from}",
            zh=f"生效日不得早于上一事项 {view.current.valid_from}", field="valid_from",
        )  # fmt: skip
    for number in sorted({one.number for one in view.latest} | view.reported):
        if before.observation(number) not in after.observations:
            raise InvalidInput(
                f"observation {number} was reported or decided already and cannot be changed",
                zh=f"第 {number} 次观察已提交核查报告或已认定，不得修改其日期与目标", field="observations",
                remedy="Change the observations ahead.", remedy_zh="请只修改以后的观察日。",
            )  # fmt: skip
    was, now = _baselines(before), _baselines(after)
    rebased = [code for code, baseline in now.items() if was.get(code) != baseline]
    if change.event is LinkEvent.REBASELINE and not rebased:
        raise InvalidInput("no baseline differs", zh="再基准须至少更正一项指标的基准年、基准值或依据", field="kpis")
    if change.event is LinkEvent.AMEND and rebased:
        raise InvalidInput(
            f"the baseline of {', '.join(rebased)} differs: that is a re-baseline",
            zh=f"指标 {'、'.join(rebased)} 的基准有变，应按再基准办理", field="event",
        )  # fmt: skip


def _baselines(terms: SustainabilityLink) -> dict[str, tuple[Any, ...]]:
    return {one.code: (one.baseline_year, one.baseline_value, one.baseline_source) for one in terms.kpis}


def _apply(session: Session, checker: Actor, approval: Approval, _: Answer, at: datetime) -> None:
    """Write the event down; one after the signing may move the notes' rates."""
    payload = approval.payload
    change = LinkChange(
        event=LinkEvent(payload["event"]), valid_from=date.fromisoformat(payload["valid_from"]),
        terms=store.link_of_payload(payload["terms"]),
    )  # fmt: skip
    standing = standing_of(session, checker.organization_id, FixedClock(at))
    borrower, _contract = borrower_of(
        session, checker, change.terms, valid_on=change.valid_from, known_at=standing.known_at
    )
    facility_store.lock_borrower(session, borrower.id)
    state = require_fit(session, checker, change, standing=standing)
    store.add_revision(
        session, checker, change.terms, approval, event=change.event, state=state, valid_from=change.valid_from,
        known_from=standing.business_date, at=at,
    )  # fmt: skip
    if change.event is not LinkEvent.SIGN:
        rerate_under_link(session, checker, change.terms.number, cause=change.event.value, standing=standing, at=at)


def rerate_under_link(
    session: Session, actor: Actor, number: str, *, cause: str, standing: Standing, at: datetime
) -> None:
    """Move the running notes of a link's contract to its line as now known; a link that decided nothing moves none.

    Raises:
        NotFound: The bank has no such link.
    """
    view = load_link(session, actor, number, known_at=standing.known_at)
    if view.steps:
        notes = notes_under(session, actor, view.terms.contract_number)
        codes = [one.code for one in notes if one.state is NoteState.RUNNING]
        rerate_notes(
            session, actor, codes, view.terms, steps=view.steps, floors=view.floors, cause=cause, standing=standing,
            at=at,
        )  # fmt: skip


def rerate_under_links(
    session: Session,
    actor: Actor,
    contract_number: str,
    note_code: str,
    *,
    cause: str,
    standing: Standing,
    at: datetime,
) -> None:
    """Move a note just drawn to the line of its contract's link: it takes what was decided before it.

    Of a declassified link and its successor the one that decided last counts, as it does for the notes drawn earlier,
    which stay as they are.
    """
    last = _decided_last(session, actor, contract_number, known_at=standing.known_at)
    if last is not None:
        rerate_notes(
            session, actor, (note_code,), last.terms, steps=last.steps, floors=last.floors, cause=cause,
            standing=standing, at=at,
        )  # fmt: skip


def link_line_of(session: Session, actor: Actor, contract_number: str, *, known_at: datetime) -> LinkLine:
    """Give what the link of a contract that decided last says of its notes' rates; an empty line where none did."""
    last = _decided_last(session, actor, contract_number, known_at=known_at)
    if last is None:
        return LinkLine()
    return LinkLine(
        number=last.terms.number, all_in_floor_rate=last.terms.ratchet.all_in_floor_rate, steps=last.steps,
        floors=last.floors,
    )  # fmt: skip


def _decided_last(session: Session, actor: Actor, contract_number: str, *, known_at: datetime) -> LinkView | None:
    known = store.revisions_known(session, actor, known_at=known_at, contract_number=contract_number)
    numbers = dict.fromkeys(one.terms.number for one in known)
    views = [load_link(session, actor, number, known_at=known_at) for number in numbers]
    decided = [one for one in views if one.steps]
    return max(decided, key=lambda one: max(each.known_from for each in one.observations), default=None)


LINK_APPROVAL = ApprovalKind(
    name="loans.link",
    title_zh="可持续挂钩条款",
    title_en="Sustainability link",
    maker_roles=frozenset({Role.OFFICER, Role.SYSTEM}),
    checker_roles=frozenset({Role.CHECKER}),
    apply=_apply,
    address=lambda approval: f"/sustainability-links/{approval.payload['number']}",
)
