"""Stress of the collateral book: gathered from the day's book, kept as a decision, read again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import CarbonFinError, Conflict, InvalidInput, NotFound
from carbonfin.kernel.parties import Party
from carbonfin.kernel.units import cny
from carbonfin.rules.parameters import ParameterValue
from carbonfin.storage.decisions import (
    DecisionHead,
    DecisionRecord,
    MadeDecision,
    Recorded,
    decision_heads,
    keep_decision,
    load_decision,
    load_inputs,
    load_outcome,
    make_decision,
)
from carbonfin.storage.keyset import Place, Slice
from carbonfin.storage.parties import Standing, load_organization, parties_of
from collateral.calc.book_stress.decision import BOOK_STRESS, StressOutcome
from collateral.calc.book_stress.terms import (
    SCENARIO_NAMES,
    StressAgreement,
    StressInputs,
    StressLine,
    StressMarket,
    StressPledgor,
    StressScenario,
    StressUnit,
)
from collateral.calc.daily_margin import DailyInputs, HeldLine
from collateral.calc.haircut_models.components import selling_ratio
from collateral.calc.haircut_policies import PolicyRecord
from collateral.calc.repo_exposure import decide_repo_exposure
from collateral.service.daily_run import tried_inputs
from collateral.service.default_simulations import slowest_policy
from collateral.service.haircut_facts import days_to_last_use, market_facts, seasonal_depth
from collateral.service.pledge_haircuts import PolicyHaircuts
from collateral.service.repo_run import VALUED
from collateral.service.repos import RepoFacts
from collateral.service.view import CURE_DAYS, DeskView, desk_view, price_used
from collateral.store import repos as repo_store
from collateral.store.haircut_policies import policies_in_force
from collateral.workbooks import ReportFacts, book_stress_pdf

PLEDGOR_CASH = "collateral.pledgor_cash_cny"
_SUBJECT = "book_stress"
_KEY = "collateral.stress_"


@dataclass(frozen=True, slots=True, kw_only=True)
class StressAsked:
    """What a stress is asked for: the asker's own scenarios beside the bank's dated ones, paths and seed."""

    own: tuple[StressScenario, ...]
    path_count: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BookStress:
    """A stress as it was kept."""

    record: DecisionRecord
    inputs: StressInputs
    outcome: StressOutcome


def make_book_stress(inputs: StressInputs, *, standing: Standing) -> MadeDecision[StressOutcome]:
    """Put a book under its stresses; it takes seconds, so that no transaction is open, and nothing is kept yet."""
    return make_decision(
        BOOK_STRESS, inputs, subject=_SUBJECT, valid_on=standing.business_date, known_at=standing.known_at
    )


def keep_book_stress(
    session: Session, actor: Actor, made: MadeDecision[StressOutcome], *, standing: Standing
) -> Recorded[StressOutcome]:
    """Keep a stress that was made, on the day it was made for.

    Raises:
        Conflict: The business date has moved on meanwhile.
    """
    if made.valid_on != standing.business_date:
        raise Conflict(
            f"the stress is of {made.valid_on}, the business date is {standing.business_date} by now",
            zh=f"测试期间业务日期已由 {made.valid_on} 变为 {standing.business_date}，未留存", field="business_date",
            remedy="Make it again.", remedy_zh="请重新生成。",
        )  # fmt: skip
    return keep_decision(session, actor, made)


def book_stresses(session: Session, actor: Actor, place: Place) -> Slice[DecisionHead]:
    """Give a page of the stresses kept, the newest first."""
    return decision_heads(session, actor, place, subject=_SUBJECT, kind=BOOK_STRESS.name)


def load_book_stress(session: Session, actor: Actor, decision_id: str) -> BookStress:
    """Give a stress as it was kept.

    Raises:
        NotFound: There is none, or it is another bank's.
    """
    record = load_decision(session, actor, decision_id)
    if record.kind != BOOK_STRESS.name:
        raise NotFound(f"there is no stress {decision_id}", zh="没有这次压力测试", field="decision_id")
    return BookStress(
        record=record, inputs=load_inputs(session, actor, BOOK_STRESS, decision_id),
        outcome=load_outcome(session, actor, BOOK_STRESS, decision_id),
    )  # fmt: skip


def book_stress_document(session: Session, actor: Actor, kept: BookStress, *, address: str) -> bytes:
    """Set a kept stress as PDF; the same stress gives the same bytes."""
    bank = load_organization(session, actor.organization_id)
    facts = ReportFacts(
        bank=bank.name, decision_id=kept.record.id, address=address, is_sample=bank.is_sample,
        created_at=kept.record.known_at,
    )  # fmt: skip
    return book_stress_pdf(kept.inputs, kept.outcome, facts)


def stress_inputs(session: Session, actor: Actor, asked: StressAsked, *, standing: Standing) -> StressInputs:
    """Collect the book of the business date, its pledgors, the market of its units, dated stresses and the asker's own.

    Raises:
        MissingData: The bank lacks what every valuation rests on.
        InvalidInput: There is nothing to stress, or a part is out of range.
    """
    view = desk_view(session, standing)
    taken = [one.code for one in asked.own if one.code in SCENARIO_NAMES]
    if taken:
        raise InvalidInput(
            f"{', '.join(taken)} is one of the bank's dated stresses", zh=f"情景编号 {'、'.join(taken)} 已被使用",
            field="scenarios", remedy="Choose a code of its own.", remedy_zh="请另取编号。",
        )  # fmt: skip
    book = _Book(view, {one.id: one for one in parties_of(session, actor)})
    for pledge, found in tried_inputs(session, actor, view):
        if isinstance(found, CarbonFinError):
            book.left_out.append((pledge.code, found.zh, found.detail))
        else:
            book.add_pledge(pledge.pledgor_id, found)
    _add_repos(session, actor, book)
    dated = _Dated(view)
    policies = tuple(policies_in_force(session, actor, valid_on=view.day, known_at=view.standing.known_at).values())
    volatile = dated.value("stress_volatility")
    units = tuple(
        _unit(session, actor, view, unit, policies=policies, volatile=volatile) for unit in sorted(book.units)
    )
    seasons = (one.season.parameter for one in units if one.season is not None and one.season.parameter is not None)
    return StressInputs(
        business_date=view.day,
        agreements=tuple(book.agreements),
        pledgors=tuple(book.pledgors()),
        units=units,
        scenarios=(*dated.scenarios(), *asked.own),
        market=StressMarket(
            days=dated.value("stress_days").integer, tail_ratio=dated.value("stress_tail_ratio").decimal,
            correlation=dated.value("stress_correlation").decimal,
            jumps_per_year=dated.value("stress_jumps_per_year").decimal,
            jump_mean=dated.value("stress_jump_mean").decimal,
        ),
        path_count=asked.path_count,
        seed=asked.seed,
        left_out=tuple(book.left_out),
        parameters=(*dated.used, *book.cash, *dict.fromkeys(seasons)),
    )  # fmt: skip


class _Book:
    """The agreements as they are gathered."""

    def __init__(self, view: DeskView, parties: dict[str, Party]) -> None:
        self.view, self.parties = view, parties
        self.agreements: list[StressAgreement] = []
        self.free: dict[str, tuple[StressLine, ...]] = {}
        self.units: set[Unit] = set()
        self.left_out: list[tuple[str, str, str]] = []
        self.cash: list[ParameterValue] = []

    def add_pledge(self, pledgor_id: str, found: DailyInputs) -> None:
        """Add a pledge with what its pledgor could add."""
        agreed, debt = found.agreed, found.debt
        owed = debt.principal_cny + debt.accrued_cny + debt.costs_cny
        self.agreements.append(
            StressAgreement(
                code=found.agreement_code, kind="pledge", pledgor=self.parties[pledgor_id].name,
                debt_cny=max(Decimal("0.00"), owed - found.margin.held_cny), lines=self._lines(found.lines),
                initial_ratio=agreed.initial_ratio, warning_ratio=agreed.warning_ratio,
                minimum_cny=agreed.margin.minimum_transfer.amount, cure_days=found.ends.cure_days,
                pledgor_id=pledgor_id,
            )
        )  # fmt: skip
        self.free[pledgor_id] = self._lines(found.candidates)

    def add_repo(self, seller_id: str, agreement: StressAgreement, unit: Unit) -> None:
        """Add a repo; its seller's free units are those that a pledge of its brought, or none."""
        self.agreements.append(agreement)
        self.units.add(unit)
        self.free.setdefault(seller_id, ())

    def _lines(self, held: Iterable[HeldLine]) -> tuple[StressLine, ...]:
        found = []
        for one in held:
            left_t = one.quantity_t - min(one.uncounted_t, one.quantity_t)
            if left_t:
                self.units.add(one.priced.unit)
                found.append(
                    StressLine(unit=str(one.priced.unit), quantity_t=left_t, haircut_ratio=one.priced.haircut_ratio)
                )
        return tuple(found)

    def pledgors(self) -> Iterator[StressPledgor]:
        """Give who answers calls, each with the cash that the bank's dated values state."""
        for party_id, free in self.free.items():
            party = self.parties[party_id]
            stated = next((one for code in _codes(party) if (one := self.view.find(PLEDGOR_CASH, code))), None)
            if stated is not None:
                self.cash.append(stated)
            yield StressPledgor(
                name=party.name, free=free, cash_cny=None if stated is None else cny(stated.decimal),
                cash_source="未载明" if stated is None else stated.document, party_id=party_id,
            )  # fmt: skip


