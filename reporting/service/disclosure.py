"""A bank's disclosures from its books: loans, what their products are, what borrowers emit and earn."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.parties import Party
from carbonfin.kernel.units import round_half_up
from carbonfin.rules.parameters import ParameterBook, ParameterValue
from carbonfin.storage.parties import Standing, parties_of
from loans.calc.accounts import AccountYear
from loans.calc.green import GreenCategory
from loans.calc.notes import LoanNote
from loans.service import account_view, account_years, green_categories_by_note, notes_of
from reporting import workbooks
from reporting.calc.disclosure import FACILITY_FIELD_KEY, DisclosedLoan, Disclosure, disclosure_of, facility_field
from reporting.service.rulebook import subsidy_book

BASIS = "reporting.disclosure_basis"
_Classes = dict[tuple[str, str], ParameterValue]
_Years = tuple[tuple[int, int], AccountYear | None]
TABLES = ("facility", "catalogue", "summary", "financed")


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureView:
    """The disclosures of a bank with what they stand on.

    Attributes:
        bases: By table, the text it stands on; None where none is known.
        classes: What products of the loans are said to be; only what a person has confirmed is counted.
    """

    body: str
    is_sample: bool
    found: Disclosure
    bases: tuple[tuple[str, ParameterValue | None], ...]
    classes: tuple[ParameterValue, ...]


def disclosure_view(session: Session, actor: Actor, *, standing: Standing) -> DisclosureView:
    """Make the disclosures of the actor's bank as of its business date; nothing is kept.

    Raises:
        InvalidInput: A product is said to be of a field that the facility does not have.
    """
    book, as_of = subsidy_book(session, actor), standing.business_date
    known_at = end_of_china_day(as_of)
    parties = {party.id: party for party in parties_of(session, actor)}
    notes = [note for note in notes_of(session, actor) if note.terms.drawdown_date <= as_of]
    borrowers = dict.fromkeys(note.party_id for note in notes)
    years = {party_id: _years(session, actor, party_id, standing) for party_id in borrowers}
    classes = _classes(book, (note.product for note in notes), as_of)
    green = green_categories_by_note(session, actor, standing=standing)
    loans = [_loan(note, parties[note.party_id], classes, years[note.party_id], green) for note in notes]
    return DisclosureView(
        body=standing.name, is_sample=standing.is_sample, found=disclosure_of(loans, as_of=as_of),
        bases=tuple((name, book.find(BASIS, valid_on=as_of, known_at=known_at, scope=name)) for name in TABLES),
        classes=tuple(classes[key] for key in sorted(classes)),
    )  # fmt: skip


def disclosure_workbook(view: DisclosureView) -> bytes:
    """Give all tables as xlsx."""
    return workbooks.disclosure_xlsx(view.found, view.bases, view.classes, body=view.body, is_sample=view.is_sample)


def disclosure_stem(view: DisclosureView) -> str:
    """Name the workbook's file."""
    return f"环境信息披露-{view.found.quarter}-{view.found.as_of}" + ("-示例" if view.is_sample else "")


def _years(session: Session, actor: Actor, party_id: str, standing: Standing) -> _Years | None:
    """Give the last year whose emissions are known, with them in whole tonnes and the accounts of that year."""
    years = account_view(session, actor, party_id, known_at=standing.known_at).years
    known = {one.facts.year: one.emissions.emissions_t for one in years if one.emissions is not None}
    if not known:
        return None
    year = max(known)
    accounts = {one.activity.year: one for one in account_years(session, actor, party_id, known_at=standing.known_at)}
    return (year, int(round_half_up(known[year], 0))), accounts.get(year)


def _loan(
    note: LoanNote, party: Party, classes: _Classes, years: _Years | None, green: Mapping[str, GreenCategory]
) -> DisclosedLoan:
    category = green.get(note.code)
    (year, emissions_t), account = ((None, None), None) if years is None else years
    return DisclosedLoan(
        note_code=note.code, enterprise=party.code, enterprise_name=party.name, product=note.product,
        drawn_on=note.terms.drawdown_date, principal_cny=note.terms.principal_cny, balance_cny=note.outstanding_cny,
        rate=note.terms.rate, catalogue_code=category.code if category is not None and category.confirmed else "",
        facility_field=_counted(classes, FACILITY_FIELD_KEY, note.product),
        emissions_year=year, emissions_t=emissions_t,
        revenue_cny=None if account is None else account.revenue_cny,
        equity_plus_debt_cny=None if account is None else account.equity_plus_debt_cny,
    )  # fmt: skip


def _classes(book: ParameterBook, products: Iterable[str], as_of: date) -> _Classes:
    """Give what is said of each product, confirmed or not; a field the facility does not have is refused."""
    found: _Classes = {}
    for product in dict.fromkeys(products):
        value = book.find(FACILITY_FIELD_KEY, valid_on=as_of, known_at=end_of_china_day(as_of), scope=product)
        if value is not None and value.value:
            found[FACILITY_FIELD_KEY, product] = value
        facility_field(product, "" if value is None else value.value)
    return found


def _counted(classes: _Classes, key: str, product: str) -> str:
    """Give what a product counts under: nothing unconfirmed, for it would make the bank look greener."""
    value = classes.get((key, product))
    return value.value if value is not None and value.confirmed else ""
