"""Compliance positions: what is entered of an emitter's years, and what follows for surplus, shortfall and fine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import CREDITS, Scheme
from carbonfin.kernel.dates import china_day
from carbonfin.kernel.errors import MissingData
from carbonfin.kernel.parties import Party
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import digest_of
from carbonfin.storage.decisions import decisions_of, record_decision
from carbonfin.storage.parties import Standing, load_party
from collateral.calc.compliance_position import COMPLIANCE_POSITION, decide_compliance_position
from collateral.calc.compliance_records import AllocationPart, AllocationStanding, CompliancePosition
from collateral.calc.compliance_years import (
    MULTIPLE_OF_MEAN,
    Arrears,
    CompliancePositionInputs,
    CompliancePositionOutcome,
    HeldUnit,
    MeanPrice,
    OffsetRule,
    PenaltyRule,
    YearInputs,
)
from collateral.calc.surrender import VintageUse
from collateral.service.carry_over import carried_units
from collateral.service.conversions import Converted, as_if_converted
from collateral.service.view import CARRIES_FORWARD, LAST_USABLE_DATE, DeskView, desk_view
from collateral.store import compliance, ledger
from pricing.calc.compliance import PENALTY_MULTIPLE, SURRENDER_DATE, ObligationDraft
from pricing.service import mean_price_of

TRUE_UP_COUNTED = "collateral.true_up_counted_ratio"
_OFFSET_RATIO = "collateral.offset_limit_ratio"
_OFFSET_BASIS = "collateral.offset_basis"
_OFFSET_ADMITTED = "collateral.offset_admitted"
_PENALTY_REGIME = "collateral.penalty_regime"
_NEXT_YEAR_CUT = "collateral.penalty_next_year_cut"
_YES = "true"


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemePosition:
    """An emitter's position in one scheme, with what it hangs on."""

    inputs: CompliancePositionInputs
    outcome: CompliancePositionOutcome

    @property
    def scheme(self) -> Scheme:
        """The scheme it is of."""
        return self.inputs.scheme


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRevision:
    """One statement of a compliance year as it was written down; a later one corrects it."""

    revision: int
    recorded_at: datetime
    position: CompliancePosition


class MeanPrices:
    """The mean price a fine takes, by scheme; each is read once however many emitters ask."""

    def __init__(self, session: Session, actor: Actor, view: DeskView) -> None:
        """Take where prices are read and as of when."""
        self._session, self._actor, self._view = session, actor, view
        self._known: dict[Scheme, MeanPrice | None] = {}

    def of(self, scheme: Scheme) -> MeanPrice | None:
        """Give the mean price of a scheme, None where no trade is known."""
        if scheme not in self._known:
            found = mean_price_of(
                self._session, self._actor, self._view.snapshot, scheme, known_at=self._view.standing.known_at
            )
            self._known[scheme] = (
                None
                if found is None
                else MeanPrice(
                    cny_per_t=Decimal(found.value),
                    source=found.source,
                    confirmed=found.confirmed,
                    note_zh=found.note_zh,
                    note_en=found.note_en,
                )
            )
        return self._known[scheme]


def record_compliance_position(
    session: Session, actor: Actor, position: CompliancePosition, *, standing: Standing
) -> bool:
    """Write down what an emitter must surrender for a year; the same again changes nothing, else a new revision.

    Returns:
        Whether it was written down.
    """
    load_party(session, actor, position.party_id)
    known_on = china_day(standing.known_at)
    known = compliance.compliance_positions(session, actor, known_on=known_on, party_id=position.party_id)
    if any(position == replace(one, known_from=position.known_from) for one in known):
        return False
    compliance.add_compliance_position(session, actor, position, recorded_at=standing.known_at)
    return True


def last_compliance_positions(session: Session, actor: Actor, *, standing: Standing) -> tuple[CompliancePosition, ...]:
    """Give the last statement known of every emitter, scheme and year."""
    return compliance.compliance_positions(session, actor, known_on=china_day(standing.known_at))


def compliance_revisions_of(
    session: Session, actor: Actor, party_id: str, *, standing: Standing
) -> tuple[RecordedRevision, ...]:
    """Give every statement of an emitter's years with its number and when it was written, the latest first."""
    load_party(session, actor, party_id)
    found = compliance.compliance_revisions(session, actor, party_id=party_id, known_on=china_day(standing.known_at))
    return tuple(
        RecordedRevision(revision=revision, recorded_at=recorded_at, position=position)
        for revision, recorded_at, position in found
    )