def _codes(party: Party) -> list[str]:
    return [code.text for code in (party.usci, party.lei) if code is not None]


def _add_repos(session: Session, actor: Actor, book: _Book) -> None:
    """Add the repos in which the bank deals for itself; in others the loss is not its own."""
    facts = RepoFacts(session=session, haircuts=PolicyHaircuts.read(session, actor, book.view, keeps=False))
    for repo in repo_store.repos_of(session, actor, states=VALUED):
        terms = repo.terms
        if not repo.is_own:
            zh = f"本行为{repo.bank_role}，不承担信用风险"
            book.left_out.append((terms.code, zh, "the bank does not deal for itself"))
            continue
        try:
            inputs = facts.inputs_of(repo)
            found = decide_repo_exposure(inputs)
            cure = book.view.on(CURE_DAYS).integer
        except CarbonFinError as error:
            book.left_out.append((terms.code, error.zh, error.detail))
            continue
        line = StressLine(
            unit=str(terms.unit), quantity_t=terms.quantity_t + repo.margin_units_t, haircut_ratio=found.haircut_ratio
        )
        one = StressAgreement(
            code=terms.code, kind="repo", pledgor=book.parties[repo.seller_id].name,
            debt_cny=max(Decimal("0.00"), found.accrued_value_cny), lines=(line,), initial_ratio=Decimal(1),
            warning_ratio=Decimal(1), minimum_cny=cny(terms.minimum_transfer_amount * inputs.fx.cny_per_unit),
            cure_days=cure, pledgor_id=repo.seller_id,
        )  # fmt: skip
        book.add_repo(repo.seller_id, one, terms.unit)


