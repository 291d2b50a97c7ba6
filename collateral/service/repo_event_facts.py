"""What an event of a repo hangs on: market, calendar, free units, and what was recorded before."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import MissingData, NotApplicable
from carbonfin.storage.calendars import calendar_on
from collateral.calc.agreements import Repo
from collateral.calc.close_out import RepoSide, default_valuation_day
from collateral.calc.coverage import PriceUsed
from collateral.calc.haircuts import Haircut
from collateral.calc.repo import RepoTerms
from collateral.calc.repo_event_life import units_needed_t
from collateral.calc.repo_event_values import FactsOfDay, RepoEventDraft, RepoEventInputs, RepoEventKind, SideUnits
from collateral.calc.repo_events import ended_early, fail_age_days
from collateral.service.book_limits import BookAsked, book_limits
from collateral.service.eligibility_schedules import scheduled_units
from collateral.service.pledge_haircuts import PolicyHaircuts
from collateral.service.repos import fx_of, repo_haircut
from collateral.service.view import DeskView, price_used
from collateral.store import ledger
from collateral.store import repo_events as store

DEALING_DAYS = "collateral.repo_default_dealing_days"
_PRICED = frozenset({RepoEventKind.REPRICE, RepoEventKind.ADJUST, RepoEventKind.SUBSTITUTE, RepoEventKind.ROLL})
_COVERING = frozenset({RepoEventKind.ADJUST, RepoEventKind.SUBSTITUTE})
_TAKING = frozenset({*_COVERING, RepoEventKind.ROLL})
_MOST_STEPS = 40
_VALUED = frozenset({RepoEventKind.DEFAULT, RepoEventKind.CLOSE_OUT, RepoEventKind.MINI_CLOSE_OUT})


def event_inputs(session: Session, actor: Actor, repo: Repo, draft: RepoEventDraft, view: DeskView) -> RepoEventInputs:
    """Collect everything an event hangs on.

    Raises:
        MissingData: A price, a rate, a haircut or a parameter is not known.
        InvalidInput: The notice would not end the repo before its agreed day.
    """
    unit = draft.unit or repo.terms.unit
    is_priced = draft.kind in _PRICED
    inputs = RepoEventInputs(
        asked=draft,
        on=view.day,
        terms=repo.terms,
        state=repo.state,
        margin_cash_amount=repo.margin_cash_amount,
        margin_units_t=repo.margin_units_t,
        margin_steps=repo.margin_steps or None,
        fx=fx_of(session, view, repo.terms),
        price=price_used(view, unit) if is_priced else None,
        haircut=None,
        facts=_facts(session, actor, repo, draft, view),
        schedules=scheduled_units(view, (unit,)) if draft.kind in _TAKING and repo.is_own else None,
    )
    if not is_priced:
        return inputs
    haircuts = PolicyHaircuts.read(session, actor, view, keeps=False)
    terms = repo.terms
    if draft.kind in _TAKING and repo.is_own:
        asked = BookAsked(
            pledgor_id=repo.seller_id, units=(terms.unit, unit), added=(unit,), without_repos=(terms.code,)
        )
        price_out = _price(view, terms.unit) if unit != terms.unit else None
        inputs = replace(inputs, book=book_limits(session, actor, haircuts, asked), price_out=price_out)
    if draft.kind is RepoEventKind.ROLL and draft.repurchase_date is not None:
        terms = replace(terms, repurchase_date=draft.repurchase_date)
    if draft.kind is RepoEventKind.SUBSTITUTE and draft.quantity_t is not None:
        terms = replace(terms, quantity_t=draft.quantity_t)
    elif draft.kind in _COVERING:
        return _covering(haircuts, repo, unit, inputs)
    return replace(inputs, haircut=_haircut(haircuts, repo, unit, terms))


def _price(view: DeskView, unit: Unit) -> PriceUsed | None:
    try:
        return price_used(view, unit)
    except MissingData:
        return None


def _haircut(haircuts: PolicyHaircuts, repo: Repo, unit: Unit, terms: RepoTerms) -> Haircut:
    """Give the haircut of what would stand behind the repo after the event, until the end it would have."""
    return repo_haircut(haircuts, terms, seller_id=repo.seller_id, unit=unit, margin_units_t=repo.margin_units_t)


def _covering(haircuts: PolicyHaircuts, repo: Repo, unit: Unit, inputs: RepoEventInputs) -> RepoEventInputs:
    """Give the inputs with the haircut of the fewest tonnes that cover by it: more tonnes may take a larger haircut.

    Raises:
        NotApplicable: Each larger number of tonnes asks for still more.
    """
    quantity_t = units_needed_t(inputs, haircut_ratio=Decimal(0))
    for _ in range(_MOST_STEPS):
        terms = replace(repo.terms, quantity_t=quantity_t)
        found = replace(inputs, haircut=_haircut(haircuts, repo, unit, terms))
        needed_t = units_needed_t(found)
        if needed_t <= quantity_t:
            return found
        quantity_t = needed_t
    raise NotApplicable(
        f"{unit}: at {quantity_t} t the haircut still grows faster than the cover", field="quantity_t",
        zh=f"{unit}：数量增至 {quantity_t} 吨时折扣系数仍在上升，无法覆盖",
        remedy="Take another unit, or repay part in cash.", remedy_zh="请改用其他品种，或以现金部分偿还。",
    )  # fmt: skip


def fail_age(session: Session, repo: Repo, *, on: date, known_at: datetime) -> int | None:
    """Give for how many open days of the exchange a repo's settlement has been failing; None where it is not."""
    due = {"START_FAILED": repo.terms.purchase_date, "END_FAILED": repo.terms.repurchase_date}.get(repo.state)
    if due is None:
        return None
    return fail_age_days(due_on=due, on=on, calendar=calendar_on(session, "exchange", known_at))


