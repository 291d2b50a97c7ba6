"""Years of a carbon account as they stand: sums, invoices beside meters, emissions or what they lack."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import CarbonFinError, MissingData
from carbonfin.rules.parameters import ParameterBook
from carbonfin.storage.parties import load_party
from loans.calc.account_emissions import AccountEmissions, AccountFactors, account_emissions
from loans.calc.account_entries import AccountEntry
from loans.calc.account_facts import PowerMonth, YearFacts, power_by_month, year_facts
from loans.calc.ratings.emissions import Fuel
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
    emissions: AccountEmissions | None
    lacks: CarbonFinError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """An account as known at an instant: its lines, and its years, the latest first."""

    entries: tuple[AccountEntry, ...]
    years: tuple[AccountYearView, ...]


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
    return AccountYearView(facts=own, power=power_by_month(entries, year), emissions=emissions, lacks=lacks)


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
        raise MissingData(
            f"electricity of {grid_of.year} is not known", zh=f"缺少 {grid_of.year} 年用电量", field="electricity_kwh",
            remedy="Enter it; write 0 where none was used.", remedy_zh="请补录；确实没有的填 0。",
        )  # fmt: skip
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