class _Dated:
    """The bank's dated stresses, with every value that was read."""

    def __init__(self, view: DeskView) -> None:
        self._view = view
        self.used: list[ParameterValue] = []

    def value(self, name: str) -> ParameterValue:
        """Give a value of the market.

        Raises:
            MissingData: There is none on the day.
        """
        found = self._view.on(f"collateral.{name}")
        self.used.append(found)
        return found

    def scenarios(self) -> Iterator[StressScenario]:
        """Give each stress by its values; what it has no value of stays calm, and cash that nobody states is none."""
        for code, (zh, en) in SCENARIO_NAMES.items():
            cliff = self._find("cliff_day", code)
            years, cash = self._find("cliff_years", code), self._find("cash_ratio", code)
            price, days, outage = (self._find(name, code) for name in ("price_ratio", "price_days", "outage_days"))
            yield StressScenario(
                code=code, name_zh=zh, name_en=en, is_simulated=code == "simulated",
                price_ratio=Decimal(0) if price is None else price.decimal,
                price_days=1 if days is None else days.integer,
                cliff_day=None if cliff is None else cliff.integer, cliff_years=0 if years is None else years.integer,
                outage_days=0 if outage is None else outage.integer,
                cash_ratio=Decimal(0) if cash is None else cash.decimal,
            )  # fmt: skip

    def _find(self, name: str, code: str) -> ParameterValue | None:
        found = self._view.find(_KEY + name, code)
        if found is not None:
            self.used.append(found)
        return found


def _unit(
    session: Session, actor: Actor, view: DeskView, unit: Unit, *, policies: tuple[PolicyRecord, ...],
    volatile: ParameterValue,
) -> StressUnit:  # fmt: skip
    """Give a unit's market and terms of sale; what is not known is taken against the bank, and said."""
    notes: list[tuple[str, str]] = []
    record = slowest_policy(unit, policies)
    method = None if record is None else record.policy.method
    market = market_facts(session, actor, view, unit, limit_ratio=None if method is None else method.daily_limit_ratio)
    days, has_last_use = days_to_last_use(view, unit, ends_on=view.day)
    depth = seasonal_depth(view, unit, ends_on=view.day, market=market)
    selling = selling_ratio(market.trade_day_ratio, market.limit_day_ratio)
    if market.volatility is None:
        notes.append(
            (f"波动率未知，取压力值 {volatile.value}", f"its volatility is not known: {volatile.value} is taken")
        )
    if not market.daily_volume_t or not selling:
        notes.append(("成交量或成交日未知或为零，按无法变现计",
                      "volume or selling days not known or nought: it counts as unsaleable"))  # fmt: skip
    if has_last_use is None:
        notes.append(
            ("最后可用日未知，随旧年度配额一同失效", "its last usable date is not known: it falls with old ones")
        )
    if method is None:
        notes.append(
            ("无生效的折扣系数政策，处置条件未知，按无法变现计",
             "no haircut policy covers it: how it would be sold is not known, and it counts as unsaleable")
        )  # fmt: skip
    return StressUnit(
        unit=str(unit), scheme=unit.scheme.value, vintage=unit.vintage,
        price_cny_per_t=price_used(view, unit).price_cny_per_t,
        volatility=volatile.decimal if market.volatility is None else market.volatility,
        daily_volume_t=market.daily_volume_t, selling_ratio=None if method is None else selling,
        wait_days=0 if method is None else method.notice_days,
        participation_ratio=Decimal(0) if method is None else method.participation_ratio,
        daily_limit_ratio=None if method is None else method.daily_limit_ratio,
        bid_ask_ratio=Decimal(0) if method is None else method.bid_ask_ratio,
        impact=Decimal(0) if method is None else method.impact, days_to_last_use=days,
        has_known_end=has_last_use is not None, policy="" if record is None else record.name,
        source=f"{market.source}{depth.source}", notes=tuple(notes), depth_ratios=depth.ratios, season=depth.season,
    )  # fmt: skip
