"""What must still be observed before a loan's next rate: the closed year's carbon account and its rating report."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.storage.parties import load_party
from loans.calc.notes import NoteState
from loans.store import accounts, notes, term_sheets


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationDue:
    """An enterprise with a loan whose last closed year has not been observed in full.

    Attributes:
        year: The last calendar year closed on the business date.
        lacks_account: No carbon account of the year is entered.
        lacks_report: No outside rating report is entered at all.
    """

    party_id: str
    party_name: str
    party_code: str
    year: int
    lacks_account: bool
    lacks_report: bool


def observations_due(
    session: Session, actor: Actor, *, business_date: date, known_at: datetime
) -> tuple[ObservationDue, ...]:
    """Give the bank's borrowers, with a running note or a term sheet, of whom something is not yet known, by code."""
    year = business_date.year - 1
    borrowers = {note.party_id for note in notes.notes_of(session, actor) if note.state is NoteState.RUNNING}
    borrowers |= {sheet.party_id for sheet in term_sheets.latest_entries(session, actor)}
    found = []
    for party_id in borrowers:
        party = load_party(session, actor, party_id)
        years = {one.activity.year for one in accounts.account_years(session, actor, party_id, known_at=known_at)}
        report = accounts.latest_report(session, actor, party_id, usci=party.code, known_at=known_at)
        if year not in years or report is None:
            found.append(
                ObservationDue(
                    party_id=party_id,
                    party_name=party.name,
                    party_code=party.code,
                    year=year,
                    lacks_account=year not in years,
                    lacks_report=report is None,
                )
            )
    return tuple(sorted(found, key=lambda one: one.party_code))
