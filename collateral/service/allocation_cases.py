"""Reading what a client's allocation is weighed on: needs, lots, headroom, and the book's limits."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import CarbonFinError, InvalidInput, MissingData, NotApplicable
from carbonfin.kernel.parties import Party
from carbonfin.kernel.units import cny
from collateral.calc.agreements import Pledge, UnitQuantity
from collateral.calc.allocation.asked import AllocationAsked
from collateral.calc.allocation.needs import Lot, Need, OwedNeed
from collateral.calc.book_limits import BookLimits
from collateral.calc.figures import FigureList
from collateral.calc.headroom import decide_headroom
from collateral.calc.surrender import SafeDate, SafeDateKind, safety_of
from collateral.service.book_limits import BookAsked, book_limits
from collateral.service.eligibility_schedules import not_eligible, verdicts_on
from collateral.service.headroom import headroom_inputs, schemes_without_position
from collateral.service.pledge_haircuts import PledgeAsked, PolicyHaircuts, pledged_lines
from collateral.service.valuations import debt_of, required_exposure
from collateral.service.view import DeskView, coverage_lines, price_used, safety_terms
from collateral.store import ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationCase:
    """One client's weighing: what is asked, and what it is read with."""

    session: Session
    actor: Actor
    view: DeskView
    party: Party
    running: tuple[Pledge, ...]
    asked: AllocationAsked
    attached: dict[tuple[str, str], int]
    haircuts: PolicyHaircuts

    def needs(self) -> tuple[Need, ...]:
        """Give what each pledge that stays asks, then what is added."""
        codes = {one.code for one in self.running}
        unknown = [code for code in self.asked.released if code not in codes]
        if unknown:
            raise InvalidInput(
                f"{', '.join(unknown)} is no pledge in force of the client",
                zh=f"{'、'.join(unknown)} 不是该客户存续的质押", field="released",
            )  # fmt: skip
        initial = coverage_lines(self.view).initial
        found = []
        for pledge in self.running:
            if pledge.code in self.asked.released:
                continue
            owed = debt_of(required_exposure(self.session, self.actor, pledge, self.view.day))
            if owed.total_cny:
                held = {one.unit: self._unfrozen_t(pledge, one) for one in pledge.units}
                found.append(
                    Need(
                        name=pledge.code, required_cny=cny(owed.total_cny * initial.decimal), end_date=pledge.end_date,
                        held=held, owed=OwedNeed(debt=owed, initial=initial),
                    )
                )  # fmt: skip
        return (
            *found,
            *(
                Need(name=one.name, required_cny=one.required_cny, end_date=one.end_date, held={}, owed=None)
                for one in self.asked.added
            ),
        )

    def lots(self, needs: tuple[Need, ...]) -> tuple[tuple[Lot, ...], tuple[tuple[str, str, str], ...]]:
        """Give the client's units, free or pledged here, and those that serve no need with the reason."""
        quantities: dict[Unit, int] = {}
        for position in ledger.positions_of(self.session, self.actor, party_id=self.party.id):
            quantities[position.unit] = quantities.get(position.unit, 0) + position.free_t
        for pledge in self.running:
            for one in pledge.units:
                quantities[one.unit] = quantities.get(one.unit, 0) + self._unfrozen_t(pledge, one)
        years = headroom_inputs(self.session, self.actor, self.party, self.view)
        schemes = tuple(dict.fromkeys(unit.scheme for unit in quantities))
        barred = set(schemes_without_position(self.party, schemes, years))
        lots, left_out = [], []
        for unit, quantity_t in sorted(quantities.items(), key=lambda pair: str(pair[0])):
            if quantity_t <= 0:
                continue
            try:
                if unit.scheme in barred:
                    raise _without_position(unit.scheme)
                lots.append(self._lot(UnitQuantity(unit=unit, quantity_t=quantity_t), needs))
            except CarbonFinError as error:
                left_out.append((str(unit), error.zh, error.detail))
        return tuple(lots), tuple(left_out)

    def _unfrozen_t(self, pledge: Pledge, one: UnitQuantity) -> int:
        """Give what of a pledged unit no authority has frozen: what is frozen covers nothing."""
        return max(0, one.quantity_t - self.attached.get((pledge.id, str(one.unit)), 0))

    def _lot(self, one: UnitQuantity, needs: tuple[Need, ...]) -> Lot:
        if one.unit in self.asked.without:
            raise NotApplicable("left out as asked", zh="按要求不使用", field="without")
        verdicts = verdicts_on(self.view, (one.unit,))
        vetoed = [each for each in verdicts if not each.is_eligible]
        if vetoed:
            raise not_eligible(vetoed)
        terms = safety_terms(self.view, (one.unit,))
        safe = safety_of(((one.unit, one.quantity_t),), terms, FigureList()).safe_date
        lines = tuple(
            pledged_lines(self.haircuts, (one,), PledgeAsked(pledgor_id=self.party.id, end_date=need.end_date))[0]
            for need in needs
        )
        least = max((each.haircut_ratio or Decimal(0) for each in verdicts), default=Decimal(0))
        ratios = tuple(max(least, line.haircut.ratio) for line in lines)
        is_eligible = tuple(
            ratio < 1 and _is_safe(safe, need.end_date) for ratio, need in zip(ratios, needs, strict=True)
        )
        if not any(is_eligible):
            raise NotApplicable(
                "its last safe date lies before every end, or its haircut is the whole",
                zh="最后安全日早于各需求的到期日，或折扣系数为 100%", field="unit",
            )  # fmt: skip
        return Lot(
            unit=one.unit, quantity_t=one.quantity_t, lines=lines, schedule_ratio=least, haircuts=ratios,
            is_eligible=is_eligible,
        )  # fmt: skip

    def limits(self, lots: tuple[Lot, ...]) -> BookLimits | None:
        """Give the limits of concentration that the lots count towards; None where nothing limits them.

        The client's pledges are none of the other collateral, but for what an authority has frozen: that stays.
        """
        frozen = tuple(
            (one.unit, one.quantity_t - self._unfrozen_t(pledge, one))
            for pledge in self.running
            for one in pledge.units
        )
        added = tuple(lot.unit for lot in lots)
        units = (*added, *(one.unit for pledge in self.running for one in pledge.units))
        asked = BookAsked(
            pledgor_id=self.party.id, units=units, added=added, without=tuple(one.code for one in self.running),
            staying=tuple(pair for pair in frozen if pair[1]),
        )  # fmt: skip
        return book_limits(self.session, self.actor, self.haircuts, asked)

    def standing_cny(self) -> dict[Unit, Decimal]:
        """Give the market value of what stands behind the client's pledges now, but for what is frozen or unpriced."""
        found: dict[Unit, Decimal] = {}
        for pledge in self.running:
            for one in pledge.units:
                with suppress(MissingData):
                    price = price_used(self.view, one.unit).price_cny_per_t
                    found[one.unit] = found.get(one.unit, Decimal(0)) + cny(self._unfrozen_t(pledge, one) * price)
        return found

    def pools(self, lots: tuple[Lot, ...]) -> dict[Scheme, int]:
        """Give the tonnes that pledges may bind of a scheme: the least headroom of its open years without these."""
        codes = {one.code for one in self.running}
        schemes = {lot.unit.scheme for lot in lots}
        found: dict[Scheme, int] = {}
        for inputs in headroom_inputs(self.session, self.actor, self.party, self.view):
            if inputs.scheme in schemes:
                others = tuple(lock for lock in inputs.locks if lock.agreement_code not in codes)
                free_t = max(0, decide_headroom(replace(inputs, locks=others)).headroom_t)
                found[inputs.scheme] = min(found.get(inputs.scheme, free_t), free_t)
        return found


def _without_position(scheme: Scheme) -> MissingData:
    return MissingData(
        f"no compliance position of {scheme} is recorded", zh=f"{scheme} 履约情况未录入，无法计算履约余量",
        field="headroom",
    )  # fmt: skip


def _is_safe(safe: SafeDate, end: date) -> bool:
    if safe.kind in {SafeDateKind.UNKNOWN, SafeDateKind.PASSED}:
        return False
    return safe.day is None or end <= safe.day
