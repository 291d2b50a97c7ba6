"""Compliance positions and headroom: what an emitter may pledge and still surrender."""

from dataclasses import replace

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.dates import china_day
from carbonfin.kernel.errors import Conflict
from carbonfin.kernel.parties import Party
from carbonfin.rules.record import digest_of
from carbonfin.storage.decisions import record_decision
from carbonfin.storage.parties import Standing, load_party
from collateral.calc.agreements import HeadroomRecord, Pledge
from collateral.calc.compliance_position import decide_compliance_position
from collateral.calc.headroom import HEADROOM, HeadroomInputs, HeadroomOutcome, UnitHolding, UnitLock, decide_headroom
from collateral.calc.surrender import trading_days_of
from collateral.service.compliance import TRUE_UP_COUNTED, MeanPrices, position_inputs, record_positions
from collateral.service.conversions import Converted, as_if_converted
from collateral.service.view import UNFREEZE_DAYS, DeskView, desk_view
from collateral.store import compliance, ledger, pledges

SURRENDER_DATE = "pricing.surrender_date"
SURRENDER_BUFFER = "collateral.surrender_buffer_ratio"
UNCERTAIN_STATES = frozenset({"FREEZE_UNKNOWN", "UNFREEZE_UNKNOWN"})


def unit_locks(session: Session, actor: Actor, party_id: str) -> tuple[UnitLock, ...]:
    """Give what binds a party's units, each with the day its agreement ends."""
    held = {one.id: one for one in pledges.pledges_of(session, actor, pledgor_id=party_id)}
    return tuple(
        UnitLock(
            agreement_code=one.agreement_code,
            unit=one.unit,
            quantity_t=one.quantity_t,
            end_date=held[one.pledge_id].end_date,
            is_certain=held[one.pledge_id].state not in UNCERTAIN_STATES,
        )
        for one in ledger.encumbrances_of(session, actor, live_only=True)
        if one.pledge_id in held
    )


def headroom_inputs(
    session: Session,
    actor: Actor,
    party: Party,
    view: DeskView,
    *,
    added: tuple[UnitLock, ...] = (),
    extends_code: str = "",
    converted: Converted = (),
) -> tuple[HeadroomInputs, ...]:
    """Collect the inputs of headroom for each scheme and year still to be surrendered.

    Args:
        session: Where holdings and locks are read.
        actor: Whose bank it is.
        party: The emitter.
        view: Parameters and calendar.
        added: Locks of an agreement thought of but not yet made.
        extends_code: An agreement whose locks `added` replaces.
        converted: Tonnes that would become units of another vintage on the account, and those that would be gone.
    """
    known_on = china_day(view.standing.known_at)
    positions = {
        (inputs.scheme, year.compliance_year): year
        for inputs in position_inputs(session, actor, party, view, means=None, converted=converted)
        for year in decide_compliance_position(inputs).years
    }
    holdings = tuple(
        UnitHolding(unit=one.unit, quantity_t=one.total_t)
        for one in as_if_converted(ledger.positions_of(session, actor, party_id=party.id), converted)
    )
    standing_locks = unit_locks(session, actor, party.id)
    locks = (*(one for one in standing_locks if one.agreement_code != extends_code or not extends_code), *added)
    found = []
    for position in compliance.compliance_positions(session, actor, known_on=known_on, party_id=party.id):
        surrender_date = view.on(SURRENDER_DATE, f"{position.scheme}-{position.compliance_year}")
        if surrender_date.day < view.day:
            continue
        found.append(
            HeadroomInputs(
                party_code=party.code,
                scheme=position.scheme,
                compliance_year=position.compliance_year,
                valuation_date=view.day,
                surrender_date=surrender_date,
                holdings=holdings,
                locks=_merged(locks),
                emissions_t=position.emissions_t,
                emissions_source=position.emissions_source,
                true_up_expected_t=position.true_up_expected_t,
                true_up_source=position.true_up_source,
                unconfirmed=position.unconfirmed,
                true_up_counted=view.on(TRUE_UP_COUNTED),
                buffer=view.on(SURRENDER_BUFFER, position.scheme),
                unfreeze_days=view.on(UNFREEZE_DAYS),
                trading_days=trading_days_of(view.calendar, start=view.day, end=surrender_date.day),
                position=positions[position.scheme, position.compliance_year],
            )
        )
    return tuple(found)


