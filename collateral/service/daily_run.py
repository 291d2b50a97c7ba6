"""The day's valuations in bulk: one read of all pledges and what they rest on, one write of decisions and coverage."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Batch, Failure
from carbonfin.kernel.cryptography import sha256_hex
from carbonfin.kernel.errors import CarbonFinError, Conflict, MissingData
from carbonfin.kernel.units import Currency
from carbonfin.storage.decisions import WrittenDecision, record_written
from collateral.calc.agreed_terms import TermsRecord, unagreed_terms
from collateral.calc.agreements import UnitQuantity
from collateral.calc.coverage import Debt
from collateral.calc.daily_columns import strike_all
from collateral.calc.daily_margin import (
    AgreedMargin,
    DailyInputs,
    EndFacts,
    HeldLine,
    MarginHeld,
    PricedUnit,
    Struck,
    scheme_days,
    strike,
)
from collateral.calc.daily_texts import DayTexts, DayWriter
from collateral.calc.daily_traces import DAILY_MARGIN
from collateral.calc.pledge import IN_FORCE, nothing_pledged
from collateral.calc.policy_haircuts import PolicyHaircut
from collateral.service.day_facts import DayFacts, strike_day_facts, tried_day_facts
from collateral.service.pledge_haircuts import PledgeAsked, PolicyHaircuts
from collateral.service.unlisted import Uncounted
from collateral.service.view import DeskView, desk_view, standing_on
from collateral.store import daily, margin

_NOTHING_HELD = daily.MarginSums()


def revalue(session: Session, actor: Actor, business_date: date) -> Batch[str]:
    """Strike coverage and margin of every pledge in force for a business date; the same inputs again change nothing.

    Gives the codes valued. A pledge that cannot be valued is a failure of the batch and stops no other.
    """
    view = desk_view(session, standing_on(session, actor, business_date))
    running = daily.running_pledges(session, actor, IN_FORCE)
    if not running:
        return Batch(values=(), failures=())
    try:
        day = _Day.read(
            session,
            actor,
            view,
            running,
            facts_of=partial(strike_day_facts, session, actor, view),
            haircuts=PolicyHaircuts.read(session, actor, view, keeps=True),
        )
    except MissingData as error:  # the bank lacks what every valuation rests on
        return Batch(values=(), failures=tuple(Failure.of(pledge.code, error) for pledge in running))
    written, failures = day.written(running)
    _keep(session, actor, view, day, written)
    return Batch(values=tuple(pledge.code for pledge, _ in written), failures=failures)


def strike_one(session: Session, actor: Actor, view: DeskView, pledge_id: str) -> None:
    """Strike one pledge in force as the run of the view's date would.

    Raises:
        MissingData: The day's exposure is not posted, or a pledged unit cannot be valued.
        Conflict: The pledge is not in force.
    """
    running = daily.running_pledges(session, actor, IN_FORCE, only=pledge_id)
    if not running:
        raise Conflict("the pledge is not in force", zh="质押不在存续期，无需盯市", field="pledge_id")
    day = _Day.read(
        session, actor, view, running, facts_of=partial(strike_day_facts, session, actor, view),
        haircuts=PolicyHaircuts.read(session, actor, view, keeps=True),
    )  # fmt: skip
    inputs = day.inputs_of(running[0])
    _keep(session, actor, view, day, [(running[0], DayWriter().write(inputs, strike(inputs)))])


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedDay:
    """One pledge's day on the rules of a view, and what kept it from being struck."""

    pledge: daily.RunningPledge
    struck: Struck | CarbonFinError


def tried_days(session: Session, actor: Actor, view: DeskView) -> tuple[TriedDay, ...]:
    """Strike every pledge in force as the run of the view's date would, and keep nothing."""
    running = daily.running_pledges(session, actor, IN_FORCE)
    try:
        day = _Day.read(
            session,
            actor,
            view,
            running,
            facts_of=partial(tried_day_facts, view),
            haircuts=PolicyHaircuts.read(session, actor, view, keeps=False),
        )
    except CarbonFinError as error:  # lines that a draft brings out of order stop every valuation
        return tuple(TriedDay(pledge=pledge, struck=error) for pledge in running)
    return tuple(
        TriedDay(pledge=pledge, struck=struck) for pledge, (_, struck) in zip(running, day.struck(running), strict=True)
    )


