"""Letters about the rate of a note: a reset to the LPR, a concession that stopped or is back."""

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import NotFound
from carbonfin.storage.decisions import load_inputs
from carbonfin.storage.parties import load_organization, load_party
from loans import workbooks
from loans.calc.jiangtandai import RATE_KIND
from loans.calc.servicing.concession_stops import CONCESSION_STOP_KIND
from loans.store import notes as note_store
from loans.store import rate_turns as store

RESET, CONCESSION = "reset", "concession"


def rate_letter_pdf(session: Session, actor: Actor, code: str, notice: str) -> bytes:
    """Set a notice of the rate, such as `reset-1`, as PDF from what was decided; the same bytes each time.

    Raises:
        NotFound: There is no such note, or no notice of that kind and number.
    """
    kind, _, number = notice.partition("-")
    note = note_store.load_note(session, actor, code)
    borrower = load_party(session, actor, note.party_id)
    bank = load_organization(session, actor.organization_id).name
    if kind == RESET:
        for reset, made_at in store.resets_of(session, actor, note_ids=(note.id,)).get(note.id, ()):
            if str(reset.number) == number:
                lpr = load_inputs(session, actor, RATE_KIND, reset.decision_id).lpr
                return workbooks.reset_letter(
                    reset, note, borrower=borrower, bank=bank, lpr_confirmed=lpr.confirmed, created_at=made_at
                )
    elif kind == CONCESSION:
        for turn, made_at in store.turns_of(session, actor, note_ids=(note.id,)).get(note.id, ()):
            if str(turn.number) == number:
                agreed = load_inputs(session, actor, CONCESSION_STOP_KIND, turn.decision_id).clause_on(turn.known_from)
                clause = None if agreed is None else agreed.clause
                words = ("合同未约定", "the contract says nothing") if clause is None else clause.words()
                return workbooks.concession_letter(
                    turn, note, clause=words, borrower=borrower, bank=bank, created_at=made_at
                )
    raise NotFound(f"note {code} has no rate notice {notice}", zh=f"借据 {code} 没有该通知", field="rate_notice")