def _merged(locks: tuple[UnitLock, ...]) -> tuple[UnitLock, ...]:
    """Add up what one agreement binds of one unit."""
    merged: dict[tuple[str, str], UnitLock] = {}
    for lock in locks:
        key = (lock.agreement_code, str(lock.unit))
        standing = merged.get(key)
        merged[key] = lock if standing is None else replace(standing, quantity_t=standing.quantity_t + lock.quantity_t)
    return tuple(merged[key] for key in sorted(merged))


def schemes_without_position(
    party: Party, pledged: tuple[Scheme, ...], known: tuple[HeadroomInputs, ...]
) -> tuple[Scheme, ...]:
    """Name the schemes an emitter must or may have to surrender of which no position is known."""
    if party.key_emitter is False:
        return ()
    schemes = (Scheme(party.scheme),) if party.scheme else tuple(one for one in pledged if one is not Scheme.CCER)
    return tuple(scheme for scheme in schemes if scheme not in {one.scheme for one in known})


def require_headroom(session: Session, actor: Actor, pledge: Pledge, view: DeskView) -> None:
    """Hold that a pledgor can still surrender now that a pledge's units are reserved, among all that is bound today.

    Approvals weigh each pledge beside what is bound when they are given; two that leave headroom each may not leave it
    together. Whoever asks holds the pledgor's accounts, so that freezes asked for at once are weighed one after the
    other.

    Raises:
        Conflict: The headroom of a scheme that is pledged would be negative.
    """
    party = load_party(session, actor, pledge.pledgor_id)
    schemes = {one.unit.scheme for one in pledge.units}
    for inputs in headroom_inputs(session, actor, party, view, extends_code=pledge.extends_code):
        found = decide_headroom(inputs)
        if inputs.scheme in schemes and found.headroom_t < 0:
            raise Conflict(
                f"{inputs.scheme} {inputs.compliance_year}: with pledge {pledge.code} frozen the pledgor would lack "
                f"{-found.headroom_t} t for the surrender of {found.surrender_date}",
                zh=f"冻结后 {inputs.scheme} {inputs.compliance_year} 年度履约余量为 {found.headroom_t:,} 吨"
                f"（{found.surrender_date} 清缴），不得冻结",
                field="units",
                remedy="Pledge less, or have other pledges of the same pledgor released first.",
                remedy_zh="请减少质押数量，或先解除该出质人的其他质押。",
                headroom_t=found.headroom_t,
            )


def headroom_of(session: Session, actor: Actor, party_id: str, *, standing: Standing) -> tuple[HeadroomOutcome, ...]:
    """Calculate an emitter's headroom for each scheme and year still to be surrendered; nothing is stored."""
    party = load_party(session, actor, party_id)
    view = desk_view(session, standing)
    return tuple(decide_headroom(inputs) for inputs in headroom_inputs(session, actor, party, view))


def record_headroom(session: Session, actor: Actor, party: Party, view: DeskView, means: MeanPrices) -> int:
    """Keep an emitter's position and headroom of the business date as decisions; the same again changes nothing."""
    recorded_count = 0
    record_positions(session, actor, party, view, means)
    for inputs in headroom_inputs(session, actor, party, view):
        inputs_digest = digest_of(inputs)
        if compliance.headroom_is_recorded(
            session,
            actor,
            party_id=party.id,
            scheme=inputs.scheme,
            business_date=view.day,
            inputs_digest=inputs_digest,
        ):
            continue
        recorded = record_decision(
            session,
            actor,
            HEADROOM,
            inputs,
            subject=f"party:{party.id}",
            valid_on=view.day,
            known_at=view.standing.known_at,
        )
        compliance.add_headroom(
            session,
            actor,
            recorded.outcome,
            party_id=party.id,
            scheme=inputs.scheme,
            compliance_year=inputs.compliance_year,
            business_date=view.day,
            inputs_digest=inputs_digest,
            decision_id=recorded.decision_id,
        )
        recorded_count += 1
    return recorded_count


def latest_headrooms(
    session: Session, actor: Actor, *, standing: Standing, party_id: str | None = None
) -> tuple[HeadroomRecord, ...]:
    """Give the last recorded headroom of each emitter and scheme, with its decision."""
    return compliance.latest_headrooms(session, actor, on=standing.business_date, party_id=party_id)
