"""Changes of a pledge: weighed before anything moves; a top-up is taken at once, the others go before the checkers."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound
from carbonfin.kernel.parties import Party
from carbonfin.storage.decisions import Recorded, load_outcome, record_decision
from carbonfin.storage.files.evidence import require_evidence
from carbonfin.storage.parties import Standing, load_party
from collateral.calc.agreements import Pledge, UnitQuantity
from collateral.calc.appraisal import Availability
from collateral.calc.change_weighing import (
    PLEDGE_CHANGE,
    AttachedUnits,
    ChangeInputs,
    ChangeOutcome,
    decide_change,
)
from collateral.calc.coverage import Debt
from collateral.calc.headroom import UnitLock
from collateral.calc.pledge import IN_FORCE, PLEDGE
from collateral.calc.pledge_changes import ChangeDraft, ChangeEvent, ChangeKind, PledgeChange, units_after
from collateral.calc.refusals import Refusal
from collateral.service import change_steps, numbers
from collateral.service.book_limits import BookAsked, book_limits
from collateral.service.carry_over import carry_over_grant
from collateral.service.eligibility_schedules import scheduled_units
from collateral.service.headroom import headroom_inputs, schemes_without_position
from collateral.service.pledge_haircuts import PledgeAsked, PolicyHaircuts, pledged_lines
from collateral.service.unlisted import least_haircuts, unlisted_of
from collateral.service.valuations import attached_lines, debt_of, required_exposure
from collateral.service.view import DeskView, coverage_lines, desk_view, price_age_limits, safety_terms
from collateral.store import ledger
from collateral.store import pledge_changes as store
from collateral.store import pledges as pledge_store
from collateral.store.authority_acts import attached_to

_CHANGEABLE = frozenset({"DRAWN", "MARGIN_CALLED"})


def preview_change(
    session: Session, actor: Actor, pledge_id: str, draft: ChangeDraft, *, standing: Standing
) -> ChangeOutcome:
    """Weigh a change nobody has asked for; nothing is stored.

    Raises:
        Conflict: No loan stands behind the pledge.
        MissingData: The day's exposure, a price or a parameter is not known.
    """
    pledge = pledge_store.load_pledge(session, actor, pledge_id)
    _require_state(pledge, draft.kind)
    _require_numbers(session, actor, pledge, draft)
    haircuts = PolicyHaircuts.read(session, actor, desk_view(session, standing), keeps=False)
    return decide_change(change_inputs(session, actor, pledge, draft, haircuts))


def start_change(
    session: Session, actor: Actor, pledge_id: str, draft: ChangeDraft, *, standing: Standing
) -> PledgeChange:
    """Ask for a change. A top-up goes to the registry at once; the others wait for another person.

    The same top-up, substitution or partial release that already waits is given back.

    Raises:
        Conflict: A reason stands against it, with its figures; another change that frees units is under way; or the
            pledge's state does not allow it. Nothing is kept or sent.
    """
    pledge = pledge_store.load_pledge(session, actor, pledge_id, lock=True)
    _require_state(pledge, draft.kind)
    standing_open = store.open_changes(session, actor, pledge.id)
    for one in standing_open:
        if (one.kind, one.added, one.freed, one.repayment_cny, one.added_serials, one.freed_serials) == (
            draft.kind, _in_order(draft.added), _in_order(draft.freed), draft.repayment_cny, draft.added_serials,
            draft.freed_serials,
        ) and one.maker_id == actor.id and one.state in {"PROPOSED", "FREEZE_REQUESTED"}:  # fmt: skip
            return one
    if draft.freed:
        _refuse_second(standing_open)
    _require_numbers(session, actor, pledge, draft)
    if draft.evidence_digest:
        require_evidence(session, actor, draft.evidence_digest, subject=f"pledge:{pledge.id}", at=standing.known_at)
    view = desk_view(session, standing)
    recorded = record_change(session, actor, pledge, draft, view)
    refuse_against(pledge, recorded.outcome.refusals)
    owed = required_exposure(session, actor, pledge, view.day)
    is_taken = draft.kind is ChangeKind.TOP_UP
    change = store.add_change(
        session, actor, pledge, draft, state="APPROVED" if is_taken else "PROPOSED",
        principal_before_cny=owed.principal_cny, started_on=standing.business_date, decision_id=recorded.decision_id,
    )  # fmt: skip
    change_steps.note_start(session, actor, change, standing=standing)
    if is_taken:
        return change_steps.ask_freeze(session, actor, pledge, change, standing=standing, cause=change.reason)
    return change


def _require_numbers(session: Session, actor: Actor, pledge: Pledge, draft: ChangeDraft) -> None:
    """Hold that the numbers to add are free and those to free are locked for the pledge.

    Raises:
        Conflict: One is not, named with what is.
    """
    numbers.require_free(session, ledger.positions_of(session, actor, party_id=pledge.pledgor_id), draft.added_serials)
    held = ledger.encumbrances_of(session, actor, pledge_id=pledge.id, live_only=True)
    for unit, ranges in draft.freed_serials.items():
        locked = [one for one in held if one.unit == unit and one.state == "LOCKED"]
        numbers.locked_among(session, locked, ranges)


def _in_order(units: tuple[UnitQuantity, ...]) -> tuple[UnitQuantity, ...]:
    return tuple(sorted(units, key=lambda one: str(one.unit)))


def _require_state(pledge: Pledge, kind: ChangeKind) -> None:
    """Refuse a change of a pledge behind which no loan stands, and letting units go once the cure has expired."""
    allowed = IN_FORCE if kind is ChangeKind.TOP_UP else _CHANGEABLE
    if pledge.state in allowed:
        return
    if kind is ChangeKind.CONVERSION:
        raise Conflict(
            f"pledge {pledge.code} in state {pledge.state} takes no conversion of its units",
            zh=f"质押 {pledge.code} 当前状态（{pledge.state}）不能转换配额年度",
            field="state",
            remedy="Convert units of a pledge whose loan is drawn and whose cure has not expired.",
            remedy_zh="仅可对已放款且补足期未届满的质押转换。",
        )
    if kind is not ChangeKind.TOP_UP:
        PLEDGE.after(pledge.state, {"substitution": "substitute"}.get(kind.value, kind.value))
    raise Conflict(
        f"pledge {pledge.code} in state {pledge.state} takes no further units: no loan stands behind it",
        zh=f"质押 {pledge.code} 当前状态（{pledge.state}）没有贷款余额，不需追加押品",
        field="state",
        remedy="Top up a pledge whose loan is drawn.",
        remedy_zh="仅可对已放款的质押追加。",
    )


def _refuse_second(standing_open: tuple[PledgeChange, ...]) -> None:
    for one in standing_open:
        if one.freed:
            raise Conflict(
                f"change {one.number} of the pledge is under way ({one.state}); two may not free units side by side",
                zh=f"第 {one.number} 项变更尚未完成（{one.state}），释放押品的变更须逐项办理",
                field="pledge_id",
                remedy="Finish it or withdraw it first.",
                remedy_zh="请先完成或撤回该项变更。",
            )


def change_inputs(
    session: Session,
    actor: Actor,
    pledge: Pledge,
    draft: ChangeDraft,
    haircuts: PolicyHaircuts,
    *,
    principal_max_cny: Decimal | None = None,
) -> ChangeInputs:
    """Collect everything the weighing of a change hangs on.

    Args:
        session: Where pledge, holdings and locks are read.
        actor: Whose bank it is.
        pledge: The pledge.
        draft: What is asked.
        haircuts: The policies in force, with prices, parameters and calendar.
        principal_max_cny: What may be owed for it to go ahead; None weighs it as if the repayment were booked.
    """
    view = haircuts.view
    debt = debt_of(required_exposure(session, actor, pledge, view.day))
    if principal_max_cny is None:
        debt = _as_if_repaid(debt, draft.repayment_cny)
    after = units_after(pledge.units, added=draft.added, freed=draft.freed)
    party = load_party(session, actor, pledge.pledgor_id)
    is_conversion = draft.kind is ChangeKind.CONVERSION
    locks = _locks_moved(pledge, draft)
    made = tuple((one.unit, one.quantity_t) for one in locks) if is_conversion else ()
    headrooms = headroom_inputs(session, actor, party, view, added=locks, converted=made)
    schemes = tuple(dict.fromkeys(one.unit.scheme for one in (*draft.added, *draft.freed)))
    least = least_haircuts(view, (one.unit for one in (*pledge.units, *draft.added)))
    freezes, unlisted = attached_to(session, actor, pledge.id), unlisted_of(session, actor, pledge, least)
    asked = PledgeAsked(pledgor_id=pledge.pledgor_id, end_date=pledge.end_date, added=locks)
    counted = partial(attached_lines, freezes=freezes, least=least)
    return ChangeInputs(
        agreement_code=pledge.code,
        kind=draft.kind,
        valuation_date=view.day,
        end_date=pledge.end_date,
        before=counted(pledged_lines(haircuts, pledge.units, asked, beside=after), unlisted=unlisted),
        after=counted(pledged_lines(haircuts, after, asked, beside=pledge.units), unlisted=_uncounted(draft, unlisted)),
        added=draft.added,
        freed=draft.freed,
        debt=debt,
        principal_max_cny=principal_max_cny,
        thresholds=coverage_lines(view),
        safety=safety_terms(view, tuple(one.unit for one in after)),
        availability=_availability(session, actor, party, draft.added),
        attached=tuple(
            AttachedUnits(unit=one.draft.unit, quantity_t=one.outstanding_t, document=one.draft.document)
            for one in freezes
        ),
        headrooms=tuple(one for one in headrooms if one.scheme in schemes),
        schemes_without_headroom=schemes_without_position(party, schemes, headrooms) if draft.added else (),
        stale_after=price_age_limits(view, dict.fromkeys(one.unit.scheme for one in after)),
        carry_over=carry_over_grant(session, actor, party.id, view, draft.freed[0].unit) if is_conversion else None,
        scheduled=scheduled_units(view, (one.unit for one in draft.added)),
        book=book_limits(session, actor, haircuts, _book_asked(pledge, draft)),
    ).with_table_once(view.haircut_table)


def _uncounted(draft: ChangeDraft, before: Mapping[Unit, int]) -> dict[Unit, int]:
    """Give what counts for nothing after a change where it is not admitted: freed tonnes leave it, a top-up adds."""
    after = dict(before)
    for one in draft.freed:
        after[one.unit] = max(0, after.get(one.unit, 0) - one.quantity_t)
    if draft.kind is ChangeKind.TOP_UP:
        for one in draft.added:
            after[one.unit] = after.get(one.unit, 0) + one.quantity_t
    return after


def _book_asked(pledge: Pledge, draft: ChangeDraft) -> BookAsked:
    added = tuple(one.unit for one in draft.added)
    return BookAsked(
        pledgor_id=pledge.pledgor_id, units=(*(one.unit for one in pledge.units), *added), added=added,
        without=(pledge.code,),
    )  # fmt: skip


def _locks_moved(pledge: Pledge, draft: ChangeDraft) -> tuple[UnitLock, ...]:
    """Give what a change would bind, and what it would bind no more as negative tonnes."""
    moved = [(one, 1) for one in draft.added] + [(one, -1) for one in draft.freed]
    return tuple(
        UnitLock(
            agreement_code=pledge.code, unit=one.unit, quantity_t=sign * one.quantity_t, end_date=pledge.end_date,
            is_certain=True,
        )
        for one, sign in moved
    )  # fmt: skip


def _availability(
    session: Session, actor: Actor, party: Party, added: Iterable[UnitQuantity]
) -> tuple[Availability, ...]:
    positions = ledger.positions_of(session, actor, party_id=party.id)
    return tuple(
        Availability(unit=one.unit, free_t=sum(held.free_t for held in positions if held.unit == one.unit))
        for one in added
    )


def _as_if_repaid(debt: Debt, repayment_cny: Decimal) -> Debt:
    if not repayment_cny:
        return debt
    if repayment_cny > debt.principal_cny:
        raise InvalidInput(
            f"repayment {repayment_cny} is more than the principal {debt.principal_cny}",
            zh=f"还款 {repayment_cny} 元高于本金余额 {debt.principal_cny} 元",
            field="repayment_cny",
        )
    return replace(debt, principal_cny=debt.principal_cny - repayment_cny, source=f"{debt.source}（还款后试算）")


def record_change(
    session: Session,
    actor: Actor,
    pledge: Pledge,
    draft: ChangeDraft,
    view: DeskView,
    *,
    principal_max_cny: Decimal | None = None,
) -> Recorded[ChangeOutcome]:
    """Weigh a change and keep the decision."""
    haircuts = PolicyHaircuts.read(session, actor, view, keeps=True)
    return record_decision(
        session,
        actor,
        PLEDGE_CHANGE,
        change_inputs(session, actor, pledge, draft, haircuts, principal_max_cny=principal_max_cny),
        subject=f"pledge:{pledge.code}",
        valid_on=view.day,
        known_at=view.standing.known_at,
    )


def record_freeing(
    session: Session, actor: Actor, pledge: Pledge, change: PledgeChange, view: DeskView
) -> Recorded[ChangeOutcome]:
    """Weigh letting the old units of a substitution go, now that the new ones are pledged, and keep the decision."""
    freeing = ChangeDraft(
        kind=ChangeKind.PART_RELEASE, added=(), freed=change.freed, repayment_cny=Decimal("0.00"), reason=change.reason
    )
    return record_change(session, actor, pledge, freeing, view)


def draft_of_change(change: PledgeChange) -> ChangeDraft:
    """Give a change as it was asked for."""
    return ChangeDraft(
        kind=change.kind, added=change.added, freed=change.freed, repayment_cny=change.repayment_cny,
        reason=change.reason, added_serials=change.added_serials, freed_serials=change.freed_serials,
        evidence_digest=change.evidence_digest,
    )  # fmt: skip


def refuse_against(pledge: Pledge, refusals: tuple[Refusal, ...]) -> None:
    """Refuse a change with each reason and its figures.

    Raises:
        Conflict: A reason stands against it.
    """
    if refusals:
        raise Conflict(
            f"the change of pledge {pledge.code} is refused: {'; '.join(one.detail for one in refusals)}",
            zh=f"质押 {pledge.code} 的变更不予受理：{'；'.join(one.zh for one in refusals)}",
            field="units",
            remedy="Free less, repay or add more, and preview it first.",
            remedy_zh="请减少释放数量、增加还款或押品，并先行试算。",
            refusals=[one.code for one in refusals],
        )


def load_change(session: Session, actor: Actor, change_id: str) -> PledgeChange:
    """Give a change of the actor's organisation."""
    return store.load_change(session, actor, change_id)


def change_of_pledge(session: Session, actor: Actor, pledge_id: str, change_id: str) -> PledgeChange:
    """Give a change of a pledge of the actor's organisation.

    Raises:
        NotFound: There is none, or it is another pledge's.
    """
    change = store.load_change(session, actor, change_id)
    if change.pledge_id != pledge_id:
        raise NotFound(f"pledge {pledge_id} has no change {change_id}", zh="该笔质押没有这项变更", field="change_id")
    return change


def changes_of(session: Session, actor: Actor, pledge_id: str) -> tuple[PledgeChange, ...]:
    """Give the changes of a pledge in the order they were asked for."""
    pledge_store.load_pledge(session, actor, pledge_id)
    return store.changes_of(session, actor, pledge_id=pledge_id)


def change_outcome(session: Session, actor: Actor, change: PledgeChange) -> ChangeOutcome:
    """Give the weighing a change rests on, as it was recorded."""
    return load_outcome(session, actor, PLEDGE_CHANGE, change.decision_id)


def change_timeline(session: Session, actor: Actor, change_id: str) -> tuple[ChangeEvent, ...]:
    """Give the steps of a change."""
    return store.change_events(session, actor, change_id)