def tried_inputs(
    session: Session, actor: Actor, view: DeskView
) -> tuple[tuple[daily.RunningPledge, DailyInputs | CarbonFinError], ...]:
    """Collect what the run of the view's date would strike every pledge in force from, and keep nothing.

    Raises:
        MissingData: The bank lacks what every valuation rests on.
    """
    running = daily.running_pledges(session, actor, IN_FORCE)
    haircuts = PolicyHaircuts.read(session, actor, view, keeps=False)
    day = _Day.read(session, actor, view, running, facts_of=partial(tried_day_facts, view), haircuts=haircuts)
    return tuple(zip(running, day.collected(running), strict=True))


def _keep(
    session: Session,
    actor: Actor,
    view: DeskView,
    day: "_Day",
    written: Iterable[tuple[daily.RunningPledge, DayTexts]],
) -> None:
    struck = daily.struck_on(session, actor, view.day)
    fresh = []
    for pledge, texts in written:
        digest = sha256_hex(texts.inputs_text.encode())
        earlier = struck.get(pledge.id, ())
        if not earlier or earlier[-1] != digest:
            fresh.append((pledge, texts, digest, earlier))
    decision_ids = record_written(
        session,
        actor,
        DAILY_MARGIN,
        [
            WrittenDecision(
                subject=f"pledge:{pledge.code}", inputs=texts.inputs_text, inputs_digest=digest,
                outputs=texts.outputs_text,
            )
            for pledge, texts, digest, _ in fresh
        ],
        valid_on=view.day,
        known_at=view.standing.known_at,
    )  # fmt: skip
    daily.add_coverages(
        session,
        actor,
        view.day,
        [
            daily.StruckDay(
                pledge=pledge, texts=texts, inputs_digest=digest, revision=len(earlier), stood_before=digest in earlier,
                terms_id=day.terms_id_of(pledge.code), decision_id=decision_id,
            )
            for (pledge, texts, digest, earlier), decision_id in zip(fresh, decision_ids, strict=True)
        ],
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Day:
    """Everything the run has read, and what agreements share once it is made."""

    view: DeskView
    facts: DayFacts
    haircuts: PolicyHaircuts
    owed: dict[str, daily.OwedOnDay]
    free: dict[str, list[tuple[str, int]]]
    sums: dict[str, daily.MarginSums]
    uncounted: Uncounted
    terms: dict[str, TermsRecord]
    units: dict[str, Unit]
    bank_lines: AgreedMargin
    shared_ends: dict[tuple[tuple[Unit, ...], int], EndFacts]
    shared_depths: dict[tuple[Unit, ...], EndFacts]
    shared_names: dict[tuple[Unit, ...], tuple[str, ...]]
    shared_margins: dict[tuple[int, int], AgreedMargin]
    shared_prices: dict[tuple[Unit, PolicyHaircut], PricedUnit]

    @classmethod
    def read(
        cls,
        session: Session,
        actor: Actor,
        view: DeskView,
        running: tuple[daily.RunningPledge, ...],
        *,
        facts_of: Callable[[Iterable[Unit]], DayFacts],
        haircuts: PolicyHaircuts,
    ) -> "_Day":
        """Read what all agreements rest on, each table once."""
        pledgors = {pledge.pledgor_id for pledge in running}
        free = {party: held for party, held in daily.free_units(session, actor).items() if party in pledgors}
        names = {name for pledge in running for name, _ in pledge.units}
        names.update(name for held in free.values() for name, _ in held)
        units = {name: Unit.parse(name) for name in names}
        facts = facts_of(units.values())
        return cls(
            view=view,
            facts=facts,
            haircuts=haircuts,
            owed=daily.owed_on(session, actor, view.day),
            free=free,
            sums=daily.margin_sums(session, actor, before=view.day),
            uncounted=Uncounted.read(session, actor, view, units.values()),
            terms=margin.shared_terms_in_force(session, actor, on=view.day),
            units=units,
            bank_lines=_bank_margin(view, facts),
            shared_ends={},
            shared_depths={},
            shared_names={},
            shared_margins={},
            shared_prices={},
        )

    def written(
        self, running: tuple[daily.RunningPledge, ...]
    ) -> tuple[list[tuple[daily.RunningPledge, DayTexts]], tuple[Failure, ...]]:
        """Strike and write every pledge's day; what cannot be valued is a failure, in the order of the pledges."""
        written, failures, writer = [], [], DayWriter()
        for pledge, (inputs, found) in zip(running, self.struck(running), strict=True):
            if isinstance(inputs, DailyInputs) and isinstance(found, Struck):
                written.append((pledge, writer.write(inputs, found)))
            else:
                assert isinstance(found, CarbonFinError)
                failures.append(Failure.of(pledge.code, found))
        return written, tuple(failures)

    def struck(
        self, running: tuple[daily.RunningPledge, ...]
    ) -> list[tuple[DailyInputs | CarbonFinError, Struck | CarbonFinError]]:
        """Strike every pledge's day, in the order of the pledges; the fault of one stands in its place."""
        collected = self.collected(running)
        found = iter(strike_all([one for one in collected if isinstance(one, DailyInputs)]))
        return [(one, next(found) if isinstance(one, DailyInputs) else one) for one in collected]

    def collected(self, running: tuple[daily.RunningPledge, ...]) -> list[DailyInputs | CarbonFinError]:
        """Collect every pledge's day, in the order of the pledges; the fault of one stands in its place."""
        found: list[DailyInputs | CarbonFinError] = []
        for pledge in running:
            try:
                found.append(self.inputs_of(pledge))
            except CarbonFinError as error:
                found.append(error)
        return found

    def terms_id_of(self, code: str) -> str | None:
        """Give the terms an agreement stands under; None for the bank's own lines."""
        found = self.terms.get(code)
        return None if found is None else found.id

    def inputs_of(self, pledge: daily.RunningPledge) -> DailyInputs:
        """Collect one pledge's day.

        Raises:
            MissingData: The day's exposure is not posted, or a pledged unit cannot be valued.
        """
        owed = self.owed.get(pledge.code)
        if owed is None:
            raise MissingData(
                f"pledge {pledge.code} has no exposure for {self.view.day}",
                zh=f"质押 {pledge.code} 没有 {self.view.day} 的风险敞口",
                field="exposure",
                remedy="Run the day's accrual first.",
                remedy_zh="请先运行当日计息。",
            )
        if not pledge.units:
            raise nothing_pledged()
        units = tuple([self.units[name] for name, _ in pledge.units])
        for unit in units:
            if unit in self.facts.refusals:
                raise self.facts.refusals[unit]
        lines = tuple([self._line(pledge, name, count) for name, count in pledge.units])
        held = self.sums.get(pledge.code, _NOTHING_HELD)
        return DailyInputs(
            agreement_code=pledge.code,
            valuation_date=self.view.day,
            facts_id=self.facts.decision_id,
            lines=lines,
            debt=Debt(
                principal_cny=owed.principal_cny, accrued_cny=owed.accrued_cny, costs_cny=owed.costs_cny,
                exposure_date=self.view.day, source=owed.source,
            ),
            agreed=self._agreed(pledge.code),
            margin=MarginHeld(
                held_cny=held.held, delivery_in_transit_cny=held.delivery_in_transit,
                return_in_transit_cny=held.return_in_transit,
            ),
            candidates=self._candidates(pledge, {one.priced.unit: one.priced for one in lines}),
            ends=self._ends(units, lines),
            unconfirmed=self._unconfirmed(units),
        )  # fmt: skip

    def _agreed(self, code: str) -> AgreedMargin:
        found = self.terms.get(code)
        if found is None:
            return self.bank_lines
        key = (found.revision, id(found.terms))
        agreed = self.shared_margins.get(key)
        if agreed is None:
            agreed = self.shared_margins[key] = _own_margin(found, self.bank_lines)
        return agreed

    def _priced(self, unit: Unit, quantity_t: int, pledge: daily.RunningPledge) -> PricedUnit:
        """Give a unit with the day's price and the haircut that counts for so many tonnes of this pledge."""
        shared = self.facts.priced[unit]
        policy = self.haircuts.of(
            UnitQuantity(unit=unit, quantity_t=quantity_t),
            PledgeAsked(pledgor_id=pledge.pledgor_id, end_date=pledge.end_date),
        )
        if policy is None:
            return shared
        found = self.shared_prices.get((unit, policy))
        if found is None:
            found = self.shared_prices[unit, policy] = shared.under(policy)
        return found

    def _line(self, pledge: daily.RunningPledge, name: str, quantity_t: int) -> HeldLine:
        unit = self.units[name]
        priced = self._priced(unit, quantity_t, pledge)
        return HeldLine(
            priced=priced, quantity_t=quantity_t, attached_t=self.uncounted.attached.get((pledge.id, name)),
            unlisted_t=self.uncounted.unlisted_t(pledge.id, unit, priced.haircut_ratio),
        )  # fmt: skip

    def _candidates(self, pledge: daily.RunningPledge, pledged: dict[Unit, PricedUnit]) -> tuple[HeldLine, ...]:
        """Give what the pledgor holds free and could add so that it counts; one that is pledged too has one haircut."""
        found = []
        for name, free_t in self.free.get(pledge.pledgor_id, ()):
            unit = self.units[name]
            if unit not in self.facts.priced:
                continue
            priced = pledged.get(unit) or self._priced(unit, free_t, pledge)
            if priced.haircut_ratio < 1 and self.uncounted.is_admitted(unit, priced.haircut_ratio):
                found.append(HeldLine(priced=priced, quantity_t=free_t))
        return tuple(found)

    def _ends(self, units: tuple[Unit, ...], lines: tuple[HeldLine, ...]) -> EndFacts:
        base = self.shared_depths.get(units)
        if base is None:
            base = self.shared_depths[units] = self.facts.ends_of(units, 0)
        longest = max(days for _, _, days in scheme_days(lines, base.depths))
        key = (units, base.cure_days + longest + base.unfreeze_days)
        found = self.shared_ends.get(key)
        if found is None:
            found = self.shared_ends[key] = self.facts.ends_of(*key)
        return found

    def _unconfirmed(self, units: tuple[Unit, ...]) -> tuple[str, ...]:
        found = self.shared_names.get(units)
        if found is None:
            found = self.shared_names[units] = self.facts.unconfirmed_of(units)
        return found


def _own_margin(found: TermsRecord, bank: AgreedMargin) -> AgreedMargin:
    terms = found.terms
    source = f"约定保证金条款第 {found.revision} 版"
    has_lines = terms.initial_ratio is not None
    return AgreedMargin(
        initial_ratio=terms.initial_ratio or bank.initial_ratio,
        warning_ratio=terms.warning_ratio or bank.warning_ratio,
        disposal_ratio=terms.disposal_ratio or bank.disposal_ratio,
        lines_source=source if has_lines else bank.lines_source,
        margin=terms.margin_terms,
        independent_cny=terms.independent,
        terms_source=source,
    )


def _bank_margin(view: DeskView, facts: DayFacts) -> AgreedMargin:
    lines = facts.inputs.thresholds
    unagreed = unagreed_terms(
        "pledge", "-", currency=Currency.CNY, minimum_transfer=Decimal("0.00"),
        cure_days=facts.inputs.cure_days.integer, valid_from=view.day,
    )  # fmt: skip
    return AgreedMargin(
        initial_ratio=lines.initial.decimal,
        warning_ratio=lines.warning.decimal,
        disposal_ratio=lines.disposal.decimal,
        lines_source="本行参数（当日口径）",
        margin=unagreed.margin_terms,
        independent_cny=unagreed.independent,
        terms_source="未另行约定",
    )
