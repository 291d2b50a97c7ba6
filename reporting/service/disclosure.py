"""A bank's disclosures from its books: loans, what their products are, what borrowers emit and earn."""

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
from loans.calc.notes import LoanNote
from loans.service import account_view, account_years, notes_of
from reporting import workbooks
from reporting.calc.disclosure import FACILITY_FIELD_KEY, DisclosedLoan, Disclosure, disclosure_of, facility_field
from reporting.service.rulebook import subsidy_book

BASIS = "reporting.disclosure_basis"
_CODE = "reporting.green_catalogue_code"
_Years = tuple[tuple[int, int], AccountYear | None]
TABLES = ("facility", "catalogue", "summary", "financed")


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureView:
    """The disclosures of a bank with what they stand on.

    Attributes:
        bases: By table, the text it stands on; None where none is known.
    """

    body: str
    is_sample: bool
    found: Disclosure
    bases: tuple[tuple[str, ParameterValue | None], ...]


def disclosure_view(session: Session, actor: Actor, *, standing: Standing) -> DisclosureView:
    """Make the disclosures of the actor's bank as of its business date; nothing is kept.

    Raises:
        InvalidInput: A product is said to be of a field that the facility does not have.
    """
    book, as_of = subsidy_book(session, actor), standing.business_date
    known_at = end_of_china_day(as_of)
    parties = {party.id: party for party in parties_of(session, actor)}
    loans = [
        _loan(note, parties[note.party_id], book, _years(session, actor, note.party_id, standing), as_of=as_of)
        for note in notes_of(session, actor)
        if note.terms.drawdown_date <= as_of
    ]
    return DisclosureView(
        body=standing.name, is_sample=standing.is_sample, found=disclosure_of(loans, as_of=as_of),
        bases=tuple((name, book.find(BASIS, valid_on=as_of, known_at=known_at, scope=name)) for name in TABLES),
    )  # fmt: skip


def disclosure_workbook(view: DisclosureView) -> bytes:
    """Give all tables as xlsx."""
    return workbooks.disclosure_xlsx(view.found, view.bases, body=view.body, is_sample=view.is_sample)


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


def _loan(note: LoanNote, party: Party, book: ParameterBook, years: _Years | None, *, as_of: date) -> DisclosedLoan:
    (year, emissions_t), account = ((None, None), None) if years is None else years
    return DisclosedLoan(
        note_code=note.code, enterprise=party.code, enterprise_name=party.name, product=note.product,
        drawn_on=note.terms.drawdown_date, principal_cny=note.terms.principal_cny, balance_cny=note.outstanding_cny,
        rate=note.terms.rate, catalogue_code=_said(book, _CODE, note.product, as_of),
        facility_field=facility_field(note.product, _said(book, FACILITY_FIELD_KEY, note.product, as_of)),
        emissions_year=year, emissions_t=emissions_t,
        revenue_cny=None if account is None else account.revenue_cny,
        equity_plus_debt_cny=None if account is None else account.equity_plus_debt_cny,
    )  # fmt: skip


def _said(book: ParameterBook, key: str, product: str, as_of: date) -> str:
    value = book.find(key, valid_on=as_of, known_at=end_of_china_day(as_of), scope=product)
    return "" if value is None else value.value