def position_inputs(
    session: Session, actor: Actor, party: Party, view: DeskView, *, means: MeanPrices | None,
    converted: Converted = (),
) -> tuple[CompliancePositionInputs, ...]:  # fmt: skip
    """Give `inputs_and_lacks` where no scheme lacks anything.

    Raises:
        MissingData: A year has no surrender date, or the ratio for allocation to come is not set.
    """
    found, lacks = inputs_and_lacks(session, actor, party, view, means=means, converted=converted)
    for error in lacks.values():
        raise error
    return found


def inputs_and_lacks(
    session: Session, actor: Actor, party: Party, view: DeskView, *, means: MeanPrices | None,
    converted: Converted = (),
) -> tuple[tuple[CompliancePositionInputs, ...], Mapping[Scheme, MissingData]]:  # fmt: skip
    """Collect what an emitter's position hangs on, for each scheme with a year still to be surrendered.

    A scheme that lacks something is named with its lack, and the others stand. A year alone is never left out, since
    later ones would then seem to have the units that it takes.

    Args:
        session: Where statements and holdings are read.
        actor: Whose bank it is.
        party: The emitter.
        view: Parameters of the business date.
        means: Mean prices for the fines; None leaves fines out.
        converted: Tonnes by unit that a conversion thought of would bring and take.
    """
    known_on = china_day(view.standing.known_at)
    statements = compliance.compliance_positions(session, actor, known_on=known_on, party_id=party.id)
    positions = as_if_converted(ledger.positions_of(session, actor, party_id=party.id), converted)
    carried = carried_units(session, actor, party.id, view, positions, converted=converted)
    units = tuple(
        HeldUnit(
            unit=one.unit,
            quantity_t=one.total_t,
            carried_over_t=carried_t,
            use=VintageUse(
                unit=one.unit,
                last_usable=view.find(LAST_USABLE_DATE, str(one.unit)),
                carries_forward=view.find(CARRIES_FORWARD, one.unit.scheme),
            ),
        )
        for one, carried_t in zip(positions, carried, strict=True)
    )
    found: list[CompliancePositionInputs] = []
    lacks: dict[Scheme, MissingData] = {}
    for scheme in sorted({one.scheme for one in statements}):
        try:
            years, arrears = _years(view, [one for one in statements if one.scheme is scheme], means)
        except MissingData as error:
            lacks[scheme] = error
            continue
        if years:
            found.append(
                CompliancePositionInputs(
                    party_code=party.code,
                    scheme=scheme,
                    valuation_date=view.day,
                    years=tuple(years),
                    arrears=tuple(arrears),
                    units=units,
                )
            )
    return tuple(found), lacks


def _years(
    view: DeskView, statements: Sequence[CompliancePosition], means: MeanPrices | None
) -> tuple[list[YearInputs], list[Arrears]]:
    """Give a scheme's years still to be surrendered, and what past ones still owe."""
    years, arrears = [], []
    for statement in statements:
        deadline = view.on(SURRENDER_DATE, f"{statement.scheme}-{statement.compliance_year}")
        if deadline.day >= view.day:
            penalty = None if means is None else _penalty(view, statement.scheme, deadline.day, means)
            years.append(_year(statement, deadline, view, penalty))
        elif statement.surrendered_t is not None and statement.surrendered_t < statement.emissions_t:
            arrears.append(_arrears(statement, statement.surrendered_t))
    return years, arrears


def _year(
    statement: CompliancePosition, deadline: ParameterValue, view: DeskView, penalty: PenaltyRule | None
) -> YearInputs:
    parts = statement.allocation
    return YearInputs(
        compliance_year=statement.compliance_year,
        surrender_date=deadline,
        emissions_t=statement.emissions_t,
        emissions_state=statement.emissions_state,
        emissions_source=statement.emissions_source,
        surrendered_t=statement.surrendered_t,
        parts=parts,
        to_come_counted=tuple(
            to_come_counted(view, one) for one in parts if one.standing is AllocationStanding.TO_COME
        ),
        offset=_offset(view, statement.scheme, deadline.day),
        penalty=penalty,
        unconfirmed=statement.unconfirmed,
    )


def to_come_counted(view: DeskView, part: AllocationPart) -> ParameterValue:
    """Give the share of an allocation still to come that counts: that of its state, else the bank's one for all.

    Raises:
        MissingData: The bank set neither.
    """
    return view.find(TRUE_UP_COUNTED, part.state) or view.on(TRUE_UP_COUNTED)


