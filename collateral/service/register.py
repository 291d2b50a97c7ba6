"""The collateral register (押品台账) put together from what was decided, signed and written down."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import MissingData
from carbonfin.kernel.parties import Party
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.trace import Figure
from carbonfin.storage.decisions import DecisionRecord, load_decisions
from carbonfin.storage.parties import Standing, parties_of
from collateral.calc.agreements import CoverageRecord, Pledge, UnitQuantity
from collateral.calc.coverage import ValuedLine
from collateral.calc.haircuts import HAIRCUT_KEY, HaircutFacts, HaircutUse, haircut_for
from collateral.calc.holding_rights import HOLDER_NAMES_ZH, HolderKind, HoldingRight, right_scope
from collateral.calc.pledge import EVENT_NAMES_ZH, IN_FORCE
from collateral.calc.register import (
    AcceptedClass,
    ConcentrationBase,
    LetGo,
    Register,
    RegisterLine,
    RegisterPledge,
    ScheduleLine,
    concentrations_of,
)
from collateral.service.holding import HOLDING_RIGHT
from collateral.service.numbers import all_locked_serials
from collateral.service.repo_holdings import repo_holdings
from collateral.service.schedule_standings import ScheduleStandings, schedule_standings
from collateral.service.view import CONCENTRATION_LIMIT, COVERAGE_LINE, PRICE_POLICY, DeskView, desk_view
from collateral.store import pledge_changes, pledges, register, valuations
from collateral.store import repos as repo_store
from pricing.calc.liquidity import POLICY_LABELS, PricePolicy

_HOLDS_NOTHING = frozenset({"REJECTED", "CANCELLED", "RELEASED"})
_PLEDGORS = (HolderKind.KEY_EMITTER, HolderKind.ENTERPRISE)
_CHANGE_NAMES = {"top_up": "追加押品", "substitution": "置换押品", "part_release": "部分解押", "conversion": "年度转换"}
_STEP_NAMES = {"declared": "宣布违约", "sale_failed": "处置流拍", "sold": "处置成交", "distributed": "价款分配"}


def collateral_register(session: Session, actor: Actor, *, standing: Standing) -> Register:
    """Give the register: classes accepted, pledges as last valued, shares against limits, and what was let go."""
    view = desk_view(session, standing)
    named = {one.id: one for one in parties_of(session, actor)}
    every = pledges.pledges_of(session, actor)
    held = tuple(one for one in every if one.state not in _HOLDS_NOTHING)
    coverages = valuations.latest_coverages(session, actor, on=standing.business_date)
    records = load_decisions(session, actor, {coverages[one.id].decision_id for one in held if one.id in coverages})
    locked = all_locked_serials(session, actor)
    receipts = register.freeze_receipts(session, actor)
    titles = {one.key: one.title_zh for one in view.book.values() if one.title_zh}
    lines = tuple(
        RegisterPledge(
            pledge=one,
            pledgor_name=named[one.pledgor_id].name,
            pledgor_code=named[one.pledgor_id].code,
            freeze_reference=receipts.get(one.code, ""),
            lines=tuple(
                replace(_line(unit, coverages.get(one.id), records), serials=locked.get((one.id, unit.unit), ()))
                for unit in one.units
            ),
            coverage=coverages.get(one.id),
            unconfirmed=_unconfirmed(coverages.get(one.id), titles),
        )
        for one in held
    )
    classes = _classes(view)
    stands = schedule_standings(session, actor, view)
    limits = {base: view.find(CONCENTRATION_LIMIT, base) for base in ConcentrationBase}
    return Register(
        business_date=standing.business_date,
        bank=standing.name,
        is_sample=standing.is_sample,
        classes=classes,
        pledges=lines,
        concentrations=concentrations_of(
            (
                *(
                    (one.pledgor_name, line.valued.unit, line.valued.market_value_cny)
                    for one in lines
                    if one.pledge.state in IN_FORCE
                    for line in one.lines
                    if line.valued is not None
                ),
                *_bought(session, actor, named, standing),
            ),
            limits,
        ),
        schedule_shares=_schedule_lines(stands),
        schedule_notes=stands.notes,
        let_go=_let_go(session, actor, every, {one.id: one.name for one in named.values()}),
        parameters=_used(view, classes, limits.values()),
    )


def _schedule_lines(stands: ScheduleStandings) -> tuple[ScheduleLine, ...]:
    """Give the shares against schedules' limits with what each is struck from."""
    held = {one.name: one.value for one in stands.trace}
    return tuple(
        ScheduleLine(schedule=name, share=one, held_cny=Decimal(held[f"book_others_{one.name}"]))
        for name, one in stands.named_shares
    )


def _bought(
    session: Session, actor: Actor, named: dict[str, Party], standing: Standing
) -> Iterator[tuple[str, Unit, Decimal]]:
    """Give seller, unit and market value of what the bank holds under its own repos, by each one's last exposure."""
    for one in repo_holdings(session, actor):
        struck = repo_store.latest_repo_exposure(session, actor, repo_id=one.repo_id, on=standing.business_date)
        if struck is not None:
            yield named[one.seller_id].name, one.unit, struck.market_value_cny


def _unconfirmed(coverage: CoverageRecord | None, titles: dict[str, str]) -> tuple[str, ...]:
    """Give what is not confirmed in words: the title of the parameter with its scope, or the key where it has none."""
    names = () if coverage is None else coverage.unconfirmed
    parted = (name.rstrip("]").partition("[") for name in names)
    return tuple(f"{titles.get(key, key)}{f'（{scope}）' if scope else ''}" for key, _, scope in parted)