def _facts(session: Session, actor: Actor, repo: Repo, draft: RepoEventDraft, view: DeskView) -> FactsOfDay:
    ends_on = None
    if draft.kind is RepoEventKind.TERMINATE and draft.notice_days is not None and repo.state == "OPEN":
        ends_on = ended_early(
            repo.terms, noticed_on=view.day, notice_days=draft.notice_days, calendar=view.calendar
        ).repurchase_date
    failing, defaulter, defaulted_on = _recorded_before(session, actor, repo)
    if draft.kind is RepoEventKind.MINI_CLOSE_OUT:
        defaulter, defaulted_on = failing, view.day
    elif draft.kind is RepoEventKind.DEFAULT:
        defaulter, defaulted_on = draft.party, view.day
    else:
        defaulter, defaulted_on = defaulter or draft.party, defaulted_on or draft.defaulted_on
    days = view.on(DEALING_DAYS) if draft.kind in _VALUED else None
    return FactsOfDay(
        ends_on=ends_on,
        failing=failing,
        age_days=fail_age(session, repo, on=view.day, known_at=view.standing.known_at),
        defaulter=defaulter,
        defaulted_on=defaulted_on,
        valuation_day=None
        if days is None or defaulted_on is None
        else default_valuation_day(defaulted_on=defaulted_on, dealing_days=days.integer, calendar=view.calendar),
        dealing_days=None if days is None else days.integer,
        dealing_days_confirmed=days is None or days.confirmed,
        held=_held(session, actor, repo, {repo.terms.unit, draft.unit or repo.terms.unit}),
    )


def _recorded_before(
    session: Session, actor: Actor, repo: Repo
) -> tuple[RepoSide | None, RepoSide | None, date | None]:
    failing = defaulter = defaulted_on = None
    for one in store.events_of(session, actor, repo_id=repo.id):
        if one.kind is RepoEventKind.FAIL:
            failing = one.party
        elif one.kind is RepoEventKind.DEFAULT:
            defaulter, defaulted_on = one.party, one.business_date
    return failing, defaulter, defaulted_on


def _held(session: Session, actor: Actor, repo: Repo, units: set[Unit]) -> tuple[SideUnits, ...]:
    found = []
    for side, party_id in ((RepoSide.SELLER, repo.seller_id), (RepoSide.BUYER, repo.buyer_id)):
        positions = ledger.positions_of(session, actor, party_id=party_id)
        found += [
            SideUnits(side=side, unit=unit, free_t=sum(one.free_t for one in positions if one.unit == unit))
            for unit in sorted(units, key=str)
        ]
    return tuple(found)
