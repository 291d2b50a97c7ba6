"""Years of a carbon account as they stand: sums, invoices beside meters, emissions or what they lack."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Batch, Failure
from carbonfin.kernel.enterprises import Industry
from carbonfin.kernel.errors import CarbonFinError, MissingData
from carbonfin.kernel.parties import Party
from carbonfin.rules.known import moment_asked, was_known
from carbonfin.rules.parameters import ParameterBook
from carbonfin.storage.parties import Standing, load_party
from loans.calc.account_emissions import AccountEmissions, AccountFactors, account_emissions
from loans.calc.account_entries import AccountEntry
from loans.calc.account_facts import InvoicedEnergy, PowerMonth, YearFacts, invoiced_energy, power_by_month, year_facts
from loans.calc.ratings.emissions import Fuel
from loans.calc.ratings.rating_account import division_of
from loans.service import facts
from loans.service.account_entries import GRID_FACTOR
from loans.store import account_entries as store

HEAT_FACTOR = "loans.heat_factor_t_per_gj"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountYearView:
    """One year: its sums, electricity by month from three sides, and its emissions or why there are none.

    Attributes:
        emissions: None where `lacks` says why.
    """

    facts: YearFacts
    power: tuple[PowerMonth, ...]
    invoiced: tuple[InvoicedEnergy, ...]
    emissions: AccountEmissions | None
    lacks: CarbonFinError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """An account as known at an instant: its lines, and its years, the latest first."""

    entries: tuple[AccountEntry, ...]
    years: tuple[AccountYearView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedYears:
    """A year and the one before it as a rating takes them, both with the later year's grid factor.

    Attributes:
        factors: None where the year has no electricity entered.
        division: Of GB/T 4754; None where the enterprise has no industry.
    """

    current: YearFacts
    previous: YearFacts | None
    factors: AccountFactors | None
    division: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedYears:
    """Emissions of a year beside those of the year before, both with the later year's grid factor, tonnes.

    Attributes:
        sources: Who gave the lines of the two years, and the clause of the grid factor.
    """

    year: int
    before_t: Decimal
    after_t: Decimal
    sources: tuple[str, ...]


def rated_years(
    session: Session, actor: Actor, party: Party, *, year: int | None, standing: Standing
) -> RatedYears:  # fmt: skip
    """Give the year to be rated, the latest of the account where none is named, and the year before.

    Raises:
        MissingData: The account lacks the year.
    """
    known_at = standing.known_at
    lines = store.entries_of(session, actor, party.id, known_at=known_at)
    years = {one.year for one in lines if one.quantity is not None}
    wanted = year if year is not None else max(years, default=standing.business_date.year - 1)
    return _rated(lines, party, facts.parameters(session, actor), year=wanted, known_at=known_at)


def compared_years(
    session: Session, actor: Actor, parties: Collection[Party], *, instants: Collection[datetime]
) -> dict[datetime, dict[str, Batch[ComparedYears]]]:
    """Give every two years running of accounts as ratings compare them, oldest first; the failures say why not.

    A pair counts where the later year is said to be of one boundary and method with the one before, as in ratings.
    The accounts are asked for once, however many instants there are; what nothing was added to is not worked out again.

    Args:
        session: Where accounts are read.
        actor: Whose bank it is.
        parties: Whose accounts.
        instants: When facts and parameters count as known, each by itself.

    Returns:
        By instant and by the enterprise's code.
    """
    if not instants:
        return {}
    kept = store.versions_by_party(session, actor, [party.id for party in parties], known_at=max(instants))
    book = facts.parameters(session, actor)
    found: dict[datetime, dict[str, Batch[ComparedYears]]] = {known_at: {} for known_at in sorted(instants)}
    known_values = {known_at: _known_count(book, known_at) for known_at in found}
    for party in parties:
        versions = kept.get(party.id, ())
        before: tuple[int, int] | None = None
        batch: Batch[ComparedYears] = Batch(values=())
        for known_at, of_instant in found.items():
            # Both only ever grow, so that as many are the same ones.
            known = (sum(one.recorded_at <= known_at for one in versions), known_values[known_at])
            if known != before:
                batch = _compared_account(store.latest_known(versions, known_at=known_at), party, book, known_at)
                before = known
            of_instant[party.code] = batch
    return found


def _known_count(book: ParameterBook, known_at: datetime) -> int:
    instant, day = moment_asked(known_at)
    return sum(was_known(value, instant=instant, day=day) for value in book.values())


def _compared_account(
    lines: tuple[AccountEntry, ...], party: Party, book: ParameterBook, known_at: datetime
) -> Batch[ComparedYears]:
    years = {one.year for one in lines if one.quantity is not None}
    pairs = sorted(year for year in years if year - 1 in years)
    if not pairs:
        return Batch(values=(), failures=(Failure.of(party.code, _no_pair()),) if years else ())
    values: list[ComparedYears] = []
    failures: list[Failure] = []
    for year in pairs:
        try:
            values.append(_compared(_rated(lines, party, book, year=year, known_at=known_at)))
        except CarbonFinError as error:
            failures.append(Failure.of(f"{party.code} {year}", error))
    return Batch(values=tuple(values), failures=tuple(failures))


def _compared(rated: RatedYears) -> ComparedYears:
    current, previous = rated.current, rated.previous
    assert previous is not None, "only years that follow another are compared"
    if current.is_comparable != 1:
        raise MissingData(
            f"nobody has said that {current.year} and {previous.year} have one boundary and method",
            zh=f"未确认 {current.year} 年与上年口径一致", field="is_comparable",
            remedy="Enter 1 for `comparable` once it is checked.", remedy_zh="核对后请录入“与上年口径一致”。",
        )  # fmt: skip
    if rated.factors is None:
        raise _no_electricity(current.year)
    after, before = (account_emissions(one, rated.factors)[0].emissions_t for one in (current, previous))
    sources = {*current.sources, *previous.sources, rated.factors.grid.clause}
    return ComparedYears(year=current.year, before_t=before, after_t=after, sources=tuple(sorted(sources - {""})))


def _rated(
    lines: tuple[AccountEntry, ...], party: Party, book: ParameterBook, *, year: int, known_at: datetime
) -> RatedYears:
    years = {one.year for one in lines if one.quantity is not None}
    current = year_facts(lines, year)
    previous = year_facts(lines, year - 1) if year - 1 in years else None
    if current.is_key_emitter is None and party.key_emitter is not None:
        current = replace(current, is_key_emitter=int(party.key_emitter))
    pair = (current,) if previous is None else (current, previous)
    return RatedYears(
        current=current,
        previous=previous,
        factors=None
        if current.factor_year is None
        else factors_of(book, current, grid_of=current, fuels_of=pair, known_at=known_at),
        division=None if party.industry is None else division_of(Industry(party.industry)),
    )


def account_view(session: Session, actor: Actor, party_id: str, *, known_at: datetime) -> AccountView:
    """Give an account with each of its years; nothing is stored.

    Raises:
        NotFound: The bank knows no such enterprise.
    """
    load_party(session, actor, party_id)
    entries = store.entries_of(session, actor, party_id, known_at=known_at)
    book = facts.parameters(session, actor)
    years = sorted({one.year for one in entries if one.quantity is not None}, reverse=True)
    return AccountView(entries=entries, years=tuple(_year(entries, year, book, known_at=known_at) for year in years))


def _year(entries: tuple[AccountEntry, ...], year: int, book: ParameterBook, *, known_at: datetime) -> AccountYearView:
    own, emissions, lacks = year_facts(entries, year), None, None
    try:
        emissions, _ = account_emissions(own, factors_of(book, own, grid_of=own, fuels_of=(own,), known_at=known_at))
    except CarbonFinError as error:
        lacks = error
    return AccountYearView(
        facts=own, power=power_by_month(entries, year), invoiced=invoiced_energy(entries, year), emissions=emissions,
        lacks=lacks,
    )  # fmt: skip


def factors_of(
    book: ParameterBook,
    own: YearFacts,
    *,
    grid_of: YearFacts,
    fuels_of: tuple[YearFacts, ...],
    known_at: datetime,
) -> AccountFactors:
    """Give the factors of a year's emissions.

    Args:
        book: Where they stand.
        own: The year.
        grid_of: The year whose grid factor applies: that of the later year where two are compared.
        fuels_of: The years whose fuels need factors.
        known_at: What was known then.

    Raises:
        MissingData: Electricity is not entered, or a factor was not known.
    """
    if grid_of.factor_year is None:
        raise _no_electricity(grid_of.year)
    on = date(own.year, 12, 31)
    used: set[Fuel] = {use.fuel for one in fuels_of for use in one.fuels}
    has_heat = any(one.heat_gj is not None for one in fuels_of)
    return AccountFactors(
        grid=book.on(
            GRID_FACTOR, scope=grid_of.grid_area, valid_on=date(grid_of.factor_year, 12, 31), known_at=known_at
        ),
        fuels=facts.fuel_factors(book, sorted(used), valid_on=on, known_at=known_at),
        heat=book.on(HEAT_FACTOR, valid_on=on, known_at=known_at) if has_heat else None,
    )


def _no_pair() -> MissingData:
    return MissingData(
        "the carbon account has no two years running", zh="企业碳账户没有连续两年的明细", field="previous",
        remedy="Enter the lines of the year before.", remedy_zh="请补录上一年度明细。",
    )  # fmt: skip


def _no_electricity(year: int) -> MissingData:
    return MissingData(
        f"electricity of {year} is not known", zh=f"缺少 {year} 年用电量", field="electricity_kwh",
        remedy="Enter it; write 0 where none was used.", remedy_zh="请补录；确实没有的填 0。",
    )  # fmt: skip
