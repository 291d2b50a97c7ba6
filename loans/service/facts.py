"""Facts a decision takes, gathered from where they stand: parameters, calendar, LPR, account and rating report."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.errors import MissingData
from carbonfin.kernel.parties import Party
from carbonfin.rules.contracts import TableContract, require_kept
from carbonfin.rules.parameters import ParameterBook, ParameterValue
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.tables import TableVersion
from carbonfin.storage.calendars import calendar_on
from carbonfin.storage.decisions import written_text
from carbonfin.storage.kept_rows import KeptMade
from carbonfin.storage.rulebook import book_for, builtin_tables, table_book_for
from loans.calc.accounts import AccountYear
from loans.calc.contracts.terms import CalendarDays
from loans.calc.jiangtandai import (
    CONCESSION_TABLE,
    POINTS_TABLE,
    ConcessionTerms,
    RateFacts,
    RateInputs,
    RateItem,
    RateQuoted,
    single_inputs,
)
from loans.calc.loan_costs import CostTerms
from loans.calc.ratings.carbon_efficiency import RatingInputs
from loans.calc.ratings.emissions import ActivityYear, Fuel, FuelFactor
from loans.store.accounts import account_years, latest_report
from pricing.service import lpr_on

INTENSITY_BANDS = ("低碳", "中碳")
RATIO_LEVELS = ("1", "2", "3", "4")
ROLL_MARGIN = timedelta(days=30)


def parameters(session: Session, actor: Actor) -> ParameterBook:
    """Give the loan parameters: built in, and the bank's own."""
    return book_for(session, actor.organization_id, packages=("loans",))


@dataclass(frozen=True, slots=True, kw_only=True)
class LendingDefaults:
    """What a loan's terms are unless agreed otherwise."""

    settlement_day: int
    basis: DayCount


def lending_defaults(session: Session, actor: Actor, *, valid_on: date, known_at: datetime) -> LendingDefaults:
    """Give the bank's defaults for a form that nobody has filled in yet."""
    book = parameters(session, actor)
    return LendingDefaults(
        settlement_day=book.on("loans.settlement_day", valid_on=valid_on, known_at=known_at).integer,
        basis=DayCount(book.on("loans.day_count_basis", valid_on=valid_on, known_at=known_at).value),
    )


def cost_terms(session: Session, actor: Actor, *, valid_on: date, known_at: datetime) -> CostTerms:
    """Give by what a term sheet says payment and yearly cost, as far as it is known."""
    book = parameters(session, actor)
    return CostTerms(
        method=book.find("loans.annualised_cost_method", valid_on=valid_on, known_at=known_at),
        entrusted_above_cny=book.find("loans.entrusted_payment_above_cny", valid_on=valid_on, known_at=known_at),
    )


def bank_days(session: Session, *, start: date, end: date, known_at: datetime) -> CalendarDays:
    """Give the bank calendar's days of a contract's life as known at an instant."""
    return CalendarDays.of(calendar_on(session, "bank", known_at), start=start, end=end + ROLL_MARGIN)


def account_of(session: Session, actor: Actor, party: Party, *, year: int | None, known_at: datetime) -> AccountYear:
    """Give one year of an enterprise's account, the latest where none is named.

    Raises:
        MissingData: The account has no such year.
    """
    years = {account.activity.year: account for account in account_years(session, actor, party.id, known_at=known_at)}
    wanted = year if year is not None else max(years, default=None)
    if wanted is None or wanted not in years:
        named = "any year" if wanted is None else str(wanted)
        raise MissingData(
            f"the carbon account of {party.code} has no entry for {named}",
            zh=f"企业碳账户没有{'任何年度' if wanted is None else f' {wanted} 年'}的数据",
            field="year",
            remedy="Enter the year's energy and finance first.",
            remedy_zh="请先录入该年度的用能与财务数据。",
        )
    return years[wanted]


def rating_inputs(
    session: Session, actor: Actor, party: Party, *, year: int | None, known_at: datetime
) -> RatingInputs:
    """Gather what the own rating method takes for one year.

    Raises:
        MissingData: The account lacks the year, or a factor was not known.
    """
    account = account_of(session, actor, party, year=year, known_at=known_at)
    years = {one.activity.year: one.activity for one in account_years(session, actor, party.id, known_at=known_at)}
    current = account.activity
    previous = years.get(current.year - 1)
    book, on = parameters(session, actor), date(current.year, 12, 31)

    def value(key: str, scope: str) -> ParameterValue:
        return book.on(key, scope=scope, valid_on=on, known_at=known_at)

    return RatingInputs(
        name=party.name,
        usci=party.code,
        current=current,
        previous=previous,
        grid_factor=value("loans.grid_factor_t_per_mwh", account.grid_area),
        fuel_factors=fuel_factors(book, _fuels(current, previous), valid_on=on, known_at=known_at),
        value_added_cny=account.value_added_cny,
        sector_mean=account.sector_mean,
        intensity_bands=tuple(
            value("loans.carbon_efficiency.intensity_max_t_per_10k_cny", band) for band in INTENSITY_BANDS
        ),
        ratio_levels=tuple(value("loans.carbon_efficiency.ratio_to_mean_max", level) for level in RATIO_LEVELS),
    )