def _arrears(statement: CompliancePosition, surrendered_t: int) -> Arrears:
    return Arrears(
        compliance_year=statement.compliance_year,
        emissions_t=statement.emissions_t,
        surrendered_t=surrendered_t,
        source=statement.emissions_source,
    )


def _offset(view: DeskView, scheme: Scheme, deadline: date) -> OffsetRule | None:
    """Give the offset rule in force at a deadline, None where none is known: then no credit counts."""
    ratio, basis = (_at(view, key, scheme, deadline) for key in (_OFFSET_RATIO, _OFFSET_BASIS))
    if ratio is None or basis is None:
        return None
    admitted = {credit: _at(view, _OFFSET_ADMITTED, f"{scheme}/{credit}", deadline) for credit in sorted(CREDITS)}
    return OffsetRule(
        ratio=ratio,
        basis=basis,
        credits=tuple(credit for credit, said in admitted.items() if said is not None and said.value == _YES),
    )


def _penalty(view: DeskView, scheme: Scheme, deadline: date, means: MeanPrices) -> PenaltyRule | None:
    """Give how a shortfall at a deadline is fined by the regime in force that day, None where none is known."""
    regime = _at(view, _PENALTY_REGIME, scheme, deadline)
    if regime is None:
        return None
    is_multiple = regime.value == MULTIPLE_OF_MEAN
    return PenaltyRule(
        regime=regime,
        low=_at(view, PENALTY_MULTIPLE, f"{scheme}.low", deadline) if is_multiple else None,
        high=_at(view, PENALTY_MULTIPLE, f"{scheme}.high", deadline) if is_multiple else None,
        mean=means.of(scheme) if is_multiple else None,
        next_year_cut=_at(view, _NEXT_YEAR_CUT, scheme, deadline),
    )


def _at(view: DeskView, key: str, scope: str, day: date) -> ParameterValue | None:
    """Give a parameter in force on a day ahead, as known now."""
    return view.book.find(key, valid_on=day, known_at=view.standing.known_at, scope=scope)


def positions_of(session: Session, actor: Actor, party_id: str, *, standing: Standing) -> tuple[SchemePosition, ...]:
    """Calculate an emitter's compliance position in each scheme; nothing is stored.

    Raises:
        NotFound: The bank has no such party.
        MissingData: A year has no surrender date, or a ratio of the bank is not set.
    """
    found, lacks = positions_and_lacks(session, actor, party_id, standing=standing)
    for error in lacks.values():
        raise error
    return found


def positions_and_lacks(
    session: Session, actor: Actor, party_id: str, *, standing: Standing
) -> tuple[tuple[SchemePosition, ...], Mapping[Scheme, MissingData]]:
    """Calculate an emitter's position in each scheme that lacks nothing, and name what the others lack.

    Raises:
        NotFound: The bank has no such party.
        MissingData: What every position hangs on, such as the exchange's calendar, is not there.
    """
    party = load_party(session, actor, party_id)
    view = desk_view(session, standing)
    found, lacks = inputs_and_lacks(session, actor, party, view, means=MeanPrices(session, actor, view))
    return tuple(SchemePosition(inputs=one, outcome=decide_compliance_position(one)) for one in found), lacks


def record_positions(session: Session, actor: Actor, party: Party, view: DeskView, means: MeanPrices) -> None:
    """Keep an emitter's positions of the business date as decisions; the same inputs again change nothing."""
    subject = f"party:{party.id}"
    inputs_of = position_inputs(session, actor, party, view, means=means)
    if not inputs_of:
        return
    kept = {
        record.inputs_digest
        for record in decisions_of(session, actor, subject=subject, kind=COMPLIANCE_POSITION.name)
        if record.valid_on == view.day
    }
    for inputs in inputs_of:
        if digest_of(inputs) not in kept:
            record_decision(
                session,
                actor,
                COMPLIANCE_POSITION,
                inputs,
                subject=subject,
                valid_on=view.day,
                known_at=view.standing.known_at,
            )


def obligations_of(session: Session, actor: Actor, party_id: str, *, standing: Standing) -> tuple[ObligationDraft, ...]:
    """Give what an emitter has still to surrender by scheme and year, arrears with the first year.

    Raises:
        NotFound: The bank has no such party.
        MissingData: A year has no surrender date.
    """
    return tuple(
        ObligationDraft(
            scheme=found.scheme,
            year=year.compliance_year,
            quantity_t=year.outstanding_t,
            surrender_date=year.surrender_date,
        )
        for found in positions_of(session, actor, party_id, standing=standing)
        for year in found.outcome.years
    )