def _line(unit: UnitQuantity, coverage: CoverageRecord | None, records: dict[str, DecisionRecord]) -> RegisterLine:
    """Give a pledged unit as the decision behind its coverage valued it."""
    record = None if coverage is None else records.get(coverage.decision_id)
    figures = {} if record is None else {one.name: one for one in record.trace}
    name = str(unit.unit)
    price, quantity = figures.get(f"price_{name}"), figures.get(f"quantity_{name}")
    if record is None or price is None or quantity is None:
        return RegisterLine(unit=name, quantity_t=unit.quantity_t, valued=None, price_source="", valuer="")
    market = Decimal(figures[f"market_value_{name}"].value)
    return RegisterLine(
        unit=name,
        quantity_t=unit.quantity_t,
        valued=ValuedLine(
            unit=unit.unit,
            quantity_t=int(quantity.value),
            price_cny_per_t=Decimal(price.value),
            haircut_ratio=_haircut_of(figures, unit.unit),
            market_value_cny=market,
            collateral_value_cny=Decimal(figures[f"collateral_value_{name}"].value),
        ),
        price_source=price.source or price.formula,
        valuer=record.actor_name,
    )


def _haircut_of(figures: dict[str, Figure], unit: Unit) -> Decimal:
    """Give the haircut of a unit; decisions made before there was a table have its one part alone."""
    whole = figures.get(f"haircut_ratio_{unit}")
    return Decimal((whole or figures[f"haircut_{unit.scheme}"]).value)


def _classes(view: DeskView) -> tuple[AcceptedClass, ...]:
    """Give the schemes for which the bank set both a haircut and a price policy: no other is accepted."""
    found = []
    for scheme in Scheme:
        price_part, policy = view.find(HAIRCUT_KEY, scheme), view.find(PRICE_POLICY, scheme)
        if price_part is None or policy is None:
            continue
        found.append(
            AcceptedClass(
                scheme=scheme,
                haircut_ratio=_class_haircut(view, scheme),
                price_part=price_part,
                policy=policy,
                policy_label=POLICY_LABELS[PricePolicy(policy.value)][0],
                initial=view.on(COVERAGE_LINE, "initial"),
                pledge_rights=tuple(
                    (HOLDER_NAMES_ZH[kind], view.find(HOLDING_RIGHT, right_scope(scheme, kind, HoldingRight.PLEDGE)))
                    for kind in _PLEDGORS
                ),
            )
        )
    return tuple(found)


def _class_haircut(view: DeskView, scheme: Scheme) -> Decimal | None:
    """Give the haircut of a whole scheme; None where the table asks for the vintage or does not decide."""
    facts = HaircutFacts(use=HaircutUse.PLEDGE, scheme=scheme, vintage=None, cross_currency=False)
    try:
        return haircut_for(
            view.book, facts, table=view.haircut_table, valid_on=view.day, known_at=view.standing.known_at
        ).ratio
    except MissingData:
        return None


def _let_go(session: Session, actor: Actor, every: tuple[Pledge, ...], names: dict[str, str]) -> tuple[LetGo, ...]:
    """Give releases, changes done and enforcement steps, the newest first."""
    by_id = {one.id: one for one in every}
    found = []
    for step in register.released_pledges(session, actor):
        pledge = by_id[step.subject_id]
        found.append(
            LetGo(
                code=pledge.code, pledgor_name=names[pledge.pledgor_id], kind=f"解押（{EVENT_NAMES_ZH[step.kind]}）",
                day=step.day, units=_words(pledge.units), amount_cny=None, words=step.cause,
                actor_name=step.actor_name, evidence="",
            )
        )  # fmt: skip
    done = register.done_changes(session, actor)
    for change in pledge_changes.changes_of(session, actor, states=frozenset({"DONE"})):
        pledge, step = by_id[change.pledge_id], done[change.id]
        sides = [("入", change.added), ("出", change.freed)]
        found.append(
            LetGo(
                code=pledge.code, pledgor_name=names[pledge.pledgor_id], kind=_CHANGE_NAMES[change.kind],
                day=step.day, units="；".join(f"{side} {_words(units)}" for side, units in sides if units),
                amount_cny=change.repayment_cny or None, words=change.reason, actor_name=step.actor_name,
                evidence=change.decision_id,
            )
        )  # fmt: skip
    for step in register.enforcement_steps(session, actor):
        pledge, details = by_id[step.subject_id], step.details or {}
        proceeds = details.get("proceeds_cny")
        found.append(
            LetGo(
                code=pledge.code, pledgor_name=names[pledge.pledgor_id], kind=_STEP_NAMES.get(step.kind, step.kind),
                day=step.day, units=_lots(details.get("lots", ())),
                amount_cny=None if proceeds is None else Decimal(proceeds), words=step.cause,
                actor_name=step.actor_name, evidence=step.evidence,
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda one: (one.day, one.code), reverse=True))


def _lots(lots: Iterable[tuple[str, int, str]]) -> str:
    return "、".join(f"{unit} {quantity_t:,} 吨" for unit, quantity_t, _ in lots)


def _words(units: tuple[UnitQuantity, ...]) -> str:
    return "、".join(f"{one.unit} {one.quantity_t:,} 吨" for one in units)


def _used(
    view: DeskView, classes: tuple[AcceptedClass, ...], limits: Iterable[ParameterValue | None]
) -> tuple[ParameterValue, ...]:
    """Give each dated value the register rests on, once."""
    lines = (view.on(COVERAGE_LINE, name) for name in ("initial", "warning", "disposal"))
    rights = (right for one in classes for _, right in one.pledge_rights)
    parts = (value for one in classes for value in (one.price_part, one.policy))
    found = [*parts, *lines, *rights, *limits]
    return tuple({one.digest: one for one in found if one is not None}.values())