def fuel_factors(
    book: ParameterBook, fuels: list[Fuel], *, valid_on: date, known_at: datetime
) -> tuple[FuelFactor, ...]:
    """Give the default factors of fuels on a day as known.

    Raises:
        MissingData: A factor was not known.
    """

    def value(key: str, fuel: Fuel) -> ParameterValue:
        return book.on(key, scope=fuel.value, valid_on=valid_on, known_at=known_at)

    return tuple(
        FuelFactor(
            fuel=fuel,
            net_calorific_value=value("loans.fuel_net_calorific_value_gj", fuel),
            carbon_content=value("loans.fuel_carbon_content_tc_per_gj", fuel),
            oxidation=value("loans.fuel_oxidation_ratio", fuel),
        )
        for fuel in fuels
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedFacts:
    """What rate decisions of a day share.

    Attributes:
        facts: The facts.
        texts: Those of its fields that take long to write, as canonical texts.
    """

    facts: RateFacts
    texts: Mapping[str, str]


_SHARED: KeptMade[SharedFacts] = KeptMade()


def rate_facts(
    session: Session, actor: Actor, *, lpr_tenor: str, applies_from: date, decided_on: date, known_at: datetime
) -> RateFacts:
    """Gather what rate decisions of a day share: LPR, the bank's concession terms and table.

    Raises:
        MissingData: The LPR or one of the bank's parameters was not known.
        InvalidInput: The bank's concession table breaks its contract.
    """
    return shared_facts(
        session, actor, lpr_tenor=lpr_tenor, applies_from=applies_from, decided_on=decided_on, known_at=known_at
    ).facts


def shared_facts(
    session: Session, actor: Actor, *, lpr_tenor: str, applies_from: date, decided_on: date, known_at: datetime
) -> SharedFacts:
    """Gather what rate decisions of a day share, as `rate_facts`, with the texts of its longest parts.

    They are put together and written once for as long as every value of the rulebook is the same.
    """
    lpr = lpr_on(session, lpr_tenor, on=decided_on, known_at=known_at, organization_id=actor.organization_id)
    book = parameters(session, actor)
    terms = {
        name: book.on(f"loans.jiangtandai.{name}", valid_on=applies_from, known_at=known_at)
        for name in ("base_score", "bp_per_point", "fraction", "cap_bp", "floor_rate")
    }
    score_max = book.find("loans.jiangtandai.score_max", valid_on=applies_from, known_at=known_at)
    name, contract, table = _table(session, actor, valid_on=applies_from, known_at=known_at)
    quoted = RateQuoted(
        tenor=lpr_tenor, rate=lpr.value, published_on=lpr.published_on, source=lpr.document, confirmed=lpr.confirmed
    )

    def together() -> SharedFacts:
        # Not in the decision: a stricter contract must not keep old decisions from replaying.
        require_kept(contract, table.table)
        found = RateFacts(
            decided_on=decided_on, applies_from=applies_from, lpr=quoted,
            terms=ConcessionTerms(**terms, score_max=score_max), **{name: RecordedTable.of(table)},
        )  # fmt: skip
        return SharedFacts(facts=found, texts={one: written_text(getattr(found, one)) for one in ("terms", name)})

    return _SHARED.made((*terms.values(), score_max, table), (decided_on, applies_from, quoted), together)


def rate_inputs(
    session: Session,
    actor: Actor,
    party: Party,
    *,
    margin_bp: int,
    lpr_tenor: str,
    applies_from: date,
    decided_on: date,
    known_at: datetime,
) -> RateInputs:
    """Gather what one rate decision takes: what the day's share, and the borrower's latest report.

    Raises:
        MissingData: The LPR or one of the bank's parameters was not known.
        InvalidInput: The margin is out of range, or the bank's concession table breaks its contract.
    """
    shared = rate_facts(
        session, actor, lpr_tenor=lpr_tenor, applies_from=applies_from, decided_on=decided_on, known_at=known_at
    )
    return inputs_with(session, actor, party, shared, margin_bp=margin_bp, known_at=known_at)


def inputs_with(
    session: Session, actor: Actor, party: Party, shared: RateFacts, *, margin_bp: int, known_at: datetime
) -> RateInputs:
    """Give what one rate decision takes where what it shares with others is at hand; otherwise as `rate_inputs`."""
    report = latest_report(session, actor, party.id, usci=party.code, known_at=known_at)
    return single_inputs(shared, RateItem(usci=party.code, margin_bp=margin_bp, report=report))


def _table(
    session: Session, actor: Actor, *, valid_on: date, known_at: datetime
) -> tuple[str, TableContract, TableVersion]:
    """Give the bank's concession table for a day as known; where it has none, the table by which points count.

    Before it stand the field of `RateFacts` that it is, and the contract it is held to.

    Raises:
        MissingData: Neither table speaks of the day.
    """
    book = table_book_for(session, actor.organization_id, builtin=builtin_tables("loans"))
    own = book.find(CONCESSION_TABLE.name, valid_on=valid_on, known_at=known_at)
    if own is not None:
        return "concession_table", CONCESSION_TABLE, own
    return "points_table", POINTS_TABLE, book.on(POINTS_TABLE.name, valid_on=valid_on, known_at=known_at)


def _fuels(current: ActivityYear, previous: ActivityYear | None) -> list[Fuel]:
    used = {use.fuel for activity in (current, previous) if activity is not None for use in activity.fuels}
    return sorted(used)
